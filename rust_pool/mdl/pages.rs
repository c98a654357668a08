// SPDX-License-Identifier: GPL-2.0

//! Allocates the pages of an MDL together with the MDL.
//!
//! WDK: "MmAllocatePagesForMdlEx", "MmAllocateNodePagesForMdlEx", "MmFreePagesFromMdl".

use crate::{
    families::mdl_pages::{
        self,
        PageRequest, //
    },
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    mdl::{
        allocate,
        flag,
        flags_of,
        map,
        own_pages,
        reserved,
        set_flags,
        view,
        Mdl, //
    },
    pool,
    record::{
        listed,
        table::Reservation, //
    },
    report::rule,
    sys::{
        self,
        page_align,
        raw,
        Node,
        PAGE_SIZE, //
    },
    types::cache_type::CacheType, //
};
use core::ptr::null_mut;
use kernel::bindings;

/// The most bytes for which pages are allocated: what `ByteCount` has room for.
const MOST: usize = (4 << 30) - PAGE_SIZE;

/// The flags that are accepted: all but the one for pages that leave the machine.
const KNOWN: u32 = raw::MM_DONT_ZERO_ALLOCATION
    | raw::MM_ALLOCATE_FROM_LOCAL_NODE_ONLY
    | raw::MM_ALLOCATE_FULLY_REQUIRED
    | raw::MM_ALLOCATE_NO_WAIT
    | raw::MM_ALLOCATE_PREFER_CONTIGUOUS
    | raw::MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS
    | raw::MM_ALLOCATE_FAST_LARGE_PAGES
    | raw::MM_ALLOCATE_TRIM_IF_NECESSARY;

/// What a driver asked for, if it makes sense.
fn checked(asked: &raw::rust_pool_mdl_wanted) -> Option<PageRequest> {
    let cache = CacheType::from_raw(asked.cache)?;
    let has = |flag: u32| asked.flags & flag != 0;
    let chunks = has(raw::MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
    // CAST: Lossless on the architectures supported.
    let page = PAGE_SIZE as u64;
    let bytes = page_align(asked.bytes).filter(|&bytes| bytes <= MOST)?;
    let bad_flags = asked.flags & !KNOWN != 0
        || (chunks && has(raw::MM_ALLOCATE_PREFER_CONTIGUOUS))
        || (!chunks && has(raw::MM_ALLOCATE_FAST_LARGE_PAGES));
    // CAST: As above.
    let bad_chunks = chunks
        && asked.skip != 0
        && (!asked.skip.is_power_of_two() || bytes as u64 % asked.skip != 0);
    if bad_flags || bad_chunks || asked.skip % page != 0 {
        return None;
    }
    let node = match asked.node {
        raw::MM_ANY_NODE_OK => Node::ANY,
        number => Node::new(number)?,
    };
    Some(PageRequest {
        lowest: asked.lowest,
        highest: asked.highest,
        skip: asked.skip,
        bytes,
        cache,
        zero: !has(raw::MM_DONT_ZERO_ALLOCATION),
        all: has(raw::MM_ALLOCATE_FULLY_REQUIRED),
        sleep: !has(raw::MM_ALLOCATE_NO_WAIT),
        chunks,
        node,
        only_node: has(raw::MM_ALLOCATE_FROM_LOCAL_NODE_ONLY),
    })
}

/// Allocates pages and an MDL, or reports why not and returns `None`. Any context.
fn allocate(
    asked: &raw::rust_pool_mdl_wanted,
    caller: usize,
    module: *mut bindings::module,
) -> Option<Mdl<'static>> {
    // CAST: A bug check's parameter shows the bits.
    let shown = asked.cache as u32;
    if asked.bytes == 0 {
        rule::CONTIGUOUS_ZERO_BYTES
            .by(caller, [shown.into()])
            .report();
        return None;
    }
    let Some(wanted) = checked(asked) else {
        let given = [asked.flags.into(), asked.bytes.into(), asked.skip.into()];
        rule::MDL_PAGES_BADLY.by(caller, given).report();
        return None;
    };
    let irql = sys::irql();
    if irql.is_above_dispatch() || (wanted.cache != CacheType::Cached && !irql.may_sleep()) {
        rule::MDL_PAGES_REQUESTED
            .by(caller, [shown.into(), asked.bytes.into()])
            .report();
        return None;
    }
    let mdl = allocate::allocate(0, wanted.bytes, caller, module)?;
    let filled = fill(mdl, &wanted, caller);
    if filled.is_none() {
        pool::free_given(mdl.addr(), 0, caller);
    }
    filled.map(|()| mdl)
}

/// Allocates the pages of a new MDL and fills them in.
fn fill(mdl: Mdl<'_>, wanted: &PageRequest, caller: usize) -> Option<()> {
    let record = Reservation::new()?;
    let room = mdl.frames(wanted.bytes / PAGE_SIZE)?;
    let pages = mdl_pages::allocate(wanted, caller)?;
    for (to, frame) in room.iter().zip(pages.frames()) {
        to.set(frame);
    }
    let mut head = mdl.head();
    // CAST: Not above what was wanted, which has 32 bits.
    head.ByteCount = pages.count().wrapping_mul(PAGE_SIZE) as u32;
    set_flags(&mut head, flag::LOCKED);
    mdl.set_head(head);
    pages.insert(record, mdl.addr(), caller);
    Some(())
}

/// Frees the pages of an MDL. Any context, any address: it is read only if there is a record.
fn free(mdl: Mdl<'_>, caller: usize) {
    let irql = sys::irql();
    if irql.is_nmi() {
        rule::MDL_PAGES_FREED.by(caller, [mdl.into()]).report();
        return;
    }
    if let Some(list) = listed::holder_of_pages(mdl_pages::key_of(mdl.addr())) {
        // As below, the MDL may be somebody else's memory now.
        let flags = if mdl.is_allocated() { mdl.flags() } else { 0 };
        let given = [mdl.into(), flags.into(), (&list).into()];
        rule::MDL_PAGES_FREED_IN_LIST
            .by(caller, given)
            .report_with(|| list.print());
        return;
    }
    if mdl.is_allocated() && view::refuses(mdl, caller) {
        return;
    }
    let Some(region) = own_pages::take(mdl) else {
        rule::MDL_WITHOUT_PAGES.by(caller, [mdl.into()]).report();
        return;
    };
    if irql.is_above_dispatch() {
        rule::MDL_PAGES_FREED.by(caller, [mdl.into()]).report();
    }
    // The MDL's memory may be somebody else's by now, so it is neither read nor written.
    if !mdl.is_allocated() {
        let given = [mdl.into(), region.asked.into()];
        rule::MDL_PAGES_FREED_GONE
            .by(caller, given)
            .report_with(|| region.facts().print());
        return mdl_pages::free(region, None, caller);
    }
    let mut head = mdl.head();
    let flags = flags_of(&head);
    let mut mapping = None;
    if flags & flag::MAPPED != 0 {
        mdl.report(&rule::MDL_PAGES_FREED_MAPPED, region.asked, caller);
        if !reserved::end(mdl) {
            mapping = map::take(head.MappedSystemVa as usize);
        }
    }
    head.MappedSystemVa = null_mut();
    set_flags(&mut head, flags & !(flag::LOCKED | flag::MAPPED));
    mdl.set_head(head);
    mdl_pages::free(region, mapping, caller);
}

/// `MmAllocatePagesForMdlEx` and its relatives.
///
/// # Safety
///
/// `wanted` is valid for reads during the call.
#[no_mangle]
unsafe extern "C" fn rust_pool_mdl_pages(
    wanted: &raw::rust_pool_mdl_wanted,
    caller: usize,
    module: *mut bindings::module,
) -> *mut raw::MDL {
    allocate(wanted, caller, module).map_or(null_mut(), |mdl| mdl.addr() as *mut raw::MDL)
}
matches_header!(rust_pool_mdl_pages(_, _, _));
export_symbol_gpl!(rust_pool_mdl_pages);

/// `MmFreePagesFromMdl`.
///
/// # Safety
///
/// The MDL is null, or keeps to the invariants of [`Mdl`].
#[no_mangle]
unsafe extern "C" fn rust_pool_mdl_pages_free(mdl: Option<Mdl<'_>>, caller: usize) {
    if let Some(mdl) = Mdl::given(mdl, caller) {
        free(mdl, caller);
    }
}
matches_header!(rust_pool_mdl_pages_free(_, _));
export_symbol_gpl!(rust_pool_mdl_pages_free);
