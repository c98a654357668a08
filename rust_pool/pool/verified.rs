// SPDX-License-Identifier: GPL-2.0

//! Pool blocks that the verifier watches.

use crate::{
    header::{
        Header,
        PageHeader,
        UNIT, //
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
    verifier::{
        on,
        tracking, //
    }, //
};
use core::ptr::NonNull;

/// Allocates a block from special pool, or with a red zone, if the options say so. Any context but
/// NMI.
#[inline]
pub(crate) fn allocate(
    request: Request,
    wish: Wish,
    kind: PoolKind,
    tag: Tag,
    row: &'static TagStats,
    caller: usize,
) -> Option<NonNull<u8>> {
    if !on() {
        return None;
    }
    if let Some(block) = special::allocate(request, wish, kind, tag, row, caller) {
        return Some(block);
    }
    red_zone::allocate(request, wish.cache_aligned, kind, tag, row, caller)
}

/// Marks and records a pool block of the C API. `small` says whether it is a small block.
///
/// # Safety
///
/// `block` has just been allocated, and no client knows it yet.
#[inline]
pub(crate) unsafe fn allocated(
    block: NonNull<u8>,
    bytes: usize,
    small: bool,
    tag: Tag,
    kind: PoolKind,
    caller: usize,
) {
    if on() {
        // SAFETY: By the safety requirements the block is new, and no client knows it yet.
        unsafe { mark(block, bytes, small, tag, kind, caller) };
    }
}

/// Marks and records a block, with the verifier on: see [`allocated`].
///
/// # Safety
///
/// `block` has just been allocated, and no client knows it yet.
#[cold]
unsafe fn mark(
    block: NonNull<u8>,
    bytes: usize,
    small: bool,
    tag: Tag,
    kind: PoolKind,
    caller: usize,
) {
    let marked = if arena::covers(block.as_ptr() as usize) {
        true
    } else if small {
        // SAFETY: A small block has a header in front, which was just written. By the safety
        // requirements no client knows the block.
        unsafe { Header::mark(block.sub(UNIT)) };
        true
    } else {
        // SAFETY: By the safety requirements no client knows the block, so its pages are ours.
        unsafe { PageHeader::mark(block) }
    };
    // A large block has no header to mark. It has a record, and was tracked with that.
    if marked {
        let addr = block.as_ptr() as usize;
        tracking::add(addr, bytes, Some(tag), MemoryType::pool(kind), caller);
    }
}
