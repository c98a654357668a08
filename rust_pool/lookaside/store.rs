// SPDX-License-Identifier: GPL-2.0

//! The store of a list: the entries that the list keeps. `list.c` has its lock and the common case.

use crate::{
    lookaside::{
        chain::Chain,
        entry::Entry,
        head::Head, //
    },
    sys::raw, //
};
use core::ptr::null_mut;
use kernel::types::Opaque;

/// The store of a list, or of none.
///
/// # Invariants
///
/// It was initialised. The entries in it are those that its list keeps.
pub(crate) struct Store(Opaque<raw::rust_pool_store>);

// SAFETY: Any thread may use and free the entries.
unsafe impl Send for Store {}
// SAFETY: It has a lock.
unsafe impl Sync for Store {}

/// What a store holds at one time.
struct Now {
    first: *mut core::ffi::c_void,
    depth: u16,
}

/// What became of an entry that was to be kept.
pub(crate) enum Put {
    Kept,
    Full,
    /// The list keeps it already.
    Twice,
}

impl Store {
    /// A store that belongs to no list yet. It may still be moved.
    pub(crate) fn new() -> Self {
        let store = Opaque::uninit();
        // SAFETY: The store is valid for writes. Nothing in it refers to where it is.
        unsafe { raw::rust_pool_store_init(store.get()) };
        // INVARIANT: It was initialised, and is empty.
        Self(store)
    }

    pub(crate) fn as_ptr(&self) -> *mut raw::rust_pool_store {
        self.0.get()
    }

    /// Makes it the store of the list with this head, or of no list. It is empty then, and has no
    /// room. Entries that it had are lost.
    pub(crate) fn own(&self, head: Option<Head<'_>>, paged: bool, custom: bool) {
        let owner = head.map_or(null_mut(), Head::as_ptr);
        // SAFETY: By the type invariant it is initialised. The owner is only compared.
        unsafe { raw::rust_pool_store_own(self.as_ptr(), owner, paged, custom) }
    }

    /// Sets how many entries it may hold from now on, and takes out those above `keep`.
    pub(crate) fn limit(&self, limit: u16, keep: u16) -> Chain {
        let mut number = 0;
        // SAFETY: By the type invariant it is initialised.
        let first = unsafe { raw::rust_pool_store_limit(self.as_ptr(), limit, keep, &mut number) };
        // INVARIANT: The entries are no longer in the store.
        Chain { first, number }
    }

    /// Tells it what the headers of all entries have in common.
    pub(crate) fn learn(&self, headers: &raw::rust_pool_headers) {
        // SAFETY: By the type invariant it is initialised.
        unsafe { raw::rust_pool_store_learn(self.as_ptr(), headers) }
    }

    /// Keeps an entry of the list with this head, if there is room.
    pub(crate) fn put(&self, head: Head<'_>, entry: Entry) -> Put {
        let mut twice = false;
        // SAFETY: By the type invariants the store is initialised and the head is there. The entry
        // is a block of pool, so it has room for a link, and its owner gives it up.
        let kept = unsafe {
            raw::rust_pool_store_put(self.as_ptr(), head.as_ptr(), entry.as_ptr(), &mut twice)
        };
        match (kept, twice) {
            (true, _) => Put::Kept,
            (false, true) => Put::Twice,
            (false, false) => Put::Full,
        }
    }

    /// What it holds, or did a moment ago.
    fn now(&self) -> Now {
        let store = self.as_ptr();
        // SAFETY: By the type invariant it is initialised. Other CPUs may write to it, so the loads
        // are volatile.
        unsafe {
            Now {
                first: (&raw const (*store).first).read_volatile(),
                depth: (&raw const (*store).depth).read_volatile(),
            }
        }
    }

    /// How many entries it holds, or did a moment ago.
    pub(crate) fn kept(&self) -> u16 {
        self.now().depth
    }

    /// Whether this is the entry that was freed to it last.
    pub(crate) fn is_first(&self, entry: usize) -> bool {
        // An older value will do: the caller, which may have freed the entry twice, does not take
        // it meanwhile.
        self.now().first as usize == entry
    }
}
