// SPDX-License-Identifier: GPL-2.0

//! Maps registers of devices for the CPU, or maps once more memory that a driver already has.
//!
//! The record of a mapping has its physical address and its cache type, so that there is never a
//! second mapping of another type. Memory may be mapped only if it is within a contiguous block of
//! the same module: then it is the driver's own, and its cache type is known. Such a block cannot
//! be freed while it is mapped.
//!
//! WDK: "MmMapIoSpace", "MmMapIoSpaceEx", "MmUnmapIoSpace".

use crate::{
    families::{
        self,
        contiguous::bounds::PAGE,
        noncached, //
    },
    lib::{
        at_load::AtLoad,
        export::{
            export_symbol_gpl,
            matches_header, //
        },
        list::{
            linked_by_next,
            List,
            Next, //
        }, //
    },
    record::{
        self,
        block::Allocation,
        table::{
            Reservation,
            REGIONS, //
        },
        Owner, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    stats::family_totals::Family,
    sys::{
        self,
        page_align,
        Access,
        IoMapping,
        PAGE_SIZE, //
    },
    types::{
        cache_type::CacheType,
        memory_type::MemoryType,
        protection::Protection, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        SpinLockIrq, //
    }, //
};

/// The counters of this family. They count address space; no memory is taken.
pub(crate) static FAMILY: Family = Family::new(MemoryType::IoSpace);

/// How many mappings of memory there are; they are looked for when a block is freed.
static OF_MEMORY: Atomic<i64> = Atomic::new(0);

/// Where the page begins that a physical address is in.
fn page(physical: u64) -> u64 {
    physical & !(PAGE - 1)
}

/// Physical addresses.
#[derive(Clone, Copy)]
struct Range {
    first: u64,
    bytes: usize,
    /// Where the first byte's page begins, and the bytes of all pages.
    start: u64,
    used: usize,
}

impl Range {
    /// The pages of `bytes` bytes from `first` on; `None` if the CPU cannot address them.
    fn new(first: u64, bytes: usize) -> Option<Self> {
        let start = page(first);
        let offset = usize::try_from(first.wrapping_sub(start)).ok()?;
        let used = page_align(bytes.checked_add(offset)?)?;
        sys::io_exists(start, used).then_some(Self {
            first,
            bytes,
            start,
            used,
        })
    }

    /// Whether it has a byte in `used` bytes from `start` on.
    fn meets(&self, start: u64, used: usize) -> bool {
        // CAST: Lossless on the architectures supported.
        let (mine, others) = (self.used as u64, used as u64);
        start < self.start.saturating_add(mine) && self.start < start.saturating_add(others)
    }
}

/// The cache type of memory that is part of a contiguous block of the caller's module.
fn own_memory(range: &Range, caller: usize) -> Option<CacheType> {
    let client = record::client_of(caller);
    REGIONS.find_map(|region| match region.owner {
        Owner::Contiguous {
            cache, physical, ..
        } => {
            let offset = usize::try_from(range.start.checked_sub(physical)?).ok()?;
            let inside = offset.checked_add(range.used)? <= region.used;
            (inside && client.is_some() && region.site.client() == client).then_some(cache)
        }
        _ => None,
    })
}

/// The cache type of a mapping of any part of the range, if it is another than `cache`.
fn other_type(range: &Range, cache: CacheType) -> Option<CacheType> {
    REGIONS.find_map(|region| match region.owner {
        Owner::IoSpace {
            cache: own,
            physical,
            ..
        } if own != cache && range.meets(page(physical), region.used) => Some(own),
        _ => None,
    })
}

/// What a task is about to map. It has no record yet, so tasks that map at the same time know each
/// other by this. It is no lock, as the kernel waits for memory while it maps.
pub(crate) struct Claim {
    next: Next<Claim>,
    range: Range,
    cache: CacheType,
}

// SAFETY: Only the list uses the link, and it owns the next claim as it owns this one.
unsafe impl Send for Claim {}

linked_by_next!(Claim);

/// What tasks are about to map.
pub(crate) static CLAIMS: AtLoad<SpinLockIrq<List<Claim>>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(List::new(), "rust_pool::claims"),
        GFP_KERNEL,
    )
});

/// The address of a claim, which ends when this is dropped.
struct Claimed(usize);

/// Why there is no claim.
enum Unclaimed {
    /// Any part of the range has this type, or is about to.
    OtherType(CacheType),
    NoMemory,
}

impl Claimed {
    /// Claims a range for mappings of this type. Sleeps.
    fn new(range: Range, cache: CacheType) -> Result<Self, Unclaimed> {
        let next = Next::none();
        let claim = KBox::new(Claim { next, range, cache }, GFP_KERNEL);
        let claim = claim.map_err(|_| Unclaimed::NoMemory)?;
        let claimed = {
            let mut claims = CLAIMS.lock();
            let other = claims.iter().find(|other| {
                other.cache != cache && range.meets(other.range.start, other.range.used)
            });
            if let Some(other) = other {
                return Err(Unclaimed::OtherType(other.cache));
            }
            Self(core::ptr::from_ref(claims.push(claim)) as usize)
        };
        // Whoever had a claim before has a record by now.
        other_type(&range, cache).map_or(Ok(claimed), |own| Err(Unclaimed::OtherType(own)))
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let claim = CLAIMS
            .lock()
            .unlink(|claim| core::ptr::from_ref(claim) as usize == self.0);
        drop(claim);
    }
}

/// If a mapping here has memory of the contiguous block at `base`, reports the block's free and
/// returns `true`: the caller must not carry it out. Any context but NMI.
pub(super) fn refuses_block(base: usize, caller: usize) -> bool {
    let refused = has_memory_of(base);
    if refused {
        rule::CONTIGUOUS_FREED_MAPPED
            .by(caller, [Parameter::Address(base)])
            .report();
    }
    refused
}

/// Whether a mapping here has memory of the contiguous block at `base`. Any context but NMI.
fn has_memory_of(base: usize) -> bool {
    if OF_MEMORY.load(Relaxed) == 0 {
        return false;
    }
    let block = {
        let bucket = REGIONS.bucket(base).lock();
        bucket.find(base).and_then(|region| match region.owner {
            Owner::Contiguous { physical, .. } => Some(Range {
                first: physical,
                bytes: region.asked,
                start: physical,
                used: region.used,
            }),
            _ => None,
        })
    };
    block.is_some_and(|block| {
        let mapped = REGIONS.find_map(|region| match region.owner {
            Owner::IoSpace { physical, .. } if block.meets(page(physical), region.used) => Some(()),
            _ => None,
        });
        mapped.is_some()
    })
}

/// Maps physical addresses, or reports why not and returns `None`. Any context; only a task that
/// may sleep gets a mapping.
fn map(physical: u64, bytes: usize, wanted: Protection, caller: usize) -> Option<NonNull<u8>> {
    let Protection { cache, access } = wanted;
    let new = Allocation::new(&FAMILY, None, bytes, caller);
    new.check(
        !sys::irql().is_above_dispatch(),
        || rule::CONTIGUOUS_ZERO_BYTES.by(caller, [cache.into()]),
        || rule::IO_SPACE_REQUESTED.by(caller, [cache.into(), bytes.into()]),
    )?;
    let range = Range::new(physical, bytes).filter(|_| sys::may_change_pages());
    new.allocate(|_| map_range(range?, cache, access, caller), || false)
}

/// Has all mappings undone that have no record any more. While one exists, the kernel gives its
/// cache type to any new mapping of the same registers. Sleeps.
fn finish_ending() {
    // This task undoes what it can, instead of waiting for the work item: what the work item does
    // first may wait for a lock that the caller holds.
    while IoMapping::any_ending() {
        noncached::BACKLOG.drain(noncached::give_back);
        IoMapping::wait_for_ending(|| noncached::BACKLOG.has_waiting());
    }
}

/// Maps physical addresses. Sleeps.
fn map_range(range: Range, cache: CacheType, access: Access, caller: usize) -> Option<NonNull<u8>> {
    let memory = sys::io_is_memory(range.first, range.bytes);
    if memory && own_memory(&range, caller) != Some(cache) {
        rule::IO_SPACE_OF_MEMORY
            .by(
                caller,
                [range.first.into(), range.bytes.into(), cache.into()],
            )
            .report();
        return None;
    }
    // Until there is a record of the mapping.
    let _claimed = match Claimed::new(range, cache) {
        Ok(claimed) => claimed,
        Err(Unclaimed::OtherType(own)) => {
            rule::IO_SPACE_OF_ANOTHER_TYPE
                .by(caller, [range.first.into(), range.bytes.into(), own.into()])
                .report();
            return None;
        }
        Err(Unclaimed::NoMemory) => return None,
    };
    noncached::BACKLOG.shorten(range.used, noncached::give_back);
    let record = Reservation::new()?;
    let write = access == Access::Write;
    let mapping = if memory {
        OF_MEMORY.add(1, Relaxed);
        // SAFETY: It is memory of a live block with this cache type, of a module that does not free
        // it before this returns. While the record below is there, `contiguous::free()` does not.
        // The memory is unmapped when `unmap()` returns, even if the rest is deferred, and the
        // module does not free it before.
        let mapping =
            unsafe { IoMapping::of_memory(range.start, range.used, cache.as_raw(), write) };
        if mapping.is_none() {
            OF_MEMORY.add(-1, Relaxed);
        }
        mapping
    } else {
        finish_ending();
        IoMapping::of_device(range.start, range.used, cache.as_raw(), write)
    }?;
    let base = mapping.base();
    FAMILY.charge(range.bytes, range.used);
    let owner = Owner::IoSpace {
        cache,
        physical: range.first,
        access,
        mapping,
    };
    record.insert(base, range.bytes, range.used, caller, owner);
    // CAST: Less than a page.
    let offset = range.first.wrapping_sub(range.start) as usize;
    // The first byte is in the first page that is mapped.
    NonNull::new(base.as_ptr().wrapping_add(offset))
}

/// Undoes a mapping. Any context, any address.
fn unmap(at: usize, bytes: usize, caller: usize) {
    let own = Parameter::Address(at);
    let irql = sys::irql();
    if irql.is_above_dispatch() {
        rule::IO_SPACE_FREED.by(caller, [own]).report();
    }
    if irql.is_nmi() {
        return;
    }
    let offset = at & (PAGE_SIZE - 1);
    let taken = REGIONS.take_or_report(
        MemoryType::IoSpace,
        at - offset,
        |region| match region.owner {
            // CAST: Less than a page.
            Owner::IoSpace {
                physical,
                ref mapping,
                ..
            } if region.asked == bytes
                && physical.wrapping_sub(page(physical)) == offset as u64 =>
            {
                // Who finds no record waits until it is undone.
                mapping.end();
                true
            }
            _ => false,
        },
        |facts| rule::IO_SPACE_MISFIT.by(caller, [own, facts.known.bytes.into(), bytes.into()]),
        || rule::NOT_IO_SPACE.by(caller, [own, bytes.into()]),
    );
    let Some(region) = taken else {
        return;
    };
    FAMILY.discharge(region.asked, region.used);
    if matches!(&region.owner, Owner::IoSpace { mapping, .. } if mapping.is_memory()) {
        OF_MEMORY.add(-1, Relaxed);
    }
    noncached::unmap(region);
    // Wake those that wait in `finish_ending()`: if it was deferred, they can undo it.
    sys::wake();
}

/// `MmMapIoSpace`.
#[no_mangle]
extern "C" fn rust_pool_io_map(
    physical: u64,
    bytes: usize,
    cache: i32,
    caller: usize,
) -> *mut c_void {
    let Some(cache) = families::cache_type(cache, bytes, caller) else {
        return sys::NULL;
    };
    let wanted = Protection {
        cache,
        access: Access::Write,
    };
    map(physical, bytes, wanted, caller).map_or(sys::NULL, |base| base.as_ptr().cast())
}
matches_header!(safe rust_pool_io_map(_, _, _, _));
export_symbol_gpl!(rust_pool_io_map);

/// `MmMapIoSpaceEx`.
#[no_mangle]
extern "C" fn rust_pool_io_map_protected(
    physical: u64,
    bytes: usize,
    protection: u32,
    caller: usize,
) -> *mut c_void {
    let Some(wanted) = Protection::from_raw(protection) else {
        rule::IO_SPACE_BADLY
            .by(caller, [physical.into(), bytes.into(), protection.into()])
            .report();
        return sys::NULL;
    };
    map(physical, bytes, wanted, caller).map_or(sys::NULL, |base| base.as_ptr().cast())
}
matches_header!(safe rust_pool_io_map_protected(_, _, _, _));
export_symbol_gpl!(rust_pool_io_map_protected);

/// `MmUnmapIoSpace`.
#[no_mangle]
extern "C" fn rust_pool_io_unmap(base: *mut c_void, bytes: usize, caller: usize) {
    unmap(base as usize, bytes, caller);
}
matches_header!(safe rust_pool_io_unmap(_, _, _));
export_symbol_gpl!(rust_pool_io_unmap);
