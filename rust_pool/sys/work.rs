// SPDX-License-Identifier: GPL-2.0

//! The work items, and who may wait for what; see `work.c`.

use crate::sys::{
    context,
    percpu_memory::Cpu,
    raw,
    reclaim, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

/// The queue of the work items. It exists as long as this value.
pub(crate) struct Workers(());

impl Workers {
    /// Makes the queue. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: Only the module's init calls it, once, so no queue is overwritten.
        to_result(unsafe { raw::rust_pool_work_init() })?;
        Ok(Self(()))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // SAFETY: `new()` made the queue. The module's exit drops this value after all that queues
        // work.
        unsafe { raw::rust_pool_work_exit() }
    }
}

/// Queues the work item that gives memory back. Any context but NMI.
pub(crate) fn give_soon() {
    // SAFETY: The work item is static, and its queue exists from the module's init to its exit.
    unsafe { raw::rust_pool_give_soon() }
}

/// Queues the work item that drops references to devices. Any context but NMI.
pub(crate) fn part_soon() {
    // SAFETY: The work item is static, and its queue is the kernel's.
    unsafe { raw::rust_pool_part_soon() }
}

/// Queues the work item that grants the channels of adapters. Any context but NMI.
pub(crate) fn grant_soon() {
    // SAFETY: The work item is static, and its queue is the kernel's.
    unsafe { raw::rust_pool_grant_soon() }
}

/// Queues the work item for rows, caches and the verifier's static key. Any context but NMI.
pub(crate) fn defer() {
    // SAFETY: The work item is static, and its queue is the kernel's.
    unsafe { raw::rust_pool_upkeep_soon() }
}

/// Queues the work item that unpins pages. Any context but NMI.
pub(crate) fn unpin_soon() {
    // SAFETY: The work item is static, and its queue is the kernel's.
    unsafe { raw::rust_pool_unpin_soon() }
}

/// Queues the work item that unpins pages for a little later, unless it is to run earlier. Any
/// context but NMI.
pub(crate) fn unpin_later() {
    // SAFETY: The work item is static, and its queue is the kernel's.
    unsafe { raw::rust_pool_unpin_later() }
}

/// Queues the work item that ages the depot, for a while later. Any context but NMI.
pub(crate) fn age_later() {
    // SAFETY: The work item is static, and its queue is the kernel's.
    unsafe { raw::rust_pool_age_later() }
}

/// Queues the work item that trims a CPU's magazines. Any context but NMI.
pub(crate) fn trim_soon(cpu: Cpu) {
    // SAFETY: The work items are in static per-CPU memory, and their queue is the kernel's.
    unsafe { raw::rust_pool_trim_soon(cpu.number()) }
}

/// Waits for all work items. Sleeps; only the module's exit may call this, when no client is
/// left.
pub(crate) fn finish_work() {
    // SAFETY: The work items are static. Only the module's exit calls this, which is not a work
    // item, so it does not wait for itself.
    unsafe { raw::rust_pool_work_finish() }
}

/// Sleeps for two milliseconds, before another look at something.
pub(crate) fn nap() {
    fsleep(Delta::from_millis(2));
}

/// Whether code of other modules may be called here. It may sleep, wait for this module, and run
/// for long.
pub(crate) fn may_call_others() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_may_call_others() }
}

/// Whether the cache types of pages may be changed here, and page frames allocated by number: where
/// code may sleep, but not in reclaim, as the kernel waits for a work item that may itself allocate
/// memory.
pub(crate) fn may_change_pages() -> bool {
    context::irql().may_sleep() && !reclaim::in_reclaim()
}

/// The current task, as a number to compare.
pub(crate) fn task() -> usize {
    // SAFETY: May be called anywhere. The task is not accessed.
    let task = unsafe { bindings::get_current() };
    task as usize
}

/// An event that a task may wait for.
#[derive(Clone, Copy)]
pub(crate) enum Awaited {
    /// A common buffer has been given back.
    Given,
    /// A mapping of registers that has no record any more has been undone.
    Unmapped,
    /// The reference to a device has been dropped.
    Parted,
    /// A call that uses a device has ended.
    Used,
    /// A routine that got an adapter's channel has returned.
    Granted,
}

impl Awaited {
    fn raw(self) -> u32 {
        match self {
            Self::Given => raw::RUST_POOL_GIVING,
            Self::Unmapped => raw::RUST_POOL_UNMAPPING,
            Self::Parted => raw::RUST_POOL_PARTING,
            Self::Used => raw::RUST_POOL_USING,
            Self::Granted => raw::RUST_POOL_GRANTING,
        }
    }
}

/// Runs `work`, for whose end others may wait, and tells lockdep so. Call [`wake`] afterwards.
pub(crate) fn doing<T>(event: Awaited, work: impl FnOnce() -> T) -> T {
    // SAFETY: The lockdep map is static. It is released below, by the same task.
    unsafe { raw::rust_pool_doing(event.raw()) };
    let done = work();
    // SAFETY: It was acquired above.
    unsafe { raw::rust_pool_done(event.raw()) };
    done
}

/// Tells lockdep that code of others is called here, which may wait for us.
pub(crate) fn about_to_call_others() {
    for what in [raw::RUST_POOL_GIVING, raw::RUST_POOL_NO_OTHERS] {
        // SAFETY: The lockdep map is static. It is released at once, by the same task.
        unsafe {
            raw::rust_pool_doing(what);
            raw::rust_pool_done(what);
        }
    }
}

/// Makes all waiters check their condition again. Any context but NMI.
pub(crate) fn wake() {
    // SAFETY: The wait queue is static.
    unsafe { raw::rust_pool_wake() }
}

/// Waits until `ready` returns `true`. Sleeps. Whoever changes the condition calls [`wake`].
pub(crate) fn wait_until(event: Awaited, ready: impl Fn() -> bool) {
    /// # Safety
    ///
    /// `arg` points to an `F` that is alive, and that nobody changes, during the call.
    unsafe extern "C" fn call<F: Fn() -> bool>(arg: *mut c_void) -> bool {
        // SAFETY: By the safety requirements, it may be borrowed.
        unsafe { (*arg.cast::<F>())() }
    }
    fn pair<F: Fn() -> bool>(
        ready: &F,
    ) -> (unsafe extern "C" fn(*mut c_void) -> bool, *mut c_void) {
        (call::<F>, core::ptr::from_ref(ready).cast_mut().cast())
    }
    let (function, arg) = pair(&ready);
    // SAFETY: The C function calls `function` with `arg` only, and not after it has returned. `arg`
    // points to `ready`, for which `function` was made, and which lives until then.
    unsafe { raw::rust_pool_wait(event.raw(), Some(function), arg) }
}
