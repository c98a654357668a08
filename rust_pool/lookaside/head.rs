// SPDX-License-Identifier: GPL-2.0

//! The head of a list: the part that is in its client's memory.

use crate::{
    lib::argument::{
        calls,
        Given,
        Passed, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    sys::{
        self,
        raw, //
    }, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// The head of a list, or memory for one, as a routine was given it.
///
/// # Invariants
///
/// The memory is there during `'a`, which is at most the call of the routine.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Head<'a>(NonNull<raw::GENERAL_LOOKASIDE>, PhantomData<&'a ()>);

// SAFETY: `Head` is a transparent pointer that is not null, so `None` is null.
unsafe impl Passed<*mut raw::GENERAL_LOOKASIDE> for Option<Head<'_>> {}

impl Given<*mut raw::GENERAL_LOOKASIDE> for Head<'_> {
    fn given(self) -> *mut raw::GENERAL_LOOKASIDE {
        self.0.as_ptr()
    }
}

impl Given<*const raw::GENERAL_LOOKASIDE> for Head<'_> {
    fn given(self) -> *const raw::GENERAL_LOOKASIDE {
        self.0.as_ptr()
    }
}

calls! {
    // SAFETY: By its type invariant the memory of a head is there, and so are the two numbers.
    unsafe extern "C" {
        safe fn rust_pool_head_asked(
            head: Head<'_>,
            enough: u32,
            allocates: &mut u32,
            misses: &mut u32
        ) -> bool;
        safe fn rust_pool_head_depth(head: Head<'_>, depth: u16);
        safe fn rust_pool_head_close(head: Head<'_>);
    }
}

impl Head<'_> {
    /// The head, if a routine was given one; NULL is a violation.
    pub(crate) fn given(list: Option<Self>, caller: usize) -> Option<Self> {
        if list.is_none() {
            rule::LOOKASIDE_NULL.by(caller, []).report();
        }
        list
    }

    /// Like [`Self::given`], for routines that must not be called in NMI, where no lock may be
    /// taken.
    pub(crate) fn outside_nmi(list: Option<Self>, caller: usize) -> Option<Self> {
        let head = Self::given(list, caller)?;
        if sys::irql().is_nmi() {
            rule::LOOKASIDE_IN_NMI.by(caller, [head.into()]).report();
            return None;
        }
        Some(head)
    }

    pub(crate) fn addr(self) -> usize {
        self.0.as_ptr() as usize
    }

    /// The type and the size of entries, as far as the head knows. Any context.
    pub(crate) fn asks_for(self) -> (u32, u32) {
        let head = self.0.as_ptr();
        // SAFETY: By the type invariant the memory is there.
        unsafe { ((*head).Type, (*head).Size) }
    }

    /// The allocations from the list, and how many of these it did not serve, since this last
    /// returned them; `None` if there were fewer than `enough`.
    pub(crate) fn asked(self, enough: u32) -> Option<(u32, u32)> {
        let (mut allocates, mut misses) = (0, 0);
        rust_pool_head_asked(self, enough, &mut allocates, &mut misses)
            .then_some((allocates, misses))
    }

    /// Writes the depth to where clients read it.
    pub(crate) fn set_depth(self, depth: u16) {
        rust_pool_head_depth(self, depth);
    }

    /// From now on it is not the head of a list.
    pub(crate) fn close(self) {
        rust_pool_head_close(self);
    }
}

impl From<Head<'_>> for Parameter {
    fn from(head: Head<'_>) -> Self {
        Self::Address(head.addr())
    }
}
