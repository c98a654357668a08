// SPDX-License-Identifier: GPL-2.0

//! Watches tags for growth, for CI.

use crate::{
    diff::Changes,
    error::{status, Error, Result},
    output,
    pooltag::PoolTags,
    select::Filter,
    snapshot::Snapshot,
    source::Source,
};
use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// What is asked for.
pub struct Watch<'a> {
    /// The files.
    pub source: &'a Source,
    /// What pooltag.txt says, by which rows may be chosen.
    pub tags: &'a PoolTags,
    /// The rows to watch.
    pub filter: &'a Filter,
    /// By how many bytes each may grow.
    pub limit: i64,
}

/// What has become of the rows.
enum Seen {
    /// These grew too much.
    Grown(Changes),
    /// None did.
    Quiet,
    /// There are no such rows. A name that is spelt wrongly looks like a tag that nobody used.
    Nothing,
}

impl Watch<'_> {
    /// Looks at each interval, until a tag has grown too much or the time is over; `None` is for
    /// ever. Returns the exit status.
    pub fn look(&self, interval: Duration, lasts: Option<Duration>) -> Result<u8> {
        let mut before = self.now()?;
        let mut last = before.clone();
        let start = Instant::now();
        loop {
            let left = lasts.map(|lasts| lasts.saturating_sub(start.elapsed()));
            thread::sleep(left.map_or(interval, |left| left.min(interval)));
            let over = left.is_some_and(|left| left <= interval);
            let now = self.now()?;
            if now.is_of_a_later_load(&last, true) {
                before = now.with_rows(Vec::new());
            }
            let seen = self.seen(&before, &now);
            last = now;
            if over || matches!(seen, Seen::Grown(_)) {
                return self.verdict(&seen);
            }
        }
    }

    /// Runs the command, and looks when it has ended. Returns the exit status.
    pub fn run(&self, command: &[String]) -> Result<u8> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(Error::Usage("there is no command to run".to_owned()));
        };
        let mut before = self.now()?;
        let ended = Command::new(program)
            .args(arguments)
            .status()
            .map_err(|error| Error::Io(program.clone(), error))?;
        let now = self.now()?;
        if now.is_of_a_later_load(&before, true) {
            before = now.with_rows(Vec::new());
        }
        match self.verdict(&self.seen(&before, &now))? {
            0 if !ended.success() => {
                let what = format!("{} failed: {ended}", command.join(" "));
                Err(Error::Command(what))
            }
            status => Ok(status),
        }
    }

    fn now(&self) -> Result<Snapshot> {
        let mut now = Snapshot::take(self.source)?;
        now.describe(self.tags);
        Ok(now)
    }

    /// What has become of the rows since then.
    fn seen(&self, before: &Snapshot, now: &Snapshot) -> Seen {
        let mut changes = Changes::between(before, now, |row| self.filter.has(row));
        changes.rows.retain(|row| row.bytes > self.limit.into());
        if !changes.rows.is_empty() {
            return Seen::Grown(changes);
        }
        let any = before.rows.iter().chain(&now.rows);
        if any.into_iter().any(|row| self.filter.has(row)) {
            Seen::Quiet
        } else {
            Seen::Nothing
        }
    }

    fn verdict(&self, seen: &Seen) -> Result<u8> {
        let limit = self.limit;
        match seen {
            Seen::Quiet => {
                output::print(&format!("nothing grew by more than {limit} bytes\n"))?;
                Ok(0)
            }
            Seen::Nothing => {
                let why = "no tag that was used matches, before or after";
                output::print(&format!("nothing grew by more than {limit} bytes: {why}\n"))?;
                Ok(0)
            }
            Seen::Grown(changes) => {
                let table = changes.table(false);
                output::print(&format!("grew by more than {limit} bytes:\n{table}"))?;
                Ok(status::GREW)
            }
        }
    }
}
