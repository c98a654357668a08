// SPDX-License-Identifier: GPL-2.0

//! What a request for pool asks for, in addition to type, size and tag.

use crate::{
    header::{
        CACHE_LINE,
        UNIT, //
    },
    options::Side, //
};

/// What a request asks for, in addition to type, size and tag.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    /// Whether the block has to begin at a cache line.
    pub(crate) cache_aligned: bool,
    /// Whether the block should come from special pool, if that is on and has room.
    pub(crate) special: bool,
    /// The end of its page at which to place the block, if it comes from special pool.
    pub(crate) side: Option<Side>,
    /// Whether the request fails early when memory is getting short.
    pub(crate) spare: bool,
    /// Whether the block's memory is charged to the current process.
    pub(crate) charged: bool,
}

impl Wish {
    /// Nothing else.
    pub(crate) const NONE: Self = Self {
        cache_aligned: false,
        special: false,
        side: None,
        spare: false,
        charged: false,
    };

    /// The least alignment of the block.
    pub(crate) fn align(self) -> usize {
        if self.cache_aligned {
            CACHE_LINE
        } else {
            UNIT
        }
    }
}
