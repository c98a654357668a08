// SPDX-License-Identifier: GPL-2.0

//! Where memory comes from, and where free memory waits. Nothing here knows of tags.

pub(crate) mod batch;
pub(crate) mod heap;
pub(crate) mod large;
pub(crate) mod magazine;
pub(crate) mod object;
pub(crate) mod page_block;
pub(crate) mod request;
pub(crate) mod sampled;
pub(crate) mod size_class;
pub(crate) mod slab_caches;
pub(crate) mod zeroing;
