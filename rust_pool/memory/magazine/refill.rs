// SPDX-License-Identifier: GPL-2.0

//! Refill: where the blocks of the magazines come from and go to.

use crate::{
    memory::{
        batch::{
            Batch,
            Block, //
        },
        heap,
        magazine::{
            self,
            depot::{
                self,
                Objects, //
            },
            kind::{
                Content,
                MagazineKind, //
            },
            Refill,
            Spill,
            Unused, //
        },
        page_block::{
            self,
            FreedPages, //
        },
        request::Request,
        slab_caches::{
            self,
            CacheOf,
            SMALL_UNITS, //
        }, //
    },
    sys::{
        self,
        raw::RUST_POOL_GFP_NOWAIT,
        Cpu, //
    }, //
};

/// How many CPUs are asked at once to give up what their magazines keep for bursts.
const TRIMS: usize = 4;

/// Allocates a block of a kind whose magazine has none, and perhaps a few more for the magazine.
/// Any context but NMI.
#[cold]
#[inline(never)]
pub(crate) fn allocate(kind: MagazineKind, request: Request) -> Option<Block> {
    match kind.content() {
        Content::Objects(units) => match magazine::refill(kind) {
            Refill::Block(object) => Some(object),
            Refill::Wanted(wanted) => allocate_object(kind, units, wanted, request),
        },
        Content::Pages(_) => allocate_pages(kind, request),
    }
}

/// Allocates a block of pages: a single page from the depot if that has one.
fn allocate_pages(kind: MagazineKind, request: Request) -> Option<Block> {
    if depot::keeps(kind) {
        if let Refill::Block(page) = magazine::refill(kind) {
            return Some(page);
        }
        if depot::lacks(kind) {
            make_room(kind);
        }
    }
    page_block::allocate(kind, request)
}

/// Allocates an object of a kind for which neither magazine nor depot has one, and up to `wanted`
/// in all. Any context but NMI.
#[cold]
#[inline(never)]
pub(crate) fn allocate_more(kind: MagazineKind, wanted: usize, request: Request) -> Option<Block> {
    match kind.content() {
        Content::Objects(units) => allocate_object(kind, units, wanted, request),
        Content::Pages(_) => None,
    }
}

/// Allocates an object from what is behind the depot.
#[inline(never)]
fn allocate_object(
    kind: MagazineKind,
    units: usize,
    wanted: usize,
    request: Request,
) -> Option<Block> {
    if depot::lacks(kind) {
        make_room(kind);
    }
    let cache = CacheOf::kind(kind);
    if let Some(cache) = cache.filter(|_| heap::is_contended()) {
        return allocate_from(cache, true, wanted, request);
    }
    let mut batch = Batch::new(kind);
    heap::place(wanted, &mut batch);
    if batch.is_empty() {
        if let Some(cache) = cache {
            if units > SMALL_UNITS {
                heap::place_in_new_page(wanted, &mut batch, request, false);
            }
            if batch.is_empty() {
                return allocate_from(cache, false, wanted, request);
            }
        } else {
            let enough = heap::place_in_new_page(wanted, &mut batch, request, true);
            slab_caches::missed(kind.number(), enough);
        }
    }
    let object = batch.pop()?;
    if !batch.is_empty() {
        put_into_magazine(&mut batch);
    }
    Some(object)
}

/// Allocates an object from a slab cache, and up to `wanted` in all.
fn allocate_from(
    cache: CacheOf,
    contended: bool,
    wanted: usize,
    request: Request,
) -> Option<Block> {
    let mut first = None;
    if contended {
        // This also fills the kernel's own list for this CPU, for the next allocations: it takes
        // memory, but the lock only once.
        first = cache.allocate(RUST_POOL_GFP_NOWAIT);
    }
    let more = wanted.saturating_sub(usize::from(first.is_some()));
    let mut batch = cache.allocate_many(more, RUST_POOL_GFP_NOWAIT);
    let object = first
        .or_else(|| batch.pop())
        .or_else(|| request.attempt(|gfp| cache.allocate(gfp)))?;
    if !batch.is_empty() {
        put_into_magazine(&mut batch);
    }
    Some(object)
}

/// Frees a block: into this CPU's magazine, or else to where it came from. Any context but NMI.
#[inline]
pub(crate) fn free(block: Block) {
    if let Err(block) = magazine::push(block) {
        spill_far(block);
    }
}

/// Like [`spill`], not inlined.
#[cold]
#[inline(never)]
fn spill_far(block: Block) {
    spill(block);
}

/// Frees pages. If somebody else has a reference to one of them (a mapping in a process is one),
/// they are given to the kernel, and are free when that is dropped. Any context but NMI.
pub(crate) fn free_pages(pages: FreedPages) {
    match pages.into_block() {
        Ok(block) => free(block),
        Err(pages) => pages.give_back(),
    }
}

/// Frees a block for which its magazine has no room. Any context but NMI.
#[inline(always)]
pub(crate) fn spill(block: Block) {
    match magazine::spill(block) {
        Spill::Taken => (),
        Spill::NoBundle(block) => spill_with_a_bundle(block),
        Spill::Refused(block) => spill_over(block),
    }
}

/// Frees a block when the depot would take others, but has no bundle for them.
#[cold]
#[inline(never)]
fn spill_with_a_bundle(block: Block) {
    if !depot::add_bundle(block.kind()) {
        return spill_over(block);
    }
    match magazine::spill(block) {
        Spill::Taken => (),
        Spill::NoBundle(block) | Spill::Refused(block) => spill_over(block),
    }
}

/// Gives back a block that neither its magazine nor the depot takes, and half of those that are in
/// the magazine.
#[cold]
#[inline(never)]
fn spill_over(block: Block) {
    let kind = block.kind();
    let mut batch = Batch::of(block);
    magazine::shed(&mut batch);
    give_back(&mut batch);
    if depot::lacks(kind) {
        make_room(kind);
    }
}

/// Takes quota from another kind, for a burst of this one. Gives back a bounded number of objects.
/// Any context but NMI.
#[cold]
#[inline(never)]
fn make_room(kind: MagazineKind) {
    if let Some(objects) = depot::make_room(kind, magazine::lacks(kind)) {
        let other = objects.kind();
        give_back_all(objects);
        if !depot::has_bursts(other) {
            trim_one(other);
            // What other CPUs keep of it they give up soon, or when the depot is aged.
            for cpu in Cpu::possible()
                .filter(|&cpu| magazine::is_raised(cpu, other))
                .take(TRIMS)
            {
                sys::trim_soon(cpu);
            }
        }
    }
    // Without larger magazines the depot would be of no use to larger objects.
    magazine::raise(kind);
    depot::grow_again(kind);
}

/// Puts objects that were in no block yet into this CPU's magazine, and gives back those that
/// there is no room for.
fn put_into_magazine(batch: &mut Batch) {
    batch.make_spare();
    magazine::put(batch);
    if !batch.is_empty() {
        give_back(batch);
    }
}

/// Gives a batch of free blocks back to where they came from.
fn give_back(batch: &mut Batch) {
    match batch.kind().content() {
        Content::Objects(_) => match CacheOf::kind(batch.kind()) {
            // Without a slab cache, all objects are from the heap.
            None => heap::remove(batch),
            Some(cache) => {
                let mut rest = cache.take_back(batch);
                if !rest.is_empty() {
                    heap::remove(&mut rest);
                }
            }
        },
        Content::Pages(_) => {
            while let Some(block) = batch.pop() {
                if let Ok(pages) = FreedPages::of_free(block) {
                    pages.give_back();
                }
            }
        }
    }
}

/// Empties the depot, and this CPU's magazines. The caller must stay on its CPU, or some of them
/// stay full.
pub(crate) fn drain() {
    let _not_for_client = heap::NotForClient::new();
    drain_depot();
    drain_by(magazine::take);
    for kind in MagazineKind::all() {
        magazine::lower(kind);
    }
    heap::shrink();
}

/// Empties the depot, and magazines that are not used.
pub(crate) fn drain_unused(mut unused: Unused<'_>) {
    let _not_for_client = heap::NotForClient::new();
    drain_depot();
    drain_by(|batch| magazine::take_unused(&mut unused, batch));
}

fn drain_depot() {
    for objects in MagazineKind::all().filter_map(depot::empty) {
        give_back_all(objects);
    }
}

fn drain_by(mut take: impl FnMut(&mut Batch)) {
    for kind in MagazineKind::all() {
        loop {
            let mut batch = Batch::new(kind);
            take(&mut batch);
            if batch.is_empty() {
                break;
            }
            give_back(&mut batch);
        }
    }
}

/// Gives back what a depot has given up.
fn give_back_all(objects: Objects) {
    for mut batch in objects {
        give_back(&mut batch);
    }
}

/// Gives back what depot and heap did not need for a while, and has CPUs do the same whose
/// magazines may hold more than usual for no reason. Returns whether there is more to do later.
/// Task context.
pub(crate) fn age() -> bool {
    let _not_for_client = heap::NotForClient::new();
    depot::ageing_begins();
    let mut more = heap::age();
    for kind in MagazineKind::all() {
        if let Some(objects) = depot::age(kind) {
            give_back_all(objects);
        }
        more |= depot::usage(kind).is_some_and(|(held, _)| held != 0) || depot::has_bursts(kind);
    }
    for cpu in Cpu::possible() {
        let mut raised = MagazineKind::all().filter(|&kind| magazine::is_raised(cpu, kind));
        if let Some(first) = raised.next() {
            more = true;
            if !depot::has_bursts(first) || raised.any(|kind| !depot::has_bursts(kind)) {
                sys::trim_soon(cpu);
            }
        }
    }
    if more {
        depot::ageing_goes_on();
    }
    more
}

/// Gives back what this CPU's magazines hold beyond their usual limits, where the depot has no
/// quota for bursts any more. The caller must stay on its CPU, or some of it stays.
pub(crate) fn trim() {
    let _not_for_client = heap::NotForClient::new();
    for kind in MagazineKind::all() {
        trim_one(kind);
    }
}

/// Gives back what this CPU's magazine of a kind holds beyond its usual limit, as [`trim`] does.
fn trim_one(kind: MagazineKind) {
    if magazine::lower(kind) {
        let mut batch = Batch::new(kind);
        magazine::shed(&mut batch);
        give_back(&mut batch);
    }
}
