// SPDX-License-Identifier: GPL-2.0

//! Statistics by tag, pool type and module.
//!
//! A [`TagStats`] counts on per-CPU memory, one instruction a counter, so that an event takes no
//! lock and dirties no line that another CPU uses. Rows are made in advance and never move or go
//! away while the module is loaded: the first use of a tag may come in atomic context, and neither
//! fails the allocation nor loses a count. When there are no more rows, the row `(other)` counts
//! for all.
//!
//! When a module is unloaded its rows become vacant, and the next module that uses the tag takes
//! them over. So loading and unloading modules does not fill the table.
//!
//! The table is a hash of lists that only grow at the head and are read without a lock.

use crate::{
    callers::call_site,
    header,
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    memory::request,
    stats::tag_stats::{
        Snapshot,
        Sums,
        TagStats,
        COUNTERS_SIZE,
        OTHERS, //
    },
    sys::{
        self,
        arch::read_once,
        Client, //
    },
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::mem::size_of;
use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    }, //
};

/// Rows are made this many at a time; their counters then fit one per-CPU chunk.
const CHUNK: usize = 64;
/// No more rows than fit the 16 bits of a block's header.
const MAX_ROWS: usize = 1 << 16;
/// More are made when fewer than this many are left.
const RESERVE: usize = CHUNK;
const BUCKETS: usize = 2048;

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

#[inline(always)]
fn head(key: u64) -> &'static Atomic<usize> {
    // CAST: Both halves of the key fit; the upper bits of the product are the well-mixed ones.
    let hash = (key as u32 ^ (key >> 32) as u32).wrapping_mul(0x9e37_79b1) >> 21;
    // PANIC: The index has 11 bits, and the array as many places; the check is folded away.
    &HEADS[hash as usize]
}

#[inline(always)]
fn find(
    mut at: usize,
    key: u64,
    mut which: impl FnMut(&TagStats) -> bool,
) -> Option<&'static TagStats> {
    while at != 0 {
        // SAFETY: Chains hold addresses of rows only, which are alive while the module is.
        let row = unsafe { &*(at as *const TagStats) };
        if read_once::read(&row.key) == key && which(row) {
            return Some(row);
        }
        at = read_once::read(&row.next);
    }
    None
}

/// The row at a place of the table, if it exists.
#[inline]
pub(crate) fn at(index: u16) -> Option<&'static TagStats> {
    let index = usize::from(index);
    // ACQUIRE: Pairs with the release in `grow()`.
    let chunk = read_once::read_acquire(CHUNKS.get(index / CHUNK)?);
    if chunk == 0 {
        return None;
    }
    // SAFETY: A chunk has `CHUNK` rows and is alive while the module is.
    Some(unsafe { &*(chunk as *const TagStats).add(index % CHUNK) })
}

/// The row of a client's tag, if the client used that before. Any context.
#[inline(always)]
pub(crate) fn known(tag: Tag, kind: PoolKind, owner: Client) -> Option<&'static TagStats> {
    let key = key(tag, kind);
    // ACQUIRE: Pairs with the release in `insert()`.
    find(read_once::read_acquire(head(key)), key, |row| {
        row.is_of(owner)
    })
}

/// The first `Some` that `look` returns for a row of the tag. Any context.
pub(crate) fn find_map<T>(
    tag: Tag,
    kind: PoolKind,
    mut look: impl FnMut(&TagStats) -> Option<T>,
) -> Option<T> {
    let key = key(tag, kind);
    let mut found = None;
    find(read_once::read_acquire(head(key)), key, |row| {
        found = look(row);
        found.is_some()
    });
    found
}

/// Whether any client used a tag before. Any context.
pub(crate) fn is_known(tag: Tag, kind: PoolKind) -> bool {
    let key = key(tag, kind);
    find(read_once::read_acquire(head(key)), key, |_| true).is_some()
}

/// The row of a client's tag, made at its first use. Any context but NMI.
pub(crate) fn row(tag: Tag, kind: PoolKind, caller: usize, owner: Client) -> &'static TagStats {
    let row = known(tag, kind, owner).unwrap_or_else(|| insert(key(tag, kind), kind, owner));
    if !row.is_other() && !row.site().claimed() {
        row.site().claim(call_site::driver(caller));
    }
    row
}

#[cold]
#[inline(never)]
fn insert(key: u64, kind: PoolKind, owner: Client) -> &'static TagStats {
    // CAST: The tag is the lower half of the key.
    let stamp = header::stamp(kind, Tag::stored(key as u32));
    let head = head(key);
    let mut new = None::<&'static TagStats>;
    loop {
        let first = head.load(Acquire);
        let mine = |row: &TagStats| row.is_of(owner) || row.take_over(owner);
        if let Some(found) = find(first, key, mine) {
            // Another CPU may have been faster: then the new row stays unused.
            if let Some(new) = new {
                new.key.store(0, Relaxed);
            }
            return found;
        }
        let Some(row) = new.or_else(claim) else {
            return other(kind);
        };
        new = Some(row);
        row.begin(key, stamp, owner, find(first, key, |_| true));
        row.next.store(first, Relaxed);
        // RELEASE: A CPU that finds the row sees all of it. As the list has not changed, and the
        // first row of a tag stays the first, all rows of the tag agree on which that is.
        if head
            .cmpxchg(first, core::ptr::from_ref(row) as usize, Release)
            .is_ok()
        {
            return row;
        }
    }
}

/// The sum of a tag's rows, of which `first` is the first, and its peak.
pub(crate) fn of_tag(first: &TagStats) -> (Snapshot, i64) {
    let read = || {
        if first.is_other() {
            return first.sums();
        }
        let key = first.key.load(Relaxed);
        let mut sums = Sums::ZERO;
        find(head(key).load(Acquire), key, |row| {
            sums.add(row.sums());
            false
        });
        sums
    };
    let now = read();
    let peak = first.peak(&now, read);
    (now.into(), peak)
}

fn other(kind: PoolKind) -> &'static TagStats {
    match at(kind as u16) {
        Some(row) => row,
        // PANIC: The first chunk is made before the module is live.
        None => unreachable!(),
    }
}

/// The row at a place that may be behind the last.
pub(crate) fn at_place(place: usize) -> Option<&'static TagStats> {
    at(u16::try_from(place).ok()?)
}

/// The row of a block's header.
///
/// # Safety
///
/// `index` comes from a header of this load.
#[inline(always)]
pub(crate) unsafe fn of_header(index: u16) -> &'static TagStats {
    let index = usize::from(index);
    let chunk = read_once::read_acquire(&CHUNKS[index / CHUNK]);
    // SAFETY: By the safety requirements there is such a row, and it is alive while the module is.
    unsafe { &*(chunk as *const TagStats).add(index % CHUNK) }
}

fn claim() -> Option<&'static TagStats> {
    loop {
        let claimed = CLAIMED.load(Relaxed);
        let ready = READY.load(Acquire);
        if claimed + RESERVE >= ready && ready < MAX_ROWS {
            sys::defer();
        }
        if claimed >= ready {
            if ready >= MAX_ROWS || !sys::irql().may_sleep() || grow().is_err() {
                return None;
            }
            continue;
        }
        if CLAIMED.cmpxchg(claimed, claimed + 1, Relaxed).is_ok() {
            return at_place(claimed);
        }
    }
}

/// Makes one more chunk of rows. Sleeps.
fn grow() -> Result {
    let counters = CHUNK * COUNTERS_SIZE * usize::try_from(sys::possible_cpus())?;
    if !request::affordable(CHUNK * size_of::<TagStats>() + counters) {
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
                TagStats::new(counters.get() + i * COUNTERS_SIZE, index),
                GFP_KERNEL,
            )?;
        }
        let slot = CHUNKS.get(first / CHUNK).ok_or(ENOSPC)?;
        // RELEASE: Pairs with the acquire in `at()`.
        let raced = slot.cmpxchg(0, rows.as_ptr() as usize, Release).is_err();
        // The CPU that lost does this too, as the winner may not run for a while. RELEASE: Pairs
        // with the acquire in `claim()`.
        let _ = READY.cmpxchg(first, first + CHUNK, Release);
        if raced {
            return Err(EAGAIN);
        }
        // The rows live until `free_all()`.
        core::mem::forget(rows);
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

/// Bytes that the table takes.
pub(crate) fn bytes() -> usize {
    let cpus = usize::try_from(sys::possible_cpus()).unwrap_or(1);
    let row = size_of::<TagStats>() + COUNTERS_SIZE * cpus;
    READY.load(Relaxed).saturating_mul(row)
}

/// How many rows have been handed out, `(other)` included.
pub(crate) fn claimed() -> usize {
    CLAIMED.load(Relaxed)
}

/// The row at or behind a place in the order of a listing, in which the rows `(other)` come last.
pub(crate) fn in_order(place: usize) -> Option<(&'static TagStats, usize)> {
    let tags = place..claimed().saturating_sub(OTHERS);
    let others = place.max(MAX_ROWS)..MAX_ROWS + OTHERS;
    let tags = tags.map(|place| (place + OTHERS, place));
    Iterator::chain(tags, others.map(|place| (place - MAX_ROWS, place)))
        .find_map(|(index, place)| Some((at_place(index)?, place)))
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
        let rows =
            unsafe { KVVec::<TagStats>::from_raw_parts(chunk as *mut TagStats, CHUNK, CHUNK) };
        if let Some(counters) = rows
            .first()
            .and_then(|row| core::num::NonZero::new(row.counters))
        {
            // SAFETY: The first row's cookie is that of the whole chunk, which goes with it.
            unsafe { sys::free_percpu(counters) };
        }
    }
}

/// Exported: the row of a tag, for the Rust API. This also starts the tag's peak; after that the
/// client keeps the row.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_row(
    kind: u32,
    tag: u32,
    caller: usize,
    module: *mut bindings::module,
) -> *const c_void {
    let kind = if kind == 0 {
        PoolKind::NonPaged
    } else {
        PoolKind::Paged
    };
    let owner = Client::new(module);
    let row = row(Tag::from_raw(tag), kind, caller, owner);
    row.begin_peak();
    core::ptr::from_ref(row).cast()
}
matches_header!(rust_pool_row);
export_symbol_gpl!(rust_pool_row);
