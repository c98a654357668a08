// SPDX-License-Identifier: GPL-2.0

//! Owned memory descriptor lists (MDLs). What may be done with one is up to its state, a type.

use crate::{
    api::{
        access::{
            Access,
            ReadWrite, //
        },
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
        raw_mdl::{
            Addressed,
            FilledMdl,
            LockedMdl,
            Mappable,
            Mapped,
            MdlState,
            PagesMdl, //
        },
        tag::PoolTag, //
    },
    lib::text::kwrite,
    sys::{
        raw,
        PAGE_SIZE, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::size_of_val,
    ops::Deref,
    ptr::NonNull, //
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

// Fields are dropped in this order: the MDL, and what was done to it, before the buffer.

/// The MDL describes a buffer, which is where it is. The WDK's `MDL_SOURCE_IS_NONPAGED_POOL`.
pub struct Built<B> {
    mdl: FilledMdl,
    memory: Memory,
    buffer: B,
}

/// The pages of a buffer are locked. The WDK's `MDL_PAGES_LOCKED`.
pub struct Locked<B> {
    mdl: LockedMdl,
    buffer: B,
}

/// The pages belong to the MDL.
pub struct Pages<C = Cached> {
    mdl: PagesMdl,
    _cache: PhantomData<C>,
}

impl<B> Sealed for Built<B> {}
impl<B> Sealed for Locked<B> {}
impl<C> Sealed for Pages<C> {}

impl<B> MdlState for Built<B> {
    type Access = ReadWrite;

    #[inline(always)]
    fn mdl(&self) -> &FilledMdl {
        &self.mdl
    }

    #[inline(always)]
    fn at(&self) -> Option<&Memory> {
        Some(&self.memory)
    }
}

impl<B> MdlState for Locked<B> {
    type Access = ReadWrite;

    #[inline(always)]
    fn mdl(&self) -> &FilledMdl {
        self.mdl.filled()
    }
}

impl<C> MdlState for Pages<C> {
    type Access = ReadWrite;

    #[inline(always)]
    fn mdl(&self) -> &FilledMdl {
        self.mdl.filled()
    }
}

impl<B> Mappable for Locked<B> {
    #[inline(always)]
    fn mdl_mut(&mut self) -> &mut FilledMdl {
        self.mdl.filled_mut()
    }
}

impl<C> Mappable for Pages<C> {
    #[inline(always)]
    fn mdl_mut(&mut self) -> &mut FilledMdl {
        self.mdl.filled_mut()
    }
}

impl<B> Addressed for Built<B> {
    #[inline]
    fn memory(&self) -> &Memory {
        &self.memory
    }
}

/// A memory descriptor list: the page frames of a buffer.
///
/// The WDK's `MDL`, in nonpaged pool of the module with the tag `Mdl`. Its state says what its
/// pages are, and what a drop undoes before the MDL is freed:
///
/// - [`Built`]: nothing. It is made by [`Mdl::build`].
/// - [`Locked`]: the lock. It is made by [`Mdl::lock`].
/// - [`User`](crate::User): the lock of a buffer of a process. It is made by [`Mdl::lock_user`].
/// - [`Pages`]: the pages are freed. It is made by [`Mdl::allocate`].
/// - [`Mapped`]: the mapping, and then as the state that was mapped. It is made by [`Mdl::map`].
/// - [`Part`](crate::Part): nothing. It has borrowed another MDL. It is made by [`Mdl::part`].
///
/// An MDL owns or borrows its buffer, so that is there as long as the MDL. In the states [`Built`]
/// and [`Mapped`] it dereferences to [`Memory`], whose accesses are volatile or copies, as others
/// may use the pages, too: another mapping, a process, or a device. If the pages may not be
/// written, it is [`ReadOnlyMemory`](crate::ReadOnlyMemory).
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
///
/// // What a process gives.
/// let given = Mdl::<User<ReadOnly>>::lock_user(pointer, bytes)?.map()?;
/// let first: u32 = given.read(0)?;
/// ```
pub struct Mdl<S: MdlState> {
    pub(super) state: S,
}

/// The part of an MDL's buffer that is in one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MdlPage {
    /// The page's frame number: its physical address, divided by the page size.
    pub frame: usize,
    /// Where the part begins in the page. It is 0 for all pages but the first.
    pub offset: usize,
    /// How many bytes it has: at least one.
    pub len: usize,
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
        let mdl = FilledMdl::build((at, bytes))?;
        Ok(Self {
            state: Built {
                mdl,
                // SAFETY: By the safety requirements of `Buffer`; the value has the buffer.
                memory: unsafe { Memory::new(at, bytes) },
                buffer,
            },
        })
    }

    /// Frees the MDL, and returns the buffer. Any context except NMI.
    #[inline(always)]
    pub fn into_buffer(self) -> B {
        let Built { mdl, buffer, .. } = self.state;
        drop(mdl);
        buffer
    }
}

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
        // CAST: The enumeration has two values.
        let mode = raw::_MODE_KernelMode as i8;
        let mdl = LockedMdl::lock((at.as_ptr(), bytes), mode, ReadWrite::OPERATION)?;
        Ok(Self {
            state: Locked { mdl, buffer },
        })
    }

    /// Unlocks the pages, frees the MDL, and returns the buffer. Up to `DISPATCH_LEVEL`; above it a
    /// violation (0xC4/0x78).
    #[inline(always)]
    pub fn into_buffer(self) -> B {
        let Locked { mdl, buffer } = self.state;
        drop(mdl);
        buffer
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
        Ok(Self {
            state: Pages {
                mdl: PagesMdl::new::<C>(bytes, bounds, flags)?,
                _cache: PhantomData,
            },
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
    /// Maps the pages with the cache type that they have, to be accessed as their state permits.
    /// The WDK's `MmGetSystemAddressForMdlSafe`.
    ///
    /// Up to `DISPATCH_LEVEL`; above it a violation (0xC4/0x76). Where sleeping is not allowed,
    /// only pages that are adjacent can be mapped.
    ///
    /// # Errors
    ///
    /// [`NotMapped`] if memory is short, or in the wrong context.
    #[inline(always)]
    pub fn map(self) -> Result<Mdl<Mapped<S>>, NotMapped<S>> {
        match Mapped::new(self.state) {
            Ok(state) => Ok(Mdl { state }),
            Err(state) => Err(NotMapped(Mdl { state })),
        }
    }
}

impl<S: Mappable> Mdl<Mapped<S>> {
    /// Undoes the mapping. Up to `DISPATCH_LEVEL`; above it a violation (0xC4/0x79).
    #[inline(always)]
    pub fn unmap(self) -> Mdl<S> {
        Mdl {
            state: self.state.unmap(),
        }
    }
}

impl<S: MdlState> Mdl<S> {
    /// The bytes of the buffer. The WDK's `MmGetMdlByteCount`.
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.state.mdl().len()
    }

    /// Where the buffer begins in its first page. The WDK's `MmGetMdlByteOffset`.
    #[inline]
    pub fn offset(&self) -> usize {
        self.state.mdl().offset()
    }

    /// The frame numbers of the pages: physical addresses, divided by the page size. The WDK's
    /// `MmGetMdlPfnArray`.
    #[inline]
    pub fn frames(&self) -> &[usize] {
        self.state.mdl().frames()
    }

    /// The pages, in order: of each, what belongs to the buffer.
    #[inline]
    pub fn pages(&self) -> impl ExactSizeIterator<Item = MdlPage> + '_ {
        let (mut offset, mut left) = (self.offset(), self.len());
        self.frames().iter().map(move |&frame| {
            let len = left.min(PAGE_SIZE.saturating_sub(offset));
            let page = MdlPage { frame, offset, len };
            (offset, left) = (0, left.saturating_sub(len));
            page
        })
    }

    /// The MDL, for routines that only read it.
    #[inline]
    pub(crate) fn raw(&self) -> *mut raw::MDL {
        self.state.mdl().as_ptr()
    }
}

impl<S: Addressed> Deref for Mdl<S> {
    type Target = <S::Access as Access>::Memory;

    #[inline]
    fn deref(&self) -> &Self::Target {
        <S::Access as Access>::view(self.state.memory())
    }
}

impl<S: MdlState> fmt::Debug for Mdl<S> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (offset, len) = (self.offset(), self.len());
        kwrite!(f, "Mdl {{ offset: {offset}, len: {len} }}")
    }
}
