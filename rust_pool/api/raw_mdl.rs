// SPDX-License-Identifier: GPL-2.0

//! Memory descriptor lists that a value owns, and what was done to them.
//!
//! Each type undoes on drop what it stands for, and then drops the one that it has.

use crate::{
    api::{
        access::Access,
        contiguous::Bounds,
        exported::allocations,
        memory::{
            private::Sealed,
            CacheType,
            Memory,
            Owned, //
        }, //
    },
    lib::argument::{
        calls,
        Given, //
    },
    sys::{
        here,
        raw,
        this_module,
        PAGE_SIZE, //
    },
    types::status::Status, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::{
    bindings,
    prelude::*, //
};

calls! {
    // SAFETY: There is never an IRP. What is wanted is valid for reads. An MDL is one that its
    // value owns, so nobody else uses it, and what is freed is not used after the drop that calls
    // this: the MDL itself, its lock, its pages, or its mapping. A source is only read, and nobody
    // writes it meanwhile. The other arguments may be any.
    unsafe extern "C" {
        safe fn rust_pool_mdl_allocate(
            at: *mut c_void,
            bytes: u32,
            secondary: bool,
            irp: NoIrp,
            caller: usize,
            module: *mut bindings::module
        ) -> *mut raw::MDL;
        safe fn rust_pool_mdl_free(mdl: &mut Allocated, caller: usize);
        safe fn rust_pool_mdl_build(mdl: &mut Allocated, caller: usize);
        safe fn rust_pool_mdl_partial(
            source: &FilledMdl,
            target: &mut Allocated,
            at: *mut c_void,
            bytes: u32,
            caller: usize
        );
        safe fn rust_pool_mdl_lock(
            mdl: &mut Allocated,
            mode: i8,
            operation: u32,
            caller: usize
        ) -> i32;
        safe fn rust_pool_mdl_unlock(mdl: &mut LockedMdl, caller: usize);
        safe fn rust_pool_mdl_pages(
            wanted: &raw::rust_pool_mdl_wanted,
            caller: usize,
            module: *mut bindings::module
        ) -> *mut raw::MDL;
        safe fn rust_pool_mdl_pages_free(mdl: &mut PagesMdl, caller: usize);
        safe fn rust_pool_mdl_unmap(memory: Owned, mdl: &mut MappedMdl, caller: usize);
    }
}

allocations! {
    // SAFETY: The MDL is borrowed exclusively, so nobody else uses it. The other arguments may be
    // any. The function returns null, or where the pages are mapped, which stay there until they
    // are unmapped. Any bytes may be written there, or the state's `Access` lets nobody write any.
    unsafe extern "C" {
        /// Maps the pages of an MDL.
        safe fn rust_pool_mdl_map(
            mdl: &mut FilledMdl,
            mode: i8,
            cache: i32,
            priority: u32,
            caller: usize
        ) -> [u8; mdl.len()];
    }
}

/// No IRP.
struct NoIrp;

impl Given<*mut raw::_IRP> for NoIrp {
    #[inline(always)]
    fn given(self) -> *mut raw::_IRP {
        null_mut()
    }
}

/// An MDL that rust_pool allocated. It is freed on drop.
///
/// # Invariants
///
/// `0` is an MDL, and nobody else writes it.
struct Allocated(NonNull<raw::MDL>);

// SAFETY: Any thread may use an MDL, undo what was done to it, and free it.
unsafe impl Send for Allocated {}
// SAFETY: What can be done with a reference only reads the MDL.
unsafe impl Sync for Allocated {}

impl Given<*mut raw::MDL> for &mut Allocated {
    #[inline(always)]
    fn given(self) -> *mut raw::MDL {
        self.0.as_ptr()
    }
}

impl Allocated {
    /// An MDL for a buffer.
    #[inline(always)]
    fn new((at, bytes): (*mut u8, usize)) -> Result<Self> {
        let length = u32::try_from(bytes)?;
        if length == 0 {
            return Err(EINVAL);
        }
        let at = at.cast();
        let mdl = rust_pool_mdl_allocate(at, length, false, NoIrp, here(), this_module());
        // INVARIANT: It was just allocated.
        NonNull::new(mdl).map(Self).ok_or(ENOMEM)
    }

    /// The head.
    #[inline(always)]
    fn head(&self) -> &raw::MDL {
        // SAFETY: By the type invariant it is an MDL, which nobody writes while it is borrowed.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Allocated {
    #[inline(always)]
    fn drop(&mut self) {
        rust_pool_mdl_free(self, here());
    }
}

/// An MDL that has the frames of its buffer.
///
/// # Invariants
///
/// Behind the head is the frame of each page that the buffer lies in.
pub struct FilledMdl(Allocated);

/// The flag that says that an MDL was built.
// CAST: It is a small positive number.
const NONPAGED: i32 = raw::MDL_SOURCE_IS_NONPAGED_POOL as i32;
/// The flag that says that it is a part of another.
// CAST: As above.
const PARTIAL: i32 = raw::MDL_PARTIAL as i32;

impl FilledMdl {
    /// An MDL that was built for a buffer.
    #[inline(always)]
    pub(super) fn build((at, bytes): (NonNull<u8>, usize)) -> Result<Self> {
        let mut mdl = Allocated::new((at.as_ptr(), bytes))?;
        rust_pool_mdl_build(&mut mdl, here());
        if i32::from(mdl.head().MdlFlags) & NONPAGED == 0 {
            // It was reported why.
            return Err(EINVAL);
        }
        // INVARIANT: It was just built.
        Ok(Self(mdl))
    }

    /// An MDL for so many bytes of the buffer, from `offset` on. There are so many.
    #[inline(always)]
    pub(super) fn part(&self, offset: usize, bytes: usize) -> Result<Self> {
        let at = self.start().wrapping_byte_add(offset);
        let mut mdl = Allocated::new((at.cast(), bytes))?;
        let length = mdl.head().ByteCount;
        rust_pool_mdl_partial(self, &mut mdl, at, length, here());
        if i32::from(mdl.head().MdlFlags) & PARTIAL == 0 {
            // It was reported why.
            return Err(EINVAL);
        }
        // INVARIANT: The frames were just copied.
        Ok(Self(mdl))
    }

    /// Where the buffer begins, by the addresses that the MDL says.
    #[inline]
    pub(super) fn start(&self) -> *mut c_void {
        self.0.head().StartVa.wrapping_byte_add(self.offset())
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        // CAST: `usize` is 64 bits wide on the architectures supported.
        self.0.head().ByteCount as usize
    }

    #[inline]
    pub(super) fn offset(&self) -> usize {
        // CAST: As above.
        self.0.head().ByteOffset as usize
    }

    #[inline]
    pub(super) fn frames(&self) -> &[usize] {
        let pages = self.offset().saturating_add(self.len()).div_ceil(PAGE_SIZE);
        // SAFETY: By the type invariant the MDL has the frame of each page behind its head, and
        // nobody writes there.
        unsafe { core::slice::from_raw_parts(self.as_ptr().add(1).cast(), pages) }
    }

    /// The MDL, for routines that only read it.
    #[inline]
    pub(super) fn as_ptr(&self) -> *mut raw::MDL {
        self.0 .0.as_ptr()
    }
}

/// What state an MDL is in: [`Built`](crate::Built), [`Locked`](crate::Locked),
/// [`User`](crate::User), [`Pages`](crate::Pages) or [`Mapped`].
pub trait MdlState: Sealed {
    /// What may be done with the pages.
    type Access: Access;

    /// The MDL.
    #[doc(hidden)]
    fn mdl(&self) -> &FilledMdl;

    /// The buffer, if it has an address: as long as the state does not change, and wherever it is
    /// moved.
    #[doc(hidden)]
    #[inline(always)]
    fn at(&self) -> Option<&Memory> {
        None
    }
}

/// A state in which the buffer has an address.
pub trait Addressed: MdlState {
    /// The buffer.
    #[doc(hidden)]
    fn memory(&self) -> &Memory;
}

/// A state in which the pages have no address yet.
pub trait Mappable: MdlState {
    /// The MDL, to map its pages, which it has as long as the state.
    #[doc(hidden)]
    fn mdl_mut(&mut self) -> &mut FilledMdl;
}

/// The pages are mapped. The WDK's `MDL_MAPPED_TO_SYSTEM_VA`.
///
/// # Invariants
///
/// `mapping` is one of the MDL that `pages` has.
pub struct Mapped<S> {
    // Dropped before the MDL and its pages.
    mapping: Mapping,
    pages: S,
}

impl<S> Sealed for Mapped<S> {}

impl<S: MdlState> MdlState for Mapped<S> {
    type Access = S::Access;

    #[inline(always)]
    fn mdl(&self) -> &FilledMdl {
        self.pages.mdl()
    }

    #[inline(always)]
    fn at(&self) -> Option<&Memory> {
        Some(self.memory())
    }
}

impl<S: MdlState> Addressed for Mapped<S> {
    #[inline]
    fn memory(&self) -> &Memory {
        &self.mapping.memory
    }
}

impl<S: Mappable> Mapped<S> {
    /// Maps the pages, with the cache type that they have. If it cannot, the state is returned as
    /// it was.
    #[inline(always)]
    pub(super) fn new(mut pages: S) -> Result<Self, S> {
        // CAST: The enumeration has few values.
        let mode = raw::_MODE_KernelMode as i8;
        let (cache, priority) = (
            raw::RUST_POOL_MDL_AS_IT_IS,
            raw::_MM_PAGE_PRIORITY_NormalPagePriority,
        );
        let mdl = pages.mdl_mut();
        let Some(memory) = rust_pool_mdl_map(mdl, mode, cache, priority, here()) else {
            return Err(pages);
        };
        // INVARIANT: It was just mapped.
        let mapping = Mapping {
            memory,
            mdl: MappedMdl(mdl.0 .0),
        };
        Ok(Self { mapping, pages })
    }

    /// Undoes the mapping.
    #[inline(always)]
    pub(super) fn unmap(self) -> S {
        let Self { mapping, pages } = self;
        drop(mapping);
        pages
    }
}

/// An MDL whose pages are locked. They are unlocked on drop.
///
/// # Invariants
///
/// Nobody else unlocks the pages.
pub(super) struct LockedMdl(FilledMdl);

impl LockedMdl {
    /// An MDL for a buffer, whose pages were locked on behalf of this mode, for this operation.
    #[inline(always)]
    pub(super) fn lock(place: (*mut u8, usize), mode: i8, operation: u32) -> Result<Self> {
        let mut mdl = Allocated::new(place)?;
        Status::result_of(rust_pool_mdl_lock(&mut mdl, mode, operation, here()))?;
        // INVARIANT: Its pages were just locked, which writes their frames.
        Ok(Self(FilledMdl(mdl)))
    }
}

impl Drop for LockedMdl {
    #[inline(always)]
    fn drop(&mut self) {
        rust_pool_mdl_unlock(self, here());
    }
}

/// An MDL with pages of its own. They are freed on drop.
///
/// # Invariants
///
/// Nobody else frees the pages.
pub(super) struct PagesMdl(FilledMdl);

impl PagesMdl {
    /// New pages, cleared, and an MDL for them.
    #[inline(always)]
    pub(super) fn new<C: CacheType>(bytes: usize, bounds: Bounds, flags: u32) -> Result<Self> {
        if bounds.boundary != 0 {
            return Err(EINVAL);
        }
        let wanted = raw::rust_pool_mdl_wanted {
            lowest: bounds.lowest,
            highest: bounds.highest,
            skip: bounds.skip,
            bytes,
            cache: C::RAW,
            flags,
            node: bounds.node,
        };
        let mdl = rust_pool_mdl_pages(&wanted, here(), this_module());
        // INVARIANT: It is a new MDL, with pages and their frames.
        let mdl = NonNull::new(mdl).map(Allocated).ok_or(ENOMEM)?;
        Ok(Self(FilledMdl(mdl)))
    }
}

impl Drop for PagesMdl {
    #[inline(always)]
    fn drop(&mut self) {
        rust_pool_mdl_pages_free(self, here());
    }
}

/// A mapping of an MDL's pages. It is undone on drop.
///
/// # Invariants
///
/// The pages of `mdl` are mapped at `memory`.
struct Mapping {
    memory: Owned,
    mdl: MappedMdl,
}

/// An MDL that somebody else has.
///
/// # Invariants
///
/// It is there, and mapped, as long as the [`Mapping`] that this is in.
struct MappedMdl(NonNull<raw::MDL>);

// SAFETY: Any thread may undo a mapping.
unsafe impl Send for MappedMdl {}
// SAFETY: Nothing can be done with a reference.
unsafe impl Sync for MappedMdl {}

impl Given<*mut raw::MDL> for &mut MappedMdl {
    #[inline(always)]
    fn given(self) -> *mut raw::MDL {
        self.0.as_ptr()
    }
}

impl Drop for Mapping {
    #[inline(always)]
    fn drop(&mut self) {
        rust_pool_mdl_unmap(self.memory.take(), &mut self.mdl, here());
    }
}

/// It is only read.
impl Given<*mut raw::MDL> for &FilledMdl {
    #[inline(always)]
    fn given(self) -> *mut raw::MDL {
        self.0 .0.as_ptr()
    }
}

impl Given<*mut raw::MDL> for &mut FilledMdl {
    #[inline(always)]
    fn given(self) -> *mut raw::MDL {
        self.0 .0.as_ptr()
    }
}

macro_rules! filled {
    ($($type:ty)*) => {$(
        impl Given<*mut raw::MDL> for &mut $type {
            #[inline(always)]
            fn given(self) -> *mut raw::MDL {
                self.0.as_ptr()
            }
        }

        impl $type {
            #[inline(always)]
            pub(super) fn filled(&self) -> &FilledMdl {
                &self.0
            }

            #[inline(always)]
            pub(super) fn filled_mut(&mut self) -> &mut FilledMdl {
                &mut self.0
            }
        }
    )*};
}

filled! { LockedMdl PagesMdl }
