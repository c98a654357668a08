// SPDX-License-Identifier: GPL-2.0

//! Blocks of whole pages up to 64 KiB: page-aligned, with their header in `struct page`.
//!
//! Those of a power of two pages come from the magazines. One that leaves enough of its last page
//! over lies at the front of a span of the heap, so that small blocks can have the rest. The others
//! take their pages and give what is left of the power of two back.

use crate::{
    depot,
    gfp::Request,
    header::{
        self,
        PageHeader,
        LARGEST, //
    },
    heap,
    init,
    magazine,
    recent,
    row::Row,
    shelf::Shelf,
    sys::{
        self,
        PAGE_SIZE, //
    },
    tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::ptr::NonNull;

/// The largest block, in bytes.
pub(crate) const MAX: usize = 16 * PAGE_SIZE;

/// The shelf for a block of `bytes` bytes, if there is one for so many pages.
#[inline]
fn shelf(bytes: usize) -> Option<Shelf> {
    let pages = bytes.div_ceil(PAGE_SIZE);
    if pages.is_power_of_two() {
        Shelf::pages(pages.trailing_zeros())
    } else {
        None
    }
}

/// The shelf that a block of `bytes` bytes is kept on, if it is one of whole pages that are kept.
#[inline(always)]
pub(crate) fn kept(bytes: usize) -> Option<Shelf> {
    if bytes <= LARGEST || bytes > MAX || heap::shape(bytes).is_some() {
        return None;
    }
    shelf(bytes)
}

/// What a block takes that does not share its last page.
#[inline]
pub(crate) fn whole(bytes: usize) -> usize {
    bytes.div_ceil(PAGE_SIZE) * PAGE_SIZE
}

/// Makes pages a block and hands it out.
#[inline(always)]
pub(crate) fn hand_out(
    block: NonNull<u8>,
    bytes: usize,
    zero: bool,
    stamp: u64,
    row: &Row,
) -> NonNull<u8> {
    let used = whole(bytes);
    // SAFETY: The pages are the caller's.
    unsafe {
        PageHeader::new(bytes, false, stamp, row.index()).write(block);
        if zero {
            block.write_bytes(0, used);
        }
    }
    row.charge(bytes, used);
    block
}

/// Allocates a block of more than [`LARGEST`] and at most [`MAX`] bytes. Any context but NMI.
pub(crate) fn allocate(
    request: Request,
    kind: PoolKind,
    tag: Tag,
    row: &Row,
) -> Option<NonNull<u8>> {
    let bytes = request.bytes;
    let stamp = header::stamp(kind, tag);
    if let Some((pages, units)) = heap::shape(bytes) {
        return allocate_front(request, pages, units, stamp, row);
    }
    let kept = shelf(bytes);
    let block = match kept.and_then(magazine::pop) {
        Some(block) => block,
        None => {
            let block = match kept {
                Some(shelf) => depot::allocate(shelf, request.plain()),
                None => request
                    .plain()
                    .attempt(|gfp| sys::pages_exact(whole(bytes), gfp)),
            }?;
            recent::forget(block.as_ptr() as usize);
            block
        }
    };
    Some(hand_out(
        block,
        bytes,
        init::zeroes(request.zero),
        stamp,
        row,
    ))
}

fn allocate_front(
    request: Request,
    pages: usize,
    units: usize,
    stamp: u64,
    row: &Row,
) -> Option<NonNull<u8>> {
    let bytes = request.bytes;
    let block = heap::place_front(pages, units, request.plain())?;
    let used = heap::used(pages, units);
    // SAFETY: The pages but the last are ours, and there is one at least. The block has so many
    // bytes.
    unsafe {
        PageHeader::new(bytes, true, stamp, row.index()).write(block);
        if init::zeroes(request.zero) {
            block.write_bytes(0, used);
        }
    }
    row.charge(bytes, used);
    Some(block)
}

/// Frees a block. `false` if another CPU was faster. Any context but NMI.
///
/// # Safety
///
/// [`PageHeader::find`] found this header, live, for `addr`, and the caller gives the block up.
pub(crate) unsafe fn free(addr: usize, header: PageHeader, row: Option<&Row>) -> bool {
    // SAFETY: By the safety requirements.
    if !unsafe { header.claim(addr) } {
        return false;
    }
    let Some(block) = NonNull::new(addr as *mut u8) else {
        return true;
    };
    let bytes = header.bytes();
    let front = header.shared().then(|| heap::split(bytes));
    let used = front.map_or(whole(bytes), |(pages, units)| heap::used(pages, units));
    if let Some(row) = row {
        row.discharge(bytes, used);
    }
    // SAFETY: The header says what the block is, and it was live until now.
    unsafe {
        match (front, shelf(bytes)) {
            (Some((pages, units)), _) => {
                wipe(block, used);
                heap::remove_front(block, pages, units);
            }
            (None, Some(shelf)) => free_kept(shelf, block, bytes),
            (None, None) => {
                wipe(block, used);
                give_back(block, used);
            }
        }
    }
    true
}

/// Wipes a block if the kernel wants that of freed memory.
///
/// # Safety
///
/// It has so many bytes and is not used any more.
#[inline]
unsafe fn wipe(block: NonNull<u8>, used: usize) {
    if init::wipes() {
        // SAFETY: By the safety requirements.
        unsafe { block.write_bytes(0, used) };
    }
}

/// Frees the pages of a block of which such are kept.
///
/// # Safety
///
/// They are of this shelf, the block was of `bytes` bytes, and is not used any more.
#[inline(always)]
pub(crate) unsafe fn free_kept(shelf: Shelf, block: NonNull<u8>, bytes: usize) {
    // SAFETY: By the safety requirements.
    unsafe {
        wipe(block, whole(bytes));
        depot::free(shelf, block);
    }
}

/// Gives the pages of a block back to the kernel.
///
/// # Safety
///
/// They are `used` bytes, not at the front of a span, and nobody uses them.
pub(crate) unsafe fn give_back(block: NonNull<u8>, used: usize) {
    let pages = used / PAGE_SIZE;
    // SAFETY: By the safety requirements; they were allocated as `allocate()` does for that size.
    unsafe {
        PageHeader::erase(block);
        if pages.is_power_of_two() {
            sys::free_order(block, pages.trailing_zeros());
        } else {
            sys::free_pages(block, used);
        }
    }
}

/// The live block around an address that is not its start, if there is one. Slow.
pub(crate) fn around(addr: usize) -> Option<usize> {
    let last = addr & !(PAGE_SIZE - 1);
    (0..MAX / PAGE_SIZE)
        .filter_map(|back| last.checked_sub(back * PAGE_SIZE))
        .find(|&at| {
            matches!(PageHeader::find(at), Some(crate::header::Found::Live(header))
                if addr < at.saturating_add(whole(header.bytes())))
        })
}
