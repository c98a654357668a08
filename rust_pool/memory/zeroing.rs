// SPDX-License-Identifier: GPL-2.0

//! Follows the kernel's `init_on_alloc` and `init_on_free` for blocks that come out of a magazine.

use crate::sys::{
    self,
    arch::read_once,
    raw, //
};
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// `POOL_ZERO_ALLOCATION`, which asks for the same as `init_on_alloc`.
pub(crate) const ZERO: u32 = raw::POOL_ZERO_ALLOCATION;
const ON_ALLOC: u32 = ZERO;
const ON_FREE: u32 = 1;

static POLICY: Atomic<u32> = Atomic::new(0);

/// Reads the kernel's settings.
pub(crate) fn init() {
    let on_alloc = if sys::inits_on_alloc() { ON_ALLOC } else { 0 };
    let on_free = if sys::inits_on_free() { ON_FREE } else { 0 };
    POLICY.store(on_alloc | on_free, Relaxed);
}

/// Whether a block is to be zeroed when it is handed out.
#[inline]
pub(crate) fn zeroes(wanted: bool) -> bool {
    wanted || read_once::read(&POLICY) & ON_ALLOC != 0
}

/// Whether to zero it, for a request with the modifiers of a POOL_TYPE.
#[inline(always)]
pub(crate) fn zeroes_for(pool_type: u32) -> bool {
    (pool_type | read_once::read(&POLICY)) & ZERO != 0
}

/// Whether a block is to be zeroed when it is freed.
#[inline]
pub(crate) fn wipes() -> bool {
    read_once::read(&POLICY) & ON_FREE != 0
}
