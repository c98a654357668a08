// SPDX-License-Identifier: GPL-2.0

//! The store of a list: the entries that the list keeps. `list.c` has its lock and the common case.

use crate::{
    lib::argument::{
        calls,
        Given, //
    },
    lookaside::{
        chain::Chain,
        entry::Entry,
        head::Head,
        spec::Spec, //
    },
    sys::raw, //
};
use core::ptr::{
    null,
    null_mut, //
};
use kernel::{
    prelude::*,
    types::Opaque, //
};

/// The store of a list, or of none.
///
/// # Invariants
///
/// It is valid. The entries in it are those that its list keeps.
pub(crate) struct Store(Opaque<raw::rust_pool_store>);

// SAFETY: Any thread may use and free the entries.
unsafe impl Send for Store {}
// SAFETY: It has a lock.
unsafe impl Sync for Store {}

impl Given<*mut raw::rust_pool_store> for &Store {
    fn given(self) -> *mut raw::rust_pool_store {
        self.0.get()
    }
}

/// The store that a head points to.
///
/// # Invariants
///
/// It is none, or stays where it is as long as this module is loaded.
pub(super) struct OfHead<'a>(pub(super) Option<&'a Store>);

impl Given<*mut raw::rust_pool_store> for OfHead<'_> {
    fn given(self) -> *mut raw::rust_pool_store {
        self.0.map_or(null_mut(), Given::given)
    }
}

impl Given<*const raw::GENERAL_LOOKASIDE> for Option<Head<'_>> {
    fn given(self) -> *const raw::GENERAL_LOOKASIDE {
        self.map_or(null(), Given::given)
    }
}

impl Given<*mut c_void> for Entry {
    fn given(self) -> *mut c_void {
        self.as_ptr()
    }
}

calls! {
    // SAFETY: By their type invariants a store is valid, and a head is there. An entry is a
    // block of pool, so it has room for a link, and its owner gives it up. A store of a head stays.
    unsafe extern "C" {
        safe fn rust_pool_store_own(
            store: &Store,
            head: Option<Head<'_>>,
            paged: bool,
            custom: bool
        );
        safe fn rust_pool_store_limit(
            store: &Store,
            limit: u16,
            keep: u16,
            number: &mut u16
        ) -> *mut c_void;
        safe fn rust_pool_store_learn(store: &Store, headers: &raw::rust_pool_headers);
        safe fn rust_pool_store_put(
            store: &Store,
            head: Head<'_>,
            entry: Entry,
            twice: &mut bool
        ) -> bool;
        /// Initialises a head, whose list has this store from now on.
        pub(super) safe fn rust_pool_head_init(
            head: Head<'_>,
            spec: &Spec,
            store: OfHead<'_>,
            depth: u16
        );
    }
}

/// What a store holds at one time.
struct Now {
    first: *mut c_void,
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
        // INVARIANT: It is empty, and nobody has its lock.
        Self(Opaque::zeroed())
    }

    /// Makes it the store of the list with this head, or of no list. It is empty then, and has no
    /// room. Entries that it had are lost.
    pub(crate) fn own(&self, head: Option<Head<'_>>, paged: bool, custom: bool) {
        rust_pool_store_own(self, head, paged, custom);
    }

    /// Sets how many entries it may hold from now on, and takes out those above `keep`.
    pub(crate) fn limit(&self, limit: u16, keep: u16) -> Chain {
        let mut number = 0;
        let first = rust_pool_store_limit(self, limit, keep, &mut number);
        // INVARIANT: The entries are no longer in the store.
        Chain { first, number }
    }

    /// Stores what the headers of all entries have in common.
    pub(crate) fn learn(&self, headers: &raw::rust_pool_headers) {
        rust_pool_store_learn(self, headers);
    }

    /// Keeps an entry of the list with this head, if there is room.
    pub(crate) fn put(&self, head: Head<'_>, entry: Entry) -> Put {
        let mut twice = false;
        let kept = rust_pool_store_put(self, head, entry, &mut twice);
        match (kept, twice) {
            (true, _) => Put::Kept,
            (false, true) => Put::Twice,
            (false, false) => Put::Full,
        }
    }

    /// What it holds, or did a moment ago.
    fn now(&self) -> Now {
        let store = self.0.get();
        // SAFETY: By the type invariant it is valid. Other CPUs may write to it, so the loads
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
