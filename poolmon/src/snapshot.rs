// SPDX-License-Identifier: GPL-2.0

//! What all tags and families hold at one time.

use crate::{
    error::{Error, Result, Version},
    output::printable,
    parse::{
        families::{self, Totals},
        summary::{self, Summary},
        tags::{self, Pool, TagRow},
        Site,
    },
    pooltag::PoolTags,
    source::{self, Source},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// What kind of memory a row counts.
#[derive(
    Clone,
    Copy,
    Debug,
    Hash,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Nonpaged pool.
    Nonpaged,
    /// Paged pool.
    Paged,
    /// Contiguous memory.
    Contiguous,
    /// Noncached memory.
    Noncached,
    /// Common buffers of adapters.
    Common,
    /// Pages that were allocated for MDLs.
    Mdl,
}

impl Kind {
    /// As the column shows it.
    pub fn short(self) -> &'static str {
        match self {
            Self::Nonpaged => "Nonp",
            Self::Paged => "Paged",
            Self::Contiguous => "Contig",
            Self::Noncached => "Noncach",
            Self::Common => "Common",
            Self::Mdl => "Mdl",
        }
    }

    /// As files for programs have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nonpaged => "nonpaged",
            Self::Paged => "paged",
            Self::Contiguous => "contiguous",
            Self::Noncached => "noncached",
            Self::Common => "common",
            Self::Mdl => "mdl",
        }
    }

    /// As the file `sites` has it.
    pub fn in_sites(self) -> &'static str {
        match self {
            Self::Nonpaged | Self::Paged => self.short(),
            Self::Contiguous | Self::Noncached | Self::Common => self.name(),
            Self::Mdl => "mdl_pages",
        }
    }

    /// Whether it is memory with a tag.
    pub fn is_pool(self) -> bool {
        matches!(self, Self::Nonpaged | Self::Paged)
    }
}

/// The tag and the kind, which tell a row from all others.
pub type Key = (String, Kind);

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The tag without the blanks that pad it, `(other)`, or `-` for memory without a tag.
    pub tag: String,
    /// The kind of memory.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Allocations since load.
    pub allocs: u64,
    /// Frees since load.
    pub frees: u64,
    /// Blocks live.
    pub diff: u64,
    /// Bytes live, as asked for.
    pub bytes: i64,
    /// Bytes live, as taken.
    pub used: i64,
    /// Bytes of a block on average.
    pub per_alloc: u64,
    /// The most bytes that ever were live; unknown for memory without a tag.
    pub peak: Option<u64>,
    /// Requests that failed.
    pub failures: u64,
    /// The module that used the tag first.
    pub module: Option<String>,
    /// Where it did, names of Rust as in the source.
    pub first_user: Option<String>,
    /// The driver, by pooltag.txt.
    pub owner: Option<String>,
    /// What the blocks are, by pooltag.txt.
    pub description: Option<String>,
}

impl Row {
    /// The tag and the kind.
    pub fn key(&self) -> Key {
        (self.tag.clone(), self.kind)
    }

    /// Bytes that are taken beyond those that were asked for.
    pub fn waste(&self) -> i64 {
        self.used.saturating_sub(self.bytes)
    }

    /// The module, or else the owner by pooltag.txt.
    pub fn whose(&self) -> &str {
        let whose = self.module.as_deref().or(self.owner.as_deref());
        whose.unwrap_or("-")
    }

    fn of_tag(row: TagRow) -> Self {
        let tag = row.tag.as_deref().unwrap_or("(other)");
        Self {
            tag: tag.trim_end_matches(' ').to_owned(),
            kind: match row.pool {
                Pool::Nonpaged => Kind::Nonpaged,
                Pool::Paged => Kind::Paged,
            },
            allocs: row.allocs,
            frees: row.frees,
            diff: row.diff,
            bytes: row.bytes,
            used: row.used,
            per_alloc: row.per_alloc,
            peak: Some(row.peak),
            failures: row.failures,
            module: row
                .first_user
                .as_ref()
                .and_then(Site::module)
                .map(str::to_owned),
            first_user: row.first_user.as_ref().map(Site::readable),
            owner: None,
            description: None,
        }
    }

    fn of_family(kind: Kind, totals: Totals) -> Self {
        Self {
            tag: "-".to_owned(),
            kind,
            allocs: totals.allocs,
            frees: totals.frees,
            diff: totals.diff,
            bytes: totals.bytes,
            used: totals.used,
            per_alloc: average(totals.bytes, totals.diff),
            peak: None,
            failures: totals.failures,
            module: None,
            first_user: None,
            owner: None,
            description: None,
        }
    }

    /// Adds a row that shows as the same tag: bytes that are not printable show as dots.
    pub(crate) fn add(&mut self, other: &Self) {
        self.allocs = self.allocs.saturating_add(other.allocs);
        self.frees = self.frees.saturating_add(other.frees);
        self.diff = self.diff.saturating_add(other.diff);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.used = self.used.saturating_add(other.used);
        self.per_alloc = average(self.bytes, self.diff);
        self.peak = self.peak.max(other.peak);
        self.failures = self.failures.saturating_add(other.failures);
        if self.first_user != other.first_user {
            self.first_user = None;
        }
        if self.module != other.module {
            self.module = None;
        }
    }
}

fn average(bytes: i64, blocks: u64) -> u64 {
    let bytes = u64::try_from(bytes).unwrap_or(0);
    bytes.checked_div(blocks).unwrap_or(0)
}

/// The version of the form in which a snapshot is written as JSON.
pub const VERSION: Version = Version { major: 1, minor: 0 };
const FORMAT: &str = "poolmon snapshot";

/// All rows at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    format: String,
    version: String,
    /// Seconds since 1970, or `None` for a copy of files.
    pub time: Option<f64>,
    /// What the module holds in all.
    pub summary: Option<Summary>,
    /// The rows, in the order of the files.
    pub rows: Vec<Row>,
}

impl Snapshot {
    /// Reads the files.
    pub fn take(source: &Source) -> Result<Self> {
        let tags = tags::parse(&source.path("tags"), &source.read("tags")?)?;
        let mut rows = merged(tags.into_iter().map(Row::of_tag));
        for (kind, format) in [
            (Kind::Contiguous, families::CONTIGUOUS),
            (Kind::Noncached, families::NONCACHED),
            (Kind::Common, families::COMMON),
            (Kind::Mdl, families::MDL_PAGES),
        ] {
            if let Some(text) = source.read_if_copied(format.name)? {
                let totals = families::parse(&source.path(format.name), &text, format)?;
                if totals.allocs != 0 || totals.failures != 0 {
                    rows.push(Row::of_family(kind, totals));
                }
            }
        }
        let summary = match source.read_if_copied("summary")? {
            Some(text) => Some(summary::parse(&source.path("summary"), &text)?),
            None => None,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        // Nobody knows when copies were made.
        let now = now.filter(|_| !source.is_copy());
        Ok(Self {
            time: now.map(|since| since.as_secs_f64()),
            ..Self::of_rows(rows, summary)
        })
    }

    fn of_rows(rows: Vec<Row>, summary: Option<Summary>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION.to_string(),
            time: None,
            summary,
            rows,
        }
    }

    /// A copy that has these rows.
    pub fn with_rows(&self, rows: Vec<Row>) -> Self {
        Self {
            rows,
            ..self.clone()
        }
    }

    /// Reads what was kept: what `--json` printed, a copy of the file `tags`, or a directory of
    /// copies.
    pub fn load(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Self::take(&Source::named(path));
        }
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| Error::Io(name.clone(), error))?;
        let text = source::text(&name, bytes)?;
        if text.trim_start().starts_with('{') {
            return Self::of_json(&name, &text);
        }
        Self::of_tags(&name, &text)
    }

    /// What a copy of the file `tags` says. `name` is for messages.
    pub fn of_tags(name: &str, text: &str) -> Result<Self> {
        let rows = tags::parse(name, text)?.into_iter().map(Row::of_tag);
        Ok(Self::of_rows(merged(rows), None))
    }

    fn of_json(name: &str, text: &str) -> Result<Self> {
        /// The part that no version changes.
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: String,
        }
        let wrong = |error: serde_json::Error| Error::Malformed {
            file: name.to_owned(),
            line: error.line(),
            what: error.to_string(),
        };
        let head: Head = serde_json::from_str(text).map_err(wrong)?;
        let found = crate::parse::version(&head.version).filter(|_| head.format == FORMAT);
        let found = found.ok_or_else(|| Error::Malformed {
            file: name.to_owned(),
            line: 1,
            what: format!("it is no {FORMAT} of version {VERSION}"),
        })?;
        if found.major > VERSION.major {
            return Err(Error::Newer {
                file: name.to_owned(),
                found,
                known: VERSION,
            });
        }
        let mut snapshot: Self = serde_json::from_str(text).map_err(wrong)?;
        for row in &mut snapshot.rows {
            row.tag = printable(&row.tag);
            for name in [
                &mut row.module,
                &mut row.first_user,
                &mut row.owner,
                &mut row.description,
            ] {
                *name = name.as_deref().map(printable);
            }
        }
        snapshot.rows = merged(snapshot.rows.into_iter());
        Ok(snapshot)
    }

    /// Whether rust_pool was loaded anew since that snapshot: numbers that only rise have fallen.
    /// If both have `all` rows, none goes away either.
    pub fn is_of_a_later_load(&self, before: &Self, all: bool) -> bool {
        let now = self.by_key();
        before.rows.iter().any(|old| match now.get(&old.key()) {
            Some(new) => {
                new.allocs < old.allocs || new.frees < old.frees || new.failures < old.failures
            }
            None => all,
        })
    }

    /// Adds what pooltag.txt says.
    pub fn describe(&mut self, tags: &PoolTags) {
        for row in self.rows.iter_mut().filter(|row| row.kind.is_pool()) {
            if let Some(entry) = tags.get(&row.tag) {
                let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
                row.owner = known(&entry.owner);
                row.description = known(&entry.description);
            }
        }
    }

    /// The rows by tag and kind.
    pub fn by_key(&self) -> HashMap<Key, &Row> {
        self.rows.iter().map(|row| (row.key(), row)).collect()
    }
}

/// Rows that show alike become one.
fn merged(rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let mut all: Vec<Row> = Vec::new();
    let mut at = HashMap::new();
    for row in rows {
        let place = *at.entry(row.key()).or_insert(all.len());
        match all.get_mut(place) {
            Some(first) => first.add(&row),
            None => all.push(row),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tag: &str, bytes: i64, module: &str) -> Row {
        Row {
            tag: tag.to_owned(),
            kind: Kind::Nonpaged,
            allocs: 3,
            frees: 1,
            diff: 2,
            bytes,
            used: bytes,
            per_alloc: average(bytes, 2),
            peak: Some(7),
            failures: 0,
            module: Some(module.to_owned()),
            first_user: None,
            owner: None,
            description: None,
        }
    }

    #[test]
    fn rows_that_show_alike_are_one() {
        let rows = [row("a...", 10, "m"), row("b", 1, "m"), row("a...", 30, "n")];
        let rows = merged(rows.into_iter());
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (rows[0].bytes, rows[0].diff, rows[0].per_alloc),
            (40, 4, 10)
        );
        assert_eq!((rows[0].peak, rows[0].module.as_deref()), (Some(7), None));
    }

    #[test]
    fn loaded_anew() {
        let of = |allocs, rows: &[&str]| {
            let rows = rows.iter().map(|tag| Row {
                allocs,
                ..row(tag, 8, "m")
            });
            Snapshot::of_rows(rows.collect(), None)
        };
        let before = of(5, &["Ring", "Abcd"]);
        assert!(!of(5, &["Ring", "Abcd", "New1"]).is_of_a_later_load(&before, true));
        assert!(of(4, &["Ring", "Abcd"]).is_of_a_later_load(&before, true));
        assert!(of(4, &["Ring"]).is_of_a_later_load(&before, false));
        assert!(of(5, &["Ring"]).is_of_a_later_load(&before, true));
        // A snapshot of some rows alone.
        assert!(!of(5, &["Ring"]).is_of_a_later_load(&before, false));
    }

    #[test]
    fn json_of_somebody_else() {
        let mut snapshot = Snapshot::of_rows(vec![row("R\x1b[m", 10, "m\u{9b}J")], None);
        snapshot.rows.push(row("R\x07[m", 5, "n"));
        let text = serde_json::to_string(&snapshot).unwrap();
        let read = Snapshot::of_json("x", &text).unwrap();
        assert_eq!((read.rows.len(), read.rows[0].tag.as_str()), (1, "R?[m"));
        assert_eq!(read.rows[0].bytes, 15);
    }

    #[test]
    fn json_there_and_back() {
        let mut snapshot = Snapshot::of_rows(vec![row("Ring", 10, "m")], None);
        snapshot.time = Some(1.5);
        let text = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(Snapshot::of_json("x", &text).unwrap(), snapshot);
        let newer = text.replace("\"1.0\"", "\"2.0\"");
        assert!(matches!(
            Snapshot::of_json("x", &newer),
            Err(Error::Newer { .. })
        ));
        let other = text.replace(FORMAT, "another");
        assert!(matches!(
            Snapshot::of_json("x", &other),
            Err(Error::Malformed { .. })
        ));
    }
}
