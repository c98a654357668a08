// SPDX-License-Identifier: GPL-2.0

//! Allocates MDLs.
//!
//! WDK: "IoAllocateMdl".

use crate::{
    lib::{
        argument::Passed,
        export::{
            export_symbol_gpl,
            matches_header, //
        }, //
    },
    mdl::{
        lock,
        span,
        Chain,
        Mdl,
        FRAME,
        HEAD,
        LARGEST,
        TAG, //
    },
    pool,
    sys::{
        raw,
        Client,
        PAGE_SIZE, //
    }, //
};
use core::{
    cell::Cell,
    marker::PhantomData,
    mem::{
        offset_of,
        size_of, //
    },
    ptr::null_mut, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// The longest buffer that an MDL is allocated for: what the WDK says of Windows Vista.
const LONGEST: u32 = (2 << 30) - 4096;

/// What an IRP begins with: a `rust_pool_irp`, with a type for what it points to.
#[repr(C)]
struct IrpHead<'call> {
    /// Not used. Others may write it.
    _before: Cell<[u16; 2]>,
    /// Where it has its first MDL.
    link: Cell<Option<Chain<'call>>>,
}

const _: () = {
    assert!(size_of::<IrpHead<'_>>() == size_of::<raw::rust_pool_irp>());
    assert!(offset_of!(IrpHead<'_>, link) == offset_of!(raw::rust_pool_irp, MdlAddress));
};

/// An IRP, during the call of a routine.
///
/// # Invariants
///
/// For `'call` it is valid, and nobody else uses its chain of MDLs, which is none, or as [`Chain`]
/// says.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Irp<'call>(&'call IrpHead<'call>);

/// Null, or an IRP that nobody else uses during the call.
// SAFETY: `Irp` is a transparent reference, so `None` is null. An IRP begins like `IrpHead`.
unsafe impl Passed<*mut raw::_IRP> for Option<Irp<'_>> {}

impl<'call> Irp<'call> {
    /// Gives it a new MDL: behind those that it has, or in place of them.
    fn give(self, mdl: Mdl<'call>, behind: bool) {
        if let Some(chain) = self.0.link.get().filter(|_| behind) {
            let last = chain.last();
            last.set_head(raw::MDL {
                Next: mdl.0.as_ptr(),
                ..last.head()
            });
        } else {
            // INVARIANT: A new MDL has no next one.
            self.0.link.set(Some(Chain(mdl)));
        }
    }
}

/// Allocates an MDL for a buffer that has not more bytes than 32 bits can count.
pub(crate) fn allocate(
    addr: usize,
    bytes: usize,
    caller: usize,
    module: *mut bindings::module,
) -> Option<Mdl<'static>> {
    let count = u32::try_from(bytes).ok()?;
    let size = span(addr, bytes).saturating_mul(FRAME).saturating_add(HEAD);
    let kind = raw::_POOL_TYPE_NonPagedPoolNx;
    let block = pool::allocate_for(Client::new(module), kind, size, TAG, caller)?;
    // INVARIANT: The block is as large as the MDL will say.
    let mdl = Mdl(block.cast(), PhantomData);
    mdl.set_head(raw::MDL {
        Next: null_mut(),
        // CAST: Not above the largest value.
        Size: size.min(LARGEST) as i16,
        MdlFlags: 0,
        AllocationProcessorNumber: 0,
        Reserved: 0,
        Process: null_mut(),
        MappedSystemVa: null_mut(),
        StartVa: (addr & !(PAGE_SIZE - 1)) as *mut c_void,
        ByteCount: count,
        // CAST: Less than a page.
        ByteOffset: (addr % PAGE_SIZE) as u32,
    });
    lock::end_stale(mdl, caller);
    Some(mdl)
}

/// `IoAllocateMdl`.
///
/// # Safety
///
/// `irp` is null, or keeps to the invariants of [`Irp`].
#[no_mangle]
unsafe extern "C" fn rust_pool_mdl_allocate(
    va: *mut c_void,
    bytes: u32,
    secondary: bool,
    irp: Option<Irp<'_>>,
    caller: usize,
    module: *mut bindings::module,
) -> *mut raw::MDL {
    if bytes > LONGEST {
        return null_mut();
    }
    // CAST: `usize` is 64 bits wide on the architectures supported.
    let Some(mdl) = allocate(va as usize, bytes as usize, caller, module) else {
        return null_mut();
    };
    if let Some(irp) = irp {
        irp.give(mdl, secondary);
    }
    mdl.0.as_ptr()
}
matches_header!(rust_pool_mdl_allocate(_, _, _, _, _, _));
export_symbol_gpl!(rust_pool_mdl_allocate);
