// SPDX-License-Identifier: GPL-2.0

//! Contiguous and noncached memory that is owned.

use crate::harness::{
    cases,
    check,
    check_eq,
    check_violation,
    must,
    Cache,
    Context,
    Test,
    BAD_POOL_CALLER, //
};
use kernel::prelude::*;
use rust_pool::{
    Bounds,
    Cached,
    Contiguous,
    Memory,
    NonCached,
    Uncached,
    WriteCombined, //
};

cases![
    contiguous_owned,
    contiguous_bounds,
    contiguous_impossible,
    contiguous_by_type,
    contiguous_in_atomic,
    noncached_owned,
    noncached_by_type,
    noncached_refused_in_atomic,
    zeroed_on_allocation,
    accesses_within_bounds,
    zero_bytes_refused,
    too_much_fails,
];

fn contiguous_owned(t: &Test) {
    let before = t.family(c"contiguous");
    let memory: Contiguous = must!(t, Contiguous::new(5000, Bounds::ANY));
    let row = t.family(c"contiguous");
    check_eq!(t, memory.len(), 5000);
    check_eq!(t, memory.used(), 8192);
    check_eq!(t, row.diff, before.diff + 1);
    check_eq!(t, row.bytes, before.bytes + 5000);
    check_eq!(t, row.used, before.used + 8192);
    check_eq!(t, memory.physical_address(), t.phys(memory.as_ptr()));
    check_eq!(t, memory.as_ptr() as usize % 4096, 0);
    drop(memory);
    check_eq!(t, t.family(c"contiguous").diff, before.diff);
}

fn contiguous_bounds(t: &Test) {
    // Where there just was room.
    let room = must!(t, Contiguous::<Cached>::new(8 << 20, Bounds::ANY)).physical_address();
    let bounds = Bounds::ANY
        .lowest(room)
        .highest(room + (8 << 20) - 1)
        .boundary(0x1_0000);
    for _ in 0..10 {
        let memory = must!(t, Contiguous::<Cached>::new(40_000, bounds));
        let first = memory.physical_address();
        let last = first + 39_999;
        check!(t, first >= room && last < room + (8 << 20));
        check_eq!(t, first / 0x1_0000, last / 0x1_0000);
    }
}

fn contiguous_impossible(t: &Test) {
    let impossible = [
        (4096, Bounds::ANY.lowest(0x1_0000_0000_0000)),
        (4096, Bounds::ANY.highest(4094)),
        (4096, Bounds::ANY.boundary(12288)),
        (8192, Bounds::ANY.boundary(4096)),
        (8192, Bounds::ANY.lowest(0x400_0000).highest(0x400_1ffe)),
        (usize::MAX, Bounds::ANY),
    ];
    for (bytes, bounds) in impossible {
        check!(
            t,
            matches!(Contiguous::<Cached>::new(bytes, bounds), Err(e) if e == ENOMEM)
        );
        check!(t, Contiguous::<Uncached>::new(bytes, bounds).is_err());
    }
}

/// Every page of it, by every way to it.
fn cached_as(t: &Test, memory: &Memory, cache: Cache) -> bool {
    (0..memory.used()).step_by(4096).all(|at| {
        // SAFETY: Within the memory.
        t.cached_as(unsafe { memory.as_ptr().add(at) }, cache)
    })
}

fn contiguous_by_type(t: &Test) {
    let wb = must!(t, Contiguous::<Cached>::new(9000, Bounds::ANY));
    let uc = must!(t, Contiguous::<Uncached>::new(9000, Bounds::ANY));
    let wc = must!(t, Contiguous::<WriteCombined>::new(9000, Bounds::ANY));
    check!(t, cached_as(t, &wb, Cache::Wb));
    check!(t, cached_as(t, &uc, Cache::Uc));
    check!(t, cached_as(t, &wc, Cache::Wc));
}

fn contiguous_in_atomic(t: &Test) {
    let mut cached = None;
    t.in_context(Context::SpinlockIrq, || {
        cached = Contiguous::<Cached>::new(8192, Bounds::ANY).ok();
    });
    check!(t, cached.is_some());
    t.in_context(Context::SpinlockIrq, || drop(cached.take()));

    let mut refused = false;
    t.in_context(Context::Spinlock, || {
        refused = Contiguous::<Uncached>::new(8192, Bounds::ANY).is_err();
    });
    check!(t, refused);
    check_violation!(t, BAD_POOL_CALLER, 0x08);
}

fn noncached_owned(t: &Test) {
    let before = t.family(c"noncached");
    let memory: NonCached = must!(t, NonCached::new(5000));
    let row = t.family(c"noncached");
    check_eq!(t, memory.len(), 5000);
    check_eq!(t, memory.used(), 8192);
    check_eq!(t, row.diff, before.diff + 1);
    check_eq!(t, row.bytes, before.bytes + 5000);
    drop(memory);
    check_eq!(t, t.family(c"noncached").diff, before.diff);
}

fn noncached_by_type(t: &Test) {
    let uc = must!(t, NonCached::<Uncached>::new(20_000));
    let wc = must!(t, NonCached::<WriteCombined>::new(20_000));
    check!(t, cached_as(t, &uc, Cache::Uc));
    check!(t, cached_as(t, &wc, Cache::Wc));
}

fn noncached_refused_in_atomic(t: &Test) {
    for context in [
        Context::Spinlock,
        Context::RcuReadSide,
        Context::Softirq,
        Context::SpinlockIrq,
    ] {
        let mut refused = false;
        t.in_context(context, || {
            refused = NonCached::<Uncached>::new(4096).is_err();
        });
        check!(t, refused);
        check_violation!(t, BAD_POOL_CALLER, 0x08);
    }
}

fn is_zero(memory: &Memory) -> bool {
    (0..memory.len()).all(|at| matches!(memory.read::<u8>(at), Ok(0)))
}

fn make_dirty(memory: &Memory) {
    for at in 0..memory.len() {
        if memory.write(at, 0xa5u8).is_err() {
            return;
        }
    }
}

fn zeroed_on_allocation(t: &Test) {
    for _ in 0..4 {
        let wb = must!(t, Contiguous::<Cached>::new(9000, Bounds::ANY));
        let uc = must!(t, Contiguous::<Uncached>::new(9000, Bounds::ANY));
        let nc = must!(t, NonCached::<WriteCombined>::new(9000));
        check!(t, is_zero(&wb));
        check!(t, is_zero(&uc));
        check!(t, is_zero(&nc));
        make_dirty(&wb);
        make_dirty(&uc);
        make_dirty(&nc);
    }
}

fn accesses_within_bounds(t: &Test) {
    let memory = must!(t, Contiguous::<Cached>::new(1001, Bounds::ANY));
    must!(t, memory.write(0, 0x1122_3344u32));
    must!(t, memory.write(996, 0x5566_7788u32));
    must!(t, memory.write(1000, 9u8));
    check!(t, matches!(memory.read::<u32>(0), Ok(0x1122_3344)));
    check!(t, matches!(memory.read::<u16>(2), Ok(0x1122)));
    check!(t, matches!(memory.read::<u32>(996), Ok(0x5566_7788)));
    check!(t, matches!(memory.read::<u8>(1000), Ok(9)));
    // What is asked for counts, not what it was rounded to.
    check!(t, memory.read::<u8>(1001).is_err_and(|e| e == EINVAL));
    check!(t, memory.read::<u32>(1000).is_err());
    check!(t, memory.write(1001, 0u8).is_err());
    check!(t, memory.write(998, 0u32).is_err());
    check!(t, memory.read::<u32>(1).is_err());
    check!(t, memory.write(6, 0u64).is_err());
    check!(t, memory.read::<u8>(usize::MAX).is_err());
    check!(t, memory.read::<u64>(usize::MAX - 7).is_err());

    let mut bytes = [0u8; 8];
    must!(t, memory.copy_from_slice(101, b"contents"));
    must!(t, memory.copy_to_slice(101, &mut bytes));
    check!(t, &bytes == b"contents");
    must!(t, memory.copy_from_slice(993, &bytes));
    check!(t, memory.copy_from_slice(994, &bytes).is_err());
    check!(t, memory.copy_to_slice(994, &mut bytes).is_err());
    check!(t, memory.copy_to_slice(usize::MAX - 3, &mut bytes).is_err());
    must!(t, memory.copy_to_slice(1001, &mut []));
    check!(t, memory.copy_to_slice(1002, &mut []).is_err());
}

fn zero_bytes_refused(t: &Test) {
    check!(t, Contiguous::<Cached>::new(0, Bounds::ANY).is_err());
    check_violation!(t, BAD_POOL_CALLER, 0x00);
    check!(t, NonCached::<Uncached>::new(0).is_err());
    check_violation!(t, BAD_POOL_CALLER, 0x00);
}

fn too_much_fails(t: &Test) {
    for bytes in [usize::MAX, usize::MAX - 4095, 1 << 46] {
        check!(t, NonCached::<Uncached>::new(bytes).is_err());
        check!(
            t,
            Contiguous::<WriteCombined>::new(bytes, Bounds::ANY).is_err()
        );
    }
}
