// SPDX-License-Identifier: GPL-2.0

//! The file `violations`.

use super::{Fields, File, Format, Site};
use crate::error::Result;

/// What this program can read.
pub const FORMAT: Format = Format::new("violations", 2, 0);

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Counted from 1.
    pub number: u64,
    /// When, by the kernel log's clock.
    pub seconds: f64,
    /// The bug check's code and first parameter, as `0xc2/0x7`.
    pub code: String,
    /// The module that broke the rule, or `-`.
    pub module: String,
    /// The tag as one word, or `-`.
    pub tag: String,
    /// Who did it.
    pub caller: Site,
    /// What happened.
    pub what: String,
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Violations {
    /// How many there were since load.
    pub reported: u64,
    /// The last ones, the oldest first.
    pub last: Vec<Violation>,
}

impl Violations {
    /// Those that concern a tag, which is one word there: dots stand for its blanks.
    pub fn of<'a>(&'a self, tag: &str) -> impl Iterator<Item = &'a Violation> {
        let word = tag.trim_end_matches(' ').replace(' ', ".");
        self.last.iter().filter(move |row| row.tag == word)
    }
}

/// Reads the file. `name` is for messages.
pub fn parse(name: &str, text: &str) -> Result<Violations> {
    let file = File::new(name, text, FORMAT)?;
    let reported = file.note().named("reported")?;
    let last = file.rows().map(violation).collect::<Result<_>>()?;
    Ok(Violations { reported, last })
}

fn violation(mut row: Fields<'_>) -> Result<Violation> {
    let (number, seconds) = (row.number("the number")?, row.number("seconds")?);
    let (code, first) = (row.word("the code")?, row.word("p1")?);
    for parameter in ["p2", "p3", "p4"] {
        row.word(parameter)?;
    }
    Ok(Violation {
        number,
        seconds,
        code: format!("{code}/{first}"),
        module: row.word("the module")?.to_owned(),
        tag: row.word("the tag")?.to_owned(),
        caller: row.site("the caller")?,
        what: row.rest().trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let text = "violations - version: 2.0\n# reported 6\n#number seconds code ...\n\
            2 19.843130 0xc2 0x7 0x0 0x676e6952 0x0 c_mistakes Ring f+0x5e/0xff0 [c_mistakes] block freed twice\n\
            3 19.849033 0xc2 0x46 0x0 0x0 0x0 - a.b unknown free of NULL\n";
        let violations = parse("violations", text).unwrap();
        assert_eq!(violations.reported, 6);
        let first = &violations.last[0];
        assert_eq!((first.number, first.code.as_str()), (2, "0xc2/0x7"));
        assert_eq!(first.caller.module(), Some("c_mistakes"));
        assert_eq!(first.what, "block freed twice");
        assert_eq!(violations.last[1].what, "free of NULL");
        assert_eq!(violations.of("Ring").count(), 1);
        assert_eq!(violations.of("a b ").count(), 1);
    }
}
