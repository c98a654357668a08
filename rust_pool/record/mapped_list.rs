// SPDX-License-Identifier: GPL-2.0

//! What the record of a scatter/gather list has.

use crate::{
    record::{
        adapter_id::AdapterId,
        device_event::Freeing,
        held_device::HeldDevice, //
    },
    sys::{
        ListMemory,
        Listing,
        Mapped, //
    }, //
};
use kernel::sync::Arc;

/// A scatter/gather list, and what it is of.
pub(crate) struct MappedList {
    pub(crate) adapter: AdapterId,
    pub(crate) device: Arc<HeldDevice>,
    pub(crate) mapped: Mapped,
    pub(crate) to_device: bool,
    pub(crate) elements: usize,
    /// The memory that it has, until it is put.
    pub(crate) listing: Option<Listing>,
    /// The list's own memory, if it is not its client's; it goes with the record.
    pub(crate) _memory: Option<ListMemory>,
    /// If it is not a list but a piece of a packet: of what.
    pub(crate) part: Option<Part>,
    /// Who puts it.
    pub(crate) freeing: Option<Freeing>,
}

/// What a piece of a packet is of.
pub(crate) struct Part {
    /// The address of the MDL, and how far into its buffer the piece begins.
    pub(crate) mdl: usize,
    pub(crate) at: usize,
}

/// The key of the record of a list at this address. No block has it, and no lock or pages of an MDL.
pub(crate) fn key(list: usize) -> usize {
    list.wrapping_add(3)
}

/// The address of the list with this key.
pub(crate) fn of_key(key: usize) -> usize {
    key.wrapping_sub(3)
}
