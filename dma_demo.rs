// SPDX-License-Identifier: GPL-2.0

//! A PCI driver for QEMU's `edu` device, with memory of all four families of `rust_pool`.
//!
//! To make this driver probe, QEMU must be run with `-device edu`. The device copies up to 4 KiB
//! between memory and a buffer of its own, with 28-bit addresses and an interrupt at the end.
//!
//! All memory is allocated in probe and kept as long as the device is bound, as the WDK's
//! "Allocating System-Space Memory" advises: contiguous memory and common buffers may not be had
//! later. What was done and where each buffer lies is in
//! `/sys/kernel/debug/rust_pool/reports/dma_demo.<device>`.

mod dma_demo {
    pub(crate) mod edu;
    pub(crate) mod memory;
    pub(crate) mod summary;
}

use dma_demo::{
    edu::Edu,
    memory::{
        Allocations,
        Memory, //
    },
    summary::summary, //
};
use kernel::{
    device::Core,
    dma::{
        Device,
        DmaMask, //
    },
    pci,
    prelude::*, //
};
use rust_pool::Report;

/// The fields are dropped in this order; the memory outlives who tells of it.
struct DmaDemo<'bound> {
    _report: Report,
    _memory: Memory<'bound>,
}

kernel::pci_device_table!(
    PCI_TABLE,
    <DmaDemoDriver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(Edu::VENDOR, Edu::DEVICE), ())]
);

struct DmaDemoDriver;

impl pci::Driver for DmaDemoDriver {
    type IdInfo = ();
    type Data<'bound> = DmaDemo<'bound>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pdev.enable_device_mem()?;

        // SAFETY: Nothing of this device allocates or maps for DMA yet.
        unsafe { pdev.dma_set_mask_and_coherent(DmaMask::new::<{ Edu::ADDRESS_BITS }>())? };

        let mut allocations = Allocations::new(module_parameters::fail_nth.value());
        let mut memory = Memory::new(pdev.as_ref(), &mut allocations)?;
        pdev.set_master();
        memory.round_trip(&Edu::new(pdev)?)?;
        dev_info!(
            pdev,
            "{} transfers of {} bytes in all came back as they went\n",
            memory.extension.transfers,
            memory.extension.bytes
        );

        Ok(DmaDemo {
            _report: {
                allocations.next()?;
                summary(pdev.as_ref(), &memory)?
            },
            _memory: memory,
        })
    }
}

kernel::module_pci_driver! {
    type: DmaDemoDriver,
    name: "dma_demo",
    authors: ["The rust_pool authors"],
    description: "DMA round trip through QEMU's edu device with memory of rust_pool",
    license: "GPL",
    params: {
        fail_nth: u32 {
            default: 0,
            description: "Fail this allocation of probe, counted from 1 (0: none)",
        },
    },
}
