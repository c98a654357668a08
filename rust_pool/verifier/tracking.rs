// SPDX-License-Identifier: GPL-2.0

//! The live blocks that are tracked, each with who allocated it and when.
//!
//! WDK: "Pool Tracking", `!verifier 3`.
//!
//! A record that there is no memory for is counted, and the block is handed out all the same.

use super::{
    stack::Stack,
    MemoryType, //
};
use crate::{
    chain::{
        Chain,
        Link,
        Next, //
    },
    gfp::Request,
    site::Site,
    state,
    sys,
    tag::Tag, //
};
use core::mem::{
    size_of,
    MaybeUninit, //
};
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        SpinLockIrq, //
    }, //
};

const BUCKETS: usize = 256;

static LIVE: Atomic<u64> = Atomic::new(0);
static MISSED: Atomic<u64> = Atomic::new(0);
/// Records of blocks that have neither a header to mark nor a record of their own elsewhere.
static UNMARKED: Atomic<u64> = Atomic::new(0);

/// What is known of a live block.
pub(crate) struct Record {
    next: Next<Record>,
    /// Its number among all that its bucket ever had.
    number: u64,
    pub(crate) addr: usize,
    pub(crate) bytes: usize,
    pub(crate) tag: Option<Tag>,
    pub(crate) memory: MemoryType,
    /// When it was allocated, in nanoseconds since boot.
    pub(crate) time: u64,
    pub(crate) stack: Stack,
}

impl Link for Record {
    fn link(&mut self) -> &mut Next<Self> {
        &mut self.next
    }

    fn next(&self) -> &Next<Self> {
        &self.next
    }
}

/// Records with the same hash.
struct Bucket {
    records: Chain<Record>,
    made: u64,
}

/// All records.
#[pin_data]
pub(crate) struct Records {
    #[pin]
    buckets: [SpinLockIrq<Bucket>; BUCKETS],
}

impl Records {
    /// An empty table.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            buckets <- pin_init::pin_init_array_from_fn(|_| {
                new_spinlock_irq!(Bucket {
                    records: Chain::new(),
                    made: 0,
                }, "rust_pool::tracking")
            }),
        })
    }

    fn bucket(&self, addr: usize) -> &SpinLockIrq<Bucket> {
        let hash = (addr >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
        // PANIC: The index has 8 bits, the array 256 elements; the check is folded away.
        &self.buckets[hash & (BUCKETS - 1)]
    }

    fn insert(&self, mut record: KBox<Record>) {
        let mut bucket = self.bucket(record.addr).lock();
        record.number = bucket.made;
        bucket.made += 1;
        bucket.records.push(record);
    }

    fn remove(&self, addr: usize) -> Option<KBox<Record>> {
        let mut bucket = self.bucket(addr).lock();
        bucket.records.unlink(|record| record.addr == addr)
    }

    /// Size and stack of the block of the C face's pool at an address.
    fn look(&self, addr: usize) -> Option<(usize, Stack)> {
        let bucket = self.bucket(addr).lock();
        let record = bucket.records.iter().find(|record| record.addr == addr)?;
        let has_header = matches!(record.memory, MemoryType::Pool { by_type: false, .. });
        has_header.then(|| (record.bytes, record.stack.copy()))
    }

    /// Calls `visit` on every record that is there throughout, under a lock and with interrupts
    /// disabled.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Record)) {
        if LIVE.load(Relaxed) != 0 {
            for bucket in &self.buckets {
                bucket.lock().records.iter().for_each(&mut visit);
            }
        }
    }

    /// Shows the first record at or behind a position for which `show` has something, and returns
    /// the position behind it. Records that come and go meanwhile move no other.
    pub(crate) fn next(
        &self,
        position: u64,
        mut show: impl FnMut(&Record) -> Option<()>,
    ) -> Option<u64> {
        /// Bits of a position that number the record; those above number the bucket.
        const NUMBER: u32 = 48;
        let mut bucket = position >> NUMBER;
        let mut number = position & ((1 << NUMBER) - 1);
        loop {
            let records = self.buckets.get(usize::try_from(bucket).ok()?)?.lock();
            while let Some(record) = records
                .records
                .iter()
                .filter(|record| record.number >= number)
                .min_by_key(|record| record.number)
            {
                number = record.number + 1;
                if show(record).is_some() {
                    return Some(bucket << NUMBER | number);
                }
            }
            bucket += 1;
            number = 0;
        }
    }
}

/// Records a block if blocks like it are tracked. Any context but NMI.
pub(crate) fn add(addr: usize, bytes: usize, tag: Option<Tag>, memory: MemoryType, caller: usize) {
    let state = state::get();
    let unmarked = matches!(memory, MemoryType::Pool { by_type: true, .. });
    {
        let options = state.verifier.lock();
        if !options.records(tag) {
            return;
        }
        // Counted while the options cannot change: see `switch::update()`.
        if unmarked {
            UNMARKED.add(1, Relaxed);
        }
    }
    let request = Request {
        bytes: size_of::<Record>(),
        zero: false,
        sleep: false,
    };
    let Some(room) = request.attempt(|gfp| sys::kmalloc(request.bytes, gfp)) else {
        MISSED.add(1, Relaxed);
        if unmarked {
            forget_unmarked();
        }
        return;
    };
    // SAFETY: The memory comes from kmalloc, is large enough and suitably aligned.
    let room = unsafe { KBox::<MaybeUninit<Record>>::from_raw(room.as_ptr().cast()) };
    let record = KBox::write(
        room,
        Record {
            next: Next::none(),
            number: 0,
            addr,
            bytes,
            tag,
            memory,
            time: sys::uptime(),
            stack: Stack::capture(caller),
        },
    );
    LIVE.add(1, Relaxed);
    state.records.insert(record);
}

/// Forgets the block at `addr`, if it is tracked. Any context but NMI.
pub(crate) fn remove(addr: usize) {
    if LIVE.load(Relaxed) == 0 {
        return;
    }
    let Some(record) = state::get().records.remove(addr) else {
        return;
    };
    LIVE.fetch_sub(1, Relaxed);
    if matches!(record.memory, MemoryType::Pool { by_type: true, .. }) {
        forget_unmarked();
    }
}

/// Prints who allocated the block at `addr`, if it is tracked.
pub(crate) fn tell(addr: usize) {
    if let Some((_, stack)) = state::get().records.look(addr) {
        pr_err!("  allocated by {stack}\n");
    }
}

/// The size of the pool block at `addr`, if it is tracked.
pub(crate) fn block(addr: usize) -> Option<usize> {
    if LIVE.load(Relaxed) == 0 {
        return None;
    }
    state::get().records.look(addr).map(|(bytes, _)| bytes)
}

fn forget_unmarked() {
    UNMARKED.fetch_sub(1, Relaxed);
    // The branch may be in the way for nothing now.
    if !has_unmarked() && !state::get().verifier.lock().any() {
        sys::defer();
    }
}

/// Whether there are records of blocks that only the branch leads here when they go.
pub(crate) fn has_unmarked() -> bool {
    UNMARKED.load(Relaxed) != 0
}

/// Blocks that are tracked, and how often there was no memory for a record.
pub(crate) fn counts() -> (u64, u64) {
    (LIVE.load(Relaxed), MISSED.load(Relaxed))
}

/// Calls `visit` on all places in code that records name.
pub(crate) fn for_each_site(mut visit: impl FnMut(&Site)) {
    state::get()
        .records
        .for_each(|record| record.stack.sites().for_each(&mut visit));
}
