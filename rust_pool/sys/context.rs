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

/// The IRQL that a context stands for: `PASSIVE_LEVEL` (0) where code may sleep, `DISPATCH_LEVEL`
/// (2) where it may not, a device's (13) in a hard interrupt or with interrupts disabled, and
/// `HIGH_LEVEL` (15) in NMI.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Irql(u32);

impl Irql {
    const PASSIVE: Self = Self(0);
    const DISPATCH: Self = Self(2);
    const HIGH: Self = Self(15);

    /// Its number, as Windows has it.
    pub(crate) fn as_raw(self) -> u32 {
        self.0
    }

    /// Whether code may sleep.
    #[inline(always)]
    pub(crate) fn may_sleep(self) -> bool {
        self == Self::PASSIVE
    }

    /// Whether this is NMI, where no lock may be taken.
    #[inline(always)]
    pub(crate) fn is_nmi(self) -> bool {
        self == Self::HIGH
    }

    /// Whether this is a hard interrupt, has interrupts disabled, or is NMI.
    #[inline(always)]
    pub(crate) fn is_above_dispatch(self) -> bool {
        self > Self::DISPATCH
    }

    /// As a report says it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::PASSIVE => "at PASSIVE_LEVEL",
            Self::DISPATCH => "at DISPATCH_LEVEL",
            Self::HIGH => "at HIGH_LEVEL",
            _ => "above DISPATCH_LEVEL",
        }
    }
}

/// The IRQL of this context.
#[inline]
pub(crate) fn irql() -> Irql {
    // SAFETY: May be called anywhere.
    Irql(unsafe { raw::rust_pool_irql() })
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
