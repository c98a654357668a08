// SPDX-License-Identifier: GPL-2.0

//! Whether somebody looks at each block: the verifier or a tracer. Then pool leaves its fast path.

use crate::sys::{
    arch::read_once,
    raw, //
};
use kernel::{
    jump_label::static_branch_unlikely,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// Whether somebody looks at each block. While nobody does, this is a `nop`.
#[inline(always)]
pub(crate) fn watched() -> bool {
    // SAFETY: `rust_pool_watch_switch` is a static of this type, with an initialised static key in
    // its field `key`: see `sys/tracepoints.c`.
    unsafe { static_branch_unlikely!(raw::rust_pool_watch_switch, raw::rust_pool_switch, key) }
}

/// Whether the verifier is on. While it is off, this is a `nop`.
#[inline(always)]
pub(crate) fn verified() -> bool {
    // SAFETY: `rust_pool_verifier_switch` is a static of this type, with an initialised static key
    // in its field `key`: see `sys/helpers.c`.
    unsafe { static_branch_unlikely!(raw::rust_pool_verifier_switch, raw::rust_pool_switch, key) }
}

/// Switches the verifier on or off, one call at a time. Sleeps.
pub(crate) fn verify(on: bool) {
    // SAFETY: The keys that it changes are static.
    unsafe { raw::rust_pool_verifier_enable(on) };
}

/// How many look at each free of the C API's pool. Each scatter/gather list that uses memory is
/// one, and all tracers together are one.
static FREES: Atomic<u64> = Atomic::new(0);

/// Whether somebody looks at each free of the C API's pool. Any context.
#[inline(always)]
pub(crate) fn frees_watched() -> bool {
    read_once::read(&FREES) != 0
}

/// As long as such a value exists, [`frees_watched`] is true.
pub(crate) struct WatchedFrees(());

impl WatchedFrees {
    /// Begins to look at frees.
    pub(crate) fn new() -> Self {
        FREES.add(1, Relaxed);
        Self(())
    }
}

impl Drop for WatchedFrees {
    fn drop(&mut self) {
        FREES.fetch_sub(1, Relaxed);
    }
}

/// Begins or ends to look at frees, for C code, which cannot keep a [`WatchedFrees`].
pub(crate) fn watch_frees(watch: bool) {
    if watch {
        // The call that ends it drops another value instead.
        core::mem::forget(WatchedFrees::new());
    } else {
        drop(WatchedFrees(()));
    }
}
