// SPDX-License-Identifier: GPL-2.0

//! Per-CPU memory.
//!
//! A counter is changed by one instruction, which neither interrupts nor migration can split, and
//! no CPU writes the cache lines of another. Anything longer runs with preemption disabled.

use crate::sys::raw;
use core::{
    arch::asm,
    marker::PhantomData,
    mem::size_of, //
};
use kernel::bindings;

/// `N` counters in per-CPU memory.
///
/// # Invariants
///
/// The value is a per-CPU cookie for `N` aligned `u64`, which exist as long as the value or a copy
/// is used.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Counters<const N: usize>(usize);

impl<const N: usize> Counters<N> {
    /// The counters with a cookie.
    ///
    /// # Safety
    ///
    /// `cookie` is a per-CPU cookie for `N` aligned `u64`, which exist as long as the result or a
    /// copy is used.
    pub(crate) unsafe fn new(cookie: usize) -> Self {
        // INVARIANT: By the safety requirements.
        Self(cookie)
    }

    /// Their cookie.
    #[inline]
    pub(crate) fn cookie(self) -> usize {
        self.0
    }

    /// Adds to a counter by one instruction, which interrupts and migration cannot split.
    #[inline(always)]
    pub(crate) fn add<const INDEX: usize>(self, value: usize) {
        const { assert!(INDEX < N) };
        // SAFETY: By the type invariant, the operand is this CPU's counter.
        unsafe {
            asm!(
                "add qword ptr gs:[{base} + {offset}], {value}",
                base = in(reg) self.0,
                offset = const INDEX * size_of::<u64>(),
                value = in(reg) value,
                options(nostack),
            )
        }
    }

    /// Subtracts from a counter.
    #[inline(always)]
    pub(crate) fn sub<const INDEX: usize>(self, value: usize) {
        const { assert!(INDEX < N) };
        // SAFETY: By the type invariant, the operand is this CPU's counter.
        unsafe {
            asm!(
                "sub qword ptr gs:[{base} + {offset}], {value}",
                base = in(reg) self.0,
                offset = const INDEX * size_of::<u64>(),
                value = in(reg) value,
                options(nostack),
            )
        }
    }

    /// Adds one to a counter.
    #[inline(always)]
    pub(crate) fn increment<const INDEX: usize>(self) {
        const { assert!(INDEX < N) };
        // SAFETY: By the type invariant, the operand is this CPU's counter.
        unsafe {
            asm!(
                "inc qword ptr gs:[{base} + {offset}]",
                base = in(reg) self.0,
                offset = const INDEX * size_of::<u64>(),
                options(nostack),
            )
        }
    }

    /// Adds to a counter and returns the old value.
    #[inline(always)]
    pub(crate) fn add_return<const INDEX: usize>(self, value: i64) -> i64 {
        const { assert!(INDEX < N) };
        let mut old = value;
        // SAFETY: By the type invariant, the operand is this CPU's counter.
        unsafe {
            asm!(
                "xadd qword ptr gs:[{base} + {offset}], {old}",
                base = in(reg) self.0,
                offset = const INDEX * size_of::<u64>(),
                old = inout(reg) old,
                options(nostack),
            )
        }
        old
    }

    /// Sets a counter to 0 and returns the old value.
    #[inline(always)]
    pub(crate) fn take<const INDEX: usize>(self) -> i64 {
        const { assert!(INDEX < N) };
        let mut value = 0;
        // SAFETY: By the type invariant, the operand is this CPU's counter.
        unsafe {
            asm!(
                "xchg qword ptr gs:[{base} + {offset}], {value}",
                base = in(reg) self.0,
                offset = const INDEX * size_of::<u64>(),
                value = inout(reg) value,
                options(nostack),
            )
        }
        value
    }
}

/// An instruction on the preemption counter: 64-bit if the resched bit is separate, else 32-bit.
#[cfg(CONFIG_HAS_SEPARATE_PREEMPT_RESCHED_BITS)]
macro_rules! preempt_count {
    ($instruction:literal) => {
        concat!($instruction, " qword ptr gs:[rip + {count}]")
    };
}
#[cfg(not(CONFIG_HAS_SEPARATE_PREEMPT_RESCHED_BITS))]
macro_rules! preempt_count {
    ($instruction:literal) => {
        concat!($instruction, " dword ptr gs:[rip + {count}]")
    };
}

/// As long as such a value exists, preemption is disabled, so the task stays on its CPU.
pub(crate) struct PreemptDisabled(PhantomData<*mut ()>);

impl PreemptDisabled {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        // SAFETY: The instruction increments this CPU's preemption counter; `drop()` decrements it.
        // The compiler does not move later accesses before it, as the assembly may access any
        // memory.
        unsafe {
            asm!(
                preempt_count!("inc"),
                count = sym bindings::__preempt_count,
                options(nostack),
            )
        };
        Self(PhantomData)
    }
}

/// The function that `__preempt_schedule()` calls.
#[cfg(CONFIG_PREEMPT_DYNAMIC)]
macro_rules! preempt_schedule {
    () => {
        "__SCT__preempt_schedule"
    };
}
#[cfg(not(CONFIG_PREEMPT_DYNAMIC))]
macro_rules! preempt_schedule {
    () => {
        "preempt_schedule_thunk"
    };
}

impl Drop for PreemptDisabled {
    #[inline(always)]
    fn drop(&mut self) {
        // The counter's top bit is set while the scheduler wants nothing, so 0 means that another
        // task is to run, as in the kernel's own `preempt_enable()`.
        // SAFETY: `new()` incremented the counter. The function that is called saves all registers.
        unsafe {
            asm!(
                preempt_count!("dec"),
                "jnz 2f",
                concat!("call ", preempt_schedule!()),
                "2:",
                count = sym bindings::__preempt_count,
            )
        };
    }
}

/// The address of this CPU's copy of per-CPU memory. Once preemption is enabled, it may be that of
/// another CPU.
#[inline(always)]
pub(crate) fn address(_cpu: &PreemptDisabled, at: usize) -> usize {
    let mut address = at;
    // SAFETY: The instruction reads the distance of this CPU's memory from the cookies.
    unsafe {
        asm!(
            "add {address}, gs:[rip + {distance}]",
            distance = sym bindings::this_cpu_off,
            address = inout(reg) address,
            options(nostack, readonly),
        )
    };
    address
}

/// Sets a word of this CPU to 1 if it is 0, and returns whether it was. This is not one
/// instruction: an interrupt may use the word in between, but must leave it as it was.
///
/// # Safety
///
/// `at` is a per-CPU cookie with a `u32` at `OFFSET`.
#[inline(always)]
pub(crate) unsafe fn set<const OFFSET: usize>(_cpu: &PreemptDisabled, at: usize) -> bool {
    // SAFETY: By the safety requirements, the operand is this CPU's word.
    unsafe {
        asm!(
            "cmp dword ptr gs:[{at} + {offset}], 0",
            "jne {taken}",
            "mov dword ptr gs:[{at} + {offset}], 1",
            at = in(reg) at,
            offset = const OFFSET,
            taken = label { return false },
            options(nostack),
        )
    };
    true
}

/// Sets a word of this CPU to 0.
///
/// # Safety
///
/// As for [`set`], and the word is the caller's to write.
#[inline(always)]
pub(crate) unsafe fn clear<const OFFSET: usize>(_cpu: &PreemptDisabled, at: usize) {
    // SAFETY: By the safety requirements, the operand is this CPU's word.
    unsafe {
        asm!(
            "mov dword ptr gs:[{at} + {offset}], 0",
            at = in(reg) at,
            offset = const OFFSET,
            options(nostack, preserves_flags),
        )
    };
}

/// Reads a word of this CPU. The result has 64 bits, as the upper ones are known to be 0.
///
/// # Safety
///
/// `at` is a per-CPU cookie with a `u32` at `OFFSET`.
#[inline(always)]
pub(crate) unsafe fn load<const OFFSET: usize>(_cpu: &PreemptDisabled, at: usize) -> u64 {
    let value: u64;
    // SAFETY: By the safety requirements, the operand is this CPU's word.
    unsafe {
        asm!(
            "mov {value:e}, gs:[{at} + {offset}]",
            at = in(reg) at,
            offset = const OFFSET,
            value = lateout(reg) value,
            options(nostack, preserves_flags),
        )
    };
    value
}

/// Writes a word of 64 bits of this CPU.
///
/// # Safety
///
/// `at` is a per-CPU cookie with a `u64` at `OFFSET` that is the caller's to write.
#[inline(always)]
pub(crate) unsafe fn store<const OFFSET: usize>(_cpu: &PreemptDisabled, at: usize, value: u64) {
    // SAFETY: By the safety requirements, the operand is this CPU's word.
    unsafe {
        asm!(
            "mov gs:[{at} + {offset}], {value}",
            at = in(reg) at,
            offset = const OFFSET,
            value = in(reg) value,
            options(nostack, preserves_flags),
        )
    }
}

/// Reads an element of an array of this CPU.
///
/// # Safety
///
/// `at` is a per-CPU cookie with an array at `OFFSET` that has such an element.
#[inline(always)]
pub(crate) unsafe fn get<const OFFSET: usize>(
    _cpu: &PreemptDisabled,
    at: usize,
    index: u64,
) -> usize {
    let value: usize;
    // SAFETY: By the safety requirements, the operand is an element of this CPU's array.
    unsafe {
        asm!(
            "mov {value}, gs:[{at} + 8 * {index} + {offset}]",
            at = in(reg) at,
            index = in(reg) index,
            offset = const OFFSET,
            value = lateout(reg) value,
            options(nostack, preserves_flags),
        )
    };
    value
}

/// Writes an element of an array of this CPU.
///
/// # Safety
///
/// As for [`get`], and the element is the caller's to write.
#[inline(always)]
pub(crate) unsafe fn put<const OFFSET: usize>(
    _cpu: &PreemptDisabled,
    at: usize,
    index: u64,
    value: usize,
) {
    // SAFETY: By the safety requirements, the operand is an element of this CPU's array.
    unsafe {
        asm!(
            "mov gs:[{at} + 8 * {index} + {offset}], {value}",
            at = in(reg) at,
            index = in(reg) index,
            offset = const OFFSET,
            value = in(reg) value,
            options(nostack, preserves_flags),
        )
    }
}

/// Whether this is an NMI.
#[inline(always)]
pub(crate) fn in_nmi() -> bool {
    // SAFETY: The instruction reads this CPU's preemption counter.
    unsafe {
        asm!(
            "test dword ptr gs:[rip + {count}], {nmi_mask}",
            "jnz {nmi}",
            count = sym bindings::__preempt_count,
            nmi_mask = const raw::RUST_POOL_NMI_MASK,
            nmi = label { return true },
            options(nostack, readonly),
        )
    };
    false
}
