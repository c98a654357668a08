// SPDX-License-Identifier: GPL-2.0

//! Pages that somebody owns, and the states that they go through: write-back or of another cache
//! type, mapped or not.
//!
//! To give pages of another cache type back, they are first unmapped, then made write-back, then
//! freed. The types here keep to that order.

use crate::sys::{
    frames::Node,
    memory::{
        Gfp,
        PAGE_SIZE, //
    },
    pages::{
        self,
        page_of,
        pages_exact,
        PAGES_MAX, //
    },
    raw,
    vmap::Vmap, //
};
use core::{
    mem::ManuallyDrop,
    ptr::{
        null_mut,
        NonNull, //
    }, //
};
use kernel::{
    alloc::{
        flags::{
            GFP_NOWAIT,
            __GFP_NOWARN, //
        },
        Flags, //
    },
    bindings,
    error::to_result,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

const WRITE_BACK: i32 = raw::_MEMORY_CACHING_TYPE_MmCached;

/// A page, which is freed on drop. Any context but NMI.
///
/// # Invariants
///
/// This value has the only reference to the page, which is write-back, and mapped in the direct map
/// only.
pub(crate) struct Page(NonNull<bindings::page>);

impl Page {
    /// Allocates a page.
    pub(crate) fn new(gfp: Gfp) -> Option<Self> {
        // INVARIANT: It was just allocated.
        pages::page(gfp).map(Self)
    }

    /// Allocates a page, preferably of this node.
    pub(crate) fn on(gfp: Gfp, node: Node) -> Option<Self> {
        // SAFETY: Any flags are allowed; the node exists or is `Node::ANY`.
        // INVARIANT: It was just allocated.
        NonNull::new(unsafe { raw::rust_pool_page_on(gfp, node.raw()) }).map(Self)
    }

    /// A page of [`OwnPages`], which give it up.
    fn of_own(page: NonNull<bindings::page>) -> Self {
        // INVARIANT: Each of those has a reference of its own.
        Self(page)
    }

    /// The page itself.
    pub(crate) fn page(&self) -> NonNull<bindings::page> {
        self.0
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; nobody uses the page any more.
        unsafe { pages::free_page(self.0) };
    }
}

/// A list of pages, which are freed on drop. Any context but NMI.
///
/// # Invariants
///
/// Each is as a [`Page`] has it.
pub(crate) struct PlainPages(KVVec<NonNull<bindings::page>>);

impl PlainPages {
    /// An empty list with room for so many. Any context but NMI, with flags that it supports.
    pub(crate) fn with_room(room: usize, flags: Flags) -> Option<Self> {
        pages::page_list(room, flags).map(Self)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Adds a page, if there is room; else frees it. Returns whether there was.
    pub(crate) fn push(&mut self, page: Page) -> bool {
        let added = self.0.push_within_capacity(page.0).is_ok();
        if added {
            // The list has its reference now.
            core::mem::forget(page);
        }
        added
    }

    /// The pages of a block, write-back as they are.
    pub(crate) fn keep(mut self) -> BlockPages {
        BlockPages {
            pages: core::mem::replace(&mut self.0, KVVec::new()),
            cache: WRITE_BACK,
            plain: true,
            mapping: Vmap::none(),
            listed: NO_LIST,
        }
    }

    /// The pages of a block, with another cache type. After an error, part of them may have it.
    /// Sleeps.
    pub(crate) fn set_cache(self, cache: i32) -> Result<BlockPages, BlockPages> {
        let mut block = self.keep();
        block.plain = false;
        block.cache = cache;
        // SAFETY: The block owns the pages, and nobody maps them.
        match unsafe { pages::pages_set(&mut block.pages, cache) } {
            Ok(()) => Ok(block),
            Err(_) => Err(block),
        }
    }
}

impl Drop for PlainPages {
    fn drop(&mut self) {
        for page in self.0.drain_all() {
            drop(Page(page));
        }
        pages::drop_page_list(core::mem::replace(&mut self.0, KVVec::new()));
    }
}

/// In place of the number of a [`PageList`].
const NO_LIST: i64 = 0;
/// The number of the last list.
static LISTS: Atomic<i64> = Atomic::new(NO_LIST);

/// The pages of a block. [`Self::restore`] frees them; if this is dropped before, they stay
/// allocated for ever.
///
/// # Invariants
///
/// This value owns the pages, and nobody maps them but `mapping`, and whom the owner gave the
/// block. They have the type `cache`, and are write-back if `plain`, unless setting that failed. If
/// `listed`, the [`PageList`] of that number may have them, and they are not mapped.
pub(crate) struct BlockPages {
    pages: KVVec<NonNull<bindings::page>>,
    cache: i32,
    plain: bool,
    mapping: Vmap,
    listed: i64,
}

impl BlockPages {
    /// The pages.
    pub(crate) fn list(&self) -> &[NonNull<bindings::page>] {
        &self.pages
    }

    /// Maps the pages side by side, with their type. Sleeps.
    pub(crate) fn map(&mut self) -> Option<NonNull<u8>> {
        if self.mapping.base().is_some() || self.listed != NO_LIST {
            return None;
        }
        // SAFETY: By the type invariant this value owns the pages, and `restore()` unmaps them
        // first. They have this type.
        self.mapping = unsafe { pages::vmap(&mut self.pages, self.cache) }?;
        self.mapping.base()
    }

    /// Takes a mapping over that the owner of the block made, to be undone with this. The block is
    /// in no list yet, and not mapped; otherwise nothing is taken over.
    pub(crate) fn adopt(&mut self, mapping: Vmap) {
        if self.mapping.base().is_none() && self.listed == NO_LIST {
            self.mapping = mapping;
        }
    }

    /// Undoes the mapping, if there is one. Sleeps.
    pub(crate) fn unmap(&mut self) {
        self.mapping.undo();
    }

    /// Makes the pages write-back, unless they are, or a list that was `finished` did so, and frees
    /// them. The error is how many bytes are lost, as that cannot be done. Sleeps.
    pub(crate) fn restore(&mut self, finished: Option<&Finished>) -> Result<(), usize> {
        self.unmap();
        // INVARIANT: There are no pages left.
        let mut pages = core::mem::replace(&mut self.pages, KVVec::new());
        let lost = pages.len().saturating_mul(PAGE_SIZE);
        let plain = self.plain || Finished::done(finished, self.listed).ok_or(lost)?;
        if !plain {
            // SAFETY: By the type invariant the pages are ours, and they are not mapped any more.
            unsafe { pages::pages_set(&mut pages, WRITE_BACK) }.map_err(|_| lost)?;
        }
        // INVARIANT: They are write-back, and not mapped.
        drop(PlainPages(pages));
        Ok(())
    }
}

/// A list of pages of several blocks, to make all write-back with one walk and one TLB flush on all
/// CPUs.
///
/// # Invariants
///
/// The owner of each page has the number of this list, and frees the page only when the list is
/// finished. Nobody maps the pages.
pub(crate) struct PageList {
    pages: KVec<NonNull<bindings::page>>,
    number: i64,
    /// Whether there was no room for some.
    short: bool,
}

/// That there is a list no more.
pub(crate) struct Finished {
    number: i64,
    /// Whether all of its pages are write-back.
    done: bool,
}

impl Finished {
    /// Whether pages are write-back that were in the list of this number. `None` if that list may
    /// still have them.
    fn done(finished: Option<&Self>, listed: i64) -> Option<bool> {
        match finished {
            _ if listed == NO_LIST => Some(false),
            Some(it) if it.number == listed => Some(it.done),
            _ => None,
        }
    }
}

impl PageList {
    /// Room for so many, if there is memory for the list.
    pub(crate) fn with_room(pages: usize) -> Option<Self> {
        Some(Self {
            pages: KVec::with_capacity(pages, GFP_NOWAIT | __GFP_NOWARN).ok()?,
            number: LISTS.fetch_add(1, Relaxed).wrapping_add(1),
            short: false,
        })
    }

    fn push_all(&mut self, mut pages: impl Iterator<Item = Option<NonNull<bindings::page>>>) {
        let all = pages
            .all(|page| page.is_some_and(|page| self.pages.push_within_capacity(page).is_ok()));
        self.short |= !all;
    }

    /// Adds the pages of a block, which are not mapped any more, unless they are write-back.
    pub(crate) fn add(&mut self, block: &mut BlockPages) {
        if block.plain || block.listed != NO_LIST || block.mapping.base().is_some() {
            return;
        }
        // INVARIANT: It gets the number.
        block.listed = self.number;
        self.push_all(block.pages.iter().copied().map(Some));
    }

    /// Adds adjacent pages, unless they are write-back.
    pub(crate) fn add_own(&mut self, own: &mut OwnPages) {
        if own.enter(self.number) {
            // INVARIANT: They have the number.
            self.push_all(own.pages());
        }
    }

    /// Makes all write-back in the direct map, if there was room for all. Sleeps.
    pub(crate) fn finish(mut self) -> Finished {
        let done = !self.short
            && (self.pages.is_empty()
                // SAFETY: By the type invariant nobody frees the pages before this list is
                // finished, and they have no other mapping, which would keep another cache type.
                || unsafe { pages::pages_set(&mut self.pages, WRITE_BACK) }.is_ok());
        Finished {
            number: self.number,
            done,
        }
    }
}

/// Adjacent pages of the direct map that each have a reference of their own. They are freed on
/// drop, if they are write-back.
///
/// # Invariants
///
/// At `base` are so many bytes of whole pages that the page allocator gave out like this, and that
/// nobody else uses or maps, but whom the owner gave them. They are write-back if `plain` says so.
/// If `listed`, the [`PageList`] of that number may have them, and `plain` is not set.
pub(crate) struct OwnPages {
    base: NonNull<u8>,
    bytes: usize,
    plain: bool,
    listed: i64,
}

impl OwnPages {
    /// Pages as those of [`pages_exact`].
    pub(crate) fn exact(bytes: usize, gfp: Gfp) -> Option<Self> {
        // INVARIANT: They were just allocated.
        Some(Self {
            base: pages_exact(bytes, gfp)?,
            bytes,
            plain: true,
            listed: NO_LIST,
        })
    }

    /// Pages of one node alone. At most [`PAGES_MAX`] bytes, of whole pages.
    pub(crate) fn on(bytes: usize, gfp: Gfp, node: Node) -> Option<Self> {
        if bytes > PAGES_MAX {
            return None;
        }
        // SAFETY: Any flags are allowed; the node exists or is none; this is not above the most.
        let base: *mut c_void = unsafe { raw::rust_pool_pages_on(gfp, bytes, node.raw()) };
        // INVARIANT: As above.
        Some(Self {
            base: NonNull::new(base.cast())?,
            bytes,
            plain: true,
            listed: NO_LIST,
        })
    }

    /// Exactly the page frames from `pfn` on, if all are of the node. Sleeps.
    pub(crate) fn at_frame(pfn: u64, pages: usize, node: Node) -> Result<Self, Contig> {
        let base = contig_try(pfn, pages, node)?;
        // INVARIANT: As above; there are fewer pages than an address has values.
        Ok(Self {
            base,
            bytes: pages.wrapping_mul(PAGE_SIZE),
            plain: true,
            listed: NO_LIST,
        })
    }

    /// Their address, for a client.
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Their address.
    pub(crate) fn addr(&self) -> usize {
        self.base.as_ptr() as usize
    }

    /// The first.
    pub(crate) fn first(&self) -> Option<NonNull<bindings::page>> {
        page_of(self.base)
    }

    /// Clears them.
    pub(crate) fn clear(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { self.base.write_bytes(0, self.bytes) };
    }

    /// Each page, if it can be found.
    fn pages(&self) -> impl Iterator<Item = Option<NonNull<bindings::page>>> {
        pages_at(self.base, self.bytes / PAGE_SIZE)
    }

    /// Each page by itself, if they are write-back.
    pub(crate) fn into_pages(self) -> impl Iterator<Item = Page> {
        let this = ManuallyDrop::new(self);
        let count = if this.plain {
            this.bytes / PAGE_SIZE
        } else {
            0
        };
        pages_at(this.base, count).flatten().map(Page::of_own)
    }

    /// Notes that the list of this number gets them. Returns whether it may.
    fn enter(&mut self, list: i64) -> bool {
        if self.plain || self.listed != NO_LIST {
            return false;
        }
        self.listed = list;
        true
    }

    /// Makes them write-back, unless they are, or a list that was `finished` did so, and frees
    /// them. The error is how many bytes are lost, as that cannot be done. Sleeps.
    pub(crate) fn restore(mut self, finished: Option<&Finished>) -> Result<(), usize> {
        let lost = self.bytes;
        if !self.plain {
            // INVARIANT: The list that had them is finished, if there was one.
            self.plain = Finished::done(finished, self.listed).ok_or(lost)?;
            self.listed = NO_LIST;
        }
        if !self.plain {
            self.set_cache(raw::_MEMORY_CACHING_TYPE_MmCached)
                .map_err(|_| lost)?;
        }
        Ok(())
    }

    /// Sets their cache type. After an error, part of them may have another than before. Sleeps.
    pub(crate) fn set_cache(&mut self, cache: i32) -> Result {
        let pages = u32::try_from(self.bytes / PAGE_SIZE)?;
        if self.listed != NO_LIST {
            return Err(EBUSY);
        }
        // INVARIANT: Until it is known, they are not write-back.
        self.plain = false;
        // SAFETY: By the type invariant they are the caller's, and no mapping of them is left with
        // another cache type.
        to_result(unsafe { raw::rust_pool_direct_set(self.base.as_ptr().cast(), pages, cache) })?;
        self.plain = cache == raw::_MEMORY_CACHING_TYPE_MmCached;
        Ok(())
    }
}

impl Drop for OwnPages {
    fn drop(&mut self) {
        if self.plain {
            // SAFETY: By the type invariant; nobody uses them any more.
            unsafe { pages::free_pages(self.base, self.bytes) };
        }
    }
}

/// So many adjacent pages, from an address of the direct map on, which the caller owns: all are
/// there.
fn pages_at(
    base: NonNull<u8>,
    count: usize,
) -> impl Iterator<Item = Option<NonNull<bindings::page>>> {
    let at = move |page: usize| base.as_ptr().wrapping_add(page.wrapping_mul(PAGE_SIZE));
    (0..count).map(move |page| page_of(NonNull::new(at(page))?))
}

/// Why page frames could not be allocated.
pub(crate) enum Contig {
    /// This frame can never be allocated; the check was cheap.
    Obstacle(u64),
    /// The kernel tried, and failed.
    Busy,
}

/// Allocates exactly the page frames from `pfn` on, if all are of the node. Sleeps.
fn contig_try(pfn: u64, pages: usize, node: Node) -> Result<NonNull<u8>, Contig> {
    let (mut base, mut obstacle) = (null_mut(), 0);
    let pfn = usize::try_from(pfn).map_err(|_| Contig::Busy)?;
    // SAFETY: The helper checks that every frame exists before it touches it, and writes to `base`
    // and `obstacle` only.
    let err =
        unsafe { raw::rust_pool_contig_try(pfn, pages, node.raw(), &mut base, &mut obstacle) };
    match NonNull::new(base.cast()) {
        Some(base) => Ok(base),
        // CAST: Lossless on the architectures supported.
        None if err == ENXIO.to_errno() => Err(Contig::Obstacle(obstacle as u64)),
        None => Err(Contig::Busy),
    }
}
