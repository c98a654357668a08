// SPDX-License-Identifier: GPL-2.0

//! The fast path: the tag has a row, and there is nothing to report. If the magazine has no block,
//! or no room for one, it is refilled or spilled by a function that is called last.
//!
//! These functions call others only in tail position, to zero a block for example, so they have no
//! registers to save. They use the same functions as the slow path, [`pool`](crate::pool), and
//! change nothing if they do not handle a case.

use crate::{
    header::{
        freeing::Freeing,
        Form,
        Header,
        PageHeader,
        LARGEST,
        UNIT, //
    },
    memory::{
        batch::Block,
        heap,
        magazine::{
            self,
            refill, //
        },
        object::{
            Object,
            Plain, //
        },
        request::Request,
        sampled,
        size_class::Class,
        zeroing::{
            self,
            ZERO, //
        }, //
    },
    pool::{
        pages::{
            self,
            Memory,
            Whole, //
        },
        small, //
    },
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
    if sampled::is_due() {
        if let Some(block) = allocate_sampled(pool_type, bytes, row) {
            return Some(block);
        }
    }
    let class = Class::for_bytes(bytes)?;
    match Object::refill(class) {
        Ok(object) => {
            let header = Header::new(bytes, read_once::read(&row.stamp), row.index());
            Some(hand_out(object, header, pool_type, bytes, row))
        }
        Err(wanted) => allocate_more(pool_type, bytes, row, class, wanted),
    }
}

/// Allocates a small block that KFENCE watches, if it takes the object.
#[cold]
#[inline(never)]
fn allocate_sampled(pool_type: u32, bytes: usize, row: &TagStats) -> Option<NonNull<u8>> {
    let request = Request {
        bytes,
        zero: pool_type & ZERO != 0,
        sleep: true,
    };
    small::allocate_sampled(request, false, read_once::read(&row.stamp), row)
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
pub(crate) fn free(freeing: &Freeing, tag: Tag) -> bool {
    let addr = freeing.addr();
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
    let Some(object) = Plain::claim(freeing, &header) else {
        return false;
    };
    let row = tag_table::of_block(&header);
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
fn give(object: Plain, row: &TagStats) {
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
    if percpu::in_nmi() {
        return None;
    }
    let row = tag_table::known(tag, kind, owner)?;
    let mut memory = Memory::pop(order)?;
    memory.write(PageHeader::new(
        bytes,
        Form::Order(order.into()),
        read_once::read(&row.stamp),
        row.index(),
    ));
    let fold = row.charged(bytes, memory.used());
    let zero = zeroing::zeroes_for(pool_type);
    if fold || zero {
        return Some(finish_pages(memory, row, fold, zero));
    }
    Some(memory.into_block())
}

#[inline(never)]
fn finish_pages(mut memory: Memory, row: &TagStats, fold: bool, zero: bool) -> NonNull<u8> {
    if fold {
        row.fold();
    }
    if zero {
        memory.clear();
    }
    memory.into_block()
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
    if !heap::leaves_something(bytes) || bytes > pages::MAX || percpu::in_nmi() {
        return None;
    }
    let row = tag_table::known(tag, kind, owner)?;
    let request = Request {
        bytes,
        zero: pool_type & ZERO != 0,
        sleep: true,
    };
    pages::allocate(request, false, read_once::read(&row.stamp), row)
}

/// Frees a block of whole pages on the fast path; `false` if that does not handle it.
#[inline(always)]
pub(crate) fn free_pages(freeing: &Freeing, tag: Tag) -> bool {
    if percpu::in_nmi() || zeroing::wipes() {
        return false;
    }
    let Some(freed) = pages::claim_whole(freeing, tag) else {
        return false;
    };
    let Whole {
        header,
        block,
        used,
    } = freed;
    let row = tag_table::of_block(&header);
    if row.discharged(header.bytes(), used) {
        give_pages(block, row);
    } else if let Err(block) = magazine::push(block) {
        spill_pages(block);
    }
    true
}

/// Frees the pages of a block whose row is to be folded.
#[inline(never)]
fn give_pages(block: Block, row: &TagStats) {
    row.fold();
    refill::free(block);
}

/// Frees pages for which the magazine had no room.
#[inline(never)]
fn spill_pages(block: Block) {
    refill::free(block);
}

/// Frees a block of pages that [`free_pages`] does not: one whose last page is shared, for example,
/// or whose pages a process maps. `false` if that is not to be done here.
#[inline(always)]
pub(crate) fn free_other_pages(freeing: &Freeing, tag: Tag) -> bool {
    if percpu::in_nmi() {
        return false;
    }
    let Some((header, _)) = PageHeader::find_nonpaged(freeing.addr()) else {
        return false;
    };
    if !header.admits(tag) {
        return false;
    }
    let Some(freed) = pages::Freed::claim(freeing, &header) else {
        return false;
    };
    freed.give();
    true
}
