// SPDX-License-Identifier: GPL-2.0

//! The table of violations: a row for each rule that a client can break.
//!
//! A report names its rule, and gives what the row leaves open. The tables of
//! `Documentation/violations.rst` are made from this file by `scripts/rules.py`: the comment of a
//! row says what happened. A star marks what Microsoft's documents leave open and was chosen here.
//!
//! WDK: "Bug Check 0x19", "0x49", "0xC1", "0xC2", "0xC4", "0xCC", "0xCD", "0xCE", "0xD7",
//! "0xDA", "0xE6".

use crate::report::violation::{
    rule,
    Check::*,
    Column::{
        Given,
        Irql,
        Is,
        Ours, //
    },
    Rule,
    Then::{
        Dies,
        Done,
        DoneButInNmi,
        Later,
        Left,
        Lost,
        Past,
        Refused, //
    }, //
};

/// The header of a block was written to, which is found when the block is freed. The text
/// below this table says more.
pub(crate) const HEADER_CHANGED: Rule<3> = rule(
    BadPoolHeader,
    [
        Is(0x20),
        Given("the block"),
        Given("bytes asked for, or 0"),
        Given("the block in front, or 0"),
    ],
    "header of a block changed",
    Lost,
);

/// Bytes behind the end of a block were written to, which is found when that is freed.
pub(crate) const BYTES_BEHIND_CHANGED: Rule<3> = rule(
    BadPoolHeader,
    [
        Is(0x21),
        Given("the block"),
        Given("bytes asked for"),
        Given("the first byte that is not what it was"),
    ],
    "bytes behind a block changed",
    Done,
);

/// The header of a block was written to after the free. The report names no caller, as it is not
/// known.
pub(crate) const FREED_HEADER_CHANGED: Rule<3> = rule(
    BadPoolHeader,
    [
        Is(0x23),
        Given("the block"),
        Given("where its header is"),
        Given("bytes asked for*"),
    ],
    "header of a freed block changed",
    Past,
);

/// A block was written to after it was freed. The report names no caller, as it is not known.
pub(crate) const FREED_BLOCK_CHANGED: Rule<3> = rule(
    BadPoolHeader,
    [
        Ours(0x24),
        Given("the block"),
        Given("the first byte that is not what it was"),
        Given("bytes asked for"),
    ],
    "freed block written to",
    Past,
);

/// `IoBuildPartialMdl()` of more pages than the target has room for. The room is that of the
/// target's block of pool or, if it is in none, what its `Size` says.
pub(crate) const TARGET_MDL_TOO_SMALL: Rule<4> = rule(
    TargetMdlTooSmall,
    [
        Given("source*"),
        Given("target*"),
        Given("where the part begins*"),
        Given("its bytes*"),
    ],
    "partial MDL without room for its pages",
    Refused,
);

/// Bytes before the block were written to.
pub(crate) const BYTES_BEFORE_SPECIAL_CHANGED: Rule<3> = rule(
    SpecialPool,
    [
        Given("the block"),
        Given("the first byte that is not what it was"),
        Given("bytes asked for*"),
        Is(0x23),
    ],
    "bytes before a block of special pool changed",
    Done,
);

/// Bytes behind the end of the block were written to.
pub(crate) const BYTES_BEHIND_SPECIAL_CHANGED: Rule<3> = rule(
    SpecialPool,
    [
        Given("the block"),
        Given("the first byte that is not what it was"),
        Given("bytes asked for*"),
        Is(0x24),
    ],
    "bytes behind a block of special pool changed",
    Done,
);

/// A request for 0 bytes of pool.
pub(crate) const POOL_ZERO_BYTES: Rule<2> = rule(
    BadPoolCaller,
    [Is(0x00), Is(0), Given("POOL_TYPE"), Given("tag")],
    "zero bytes requested",
    Refused,
);

/// A request for 0 bytes of contiguous or noncached memory, of pages for an MDL, or of registers to
/// be mapped.
pub(crate) const CONTIGUOUS_ZERO_BYTES: Rule<1> = rule(
    BadPoolCaller,
    [Ours(0x00), Is(0), Given("MEMORY_CACHING_TYPE"), Is(0)],
    "zero bytes requested",
    Refused,
);

/// A request for a common buffer of 0 bytes.
pub(crate) const BUFFER_ZERO_BYTES: Rule<1> = rule(
    BadPoolCaller,
    [Ours(0x00), Is(0), Given("adapter"), Is(0)],
    "zero bytes requested",
    Refused,
);

/// A lookaside list of entries of 0 bytes.
pub(crate) const LOOKASIDE_ZERO_BYTES: Rule<2> = rule(
    BadPoolCaller,
    [Ours(0x00), Is(0), Given("POOL_TYPE"), Given("tag")],
    "lookaside list of zero bytes",
    Refused,
);

/// A pool block is freed twice. Found for blocks up to 4064 bytes as long as their memory was not
/// used again; for larger ones as long as rust_pool keeps their pages, and then among the
/// page-aligned blocks given back most recently; after that, or if something else is mapped there
/// by then, the free is reported as 0x46*.
pub(crate) const POOL_FREED_TWICE: Rule<2> = rule(
    BadPoolCaller,
    [
        Is(0x07),
        Is(0),
        Given("its tag; 0 for a block that was given back, and above 64 KiB"),
        Given("address"),
    ],
    "block freed twice",
    Refused,
);

/// Paged pool allocated where sleeping is not allowed.
pub(crate) const PAGED_REQUESTED: Rule<2> = rule(
    BadPoolCaller,
    [Is(0x08), Irql, Given("POOL_TYPE"), Given("bytes")],
    "paged pool requested {context}",
    Refused,
);

/// Nonpaged pool allocated in NMI.
pub(crate) const NONPAGED_REQUESTED: Rule<2> = rule(
    BadPoolCaller,
    [Is(0x08), Irql, Given("POOL_TYPE"), Given("bytes")],
    "nonpaged pool requested {context}",
    Refused,
);

/// Contiguous memory allocated in NMI, or where sleeping is not allowed and it is not to be
/// cached.
pub(crate) const CONTIGUOUS_REQUESTED: Rule<2> = rule(
    BadPoolCaller,
    [
        Ours(0x08),
        Irql,
        Given("MEMORY_CACHING_TYPE"),
        Given("bytes"),
    ],
    "contiguous memory requested {context}",
    Refused,
);

/// Noncached memory allocated where sleeping is not allowed.
pub(crate) const NONCACHED_REQUESTED: Rule<2> = rule(
    BadPoolCaller,
    [
        Ours(0x08),
        Irql,
        Given("MEMORY_CACHING_TYPE"),
        Given("bytes"),
    ],
    "noncached memory requested {context}",
    Refused,
);

/// `MmAllocatePagesForMdl()` or a relative above `DISPATCH_LEVEL`, or where sleeping is not allowed
/// and the pages are not to be cached.
pub(crate) const MDL_PAGES_REQUESTED: Rule<2> = rule(
    BadPoolCaller,
    [
        Ours(0x08),
        Irql,
        Given("MEMORY_CACHING_TYPE"),
        Given("bytes"),
    ],
    "pages for an MDL requested {context}",
    Refused,
);

/// `MmGetPhysicalMemoryRanges()` where sleeping is not allowed.
pub(crate) const MEMORY_RANGES_REQUESTED: Rule<0> = rule(
    BadPoolCaller,
    [Ours(0x08), Irql, Is(0), Is(0)],
    "ranges of memory requested {context}",
    Refused,
);

/// `MmMapIoSpace()` or `MmMapIoSpaceEx()` above `DISPATCH_LEVEL`.
pub(crate) const IO_SPACE_REQUESTED: Rule<2> = rule(
    BadPoolCaller,
    [
        Ours(0x08),
        Irql,
        Given("MEMORY_CACHING_TYPE"),
        Given("bytes"),
    ],
    "mapping of registers requested {context}",
    Refused,
);

/// `MmAllocateMappingAddress()` where sleeping is not allowed.
pub(crate) const MAPPING_ADDRESS_REQUESTED: Rule<2> = rule(
    BadPoolCaller,
    [Ours(0x08), Irql, Given("bytes"), Given("tag")],
    "address space requested {context}",
    Refused,
);

/// A common buffer allocated where sleeping is not allowed.
pub(crate) const BUFFER_REQUESTED: Rule<2> = rule(
    BadPoolCaller,
    [Ours(0x08), Irql, Given("adapter"), Given("bytes")],
    "common buffer requested {context}",
    Refused,
);

/// `IoGetDmaAdapter()` where sleeping is not allowed.
pub(crate) const ADAPTER_REQUESTED: Rule<0> = rule(
    BadPoolCaller,
    [Ours(0x08), Irql, Is(0), Is(0)],
    "adapter requested {context}",
    Refused,
);

/// Paged pool freed where sleeping is not allowed.
pub(crate) const PAGED_FREED: Rule<1> = rule(
    BadPoolCaller,
    [Is(0x09), Irql, Is(1), Given("address")],
    "paged pool freed {context}",
    Done,
);

/// Pool freed in NMI.
pub(crate) const POOL_FREED_IN_NMI: Rule<1> = rule(
    BadPoolCaller,
    [Is(0x09), Irql, Is(0), Given("address")],
    "pool freed {context}",
    Refused,
);

/// Contiguous memory freed in a hard interrupt or NMI.
pub(crate) const CONTIGUOUS_FREED: Rule<1> = rule(
    BadPoolCaller,
    [Ours(0x09), Irql, Is(0), Given("address")],
    "contiguous memory freed {context}",
    DoneButInNmi,
);

/// `MmUnmapIoSpace()` above `DISPATCH_LEVEL`.
pub(crate) const IO_SPACE_FREED: Rule<1> = rule(
    BadPoolCaller,
    [Ours(0x09), Irql, Is(0), Given("address")],
    "registers unmapped {context}",
    DoneButInNmi,
);

/// Noncached memory freed where sleeping is not allowed.
pub(crate) const NONCACHED_FREED: Rule<1> = rule(
    BadPoolCaller,
    [Ours(0x09), Irql, Is(0), Given("address")],
    "noncached memory freed {context}",
    DoneButInNmi,
);

/// `MmFreePagesFromMdl()` above `DISPATCH_LEVEL`.
pub(crate) const MDL_PAGES_FREED: Rule<1> = rule(
    BadPoolCaller,
    [Ours(0x09), Irql, Is(0), Given("MDL")],
    "pages of an MDL freed {context}",
    DoneButInNmi,
);

/// `MmFreeMappingAddress()` where sleeping is not allowed.
pub(crate) const MAPPING_ADDRESS_FREED: Rule<1> = rule(
    BadPoolCaller,
    [Ours(0x09), Irql, Is(0), Given("address")],
    "address space freed {context}",
    DoneButInNmi,
);

/// A common buffer freed where sleeping is not allowed.
pub(crate) const BUFFER_FREED: Rule<2> = rule(
    BadPoolCaller,
    [Ours(0x09), Irql, Given("adapter"), Given("address")],
    "common buffer freed {context}",
    DoneButInNmi,
);

/// `PutDmaAdapter()` in NMI.
pub(crate) const ADAPTER_PUT_IN_NMI: Rule<1> = rule(
    BadPoolCaller,
    [Ours(0x09), Irql, Given("adapter"), Is(0)],
    "adapter put {context}",
    Refused,
);

/// A lookaside list is initialised, flushed or deleted in NMI.
pub(crate) const LOOKASIDE_IN_NMI: Rule<1> = rule(
    BadPoolCaller,
    [Ours(0x09), Irql, Given("list"), Is(0)],
    "lookaside list initialised, flushed or deleted {context}",
    Refused,
);

/// A block is freed with another tag than its own.
pub(crate) const WRONG_TAG: Rule<3> = rule(
    BadPoolCaller,
    [
        Is(0x0a),
        Given("address"),
        Given("the block's tag"),
        Given("the tag passed"),
    ],
    "free of a {block} block with tag {given} (a block of {bytes} bytes)",
    Refused,
);

/// An address is freed that is not the kernel's.
pub(crate) const USER_ADDRESS_FREED: Rule<1> = rule(
    BadPoolCaller,
    [Is(0x40), Given("address"), Is(0x8000_0000_0000_0000), Is(0)],
    "free of a user-mode address",
    Refused,
);

/// Pool at NULL is freed.
pub(crate) const NULL_FREED: Rule<1> = rule(
    BadPoolCaller,
    [Ours(0x46), Given("address"), Is(0), Is(0)],
    "free of NULL",
    Refused,
);

/// Kernel memory is freed as pool that is not a pool block: static data, memory of another
/// allocator or of another family.
pub(crate) const FOREIGN_FREED: Rule<1> = rule(
    BadPoolCaller,
    [Is(0x46), Given("address"), Is(0), Is(0)],
    "free of memory that is not from the pool",
    Refused,
);

/// `ExFreePool2()` with extended parameters.
pub(crate) const FREED_WITH_PARAMETERS: Rule<3> = rule(
    BadPoolCaller,
    [
        Ours(0x46),
        Given("address"),
        Given("tag"),
        Given("how many"),
    ],
    "free with extended parameters, which are for secure pool",
    Refused,
);

/// Contiguous memory is freed at an address that is no block's start.
pub(crate) const NOT_CONTIGUOUS: Rule<1> = rule(
    BadPoolCaller,
    [Is(0x60), Given("address"), Is(0), Is(0)],
    "contiguous free of a bad address",
    Refused,
);

/// Pool is freed at an address inside a live block that is not its start; in special pool at any
/// other address on its page.
pub(crate) const FREED_INSIDE: Rule<1> = rule(
    BadPoolCaller,
    [Is(0x99), Given("address"), Is(0), Is(0)],
    "free of an address inside a block",
    Refused,
);

/// `NonPagedPoolMustSucceed` requested.
pub(crate) const MUST_SUCCEED_REQUESTED: Rule<3> = rule(
    BadPoolCaller,
    [Is(0x9a), Given("POOL_TYPE"), Given("bytes"), Given("tag")],
    "must-succeed pool requested",
    Refused,
);

/// Allocation of pool, or `MmAllocateMappingAddress()`, with tag 0.
pub(crate) const TAG_ZERO: Rule<3> = rule(
    BadPoolCaller,
    [
        Is(0x9b),
        Given("POOL_TYPE"),
        Given("bytes"),
        Given("caller"),
    ],
    "allocation with tag 0",
    Refused,
);

/// Allocation with the reserved tag `' GIB'`, shown as `BIG`.
pub(crate) const TAG_RESERVED: Rule<3> = rule(
    BadPoolCaller,
    [
        Is(0x9c),
        Given("POOL_TYPE"),
        Given("bytes"),
        Given("caller"),
    ],
    "allocation with the reserved tag BIG",
    Refused,
);

/// Allocation with a tag that has no letter and no digit.
pub(crate) const TAG_UNREADABLE: Rule<3> = rule(
    BadPoolCaller,
    [Is(0x9d), Given("tag"), Given("POOL_TYPE"), Given("caller")],
    "allocation with a tag that has no letter and no digit",
    Refused,
);

/// `ExAllocatePoolWithTag()` with what seem to be POOL_FLAGS.
pub(crate) const POOL_TYPE_OF_FLAGS: Rule<3> = rule(
    DriverVerifier,
    [Ours(0x16), Given("POOL_TYPE"), Given("bytes"), Given("tag")],
    "unknown pool type; POOL_FLAGS are for ExAllocatePool2",
    Refused,
);

/// `ExAllocatePoolWithTag()` with a reserved or unknown POOL_TYPE.
pub(crate) const POOL_TYPE_UNKNOWN: Rule<3> = rule(
    DriverVerifier,
    [Ours(0x16), Given("POOL_TYPE"), Given("bytes"), Given("tag")],
    "pool type that drivers may not use",
    Refused,
);

/// `ExAllocatePool2()` or `ExAllocatePool3()` with what seems to be a POOL_TYPE.
pub(crate) const FLAGS_OF_TYPE: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("POOL_FLAGS"),
        Given("bytes"),
        Given("tag"),
    ],
    "pool flags that name no pool: a POOL_TYPE, where POOL_FLAGS belong",
    Refused,
);

/// `ExAllocatePool2()` or `ExAllocatePool3()` without a flag for a pool.
pub(crate) const FLAGS_WITHOUT_POOL: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("POOL_FLAGS"),
        Given("bytes"),
        Given("tag"),
    ],
    "pool flags that name no pool",
    Refused,
);

/// `ExAllocatePool2()` or `ExAllocatePool3()` with flags for several pools.
pub(crate) const FLAGS_OF_SEVERAL_POOLS: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("POOL_FLAGS"),
        Given("bytes"),
        Given("tag"),
    ],
    "pool flags that name several pools",
    Refused,
);

/// `ExAllocatePool2()` or `ExAllocatePool3()` with reserved or unknown flags among the lower 32
/// bits.
pub(crate) const FLAGS_UNKNOWN: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("POOL_FLAGS"),
        Given("bytes"),
        Given("tag"),
    ],
    "pool flags that drivers may not use",
    Refused,
);

/// `ExAllocatePool3()` with an extended parameter that has to be understood.
pub(crate) const EXTENDED_PARAMETER_UNKNOWN: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("POOL_FLAGS"),
        Given("bytes"),
        Given("tag"),
    ],
    "extended parameter that is not supported",
    Refused,
);

/// `ExAllocatePool3()` with a number of extended parameters, but NULL for their address.
pub(crate) const EXTENDED_PARAMETERS_NULL: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("POOL_FLAGS"),
        Given("bytes"),
        Given("tag"),
    ],
    "no extended parameters at NULL",
    Refused,
);

/// `ExAllocatePoolWithTagPriority()` with a value that is no EX_POOL_PRIORITY.
pub(crate) const PRIORITY_UNKNOWN: Rule<3> = rule(
    DriverVerifier,
    [Ours(0x16), Given("priority"), Given("bytes"), Given("tag")],
    "unknown pool priority",
    Refused,
);

/// A routine of a lookaside list is given NULL in its place.
pub(crate) const LOOKASIDE_NULL: Rule<0> = rule(
    DriverVerifier,
    [Ours(0x16), Is(0), Is(0), Is(0)],
    "NULL in place of a lookaside list",
    Refused,
);

/// `ExInitializeNPagedLookasideList()` or `ExInitializePagedLookasideList()` with other flags than
/// `POOL_NX_ALLOCATION` and `POOL_RAISE_IF_ALLOCATION_FAILURE`.
pub(crate) const LOOKASIDE_FLAGS_UNKNOWN: Rule<3> = rule(
    DriverVerifier,
    [Ours(0x16), Given("POOL_TYPE"), Given("bytes"), Given("tag")],
    "lookaside list with flags that drivers may not use",
    Refused,
);

/// `ExInitializeNPagedLookasideList()` or `ExInitializePagedLookasideList()` with entries smaller
/// than `LOOKASIDE_MINIMUM_BLOCK_SIZE`.
pub(crate) const LOOKASIDE_ENTRY_SMALL: Rule<3> = rule(
    DriverVerifier,
    [Ours(0x16), Given("list"), Given("bytes"), Given("tag")],
    "lookaside list of entries that are too small for a link",
    Done,
);

/// A lookaside list is initialised at the address of one that was not deleted. The entries that the
/// old list kept are freed.
pub(crate) const LOOKASIDE_INITIALISED_TWICE: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("list"),
        Given("the old one's tag"),
        Given("its entries that were not freed to it"),
    ],
    "lookaside list initialised that is one already",
    Done,
);

/// A lookaside list is initialised in memory where another module has one, which it did not delete:
/// this is the violation of that module. The entries that the old list kept are freed.
pub(crate) const LOOKASIDE_GONE: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("list"),
        Given("the old one's tag"),
        Given("its entries that were not freed to it"),
    ],
    "memory of a lookaside list was reused, but the list was not deleted",
    Done,
);

/// An entry is allocated from a lookaside list that was not initialised, or was deleted; or such a
/// list is flushed or deleted.
pub(crate) const LOOKASIDE_NOT_INITIALISED: Rule<1> = rule(
    DriverVerifier,
    [Ours(0x16), Given("list"), Is(0), Is(0)],
    "lookaside list that is not initialised, or was deleted",
    Refused,
);

/// An entry is freed to a lookaside list that was not initialised, or was deleted. A block of pool
/// is given back to pool.
pub(crate) const LOOKASIDE_FREED_TO_NONE: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("list"), Given("entry"), Is(0)],
    "entry freed to a lookaside list that is not initialised, or was deleted",
    Done,
);

/// Contiguous memory, or registers to be mapped, of a reserved MEMORY_CACHING_TYPE.
pub(crate) const CACHE_TYPE_RESERVED: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("type"), Given("bytes"), Is(0)],
    "reserved cache type",
    Refused,
);

/// `MmAllocateContiguousNodeMemory()` or `MmAllocateContiguousMemoryEx()` with a protection that
/// contiguous memory cannot have, unknown flags, a tag that pool does not take either, a partition,
/// or NULL for the size or the address.
pub(crate) const CONTIGUOUS_BADLY: Rule<3> = rule(
    DriverVerifier,
    [Ours(0x16), Given("Protect"), Given("Flags"), Given("tag")],
    "contiguous memory requested with a bad protection, flag, tag, partition or NULL pointer",
    Refused,
);

/// `MmMapIoSpaceEx()` with a value that is no protection.
pub(crate) const IO_SPACE_BADLY: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("physical address"),
        Given("bytes"),
        Given("Protect"),
    ],
    "registers mapped with an unknown protection",
    Refused,
);

/// `MmMapIoSpace()` or `MmMapIoSpaceEx()` of memory that is not within a contiguous block of the
/// same module, or with another cache type than the block has.
pub(crate) const IO_SPACE_OF_MEMORY: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("physical address"),
        Given("bytes"),
        Given("MEMORY_CACHING_TYPE"),
    ],
    "memory mapped that this module did not allocate, or with another cache type",
    Refused,
);

/// `MmMapIoSpace()` or `MmMapIoSpaceEx()` of what is mapped already with another cache type.
pub(crate) const IO_SPACE_OF_ANOTHER_TYPE: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("physical address"),
        Given("bytes"),
        Given("its MEMORY_CACHING_TYPE"),
    ],
    "registers mapped with another cache type than they are already",
    Refused,
);

/// `MmUnmapIoSpace()` with another size than that of the mapping, or of an address behind its
/// start.
pub(crate) const IO_SPACE_MISFIT: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("address"),
        Given("bytes mapped"),
        Given("bytes passed"),
    ],
    "registers unmapped with the wrong size or address",
    Refused,
);

/// `MmUnmapIoSpace()` of an address where nothing is mapped by `MmMapIoSpace()`.
pub(crate) const NOT_IO_SPACE: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("address"), Is(0), Given("bytes passed")],
    "registers unmapped that are not mapped",
    Refused,
);

/// A contiguous block is freed of which `MmMapIoSpace()` mapped a part.
pub(crate) const CONTIGUOUS_FREED_MAPPED: Rule<1> = rule(
    DriverVerifier,
    [Ours(0x16), Given("address"), Is(0), Is(0)],
    "contiguous memory freed while it is mapped by its physical address",
    Refused,
);

/// `MmFreeContiguousMemorySpecifyCache()` with the wrong size or cache type.
pub(crate) const CONTIGUOUS_MISFIT: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("address"),
        Given("bytes allocated"),
        Given("bytes passed"),
    ],
    "contiguous free with the wrong size or cache type",
    Refused,
);

/// `MmFreeNonCachedMemory()` with the wrong size.
pub(crate) const NONCACHED_MISFIT: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("address"),
        Given("bytes allocated"),
        Given("bytes passed"),
    ],
    "noncached free with the wrong size",
    Refused,
);

/// `MmFreeNonCachedMemory()` of an address that is no block of that family.
pub(crate) const NOT_NONCACHED: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("address"), Is(0), Given("bytes passed")],
    "noncached free of a bad address",
    Refused,
);

/// `IoGetDmaAdapter()` without a description.
pub(crate) const ADAPTER_WITHOUT_DESCRIPTION: Rule<0> = rule(
    DriverVerifier,
    [Ours(0x16), Is(0), Is(0), Is(0)],
    "adapter without description",
    Refused,
);

/// `IoGetDmaAdapter()` without a device.
pub(crate) const ADAPTER_WITHOUT_DEVICE: Rule<0> = rule(
    DriverVerifier,
    [Ours(0x16), Is(0), Is(0), Is(0)],
    "adapter without device",
    Refused,
);

/// `AllocateCommonBuffer()` of what never was an adapter.
pub(crate) const BUFFER_OF_NO_ADAPTER: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Given("bytes"), Is(0)],
    "common buffer requested from an address that is no adapter",
    Refused,
);

/// `PutDmaAdapter()` of what never was an adapter.
pub(crate) const PUT_OF_NO_ADAPTER: Rule<1> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Is(0), Is(0)],
    "put of an address that is no adapter",
    Refused,
);

/// A scatter/gather list of what never was an adapter.
pub(crate) const LIST_OF_NO_ADAPTER: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Given("MDL"), Is(0)],
    "scatter/gather list requested from an address that is no adapter",
    Refused,
);

/// `CalculateScatterGatherList()` or `GetDmaAdapterInfo()` of what never was an adapter.
pub(crate) const FACTS_OF_NO_ADAPTER: Rule<1> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Is(0), Is(0)],
    "information requested from an address that is no adapter",
    Refused,
);

/// A scatter/gather list requested without a routine to be called with it.
pub(crate) const LIST_FOR_NOBODY: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Given("MDL"), Is(0)],
    "scatter/gather list requested without an execution routine",
    Refused,
);

/// `CalculateScatterGatherList()` without a place for the size, or `GetDmaTransferInfo()` without a
/// structure.
pub(crate) const LIST_SIZE_FOR_NOBODY: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Given("MDL"), Is(0)],
    "size of a scatter/gather list without a place for it",
    Refused,
);

/// `GetDmaAdapterInfo()` without a structure.
pub(crate) const INFO_FOR_NOBODY: Rule<1> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Is(0), Is(0)],
    "information on an adapter without a place for it",
    Refused,
);

/// `MapTransfer()` without a length.
pub(crate) const TRANSFER_WITHOUT_LENGTH: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Given("MDL"), Is(0)],
    "transfer without a place for its length",
    Refused,
);

/// A scatter/gather list of an MDL that was never initialised, or without room for its pages.
pub(crate) const LIST_OF_BAD_MDL: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("MDL"),
        Given("its flags"),
        Given("where its buffer begins"),
    ],
    "scatter/gather list of an MDL whose page frames do not fit into its memory",
    Refused,
);

/// `PutScatterGatherList()` of a list of another adapter.
pub(crate) const LIST_MISFIT: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Given("list"), Is(0)],
    "scatter/gather list put to another adapter than its own",
    Refused,
);

/// `PutScatterGatherList()` with another direction than the list was made for. The pages are
/// unmapped for the list's own direction.
pub(crate) const LIST_MISDIRECTED: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("adapter"),
        Given("list"),
        Given("WriteToDevice"),
    ],
    "scatter/gather list put with another direction than its own",
    Done,
);

/// `AllocateAdapterChannel()`, `FreeAdapterChannel()` or `CancelAdapterChannel()` of what never was
/// an adapter.
pub(crate) const CHANNEL_OF_NO_ADAPTER: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Given("registers"), Is(0)],
    "adapter channel requested from or freed at an address that is no adapter",
    Refused,
);

/// `AllocateAdapterChannel()` without a routine that it can call, and without a synchronous request
/// that says where to write the map register base.
pub(crate) const CHANNEL_FOR_NOBODY: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Given("registers"), Is(0)],
    "adapter channel requested without an execution routine",
    Refused,
);

/// The routine that `AllocateAdapterChannel()` called returned a value that is no
/// `IO_ALLOCATION_ACTION`, or `FreeAdapterObject()` is given one. The channel is free then; the map
/// registers stay allocated.
pub(crate) const CHANNEL_ACTION_UNKNOWN: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Given("action"), Is(0)],
    "unknown action for an adapter channel",
    Left,
);

/// `FreeMapRegisters()` with another adapter or another number of map registers than they were
/// allocated with.
pub(crate) const REGISTERS_MISFIT: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("adapter"),
        Given("map register base"),
        Given("registers"),
    ],
    "free of map registers with other arguments than they were allocated with",
    Refused,
);

/// `MapTransfer()` with map registers that were freed or never were, or are another adapter's.
pub(crate) const MAPPED_BY_NO_REGISTERS: Rule<2> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("adapter"),
        Given("map register base"),
        Is(0),
    ],
    "transfer mapped by no map registers of this adapter",
    Refused,
);

/// `FlushAdapterBuffers()` with another direction than `MapTransfer()` got. The pages are unmapped
/// for the direction that they were mapped for.
pub(crate) const FLUSH_MISDIRECTED: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("adapter"),
        Given("map register base"),
        Given("direction passed"),
    ],
    "flush of a transfer with another direction than it was mapped with",
    Done,
);

/// A member of `DMA_OPERATIONS` that is not there, or not of the adapter's version.
pub(crate) const ROUTINE_ABSENT: Rule<1> = rule(
    DriverVerifier,
    [Ours(0x16), Given("adapter"), Is(0), Is(0)],
    "{routine}, which this adapter does not have",
    Refused,
);

/// `FreeCommonBuffer()` of a live buffer with arguments that are not its own.
pub(crate) const BUFFER_MISFIT: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("address"),
        Given("adapter"),
        Given("bytes passed"),
    ],
    "common buffer freed with arguments that are not its own",
    Refused,
);

/// An MDL routine called with NULL for an MDL.
pub(crate) const MDL_NULL: Rule<0> = rule(
    DriverVerifier,
    [Ours(0x16), Is(0), Is(0), Is(0)],
    "NULL for an MDL",
    Refused,
);

/// `MmBuildMdlForNonPagedPool()`, or a mapping, of an MDL that was never initialised.
pub(crate) const MDL_NOT_INITIALISED: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("MDL"),
        Given("its flags"),
        Given("where its buffer begins"),
    ],
    "MDL that was not initialised",
    Refused,
);

/// `MmBuildMdlForNonPagedPool()` of an MDL whose pages are locked or mapped.
pub(crate) const MDL_BUILT_IN_USE: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("MDL"),
        Given("its flags"),
        Given("the flags that say so"),
    ],
    "MDL built while its pages are locked or mapped",
    Refused,
);

/// `MmBuildMdlForNonPagedPool()` of an MDL without room for its pages.
pub(crate) const MDL_BUILT_TOO_SMALL: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("MDL"),
        Given("its flags"),
        Given("its pages"),
    ],
    "MDL built for more pages than it has room for",
    Refused,
);

/// `MmBuildMdlForNonPagedPool()` of pages that are not mapped.
pub(crate) const MDL_BUILT_UNMAPPED: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("MDL"),
        Given("its flags"),
        Given("the first of them"),
    ],
    "MDL built for a page that is not mapped",
    Refused,
);

/// `IoBuildPartialMdl()` of a part that begins outside of its source.
pub(crate) const PART_BEGINS_OUTSIDE: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("source"),
        Given("its flags"),
        Given("where"),
    ],
    "partial MDL that begins outside of its source",
    Refused,
);

/// `IoBuildPartialMdl()` of a part that ends behind its source.
pub(crate) const PART_ENDS_OUTSIDE: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("source"),
        Given("its flags"),
        Given("the part's bytes"),
    ],
    "partial MDL that ends behind its source",
    Refused,
);

/// `IoBuildPartialMdl()` of a source without room for its pages.
pub(crate) const SOURCE_MDL_TOO_SMALL: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("source"),
        Given("its flags"),
        Given("the source's pages"),
    ],
    "partial MDL of one whose page frames do not fit into its memory",
    Refused,
);

/// `MmAllocatePagesForMdl()` or a relative with a reserved MEMORY_CACHING_TYPE, unknown flags, a
/// size or a distance that it does not take, or a node that does not exist.
pub(crate) const MDL_PAGES_BADLY: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("flags"),
        Given("bytes"),
        Given("bytes to skip"),
    ],
    "pages for an MDL requested with bad arguments",
    Refused,
);

/// `MmFreePagesFromMdl()` of an MDL for which no pages were allocated, or whose pages are freed.
pub(crate) const MDL_WITHOUT_PAGES: Rule<1> = rule(
    DriverVerifier,
    [Ours(0x16), Given("MDL"), Is(0), Is(0)],
    "free of pages that the MDL does not have",
    Refused,
);

/// A mapping with a reserved MEMORY_CACHING_TYPE.
pub(crate) const MAPPED_AS_RESERVED: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("MDL"), Given("its flags"), Is(0)],
    "reserved cache type for a mapping",
    Refused,
);

/// A mapping of an MDL without room for its pages.
pub(crate) const MDL_MAPPED_TOO_SMALL: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("MDL"),
        Given("its flags"),
        Given("its pages"),
    ],
    "MDL mapped whose page frames do not fit into its memory",
    Refused,
);

/// `MmMapLockedPages()` or `MmMapLockedPagesSpecifyCache()` for `UserMode` of a page that is not
/// the driver's alone: small blocks of pool or other objects of the kernel are in it, or it is one
/// of a file or of a process. The process would see what is others'. Or the page has no reference
/// of its own or is of a common buffer of several pages, and the MDL is not for adjacent pages of
/// one common buffer. (Nor are such pages mapped if the device has DMA operations of its own, or
/// memory is encrypted.)
pub(crate) const MAPPED_WITH_OTHERS: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("MDL"),
        Given("where the frame is"),
        Given("the frame"),
    ],
    "MDL mapped into a process with a page that is shared with other memory or has no reference count of its own",
    Refused,
);

/// A mapping of pages whose cache types differ.
pub(crate) const MAPPED_OF_SEVERAL_TYPES: Rule<2> = rule(
    DriverVerifier,
    [Ours(0x16), Given("MDL"), Given("its flags"), Is(0)],
    "MDL mapped whose pages differ in their cache types",
    Refused,
);

/// A mapping with another cache type than the pages have.
pub(crate) const MAPPED_OF_ANOTHER_TYPE: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("MDL"),
        Given("its flags"),
        Given("theirs"),
    ],
    "MDL mapped with another cache type than its pages have",
    Refused,
);

/// `MmProbeAndLockPages()` with an unknown mode or operation, of an MDL that was never
/// initialised, or without room for its pages.
pub(crate) const MDL_LOCKED_BADLY: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x16),
        Given("MDL"),
        Given("its flags"),
        Given("the operation"),
    ],
    "MDL locked with bad arguments, or whose page frames do not fit into its memory",
    Refused,
);

/// `MmProbeAndLockPages()` of a process's memory where sleeping is not allowed.
pub(crate) const USER_PAGES_LOCKED: Rule<2> = rule(
    DriverVerifier,
    [Is(0x70), Irql, Given("MDL"), Given("mode")],
    "pages of a process locked where sleeping is not allowed",
    Refused,
);

/// `MmProbeAndLockPages()` above `DISPATCH_LEVEL`.
pub(crate) const PAGES_LOCKED: Rule<2> = rule(
    DriverVerifier,
    [Is(0x70), Irql, Given("MDL"), Given("mode")],
    "pages locked above DISPATCH_LEVEL",
    Refused,
);

/// The pages of an MDL mapped above `DISPATCH_LEVEL`.
pub(crate) const MDL_MAPPED: Rule<2> = rule(
    DriverVerifier,
    [Is(0x76), Irql, Given("MDL"), Given("mode")],
    "pages of an MDL mapped above DISPATCH_LEVEL",
    Refused,
);

/// `MmMapLockedPages()` or `MmMapLockedPagesSpecifyCache()` for `UserMode` above `APC_LEVEL`.
pub(crate) const MDL_MAPPED_FOR_PROCESS: Rule<2> = rule(
    DriverVerifier,
    [Is(0x77), Irql, Given("MDL"), Given("mode")],
    "pages of an MDL mapped into a process above APC_LEVEL",
    Refused,
);

/// `MmUnlockPages()` above `DISPATCH_LEVEL`.
pub(crate) const PAGES_UNLOCKED: Rule<1> = rule(
    DriverVerifier,
    [Is(0x78), Irql, Given("MDL"), Is(0)],
    "pages unlocked above DISPATCH_LEVEL",
    DoneButInNmi,
);

/// `MmUnmapLockedPages()` above `DISPATCH_LEVEL`.
pub(crate) const MDL_UNMAPPED: Rule<2> = rule(
    DriverVerifier,
    [Is(0x79), Irql, Given("address"), Given("MDL")],
    "MDL unmapped above DISPATCH_LEVEL",
    DoneButInNmi,
);

/// `MmUnmapLockedPages()` of a user-mode address above `APC_LEVEL`.
pub(crate) const MDL_UNMAPPED_OF_PROCESS: Rule<2> = rule(
    DriverVerifier,
    [Is(0x7a), Irql, Given("address"), Given("MDL")],
    "MDL unmapped in a process above APC_LEVEL",
    Refused,
);

/// `MmUnlockPages()` of an MDL whose pages are not locked, or were allocated for it*.
pub(crate) const MDL_NOT_LOCKED: Rule<2> = rule(
    DriverVerifier,
    [Is(0x7c), Given("MDL"), Given("its flags"), Is(0)],
    "MDL unlocked whose pages are not locked",
    Refused,
);

/// `MmUnlockPages()` of an MDL that `MmBuildMdlForNonPagedPool()` built.
pub(crate) const NONPAGED_MDL_UNLOCKED: Rule<2> = rule(
    DriverVerifier,
    [Is(0x7d), Given("MDL"), Given("its flags"), Is(0)],
    "MDL of nonpaged pool unlocked",
    Refused,
);

/// `MmBuildMdlForNonPagedPool()` for a block of paged pool.
pub(crate) const MDL_BUILT_OF_PAGED: Rule<2> = rule(
    DriverVerifier,
    [Is(0x7f), Irql, Given("MDL"), Given("its flags")],
    "MDL of nonpaged pool built for paged pool",
    Done,
);

/// A scatter/gather list of an MDL with a frame that is no memory.
pub(crate) const LISTED_FRAME_OF_NO_MEMORY: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0x89),
        Given("MDL"),
        Given("where the frame's number is"),
        Given("the number"),
    ],
    "scatter/gather list of an MDL with a frame that is no memory",
    Refused,
);

/// An MDL mapped with a frame that is no memory.
pub(crate) const FRAME_OF_NO_MEMORY: Rule<3> = rule(
    DriverVerifier,
    [
        Is(0x89),
        Given("MDL"),
        Given("where the frame's number is"),
        Given("the number"),
    ],
    "MDL mapped with a frame that is no memory",
    Refused,
);

/// `MmProbeAndLockPages()` of an MDL that is locked, mapped, built or partial.
pub(crate) const MDL_LOCKED_IN_USE: Rule<3> = rule(
    DriverVerifier,
    [
        Is(0xb0),
        Given("MDL"),
        Given("its flags"),
        Given("those that say so"),
    ],
    "MDL locked while it is locked, mapped, built or partial",
    Refused,
);

/// An MDL mapped that is mapped already, or was built by `MmBuildMdlForNonPagedPool()`.
pub(crate) const MDL_MAPPED_TWICE: Rule<3> = rule(
    DriverVerifier,
    [
        Is(0xb2),
        Given("MDL"),
        Given("its flags"),
        Given("those that say so"),
    ],
    "MDL mapped that is mapped already",
    Refused,
);

/// An MDL mapped whose pages are not locked.
pub(crate) const MDL_MAPPED_UNLOCKED: Rule<3> = rule(
    DriverVerifier,
    [
        Is(0xb3),
        Given("MDL"),
        Given("its flags"),
        Given("those that are missing"),
    ],
    "MDL mapped whose pages are not locked",
    Refused,
);

/// `MmUnlockPages()` of a partial MDL.
pub(crate) const PARTIAL_MDL_UNLOCKED: Rule<2> = rule(
    DriverVerifier,
    [Is(0xb4), Given("MDL"), Given("its flags"), Is(0x10)],
    "partial MDL unlocked",
    Refused,
);

/// `IoFreeMdl()` of an MDL whose pages are still mapped, or locked*, or allocated*.
pub(crate) const MDL_FREED_IN_USE: Rule<3> = rule(
    DriverVerifier,
    [
        Is(0xb8),
        Given("MDL"),
        Given("its flags"),
        Given("those that say so*"),
    ],
    "free of an MDL whose pages are mapped or locked",
    Refused,
);

/// `IoFreeMdl()`, `MmUnlockPages()` or `MmFreePagesFromMdl()` of an MDL whose pages are still
/// mapped into a process.
pub(crate) const MDL_FREED_IN_PROCESS: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0xb8),
        Given("MDL"),
        Given("its flags"),
        Given("its mappings in processes"),
    ],
    "MDL freed or unlocked while a process maps its pages",
    Refused,
);

/// `IoBuildPartialMdl()` into an MDL that is in use.
pub(crate) const TARGET_MDL_IN_USE: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0xb8),
        Given("MDL"),
        Given("its flags"),
        Given("those that say so"),
    ],
    "partial MDL that is still mapped or locked",
    Refused,
);

/// `IoAllocateMdl()` or `MmProbeAndLockPages()` of an MDL at the address of an older one with
/// locked pages, which was freed by `ExFreePool()`, or initialised again, without
/// `MmUnlockPages()`. The old one's pages are unlocked now.
pub(crate) const MDL_GONE_LOCKED: Rule<2> = rule(
    DriverVerifier,
    [Ours(0xb8), Given("MDL"), Given("its flags"), Is(0x02)],
    "memory of an earlier MDL at this address was reused while its pages were locked",
    Done,
);

/// `IoAllocateMdl()` or a relative of an MDL at the address of an older one whose memory was freed
/// by `ExFreePool()`, or initialised again, while a process mapped its pages. The process keeps
/// them mapped.
pub(crate) const MDL_GONE_IN_PROCESS: Rule<2> = rule(
    DriverVerifier,
    [Ours(0xb8), Given("MDL"), Given("its flags"), Is(0x04)],
    "memory of an earlier MDL at this address was reused while its pages were mapped into a process",
    Done,
);

/// `IoAllocateMdl()` or a relative of an MDL at the address of an older one with allocated pages,
/// which was freed by `ExFreePool()`, or initialised again, without `MmFreePagesFromMdl()`. The old
/// one's pages stay allocated.
pub(crate) const MDL_GONE_WITH_PAGES: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0xb8),
        Given("MDL"),
        Given("its flags"),
        Given("bytes of the pages"),
    ],
    "memory of an earlier MDL at this address was reused while its pages were allocated",
    Left,
);

/// `MmUnlockPages()` of an MDL whose memory was freed before. The pages are unlocked; nothing is
/// written to what is there now.
pub(crate) const MDL_UNLOCKED_GONE: Rule<1> = rule(
    DriverVerifier,
    [Ours(0xb8), Given("MDL"), Is(0), Is(0x03)],
    "pages unlocked whose MDL was freed before",
    Done,
);

/// `MmFreePagesFromMdl()` of an MDL whose memory was freed before. The pages are freed; nothing is
/// written to what is there now.
pub(crate) const MDL_PAGES_FREED_GONE: Rule<2> = rule(
    DriverVerifier,
    [Ours(0xb8), Given("MDL"), Is(0), Given("bytes of the pages")],
    "pages freed whose MDL was freed before",
    Done,
);

/// `MmFreePagesFromMdl()` of an MDL whose pages are mapped. They are unmapped first.
pub(crate) const MDL_PAGES_FREED_MAPPED: Rule<3> = rule(
    DriverVerifier,
    [
        Ours(0xb8),
        Given("MDL"),
        Given("its flags"),
        Given("bytes of the pages"),
    ],
    "pages of an MDL freed while they are mapped",
    Done,
);

/// `MmBuildMdlForNonPagedPool()` for an address that is not the kernel's.
pub(crate) const MDL_BUILT_OF_USER_ADDRESS: Rule<2> = rule(
    DriverVerifier,
    [Is(0xe0), Given("address"), Given("bytes"), Is(0)],
    "MDL of nonpaged pool built for a user-mode address",
    Refused,
);

/// `IoBuildPartialMdl()` of a source whose pages are neither locked nor built*.
pub(crate) const SOURCE_MDL_NOT_LOCKED: Rule<2> = rule(
    DriverVerifier,
    [
        Is(0x140),
        Irql,
        Given("source"),
        Given("where the part begins"),
    ],
    "partial MDL of pages that are not locked",
    Refused,
);

/// Nonpaged pool allocated in a hard interrupt, with the verifier's option `irql`.
pub(crate) const ALLOCATED_IN_HARDIRQ: Rule<2> = rule(
    DriverVerifier,
    [Is(0x02), Irql, Given("POOL_TYPE"), Given("bytes")],
    "pool allocation in hard interrupt",
    Done,
);

/// Nonpaged pool freed in a hard interrupt, with the verifier's option `irql`.
pub(crate) const FREED_IN_HARDIRQ: Rule<2> = rule(
    DriverVerifier,
    [Is(0x12), Irql, Given("POOL_TYPE"), Given("address")],
    "pool free in hard interrupt",
    Done,
);

/// A module unloads with allocations outstanding.
pub(crate) const LEFT_AT_UNLOAD: Rule<1> = rule(
    DriverVerifier,
    [Is(0x62), Is(0), Is(0), Given("blocks")],
    "unloading with allocations outstanding: {blocks}, {bytes} bytes",
    Left,
);

/// What the module left of one tag, or by one call site. Only the file `violations` has these.
pub(crate) const LEAKED: Rule<1> = rule(
    DriverVerifier,
    [Is(0x62), Is(0), Is(0), Given("blocks")],
    "leaked {what}: {blocks}, {bytes} bytes",
    Left,
);

/// A lookaside list is deleted while entries of it are out. Those that ExFreePool() has freed count
/// among them.
pub(crate) const LOOKASIDE_DELETED_WITH_ENTRIES: Rule<2> = rule(
    DriverVerifier,
    [
        Ours(0x62),
        Given("list"),
        Given("entries that were not freed to it"),
        Is(0),
    ],
    "lookaside list deleted with entries that were not freed to it",
    Left,
);

/// Access to a block that was freed.
pub(crate) const FREED_SPECIAL_TOUCHED: Rule<3> = rule(
    FreedSpecialPool,
    [
        Given("address"),
        Given("0 read, 1 write"),
        Given("instruction"),
        Is(0),
    ],
    "access to a block of special pool that was freed",
    Dies,
);

/// Access behind the end of a block.
pub(crate) const BEHIND_SPECIAL_TOUCHED: Rule<3> = rule(
    BeyondEnd,
    [
        Given("address"),
        Given("0 read, 1 write"),
        Given("instruction"),
        Is(0),
    ],
    "access behind the end of a block of special pool",
    Dies,
);

/// Access before the start of a block*.
pub(crate) const BEFORE_SPECIAL_TOUCHED: Rule<3> = rule(
    BeyondEnd,
    [
        Given("address"),
        Given("0 read, 1 write"),
        Given("instruction"),
        Is(0),
    ],
    "access before the start of a block of special pool",
    Dies,
);

/// A module unloads whose lookaside list was not deleted. What it kept is freed, unless the module
/// had a routine of its own for that.
pub(crate) const LOOKASIDE_LEFT: Rule<3> = rule(
    DriverUnloaded,
    [
        Given("list*"),
        Given("its entries that were not freed to it*"),
        Given("entries that it kept*"),
        Is(0),
    ],
    "lookaside list left by a module that is unloaded",
    Done,
);

/// `MmUnmapLockedPages()` of a user-mode address at which this process does not map the MDL.
pub(crate) const NOT_MAPPED_IN_PROCESS: Rule<2> = rule(
    UnmappingInvalidView,
    [Given("address"), Is(1), Given("MDL*"), Is(0)],
    "MDL unmapped at an address where this process does not map it",
    Refused,
);

/// `MmUnmapLockedPages()` with an address that is not the mapping's.
pub(crate) const UNMAPPED_ELSEWHERE: Rule<2> = rule(
    SystemPteMisuse,
    [Is(0x03), Is(0), Given("the mapping"), Given("the address")],
    "MDL unmapped at an address that is not its own",
    Refused,
);

/// `MmUnmapLockedPages()` of an MDL that is not mapped: it was unmapped already, for example, or
/// its only address is that of the buffer for which it, or its source, was built. Or
/// `MmUnmapReservedMapping()` of another MDL than the one that is mapped there.
pub(crate) const NOT_MAPPED: Rule<3> = rule(
    SystemPteMisuse,
    [Is(0x06), Given("MDL"), Given("address"), Given("pages")],
    "MDL unmapped that is not mapped",
    Refused,
);

/// `MmAllocateMappingAddress()` of 0 bytes.
pub(crate) const MAPPING_ADDRESS_OF_NOTHING: Rule<2> = rule(
    SystemPteMisuse,
    [Is(0x100), Is(0), Given("tag"), Given("caller")],
    "no address space requested",
    Refused,
);

/// `MmFreeMappingAddress()` with another tag than the area's.
pub(crate) const ANOTHERS_MAPPING_ADDRESS_FREED: Rule<3> = rule(
    SystemPteMisuse,
    [
        Is(0x101),
        Given("address"),
        Given("the tag passed"),
        Given("the area's tag"),
    ],
    "free of address space with a tag that is not its own",
    Refused,
);

/// `MmFreeMappingAddress()` of an address that is not reserved, or not any more.
pub(crate) const NO_MAPPING_ADDRESS_FREED: Rule<2> = rule(
    SystemPteMisuse,
    [Is(0x102), Given("address"), Given("tag"), Is(0)],
    "free of address space that is not reserved",
    Refused,
);

/// `MmFreeMappingAddress()` of an area in which pages are mapped.
pub(crate) const MAPPING_ADDRESS_FREED_MAPPED: Rule<3> = rule(
    SystemPteMisuse,
    [
        Is(0x103),
        Given("address"),
        Given("tag"),
        Given("pages of the area"),
    ],
    "free of address space in which pages are mapped",
    Refused,
);

/// `MmMapLockedPagesWithReservedMapping()` with another tag than the area's.
pub(crate) const MAPPED_AT_ANOTHERS_ADDRESS: Rule<3> = rule(
    SystemPteMisuse,
    [
        Is(0x104),
        Given("address"),
        Given("the tag passed"),
        Given("the area's tag"),
    ],
    "MDL mapped in address space with a tag that is not its own",
    Refused,
);

/// `MmMapLockedPagesWithReservedMapping()` at an address that is not reserved.
pub(crate) const MAPPED_AT_NO_ADDRESS: Rule<2> = rule(
    SystemPteMisuse,
    [Is(0x105), Given("address"), Given("tag"), Is(0)],
    "MDL mapped in address space that is not reserved",
    Refused,
);

/// `MmMapLockedPagesWithReservedMapping()` in an area in which pages are mapped.
pub(crate) const MAPPED_AT_ADDRESS_IN_USE: Rule<3> = rule(
    SystemPteMisuse,
    [
        Is(0x107),
        Given("address"),
        Given("the first page that is mapped"),
        Given("the last page of the area"),
    ],
    "MDL mapped in address space in which pages are mapped",
    Refused,
);

/// `MmUnmapReservedMapping()` with another tag than the area's.
pub(crate) const UNMAPPED_AT_ANOTHERS_ADDRESS: Rule<3> = rule(
    SystemPteMisuse,
    [
        Is(0x108),
        Given("address"),
        Given("the tag passed"),
        Given("the area's tag"),
    ],
    "MDL unmapped in address space with a tag that is not its own",
    Refused,
);

/// `MmUnmapReservedMapping()` at an address that is not reserved.
pub(crate) const UNMAPPED_AT_NO_ADDRESS: Rule<2> = rule(
    SystemPteMisuse,
    [Is(0x109), Given("address"), Given("tag"), Is(0)],
    "MDL unmapped in address space that is not reserved",
    Refused,
);

/// `MmUnmapReservedMapping()` of an MDL with more pages than are mapped there.
pub(crate) const UNMAPPED_MORE_THAN_IS: Rule<3> = rule(
    SystemPteMisuse,
    [
        Is(0x10a),
        Given("address"),
        Given("pages mapped there"),
        Given("pages of the MDL"),
    ],
    "MDL unmapped with more pages than are mapped",
    Refused,
);

/// `MmUnmapReservedMapping()` in an area in which nothing is mapped.
pub(crate) const UNMAPPED_WHAT_IS_NOT: Rule<3> = rule(
    SystemPteMisuse,
    [
        Is(0x10b),
        Given("address"),
        Given("tag"),
        Given("pages of the MDL"),
    ],
    "MDL unmapped in address space in which nothing is mapped",
    Refused,
);

/// `MmUnmapReservedMapping()` of an MDL with fewer pages than are mapped there.
pub(crate) const UNMAPPED_LESS_THAN_IS: Rule<3> = rule(
    SystemPteMisuse,
    [
        Is(0x10c),
        Given("address"),
        Given("tag"),
        Given("pages of the MDL"),
    ],
    "MDL unmapped with fewer pages than are mapped",
    Refused,
);

/// A buffer is freed after the driver that had the device when it was allocated was unbound.
pub(crate) const FREED_WITHOUT_DRIVER: Rule<2> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Given("address"), Is(1)],
    "common buffer freed after its device lost its driver: given back",
    Done,
);

/// A common buffer is freed after its device was removed. The memory is freed as usual.
pub(crate) const FREED_WITHOUT_DEVICE: Rule<2> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Given("address"), Is(2)],
    "common buffer freed after its device was removed: given back",
    Done,
);

/// A common buffer is freed after its device was removed. The memory is freed without the IOMMU.
pub(crate) const FREED_WITHOUT_DEVICE_OR_IOMMU: Rule<2> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Given("address"), Is(2)],
    "common buffer freed after its device was removed: given back without the IOMMU",
    Done,
);

/// A common buffer is freed after its device was removed. The memory cannot be freed.
pub(crate) const LOST_WITH_DEVICE: Rule<2> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Given("address"), Is(2)],
    "common buffer freed after its device was removed: memory lost",
    Lost,
);

/// A common buffer is freed after the device's IOMMU group got another domain
/// (`/sys/kernel/iommu_groups/<n>/type`). The memory is freed without the IOMMU.
pub(crate) const FREED_WITHOUT_IOMMU: Rule<2> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Given("address"), Is(3)],
    "common buffer freed after its IOMMU domain changed: given back without the IOMMU",
    Done,
);

/// A common buffer is freed after the device's IOMMU group got another domain. The memory cannot be
/// freed.
pub(crate) const LOST_WITH_IOMMU: Rule<2> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Given("address"), Is(3)],
    "common buffer freed after its IOMMU domain changed: memory lost",
    Lost,
);

/// `AllocateCommonBuffer()` for a device that was removed.
pub(crate) const BUFFER_WITHOUT_DEVICE: Rule<1> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Is(0), Is(2)],
    "common buffer for a device that was removed",
    Refused,
);

/// `IoGetDmaAdapter()` for a device that was removed.
pub(crate) const ADAPTER_OF_NO_DEVICE: Rule<0> = rule(
    DmaVerifier,
    [Ours(0x00), Is(0), Is(0), Is(2)],
    "adapter for a device that was removed",
    Refused,
);

/// `PutScatterGatherList()` after the driver that had the device at the time of mapping was
/// unbound.
pub(crate) const PUT_WITHOUT_DRIVER: Rule<2> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Given("list"), Is(1)],
    "scatter/gather list put after its device lost its driver",
    Done,
);

/// `PutScatterGatherList()` after the device was removed.
pub(crate) const PUT_WITHOUT_DEVICE: Rule<2> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Given("list"), Is(2)],
    "scatter/gather list put after its device was removed",
    Done,
);

/// `PutScatterGatherList()` after the device's IOMMU group got another domain.
pub(crate) const PUT_WITHOUT_IOMMU: Rule<2> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Given("list"), Is(3)],
    "scatter/gather list put after its IOMMU domain changed",
    Done,
);

/// `FlushAdapterBuffers()`, or a free of map registers that still map something, after the driver
/// that had the device at the time of mapping was unbound.
pub(crate) const FLUSHED_WITHOUT_DRIVER: Rule<2> = rule(
    DmaVerifier,
    [
        Ours(0x00),
        Given("adapter"),
        Given("map register base"),
        Is(1),
    ],
    "transfer flushed after its device lost its driver",
    Done,
);

/// `FlushAdapterBuffers()`, or a free of map registers that still map something, after the device
/// was removed.
pub(crate) const FLUSHED_WITHOUT_DEVICE: Rule<2> = rule(
    DmaVerifier,
    [
        Ours(0x00),
        Given("adapter"),
        Given("map register base"),
        Is(2),
    ],
    "transfer flushed after its device was removed",
    Done,
);

/// `FlushAdapterBuffers()`, or a free of map registers that still map something, after the device's
/// IOMMU group got another domain.
pub(crate) const FLUSHED_WITHOUT_IOMMU: Rule<2> = rule(
    DmaVerifier,
    [
        Ours(0x00),
        Given("adapter"),
        Given("map register base"),
        Is(3),
    ],
    "transfer flushed after its IOMMU domain changed",
    Done,
);

/// A scatter/gather list for a device that was removed.
pub(crate) const LIST_WITHOUT_DEVICE: Rule<1> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Is(0), Is(2)],
    "scatter/gather list for a device that was removed",
    Refused,
);

/// `AllocateAdapterChannel()` or `MapTransfer()` for a device that was removed.
pub(crate) const CHANNEL_WITHOUT_DEVICE: Rule<1> = rule(
    DmaVerifier,
    [Ours(0x00), Given("adapter"), Is(0), Is(2)],
    "adapter channel for a device that was removed",
    Refused,
);

/// `MapTransfer()` of more pages than there are free map registers.
pub(crate) const REGISTERS_USED_UP: Rule<2> = rule(
    DmaVerifier,
    [
        Is(0x00),
        Is(0x02),
        Given("map registers needed"),
        Given("those that are free"),
    ],
    "transfer of more pages than there are map registers",
    Refused,
);

/// `FreeCommonBuffer()` of a buffer that was freed already or never was, memory of another family
/// included.
pub(crate) const NOT_A_BUFFER: Rule<3> = rule(
    DmaVerifier,
    [
        Ours(0x03),
        Given("adapter"),
        Given("address"),
        Given("bytes passed"),
    ],
    "free of a common buffer that is freed already or never was",
    Refused,
);

/// `FreeAdapterChannel()` of an adapter whose channel no driver keeps.
pub(crate) const NO_CHANNEL: Rule<1> = rule(
    DmaVerifier,
    [Is(0x04), Is(1), Given("adapter*"), Is(0)],
    "free of an adapter channel that nobody kept",
    Refused,
);

/// `FreeMapRegisters()` of map registers that were freed already or never were.
pub(crate) const NO_REGISTERS: Rule<2> = rule(
    DmaVerifier,
    [
        Is(0x05),
        Given("registers passed"),
        Given("map register base*"),
        Is(0),
    ],
    "free of map registers that are freed already or never were",
    Refused,
);

/// `PutDmaAdapter()` with common buffers out. Until the last of them is freed, new requests fail.
pub(crate) const PUT_WITH_BUFFERS: Rule<2> = rule(
    DmaVerifier,
    [Is(0x07), Given("adapter"), Given("buffers out"), Is(0)],
    "adapter put back with common buffers out",
    Later,
);

/// `PutDmaAdapter()` while a driver keeps the adapter's channel. Until that is freed, new requests
/// fail.
pub(crate) const PUT_WITH_CHANNEL: Rule<2> = rule(
    DmaVerifier,
    [Is(0x08), Given("adapter"), Given("channels out"), Is(0)],
    "adapter put back with its channel kept",
    Later,
);

/// `PutDmaAdapter()` while requests wait for the adapter's channel. They are dropped: their
/// routines are never called.
pub(crate) const PUT_WITH_REQUESTS: Rule<2> = rule(
    DmaVerifier,
    [Ours(0x08), Given("adapter"), Given("requests"), Is(1)],
    "adapter put back while requests wait for its channel",
    Done,
);

/// `PutDmaAdapter()` with map registers out. Until they are freed, new requests fail.
pub(crate) const PUT_WITH_REGISTERS: Rule<2> = rule(
    DmaVerifier,
    [
        Is(0x09),
        Given("adapter"),
        Given("packets that have some*"),
        Is(0),
    ],
    "adapter put back with map registers out",
    Later,
);

/// `PutScatterGatherList()` of a list that was put already or never was.
pub(crate) const NOT_A_LIST: Rule<2> = rule(
    DmaVerifier,
    [Is(0x06), Given("adapter*"), Given("list*"), Is(0)],
    "put of a scatter/gather list that was put already or never was",
    Refused,
);

/// `PutDmaAdapter()` with scatter/gather lists out. Until the last of them is put, new requests
/// fail.
pub(crate) const PUT_WITH_LISTS: Rule<2> = rule(
    DmaVerifier,
    [Is(0x0a), Given("adapter"), Given("lists out"), Is(0)],
    "adapter put back with scatter/gather lists out",
    Later,
);

/// `AllocateAdapterChannel()` for a device object while an earlier request for it waits for the
/// adapter's channel, or `AllocateAdapterChannelEx()` with the transfer context of a request that
/// waits. Windows has room for one such request. Here both wait.
pub(crate) const CHANNEL_ASKED_TWICE: Rule<1> = rule(
    DmaVerifier,
    [Is(0x0b), Is(1), Given("adapter*"), Is(0)],
    "second request for an adapter channel while the first one waits",
    Done,
);

/// More map registers than the adapter has, for one buffer, scatter/gather list or packet, with the
/// verifier's option `dma`.
pub(crate) const MANY_REGISTERS_IN_ONE: Rule<3> = rule(
    DmaVerifier,
    [
        Is(0x0c),
        Given("registers needed"),
        Given("registers of the adapter"),
        Given("adapter"),
    ],
    "more map registers in use than the adapter has",
    Refused,
);

/// A buffer, scatter/gather list or packet for which the adapter's map registers do not suffice,
/// with the verifier's option `dma`. For a buffer, those count that live buffers, lists and packets
/// hold; for a list or a packet, only those that live buffers hold.
pub(crate) const MANY_REGISTERS_IN_ALL: Rule<3> = rule(
    DmaVerifier,
    [
        Is(0x0c),
        Given("registers needed"),
        Given("registers of the adapter"),
        Given("adapter"),
    ],
    "more map registers in use than the adapter has",
    Done,
);

/// A scatter/gather list of an MDL whose pages are neither locked nor built.
pub(crate) const LIST_OF_UNLOCKED: Rule<2> = rule(
    DmaVerifier,
    [Is(0x0e), Given("MDL"), Given("its flags*"), Is(0)],
    "scatter/gather list of pages that are not locked",
    Refused,
);

/// `MmUnlockPages()` of an MDL while a scatter/gather list uses some of its pages, through it or
/// through a partial MDL of it.
pub(crate) const UNLOCKED_IN_LIST: Rule<3> = rule(
    DmaVerifier,
    [Ours(0x0e), Given("MDL"), Given("its flags"), Given("list")],
    "pages unlocked that are in a scatter/gather list",
    Refused,
);

/// Pool, contiguous or noncached memory or a common buffer is freed while a scatter/gather list
/// uses it. Or pool is freed that contains an MDL of such a list.
pub(crate) const FREED_IN_LIST: Rule<2> = rule(
    DmaVerifier,
    [Ours(0x0e), Given("address"), Given("the list"), Is(0)],
    "free of memory that a scatter/gather list has",
    Refused,
);

/// `FreeCommonBuffer()` of a buffer that a process maps, and whose pages references do not keep.
pub(crate) const BUFFER_FREED_IN_PROCESS: Rule<2> = rule(
    DmaVerifier,
    [
        Ours(0x0e),
        Given("buffer"),
        Given("its mappings in processes"),
        Is(0x01),
    ],
    "free of a common buffer that a process maps",
    Refused,
);

/// `IoFreeMdl()` of an MDL of which a scatter/gather list was made that is not put back yet.
pub(crate) const MDL_FREED_IN_LIST: Rule<3> = rule(
    DmaVerifier,
    [
        Ours(0x0e),
        Given("MDL"),
        Given("its flags"),
        Given("the list"),
    ],
    "free of an MDL that a scatter/gather list is of",
    Refused,
);

/// `MmFreePagesFromMdl()` of pages that a scatter/gather list uses.
pub(crate) const MDL_PAGES_FREED_IN_LIST: Rule<3> = rule(
    DmaVerifier,
    [
        Ours(0x0e),
        Given("MDL"),
        Given("its flags"),
        Given("the list"),
    ],
    "pages of an MDL freed that a scatter/gather list has",
    Refused,
);

/// The driver or the device wrote before a common buffer, which is found when that is freed, if it
/// was allocated with the verifier's option `dma`.
pub(crate) const WRITTEN_BEFORE_BUFFER: Rule<2> = rule(
    DmaVerifier,
    [
        Is(0x0f),
        Is(0x04),
        Given("the buffer"),
        Given("the first byte that was written to"),
    ],
    "the driver or the device wrote before a common buffer",
    Done,
);

/// The driver or the device wrote behind a common buffer, which is found like a write before it.
pub(crate) const WRITTEN_BEHIND_BUFFER: Rule<2> = rule(
    DmaVerifier,
    [
        Is(0x0f),
        Is(0x05),
        Given("the buffer"),
        Given("the first byte that was written to"),
    ],
    "the driver or the device wrote behind a common buffer",
    Done,
);

/// Map registers are freed, by `FreeMapRegisters()` for example, before `FlushAdapterBuffers()`.
/// What they map is flushed.
pub(crate) const REGISTERS_MAPPED: Rule<2> = rule(
    DmaVerifier,
    [
        Is(0x10),
        Given("registers that map something"),
        Given("map register base*"),
        Is(0),
    ],
    "free of map registers that still map something",
    Done,
);

/// A scatter/gather list requested above `DISPATCH_LEVEL`.
pub(crate) const LIST_REQUESTED: Rule<0> = rule(
    DmaVerifier,
    [Is(0x13), Is(0x02), Is(2), Irql],
    "scatter/gather list requested above DISPATCH_LEVEL",
    Refused,
);

/// `PutScatterGatherList()` above `DISPATCH_LEVEL`.
pub(crate) const LIST_PUT: Rule<0> = rule(
    DmaVerifier,
    [Is(0x13), Is(0x02), Is(2), Irql],
    "scatter/gather list put above DISPATCH_LEVEL",
    DoneButInNmi,
);

/// `AllocateAdapterChannel()` above `DISPATCH_LEVEL`.
pub(crate) const CHANNEL_REQUESTED: Rule<0> = rule(
    DmaVerifier,
    [Is(0x13), Is(0x02), Is(2), Irql],
    "adapter channel requested above DISPATCH_LEVEL",
    Refused,
);

/// `FreeMapRegisters()` or `FreeAdapterChannel()` above `DISPATCH_LEVEL`.
pub(crate) const REGISTERS_FREED: Rule<0> = rule(
    DmaVerifier,
    [Is(0x13), Is(0x02), Is(2), Irql],
    "map registers or an adapter channel freed above DISPATCH_LEVEL",
    DoneButInNmi,
);

/// `CancelAdapterChannel()` above `DISPATCH_LEVEL`.
pub(crate) const CHANNEL_CANCELLED: Rule<0> = rule(
    DmaVerifier,
    [Is(0x13), Is(0x02), Is(2), Irql],
    "request for an adapter channel cancelled above DISPATCH_LEVEL",
    DoneButInNmi,
);

/// `MapTransfer()` above `DISPATCH_LEVEL`.
pub(crate) const TRANSFER_MAPPED: Rule<0> = rule(
    DmaVerifier,
    [Is(0x13), Is(0x02), Is(2), Irql],
    "transfer mapped above DISPATCH_LEVEL",
    Refused,
);

/// `FlushAdapterBuffers()` above `DISPATCH_LEVEL`.
pub(crate) const TRANSFER_FLUSHED: Rule<0> = rule(
    DmaVerifier,
    [Is(0x13), Is(0x02), Is(2), Irql],
    "transfer flushed above DISPATCH_LEVEL",
    DoneButInNmi,
);

/// `AllocateCommonBuffer()`, `PutDmaAdapter()` or a scatter/gather list of an adapter that was put
/// back. As its routines are found through it, an adapter stays readable until 16 more were put
/// back; after that it reads as one that never was.
pub(crate) const ADAPTER_PUT_BEFORE: Rule<1> = rule(
    DmaVerifier,
    [Is(0x18), Given("adapter"), Is(0), Is(0)],
    "use of an adapter that was put back",
    Refused,
);

/// `AllocateCommonBuffer()` or `PutDmaAdapter()` of NULL.
pub(crate) const ADAPTER_NULL: Rule<0> = rule(
    DmaVerifier,
    [Is(0x19), Is(0), Is(0), Is(0)],
    "NULL in place of an adapter",
    Refused,
);

/// A scatter/gather list that begins outside of its MDL.
pub(crate) const LIST_BEGINS_OUTSIDE: Rule<2> = rule(
    DmaVerifier,
    [Is(0x1b), Given("address, or offset*"), Given("MDL"), Is(0)],
    "scatter/gather list that begins outside of its MDL",
    Refused,
);

/// `MapTransfer()` of bytes that these map registers map already.
pub(crate) const MAPPED_ALREADY: Rule<3> = rule(
    DmaVerifier,
    [
        Is(0x1d),
        Given("MDL*"),
        Given("how far into it*"),
        Given("map register base*"),
    ],
    "transfer mapped that is mapped already",
    Refused,
);

/// `FlushAdapterBuffers()` of bytes that are not mapped.
pub(crate) const FLUSHED_UNMAPPED: Rule<3> = rule(
    DmaVerifier,
    [
        Is(0x20),
        Given("map register base"),
        Given("how far into the MDL*"),
        Given("MDL"),
    ],
    "flush of what is not mapped",
    Refused,
);

/// A scatter/gather list of 0 bytes.
pub(crate) const LIST_ZERO_BYTES: Rule<2> = rule(
    DmaVerifier,
    [Is(0x21), Given("adapter*"), Given("MDL*"), Is(0)],
    "scatter/gather list of zero bytes",
    Refused,
);

/// A scatter/gather list that is longer than the chain of its MDLs.
pub(crate) const LIST_ENDS_OUTSIDE: Rule<2> = rule(
    DmaVerifier,
    [
        Is(0x24),
        Given("bytes that are missing"),
        Given("MDL*"),
        Is(0),
    ],
    "scatter/gather list that ends behind its MDLs",
    Refused,
);
