// SPDX-License-Identifier: GPL-2.0

//! The depot: free objects between the magazines of all CPUs and the heap, in bundles of seven.
//! That is half of a usual magazine, a quarter of a raised one, and more than a whole one of large
//! objects.
//!
//! A magazine that is empty takes a bundle, and one that is full gives one, or two while there are
//! bursts. Neither visits the heap. The lock of the size class is held for a few dozen
//! instructions. A bundle is an array of addresses in memory of its own. Nothing is written to
//! freed objects, so a client that uses a block after its free cannot change what is handed out
//! later. Single pages are objects of a class of their own here, behind which is the page
//! allocator.
//!
//! The depot of a class holds at most its quota. Small classes always have a base quota. The rest
//! is for bursts. A CPU that empties its magazine reports one ([`Demand::Burst`]); the quota then
//! grows by what the burst took, if objects have gone to the heap since. All that the depot and the
//! magazines may hold for bursts is reserved first, at most [`CAP`] for all classes together. A
//! class whose depot nobody visits for 400 ms loses all of it ([`age`]).
//!
//! If all is reserved when a burst wants more, another class gives way ([`make_room`]): the one
//! that nobody visited for longest, if that is a while; or else the one that has most, until both
//! have the same. So a burst of one class does not keep the others out, and classes that are in use
//! do not take from each other again and again.

use crate::{
    memory::{
        batch::{
            Batch,
            Block, //
        },
        magazine::kind::{
            MagazineKind,
            BYTES,
            CAPACITY,
            IN_DEPOT, //
        }, //
    },
    sys::{
        self,
        arch::{
            percpu::PreemptDisabled,
            read_once,
            short_lock::ShortLock, //
        },
        raw::RUST_POOL_GFP_NOWAIT, //
    }, //
};
use core::{
    mem::{
        offset_of,
        size_of, //
    },
    ptr::{
        null_mut,
        NonNull, //
    }, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::msecs_to_jiffies, //
};

/// How many objects a bundle has: half of what a magazine usually holds, or a quarter of the most.
pub(crate) const BUNDLE: usize = CAPACITY / 4;

/// How many objects are exchanged while there are bursts.
const TWO_BUNDLES: usize = 2 * BUNDLE;

/// The most bytes that are held for bursts, by the depot and by magazines beyond their usual limit.
pub(crate) const CAP: usize = 1024 * 1024;

/// The most bytes of the base quota of a class; a class whose bundle has more has none.
const BASE_BYTES: usize = 2048;

/// How many bundles are given up at once of a depot that is in use, as its lock is held meanwhile.
const AT_ONCE: u32 = 128;

/// How many bundles a class gives up at once to make room for another. Whoever wants that room
/// gives them back to the heap.
const FEW: u32 = 8;

/// A class that nobody visited for so long gives way to any other that wants more.
const IDLE_MS: u32 = 16;

/// Objects that a CPU takes with no free in between before that counts as a burst.
pub(crate) const BURST: u32 = 12;

/// A bundle: [`BUNDLE`] free objects of one class.
struct Bundle {
    next: *mut Bundle,
    objects: [usize; BUNDLE],
}

/// What a CPU whose magazine is empty tells the depot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// It has taken so many objects beyond its magazine in a burst: with no free in between, or
    /// many more than were freed.
    Burst(u32),
    /// It has taken so many objects in a burst that is short, but one of several.
    Short(u32),
    /// Nothing to tell.
    Steady,
    /// There were frees in between, and before those it did not take many.
    Calm,
}

/// Bundles that belong to nobody, as a list.
///
/// # Invariants
///
/// A null-terminated list of bundles from `KBox::into_raw()`. In a list of bundles that are `full`,
/// each has [`BUNDLE`] free objects of one class.
struct Bundles(*mut Bundle);

impl Bundles {
    const fn none() -> Self {
        // INVARIANT: The list is empty.
        Self(null_mut())
    }

    /// Takes out the first.
    fn pop(&mut self) -> Option<KBox<Bundle>> {
        let first = NonNull::new(self.0)?;
        // SAFETY: By the type invariant it comes from `KBox::into_raw()`, and it leaves the list.
        let first = unsafe { KBox::from_raw(first.as_ptr()) };
        // INVARIANT: The list goes on without it.
        self.0 = first.next;
        Some(first)
    }

    /// Adds one at the front.
    fn push(&mut self, mut bundle: KBox<Bundle>) {
        bundle.next = self.0;
        // INVARIANT: The list goes on behind the new bundle.
        self.0 = KBox::into_raw(bundle);
    }

    /// All of it, which leaves none.
    fn take(&mut self) -> Self {
        core::mem::replace(self, Self::none())
    }
}

/// The depot of a class.
///
/// # Invariants
///
/// `full` has `held / BUNDLE` bundles with free objects of the class, and what is in `spare` has
/// none. `quota` is the base quota and what was reserved for it.
struct Stock {
    full: Bundles,
    spare: Bundles,
    /// Objects that are held.
    held: u32,
    /// The fewest that were held since [`Self::age`] was called last.
    low: u32,
    /// How many may be held.
    quota: u32,
    /// Objects that went to the heap as there was no quota for them.
    refused: u32,
    /// How many bundles of quota a burst wants that others have reserved.
    lacking: u32,
    /// When somebody came last, in jiffies.
    seen: u32,
    /// Whether somebody came since [`Self::age`] was called last.
    visited: bool,
}

// SAFETY: It owns its bundles, which any thread may use and free.
unsafe impl Send for Stock {}

/// What became of objects that were offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Offer {
    Taken,
    /// There is no quota for them.
    Refused,
    /// There is no bundle for them.
    NoBundle,
}

impl Stock {
    const fn new(quota: u32) -> Self {
        // INVARIANT: Nothing is held, and nothing reserved beyond the base quota.
        Self {
            full: Bundles::none(),
            spare: Bundles::none(),
            held: 0,
            low: 0,
            quota,
            refused: 0,
            lacking: 0,
            seen: 0,
            visited: false,
        }
    }

    /// Notes that somebody came.
    #[inline(always)]
    fn visit(&mut self) {
        self.seen = clock();
        self.visited = true;
    }

    /// Moves the objects of a bundle to `places`; `false` if there is none.
    #[inline(always)]
    fn take(&mut self, places: &mut [usize; BUNDLE]) -> bool {
        let Some(bundle) = self.full.pop() else {
            return false;
        };
        *places = bundle.objects;
        // INVARIANT: The objects are the caller's now, and the bundle has none.
        self.spare.push(bundle);
        // CAST: A small constant.
        self.held = self.held.wrapping_sub(BUNDLE as u32);
        self.low = self.low.min(self.held);
        true
    }

    /// Takes objects, if there is quota and a bundle for them.
    #[inline(always)]
    fn put(&mut self, objects: &[usize; BUNDLE]) -> Offer {
        if self.held >= self.quota {
            // CAST: A small constant.
            self.refuse(BUNDLE as u32);
            return Offer::Refused;
        }
        let Some(mut bundle) = self.spare.pop() else {
            return Offer::NoBundle;
        };
        bundle.objects = *objects;
        // INVARIANT: By `put()`'s callers these are free objects of the class.
        self.full.push(bundle);
        // CAST: A small constant.
        self.held = self.held.wrapping_add(BUNDLE as u32);
        Offer::Taken
    }

    /// Notes that so many objects go to the heap.
    #[inline(always)]
    fn refuse(&mut self, objects: u32) {
        self.refused = self.refused.saturating_add(objects);
    }

    /// Notes what a CPU tells. `base` is the base quota, and `bytes` are those of an object.
    #[inline(always)]
    fn note(&mut self, demand: Demand, base: u32, bytes: usize) {
        match demand {
            Demand::Burst(run) if self.refused != 0 && run >= self.quota => self.grow(run, bytes),
            Demand::Short(run) if self.refused != 0 && run >= self.quota && is_roomy() => {
                self.grow(run, bytes);
                // It asks nobody to give way.
                self.lacking = 0;
            }
            Demand::Calm => {
                // CAST: A small constant.
                self.refused = self.refused.saturating_sub(BUNDLE as u32);
                // What is held stays reserved.
                if self.quota > base && self.quota > self.held {
                    // CAST: A small constant.
                    let bundles = self.quota.wrapping_sub(base.max(self.held)) / BUNDLE as u32;
                    self.shrink(bundles.div_ceil(2), base, bytes);
                }
            }
            _ => (),
        }
    }

    /// Reserves more quota for a burst that took `run` objects so far, at most what was refused.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, run: u32, bytes: usize) {
        // CAST: A small constant.
        let bundle = BUNDLE as u32;
        let wanted = run.saturating_sub(self.quota).saturating_add(bundle);
        self.reserve(wanted.min(self.refused).div_ceil(bundle), bytes);
    }

    /// Reserves the quota of so many bundles, as far as there is room within the cap, and notes how
    /// many are lacking.
    fn reserve(&mut self, bundles: u32, bytes: usize) {
        let got = reserve_some(bundles, bundle_bytes(bytes));
        // CAST: A small constant.
        let objects = got.saturating_mul(BUNDLE as u32);
        // INVARIANT: So much was just reserved.
        self.quota = self.quota.saturating_add(objects);
        self.refused = self.refused.saturating_sub(objects);
        self.lacking = bundles.saturating_sub(got);
    }

    /// Notes that nobody gives way. A burst asks again when more was refused.
    fn do_without(&mut self) {
        self.lacking = 0;
        self.refused = 0;
    }

    /// Gives up the quota of up to so many bundles.
    #[cold]
    #[inline(never)]
    fn shrink(&mut self, bundles: u32, base: u32, bytes: usize) {
        // CAST: A small constant.
        let bundle = BUNDLE as u32;
        let bundles = bundles.min(self.quota.saturating_sub(base) / bundle);
        // INVARIANT: So much is given back just below.
        self.quota = self.quota.wrapping_sub(bundles.wrapping_mul(bundle));
        // CAST: Lossless on the architectures supported.
        release((bundles as usize).saturating_mul(bundle_bytes(bytes)));
    }

    /// Gives up the quota of up to so many bundles to another class: what is not used now, and of
    /// what is held a few bundles. `None` if it has none to give.
    fn give_way(&mut self, bundles: u32, base: u32, bytes: usize) -> Option<Surplus> {
        // CAST: A small constant.
        let bundle = BUNDLE as u32;
        let kept = self.held.saturating_sub(FEW.wrapping_mul(bundle));
        let most = self.quota.saturating_sub(base.max(kept)) / bundle;
        let bundles = bundles.min(most);
        if bundles == 0 {
            return None;
        }
        self.shrink(bundles, base, bytes);
        let mut full = Bundles::none();
        for _ in 0..FEW {
            if self.held <= self.quota {
                break;
            }
            let Some(bundle) = self.full.pop() else {
                break;
            };
            // INVARIANT: These objects are those of `full` now, and are counted out.
            full.push(bundle);
            // CAST: A small constant.
            self.held = self.held.wrapping_sub(BUNDLE as u32);
        }
        self.low = self.low.min(self.held);
        Some(Surplus {
            full,
            spare: Bundles::none(),
        })
    }

    /// Gives up what was not needed since the last call: all, if nobody came.
    fn age(&mut self, base: u32, bytes: usize) -> Surplus {
        if !core::mem::replace(&mut self.visited, false) {
            return self.empty(base, bytes);
        }
        // CAST: A small constant.
        let bundles = (self.low / BUNDLE as u32).min(AT_ONCE);
        let mut full = Bundles::none();
        for _ in 0..bundles {
            if let Some(bundle) = self.full.pop() {
                // INVARIANT: These objects are those of `full` now, and are counted out below.
                full.push(bundle);
            }
        }
        // CAST: A small constant.
        self.held = self.held.wrapping_sub(bundles.wrapping_mul(BUNDLE as u32));
        self.low = self.held;
        self.refused /= 2;
        self.lacking = 0;
        self.shrink(bundles, base, bytes);
        Surplus {
            full,
            spare: self.spare.take(),
        }
    }

    /// Gives up everything.
    fn empty(&mut self, base: u32, bytes: usize) -> Surplus {
        self.shrink(u32::MAX, base, bytes);
        self.do_without();
        self.held = 0;
        self.low = 0;
        // INVARIANT: Nothing is held.
        Surplus {
            full: self.full.take(),
            spare: self.spare.take(),
        }
    }
}

/// What a depot has given up: the objects of one bundle after the other, which are the caller's.
/// The bundles are freed on drop.
struct Surplus {
    full: Bundles,
    spare: Bundles,
}

impl Iterator for Surplus {
    type Item = [usize; BUNDLE];

    fn next(&mut self) -> Option<[usize; BUNDLE]> {
        Some(self.full.pop()?.objects)
    }
}

impl Drop for Surplus {
    fn drop(&mut self) {
        // Whoever has a surplus takes all objects out.
        while self.full.pop().or_else(|| self.spare.pop()).is_some() {}
    }
}

/// What the depot of a kind has given up: batch after batch of objects.
///
/// # Invariants
///
/// It is from the depot of this kind.
pub(crate) struct Objects {
    surplus: Surplus,
    kind: MagazineKind,
}

impl Objects {
    /// Of which kind they are.
    pub(crate) fn kind(&self) -> MagazineKind {
        self.kind
    }
}

impl Iterator for Objects {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let mut batch = Batch::new(self.kind);
        for object in self.surplus.next()? {
            if let Some(object) = NonNull::new(object as *mut u8) {
                // SAFETY: What was in the depot of this kind is free, and the depot has given it
                // up.
                batch.push(unsafe { Block::new(self.kind, object) });
            }
        }
        Some(batch)
    }
}

/// When it is, in jiffies.
#[inline(always)]
fn clock() -> u32 {
    // CAST: The lower half, of which differences are taken.
    sys::jiffies() as u32
}

/// The bytes that a bundle of such objects holds, with its own.
const fn bundle_bytes(bytes: usize) -> usize {
    BUNDLE * bytes + size_of::<Bundle>()
}

/// The base quota of each kind, in objects.
static BASE: [u32; IN_DEPOT] = {
    let mut base = [0; IN_DEPOT];
    let mut kind = 0;
    while kind < IN_DEPOT {
        // CAST: Small numbers.
        base[kind] = (BASE_BYTES / (BUNDLE * BYTES[kind]) * BUNDLE) as u32;
        kind += 1;
    }
    base
};

/// The depot of each kind, on cache lines of its own.
#[repr(align(64))]
struct Depot(ShortLock<Stock>);

static DEPOTS: [Depot; IN_DEPOT] = {
    let mut depots = [const { Depot(ShortLock::new(Stock::new(0))) }; IN_DEPOT];
    let mut kind = 0;
    while kind < IN_DEPOT {
        depots[kind] = Depot(ShortLock::new(Stock::new(BASE[kind])));
        kind += 1;
    }
    depots
};

/// What is reserved for bursts, in bytes.
static RESERVED: Atomic<usize> = Atomic::new(0);

/// Reserves up to `count` times `bytes`, as often as there is room within the cap; returns how many
/// times.
fn reserve_some(count: u32, bytes: usize) -> u32 {
    let mut reserved = RESERVED.load(Relaxed);
    loop {
        let room = CAP.saturating_sub(reserved).checked_div(bytes).unwrap_or(0);
        // CAST: Lossless on the architectures supported.
        let got = room.min(count as usize);
        let sum = reserved.saturating_add(got.saturating_mul(bytes));
        match RESERVED.cmpxchg(reserved, sum, Relaxed) {
            // CAST: No more than `count`.
            Ok(_) => return got as u32,
            Err(now) => reserved = now,
        }
    }
}

/// Reserves `bytes` of what may be held for bursts; `false` if not so much is left.
pub(crate) fn reserve(bytes: usize) -> bool {
    reserve_some(1, bytes) != 0
}

/// Gives back what was reserved.
pub(crate) fn release(bytes: usize) {
    RESERVED.fetch_sub(bytes, Relaxed);
}

/// What is reserved for bursts now, in bytes.
pub(crate) fn reserved() -> usize {
    RESERVED.load(Relaxed)
}

/// Whether half of what may be held for bursts is not reserved. Only then do short bursts get any,
/// which would make others give way for little.
pub(crate) fn is_roomy() -> bool {
    reserved() <= CAP / 2
}

/// The depot of a kind and its base quota, if it has one.
#[inline(always)]
fn of(kind: MagazineKind) -> Option<(&'static ShortLock<Stock>, u32)> {
    let number = kind.number();
    Some((&DEPOTS.get(number)?.0, *BASE.get(number)?))
}

/// Whether the depot keeps blocks of a kind.
#[inline]
pub(crate) fn keeps(kind: MagazineKind) -> bool {
    kind.number() < IN_DEPOT
}

/// Moves a bundle of objects to the first places, or `two` to both, and notes what the CPU tells.
/// Returns how many objects it moved; none also if another CPU has the depot for long. Any context.
#[inline(always)]
pub(crate) fn take(
    cpu: &PreemptDisabled,
    kind: MagazineKind,
    places: [&mut [usize; BUNDLE]; 2],
    two: bool,
    demand: Demand,
) -> u32 {
    let Some((stock, base)) = of(kind) else {
        return 0;
    };
    let [first, second] = places;
    let taken = stock.with(cpu, |stock| {
        stock.visit();
        stock.note(demand, base, kind.bytes());
        // CAST: Small constants.
        if !stock.take(first) {
            0
        } else if two && stock.take(second) {
            TWO_BUNDLES as u32
        } else {
            BUNDLE as u32
        }
    });
    if matches!(demand, Demand::Burst(_) | Demand::Short(_)) {
        // It may have got a quota.
        keep_ageing();
    }
    taken.unwrap_or(0)
}

/// Offers a bundle of objects to the depot. Any context.
///
/// # Safety
///
/// They are free objects of this kind, and the caller gives them up if they are taken.
#[inline(always)]
pub(crate) unsafe fn put(
    cpu: &PreemptDisabled,
    kind: MagazineKind,
    objects: &[usize; BUNDLE],
) -> Offer {
    let Some((stock, _)) = of(kind) else {
        return Offer::Refused;
    };
    let offer = stock.with(cpu, |stock| {
        stock.visit();
        stock.put(objects)
    });
    if offer == Some(Offer::Taken) {
        keep_ageing();
    }
    offer.unwrap_or(Offer::Refused)
}

/// Offers two bundles to the depot, the second one first; returns how many it took.
///
/// # Safety
///
/// As for [`put`].
#[inline(always)]
pub(crate) unsafe fn put_two(
    cpu: &PreemptDisabled,
    kind: MagazineKind,
    objects: [&[usize; BUNDLE]; 2],
) -> (Offer, usize) {
    let Some((stock, _)) = of(kind) else {
        return (Offer::Refused, 0);
    };
    let [first, second] = objects;
    let offer = stock.with(cpu, |stock| {
        stock.visit();
        match stock.put(second) {
            Offer::Taken if stock.put(first) == Offer::Taken => (Offer::Taken, 2),
            Offer::Taken => (Offer::Taken, 1),
            Offer::Refused => {
                // Then the first goes to the heap, too.
                // CAST: A small constant.
                stock.refuse(BUNDLE as u32);
                (Offer::Refused, 0)
            }
            Offer::NoBundle => (Offer::NoBundle, 0),
        }
    });
    if matches!(offer, Some((Offer::Taken, _))) {
        keep_ageing();
    }
    offer.unwrap_or((Offer::Refused, 0))
}

/// Makes another bundle, for objects that are going to be offered; `false` if there is no memory.
/// Any context but NMI.
pub(crate) fn add_bundle(kind: MagazineKind) -> bool {
    let Some((stock, _)) = of(kind) else {
        return false;
    };
    let Some(room) = sys::room::<Bundle>(RUST_POOL_GFP_NOWAIT) else {
        return false;
    };
    let bundle = KBox::write(
        room,
        Bundle {
            next: null_mut(),
            objects: [0; BUNDLE],
        },
    );
    // If another CPU has the depot for long, the bundle is freed with the closure.
    let added = stock.with(&PreemptDisabled::new(), move |stock| {
        stock.spare.push(bundle)
    });
    added.is_some()
}

/// Notes that so many objects go to the heap which the depot was not asked to take. Any context.
pub(crate) fn refuse(cpu: &PreemptDisabled, kind: MagazineKind, objects: u32) {
    if let Some((stock, _)) = of(kind) {
        stock.with(cpu, |stock| stock.refuse(objects));
    }
}

/// Words of a stock that are looked at without its lock.
const HELD: usize = offset_of!(Stock, held);
const QUOTA: usize = offset_of!(Stock, quota);
const LACKING: usize = offset_of!(Stock, lacking);
const SEEN: usize = offset_of!(Stock, seen);

/// One of these words, as it is now or was a little before. Any context.
#[inline(always)]
fn peek<const WORD: usize>(stock: &ShortLock<Stock>) -> u32 {
    const { assert!(WORD == HELD || WORD == QUOTA || WORD == LACKING || WORD == SEEN) };
    // SAFETY: As just asserted it is a `u32` of the stock. Whoever has the lock may write to it
    // meanwhile, so the load is volatile.
    unsafe { stock.data().byte_add(WORD).cast::<u32>().read_volatile() }
}

/// Whether a kind has a quota for bursts. Any context.
#[inline]
pub(crate) fn has_bursts(kind: MagazineKind) -> bool {
    of(kind).is_some_and(|(stock, base)| peek::<QUOTA>(stock) > base)
}

/// Whether a burst of a kind wants quota that others have reserved. Any context.
#[inline]
pub(crate) fn lacks(kind: MagazineKind) -> bool {
    of(kind).is_some_and(|(stock, _)| peek::<LACKING>(stock) != 0)
}

/// Whether the depot of a kind holds anything. Any context.
#[inline(always)]
pub(crate) fn holds(kind: MagazineKind) -> bool {
    of(kind).is_some_and(|(stock, _)| peek::<HELD>(stock) != 0)
}

/// What a class has reserved for bursts.
#[derive(Clone, Copy)]
struct Claim {
    bytes: usize,
    /// For how long nobody has come, in jiffies.
    idle: u32,
}

/// What a class has reserved, if it has. The values may be a little old.
fn claim(kind: MagazineKind, now: u32) -> Option<Claim> {
    let (stock, base) = of(kind)?;
    // CAST: A small constant.
    let bundles = peek::<QUOTA>(stock).saturating_sub(base) / BUNDLE as u32;
    // Another CPU may have come after `now`.
    // CAST: A difference in time, which may be negative; it is not after `max()`.
    let idle = (now.wrapping_sub(peek::<SEEN>(stock)) as i32).max(0) as u32;
    (bundles != 0).then(|| Claim {
        // CAST: Lossless on the architectures supported.
        bytes: (bundles as usize).saturating_mul(bundle_bytes(kind.bytes())),
        idle,
    })
}

/// Which of the other classes gives way to one that has reserved `own` bytes, and by how many bytes
/// at most. A class that nobody visited for `idle` jiffies gives all, the one that has waited
/// longest first. If there is none, the one that has most gives half of what it has more.
fn choose<T: Copy>(
    own: usize,
    idle: u32,
    others: impl Iterator<Item = (T, Claim)>,
) -> Option<(T, usize)> {
    let mut oldest: Option<(T, Claim)> = None;
    let mut largest: Option<(T, Claim)> = None;
    for (of, claim) in others {
        if claim.idle >= idle && oldest.is_none_or(|(_, it)| it.idle < claim.idle) {
            oldest = Some((of, claim));
        }
        if largest.is_none_or(|(_, it)| it.bytes < claim.bytes) {
            largest = Some((of, claim));
        }
    }
    if let Some((of, claim)) = oldest {
        return Some((of, claim.bytes));
    }
    let (of, claim) = largest?;
    let bytes = claim.bytes.saturating_sub(own) / 2;
    (bytes != 0).then_some((of, bytes))
}

/// Takes quota from another class, for a burst of this kind that lacks it and `more` bytes. Returns
/// what that class held, which the caller gives back; `None` if no quota is lacking, or no class
/// can give any. In all cases the caller then calls [`grow_again`]. Looks at each class once. Any
/// context.
pub(crate) fn make_room(kind: MagazineKind, more: usize) -> Option<Objects> {
    let (stock, _) = of(kind)?;
    // CAST: Lossless on the architectures supported.
    let lacking = peek::<LACKING>(stock) as usize;
    let wanted = lacking.saturating_mul(bundle_bytes(kind.bytes()));
    let wanted = wanted.saturating_add(more);
    let room = CAP.saturating_sub(reserved());
    let wanted = wanted.checked_sub(room).filter(|&bytes| bytes != 0)?;
    let now = clock();
    let own = claim(kind, now).map_or(0, |claim| claim.bytes);
    let others = MagazineKind::all().filter(|other| other.number() != kind.number());
    let others = others.filter_map(|other| Some((other, claim(other, now)?)));
    // CAST: A small number.
    let idle = msecs_to_jiffies(IDLE_MS) as u32;
    let cpu = PreemptDisabled::new();
    let surplus = choose(own, idle, others).and_then(|(other, most)| {
        let each = bundle_bytes(other.bytes());
        let bundles = wanted.div_ceil(each).min(most.checked_div(each)?);
        // CAST: Less than a bundle for each byte that may be reserved.
        let bundles = bundles as u32;
        let (from, base) = of(other)?;
        let surplus = from.with(&cpu, |it| it.give_way(bundles, base, other.bytes()))??;
        // INVARIANT: The other kind gave way.
        Some(Objects {
            surplus,
            kind: other,
        })
    });
    if surplus.is_none() {
        stock.with(&cpu, Stock::do_without);
    }
    surplus
}

/// Gives a burst of this kind the quota that it lacks, as far as there is room now. Any context.
pub(crate) fn grow_again(kind: MagazineKind) {
    if let Some((stock, _)) = of(kind) {
        let cpu = PreemptDisabled::new();
        stock.with(&cpu, |stock| stock.reserve(stock.lacking, kind.bytes()));
        keep_ageing();
    }
}

/// How many objects the depot of a kind holds, and may hold.
pub(crate) fn usage(kind: MagazineKind) -> Option<(usize, usize)> {
    let (stock, _) = of(kind)?;
    // CAST: Lossless on the architectures supported.
    Some((peek::<HELD>(stock) as usize, peek::<QUOTA>(stock) as usize))
}

/// Everything that the depot of a kind holds; `None` if another CPU has it for long. Any context.
pub(crate) fn empty(kind: MagazineKind) -> Option<Objects> {
    let (stock, base) = of(kind)?;
    let cpu = PreemptDisabled::new();
    let surplus = stock.with(&cpu, |stock| stock.empty(base, kind.bytes()))?;
    // INVARIANT: It is of this kind.
    Some(Objects { surplus, kind })
}

/// What the depot of a kind did not need since the last call; `None` if another CPU has it for
/// long. Any context.
pub(crate) fn age(kind: MagazineKind) -> Option<Objects> {
    let (stock, base) = of(kind)?;
    let cpu = PreemptDisabled::new();
    let surplus = stock.with(&cpu, |stock| stock.age(base, kind.bytes()))?;
    // INVARIANT: It is of this kind.
    Some(Objects { surplus, kind })
}

/// Whether the depot is aged again and again, as long as it holds something, and the heap with it.
static AGEING: Atomic<u32> = Atomic::new(IDLE);
const IDLE: u32 = 0;
const WANTED: u32 = 1;
const RUNS: u32 = 2;

/// Schedules ageing of depot and heap, unless it is scheduled. Any context but NMI.
#[inline(always)]
pub(crate) fn keep_ageing() {
    if read_once::read(&AGEING) == IDLE {
        request_ageing();
    }
}

#[cold]
#[inline(never)]
fn request_ageing() {
    AGEING.store(WANTED, Relaxed);
    sys::defer();
}

/// Whether the caller has to start the ageing, which was scheduled.
pub(crate) fn start_ageing() -> bool {
    AGEING.cmpxchg(WANTED, RUNS, Relaxed).is_ok()
}

/// Starts a round of ageing. A CPU that fills the depot after this schedules another.
pub(crate) fn ageing_begins() {
    AGEING.store(IDLE, Relaxed);
}

/// Records that there will be another round.
pub(crate) fn ageing_goes_on() {
    AGEING.store(RUNS, Relaxed);
}

#[kernel::macros::kunit_tests(rust_pool_depot)]
mod tests {
    use super::*;

    const BYTES: usize = 1024;

    /// A stock that has so many bundles of room, and a quota for as many.
    fn stock(bundles: u32) -> Stock {
        // CAST: A small constant.
        let mut stock = Stock::new(bundles * BUNDLE as u32);
        for _ in 0..bundles {
            let room = sys::room::<Bundle>(sys::raw::RUST_POOL_GFP_KERNEL);
            if let Some(room) = room {
                stock.spare.push(KBox::write(
                    room,
                    Bundle {
                        next: null_mut(),
                        objects: [0; BUNDLE],
                    },
                ));
            }
        }
        stock
    }

    fn bundle(first: usize) -> [usize; BUNDLE] {
        core::array::from_fn(|at| first + at)
    }

    /// Takes what is in the stock, and returns the first of each bundle.
    fn firsts(surplus: &mut Surplus) -> [usize; 4] {
        core::array::from_fn(|_| surplus.next().map_or(0, |it| it[0]))
    }

    #[test]
    fn what_comes_last_goes_first() {
        let mut stock = stock(2);
        assert!(stock.put(&bundle(100)) == Offer::Taken);
        assert!(stock.put(&bundle(200)) == Offer::Taken);
        assert!(stock.put(&bundle(300)) == Offer::Refused);
        let mut places = [0; BUNDLE];
        assert!(stock.take(&mut places) && places == bundle(200));
        assert!(stock.put(&bundle(300)) == Offer::Taken);
        assert!(stock.take(&mut places) && places == bundle(300));
        assert!(stock.take(&mut places) && places == bundle(100));
        assert!(!stock.take(&mut places) && places == bundle(100));
        drop(stock.empty(14, BYTES));
    }

    #[test]
    fn without_a_bundle_nothing_is_taken() {
        let mut stock = Stock::new(14);
        assert!(stock.put(&bundle(100)) == Offer::NoBundle && stock.held == 0);
    }

    #[test]
    fn a_burst_gets_what_was_refused() {
        let before = reserved();
        let mut stock = stock(0);
        // Nothing was refused: the next burst would take from the heap as well.
        stock.note(Demand::Burst(100), 0, BYTES);
        assert!(stock.quota == 0);
        stock.refused = 20;
        stock.note(Demand::Burst(100), 0, BYTES);
        assert!(stock.quota == 21 && stock.refused == 0);
        stock.refused = 1000;
        stock.note(Demand::Burst(28), 0, BYTES);
        assert!(stock.quota == 35 && stock.refused == 986);
        stock.note(Demand::Burst(28), 0, BYTES);
        assert!(stock.quota == 35);
        assert!(reserved() - before == 5 * bundle_bytes(BYTES));
        stock.note(Demand::Steady, 0, BYTES);
        assert!(stock.quota == 35);
        stock.note(Demand::Calm, 0, BYTES);
        assert!(stock.quota == 14 && stock.refused == 979);
        drop(stock.empty(0, BYTES));
        assert!(stock.quota == 0 && stock.refused == 0 && reserved() == before);
    }

    #[test]
    fn short_bursts_ask_nobody_to_give_way() {
        let before = reserved();
        let mut first = stock(0);
        first.refused = u32::MAX;
        first.note(Demand::Short(u32::MAX), 0, BYTES);
        assert!(first.quota > 0 && !is_roomy() && first.lacking == 0);
        let mut second = stock(0);
        second.refused = 100;
        second.note(Demand::Short(100), 0, BYTES);
        assert!(second.quota == 0 && second.lacking == 0);
        drop(first.empty(0, BYTES));
        second.note(Demand::Short(100), 0, BYTES);
        assert!(second.quota > 0);
        drop(second.empty(0, BYTES));
        assert!(reserved() == before);
    }

    #[test]
    fn short_bursts_get_nothing_of_the_other_half() {
        let before = reserved();
        let mut first = stock(0);
        let most = CAP / 4 * 3;
        let bundles = most.saturating_sub(before) / bundle_bytes(BYTES);
        first.reserve(u32::try_from(bundles).unwrap_or(0), BYTES);
        assert!(!is_roomy() && reserved() <= most && first.lacking == 0);
        let mut second = stock(0);
        second.refused = 100;
        second.note(Demand::Short(100), 0, BYTES);
        assert!(second.quota == 0);
        second.note(Demand::Burst(100), 0, BYTES);
        assert!(second.quota > 0);
        drop(first.empty(0, BYTES));
        drop(second.empty(0, BYTES));
        assert!(reserved() == before);
    }

    #[test]
    fn what_is_held_stays_reserved() {
        let before = reserved();
        let mut stock = stock(4);
        stock.quota = 0;
        stock.refused = 28;
        stock.note(Demand::Burst(28), 0, BYTES);
        assert!(stock.quota == 28);
        for first in [100, 200, 300] {
            assert!(stock.put(&bundle(first)) == Offer::Taken);
        }
        for _ in 0..4 {
            stock.note(Demand::Calm, 0, BYTES);
        }
        assert!(stock.quota == 21 && reserved() - before == 3 * bundle_bytes(BYTES));
        drop(stock.empty(0, BYTES));
        assert!(reserved() == before);
    }

    #[test]
    fn no_more_than_the_cap() {
        let before = reserved();
        let mut stock = stock(0);
        stock.refused = u32::MAX;
        stock.note(Demand::Burst(u32::MAX), 0, BYTES);
        assert!(stock.quota > 0 && reserved() <= CAP && stock.lacking > 0);
        assert!(CAP - reserved() < bundle_bytes(BYTES));
        assert!(!reserve(bundle_bytes(BYTES)) && reserved() <= CAP);
        drop(stock.empty(0, BYTES));
        assert!(reserved() == before);
    }

    /// Who gives way to a class that has so many bytes, of these: what each has, and for how many
    /// jiffies nobody came.
    fn who(own: usize, others: &[(usize, u32)]) -> Option<(usize, usize)> {
        let claims = others.iter().map(|&(bytes, idle)| Claim { bytes, idle });
        choose(own, 4, claims.enumerate())
    }

    #[test]
    fn who_is_idle_for_longest_gives_way_first() {
        let all = [(CAP / 2, 0), (100, 4), (200, 9), (300, 9), (400, 5)];
        assert!(who(0, &all) == Some((2, 200)));
        assert!(who(CAP, &all[..2]) == Some((1, 100)));
    }

    #[test]
    fn who_is_busy_keeps_as_much_as_the_other_gets() {
        assert!(who(0, &[(CAP, 3)]) == Some((0, CAP / 2)));
        assert!(who(CAP / 4, &[(3 * CAP / 4, 3)]) == Some((0, CAP / 4)));
        assert!(who(CAP / 2, &[(CAP / 2, 0)]).is_none());
        assert!(who(CAP / 2, &[(CAP / 4, 0), (CAP / 8, 0)]).is_none());
        // The largest gives way, and those that have little do not count.
        let three = [(CAP / 8, 0), (5 * CAP / 8, 0), (CAP / 4, 0)];
        assert!(who(0, &three) == Some((1, 5 * CAP / 16)));
        assert!(who(CAP, &[]).is_none());
    }

    #[test]
    fn a_class_gives_way_by_a_few_bundles_at_once() {
        let before = reserved();
        // CAST: Small constants.
        let bundle = BUNDLE as u32;
        let mut stock = stock(FEW + 4);
        stock.quota = 0;
        stock.refused = u32::MAX;
        let most = FEW + 10;
        stock.reserve(most, BYTES);
        assert!(stock.quota == most * bundle && stock.lacking == 0);
        for _ in 0..FEW + 4 {
            assert!(stock.put(&self::bundle(100)) == Offer::Taken);
        }
        let gives = |stock: &mut Stock, bundles, base| {
            let surplus = stock.give_way(bundles, base, BYTES);
            surplus.map(Iterator::count)
        };
        // First what is not used.
        assert!(gives(&mut stock, 4, 0) == Some(0));
        assert!(stock.quota == (FEW + 6) * bundle && stock.held == (FEW + 4) * bundle);
        // CAST: A small number.
        assert!(gives(&mut stock, u32::MAX, 0) == Some(FEW as usize));
        assert!(stock.quota == 4 * bundle && stock.held == 4 * bundle);
        assert!(reserved() - before == 4 * bundle_bytes(BYTES));
        // The base quota stays.
        assert!(gives(&mut stock, u32::MAX, 2 * bundle) == Some(2));
        assert!(stock.quota == 2 * bundle && stock.held == 2 * bundle);
        assert!(gives(&mut stock, u32::MAX, 2 * bundle).is_none());
        assert!(gives(&mut stock, 0, 0).is_none());
        drop(stock.empty(0, BYTES));
        assert!(stock.quota == 0 && reserved() == before);
    }

    #[test]
    fn what_nobody_needs_ages() {
        let mut stock = stock(4);
        for first in [100, 200, 300, 400] {
            assert!(stock.put(&bundle(first)) == Offer::Taken);
        }
        stock.visit();
        // There was a time when nothing was held.
        let mut surplus = stock.age(28, BYTES);
        assert!(firsts(&mut surplus) == [0; 4] && stock.held == 28);
        let mut places = [0; BUNDLE];
        assert!(stock.take(&mut places) && places == bundle(400));
        stock.visit();
        // Three were not needed.
        let mut surplus = stock.age(28, BYTES);
        let [one, two, three, four] = firsts(&mut surplus);
        assert!(one + two + three == 600 && four == 0 && stock.held == 0);
    }

    #[test]
    fn what_nobody_visits_is_given_up() {
        let mut stock = stock(4);
        for first in [100, 200, 300] {
            assert!(stock.put(&bundle(first)) == Offer::Taken);
        }
        stock.visit();
        drop(stock.age(28, BYTES));
        let mut surplus = stock.age(28, BYTES);
        assert!(firsts(&mut surplus) == [300, 200, 100, 0] && stock.held == 0);
        assert!(stock.spare.0.is_null() && stock.full.0.is_null());
    }

    #[test]
    fn base_quota_of_small_classes() {
        for (&base, &bytes) in BASE.iter().zip(&super::BYTES) {
            // CAST: Lossless on the architectures supported.
            assert!(base as usize * bytes <= BASE_BYTES);
            assert!(base as usize % BUNDLE == 0);
        }
        assert!(BASE[0] > 0 && BASE[IN_DEPOT - 1] == 0);
    }
}
