// SPDX-License-Identifier: GPL-2.0
/*
 * The C API of DMA adapters: IoGetDmaAdapter() as an exported function, as in wdm.c,
 * and the operations of an adapter.
 */

/* The header declares the WDK's names, and does not define them. */
#define RUST_POOL_EXPORTS

#include <linux/bottom_half.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/instruction_pointer.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <rust_pool/wdm.h>

#include "../sys/core.h"

#define CALLER	(rust_pool_caller_of(_RET_IP_).ip)

static PVOID allocate_common_buffer(PDMA_ADAPTER adapter, ULONG length,
				    PPHYSICAL_ADDRESS logical, BOOLEAN cached)
{
	u64 bus = 0;
	void *base = rust_pool_buffer_allocate(adapter, length, &bus, cached,
					       CALLER);

	if (logical)
		logical->QuadPart = bus;
	return base;
}

static VOID free_common_buffer(PDMA_ADAPTER adapter, ULONG length,
			       PHYSICAL_ADDRESS logical, PVOID base,
			       BOOLEAN cached)
{
	rust_pool_buffer_free(adapter, length, logical.QuadPart, base, cached,
			      CALLER);
}

static VOID put_dma_adapter(PDMA_ADAPTER adapter)
{
	rust_pool_adapter_put(adapter, CALLER);
}

static ULONG get_dma_alignment(PDMA_ADAPTER adapter)
{
	return dma_get_cache_alignment();
}

/*
 * Make a list and pass it to @routine, at DISPATCH_LEVEL. Windows calls that when enough map
 * registers are free; here there always are enough. If @result is not NULL, the address of the list
 * is stored there; then, with @alone, @routine may be NULL.
 */
static NTSTATUS hand_list(const struct rust_pool_transfer *transfer,
			  PDEVICE_OBJECT device_object,
			  PDRIVER_LIST_CONTROL routine, PVOID context,
			  PSCATTER_GATHER_LIST *result, bool alone)
{
	bool wanted = routine || (result && alone);
	PSCATTER_GATHER_LIST list;
	NTSTATUS status;

	status = rust_pool_list_get(transfer, wanted ? &list : NULL);
	if (!NT_SUCCESS(status))
		return status;
	if (result)
		*result = list;
	if (routine) {
		local_bh_disable();
		routine(device_object, NULL, list, context);
		local_bh_enable();
	}
	return status;
}

static NTSTATUS get_scatter_gather_list(PDMA_ADAPTER adapter,
					PDEVICE_OBJECT device_object, PMDL mdl,
					PVOID current_va, ULONG length,
					PDRIVER_LIST_CONTROL routine,
					PVOID context, BOOLEAN write)
{
	const struct rust_pool_transfer transfer = {
		.adapter = adapter,
		.mdl = mdl,
		.begin = (ULONG_PTR)current_va,
		.bytes = length,
		.to_device = write,
		.caller = CALLER,
	};

	return hand_list(&transfer, device_object, routine, context, NULL, false);
}

static VOID put_scatter_gather_list(PDMA_ADAPTER adapter,
				    PSCATTER_GATHER_LIST list, BOOLEAN write)
{
	rust_pool_list_put(adapter, list, write, CALLER);
}

static NTSTATUS calculate_scatter_gather_list(PDMA_ADAPTER adapter, PMDL mdl,
					      PVOID current_va, ULONG length,
					      PULONG size, PULONG registers)
{
	const struct rust_pool_transfer transfer = {
		.adapter = adapter,
		.mdl = mdl,
		.begin = (ULONG_PTR)current_va,
		.bytes = length,
		.caller = CALLER,
	};

	return rust_pool_list_size(&transfer, size, registers);
}

static NTSTATUS build_scatter_gather_list(PDMA_ADAPTER adapter,
					  PDEVICE_OBJECT device_object,
					  PMDL mdl, PVOID current_va,
					  ULONG length,
					  PDRIVER_LIST_CONTROL routine,
					  PVOID context, BOOLEAN write,
					  PVOID buffer, ULONG room)
{
	const struct rust_pool_transfer transfer = {
		.adapter = adapter,
		.mdl = mdl,
		.begin = (ULONG_PTR)current_va,
		.bytes = length,
		.to_device = write,
		/* No buffer counts as one of no bytes: too small. */
		.buffer = buffer ?: ZERO_SIZE_PTR,
		.room = buffer ? room : 0,
		.caller = CALLER,
	};

	return hand_list(&transfer, device_object, routine, context, NULL, false);
}

static NTSTATUS get_dma_adapter_info(PDMA_ADAPTER adapter, PDMA_ADAPTER_INFO info)
{
	if (info && info->Version != DMA_ADAPTER_INFO_VERSION1)
		return STATUS_NOT_SUPPORTED;
	return rust_pool_adapter_info(adapter, info ? &info->V1 : NULL, CALLER);
}

static NTSTATUS get_dma_transfer_info(PDMA_ADAPTER adapter, PMDL mdl,
				      ULONGLONG offset, ULONG length,
				      BOOLEAN write_only, PDMA_TRANSFER_INFO info)
{
	const struct rust_pool_transfer transfer = {
		.adapter = adapter,
		.mdl = mdl,
		.begin = offset,
		.by_offset = true,
		.bytes = length,
		.caller = CALLER,
	};
	NTSTATUS status;
	ULONG size, registers;

	if (info && info->Version != DMA_TRANSFER_INFO_VERSION1 &&
	    info->Version != DMA_TRANSFER_INFO_VERSION2)
		return STATUS_NOT_SUPPORTED;
	status = rust_pool_list_size(&transfer, info ? &size : NULL, &registers);
	if (!NT_SUCCESS(status))
		return status;
	/* The fields of version 1 are the first of version 2. */
	info->V1.MapRegisterCount = registers;
	info->V1.ScatterGatherElementCount = registers;
	info->V1.ScatterGatherListSize = size;
	if (info->Version == DMA_TRANSFER_INFO_VERSION2)
		info->V2.LogicalPageCount = registers;
	return status;
}

/* A request that waits is known by the address of its context, not by what is in there. */
static NTSTATUS initialize_dma_transfer_context(PDMA_ADAPTER adapter,
						PVOID context)
{
	DMA_ADAPTER_INFO_V1 info;
	NTSTATUS status = rust_pool_adapter_info(adapter, &info, CALLER);

	if (!NT_SUCCESS(status))
		return status;
	if (!context)
		return STATUS_INVALID_PARAMETER;
	memset(context, 0, DMA_TRANSFER_CONTEXT_SIZE_V1);
	return STATUS_SUCCESS;
}

static NTSTATUS get_scatter_gather_list_ex(
	PDMA_ADAPTER adapter, PDEVICE_OBJECT device_object,
	PVOID transfer_context, PMDL mdl, ULONGLONG offset, ULONG length,
	ULONG flags, PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN write,
	PDMA_COMPLETION_ROUTINE completion_routine, PVOID completion_context,
	PSCATTER_GATHER_LIST *list)
{
	const struct rust_pool_transfer transfer = {
		.adapter = adapter,
		.mdl = mdl,
		.begin = offset,
		.by_offset = true,
		.bytes = length,
		.to_device = write,
		.caller = CALLER,
	};

	return hand_list(&transfer, device_object, routine, context, list,
			 flags & DMA_SYNCHRONOUS_CALLBACK);
}

static NTSTATUS build_scatter_gather_list_ex(
	PDMA_ADAPTER adapter, PDEVICE_OBJECT device_object,
	PVOID transfer_context, PMDL mdl, ULONGLONG offset, ULONG length,
	ULONG flags, PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN write,
	PVOID buffer, ULONG room, PDMA_COMPLETION_ROUTINE completion_routine,
	PVOID completion_context, PVOID list)
{
	const struct rust_pool_transfer transfer = {
		.adapter = adapter,
		.mdl = mdl,
		.begin = offset,
		.by_offset = true,
		.bytes = length,
		.to_device = write,
		.buffer = buffer ?: ZERO_SIZE_PTR,
		.room = buffer ? room : 0,
		.caller = CALLER,
	};

	return hand_list(&transfer, device_object, routine, context, list,
			 flags & DMA_SYNCHRONOUS_CALLBACK);
}

/* Allocate a buffer, and free it again if it is not within the bounds. */
static PVOID allocate_within(PDMA_ADAPTER adapter, PPHYSICAL_ADDRESS minimum,
			     PPHYSICAL_ADDRESS maximum, ULONG length,
			     PPHYSICAL_ADDRESS logical, BOOLEAN cached,
			     unsigned long caller)
{
	u64 bus = 0;
	void *base = rust_pool_buffer_allocate(adapter, length, &bus, cached,
					       caller);

	if (base && ((minimum && bus < (u64)minimum->QuadPart) ||
		     (maximum && bus + length - 1 > (u64)maximum->QuadPart))) {
		rust_pool_buffer_free(adapter, length, bus, base, cached, caller);
		base = NULL;
		bus = 0;
	}
	if (logical)
		logical->QuadPart = bus;
	return base;
}

static PVOID allocate_common_buffer_ex(PDMA_ADAPTER adapter,
				       PPHYSICAL_ADDRESS maximum, ULONG length,
				       PPHYSICAL_ADDRESS logical, BOOLEAN cached,
				       NODE_REQUIREMENT preferred_node)
{
	return allocate_within(adapter, NULL, maximum, length, logical, cached,
			       CALLER);
}

static PVOID allocate_common_buffer_with_bounds(
	PDMA_ADAPTER adapter, PPHYSICAL_ADDRESS minimum,
	PPHYSICAL_ADDRESS maximum, ULONG length, ULONG flags,
	MEMORY_CACHING_TYPE *cache_type, NODE_REQUIREMENT preferred_node,
	PPHYSICAL_ADDRESS logical)
{
	return allocate_within(adapter, minimum, maximum, length, logical,
			       !cache_type || *cache_type == MmCached, CALLER);
}

/*
 * Call the routine of a request that got the channel, at DISPATCH_LEVEL. It returns what
 * it keeps: the channel, only the map registers, or nothing. Return whether the next may
 * have the channel.
 */
static bool call_routine(const struct rust_pool_channel *granted)
{
	const bool task = in_task();
	IO_ALLOCATION_ACTION action;
	bool free;

	local_bh_disable();
	/* Only tasks, as the one who waits for it is a task that a softirq may interrupt. */
	if (task)
		rust_pool_doing(RUST_POOL_GRANTING);
	action = granted->routine(granted->device, NULL, granted->base,
				  granted->context);
	if (task)
		rust_pool_done(RUST_POOL_GRANTING);
	local_bh_enable();
	free = rust_pool_channel_act(granted, action);
	/* An unload of its module waits until here. */
	rust_pool_wake();
	return free;
}

/* Grant the channel to those who wait for it, one after the other, until one keeps it. */
static void grant_channel(PDMA_ADAPTER adapter)
{
	struct rust_pool_channel next;

	while (rust_pool_channel_next(adapter, &next) && call_routine(&next))
		;
}

/* Grant the channels of all adapters. The work item calls it. */
void rust_pool_grant(void)
{
	struct rust_pool_channel next;

	while (rust_pool_channel_next_of_any(&next)) {
		call_routine(&next);
		cond_resched();
	}
}

/*
 * Take the channel and map registers, and call the routine with these, if there is one;
 * without a routine, the channel is kept. If another request has the channel, this one
 * waits, and its routine is called by who frees the channel. Then *result is NULL, and if
 * the request fails.
 */
static NTSTATUS allocate_channel(struct rust_pool_channel *request, PVOID *result)
{
	NTSTATUS status;

	/* Before its routine, called on another CPU, may write there, or free that memory. */
	if (result)
		*result = NULL;
	status = rust_pool_channel_get(request);
	if (result && request->base)
		*result = request->base;
	if (request->base && request->routine && call_routine(request))
		grant_channel(request->adapter);
	return status;
}

static NTSTATUS allocate_adapter_channel(PDMA_ADAPTER adapter,
					 PDEVICE_OBJECT device_object,
					 ULONG registers, PDRIVER_CONTROL routine,
					 PVOID context)
{
	struct rust_pool_channel request = {
		.adapter = adapter,
		.registers = registers,
		.wanted = routine,
		.routine = routine,
		.device = device_object,
		.context = context,
		.caller = CALLER,
	};

	return allocate_channel(&request, NULL);
}

static NTSTATUS allocate_adapter_channel_ex(
	PDMA_ADAPTER adapter, PDEVICE_OBJECT device_object,
	PVOID transfer_context, ULONG registers, ULONG flags,
	PDRIVER_CONTROL routine, PVOID context, PVOID *base)
{
	const ULONG alone = DMA_SYNCHRONOUS_CALLBACK | RUST_POOL_REGISTERS_ONLY;
	struct rust_pool_channel request = {
		.adapter = adapter,
		.registers = registers,
		.wanted = routine || (base && flags & alone),
		.by_ex = true,
		.at_once = flags & DMA_SYNCHRONOUS_CALLBACK,
		.registers_only = flags & RUST_POOL_REGISTERS_ONLY,
		.routine = flags & RUST_POOL_REGISTERS_ONLY ? NULL : routine,
		.device = device_object,
		.context = context,
		.transfer = transfer_context,
		.caller = CALLER,
	};

	return allocate_channel(&request, base);
}

static BOOLEAN cancel_adapter_channel(PDMA_ADAPTER adapter,
				      PDEVICE_OBJECT device_object, PVOID context)
{
	return rust_pool_channel_cancel(adapter, context, CALLER);
}

static VOID free_adapter_channel(PDMA_ADAPTER adapter)
{
	if (rust_pool_channel_free(adapter, DeallocateObject, CALLER))
		grant_channel(adapter);
}

static VOID free_adapter_object(PDMA_ADAPTER adapter, IO_ALLOCATION_ACTION action)
{
	if (action != KeepObject && rust_pool_channel_free(adapter, action, CALLER))
		grant_channel(adapter);
}

static VOID free_map_registers(PDMA_ADAPTER adapter, PVOID base, ULONG registers)
{
	if (rust_pool_registers_free(adapter, base, registers, CALLER))
		grant_channel(adapter);
}

static PHYSICAL_ADDRESS map_transfer(PDMA_ADAPTER adapter, PMDL mdl, PVOID base,
				     PVOID current_va, PULONG length,
				     BOOLEAN write)
{
	const struct rust_pool_transfer transfer = {
		.adapter = adapter,
		.mdl = mdl,
		.begin = (ULONG_PTR)current_va,
		.bytes = length ? *length : 0,
		.to_device = write,
		.caller = CALLER,
	};
	u64 bus = 0;

	rust_pool_packet_map(&transfer, base, &bus, length);
	return (PHYSICAL_ADDRESS){ .QuadPart = bus };
}

static NTSTATUS map_transfer_ex(PDMA_ADAPTER adapter, PMDL mdl, PVOID base,
				ULONGLONG offset, ULONG device_offset,
				PULONG length, BOOLEAN write,
				PSCATTER_GATHER_LIST buffer, ULONG room,
				PDMA_COMPLETION_ROUTINE completion_routine,
				PVOID completion_context)
{
	const struct rust_pool_transfer transfer = {
		.adapter = adapter,
		.mdl = mdl,
		.begin = offset,
		.by_offset = true,
		.bytes = length ? *length : 0,
		.to_device = write,
		.buffer = buffer ?: ZERO_SIZE_PTR,
		.room = buffer ? room : 0,
		.caller = CALLER,
	};
	u64 bus;

	return rust_pool_packet_map(&transfer, base, &bus, length);
}

static BOOLEAN flush_adapter_buffers(PDMA_ADAPTER adapter, PMDL mdl, PVOID base,
				     PVOID current_va, ULONG length,
				     BOOLEAN write)
{
	const struct rust_pool_transfer transfer = {
		.adapter = adapter,
		.mdl = mdl,
		.begin = (ULONG_PTR)current_va,
		.bytes = length,
		.to_device = write,
		.caller = CALLER,
	};

	return rust_pool_packet_flush(&transfer, base);
}

static NTSTATUS flush_adapter_buffers_ex(PDMA_ADAPTER adapter, PMDL mdl,
					 PVOID base, ULONGLONG offset,
					 ULONG length, BOOLEAN write)
{
	const struct rust_pool_transfer transfer = {
		.adapter = adapter,
		.mdl = mdl,
		.begin = offset,
		.by_offset = true,
		.bytes = length,
		.to_device = write,
		.caller = CALLER,
	};

	return rust_pool_packet_flush(&transfer, base) ?
		       STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* A member without a routine reports its call, instead of being NULL. */
#define ABSENT(member)	rust_pool_adapter_absent(adapter, #member, CALLER)

static ULONG no_read_dma_counter(PDMA_ADAPTER adapter)
{
	ABSENT(ReadDmaCounter);
	return 0;
}

static NTSTATUS no_calculate_scatter_gather_list(
	PDMA_ADAPTER adapter, PMDL mdl, PVOID current_va, ULONG length,
	PULONG scatter_gather_list_size, PULONG registers)
{
	ABSENT(CalculateScatterGatherList);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_build_scatter_gather_list(
	PDMA_ADAPTER adapter, PDEVICE_OBJECT device_object, PMDL mdl,
	PVOID current_va, ULONG length, PDRIVER_LIST_CONTROL execution_routine,
	PVOID context, BOOLEAN write_to_device, PVOID scatter_gather_buffer,
	ULONG scatter_gather_length)
{
	ABSENT(BuildScatterGatherList);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_build_mdl_from_scatter_gather_list(
	PDMA_ADAPTER adapter, PSCATTER_GATHER_LIST scatter_gather,
	PMDL original_mdl, PMDL *target_mdl)
{
	ABSENT(BuildMdlFromScatterGatherList);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_get_dma_adapter_info(PDMA_ADAPTER adapter,
					PDMA_ADAPTER_INFO adapter_info)
{
	ABSENT(GetDmaAdapterInfo);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_get_dma_transfer_info(PDMA_ADAPTER adapter, PMDL mdl,
					 ULONGLONG offset, ULONG length,
					 BOOLEAN write_only,
					 PDMA_TRANSFER_INFO transfer_info)
{
	ABSENT(GetDmaTransferInfo);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_initialize_dma_transfer_context(PDMA_ADAPTER adapter,
						   PVOID dma_transfer_context)
{
	ABSENT(InitializeDmaTransferContext);
	return STATUS_NOT_SUPPORTED;
}

static PVOID no_allocate_common_buffer_ex(PDMA_ADAPTER adapter,
					  PPHYSICAL_ADDRESS maximum_address,
					  ULONG length,
					  PPHYSICAL_ADDRESS logical_address,
					  BOOLEAN cache_enabled,
					  NODE_REQUIREMENT preferred_node)
{
	ABSENT(AllocateCommonBufferEx);
	return NULL;
}

static NTSTATUS no_allocate_adapter_channel_ex(
	PDMA_ADAPTER adapter, PDEVICE_OBJECT device_object,
	PVOID dma_transfer_context, ULONG number_of_map_registers, ULONG flags,
	PDRIVER_CONTROL execution_routine, PVOID execution_context,
	PVOID *map_register_base)
{
	ABSENT(AllocateAdapterChannelEx);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_configure_adapter_channel(PDMA_ADAPTER adapter,
					     ULONG function_number,
					     PVOID context)
{
	ABSENT(ConfigureAdapterChannel);
	return STATUS_NOT_SUPPORTED;
}

static BOOLEAN no_cancel_adapter_channel(PDMA_ADAPTER adapter,
					 PDEVICE_OBJECT device_object,
					 PVOID dma_transfer_context)
{
	ABSENT(CancelAdapterChannel);
	return FALSE;
}

static NTSTATUS no_map_transfer_ex(
	PDMA_ADAPTER adapter, PMDL mdl, PVOID map_register_base,
	ULONGLONG offset, ULONG device_offset, PULONG length,
	BOOLEAN write_to_device, PSCATTER_GATHER_LIST scatter_gather_buffer,
	ULONG scatter_gather_buffer_length,
	PDMA_COMPLETION_ROUTINE dma_completion_routine,
	PVOID completion_context)
{
	ABSENT(MapTransferEx);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_get_scatter_gather_list_ex(
	PDMA_ADAPTER adapter, PDEVICE_OBJECT device_object,
	PVOID dma_transfer_context, PMDL mdl, ULONGLONG offset, ULONG length,
	ULONG flags, PDRIVER_LIST_CONTROL execution_routine, PVOID context,
	BOOLEAN write_to_device, PDMA_COMPLETION_ROUTINE dma_completion_routine,
	PVOID completion_context, PSCATTER_GATHER_LIST *scatter_gather_list)
{
	ABSENT(GetScatterGatherListEx);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_build_scatter_gather_list_ex(
	PDMA_ADAPTER adapter, PDEVICE_OBJECT device_object,
	PVOID dma_transfer_context, PMDL mdl, ULONGLONG offset, ULONG length,
	ULONG flags, PDRIVER_LIST_CONTROL execution_routine, PVOID context,
	BOOLEAN write_to_device, PVOID scatter_gather_buffer,
	ULONG scatter_gather_length,
	PDMA_COMPLETION_ROUTINE dma_completion_routine,
	PVOID completion_context, PVOID scatter_gather_list)
{
	ABSENT(BuildScatterGatherListEx);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_flush_adapter_buffers_ex(PDMA_ADAPTER adapter, PMDL mdl,
					    PVOID map_register_base,
					    ULONGLONG offset, ULONG length,
					    BOOLEAN write_to_device)
{
	ABSENT(FlushAdapterBuffersEx);
	return STATUS_NOT_SUPPORTED;
}

static VOID no_free_adapter_object(PDMA_ADAPTER adapter,
				   IO_ALLOCATION_ACTION allocation_action)
{
	ABSENT(FreeAdapterObject);
}

static NTSTATUS no_cancel_mapped_transfer(PDMA_ADAPTER adapter,
					  PVOID dma_transfer_context)
{
	ABSENT(CancelMappedTransfer);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_allocate_domain_common_buffer(
	PDMA_ADAPTER adapter, PVOID domain_handle,
	PPHYSICAL_ADDRESS maximum_address, ULONG length, ULONG flags,
	MEMORY_CACHING_TYPE *cache_type, NODE_REQUIREMENT preferred_node,
	PPHYSICAL_ADDRESS logical_address, PVOID *virtual_address)
{
	ABSENT(AllocateDomainCommonBuffer);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_flush_dma_buffer(PDMA_ADAPTER adapter, PMDL mdl,
				    BOOLEAN read_operation)
{
	ABSENT(FlushDmaBuffer);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_join_dma_domain(PDMA_ADAPTER adapter, PVOID domain_handle)
{
	ABSENT(JoinDmaDomain);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS no_leave_dma_domain(PDMA_ADAPTER adapter)
{
	ABSENT(LeaveDmaDomain);
	return STATUS_NOT_SUPPORTED;
}

static PVOID no_get_dma_domain(PDMA_ADAPTER adapter)
{
	ABSENT(GetDmaDomain);
	return NULL;
}

static PVOID no_allocate_common_buffer_with_bounds(
	PDMA_ADAPTER adapter, PPHYSICAL_ADDRESS minimum_address,
	PPHYSICAL_ADDRESS maximum_address, ULONG length, ULONG flags,
	MEMORY_CACHING_TYPE *cache_type, NODE_REQUIREMENT preferred_node,
	PPHYSICAL_ADDRESS logical_address)
{
	ABSENT(AllocateCommonBufferWithBounds);
	return NULL;
}

static NTSTATUS no_allocate_common_buffer_vector(
	PDMA_ADAPTER adapter, PHYSICAL_ADDRESS low_address,
	PHYSICAL_ADDRESS high_address, MEMORY_CACHING_TYPE cache_type,
	ULONG ideal_node, ULONG flags, ULONG number_of_elements,
	ULONGLONG size_of_elements, PDMA_COMMON_BUFFER_VECTOR *vector_out)
{
	ABSENT(AllocateCommonBufferVector);
	return STATUS_NOT_SUPPORTED;
}

static VOID no_get_common_buffer_from_vector_by_index(
	PDMA_ADAPTER adapter, PDMA_COMMON_BUFFER_VECTOR vector, ULONG index,
	PVOID *virtual_address_out, PPHYSICAL_ADDRESS logical_address_out)
{
	ABSENT(GetCommonBufferFromVectorByIndex);
}

static VOID no_free_common_buffer_from_vector(PDMA_ADAPTER adapter,
					      PDMA_COMMON_BUFFER_VECTOR vector,
					      ULONG index)
{
	ABSENT(FreeCommonBufferFromVector);
}

static VOID no_free_common_buffer_vector(PDMA_ADAPTER adapter,
					 PDMA_COMMON_BUFFER_VECTOR vector)
{
	ABSENT(FreeCommonBufferVector);
}

static NTSTATUS no_create_common_buffer_from_mdl(
	PDMA_ADAPTER adapter, PMDL mdl,
	PDMA_COMMON_BUFFER_EXTENDED_CONFIGURATION extended_configs,
	ULONG extended_configs_count, PPHYSICAL_ADDRESS logical_address)
{
	ABSENT(CreateCommonBufferFromMdl);
	return STATUS_NOT_SUPPORTED;
}

/* What each version adds, in the order of the WDK. */
#define VERSION_1 \
	.PutDmaAdapter = put_dma_adapter, \
	.AllocateCommonBuffer = allocate_common_buffer, \
	.FreeCommonBuffer = free_common_buffer, \
	.AllocateAdapterChannel = allocate_adapter_channel, \
	.FlushAdapterBuffers = flush_adapter_buffers, \
	.FreeAdapterChannel = free_adapter_channel, \
	.FreeMapRegisters = free_map_registers, \
	.MapTransfer = map_transfer, \
	.GetDmaAlignment = get_dma_alignment, \
	.ReadDmaCounter = no_read_dma_counter, \
	.GetScatterGatherList = get_scatter_gather_list, \
	.PutScatterGatherList = put_scatter_gather_list

/* Earlier versions have the members, but not the routines. */
#define NO_VERSION_2 \
	.CalculateScatterGatherList = no_calculate_scatter_gather_list, \
	.BuildScatterGatherList = no_build_scatter_gather_list, \
	.BuildMdlFromScatterGatherList = no_build_mdl_from_scatter_gather_list

#define VERSION_2 \
	.CalculateScatterGatherList = calculate_scatter_gather_list, \
	.BuildScatterGatherList = build_scatter_gather_list, \
	.BuildMdlFromScatterGatherList = no_build_mdl_from_scatter_gather_list

/* No version has the routines of these members of version 3. */
#define ABSENT_OF_VERSION_3 \
	.ConfigureAdapterChannel = no_configure_adapter_channel, \
	.CancelMappedTransfer = no_cancel_mapped_transfer, \
	.AllocateDomainCommonBuffer = no_allocate_domain_common_buffer, \
	.FlushDmaBuffer = no_flush_dma_buffer, \
	.JoinDmaDomain = no_join_dma_domain, \
	.LeaveDmaDomain = no_leave_dma_domain, \
	.GetDmaDomain = no_get_dma_domain, \
	.AllocateCommonBufferVector = no_allocate_common_buffer_vector, \
	.GetCommonBufferFromVectorByIndex = no_get_common_buffer_from_vector_by_index, \
	.FreeCommonBufferFromVector = no_free_common_buffer_from_vector, \
	.FreeCommonBufferVector = no_free_common_buffer_vector, \
	.CreateCommonBufferFromMdl = no_create_common_buffer_from_mdl

#define NO_VERSION_3 \
	.GetDmaAdapterInfo = no_get_dma_adapter_info, \
	.GetDmaTransferInfo = no_get_dma_transfer_info, \
	.InitializeDmaTransferContext = no_initialize_dma_transfer_context, \
	.AllocateCommonBufferEx = no_allocate_common_buffer_ex, \
	.AllocateAdapterChannelEx = no_allocate_adapter_channel_ex, \
	.CancelAdapterChannel = no_cancel_adapter_channel, \
	.MapTransferEx = no_map_transfer_ex, \
	.GetScatterGatherListEx = no_get_scatter_gather_list_ex, \
	.BuildScatterGatherListEx = no_build_scatter_gather_list_ex, \
	.FlushAdapterBuffersEx = no_flush_adapter_buffers_ex, \
	.FreeAdapterObject = no_free_adapter_object, \
	.AllocateCommonBufferWithBounds = no_allocate_common_buffer_with_bounds, \
	ABSENT_OF_VERSION_3

#define VERSION_3 \
	.GetDmaAdapterInfo = get_dma_adapter_info, \
	.GetDmaTransferInfo = get_dma_transfer_info, \
	.InitializeDmaTransferContext = initialize_dma_transfer_context, \
	.AllocateCommonBufferEx = allocate_common_buffer_ex, \
	.AllocateAdapterChannelEx = allocate_adapter_channel_ex, \
	.CancelAdapterChannel = cancel_adapter_channel, \
	.MapTransferEx = map_transfer_ex, \
	.GetScatterGatherListEx = get_scatter_gather_list_ex, \
	.BuildScatterGatherListEx = build_scatter_gather_list_ex, \
	.FlushAdapterBuffersEx = flush_adapter_buffers_ex, \
	.FreeAdapterObject = free_adapter_object, \
	.AllocateCommonBufferWithBounds = allocate_common_buffer_with_bounds, \
	ABSENT_OF_VERSION_3

/* Indexed by the version of the adapter minus one. */
DMA_OPERATIONS rust_pool_dma_operations[RUST_POOL_DMA_VERSIONS] = {
	{
		.Size = offsetof(DMA_OPERATIONS, CalculateScatterGatherList),
		VERSION_1, NO_VERSION_2, NO_VERSION_3,
	},
	{
		.Size = offsetof(DMA_OPERATIONS, GetDmaAdapterInfo),
		VERSION_1, VERSION_2, NO_VERSION_3,
	},
	{
		.Size = sizeof(DMA_OPERATIONS),
		VERSION_1, VERSION_2, VERSION_3,
	},
};

PDMA_ADAPTER IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject,
			     PDEVICE_DESCRIPTION DeviceDescription,
			     PULONG NumberOfMapRegisters)
{
	return rust_pool_adapter_get(PhysicalDeviceObject, DeviceDescription,
				     NumberOfMapRegisters, CALLER);
}
EXPORT_SYMBOL_GPL(IoGetDmaAdapter);

/* For the Rust API: the driver has set the masks by the kernel's own interface. */
PDMA_ADAPTER rust_pool_adapter(struct device *dev, ULONG maximum_length,
			       PULONG registers, unsigned long caller)
{
	/* A device that cannot master the bus has none. */
	if (!dev->coherent_dma_mask)
		return NULL;
	return rust_pool_adapter_bound(dev, dev->coherent_dma_mask,
				       maximum_length, registers, caller);
}
EXPORT_SYMBOL_GPL(rust_pool_adapter);
