// SPDX-License-Identifier: GPL-2.0

//! The work items: one gives memory back, one makes rows and slab caches, one ages the depot.
//!
//! They may sleep, but call no code of other modules, and only this module's exit waits for them.
//! Another, which drops references to devices, is in [`crate::record::held_device`], and one that
//! calls the routines of drivers that wait for an adapter's channel in `api/dma.c`.

use crate::{
    dma::buffer_release,
    events::control,
    families::{
        contiguous,
        noncached, //
    },
    lib::export::matches_header,
    memory::{
        magazine::{
            depot,
            refill, //
        },
        slab_caches, //
    },
    pool,
    record::backlog::Backlog,
    stats::tag_table,
    sys, //
};

/// Called by the work item that gives memory back. It takes the families in turn, so that a flood
/// of frees in one does not delay the others.
#[no_mangle]
extern "C" fn rust_pool_give() {
    // A block that is deferred after these checks queues the work item again.
    while give() {}
}
matches_header!(safe rust_pool_give());

/// Gives back what is in the backlogs now. Returns `false` if there was nothing. Sleeps.
pub(crate) fn give() -> bool {
    let large = pool::BACKLOG.drain(pool::give_back);
    let contiguous = contiguous::BACKLOG.drain(contiguous::give_back);
    let noncached = noncached::BACKLOG.drain(noncached::give_back);
    let buffers = buffer_release::give_back_all();
    large || contiguous || noncached || buffers
}

/// The backlogs of all families, with their names.
pub(crate) fn backlogs() -> [(&'static str, &'static Backlog); 4] {
    [
        ("large", &pool::BACKLOG),
        ("contiguous", &contiguous::BACKLOG),
        ("noncached", &noncached::BACKLOG),
        ("common buffers", &buffer_release::BACKLOG),
    ]
}

/// How many blocks are in the backlogs, and their bytes.
pub(crate) fn waiting() -> (usize, usize) {
    let usages = backlogs().map(|(_, backlog)| backlog.usage());
    usages.iter().fold((0, 0), |(blocks, bytes), usage| {
        (
            blocks.saturating_add(usage.blocks),
            bytes.saturating_add(usage.bytes),
        )
    })
}

/// Called by the work item that makes rows and slab caches, and changes the verifier's static key.
#[no_mangle]
extern "C" fn rust_pool_upkeep() {
    // If there is no memory, the next new tag queues the work item again.
    let _ = tag_table::refill();
    slab_caches::make_wanted();
    control::deferred();
    if depot::start_ageing() {
        sys::age_later();
    }
}
matches_header!(safe rust_pool_upkeep());

/// Called by the work item that ages the depot. Returns whether to call it again.
#[no_mangle]
extern "C" fn rust_pool_age() -> bool {
    refill::age()
}
matches_header!(safe rust_pool_age());

/// Called on a CPU whose magazines may hold more than usual for no reason.
///
/// # Safety
///
/// Called in a task that stays on its CPU, as a per-CPU work item does.
#[no_mangle]
unsafe extern "C" fn rust_pool_trim() {
    refill::trim();
}
matches_header!(rust_pool_trim);
