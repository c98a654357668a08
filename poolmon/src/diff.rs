// SPDX-License-Identifier: GPL-2.0

//! What has changed between two snapshots.

use crate::{
    error::{Result, Version},
    number,
    output::Table,
    snapshot::{Kind, Row, Snapshot},
};
use serde::Serialize;

/// The change of one row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The tag.
    pub tag: String,
    /// The kind of memory.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Allocations between the two.
    pub allocs: i128,
    /// Frees between the two.
    pub frees: i128,
    /// Blocks more or less.
    pub diff: i128,
    /// Bytes more or less.
    pub bytes: i128,
    /// Bytes taken more or less.
    pub used: i128,
    /// Failures between the two.
    pub failures: i128,
    /// Bytes before.
    pub before: i64,
    /// Bytes after.
    pub after: i64,
    /// Whose tag it is.
    pub module: Option<String>,
    /// Where it was used first.
    pub first_user: Option<String>,
}

impl Change {
    /// Of a row that is in one of the two at least.
    pub fn of(before: Option<&Row>, after: Option<&Row>) -> Option<Self> {
        let row = after.or(before)?;
        let change = |number: fn(&Row) -> i128| after.map_or(0, number) - before.map_or(0, number);
        Some(Self {
            tag: row.tag.clone(),
            kind: row.kind,
            allocs: change(|row| row.allocs.into()),
            frees: change(|row| row.frees.into()),
            diff: change(|row| row.diff.into()),
            bytes: change(|row| row.bytes.into()),
            used: change(|row| row.used.into()),
            failures: change(|row| row.failures.into()),
            before: before.map_or(0, |row| row.bytes),
            after: after.map_or(0, |row| row.bytes),
            module: row.module.clone(),
            first_user: row.first_user.clone(),
        })
    }

    fn is_none(&self) -> bool {
        [self.allocs, self.frees, self.diff, self.bytes, self.used]
            .iter()
            .chain([&self.failures])
            .all(|&number| number == 0)
    }
}

/// All rows that have changed.
#[derive(Debug, Serialize)]
pub struct Changes {
    format: &'static str,
    version: String,
    /// Seconds between the two, if both say when they were taken.
    pub seconds: Option<f64>,
    /// Whether rust_pool was loaded anew in between. All that there is has come since then.
    pub reloaded: bool,
    /// The rows, those that grew most first.
    pub rows: Vec<Change>,
}

impl Changes {
    /// Compares the rows that `shown` selects.
    pub fn between(before: &Snapshot, after: &Snapshot, shown: impl Fn(&Row) -> bool) -> Self {
        let reloaded = after.is_of_a_later_load(before, false);
        let (mut old, new) = (before.by_key(), after.by_key());
        if reloaded {
            old.clear();
        }
        let known = before.rows.iter().filter(|_| !reloaded);
        let gone = known.filter(|row| !new.contains_key(&row.key()));
        let mut rows: Vec<_> = after
            .rows
            .iter()
            .chain(gone)
            .filter(|row| shown(row))
            .filter_map(|row| {
                let key = row.key();
                Change::of(old.get(&key).copied(), new.get(&key).copied())
            })
            .filter(|change| !change.is_none())
            .collect();
        rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.tag.cmp(&b.tag)));
        let seconds = before.time.zip(after.time).map(|(old, new)| new - old);
        Self {
            format: "poolmon diff",
            version: Version { major: 1, minor: 1 }.to_string(),
            // Since the load, nobody knows how many.
            seconds: seconds.filter(|&seconds| seconds > 0.0 && !reloaded),
            reloaded,
            rows,
        }
    }

    /// For people.
    pub fn table(&self, human: bool) -> String {
        let size = |bytes: i128| match i64::try_from(bytes) {
            Ok(0) => "0".to_owned(),
            Ok(bytes) if human && bytes > 0 => format!("+{}", number::size(bytes)),
            Ok(bytes) if human => number::size(bytes),
            _ => format!("{bytes:+}"),
        };
        let mut titles = vec![
            "<Tag", "<Type", "Bytes", "Before", "After", "Diff", "Allocs", "Frees", "Failures",
        ];
        if self.seconds.is_some() {
            titles.push("Bytes/s");
        }
        titles.extend(["<Module", "<First user"]);
        let mut table = Table::new(&titles);
        for row in &self.rows {
            let mut cells = vec![
                row.tag.clone(),
                row.kind.short().to_owned(),
                size(row.bytes),
                crate::output::bytes(row.before, human),
                crate::output::bytes(row.after, human),
                number::signed(row.diff),
                number::signed(row.allocs),
                number::signed(row.frees),
                number::signed(row.failures),
            ];
            if let Some(seconds) = self.seconds {
                cells.push(number::rate(row.bytes, seconds));
            }
            for name in [&row.module, &row.first_user] {
                cells.push(name.clone().unwrap_or_else(|| "-".to_owned()));
            }
            table.push(cells);
        }
        if table.is_empty() && !self.reloaded {
            return "nothing has changed\n".to_owned();
        }
        let mut text = table.text();
        if self.reloaded {
            text.push_str("rust_pool was loaded anew in between: this is all since then\n");
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Result<String> {
        crate::output::to_json(self)
    }
}
