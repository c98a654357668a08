// SPDX-License-Identifier: GPL-2.0

//! Owned contiguous memory.

use crate::{
    api::{
        address::physical_address,
        exported,
        memory::{
            CacheType,
            Cached,
            Memory,
            Owned, //
        }, //
    },
    lib::text::kwrite,
    sys::{
        here,
        raw, //
    }, //
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    fmt,
    prelude::*, //
};

/// Where in physical memory a block may be, or the pages of an [`Mdl`](crate::Mdl).
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub(super) lowest: u64,
    pub(super) highest: u64,
    pub(super) boundary: u64,
    pub(super) skip: u64,
    pub(super) node: u32,
}

impl Bounds {
    /// Anywhere.
    pub const ANY: Self = Self {
        lowest: 0,
        highest: u64::MAX,
        boundary: 0,
        skip: 0,
        node: raw::MM_ANY_NODE_OK,
    };

    /// Not below this address, which is rounded up to a page.
    #[inline]
    pub const fn lowest(mut self, address: u64) -> Self {
        self.lowest = address;
        self
    }

    /// No byte above this address.
    #[inline]
    pub const fn highest(mut self, address: u64) -> Self {
        self.highest = address;
        self
    }

    /// The block does not cross a multiple of this: a power of two that is at least the size. Not
    /// for the pages of an MDL.
    #[inline]
    pub const fn boundary(mut self, multiple: u64) -> Self {
        self.boundary = multiple;
        self
    }

    /// For the pages of an MDL: if there are not enough, also those that begin this many bytes
    /// higher, and so on. A multiple of the page size.
    #[inline]
    pub const fn skip(mut self, bytes: u64) -> Self {
        self.skip = bytes;
        self
    }

    /// All of the block is on a NUMA node. If only one node has memory, any number is that node.
    /// The pages of an MDL are on this node if it has enough; it has to exist.
    #[inline]
    pub const fn node(mut self, number: u32) -> Self {
        self.node = number;
        self
    }
}

/// Memory that is contiguous for a device, too, if no IOMMU is in between.
///
/// The WDK's `MmAllocateContiguousMemorySpecifyCache`. For a device's own use take a
/// [`CommonBuffer`](crate::CommonBuffer), whose bus address is right with an IOMMU, too.
///
/// May be dropped in any context but hard interrupt and NMI. What is not cached is given back a
/// little later where sleeping is not allowed. In a hard interrupt the drop is reported (0xC2/0x09)
/// and carried out; in NMI it is reported and the memory leaks.
///
/// # Examples
///
/// ```ignore
/// // Sixteen pages below 256 MiB that cross no 64 KiB boundary.
/// let bounds = Bounds::ANY.highest(0x0fff_ffff).boundary(0x1_0000);
/// let memory: Contiguous = Contiguous::new(0x1_0000, bounds)?;
/// ```
///
/// # Invariants
///
/// The memory comes from `rust_pool_contiguous_of_type` and is freed on drop.
pub struct Contiguous<C: CacheType = Cached> {
    memory: Owned,
    _cache: PhantomData<C>,
}

impl<C: CacheType> Contiguous<C> {
    /// Allocates `bytes` bytes, zeroed and page-aligned. They are rounded up to whole pages, all of
    /// which are taken; the bounds are for the bytes.
    ///
    /// Cached: any context but NMI; page frames that others use are emptied only where it may
    /// sleep. Other cache types: a task that may sleep.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for bounds that skip. [`ENOMEM`] if the bounds cannot be kept, memory is short,
    /// or after a violation: no bytes (0xC2/0x00), or the wrong context (0xC2/0x08).
    #[inline(always)]
    pub fn new(bytes: usize, bounds: Bounds) -> Result<Self> {
        if bounds.skip != 0 {
            return Err(EINVAL);
        }
        let wanted = raw::rust_pool_contiguous_wanted {
            lowest: bounds.lowest,
            highest: bounds.highest,
            boundary: bounds.boundary,
            bytes,
            node: bounds.node,
            type_: C::RAW,
            protect: 0,
        };
        let memory = exported::rust_pool_contiguous_of_type(&wanted, here());
        // INVARIANT: The memory was just allocated.
        let this = Self {
            memory: memory.ok_or(ENOMEM)?,
            _cache: PhantomData,
        };
        this.zero();
        Ok(this)
    }

    /// The physical address of the first byte.
    #[inline]
    pub fn physical_address(&self) -> u64 {
        // It is mapped, so there is an address.
        physical_address(self.as_ptr()).unwrap_or(0)
    }
}

impl<C: CacheType> Deref for Contiguous<C> {
    type Target = Memory;

    #[inline]
    fn deref(&self) -> &Memory {
        &self.memory
    }
}

impl<C: CacheType> Drop for Contiguous<C> {
    #[inline(always)]
    fn drop(&mut self) {
        let bytes = self.len();
        exported::rust_pool_contiguous_free(self.memory.take(), &bytes, &C::RAW, here());
    }
}

impl<C: CacheType> fmt::Debug for Contiguous<C> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(f, "Contiguous<{}>({:?})", C::NAME, **self)
    }
}
