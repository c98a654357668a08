// SPDX-License-Identifier: GPL-2.0

//! What starts by itself: work items, shortage of memory, modules that go, options that are set.

pub(crate) mod control;
pub(crate) mod drain;
pub(crate) mod holdings;
pub(crate) mod unload;
pub(crate) mod work;
