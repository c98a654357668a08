// SPDX-License-Identifier: GPL-2.0

//! Owned memory descriptor lists (MDLs). What may be done with one is up to its state, a type.

use crate::{
    api::{
        adapter::CommonBuffer,
        allocator::{
            NonPaged,
            Paged, //
        },
        contiguous::{
            Bounds,
            Contiguous, //
        },
        memory::{
            private::Sealed,
            CacheType,
            Cached,
            Memory,
            NotCached, //
        },
        noncached::NonCached,
        tag::PoolTag, //
    },
    lib::text::kwrite,
    sys::{
        here,
        raw,
        this_module,
        PAGE_SIZE, //
    },
    types::status::Status, //
};
use core::{
    marker::PhantomData,
    mem::{
        size_of_val,
        ManuallyDrop, //
    },
    ops::Deref,
    ptr::{
        null_mut,
        NonNull, //
    }, //
};
use kernel::{
    alloc::{
        Box,
        Vec, //
    },
    fmt,
    prelude::*,
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};

/// Memory that an MDL can describe: a `Box` or `Vec` in pool, or an exclusive reference to one; a
/// [`Contiguous`], [`NonCached`] or [`CommonBuffer`], or a reference to one.
///
/// # Safety
///
/// While the value lives, wherever it is moved, the memory that [`Self::place`] returned stays
/// where it is. Nobody has a reference to it, and any bytes may be written there.
pub unsafe trait Buffer: Sealed {
    /// Where it is, and how many bytes it has.
    #[doc(hidden)]
    fn place(&mut self) -> (NonNull<u8>, usize);
}

/// A [`Buffer`] that is not in paged pool.
pub trait NonPagedBuffer: Buffer {}

macro_rules! pool_buffers {
    ($pool:ident) => {
        impl<T: ?Sized, Tag: PoolTag> Sealed for Box<T, $pool<Tag>> {}

        // SAFETY: The value owns the block, which does not move with it. Whoever moves it in has no
        // reference to the contents, for which any bytes are valid.
        unsafe impl<T: ?Sized + AsBytes + FromBytes, Tag: PoolTag> Buffer for Box<T, $pool<Tag>> {
            #[inline]
            fn place(&mut self) -> (NonNull<u8>, usize) {
                let bytes = size_of_val::<T>(self);
                (NonNull::from(&mut **self).cast(), bytes)
            }
        }

        impl<T, Tag: PoolTag> Sealed for Vec<T, $pool<Tag>> {}

        // SAFETY: As above.
        unsafe impl<T: AsBytes + FromBytes, Tag: PoolTag> Buffer for Vec<T, $pool<Tag>> {
            #[inline]
            fn place(&mut self) -> (NonNull<u8>, usize) {
                let bytes = size_of_val::<[T]>(self);
                (NonNull::from(&mut **self).cast(), bytes)
            }
        }
    };
}

pool_buffers!(NonPaged);
pool_buffers!(Paged);

impl<T: ?Sized + AsBytes + FromBytes, Tag: PoolTag> NonPagedBuffer for Box<T, NonPaged<Tag>> {}
impl<T: AsBytes + FromBytes, Tag: PoolTag> NonPagedBuffer for Vec<T, NonPaged<Tag>> {}

impl<B: Buffer> Sealed for &mut B {}

// SAFETY: It is borrowed exclusively, so it does not change, and its memory is as the other
// implementation says.
unsafe impl<B: Buffer> Buffer for &mut B {
    #[inline]
    fn place(&mut self) -> (NonNull<u8>, usize) {
        (**self).place()
    }
}

impl<B: NonPagedBuffer> NonPagedBuffer for &mut B {}

macro_rules! memory_buffers {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<$($generics)*> Sealed for $type {}

        // SAFETY: It owns the memory, or has borrowed its owner. There is never a reference to it.
        unsafe impl<$($generics)*> Buffer for $type {
            #[inline]
            fn place(&mut self) -> (NonNull<u8>, usize) {
                (self.base(), self.len())
            }
        }

        impl<$($generics)*> NonPagedBuffer for $type {}
    )*};
}

memory_buffers! {
    [C: CacheType] Contiguous<C>;
    [C: CacheType] &Contiguous<C>;
    [C: NotCached] NonCached<C>;
    [C: NotCached] &NonCached<C>;
    ['a] CommonBuffer<'a>;
    ['a] &CommonBuffer<'a>;
}

/// What state an MDL is in: [`Built`], [`Locked`], [`Pages`] or [`Mapped`].
pub trait MdlState: Sealed {
    /// Undoes what made the state, except for memory that it owns.
    ///
    /// # Safety
    ///
    /// The MDL is in this state, and will not be used but to free it.
    #[doc(hidden)]
    unsafe fn end(&self, mdl: NonNull<raw::MDL>);
}

/// A state in which the pages have no address yet.
pub trait Mappable: MdlState {}

/// A state in which the buffer has an address.
pub trait Addressed: MdlState {
    /// The buffer.
    #[doc(hidden)]
    fn memory(&self) -> &Memory;
}

/// The MDL describes a buffer, which is where it is. The WDK's `MDL_SOURCE_IS_NONPAGED_POOL`.
pub struct Built<B> {
    memory: Memory,
    buffer: B,
}

/// The pages of a buffer are locked. The WDK's `MDL_PAGES_LOCKED`.
pub struct Locked<B> {
    buffer: B,
}

/// The pages belong to the MDL.
pub struct Pages<C = Cached>(PhantomData<C>);

/// The pages are mapped. The WDK's `MDL_MAPPED_TO_SYSTEM_VA`.
pub struct Mapped<S> {
    memory: Memory,
    pages: S,
}

impl<B> Sealed for Built<B> {}
impl<B> Sealed for Locked<B> {}
impl<C> Sealed for Pages<C> {}
impl<S> Sealed for Mapped<S> {}

impl<B> MdlState for Built<B> {
    #[inline(always)]
    unsafe fn end(&self, _mdl: NonNull<raw::MDL>) {}
}

impl<B> MdlState for Locked<B> {
    #[inline(always)]
    unsafe fn end(&self, mdl: NonNull<raw::MDL>) {
        // SAFETY: By the safety requirements it is an MDL whose pages are locked.
        unsafe { raw::rust_pool_mdl_unlock(mdl.as_ptr(), here()) };
    }
}

impl<C> MdlState for Pages<C> {
    #[inline(always)]
    unsafe fn end(&self, mdl: NonNull<raw::MDL>) {
        // SAFETY: By the safety requirements it is an MDL with pages, which nobody uses any more.
        unsafe { raw::rust_pool_mdl_pages_free(mdl.as_ptr(), here()) };
    }
}

impl<S: MdlState> MdlState for Mapped<S> {
    #[inline(always)]
    unsafe fn end(&self, mdl: NonNull<raw::MDL>) {
        // SAFETY: By the safety requirements it is an MDL that is mapped there, and is in the state
        // `pages` otherwise.
        unsafe {
            unmap(&self.memory, mdl);
            self.pages.end(mdl);
        }
    }
}

impl<B> Mappable for Locked<B> {}
impl<C> Mappable for Pages<C> {}

impl<B> Addressed for Built<B> {
    #[inline]
    fn memory(&self) -> &Memory {
        &self.memory
    }
}

impl<S: MdlState> Addressed for Mapped<S> {
    #[inline]
    fn memory(&self) -> &Memory {
        &self.memory
    }
}

/// Undoes a mapping.
///
/// # Safety
///
/// The MDL is mapped there, and nobody uses the mapping any more.
#[inline(always)]
unsafe fn unmap(memory: &Memory, mdl: NonNull<raw::MDL>) {
    // SAFETY: By the safety requirements.
    unsafe { raw::rust_pool_mdl_unmap(memory.as_ptr().cast(), mdl.as_ptr(), here()) };
}

/// A memory descriptor list: the page frames of a buffer.
///
/// The WDK's `MDL`, in nonpaged pool of the module with the tag `Mdl`. Its state says what its
/// pages are, and what a drop undoes before the MDL is freed:
///
/// - [`Built`]: nothing. It is made by [`Mdl::build`].
/// - [`Locked`]: the lock. It is made by [`Mdl::lock`].
/// - [`Pages`]: the pages are freed. It is made by [`Mdl::allocate`].
/// - [`Mapped`]: the mapping, and then as the state that was mapped. It is made by [`Mdl::map`].
///
/// An MDL owns or borrows its buffer, so that is there as long as the MDL. In the states [`Built`]
/// and [`Mapped`] it dereferences to [`Memory`], whose accesses are volatile or copies, as others
/// may use the pages, too: another mapping, or a device.
///
/// To be dropped up to `DISPATCH_LEVEL`. Elsewhere the drop is reported, and carried out; in NMI
/// the MDL leaks, with its pages. What cannot be undone where sleeping is not allowed is undone a
/// little later.
///
/// # Examples
///
/// ```ignore
/// // A block of pool, by its pages.
/// let mut block = PoolVec::<u8, Ring>::zeroed(10_000, GFP_KERNEL)?;
/// let mdl = Mdl::build(&mut block)?;
/// pr_info!("{} pages, the first is {:#x}\n", mdl.frames().len(), mdl.frames()[0]);
///
/// // Pages without an address, and an address for them.
/// let pages = Mdl::<Pages>::allocate(1 << 20, Bounds::ANY)?;
/// let mapped = pages.map()?;
/// mapped.write(0, 7u32)?;
/// ```
///
/// # Invariants
///
/// `raw` is an MDL in this state, which nobody else writes. It is freed on drop.
pub struct Mdl<S: MdlState> {
    raw: NonNull<raw::MDL>,
    state: S,
}

// SAFETY: Any thread may use an MDL, undo its state, and free it.
unsafe impl<S: MdlState + Send> Send for Mdl<S> {}
// SAFETY: What can be done with a reference only reads the MDL.
unsafe impl<S: MdlState + Sync> Sync for Mdl<S> {}

/// A new MDL, which is in no state yet. It is freed on drop.
///
/// # Invariants
///
/// `0` comes from `rust_pool_mdl_allocate`, and nobody else has it.
struct New(NonNull<raw::MDL>);

impl New {
    /// An MDL for a buffer.
    #[inline(always)]
    fn of(at: NonNull<u8>, bytes: usize) -> Result<Self> {
        let length = u32::try_from(bytes)?;
        if length == 0 {
            return Err(EINVAL);
        }
        let at = at.as_ptr().cast();
        // SAFETY: There is no IRP. The other arguments may be any.
        let mdl = unsafe {
            raw::rust_pool_mdl_allocate(at, length, false, null_mut(), here(), this_module())
        };
        // INVARIANT: It was just allocated.
        NonNull::new(mdl).map(Self).ok_or(ENOMEM)
    }

    /// The MDL, to be freed by the caller.
    #[inline(always)]
    fn into_raw(self) -> NonNull<raw::MDL> {
        ManuallyDrop::new(self).0
    }
}

impl Drop for New {
    #[inline(always)]
    fn drop(&mut self) {
        free(self.0);
    }
}

/// Frees an MDL, if it is one that is not in use.
#[inline(always)]
fn free(mdl: NonNull<raw::MDL>) {
    // SAFETY: It may be any address: what cannot be freed is reported.
    unsafe { raw::rust_pool_mdl_free(mdl.as_ptr(), here()) };
}

impl<B: NonPagedBuffer> Mdl<Built<B>> {
    /// An MDL for a buffer, which stays where it is. The WDK's `IoAllocateMdl` and
    /// `MmBuildMdlForNonPagedPool`. Any context but NMI; never sleeps.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for a buffer without bytes, or with more than `u32::MAX`. [`ENOMEM`] if memory is
    /// short, or for 2 GiB and more. The buffer is dropped.
    #[inline(always)]
    pub fn build(mut buffer: B) -> Result<Self> {
        let (at, bytes) = buffer.place();
        let mdl = New::of(at, bytes)?;
        // SAFETY: It is an MDL that nobody else uses.
        unsafe { raw::rust_pool_mdl_build(mdl.0.as_ptr(), here()) };
        // SAFETY: As above.
        if i32::from(unsafe { (*mdl.0.as_ptr()).MdlFlags }) & NONPAGED == 0 {
            // It was reported why.
            return Err(EINVAL);
        }
        // INVARIANT: It was just built.
        Ok(Self {
            raw: mdl.into_raw(),
            state: Built {
                // SAFETY: By the safety requirements of `Buffer`; the value has the buffer.
                memory: unsafe { Memory::new(at, bytes) },
                buffer,
            },
        })
    }

    /// Frees the MDL, and returns the buffer.
    #[inline(always)]
    pub fn into_buffer(self) -> B {
        self.end().buffer
    }
}

/// The flag that says that an MDL was built.
// CAST: It is a small positive number.
const NONPAGED: i32 = raw::MDL_SOURCE_IS_NONPAGED_POOL as i32;

impl<B: Buffer> Mdl<Locked<B>> {
    /// An MDL for a buffer in any pool, whose pages are locked. The WDK's `IoAllocateMdl` and
    /// `MmProbeAndLockPages`, with `IoModifyAccess`. Up to `DISPATCH_LEVEL`; above it a violation
    /// (0xC4/0x70).
    ///
    /// Kernel memory does not move in any case. But these pages can be mapped, at another address.
    ///
    /// # Errors
    ///
    /// As for [`Mdl::build`], and [`EINVAL`] after a violation.
    #[inline(always)]
    pub fn lock(mut buffer: B) -> Result<Self> {
        let (at, bytes) = buffer.place();
        let mdl = New::of(at, bytes)?;
        // CAST: The enumerations have few values.
        let (mode, access) = (
            raw::_MODE_KernelMode as i8,
            raw::_LOCK_OPERATION_IoModifyAccess,
        );
        // SAFETY: It is an MDL that nobody else uses.
        Status::result_of(unsafe {
            raw::rust_pool_mdl_lock(mdl.0.as_ptr(), mode, access, here())
        })?;
        // INVARIANT: Its pages were just locked.
        Ok(Self {
            raw: mdl.into_raw(),
            state: Locked { buffer },
        })
    }

    /// Unlocks the pages, frees the MDL, and returns the buffer.
    #[inline(always)]
    pub fn into_buffer(self) -> B {
        self.end().buffer
    }
}

impl<C: CacheType> Mdl<Pages<C>> {
    /// Pages, cleared, and an MDL for them. The bytes are rounded up to whole pages, all of which
    /// are allocated, or none. The WDK's `MmAllocateNodePagesForMdlEx`, with
    /// `MM_ALLOCATE_FULLY_REQUIRED`.
    ///
    /// Cached: up to `DISPATCH_LEVEL`, where only free memory is taken. Other cache types: a task
    /// that may sleep. Elsewhere a violation (0xC2/0x08).
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for bounds with a boundary. [`ENOMEM`] if there are not so many pages within the
    /// bounds, memory is short, or after a violation: no bytes, more than 4 GiB less a page, bounds
    /// that cannot be, or the wrong context.
    #[inline(always)]
    pub fn allocate(bytes: usize, bounds: Bounds) -> Result<Self> {
        Self::new(bytes, bounds, raw::MM_ALLOCATE_FULLY_REQUIRED)
    }

    /// Like [`Self::allocate`], but there may be fewer pages: [`Mdl::len`] says how many bytes
    /// there are.
    ///
    /// # Errors
    ///
    /// As there, but [`ENOMEM`] for want of pages only if there is none.
    #[inline(always)]
    pub fn allocate_some(bytes: usize, bounds: Bounds) -> Result<Self> {
        Self::new(bytes, bounds, 0)
    }

    #[inline(always)]
    fn new(bytes: usize, bounds: Bounds, flags: u32) -> Result<Self> {
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
        // SAFETY: What is wanted is valid for reads.
        let mdl = unsafe { raw::rust_pool_mdl_pages(&wanted, here(), this_module()) };
        // INVARIANT: It is a new MDL, with pages.
        Ok(Self {
            raw: NonNull::new(mdl).ok_or(ENOMEM)?,
            state: Pages(PhantomData),
        })
    }
}

/// An MDL that could not be mapped. For `?` it is the error [`ENOMEM`].
pub struct NotMapped<S: MdlState>(pub Mdl<S>);

impl<S: MdlState> From<NotMapped<S>> for Error {
    #[inline(always)]
    fn from(_: NotMapped<S>) -> Self {
        ENOMEM
    }
}

impl<S: MdlState> fmt::Debug for NotMapped<S> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(f, "NotMapped({:?})", self.0)
    }
}

impl<S: Mappable> Mdl<S> {
    /// Maps the pages, writable, with the cache type that they have. The WDK's
    /// `MmGetSystemAddressForMdlSafe`.
    ///
    /// Up to `DISPATCH_LEVEL`; above it a violation (0xC4/0x76). Where sleeping is not allowed,
    /// only pages that are adjacent can be mapped.
    ///
    /// # Errors
    ///
    /// [`NotMapped`] if memory is short, or in the wrong context.
    #[inline(always)]
    pub fn map(self) -> Result<Mdl<Mapped<S>>, NotMapped<S>> {
        let mode = raw::_MODE_KernelMode as i8;
        let (cache, priority) = (
            raw::RUST_POOL_MDL_AS_IT_IS,
            raw::_MM_PAGE_PRIORITY_NormalPagePriority,
        );
        let mdl = self.raw.as_ptr();
        // SAFETY: By the type invariant it is an MDL, and nobody else uses it.
        let at = unsafe { raw::rust_pool_mdl_map(mdl, mode, cache, priority, here()) };
        let Some(at) = NonNull::new(at.cast()) else {
            return Err(NotMapped(self));
        };
        let bytes = self.len();
        let (raw, pages) = self.into_parts();
        // INVARIANT: It was just mapped.
        Ok(Mdl {
            raw,
            state: Mapped {
                // SAFETY: The pages are mapped there, and stay where they are until they are
                // unmapped. Any bytes may be written there.
                memory: unsafe { Memory::new(at, bytes) },
                pages,
            },
        })
    }
}

impl<S: Mappable> Mdl<Mapped<S>> {
    /// Undoes the mapping.
    #[inline(always)]
    pub fn unmap(self) -> Mdl<S> {
        let (raw, Mapped { memory, pages }) = self.into_parts();
        // SAFETY: By the type invariant it is mapped there. Nobody has borrowed the memory.
        unsafe { unmap(&memory, raw) };
        // INVARIANT: It is in the state in which it was mapped.
        Mdl { raw, state: pages }
    }
}

impl<S: MdlState> Mdl<S> {
    /// The bytes of the buffer. The WDK's `MmGetMdlByteCount`.
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        // SAFETY: By the type invariant.
        // CAST: `usize` is 64 bits wide on the architectures supported.
        unsafe { (*self.raw.as_ptr()).ByteCount as usize }
    }

    /// Where the buffer begins in its first page. The WDK's `MmGetMdlByteOffset`.
    #[inline]
    pub fn offset(&self) -> usize {
        // SAFETY: By the type invariant.
        // CAST: As above.
        unsafe { (*self.raw.as_ptr()).ByteOffset as usize }
    }

    /// The frame numbers of the pages: physical addresses, divided by the page size. The WDK's
    /// `MmGetMdlPfnArray`.
    #[inline]
    pub fn frames(&self) -> &[usize] {
        let pages = self.offset().saturating_add(self.len()).div_ceil(PAGE_SIZE);
        // SAFETY: By the type invariant the MDL has the frame of each page behind its head, and
        // nobody writes there.
        unsafe { core::slice::from_raw_parts(self.raw.as_ptr().add(1).cast(), pages) }
    }

    /// The MDL, for routines that only read it.
    #[inline]
    pub(crate) fn raw(&self) -> *mut raw::MDL {
        self.raw.as_ptr()
    }

    /// The MDL and its state, to be ended by the caller.
    #[inline(always)]
    fn into_parts(self) -> (NonNull<raw::MDL>, S) {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used after this, and not dropped.
        (this.raw, unsafe { core::ptr::read(&this.state) })
    }

    /// Ends the state, and frees the MDL.
    #[inline(always)]
    fn end(self) -> S {
        let (raw, state) = self.into_parts();
        // SAFETY: By the type invariant. It is freed next.
        unsafe { state.end(raw) };
        free(raw);
        state
    }
}

impl<S: MdlState> Drop for Mdl<S> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: By the type invariant. It is freed next.
        unsafe { self.state.end(self.raw) };
        free(self.raw);
    }
}

impl<S: Addressed> Deref for Mdl<S> {
    type Target = Memory;

    #[inline]
    fn deref(&self) -> &Memory {
        self.state.memory()
    }
}

impl<S: MdlState> fmt::Debug for Mdl<S> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (offset, len) = (self.offset(), self.len());
        kwrite!(f, "Mdl {{ offset: {offset}, len: {len} }}")
    }
}
