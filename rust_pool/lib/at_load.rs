// SPDX-License-Identifier: GPL-2.0

//! Statics that are made when the module is loaded and dropped when it is unloaded.

use core::{
    ops::Deref,
    ptr::null_mut, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Release, //
    }, //
};

/// A static that needs memory, or a lock class, to be made. It exists from the start of the
/// module's init to the end of its exit.
///
/// `rust_pool.rs` has the list of all of them, and makes and drops them.
pub(crate) struct AtLoad<T> {
    at: Atomic<*mut T>,
    make: fn() -> Result<Pin<KBox<T>>>,
}

impl<T> AtLoad<T> {
    /// Not there yet; `make` will make it, and may sleep.
    pub(crate) const fn new(make: fn() -> Result<Pin<KBox<T>>>) -> Self {
        Self {
            at: Atomic::new(null_mut()),
            make,
        }
    }
}

impl<T: Send + Sync> Deref for AtLoad<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: It is made before anything else of the module runs and dropped after all of it,
        // so the pointer is valid.
        unsafe { &*self.at.load(Acquire) }
    }
}

/// An [`AtLoad`] of whatever type, for the list.
pub(crate) trait Loaded: Sync {
    /// Makes it. Sleeps.
    fn load(&self) -> Result;

    /// Drops it, if it was made. Sleeps.
    ///
    /// # Safety
    ///
    /// Nobody uses it any more.
    unsafe fn unload(&self);
}

impl<T: Send + Sync> Loaded for AtLoad<T> {
    fn load(&self) -> Result {
        // SAFETY: It is not moved out of its box, only handed over as a pointer.
        let made = KBox::into_raw(unsafe { Pin::into_inner_unchecked((self.make)()?) });
        self.at.store(made, Release);
        Ok(())
    }

    unsafe fn unload(&self) {
        let made = self.at.xchg(null_mut(), Full);
        if !made.is_null() {
            // SAFETY: `load()` stored it, and by the safety requirements nobody uses it. It stayed
            // in its place.
            drop(unsafe { Pin::new_unchecked(KBox::from_raw(made)) });
        }
    }
}
