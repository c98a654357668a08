// SPDX-License-Identifier: GPL-2.0

//! Magazines: one array per CPU of free blocks of each kind, like Windows' per-processor lists.
//!
//! A CPU has a magazine for each [`MagazineKind`]. It uses the magazine with preemption disabled,
//! and marks it busy meanwhile, so that an interrupt which finds it busy goes to `refill` instead.
//! CPUs do not share magazines.
//!
//! Blocks in a magazine count as memory taken by the pool. They are given back when memory is
//! short, when the CPU goes offline, and at unload. The magazines stay empty if a kernel checker
//! wants to see every allocation and free.

pub(crate) mod kind;
pub(crate) mod refill;

use crate::{
    memory::{
        batch::Room,
        magazine::kind::{
            MagazineKind,
            CAPACITY,
            SHELVES, //
        }, //
    },
    sys::{
        self,
        arch::{
            percpu::{
                self,
                PreemptDisabled, //
            },
            read_once, //
        }, //
    }, //
};
use core::{
    mem::{
        offset_of,
        size_of, //
    },
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// The most bytes in a magazine, except that two blocks always fit, or one of 32 KiB and more.
const BYTES: usize = 4096;

/// A magazine, in per-CPU memory.
///
/// # Invariants
///
/// The first `count` of `blocks` are free blocks that belong to the magazine, and `limit` is at
/// most [`CAPACITY`].
#[repr(C)]
struct Magazine {
    count: u32,
    busy: u32,
    blocks: [usize; CAPACITY],
    /// How many blocks it may hold; 0 while it is closed.
    limit: u64,
}

const STRIDE: usize = size_of::<Magazine>();
const COUNT: usize = offset_of!(Magazine, count);
const BUSY: usize = offset_of!(Magazine, busy);
const BLOCKS: usize = offset_of!(Magazine, blocks);
const LIMIT: usize = offset_of!(Magazine, limit);

/// The per-CPU cookie of the magazines, or 0 before there are any.
static BASE: Atomic<usize> = Atomic::new(0);

/// Whether the magazines are open.
static OPEN: Atomic<bool> = Atomic::new(false);

/// How many blocks a magazine of each kind holds when it is open.
static LIMITS: [usize; SHELVES] = {
    let mut limits = [0; SHELVES];
    let mut number = 0;
    while number < SHELVES {
        let bytes = kind::BYTES[number];
        let least = if bytes < 32 * 1024 { 2 } else { 1 };
        let many = BYTES / bytes;
        limits[number] = if many < least {
            least
        } else if many > CAPACITY {
            CAPACITY
        } else {
            many
        };
        number += 1;
    }
    limits
};

/// How many blocks a magazine may hold now.
pub(crate) fn capacity(kind: MagazineKind) -> usize {
    if !read_once::read(&OPEN) {
        return 0;
    }
    LIMITS.get(kind.number()).map_or(0, |&limit| limit)
}

/// The address of a CPU's magazine.
fn of_cpu(cpu: u32, kind: MagazineKind) -> *mut Magazine {
    let cookie = read_once::read(&BASE).wrapping_add(kind.number() * STRIDE);
    sys::percpu_address(cookie, cpu) as *mut Magazine
}

/// Makes the magazines, closed. Sleeps.
pub(crate) fn init() -> Result {
    let base = sys::percpu(SHELVES * STRIDE).ok_or(ENOMEM)?;
    BASE.store(base.get(), Relaxed);
    Ok(())
}

/// Opens or closes the magazines. Blocks can still be taken from a closed one.
///
/// # Safety
///
/// Nobody uses the magazines at the same time.
pub(crate) unsafe fn open(open: bool) {
    OPEN.store(open, Relaxed);
    for kind in MagazineKind::all() {
        // CAST: At most `CAPACITY`.
        let limit = capacity(kind) as u64;
        for cpu in 0..sys::possible_cpus() {
            // SAFETY: It is a magazine, and by the safety requirements nobody uses it.
            // INVARIANT: `capacity()` is never more than `CAPACITY`.
            unsafe { (*of_cpu(cpu, kind)).limit = limit };
        }
    }
}

/// Whether there are any magazines.
pub(crate) fn exist() -> bool {
    BASE.load(Relaxed) != 0
}

/// Frees the magazines.
///
/// # Safety
///
/// They are empty, and nobody uses them any more.
pub(crate) unsafe fn exit() {
    if let Some(base) = core::num::NonZero::new(BASE.xchg(0, kernel::sync::atomic::Full)) {
        // SAFETY: `init()` made it, and by the safety requirements nobody uses it any more.
        unsafe { sys::free_percpu(base) };
    }
}

/// Takes a block from this CPU's magazine, if there is one. Any context.
#[inline(always)]
pub(crate) fn pop(kind: MagazineKind) -> Option<NonNull<u8>> {
    let cpu = PreemptDisabled::new();
    let at = read_once::read(&BASE).wrapping_add(kind.number() * STRIDE);
    // SAFETY: `at` is the cookie of a magazine, which is this CPU's while preemption is disabled.
    // An interrupt after this store finds the magazine busy; one before it is done by now.
    unsafe {
        if !percpu::set::<BUSY>(&cpu, at) {
            return None;
        }
        let left = percpu::load::<COUNT>(&cpu, at).wrapping_sub(1);
        // CAST: A small constant.
        if left >= CAPACITY as u32 {
            percpu::clear::<BUSY>(&cpu, at);
            return None;
        }
        let left = u64::from(left);
        // INVARIANT: The last block is the caller's once the count is one less.
        let block = percpu::get::<BLOCKS>(&cpu, at, left);
        // The upper half is `busy`, which the same store clears.
        percpu::store::<COUNT>(&cpu, at, left);
        // By the type invariant it is a block, so it is not null.
        core::hint::assert_unchecked(block != 0);
        Some(NonNull::new_unchecked(block as *mut u8))
    }
}

/// Puts a free block into this CPU's magazine, if there is room. Any context.
///
/// # Safety
///
/// The block is of this kind, and the caller gives it up if the answer is `true`.
#[inline(always)]
pub(crate) unsafe fn push(kind: MagazineKind, block: NonNull<u8>) -> bool {
    let cpu = PreemptDisabled::new();
    let at = read_once::read(&BASE).wrapping_add(kind.number() * STRIDE);
    // SAFETY: As in `pop()`. By the type invariant there is a place for one more block.
    unsafe {
        if !percpu::set::<BUSY>(&cpu, at) {
            return false;
        }
        let count = percpu::load::<COUNT>(&cpu, at);
        if count >= percpu::load::<LIMIT>(&cpu, at) {
            percpu::clear::<BUSY>(&cpu, at);
            return false;
        }
        let count = u64::from(count);
        // INVARIANT: The block was free, and is the magazine's with the new count.
        percpu::put::<BLOCKS>(&cpu, at, count, block.as_ptr() as usize);
        percpu::store::<COUNT>(&cpu, at, count.wrapping_add(1));
        true
    }
}

/// Takes as many blocks from this CPU's magazine as there are and as fit; returns their number. Any
/// context.
pub(crate) fn take(kind: MagazineKind, room: &mut Room) -> usize {
    let cpu = PreemptDisabled::new();
    let at = read_once::read(&BASE).wrapping_add(kind.number() * STRIDE);
    // SAFETY: As in `pop()`.
    unsafe {
        if !percpu::set::<BUSY>(&cpu, at) {
            return 0;
        }
        let mut left = u64::from(percpu::load::<COUNT>(&cpu, at));
        let mut taken = 0;
        for place in room {
            let Some(last) = left.checked_sub(1) else {
                break;
            };
            // INVARIANT: The blocks are the caller's once the count is less by their number.
            place.write(percpu::get::<BLOCKS>(&cpu, at, last));
            left = last;
            taken += 1;
        }
        percpu::store::<COUNT>(&cpu, at, left);
        taken
    }
}

/// Puts as many free blocks into this CPU's magazine as fit; returns their number. Any context.
///
/// # Safety
///
/// The blocks are of this kind, and the caller gives those up.
pub(crate) unsafe fn put(kind: MagazineKind, blocks: &[usize]) -> usize {
    let cpu = PreemptDisabled::new();
    let at = read_once::read(&BASE).wrapping_add(kind.number() * STRIDE);
    // SAFETY: As in `push()`.
    unsafe {
        if !percpu::set::<BUSY>(&cpu, at) {
            return 0;
        }
        let mut count = percpu::load::<COUNT>(&cpu, at);
        let limit = percpu::load::<LIMIT>(&cpu, at);
        let mut put = 0;
        for &block in blocks {
            if count >= limit {
                break;
            }
            // INVARIANT: The blocks were free, and are the magazine's with the new count.
            percpu::put::<BLOCKS>(&cpu, at, u64::from(count), block);
            count += 1;
            put += 1;
        }
        percpu::store::<COUNT>(&cpu, at, u64::from(count));
        put
    }
}

/// How many blocks of a kind the magazines of all CPUs hold.
pub(crate) fn held(kind: MagazineKind) -> usize {
    let count = |cpu| {
        // SAFETY: It is a magazine, whose CPU may be changing the count; any value that it had
        // will do.
        unsafe { (&raw const (*of_cpu(cpu, kind)).count).read_volatile() as usize }
    };
    (0..sys::possible_cpus()).map(count).sum()
}

/// Takes blocks from the magazine of a CPU that is offline.
///
/// # Safety
///
/// The CPU is offline, or nobody uses the magazines.
pub(crate) unsafe fn take_of(cpu: u32, kind: MagazineKind, room: &mut Room) -> usize {
    // SAFETY: It is a magazine, and nobody else uses it.
    let magazine = unsafe { &mut *of_cpu(cpu, kind) };
    let mut taken = 0;
    for place in room {
        let Some(left) = magazine.count.checked_sub(1) else {
            break;
        };
        // INVARIANT: The last block is the caller's now.
        magazine.count = left;
        // CAST: Lossless on the architectures supported.
        place.write(magazine.blocks.get(left as usize).copied().unwrap_or(0));
        taken += 1;
    }
    taken
}
