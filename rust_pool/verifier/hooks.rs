// SPDX-License-Identifier: GPL-2.0

//! Where the rest of the pool asks the verifier.

use super::{
    arena,
    check,
    faults,
    irql,
    on,
    special,
    tracking,
    MemoryType, //
};
use crate::{
    export::{
        export_symbol_gpl,
        matches_header, //
    },
    gfp::Request,
    header::{
        Header,
        PageHeader,
        LARGEST,
        UNIT, //
    },
    row::Row,
    sys,
    tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::ptr::NonNull;
use kernel::prelude::*;

/// Whether a request is to fail on purpose. Any context but NMI.
#[inline]
pub(crate) fn refuse(memory: MemoryType, tag: Option<Tag>, bytes: usize, caller: usize) -> bool {
    on() && look_and_refuse(memory, tag, bytes, caller)
}

#[cold]
fn look_and_refuse(memory: MemoryType, tag: Option<Tag>, bytes: usize, caller: usize) -> bool {
    if let MemoryType::Pool { kind, .. } = memory {
        irql::allocating(kind, bytes, caller);
    }
    faults::refuse(memory, tag, bytes, caller)
}

/// Looks at a block of the C face that is being freed. Any context but NMI.
#[inline]
pub(crate) fn freeing(addr: usize, kind: PoolKind, caller: usize) {
    if on() {
        irql::freeing(kind, addr, caller);
    }
}

/// Records an adapter.
#[inline]
pub(crate) fn got_adapter(addr: usize, caller: usize) {
    if on() {
        tracking::add(addr, 0, None, MemoryType::Adapter, caller);
    }
}

/// Allocates a block from special pool, or with a pattern behind it, if it is to be one of these.
/// Any context but NMI.
#[inline]
pub(crate) fn allocate(
    request: Request,
    kind: PoolKind,
    tag: Tag,
    row: &'static Row,
    caller: usize,
) -> Option<NonNull<u8>> {
    if !on() {
        return None;
    }
    if let Some(block) = special::allocate(request, kind, tag, row, caller) {
        return Some(block);
    }
    check::allocate(request, kind, tag, row, caller)
}

/// Marks and records a block of the C face's pool.
///
/// # Safety
///
/// `block` was allocated just now, and nobody knows of it.
#[inline]
pub(crate) unsafe fn allocated(
    block: NonNull<u8>,
    bytes: usize,
    tag: Tag,
    kind: PoolKind,
    caller: usize,
) {
    if on() {
        // SAFETY: By the safety requirements.
        unsafe { mark(block, bytes, tag, kind, caller) };
    }
}

/// # Safety
///
/// As for [`allocated`].
#[cold]
unsafe fn mark(block: NonNull<u8>, bytes: usize, tag: Tag, kind: PoolKind, caller: usize) {
    let marked = if arena::covers(block.as_ptr() as usize) {
        true
    } else if bytes <= LARGEST {
        // SAFETY: By the safety requirements, the block has a header in front, which is ours.
        unsafe { Header::mark(block.sub(UNIT)) };
        true
    } else {
        // SAFETY: By the safety requirements, the block's first page is ours.
        unsafe { PageHeader::mark(block) }
    };
    // What has no header is a region, which was recorded as such.
    if marked {
        let addr = block.as_ptr() as usize;
        tracking::add(addr, bytes, Some(tag), MemoryType::pool(kind), caller);
    }
}

fn pool_kind(kind: u32) -> PoolKind {
    if kind == 0 {
        PoolKind::NonPaged
    } else {
        PoolKind::Paged
    }
}

fn by_type(kind: u32) -> MemoryType {
    MemoryType::Pool {
        kind: pool_kind(kind),
        by_type: true,
    }
}

/// Exported: whether a request of the Rust face is to fail on purpose.
///
/// # Safety
///
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_verifier_refuse(
    kind: u32,
    tag: u32,
    bytes: usize,
    caller: usize,
) -> bool {
    sys::irql() < 15 && look_and_refuse(by_type(kind), Some(Tag::from_raw(tag)), bytes, caller)
}
matches_header!(rust_pool_verifier_refuse);
export_symbol_gpl!(rust_pool_verifier_refuse);

/// Exported: records a block of the Rust face.
///
/// # Safety
///
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_verifier_add(
    block: *mut c_void,
    kind: u32,
    tag: u32,
    bytes: usize,
    caller: usize,
) {
    let tag = Some(Tag::from_raw(tag));
    tracking::add(block as usize, bytes, tag, by_type(kind), caller);
}
matches_header!(rust_pool_verifier_add);
export_symbol_gpl!(rust_pool_verifier_add);

/// Exported: forgets a block of the Rust face.
///
/// # Safety
///
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_verifier_remove(block: *mut c_void) {
    tracking::remove(block as usize);
}
matches_header!(rust_pool_verifier_remove);
export_symbol_gpl!(rust_pool_verifier_remove);

/// Exported: looks at a block of the Rust face that is being freed, and forgets it.
///
/// # Safety
///
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_verifier_free(block: *mut c_void, kind: u32, caller: usize) {
    irql::freeing(pool_kind(kind), block as usize, caller);
    tracking::remove(block as usize);
}
matches_header!(rust_pool_verifier_free);
export_symbol_gpl!(rust_pool_verifier_free);
