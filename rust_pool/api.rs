// SPDX-License-Identifier: GPL-2.0

//! What clients call: the C API is `api/*.c`, with the headers; the rest is the Rust API, owning
//! types over the same routines that C code calls.
//!
//! The Rust API is inlined into the module that uses it and ends in what `api/wdm.c` exports, so
//! reports name the user's call sites.

pub(crate) mod access;
pub(crate) mod adapter;
pub(crate) mod address;
pub(crate) mod allocator;
pub(crate) mod block;
pub(crate) mod contiguous;
pub(crate) mod exported;
pub(crate) mod lookaside;
pub(crate) mod mdl;
pub(crate) mod memory;
pub(crate) mod noncached;
pub(crate) mod operations;
pub(crate) mod packet;
pub(crate) mod part;
pub(crate) mod raw_mdl;
pub(crate) mod report;
pub(crate) mod reserved;
pub(crate) mod ring;
pub(crate) mod scatter_gather;
pub(crate) mod shape;
pub(crate) mod slow_path;
pub(crate) mod tag;
pub(crate) mod transfer_mdl;
pub(crate) mod user_pages;
