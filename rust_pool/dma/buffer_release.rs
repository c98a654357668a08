// SPDX-License-Identifier: GPL-2.0

//! Gives the memory of common buffers back, at once or deferred, and unmaps lists that were put
//! where they could not be unmapped.

use crate::{
    callers::call_site::CallSite,
    lib::at_load::AtLoad,
    record::{
        backlog::Backlog,
        held_device::{
            Giving,
            HeldDevice, //
        },
        mapped_list::{
            self,
            MappedList, //
        },
        Owner,
        Region, //
    },
    report::violation::Parameter,
    stats::family_totals::Lost,
    sys::{
        self,
        Awaited,
        DmaDevice,
        Fate, //
    }, //
};
use kernel::prelude::*;

/// Buffers that were freed, but whose memory could not be given back, and lists that were put, but
/// whose pages stay mapped.
pub(crate) static LOST: Lost = Lost::new();

/// Buffers that are to be given back, and lists that are to be unmapped.
pub(crate) static BACKLOG: AtLoad<Backlog> =
    AtLoad::new(|| KBox::pin_init(Backlog::new(), GFP_KERNEL));

/// Counts and logs that pages stay mapped for a device, if this is what became of them. `None`:
/// nobody tries to unmap them again.
pub(super) fn note_unmapped(device: &DmaDevice, bytes: usize, fate: Option<Fate>) {
    if matches!(fate, Some(Fate::Freed | Fate::FreedPages)) {
        return;
    }
    LOST.add(bytes);
    if sys::may_log_loss() {
        pr_err!("{bytes} bytes stay mapped for {}\n", device.name());
    }
}

/// Gives a region's memory back, or unmaps it. Sleeps. The region itself holds the device, and is
/// left for the caller to drop.
pub(crate) fn release(region: &Region) {
    if let Owner::List(list) = &region.owner {
        let device = list.mapped.device();
        let fate = list.mapped.unmap(true);
        note_unmapped(device, region.used, fate);
        if let Some(freeing) = &list.freeing {
            let at = Parameter::Address(mapped_list::of_key(region.addr()));
            let fate = fate.unwrap_or(Fate::Lost);
            freeing.report_list(device, list.adapter, at, list.part.is_some(), fate);
        }
        return;
    }
    let Owner::CommonBuffer {
        adapter,
        memory,
        freeing,
        ..
    } = &region.owner
    else {
        return;
    };
    let fate = memory.free();
    if fate == Fate::Lost {
        LOST.add(memory.bytes());
    }
    if let Some(freeing) = freeing {
        freeing.report(memory.device(), *adapter, region.addr(), fate);
    }
}

/// Whether a region belongs to a device for which `is_it` returns `true`.
fn is_of(region: &Region, is_it: impl Fn(&HeldDevice) -> bool) -> bool {
    region.owner.device().is_some_and(|device| is_it(device))
}

/// Gives back one deferred buffer, if there is one; returns the bytes that it took. Sleeps; not in
/// reclaim.
fn give_one(is_it: impl Fn(&HeldDevice) -> bool) -> Option<usize> {
    let given = sys::doing(Awaited::Given, || {
        let give = |region: &Region| {
            release(region);
            region.owner.device().map(Giving::new)
        };
        BACKLOG.give_one(|region| is_of(region, &is_it), give)
    });
    sys::wake();
    let (region, giving) = given?;
    let used = region.used;
    drop(region);
    // This may drop the device, which calls the code of others.
    drop(giving);
    Some(used)
}

/// If the backlog is long, gives back some of a device's buffers: more than the `bytes` that the
/// caller takes, so that the backlog does not grow. Sleeps; not in reclaim.
pub(crate) fn shorten(device: &DmaDevice, bytes: usize) {
    let mut given = 0usize;
    while given <= bytes && BACKLOG.is_long() {
        let Some(used) = give_one(|other| other.same(device)) else {
            break;
        };
        given = given.saturating_add(used);
    }
}

/// Gives back a device's deferred buffers; returns whether there were any. Sleeps; not in reclaim.
pub(crate) fn give_back_of(device: &DmaDevice) -> bool {
    give_back(|other| other.same(device))
}

/// Gives back the deferred buffers of devices for which `is_it` returns `true`. When this returns
/// there are none left, and no other task is giving one back. It does not wait for other buffers.
/// Sleeps; not in reclaim.
pub(crate) fn finish(is_it: impl Fn(&HeldDevice) -> bool) {
    while give_one(&is_it).is_some() {}
    sys::wait_until(Awaited::Given, || {
        !BACKLOG.in_hand(|region| is_of(region, &is_it))
    });
}

/// Defers the free of a buffer, or the unmap of a list. Any context but NMI.
pub(super) fn defer(mut region: KBox<Region>) {
    if let Owner::CommonBuffer { freeing, .. } | Owner::List(MappedList { freeing, .. }) =
        &mut region.owner
    {
        if let Some(freeing) = freeing {
            freeing.defer();
        }
    }
    BACKLOG.add(region);
}

/// Calls `visit` with the call site of each deferred free that has not ended. A free that is not
/// deferred needs none: it ends before its caller's code can be unloaded.
pub(crate) fn for_each_site(mut visit: impl FnMut(&CallSite)) {
    BACKLOG.for_each(|region| {
        if let Some(freeing) = region.owner.freeing() {
            visit(freeing.site());
        }
    });
}

/// Gives back what is in the backlog now. Returns whether there was anything. Sleeps.
pub(crate) fn give_back_all() -> bool {
    give_back(|_| true)
}

fn give_back(is_it: impl Fn(&HeldDevice) -> bool) -> bool {
    let blocks = BACKLOG.usage().blocks;
    let given = (0..blocks).map_while(|_| give_one(&is_it));
    given.count() != 0
}
