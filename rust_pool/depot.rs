// SPDX-License-Identifier: GPL-2.0

//! What is behind the magazines: where their blocks come from and go to.

use crate::{
    cache::{
        self,
        SMALL_UNITS, //
    },
    gfp::Request,
    header::PageHeader,
    heap,
    magazine::{
        self,
        CAPACITY, //
    },
    shelf::{
        Content,
        Shelf, //
    },
    sys, //
};
use core::ptr::NonNull;

/// Blocks on their way.
struct Batch {
    blocks: [usize; CAPACITY],
    len: usize,
}

impl Batch {
    const fn new() -> Self {
        Self {
            blocks: [0; CAPACITY],
            len: 0,
        }
    }

    fn push(&mut self, block: NonNull<u8>) {
        if let Some(place) = self.blocks.get_mut(self.len) {
            *place = block.as_ptr() as usize;
            self.len += 1;
        }
    }

    fn pop(&mut self) -> Option<NonNull<u8>> {
        self.len = self.len.checked_sub(1)?;
        NonNull::new(*self.blocks.get(self.len)? as *mut u8)
    }

    /// Fills it up to `len` blocks from a slab cache.
    fn fill(&mut self, cache: sys::Cache, len: usize, gfp: sys::Gfp) {
        if let Some(room) = self.blocks.get_mut(self.len..len) {
            self.len += cache.allocate_many(room, gfp);
        }
    }
}

/// Allocates a block of a shelf whose magazine has none, and a few more for the magazine. Any
/// context but NMI.
#[cold]
#[inline(never)]
pub(crate) fn allocate(shelf: Shelf, request: Request) -> Option<NonNull<u8>> {
    match shelf.content() {
        Content::Objects(units) => {
            // One at a time: the next may fit better elsewhere.
            if let Some(object) = heap::place(units) {
                return Some(object);
            }
            let class = shelf.number();
            let cache = cache::of(class);
            if cache.is_none() || units > SMALL_UNITS {
                if let Some(object) = heap::place_in_new_page(units, request, false) {
                    if cache.is_none() {
                        cache::missed(class);
                    }
                    return Some(object);
                }
            }
            let Some(cache) = cache else {
                cache::want(class);
                return heap::place_in_new_page(units, request, true);
            };
            let mut batch = Batch::new();
            let wanted = (magazine::capacity(shelf) / 2).max(1);
            batch.fill(cache, wanted, sys::raw::RUST_POOL_GFP_NOWAIT);
            let object = batch
                .pop()
                .or_else(|| request.attempt(|gfp| cache.allocate(gfp)))?;
            while let Some(object) = batch.pop() {
                // SAFETY: The object was allocated for this shelf, and nobody uses it.
                unsafe { free(shelf, object) };
            }
            Some(object)
        }
        Content::Pages(order) => request.attempt(|gfp| sys::pages(order, gfp)),
    }
}

/// Frees a block: into this CPU's magazine, or else to where it came from. Any context but NMI.
///
/// # Safety
///
/// The block is of the kind of this shelf and is not used any more.
#[inline]
pub(crate) unsafe fn free(shelf: Shelf, block: NonNull<u8>) {
    // SAFETY: By the safety requirements.
    unsafe {
        if !magazine::push(shelf, block) {
            spill(shelf, block);
        }
    }
}

/// Gives back a block for which its magazine has no room, and half of those that are there.
///
/// # Safety
///
/// As for [`free`].
#[cold]
#[inline(never)]
unsafe fn spill(shelf: Shelf, block: NonNull<u8>) {
    let mut batch = Batch::new();
    batch.push(block);
    for _ in 0..magazine::capacity(shelf) / 2 {
        let Some(block) = magazine::pop(shelf) else {
            break;
        };
        batch.push(block);
    }
    // SAFETY: By the safety requirements, and what was in the magazine is of its shelf.
    unsafe { give_back(shelf, &mut batch) };
}

/// Gives a batch of free blocks back to where they came from.
///
/// # Safety
///
/// All are of the kind of this shelf, and nobody uses them.
unsafe fn give_back(shelf: Shelf, batch: &mut Batch) {
    match shelf.content() {
        Content::Objects(units) => {
            let mut slab = Batch::new();
            while let Some(object) = batch.pop() {
                if sys::is_slab(object) {
                    slab.push(object);
                } else {
                    // SAFETY: What is not from the slab cache is from the heap.
                    unsafe { heap::remove(object, units) };
                }
            }
            if let (Some(cache), Some(objects)) =
                (cache::of(shelf.number()), slab.blocks.get_mut(..slab.len))
            {
                // SAFETY: These are objects of this cache.
                unsafe { cache.free_many(objects) };
            }
        }
        Content::Pages(order) => {
            while let Some(block) = batch.pop() {
                // SAFETY: The magazine's pages are such allocations.
                unsafe {
                    PageHeader::erase(block);
                    sys::free_order(block, order);
                }
            }
        }
    }
}

/// Empties this CPU's magazines. The caller stays on its CPU, or else some of them stay full.
pub(crate) fn drain() {
    drain_by(magazine::pop);
    heap::shrink();
}

/// Empties the magazines of a CPU that is not running.
///
/// # Safety
///
/// The CPU is offline, or nobody uses the magazines.
pub(crate) unsafe fn drain_of(cpu: u32) {
    // SAFETY: By the safety requirements.
    drain_by(|shelf| unsafe { magazine::pop_of(cpu, shelf) });
}

fn drain_by(pop: impl Fn(Shelf) -> Option<NonNull<u8>>) {
    for shelf in Shelf::all() {
        loop {
            let mut batch = Batch::new();
            while batch.len < CAPACITY {
                let Some(block) = pop(shelf) else {
                    break;
                };
                batch.push(block);
            }
            if batch.len == 0 {
                break;
            }
            // SAFETY: What was in the magazine is of its shelf, and free.
            unsafe { give_back(shelf, &mut batch) };
        }
    }
}
