// SPDX-License-Identifier: GPL-2.0

//! Packet DMA: map registers that are owned, and what is mapped by them.

use crate::{
    api::{
        adapter::Adapter,
        address,
        operations::Absent,
        scatter_gather::Direction,
        transfer_mdl::{
            MdlRef,
            TransferMdl, //
        }, //
    },
    lib::text::kwrite,
    sys::{
        raw,
        PAGE_SIZE, //
    },
    types::status::Status, //
};
use core::ptr::null_mut;
use kernel::{
    fmt,
    prelude::*, //
};

/// Map registers, which are given back on drop.
///
/// # Invariants
///
/// `base` is the map register base of so many map registers of the adapter, which only this value
/// gives back.
struct Registers<'a> {
    base: *mut c_void,
    count: u32,
    /// A reference of their own, which is dropped after they are given back.
    adapter: Adapter<'a>,
}

// SAFETY: Any thread may use map registers, and give them back. The address is a number.
unsafe impl Send for Registers<'_> {}
// SAFETY: Nothing can be done with a reference.
unsafe impl Sync for Registers<'_> {}

impl Drop for Registers<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // Every adapter has this operation.
        let _ = self.adapter.give_registers(self.base, self.count);
    }
}

/// Map registers that map nothing: the state in which a [`Packet`] is made.
pub struct Idle(());

/// A piece of an MDL's buffer is mapped for the device.
pub struct Transfer<'a, M: MdlRef> {
    // Dropped before the MDL.
    piece: Piece<'a>,
    mdl: M,
}

/// What map registers map. It is unmapped on drop.
///
/// # Invariants
///
/// The map registers with this base of the adapter map so many bytes from `at` on of the MDL, in
/// this direction. Both are there as long as this value, and only this value unmaps them.
struct Piece<'a> {
    adapter: Adapter<'a>,
    base: *mut c_void,
    mdl: TransferMdl,
    at: *mut c_void,
    len: u32,
    direction: Direction,
    address: u64,
}

// SAFETY: Any thread may unmap it.
unsafe impl Send for Piece<'_> {}
// SAFETY: With a reference it can only be read.
unsafe impl Sync for Piece<'_> {}

impl Drop for Piece<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        let to_device = u8::from(self.direction == Direction::ToDevice);
        // By the type invariant these are the arguments with which it was mapped.
        let adapter = &self.adapter;
        let _ = adapter.unmap_piece(self.mdl, self.base, self.at, self.len, to_device);
    }
}

/// Map registers of an adapter, by which a buffer is mapped for the device piece by piece.
///
/// The WDK's packet DMA. Its state is a type:
///
/// - [`Idle`]: it has map registers, and maps nothing. It is made by [`Adapter::packet`], the WDK's
///   `AllocateAdapterChannel`, and by [`Packet::flush`].
/// - [`Transfer`]: a piece of an MDL's buffer is mapped. It is made by [`Packet::map`], the WDK's
///   `MapTransfer`. [`Packet::flush`], the WDK's `FlushAdapterBuffers`, ends that.
///
/// A drop undoes what the state says, and gives the map registers back, the WDK's
/// `FreeMapRegisters`. An adapter may have any number of packets; they do without its channel, so
/// they do not wait for each other, nor for a driver in C that has it.
///
/// A packet has a reference to the adapter, and like that, it cannot outlive the binding of the
/// device. A transfer owns or borrows the MDL. Whoever made it has to end it before it is flushed
/// or dropped: then the device may not use the address any more. What the device wrote is in the
/// buffer after that, and what the CPU writes before may not reach the device.
///
/// To be dropped and flushed up to `DISPATCH_LEVEL`; above it that is reported (0xE6/0x13) and
/// carried out, in NMI it is not.
///
/// A packet that is forgotten (`core::mem::forget()`) keeps its map registers, which are reported
/// as a leak at unload, and its reference to the adapter: so that is never put back, is reported as
/// well, and keeps its device's structure. What a forgotten transfer maps stays mapped, and the
/// device may go on writing there: so its MDL is forgotten with it. If the transfer has borrowed
/// the MDL, whoever drops that afterwards is reported (0xE6/0x0E), and it stays allocated, with its
/// pages; but a block of the Rust API that it describes is freed.
///
/// # Examples
///
/// ```ignore
/// let mdl = Mdl::build(&mut block)?;
/// let (mut packet, mut done) = (adapter.packet(4)?, 0);
/// while done < mdl.len() {
///     let transfer = packet.map(&mdl, done, mdl.len() - done, Direction::ToDevice)?;
///     device.run(transfer.address(), transfer.len())?;
///     done += transfer.len();
///     packet = transfer.flush().0;
/// }
/// ```
pub struct Packet<'a, S = Idle> {
    // Dropped before the map registers.
    state: S,
    registers: Registers<'a>,
}

impl<'a> Adapter<'a> {
    /// Takes map registers for a packet: as many as the pages that are to be mapped at a time.
    ///
    /// Up to `DISPATCH_LEVEL`, and sleeps where it may. Above it is a violation (0xE6/0x13).
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for no map registers, and after a violation. [`ENOMEM`] if the adapter has fewer
    /// ([`Adapter::map_registers`]), or memory is short.
    #[inline(always)]
    pub fn packet(&self, registers: u32) -> Result<Packet<'a>> {
        if registers == 0 {
            return Err(EINVAL);
        }
        let mut base = null_mut();
        let taken = self.take_registers(
            Absent,
            Absent,
            registers,
            raw::RUST_POOL_REGISTERS_ONLY,
            Absent,
            Absent,
            &mut base,
        );
        Status::result_of(taken.ok_or(EINVAL)?)?;
        // INVARIANT: They were just taken, and without a routine nobody else knows them.
        Ok(Packet {
            state: Idle(()),
            registers: Registers {
                base,
                count: registers,
                adapter: self.hold(),
            },
        })
    }
}

impl<'a> Packet<'a> {
    /// Maps bytes of an MDL's buffer for the device: of `bytes` bytes from `offset` on as many as
    /// are adjacent for the device, and as there are map registers for. [`Packet::len`] says how
    /// many; the rest is for later transfers.
    ///
    /// Up to `DISPATCH_LEVEL`, and sleeps where it may. Above it is a violation (0xE6/0x13).
    ///
    /// # Errors
    ///
    /// [`NotTransferred`], which has the packet and the MDL as they were, and why: [`EINVAL`] for
    /// no bytes, if the buffer has fewer, and for [`Direction::FromDevice`] if the pages may only
    /// be read; [`ENOMEM`] if memory is short, the pages cannot be mapped for the device, or after
    /// a violation.
    #[inline(always)]
    pub fn map<M: MdlRef>(
        self,
        mdl: M,
        offset: usize,
        bytes: usize,
        direction: Direction,
    ) -> Result<Packet<'a, Transfer<'a, M>>, NotTransferred<'a, M>> {
        match self.registers.map(&mdl, offset, bytes, direction) {
            Ok(piece) => Ok(Packet {
                state: Transfer { piece, mdl },
                registers: self.registers,
            }),
            Err(error) => Err(NotTransferred {
                packet: self,
                mdl,
                error,
            }),
        }
    }
}

impl<'a> Registers<'a> {
    /// Maps a piece of the buffer of an MDL. As long as the result is used, the MDL is there.
    #[inline(always)]
    fn map<M: MdlRef>(
        &self,
        mdl: &M,
        offset: usize,
        bytes: usize,
        direction: Direction,
    ) -> Result<Piece<'a>> {
        let fits = offset
            .checked_add(bytes)
            .is_some_and(|end| end <= mdl.bytes());
        if bytes == 0 || !fits || (direction == Direction::FromDevice && !M::WRITABLE) {
            return Err(EINVAL);
        }
        let at = mdl.start().wrapping_byte_add(offset);
        // CAST: `usize` is 64 bits wide on the architectures supported.
        let room = (self.count as usize).saturating_mul(PAGE_SIZE);
        let room = room.saturating_sub(at as usize % PAGE_SIZE);
        // CAST: An MDL has at most 4 GiB less a page.
        let mut len = bytes.min(room) as u32;
        let mdl = TransferMdl::of(mdl);
        let to_device = u8::from(direction == Direction::ToDevice);
        let address = self
            .adapter
            .map_piece(mdl, self.base, at, &mut len, to_device);
        let address = address.ok_or(EINVAL)?;
        if len == 0 {
            return Err(ENOMEM);
        }
        // INVARIANT: It was just mapped.
        Ok(Piece {
            adapter: self.adapter.hold(),
            base: self.base,
            mdl,
            at,
            len,
            direction,
            address: address::bits(address),
        })
    }
}

impl<'a, M: MdlRef> Packet<'a, Transfer<'a, M>> {
    /// The address by which the device finds the first byte.
    #[inline]
    pub fn address(&self) -> u64 {
        self.state.piece.address
    }

    /// How many bytes are mapped there: at least one, and not more than were asked for.
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        // CAST: `usize` is 64 bits wide on the architectures supported.
        self.state.piece.len as usize
    }

    /// The direction.
    #[inline]
    pub fn direction(&self) -> Direction {
        self.state.piece.direction
    }

    /// The MDL.
    #[inline]
    pub fn mdl(&self) -> &M {
        &self.state.mdl
    }

    /// Unmaps the piece, and returns the map registers and the MDL. What the device wrote is in the
    /// buffer then.
    #[inline(always)]
    pub fn flush(self) -> (Packet<'a>, M) {
        let Self { state, registers } = self;
        let Transfer { piece, mdl } = state;
        drop(piece);
        let packet = Packet {
            state: Idle(()),
            registers,
        };
        (packet, mdl)
    }
}

impl<S> Packet<'_, S> {
    /// How many map registers it has.
    #[inline]
    pub fn map_registers(&self) -> u32 {
        self.registers.count
    }
}

/// A piece that could not be mapped. For `?` it is the error.
pub struct NotTransferred<'a, M: MdlRef> {
    /// The map registers.
    pub packet: Packet<'a>,
    /// The MDL.
    pub mdl: M,
    /// Why.
    pub error: Error,
}

impl<M: MdlRef> From<NotTransferred<'_, M>> for Error {
    #[inline(always)]
    fn from(not: NotTransferred<'_, M>) -> Self {
        not.error
    }
}

impl fmt::Debug for Packet<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(f, "Packet {{ registers: {} }}", self.map_registers())
    }
}

impl<'a, M: MdlRef> fmt::Debug for Packet<'a, Transfer<'a, M>> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (registers, len, direction) = (self.map_registers(), self.len(), self.direction());
        kwrite!(
            f,
            "Packet {{ registers: {registers}, {direction:?}, len: {len} }}"
        )
    }
}
