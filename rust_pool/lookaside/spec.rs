// SPDX-License-Identifier: GPL-2.0

//! What a list was initialised with, and how its entries are made and freed.

use crate::{
    header::LARGEST,
    lib::argument::{
        calls,
        Given,
        Passed, //
    },
    lookaside::{
        entry::{
            Entry,
            Freed, //
        },
        head::Head, //
    },
    pool::{
        self,
        lookup,
        pages,
        special::arena, //
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
        tag::{
            PoolKind,
            Tag, //
        }, //
    }, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::prelude::*;

/// Bits of a POOL_TYPE.
pub(crate) const PAGED: u32 = raw::_POOL_TYPE_PagedPool;
pub(crate) const CACHE_ALIGNED: u32 = raw::_POOL_TYPE_NonPagedPoolCacheAligned;

/// What a list was initialised with.
///
/// # Invariants
///
/// The routines are null, or of the kind that `extended` says. They may be called in a call of the
/// client.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Spec(pub(super) raw::rust_pool_lookaside_spec);

// SAFETY: `Spec` is transparent, and nobody changes it during the call.
unsafe impl Passed<*const raw::rust_pool_lookaside_spec> for &Spec {}
// SAFETY: As above.
unsafe impl Passed<*mut raw::rust_pool_lookaside_spec> for &Spec {}

impl Given<*const raw::rust_pool_lookaside_spec> for &Spec {
    fn given(self) -> *const raw::rust_pool_lookaside_spec {
        &self.0
    }
}

calls! {
    // SAFETY: By their type invariants a head is there, and the routines of a spec may be called,
    // as the client is calling us. No lock is held.
    unsafe extern "C" {
        safe fn rust_pool_head_is_bare(
            head: Head<'_>,
            spec: &mut raw::rust_pool_lookaside_spec
        ) -> bool;
        safe fn rust_pool_entry_make(spec: &Spec, head: Head<'_>) -> *mut c_void;
        safe fn rust_pool_entry_unmake(spec: &Spec, head: Head<'_>, entry: *mut c_void);
    }
}

impl Spec {
    /// What the list with this head was initialised with, if there was no memory for a record.
    pub(crate) fn of_bare(head: Head<'_>) -> Option<Self> {
        let mut spec = raw::rust_pool_lookaside_spec {
            allocate: null_mut(),
            free: null_mut(),
            size: 0,
            type_: 0,
            tag: 0,
            extended: false,
        };
        // INVARIANT: It is what `rust_pool_head_init()` was given.
        rust_pool_head_is_bare(head, &mut spec).then_some(Self(spec))
    }

    pub(crate) fn tag(&self) -> Tag {
        Tag::from_raw(self.0.tag)
    }

    pub(crate) fn size(&self) -> usize {
        self.0.size
    }

    pub(crate) fn is_paged(&self) -> bool {
        self.0.type_ & PAGED != 0
    }

    /// Whether a routine of the client frees entries. It is called only in a call from the client:
    /// at any other time the client may be unloading.
    pub(crate) fn is_freed_by_client(&self) -> bool {
        !self.0.free.is_null()
    }

    /// Whether a routine of the client makes or frees entries, so that they may be anything.
    pub(crate) fn is_custom(&self) -> bool {
        !self.0.allocate.is_null() || !self.0.free.is_null()
    }

    /// Whether all entries are blocks of pool with a header in front, and none is cache-aligned.
    pub(crate) fn is_small(&self) -> bool {
        !self.is_custom() && self.0.size <= LARGEST && self.0.type_ & CACHE_ALIGNED == 0
    }

    /// What `freed` is, if it is an entry of this list of `client`: a live block with its tag, size
    /// and pool. `None` if a routine of the client makes or frees entries.
    pub(crate) fn entry(&self, freed: &Freed, client: Client) -> Option<Entry> {
        let is_of_list = || {
            lookup::find(freed.addr()).is_some_and(|known| {
                let paged = match known.memory {
                    MemoryType::Pool { kind, .. } => kind == PoolKind::Paged,
                    _ => return false,
                };
                known.tag == Some(self.tag())
                    && known.bytes == self.0.size
                    && paged == self.is_paged()
            })
        };
        if self.is_custom() || !lookup::may_be_of(freed.addr(), client) || !is_of_list() {
            return None;
        }
        // INVARIANT: It is a live block of the list, so by the invariant of `Freed` its owner gives
        // it up.
        NonNull::new(freed.as_ptr().cast()).map(Entry)
    }

    /// Whether the list may keep this entry, although the common case cannot recognize it. Blocks
    /// of special pool are not kept, and neither are pages to which somebody else has a reference:
    /// the pool frees those when the last reference is dropped.
    pub(crate) fn may_put(&self, entry: &Entry) -> bool {
        let reusable = || {
            // SAFETY: By the type invariant it is a block of this size, which its owner gives up.
            // Above this size blocks have no header in front.
            self.0.size <= LARGEST || unsafe { pages::are_reusable(entry.0, self.0.size) }
        };
        !self.is_small() && self.fits_here() && !arena::covers(entry.addr()) && reusable()
    }

    /// Whether an entry has room for the link. A block of pool always has.
    pub(crate) fn has_room(&self) -> bool {
        // CAST: A small constant.
        self.0.allocate.is_null() || self.0.size >= raw::LOOKASIDE_MINIMUM_BLOCK_SIZE as usize
    }

    /// Whether entries may be made and freed here.
    fn fits_here(&self) -> bool {
        !self.is_paged() || sys::irql().may_sleep()
    }

    /// Makes an entry; null if it cannot. Any context but NMI.
    pub(crate) fn make(&self, head: Head<'_>, client: Client, caller: usize) -> *mut c_void {
        let Self(spec) = self;
        if spec.allocate.is_null() {
            return pool::allocate_for(client, spec.type_, spec.size, spec.tag, caller)
                .map_or(sys::NULL, |entry| entry.as_ptr().cast());
        }
        if !self.fits_here() {
            let given = [spec.type_.into(), spec.size.into()];
            let violation = rule::PAGED_REQUESTED.by(caller, given);
            violation.about(self.tag()).report();
            return null_mut();
        }
        rust_pool_entry_make(self, head)
    }

    /// Frees an entry in a call of the client. Any context but NMI.
    pub(crate) fn unmake(&self, head: Head<'_>, entry: *mut c_void, caller: usize) {
        if !self.is_freed_by_client() {
            return self.unmake_pool(entry, caller);
        }
        if !self.fits_here() {
            let given = [Parameter::Address(entry as usize)];
            let violation = rule::PAGED_FREED.by(caller, given);
            violation.about(self.tag()).report();
        }
        rust_pool_entry_unmake(self, head, entry);
    }

    /// Frees an entry that is a block of pool. Any context but NMI.
    pub(crate) fn unmake_pool(&self, entry: *mut c_void, caller: usize) {
        pool::free_given(entry as usize, self.0.tag, caller);
    }
}
