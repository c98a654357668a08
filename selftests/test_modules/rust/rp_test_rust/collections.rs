// SPDX-License-Identifier: GPL-2.0

//! `Box` and `Vec` of the kernel crate in tagged pool.

use crate::harness::{
    cases,
    check,
    check_eq,
    check_violation,
    must,
    Context,
    Test,
    ATOMIC,
    BAD_POOL_CALLER, //
};
use core::{
    alloc::Layout,
    mem::{
        align_of,
        size_of,
        size_of_val, //
    }, //
};
use kernel::{
    alloc::{
        flags::*,
        Allocator,
        Box,
        NumaNode,
        Vec, //
    },
    prelude::*, //
};
use rust_pool::{
    pool_tag,
    NonPaged,
    Paged,
    PoolBox,
    PoolVec, //
};

pool_tag!(pub(crate) RsBx = "RsBx");
pool_tag!(pub(crate) RsVc = "RsVc");
pool_tag!(pub(crate) RsVg = "RsVg");
pool_tag!(pub(crate) RsZs = "RsZs");
pool_tag!(pub(crate) RsAl = "RsAl");
pool_tag!(pub(crate) RsLg = "RsLg");
pool_tag!(pub(crate) RsPg = "RsPg");
pool_tag!(pub(crate) RsAt = "RsAt");
pool_tag!(pub(crate) RsOv = "RsOv");
pool_tag!(pub(crate) Ab = "Ab");
pool_tag!(pub(crate) RsZr = "RsZr");
pool_tag!(pub(crate) RsDr = "RsDr");
pool_tag!(pub(crate) RsGr = "RsGr");
pool_tag!(pub(crate) RsPk = "RsPk");

cases![
    box_counted,
    box_has_no_header,
    vec_grows_and_shrinks,
    vec_into_iter_and_collect,
    elements_dropped_once,
    zero_sized_count_nothing,
    over_aligned,
    dynamic_box,
    large_vec,
    grows_in_place,
    large_vec_grows,
    large_vec_freed_in_atomic,
    paged_apart,
    paged_refused_in_atomic,
    paged_freed_in_atomic,
    nonpaged_in_atomic,
    too_much_fails,
    zeroed,
    short_tag_padded,
    freed_before_anybody_looks,
];

fn box_counted(t: &Test) {
    let before = t.nonpaged(c"RsBx");
    let small = must!(t, Box::<_, NonPaged<RsBx>>::new([7u8; 100], GFP_KERNEL));
    let row = t.nonpaged(c"RsBx");
    check_eq!(t, row.allocs, before.allocs + 1);
    check_eq!(t, row.diff, 1);
    check_eq!(t, row.bytes, 100);
    // kmalloc's class, for there is no header.
    check!(t, row.used >= 100 && row.used <= 128);

    let large = must!(
        t,
        PoolBox::<[u64; 2048], RsBx>::init(pin_init::init_zeroed::<[u64; 2048]>(), GFP_KERNEL)
    );
    let row = t.nonpaged(c"RsBx");
    check_eq!(t, row.diff, 2);
    check_eq!(t, row.bytes, 100 + 16384);
    check!(t, large.iter().all(|&x| x == 0));
    check!(t, small.iter().all(|&x| x == 7));
    drop(large);
    drop(small);
    let row = t.nonpaged(c"RsBx");
    check_eq!(t, row.frees, before.frees + 2);
    check_eq!(t, row.diff, 0);
    check_eq!(t, row.bytes, 0);
    check_eq!(t, row.used, 0);
}

fn box_has_no_header(t: &Test) {
    check_eq!(t, size_of::<PoolBox<u64, RsBx>>(), size_of::<usize>());
    // A power of two stays one: a header in front would need the next class.
    let b = must!(t, Box::<_, NonPaged<RsBx>>::new([0u8; 1024], GFP_KERNEL));
    check_eq!(t, t.nonpaged(c"RsBx").used, 1024);
    check_eq!(t, b.as_ptr() as usize % 16, 0);
}

/// What the statistics must say of one vector.
fn matches_capacity(t: &Test, v: &PoolVec<u32, RsVc>) -> bool {
    let row = t.nonpaged(c"RsVc");
    let bytes = v.capacity() * size_of::<u32>();
    check_eq!(t, row.bytes, bytes) && check_eq!(t, row.diff, i64::from(bytes != 0))
}

/// What a vector of the kernel's shrinks by.
fn all_but_first<T, A: Allocator>(v: Vec<T, A>) -> Vec<T, A> {
    let mut iter = v.into_iter();
    drop(iter.next());
    iter.collect(GFP_KERNEL)
}

fn vec_grows_and_shrinks(t: &Test) {
    let mut v = PoolVec::<u32, RsVc>::new();
    if !matches_capacity(t, &v) {
        return;
    }
    let mut capacity = 0;
    for i in 0..5000u32 {
        must!(t, v.push(i, GFP_KERNEL));
        if v.capacity() != capacity {
            capacity = v.capacity();
            if !matches_capacity(t, &v) {
                return;
            }
        }
    }
    check!(t, v.iter().enumerate().all(|(i, &x)| i == x as usize));
    v.truncate(11);
    matches_capacity(t, &v);
    let mut v = all_but_first(v);
    check_eq!(t, v.capacity(), 10);
    matches_capacity(t, &v);
    check!(t, v.iter().enumerate().all(|(i, &x)| i + 1 == x as usize));
    must!(t, v.reserve(100_000, GFP_KERNEL));
    matches_capacity(t, &v);
    must!(t, v.resize(90_000, 3, GFP_KERNEL));
    check_eq!(t, v[9], 10);
    check_eq!(t, v[89_999], 3);
    // To nothing: the block goes, though the vector stays.
    v.truncate(1);
    let v = all_but_first(v);
    check_eq!(t, v.capacity(), 0);
    matches_capacity(t, &v);
    drop(v);
    check_eq!(t, t.nonpaged(c"RsVc").diff, 0);
    check_eq!(t, t.nonpaged(c"RsVc").used, 0);
}

fn vec_into_iter_and_collect(t: &Test) {
    let mut v = PoolVec::<u32, RsVc>::new();
    for i in 0..1000 {
        must!(t, v.push(i, GFP_KERNEL));
    }
    let mut iter = v.into_iter();
    for want in 0..600 {
        if iter.next() != Some(want) {
            check!(t, false);
            return;
        }
    }
    // The rest, moved to the front of a buffer that may shrink.
    let rest = iter.collect(GFP_KERNEL);
    check_eq!(t, rest.len(), 400);
    check_eq!(t, rest[0], 600);
    check_eq!(t, rest[399], 999);
    matches_capacity(t, &rest);
    // One that is dropped half way.
    let mut iter = rest.into_iter();
    check!(t, iter.next() == Some(600));
    drop(iter);
    check_eq!(t, t.nonpaged(c"RsVc").diff, 0);
    check_eq!(t, t.nonpaged(c"RsVc").bytes, 0);
}

fn elements_dropped_once(t: &Test) {
    let mut outer = PoolVec::<PoolBox<u64, RsDr>, RsVg>::new();
    for i in 0..300 {
        let element = must!(t, PoolBox::<u64, RsDr>::new(i, GFP_KERNEL));
        must!(t, outer.push(element, GFP_KERNEL));
    }
    check_eq!(t, t.nonpaged(c"RsDr").diff, 300);
    outer.truncate(200);
    check_eq!(t, t.nonpaged(c"RsDr").diff, 200);
    let mut iter = outer.into_iter();
    drop(iter.next());
    drop(iter);
    check_eq!(t, t.nonpaged(c"RsDr").diff, 0);
    check_eq!(t, t.nonpaged(c"RsVg").diff, 0);
}

fn zero_sized_count_nothing(t: &Test) {
    let before = t.nonpaged(c"RsZs");
    let unit = must!(t, PoolBox::<(), RsZs>::new((), GFP_KERNEL));
    let mut units = PoolVec::<(), RsZs>::new();
    for _ in 0..10 {
        must!(t, units.push((), GFP_KERNEL));
    }
    let empty = must!(t, PoolVec::<u64, RsZs>::with_capacity(0, GFP_KERNEL));
    drop((unit, units, empty));
    let row = t.nonpaged(c"RsZs");
    check_eq!(t, row.allocs, before.allocs);
    check_eq!(t, row.frees, before.frees);
    check_eq!(t, row.bytes, 0);
}

#[repr(align(64))]
struct Line(#[expect(dead_code)] [u8; 65]);
#[repr(align(1024))]
struct Kilo(#[expect(dead_code)] [u8; 3]);
/// Not to be made on a stack: it takes half of one.
#[expect(dead_code)]
#[repr(align(4096))]
struct Page([u8; 5000]);

fn lies_aligned<T>(t: &Test, value: &T) -> bool {
    let address = core::ptr::from_ref(value) as usize;
    check_eq!(t, address % align_of::<T>(), 0);
    check_eq!(t, t.nonpaged(c"RsAl").bytes, size_of_val(value))
}

fn aligned_box<T>(t: &Test, value: T) -> bool {
    let Ok(b) = PoolBox::<T, RsAl>::new(value, GFP_KERNEL) else {
        return check!(t, false);
    };
    lies_aligned(t, &*b)
}

fn over_aligned(t: &Test) {
    aligned_box(t, 1u128);
    for _ in 0..20 {
        let _keep = PoolBox::<[u8; 24], RsBx>::new([0; 24], GFP_KERNEL);
        if !aligned_box(t, Line([1; 65])) || !aligned_box(t, Kilo([1; 3])) {
            return;
        }
    }
    let page = must!(t, PoolBox::<Page, RsAl>::new_uninit(GFP_KERNEL));
    lies_aligned(t, &*page);
    drop(page);
    let v = must!(t, PoolVec::<Line, RsAl>::with_capacity(9, GFP_KERNEL));
    check_eq!(t, v.as_ptr() as usize % 64, 0);
}

trait Shape {
    fn corners(&self) -> usize;
}

struct Square([u8; 300]);

impl Shape for Square {
    fn corners(&self) -> usize {
        self.0.len() / 75
    }
}

fn dynamic_box(t: &Test) {
    let square = must!(
        t,
        PoolBox::<Square, RsBx>::new(Square([0; 300]), GFP_KERNEL)
    );
    let (raw, bytes) = (PoolBox::into_raw(square), size_of::<Square>());
    // SAFETY: It comes from such a box; only the type of the pointer gets wider.
    let shape = unsafe { PoolBox::<dyn Shape, RsBx>::from_raw(raw as *mut dyn Shape) };
    check_eq!(t, shape.corners(), 4);
    check_eq!(t, t.nonpaged(c"RsBx").bytes, bytes);
    drop(shape);
    check_eq!(t, t.nonpaged(c"RsBx").bytes, 0);
}

const MIB: usize = 1024 * 1024;

fn large_vec(t: &Test) {
    for size in [4096, 5000, MIB, 4 * MIB, 4 * MIB + 1, 9 * MIB, 32 * MIB] {
        let mut v = must!(t, PoolVec::<u8, RsLg>::with_capacity(size, GFP_KERNEL));
        must!(t, v.resize(size, 0x5c, GFP_KERNEL));
        check!(t, v.iter().step_by(1000).all(|&x| x == 0x5c));
        let row = t.nonpaged(c"RsLg");
        check_eq!(t, row.diff, 1);
        check_eq!(t, row.bytes, v.capacity());
        check!(t, row.used >= row.bytes && row.used % 4096 == 0);
        // Page-aligned from a page up, as all pool.
        check_eq!(t, v.as_ptr() as usize % 4096, 0);
    }
    check_eq!(t, t.nonpaged(c"RsLg").used, 0);
}

/// What stays where it is because there is room must really be its own, to the last byte.
fn grows_in_place(t: &Test) {
    for (from, to) in [(80, 96), (1025, 2048), (5000, 8192), (9000, 12000)] {
        let old = must!(t, Layout::from_size_align(from, 1).map_err(|_| EINVAL));
        let new = must!(t, Layout::from_size_align(to, 1).map_err(|_| EINVAL));
        let block = must!(
            t,
            NonPaged::<RsGr>::alloc(old, GFP_KERNEL, NumaNode::NO_NODE)
        );
        // SAFETY: The block is as long.
        unsafe { block.cast::<u8>().as_ptr().write_bytes(0x5a, from) };
        // SAFETY: The block comes from this allocator with this layout.
        let grown = unsafe {
            NonPaged::<RsGr>::realloc(Some(block.cast()), new, old, GFP_KERNEL, NumaNode::NO_NODE)
        };
        let grown = must!(t, grown).cast::<u8>();
        for at in 0..from {
            // SAFETY: The block is longer.
            check!(t, unsafe { grown.add(at).read() } == 0x5a);
        }
        // SAFETY: The block is as long.
        unsafe { grown.as_ptr().write_bytes(0xa5, to) };
        check_eq!(t, t.nonpaged(c"RsGr").bytes, to);
        // SAFETY: The block comes from this allocator with this layout, and is not used any more.
        unsafe { NonPaged::<RsGr>::free(grown, new) };
        check_eq!(t, t.nonpaged(c"RsGr").bytes, 0);
    }
}

fn large_vec_grows(t: &Test) {
    let mut v = PoolVec::<u64, RsLg>::new();
    for i in 0..(6 * MIB / 8) as u64 {
        must!(t, v.push(i, GFP_KERNEL));
    }
    check!(t, v.iter().enumerate().all(|(i, &x)| i as u64 == x));
    v.truncate(101);
    let v = all_but_first(v);
    check_eq!(t, v.capacity(), 100);
    check!(t, v.iter().enumerate().all(|(i, &x)| i as u64 + 1 == x));
    check_eq!(t, t.nonpaged(c"RsLg").bytes, v.capacity() * 8);
}

fn large_vec_freed_in_atomic(t: &Test) {
    for context in [
        Context::Spinlock,
        Context::Softirq,
        Context::SpinlockIrq,
        Context::HardInterrupt,
    ] {
        let mut v = Some(must!(
            t,
            PoolVec::<u8, RsLg>::with_capacity(9 * MIB, GFP_KERNEL)
        ));
        t.in_context(context, || drop(v.take()));
        check_eq!(t, t.nonpaged(c"RsLg").diff, 0);
    }
}

fn paged_apart(t: &Test) {
    // One tag, two pools.
    let other = must!(t, Box::<_, NonPaged<RsPg>>::new([1u8; 70], GFP_KERNEL));
    check_eq!(t, t.nonpaged(c"RsPg").bytes, 70);
    check_eq!(t, t.paged(c"RsPg").diff, 0);
    drop(other);
    let b = must!(t, Box::<_, Paged<RsPg>>::new([1u8; 50], GFP_KERNEL));
    let mut v = Vec::<u16, Paged<RsPg>>::new();
    for i in 0..3000 {
        must!(t, v.push(i, GFP_KERNEL));
    }
    check_eq!(t, t.paged(c"RsPg").diff, 2);
    check_eq!(t, t.paged(c"RsPg").bytes, 50 + v.capacity() * 2);
    check_eq!(t, t.nonpaged(c"RsPg").diff, 0);
    drop((b, v));
    check_eq!(t, t.paged(c"RsPg").diff, 0);
    check_eq!(t, t.paged(c"RsPg").bytes, 0);
}

fn paged_refused_in_atomic(t: &Test) {
    for context in ATOMIC {
        let before = t.paged(c"RsPg");
        let mut refused = false;
        t.in_context(context, || {
            refused = Box::<_, Paged<RsPg>>::new([0u8; 50], GFP_ATOMIC).is_err();
        });
        check!(t, refused);
        check_violation!(t, BAD_POOL_CALLER, 0x08);
        check_eq!(t, t.paged(c"RsPg").allocs, before.allocs);
    }
}

fn paged_freed_in_atomic(t: &Test) {
    for context in ATOMIC {
        let mut small = Some(must!(t, Box::<_, Paged<RsPg>>::new([0u8; 50], GFP_KERNEL)));
        t.in_context(context, || drop(small.take()));
        check_violation!(t, BAD_POOL_CALLER, 0x09);
        for _ in 0..50 {
            if t.paged(c"RsPg").diff == 0 {
                break;
            }
            t.settle();
        }
        check_eq!(t, t.paged(c"RsPg").diff, 0);
    }
}

fn nonpaged_in_atomic(t: &Test) {
    for context in ATOMIC {
        let mut made = None;
        t.in_context(context, || {
            made = Box::<_, NonPaged<RsAt>>::new([9u8; 200], GFP_ATOMIC).ok();
        });
        check!(t, made.as_ref().is_some_and(|b| b.iter().all(|&x| x == 9)));
        check_eq!(t, t.nonpaged(c"RsAt").diff, 1);
        t.in_context(context, || drop(made.take()));
        check_eq!(t, t.nonpaged(c"RsAt").diff, 0);
        let mut sum = 0;
        t.in_context(context, || {
            let mut v = PoolVec::<u32, RsAt>::new();
            for i in 0..100 {
                if v.push(i, GFP_NOWAIT).is_ok() {
                    sum += 1;
                }
            }
        });
        check_eq!(t, sum, 100);
        check_eq!(t, t.nonpaged(c"RsAt").diff, 0);
    }
}

fn too_much_fails(t: &Test) {
    let before = t.nonpaged(c"RsOv");
    let sizes = [
        usize::MAX,
        usize::MAX / 8,
        isize::MAX as usize / 8,
        isize::MAX as usize / 8 - 512,
        1 << 44,
        1 << 37,
    ];
    for size in sizes {
        check!(
            t,
            PoolVec::<u64, RsOv>::with_capacity(size, GFP_KERNEL).is_err()
        );
    }
    // What there is stays as it was when it cannot grow.
    let mut v = must!(t, PoolVec::<u8, RsOv>::from_elem(5, 100, GFP_KERNEL));
    check!(t, v.reserve(1 << 40, GFP_KERNEL).is_err());
    check!(t, v.len() == 100 && v.iter().all(|&x| x == 5));
    let row = t.nonpaged(c"RsOv");
    check_eq!(t, row.bytes, v.capacity());
    check_eq!(t, row.allocs, before.allocs + 1);
    check!(t, row.failures > before.failures);
}

fn zeroed(t: &Test) {
    for size in [24, 1000, 4096, 5000, 9 * MIB] {
        let mut dirty = must!(t, PoolVec::<u8, RsZr>::with_capacity(size, GFP_KERNEL));
        must!(t, dirty.resize(size, 0xa5, GFP_KERNEL));
        drop(dirty);
        let v = must!(t, PoolVec::<u8, RsZr>::zeroed(size, GFP_KERNEL));
        check!(t, v.len() == size && v.iter().all(|&x| x == 0));
    }
}

fn short_tag_padded(t: &Test) {
    let b = must!(t, PoolBox::<u8, Ab>::new(1, GFP_KERNEL));
    check_eq!(t, t.nonpaged(c"Ab  ").diff, 1);
    drop(b);
}

/// Nobody reads the statistics while there is the block, for that begins the peak, too. The program
/// looks at the peak.
fn freed_before_anybody_looks(t: &Test) {
    let block = must!(t, Box::<_, NonPaged<RsPk>>::new([7u8; 100], GFP_KERNEL));
    check!(t, block.iter().all(|&x| x == 7));
}
