// SPDX-License-Identifier: GPL-2.0

//! Calling sites, which keep their name when their module goes.

use crate::{
    sys::Module,
    text::Text, //
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

/// Long enough for a symbol, an offset and a module's name, as a rule; longer ones are cut.
type Name = Text<128>;

/// A place in code.
///
/// # Invariants
///
/// `name` is null or owns a `KBox<Name>`; once set it never changes.
pub(crate) struct Site {
    caller: Atomic<usize>,
    name: Atomic<*mut Name>,
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

    /// If it lies in `module`, whose symbols still resolve, keeps its name for later. Any context
    /// but NMI.
    pub(crate) fn depart(&self, module: Module) {
        if !self.lies_in(module) {
            return;
        }
        // Without memory the site becomes unknown: its address may soon be someone else's.
        let caller = self.caller.xchg(0, Full);
        if let Ok(name) = KBox::new(Name::symbol(caller), GFP_ATOMIC | __GFP_NOWARN) {
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
            caller => Name::symbol(caller).fmt(f),
        }
    }
}
