// SPDX-License-Identifier: GPL-2.0

//! Contiguous and noncached memory, and the pages of memory descriptor lists.

pub(crate) mod contiguous;
pub(crate) mod io_space;
pub(crate) mod mdl_pages;
pub(crate) mod memory_map;
pub(crate) mod noncached;
