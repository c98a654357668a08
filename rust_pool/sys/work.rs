// SPDX-License-Identifier: GPL-2.0

//! Work items, and what may be waited for; see `work.c`.

use crate::sys::{
    context,
    pressure,
    raw, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// What the work items need, until it is dropped.
pub(crate) struct Workers(());

impl Workers {
    /// Sleeps.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: Called once, by the module's init; `drop()` undoes it.
        to_result(unsafe { raw::rust_pool_work_init() })?;
        Ok(Self(()))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // SAFETY: `new()` made it, and nobody asks for work any more.
        unsafe { raw::rust_pool_work_exit() }
    }
}

/// Queues the work item that gives memory back. Any context but NMI.
pub(crate) fn give_soon() {
    // SAFETY: To queue a work item is allowed there, and the queue is there while the module is.
    unsafe { raw::rust_pool_give_soon() }
}

/// Queues the work item that drops references to devices. Any context but NMI.
pub(crate) fn part_soon() {
    // SAFETY: As above.
    unsafe { raw::rust_pool_part_soon() }
}

/// Queues the work item for rows, caches and the verifier's branch. Any context but NMI.
pub(crate) fn defer() {
    // SAFETY: As above.
    unsafe { raw::rust_pool_upkeep_soon() }
}

/// Waits for all three work items. Sleeps; only for the module's exit, when no client is left.
pub(crate) fn finish_work() {
    // SAFETY: Called by the module's exit, never from a work item.
    unsafe { raw::rust_pool_work_finish() }
}

/// Whether the code of others may be called here, which may sleep, wait for this module, and take
/// long.
pub(crate) fn may_call_others() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_may_call_others() }
}

/// Whether memory's attributes may be changed and page frames emptied: where sleeping is allowed,
/// but not in reclaim, for the kernel waits there for a work item that may need memory itself.
pub(crate) fn may_change_pages() -> bool {
    context::irql().may_sleep() && !pressure::in_reclaim()
}

/// The task that this is, as a number.
pub(crate) fn task() -> usize {
    // SAFETY: May be called anywhere.
    let task = unsafe { bindings::get_current() };
    task as usize
}

/// What may be waited for.
#[derive(Clone, Copy)]
pub(crate) enum Awaited {
    /// A common buffer is given back.
    Given,
    /// A device is let go.
    Parted,
}

impl Awaited {
    fn raw(self) -> u32 {
        match self {
            Self::Given => raw::RUST_POOL_GIVING,
            Self::Parted => raw::RUST_POOL_PARTING,
        }
    }
}

/// Runs `f`, for which others may wait, and tells lockdep so. Call [`wake`] when they should look
/// again.
pub(crate) fn doing<T>(event: Awaited, work: impl FnOnce() -> T) -> T {
    // SAFETY: The map is static, and released below by the same task.
    unsafe { raw::rust_pool_doing(event.raw()) };
    let done = work();
    // SAFETY: It was acquired above.
    unsafe { raw::rust_pool_done(event.raw()) };
    done
}

/// Tells lockdep that code of others is called here, which may wait for us.
pub(crate) fn about_to_call_others() {
    for what in [raw::RUST_POOL_GIVING, raw::RUST_POOL_NO_OTHERS] {
        // SAFETY: The map is static, and released at once.
        unsafe {
            raw::rust_pool_doing(what);
            raw::rust_pool_done(what);
        }
    }
}

/// Wakes those who wait, to look again. Any context but NMI.
pub(crate) fn wake() {
    // SAFETY: As above.
    unsafe { raw::rust_pool_wake() }
}

/// Waits until `ready`. Sleeps; what is waited for calls [`wake`] when it is done.
pub(crate) fn wait_until(event: Awaited, ready: impl Fn() -> bool) {
    /// # Safety
    ///
    /// `arg` is a pointer to an `F` that nobody changes.
    unsafe extern "C" fn call<F: Fn() -> bool>(arg: *mut c_void) -> bool {
        // SAFETY: By the safety requirements.
        unsafe { (*arg.cast::<F>())() }
    }
    fn pair<F: Fn() -> bool>(
        ready: &F,
    ) -> (unsafe extern "C" fn(*mut c_void) -> bool, *mut c_void) {
        (call::<F>, core::ptr::from_ref(ready).cast_mut().cast())
    }
    let (function, arg) = pair(&ready);
    // SAFETY: The function is called with its closure, before this returns.
    unsafe { raw::rust_pool_wait(event.raw(), Some(function), arg) }
}
