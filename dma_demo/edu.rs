// SPDX-License-Identifier: GPL-2.0

//! The device: registers, and a transfer with its interrupt.
//!
//! When a transfer returns, the device does not use its memory any more, or [`Edu::is_loose`] says
//! that it may. One that does not end its transfer is stopped: it loses the bus until it is bound
//! again.
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

    // In the configuration space of any PCI device.
    register! {
        pub(super) PCI_COMMAND(u16) @ 0x04 {
            10:10 no_interrupts => bool;
            2:2 master => bool;
        }
    }
}

type Bar<'a> = pci::Bar<'a, { regs::END }>;

/// QEMU's PCI vendor number, which the kernel's Rust code has no name for.
// SAFETY: `Vendor` is a transparent `u16`, and this one is the number of a vendor.
const QEMU: pci::Vendor = unsafe { transmute::<u16, pci::Vendor>(0x1234) };

/// The device's buffer, as its DMA engine addresses it.
const BUFFER: u32 = 0x4_0000;

/// How often the device is asked whether it is done, and how long it may take.
const INTERVAL: Delta = Delta::from_micros(100);
const PATIENCE: Delta = Delta::from_secs(5);

/// The device.
pub(crate) struct Edu<'a> {
    pdev: &'a pci::Device<Bound>,
    bar: Bar<'a>,
    /// How many transfers were begun, and which of them nobody waits for.
    transfers: Atomic<u32>,
    stuck_nth: u32,
    stopped: Atomic<bool>,
    loose: Atomic<bool>,
}

impl<'a> Edu<'a> {
    /// The PCI vendor.
    pub(crate) const VENDOR: pci::Vendor = QEMU;
    /// The PCI device.
    pub(crate) const DEVICE: u32 = 0x11e8;
    /// How far its DMA engine reaches, unless QEMU is told otherwise.
    pub(crate) const ADDRESS_BITS: u32 = 28;

    /// Maps the registers, and waits until the device is idle: whoever had it before may have left
    /// it in the middle of a transfer, which would go on as soon as the device has the bus. So it
    /// must not have it yet. The transfer `stuck_nth`, counted from 1, will be taken for one that
    /// does not end. Sleeps.
    ///
    /// # Errors
    ///
    /// [`ETIMEDOUT`] if the device stays busy.
    pub(crate) fn new(pdev: &'a pci::Device<Bound>, stuck_nth: u32) -> Result<Self> {
        let edu = Self {
            pdev,
            bar: pdev.iomap_region_sized(0, c"dma_demo")?,
            transfers: Atomic::new(0),
            stuck_nth,
            stopped: Atomic::new(false),
            loose: Atomic::new(false),
        };
        edu.wait_until_idle(PATIENCE)?;
        edu.acknowledge();
        Ok(edu)
    }

    /// Whether the device may still use the memory of a transfer that failed: that memory must
    /// never be given back.
    pub(crate) fn is_loose(&self) -> bool {
        self.loose.load(Relaxed)
    }

    /// The device, for who needs no registers.
    pub(crate) fn device(&self) -> &'a Device<Bound> {
        self.pdev.as_ref()
    }

    /// Runs `transfers` with the interrupt enabled; returns how many interrupts there were. Sleeps.
    ///
    /// # Errors
    ///
    /// [`ETIMEDOUT`] if the device was stopped, and those of `transfers`.
    pub(crate) fn run(&self, transfers: impl FnOnce(&Engine<'_>) -> Result) -> Result<u32> {
        if self.stopped.load(Relaxed) {
            return Err(ETIMEDOUT);
        }
        let result = self.run_with_interrupts(transfers);
        if self.stopped.load(Relaxed) {
            self.silence();
        }
        result
    }

    /// As above, but a device that was stopped may interrupt after it.
    fn run_with_interrupts(&self, transfers: impl FnOnce(&Engine<'_>) -> Result) -> Result<u32> {
        let vectors = self.pdev.alloc_irq_vectors(1, 1, pci::IrqTypes::all())?;
        let engine = Engine {
            edu: self,
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

    /// How long the transfer that begins now may take.
    fn patience(&self) -> Delta {
        let before = self.transfers.fetch_add(1, Relaxed);
        if before.wrapping_add(1) == self.stuck_nth {
            Delta::ZERO
        } else {
            PATIENCE
        }
    }

    fn wait_until_idle(&self, patience: Delta) -> Result {
        read_poll_timeout(
            || Ok(self.bar.read(regs::DMA_COMMAND)),
            |command| !command.start(),
            INTERVAL,
            patience,
        )?;
        Ok(())
    }

    /// Ends the interrupt. Returns whether there was one.
    fn acknowledge(&self) -> bool {
        let causes = self.bar.read(regs::IRQ_STATUS).causes();
        if causes != 0 {
            self.bar
                .write_reg(regs::IRQ_ACKNOWLEDGE::zeroed().with_causes(causes));
        }
        causes != 0
    }

    /// Turns off the device's interrupt line, for which there is no handler any more. As it cannot
    /// write, it does not send messages, either; but when these are turned off, the kernel turns
    /// on the line. It does that for the next handler, too.
    fn silence(&self) {
        let config = self.pdev.config_space();
        let command = config.read(regs::PCI_COMMAND);
        config.write_reg(command.with_no_interrupts(true));
    }

    /// Takes the bus from the device, which so neither reads nor writes memory any more.
    fn stop(&self) {
        let config = self.pdev.config_space();
        let command = config.read(regs::PCI_COMMAND);
        config.write_reg(command.with_master(false));
        // When it answers, what it wrote before has arrived. All bits are set if it is gone.
        let now = config.read(regs::PCI_COMMAND);
        self.stopped.store(true, Relaxed);
        if now.master() && now.into_raw() != u16::MAX {
            self.loose.store(true, Relaxed);
        }
        dev_err!(
            self.pdev,
            "the device does not end its transfer: {}\n",
            if self.is_loose() {
                "it cannot be stopped, and the memory is kept"
            } else {
                "it was stopped"
            }
        );
    }
}

/// The DMA engine, with an interrupt at the end of each transfer.
pub(crate) struct Engine<'a> {
    edu: &'a Edu<'a>,
    interrupts: Atomic<u32>,
}

impl irq::Handler for Engine<'_> {
    fn handle(&self) -> IrqReturn {
        if !self.edu.acknowledge() {
            return IrqReturn::None;
        }
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
    /// [`ETIMEDOUT`] if the interrupt does not come, or the device stays busy.
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
        let bytes = u32::try_from(bytes)?;
        let bar = &self.edu.bar;
        let patience = self.edu.patience();
        let before = self.interrupts.load(Relaxed);
        bar.write_reg(regs::DMA_SOURCE::zeroed().with_address(from));
        bar.write_reg(regs::DMA_DESTINATION::zeroed().with_address(to));
        bar.write_reg(regs::DMA_COUNT::zeroed().with_bytes(bytes));
        // Registers are written in order, and after what was written to coherent memory before.
        bar.write_reg(
            regs::DMA_COMMAND::zeroed()
                .with_interrupt(true)
                .with_to_memory(to_memory)
                .with_start(true),
        );
        let ended = read_poll_timeout(
            || Ok(self.interrupts.load(Acquire)),
            |&now| now != before,
            INTERVAL,
            patience,
        );
        // The memory may be given back only when the device does not use it any more, whatever
        // interrupt came or did not come.
        let idle = self.edu.wait_until_idle(patience);
        if idle.is_err() {
            self.edu.stop();
        }
        idle.and(ended.map(|_| ()))
    }
}
