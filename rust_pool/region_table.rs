// SPDX-License-Identifier: GPL-2.0

//! The table of page-aligned blocks: what Windows keeps in its big-page table.
//!
//! Whoever frees such a block is believed only as far as this table bears him out.

use crate::{
    chain::Chain,
    recent,
    region::Region,
    verifier::tracking, //
};
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

const BUCKETS: usize = 256;

/// Regions with the same hash.
struct Bucket {
    regions: Chain<Region>,
    made: u64,
}

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
#[pin_data]
pub(crate) struct Regions {
    #[pin]
    buckets: [SpinLockIrq<Bucket>; BUCKETS],
}

impl Regions {
    /// An empty table.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            buckets <- pin_init::pin_init_array_from_fn(|_| {
                new_spinlock_irq!(Bucket {
                    regions: Chain::new(),
                    made: 0,
                }, "rust_pool::regions")
            }),
        })
    }

    fn bucket(&self, base: usize) -> &SpinLockIrq<Bucket> {
        let hash = (base >> 12).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
        // PANIC: The index has 8 bits, the array 256 elements; the check is folded away.
        &self.buckets[hash & (BUCKETS - 1)]
    }

    pub(crate) fn insert(&self, mut region: KBox<Region>) {
        let base = region.addr();
        let mut bucket = self.bucket(base).lock();
        recent::forget(base);
        region.number = bucket.made;
        bucket.made += 1;
        bucket.regions.push(region);
    }

    /// Takes the region at `base` out of the table if `check` agrees. Any context but NMI.
    pub(crate) fn take<E>(
        &self,
        base: usize,
        check: impl FnOnce(&Region) -> Result<(), E>,
    ) -> Taken<E> {
        let mut bucket = self.bucket(base).lock();
        let Some(region) = bucket.regions.iter().find(|region| region.addr() == base) else {
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
        let region = bucket.regions.unlink(|region| region.addr() == base);
        drop(bucket);
        tracking::remove(base);
        region.map_or(Taken::Missing, Taken::Region)
    }

    /// Whether `found` is true of any region. Slow.
    pub(crate) fn any(&self, mut found: impl FnMut(&Region) -> bool) -> bool {
        self.buckets
            .iter()
            .any(|bucket| bucket.lock().regions.iter().any(&mut found))
    }

    /// Calls `visit` on every region that is in the table throughout.
    ///
    /// `visit` runs under a lock and with interrupts disabled.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Region)) {
        for bucket in &self.buckets {
            bucket.lock().regions.iter().for_each(&mut visit);
        }
    }

    /// Shows the first region at or behind a position for which `show` has something, and returns
    /// the position behind it. Regions that come and go meanwhile move no other.
    pub(crate) fn next(
        &self,
        position: u64,
        mut show: impl FnMut(&Region) -> Option<()>,
    ) -> Option<u64> {
        /// Bits of a position that number the region; those above number the bucket.
        const NUMBER: u32 = 48;
        let mut bucket = position >> NUMBER;
        let mut number = position & ((1 << NUMBER) - 1);
        loop {
            let regions = self.buckets.get(usize::try_from(bucket).ok()?)?.lock();
            // Few are in a bucket, so looking for the smallest again and again is cheap.
            while let Some(region) = regions
                .regions
                .iter()
                .filter(|region| region.number >= number)
                .min_by_key(|region| region.number)
            {
                number = region.number + 1;
                if show(region).is_some() {
                    return Some(bucket << NUMBER | number);
                }
            }
            bucket += 1;
            number = 0;
        }
    }

    /// Takes any one region out of the table, for the end of the module.
    pub(crate) fn pop(&self) -> Option<KBox<Region>> {
        self.buckets
            .iter()
            .find_map(|bucket| bucket.lock().regions.pop())
    }
}
