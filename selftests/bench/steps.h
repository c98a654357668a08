/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the instructions do that a processor executes one by one: which memory each
 * loads and stores, and whether it is locked. In the kernel (steps.c) and in user
 * space (native/native.c).
 *
 * The processor says where each instruction is, so its length is needed only for an
 * address that is relative to its end. What is not known here is an error, not a guess.
 */
#ifndef RP_BENCH_STEPS_H
#define RP_BENCH_STEPS_H

#ifdef __KERNEL__
#include <linux/compiler_attributes.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
#endif

/* In the order of their numbers in instructions. */
struct rpb_regs {
	u64 general[16];
	u64 ip, fs, gs;
};

#define RPB_LOAD	1
#define RPB_STORE	2

struct rpb_access {
	u64 addr;
	u32 bytes;
	u32 kind;
};

struct rpb_step {
	bool locked;
	/* A copy of a string has two. The stack is used by itself: that is left out. */
	u32 count;
	struct rpb_access access[2];
};

/* What an opcode does with the operand that its ModR/M byte names. */
struct rpb_form {
	/* No ModR/M byte. */
	bool bare;
	u32 kind, bytes;
	/* Bytes of the instruction behind that operand. */
	u32 immediate;
};

static inline u64 rpb_code(const u8 *code, u32 bytes)
{
	u64 value = 0;

	memcpy(&value, code, bytes);
	return value;
}

/* Arithmetic: the operation is in bits 3 to 5, and 7 compares. */
static inline void rpb_arithmetic(u8 op, struct rpb_form *form)
{
	bool compares = (op & 0x38) == 0x38;

	form->bare = op & 4;
	form->kind = op & 2 || compares ? RPB_LOAD : RPB_LOAD | RPB_STORE;
	if (!(op & 1))
		form->bytes = 1;
}

/* One byte of opcode; @reg is the ModR/M byte's middle field. */
static inline bool rpb_short_form(u8 op, u32 reg, u32 operand, struct rpb_form *form)
{
	const u32 word = operand == 2 ? 2 : 4;

	switch (op) {
	case 0x00 ... 0x05: case 0x08 ... 0x0d: case 0x10 ... 0x15: case 0x18 ... 0x1d:
	case 0x20 ... 0x25: case 0x28 ... 0x2d: case 0x30 ... 0x35: case 0x38 ... 0x3d:
		rpb_arithmetic(op, form);
		return true;
	case 0x63:
		form->kind = RPB_LOAD;
		form->bytes = 4;
		return true;
	case 0x69: case 0x6b:
		form->kind = RPB_LOAD;
		form->immediate = op == 0x69 ? word : 1;
		return true;
	case 0x80: case 0x81: case 0x83:
		rpb_arithmetic(reg << 3 | (op & 1), form);
		form->immediate = op == 0x81 ? word : 1;
		return true;
	case 0x84: case 0x85:
	case 0x8a: case 0x8b:
		form->kind = RPB_LOAD;
		break;
	case 0x86: case 0x87:
	case 0xd0 ... 0xd3:
		form->kind = RPB_LOAD | RPB_STORE;
		break;
	case 0xc0: case 0xc1:
		form->kind = RPB_LOAD | RPB_STORE;
		form->immediate = 1;
		break;
	case 0x88: case 0x89:
		form->kind = RPB_STORE;
		break;
	case 0xc6: case 0xc7:
		form->kind = RPB_STORE;
		form->immediate = op == 0xc7 ? word : 1;
		break;
	case 0xf6: case 0xf7:
		form->kind = reg == 2 || reg == 3 ? RPB_LOAD | RPB_STORE : RPB_LOAD;
		if (reg < 2)
			form->immediate = op == 0xf7 ? word : 1;
		break;
	case 0xfe: case 0xff:
		form->kind = reg < 2 ? RPB_LOAD | RPB_STORE : RPB_LOAD;
		if (reg >= 2)
			form->bytes = 8;
		break;
	case 0x8d:
		/* Only the address is computed. */
		return true;
	case 0x50 ... 0x5f: case 0x68: case 0x6a:
	case 0x70 ... 0x7f:
	case 0x90 ... 0x99: case 0x9c: case 0x9d:
	case 0xa8: case 0xa9:
	case 0xb0 ... 0xbf:
	case 0xc2: case 0xc3: case 0xc9: case 0xcc:
	case 0xe8: case 0xe9: case 0xeb:
	case 0xf8 ... 0xfd:
		form->bare = true;
		return true;
	default:
		return false;
	}
	if (!(op & 1))
		form->bytes = 1;
	return true;
}

/* The same for the second byte of those that begin with 0x0f. */
static inline bool rpb_long_form(u8 op, u32 reg, u32 operand, struct rpb_form *form)
{
	switch (op) {
	/* Prefetches, and what is no operation. */
	case 0x0d: case 0x18 ... 0x1f:
		return true;
	/* stac and clac. */
	case 0x01:
		return true;
	case 0x40 ... 0x4f:
	case 0xa3: case 0xaf:
	case 0xb8: case 0xbc: case 0xbd:
		form->kind = RPB_LOAD;
		return true;
	case 0xb6: case 0xb7: case 0xbe: case 0xbf:
		form->kind = RPB_LOAD;
		form->bytes = op & 1 ? 2 : 1;
		return true;
	case 0x90 ... 0x9f:
		form->kind = RPB_STORE;
		form->bytes = 1;
		return true;
	case 0xba:
		form->kind = reg == 4 ? RPB_LOAD : RPB_LOAD | RPB_STORE;
		form->immediate = 1;
		return true;
	case 0xa4: case 0xac:
		form->immediate = 1;
		fallthrough;
	case 0xa5: case 0xad:
	case 0xab: case 0xb3: case 0xbb:
	case 0xb1: case 0xc1:
		form->kind = RPB_LOAD | RPB_STORE;
		return true;
	case 0xb0: case 0xc0:
		form->kind = RPB_LOAD | RPB_STORE;
		form->bytes = 1;
		return true;
	case 0xc7:
		form->kind = RPB_LOAD | RPB_STORE;
		form->bytes = operand == 8 ? 16 : 8;
		return reg == 1;
	case 0x80 ... 0x8f: case 0xc8 ... 0xcf:
		form->bare = true;
		return true;
	default:
		return false;
	}
}

/* The address that a ModR/M byte names, which has to name memory. */
static inline u64 rpb_address(const u8 *code, u8 rex, u32 immediate, u64 from,
			      const struct rpb_regs *regs)
{
	u8 modrm = *code++, mod = modrm >> 6, low = modrm & 7, sib;
	u64 addr = 0;

	if (low == 4) {
		u32 index;

		sib = *code++;
		low = sib & 7;
		index = (sib >> 3 & 7) | (rex & 2) << 2;
		if (index != 4)
			addr = regs->general[index] << (sib >> 6);
		if (low != 5 || mod)
			addr += regs->general[low | (rex & 1) << 3];
	} else if (low == 5 && !mod) {
		/* Relative to the end of the instruction. */
		addr = from + 4 + immediate;
	} else {
		addr = regs->general[low | (rex & 1) << 3];
	}
	if (mod == 1)
		addr += (u64)(signed char)*code;
	else if (mod == 2 || (!mod && low == 5))
		addr += (u64)(int)rpb_code(code, 4);
	return addr;
}

/* The string instructions a4 to af, of which one turn is executed at a time. */
static inline bool rpb_string(u8 op, u32 operand, bool repeated,
			      const struct rpb_regs *regs, struct rpb_step *step)
{
	u32 bytes = op & 1 ? operand : 1;

	if (repeated && !regs->general[1])
		return true;
	switch (op & ~1) {
	case 0xa4:
		step->access[0] = (struct rpb_access){ regs->general[6], bytes, RPB_LOAD };
		step->access[1] = (struct rpb_access){ regs->general[7], bytes, RPB_STORE };
		step->count = 2;
		return true;
	case 0xaa:
		step->access[0] = (struct rpb_access){ regs->general[7], bytes, RPB_STORE };
		step->count = 1;
		return true;
	default:
		return false;
	}
}

/* Whether the instruction at @code, which is to be executed next, is known here. */
static inline bool rpb_decode(const u8 *code, const struct rpb_regs *regs,
			      struct rpb_step *step)
{
	bool locked = false, repeated = false, word = false, known;
	const u8 *start = code;
	struct rpb_form form = {};
	u32 operand, reg;
	u64 segment = 0;
	u8 rex = 0, op;

	memset(step, 0, sizeof(*step));
	for (;; code++) {
		switch (*code) {
		case 0x26: case 0x2e: case 0x36: case 0x3e:
			continue;
		case 0x64:
			segment = regs->fs;
			continue;
		case 0x65:
			segment = regs->gs;
			continue;
		case 0x66:
			word = true;
			continue;
		case 0xf0:
			locked = true;
			continue;
		case 0xf2: case 0xf3:
			repeated = true;
			continue;
		}
		break;
	}
	if ((*code & 0xf0) == 0x40)
		rex = *code++;
	operand = rex & 8 ? 8 : word ? 2 : 4;
	form.bytes = operand;
	op = *code++;
	if (op == 0x0f) {
		op = *code++;
		reg = *code >> 3 & 7;
		known = rpb_long_form(op, reg, operand, &form);
	} else {
		if (op >= 0xa4 && op <= 0xaf && op != 0xa8 && op != 0xa9)
			return rpb_string(op, operand, repeated, regs, step);
		reg = *code >> 3 & 7;
		known = rpb_short_form(op, reg, operand, &form);
		/* An exchange with memory is locked without being told. */
		locked |= (op & ~1) == 0x86 && *code < 0xc0;
	}
	if (!known)
		return false;
	step->locked = locked;
	if (form.bare || !form.kind || *code >= 0xc0)
		return true;
	step->access[0].addr = segment +
		rpb_address(code, rex, form.immediate, regs->ip + (code + 1 - start), regs);
	step->access[0].bytes = form.bytes;
	step->access[0].kind = form.kind;
	step->count = 1;
	return true;
}

/*
 * Stores that a processor may not have written to its cache yet, as many as those have
 * room for that are in use: 56 (Skylake) to 112.
 */
#define RPB_PENDING	56
#define RPB_LINES	64
#define RPB_LINE	64

/* What a run of instructions comes to. */
struct rpb_tally {
	/* Accesses to the stack are not counted: the caller uses it anyway. */
	u64 stack, stack_end;
	/* Whether to count; else only the pending stores are noted. */
	bool counts;
	/* Where an instruction is that is not known here, or 0. */
	u64 unknown;
	u32 locked;
	/*
	 * Loads of bytes that a pending store wrote, but not of these alone. No processor
	 * forwards them: they wait until the store is written.
	 */
	u32 stalls;
	u32 lines, stored;
	u64 line[RPB_LINES];
	bool is_stored[RPB_LINES];
	u32 pending;
	struct rpb_access store[RPB_PENDING];
};

static inline void rpb_line(struct rpb_tally *tally, u64 line, bool stores)
{
	u32 i;

	for (i = 0; i < tally->lines && tally->line[i] != line; i++)
		;
	if (i == RPB_LINES)
		return;
	if (i == tally->lines) {
		tally->line[i] = line;
		tally->is_stored[i] = false;
		tally->lines++;
	}
	if (stores && !tally->is_stored[i]) {
		tally->is_stored[i] = true;
		tally->stored++;
	}
}

/* Whether a load gets neither all bytes from one pending store, nor all from the cache. */
static inline bool rpb_stalls(const struct rpb_tally *tally, const struct rpb_access *load)
{
	u32 i;

	for (i = tally->pending; i-- > 0 && tally->pending - i <= RPB_PENDING;) {
		const struct rpb_access *store = &tally->store[i % RPB_PENDING];

		if (load->addr >= store->addr + store->bytes ||
		    store->addr >= load->addr + load->bytes)
			continue;
		return load->addr < store->addr ||
		       load->addr + load->bytes > store->addr + store->bytes;
	}
	return false;
}

/* Adds the instruction at @code, which is to be executed next. */
static inline void rpb_tally_step(struct rpb_tally *tally, const u8 *code,
				  const struct rpb_regs *regs)
{
	struct rpb_step step;
	u64 line;
	u32 i;

	if (!rpb_decode(code, regs, &step)) {
		if (!tally->unknown)
			tally->unknown = regs->ip;
		return;
	}
	tally->locked += tally->counts && step.locked;
	for (i = 0; i < step.count; i++) {
		const struct rpb_access *access = &step.access[i];

		if (access->addr >= tally->stack && access->addr < tally->stack_end)
			continue;
		if (tally->counts) {
			if (access->kind & RPB_LOAD)
				tally->stalls += rpb_stalls(tally, access);
			for (line = access->addr / RPB_LINE;
			     line <= (access->addr + access->bytes - 1) / RPB_LINE; line++)
				rpb_line(tally, line, access->kind & RPB_STORE);
		}
		if (access->kind & RPB_STORE)
			tally->store[tally->pending++ % RPB_PENDING] = *access;
	}
	/* A locked instruction waits until all stores are written. */
	if (step.locked)
		tally->pending = 0;
}

#endif /* RP_BENCH_STEPS_H */
