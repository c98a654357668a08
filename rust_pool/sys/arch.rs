// SPDX-License-Identifier: GPL-2.0

//! Everything that depends on the architecture: x86-64.

pub(crate) mod here;
pub(crate) mod nofault;
pub(crate) mod percpu;
pub(crate) mod read_once;
pub(crate) mod short_lock;
