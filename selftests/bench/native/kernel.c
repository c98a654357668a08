// SPDX-License-Identifier: GPL-2.0
/*
 * As much of a kernel as rust_pool.ko needs to load in a process and to serve small blocks:
 * its own code finds here what it calls and reads. What it calls and does not find ends the
 * program with the name; native.sh makes a stub for each.
 *
 * It is not a model of the kernel: what is timed calls none of these functions. It has to
 * have its data where the kernel has it: per-CPU memory behind the segment register, with a
 * base that is not zero, and pages in one direct map.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "native.h"

#define PAGE		4096ul
/* All memory that there is. */
#define MEMORY		(64ul << 20)
#define DYNAMIC		(1ul << 20)
/* The size of a struct page, and where its reference count is: helpers.c asserts that. */
#define PAGE_STRUCT	64
#define PAGE_COUNT	52

#define PER_CPU		__section(".data..percpu")

/* The bit that the scheduler clears if another task is to run. */
PER_CPU u64 __preempt_count = 1ull << 63;
PER_CPU u64 this_cpu_off;
PER_CPU u32 cpu_number, numa_node;
PER_CPU void *const_current_task;
PER_CPU u64 __ref_stack_chk_guard;
/* What pcpu_alloc_noprof() has. */
static PER_CPU char dynamic[DYNAMIC] __aligned(4096);
static size_t dynamic_used;

/* Zero, and large enough for whatever the kernel has by this name. */
#define ZEROED(name)	char name[8192] __aligned(64)

ZEROED(_totalram_pages);
ZEROED(__default_kernel_pte_mask);
ZEROED(__supported_pte_mask);
ZEROED(__tracepoint_mmap_lock_acquire_returned);
ZEROED(__tracepoint_mmap_lock_released);
ZEROED(__tracepoint_mmap_lock_start_locking);
ZEROED(boot_cpu_data);
ZEROED(dma_ops);
ZEROED(elfcorehdr_addr);
ZEROED(init_on_alloc);
ZEROED(init_on_free);
ZEROED(kmalloc_caches);
ZEROED(mem_section);
ZEROED(node_data);
ZEROED(node_states);
ZEROED(phys_base);
ZEROED(physical_mask);
ZEROED(sme_me_mask);
ZEROED(system_dfl_wq);
ZEROED(system_percpu_wq);
ZEROED(tracepoint_srcu);
static ZEROED(task);

u64 jiffies;
/* KFENCE takes no samples. */
unsigned long kfence_sample_interval;
u64 page_offset_base, vmalloc_base, vmemmap_base;
void *high_memory;
u64 __per_cpu_offset[64];
u64 __cpu_online_mask[1024] = { 1 }, __cpu_possible_mask[1024] = { 1 };
u32 nr_cpu_ids = 1, __num_possible_cpus = 1;
void *pv_ops[256];

static void __noreturn die(const char *what, const char *name)
{
	fprintf(stderr, "rust_pool: error: native: %s %s\n", what, name);
	exit(1);
}

void native_missing(const char *name)
{
	die("the module calls what the stand-in for the kernel does not have:", name);
}

/* Memory, all of it zero. Nothing is ever given back. */

static void *memory(size_t bytes)
{
	void *at = mmap(NULL, bytes ?: 1, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (at == MAP_FAILED)
		die("no memory for", "the module");
	return at;
}

static char *page_of(u64 addr)
{
	return (char *)vmemmap_base + (addr - page_offset_base) / PAGE * PAGE_STRUCT;
}

static void *pages(u64 count)
{
	static u64 used;
	u64 at, i;

	used = (used + count - 1) / count * count;
	at = page_offset_base + used * PAGE;
	used += count;
	if (used * PAGE > MEMORY)
		die("no pages for", "the module");
	for (i = 0; i < count; i++)
		*(u32 *)(page_of(at + i * PAGE) + PAGE_COUNT) = 1;
	return (void *)at;
}

void *alloc_pages_noprof(u32 gfp, u32 order)
{
	return page_of((u64)pages(1ul << order));
}

void *alloc_pages_exact_noprof(size_t bytes, u32 gfp)
{
	u64 count = 1;

	while (count * PAGE < bytes)
		count *= 2;
	return pages(count);
}

void *pcpu_alloc_noprof(size_t bytes, size_t align, bool reserved, u32 gfp)
{
	size_t at = (dynamic_used + align - 1) / align * align;

	dynamic_used = at + bytes;
	return dynamic_used <= DYNAMIC ? dynamic + at : NULL;
}

void *rust_helper_krealloc_node_align(void *old, size_t bytes, unsigned long align, u32 gfp,
				      int node)
{
	void *at = bytes ? memory(bytes) : NULL;

	if (old && at)
		memcpy(at, old, bytes);
	return at;
}

#define SAME_AS_KREALLOC(name)							\
void *name(void *old, size_t bytes, unsigned long align, u32 gfp, int node)	\
	__alias(rust_helper_krealloc_node_align)

SAME_AS_KREALLOC(rust_helper_kvrealloc_node_align);
SAME_AS_KREALLOC(krealloc_node_align_noprof);

void *__kmem_cache_create_args(const char *name, unsigned int size, void *args, u32 flags)
{
	return memory(PAGE);
}

void *kmem_cache_alloc_noprof(void *cache, u32 gfp)
{
	return memory(PAGE);
}

/* What an object has without a checker: see rust_pool_caches_are_checked(). */
size_t ksize(const void *object)
{
	return 64;
}

void *alloc_workqueue_noprof(const char *name, ...)
{
	return memory(PAGE);
}

/* Functions of which an answer is all that matters. */

/* CPUs by their numbers: there is one. */
unsigned long _find_next_bit(const u64 *bits, unsigned long size, unsigned long from)
{
	for (; from < size; from++) {
		if (bits[from / 64] >> from % 64 & 1)
			break;
	}
	return from;
}

u64 get_random_u64(void)
{
	return 0x9e3779b97f4a7c15;
}

long si_mem_available(void)
{
	return MEMORY / PAGE;
}

/* The name of a call site. */
int scnprintf(char *to, size_t size, const char *format, ...)
{
	if (size)
		*to = 0;
	return 0;
}

void *rust_helper_get_current(void)
{
	return task;
}

bool rust_helper_spin_trylock_irq_disable(void *lock)
{
	return true;
}

/* Flags with interrupts enabled, for all that is asked of a hypervisor. */
static u64 interrupts_enabled(void)
{
	return 0x200;
}

long native_nothing(void)
{
	return 0;
}

#define NOTHING(name)	long name(void) __alias(native_nothing)

NOTHING(__SCT__might_resched);
NOTHING(__rcu_read_lock);
NOTHING(__rcu_read_unlock);
NOTHING(_raw_spin_lock);
NOTHING(_raw_spin_lock_irqsave);
NOTHING(_raw_spin_unlock);
NOTHING(_raw_spin_unlock_irqrestore);
NOTHING(free_pages_exact);
NOTHING(kmem_cache_destroy);
NOTHING(kmem_cache_free);
NOTHING(mod_delayed_work_on);
NOTHING(mutex_lock);
NOTHING(mutex_unlock);
NOTHING(queue_delayed_work_on);
NOTHING(queue_work_on);
NOTHING(rust_helper___mutex_init);
NOTHING(rust_helper___spin_lock_init);
NOTHING(rust_helper_mutex_assert_is_held);
NOTHING(rust_helper_spin_assert_is_held);
NOTHING(rust_helper_spin_lock_irq_disable);
NOTHING(rust_helper_spin_unlock_irq_enable);
NOTHING(static_key_count);

#define ATOMIC(type, name)							\
type rust_helper_##name##_read(type *v)						\
{										\
	return __atomic_load_n(v, __ATOMIC_SEQ_CST);				\
}										\
type rust_helper_##name##_read_acquire(type *v)					\
{										\
	return __atomic_load_n(v, __ATOMIC_SEQ_CST);				\
}										\
void rust_helper_##name##_set(type *v, type x)					\
{										\
	__atomic_store_n(v, x, __ATOMIC_SEQ_CST);				\
}										\
void rust_helper_##name##_set_release(type *v, type x)				\
{										\
	__atomic_store_n(v, x, __ATOMIC_SEQ_CST);				\
}										\
type rust_helper_##name##_xchg(type *v, type x)					\
{										\
	return __atomic_exchange_n(v, x, __ATOMIC_SEQ_CST);			\
}										\
type rust_helper_##name##_xchg_relaxed(type *v, type x)				\
{										\
	return __atomic_exchange_n(v, x, __ATOMIC_SEQ_CST);			\
}										\
void rust_helper_##name##_add(type x, type *v)					\
{										\
	__atomic_fetch_add(v, x, __ATOMIC_SEQ_CST);				\
}										\
type rust_helper_##name##_fetch_add(type x, type *v)				\
{										\
	return __atomic_fetch_add(v, x, __ATOMIC_SEQ_CST);			\
}										\
type rust_helper_##name##_fetch_add_relaxed(type x, type *v)			\
{										\
	return __atomic_fetch_add(v, x, __ATOMIC_SEQ_CST);			\
}										\
type rust_helper_##name##_fetch_sub_relaxed(type x, type *v)			\
{										\
	return __atomic_fetch_sub(v, x, __ATOMIC_SEQ_CST);			\
}										\
bool rust_helper_##name##_try_cmpxchg_acquire(type *v, type *old, type x)	\
	__alias(rust_helper_##name##_try_cmpxchg);				\
bool rust_helper_##name##_try_cmpxchg_release(type *v, type *old, type x)	\
	__alias(rust_helper_##name##_try_cmpxchg);				\
bool rust_helper_##name##_try_cmpxchg_relaxed(type *v, type *old, type x)	\
	__alias(rust_helper_##name##_try_cmpxchg);				\
bool rust_helper_##name##_try_cmpxchg(type *v, type *old, type x)		\
{										\
	return __atomic_compare_exchange_n(v, old, x, false, __ATOMIC_SEQ_CST,	\
					   __ATOMIC_SEQ_CST);			\
}

ATOMIC(u32, atomic)
ATOMIC(u64, atomic64)
ATOMIC(u8, atomic_i8)
ATOMIC(u64, atomic_ptr)

/* Functions of the kernel crate and of core. native.sh finds them by the ends of their names. */

static jmp_buf loaded;
static bool is_loaded;

/*
 * The module's init reads the verifier's options after it has set up what serves blocks. What
 * comes behind that is debugfs, notifiers and the like, so it ends here. Later the text is
 * the name of a call site. Err or 0 for Ok, and the text's address and length.
 */
void native_from_utf8(u64 result[3], const char *text, size_t length)
{
	if (!is_loaded)
		longjmp(loaded, 1);
	result[0] = 0;
	result[1] = (u64)text;
	result[2] = length;
}

/* Err of 0 is Ok. */
int native_to_result(int err)
{
	return err;
}

/* The name of a cache, whatever the order of the string's three words. */
void native_try_from_fmt(const char *string[3])
{
	string[0] = "rust_pool";
	string[1] = string[0];
	string[2] = string[0];
}

/* The compiler's calls, as the kernel's loader leaves them. */
asm(".globl __fentry__\n\t"
	"__fentry__: ret\n\t"
	".globl __x86_return_thunk\n\t"
	"__x86_return_thunk: ret\n\t");

#define THUNK(register)								\
asm(".globl __x86_indirect_thunk_" #register "\n\t"				\
	"__x86_indirect_thunk_" #register ": jmp *%" #register "\n\t")

THUNK(rax);
THUNK(rbx);
THUNK(rdx);
THUNK(r11);
THUNK(r12);

/* Loading */

/* A process may neither disable interrupts nor enable them: leave these two out. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	ucontext_t *at = context;
	u8 *ip = (u8 *)at->uc_mcontext.gregs[REG_RIP];
	char text[64];

	if (number == SIGSEGV && info->si_code == SI_KERNEL && (*ip == 0xfa || *ip == 0xfb)) {
		at->uc_mcontext.gregs[REG_RIP]++;
		return;
	}
	snprintf(text, sizeof(text), "%d at %p, of the address %p", number, ip, info->si_addr);
	die("signal", text);
}

static u8 *writable(void *code)
{
	u64 page = (u64)code & -PAGE;

	if (mprotect((void *)page, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC))
		die("cannot write to", "the module's code");
	return code;
}

/*
 * A branch on a static key: a jump if the key says so, else nothing. Whether it has two or
 * five bytes shows in what the compiler left there.
 */
static void patch_jump(struct native_jump *jump)
{
	u8 *code = writable((char *)&jump->code + jump->code);
	u8 *target = (u8 *)&jump->target + jump->target;
	u64 key = (u64)&jump->key + jump->key;
	bool jumps = (*(int *)(key & ~3ul) > 0) != (key & 1);
	int distance;

	if (*code == 0xeb || *code == 0x66) {
		memcpy(code, "\x66\x90", 2);
		if (jumps) {
			code[0] = 0xeb;
			code[1] = target - code - 2;
		}
	} else if (*code == 0xe9 || *code == 0x0f) {
		memcpy(code, "\x0f\x1f\x44\0\0", 5);
		if (jumps) {
			distance = target - code - 5;
			code[0] = 0xe9;
			memcpy(code + 1, &distance, 4);
		}
	} else {
		die("no branch of a static key", "");
	}
}

/* A jump to the thunk, which on a processor that needs none is a plain return. */
static void patch_return(int *place)
{
	u8 *code = writable((char *)place + *place);

	if (*code != 0xe9)
		die("no return", "");
	memcpy(code, "\xc3\xcc\xcc\xcc\xcc", 5);
}

/* They are left as they were built, so none may be in what is measured. */
bool native_has_alternative(u64 ip)
{
	struct native_alternative *at;

	for (at = native_alternatives; at < native_alternatives_end; at++) {
		u64 code = (u64)&at->code + at->code;

		if (ip >= code && ip < code + at->bytes)
			return true;
	}
	return false;
}

u64 native_gs(void)
{
	return __per_cpu_offset[0];
}

static void make_percpu(void)
{
	size_t bytes = native_percpu_end - native_percpu;
	char *area = memory(bytes);

	const_current_task = task;
	this_cpu_off = area - native_percpu;
	__per_cpu_offset[0] = this_cpu_off;
	memcpy(area, native_percpu, bytes);
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, native_gs()))
		die("cannot set", "the base of a segment");
}

static void make_direct_map(void)
{
	u64 align = 2ul << 20;

	page_offset_base = ((u64)memory(MEMORY + align) + align - 1) & -align;
	high_memory = (void *)(page_offset_base + MEMORY);
	/* A page behind the end is not read, as in the kernel. */
	vmalloc_base = page_offset_base + MEMORY + PAGE;
	vmemmap_base = (u64)memory(MEMORY / PAGE * PAGE_STRUCT);
}

void native_load(void)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};
	struct native_jump *jump;
	int *place;
	u32 i;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	for (i = 0; i < sizeof(pv_ops) / sizeof(*pv_ops); i++)
		pv_ops[i] = interrupts_enabled;
	make_direct_map();
	make_percpu();
	for (jump = native_jumps; jump < native_jumps_end; jump++)
		patch_jump(jump);
	for (place = native_returns; place < native_returns_end; place++)
		patch_return(place);
	if (!setjmp(loaded)) {
		init_module();
		die("the module's init ends before it reads", "its options");
	}
	is_loaded = true;
}
