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

/// A block that is owned. It is not freed on drop.
///
/// # Invariants
///
/// It was allocated with this shape, and nobody else has it.
struct Owned {
    at: NonNull<u8>,
    shape: Shape,
}

impl Owned {
    /// Allocates a block of this shape.
    #[inline]
    fn new(shape: Shape, flags: Flags) -> Option<Self> {
        let zero = flags.contains(__GFP_ZERO);
        let sleep = flags.contains(GFP_KERNEL);
        // INVARIANT: It was just allocated.
        let owned = |at| Self { at, shape };
        if shape.by_kmalloc() {
            let gfp = raw::RUST_POOL_GFP_NOWAIT | if zero { raw::RUST_POOL_GFP_ZERO } else { 0 };
            if let Some(block) = sys::kmalloc(shape.used, gfp) {
                return Some(owned(block.into_raw()));
            }
            let block = exported::rust_pool_kmalloc_slow(shape.used, zero, sleep);
            return NonNull::new(block.cast()).map(owned);
        }
        let block = exported::rust_pool_large_allocate(shape.asked, zero, sleep);
        NonNull::new(block.cast()).map(owned)
    }

    /// The block that an [`Allocator`] was passed. For a layout without bytes nothing was
    /// allocated, and the pointer is dangling.
    ///
    /// # Safety
    ///
    /// An allocator returned it for this layout, and whoever has it gives it up.
    #[inline(always)]
    unsafe fn passed(at: NonNull<u8>, layout: Layout) -> Result<Option<Self>, AllocError> {
        if layout.size() == 0 {
            return Ok(None);
        }
        let shape = Shape::new(layout).ok_or(AllocError)?;
        // INVARIANT: It was allocated with this layout, and so with this shape.
        Ok(Some(Self { at, shape }))
    }

    /// The block, to be passed to an [`Allocator`] later.
    #[inline(always)]
    fn into_slice(self) -> NonNull<[u8]> {
        NonNull::slice_from_raw_parts(self.at, self.shape.asked)
    }

    /// Its address, as the exported functions take it.
    #[inline(always)]
    fn addr(&self) -> *mut c_void {
        self.at.as_ptr().cast()
    }

    /// Whether a block of this shape would come from the same allocator and class, and may begin
    /// here.
    #[inline(always)]
    fn fits(&self, new: Shape) -> bool {
        new.used == self.shape.used && self.at.as_ptr() as usize % new.align == 0
    }

    /// Gives the block another shape, which it [`fits`](Self::fits). If wanted, clears the bytes
    /// that it gains.
    #[inline(always)]
    fn reshaped(self, new: Shape, zero: bool) -> Self {
        let Self { at, shape: old } = self;
        if zero && new.asked > old.asked {
            // SAFETY: By the type invariant the block takes `old.used` bytes, which are as many as
            // `new.used`, so it has room for `new.asked`.
            unsafe { at.add(old.asked).write_bytes(0, new.asked - old.asked) };
        }
        // INVARIANT: It would have been allocated in the same way.
        Self { at, shape: new }
    }

    /// Copies the contents of another block, as far as both go.
    #[inline(always)]
    fn copy(&mut self, old: &Self) {
        let bytes = old.shape.asked.min(self.shape.asked);
        // SAFETY: By the type invariants both blocks have so many bytes, and do not overlap.
        unsafe { self.at.copy_from_nonoverlapping(old.at, bytes) };
    }

    /// Frees the block.
    #[inline]
    fn free(self) {
        let Self { at, shape } = self;
        // SAFETY: By the type invariant the block is ours, and comes from what `new()` calls for
        // such a shape: kmalloc, or `rust_pool_large_allocate()` with the same size.
        unsafe {
            if shape.by_kmalloc() {
                sys::SlabObject::from_raw(at).free();
            } else {
                raw::rust_pool_large_free(at.as_ptr().cast(), shape.asked);
            }
        }
    }

    /// Frees the block, checks the context, and counts it.
    #[inline(always)]
    fn release<T: PoolTag>(self, kind: PoolKind) {
        if kind == PoolKind::Paged {
            exported::rust_pool_paged_check_free(self.addr(), here());
        }
        row::<T>(kind).discharge(self.shape.asked, self.shape.used);
        self.free();
    }
}

/// [`realloc`] while somebody watches: the verifier makes requests fail and records live blocks,
/// and tracers are told.
#[cold]
#[inline(never)]
fn realloc_watched<T: PoolTag>(
    kind: PoolKind,
    old: Option<Owned>,
    layout: Layout,
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
    let gone = |old: &Owned| {
        let (addr, Shape { asked, used, .. }) = (old.addr(), old.shape);
        if layout.size() == 0 {
            exported::rust_pool_watched_free(addr, pool, tag, asked, used, here());
        } else {
            exported::rust_pool_watched_move(addr, pool, tag, asked, used, here());
        }
    };
    let block = realloc_plain::<T>(kind, old, layout, flags, gone)?;
    if let Some(new) = Shape::new(layout).filter(|_| layout.size() != 0) {
        let at = block.as_ptr().cast();
        exported::rust_pool_watched_add(at, pool, tag, new.asked, new.used, here());
    }
    Ok(block)
}

/// [`Allocator::realloc`] for both pools.
#[inline(always)]
fn realloc<T: PoolTag>(
    kind: PoolKind,
    old: Option<Owned>,
    layout: Layout,
    flags: Flags,
) -> Result<NonNull<[u8]>, AllocError> {
    if sys::watched() {
        // It is taken apart first, or the code for the other case would have it in memory, too.
        let old = old.map(|Owned { at, shape }| Owned { at, shape });
        realloc_watched::<T>(kind, old, layout, flags)
    } else {
        realloc_plain::<T>(kind, old, layout, flags, |_| ())
    }
}

/// [`Allocator::free`] for both pools.
#[inline(always)]
fn free<T: PoolTag>(kind: PoolKind, block: Owned) {
    if sys::watched() {
        let (addr, Shape { asked, used, .. }) = (block.addr(), block.shape);
        // CAST: The discriminants are those of POOL_TYPE.
        let (pool, tag) = (kind as u32, T::TAG.as_raw());
        exported::rust_pool_watched_free(addr, pool, tag, asked, used, here());
    }
    block.release::<T>(kind);
}

/// Does what [`Allocator::realloc`] has to do. Calls `gone` before it gives the old block up.
#[inline(always)]
fn realloc_plain<T: PoolTag>(
    kind: PoolKind,
    old: Option<Owned>,
    layout: Layout,
    flags: Flags,
    gone: impl FnOnce(&Owned),
) -> Result<NonNull<[u8]>, AllocError> {
    if layout.size() == 0 {
        if let Some(old) = old {
            gone(&old);
            old.release::<T>(kind);
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
    let Some(old) = old else {
        let Some(block) = Owned::new(new, flags) else {
            row.fail();
            return Err(AllocError);
        };
        row.charge(new.asked, new.used);
        return Ok(block.into_slice());
    };
    let was = old.shape;
    // The block stays where it is if it fits.
    let block = if old.fits(new) {
        gone(&old);
        old.reshaped(new, flags.contains(__GFP_ZERO))
    } else {
        let Some(mut block) = Owned::new(new, flags) else {
            row.fail();
            return Err(AllocError);
        };
        gone(&old);
        block.copy(&old);
        old.free();
        block
    };
    row.discharge(was.asked, was.used);
    row.charge(new.asked, new.used);
    Ok(block.into_slice())
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
            /// The bytes that a block of this layout takes. `None` if there can be no such block:
            /// its alignment is not possible, or its size overflows.
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
                _nid: NumaNode,
            ) -> Result<NonNull<[u8]>, AllocError> {
                realloc::<T>($kind, None, layout, flags)
            }

            #[inline(always)]
            unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
                // SAFETY: By the safety requirements, which are the same.
                if let Ok(Some(block)) = unsafe { Owned::passed(ptr, layout) } {
                    free::<T>($kind, block);
                }
            }

            #[inline(always)]
            unsafe fn realloc(
                ptr: Option<NonNull<u8>>,
                layout: Layout,
                old_layout: Layout,
                flags: Flags,
                _nid: NumaNode,
            ) -> Result<NonNull<[u8]>, AllocError> {
                let old = match ptr {
                    // SAFETY: By the safety requirements, which are the same. After an error
                    // nothing was done to the block.
                    Some(ptr) => unsafe { Owned::passed(ptr, old_layout)? },
                    None => None,
                };
                realloc::<T>($kind, old, layout, flags)
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
