// SPDX-License-Identifier: GPL-2.0

//! What a report says about a live block, if a free names its address but does not match it.

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

/// If a pool block with a header begins at `addr`, prints it and who allocated it. Returns whether
/// one does. Any context but NMI.
pub(super) fn tell_pool(addr: usize) -> bool {
    let known = header::live_at(addr);
    if let Some(known) = &known {
        pr_err!("  a live block is there: {known}\n");
        tell_who(addr, known);
    }
    known.is_some()
}

/// Prints who allocated a block that has no record with a call site: from the verifier's record, or
/// else the first user of its tag.
pub(crate) fn tell_who(addr: usize, known: &Known) {
    if tracking::tell(addr) {
        return;
    }
    if let (Some(tag), MemoryType::Pool { kind, .. }) = (known.tag, known.memory) {
        tell_first_user(addr, tag, kind);
    }
}

/// Prints where the module that allocated the block at `addr` used its tag first; or if that is not
/// known, where anybody did.
pub(crate) fn tell_first_user(addr: usize, tag: Tag, kind: PoolKind) {
    // A tag has a row for each module, and the header of a live block says in which it is counted.
    let own = header::row_at(addr).and_then(tag_table::at);
    let own = own.map(|row| row.site().copy()).filter(CallSite::is_known);
    let site = own.or_else(|| {
        tag_table::find_map(tag, kind, |row| row.is_first().then(|| row.site().copy()))
    });
    if let Some(site) = site.filter(CallSite::is_known) {
        pr_err!("  tag {tag} was first used at {site}\n");
    }
}
