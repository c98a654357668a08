// SPDX-License-Identifier: GPL-2.0

//! The 16 bytes in front of a small block, laid out as NT for x64 lays out its `POOL_HEADER`.
//!
//! ```text
//! +0  PreviousSize  u8   0
//! +1  PoolIndex     u8   0
//! +2  BlockSize     u8   header and block, in units of 16 bytes
//! +3  PoolType      u8   bit 1: in use, bit 0: paged
//! +4  PoolTag       u32
//! +8  AllocatorBackTraceIndex  u16  bytes of the last unit that were not asked for
//! +10 PoolTagHash   u16  place of the tag in the statistics table
//! +12                u32  check word (NT has no field of that name here)
//! ```
//!
//! The check word covers the header's address and all of its fields but the in-use bit, mixed with
//! a secret of this load, so that no other memory passes for a header, a copy of one included, and
//! so that a header whose block was freed is still known for what it is.

use crate::{
    sys,
    tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::ptr::NonNull;
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// Bytes of a header, and of the unit in which block sizes are counted.
pub(crate) const UNIT: usize = 16;

/// The largest block that has a header, as on Windows.
pub(crate) const LARGEST: usize = 4064;

const IN_USE: u64 = 2 << 24;
const PAGED: u64 = 1 << 24;

static SECRET: Atomic<u64> = Atomic::new(0);

/// Draws the secret of this load.
pub(crate) fn init() {
    SECRET.store(sys::random(), Relaxed);
}

/// A header's contents.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    first: u64,
    second: u64,
}

/// What is at an address that was said to follow a header.
pub(crate) enum Found {
    /// A header of a live block.
    Live(Header),
    /// A header of a block that was freed.
    Freed(Header),
}

impl Header {
    /// The header of a live block of `bytes` bytes, at most [`LARGEST`] and not 0.
    #[inline]
    pub(crate) fn new(bytes: usize, kind: PoolKind, tag: Tag, row: u16) -> Self {
        let units = units(bytes);
        let slack = (units - 1) * UNIT - bytes;
        // CAST: `units` is at most 255, `slack` at most 15, and the discriminants are 0 and 1.
        Self {
            first: (units as u64) << 16
                | IN_USE
                | (kind as u64) << 24
                | u64::from(tag.as_raw()) << 32,
            second: slack as u64 | u64::from(row) << 16,
        }
    }

    #[inline]
    fn check(&self, addr: usize) -> u32 {
        // CAST: Addresses are 64 bits wide on the architectures supported; the upper half of the
        // product is the well-mixed one.
        let mixed = (self.first | IN_USE)
            ^ (addr as u64).rotate_left(24)
            ^ (self.second & 0xffff_ffff) << 20
            ^ SECRET.load(Relaxed);
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    }

    /// Writes the header to the start of an object.
    ///
    /// # Safety
    ///
    /// The first [`UNIT`] bytes of `object`, aligned to as many, belong to the caller.
    #[inline]
    pub(crate) unsafe fn write(self, object: NonNull<u8>) {
        let check = self.check(object.as_ptr() as usize);
        let at = object.cast::<u64>();
        // SAFETY: By the safety requirements.
        unsafe {
            at.write(self.first);
            at.add(1).write(self.second | u64::from(check) << 32);
        }
    }

    /// Looks for a header at an address that may be anything.
    #[inline]
    pub(crate) fn find(addr: usize) -> Option<Found> {
        let (first, second) = sys::peek(addr)?;
        let header = Self { first, second };
        // CAST: The upper half of the second word.
        if (second >> 32) as u32 != header.check(addr) {
            return None;
        }
        Some(if first & IN_USE != 0 {
            Found::Live(header)
        } else {
            Found::Freed(header)
        })
    }

    /// Marks the block as freed. Of two that free it at once, one is told `false`.
    ///
    /// # Safety
    ///
    /// [`Self::find`] found this header at `addr`.
    #[inline]
    pub(crate) unsafe fn claim(&self, addr: usize) -> bool {
        // SAFETY: Where a header with its check word was found, there is an object of ours, whose
        // first word only this function changes. If it was freed meanwhile, the word is another.
        unsafe { sys::replace(addr, self.first, self.first & !IN_USE) }
    }

    /// The block's size in bytes, as asked for.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        // CAST: A field of 16 bits. The result of corrupt fields would not pass the check.
        (self.units() - 1) * UNIT - (self.second & 0xffff) as usize
    }

    /// Header and block, in units.
    #[inline]
    pub(crate) fn units(&self) -> usize {
        // CAST: A field of 8 bits.
        (self.first >> 16 & 0xff) as usize
    }

    /// The block's tag.
    #[inline]
    pub(crate) fn tag(&self) -> Tag {
        // CAST: The upper half of the first word.
        Tag::from_raw((self.first >> 32) as u32)
    }

    /// The pool that the block is from.
    #[inline]
    pub(crate) fn kind(&self) -> PoolKind {
        if self.first & PAGED != 0 {
            PoolKind::Paged
        } else {
            PoolKind::NonPaged
        }
    }

    /// The place of its tag in the statistics table.
    #[inline]
    pub(crate) fn row(&self) -> usize {
        // CAST: A field of 16 bits.
        (self.second >> 16 & 0xffff) as usize
    }
}

/// Header and a block of `bytes` bytes, at most [`LARGEST`], in units.
#[inline]
pub(crate) const fn units(bytes: usize) -> usize {
    1 + bytes.div_ceil(UNIT)
}
