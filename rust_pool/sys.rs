// SPDX-License-Identifier: GPL-2.0

//! The foreign functions of this crate, each behind a small safe wrapper where one is possible.
//!
//! Declarations are generated: those of the kernel are the `kernel` crate's bindings, those of our
//! own C half come from [`rust_pool/core.h`] by bindgen, so none is written by hand.
//!
//! [`rust_pool/core.h`]: ../core.h

use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::{
    bindings,
    prelude::*,
    str::CStr, //
};

/// Our own C half, as bindgen sees it.
#[allow(
    clippy::all,
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

/// Reads 16 bytes at an address that may be anything.
///
/// `None` if the address is not in the direct map or nothing is there.
#[inline]
pub(crate) fn peek(addr: usize) -> Option<(u64, u64)> {
    let (mut first, mut second) = (0, 0);
    // SAFETY: The helper accepts any address and writes to the two valid pointers only.
    unsafe { raw::rust_pool_peek(addr as *const c_void, &mut first, &mut second) }
        .then_some((first, second))
}

/// The physical address behind a kernel virtual address, if it is mapped.
pub(crate) fn physical(addr: usize) -> Option<u64> {
    let mut phys = 0;
    // SAFETY: The helper accepts any address and writes to the valid pointer only.
    unsafe { raw::rust_pool_lookup(addr as *const c_void, &mut phys) }.then_some(phys)
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

/// Has `rust_pool_deferred()` called soon, in a context that may sleep.
pub(crate) fn defer() {
    // SAFETY: Scheduling a work item is allowed in any context but NMI, where nothing gets this far.
    unsafe { raw::rust_pool_defer() }
}

/// Waits until what was deferred is done. Sleeps.
pub(crate) fn defer_finish() {
    // SAFETY: Called from the module's exit, which may sleep.
    unsafe { raw::rust_pool_defer_finish() }
}

/// Whether the rate limit lets one more message into the log.
pub(crate) fn may_log() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_may_log() }
}

/// Nanoseconds since boot.
pub(crate) fn uptime() -> u64 {
    // SAFETY: May be called anywhere, NMI included.
    u64::try_from(unsafe { bindings::ktime_get_mono_fast_ns() }).unwrap_or(0)
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

/// A slab cache for objects of one size.
#[derive(Clone, Copy)]
pub(crate) struct Cache(NonNull<bindings::kmem_cache>);

impl Cache {
    /// Makes a cache of objects of `size` bytes, aligned to 16, of which user copies may touch what
    /// lies behind `offset`. Sleeps.
    pub(crate) fn new(name: &CStr, size: usize, offset: usize) -> Result<Self> {
        let (size, offset) = (u32::try_from(size)?, u32::try_from(offset)?);
        // SAFETY: `name` is NUL-terminated and copied.
        let cache = unsafe { raw::rust_pool_cache_create(name.as_char_ptr(), size, offset) };
        Ok(Self(NonNull::new(cache).ok_or(ENOMEM)?))
    }

    /// The cache that [`Self::into_raw`] was called on.
    ///
    /// # Safety
    ///
    /// `raw` comes from `into_raw()` of a cache that is not destroyed.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: NonNull<bindings::kmem_cache>) -> Self {
        Self(raw)
    }

    /// A pointer that stands for this cache in an atomic variable.
    pub(crate) fn into_raw(self) -> *mut bindings::kmem_cache {
        self.0.as_ptr()
    }

    /// An uninitialised object.
    #[inline]
    pub(crate) fn allocate(self, gfp: Gfp) -> Option<NonNull<u8>> {
        // SAFETY: The cache is alive: only `destroy()` ends it, after the last use.
        NonNull::new(unsafe { bindings::kmem_cache_alloc_noprof(self.0.as_ptr(), gfp) }.cast())
    }

    /// Gives an object back.
    ///
    /// # Safety
    ///
    /// `object` comes from `allocate()` of this cache and is not used any more.
    #[inline]
    pub(crate) unsafe fn free(self, object: NonNull<u8>) {
        // SAFETY: By the safety requirements.
        unsafe { bindings::kmem_cache_free(self.0.as_ptr(), object.as_ptr().cast()) }
    }

    /// Destroys the cache if no object is left in it, and says whether it did. Sleeps.
    ///
    /// # Safety
    ///
    /// Nobody uses the cache at the same time, or after it was destroyed.
    pub(crate) unsafe fn destroy_if_empty(self) -> bool {
        // SAFETY: The cache is alive. Zero is returned when all slabs could be released, which is
        // to say that no object is left.
        if unsafe { bindings::kmem_cache_shrink(self.0.as_ptr()) } != 0 {
            return false;
        }
        // SAFETY: The cache is alive and empty, and not used any more.
        unsafe { bindings::kmem_cache_destroy(self.0.as_ptr()) };
        true
    }
}

/// The kmalloc allocator: `bytes` at the alignment of the largest power of two that divides them.
#[inline]
pub(crate) fn kmalloc(bytes: usize, gfp: Gfp) -> Option<NonNull<u8>> {
    // SAFETY: No pointer is passed, so this is a plain allocation of any size and flags.
    NonNull::new(
        unsafe {
            bindings::krealloc_node_align_noprof(
                core::ptr::null(),
                bytes,
                1,
                gfp,
                bindings::NUMA_NO_NODE,
            )
        }
        .cast(),
    )
}

/// Frees what [`kmalloc`] returned.
///
/// # Safety
///
/// `block` comes from [`kmalloc`] and is not used any more.
#[inline]
pub(crate) unsafe fn kfree(block: NonNull<u8>) {
    // SAFETY: By the safety requirements.
    unsafe { bindings::kfree(block.as_ptr().cast()) }
}

/// Physically contiguous whole pages for `bytes` bytes, without the rest of a power of two.
pub(crate) fn pages_exact(bytes: usize, gfp: Gfp) -> Option<NonNull<u8>> {
    // SAFETY: Any size and flags without `__GFP_COMP` are allowed, and no caller passes that.
    NonNull::new(unsafe { bindings::alloc_pages_exact_noprof(bytes, gfp) }.cast())
}

/// Frees pages of the direct map that each have a reference of their own.
///
/// # Safety
///
/// `base` comes from [`pages_exact`] or [`contig_try`] for as many pages, and is not used any more.
pub(crate) unsafe fn free_pages(base: NonNull<u8>, bytes: usize) {
    // SAFETY: By the safety requirements.
    unsafe { bindings::free_pages_exact(base.as_ptr().cast(), bytes) }
}

/// Why page frames could not be had.
pub(crate) enum Contig {
    /// This one is not to be had by anybody; finding that out was cheap.
    Obstacle(u64),
    /// It was tried.
    Busy,
}

/// Exactly the page frames from `pfn` on. Sleeps.
pub(crate) fn contig_try(pfn: u64, pages: usize) -> Result<NonNull<u8>, Contig> {
    let (mut base, mut obstacle) = (null_mut(), 0);
    let pfn = usize::try_from(pfn).map_err(|_| Contig::Busy)?;
    // SAFETY: The helper checks that every frame exists before it touches it.
    let err = unsafe { raw::rust_pool_contig_try(pfn, pages, &mut base, &mut obstacle) };
    match NonNull::new(base.cast()) {
        Some(base) => Ok(base),
        // CAST: Lossless on the architectures supported.
        None if err == ENXIO.to_errno() => Err(Contig::Obstacle(obstacle as u64)),
        None => Err(Contig::Busy),
    }
}

/// Virtually contiguous memory.
pub(crate) fn vmalloc(bytes: usize, gfp: Gfp) -> Option<NonNull<u8>> {
    // SAFETY: Called in task context only, with flags that vmalloc supports.
    NonNull::new(unsafe { raw::rust_pool_vmalloc(bytes, gfp) }.cast())
}

/// Whether an address lies in the area that [`vmalloc`] hands out.
pub(crate) fn is_vmalloc(block: NonNull<u8>) -> bool {
    // SAFETY: The address is only compared.
    unsafe { bindings::is_vmalloc_addr(block.as_ptr().cast()) }
}

/// Frees what [`vmalloc`] returned.
///
/// # Safety
///
/// `block` comes from [`vmalloc`] and is not used any more.
pub(crate) unsafe fn vfree(block: NonNull<u8>) {
    if irql() == 0 {
        // SAFETY: By the safety requirements; this context may sleep.
        unsafe { bindings::kvfree(block.as_ptr().cast()) }
    } else {
        // SAFETY: By the safety requirements; this one works in any context.
        unsafe { bindings::kvfree_atomic(block.as_ptr().cast()) }
    }
}

/// A single page that is not mapped anywhere but in the direct map.
pub(crate) fn page(gfp: Gfp) -> Option<NonNull<bindings::page>> {
    // SAFETY: Order 0 with any flags is allowed.
    NonNull::new(unsafe { bindings::alloc_pages(gfp, 0) })
}

/// Frees what [`page`] returned.
///
/// # Safety
///
/// `page` comes from [`page`] and is not used any more.
pub(crate) unsafe fn free_page(page: NonNull<bindings::page>) {
    // SAFETY: By the safety requirements.
    unsafe { bindings::__free_pages(page.as_ptr(), 0) }
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
pub(crate) fn percpu_sum<const N: usize>(base: usize) -> [u64; N] {
    let mut sum = [0; N];
    // CAST: `N` is a handful.
    // SAFETY: `base` is a cookie of `N` counters, made by [`percpu`] and alive while rows are.
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

/// A kernel module, as the module notifier passes it.
#[derive(Clone, Copy)]
pub(crate) struct Module(NonNull<bindings::module>);

impl Module {
    /// Wraps the notifier's pointer.
    ///
    /// # Safety
    ///
    /// `module` is valid as long as the value is used.
    pub(crate) unsafe fn from_raw(module: NonNull<bindings::module>) -> Self {
        Self(module)
    }

    /// Whether an address lies in this module.
    pub(crate) fn contains(self, addr: usize) -> bool {
        // SAFETY: The module is valid by the contract of `from_raw()`.
        unsafe { raw::rust_pool_within_module(addr, self.0.as_ptr()) }
    }

    /// Whether an address lies in what is freed when this module is live.
    pub(crate) fn init_contains(self, addr: usize) -> bool {
        // SAFETY: The module is valid by the contract of `from_raw()`.
        unsafe { raw::rust_pool_within_init(addr, self.0.as_ptr()) }
    }

    /// An address that lies in this module as long as it is there.
    pub(crate) fn address(self) -> usize {
        // SAFETY: The module is valid by the contract of `from_raw()`.
        unsafe { raw::rust_pool_module_address(self.0.as_ptr()) }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        // SAFETY: The module is valid by the contract of `from_raw()`, and its name lives as long.
        let name = unsafe { CStr::from_char_ptr(raw::rust_pool_module_name(self.0.as_ptr())) };
        name.to_str().unwrap_or("?")
    }
}

/// Has `rust_pool_module_live()` and `rust_pool_module_going()` called when a module comes and goes.
pub(crate) struct ModuleWatch(());

impl ModuleWatch {
    /// Starts watching. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The notifier is static; it is registered once, by the module's init.
        kernel::error::to_result(unsafe { raw::rust_pool_watch_modules() })?;
        Ok(Self(()))
    }
}

impl Drop for ModuleWatch {
    fn drop(&mut self) {
        // SAFETY: It was registered by `new()`.
        unsafe { raw::rust_pool_unwatch_modules() }
    }
}

/// Sets the cache type of `pages` pages of the direct map from `base` on. Sleeps.
///
/// # Safety
///
/// The pages belong to the caller, and nobody else maps them.
pub(crate) unsafe fn direct_set(base: NonNull<u8>, pages: usize, cache: i32) -> Result {
    let pages = u32::try_from(pages)?;
    // SAFETY: By the safety requirements; `base` is an address of the direct map.
    kernel::error::to_result(unsafe {
        raw::rust_pool_direct_set(base.as_ptr().cast(), pages, cache)
    })
}

/// Sets the cache type of scattered pages in the direct map. Sleeps.
///
/// # Safety
///
/// As for [`direct_set`].
pub(crate) unsafe fn pages_set(pages: &mut [NonNull<bindings::page>], cache: i32) -> Result {
    let count = u32::try_from(pages.len())?;
    // SAFETY: By the safety requirements. `NonNull` has the layout of a pointer.
    kernel::error::to_result(unsafe {
        raw::rust_pool_pages_set(pages.as_mut_ptr().cast(), count, cache)
    })
}

/// Maps scattered pages side by side, with the same cache type that they have. Sleeps.
pub(crate) fn vmap(pages: &mut [NonNull<bindings::page>], cache: i32) -> Option<NonNull<u8>> {
    let count = u32::try_from(pages.len()).ok()?;
    // SAFETY: The pages are valid. `NonNull` has the layout of a pointer.
    NonNull::new(unsafe { raw::rust_pool_vmap(pages.as_mut_ptr().cast(), count, cache) }.cast())
}

/// Undoes [`vmap`]. Sleeps.
///
/// # Safety
///
/// `base` comes from [`vmap`] and is not used any more.
pub(crate) unsafe fn vunmap(base: NonNull<u8>) {
    // SAFETY: By the safety requirements.
    unsafe { raw::rust_pool_vunmap(base.as_ptr().cast()) }
}

/// A device that is kept alive, for DMA.
pub(crate) struct DmaDevice(NonNull<bindings::device>);

// SAFETY: A device may be used and released from any thread.
unsafe impl Send for DmaDevice {}
// SAFETY: What the methods below call is thread-safe.
unsafe impl Sync for DmaDevice {}

impl DmaDevice {
    /// Takes a reference to the device.
    ///
    /// # Safety
    ///
    /// `dev` is a valid, initialised device.
    pub(crate) unsafe fn new(dev: NonNull<bindings::device>) -> Self {
        // SAFETY: By the safety requirements.
        unsafe { bindings::get_device(dev.as_ptr()) };
        Self(dev)
    }

    /// Whether both are one device.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Sets the streaming and the coherent mask. Sleeps.
    pub(crate) fn set_mask(&self, mask: u64) -> Result {
        // SAFETY: The device is alive. The WDK's caller promises as ours does that no other DMA
        // allocation of this device runs at the same time.
        kernel::error::to_result(unsafe {
            bindings::dma_set_mask_and_coherent(self.0.as_ptr(), mask)
        })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        // SAFETY: The device is alive, and its name with it.
        let name = unsafe { CStr::from_char_ptr(bindings::dev_name(self.0.as_ptr())) };
        name.to_str().unwrap_or("?")
    }

    /// Zeroed coherent memory and its bus address. Sleeps.
    pub(crate) fn allocate(&self, bytes: usize, gfp: Gfp) -> Option<(NonNull<u8>, u64)> {
        let mut bus = 0;
        // SAFETY: The device is alive and `bus` is valid for a write.
        let base = unsafe { bindings::dma_alloc_attrs(self.0.as_ptr(), bytes, &mut bus, gfp, 0) };
        Some((NonNull::new(base.cast())?, bus))
    }

    /// Frees what [`Self::allocate`] returned. Sleeps.
    ///
    /// # Safety
    ///
    /// The arguments are those of one allocation that is not used any more.
    pub(crate) unsafe fn free(&self, base: NonNull<u8>, bytes: usize, bus: u64) {
        // SAFETY: By the safety requirements.
        unsafe { bindings::dma_free_attrs(self.0.as_ptr(), bytes, base.as_ptr().cast(), bus, 0) }
    }
}

impl Drop for DmaDevice {
    fn drop(&mut self) {
        // SAFETY: The reference was taken by `new()`.
        unsafe { bindings::put_device(self.0.as_ptr()) }
    }
}

/// A null pointer where C expects one.
pub(crate) const NULL: *mut c_void = null_mut();
