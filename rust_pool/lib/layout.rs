// SPDX-License-Identifier: GPL-2.0

//! Where types of the kernel crate that have private fields keep what a reader of a dump looks for.
//! Nothing is guessed: what the compiler does not prove does not compile.

use core::mem::{
    align_of,
    size_of,
    transmute_copy,
    ManuallyDrop, //
};
use kernel::{
    prelude::*,
    sync::SpinLockIrq, //
};

/// Bytes from a lock to what it protects, which is the last field of a `repr(C)` structure.
pub(crate) const fn behind_lock<T>() -> usize {
    // If both are aligned alike, there is no padding behind the last field.
    assert!(align_of::<SpinLockIrq<T>>() == align_of::<T>());
    size_of::<SpinLockIrq<T>>() - size_of::<T>()
}

/// Bytes from a vector to the address of its first element. Its other two words are the length and
/// the capacity.
pub(crate) const fn start_of_vec<T>() -> usize {
    const WORDS: usize = 3;
    assert!(size_of::<KVec<T>>() == WORDS * size_of::<usize>());
    let empty = ManuallyDrop::new(KVec::<T>::new());
    // SAFETY: It is as large as these words, as was just compared, so all of its bytes are those of
    // its three fields.
    let words: [usize; WORDS] = unsafe { transmute_copy(&empty) };
    // The address of an empty vector is not null; its length and its capacity are 0.
    let at = match words {
        [_, 0, 0] => 0,
        [0, _, 0] => 1,
        [0, 0, _] => 2,
        _ => panic!("an empty vector has more than an address"),
    };
    assert!(words[at] != 0);
    at * size_of::<usize>()
}
