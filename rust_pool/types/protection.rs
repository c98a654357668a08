// SPDX-License-Identifier: GPL-2.0

//! Page protections of the WDK, some of which name a cache type, too.

use crate::{
    sys::{
        raw,
        Access, //
    },
    types::cache_type::CacheType, //
};

/// What may be done with a mapping; none is executable.
pub(crate) fn access_of(protection: u32) -> Option<Access> {
    match protection {
        raw::RUST_POOL_PAGE_NOACCESS => Some(Access::None),
        raw::RUST_POOL_PAGE_READONLY
        | raw::RUST_POOL_PAGE_EXECUTE
        | raw::RUST_POOL_PAGE_EXECUTE_READ => Some(Access::Read),
        raw::RUST_POOL_PAGE_READWRITE | raw::RUST_POOL_PAGE_EXECUTE_READWRITE => {
            Some(Access::Write)
        }
        _ => None,
    }
}

/// A protection with a cache type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Protection {
    /// Not [`Access::None`].
    pub(crate) access: Access,
    pub(crate) cache: CacheType,
}

impl Protection {
    /// The protection that C code passes, if it is one.
    pub(crate) fn from_raw(protection: u32) -> Option<Self> {
        const TYPES: u32 = raw::RUST_POOL_PAGE_NOCACHE | raw::RUST_POOL_PAGE_WRITECOMBINE;

        let cache = match protection & TYPES {
            0 => CacheType::Cached,
            raw::RUST_POOL_PAGE_NOCACHE => CacheType::Uncached,
            raw::RUST_POOL_PAGE_WRITECOMBINE => CacheType::WriteCombined,
            _ => return None,
        };
        let access = access_of(protection & !TYPES).filter(|&access| access != Access::None)?;
        Some(Self { access, cache })
    }
}

#[kernel::macros::kunit_tests(rust_pool_protection)]
mod tests {
    use super::*;

    #[test]
    fn of_the_wdk() {
        let is =
            |raw, access, cache| Protection::from_raw(raw) == Some(Protection { access, cache });

        assert!(is(0x02, Access::Read, CacheType::Cached));
        assert!(is(0x04, Access::Write, CacheType::Cached));
        assert!(is(0x10, Access::Read, CacheType::Cached));
        assert!(is(0x20, Access::Read, CacheType::Cached));
        assert!(is(0x40, Access::Write, CacheType::Cached));
        assert!(is(0x204, Access::Write, CacheType::Uncached));
        assert!(is(0x402, Access::Read, CacheType::WriteCombined));
    }

    #[test]
    fn none() {
        // No access, copy on write, both cache types, two protections, guard pages.
        for raw in [
            0,
            1,
            8,
            0x80,
            0x201,
            0x200,
            0x604,
            6,
            0x104,
            0x1004,
            u32::MAX,
        ] {
            assert!(Protection::from_raw(raw).is_none());
        }
    }
}
