// SPDX-License-Identifier: GPL-2.0

//! Patterns of tags.

use crate::{
    tag::Tag,
    text::Text, //
};
use kernel::fmt;

/// A pattern of tags: `*` stands for any characters, `?` for one.
#[derive(Clone, Copy)]
pub(crate) struct TagPattern(Text<8>);

impl TagPattern {
    /// True of all memory.
    pub(crate) const ALL: Self = Self(Text::character(b'*'));

    /// The pattern that a word is, if it is not too long for one.
    pub(crate) fn new(word: &str) -> Option<Self> {
        if word.is_empty() {
            return None;
        }
        Text::exact(word).map(Self)
    }

    /// Whether it is true of a tag, without the blanks that fill it up. Memory without a tag is
    /// meant by `*` only.
    pub(crate) fn matches(&self, tag: Option<Tag>) -> bool {
        let pattern = self.0.as_str().as_bytes();
        let Some(tag) = tag else {
            return pattern == b"*";
        };
        let bytes = tag.as_raw().to_le_bytes();
        fits(pattern, bytes.as_slice().trim_ascii_end())
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Both are a few bytes long, so the depth is small.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => fits(rest, text),
        (Some((b'*', rest)), Some((_, tail))) => fits(rest, text) || fits(pattern, tail),
        (Some((&one, rest)), Some((&first, tail))) => {
            (one == b'?' || one == first) && fits(rest, tail)
        }
        _ => false,
    }
}

#[kernel::macros::kunit_tests(rust_pool_tag_pattern)]
mod tests {
    use super::*;

    fn is(pattern: &str, tag: &str) -> bool {
        let raw = tag
            .bytes()
            .rev()
            .fold(0, |raw, byte| raw << 8 | u32::from(byte));
        TagPattern::new(pattern).is_some_and(|it| it.matches(Some(Tag::from_raw(raw))))
    }

    #[test]
    fn wildcards() {
        assert!(is("Ring", "Ring"));
        assert!(!is("Ring", "Rind"));
        assert!(is("*", "Ring"));
        assert!(is("R*", "Ring"));
        assert!(is("*g", "Ring"));
        assert!(is("R*n*", "Ring"));
        assert!(!is("R*x", "Ring"));
        assert!(is("R??g", "Ring"));
        assert!(!is("R?", "Ring"));
        assert!(is("Ring*", "Ring"));
    }

    #[test]
    fn without_the_blanks_that_fill_it_up() {
        assert!(is("A", "A   "));
        assert!(!is("A?", "A   "));
        assert!(is("A?B", "A B "));
    }

    #[test]
    fn memory_without_a_tag() {
        assert!(TagPattern::new("*").is_some_and(|all| all.matches(None)));
        assert!(TagPattern::new("R*").is_some_and(|some| !some.matches(None)));
        assert!(TagPattern::new("").is_none());
        assert!(TagPattern::new("123456789").is_none());
    }
}
