// SPDX-License-Identifier: GPL-2.0

//! Common buffers.
//!
//! WDK: "AllocateCommonBuffer", "FreeCommonBuffer".

use crate::{
    dma::{
        adapter::{
            self,
            Holder, //
        },
        buffer_release, //
    },
    lib::{
        argument::Output,
        export::{
            export_symbol_gpl,
            matches_header, //
        }, //
    },
    memory::request,
    record::{
        adapter_id::AdapterId,
        block::{
            Allocation,
            Free, //
        },
        device_event::Release,
        held_device::HeldDevice,
        padding::Padding,
        table::Reservation,
        Owner,
        Region, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    stats::family_totals::Family,
    sys::{
        self,
        page_align,
        raw,
        Coherent,
        PAGE_SIZE, //
    },
    trace::Began,
    types::memory_type::MemoryType, //
};
use core::{
    cell::Cell,
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    }, //
};

/// The totals of this family.
pub(crate) static FAMILY: Family = Family::new(MemoryType::CommonBuffer);

/// Allocates a common buffer, or reports why not and returns `None`. Sleeps where it may.
fn allocate(id: AdapterId, bytes: u32, cached: bool, caller: usize) -> Option<(NonNull<u8>, u64)> {
    // CAST: Lossless on the architectures supported.
    let bytes = bytes as usize;
    let new = Allocation::new(&FAMILY, None, bytes, caller);
    new.check(
        sys::irql().may_sleep(),
        || rule::BUFFER_ZERO_BYTES.by(caller, [id.into()]),
        || rule::BUFFER_REQUESTED.by(caller, [id.into(), bytes.into()]),
    )?;
    let Some((device, used)) = reserve(id, bytes, caller) else {
        FAMILY.fail();
        return None;
    };
    let buffer = new.allocate(
        |began| allocate_buffer(id, &device, used, cached, &new, began),
        || buffer_release::give_back_of(&device),
    );
    if buffer.is_none() {
        adapter::unreserve(id, used / PAGE_SIZE, Holder::Buffer);
    }
    buffer
}

/// Reserves the map registers of a buffer, or reports why not. Returns the device, and how many
/// bytes the buffer takes.
fn reserve(id: AdapterId, bytes: usize, caller: usize) -> Option<(Arc<HeldDevice>, usize)> {
    let used = page_align(bytes)?;
    let registers = used / PAGE_SIZE;
    let unknown = || {
        rule::BUFFER_OF_NO_ADAPTER
            .by(caller, [id.into(), bytes.into()])
            .report();
    };
    let device = adapter::reserve(id, registers, Holder::Buffer, caller, unknown)
        .ok()?
        .device;
    if device.is_gone() {
        rule::BUFFER_WITHOUT_DEVICE.by(caller, [id.into()]).report();
        adapter::unreserve(id, registers, Holder::Buffer);
        return None;
    }
    Some((device, used))
}

/// Allocates the memory of a buffer, and its record.
fn allocate_buffer(
    id: AdapterId,
    device: &Arc<HeldDevice>,
    used: usize,
    cached: bool,
    new: &Allocation,
    began: Began,
) -> Option<(NonNull<u8>, u64)> {
    if sys::may_change_pages() {
        buffer_release::shorten(device, used);
    }
    let record = Reservation::new()?;
    let (memory, padding) = memory(device, new.bytes, used)?;
    let (base, bus) = memory.at(padding.before)?;
    let owner = Owner::CommonBuffer {
        adapter: id,
        memory,
        bus,
        cached,
        padding,
        views: Atomic::new(0),
        freeing: None,
    };
    new.insert(record, base, used, began, owner);
    Some((base, bus))
}

/// Allocates memory for a buffer, with the padding around it.
fn memory(
    device: &Arc<HeldDevice>,
    bytes: usize,
    used: usize,
) -> Option<(Coherent<Arc<HeldDevice>>, Padding)> {
    Padding::choices(bytes, used).find_map(|padding| {
        if !request::affordable(padding.all) {
            return None;
        }
        let gfp = raw::RUST_POOL_GFP_KERNEL;
        let mut memory = Coherent::new(device.clone(), padding.all, gfp)?;
        padding.fill(&mut memory, bytes);
        Some((memory, padding))
    })
}

/// Checks the padding of a buffer that is being freed.
fn look_around(region: &mut Region, caller: usize) {
    let buffer = region.addr();
    if let Owner::CommonBuffer {
        memory, padding, ..
    } = &mut region.owner
    {
        let damage = padding.damage(memory, buffer, region.asked);
        if let Some(damage) = damage {
            damage.report(caller, region.asked, &region.site);
        }
    }
}

/// Frees a common buffer if all arguments are those of its allocation. Any context, any arguments.
fn free(id: AdapterId, bytes: u32, logical: u64, base: usize, cached: bool, caller: usize) {
    let own = Parameter::Address(base);
    let forbidden = || rule::BUFFER_FREED.by(caller, [id.into(), own]);
    // CAST: Lossless on the architectures supported.
    let bytes = bytes as usize;
    let shown = Cell::new(0);
    let taken = Free::new(&FAMILY, base, caller).take(
        forbidden,
        || false,
        |region| match &region.owner {
            Owner::CommonBuffer {
                adapter,
                bus,
                cached: own,
                views,
                ..
            } if *adapter == id && *bus == logical && *own == cached && region.asked == bytes => {
                shown.set(views.load(Relaxed));
                shown.get() == 0
            }
            _ => false,
        },
        |_| match shown.get() {
            0 => rule::BUFFER_MISFIT.by(caller, [own, id.into(), bytes.into()]),
            shown => rule::BUFFER_FREED_IN_PROCESS.by(caller, [own, shown.unsigned_abs().into()]),
        },
        || rule::NOT_A_BUFFER.by(caller, [id.into(), own, bytes.into()]),
    );
    let Some(mut region) = taken else {
        return;
    };
    look_around(&mut region, caller);
    let registers = region.used / PAGE_SIZE;
    let mut here = sys::irql().may_sleep();
    if let Owner::CommonBuffer {
        memory, freeing, ..
    } = &mut region.owner
    {
        let device = memory.device();
        here &= device.may_free();
        *freeing = Some(Release::new(device, memory.origin(), caller));
    }
    if here {
        buffer_release::release(&region);
    } else {
        if !sys::irql().may_sleep() {
            forbidden().report();
        }
        buffer_release::defer(region);
    }
    // The adapter does not count it any more, even if its memory is given back later; the record
    // keeps the device.
    adapter::unreserve(id, registers, Holder::Buffer);
}

/// `AllocateCommonBuffer`.
///
/// # Safety
///
/// `logical` keeps to what [`Output`] says.
#[no_mangle]
unsafe extern "C" fn rust_pool_buffer_allocate(
    adapter: *mut raw::DMA_ADAPTER,
    bytes: u32,
    logical: Output<'_, u64>,
    cached: bool,
    caller: usize,
) -> *mut c_void {
    match allocate(AdapterId::new(adapter), bytes, cached, caller) {
        Some((base, bus)) => {
            logical.write(bus);
            base.as_ptr().cast()
        }
        None => sys::NULL,
    }
}
matches_header!(rust_pool_buffer_allocate(_, _, _, _, _));
export_symbol_gpl!(rust_pool_buffer_allocate);

/// `FreeCommonBuffer`.
#[no_mangle]
extern "C" fn rust_pool_buffer_free(
    adapter: *mut raw::DMA_ADAPTER,
    bytes: u32,
    logical: u64,
    base: *mut c_void,
    cached: bool,
    caller: usize,
) {
    let id = AdapterId::new(adapter);
    free(id, bytes, logical, base as usize, cached, caller);
}
matches_header!(safe rust_pool_buffer_free(_, _, _, _, _, _));
export_symbol_gpl!(rust_pool_buffer_free);
