// SPDX-License-Identifier: GPL-2.0

//! Which blocks are in quarantine, because a violation concerned them (`policy quarantine`).
//!
//! `pool/quarantine.rs` keeps their memory; blocks of special pool stay in their slots.

use crate::{
    callers::{
        call_site::CallSite,
        stack::Stack, //
    },
    lib::at_load::AtLoad,
    types::tag::Tag,
    verifier::freed, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        rcu,
        SpinLockIrq, //
    }, //
};

/// For how many blocks there is room. More are kept as well, but never given back, not even at
/// unload.
pub(crate) const ROOM: usize = 1024;

/// How many blocks went into quarantine.
static COUNT: Atomic<u64> = Atomic::new(0);
/// Bytes of those that are not in special pool.
static BYTES: Atomic<usize> = Atomic::new(0);
/// How many live blocks are marked, to go into quarantine when they are freed.
static CONCERNED: Atomic<usize> = Atomic::new(0);
/// Whether `policy quarantine` is set.
static POLICY: Atomic<u32> = Atomic::new(0);
/// Whether a block is never given back, as there was no room for it.
static LOST: Atomic<bool> = Atomic::new(false);

/// What is known of a block in quarantine.
struct KeptBlock {
    addr: usize,
    allocated: Option<Stack>,
    freed: Stack,
}

/// What is known of the blocks in quarantine, and the addresses of live blocks that will go there.
pub(crate) struct Kept {
    freed: KVVec<KeptBlock>,
    concerned: KVVec<usize>,
}

impl Kept {
    /// No blocks, and no room for any.
    pub(crate) const fn new() -> Self {
        Self {
            freed: KVVec::new(),
            concerned: KVVec::new(),
        }
    }
}

/// The blocks in quarantine.
pub(crate) static KEPT: AtLoad<SpinLockIrq<Kept>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(Kept::new(), "rust_pool::kept"),
        GFP_KERNEL,
    )
});

/// Whether there is room for what will be known of blocks. Any context but NMI.
pub(crate) fn is_open() -> bool {
    KEPT.lock().freed.capacity() != 0
}

/// Makes room for what will be known of the blocks. Sleeps; the caller holds `SWITCHING`.
pub(crate) fn open() -> Result {
    if is_open() {
        return Ok(());
    }
    let room = GFP_KERNEL | __GFP_NOWARN;
    let new = Kept {
        freed: KVVec::with_capacity(ROOM, room)?,
        concerned: KVVec::with_capacity(ROOM, room)?,
    };
    *KEPT.lock() = new;
    Ok(())
}

/// Whether blocks that a violation concerns go into quarantine.
pub(crate) fn quarantines() -> bool {
    POLICY.load(Relaxed) != 0
}

/// Sets whether blocks that a violation concerns go into quarantine.
pub(crate) fn set(quarantines: bool) {
    POLICY.store(quarantines.into(), Relaxed);
}

/// Marks a live block for quarantine when it is freed, if that is the policy. Any context but NMI.
#[cold]
pub(crate) fn quarantine_on_free(addr: usize) {
    if !quarantines() {
        return;
    }
    let mut kept = KEPT.lock();
    if kept.concerned.contains(&addr) {
        return;
    }
    if kept.concerned.push_within_capacity(addr).is_ok() {
        CONCERNED.add(1, Relaxed);
    }
}

/// Whether a block that is being freed is marked for quarantine. Removes the mark.
pub(crate) fn take(addr: usize) -> bool {
    if CONCERNED.load(Relaxed) == 0 {
        return false;
    }
    let mut kept = KEPT.lock();
    let at = kept.concerned.iter().position(|&it| it == addr);
    let Some(at) = at else {
        return false;
    };
    // Put the last element in its place: the order does not matter.
    if let (Some(last), Some(place)) = (kept.concerned.pop(), kept.concerned.get_mut(at)) {
        *place = last;
    }
    CONCERNED.fetch_sub(1, Relaxed);
    true
}

/// Counts a block that goes into quarantine, and keeps what is known of it. Any context but NMI.
pub(crate) fn note(addr: usize, bytes: usize) {
    COUNT.add(1, Relaxed);
    BYTES.fetch_add(bytes, Relaxed);
    // Until its stacks are here: `for_each_other_site()` in events/unload.rs waits for them.
    let _copying = rcu::read_lock();
    let known = stacks_of(addr);
    // If there is no room here, the list of the memory has none either, and `note_lost()` counts
    // the block.
    let _ = KEPT.lock().freed.push_within_capacity(known);
}

/// Notes that there was no room for a block, so its memory is never given back.
pub(crate) fn note_lost() {
    LOST.store(true, Relaxed);
}

/// Forgets what is known of the blocks. Sleeps; nobody uses the module any more.
pub(crate) fn exit() {
    let kept = core::mem::replace(&mut *KEPT.lock(), Kept::new());
    drop(kept);
}

/// Who allocated and who freed a block that goes into quarantine, as far as that is known.
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

/// Who allocated and who freed a block in quarantine: copies, to read without the lock.
pub(crate) fn stacks(addr: usize) -> Option<(Option<Stack>, Stack)> {
    let kept = KEPT.lock();
    let block = kept.freed.iter().find(|block| block.addr == addr)?;
    Some((
        block.allocated.as_ref().map(Stack::copy),
        block.freed.copy(),
    ))
}

/// Calls `visit` on all call sites of the blocks.
pub(crate) fn for_each_site(mut visit: impl FnMut(&CallSite)) {
    // Take the lock for one block at a time, as others wait for it with interrupts disabled.
    let mut visit_at = |at: usize| {
        let kept = KEPT.lock();
        let block: &KeptBlock = kept.freed.get(at)?;
        let stacks = Iterator::chain(block.allocated.iter(), [&block.freed]);
        stacks.flat_map(Stack::sites).for_each(&mut visit);
        Some(())
    };
    (0..).map_while(&mut visit_at).for_each(drop);
}

/// Counts a block whose memory is never given back, not even at unload.
pub(crate) fn lose() {
    COUNT.add(1, Relaxed);
    LOST.store(true, Relaxed);
}

/// Counts a block whose memory is kept elsewhere.
pub(crate) fn count_one() {
    COUNT.add(1, Relaxed);
}

/// How many blocks went into quarantine.
pub(crate) fn count() -> u64 {
    COUNT.load(Relaxed)
}

/// Bytes of the blocks that are not in slots of special pool.
pub(crate) fn bytes() -> usize {
    BYTES.load(Relaxed)
}

/// Whether a block is never given back, as there was no room for it.
pub(crate) fn lost() -> bool {
    LOST.load(Relaxed)
}
