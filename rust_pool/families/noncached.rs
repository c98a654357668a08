// SPDX-License-Identifier: GPL-2.0

//! Noncached and write-combined memory: scattered pages, mapped side by side.
//!
//! The cache type is first set in the direct map. Then the pages are mapped with the same type, so
//! they never have a cached alias. A free does the same in reverse order.
//!
//! WDK: "MmAllocateNonCachedMemory", "MmFreeNonCachedMemory".

use crate::{
    families::mdl_pages::totals,
    lib::{
        at_load::AtLoad,
        export::{
            export_symbol_gpl,
            matches_header, //
        },
        list::List, //
    },
    memory::request::{
        self,
        Request, //
    },
    record::{
        backlog::{
            Backlog,
            Batch, //
        },
        block::{
            Allocation,
            Free, //
        },
        table::Reservation,
        Owner,
        Region, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    stats::family_totals::Family,
    sys::{
        self,
        page_align,
        BlockPages,
        Finished,
        Page,
        PageList,
        PlainPages,
        PAGE_SIZE, //
    },
    trace::Began,
    types::{
        cache_type::CacheType,
        memory_type::MemoryType, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    prelude::*, //
};

/// The counters of this family.
pub(crate) static FAMILY: Family = Family::new(MemoryType::NonCached);

/// Blocks whose free was deferred.
pub(crate) static BACKLOG: AtLoad<Backlog> =
    AtLoad::new(|| KBox::pin_init(Backlog::new(), GFP_KERNEL));

/// Allocates pages. Sleeps.
fn new_pages(count: usize) -> Option<PlainPages> {
    let mut pages = PlainPages::with_room(count, GFP_KERNEL | __GFP_NOWARN)?;
    let request = Request {
        bytes: PAGE_SIZE,
        zero: false,
        sleep: true,
    };
    for _ in 0..count {
        if !pages.push(request.attempt(Page::new)?) {
            return None;
        }
    }
    Some(pages)
}

/// Sets the cache type of pages, and maps them with that type. Sleeps.
fn map(pages: PlainPages, cache: CacheType) -> Option<(NonNull<u8>, BlockPages)> {
    let (mut pages, base) = match pages.set_cache(cache.as_raw()) {
        Ok(mut pages) => {
            let base = pages.map();
            (pages, base)
        }
        Err(pages) => (pages, None),
    };
    if base.is_none() {
        restore(&mut pages, None, &FAMILY);
    }
    Some((base?, pages))
}

/// Makes pages write-back again, if they are not, and frees them. If that cannot be done, they are
/// lost, which their family counts. Sleeps.
pub(super) fn restore(pages: &mut BlockPages, finished: Option<&Finished>, family: &Family) {
    if let Err(bytes) = pages.restore(finished) {
        family.lose("noncached pages", bytes);
    }
}

/// Allocates memory, or reports why not and returns `None`. Any context, but where code may not
/// sleep it fails.
pub(crate) fn allocate(bytes: usize, combined: bool, caller: usize) -> Option<NonNull<u8>> {
    let cache = if combined {
        CacheType::WriteCombined
    } else {
        CacheType::Uncached
    };
    let new = Allocation::new(&FAMILY, None, bytes, caller);
    new.check(
        sys::irql().may_sleep(),
        || rule::CONTIGUOUS_ZERO_BYTES.by(caller, [cache.into()]),
        || rule::NONCACHED_REQUESTED.by(caller, [cache.into(), bytes.into()]),
    )?;
    new.allocate(
        |began| allocate_pages(cache, &new, began),
        || BACKLOG.drain(give_back),
    )
}

/// Allocates memory and its record. Sleeps, but fails in reclaim.
fn allocate_pages(cache: CacheType, new: &Allocation, began: Began) -> Option<NonNull<u8>> {
    if !sys::may_change_pages() {
        return None;
    }
    BACKLOG.shorten(new.bytes, give_back);
    let used = page_align(new.bytes)?;
    if !request::affordable(used) {
        return None;
    }
    let record = Reservation::new()?;
    let (base, pages) = map(new_pages(used / PAGE_SIZE)?, cache)?;
    new.insert(record, base, used, began, Owner::NonCached { cache, pages });
    Some(base)
}

/// Frees the block at `base`, if `bytes` is its size. Any context, any address.
pub(crate) fn free(base: usize, bytes: usize, caller: usize) {
    let own = Parameter::Address(base);
    let forbidden = || rule::NONCACHED_FREED.by(caller, [own]);
    let taken = Free::new(&FAMILY, base, caller).take(
        forbidden,
        || false,
        |region| region.asked == bytes,
        |facts| rule::NONCACHED_MISFIT.by(caller, [own, facts.known.bytes.into(), bytes.into()]),
        || rule::NOT_NONCACHED.by(caller, [own, bytes.into()]),
    );
    let Some(region) = taken else {
        return;
    };
    if !sys::irql().may_sleep() {
        forbidden().report();
    }
    BACKLOG.free(region, give_back);
}

/// Undoes a mapping of pages that are not its own, or gives reserved address space back. Its region
/// was taken out of the table. Where that cannot be done, it is deferred, but the pages are
/// unmapped at once, as their owner may free them next. Any context but NMI.
pub(crate) fn unmap(mut region: KBox<Region>) {
    if sys::may_change_pages() {
        return give_back(Batch::of(region));
    }
    match &mut region.owner {
        Owner::Mapping(mapping) => mapping.hide(),
        Owner::IoSpace { mapping, .. } => mapping.hide(),
        _ => (),
    }
    BACKLOG.add(region);
}

/// Frees the memory of a batch. If there is memory to list the pages, one call makes all of them
/// write-back. Sleeps.
pub(crate) fn give_back(mut batch: Batch) {
    let mut list = (batch.blocks > 1)
        .then(|| PageList::with_room(batch.pages))
        .flatten();
    let mut unmapped = List::new();
    while let Some(mut region) = batch.regions.pop() {
        match &mut region.owner {
            Owner::Mapping(mapping) => mapping.undo(),
            Owner::NonCached { pages, .. } | Owner::MdlPages { pages, .. } => {
                pages.unmap();
                if let Some(list) = &mut list {
                    list.add(pages);
                }
                unmapped.push(region);
            }
            // Dropping the region gives its address space back, or undoes its mapping.
            _ => (),
        }
    }
    let finished = list.map(PageList::finish);
    while let Some(mut region) = unmapped.pop() {
        let (pages, family) = match &mut region.owner {
            Owner::NonCached { pages, .. } => (pages, &FAMILY),
            Owner::MdlPages { pages, .. } => (pages, &totals::FAMILY),
            _ => continue,
        };
        restore(pages, finished.as_ref(), family);
    }
}

/// `MmAllocateNonCachedMemory`.
#[no_mangle]
extern "C" fn rust_pool_noncached_allocate(
    bytes: usize,
    combined: bool,
    caller: usize,
) -> *mut c_void {
    allocate(bytes, combined, caller).map_or(sys::NULL, |base| base.as_ptr().cast())
}
matches_header!(safe rust_pool_noncached_allocate(_, _, _));
export_symbol_gpl!(rust_pool_noncached_allocate);

/// `MmFreeNonCachedMemory`.
#[no_mangle]
extern "C" fn rust_pool_noncached_free(base: *mut c_void, bytes: usize, caller: usize) {
    free(base as usize, bytes, caller);
}
matches_header!(safe rust_pool_noncached_free(_, _, _));
export_symbol_gpl!(rust_pool_noncached_free);
