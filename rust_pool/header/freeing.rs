// SPDX-License-Identifier: GPL-2.0

//! What a client frees: first an address, then a block whose header was found there.

use crate::header::{
    Header,
    Live,
    PageHeader,
    Words,
    UNIT, //
};
use core::ops::Deref;

/// An address that a client frees.
///
/// # Invariants
///
/// If a block begins there, whoever used it gives it up.
#[repr(transparent)]
pub(crate) struct Freeing(usize);

impl Freeing {
    /// An address that the caller was given.
    ///
    /// # Safety
    ///
    /// If a block begins there, whoever used it gives it up.
    #[inline(always)]
    pub(crate) unsafe fn new(addr: usize) -> Self {
        // INVARIANT: By the safety requirements.
        Self(addr)
    }

    /// The address.
    #[inline(always)]
    pub(crate) fn addr(&self) -> usize {
        self.0
    }

    /// Marks the small block with this header as freed, and takes it. `None` if it does not begin
    /// here, or another CPU freed it first. Any context.
    #[inline(always)]
    pub(crate) fn claim(&self, header: &Live<Header>) -> Option<Freed<Header>> {
        self.claim_at(header.addr().wrapping_add(UNIT), header)
    }

    /// Marks the block of pages with this header as freed, and takes it. `None` if it does not
    /// begin here, or another CPU freed it first. Any context.
    #[inline(always)]
    pub(crate) fn claim_pages(&self, header: &Live<PageHeader>) -> Option<Freed<PageHeader>> {
        self.claim_at(header.addr(), header)
    }

    /// Marks the block that begins at `begin`, with this header, as freed, and takes it.
    #[inline(always)]
    fn claim_at<H: Copy + Into<Words>>(&self, begin: usize, header: &Live<H>) -> Option<Freed<H>> {
        // INVARIANT: The block was live until now, one CPU only is told so, and by the type
        // invariant its user gives it up.
        (begin == self.0 && header.claim()).then_some(Freed(*header))
    }
}

/// The header of a block that was freed.
///
/// # Invariants
///
/// The block was live with this header until it was marked as freed. Its memory is that of whoever
/// has this value.
pub(crate) struct Freed<H>(Live<H>);

impl<H> Deref for Freed<H> {
    type Target = Live<H>;

    #[inline(always)]
    fn deref(&self) -> &Live<H> {
        &self.0
    }
}

#[kernel::macros::kunit_tests(rust_pool_freeing)]
mod tests {
    use super::*;
    use crate::{
        header::{
            stamp,
            Found,
            Place, //
        },
        types::tag::{
            PoolKind,
            Tag, //
        }, //
    };
    use core::cell::Cell;
    use kernel::prelude::*;

    #[test]
    fn freed_where_it_begins() -> Result {
        let object = KBox::new(Place([const { Cell::new(0) }; 2]), GFP_KERNEL)?;
        let tag = Tag::stored(u32::from_le_bytes(*b"Ring"));
        Header::new(100, stamp(PoolKind::NonPaged, tag), 7).write(&object);
        let at = object.addr();
        let Some(Found::Live(header)) = Header::find(at) else {
            return Err(EINVAL);
        };
        // SAFETY: At these addresses is no other block, and nobody uses this one.
        let freeing = |addr| unsafe { Freeing::new(addr) };
        for elsewhere in [at, at + UNIT - 1, at + 2 * UNIT] {
            assert!(freeing(elsewhere).claim(&header).is_none());
        }
        let freed = freeing(at + UNIT).claim(&header).ok_or(EINVAL)?;
        assert!(freed.addr() == at && freed.bytes() == 100);
        assert!(freeing(at + UNIT).claim(&header).is_none());
        Ok(())
    }
}
