// SPDX-License-Identifier: GPL-2.0

//! Memory descriptor lists that are owned.

use crate::harness::{
    cases,
    check,
    check_eq,
    check_violation,
    must,
    Cache,
    Context,
    Test,
    BAD_POOL_CALLER,
    DRIVER_VERIFIER, //
};
use kernel::{
    alloc::Vec,
    prelude::*,
    str::CString, //
};
use rust_pool::{
    pool_tag,
    Bounds,
    CacheType,
    Cached,
    Contiguous,
    Mdl,
    MdlState,
    Memory,
    NonCached,
    NotMapped,
    Paged,
    Pages,
    PoolBox,
    PoolVec,
    Uncached,
    WriteCombined, //
};

pool_tag!(pub(crate) RsMd = "RsMd");

cases![
    built_of_a_box,
    built_of_vectors,
    built_of_memory,
    buffer_given_back,
    nothing_to_describe,
    locked_and_mapped,
    dropped_while_mapped,
    pages_by_type,
    pages_within_bounds,
    fewer_pages_only_if_asked,
    no_pages_refused,
    mapped_in_atomic,
    dropped_in_atomic,
    hard_interrupt_reported,
    shown,
];

/// Whether an MDL has the frames of so many bytes from there on.
pub(crate) fn describes<S: MdlState>(t: &Test, mdl: &Mdl<S>, at: *const u8, bytes: usize) -> bool {
    let offset = at as usize % 4096;
    let first = at.wrapping_sub(offset);
    let frames = mdl.frames();
    check_eq!(t, mdl.len(), bytes)
        && check_eq!(t, mdl.offset(), offset)
        && check_eq!(t, frames.len(), (offset + bytes).div_ceil(4096))
        && frames.iter().enumerate().all(|(page, &frame)| {
            let physical = t.phys(first.wrapping_add(page * 4096));
            check_eq!(t, frame, physical / 4096)
        })
}

fn built_of_a_box(t: &Test) {
    let before = t.nonpaged(c"Mdl ");
    let block = must!(t, PoolBox::<_, RsMd>::new([7u64; 100], GFP_KERNEL));
    let at = block.as_ptr();
    let mdl = must!(t, Mdl::build(block));
    describes(t, &mdl, at.cast(), 800);
    check_eq!(t, t.nonpaged(c"Mdl ").diff, before.diff + 1);
    check_eq!(t, t.nonpaged(c"RsMd").diff, 1);
    drop(mdl);
    check_eq!(t, t.nonpaged(c"Mdl ").diff, before.diff);
    check_eq!(t, t.nonpaged(c"RsMd").diff, 0);
}

const SIZES: [usize; 6] = [1, 4095, 5000, 65_536, 100_000, 5 << 20];

fn vector(bytes: usize) -> Result<PoolVec<u8, RsMd>> {
    Ok(PoolVec::zeroed(bytes, GFP_KERNEL)?)
}

fn built_of_vectors(t: &Test) {
    for bytes in SIZES {
        let mut block = must!(t, vector(bytes));
        let at = block.as_ptr();
        let mdl = must!(t, Mdl::build(&mut block));
        describes(t, &mdl, at, bytes);
        must!(t, mdl.write(bytes - 1, 9u8));
        check!(t, mdl.write(bytes, 9u8).is_err());
        drop(mdl);
        check_eq!(t, block[bytes - 1], 9);
    }
}

fn built_of_memory(t: &Test) {
    let contiguous: Contiguous = must!(t, Contiguous::new(9000, Bounds::ANY));
    let noncached = must!(t, NonCached::<WriteCombined>::new(9000));
    let one = must!(t, Mdl::build(&contiguous));
    let two = must!(t, Mdl::build(&noncached));
    describes(t, &one, contiguous.as_ptr(), 9000);
    describes(t, &two, noncached.as_ptr(), 9000);
    // It is one memory.
    must!(t, one.write(8992, 5u64));
    check!(t, matches!(contiguous.read::<u64>(8992), Ok(5)));
    drop((one, two));
    let at = contiguous.as_ptr();
    let owner = must!(t, Mdl::build(contiguous));
    describes(t, &owner, at, 9000);
    let memory = owner.into_buffer();
    check!(t, matches!(memory.read::<u64>(8992), Ok(5)));
}

fn buffer_given_back(t: &Test) {
    let mut block = must!(t, vector(5000));
    block[4999] = 3;
    let mdl = must!(t, Mdl::build(block));
    check!(t, matches!(mdl.read::<u8>(4999), Ok(3)));
    must!(t, mdl.write(0, 4u8));
    let block = mdl.into_buffer();
    check!(t, block.len() == 5000 && block[0] == 4 && block[4999] == 3);
    let locked = must!(t, Mdl::lock(block));
    let block = locked.into_buffer();
    check!(t, block[0] == 4 && block[4999] == 3);
}

fn nothing_to_describe(t: &Test) {
    let empty = PoolVec::<u8, RsMd>::new();
    check!(t, matches!(Mdl::build(empty), Err(e) if e == EINVAL));
    let empty = Vec::<u8, Paged<RsMd>>::new();
    check!(t, matches!(Mdl::lock(empty), Err(e) if e == EINVAL));
}

/// Writes other bytes to each page, and reads them back.
pub(crate) fn works(t: &Test, memory: &Memory) -> bool {
    let places = || (0..memory.len()).step_by(512);
    for at in places() {
        if memory.write(at, (at / 512) as u8).is_err() {
            return check!(t, false);
        }
    }
    check!(
        t,
        places().all(|at| matches!(memory.read::<u8>(at), Ok(is) if is == (at / 512) as u8))
    ) && check!(t, memory.read::<u8>(memory.len()).is_err())
}

fn locked_and_mapped(t: &Test) {
    for bytes in SIZES {
        let mut block = must!(t, Vec::<u8, Paged<RsMd>>::zeroed(bytes, GFP_KERNEL));
        let at = block.as_ptr();
        let mdl = must!(t, Mdl::lock(&mut block));
        describes(t, &mdl, at, bytes);
        let mapped = must!(t, mdl.map());
        // What is longer than its mapping must not be touched.
        if !check_eq!(t, Memory::len(&mapped), bytes) {
            return;
        }
        works(t, &mapped);
        describes(t, &mapped, at, bytes);
        check_eq!(t, t.phys(mapped.as_ptr()), t.phys(at));
        // Once more, from the start.
        let mapped = must!(t, mapped.unmap().map());
        let last = must!(t, mapped.read::<u8>((bytes - 1) / 512 * 512));
        drop(mapped);
        check_eq!(t, block[(bytes - 1) / 512 * 512], last);
    }
}

fn dropped_while_mapped(t: &Test) {
    let before = t.nonpaged(c"Mdl ");
    // Both what is mapped side by side, and what is not.
    for bytes in [100, 1 << 20] {
        let block = must!(t, vector(bytes));
        drop(must!(t, must!(t, Mdl::lock(block)).map()));
        let pages = must!(t, Mdl::<Pages>::allocate(bytes, Bounds::ANY));
        drop(must!(t, pages.map()));
    }
    check_eq!(t, t.nonpaged(c"Mdl ").diff, before.diff);
    check_eq!(t, t.nonpaged(c"RsMd").diff, 0);
    check_eq!(t, t.family(c"mdl_pages").diff, 0);
}

fn pages_of_type<C: CacheType>(t: &Test, cache: Cache) {
    let before = t.family(c"mdl_pages");
    let pages = must!(t, Mdl::<Pages<C>>::allocate(300_000, Bounds::ANY));
    check_eq!(t, pages.len(), 303_104);
    check_eq!(t, pages.offset(), 0);
    check_eq!(t, pages.frames().len(), 74);
    check_eq!(t, t.family(c"mdl_pages").used, before.used + 303_104);
    let mapped = must!(t, pages.map());
    let zero = (0..mapped.len()).all(|at| matches!(mapped.read::<u8>(at), Ok(0)));
    check!(t, zero);
    works(t, &mapped);
    check!(t, t.cached_as(mapped.as_ptr(), cache));
    for (page, &frame) in mapped.frames().iter().enumerate() {
        let at = mapped.as_ptr().wrapping_add(page * 4096);
        check_eq!(t, t.phys(at) / 4096, frame);
    }
    let pages = mapped.unmap();
    check_eq!(t, pages.frames().len(), 74);
    drop(pages);
    check_eq!(t, t.family(c"mdl_pages").used, before.used);
}

fn pages_by_type(t: &Test) {
    pages_of_type::<Cached>(t, Cache::Wb);
    pages_of_type::<WriteCombined>(t, Cache::Wc);
    pages_of_type::<Uncached>(t, Cache::Uc);
}

fn pages_within_bounds(t: &Test) {
    let low = Bounds::ANY.highest((16 << 20) - 1);
    let pages = must!(t, Mdl::<Pages>::allocate(20_000, low));
    check!(t, pages.frames().iter().all(|&frame| frame < 4096));
    let high = Bounds::ANY.lowest(256 << 20).node(0);
    let pages = must!(t, Mdl::<Pages>::allocate(20_000, high));
    check!(t, pages.frames().iter().all(|&frame| frame >= 65_536));
    let beyond = Bounds::ANY.lowest(1 << 50);
    check!(
        t,
        matches!(Mdl::<Pages>::allocate(1, beyond), Err(e) if e == ENOMEM)
    );
    // With a distance from one range to the next: 64 KiB of each MiB.
    let ranges = low
        .lowest(1 << 20)
        .highest((1 << 20) + 0xffff)
        .skip(1 << 20);
    let pages = must!(t, Mdl::<Pages>::allocate_some(20_000, ranges));
    check!(t, pages.frames().iter().all(|&frame| frame % 256 < 16));
}

fn fewer_pages_only_if_asked(t: &Test) {
    // A page frame that just was free, unless somebody takes it meanwhile.
    let found = (0..50).find_map(|_| {
        let one = Mdl::<Pages>::allocate(1, Bounds::ANY).ok()?;
        let first = one.frames().first().map(|&frame| frame as u64 * 4096)?;
        drop(one);
        let bounds = Bounds::ANY.lowest(first).highest(first + 4095);
        let few = Mdl::<Pages>::allocate_some(10_000, bounds).ok()?;
        Some((few, bounds))
    });
    let (few, bounds) = must!(t, found.ok_or(ENOMEM));
    check_eq!(t, few.len(), 4096);
    check_eq!(t, few.frames().len(), 1);
    drop(few);
    let all = Mdl::<Pages>::allocate(10_000, bounds);
    check!(t, matches!(all, Err(e) if e == ENOMEM));
}

fn no_pages_refused(t: &Test) {
    let bounds = Bounds::ANY.boundary(1 << 20);
    let refused = Mdl::<Pages>::allocate(5000, bounds);
    check!(t, matches!(refused, Err(e) if e == EINVAL));
    check!(t, Mdl::<Pages>::allocate(0, Bounds::ANY).is_err());
    check_violation!(t, BAD_POOL_CALLER, 0x00);
    let bounds = Bounds::ANY.skip(100);
    check!(t, Mdl::<Pages>::allocate(5000, bounds).is_err());
    check_violation!(t, DRIVER_VERIFIER, 0x16);
    let bounds = Bounds::ANY.node(1000);
    check!(t, Mdl::<Pages>::allocate(5000, bounds).is_err());
    check_violation!(t, DRIVER_VERIFIER, 0x16);
    check!(t, Mdl::<Pages>::allocate(1 << 40, Bounds::ANY).is_err());
    check_violation!(t, DRIVER_VERIFIER, 0x16);
}

/// Pages of which at least two are not adjacent.
pub(crate) fn scattered() -> Option<Mdl<Pages>> {
    (0..50).find_map(|_| {
        let pages = Mdl::<Pages>::allocate(1 << 20, Bounds::ANY).ok()?;
        let apart = pages.frames().windows(2).any(|pair| pair[0] + 1 != pair[1]);
        apart.then_some(pages)
    })
}

fn mapped_in_atomic(t: &Test) {
    let one = must!(t, Mdl::<Pages>::allocate(4096, Bounds::ANY));
    let (mut one, mut mapped) = (Some(one), None);
    t.in_context(Context::Spinlock, || {
        mapped = one.take().and_then(|one| one.map().ok());
    });
    check!(t, mapped.is_some());
    let many = must!(t, scattered().ok_or(ENOMEM));
    let (mut many, mut refused) = (Some(many), None);
    t.in_context(Context::Spinlock, || {
        refused = many.take().and_then(|many| many.map().err());
    });
    // They are as they were.
    let NotMapped(many) = must!(t, refused.ok_or(EINVAL));
    check_eq!(t, many.len(), 1 << 20);
    let many = must!(t, many.map());
    works(t, &many);
}

fn dropped_in_atomic(t: &Test) {
    for context in [Context::Spinlock, Context::RcuReadSide, Context::Softirq] {
        let many = must!(t, scattered().ok_or(ENOMEM));
        let mut many = Some(must!(t, many.map()));
        let block = must!(t, vector(1 << 20));
        let mut locked = Some(must!(t, must!(t, Mdl::lock(block)).map()));
        t.in_context(context, || {
            drop(many.take());
            drop(locked.take());
        });
    }
}

fn hard_interrupt_reported(t: &Test) {
    let pages = must!(t, Mdl::<Pages>::allocate(5000, Bounds::ANY));
    let (mut pages, mut refused) = (Some(pages), None);
    t.in_context(Context::HardInterrupt, || {
        refused = pages.take().and_then(|pages| pages.map().err());
    });
    check_violation!(t, DRIVER_VERIFIER, 0x76);
    check!(t, refused.is_some());
    t.in_context(Context::HardInterrupt, || drop(refused.take()));
    check_violation!(t, BAD_POOL_CALLER, 0x09);
    let block = must!(t, vector(5000));
    let mut locked = Some(must!(t, Mdl::lock(block)));
    t.in_context(Context::HardInterrupt, || drop(locked.take()));
    check_violation!(t, DRIVER_VERIFIER, 0x78);
}

fn shown(t: &Test) {
    let pages = must!(t, Mdl::<Pages>::allocate(5000, Bounds::ANY));
    let text = must!(t, CString::try_from_fmt(fmt!("{:?}", NotMapped(pages))));
    let want = b"NotMapped(Mdl { offset: 0, len: 8192 })";
    check!(t, text.to_bytes() == want);
}
