// SPDX-License-Identifier: GPL-2.0

//! Frees memory descriptor lists.
//!
//! WDK: "IoFreeMdl".

use crate::{
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    mdl::{
        flag,
        flags_of,
        in_use,
        lock,
        map,
        own_pages,
        reserved,
        view,
        Mdl,
        HEAD, //
    },
    pool,
    record::listed,
    report::rule,
    sys::raw, //
};

/// Frees an MDL if it is one and not in use. Any context, any address.
fn free(addr: usize, caller: usize) {
    if let Some(mdl) = Mdl::of_block(addr) {
        if let Some(list) = listed::holder(addr, HEAD) {
            mdl.report_with(&rule::MDL_FREED_IN_LIST, &list, caller, || list.print());
            return;
        }
        if view::refuses(mdl, caller) {
            return;
        }
        let head = mdl.head();
        if flags_of(&head) & flag::PARTIAL_MAPPED != 0 && !reserved::end(mdl) {
            map::unmap(head.MappedSystemVa as usize, mdl, caller);
        }
        let locked = if lock::is_locked(mdl) || own_pages::has(mdl) {
            flag::LOCKED
        } else {
            0
        };
        let used = in_use(&mdl.head()) | locked;
        if used != 0 {
            mdl.report(&rule::MDL_FREED_IN_USE, u32::from(used), caller);
            return;
        }
    }
    pool::free_given(addr, 0, caller);
}

/// `IoFreeMdl`.
#[no_mangle]
extern "C" fn rust_pool_mdl_free(mdl: *mut raw::MDL, caller: usize) {
    free(mdl as usize, caller);
}
matches_header!(safe rust_pool_mdl_free(_, _));
export_symbol_gpl!(rust_pool_mdl_free);
