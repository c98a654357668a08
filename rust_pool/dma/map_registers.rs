// SPDX-License-Identifier: GPL-2.0

//! Too many map registers, and the report of them.
//!
//! WDK: "DMA Verification", bug check 0xE6 with parameter 1 = 0x0C.

use crate::{
    record::adapter_id::AdapterId,
    report::violation::{
        Check,
        Violation, //
    },
    verifier::hooks, //
};

/// Map registers beyond an adapter's number.
pub(crate) struct Excess {
    pub(crate) id: AdapterId,
    /// Those of the request, and of all live buffers if it was met.
    pub(crate) wanted: usize,
    pub(crate) registers: u32,
}

/// Reports map registers beyond the adapter's number, if that is wanted.
pub(crate) fn report_excess(excess: Excess, caller: usize) {
    if hooks::looks_at_dma() {
        Violation::new(
            Check::DmaVerifier,
            0x0c,
            [
                excess.wanted.into(),
                excess.registers.into(),
                excess.id.into(),
            ],
            caller,
            "more map registers in use than the adapter has",
        )
        .report();
    }
}
