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
        magazine::{
            self,
            kind::MagazineKind,
            refill, //
        },
        request::Request,
        size_class::{
            Class,
            MAX_UNITS, //
        },
        zeroing, //
    },
    stats::{
        tag_stats::TagStats,
        tag_table, //
    },
    sys::arch::read_once,
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::ptr::NonNull;

/// Whether a block of `bytes` bytes is small. `aligned`: to a cache line.
#[inline]
pub(crate) fn is_small(bytes: usize, aligned: bool) -> bool {
    is_small_with_room(bytes, 0, aligned)
}

/// Whether a block of `bytes` bytes is small with `room` bytes of its object behind it.
#[inline]
pub(crate) fn is_small_with_room(bytes: usize, room: usize, aligned: bool) -> bool {
    bytes <= LARGEST - CACHE_ROOM - room || (!aligned && bytes <= LARGEST - room)
}

/// Allocates a block of `request.bytes`, not 0, that [`is_small`]; `aligned`: to a cache line. Any
/// context but NMI.
#[inline]
pub(crate) fn allocate(
    request: Request,
    aligned: bool,
    kind: PoolKind,
    tag: Tag,
    row: &TagStats,
) -> Option<NonNull<u8>> {
    allocate_with_room(request, 0, aligned, kind, tag, row)
}

/// Like [`allocate`], with `room` bytes behind the block, if it [`is_small_with_room`].
#[inline]
pub(crate) fn allocate_with_room(
    request: Request,
    room: usize,
    aligned: bool,
    kind: PoolKind,
    tag: Tag,
    row: &TagStats,
) -> Option<NonNull<u8>> {
    let room = if aligned { room + CACHE_ROOM } else { room };
    // SAFETY: The block is small with this room, so header, block and room have at most as many
    // units as the largest class.
    let class = unsafe { Class::of(header::units(request.bytes.wrapping_add(room))) };
    let magazine = MagazineKind::objects(class);
    let object = match magazine::pop(magazine) {
        Some(object) => object,
        None => refill::allocate(magazine, request.plain())?,
    };
    let stamp = header::stamp(kind, tag);
    // SAFETY: The object is of this class, which was chosen for the request and `room`. It was just
    // allocated.
    Some(unsafe {
        if aligned {
            make_aligned(object, class, request, room, stamp, row)
        } else {
            make(object, class, request, room, stamp, row)
        }
    })
}

/// Allocates a block, as [`allocate`] does, when the magazine is known to be empty.
#[inline]
pub(crate) fn supply(request: Request, row: &TagStats) -> Option<NonNull<u8>> {
    // SAFETY: The block is small, so header and block have at most as many units as the largest
    // class.
    let class = unsafe { Class::of(header::units(request.bytes)) };
    let object = refill::allocate(MagazineKind::objects(class), request.plain())?;
    // SAFETY: The object is of this class, which was chosen for the request. It was just allocated.
    Some(unsafe { make(object, class, request, 0, read_once::read(&row.stamp), row) })
}

/// Turns an object into a block.
///
/// # Safety
///
/// The object is of this class, and nobody uses it. The class is large enough for the request and
/// `room`.
#[inline]
unsafe fn make(
    object: NonNull<u8>,
    class: Class,
    request: Request,
    room: usize,
    stamp: u64,
    row: &TagStats,
) -> NonNull<u8> {
    // SAFETY: By the safety requirements the object is ours. It is longer than a header.
    unsafe { Header::with_room(request.bytes, room, stamp, row.index()).write(object) };
    row.charge(request.bytes, class.bytes());
    // SAFETY: The object is longer than its header.
    let block = unsafe { object.add(UNIT) };
    if zeroing::zeroes(request.zero) {
        // SAFETY: The object is ours, and has this many bytes behind the header.
        unsafe { block.write_bytes(0, class.bytes() - UNIT) };
    }
    block
}

/// Turns an object into a block that is aligned to a cache line.
///
/// # Safety
///
/// The object is of this class, and nobody uses it. The class is large enough for the request and
/// `room`, which is at least [`CACHE_ROOM`].
unsafe fn make_aligned(
    object: NonNull<u8>,
    class: Class,
    request: Request,
    room: usize,
    stamp: u64,
    row: &TagStats,
) -> NonNull<u8> {
    // Objects are aligned to units, so `front` is at most `CACHE_ROOM`.
    let front = (object.as_ptr() as usize + UNIT).wrapping_neg() % CACHE_LINE;
    let header = Header::with_room(request.bytes, room - front, stamp, row.index());
    // SAFETY: By the safety requirements the object is ours, and has `CACHE_ROOM` bytes more than
    // header and block take. `front` is a multiple of a unit, so the header is aligned.
    let block = unsafe {
        if front != 0 {
            // Or an older header would say that the object has no other.
            Header::write_spare(object, front / UNIT);
        }
        let at = object.add(front);
        header.behind(front / UNIT).write(at);
        at.add(UNIT)
    };
    row.charge(request.bytes, class.bytes());
    if zeroing::zeroes(request.zero) {
        // SAFETY: The object is ours, and has this many bytes behind the header.
        unsafe { block.write_bytes(0, class.bytes() - UNIT - front) };
    }
    block
}

/// Takes a block back, and returns its object. `None` if another CPU freed it first. Any context.
///
/// # Safety
///
/// [`Header::find`] found this header, live, in front of `block`, and the caller gives it up.
#[inline]
pub(crate) unsafe fn take(
    block: usize,
    header: &Header,
    row: Option<&TagStats>,
) -> Option<NonNull<u8>> {
    let addr = block.wrapping_sub(UNIT);
    // SAFETY: By the safety requirements `Header::find()` found it there.
    if !unsafe { header.claim(addr) } {
        return None;
    }
    discharge(header, row);
    NonNull::new(addr.wrapping_sub(header.front()) as *mut u8)
}

/// Counts a block as freed.
#[inline]
pub(crate) fn discharge(header: &Header, row: Option<&TagStats>) {
    if let Some(row) = row {
        row.discharge(header.bytes(), Class::of_header(header).bytes());
    }
}

/// Frees an object. Wipes it first if the kernel wipes freed memory.
///
/// # Safety
///
/// The object is of this class, and is not used any more.
pub(crate) unsafe fn free_object(class: Class, object: NonNull<u8>) {
    // SAFETY: By the safety requirements it has the bytes of its class, and may be freed.
    unsafe {
        if zeroing::wipes() {
            object.add(UNIT).write_bytes(0, class.bytes() - UNIT);
        }
        refill::free(MagazineKind::objects(class), object);
    }
}

/// The header at an address, as it was before it was damaged, if enough of it is left to be sure.
/// `begins` says whether an object is known to begin there. Slow.
pub(crate) fn recover(at: usize, remains: &Remains, begins: bool) -> Option<Header> {
    let by_second = || {
        let row = tag_table::at(remains.row())?;
        let (tag, kind) = row.identity()?;
        remains.small_by_second(at, header::stamp(kind, tag?))
    };
    let by_first = || {
        let (tag, kind) = remains.identity()?;
        // The row's index is lost, so try the rows of all modules that have live blocks of the tag.
        tag_table::find_map(tag, kind, |row| {
            let stamp = header::stamp(kind, tag);
            let live = row.snapshot().diff() != 0;
            live.then(|| remains.small_by_first(at, stamp, row.index(), begins))?
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
