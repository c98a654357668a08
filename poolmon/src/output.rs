// SPDX-License-Identifier: GPL-2.0

//! What is printed: tables for people, CSV and JSON for programs.

use crate::{
    error::{Error, Result},
    number,
    snapshot::{Row, Snapshot},
};
use std::io::{self, Write};

/// Prints to standard output, all at once. It is no error if the reader has gone, as `head` does:
/// the exit status still says what became of the tags.
pub fn print(text: &str) -> Result {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed
        .or_else(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(error),
        })
        .map_err(|error| Error::Io("standard output".to_owned(), error))
}

/// Cells in columns; those with a `<` in front of their title are left-aligned.
pub struct Table {
    titles: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one.
    pub fn new(titles: &[&'static str]) -> Self {
        Self {
            titles: titles.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text, a line for each row, without blanks at its end.
    pub fn text(&self) -> String {
        let title = |title: &&'static str| title.trim_start_matches('<').to_owned();
        let titles: Vec<_> = self.titles.iter().map(title).collect();
        let lines = || std::iter::once(&titles).chain(&self.rows);
        let width = |column: usize| {
            let lengths = lines().filter_map(|cells| cells.get(column));
            lengths.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..self.titles.len()).map(width).collect();
        let mut text = String::new();
        for cells in lines() {
            let mut line = String::new();
            for ((cell, &width), title) in cells.iter().zip(&widths).zip(&self.titles) {
                if title.starts_with('<') {
                    line.push_str(&format!("{cell:<width$}  "));
                } else {
                    line.push_str(&format!("{cell:>width$}  "));
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A size as it is, or for people.
pub fn bytes(bytes: i64, human: bool) -> String {
    if human {
        number::size(bytes)
    } else {
        bytes.to_string()
    }
}

fn unsigned(count: u64, human: bool) -> String {
    match i64::try_from(count) {
        Ok(count) => bytes(count, human),
        Err(_) => count.to_string(),
    }
}

/// The snapshot for people.
pub fn table(snapshot: &Snapshot, rows: &[&Row], human: bool) -> String {
    let mut text = String::new();
    if let Some(all) = &snapshot.summary {
        let size = |bytes| unsigned(bytes, human);
        text.push_str(&format!(
            "rust_pool holds {} bytes: in use {}, ready {}, verifier {}, overhead {}\n",
            size(all.holds),
            size(all.in_use),
            size(all.ready),
            size(all.verifier),
            size(all.overhead)
        ));
    }
    let described = rows.iter().any(|row| row.description.is_some());
    let mut titles = vec![
        "<Tag",
        "<Type",
        "Allocs",
        "Frees",
        "Diff",
        "Bytes",
        "Used",
        "Per Alloc",
        "Peak",
        "Failures",
        "<Module",
        "<First user",
    ];
    if described {
        titles.push("<Description");
    }
    let mut table = Table::new(&titles);
    for row in rows {
        let mut cells = vec![
            row.tag.clone(),
            row.kind.short().to_owned(),
            row.allocs.to_string(),
            row.frees.to_string(),
            row.diff.to_string(),
            bytes(row.bytes, human),
            bytes(row.used, human),
            unsigned(row.per_alloc, human),
            row.peak
                .map_or_else(|| "-".to_owned(), |peak| unsigned(peak, human)),
            row.failures.to_string(),
            row.whose().to_owned(),
            row.first_user.clone().unwrap_or_else(|| "-".to_owned()),
        ];
        if described {
            cells.push(row.description.clone().unwrap_or_default());
        }
        table.push(cells);
    }
    text.push_str(&table.text());
    text
}

/// The snapshot as JSON: what the snapshot has, with the rows that are shown.
pub fn json(snapshot: &Snapshot, rows: &[&Row]) -> Result<String> {
    let shown = snapshot.with_rows(rows.iter().map(|&row| row.clone()).collect());
    let mut text = serde_json::to_string_pretty(&shown)
        .map_err(|error| Error::Io("JSON".to_owned(), error.into()))?;
    text.push('\n');
    Ok(text)
}

/// The version of the CSV form, which its first line has.
const CSV: &str = "# poolmon csv - version: 1.0";

/// The snapshot as CSV: a line with the version, one with the columns, the rows.
pub fn csv(rows: &[&Row]) -> String {
    let mut text = format!(
        "{CSV}\ntag,type,allocs,frees,diff,bytes,used,per_alloc,peak,failures,\
         module,first_user,owner,description\n"
    );
    for row in rows {
        let numbers = [
            row.allocs.to_string(),
            row.frees.to_string(),
            row.diff.to_string(),
            row.bytes.to_string(),
            row.used.to_string(),
            row.per_alloc.to_string(),
            row.peak.map(|peak| peak.to_string()).unwrap_or_default(),
            row.failures.to_string(),
        ];
        let names = [&row.module, &row.first_user, &row.owner, &row.description];
        let cells: Vec<_> = [quoted(&row.tag), row.kind.name().to_owned()]
            .into_iter()
            .chain(numbers)
            .chain(names.map(|name| quoted(name.as_deref().unwrap_or(""))))
            .collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// In quotes where CSV wants them.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', ' ', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns() {
        let mut table = Table::new(&["<Tag", "Bytes"]);
        table.push(vec!["A".to_owned(), "12345678".to_owned()]);
        table.push(vec!["Ring".to_owned(), "1".to_owned()]);
        assert_eq!(
            table.text(),
            "Tag      Bytes\nA     12345678\nRing         1\n"
        );
    }

    #[test]
    fn quotes() {
        assert_eq!(quoted("Ring"), "Ring");
        assert_eq!(quoted("a\"b,"), "\"a\"\"b,\"");
        assert_eq!(quoted("a b"), "\"a b\"");
    }
}
