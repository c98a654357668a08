// SPDX-License-Identifier: GPL-2.0

//! Blocks that a violation concerned, which are never handed out again: `policy quarantine`.
//!
//! They stay as they are until the module goes. Those of special pool are kept in its own slots.

use super::{
    freed,
    stack::Stack, //
};
use crate::{
    backing,
    class::Class,
    header::{
        PageHeader,
        UNIT, //
    },
    pages,
    region::Region,
    site::Site,
    small,
    state,
    sys,
    tag::Tag, //
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
/// Bytes of those that are not special pool's.
static BYTES: Atomic<usize> = Atomic::new(0);
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

impl Memory {
    /// Where its block was.
    fn addr(&self) -> usize {
        match self {
            Self::Object(object, _) => object.as_ptr() as usize + UNIT,
            Self::Pages(block, _) => block.as_ptr() as usize,
            Self::Region(region) => region.addr(),
        }
    }
}

impl Memory {
    /// How much it is.
    fn bytes(&self) -> usize {
        match self {
            Self::Object(_, class) => class.bytes(),
            Self::Pages(_, header) => sys::page_align(header.bytes()).unwrap_or(0),
            Self::Region(region) => region.used,
        }
    }
}

/// What is known of a block that is kept.
struct KeptBlock {
    addr: usize,
    allocated: Option<Stack>,
    freed: Stack,
}

/// What is kept, and the live blocks that will be.
pub(crate) struct Kept {
    memory: KVVec<Memory>,
    /// What is known of each.
    freed: KVVec<KeptBlock>,
    concerned: KVVec<usize>,
}

impl Kept {
    /// Nothing.
    pub(crate) const fn new() -> Self {
        Self {
            memory: KVVec::new(),
            freed: KVVec::new(),
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
        freed: KVVec::with_capacity(ROOM, room)?,
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
    BYTES.fetch_add(memory.bytes(), Relaxed);
    let addr = memory.addr();
    let known = stacks_of(addr);
    let mut kept = state::get().kept.lock();
    // There is room as long as there is for the memory.
    let _ = kept.freed.push_within_capacity(known);
    if let Err(full) = kept.memory.push_within_capacity(memory) {
        drop(kept);
        LOST.store(true, Relaxed);
        core::mem::forget(full);
    }
}

/// Who allocated and who freed a block that is about to be kept, as far as is known.
fn stacks_of(addr: usize) -> KeptBlock {
    let (allocated, freed) = match freed::look(addr, Tag::from_raw(0)) {
        Some(known) => (known.allocated, known.freed),
        None => (None, Stack::of_caller()),
    };
    KeptBlock {
        addr,
        allocated,
        freed,
    }
}

/// Who allocated and who freed a block that is kept, to look at without the lock.
pub(crate) fn stacks(addr: usize) -> Option<(Option<Stack>, Stack)> {
    let kept = state::get().kept.lock();
    let block = kept.freed.iter().find(|block| block.addr == addr)?;
    Some((
        block.allocated.as_ref().map(Stack::copy),
        block.freed.copy(),
    ))
}

/// Calls `visit` on all places in code that these name.
pub(crate) fn for_each_site(mut visit: impl FnMut(&Site)) {
    // One after the other, for whoever waits has interrupts disabled.
    let mut visit_at = |at: usize| {
        let kept = state::get().kept.lock();
        let block: &KeptBlock = kept.freed.get(at)?;
        let stacks = Iterator::chain(block.allocated.iter(), [&block.freed]);
        stacks.flat_map(Stack::sites).for_each(&mut visit);
        Some(())
    };
    (0..).map_while(&mut visit_at).for_each(drop);
}

/// Counts a block whose memory is not used again, by the module's end either.
pub(crate) fn lose() {
    COUNT.add(1, Relaxed);
    LOST.store(true, Relaxed);
}

/// Counts a block that is kept elsewhere.
pub(crate) fn count_one() {
    COUNT.add(1, Relaxed);
}

/// How many blocks were kept.
pub(crate) fn count() -> u64 {
    COUNT.load(Relaxed)
}

/// Bytes of those that are not in slots of special pool.
pub(crate) fn bytes() -> usize {
    BYTES.load(Relaxed)
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
