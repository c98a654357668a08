// SPDX-License-Identifier: GPL-2.0

//! Frees and unlocks of memory that a scatter/gather list has: the device may still write to it, so
//! it stays allocated and locked.

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

/// How many pages are looked up with interrupts disabled.
const AT_ONCE: usize = 256;

/// A list that has some memory.
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

/// The list that has one of the bytes at a kernel address. Any context but NMI.
pub(crate) fn holder(base: usize, bytes: usize) -> Option<Holder> {
    if !sys::any_listed() {
        return None;
    }
    sys::listed_at(base, bytes).map(Holder)
}

/// The list that has one of the pages for which there is a record with this key. Any context but
/// NMI.
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

/// The list that has one of some bytes of adjacent page frames, and may need this locker's lock for
/// them. Any context but NMI.
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

/// Reports a free of the bytes at a kernel address if a list has one of them. Then it is not to be
/// carried out. Any context but NMI.
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

/// The same for the block at an address that has a record, if there is one.
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
