// SPDX-License-Identifier: GPL-2.0

//! Pages of memory descriptor lists: single pages or adjacent ones, between address bounds, without
//! a mapping.
//!
//! A request may be met in part. It never takes what the system needs: see `memory/request.rs`.
//!
//! WDK: "MmAllocatePagesForMdlEx", "MmFreePagesFromMdl".

pub(crate) mod ranges;
pub(crate) mod totals;

use crate::{
    families::{
        contiguous::{
            self,
            bounds::Bounds,
            patience::Patience,
            Effort, //
        },
        mdl_pages::{
            ranges::Ranges,
            totals::FAMILY, //
        },
        noncached, //
    },
    memory::request::{
        self,
        Request, //
    },
    record::{
        block::Allocation,
        table::{
            Reservation,
            REGIONS, //
        },
        Owner,
        Region, //
    },
    sys::{
        self,
        raw,
        BlockPages,
        Contig,
        Node,
        OwnPages,
        Page,
        PlainPages,
        Vmap,
        PAGE_SIZE, //
    },
    trace,
    types::{
        cache_type::CacheType,
        memory_type::MemoryType, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    alloc::flags::{
        GFP_NOWAIT,
        __GFP_NOWARN, //
    },
    bindings,
    prelude::*, //
};

/// How many pages outside of the bounds may be held until enough are found: `STRAYS_EACH` for each
/// page that is wanted, but at least `STRAYS`. If they were freed before, the page allocator would
/// return them again.
const STRAYS: usize = 512;
const STRAYS_EACH: usize = 4;
/// The distance from the address of an MDL to the key of its pages' record.
const KEY: usize = 2;

/// What the caller of `MmAllocatePagesForMdl` or its like asks for.
pub(crate) struct PageRequest {
    pub(crate) lowest: u64,
    pub(crate) highest: u64,
    pub(crate) skip: u64,
    /// Of whole pages, not 0.
    pub(crate) bytes: usize,
    pub(crate) cache: CacheType,
    pub(crate) zero: bool,
    /// Whether the request fails if fewer pages are found.
    pub(crate) all: bool,
    pub(crate) sleep: bool,
    /// Whether the pages are to be adjacent. Then `skip` is the size of a chunk, or 0 for a single
    /// one.
    pub(crate) chunks: bool,
    pub(crate) node: Node,
    /// Whether pages of other nodes are not allowed.
    pub(crate) only_node: bool,
}

impl PageRequest {
    /// The only node that will do, if there is one.
    fn sole_node(&self) -> Option<Node> {
        let node = if self.node == Node::ANY {
            Node::here()
        } else {
            self.node
        };
        self.only_node.then_some(node)
    }

    fn suits(&self, page: NonNull<bindings::page>) -> bool {
        self.sole_node().is_none_or(|node| Node::of(page) == node)
    }
}

/// Pages that were found; frees them on drop.
struct Found {
    pages: PlainPages,
    /// How many are wanted.
    wanted: usize,
}

impl Found {
    fn with_room(wanted: usize) -> Option<Self> {
        let gfp = if sys::may_wait_for_memory() {
            GFP_KERNEL
        } else {
            GFP_NOWAIT
        };
        Some(Self {
            pages: PlainPages::with_room(wanted, gfp | __GFP_NOWARN)?,
            wanted,
        })
    }

    /// How many are missing.
    fn missing(&self) -> usize {
        self.wanted.saturating_sub(self.pages.count())
    }

    /// Adds a page; frees it if there is no room.
    fn push(&mut self, page: Page) {
        self.pages.push(page);
    }

    /// Adds adjacent pages.
    fn push_adjacent(&mut self, mut pages: OwnPages, zero: bool) {
        if zero {
            pages.clear();
        }
        pages.into_pages().for_each(|page| self.push(page));
    }
}

/// Takes pages from the page allocator, which knows no bounds but those of its zones.
fn from_zone(wanted: &PageRequest, ranges: Ranges, found: &mut Found) {
    let zone = contiguous::zone_up_to(ranges.last());
    let node = if wanted.only_node {
        raw::RUST_POOL_GFP_THISNODE
    } else {
        0
    };
    let request = Request {
        bytes: PAGE_SIZE,
        zero: wanted.zero,
        sleep: wanted.sleep,
    };
    let mut strays: Option<Found> = None;
    while found.missing() != 0 {
        let page = request.attempt(|gfp| Page::on(gfp | zone | node, wanted.node));
        let Some(page) = page else {
            return;
        };
        // CAST: Lossless on the architectures supported.
        if ranges.has(sys::frame_of(page.page()) as u64) && wanted.suits(page.page()) {
            found.push(page);
            continue;
        }
        if strays.is_none() {
            let most = found.wanted.saturating_mul(STRAYS_EACH).max(STRAYS);
            strays = Found::with_room(most.min(request::spare() / PAGE_SIZE));
        }
        match &mut strays {
            Some(strays) if strays.missing() != 0 => strays.push(page),
            _ => return,
        }
    }
}

/// Empties page frames of a range, from the highest address down. Sleeps.
fn search(wanted: &PageRequest, range: Ranges, found: &mut Found, patience: &mut Patience) {
    let mut end = range.last().saturating_add(1);
    while found.missing() != 0 && !patience.is_over() {
        // CAST: Lossless on the architectures supported.
        let count = (found.missing() as u64)
            .min(contiguous::STRIDE)
            .min(end.saturating_sub(range.first()));
        // CAST: Not above the stride.
        let pages = count as usize;
        if pages == 0 {
            return;
        }
        let first = end.saturating_sub(count);
        end = match OwnPages::at_frame(first, pages, Node::ANY) {
            Ok(pages) => {
                patience.emptied();
                if pages.first().is_some_and(|page| wanted.suits(page)) {
                    found.push_adjacent(pages, wanted.zero);
                }
                first
            }
            Err(Contig::Obstacle(at)) => {
                patience.looked();
                at
            }
            // The kernel empties whole pageblocks.
            Err(Contig::Busy) => {
                patience.emptied();
                first / contiguous::STRIDE * contiguous::STRIDE
            }
        };
    }
}

/// Finds single pages, if possible in the first range.
fn find_pages(wanted: &PageRequest, found: &mut Found) {
    let Some(ranges) = Ranges::new(wanted.lowest, wanted.highest, wanted.skip) else {
        return;
    };
    if let Some(first) = ranges.nth(0) {
        from_zone(wanted, first, found);
    }
    if ranges.are_several() {
        from_zone(wanted, ranges, found);
    }
    if !wanted.sleep || !sys::may_change_pages() {
        return;
    }
    let mut patience = Patience::new();
    let mut number = 0;
    while let Some(range) = ranges.nth(number) {
        if found.missing() == 0 || patience.is_over() {
            return;
        }
        search(wanted, range, found, &mut patience);
        number += 1;
    }
}

/// Finds adjacent pages.
fn find_chunks(wanted: &PageRequest, found: &mut Found) {
    let size = match usize::try_from(wanted.skip) {
        Ok(0) => wanted.bytes,
        Ok(size) => size,
        Err(_) => return,
    };
    let bounds = Bounds::new(size, wanted.lowest, wanted.highest, wanted.skip);
    // One that does not suit ends the search below, so look only where all do.
    let bounds = bounds.and_then(|bounds| match wanted.sole_node() {
        Some(node) => bounds.on(node),
        None => Some(bounds),
    });
    let Some(bounds) = bounds else {
        return;
    };
    let effort = if wanted.sleep {
        Effort::Search
    } else {
        Effort::NoWait
    };
    let pages = size / PAGE_SIZE;
    while found.missing() >= pages {
        let Some(chunk) = contiguous::find(&bounds, size, effort) else {
            return;
        };
        if !chunk.first().is_some_and(|page| wanted.suits(page)) {
            return;
        }
        found.push_adjacent(chunk, wanted.zero);
    }
}

/// Finds pages and gives them their cache type.
fn find(wanted: &PageRequest, began: trace::Began) -> Option<Pages> {
    let may_change = sys::may_change_pages();
    if wanted.cache != CacheType::Cached && !may_change {
        return None;
    }
    if may_change && wanted.sleep {
        noncached::BACKLOG.shorten(wanted.bytes, noncached::give_back);
    }
    let all = wanted.bytes / PAGE_SIZE;
    let some = all.min(request::spare() / PAGE_SIZE);
    let in_full = wanted.all || (wanted.chunks && wanted.skip == 0);
    if some == 0 || (in_full && some != all) {
        return None;
    }
    let mut found = Found::with_room(some)?;
    if wanted.chunks {
        find_chunks(wanted, &mut found);
    } else {
        find_pages(wanted, &mut found);
    }
    let missing = found.missing();
    if missing == some || (in_full && missing != 0) {
        return None;
    }
    let pages = if wanted.cache == CacheType::Cached {
        Ok(found.pages.keep())
    } else {
        found.pages.set_cache(wanted.cache.as_raw())
    };
    match pages {
        Ok(pages) => Some(Pages {
            pages,
            cache: wanted.cache,
            began,
        }),
        Err(mut pages) => {
            noncached::restore(&mut pages, None, &FAMILY);
            None
        }
    }
}

/// Pages that were allocated and have no record yet.
pub(crate) struct Pages {
    pages: BlockPages,
    cache: CacheType,
    began: trace::Began,
}

impl Pages {
    /// Their frames.
    pub(crate) fn frames(&self) -> impl Iterator<Item = raw::PFN_NUMBER> + '_ {
        self.pages.list().iter().map(|&page| sys::frame_of(page))
    }

    /// Their number.
    pub(crate) fn count(&self) -> usize {
        self.pages.list().len()
    }

    /// Writes the record of the pages of an MDL, and counts them.
    pub(crate) fn insert(self, record: Reservation, mdl: usize, caller: usize) {
        let Some(base) = NonNull::new(key_of(mdl) as *mut u8) else {
            return;
        };
        let bytes = self.count().wrapping_mul(PAGE_SIZE);
        FAMILY.charge(bytes, bytes);
        traced(mdl, bytes).allocated(caller, self.began);
        let owner = Owner::MdlPages {
            cache: self.cache,
            pages: self.pages,
        };
        record.insert(base, bytes, bytes, caller, owner);
    }
}

/// The key of the record of an MDL's pages: no block and no mapping begins there.
pub(crate) fn key_of(mdl: usize) -> usize {
    mdl.wrapping_add(KEY)
}

/// The address of the MDL whose pages have this key.
pub(crate) fn owner_of(key: usize) -> usize {
    key.wrapping_sub(KEY)
}

/// Allocates pages, maybe fewer than wanted. Any context but NMI; sleeps where it may.
pub(crate) fn allocate(wanted: &PageRequest, caller: usize) -> Option<Pages> {
    let new = Allocation::new(&FAMILY, None, wanted.bytes, caller);
    new.allocate(
        |began| find(wanted, began),
        || wanted.sleep && noncached::BACKLOG.drain(noncached::give_back),
    )
}

/// What tracers are told of the pages of an MDL: as the pages have no address, the MDL's stands for
/// theirs.
fn traced(mdl: usize, bytes: usize) -> trace::Block {
    trace::Block::untagged(MemoryType::MdlPages, bytes, bytes, mdl)
}

/// Frees the pages of a record, at once or later. If they are mapped, that mapping is undone first.
/// Any context but NMI.
pub(crate) fn free(mut region: KBox<Region>, mapping: Option<Vmap>, caller: usize) {
    FAMILY.discharge(region.asked, region.used);
    traced(owner_of(region.addr()), region.asked).freed(caller);
    if let (Owner::MdlPages { pages, .. }, Some(mapping)) = (&mut region.owner, mapping) {
        pages.adopt(mapping);
    }
    noncached::BACKLOG.free(region, noncached::give_back);
}

/// Keeps the record of pages whose MDL is gone, under the address of their first page.
pub(crate) fn disown(mut region: KBox<Region>) {
    let first = match &region.owner {
        Owner::MdlPages { pages, .. } => {
            let first = pages.list().first();
            first.and_then(|&page| sys::address_of(page))
        }
        _ => None,
    };
    let base = first.and_then(|first| NonNull::new(first.as_ptr().wrapping_add(KEY)));
    if let Some(base) = base {
        region.base = base;
        REGIONS.insert(region);
    }
}
