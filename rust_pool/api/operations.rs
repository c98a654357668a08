// SPDX-License-Identifier: GPL-2.0

//! The operations of an adapter that are inlined into clients, as safe functions.

use crate::{
    api::{
        adapter::Adapter,
        transfer_mdl::TransferMdl, //
    },
    lib::argument::Given,
    sys::raw, //
};
use core::ptr::null_mut;
use kernel::prelude::*;

/// What no routine, nor anything else, is passed for.
pub(super) struct Absent;

impl<T> Given<*mut T> for Absent {
    #[inline(always)]
    fn given(self) -> *mut T {
        null_mut()
    }
}

impl<F> Given<Option<F>> for Absent {
    #[inline(always)]
    fn given(self) -> Option<F> {
        None
    }
}

/// Makes a safe function of each operation of an adapter that is listed, as
/// [`calls!`](crate::lib::argument::calls) does. It returns `None` if there is no such operation.
macro_rules! operations {
    (unsafe extern "C" {$(
        $(#[$doc:meta])*
        safe fn $name:ident = $operation:ident($($arg:ident: $type:ty),* $(,)?) -> $result:ty;
    )*}) => {
        impl Adapter<'_> {$(
            $(#[$doc])*
            #[inline(always)]
            #[allow(clippy::too_many_arguments, reason = "as in the WDK")]
            pub(super) fn $name(&self, $($arg: $type),*) -> Option<$result> {
                let adapter = self.raw.as_ptr();
                // SAFETY: By the type invariant it is an adapter. Its operations are there as long
                // as rust_pool, and do not change. Its device is bound, and so not removed
                // meanwhile. Who lists the operation says that the other arguments may be any of
                // these types.
                unsafe {
                    let operation = (*(*adapter).DmaOperations).$operation?;
                    Some(operation(adapter, $(Given::given($arg)),*))
                }
            }
        )*}
    };
}

operations! {
    // SAFETY: They take any numbers, and any addresses as numbers: rust_pool looks up what map
    // registers and lists an adapter has. There are no routines, and a reference is to what may be
    // written.
    unsafe extern "C" {
        /// Takes map registers.
        safe fn take_registers = AllocateAdapterChannelEx(
            device_object: Absent,
            context: Absent,
            registers: u32,
            flags: u32,
            routine: Absent,
            routine_context: Absent,
            base: &mut *mut c_void,
        ) -> i32;

        /// Gives map registers back.
        safe fn give_registers = FreeMapRegisters(base: *mut c_void, registers: u32) -> ();

        /// Maps a piece of an MDL by map registers.
        safe fn map_piece = MapTransfer(
            mdl: TransferMdl,
            base: *mut c_void,
            at: *mut c_void,
            bytes: &mut u32,
            to_device: u8,
        ) -> raw::PHYSICAL_ADDRESS;

        /// Unmaps it.
        safe fn unmap_piece = FlushAdapterBuffers(
            mdl: TransferMdl,
            base: *mut c_void,
            at: *mut c_void,
            bytes: u32,
            to_device: u8,
        ) -> u8;

        /// Maps the buffer of an MDL as a scatter/gather list.
        safe fn get_list = GetScatterGatherListEx(
            device_object: Absent,
            context: Absent,
            mdl: TransferMdl,
            offset: u64,
            bytes: u32,
            flags: u32,
            routine: Absent,
            routine_context: Absent,
            to_device: u8,
            completion: Absent,
            completion_context: Absent,
            list: &mut *mut raw::SCATTER_GATHER_LIST,
        ) -> i32;

        /// Unmaps it.
        safe fn put_list = PutScatterGatherList(
            list: *mut raw::SCATTER_GATHER_LIST,
            to_device: u8,
        ) -> ();
    }
}
