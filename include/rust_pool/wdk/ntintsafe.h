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
 * As in the WDK: STATUS_INTEGER_OVERFLOW if the result does not fit, and as the result all bits
 * set, which is the highest value of a type without sign, and -1 of one with. Results of 64
 * bits may be of any type that has so many. Context: any.
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

RUST_POOL_SAFE_TYPE(RtlInt8, INT8)
RUST_POOL_SAFE_TYPE(RtlUInt8, UINT8)
RUST_POOL_SAFE_TYPE(RtlShort, SHORT)
RUST_POOL_SAFE_TYPE(RtlUShort, USHORT)
RUST_POOL_SAFE_TYPE(RtlInt, INT)
RUST_POOL_SAFE_TYPE(RtlUInt, UINT)
RUST_POOL_SAFE_TYPE(RtlLong, LONG)
RUST_POOL_SAFE_TYPE(RtlULong, ULONG)
RUST_POOL_SAFE_TYPE(RtlLongLong, LONGLONG)
RUST_POOL_SAFE_TYPE(RtlULongLong, ULONGLONG)

#define RtlLongLongAdd(Left, Right, Result) \
	RtlLongLongAdd(Left, Right, RUST_POOL_RESULT(LONGLONG, Result))
#define RtlLongLongSub(Left, Right, Result) \
	RtlLongLongSub(Left, Right, RUST_POOL_RESULT(LONGLONG, Result))
#define RtlLongLongMult(Left, Right, Result) \
	RtlLongLongMult(Left, Right, RUST_POOL_RESULT(LONGLONG, Result))
#define RtlULongLongAdd(Left, Right, Result) \
	RtlULongLongAdd(Left, Right, RUST_POOL_RESULT(ULONGLONG, Result))
#define RtlULongLongSub(Left, Right, Result) \
	RtlULongLongSub(Left, Right, RUST_POOL_RESULT(ULONGLONG, Result))
#define RtlULongLongMult(Left, Right, Result) \
	RtlULongLongMult(Left, Right, RUST_POOL_RESULT(ULONGLONG, Result))

/* Other names of the same types. */
#define RtlUInt16Add		RtlUShortAdd
#define RtlUInt16Sub		RtlUShortSub
#define RtlUInt16Mult		RtlUShortMult
#define RtlWordAdd		RtlUShortAdd
#define RtlWordSub		RtlUShortSub
#define RtlWordMult		RtlUShortMult
#define RtlByteAdd		RtlUInt8Add
#define RtlByteSub		RtlUInt8Sub
#define RtlByteMult		RtlUInt8Mult
#define RtlInt16Add		RtlShortAdd
#define RtlInt16Sub		RtlShortSub
#define RtlInt16Mult		RtlShortMult
#define RtlInt32Add		RtlIntAdd
#define RtlInt32Sub		RtlIntSub
#define RtlInt32Mult		RtlIntMult
#define RtlUInt32Add		RtlUIntAdd
#define RtlUInt32Sub		RtlUIntSub
#define RtlUInt32Mult		RtlUIntMult
#define RtlDWordAdd		RtlULongAdd
#define RtlDWordSub		RtlULongSub
#define RtlDWordMult		RtlULongMult
#define RtlInt64Add		RtlLongLongAdd
#define RtlInt64Sub		RtlLongLongSub
#define RtlInt64Mult		RtlLongLongMult
#define RtlUInt64Add		RtlULongLongAdd
#define RtlUInt64Sub		RtlULongLongSub
#define RtlUInt64Mult		RtlULongLongMult
#define RtlLong64Add		RtlLongLongAdd
#define RtlLong64Sub		RtlLongLongSub
#define RtlLong64Mult		RtlLongLongMult
#define RtlULong64Add		RtlULongLongAdd
#define RtlULong64Sub		RtlULongLongSub
#define RtlULong64Mult		RtlULongLongMult
#define RtlDWordLongAdd		RtlULongLongAdd
#define RtlDWordLongSub		RtlULongLongSub
#define RtlDWordLongMult	RtlULongLongMult
#define RtlIntPtrAdd		RtlLongLongAdd
#define RtlIntPtrSub		RtlLongLongSub
#define RtlIntPtrMult		RtlLongLongMult
#define RtlUIntPtrAdd		RtlULongLongAdd
#define RtlUIntPtrSub		RtlULongLongSub
#define RtlUIntPtrMult		RtlULongLongMult
#define RtlLongPtrAdd		RtlLongLongAdd
#define RtlLongPtrSub		RtlLongLongSub
#define RtlLongPtrMult		RtlLongLongMult
#define RtlULongPtrAdd		RtlULongLongAdd
#define RtlULongPtrSub		RtlULongLongSub
#define RtlULongPtrMult		RtlULongLongMult
#define RtlDWordPtrAdd		RtlULongLongAdd
#define RtlDWordPtrSub		RtlULongLongSub
#define RtlDWordPtrMult		RtlULongLongMult
#define RtlPtrdiffTAdd		RtlLongLongAdd
#define RtlPtrdiffTSub		RtlLongLongSub
#define RtlPtrdiffTMult		RtlLongLongMult
#define RtlSSIZETAdd		RtlLongLongAdd
#define RtlSSIZETSub		RtlLongLongSub
#define RtlSSIZETMult		RtlLongLongMult
#define RtlSIZETAdd		RtlULongLongAdd
#define RtlSIZETSub		RtlULongLongSub
#define RtlSIZETMult		RtlULongLongMult
#define RtlSizeTAdd		RtlULongLongAdd
#define RtlSizeTSub		RtlULongLongSub
#define RtlSizeTMult		RtlULongLongMult

/* A value as one of another type; all bits set if it does not fit. */
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

RUST_POOL_SAFE_CONVERSION(RtlInt8ToUInt8, INT8, UINT8)
RUST_POOL_SAFE_CONVERSION(RtlInt8ToUChar, INT8, UCHAR)
RUST_POOL_SAFE_CONVERSION(RtlInt8ToUShort, INT8, USHORT)
RUST_POOL_SAFE_CONVERSION(RtlInt8ToUInt, INT8, UINT)
RUST_POOL_SAFE_CONVERSION(RtlInt8ToULong, INT8, ULONG)
RUST_POOL_SAFE_CONVERSION(RtlInt8ToULongLong, INT8, ULONGLONG)
RUST_POOL_SAFE_CONVERSION(RtlUInt8ToInt8, UINT8, INT8)
RUST_POOL_SAFE_CONVERSION(RtlUCharToInt8, UCHAR, INT8)
RUST_POOL_SAFE_CONVERSION(RtlShortToInt8, SHORT, INT8)
RUST_POOL_SAFE_CONVERSION(RtlShortToUInt8, SHORT, UINT8)
RUST_POOL_SAFE_CONVERSION(RtlShortToUChar, SHORT, UCHAR)
RUST_POOL_SAFE_CONVERSION(RtlShortToUShort, SHORT, USHORT)
RUST_POOL_SAFE_CONVERSION(RtlShortToUInt, SHORT, UINT)
RUST_POOL_SAFE_CONVERSION(RtlShortToULong, SHORT, ULONG)
RUST_POOL_SAFE_CONVERSION(RtlShortToULongLong, SHORT, ULONGLONG)
RUST_POOL_SAFE_CONVERSION(RtlUShortToInt8, USHORT, INT8)
RUST_POOL_SAFE_CONVERSION(RtlUShortToUInt8, USHORT, UINT8)
RUST_POOL_SAFE_CONVERSION(RtlUShortToUChar, USHORT, UCHAR)
RUST_POOL_SAFE_CONVERSION(RtlUShortToShort, USHORT, SHORT)
RUST_POOL_SAFE_CONVERSION(RtlIntToInt8, INT, INT8)
RUST_POOL_SAFE_CONVERSION(RtlIntToUInt8, INT, UINT8)
RUST_POOL_SAFE_CONVERSION(RtlIntToUChar, INT, UCHAR)
RUST_POOL_SAFE_CONVERSION(RtlIntToShort, INT, SHORT)
RUST_POOL_SAFE_CONVERSION(RtlIntToUShort, INT, USHORT)
RUST_POOL_SAFE_CONVERSION(RtlIntToUInt, INT, UINT)
RUST_POOL_SAFE_CONVERSION(RtlIntToULong, INT, ULONG)
RUST_POOL_SAFE_CONVERSION(RtlIntToULongLong, INT, ULONGLONG)
RUST_POOL_SAFE_CONVERSION(RtlUIntToInt8, UINT, INT8)
RUST_POOL_SAFE_CONVERSION(RtlUIntToUInt8, UINT, UINT8)
RUST_POOL_SAFE_CONVERSION(RtlUIntToUChar, UINT, UCHAR)
RUST_POOL_SAFE_CONVERSION(RtlUIntToShort, UINT, SHORT)
RUST_POOL_SAFE_CONVERSION(RtlUIntToUShort, UINT, USHORT)
RUST_POOL_SAFE_CONVERSION(RtlUIntToInt, UINT, INT)
RUST_POOL_SAFE_CONVERSION(RtlUIntToLong, UINT, LONG)
RUST_POOL_SAFE_CONVERSION(RtlLongToInt8, LONG, INT8)
RUST_POOL_SAFE_CONVERSION(RtlLongToUInt8, LONG, UINT8)
RUST_POOL_SAFE_CONVERSION(RtlLongToUChar, LONG, UCHAR)
RUST_POOL_SAFE_CONVERSION(RtlLongToShort, LONG, SHORT)
RUST_POOL_SAFE_CONVERSION(RtlLongToUShort, LONG, USHORT)
RUST_POOL_SAFE_CONVERSION(RtlLongToUInt, LONG, UINT)
RUST_POOL_SAFE_CONVERSION(RtlLongToULong, LONG, ULONG)
RUST_POOL_SAFE_CONVERSION(RtlLongToULongLong, LONG, ULONGLONG)
RUST_POOL_SAFE_CONVERSION(RtlULongToInt8, ULONG, INT8)
RUST_POOL_SAFE_CONVERSION(RtlULongToUInt8, ULONG, UINT8)
RUST_POOL_SAFE_CONVERSION(RtlULongToUChar, ULONG, UCHAR)
RUST_POOL_SAFE_CONVERSION(RtlULongToShort, ULONG, SHORT)
RUST_POOL_SAFE_CONVERSION(RtlULongToUShort, ULONG, USHORT)
RUST_POOL_SAFE_CONVERSION(RtlULongToInt, ULONG, INT)
RUST_POOL_SAFE_CONVERSION(RtlULongToLong, ULONG, LONG)
RUST_POOL_SAFE_CONVERSION(RtlLongLongToInt8, LONGLONG, INT8)
RUST_POOL_SAFE_CONVERSION(RtlLongLongToUInt8, LONGLONG, UINT8)
RUST_POOL_SAFE_CONVERSION(RtlLongLongToUChar, LONGLONG, UCHAR)
RUST_POOL_SAFE_CONVERSION(RtlLongLongToShort, LONGLONG, SHORT)
RUST_POOL_SAFE_CONVERSION(RtlLongLongToUShort, LONGLONG, USHORT)
RUST_POOL_SAFE_CONVERSION(RtlLongLongToInt, LONGLONG, INT)
RUST_POOL_SAFE_CONVERSION(RtlLongLongToUInt, LONGLONG, UINT)
RUST_POOL_SAFE_CONVERSION(RtlLongLongToLong, LONGLONG, LONG)
RUST_POOL_SAFE_CONVERSION(RtlLongLongToULong, LONGLONG, ULONG)
RUST_POOL_SAFE_CONVERSION(RtlLongLongToULongLong, LONGLONG, ULONGLONG)
RUST_POOL_SAFE_CONVERSION(RtlULongLongToInt8, ULONGLONG, INT8)
RUST_POOL_SAFE_CONVERSION(RtlULongLongToUInt8, ULONGLONG, UINT8)
RUST_POOL_SAFE_CONVERSION(RtlULongLongToUChar, ULONGLONG, UCHAR)
RUST_POOL_SAFE_CONVERSION(RtlULongLongToShort, ULONGLONG, SHORT)
RUST_POOL_SAFE_CONVERSION(RtlULongLongToUShort, ULONGLONG, USHORT)
RUST_POOL_SAFE_CONVERSION(RtlULongLongToInt, ULONGLONG, INT)
RUST_POOL_SAFE_CONVERSION(RtlULongLongToUInt, ULONGLONG, UINT)
RUST_POOL_SAFE_CONVERSION(RtlULongLongToLong, ULONGLONG, LONG)
RUST_POOL_SAFE_CONVERSION(RtlULongLongToULong, ULONGLONG, ULONG)
RUST_POOL_SAFE_CONVERSION(RtlULongLongToLongLong, ULONGLONG, LONGLONG)

#define RtlInt8ToULongLong(Value, Result) \
	RtlInt8ToULongLong(Value, RUST_POOL_RESULT(ULONGLONG, Result))
#define RtlShortToULongLong(Value, Result) \
	RtlShortToULongLong(Value, RUST_POOL_RESULT(ULONGLONG, Result))
#define RtlIntToULongLong(Value, Result) \
	RtlIntToULongLong(Value, RUST_POOL_RESULT(ULONGLONG, Result))
#define RtlLongToULongLong(Value, Result) \
	RtlLongToULongLong(Value, RUST_POOL_RESULT(ULONGLONG, Result))
#define RtlLongLongToULongLong(Value, Result) \
	RtlLongLongToULongLong(Value, RUST_POOL_RESULT(ULONGLONG, Result))
#define RtlULongLongToLongLong(Value, Result) \
	RtlULongLongToLongLong(Value, RUST_POOL_RESULT(LONGLONG, Result))

/* Nothing can fail here. */
static inline __must_check NTSTATUS RtlULongLongToULongPtr(ULONGLONG Value,
							   PULONG_PTR Result)
{
	*Result = Value;
	return STATUS_SUCCESS;
}

#define RtlULongLongToULongPtr(Value, Result) \
	RtlULongLongToULongPtr(Value, RUST_POOL_RESULT(ULONG_PTR, Result))
#define RtlULongLongToSIZET	RtlULongLongToULongPtr
#define RtlULongLongToSizeT	RtlULongLongToULongPtr

#define RtlLongPtrToInt8	RtlLongLongToInt8
#define RtlLongPtrToUInt8	RtlLongLongToUInt8
#define RtlLongPtrToUChar	RtlLongLongToUChar
#define RtlLongPtrToShort	RtlLongLongToShort
#define RtlLongPtrToUShort	RtlLongLongToUShort
#define RtlLongPtrToInt		RtlLongLongToInt
#define RtlLongPtrToUInt	RtlLongLongToUInt
#define RtlLongPtrToLong	RtlLongLongToLong
#define RtlLongPtrToULong	RtlLongLongToULong
#define RtlULongPtrToInt8	RtlULongLongToInt8
#define RtlULongPtrToUInt8	RtlULongLongToUInt8
#define RtlULongPtrToUChar	RtlULongLongToUChar
#define RtlULongPtrToShort	RtlULongLongToShort
#define RtlULongPtrToUShort	RtlULongLongToUShort
#define RtlULongPtrToInt	RtlULongLongToInt
#define RtlULongPtrToUInt	RtlULongLongToUInt
#define RtlULongPtrToLong	RtlULongLongToLong
#define RtlULongPtrToULong	RtlULongLongToULong
#define RtlSIZETToInt8		RtlULongLongToInt8
#define RtlSIZETToUInt8		RtlULongLongToUInt8
#define RtlSIZETToUChar		RtlULongLongToUChar
#define RtlSIZETToShort		RtlULongLongToShort
#define RtlSIZETToUShort	RtlULongLongToUShort
#define RtlSIZETToInt		RtlULongLongToInt
#define RtlSIZETToUInt		RtlULongLongToUInt
#define RtlSIZETToLong		RtlULongLongToLong
#define RtlSIZETToULong		RtlULongLongToULong
#define RtlSizeTToInt8		RtlULongLongToInt8
#define RtlSizeTToUInt8		RtlULongLongToUInt8
#define RtlSizeTToUChar		RtlULongLongToUChar
#define RtlSizeTToShort		RtlULongLongToShort
#define RtlSizeTToUShort	RtlULongLongToUShort
#define RtlSizeTToInt		RtlULongLongToInt
#define RtlSizeTToUInt		RtlULongLongToUInt
#define RtlSizeTToLong		RtlULongLongToLong
#define RtlSizeTToULong		RtlULongLongToULong
#define RtlPtrdiffTToInt8	RtlLongLongToInt8
#define RtlPtrdiffTToUInt8	RtlLongLongToUInt8
#define RtlPtrdiffTToUChar	RtlLongLongToUChar
#define RtlPtrdiffTToShort	RtlLongLongToShort
#define RtlPtrdiffTToUShort	RtlLongLongToUShort
#define RtlPtrdiffTToInt	RtlLongLongToInt
#define RtlPtrdiffTToUInt	RtlLongLongToUInt
#define RtlPtrdiffTToLong	RtlLongLongToLong
#define RtlPtrdiffTToULong	RtlLongLongToULong
#define RtlInt8ToULongPtr	RtlInt8ToULongLong
#define RtlShortToULongPtr	RtlShortToULongLong
#define RtlIntToULongPtr	RtlIntToULongLong
#define RtlLongToULongPtr	RtlLongToULongLong
#define RtlInt8ToSIZET		RtlInt8ToULongLong
#define RtlShortToSIZET		RtlShortToULongLong
#define RtlIntToSIZET		RtlIntToULongLong
#define RtlLongToSIZET		RtlLongToULongLong
#define RtlInt8ToSizeT		RtlInt8ToULongLong
#define RtlShortToSizeT		RtlShortToULongLong
#define RtlIntToSizeT		RtlIntToULongLong
#define RtlLongToSizeT		RtlLongToULongLong
#define RtlLongPtrToULongPtr	RtlLongLongToULongLong
#define RtlULongPtrToLongPtr	RtlULongLongToLongLong
#define RtlLongLongToUInt16	RtlLongLongToUShort
#define RtlLongLongToUInt32	RtlLongLongToUInt
#define RtlULongLongToUInt16	RtlULongLongToUShort
#define RtlULongLongToUInt32	RtlULongLongToUInt
#define RtlSIZETToUInt16	RtlSIZETToUShort
#define RtlSIZETToUInt32	RtlSIZETToUInt
#define RtlSizeTToUInt16	RtlSizeTToUShort
#define RtlSizeTToUInt32	RtlSizeTToUInt
#define RtlULongPtrToUInt16	RtlULongPtrToUShort
#define RtlULongPtrToUInt32	RtlULongPtrToUInt
#define RtlULongToUInt16	RtlULongToUShort
#define RtlUIntToUInt16		RtlUIntToUShort
#define RtlUInt64ToUInt32	RtlULongLongToUInt

#endif /* _RUST_POOL_WDK_NTINTSAFE_H */
