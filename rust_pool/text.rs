// SPDX-License-Identifier: GPL-2.0

//! Text of bounded length.

use crate::sys;
use kernel::{
    fmt,
    str::CStr, //
};

/// `write!()` for what the kernel's own formatting traits know.
macro_rules! kwrite {
    ($to:expr, $($args:tt)*) => {
        ::kernel::fmt::Write::write_fmt($to, ::kernel::prelude::fmt!($($args)*))
    };
}
pub(crate) use kwrite;

/// Up to `N` bytes of text; what does not fit is cut.
pub(crate) struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

/// A line of a file in debugfs, without its end.
///
/// It is rendered while the row's lock is held and printed when it no longer is.
pub(crate) type Line = Text<1024>;

/// A symbol with offset and module; Rust's mangled names are long.
pub(crate) type Symbol = Text<512>;

impl<const N: usize> Text<N> {
    /// An address as `%p` shows it: hashed, unless booted with `no_hash_pointers`.
    pub(crate) fn pointer(addr: usize) -> Self {
        Self::format(c"0x%p", addr)
    }

    /// A place in code as `%pS` shows it.
    pub(crate) fn symbol(addr: usize) -> Self {
        Self::format(c"%pS", addr)
    }

    fn format(format: &'static CStr, addr: usize) -> Self {
        let mut bytes = [0; N];
        let len = sys::format_pointer(&mut bytes, format, addr);
        Self { bytes, len }
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
        for &byte in s.as_bytes() {
            if let Some(slot) = self.bytes.get_mut(self.len) {
                *slot = byte;
                self.len += 1;
            }
        }
        Ok(())
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.bytes.get(..self.len).unwrap_or(&[]);
        f.write_str(core::str::from_utf8(text).unwrap_or("?"))
    }
}
