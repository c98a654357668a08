// SPDX-License-Identifier: GPL-2.0

//! The verifier: what Driver Verifier does for a Windows driver's memory.
//!
//! WDK: "Driver Verifier", options "Special Pool", "Pool Tracking", "Low Resources Simulation" and
//! "DMA Verification".
//!
//! While it is off, a static branch keeps all of it out of the way. While it is on, pool blocks take
//! the way for all cases, and their headers have a mark, by which they take it on free as well,
//! whatever is on by then.

pub(crate) mod arena;
pub(crate) mod check;
pub(crate) mod faults;
pub(crate) mod files;
pub(crate) mod fill;
pub(crate) mod freed;
pub(crate) mod held;
pub(crate) mod hooks;
pub(crate) mod irql;
pub(crate) mod kept;
pub(crate) mod kept_set;
pub(crate) mod leaks;
pub(crate) mod options;
pub(crate) mod parse;
pub(crate) mod places;
pub(crate) mod policy;
pub(crate) mod record;
pub(crate) mod rules;
pub(crate) mod selection;
pub(crate) mod special;
pub(crate) mod stack;
pub(crate) mod switch;
pub(crate) mod tracking;

pub(crate) use switch::on;
