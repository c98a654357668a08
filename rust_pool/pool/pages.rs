// SPDX-License-Identifier: GPL-2.0

//! Blocks of whole pages up to 64 KiB: page-aligned, with their header in `struct page`.
//!
//! Blocks of a power of two pages come from the magazines. A block that leaves enough of its last
//! page unused is at the front of a span of the heap, so that small blocks can use the rest. For
//! other sizes the pages up to the power of two are given back at once; and for all sizes, if the
//! pages are charged to a process: those are the kernel's again as soon as the block is freed.

use crate::{
    header::{
        self,
        recently_freed,
        Form,
        Found,
        Live,
        PageHeader,
        Remains,
        CACHE_ROOM,
        LARGEST, //
    },
    memory::{
        heap,
        large,
        magazine::{
            self,
            kind::{
                MagazineKind,
                ORDERS, //
            },
            refill, //
        },
        request::Request,
        zeroing, //
    },
    stats::{
        tag_stats::TagStats,
        tag_table, //
    },
    sys::{
        self,
        page_align,
        PAGE_SIZE, //
    }, //
};
use core::ptr::NonNull;

/// The largest block, in bytes.
pub(crate) const MAX: usize = large::CONTIGUOUS_MAX;

/// The order of each number of pages from 0 to 16, or `NONE` if that is no power of two.
const ORDER_OF: [u8; MAX / PAGE_SIZE + 1] = {
    let mut order_of = [NONE; MAX / PAGE_SIZE + 1];
    let mut order = 0;
    while order < ORDERS {
        // CAST: It is below `ORDERS`.
        order_of[1 << order] = order as u8;
        order += 1;
    }
    order_of
};
const NONE: u8 = u8::MAX;

/// The order of the pages of a block of `bytes` bytes, if it takes all pages of an order.
#[inline(always)]
pub(crate) fn order(bytes: usize) -> Option<u32> {
    if bytes <= LARGEST || heap::leaves_something(bytes) {
        return None;
    }
    let pages = (bytes.wrapping_sub(1) / PAGE_SIZE).wrapping_add(1);
    match ORDER_OF.get(pages) {
        Some(&NONE) | None => None,
        Some(&order) => Some(order.into()),
    }
}

/// Allocates a block of at most [`MAX`] bytes that is not small. Its header has this
/// [`header::stamp`]. If `charged`, its pages are charged to the current process. Any context but
/// NMI.
pub(crate) fn allocate(
    request: Request,
    charged: bool,
    stamp: u64,
    row: &TagStats,
) -> Option<NonNull<u8>> {
    let bytes = request.bytes;
    if let Some((pages, units)) = heap::shape(bytes).filter(|_| !charged) {
        let block = heap::place_front(pages, units, request.plain())?;
        let header = PageHeader::new(bytes, Form::Shared, stamp, row.index());
        return Some(hand_out(block, request, header, row));
    }
    let (block, form) = match order(bytes).filter(|_| !charged) {
        Some(order) => {
            let magazine = MagazineKind::pages(order);
            let block =
                magazine::pop(magazine).or_else(|| refill::allocate(magazine, request.plain()))?;
            (block, Form::Order(order))
        }
        None => {
            let bytes = page_align(bytes)?;
            let block = request
                .plain()
                .attempt_charged(charged, |gfp| sys::pages_exact(bytes, gfp))?;
            (block, Form::Exact)
        }
    };
    recently_freed::forget(block.as_ptr() as usize);
    let header = PageHeader::new(bytes, form, stamp, row.index());
    let header = if charged { header.charged() } else { header };
    Some(hand_out(block, request, header, row))
}

/// Whether the pages of a live block without a header in front may be handed out again: the pool
/// has the only reference to each. Also for larger blocks than are allocated here. Any context but
/// NMI.
///
/// # Safety
///
/// `block` is such a block, of `bytes` bytes, and its owner gives it up.
pub(crate) unsafe fn are_reusable(block: NonNull<u8>, bytes: usize) -> bool {
    let pages = match PageHeader::find(block.as_ptr() as usize) {
        // The pages of an order have one count, that of the first.
        Some(Found::Live(header)) if matches!(header.form(), Form::Order(_)) => 1,
        _ => bytes.div_ceil(PAGE_SIZE),
    };
    // SAFETY: By the safety requirements these are the block's pages, to which the pool has
    // references.
    unsafe { sys::are_reusable(block, pages) }
}

/// Turns pages into a block with this header.
fn hand_out(
    block: NonNull<u8>,
    request: Request,
    header: PageHeader,
    row: &TagStats,
) -> NonNull<u8> {
    let used = used_by(&header);
    // SAFETY: The caller has just allocated the memory: whole pages, of which only the last may be
    // shared, with `used` bytes that are ours.
    unsafe {
        header.write(block);
        if zeroing::zeroes(request.zero) {
            block.write_bytes(0, used);
        }
    }
    row.charge(request.bytes, used);
    block
}

/// The bytes that a block of this form takes.
fn used(bytes: usize, form: Form) -> usize {
    match form {
        Form::Order(order) => PAGE_SIZE << order,
        Form::Exact => bytes.div_ceil(PAGE_SIZE) * PAGE_SIZE,
        Form::Shared => {
            let (pages, units) = heap::split(bytes);
            heap::used(pages, units)
        }
    }
}

/// The bytes that a block with this header takes.
pub(crate) fn used_by(header: &PageHeader) -> usize {
    used(header.bytes(), header.form())
}

/// The memory of a block that was freed.
///
/// # Invariants
///
/// At `at` is the memory of a block of pages that had this header. Nobody else uses it.
#[must_use = "a block that is not given back is lost"]
pub(crate) struct Freed {
    at: NonNull<u8>,
    header: PageHeader,
}

// SAFETY: It owns the memory, which any thread may give back.
unsafe impl Send for Freed {}

impl Freed {
    /// Marks a block as freed, and takes its memory; `None` if another CPU freed it first. Any
    /// context.
    ///
    /// # Safety
    ///
    /// The block's owner gives it up.
    pub(crate) unsafe fn claim(header: &Live<PageHeader>, row: Option<&TagStats>) -> Option<Self> {
        if !header.claim() {
            return None;
        }
        if let Some(row) = row {
            row.discharge(header.bytes(), used_by(header));
        }
        // INVARIANT: It was live until now, and one CPU only is told so.
        Some(Self {
            at: NonNull::new(header.addr() as *mut u8)?,
            header: **header,
        })
    }

    /// The memory of a block that was claimed.
    ///
    /// # Safety
    ///
    /// The block had this header, and nobody uses it any more.
    pub(crate) unsafe fn new(at: NonNull<u8>, header: PageHeader) -> Self {
        // INVARIANT: By the safety requirements.
        Self { at, header }
    }

    /// Its address.
    pub(crate) fn addr(&self) -> usize {
        self.at.as_ptr() as usize
    }

    /// The bytes in its pages.
    pub(crate) fn bytes(&self) -> usize {
        page_align(self.header.bytes()).unwrap_or(0)
    }

    /// Gives it back. Any context but NMI.
    pub(crate) fn give(self) {
        let Self { at, header } = self;
        let (bytes, form) = (header.bytes(), header.form());
        // No wiping here: the kernel wipes the pages that it gets, after the last reference is
        // dropped, and if it does, the magazines are closed.
        // SAFETY: By the type invariant nobody uses the block. Its header tells how its memory was
        // allocated.
        unsafe {
            match form {
                Form::Order(order) => refill::free_pages(order, at),
                Form::Exact => {
                    PageHeader::erase(at);
                    sys::free_pages(at, used(bytes, form));
                }
                Form::Shared => {
                    let (pages, units) = heap::split(bytes);
                    heap::remove_front(at, pages, units);
                }
            }
        }
    }
}

/// The form of a block of `bytes` bytes.
fn form(bytes: usize) -> Form {
    match order(bytes) {
        _ if heap::shape(bytes).is_some() => Form::Shared,
        Some(order) => Form::Order(order),
        None => Form::Exact,
    }
}

/// The header of a block of pages, as it was before it was damaged, if enough of it is left to be
/// sure. Slow.
pub(crate) fn recover(remains: &Remains) -> Option<PageHeader> {
    let by_second = || {
        let row = tag_table::at(remains.row())?;
        let (tag, kind) = row.identity()?;
        let sizes = LARGEST - CACHE_ROOM + 1..=MAX;
        remains.pages_by_second(header::stamp(kind, tag?), sizes, form)
    };
    let by_first = || {
        let (tag, kind) = remains.identity()?;
        // The row's index is lost, so try the rows of all modules that have live blocks of the tag.
        tag_table::find_map(tag, kind, |row| {
            let stamp = header::stamp(kind, tag);
            let live = row.snapshot().diff() != 0;
            live.then(|| remains.pages_by_first(stamp, row.index(), form))?
        })
    };
    by_second().or_else(by_first)
}

/// Whether small blocks may be in the page at an address of the direct map, apart from what else is
/// there. Any context.
pub(crate) fn is_shared(addr: usize) -> bool {
    heap::has(addr)
}

/// The live block that contains an address which is not its start, if there is one. Slow.
pub(crate) fn around(addr: usize) -> Option<usize> {
    let last = addr & !(PAGE_SIZE - 1);
    (0..MAX / PAGE_SIZE)
        .filter_map(|back| last.checked_sub(back * PAGE_SIZE))
        .find(|&at| {
            matches!(PageHeader::find(at), Some(Found::Live(header))
                if addr < at.saturating_add(used(header.bytes(), header.form())))
        })
}
