// SPDX-License-Identifier: GPL-2.0

//! Physical addresses.

use crate::sys::raw;

/// The physical address behind a kernel address, if something is mapped there. Any context.
///
/// It means nothing if the address is unmapped by somebody else meanwhile.
///
/// The WDK's `MmGetPhysicalAddress`. It is never a DMA address: a device gets the bus address of a
/// [`CommonBuffer`](crate::CommonBuffer).
#[inline]
pub fn physical_address<T>(at: *const T) -> Option<u64> {
    // SAFETY: Any address may be asked for; nothing is read through it, and page tables that change
    // under the walk cost no more than a wrong answer.
    let address = unsafe { raw::MmGetPhysicalAddress(at.cast_mut().cast()) };
    // SAFETY: Every bit pattern is valid for every field of the union.
    // CAST: The C type is signed; physical addresses are not.
    let address = unsafe { address.QuadPart as u64 };
    (address != 0).then_some(address)
}
