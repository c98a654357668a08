// SPDX-License-Identifier: GPL-2.0

//! Where code is.

/// An address in the module that this is inlined into.
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
