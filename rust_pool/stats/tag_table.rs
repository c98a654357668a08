// SPDX-License-Identifier: GPL-2.0

//! Statistics by tag, pool type and module.
//!
//! The counters of a row ([`TagStats`]) are in per-CPU memory, and one instruction changes one. So
//! counting takes no lock, and writes no cache line that another CPU uses. Rows are made in
//! advance, because a tag may be used for the first time in atomic context: that must neither fail
//! the allocation nor lose a count. Rows are not moved or freed while the module is loaded. When
//! there are no more rows, the rows `(other)` count for all new tags.
//!
//! When a module is unloaded, its rows become vacant, and the next module that uses the same tag
//! takes them over. So loading and unloading modules does not fill the table.
//!
//! The table is a hash table whose chains only grow at their heads, and are read without a lock.

use crate::{
    callers::call_site,
    header::{
        self,
        Live,
        Words, //
    },
    lib::{
        atomic_ref::AtomicRef,
        export::{
            export_symbol_gpl,
            matches_header, //
        }, //
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
        arch::{
            percpu::Counters,
            read_once, //
        },
        Client,
        PerCpu, //
    },
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::mem::size_of;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    }, //
};

/// How many rows are made at a time. Their counters fit into one allocation of per-CPU memory.
const CHUNK: usize = 64;
/// The most rows: a block's header has 16 bits for the index of its row.
const MAX_ROWS: usize = 1 << 16;
/// If fewer rows than this are unused, more are made.
const RESERVE: usize = CHUNK;
const BUCKETS: usize = 1024;

/// Rows that were made together.
///
/// # Invariants
///
/// Their counters are in one allocation of per-CPU memory, which belongs to the chunk, and begins
/// with those of the first row.
#[repr(transparent)]
struct Chunk {
    rows: [TagStats; CHUNK],
}

static HEADS: [AtomicRef<TagStats>; BUCKETS] = [const { AtomicRef::none() }; BUCKETS];
static CHUNKS: [AtomicRef<Chunk>; MAX_ROWS / CHUNK] =
    [const { AtomicRef::none() }; MAX_ROWS / CHUNK];
/// How many rows are in use.
static CLAIMED: Atomic<usize> = Atomic::new(OTHERS);
/// How many rows exist.
static READY: Atomic<usize> = Atomic::new(0);

/// For the reader of a dump: where the addresses of the chunks are, how many chunks there can be,
/// and the rows of each; and where the number of rows in use is.
pub(crate) const CHUNKS_PLACE: *const c_void = (&raw const CHUNKS).cast();
pub(crate) const CHUNKS_LAYOUT: [usize; 2] = [MAX_ROWS / CHUNK, CHUNK];
pub(crate) const CLAIMED_PLACE: *const Atomic<usize> = &raw const CLAIMED;

fn key(tag: Tag, kind: PoolKind) -> u64 {
    // CAST: The discriminants are 0 and 1.
    u64::from(tag.as_raw()) | (kind as u64) << 32
}

#[inline(always)]
fn head(key: u64) -> &'static AtomicRef<TagStats> {
    // CAST: These are the two halves of the key. The upper bits of the product are mixed best.
    let hash = (key as u32 ^ (key >> 32) as u32).wrapping_mul(0x9e37_79b1) >> 22;
    // PANIC: The index has 10 bits, and the array 2^10 elements.
    &HEADS[hash as usize]
}

/// The first row of a chain that has this key and for which `which` returns `true`. `at` is the
/// first row of the chain.
#[inline(always)]
fn find(
    mut at: Option<&'static TagStats>,
    key: u64,
    mut which: impl FnMut(&TagStats) -> bool,
) -> Option<&'static TagStats> {
    while let Some(row) = at {
        if read_once::read(&row.key) == key && which(row) {
            return Some(row);
        }
        at = row.next.get();
    }
    None
}

/// The row with an index, if it exists.
#[inline]
pub(crate) fn at(index: u16) -> Option<&'static TagStats> {
    let index = usize::from(index);
    let chunk = CHUNKS.get(index / CHUNK)?.get()?;
    chunk.rows.get(index % CHUNK)
}

/// The row of a client's tag, if the client has used that before. Any context.
#[inline(always)]
pub(crate) fn known(tag: Tag, kind: PoolKind, owner: Client) -> Option<&'static TagStats> {
    let key = key(tag, kind);
    find(head(key).get(), key, |row| row.is_of(owner))
}

/// Calls `look` on the rows of a tag until it returns `Some`, and returns that. Any context.
pub(crate) fn find_map<T>(
    tag: Tag,
    kind: PoolKind,
    mut look: impl FnMut(&TagStats) -> Option<T>,
) -> Option<T> {
    let key = key(tag, kind);
    let mut found = None;
    find(head(key).get(), key, |row| {
        found = look(row);
        found.is_some()
    });
    found
}

/// Whether any client has used a tag before. Any context.
pub(crate) fn is_known(tag: Tag, kind: PoolKind) -> bool {
    let key = key(tag, kind);
    find(head(key).get(), key, |_| true).is_some()
}

/// The row of a client's tag. At the first use a row is put into the table. Any context but NMI.
pub(crate) fn row(tag: Tag, kind: PoolKind, caller: usize, owner: Client) -> &'static TagStats {
    let row = known(tag, kind, owner).unwrap_or_else(|| insert(key(tag, kind), kind, owner));
    if !row.is_other() && !row.site().claimed() {
        row.site().claim(call_site::driver(caller));
    }
    row
}

/// Takes over a vacant row of the tag, or puts a new row into the table.
#[cold]
#[inline(never)]
fn insert(key: u64, kind: PoolKind, owner: Client) -> &'static TagStats {
    // CAST: The tag is the lower half of the key.
    let stamp = header::stamp(kind, Tag::stored(key as u32));
    let head = head(key);
    let mut new = None::<&'static TagStats>;
    loop {
        let first = head.get();
        let mine = |row: &TagStats| row.is_of(owner) || row.take_over(owner);
        if let Some(found) = find(first, key, mine) {
            // Another CPU was faster. A row that was claimed above stays unused for ever.
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
        row.next.set(first);
        // On success the chain has not changed since `find()` looked for the tag's first row. So
        // all rows of a tag agree on which is the first.
        if head.replace(first, row) {
            return row;
        }
    }
}

/// The counters of a tag, and its peak. `first` is the first of its rows.
pub(crate) fn of_tag(first: &TagStats) -> (Snapshot, i64) {
    let read = || {
        if first.is_other() {
            return first.sums();
        }
        let key = first.key.load(Relaxed);
        let mut sums = Sums::ZERO;
        find(head(key).get(), key, |row| {
            sums.add(row.sums());
            false
        });
        sums
    };
    let now = read();
    let peak = first.peak(&now, read);
    (now.into(), peak)
}

/// The row `(other)` of a kind.
fn other(kind: PoolKind) -> &'static TagStats {
    match at(kind as u16) {
        Some(row) => row,
        // PANIC: The module's init makes the first chunk, before it can be called.
        None => unreachable!(),
    }
}

/// The row with an index, which may be too large.
pub(crate) fn at_place(place: usize) -> Option<&'static TagStats> {
    at(u16::try_from(place).ok()?)
}

/// The row of a block.
#[inline(always)]
pub(crate) fn of_block<H: Copy + Into<Words>>(header: &Live<H>) -> &'static TagStats {
    let index = usize::from(header.row());
    // SAFETY: By the type invariant this module wrote the header. So its index is
    // [`TagStats::index`] of a row: there is such a row, so there is its chunk.
    let chunk = unsafe { CHUNKS[index / CHUNK].get().unwrap_unchecked() };
    &chunk.rows[index % CHUNK]
}

/// Takes an unused row; `None` if there is none, and none can be made in this context.
fn claim() -> Option<&'static TagStats> {
    loop {
        let claimed = CLAIMED.load(Relaxed);
        let ready = READY.load(Acquire);
        if claimed + RESERVE >= ready && ready < MAX_ROWS {
            sys::defer();
        }
        if claimed >= ready {
            // In reclaim the work item makes them: `grow()` takes a lock of the kernel under which
            // others may wait for that.
            let may_grow = sys::irql().may_sleep() && !sys::in_reclaim();
            if ready >= MAX_ROWS || !may_grow || grow().is_err() {
                return None;
            }
            continue;
        }
        if CLAIMED.cmpxchg(claimed, claimed + 1, Relaxed).is_ok() {
            return at_place(claimed);
        }
    }
}

impl Chunk {
    /// The rows with the indices from `first` on, none of them in use. Sleeps.
    fn new(first: usize) -> Result<KVBox<Self>> {
        let counters = CHUNK * COUNTERS_SIZE * usize::try_from(sys::possible_cpus())?;
        if !request::affordable(size_of::<Self>() + counters) {
            return Err(ENOMEM);
        }
        let chunk = KVBox::<Self>::new_uninit(GFP_KERNEL | __GFP_NOWARN)?;
        let counters = PerCpu::new(CHUNK * COUNTERS_SIZE).ok_or(ENOMEM)?.into_raw();
        let row = |at| {
            // SAFETY: Each row has `COUNTERS_SIZE` bytes of the chunk's per-CPU memory, which is
            // freed when the rows are dropped.
            let own = unsafe { Counters::new(counters + at * COUNTERS_SIZE) };
            // CAST: Indices are below `MAX_ROWS`.
            TagStats::new(own, (first + at) as u16)
        };
        // INVARIANT: The first row has the beginning of the per-CPU memory.
        chunk.write_init(init!(Self {
            rows <- pin_init::init_array_from_fn(row),
        }? Error))
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let [first, ..] = &self.rows;
        // SAFETY: By the type invariant it is the cookie of the chunk's per-CPU memory, which only
        // its rows use.
        drop(unsafe { PerCpu::from_raw(first.counters.cookie()) });
    }
}

/// Makes one more chunk of rows. Sleeps.
fn grow() -> Result {
    let first = READY.load(Acquire);
    let slot = CHUNKS.get(first / CHUNK).ok_or(ENOSPC)?;
    // The rows live until `free_all()`.
    let published = slot.publish(Chunk::new(first)?);
    // A CPU that lost the race does this as well: the winner may be preempted here.
    // RELEASE: Pairs with the acquire in `claim()`.
    let _ = READY.cmpxchg(first, first + CHUNK, Release);
    drop(published);
    Ok(())
}

/// Makes rows until [`RESERVE`] rows are unused. Sleeps.
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

/// How many rows are in use, those of `(other)` included.
pub(crate) fn claimed() -> usize {
    CLAIMED.load(Relaxed)
}

/// The row at or behind a position of a listing, and its position. The rows `(other)` come last.
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
/// Nobody uses a row any more: the module is being unloaded.
pub(crate) unsafe fn free_all() {
    for chunk in CHUNKS.iter().filter_map(AtomicRef::take) {
        // SAFETY: `grow()` published it. By the safety requirements no row is used any more.
        drop(unsafe { KVBox::from_raw(chunk.as_ptr()) });
    }
}

/// Exported: the row of a tag, for the Rust API, which caches it once the tag's peak has begun.
/// Begins the peak, if the tag has live blocks.
#[no_mangle]
extern "C" fn rust_pool_row(
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
matches_header!(safe rust_pool_row(_, _, _, _));
export_symbol_gpl!(rust_pool_row);
