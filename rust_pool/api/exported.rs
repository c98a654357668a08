// SPDX-License-Identifier: GPL-2.0

//! The exported functions that may be called with any arguments: what is inlined into clients calls
//! them. To those functions, pointers are only numbers. What they read or write is a reference
//! here.

use crate::sys::raw;
use kernel::{
    bindings,
    prelude::*, //
};

/// Makes a safe function of each that is listed.
macro_rules! with_any_arguments {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        $(
            $(#[$doc])*
            #[inline(always)]
            pub(crate) fn $name($($arg: $type),*) $(-> $result)? {
                // SAFETY: It is listed below, and so may be called with any arguments.
                unsafe { raw::$name($($arg),*) }
            }
        )*
    };
}

with_any_arguments! {
    /// Whether paged pool may be allocated in this context. If not, reports that.
    fn rust_pool_paged_check(bytes: usize, caller: usize) -> bool;

    /// Reports a free of paged pool where it is not allowed.
    fn rust_pool_paged_check_free(block: *mut c_void, caller: usize);

    /// The second attempt of a small allocation. Not for NMI.
    fn rust_pool_kmalloc_slow(bytes: usize, zero: bool, sleep: bool) -> *mut c_void;

    /// An allocation that is not small.
    fn rust_pool_large_allocate(bytes: usize, zero: bool, sleep: bool) -> *mut c_void;

    /// A block was allocated while somebody watches. Not for NMI.
    fn rust_pool_watched_add(
        block: *mut c_void,
        kind: u32,
        tag: u32,
        bytes: usize,
        used: usize,
        caller: usize
    );

    /// A block is given up for another that takes its place. Not for NMI.
    fn rust_pool_watched_move(
        block: *mut c_void,
        kind: u32,
        tag: u32,
        bytes: usize,
        used: usize,
        caller: usize
    );

    /// A block is freed. Checks the context. Not for NMI.
    fn rust_pool_watched_free(
        block: *mut c_void,
        kind: u32,
        tag: u32,
        bytes: usize,
        used: usize,
        caller: usize
    );

    /// Whether to make a request fail on purpose.
    fn rust_pool_watched_refuse(kind: u32, tag: u32, bytes: usize, caller: usize) -> bool;

    /// The row of a tag. Not for NMI.
    fn rust_pool_row(
        kind: u32,
        tag: u32,
        caller: usize,
        module: *mut bindings::module
    ) -> *const c_void;

    /// Drops a reference to an adapter.
    fn rust_pool_adapter_put(adapter: *mut raw::DMA_ADAPTER, caller: usize);

    /// Takes one more reference to an adapter.
    fn rust_pool_adapter_hold(adapter: *mut raw::DMA_ADAPTER);

    /// Allocates a common buffer.
    fn rust_pool_buffer_allocate(
        adapter: *mut raw::DMA_ADAPTER,
        bytes: u32,
        logical: &mut u64,
        cached: bool,
        caller: usize
    ) -> *mut c_void;

    /// What is known of a block.
    fn rust_pool_block(
        block: *const c_void,
        kind: &mut u32,
        tag: &mut u32,
        bytes: &mut usize
    ) -> bool;

    /// Allocates contiguous memory.
    fn rust_pool_contiguous_of_type(
        wanted: &raw::rust_pool_contiguous_wanted,
        caller: usize
    ) -> *mut c_void;

    /// Allocates noncached memory.
    fn rust_pool_noncached_allocate(bytes: usize, combined: bool, caller: usize) -> *mut c_void;
}
