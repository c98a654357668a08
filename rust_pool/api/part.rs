// SPDX-License-Identifier: GPL-2.0

//! Partial MDLs, which borrow the MDL of which they are a part.

use crate::api::{
    mdl::Mdl,
    memory::{
        private::Sealed,
        Memory,
        PartOf, //
    },
    raw_mdl::{
        Addressed,
        FilledMdl,
        Mappable,
        MdlState, //
    }, //
};
use core::marker::PhantomData;
use kernel::prelude::*;

/// The MDL describes some of the buffer of another, which it has borrowed. The WDK's `MDL_PARTIAL`.
///
/// It has an address if that has one, and then the part of it. Otherwise it can be mapped by
/// itself.
pub struct Part<'a, S: MdlState> {
    mdl: FilledMdl,
    /// Of no bytes if it has no address.
    memory: PartOf<'a>,
    _source: PhantomData<&'a Mdl<S>>,
}

impl<S: MdlState> Sealed for Part<'_, S> {}

impl<S: MdlState> MdlState for Part<'_, S> {
    type Access = S::Access;

    #[inline(always)]
    fn mdl(&self) -> &FilledMdl {
        &self.mdl
    }

    #[inline(always)]
    fn at(&self) -> Option<&Memory> {
        (self.memory.len() != 0).then_some(&*self.memory)
    }
}

impl<S: Mappable> Mappable for Part<'_, S> {
    #[inline(always)]
    fn mdl_mut(&mut self) -> &mut FilledMdl {
        &mut self.mdl
    }
}

impl<S: Addressed> Addressed for Part<'_, S> {
    #[inline]
    fn memory(&self) -> &Memory {
        &self.memory
    }
}

impl<S: MdlState> Mdl<S> {
    /// An MDL for `bytes` bytes of the buffer, from `offset` on. It borrows this one: as long as it
    /// is there, this one cannot be freed, unlocked, mapped or unmapped. The WDK's `IoAllocateMdl`
    /// and `IoBuildPartialMdl`. Any context but NMI; never sleeps.
    ///
    /// A part in one page can always be mapped where sleeping is not allowed.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for no bytes, and if the buffer has fewer. [`ENOMEM`] if memory is short, or for
    /// 2 GiB and more.
    #[inline(always)]
    pub fn part(&self, offset: usize, bytes: usize) -> Result<Mdl<Part<'_, S>>> {
        if offset.checked_add(bytes).ok_or(EINVAL)? > self.len() {
            return Err(EINVAL);
        }
        let mdl = self.state.mdl().part(offset, bytes)?;
        let memory = match self.state.at() {
            Some(memory) => memory.part(offset, bytes)?,
            None => PartOf::none(),
        };
        let state = Part {
            mdl,
            memory,
            _source: PhantomData,
        };
        Ok(Mdl { state })
    }
}
