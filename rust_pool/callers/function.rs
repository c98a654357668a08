// SPDX-License-Identifier: GPL-2.0

//! The functions that return addresses lie in.

use crate::{
    callers::{
        mangled,
        routines, //
    },
    lib::text::Symbol,
    sys::Function, //
};

/// It is a library's that was compiled into the module, or a client's copy of a routine.
const OF_LIBRARY: u32 = 1;
/// It is a client's copy of a routine.
const ROUTINE: u32 = 2;

/// The function that an address lies in.
fn at(addr: usize) -> Function {
    Function::at(addr, || {
        Symbol(addr).with(|name| {
            let bits = match name {
                name if routines::is_routine(name) => OF_LIBRARY | ROUTINE,
                name if mangled::is_of_library(name) => OF_LIBRARY,
                _ => 0,
            };
            let start = offset(name).map_or(0, |offset| addr.wrapping_sub(offset));
            Function { start, bits }
        })
    })
}

/// The offset in what `%pS` shows, as in `name+0x12/0x345 [module]`; `None` for a bare address.
fn offset(name: &str) -> Option<usize> {
    let (_, behind) = name.split_once('+')?;
    let digits = behind.strip_prefix("0x")?.split('/').next()?;
    usize::from_str_radix(digits, 16).ok()
}

/// Whether two addresses lie in one function.
pub(super) fn is_same(one: usize, other: usize) -> bool {
    let start = at(one).start;
    start != 0 && start == at(other).start
}

/// Whether an address lies in a library's function, or in a client's copy of a routine.
pub(super) fn is_of_library(addr: usize) -> bool {
    at(addr).bits & OF_LIBRARY != 0
}

/// Whether an address lies in a client's copy of a routine.
pub(super) fn is_routine(addr: usize) -> bool {
    at(addr).bits & ROUTINE != 0
}

/// Whether a name is that of a library's function. A client's copy of a routine counts as one.
pub(super) fn is_name_of_library(name: &str) -> bool {
    mangled::is_of_library(name) || routines::is_routine(name)
}

#[kernel::macros::kunit_tests(rust_pool_function)]
mod tests {
    use super::*;

    #[test]
    fn offsets() {
        assert!(offset("kfree+0x1f/0x2a0") == Some(0x1f));
        assert!(offset("go_unseen+0x0/0x20 [rp_test_callers]") == Some(0));
        assert!(offset("0xffffffffc0001234").is_none());
        assert!(offset("").is_none());
    }
}
