// SPDX-License-Identifier: GPL-2.0

//! Patterns in memory that nobody may write to.

use core::ptr::NonNull;

/// What memory around a block is filled with.
pub(crate) const AROUND: u8 = 0xb5;
/// What a block is filled with that is not to be zeroed.
pub(crate) const NEW: u8 = 0xcd;
/// What a block is filled with that was freed.
pub(crate) const FREED: u8 = 0xdd;

/// Fills memory.
///
/// # Safety
///
/// So many bytes from `at` on are the caller's.
pub(crate) unsafe fn fill(at: NonNull<u8>, bytes: usize, pattern: u8) {
    // SAFETY: By the safety requirements.
    unsafe { at.write_bytes(pattern, bytes) };
}

/// Where memory is not what it was filled with: the first such byte.
///
/// # Safety
///
/// So many bytes from `at` on may be read, and were filled.
pub(crate) unsafe fn changed(at: NonNull<u8>, bytes: usize, pattern: u8) -> Option<usize> {
    // Volatile, for whoever writes there has no right to and may do so meanwhile.
    // SAFETY: By the safety requirements.
    let first = (0..bytes).find(|&it| unsafe { at.add(it).read_volatile() } != pattern)?;
    Some(at.as_ptr() as usize + first)
}

/// How far an address is from another, which may be behind it.
pub(crate) fn offset(of: usize, from: usize) -> isize {
    // CAST: Both are close to one another, so the difference is the right one.
    of.wrapping_sub(from) as isize
}
