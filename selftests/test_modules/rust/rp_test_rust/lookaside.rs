// SPDX-License-Identifier: GPL-2.0

//! Lookaside lists of entries that are owned.

use crate::harness::{
    cases,
    check,
    check_eq,
    check_violation,
    must,
    Context,
    Test,
    ATOMIC,
    BAD_POOL_CALLER,
    DRIVER_VERIFIER, //
};
use core::{
    cell::Cell,
    marker::PhantomPinned,
    mem::{
        align_of,
        size_of, //
    }, //
};
use kernel::{
    prelude::*,
    str::CString,
    sync::Arc, //
};
use rust_pool::{
    pool_tag,
    Block,
    Counters,
    LookasideEntry,
    LookasideList,
    NonPaged,
    Paged,
    Pool, //
};

pool_tag!(pub(crate) RsLl = "RsLl");
pool_tag!(pub(crate) RsLp = "RsLp");

cases![
    memory_found_again,
    counted_under_the_tag,
    value_dropped_in_place,
    value_taken_out,
    failed_value_gives_memory_back,
    pinned_value_stays,
    each_entry_goes_to_its_list,
    list_outlives_its_handle,
    alignment_of_the_type,
    depth_follows_the_bursts,
    flushed,
    forgotten_entry_reported,
    nonpaged_in_atomic,
    paged_refused_in_atomic,
    paged_freed_in_atomic,
    shown,
];

type List<T> = LookasideList<T, NonPaged<RsLl>>;

fn list<T>() -> Result<Pin<KBox<List<T>>>> {
    KBox::pin_init(List::new(), GFP_KERNEL)
}

/// Whether lists keep anything: not where a checker watches. Otherwise skips the case.
fn keeps(t: &Test) -> bool {
    let list = list::<u64>();
    let kept = list.is_ok_and(|list| {
        drop(list.allocate(1));
        list.counters().free_misses == 0
    });
    if !kept {
        t.skip(c"lists keep nothing: a checker, or the verifier, is on");
    }
    kept
}

fn memory_found_again(t: &Test) {
    if !keeps(t) {
        return;
    }
    let list = must!(t, list::<[u64; 20]>());
    check!(
        t,
        list.counters()
            == Counters {
                allocates: 0,
                allocate_misses: 0,
                frees: 0,
                free_misses: 0
            }
    );
    let one = must!(t, list.allocate([1; 20]));
    let at = one.as_ptr();
    drop(one);
    let two = must!(t, list.allocate([2; 20]));
    check!(t, two.as_ptr() == at);
    check!(t, two.iter().all(|&word| word == 2));
    let three = must!(t, list.allocate([3; 20]));
    check!(t, three.as_ptr() != at);
    drop((two, three));
    check!(
        t,
        list.counters()
            == Counters {
                allocates: 3,
                allocate_misses: 2,
                frees: 3,
                free_misses: 0
            }
    );
}

/// The harness compares the statistics from before and after each case, too.
fn counted_under_the_tag(t: &Test) {
    let list = must!(t, list::<[u8; 100]>());
    check_eq!(t, t.nonpaged(c"RsLl").diff, 0);
    let entry = must!(t, list.allocate([7; 100]));
    check_eq!(t, t.nonpaged(c"RsLl").diff, 1);
    check_eq!(t, t.nonpaged(c"RsLl").bytes, 100);
    let block = must!(t, Block::at(&*entry).ok_or(ENOENT));
    check_eq!(t, block.bytes(), 100);
    drop(entry);
    drop(list);
    check_eq!(t, t.nonpaged(c"RsLl").diff, 0);
    check_eq!(t, t.nonpaged(c"RsLl").bytes, 0);
}

/// Notes where it is when it is dropped.
struct Noted<'a> {
    dropped: &'a Cell<(u32, usize)>,
    number: u64,
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        let at = core::ptr::from_ref(self) as usize;
        self.dropped.set((self.dropped.get().0 + 1, at));
    }
}

fn value_dropped_in_place(t: &Test) {
    let dropped = Cell::new((0, 0));
    let list = must!(t, list());
    let mut entry = must!(
        t,
        list.allocate(Noted {
            dropped: &dropped,
            number: 1
        })
    );
    entry.number += 1;
    check_eq!(t, entry.number, 2);
    check_eq!(t, dropped.get().0, 0);
    let at = core::ptr::from_ref(&*entry) as usize;
    check_eq!(t, at % 16, 0);
    drop(entry);
    check_eq!(t, dropped.get().0, 1);
    check_eq!(t, dropped.get().1, at);
    check_eq!(t, list.counters().frees, 1);
}

fn value_taken_out(t: &Test) {
    let dropped = Cell::new((0, 0));
    let list = must!(t, list());
    let entry = must!(
        t,
        list.allocate(Noted {
            dropped: &dropped,
            number: 5
        })
    );
    let value = entry.into_inner();
    check_eq!(t, value.number, 5);
    check_eq!(t, dropped.get().0, 0);
    check_eq!(t, list.counters().frees, 1);
    drop(value);
    check_eq!(t, dropped.get().0, 1);
}

/// An initialiser that fails.
fn fails() -> impl Init<[u64; 600], Error> {
    // SAFETY: It initialises nothing, and fails.
    unsafe { pin_init::init_from_closure(|_| Err(EBUSY)) }
}

fn failed_value_gives_memory_back(t: &Test) {
    let list = must!(t, list::<[u64; 600]>());
    let failed = LookasideEntry::init(&*list, fails());
    check!(t, matches!(failed, Err(e) if e == EBUSY));
    check_eq!(t, list.counters().allocates, 1);
    check_eq!(t, list.counters().frees, 1);
    // A large one is made where it stays.
    let entry = LookasideEntry::init(&*list, pin_init::init_zeroed::<[u64; 600]>());
    let entry = must!(t, entry);
    check!(t, entry.iter().all(|&word| word == 0));
}

/// Knows where it was made.
struct Rooted {
    at: usize,
    _pinned: PhantomPinned,
}

impl Rooted {
    fn new() -> impl PinInit<Self, Error> {
        // SAFETY: It initialises the value, and never fails.
        unsafe {
            pin_init::pin_init_from_closure(|slot: *mut Self| {
                slot.write(Self {
                    at: slot as usize,
                    _pinned: PhantomPinned,
                });
                Ok(())
            })
        }
    }
}

fn pinned_value_stays(t: &Test) {
    let list = must!(t, list());
    let entry = must!(t, LookasideEntry::pin_init(&*list, Rooted::new()));
    let moved = KBox::new(entry, GFP_KERNEL);
    let moved = must!(t, moved);
    check_eq!(t, core::ptr::from_ref(&**moved) as usize, moved.at);
}

fn each_entry_goes_to_its_list(t: &Test) {
    let (one, two) = (must!(t, list::<u64>()), must!(t, list::<u64>()));
    let first = must!(t, one.allocate(1));
    let second = must!(t, two.allocate(2));
    let third = must!(t, one.allocate(3));
    drop(first);
    check_eq!(t, one.counters().frees, 1);
    check_eq!(t, two.counters().frees, 0);
    drop((second, third));
    check_eq!(t, one.counters().frees, 2);
    check_eq!(t, two.counters().frees, 1);
}

fn list_outlives_its_handle(t: &Test) {
    let list = must!(t, Arc::pin_init(List::<u64>::new(), GFP_KERNEL));
    let one = must!(t, LookasideEntry::new(list.clone(), 1));
    let two = must!(t, LookasideEntry::new(list.clone(), 2));
    drop(list);
    check_eq!(t, *one + *two, 3);
    drop(one);
    // No violation: the last entry has the list, and deletes it.
    drop(two);
}

#[repr(align(64))]
struct Line([u8; 65]);
#[repr(align(128))]
struct Lines(#[expect(dead_code)] [u8; 100]);
#[repr(align(4096))]
struct Page(#[expect(dead_code)] [u8; 100]);

fn alignment_of_the_type(t: &Test) {
    let lines = must!(t, list());
    let pages = must!(t, list::<Page>());
    let mut held = KVec::new();
    for _ in 0..20 {
        let line = must!(t, lines.allocate(Line([1; 65])));
        check_eq!(
            t,
            core::ptr::from_ref(&*line) as usize % align_of::<Line>(),
            0
        );
        check!(t, line.0.iter().all(|&byte| byte == 1));
        must!(t, held.push(line, GFP_KERNEL));
        let page = must!(t, pages.allocate(Page([1; 100])));
        check_eq!(
            t,
            core::ptr::from_ref(&*page) as usize % align_of::<Page>(),
            0
        );
    }
    check_eq!(t, t.nonpaged(c"RsLl").bytes % size_of::<Line>() as i64, 0);
    check!(t, matches!(list::<Lines>(), Err(e) if e == EINVAL));
    check!(t, matches!(list::<()>(), Err(e) if e == EINVAL));
    check!(t, matches!(list::<[u64; 0]>(), Err(e) if e == EINVAL));
    // The smallest has room for what the list writes into it.
    let bytes = must!(t, list::<u8>());
    for number in 0..5 {
        let (one, two) = (
            must!(t, bytes.allocate(number)),
            must!(t, bytes.allocate(!number)),
        );
        check!(t, *one == number && *two == !number);
    }
}

fn depth_follows_the_bursts(t: &Test) {
    if !keeps(t) {
        return;
    }
    let list = must!(t, list::<[u8; 40]>());
    check_eq!(t, list.depth(), 4);
    for _ in 0..4 {
        let mut out = KVec::new();
        for _ in 0..64 {
            must!(t, out.push(must!(t, list.allocate([0; 40])), GFP_KERNEL));
        }
    }
    check!(t, list.depth() > 4 && list.depth() <= 256);
}

fn flushed(t: &Test) {
    let list = must!(t, list::<[u8; 100]>());
    let one = must!(t, list.allocate([1; 100]));
    drop(must!(t, list.allocate([2; 100])));
    list.flush();
    // Those that are out stay.
    check_eq!(t, t.nonpaged(c"RsLl").diff, 1);
    check!(t, one.iter().all(|&byte| byte == 1));
}

extern "C" {
    fn ExFreePoolWithTag(block: *mut c_void, tag: u32);
}

fn forgotten_entry_reported(t: &Test) {
    let list = must!(t, list::<u64>());
    let entry = must!(t, list.allocate(8));
    let at = core::ptr::from_ref(&*entry).cast_mut();
    core::mem::forget(entry);
    drop(list);
    check_violation!(t, DRIVER_VERIFIER, 0x62);
    // It stayed allocated, and is what it was.
    check_eq!(t, t.nonpaged(c"RsLl").diff, 1);
    // SAFETY: Nobody has freed it.
    check_eq!(t, unsafe { *at }, 8);
    // SAFETY: It is a block of pool with this tag. Tag 0 passes the check of the tag.
    unsafe { ExFreePoolWithTag(at.cast(), 0) };
}

fn nonpaged_in_atomic(t: &Test) {
    let list = must!(t, list::<[u8; 200]>());
    for context in ATOMIC {
        let mut made = None;
        t.in_context(context, || made = list.allocate([9; 200]).ok());
        check!(
            t,
            made.as_ref()
                .is_some_and(|entry| entry.iter().all(|&byte| byte == 9))
        );
        t.in_context(context, || drop(made.take()));
    }
    check_eq!(t, list.counters().frees, ATOMIC.len());
    let mut one = Some(list);
    t.in_context(Context::SpinlockIrq, || drop(one.take()));
}

type PagedList = LookasideList<[u8; 50], Paged<RsLp>>;

fn paged() -> Result<Pin<KBox<PagedList>>> {
    KBox::pin_init(PagedList::new(), GFP_KERNEL)
}

fn paged_refused_in_atomic(t: &Test) {
    let list = must!(t, paged());
    drop(must!(t, list.allocate([1; 50])));
    for context in ATOMIC {
        let mut refused = false;
        t.in_context(context, || refused = list.allocate([1; 50]).is_err());
        check!(t, refused);
        check_violation!(t, BAD_POOL_CALLER, 0x08);
    }
    let entry = must!(t, list.allocate([1; 50]));
    check_eq!(t, t.paged(c"RsLp").bytes % 50, 0);
    check!(
        t,
        t.paged(c"RsLp").diff >= 1 && t.nonpaged(c"RsLp").diff == 0
    );
    drop(entry);
}

fn paged_freed_in_atomic(t: &Test) {
    let list = must!(t, paged());
    for context in ATOMIC {
        let mut entry = Some(must!(t, list.allocate([1; 50])));
        t.in_context(context, || drop(entry.take()));
        check_violation!(t, BAD_POOL_CALLER, 0x09);
    }
}

fn name_of<T: core::fmt::Debug>(value: &T) -> Result<CString> {
    CString::try_from_fmt(fmt!("{value:?}"))
}

fn shown(t: &Test) {
    fn at_most<A: Pool>(list: &LookasideList<u32, A>) -> u16 {
        list.depth()
    }
    let list = must!(t, list::<u32>());
    let entry = must!(t, list.allocate(77));
    check!(
        t,
        name_of(&*entry).is_ok_and(|text| text.to_bytes() == b"77")
    );
    let text = CString::try_from_fmt(fmt!("{list:?}"));
    check!(
        t,
        text.is_ok_and(|text| text.to_bytes().starts_with(b"LookasideList { depth: "))
    );
    check!(t, at_most(&list) <= 256);
}
