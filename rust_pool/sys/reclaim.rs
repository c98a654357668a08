// SPDX-License-Identifier: GPL-2.0

//! Whether a task is in reclaim, or in an OOM notifier; see `reclaim.c`.

use crate::sys::{
    context,
    raw, //
};

/// Whether this task is in reclaim, as a shrinker is, or in an OOM notifier.
pub(crate) fn in_reclaim() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_in_reclaim() }
}

/// Whether an allocation of this task may wait for memory: where it may sleep, but not in an OOM
/// notifier. In reclaim the kernel itself does not wait.
pub(crate) fn may_wait_for_memory() -> bool {
    // SAFETY: May be called anywhere.
    let last_resort = unsafe { raw::rust_pool_in_last_resort() };
    context::irql().may_sleep() && !last_resort
}
