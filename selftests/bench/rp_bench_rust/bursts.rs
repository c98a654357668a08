// SPDX-License-Identifier: GPL-2.0

//! Many boxes made, then as many dropped, and rings of boxes, in pool and in kmalloc's memory.
//!
//! As in `boxes`, each case has a type of its own. The compiler makes a function, which costs its
//! call, of what is done with one type at several places.

use crate::{
    boxes::{
        flags,
        Bench, //
    },
    harness::{
        Case,
        Side, //
    }, //
};
use core::{
    hint::black_box,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    }, //
};
use kernel::{
    alloc::{
        allocator::Kmalloc,
        Allocator,
        Box, //
    },
    ffi::{
        c_int,
        c_uint,
        c_ulong, //
    },
    prelude::*, //
};
use rust_pool::NonPaged;

/// Boxes that a ring has live, and how many are made before as many of the oldest are dropped.
const DEPTH: usize = 64;

/// What is boxed in one case: so many words.
struct Words<const N: usize, const CASE: usize>([u64; N]);

/// A box with nothing in it.
type Made<A, const N: usize, const CASE: usize> = Box<MaybeUninit<Words<N, CASE>>, A>;

/// Places for boxes. That they are dropped in one place only is what makes the compiler put the
/// code there, as it does for a box in `boxes`. What is there if a box cannot be made is lost.
type Places<T, const LENGTH: usize> = ManuallyDrop<[Option<T>; LENGTH]>;

fn empty<T, const LENGTH: usize>() -> Places<T, LENGTH> {
    ManuallyDrop::new([const { None }; LENGTH])
}

/// Makes a box in each place, all of which are empty.
#[inline(always)]
fn fill<A: Allocator, const N: usize, const CASE: usize>(
    places: &mut [Option<Made<A, N, CASE>>],
) -> Result {
    for place in places {
        // Else the optimizer may leave out both halves of a pair that nobody looks at.
        let made = black_box(Box::new_uninit(flags())?);
        core::mem::forget(place.replace(made));
    }
    Ok(())
}

/// Drops what is there.
#[inline(always)]
fn drain<T>(places: &mut [Option<T>]) {
    for place in places {
        drop(place.take());
    }
}

/// A [`Round`](crate::harness::Round) of bursts of so many boxes.
///
/// # Safety
///
/// None needed; C knows no safe functions.
unsafe extern "C" fn burst<A: Allocator, const N: usize, const LENGTH: usize>(
    _size: c_ulong,
    pairs: c_uint,
) -> c_int {
    let mut boxes: Places<Made<A, N, LENGTH>, LENGTH> = empty();
    // CAST: Lossless on the architectures supported.
    let mut left = pairs as usize;
    while left > 0 {
        if fill(&mut boxes[..left.min(LENGTH)]).is_err() {
            return ENOMEM.to_errno();
        }
        drain(&mut boxes[..]);
        left = left.saturating_sub(LENGTH);
    }
    0
}

/// A [`Round`](crate::harness::Round) of a ring that is filled, refilled again and again, and
/// drained.
///
/// # Safety
///
/// None needed; C knows no safe functions.
unsafe extern "C" fn ring<A: Allocator, const N: usize>(_size: c_ulong, pairs: c_uint) -> c_int {
    let (mut first, mut second): (Places<Made<A, N, 0>, DEPTH>, _) = (empty(), empty());
    let (mut new, mut old) = (&mut first, &mut second);
    // CAST: Lossless on the architectures supported.
    let turns = pairs as usize / DEPTH;
    // After the last turn the ring is drained.
    for turn in 0..=turns {
        if turn < turns && fill(&mut new[..]).is_err() {
            return ENOMEM.to_errno();
        }
        drain(&mut old[..]);
        core::mem::swap(&mut new, &mut old);
    }
    0
}

struct Sides<const N: usize>;

impl<const N: usize> Sides<N> {
    const BURST_16: Case = Case::new(
        c"box-burst-16",
        size_of::<[u64; N]>(),
        512,
        &[
            Side::new(c"ours", burst::<NonPaged<Bench>, N, 16>),
            Side::new(c"kbox", burst::<Kmalloc, N, 16>),
        ],
    );
    const BURST_64: Case = Case::new(
        c"box-burst-64",
        size_of::<[u64; N]>(),
        512,
        &[
            Side::new(c"ours", burst::<NonPaged<Bench>, N, 64>),
            Side::new(c"kbox", burst::<Kmalloc, N, 64>),
        ],
    );
    const RING: Case = Case::new(
        c"box-ring-64",
        size_of::<[u64; N]>(),
        512,
        &[
            Side::new(c"ours", ring::<NonPaged<Bench>, N>),
            Side::new(c"kbox", ring::<Kmalloc, N>),
        ],
    );
}

pub(crate) static CASES: [Case; 19] = [
    Sides::<2>::BURST_16,
    Sides::<8>::BURST_16,
    Sides::<32>::BURST_16,
    Sides::<128>::BURST_16,
    Sides::<508>::BURST_16,
    Sides::<512>::BURST_16,
    Sides::<2>::BURST_64,
    Sides::<8>::BURST_64,
    Sides::<32>::BURST_64,
    Sides::<128>::BURST_64,
    Sides::<508>::BURST_64,
    Sides::<512>::BURST_64,
    Sides::<2>::RING,
    Sides::<8>::RING,
    Sides::<32>::RING,
    Sides::<128>::RING,
    Sides::<508>::RING,
    Sides::<512>::RING,
    Case::END,
];
