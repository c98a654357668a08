// SPDX-License-Identifier: GPL-2.0

//! Packet DMA: a driver takes map registers, which make a packet, and uses them to map one piece of
//! a buffer after another.
//!
//! The map register base that a driver gets is the address of the packet's record, so no two are
//! equal. It is only looked up, never dereferenced.
//!
//! WDK: "AllocateAdapterChannel", "MapTransfer", "FlushAdapterBuffers", "FreeMapRegisters",
//! "FreeAdapterChannel".

use crate::{
    dma::{
        adapter::{
            self,
            Holder, //
        },
        scatter_gather::{
            self,
            Asked,
            AskedToMap,
            Made,
            Refused,
            Target,
            Transfer, //
        }, //
    },
    lib::{
        argument::Output,
        export::matches_header, //
    },
    record::{
        adapter_id::AdapterId,
        mapped_list::{
            self,
            MappedList,
            Part, //
        },
        packet::{
            self,
            Packet, //
        },
        table::{
            Misfit,
            Reservation,
            REGIONS, //
        },
        Owner,
        Region, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    sys::{
        self,
        raw,
        PAGE_SIZE, //
    },
    types::memory_type::MemoryType,
    verifier::hooks, //
};
use core::ptr::NonNull;
use kernel::prelude::*;

/// Takes map registers for a packet, or reports why not. Any context; sleeps where it may.
fn take(id: AdapterId, registers: u32, caller: usize) -> Result<usize, Refused> {
    if sys::irql().is_above_dispatch() {
        rule::CHANNEL_REQUESTED.by(caller, []).report();
        return Err(Refused::Misuse);
    }
    if adapter::has_channel_kept(id) {
        rule::CHANNEL_KEPT.by(caller, [id.into()]).report();
        return Err(Refused::Resources);
    }
    // CAST: `usize` is 64 bits wide on the architectures supported.
    let count = registers as usize;
    let unknown = || {
        rule::CHANNEL_OF_NO_ADAPTER
            .by(caller, [id.into(), registers.into()])
            .report();
    };
    let device = adapter::reserve(id, count, Holder::Packet, caller, unknown)?.device;
    let base = (|| {
        if device.is_gone() {
            rule::CHANNEL_WITHOUT_DEVICE
                .by(caller, [id.into()])
                .report();
            return Err(Refused::Misuse);
        }
        if hooks::refuse(MemoryType::Registers, None, 0, caller) {
            return Err(Refused::Resources);
        }
        let record = Reservation::new().ok_or(Refused::Resources)?;
        let base = record.addr();
        let key = NonNull::new(packet::key(base) as *mut u8).ok_or(Refused::Resources)?;
        let owner = Owner::Packet(Packet::new(id, count));
        let bytes = count.saturating_mul(PAGE_SIZE);
        record.insert(key, bytes, bytes, caller, owner);
        Ok(base)
    })();
    if base.is_err() {
        adapter::unreserve(id, count, Holder::Packet);
    }
    base
}

/// How many registers of a packet are free; `None` if the adapter has no such packet.
fn free_registers(id: AdapterId, base: usize) -> Option<usize> {
    let key = packet::key(base);
    let bucket = REGIONS.bucket(key).lock();
    match &bucket.find(key)?.owner {
        Owner::Packet(packet) if packet.adapter == id => Some(packet.free()),
        _ => None,
    }
}

/// How many map registers a piece uses.
fn registers_of(piece: &Region) -> usize {
    piece.used / PAGE_SIZE
}

/// Where a piece lies in the buffer of its MDL.
fn part_of(piece: &Region) -> Option<&Part> {
    match &piece.owner {
        Owner::List(list) => list.part.as_ref(),
        _ => None,
    }
}

/// Whether a piece begins within `bytes` bytes from `at` on in the buffer of an MDL.
fn begins_in(piece: &Region, mdl: usize, at: usize, bytes: usize) -> bool {
    let part = part_of(piece).filter(|part| part.mdl == mdl);
    let behind = part.and_then(|part| part.at.checked_sub(at));
    behind.is_some_and(|behind| behind < bytes)
}

/// Whether two pieces have a byte of an MDL in common.
fn meet(one: &Region, other: &Region) -> bool {
    let begins = |one: &Region, other: &Region| {
        part_of(other).is_some_and(|part| begins_in(one, part.mdl, part.at, other.asked))
    };
    begins(one, other) || begins(other, one)
}

/// Whether a packet maps the byte at `at` in the buffer of an MDL.
fn is_mapped(base: usize, mdl: usize, at: usize) -> bool {
    let has_it = |piece: &Region| {
        let part = part_of(piece).filter(|part| part.mdl == mdl);
        let ahead = part.and_then(|part| at.checked_sub(part.at));
        ahead.is_some_and(|ahead| ahead < piece.asked)
    };
    let key = packet::key(base);
    let bucket = REGIONS.bucket(key).lock();
    matches!(
        bucket.find(key).map(|region| &region.owner),
        Some(Owner::Packet(packet)) if packet.has(has_it)
    )
}

/// Whether map registers can be given back in this context. Reports a context in which a driver
/// must not do that.
fn may_give(caller: usize) -> bool {
    let irql = sys::irql();
    if irql.is_above_dispatch() {
        rule::REGISTERS_FREED.by(caller, []).report();
    }
    !irql.is_nmi()
}

/// Gives the map registers of a packet back, and unmaps what is still mapped. If the driver passed
/// their number, `given`, it must be right. Any context but NMI, any address.
fn give(id: AdapterId, base: usize, given: Option<u32>, caller: usize) {
    let at = Parameter::Address(base);
    let key = packet::key(base);
    let taken = REGIONS.take(key, |region| match &region.owner {
        Owner::Packet(packet) if packet.adapter == id => {
            // CAST: `usize` is 64 bits wide on the architectures supported.
            if given.is_none_or(|given| given as usize == packet.registers) {
                Ok(())
            } else {
                Err(Misfit::Arguments(region.facts()))
            }
        }
        Owner::Packet(_) => Err(Misfit::Arguments(region.facts())),
        _ => Err(Misfit::Family(region.facts())),
    });
    let given = given.unwrap_or(0);
    let taken = taken.or_report(
        MemoryType::Registers,
        key,
        |_| rule::REGISTERS_MISFIT.by(caller, [id.into(), at, given.into()]),
        || rule::NO_REGISTERS.by(caller, [given.into(), at]),
    );
    let Some(mut region) = taken else {
        return;
    };
    if let Owner::Packet(packet) = &mut region.owner {
        let mapped = packet.mapped();
        if mapped != 0 {
            rule::REGISTERS_MAPPED
                .by(caller, [mapped.into(), at])
                .report();
        }
        while let Some(piece) = packet.remove(|_| true, registers_of) {
            scatter_gather::unmap(piece, at, caller);
        }
        adapter::leave_channel(id, base);
        adapter::unreserve(id, packet.registers, Holder::Packet);
    }
}

/// Keeps or gives back what the driver's routine says. If there is none, `alone`, the channel is to
/// be kept, and nobody has the map registers yet. Returns whether the request is met. Any context
/// but NMI.
fn act(id: AdapterId, base: usize, action: u32, alone: bool, caller: usize) -> bool {
    match action {
        raw::_IO_ALLOCATION_ACTION_KeepObject => {
            if !adapter::keep_channel(id, base) {
                // Another channel was allocated meanwhile, and kept.
                rule::CHANNEL_KEPT.by(caller, [id.into()]).report();
                if alone {
                    give(id, base, None, caller);
                    return false;
                }
            } else if free_registers(id, base).is_none() {
                // The routine, or somebody else since, has freed the map registers.
                adapter::leave_channel(id, base);
            }
        }
        raw::_IO_ALLOCATION_ACTION_DeallocateObject => give(id, base, None, caller),
        raw::_IO_ALLOCATION_ACTION_DeallocateObjectKeepRegisters => (),
        _ => rule::CHANNEL_ACTION_UNKNOWN
            .by(caller, [id.into(), action.into()])
            .report(),
    }
    true
}

/// Gives a channel back that was kept, and its map registers unless `keep`.
fn give_channel(id: AdapterId, keep: bool, caller: usize) {
    if !may_give(caller) {
        return;
    }
    match adapter::take_channel(id) {
        Some(Some(base)) if !keep => give(id, base, None, caller),
        Some(Some(_)) => (),
        Some(None) => rule::NO_CHANNEL.by(caller, [id.into()]).report(),
        None => adapter::not_an_adapter(id, caller, || {
            rule::CHANNEL_OF_NO_ADAPTER
                .by(caller, [id.into(), 0u32.into()])
                .report();
        }),
    }
}

/// Maps a transfer with the map registers of a packet: all of it if there is room for a list, or
/// else as many bytes from its beginning as are adjacent for the device. Returns the bus address
/// and the number of bytes.
fn map(
    asked: AskedToMap<'_>,
    transfer: &Transfer<'_>,
    base: usize,
) -> Result<(u64, usize), Refused> {
    let Transfer {
        adapter, caller, ..
    } = *transfer;
    let at = Parameter::Address(base);
    if sys::irql().is_above_dispatch() {
        rule::TRANSFER_MAPPED.by(caller, []).report();
        return Err(Refused::Misuse);
    }
    let Some(free) = free_registers(adapter, base) else {
        rule::MAPPED_BY_NO_REGISTERS
            .by(caller, [adapter.into(), at])
            .report();
        return Err(Refused::Misuse);
    };
    if is_mapped(base, transfer.mdl().addr(), transfer.offset()) {
        report_lost(&Lost::Twice, transfer, at);
        return Err(Refused::Misuse);
    }
    let target = asked.target().ok_or(Refused::Resources)?;
    if target.device.is_gone() {
        rule::CHANNEL_WITHOUT_DEVICE
            .by(caller, [adapter.into()])
            .report();
        return Err(Refused::Misuse);
    }
    let pages = transfer.pages()?;
    if pages > free {
        rule::REGISTERS_USED_UP
            .by(caller, [pages.into(), free.into()])
            .report();
        return Err(Refused::Resources);
    }
    let record = Reservation::new().ok_or(Refused::Resources)?;
    let key = NonNull::new(mapped_list::key(base) as *mut u8).ok_or(Refused::Misuse)?;
    let (room, to_device) = (asked.room(), asked.to_device());
    let (made, transfer) = if room.is_some() && !target.one_element {
        let made = scatter_gather::map(transfer, &target, to_device, false)?;
        (made, *transfer)
    } else {
        adjacent(transfer, &target, to_device)?
    };
    let (address, _) = made.mapped.first();
    if room.is_some_and(|room| !made.mapped.write(room)) {
        made.undo(&transfer);
        return Err(Refused::TooSmall);
    }
    let registers = match transfer.pages() {
        Ok(pages) => pages,
        Err(refused) => {
            made.undo(&transfer);
            return Err(refused);
        }
    };
    let part = Part {
        mdl: transfer.mdl().addr(),
        at: transfer.offset(),
    };
    let bytes = transfer.bytes;
    let list = made.into_list(adapter, base, None);
    let owner = Owner::List(MappedList {
        part: Some(part),
        ..list
    });
    let used = registers.saturating_mul(PAGE_SIZE);
    let piece = record.into_region(key, bytes, used, caller, owner);
    if let Err((why, piece)) = keep(adapter, base, piece) {
        report_lost(&why, &transfer, at);
        scatter_gather::unmap(piece, at, caller);
        return Err(match why {
            Lost::TooMany { .. } => Refused::Resources,
            Lost::Twice | Lost::NoRegisters => Refused::Misuse,
        });
    }
    Ok((address, bytes))
}

/// Why a piece was not added to its packet.
enum Lost {
    /// Some of it is mapped already.
    Twice,
    /// Another call at the same time has used the registers up.
    TooMany { needed: usize, free: usize },
    /// The map registers were freed meanwhile.
    NoRegisters,
}

/// Reports why a piece of a transfer was not added to the packet with the map register base `at`.
fn report_lost(why: &Lost, transfer: &Transfer<'_>, at: Parameter) {
    let Transfer {
        adapter, caller, ..
    } = *transfer;
    match *why {
        Lost::Twice => {
            let given = [transfer.mdl().into(), transfer.offset().into(), at];
            rule::MAPPED_ALREADY.by(caller, given).report();
        }
        Lost::TooMany { needed, free } => {
            let given = [needed.into(), free.into()];
            rule::REGISTERS_USED_UP.by(caller, given).report();
        }
        Lost::NoRegisters => {
            let given = [adapter.into(), at];
            rule::MAPPED_BY_NO_REGISTERS.by(caller, given).report();
        }
    }
}

/// Adds a mapped piece to its packet. Returns the piece if the packet is gone, has too few free
/// registers, or maps some of these bytes already.
fn keep(id: AdapterId, base: usize, piece: KBox<Region>) -> Result<(), (Lost, KBox<Region>)> {
    let key = packet::key(base);
    let mut bucket = REGIONS.bucket(key).lock();
    let packet = match bucket.find_mut(key).map(|region| &mut region.owner) {
        Some(Owner::Packet(packet)) if packet.adapter == id => packet,
        _ => return Err((Lost::NoRegisters, piece)),
    };
    let (needed, free) = (registers_of(&piece), packet.free());
    if packet.has(|other| meet(other, &piece)) {
        Err((Lost::Twice, piece))
    } else if needed > free {
        Err((Lost::TooMany { needed, free }, piece))
    } else {
        packet.add(piece, needed);
        Ok(())
    }
}

/// Maps as many bytes from the beginning of a transfer as are adjacent for the device. For a device
/// that takes one element only, maps all of them, as adjacent copies if need be. Also returns the
/// part of the transfer that was mapped.
fn adjacent<'call>(
    transfer: &Transfer<'call>,
    target: &Target<'_>,
    to_device: bool,
) -> Result<(Made, Transfer<'call>), Refused> {
    let mut transfer = *transfer;
    let one_element = target.one_element;
    if !one_element && !target.device.translates() {
        transfer.bytes = transfer.adjacent()?;
    }
    let mut joined = false;
    loop {
        let made = scatter_gather::map(&transfer, target, to_device, joined)?;
        let (_, bytes) = made.mapped.first();
        // CAST: `usize` is 64 bits wide on the architectures supported.
        let bytes = bytes as usize;
        if bytes == transfer.bytes {
            return Ok((made, transfer));
        }
        made.undo(&transfer);
        if !one_element && bytes != 0 && bytes < transfer.bytes {
            transfer.bytes = bytes;
        } else if one_element && !joined {
            joined = true;
        } else {
            return Err(Refused::Resources);
        }
    }
}

/// Unmaps the pieces of a packet that begin within a transfer. Returns whether there were any.
fn flush(transfer: &Transfer<'_>, base: usize, to_device: bool) -> bool {
    let Transfer {
        adapter, caller, ..
    } = *transfer;
    let at = Parameter::Address(base);
    let irql = sys::irql();
    if irql.is_above_dispatch() {
        rule::TRANSFER_FLUSHED.by(caller, []).report();
    }
    if irql.is_nmi() {
        return false;
    }
    let (mdl, begin) = (transfer.mdl().addr(), transfer.offset());
    let key = packet::key(base);
    let mut flushed = false;
    let mut direction = true;
    loop {
        let piece = {
            let mut bucket = REGIONS.bucket(key).lock();
            match bucket.find_mut(key).map(|region| &mut region.owner) {
                Some(Owner::Packet(packet)) if packet.adapter == adapter => {
                    let is_in = |piece: &Region| begins_in(piece, mdl, begin, transfer.bytes);
                    packet.remove(is_in, registers_of)
                }
                _ => None,
            }
        };
        let Some(piece) = piece else {
            break;
        };
        flushed = true;
        direction &= is_of(&piece, to_device);
        scatter_gather::unmap(piece, at, caller);
    }
    if !flushed {
        let given = [at, begin.into(), transfer.mdl().into()];
        rule::FLUSHED_UNMAPPED.by(caller, given).report();
    } else if !direction {
        let given = [adapter.into(), at, u32::from(to_device).into()];
        rule::FLUSH_MISDIRECTED.by(caller, given).report();
    }
    flushed
}

/// Whether a piece is mapped for this direction.
fn is_of(region: &Region, to_device: bool) -> bool {
    matches!(&region.owner, Owner::List(list) if list.to_device == to_device)
}

/// `AllocateAdapterChannel`, up to the call of the driver's routine.
///
/// # Safety
///
/// `base` keeps to what [`Output`] says.
#[no_mangle]
unsafe extern "C" fn rust_pool_channel_get(
    adapter: *mut raw::DMA_ADAPTER,
    registers: u32,
    base: Output<'_, *mut c_void>,
    caller: usize,
) -> i32 {
    let id = AdapterId::new(adapter);
    if base.is_null() {
        rule::CHANNEL_FOR_NOBODY
            .by(caller, [id.into(), registers.into()])
            .report();
        return Refused::Misuse.status();
    }
    match take(id, registers, caller) {
        Ok(taken) => {
            base.write(taken as *mut c_void);
            0
        }
        Err(refused) => refused.status(),
    }
}
matches_header!(rust_pool_channel_get(_, _, _, _));

/// `AllocateAdapterChannel`, after the driver's routine has returned `action`; or, if `alone`,
/// without a routine. Returns whether the request is met.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_channel_act(
    adapter: *mut raw::DMA_ADAPTER,
    base: *mut c_void,
    action: raw::IO_ALLOCATION_ACTION,
    alone: bool,
    caller: usize,
) -> bool {
    act(
        AdapterId::new(adapter),
        base as usize,
        action,
        alone,
        caller,
    )
}
matches_header!(rust_pool_channel_act);

/// `FreeAdapterChannel`; with `keep`, the map registers stay allocated.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_channel_free(
    adapter: *mut raw::DMA_ADAPTER,
    keep: bool,
    caller: usize,
) {
    give_channel(AdapterId::new(adapter), keep, caller);
}
matches_header!(rust_pool_channel_free);

/// `FreeMapRegisters`.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_registers_free(
    adapter: *mut raw::DMA_ADAPTER,
    base: *mut c_void,
    registers: u32,
    caller: usize,
) {
    if may_give(caller) {
        let id = AdapterId::new(adapter);
        give(id, base as usize, Some(registers), caller);
    }
}
matches_header!(rust_pool_registers_free);

/// `MapTransfer`; or `MapTransferEx`, if there is a buffer for a list.
///
/// # Safety
///
/// The transfer keeps to the invariants of [`AskedToMap`], `address` and `bytes` to what [`Output`]
/// says.
#[no_mangle]
unsafe extern "C" fn rust_pool_packet_map(
    asked: AskedToMap<'_>,
    base: *mut c_void,
    address: Output<'_, u64>,
    bytes: Output<'_, u32>,
) -> i32 {
    if bytes.is_null() {
        return asked.for_nobody(&rule::TRANSFER_WITHOUT_LENGTH).status();
    }
    let transfer = asked.transfer().ok_or(Refused::Misuse);
    let mapped = transfer.and_then(|transfer| map(asked, &transfer, base as usize));
    let (status, at, mapped) = match mapped {
        Ok((at, bytes)) => (0, at, bytes),
        Err(refused) => (refused.status(), 0, 0),
    };
    address.write(at);
    // CAST: Not more than was asked for, which has 32 bits.
    bytes.write(mapped as u32);
    status
}
matches_header!(rust_pool_packet_map(_, _, _, _));

/// `FlushAdapterBuffers` and `FlushAdapterBuffersEx`.
///
/// # Safety
///
/// The transfer keeps to the invariants of [`Asked`].
#[no_mangle]
unsafe extern "C" fn rust_pool_packet_flush(asked: Asked<'_>, base: *mut c_void) -> bool {
    let transfer = asked.transfer();
    transfer.is_some_and(|transfer| flush(&transfer, base as usize, asked.to_device()))
}
matches_header!(rust_pool_packet_flush(_, _));
