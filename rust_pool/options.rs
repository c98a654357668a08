// SPDX-License-Identifier: GPL-2.0

//! The verifier's options.
//!
//! They are a list of lines, in the order in which they are shown. A list is immutable: changing
//! the options replaces it with a new one.

pub(crate) mod parse;
pub(crate) mod policy;
pub(crate) mod rules;
pub(crate) mod selection;

use crate::{
    lib::{
        at_load::AtLoad,
        text::{
            kwrite,
            Text, //
        }, //
    },
    options::{
        rules::Rule,
        selection::{
            Patterns,
            Selection,
            Who, //
        }, //
    },
    types::tag::Tag, //
};
use kernel::{
    fmt,
    new_spinlock_irq,
    prelude::*,
    sync::{
        Arc,
        SpinLockIrq, //
    }, //
};

/// The most tasks that can have a request fail at one time.
pub(crate) const TASKS: usize = 16;

/// The name of a task.
pub(crate) type Comm = Text<16>;

/// Requests that fail at random.
pub(crate) struct Chance {
    /// How many of 10000.
    pub(crate) probability: u32,
    pub(crate) selection: Selection,
    pub(crate) comm: Option<Comm>,
    /// Seconds until the first may fail.
    pub(crate) delay: u32,
    /// When that is, in nanoseconds since boot.
    pub(crate) from: u64,
}

impl PartialEq for Chance {
    /// The line as it was written.
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

/// A task's request that will fail.
#[derive(Clone, Copy)]
pub(crate) struct Nth {
    pub(crate) pid: u32,
    number: u64,
    /// Requests until it fails, counting itself; 0 after it did.
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
        kwrite!(f, "fail nth={} # pid {}, ", self.number, self.pid)?;
        match self.left {
            0 => f.write_str("struck"),
            left => kwrite!(f, "{left} to go"),
        }
    }
}

/// Blocks at a time, unless the option says how many, and the limits for that.
pub(crate) const SLOTS: u32 = 1024;
pub(crate) const FEWEST: u32 = 16;
pub(crate) const MOST: u32 = 65536;

/// Which end of its page a block is at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Start,
    End,
}

/// Which blocks come from special pool, and where in their page they are.
#[derive(PartialEq)]
pub(crate) struct Choice {
    pub(crate) side: Side,
    pub(crate) selection: Selection,
    pub(crate) min: u32,
    pub(crate) max: u32,
    /// How many there is room for; all choices have the same number.
    pub(crate) slots: Option<u32>,
}

impl Choice {
    /// Whether a block is to come from there.
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

/// How a change affects the tasks that wait for their n-th request.
#[derive(Clone, Copy, Default)]
pub(crate) struct TaskChange {
    /// Whether the earlier ones are removed.
    pub(crate) forget: bool,
    /// The request of the writing task that will fail.
    pub(crate) nth: Option<u64>,
}

/// What a line begins with. Lines are shown in this order.
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

/// A line of the options.
#[derive(PartialEq)]
pub(crate) enum Line {
    /// Blocks to record.
    Tracking(Selection),
    /// Blocks with a red zone.
    Check(Selection),
    /// Blocks to come from special pool.
    Special(Choice),
    /// A block that a violation concerns is not handed out again.
    Quarantine,
    /// The machine is stopped at a violation by one of these modules.
    Panic(Patterns),
    /// Requests that fail at random.
    Chance(Chance),
    /// A rule to check.
    Rule(Rule),
}

impl Line {
    /// What it begins with.
    pub(crate) fn word(&self) -> Word {
        match self {
            Self::Tracking(_) => Word::Tracking,
            Self::Check(_) => Word::Check,
            Self::Special(_) => Word::Special,
            Self::Quarantine | Self::Panic(_) => Word::Policy,
            Self::Chance(_) => Word::Fail,
            Self::Rule(Rule::Dma) => Word::Dma,
            Self::Rule(Rule::Irql) => Word::Irql,
        }
    }

    pub(crate) fn by_module(&self) -> bool {
        match self {
            Self::Tracking(selection) | Self::Check(selection) => selection.by_module(),
            Self::Special(choice) => choice.selection.by_module(),
            Self::Panic(modules) => *modules != Patterns::All,
            Self::Chance(chance) => chance.selection.by_module(),
            Self::Quarantine | Self::Rule(_) => false,
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
            Self::Chance(chance) => kwrite!(f, "fail {chance}"),
            Self::Rule(rule) => rule.fmt(f),
        }
    }
}

/// Lines, in the order of their words.
pub(crate) type Lines = KVec<Arc<Line>>;

/// The options.
pub(crate) struct Options {
    lines: Option<Arc<Lines>>,
    pub(crate) tasks: [Option<Nth>; TASKS],
}

impl Options {
    /// Nothing.
    pub(crate) const fn new() -> Self {
        Self {
            lines: None,
            tasks: [None; TASKS],
        }
    }

    /// Puts other options in force, and returns the old ones, to be dropped without the lock.
    pub(crate) fn replace(&mut self, lines: Arc<Lines>) -> Option<Arc<Lines>> {
        self.lines.replace(lines)
    }

    /// The lines, to look at when the lock is released, where memory may be freed.
    pub(crate) fn lines(&self) -> Option<Arc<Lines>> {
        self.lines.clone()
    }

    fn each(&self) -> impl Iterator<Item = &Line> {
        let lines = self.lines.as_deref().map_or(&[][..], KVec::as_slice);
        lines.iter().map(|line| &**line)
    }

    /// Whether there is anything to do.
    pub(crate) fn any(&self) -> bool {
        self.each().any(|line| !matches!(line, Line::Panic(_))) || self.fails()
    }

    /// Whether there is a line that begins so.
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

    /// What may fail at random.
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

    /// Whether memory is recorded: blocks with a red zone are too, for their call site.
    pub(crate) fn records(&self, tag: Option<Tag>, who: &Who) -> bool {
        self.tracks(tag, who) || tag.is_some_and(|tag| self.checks(tag, who))
    }

    /// At which end of its page to place a block, if it comes from special pool: by the first line
    /// that matches.
    pub(crate) fn special(&self, tag: Tag, bytes: usize, who: &Who) -> Option<Side> {
        self.each().find_map(|line| match line {
            Line::Special(choice) if choice.wants(tag, bytes, who) => Some(choice.side),
            _ => None,
        })
    }

    /// Whether a violation stops the machine, by who made it.
    pub(crate) fn stops(&self, who: &Who) -> bool {
        self.each()
            .any(|line| matches!(line, Line::Panic(modules) if modules.fit_module(who)))
    }

    /// Renders the option at or behind a place, and returns the place behind it.
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

    /// The tasks that wait once a change is made.
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
