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
    memory::{
        request::{
            self,
            Request, //
        },
        write_back::PageList, //
    },
    record::{
        backlog::{
            self,
            Backlog,
            Batch, //
        },
        listed,
        table::{
            Misfit,
            Reservation,
            REGIONS, //
        },
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
        PAGE_SIZE, //
    },
    trace,
    types::{
        cache_type::CacheType,
        memory_type::MemoryType, //
    },
    verifier::hooks, //
};
use core::ptr::NonNull;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    prelude::*, //
};

/// The counters of this family.
pub(crate) static FAMILY: Family = Family::new();

/// Blocks whose free was deferred.
pub(crate) static BACKLOG: AtLoad<Backlog> =
    AtLoad::new(|| KBox::pin_init(Backlog::new(), GFP_KERNEL));

/// Pages from [`sys::page`] or the like that are write-back, and mapped in the direct map only.
/// They are freed on drop, in any context but NMI.
pub(super) struct Pages(pub(super) KVVec<NonNull<bindings::page>>);

impl Pages {
    /// Allocates pages. Sleeps.
    fn new(count: usize) -> Option<Self> {
        let mut pages = Self(KVVec::with_capacity(count, GFP_KERNEL | __GFP_NOWARN).ok()?);
        let request = Request {
            bytes: PAGE_SIZE,
            zero: false,
            sleep: true,
        };
        for _ in 0..count {
            pages.0.push(request.attempt(sys::page)?, GFP_KERNEL).ok()?;
        }
        Some(pages)
    }

    /// Sets the cache type of the pages, and maps them with that type. Sleeps.
    fn map(mut self, cache: CacheType) -> Option<Mapping> {
        // SAFETY: `self` owns the pages, and nobody else maps them.
        let set = unsafe { sys::pages_set(&mut self.0, cache.as_raw()) };
        let base = match set {
            // SAFETY: The result, and then its region, own the pages until `give_back()` has
            // unmapped them. They have this cache type.
            Ok(()) => unsafe { sys::vmap(&mut self.0, cache.as_raw()) },
            Err(_) => None,
        };
        let pages = core::mem::replace(&mut self.0, KVVec::new());
        match base {
            Some(base) => Some((base, pages)),
            None => {
                Self::restore(pages, &FAMILY);
                None
            }
        }
    }

    /// Makes pages write-back again and frees them. If that cannot be done, they are lost, which
    /// their family counts. Sleeps.
    pub(super) fn restore(mut pages: KVVec<NonNull<bindings::page>>, family: &Family) {
        // SAFETY: The callers pass pages that they own, and that are mapped in the direct map only.
        if unsafe { sys::pages_set(&mut pages, CacheType::Cached.as_raw()) }.is_ok() {
            drop(Self(pages));
        } else {
            family.lose("noncached pages", pages.len().saturating_mul(PAGE_SIZE));
        }
    }
}

/// The address at which pages are mapped, and the pages.
type Mapping = (NonNull<u8>, KVVec<NonNull<bindings::page>>);

impl Drop for Pages {
    fn drop(&mut self) {
        for page in self.0.drain_all() {
            // SAFETY: `sys::page()` returned it, and only this list has it.
            unsafe { sys::free_page(page) };
        }
        sys::drop_page_list(core::mem::replace(&mut self.0, KVVec::new()));
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
    if bytes == 0 {
        rule::CONTIGUOUS_ZERO_BYTES
            .by(caller, [cache.into()])
            .report();
        return None;
    }
    if !sys::irql().may_sleep() {
        rule::NONCACHED_REQUESTED
            .by(caller, [cache.into(), bytes.into()])
            .report();
        return None;
    }
    let refused = hooks::refuse(MemoryType::NonCached, None, bytes, caller);
    let base = if refused || !sys::may_change_pages() {
        None
    } else {
        BACKLOG.shorten(bytes, give_back);
        backlog::retry(
            || allocate_pages(bytes, cache, caller),
            || BACKLOG.drain(give_back),
        )
    };
    if base.is_none() {
        FAMILY.fail();
    }
    base
}

/// Allocates memory and its record. Sleeps.
fn allocate_pages(bytes: usize, cache: CacheType, caller: usize) -> Option<NonNull<u8>> {
    let used = page_align(bytes)?;
    if !request::affordable(used) {
        return None;
    }
    let record = Reservation::new()?;
    let (base, pages) = Pages::new(used / PAGE_SIZE)?.map(cache)?;
    FAMILY.charge(bytes, used);
    let addr = base.as_ptr() as usize;
    let new = trace::Block::untagged(MemoryType::NonCached, bytes, used, addr);
    new.allocated(caller);
    record.insert(base, bytes, used, caller, Owner::NonCached { cache, pages });
    Some(base)
}

/// Frees the block at `base`, if `bytes` is its size. Any context, any address.
pub(crate) fn free(base: usize, bytes: usize, caller: usize) {
    let own = Parameter::Address(base);
    if sys::irql().is_nmi() {
        rule::NONCACHED_FREED.by(caller, [own]).report();
        return;
    }
    if listed::refuses_block(base, caller) {
        return;
    }
    let taken = REGIONS.take(base, |region| match region.owner {
        Owner::NonCached { .. } if region.asked == bytes => Ok(()),
        Owner::NonCached { .. } => Err(Misfit::Arguments(region.facts())),
        _ => Err(Misfit::Family(region.facts())),
    });
    let taken = taken.or_report(
        MemoryType::NonCached,
        base,
        |facts| rule::NONCACHED_MISFIT.by(caller, [own, facts.known.bytes.into(), bytes.into()]),
        || rule::NOT_NONCACHED.by(caller, [own, bytes.into()]),
    );
    let Some(region) = taken else {
        return;
    };
    FAMILY.discharge(region.asked, region.used);
    region.traced().freed(caller);
    if !sys::irql().may_sleep() {
        rule::NONCACHED_FREED.by(caller, [own]).report();
        BACKLOG.add(region);
    } else if sys::in_reclaim() {
        BACKLOG.add(region);
    } else {
        BACKLOG.shorten(region.used, give_back);
        give_back(Batch::of(region));
    }
}

/// Defers the free of a region that was taken out of the table. If it is a mapping of pages that
/// are not its own, they are unmapped at once, as their owner may free them next: only the address
/// space is given back later. Any context but NMI.
pub(crate) fn defer(region: KBox<Region>) {
    let maps_others = match &region.owner {
        Owner::Mapping => true,
        Owner::IoSpace { mapping, .. } => mapping.is_memory(),
        _ => false,
    };
    if maps_others {
        // SAFETY: `LockedFrames::map()` mapped so many pages there, or `IoMapping::of_memory()`. The
        // region was taken out of the table, so nobody uses its mapping any more.
        unsafe { sys::hide(region.base, region.used / PAGE_SIZE) };
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
    while let Some(region) = batch.regions.pop() {
        let mapping = match &region.owner {
            Owner::MdlPages { mapping, .. } => *mapping,
            Owner::NonCached { .. } | Owner::Mapping => Some(region.base),
            // Dropping the region gives its address space back, or undoes its mapping.
            _ => continue,
        };
        if let Some(base) = mapping {
            // SAFETY: The region was taken out of the table, so nobody uses its mapping any more.
            // `sys::vmap()` or `LockedFrames::map()` made that; `sys::hide()` may have unmapped its
            // pages, but left its address space.
            unsafe { sys::vunmap(base) };
        }
        if let (Some(pages), Some(own)) = (&mut list, uncached(&region.owner)) {
            if !own.iter().all(|&page| pages.push(page)) {
                list = None;
            }
        }
        unmapped.push(region);
    }
    // SAFETY: The list has the pages of regions that were taken out of the table. So we own the
    // pages, and their mappings are gone.
    let done = list.is_some_and(|mut list| unsafe { list.write_back() });
    while let Some(mut region) = unmapped.pop() {
        let done = done || uncached(&region.owner).is_none();
        let (pages, family) = match &mut region.owner {
            Owner::NonCached { pages, .. } => (pages, &FAMILY),
            Owner::MdlPages { pages, .. } => (pages, &totals::FAMILY),
            _ => continue,
        };
        let pages = core::mem::replace(pages, KVVec::new());
        if done {
            drop(Pages(pages));
        } else {
            Pages::restore(pages, family);
        }
    }
}

/// The pages that have to be made write-back again.
fn uncached(owner: &Owner) -> Option<&[NonNull<bindings::page>]> {
    match owner {
        Owner::NonCached { pages, .. } => Some(pages),
        Owner::MdlPages { cache, pages, .. } if *cache != CacheType::Cached => Some(pages),
        _ => None,
    }
}

/// `MmAllocateNonCachedMemory`.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_noncached_allocate(
    bytes: usize,
    combined: bool,
    caller: usize,
) -> *mut c_void {
    allocate(bytes, combined, caller).map_or(sys::NULL, |base| base.as_ptr().cast())
}
matches_header!(rust_pool_noncached_allocate);
export_symbol_gpl!(rust_pool_noncached_allocate);

/// `MmFreeNonCachedMemory`.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_noncached_free(base: *mut c_void, bytes: usize, caller: usize) {
    free(base as usize, bytes, caller);
}
matches_header!(rust_pool_noncached_free);
export_symbol_gpl!(rust_pool_noncached_free);
