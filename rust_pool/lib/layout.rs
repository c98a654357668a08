// SPDX-License-Identifier: GPL-2.0

//! Where types of the kernel crate that have private fields keep what a reader of a dump looks for.
//! Nothing is guessed: what the compiler does not prove does not compile.

use core::mem::{
    align_of,
    size_of, //
};
use kernel::{
    prelude::*,
    sync::SpinLockIrq, //
};

/// The words that a value consists of, found out at compile time.
///
/// What does not consist of such words is an error there: a value of another size, and one with
/// bytes that have no value, like those between two fields.
macro_rules! words_of {
    ($value:expr, $words:ty) => {
        const {
            let value = ::core::mem::ManuallyDrop::new($value);
            assert!(::core::mem::size_of_val(&value) == ::core::mem::size_of::<$words>());
            // SAFETY: It is as large as the words. This is evaluated by the compiler only, which
            // refuses to take a byte without a value for a part of a number.
            unsafe { ::core::mem::transmute_copy::<_, $words>(&value) }
        }
    };
}
pub(crate) use words_of;

/// Bytes from a lock to what it protects, which is the last field of a `repr(C)` structure.
pub(crate) const fn behind_lock<T>() -> usize {
    // If both are aligned alike, there is no padding behind the last field.
    assert!(align_of::<SpinLockIrq<T>>() == align_of::<T>());
    size_of::<SpinLockIrq<T>>() - size_of::<T>()
}

/// Bytes from a vector to the address of its first element. Its other two words are the length and
/// the capacity.
pub(crate) const fn start_of_vec<T>() -> usize {
    let words = words_of!(KVec::<T>::new(), [usize; 3]);
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
