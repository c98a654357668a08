// SPDX-License-Identifier: GPL-2.0

//! A row: the counters of one tag in one module.
//!
//! All counters except the peak are exact while nobody counts. The peak is that of the tag in all
//! modules. Each CPU keeps how far the bytes of a row have changed, and adds that to a common sum
//! when it exceeds [`BATCH`]; the peak is the highest value of that sum.

use crate::{
    callers::call_site::CallSite,
    lib::{
        argument::Passed,
        atomic_ref::AtomicRef,
        export::{
            export_symbol_gpl,
            matches_header, //
        }, //
    },
    sys::{
        self,
        arch::{
            percpu::Counters,
            read_once, //
        },
        Client,
        ClientInfo,
        Module, //
    },
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::mem::{
    offset_of,
    size_of, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    }, //
};

/// The most bytes that a CPU has counted for one module, but not yet added to the common sum.
pub(crate) const BATCH: i64 = 16 * 1024;

// The counters of a row in per-CPU memory, by their index as `u64`. `DRIFT` is how far the bytes
// have changed since they were last added to the common sum.
const ALLOCS: usize = 0;
const FREES: usize = 1;
const USED: usize = 2;
const DRIFT: usize = 3;
const COUNTERS: usize = 4;
pub(crate) const COUNTERS_SIZE: usize = COUNTERS * size_of::<u64>();
// No row's counters are in two cache lines, as per-CPU memory begins at one.
const _: () = assert!(sys::PERCPU_ALIGN % COUNTERS_SIZE == 0);

/// How many rows `(other)` there are: one for each kind, at the beginning of the table.
pub(crate) const OTHERS: usize = 2;

/// The statistics of one tag in one pool and one module. The size is a power of two, so that the
/// address of a row follows from its index by a shift. The fast path reads only the first half.
#[repr(C, align(128))]
pub struct TagStats {
    /// The tag and the kind; 0 while the row is not in use.
    pub(crate) key: Atomic<u64>,
    /// The module that it counts for: a [`Client`], or [`VACANT`].
    owner: Atomic<usize>,
    /// The next row of the chain.
    pub(crate) next: AtomicRef<TagStats>,
    pub(crate) counters: Counters<COUNTERS>,
    /// The beginning of the headers of its blocks.
    pub(crate) stamp: Atomic<u64>,
    index: u16,
    /// The first row of this tag and kind; none if it is this one.
    first: AtomicRef<TagStats>,
    /// Bytes live, without what CPUs have not yet added.
    live: Atomic<i64>,
    /// In the first row of a tag: the sum of `live` of all its rows, and the highest value of that.
    total: Atomic<i64>,
    peak: Atomic<i64>,
    /// Where the owner first allocated with this tag. It stays when the owner is unloaded and
    /// leaves blocks.
    site: CallSite,
    /// Blocks and bytes that unloaded owners left.
    left: Atomic<u64>,
    left_bytes: Atomic<i64>,
    /// How many requests could not be met. That is too seldom for a counter of each CPU.
    failures: Atomic<u64>,
}

const _: () = assert!(size_of::<TagStats>() == 128);

/// The owner of a row whose owner was unloaded. No module has this address.
const VACANT: usize = 1;

/// The counters of a row, or of all rows of a tag, at one time.
pub(crate) struct Snapshot {
    pub(crate) allocs: u64,
    pub(crate) frees: u64,
    /// The bytes that clients asked for, of live blocks.
    pub(crate) bytes: i64,
    /// The bytes that live blocks take.
    pub(crate) used: i64,
    pub(crate) failures: u64,
}

impl Snapshot {
    /// How many blocks are live.
    pub(crate) fn diff(&self) -> u64 {
        // The CPUs are read one after the other, so a free may be seen without its allocation. Then
        // the difference wraps; the next reading is right.
        let diff = self.allocs.wrapping_sub(self.frees);
        if diff > u64::MAX / 2 {
            0
        } else {
            diff
        }
    }
}

/// The counters of one or several rows, summed over all CPUs.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Sums {
    counters: [u64; COUNTERS],
    /// The sum of [`TagStats::live`].
    live: i64,
    failures: u64,
}

impl Sums {
    /// Counters that are zero.
    pub(crate) const ZERO: Self = Self {
        counters: [0; COUNTERS],
        live: 0,
        failures: 0,
    };

    /// Adds the counters of one more row.
    pub(crate) fn add(&mut self, other: Self) {
        for (sum, counter) in self.counters.iter_mut().zip(other.counters) {
            *sum = sum.wrapping_add(counter);
        }
        self.live = self.live.wrapping_add(other.live);
        self.failures = self.failures.wrapping_add(other.failures);
    }

    /// The bytes that clients asked for, of live blocks.
    fn bytes(&self) -> i64 {
        // CAST: It is a sum of signed counters, in two's complement.
        self.live.wrapping_add(self.counters[DRIFT] as i64)
    }
}

impl From<Sums> for Snapshot {
    fn from(sums: Sums) -> Self {
        Self {
            allocs: sums.counters[ALLOCS],
            frees: sums.counters[FREES],
            bytes: sums.bytes(),
            // CAST: It is a sum of signed counters, in two's complement.
            used: sums.counters[USED] as i64,
            failures: sums.failures,
        }
    }
}

impl TagStats {
    /// For the reader of a dump: the bytes of a row, and where it has its fields.
    pub(crate) const LAYOUT: [usize; 9] = [
        size_of::<Self>(),
        offset_of!(Self, key),
        offset_of!(Self, owner),
        offset_of!(Self, counters),
        offset_of!(Self, first),
        offset_of!(Self, live),
        offset_of!(Self, peak),
        offset_of!(Self, site),
        offset_of!(Self, failures),
    ];

    /// The indices of its counters: allocations, frees, bytes taken, drift.
    pub(crate) const INDICES: [usize; COUNTERS] = [ALLOCS, FREES, USED, DRIFT];

    /// A row that is not in use.
    pub(crate) fn new(counters: Counters<COUNTERS>, index: u16) -> Self {
        Self {
            key: Atomic::new(0),
            owner: Atomic::new(Client::UNKNOWN.as_usize()),
            next: AtomicRef::none(),
            counters,
            stamp: Atomic::new(0),
            index,
            first: AtomicRef::none(),
            live: Atomic::new(0),
            total: Atomic::new(0),
            peak: Atomic::new(0),
            site: CallSite::new(0),
            left: Atomic::new(0),
            left_bytes: Atomic::new(0),
            failures: Atomic::new(0),
        }
    }

    /// Makes it the row of a client's tag, before it is put into a chain. `first` is any row that
    /// the tag has already.
    pub(crate) fn begin(
        &self,
        key: u64,
        stamp: u64,
        owner: Client,
        first: Option<&'static TagStats>,
    ) {
        self.stamp.store(stamp, Relaxed);
        self.owner.store(owner.as_usize(), Relaxed);
        self.first.set(first.map(Self::first));
        self.key.store(key, Release);
    }

    /// Whether it counts for this client.
    #[inline(always)]
    pub(crate) fn is_of(&self, client: Client) -> bool {
        read_once::read(&self.owner) == client.as_usize()
    }

    /// Takes over the row if its owner was unloaded, and returns whether it did. If the owner left
    /// blocks, the row still counts them, so only a module of the same name may take it over.
    pub(crate) fn take_over(&self, owner: Client) -> bool {
        if self.owner.load(Relaxed) != VACANT {
            return false;
        }
        self.forget_freed();
        let left = self.left.load(Relaxed) != 0;
        if left {
            let name = ClientInfo::of(owner);
            let same = name.is_some_and(|info| self.site.is_in_module(info.name()));
            if !same {
                return false;
            }
        }
        // ACQUIRE: Pairs with the release in `depart()`.
        let taken = self.owner.cmpxchg(VACANT, owner.as_usize(), Acquire);
        if taken.is_ok() && !left {
            self.site.forget();
        }
        taken.is_ok()
    }

    /// Lowers `left` by the blocks that were left but have been freed since: these would hide as
    /// many blocks that the next owner leaves. For a vacant row, whose live blocks were all left.
    fn forget_freed(&self) {
        let left = self.left.load(Relaxed);
        let left_bytes = self.left_bytes.load(Relaxed);
        if left == 0 {
            return;
        }
        let now = self.snapshot();
        // Another CPU may have taken the row over since, and allocated. Then there are more blocks
        // than were left, or `left` has changed.
        if now.diff() < left && self.left.cmpxchg(left, now.diff(), Relaxed).is_ok() {
            let _ = self.left_bytes.cmpxchg(left_bytes, now.bytes, Relaxed);
        }
    }

    /// The first row of its tag, which may be this one.
    #[inline]
    fn first(&self) -> &Self {
        self.first.get().unwrap_or(self)
    }

    /// Whether it is the first row of its tag.
    pub(crate) fn is_first(&self) -> bool {
        self.first.get().is_none()
    }

    /// Counts an allocation of `asked` bytes that takes `used`. Any context.
    #[inline]
    pub fn charge(&self, asked: usize, used: usize) {
        if self.charged(asked, used) {
            self.fold();
        }
    }

    /// Like [`Self::charge`], but returns `true` if the caller must call [`Self::fold`].
    #[inline(always)]
    pub(crate) fn charged(&self, asked: usize, used: usize) -> bool {
        // CAST: No block is larger than `isize::MAX`.
        let asked = asked as i64;
        // A copy, as the compiler would read it again after each instruction.
        let counters = self.counters;
        counters.increment::<ALLOCS>();
        counters.add::<USED>(used);
        let drift = counters.add_return::<DRIFT>(asked);
        drift.wrapping_add(asked) > BATCH
    }

    /// Counts the free of a block, for which [`Self::charge`] was called with the same numbers. Any
    /// context.
    #[inline]
    pub fn discharge(&self, asked: usize, used: usize) {
        if self.discharged(asked, used) {
            self.fold();
        }
    }

    /// Like [`Self::discharge`], but returns `true` if the caller must call [`Self::fold`].
    #[inline(always)]
    pub(crate) fn discharged(&self, asked: usize, used: usize) -> bool {
        // CAST: No block is larger than `isize::MAX`.
        let asked = asked as i64;
        let counters = self.counters;
        counters.increment::<FREES>();
        counters.sub::<USED>(used);
        let drift = counters.add_return::<DRIFT>(asked.wrapping_neg());
        drift.wrapping_sub(asked) < -BATCH
    }

    /// Counts a request that could not be met. Any context.
    #[inline]
    pub fn fail(&self) {
        self.failures.add(1, Relaxed);
    }

    /// Adds what this CPU has counted to the common sum, and raises the peak. Calls an exported
    /// function, as the caller may be inlined into another module.
    #[inline]
    pub(crate) fn fold(&self) {
        rust_pool_fold(self);
    }

    /// Begins the peak with the tag's first block. Otherwise the peak would miss blocks of fewer
    /// than [`BATCH`] bytes that are freed before somebody reads it.
    #[inline]
    pub(crate) fn begin_peak(&self) {
        let first = self.first();
        if first.peak.load(Relaxed) == 0 {
            first.reached(self.sums().bytes());
        }
    }

    /// Whether the peak of its tag has begun.
    #[inline]
    pub(crate) fn has_peak(&self) -> bool {
        self.first().peak.load(Relaxed) != 0
    }

    /// Does what [`Self::fold`] says.
    fn fold_here(&self) {
        let drift = self.counters.take::<DRIFT>();
        self.live.fetch_add(drift, Relaxed);
        let first = self.first();
        let total = first.total.fetch_add(drift, Relaxed).wrapping_add(drift);
        first.reached(total);
    }

    /// Raises the peak to `live`, if it is lower.
    fn reached(&self, live: i64) {
        let mut peak = self.peak.load(Relaxed);
        while live > peak {
            match self.peak.cmpxchg(peak, live, Relaxed) {
                Ok(_) => break,
                Err(now) => peak = now,
            }
        }
    }

    /// The counters, summed over all CPUs.
    pub(crate) fn sums(&self) -> Sums {
        let live = self.live.load(Relaxed);
        Sums {
            counters: self.counters.sum(),
            live,
            failures: self.failures.load(Relaxed),
        }
    }

    /// The counters: exact if nobody counts meanwhile.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.sums().into()
    }

    /// The peak of the tag, whose first row this is. `now` is the sum of all its rows; `read` reads
    /// that again.
    pub(crate) fn peak(&self, now: &Sums, read: impl FnOnce() -> Sums) -> i64 {
        // If others count meanwhile, the sum may be higher than the bytes ever were. It is not if
        // two readings agree.
        let bytes = now.bytes();
        if bytes > self.peak.load(Relaxed) && read() == *now {
            self.reached(bytes);
        }
        self.peak.load(Relaxed)
    }

    /// The live blocks and their bytes, without those that unloaded owners left.
    pub(crate) fn outstanding(&self) -> (u64, i64) {
        let now = self.snapshot();
        (
            now.diff().saturating_sub(self.left.load(Relaxed)),
            now.bytes.wrapping_sub(self.left_bytes.load(Relaxed)),
        )
    }

    /// The blocks that unloaded owners left, and their bytes, as far as they are still live.
    pub(crate) fn left(&self) -> (u64, i64) {
        let now = self.snapshot();
        (
            now.diff().min(self.left.load(Relaxed)),
            now.bytes.min(self.left_bytes.load(Relaxed)),
        )
    }

    /// If its owner is this module, which is being unloaded, makes the row vacant.
    pub(crate) fn depart(&self, module: Module) {
        if !self.is_of(module.client()) {
            return;
        }
        let now = self.snapshot();
        if now.diff() == 0 {
            self.site.forget();
        } else {
            self.site.depart(module);
        }
        self.left.store(now.diff(), Relaxed);
        self.left_bytes.store(now.bytes, Relaxed);
        // RELEASE: Pairs with the acquire in `take_over()`: a CPU that takes the row over sees
        // `left` and `site`.
        self.owner.store(VACANT, Release);
    }

    /// Its index in the table.
    #[inline]
    pub(crate) fn index(&self) -> u16 {
        self.index
    }

    /// Whether it is a row `(other)`, which counts all tags that have no row.
    pub(crate) fn is_other(&self) -> bool {
        usize::from(self.index) < OTHERS
    }

    /// Tag and kind. `None` for a row that is not in use; the rows `(other)` have no tag.
    pub(crate) fn identity(&self) -> Option<(Option<Tag>, PoolKind)> {
        let kind = |paged| {
            if paged {
                PoolKind::Paged
            } else {
                PoolKind::NonPaged
            }
        };
        if self.is_other() {
            return Some((None, kind(self.index == 1)));
        }
        let key = self.key.load(Acquire);
        // CAST: The tag is the lower half of the key.
        (key != 0).then(|| (Some(Tag::from_raw(key as u32)), kind(key >> 32 == 1)))
    }

    /// Where the owner first allocated with this tag.
    pub(crate) fn site(&self) -> &CallSite {
        &self.site
    }
}

// SAFETY: It is a pointer to a row, and only Rust code calls what takes one.
unsafe impl Passed<*const c_void> for &TagStats {}

/// Exported: what [`TagStats::fold`] calls. It must not be inlined there.
#[no_mangle]
#[inline(never)]
extern "C" fn rust_pool_fold(row: &TagStats) {
    row.fold_here();
}
matches_header!(rust_pool_fold(_));
export_symbol_gpl!(rust_pool_fold);

#[kernel::macros::kunit_tests(rust_pool_tag_stats)]
mod tests {
    use super::*;
    use crate::sys::PerCpu;

    /// A row of no table, with counters of its own.
    struct Lone {
        row: TagStats,
        _counters: PerCpu,
    }

    impl Lone {
        fn new(index: u16) -> Result<Self> {
            let counters = PerCpu::new(COUNTERS_SIZE).ok_or(ENOMEM)?;
            // SAFETY: They have the size of a row's counters. They are freed after the row.
            let own = unsafe { Counters::new(counters.cookie()) };
            Ok(Self {
                row: TagStats::new(own, index),
                _counters: counters,
            })
        }
    }

    #[test]
    fn counts_what_is_live() -> Result {
        let lone = Lone::new(2)?;
        let row = &lone.row;
        row.charge(100, 112);
        row.charge(50, 64);
        row.discharge(100, 112);
        row.fail();
        let now = row.snapshot();
        assert!((now.allocs, now.frees, now.failures) == (2, 1, 1));
        assert!((now.diff(), now.bytes, now.used) == (1, 50, 64));
        Ok(())
    }

    #[test]
    fn more_frees_than_allocations() {
        let seen = |allocs, frees| {
            let snapshot = Snapshot {
                allocs,
                frees,
                bytes: 0,
                used: 0,
                failures: 0,
            };
            snapshot.diff()
        };
        assert!(seen(7, 7) == 0 && seen(7, 8) == 0 && seen(8, 7) == 1);
        assert!(seen(0, u64::MAX) == 1);
    }

    #[test]
    fn peak_stays() -> Result {
        let lone = Lone::new(2)?;
        let row = &lone.row;
        // More than a CPU keeps to itself, so it is in the peak without a reading.
        row.charge(20_000, 20_000);
        row.discharge(20_000, 20_000);
        assert!(row.peak.load(Relaxed) == 20_000);
        // Less than that is in the peak once that is read.
        row.charge(300, 304);
        assert!(row.peak(&row.sums(), || row.sums()) == 20_000);
        row.discharge(300, 304);
        assert!(row.snapshot().bytes == 0);
        Ok(())
    }

    #[test]
    fn peak_of_what_one_cpu_kept() -> Result {
        let lone = Lone::new(2)?;
        let row = &lone.row;
        row.charge(300, 304);
        assert!(row.peak.load(Relaxed) == 0);
        // A sum that is read only once may never have been reached.
        assert!(row.peak(&row.sums(), || Sums::ZERO) == 0);
        assert!(row.peak(&row.sums(), || row.sums()) == 300);
        Ok(())
    }

    #[test]
    fn peak_is_of_all_modules() -> Result {
        let (first, second) = (Lone::new(2)?, Lone::new(3)?);
        let first_row = &first.row;
        // SAFETY: The first row lives longer than the second, which is dropped before it.
        let of_second = unsafe { &*core::ptr::from_ref(first_row) };
        second.row.first.set(Some(of_second));
        first_row.charge(20_000, 20_000);
        second.row.charge(30_000, 30_000);
        assert!(first_row.is_first() && !second.row.is_first());
        assert!(first_row.peak.load(Relaxed) == 50_000 && second.row.peak.load(Relaxed) == 0);
        assert!(first_row.snapshot().bytes == 20_000 && second.row.snapshot().bytes == 30_000);
        Ok(())
    }

    #[test]
    fn outstanding_is_what_no_client_left() -> Result {
        let lone = Lone::new(2)?;
        let row = &lone.row;
        row.charge(10, 16);
        row.left.store(1, Relaxed);
        row.left_bytes.store(10, Relaxed);
        assert!(row.outstanding() == (0, 0));
        row.charge(30, 32);
        assert!(row.outstanding() == (1, 30));
        Ok(())
    }

    #[test]
    fn freed_since_is_not_left() -> Result {
        let lone = Lone::new(2)?;
        let row = &lone.row;
        for _ in 0..3 {
            row.charge(10, 16);
        }
        row.left.store(3, Relaxed);
        row.left_bytes.store(30, Relaxed);
        row.owner.store(VACANT, Relaxed);
        row.discharge(10, 16);
        row.forget_freed();
        assert!(row.left() == (2, 20) && row.outstanding() == (0, 0));
        row.charge(50, 64);
        assert!(row.outstanding() == (1, 50));
        row.forget_freed();
        assert!(row.outstanding() == (1, 50));
        Ok(())
    }

    #[test]
    fn whose_it_is() -> Result {
        let tag = Tag::from_raw(0x6761_7454);
        for (index, kind) in [(0, PoolKind::NonPaged), (1, PoolKind::Paged)] {
            assert!(Lone::new(index)?.row.identity() == Some((None, kind)));
        }
        let lone = Lone::new(2)?;
        assert!(lone.row.identity().is_none());
        for kind in [PoolKind::NonPaged, PoolKind::Paged] {
            // CAST: The discriminants are 0 and 1.
            let key = u64::from(tag.as_raw()) | (kind as u64) << 32;
            lone.row.key.store(key, Relaxed);
            assert!(lone.row.identity() == Some((Some(tag), kind)));
        }
        Ok(())
    }
}
