// SPDX-License-Identifier: GPL-2.0

//! Physical addresses.

use crate::{
    api::exported,
    sys::raw, //
};

/// The bits of an address.
#[inline]
pub(super) fn bits(address: raw::PHYSICAL_ADDRESS) -> u64 {
    // SAFETY: The union consists of integers, for which all bits are valid.
    // CAST: The C type is signed; addresses are not.
    unsafe { address.QuadPart as u64 }
}

/// The physical address behind a kernel address, if something is mapped there. Any context.
///
/// If the address is unmapped meanwhile, the result may be any address.
///
/// The WDK's `MmGetPhysicalAddress`. It is never a DMA address: a device gets the bus address of a
/// [`CommonBuffer`](crate::CommonBuffer).
#[inline]
pub fn physical_address<T>(at: *const T) -> Option<u64> {
    let address = bits(exported::MmGetPhysicalAddress(at.cast_mut().cast()));
    (address != 0).then_some(address)
}
