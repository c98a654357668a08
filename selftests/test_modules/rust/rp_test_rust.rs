// SPDX-License-Identifier: GPL-2.0

//! Tests of rust_pool's Rust API.

mod rp_test_rust {
    pub(crate) mod cleared;
    pub(crate) mod collections;
    pub(crate) mod common_buffers;
    pub(crate) mod failing;
    pub(crate) mod harness;
    pub(crate) mod irql;
    pub(crate) mod lists;
    pub(crate) mod lookaside;
    pub(crate) mod mdl;
    pub(crate) mod packets;
    pub(crate) mod parts;
    pub(crate) mod regions;
    pub(crate) mod reserved;
    pub(crate) mod user_pages;
}

use kernel::prelude::*;
pub(crate) use rp_test_rust::harness;
use rp_test_rust::{
    cleared,
    collections,
    common_buffers,
    failing,
    irql,
    lists,
    lookaside,
    mdl,
    packets,
    parts,
    regions,
    reserved,
    user_pages, //
};

module! {
    type: RustTests,
    name: "rp_test_rust",
    authors: ["The rust_pool authors"],
    description: "rust_pool selftests: the Rust API",
    license: "GPL",
}

static COLLECTIONS: harness::Suite = harness::Suite::new(c"rust_collections", collections::CASES);
static REGIONS: harness::Suite = harness::Suite::new(c"rust_regions", regions::CASES);
static COMMON_BUFFERS: harness::Suite =
    harness::Suite::new(c"rust_common_buffers", common_buffers::CASES);
static LOOKASIDE: harness::Suite = harness::Suite::new(c"rust_lookaside", lookaside::CASES);
static MDL: harness::Suite = harness::Suite::new(c"rust_mdl", mdl::CASES);
static LISTS: harness::Suite = harness::Suite::new(c"rust_lists", lists::CASES);
static USER_PAGES: harness::Suite = harness::Suite::new(c"rust_user_pages", user_pages::CASES);
static PARTS: harness::Suite = harness::Suite::new(c"rust_parts", parts::CASES);
static RESERVED: harness::Suite = harness::Suite::new(c"rust_reserved", reserved::CASES);
static PACKETS: harness::Suite = harness::Suite::new(c"rust_packets", packets::CASES);
static CLEARED: harness::Suite = harness::Suite::new(c"rust_cleared", cleared::CASES);
static FAILING: harness::Suite = harness::Suite::new(c"rust_failing", failing::CASES);
static IRQL: harness::Suite = harness::Suite::new(c"rust_irql", irql::CASES);
static SUITES: &[&harness::Suite] = &[
    &COLLECTIONS,
    &REGIONS,
    &COMMON_BUFFERS,
    &LOOKASIDE,
    &MDL,
    &LISTS,
    &USER_PAGES,
    &PARTS,
    &RESERVED,
    &PACKETS,
    &CLEARED,
    &FAILING,
    &IRQL,
];

struct RustTests {
    _suites: harness::Registration,
}

impl kernel::Module for RustTests {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _suites: harness::Registration::new(SUITES)?,
        })
    }
}
