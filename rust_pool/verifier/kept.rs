// SPDX-License-Identifier: GPL-2.0

//! Blocks that a violation concerned, which are never handed out again: `policy quarantine`.
//!
//! They stay as they are until the module goes. Those of special pool are kept in its own slots.

use crate::{
    backing,
    class::Class,
    header::PageHeader,
    pages,
    region::Region,
    small,
    state, //
};
use core::ptr::NonNull;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// How many blocks there is room for. Others are kept as well, but for ever.
const ROOM: usize = 1024;

static COUNT: Atomic<u64> = Atomic::new(0);
/// How many live blocks are to be kept when they are freed.
static CONCERNED: Atomic<usize> = Atomic::new(0);
static POLICY: Atomic<u32> = Atomic::new(0);
/// Whether there was no room for one.
static LOST: Atomic<bool> = Atomic::new(false);

/// Memory that is kept.
pub(crate) enum Memory {
    Object(NonNull<u8>, Class),
    Pages(NonNull<u8>, PageHeader),
    Region(KBox<Region>),
}

// SAFETY: It owns the memory.
unsafe impl Send for Memory {}

/// What is kept, and the live blocks that will be.
pub(crate) struct Kept {
    memory: KVVec<Memory>,
    concerned: KVVec<usize>,
}

impl Kept {
    /// Nothing.
    pub(crate) const fn new() -> Self {
        Self {
            memory: KVVec::new(),
            concerned: KVVec::new(),
        }
    }
}

/// Makes room for what will be kept. Sleeps; `verifier_switch` is held.
pub(crate) fn open() -> Result {
    if state::get().kept.lock().memory.capacity() != 0 {
        return Ok(());
    }
    let room = GFP_KERNEL | __GFP_NOWARN;
    let new = Kept {
        memory: KVVec::with_capacity(ROOM, room)?,
        concerned: KVVec::with_capacity(ROOM, room)?,
    };
    *state::get().kept.lock() = new;
    Ok(())
}

/// Whether blocks that a violation concerns are kept.
pub(crate) fn quarantines() -> bool {
    POLICY.load(Relaxed) != 0
}

/// Says whether they are, from now on.
pub(crate) fn set(quarantines: bool) {
    POLICY.store(quarantines.into(), Relaxed);
}

/// Has a live block kept when it is freed, if that is the policy. Any context but NMI.
#[cold]
pub(crate) fn concern(addr: usize) {
    if !quarantines() {
        return;
    }
    let mut kept = state::get().kept.lock();
    if kept.concerned.contains(&addr) {
        return;
    }
    if kept.concerned.push_within_capacity(addr).is_ok() {
        CONCERNED.add(1, Relaxed);
    }
}

/// Whether a block that is being freed is to be kept, which is asked once.
pub(crate) fn take(addr: usize) -> bool {
    if CONCERNED.load(Relaxed) == 0 {
        return false;
    }
    let mut kept = state::get().kept.lock();
    let at = kept.concerned.iter().position(|&it| it == addr);
    let Some(at) = at else {
        return false;
    };
    // The order does not matter.
    if let (Some(last), Some(place)) = (kept.concerned.pop(), kept.concerned.get_mut(at)) {
        *place = last;
    }
    CONCERNED.fetch_sub(1, Relaxed);
    true
}

/// Keeps memory that nobody has. Any context but NMI.
pub(crate) fn keep(memory: Memory) {
    COUNT.add(1, Relaxed);
    let mut kept = state::get().kept.lock();
    if let Err(full) = kept.memory.push_within_capacity(memory) {
        drop(kept);
        LOST.store(true, Relaxed);
        core::mem::forget(full);
    }
}

/// Counts a block that is kept elsewhere.
pub(crate) fn count_one() {
    COUNT.add(1, Relaxed);
}

/// How many blocks were kept.
pub(crate) fn count() -> u64 {
    COUNT.load(Relaxed)
}

/// Whether something is kept that nobody knows of any more.
pub(crate) fn lost() -> bool {
    LOST.load(Relaxed)
}

/// Gives back what was kept. Sleeps; nobody uses the module any more.
pub(crate) fn exit() {
    let kept = core::mem::replace(&mut *state::get().kept.lock(), Kept::new());
    for memory in kept.memory {
        // SAFETY: Nobody had any of these when they came to be kept.
        unsafe {
            match memory {
                Memory::Object(object, class) => small::free_object(class, object),
                Memory::Pages(block, header) => pages::give(block, header),
                Memory::Region(region) => backing::free_pages(region.base, region.asked),
            }
        }
    }
}
