// SPDX-License-Identifier: GPL-2.0

//! The device: registers, and a transfer with its interrupt.
//!
//! Reference: QEMU's `docs/specs/edu.rst`.

use core::mem::transmute;
use kernel::{
    device::{
        Bound,
        Device, //
    },
    io::{
        poll::read_poll_timeout,
        register,
        Io, //
    },
    irq::{
        self,
        Flags,
        IrqReturn, //
    },
    pci,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    },
    time::Delta, //
};

mod regs {
    use super::*;

    // The DMA registers take 64 bits, too, which a device of 28 address bits has no use for.
    register! {
        pub(super) IRQ_STATUS(u32) @ 0x24 {
            31:0 causes;
        }

        pub(super) IRQ_ACKNOWLEDGE(u32) @ 0x64 {
            31:0 causes;
        }

        pub(super) DMA_SOURCE(u32) @ 0x80 {
            31:0 address;
        }

        pub(super) DMA_DESTINATION(u32) @ 0x88 {
            31:0 address;
        }

        pub(super) DMA_COUNT(u32) @ 0x90 {
            31:0 bytes;
        }

        pub(super) DMA_COMMAND(u32) @ 0x98 {
            2:2 interrupt => bool;
            1:1 to_memory => bool;
            0:0 start => bool;
        }
    }

    pub(super) const END: usize = 0xa0;
}

type Bar<'a> = pci::Bar<'a, { regs::END }>;

/// QEMU's PCI vendor number, which the kernel's Rust code has no name for.
// SAFETY: `Vendor` is a transparent `u16`, and this one is the number of a vendor.
const QEMU: pci::Vendor = unsafe { transmute::<u16, pci::Vendor>(0x1234) };

/// The device's buffer, as its DMA engine addresses it.
const BUFFER: u32 = 0x4_0000;

/// The device.
pub(crate) struct Edu<'a> {
    pdev: &'a pci::Device<Bound>,
    bar: Bar<'a>,
}

impl<'a> Edu<'a> {
    /// The PCI vendor.
    pub(crate) const VENDOR: pci::Vendor = QEMU;
    /// The PCI device.
    pub(crate) const DEVICE: u32 = 0x11e8;
    /// How far its DMA engine reaches, unless QEMU is told otherwise.
    pub(crate) const ADDRESS_BITS: u32 = 28;

    /// Maps the registers.
    pub(crate) fn new(pdev: &'a pci::Device<Bound>) -> Result<Self> {
        Ok(Self {
            pdev,
            bar: pdev.iomap_region_sized(0, c"dma_demo")?,
        })
    }

    /// The device, for who needs no registers.
    pub(crate) fn device(&self) -> &'a Device<Bound> {
        self.pdev.as_ref()
    }

    /// Runs `transfers` with the interrupt enabled; returns how many interrupts there were. Sleeps.
    pub(crate) fn run(&self, transfers: impl FnOnce(&Engine<'_>) -> Result) -> Result<u32> {
        let vectors = self.pdev.alloc_irq_vectors(1, 1, pci::IrqTypes::all())?;
        let engine = Engine {
            bar: &self.bar,
            interrupts: Atomic::new(0),
        };
        // SAFETY: The registration is dropped at the end of this function.
        let irq = unsafe {
            irq::Registration::new(
                vectors.index(0)?.into(),
                Flags::SHARED,
                c"dma_demo",
                Ok(engine),
            )
        };
        let irq = KBox::pin_init(irq, GFP_KERNEL)?;
        transfers(irq.handler())?;
        Ok(irq.handler().interrupts.load(Relaxed))
    }
}

/// The DMA engine, with an interrupt at the end of each transfer.
pub(crate) struct Engine<'a> {
    bar: &'a Bar<'a>,
    interrupts: Atomic<u32>,
}

impl irq::Handler for Engine<'_> {
    fn handle(&self) -> IrqReturn {
        let causes = self.bar.read(regs::IRQ_STATUS).causes();
        if causes == 0 {
            return IrqReturn::None;
        }
        self.bar
            .write_reg(regs::IRQ_ACKNOWLEDGE::zeroed().with_causes(causes));
        // RELEASE: Pairs with the acquire in `transfer()`: what the device wrote is there.
        self.interrupts.fetch_add(1, Release);
        IrqReturn::Handled
    }
}

impl Engine<'_> {
    /// The most bytes of a transfer.
    pub(crate) const BUFFER_BYTES: usize = 4096;

    /// Copies `bytes` bytes from a bus address to the device. Sleeps.
    ///
    /// # Errors
    ///
    /// [`ETIMEDOUT`] if the interrupt does not come.
    pub(crate) fn copy_out(&self, from: u32, bytes: usize) -> Result {
        self.transfer(from, BUFFER, bytes, false)
    }

    /// Copies `bytes` bytes from the device to a bus address. Sleeps.
    ///
    /// # Errors
    ///
    /// As for [`Self::copy_out`].
    pub(crate) fn copy_in(&self, to: u32, bytes: usize) -> Result {
        self.transfer(BUFFER, to, bytes, true)
    }

    fn transfer(&self, from: u32, to: u32, bytes: usize, to_memory: bool) -> Result {
        let before = self.interrupts.load(Relaxed);
        self.bar
            .write_reg(regs::DMA_SOURCE::zeroed().with_address(from));
        self.bar
            .write_reg(regs::DMA_DESTINATION::zeroed().with_address(to));
        self.bar
            .write_reg(regs::DMA_COUNT::zeroed().with_bytes(u32::try_from(bytes)?));
        // Registers are written in order, and after what was written to coherent memory before.
        self.bar.write_reg(
            regs::DMA_COMMAND::zeroed()
                .with_interrupt(true)
                .with_to_memory(to_memory)
                .with_start(true),
        );
        let ended = read_poll_timeout(
            || Ok(self.interrupts.load(Acquire)),
            |&now| now != before,
            Delta::from_micros(100),
            Delta::from_secs(5),
        );
        if ended.is_err() {
            self.wait_until_idle()?;
        }
        ended.map(|_| ())
    }

    /// The memory of a transfer may be given back only when the device does not use it any more.
    fn wait_until_idle(&self) -> Result {
        read_poll_timeout(
            || Ok(self.bar.read(regs::DMA_COMMAND)),
            |command| !command.start(),
            Delta::from_micros(100),
            Delta::from_secs(5),
        )?;
        Ok(())
    }
}
