// SPDX-License-Identifier: GPL-2.0

//! Where code is.

/// Where this is inlined: for whoever calls us from another module, an address in it.
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
