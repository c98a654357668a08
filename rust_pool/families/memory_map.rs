// SPDX-License-Identifier: GPL-2.0

//! Which physical addresses are memory.
//!
//! WDK: "MmGetPhysicalMemoryRanges".

use crate::{
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    pool,
    report::rule,
    sys::{
        self,
        raw,
        Client, //
    }, //
};
use core::{
    mem::size_of,
    ptr::{
        null_mut,
        NonNull, //
    }, //
};
use kernel::bindings;

/// The tag of the list, that of Windows: shown as "MmPh".
const TAG: u32 = u32::from_le_bytes(*b"MmPh");

/// A list that ends with an entry of zeros, in pool of the caller's module. Task context.
fn list(
    caller: usize,
    module: *mut bindings::module,
) -> Option<NonNull<raw::PHYSICAL_MEMORY_RANGE>> {
    if !sys::irql().may_sleep() {
        rule::MEMORY_RANGES_REQUESTED.by(caller, []).report();
        return None;
    }
    loop {
        let room = sys::memory_ranges(&mut []);
        let bytes = room
            .checked_add(1)?
            .checked_mul(size_of::<raw::PHYSICAL_MEMORY_RANGE>())?;
        let kind = raw::_POOL_TYPE_NonPagedPoolNx | raw::POOL_ZERO_ALLOCATION;
        let block = pool::allocate_for(Client::new(module), kind, bytes, TAG, caller)?;
        let first = block.cast::<raw::PHYSICAL_MEMORY_RANGE>();
        // SAFETY: The block was allocated just now, cleared, and has room for one entry more.
        let ranges = unsafe { core::slice::from_raw_parts_mut(first.as_ptr(), room) };
        if sys::memory_ranges(ranges) <= room {
            return Some(first);
        }
        // Memory was added meanwhile.
        pool::free_given(block.as_ptr() as usize, TAG, caller);
    }
}

/// `MmGetPhysicalMemoryRanges`.
///
/// # Safety
///
/// `module` is the client's.
#[no_mangle]
unsafe extern "C" fn rust_pool_memory_ranges(
    caller: usize,
    module: *mut bindings::module,
) -> *mut raw::PHYSICAL_MEMORY_RANGE {
    list(caller, module).map_or(null_mut(), NonNull::as_ptr)
}
matches_header!(rust_pool_memory_ranges);
export_symbol_gpl!(rust_pool_memory_ranges);
