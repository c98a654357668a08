// SPDX-License-Identifier: GPL-2.0

//! Lookaside lists: all but the common case, which is in `lookaside/list.c`.
//!
//! The head of a list is in its client's memory, which the client may overwrite or free at any
//! time. So a list has a record here, found by the head's address. The record contains the store,
//! in which the list keeps entries. A head is accessed only in calls that were passed it.
//!
//! A head may outlive its list, and still points to the store then. So the record of a list that is
//! gone is not freed, but used for the next list.
//!
//! The entries that a list keeps are live blocks of pool, counted under the list's tag. While the
//! verifier is on, or a checker of the kernel wants to see every allocation and free, lists keep
//! nothing.
//!
//! WDK: "Using Lookaside Lists", "ExInitializeLookasideListEx", "NPAGED_LOOKASIDE_LIST".

mod chain;
pub(crate) mod depth;
mod entry;
mod head;
mod record;
mod spec;
mod store;
mod upkeep;

pub(crate) use record::{
    LISTS,
    SPARE, //
};
pub(crate) use upkeep::{
    departed,
    drain,
    for_each_site,
    forget_all,
    held,
    verify,
    GIVING, //
};

use crate::{
    header,
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    lookaside::{
        entry::Freed,
        head::Head,
        record::Lookaside,
        spec::{
            Spec,
            CACHE_ALIGNED,
            PAGED, //
        }, //
        store::Put,
    },
    pool::{
        self,
        damage,
        lookup, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    sys::{
        self,
        raw,
        Client, //
    },
    types::{
        memory_type::MemoryType,
        status::Status,
        tag::Tag, //
    }, //
};
use core::ptr::null_mut;
use kernel::{
    bindings,
    prelude::*, //
};

/// Bits of a POOL_TYPE.
const NX: u32 = raw::POOL_NX_ALLOCATION;
const RAISE: u32 = raw::POOL_RAISE_IF_ALLOCATION_FAILURE;
const FAIL: u32 = raw::POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;

/// Where the kernel's half of the address space begins.
const SYSTEM_SPACE: usize = 1 << 63;

/// Initialises a list. Any context.
fn make(head: Head<'_>, spec: Spec, client: Client, caller: usize) -> Status {
    let Spec(asked) = spec;
    let tag = spec.tag();
    if asked.size == 0 {
        head.close();
        let given = [asked.type_.into(), tag.into()];
        rule::LOOKASIDE_ZERO_BYTES.by(caller, given).report();
        return Status::InvalidParameter;
    }
    if !asked.extended {
        if asked.type_ & !(PAGED | NX | RAISE) != 0 {
            head.close();
            let given = [asked.type_.into(), asked.size.into(), tag.into()];
            rule::LOOKASIDE_FLAGS_UNKNOWN.by(caller, given).report();
            return Status::InvalidParameter;
        }
        // CAST: A small constant.
        if asked.size < raw::LOOKASIDE_MINIMUM_BLOCK_SIZE as usize {
            let given = [head.into(), asked.size.into(), tag.into()];
            rule::LOOKASIDE_ENTRY_SMALL.by(caller, given).report();
        }
    }
    let record = Lookaside::new(head, spec, client, caller);
    let status = if record.is_some() {
        Status::Success
    } else {
        Status::InsufficientResources
    };
    if let Some(old) = record::begin(head, spec, record) {
        let given = [head.into(), old.spec.tag().into(), old.out().into()];
        let say = || old.tell(old.kept());
        // Memory inside the module itself cannot have been freed and given to somebody else.
        if old.client == client || old.client == Client::at(head.addr()) {
            let violation = rule::LOOKASIDE_INITIALISED_TWICE.by(caller, given);
            violation.report_with(say);
        } else {
            let violation = rule::LOOKASIDE_GONE.by(caller, given);
            violation.report_of_site(&old.site, say);
        }
        // A routine of another module may have been unloaded.
        if old.client == client || !old.spec.is_freed_by_client() {
            let entries = old.take_all();
            entries.for_each(|entry| old.spec.unmake(head, entry, caller));
        }
        Lookaside::release(old);
    }
    status
}

/// Allocates an entry that the list does not have. Any context.
fn miss(head: Head<'_>, caller: usize) -> *mut c_void {
    if sys::irql().is_nmi() {
        let (kind, size) = head.asks_for();
        let rule = if kind & PAGED == 0 {
            &rule::NONPAGED_REQUESTED
        } else {
            &rule::PAGED_REQUESTED
        };
        rule.by(caller, [kind.into(), size.into()]).report();
        return null_mut();
    }
    let Some((spec, client)) = record::spec(head, caller) else {
        let given = [head.into()];
        rule::LOOKASIDE_NOT_INITIALISED.by(caller, given).report();
        return null_mut();
    };
    let entry = spec.make(head, client, caller);
    if !entry.is_null() {
        let surplus = record::with(head, |list| {
            list.count(1);
            list.learn(entry as usize);
            list.adapt(head)
        });
        for entry in surplus.into_iter().flatten() {
            spec.unmake(head, entry, caller);
        }
    }
    entry
}

/// Frees an entry that no list keeps, if it is a block of pool. Any context but NMI.
fn free_to_pool(entry: usize, caller: usize) {
    let known = lookup::find(entry);
    if known.is_some_and(|known| matches!(known.memory, MemoryType::Pool { .. })) {
        pool::free_given(entry, 0, caller);
    }
}

/// Frees an entry that the common case did not keep: there is no room, or it did not recognize the
/// entry. Any context. It may be any address, unless the client's own routine makes or frees
/// entries.
fn overflow(head: Option<Head<'_>>, freed: Freed, caller: usize) {
    let entry = freed.addr();
    if sys::irql().is_nmi() {
        let given = [Parameter::Address(entry)];
        rule::POOL_FREED_IN_NMI.by(caller, given).report();
        return;
    }
    if entry < SYSTEM_SPACE {
        // This is reported there.
        return pool::free_given(entry, 0, caller);
    }
    let Some(head) = head else {
        return free_to_pool(entry, caller);
    };
    let Some((spec, client)) = record::spec(head, caller) else {
        let tag = lookup::find(entry).and_then(|known| known.tag);
        let given = [head.into(), Parameter::Address(entry)];
        rule::LOOKASIDE_FREED_TO_NONE
            .by(caller, given)
            .about(tag.unwrap_or(Tag::from_raw(0)))
            .report();
        return free_to_pool(entry, caller);
    };
    // The pool would refuse it as well. But it must not be kept either, nor count as freed.
    // A routine of the client may put the scatter/gather list before it frees the entry.
    if !spec.is_freed_by_client() && pool::refuses(entry, caller) {
        return;
    }
    let found = spec.entry(&freed, client);
    let is_entry = spec.is_custom() || found.is_some();
    // An entry that is freed in the wrong context is not kept: the pool reports it. If the common
    // case refused a small block, its header is not like the others', or there is no room.
    let twice = if spec.is_custom() {
        record::with(head, |list| list.is_first(entry)).unwrap_or(false)
    } else if let Some(entry) = found.filter(|entry| spec.may_put(entry)) {
        match record::with(head, |list| list.put(head, entry)) {
            Some(Put::Kept) => return,
            Some(Put::Twice) => true,
            Some(Put::Full) | None => false,
        }
    } else {
        false
    };
    if twice {
        let given = [spec.tag().into(), Parameter::Address(entry)];
        let violation = rule::POOL_FREED_TWICE.by(caller, given);
        return violation.about(spec.tag()).report();
    }
    // The pool reports a block whose header was overwritten. The client has given it up, so it
    // counts as freed.
    let is_freed = is_entry || !header::is_at(entry) && damage::look(entry).is_some();
    spec.unmake(head, freed.as_ptr(), caller);
    if is_freed {
        record::with(head, |list| list.count(-1));
    }
}

/// Frees the entries that a list keeps. Any context but NMI.
fn flush(head: Head<'_>, caller: usize) {
    let known = record::with(head, |list| (list.spec, list.take(0)));
    match known {
        Some((spec, entries)) => entries.for_each(|entry| spec.unmake(head, entry, caller)),
        None if Spec::of_bare(head).is_some() => (),
        None => {
            let given = [head.into()];
            rule::LOOKASIDE_NOT_INITIALISED.by(caller, given).report();
        }
    }
}

/// Deletes a list. Any context but NMI.
fn delete(head: Head<'_>, caller: usize) {
    let Some(list) = record::remove(head.addr()) else {
        if Spec::of_bare(head).is_none() {
            let given = [head.into()];
            rule::LOOKASIDE_NOT_INITIALISED.by(caller, given).report();
        }
        return head.close();
    };
    head.close();
    let entries = list.take_all();
    let kept = entries.number();
    entries.for_each(|entry| list.spec.unmake(head, entry, caller));
    let out = list.out();
    if out != 0 {
        rule::LOOKASIDE_DELETED_WITH_ENTRIES
            .by(caller, [head.into(), out.into()])
            .about(list.spec.tag())
            .report_with(|| list.tell(kept));
    }
    Lookaside::release(list);
}

/// `ExInitializeNPagedLookasideList` and `ExInitializePagedLookasideList`.
///
/// # Safety
///
/// `list` is null or memory for a head, `spec` is valid, and its routines are null or of the right
/// kind.
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_make(
    list: Option<Head<'_>>,
    spec: &Spec,
    caller: usize,
    module: *mut bindings::module,
) -> i32 {
    let status = Head::outside_nmi(list, caller).map_or(Status::InvalidParameter, |head| {
        make(head, *spec, Client::new(module), caller)
    });
    status.as_raw()
}
matches_header!(rust_pool_lookaside_make(_, _, _, _));
export_symbol_gpl!(rust_pool_lookaside_make);

/// `ExInitializeLookasideListEx`.
///
/// # Safety
///
/// As for [`rust_pool_lookaside_make`].
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_make_extended(
    list: Option<Head<'_>>,
    spec: &Spec,
    flags: u32,
    caller: usize,
    module: *mut bindings::module,
) -> i32 {
    let Some(head) = Head::outside_nmi(list, caller) else {
        return Status::InvalidParameter.as_raw();
    };
    let mut spec = *spec;
    if spec.0.type_ & !(PAGED | CACHE_ALIGNED | NX) != 0 {
        head.close();
        return Status::InvalidParameter4.as_raw();
    }
    spec.0.type_ |= match flags {
        0 => 0,
        raw::EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL => RAISE,
        raw::EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE => FAIL,
        _ => {
            head.close();
            return Status::InvalidParameter5.as_raw();
        }
    };
    let status = make(head, spec, Client::new(module), caller);
    if matches!(status, Status::InsufficientResources) {
        // The client got an error, so it does not use the list.
        head.close();
    }
    status.as_raw()
}
matches_header!(rust_pool_lookaside_make_extended(_, _, _, _, _));
export_symbol_gpl!(rust_pool_lookaside_make_extended);

/// Called from `lookaside/list.c`: an entry for a list that has none.
///
/// # Safety
///
/// `list` is null, or the head of a list, or memory for one.
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_miss(
    list: Option<Head<'_>>,
    caller: usize,
) -> *mut c_void {
    Head::given(list, caller).map_or(null_mut(), |head| miss(head, caller))
}
matches_header!(rust_pool_lookaside_miss(_, _));

/// Called from `lookaside/list.c`: frees an entry that the list does not keep.
///
/// # Safety
///
/// `list` is null, or the head of a list, or memory for one. The client gives `entry` up.
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_overflow(
    list: Option<Head<'_>>,
    entry: Freed,
    caller: usize,
) {
    overflow(Head::given(list, caller), entry, caller);
}
matches_header!(rust_pool_lookaside_overflow(_, _, _));

/// `ExFlushLookasideListEx`.
///
/// # Safety
///
/// `list` is null, or the head of a list, or memory for one.
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_flush(list: Option<Head<'_>>, caller: usize) {
    if let Some(head) = Head::outside_nmi(list, caller) {
        flush(head, caller);
    }
}
matches_header!(rust_pool_lookaside_flush(_, _));
export_symbol_gpl!(rust_pool_lookaside_flush);

/// `ExDeleteNPagedLookasideList`, `ExDeletePagedLookasideList` and `ExDeleteLookasideListEx`.
///
/// # Safety
///
/// `list` is null, or the head of a list, or memory for one.
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_delete(list: Option<Head<'_>>, caller: usize) {
    if let Some(head) = Head::outside_nmi(list, caller) {
        delete(head, caller);
    }
}
matches_header!(rust_pool_lookaside_delete(_, _));
export_symbol_gpl!(rust_pool_lookaside_delete);
