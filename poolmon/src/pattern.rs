// SPDX-License-Identifier: GPL-2.0

//! Patterns for tags, as the verifier takes them: `*` stands for any characters, `?` for one, and
//! blanks that pad a tag are not part of it.

use std::{fmt, str::FromStr};

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<u8>);

impl Pattern {
    /// Whether the tag matches.
    pub fn matches(&self, tag: &str) -> bool {
        matches(&self.0, tag.trim_end_matches(' ').as_bytes())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => matches(rest, text),
        (Some((b'*', rest)), Some((_, shorter))) => {
            matches(rest, text) || matches(pattern, shorter)
        }
        (Some((b'?', rest)), Some((_, text))) => matches(rest, text),
        (Some((a, rest)), Some((b, text))) => a == b && matches(rest, text),
        _ => false,
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim_end_matches(' ');
        if text.is_empty() {
            return Err("a pattern has at least one character".to_owned());
        }
        let least = text.bytes().filter(|&byte| byte != b'*').count();
        if least > 4 && text != "(other)" {
            return Err(format!(
                "a tag has at most 4 characters, {text:?} has {least}"
            ));
        }
        // Two stars are one; many would take long.
        let mut bytes = text.as_bytes().to_vec();
        bytes.dedup_by(|a, b| *a == b'*' && *b == b'*');
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, tag, is) in [
            ("Ring", "Ring", true),
            ("Ring", "ring", false),
            ("R*", "Ring", true),
            ("*g", "Ring", true),
            ("*", "", true),
            ("?ing", "Ring", true),
            ("?ing", "ing ", false),
            ("Ab", "Ab  ", true),
            ("??", "Ab  ", true),
            ("???", "Ab  ", false),
            ("*i*g", "Ring", true),
            ("*i*x", "Ring", false),
            ("(other)", "(other)", true),
        ] {
            let parsed: Pattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(tag), is, "{pattern} {tag}");
        }
    }

    #[test]
    fn too_long_or_empty() {
        assert!("Rings".parse::<Pattern>().is_err());
        assert!("".parse::<Pattern>().is_err());
        assert!("*R*i*n*g*".parse::<Pattern>().is_ok());
    }
}
