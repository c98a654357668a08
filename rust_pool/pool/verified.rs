// SPDX-License-Identifier: GPL-2.0

//! Pool blocks that the verifier watches.

use crate::{
    header::{
        Found,
        PageHeader, //
    },
    memory::request::Request,
    pool::{
        red_zone,
        special::{
            self,
            arena, //
        },
        wish::Wish, //
    },
    stats::tag_stats::TagStats,
    types::{
        memory_type::MemoryType,
        tag::{
            PoolKind,
            Tag, //
        }, //
    },
    verifier::tracking, //
};
use core::ptr::NonNull;

/// Allocates a block from special pool, or with a red zone, if the options say so. The verifier is
/// on. Any context but NMI.
pub(crate) fn allocate(
    request: Request,
    wish: Wish,
    kind: PoolKind,
    tag: Tag,
    row: &'static TagStats,
    caller: usize,
) -> Option<NonNull<u8>> {
    if let Some(block) = special::allocate(request, wish, kind, tag, row, caller) {
        return Some(block);
    }
    red_zone::allocate(request, wish, kind, tag, row, caller)
}

/// Records a pool block of the C API whose header has the verifier's mark. `small` says whether it
/// is a small block.
#[cold]
pub(crate) fn allocated(
    block: NonNull<u8>,
    bytes: usize,
    small: bool,
    tag: Tag,
    kind: PoolKind,
    caller: usize,
) {
    let addr = block.as_ptr() as usize;
    // A large block has no header to mark. It has a record, and was tracked with that.
    let pages = || matches!(PageHeader::find(addr), Some(Found::Live(_)));
    if arena::covers(addr) || small || pages() {
        tracking::add(addr, bytes, Some(tag), MemoryType::pool(kind), caller);
    }
}
