// SPDX-License-Identifier: GPL-2.0

//! The instruction pointer.

/// An address in the module that this function is inlined into.
#[inline(always)]
pub(crate) fn here() -> usize {
    let here;
    // SAFETY: It only reads the instruction pointer.
    unsafe {
        core::arch::asm!("lea {}, [rip]", out(reg) here,
            options(nomem, nostack, preserves_flags));
    }
    here
}
