// SPDX-License-Identifier: GPL-2.0

//! Address space that is reserved by an owner, and mappings in it.

use crate::{
    common_buffers::with_device,
    harness::{
        cases,
        check,
        check_eq,
        check_violation,
        must,
        Cache,
        Context,
        Test,
        UserMemory,
        BAD_POOL_CALLER,
        DRIVER_VERIFIER,
        SYSTEM_PTE_MISUSE, //
    },
    mdl::{
        scattered,
        works,
        RsMd, //
    }, //
};
use kernel::{
    alloc::Vec,
    prelude::*,
    str::CString, //
};
use rust_pool::{
    Adapter,
    Bounds,
    CacheType,
    Cached,
    Direction,
    Mappable,
    MappingAddress,
    Mdl,
    Memory,
    Paged,
    Pages,
    ReadOnly,
    ReadOnlyMemory,
    ReadWrite,
    Uncached,
    User,
    WriteCombined, //
};

cases![
    one_after_the_other,
    by_cache_type,
    of_a_process,
    parts_of_what_is_mapped,
    too_many_pages,
    in_atomic,
    for_a_device,
    not_reserved,
    dropped_in_atomic_reported,
    hard_interrupt_reported,
    forgotten,
    shown,
];

type Space = MappingAddress<RsMd>;

/// Maps all of an MDL, uses that, and undoes it. Returns where it was.
fn is_mapped<S: Mappable<Access = ReadWrite>>(
    t: &Test,
    space: &mut Space,
    mdl: &mut Mdl<S>,
) -> Option<usize> {
    let (len, offset, first) = (mdl.len(), mdl.offset(), mdl.frames()[0]);
    let view = space.map(mdl).ok()?;
    let at = view.as_ptr();
    let right = check_eq!(t, Memory::len(&view), len)
        && check_eq!(t, at as usize % 4096, offset)
        && check_eq!(t, t.phys(at) / 4096, first)
        && works(t, &view);
    right.then_some(at as usize & !4095)
}

fn one_after_the_other(t: &Test) {
    let mut space = must!(t, Space::new(1 << 20));
    check_eq!(t, space.len(), 1 << 20);
    let mut pages = must!(t, scattered().ok_or(ENOMEM));
    let block = must!(t, Vec::<u8, Paged<RsMd>>::zeroed(5000, GFP_KERNEL));
    let mut block = must!(t, Mdl::lock(block));
    for _ in 0..3 {
        let one = is_mapped(t, &mut space, &mut pages);
        let two = is_mapped(t, &mut space, &mut block);
        check!(t, one.is_some() && one == two);
        if let Some(at) = one {
            // Nothing is there when nothing is mapped.
            check!(t, t.cached_as(at as *const u8, Cache::Unmapped));
        }
    }
    // Each can still be mapped elsewhere.
    let (pages, block) = (must!(t, pages.map()), must!(t, block.map()));
    works(t, &pages);
    works(t, &block);
}

fn pages_of_type<C: CacheType>(t: &Test, cache: Cache) {
    let mut space = must!(t, Space::new(300_000));
    check_eq!(t, space.len(), 303_104);
    let mut pages = must!(t, Mdl::<Pages<C>>::allocate(300_000, Bounds::ANY));
    let view = must!(t, space.map(&mut pages));
    let _ = check_eq!(t, Memory::len(&view), 303_104) && works(t, &view);
    check!(t, t.cached_as(view.as_ptr(), cache));
}

fn by_cache_type(t: &Test) {
    pages_of_type::<Cached>(t, Cache::Wb);
    pages_of_type::<WriteCombined>(t, Cache::Wc);
    pages_of_type::<Uncached>(t, Cache::Uc);
}

fn of_a_process(t: &Test) {
    let memory = must!(t, UserMemory::new(12_288));
    check!(t, memory.put(5000, 6));
    let mut mdl = must!(t, Mdl::<User<ReadOnly>>::lock_user(memory.at(100), 12_000));
    let mut space = must!(t, Space::new(12_288));
    let view = must!(t, space.map(&mut mdl));
    let memory: &ReadOnlyMemory = &view;
    check!(t, matches!(memory.read::<u8>(4900), Ok(6)));
    check_eq!(t, memory.len(), 12_000);
}

fn parts_of_what_is_mapped(t: &Test) {
    let mut space = must!(t, Space::new(1 << 20));
    let mut pages = must!(t, scattered().ok_or(ENOMEM));
    let view = must!(t, space.map(&mut pages));
    let part = must!(t, view.part(5000, 10_000));
    check!(t, part.as_ptr() == view.as_ptr().wrapping_add(5000));
    works(t, &part);
    drop(part);
    drop(view);
    // A part is mapped there by itself, too.
    let mut part = must!(t, pages.part(8, 65_536));
    check!(t, is_mapped(t, &mut space, &mut part).is_some());
}

fn too_many_pages(t: &Test) {
    let mut space = must!(t, Space::new(8192));
    let mut pages = must!(t, Mdl::<Pages>::allocate(12_288, Bounds::ANY));
    check!(t, matches!(space.map(&mut pages), Err(e) if e == EINVAL));
    // So few bytes, but from one page to the third.
    let mut part = must!(t, pages.part(4095, 4098));
    check!(t, matches!(space.map(&mut part), Err(e) if e == EINVAL));
    let mut part = must!(t, pages.part(4095, 4097));
    check!(t, is_mapped(t, &mut space, &mut part).is_some());
}

fn in_atomic(t: &Test) {
    let mut space = must!(t, Space::new(1 << 20));
    let mut pages = must!(t, scattered().ok_or(ENOMEM));
    for context in [Context::Spinlock, Context::RcuReadSide, Context::Softirq] {
        let mut done = 0;
        t.in_context(context, || {
            for _ in 0..2 {
                // All of them, though they are not adjacent.
                if let Ok(view) = space.map(&mut pages) {
                    done += usize::from(view.write((1 << 20) - 8, 7u64).is_ok());
                }
            }
        });
        check_eq!(t, done, 2);
    }
    check!(t, is_mapped(t, &mut space, &mut pages).is_some());
}

fn for_a_device(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 1 << 20));
        let mut space = must!(t, Space::new(20_480));
        let mut pages = must!(t, Mdl::<Pages>::allocate(20_480, Bounds::ANY));
        let view = must!(t, space.map(&mut pages));
        let list = must!(t, adapter.scatter_gather(&view, Direction::FromDevice));
        let all: u64 = list.elements().map(|element| u64::from(element.len)).sum();
        check_eq!(t, all, 20_480);
    });
}

fn not_reserved(t: &Test) {
    check!(t, matches!(Space::new(0), Err(e) if e == ENOMEM));
    check_violation!(t, SYSTEM_PTE_MISUSE, 0x100);
    check!(
        t,
        matches!(Space::new((4 << 30) + 1), Err(e) if e == ENOMEM)
    );
    check!(t, matches!(Space::new(usize::MAX), Err(e) if e == ENOMEM));
    let mut refused = false;
    t.in_context(Context::Spinlock, || refused = Space::new(4096).is_err());
    check!(t, refused);
    check_violation!(t, BAD_POOL_CALLER, 0x08);
}

fn dropped_in_atomic_reported(t: &Test) {
    let mut space = Some(must!(t, Space::new(4096)));
    t.in_context(Context::Spinlock, || drop(space.take()));
    check_violation!(t, BAD_POOL_CALLER, 0x09);
}

fn hard_interrupt_reported(t: &Test) {
    let mut space = must!(t, Space::new(8192));
    let mut pages = must!(t, Mdl::<Pages>::allocate(8192, Bounds::ANY));
    let mut refused = false;
    t.in_context(Context::HardInterrupt, || {
        refused = matches!(space.map(&mut pages), Err(e) if e == ENOMEM);
    });
    check!(t, refused);
    check_violation!(t, DRIVER_VERIFIER, 0x76);
    let mut view = Some(must!(t, space.map(&mut pages)));
    t.in_context(Context::HardInterrupt, || drop(view.take()));
    check_violation!(t, DRIVER_VERIFIER, 0x79);
    drop(view);
    check!(t, is_mapped(t, &mut space, &mut pages).is_some());
}

/// A mapping that is never dropped ends with the lock of the MDL.
fn forgotten(t: &Test) {
    let mut space = must!(t, Space::new(8192));
    let block = must!(t, Vec::<u8, Paged<RsMd>>::zeroed(8192, GFP_KERNEL));
    let mut block = must!(t, Mdl::lock(block));
    core::mem::forget(must!(t, space.map(&mut block)));
    let mut pages = must!(t, Mdl::<Pages>::allocate(4096, Bounds::ANY));
    check!(t, matches!(space.map(&mut pages), Err(e) if e == ENOMEM));
    check_violation!(t, SYSTEM_PTE_MISUSE, 0x107);
    drop(block);
    check!(t, is_mapped(t, &mut space, &mut pages).is_some());
}

fn shown(t: &Test) {
    let space = must!(t, Space::new(5000));
    let text = must!(t, CString::try_from_fmt(fmt!("{space:?}")));
    check!(t, text.to_bytes().starts_with(b"MappingAddress { at: "));
    check!(t, text.to_bytes().ends_with(b", len: 8192 }"));
}
