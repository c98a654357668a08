// SPDX-License-Identifier: GPL-2.0

//! Per-CPU memory.

use crate::sys::{
    arch::percpu::Counters,
    raw, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// The number of possible CPUs. On the architectures supported they are numbered from 0, without
/// gaps.
pub(crate) fn possible_cpus() -> u32 {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_possible_cpus() }
}

/// The address of a CPU's copy of per-CPU memory.
pub(crate) fn percpu_address(cookie: usize, cpu: u32) -> usize {
    // SAFETY: The function adds the CPU's offset, and reads nothing at the address. All callers
    // pass a number below `possible_cpus()`, or one that a hotplug callback got.
    unsafe { raw::rust_pool_percpu_address(cookie, cpu) as usize }
}

/// The alignment of per-CPU memory: that of a cache line.
pub(crate) const PERCPU_ALIGN: usize = 64;

/// Zeroed per-CPU memory, as a cookie that the functions of `arch/percpu.rs` take. It begins at a
/// cache line, so that what is written together is in as few lines as it fits in. Sleeps.
pub(crate) fn percpu(bytes: usize) -> Option<NonZeroPerCpu> {
    // SAFETY: The alignment is allowed, and so is any size: the function returns null, with a
    // warning, for one above `PCPU_MIN_UNIT_SIZE`.
    let base = unsafe {
        bindings::pcpu_alloc_noprof(bytes, PERCPU_ALIGN, false, raw::RUST_POOL_GFP_KERNEL)
    };
    core::num::NonZero::new(base as usize)
}

/// A per-CPU cookie.
pub(crate) type NonZeroPerCpu = core::num::NonZero<usize>;

/// Frees what [`percpu`] returned.
///
/// # Safety
///
/// `base` comes from [`percpu`] and is not used any more.
pub(crate) unsafe fn free_percpu(base: NonZeroPerCpu) {
    // SAFETY: By the safety requirements.
    unsafe { bindings::free_percpu(base.get() as *mut c_void) }
}

impl<const N: usize> Counters<N> {
    /// The sum of each counter over all CPUs.
    pub(crate) fn sum(self) -> [u64; N] {
        let mut sum = [0; N];
        // CAST: `N` is the number of counters of a row, far below 2^32.
        // SAFETY: By the type invariant it is a cookie for `N` counters; `sum` has `N` elements.
        unsafe { raw::rust_pool_counters_sum(self.cookie(), sum.as_mut_ptr(), N as u32) };
        sum
    }
}
