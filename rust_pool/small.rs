// SPDX-License-Identifier: GPL-2.0

//! Blocks with a header, from slab caches of our own.
//!
//! The caches are made at load, since making one takes a mutex and the first request may come in
//! softirq. Their sizes are a sixteenth of a power of two apart at first and an eighth above 256
//! bytes, header included, so little of an object is left over; plain kmalloc would push every
//! power of two into the next class. Objects may straddle a page, unlike on Windows, but are always
//! physically contiguous.

use crate::{
    gfp::Request,
    header::{
        self,
        Found,
        Header,
        LARGEST,
        UNIT, //
    },
    row::Row,
    statistics,
    sys::{
        self,
        Cache, //
    },
    tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::{
    bindings,
    prelude::*,
    str::CString,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// The largest object, in units.
const MAX_UNITS: usize = header::units(LARGEST);

/// The size of the class that an object of `units` units comes from.
const fn class_units(units: usize) -> usize {
    if units <= 16 {
        return if units < 2 { 2 } else { units };
    }
    let step = 1 << ((units - 1).ilog2() - 3);
    let size = units.div_ceil(step) * step;
    if size > MAX_UNITS {
        MAX_UNITS
    } else {
        size
    }
}

const fn count_classes() -> usize {
    let mut count = 0;
    let mut units = 2;
    while units <= MAX_UNITS {
        count += 1;
        units = class_units(units) + 1;
    }
    count
}

const CLASSES: usize = count_classes();

/// The sizes of the classes, in units.
const SIZES: [usize; CLASSES] = {
    let mut sizes = [0; CLASSES];
    let mut class = 0;
    let mut units = 2;
    while class < CLASSES {
        sizes[class] = class_units(units);
        units = sizes[class] + 1;
        class += 1;
    }
    sizes
};

/// The class for each size in units.
const CLASS_OF: [u8; MAX_UNITS + 1] = {
    let mut class_of = [0; MAX_UNITS + 1];
    let mut class = 0;
    let mut units = 0;
    while units <= MAX_UNITS {
        if units > SIZES[class] {
            class += 1;
        }
        // CAST: There are fewer than 256 classes.
        class_of[units] = class as u8;
        units += 1;
    }
    class_of
};

static CACHES: [Atomic<*mut bindings::kmem_cache>; CLASSES] =
    [const { Atomic::new(null_mut()) }; CLASSES];

/// The cache for objects of `units` units, and the bytes that each takes.
#[inline]
fn cache(units: usize) -> Option<(Cache, usize)> {
    let class = usize::from(*CLASS_OF.get(units)?);
    let raw = NonNull::new(CACHES.get(class)?.load(Relaxed))?;
    // SAFETY: The caches are made before the module is live and destroyed when it goes.
    Some((unsafe { Cache::from_raw(raw) }, SIZES.get(class)? * UNIT))
}

/// Makes the caches. Sleeps.
pub(crate) fn init() -> Result {
    // The caches of an earlier load are still there if blocks leaked from them.
    let load = sys::random();
    for (slot, units) in CACHES.iter().zip(SIZES) {
        let name = CString::try_from_fmt(fmt!("rust_pool-{load:016x}-{}", units * UNIT))?;
        slot.store(Cache::new(&name, units * UNIT, UNIT)?.into_raw(), Relaxed);
    }
    Ok(())
}

/// Destroys the caches, but for those from which blocks leaked, if any did. Sleeps.
///
/// # Safety
///
/// Nobody allocates or frees any more: the module is going.
pub(crate) unsafe fn exit(leaked: bool) {
    if leaked && !cfg!(CONFIG_SLUB_DEBUG) {
        // No cache can say then whether it is empty.
        return;
    }
    for slot in &CACHES {
        if let Some(raw) = NonNull::new(slot.load(Relaxed)) {
            // SAFETY: The cache was made by `init()`, and nobody uses it.
            unsafe { Cache::from_raw(raw).destroy_if_empty() };
            slot.store(null_mut(), Relaxed);
        }
    }
}

/// Allocates a block of `request.bytes`, at most [`LARGEST`] and not 0. Any context but NMI.
#[inline]
pub(crate) fn allocate(
    request: Request,
    kind: PoolKind,
    tag: Tag,
    row: &Row,
) -> Option<NonNull<u8>> {
    let (cache, used) = cache(header::units(request.bytes))?;
    let object = request.attempt(|gfp| cache.allocate(gfp))?;
    // SAFETY: The object is ours and at least a header long.
    unsafe { Header::new(request.bytes, kind, tag, row.index()).write(object) };
    row.charge(request.bytes, used);
    // SAFETY: The object is longer than its header.
    Some(unsafe { object.add(UNIT) })
}

/// Frees the block behind a header. `false` if another CPU was faster. Any context but NMI.
///
/// # Safety
///
/// [`Header::find`] found this header, live, in front of `block`, and the caller gives it up.
#[inline]
pub(crate) unsafe fn free(block: usize, header: Header) -> bool {
    let addr = block - UNIT;
    // SAFETY: By the safety requirements.
    if !unsafe { header.claim(addr) } {
        return false;
    }
    let Some((cache, used)) = cache(header.units()) else {
        return true;
    };
    if let Some(row) = statistics::at(header.row()) {
        row.discharge(header.bytes(), used);
    }
    if let Some(object) = NonNull::new(addr as *mut u8) {
        // SAFETY: The header says that the object is of this cache, and was live until now.
        unsafe { cache.free(object) };
    }
    true
}

/// The live block around an address that is not its start, if there is one. Slow.
pub(crate) fn around(addr: usize) -> Option<usize> {
    let last = addr & !(UNIT - 1);
    (0..MAX_UNITS)
        .filter_map(|back| last.checked_sub(back * UNIT))
        .find(|&at| {
            matches!(Header::find(at), Some(Found::Live(header))
                if addr < at.saturating_add(header.units() * UNIT))
        })
        .map(|at| at + UNIT)
}
