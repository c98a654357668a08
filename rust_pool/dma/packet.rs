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
        channel::{
            Outcome,
            Request, //
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
    verifier::{
        hooks,
        tracking, //
    }, //
};
use core::ptr::NonNull;
use kernel::prelude::*;

/// Takes the channel and map registers for a packet, or reports why not. Returns the map register
/// base; 0 if the request waits for the channel. Any context; sleeps where it may.
fn take(asked: &raw::rust_pool_channel) -> Result<usize, Refused> {
    let id = AdapterId::new(asked.adapter);
    let (registers, caller) = (asked.registers, asked.caller);
    if sys::irql().is_above_dispatch() {
        rule::CHANNEL_REQUESTED.by(caller, []).report();
        return Err(Refused::Misuse);
    }
    // CAST: `usize` is 64 bits wide on the architectures supported.
    let count = registers as usize;
    let unknown = || unknown(id, registers, caller);
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
        if asked.registers_only {
            record.insert(key, bytes, bytes, caller, owner);
            return Ok(Some(base));
        }
        let packet = record.into_region(key, bytes, bytes, caller, owner);
        let request = Request::new(asked, packet, base).ok_or(Refused::Resources)?;
        ask(id, request, caller)
    })();
    match base {
        Ok(Some(base)) => Ok(base),
        Ok(None) => Ok(0),
        Err(refused) => {
            adapter::unreserve(id, count, Holder::Packet);
            Err(refused)
        }
    }
}

/// Asks for the channel. Returns the map register base; `None` if the request waits.
fn ask(id: AdapterId, request: KBox<Request>, caller: usize) -> Result<Option<usize>, Refused> {
    // Before others may grant it.
    request.packet.track(caller);
    let key = request.packet.addr();
    match adapter::ask_for_channel(id, request) {
        Some(Outcome::Granted(request)) => {
            let (packet, asked) = Request::into_parts(request);
            REGIONS.insert(packet);
            Ok(Some(asked.base as usize))
        }
        Some(Outcome::Waits { twice }) => {
            if twice {
                rule::CHANNEL_ASKED_TWICE.by(caller, [id.into()]).report();
            }
            Ok(None)
        }
        Some(Outcome::Refused) => {
            tracking::remove(key);
            Err(Refused::Resources)
        }
        None => {
            tracking::remove(key);
            adapter::not_an_adapter(id, caller, || ());
            Err(Refused::Misuse)
        }
    }
}

/// Reports a request that names what never was an adapter.
fn unknown(id: AdapterId, registers: u32, caller: usize) {
    rule::CHANNEL_OF_NO_ADAPTER
        .by(caller, [id.into(), registers.into()])
        .report();
}

/// Grants the channel of an adapter, or of any, to the next request. Returns what to call. Any
/// context; where routines must not be called, the work item grants it.
fn next(id: Option<AdapterId>) -> Option<raw::rust_pool_channel> {
    let irql = sys::irql();
    if irql.is_above_dispatch() {
        if !irql.is_nmi() {
            sys::grant_soon();
        }
        return None;
    }
    adapter::grant_channel(id)
}

/// Takes out a request that waits with this transfer context. Returns whether there was one.
fn cancel(id: AdapterId, transfer: *mut c_void, caller: usize) -> bool {
    let irql = sys::irql();
    if irql.is_above_dispatch() {
        rule::CHANNEL_CANCELLED.by(caller, []).report();
    }
    if irql.is_nmi() || transfer.is_null() {
        return false;
    }
    match adapter::cancel_channel(id, transfer) {
        Some(request) => {
            if let Some(request) = &request {
                tracking::remove(request.packet.addr());
            }
            request.is_some()
        }
        None => {
            adapter::not_an_adapter(id, caller, || unknown(id, 0, caller));
            false
        }
    }
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
/// their number, `given`, it must be right. Returns whether that freed a channel for which somebody
/// waits. Any context but NMI, any address.
fn give(id: AdapterId, base: usize, given: Option<u32>, caller: usize) -> bool {
    let at = Parameter::Address(base);
    let key = packet::key(base);
    let number = given.unwrap_or(0);
    let taken = REGIONS.take_or_report(
        MemoryType::Registers,
        key,
        |region| match &region.owner {
            // CAST: `usize` is 64 bits wide on the architectures supported.
            Owner::Packet(packet) => {
                packet.adapter == id && given.is_none_or(|given| given as usize == packet.registers)
            }
            _ => false,
        },
        |_| rule::REGISTERS_MISFIT.by(caller, [id.into(), at, number.into()]),
        || rule::NO_REGISTERS.by(caller, [number.into(), at]),
    );
    let Some(mut region) = taken else {
        return false;
    };
    let mut due = false;
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
        due = adapter::leave_channel(id, base);
        adapter::unreserve(id, packet.registers, Holder::Packet);
    }
    due
}

/// Keeps or gives back what the driver's routine says. Returns whether the channel is free, and
/// somebody waits for it. Any context but NMI.
///
/// What is wrong with it is the routine's doing. Who asked may have been init code, which is freed
/// by now if the request had to wait.
fn act(granted: &raw::rust_pool_channel, action: u32) -> bool {
    let (id, base) = (AdapterId::new(granted.adapter), granted.base as usize);
    // CAST: An address, to be named.
    let caller = granted.routine.map_or(0, |routine| routine as usize);
    if action == raw::_IO_ALLOCATION_ACTION_KeepObject {
        return adapter::keep_channel(id, base);
    }
    give_beside_channel(id, base, action, caller);
    adapter::end_channel(id, base)
}

/// Gives the map registers of a channel that is given back as well, if `action` says so. Any
/// context but NMI.
fn give_beside_channel(id: AdapterId, base: usize, action: u32, caller: usize) {
    match action {
        raw::_IO_ALLOCATION_ACTION_DeallocateObject => {
            give(id, base, None, caller);
        }
        raw::_IO_ALLOCATION_ACTION_DeallocateObjectKeepRegisters => (),
        _ => rule::CHANNEL_ACTION_UNKNOWN
            .by(caller, [id.into(), action.into()])
            .report(),
    }
}

/// Gives a channel back that was kept, or will be, and its map registers if `action` says so.
/// Returns whether it was. Any context.
fn give_channel(id: AdapterId, action: u32, caller: usize) -> bool {
    if !may_give(caller) {
        return false;
    }
    match adapter::take_channel(id) {
        Some(Some(base)) => {
            give_beside_channel(id, base, action, caller);
            return true;
        }
        Some(None) => rule::NO_CHANNEL.by(caller, [id.into()]).report(),
        None => adapter::not_an_adapter(id, caller, || unknown(id, 0, caller)),
    }
    false
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
/// `request` is not null, and nobody else uses it during the call.
#[no_mangle]
unsafe extern "C" fn rust_pool_channel_get(request: Option<&mut raw::rust_pool_channel>) -> i32 {
    let Some(request) = request else {
        return Refused::Misuse.status();
    };
    if !request.wanted {
        let id = AdapterId::new(request.adapter);
        rule::CHANNEL_FOR_NOBODY
            .by(request.caller, [id.into(), request.registers.into()])
            .report();
        return Refused::Misuse.status();
    }
    match take(request) {
        Ok(taken) => {
            request.base = taken as *mut c_void;
            0
        }
        Err(refused) => refused.status(),
    }
}
matches_header!(rust_pool_channel_get(_));

/// After the driver's routine has returned `action`. Returns whether the channel is free, and
/// somebody waits for it.
///
/// # Safety
///
/// `granted` may be read during the call.
#[no_mangle]
unsafe extern "C" fn rust_pool_channel_act(
    granted: &raw::rust_pool_channel,
    action: raw::IO_ALLOCATION_ACTION,
) -> bool {
    act(granted, action)
}
matches_header!(rust_pool_channel_act(_, _));

/// Grants the channel of an adapter to the next request, if nobody has it. Returns whether
/// `granted` was filled in, whose routine is to be called.
///
/// # Safety
///
/// `granted` keeps to what [`Output`] says.
#[no_mangle]
unsafe extern "C" fn rust_pool_channel_next(
    adapter: *mut raw::DMA_ADAPTER,
    granted: Output<'_, raw::rust_pool_channel>,
) -> bool {
    let request = next(Some(AdapterId::new(adapter)));
    request.map(|request| granted.write(request)).is_some()
}
matches_header!(rust_pool_channel_next(_, _));

/// Grants the channel of any adapter to the next request, if nobody has it. Returns whether
/// `granted` was filled in, whose routine is to be called.
///
/// # Safety
///
/// As for [`rust_pool_channel_next`].
#[no_mangle]
unsafe extern "C" fn rust_pool_channel_next_of_any(
    granted: Output<'_, raw::rust_pool_channel>,
) -> bool {
    next(None).map(|request| granted.write(request)).is_some()
}
matches_header!(rust_pool_channel_next_of_any(_));

/// `CancelAdapterChannel`.
#[no_mangle]
extern "C" fn rust_pool_channel_cancel(
    adapter: *mut raw::DMA_ADAPTER,
    transfer: *mut c_void,
    caller: usize,
) -> bool {
    cancel(AdapterId::new(adapter), transfer, caller)
}
matches_header!(safe rust_pool_channel_cancel(_, _, _));

/// `FreeAdapterChannel`, or `FreeAdapterObject` with any action but `KeepObject`. Returns whether
/// the channel was given back.
#[no_mangle]
extern "C" fn rust_pool_channel_free(
    adapter: *mut raw::DMA_ADAPTER,
    action: raw::IO_ALLOCATION_ACTION,
    caller: usize,
) -> bool {
    give_channel(AdapterId::new(adapter), action, caller)
}
matches_header!(safe rust_pool_channel_free(_, _, _));

/// `FreeMapRegisters`. Returns whether that freed a channel for which somebody waits.
#[no_mangle]
extern "C" fn rust_pool_registers_free(
    adapter: *mut raw::DMA_ADAPTER,
    base: *mut c_void,
    registers: u32,
    caller: usize,
) -> bool {
    may_give(caller) && {
        let id = AdapterId::new(adapter);
        give(id, base as usize, Some(registers), caller)
    }
}
matches_header!(safe rust_pool_registers_free(_, _, _, _));

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
