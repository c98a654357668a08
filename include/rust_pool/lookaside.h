/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lookaside lists. Include rust_pool/wdm.h, not this file. The head of wdm.h
 * explains call sites, and which context is which IRQL.
 *
 * A list gives out entries of one size, and keeps some that were freed for the next
 * request. An entry is a block of pool with the list's tag, or whatever the client's
 * own routines make. Documentation/lookaside.rst says how many a list keeps.
 *
 * The head is the client's, with the WDK's x64 layout; clients may read its fields.
 * It may be in any memory that stays where it is, aligned to 16 bytes. The pointer
 * to the first kept entry is in rust_pool's memory, and each kept entry holds the
 * link to the next in its first 8 bytes. So a head that is overwritten or freed too
 * early spoils no other list.
 */
#ifndef _RUST_POOL_LOOKASIDE_H
#define _RUST_POOL_LOOKASIDE_H

#include <linux/spinlock_types.h>

/* Lists; the environment header <wdm.h> has the routines for them. */
typedef struct _LIST_ENTRY {
	struct _LIST_ENTRY *Flink;
	struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

typedef struct _SINGLE_LIST_ENTRY {
	struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

typedef struct __aligned(16) _SLIST_ENTRY {
	struct _SLIST_ENTRY *Next;
} SLIST_ENTRY, *PSLIST_ENTRY;

/* A union as in the WDK, where drivers declare it before they include anything. */
typedef union __aligned(16) _SLIST_HEADER {
	struct {
		PSLIST_ENTRY first;
		arch_spinlock_t lock;
		USHORT depth;
	};
} SLIST_HEADER, *PSLIST_HEADER;

static_assert(sizeof(SLIST_HEADER) == 16 && sizeof(SLIST_ENTRY) == 16);

/* The smallest entry of NPAGED_LOOKASIDE_LIST and PAGED_LOOKASIDE_LIST: a link. */
#define LOOKASIDE_MINIMUM_BLOCK_SIZE	8

/* The most entries that a list keeps. */
#define EX_MAXIMUM_LOOKASIDE_DEPTH_BASE	256

/* Flags of ExInitializeLookasideListEx(); one of them, or 0. */
#define EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL	0x00000001
#define EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE	0x00000002

struct _LOOKASIDE_LIST_EX;

/*
 * Routines of the client that make and free entries. They are called when an entry
 * is allocated or freed. Those that free are also called when a list is flushed or
 * deleted.
 */
typedef void *(*PALLOCATE_FUNCTION)(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
				     ULONG Tag);
typedef void (*PFREE_FUNCTION)(PVOID Buffer);
typedef void *(*PALLOCATE_FUNCTION_EX)(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
					ULONG Tag,
					struct _LOOKASIDE_LIST_EX *Lookaside);
typedef void (*PFREE_FUNCTION_EX)(PVOID Buffer,
				  struct _LOOKASIDE_LIST_EX *Lookaside);

/* For declarations: ALLOCATE_FUNCTION my_routine; */
typedef typeof(*(PALLOCATE_FUNCTION)0) ALLOCATE_FUNCTION;
typedef typeof(*(PFREE_FUNCTION)0) FREE_FUNCTION;
typedef typeof(*(PALLOCATE_FUNCTION_EX)0) ALLOCATE_FUNCTION_EX;
typedef typeof(*(PFREE_FUNCTION_EX)0) FREE_FUNCTION_EX;

struct rust_pool_store;

/*
 * The counters are exact. A miss is an allocation that the list had no entry for,
 * or a free that it had no room for. ListHead and ListEntry are not used here.
 */
typedef struct _GENERAL_LOOKASIDE {
	union {
		SLIST_HEADER ListHead;
		SINGLE_LIST_ENTRY SingleListHead;
	};
	USHORT Depth;
	USHORT MaximumDepth;
	ULONG TotalAllocates;
	union {
		ULONG AllocateMisses;
		ULONG AllocateHits;
	};
	ULONG TotalFrees;
	union {
		ULONG FreeMisses;
		ULONG FreeHits;
	};
	POOL_TYPE Type;
	ULONG Tag;
	ULONG Size;
	union {
		PALLOCATE_FUNCTION_EX AllocateEx;
		PALLOCATE_FUNCTION Allocate;
	};
	union {
		PFREE_FUNCTION_EX FreeEx;
		PFREE_FUNCTION Free;
	};
	LIST_ENTRY ListEntry;
	ULONG LastTotalAllocates;
	union {
		ULONG LastAllocateMisses;
		ULONG LastAllocateHits;
	};
	union {
		ULONG Future[2];
		struct rust_pool_store *store;
	};
} GENERAL_LOOKASIDE, *PGENERAL_LOOKASIDE;

typedef GENERAL_LOOKASIDE GENERAL_LOOKASIDE_POOL, *PGENERAL_LOOKASIDE_POOL;

/* Padded to a multiple of the cache line, as in the WDK. */
typedef struct _NPAGED_LOOKASIDE_LIST {
	GENERAL_LOOKASIDE L;
	UCHAR Reserved[32];
} NPAGED_LOOKASIDE_LIST, *PNPAGED_LOOKASIDE_LIST;

typedef struct _PAGED_LOOKASIDE_LIST {
	GENERAL_LOOKASIDE L;
	UCHAR Reserved[32];
} PAGED_LOOKASIDE_LIST, *PPAGED_LOOKASIDE_LIST;

typedef struct _LOOKASIDE_LIST_EX {
	GENERAL_LOOKASIDE_POOL L;
} LOOKASIDE_LIST_EX, *PLOOKASIDE_LIST_EX;

static_assert(offsetof(GENERAL_LOOKASIDE, Depth) == 16);
static_assert(offsetof(GENERAL_LOOKASIDE, MaximumDepth) == 18);
static_assert(offsetof(GENERAL_LOOKASIDE, TotalAllocates) == 20);
static_assert(offsetof(GENERAL_LOOKASIDE, AllocateMisses) == 24);
static_assert(offsetof(GENERAL_LOOKASIDE, TotalFrees) == 28);
static_assert(offsetof(GENERAL_LOOKASIDE, FreeMisses) == 32);
static_assert(offsetof(GENERAL_LOOKASIDE, Type) == 36);
static_assert(offsetof(GENERAL_LOOKASIDE, Tag) == 40);
static_assert(offsetof(GENERAL_LOOKASIDE, Size) == 44);
static_assert(offsetof(GENERAL_LOOKASIDE, AllocateEx) == 48);
static_assert(offsetof(GENERAL_LOOKASIDE, FreeEx) == 56);
static_assert(offsetof(GENERAL_LOOKASIDE, ListEntry) == 64);
static_assert(offsetof(GENERAL_LOOKASIDE, LastTotalAllocates) == 80);
static_assert(sizeof(LOOKASIDE_LIST_EX) == 96);
static_assert(sizeof(NPAGED_LOOKASIDE_LIST) == 128);
static_assert(sizeof(PAGED_LOOKASIDE_LIST) == 128);

/*
 * The inline functions below call these. Clients must not. The head is the first
 * member of each kind of list.
 */
struct rust_pool_lookaside_spec {
	void *allocate;
	void *free;
	size_t size;
	u32 type;
	u32 tag;
	/* Whether the routines are passed the list. */
	bool extended;
};

NTSTATUS rust_pool_lookaside_make(PGENERAL_LOOKASIDE list,
				  const struct rust_pool_lookaside_spec *spec,
				  unsigned long caller, struct module *module);
NTSTATUS
rust_pool_lookaside_make_extended(PGENERAL_LOOKASIDE list,
				  struct rust_pool_lookaside_spec *spec,
				  u32 flags, unsigned long caller,
				  struct module *module);
void *rust_pool_lookaside_allocate(PGENERAL_LOOKASIDE list,
				   unsigned long caller);
void rust_pool_lookaside_free(PGENERAL_LOOKASIDE list, void *entry,
			      unsigned long caller);
void rust_pool_lookaside_flush(PGENERAL_LOOKASIDE list, unsigned long caller);
void rust_pool_lookaside_delete(PGENERAL_LOOKASIDE list, unsigned long caller);

/**
 * ExInitializeNPagedLookasideList - initialise a list of nonpaged entries
 * @Lookaside: the head; it must stay where it is until
 *	ExDeleteNPagedLookasideList(), and must not be initialised already
 * @Allocate: makes entries; NULL for pool
 * @Free: frees them; NULL for pool
 * @Flags: 0, %POOL_NX_ALLOCATION, %POOL_RAISE_IF_ALLOCATION_FAILURE or both
 * @Size: bytes of an entry, at least %LOOKASIDE_MINIMUM_BLOCK_SIZE
 * @Tag: the tag of the entries
 * @Depth: ignored; it should be 0
 *
 * Nothing is allocated for entries yet. If memory is short the list works, but keeps
 * nothing.
 *
 * Violations: a NULL head, other flags (0xC4/0x16) and a size of 0 (0xC2/0x00):
 * nothing is initialised. A size of 1 to 7 and a head that is a list already
 * (0xC4/0x16): it is initialised all the same.
 *
 * Context: Any but NMI. There a violation, 0xC2/0x09, and nothing is initialised.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside,
				     PALLOCATE_FUNCTION Allocate,
				     PFREE_FUNCTION Free, ULONG Flags,
				     SIZE_T Size, ULONG Tag, USHORT Depth);
#else
static __always_inline VOID
ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside,
				PALLOCATE_FUNCTION Allocate,
				PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size,
				ULONG Tag, USHORT Depth)
{
	struct rust_pool_lookaside_spec spec = {
		.allocate = Allocate,
		.free = Free,
		.size = Size,
		.type = NonPagedPool | Flags,
		.tag = Tag,
	};

	rust_pool_lookaside_make((PGENERAL_LOOKASIDE)Lookaside, &spec,
				 rust_pool_here(), THIS_MODULE);
}
#endif

/**
 * ExAllocateFromNPagedLookasideList - allocate an entry
 * @Lookaside: the list
 *
 * The entry is uninitialised: it may still have the contents with which it was
 * freed, except for its first 8 bytes. An entry from pool is aligned as a block of
 * ExAllocatePoolWithTag() of its size and type.
 *
 * Context: Any but NMI, which is a violation, 0xC2/0x08.
 * Return: The entry, owned by the caller until
 * ExFreeToNPagedLookasideList(). NULL when memory is short, and after a violation,
 * such as a list that is not initialised (0xC4/0x16).
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside);
#else
static __always_inline PVOID
ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
	return rust_pool_lookaside_allocate((PGENERAL_LOOKASIDE)Lookaside,
					    rust_pool_here());
}
#endif

/**
 * ExFreeToNPagedLookasideList - free an entry
 * @Lookaside: the list
 * @Entry: what ExAllocateFromNPagedLookasideList() returned for it
 *
 * The list keeps the entry if it has room. The caller must not use it after this.
 *
 * Violations: a list that is not initialised (0xC4/0x16), but an entry from pool is
 * freed all the same; NULL (0xC2/0x46), or the entry that was freed last
 * (0xC2/0x07), and nothing is freed. An entry that goes back to pool at once is
 * checked as by ExFreePoolWithTag().
 *
 * Context: Any but NMI. There a violation, 0xC2/0x09, and the entry is not freed.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry);
#else
static __always_inline VOID
ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
	rust_pool_lookaside_free((PGENERAL_LOOKASIDE)Lookaside, Entry,
				 rust_pool_here());
}
#endif

/**
 * ExDeleteNPagedLookasideList - delete a list
 * @Lookaside: the list; nobody may use it meanwhile, or after this
 *
 * Frees the entries that the list keeps. Entries that were not freed to it are a
 * violation (0xC4/0x62), and stay allocated. Other violations are a list that is
 * not initialised (0xC4/0x16), and a list that is not deleted before the module
 * that initialised it is unloaded (0xCE).
 *
 * Context: Any but NMI. There a violation, 0xC2/0x09, and the list stays.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside);
#else
static __always_inline VOID
ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
	rust_pool_lookaside_delete((PGENERAL_LOOKASIDE)Lookaside,
				   rust_pool_here());
}
#endif

/**
 * ExInitializePagedLookasideList - initialise a list of paged entries
 * @Lookaside: the head, in nonpaged memory; otherwise as for
 *	ExInitializeNPagedLookasideList()
 * @Allocate: as there
 * @Free: as there
 * @Flags: as there
 * @Size: as there
 * @Tag: as there
 * @Depth: as there
 *
 * Context: Any but NMI. There a violation, 0xC2/0x09, and nothing is initialised.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside,
				    PALLOCATE_FUNCTION Allocate,
				    PFREE_FUNCTION Free, ULONG Flags,
				    SIZE_T Size, ULONG Tag, USHORT Depth);
#else
static __always_inline VOID
ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside,
			       PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
			       ULONG Flags, SIZE_T Size, ULONG Tag,
			       USHORT Depth)
{
	struct rust_pool_lookaside_spec spec = {
		.allocate = Allocate,
		.free = Free,
		.size = Size,
		.type = PagedPool | Flags,
		.tag = Tag,
	};

	rust_pool_lookaside_make((PGENERAL_LOOKASIDE)Lookaside, &spec,
				 rust_pool_here(), THIS_MODULE);
}
#endif

/**
 * ExAllocateFromPagedLookasideList - allocate a paged entry
 * @Lookaside: the list
 *
 * Context: Task context that may sleep. Elsewhere a violation, 0xC2/0x08.
 * Return: As ExAllocateFromNPagedLookasideList().
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID ExAllocateFromPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside);
#else
static __always_inline PVOID
ExAllocateFromPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
	return rust_pool_lookaside_allocate((PGENERAL_LOOKASIDE)Lookaside,
					    rust_pool_here());
}
#endif

/**
 * ExFreeToPagedLookasideList - free a paged entry
 * @Lookaside: the list
 * @Entry: what ExAllocateFromPagedLookasideList() returned for it
 *
 * As ExFreeToNPagedLookasideList().
 *
 * Context: Task context that may sleep. Elsewhere a violation, 0xC2/0x09: the
 * entry is freed all the same, but in NMI it is not.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExFreeToPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry);
#else
static __always_inline VOID
ExFreeToPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
	rust_pool_lookaside_free((PGENERAL_LOOKASIDE)Lookaside, Entry,
				 rust_pool_here());
}
#endif

/**
 * ExDeletePagedLookasideList - delete a list of paged entries
 * @Lookaside: the list
 *
 * As ExDeleteNPagedLookasideList().
 *
 * Context: Task context that may sleep. Elsewhere the entries that the list keeps
 * are freed in the wrong context, which is a violation, 0xC2/0x09.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside);
#else
static __always_inline VOID
ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
	rust_pool_lookaside_delete((PGENERAL_LOOKASIDE)Lookaside,
				   rust_pool_here());
}
#endif

/**
 * ExInitializeLookasideListEx - initialise a list of entries of any pool type
 * @Lookaside: the head, in nonpaged memory; otherwise as for
 *	ExInitializeNPagedLookasideList()
 * @Allocate: makes entries, and gets the list; NULL for pool
 * @Free: frees them, and gets the list; NULL for pool
 * @PoolType: that of the entries
 * @Flags: 0, %EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL or
 *	%EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE, which add
 *	%POOL_RAISE_IF_ALLOCATION_FAILURE or %POOL_QUOTA_FAIL_INSTEAD_OF_RAISE to
 *	the POOL_TYPE that entries are asked for with
 * @Size: bytes of an entry, not 0
 * @Tag: the tag of the entries
 * @Depth: ignored; it should be 0
 *
 * Context: Any but NMI, which is a violation, 0xC2/0x09.
 * Return: %STATUS_SUCCESS; %STATUS_INVALID_PARAMETER_4 for a bad pool type,
 * %STATUS_INVALID_PARAMETER_5 for bad flags, %STATUS_INSUFFICIENT_RESOURCES when
 * memory is short; %STATUS_INVALID_PARAMETER after a violation: a NULL head
 * (0xC4/0x16), or a size of 0 (0xC2/0x00).
 */
#ifdef RUST_POOL_DECLARE_ONLY
NTSTATUS ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside,
				     PALLOCATE_FUNCTION_EX Allocate,
				     PFREE_FUNCTION_EX Free, POOL_TYPE PoolType,
				     ULONG Flags, SIZE_T Size, ULONG Tag,
				     USHORT Depth);
#else
static __always_inline NTSTATUS
ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside,
			    PALLOCATE_FUNCTION_EX Allocate,
			    PFREE_FUNCTION_EX Free, POOL_TYPE PoolType,
			    ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
	struct rust_pool_lookaside_spec spec = {
		.allocate = Allocate,
		.free = Free,
		.size = Size,
		.type = PoolType,
		.tag = Tag,
		.extended = true,
	};

	return rust_pool_lookaside_make_extended((PGENERAL_LOOKASIDE)Lookaside,
						 &spec, Flags, rust_pool_here(),
						 THIS_MODULE);
}
#endif

/**
 * ExAllocateFromLookasideListEx - allocate an entry of any pool type
 * @Lookaside: the list
 *
 * Context: As for the pool type: nonpaged any but NMI, paged a task that may sleep.
 * Elsewhere a violation, 0xC2/0x08.
 * Return: As ExAllocateFromNPagedLookasideList().
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID ExAllocateFromLookasideListEx(PLOOKASIDE_LIST_EX Lookaside);
#else
static __always_inline PVOID
ExAllocateFromLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
	return rust_pool_lookaside_allocate((PGENERAL_LOOKASIDE)Lookaside,
					    rust_pool_here());
}
#endif

/**
 * ExFreeToLookasideListEx - free an entry of any pool type
 * @Lookaside: the list
 * @Entry: what ExAllocateFromLookasideListEx() returned for it
 *
 * As ExFreeToNPagedLookasideList().
 *
 * Context: As for the pool type.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExFreeToLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PVOID Entry);
#else
static __always_inline VOID
ExFreeToLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PVOID Entry)
{
	rust_pool_lookaside_free((PGENERAL_LOOKASIDE)Lookaside, Entry,
				 rust_pool_here());
}
#endif

/**
 * ExFlushLookasideListEx - free the entries that a list keeps
 * @Lookaside: the list, which others may use meanwhile
 *
 * Context: As for the pool type. Elsewhere a violation, 0xC2/0x09; in NMI nothing is
 * freed.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside);
#else
static __always_inline VOID
ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
	rust_pool_lookaside_flush((PGENERAL_LOOKASIDE)Lookaside,
				  rust_pool_here());
}
#endif

/**
 * ExDeleteLookasideListEx - delete a list
 * @Lookaside: the list
 *
 * As ExDeleteNPagedLookasideList().
 *
 * Context: As for the pool type. Elsewhere a violation, 0xC2/0x09; in NMI the list
 * stays.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside);
#else
static __always_inline VOID
ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
	rust_pool_lookaside_delete((PGENERAL_LOOKASIDE)Lookaside,
				   rust_pool_here());
}
#endif

#endif /* _RUST_POOL_LOOKASIDE_H */
