// SPDX-License-Identifier: GPL-2.0

//! Pool tags.
//!
//! WDK: "ExAllocatePoolWithTag", parameter *Tag*; "PoolMon".

use crate::lib::{
    layout::words_of,
    text::kwrite, //
};
use kernel::fmt;

/// A pool tag: four bytes, in the order in which tools show them.
///
/// C code writes a tag as a multi-character literal, whose bytes are in memory in reverse order on
/// a little-endian machine: `'gniR'` is shown as `Ring`, on Windows and here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tag(u32);

/// The reader of a dump takes an optional tag for two words: 1 and the tag, or 0.
const _: () = {
    let words = words_of!(Some(Tag(2)), [u32; 2]);
    assert!(words[0] == 1 && words[1] == 2);
};

/// What is wrong with an invalid tag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadTag {
    /// It is zero.
    Zero,
    /// It is the reserved tag "BIG".
    Reserved,
    /// It has neither a letter nor a digit.
    NoAlphanumeric,
}

/// Shows a tag, or a dash for memory without one.
pub(crate) fn write_or_dash(f: &mut impl fmt::Write, tag: Option<Tag>) -> fmt::Result {
    match tag {
        Some(tag) => kwrite!(f, "{tag}"),
        None => f.write_str("-"),
    }
}

impl Tag {
    /// `PROTECTED_POOL`: on Windows a driver ORs it into a tag so that the free has to give the
    /// tag. Here, the free always has to.
    const PROTECTED: u32 = 0x8000_0000;

    /// The tag that shows as `name`, padded with blanks.
    ///
    /// For constants: a name that is not 1 to 4 printable ASCII characters with a letter or a digit
    /// among them does not compile.
    pub const fn new(name: &str) -> Self {
        match Self::parse(name) {
            Ok(tag) => tag,
            Err(why) => panic!("{}", why),
        }
    }

    /// Like [`Self::new`], but returns an error instead of panicking.
    #[doc(hidden)]
    pub const fn parse(name: &str) -> Result<Self, &'static str> {
        let name = name.as_bytes();
        if name.is_empty() || name.len() > 4 {
            return Err("a tag has 1 to 4 characters");
        }
        let mut bytes = [b' '; 4];
        let mut i = 0;
        let mut alphanumeric = false;
        while i < name.len() {
            if name[i] < 0x20 || name[i] > 0x7e {
                return Err("a tag is printable ASCII");
            }
            alphanumeric |= name[i].is_ascii_alphanumeric();
            bytes[i] = name[i];
            i += 1;
        }
        if !alphanumeric {
            return Err("a tag has a letter or a digit");
        }
        let tag = Self(u32::from_le_bytes(bytes));
        if tag.0 == Self::RESERVED.0 {
            return Err("the tag BIG is reserved");
        }
        Ok(tag)
    }

    /// The reserved tag.
    const RESERVED: Self = Self(u32::from_le_bytes(*b"BIG "));

    /// The tag that C passes. `PROTECTED_POOL` is ignored.
    #[inline]
    pub(crate) const fn from_raw(raw: u32) -> Self {
        Self(raw & !Self::PROTECTED)
    }

    /// The tag of a header or a row, which is stored without `PROTECTED_POOL`.
    #[inline]
    pub(crate) const fn stored(raw: u32) -> Self {
        Self(raw)
    }

    /// This tag without `PROTECTED_POOL`.
    #[inline]
    pub(crate) const fn unprotected(self) -> Self {
        Self::from_raw(self.0)
    }

    /// The `ULONG` that C passes.
    #[inline]
    pub const fn as_raw(self) -> u32 {
        self.0
    }

    /// Checks the rules for a tag on allocation.
    pub(crate) fn check(self) -> Result<(), BadTag> {
        if self.0 == 0 {
            return Err(BadTag::Zero);
        }
        if self == Self::RESERVED {
            return Err(BadTag::Reserved);
        }
        if !self.0.to_le_bytes().iter().any(u8::is_ascii_alphanumeric) {
            return Err(BadTag::NoAlphanumeric);
        }
        Ok(())
    }
}

/// A tag as one word, for columns that are separated by blanks. The blanks at its end are left out,
/// others are shown as dots.
pub(crate) struct Word(Tag);

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.shown();
        let len = shown.iter().rposition(|&byte| byte != b' ');
        let word = shown
            .get_mut(..len.map_or(0, |last| last + 1))
            .unwrap_or(&mut []);
        word.iter_mut()
            .filter(|byte| **byte == b' ')
            .for_each(|byte| *byte = b'.');
        match core::str::from_utf8(word) {
            Ok("") | Err(_) => f.write_str("...."),
            Ok(word) => f.write_str(word),
        }
    }
}

impl Tag {
    /// The tag as one word.
    pub(crate) fn word(self) -> Word {
        Word(self)
    }

    /// The four characters that it is shown as.
    #[inline]
    pub(crate) fn shown(self) -> [u8; 4] {
        self.0.to_le_bytes().map(|byte| {
            if byte == b' ' || byte.is_ascii_graphic() {
                byte
            } else {
                b'.'
            }
        })
    }
}

impl fmt::Display for Tag {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown();
        f.write_str(core::str::from_utf8(&shown).unwrap_or("????"))
    }
}

/// Shows the tag in quotes.
impl fmt::Debug for Tag {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown();
        let shown = core::str::from_utf8(&shown).unwrap_or("????");
        fmt::Debug::fmt(shown, f)
    }
}

/// Which pool a block comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum PoolKind {
    /// Usable in any context.
    NonPaged = 0,
    /// Usable where sleeping is allowed. Linux does not page it out, but drivers have to keep to
    /// the WDK's rule.
    Paged = 1,
}

impl PoolKind {
    /// Its name in listings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NonPaged => "Nonp",
            Self::Paged => "Paged",
        }
    }
}

impl fmt::Display for PoolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[kernel::macros::kunit_tests(rust_pool_tag)]
mod tests {
    use super::*;
    use crate::lib::text::Text;

    fn shows(tag: Tag, text: &str) -> bool {
        Text::<8>::of(&tag).as_str() == text
    }

    fn literal(bytes: &[u8; 4]) -> Tag {
        Tag::from_raw(u32::from_be_bytes(*bytes))
    }

    #[test]
    fn shown_as_on_windows() {
        assert!(shows(literal(b"gniR"), "Ring"));
        assert!(shows(Tag::new("Ring"), "Ring"));
        assert!(Tag::new("Ring") == literal(b"gniR"));
        assert!(Tag::new("Ring").as_raw() == 0x676e_6952);
        assert!(
            Text::<8>::of(&kernel::prelude::fmt!("{:?}", Tag::new("A"))).as_str() == "\"A   \""
        );
    }

    #[test]
    fn names_that_are_none() {
        for bad in ["", "toolong", "    ", "\u{e9}", "a\n", "BIG"] {
            assert!(Tag::parse(bad).is_err());
        }
        assert!(Tag::parse("A").is_ok());
    }

    #[test]
    fn padded_with_blanks() {
        assert!(shows(Tag::new("A"), "A   "));
        assert!(Tag::new("A") == literal(b"   A"));
        assert!(Tag::new("A") != Tag::from_raw(u32::from(b'A')));
    }

    #[test]
    fn unprintable_shown_as_dots() {
        assert!(shows(Tag::from_raw(0x0100_4142), "BA.."));
        assert!(shows(Tag::from_raw(0x7f7e_2120), " !~."));
    }

    #[test]
    fn one_word() {
        for (tag, word) in [
            (b"gniR", "Ring"),
            (b"   A", "A"),
            (b" b a", "a.b"),
            (b"b   ", "...b"),
            (b"    ", "...."),
        ] {
            assert!(Text::<8>::of(&literal(tag).word()).as_str() == word);
        }
    }

    #[test]
    fn protected_bit_is_no_part_of_it() {
        assert!(Tag::from_raw(0x8000_0000 | 0x676e_6952) == Tag::new("Ring"));
        assert!(matches!(
            Tag::from_raw(0x8000_0000).check(),
            Err(BadTag::Zero)
        ));
    }

    #[test]
    fn rules() {
        let zero = Tag::from_raw(0).check();
        assert!(matches!(zero, Err(BadTag::Zero)));
        assert!(matches!(literal(b" GIB").check(), Err(BadTag::Reserved)));
        assert!(literal(b" giB").check().is_ok());
        for bad in [b"    ", b"!?-_", b"\0\0\0\x01", b"@[`{", b"/:/:"] {
            let checked = literal(bad).check();
            assert!(matches!(checked, Err(BadTag::NoAlphanumeric)));
        }
        for good in [
            b"   0",
            b"9   ",
            b"!!!A",
            b"Z\0\0\0",
            b"\x01\x02a\x03",
            b"zzzz",
        ] {
            assert!(literal(good).check().is_ok());
        }
    }
}
