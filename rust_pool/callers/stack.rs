// SPDX-License-Identifier: GPL-2.0

//! Stacks of callers. Their frames keep their names when the modules are unloaded.

use crate::{
    callers::{
        call_site::{
            self,
            CallSite, //
        },
        function, //
    },
    lib::{
        layout::words_of,
        text::{
            kwrite,
            module_of,
            width, //
        }, //
    },
    sys, //
};
use core::mem::{
    offset_of,
    size_of,
    MaybeUninit, //
};
use kernel::{
    fmt,
    prelude::*, //
};

/// How many frames are kept.
const DEPTH: usize = 8;
/// How many frames are searched, including our own and those of libraries.
const SEEN: usize = 32;

/// A stack of call sites, the innermost first.
pub(crate) struct Stack([CallSite; DEPTH]);

impl Stack {
    /// For the reader of a dump: where a stack has its call sites, and how many; and where an
    /// optional stack has the stack. In front of that is a word that is 0 if there is none.
    pub(crate) const LAYOUT: [usize; 3] = [offset_of!(Self, 0), DEPTH, {
        const WORDS: usize = 1 + size_of::<Stack>() / size_of::<usize>();
        let words = words_of!(
            Some(Stack([const { CallSite::new(0) }; DEPTH])),
            [usize; WORDS]
        );
        // The words of that stack are all 0.
        assert!(words[0] == 1);
        size_of::<usize>()
    }];

    /// The stack from `caller` on, without the frames of libraries at its beginning. In an
    /// interrupt it ends where that began, as the interrupted code did not call. Any context but
    /// NMI.
    pub(crate) fn capture(caller: usize) -> Self {
        let mut seen = [MaybeUninit::uninit(); SEEN];
        let frames = call_site::frames(caller, &mut seen);
        let start = call_site::first_of_client(frames);
        let frame = |at: usize| frames.get(start + at).copied().unwrap_or(0);
        Self(core::array::from_fn(|at| CallSite::new(frame(at))))
    }

    /// The stack from the function that called this module on. Any context but NMI.
    pub(crate) fn of_caller() -> Self {
        let mut seen = [MaybeUninit::uninit(); SEEN];
        let frames = sys::save_stack(0, &mut seen).iter().skip(1);
        let callers = frames.skip_while(|&&frame| sys::is_ours(frame));
        let mut callers = callers.copied();
        Self(core::array::from_fn(|_| {
            CallSite::new(callers.next().unwrap_or(0))
        }))
    }

    /// Prints it behind `words`, in as many lines as it takes for the log to truncate none.
    pub(crate) fn print(&self, words: fmt::Arguments<'_>) {
        /// Bytes of frames in a line. The log truncates at 1024, with what comes before them.
        const ROOM: usize = 900;
        let known = self.0.iter().take_while(|site| site.is_known()).count();
        let frames = self.0.get(self.libraries()..known.max(1)).unwrap_or(&[]);
        let mut first = 0;
        while first < frames.len() {
            let mut room = ROOM;
            let rest = frames.get(first..).unwrap_or(&[]);
            let fitting = rest.iter().take_while(|site| {
                let width = width(*site) + SEPARATOR.len();
                let fits = width <= room;
                room = room.saturating_sub(width);
                fits
            });
            // Each frame fits by itself, as no name is longer than `SYMBOL`.
            let count = fitting.count().max(1);
            let line = Frames(rest.get(..count).unwrap_or(rest));
            if first == 0 {
                pr_err!("  {words} {line}\n");
            } else {
                pr_err!("   {SEPARATOR}{line}\n");
            }
            first += count;
        }
    }

    /// How many frames at its beginning lie in libraries, if the next one lies in a module; else 0.
    /// Looking that up takes too long at each free, so it is done when a stack is printed.
    fn libraries(&self) -> usize {
        let named = |site: &CallSite, is_it: fn(&str) -> bool| {
            site.with_name(|name| name.is_some_and(is_it))
        };
        let libraries = self
            .sites()
            .take_while(|site| named(site, function::is_name_of_library));
        let count = libraries.count();
        let behind = self.0.get(count);
        let of_module = behind.is_some_and(|site| named(site, |name| module_of(name).is_some()));
        count * usize::from(of_module)
    }

    /// A copy, to keep.
    pub(crate) fn copy(&self) -> Self {
        Self(self.0.each_ref().map(CallSite::copy))
    }

    /// The innermost frame.
    pub(crate) fn caller(&self) -> &CallSite {
        let [caller, ..] = &self.0;
        caller
    }

    /// All frames.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &CallSite> {
        self.0.iter()
    }

    /// A hash, which is the same for equal stacks.
    pub(crate) fn hash(&self) -> u64 {
        self.sites().fold(0, |hash: u64, site| {
            (hash.rotate_left(5) ^ site.hash()).wrapping_mul(0x517c_c1b7_2722_0a95)
        })
    }

    /// A stack of which only the innermost frame is known.
    pub(crate) fn of_site(site: &CallSite) -> Self {
        let mut site = Some(site.copy());
        Self(core::array::from_fn(|_| {
            site.take().unwrap_or_else(|| CallSite::new(0))
        }))
    }

    /// Whether both are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.sites()
            .zip(other.sites())
            .all(|(one, two)| one.is(two))
    }
}

/// The text between two frames.
const SEPARATOR: &str = " < ";

/// Some of the frames of a stack.
struct Frames<'a>(&'a [CallSite]);

impl fmt::Display for Frames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, site) in self.0.iter().enumerate() {
            if at == 0 {
                kwrite!(f, "{site}")?;
            } else if site.is_known() {
                kwrite!(f, "{SEPARATOR}{site}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Frames(&self.0).fmt(f)
    }
}
