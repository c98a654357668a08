// SPDX-License-Identifier: GPL-2.0

//! The files in debugfs, as `Documentation/debugfs.rst` describes them.
//!
//! Strict: what does not fit the format is an error that names the line. A minor version above the
//! known one may add words at the end of a row, which are not looked at.

pub mod families;
pub mod sites;
pub mod summary;
pub mod tags;
pub mod verifier;
pub mod violations;

use crate::error::{Error, Result, Version};
use std::{fmt, str::FromStr};

/// What this program knows of a file's format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The file's name.
    pub name: &'static str,
    /// The version; an older minor one lacks what is read here.
    pub version: Version,
}

impl Format {
    const fn new(name: &'static str, major: u32, minor: u32) -> Self {
        Self {
            name,
            version: Version { major, minor },
        }
    }
}

/// A file whose three lines of head are read.
pub struct File<'a> {
    /// The name, for messages.
    name: &'a str,
    /// The second line without its `# `.
    note: &'a str,
    /// Whether rows may end with words that this program does not know.
    newer_minor: bool,
    rows: Vec<(usize, &'a str)>,
}

impl<'a> File<'a> {
    /// Reads the head. `name` is for messages.
    pub fn new(name: &'a str, text: &'a str, format: Format) -> Result<Self> {
        let wrong = |line: usize, what: String| Error::Malformed {
            file: name.to_owned(),
            line,
            what,
        };
        let first = text.lines().next().unwrap_or("");
        let found = first
            .strip_prefix(format.name)
            .and_then(|rest| rest.strip_prefix(" - version: "))
            .and_then(version)
            .ok_or_else(|| {
                let begin = format!("{} - version: {}", format.name, format.version);
                wrong(1, format!("it should be \"{begin}\", and is {first:?}"))
            })?;
        let known = format.version;
        if found.major > known.major {
            let file = name.to_owned();
            return Err(Error::Newer { file, found, known });
        }
        if found < known {
            let file = name.to_owned();
            return Err(Error::Older { file, found, known });
        }
        if !text.ends_with('\n') {
            let what = "the file ends within a line: it was cut short".to_owned();
            return Err(wrong(text.lines().count(), what));
        }
        let mut lines = (1..).zip(text.lines()).skip(1);
        let mut head = |what: &str| match lines.next() {
            Some((number, line)) => line
                .strip_prefix('#')
                .ok_or_else(|| wrong(number, format!("{what} should begin with #"))),
            None => Err(wrong(2, format!("there is no line with {what}"))),
        };
        let note = head("the totals")?.trim_start();
        head("the columns")?;
        Ok(Self {
            name,
            note,
            newer_minor: found.minor > known.minor,
            rows: lines.collect(),
        })
    }

    /// The second line, to read its numbers.
    pub fn note(&self) -> Fields<'a> {
        self.fields(2, self.note)
    }

    /// The rows, each to be read word by word.
    pub fn rows(&self) -> impl Iterator<Item = Fields<'a>> + '_ {
        self.rows
            .iter()
            .map(move |&(number, row)| self.fields(number, row))
    }

    fn fields(&self, line: usize, rest: &'a str) -> Fields<'a> {
        Fields {
            file: self.name.to_owned(),
            line,
            rest,
            newer_minor: self.newer_minor,
        }
    }
}

pub(crate) fn version(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.')?;
    Some(Version {
        major: major.parse().ok()?,
        minor: minor.parse().ok()?,
    })
}

/// A line of which the words are read one by one.
pub struct Fields<'a> {
    file: String,
    line: usize,
    rest: &'a str,
    newer_minor: bool,
}

impl<'a> Fields<'a> {
    /// An error at this line.
    pub fn wrong(&self, what: impl fmt::Display) -> Error {
        Error::Malformed {
            file: self.file.clone(),
            line: self.line,
            what: what.to_string(),
        }
    }

    /// What is left.
    pub fn rest(&self) -> &'a str {
        self.rest
    }

    /// Takes so many bytes as they are, blanks too.
    pub fn take(&mut self, bytes: usize, what: &str) -> Result<&'a str> {
        let taken = self.rest.split_at_checked(bytes);
        let (taken, rest) = taken.ok_or_else(|| self.wrong(format!("{what} is missing")))?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes these characters, if they come next.
    pub fn skip(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes the next word.
    pub fn word(&mut self, what: &str) -> Result<&'a str> {
        let rest = self.rest.trim_start_matches(' ');
        let (word, after) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        if word.is_empty() {
            return Err(self.wrong(format!("{what} is missing")));
        }
        self.rest = after;
        Ok(word)
    }

    /// Takes what comes before this text, which may have blanks.
    pub fn until(&mut self, text: &str, what: &str) -> Result<&'a str> {
        let rest = self.rest.trim_start_matches(' ');
        let found = rest.find(text).filter(|&at| at != 0);
        let at = found.ok_or_else(|| self.wrong(format!("{what} is missing")))?;
        let (taken, rest) = rest.split_at(at);
        self.rest = rest;
        Ok(taken)
    }

    /// Takes the next word, which is a number.
    pub fn number<T: FromStr>(&mut self, what: &str) -> Result<T> {
        let word = self.word(what)?;
        word.parse()
            .map_err(|_| self.wrong(format!("{what} should be a number, and is {word:?}")))
    }

    /// Takes the word `name` and the number behind it.
    pub fn named<T: FromStr>(&mut self, name: &str) -> Result<T> {
        let word = self.word(name)?;
        if word != name {
            return Err(self.wrong(format!("it should have \"{name}\" where it has {word:?}")));
        }
        let word = self.word(name)?;
        // What follows may be separated by punctuation.
        let number = word.trim_end_matches([',', ';']);
        number
            .parse()
            .map_err(|_| self.wrong(format!("{name} should be a number, and is {word:?}")))
    }

    /// Takes a call site: a symbol, and the module in brackets if it is of one.
    pub fn site(&mut self, what: &str) -> Result<Site> {
        let symbol = self.word(what)?;
        let mut text = symbol.to_owned();
        let next = self.rest.trim_start_matches(' ');
        let word = next.split(' ').next().unwrap_or("");
        if word.starts_with('[') && word.ends_with(']') {
            self.rest = next.get(word.len()..).unwrap_or("");
            text = format!("{symbol} {word}");
        }
        Ok(Site(text))
    }

    /// Nothing more may come, unless a newer minor version has added it.
    pub fn end(self) -> Result {
        let rest = self.rest.trim();
        if rest.is_empty() || self.newer_minor {
            return Ok(());
        }
        Err(self.wrong(format!("there is more than the format has: {rest:?}")))
    }
}

/// A call site as `%pS` shows it: `symbol+0x10/0x20 [module]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site(pub String);

impl Site {
    /// The module, if it is of one.
    pub fn module(&self) -> Option<&str> {
        self.0.rsplit_once(" [")?.1.strip_suffix(']')
    }

    /// The symbol with its offset, and a name of Rust as it is in the source.
    pub fn readable(&self) -> String {
        let symbol = self.0.split(' ').next().unwrap_or("");
        let (name, offset) = symbol.split_at(symbol.rfind('+').unwrap_or(symbol.len()));
        match rustc_demangle::try_demangle(name) {
            Ok(name) => format!("{name:#}{offset}"),
            Err(_) => symbol.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: Format = Format::new("things", 1, 2);

    fn error(text: &str) -> Error {
        File::new("things", text, FORMAT).err().unwrap()
    }

    fn is_malformed(text: &str, at: usize, part: &str) {
        match error(text) {
            Error::Malformed { line, what, .. } => {
                assert_eq!(line, at);
                assert!(what.contains(part), "{what}");
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn head_is_checked() {
        is_malformed("", 1, "things - version: 1.2");
        is_malformed("tags - version: 1.2\n# a\n#b\n", 1, "things");
        is_malformed("things - version: 1\n# a\n#b\n", 1, "1.2");
        is_malformed("things - version: 1.2\n", 2, "totals");
        is_malformed("things - version: 1.2\nrow\n#b\n", 2, "#");
        is_malformed("things - version: 1.2\n# a\n#b\nrow", 4, "cut short");
        assert!(File::new("things", "things - version: 1.2\n# a\n#b\n", FORMAT).is_ok());
    }

    #[test]
    fn versions_are_compared() {
        assert!(matches!(
            error("things - version: 2.0\n# a\n#b\n"),
            Error::Newer { .. }
        ));
        assert!(matches!(
            error("things - version: 1.1\n# a\n#b\n"),
            Error::Older { .. }
        ));
        assert!(File::new("things", "things - version: 1.9\n# a\n#b\n", FORMAT).is_ok());
    }

    #[test]
    fn a_newer_minor_version_may_add_words() {
        for (minor, fits) in [(2, false), (3, true)] {
            let text = format!("things - version: 1.{minor}\n# a\n#b\n1 2 more\n");
            let file = File::new("things", &text, FORMAT).unwrap();
            let mut row = file.rows().next().unwrap();
            assert_eq!(row.number::<u64>("one").unwrap(), 1);
            assert_eq!(row.number::<u64>("two").unwrap(), 2);
            assert_eq!(row.end().is_ok(), fits);
        }
    }

    #[test]
    fn sites() {
        let site = Site("c_client_init+0x10/0xff0 [c_client]".to_owned());
        assert_eq!(site.module(), Some("c_client"));
        assert_eq!(site.readable(), "c_client_init+0x10/0xff0");
        let rust = Site("_RNvCs1234_7mycrate3foo+0x1/0x2".to_owned());
        assert_eq!(rust.module(), None);
        assert_eq!(rust.readable(), "mycrate::foo+0x1/0x2");
    }
}
