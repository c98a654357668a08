// SPDX-License-Identifier: GPL-2.0

//! The fast path: the tag has a row, the magazine has a block (or room for one), and there is
//! nothing to report or to wait for.
//!
//! These functions call others only in tail position, to zero a block for example, so they have no
//! registers to save. They use the same functions as the slow path, [`pool`](crate::pool), and
//! change nothing if they do not handle a case.

use crate::{
    header::{
        Form,
        Header,
        PageHeader,
        LARGEST,
        UNIT, //
    },
    memory::{
        heap,
        magazine::{
            self,
            kind::{
                MagazineKind,
                ORDERS, //
            },
            refill, //
        },
        object::Object,
        request::Request,
        size_class::Class,
        zeroing, //
    },
    pool::pages,
    stats::{
        tag_stats::TagStats,
        tag_table, //
    },
    sys::{
        arch::{
            percpu,
            read_once, //
        },
        Client,
        PAGE_SIZE, //
    },
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::ptr::NonNull;

/// The result of the fast path of allocation.
pub(crate) enum Outcome {
    /// A block.
    Block(NonNull<u8>),
    /// The magazine was empty, but the request is valid, and this is its row.
    Empty(&'static TagStats),
    /// The fast path does not handle the request.
    Other,
}

/// Allocates a small block on the fast path. The caller has checked the pool type and its rules.
#[inline(always)]
pub(crate) fn allocate(
    kind: PoolKind,
    pool_type: u32,
    bytes: usize,
    tag: Tag,
    owner: Client,
) -> Outcome {
    // In this order, or the compiler would make one condition of this one and the caller's.
    if percpu::in_nmi() || bytes.wrapping_sub(1) >= LARGEST {
        return Outcome::Other;
    }
    let Some(row) = tag_table::known(tag, kind, owner) else {
        return Outcome::Other;
    };
    let Some(class) = Class::for_bytes(bytes) else {
        return Outcome::Other;
    };
    let Some(object) = Object::pop(class) else {
        return Outcome::Empty(row);
    };
    let header = Header::new(bytes, read_once::read(&row.stamp), row.index());
    Outcome::Block(hand_out(object, header, pool_type, bytes, row))
}

/// Turns an object into a block.
#[inline(always)]
fn hand_out(
    mut object: Object,
    header: Header,
    pool_type: u32,
    bytes: usize,
    row: &TagStats,
) -> NonNull<u8> {
    object.write(header);
    // Two conditions, or the compiler would compute both to make one of them.
    if row.charged(bytes, object.class().bytes()) {
        return finish(object, row, true, zeroing::zeroes_for(pool_type));
    }
    if zeroing::zeroes_for(pool_type) {
        return finish(object, row, false, true);
    }
    object.into_block()
}

/// Allocates a small block after [`allocate`] has found its magazine empty.
#[inline(never)]
pub(crate) fn allocate_from_depot(
    pool_type: u32,
    bytes: usize,
    row: &TagStats,
) -> Option<NonNull<u8>> {
    let class = Class::for_bytes(bytes)?;
    match Object::refill(class) {
        Ok(object) => {
            let header = Header::new(bytes, read_once::read(&row.stamp), row.index());
            Some(hand_out(object, header, pool_type, bytes, row))
        }
        Err(wanted) => allocate_more(pool_type, bytes, row, class, wanted),
    }
}

/// Allocates a small block when the depot has none, and some objects for the magazine.
#[cold]
#[inline(never)]
fn allocate_more(
    pool_type: u32,
    bytes: usize,
    row: &TagStats,
    class: Class,
    wanted: usize,
) -> Option<NonNull<u8>> {
    let request = Request {
        bytes,
        zero: false,
        sleep: true,
    };
    let Some(object) = Object::supply_more(class, wanted, request) else {
        row.fail();
        return None;
    };
    let header = Header::new(bytes, read_once::read(&row.stamp), row.index());
    Some(hand_out(object, header, pool_type, bytes, row))
}

#[inline(never)]
fn finish(mut object: Object, row: &TagStats, fold: bool, zero: bool) -> NonNull<u8> {
    if fold {
        row.fold();
    }
    if zero {
        object.clear_from(UNIT);
    }
    object.into_block()
}

/// Frees a small block on the fast path; `false` if that does not handle it.
#[inline(always)]
pub(crate) fn free(addr: usize, tag: Tag) -> bool {
    if addr % PAGE_SIZE == 0 || percpu::in_nmi() {
        return false;
    }
    let at = addr.wrapping_sub(UNIT);
    let Some(header) = Header::find_nonpaged(at) else {
        return false;
    };
    if !header.admits(tag) {
        return false;
    }
    // SAFETY: `header` was found live in front of `addr`; whoever frees a block gives it up.
    let Some(object) = (unsafe { Object::claim_plain(&header) }) else {
        return false;
    };
    // SAFETY: It was the header of a live block.
    let row = unsafe { tag_table::of_header(header.row()) };
    let fold = row.discharged(header.bytes(), object.class().bytes());
    if fold {
        give(object, row);
    } else if let Err(object) = object.push() {
        // The magazines are closed if freed blocks have to be wiped.
        object.spill();
    }
    true
}

/// Frees the object of a block whose row is to be folded.
#[inline(never)]
fn give(object: Object, row: &TagStats) {
    row.fold();
    object.free();
}

/// Allocates a block of whole pages on the fast path. Like [`allocate`].
#[inline(always)]
pub(crate) fn allocate_pages(
    kind: PoolKind,
    pool_type: u32,
    bytes: usize,
    tag: Tag,
    owner: Client,
) -> Option<NonNull<u8>> {
    let order = pages::order(bytes)?;
    // CAST: A small constant.
    // SAFETY: `order()` returns only orders below `ORDERS`.
    unsafe { core::hint::assert_unchecked(order < ORDERS as u32) };
    if percpu::in_nmi() {
        return None;
    }
    let row = tag_table::known(tag, kind, owner)?;
    let block = magazine::pop(MagazineKind::pages(order))?;
    let header = PageHeader::new(
        bytes,
        Form::Order(order),
        read_once::read(&row.stamp),
        row.index(),
    );
    // SAFETY: The pages are ours.
    unsafe { header.write(block) };
    let used = PAGE_SIZE << order;
    let fold = row.charged(bytes, used);
    let zero = zeroing::zeroes_for(pool_type);
    if fold || zero {
        return Some(finish_pages(block, row, used, fold, zero));
    }
    Some(block)
}

/// Allocates a block of pages whose last page others may share. This is not as fast, since the
/// heap has to place it, but there is nothing to report either.
#[inline(always)]
pub(crate) fn allocate_front(
    kind: PoolKind,
    pool_type: u32,
    bytes: usize,
    tag: Tag,
    owner: Client,
) -> Option<NonNull<u8>> {
    let (pages, units) = heap::shape(bytes).filter(|_| bytes <= pages::MAX)?;
    if percpu::in_nmi() {
        return None;
    }
    let row = tag_table::known(tag, kind, owner)?;
    let request = Request {
        bytes,
        zero: false,
        sleep: true,
    };
    let block = heap::place_front(pages, units, request)?;
    let header = PageHeader::new(
        bytes,
        Form::Shared,
        read_once::read(&row.stamp),
        row.index(),
    );
    // SAFETY: The pages in front of the last are ours, and so much of the last.
    unsafe { header.write(block) };
    let used = heap::used(pages, units);
    let fold = row.charged(bytes, used);
    let zero = zeroing::zeroes_for(pool_type);
    Some(finish_pages(block, row, used, fold, zero))
}

#[inline(never)]
fn finish_pages(
    block: NonNull<u8>,
    row: &TagStats,
    used: usize,
    fold: bool,
    zero: bool,
) -> NonNull<u8> {
    if fold {
        row.fold();
    }
    if zero {
        // SAFETY: The block has this many bytes.
        unsafe { block.write_bytes(0, used) };
    }
    block
}

/// Frees a block of whole pages on the fast path; `false` if that does not handle it.
#[inline(always)]
pub(crate) fn free_pages(addr: usize, tag: Tag) -> bool {
    if percpu::in_nmi() || zeroing::wipes() {
        return false;
    }
    let Some((header, page)) = PageHeader::find_nonpaged(addr) else {
        return false;
    };
    let Form::Order(order) = header.form() else {
        return false;
    };
    // Whoever frees a block gives it up.
    if !header.admits(tag) || !header.claim() {
        return false;
    }
    // SAFETY: The header says that the pages are there, and the pool has a reference.
    if !unsafe { page.is_reusable() } {
        // SAFETY: They were live until now.
        unsafe { give_up(addr, *header) };
        return true;
    }
    // SAFETY: As above; a page with a header is not at null.
    let (row, block) = unsafe {
        (
            tag_table::of_header(header.row()),
            NonNull::new_unchecked(addr as *mut u8),
        )
    };
    // CAST: A small constant.
    // SAFETY: An intact header has an order below `ORDERS`.
    unsafe { core::hint::assert_unchecked(order < ORDERS as u32) };
    let fold = row.discharged(header.bytes(), PAGE_SIZE << order);
    let magazine = MagazineKind::pages(order);
    // SAFETY: The header says that the pages are of this order, and they were live until now.
    if fold || !unsafe { magazine::push(magazine, block) } {
        // SAFETY: As above; the magazine did not take the pages.
        unsafe { give_pages(order, block, row, fold) };
    }
    true
}

/// Frees a block of pages whose last page others may share; `false` if that is not to be done here.
#[inline(always)]
pub(crate) fn free_front(addr: usize, tag: Tag) -> bool {
    if percpu::in_nmi() {
        return false;
    }
    let Some((header, _)) = PageHeader::find_nonpaged(addr) else {
        return false;
    };
    // Whoever frees a block gives it up.
    if !matches!(header.form(), Form::Shared) || !header.admits(tag) || !header.claim() {
        return false;
    }
    // SAFETY: It was the header of a live block, so a row is there.
    let row = unsafe { tag_table::of_header(header.row()) };
    let (pages, units) = heap::split(header.bytes());
    row.discharge(header.bytes(), heap::used(pages, units));
    if let Some(block) = NonNull::new(addr as *mut u8) {
        // SAFETY: The header of a block at the front of a span says of how many pages and units it
        // is, and it was live until now.
        unsafe { heap::remove_front(block, pages, units) };
    }
    true
}

/// # Safety
///
/// The block at `addr` had this header, and is not used any more.
#[cold]
#[inline(never)]
unsafe fn give_up(addr: usize, header: PageHeader) {
    if let Some(row) = tag_table::at(header.row()) {
        row.discharge(header.bytes(), pages::used_by(&header));
    }
    if let Some(block) = NonNull::new(addr as *mut u8) {
        // SAFETY: By the safety requirements.
        unsafe { pages::Freed::new(block, header) }.give();
    }
}

/// # Safety
///
/// As for [`refill::free_pages`].
#[inline(never)]
unsafe fn give_pages(order: u32, block: NonNull<u8>, row: &TagStats, fold: bool) {
    if fold {
        row.fold();
    }
    // SAFETY: By the safety requirements.
    unsafe { refill::free_pages(order, block) };
}
