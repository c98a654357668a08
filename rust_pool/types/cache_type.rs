// SPDX-License-Identifier: GPL-2.0

//! Cache types.

use kernel::fmt;

/// How memory is cached.
///
/// WDK: `MEMORY_CACHING_TYPE`, whose values these are.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum CacheType {
    Uncached = 0,
    Cached = 1,
    WriteCombined = 2,
}

impl CacheType {
    /// The type that C code passes, if it is one of these.
    pub(crate) fn from_raw(raw: i32) -> Option<Self> {
        match raw {
            0 => Some(Self::Uncached),
            1 => Some(Self::Cached),
            2 => Some(Self::WriteCombined),
            _ => None,
        }
    }

    /// The value that C code passes.
    pub(crate) fn as_raw(self) -> i32 {
        // CAST: The discriminants are those of the C enumeration.
        self as i32
    }
}

impl fmt::Display for CacheType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uncached => "uc",
            Self::Cached => "wb",
            Self::WriteCombined => "wc",
        })
    }
}

#[kernel::macros::kunit_tests(rust_pool_cache_type)]
mod tests {
    use super::*;
    use crate::{
        lib::text::Text,
        sys::raw, //
    };

    #[test]
    fn values_of_the_wdk() {
        assert!(CacheType::Uncached.as_raw() == raw::_MEMORY_CACHING_TYPE_MmNonCached as i32);
        assert!(CacheType::Cached.as_raw() == raw::_MEMORY_CACHING_TYPE_MmCached as i32);
        assert!(
            CacheType::WriteCombined.as_raw() == raw::_MEMORY_CACHING_TYPE_MmWriteCombined as i32
        );
    }

    #[test]
    fn there_and_back() {
        for value in -2..8 {
            let known = CacheType::from_raw(value);
            assert!(known.is_some() == (0..3).contains(&value));
            assert!(known.map_or(true, |cache| cache.as_raw() == value));
        }
        assert!(CacheType::from_raw(i32::MAX).is_none());
        assert!(CacheType::from_raw(i32::MIN).is_none());
    }

    #[test]
    fn shown() {
        for (value, text) in [(0, "uc"), (1, "wb"), (2, "wc")] {
            let cache = CacheType::from_raw(value);
            assert!(cache.is_some_and(|cache| Text::<8>::of(&cache).as_str() == text));
        }
    }
}
