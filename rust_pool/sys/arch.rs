// SPDX-License-Identifier: GPL-2.0

//! What depends on the architecture, and nothing else does: x86-64.

pub(crate) mod here;
pub(crate) mod nofault;
pub(crate) mod percpu;
pub(crate) mod read_once;
