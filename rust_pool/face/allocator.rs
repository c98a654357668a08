// SPDX-License-Identifier: GPL-2.0

//! Tagged allocators for the kernel's own `Box` and `Vec`.
//!
//! A free says its layout and its type says the tag, so these blocks need no header.

use crate::{
    backing,
    export::{
        export_symbol_gpl,
        matches_header, //
    },
    gfp::Request,
    statistics::Row,
    sys::{
        self,
        raw,
        PAGE_SIZE, //
    },
    tag::{
        PoolKind,
        Tag, //
    },
    violation, //
};
use core::{
    alloc::Layout,
    marker::PhantomData,
    ptr::{
        null_mut,
        NonNull, //
    }, //
};
use kernel::{
    alloc::{
        flags::{
            GFP_KERNEL,
            __GFP_ZERO, //
        },
        AllocError,
        Allocator,
        Box,
        Flags,
        NumaNode,
        Vec, //
    },
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// A tag as a type. Declare one with [`pool_tag!`](crate::pool_tag).
pub trait PoolTag {
    /// The tag.
    const TAG: Tag;

    /// Where the tag's rows of statistics are remembered: one static for each type.
    fn rows() -> &'static RowCache;
}

/// Remembers a tag's rows of statistics after the first use.
pub struct RowCache([Atomic<*mut Row>; 2]);

impl RowCache {
    /// Remembers nothing yet.
    #[allow(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        Self([const { Atomic::new(null_mut()) }; 2])
    }
}

/// Declares a type that stands for a pool tag of one to four characters.
///
/// # Examples
///
/// ```ignore
/// pool_tag!(pub(crate) Ring = "Ring");
///
/// let ring = PoolBox::<_, Ring>::new([0u64; 64], GFP_KERNEL)?;
/// let mut names: Vec<u8, Paged<Ring>> = Vec::new();
/// ```
#[macro_export]
macro_rules! pool_tag {
    ($(#[$meta:meta])* $vis:vis $name:ident = $tag:literal) => {
        $(#[$meta])*
        #[doc = concat!("The pool tag `", $tag, "`.")]
        $vis struct $name;

        impl $crate::PoolTag for $name {
            const TAG: $crate::Tag = $crate::Tag::new($tag);

            #[inline]
            fn rows() -> &'static $crate::RowCache {
                static ROWS: $crate::RowCache = $crate::RowCache::new();
                &ROWS
            }
        }
    };
}

/// Nonpaged pool under a tag. Any context but NMI; `GFP_KERNEL` sleeps only where that is allowed.
pub struct NonPaged<T: PoolTag>(PhantomData<T>);

/// Paged pool under a tag. Fails in atomic context, and reports that; a free there is reported and
/// carried out.
pub struct Paged<T: PoolTag>(PhantomData<T>);

impl<T: PoolTag> NonPaged<T> {
    /// The bytes that a block of this layout really takes, if there can be one.
    #[inline]
    pub fn used(layout: Layout) -> Option<usize> {
        Some(Shape::new(layout)?.used)
    }
}

impl<T: PoolTag> Paged<T> {
    /// The bytes that a block of this layout really takes, if there can be one.
    #[inline]
    pub fn used(layout: Layout) -> Option<usize> {
        Some(Shape::new(layout)?.used)
    }
}

/// A box in nonpaged pool.
pub type PoolBox<T, Tag> = Box<T, NonPaged<Tag>>;

/// A vector in nonpaged pool.
pub type PoolVec<T, Tag> = Vec<T, NonPaged<Tag>>;

/// The largest block from kmalloc.
const KMALLOC_MAX: usize = 2 * PAGE_SIZE;
/// What the WDK promises for blocks below a page.
const MIN_ALIGN: usize = 16;

/// A block: its size and what it is allocated as.
#[derive(Clone, Copy)]
struct Shape {
    /// Bytes as asked for.
    asked: usize,
    /// Bytes taken, all of which the underlying allocator is asked for: a block that grows into
    /// what was left over needs no word with it then.
    used: usize,
    align: usize,
}

impl Shape {
    #[inline]
    fn new(layout: Layout) -> Option<Self> {
        let asked = layout.size();
        let align = layout.align().max(if asked < PAGE_SIZE {
            MIN_ALIGN
        } else {
            PAGE_SIZE
        });
        // kmalloc aligns to the largest power of two that divides the size.
        let padded = asked.checked_next_multiple_of(align)?;
        if padded <= KMALLOC_MAX {
            let used = kmalloc_bucket(padded);
            return Some(Self { asked, used, align });
        }
        if align > PAGE_SIZE {
            return None;
        }
        let used = backing::used(asked)?;
        Some(Self { asked, used, align })
    }

    #[inline]
    fn by_kmalloc(&self) -> bool {
        self.used <= KMALLOC_MAX
    }
}

/// The size of the kmalloc cache that serves `bytes`, a multiple of 16 up to 8 KiB.
///
/// `kmalloc_size_roundup()` says the same at the price of a call.
#[inline]
const fn kmalloc_bucket(bytes: usize) -> usize {
    match bytes {
        65..=96 => 96,
        129..=192 => 192,
        _ => bytes.next_power_of_two(),
    }
}

#[inline]
fn row<T: PoolTag>(kind: PoolKind) -> &'static Row {
    // CAST: The discriminants are 0 and 1.
    let [nonpaged, paged] = &T::rows().0;
    let cached = match kind {
        PoolKind::NonPaged => nonpaged,
        PoolKind::Paged => paged,
    };
    let mut row = cached.load(Relaxed);
    if row.is_null() {
        // SAFETY: May be called with any arguments in any context but NMI.
        row = unsafe { raw::rust_pool_tag_row(kind as u32, T::TAG.as_raw()) }
            .cast_mut()
            .cast();
        cached.store(row, Relaxed);
    }
    // SAFETY: Rows live as long as rust_pool.ko, and that as long as its users.
    unsafe { &*row }
}

#[inline]
fn allocate(shape: Shape, flags: Flags) -> Option<NonNull<u8>> {
    let zero = flags.contains(__GFP_ZERO);
    let sleep = flags.contains(GFP_KERNEL);
    if shape.by_kmalloc() {
        let gfp = raw::RUST_POOL_GFP_NOWAIT | if zero { raw::RUST_POOL_GFP_ZERO } else { 0 };
        if let Some(block) = sys::kmalloc(shape.used, gfp) {
            return Some(block);
        }
        // SAFETY: May be called with any arguments in any context but NMI.
        let block = unsafe { raw::rust_pool_kmalloc_slow(shape.used, zero, sleep) };
        return NonNull::new(block.cast());
    }
    // SAFETY: May be called with any arguments in any context.
    NonNull::new(unsafe { raw::rust_pool_large_allocate(shape.asked, zero, sleep) }.cast())
}

/// # Safety
///
/// `block` comes from [`allocate`] of this shape and is not used any more.
#[inline]
unsafe fn free(block: NonNull<u8>, shape: Shape) {
    if shape.by_kmalloc() {
        // SAFETY: By the safety requirements.
        unsafe { sys::kfree(block) };
    } else {
        // SAFETY: By the safety requirements.
        unsafe { raw::rust_pool_large_free(block.as_ptr().cast(), shape.asked) };
    }
}

/// [`Allocator::realloc`] for both pools.
///
/// # Safety
///
/// As there.
#[inline]
unsafe fn realloc<T: PoolTag>(
    kind: PoolKind,
    ptr: Option<NonNull<u8>>,
    layout: Layout,
    old_layout: Layout,
    flags: Flags,
) -> Result<NonNull<[u8]>, AllocError> {
    // A zero-sized old layout comes with a dangling pointer, and without a pointer it says nothing.
    let old = match ptr {
        Some(ptr) if old_layout.size() != 0 => {
            Some((ptr, Shape::new(old_layout).ok_or(AllocError)?))
        }
        _ => None,
    };
    if layout.size() == 0 {
        if let Some((ptr, shape)) = old {
            if kind == PoolKind::Paged {
                // SAFETY: May be called with any arguments in any context.
                unsafe { raw::rust_pool_paged_free(ptr.as_ptr().cast()) };
            }
            row::<T>(kind).discharge(shape.asked, shape.used);
            // SAFETY: By the safety requirements, it is a block of this layout, and it goes.
            unsafe { free(ptr, shape) };
        }
        let dangling = core::ptr::without_provenance_mut(layout.align());
        let dangling = NonNull::new(dangling).ok_or(AllocError)?;
        return Ok(NonNull::slice_from_raw_parts(dangling, 0));
    }
    // SAFETY: May be called with any arguments in any context.
    if kind == PoolKind::Paged && !unsafe { raw::rust_pool_paged_allocate(layout.size()) } {
        return Err(AllocError);
    }
    let row = row::<T>(kind);
    let Some(new) = Shape::new(layout) else {
        row.fail();
        return Err(AllocError);
    };
    let Some((ptr, old)) = old else {
        let Some(block) = allocate(new, flags) else {
            row.fail();
            return Err(AllocError);
        };
        row.charge(new.asked, new.used);
        return Ok(NonNull::slice_from_raw_parts(block, new.asked));
    };
    // What would come from the same place anyway stays where it is.
    let block = if new.used == old.used && ptr.as_ptr() as usize % new.align == 0 {
        if flags.contains(__GFP_ZERO) && new.asked > old.asked {
            // SAFETY: The block has room for `new.asked` bytes, as many as it takes being the same.
            unsafe { ptr.add(old.asked).write_bytes(0, new.asked - old.asked) };
        }
        ptr
    } else {
        let Some(block) = allocate(new, flags) else {
            row.fail();
            return Err(AllocError);
        };
        // SAFETY: Both blocks are at least as large, and one is new. The old one goes.
        unsafe {
            block.copy_from_nonoverlapping(ptr, old.asked.min(new.asked));
            free(ptr, old);
        }
        block
    };
    row.discharge(old.asked, old.used);
    row.charge(new.asked, new.used);
    Ok(NonNull::slice_from_raw_parts(block, new.asked))
}

// SAFETY: `realloc()` above
// - returns memory that stays valid until it is passed to it again,
// - accepts any pointer that it returned, wherever that was moved,
// - keeps the guarantees of `Allocator::realloc`: the contents up to the smaller size, the layout's
//   size and alignment, and an error that leaves the old block as it was.
unsafe impl<T: PoolTag> Allocator for NonPaged<T> {
    const MIN_ALIGN: usize = MIN_ALIGN;

    #[inline]
    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        _nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: By the safety requirements.
        unsafe { realloc::<T>(PoolKind::NonPaged, ptr, layout, old_layout, flags) }
    }
}

// SAFETY: As for `NonPaged`.
unsafe impl<T: PoolTag> Allocator for Paged<T> {
    const MIN_ALIGN: usize = MIN_ALIGN;

    #[inline]
    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        _nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: By the safety requirements.
        unsafe { realloc::<T>(PoolKind::Paged, ptr, layout, old_layout, flags) }
    }
}

/// Exported: the second try of a small allocation.
///
/// # Safety
///
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_kmalloc_slow(bytes: usize, zero: bool, sleep: bool) -> *mut c_void {
    let request = Request { bytes, zero, sleep };
    request
        .attempt(|gfp| sys::kmalloc(bytes, gfp))
        .map_or(sys::NULL, |block| block.as_ptr().cast())
}
matches_header!(rust_pool_kmalloc_slow);
export_symbol_gpl!(rust_pool_kmalloc_slow);

/// Whether paged pool may be allocated here; if not, that is reported.
///
/// # Safety
///
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_paged_check(bytes: usize, caller: usize) -> bool {
    if sys::irql() == 0 {
        return true;
    }
    violation::wrong_context(PoolKind::Paged, bytes, caller, "paged pool in this context");
    false
}
matches_header!(rust_pool_paged_check);

/// Reports a free of paged pool where it is not allowed.
///
/// # Safety
///
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_paged_check_free(block: *mut c_void, caller: usize) {
    if sys::irql() != 0 {
        violation::wrong_context_free(
            PoolKind::Paged,
            block as usize,
            caller,
            "paged pool freed in this context",
        );
    }
}
matches_header!(rust_pool_paged_check_free);
