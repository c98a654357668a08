// SPDX-License-Identifier: GPL-2.0

//! Changes what may be done with the mapping of an MDL.
//!
//! WDK: "MmProtectMdlSystemAddress".

use crate::{
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    mdl::{
        flag,
        flags_of,
        map,
        pages_of,
        Mdl, //
    },
    record::{
        table::REGIONS,
        Owner, //
    },
    report::rule,
    sys::{
        self,
        Access,
        PAGE_SIZE, //
    },
    types::{
        protection::access_of,
        status::Status, //
    }, //
};

/// Changes what may be done with a mapping. Any context.
fn protect(mdl: Mdl<'_>, protection: u32, caller: usize) -> Status {
    if sys::irql().is_above_dispatch() {
        rule::MDL_MAPPED
            .by(caller, [mdl.into(), 0u32.into()])
            .report();
        return Status::InvalidParameter;
    }
    let Some(access) = access_of(protection) else {
        return Status::InvalidProtection;
    };
    let head = mdl.head();
    let flags = flags_of(&head);
    let pages = pages_of(&head).unwrap_or(0);
    if flags & flag::MAPPED == 0 || flags & flag::NONPAGED != 0 || pages == 0 {
        return Status::NotMapped;
    }
    let first = head.MappedSystemVa as usize & !(PAGE_SIZE - 1);
    let Some(frames) = mdl.frames(pages) else {
        return Status::NotMapped;
    };
    let seen = sys::look_at_frames(frames);
    let base = {
        let bucket = REGIONS.bucket(first).lock();
        bucket.find(first).and_then(|region| {
            let mapped = match &region.owner {
                Owner::Mapping(_) => region.used / PAGE_SIZE,
                Owner::Reserved {
                    shown: Some(shown), ..
                } if shown.mdl == mdl.addr() && !shown.busy => shown.pages,
                _ => 0,
            };
            (pages <= mapped).then_some(region.base)
        })
    };
    match base {
        Some(base) if seen.odd == pages => {
            // SAFETY: So many pages are mapped there, for the MDL that has this address, which
            // nobody else uses meanwhile.
            if unsafe { sys::protect(base, frames, access, seen.cache) } {
                Status::Success
            } else {
                // Not by this MDL.
                Status::NotMapped
            }
        }
        // In the direct map, pages can be read and written.
        _ if access == Access::Write && map::is_direct(mdl, first) => Status::Success,
        _ => Status::NotSupported,
    }
}

/// `MmProtectMdlSystemAddress`.
///
/// # Safety
///
/// The MDL is null, or keeps to the invariants of [`Mdl`].
#[no_mangle]
unsafe extern "C" fn rust_pool_mdl_protect(
    mdl: Option<Mdl<'_>>,
    protection: u32,
    caller: usize,
) -> i32 {
    let mdl = Mdl::given(mdl, caller);
    let status = mdl.map_or(Status::InvalidParameter, |mdl| {
        protect(mdl, protection, caller)
    });
    status.as_raw()
}
matches_header!(rust_pool_mdl_protect(_, _, _));
export_symbol_gpl!(rust_pool_mdl_protect);
