// SPDX-License-Identifier: GPL-2.0

//! The records of tracked blocks: who allocated each live block, and when.
//!
//! WDK: "Pool Tracking", `!verifier 3`.
//!
//! If there is no memory for a record, the block is handed out without one, and counted.

use crate::{
    callers::{
        call_site::CallSite,
        stack::Stack, //
    },
    lib::{
        at_load::AtLoad,
        hash_table::HashTable, //
    },
    memory::request::Request,
    options::{
        selection::Who,
        OPTIONS, //
    },
    sys,
    types::{
        memory_type::{
            Known,
            MemoryType, //
        },
        tag::Tag, //
    },
    verifier::{
        freed,
        record::Record, //
    }, //
};
use core::mem::size_of;
use kernel::{
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        rcu, //
    }, //
};

static LIVE: Atomic<u64> = Atomic::new(0);
static MISSED: Atomic<u64> = Atomic::new(0);
/// Where the reader of a dump finds how many blocks have no record for want of memory.
pub(crate) const MISSED_PLACE: *const Atomic<u64> = &raw const MISSED;
/// Records of the Rust API's blocks. These have no header that could be marked, so their frees only
/// remove the record while the static key is on.
static UNMARKED: Atomic<u64> = Atomic::new(0);

/// All records.
pub(crate) type Records = HashTable<Record>;

impl Records {
    /// An empty table.
    pub(crate) fn new() -> impl PinInit<Self> {
        Self::with_class(c"rust_pool::tracking", static_lock_class!())
    }
}

/// The records of the module.
pub(crate) static RECORDS: AtLoad<Records> =
    AtLoad::new(|| KBox::pin_init(Records::new(), GFP_KERNEL));

/// Size and stack of the pool block of the C API at an address.
fn look(addr: usize) -> Option<(usize, Stack)> {
    let bucket = RECORDS.bucket(addr).lock();
    let record = bucket.find(addr)?;
    let has_header = matches!(
        record.memory,
        MemoryType::Pool {
            rust_block: false,
            ..
        }
    );
    has_header.then(|| (record.bytes, record.stack.copy()))
}

/// Calls `visit` on every record, with its bucket's lock held and interrupts disabled. Records that
/// are added or removed meanwhile may or may not be visited.
pub(crate) fn for_each(visit: impl FnMut(&Record)) {
    if LIVE.load(Relaxed) != 0 {
        RECORDS.for_each(visit);
    }
}

/// Records a block, if the options select it. Any context but NMI.
pub(crate) fn add(addr: usize, bytes: usize, tag: Option<Tag>, memory: MemoryType, caller: usize) {
    let unmarked = matches!(
        memory,
        MemoryType::Pool {
            rust_block: true,
            ..
        }
    );
    let who = Who::of(caller);
    {
        let options = OPTIONS.lock();
        if !options.records(tag, &who) {
            return;
        }
        // Count it while the lock keeps the options from changing: `update()` in events/control.rs
        // turns the static key off only if there are no such records.
        if unmarked {
            UNMARKED.add(1, Relaxed);
        }
    }
    let request = Request {
        bytes: size_of::<Record>(),
        zero: false,
        sleep: false,
    };
    let Some(room) = request.attempt(sys::room) else {
        MISSED.add(1, Relaxed);
        if unmarked {
            forget_unmarked();
        }
        return;
    };
    let stack = Stack::capture(caller);
    let record = Record::new(addr, bytes, tag, memory, stack);
    keep(KBox::write(room, record));
}

/// Keeps a record. Any context but NMI.
pub(crate) fn keep(record: KBox<Record>) {
    LIVE.add(1, Relaxed);
    RECORDS.bucket(record.addr).lock().insert(record);
}

/// Removes the record of the block at `addr`, if it is tracked. Any context but NMI.
pub(crate) fn remove(addr: usize) {
    if LIVE.load(Relaxed) == 0 {
        return;
    }
    // Until the record is remembered: `for_each_other_site()` in events/unload.rs waits for it.
    let _moving = rcu::read_lock();
    let Some(record) = RECORDS.bucket(addr).lock().remove(addr) else {
        return;
    };
    LIVE.fetch_sub(1, Relaxed);
    if matches!(
        record.memory,
        MemoryType::Pool {
            rust_block: true,
            ..
        }
    ) {
        forget_unmarked();
    }
    freed::remember(record);
}

/// Prints who allocated the block at `addr`, if it is tracked, and returns whether it is.
pub(crate) fn tell(addr: usize) -> bool {
    let stack = stack(addr);
    if let Some(stack) = &stack {
        stack.print(fmt!("allocated by"));
    }
    stack.is_some()
}

/// Who allocated the pool block at `addr`, if it is tracked.
pub(crate) fn stack(addr: usize) -> Option<Stack> {
    if LIVE.load(Relaxed) == 0 {
        return None;
    }
    look(addr).map(|(_, stack)| stack)
}

/// The size of the pool block at `addr`, if it is tracked.
pub(crate) fn block(addr: usize) -> Option<usize> {
    if LIVE.load(Relaxed) == 0 {
        return None;
    }
    look(addr).map(|(bytes, _)| bytes)
}

/// What is known of the block at `addr`, if it is tracked. An adapter is no block.
pub(crate) fn known(addr: usize) -> Option<Known> {
    if LIVE.load(Relaxed) == 0 {
        return None;
    }
    let bucket = RECORDS.bucket(addr).lock();
    let record = bucket.find(addr)?;
    (record.memory != MemoryType::Adapter).then_some(Known {
        tag: record.tag,
        memory: record.memory,
        bytes: record.bytes,
    })
}

fn forget_unmarked() {
    UNMARKED.fetch_sub(1, Relaxed);
    // This may have been the last reason for the static key to be on.
    if !has_unmarked() && !OPTIONS.lock().any() {
        sys::defer();
    }
}

/// Whether there are records that are only removed while the static key is on.
pub(crate) fn has_unmarked() -> bool {
    UNMARKED.load(Relaxed) != 0
}

/// Bytes that the records take.
pub(crate) fn bytes() -> usize {
    let count = usize::try_from(LIVE.load(Relaxed)).unwrap_or(0);
    // `kmalloc()` rounds this size up to a power of two.
    count.saturating_mul(size_of::<Record>().next_power_of_two())
}

/// How many blocks have a record, and for how many there was no memory.
pub(crate) fn counts() -> (u64, u64) {
    (LIVE.load(Relaxed), MISSED.load(Relaxed))
}

/// Calls `visit` on the call sites of all records.
pub(crate) fn for_each_site(mut visit: impl FnMut(&CallSite)) {
    for_each(|record| record.stack.sites().for_each(&mut visit));
}
