// SPDX-License-Identifier: GPL-2.0

//! The Rust face: owning types over the same routines that C code calls.
//!
//! All of it is inlined into the module that uses it and ends in what `wdm.c` exports, so the
//! calling sites that reports name are those of the user.

pub(crate) mod adapter;
pub(crate) mod address;
pub(crate) mod allocator;
pub(crate) mod block;
pub(crate) mod contiguous;
pub(crate) mod memory;
pub(crate) mod noncached;
pub(crate) mod report;
pub(crate) mod ring;
pub(crate) mod shape;
pub(crate) mod tag;
