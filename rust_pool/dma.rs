// SPDX-License-Identifier: GPL-2.0

//! Adapters and common buffers.

pub(crate) mod adapter;
pub(crate) mod buffer_release;
pub(crate) mod common_buffer;
pub(crate) mod description;
pub(crate) mod map_registers;
