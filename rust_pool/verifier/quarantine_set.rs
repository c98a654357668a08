// SPDX-License-Identifier: GPL-2.0

//! Which blocks are in quarantine: those that a violation concerned (`policy quarantine`).
//!
//! Their memory is in `pool/quarantine.rs`, or in the slots of special pool.

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
        SpinLockIrq, //
    }, //
};

/// How many blocks there is room for. Others are kept too, but are not given back at unload.
pub(crate) const ROOM: usize = 1024;

static COUNT: Atomic<u64> = Atomic::new(0);
/// Bytes of those that are not special pool's.
static BYTES: Atomic<usize> = Atomic::new(0);
/// How many live blocks go into quarantine when they are freed.
static CONCERNED: Atomic<usize> = Atomic::new(0);
static POLICY: Atomic<u32> = Atomic::new(0);
/// Whether there was no room for one.
static LOST: Atomic<bool> = Atomic::new(false);

/// What is known of a block in quarantine.
struct KeptBlock {
    addr: usize,
    allocated: Option<Stack>,
    freed: Stack,
}

/// What is known of the blocks in quarantine, and the live ones that will go there.
pub(crate) struct Kept {
    freed: KVVec<KeptBlock>,
    concerned: KVVec<usize>,
}

impl Kept {
    /// Nothing.
    pub(crate) const fn new() -> Self {
        Self {
            freed: KVVec::new(),
            concerned: KVVec::new(),
        }
    }
}

/// The blocks of the module.
pub(crate) static KEPT: AtLoad<SpinLockIrq<Kept>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(Kept::new(), "rust_pool::kept"),
        GFP_KERNEL,
    )
});

/// Makes room for what will be known of them. Sleeps; `SWITCHING` is held.
pub(crate) fn open() -> Result {
    if KEPT.lock().freed.capacity() != 0 {
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

/// Sets whether they do, from now on.
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

/// Whether to put a block that is being freed into quarantine. Call this once.
pub(crate) fn take(addr: usize) -> bool {
    if CONCERNED.load(Relaxed) == 0 {
        return false;
    }
    let mut kept = KEPT.lock();
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

/// Counts a block that goes into quarantine, and remembers what is known of it. Any context but
/// NMI.
pub(crate) fn note(addr: usize, bytes: usize) {
    COUNT.add(1, Relaxed);
    BYTES.fetch_add(bytes, Relaxed);
    let known = stacks_of(addr);
    // There is room as long as there is for the memory.
    let _ = KEPT.lock().freed.push_within_capacity(known);
}

/// Records that there was no room for a block.
pub(crate) fn note_lost() {
    LOST.store(true, Relaxed);
}

/// Forgets what is known of them. Sleeps; nobody uses the module any more.
pub(crate) fn exit() {
    let kept = core::mem::replace(&mut *KEPT.lock(), Kept::new());
    drop(kept);
}

/// Who allocated and who freed a block that goes into quarantine, as far as is known.
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

/// Who allocated and who freed a block in quarantine, to look at without the lock.
pub(crate) fn stacks(addr: usize) -> Option<(Option<Stack>, Stack)> {
    let kept = KEPT.lock();
    let block = kept.freed.iter().find(|block| block.addr == addr)?;
    Some((
        block.allocated.as_ref().map(Stack::copy),
        block.freed.copy(),
    ))
}

/// Calls `visit` on all of their call sites.
pub(crate) fn for_each_site(mut visit: impl FnMut(&CallSite)) {
    // Take the lock for one at a time, as others wait for it with interrupts disabled.
    let mut visit_at = |at: usize| {
        let kept = KEPT.lock();
        let block: &KeptBlock = kept.freed.get(at)?;
        let stacks = Iterator::chain(block.allocated.iter(), [&block.freed]);
        stacks.flat_map(Stack::sites).for_each(&mut visit);
        Some(())
    };
    (0..).map_while(&mut visit_at).for_each(drop);
}

/// Counts a block whose memory is not given back, not even at unload.
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

/// Whether something is in quarantine without a record.
pub(crate) fn lost() -> bool {
    LOST.load(Relaxed)
}
