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

/// Exported: whether to make a request of the Rust API fail on purpose.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_verifier_refuse(
    kind: u32,
    tag: u32,
    bytes: usize,
    caller: usize,
) -> bool {
    !sys::irql().is_nmi()
        && look_and_refuse(rust_block(kind), Some(Tag::from_raw(tag)), bytes, caller)
}
matches_header!(rust_pool_verifier_refuse);
export_symbol_gpl!(rust_pool_verifier_refuse);

/// Exported: records a block of the Rust API.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_verifier_add(
    block: *mut c_void,
    kind: u32,
    tag: u32,
    bytes: usize,
    caller: usize,
) {
    let tag = Some(Tag::from_raw(tag));
    tracking::add(block as usize, bytes, tag, rust_block(kind), caller);
}
matches_header!(rust_pool_verifier_add);
export_symbol_gpl!(rust_pool_verifier_add);

/// Exported: removes the record of a block of the Rust API.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_verifier_remove(block: *mut c_void) {
    tracking::remove(block as usize);
}
matches_header!(rust_pool_verifier_remove);
export_symbol_gpl!(rust_pool_verifier_remove);

/// Exported: checks the free of a block of the Rust API, and removes its record.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_verifier_free(block: *mut c_void, kind: u32, caller: usize) {
    irql::freeing(pool_kind(kind), block as usize, caller);
    tracking::remove(block as usize);
}
matches_header!(rust_pool_verifier_free);
export_symbol_gpl!(rust_pool_verifier_free);
