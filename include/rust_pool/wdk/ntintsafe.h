/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arithmetic on sizes that says when a result does not fit, under the names of the WDK's
 * ntintsafe.h.
 */
#ifndef _RUST_POOL_WDK_NTINTSAFE_H
#define _RUST_POOL_WDK_NTINTSAFE_H

#include <linux/overflow.h>

#include "ntdef.h"
#include "ntstatus.h"

/* @Result as a pointer to @Type, if what it points to has that size. */
#define RUST_POOL_RESULT(Type, Result) \
({ \
	static_assert(sizeof(*(Result)) == sizeof(Type)); \
	(Type *)(Result); \
})

/**
 * DOC: Sums, differences and products
 *
 * As in the WDK: STATUS_INTEGER_OVERFLOW, and the highest value as the result, if the
 * result does not fit. Context: any.
 */
#define RUST_POOL_SAFE(Name, Type, Operation)				\
static inline __must_check NTSTATUS Name(Type Left, Type Right,	\
					 Type *Result)			\
{									\
	if (!check_##Operation##_overflow(Left, Right, Result))		\
		return STATUS_SUCCESS;					\
	*Result = (Type)-1;						\
	return STATUS_INTEGER_OVERFLOW;					\
}

#define RUST_POOL_SAFE_TYPE(Prefix, Type)				\
	RUST_POOL_SAFE(Prefix##Add, Type, add)				\
	RUST_POOL_SAFE(Prefix##Sub, Type, sub)				\
	RUST_POOL_SAFE(Prefix##Mult, Type, mul)

RUST_POOL_SAFE_TYPE(RtlUShort, USHORT)
RUST_POOL_SAFE_TYPE(RtlUInt, UINT)
RUST_POOL_SAFE_TYPE(RtlULong, ULONG)
RUST_POOL_SAFE_TYPE(RtlULongLong, ULONGLONG)
RUST_POOL_SAFE_TYPE(RtlULongPtr, ULONG_PTR)
RUST_POOL_SAFE_TYPE(RtlSIZET, SIZE_T)

/* The result may be any integer of 64 bits. */
#define RtlULongLongAdd(Left, Right, Result) \
	RtlULongLongAdd(Left, Right, RUST_POOL_RESULT(ULONGLONG, Result))
#define RtlULongLongSub(Left, Right, Result) \
	RtlULongLongSub(Left, Right, RUST_POOL_RESULT(ULONGLONG, Result))
#define RtlULongLongMult(Left, Right, Result) \
	RtlULongLongMult(Left, Right, RUST_POOL_RESULT(ULONGLONG, Result))
#define RtlULongPtrAdd(Left, Right, Result) \
	RtlULongPtrAdd(Left, Right, RUST_POOL_RESULT(ULONG_PTR, Result))
#define RtlULongPtrSub(Left, Right, Result) \
	RtlULongPtrSub(Left, Right, RUST_POOL_RESULT(ULONG_PTR, Result))
#define RtlULongPtrMult(Left, Right, Result) \
	RtlULongPtrMult(Left, Right, RUST_POOL_RESULT(ULONG_PTR, Result))
#define RtlSIZETAdd(Left, Right, Result) \
	RtlSIZETAdd(Left, Right, RUST_POOL_RESULT(SIZE_T, Result))
#define RtlSIZETSub(Left, Right, Result) \
	RtlSIZETSub(Left, Right, RUST_POOL_RESULT(SIZE_T, Result))
#define RtlSIZETMult(Left, Right, Result) \
	RtlSIZETMult(Left, Right, RUST_POOL_RESULT(SIZE_T, Result))
#define RtlSizeTAdd		RtlSIZETAdd
#define RtlSizeTSub		RtlSIZETSub
#define RtlSizeTMult		RtlSIZETMult

/* A value as one of a shorter type; the same if it does not fit. */
#define RUST_POOL_SAFE_CONVERSION(Name, From, To)			\
static inline __must_check NTSTATUS Name(From Value, To *Result)	\
{									\
	if (!overflows_type(Value, *Result)) {				\
		*Result = (To)Value;					\
		return STATUS_SUCCESS;					\
	}								\
	*Result = (To)-1;						\
	return STATUS_INTEGER_OVERFLOW;					\
}

RUST_POOL_SAFE_CONVERSION(RtlULongToUShort, ULONG, USHORT)
RUST_POOL_SAFE_CONVERSION(RtlSIZETToUShort, SIZE_T, USHORT)
RUST_POOL_SAFE_CONVERSION(RtlSIZETToULong, SIZE_T, ULONG)
RUST_POOL_SAFE_CONVERSION(RtlULongLongToULong, ULONGLONG, ULONG)
RUST_POOL_SAFE_CONVERSION(RtlULongPtrToULong, ULONG_PTR, ULONG)

#define RtlSizeTToUShort	RtlSIZETToUShort
#define RtlSizeTToULong		RtlSIZETToULong

#endif /* _RUST_POOL_WDK_NTINTSAFE_H */
