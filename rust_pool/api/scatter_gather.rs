// SPDX-License-Identifier: GPL-2.0

//! Owned scatter/gather lists.

use crate::{
    api::{
        adapter::Adapter,
        address,
        operations::Absent,
        transfer_mdl::{
            MdlRef,
            TransferMdl, //
        }, //
    },
    lib::text::kwrite,
    sys::raw,
    types::status::Status, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::{
    fmt,
    prelude::*, //
};

/// The direction of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The device reads the memory.
    ToDevice,
    /// The device writes it.
    FromDevice,
}

/// A part of a transfer that is contiguous for the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// The address by which the device finds the first byte.
    pub address: u64,
    /// How many bytes it has.
    pub len: u32,
}

/// The buffer of an MDL, mapped for a device: where the device finds it.
///
/// The WDK's `GetScatterGatherList`. It owns or borrows the MDL, and has a reference to the
/// adapter, so both are there until it is dropped; and like the adapter, it cannot outlive the
/// binding of the device.
///
/// Whoever made it has to end the transfer before it is dropped: then the device may not use the
/// addresses any more. What the device wrote is in the buffer when the list has been dropped, and
/// what the CPU writes after the list was made may not reach the device.
///
/// To be dropped up to `DISPATCH_LEVEL`; above it the drop is reported (0xE6/0x13) and carried out,
/// in NMI it is not, and the pages stay mapped for the device. A list that is never dropped
/// (`core::mem::forget()`) is reported when its MDL is dropped (0xE6/0x0E), which stays allocated,
/// with its pages if they are its own.
///
/// # Examples
///
/// ```ignore
/// let mdl = Mdl::build(&mut block)?;
/// let list = adapter.scatter_gather(&mdl, Direction::ToDevice)?;
/// for element in list.elements() {
///     device.add(element.address, element.len)?;
/// }
/// device.run()?;
/// drop(list);
/// ```
///
/// # Invariants
///
/// `raw` is a list of `adapter` for `mdl` in this direction, which is put on drop. Nobody writes
/// its elements.
pub struct ScatterGatherList<'a, M: MdlRef> {
    raw: NonNull<raw::SCATTER_GATHER_LIST>,
    direction: Direction,
    /// A reference of the list's own, which is dropped after the list is put.
    adapter: Adapter<'a>,
    mdl: M,
}

// SAFETY: Any thread may put a list. `Adapter` is `Send`.
unsafe impl<M: MdlRef + Send> Send for ScatterGatherList<'_, M> {}
// SAFETY: With a reference it can only be read. `Adapter` is `Sync`.
unsafe impl<M: MdlRef + Sync> Sync for ScatterGatherList<'_, M> {}

impl<'a> Adapter<'a> {
    /// Maps the buffer of an MDL for the device. Each page that it lies in takes a map register.
    ///
    /// Up to `DISPATCH_LEVEL`, and sleeps where it may. Above it is a violation (0xE6/0x13).
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if memory or map registers are short, or the pages cannot be mapped for the
    /// device. [`EINVAL`] after a violation, and for [`Direction::FromDevice`] if the pages may
    /// only be read. The MDL is dropped, if it is not borrowed.
    #[inline(always)]
    pub fn scatter_gather<M: MdlRef>(
        &self,
        mdl: M,
        direction: Direction,
    ) -> Result<ScatterGatherList<'a, M>> {
        if direction == Direction::FromDevice && !M::WRITABLE {
            return Err(EINVAL);
        }
        // CAST: An MDL has at most 4 GiB less a page.
        let length = mdl.bytes() as u32;
        let mut list = null_mut();
        let made = self.get_list(
            Absent,
            Absent,
            TransferMdl::of(&mdl),
            0,
            length,
            raw::DMA_SYNCHRONOUS_CALLBACK,
            Absent,
            Absent,
            u8::from(direction == Direction::ToDevice),
            Absent,
            Absent,
            &mut list,
        );
        Status::result_of(made.ok_or(EINVAL)?)?;
        // INVARIANT: The list was just made.
        Ok(ScatterGatherList {
            raw: NonNull::new(list).ok_or(EINVAL)?,
            direction,
            adapter: self.hold(),
            mdl,
        })
    }
}

impl<M: MdlRef> ScatterGatherList<'_, M> {
    /// Where the device finds the buffer, in order: at least one element. Those that are adjacent
    /// for the device are joined.
    #[inline]
    pub fn elements(&self) -> impl ExactSizeIterator<Item = Element> + '_ {
        // SAFETY: By the type invariant the list has so many elements, which nobody writes.
        let elements = unsafe {
            let list = self.raw.as_ptr();
            // CAST: `usize` is 64 bits wide on the architectures supported.
            let count = (*list).NumberOfElements as usize;
            core::slice::from_raw_parts((&raw const (*list).Elements).cast(), count)
        };
        elements
            .iter()
            .map(|element: &raw::SCATTER_GATHER_ELEMENT| Element {
                address: address::bits(element.Address),
                len: element.Length,
            })
    }

    /// The direction.
    #[inline]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The MDL.
    #[inline]
    pub fn mdl(&self) -> &M {
        &self.mdl
    }
}

impl<M: MdlRef> Drop for ScatterGatherList<'_, M> {
    #[inline(always)]
    fn drop(&mut self) {
        let to_device = u8::from(self.direction == Direction::ToDevice);
        // Every adapter has this operation.
        let _ = self.adapter.put_list(self.raw.as_ptr(), to_device);
    }
}

impl<M: MdlRef> fmt::Debug for ScatterGatherList<'_, M> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (direction, elements) = (self.direction, self.elements().len());
        kwrite!(
            f,
            "ScatterGatherList {{ {direction:?}, elements: {elements} }}"
        )
    }
}
