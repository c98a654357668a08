// SPDX-License-Identifier: GPL-2.0

//! Per-CPU memory.

use crate::sys::{
    arch::percpu::Counters,
    raw, //
};
use core::{
    mem::ManuallyDrop,
    num::NonZero, //
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

/// A CPU that is there, or may come.
///
/// # Invariants
///
/// It is the number of a possible CPU.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Cpu(u32);

impl Cpu {
    /// All of them.
    pub(crate) fn possible() -> impl Iterator<Item = Self> {
        // INVARIANT: They are numbered without gaps.
        (0..possible_cpus()).map(Self)
    }

    /// Its number.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// The address of its copy of per-CPU memory.
    pub(crate) fn address_of(self, cookie: usize) -> usize {
        // SAFETY: The function adds the CPU's offset, which by the type invariant there is, and
        // reads nothing at the address.
        unsafe { raw::rust_pool_percpu_address(cookie, self.0) as usize }
    }
}

/// The alignment of per-CPU memory: that of a cache line.
pub(crate) const PERCPU_ALIGN: usize = 64;

/// Per-CPU memory. It is freed on drop, which sleeps.
///
/// # Invariants
///
/// It is what `pcpu_alloc_noprof()` returned, and belongs to this value.
pub(crate) struct PerCpu(NonZero<usize>);

impl PerCpu {
    /// Zeroed per-CPU memory. It begins at a cache line, so that what is written together is in as
    /// few lines as it fits in. Sleeps.
    pub(crate) fn new(bytes: usize) -> Option<Self> {
        // SAFETY: The alignment is allowed, and so is any size: the function returns null, with a
        // warning, for one above `PCPU_MIN_UNIT_SIZE`.
        let base = unsafe {
            bindings::pcpu_alloc_noprof(bytes, PERCPU_ALIGN, false, raw::RUST_POOL_GFP_KERNEL)
        };
        // INVARIANT: It was just allocated.
        NonZero::new(base as usize).map(Self)
    }

    /// The cookie that the functions of `arch/percpu.rs` take.
    pub(crate) fn cookie(&self) -> usize {
        self.0.get()
    }

    /// The cookie of memory that nobody frees, until [`from_raw`](Self::from_raw) is called.
    pub(crate) fn into_raw(self) -> usize {
        ManuallyDrop::new(self).cookie()
    }

    /// The memory with this cookie; `None` for 0.
    ///
    /// # Safety
    ///
    /// `cookie` is 0 or comes from [`into_raw`](Self::into_raw), once.
    pub(crate) unsafe fn from_raw(cookie: usize) -> Option<Self> {
        // INVARIANT: By the safety requirements.
        NonZero::new(cookie).map(Self)
    }
}

impl Drop for PerCpu {
    fn drop(&mut self) {
        // SAFETY: By the type invariant. Whoever has the cookie does not use it longer than this
        // value.
        unsafe { bindings::free_percpu(self.cookie() as *mut c_void) }
    }
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
