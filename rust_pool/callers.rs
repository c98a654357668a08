// SPDX-License-Identifier: GPL-2.0

//! Who called: calling sites, which keep their names when a module goes, and stacks.

pub(crate) mod call_site;
pub(crate) mod mangled;
pub(crate) mod stack;
