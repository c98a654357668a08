// SPDX-License-Identifier: GPL-2.0

//! Address space that is reserved, and mappings in it.

use crate::{
    api::{
        exported::allocations,
        mdl::Mdl,
        memory::{
            private::Sealed,
            Memory,
            Owned, //
        },
        raw_mdl::{
            Addressed,
            FilledMdl,
            Mappable,
            MdlState, //
        },
        tag::PoolTag, //
    },
    lib::{
        argument::calls,
        text::kwrite, //
    },
    sys::{
        here,
        raw,
        PAGE_SIZE, //
    }, //
};
use core::marker::PhantomData;
use kernel::{
    fmt,
    prelude::*, //
};

calls! {
    // SAFETY: They take any numbers. An MDL is borrowed exclusively, so nobody else uses it. A
    // mapping, and an area, is given up by its owner.
    unsafe extern "C" {
        safe fn rust_pool_space_free(area: Owned, tag: u32, caller: usize);
        safe fn rust_pool_space_unmap(
            mapping: Owned,
            tag: u32,
            mdl: &mut FilledMdl,
            caller: usize
        );
    }
}

allocations! {
    // SAFETY: They take any numbers, and any addresses as numbers. An MDL is borrowed exclusively,
    // so nobody else uses it. They return null, or where address space is, of which nobody may use
    // a byte, or where pages are mapped, which stay there until they are unmapped. Any bytes may be
    // written there, or the state's `Access` lets nobody write any.
    unsafe extern "C" {
        /// Reserves address space.
        safe fn rust_pool_space_allocate(bytes: usize, tag: u32, caller: usize) -> [u8; 0];

        /// Maps the pages of an MDL there.
        safe fn rust_pool_space_map(
            area: *mut c_void,
            tag: u32,
            mdl: &mut FilledMdl,
            cache: i32,
            caller: usize
        ) -> [u8; mdl.len()];
    }
}

/// Address space in which one MDL at a time can be mapped, without any memory.
///
/// The WDK's `MmAllocateMappingAddress`. It takes page tables, so that a mapping needs none: it is
/// for drivers that have to map when memory is short, or where sleeping is not allowed.
///
/// To be dropped by a task that may sleep. Elsewhere the drop is reported (0xC2/0x09) and the space
/// given back a little later; in NMI it leaks.
///
/// # Examples
///
/// ```ignore
/// let mut space = MappingAddress::<Ring>::new(64 << 10)?;
/// let view = space.map(&mut mdl)?;
/// let first: u32 = view.read(0)?;
/// drop(view);
/// ```
///
/// # Invariants
///
/// `area` is the address of an area that was reserved with this tag, as memory of no bytes. `bytes`
/// are reserved there: whole pages.
pub struct MappingAddress<Tag: PoolTag> {
    area: Owned,
    bytes: usize,
    _tag: PhantomData<fn() -> Tag>,
}

impl<Tag: PoolTag> MappingAddress<Tag> {
    /// Reserves space for `bytes` bytes, in whole pages. An MDL needs as many pages as its buffer
    /// lies in, which is one more than its bytes need if it begins within a page. Sleeps.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if memory or address space is short, for more than 4 GiB, or after a violation:
    /// no bytes (0xDA/0x100), or atomic context (0xC2/0x08).
    #[inline(always)]
    pub fn new(bytes: usize) -> Result<Self> {
        let whole = bytes.checked_next_multiple_of(PAGE_SIZE).ok_or(ENOMEM)?;
        let area = rust_pool_space_allocate(bytes, Tag::TAG.as_raw(), here()).ok_or(ENOMEM)?;
        // INVARIANT: It was just reserved, in whole pages.
        Ok(Self {
            area,
            bytes: whole,
            _tag: PhantomData,
        })
    }

    /// The bytes of the space: whole pages.
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Maps the pages of an MDL, with the cache type that they have, to be accessed as its state
    /// permits. Both are borrowed until the result is dropped, which undoes the mapping. The WDK's
    /// `MmMapLockedPagesWithReservedMapping`, and for the drop `MmUnmapReservedMapping`.
    ///
    /// Up to `DISPATCH_LEVEL`; above it a violation (0xC4/0x76, and 0xC4/0x79 for the drop, which
    /// is carried out, except in NMI).
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the MDL has more pages than the space. [`ENOMEM`] in the wrong context, and at
    /// `DISPATCH_LEVEL` if another CPU has had interrupts disabled for a tenth of a second since
    /// the last mapping was undone.
    #[inline(always)]
    pub fn map<'a, S: Mappable>(&'a mut self, mdl: &'a mut Mdl<S>) -> Result<Mdl<Placed<'a, S>>> {
        if mdl.frames().len() > self.bytes / PAGE_SIZE {
            return Err(EINVAL);
        }
        let (tag, cache) = (Tag::TAG.as_raw(), raw::RUST_POOL_MDL_AS_IT_IS);
        let (area, filled) = (self.area.as_ptr().cast(), mdl.state.mdl_mut());
        let memory = rust_pool_space_map(area, tag, filled, cache, here()).ok_or(ENOMEM)?;
        // INVARIANT: It was just mapped, in space that is borrowed.
        let state = Placed {
            memory,
            tag,
            mdl,
            _space: PhantomData,
        };
        Ok(Mdl { state })
    }
}

impl<Tag: PoolTag> Drop for MappingAddress<Tag> {
    #[inline(always)]
    fn drop(&mut self) {
        rust_pool_space_free(self.area.take(), Tag::TAG.as_raw(), here());
    }
}

impl<Tag: PoolTag> fmt::Debug for MappingAddress<Tag> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, len) = (self.area.as_ptr(), self.bytes);
        kwrite!(f, "MappingAddress {{ at: {at:p}, len: {len} }}")
    }
}

/// The pages of a borrowed MDL are mapped in address space that was reserved. The WDK's
/// `MDL_MAPPED_TO_SYSTEM_VA`. Made by [`MappingAddress::map`].
///
/// # Invariants
///
/// The pages of `mdl` are mapped at `memory`, in space with this tag that is borrowed for `'a`.
pub struct Placed<'a, S: Mappable> {
    memory: Owned,
    tag: u32,
    mdl: &'a mut Mdl<S>,
    _space: PhantomData<&'a mut ()>,
}

impl<S: Mappable> Sealed for Placed<'_, S> {}

impl<S: Mappable> MdlState for Placed<'_, S> {
    type Access = S::Access;

    #[inline(always)]
    fn mdl(&self) -> &FilledMdl {
        self.mdl.state.mdl()
    }

    #[inline(always)]
    fn at(&self) -> Option<&Memory> {
        Some(&self.memory)
    }
}

impl<S: Mappable> Addressed for Placed<'_, S> {
    #[inline]
    fn memory(&self) -> &Memory {
        &self.memory
    }
}

impl<S: Mappable> Drop for Placed<'_, S> {
    #[inline(always)]
    fn drop(&mut self) {
        let memory = self.memory.take();
        rust_pool_space_unmap(memory, self.tag, self.mdl.state.mdl_mut(), here());
    }
}
