// SPDX-License-Identifier: GPL-2.0

//! Cache types.

use crate::violation::Parameter;
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

impl From<CacheType> for Parameter {
    fn from(cache: CacheType) -> Self {
        // CAST: The discriminants are small and not negative.
        (cache as u32).into()
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
