// SPDX-License-Identifier: GPL-2.0

//! How many entries a lookaside list keeps, which depends on how many allocations found it empty.

/// How many entries a new list keeps.
pub(crate) const LEAST: u16 = 4;
/// The most entries that a list keeps.
pub(crate) const MOST: u16 = 256;
/// The most bytes of the entries that a list keeps, except that [`LEAST`] entries are always kept.
const BYTES: usize = 256 << 10;

/// After how many allocations the depth is adapted.
pub(crate) const WINDOW: u32 = 64;

/// The new depth after `allocates` allocations, of which `misses` found the list empty. If almost
/// none did, it is one less. Otherwise it grows with the share of misses.
pub(crate) fn after(depth: u16, allocates: u32, misses: u32) -> u16 {
    let missed = u64::from(misses)
        .saturating_mul(1000)
        .checked_div(allocates.into())
        .unwrap_or(0);
    if missed < 5 {
        return depth.saturating_sub(1).max(LEAST);
    }
    let room = u64::from(MOST.saturating_sub(depth));
    let more = missed.min(1000).saturating_mul(room) / 2000 + 5;
    let depth = u64::from(depth).saturating_add(more).min(MOST.into());
    u16::try_from(depth).unwrap_or(MOST)
}

/// How many entries of so many bytes are kept at a depth.
pub(crate) fn limit(depth: u16, bytes: usize) -> u16 {
    let fit = BYTES.checked_div(bytes).unwrap_or(0);
    let fit = u16::try_from(fit).unwrap_or(MOST).max(LEAST);
    depth.min(fit)
}

#[kernel::macros::kunit_tests(rust_pool_lookaside_depth)]
mod tests {
    use super::*;

    #[test]
    fn grows_with_misses_up_to_the_most() {
        assert!(after(LEAST, 64, 64) == 4 + 126 + 5);
        assert!(after(LEAST, 1000, 5) == 4 + 5);
        assert!(after(LEAST, 64, 64) > after(LEAST, 64, 32));
        assert!(after(250, 64, 64) == MOST);
        assert!(after(MOST, 64, 64) == MOST);
        assert!(after(MOST, u32::MAX, u32::MAX) == MOST);
    }

    #[test]
    fn shrinks_without_down_to_the_least() {
        assert!(after(100, 1000, 4) == 99);
        assert!(after(5, 64, 0) == LEAST);
        assert!(after(LEAST, 64, 0) == LEAST);
        assert!(after(0, 64, 0) == LEAST);
        assert!(after(100, 0, 0) == 99);
    }

    #[test]
    fn no_more_bytes_than_that() {
        assert!(limit(MOST, 64) == MOST);
        assert!(limit(MOST, 1024) == MOST);
        assert!(limit(MOST, 4096) == 64);
        assert!(limit(MOST, 1 << 20) == LEAST);
        assert!(limit(LEAST, usize::MAX) == LEAST);
        assert!(limit(MOST, 0) == LEAST);
        assert!(limit(17, 8) == 17);
    }
}
