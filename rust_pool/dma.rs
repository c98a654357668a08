// SPDX-License-Identifier: GPL-2.0

//! Adapters, common buffers, scatter/gather lists and packets.

pub(crate) mod adapter;
pub(crate) mod buffer_release;
pub(crate) mod channel;
pub(crate) mod common_buffer;
pub(crate) mod description;
pub(crate) mod map_registers;
pub(crate) mod packet;
pub(crate) mod scatter_gather;
