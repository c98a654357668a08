// SPDX-License-Identifier: GPL-2.0

//! A client in Rust that forgets two boxes, a vector that grew, and pages, and frees a box.

use kernel::prelude::*;
use rust_pool::{
    pool_tag,
    Bounds,
    Contiguous,
    NonCached,
    PoolBox,
    PoolVec, //
};

module! {
    type: Leak,
    name: "rp_test_leak_rust",
    authors: ["The rust_pool authors"],
    description: "rust_pool selftests: a Rust client that leaks",
    license: "GPL",
}

pool_tag!(Rust = "Rust");
pool_tag!(Grown = "RsVc");

struct Leak;

// A function of the driver's, to be named.
#[inline(never)]
fn forget_all() -> Result {
    for i in 0..2u64 {
        let _ = PoolBox::leak(PoolBox::<[u64; 8], Rust>::new([i; 8], GFP_KERNEL)?);
    }
    let mut grown = PoolVec::<u64, Grown>::new();
    for i in 0..64 {
        grown.push(i, GFP_KERNEL)?;
    }
    core::mem::forget(grown);
    core::mem::forget(<Contiguous>::new(5000, Bounds::ANY)?);
    core::mem::forget(<NonCached>::new(64)?);
    Ok(())
}

// The other one. Its address is for a second free.
#[inline(never)]
fn free_one() -> Result {
    let block = PoolBox::<[u64; 8], Rust>::new([0; 8], GFP_KERNEL)?;
    pr_info!("frees {:#x}\n", core::ptr::from_ref(&*block) as usize);
    // Not inlined, so that a function of a library is called which frees it.
    let free: fn(PoolBox<[u64; 8], Rust>) = core::hint::black_box(drop);
    free(block);
    Ok(())
}

impl kernel::Module for Leak {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        forget_all()?;
        free_one()?;
        Ok(Self)
    }
}
