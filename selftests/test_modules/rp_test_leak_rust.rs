// SPDX-License-Identifier: GPL-2.0

//! A client in Rust that forgets two boxes.

use kernel::prelude::*;
use rust_pool::{
    pool_tag,
    PoolBox, //
};

module! {
    type: Leak,
    name: "rp_test_leak_rust",
    authors: ["The rust_pool authors"],
    description: "rust_pool selftests: a Rust client that leaks",
    license: "GPL",
}

pool_tag!(Rust = "Rust");

struct Leak;

impl kernel::Module for Leak {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        for i in 0..2u64 {
            let _ = PoolBox::leak(PoolBox::<[u64; 8], Rust>::new([i; 8], GFP_KERNEL)?);
        }
        Ok(Self)
    }
}
