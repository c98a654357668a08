// SPDX-License-Identifier: GPL-2.0

//! Text of bounded length.

use crate::sys::{
    self,
    AddressFormat, //
};
use core::mem::offset_of;
use kernel::{
    fmt,
    prelude::Zeroable, //
};

/// `write!()`, with the kernel's own formatting traits.
macro_rules! kwrite {
    ($to:expr, $($args:tt)*) => {
        ::kernel::fmt::Write::write_fmt($to, ::kernel::prelude::fmt!($($args)*))
    };
}
pub(crate) use kwrite;

/// Up to `N` bytes of text. What does not fit is cut off.
#[derive(Clone, Copy, Zeroable)]
pub(crate) struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

/// The most bytes that `%pS` writes for a place in code.
// CAST: Lossless.
pub(crate) const SYMBOL: usize = sys::raw::RUST_POOL_SYMBOL_LEN as usize;

/// A line of a file in debugfs, without the newline. It has room for all frames of a stack, so it
/// is too large for the kernel's stack: each open file has one.
///
/// A line is rendered with the lock of its data held, and printed when the lock is released.
pub(crate) type Line = Text<{ 8 * (SYMBOL + 3) + 512 }>;

/// A place in code, shown as by `%pS`: symbol, offset and module, of any length.
#[derive(Clone, Copy)]
pub(crate) struct Symbol(pub(crate) usize);

impl Symbol {
    /// Calls `look` with the name.
    pub(crate) fn with<T>(self, look: impl FnOnce(&str) -> T) -> T {
        let mut bytes = [0; SYMBOL];
        let len = sys::format_address(&mut bytes, AddressFormat::Symbol, self.0);
        look(core::str::from_utf8(bytes.get(..len).unwrap_or(&[])).unwrap_or("?"))
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|name| f.write_str(name))
    }
}

/// The module in what `%pS` shows: in brackets at the end.
pub(crate) fn module_of(name: &str) -> Option<&str> {
    let (_, module) = name.strip_suffix(']')?.rsplit_once(" [")?;
    // Some kernels show a build ID behind the module's name.
    module.split(' ').next()
}

/// How many bytes `value` takes when it is shown.
pub(crate) fn width(value: &impl fmt::Display) -> usize {
    struct Count(usize);

    impl fmt::Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.saturating_add(text.len());
            Ok(())
        }
    }

    let mut count = Count(0);
    // `Count` returns no error.
    let _ = kwrite!(&mut count, "{value}");
    count.0
}

impl<const N: usize> Text<N> {
    /// Where a text has its bytes, and how many they are.
    pub(crate) const LAYOUT: [usize; 2] = [offset_of!(Self, bytes), offset_of!(Self, len)];

    /// An empty text.
    pub(crate) const fn empty() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }

    /// All of `text`, if it fits.
    pub(crate) fn exact(text: &str) -> Option<Self> {
        let mut bytes = [0; N];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        Some(Self {
            bytes,
            len: text.len(),
        })
    }

    /// All of a text up to its NUL, if it fits.
    pub(crate) fn until_nul(text: &[u8]) -> Option<Self> {
        let text = text.split(|&byte| byte == 0).next()?;
        Self::exact(core::str::from_utf8(text).ok()?)
    }

    /// The text; `?` if a character was cut in two.
    pub(crate) fn as_str(&self) -> &str {
        let text = self.bytes.get(..self.len).unwrap_or(&[]);
        core::str::from_utf8(text).unwrap_or("?")
    }

    /// An address as `%p` shows it: hashed, unless booted with `no_hash_pointers`.
    pub(crate) fn pointer(addr: usize) -> Self {
        let mut bytes = [0; N];
        let len = sys::format_address(&mut bytes, AddressFormat::Hashed, addr);
        Self { bytes, len }
    }

    /// The text as bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    /// Appends bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = self.bytes.get_mut(self.len..).unwrap_or(&mut []);
        let len = bytes.len().min(room.len());
        if let (Some(room), Some(bytes)) = (room.get_mut(..len), bytes.get(..len)) {
            room.copy_from_slice(bytes);
            self.len += len;
        }
    }

    /// Appends a blank and a word, padded to `width`.
    pub(crate) fn push_padded(&mut self, word: &str, width: usize) {
        const BLANKS: [u8; 16] = [b' '; 16];
        self.push(b" ");
        self.push(word.as_bytes());
        let missing = width.saturating_sub(word.len());
        self.push(BLANKS.get(..missing).unwrap_or(&BLANKS));
    }

    /// Appends a blank and a number, padded on the left to `width`: for long tables, at a tenth of
    /// the cost of `{:>width$}`.
    pub(crate) fn push_number(&mut self, number: impl Into<i128>, width: usize) {
        const ROOM: usize = 40;
        let number: i128 = number.into();
        let mut digits = [b' '; ROOM];
        let mut at = ROOM;
        // CAST: All numbers that are shown have at most 64 bits.
        let mut rest = number.unsigned_abs() as u64;
        let mut put = |byte| {
            at = at.saturating_sub(1);
            if let Some(place) = digits.get_mut(at) {
                *place = byte;
            }
        };
        loop {
            // CAST: It is less than 10.
            put(b'0' + (rest % 10) as u8);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            put(b'-');
        }
        let start = at.min(ROOM - width.min(ROOM - 1)) - 1;
        self.push(digits.get(start..).unwrap_or(&[]));
    }

    /// Empties it.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }
}

impl<const N: usize> PartialEq for Text<N> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes.get(..self.len) == other.bytes.get(..other.len)
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.push(s.as_bytes());
        Ok(())
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> Text<N> {
    /// The text that `value` is shown as.
    pub(crate) fn of<T: fmt::Display + ?Sized>(value: &T) -> Self {
        let mut text = Self::empty();
        let _ = kwrite!(&mut text, "{value}");
        text
    }
}

#[kernel::macros::kunit_tests(rust_pool_text)]
mod tests {
    use super::*;

    fn text<const N: usize>(words: &str) -> Text<N> {
        Text::of(words)
    }

    #[test]
    fn holds_what_fits() {
        assert!(text::<4>("").as_str() == "");
        assert!(text::<4>("abc").as_str() == "abc");
        assert!(text::<4>("abcd").as_str() == "abcd");
    }

    #[test]
    fn cuts_what_does_not() {
        assert!(text::<4>("abcde").as_str() == "abcd");
        assert!(text::<0>("a").as_str() == "");
        let mut full = text::<4>("abc");
        assert!(kwrite!(&mut full, "{}{}", 12, 34).is_ok());
        assert!(full.as_str() == "abc1");
    }

    #[test]
    fn never_half_a_character() {
        assert!(text::<2>("aé").as_str() == "?");
        assert!(text::<3>("aé").as_str() == "aé");
    }

    #[test]
    fn clear_empties() {
        let mut line = text::<8>("before");
        line.clear();
        assert!(line.as_str() == "");
        assert!(kwrite!(&mut line, "now").is_ok());
        assert!(line.as_str() == "now");
    }

    #[test]
    fn equal_by_what_is_shown() {
        let mut other = text::<8>("abcdef");
        other.clear();
        assert!(kwrite!(&mut other, "abc").is_ok());
        assert!(other == text("abc"));
        assert!(other != text("abd"));
        assert!(other != text("abcd"));
    }

    #[test]
    fn addresses() {
        let here = addresses as *const () as usize;
        let shown = Text::<64>::pointer(here);
        assert!(shown.as_str().starts_with("0x"));
        assert!(shown.as_str().len() == 18);
        assert!(Text::<6>::pointer(here).as_str().len() < 6);
        assert!(Symbol(here).with(|name| name.contains("addresses+0x")));
        assert!(Symbol(here).with(|name| module_of(name) == Some("rust_pool")));
        assert!(Symbol(here).with(str::len) == width(&Symbol(here)));
    }

    #[test]
    fn module_is_in_the_brackets() {
        assert!(module_of("f+0x1/0x2 [mod]") == Some("mod"));
        assert!(module_of("f+0x1/0x2 [mod 0123456789abcdef]") == Some("mod"));
        assert!(module_of("_RNv[x]+0x1/0x2 [m]") == Some("m"));
        for name in ["f+0x1/0x2", "unknown", "", "]", "[mod"] {
            assert!(module_of(name).is_none());
        }
    }
}
