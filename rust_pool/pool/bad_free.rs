// SPDX-License-Identifier: GPL-2.0

//! The reports of frees that break the pool's rules.

use crate::{
    callers::call_site::CallSite,
    report::violation::{
        self,
        Check,
        Parameter,
        Violation,
        What, //
    },
    stats::tag_table,
    sys,
    types::tag::{
        PoolKind,
        Tag, //
    },
    verifier::{
        freed,
        held_back,
        hooks,
        quarantine_set,
        tracking, //
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
    Violation::new(
        Check::BadPoolCaller,
        0x0a,
        [Parameter::Address(addr), owner.into(), given.into()],
        caller,
        What::WrongTag {
            block: owner,
            given,
            bytes,
        },
    )
    .about(owner)
}

/// Reports a free with a tag that is not the block's, and who allocated the block: by its record,
/// or else the first user of its tag.
#[cold]
pub(crate) fn report_wrong_tag(
    addr: usize,
    block: (Tag, PoolKind, usize),
    given: Tag,
    caller: usize,
) {
    let (owner, kind, bytes) = block;
    wrong_tag(addr, owner, bytes, given, caller).report_with(|| {
        if !tracking::tell(addr) {
            tell_first_user(owner, kind);
        }
    });
}

/// Prints who used a tag first, if that is known.
pub(crate) fn tell_first_user(tag: Tag, kind: PoolKind) {
    // By the first of the modules that use it.
    let site = tag_table::find_map(tag, kind, |row| row.is_first().then(|| row.site().copy()));
    if let Some(site) = site.filter(CallSite::is_known) {
        pr_err!("  tag {tag} was first used at {site}\n");
    }
}

/// Reports a free that the rules forbid in this context; it is carried out all the same.
#[inline]
pub(crate) fn check_context(addr: usize, kind: PoolKind, caller: usize) {
    if kind == PoolKind::Paged && sys::irql() != 0 {
        violation::wrong_context_free(kind, addr, caller, "paged pool freed").report();
    }
    hooks::freeing(addr, kind, caller);
}

/// A free of a block that was freed before.
#[cold]
pub(crate) fn freed_twice(addr: usize, tag: Tag, caller: usize) -> Violation {
    Violation::new(
        Check::BadPoolCaller,
        0x07,
        [0u32.into(), tag.into(), Parameter::Address(addr)],
        caller,
        "block freed twice",
    )
    .about(tag)
}

/// Reports a second free, and what is known of the first. Any context but NMI.
#[cold]
pub(crate) fn report_freed_twice(addr: usize, tag: Tag, caller: usize) {
    freed_twice(addr, tag, caller).report_with(|| tell_freed(addr, tag));
}

/// A free of an address in a block that is not its start.
#[cold]
pub(crate) fn inside(addr: usize, caller: usize) -> Violation {
    Violation::new(
        Check::BadPoolCaller,
        0x99,
        [Parameter::Address(addr), 0u32.into(), 0u32.into()],
        caller,
        "free of an address inside a block",
    )
}

/// A free of an address that is no block of the pool.
#[cold]
pub(crate) fn not_from_pool(addr: usize, caller: usize) -> Violation {
    foreign(addr, caller, "free of memory that is not from the pool")
}

#[cold]
pub(crate) fn foreign(addr: usize, caller: usize, what: &'static str) -> Violation {
    Violation::new(
        Check::BadPoolCaller,
        0x46,
        [Parameter::Address(addr), 0u32.into(), 0u32.into()],
        caller,
        what,
    )
}

/// Prints what is known of the first free of a block. Any context but NMI.
fn tell_freed(addr: usize, tag: Tag) {
    if let Some(known) = freed::look(addr, tag) {
        known.print();
    } else if let Some(stacks) = quarantine_set::stacks(addr).or_else(|| held_back::stacks(addr)) {
        freed::print(stacks);
    }
}
