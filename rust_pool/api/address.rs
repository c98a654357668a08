// SPDX-License-Identifier: GPL-2.0

//! Physical addresses.

use crate::sys::raw;

/// The physical address behind a kernel address, if something is mapped there. Any context.
///
/// If the address is unmapped meanwhile, the result may be any address.
///
/// The WDK's `MmGetPhysicalAddress`. It is never a DMA address: a device gets the bus address of a
/// [`CommonBuffer`](crate::CommonBuffer).
#[inline]
pub fn physical_address<T>(at: *const T) -> Option<u64> {
    // SAFETY: Any address is allowed: the function reads page tables, and nothing at the address.
    // If the tables change meanwhile, the result is wrong, no more.
    let address = unsafe { raw::MmGetPhysicalAddress(at.cast_mut().cast()) };
    // SAFETY: The union consists of integers, for which all bits are valid.
    // CAST: The C type is signed; physical addresses are not.
    let address = unsafe { address.QuadPart as u64 };
    (address != 0).then_some(address)
}
