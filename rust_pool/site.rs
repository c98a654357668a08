// SPDX-License-Identifier: GPL-2.0

//! Calling sites, which keep their name when their module goes.

use crate::{
    sys::Module,
    text::Symbol, //
};
use core::ptr::null_mut;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    fmt,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed, //
    }, //
};

/// A place in code.
///
/// # Invariants
///
/// `name` is null or owns a `KBox<Symbol>`; once set it never changes.
pub(crate) struct Site {
    caller: Atomic<usize>,
    name: Atomic<*mut Symbol>,
}

impl Site {
    /// The site of an address; 0 for an unknown one.
    pub(crate) fn new(caller: usize) -> Self {
        // INVARIANT: The name is null.
        Self {
            caller: Atomic::new(caller),
            name: Atomic::new(null_mut()),
        }
    }

    /// Makes it the site of an address.
    pub(crate) fn set(&self, caller: usize) {
        self.caller.store(caller, Relaxed);
    }

    /// Whether it lies in `module`.
    pub(crate) fn lies_in(&self, module: Module) -> bool {
        let caller = self.caller.load(Relaxed);
        caller != 0 && module.contains(caller)
    }

    /// If it lies in the part of `module` that is freed once that is live, keeps its name. Any
    /// context but NMI.
    pub(crate) fn settle(&self, module: Module) {
        let caller = self.caller.load(Relaxed);
        if caller != 0 && module.init_contains(caller) {
            self.keep_name(caller);
            self.caller.store(module.address(), Relaxed);
        }
    }

    /// If it lies in `module`, whose symbols still resolve, keeps its name for later. Any context
    /// but NMI.
    pub(crate) fn depart(&self, module: Module) {
        if self.lies_in(module) {
            // Without memory for the name the site becomes unknown: its address may soon be someone
            // else's.
            self.keep_name(self.caller.xchg(0, Full));
        }
    }

    fn keep_name(&self, caller: usize) {
        if !self.name.load(Relaxed).is_null() {
            return;
        }
        if let Ok(name) = KBox::new(Symbol::symbol(caller), GFP_ATOMIC | __GFP_NOWARN) {
            let name = KBox::into_raw(name);
            // INVARIANT: The name was null and is now a box's; only one caller of two sets it.
            if self.name.cmpxchg(null_mut(), name, Full).is_err() {
                // SAFETY: `name` comes from `into_raw()` just above.
                drop(unsafe { KBox::from_raw(name) });
            }
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let name = self.name.load(Acquire);
        if !name.is_null() {
            // SAFETY: By the type invariant, and nobody else has the site any more.
            drop(unsafe { KBox::from_raw(name) });
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.load(Acquire);
        if !name.is_null() {
            // SAFETY: By the type invariant; it is not freed before the site is.
            return unsafe { &*name }.fmt(f);
        }
        match self.caller.load(Relaxed) {
            0 => f.write_str("unknown"),
            caller => Symbol::symbol(caller).fmt(f),
        }
    }
}
