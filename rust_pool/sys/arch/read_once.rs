// SPDX-License-Identifier: GPL-2.0

//! Words that others change, read with one instruction.
//!
//! In a kernel that does not inline helpers, such as Debian's, `Atomic::load()` is a function call,
//! and a dozen of these take as long as a whole allocation. These functions read a word as
//! `READ_ONCE()` does, by a volatile load, without a call.

use core::cell::Cell;
use kernel::sync::atomic::{
    Atomic,
    AtomicType, //
};

/// Reads a word as `READ_ONCE()` does.
#[inline(always)]
pub(crate) fn read<T: AtomicType + Copy>(word: &Atomic<T>) -> T {
    // SAFETY: The pointer is valid and aligned. Other CPUs write to it atomically only, and a
    // volatile load of a word is not torn on the architectures supported.
    unsafe { word.as_ptr().read_volatile() }
}

/// Reads a byte that clients may write meanwhile, although they must not.
#[inline]
pub(crate) fn byte(byte: &Cell<u8>) -> u8 {
    // SAFETY: It is a byte that may be read. The load is volatile, as somebody may write there.
    unsafe { byte.as_ptr().read_volatile() }
}

/// Writes a word as `WRITE_ONCE()` does.
#[inline(always)]
pub(crate) fn write<T: Copy>(word: &Cell<T>, value: T) {
    // SAFETY: It may be written. The store is volatile, as somebody may read there.
    unsafe { word.as_ptr().write_volatile(value) };
}

/// Reads a word as `smp_load_acquire()` does; on x86 the order of loads is kept anyway.
#[inline(always)]
pub(crate) fn read_acquire<T: AtomicType + Copy>(word: &Atomic<T>) -> T {
    let value = read(word);
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::Acquire);
    value
}
