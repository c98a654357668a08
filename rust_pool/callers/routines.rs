// SPDX-License-Identifier: GPL-2.0

//! The routines of the headers for clients, by their names.
//!
//! The headers define them as inline functions. If a client takes the address of a routine, the
//! compiler puts a copy of it into the client. A call through that address then has a call site
//! inside the copy.

/// Sorted by their bytes. `make lint` compares them with the headers.
const ROUTINES: [&str; 69] = [
    "ExAllocateFromLookasideListEx",
    "ExAllocateFromNPagedLookasideList",
    "ExAllocateFromPagedLookasideList",
    "ExAllocatePool",
    "ExAllocatePool2",
    "ExAllocatePool3",
    "ExAllocatePoolPriorityUninitialized",
    "ExAllocatePoolPriorityZero",
    "ExAllocatePoolQuotaUninitialized",
    "ExAllocatePoolQuotaZero",
    "ExAllocatePoolUninitialized",
    "ExAllocatePoolWithQuota",
    "ExAllocatePoolWithQuotaTag",
    "ExAllocatePoolWithTag",
    "ExAllocatePoolWithTagPriority",
    "ExAllocatePoolZero",
    "ExDeleteLookasideListEx",
    "ExDeleteNPagedLookasideList",
    "ExDeletePagedLookasideList",
    "ExFlushLookasideListEx",
    "ExFreePool",
    "ExFreePool2",
    "ExFreePoolWithTag",
    "ExFreeToLookasideListEx",
    "ExFreeToNPagedLookasideList",
    "ExFreeToPagedLookasideList",
    "ExInitializeLookasideListEx",
    "ExInitializeNPagedLookasideList",
    "ExInitializePagedLookasideList",
    "ExQueryPoolBlockSize",
    "IoAllocateMdl",
    "IoBuildPartialMdl",
    "IoFreeMdl",
    "IoGetDmaAdapter",
    "MmAllocateContiguousMemory",
    "MmAllocateContiguousMemoryEx",
    "MmAllocateContiguousMemorySpecifyCache",
    "MmAllocateContiguousMemorySpecifyCacheNode",
    "MmAllocateContiguousNodeMemory",
    "MmAllocateMappingAddress",
    "MmAllocateNodePagesForMdlEx",
    "MmAllocateNonCachedMemory",
    "MmAllocatePagesForMdl",
    "MmAllocatePagesForMdlEx",
    "MmBuildMdlForNonPagedPool",
    "MmFreeContiguousMemory",
    "MmFreeContiguousMemorySpecifyCache",
    "MmFreeMappingAddress",
    "MmFreeNonCachedMemory",
    "MmFreePagesFromMdl",
    "MmGetPhysicalAddress",
    "MmGetPhysicalMemoryRanges",
    "MmGetSystemAddressForMdl",
    "MmGetSystemAddressForMdlSafe",
    "MmGetVirtualForPhysical",
    "MmInitializeMdl",
    "MmMapIoSpace",
    "MmMapIoSpaceEx",
    "MmMapLockedPages",
    "MmMapLockedPagesSpecifyCache",
    "MmMapLockedPagesWithReservedMapping",
    "MmPrepareMdlForReuse",
    "MmProbeAndLockPages",
    "MmProtectMdlSystemAddress",
    "MmSizeOfMdl",
    "MmUnlockPages",
    "MmUnmapIoSpace",
    "MmUnmapLockedPages",
    "MmUnmapReservedMapping",
];

/// Whether a symbol is a copy of a routine. The compiler may have added a suffix behind a dot.
pub(crate) fn is_routine(symbol: &str) -> bool {
    let name = symbol.split(['+', '.', ' ']).next().unwrap_or(symbol);
    ROUTINES.binary_search(&name).is_ok()
}

#[kernel::macros::kunit_tests(rust_pool_routines)]
mod tests {
    use super::*;

    #[test]
    fn sorted() {
        assert!(ROUTINES.is_sorted());
    }

    #[test]
    fn routines() {
        assert!(is_routine("ExFreePool+0x5/0x20 [client]"));
        assert!(is_routine("ExFreePool.part.0+0x5/0x20 [client]"));
        assert!(!is_routine("ExFreePoolNow+0x5/0x20 [client]"));
        assert!(!is_routine("kfree+0x5/0x20"));
        assert!(!is_routine(""));
    }
}
