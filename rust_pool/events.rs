// SPDX-License-Identifier: GPL-2.0

//! What the kernel calls: work items, the shrinker, CPU and module notifiers, writes of options.

pub(crate) mod control;
pub(crate) mod drain;
pub(crate) mod holdings;
pub(crate) mod unload;
pub(crate) mod work;
