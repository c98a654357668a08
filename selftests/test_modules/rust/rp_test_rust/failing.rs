// SPDX-License-Identifier: GPL-2.0

//! Each routine of the Rust API, with each of its allocations failed. What it gave is dropped while
//! no allocation succeeds.

use crate::{
    common_buffers::with_device,
    harness::{
        cases,
        check_eq,
        must,
        Test,
        UserMemory, //
    }, //
};
use kernel::{
    alloc::{
        Allocator,
        Box, //
    },
    prelude::*,
    sync::Arc, //
};
use rust_pool::{
    pool_tag,
    Adapter,
    Bounds,
    Cached,
    Contiguous,
    Direction,
    LookasideEntry,
    LookasideList,
    MappingAddress,
    Mdl,
    NonCached,
    NonPaged,
    Paged,
    Pages,
    PoolVec,
    ReadWrite,
    Report,
    User,
    WriteCombined, //
};

pool_tag!(pub(crate) RsFn = "RsFn");

cases![
    boxes,
    paged_boxes,
    large_boxes,
    vectors_grow,
    paged_vectors_grow,
    contiguous,
    contiguous_write_combined,
    noncached,
    adapter,
    common_buffer,
    report,
    lookaside_list,
    lookaside_entry,
    built_mdl,
    locked_and_mapped_mdl,
    user_pages,
    part_of_mdl,
    mapping_address,
    pages_of_mdl,
    scatter_gather_list,
    packet,
];

fn boxes(t: &Test) {
    t.sweep(|| Box::<_, NonPaged<RsFn>>::new([7u64; 9], GFP_KERNEL).ok());
}

fn paged_boxes(t: &Test) {
    t.sweep(|| Box::<_, Paged<RsFn>>::new([7u64; 9], GFP_KERNEL).ok());
}

fn large_boxes(t: &Test) {
    t.sweep(|| Box::<[u8; 20_000], NonPaged<RsFn>>::new_uninit(GFP_KERNEL).ok());
}

/// A vector that could not grow has what it had.
fn grow<A: Allocator>(t: &Test) {
    let mut kept = 0;
    t.sweep(|| {
        let mut numbers = Vec::<u32, A>::new();
        for number in 0..3000 {
            if numbers.push(number, GFP_KERNEL).is_err() {
                kept += usize::from(numbers.len() != number as usize);
                kept += numbers
                    .iter()
                    .zip(0..)
                    .filter(|&(is, want)| *is != want)
                    .count();
                return None;
            }
        }
        Some(numbers)
    });
    check_eq!(t, kept, 0);
}

fn vectors_grow(t: &Test) {
    grow::<NonPaged<RsFn>>(t);
}

fn paged_vectors_grow(t: &Test) {
    grow::<Paged<RsFn>>(t);
}

fn contiguous(t: &Test) {
    t.sweep(|| Contiguous::<Cached>::new(20_000, Bounds::ANY).ok());
}

fn contiguous_write_combined(t: &Test) {
    t.sweep(|| Contiguous::<WriteCombined>::new(20_000, Bounds::ANY).ok());
}

fn noncached(t: &Test) {
    t.sweep(|| NonCached::<WriteCombined>::new(20_000).ok());
}

fn adapter(t: &Test) {
    with_device(t, |t, device| {
        t.sweep(|| Adapter::new(device, 65536).ok());
    });
}

fn common_buffer(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        t.sweep(|| adapter.allocate(20_000).ok());
    });
}

fn report(t: &Test) {
    t.sweep(|| Report::new(c"rp_test_rust", b"what a driver has to tell\n").ok());
}

type List = LookasideList<[u64; 20], NonPaged<RsFn>>;

fn lookaside_list(t: &Test) {
    t.sweep(|| KBox::pin_init(List::new(), GFP_KERNEL).ok());
}

/// Each from a list of its own, which keeps nothing yet.
fn lookaside_entry(t: &Test) {
    t.sweep(|| {
        let list = Arc::pin_init(List::new(), GFP_KERNEL).ok()?;
        LookasideEntry::new(list, [7; 20]).ok()
    });
}

fn block() -> Option<PoolVec<u8, RsFn>> {
    PoolVec::zeroed(100_000, GFP_KERNEL).ok()
}

fn built_mdl(t: &Test) {
    t.sweep(|| Mdl::build(block()?).ok());
}

fn locked_and_mapped_mdl(t: &Test) {
    t.sweep(|| Mdl::lock(block()?).ok()?.map().ok());
}

fn user_pages(t: &Test) {
    let memory = must!(t, UserMemory::new(20_000));
    t.sweep(|| {
        let locked = Mdl::<User<ReadWrite>>::lock_user(memory.at(0), 20_000);
        locked.ok()?.map().ok()
    });
}

fn part_of_mdl(t: &Test) {
    let pages = must!(t, Mdl::<Pages>::allocate(100_000, Bounds::ANY));
    t.sweep(|| pages.part(5000, 50_000).ok()?.map().ok());
}

fn mapping_address(t: &Test) {
    t.sweep(|| MappingAddress::<RsFn>::new(100_000).ok());
}

fn pages_of_mdl(t: &Test) {
    let allocate = || Mdl::<Pages<WriteCombined>>::allocate(100_000, Bounds::ANY);
    t.sweep(|| allocate().ok()?.map().ok());
}

/// Of a few pages, as each that the device does not reach is allocated once more.
fn scatter_gather_list(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let pages = must!(t, Mdl::<Pages>::allocate(20_000, Bounds::ANY));
        t.sweep(|| adapter.scatter_gather(&pages, Direction::FromDevice).ok());
    });
}

fn packet(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let pages = must!(t, Mdl::<Pages>::allocate(20_000, Bounds::ANY));
        t.sweep(|| {
            let packet = adapter.packet(5).ok()?;
            packet.map(&pages, 0, 20_000, Direction::FromDevice).ok()
        });
    });
}
