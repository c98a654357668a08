// SPDX-License-Identifier: GPL-2.0

//! Maps the pages of an MDL into kernel address space.
//!
//! Adjacent pages have an address in the direct map. Others are mapped next to each other, with a
//! record in the table of regions. A mapping has the cache type of the pages, so there is no alias
//! of another type.
//!
//! Mappings into a process are in `mdl/view.rs`.
//!
//! WDK: "MmMapLockedPagesSpecifyCache", "MmUnmapLockedPages", "MmGetSystemAddressForMdlSafe".

use crate::{
    families::noncached,
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    mdl::{
        flag,
        flags_of,
        pages_of,
        set_flags,
        start_of,
        Mdl, //
    },
    record::{
        table::{
            Reservation,
            Taken,
            REGIONS, //
        },
        Owner, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    sys::{
        self,
        raw,
        Frame,
        LockedFrames,
        Vmap,
        PAGE_SIZE, //
    },
    types::{
        cache_type::CacheType,
        memory_type::MemoryType, //
    },
    verifier::hooks, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::prelude::*;

/// The mode for a mapping in the kernel's address space; the other mode is for one in a process.
const KERNEL_MODE: i8 = raw::_MODE_KernelMode as i8;

/// How the pages of an MDL are to be mapped.
pub(crate) struct MapRequest {
    pub(crate) mode: i8,
    /// `None` for the cache type that the pages have.
    pub(crate) cache: Option<i32>,
    pub(crate) write: bool,
}

impl MapRequest {
    /// What a driver asks for.
    pub(crate) fn new(mode: i8, cache: i32, priority: u32) -> Self {
        Self {
            mode,
            cache: cache_of(cache),
            write: priority & raw::MdlMappingNoWrite == 0,
        }
    }
}

/// The cache type that a driver asks for, unless that is [`AS_IT_IS`].
pub(crate) fn cache_of(cache: i32) -> Option<i32> {
    (cache != AS_IT_IS).then_some(cache)
}

/// An MDL that may be mapped.
pub(crate) struct Mappable<'call> {
    pub(crate) head: raw::MDL,
    /// Not none.
    pub(crate) frames: LockedFrames<'call>,
    /// Where they are in the direct map, if they are adjacent.
    pub(crate) side_by_side: Option<NonNull<u8>>,
}

impl Mappable<'_> {
    /// The flags that an MDL has when it is mapped.
    pub(crate) fn flags(&self) -> u16 {
        let flags = flags_of(&self.head);
        let partial = if flags & flag::PARTIAL != 0 {
            flag::PARTIAL_MAPPED
        } else {
            0
        };
        flags | flag::MAPPED | partial
    }
}

/// Checks whether an MDL may be mapped, with this cache type or that of its pages, and reports why
/// not. `refused` can refuse a mapping of so many bytes. For another mode than `KernelMode`, the
/// MDL may be mapped already. Any context.
pub(crate) fn look<'call>(
    mdl: Mdl<'call>,
    mode: i8,
    cache: Option<i32>,
    caller: usize,
    refused: impl FnOnce(usize) -> bool,
) -> Option<Mappable<'call>> {
    let (irql, is_user) = (sys::irql(), mode != KERNEL_MODE);
    if irql.is_above_dispatch() || (is_user && !irql.may_sleep()) {
        let rule = if is_user {
            &rule::MDL_MAPPED_FOR_PROCESS
        } else {
            &rule::MDL_MAPPED
        };
        let mode = u32::from(mode.unsigned_abs());
        rule.by(caller, [mdl.into(), mode.into()]).report();
        return None;
    }
    let head = mdl.head();
    let flags = flags_of(&head);
    let mapped = flags & (flag::MAPPED | flag::NONPAGED | flag::PARTIAL_MAPPED);
    if mapped != 0 && !is_user {
        mdl.report(&rule::MDL_MAPPED_TWICE, u32::from(mapped), caller);
        return None;
    }
    let missing = if is_user {
        flag::LOCKED | flag::PARTIAL | flag::NONPAGED
    } else {
        flag::LOCKED | flag::PARTIAL
    };
    if flags & missing == 0 {
        mdl.report(&rule::MDL_MAPPED_UNLOCKED, u32::from(missing), caller);
        return None;
    }
    let cache = match cache.map(CacheType::from_raw) {
        Some(None) => {
            rule::MAPPED_AS_RESERVED
                .by(caller, [mdl.into(), mdl.flags().into()])
                .report();
            return None;
        }
        Some(cache) => cache,
        None => None,
    };
    let Some(pages) = pages_of(&head) else {
        mdl.report(&rule::MDL_NOT_INITIALISED, start_of(&head), caller);
        return None;
    };
    let Some(frames) = mdl.frames(pages) else {
        mdl.report(&rule::MDL_MAPPED_TOO_SMALL, pages, caller);
        return None;
    };
    // CAST: `usize` is 64 bits wide on the architectures supported.
    if pages == 0 || refused(head.ByteCount as usize) {
        return None;
    }
    let seen = sys::look_at_frames(frames);
    if let Some(odd) = frames.get(seen.odd) {
        let at = Parameter::Address(core::ptr::from_ref(odd) as usize);
        let given = [mdl.into(), at, odd.get().into()];
        rule::FRAME_OF_NO_MEMORY.by(caller, given).report();
        return None;
    }
    let Some(own) = CacheType::from_raw(seen.cache) else {
        rule::MAPPED_OF_SEVERAL_TYPES
            .by(caller, [mdl.into(), mdl.flags().into()])
            .report();
        return None;
    };
    if cache.is_some_and(|cache| cache != own) {
        mdl.report(&rule::MAPPED_OF_ANOTHER_TYPE, own, caller);
        return None;
    }
    Some(Mappable {
        head,
        // SAFETY: All are memory of this cache type. By the type invariant of `Mdl` they stay
        // locked until they are unmapped: that is so when `unmap()` returns, even if the rest is
        // deferred.
        frames: unsafe { LockedFrames::new(frames, seen.cache) },
        side_by_side: seen.side_by_side,
    })
}

/// Maps the pages of an MDL. Any context; sleeps where it may.
fn map(mdl: Mdl<'_>, wanted: &MapRequest, caller: usize) -> Option<NonNull<u8>> {
    let mut it = look(mdl, wanted.mode, wanted.cache, caller, |bytes| {
        wanted.mode != KERNEL_MODE || hooks::refuse(MemoryType::Mapping, None, bytes, caller)
    })?;
    // CAST: `usize` is 64 bits wide on the architectures supported.
    let (bytes, offset) = (it.head.ByteCount as usize, it.head.ByteOffset as usize);
    let base = match it.side_by_side.filter(|_| wanted.write) {
        Some(base) => base,
        None => map_scattered(&it.frames, bytes, wanted.write, caller)?,
    };
    // The buffer begins in the first of the pages.
    let at = NonNull::new(base.as_ptr().wrapping_add(offset))?;
    let flags = it.flags();
    it.head.MappedSystemVa = at.as_ptr().cast();
    set_flags(&mut it.head, flags);
    mdl.set_head(it.head);
    Some(at)
}

/// Maps pages that need not be adjacent.
fn map_scattered(
    frames: &LockedFrames<'_>,
    bytes: usize,
    write: bool,
    caller: usize,
) -> Option<NonNull<u8>> {
    if !sys::may_change_pages() {
        return None;
    }
    let used = frames.count().checked_mul(PAGE_SIZE)?;
    noncached::BACKLOG.shorten(used, noncached::give_back);
    let record = Reservation::new()?;
    let mapping = frames.map(write)?;
    let base = mapping.base()?;
    record.insert(base, bytes, used, caller, Owner::Mapping(mapping));
    Some(base)
}

/// Whether an address is the one of the MDL's first page in the direct map.
pub(crate) fn is_direct(mdl: Mdl<'_>, first: usize) -> bool {
    let frame = mdl.frames(1).and_then(<[Frame]>::first);
    frame.is_some_and(|frame| sys::frame_address(frame.get()) == first)
}

/// Takes the record of the mapping that begins in the page of an address, and returns the mapping:
/// the caller has to undo it. `None` if there is nothing to undo. Any context but NMI.
pub(crate) fn take(at: usize) -> Option<Vmap> {
    let taken = REGIONS.take(at & !(PAGE_SIZE - 1), |region| match region.owner {
        Owner::Mapping(_) => Ok(()),
        _ => Err(()),
    });
    let Taken::Region(mut region) = taken else {
        return None;
    };
    match &mut region.owner {
        Owner::Mapping(mapping) => Some(core::mem::replace(mapping, Vmap::none())),
        _ => None,
    }
}

/// Undoes the mapping of an MDL. Any context, any address.
pub(crate) fn unmap(base: usize, mdl: Mdl<'_>, caller: usize) {
    let irql = sys::irql();
    let at = Parameter::Address(base);
    if irql.is_above_dispatch() {
        rule::MDL_UNMAPPED.by(caller, [at, mdl.into()]).report();
    }
    if irql.is_nmi() {
        return;
    }
    let mut head = mdl.head();
    let flags = flags_of(&head);
    let pages = pages_of(&head).unwrap_or(0);
    let inherited = flags & flag::PARTIAL != 0 && flags & flag::PARTIAL_MAPPED == 0;
    if flags & flag::MAPPED == 0 || flags & flag::NONPAGED != 0 || inherited {
        let given = [mdl.into(), at, pages.into()];
        return rule::NOT_MAPPED.by(caller, given).report();
    }
    let first = base & !(PAGE_SIZE - 1);
    let taken = if head.MappedSystemVa as usize == base {
        REGIONS.take(first, |region| match region.owner {
            Owner::Mapping(_) => Ok(()),
            _ => Err(()),
        })
    } else {
        Taken::Refused(())
    };
    match taken {
        Taken::Region(region) => noncached::unmap(region),
        _ if pages != 0 && is_direct(mdl, first) => (),
        _ => {
            let expected = Parameter::Address(head.MappedSystemVa as usize);
            return rule::UNMAPPED_ELSEWHERE.by(caller, [expected, at]).report();
        }
    }
    head.MappedSystemVa = null_mut();
    set_flags(&mut head, flags & !(flag::MAPPED | flag::PARTIAL_MAPPED));
    mdl.set_head(head);
}

/// `MmMapLockedPagesSpecifyCache`. [`AS_IT_IS`] stands for the cache type of the pages.
///
/// # Safety
///
/// The MDL is null, or keeps to the invariants of [`Mdl`].
#[no_mangle]
unsafe extern "C" fn rust_pool_mdl_map(
    mdl: Option<Mdl<'_>>,
    mode: i8,
    cache: i32,
    priority: u32,
    caller: usize,
) -> *mut c_void {
    let wanted = MapRequest::new(mode, cache, priority);
    let mdl = Mdl::given(mdl, caller);
    mdl.and_then(|mdl| map(mdl, &wanted, caller))
        .map_or(sys::NULL, |base| base.as_ptr().cast())
}
matches_header!(rust_pool_mdl_map(_, _, _, _, _));
export_symbol_gpl!(rust_pool_mdl_map);

/// In place of a cache type: that of the pages. Drivers cannot ask for this value.
const AS_IT_IS: i32 = raw::RUST_POOL_MDL_AS_IT_IS;
