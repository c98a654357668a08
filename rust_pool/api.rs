// SPDX-License-Identifier: GPL-2.0

//! What clients call: the C face is `api/wdm.c`, with the header `wdm.h`; the rest is the Rust face,
//! owning types over the same routines that C code calls.
//!
//! All of the Rust face is inlined into the module that uses it and ends in what `api/wdm.c` exports,
//! so the call sites that reports name are those of the user.

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
