// SPDX-License-Identifier: GPL-2.0

//! A driver for QEMU's edu device that owns a common buffer.

use kernel::{
    device::Core,
    dma::{
        Device,
        DmaMask, //
    },
    pci,
    prelude::*, //
};
use rust_pool::{
    Adapter,
    CommonBuffer, //
};

kernel::module_pci_driver! {
    type: Driver,
    name: "rust_driver",
    authors: ["The rust_pool authors"],
    description: "rust_pool example: a driver in Rust",
    license: "GPL",
}

// The kernel crate has no name for QEMU's vendor id.
// SAFETY: `Vendor` is a transparent `u16`, and this one is the number of a vendor.
const QEMU: pci::Vendor = unsafe { core::mem::transmute::<u16, pci::Vendor>(0x1234) };

kernel::pci_device_table!(
    PCI_TABLE,
    <Driver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(QEMU, 0x11e8), ())]
);

struct Driver;

/// What the driver owns while it is bound; all of it goes when it no longer is.
struct Bound<'bound> {
    _adapter: Adapter<'bound>,
    _buffer: CommonBuffer<'bound>,
}

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Bound<'bound>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pdev.enable_device_mem()?;
        pdev.set_master();

        // SAFETY: This device's driver allocates no DMA memory at the same time.
        unsafe { pdev.dma_set_mask_and_coherent(DmaMask::new::<28>())? };
        let adapter = Adapter::new(pdev.as_ref(), 16384)?;
        let buffer = adapter.allocate(10_000)?;
        buffer.copy_from_slice(0, b"hello")?;
        dev_info!(pdev, "the device finds it at {:#x}\n", buffer.bus_address());

        Ok(Bound {
            _adapter: adapter,
            _buffer: buffer,
        })
    }
}
