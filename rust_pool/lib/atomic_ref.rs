// SPDX-License-Identifier: GPL-2.0

//! References that are changed by one CPU while others read them.

use crate::sys::arch::read_once;
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::{
    alloc::Allocator,
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Release, //
    }, //
};

/// A reference, or none. Whoever reads it sees what was written before it was set. The reader of a
/// dump takes it for an address, or 0.
///
/// # Invariants
///
/// The pointer is null, or comes from a `&'static T`, or is that of a box that is not dropped.
#[repr(transparent)]
pub(crate) struct AtomicRef<T: 'static>(Atomic<*mut T>);

/// The pointer to be stored for a reference.
fn to_ptr<T>(to: Option<&'static T>) -> *mut T {
    to.map_or(null_mut(), |to| core::ptr::from_ref(to).cast_mut())
}

impl<T: Sync> AtomicRef<T> {
    /// No reference.
    pub(crate) const fn none() -> Self {
        Self(Atomic::new(null_mut()))
    }

    /// A reference to begin with.
    pub(crate) fn new(to: Option<&'static T>) -> Self {
        // INVARIANT: It comes from the reference.
        Self(Atomic::new(to_ptr(to)))
    }

    /// The reference.
    #[inline(always)]
    pub(crate) fn get(&self) -> Option<&'static T> {
        // ACQUIRE: Pairs with the releases below.
        // SAFETY: By the type invariant it is null, or may be used as a `&'static T`.
        unsafe { read_once::read_acquire(&self.0).as_ref() }
    }

    /// The address that it refers to; 0 for none.
    pub(crate) fn addr(&self) -> usize {
        read_once::read(&self.0) as usize
    }

    /// Changes it.
    pub(crate) fn set(&self, to: Option<&'static T>) {
        // RELEASE: Pairs with the acquire in `get()`.
        // INVARIANT: The pointer comes from the reference.
        self.0.store(to_ptr(to), Release);
    }

    /// Changes it, if it is `old`. Returns whether it was.
    pub(crate) fn replace(&self, old: Option<&'static T>, new: &'static T) -> bool {
        // RELEASE: Pairs with the acquire in `get()`.
        // INVARIANT: The pointer comes from the reference.
        self.0
            .cmpxchg(to_ptr(old), to_ptr(Some(new)), Release)
            .is_ok()
    }

    /// Sets it to what is in a box, if there is no reference. Otherwise returns the box.
    pub(crate) fn publish<A: Allocator>(&self, mut new: Box<T, A>) -> Result<(), Box<T, A>> {
        let pointer = &raw mut *new;
        // RELEASE: Pairs with the acquire in `get()`.
        // INVARIANT: The pointer may be used as a reference for ever, as the box is not dropped.
        match self.0.cmpxchg(null_mut(), pointer, Release) {
            Ok(_) => {
                let _ = Box::into_raw(new);
                Ok(())
            }
            Err(_) => Err(new),
        }
    }

    /// Removes it, and returns what it pointed to.
    pub(crate) fn take(&self) -> Option<NonNull<T>> {
        NonNull::new(self.0.xchg(null_mut(), Full))
    }
}
