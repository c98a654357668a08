// SPDX-License-Identifier: GPL-2.0

//! Tagged allocators for the kernel's own `Box` and `Vec`.
//!
//! A free passes the block's layout, and its type has the tag. So these blocks need no header.
//!
//! WDK: "ExAllocatePoolWithTag", "ExFreePoolWithTag", "POOL_TYPE".

use crate::{
    api::{
        exported,
        memory::private::Sealed,
        shape::{
            Shape,
            MIN_ALIGN, //
        },
        tag::{
            row,
            PoolTag, //
        }, //
    },
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    memory::request::Request,
    report::{
        rule,
        violation::Parameter, //
    },
    sys::{
        self,
        here,
        raw, //
    },
    types::tag::PoolKind, //
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

/// A box in nonpaged pool.
pub type PoolBox<T, Tag> = Box<T, NonPaged<Tag>>;

/// A vector in nonpaged pool.
pub type PoolVec<T, Tag> = Vec<T, NonPaged<Tag>>;

/// A pool and a tag: [`NonPaged`] or [`Paged`].
pub trait Pool: Sealed {
    /// The tag.
    type Tag: PoolTag;

    /// The pool.
    const KIND: PoolKind;
}

/// Allocates a block of this shape.
#[inline]
fn allocate(shape: Shape, flags: Flags) -> Option<NonNull<u8>> {
    let zero = flags.contains(__GFP_ZERO);
    let sleep = flags.contains(GFP_KERNEL);
    if shape.by_kmalloc() {
        let gfp = raw::RUST_POOL_GFP_NOWAIT | if zero { raw::RUST_POOL_GFP_ZERO } else { 0 };
        if let Some(block) = sys::kmalloc(shape.used, gfp) {
            return Some(block);
        }
        return NonNull::new(exported::rust_pool_kmalloc_slow(shape.used, zero, sleep).cast());
    }
    NonNull::new(exported::rust_pool_large_allocate(shape.asked, zero, sleep).cast())
}

/// Frees a block of this shape.
///
/// # Safety
///
/// `block` comes from [`allocate`] of this shape and is not used any more.
#[inline]
unsafe fn free(block: NonNull<u8>, shape: Shape) {
    if shape.by_kmalloc() {
        // SAFETY: By the safety requirements; for such a shape `allocate()` calls kmalloc.
        unsafe { sys::kfree(block) };
    } else {
        // SAFETY: By the safety requirements; for such a shape `allocate()` calls
        // `rust_pool_large_allocate()` with the same size.
        unsafe { raw::rust_pool_large_free(block.as_ptr().cast(), shape.asked) };
    }
}

/// [`Allocator::realloc`] while somebody watches: the verifier makes requests fail and records live
/// blocks, and tracers are told.
///
/// # Safety
///
/// As for [`Allocator::realloc`].
#[cold]
#[inline(never)]
unsafe fn realloc_watched<T: PoolTag>(
    kind: PoolKind,
    ptr: Option<NonNull<u8>>,
    layout: Layout,
    old_layout: Layout,
    flags: Flags,
) -> Result<NonNull<[u8]>, AllocError> {
    let tag = T::TAG.as_raw();
    // CAST: The discriminants are those of POOL_TYPE.
    let pool = kind as u32;
    let refused = || exported::rust_pool_watched_refuse(pool, tag, layout.size(), here());
    if layout.size() != 0 && refused() {
        row::<T>(kind).fail();
        return Err(AllocError);
    }
    // The address may be used again as soon as the block is freed, so this comes first.
    let gone = |old: NonNull<u8>, shape: Shape| {
        let (old, asked, used) = (old.as_ptr().cast(), shape.asked, shape.used);
        if layout.size() == 0 {
            exported::rust_pool_watched_free(old, pool, tag, asked, used, here());
        } else {
            exported::rust_pool_watched_move(old, pool, tag, asked, used, here());
        }
    };
    // SAFETY: By the safety requirements, which are the same.
    let block = unsafe { realloc_plain::<T>(kind, ptr, layout, old_layout, flags, gone)? };
    if let Some(new) = Shape::new(layout).filter(|_| layout.size() != 0) {
        let at = block.as_ptr().cast();
        exported::rust_pool_watched_add(at, pool, tag, new.asked, new.used, here());
    }
    Ok(block)
}

/// [`Allocator::realloc`] for both pools.
///
/// # Safety
///
/// As for [`Allocator::realloc`].
#[inline(always)]
unsafe fn realloc<T: PoolTag>(
    kind: PoolKind,
    ptr: Option<NonNull<u8>>,
    layout: Layout,
    old_layout: Layout,
    flags: Flags,
) -> Result<NonNull<[u8]>, AllocError> {
    // SAFETY: By the safety requirements, which are the same.
    unsafe {
        if sys::watched() {
            realloc_watched::<T>(kind, ptr, layout, old_layout, flags)
        } else {
            realloc_plain::<T>(kind, ptr, layout, old_layout, flags, |_, _| ())
        }
    }
}

/// Frees a block of this shape, checks the context, and counts it.
///
/// # Safety
///
/// `block` comes from [`allocate`] of this shape and is not used any more.
#[inline(always)]
unsafe fn release<T: PoolTag>(kind: PoolKind, block: NonNull<u8>, shape: Shape) {
    if kind == PoolKind::Paged {
        exported::rust_pool_paged_check_free(block.as_ptr().cast(), here());
    }
    row::<T>(kind).discharge(shape.asked, shape.used);
    // SAFETY: By the safety requirements, which are the same.
    unsafe { free(block, shape) };
}

/// [`Allocator::free`] for both pools.
///
/// # Safety
///
/// As for [`Allocator::free`].
#[inline(always)]
unsafe fn free_layout<T: PoolTag>(kind: PoolKind, ptr: NonNull<u8>, layout: Layout) {
    let Some(shape) = Shape::new(layout).filter(|_| layout.size() != 0) else {
        // Nothing was allocated for it.
        return;
    };
    if sys::watched() {
        let (block, tag) = (ptr.as_ptr().cast(), T::TAG.as_raw());
        // CAST: The discriminants are those of POOL_TYPE.
        let pool = kind as u32;
        exported::rust_pool_watched_free(block, pool, tag, shape.asked, shape.used, here());
    }
    // SAFETY: By the safety requirements it was allocated with this layout, and so with this shape.
    // It is not used any more.
    unsafe { release::<T>(kind, ptr, shape) };
}

/// Does what [`Allocator::realloc`] has to do. Calls `gone` before it gives the old block up.
///
/// # Safety
///
/// As for [`Allocator::realloc`].
#[inline(always)]
unsafe fn realloc_plain<T: PoolTag>(
    kind: PoolKind,
    ptr: Option<NonNull<u8>>,
    layout: Layout,
    old_layout: Layout,
    flags: Flags,
    gone: impl FnOnce(NonNull<u8>, Shape),
) -> Result<NonNull<[u8]>, AllocError> {
    // For an old layout without bytes nothing was allocated, and the pointer is dangling.
    let old = match ptr {
        Some(ptr) if old_layout.size() != 0 => {
            Some((ptr, Shape::new(old_layout).ok_or(AllocError)?))
        }
        _ => None,
    };
    if layout.size() == 0 {
        if let Some((ptr, shape)) = old {
            gone(ptr, shape);
            // SAFETY: By the safety requirements it was allocated with the old layout, and so with
            // this shape. It is not used any more.
            unsafe { release::<T>(kind, ptr, shape) };
        }
        let dangling = core::ptr::without_provenance_mut(layout.align());
        let dangling = NonNull::new(dangling).ok_or(AllocError)?;
        return Ok(NonNull::slice_from_raw_parts(dangling, 0));
    }
    if kind == PoolKind::Paged && !exported::rust_pool_paged_check(layout.size(), here()) {
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
    // The block stays where it is if the new size would come from the same allocator and class.
    let block = if new.used == old.used && ptr.as_ptr() as usize % new.align == 0 {
        if flags.contains(__GFP_ZERO) && new.asked > old.asked {
            // SAFETY: The block takes `old.used` bytes, which are as many as `new.used`, so it has
            // room for `new.asked`.
            unsafe { ptr.add(old.asked).write_bytes(0, new.asked - old.asked) };
        }
        gone(ptr, old);
        ptr
    } else {
        let Some(block) = allocate(new, flags) else {
            row.fail();
            return Err(AllocError);
        };
        gone(ptr, old);
        // SAFETY: Both blocks have at least the smaller size. They do not overlap, as one is new.
        // By the safety requirements the old one was allocated with the old layout, and so with
        // this shape, and it is not used any more.
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

/// Makes the allocator of one pool.
macro_rules! allocator {
    ($(#[$doc:meta])* $pool:ident, $kind:expr) => {
        $(#[$doc])*
        pub struct $pool<T: PoolTag>(PhantomData<T>);

        impl<T: PoolTag> Sealed for $pool<T> {}

        impl<T: PoolTag> Pool for $pool<T> {
            type Tag = T;
            const KIND: PoolKind = $kind;
        }

        impl<T: PoolTag> $pool<T> {
            /// The bytes that a block of this layout takes, if it is possible.
            #[inline]
            pub fn used(layout: Layout) -> Option<usize> {
                Some(Shape::new(layout)?.used)
            }
        }

        // SAFETY: `realloc()` above
        // - returns memory that stays valid until it is passed to it again,
        // - accepts any pointer that it returned, wherever that was moved,
        // - keeps the guarantees of `Allocator::realloc`: the contents up to the smaller size, the
        //   layout's size and alignment, and an error that leaves the old block as it was.
        unsafe impl<T: PoolTag> Allocator for $pool<T> {
            const MIN_ALIGN: usize = MIN_ALIGN;

            // Like the trait's default, but inlined: the layout is usually a constant.
            #[inline(always)]
            fn alloc(
                layout: Layout,
                flags: Flags,
                nid: NumaNode,
            ) -> Result<NonNull<[u8]>, AllocError> {
                // SAFETY: The requirements of `realloc()` are about the old block. There is none.
                unsafe { Self::realloc(None, layout, Layout::new::<()>(), flags, nid) }
            }

            #[inline(always)]
            unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
                // SAFETY: By the safety requirements, which are the same.
                unsafe { free_layout::<T>($kind, ptr, layout) };
            }

            #[inline(always)]
            unsafe fn realloc(
                ptr: Option<NonNull<u8>>,
                layout: Layout,
                old_layout: Layout,
                flags: Flags,
                _nid: NumaNode,
            ) -> Result<NonNull<[u8]>, AllocError> {
                // SAFETY: By the safety requirements, which are the same.
                unsafe { realloc::<T>($kind, ptr, layout, old_layout, flags) }
            }
        }
    };
}

allocator! {
    /// Nonpaged pool under a tag, as an allocator.
    ///
    /// The WDK's `ExAllocatePoolWithTag`, with `NonPagedPoolNx`.
    ///
    /// A block is aligned to 16 bytes, and one of 4096 bytes or more to a page. A layout with a
    /// larger alignment is possible if its size, rounded up to the alignment, is at most 8 KiB. For
    /// others, and if memory is short, the result is [`AllocError`].
    ///
    /// With `GFP_KERNEL` an allocation sleeps, if the context may; with other flags it never does.
    /// `__GFP_ZERO` clears the block. Other flags, and the NUMA node, are ignored.
    ///
    /// Allocations and drops are for any context but NMI, which is not checked.
    NonPaged, PoolKind::NonPaged
}

allocator! {
    /// Paged pool under a tag, as an allocator.
    ///
    /// The WDK's `ExAllocatePoolWithTag`, with `PagedPool`. Like [`NonPaged`], but only for a task
    /// that may sleep. Elsewhere an allocation fails with [`AllocError`] and is reported
    /// (0xC2/0x08), also when a vector grows or shrinks; a drop is reported (0xC2/0x09) and carried
    /// out.
    Paged, PoolKind::Paged
}

/// Exported: the second attempt of a small allocation.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_kmalloc_slow(bytes: usize, zero: bool, sleep: bool) -> *mut c_void {
    let request = Request { bytes, zero, sleep };
    request
        .attempt(|gfp| sys::kmalloc(bytes, gfp))
        .map_or(sys::NULL, |block| block.as_ptr().cast())
}
matches_header!(rust_pool_kmalloc_slow);
export_symbol_gpl!(rust_pool_kmalloc_slow);

/// Exported: whether paged pool may be allocated in this context. If not, reports that.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_paged_check(bytes: usize, caller: usize) -> bool {
    if sys::irql().may_sleep() {
        return true;
    }
    let given = [PoolKind::Paged.into(), bytes.into()];
    rule::PAGED_REQUESTED.by(caller, given).report();
    false
}
matches_header!(rust_pool_paged_check);
export_symbol_gpl!(rust_pool_paged_check);

/// Exported: reports a free of paged pool where it is not allowed.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_paged_check_free(block: *mut c_void, caller: usize) {
    if !sys::irql().may_sleep() {
        rule::PAGED_FREED
            .by(caller, [Parameter::Address(block as usize)])
            .report();
    }
}
matches_header!(rust_pool_paged_check_free);
export_symbol_gpl!(rust_pool_paged_check_free);
