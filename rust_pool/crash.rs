// SPDX-License-Identifier: GPL-2.0

//! What a dump of the machine's memory says about itself.
//!
//! A dump has no types, and the kernel's debug symbols are a gigabyte that few have at hand; they
//! do not describe this module either. So the module has a descriptor: where its statics are, and
//! where the types of this very build have what a reader looks for. The compiler computes all of
//! it, and nothing of it is used while the machine runs. `scripts/rust_pool-crash` finds it by its
//! first bytes in the memory of modules, and knows the fields by their order.

use crate::{
    callers::{
        call_site::CallSite,
        stack::Stack, //
    },
    header,
    memory::{
        heap::span::Span,
        size_class, //
    },
    options::{
        policy,
        Options,
        OPTIONS, //
    },
    pool::special::arena,
    record::{
        table::{
            Regions,
            REGIONS, //
        },
        Region, //
    },
    report::{
        self,
        log::{
            Entry,
            Log,
            LOG, //
        },
        violation::Violation, //
    },
    stats::{
        tag_stats::TagStats,
        tag_table, //
    },
    sys::layout,
    types::memory_type::MemoryType,
    verifier::{
        record::Record,
        tracking::{
            self,
            Records,
            RECORDS, //
        }, //
    }, //
};
use core::mem::size_of;
use kernel::{
    bindings,
    prelude::*, //
};

/// Raise it when a reader would go wrong: when a field comes, goes or moves, and when what it
/// describes changes its meaning, such as the bits of a header or the numbers of an enumeration.
const VERSION: u32 = 1;

/// An address of anything.
type Address = *const c_void;

/// The descriptor. `scripts/rust_pool-crash` has a list of these fields, which
/// `selftests/scripts/crash.py` compares. It is aligned so that no page ends in its first bytes.
#[repr(C, align(16))]
struct Descriptor {
    magic: [u8; 16],
    version: u32,
    /// Bytes of this structure.
    bytes: u32,
    /// Its own address: a copy of the file of the module has none, as that is not relocated.
    own: Address,
    /// The `struct module` of this module.
    module: Address,

    cpu_offsets: Address,
    cpus: Address,
    direct_map: Address,
    vmalloc: Address,
    pages: Address,

    secret: Address,
    class_of: Address,
    chunks: Address,
    claimed: Address,
    /// These four have the address of what is made at load.
    regions: Address,
    records: Address,
    log: Address,
    options: Address,
    missed: Address,
    reported: Address,
    panic: Address,
    special_start: Address,
    special_bytes: Address,
    special_slots: Address,

    module_layout: [u16; 7],
    symbols_layout: [u16; 4],
    page_layout: [u16; 2],
    chunks_layout: [u16; 2],
    row_layout: [u16; 9],
    row_indices: [u16; 4],
    site_layout: [u16; 5],
    stack_layout: [u16; 3],
    span_layout: [u16; 5],
    regions_layout: [u16; 3],
    region_layout: [u16; 11],
    records_layout: [u16; 3],
    record_layout: [u16; 7],
    memory_layout: [u16; 3],
    log_layout: [u16; 7],
    entry_layout: [u16; 7],
    violation_layout: [u16; 5],
    options_layout: [u16; 1],
    special_layout: [u16; 9],
}

// SAFETY: It is never changed, and this module does not use the addresses.
unsafe impl Sync for Descriptor {}

/// These numbers in half-words, as they all are small.
const fn small<const N: usize>(numbers: [usize; N]) -> [u16; N] {
    let mut small = [0; N];
    let mut at = 0;
    while at < N {
        assert!(numbers[at] <= u16::MAX as usize);
        // CAST: As just compared.
        small[at] = numbers[at] as u16;
        at += 1;
    }
    small
}

#[used]
static DESCRIPTOR: Descriptor = Descriptor {
    magic: *b"rust_pool crash\n",
    version: VERSION,
    // CAST: It is a small number.
    bytes: size_of::<Descriptor>() as u32,
    own: (&raw const DESCRIPTOR).cast(),
    module: (&raw const bindings::__this_module).cast(),

    cpu_offsets: layout::CPU_OFFSETS.cast(),
    cpus: layout::CPUS.cast(),
    direct_map: layout::DIRECT_MAP.cast(),
    vmalloc: layout::VMALLOC.cast(),
    pages: layout::PAGES.cast(),

    secret: header::SECRET_PLACE.cast(),
    class_of: size_class::CLASS_OF_PLACE.cast(),
    chunks: tag_table::CHUNKS_PLACE,
    claimed: tag_table::CLAIMED_PLACE.cast(),
    regions: REGIONS.place().cast(),
    records: RECORDS.place().cast(),
    log: LOG.place().cast(),
    options: OPTIONS.place().cast(),
    missed: tracking::MISSED_PLACE.cast(),
    reported: report::REPORTED_PLACE.cast(),
    panic: policy::PANIC_PLACE.cast(),
    special_start: arena::PLACES[0].cast(),
    special_bytes: arena::PLACES[1].cast(),
    special_slots: arena::PLACES[2].cast(),

    module_layout: small(layout::MODULE),
    symbols_layout: small(layout::SYMBOLS),
    page_layout: small(layout::PAGE),
    chunks_layout: small(tag_table::CHUNKS_LAYOUT),
    row_layout: small(TagStats::LAYOUT),
    row_indices: small(TagStats::INDICES),
    site_layout: small(CallSite::LAYOUT),
    stack_layout: small(Stack::LAYOUT),
    span_layout: small(Span::LAYOUT),
    regions_layout: small(Regions::LAYOUT),
    region_layout: small(Region::LAYOUT),
    records_layout: small(Records::LAYOUT),
    record_layout: small(Record::LAYOUT),
    memory_layout: small(MemoryType::LAYOUT),
    log_layout: small(Log::LAYOUT),
    entry_layout: small(Entry::LAYOUT),
    violation_layout: small(Violation::LAYOUT),
    options_layout: small(Options::LAYOUT),
    special_layout: small(arena::LAYOUT),
};
