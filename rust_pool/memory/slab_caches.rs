// SPDX-License-Identifier: GPL-2.0

//! Slab caches of our own for blocks with a header, one for each size class.
//!
//! Making a cache takes a mutex, and a request may come in softirq. So a work item makes it, after
//! a class has taken some pages of the heap, as a class that is used seldom is not worth one. Until
//! then the heap serves, as it does anyway while it has room. If a kernel checker watches, there is
//! no heap, and all caches are made at load. An object may cross a page boundary, unlike on
//! Windows, but is always physically contiguous.

use crate::{
    header::UNIT,
    memory::{
        batch::{
            Batch,
            Block, //
        },
        magazine::kind::MagazineKind,
        request::Request,
        size_class::{
            Class,
            CLASSES,
            SIZES, //
        }, //
    },
    sys::{
        self,
        arch::read_once,
        raw,
        Cache,
        Gfp,
        SlabObject, //
    }, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::{
    bindings,
    fmt,
    prelude::*,
    str::CString,
    sync::atomic::{
        Atomic,
        Relaxed,
        Release, //
    }, //
};

/// Objects up to this size, in units, do not open a new page of the heap once there is a cache.
pub(crate) const SMALL_UNITS: usize = 512 / UNIT;
/// Pages that a class takes from the heap before its cache is made.
const PATIENCE: u32 = 16;
/// Weight of a page that is taken although enough of the heap is free.
const TOO_MANY: u32 = 4;

static MISSES: [Atomic<u32>; CLASSES] = [const { Atomic::new(0) }; CLASSES];

/// The cache of a class, once it is made.
///
/// # Invariants
///
/// It is null, or comes from [`Cache::into_raw`] of a cache that is not destroyed.
struct Slot(Atomic<*mut bindings::kmem_cache>);

impl Slot {
    #[inline]
    fn get(&self) -> Option<Cache> {
        let raw = NonNull::new(read_once::read_acquire(&self.0))?;
        // SAFETY: By the type invariant.
        Some(unsafe { Cache::from_raw(raw) })
    }

    fn set(&self, cache: Cache) {
        // RELEASE: A CPU that finds the cache sees all of it.
        // INVARIANT: It is not destroyed as long as it is here.
        self.0.store(cache.into_raw(), Release);
    }

    /// Takes the cache out, to destroy it.
    fn take(&self) -> Option<Cache> {
        let cache = self.get();
        // INVARIANT: It is null.
        self.0.store(null_mut(), Relaxed);
        cache
    }

    /// Whether it has this cache, which need not exist.
    fn has(&self, cache: *mut bindings::kmem_cache) -> bool {
        self.0.load(Relaxed) == cache
    }
}

static CACHES: [Slot; CLASSES] = [const { Slot(Atomic::new(null_mut())) }; CLASSES];

/// The cache of a class, by its number.
#[inline]
fn of(class: usize) -> Option<Cache> {
    CACHES.get(class)?.get()
}

/// The cache that the objects of a kind may be from.
///
/// # Invariants
///
/// It is that of the class which this kind is for.
#[derive(Clone, Copy)]
pub(crate) struct CacheOf {
    cache: Cache,
    kind: MagazineKind,
}

impl CacheOf {
    /// The cache of a kind, if it has one.
    #[inline]
    pub(crate) fn kind(kind: MagazineKind) -> Option<Self> {
        // INVARIANT: The kind of a class has its number; that of pages has a higher one.
        let cache = of(kind.number())?;
        Some(Self { cache, kind })
    }

    /// An object, which KFENCE does not watch: it would see nothing, as the object goes through
    /// magazines, and have one less for others.
    pub(crate) fn allocate(self, gfp: Gfp) -> Option<Block> {
        let mut object = self.cache.allocate(gfp)?;
        for _ in 0..raw::RUST_POOL_KFENCE_IN_A_ROW {
            if !sys::kfence_samples() || !sys::is_kfence(object.addr()) {
                break;
            }
            let other = self.cache.allocate(gfp);
            object.free();
            object = other?;
        }
        // SAFETY: By the type invariant it is an object of this kind. It was just allocated.
        Some(unsafe { Block::new(self.kind, object.into_raw()) })
    }

    /// A batch of up to `most` objects, which KFENCE does not watch.
    pub(crate) fn allocate_many(self, most: usize, gfp: Gfp) -> Batch {
        let mut batch = Batch::new(self.kind);
        // SAFETY: `allocate_many()` returns how many it wrote. By the type invariant these are
        // objects of this kind, and they were just allocated.
        unsafe { batch.add(most, |room| self.cache.allocate_many(room, gfp)) };
        if sys::kfence_samples() {
            return self.without_watched(batch);
        }
        batch
    }

    /// Gives those of a batch of this kind back that KFENCE watches, and returns the others.
    #[cold]
    fn without_watched(self, mut batch: Batch) -> Batch {
        let (mut watched, mut rest) = (Batch::new(self.kind), Batch::new(self.kind));
        while let Some(object) = batch.pop() {
            if sys::is_kfence(object.addr()) {
                watched.push(object);
            } else {
                rest.push(object);
            }
        }
        // All objects that KFENCE watches are slab's, so none is left.
        let _ = self.take_back(&mut watched);
        rest
    }

    /// Takes those blocks of a batch of this kind back that are objects of the cache, and returns
    /// the others.
    pub(crate) fn take_back(self, batch: &mut Batch) -> Batch {
        let (mut slab, mut rest) = (Batch::new(self.kind), Batch::new(self.kind));
        while let Some(object) = batch.pop() {
            if object.is_of_slab() {
                slab.push(object);
            } else {
                rest.push(object);
            }
        }
        if !slab.is_empty() {
            // SAFETY: Objects of this kind that are slab's are from this cache, by the type
            // invariants, and nobody uses them.
            slab.take_all(|objects| unsafe { self.cache.free_many(objects) });
        }
        rest
    }
}

/// Whether a checker of the kernel may lay objects out in its own way.
static CHECKED: Atomic<bool> = Atomic::new(false);

/// The object of one of the caches that begins at an address, which may be any: its class, and
/// where the object in front of it begins. `None` if a checker lays objects out.
pub(crate) fn object_at(addr: usize) -> Option<(usize, Option<usize>)> {
    if CHECKED.load(Relaxed) {
        return None;
    }
    let (cache, start) = sys::slab_around(addr)?;
    let class = CACHES.iter().position(|slot| slot.has(cache))?;
    let bytes = SIZES.get(class)? * UNIT;
    let offset = addr.checked_sub(start)?;
    let front = addr.checked_sub(bytes).filter(|_| offset != 0);
    (offset.checked_rem(bytes)? == 0).then_some((class, front))
}

/// Whether an address, which may be any, lies in a slab of a cache that is not ours. Then what was
/// a block of the pool there is somebody else's object now.
pub(crate) fn is_of_another(addr: usize) -> bool {
    let around = sys::slab_around(addr);
    around.is_some_and(|(cache, _)| !CACHES.iter().any(|slot| slot.has(cache)))
}

/// Distinguishes the caches of this load of the module from those of an earlier one, which still
/// exist if blocks leaked from them.
static LOAD: Atomic<u64> = Atomic::new(0);
/// Classes whose caches are to be made, a bit each.
static WANTED: Atomic<u64> = Atomic::new(0);
const _: () = assert!(CLASSES <= 64);

fn name(of: impl fmt::Display) -> Result<CString> {
    let load = LOAD.load(Relaxed);
    CString::try_from_fmt(fmt!("rust_pool-{load:016x}-{of}"))
}

fn make(class: usize) -> Result {
    let (Some(slot), Some(units)) = (CACHES.get(class), SIZES.get(class)) else {
        return Ok(());
    };
    if slot.get().is_none() {
        let bytes = units * UNIT;
        slot.set(Cache::new(&name(bytes)?, bytes, UNIT)?);
    }
    Ok(())
}

/// Makes all caches if a kernel checker watches slab caches, and returns whether one does;
/// `unwatched` ignores checkers. Sleeps.
pub(crate) fn init(unwatched: bool) -> Result<bool> {
    LOAD.store(sys::random(), Relaxed);
    let checked = !unwatched && sys::caches_are_checked(&name("probe")?).ok_or(ENOMEM)?;
    CHECKED.store(checked || unwatched, Relaxed);
    if checked {
        (0..CLASSES).try_for_each(make)?;
    }
    Ok(checked)
}

/// Records that a class has no cache and took a page of the heap instead, and whether enough of the
/// heap was free, but not where it fits. If that happens often, its cache is made. Any context but
/// NMI.
pub(crate) fn missed(class: usize, enough: bool) {
    let Some(misses) = MISSES.get(class) else {
        return;
    };
    if misses.fetch_add(if enough { TOO_MANY } else { 1 }, Relaxed) >= PATIENCE {
        misses.store(0, Relaxed);
        want(class);
    }
}

/// Requests the cache of a class from the work item. Any context but NMI.
fn want(class: usize) {
    // CAST: A class is below 64.
    let bit = 1u64 << (class & 63);
    let wanted = WANTED.load(Relaxed);
    if wanted & bit == 0 && WANTED.cmpxchg(wanted, wanted | bit, Relaxed).is_ok() {
        sys::defer();
    }
}

/// An object of a class that is charged to the current process. It is from the class's cache or,
/// until the work item has made that, from kmalloc, whose objects may be larger. Any context but
/// NMI.
pub(crate) fn allocate_charged(class: Class, request: Request) -> Option<SlabObject> {
    match of(class.number()) {
        Some(cache) => request.attempt_charged(true, |gfp| cache.allocate(gfp)),
        None => {
            want(class.number());
            request.attempt_charged(true, |gfp| sys::kmalloc(class.bytes(), gfp))
        }
    }
}

/// Makes the caches that are wanted. Sleeps.
pub(crate) fn make_wanted() {
    let wanted = WANTED.xchg(0, Relaxed);
    for class in (0..CLASSES).filter(|class| wanted & 1 << class != 0) {
        // Without memory the next request wants it again.
        let _ = make(class);
    }
}

/// Destroys the caches, except for those from which blocks leaked. Sleeps.
///
/// # Safety
///
/// Nobody allocates or frees any more: the module is going.
pub(crate) unsafe fn exit(leaked: bool) {
    if leaked && !cfg!(CONFIG_SLUB_DEBUG) {
        // Without that option a cache cannot tell whether it is empty.
        return;
    }
    for cache in CACHES.iter().filter_map(Slot::take) {
        // SAFETY: Nobody uses the cache. If nothing leaked, nobody has an object of it.
        unsafe { cache.destroy(leaked) };
    }
}
