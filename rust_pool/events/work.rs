// SPDX-License-Identifier: GPL-2.0

//! Deferred work, in a context that may sleep: it gives memory back, and makes rows and slab
//! caches.
//!
//! None of this calls the code of others, and only our own exit waits for it. References to devices
//! are dropped elsewhere, in [`crate::record::held_device`].

use crate::{
    dma::buffer_release,
    events::control,
    families::{
        contiguous,
        noncached, //
    },
    lib::export::matches_header,
    memory::slab_caches,
    pool,
    record::backlog::Backlog,
    stats::tag_table, //
};

/// Called from the work item that gives memory back. It takes the families in turn, so that none
/// waits for a flood of another.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_give() {
    // A block that is deferred after these checks queues the work item again.
    while give() {}
}
matches_header!(rust_pool_give);

/// Gives back what waits now, and says whether there was anything. Sleeps.
pub(crate) fn give() -> bool {
    let large = pool::BACKLOG.drain(pool::give_back);
    let contiguous = contiguous::BACKLOG.drain(contiguous::give_back);
    let noncached = noncached::BACKLOG.drain(noncached::give_back);
    let buffers = buffer_release::give_back_all();
    large || contiguous || noncached || buffers
}

/// What waits, of each family.
pub(crate) fn backlogs() -> [(&'static str, &'static Backlog); 4] {
    [
        ("large", &pool::BACKLOG),
        ("contiguous", &contiguous::BACKLOG),
        ("noncached", &noncached::BACKLOG),
        ("common buffers", &buffer_release::BACKLOG),
    ]
}

/// How many blocks wait, and their bytes.
pub(crate) fn waiting() -> (usize, usize) {
    let usages = backlogs().map(|(_, backlog)| backlog.usage());
    usages.iter().fold((0, 0), |(blocks, bytes), usage| {
        (
            blocks.saturating_add(usage.blocks),
            bytes.saturating_add(usage.bytes),
        )
    })
}

/// Called from the work item that makes rows and slab caches.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_upkeep() {
    // Without memory the next new tag asks again.
    let _ = tag_table::refill();
    slab_caches::make_wanted();
    control::deferred();
}
matches_header!(rust_pool_upkeep);
