// SPDX-License-Identifier: GPL-2.0

//! Which blocks are kept: those that a violation concerned, by `policy quarantine`.
//!
//! Their memory is kept by who has it: see `pool/quarantine.rs`, and the slots of special pool.

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

/// How many blocks there is room for. Others are kept as well, but for ever.
pub(crate) const ROOM: usize = 1024;

static COUNT: Atomic<u64> = Atomic::new(0);
/// Bytes of those that are not special pool's.
static BYTES: Atomic<usize> = Atomic::new(0);
/// How many live blocks are to be kept when they are freed.
static CONCERNED: Atomic<usize> = Atomic::new(0);
static POLICY: Atomic<u32> = Atomic::new(0);
/// Whether there was no room for one.
static LOST: Atomic<bool> = Atomic::new(false);

/// What is known of a block that is kept.
struct KeptBlock {
    addr: usize,
    allocated: Option<Stack>,
    freed: Stack,
}

/// What is known of the blocks that are kept, and the live ones that will be.
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

/// Whether a block that is being freed is to be kept, which is asked once.
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

/// Counts a block that is kept from now on, and remembers what is known of it. Any context but NMI.
pub(crate) fn note(addr: usize, bytes: usize) {
    COUNT.add(1, Relaxed);
    BYTES.fetch_add(bytes, Relaxed);
    let known = stacks_of(addr);
    // There is room as long as there is for the memory.
    let _ = KEPT.lock().freed.push_within_capacity(known);
}

/// Says that there was no room for one, which nobody knows of any more.
pub(crate) fn note_lost() {
    LOST.store(true, Relaxed);
}

/// Forgets what is known of them. Sleeps; nobody uses the module any more.
pub(crate) fn exit() {
    let kept = core::mem::replace(&mut *KEPT.lock(), Kept::new());
    drop(kept);
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
    let kept = KEPT.lock();
    let block = kept.freed.iter().find(|block| block.addr == addr)?;
    Some((
        block.allocated.as_ref().map(Stack::copy),
        block.freed.copy(),
    ))
}

/// Calls `visit` on all places in code that these name.
pub(crate) fn for_each_site(mut visit: impl FnMut(&CallSite)) {
    // One after the other, for whoever waits has interrupts disabled.
    let mut visit_at = |at: usize| {
        let kept = KEPT.lock();
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
