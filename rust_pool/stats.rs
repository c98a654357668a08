// SPDX-License-Identifier: GPL-2.0

//! Counters: the tag table, which counts by tag and module, and the totals of each family.

pub(crate) mod family_totals;
pub(crate) mod tag_stats;
pub(crate) mod tag_table;
