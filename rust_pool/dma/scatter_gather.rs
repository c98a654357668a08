// SPDX-License-Identifier: GPL-2.0

//! Scatter/gather lists: the pages of MDLs, mapped for a device.
//!
//! The client reads the list, and may overwrite it. So what is needed to unmap the pages is in the
//! record, which is found by the list's address.
//!
//! WDK: "GetScatterGatherList", "PutScatterGatherList", "CalculateScatterGatherList",
//! "BuildScatterGatherList".

use crate::{
    dma::{
        adapter::{
            self,
            Holder,
            Refusal,
            Reserved, //
        },
        buffer_release, //
    },
    lib::export::matches_header,
    mdl::{
        flag,
        flags_of,
        pages_of,
        span,
        start_of,
        Frames,
        Mdl,
        HEAD, //
    },
    memory::request::Request,
    record::{
        adapter_id::AdapterId,
        device_event::Freeing,
        held_device::HeldDevice,
        mapped_list::{
            self,
            MappedList, //
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
        violation::{
            Parameter,
            Rule, //
        }, //
    },
    sys::{
        self,
        raw,
        DmaDevice,
        Frame,
        ListMemory,
        Mapped,
        Unlisted,
        Unmapped,
        PAGE_SIZE, //
    },
    types::{
        memory_type::MemoryType,
        status::Status, //
    },
    verifier::hooks, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// Why there is no list.
#[derive(Clone, Copy)]
pub(super) enum Refused {
    /// It was a violation.
    Misuse,
    /// The MDLs are shorter than the transfer, or the client's memory than the list.
    TooSmall,
    /// Memory or map registers are short, or the pages cannot be mapped.
    Resources,
}

impl Refused {
    /// What the client is told.
    pub(super) fn status(self) -> i32 {
        let status = match self {
            Self::Misuse => Status::InvalidParameter,
            Self::TooSmall => Status::BufferTooSmall,
            Self::Resources => Status::InsufficientResources,
        };
        status.as_raw()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown => Self::Misuse,
            Refusal::TooManyRegisters => Self::Resources,
        }
    }
}

/// Where a transfer begins.
#[derive(Clone, Copy)]
enum Begin {
    /// In the first MDL, by its addresses.
    At(usize),
    /// So far into the chain.
    Offset(usize),
}

/// What is to be transferred.
///
/// # Invariants
///
/// The chain of MDLs ends. Nobody else uses them during the call of the routine.
#[derive(Clone, Copy)]
pub(super) struct Transfer {
    pub(super) adapter: AdapterId,
    /// The first of a chain.
    pub(super) mdl: Mdl,
    begin: Begin,
    pub(super) bytes: usize,
    pub(super) caller: usize,
}

/// A part of a transfer that is in one MDL.
struct Piece {
    mdl: Mdl,
    /// The frames that it needs.
    frames: Frames,
    /// Where it begins in the first.
    offset: usize,
    bytes: usize,
}

impl Transfer {
    /// What a client asks for; without an MDL it is a violation.
    ///
    /// # Safety
    ///
    /// The MDL is null, or the first of a chain that ends, of MDLs as for [`Mdl::new`].
    pub(super) unsafe fn from_raw(asked: &raw::rust_pool_transfer) -> Option<Self> {
        // SAFETY: By the safety requirements it is null, or an MDL that nobody else uses during the
        // call.
        let mdl = unsafe { Mdl::new(asked.mdl, asked.caller) }?;
        // CAST: `usize` is 64 bits wide on the architectures supported.
        let (begin, bytes) = (asked.begin as usize, asked.bytes as usize);
        // INVARIANT: By the safety requirements.
        Some(Self {
            adapter: AdapterId::new(asked.adapter),
            mdl,
            begin: if asked.by_offset {
                Begin::Offset(begin)
            } else {
                Begin::At(begin)
            },
            bytes,
            caller: asked.caller,
        })
    }

    /// Calls `visit` on each piece. If the chain does not have all of the transfer, reports that
    /// and returns an error.
    fn pieces(&self, mut visit: impl FnMut(Piece) -> Result<(), Refused>) -> Result<(), Refused> {
        let Self {
            mut mdl, caller, ..
        } = *self;
        let mut left = self.bytes;
        // How far into the MDL it begins; unknown for an address that is in front of it.
        let mut at = match self.begin {
            Begin::At(start) => start.checked_sub(start_of(&mdl.head())),
            Begin::Offset(offset) => Some(offset),
        };
        loop {
            let head = mdl.head();
            let flags = flags_of(&head);
            if flags & (flag::LOCKED | flag::NONPAGED | flag::PARTIAL) == 0 {
                let given = [mdl.into(), mdl.flags().into()];
                rule::LIST_OF_UNLOCKED.by(caller, given).report();
                return Err(Refused::Misuse);
            }
            let whole = pages_of(&head).and_then(|pages| mdl.frames(pages));
            let Some(whole) = whole else {
                mdl.report(&rule::LIST_OF_BAD_MDL, start_of(&head), caller);
                return Err(Refused::Misuse);
            };
            // CAST: `usize` is 64 bits wide on the architectures supported.
            let all = head.ByteCount as usize;
            // SAFETY: By the type invariant the chain ends, and its MDLs may be read.
            let next = unsafe { Mdl::next(&head) };
            let here = match (at, self.begin, next) {
                (Some(here), ..) if here < all || (here == 0 && left < self.bytes) => here,
                (Some(further), Begin::Offset(_), Some(next)) => {
                    (mdl, at) = (next, further.checked_sub(all));
                    continue;
                }
                (_, Begin::At(start), _) => {
                    let given = [Parameter::Address(start), self.mdl.into()];
                    rule::LIST_BEGINS_OUTSIDE.by(caller, given).report();
                    return Err(Refused::TooSmall);
                }
                (_, Begin::Offset(offset), _) => {
                    let given = [offset.into(), self.mdl.into()];
                    rule::LIST_BEGINS_OUTSIDE.by(caller, given).report();
                    return Err(Refused::TooSmall);
                }
            };
            let bytes = left.min(all.saturating_sub(here));
            // CAST: As above.
            let from = (head.ByteOffset as usize).saturating_add(here);
            let offset = from % PAGE_SIZE;
            if bytes != 0 {
                visit(Piece {
                    mdl,
                    frames: whole.part(from / PAGE_SIZE, span(offset, bytes)),
                    offset,
                    bytes,
                })?;
            }
            left = left.saturating_sub(bytes);
            if left == 0 {
                return Ok(());
            }
            match next {
                Some(next) => (mdl, at) = (next, Some(0)),
                None => {
                    let given = [left.into(), self.mdl.into()];
                    rule::LIST_ENDS_OUTSIDE.by(caller, given).report();
                    return Err(Refused::TooSmall);
                }
            }
        }
    }

    /// How many pages it lies in. Each needs a map register.
    pub(super) fn pages(&self) -> Result<usize, Refused> {
        if self.bytes == 0 {
            let given = [self.adapter.into(), self.mdl.into()];
            rule::LIST_ZERO_BYTES.by(self.caller, given).report();
            return Err(Refused::Misuse);
        }
        let mut pages = 0usize;
        let count = |piece: Piece| {
            pages = pages.saturating_add(piece.frames.cells().len());
            Ok(())
        };
        self.pieces(count)?;
        Ok(pages)
    }

    /// How far into the buffer of its first MDL it begins.
    pub(super) fn offset(&self) -> usize {
        match self.begin {
            Begin::At(start) => start.wrapping_sub(start_of(&self.mdl.head())),
            Begin::Offset(offset) => offset,
        }
    }

    /// How many bytes, from where it begins, are adjacent in memory and in one MDL.
    pub(super) fn adjacent(&self) -> Result<usize, Refused> {
        let mut found = 0usize;
        let look = |piece: Piece| {
            if found != 0 {
                return Ok(());
            }
            let frames = piece.frames.cells();
            let next_to = |pair: &[Frame]| match pair {
                [one, other] => other.get() == one.get().wrapping_add(1),
                _ => false,
            };
            let run = frames.windows(2).take_while(|pair| next_to(pair)).count() + 1;
            found = run
                .saturating_mul(PAGE_SIZE)
                .saturating_sub(piece.offset)
                .min(piece.bytes);
            Ok(())
        };
        self.pieces(look)?;
        Ok(found)
    }

    /// Lists the memory of its buffers and of its MDLs.
    fn listing(&self, pages: usize) -> Result<Unlisted, Refused> {
        let mut mdls = 0usize;
        let count = |_| {
            mdls = mdls.saturating_add(1);
            Ok(())
        };
        self.pieces(count)?;
        // The head of an MDL may lie in two pages.
        let room = pages.saturating_add(mdls.saturating_mul(2));
        let request = Request {
            bytes: room.saturating_mul(PER_PART),
            zero: false,
            sleep: true,
        };
        let mut listing = request
            .attempt(|gfp| Unlisted::new(room, gfp))
            .ok_or(Refused::Resources)?;
        let add = |piece: Piece| {
            let locker = piece.mdl.locker();
            let mut added = listing.add_at(piece.mdl.addr(), HEAD, locker);
            let (mut offset, mut left) = (piece.offset, piece.bytes);
            for frame in piece.frames.cells() {
                let here = left.min(PAGE_SIZE.saturating_sub(offset));
                added &= listing.add_in(frame.get(), offset, here, locker);
                left = left.saturating_sub(here);
                offset = 0;
            }
            // The MDLs may have been changed since they were counted.
            added.then_some(()).ok_or(Refused::Resources)
        };
        self.pieces(add)?;
        Ok(listing)
    }

    /// Gathers its pages, to be mapped.
    fn gather(&self, pages: usize) -> Result<Unmapped, Refused> {
        let request = Request {
            bytes: pages.saturating_mul(PER_PAGE),
            zero: false,
            sleep: true,
        };
        let mut gathered = request
            .attempt(|gfp| Unmapped::new(pages, gfp))
            .ok_or(Refused::Resources)?;
        let add = |piece: Piece| {
            let frames = piece.frames.cells();
            let added = gathered.add(frames, piece.offset, piece.bytes);
            let Some(odd) = frames.get(added) else {
                return Ok(());
            };
            let at = Parameter::Address(core::ptr::from_ref(odd) as usize);
            let given = [piece.mdl.into(), at, odd.get().into()];
            rule::LISTED_FRAME_OF_NO_MEMORY
                .by(self.caller, given)
                .report();
            Err(Refused::Misuse)
        };
        self.pieces(add)?;
        Ok(gathered)
    }
}

/// About how many bytes are allocated for each page until it is unmapped.
const PER_PAGE: usize = 32;
/// About how many bytes are allocated for each part of a listing.
const PER_PART: usize = 40;

/// A transfer that is mapped, before there is a record of it.
pub(super) struct Made {
    pub(super) mapped: Mapped,
    pages: usize,
    to_device: bool,
    listing: Unlisted,
}

impl Made {
    /// Unmaps it again, before the caller has anything of it. If that cannot be done here, as the
    /// domain has changed, it is deferred. What stays mapped counts as lost. Any context but NMI.
    pub(super) fn undo(self, transfer: &Transfer, device: &Arc<HeldDevice>) {
        // SAFETY: Nobody else has the mapping.
        let mut fate = unsafe { self.mapped.unmap(device, false) };
        let used = self.pages.saturating_mul(PAGE_SIZE);
        if fate.is_none() {
            if sys::irql().may_sleep() && device.may_free() {
                // SAFETY: Nobody else has the mapping, which is still there.
                fate = unsafe { self.mapped.unmap(device, true) };
            } else if let Some(record) = Reservation::new() {
                return self.defer(record, transfer, device, used);
            }
        }
        buffer_release::note_unmapped(device, used, fate);
    }

    /// Has it unmapped later. The caller may free the pages, as it has no list of them.
    fn defer(
        self,
        record: Reservation,
        transfer: &Transfer,
        device: &Arc<HeldDevice>,
        used: usize,
    ) {
        // No list has this address, which only the record has.
        let key = mapped_list::key(record.addr());
        let owner = Owner::List(MappedList {
            adapter: transfer.adapter,
            device: device.clone(),
            elements: self.mapped.elements(),
            mapped: self.mapped,
            to_device: self.to_device,
            listing: None,
            part: None,
            _memory: None,
            freeing: None,
        });
        let base = NonNull::new(key as *mut u8).unwrap_or(NonNull::dangling());
        buffer_release::defer(record.into_region(
            base,
            transfer.bytes,
            used,
            transfer.caller,
            owner,
        ));
    }

    /// What the record of the list at this address contains.
    pub(super) fn into_list(
        self,
        adapter: AdapterId,
        device: Arc<HeldDevice>,
        list: usize,
        memory: Option<ListMemory>,
    ) -> MappedList {
        MappedList {
            adapter,
            device,
            elements: self.mapped.elements(),
            mapped: self.mapped,
            to_device: self.to_device,
            listing: Some(self.listing.enter(list)),
            part: None,
            _memory: memory,
            freeing: None,
        }
    }
}

/// Maps a transfer. If `joined`, adjacent copies of its pages are mapped instead, for a device that
/// takes one element only.
///
/// # Safety
///
/// The device is not removed meanwhile.
pub(super) unsafe fn map(
    transfer: &Transfer,
    device: &DmaDevice,
    to_device: bool,
    joined: bool,
) -> Result<Made, Refused> {
    let pages = transfer.pages()?;
    let gathered = transfer.gather(pages)?;
    let listing = transfer.listing(pages)?;
    let request = Request {
        bytes: pages.saturating_mul(PAGE_SIZE),
        zero: false,
        sleep: true,
    };
    let fill = |gfp| {
        let filled = if joined {
            gathered.join(device, gfp)
        } else {
            gathered.copy(device, gfp)
        };
        filled.then_some(())
    };
    request.attempt(fill).ok_or(Refused::Resources)?;
    // SAFETY: By the safety requirements the device is not removed meanwhile.
    let mapped = unsafe { gathered.map(device, to_device) }.ok_or(Refused::Resources)?;
    Ok(Made {
        mapped,
        pages,
        to_device,
        listing,
    })
}

/// Where a list is to be written.
pub(super) enum Room {
    /// In memory of its own.
    Own,
    /// In so many bytes of the client's.
    Client(NonNull<raw::SCATTER_GATHER_LIST>, usize),
}

impl Room {
    /// The client's memory for the list, if it passed any.
    pub(super) fn of(asked: &raw::rust_pool_transfer) -> Option<Self> {
        // CAST: `usize` is 64 bits wide on the architectures supported.
        let room = asked.room as usize;
        NonNull::new(asked.buffer.cast()).map(|list| Self::Client(list, room))
    }
}

/// Makes a list, or reports why not. Any context; sleeps where it may.
///
/// # Safety
///
/// The device is not removed meanwhile; the room is the client's.
unsafe fn get(
    transfer: &Transfer,
    to_device: bool,
    room: &Room,
) -> Result<NonNull<raw::SCATTER_GATHER_LIST>, Refused> {
    let Transfer {
        adapter: id,
        bytes,
        caller,
        ..
    } = *transfer;
    if sys::irql().is_above_dispatch() {
        rule::LIST_REQUESTED.by(caller, []).report();
        return Err(Refused::Misuse);
    }
    let pages = transfer.pages()?;
    let unknown = || {
        rule::LIST_OF_NO_ADAPTER
            .by(caller, [id.into(), transfer.mdl.into()])
            .report();
    };
    let Reserved {
        device,
        one_element,
    } = adapter::reserve(id, pages, Holder::List, caller, unknown)?;
    let list = (|| {
        if device.is_gone() {
            rule::LIST_WITHOUT_DEVICE.by(caller, [id.into()]).report();
            return Err(Refused::Misuse);
        }
        if hooks::refuse(MemoryType::List, None, bytes, caller) {
            return Err(Refused::Resources);
        }
        let record = Reservation::new().ok_or(Refused::Resources)?;
        // SAFETY: By the safety requirements the device is not removed meanwhile.
        let made = unsafe { map(transfer, &device, to_device, false) }?;
        let elements = made.mapped.elements();
        let found = if elements > 1 && one_element {
            Err(Refused::Resources)
        } else {
            room_for(room, elements)
        };
        let (list, memory) = match found {
            Ok(found) => found,
            Err(refused) => {
                made.undo(transfer, &device);
                return Err(refused);
            }
        };
        // SAFETY: There is room for as many elements.
        unsafe { made.mapped.write(list) };
        let at = list.as_ptr() as usize;
        let key = mapped_list::key(at);
        let owner = Owner::List(made.into_list(id, device.clone(), at, memory));
        let key = NonNull::new(key as *mut u8).ok_or(Refused::Misuse)?;
        record.insert(key, bytes, pages.saturating_mul(PAGE_SIZE), caller, owner);
        Ok(list)
    })();
    if list.is_err() {
        adapter::unreserve(id, pages, Holder::List);
    }
    list
}

/// A place for a list of so many elements, and the memory there if it is not the client's.
fn room_for(
    room: &Room,
    elements: usize,
) -> Result<(NonNull<raw::SCATTER_GATHER_LIST>, Option<ListMemory>), Refused> {
    let bytes = sys::list_bytes(elements).ok_or(Refused::Resources)?;
    match *room {
        Room::Client(list, room) if room >= bytes => Ok((list, None)),
        Room::Client(..) => Err(Refused::TooSmall),
        Room::Own => {
            let request = Request {
                bytes,
                zero: false,
                sleep: true,
            };
            let memory = request
                .attempt(|gfp| ListMemory::new(bytes, gfp))
                .ok_or(Refused::Resources)?;
            Ok((memory.at(), Some(memory)))
        }
    }
}

/// Puts a list: unmaps its pages, and frees it. Any context, any address.
fn put(id: AdapterId, list: usize, to_device: bool, caller: usize) {
    let at = Parameter::Address(list);
    let irql = sys::irql();
    if irql.is_above_dispatch() {
        rule::LIST_PUT.by(caller, []).report();
    }
    if irql.is_nmi() {
        return;
    }
    let key = mapped_list::key(list);
    let taken = REGIONS.take(key, |region| match &region.owner {
        Owner::List(list) if list.adapter == id => Ok(()),
        Owner::List(_) => Err(Misfit::Arguments(region.facts())),
        _ => Err(Misfit::Family(region.facts())),
    });
    let taken = taken.or_report(
        MemoryType::List,
        key,
        |_| rule::LIST_MISFIT.by(caller, [id.into(), at]),
        || rule::NOT_A_LIST.by(caller, [id.into(), at]),
    );
    let Some(region) = taken else {
        return;
    };
    let registers = region.used / PAGE_SIZE;
    if matches!(&region.owner, Owner::List(list) if list.to_device != to_device) {
        let given = [id.into(), at, u32::from(to_device).into()];
        rule::LIST_MISDIRECTED.by(caller, given).report();
    }
    unmap(region, at, caller);
    adapter::unreserve(id, registers, Holder::List);
}

/// Unmaps a list, or a piece of a packet, whose region is in no table any more. If that cannot be
/// done here, it is deferred. Reports name `at`: the list, or the map register base. Any context
/// but NMI.
pub(super) fn unmap(mut region: KBox<Region>, at: Parameter, caller: usize) {
    let mut sleep = sys::irql().may_sleep();
    let mut unmapped = false;
    let used = region.used;
    if let Owner::List(list) = &mut region.owner {
        list.listing = None;
        let freeing = Freeing::new(&list.device, list.mapped.origin(), caller);
        sleep &= list.device.may_free();
        // SAFETY: The region is in no table, so nobody else has it.
        let fate = unsafe { list.mapped.unmap(&list.device, sleep) };
        if let Some(fate) = fate {
            buffer_release::note_unmapped(&list.device, used, Some(fate));
            freeing.report_list(&list.device, list.adapter, at, list.part.is_some(), fate);
            unmapped = true;
        }
        list.freeing = Some(freeing);
    }
    if !unmapped {
        buffer_release::defer(region);
    }
}

/// Reports a request without a place for its result, by its rule.
pub(super) fn for_nobody(asked: &raw::rust_pool_transfer, rule: &Rule<2>) -> Refused {
    let id = AdapterId::new(asked.adapter);
    let mdl = Parameter::Address(asked.mdl as usize);
    rule.by(asked.caller, [id.into(), mdl]).report();
    Refused::Misuse
}

/// `GetScatterGatherList`; `BuildScatterGatherList` if there is a buffer.
///
/// # Safety
///
/// The transfer is valid. Its MDL is null, or the first of a chain that ends, of MDLs as for
/// [`Mdl::new`]. The device is not removed meanwhile. The buffer is null, or valid for `room` bytes
/// until the list is put. `list` is null or valid for a write.
#[no_mangle]
unsafe extern "C" fn rust_pool_list_get(
    transfer: *const raw::rust_pool_transfer,
    list: *mut *mut raw::SCATTER_GATHER_LIST,
) -> i32 {
    // SAFETY: By the safety requirements the transfer may be read.
    let asked = unsafe { transfer.read() };
    if list.is_null() {
        return for_nobody(&asked, &rule::LIST_FOR_NOBODY).status();
    }
    // SAFETY: By the safety requirements its MDL is null, or the first of a chain that ends.
    let Some(transfer) = (unsafe { Transfer::from_raw(&asked) }) else {
        return Refused::Misuse.status();
    };
    let room = Room::of(&asked).unwrap_or(Room::Own);
    // SAFETY: By the safety requirements the device is not removed meanwhile, and the buffer is the
    // client's until the list is put.
    match unsafe { get(&transfer, asked.to_device, &room) } {
        Ok(made) => {
            // SAFETY: By the safety requirements `list` may be written, as it is not null.
            unsafe { list.write(made.as_ptr()) };
            Status::Success.as_raw()
        }
        Err(refused) => refused.status(),
    }
}
matches_header!(rust_pool_list_get);

/// `PutScatterGatherList`.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_list_put(
    adapter: *mut raw::DMA_ADAPTER,
    list: *mut raw::SCATTER_GATHER_LIST,
    to_device: bool,
    caller: usize,
) {
    put(AdapterId::new(adapter), list as usize, to_device, caller);
}
matches_header!(rust_pool_list_put);

/// `CalculateScatterGatherList`: room for a list with an element for each page.
///
/// # Safety
///
/// As for [`rust_pool_list_get`], for the transfer; `size` and `registers` are null or valid for a
/// write.
#[no_mangle]
unsafe extern "C" fn rust_pool_list_size(
    transfer: *const raw::rust_pool_transfer,
    size: *mut u32,
    registers: *mut u32,
) -> i32 {
    // SAFETY: By the safety requirements the transfer may be read.
    let asked = unsafe { transfer.read() };
    let caller = asked.caller;
    if size.is_null() {
        return for_nobody(&asked, &rule::LIST_SIZE_FOR_NOBODY).status();
    }
    let pages = if asked.mdl.is_null() && !asked.by_offset {
        // CAST: `usize` is 64 bits wide on the architectures supported.
        Ok(span(asked.begin as usize, asked.bytes as usize))
    } else {
        // SAFETY: By the safety requirements its MDL is null, or the first of a chain that ends.
        let transfer = unsafe { Transfer::from_raw(&asked) };
        transfer
            .ok_or(Refused::Misuse)
            .and_then(|transfer| transfer.pages())
    };
    let sized = pages.and_then(|pages| {
        let most = known(AdapterId::new(asked.adapter), caller)?.registers;
        let pages = u32::try_from(pages).map_err(|_| Refused::Resources)?;
        if pages > most {
            return Err(Refused::Resources);
        }
        // CAST: As above.
        let bytes = sys::list_bytes(pages as usize).and_then(|bytes| u32::try_from(bytes).ok());
        Ok((bytes.ok_or(Refused::Resources)?, pages))
    });
    match sized {
        Ok((bytes, pages)) => {
            // SAFETY: By the safety requirements each may be written if it is not null, which
            // `size` is not.
            unsafe {
                size.write(bytes);
                if !registers.is_null() {
                    registers.write(pages);
                }
            }
            Status::Success.as_raw()
        }
        Err(refused) => refused.status(),
    }
}
matches_header!(rust_pool_list_size);

/// What is known of an adapter. Reports a violation if `id` is not an adapter, or in NMI.
fn known(id: AdapterId, caller: usize) -> Result<adapter::Facts, Refused> {
    if sys::irql().is_nmi() {
        rule::LIST_REQUESTED.by(caller, []).report();
        return Err(Refused::Misuse);
    }
    adapter::facts(id).ok_or_else(|| {
        adapter::not_an_adapter(id, caller, || {
            rule::FACTS_OF_NO_ADAPTER.by(caller, [id.into()]).report();
        });
        Refused::Misuse
    })
}

/// `GetDmaAdapterInfo`.
///
/// # Safety
///
/// `info` is null or valid for a write.
#[no_mangle]
unsafe extern "C" fn rust_pool_adapter_info(
    adapter: *mut raw::DMA_ADAPTER,
    info: *mut raw::DMA_ADAPTER_INFO_V1,
    caller: usize,
) -> i32 {
    let id = AdapterId::new(adapter);
    let facts = match known(id, caller) {
        Ok(facts) => facts,
        Err(refused) => return refused.status(),
    };
    if info.is_null() {
        rule::INFO_FOR_NOBODY.by(caller, [id.into()]).report();
        return Refused::Misuse.status();
    }
    let elements = if facts.one_element {
        1
    } else {
        facts.registers
    };
    let made = raw::DMA_ADAPTER_INFO_V1 {
        ReadDmaCounterAvailable: 0,
        ScatterGatherLimit: elements,
        DmaAddressWidth: u64::BITS - facts.mask.leading_zeros(),
        Flags: raw::ADAPTER_INFO_SYNCHRONOUS_CALLBACK,
        MinimumTransferUnit: 1,
    };
    // SAFETY: By the safety requirements `info` may be written, as it is not null.
    unsafe { info.write(made) };
    Status::Success.as_raw()
}
matches_header!(rust_pool_adapter_info);
