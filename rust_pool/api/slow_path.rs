// SPDX-License-Identifier: GPL-2.0

//! What the allocators call out of line: in the code of clients, they are inlined.

use crate::{
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    memory::request::Request,
    report::{
        rule,
        violation::Parameter, //
    },
    sys,
    types::tag::PoolKind, //
};
use kernel::prelude::*;

/// Exported: the second attempt of a small allocation.
#[no_mangle]
extern "C" fn rust_pool_kmalloc_slow(bytes: usize, zero: bool, sleep: bool) -> *mut c_void {
    let request = Request { bytes, zero, sleep };
    request
        .attempt(|gfp| sys::kmalloc(bytes, gfp))
        .map_or(sys::NULL, |block| block.into_raw().as_ptr().cast())
}
matches_header!(safe rust_pool_kmalloc_slow(_, _, _));
export_symbol_gpl!(rust_pool_kmalloc_slow);

/// Exported: whether paged pool may be allocated in this context. If not, reports that.
#[no_mangle]
extern "C" fn rust_pool_paged_check(bytes: usize, caller: usize) -> bool {
    if sys::irql().may_sleep() {
        return true;
    }
    let given = [PoolKind::Paged.into(), bytes.into()];
    rule::PAGED_REQUESTED.by(caller, given).report();
    false
}
matches_header!(safe rust_pool_paged_check(_, _));
export_symbol_gpl!(rust_pool_paged_check);

/// Exported: reports a free of paged pool where it is not allowed.
#[no_mangle]
extern "C" fn rust_pool_paged_check_free(block: *mut c_void, caller: usize) {
    if !sys::irql().may_sleep() {
        rule::PAGED_FREED
            .by(caller, [Parameter::Address(block as usize)])
            .report();
    }
}
matches_header!(safe rust_pool_paged_check_free(_, _));
export_symbol_gpl!(rust_pool_paged_check_free);
