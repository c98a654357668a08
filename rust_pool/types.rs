// SPDX-License-Identifier: GPL-2.0

//! The words of the WDK: tags, cache types, kinds of memory.

pub(crate) mod cache_type;
pub(crate) mod memory_type;
pub(crate) mod tag;
