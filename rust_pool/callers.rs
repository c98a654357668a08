// SPDX-License-Identifier: GPL-2.0

//! Who called: call sites, which keep their names when a module is unloaded, and stacks.

pub(crate) mod call_site;
pub(crate) mod function;
pub(crate) mod mangled;
pub(crate) mod routines;
pub(crate) mod stack;
