// SPDX-License-Identifier: GPL-2.0

//! Partial memory descriptor lists, which borrow what they are a part of.

use crate::{
    common_buffers::with_device,
    harness::{
        cases,
        check,
        check_eq,
        check_violation,
        must,
        Context,
        Test,
        UserMemory,
        DRIVER_VERIFIER, //
    },
    mdl::{
        describes,
        scattered,
        works,
        RsMd, //
    }, //
};
use kernel::{
    alloc::Vec,
    prelude::*, //
};
use rust_pool::{
    Adapter,
    Bounds,
    Direction,
    Mdl,
    MdlState,
    Memory,
    Paged,
    Pages,
    PoolVec,
    ReadOnly,
    ReadOnlyMemory,
    User, //
};

cases![
    of_what_is_built,
    of_what_is_locked,
    of_pages,
    of_what_is_mapped,
    of_a_part,
    of_a_process,
    outside_refused,
    mapped_in_atomic,
    dropped_while_mapped,
    hard_interrupt_reported,
    for_a_device,
];

const BYTES: usize = 30_000;

/// Where parts begin, and how many bytes they have.
const PARTS: [(usize, usize); 6] = [
    (0, BYTES),
    (0, 1),
    (100, 5000),
    (4096, 4096),
    (5000, 20_000),
    (BYTES - 1, 1),
];

fn of_what_is_built(t: &Test) {
    let before = t.nonpaged(c"Mdl ");
    let mut block = must!(t, PoolVec::<u8, RsMd>::zeroed(BYTES, GFP_KERNEL));
    let at = block.as_ptr();
    let mdl = must!(t, Mdl::build(&mut block));
    for (offset, bytes) in PARTS {
        let part = must!(t, mdl.part(offset, bytes));
        check_eq!(t, t.nonpaged(c"Mdl ").diff, before.diff + 2);
        describes(t, &part, at.wrapping_add(offset), bytes);
        // It is one memory, at one address.
        check!(t, part.as_ptr().cast_const() == at.wrapping_add(offset));
        check_eq!(t, Memory::len(&part), bytes);
        must!(t, part.write(bytes - 1, 7u8));
        check!(t, part.write(bytes, 7u8).is_err());
        check!(t, matches!(mdl.read::<u8>(offset + bytes - 1), Ok(7)));
    }
    // Several at a time.
    let (one, two) = (must!(t, mdl.part(0, 5000)), must!(t, mdl.part(4000, 5000)));
    must!(t, one.write(4500, 3u8));
    check!(t, matches!(two.read::<u8>(500), Ok(3)));
    drop((one, two));
    drop(mdl);
    check_eq!(t, t.nonpaged(c"Mdl ").diff, before.diff);
}

fn of_what_is_locked(t: &Test) {
    let mut block = must!(t, Vec::<u8, Paged<RsMd>>::zeroed(BYTES, GFP_KERNEL));
    let at = block.as_ptr();
    let mdl = must!(t, Mdl::lock(&mut block));
    for (offset, bytes) in PARTS {
        let part = must!(t, mdl.part(offset, bytes));
        describes(t, &part, at.wrapping_add(offset), bytes);
        let mapped = must!(t, part.map());
        check_eq!(t, Memory::len(&mapped), bytes);
        check_eq!(t, t.phys(mapped.as_ptr()), t.phys(at.wrapping_add(offset)));
        must!(t, mapped.write(bytes - 1, 9u8));
        // Unmapped by itself.
        let part = mapped.unmap();
        check_eq!(t, part.len(), bytes);
    }
    drop(mdl);
    for (offset, bytes) in PARTS {
        check_eq!(t, block[offset + bytes - 1], 9);
    }
}

/// Whether a part has these frames of another MDL.
fn has_frames<S: MdlState, P: MdlState>(
    t: &Test,
    part: &Mdl<P>,
    of: &Mdl<S>,
    first: usize,
    count: usize,
) -> bool {
    check!(
        t,
        of.frames().get(first..first + count) == Some(part.frames())
    )
}

fn of_pages(t: &Test) {
    let pages = must!(t, scattered().ok_or(ENOMEM));
    let part = must!(t, pages.part(10 * 4096 + 8, 3 * 4096));
    has_frames(t, &part, &pages, 10, 4);
    check_eq!(t, part.offset(), 8);
    let part = must!(t, part.map());
    works(t, &part);
    check_eq!(t, t.phys(part.as_ptr()) / 4096, pages.frames()[10]);
    // The rest is mapped after it.
    drop(part);
    let mapped = must!(t, pages.map());
    check!(t, matches!(mapped.read::<u8>(10 * 4096 + 8 + 512), Ok(1)));
}

fn of_what_is_mapped(t: &Test) {
    let pages = must!(t, Mdl::<Pages>::allocate(BYTES, Bounds::ANY));
    let mapped = must!(t, pages.map());
    for (offset, bytes) in PARTS {
        let part = must!(t, mapped.part(offset, bytes));
        check!(t, part.as_ptr() == mapped.as_ptr().wrapping_add(offset));
        check_eq!(t, part.len(), bytes);
        works(t, &part);
    }
    // That is not undone with its parts.
    works(t, &mapped);
}

fn of_a_part(t: &Test) {
    let pages = must!(t, scattered().ok_or(ENOMEM));
    let part = must!(t, pages.part(8192, 65_536));
    let inner = must!(t, part.part(4096, 8192));
    has_frames(t, &inner, &pages, 3, 2);
    check!(t, part.part(65_530, 7).is_err());
    let inner = must!(t, inner.map());
    works(t, &inner);
    drop(inner);
    drop(part);
    let mut block = must!(t, PoolVec::<u8, RsMd>::zeroed(BYTES, GFP_KERNEL));
    let at = block.as_ptr();
    let mdl = must!(t, Mdl::build(&mut block));
    let part = must!(t, mdl.part(100, 9000));
    let inner = must!(t, part.part(4100, 100));
    describes(t, &inner, at.wrapping_add(4200), 100);
    check!(t, inner.as_ptr().cast_const() == at.wrapping_add(4200));
}

fn of_a_process(t: &Test) {
    let memory = must!(t, UserMemory::new(BYTES));
    check!(t, memory.put(9000, 6));
    let mdl = must!(t, Mdl::<User<ReadOnly>>::lock_user(memory.at(0), BYTES));
    let part = must!(t, mdl.part(9000, 100));
    let part = must!(t, part.map());
    // What may only be read is so in parts.
    let memory: &ReadOnlyMemory = &part;
    check!(t, matches!(memory.read::<u8>(0), Ok(6)));
    check_eq!(t, memory.len(), 100);
}

fn outside_refused(t: &Test) {
    let mut block = must!(t, PoolVec::<u8, RsMd>::zeroed(BYTES, GFP_KERNEL));
    let mdl = must!(t, Mdl::build(&mut block));
    for (offset, bytes) in [
        (0, BYTES + 1),
        (0, 0),
        (BYTES, 0),
        (BYTES, 1),
        (BYTES - 10, 11),
        (1, usize::MAX),
        (usize::MAX, 1),
    ] {
        check!(t, matches!(mdl.part(offset, bytes), Err(e) if e == EINVAL));
    }
}

fn mapped_in_atomic(t: &Test) {
    let pages = must!(t, scattered().ok_or(ENOMEM));
    for context in [Context::Spinlock, Context::RcuReadSide, Context::Softirq] {
        let mut failed = 0;
        // All of the pages cannot be mapped here, but one after the other.
        t.in_context(context, || {
            for page in 0..pages.frames().len() {
                let part = pages.part(page * 4096, 4096);
                let mapped = part.and_then(|part| Ok(part.map()?));
                let written = mapped.and_then(|mapped| mapped.write(8, page));
                failed += usize::from(written.is_err());
            }
        });
        check_eq!(t, failed, 0);
    }
    let mapped = must!(t, pages.map());
    let all =
        (0..256).all(|page| matches!(mapped.read::<usize>(page * 4096 + 8), Ok(is) if is == page));
    check!(t, all);
}

fn dropped_while_mapped(t: &Test) {
    let before = t.nonpaged(c"Mdl ");
    let pages = must!(t, scattered().ok_or(ENOMEM));
    // Both what is mapped side by side, and what is not.
    for bytes in [100, 1 << 20] {
        drop(must!(t, must!(t, pages.part(0, bytes)).map()));
    }
    check_eq!(t, t.nonpaged(c"Mdl ").diff, before.diff + 1);
}

fn hard_interrupt_reported(t: &Test) {
    let mut block = must!(t, PoolVec::<u8, RsMd>::zeroed(BYTES, GFP_KERNEL));
    let mdl = must!(t, Mdl::lock(&mut block));
    let mut refused = false;
    t.in_context(Context::HardInterrupt, || {
        let part = mdl.part(100, 5000);
        refused = part.is_ok_and(|part| part.map().is_err());
    });
    check!(t, refused);
    check_violation!(t, DRIVER_VERIFIER, 0x76);
}

fn for_a_device(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let pages = must!(t, Mdl::<Pages>::allocate(BYTES, Bounds::ANY));
        let part = must!(t, pages.part(5000, 10_000));
        let list = must!(t, adapter.scatter_gather(&part, Direction::ToDevice));
        let all: u64 = list.elements().map(|element| u64::from(element.len)).sum();
        check_eq!(t, all, 10_000);
        let first = must!(t, list.elements().next().ok_or(EINVAL));
        check_eq!(t, first.address % 4096, 5000 % 4096);
    });
}
