// SPDX-License-Identifier: GPL-2.0

//! Contiguous and noncached memory.

pub(crate) mod contiguous;
pub(crate) mod noncached;
