// SPDX-License-Identifier: GPL-2.0

//! MDLs for buffers of a process, whose pages are locked.

use crate::{
    api::{
        access::Access,
        mdl::Mdl,
        memory::private::Sealed,
        raw_mdl::{
            FilledMdl,
            LockedMdl,
            Mappable,
            MdlState, //
        }, //
    },
    sys::raw, //
};
use core::marker::PhantomData;
use kernel::{
    prelude::*,
    uaccess::UserPtr, //
};

/// The pages of a buffer of a process are locked. The WDK's `MDL_PAGES_LOCKED`, with
/// `MDL_WRITE_OPERATION` for [`ReadWrite`](crate::ReadWrite).
pub struct User<A> {
    mdl: LockedMdl,
    _access: PhantomData<A>,
}

impl<A> Sealed for User<A> {}

impl<A: Access> MdlState for User<A> {
    type Access = A;

    #[inline(always)]
    fn mdl(&self) -> &FilledMdl {
        self.mdl.filled()
    }
}

impl<A: Access> Mappable for User<A> {
    #[inline(always)]
    fn mdl_mut(&mut self) -> &mut FilledMdl {
        self.mdl.filled_mut()
    }
}

impl<A: Access> Mdl<User<A>> {
    /// An MDL for `bytes` bytes at an address of the current process, any address. Their pages are
    /// checked, made present, and locked: they stay where they are, and are the process's or this
    /// value's, whatever the process does. The WDK's `IoAllocateMdl` and `MmProbeAndLockPages`,
    /// with `UserMode`.
    ///
    /// `A` says what for: [`ReadOnly`](crate::ReadOnly), for data that the process gives, or
    /// [`ReadWrite`](crate::ReadWrite), for data that it gets. The process may write to the pages
    /// at any time, so read only once what is to be checked.
    ///
    /// For a task that may sleep, in the process that has the buffer; elsewhere a violation
    /// (0xC4/0x70). The value may be given to any thread, and outlive the process.
    ///
    /// # Errors
    ///
    /// [`EFAULT`] if the process may not access all of it like this; that is no violation.
    /// [`EINVAL`] for no bytes, for more than `u32::MAX`, or after a violation. [`ENOMEM`] if
    /// memory is short, or for 2 GiB and more.
    #[inline(always)]
    pub fn lock_user(at: UserPtr, bytes: usize) -> Result<Self> {
        // CAST: The enumeration has two values.
        let mode = raw::_MODE_UserMode as i8;
        let mdl = LockedMdl::lock((at.as_mut_ptr().cast(), bytes), mode, A::OPERATION)?;
        Ok(Self {
            state: User {
                mdl,
                _access: PhantomData,
            },
        })
    }
}
