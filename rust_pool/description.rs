// SPDX-License-Identifier: GPL-2.0

//! What a device description asks of an adapter.
//!
//! WDK: "DEVICE_DESCRIPTION", "IoGetDmaAdapter".

use crate::sys::{
    raw,
    PAGE_SIZE, //
};

/// What a device description asks for.
pub(crate) struct Wanted {
    pub(crate) mask: u64,
    pub(crate) registers: u32,
}

impl Wanted {
    /// `None` for what is no bus master's description, or of a version not known.
    pub(crate) fn new(description: &raw::DEVICE_DESCRIPTION) -> Option<Self> {
        if description.Master == 0 {
            return None;
        }
        let width = match description.Version {
            0..=2 if description.Dma64BitAddresses != 0 => 64,
            0..=2
                if description.Dma32BitAddresses != 0
                    || (description.ScatterGather != 0
                        && description.InterfaceType == raw::_INTERFACE_TYPE_PCIBus) =>
            {
                32
            }
            // A master that says nothing reaches as far as one on the ISA bus does.
            0..=2 => 24,
            3 => description.DmaAddressWidth,
            _ => return None,
        };
        let mask = match width {
            1..=63 => (1 << width) - 1,
            64 => u64::MAX,
            _ => return None,
        };
        Some(Self {
            mask,
            registers: registers(description.MaximumLength),
        })
    }
}

/// The map registers for transfers of up to `bytes` bytes: one more, for they may start anywhere.
pub(crate) fn registers(bytes: u32) -> u32 {
    // CAST: A page is small. The quotient is, too, so nothing overflows.
    bytes.div_ceil(PAGE_SIZE as u32) + 1
}
