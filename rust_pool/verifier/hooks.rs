// SPDX-License-Identifier: GPL-2.0

//! The calls from the rest of the module into the verifier.

use crate::{
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    options::{
        rules::Rule,
        OPTIONS, //
    },
    sys,
    trace,
    types::{
        memory_type::MemoryType,
        tag::{
            PoolKind,
            Tag, //
        }, //
    },
    verifier::{
        fault_injection,
        irql,
        on,
        tracking, //
    }, //
};
use kernel::prelude::*;

/// Whether to make a request fail on purpose. Any context but NMI.
#[inline]
pub(crate) fn refuse(memory: MemoryType, tag: Option<Tag>, bytes: usize, caller: usize) -> bool {
    on() && look_and_refuse(memory, tag, bytes, caller)
}

#[cold]
fn look_and_refuse(memory: MemoryType, tag: Option<Tag>, bytes: usize, caller: usize) -> bool {
    if let MemoryType::Pool { kind, .. } = memory {
        irql::allocating(kind, bytes, caller);
    }
    fault_injection::refuse(memory, tag, bytes, caller)
}

/// Checks the free of a block of the C API. Any context but NMI.
#[inline]
pub(crate) fn freeing(addr: usize, kind: PoolKind, caller: usize) {
    if on() {
        irql::freeing(kind, addr, caller);
    }
}

/// Whether the rules for DMA are checked.
pub(crate) fn looks_at_dma() -> bool {
    on() && OPTIONS.lock().has(Rule::Dma)
}

/// Records an adapter.
#[inline]
pub(crate) fn got_adapter(addr: usize, caller: usize) {
    if on() {
        tracking::add(addr, 0, None, MemoryType::Adapter, caller);
    }
}

fn pool_kind(kind: u32) -> PoolKind {
    if kind == 0 {
        PoolKind::NonPaged
    } else {
        PoolKind::Paged
    }
}

fn rust_block(kind: u32) -> MemoryType {
    MemoryType::Pool {
        kind: pool_kind(kind),
        rust_block: true,
    }
}

/// A block of the Rust API.
fn rust_block_at(
    block: *mut c_void,
    kind: u32,
    tag: u32,
    bytes: usize,
    used: usize,
) -> trace::Block {
    trace::Block {
        memory: rust_block(kind),
        tag: Some(Tag::from_raw(tag)),
        bytes,
        used,
        addr: block as usize,
    }
}

/// Exported: whether to make a request of the Rust API fail on purpose.
#[no_mangle]
extern "C" fn rust_pool_watched_refuse(kind: u32, tag: u32, bytes: usize, caller: usize) -> bool {
    !sys::irql().is_nmi() && refuse(rust_block(kind), Some(Tag::from_raw(tag)), bytes, caller)
}
matches_header!(safe rust_pool_watched_refuse(_, _, _, _));
export_symbol_gpl!(rust_pool_watched_refuse);

/// Exported: a block of the Rust API was allocated while somebody watches. Records it, and tells
/// tracers.
#[no_mangle]
extern "C" fn rust_pool_watched_add(
    block: *mut c_void,
    kind: u32,
    tag: u32,
    bytes: usize,
    used: usize,
    caller: usize,
) {
    let new = rust_block_at(block, kind, tag, bytes, used);
    if on() {
        tracking::add(new.addr, bytes, new.tag, new.memory, caller);
    }
    new.allocated(caller, trace::Began::UNKNOWN);
}
matches_header!(safe rust_pool_watched_add(_, _, _, _, _, _));
export_symbol_gpl!(rust_pool_watched_add);

/// Exported: a block of the Rust API is given up for another that takes its place. Removes its
/// record, and tells tracers.
#[no_mangle]
extern "C" fn rust_pool_watched_move(
    block: *mut c_void,
    kind: u32,
    tag: u32,
    bytes: usize,
    used: usize,
    caller: usize,
) {
    tracking::remove(block as usize);
    rust_block_at(block, kind, tag, bytes, used).freed(caller);
}
matches_header!(safe rust_pool_watched_move(_, _, _, _, _, _));
export_symbol_gpl!(rust_pool_watched_move);

/// Exported: checks the free of a block of the Rust API, removes its record, and tells tracers.
#[no_mangle]
extern "C" fn rust_pool_watched_free(
    block: *mut c_void,
    kind: u32,
    tag: u32,
    bytes: usize,
    used: usize,
    caller: usize,
) {
    freeing(block as usize, pool_kind(kind), caller);
    tracking::remove(block as usize);
    rust_block_at(block, kind, tag, bytes, used).freed(caller);
}
matches_header!(safe rust_pool_watched_free(_, _, _, _, _, _));
export_symbol_gpl!(rust_pool_watched_free);
