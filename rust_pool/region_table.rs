// SPDX-License-Identifier: GPL-2.0

//! The table of page-aligned blocks: what Windows keeps in its big-page table.
//!
//! Whoever frees such a block is believed only as far as this table bears him out.

use crate::{
    hash_table::HashTable,
    recent,
    region::Region,
    verifier::tracking, //
};
use kernel::{
    prelude::*,
    static_lock_class, //
};

/// What became of a request to take a region out of the table.
pub(crate) enum Taken<E> {
    /// It is the caller's now.
    Region(KBox<Region>),
    /// It is there, but the check said no.
    Refused(E),
    /// There is none; it was freed not long ago.
    Recent,
    /// There is none.
    Missing,
}

/// The table.
pub(crate) type Regions = HashTable<Region>;

impl Regions {
    /// An empty table.
    pub(crate) fn new() -> impl PinInit<Self> {
        Self::with_class(c"rust_pool::regions", static_lock_class!())
    }

    pub(crate) fn insert(&self, region: KBox<Region>) {
        let base = region.addr();
        let mut bucket = self.bucket(base).lock();
        recent::forget(base);
        bucket.insert(region);
    }

    /// Takes the region at `base` out of the table if `check` agrees. Any context but NMI.
    pub(crate) fn take<E>(
        &self,
        base: usize,
        check: impl FnOnce(&Region) -> Result<(), E>,
    ) -> Taken<E> {
        let mut bucket = self.bucket(base).lock();
        let Some(region) = bucket.find(base) else {
            return if recent::has(base) {
                Taken::Recent
            } else {
                Taken::Missing
            };
        };
        if let Err(error) = check(region) {
            return Taken::Refused(error);
        }
        recent::remember(base);
        let region = bucket.remove(base);
        drop(bucket);
        tracking::remove(base);
        region.map_or(Taken::Missing, Taken::Region)
    }
}
