// SPDX-License-Identifier: GPL-2.0

//! Blocks with a header in front.

use crate::{
    header::{
        self,
        Found,
        Header,
        Remains,
        CACHE_LINE,
        CACHE_ROOM,
        LARGEST,
        UNIT, //
    },
    memory::{
        object::Object,
        request::Request,
        sampled::{
            self,
            Sampled, //
        },
        size_class::{
            Class,
            MAX_UNITS, //
        },
        zeroing, //
    },
    pool::wish::Wish,
    stats::{
        tag_stats::TagStats,
        tag_table, //
    }, //
};
use core::ptr::NonNull;

/// Whether a block of `bytes` bytes is small. `aligned` says whether it is cache-aligned.
#[inline]
pub(crate) fn is_small(bytes: usize, aligned: bool) -> bool {
    is_small_with_room(bytes, 0, aligned)
}

/// Whether a block of `bytes` bytes is small with `room` bytes of its object behind it.
#[inline]
pub(crate) fn is_small_with_room(bytes: usize, room: usize, aligned: bool) -> bool {
    bytes <= LARGEST - CACHE_ROOM - room || (!aligned && bytes <= LARGEST - room)
}

/// Allocates a block of `request.bytes`, not 0, that [`is_small`]; `wish` says whether it is
/// cache-aligned, and whether it is charged. Its header has this [`header::stamp`]. Any context but
/// NMI.
#[inline]
pub(crate) fn allocate(
    request: Request,
    wish: Wish,
    stamp: u64,
    row: &TagStats,
) -> Option<NonNull<u8>> {
    allocate_with_room(request, 0, wish, stamp, row, |_, _| ())
}

/// Like [`allocate`], with `room` bytes behind the block, if it [`is_small_with_room`]. Before it
/// hands the block out, it calls `fill` with the object and where in it the block begins.
#[inline]
pub(crate) fn allocate_with_room(
    request: Request,
    room: usize,
    wish: Wish,
    stamp: u64,
    row: &TagStats,
    fill: impl FnOnce(&Object, usize),
) -> Option<NonNull<u8>> {
    let aligned = wish.cache_aligned;
    let room = if aligned { room + CACHE_ROOM } else { room };
    let class = Class::for_bytes(request.bytes.wrapping_add(room))?;
    // A red zone and an alignment need more of the object than the block has bytes.
    let sampled = || (room == 0).then(|| sample(request, wish.charged, stamp, row))?;
    let (object, stamp) = if wish.charged {
        if let Some(block) = sampled() {
            return Some(block);
        }
        (
            Object::charged(class, request.plain())?,
            header::charged(stamp),
        )
    } else {
        let object = match Object::pop(class) {
            Some(object) => object,
            None => match sampled() {
                Some(block) => return Some(block),
                None => Object::supply(class, request.plain())?,
            },
        };
        (object, stamp)
    };
    if aligned {
        make_aligned(object, request, room, stamp, row, fill)
    } else {
        Some(make(object, request, room, stamp, row, fill))
    }
}

/// Allocates a block that KFENCE watches, if it is due and KFENCE takes its object. It is neither
/// cache-aligned, nor has it a red zone. Any context but NMI.
#[inline]
fn sample(request: Request, charged: bool, stamp: u64, row: &TagStats) -> Option<NonNull<u8>> {
    if !sampled::is_due() {
        return None;
    }
    allocate_sampled(request, charged, stamp, row)
}

/// Allocates a block that KFENCE watches, due or not, if KFENCE takes its object.
#[cold]
#[inline(never)]
pub(crate) fn allocate_sampled(
    request: Request,
    charged: bool,
    stamp: u64,
    row: &TagStats,
) -> Option<NonNull<u8>> {
    let class = Class::for_bytes(request.bytes)?;
    let object = Sampled::allocate(request.bytes, zeroing::zeroes(request.zero), charged)?;
    let mut stamp = header::sampled(stamp);
    if charged {
        stamp = header::charged(stamp);
    }
    let header = Header::new(request.bytes, stamp, row.index());
    // It counts as any other block of its size.
    row.charge(request.bytes, class.bytes());
    Some(object.into_block(header))
}

/// Turns an object into a block. Its class is large enough for the request and `room`.
#[inline]
fn make(
    mut object: Object,
    request: Request,
    room: usize,
    stamp: u64,
    row: &TagStats,
    fill: impl FnOnce(&Object, usize),
) -> NonNull<u8> {
    object.write(Header::with_room(request.bytes, room, stamp, row.index()));
    row.charge(request.bytes, object.class().bytes());
    if zeroing::zeroes(request.zero) {
        object.clear_from(UNIT);
    }
    fill(&object, UNIT);
    object.into_block()
}

/// Turns an object into a block that is aligned to a cache line. Its class is large enough for the
/// request and `room`, which is at least [`CACHE_ROOM`].
fn make_aligned(
    mut object: Object,
    request: Request,
    room: usize,
    stamp: u64,
    row: &TagStats,
    fill: impl FnOnce(&Object, usize),
) -> Option<NonNull<u8>> {
    // Objects are aligned to units, so `front` is at most `CACHE_ROOM`.
    let front = (object.addr() + UNIT).wrapping_neg() % CACHE_LINE;
    let header = Header::with_room(request.bytes, room - front, stamp, row.index());
    let used = object.class().bytes();
    if zeroing::zeroes(request.zero) {
        object.clear_from(front + UNIT);
    }
    fill(&object, front + UNIT);
    let block = object.into_aligned_block(header.behind(front / UNIT))?;
    row.charge(request.bytes, used);
    Some(block)
}

/// Counts a block as freed.
#[inline]
pub(crate) fn discharge(header: &Header, row: Option<&TagStats>) {
    if let Some(row) = row {
        row.discharge(header.bytes(), Class::of_header(header).bytes());
    }
}

/// A header as it was before it was damaged, if enough of it is left to be sure. `begins` says
/// whether an object is known to begin there. Slow.
pub(crate) fn recover(remains: &Remains, begins: bool) -> Option<Header> {
    let by_second = || {
        let row = tag_table::at(remains.row())?;
        let (tag, kind) = row.identity()?;
        remains.small_by_second(header::stamp(kind, tag?))
    };
    let by_first = || {
        let (tag, kind) = remains.identity()?;
        // The row's index is lost, so try the rows of all modules that have live blocks of the tag.
        tag_table::find_map(tag, kind, |row| {
            let stamp = header::stamp(kind, tag);
            let live = row.snapshot().diff() != 0;
            live.then(|| remains.small_by_first(stamp, row.index(), begins))?
        })
    };
    by_second().or_else(by_first)
}

/// The live block that contains an address which is not its start, if there is one. Slow.
pub(crate) fn around(addr: usize) -> Option<usize> {
    let last = addr & !(UNIT - 1);
    (0..MAX_UNITS)
        .filter_map(|back| last.checked_sub(back * UNIT))
        .find(|&at| {
            matches!(Header::find(at), Some(Found::Live(header))
                if addr < at.saturating_add(header.units() * UNIT))
        })
        .map(|at| at + UNIT)
}
