// SPDX-License-Identifier: GPL-2.0

//! The verifier's options.
//!
//! They are a list of lines, in the order in which they are shown. A list is immutable: a change of
//! the options puts a new list in its place.

pub(crate) mod parse;
pub(crate) mod policy;
pub(crate) mod rules;
pub(crate) mod selection;

use crate::{
    lib::{
        at_load::AtLoad,
        layout,
        text::{
            kwrite,
            Text, //
        }, //
    },
    options::{
        policy::Tolerated,
        rules::Rule,
        selection::{
            Patterns,
            Selection,
            Who, //
        }, //
    },
    types::tag::Tag, //
};
use core::mem::offset_of;
use kernel::{
    fmt,
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        SpinLockIrq, //
    }, //
};

/// For how many tasks `fail nth=` can be set at a time.
pub(crate) const TASKS: usize = 16;

/// How the remark behind an option begins that counts for one task alone. Whoever writes the line
/// back is another task.
const PID: &str = "pid ";

/// The name of a task.
pub(crate) type Comm = Text<16>;

/// Requests that fail at random: `fail probability=`.
pub(crate) struct Chance {
    /// How many of 10000 requests fail.
    pub(crate) probability: u32,
    pub(crate) selection: Selection,
    /// The name of the tasks whose requests fail; of all tasks if there is none.
    pub(crate) comm: Option<Comm>,
    /// Seconds from the write of the line until the first request may fail.
    pub(crate) delay: u32,
    /// The end of the delay, in nanoseconds since boot.
    pub(crate) from: u64,
}

impl PartialEq for Chance {
    /// Compares the lines as they were written: the end of the delay does not count.
    fn eq(&self, other: &Self) -> bool {
        self.probability == other.probability
            && self.selection == other.selection
            && self.comm == other.comm
            && self.delay == other.delay
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(f, "probability={}", self.probability)?;
        kwrite!(f, " {} delay={}", self.selection, self.delay)?;
        self.comm
            .as_ref()
            .map_or(Ok(()), |comm| kwrite!(f, " comm={comm}"))
    }
}

/// The n-th request of a task, which fails: `fail nth=`.
#[derive(Clone, Copy)]
pub(crate) struct Nth {
    pub(crate) pid: u32,
    number: u64,
    /// How many requests the task has left, the one that fails included; 0 after that.
    left: u64,
}

impl Nth {
    /// Counts a request, and returns whether it is the one to fail.
    pub(crate) fn strikes(&mut self) -> bool {
        let struck = self.left == 1;
        self.left = self.left.saturating_sub(1);
        struck
    }
}

impl fmt::Display for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(f, "fail nth={} # {}{}, ", self.number, PID, self.pid)?;
        match self.left {
            0 => f.write_str("struck"),
            left => kwrite!(f, "{left} to go"),
        }
    }
}

/// How many blocks special pool has room for if no option says so.
pub(crate) const SLOTS: u32 = 1024;
/// The least and the most that an option may say.
pub(crate) const FEWEST: u32 = 16;
pub(crate) const MOST: u32 = 65536;

/// The end of its page at which a block is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Start,
    End,
}

/// Which blocks come from special pool, and at which end of their page they are.
#[derive(PartialEq)]
pub(crate) struct Choice {
    pub(crate) side: Side,
    pub(crate) selection: Selection,
    /// The smallest and the largest block, in bytes.
    pub(crate) min: u32,
    pub(crate) max: u32,
    /// How many blocks special pool has room for. It is the same number in all lines.
    pub(crate) slots: Option<u32>,
}

impl Choice {
    /// Whether a block should come from special pool.
    pub(crate) fn wants(&self, tag: Tag, bytes: usize, who: &Who) -> bool {
        u32::try_from(bytes).is_ok_and(|bytes| (self.min..=self.max).contains(&bytes))
            && self.selection.has(Some(tag), who)
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            side,
            selection,
            min,
            max,
            slots,
        } = self;
        let side = match side {
            Side::Start => "start",
            Side::End => "end",
        };
        let slots = slots.unwrap_or(SLOTS);
        kwrite!(f, "{side} {selection} size={min}..{max} slots={slots}")
    }
}

/// How a change of the options affects `fail nth=`.
#[derive(Clone, Copy, Default)]
pub(crate) struct TaskChange {
    /// Whether it is removed for all tasks.
    pub(crate) forget: bool,
    /// Which request of the writing task is to fail.
    pub(crate) nth: Option<u64>,
}

/// The word that a line begins with. Lines are shown in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    Tracking,
    Check,
    Special,
    Policy,
    Fail,
    Dma,
    Irql,
}

/// The words of the lines in force, a bit each, and that of `fail` also while a task waits for its
/// n-th request.
static WORDS: Atomic<u32> = Atomic::new(0);

impl Word {
    fn bit(self) -> u32 {
        // CAST: Lossless. There are fewer words than bits.
        1u32.wrapping_shl(self as u32)
    }

    /// Whether a line in force begins with it. Most options are off, and all requests ask, so this
    /// takes no lock.
    #[inline]
    pub(crate) fn is_on(self) -> bool {
        WORDS.load(Relaxed) & self.bit() != 0
    }
}

/// A line of the options.
#[derive(PartialEq)]
pub(crate) enum Line {
    /// Tracks these blocks.
    Tracking(Selection),
    /// Allocates these blocks with a red zone.
    Check(Selection),
    /// Allocates these blocks from special pool.
    Special(Choice),
    /// Never hands out a block again that a violation concerns.
    Quarantine,
    /// Stops the machine at a violation by one of these modules.
    Panic(Patterns),
    /// Carries out what breaks a rule.
    Tolerate(Tolerated),
    /// Requests that fail at random.
    Chance(Chance),
    /// A rule to check.
    Rule(Rule),
}

impl Line {
    /// The word that it begins with.
    pub(crate) fn word(&self) -> Word {
        match self {
            Self::Tracking(_) => Word::Tracking,
            Self::Check(_) => Word::Check,
            Self::Special(_) => Word::Special,
            Self::Quarantine | Self::Panic(_) | Self::Tolerate(_) => Word::Policy,
            Self::Chance(_) => Word::Fail,
            Self::Rule(Rule::Dma) => Word::Dma,
            Self::Rule(Rule::Irql) => Word::Irql,
        }
    }

    /// Whether it applies to some modules only.
    pub(crate) fn by_module(&self) -> bool {
        match self {
            Self::Tracking(selection) | Self::Check(selection) => selection.by_module(),
            Self::Special(choice) => choice.selection.by_module(),
            Self::Panic(modules) => *modules != Patterns::All,
            Self::Chance(chance) => chance.selection.by_module(),
            Self::Quarantine | Self::Tolerate(_) | Self::Rule(_) => false,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tracking(selection) => kwrite!(f, "tracking {selection}"),
            Self::Check(selection) => kwrite!(f, "check {selection}"),
            Self::Special(choice) => kwrite!(f, "special {choice}"),
            Self::Quarantine => f.write_str("policy quarantine"),
            Self::Panic(Patterns::All) => f.write_str("policy panic"),
            Self::Panic(modules) => kwrite!(f, "policy panic module={modules}"),
            Self::Tolerate(what) => kwrite!(f, "policy {what}"),
            Self::Chance(chance) => kwrite!(f, "fail {chance}"),
            Self::Rule(rule) => rule.fmt(f),
        }
    }
}

/// Lines, in the order of their words.
pub(crate) type Lines = KVec<Arc<Line>>;

/// Lines as a text with a newline behind each and a NUL at its end, for the reader of a dump, who
/// cannot render them; empty without any lines.
pub(crate) struct Shown(KVec<u8>);

impl Shown {
    /// The text of these lines. Sleeps.
    pub(crate) fn of<'a>(lines: impl Iterator<Item = &'a Line>) -> Result<Self> {
        let mut text = KVec::new();
        let mut row = Text::<1024>::empty();
        for line in lines {
            row.clear();
            // It does not fail: text that does not fit is cut off.
            let _ = kwrite!(&mut row, "{line}");
            text.extend_from_slice(row.as_bytes(), GFP_KERNEL)?;
            text.push(b'\n', GFP_KERNEL)?;
        }
        if !text.is_empty() {
            text.push(0, GFP_KERNEL)?;
        }
        Ok(Self(text))
    }
}

/// The options.
pub(crate) struct Options {
    lines: Option<Arc<Lines>>,
    shown: Shown,
    pub(crate) tasks: [Option<Nth>; TASKS],
}

impl Options {
    /// For the reader of a dump: from the lock, where the options have the address of their text.
    /// That of an empty one is no address of memory.
    pub(crate) const LAYOUT: [usize; 1] = [layout::behind_lock::<Self>()
        + offset_of!(Self, shown)
        + offset_of!(Shown, 0)
        + layout::start_of_vec::<u8>()];

    /// Without any options.
    pub(crate) const fn new() -> Self {
        Self {
            lines: None,
            shown: Shown(KVec::new()),
            tasks: [None; TASKS],
        }
    }

    /// Puts other options in force, and returns the old ones. `tasks` is set before. The caller
    /// drops the old ones after it has released the lock.
    pub(crate) fn replace(
        &mut self,
        lines: Arc<Lines>,
        shown: Shown,
    ) -> (Option<Arc<Lines>>, Shown) {
        let old = core::mem::replace(&mut self.shown, shown);
        let old = (self.lines.replace(lines), old);
        let words = self.each().map(|line| line.word().bit());
        let fails = u32::from(self.fails()) * Word::Fail.bit();
        WORDS.store(words.fold(fails, |all, word| all | word), Relaxed);
        old
    }

    /// The lines, to read without the lock. The caller drops them without the lock, too.
    pub(crate) fn lines(&self) -> Option<Arc<Lines>> {
        self.lines.clone()
    }

    fn each(&self) -> impl Iterator<Item = &Line> {
        let lines = self.lines.as_deref().map_or(&[][..], KVec::as_slice);
        lines.iter().map(|line| &**line)
    }

    /// Whether the verifier is on: whether there is more than policies for which nothing is to be
    /// recorded.
    pub(crate) fn any(&self) -> bool {
        let idle = |line: &Line| matches!(line, Line::Panic(_) | Line::Tolerate(_));
        self.each().any(|line| !idle(line)) || self.fails()
    }

    /// Whether there is a line that begins with `word`.
    pub(crate) fn has_word(&self, word: Word) -> bool {
        self.each().any(|line| line.word() == word)
    }

    /// Whether a rule is checked.
    pub(crate) fn has(&self, rule: Rule) -> bool {
        self.each().any(|line| *line == Line::Rule(rule))
    }

    /// Whether requests may fail.
    pub(crate) fn fails(&self) -> bool {
        self.tasks.iter().any(Option::is_some) || self.has_word(Word::Fail)
    }

    /// The requests that may fail at random.
    pub(crate) fn chances(&self) -> impl Iterator<Item = &Chance> {
        self.each().filter_map(|line| match line {
            Line::Chance(chance) => Some(chance),
            _ => None,
        })
    }

    /// Whether any memory is recorded.
    pub(crate) fn records_any(&self) -> bool {
        self.has_word(Word::Tracking) || self.has_word(Word::Check)
    }

    /// Whether a block is tracked.
    fn tracks(&self, tag: Option<Tag>, who: &Who) -> bool {
        self.each()
            .any(|line| matches!(line, Line::Tracking(selection) if selection.has(tag, who)))
    }

    /// Whether a block has a red zone.
    pub(crate) fn checks(&self, tag: Tag, who: &Who) -> bool {
        self.each()
            .any(|line| matches!(line, Line::Check(selection) if selection.has(Some(tag), who)))
    }

    /// Whether a block has a record: if it is tracked, or has a red zone, as a report of that names
    /// the call site.
    pub(crate) fn records(&self, tag: Option<Tag>, who: &Who) -> bool {
        self.tracks(tag, who) || tag.is_some_and(|tag| self.checks(tag, who))
    }

    /// At which end of its page to place a block, if it comes from special pool. The first line
    /// that matches decides.
    pub(crate) fn special(&self, tag: Tag, bytes: usize, who: &Who) -> Option<Side> {
        self.each().find_map(|line| match line {
            Line::Special(choice) if choice.wants(tag, bytes, who) => Some(choice.side),
            _ => None,
        })
    }

    /// Whether a violation by `who` stops the machine.
    pub(crate) fn stops(&self, who: &Who) -> bool {
        self.each()
            .any(|line| matches!(line, Line::Panic(modules) if modules.fit_module(who)))
    }

    /// Renders the option at a position, and returns the position behind it.
    pub(crate) fn show(&self, at: usize, to: &mut impl fmt::Write) -> Option<usize> {
        let tasks = self.tasks.iter().flatten();
        let stops = self.each().any(|line| *line == Line::Panic(Patterns::All));
        let parameter = policy::panics_by_parameter() && !stops;
        let lines = self.each().count();
        let shown = if let Some(line) = self.each().nth(at) {
            kwrite!(to, "{line}")
        } else if let Some(task) = tasks.clone().nth(at - lines) {
            kwrite!(to, "{task}")
        } else {
            match at - lines - tasks.count() {
                0 if parameter => kwrite!(to, "policy panic # panic_on_violation"),
                0 if at == 0 => kwrite!(to, "off"),
                _ => return None,
            }
        };
        shown.ok().map(|()| at + 1)
    }

    /// The n-th requests of tasks after a change that the task `pid` makes.
    pub(crate) fn tasks_after(&self, change: TaskChange, pid: u32) -> Result<[Option<Nth>; TASKS]> {
        let mut tasks = if change.forget {
            [None; TASKS]
        } else {
            self.tasks
        };
        if let Some(number) = change.nth {
            let own = tasks
                .iter()
                .position(|at| at.is_some_and(|at| at.pid == pid));
            let spare = tasks.iter().position(|at| at.is_none_or(|at| at.left == 0));
            let place = own.or(spare).and_then(|at| tasks.get_mut(at));
            *place.ok_or(ENOSPC)? = Some(Nth {
                pid,
                number,
                left: number,
            });
        }
        Ok(tasks)
    }
}

/// The options in force.
pub(crate) static OPTIONS: AtLoad<SpinLockIrq<Options>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(Options::new(), "rust_pool::verifier"),
        GFP_KERNEL,
    )
});
