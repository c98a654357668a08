// SPDX-License-Identifier: GPL-2.0

//! The totals of the pages of MDLs. They have a file of their own for [`noncached`], which frees
//! the pages.
//!
//! [`noncached`]: crate::families::noncached

use crate::{
    stats::family_totals::Family,
    types::memory_type::MemoryType, //
};

/// The totals of this family.
pub(crate) static FAMILY: Family = Family::new(MemoryType::MdlPages);
