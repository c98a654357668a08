// SPDX-License-Identifier: GPL-2.0

//! Gives memory back: when memory is short, when a CPU goes offline, and at unload.

use crate::{
    events::work,
    lib::{
        export::matches_header,
        idle::Idle, //
    },
    lookaside,
    memory::{
        heap,
        magazine::{
            self,
            depot,
            kind::MagazineKind,
            refill,
            AllUnused,
            Unused, //
        }, //
    }, //
};

/// Empties and closes all magazines, and the depot, as the module is being unloaded.
pub(crate) fn exit(idle: &'static Idle) {
    let Some(mut all) = AllUnused::new(idle) else {
        return;
    };
    magazine::open(&mut all, false);
    all.each().for_each(refill::drain_unused);
    heap::shrink();
    heap::forget();
    magazine::exit(all);
}

/// How many blocks could be given back to the kernel; for the shrinker.
#[no_mangle]
extern "C" fn rust_pool_spare() -> usize {
    let depot = |kind| depot::usage(kind).map_or(0, |(held, _)| held);
    let heap = heap::usage();
    MagazineKind::all()
        .map(|kind| magazine::held(kind) + depot(kind))
        .sum::<usize>()
        + heap.waiting
        + heap.spare
        + lookaside::held()
        + work::waiting().0
}
matches_header!(safe rust_pool_spare());

/// Gives back the blocks in this CPU's magazines and in the depot, and the entries that lookaside
/// lists keep.
///
/// # Safety
///
/// Called in a task that stays on its CPU, as a per-CPU work item does.
#[no_mangle]
unsafe extern "C" fn rust_pool_drain() {
    // This comes first, as it frees the entries into the magazines.
    lookaside::drain();
    refill::drain();
}
matches_header!(rust_pool_drain);

/// Gives back the blocks in the magazines of a CPU that went offline, and in the depot.
///
/// # Safety
///
/// The CPU does not run, and does not come online during the call.
#[no_mangle]
unsafe extern "C" fn rust_pool_drain_of(cpu: Unused<'_>) {
    refill::drain_unused(cpu);
}
matches_header!(rust_pool_drain_of(_));
