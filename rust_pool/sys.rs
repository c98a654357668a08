// SPDX-License-Identifier: GPL-2.0

//! The foreign functions of this crate, each behind a small safe wrapper where one is possible.
//!
//! Declarations are generated: those of the kernel are the `kernel` crate's bindings, those of our
//! own C half come from [`rust_pool/core.h`] by bindgen, so none is written by hand.
//!
//! [`rust_pool/core.h`]: ../core.h

use crate::text::Text;
use core::ptr::null_mut;
use kernel::{
    bindings,
    prelude::*,
    str::CStr,
    time::Jiffies, //
};

mod device;
mod guard;
mod guarded;
mod module;
mod pages;
mod parameters;
mod pressure;
mod slab;
mod work;

pub(crate) use device::{
    Coherent,
    DmaDevice,
    Fate,
    Origin,
    CODES, //
};
pub(crate) use guard::{
    FaultWatch,
    GuardedPage,
    GuardedPages, //
};
pub(crate) use guarded::{
    init as learn_direct_map,
    peek,
    replace,
    PageWords, //
};
pub(crate) use module::{
    is_ours,
    Client,
    ClientInfo,
    Module,
    ModuleWatch, //
};
pub(crate) use pages::*;
pub(crate) use parameters::{
    magazines,
    panic_on_violation,
    verifier_parameter,
    ParametersLive, //
};
pub(crate) use pressure::PressureWatch;
pub(crate) use slab::{
    caches_are_checked,
    is_slab,
    kfree,
    kmalloc,
    room,
    slab_around,
    Cache, //
};
pub(crate) use work::*;

/// Our own C half, as bindgen sees it.
#[allow(
    clippy::all,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks,
    clippy::cast_lossless,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_op_in_unsafe_fn
)]
pub mod raw {
    use kernel::{
        bindings::*,
        ffi, //
    };

    include!(env!("RUST_POOL_BINDINGS"));
}

/// Where this is inlined: for whoever calls us from another module, an address in it.
#[inline(always)]
pub(crate) fn here() -> usize {
    let here;
    // SAFETY: It only reads the instruction pointer.
    unsafe {
        core::arch::asm!("lea {}, [rip]", out(reg) here,
            options(nomem, nostack, preserves_flags));
    }
    here
}

/// The module that this is inlined into: its `THIS_MODULE`.
#[inline(always)]
pub(crate) fn this_module() -> *mut bindings::module {
    &raw mut bindings::__this_module
}

/// Bytes in a page.
pub(crate) const PAGE_SIZE: usize = kernel::page::PAGE_SIZE;

/// `bytes` rounded up to whole pages, or `None` if that overflows.
#[inline]
pub(crate) fn page_align(bytes: usize) -> Option<usize> {
    Some(bytes.checked_add(PAGE_SIZE - 1)? & !(PAGE_SIZE - 1))
}

/// A `gfp_t`.
pub(crate) type Gfp = bindings::gfp_t;

/// The context as an IRQL: 0, 2, 13, or 15 in NMI.
#[inline]
pub(crate) fn irql() -> u32 {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_irql() }
}

/// Whether this is a hard interrupt.
pub(crate) fn in_hardirq() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_in_hardirq() }
}

/// Whether vmalloc may be used: in a task, atomic or not, but with interrupts and softirqs enabled.
pub(crate) fn may_vmalloc() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_may_vmalloc() }
}

/// The physical address behind a kernel virtual address, if it is mapped. If somebody else unmaps it
/// meanwhile, any address may come of it.
pub(crate) fn physical(addr: usize) -> Option<u64> {
    let mut phys = 0;
    // SAFETY: The helper accepts any address and writes to the valid pointer only. A page table that
    // is freed while it walks stays in the direct map, so reading it does no harm.
    unsafe { raw::rust_pool_lookup(addr as *const c_void, &mut phys) }.then_some(phys)
}

/// Whether an address is mapped to anything but memory.
pub(crate) fn is_mapped_device(addr: usize) -> bool {
    // SAFETY: May be called anywhere, with any address.
    physical(addr).is_some_and(|phys| !unsafe { raw::rust_pool_is_memory(phys) })
}

/// One past the highest page frame number of memory.
pub(crate) fn max_pfn() -> u64 {
    // SAFETY: May be called anywhere.
    // CAST: `usize` is 64 bits wide on the architectures supported.
    unsafe { raw::rust_pool_max_pfn() as u64 }
}

/// Bytes of memory that could be had without swapping.
pub(crate) fn available() -> usize {
    // SAFETY: May be called anywhere.
    let pages = unsafe { bindings::si_mem_available() };
    usize::try_from(pages)
        .unwrap_or(0)
        .saturating_mul(PAGE_SIZE)
}

/// Bytes of memory in the machine.
pub(crate) fn total() -> usize {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_total_pages() }.saturating_mul(PAGE_SIZE)
}

/// How many CPUs there may ever be.
pub(crate) fn possible_cpus() -> u32 {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_possible_cpus() }
}

/// Where a CPU's copy of per-CPU memory is.
pub(crate) fn percpu_address(cookie: usize, cpu: u32) -> usize {
    // SAFETY: The address is only computed.
    unsafe { raw::rust_pool_percpu_address(cookie, cpu) as usize }
}

/// Whether the kernel zeroes memory when it is allocated.
pub(crate) fn inits_on_alloc() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_inits_on_alloc() }
}

/// Whether the kernel zeroes memory when it is freed.
pub(crate) fn inits_on_free() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_inits_on_free() }
}

/// What keeps this context from sleeping, in words.
pub(crate) fn context() -> &'static str {
    // SAFETY: May be called anywhere; the words are a constant.
    let words = unsafe { CStr::from_char_ptr(raw::rust_pool_context()) };
    words.to_str().unwrap_or("?")
}

/// Whether the rate limit lets one more message into the log.
pub(crate) fn may_log() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_may_log() }
}

/// How many it kept out since this was asked last.
pub(crate) fn left_out() -> u32 {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_left_out() }
}

/// Nanoseconds by the clock of the kernel log.
pub(crate) fn log_time() -> u64 {
    // SAFETY: May be called anywhere, NMI included.
    unsafe { raw::rust_pool_log_time() }
}

/// Nanoseconds since boot.
pub(crate) fn uptime() -> u64 {
    // SAFETY: May be called anywhere, NMI included.
    unsafe { bindings::ktime_get_mono_fast_ns() }
}

/// The kernel's clock.
pub(crate) fn jiffies() -> Jiffies {
    // SAFETY: It is always there, and changes under whoever reads it.
    unsafe { (&raw const bindings::jiffies).read_volatile() }
}

/// Return addresses on the stack, the newest first, up to the interrupt if this is one; their
/// number. Any context.
pub(crate) fn save_stack(frames: &mut [usize]) -> usize {
    let room = u32::try_from(frames.len()).unwrap_or(0);
    // SAFETY: There is room for so many.
    let saved = unsafe { raw::rust_pool_save_stack(frames.as_mut_ptr(), room) };
    usize::try_from(saved).unwrap_or(0)
}

/// Number and name of the task that this is, or `None` in an interrupt.
pub(crate) fn current_task() -> Option<(u32, Text<16>)> {
    let mut name = [0; 16];
    // SAFETY: There is room for a task's name.
    let pid = unsafe { raw::rust_pool_current_task(name.as_mut_ptr()) };
    let name = CStr::from_bytes_until_nul(&name).ok()?.to_str().ok()?;
    (pid != 0).then_some((pid, Text::exact(name)?))
}

/// A random number.
pub(crate) fn random() -> u64 {
    // SAFETY: May be called anywhere.
    unsafe { bindings::get_random_u64() }
}

/// Stops the machine.
pub(crate) fn panic(what: &CStr) -> ! {
    // SAFETY: The format takes one string, which is NUL-terminated.
    unsafe { bindings::panic(c"rust_pool: %s".as_char_ptr(), what.as_char_ptr()) }
}

/// Zeroed per-CPU memory, as a cookie for `gs:`-relative access. Sleeps.
pub(crate) fn percpu(bytes: usize) -> Option<NonZeroPerCpu> {
    // SAFETY: Any size up to `PCPU_MIN_UNIT_SIZE` and this alignment are allowed.
    let base = unsafe { bindings::pcpu_alloc_noprof(bytes, 8, false, raw::RUST_POOL_GFP_KERNEL) };
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

/// Sums `N` counters at `base` over all CPUs.
///
/// # Safety
///
/// `base` is a per-CPU cookie with so many aligned `u64`.
pub(crate) unsafe fn percpu_sum<const N: usize>(base: usize) -> [u64; N] {
    let mut sum = [0; N];
    // CAST: `N` is a handful.
    // SAFETY: By the safety requirements; `sum` has room for as many.
    unsafe { raw::rust_pool_counters_sum(base, sum.as_mut_ptr(), N as u32) };
    sum
}

/// Formats an address by one of printf's pointer formats; returns the bytes written.
pub(crate) fn format_pointer(text: &mut [u8], format: &'static CStr, addr: usize) -> usize {
    // SAFETY: `text` is valid for its length, and the format takes one pointer.
    let len = unsafe {
        bindings::scnprintf(
            text.as_mut_ptr(),
            text.len(),
            format.as_char_ptr(),
            addr as *const c_void,
        )
    };
    usize::try_from(len).unwrap_or(0)
}

/// A null pointer where C expects one.
pub(crate) const NULL: *mut c_void = null_mut();
