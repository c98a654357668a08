// SPDX-License-Identifier: GPL-2.0

//! What the verifier is to do.

use super::{
    check,
    freed,
    kept,
    parse::{
        self,
        Change, //
    },
    rules::Rules,
    special,
    switch,
    tag_pattern::TagPattern, //
};
use crate::{
    state,
    sys,
    tag::Tag,
    text::{
        kwrite,
        Text, //
    },
    violation, //
};
use kernel::{
    fmt,
    prelude::*, //
};

/// Tasks whose n-th allocation is to fail, at one time.
const TASKS: usize = 16;

/// The name of a task.
pub(crate) type Comm = Text<16>;

/// Requests to fail by chance.
#[derive(Clone, Copy)]
pub(crate) struct Chance {
    /// How many of 10000.
    pub(crate) probability: u32,
    pub(crate) tag: TagPattern,
    pub(crate) comm: Option<Comm>,
    /// Seconds until the first may fail.
    pub(crate) delay: u32,
    /// When that is, in nanoseconds since boot.
    pub(crate) from: u64,
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(f, "fail probability={}", self.probability)?;
        kwrite!(f, " tag={} delay={}", self.tag, self.delay)?;
        self.comm
            .as_ref()
            .map_or(Ok(()), |comm| kwrite!(f, " comm={comm}"))
    }
}

/// A request of a task that is to fail.
#[derive(Clone, Copy)]
pub(crate) struct Nth {
    pub(crate) pid: u32,
    number: u64,
    /// Requests until it fails, itself included; 0 when it has.
    left: u64,
}

impl Nth {
    /// Counts a request, and says whether it is the one.
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

/// What becomes of whoever breaks a rule.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// It is reported.
    Log,
    /// The block that it concerns is not handed out again.
    Quarantine,
    /// The machine is stopped.
    Panic,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "policy log",
            Self::Quarantine => "policy quarantine",
            Self::Panic => "policy panic",
        })
    }
}

/// The options.
pub(crate) struct Options {
    policy: Policy,
    tracking: Option<TagPattern>,
    pub(crate) check: Option<TagPattern>,
    pub(crate) special: Option<special::Choice>,
    pub(crate) chance: Option<Chance>,
    pub(crate) tasks: [Option<Nth>; TASKS],
    pub(crate) rules: Rules,
}

impl Options {
    /// Nothing.
    pub(crate) const fn new() -> Self {
        Self {
            policy: Policy::Log,
            tracking: None,
            check: None,
            special: None,
            chance: None,
            tasks: [None; TASKS],
            rules: Rules::new(),
        }
    }

    /// Whether there is anything to do.
    pub(crate) fn any(&self) -> bool {
        self.tracking.is_some()
            || self.check.is_some()
            || self.special.is_some()
            || self.policy == Policy::Quarantine
            || self.fails()
            || self.rules.any()
    }

    /// Whether requests may fail.
    pub(crate) fn fails(&self) -> bool {
        self.chance.is_some() || self.tasks.iter().any(Option::is_some)
    }

    /// Whether blocks with a tag are tracked.
    pub(crate) fn tracks(&self, tag: Option<Tag>) -> bool {
        self.tracking.is_some_and(|pattern| pattern.matches(tag))
    }

    /// Whether blocks with a tag have a pattern behind them.
    pub(crate) fn checks(&self, tag: Tag) -> bool {
        self.check.is_some_and(|pattern| pattern.matches(Some(tag)))
    }

    /// Whether memory with a tag is recorded: what is checked is, to know its place.
    pub(crate) fn records(&self, tag: Option<Tag>) -> bool {
        self.tracks(tag) || tag.is_some_and(|tag| self.checks(tag))
    }

    /// Whether any memory is recorded.
    pub(crate) fn records_any(&self) -> bool {
        self.tracking.is_some() || self.check.is_some()
    }

    /// The tags of tracked blocks that are listed: all are once tracking is off.
    pub(crate) fn listed(&self) -> Option<TagPattern> {
        self.tracking
    }

    /// Renders the option at or behind a place, and returns the place behind it.
    pub(crate) fn show(&self, at: usize, to: &mut impl fmt::Write) -> Option<usize> {
        /// How many there are that are set once for all tasks.
        const COMMON: usize = 5;
        for place in at..COMMON + TASKS {
            let shown = match place {
                0 => self.tracking.map(|tag| kwrite!(to, "tracking tag={tag}")),
                1 => self.check.map(|tag| kwrite!(to, "check tag={tag}")),
                2 => self.special.map(|it| kwrite!(to, "{it}")),
                3 => (self.policy != Policy::Log).then(|| kwrite!(to, "{}", self.policy)),
                4 => self.chance.map(|it| kwrite!(to, "{it}")),
                _ => {
                    let task = self.tasks.get(place - COMMON).copied().flatten();
                    task.map(|it| kwrite!(to, "{it}"))
                }
            };
            if let Some(result) = shown {
                result.ok()?;
                return Some(place + 1);
            }
        }
        /// The place of the first rule.
        const RULES: usize = COMMON + TASKS;
        if let Some(next) = self.rules.show(at.saturating_sub(RULES), to) {
            return Some(next + RULES);
        }
        if at == 0 {
            kwrite!(to, "off").ok()?;
            return Some(RULES + Rules::COUNT);
        }
        None
    }

    /// The tasks that wait once a change is made.
    fn tasks_after(&self, change: &Change, pid: u32) -> Result<[Option<Nth>; TASKS]> {
        let mut tasks = if change.off {
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

    fn apply(&mut self, change: &Change, pid: u32) -> Result {
        let tasks = self.tasks_after(change, pid)?;
        if change.off {
            *self = Self::new();
        }
        self.tasks = tasks;
        self.tracking = change.tracking.or(self.tracking);
        self.policy = change.policy.unwrap_or(self.policy);
        kept::set(self.policy == Policy::Quarantine);
        violation::set_policy(self.policy == Policy::Panic);
        self.check = change.check.or(self.check);
        self.special = change.special.or(self.special);
        self.chance = change.chance.or(self.chance);
        self.rules = self.rules.and(change.rules);
        Ok(())
    }
}

/// Does what a text of options says, or nothing at all. Sleeps.
pub(crate) fn set(text: &[u8]) -> Result {
    let text = core::str::from_utf8(text).map_err(|_| {
        pr_err!("verifier: the options are not text: write a line for each\n");
        EINVAL
    })?;
    let change = parse::text(text, sys::uptime()).map_err(|bad| {
        pr_err!("verifier: {bad}\n");
        EINVAL
    })?;
    let pid = sys::current_task().map_or(0, |(pid, _)| pid);
    let state = state::get();
    let _one_at_a_time = state.verifier_switch.lock();
    // Places for tasks only become more meanwhile.
    let tasks = state.verifier.lock().tasks_after(&change, pid);
    tasks.inspect_err(|_| {
        pr_err!(
            "verifier: {TASKS} tasks wait for their n-th request already: write \"off\" first\n"
        );
    })?;
    let set = make_room(&change).and_then(|()| state.verifier.lock().apply(&change, pid));
    // What was made for nothing goes again.
    switch::update();
    set
}

/// Makes what the options of a change need. Sleeps; `verifier_switch` is held.
fn make_room(change: &Change) -> Result {
    if let Some(choice) = &change.special {
        special::open(choice)?;
    }
    if change.tracking.is_some() || change.check.is_some() {
        freed::open().inspect_err(|_| pr_err!("verifier: no memory for tracking: try later\n"))?;
    }
    if change.check.is_some() {
        check::open().inspect_err(|_| pr_err!("verifier: no memory for check: try later\n"))?;
    }
    if change.policy == Some(Policy::Quarantine) {
        kept::open().inspect_err(|_| pr_err!("verifier: no memory for policy: try later\n"))?;
    }
    Ok(())
}
