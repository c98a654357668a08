// SPDX-License-Identifier: GPL-2.0

//! The file `tags`.

use super::{Fields, File, Format, Site};
use crate::error::Result;

/// What this program can read.
pub const FORMAT: Format = Format::new("tags", 1, 1);

/// Which pool a tag is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pool {
    /// Nonpaged pool.
    Nonpaged,
    /// Paged pool.
    Paged,
}

/// A row: what one tag holds of one pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRow {
    /// The four characters, or `None` for the row that counts all tags without one.
    pub tag: Option<String>,
    /// The pool.
    pub pool: Pool,
    /// Allocations since load.
    pub allocs: u64,
    /// Frees since load.
    pub frees: u64,
    /// Blocks live.
    pub diff: u64,
    /// Bytes live, as asked for. Below zero only while others allocate and free.
    pub bytes: i64,
    /// Bytes live, as taken.
    pub used: i64,
    /// `bytes / diff`.
    pub per_alloc: u64,
    /// The most that `bytes` ever was.
    pub peak: u64,
    /// Requests that failed.
    pub failures: u64,
    /// The call site that used the tag first.
    pub first_user: Option<Site>,
}

/// Reads the file. `name` is for messages.
pub fn parse(name: &str, text: &str) -> Result<Vec<TagRow>> {
    let file = File::new(name, text, FORMAT)?;
    file.note().named::<u64>("rows")?;
    file.rows().map(row).collect()
}

fn row(mut row: Fields<'_>) -> Result<TagRow> {
    let tag = if row.skip("(other) ") {
        None
    } else {
        let tag = row.take(4, "the tag")?;
        if !row.skip(" ") {
            return Err(row.wrong("no blank follows the tag, which has four characters"));
        }
        Some(tag.to_owned())
    };
    let pool = match row.word("the type")? {
        "Nonp" => Pool::Nonpaged,
        "Paged" => Pool::Paged,
        other => return Err(row.wrong(format!("the type is Nonp or Paged, not {other:?}"))),
    };
    let read = TagRow {
        tag,
        pool,
        allocs: row.number("allocs")?,
        frees: row.number("frees")?,
        diff: row.number("diff")?,
        bytes: row.number("bytes")?,
        used: row.number("used")?,
        per_alloc: row.number("per_alloc")?,
        peak: row.number("peak")?,
        failures: row.number("failures")?,
        first_user: Some(row.site("first_user")?).filter(|site| site.0 != "-"),
    };
    row.end()?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "tags - version: 1.1\n\
        # rows 1 allocs 3 frees 0 diff 3 bytes 848 used 960 failures 0; exact when idle\n\
        #tag type allocs frees diff bytes used per_alloc peak failures first_user\n";

    fn one(row: &str) -> Result<TagRow> {
        Ok(parse("tags", &format!("{HEAD}{row}\n"))?.remove(0))
    }

    #[test]
    fn a_row() {
        let row = one("Ring Nonp   5  2  3  300  320  100  500  7 f+0x1/0x2 [m]").unwrap();
        assert_eq!(row.tag.as_deref(), Some("Ring"));
        assert_eq!(row.pool, Pool::Nonpaged);
        assert_eq!((row.allocs, row.frees, row.diff), (5, 2, 3));
        assert_eq!((row.bytes, row.used, row.per_alloc), (300, 320, 100));
        assert_eq!((row.peak, row.failures), (500, 7));
        assert_eq!(row.first_user.unwrap().0, "f+0x1/0x2 [m]");
    }

    #[test]
    fn odd_tags() {
        let numbers = "1 1 0 0 0 0 0 0 -";
        for tag in ["a b ", "#tag", "(oth", " x  ", "...1", "Ab  "] {
            let row = one(&format!("{tag} Paged {numbers}")).unwrap();
            assert_eq!(row.tag.as_deref(), Some(tag));
            assert_eq!(row.first_user, None);
        }
        assert_eq!(one(&format!("(other) Nonp {numbers}")).unwrap().tag, None);
    }

    #[test]
    fn what_does_not_fit() {
        for row in [
            "Ring Nonp 1 1 0 0 0 0 0 0",
            "Ring Nonp 1 1 0 0 0 0 0 x -",
            "Ring Nonp -1 1 0 0 0 0 0 0 -",
            "Ring Cold 1 1 0 0 0 0 0 0 -",
            "Rings Nonp 1 1 0 0 0 0 0 0 -",
            "Ring Nonp 1 1 0 0 0 0 0 0 - more",
            "Rin",
            "",
        ] {
            let error = one(row).unwrap_err();
            assert_eq!(error.status(), crate::error::status::MALFORMED, "{row}");
            assert!(error.to_string().starts_with("tags, line 4: "), "{error}");
        }
    }

    #[test]
    fn bytes_below_zero_while_others_allocate() {
        assert_eq!(one("Ring Nonp 1 1 0 -16 -32 0 0 0 -").unwrap().bytes, -16);
    }
}
