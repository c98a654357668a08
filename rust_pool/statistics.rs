// SPDX-License-Identifier: GPL-2.0

//! Statistics by tag and pool type.
//!
//! A [`Row`] counts on per-CPU memory, one instruction a counter, so that an event takes no lock and
//! dirties no line that another CPU uses. Rows are made in advance and never move or go away while
//! the module is loaded: the first use of a tag may come in atomic context, and neither fails the
//! allocation nor loses a count. When there are no more rows, the row `(other)` counts for all.
//!
//! The table is a hash of chains that only grow at the head, read without a lock.

use crate::{
    export::{
        export_symbol_gpl,
        matches_header, //
    },
    gfp,
    site::Site,
    sys::{
        self,
        raw,
        Module, //
    },
    tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::{
    arch::asm,
    mem::size_of, //
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

/// Rows are made this many at a time; their counters then fit one per-CPU chunk.
const CHUNK: usize = 512;
/// No more rows than fit the 16 bits of a block's header.
const MAX_ROWS: usize = 1 << 16;
/// More are made when fewer than this many are left.
const RESERVE: usize = CHUNK;
const BUCKETS: usize = 4096;

/// Bytes by which one CPU's count may differ from what the peak knows of.
pub(crate) const BATCH: i64 = 16 * 1024;

// The counters of a row, as `u64` in per-CPU memory.
const ALLOCS: usize = 0;
const FREES: usize = 1;
const USED: usize = 2;
const DRIFT: usize = 3;
const FAILURES: usize = 4;
const COUNTERS: usize = 5;
const COUNTERS_SIZE: usize = COUNTERS * size_of::<u64>();

/// The statistics of one tag in one pool.
///
/// # Invariants
///
/// `counters` is a per-CPU cookie for `COUNTERS` aligned `u64`, valid as long as the row.
pub struct Row {
    /// 0 until the row is in use, then tag and kind.
    key: Atomic<u64>,
    /// The next row of the chain, or 0.
    next: Atomic<usize>,
    counters: usize,
    /// Bytes live, but for what the CPUs have not yet folded in.
    live: Atomic<i64>,
    peak: Atomic<i64>,
    /// Who allocated with this tag first; once that has gone and left blocks, who did.
    site: Site,
    /// Blocks and bytes that clients left when they went.
    left: Atomic<u64>,
    left_bytes: Atomic<i64>,
    index: u16,
}

/// A row's counters at one time.
pub(crate) struct Snapshot {
    pub(crate) allocs: u64,
    pub(crate) frees: u64,
    /// Bytes live, as asked for.
    pub(crate) bytes: i64,
    /// Bytes live, as really taken.
    pub(crate) used: i64,
    pub(crate) peak: i64,
    pub(crate) failures: u64,
}

impl Snapshot {
    /// Blocks live.
    pub(crate) fn diff(&self) -> u64 {
        // Wraps where a free was counted on a CPU already read: the next reading is right.
        let diff = self.allocs.wrapping_sub(self.frees);
        if diff > u64::MAX / 2 {
            0
        } else {
            diff
        }
    }
}

/// Adds to a per-CPU counter; interrupts and migration do no harm to a single instruction.
///
/// # Safety
///
/// `base` is a per-CPU cookie with a `u64` at `index`.
#[inline(always)]
unsafe fn add<const INDEX: usize>(base: usize, value: usize) {
    // SAFETY: By the safety requirements, the operand is this CPU's counter.
    unsafe {
        asm!(
            "add qword ptr gs:[{base} + {offset}], {value}",
            base = in(reg) base,
            offset = const INDEX * size_of::<u64>(),
            value = in(reg) value,
            options(nostack),
        )
    }
}

/// Adds to a per-CPU counter and returns what it was.
///
/// # Safety
///
/// As for [`add`].
#[inline(always)]
unsafe fn add_return<const INDEX: usize>(base: usize, value: i64) -> i64 {
    let mut old = value;
    // SAFETY: By the safety requirements, the operand is this CPU's counter.
    unsafe {
        asm!(
            "xadd qword ptr gs:[{base} + {offset}], {old}",
            base = in(reg) base,
            offset = const INDEX * size_of::<u64>(),
            old = inout(reg) old,
            options(nostack),
        )
    }
    old
}

/// Takes what a per-CPU counter holds and leaves 0.
///
/// # Safety
///
/// As for [`add`].
#[inline(always)]
unsafe fn take<const INDEX: usize>(base: usize) -> i64 {
    let mut value = 0;
    // SAFETY: By the safety requirements, the operand is this CPU's counter.
    unsafe {
        asm!(
            "xchg qword ptr gs:[{base} + {offset}], {value}",
            base = in(reg) base,
            offset = const INDEX * size_of::<u64>(),
            value = inout(reg) value,
            options(nostack),
        )
    }
    value
}

impl Row {
    fn new(counters: usize, index: u16) -> Self {
        Self {
            key: Atomic::new(0),
            next: Atomic::new(0),
            counters,
            live: Atomic::new(0),
            peak: Atomic::new(0),
            site: Site::new(0),
            left: Atomic::new(0),
            left_bytes: Atomic::new(0),
            index,
        }
    }

    /// Counts an allocation of `asked` bytes that takes `used`. Any context.
    #[inline]
    pub fn charge(&self, asked: usize, used: usize) {
        // CAST: No block is larger than `isize::MAX`.
        let asked = asked as i64;
        // SAFETY: `counters` is such a cookie by the type invariant.
        let drift = unsafe {
            add::<ALLOCS>(self.counters, 1);
            add::<USED>(self.counters, used);
            add_return::<DRIFT>(self.counters, asked)
        };
        if drift.wrapping_add(asked) > BATCH {
            self.fold();
        }
    }

    /// Counts the free of such a block. Any context.
    #[inline]
    pub fn discharge(&self, asked: usize, used: usize) {
        // CAST: No block is larger than `isize::MAX`.
        let asked = asked as i64;
        // SAFETY: `counters` is such a cookie by the type invariant.
        let drift = unsafe {
            add::<FREES>(self.counters, 1);
            add::<USED>(self.counters, used.wrapping_neg());
            add_return::<DRIFT>(self.counters, asked.wrapping_neg())
        };
        if drift.wrapping_sub(asked) < -BATCH {
            self.fold();
        }
    }

    /// Counts a request that could not be met. Any context.
    #[inline]
    pub fn fail(&self) {
        // SAFETY: `counters` is such a cookie by the type invariant.
        unsafe { add::<FAILURES>(self.counters, 1) };
    }

    /// Tells the peak what this CPU has counted. Called through an exported function, for this may
    /// be inlined into another module.
    #[inline]
    fn fold(&self) {
        // SAFETY: `self` is a row, which lives as long as the module.
        unsafe { raw::rust_pool_fold(core::ptr::from_ref(self).cast()) };
    }

    fn fold_here(&self) {
        // SAFETY: `counters` is such a cookie by the type invariant.
        let drift = unsafe { take::<DRIFT>(self.counters) };
        let live = self.live.fetch_add(drift, Relaxed).wrapping_add(drift);
        self.reached(live);
    }

    fn reached(&self, live: i64) {
        let mut peak = self.peak.load(Relaxed);
        while live > peak {
            match self.peak.cmpxchg(peak, live, Relaxed) {
                Ok(_) => break,
                Err(now) => peak = now,
            }
        }
    }

    fn sums(&self) -> ([u64; COUNTERS], i64) {
        let live = self.live.load(Relaxed);
        let sum = sys::percpu_sum::<COUNTERS>(self.counters);
        // CAST: A sum of signed counters, in two's complement.
        (sum, live.wrapping_add(sum[DRIFT] as i64))
    }

    /// Reads all counters: exact when nobody counts meanwhile.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let (sum, bytes) = self.sums();
        // While others count, the sum may be of no moment that ever was; what is read twice was.
        if bytes > self.peak.load(Relaxed) && self.sums() == (sum, bytes) {
            self.reached(bytes);
        }
        Snapshot {
            allocs: sum[ALLOCS],
            frees: sum[FREES],
            bytes,
            // CAST: As above.
            used: sum[USED] as i64,
            peak: self.peak.load(Relaxed),
            failures: sum[FAILURES],
        }
    }

    /// Blocks and bytes live now that no client left before.
    pub(crate) fn outstanding(&self) -> (u64, i64) {
        let now = self.snapshot();
        (
            now.diff().saturating_sub(self.left.load(Relaxed)),
            now.bytes.wrapping_sub(self.left_bytes.load(Relaxed)),
        )
    }

    /// Says that the client at its site is going, and `module` with it.
    pub(crate) fn depart(&self, module: Module) {
        if !self.site.lies_in(module) {
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
    }

    /// Its place in the table.
    #[inline]
    pub(crate) fn index(&self) -> u16 {
        self.index
    }

    /// Tag and kind; the tag is `None` for the row `(other)`, all of it for a row not in use.
    pub(crate) fn identity(&self) -> Option<(Option<Tag>, PoolKind)> {
        let kind = |paged| {
            if paged {
                PoolKind::Paged
            } else {
                PoolKind::NonPaged
            }
        };
        if usize::from(self.index) < OTHERS {
            return Some((None, kind(self.index == 1)));
        }
        let key = self.key.load(Acquire);
        // CAST: The tag is the lower half of the key.
        (key != 0).then(|| (Some(Tag::from_raw(key as u32)), kind(key >> 32 == 1)))
    }

    /// Who allocated with this tag first.
    pub(crate) fn site(&self) -> &Site {
        &self.site
    }
}

/// The rows `(other)`: one for each kind, the first of the table.
const OTHERS: usize = 2;

static HEADS: [Atomic<usize>; BUCKETS] = [const { Atomic::new(0) }; BUCKETS];
static CHUNKS: [Atomic<usize>; MAX_ROWS / CHUNK] = [const { Atomic::new(0) }; MAX_ROWS / CHUNK];
/// Rows handed out.
static CLAIMED: Atomic<usize> = Atomic::new(OTHERS);
/// Rows that exist.
static READY: Atomic<usize> = Atomic::new(0);

fn key(tag: Tag, kind: PoolKind) -> u64 {
    // CAST: The discriminants are 0 and 1.
    u64::from(tag.as_raw()) | (kind as u64) << 32
}

fn head(key: u64) -> &'static Atomic<usize> {
    // CAST: The upper bits of the product are the well-mixed ones; the mask keeps it in range.
    let hash = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize;
    // PANIC: The index is masked to the array's length, a power of two; the check is folded away.
    &HEADS[hash & (BUCKETS - 1)]
}

fn find(mut at: usize, key: u64) -> Option<&'static Row> {
    while at != 0 {
        // SAFETY: Chains hold addresses of rows only, which are alive while the module is.
        let row = unsafe { &*(at as *const Row) };
        if row.key.load(Relaxed) == key {
            return Some(row);
        }
        at = row.next.load(Relaxed);
    }
    None
}

/// The row at a place of the table, if it exists.
#[inline]
pub(crate) fn at(index: usize) -> Option<&'static Row> {
    // ACQUIRE: Pairs with the release in `grow()`.
    let chunk = CHUNKS.get(index / CHUNK)?.load(Acquire);
    if chunk == 0 {
        return None;
    }
    // SAFETY: A chunk has `CHUNK` rows and is alive while the module is.
    Some(unsafe { &*(chunk as *const Row).add(index % CHUNK) })
}

/// The row of a tag, made at its first use. Any context but NMI.
#[inline]
pub(crate) fn row(tag: Tag, kind: PoolKind, caller: usize) -> &'static Row {
    let key = key(tag, kind);
    // ACQUIRE: Pairs with the release in `insert()`.
    match find(head(key).load(Acquire), key) {
        Some(row) => {
            row.site.claim(caller);
            row
        }
        None => insert(key, kind, caller),
    }
}

#[cold]
#[inline(never)]
fn insert(key: u64, kind: PoolKind, caller: usize) -> &'static Row {
    let Some(row) = claim() else {
        return other(kind);
    };
    row.site.claim(caller);
    row.key.store(key, Release);
    let head = head(key);
    loop {
        let first = head.load(Acquire);
        if let Some(winner) = find(first, key) {
            // Raced: another CPU inserted the tag; this row stays unused.
            row.key.store(0, Relaxed);
            return winner;
        }
        row.next.store(first, Relaxed);
        // RELEASE: Whoever finds the row sees it whole.
        if head
            .cmpxchg(first, core::ptr::from_ref(row) as usize, Release)
            .is_ok()
        {
            return row;
        }
    }
}

fn other(kind: PoolKind) -> &'static Row {
    match at(kind as usize) {
        Some(row) => row,
        // PANIC: The first chunk is made before the module is live.
        None => unreachable!(),
    }
}

fn claim() -> Option<&'static Row> {
    loop {
        let claimed = CLAIMED.load(Relaxed);
        let ready = READY.load(Acquire);
        if claimed + RESERVE >= ready && ready < MAX_ROWS {
            sys::defer();
        }
        if claimed >= ready {
            if ready >= MAX_ROWS || sys::irql() != 0 || grow().is_err() {
                return None;
            }
            continue;
        }
        if CLAIMED.cmpxchg(claimed, claimed + 1, Relaxed).is_ok() {
            return at(claimed);
        }
    }
}

/// Makes one more chunk of rows. Sleeps.
fn grow() -> Result {
    let counters = CHUNK * COUNTERS_SIZE * usize::try_from(sys::possible_cpus())?;
    if !gfp::affordable(CHUNK * size_of::<Row>() + counters) {
        return Err(ENOMEM);
    }
    let counters = sys::percpu(CHUNK * COUNTERS_SIZE).ok_or(ENOMEM)?;
    let made = (|| {
        let mut rows =
            KVVec::with_capacity(CHUNK, GFP_KERNEL | kernel::alloc::flags::__GFP_NOWARN)?;
        let first = READY.load(Acquire);
        for i in 0..CHUNK {
            let index = u16::try_from(first + i).map_err(|_| ENOSPC)?;
            // INVARIANT: The chunk's per-CPU memory is cut into equal parts, one a row.
            rows.push(
                Row::new(counters.get() + i * COUNTERS_SIZE, index),
                GFP_KERNEL,
            )?;
        }
        let slot = CHUNKS.get(first / CHUNK).ok_or(ENOSPC)?;
        // RELEASE: Pairs with the acquire in `at()`.
        if slot.cmpxchg(0, rows.as_ptr() as usize, Release).is_err() {
            // Raced: another CPU made this chunk.
            return Err(EAGAIN);
        }
        // The rows live until `free_all()`.
        core::mem::forget(rows);
        READY.store(first + CHUNK, Release);
        Ok(())
    })();
    match made {
        Ok(()) => Ok(()),
        Err(error) => {
            // SAFETY: No row that was kept uses it.
            unsafe { sys::free_percpu(counters) };
            if error == EAGAIN {
                Ok(())
            } else {
                Err(error)
            }
        }
    }
}

/// Makes rows until the reserve is full. Sleeps.
pub(crate) fn refill() -> Result {
    while READY.load(Acquire) < MAX_ROWS && CLAIMED.load(Relaxed) + RESERVE >= READY.load(Acquire) {
        grow()?;
    }
    Ok(())
}

/// How many rows have been handed out, `(other)` included.
pub(crate) fn claimed() -> usize {
    CLAIMED.load(Relaxed)
}

/// The row at or behind a place in the order of a listing, in which the rows `(other)` come last.
pub(crate) fn in_order(place: usize) -> Option<(&'static Row, usize)> {
    let tags = place..claimed().saturating_sub(OTHERS);
    let others = place.max(MAX_ROWS)..MAX_ROWS + OTHERS;
    let tags = tags.map(|place| (place + OTHERS, place));
    Iterator::chain(tags, others.map(|place| (place - MAX_ROWS, place)))
        .find_map(|(index, place)| Some((at(index)?, place)))
}

/// Frees the table.
///
/// # Safety
///
/// Nobody uses a row any more: the module is going.
pub(crate) unsafe fn free_all() {
    for slot in &CHUNKS {
        let chunk = slot.load(Acquire);
        if chunk == 0 {
            continue;
        }
        // SAFETY: `grow()` forgot a vector of this shape.
        let rows = unsafe { KVVec::<Row>::from_raw_parts(chunk as *mut Row, CHUNK, CHUNK) };
        if let Some(counters) = rows
            .first()
            .and_then(|row| core::num::NonZero::new(row.counters))
        {
            // SAFETY: The first row's cookie is that of the whole chunk, which goes with it.
            unsafe { sys::free_percpu(counters) };
        }
    }
}

/// Exported: [`Row::fold`] for whoever inlined it.
///
/// # Safety
///
/// `row` is a row of the table.
#[no_mangle]
unsafe extern "C" fn rust_pool_fold(row: *const c_void) {
    // SAFETY: By the safety requirements; rows live as long as the module.
    unsafe { &*row.cast::<Row>() }.fold_here();
}
matches_header!(rust_pool_fold);
export_symbol_gpl!(rust_pool_fold);

/// The row of a tag, for the Rust face, which keeps it.
///
/// # Safety
///
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_row(kind: u32, tag: u32, caller: usize) -> *const c_void {
    let kind = if kind == 0 {
        PoolKind::NonPaged
    } else {
        PoolKind::Paged
    };
    core::ptr::from_ref(row(Tag::from_raw(tag), kind, caller)).cast()
}
matches_header!(rust_pool_row);
