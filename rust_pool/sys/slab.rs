// SPDX-License-Identifier: GPL-2.0

//! Slab caches and kmalloc.

use crate::sys::{
    memory::Gfp,
    raw, //
};
use core::{
    mem::{
        align_of,
        size_of,
        MaybeUninit, //
    },
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*,
    str::CStr, //
};

/// A slab cache for objects of one size.
#[derive(Clone, Copy)]
pub(crate) struct Cache(NonNull<bindings::kmem_cache>);

impl Cache {
    /// Makes a cache of objects of `size` bytes, aligned to 16. Hardened user copies accept their
    /// bytes from `offset` on. Sleeps.
    pub(crate) fn new(name: &CStr, size: usize, offset: usize) -> Result<Self> {
        let (size, offset) = (u32::try_from(size)?, u32::try_from(offset)?);
        // SAFETY: `name` is NUL-terminated and copied.
        let cache = unsafe { raw::rust_pool_cache_create(name.as_char_ptr(), size, offset) };
        Ok(Self(NonNull::new(cache).ok_or(ENOMEM)?))
    }

    /// The cache that [`Self::into_raw`] was called on.
    ///
    /// # Safety
    ///
    /// `raw` comes from `into_raw()` of a cache that is not destroyed.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: NonNull<bindings::kmem_cache>) -> Self {
        Self(raw)
    }

    /// The cache as a pointer, to keep in an atomic variable.
    pub(crate) fn into_raw(self) -> *mut bindings::kmem_cache {
        self.0.as_ptr()
    }

    /// An uninitialised object.
    #[inline]
    pub(crate) fn allocate(self, gfp: Gfp) -> Option<SlabObject> {
        // SAFETY: The cache is alive: only `destroy()` frees it, whose callers do not use the cache
        // afterwards.
        let object = unsafe { bindings::kmem_cache_alloc_noprof(self.0.as_ptr(), gfp) };
        // INVARIANT: It was just allocated.
        NonNull::new(object.cast()).map(SlabObject)
    }

    /// Fills `room` with uninitialised objects, or its beginning, and returns their number.
    pub(crate) fn allocate_many(self, room: &mut [MaybeUninit<usize>], gfp: Gfp) -> usize {
        // SAFETY: The cache is alive, as in `allocate()`. `room` is valid for writes of its length,
        // and its elements have the layout of a pointer.
        unsafe {
            raw::rust_pool_cache_allocate_many(
                self.0.as_ptr(),
                gfp,
                room.len(),
                room.as_mut_ptr().cast(),
            )
        }
    }

    /// Gives objects back.
    ///
    /// # Safety
    ///
    /// They come from this cache and are not used any more.
    pub(crate) unsafe fn free_many(self, objects: &mut [usize]) {
        // SAFETY: By the safety requirements; the cache is alive, as in `allocate()`. `usize` has
        // the layout of a pointer.
        unsafe {
            raw::rust_pool_cache_free_many(
                self.0.as_ptr(),
                objects.len(),
                objects.as_mut_ptr().cast(),
            )
        }
    }

    /// Destroys the cache; if objects may have `leaked` from it, only if none is left in it.
    /// Sleeps.
    ///
    /// # Safety
    ///
    /// Nobody uses the cache at the same time, or after it was destroyed. If nothing `leaked`, no
    /// object is left in it.
    pub(crate) unsafe fn destroy(self, leaked: bool) {
        // Asking a cache whether it is empty takes long if KASAN keeps freed objects.
        // SAFETY: The cache is alive. The function returns 0 if it could free all slabs, that is,
        // if no object is left.
        if leaked && unsafe { bindings::kmem_cache_shrink(self.0.as_ptr()) } != 0 {
            return;
        }
        // SAFETY: By the safety requirements nobody uses the cache, and it is empty, or was found
        // so just now.
        unsafe { bindings::kmem_cache_destroy(self.0.as_ptr()) };
    }
}

/// Whether KASAN or slub_debug watches the objects of caches with this name. Sleeps; `None` without
/// memory to find out.
pub(crate) fn caches_are_checked(name: &CStr) -> Option<bool> {
    // SAFETY: `name` is NUL-terminated and copied.
    match unsafe { raw::rust_pool_caches_are_checked(name.as_char_ptr()) } {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// Whether an address lies in a slab.
///
/// # Safety
///
/// `object` is an address of the direct map, in memory that is allocated.
pub(crate) unsafe fn is_slab(object: NonNull<u8>) -> bool {
    // SAFETY: By the safety requirements it has a `struct page`, whose folio does not change.
    unsafe { raw::rust_pool_is_slab(object.as_ptr().cast()) }
}

/// Whether KFENCE takes an object of slab from time to time, to watch it.
#[inline(always)]
pub(crate) fn kfence_samples() -> bool {
    #[cfg(CONFIG_KFENCE)]
    // SAFETY: It is a static of the kernel. The administrator changes it at any time, so it is read
    // once, by a volatile load of an aligned word.
    unsafe {
        (&raw const raw::kfence_sample_interval).read_volatile() != 0
    }
    #[cfg(not(CONFIG_KFENCE))]
    false
}

/// Whether an address, which may be any, lies in memory that KFENCE watches.
pub(crate) fn is_kfence(addr: usize) -> bool {
    // SAFETY: The address is only compared.
    unsafe { raw::rust_pool_is_kfence(addr as *const _) }
}

/// The cache whose slab contains `addr`, which may be any address, and where that slab begins. If
/// the slab is freed meanwhile, both may be anything: compare the cache, and do not dereference it.
pub(crate) fn slab_around(addr: usize) -> Option<(*mut bindings::kmem_cache, usize)> {
    let mut start = 0;
    // SAFETY: The helper checks that the address has a `struct page` before it reads that, and
    // writes to `start` only.
    let cache = unsafe { raw::rust_pool_slab_around(addr, &mut start) };
    (!cache.is_null()).then_some((cache, start))
}

/// Memory from kmalloc, aligned to the largest power of two that divides `bytes`.
#[inline]
pub(crate) fn kmalloc(bytes: usize, gfp: Gfp) -> Option<SlabObject> {
    // SAFETY: With a null pointer this is a plain allocation, for which any size and flags are
    // allowed.
    let block = unsafe {
        bindings::krealloc_node_align_noprof(
            core::ptr::null(),
            bytes,
            1,
            gfp,
            bindings::NUMA_NO_NODE,
        )
    };
    // INVARIANT: It was just allocated.
    NonNull::new(block.cast()).map(SlabObject)
}

/// Room for a `T` in a box, where the kernel crate's own flags are not enough.
pub(crate) fn room<T>(gfp: Gfp) -> Option<KBox<MaybeUninit<T>>> {
    // A box without bytes has no memory. kmalloc aligns to 8 at least.
    const { assert!(size_of::<T>() != 0 && align_of::<T>() <= 8) };
    let room = kmalloc(size_of::<T>(), gfp)?;
    // SAFETY: The memory comes from kmalloc, which `KBox` frees to. It has the size of a `T` and,
    // as asserted above, its alignment; `MaybeUninit` need not be initialised.
    Some(unsafe { KBox::from_raw(room.into_raw().as_ptr().cast()) })
}

/// An object of kmalloc or of a cache.
///
/// # Invariants
///
/// It comes from [`kmalloc`] or [`Cache::allocate`], and only this value has it.
#[must_use = "an object that is not freed is lost"]
#[repr(transparent)]
pub(crate) struct SlabObject(NonNull<u8>);

// SAFETY: It owns the object, which any thread may access and free.
unsafe impl Send for SlabObject {}

impl SlabObject {
    /// The object that [`Self::into_raw`] was called on.
    ///
    /// # Safety
    ///
    /// `at` comes from there, and the caller gives the object up.
    #[inline]
    pub(crate) unsafe fn from_raw(at: NonNull<u8>) -> Self {
        // INVARIANT: By the safety requirements.
        Self(at)
    }

    /// Its address. From now on whoever has that has the object.
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<u8> {
        self.0
    }

    /// Where it is.
    #[inline]
    pub(crate) fn at(&self) -> NonNull<u8> {
        self.0
    }

    /// Its address.
    #[inline]
    pub(crate) fn addr(&self) -> usize {
        self.0.as_ptr() as usize
    }

    /// Frees it.
    #[inline]
    pub(crate) fn free(self) {
        // SAFETY: By the type invariant. The function looks for the object's cache itself.
        unsafe { bindings::kfree(self.0.as_ptr().cast()) }
    }
}
