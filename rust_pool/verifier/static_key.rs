// SPDX-License-Identifier: GPL-2.0

//! The static key of the verifier.

use crate::sys::raw;
use kernel::jump_label::static_branch_unlikely;

/// Whether the verifier is on. While it is off, this is a `nop`.
#[inline(always)]
pub(crate) fn on() -> bool {
    // SAFETY: `rust_pool_verifier_switch` is a static of this type, with an initialised static key
    // in its field `key`: see `sys/helpers.c`.
    unsafe { static_branch_unlikely!(raw::rust_pool_verifier_switch, raw::rust_pool_switch, key) }
}
