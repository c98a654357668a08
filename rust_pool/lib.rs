// SPDX-License-Identifier: GPL-2.0

//! Tools that know nothing of memory: text, lists, hash tables, exports and their arguments,
//! statics that are set at load, a proof that the module is idle, references that change while they
//! are read, layouts for the reader of a dump.

pub(crate) mod argument;
pub(crate) mod at_load;
pub(crate) mod atomic_ref;
pub(crate) mod export;
pub(crate) mod hash_table;
pub(crate) mod idle;
pub(crate) mod layout;
pub(crate) mod list;
pub(crate) mod text;
