// SPDX-License-Identifier: GPL-2.0

//! The exported functions that are inlined into clients, as safe functions. To most of them
//! pointers are only numbers. What they read or write is a reference here, and what they free is a
//! value that is given up.

use crate::{
    api::memory::Owned,
    lib::argument::{
        calls,
        Given, //
    },
    sys::raw, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    prelude::*, //
};

/// A bound device.
impl Given<*mut bindings::device> for &Device<Bound> {
    #[inline(always)]
    fn given(self) -> *mut bindings::device {
        // CAST: `Device` is a transparent wrapper of `struct device`.
        core::ptr::from_ref(self).cast_mut().cast()
    }
}

calls! {
    // SAFETY: They take any numbers, and any addresses as numbers. A reference is to what they read
    // or write, a device is bound, so it is not removed meanwhile, and memory is given up by its
    // owner.
    unsafe extern "C" {
        /// Whether paged pool may be allocated in this context. If not, reports that.
        pub(crate) safe fn rust_pool_paged_check(bytes: usize, caller: usize) -> bool;

        /// Reports a free of paged pool where it is not allowed.
        pub(crate) safe fn rust_pool_paged_check_free(block: *mut c_void, caller: usize);

        /// The second attempt of a small allocation. Not for NMI.
        pub(crate) safe fn rust_pool_kmalloc_slow(
            bytes: usize,
            zero: bool,
            sleep: bool
        ) -> *mut c_void;

        /// An allocation that is not small.
        pub(crate) safe fn rust_pool_large_allocate(
            bytes: usize,
            zero: bool,
            sleep: bool
        ) -> *mut c_void;

        /// A block was allocated while somebody watches. Not for NMI.
        pub(crate) safe fn rust_pool_watched_add(
            block: *mut c_void,
            kind: u32,
            tag: u32,
            bytes: usize,
            used: usize,
            caller: usize
        );

        /// A block is given up for another that takes its place. Not for NMI.
        pub(crate) safe fn rust_pool_watched_move(
            block: *mut c_void,
            kind: u32,
            tag: u32,
            bytes: usize,
            used: usize,
            caller: usize
        );

        /// A block is freed. Checks the context. Not for NMI.
        pub(crate) safe fn rust_pool_watched_free(
            block: *mut c_void,
            kind: u32,
            tag: u32,
            bytes: usize,
            used: usize,
            caller: usize
        );

        /// Whether to make a request fail on purpose.
        pub(crate) safe fn rust_pool_watched_refuse(
            kind: u32,
            tag: u32,
            bytes: usize,
            caller: usize
        ) -> bool;

        /// The row of a tag. Not for NMI.
        pub(crate) safe fn rust_pool_row(
            kind: u32,
            tag: u32,
            caller: usize,
            module: *mut bindings::module
        ) -> *const c_void;

        /// Drops a reference to an adapter.
        pub(crate) safe fn rust_pool_adapter_put(adapter: *mut raw::DMA_ADAPTER, caller: usize);

        /// Takes one more reference to an adapter.
        pub(crate) safe fn rust_pool_adapter_hold(adapter: *mut raw::DMA_ADAPTER);

        /// What is known of a block.
        pub(crate) safe fn rust_pool_block(
            block: *const c_void,
            kind: &mut u32,
            tag: &mut u32,
            bytes: &mut usize
        ) -> bool;

        /// Gets an adapter. Sleeps.
        pub(crate) safe fn rust_pool_adapter(
            device: &Device<Bound>,
            maximum_length: u32,
            registers: &mut u32,
            caller: usize
        ) -> *mut raw::DMA_ADAPTER;

        /// Frees a common buffer.
        pub(crate) safe fn rust_pool_buffer_free(
            adapter: *mut raw::DMA_ADAPTER,
            bytes: u32,
            logical: u64,
            memory: Owned,
            cached: bool,
            caller: usize
        );

        /// Frees contiguous memory.
        pub(crate) safe fn rust_pool_contiguous_free(
            memory: Owned,
            bytes: &usize,
            cache: &i32,
            caller: usize
        );

        /// Frees noncached memory.
        pub(crate) safe fn rust_pool_noncached_free(memory: Owned, bytes: usize, caller: usize);

        /// The physical address behind any address. Reads page tables, and nothing at the address.
        /// If the tables change meanwhile, the result is wrong, no more.
        #[allow(non_snake_case, reason = "as in the WDK")]
        pub(crate) safe fn MmGetPhysicalAddress(at: *mut c_void) -> raw::PHYSICAL_ADDRESS;
    }
}

/// A number of bytes that C counts with 32 bits.
#[inline(always)]
fn usize_of(bytes: u32) -> usize {
    // CAST: `usize` is 64 bits wide on the architectures supported.
    bytes as usize
}

/// Makes a safe function of each that returns memory, as [`calls!`] does. The memory has at least
/// so many bytes.
///
/// The list is `unsafe`, as above it also stands why the memory is there, and nobody else has it,
/// until it is given back.
macro_rules! allocations {
    (unsafe extern "C" {$(
        $(#[$doc:meta])*
        safe fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> [u8; $bytes:expr];
    )*}) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name($($arg: $type),*) -> Option<$crate::api::memory::Owned> {
            let bytes = $bytes;
            // SAFETY: Who lists it says that it may be called with any arguments of these types,
            // and returns null or such memory.
            unsafe {
                $crate::api::memory::Owned::new(
                    $crate::sys::raw::$name($($crate::lib::argument::Given::given($arg)),*),
                    bytes,
                )
            }
        }
    )*};
}
pub(crate) use allocations;

allocations! {
    // SAFETY: They take any numbers, and any addresses as numbers. A reference is to what they read
    // or write. They return null or new memory.
    unsafe extern "C" {
        /// Allocates a common buffer.
        safe fn rust_pool_buffer_allocate(
            adapter: *mut raw::DMA_ADAPTER,
            bytes: u32,
            logical: &mut u64,
            cached: bool,
            caller: usize
        ) -> [u8; usize_of(bytes)];

        /// Allocates contiguous memory.
        safe fn rust_pool_contiguous_of_type(
            wanted: &raw::rust_pool_contiguous_wanted,
            caller: usize
        ) -> [u8; wanted.bytes];

        /// Allocates noncached memory.
        safe fn rust_pool_noncached_allocate(
            bytes: usize,
            combined: bool,
            caller: usize
        ) -> [u8; bytes];
    }
}
