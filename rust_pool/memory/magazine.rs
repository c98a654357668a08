// SPDX-License-Identifier: GPL-2.0

//! Magazines: one array per CPU of free blocks of each kind, like Windows' per-processor lists.
//!
//! A CPU has a magazine for each [`MagazineKind`]. It uses the magazine with preemption disabled,
//! and marks it busy meanwhile, so that an interrupt which finds it busy goes to `refill` instead.
//! CPUs do not share magazines. What they exchange lies in the [`depot`].
//!
//! Blocks in a magazine count as memory taken by the pool. They are given back when memory is
//! short, when the CPU goes offline, and at unload. The magazines stay empty if a kernel checker
//! wants to see every allocation and free.
//!
//! The usual limit of a magazine is so low, most of all for larger objects, that a burst would go
//! to the depot often. So during bursts the limit is [`CAPACITY`]; the difference is reserved like
//! the depot's burst quota.

pub(crate) mod depot;
pub(crate) mod kind;
pub(crate) mod refill;

use crate::{
    lib::{
        argument::Passed,
        at_load::AtLoad,
        idle::Idle, //
    },
    memory::{
        batch::{
            Batch,
            Block, //
        },
        magazine::{
            depot::{
                Demand,
                Offer,
                BUNDLE,
                BURST, //
            },
            kind::{
                MagazineKind,
                CAPACITY,
                KINDS, //
            }, //
        }, //
    },
    sys::{
        self,
        arch::{
            percpu::{
                self,
                PreemptDisabled, //
            },
            read_once, //
        },
        Cpu,
        PerCpu, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::{
        offset_of,
        size_of, //
    },
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// The most bytes in a magazine, except that two blocks always fit, or one of 32 KiB and more.
const BYTES: usize = 4096;

/// The most blocks in a magazine while no bursts are seen.
const USUAL: usize = CAPACITY / 2;

/// This many short bursts in a row count as a burst.
const OFTEN: u16 = 4;

/// A run this long or shorter is no short burst.
const FEW: u32 = 3;

/// This many blocks asked for since the last spill count as a burst, even with frees in between.
const DRAWN: u32 = 256;

/// From here on the quota is not reduced, as this may become such a burst.
const IN_DOUBT: u32 = DRAWN / 4;

/// How many bundles of the depot a magazine has room for.
const BUNDLES: usize = CAPACITY / BUNDLE;

/// A magazine, in per-CPU memory.
///
/// # Invariants
///
/// The first `count` of `blocks`, at most all of them, are free blocks that belong to the magazine,
/// and `limit` is at most [`CAPACITY`].
#[repr(C)]
struct Magazine {
    count: u32,
    busy: u32,
    blocks: [[usize; BUNDLE]; BUNDLES],
    /// How many blocks it may hold; 0 while it is closed.
    limit: u32,
    /// How many were asked of `refill` with no free in between.
    run: u16,
    /// What [`Self::lowest_sum`] was when `refill` was here last.
    mark: u16,
    /// How many were asked of `refill` since blocks were freed last for which there was no room.
    drawn: u16,
    /// How many bursts came one after the other that were longer than the magazine, at most
    /// [`OFTEN`].
    bursts: u16,
    /// Makes the size a power of two.
    _unused: [u32; 3],
}

const STRIDE: usize = size_of::<Magazine>();
const COUNT: usize = offset_of!(Magazine, count);
const BUSY: usize = offset_of!(Magazine, busy);
const BLOCKS: usize = offset_of!(Magazine, blocks);
const LIMIT: usize = offset_of!(Magazine, limit);
// The count and the places of one bundle are in one cache line.
const _: () = assert!(
    BLOCKS + BUNDLE * size_of::<usize>() == sys::PERCPU_ALIGN && STRIDE % sys::PERCPU_ALIGN == 0
);

/// The magazines of all CPUs.
pub(crate) static MEMORY: AtLoad<PerCpu> = AtLoad::new(|| {
    KBox::pin(PerCpu::new(KINDS * STRIDE).ok_or(ENOMEM)?, GFP_KERNEL).map_err(Into::into)
});

/// Their per-CPU cookie, or 0 while they are not in use.
static BASE: Atomic<usize> = Atomic::new(0);

/// Whether the magazines are open.
static OPEN: Atomic<bool> = Atomic::new(false);

/// How many blocks a magazine of each kind holds when it is open and no bursts are seen.
static LIMITS: [usize; KINDS] = {
    let mut limits = [0; KINDS];
    let mut number = 0;
    while number < KINDS {
        let bytes = kind::BYTES[number];
        let least = if bytes < 32 * 1024 { 2 } else { 1 };
        let many = BYTES / bytes;
        limits[number] = if many < least {
            least
        } else if many > USUAL {
            USUAL
        } else {
            many
        };
        number += 1;
    }
    limits
};

/// How many blocks a magazine may hold while no bursts are seen.
pub(crate) fn capacity(kind: MagazineKind) -> usize {
    if !read_once::read(&OPEN) {
        return 0;
    }
    usual_limit(kind)
}

/// How many blocks a magazine that is open may hold while no bursts are seen.
#[inline]
fn usual_limit(kind: MagazineKind) -> usize {
    LIMITS.get(kind.number()).map_or(0, |&limit| limit)
}

/// By how many bytes more a magazine may hold while the depot has a quota for bursts.
fn raise_bytes(kind: MagazineKind) -> usize {
    CAPACITY
        .saturating_sub(usual_limit(kind))
        .saturating_mul(kind.bytes())
}

/// The address of a CPU's magazine.
fn of_cpu(cpu: Cpu, kind: MagazineKind) -> *mut Magazine {
    let cookie = read_once::read(&BASE).wrapping_add(kind.number() * STRIDE);
    cpu.address_of(cookie) as *mut Magazine
}

/// Makes the magazines, closed.
pub(crate) fn init() {
    BASE.store(MEMORY.cookie(), Relaxed);
}

/// All magazines, while nobody uses them: the module is being loaded or unloaded.
///
/// # Invariants
///
/// There are magazines, and nobody else uses them as long as this value exists.
pub(crate) struct AllUnused<'a>(PhantomData<&'a Idle>);

impl<'a> AllUnused<'a> {
    /// The magazines, if there are any.
    pub(crate) fn new(_idle: &'a Idle) -> Option<Self> {
        // INVARIANT: By the type invariant of `Idle`, which is borrowed.
        (BASE.load(Relaxed) != 0).then_some(Self(PhantomData))
    }

    /// Those of each CPU.
    pub(crate) fn each(&mut self) -> impl Iterator<Item = Unused<'_>> {
        // INVARIANT: By the type invariant; `self` is borrowed.
        Cpu::possible().map(|cpu| Unused(cpu, PhantomData))
    }
}

/// The magazines of a CPU that does not use them.
///
/// # Invariants
///
/// The CPU has magazines, and nobody else uses them as long as this value exists.
#[repr(transparent)]
pub(crate) struct Unused<'a>(Cpu, PhantomData<&'a mut AllUnused<'a>>);

// SAFETY: It is a transparent number. It is for functions whose callers keep the CPU from using the
// magazines during the call.
unsafe impl Passed<u32> for Unused<'_> {}

impl Unused<'_> {
    /// One of them.
    fn magazine(&mut self, kind: MagazineKind) -> &mut Magazine {
        // SAFETY: By the type invariant there is such a magazine, and nobody else uses it.
        unsafe { &mut *of_cpu(self.0, kind) }
    }
}

/// Opens or closes the magazines. Blocks can still be taken from a closed one.
pub(crate) fn open(all: &mut AllUnused<'_>, open: bool) {
    OPEN.store(open, Relaxed);
    for mut unused in all.each() {
        for kind in MagazineKind::all() {
            // CAST: At most `CAPACITY`.
            // INVARIANT: `capacity()` is never more than `CAPACITY`.
            unused.magazine(kind).limit = capacity(kind) as u32;
        }
    }
}

/// Ends the magazines, which should be empty: what is in them is lost.
pub(crate) fn exit(_all: AllUnused<'static>) {
    BASE.store(0, Relaxed);
}

/// Takes a block from this CPU's magazine, if there is one. Any context.
#[inline(always)]
pub(crate) fn pop(kind: MagazineKind) -> Option<Block> {
    let cpu = PreemptDisabled::new();
    let at = read_once::read(&BASE).wrapping_add(kind.number() * STRIDE);
    // SAFETY: `at` is the cookie of a magazine, which is this CPU's while preemption is disabled.
    // An interrupt after this store finds the magazine busy; one before it is done by now. What is
    // in the magazine is of its kind, and free.
    unsafe {
        if !percpu::set::<BUSY>(&cpu, at) {
            return None;
        }
        let left = percpu::load::<COUNT>(&cpu, at).wrapping_sub(1);
        // CAST: A small constant.
        if left >= CAPACITY as u64 {
            percpu::clear::<BUSY>(&cpu, at);
            return None;
        }
        // INVARIANT: The last block is the caller's once the count is one less.
        let block = percpu::get::<BLOCKS>(&cpu, at, left);
        // The upper half is `busy`, which the same store clears.
        percpu::store::<COUNT>(&cpu, at, left);
        // By the type invariant it is a block, so it is not null.
        core::hint::assert_unchecked(block != 0);
        Some(Block::new(kind, NonNull::new_unchecked(block as *mut u8)))
    }
}

/// Puts a free block into this CPU's magazine; the error has it if there is no room. Any context.
#[inline(always)]
pub(crate) fn push(block: Block) -> Result<(), Block> {
    let cpu = PreemptDisabled::new();
    let at = read_once::read(&BASE).wrapping_add(block.kind().number() * STRIDE);
    // SAFETY: As in `pop()`. By the type invariant there is a place for one more block.
    unsafe {
        if !percpu::set::<BUSY>(&cpu, at) {
            return Err(block);
        }
        let count = percpu::load::<COUNT>(&cpu, at);
        if count >= percpu::load::<LIMIT>(&cpu, at) {
            percpu::clear::<BUSY>(&cpu, at);
            return Err(block);
        }
        // INVARIANT: The block was free, and is the magazine's with the new count.
        percpu::put::<BLOCKS>(&cpu, at, count, block.addr());
        percpu::store::<COUNT>(&cpu, at, count.wrapping_add(1));
        Ok(())
    }
}

/// Calls `work` with this CPU's magazine, marked busy; `None` if it was busy. Any context.
#[inline(always)]
fn with<R>(
    kind: MagazineKind,
    work: impl FnOnce(&PreemptDisabled, &mut Magazine) -> R,
) -> Option<R> {
    let cpu = PreemptDisabled::new();
    let at = read_once::read(&BASE).wrapping_add(kind.number() * STRIDE);
    // SAFETY: As in `pop()`. Nobody else writes to the magazine while it is busy.
    unsafe {
        if !percpu::set::<BUSY>(&cpu, at) {
            return None;
        }
        let magazine = percpu::address(&cpu, at) as *mut Magazine;
        let result = work(&cpu, &mut *magazine);
        percpu::clear::<BUSY>(&cpu, at);
        Some(result)
    }
}

/// What a request gets for which the magazine was empty.
pub(crate) enum Refill {
    /// A block.
    Block(Block),
    /// Neither magazine nor depot has one. So many are wanted.
    Wanted(usize),
}

/// What became of a block for which a magazine had no room.
pub(crate) enum Spill {
    /// The magazine has it, as the depot took others.
    Taken,
    /// The depot would take others, but has no bundle for them.
    NoBundle(Block),
    /// Neither of them takes any.
    Refused(Block),
}

impl Magazine {
    /// The lowest places, which a bundle fills.
    #[inline(always)]
    fn lowest(&mut self) -> &mut [usize; BUNDLE] {
        let [lowest, ..] = &mut self.blocks;
        lowest
    }

    /// A 16-bit checksum of the lowest slots (of the lower half, if the magazine is smaller). A
    /// free that found the magazine almost empty has changed it, but for one in some thousand
    /// times.
    #[inline(always)]
    fn lowest_sum(&mut self) -> u16 {
        let add = |sum, block: &usize| sum ^ *block;
        // CAST: Small numbers.
        let limit = self.limit as usize;
        let lowest = self.lowest();
        let all = if limit >= USUAL {
            lowest.iter().fold(0, add)
        } else {
            lowest.iter().take(limit.div_ceil(2)).fold(0, add)
        };
        // CAST: The upper 16 bits, which are mixed best.
        (all.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as u16
    }

    /// Whether nothing was ever asked of it, nor freed into it.
    #[inline(always)]
    fn is_new(&self) -> bool {
        let [[lowest, ..], ..] = self.blocks;
        // A place is not empty again once it had a block.
        self.run == 0 && lowest == 0
    }

    /// Takes the last block, if there is one.
    #[inline(always)]
    fn pop(&mut self) -> Option<NonNull<u8>> {
        let left = self.count.checked_sub(1)?;
        // CAST: Lossless on the architectures supported.
        let block = NonNull::new(*self.blocks.as_flattened().get(left as usize)? as *mut u8);
        // INVARIANT: The block is the caller's now.
        self.count = left;
        block
    }

    /// Takes the last block, if there is one, as a block of the magazine's kind.
    #[inline(always)]
    fn take(&mut self, kind: MagazineKind) -> Option<Block> {
        let block = self.pop()?;
        // SAFETY: The block is of the magazine's kind, and free. It was just taken out.
        Some(unsafe { Block::new(kind, block) })
    }

    /// Moves blocks to a batch of its kind, until only `keep` are left or there is no more room.
    fn take_down_to(&mut self, keep: u32, batch: &mut Batch) {
        while self.count > keep && batch.room() != 0 {
            let Some(block) = self.take(batch.kind()) else {
                break;
            };
            batch.push(block);
        }
    }

    /// Adds a free block that the caller gives up, if there is room.
    #[inline(always)]
    fn push(&mut self, block: NonNull<u8>) -> bool {
        if self.count >= self.limit {
            return false;
        }
        // CAST: Lossless on the architectures supported.
        let Some(place) = self.blocks.as_flattened_mut().get_mut(self.count as usize) else {
            return false;
        };
        *place = block.as_ptr() as usize;
        // INVARIANT: The block is the magazine's now.
        self.count = self.count.wrapping_add(1);
        true
    }

    /// What an empty magazine tells the depot.
    #[inline(always)]
    fn demand(&mut self) -> Demand {
        let (run, drawn) = (u32::from(self.run), u32::from(self.drawn));
        let freed = self.lowest_sum() != self.mark;
        if freed {
            self.run = 0;
        }
        if drawn >= DRAWN {
            Demand::Burst(drawn)
        } else if freed {
            if run >= BURST || drawn >= IN_DOUBT || self.was_often() {
                Demand::Steady
            } else {
                Demand::Calm
            }
        } else if run >= BURST {
            Demand::Burst(run)
        } else if self.bursts == OFTEN {
            Demand::Short(run)
        } else {
            Demand::Steady
        }
    }

    /// Whether bursts came one after the other; one less from now on.
    #[inline(always)]
    fn was_often(&mut self) -> bool {
        let was = self.bursts != 0;
        self.bursts = self.bursts.saturating_sub(1);
        was
    }

    /// Notes that so many blocks were asked for.
    #[inline(always)]
    fn asked(&mut self, count: u16) {
        self.run = self.run.saturating_add(count);
        self.drawn = self.drawn.saturating_add(count);
        self.mark = self.lowest_sum();
    }

    /// Notes that blocks were freed for which there was no room.
    #[inline(always)]
    fn spilled(&mut self) {
        if u32::from(self.run) > FEW.max(self.limit / 2) {
            self.bursts = self.bursts.saturating_add(1).min(OFTEN);
        }
        self.run = 0;
        self.drawn = 0;
        self.mark = self.lowest_sum();
    }

    /// Raises the limit, if so much may be held for bursts.
    #[cold]
    #[inline(never)]
    fn raise(&mut self, kind: MagazineKind) {
        // CAST: A small constant.
        let most = CAPACITY as u32;
        if self.limit != 0 && self.limit < most && depot::reserve(raise_bytes(kind)) {
            // INVARIANT: It is `CAPACITY`.
            self.limit = most;
            // More places count than before.
            self.mark = self.lowest_sum();
        }
    }

    /// Raises or lowers the limit after the magazine was found empty. A magazine of small objects
    /// is raised for any burst, another one only if the depot has a quota for it.
    #[inline(always)]
    fn settle(&mut self, kind: MagazineKind, demand: Demand) {
        // CAST: Small constants.
        if self.limit < CAPACITY as u32 {
            let small = self.limit == USUAL as u32;
            let raise = match demand {
                Demand::Burst(_) => small || depot::has_bursts(kind),
                Demand::Short(_) => depot::has_bursts(kind) && depot::is_roomy(),
                _ => false,
            };
            if raise {
                self.raise(kind);
            }
        } else if demand == Demand::Calm && !depot::has_bursts(kind) {
            self.lower(kind);
        }
    }

    /// Lowers the limit to the usual one.
    #[cold]
    #[inline(never)]
    fn lower(&mut self, kind: MagazineKind) {
        // CAST: At most `CAPACITY`.
        let usual = usual_limit(kind) as u32;
        if self.limit > usual {
            // INVARIANT: No limit is more than `CAPACITY`.
            self.limit = usual;
            self.mark = self.lowest_sum();
            depot::release(raise_bytes(kind));
        }
    }

    /// Serves a request from the depot, if it can.
    #[inline(always)]
    fn refill(&mut self, cpu: &PreemptDisabled, kind: MagazineKind) -> Refill {
        if self.limit == 0 {
            return Refill::Wanted(1);
        }
        // An interrupt may have filled it since, or this is another CPU.
        if let Some(block) = self.take(kind) {
            return Refill::Block(block);
        }
        if self.is_new() && !depot::holds(kind) {
            // A second one might never be requested.
            self.run = 1;
            return Refill::Wanted(1);
        }
        let demand = self.demand();
        // CAST: A small constant.
        let raised = self.limit == CAPACITY as u32;
        let [first, second, ..] = &mut self.blocks;
        let taken = depot::take(cpu, kind, [first, second], raised, demand);
        self.settle(kind, demand);
        if taken != 0 {
            // CAST: At most two bundles.
            // INVARIANT: The lowest places have so many blocks that were the depot's.
            self.count = taken;
            self.asked(taken as u16);
            if let Some(block) = self.take(kind) {
                return Refill::Block(block);
            }
        }
        // In a burst more will be asked for; else only a few may be. Pages come one by one.
        let wanted = match demand {
            _ if kind.is_pages() => 1,
            Demand::Burst(_) | Demand::Short(_) => self.limit / 2,
            // CAST: At most `CAPACITY`.
            _ => usual_limit(kind) as u32 / 2,
        };
        let wanted = wanted.max(1);
        // CAST: At most `CAPACITY`.
        self.asked(wanted as u16);
        // CAST: Lossless on the architectures supported.
        Refill::Wanted(wanted as usize)
    }

    /// How many bundles it offers the depot while it is full. None if it is small. Nor if it holds
    /// more than its limit, which has just been lowered: then there might be no room for another
    /// block afterwards.
    #[inline(always)]
    fn exchanges(&self) -> usize {
        // CAST: Small constants.
        if self.limit == CAPACITY as u32 {
            // By the type invariant it has no more than that.
            2
        } else if self.limit == USUAL as u32 && self.count == USUAL as u32 {
            1
        } else {
            0
        }
    }

    /// Offers the depot blocks for which there is no room, and then adds `block`, which is of this
    /// kind. The caller gives it up if the answer is [`Offer::Taken`].
    #[inline(always)]
    fn spill(&mut self, cpu: &PreemptDisabled, kind: MagazineKind, block: NonNull<u8>) -> Offer {
        if self.limit == 0 {
            return Offer::Refused;
        }
        if self.push(block) {
            return Offer::Taken;
        }
        let [_, second, third, fourth] = &self.blocks;
        // SAFETY: By the type invariant these are free blocks of the magazine, so of its kind. They
        // are not the magazine's any more with the count below.
        let (offer, bundles) = unsafe {
            match self.exchanges() {
                2 => depot::put_two(cpu, kind, [third, fourth]),
                1 => (depot::put(cpu, kind, second), 1),
                _ => return self.spill_few(cpu, kind, block),
            }
        };
        if offer == Offer::Taken {
            // CAST: At most two bundles.
            // INVARIANT: The other blocks are the depot's now.
            self.count = self.count.wrapping_sub((bundles * BUNDLE) as u32);
            self.push(block);
            self.spilled();
        } else if offer == Offer::Refused && self.push_into_more(kind, block) {
            return Offer::Taken;
        }
        offer
    }

    /// Adds a block, if more room can be made as the depot has a quota for bursts.
    #[cold]
    #[inline(never)]
    fn push_into_more(&mut self, kind: MagazineKind, block: NonNull<u8>) -> bool {
        if depot::has_bursts(kind) {
            self.raise(kind);
        }
        self.push(block)
    }

    /// Adds a block to a magazine that has too few blocks for a bundle, if more room can be made.
    /// If not, tells the depot that they go to the heap.
    #[cold]
    #[inline(never)]
    fn spill_few(
        &mut self,
        cpu: &PreemptDisabled,
        kind: MagazineKind,
        block: NonNull<u8>,
    ) -> Offer {
        if self.push_into_more(kind, block) {
            return Offer::Taken;
        }
        depot::refuse(cpu, kind, self.limit / 2 + 1);
        Offer::Refused
    }
}

/// Serves a request for which this CPU's magazine was empty, if the depot can. Any context.
#[inline(always)]
pub(crate) fn refill(kind: MagazineKind) -> Refill {
    with(kind, |cpu, magazine| magazine.refill(cpu, kind)).unwrap_or(Refill::Wanted(1))
}

/// Frees a block for which this CPU's magazine had no room, if the depot takes others. Any context.
#[inline(always)]
pub(crate) fn spill(block: Block) -> Spill {
    let kind = block.kind();
    let offer = with(kind, |cpu, magazine| magazine.spill(cpu, kind, block.at()));
    match offer {
        Some(Offer::Taken) => Spill::Taken,
        Some(Offer::NoBundle) => Spill::NoBundle(block),
        Some(Offer::Refused) | None => Spill::Refused(block),
    }
}

/// Takes as many blocks of a batch's kind from this CPU's magazine as there are and as fit. Any
/// context.
pub(crate) fn take(batch: &mut Batch) {
    with(batch.kind(), |_, magazine| magazine.take_down_to(0, batch));
}

/// Takes blocks of a batch's kind from this CPU's magazine until that is half empty, or there is no
/// more room for them. Any context.
pub(crate) fn shed(batch: &mut Batch) {
    with(batch.kind(), |_, magazine| {
        magazine.take_down_to(magazine.limit.div_ceil(2), batch);
        magazine.spilled();
    });
}

/// Lowers the limit of this CPU's magazine if the depot has no quota for bursts any more. Returns
/// whether more blocks are there now than the limit; [`shed`] takes them. Any context.
pub(crate) fn lower(kind: MagazineKind) -> bool {
    let over = with(kind, |_, magazine| {
        if !depot::has_bursts(kind) {
            magazine.lower(kind);
        }
        magazine.count > magazine.limit
    });
    over.unwrap_or(false)
}

/// By how many bytes more this CPU's magazine is to hold for a burst, if it does not yet. Any
/// context.
pub(crate) fn lacks(kind: MagazineKind) -> usize {
    // CAST: A small constant.
    let is_low = |limit: u32| limit != 0 && limit < CAPACITY as u32;
    let lacks = with(kind, |_, magazine| is_low(magazine.limit));
    match lacks {
        Some(true) => raise_bytes(kind),
        _ => 0,
    }
}

/// Raises the limit of this CPU's magazine for a burst, if so much may be held. Any context.
pub(crate) fn raise(kind: MagazineKind) {
    with(kind, |_, magazine| magazine.raise(kind));
}

/// Puts as many blocks of a batch into this CPU's magazine as fit. Any context.
pub(crate) fn put(batch: &mut Batch) {
    with(batch.kind(), |_, magazine| {
        let fits =
            |block: &&usize| NonNull::new(**block as *mut u8).is_some_and(|it| magazine.push(it));
        let put = batch.addresses().iter().take_while(fits).count();
        batch.skip(put);
        // The blocks were asked for already.
        magazine.asked(0);
    });
}

/// A word of a CPU's magazine, as it is now or was a little before.
fn peek<const WORD: usize>(cpu: Cpu, kind: MagazineKind) -> usize {
    const { assert!(WORD == COUNT || WORD == LIMIT) };
    let at = of_cpu(cpu, kind).cast::<u32>();
    // SAFETY: As just asserted it is a `u32` of a magazine. Its CPU may write to it meanwhile, so
    // the load is volatile.
    // CAST: Lossless on the architectures supported.
    unsafe { at.byte_add(WORD).read_volatile() as usize }
}

/// The limit of a CPU's magazine, if it is raised.
fn raised_limit(cpu: Cpu, kind: MagazineKind) -> Option<usize> {
    let limit = peek::<LIMIT>(cpu, kind);
    (limit > usual_limit(kind)).then_some(limit)
}

/// Whether a CPU's magazine may hold more than usual.
pub(crate) fn is_raised(cpu: Cpu, kind: MagazineKind) -> bool {
    raised_limit(cpu, kind).is_some()
}

/// How many blocks a CPU's magazine of a kind may hold now, at most.
pub(crate) fn limit(kind: MagazineKind) -> usize {
    let raised = |cpu| raised_limit(cpu, kind);
    let highest = Cpu::possible().filter_map(raised).max();
    highest.unwrap_or(capacity(kind))
}

/// How many blocks of a kind the magazines of all CPUs hold.
pub(crate) fn held(kind: MagazineKind) -> usize {
    let cpus = Cpu::possible();
    cpus.map(|cpu| peek::<COUNT>(cpu, kind)).sum()
}

/// Takes blocks of a batch's kind from a magazine that is not used, as many as fit.
pub(crate) fn take_unused(unused: &mut Unused<'_>, batch: &mut Batch) {
    let kind = batch.kind();
    let magazine = unused.magazine(kind);
    magazine.take_down_to(0, batch);
    magazine.lower(kind);
}

#[kernel::macros::kunit_tests(rust_pool_magazine)]
mod tests {
    use super::*;

    fn empty() -> Magazine {
        Magazine {
            count: 0,
            busy: 0,
            blocks: [[0; BUNDLE]; BUNDLES],
            // CAST: A small constant.
            limit: CAPACITY as u32,
            run: 0,
            mark: 0,
            drawn: 0,
            bursts: 0,
            _unused: [0; 3],
        }
    }

    /// Frees the blocks from `first` on, 16 bytes apart, into the magazine.
    fn free(magazine: &mut Magazine, first: usize, count: usize) {
        for at in 0..count {
            let block = NonNull::new((first + at * 16) as *mut u8);
            assert!(block.is_some_and(|it| magazine.push(it)));
        }
    }

    fn take(magazine: &mut Magazine, count: usize) {
        for _ in 0..count {
            assert!(magazine.pop().is_some());
        }
    }

    /// Fills the lowest places from a bundle that begins at `first`, as a refill does.
    fn fill(magazine: &mut Magazine, first: usize) {
        for (at, place) in magazine.lowest().iter_mut().enumerate() {
            *place = first + at * 16;
        }
        // CAST: A small constant.
        magazine.count = BUNDLE as u32;
        magazine.asked(BUNDLE as u16);
    }

    #[test]
    fn the_last_block_comes_first() {
        let mut magazine = empty();
        magazine.limit = 2;
        free(&mut magazine, 0x1000, 2);
        assert!(!magazine.push(NonNull::dangling()));
        assert!(magazine
            .pop()
            .is_some_and(|it| it.as_ptr() as usize == 0x1010));
        assert!(magazine
            .pop()
            .is_some_and(|it| it.as_ptr() as usize == 0x1000));
        assert!(magazine.pop().is_none() && magazine.count == 0);
    }

    #[test]
    fn the_first_block_of_a_kind_is_asked_for_alone() {
        let mut magazine = empty();
        assert!(magazine.is_new());
        // It did not go into the magazine.
        magazine.run = 1;
        assert!(!magazine.is_new() && magazine.demand() == Demand::Steady);
        free(&mut magazine, 0x1000, 1);
        take(&mut magazine, 1);
        magazine.spilled();
        assert!(magazine.run == 0 && !magazine.is_new());
    }

    #[test]
    fn one_that_was_lowered_exchanges_nothing_until_it_has_room() {
        let mut magazine = empty();
        free(&mut magazine, 0x1000, CAPACITY);
        assert!(magazine.exchanges() == 2);
        // CAST: Small constants.
        magazine.limit = USUAL as u32;
        assert!(magazine.exchanges() == 0);
        take(&mut magazine, CAPACITY - USUAL);
        assert!(magazine.exchanges() == 1);
        magazine.limit = 4;
        assert!(magazine.exchanges() == 0);
    }

    #[test]
    fn many_without_a_free_are_a_burst() {
        let mut magazine = empty();
        magazine.spilled();
        assert!(magazine.demand() == Demand::Steady);
        for first in [0x1000, 0x2000] {
            fill(&mut magazine, first);
            take(&mut magazine, BUNDLE);
        }
        assert!(magazine.demand() == Demand::Burst(14));
        // What was a burst says nothing about the next one.
        fill(&mut magazine, 0x3000);
        take(&mut magazine, BUNDLE);
        free(&mut magazine, 0x4000, 3);
        take(&mut magazine, 3);
        assert!(magazine.demand() == Demand::Steady && magazine.run == 0);
    }

    #[test]
    fn a_free_in_between_is_calm() {
        let mut magazine = empty();
        for _ in 0..3 {
            fill(&mut magazine, 0x1000);
            take(&mut magazine, BUNDLE - 1);
            free(&mut magazine, 0x2000, 1);
            take(&mut magazine, 2);
            assert!(magazine.demand() == Demand::Calm);
        }
    }

    /// A magazine of five, which is full. A burst of so many blocks, and their frees: what the
    /// magazine tells each time that it is empty.
    fn short_burst(magazine: &mut Magazine, count: usize) -> [Option<Demand>; 4] {
        let mut told = [None; 4];
        let mut places = told.iter_mut();
        for _ in 0..count {
            if magazine.pop().is_none() {
                if let Some(place) = places.next() {
                    *place = Some(magazine.demand());
                }
                // Two come, and one is handed out.
                magazine.asked(2);
                free(magazine, 0x9000, 1);
                magazine.asked(0);
            }
        }
        for at in 0..count {
            if magazine.count == magazine.limit {
                magazine.count = 3;
                magazine.spilled();
            }
            free(magazine, 0x1000 + at * 16, 1);
        }
        told
    }

    #[test]
    fn short_bursts_count_when_they_come_often() {
        let mut magazine = empty();
        magazine.limit = 5;
        free(&mut magazine, 0x1000, 5);
        magazine.spilled();
        // One that is no longer than the magazine and half of it does not count.
        let one = [Some(Demand::Steady), None, None, None];
        assert!(short_burst(&mut magazine, 6) == one && magazine.bursts == 0);
        let steady = [Some(Demand::Steady), Some(Demand::Steady), None, None];
        for _ in 0..OFTEN {
            assert!(short_burst(&mut magazine, 8) == steady);
        }
        let bursts = [Some(Demand::Short(0)), Some(Demand::Short(2)), None, None];
        assert!(short_burst(&mut magazine, 8) == bursts && magazine.bursts == OFTEN);
        // Nor does it change what was counted.
        let one = [Some(Demand::Short(0)), None, None, None];
        assert!(short_burst(&mut magazine, 6) == one && magazine.bursts == OFTEN);
    }

    #[test]
    fn a_free_in_between_takes_back_a_short_burst() {
        let mut magazine = empty();
        magazine.limit = 5;
        magazine.bursts = OFTEN;
        for left in (0..OFTEN).rev() {
            free(&mut magazine, 0x1000 + usize::from(left) * 16, 1);
            take(&mut magazine, 1);
            assert!(magazine.demand() == Demand::Steady && magazine.bursts == left);
            magazine.asked(2);
        }
        free(&mut magazine, 0x2000, 1);
        take(&mut magazine, 1);
        assert!(magazine.demand() == Demand::Calm);
    }

    #[test]
    fn many_more_than_were_given_back_are_a_burst() {
        let mut magazine = empty();
        let mut calm = 0;
        while u32::from(magazine.drawn) < DRAWN {
            fill(&mut magazine, 0x1000);
            take(&mut magazine, BUNDLE);
            free(&mut magazine, 0x2000, 1);
            take(&mut magazine, 1);
            if magazine.demand() == Demand::Calm {
                calm += 1;
            }
        }
        // CAST: Small constants.
        assert!(calm == IN_DOUBT as usize / BUNDLE);
        free(&mut magazine, 0x3000, 1);
        take(&mut magazine, 1);
        assert!(matches!(magazine.demand(), Demand::Burst(DRAWN..)));
        magazine.spilled();
        assert!(magazine.drawn == 0 && magazine.demand() == Demand::Steady);
    }

    #[test]
    fn a_burst_into_a_full_magazine_and_back_goes_on() {
        let mut magazine = empty();
        free(&mut magazine, 0x1000, 8);
        magazine.spilled();
        // What is above the lowest places may come and go.
        free(&mut magazine, 0x2000, 3);
        take(&mut magazine, 4);
        free(&mut magazine, 0x3000, 1);
        take(&mut magazine, 8);
        assert!(magazine.demand() == Demand::Steady);
    }
}
