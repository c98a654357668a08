// SPDX-License-Identifier: GPL-2.0

//! Reports pool that is allocated or freed in a hard interrupt. That works here, but Windows
//! forbids it.
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

/// Whether to report a request for this pool. Paged pool is not the verifier's matter: it is always
/// reported where code may not sleep.
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
