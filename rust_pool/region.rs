// SPDX-License-Identifier: GPL-2.0

//! The table of page-aligned blocks: what Windows keeps in its big-page table.
//!
//! Whoever frees such a block is believed only as far as this table bears him out. Its records are
//! reserved before the memory is allocated, so that nothing has to be undone.

use crate::{
    adapter::AdapterId,
    chain::{
        Chain,
        Link,
        Next, //
    },
    gfp::Request,
    site::Site,
    statistics::Row,
    sys::{
        self,
        DmaDevice, //
    },
    tag::{
        PoolKind,
        Tag, //
    },
    text::kwrite, //
};
use core::{
    mem::{
        size_of,
        MaybeUninit, //
    },
    ptr::NonNull, //
};
use kernel::{
    bindings,
    fmt,
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        SpinLockIrq, //
    }, //
};

/// How memory is cached.
///
/// WDK: `MEMORY_CACHING_TYPE`, whose values these are.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum CacheType {
    Uncached = 0,
    Cached = 1,
    WriteCombined = 2,
}

impl CacheType {
    /// The type that C code passes, if it is one of these.
    pub(crate) fn from_raw(raw: i32) -> Option<Self> {
        match raw {
            0 => Some(Self::Uncached),
            1 => Some(Self::Cached),
            2 => Some(Self::WriteCombined),
            _ => None,
        }
    }

    /// The value that C code passes.
    pub(crate) fn as_raw(self) -> i32 {
        // CAST: The discriminants are those of the C enumeration.
        self as i32
    }
}

impl From<CacheType> for crate::violation::Parameter {
    fn from(cache: CacheType) -> Self {
        // CAST: The discriminants are small and not negative.
        (cache as u32).into()
    }
}

impl fmt::Display for CacheType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uncached => "uc",
            Self::Cached => "wb",
            Self::WriteCombined => "wc",
        })
    }
}

/// Which routine a region is from, and what only that one knows of it.
pub(crate) enum Owner {
    Pool {
        kind: PoolKind,
        tag: Tag,
        row: &'static Row,
    },
    Contiguous {
        cache: CacheType,
        physical: u64,
    },
    NonCached {
        cache: CacheType,
        pages: KVVec<NonNull<bindings::page>>,
    },
    CommonBuffer {
        adapter: AdapterId,
        device: Arc<DmaDevice>,
        bus: u64,
        cached: bool,
    },
}

/// A page-aligned block.
pub(crate) struct Region {
    next: Next<Region>,
    /// Its number among all that its bucket ever had.
    number: u64,
    pub(crate) base: NonNull<u8>,
    /// Bytes asked for.
    pub(crate) asked: usize,
    /// Bytes taken.
    pub(crate) used: usize,
    pub(crate) site: Site,
    pub(crate) owner: Owner,
}

// SAFETY: A region is only data about memory that any thread may free.
unsafe impl Send for Region {}

impl Link for Region {
    fn link(&mut self) -> &mut Next<Self> {
        &mut self.next
    }

    fn next(&self) -> &Next<Self> {
        &self.next
    }
}

impl Region {
    /// The base as a number.
    pub(crate) fn addr(&self) -> usize {
        self.base.as_ptr() as usize
    }
}

/// Room for a region's record.
pub(crate) struct Reservation(KBox<MaybeUninit<Region>>);

impl Reservation {
    /// Makes room, as the context allows.
    pub(crate) fn new() -> Option<Self> {
        let bytes = size_of::<Region>();
        let request = Request {
            bytes,
            zero: false,
            sleep: true,
        };
        let room = request.attempt(|gfp| sys::kmalloc(bytes, gfp))?;
        // SAFETY: The memory comes from kmalloc, is large enough and suitably aligned.
        Some(Self(unsafe { KBox::from_raw(room.as_ptr().cast()) }))
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
        let region = KBox::write(
            self.0,
            Region {
                next: Next::none(),
                number: 0,
                base,
                asked,
                used,
                site: Site::new(caller),
                owner,
            },
        );
        crate::state::get().regions.insert(region);
    }
}

const BUCKETS: usize = 256;
/// How many freed blocks each bucket remembers, to tell a second free from a foreign one.
const RECENT: usize = 4;

/// Regions with the same hash.
struct Bucket {
    regions: Chain<Region>,
    made: u64,
    recent: [usize; RECENT],
    turn: usize,
}

impl Bucket {
    /// Remembers a base as freed just now.
    fn remember(&mut self, base: usize) {
        if let Some(recent) = self.recent.get_mut(self.turn % RECENT) {
            *recent = base;
        }
        self.turn = self.turn.wrapping_add(1);
    }
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
                    recent: [0; RECENT],
                    turn: 0,
                }, "rust_pool::regions")
            }),
        })
    }

    fn bucket(&self, base: usize) -> &SpinLockIrq<Bucket> {
        let hash = (base >> 12).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
        // PANIC: The index has 8 bits, the array 256 elements; the check is folded away.
        &self.buckets[hash & (BUCKETS - 1)]
    }

    fn insert(&self, mut region: KBox<Region>) {
        let base = region.addr();
        let mut bucket = self.bucket(base).lock();
        for recent in &mut bucket.recent {
            if *recent == base {
                *recent = 0;
            }
        }
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
            return if base != 0 && bucket.recent.contains(&base) {
                Taken::Recent
            } else {
                Taken::Missing
            };
        };
        if let Err(error) = check(region) {
            return Taken::Refused(error);
        }
        bucket.remember(base);
        match bucket.regions.unlink(|region| region.addr() == base) {
            Some(region) => Taken::Region(region),
            None => Taken::Missing,
        }
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

/// What a family of routines has done since the module was loaded.
pub(crate) struct Family {
    allocs: Atomic<u64>,
    frees: Atomic<u64>,
    bytes: Atomic<i64>,
    used: Atomic<i64>,
    failures: Atomic<u64>,
}

impl Family {
    /// All zero.
    pub(crate) const fn new() -> Self {
        Self {
            allocs: Atomic::new(0),
            frees: Atomic::new(0),
            bytes: Atomic::new(0),
            used: Atomic::new(0),
            failures: Atomic::new(0),
        }
    }

    /// Counts an allocation.
    pub(crate) fn charge(&self, asked: usize, used: usize) {
        self.allocs.add(1, Relaxed);
        // CAST: No region is larger than `isize::MAX`.
        self.bytes.add(asked as i64, Relaxed);
        self.used.add(used as i64, Relaxed);
    }

    /// Counts the free of such an allocation.
    pub(crate) fn discharge(&self, asked: usize, used: usize) {
        self.frees.add(1, Relaxed);
        // CAST: As above.
        self.bytes.add((asked as i64).wrapping_neg(), Relaxed);
        self.used.add((used as i64).wrapping_neg(), Relaxed);
    }

    /// Counts a request that could not be met.
    pub(crate) fn fail(&self) {
        self.failures.add(1, Relaxed);
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (allocs, frees) = (self.allocs.load(Relaxed), self.frees.load(Relaxed));
        kwrite!(
            f,
            "allocs {allocs} frees {frees} diff {} bytes {} used {} failures {}",
            allocs.wrapping_sub(frees),
            self.bytes.load(Relaxed),
            self.used.load(Relaxed),
            self.failures.load(Relaxed)
        )
    }
}
