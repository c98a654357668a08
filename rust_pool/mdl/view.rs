// SPDX-License-Identifier: GPL-2.0

//! Maps the pages of an MDL into a process: a view of them.
//!
//! An MDL that has views has one record in the table of regions, which counts them. Its key is five
//! bytes behind the MDL's address. Where the views are, the kernel knows: each is an area of a
//! process's address space. A view has references to its pages, so a process never sees memory of
//! others, whatever the driver frees. But the driver is not to free or unlock what a process still
//! uses, so that is refused. References do not keep the pages of a common buffer of several pages;
//! its record keeps it from being freed: see `record/kept_buffer.rs`.
//!
//! WDK: "MmMapLockedPagesSpecifyCache", "MmUnmapLockedPages", for `UserMode`.

use crate::{
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    mdl::{
        map::{
            self,
            MapRequest,
            Mappable, //
        },
        Mdl,
        SYSTEM_SPACE,
        TAG, //
    },
    pool::{
        pages,
        raise, //
    },
    record::{
        kept_buffer::{
            self,
            Kept, //
        },
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
        PAGE_SIZE, //
    },
    types::{
        memory_type::MemoryType,
        tag::Tag, //
    },
    verifier::hooks, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

// CAST: The enumeration has three values.
const USER_MODE: i8 = raw::_MODE_UserMode as i8;

/// How many records there are: MDLs with views.
static RECORDS: Atomic<i64> = Atomic::new(0);
/// The number of the last record. It tells the views of an MDL from those of an older one that was
/// at its address.
static LAST: Atomic<u64> = Atomic::new(0);

/// The key of the record of the MDL at an address.
fn key(mdl: usize) -> usize {
    mdl.wrapping_add(5)
}

/// How many views an MDL has. Any context but NMI.
pub(crate) fn count(mdl: Mdl<'_>) -> usize {
    if RECORDS.load(Relaxed) == 0 {
        return 0;
    }
    let key = key(mdl.addr());
    match REGIONS.bucket(key).lock().find(key).map(|it| &it.owner) {
        Some(Owner::Viewed { views, .. }) => *views,
        _ => 0,
    }
}

/// If an MDL has views, reports that it is to be freed, or its pages unlocked, and returns `true`:
/// the caller must not carry that out. Any context but NMI.
pub(crate) fn refuses(mdl: Mdl<'_>, caller: usize) -> bool {
    let views = count(mdl);
    if views != 0 {
        mdl.report(&rule::MDL_FREED_IN_PROCESS, views, caller);
    }
    views != 0
}

/// Called for a new MDL. If an older MDL at its address was freed while it had views, reports that.
/// The views stay. Any context but NMI.
pub(crate) fn end_stale(mdl: Mdl<'_>, caller: usize) {
    if RECORDS.load(Relaxed) == 0 {
        return;
    }
    let taken = REGIONS.take(key(mdl.addr()), |region| match region.owner {
        Owner::Viewed { .. } => Ok(()),
        _ => Err(()),
    });
    if let Taken::Region(region) = taken {
        RECORDS.add(-1, Relaxed);
        let given = [mdl.into(), mdl.flags().into()];
        rule::MDL_GONE_IN_PROCESS
            .by(caller, given)
            .report_of_site(&region.site, || region.facts().print());
    }
}

/// Counts a view that is going to be made, and returns the number of its record; `None` without
/// memory.
fn enter(mdl: Mdl<'_>, bytes: usize, caller: usize) -> Option<u64> {
    let record = Reservation::new()?;
    let key = key(mdl.addr());
    let base = NonNull::new(key as *mut u8)?;
    let new = LAST.fetch_add(1, Relaxed).wrapping_add(1);
    let owner = Owner::Viewed {
        views: 1,
        number: new,
    };
    // It takes no memory.
    let record = record.into_region(base, bytes, 0, caller, owner);
    let mut bucket = REGIONS.bucket(key).lock();
    if let Some(region) = bucket.find_mut(key) {
        let Owner::Viewed { views, number } = &mut region.owner else {
            return None;
        };
        *views = views.saturating_add(1);
        return Some(*number);
    }
    bucket.insert(record);
    RECORDS.add(1, Relaxed);
    Some(new)
}

/// Called when a view is gone, or was not made.
#[no_mangle]
extern "C" fn rust_pool_view_gone(mdl: usize, number: u64, buffer: usize) {
    if buffer != 0 {
        kept_buffer::let_go(buffer);
    }
    let key = key(mdl);
    let mut bucket = REGIONS.bucket(key).lock();
    let last = match bucket.find_mut(key).map(|region| &mut region.owner) {
        Some(Owner::Viewed { views, number: own }) if *own == number => {
            *views = views.saturating_sub(1);
            *views == 0
        }
        _ => false,
    };
    let record = if last { bucket.remove(key) } else { None };
    drop(bucket);
    if record.is_some() {
        RECORDS.add(-1, Relaxed);
    }
}
matches_header!(safe rust_pool_view_gone(_, _, _));

/// Maps the pages of an MDL into the current process, at the address `to` unless that is 0, or
/// reports why not. Any context; sleeps.
fn map(mdl: Mdl<'_>, to: usize, wanted: &MapRequest, caller: usize) -> Option<NonNull<u8>> {
    let it = map::look(mdl, wanted.mode, wanted.cache, caller, |_| {
        wanted.mode != USER_MODE
    })?;
    let cells = it.frames.cells();
    // A block that does not end with its page may share that with others.
    let shared = || {
        let shows_others = |frame: &sys::Frame| pages::is_shared(sys::frame_address(frame.get()));
        cells.iter().position(shows_others)
    };
    // First, as pages of such a buffer may have references that do not keep them.
    let (kept, odd) = match Kept::new(it.side_by_side, cells) {
        Ok(Some(kept)) => (Some(kept), None),
        Ok(None) => (None, it.frames.refused_to_process().or_else(shared)),
        Err(of_buffer) => (None, Some(of_buffer)),
    };
    if let Some(odd) = odd.and_then(|odd| cells.get(odd)) {
        let at = Parameter::Address(core::ptr::from_ref(odd) as usize);
        let given = [mdl.into(), at, odd.get().into()];
        rule::MAPPED_WITH_OTHERS.by(caller, given).report();
        return None;
    }
    // CAST: `usize` is 64 bits wide on the architectures supported.
    let bytes = it.head.ByteCount as usize;
    let at = show(mdl, &it, kept, to, wanted.write, caller);
    if at.is_none() {
        raise::tell(bytes, Tag::from_raw(TAG), caller);
    }
    at
}

/// Carries it out, for a common buffer that is kept if `kept` says so.
fn show(
    mdl: Mdl<'_>,
    it: &Mappable<'_>,
    kept: Option<Kept>,
    to: usize,
    write: bool,
    caller: usize,
) -> Option<NonNull<u8>> {
    // CAST: `usize` is 64 bits wide on the architectures supported.
    let (bytes, offset) = (it.head.ByteCount as usize, it.head.ByteOffset as usize);
    let at = to & !(PAGE_SIZE - 1);
    if !sys::may_change_pages()
        || (at == 0 && to != 0)
        || hooks::refuse(MemoryType::Mapping, None, bytes, caller)
    {
        return None;
    }
    let view = sys::View {
        write,
        at,
        mdl: mdl.addr(),
        number: enter(mdl, bytes, caller)?,
        kept: kept.map(Kept::into_pages),
    };
    let base = it.frames.show_process(view)?;
    NonNull::new(base.wrapping_add(offset) as *mut u8)
}

/// Undoes a mapping of an MDL in the current process. Any context, any address.
fn unmap(at: usize, mdl: Mdl<'_>, caller: usize) {
    let given = [at.into(), mdl.into()];
    if !sys::irql().may_sleep() {
        rule::MDL_UNMAPPED_OF_PROCESS.by(caller, given).report();
    } else if !sys::view_unmap(at, mdl.addr()) {
        rule::NOT_MAPPED_IN_PROCESS.by(caller, given).report();
    }
}

/// `MmMapLockedPagesSpecifyCache` for another mode than `KernelMode`.
///
/// # Safety
///
/// The MDL is null, or keeps to the invariants of [`Mdl`].
#[no_mangle]
unsafe extern "C" fn rust_pool_mdl_view(
    mdl: Option<Mdl<'_>>,
    mode: i8,
    cache: i32,
    at: *mut c_void,
    priority: u32,
    caller: usize,
) -> *mut c_void {
    let wanted = MapRequest::new(mode, cache, priority);
    let mdl = Mdl::given(mdl, caller);
    mdl.and_then(|mdl| map(mdl, at as usize, &wanted, caller))
        .map_or(sys::NULL, |base| base.as_ptr().cast())
}
matches_header!(rust_pool_mdl_view(_, _, _, _, _, _));
export_symbol_gpl!(rust_pool_mdl_view);

/// `MmUnmapLockedPages`.
///
/// # Safety
///
/// The MDL is null, or keeps to the invariants of [`Mdl`].
#[no_mangle]
unsafe extern "C" fn rust_pool_mdl_unmap(base: *mut c_void, mdl: Option<Mdl<'_>>, caller: usize) {
    let Some(mdl) = Mdl::given(mdl, caller) else {
        return;
    };
    let base = base as usize;
    if (PAGE_SIZE..SYSTEM_SPACE).contains(&base) {
        unmap(base, mdl, caller);
    } else {
        map::unmap(base, mdl, caller);
    }
}
matches_header!(rust_pool_mdl_unmap(_, _, _));
export_symbol_gpl!(rust_pool_mdl_unmap);
