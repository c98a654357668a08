// SPDX-License-Identifier: GPL-2.0

//! The families that have no tags: `contiguous`, `noncached`, `adapters` and `mdl_pages`. Their
//! heads have the totals.

use super::{Fields, File, Format, Site};
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

/// A live block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Bytes that were asked for.
    pub bytes: u64,
    /// Bytes that were taken.
    pub used: u64,
    /// Who allocated it.
    pub caller: Site,
    /// The tag, if the routine took one.
    pub tag: Option<String>,
}

/// Reads the live blocks of one of these files: of `adapters` the common buffers.
pub fn blocks(name: &str, text: &str, format: Format) -> Result<Vec<Block>> {
    let file = File::new(name, text, format)?;
    let mut blocks = Vec::new();
    for mut row in file.rows() {
        if format.name == COMMON.name && row.word("the kind")? != "buffer" {
            continue;
        }
        row.word("the address")?;
        if format.name == CONTIGUOUS.name || format.name == COMMON.name {
            row.word("the physical address")?;
        }
        let (bytes, used) = (row.number("bytes")?, row.number("used")?);
        row.word("the cache type or adapter")?;
        let caller = row.site("the caller")?;
        // Since version 1.2 of that file.
        let tag = match format.name == CONTIGUOUS.name && !row.rest().trim().is_empty() {
            true => Some(row.word("the tag")?.to_owned()),
            false => None,
        };
        row.end()?;
        blocks.push(Block {
            bytes,
            used,
            caller,
            tag: tag.filter(|tag| tag != "-"),
        });
    }
    Ok(blocks)
}

/// An adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// The name of its device.
    pub device: String,
    /// How many map registers a buffer or a list may use.
    pub registers: u64,
    /// How many all of them use.
    pub in_use: u64,
}

/// Reads the adapters.
pub fn adapters(name: &str, text: &str) -> Result<Vec<Adapter>> {
    let adapter = |mut row: Fields<'_>| -> Result<Option<Adapter>> {
        if row.word("the kind")? != "adapter" {
            return Ok(None);
        }
        row.word("the address")?;
        Ok(Some(Adapter {
            // Such a name may have blanks: `Fixed MDIO bus.0`.
            device: row.until(" registers ", "the device")?.to_owned(),
            registers: row.named("registers")?,
            in_use: row.named("in_use")?,
        }))
    };
    let file = File::new(name, text, COMMON)?;
    file.rows()
        .filter_map(|row| adapter(row).transpose())
        .collect()
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
        assert!(blocks("adapters", text, COMMON).unwrap().is_empty());
        let renamed = text.replace("used", "taken");
        assert!(parse("adapters", &renamed, COMMON).is_err());
    }

    #[test]
    fn rows() {
        let text = "adapters - version: 1.3\n\
            # allocs 1 frees 0 diff 1 bytes 10000 used 12288 failures 0 lost 0 lost_bytes 0\n\
            #adapter ... | buffer ... | list ... | request ...\n\
            adapter 0x8d3de05f 0000:00:01.0 registers 4 in_use 3 mask 0xfffffff lists 1 buffers 1 open\n\
            buffer 0x9fba32fb 0x1f9c000 10000 12288 0x8d3de05f f+0x1ab/0x1e0 [m]\n\
            list 0x9fba3300 2 5000 8192 0x8d3de05f g+0x1ab/0x1e0 [m]\n\
            request 0x8d3de05f 2 h+0x1ab/0x1e0 [m]\n";
        let adapter = Adapter {
            device: "0000:00:01.0".to_owned(),
            registers: 4,
            in_use: 3,
        };
        assert_eq!(adapters("adapters", text).unwrap(), [adapter]);
        let found = blocks("adapters", text, COMMON).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].bytes, found[0].used), (10000, 12288));
        assert_eq!(found[0].caller.module(), Some("m"));
        let text = "noncached - version: 1.0\n# allocs 1\n#\n0x44bbcde8 64 4096 uc f+0x1/0x2\n";
        let found = blocks("noncached", text, NONCACHED).unwrap();
        assert_eq!((found[0].bytes, found[0].used), (64, 4096));
        assert!(blocks("noncached", &text.replace("64 ", "x "), NONCACHED).is_err());
    }

    #[test]
    fn contiguous_memory_with_a_tag() {
        let text = "contiguous - version: 1.2\n# allocs 1\n#\n\
            0x44bbcde8 0x1f58000 64 4096 wb f+0x1/0x2 [m] Ring\n\
            0x44bbcde8 0x1f58000 64 4096 wb f+0x1/0x2 -\n";
        let found = blocks("contiguous", text, CONTIGUOUS).unwrap();
        assert_eq!(found[0].tag.as_deref(), Some("Ring"));
        assert_eq!(found[1].tag, None);
    }

    #[test]
    fn a_device_with_blanks() {
        let text = "adapters - version: 1.2\n# allocs 1\n#\n\
            adapter 0x8d3de05f Fixed MDIO bus.0 registers 4 in_use 3 mask 0xfffffff\n";
        let found = adapters("adapters", text).unwrap();
        assert_eq!(
            (found[0].device.as_str(), found[0].in_use),
            ("Fixed MDIO bus.0", 3)
        );
        assert!(adapters("adapters", &text.replace(" Fixed MDIO bus.0", "")).is_err());
    }
}
