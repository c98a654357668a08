// SPDX-License-Identifier: GPL-2.0

//! Atomic words, read with one instruction.
//!
//! Where helpers are not inlined, as in Debian's kernel, `Atomic::load()` is a call into the
//! kernel, and a dozen of these is as much as a whole allocation. What a call does for a word is
//! what `READ_ONCE()` does: a volatile load.

use kernel::sync::atomic::{
    Atomic,
    AtomicType, //
};

/// Reads a word as `READ_ONCE()` does.
#[inline(always)]
pub(crate) fn read<T: AtomicType + Copy>(word: &Atomic<T>) -> T {
    // SAFETY: The pointer is valid and aligned. Whoever writes does so atomically, and a volatile
    // load of a word is not torn on the architectures supported.
    unsafe { word.as_ptr().read_volatile() }
}

/// Reads a word as `smp_load_acquire()` does; on x86 the order of loads is kept anyway.
#[inline(always)]
pub(crate) fn read_acquire<T: AtomicType + Copy>(word: &Atomic<T>) -> T {
    let value = read(word);
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::Acquire);
    value
}
