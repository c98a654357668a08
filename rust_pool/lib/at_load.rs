// SPDX-License-Identifier: GPL-2.0

//! Statics whose values are made when the module is loaded and dropped when it is unloaded.

use crate::sys::arch::read_once;
use core::{
    ops::Deref,
    ptr::null_mut, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Release, //
    },
    types::ForeignOwnable, //
};

/// A static whose value cannot be made at compile time, as it needs memory or a lock class. The
/// value exists from the start of the module's init to the end of its exit.
///
/// `rust_pool.rs` has the list of all of them. It makes them before everything else, and drops them
/// after everything else.
///
/// # Invariants
///
/// While the value exists, `at` is what `into_foreign()` returned for its box.
pub(crate) struct AtLoad<T> {
    at: Atomic<*mut c_void>,
    make: fn() -> Result<Pin<KBox<T>>>,
}

impl<T> AtLoad<T> {
    /// Without a value yet. `make` will make it, and may sleep.
    pub(crate) const fn new(make: fn() -> Result<Pin<KBox<T>>>) -> Self {
        Self {
            at: Atomic::new(null_mut()),
            make,
        }
    }

    /// Where the address of the value is, or null.
    pub(crate) const fn place(&'static self) -> *const Atomic<*mut c_void> {
        &raw const self.at
    }
}

impl<T: Send + Sync> Deref for AtLoad<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: The module's init makes all values before other code of the module runs, and its
        // exit drops them after that code has run. So the value exists.
        let value = unsafe { Pin::<KBox<T>>::borrow(read_once::read_acquire(&self.at)) };
        value.get_ref()
    }
}

/// An [`AtLoad`] of any type, for the list.
pub(crate) trait Loaded: Sync {
    /// Makes the value. Sleeps.
    fn load(&self) -> Result;

    /// Drops the value, if it was made. Sleeps.
    ///
    /// # Safety
    ///
    /// Nobody uses the value any more.
    unsafe fn unload(&self);
}

impl<T: Send + Sync> Loaded for AtLoad<T> {
    fn load(&self) -> Result {
        let made = (self.make)()?;
        self.at.store(made.into_foreign(), Release);
        Ok(())
    }

    unsafe fn unload(&self) {
        let made = self.at.xchg(null_mut(), Full);
        // SAFETY: By the type invariant it is null or what `into_foreign()` returned. By the safety
        // requirements nobody uses the value.
        drop(unsafe { Pin::<KBox<T>>::try_from_foreign(made) });
    }
}
