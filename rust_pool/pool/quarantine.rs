// SPDX-License-Identifier: GPL-2.0

//! Quarantine (`policy quarantine`): keeps the memory of blocks that a violation concerned, so that
//! it is never handed out again.
//!
//! The memory stays as it is until the module is unloaded. Blocks of special pool stay in their
//! places there.

use crate::{
    lib::at_load::AtLoad,
    memory::{
        object::Claimed,
        sampled::Sampled, //
    },
    pool::pages,
    record::{
        backlog::Batch,
        Region, //
    },
    verifier::quarantine_set::{
        self,
        ROOM, //
    }, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

/// Memory in quarantine.
pub(crate) enum Memory {
    /// An object, and the address of its block.
    Object(Claimed, usize),
    /// An object that KFENCE watches, the address of its block, and how many bytes that had.
    Sampled(Sampled, usize, usize),
    /// A block of pages.
    Pages(pages::Freed),
    /// A large block of pool.
    Region(KBox<Region>),
}

impl Memory {
    /// The address of the block.
    fn addr(&self) -> usize {
        match self {
            Self::Object(_, addr) | Self::Sampled(_, addr, _) => *addr,
            Self::Pages(pages) => pages.addr(),
            Self::Region(region) => region.addr(),
        }
    }
}

impl Memory {
    /// The bytes of memory.
    fn bytes(&self) -> usize {
        match self {
            Self::Object(object, _) => object.class().bytes(),
            Self::Sampled(.., bytes) => *bytes,
            Self::Pages(pages) => pages.bytes(),
            Self::Region(region) => region.used,
        }
    }
}

/// The memory in quarantine.
pub(crate) static MEMORY: AtLoad<SpinLockIrq<KVVec<Memory>>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(KVVec::new(), "rust_pool::kept_memory"),
        GFP_KERNEL,
    )
});

/// Makes room for the quarantine. Sleeps; the caller holds `SWITCHING`.
pub(crate) fn open() -> Result {
    quarantine_set::open()?;
    if MEMORY.lock().capacity() != 0 {
        return Ok(());
    }
    let new = KVVec::with_capacity(ROOM, GFP_KERNEL | __GFP_NOWARN)?;
    *MEMORY.lock() = new;
    Ok(())
}

/// Puts memory of a freed block into quarantine. Any context but NMI.
pub(crate) fn keep(memory: Memory) {
    quarantine_set::note(memory.addr(), memory.bytes());
    let mut kept = MEMORY.lock();
    if let Err(full) = kept.push_within_capacity(memory) {
        drop(kept);
        quarantine_set::note_lost();
        core::mem::forget(full);
    }
}

/// Frees the memory in quarantine, and large blocks by `give_back`. Sleeps; nobody uses the module
/// any more.
pub(crate) fn exit(give_back: impl Fn(Batch)) {
    quarantine_set::exit();
    let kept = core::mem::replace(&mut *MEMORY.lock(), KVVec::new());
    for memory in kept {
        match memory {
            Memory::Object(object, _) => object.free(),
            Memory::Sampled(object, ..) => object.free(),
            Memory::Pages(pages) => pages.give(),
            Memory::Region(region) => give_back(Batch::of(region)),
        }
    }
}
