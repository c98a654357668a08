// SPDX-License-Identifier: GPL-2.0

//! A lock that is held for a few dozen instructions, and that nobody has to get.
//!
//! The kernel's spinlocks are function calls in a kernel that does not inline them, and whoever
//! wants one waits until he has it. Here both ends are one instruction, and whoever does not get
//! the lock soon does something else. So it may be taken in any context, even in an interrupt of a
//! CPU that holds it, and there is no order in which such locks have to be taken.

use crate::sys::arch::{
    percpu::PreemptDisabled,
    read_once, //
};
use core::{
    arch::asm,
    cell::UnsafeCell, //
};
use kernel::sync::atomic::Atomic;

/// How often to look whether the lock is free. Its holder may have been interrupted, even by us.
const LOOKS: u32 = 100;

/// Data behind such a lock.
///
/// # Invariants
///
/// `held` is 0, or else 1, and then one CPU in [`Self::with`] has the only reference to `data`.
pub(crate) struct ShortLock<T> {
    held: Atomic<u32>,
    data: UnsafeCell<T>,
}

// SAFETY: By the type invariant one CPU at a time has a reference to the data.
unsafe impl<T: Send> Sync for ShortLock<T> {}

impl<T> ShortLock<T> {
    /// Data that nobody uses yet.
    pub(crate) const fn new(data: T) -> Self {
        // INVARIANT: `held` is 0.
        Self {
            held: Atomic::new(0),
            data: UnsafeCell::new(data),
        }
    }

    /// Calls `work` with the data; `None` if another CPU, or what this one was interrupted in, has
    /// it for long. `work` calls nothing that takes long. Any context.
    #[inline(always)]
    pub(crate) fn with<R>(
        &self,
        _cpu: &PreemptDisabled,
        work: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        if !self.acquire() && !self.wait() {
            return None;
        }
        // SAFETY: By the type invariant nobody else has a reference, as this CPU set `held`.
        let result = work(unsafe { &mut *self.data.get() });
        // SAFETY: The word is ours to write. Neither the compiler, as the assembly may access any
        // memory, nor the processor moves earlier accesses behind this store.
        // INVARIANT: The reference is gone.
        unsafe {
            asm!(
                "mov dword ptr [{held}], 0",
                held = in(reg) self.held.as_ptr(),
                options(nostack, preserves_flags),
            )
        };
        Some(result)
    }

    /// Takes the lock if it is free.
    #[inline(always)]
    fn acquire(&self) -> bool {
        let mut held = 1u32;
        // SAFETY: The operand is the lock's word, which is changed by single instructions only.
        // Later accesses are not moved before this one, by the compiler or the processor.
        // INVARIANT: If the word was 0, this CPU is the one that has the data.
        unsafe {
            asm!(
                "xchg dword ptr [{at}], {held:e}",
                at = in(reg) self.held.as_ptr(),
                held = inout(reg) held,
                options(nostack, preserves_flags),
            )
        };
        held == 0
    }

    /// Takes the lock if it becomes free soon.
    #[cold]
    #[inline(never)]
    fn wait(&self) -> bool {
        for _ in 0..LOOKS {
            if read_once::read(&self.held) == 0 && self.acquire() {
                return true;
            }
            core::hint::spin_loop();
        }
        false
    }

    /// Where the data is, for those who look at it without the lock: each word may have any value
    /// that it had or will have.
    pub(crate) fn data(&self) -> *const T {
        self.data.get()
    }
}

#[kernel::macros::kunit_tests(rust_pool_short_lock)]
mod tests {
    use super::*;

    #[test]
    fn whoever_holds_it_does_not_wait_for_himself() {
        let lock = ShortLock::new(1);
        let cpu = PreemptDisabled::new();
        let inner = lock.with(&cpu, |data| {
            *data += 1;
            lock.with(&cpu, |data| *data += 10)
        });
        assert!(inner.is_some_and(|it| it.is_none()));
        assert!(lock.with(&cpu, |data| *data) == Some(2));
        // SAFETY: Nobody has the lock.
        assert!(unsafe { *lock.data() } == 2);
    }
}
