// SPDX-License-Identifier: GPL-2.0

//! A box made and dropped, in pool and in kmalloc's memory.

use crate::harness::{
    Case,
    Side, //
};
use core::hint::black_box;
use kernel::{
    alloc::{
        allocator::Kmalloc,
        flags::{
            GFP_NOWAIT,
            __GFP_NOWARN, //
        },
        Allocator,
        Box,
        Flags, //
    },
    ffi::{
        c_int,
        c_uint,
        c_ulong, //
    },
    prelude::*, //
};
use rust_pool::{
    pool_tag,
    NonPaged, //
};

pool_tag!(pub(crate) Bench = "Bnch");

/// What is boxed: so many words.
pub(crate) type Words<const N: usize> = [u64; N];

/// A [`Round`](crate::harness::Round) of boxes in the memory of `A`.
///
/// The contents stay uninitialized on both sides: filling them is not the allocator's cost.
///
/// # Safety
///
/// None needed; C knows no safe functions.
unsafe extern "C" fn boxes<A: Allocator, const N: usize>(_size: c_ulong, pairs: c_uint) -> c_int {
    for _ in 0..pairs {
        match Box::<Words<N>, A>::new_uninit(flags()) {
            // Else the optimizer may leave out both halves of a pair that nobody looks at.
            Ok(made) => drop(black_box(made)),
            Err(_) => return ENOMEM.to_errno(),
        }
    }
    0
}

pub(crate) fn flags() -> Flags {
    GFP_NOWAIT | __GFP_NOWARN
}

struct Sides<const N: usize>;

impl<const N: usize> Sides<N> {
    const BOTH: &'static [Side] = &[
        Side::new(c"ours", boxes::<NonPaged<Bench>, N>),
        Side::new(c"kbox", boxes::<Kmalloc, N>),
    ];
    const CASE: Case = Case::new(c"box", size_of::<Words<N>>(), Case::PAIRS, Self::BOTH);
}

pub(crate) static CASES: [Case; 9] = [
    Sides::<2>::CASE,
    Sides::<4>::CASE,
    Sides::<8>::CASE,
    Sides::<24>::CASE,
    Sides::<32>::CASE,
    Sides::<100>::CASE,
    Sides::<128>::CASE,
    Sides::<508>::CASE,
    Case::END,
];
