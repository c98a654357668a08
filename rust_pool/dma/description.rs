// SPDX-License-Identifier: GPL-2.0

//! What a device description asks of an adapter.
//!
//! WDK: "DEVICE_DESCRIPTION", "IoGetDmaAdapter".

use crate::sys::{
    raw,
    PAGE_SIZE, //
};

/// The version of an adapter: which of `DMA_OPERATIONS` it has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
    Three,
}

/// What a device description asks for.
pub(crate) struct Wanted {
    pub(crate) mask: u64,
    pub(crate) registers: u32,
    pub(crate) version: Version,
    pub(crate) scatter_gather: bool,
}

impl Wanted {
    /// `None` if it does not describe a bus master, or has an unknown version.
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
            // A bus master that sets none of these reaches as far as one on the ISA bus.
            0..=2 => 24,
            3 => description.DmaAddressWidth,
            _ => return None,
        };
        let version = match description.Version {
            0 | 1 => Version::One,
            2 => Version::Two,
            _ => Version::Three,
        };
        let mask = match width {
            1..=63 => (1 << width) - 1,
            64 => u64::MAX,
            _ => return None,
        };
        Some(Self {
            mask,
            registers: registers(description.MaximumLength),
            version,
            scatter_gather: description.ScatterGather != 0,
        })
    }
}

/// The map registers for transfers of up to `bytes` bytes: one more, for they may start anywhere.
pub(crate) fn registers(bytes: u32) -> u32 {
    // CAST: A page is small. The quotient is, too, so nothing overflows.
    bytes.div_ceil(PAGE_SIZE as u32) + 1
}

#[kernel::macros::kunit_tests(rust_pool_description)]
mod tests {
    use super::*;

    fn master(version: u32) -> raw::DEVICE_DESCRIPTION {
        raw::DEVICE_DESCRIPTION {
            Version: version,
            Master: 1,
            ..raw::DEVICE_DESCRIPTION::default()
        }
    }

    fn mask(description: &raw::DEVICE_DESCRIPTION) -> Option<u64> {
        Wanted::new(description).map(|wanted| wanted.mask)
    }

    const BITS_24: Option<u64> = Some(0xff_ffff);
    const BITS_32: Option<u64> = Some(0xffff_ffff);
    const BITS_64: Option<u64> = Some(u64::MAX);

    #[test]
    fn masters_only() {
        let mut slave = master(0);
        slave.Master = 0;
        slave.Dma64BitAddresses = 1;
        assert!(mask(&slave).is_none());
    }

    #[test]
    fn width_by_flags_to_version_2() {
        for version in 0..3 {
            let mut it = master(version);
            // Version 3's field is not there yet.
            it.DmaAddressWidth = 40;
            assert!(mask(&it) == BITS_24);
            it.Dma32BitAddresses = 1;
            assert!(mask(&it) == BITS_32);
            it.Dma64BitAddresses = 1;
            assert!(mask(&it) == BITS_64);
            it.Dma32BitAddresses = 0;
            assert!(mask(&it) == BITS_64);
        }
    }

    #[test]
    fn scatter_gather_on_pci_reaches_32_bits() {
        let mut it = master(1);
        it.ScatterGather = 1;
        it.InterfaceType = raw::_INTERFACE_TYPE_Isa;
        assert!(mask(&it) == BITS_24);
        it.InterfaceType = raw::_INTERFACE_TYPE_PCIBus;
        assert!(mask(&it) == BITS_32);
        it.ScatterGather = 0;
        assert!(mask(&it) == BITS_24);
    }

    #[test]
    fn width_by_number_in_version_3() {
        for (width, wanted) in [
            (0, None),
            (1, Some(1)),
            (24, BITS_24),
            (28, Some(0xfff_ffff)),
            (32, BITS_32),
            (63, Some(u64::MAX >> 1)),
            (64, BITS_64),
            (65, None),
            (u32::MAX, None),
        ] {
            let mut it = master(3);
            it.DmaAddressWidth = width;
            // The flags of older versions do not count.
            it.Dma64BitAddresses = 1;
            assert!(mask(&it) == wanted);
        }
    }

    #[test]
    fn operations_by_version() {
        for (version, wanted) in [
            (0, Version::One),
            (1, Version::One),
            (2, Version::Two),
            (3, Version::Three),
        ] {
            let mut it = master(version);
            it.DmaAddressWidth = 32;
            assert!(Wanted::new(&it).is_some_and(|it| it.version == wanted));
        }
    }

    #[test]
    fn later_versions_are_unknown() {
        let mut it = master(4);
        it.DmaAddressWidth = 32;
        assert!(mask(&it).is_none());
        it.Version = u32::MAX;
        assert!(mask(&it).is_none());
    }

    #[test]
    fn one_register_more_than_pages() {
        for (bytes, count) in [
            (0, 1),
            (1, 2),
            (4096, 2),
            (4097, 3),
            (65536, 17),
            (u32::MAX, (1 << 20) + 1),
        ] {
            assert!(registers(bytes) == count);
            let mut it = master(3);
            it.DmaAddressWidth = 32;
            it.MaximumLength = bytes;
            assert!(Wanted::new(&it).is_some_and(|wanted| wanted.registers == count));
        }
    }
}
