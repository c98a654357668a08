// SPDX-License-Identifier: GPL-2.0

//! The file `sites`: the recorded blocks by call site.

use super::{Fields, File, Format, Site};
use crate::error::Result;

/// What this program can read.
pub const FORMAT: Format = Format::new("sites", 1, 0);

/// A call site with its live blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Blocks live.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Age of the oldest in seconds.
    pub oldest: f64,
    /// Age of the newest in seconds.
    pub newest: f64,
    /// The tag without the blanks that pad it, or `-`.
    pub tag: String,
    /// The kind of memory, as the file names it.
    pub memory: String,
    /// The caller, and who called that.
    pub stack: Vec<Site>,
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sites {
    /// Blocks that are recorded, whether they are listed or not.
    pub tracked: u64,
    /// Whether tracking is off.
    pub off: bool,
    /// The call sites, the most bytes first.
    pub places: Vec<Place>,
}

/// Reads the file. `name` is for messages.
pub fn parse(name: &str, text: &str) -> Result<Sites> {
    let file = File::new(name, text, FORMAT)?;
    let mut note = file.note();
    let mut sites = Sites {
        tracked: note.named("tracked")?,
        off: note.rest().contains("tracking is off"),
        places: Vec::new(),
    };
    for mut row in file.rows() {
        if row.skip("\t< ") {
            let site = row.site("a caller")?;
            match sites.places.last_mut() {
                Some(place) => place.stack.push(site),
                None => return Err(row.wrong("a caller of no call site")),
            }
        } else if !row
            .rest()
            .ends_with("at more places than there is room for")
        {
            sites.places.push(place(row)?);
        }
    }
    Ok(sites)
}

fn place(mut row: Fields<'_>) -> Result<Place> {
    let (blocks, bytes) = (row.number("blocks")?, row.number("bytes")?);
    let (oldest, newest) = (row.number("oldest")?, row.number("newest")?);
    row.take(2, "the tag")?;
    let tag = row.take(4, "the tag")?.trim_end_matches(' ').to_owned();
    let memory = row.word("the type")?.to_owned();
    let stack = vec![row.site("the caller")?];
    row.end()?;
    Ok(Place {
        blocks,
        bytes,
        oldest,
        newest,
        tag,
        memory,
        stack,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = concat!(
        "sites - version: 1.0\n",
        "# tracked 5 untracked 0 places 2 blocks 2 bytes 8192\n",
        "#   blocks          bytes       oldest       newest  tag  type       caller, and who called that\n",
        "         1           8192        0.180        0.170  Vrfy Nonp       allocate_page+0x10/0x30 [rp_test_verifier]\n",
        "\t< run_set+0x36e/0x560 [rp_test_verifier]\n",
        "\t< param_attr_store+0x98/0xf0\n",
        "         1              0        0.293        0.293  -    adapter    rptv_allocate+0x73/0xb0 [rp_test_verifier]\n",
        "         7              9  at more places than there is room for\n",
    );

    #[test]
    fn places() {
        let sites = parse("sites", TEXT).unwrap();
        assert_eq!(
            (sites.tracked, sites.off, sites.places.len()),
            (5, false, 2)
        );
        let place = &sites.places[0];
        assert_eq!((place.blocks, place.bytes), (1, 8192));
        assert_eq!((place.oldest, place.newest), (0.18, 0.17));
        assert_eq!(
            (place.tag.as_str(), place.memory.as_str()),
            ("Vrfy", "Nonp")
        );
        assert_eq!(place.stack.len(), 3);
        assert_eq!(place.stack[2].readable(), "param_attr_store+0x98/0xf0");
        assert_eq!(sites.places[1].tag, "-");
    }

    #[test]
    fn tracking_is_off() {
        let head = "sites - version: 1.0\n# tracked 0 untracked 0 places 0 blocks 0 bytes 0; \
            tracking is off: to see\n#\n";
        assert!(parse("sites", head).unwrap().off);
        let odd = format!("{head}\t< f+0x1/0x2\n");
        assert!(parse("sites", &odd).is_err());
    }
}
