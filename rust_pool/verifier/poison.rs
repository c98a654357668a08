// SPDX-License-Identifier: GPL-2.0

//! Poison: patterns that fill memory, to find accesses that should not happen.

use crate::{
    lib::text::kwrite,
    sys::arch::read_once, //
};
use core::cell::Cell;
use kernel::fmt;

/// Fills red zones, and the rest of a page in special pool.
pub(crate) const AROUND: u8 = 0xb5;
/// Fills new blocks that are not to be zeroed.
pub(crate) const NEW: u8 = 0xcd;
/// Fills freed blocks.
pub(crate) const FREED: u8 = 0xdd;

/// Fills bytes that are all ours.
pub(crate) fn fill_all(bytes: &[Cell<u8>], pattern: u8) {
    bytes.iter().for_each(|byte| byte.set(pattern));
}

/// The address of the first byte that is not `pattern`, and what it is.
pub(crate) fn changed_in(bytes: &[Cell<u8>], pattern: u8) -> Option<(usize, u8)> {
    bytes.iter().find_map(|byte| {
        let value = read_once::byte(byte);
        (value != pattern).then_some((byte.as_ptr() as usize, value))
    })
}

/// Where an address is, relative to a block.
#[derive(Clone, Copy)]
pub(crate) enum Where {
    /// This many bytes before its start.
    Before(usize),
    /// At this offset in it.
    In(usize),
    /// This many bytes behind its end.
    Behind(usize),
}

impl Where {
    /// Where an address is, relative to the block of `bytes` bytes at `start`.
    fn new(addr: usize, start: usize, bytes: usize) -> Self {
        match addr.checked_sub(start) {
            None => Self::Before(start.wrapping_sub(addr)),
            Some(at) if at < bytes => Self::In(at),
            Some(at) => Self::Behind(at.wrapping_sub(bytes)),
        }
    }
}

/// Shows where an address is, relative to a block, as in "byte 3 of its 52".
pub(crate) struct Place {
    at: Where,
    bytes: usize,
}

/// Where an address is, relative to the block of `bytes` bytes at `start`.
pub(crate) fn place(addr: usize, start: usize, bytes: usize) -> Place {
    let at = Where::new(addr, start, bytes);
    Place { at, bytes }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes;
        match self.at {
            Where::Before(1) => kwrite!(f, "the last byte before its {bytes}"),
            Where::Before(far) => kwrite!(f, "{far} bytes before the start of its {bytes}"),
            Where::In(at) => kwrite!(f, "byte {at} of its {bytes}"),
            Where::Behind(0) => kwrite!(f, "the first byte after its {bytes}"),
            Where::Behind(1) => kwrite!(f, "1 byte after the end of its {bytes}"),
            Where::Behind(far) => kwrite!(f, "{far} bytes after the end of its {bytes}"),
        }
    }
}

#[kernel::macros::kunit_tests(rust_pool_poison)]
mod tests {
    use super::*;
    use crate::lib::text::Text;

    #[test]
    fn places_in_words() {
        for (addr, words) in [
            (0x0fff, "the last byte before its 52"),
            (0x0ff0, "16 bytes before the start of its 52"),
            (0x1000, "byte 0 of its 52"),
            (0x1033, "byte 51 of its 52"),
            (0x1034, "the first byte after its 52"),
            (0x1035, "1 byte after the end of its 52"),
            (0x1040, "12 bytes after the end of its 52"),
        ] {
            let shown = Text::<64>::of(&place(addr, 0x1000, 52));
            assert!(shown.as_str() == words);
        }
    }
}
