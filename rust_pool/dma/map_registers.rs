// SPDX-License-Identifier: GPL-2.0

//! Too many map registers, and the report of them.
//!
//! WDK: "DMA Verification", bug check 0xE6 with parameter 1 = 0x0C.

use crate::{
    record::adapter_id::AdapterId,
    report::violation::Rule,
    verifier::hooks, //
};

/// Map registers beyond an adapter's number.
pub(crate) struct Excess {
    pub(crate) id: AdapterId,
    /// The registers of the request, and of whatever else counts.
    pub(crate) wanted: usize,
    pub(crate) registers: u32,
}

impl Excess {
    /// Reports it by the rule that is broken, if that is wanted.
    pub(crate) fn report(self, rule: &Rule<3>, caller: usize) {
        if hooks::looks_at_dma() {
            let given = [self.wanted.into(), self.registers.into(), self.id.into()];
            rule.by(caller, given).report();
        }
    }
}
