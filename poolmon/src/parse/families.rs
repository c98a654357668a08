// SPDX-License-Identifier: GPL-2.0

//! The totals of the families that have no tags: the heads of `contiguous`, `noncached`,
//! `adapters` and `mdl_pages`.

use super::{File, Format};
use crate::error::Result;

/// The file of contiguous memory.
pub const CONTIGUOUS: Format = Format::new("contiguous", 1, 0);
/// The file of noncached memory.
pub const NONCACHED: Format = Format::new("noncached", 1, 0);
/// The file of adapters and common buffers.
pub const COMMON: Format = Format::new("adapters", 1, 1);

/// The file of pages that were allocated for MDLs.
pub const MDL_PAGES: Format = Format::new("mdl_pages", 1, 0);

/// What a family holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
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
    /// Requests that failed.
    pub failures: u64,
}

/// Reads the totals of one of these files.
pub fn parse(name: &str, text: &str, format: Format) -> Result<Totals> {
    let mut note = File::new(name, text, format)?.note();
    Ok(Totals {
        allocs: note.named("allocs")?,
        frees: note.named("frees")?,
        diff: note.named("diff")?,
        bytes: note.named("bytes")?,
        used: note.named("used")?,
        failures: note.named("failures")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals() {
        let text = "adapters - version: 1.1\n\
            # allocs 4 frees 1 diff 3 bytes 10000 used 12288 failures 2 lost 0 lost_bytes 0\n\
            #adapter ... | buffer address logical bytes used adapter caller\n";
        let totals = parse("adapters", text, COMMON).unwrap();
        assert_eq!((totals.allocs, totals.frees, totals.diff), (4, 1, 3));
        assert_eq!((totals.bytes, totals.used), (10000, 12288));
        assert_eq!(totals.failures, 2);
        let renamed = text.replace("used", "taken");
        assert!(parse("adapters", &renamed, COMMON).is_err());
    }
}
