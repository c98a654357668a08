// SPDX-License-Identifier: GPL-2.0

//! The context that code runs in, and what called it.

use crate::sys::raw;
use kernel::{
    bindings,
    prelude::*,
    str::CStr, //
};

/// The module that this is inlined into: its `THIS_MODULE`.
#[inline(always)]
pub(crate) fn this_module() -> *mut bindings::module {
    &raw mut bindings::__this_module
}

/// The context as an IRQL: 0, 2, 13, or 15 in NMI.
#[inline]
pub(crate) fn irql() -> u32 {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_irql() }
}

/// Whether this is a hard interrupt.
pub(crate) fn in_hardirq() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_in_hardirq() }
}

/// Whether vmalloc may be used: in a task, atomic or not, but with interrupts and softirqs enabled.
pub(crate) fn may_vmalloc() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_may_vmalloc() }
}

/// What keeps this context from sleeping, in words.
pub(crate) fn context() -> &'static str {
    // SAFETY: May be called anywhere; the words are a constant.
    let words = unsafe { CStr::from_char_ptr(raw::rust_pool_context()) };
    words.to_str().unwrap_or("?")
}

/// Return addresses on the stack, the newest first, up to the interrupt if this is one; their
/// number. Any context.
pub(crate) fn save_stack(frames: &mut [usize]) -> usize {
    let room = u32::try_from(frames.len()).unwrap_or(0);
    // SAFETY: There is room for so many.
    let saved = unsafe { raw::rust_pool_save_stack(frames.as_mut_ptr(), room) };
    usize::try_from(saved).unwrap_or(0)
}

/// Number and name of the task that this is, or `None` in an interrupt. The name ends with a NUL.
pub(crate) fn current_task() -> Option<(u32, [u8; 16])> {
    let mut name = [0; 16];
    // SAFETY: There is room for a task's name.
    let pid = unsafe { raw::rust_pool_current_task(name.as_mut_ptr()) };
    CStr::from_bytes_until_nul(&name).ok()?.to_str().ok()?;
    (pid != 0).then_some((pid, name))
}
