// SPDX-License-Identifier: GPL-2.0

//! The MDL of a transfer, owned or borrowed by what maps it for the device.

use crate::{
    api::{
        access::Access,
        mdl::Mdl,
        memory::private::Sealed,
        raw_mdl::MdlState, //
    },
    lib::argument::Given,
    sys::raw, //
};
use kernel::prelude::*;

/// What a transfer has of its MDL: the [`Mdl`], or a reference to it.
pub trait MdlRef: Sealed {
    /// Whether the pages may be written.
    #[doc(hidden)]
    const WRITABLE: bool;

    /// The MDL.
    #[doc(hidden)]
    fn as_raw(&self) -> *mut raw::MDL;

    /// Where its buffer begins, by the addresses that it says.
    #[doc(hidden)]
    fn start(&self) -> *mut c_void;

    /// The bytes of its buffer.
    #[doc(hidden)]
    fn bytes(&self) -> usize;
}

macro_rules! mdl_ref {
    ($type:ty) => {
        impl<S: MdlState> Sealed for $type {}

        impl<S: MdlState> MdlRef for $type {
            const WRITABLE: bool = <S::Access as Access>::WRITABLE;

            #[inline]
            fn as_raw(&self) -> *mut raw::MDL {
                self.raw()
            }

            #[inline]
            fn start(&self) -> *mut c_void {
                self.state.mdl().start()
            }

            #[inline]
            fn bytes(&self) -> usize {
                self.len()
            }
        }
    };
}

mdl_ref!(Mdl<S>);
mdl_ref!(&Mdl<S>);

/// The MDL of a transfer.
///
/// # Invariants
///
/// As long as this value is used, there is such an MDL, the only one of its chain, and nobody
/// writes it.
#[derive(Clone, Copy)]
pub(super) struct TransferMdl(*mut raw::MDL);

impl TransferMdl {
    /// The MDL, for as long as it is there.
    #[inline(always)]
    pub(super) fn of<M: MdlRef>(mdl: &M) -> Self {
        // INVARIANT: Whoever has the result has or borrows the MDL, too.
        Self(mdl.as_raw())
    }
}

impl Given<*mut raw::MDL> for TransferMdl {
    #[inline(always)]
    fn given(self) -> *mut raw::MDL {
        self.0
    }
}
