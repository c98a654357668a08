// SPDX-License-Identifier: GPL-2.0

//! Calling sites, which keep their name when their module goes.

use crate::{
    chain::{
        Chain,
        Link,
        Next, //
    },
    once,
    state,
    sys::Module,
    text::Symbol, //
};
use core::ptr::null;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    fmt,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed,
        Release, //
    }, //
};

/// A name of a place in code, kept until our own module goes.
pub(crate) struct Name {
    next: Next<Name>,
    text: Symbol,
}

impl Link for Name {
    fn link(&mut self) -> &mut Next<Self> {
        &mut self.next
    }

    fn next(&self) -> &Next<Self> {
        &self.next
    }
}

/// All names that are kept.
pub(crate) type Names = Chain<Name>;

/// A place in code.
///
/// # Invariants
///
/// `name` is null or a name in [`Names`], which are never removed.
pub(crate) struct Site {
    caller: Atomic<usize>,
    name: Atomic<*const Name>,
}

impl Site {
    /// The site of an address; 0 for an unknown one.
    pub(crate) fn new(caller: usize) -> Self {
        // INVARIANT: The name is null.
        Self {
            caller: Atomic::new(caller),
            name: Atomic::new(null()),
        }
    }

    /// Makes it the site of an address, unless it is another's already. A name that was kept still
    /// comes first.
    #[inline]
    pub(crate) fn claim(&self, caller: usize) {
        if !self.claimed() {
            self.caller.store(caller, Relaxed);
        }
    }

    /// Whether it is the site of an address.
    #[inline(always)]
    pub(crate) fn claimed(&self) -> bool {
        once::read(&self.caller) != 0
    }

    /// Makes it unknown.
    pub(crate) fn forget(&self) {
        // INVARIANT: The name is null.
        self.name.store(null(), Relaxed);
        self.caller.store(0, Relaxed);
    }

    /// A copy, to keep.
    pub(crate) fn copy(&self) -> Self {
        // INVARIANT: By that of `self`.
        Self {
            caller: Atomic::new(self.caller.load(Relaxed)),
            name: Atomic::new(self.name.load(Acquire)),
        }
    }

    /// Whether it is any place at all.
    pub(crate) fn is_known(&self) -> bool {
        self.caller.load(Relaxed) != 0 || !self.name.load(Relaxed).is_null()
    }

    /// Whether both are one place.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.caller.load(Relaxed) == other.caller.load(Relaxed)
            && self.name.load(Relaxed) == other.name.load(Relaxed)
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

    /// If it lies in `module`, whose symbols still resolve, keeps its name for later and makes it
    /// nobody's. Any context but NMI.
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
        let text = Symbol::symbol(caller);
        let mut names = state::get().names.lock();
        let known = names.iter().find(|name| name.text == text);
        let name = match known {
            Some(name) => core::ptr::from_ref(name),
            None => {
                let name = Name {
                    next: Next::none(),
                    text,
                };
                let Ok(name) = KBox::new(name, GFP_ATOMIC | __GFP_NOWARN) else {
                    return;
                };
                let at = core::ptr::from_ref(&*name);
                names.push(name);
                at
            }
        };
        // INVARIANT: It is in the list, whose lock publishes it.
        self.name.store(name, Release);
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: By the type invariant.
        if let Some(name) = unsafe { self.name.load(Acquire).as_ref() } {
            return name.text.fmt(f);
        }
        match self.caller.load(Relaxed) {
            0 => f.write_str("unknown"),
            caller => Symbol::symbol(caller).fmt(f),
        }
    }
}
