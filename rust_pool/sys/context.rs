// SPDX-License-Identifier: GPL-2.0

//! The context that code runs in: its IRQL, its task, its stack.

use crate::sys::raw;
use core::mem::MaybeUninit;
use kernel::{
    bindings,
    prelude::*,
    str::CStr, //
};

/// `THIS_MODULE` of the module that this function is inlined into.
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

    /// Its number, as on Windows.
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

    /// Whether interrupts are disabled: explicitly, or in a hard interrupt, or in NMI.
    #[inline(always)]
    pub(crate) fn is_above_dispatch(self) -> bool {
        self > Self::DISPATCH
    }

    /// The words for it in a report.
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

/// Whether this context works for a process, to which memory can be charged: not in an interrupt,
/// and not in a thread of the kernel.
pub(crate) fn has_process() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_has_process() }
}

/// What keeps this context from sleeping, in words.
pub(crate) fn context() -> &'static str {
    // SAFETY: May be called anywhere. It returns a C string literal, which lives for ever.
    let words = unsafe { CStr::from_char_ptr(raw::rust_pool_context()) };
    words.to_str().unwrap_or("?")
}

/// Fills in `first`, and behind it return addresses from the stack, the newest first. In an
/// interrupt they end where it began. Any context.
#[inline]
pub(crate) fn save_stack(first: usize, room: &mut [MaybeUninit<usize>]) -> &mut [usize] {
    let Some((before, behind)) = room.split_first_mut() else {
        return &mut [];
    };
    before.write(first);
    let most = u32::try_from(behind.len()).unwrap_or(0);
    // SAFETY: `behind` is valid for writes of `most` addresses, as that is its length or 0.
    let saved = unsafe { raw::rust_pool_save_stack(behind.as_mut_ptr().cast(), most) };
    let saved = usize::try_from(saved).unwrap_or(0);
    let filled = room.get_mut(..=saved).unwrap_or(&mut []);
    // SAFETY: The first was filled in above, and those behind it by the function.
    unsafe { &mut *(core::ptr::from_mut(filled) as *mut [usize]) }
}

/// PID and name of the current task, or `None` in an interrupt. The name ends with a NUL.
pub(crate) fn current_task() -> Option<(u32, [u8; 16])> {
    let mut name = [0; 16];
    // SAFETY: The function writes at most `TASK_COMM_LEN` bytes: 16, as helpers.c asserts.
    let pid = unsafe { raw::rust_pool_current_task(name.as_mut_ptr()) };
    CStr::from_bytes_until_nul(&name).ok()?.to_str().ok()?;
    (pid != 0).then_some((pid, name))
}
