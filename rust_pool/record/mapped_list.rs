// SPDX-License-Identifier: GPL-2.0

//! What the record of a scatter/gather list contains.

use crate::{
    record::{
        adapter_id::AdapterId,
        device_event::Release,
        held_device::HeldDevice, //
    },
    sys::{
        ListMemory,
        Listing,
        Mapped, //
    }, //
};
use kernel::sync::Arc;

/// A scatter/gather list, and what it was made for.
pub(crate) struct MappedList {
    pub(crate) adapter: AdapterId,
    pub(crate) mapped: Mapped<Arc<HeldDevice>>,
    pub(crate) to_device: bool,
    /// The memory that it uses, until it is put.
    pub(crate) listing: Option<Listing>,
    /// The memory in which the list itself is, if not the client's; it is freed with the record.
    pub(crate) _memory: Option<ListMemory>,
    /// For a piece of a packet: what it is a piece of. A list has none.
    pub(crate) part: Option<Part>,
    /// The put of the list, once a client has asked for it.
    pub(crate) freeing: Option<Release>,
}

/// Where a piece of a packet lies in the buffer of its MDL.
pub(crate) struct Part {
    /// The address of the MDL, and how far into its buffer the piece begins.
    pub(crate) mdl: usize,
    pub(crate) at: usize,
}

/// The key of the record of a list at this address. No block has this key, and no record of the
/// pages of an MDL.
pub(crate) fn key(list: usize) -> usize {
    list.wrapping_add(3)
}

/// The address of the list with this key.
pub(crate) fn of_key(key: usize) -> usize {
    key.wrapping_sub(3)
}
