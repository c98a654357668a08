// SPDX-License-Identifier: GPL-2.0

//! What knows nothing of memory: texts, lists, hash tables, what is made at load, exports.

pub(crate) mod at_load;
pub(crate) mod export;
pub(crate) mod hash_table;
pub(crate) mod list;
pub(crate) mod text;
