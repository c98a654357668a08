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
use kernel::{
    prelude::*,
    str::CString, //
};
use rust_pool::{
    pool_tag,
    Block,
    Bounds,
    Cached,
    Contiguous,
    Memory,
    NonCached,
    PoolBox,
    PoolKind,
    PoolTag,
    Uncached,
    WriteCombined, //
};

cases![
    contiguous_owned,
    contiguous_bounds,
    contiguous_of_a_node,
    contiguous_impossible,
    contiguous_by_type,
    contiguous_in_atomic,
    noncached_owned,
    noncached_by_type,
    noncached_refused_in_atomic,
    zeroed_on_allocation,
    filled_and_cleared,
    shown,
    blocks_known,
    accesses_within_bounds,
    zero_bytes_refused,
    too_much_fails,
];

pool_tag!(Known = "RsKn");

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

/// As much as the page allocator has in one piece.
const ROOM: usize = 4 << 20;

/// Room that just was free, and a block in it. A search ends after half a second, in which a slow
/// machine does not get far, and others may take the room meanwhile: then it is looked for again.
fn room_and_block() -> Option<(u64, Contiguous<Cached>)> {
    (0..50).find_map(|_| {
        let room = Contiguous::<Cached>::new(ROOM, Bounds::ANY).ok()?;
        let first = room.physical_address();
        drop(room);
        let bounds = Bounds::ANY
            .lowest(first)
            .highest(first + ROOM as u64 - 1)
            .boundary(0x1_0000);
        let block = Contiguous::<Cached>::new(40_000, bounds).ok()?;
        Some((first, block))
    })
}

fn contiguous_bounds(t: &Test) {
    for _ in 0..10 {
        let (room, memory) = must!(t, room_and_block().ok_or(ENOMEM));
        let first = memory.physical_address();
        let last = first + 39_999;
        check!(t, first >= room && last < room + ROOM as u64);
        check_eq!(t, first / 0x1_0000, last / 0x1_0000);
    }
}

fn contiguous_of_a_node(t: &Test) {
    // The first node has memory in any machine, and the bit says that any will do.
    let memory = must!(t, Contiguous::<Cached>::new(5000, Bounds::ANY.node(0)));
    memory.zero();
    drop(memory);
    let memory = must!(
        t,
        Contiguous::<Uncached>::new(5000, Bounds::ANY.node(1 << 31))
    );
    check_eq!(t, memory.len(), 5000);
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
    let skipping = Contiguous::<Cached>::new(4096, Bounds::ANY.skip(4096));
    check!(t, matches!(skipping, Err(e) if e == EINVAL));
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

fn filled_and_cleared(t: &Test) {
    let memory: NonCached = must!(t, NonCached::new(5000));
    let all = |from: usize, to: usize, value: u8| {
        (from..to).all(|at| matches!(memory.read::<u8>(at), Ok(read) if read == value))
    };
    must!(t, memory.fill(0, 5000, 0x5a));
    must!(t, memory.fill(100, 200, 0xa5));
    check!(
        t,
        all(0, 100, 0x5a) && all(100, 300, 0xa5) && all(300, 5000, 0x5a)
    );
    must!(t, memory.fill(5000, 0, 1));
    check!(t, memory.fill(4999, 2, 1).is_err());
    check!(t, memory.fill(usize::MAX, 2, 1).is_err());
    check!(t, all(300, 5000, 0x5a));
    memory.zero();
    check!(t, all(0, 5000, 0));
}

fn shown(t: &Test) {
    let is = |text: Result<CString, Error>, begin: &str, end: &str| {
        let text = text.as_ref().map_or(&b""[..], |text| text.to_bytes());
        text.starts_with(begin.as_bytes()) && text.ends_with(end.as_bytes())
    };
    let wc = must!(t, Contiguous::<WriteCombined>::new(300, Bounds::ANY));
    let uc: NonCached = must!(t, NonCached::new(70));
    let contiguous = CString::try_from_fmt(fmt!("{wc:?}"));
    check!(
        t,
        is(
            contiguous,
            "Contiguous<WriteCombined>(Memory { at: 0x",
            ", len: 300 })"
        )
    );
    let noncached = CString::try_from_fmt(fmt!("{uc:?}"));
    check!(
        t,
        is(
            noncached,
            "NonCached<Uncached>(Memory { at: 0x",
            ", len: 70 })"
        )
    );
    let tag = CString::try_from_fmt(fmt!("{:?} {:?}", Known::TAG, PoolKind::Paged));
    check!(t, is(tag, "\"RsKn\" Paged", ""));
}

extern "C" {
    fn ExAllocatePoolWithTag(pool_type: c_int, bytes: usize, tag: u32) -> *mut c_void;
    fn ExFreePoolWithTag(block: *mut c_void, tag: u32);
}

/// A block of the C API.
struct CBlock(*mut c_void);

impl CBlock {
    fn new(bytes: usize, paged: bool) -> Result<Self> {
        // SAFETY: May be called with any arguments.
        let block = unsafe { ExAllocatePoolWithTag(paged.into(), bytes, Known::TAG.as_raw()) };
        if block.is_null() {
            return Err(ENOMEM);
        }
        Ok(Self(block))
    }
}

impl Drop for CBlock {
    fn drop(&mut self) {
        // SAFETY: It is the block that was allocated.
        unsafe { ExFreePoolWithTag(self.0, Known::TAG.as_raw()) };
    }
}

fn blocks_known(t: &Test) {
    let memory: Contiguous = must!(t, Contiguous::new(5000, Bounds::ANY));
    let block = must!(t, Block::at(memory.as_ptr()).ok_or(ENOENT));
    check_eq!(t, block.bytes(), 5000);
    check!(t, block.tag().is_none() && block.kind().is_none());
    // SAFETY: Within the memory.
    check!(t, Block::at(unsafe { memory.as_ptr().add(1) }).is_none());
    let at = memory.as_ptr();
    drop(memory);
    check!(t, Block::at(at).is_none());
    // These have no header, and the verifier is off.
    let boxed = must!(t, PoolBox::<_, Known>::new([1u8; 300], GFP_KERNEL));
    check!(t, Block::at(&*boxed).is_none());
    for nothing in [
        0usize,
        1,
        4096,
        usize::MAX,
        1 << 63,
        core::ptr::from_ref(t) as usize,
    ] {
        check!(t, Block::at(nothing as *const u8).is_none());
    }
    for (bytes, paged) in [
        (1, false),
        (300, true),
        (4096, false),
        (9000, true),
        (100_000, false),
    ] {
        let c = must!(t, CBlock::new(bytes, paged));
        let block = must!(t, Block::at(c.0).ok_or(ENOENT));
        check_eq!(t, block.bytes(), bytes);
        check!(t, block.tag() == Some(Known::TAG));
        let kind = if paged {
            PoolKind::Paged
        } else {
            PoolKind::NonPaged
        };
        check!(t, block.kind() == Some(kind));
        let at = c.0;
        drop(c);
        check!(t, Block::at(at).is_none());
    }
}
