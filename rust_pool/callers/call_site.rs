// SPDX-License-Identifier: GPL-2.0

//! Call sites, which keep their names when their module is unloaded.
//!
//! In a C client it is the place into which the header's function was inlined. A Rust client
//! contains code of libraries, so its call site is the first frame on the stack that is not in a
//! library.

use crate::{
    callers::function,
    lib::{
        at_load::AtLoad,
        atomic_ref::AtomicRef,
        layout,
        list::{
            linked_by_next,
            List,
            Next, //
        },
        text::{
            module_of,
            Symbol,
            Text,
            SYMBOL, //
        }, //
    },
    sys::{
        self,
        arch::read_once,
        Client,
        Module, //
    }, //
};
use core::mem::{
    offset_of,
    size_of,
    MaybeUninit, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    fmt,
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        SpinLockIrq, //
    }, //
};

/// The name of a place in code, kept until rust_pool is unloaded.
pub(crate) struct Name {
    next: Next<Name>,
    text: KVec<u8>,
}

impl Name {
    /// A name for a list; `None` without memory. Does not sleep.
    fn new(text: &str) -> Option<KBox<Self>> {
        let flags = GFP_ATOMIC | __GFP_NOWARN;
        let mut kept = KVec::with_capacity(text.len(), flags).ok()?;
        kept.extend_from_slice(text.as_bytes(), flags).ok()?;
        let name = Self {
            next: Next::none(),
            text: kept,
        };
        KBox::new(name, flags).ok()
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.text).unwrap_or("?")
    }
}

linked_by_next!(Name);

/// The place in code that was looked up last, and its name. All zeroes: no place was.
#[derive(Zeroable)]
pub(crate) struct LastName {
    caller: usize,
    name: Text<SYMBOL>,
}

impl LastName {
    /// Forgets the place, as another module may be at that address by now.
    pub(crate) fn forget(&mut self) {
        self.caller = 0;
    }
}

/// How many lists the names are spread over, and how many places are remembered with their names.
/// Powers of two.
const LISTS: usize = 256;
const RECENT: usize = 512;

/// A place in code, and the name that was kept for it.
#[derive(Clone, Copy)]
struct Recent {
    caller: usize,
    name: Option<&'static Name>,
}

/// All names that are kept. When a module is unloaded, tens of thousands of records may name
/// thousands of places in it, and interrupts are disabled during each search. So names are hashed,
/// and the names of recent places are cached.
///
/// # Invariants
///
/// Names are never removed from `lists`, which are there as long as this module is loaded.
pub(crate) struct Names {
    /// The names, by the hash of their text.
    lists: KVVec<List<Name>>,
    /// The names of recent places. It spares a search of the module's symbols, and is cleared when
    /// a module is loaded or unloaded.
    recent: KVVec<Recent>,
}

impl Names {
    /// Without any names. Sleeps.
    fn new() -> Result<Self> {
        let mut lists = KVVec::with_capacity(LISTS, GFP_KERNEL)?;
        for _ in 0..LISTS {
            lists.push(List::new(), GFP_KERNEL)?;
        }
        let none = Recent {
            caller: 0,
            name: None,
        };
        Ok(Self {
            lists,
            recent: KVVec::from_elem(none, RECENT, GFP_KERNEL)?,
        })
    }

    /// The element of the cache for a place.
    fn recent(&mut self, caller: usize) -> Option<&mut Recent> {
        // Return addresses are not aligned, so all bits count.
        let at = caller.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
        self.recent.get_mut(at & (RECENT - 1))
    }

    /// The list for a text.
    fn list(&mut self, text: &str) -> Option<&mut List<Name>> {
        let hash = text.bytes().fold(0u64, |hash, byte| {
            (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517c_c1b7_2722_0a95)
        });
        // CAST: Lossless. The upper bits are mixed best.
        self.lists.get_mut((hash >> 32) as usize & (LISTS - 1))
    }

    /// The name with this text, which is made if there is none; `None` without memory for it. Does
    /// not sleep.
    fn known_or_new(&mut self, text: &str) -> Option<&'static Name> {
        let list = self.list(text)?;
        let known = list.iter().find(|name| name.as_str() == text);
        let name = match known {
            Some(name) => name,
            None => list.push(Name::new(text)?),
        };
        // SAFETY: By the type invariant it stays where it is as long as this module is loaded.
        Some(unsafe { &*core::ptr::from_ref(name) })
    }
}

/// Clears the cache of recent places, but keeps the names. Called when a module is loaded or
/// unloaded, before the first of its call sites settles or departs: its addresses may have belonged
/// to another module.
pub(crate) fn begin() {
    NAMES
        .lock()
        .recent
        .iter_mut()
        .for_each(|recent| recent.caller = 0);
}

/// A place in code.
pub(crate) struct CallSite {
    caller: Atomic<usize>,
    name: AtomicRef<Name>,
}

impl CallSite {
    /// For the reader of a dump: the bytes of a call site, where it has its address and its name,
    /// and where a name has its text, a vector of bytes, and the vector its address.
    pub(crate) const LAYOUT: [usize; 5] = [
        size_of::<Self>(),
        offset_of!(Self, caller),
        offset_of!(Self, name),
        offset_of!(Name, text),
        layout::start_of_vec::<u8>(),
    ];

    /// The call site at an address, or an unknown one for 0.
    pub(crate) const fn new(caller: usize) -> Self {
        Self {
            caller: Atomic::new(caller),
            name: AtomicRef::none(),
        }
    }

    /// Sets the address, unless it has one. A name that was kept takes precedence over it.
    #[inline]
    pub(crate) fn claim(&self, caller: usize) {
        if !self.claimed() {
            self.caller.store(caller, Relaxed);
        }
    }

    /// Its address; 0 if it has none, or lay in a module that was unloaded.
    pub(crate) fn address(&self) -> usize {
        self.caller.load(Relaxed)
    }

    /// Whether it has an address.
    #[inline(always)]
    pub(crate) fn claimed(&self) -> bool {
        read_once::read(&self.caller) != 0
    }

    /// Makes it unknown.
    pub(crate) fn forget(&self) {
        self.name.set(None);
        self.caller.store(0, Relaxed);
    }

    /// A copy, to keep.
    pub(crate) fn copy(&self) -> Self {
        Self {
            caller: Atomic::new(self.caller.load(Relaxed)),
            name: AtomicRef::new(self.name.get()),
        }
    }

    /// Whether it is known.
    pub(crate) fn is_known(&self) -> bool {
        self.caller.load(Relaxed) != 0 || self.name.get().is_some()
    }

    /// Calls `look` with its name, or with `None` if it is unknown.
    pub(crate) fn with_name<T>(&self, look: impl FnOnce(Option<&str>) -> T) -> T {
        if let Some(name) = self.name.get() {
            return look(Some(name.as_str()));
        }
        match self.caller.load(Relaxed) {
            0 => look(None),
            caller => Symbol(caller).with(|name| look(Some(name))),
        }
    }

    /// Like [`Self::with_name`], for one of many rows. A look-up searches all symbols of a module,
    /// so the place that `last` has is not looked up again.
    pub(crate) fn with_name_or<T>(
        &self,
        last: &mut LastName,
        look: impl FnOnce(Option<&str>) -> T,
    ) -> T {
        let caller = self.caller.load(Relaxed);
        if caller == 0 || self.name.get().is_some() {
            return self.with_name(look);
        }
        if last.caller != caller {
            last.name.clear();
            Symbol(caller).with(|name| last.name.push(name.as_bytes()));
            last.caller = caller;
        }
        look(core::str::from_utf8(last.name.as_bytes()).ok())
    }

    /// Whether both are the same place.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.caller.load(Relaxed) == other.caller.load(Relaxed)
            && self.name.addr() == other.name.addr()
    }

    /// A hash, which is the same for call sites that are the same place.
    pub(crate) fn hash(&self) -> u64 {
        let name = self.name.addr();
        // CAST: `usize` is 64 bits wide on the architectures supported.
        (self.caller.load(Relaxed) ^ name.rotate_left(32)) as u64
    }

    /// The client that it lies in, while that is loaded.
    pub(crate) fn client(&self) -> Option<Client> {
        let client = Client::at(self.caller.load(Relaxed));
        (client != Client::UNKNOWN).then_some(client)
    }

    /// Whether it lay in a module that was unloaded.
    pub(crate) fn is_gone(&self) -> bool {
        self.caller.load(Relaxed) == 0 && self.name.get().is_some()
    }

    /// Whether it lies in `module`.
    pub(crate) fn lies_in(&self, module: Module) -> bool {
        let caller = self.caller.load(Relaxed);
        caller != 0 && module.contains(caller)
    }

    /// Whether its name was kept, and `name` is the module in it.
    pub(crate) fn is_in_module(&self, name: &str) -> bool {
        self.module_kept() == Some(name)
    }

    /// The module in its name, if that was kept.
    pub(crate) fn module_kept(&self) -> Option<&str> {
        module_of(self.name.get()?.as_str())
    }

    /// If it lies in the part of `module` that is freed when its init has run, keeps its name, and
    /// lets another address in the module stand for it. Any context but NMI.
    pub(crate) fn settle(&self, module: Module) {
        let caller = self.caller.load(Relaxed);
        if caller != 0 && module.init_contains(caller) {
            self.keep_name(caller);
            self.caller.store(module.address(), Relaxed);
        }
    }

    /// If it lies in `module`, which is being unloaded, keeps its name and clears its address. The
    /// module's symbols can still be looked up. Any context but NMI.
    pub(crate) fn depart(&self, module: Module) {
        if self.lies_in(module) {
            // Without memory for the name the call site becomes unknown: another module may be
            // loaded at its address.
            self.keep_name(self.caller.xchg(0, Full));
        }
    }

    fn keep_name(&self, caller: usize) {
        if self.name.get().is_none() {
            if let Some(name) = name_of(caller) {
                self.name.set(Some(name));
            }
        }
    }
}

/// The names. This lock nests inside the locks of data with call sites; no lock nests inside it.
pub(crate) static NAMES: AtLoad<SpinLockIrq<Names>> = AtLoad::new(|| {
    let names = Names::new()?;
    KBox::pin_init(new_spinlock_irq!(names, "rust_pool::names"), GFP_KERNEL)
});

/// The name to keep for a place, which is made if there is none; `None` without memory for it. Any
/// context but NMI.
fn name_of(caller: usize) -> Option<&'static Name> {
    let recent = NAMES.lock().recent(caller).copied();
    if let Some(recent) = recent.filter(|recent| recent.caller == caller) {
        return recent.name;
    }
    Symbol(caller).with(|text| {
        let mut names = NAMES.lock();
        let name = names.known_or_new(text)?;
        if let Some(recent) = names.recent(caller) {
            let name = Some(name);
            *recent = Recent { caller, name };
        }
        Some(name)
    })
}

/// How many frames are searched for the first one outside of libraries.
const SEEN: usize = 24;

/// The stack from `caller` on, which is its first frame. `caller` is an address in the function
/// that called us, or that jumped to us by a tail call. Any context.
pub(crate) fn frames(caller: usize, seen: &mut [MaybeUninit<usize>]) -> &[usize] {
    let frames = sys::save_stack(caller, seen);
    // The innermost frames are our own. Behind them is that of the caller, for which `caller`
    // stands, unless the caller jumped to us and has no frame any more.
    let behind = frames.get(1..).unwrap_or(&[]);
    let mut skip = behind
        .iter()
        .take_while(|&&frame| sys::is_ours(frame))
        .count();
    let next = behind.get(skip).copied().unwrap_or(0);
    if next == caller || (caller != 0 && function::is_same(next, caller)) {
        skip += 1;
    }
    if caller == 0 {
        return frames.get(skip + 1..).unwrap_or(&[]);
    }
    if let Some(last) = frames.get_mut(skip) {
        *last = caller;
    }
    frames.get(skip..).unwrap_or(&[])
}

/// The index of the first frame that is not in a library, if it lies in a client; else 0.
///
/// The kernel or this module may call a client's copy of a routine by its address. So if the first
/// frame lies in such a copy, frames that lie in no client are skipped as well.
pub(crate) fn first_of_client(frames: &[usize]) -> usize {
    let is_client = |frame: usize| Client::at(frame) != Client::UNKNOWN;
    let first = frames.first().copied();
    // Nearly always there is none.
    let Some(first) = first.filter(|&first| function::is_of_library(first)) else {
        return 0;
    };
    let by_address = function::is_routine(first);
    let libraries = frames
        .iter()
        .take_while(|&&frame| function::is_of_library(frame) || (by_address && !is_client(frame)));
    let at = libraries.count();
    at * usize::from(frames.get(at).is_some_and(|&frame| is_client(frame)))
}

/// The call site to report for an address in a client: the first frame on the stack that is not in
/// a library.
pub(crate) fn driver(caller: usize) -> usize {
    if caller == 0 || !function::is_of_library(caller) {
        return caller;
    }
    let mut seen = [MaybeUninit::uninit(); SEEN];
    let frames = frames(caller, &mut seen);
    frames
        .get(first_of_client(frames))
        .copied()
        .unwrap_or(caller)
}

impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_name(|name| f.write_str(name.unwrap_or("unknown")))
    }
}

#[kernel::macros::kunit_tests(rust_pool_names)]
mod tests {
    use super::*;

    #[test]
    fn one_name_for_one_text() -> Result {
        let mut names = Names::new()?;
        let one = names.known_or_new("one+0x1/0x2 [module]").ok_or(ENOMEM)?;
        let two = names.known_or_new("two+0x1/0x2 [module]").ok_or(ENOMEM)?;
        assert!(!core::ptr::eq(one, two));
        for (name, text) in [(one, "one+0x1/0x2 [module]"), (two, "two+0x1/0x2 [module]")] {
            let known = names.known_or_new(text);
            assert!(known.is_some_and(|known| core::ptr::eq(known, name)));
        }
        Ok(())
    }

    #[test]
    fn many_names_are_spread() -> Result {
        const MANY: usize = 3000;
        let mut names = Names::new()?;
        let mut text = Text::<32>::empty();
        for at in 0..MANY {
            text.clear();
            crate::lib::text::kwrite!(&mut text, "place+{at:#x}/0x8000 [module]")?;
            names.known_or_new(text.as_str()).ok_or(ENOMEM)?;
        }
        let lengths = || names.lists.iter().map(|list| list.iter().count());
        assert!(lengths().sum::<usize>() == MANY);
        assert!(lengths().max().is_some_and(|longest| longest <= 24));
        Ok(())
    }
}
