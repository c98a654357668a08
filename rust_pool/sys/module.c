// SPDX-License-Identifier: GPL-2.0
/*
 * Clients are the modules that use this one. Finds the client that an address lies
 * in, and the client that called, if only a return address is known.
 *
 * A return address need not lie in the caller. The compiler turns a call in tail
 * position into a jump, so the address lies in the caller's caller; and tracers
 * (function graph, kretprobes, bpf trampolines) replace return addresses. In both
 * cases the stack is searched: the unwinder knows the addresses that tracers
 * replaced.
 */

#include <linux/export.h>
#include <linux/hardirq.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "core.h"

struct client {
	struct list_head list;
	struct module *module;
	u64 number;
	struct rcu_head rcu;
};

/* Read under RCU. Changed under the mutex, in the module notifier. */
static LIST_HEAD(clients);
static DEFINE_MUTEX(clients_lock);
static u64 clients_seen;

/*
 * Whether @mod, whose init is about to run, uses a symbol that this module exports.
 * Only the module loader may read its list of users. But the symbols that it
 * resolved for @mod can be read until @mod's init has run.
 */
static bool uses_this_module(struct module *mod)
{
#ifdef CONFIG_KALLSYMS
	struct mod_kallsyms *all = rcu_dereference_protected(mod->kallsyms, 1);
	unsigned int i;

	for (i = 0; i < all->num_symtab; i++) {
		const Elf_Sym *symbol = &all->symtab[i];

		if (symbol->st_shndx == SHN_UNDEF &&
		    within_module(symbol->st_value, THIS_MODULE))
			return true;
	}
	return false;
#else
	return true;
#endif
}

/* Record @mod if it is a client. Called before any of its code runs. Sleeps. */
int rust_pool_client_coming(struct module *mod)
{
	struct client *client;

	if (!uses_this_module(mod))
		return 0;
	client = kmalloc_obj(*client);
	if (!client)
		return -ENOMEM;
	client->module = mod;
	mutex_lock(&clients_lock);
	client->number = ++clients_seen;
	list_add_tail_rcu(&client->list, &clients);
	mutex_unlock(&clients_lock);
	return 0;
}

/* Forget a client. Called after the last of its code ran. Sleeps. */
void rust_pool_client_gone(struct module *mod)
{
	struct client *client;

	mutex_lock(&clients_lock);
	list_for_each_entry(client, &clients, list) {
		if (client->module == mod) {
			list_del_rcu(&client->list);
			kfree_rcu(client, rcu);
			break;
		}
	}
	mutex_unlock(&clients_lock);
}

/* The client that an address lies in, or NULL. Any context. */
struct module *rust_pool_client_at(unsigned long addr)
{
	struct module *found = NULL;
	struct client *client;

	rcu_read_lock();
	list_for_each_entry_rcu(client, &clients, list) {
		if (within_module(addr, client->module)) {
			found = client->module;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/*
 * The first client whose number is above @number; NULL if there is none. Fills in
 * its number and its name. Any context.
 */
struct module *rust_pool_client_after(u64 *number, char *name)
{
	struct module *found = NULL;
	struct client *client;

	rcu_read_lock();
	list_for_each_entry_rcu(client, &clients, list) {
		if (client->number > *number) {
			*number = client->number;
			found = client->module;
			strscpy(name, module_name(found), MODULE_NAME_LEN);
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* Whether the code below this context was interrupted by a softirq, and did not call. */
static bool serves_softirq(void)
{
	/* In a hard interrupt, the stack ends above the softirq already. */
	return in_serving_softirq() && !in_hardirq() && !in_nmi();
}

/* The stack without the frame of the function that this is inlined into. */
static __always_inline unsigned int unwind(unsigned long *frames, unsigned int room)
{
	unsigned int count = stack_trace_save(frames, room, 1);
	unsigned int i;

	count = filter_irq_stacks(frames, count);
	if (!serves_softirq())
		return count;
	for (i = 0; i < count; i++) {
		if (rust_pool_runs_softirqs(frames[i]))
			return i + 1;
	}
	return count;
}

/*
 * Save the stack down to the interrupt or softirq that this context is, if it is
 * one: the code below was interrupted, and did not call. Any context.
 */
noinline unsigned int rust_pool_save_stack(unsigned long *frames, unsigned int room)
{
	unsigned int count;

	count = rust_pool_walk_stack(frames, room, __builtin_frame_address(0),
				     serves_softirq());
	return count ?: unwind(frames, room);
}

/* Whether an address is in our own code. Any context. */
bool rust_pool_is_ours(unsigned long addr)
{
	const struct module *own = THIS_MODULE;
	const struct module_memory *text = &own->mem[MOD_TEXT];

	return addr - (unsigned long)text->base < text->size ||
	       (own->state == MODULE_STATE_COMING && within_module_init(addr, own));
}

/*
 * The client that called a routine whose return address is @ret, and an address in
 * it. Without a client on the stack, module is NULL and ip is 0. Any context.
 */
struct rust_pool_caller rust_pool_caller_of(unsigned long ret)
{
	struct rust_pool_caller caller = {
		.ip = ret,
		.module = rust_pool_client_at(ret),
	};
	unsigned long frames[24];
	unsigned int count, i;

	if (caller.module)
		return caller;
	count = rust_pool_save_stack(frames, ARRAY_SIZE(frames));
	for (i = 0; i < count; i++) {
		caller.ip = frames[i];
		caller.module = rust_pool_client_at(caller.ip);
		if (caller.module)
			return caller;
	}
	caller.ip = 0;
	return caller;
}
