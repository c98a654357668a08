// SPDX-License-Identifier: GPL-2.0

//! `pooltag.txt`, in the form that the WDK's own has: a tag, its driver and a description,
//! separated by dashes. It says whose a tag is.

use crate::{
    error::{Error, Result},
    output::printable,
    pattern::Pattern,
    snapshot::Row,
};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
};

/// Where it is looked for, if it is not named.
pub const USUAL: &str = "/etc/rust_pool/pooltag.txt";

/// Whose a tag is, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The driver.
    pub owner: String,
    /// What its blocks are.
    pub description: String,
}

/// The file.
#[derive(Debug, Default)]
pub struct PoolTags {
    exact: HashMap<String, Entry>,
    /// Those with `*` or `?`, the first in the file first.
    patterns: Vec<(Pattern, Entry)>,
}

impl PoolTags {
    /// Reads the file that was named, or else the usual one if there is such.
    pub fn read(named: Option<&Path>) -> Result<Self> {
        let path = named.unwrap_or(Path::new(USUAL));
        match std::fs::read(path) {
            Ok(bytes) => Ok(Self::of(&bytes)),
            Err(_) if named.is_none() => Ok(Self::default()),
            Err(error) => Err(Error::Io(path.display().to_string(), error)),
        }
    }

    /// Takes what has the form of an entry. Other lines are remarks. The WDK's own file has a few
    /// letters that are not of UTF-8.
    pub fn of(bytes: &[u8]) -> Self {
        Self::parse(&String::from_utf8_lossy(bytes))
    }

    fn parse(text: &str) -> Self {
        let mut tags = Self::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (tag, entry) in text.lines().filter_map(entry) {
            match tag.parse::<Pattern>() {
                Ok(pattern) if tag.contains(['*', '?']) => tags.patterns.push((pattern, entry)),
                Ok(_) => {
                    tags.exact.entry(tag).or_insert(entry);
                }
                Err(_) => {}
            }
        }
        tags
    }

    /// What is known of a tag.
    pub fn get(&self, tag: &str) -> Option<&Entry> {
        let matching = || self.patterns.iter().find(|(of, _)| of.matches(tag));
        self.exact
            .get(tag.trim_end_matches(' '))
            .or_else(|| matching().map(|(_, entry)| entry))
    }
}

/// The head of a file that is made anew.
const HEAD: &str = "\
rem
rem  Tags, their drivers, and what their blocks are. Lines have the form
rem  <tag> - <driver> - <description>; in a tag, ? stands for any character, * for any number.
rem
";

/// Reads a file that may be missing.
pub fn bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Io(path.display().to_string(), error)),
    }
}

/// The file, or a new one, with an entry for each tag that it lacks. What it has stays as it is,
/// to the byte, and its lines end as they did.
pub fn completed(before: Option<&[u8]>, rows: &[Row]) -> Vec<u8> {
    let mut all = before.unwrap_or(HEAD.as_bytes()).to_vec();
    let end = if all.ends_with(b"\r\n") { "\r\n" } else { "\n" };
    if !all.is_empty() && !all.ends_with(b"\n") {
        all.push(b'\n');
    }
    let known = PoolTags::of(&all);
    let mut new: BTreeMap<&str, &Row> = BTreeMap::new();
    for row in rows {
        let told = row.kind.is_pool() && row.tag != "(other)" && !row.tag.is_empty();
        if told && known.get(&row.tag).is_none() {
            new.entry(&row.tag).or_insert(row);
        }
    }
    for (tag, row) in new {
        // A dot may stand for a byte that cannot be printed.
        let tag = tag.replace('.', "?");
        if tag.parse::<Pattern>().is_err() {
            // There is no such entry: it would be read as a remark, and added again.
            continue;
        }
        let owner = match &row.module {
            Some(module) => format!("{module}.ko"),
            None => "<unknown>".to_owned(),
        };
        let used = match &row.first_user {
            Some(site) => format!(" - first used at {site}"),
            None => String::new(),
        };
        all.extend(format!("{tag:<4} - {owner}{used}{end}").bytes());
    }
    all
}

/// `Tag  - driver.sys - What it is`
fn entry(line: &str) -> Option<(String, Entry)> {
    let line = line.trim_end();
    // A tag shorter than four characters need not be padded.
    let (tag, rest) = match line.split_at_checked(4) {
        Some((tag, rest)) if rest.trim_start().starts_with('-') => (tag, rest),
        _ => line.split_at(line.find([' ', '\t'])?),
    };
    let rest = rest.trim_start().strip_prefix('-')?.trim();
    let (owner, description) = rest.split_once(" -").unwrap_or((rest, ""));
    let tag = tag.trim_end();
    if tag.is_empty() || tag.len() > 4 {
        return None;
    }
    let entry = Entry {
        owner: printable(owner.trim()),
        description: printable(description.trim()),
    };
    Some((tag.to_owned(), entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\u{feff}rem\nrem  Pooltag.txt\nrem\n\
        // a remark - of another kind\n\
        AfdB - afd.sys      - Afd data buffer\r\n\
        Adm  - <unknown>    - Named pipe\n\
        Ex - nt!ex - With a-dash - and another\n\
        Iga? - igfx.sys -\n\
        Ring - mydriver.ko\n\
        Toolong - x.sys - y\n";

    #[test]
    fn entries() {
        let tags = PoolTags::parse(TEXT);
        let of = |tag: &str| {
            let entry = tags.get(tag)?;
            Some((entry.owner.as_str(), entry.description.as_str()))
        };
        assert_eq!(of("AfdB"), Some(("afd.sys", "Afd data buffer")));
        assert_eq!(of("Adm "), Some(("<unknown>", "Named pipe")));
        assert_eq!(of("Ex"), Some(("nt!ex", "With a-dash - and another")));
        assert_eq!(of("Iga7"), Some(("igfx.sys", "")));
        assert_eq!(of("Ring"), Some(("mydriver.ko", "")));
        assert_eq!(of("rem"), None);
        assert_eq!(of("Tool"), None);
        assert_eq!(of("None"), None);
    }

    #[test]
    fn tags_that_are_missing() {
        let tags = "tags - version: 1.1\n# rows 5\n#\n\
            Ring Nonp 1 0 1 8 8 8 8 0 a+0x1/0x2 [one]\n\
            New1 Nonp 1 0 1 8 8 8 8 0 a+0x1/0x2 [one]\n\
            New1 Paged 1 0 1 8 8 8 8 0 b+0x1/0x2 [two]\n\
            a..  Nonp 1 0 1 8 8 8 8 0 -\n\
            (other) Nonp 1 0 1 8 8 8 8 0 -\n";
        let rows = crate::snapshot::Snapshot::of_tags("tags", tags)
            .unwrap()
            .rows;
        let text = "rem\nRing - mine.sys - Rings";
        let added = "New1 - one.ko - first used at a+0x1/0x2\na??  - <unknown>\n";
        let all = completed(Some(text.as_bytes()), &rows);
        assert_eq!(all, format!("{text}\n{added}").into_bytes());
        assert_eq!(completed(Some(&all), &rows), all);
        let made = completed(None, &rows);
        let told = String::from_utf8(made.clone()).unwrap();
        assert!(told.starts_with("rem\n") && told.contains("Ring - one.ko"));
        assert_eq!(completed(Some(&made), &rows), made);
    }

    #[test]
    fn the_file_stays_as_it_is() {
        let tags = "tags - version: 1.1\n# rows 1\n#\nNew1 Nonp 1 0 1 8 8 8 8 0 -\n";
        let rows = crate::snapshot::Snapshot::of_tags("tags", tags)
            .unwrap()
            .rows;
        let before = b"\xef\xbb\xbfAbcd - a.sys - \xe9cart\r\n";
        let known = PoolTags::of(before);
        assert_eq!(known.get("Abcd").unwrap().owner, "a.sys");
        let added = b"New1 - <unknown>\r\n";
        let all = completed(Some(before), &rows);
        assert_eq!(all, [before.as_slice(), added].concat());
    }

    #[test]
    fn no_command_to_the_terminal() {
        let tags = PoolTags::parse("Ring - a\x1b[m.sys - b\u{9b}J\n");
        let entry = tags.get("Ring").unwrap();
        assert_eq!(
            (entry.owner.as_str(), entry.description.as_str()),
            ("a?[m.sys", "b?J")
        );
    }
}
