// SPDX-License-Identifier: GPL-2.0

//! The WDK's types: tags, cache types, memory types.

pub(crate) mod cache_type;
pub(crate) mod memory_type;
pub(crate) mod protection;
pub(crate) mod tag;
