// SPDX-License-Identifier: GPL-2.0

//! What a request for pool asks for besides type, size and tag.

use crate::{
    header::{
        CACHE_LINE,
        UNIT, //
    },
    options::Side, //
};

/// What else a request asks for.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    /// Whether the block is to begin at a cache line.
    pub(crate) cache_aligned: bool,
    /// Whether it should come from special pool, if that is on and has room.
    pub(crate) special: bool,
    /// Where on its page to place it, if it comes from special pool.
    pub(crate) side: Option<Side>,
    /// Whether to refuse the request when memory is getting short.
    pub(crate) spare: bool,
}

impl Wish {
    /// Nothing else.
    pub(crate) const NONE: Self = Self {
        cache_aligned: false,
        special: false,
        side: None,
        spare: false,
    };

    /// What the block is aligned to at least.
    pub(crate) fn align(self) -> usize {
        if self.cache_aligned {
            CACHE_LINE
        } else {
            UNIT
        }
    }
}
