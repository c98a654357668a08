// SPDX-License-Identifier: GPL-2.0

//! Maps the pages of an MDL in address space that was reserved before, which needs no memory.
//!
//! The area has a record in the table of regions, which says what is mapped there. A routine has to
//! be given the area's tag, except for its lowest bit, which Windows ignores.
//!
//! WDK: "MmAllocateMappingAddress", "MmMapLockedPagesWithReservedMapping",
//! "MmUnmapReservedMapping", "MmFreeMappingAddress".

use crate::{
    families::noncached,
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    mdl::{
        flag,
        flags_of,
        map,
        pages_of,
        set_flags,
        Mdl, //
    },
    record::{
        table::{
            Reservation,
            Taken,
            REGIONS, //
        },
        Owner,
        Region,
        Shown, //
    },
    report::{
        rule,
        violation::{
            Parameter,
            Violation, //
        }, //
    },
    sys::{
        self,
        page_align,
        raw,
        Reserved,
        PAGE_SIZE, //
    },
    types::{
        memory_type::MemoryType,
        tag::Tag, //
    },
    verifier::hooks, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The most bytes that are reserved at once. No MDL has more pages.
const MOST: usize = 4 << 30;
const KERNEL_MODE: i8 = raw::_MODE_KernelMode as i8;

/// Where the page begins that an address is in.
fn page(addr: usize) -> usize {
    addr & !(PAGE_SIZE - 1)
}

/// What the address of a mapping is rounded down to, as since Windows 8.
const ALIGNMENT: usize = 16;

/// Whether a tag is the one that an area was reserved with.
fn is_same(tag: Tag, given: u32) -> bool {
    (tag.as_raw() ^ given) & !1 == 0
}

/// An area, found by any address in its first page.
struct Area<'a> {
    tag: Tag,
    area: &'a Arc<Reserved>,
    shown: &'a mut Option<Shown>,
}

/// Calls `visit` with the area that begins in the page of an address, with its record locked. Any
/// context but NMI.
fn with<T>(addr: usize, visit: impl FnOnce(Area<'_>) -> T) -> Option<T> {
    let base = page(addr);
    let mut bucket = REGIONS.bucket(base).lock();
    match &mut bucket.find_mut(base)?.owner {
        Owner::Reserved { tag, area, shown } => Some(visit(Area {
            tag: *tag,
            area,
            shown,
        })),
        _ => None,
    }
}

/// Reserves address space, or reports why not and returns `None`. Any context.
fn allocate(bytes: usize, tag: u32, caller: usize) -> Option<NonNull<u8>> {
    if bytes == 0 {
        let given = [tag.into(), Parameter::Address(caller)];
        rule::MAPPING_ADDRESS_OF_NOTHING.by(caller, given).report();
        return None;
    }
    let tag = Tag::from_raw(tag);
    if tag.as_raw() == 0 {
        let given = [0u32.into(), bytes.into(), Parameter::Address(caller)];
        rule::TAG_ZERO.by(caller, given).report();
        return None;
    }
    if !sys::irql().may_sleep() {
        rule::MAPPING_ADDRESS_REQUESTED
            .by(caller, [bytes.into(), tag.into()])
            .report();
        return None;
    }
    let used = page_align(bytes).filter(|&used| used <= MOST)?;
    // To reserve address space takes a lock of the kernel, whose holder may wait for memory.
    if sys::in_reclaim() || hooks::refuse(MemoryType::Reserved, Some(tag), bytes, caller) {
        return None;
    }
    let record = Reservation::new()?;
    let area = Arc::new(Reserved::new(used / PAGE_SIZE)?, GFP_KERNEL).ok()?;
    let base = area.base();
    let owner = Owner::Reserved {
        tag,
        area,
        shown: None,
    };
    // It takes no memory.
    record.insert(base, bytes, 0, caller, owner);
    Some(base)
}

/// Gives address space back. Any context, any address.
fn free(addr: usize, given: u32, caller: usize) {
    let irql = sys::irql();
    let at = Parameter::Address(addr);
    if irql.is_nmi() {
        rule::MAPPING_ADDRESS_FREED.by(caller, [at]).report();
        return;
    }
    let misuse = |region: &Region| match &region.owner {
        Owner::Reserved { tag, .. } if !is_same(*tag, given) => {
            Err(rule::ANOTHERS_MAPPING_ADDRESS_FREED.by(caller, [at, given.into(), (*tag).into()]))
        }
        Owner::Reserved {
            shown: Some(_),
            area,
            ..
        } => {
            Err(rule::MAPPING_ADDRESS_FREED_MAPPED
                .by(caller, [at, given.into(), area.count().into()]))
        }
        Owner::Reserved { .. } => Ok(()),
        _ => Err(rule::NO_MAPPING_ADDRESS_FREED.by(caller, [at, given.into()])),
    };
    let region = match REGIONS.take(page(addr), misuse) {
        Taken::Region(region) => region,
        Taken::Refused(violation) => return violation.report(),
        Taken::Recent | Taken::Missing => {
            let given = [at, given.into()];
            return rule::NO_MAPPING_ADDRESS_FREED.by(caller, given).report();
        }
    };
    if !irql.may_sleep() {
        rule::MAPPING_ADDRESS_FREED.by(caller, [at]).report();
    }
    noncached::unmap(region);
}

/// An area that this call has for itself: its record says that it is busy, so nobody else maps or
/// unmaps pages there, and nobody takes the record. The record is not locked.
///
/// # Invariants
///
/// The record of `area` has a [`Shown`] that is busy, and only this value ends that.
struct Claim {
    area: Arc<Reserved>,
    shown: Shown,
}

impl Claim {
    /// An area for an MDL to be mapped in. The record is locked, and nothing is mapped there.
    fn to_map(it: Area<'_>, mdl: Mdl<'_>) -> Self {
        let shown = Shown {
            mdl: mdl.addr(),
            pages: 0,
            busy: true,
        };
        *it.shown = Some(shown);
        // INVARIANT: The record is locked, and nobody had the area.
        Self {
            area: it.area.clone(),
            shown,
        }
    }

    /// An area in which an MDL is mapped, unless somebody has the area. The record is locked.
    fn to_unmap(it: Area<'_>, mapped: impl FnOnce(&Shown) -> bool) -> Option<Self> {
        let shown = it.shown.as_mut().filter(|it| !it.busy && mapped(it))?;
        shown.busy = true;
        // INVARIANT: The record is locked, and nobody had the area.
        Some(Self {
            area: it.area.clone(),
            shown: *shown,
        })
    }

    /// Says what is mapped there now. Any context but NMI.
    fn end(self, shown: Option<Shown>) {
        let base = self.area.base().as_ptr() as usize;
        // The last reference to an area may be dropped only where this may sleep. As long as the
        // area is busy, its record has one.
        drop(self.area);
        with(base, |it| *it.shown = shown);
    }

    /// Unmaps what is mapped there. Where this may sleep, waits until all CPUs have flushed their
    /// TLBs. Any context but NMI.
    fn unmap(self) {
        self.area.hide();
        if sys::irql().may_sleep() {
            self.area.settle();
        }
        self.end(None);
    }
}

/// Maps the pages of an MDL in an area, with this cache type or that of the pages. Any context;
/// waits for other CPUs where it may sleep.
fn map(
    mdl: Mdl<'_>,
    addr: usize,
    given: u32,
    cache: Option<i32>,
    caller: usize,
) -> Option<NonNull<u8>> {
    if sys::irql().is_nmi() {
        map::look(mdl, KERNEL_MODE, cache, caller, |_| true)?;
    }
    let at = Parameter::Address(addr);
    let claimed: Result<Claim, Violation> = with(addr, |it| {
        if !is_same(it.tag, given) {
            let given = [at, given.into(), it.tag.into()];
            return Err(rule::MAPPED_AT_ANOTHERS_ADDRESS.by(caller, given));
        }
        if it.shown.is_some() {
            let last = it.area.base().as_ptr() as usize;
            let last = last.saturating_add(it.area.bytes()) - PAGE_SIZE;
            let given = [at, Parameter::Address(page(addr)), Parameter::Address(last)];
            return Err(rule::MAPPED_AT_ADDRESS_IN_USE.by(caller, given));
        }
        Ok(Claim::to_map(it, mdl))
    })
    .unwrap_or_else(|| Err(rule::MAPPED_AT_NO_ADDRESS.by(caller, [at, given.into()])));
    let claim = match claimed {
        Ok(claim) => claim,
        Err(violation) => {
            violation.report();
            return None;
        }
    };
    let Some(mut it) = show(&claim, mdl, cache, caller) else {
        claim.end(None);
        return None;
    };
    let shown = Shown {
        pages: it.frames.count(),
        busy: false,
        ..claim.shown
    };
    claim.end(Some(shown));
    let flags = it.flags();
    // As on Windows, this address does not include the buffer's offset in its page. The address
    // that is returned does.
    let addr = addr & !(ALIGNMENT - 1);
    it.head.MappedSystemVa = addr as *mut c_void;
    set_flags(&mut it.head, flags);
    mdl.set_head(it.head);
    // CAST: `usize` is 64 bits wide on the architectures supported.
    NonNull::new(addr.wrapping_add(it.head.ByteOffset as usize) as *mut u8)
}

/// Checks whether an MDL may be mapped, reports why not, and maps its pages in an area.
fn show<'call>(
    claim: &Claim,
    mdl: Mdl<'call>,
    cache: Option<i32>,
    caller: usize,
) -> Option<map::Mappable<'call>> {
    let it = map::look(mdl, KERNEL_MODE, cache, caller, |_| false)?;
    let area = &claim.area;
    if it.frames.count() > area.count() {
        return None;
    }
    if sys::irql().may_sleep() {
        area.settle();
    } else if !area.settles() {
        return None;
    }
    area.show(&it.frames, true).then_some(it)
}

/// Marks an MDL as not mapped.
fn clear(mdl: Mdl<'_>) {
    let mut head = mdl.head();
    let flags = flags_of(&head) & !(flag::MAPPED | flag::PARTIAL_MAPPED);
    head.MappedSystemVa = null_mut();
    set_flags(&mut head, flags);
    mdl.set_head(head);
}

/// Undoes the mapping of an MDL if it is one in an area; says whether it was. Any context but NMI.
pub(crate) fn end(mdl: Mdl<'_>) -> bool {
    let claimed = with(mdl.head().MappedSystemVa as usize, |it| {
        Claim::to_unmap(it, |shown| shown.mdl == mdl.addr())
    });
    let Some(claim) = claimed.flatten() else {
        return false;
    };
    claim.unmap();
    clear(mdl);
    true
}

/// Undoes the mapping of an MDL in an area. Any context, any address.
fn unmap(mdl: Mdl<'_>, addr: usize, given: u32, caller: usize) {
    let irql = sys::irql();
    let at = Parameter::Address(addr);
    if irql.is_above_dispatch() {
        rule::MDL_UNMAPPED.by(caller, [at, mdl.into()]).report();
    }
    if irql.is_nmi() {
        return;
    }
    let pages = pages_of(&mdl.head()).unwrap_or(0);
    let claimed = with(addr, |it| {
        if !is_same(it.tag, given) {
            let given = [at, given.into(), it.tag.into()];
            return Err(rule::UNMAPPED_AT_ANOTHERS_ADDRESS.by(caller, given));
        }
        let nothing = || rule::UNMAPPED_WHAT_IS_NOT.by(caller, [at, given.into(), pages.into()]);
        let shown = it.shown.filter(|shown| !shown.busy).ok_or_else(nothing)?;
        if pages > shown.pages {
            let given = [at, shown.pages.into(), pages.into()];
            return Err(rule::UNMAPPED_MORE_THAN_IS.by(caller, given));
        }
        if pages < shown.pages {
            let given = [at, given.into(), pages.into()];
            return Err(rule::UNMAPPED_LESS_THAN_IS.by(caller, given));
        }
        if shown.mdl != mdl.addr() {
            let given = [mdl.into(), at, pages.into()];
            return Err(rule::NOT_MAPPED.by(caller, given));
        }
        Claim::to_unmap(it, |_| true).ok_or_else(nothing)
    })
    .unwrap_or_else(|| Err(rule::UNMAPPED_AT_NO_ADDRESS.by(caller, [at, given.into()])));
    match claimed {
        Ok(claim) => {
            claim.unmap();
            clear(mdl);
        }
        Err(violation) => violation.report(),
    }
}

/// `MmAllocateMappingAddress`.
#[no_mangle]
extern "C" fn rust_pool_space_allocate(bytes: usize, tag: u32, caller: usize) -> *mut c_void {
    allocate(bytes, tag, caller).map_or(sys::NULL, |base| base.as_ptr().cast())
}
matches_header!(safe rust_pool_space_allocate(_, _, _));
export_symbol_gpl!(rust_pool_space_allocate);

/// `MmFreeMappingAddress`.
#[no_mangle]
extern "C" fn rust_pool_space_free(base: *mut c_void, tag: u32, caller: usize) {
    free(base as usize, tag, caller);
}
matches_header!(safe rust_pool_space_free(_, _, _));
export_symbol_gpl!(rust_pool_space_free);

/// `MmMapLockedPagesWithReservedMapping`. For the cache type see [`map::cache_of`].
///
/// # Safety
///
/// The MDL is null, or keeps to the invariants of [`Mdl`].
#[no_mangle]
unsafe extern "C" fn rust_pool_space_map(
    base: *mut c_void,
    tag: u32,
    mdl: Option<Mdl<'_>>,
    cache: i32,
    caller: usize,
) -> *mut c_void {
    let mdl = Mdl::given(mdl, caller);
    mdl.and_then(|mdl| map(mdl, base as usize, tag, map::cache_of(cache), caller))
        .map_or(sys::NULL, |base| base.as_ptr().cast())
}
matches_header!(rust_pool_space_map(_, _, _, _, _));
export_symbol_gpl!(rust_pool_space_map);

/// `MmUnmapReservedMapping`.
///
/// # Safety
///
/// The MDL is null, or keeps to the invariants of [`Mdl`].
#[no_mangle]
unsafe extern "C" fn rust_pool_space_unmap(
    base: *mut c_void,
    tag: u32,
    mdl: Option<Mdl<'_>>,
    caller: usize,
) {
    if let Some(mdl) = Mdl::given(mdl, caller) {
        unmap(mdl, base as usize, tag, caller);
    }
}
matches_header!(rust_pool_space_unmap(_, _, _, _));
export_symbol_gpl!(rust_pool_space_unmap);
