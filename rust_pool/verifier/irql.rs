// SPDX-License-Identifier: GPL-2.0

//! Pool in hard interrupts, which works here and is forbidden on Windows.
//!
//! WDK: bug check 0xC4 with parameter 1 = 0x02 and 0x12.

use crate::{
    options::{
        rules::Rule,
        OPTIONS, //
    },
    report::violation::{
        Check,
        Parameter,
        Violation, //
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
        report(
            0x02,
            kind,
            bytes,
            caller,
            "pool allocation in hard interrupt",
        );
    }
}

/// Reports the free of a block if it is made in a hard interrupt. Any context but NMI.
pub(super) fn freeing(kind: PoolKind, addr: usize, caller: usize) {
    if wanted(kind) {
        let addr = Parameter::Address(addr);
        report(0x12, kind, addr, caller, "pool free in hard interrupt");
    }
}

fn report(
    code: u64,
    kind: PoolKind,
    last: impl Into<Parameter>,
    caller: usize,
    what: &'static str,
) {
    Violation::new(
        Check::DriverVerifier,
        code,
        [sys::irql().into(), kind.into(), last.into()],
        caller,
        what,
    )
    .report();
}
