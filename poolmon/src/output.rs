// SPDX-License-Identifier: GPL-2.0

//! What is printed: tables for people, CSV and JSON for programs.

use crate::{
    error::{Error, Result},
    number,
    snapshot::{Row, Snapshot},
};
use serde::Serialize;
use std::io::{self, Write};

/// Prints to standard output, all at once. It is no error if the reader has gone, as `head` does:
/// the exit status still says what became of the tags.
pub fn print(text: &str) -> Result {
    print_bytes(text.as_bytes())
}

/// Prints bytes, which need not be UTF-8, as [`print`] does.
pub fn print_bytes(bytes: &[u8]) -> Result {
    let mut out = io::stdout().lock();
    let printed = out.write_all(bytes).and_then(|()| out.flush());
    printed
        .or_else(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(error),
        })
        .map_err(|error| Error::Io("standard output".to_owned(), error))
}

/// Whether a terminal, or who reads text, would take the character for anything but itself: for a
/// command, or to turn the line around.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// A text as a terminal may get it. What is in a file is no command to the terminal: the kernel
/// writes none, but copies, snapshots and pooltag.txt come from anybody.
pub fn printable(text: &str) -> String {
    let shown = |character| match character {
        // The file sites has it, and it moves to the right alone.
        '\t' => character,
        _ if is_hidden(character) => '?',
        _ => character,
    };
    text.chars().map(shown).collect()
}

/// JSON of several lines. Its strings have nothing that a terminal would take for a command.
pub fn to_json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Io("JSON".to_owned(), error.into()))?;
    let mut safe = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        // Only in strings is there any such. All of them have four digits.
        if character != '\n' && is_hidden(character) {
            safe.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            safe.push(character);
        }
    }
    safe.push('\n');
    Ok(safe)
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
        self.rows
            .push(cells.iter().map(|cell| printable(cell)).collect());
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
    to_json(&shown)
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
            .chain(names.map(|name| quoted(&inert(name.as_deref().unwrap_or("")))))
            .collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// A name that a spreadsheet does not take for a formula. A tag is left as it is: in four
/// characters no formula calls anything, and programs compare tags.
fn inert(name: &str) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{name}")
    } else {
        name.to_owned()
    }
}

/// In quotes where CSV wants them.
fn quoted(cell: &str) -> String {
    let cell = printable(cell);
    if cell.contains([',', '"', ' ', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
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
        assert_eq!(quoted("a\n\x1b[m"), "a??[m");
    }

    #[test]
    fn formulas() {
        for (name, cell) in [
            ("nt!ex", "nt!ex"),
            ("=cmd|x", "'=cmd|x"),
            ("@SUM(1)", "'@SUM(1)"),
            ("-1+1", "'-1+1"),
            ("+1", "'+1"),
        ] {
            assert_eq!(inert(name), cell);
        }
    }

    #[test]
    fn no_command_to_the_terminal() {
        let evil = "a\x1b]0;x\x07\u{9b}31m\u{202e}b\u{7f}é";
        assert_eq!(printable(evil), "a?]0;x??31m?b?é");
        let mut table = Table::new(&["<Tag"]);
        table.push(vec![evil.to_owned()]);
        assert!(!table.text().contains(|of| of != '\n' && is_hidden(of)));
        let json = to_json(&[evil]).unwrap();
        assert!(!json.contains(|of| of != '\n' && is_hidden(of)));
        let back: Vec<String> = serde_json::from_str(&json).unwrap();
        assert_eq!(back, [evil]);
    }
}
