// SPDX-License-Identifier: GPL-2.0

//! poolmon: what the tags of `rust_pool` hold, from its files in debugfs.

#![cfg_attr(
    test,
    allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

pub mod advice;
pub mod cli;
pub mod diff;
pub mod error;
pub mod export;
pub mod number;
pub mod output;
pub mod parse;
pub mod pattern;
pub mod pooltag;
pub mod replace;
pub mod select;
pub mod snapshot;
pub mod source;
pub mod ui;
pub mod watch;
