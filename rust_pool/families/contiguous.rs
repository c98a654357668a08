// SPDX-License-Identifier: GPL-2.0

//! Physically contiguous memory with address bounds and a cache type.
//!
//! WDK: "MmAllocateContiguousMemorySpecifyCache", "MmAllocateContiguousNodeMemory",
//! "MmAllocateContiguousMemoryEx", "MmFreeContiguousMemory", "MmFreeContiguousMemorySpecifyCache".

pub(crate) mod bounds;
pub(crate) mod patience;

use crate::{
    families::{
        self,
        contiguous::{
            bounds::{
                Bounds,
                PAGE, //
            },
            patience::Patience, //
        },
        io_space, //
    },
    lib::{
        argument::Output,
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
        raw,
        Access,
        Contig,
        Finished,
        Node,
        OwnPages,
        PageList,
        PAGE_SIZE, //
    },
    trace::Began,
    types::{
        cache_type::CacheType,
        memory_type::MemoryType,
        protection::Protection,
        status::Status,
        tag::Tag, //
    }, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::prelude::*;

/// The counters of this family.
pub(crate) static FAMILY: Family = Family::new(MemoryType::Contiguous);

/// Blocks whose free was deferred.
pub(crate) static BACKLOG: AtLoad<Backlog> =
    AtLoad::new(|| KBox::pin_init(Backlog::new(), GFP_KERNEL));

/// The most page frames that a search skips after a place that could not be emptied.
pub(super) const STRIDE: u64 = 512;

/// Returns a block of the page allocator if it is within the bounds, and frees it otherwise.
fn keep(bounds: &Bounds, pages: OwnPages) -> Option<OwnPages> {
    let physical = sys::physical(pages.addr())?;
    bounds.fits(physical / PAGE).then_some(pages)
}

/// Allocates from the page allocator, which knows no bounds except those of its zones.
fn from_zone(bounds: &Bounds, used: usize, zone: sys::Gfp, sleep: bool) -> Option<OwnPages> {
    if used > sys::PAGES_MAX {
        return None;
    }
    let request = Request {
        bytes: used,
        zero: false,
        sleep,
    };
    let pages = request.attempt(|gfp| {
        if bounds.node == Node::ANY {
            OwnPages::exact(used, gfp | zone)
        } else {
            OwnPages::on(used, gfp | zone, bounds.node)
        }
    })?;
    keep(bounds, pages)
}

/// Searches for page frames that the kernel can migrate, from the highest address down. Sleeps.
///
/// The kernel isolates whole pageblocks, usually of 2 MiB. It fails if a pageblock contains
/// something that cannot be moved, such as an earlier block of this family.
fn search(bounds: &Bounds, used: usize) -> Option<OwnPages> {
    if !request::affordable(used) {
        return None;
    }
    let pages = used / PAGE_SIZE;
    // CAST: Lossless on the architectures supported.
    let count = pages as u64;
    let mut patience = Patience::new();
    let mut at = bounds.last;
    loop {
        let pfn = bounds.below(at);
        if pfn < bounds.first {
            return None;
        }
        at = match OwnPages::at_frame(pfn, pages, bounds.node) {
            Ok(pages) => return Some(pages),
            // Try again with a block that ends below the obstacle.
            Err(Contig::Obstacle(obstacle)) => {
                patience.looked();
                obstacle.checked_sub(count)?
            }
            Err(Contig::Busy) => {
                patience.emptied();
                pfn.checked_sub(count.min(STRIDE))?
            }
        };
        if patience.is_over() {
            return None;
        }
    }
}

/// Returns the zone for frames up to `last`. Pages of a zone that ends there or below always fit.
/// Pages of a larger zone fit by chance.
pub(super) fn zone_up_to(last: u64) -> sys::Gfp {
    if last < (16 << 20) / PAGE {
        raw::RUST_POOL_GFP_DMA
    } else if last < (4 << 30) / PAGE {
        raw::RUST_POOL_GFP_DMA32
    } else {
        0
    }
}

/// How hard to look for pages, as far as the context allows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effort {
    /// Do not sleep.
    NoWait,
    /// Let the page allocator sleep.
    Fast,
    /// Empty page frames as well.
    Search,
}

/// Adjacent pages within the bounds.
pub(super) fn find(bounds: &Bounds, used: usize, effort: Effort) -> Option<OwnPages> {
    let sleep = effort != Effort::NoWait;
    from_zone(bounds, used, zone_up_to(bounds.last), sleep)
        .or_else(|| {
            (effort == Effort::Search && sys::may_change_pages())
                .then(|| search(bounds, used))
                .flatten()
        })
        .or_else(|| from_zone(bounds, used, raw::RUST_POOL_GFP_DMA, sleep))
}

/// What a client asks for, with arguments that are valid.
struct Asked {
    bytes: usize,
    lowest: u64,
    highest: u64,
    boundary: u64,
    cache: CacheType,
    /// `None` if no node has the number that the client passed.
    node: Option<Node>,
    /// Whether memory of another node will do, too.
    any: bool,
    effort: Effort,
    tag: Option<Tag>,
}

impl Asked {
    /// The nodes to try, in this order, each with how hard to try.
    fn places(&self) -> [Option<(Node, Effort)>; 2] {
        match self.node {
            // Free memory of any node is better than emptying page frames of this one.
            Some(node) if self.any && node != Node::ANY => [
                Some((node, self.effort.min(Effort::Fast))),
                Some((Node::ANY, self.effort)),
            ],
            None if self.any => [Some((Node::ANY, self.effort)), None],
            node => [node.map(|node| (node, self.effort)), None],
        }
    }
}

/// Allocates memory, or reports why not and returns `None`. Any context.
fn allocate(asked: &Asked, caller: usize) -> Option<NonNull<u8>> {
    let Asked {
        bytes, cache, tag, ..
    } = *asked;
    let new = Allocation::new(&FAMILY, tag, bytes, caller);
    let irql = sys::irql();
    new.check(
        !irql.is_nmi() && (cache == CacheType::Cached || irql.may_sleep()),
        || rule::CONTIGUOUS_ZERO_BYTES.by(caller, [cache.into()]),
        || rule::CONTIGUOUS_REQUESTED.by(caller, [cache.into(), bytes.into()]),
    )?;
    let bounds = Bounds::new(bytes, asked.lowest, asked.highest, asked.boundary)
        .filter(|_| cache == CacheType::Cached || sys::may_change_pages());
    new.allocate(
        |began| allocate_within(&bounds?, asked, &new, began),
        || bounds.is_some() && BACKLOG.drain(give_back),
    )
}

/// Allocates memory within the bounds, and its record.
fn allocate_within(
    bounds: &Bounds,
    asked: &Asked,
    new: &Allocation,
    began: Began,
) -> Option<NonNull<u8>> {
    let Asked { cache, tag, .. } = *asked;
    let used = page_align(new.bytes)?;
    if sys::may_change_pages() {
        BACKLOG.shorten(used, give_back);
    }
    let record = Reservation::new()?;
    let mut places = asked.places().into_iter().flatten();
    let mut pages = places.find_map(|(node, effort)| find(&bounds.on(node)?, used, effort))?;
    if cache != CacheType::Cached && pages.set_cache(cache.as_raw()).is_err() {
        restore(pages, None);
        return None;
    }
    let base = pages.base();
    let physical = sys::physical(base.as_ptr() as usize).unwrap_or(0);
    let owner = Owner::Contiguous {
        cache,
        physical,
        tag,
        pages: ManuallyDrop::new(Some(pages)),
    };
    new.insert(record, base, used, began, owner);
    Some(base)
}

/// Makes pages write-back again and frees them. If that cannot be done, they are lost. Sleeps.
fn restore(pages: OwnPages, finished: Option<&Finished>) {
    if let Err(bytes) = pages.restore(finished) {
        FAMILY.lose("contiguous memory", bytes);
    }
}

/// The pages of a block.
fn pages_in(region: &mut Region) -> Option<&mut Option<OwnPages>> {
    match &mut region.owner {
        Owner::Contiguous { pages, .. } => Some(pages),
        _ => None,
    }
}

/// Frees the memory of a batch of blocks that are not cached. If there is memory to list their
/// pages, one call makes all of them write-back. Sleeps.
pub(crate) fn give_back(mut batch: Batch) {
    let mut list = (batch.blocks > 1)
        .then(|| PageList::with_room(batch.pages))
        .flatten();
    let mut listed = List::new();
    while let Some(mut region) = batch.regions.pop() {
        let pages = pages_in(&mut region).and_then(Option::as_mut);
        if let (Some(list), Some(pages)) = (&mut list, pages) {
            list.add_own(pages);
        }
        listed.push(region);
    }
    let finished = list.map(PageList::finish);
    while let Some(mut region) = listed.pop() {
        if let Some(pages) = pages_in(&mut region).and_then(Option::take) {
            restore(pages, finished.as_ref());
        }
    }
}

/// Frees the block at `base`, if its size and its cache type are those that are given, if any. Any
/// context, any address.
pub(crate) fn free(base: usize, bytes: Option<usize>, cache: Option<i32>, caller: usize) {
    let own = Parameter::Address(base);
    let forbidden = || rule::CONTIGUOUS_FREED.by(caller, [own]);
    let taken = Free::new(&FAMILY, base, caller).take(
        forbidden,
        || io_space::refuses_block(base, caller),
        |region| match region.owner {
            Owner::Contiguous { cache: own, .. } => {
                bytes.is_none_or(|bytes| bytes == region.asked)
                    && cache.is_none_or(|cache| cache == own.as_raw())
            }
            _ => false,
        },
        |facts| {
            let given = bytes.unwrap_or(facts.known.bytes);
            rule::CONTIGUOUS_MISFIT.by(caller, [own, facts.known.bytes.into(), given.into()])
        },
        || rule::NOT_CONTIGUOUS.by(caller, [own]),
    );
    let Some(mut region) = taken else {
        return;
    };
    if sys::in_hardirq() {
        forbidden().report();
    }
    let cached = matches!(
        region.owner,
        Owner::Contiguous {
            cache: CacheType::Cached,
            ..
        }
    );
    if cached {
        drop(pages_in(&mut region).and_then(Option::take));
    } else {
        BACKLOG.free(region, give_back);
    }
}

/// `MmAllocateContiguousMemory` and `MmAllocateContiguousMemorySpecifyCache`.
#[no_mangle]
extern "C" fn rust_pool_contiguous_allocate(
    bytes: usize,
    lowest: u64,
    highest: u64,
    boundary: u64,
    cache: i32,
    caller: usize,
) -> *mut c_void {
    let Some(cache) = families::cache_type(cache, bytes, caller) else {
        return sys::NULL;
    };
    let asked = Asked {
        bytes,
        lowest,
        highest,
        boundary,
        cache,
        node: Some(Node::ANY),
        any: true,
        effort: Effort::Search,
        tag: None,
    };
    allocate(&asked, caller).map_or(sys::NULL, |base| base.as_ptr().cast())
}
matches_header!(safe rust_pool_contiguous_allocate(_, _, _, _, _, _));
export_symbol_gpl!(rust_pool_contiguous_allocate);

/// What the routines with a NUMA node ask for: all memory has to be of that node.
fn asked_of(wanted: &raw::rust_pool_contiguous_wanted, cache: CacheType) -> Asked {
    Asked {
        bytes: wanted.bytes,
        lowest: wanted.lowest,
        highest: wanted.highest,
        boundary: wanted.boundary,
        cache,
        node: Node::named(wanted.node),
        any: false,
        effort: Effort::Search,
        tag: None,
    }
}

/// The cache type of a protection, if it is one that contiguous memory may have.
fn cache_of(protection: u32) -> Option<CacheType> {
    Protection::from_raw(protection)
        .filter(|protection| protection.access == Access::Write)
        .map(|protection| protection.cache)
}

/// Reports a bad protection, flag, tag, partition or NULL pointer.
fn refuse(protection: u32, flags: u32, tag: u32, caller: usize) {
    rule::CONTIGUOUS_BADLY
        .by(caller, [protection.into(), flags.into(), tag.into()])
        .report();
}

/// Allocates memory for `MmAllocateContiguousMemoryEx`, and returns its size, too. Any context.
fn extended(
    wanted: &raw::rust_pool_contiguous_wanted,
    partition: *const c_void,
    tag: u32,
    flags: u32,
    bytes: usize,
    caller: usize,
) -> Result<(NonNull<u8>, usize), Status> {
    let known = Tag::from_raw(tag);
    let cache = cache_of(wanted.protect);
    let effort = match flags {
        0 => Some(Effort::Search),
        raw::MM_ALLOCATE_CONTIGUOUS_MEMORY_FAST_ONLY => Some(Effort::Fast),
        _ => None,
    };
    let (Some(cache), Some(effort), Ok(()), true) =
        (cache, effort, known.check(), partition.is_null())
    else {
        refuse(wanted.protect, flags, tag, caller);
        return Err(if cache.is_none() {
            Status::InvalidProtection
        } else {
            Status::InvalidParameter
        });
    };
    // Whole pages, all of which are the caller's.
    let Some(bytes) = page_align(bytes) else {
        FAMILY.fail();
        return Err(Status::InsufficientResources);
    };
    let asked = Asked {
        bytes,
        any: true,
        effort,
        tag: Some(known),
        ..asked_of(wanted, cache)
    };
    match allocate(&asked, caller) {
        Some(base) => Ok((base, bytes)),
        None if bytes == 0 => Err(Status::InvalidParameter),
        None => Err(Status::InsufficientResources),
    }
}

/// `MmAllocateContiguousMemorySpecifyCacheNode`.
///
/// # Safety
///
/// `wanted` may be read during the call.
#[no_mangle]
unsafe extern "C" fn rust_pool_contiguous_of_type(
    wanted: &raw::rust_pool_contiguous_wanted,
    caller: usize,
) -> *mut c_void {
    let Some(cache) = families::cache_type(wanted.type_, wanted.bytes, caller) else {
        return sys::NULL;
    };
    allocate(&asked_of(wanted, cache), caller).map_or(sys::NULL, |base| base.as_ptr().cast())
}
matches_header!(rust_pool_contiguous_of_type(_, _));
export_symbol_gpl!(rust_pool_contiguous_of_type);

/// `MmAllocateContiguousNodeMemory`.
///
/// # Safety
///
/// `wanted` may be read during the call.
#[no_mangle]
unsafe extern "C" fn rust_pool_contiguous_protected(
    wanted: &raw::rust_pool_contiguous_wanted,
    caller: usize,
) -> *mut c_void {
    let Some(cache) = cache_of(wanted.protect) else {
        refuse(wanted.protect, 0, 0, caller);
        return sys::NULL;
    };
    allocate(&asked_of(wanted, cache), caller).map_or(sys::NULL, |base| base.as_ptr().cast())
}
matches_header!(rust_pool_contiguous_protected(_, _));
export_symbol_gpl!(rust_pool_contiguous_protected);

/// `MmAllocateContiguousMemoryEx`.
///
/// # Safety
///
/// `wanted` may be read during the call. `bytes` is null, or may be read and written, and nobody
/// else uses it meanwhile. `base` keeps to what [`Output`] says.
#[no_mangle]
unsafe extern "C" fn rust_pool_contiguous_extended(
    wanted: &raw::rust_pool_contiguous_wanted,
    partition: *const c_void,
    tag: u32,
    flags: u32,
    bytes: Option<&mut usize>,
    base: Output<'_, *mut c_void>,
    caller: usize,
) -> i32 {
    let status = match bytes {
        Some(bytes) if !base.is_null() => {
            match extended(wanted, partition, tag, flags, *bytes, caller) {
                Ok((at, used)) => {
                    base.write(at.as_ptr().cast());
                    *bytes = used;
                    Status::Success
                }
                Err(status) => {
                    base.write(sys::NULL);
                    status
                }
            }
        }
        _ => {
            refuse(wanted.protect, flags, tag, caller);
            Status::InvalidParameter
        }
    };
    status.as_raw()
}
matches_header!(rust_pool_contiguous_extended(_, _, _, _, _, _, _));
export_symbol_gpl!(rust_pool_contiguous_extended);

/// `MmFreeContiguousMemory` and `MmFreeContiguousMemorySpecifyCache`.
///
/// # Safety
///
/// `bytes` and `cache` are null, or may be read during the call.
#[no_mangle]
unsafe extern "C" fn rust_pool_contiguous_free(
    base: *mut c_void,
    bytes: Option<&usize>,
    cache: Option<&i32>,
    caller: usize,
) {
    free(base as usize, bytes.copied(), cache.copied(), caller);
}
matches_header!(rust_pool_contiguous_free(_, _, _, _));
export_symbol_gpl!(rust_pool_contiguous_free);
