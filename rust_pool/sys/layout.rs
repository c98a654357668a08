// SPDX-License-Identifier: GPL-2.0

//! Where the reader of a dump finds what is the kernel's: it has no debug information to tell it.

use crate::sys::raw;
use core::mem::{
    offset_of,
    size_of, //
};
use kernel::{
    bindings::{
        self,
        mod_kallsyms,
        module,
        module_memory, //
    },
    ffi::{
        c_uint,
        c_ulong, //
    }, //
};

/// Where a module has its place in the list of modules, its name, and its areas of memory; the
/// bytes of such an area, how many there are, and where it has its address and its size.
pub(crate) const MODULE: [usize; 7] = [
    offset_of!(module, list),
    offset_of!(module, name),
    offset_of!(module, mem),
    size_of::<module_memory>(),
    // CAST: It is a small number.
    bindings::mod_mem_type_MOD_MEM_NUM_TYPES as usize,
    offset_of!(module_memory, base),
    offset_of!(module_memory, size),
];

/// Where a module has the address of its symbols, and these their table, its length and their
/// names; zeroes if the kernel keeps no symbols.
#[cfg(CONFIG_KALLSYMS)]
pub(crate) const SYMBOLS: [usize; 4] = [
    offset_of!(module, kallsyms),
    offset_of!(mod_kallsyms, symtab),
    offset_of!(mod_kallsyms, num_symtab),
    offset_of!(mod_kallsyms, strtab),
];
#[cfg(not(CONFIG_KALLSYMS))]
pub(crate) const SYMBOLS: [usize; 4] = [0; 4];

/// The bytes of a `struct page`, and where it has the two words of its owner.
pub(crate) const PAGE: [usize; 2] = [size_of::<bindings::page>(), raw::RUST_POOL_PAGE_WORDS];

/// What each CPU adds to a per-CPU cookie, and the number of CPUs; null if there is one alone.
#[cfg(CONFIG_SMP)]
pub(crate) const CPU_OFFSETS: *const c_ulong = (&raw const bindings::__per_cpu_offset).cast();
#[cfg(all(CONFIG_SMP, not(CONFIG_FORCE_NR_CPUS)))]
pub(crate) const CPUS: *const c_uint = &raw const bindings::nr_cpu_ids;
#[cfg(CONFIG_FORCE_NR_CPUS)]
pub(crate) const CPUS: *const c_uint = {
    static ALL: c_uint = bindings::NR_CPUS;
    &raw const ALL
};
#[cfg(not(CONFIG_SMP))]
pub(crate) const CPU_OFFSETS: *const c_ulong = core::ptr::null();
#[cfg(not(CONFIG_SMP))]
pub(crate) const CPUS: *const c_uint = core::ptr::null();

/// Where the direct map begins, where the vmalloc area behind it, and where the page structures.
pub(crate) const DIRECT_MAP: *const c_ulong = &raw const bindings::page_offset_base;
pub(crate) const VMALLOC: *const c_ulong = &raw const bindings::vmalloc_base;
pub(crate) const PAGES: *const c_ulong = &raw const bindings::vmemmap_base;
