// SPDX-License-Identifier: GPL-2.0

//! Memory of the Rust API on a kernel that clears what is allocated: only for a boot with
//! `init_on_alloc=1`.

use crate::harness::{
    cases,
    check,
    must,
    Test, //
};
use kernel::{
    alloc::{
        Allocator,
        Vec, //
    },
    prelude::*, //
};
use rust_pool::{
    pool_tag,
    NonPaged,
    Paged, //
};

pool_tag!(pub(crate) RsCl = "RsCl");

cases![nonpaged_is_zero_again, paged_is_zero_again];

const DIRT: u64 = 0xd1d2_d3d4_d5d6_d7d8;

/// In words: every class of small blocks, and larger ones of several kinds.
fn sizes() -> impl Iterator<Item = usize> {
    let large = [509, 512, 600, 1024, 2000, 2048, 4096, 8192, 9000, 131_072];
    Iterator::chain((1..512).step_by(5), large)
}

/// Whether memory that nobody has written to yet is zero; leaves dirt in it.
fn zero_and_soiled<A: Allocator>(block: &mut Vec<u64, A>) -> bool {
    let mut zero = true;
    for word in block.spare_capacity_mut() {
        let word = word.as_mut_ptr();
        // SAFETY: The word lies in a live block, and any bits are a number. The memory comes from
        // foreign code, so it holds what that left there.
        zero &= unsafe { word.read_volatile() } == 0;
        // SAFETY: As above.
        unsafe { word.write_volatile(DIRT) };
    }
    zero
}

fn is_zero_again<A: Allocator>(t: &Test) {
    for size in sizes() {
        let many = if size < 1024 { 100 } else { 3 };
        for _ in 0..3 {
            let mut blocks = must!(t, KVec::<Vec<u64, A>>::with_capacity(many, GFP_KERNEL));
            for _ in 0..many {
                let mut block = must!(t, Vec::<u64, A>::with_capacity(size, GFP_KERNEL));
                if !check!(t, zero_and_soiled(&mut block)) {
                    return;
                }
                must!(t, blocks.push(block, GFP_KERNEL));
            }
        }
    }
}

fn nonpaged_is_zero_again(t: &Test) {
    is_zero_again::<NonPaged<RsCl>>(t);
}

fn paged_is_zero_again(t: &Test) {
    is_zero_again::<Paged<RsCl>>(t);
}
