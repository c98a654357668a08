// SPDX-License-Identifier: GPL-2.0

//! The steps in which each family allocates and frees a block that has a record.

use crate::{
    record::{
        backlog,
        listed,
        table::{
            Reservation,
            REGIONS, //
        },
        Facts,
        Owner,
        Region, //
    },
    report::violation::Violation,
    stats::family_totals::Family,
    sys,
    trace::{
        self,
        Began, //
    },
    types::tag::Tag,
    verifier::hooks, //
};
use core::ptr::NonNull;
use kernel::prelude::*;

/// The allocation of a block: what for, and by whom.
pub(crate) struct Allocation {
    family: &'static Family,
    tag: Option<Tag>,
    pub(crate) bytes: usize,
    caller: usize,
}

impl Allocation {
    pub(crate) fn new(
        family: &'static Family,
        tag: Option<Tag>,
        bytes: usize,
        caller: usize,
    ) -> Self {
        Self {
            family,
            tag,
            bytes,
            caller,
        }
    }

    /// Checks that it is for some bytes, and in a context where it is `allowed`. Reports `nothing`
    /// or `forbidden` if not, and returns `None`. Any context.
    pub(crate) fn check(
        &self,
        allowed: bool,
        nothing: impl FnOnce() -> Violation,
        forbidden: impl FnOnce() -> Violation,
    ) -> Option<()> {
        if self.bytes == 0 {
            nothing().report();
        } else if !allowed {
            forbidden().report();
        } else {
            return Some(());
        }
        None
    }

    /// Allocates by `attempt`, unless the verifier makes the request fail. After a failure, `give`
    /// gives back what is in the backlog, where that can be done, and if it returns `true` there is
    /// a second attempt. Counts it if the request fails for good. Any context but NMI.
    pub(crate) fn allocate<T>(
        &self,
        attempt: impl Fn(Began) -> Option<T>,
        give: impl FnOnce() -> bool,
    ) -> Option<T> {
        let began = Began::now();
        let made = if hooks::refuse(self.family.memory, self.tag, self.bytes, self.caller) {
            None
        } else {
            backlog::retry(|| attempt(began), || sys::may_change_pages() && give())
        };
        if made.is_none() {
            self.family.fail();
        }
        made
    }

    /// Counts the new block at `base`, which takes `used` bytes, tells tracers, and writes its
    /// record. Any context but NMI.
    pub(crate) fn insert(
        &self,
        record: Reservation,
        base: NonNull<u8>,
        used: usize,
        began: Began,
        owner: Owner,
    ) {
        self.family.charge(self.bytes, used);
        let new = trace::Block {
            memory: self.family.memory,
            tag: self.tag,
            bytes: self.bytes,
            used,
            addr: base.as_ptr() as usize,
        };
        new.allocated(self.caller, began);
        record.insert(base, self.bytes, used, self.caller, owner);
    }
}

/// The free of a block: which, and by whom.
pub(crate) struct Free {
    family: &'static Family,
    base: usize,
    caller: usize,
}

impl Free {
    pub(crate) fn new(family: &'static Family, base: usize, caller: usize) -> Self {
        Self {
            family,
            base,
            caller,
        }
    }

    /// Takes the block out of the table, counts that, and tells tracers. The caller gives its
    /// memory back. Any context, any address.
    ///
    /// Returns `None` and reports a violation if the block must not be freed: in NMI `forbidden`;
    /// what [`listed::refuses_block`] reports, and what `refused` does, if that returns `true`;
    /// `misfit` if the block does not fit what the client passed, which `fits` says; `nothing` if
    /// the family has no block there.
    pub(crate) fn take(
        &self,
        forbidden: impl FnOnce() -> Violation,
        refused: impl FnOnce() -> bool,
        fits: impl FnOnce(&Region) -> bool,
        misfit: impl FnOnce(&Facts) -> Violation,
        nothing: impl FnOnce() -> Violation,
    ) -> Option<KBox<Region>> {
        if sys::irql().is_nmi() {
            forbidden().report();
            return None;
        }
        if listed::refuses_block(self.base, self.caller) || refused() {
            return None;
        }
        let memory = self.family.memory;
        let region = REGIONS.take_or_report(memory, self.base, fits, misfit, nothing)?;
        self.family.discharge(region.asked, region.used);
        region.traced().freed(self.caller);
        Some(region)
    }
}
