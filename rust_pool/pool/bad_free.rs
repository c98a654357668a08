// SPDX-License-Identifier: GPL-2.0

//! The reports of frees that break the pool's rules.

use crate::{
    options::policy::Tolerated,
    record::live,
    report::{
        rule,
        violation::{
            Detail,
            Parameter,
            Violation, //
        }, //
    },
    sys,
    types::{
        memory_type::Known,
        tag::{
            PoolKind,
            Tag, //
        }, //
    },
    verifier::{
        freed,
        held_back,
        hooks,
        quarantine_set, //
    }, //
};
use kernel::prelude::*;

/// A free with a tag that is not the block's.
#[cold]
pub(crate) fn wrong_tag(
    addr: usize,
    owner: Tag,
    bytes: usize,
    given: Tag,
    caller: usize,
) -> Violation {
    let detail = Detail::WrongTag {
        block: owner,
        given,
        bytes,
    };
    let parameters = [Parameter::Address(addr), owner.into(), given.into()];
    rule::WRONG_TAG
        .by(caller, parameters)
        .with(detail)
        .about(owner)
}

/// Reports a free with a tag that is not the block's, and who allocated the block: by its record,
/// or else the first user of its tag. Returns whether the caller is to carry it out all the same.
#[cold]
#[must_use]
pub(crate) fn report_wrong_tag(
    addr: usize,
    block: (Tag, PoolKind, usize),
    given: Tag,
    caller: usize,
) -> bool {
    let (owner, kind, bytes) = block;
    let tolerated = Tolerated::WrongTag.now();
    wrong_tag(addr, owner, bytes, given, caller).report_with(|| {
        live::tell_who(addr, &Known::pool(owner, kind, bytes));
        tell_tolerated(tolerated);
    });
    tolerated
}

/// Prints that a free with another tag is carried out, if it is.
pub(crate) fn tell_tolerated(tolerated: bool) {
    if tolerated {
        pr_err!("  freed all the same: policy {}\n", Tolerated::WrongTag);
    }
}

/// Reports a free that the rules forbid in this context. The caller carries it out anyway.
#[inline]
pub(crate) fn check_context(addr: usize, kind: PoolKind, caller: usize) {
    if kind == PoolKind::Paged && !sys::irql().may_sleep() {
        rule::PAGED_FREED
            .by(caller, [Parameter::Address(addr)])
            .report();
    }
    hooks::freeing(addr, kind, caller);
}

/// A free of a block that was freed before.
#[cold]
pub(crate) fn freed_twice(addr: usize, tag: Tag, caller: usize) -> Violation {
    let given = [tag.into(), Parameter::Address(addr)];
    rule::POOL_FREED_TWICE.by(caller, given).about(tag)
}

/// Reports a second free, and what is known of the first. Any context but NMI.
#[cold]
pub(crate) fn report_freed_twice(addr: usize, tag: Tag, caller: usize) {
    freed_twice(addr, tag, caller).report_with(|| tell_freed(addr, tag));
}

/// A free of an address in a block that is not its start.
#[cold]
pub(crate) fn inside(addr: usize, caller: usize) -> Violation {
    rule::FREED_INSIDE.by(caller, [Parameter::Address(addr)])
}

/// Reports a free of an address in a block, and what is known of the block. Any context but NMI.
#[cold]
pub(crate) fn report_inside(addr: usize, block: usize, known: Option<&Known>, caller: usize) {
    let violation = inside(addr, caller);
    let Some(known) = known else {
        return violation.report();
    };
    let violation = match known.tag {
        Some(tag) => violation.about(tag),
        None => violation,
    };
    violation.report_with(|| {
        let offset = addr.wrapping_sub(block);
        pr_err!("  it is {offset} bytes into a live block: {known}\n");
        live::tell_who(block, known);
    });
}

/// A free of an address that is no pool block.
#[cold]
pub(crate) fn not_from_pool(addr: usize, caller: usize) -> Violation {
    rule::FOREIGN_FREED.by(caller, [Parameter::Address(addr)])
}

/// Reports the free of an address that is no pool block. If a block of the Rust API, which has no
/// header, was freed there, also prints what is known of that free.
#[cold]
pub(crate) fn report_foreign(addr: usize, caller: usize) {
    not_from_pool(addr, caller).report_with(|| {
        if sys::is_kfence(addr) {
            pr_err!("  KFENCE watches the memory there: it may be a block that was freed before\n");
        }
        tell_freed(addr, Tag::from_raw(0));
    });
}

/// Prints what is known of the first free of a block. Any context but NMI.
fn tell_freed(addr: usize, tag: Tag) {
    if let Some(known) = freed::look(addr, tag) {
        known.print();
    } else if let Some(stacks) = quarantine_set::stacks(addr).or_else(|| held_back::stacks(addr)) {
        freed::print(stacks);
    }
}
