// SPDX-License-Identifier: GPL-2.0

//! Contiguous and noncached memory, the pages of memory descriptor lists, mappings of physical
//! addresses, pages of processes that are to be unpinned, and the list of memory ranges.

pub(crate) mod contiguous;
pub(crate) mod io_space;
pub(crate) mod mdl_pages;
pub(crate) mod memory_map;
pub(crate) mod noncached;
pub(crate) mod pins;

use crate::{
    report::rule,
    types::cache_type::CacheType, //
};

/// The cache type that a client asks for; reports one that is reserved.
fn cache_type(raw: i32, bytes: usize, caller: usize) -> Option<CacheType> {
    let cache = CacheType::from_raw(raw);
    if cache.is_none() {
        // CAST: The report shows the value's bits.
        let shown = raw as u32;
        rule::CACHE_TYPE_RESERVED
            .by(caller, [shown.into(), bytes.into()])
            .report();
    }
    cache
}
