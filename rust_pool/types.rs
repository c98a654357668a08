// SPDX-License-Identifier: GPL-2.0

//! The WDK's types: tags, cache types, memory types, status codes.

pub(crate) mod cache_type;
pub(crate) mod memory_type;
pub(crate) mod protection;
pub(crate) mod status;
pub(crate) mod tag;
