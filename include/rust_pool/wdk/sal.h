/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Annotations for Microsoft's analysers, which nobody reads here: they expand to nothing, but
 * for __fallthrough. On Windows they are in sal.h, concurrencysal.h, driverspecs.h and
 * specstrings.h.
 */
#ifndef _RUST_POOL_WDK_SAL_H
#define _RUST_POOL_WDK_SAL_H

/* Parameters, results, fields and functions */

#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _In_reads_(n)
#define _In_reads_opt_(n)
#define _In_reads_z_(n)
#define _In_reads_bytes_(n)
#define _In_reads_bytes_opt_(n)
#define _In_reads_to_ptr_(p)
#define _In_range_(low, high)
#define _In_bytecount_(n)
#define _In_count_(n)
#define _Out_
#define _Out_opt_
#define _Out_writes_(n)
#define _Out_writes_opt_(n)
#define _Out_writes_z_(n)
#define _Out_writes_all_(n)
#define _Out_writes_bytes_(n)
#define _Out_writes_bytes_opt_(n)
#define _Out_writes_bytes_all_(n)
#define _Out_writes_bytes_to_(n, m)
#define _Out_writes_bytes_to_opt_(n, m)
#define _Out_writes_to_(n, m)
#define _Out_range_(low, high)
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Outptr_opt_result_maybenull_
#define _Outptr_result_nullonfailure_
#define _Outptr_result_buffer_(n)
#define _Outptr_result_bytebuffer_(n)
#define _Outptr_result_bytebuffer_maybenull_(n)
#define _Inout_
#define _Inout_opt_
#define _Inout_z_
#define _Inout_updates_(n)
#define _Inout_updates_opt_(n)
#define _Inout_updates_bytes_(n)
#define _Inout_updates_bytes_opt_(n)
#define _Inout_updates_bytes_to_(n, m)
#define _Inout_updates_all_(n)
#define _Deref_out_
#define _Deref_out_opt_
#define _Deref_inout_
#define _Deref_in_
#define _Field_size_(n)
#define _Field_size_opt_(n)
#define _Field_size_bytes_(n)
#define _Field_size_bytes_opt_(n)
#define _Field_size_part_(n, m)
#define _Field_range_(low, high)
#define _Field_z_
#define _Struct_size_bytes_(n)
#define _Null_terminated_
#define _NullNull_terminated_
#define _Readable_bytes_(n)
#define _Writable_bytes_(n)
#define _Pre_
#define _Pre_valid_
#define _Pre_notnull_
#define _Pre_maybenull_
#define _Pre_satisfies_(condition)
#define _Pre_defensive_
#define _Pre_unknown_
#define _Pre_opt_valid_
#define _Post_
#define _Post_valid_
#define _Post_invalid_
#define _Post_notnull_
#define _Post_maybenull_
#define _Post_ptr_invalid_
#define _Post_satisfies_(condition)
#define _Post_writable_byte_size_(n)
#define _Post_readable_byte_size_(n)
#define _Post_equals_last_error_
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Ret_null_
#define _Ret_valid_
#define _Ret_z_
#define _Ret_range_(low, high)
#define _Ret_writes_bytes_(n)
#define _Ret_writes_bytes_maybenull_(n)
#define _Check_return_
#define _Must_inspect_result_
#define _Result_nullonfailure_
#define _Result_zeroonfailure_
#define _Return_type_success_(condition)
#define _Success_(condition)
#define _On_failure_(annotation)
#define _Always_(annotation)
#define _When_(condition, annotation)
#define _At_(target, annotation)
#define _At_buffer_(target, i, n, annotation)
#define _Group_(annotation)
#define _Analysis_assume_(condition)
#define __analysis_assume(condition)
#define _Analysis_noreturn_
#define _Notnull_
#define _Maybenull_
#define _Notliteral_
#define _Literal_
#define _Const_
#define _Reserved_
#define _Write_guarded_by_(lock)
#define _Use_decl_annotations_
#define _Function_class_(class)
#define _Called_from_function_class_(class)
#define _Dispatch_type_(type)
#define _Printf_format_string_
#define _Prefast_operator_new_
#define _Strict_type_match_
#define _Frees_ptr_
#define _Frees_ptr_opt_
#define _In_opt_count_(n)
#define _In_opt_bytecount_(n)
#define _In_count_c_(n)
#define _In_count_x_(n)
#define _In_bytecount_c_(n)
#define _In_bytecount_x_(n)
#define _In_reads_opt_z_(n)
#define _In_reads_or_z_(n)
#define _In_reads_or_z_opt_(n)
#define _In_reads_to_ptr_opt_(p)
#define _In_reads_to_ptr_z_(p)
#define _In_reads_to_ptr_opt_z_(p)
#define _Out_writes_opt_z_(n)
#define _Out_writes_all_opt_(n)
#define _Out_writes_to_opt_(n, m)
#define _Out_writes_to_ptr_(p)
#define _Out_writes_to_ptr_opt_(p)
#define _Out_writes_to_ptr_z_(p)
#define _Out_writes_bytes_all_opt_(n)
#define _Out_cap_(n)
#define _Out_opt_cap_(n)
#define _Out_cap_c_(n)
#define _Out_cap_x_(n)
#define _Out_cap_post_count_(n, m)
#define _Out_bytecap_(n)
#define _Out_opt_bytecap_(n)
#define _Out_bytecap_c_(n)
#define _Out_bytecap_x_(n)
#define _Out_bytecap_post_bytecount_(n, m)
#define _Out_z_cap_(n)
#define _Out_z_bytecap_(n)
#define _Outptr_result_z_
#define _Outptr_result_maybenull_z_
#define _Outptr_opt_result_z_
#define _Outptr_opt_result_nullonfailure_
#define _Outptr_result_buffer_to_(n, m)
#define _Outptr_result_buffer_all_(n)
#define _Outptr_result_buffer_maybenull_(n)
#define _Outptr_opt_result_buffer_(n)
#define _Outptr_result_bytebuffer_to_(n, m)
#define _Outptr_result_bytebuffer_all_(n)
#define _Outptr_opt_result_bytebuffer_(n)
#define _Outptr_opt_result_bytebuffer_maybenull_(n)
#define _COM_Outptr_
#define _COM_Outptr_opt_
#define _COM_Outptr_result_maybenull_
#define _Inout_opt_z_
#define _Inout_updates_z_(n)
#define _Inout_updates_opt_z_(n)
#define _Inout_updates_to_(n, m)
#define _Inout_updates_to_opt_(n, m)
#define _Inout_updates_all_opt_(n)
#define _Inout_updates_bytes_all_(n)
#define _Inout_updates_bytes_all_opt_(n)
#define _Inout_updates_bytes_to_opt_(n, m)
#define _Inout_count_(n)
#define _Inout_bytecount_(n)
#define _Inout_cap_(n)
#define _Inout_bytecap_(n)
#define _Deref_
#define _Deref_in_range_(low, high)
#define _Deref_out_range_(low, high)
#define _Deref_out_z_
#define _Deref_inout_opt_
#define _Deref_opt_out_
#define _Deref_opt_out_opt_
#define _Deref_pre_maybenull_
#define _Deref_post_maybenull_
#define _Deref_post_notnull_
#define _Deref_post_null_
#define _Deref_post_opt_valid_
#define _Deref_post_valid_
#define _Field_size_part_opt_(n, m)
#define _Field_size_full_(n)
#define _Field_size_full_opt_(n)
#define _Field_size_bytes_part_(n, m)
#define _Field_size_bytes_part_opt_(n, m)
#define _Field_size_bytes_full_(n)
#define _Field_size_bytes_full_opt_(n)
#define _Null_
#define _Valid_
#define _Notvalid_
#define _Maybevalid_
#define _Points_to_data_
#define _Unchanged_(value)
#define _Readable_elements_(n)
#define _Writable_elements_(n)
#define _Pre_null_
#define _Pre_invalid_
#define _Pre_z_
#define _Pre_equal_to_(value)
#define _Pre_readable_size_(n)
#define _Pre_readable_byte_size_(n)
#define _Pre_writable_size_(n)
#define _Pre_writable_byte_size_(n)
#define _Pre_count_(n)
#define _Pre_bytecount_(n)
#define _Pre_cap_(n)
#define _Pre_bytecap_(n)
#define _Post_null_
#define _Post_z_
#define _Post_equal_to_(value)
#define _Post_readable_size_(n)
#define _Post_writable_size_(n)
#define _Post_count_(n)
#define _Post_bytecount_(n)
#define _Ret_opt_
#define _Ret_maybenull_z_
#define _Ret_count_(n)
#define _Ret_bytecount_(n)
#define _Ret_cap_(n)
#define _Ret_bytecap_(n)
#define _Ret_writes_(n)
#define _Ret_writes_z_(n)
#define _Ret_writes_maybenull_(n)
#define _Ret_writes_to_(n, m)
#define _Ret_writes_to_maybenull_(n, m)
#define _Ret_writes_bytes_to_(n, m)
#define _Ret_writes_bytes_to_maybenull_(n, m)
#define _Scanf_format_string_
#define _Raises_SEH_exception_
#define _Maybe_raises_SEH_exception_
#define _Unreferenced_parameter_
#define _Inexpressible_(what)
#define _Analysis_mode_(mode)
#define _Analysis_assume_nullterminated_(string)
#define __analysis_hint(hint)
#define __analysis_noreturn

/* Locks, IRQLs and what the kernel has else */

#define _Interlocked_
#define _Interlocked_operand_
#define _Guarded_by_(lock)
#define _Has_lock_kind_(kind)
#define _Has_lock_level_(level)
#define _Requires_lock_held_(lock)
#define _Requires_lock_not_held_(lock)
#define _Requires_exclusive_lock_held_(lock)
#define _Requires_shared_lock_held_(lock)
#define _Requires_no_locks_held_
#define _Acquires_lock_(lock)
#define _Acquires_exclusive_lock_(lock)
#define _Acquires_shared_lock_(lock)
#define _Releases_lock_(lock)
#define _Releases_exclusive_lock_(lock)
#define _Releases_shared_lock_(lock)
#define _Create_lock_level_(level)
#define _Kernel_clear_do_init_(yes)
#define _Kernel_float_saved_
#define _Kernel_float_restored_
#define _Kernel_float_used_
#define _Kernel_entry_
#define _Kernel_requires_resource_held_(kind)
#define _Kernel_requires_resource_not_held_(kind)
#define _Kernel_acquires_resource_(kind)
#define _Kernel_releases_resource_(kind)
#define _IRQL_requires_(irql)
#define _IRQL_requires_max_(irql)
#define _IRQL_requires_min_(irql)
#define _IRQL_requires_same_
#define _IRQL_always_function_max_(irql)
#define _IRQL_always_function_min_(irql)
#define _IRQL_raises_(irql)
#define _IRQL_saves_
#define _IRQL_saves_global_(kind, param)
#define _IRQL_restores_
#define _IRQL_restores_global_(kind, param)
#define _IRQL_uses_cancel_
#define _IRQL_is_cancel_
#define _Post_same_lock_(one, other)
#define _Analysis_assume_lock_held_(lock)
#define _Analysis_assume_lock_acquired_(lock)
#define _Analysis_assume_lock_released_(lock)
#define _Analysis_assume_same_lock_(one, other)
#define _Analysis_suppress_lock_checking_(lock)
#define _Function_ignore_lock_checking_(lock)
#define _Lock_level_order_(low, high)
#define _Acquires_nonreentrant_lock_(lock)
#define _Releases_nonreentrant_lock_(lock)
#define _Acquires_spin_lock_(lock)
#define _Releases_spin_lock_(lock)
#define _Requires_spin_lock_held_(lock)
#define _Requires_spin_lock_not_held_(lock)
#define _IRQL_limited_to_(irql)
#define _Kernel_IoGetDmaAdapter_
#define _Kernel_entry_always_
#define _Kernel_acquires_resource_global_(kind, param)
#define _Kernel_releases_resource_global_(kind, param)

/* The older forms of these */

#define __drv_allocatesMem(kind)
#define __drv_freesMem(kind)
#define __drv_aliasesMem
#define __drv_strictType(type, mode)
#define __drv_strictTypeMatch(mode)
#define __drv_maxIRQL(irql)
#define __drv_minIRQL(irql)
#define __drv_requiresIRQL(irql)
#define __drv_sameIRQL
#define __drv_functionClass(class)
#define __drv_dispatchType(type)
#define __drv_when(condition, annotation)
#define __drv_at(target, annotation)
#define __drv_arg(target, annotation)
#define __drv_ret(annotation)
#define __drv_in(annotation)
#define __drv_out(annotation)
#define __drv_inTry
#define __drv_notInTry
#define __drv_mustHold(kind)
#define __drv_neverHold(kind)
#define __drv_reportError(why)
#define __drv_acquiresResource(kind)
#define __drv_acquiresResourceGlobal(kind, param)
#define __drv_acquiresExclusiveResource(kind)
#define __drv_acquiresExclusiveResourceGlobal(kind, param)
#define __drv_acquiresCriticalRegion
#define __drv_acquiresPriorityRegion
#define __drv_acquiresCancelSpinLock
#define __drv_releasesResource(kind)
#define __drv_releasesResourceGlobal(kind, param)
#define __drv_releasesExclusiveResource(kind)
#define __drv_releasesExclusiveResourceGlobal(kind, param)
#define __drv_releasesCriticalRegion
#define __drv_releasesPriorityRegion
#define __drv_releasesCancelSpinLock
#define __drv_mustHoldGlobal(kind, param)
#define __drv_mustHoldCriticalRegion
#define __drv_mustHoldPriorityRegion
#define __drv_mustHoldCancelSpinLock
#define __drv_neverHoldGlobal(kind, param)
#define __drv_neverHoldCriticalRegion
#define __drv_neverHoldPriorityRegion
#define __drv_neverHoldCancelSpinLock
#define __drv_holdsCancelSpinLock()
#define __drv_raisesIRQL(irql)
#define __drv_setsIRQL(irql)
#define __drv_savesIRQL
#define __drv_savesIRQLGlobal(kind, param)
#define __drv_restoresIRQL
#define __drv_restoresIRQLGlobal(kind, param)
#define __drv_maxFunctionIRQL(irql)
#define __drv_minFunctionIRQL(irql)
#define __drv_useCancelIRQL
#define __drv_isCancelIRQL
#define __drv_floatSaved
#define __drv_floatRestored
#define __drv_floatUsed
#define __drv_interlocked
#define __drv_clearDoInit(yes)
#define __drv_completionType(type)
#define __drv_callbackType(kind)
#define __drv_preferredFunction(function, why)
#define __drv_formatString(kind)
#define __drv_valueIs(values)
#define __drv_constant
#define __drv_nonConstant
#define __drv_notPointer
#define __drv_isObjectPointer
#define __drv_deref(annotation)
#define __drv_fun(annotation)
#define __drv_group(annotation)
#define __drv_in_deref(annotation)
#define __drv_out_deref(annotation)
#define __kernel_code
#define __kernel_driver
#define __user_code
#define __user_driver
#define __prefast_operator_new_null
#define __prefast_operator_new_throws

/*
 * The older forms of the first. Linux has a label by the name __out in wait_event() and its
 * relatives, so a file that uses those, too, has to undefine it. There is no __reserved:
 * structures of Linux have fields of that name.
 */

#define __in
#define __in_opt
#define __in_z
#define __in_z_opt
#define __in_ecount(n)
#define __in_ecount_opt(n)
#define __in_ecount_z(n)
#define __in_ecount_z_opt(n)
#define __in_bcount(n)
#define __in_bcount_opt(n)
#define __in_bcount_z(n)
#define __in_bcount_z_opt(n)
#define __in_xcount(n)
#define __in_xcount_opt(n)
#define __in_range(low, high)
#define __in_data_source(source)
#define __out
#define __out_opt
#define __out_z
#define __out_z_opt
#define __out_ecount(n)
#define __out_ecount_opt(n)
#define __out_ecount_z(n)
#define __out_ecount_z_opt(n)
#define __out_ecount_full(n)
#define __out_ecount_full_opt(n)
#define __out_ecount_part(n, m)
#define __out_ecount_part_opt(n, m)
#define __out_bcount(n)
#define __out_bcount_opt(n)
#define __out_bcount_z(n)
#define __out_bcount_full(n)
#define __out_bcount_full_opt(n)
#define __out_bcount_part(n, m)
#define __out_bcount_part_opt(n, m)
#define __out_xcount(n)
#define __out_xcount_opt(n)
#define __out_range(low, high)
#define __inout
#define __inout_opt
#define __inout_z
#define __inout_z_opt
#define __inout_ecount(n)
#define __inout_ecount_opt(n)
#define __inout_ecount_z(n)
#define __inout_ecount_full(n)
#define __inout_ecount_full_opt(n)
#define __inout_ecount_part(n, m)
#define __inout_ecount_part_opt(n, m)
#define __inout_bcount(n)
#define __inout_bcount_opt(n)
#define __inout_bcount_full(n)
#define __inout_bcount_full_opt(n)
#define __inout_bcount_part(n, m)
#define __inout_bcount_part_opt(n, m)
#define __inout_xcount(n)
#define __deref_in
#define __deref_in_opt
#define __deref_in_range(low, high)
#define __deref_out
#define __deref_out_opt
#define __deref_opt_out
#define __deref_opt_out_opt
#define __deref_out_z
#define __deref_out_ecount(n)
#define __deref_out_ecount_opt(n)
#define __deref_out_bcount(n)
#define __deref_out_bcount_opt(n)
#define __deref_out_xcount(n)
#define __deref_out_range(low, high)
#define __deref_opt_out_ecount(n)
#define __deref_opt_out_bcount(n)
#define __deref_inout
#define __deref_inout_opt
#define __deref_opt_inout
#define __deref_opt_inout_opt
#define __deref_inout_ecount(n)
#define __deref_inout_bcount(n)
#define __deref_volatile
#define __field_ecount(n)
#define __field_ecount_opt(n)
#define __field_ecount_full(n)
#define __field_ecount_part(n, m)
#define __field_bcount(n)
#define __field_bcount_opt(n)
#define __field_bcount_full(n)
#define __field_bcount_part(n, m)
#define __field_xcount(n)
#define __field_range(low, high)
#define __field_nullterminated
#define __struct_bcount(n)
#define __struct_xcount(n)
#define __ecount(n)
#define __bcount(n)
#define __xcount(n)
#define __checkReturn
#define __success(condition)
#define __on_failure(annotation)
#define __callback
#define __format_string
#define __nullterminated
#define __nullnullterminated
#define __possibly_notnullterminated
#define __typefix(type)
#define __override
#define __control_entrypoint(category)
#define __data_entrypoint(category)
#define __fallthrough fallthrough
#define __blocksOn(resource)
#define __valid
#define __notvalid
#define __maybevalid
#define __null
#define __notnull
#define __maybenull
#define __pre
#define __post
#define __deref
#define __readonly
#define __notreadonly
#define __refparam
#define __readableTo(n)
#define __writableTo(n)

#endif /* _RUST_POOL_WDK_SAL_H */
