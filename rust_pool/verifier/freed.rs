// SPDX-License-Identifier: GPL-2.0

//! The recorded blocks that were freed most recently, so that the report of a second free can
//! describe the first.

use crate::{
    callers::{
        call_site::CallSite,
        stack::Stack, //
    },
    lib::at_load::AtLoad,
    sys,
    types::{
        memory_type::MemoryType,
        tag::Tag, //
    },
    verifier::record::Record, //
};
use core::mem::size_of;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

/// How many freed blocks are remembered.
const KNOWN: usize = 1024;

/// A recorded block that was freed.
struct FreedBlock {
    record: KBox<Record>,
    freed: Stack,
    /// When it was freed, in nanoseconds since boot.
    time: u64,
}

/// A ring of the newest freed blocks. When it is full, the oldest is at `next`.
pub(crate) struct Freed {
    blocks: KVVec<Option<FreedBlock>>,
    next: usize,
}

impl Freed {
    /// A ring without blocks, and without room for any.
    pub(crate) const fn new() -> Self {
        Self {
            blocks: KVVec::new(),
            next: 0,
        }
    }

    /// Puts a block in and takes the oldest out, which the caller drops after it has released the
    /// lock.
    fn exchange(&mut self, block: FreedBlock) -> Option<FreedBlock> {
        let room = self.blocks.len();
        match self.blocks.get_mut(self.next) {
            Some(place) => {
                self.next = (self.next + 1) % room;
                place.replace(block)
            }
            None => Some(block),
        }
    }

    /// The newest block at an address for whose record `is_it` returns `true`.
    fn find(&self, addr: usize, is_it: impl Fn(&Record) -> bool) -> Option<&FreedBlock> {
        let (newer, older) = self.blocks.split_at_checked(self.next)?;
        let mut newest_first = Iterator::chain(newer.iter().rev(), older.iter().rev()).flatten();
        newest_first.find(|block| block.record.addr == addr && is_it(&block.record))
    }
}

/// The blocks of the module.
pub(crate) static FREED: AtLoad<SpinLockIrq<Freed>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(Freed::new(), "rust_pool::freed"),
        GFP_KERNEL,
    )
});

/// What is known of a block that was freed.
pub(crate) struct Known {
    pub(crate) allocated: Option<Stack>,
    pub(crate) freed: Stack,
    bytes: usize,
    memory: MemoryType,
    /// When it was freed, in nanoseconds since boot.
    time: u64,
}

impl Known {
    /// Prints it. Any context but NMI.
    pub(crate) fn print(self) {
        let age = sys::uptime().saturating_sub(self.time) / 1_000_000;
        let (seconds, millis) = (age / 1000, age % 1000);
        if self.memory == MemoryType::Adapter {
            pr_err!("  an adapter, put back {seconds}.{millis:03} seconds ago\n");
        } else {
            let bytes = self.bytes;
            pr_err!("  a block of {bytes} bytes, freed {seconds}.{millis:03} seconds ago\n");
        }
        print((self.allocated, self.freed));
    }
}

/// Whether there is room for blocks. Any context but NMI.
pub(crate) fn is_open() -> bool {
    !FREED.lock().blocks.is_empty()
}

/// Makes room for the blocks. Sleeps; the caller holds `SWITCHING`.
pub(crate) fn open() -> Result {
    if is_open() {
        return Ok(());
    }
    let mut blocks = KVVec::with_capacity(KNOWN, GFP_KERNEL | __GFP_NOWARN)?;
    for _ in 0..KNOWN {
        blocks.push(None, GFP_KERNEL)?;
    }
    *FREED.lock() = Freed { blocks, next: 0 };
    Ok(())
}

/// Forgets all blocks. Sleeps; the caller holds `SWITCHING`, or nobody uses the module any more.
pub(crate) fn close() {
    let freed = core::mem::replace(&mut *FREED.lock(), Freed::new());
    drop(freed);
}

/// Remembers a block that is being freed. Any context but NMI.
pub(crate) fn remember(record: KBox<Record>) {
    if !is_open() {
        return;
    }
    let block = FreedBlock {
        record,
        freed: Stack::of_caller(),
        time: sys::uptime(),
    };
    let oldest = FREED.lock().exchange(block);
    drop(oldest);
}

/// What is known of the block with this tag that was freed last at `addr`. Tag 0 stands for any.
pub(crate) fn look(addr: usize, tag: Tag) -> Option<Known> {
    find(addr, |record| tag.as_raw() == 0 || record.tag == Some(tag))
}

fn find(addr: usize, is_it: impl Fn(&Record) -> bool) -> Option<Known> {
    let freed = FREED.lock();
    let block = freed.find(addr, is_it)?;
    Some(Known {
        allocated: Some(block.record.stack.copy()),
        freed: block.freed.copy(),
        bytes: block.record.bytes,
        memory: block.record.memory,
        time: block.time,
    })
}

/// Bytes that the ring takes, and the records in it.
pub(crate) fn bytes() -> usize {
    let freed = FREED.lock();
    let records = freed.blocks.iter().flatten().count();
    let list = freed
        .blocks
        .len()
        .saturating_mul(size_of::<Option<FreedBlock>>());
    list.saturating_add(records.saturating_mul(size_of::<Record>().next_power_of_two()))
}

/// Prints what is known of the last free of memory of this type at `addr`. Any context but NMI.
pub(crate) fn tell_of(memory: MemoryType, addr: usize) {
    if let Some(known) = find(addr, |record| record.memory == memory) {
        known.print();
    }
}

/// Prints who allocated and who freed a block.
pub(crate) fn print((allocated, freed): (Option<Stack>, Stack)) {
    if let Some(allocated) = allocated {
        allocated.print(fmt!("allocated by"));
    }
    freed.print(fmt!("freed by"));
}

/// Calls `visit` on all call sites of the blocks.
pub(crate) fn for_each_site(mut visit: impl FnMut(&CallSite)) {
    // Take the lock for one block at a time, as others wait for it with interrupts disabled.
    let mut visit_at = |at: usize| {
        let freed = FREED.lock();
        let block = freed.blocks.get(at)?.as_ref();
        let stacks = block.map(|block| [&block.record.stack, &block.freed]);
        stacks
            .into_iter()
            .flatten()
            .flat_map(Stack::sites)
            .for_each(&mut visit);
        Some(())
    };
    (0..).map_while(&mut visit_at).for_each(drop);
}
