// SPDX-License-Identifier: GPL-2.0

//! Pages of a process that are pinned, and how they are let go.
//!
//! A page that was written to has to be marked dirty, for which its folio is locked. Whoever has
//! that lock may be waiting for the caller, or may be the caller; a server of FUSE or NFS that does
//! not answer may never let go of it. So nobody waits for a folio. What is locked is left to a work
//! item of its own, which tries again, and for which nobody waits.

use crate::{
    lib::{
        at_load::AtLoad,
        export::matches_header, //
    },
    record::{
        backlog::Backlog,
        Owner,
        Region, //
    },
    sys, //
};
use kernel::prelude::*;

/// Records of pages that are to be unpinned. Only the functions of this file take them out.
pub(crate) static BACKLOG: AtLoad<Backlog> =
    AtLoad::new(|| KBox::pin_init(Backlog::new(), GFP_KERNEL));

/// How long a task tries to unpin pages itself, in nanoseconds. Others have a folio locked only for
/// a moment, most often. Then its page is dirty when the driver goes on, as if this had waited: the
/// process may write its file to disk next.
const PATIENCE: u64 = 100_000_000;
/// How long the module's exit tries, in nanoseconds.
const LAST_PATIENCE: u64 = 10_000_000_000;

/// Unpins the pages of a record that was taken out of the table: now, or later if this context may
/// not, or if a folio stays locked. Any context but NMI.
pub(crate) fn give_back(mut region: KBox<Region>) {
    let Owner::Locked { pinned, .. } = &mut region.owner else {
        return;
    };
    if pinned.is_empty() || (sys::may_change_pages() && pinned.unpin_within(PATIENCE)) {
        return;
    }
    BACKLOG.put(region);
    sys::unpin_soon();
}

/// Unpins those pages of a record that can be, and returns whether that was all. May sleep.
fn unpin(region: &mut Region) -> bool {
    match &mut region.owner {
        Owner::Locked { pinned, .. } => pinned.unpin(),
        _ => true,
    }
}

/// Unpins what waits, as far as folios are not locked. Has the work item try the rest again. May
/// sleep, but waits for nobody.
pub(crate) fn attempt() {
    if BACKLOG.attempt(unpin) {
        sys::unpin_later();
    }
}

/// If much waits, unpins what can be. May sleep, but waits for nobody; does nothing in reclaim.
pub(crate) fn shorten() {
    if sys::may_change_pages() && BACKLOG.is_long() {
        attempt();
    }
}

/// Has [`finish`] unpin the pages of a record, if it has any. Any context but NMI.
pub(crate) fn leave(region: KBox<Region>) {
    if matches!(&region.owner, Owner::Locked { pinned, .. } if !pinned.is_empty()) {
        BACKLOG.put(region);
    }
}

/// Unpins all pages that wait, and tries that for some seconds. Those whose folio is still locked
/// then stay pinned for ever: to unpin them without marking them dirty could lose what was written
/// there. Sleeps. Only the module's exit may call it, when no client is left and the work item does
/// not run any more.
pub(crate) fn finish() {
    let end = sys::uptime().saturating_add(LAST_PATIENCE);
    while BACKLOG.attempt(unpin) {
        if sys::uptime() > end {
            let mut bytes = 0usize;
            BACKLOG.for_each(|region| {
                if let Owner::Locked { pinned, .. } = &region.owner {
                    bytes = bytes.saturating_add(pinned.bytes());
                }
            });
            pr_err!("{bytes} bytes of user pages stay pinned: their folios are locked\n");
            return;
        }
        sys::nap();
    }
}

/// Called by the work item that unpins pages.
#[no_mangle]
extern "C" fn rust_pool_unpin_deferred() {
    attempt();
}
matches_header!(safe rust_pool_unpin_deferred());
