// SPDX-License-Identifier: GPL-2.0

//! Frees and unlocks of memory that a scatter/gather list uses. The device may still write to it,
//! so they are refused.

use crate::{
    record::{
        mapped_list,
        packet,
        table::REGIONS,
        Region, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    sys::{
        self,
        Frame,
        Locker,
        PAGE_SIZE, //
    }, //
};

/// How many pages are looked up at a time with interrupts disabled.
const AT_ONCE: usize = 256;

/// A list that uses the memory that was asked about.
pub(crate) struct Holder(usize);

impl Holder {
    /// Prints what is known of the list. Any context but NMI.
    pub(crate) fn print(&self) {
        for key in [mapped_list::key(self.0), packet::key(self.0)] {
            let facts = REGIONS.bucket(key).lock().find(key).map(Region::facts);
            if let Some(facts) = facts {
                facts.print();
            }
        }
    }
}

impl From<&Holder> for Parameter {
    fn from(list: &Holder) -> Self {
        Self::Address(list.0)
    }
}

/// The list that uses one of the bytes at a kernel address. Any context but NMI.
pub(crate) fn holder(base: usize, bytes: usize) -> Option<Holder> {
    if !sys::any_listed() {
        return None;
    }
    sys::listed_at(base, bytes).map(Holder)
}

/// The list that uses one of the pages of the record with this key. Any context but NMI.
pub(crate) fn holder_of_pages(key: usize) -> Option<Holder> {
    if !sys::any_listed() {
        return None;
    }
    let mut first = 0usize;
    loop {
        let bucket = REGIONS.bucket(key).lock();
        let pages = bucket.find(key)?.owner.pages()?.get(first..)?;
        if pages.is_empty() {
            return None;
        }
        let listed = pages
            .iter()
            .take(AT_ONCE)
            .find_map(|&page| sys::listed_page(page));
        if let Some(list) = listed {
            return Some(Holder(list));
        }
        first += AT_ONCE;
    }
}

/// The list that uses one of these bytes, which lie one after the other in `frames`, and which this
/// locker may lock. Any context but NMI.
pub(crate) fn holder_of_locked(
    frames: &[Frame],
    mut offset: usize,
    mut bytes: usize,
    locker: Locker,
) -> Option<Holder> {
    let found = frames.iter().find_map(|frame| {
        let here = bytes.min(PAGE_SIZE.saturating_sub(offset));
        let found = sys::listed_frame(frame.get(), offset, here, locker);
        bytes = bytes.saturating_sub(here);
        offset = 0;
        found
    });
    found.map(Holder)
}

/// If a list uses one of the bytes at a kernel address, reports their free and returns `true`: the
/// caller must not carry it out. Any context but NMI.
pub(crate) fn refuses(base: usize, bytes: usize, caller: usize) -> bool {
    let Some(list) = holder(base, bytes) else {
        return false;
    };
    let given = [Parameter::Address(base), (&list).into()];
    rule::FREED_IN_LIST
        .by(caller, given)
        .report_with(|| list.print());
    true
}

/// Like [`refuses`], for the block that has a record at an address, if there is one.
pub(crate) fn refuses_block(base: usize, caller: usize) -> bool {
    if !sys::any_listed() {
        return false;
    }
    let used = REGIONS
        .bucket(base)
        .lock()
        .find(base)
        .map(|region| region.used);
    used.is_some_and(|used| refuses(base, used, caller))
}
