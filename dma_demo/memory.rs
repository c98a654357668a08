// SPDX-License-Identifier: GPL-2.0

//! All memory of one device: a buffer of each family, and what it is for.

use super::edu::Edu;
use core::ops::Range;
use kernel::{
    alloc::Vec,
    device::{
        Bound,
        Device, //
    },
    prelude::*, //
};
use rust_pool::{
    pool_tag,
    Adapter,
    Bounds,
    CommonBuffer,
    Contiguous,
    NonCached,
    Paged,
    PoolBox, //
};

pool_tag!(
    /// The device extension.
    pub(crate) ExtensionTag = "EduX"
);
pool_tag!(
    /// The configuration.
    pub(crate) ConfigTag = "EduC"
);

/// What the driver knows of its device; touched by the interrupt path of a real driver, so
/// nonpaged.
pub(crate) struct Extension {
    pub(crate) transfers: u32,
    pub(crate) interrupts: u32,
    pub(crate) bytes: usize,
    /// What was copied for programs, of which a request takes any number of pieces.
    pub(crate) requests: u64,
    pub(crate) copied: usize,
    pub(crate) pieces: u64,
}

/// The longest transfer, in bytes.
const TRANSFER_MAX: usize = 4000;
/// The longest buffer of a program, in bytes.
pub(crate) const COPY_MAX: usize = 0x1_0000;
/// Where in the common buffer the data goes out from, and where it comes back to.
const OUT: Range<usize> = 0..TRANSFER_MAX;
const BACK: Range<usize> = TRANSFER_MAX..2 * TRANSFER_MAX;

/// Fails the allocation that the module parameter names.
pub(crate) struct Allocations {
    count: u32,
    fail_nth: u32,
}

impl Allocations {
    /// Counts from the start; `fail_nth` 0 fails none.
    pub(crate) fn new(fail_nth: u32) -> Self {
        Self { count: 0, fail_nth }
    }

    /// To be called before each allocation.
    pub(crate) fn next(&mut self) -> Result {
        self.count = self.count.wrapping_add(1);
        if self.count == self.fail_nth {
            return Err(ENOMEM);
        }
        Ok(())
    }
}

/// The memory of one device, given back when it is dropped.
pub(crate) struct Memory<'a> {
    /// The device extension: nonpaged pool.
    pub(crate) extension: PoolBox<Extension, ExtensionTag>,
    /// The lengths of the transfers to make: only read where sleeping is allowed, so paged pool.
    pub(crate) config: Vec<usize, Paged<ConfigTag>>,
    /// What the device reads and writes: a common buffer.
    pub(crate) buffer: CommonBuffer<'a>,
    /// Where data is prepared: contiguous, below the device's limit and across no 64 KiB boundary.
    pub(crate) staging: Contiguous,
    /// The number of the transfer under way, for an observer on the bus: noncached.
    pub(crate) mailbox: NonCached,
    pub(crate) adapter: Adapter<'a>,
}

impl<'a> Memory<'a> {
    /// Allocates all of it, or nothing. Sleeps.
    pub(crate) fn new(device: &'a Device<Bound>, allocations: &mut Allocations) -> Result<Self> {
        allocations.next()?;
        let extension = PoolBox::new(
            Extension {
                transfers: 0,
                interrupts: 0,
                bytes: 0,
                requests: 0,
                copied: 0,
                pieces: 0,
            },
            GFP_KERNEL,
        )?;

        allocations.next()?;
        let mut config = Vec::with_capacity(3, GFP_KERNEL)?;
        config.extend_from_slice(&[64, 1000, TRANSFER_MAX], GFP_KERNEL)?;

        allocations.next()?;
        // The common buffer keeps its map registers. A scatter/gather list takes some for a while.
        let adapter = Adapter::new(device, BACK.end + COPY_MAX)?;

        allocations.next()?;
        let buffer = adapter.allocate(BACK.end)?;

        allocations.next()?;
        let limit = (1 << Edu::ADDRESS_BITS) - 1;
        let staging = Contiguous::new(TRANSFER_MAX, Bounds::ANY.highest(limit).boundary(0x1_0000))?;

        allocations.next()?;
        let mailbox = NonCached::new(64)?;

        Ok(Self {
            extension,
            config,
            buffer,
            staging,
            mailbox,
            adapter,
        })
    }

    /// Sends data to the device and back, and compares. Sleeps.
    ///
    /// # Errors
    ///
    /// [`EIO`] if something else comes back, [`ETIMEDOUT`] if nothing does.
    pub(crate) fn round_trip(&mut self, edu: &Edu<'_>) -> Result {
        let interrupts = edu.run(|engine| {
            for &bytes in &self.config {
                self.prepare(bytes)?;
                self.mailbox.write(0, self.extension.transfers)?;
                engine.copy_out(self.bus_address(&OUT)?, bytes)?;
                engine.copy_in(self.bus_address(&BACK)?, bytes)?;
                self.compare(bytes)?;
                self.extension.transfers += 2;
                self.extension.bytes += bytes;
            }
            Ok(())
        })?;
        self.extension.interrupts = interrupts;
        if interrupts != self.extension.transfers {
            return Err(EIO);
        }
        Ok(())
    }

    fn bus_address(&self, part: &Range<usize>) -> Result<u32> {
        // The DMA mask keeps the buffer below 256 MiB.
        let start = usize::try_from(self.buffer.bus_address())?;
        Ok(u32::try_from(start.checked_add(part.start).ok_or(EINVAL)?)?)
    }

    /// Makes data that differs from transfer to transfer, and something else where it will land.
    fn prepare(&self, bytes: usize) -> Result {
        for at in 0..bytes {
            // CAST: Only the low bits matter.
            let value = (at ^ (at >> 8) ^ bytes) as u8;
            self.staging.write(at, value)?;
            self.buffer.write(OUT.start + at, value)?;
            self.buffer.write(BACK.start + at, !value)?;
        }
        Ok(())
    }

    fn compare(&self, bytes: usize) -> Result {
        for at in 0..bytes {
            if self.buffer.read::<u8>(BACK.start + at)? != self.staging.read::<u8>(at)? {
                return Err(EIO);
            }
        }
        Ok(())
    }
}
