// SPDX-License-Identifier: GPL-2.0

//! Locks the pages of an MDL: those of a process are pinned; kernel pages do not move.
//!
//! Locked pages have a record in the table of regions, as the MDL itself cannot be trusted. Its key
//! is one byte behind the MDL's address, where no block and no mapping begins.
//!
//! WDK: "MmProbeAndLockPages", "MmUnlockPages".

use crate::{
    families::pins,
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    mdl::{
        flag,
        flags_of,
        map,
        own_pages,
        pages_of,
        reserved,
        set_flags,
        span,
        start_of,
        view,
        wraps,
        Mdl,
        SYSTEM_SPACE, //
    },
    record::{
        listed::{
            self,
            Holder, //
        },
        table::{
            Reservation,
            Taken,
            REGIONS, //
        },
        Owner,
        Region, //
    },
    report::{
        rule,
        violation::Rule, //
    },
    sys::{
        self,
        raw,
        Locker,
        Pinned,
        PAGE_SIZE, //
    },
    types::{
        status::Status,
        tag::Tag, //
    }, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::prelude::*;

/// Why pages could not be locked.
enum Refused {
    /// Not all pages may be accessed like this, or there are none.
    Access,
    Memory,
    /// It was a violation.
    Misuse,
}

/// The key of the record.
fn key(mdl: Mdl<'_>) -> usize {
    mdl.addr().wrapping_add(1)
}

/// Whether the pages of an MDL were locked here. Any context but NMI.
pub(crate) fn is_locked(mdl: Mdl<'_>) -> bool {
    let key = key(mdl);
    REGIONS.bucket(key).lock().find(key).is_some()
}

/// The scatter/gather list that needs the lock of an MDL with this head: it uses some of the MDL's
/// pages, through the MDL or through a partial MDL of it. Any context but NMI.
fn list_of(mdl: Mdl<'_>, head: &raw::MDL) -> Option<Holder> {
    if !sys::any_listed() {
        return None;
    }
    // CAST: `usize` is 64 bits wide on the architectures supported.
    let (offset, now) = (
        head.ByteOffset as usize % PAGE_SIZE,
        head.ByteCount as usize,
    );
    let key = key(mdl);
    // The driver may have made the MDL shorter since it was locked.
    let locked = REGIONS
        .bucket(key)
        .lock()
        .find(key)
        .map(|region| region.asked);
    let bytes = locked.unwrap_or(now);
    let frames = mdl.frames(span(offset, bytes))?;
    listed::holder_of_locked(frames, offset, bytes, Locker::mdl(mdl.addr()))
}

/// Takes the record of what was locked for an MDL, if `is_it` returns `true` for the tag of the
/// block that contained the MDL at that time. Any context but NMI.
fn take_if(mdl: Mdl<'_>, is_it: impl Fn(Option<Tag>) -> bool) -> Option<KBox<Region>> {
    let taken = REGIONS.take(key(mdl), |region| match region.owner {
        Owner::Locked { block, .. } if is_it(block) => Ok(()),
        _ => Err(()),
    });
    match taken {
        Taken::Region(region) => Some(region),
        _ => None,
    }
}

/// Takes the record of what was locked for an MDL. Any context but NMI.
fn take(mdl: Mdl<'_>) -> Option<KBox<Region>> {
    take_if(mdl, |_| true)
}

/// Takes the record of what was locked for an MDL whose memory was freed since. Any context but
/// NMI.
fn take_gone(mdl: Mdl<'_>) -> Option<KBox<Region>> {
    let now = mdl.tag();
    take_if(mdl, |block| block.is_some() && block != now)
}

/// Called for an MDL that is not locked. If an older MDL at its address was freed, or its memory
/// was used for this one, while its pages were locked, reports that and unlocks them. If pages were
/// allocated for the older one, reports that as well. Any context but NMI.
pub(crate) fn end_stale(mdl: Mdl<'_>, caller: usize) {
    if let Some(region) = take(mdl) {
        let given = [mdl.into(), mdl.flags().into()];
        rule::MDL_GONE_LOCKED
            .by(caller, given)
            .report_of_site(&region.site, || region.facts().print());
        pins::give_back(region);
    }
    own_pages::end_stale(mdl, caller);
    view::end_stale(mdl, caller);
}

/// Locks the pages of an MDL. Any context; sleeps for those of a process.
fn lock(mdl: Mdl<'_>, mode: i8, operation: u32, caller: usize) -> Result<(), Refused> {
    let irql = sys::irql();
    let mut head = mdl.head();
    let (flags, start) = (flags_of(&head), start_of(&head));
    let used = flags & (flag::LOCKED | flag::MAPPED | flag::NONPAGED | flag::PARTIAL);
    // An MDL that has pages needs none of a process. Its address may be null.
    let is_user = used == 0 && start < SYSTEM_SPACE;
    if irql.is_above_dispatch() || (is_user && !irql.may_sleep()) {
        let rule = if is_user {
            &rule::USER_PAGES_LOCKED
        } else {
            &rule::PAGES_LOCKED
        };
        let mode = u32::from(mode.unsigned_abs());
        rule.by(caller, [mdl.into(), mode.into()]).report();
        return Err(Refused::Misuse);
    }
    if used != 0 {
        mdl.report(&rule::MDL_LOCKED_IN_USE, u32::from(used), caller);
        return Err(Refused::Misuse);
    }
    end_stale(mdl, caller);
    // Drivers pass on what a process says, so a process could cause a violation.
    if wraps(&head) {
        return Err(Refused::Access);
    }
    let frames = pages_of(&head).and_then(|pages| mdl.frames(pages));
    let (Some(frames), 0..=2, 0..=1) = (frames, operation, mode) else {
        mdl.report(&rule::MDL_LOCKED_BADLY, operation, caller);
        return Err(Refused::Misuse);
    };
    let write = operation != raw::_LOCK_OPERATION_IoReadAccess;
    let record = Reservation::new().ok_or(Refused::Memory)?;
    let owner = NonNull::new(key(mdl) as *mut u8).ok_or(Refused::Misuse)?;
    let pinned = if is_user {
        pins::shorten();
        let pinned = Pinned::new(start, write, frames)?;
        head.Process = sys::process().cast();
        pinned
    } else {
        // CAST: The enumeration has two values.
        if mode == raw::_MODE_UserMode as i8 {
            return Err(Refused::Access);
        }
        if !sys::kernel_frames(start & !(PAGE_SIZE - 1), write, frames) {
            return Err(Refused::Access);
        }
        head.Process = null_mut();
        Pinned::none()
    };
    let used = frames.len().wrapping_mul(PAGE_SIZE);
    // CAST: `usize` is 64 bits wide on the architectures supported.
    let bytes = head.ByteCount as usize;
    let block = mdl.tag();
    record.insert(owner, bytes, used, caller, Owner::Locked { pinned, block });
    let write = if write { flag::WRITE } else { 0 };
    set_flags(&mut head, flags & !flag::WRITE | flag::LOCKED | write);
    mdl.set_head(head);
    Ok(())
}

impl From<sys::NotPinned> for Refused {
    fn from(why: sys::NotPinned) -> Self {
        match why {
            sys::NotPinned::Access => Self::Access,
            sys::NotPinned::Memory => Self::Memory,
        }
    }
}

/// Unlocks the pages of an MDL, and undoes its mapping if it has one. Any context.
fn unlock(mdl: Mdl<'_>, caller: usize) {
    let irql = sys::irql();
    if irql.is_above_dispatch() {
        rule::PAGES_UNLOCKED.by(caller, [mdl.into()]).report();
    }
    if irql.is_nmi() {
        return;
    }
    // The MDL's memory may be somebody else's by now, so it is neither read nor written.
    if let Some(region) = take_gone(mdl) {
        rule::MDL_UNLOCKED_GONE
            .by(caller, [mdl.into()])
            .report_with(|| region.facts().print());
        return pins::give_back(region);
    }
    let head = mdl.head();
    let flags = flags_of(&head);
    let report = |rule: &Rule<2>| {
        let given = [mdl.into(), mdl.flags().into()];
        rule.by(caller, given).report();
    };
    if flags & flag::NONPAGED != 0 {
        return report(&rule::NONPAGED_MDL_UNLOCKED);
    }
    if flags & flag::PARTIAL != 0 {
        return report(&rule::PARTIAL_MDL_UNLOCKED);
    }
    // Pages that were allocated for it are not unlocked but freed.
    if flags & flag::LOCKED == 0 || own_pages::has(mdl) {
        return report(&rule::MDL_NOT_LOCKED);
    }
    if let Some(list) = list_of(mdl, &head) {
        return mdl.report_with(&rule::UNLOCKED_IN_LIST, &list, caller, || list.print());
    }
    if view::refuses(mdl, caller) {
        return;
    }
    if flags & flag::MAPPED != 0 && !reserved::end(mdl) {
        map::unmap(head.MappedSystemVa as usize, mdl, caller);
    }
    // If the driver itself set the flag, there is no record.
    if let Some(region) = take(mdl) {
        pins::give_back(region);
    }
    let mut head = mdl.head();
    let flags = flags_of(&head);
    set_flags(&mut head, flags & !(flag::LOCKED | flag::WRITE));
    head.Process = null_mut();
    mdl.set_head(head);
}

/// `MmProbeAndLockPages`.
///
/// # Safety
///
/// The MDL is null, or keeps to the invariants of [`Mdl`].
#[no_mangle]
unsafe extern "C" fn rust_pool_mdl_lock(
    mdl: Option<Mdl<'_>>,
    mode: i8,
    operation: u32,
    caller: usize,
) -> i32 {
    let mdl = Mdl::given(mdl, caller);
    let locked = mdl
        .ok_or(Refused::Misuse)
        .and_then(|mdl| lock(mdl, mode, operation, caller));
    let status = match locked {
        Ok(()) => Status::Success,
        Err(Refused::Access) => Status::AccessViolation,
        Err(Refused::Memory) => Status::InsufficientResources,
        Err(Refused::Misuse) => Status::InvalidParameter,
    };
    status.as_raw()
}
matches_header!(rust_pool_mdl_lock(_, _, _, _));
export_symbol_gpl!(rust_pool_mdl_lock);

/// `MmUnlockPages`.
///
/// # Safety
///
/// The MDL is null, or keeps to the invariants of [`Mdl`].
#[no_mangle]
unsafe extern "C" fn rust_pool_mdl_unlock(mdl: Option<Mdl<'_>>, caller: usize) {
    if let Some(mdl) = Mdl::given(mdl, caller) {
        unlock(mdl, caller);
    }
}
matches_header!(rust_pool_mdl_unlock(_, _));
export_symbol_gpl!(rust_pool_mdl_unlock);
