// SPDX-License-Identifier: GPL-2.0

//! Counters in per-CPU memory, touched with one instruction each: neither interrupts nor migration
//! do harm to that, and no line is shared with another CPU.

use core::{
    arch::asm,
    mem::size_of, //
};

/// Adds to a per-CPU counter; interrupts and migration do no harm to a single instruction.
///
/// # Safety
///
/// `base` is a per-CPU cookie with a `u64` at `index`.
#[inline(always)]
pub(crate) unsafe fn add<const INDEX: usize>(base: usize, value: usize) {
    // SAFETY: By the safety requirements, the operand is this CPU's counter.
    unsafe {
        asm!(
            "add qword ptr gs:[{base} + {offset}], {value}",
            base = in(reg) base,
            offset = const INDEX * size_of::<u64>(),
            value = in(reg) value,
            options(nostack),
        )
    }
}

/// Adds to a per-CPU counter and returns what it was.
///
/// # Safety
///
/// As for [`add`].
#[inline(always)]
pub(crate) unsafe fn add_return<const INDEX: usize>(base: usize, value: i64) -> i64 {
    let mut old = value;
    // SAFETY: By the safety requirements, the operand is this CPU's counter.
    unsafe {
        asm!(
            "xadd qword ptr gs:[{base} + {offset}], {old}",
            base = in(reg) base,
            offset = const INDEX * size_of::<u64>(),
            old = inout(reg) old,
            options(nostack),
        )
    }
    old
}

/// Takes what a per-CPU counter holds and leaves 0.
///
/// # Safety
///
/// As for [`add`].
#[inline(always)]
pub(crate) unsafe fn take<const INDEX: usize>(base: usize) -> i64 {
    let mut value = 0;
    // SAFETY: By the safety requirements, the operand is this CPU's counter.
    unsafe {
        asm!(
            "xchg qword ptr gs:[{base} + {offset}], {value}",
            base = in(reg) base,
            offset = const INDEX * size_of::<u64>(),
            value = inout(reg) value,
            options(nostack),
        )
    }
    value
}
