// SPDX-License-Identifier: GPL-2.0

//! The verifier: what Driver Verifier does for a Windows driver's memory.
//!
//! WDK: "Driver Verifier", options "Special Pool", "Pool Tracking", "Low Resources Simulation" and
//! "DMA Verification".
//!
//! While it is off, a static branch skips all of it. While it is on, pool blocks are allocated on
//! the slow path, and their headers are marked. The mark sends them through the slow path on free
//! as well, even if the verifier is off by then.

pub(crate) mod fault_injection;
pub(crate) mod freed;
pub(crate) mod held_back;
pub(crate) mod hooks;
pub(crate) mod irql;
pub(crate) mod leaks;
pub(crate) mod places;
pub(crate) mod poison;
pub(crate) mod quarantine_set;
pub(crate) mod record;
pub(crate) mod tracking;

pub(crate) use crate::sys::verified as on;
