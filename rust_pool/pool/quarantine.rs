// SPDX-License-Identifier: GPL-2.0

//! Quarantine: the memory of blocks that a violation concerned, which is never handed out again
//! (`policy quarantine`).
//!
//! It stays as it is until the module is unloaded. Blocks of special pool stay in their slots.

use crate::{
    header::PageHeader,
    lib::at_load::AtLoad,
    memory::{
        large,
        size_class::Class, //
    },
    pool::{
        pages,
        small, //
    },
    record::Region,
    sys,
    verifier::quarantine_set::{
        self,
        ROOM, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

/// Memory in quarantine.
pub(crate) enum Memory {
    /// An object, and where its block was.
    Object(NonNull<u8>, Class, usize),
    Pages(NonNull<u8>, PageHeader),
    Region(KBox<Region>),
}

// SAFETY: It owns the memory.
unsafe impl Send for Memory {}

impl Memory {
    /// Where its block was.
    fn addr(&self) -> usize {
        match self {
            Self::Object(_, _, addr) => *addr,
            Self::Pages(block, _) => block.as_ptr() as usize,
            Self::Region(region) => region.addr(),
        }
    }
}

impl Memory {
    /// How much it is.
    fn bytes(&self) -> usize {
        match self {
            Self::Object(_, class, _) => class.bytes(),
            Self::Pages(_, header) => sys::page_align(header.bytes()).unwrap_or(0),
            Self::Region(region) => region.used,
        }
    }
}

/// Everything in quarantine.
pub(crate) static MEMORY: AtLoad<SpinLockIrq<KVVec<Memory>>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(KVVec::new(), "rust_pool::kept_memory"),
        GFP_KERNEL,
    )
});

/// Makes room for the quarantine. Sleeps; `SWITCHING` is held.
pub(crate) fn open() -> Result {
    quarantine_set::open()?;
    if MEMORY.lock().capacity() != 0 {
        return Ok(());
    }
    let new = KVVec::with_capacity(ROOM, GFP_KERNEL | __GFP_NOWARN)?;
    *MEMORY.lock() = new;
    Ok(())
}

/// Puts memory into quarantine that nobody uses. Any context but NMI.
pub(crate) fn keep(memory: Memory) {
    quarantine_set::note(memory.addr(), memory.bytes());
    let mut kept = MEMORY.lock();
    if let Err(full) = kept.push_within_capacity(memory) {
        drop(kept);
        quarantine_set::note_lost();
        core::mem::forget(full);
    }
}

/// Gives back what is in quarantine. Sleeps; nobody uses the module any more.
pub(crate) fn exit() {
    quarantine_set::exit();
    let kept = core::mem::replace(&mut *MEMORY.lock(), KVVec::new());
    for memory in kept {
        // SAFETY: Nobody used any of these when they were put into quarantine.
        unsafe {
            match memory {
                Memory::Object(object, class, _) => small::free_object(class, object),
                Memory::Pages(block, header) => pages::give(block, header),
                Memory::Region(region) => large::free_pages(region.base, region.asked),
            }
        }
    }
}
