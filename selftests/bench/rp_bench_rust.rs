// SPDX-License-Identifier: GPL-2.0

//! The Rust API beside the kernel's own `KBox`.

mod rp_bench_rust {
    pub(crate) mod boxes;
    pub(crate) mod bursts;
    pub(crate) mod harness;
}

use kernel::prelude::*;
pub(crate) use rp_bench_rust::harness;
use rp_bench_rust::{
    boxes,
    bursts, //
};

module! {
    type: RustBench,
    name: "rp_bench_rust",
    authors: ["The rust_pool authors"],
    description: "rust_pool benchmark: the Rust API",
    license: "GPL",
}

static FILES: [harness::File; 2] = [
    harness::File::new(c"boxes", &boxes::CASES),
    harness::File::new(c"boxes_bursts", &bursts::CASES),
];

struct RustBench {
    _files: harness::Files,
}

impl kernel::Module for RustBench {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _files: harness::Files::new(c"rp_bench_rust", &FILES),
        })
    }
}
