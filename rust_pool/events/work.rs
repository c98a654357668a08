// SPDX-License-Identifier: GPL-2.0

//! What is done later, in a context that sleeps: memory is given back, and what is wanted is made.
//!
//! None of this calls code of others, and nobody waits for it but our own exit. Devices are let go
//! of elsewhere, in [`crate::record::held_device`].

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
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_give() {
    // What comes after these looks has the work item run again.
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

/// Called from the work item that makes what is wanted.
///
/// # Safety
///
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_upkeep() {
    // Without memory the next new tag asks again.
    let _ = tag_table::refill();
    slab_caches::make_wanted();
    control::deferred();
}
matches_header!(rust_pool_upkeep);
