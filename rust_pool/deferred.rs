// SPDX-License-Identifier: GPL-2.0

//! What cannot be done where it was asked for, and is done a little later, in a context that sleeps.

use crate::{
    adapter,
    cache,
    chain::Chain,
    common_buffer,
    contiguous,
    export::matches_header,
    noncached,
    region::{
        Owner,
        Region, //
    },
    state,
    statistics,
    sys,
    verifier, //
};
use kernel::prelude::*;

/// Regions to free.
pub(crate) type Queue = Chain<Region>;

/// Has a region's memory given back soon. Any context but NMI.
pub(crate) fn free(region: KBox<Region>) {
    state::get().deferred.lock().push(region);
    sys::defer();
}

/// Called from the work item.
///
/// # Safety
///
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_deferred() {
    // Without memory the next new tag asks again.
    let _ = statistics::refill();
    cache::make_wanted();
    // What comes meanwhile has the work item run again: whoever waits for this one must not wait for
    // as long as others go on.
    let mut queue = core::mem::replace(&mut *state::get().deferred.lock(), Chain::new());
    while let Some(region) = queue.pop() {
        match region.owner {
            Owner::Contiguous { .. } => contiguous::release(region),
            Owner::NonCached { .. } => noncached::release(region),
            Owner::CommonBuffer { .. } => common_buffer::release(region),
            // Pool blocks are freed at once in any context.
            Owner::Pool { .. } => (),
        }
    }
    adapter::reap();
    verifier::switch::deferred();
}
matches_header!(rust_pool_deferred);
