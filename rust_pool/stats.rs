// SPDX-License-Identifier: GPL-2.0

//! Counters: those of a tag, by module, in the table of tags, and those of a family.

pub(crate) mod family_totals;
pub(crate) mod tag_stats;
pub(crate) mod tag_table;
