/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The border between the C and the Rust half of rust_pool.ko. bindgen turns
 * this header, with wdm.h, into the Rust declarations of rust_pool/sys/raw.rs, so
 * the two halves cannot differ.
 */
#ifndef _RUST_POOL_CORE_H
#define _RUST_POOL_CORE_H

#include <linux/gfp_types.h>
#include <linux/jump_label.h>
#include <linux/preempt.h>
#include <linux/types.h>
/* Here PAGE_ALIGN() is Linux's. */
#define RUST_POOL_LINUX_PAGE_ALIGN
#include <rust_pool/wdm.h>
#include "arch/arch.h"

struct dentry;
struct device;
struct kmem_cache;
struct module;
struct page;

/* GFP flags; see memory/request.rs for when each is used. */
static const gfp_t RUST_POOL_GFP_NOWAIT =
	GFP_NOWAIT | __GFP_NOWARN;
static const gfp_t RUST_POOL_GFP_ATOMIC =
	GFP_ATOMIC | __GFP_NOWARN;
static const gfp_t RUST_POOL_GFP_KERNEL =
	GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
static const gfp_t RUST_POOL_GFP_ZERO = __GFP_ZERO;
static const gfp_t RUST_POOL_GFP_DMA = GFP_DMA;
static const gfp_t RUST_POOL_GFP_DMA32 = GFP_DMA32;
static const gfp_t RUST_POOL_GFP_THISNODE = __GFP_THISNODE;
static const gfp_t RUST_POOL_GFP_ACCOUNT = __GFP_ACCOUNT;

/* The status codes that Rust returns; bindgen leaves macros with a cast out. */
enum {
	RUST_POOL_SUCCESS = STATUS_SUCCESS,
	RUST_POOL_ACCESS_VIOLATION = STATUS_ACCESS_VIOLATION,
	RUST_POOL_INVALID_PARAMETER = STATUS_INVALID_PARAMETER,
	RUST_POOL_NOT_MAPPED_VIEW = STATUS_NOT_MAPPED_VIEW,
	RUST_POOL_BUFFER_TOO_SMALL = STATUS_BUFFER_TOO_SMALL,
	RUST_POOL_INVALID_PAGE_PROTECTION = STATUS_INVALID_PAGE_PROTECTION,
	RUST_POOL_INSUFFICIENT_RESOURCES = STATUS_INSUFFICIENT_RESOURCES,
	RUST_POOL_NOT_SUPPORTED = STATUS_NOT_SUPPORTED,
	RUST_POOL_INVALID_PARAMETER_4 = STATUS_INVALID_PARAMETER_4,
	RUST_POOL_INVALID_PARAMETER_5 = STATUS_INVALID_PARAMETER_5,
};

/* The bits of the preemption count that are set in NMI. */
static const u32 RUST_POOL_NMI_MASK = NMI_MASK;
/* The offset in struct page of the two words that belong to the page's owner. */
static const size_t RUST_POOL_PAGE_WORDS = 32;
/* The offset of the reference count. The flags, at offset 0, are read as well. */
static const size_t RUST_POOL_PAGE_COUNT = 52;

/*
 * Room for what %pS writes, and for a module's name, each with its NUL. helpers.c
 * checks that they are no smaller than the kernel's constants, so bindgen need not
 * read those headers.
 */
#define RUST_POOL_SYMBOL_LEN		704
#define RUST_POOL_MODULE_NAME_LEN	64

/* helpers.c: what Rust cannot call by a declaration. */
u32 rust_pool_irql(void);
bool rust_pool_in_hardirq(void);
const char *rust_pool_context(void);
bool rust_pool_has_process(void);
bool rust_pool_may_vmalloc(void);
bool rust_pool_is_memory(phys_addr_t phys);
struct kmem_cache *rust_pool_cache_create(const char *name, unsigned int size,
					  unsigned int useroffset);
size_t rust_pool_cache_allocate_many(struct kmem_cache *cache, gfp_t gfp,
				     size_t count, void **objects);
void rust_pool_cache_free_many(struct kmem_cache *cache, size_t count,
			       void **objects);
/* KFENCE takes as many objects in a row as kfence.burst says; more are not expected. */
#define RUST_POOL_KFENCE_IN_A_ROW 256
int rust_pool_caches_are_checked(const char *name);
bool rust_pool_is_slab(const void *addr);
bool rust_pool_is_kfence(const void *addr);
#ifdef CONFIG_KFENCE
/* linux/kfence.h: how often KFENCE takes an object; 0 if it is off. */
extern unsigned long kfence_sample_interval;
#endif
struct kmem_cache *rust_pool_slab_around(unsigned long addr,
					 unsigned long *start);
bool rust_pool_inits_on_alloc(void);
bool rust_pool_inits_on_free(void);
struct page *rust_pool_page_of(const void *addr);
void *rust_pool_page_address(struct page *page);
void *rust_pool_page_block(gfp_t gfp, unsigned int order);
void *rust_pool_percpu_address(unsigned long cookie, unsigned int cpu);
void rust_pool_counters_sum(unsigned long counters, u64 *sum, unsigned int n);
void *rust_pool_vmalloc(size_t size, gfp_t gfp);
unsigned long rust_pool_total_pages(void);
void rust_pool_vunmap(const void *addr);
int rust_pool_contig_try(unsigned long pfn, unsigned long count, int node,
			 void **base, unsigned long *obstacle);
unsigned long rust_pool_max_pfn(void);
void rust_pool_make_private(struct dentry *dir);
bool rust_pool_within_module(unsigned long addr, struct module *mod);
bool rust_pool_within_init(unsigned long addr, struct module *mod);
unsigned long rust_pool_module_address(struct module *mod);
const char *rust_pool_module_name(struct module *mod);
int rust_pool_watch_modules(void);
void rust_pool_unwatch_modules(void);
bool rust_pool_may_log(void);
bool rust_pool_may_log_loss(void);
u32 rust_pool_left_out(void);
u64 rust_pool_log_time(void);
unsigned int rust_pool_possible_cpus(void);
u32 rust_pool_current_task(char *name);
void rust_pool_verifier_enable(bool on);

/* device.c: the memory of common buffers. */
enum rust_pool_dma_memory {
	/* From the page allocator or CMA, used in the direct map. */
	RUST_POOL_DMA_PAGES,
	/* Scattered pages that the DMA API mapped next to each other, with an IOMMU. */
	RUST_POOL_DMA_MAPPED,
	/* Memory that only the DMA API can free. */
	RUST_POOL_DMA_OTHER,
};

/* How a buffer was made. The pointers are only compared. */
struct rust_pool_dma_origin {
	/* The IOMMU's domain; NULL without an IOMMU. */
	const void *domain;
	/* The device's DMA operations; NULL for the kernel's own direct mapping. */
	const void *ops;
	/* The device's driver; NULL if it had none. */
	const void *driver;
	/* An enum rust_pool_dma_memory. */
	u32 memory;
	/* Whether the IOMMU translates the bus addresses. */
	bool translated;
};

/* The result of freeing a buffer. */
enum rust_pool_dma_fate {
	/* The DMA API freed it. */
	RUST_POOL_DMA_FREED,
	/* Its pages were freed without the DMA API. */
	RUST_POOL_DMA_FREED_PAGES,
	/* It cannot be freed. */
	RUST_POOL_DMA_LOST,
};

void *rust_pool_dma_group(struct device *dev);
void rust_pool_dma_group_put(void *group);
bool rust_pool_dma_gone(struct device *dev);
const void *rust_pool_dma_driver(struct device *dev);
void *rust_pool_dma_allocate(struct device *dev, void *group, size_t bytes,
			     u64 *bus, gfp_t gfp,
			     struct rust_pool_dma_origin *origin);
enum rust_pool_dma_fate
rust_pool_dma_free(struct device *dev, void *group, void *base, size_t bytes,
		   u64 bus, const struct rust_pool_dma_origin *origin);

/* streaming.c: page frames mapped for a device. */
struct rust_pool_mapping;

struct rust_pool_mapping *rust_pool_mapping_new(size_t pages, gfp_t gfp);
void rust_pool_mapping_free(struct rust_pool_mapping *mapping);
size_t rust_pool_mapping_add(struct rust_pool_mapping *mapping,
			     const PFN_NUMBER *frames, size_t offset,
			     size_t bytes);
bool rust_pool_mapping_copy(struct rust_pool_mapping *mapping,
			    struct device *dev, gfp_t gfp);
bool rust_pool_dma_translates(struct device *dev);
bool rust_pool_mapping_join(struct rust_pool_mapping *mapping,
			    struct device *dev, gfp_t gfp);
u64 rust_pool_mapping_first(const struct rust_pool_mapping *mapping,
			    u64 *address);
bool rust_pool_mapping_map(struct rust_pool_mapping *mapping,
			   struct device *dev, bool to_device);
const struct rust_pool_dma_origin *
rust_pool_mapping_origin(const struct rust_pool_mapping *mapping);
size_t rust_pool_mapping_list(const struct rust_pool_mapping *mapping,
			      SCATTER_GATHER_LIST *list);
bool rust_pool_mapping_unmap(struct rust_pool_mapping *mapping,
			     struct device *dev, void *group, bool may_sleep,
			     enum rust_pool_dma_fate *fate);
void *rust_pool_list_memory(size_t bytes, gfp_t gfp);
void rust_pool_list_memory_free(void *list);

/* listed.c: which memory scatter/gather lists have. */
struct rust_pool_listing;

struct rust_pool_listing *rust_pool_listing_new(size_t room, gfp_t gfp);
bool rust_pool_listing_add(struct rust_pool_listing *listing, phys_addr_t start,
			   size_t bytes, u16 locker);
void rust_pool_listing_enter(struct rust_pool_listing *listing,
			     unsigned long list);
void rust_pool_listing_free(struct rust_pool_listing *listing);
unsigned long rust_pool_listed_at(phys_addr_t start, size_t bytes, u16 locker);

/* frames.c: page frames by their numbers. */
struct rust_pool_frames {
	/* The index of the first that is no memory; their number if all are. */
	size_t odd;
	/* Their MEMORY_CACHING_TYPE; MmMaximumCacheType if they differ. */
	s32 type;
	/* Their address in the direct map if they are adjacent, else NULL. */
	void *base;
};
/* What the WDK's IRP begins with. */
struct rust_pool_irp {
	CSHORT Type;
	USHORT Size;
	struct _MDL *MdlAddress;
};
static_assert(offsetof(struct rust_pool_irp, MdlAddress) == 8);

void rust_pool_frames_look(const PFN_NUMBER *frames, size_t count,
			   struct rust_pool_frames *seen);
void *rust_pool_frames_map(const PFN_NUMBER *frames, size_t count,
			   MEMORY_CACHING_TYPE type, bool write);
void *rust_pool_memory_map(PFN_NUMBER first, size_t count,
			   MEMORY_CACHING_TYPE type, bool write);
bool rust_pool_io_is_memory(phys_addr_t start, size_t bytes);
size_t rust_pool_memory_list(PHYSICAL_MEMORY_RANGE *to, size_t room);
void *rust_pool_virtual(phys_addr_t phys);
void *rust_pool_frame_address(PFN_NUMBER frame);
bool rust_pool_kernel_frames(unsigned long start, size_t count, bool write,
			     PFN_NUMBER *frames);
int rust_pool_pin(unsigned long start, size_t count, bool write,
		  struct page **pages, PFN_NUMBER *frames);
size_t rust_pool_unpin(struct page **pages, size_t count, bool dirty);
struct page *rust_pool_page_on(gfp_t gfp, int node);
void *rust_pool_pages_on(gfp_t gfp, size_t bytes, int node);
void rust_pool_node_span(int node, PFN_NUMBER *start, PFN_NUMBER *end);
unsigned int rust_pool_nodes(void);
int rust_pool_node_of(struct page *page);
int rust_pool_this_node(void);
bool rust_pool_has_node(u32 node);
PFN_NUMBER rust_pool_frame_of(struct page *page);

/* view.c: page frames that are mapped into a process. */
struct rust_pool_view {
	/* That of the frames. */
	MEMORY_CACHING_TYPE type;
	bool write;
	/* The page where it is to begin; 0 for any. */
	unsigned long at;
	/* The address of the MDL, and the number of its record. */
	unsigned long mdl;
	u64 number;
	/*
	 * The address of the common buffer that is kept as long as there is this view of its
	 * pages, and the first of these in the direct map; 0 if the view is to keep each page.
	 */
	unsigned long buffer;
	const void *first;
};

size_t rust_pool_view_refused(const PFN_NUMBER *frames, size_t count);
unsigned long rust_pool_view_map(const PFN_NUMBER *frames, size_t count,
				 const struct rust_pool_view *wanted);
bool rust_pool_view_unmap(unsigned long at, unsigned long mdl);
void *rust_pool_process(void);

/* pressure.c: callbacks when memory is short. */
int rust_pool_watch_pressure(void);
void rust_pool_unwatch_pressure(void);

/* reclaim.c: who may not wait for memory. */
void rust_pool_watch_last_resort(void);
void rust_pool_unwatch_last_resort(void);
bool rust_pool_in_last_resort(void);
bool rust_pool_in_reclaim(void);

/* work.c: deferred work. */
enum { RUST_POOL_CODES = 8 };
int rust_pool_work_init(void);
void rust_pool_work_exit(void);
void rust_pool_work_finish(void);
void rust_pool_give_soon(void);
void rust_pool_part_soon(void);
void rust_pool_grant_soon(void);
void rust_pool_upkeep_soon(void);
void rust_pool_unpin_soon(void);
void rust_pool_unpin_later(void);
void rust_pool_age_later(void);
void rust_pool_trim_soon(u32 cpu);
bool rust_pool_may_call_others(void);
/* The lockdep maps of work.c: five waits, and where code of other modules must not run. */
enum {
	RUST_POOL_GIVING,
	RUST_POOL_PARTING,
	RUST_POOL_NO_OTHERS,
	RUST_POOL_UNMAPPING,
	RUST_POOL_USING,
	RUST_POOL_GRANTING,
};
void rust_pool_doing(u32 what);
void rust_pool_done(u32 what);
void rust_pool_wake(void);
void rust_pool_wait(u32 what, bool (*ready)(void *arg), void *arg);
void rust_pool_device_code(const struct device *dev, unsigned long *at);
unsigned long rust_pool_device_release(const struct device *dev);

/*
 * lookaside/list.c: the entries that a lookaside list keeps, in memory of ours. The store is part
 * of the list's record in Rust, and is found through the head.
 */
struct rust_pool_store {
	/* The entry that was freed last; its first word is the link to the next. */
	void *first;
	u32 lock;
	/* How many there are, and how many there may be. */
	u16 depth;
	u16 limit;
	/* The address of the head whose store it is, and whether the list is paged. */
	unsigned long owner;
	/*
	 * The first word of an entry's header while a client has the entry, and while the list
	 * keeps it. Both are 0 while that is not known, or if the entries differ in it.
	 */
	u64 out;
	u64 kept;
	/* The second word without its check word, and what the check word is computed from. */
	u64 second;
	u64 mixed;
	u64 secret;
	/*
	 * Where such a header may be: in the direct map. Empty while that is not known.
	 */
	unsigned long start;
	unsigned long length;
	/* The client's own routine makes or frees entries, which may be any memory. */
	bool custom;
};

/* What the headers of a list's entries have in common; all 0 if nothing. See header.rs. */
struct rust_pool_headers {
	u64 live;
	u64 freed;
	u64 second;
	u64 mixed;
	u64 secret;
};

void rust_pool_store_own(struct rust_pool_store *store,
			 const GENERAL_LOOKASIDE *list, bool paged, bool custom);
void rust_pool_store_learn(struct rust_pool_store *store,
			   const struct rust_pool_headers *headers);
bool rust_pool_store_put(struct rust_pool_store *store, GENERAL_LOOKASIDE *list,
			 void *entry, bool *twice);
void *rust_pool_store_limit(struct rust_pool_store *store, u16 limit, u16 most,
			    u16 *number);
void rust_pool_head_init(GENERAL_LOOKASIDE *list,
			 const struct rust_pool_lookaside_spec *spec,
			 struct rust_pool_store *store, u16 depth);
void rust_pool_head_close(GENERAL_LOOKASIDE *list);
void rust_pool_head_depth(GENERAL_LOOKASIDE *list, u16 depth);
bool rust_pool_head_asked(GENERAL_LOOKASIDE *list, u32 enough, u32 *allocates,
			  u32 *misses);
bool rust_pool_head_is_bare(const GENERAL_LOOKASIDE *list,
			    struct rust_pool_lookaside_spec *spec);
void *rust_pool_entry_make(const struct rust_pool_lookaside_spec *spec,
			   GENERAL_LOOKASIDE *list);
void rust_pool_entry_unmake(const struct rust_pool_lookaside_spec *spec,
			    GENERAL_LOOKASIDE *list, void *entry);

/* parameters.c: what the module was loaded with. */
bool rust_pool_panic_on_violation(void);
bool rust_pool_magazines(void);
const char *rust_pool_verifier_parameter(void);
void rust_pool_parameters_live(bool live);

/* A static key in a structure, which is what Rust's static_branch macro takes. */
struct rust_pool_switch {
	struct static_key_false key;
};
extern struct rust_pool_switch rust_pool_verifier_switch;
extern struct rust_pool_switch rust_pool_watch_switch;

/* tracepoints.c: what tracers are told. */
#define RUST_POOL_TRACED_NONP		0
#define RUST_POOL_TRACED_PAGED		1
#define RUST_POOL_TRACED_CONTIGUOUS	2
#define RUST_POOL_TRACED_NONCACHED	3
#define RUST_POOL_TRACED_COMMON		4
#define RUST_POOL_TRACED_MDL_PAGES	5

/* Room for a tag as one word, "-" for none, with its NUL. */
#define RUST_POOL_TAG_ROOM		5

struct rust_pool_traced {
	char tag[RUST_POOL_TAG_ROOM];
	/* RUST_POOL_TRACED_... */
	u32 type;
	size_t bytes;
	size_t used;
	unsigned long addr;
	unsigned long caller;
	/* How long the allocation took, in nanoseconds; 0 if that is not known. */
	u64 ns;
};

struct rust_pool_traced_violation {
	u32 code;
	/* As the log shows them: addresses are hashed. */
	u64 parameters[4];
	char tag[RUST_POOL_TAG_ROOM];
	char module[RUST_POOL_MODULE_NAME_LEN];
	/* The first of the parameters that is an address; 0 if none is. */
	unsigned long addr;
	unsigned long caller;
};

bool rust_pool_traces_allocs(void);
bool rust_pool_traces_frees(void);
bool rust_pool_traces_violations(void);
void rust_pool_trace_alloc(const struct rust_pool_traced *block);
void rust_pool_trace_free(const struct rust_pool_traced *block);
void rust_pool_trace_violation(const struct rust_pool_traced_violation *violation);

/* module.c: the modules that use this one, and which of them called. */
struct rust_pool_caller {
	unsigned long ip;
	struct module *module;
};
struct rust_pool_caller rust_pool_caller_of(unsigned long ret);
unsigned int rust_pool_save_stack(unsigned long *frames, unsigned int room);
bool rust_pool_is_ours(unsigned long addr);
struct module *rust_pool_client_at(unsigned long addr);
int rust_pool_client_coming(struct module *mod);
void rust_pool_client_gone(struct module *mod);
struct module *rust_pool_client_after(u64 *number, char *name);

/*
 * Rust functions. wdm.c, dma.c, the inline functions of wdm.h and the Rust API call those
 * that take a call site (caller). Who calls the others is in rust_pool/README.rst.
 */
DMA_ADAPTER *rust_pool_adapter_bound(struct device *dev, u64 mask, u32 length,
				     u32 *registers, unsigned long caller);
void rust_pool_adapter_put(DMA_ADAPTER *adapter, unsigned long caller);
void rust_pool_adapter_absent(DMA_ADAPTER *adapter, const char *member,
			      unsigned long caller);
void *rust_pool_buffer_allocate(DMA_ADAPTER *adapter, u32 bytes, u64 *logical,
				bool cached, unsigned long caller);
void rust_pool_buffer_free(DMA_ADAPTER *adapter, u32 bytes, u64 logical,
			   void *base, bool cached, unsigned long caller);
/* What is to be transferred, and where the list of it is to be, if not by us. */
struct rust_pool_transfer {
	DMA_ADAPTER *adapter;
	MDL *mdl;
	/* Where it begins: an address of the first MDL, or how far into the chain. */
	u64 begin;
	bool by_offset;
	u32 bytes;
	bool to_device;
	void *buffer;
	u32 room;
	unsigned long caller;
};
NTSTATUS rust_pool_list_get(const struct rust_pool_transfer *transfer,
			    SCATTER_GATHER_LIST **list);
void rust_pool_list_put(DMA_ADAPTER *adapter, SCATTER_GATHER_LIST *list,
			bool to_device, unsigned long caller);
NTSTATUS rust_pool_list_size(const struct rust_pool_transfer *transfer,
			     u32 *size, u32 *registers);
NTSTATUS rust_pool_adapter_info(DMA_ADAPTER *adapter, DMA_ADAPTER_INFO_V1 *info,
				unsigned long caller);
/* A request for an adapter's channel, or for map registers alone. */
struct rust_pool_channel {
	DMA_ADAPTER *adapter;
	u32 registers;
	/* Whether somebody gets the map register base: the routine, or else the caller. */
	bool wanted;
	/* The WDK's Ex: it may have a transfer context. */
	bool by_ex;
	/* It must not wait for the channel. */
	bool at_once;
	/* It does without the channel. */
	bool registers_only;
	/* What is called with the map register base, if anything. */
	PDRIVER_CONTROL routine;
	DEVICE_OBJECT *device;
	void *context;
	void *transfer;
	unsigned long caller;
	/* The map register base; NULL before the request is granted. */
	void *base;
};
NTSTATUS rust_pool_channel_get(struct rust_pool_channel *request);
bool rust_pool_channel_act(const struct rust_pool_channel *granted,
			   IO_ALLOCATION_ACTION action);
bool rust_pool_channel_next(DMA_ADAPTER *adapter, struct rust_pool_channel *next);
bool rust_pool_channel_next_of_any(struct rust_pool_channel *next);
bool rust_pool_channel_cancel(DMA_ADAPTER *adapter, void *transfer,
			      unsigned long caller);
bool rust_pool_channel_free(DMA_ADAPTER *adapter, IO_ALLOCATION_ACTION action,
			    unsigned long caller);
bool rust_pool_registers_free(DMA_ADAPTER *adapter, void *base, u32 registers,
			      unsigned long caller);
NTSTATUS rust_pool_packet_map(const struct rust_pool_transfer *transfer,
			      void *base, u64 *address, u32 *bytes);
bool rust_pool_packet_flush(const struct rust_pool_transfer *transfer,
			    void *base);
const void *rust_pool_row(u32 type, u32 tag, unsigned long caller,
			  struct module *module);
bool rust_pool_paged_check(size_t bytes, unsigned long caller);
void rust_pool_paged_check_free(void *block, unsigned long caller);
bool rust_pool_watched_refuse(u32 type, u32 tag, size_t bytes,
			      unsigned long caller);
void rust_pool_watched_add(void *block, u32 type, u32 tag, size_t bytes,
			   size_t used, unsigned long caller);
void rust_pool_watched_move(void *block, u32 type, u32 tag, size_t bytes,
			    size_t used, unsigned long caller);
void rust_pool_watched_free(void *block, u32 type, u32 tag, size_t bytes,
			    size_t used, unsigned long caller);
void rust_pool_watch_frees(bool watch);
void rust_pool_guard_fault(unsigned long address, bool write, unsigned long ip);
bool rust_pool_is_charged(const void *block);
void rust_pool_view_gone(unsigned long mdl, u64 number, unsigned long buffer);
size_t rust_pool_verifier_show(char *to);
void *rust_pool_lookaside_miss(GENERAL_LOOKASIDE *list, unsigned long caller);
void rust_pool_lookaside_overflow(GENERAL_LOOKASIDE *list, void *entry,
				  unsigned long caller);
void rust_pool_give(void);
void rust_pool_part(void);
void rust_pool_upkeep(void);
void rust_pool_unpin_deferred(void);
bool rust_pool_age(void);
void rust_pool_trim(void);
unsigned long rust_pool_spare(void);
void rust_pool_drain(void);
void rust_pool_drain_of(unsigned int cpu);
void rust_pool_module_live(struct module *mod);
void rust_pool_module_going(struct module *mod);

/* api/dma.c: the operations of an adapter, by its version. */
enum { RUST_POOL_DMA_VERSIONS = 3 };
extern DMA_OPERATIONS rust_pool_dma_operations[RUST_POOL_DMA_VERSIONS];
void rust_pool_grant(void);

/* wdm.c and dma.c: what the Rust API calls inside a client, besides wdm.h. */
PDMA_ADAPTER rust_pool_adapter(struct device *dev, ULONG maximum_length,
			       PULONG registers, unsigned long caller);
void rust_pool_copy(void *to, const void *from, size_t bytes);
void rust_pool_fill(void *to, u8 value, size_t bytes);

/* Rust, exported for the Rust API. */
void rust_pool_adapter_hold(PDMA_ADAPTER adapter);
bool rust_pool_block(const void *block, u32 *kind, u32 *tag, size_t *bytes);
void *rust_pool_report_new(const char *name, const char *text, size_t len);
void rust_pool_report_remove(void *report);
void rust_pool_fold(const void *row);
void *rust_pool_large_allocate(size_t bytes, bool zero, bool may_sleep);
void rust_pool_large_free(void *block, size_t bytes);
void *rust_pool_kmalloc_slow(size_t bytes, bool zero, bool may_sleep);

#endif /* _RUST_POOL_CORE_H */
