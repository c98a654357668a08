// SPDX-License-Identifier: GPL-2.0

//! Tagged allocators for the kernel's own `Box` and `Vec`.
//!
//! A free says its layout and its type says the tag, so these blocks need no header.

use super::{
    shape::{
        Shape,
        MIN_ALIGN, //
    },
    tag::{
        row,
        PoolTag, //
    }, //
};
use crate::{
    export::{
        export_symbol_gpl,
        matches_header, //
    },
    gfp::Request,
    sys::{
        self,
        raw, //
    },
    tag::PoolKind,
    verifier,
    violation, //
};
use core::{
    alloc::Layout,
    marker::PhantomData,
    ptr::NonNull, //
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
    prelude::*, //
};

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

/// Whether the verifier has the request fail on purpose.
#[inline(always)]
fn refused<T: PoolTag>(kind: PoolKind, bytes: usize) -> bool {
    // CAST: The discriminants are those of POOL_TYPE.
    let kind = kind as u32;
    // SAFETY: May be called with any arguments in any context.
    verifier::on() && unsafe { raw::rust_pool_verified_refuse(kind, T::TAG.as_raw(), bytes) }
}

/// Has the verifier record a block.
#[inline(always)]
fn record<T: PoolTag>(kind: PoolKind, block: NonNull<u8>, bytes: usize) {
    if verifier::on() {
        let (block, tag) = (block.as_ptr().cast(), T::TAG.as_raw());
        // CAST: The discriminants are those of POOL_TYPE.
        let kind = kind as u32;
        // SAFETY: May be called with any arguments in any context but NMI.
        unsafe { raw::rust_pool_verified_add(block, kind, tag, bytes) };
    }
}

/// Has the verifier forget a block, before it is anybody else's.
#[inline(always)]
fn forget(block: NonNull<u8>) {
    if verifier::on() {
        // SAFETY: May be called with any arguments in any context but NMI.
        unsafe { raw::rust_pool_verifier_remove(block.as_ptr().cast()) };
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
            forget(ptr);
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
    if refused::<T>(kind, layout.size()) {
        row.fail();
        return Err(AllocError);
    }
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
        record::<T>(kind, block, new.asked);
        return Ok(NonNull::slice_from_raw_parts(block, new.asked));
    };
    // What would come from the same place anyway stays where it is.
    let block = if new.used == old.used && ptr.as_ptr() as usize % new.align == 0 {
        if flags.contains(__GFP_ZERO) && new.asked > old.asked {
            // SAFETY: The block has room for `new.asked` bytes, as many as it takes being the same.
            unsafe { ptr.add(old.asked).write_bytes(0, new.asked - old.asked) };
        }
        forget(ptr);
        ptr
    } else {
        let Some(block) = allocate(new, flags) else {
            row.fail();
            return Err(AllocError);
        };
        forget(ptr);
        // SAFETY: Both blocks are at least as large, and one is new. The old one goes.
        unsafe {
            block.copy_from_nonoverlapping(ptr, old.asked.min(new.asked));
            free(ptr, old);
        }
        block
    };
    row.discharge(old.asked, old.used);
    row.charge(new.asked, new.used);
    record::<T>(kind, block, new.asked);
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
