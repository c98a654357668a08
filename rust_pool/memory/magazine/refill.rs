// SPDX-License-Identifier: GPL-2.0

//! Refill: where the blocks of the magazines come from and go to.

use crate::{
    header::{
        Header,
        PageHeader, //
    },
    memory::{
        batch::{
            Batch,
            Room, //
        },
        heap,
        magazine::{
            self,
            depot::{
                self,
                Offer,
                Surplus, //
            },
            kind::{
                Content,
                MagazineKind,
                CAPACITY, //
            },
            Refill, //
        },
        request::Request,
        slab_caches::{
            self,
            SMALL_UNITS, //
        }, //
    },
    sys::{
        self,
        raw::RUST_POOL_GFP_NOWAIT,
        Cache,
        PageWords, //
    }, //
};
use core::ptr::NonNull;

/// How many CPUs are asked at once to give up what their magazines keep for bursts.
const TRIMS: usize = 4;

/// Allocates a block of a kind whose magazine has none, and perhaps a few more for the magazine.
/// Any context but NMI.
#[cold]
#[inline(never)]
pub(crate) fn allocate(kind: MagazineKind, request: Request) -> Option<NonNull<u8>> {
    match kind.content() {
        Content::Objects(units) => match magazine::refill(kind) {
            Refill::Block(object) => Some(object),
            Refill::Wanted(wanted) => allocate_object(kind, units, wanted, request),
        },
        Content::Pages(order) => allocate_pages(kind, order, request),
    }
}

/// Allocates a block of pages: a single page from the depot if that has one.
fn allocate_pages(kind: MagazineKind, order: u32, request: Request) -> Option<NonNull<u8>> {
    if depot::keeps(kind) {
        if let Refill::Block(page) = magazine::refill(kind) {
            return Some(page);
        }
        if depot::lacks(kind) {
            make_room(kind);
        }
    }
    request.attempt(|gfp| sys::page_block(order, gfp))
}

/// Allocates an object of a kind for which neither magazine nor depot has one, and up to `wanted`
/// in all. Any context but NMI.
#[cold]
#[inline(never)]
pub(crate) fn allocate_more(
    kind: MagazineKind,
    wanted: usize,
    request: Request,
) -> Option<NonNull<u8>> {
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
) -> Option<NonNull<u8>> {
    if depot::lacks(kind) {
        make_room(kind);
    }
    let class = kind.number();
    let cache = slab_caches::of(class);
    if let Some(cache) = cache.filter(|_| heap::is_contended()) {
        return allocate_from(cache, true, kind, wanted, request);
    }
    let mut batch = Batch::new();
    heap::place(units, wanted, &mut batch);
    if batch.is_empty() {
        if let Some(cache) = cache {
            if units > SMALL_UNITS {
                heap::place_in_new_page(units, wanted, &mut batch, request, false);
            }
            if batch.is_empty() {
                return allocate_from(cache, false, kind, wanted, request);
            }
        } else {
            let enough = heap::place_in_new_page(units, wanted, &mut batch, request, true);
            slab_caches::missed(class, enough);
        }
    }
    let object = batch.pop()?;
    if !batch.is_empty() {
        // SAFETY: The objects were placed for this kind, and nobody uses them.
        unsafe { shelve(kind, &mut batch) };
    }
    Some(object)
}

/// Allocates an object from a slab cache, and up to `wanted` in all.
fn allocate_from(
    cache: Cache,
    contended: bool,
    kind: MagazineKind,
    wanted: usize,
    request: Request,
) -> Option<NonNull<u8>> {
    let mut batch = Batch::new();
    if contended {
        // This also fills the kernel's own list for this CPU, for the next allocations: it takes
        // memory, but the lock only once.
        if let Some(object) = cache.allocate(RUST_POOL_GFP_NOWAIT) {
            batch.push(object);
        }
    }
    let more = wanted.saturating_sub(batch.len());
    // SAFETY: `allocate_many()` returns how many it wrote.
    unsafe { batch.add(more, |room| cache.allocate_many(room, RUST_POOL_GFP_NOWAIT)) };
    let object = batch
        .pop()
        .or_else(|| request.attempt(|gfp| cache.allocate(gfp)))?;
    if batch.is_empty() {
        return Some(object);
    }
    // SAFETY: The objects were allocated for this kind, and nobody uses them.
    unsafe { shelve(kind, &mut batch) };
    Some(object)
}

/// Frees a block: into this CPU's magazine, or else to where it came from. Any context but NMI.
///
/// # Safety
///
/// The block is of this kind and is not used any more.
#[inline]
pub(crate) unsafe fn free(kind: MagazineKind, block: NonNull<u8>) {
    // SAFETY: By the safety requirements.
    unsafe {
        if !magazine::push(kind, block) {
            spill_far(kind, block);
        }
    }
}

/// Like [`spill`], not inlined.
///
/// # Safety
///
/// As for [`free`].
#[cold]
#[inline(never)]
unsafe fn spill_far(kind: MagazineKind, block: NonNull<u8>) {
    // SAFETY: By the safety requirements.
    unsafe { spill(kind, block) };
}

/// Frees a block of pages. If somebody else has a reference to one of them (a mapping in a process
/// is one), they are given to the kernel, and are free when that is dropped. Any context but NMI.
///
/// # Safety
///
/// The block is all pages of this order from [`allocate`], and its owner does not use it any more.
pub(crate) unsafe fn free_pages(order: u32, block: NonNull<u8>) {
    let kind = MagazineKind::pages(order);
    let reusable = PageWords::around(block.as_ptr() as usize).is_some_and(|page| {
        // SAFETY: By the safety requirements the pages are there, and the pool has a reference.
        unsafe { page.is_reusable() }
    });
    // SAFETY: By the safety requirements the owner does not use the pages any more. If they are
    // reusable, nobody else does.
    unsafe {
        if reusable {
            free(kind, block);
        } else {
            give_back_pages(order, block);
        }
    }
}

/// Gives a block of pages back.
///
/// # Safety
///
/// As for [`free_pages`].
unsafe fn give_back_pages(order: u32, block: NonNull<u8>) {
    // SAFETY: By the safety requirements.
    unsafe {
        PageHeader::erase(block);
        sys::free_page_block(block, order);
    }
}

/// Frees a block for which its magazine has no room. Any context but NMI.
///
/// # Safety
///
/// As for [`free`].
#[inline(always)]
pub(crate) unsafe fn spill(kind: MagazineKind, block: NonNull<u8>) {
    // SAFETY: By the safety requirements.
    unsafe {
        match magazine::spill(kind, block) {
            Offer::Taken => (),
            Offer::NoBundle => spill_with_a_bundle(kind, block),
            Offer::Refused => spill_over(kind, block),
        }
    }
}

/// Frees a block when the depot would take others, but has no bundle for them.
///
/// # Safety
///
/// As for [`free`].
#[cold]
#[inline(never)]
unsafe fn spill_with_a_bundle(kind: MagazineKind, block: NonNull<u8>) {
    // SAFETY: By the safety requirements.
    unsafe {
        if !depot::add_bundle(kind) || magazine::spill(kind, block) != Offer::Taken {
            spill_over(kind, block);
        }
    }
}

/// Gives back a block that neither its magazine nor the depot takes, and half of those that are in
/// the magazine.
///
/// # Safety
///
/// As for [`free`].
#[cold]
#[inline(never)]
unsafe fn spill_over(kind: MagazineKind, block: NonNull<u8>) {
    let mut batch = Batch::new();
    batch.push(block);
    // SAFETY: `shed()` returns how many it wrote. All blocks are of this kind and not used: `block`
    // by the safety requirements, the others because they were in the kind's magazine.
    unsafe {
        batch.add(CAPACITY, |room| magazine::shed(kind, room));
        give_back(kind, &mut batch);
    }
    if depot::lacks(kind) {
        make_room(kind);
    }
}

/// Has another kind make room for a burst of this one. Gives back a bounded number of objects. Any
/// context but NMI.
#[cold]
#[inline(never)]
fn make_room(kind: MagazineKind) {
    if let Some((other, surplus)) = depot::make_room(kind, magazine::lacks(kind)) {
        // SAFETY: It was in the depot of that kind.
        unsafe { give_back_surplus(other, surplus) };
        if !depot::has_bursts(other) {
            trim_one(other);
            // What other CPUs keep of it they give up soon, or when the depot is aged.
            for cpu in (0..sys::possible_cpus())
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
///
/// # Safety
///
/// As for [`give_back`].
unsafe fn shelve(kind: MagazineKind, batch: &mut Batch) {
    if let Content::Objects(units) = kind.content() {
        // SAFETY: By the safety requirements.
        unsafe { make_spare(units, batch) };
    }
    // SAFETY: By the safety requirements.
    unsafe {
        let put = magazine::put(kind, batch.blocks());
        if put < batch.len() {
            batch.skip(put);
            give_back(kind, batch);
        }
    }
}

/// Writes spare headers, so that whoever looks for a block among them knows where each ends.
///
/// # Safety
///
/// The objects have so many units each, and nobody uses them.
unsafe fn make_spare(units: usize, batch: &Batch) {
    for &object in batch.blocks() {
        if let Some(object) = NonNull::new(object as *mut u8) {
            // SAFETY: By the safety requirements.
            unsafe { Header::write_spare(object, units) };
        }
    }
}

/// Gives a batch of free blocks back to where they came from.
///
/// # Safety
///
/// All are of this kind, and nobody uses them.
unsafe fn give_back(kind: MagazineKind, batch: &mut Batch) {
    match kind.content() {
        Content::Objects(units) => {
            if slab_caches::of(kind.number()).is_none() {
                // SAFETY: By the safety requirements they are not used. Without a slab cache, all
                // objects are from the heap.
                return unsafe { heap::remove(batch, units) };
            }
            let (mut slab, mut rest) = (Batch::new(), Batch::new());
            while let Some(object) = batch.pop() {
                // SAFETY: By the safety requirements, it is still allocated.
                if unsafe { sys::is_slab(object) } {
                    slab.push(object);
                } else {
                    rest.push(object);
                }
            }
            // SAFETY: These are objects of this cache, and what is not from it is from the heap.
            unsafe {
                if let Some(cache) = slab_caches::of(kind.number()).filter(|_| !slab.is_empty()) {
                    cache.free_many(slab.blocks_mut());
                }
                if !rest.is_empty() {
                    heap::remove(&rest, units);
                }
            }
        }
        Content::Pages(order) => {
            while let Some(block) = batch.pop() {
                // SAFETY: The magazine's pages are such blocks.
                unsafe { give_back_pages(order, block) };
            }
        }
    }
}

/// Empties the depot, and this CPU's magazines. The caller must stay on its CPU, or some of them
/// stay full.
pub(crate) fn drain() {
    let _aside = heap::Aside::new();
    drain_depot();
    drain_by(magazine::take);
    for kind in MagazineKind::all() {
        magazine::lower(kind);
    }
    heap::shrink();
}

/// Empties the depot, and the magazines of a CPU that is offline.
///
/// # Safety
///
/// The CPU is offline, or nobody uses the magazines.
pub(crate) unsafe fn drain_of(cpu: u32) {
    let _aside = heap::Aside::new();
    drain_depot();
    // SAFETY: By the safety requirements.
    drain_by(|kind, room| unsafe { magazine::take_of(cpu, kind, room) });
}

fn drain_depot() {
    for kind in MagazineKind::all() {
        if let Some(surplus) = depot::empty(kind) {
            // SAFETY: It was in the depot of this kind.
            unsafe { give_back_surplus(kind, surplus) };
        }
    }
}

fn drain_by(take: impl Fn(MagazineKind, &mut Room) -> usize) {
    for kind in MagazineKind::all() {
        loop {
            let mut batch = Batch::new();
            // SAFETY: `take` returns how many it wrote.
            unsafe { batch.add(CAPACITY, |room| take(kind, room)) };
            if batch.is_empty() {
                break;
            }
            // SAFETY: What was in the magazine is of its kind, and free.
            unsafe { give_back(kind, &mut batch) };
        }
    }
}

/// Gives back what a depot has given up.
///
/// # Safety
///
/// It is from the depot of this kind.
unsafe fn give_back_surplus(kind: MagazineKind, surplus: Surplus) {
    for objects in surplus {
        let mut batch = Batch::new();
        for object in objects {
            if let Some(object) = NonNull::new(object as *mut u8) {
                batch.push(object);
            }
        }
        // SAFETY: By the safety requirements; what was in the depot is free.
        unsafe { give_back(kind, &mut batch) };
    }
}

/// Gives back what the depot did not need for a while, and has CPUs do the same whose magazines may
/// hold more than usual for no reason. Returns whether there is more to do later. Task context.
pub(crate) fn age() -> bool {
    let _aside = heap::Aside::new();
    depot::ageing_begins();
    let mut more = false;
    for kind in MagazineKind::all() {
        if let Some(surplus) = depot::age(kind) {
            // SAFETY: It was in the depot of this kind.
            unsafe { give_back_surplus(kind, surplus) };
        }
        more |= depot::usage(kind).is_some_and(|(held, _)| held != 0) || depot::has_bursts(kind);
    }
    for cpu in 0..sys::possible_cpus() {
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
    let _aside = heap::Aside::new();
    for kind in MagazineKind::all() {
        trim_one(kind);
    }
}

/// The same for one kind.
fn trim_one(kind: MagazineKind) {
    if magazine::lower(kind) {
        let mut batch = Batch::new();
        // SAFETY: `shed()` returns how many it wrote. What was in the magazine is of its kind, and
        // free.
        unsafe {
            batch.add(CAPACITY, |room| magazine::shed(kind, room));
            give_back(kind, &mut batch);
        }
    }
}
