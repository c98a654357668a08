// SPDX-License-Identifier: GPL-2.0

//! A module that owns memory of the families that need no device.

use kernel::prelude::*;
use rust_pool::{
    pool_tag,
    Bounds,
    Contiguous,
    NonCached,
    Paged,
    PoolBox,
    WriteCombined, //
};

module! {
    type: Client,
    name: "rust_client",
    authors: ["The rust_pool authors"],
    description: "rust_pool example: a client in Rust",
    license: "GPL",
}

pool_tag!(Ring = "Ring");
pool_tag!(Config = "Cfg");

struct Client {
    _ring: PoolBox<[u64; 64], Ring>,
    _names: Vec<u32, Paged<Config>>,
    _table: Contiguous,
    _mailbox: NonCached<WriteCombined>,
}

impl kernel::Module for Client {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mut names = Vec::new();
        for id in 0..100 {
            names.push(id, GFP_KERNEL)?;
        }

        // Below 4 GiB, and no multiple of 64 KiB inside.
        let bounds = Bounds::ANY.highest(0xffff_ffff).boundary(0x1_0000);
        let table = Contiguous::new(10_000, bounds)?;
        table.write(0, 0x1234_5678u32)?;
        pr_info!(
            "{} bytes of {} at {:#x}\n",
            table.len(),
            table.used(),
            table.physical_address()
        );

        Ok(Self {
            _ring: PoolBox::new([0; 64], GFP_KERNEL)?,
            _names: names,
            _table: table,
            _mailbox: NonCached::new(100)?,
        })
    }
}
