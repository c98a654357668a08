// SPDX-License-Identifier: GPL-2.0

//! The table of regions, like the big-page table of Windows.
//!
//! A free of such a block is checked against this table, not trusted.

use crate::{
    callers::call_site::{
        self,
        CallSite, //
    },
    header::recently_freed,
    lib::{
        at_load::AtLoad,
        hash_table::{
            HashTable,
            Place, //
        }, //
    },
    memory::request::Request,
    record::{
        live,
        Facts,
        Owner,
        Region, //
    },
    report::violation::Violation,
    sys::{
        self,
        PAGE_SIZE, //
    },
    types::memory_type::MemoryType,
    verifier::{
        self,
        freed,
        tracking, //
    }, //
};
use core::{
    mem::{
        size_of,
        MaybeUninit, //
    },
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    static_lock_class, //
};

/// The result of taking a region out of the table.
pub(crate) enum Taken<E> {
    /// The region, which the caller owns now.
    Region(KBox<Region>),
    /// There is a region, but the check refused.
    Refused(E),
    /// There is no region, but one was freed there recently.
    Recent,
    /// There is no region.
    Missing,
}

/// The table.
pub(crate) type Regions = HashTable<Region>;

impl Regions {
    /// An empty table.
    pub(crate) fn new() -> impl PinInit<Self> {
        Self::with_class(c"rust_pool::regions", static_lock_class!())
    }

    /// Puts a region in.
    pub(crate) fn insert(&self, region: KBox<Region>) {
        let base = region.addr();
        let mut bucket = self.bucket(base).lock();
        recently_freed::forget(base);
        bucket.insert(region);
    }

    /// Takes the region at `base` out of the table, if `check` returns `Ok`. Any context but NMI.
    pub(crate) fn take<E>(
        &self,
        base: usize,
        check: impl FnOnce(&Region) -> Result<(), E>,
    ) -> Taken<E> {
        let mut bucket = self.bucket(base).lock();
        let Some(region) = bucket.find(base) else {
            return if recently_freed::has(base) {
                Taken::Recent
            } else {
                Taken::Missing
            };
        };
        if let Err(error) = check(region) {
            return Taken::Refused(error);
        }
        // Only addresses of blocks are remembered; they are page-aligned.
        if base % PAGE_SIZE == 0 {
            recently_freed::remember(base);
        }
        let region = bucket.remove(base);
        drop(bucket);
        tracking::remove(base);
        region.map_or(Taken::Missing, Taken::Region)
    }

    /// Takes the region at `base` out of the table, if it is of the type `memory` and `fits`. Else
    /// reports the violation `misfit`, or `nothing` if no such memory is there, and prints what is
    /// known about the block that is there, or was. Any context but NMI.
    pub(crate) fn take_or_report(
        &self,
        memory: MemoryType,
        base: usize,
        fits: impl FnOnce(&Region) -> bool,
        misfit: impl FnOnce(&Facts) -> Violation,
        nothing: impl FnOnce() -> Violation,
    ) -> Option<KBox<Region>> {
        let taken = self.take(base, |region| {
            let takes = region.owner.memory() == memory && fits(region);
            takes.then_some(()).ok_or_else(|| region.facts())
        });
        match taken {
            Taken::Region(region) => return Some(region),
            Taken::Refused(facts) if facts.known.memory == memory => {
                misfit(&facts).report_with(|| facts.print());
            }
            Taken::Refused(facts) => nothing().report_with(|| facts.print()),
            Taken::Recent | Taken::Missing => {
                nothing().report_with(|| {
                    if !live::tell_pool(base) {
                        freed::tell_of(memory, base);
                    }
                });
            }
        }
        None
    }
}

/// The table of the module.
pub(crate) static REGIONS: AtLoad<Regions> =
    AtLoad::new(|| KBox::pin_init(Regions::new(), GFP_KERNEL));

/// Room for a region's record.
pub(crate) struct Reservation(KBox<MaybeUninit<Region>>);

impl Reservation {
    /// Allocates the room, and sleeps only if the context may.
    pub(crate) fn new() -> Option<Self> {
        let request = Request {
            bytes: size_of::<Region>(),
            zero: false,
            sleep: true,
        };
        request.attempt(sys::room).map(Self)
    }

    /// The address that the record will have.
    pub(crate) fn addr(&self) -> usize {
        self.0.as_ptr() as usize
    }

    /// Writes the record without putting it into the table.
    pub(crate) fn into_region(
        self,
        base: NonNull<u8>,
        asked: usize,
        used: usize,
        caller: usize,
        owner: Owner,
    ) -> KBox<Region> {
        KBox::write(
            self.0,
            Region {
                place: Place::none(),
                base,
                asked,
                used,
                site: CallSite::new(call_site::driver(caller)),
                owner,
                giver: 0,
            },
        )
    }

    /// Writes the record and puts it into the table.
    pub(crate) fn insert(
        self,
        base: NonNull<u8>,
        asked: usize,
        used: usize,
        caller: usize,
        owner: Owner,
    ) {
        let region = self.into_region(base, asked, used, caller, owner);
        region.track(caller);
        REGIONS.insert(region);
    }
}

impl Region {
    /// Has the verifier track it, if that is on. What takes it out of the table ends that.
    pub(crate) fn track(&self, caller: usize) {
        if verifier::on() {
            verifier::tracking::add(
                self.addr(),
                self.asked,
                self.owner.tag(),
                self.owner.memory(),
                caller,
            );
        }
    }
}
