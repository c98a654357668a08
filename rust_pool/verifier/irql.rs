// SPDX-License-Identifier: GPL-2.0

//! Pool in hard interrupts, which works here and is forbidden on Windows.
//!
//! WDK: bug check 0xC4 with parameter 1 = 0x02 and 0x12.

use crate::{
    options::{
        rules::Rule,
        OPTIONS, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    sys,
    types::tag::PoolKind, //
};

/// Paged pool in such a context is reported by its allocation and free.
fn wanted(kind: PoolKind) -> bool {
    kind == PoolKind::NonPaged && sys::in_hardirq() && OPTIONS.lock().has(Rule::Irql)
}

/// Reports the request for a block if it is made in a hard interrupt. Any context but NMI.
pub(super) fn allocating(kind: PoolKind, bytes: usize, caller: usize) {
    if wanted(kind) {
        let given = [kind.into(), bytes.into()];
        rule::ALLOCATED_IN_HARDIRQ.by(caller, given).report();
    }
}

/// Reports the free of a block if it is made in a hard interrupt. Any context but NMI.
pub(super) fn freeing(kind: PoolKind, addr: usize, caller: usize) {
    if wanted(kind) {
        let given = [kind.into(), Parameter::Address(addr)];
        rule::FREED_IN_HARDIRQ.by(caller, given).report();
    }
}
