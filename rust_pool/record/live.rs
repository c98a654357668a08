// SPDX-License-Identifier: GPL-2.0

//! What is said of a live block that a free does not fit, whatever family the two are of.

use crate::{
    callers::call_site::CallSite,
    header,
    stats::tag_table,
    types::{
        memory_type::{
            Known,
            MemoryType, //
        },
        tag::{
            PoolKind,
            Tag, //
        }, //
    },
    verifier::tracking, //
};
use kernel::prelude::*;

/// Prints the block of pool that begins at `addr`, and who allocated it, if there is one that has a
/// header, and says whether. Any context but NMI.
pub(super) fn tell_pool(addr: usize) -> bool {
    let known = header::live_at(addr);
    if let Some(known) = &known {
        pr_err!("  a live block is there: {known}\n");
        tell_who(addr, known);
    }
    known.is_some()
}

/// Prints who allocated a block without a call site in a record of its own: the verifier's record
/// says so, or else the first user of the tag.
pub(crate) fn tell_who(addr: usize, known: &Known) {
    if tracking::tell(addr) {
        return;
    }
    if let (Some(tag), MemoryType::Pool { kind, .. }) = (known.tag, known.memory) {
        tell_first_user(tag, kind);
    }
}

/// Prints who used a tag first, if that is known.
pub(crate) fn tell_first_user(tag: Tag, kind: PoolKind) {
    // By the first module of those that use it.
    let site = tag_table::find_map(tag, kind, |row| row.is_first().then(|| row.site().copy()));
    if let Some(site) = site.filter(CallSite::is_known) {
        pr_err!("  tag {tag} was first used at {site}\n");
    }
}
