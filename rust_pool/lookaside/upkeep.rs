// SPDX-License-Identifier: GPL-2.0

//! What is done to many lists, in calls that are not from their clients.

use crate::{
    callers::call_site::CallSite,
    lib::at_load::AtLoad,
    lookaside::{
        chain::Chain,
        record::{
            self,
            Lookaside,
            LISTS, //
        }, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    sys::Module, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

/// Held while entries are freed that were taken out of lists other than in a call from the client.
pub(crate) static GIVING: AtLoad<Mutex<()>> =
    AtLoad::new(|| KBox::pin_init(new_mutex!((), "rust_pool::lookaside_giving"), GFP_KERNEL));

/// Calls `visit` on each list, with the lock of its bucket held, and frees the entries that `visit`
/// takes out. May miss lists that are made or deleted meanwhile. `visit` must not take entries from
/// a list whose client frees them. Sleeps.
fn for_each(mut visit: impl FnMut(&Lookaside) -> Chain) {
    if !record::any() {
        return;
    }
    let mut position = 0;
    loop {
        let _until_freed = GIVING.lock();
        let mut taken = None;
        let next = LISTS.next(position, |list| {
            taken = Some((list.spec, visit(list)));
            Some(())
        });
        let (Some(next), Some((spec, entries))) = (next, taken) else {
            return;
        };
        position = next;
        entries.for_each(|entry| spec.unmake_pool(entry, 0));
    }
}

/// How many entries a list goes on to keep, in a call that is not from its client.
fn least(list: &Lookaside) -> u16 {
    if list.spec.is_freed_by_client() {
        u16::MAX
    } else {
        0
    }
}

/// Makes lists keep nothing while the verifier is on. Sleeps.
pub(crate) fn verify(on: bool) {
    record::set_verified(on);
    for_each(|list| {
        let keep = if on { least(list) } else { u16::MAX };
        list.take(keep)
    });
}

/// Frees the entries that lists keep, as memory is short. Sleeps.
pub(crate) fn drain() {
    for_each(|list| {
        list.reset_depth();
        list.take(least(list))
    });
}

/// How many entries the lists keep that could be freed. Any context but NMI.
pub(crate) fn held() -> usize {
    let mut held = 0usize;
    if record::any() {
        LISTS.for_each(|list| {
            if !list.spec.is_freed_by_client() {
                held = held.saturating_add(list.kept().into());
            }
        });
    }
    held
}

/// Calls `visit` on the site of each list.
pub(crate) fn for_each_site(mut visit: impl FnMut(&CallSite)) {
    LISTS.for_each(|list| visit(&list.site));
}

/// Takes a list out of the table for which `which` returns `true`.
fn remove(which: impl Fn(&Lookaside) -> bool) -> Option<KBox<Lookaside>> {
    let mut head = None;
    LISTS.next(0, |list| which(list).then(|| head = Some(list.head)));
    record::remove(head?)
}

/// Frees the entries of a list that has lost its head. Entries that a routine of the client would
/// free stay allocated.
fn forget(list: KBox<Lookaside>) {
    if !list.spec.is_freed_by_client() {
        list.take_all()
            .for_each(|entry| list.spec.unmake_pool(entry, 0));
    }
    Lookaside::release(list);
}

/// The most lines about lists that one module left.
const LINES: usize = 32;

/// Reports the lists that a client did not delete, and forgets them. When it returns, no entry of
/// the client's lists is on its way to the pool. Sleeps.
pub(crate) fn departed(module: Module) {
    let mut lines = 0usize;
    while let Some(list) = remove(|list| list.client == module.client()) {
        let kept = list.kept();
        let given = [
            Parameter::Address(list.head),
            list.out().into(),
            u32::from(kept).into(),
        ];
        let violation = rule::LOOKASIDE_LEFT.by(0, given).about(list.spec.tag());
        lines = lines.saturating_add(1);
        if lines <= LINES {
            violation.report_of(Some(module.name()), || list.tell(kept));
        } else {
            violation.list(Some(module.name()), list.site.copy());
        }
        forget(list);
    }
    if lines > LINES {
        let more = lines - LINES;
        pr_err!("  and {more} more lookaside lists\n");
    }
    // Wait for entries that were taken out of a list before it was deleted: they still count as the
    // client's.
    drop(GIVING.lock());
}

/// Forgets all lists, at our own unload.
pub(crate) fn forget_all() {
    while let Some(list) = remove(|_| true) {
        forget(list);
    }
}
