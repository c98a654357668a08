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
        freeing::{
            self,
            Freeing, //
        },
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
        batch::Block,
        heap::{
            self,
            span::Pages,
            Front, //
        },
        large,
        magazine::{
            self,
            depot,
            kind::{
                MagazineKind,
                Order,
                ORDERS, //
            },
            refill, //
        },
        page_block::FreedPages,
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
        PageWords,
        PAGE_SIZE, //
    },
    types::tag::Tag, //
};
use core::ptr::NonNull;

/// The largest block, in bytes.
pub(crate) const MAX: usize = large::CONTIGUOUS_MAX;

/// The order of each number of pages from 0 to 16, if that is a power of two.
const ORDER_OF: [Option<Order>; MAX / PAGE_SIZE + 1] = {
    let mut order_of = [None; MAX / PAGE_SIZE + 1];
    let mut order = 0;
    while order < ORDERS {
        order_of[1 << order] = Some(Order::ALL[order]);
        order += 1;
    }
    order_of
};

/// The order of the pages of a block of `bytes` bytes, if it takes all pages of an order.
#[inline(always)]
pub(crate) fn order(bytes: usize) -> Option<Order> {
    if bytes <= LARGEST || heap::leaves_something(bytes) {
        return None;
    }
    let pages = (bytes.wrapping_sub(1) / PAGE_SIZE).wrapping_add(1);
    *ORDER_OF.get(pages)?
}

/// Memory for a block that is not small.
///
/// # Invariants
///
/// At `at` are `used` bytes that nobody else uses: all of some pages or, if others share the last
/// page, the pages in front of it and the start of it. `page` has the words of the first.
pub(crate) struct Memory {
    at: NonNull<u8>,
    used: usize,
    page: PageWords,
}

impl Memory {
    /// Takes pages of an order from this CPU's magazine, if there are any. `None` also if the first
    /// has got a memory error meanwhile: then they stay unused. Any context.
    #[inline(always)]
    pub(crate) fn pop(order: Order) -> Option<Self> {
        let block = magazine::pop(MagazineKind::order(order))?;
        Self::sound(block, order.bytes())
    }

    /// The memory of a free block of pages; `None` if the first has a memory error.
    #[inline(always)]
    fn sound(block: Block, used: usize) -> Option<Self> {
        let page = PageWords::around(block.addr())?;
        // SAFETY: There is a block.
        if unsafe { page.has_error() } {
            return None;
        }
        // INVARIANT: They are such a block, and it is gone.
        Some(Self {
            at: block.into_raw(),
            used,
            page,
        })
    }

    /// How many bytes the block takes.
    #[inline(always)]
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Writes the header of a block that begins here.
    #[inline(always)]
    pub(crate) fn write(&mut self, header: PageHeader) {
        // SAFETY: By the type invariant the page belongs to this value.
        unsafe { header.write(self.at.as_ptr() as usize, self.page) };
    }

    /// Clears it.
    #[inline]
    pub(crate) fn clear(&mut self) {
        // SAFETY: By the type invariant so many bytes are ours.
        unsafe { self.at.write_bytes(0, self.used) };
    }

    /// The block, for a client.
    #[inline(always)]
    pub(crate) fn into_block(self) -> NonNull<u8> {
        self.at
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
    let (mut memory, form) = find_memory(request, charged)?;
    let header = PageHeader::new(request.bytes, form, stamp, row.index());
    memory.write(if charged { header.charged() } else { header });
    if zeroing::zeroes(request.zero) {
        memory.clear();
    }
    row.charge(request.bytes, memory.used());
    Some(memory.into_block())
}

/// Memory for such a block, and the block's form.
#[inline]
fn find_memory(request: Request, charged: bool) -> Option<(Memory, Form)> {
    let (bytes, plain) = (request.bytes, request.plain());
    let form = if charged { Form::Exact } else { form(bytes) };
    let used = used(bytes, form);
    let at = match form {
        Form::Shared => heap::place_front(bytes, plain)?.into_raw(),
        Form::Order(order) => {
            let memory = find_sound(MagazineKind::pages(order), used, plain)?;
            recently_freed::forget(memory.at.as_ptr() as usize);
            return Some((memory, form));
        }
        Form::Exact => {
            let bytes = page_align(bytes)?;
            let at = plain.attempt_charged(charged, |gfp| sys::pages_exact(bytes, gfp))?;
            recently_freed::forget(at.as_ptr() as usize);
            at
        }
    };
    let page = PageWords::around(at.as_ptr() as usize)?;
    // INVARIANT: It was just allocated, in this form.
    Some((Memory { at, used, page }, form))
}

/// Pages of an order without a memory error. The magazine has them, or the depot, or the kernel.
#[inline]
fn find_sound(kind: MagazineKind, used: usize, request: Request) -> Option<Memory> {
    loop {
        let block = magazine::pop(kind).or_else(|| refill::allocate(kind, request))?;
        let memory = Memory::sound(block, used);
        if memory.is_some() {
            return memory;
        }
    }
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

/// A block that is all pages of an order, and was freed.
pub(crate) struct Whole {
    pub(crate) header: Live<PageHeader>,
    /// Its pages, to be handed out again.
    pub(crate) block: Block,
    /// How many bytes they have.
    pub(crate) used: usize,
}

/// Marks such a block as freed, and takes its pages. `None` if there is none in nonpaged pool
/// without the verifier's mark, if it has another tag, if somebody else has a reference to its
/// pages, or if another CPU freed it first. Any context.
#[inline(always)]
pub(crate) fn claim_whole(freeing: &Freeing, tag: Tag) -> Option<Whole> {
    let (header, page) = PageHeader::find_nonpaged(freeing.addr())?;
    let Form::Order(order) = header.form() else {
        return None;
    };
    // SAFETY: The header says that the pages are there, and the pool has a reference.
    if !header.admits(tag) || !unsafe { page.is_reusable() } {
        return None;
    }
    let freed = freeing.claim_pages(&header)?;
    // SAFETY: An intact header has an order below `ORDERS`, and is not that of null. By the type
    // invariant the block is ours, and nobody else refers to its pages.
    // CAST: A small constant.
    let block = unsafe {
        core::hint::assert_unchecked(order < ORDERS as u32 && freed.addr() != 0);
        let at = NonNull::new_unchecked(freed.addr() as *mut u8);
        Block::new(MagazineKind::pages(order), at)
    };
    Some(Whole {
        header,
        block,
        used: PAGE_SIZE << order,
    })
}

/// A block of pages that was freed, of any form.
#[must_use = "a block that is not given back is lost"]
pub(crate) struct Freed(freeing::Freed<PageHeader>);

impl Freed {
    /// Marks a block as freed, counts that, and takes its memory; `None` if another CPU freed it
    /// first. Any context.
    pub(crate) fn claim(freeing: &Freeing, header: &Live<PageHeader>) -> Option<Self> {
        let freed = freeing.claim_pages(header)?;
        tag_table::of_block(header).discharge(header.bytes(), used_by(header));
        Some(Self(freed))
    }

    /// Its address.
    pub(crate) fn addr(&self) -> usize {
        self.0.addr()
    }

    /// The bytes in its pages.
    pub(crate) fn bytes(&self) -> usize {
        page_align(self.0.bytes()).unwrap_or(0)
    }

    /// Gives it back. Any context but NMI.
    pub(crate) fn give(self) {
        // No wiping here: the kernel wipes the pages that it gets, after the last reference is
        // dropped, and if it does, the magazines are closed.
        match self.0.form() {
            Form::Order(_) => {
                if let Some(pages) = FreedPages::of(self.0) {
                    refill::free_pages(pages);
                }
            }
            Form::Exact => drop(Pages::of(self.0)),
            Form::Shared => {
                if let Some(front) = Front::of(self.0) {
                    if front.remove() {
                        depot::keep_ageing();
                    }
                }
            }
        }
    }
}

/// The form of a block of `bytes` bytes.
fn form(bytes: usize) -> Form {
    match order(bytes) {
        _ if heap::shape(bytes).is_some() => Form::Shared,
        Some(order) => Form::Order(order.into()),
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
