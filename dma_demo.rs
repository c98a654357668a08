// SPDX-License-Identifier: GPL-2.0

//! A PCI driver for QEMU's `edu` device, with memory of all four families of `rust_pool`, and with
//! scatter/gather lists of buffers of programs.
//!
//! To make this driver probe, QEMU must be run with `-device edu`. The device copies up to 4 KiB
//! between memory and a buffer of its own, with 28-bit addresses and an interrupt at the end.
//!
//! All memory is allocated in probe and kept as long as the device is bound, as the WDK's
//! "Allocating System-Space Memory" advises: contiguous memory and common buffers may not be had
//! later. What was done and where each buffer lies is in
//! `/sys/kernel/debug/rust_pool/reports/dma_demo.<device>`.
//!
//! Then programs have the device copy their buffers, by the file `/dev/dma_demo.<device>`: see
//! `dma_demo/user.rs`.

mod dma_demo {
    pub(crate) mod edu;
    pub(crate) mod gate;
    pub(crate) mod memory;
    pub(crate) mod summary;
    pub(crate) mod user;

    pub(crate) use super::DmaDemo;
}

use core::mem::forget;
use dma_demo::{
    edu::Edu,
    gate::Gate,
    memory::{
        Allocations,
        Memory, //
    },
    summary::summary,
    user, //
};
use kernel::{
    device::{
        Bound,
        Core,
        Device, //
    },
    dma::{
        Device as _,
        DmaMask, //
    },
    pci,
    prelude::*,
    sync::Arc, //
};
use rust_pool::Report;

/// What the driver has of its device. It borrows nothing but the device. The fields are dropped in
/// this order; the memory outlives who tells of it.
pub(crate) struct DmaDemo<'bound> {
    /// `None` if there was no memory for it.
    report: Option<Report>,
    memory: Memory<'bound>,
    edu: Edu<'bound>,
}

impl<'bound> DmaDemo<'bound> {
    fn device(&self) -> &'bound Device<Bound> {
        self.edu.device()
    }

    /// Tells of what was done since the last report, which goes first: there is one of a name.
    fn report(&mut self) {
        self.report = None;
        self.report = summary(self.device(), &self.memory).ok();
    }
}

kernel::pci_device_table!(
    PCI_TABLE,
    <DmaDemoDriver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(Edu::VENDOR, Edu::DEVICE), ())]
);

struct DmaDemoDriver;

impl pci::Driver for DmaDemoDriver {
    type IdInfo = ();
    type Data<'bound> = Arc<Gate>;

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
        let edu = Edu::new(pdev, module_parameters::stuck_nth.value())?;
        pdev.set_master();
        if let Err(error) = memory.round_trip(&edu) {
            if edu.is_loose() {
                forget(memory);
            }
            return Err(error);
        }
        dev_info!(
            pdev,
            "{} transfers of {} bytes in all came back as they went\n",
            memory.extension.transfers,
            memory.extension.bytes
        );

        allocations.next()?;
        let report = Some(summary(pdev.as_ref(), &memory)?);
        allocations.next()?;
        let gate = Gate::new(DmaDemo {
            report,
            memory,
            edu,
        })?;
        allocations.next()?;
        user::register(pdev.as_ref(), gate.clone())?;
        Ok(gate)
    }

    /// Ends what programs do with the device, before the bus takes anything from it.
    fn unbind<'bound>(_pdev: &'bound pci::Device<Core<'_>>, gate: Pin<&Self::Data<'bound>>) {
        gate.close();
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
        stuck_nth: u32 {
            default: 0,
            description: "Take this transfer for one that does not end, counted from 1 (0: none)",
        },
    },
}
