// SPDX-License-Identifier: GPL-2.0

//! The file `summary`: how much the module holds in all, and for what.

use super::{File, Format};
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// What this program can read.
pub const FORMAT: Format = Format::new("summary", 1, 1);

/// The second line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// All bytes that the module holds.
    pub holds: u64,
    /// Those of live blocks.
    pub in_use: u64,
    /// Those kept for the next requests.
    pub ready: u64,
    /// Those that the verifier holds.
    pub verifier: u64,
    /// Those of tables, and of what is freed but not yet given back.
    pub overhead: u64,
}

/// Reads the file. `name` is for messages.
pub fn parse(name: &str, text: &str) -> Result<Summary> {
    let mut note = File::new(name, text, FORMAT)?.note();
    let holds = note.named("holds")?;
    note.word("bytes")?;
    note.word("in")?;
    Ok(Summary {
        holds,
        in_use: note.named("use")?,
        ready: note.named("ready")?,
        verifier: note.named("verifier")?,
        overhead: note.named("overhead")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_line() {
        let text = "summary - version: 1.1\n\
            # holds 55296 bytes, in use 25536, ready 3136, verifier 0, overhead 26624\n\
            #what blocks bytes used\n";
        let summary = parse("summary", text).unwrap();
        assert_eq!((summary.holds, summary.in_use), (55296, 25536));
        assert_eq!((summary.ready, summary.verifier), (3136, 0));
        assert_eq!(summary.overhead, 26624);
    }
}
