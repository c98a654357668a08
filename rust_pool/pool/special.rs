// SPDX-License-Identifier: GPL-2.0

//! Special pool: each block has a page of its own between two unmapped pages.
//!
//! WDK: "Special Pool", "Bug Check 0xC1: SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION", "Bug Check 0xCC:
//! PAGE_FAULT_IN_FREED_SPECIAL_POOL", "Bug Check 0xCD: PAGE_FAULT_BEYOND_END_OF_ALLOCATION".
//!
//! An access to an unmapped page faults at once. A write to the rest of the block's own page is
//! found when the block is freed.

pub(crate) mod arena;

use crate::{
    callers::{
        call_site::CallSite,
        stack::Stack, //
    },
    header::LARGEST,
    lib::{
        at_load::AtLoad,
        export::matches_header,
        text::Text, //
    },
    memory::{
        request::{
            self,
            Request, //
        },
        zeroing, //
    },
    options::{
        policy::Tolerated,
        selection::Who,
        Side,
        Word,
        OPTIONS, //
    },
    pool::{
        bad_free,
        special::arena::{
            Arena,
            Block,
            Found,
            Place, //
        },
        wish::Wish, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    stats::tag_stats::TagStats,
    sys::{
        self,
        GuardedPages,
        ShownPage,
        PAGE_SIZE, //
    },
    trace,
    types::{
        memory_type::{
            Known,
            MemoryType, //
        },
        tag::{
            PoolKind,
            Tag, //
        }, //
    },
    verifier::{
        poison,
        quarantine_set,
        tracking, //
    }, //
};
use core::ptr::NonNull;
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

static SERVED: Atomic<u64> = Atomic::new(0);
static MISSED: Atomic<u64> = Atomic::new(0);

/// The offset of a block of `bytes` bytes in its page.
fn offset(side: Side, bytes: usize, align: usize) -> usize {
    match side {
        // A larger block begins at a page boundary in normal pool, so it does so here.
        Side::End if bytes <= LARGEST => PAGE_SIZE.saturating_sub(bytes) & !(align - 1),
        Side::Start | Side::End => 0,
    }
}

/// The arena of special pool, if there is one.
///
/// It is only replaced or dropped while it has no live place. So a [`Place`] may be used without
/// the lock, from [`Arena::take`] or [`Arena::claim`] until [`Arena::put`].
pub(crate) static ARENA: AtLoad<SpinLockIrq<Option<Arena>>> =
    AtLoad::new(|| KBox::pin_init(new_spinlock_irq!(None, "rust_pool::special"), GFP_KERNEL));

/// Calls `act` with the arena, if there is one, while holding its lock.
fn with<T>(act: impl FnOnce(&mut Arena) -> T) -> Option<T> {
    let mut special = ARENA.lock();
    (*special).as_mut().map(act)
}

/// Allocates a block from special pool, if the options or the caller ask for it and there is room.
/// Any context but NMI.
pub(crate) fn allocate(
    request: Request,
    wish: Wish,
    kind: PoolKind,
    tag: Tag,
    row: &'static TagStats,
    caller: usize,
) -> Option<NonNull<u8>> {
    let bytes = request.bytes;
    let chosen = Word::Special
        .is_on()
        .then(|| {
            let who = Who::of(caller);
            OPTIONS.lock().special(tag, bytes, &who)
        })
        .flatten();
    let side = match chosen {
        Some(side) => wish.side.unwrap_or(side),
        None if wish.special && bytes <= PAGE_SIZE => wish.side.unwrap_or(Side::End),
        None => return None,
    };
    let place = with(Arena::take).flatten();
    let Some(place) = place else {
        if chosen.is_some() {
            MISSED.add(1, Relaxed);
        }
        return None;
    };
    let place = place.show();
    let page = &place.page;
    let offset = offset(side, bytes, wish.align());
    let new = if zeroing::zeroes(request.zero) {
        0
    } else {
        poison::NEW
    };
    poison::fill_all(page.bytes(..offset), poison::AROUND);
    poison::fill_all(page.bytes(offset..offset + bytes), new);
    poison::fill_all(page.bytes(offset + bytes..), poison::AROUND);
    let block = NonNull::from(page.bytes(offset..)).cast::<u8>();
    row.charge(bytes, PAGE_SIZE);
    SERVED.add(1, Relaxed);
    let addr = block.as_ptr() as usize;
    let known = Block {
        addr,
        bytes,
        tag,
        kind,
        row,
        allocated: Stack::capture(caller),
        freed: None,
    };
    with(|arena| arena.publish(place, known));
    Some(block)
}

/// Frees the block at an address in the arena, or reports the violation. Any context but NMI.
pub(crate) fn free(addr: usize, tag: Tag, caller: usize) {
    let admits = |block: &Block| tag == block.tag || tag.as_raw() == 0;
    let found = with(|arena| arena.claim(addr, admits));
    let (found, place) = found.unwrap_or((Found::Nothing, None));
    let (violation, block) = match (found, place) {
        (Found::Live(block), Some(place)) => return release(&block, place, caller),
        (Found::Live(block), None) => {
            return wrong_tag(&block, addr, tag, caller);
        }
        (Found::Freed(block), _) => (bad_free::freed_twice(addr, block.tag, caller), block),
        (Found::Inside(block), _) => (bad_free::inside(addr, caller), block),
        (Found::Nothing, _) => return bad_free::not_from_pool(addr, caller).report(),
    };
    keep(&block);
    violation.report_with(|| tell(&block, addr));
}

/// Reports the free of a block with another tag than its own, and carries it out if that is the
/// policy.
#[cold]
fn wrong_tag(block: &Block, addr: usize, tag: Tag, caller: usize) {
    let tolerated = Tolerated::WrongTag.now();
    keep(block);
    bad_free::wrong_tag(addr, block.tag, block.bytes, tag, caller).report_with(|| {
        tell(block, addr);
        bad_free::tell_tolerated(tolerated);
    });
    if tolerated {
        free(addr, Tag::from_raw(0), caller);
    }
}

/// Marks the place of a block for quarantine, if that is the policy.
fn keep(block: &Block) {
    if quarantine_set::quarantines() {
        with(|arena| arena.keep(block.addr));
    }
}

/// Frees a block whose place [`Arena::claim`] has given us.
fn release(block: &Block, place: Place<ShownPage>, caller: usize) {
    bad_free::check_context(block.addr, block.kind, caller);
    check(block, &place, caller);
    tracking::remove(block.addr);
    block.row.discharge(block.bytes, PAGE_SIZE);
    let gone = trace::Block {
        memory: MemoryType::pool(block.kind),
        tag: Some(block.tag),
        bytes: block.bytes,
        used: PAGE_SIZE,
        addr: block.addr,
    };
    gone.freed(caller);
    if zeroing::wipes() && place.page.is_reusable() {
        poison::fill_all(place.page.bytes(..), 0);
    }
    let place = place.hide();
    let freed = Stack::capture(caller);
    with(|arena| arena.put(place, freed));
    // The work item flushes the page from the TLBs of other CPUs. If special pool is off, it drops
    // the arena with its last block.
    sys::defer();
}

/// Reports writes to the rest of a block's page.
fn check(block: &Block, place: &Place<ShownPage>, caller: usize) {
    let page = &place.page;
    let offset = block.addr - page.addr();
    // `allocate()` has filled the page around the block.
    let before = poison::changed_in(page.bytes(..offset), poison::AROUND);
    let behind = poison::changed_in(page.bytes(offset + block.bytes..), poison::AROUND);
    for (found, rule) in [
        (before, &rule::BYTES_BEFORE_SPECIAL_CHANGED),
        (behind, &rule::BYTES_BEHIND_SPECIAL_CHANGED),
    ] {
        let Some((changed, _)) = found else {
            continue;
        };
        keep(block);
        let given = [
            Parameter::Address(block.addr),
            Parameter::Address(changed),
            block.bytes.into(),
        ];
        rule.by(caller, given)
            .about(block.tag)
            .report_with(|| tell(block, changed));
    }
}

/// Prints what is known of a block, and where an address is relative to it.
fn tell(block: &Block, addr: usize) {
    let Block {
        bytes,
        tag,
        kind,
        allocated,
        freed,
        ..
    } = block;
    let place = poison::place(addr, block.addr, *bytes);
    let start = Text::<24>::pointer(block.addr);
    pr_err!("  {place} bytes: block {start}, tag {tag} {kind}\n");
    allocated.print(fmt!("allocated by"));
    if let Some(freed) = freed {
        freed.print(fmt!("freed by"));
    }
}

/// Called when the kernel oopses on a page fault.
#[no_mangle]
extern "C" fn rust_pool_guard_fault(addr: usize, write: bool, at: usize) {
    // In NMI no lock may be taken.
    if !arena::covers(addr) || sys::irql().is_nmi() {
        return;
    }
    let Some(block) = with(|arena| arena.meant(addr)).flatten() else {
        return;
    };
    keep(&block);
    let rule = if block.freed.is_some() || block.holds(addr) {
        &rule::FREED_SPECIAL_TOUCHED
    } else if addr < block.addr {
        &rule::BEFORE_SPECIAL_TOUCHED
    } else {
        &rule::BEHIND_SPECIAL_TOUCHED
    };
    let given = [
        Parameter::Address(addr),
        u32::from(write).into(),
        Parameter::Address(at),
    ];
    rule.by(at, given)
        .about(block.tag)
        .report_always_with(|| tell(&block, addr));
}
matches_header!(safe rust_pool_guard_fault(_, _, _));

/// Makes an arena for `slots` blocks, unless there is one already. Sleeps; the caller holds
/// `SWITCHING`.
pub(crate) fn open(slots: u32) -> Result {
    let count = usize::try_from(slots)?;
    if with(|arena| arena.count()) == Some(count) {
        return Ok(());
    }
    let busy = || {
        pr_err!("verifier: special pool has live blocks: free them before slots= changes\n");
        EBUSY
    };
    if with(|arena| arena.live()).unwrap_or(0) != 0 {
        return Err(busy());
    }
    let arena = Some(())
        .filter(|()| request::affordable(count.saturating_mul(PAGE_SIZE)))
        .ok_or(ENOMEM)
        .and_then(|()| Arena::new(count))
        .inspect_err(|_| {
            pr_err!("verifier: no memory for special pool of {count} slots: give slots= fewer\n");
        })?;
    let mut special = ARENA.lock();
    if special.as_ref().is_some_and(|old| old.live() != 0) {
        drop(special);
        drop(arena);
        return Err(busy());
    }
    arena.open();
    let old = special.replace(arena);
    drop(special);
    drop(old);
    Ok(())
}

/// Drops the arena, unless it has live blocks. Returns `false` if it has. Sleeps; the caller holds
/// `SWITCHING`.
pub(crate) fn close() -> bool {
    let taken = {
        let mut special = ARENA.lock();
        if special.as_ref().is_some_and(|arena| arena.live() != 0) {
            return false;
        }
        special.take()
    };
    if let Some(arena) = taken {
        arena.close();
        drop(arena);
    }
    true
}

/// Flushes the hidden pages from the TLBs of all CPUs. Sleeps.
pub(crate) fn flush() {
    if let Some(range) = with(Arena::take_seen).flatten() {
        GuardedPages::flush(range);
    }
}

/// Drops the arena, or leaks it if it has live blocks. Nobody uses the module any more.
pub(crate) fn exit() {
    if close() {
        return;
    }
    let taken = ARENA.lock().take();
    if let Some(arena) = taken {
        arena.close();
        arena.leak();
    }
}

/// How many places of special pool have no live block: free ones, and those in quarantine.
pub(crate) fn spare() -> usize {
    with(|arena| arena.count().saturating_sub(arena.live())).unwrap_or(0)
}

/// The live block of special pool that begins at an address.
pub(crate) fn live(addr: usize) -> Option<Known> {
    let block = with(|arena| arena.meant(addr)).flatten()?;
    let live = block.addr == addr && block.freed.is_none();
    live.then(|| Known::pool(block.tag, block.kind, block.bytes))
}

/// How many blocks came from special pool, and how many should have, but found no room.
pub(crate) fn counts() -> (u64, u64) {
    (SERVED.load(Relaxed), MISSED.load(Relaxed))
}

/// Calls `visit` on the call sites of all blocks of special pool.
pub(crate) fn for_each_site(mut visit: impl FnMut(&CallSite)) {
    // Take the lock for one place at a time, as others wait for it with interrupts disabled.
    let mut visit_at = |at| with(|arena| arena.sites(at).map(|sites| sites.for_each(&mut visit)));
    (0..).map_while(|at| visit_at(at).flatten()).for_each(drop);
}
