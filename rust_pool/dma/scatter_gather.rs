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
    lib::{
        argument::{
            Output,
            Passed, //
        },
        export::matches_header, //
    },
    mdl::{
        flag,
        flags_of,
        pages_of,
        some_of,
        span,
        start_of,
        Chain,
        Mdl,
        HEAD, //
    },
    memory::request::Request,
    record::{
        adapter_id::AdapterId,
        device_event::Release,
        held_device::HeldDevice,
        mapped_list::{
            self,
            MappedList, //
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
        violation::{
            Parameter,
            Rule, //
        }, //
    },
    sys::{
        self,
        raw,
        Frame,
        ListMemory,
        ListRoom,
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
use core::{
    marker::PhantomData,
    mem::{
        offset_of,
        size_of, //
    },
    ops::Deref,
    ptr::NonNull, //
};
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

/// A `rust_pool_transfer`, with a type for the MDLs.
#[repr(C)]
struct Asking<'call> {
    adapter: *mut raw::DMA_ADAPTER,
    mdl: Option<Chain<'call>>,
    begin: u64,
    by_offset: bool,
    bytes: u32,
    to_device: bool,
    buffer: *mut c_void,
    room: u32,
    caller: usize,
}

macro_rules! as_declared {
    ($($member:ident)*) => {
        const _: () = {
            assert!(size_of::<Asking<'_>>() == size_of::<raw::rust_pool_transfer>());
            $(assert!(
                offset_of!(Asking<'_>, $member) == offset_of!(raw::rust_pool_transfer, $member)
            );)*
        };
    };
}

as_declared! { adapter mdl begin by_offset bytes to_device buffer room caller }

/// What a client asks for, about a transfer.
///
/// # Invariants
///
/// For `'call`, its buffer is null or a [`ListRoom`] of so many bytes, which is the client's until
/// the list is put.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Asked<'call>(&'call Asking<'call>);

// SAFETY: It is a transparent reference, to what has the same members. The callers of such
// functions pass a valid transfer, whose MDL is null or the first of a chain.
unsafe impl Passed<*const raw::rust_pool_transfer> for Asked<'_> {}

impl<'call> Asked<'call> {
    fn adapter(self) -> AdapterId {
        AdapterId::new(self.0.adapter)
    }

    pub(super) fn to_device(self) -> bool {
        self.0.to_device
    }

    /// What is to be transferred; without an MDL it is a violation.
    pub(super) fn transfer(self) -> Option<Transfer<'call>> {
        let Some(mdls) = self.0.mdl else {
            return Mdl::given(None, self.0.caller).and(None);
        };
        // CAST: `usize` is 64 bits wide on the architectures supported.
        let (begin, bytes) = (self.0.begin as usize, self.0.bytes as usize);
        Some(Transfer {
            adapter: self.adapter(),
            mdls,
            begin: if self.0.by_offset {
                Begin::Offset(begin)
            } else {
                Begin::At(begin)
            },
            bytes,
            caller: self.0.caller,
        })
    }

    /// The client's memory for the list, if it passed any.
    pub(super) fn room(self) -> Option<ListRoom<'call>> {
        let list = NonNull::new(self.0.buffer.cast())?;
        // CAST: `usize` is 64 bits wide on the architectures supported.
        let room = self.0.room as usize;
        // SAFETY: By the type invariant.
        Some(unsafe { ListRoom::new(list, room) })
    }

    /// How many pages it lies in. An address needs no MDL for that.
    fn pages(self) -> Result<usize, Refused> {
        if self.0.mdl.is_none() && !self.0.by_offset {
            // CAST: `usize` is 64 bits wide on the architectures supported.
            return Ok(span(self.0.begin as usize, self.0.bytes as usize));
        }
        self.transfer().ok_or(Refused::Misuse)?.pages()
    }

    /// Reports a request without a place for its result, by its rule.
    pub(super) fn for_nobody(self, rule: &Rule<2>) -> Refused {
        let mdl = self.0.mdl.map_or(0, |mdls| mdls.first().addr());
        let mdl = Parameter::Address(mdl);
        rule.by(self.0.caller, [self.adapter().into(), mdl])
            .report();
        Refused::Misuse
    }
}

/// A request to map the transfer.
///
/// # Invariants
///
/// For `'call`, the device of the adapter is not removed, either.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct AskedToMap<'call>(Asked<'call>);

// SAFETY: As above; its callers promise more.
unsafe impl Passed<*const raw::rust_pool_transfer> for AskedToMap<'_> {}

impl<'call> Deref for AskedToMap<'call> {
    type Target = Asked<'call>;

    fn deref(&self) -> &Asked<'call> {
        &self.0
    }
}

impl<'call> AskedToMap<'call> {
    /// Takes map registers for a list, or reports why not.
    fn reserve(self, registers: usize, unknown: impl FnOnce()) -> Result<Target<'call>, Refused> {
        let (id, caller) = (self.adapter(), self.0 .0.caller);
        let Reserved {
            device,
            one_element,
        } = adapter::reserve(id, registers, Holder::List, caller, unknown)?;
        // INVARIANT: By the type invariant, as it is the device of the adapter.
        Ok(Target {
            device,
            one_element,
            _call: PhantomData,
        })
    }

    /// The device of the adapter. Any context but NMI.
    pub(super) fn target(self) -> Option<Target<'call>> {
        let (device, one_element) = adapter::device_of(self.adapter())?;
        // INVARIANT: By the type invariant.
        Some(Target {
            device,
            one_element,
            _call: PhantomData,
        })
    }
}

/// The device that a transfer is mapped for.
///
/// # Invariants
///
/// It is not removed for `'call`.
pub(super) struct Target<'call> {
    pub(super) device: Arc<HeldDevice>,
    /// Whether a list may have only one element.
    pub(super) one_element: bool,
    _call: PhantomData<&'call ()>,
}

/// What is to be transferred.
#[derive(Clone, Copy)]
pub(super) struct Transfer<'call> {
    pub(super) adapter: AdapterId,
    mdls: Chain<'call>,
    begin: Begin,
    pub(super) bytes: usize,
    pub(super) caller: usize,
}

/// A part of a transfer that is in one MDL.
struct Piece<'call> {
    mdl: Mdl<'call>,
    /// The frames that it needs.
    frames: &'call [Frame],
    /// Where it begins in the first.
    offset: usize,
    bytes: usize,
}

impl<'call> Transfer<'call> {
    /// The first of its MDLs.
    pub(super) fn mdl(&self) -> Mdl<'call> {
        self.mdls.first()
    }

    /// Calls `visit` on each piece. If the chain does not have all of the transfer, reports that
    /// and returns an error.
    fn pieces(
        &self,
        mut visit: impl FnMut(Piece<'call>) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let Self {
            mut mdls, caller, ..
        } = *self;
        let mut left = self.bytes;
        // How far into the MDL it begins; unknown for an address that is in front of it.
        let mut at = match self.begin {
            Begin::At(start) => start.checked_sub(start_of(&mdls.first().head())),
            Begin::Offset(offset) => Some(offset),
        };
        loop {
            let mdl = mdls.first();
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
            let next = mdls.rest();
            let here = match (at, self.begin, next) {
                (Some(here), ..) if here < all || (here == 0 && left < self.bytes) => here,
                (Some(further), Begin::Offset(_), Some(next)) => {
                    (mdls, at) = (next, further.checked_sub(all));
                    continue;
                }
                (_, Begin::At(start), _) => {
                    let given = [Parameter::Address(start), self.mdl().into()];
                    rule::LIST_BEGINS_OUTSIDE.by(caller, given).report();
                    return Err(Refused::TooSmall);
                }
                (_, Begin::Offset(offset), _) => {
                    let given = [offset.into(), self.mdl().into()];
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
                    frames: some_of(whole, from / PAGE_SIZE, span(offset, bytes)),
                    offset,
                    bytes,
                })?;
            }
            left = left.saturating_sub(bytes);
            if left == 0 {
                return Ok(());
            }
            match next {
                Some(next) => (mdls, at) = (next, Some(0)),
                None => {
                    let given = [left.into(), self.mdl().into()];
                    rule::LIST_ENDS_OUTSIDE.by(caller, given).report();
                    return Err(Refused::TooSmall);
                }
            }
        }
    }

    /// How many pages it lies in. Each needs a map register.
    pub(super) fn pages(&self) -> Result<usize, Refused> {
        if self.bytes == 0 {
            let given = [self.adapter.into(), self.mdl().into()];
            rule::LIST_ZERO_BYTES.by(self.caller, given).report();
            return Err(Refused::Misuse);
        }
        let mut pages = 0usize;
        let count = |piece: Piece<'_>| {
            pages = pages.saturating_add(piece.frames.len());
            Ok(())
        };
        self.pieces(count)?;
        Ok(pages)
    }

    /// How far into the buffer of its first MDL it begins.
    pub(super) fn offset(&self) -> usize {
        match self.begin {
            Begin::At(start) => start.wrapping_sub(start_of(&self.mdl().head())),
            Begin::Offset(offset) => offset,
        }
    }

    /// How many bytes, from where it begins, are adjacent in memory and in one MDL.
    pub(super) fn adjacent(&self) -> Result<usize, Refused> {
        let mut found = 0usize;
        let look = |piece: Piece<'_>| {
            if found != 0 {
                return Ok(());
            }
            let frames = piece.frames;
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
        let count = |_: Piece<'_>| {
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
        let add = |piece: Piece<'_>| {
            let locker = piece.mdl.locker();
            let mut added = listing.add_at(piece.mdl.addr(), HEAD, locker);
            let (mut offset, mut left) = (piece.offset, piece.bytes);
            for frame in piece.frames {
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
        let add = |piece: Piece<'_>| {
            let frames = piece.frames;
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
    pub(super) mapped: Mapped<Arc<HeldDevice>>,
    pages: usize,
    to_device: bool,
    listing: Unlisted,
}

impl Made {
    /// Unmaps it again, before the caller has anything of it. If that cannot be done here, as the
    /// domain has changed, it is deferred. What stays mapped counts as lost. Any context but NMI.
    pub(super) fn undo(self, transfer: &Transfer<'_>) {
        let device = self.mapped.device();
        let mut fate = self.mapped.unmap(false);
        let used = self.pages.saturating_mul(PAGE_SIZE);
        if fate.is_none() {
            if sys::irql().may_sleep() && device.may_free() {
                fate = self.mapped.unmap(true);
            } else if let Some(record) = Reservation::new() {
                return self.defer(record, transfer, used);
            }
        }
        buffer_release::note_unmapped(device, used, fate);
    }

    /// Leaves the transfer to be unmapped later. The caller may free the pages, as it has no list
    /// of them.
    fn defer(self, record: Reservation, transfer: &Transfer<'_>, used: usize) {
        // No list has this address, which only the record has.
        let key = mapped_list::key(record.addr());
        let owner = Owner::List(MappedList {
            adapter: transfer.adapter,
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
        list: usize,
        memory: Option<ListMemory>,
    ) -> MappedList {
        MappedList {
            adapter,
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
pub(super) fn map(
    transfer: &Transfer<'_>,
    target: &Target<'_>,
    to_device: bool,
    joined: bool,
) -> Result<Made, Refused> {
    let device = &target.device;
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
    // SAFETY: By the invariant of `Target` the device is not removed meanwhile. Who transfers
    // memory keeps it until the transfer has ended, and `listing` finds what is freed before.
    let mapped = unsafe { gathered.map(device.clone(), to_device) };
    let mapped = mapped.ok_or(Refused::Resources)?;
    Ok(Made {
        mapped,
        pages,
        to_device,
        listing,
    })
}

/// Where a list is written.
enum Place<'call> {
    /// In memory of its own.
    Own(ListMemory),
    /// In the client's memory.
    Client(ListRoom<'call>),
}

impl<'call> Place<'call> {
    /// The client's memory, or else new memory for so many elements.
    fn new(client: Option<ListRoom<'call>>, elements: usize) -> Result<Self, Refused> {
        let bytes = sys::list_bytes(elements).ok_or(Refused::Resources)?;
        if let Some(room) = client {
            return Ok(Self::Client(room));
        }
        let request = Request {
            bytes,
            zero: false,
            sleep: true,
        };
        let memory = request.attempt(|gfp| ListMemory::new(bytes, gfp));
        memory.map(Self::Own).ok_or(Refused::Resources)
    }

    fn room(&self) -> ListRoom<'_> {
        match self {
            Self::Own(memory) => memory.room(),
            Self::Client(room) => *room,
        }
    }

    /// The memory, if it is not the client's.
    fn into_memory(self) -> Option<ListMemory> {
        match self {
            Self::Own(memory) => Some(memory),
            Self::Client(_) => None,
        }
    }
}

/// Makes a list, or reports why not. Any context; sleeps where it may.
fn get(
    asked: AskedToMap<'_>,
    transfer: &Transfer<'_>,
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
            .by(caller, [id.into(), transfer.mdl().into()])
            .report();
    };
    let target = asked.reserve(pages, unknown)?;
    let list = (|| {
        if target.device.is_gone() {
            rule::LIST_WITHOUT_DEVICE.by(caller, [id.into()]).report();
            return Err(Refused::Misuse);
        }
        if hooks::refuse(MemoryType::List, None, bytes, caller) {
            return Err(Refused::Resources);
        }
        let record = Reservation::new().ok_or(Refused::Resources)?;
        let made = map(transfer, &target, asked.to_device(), false)?;
        let elements = made.mapped.elements();
        let place = if elements > 1 && target.one_element {
            Err(Refused::Resources)
        } else {
            Place::new(asked.room(), elements)
        };
        let written = place.and_then(|place| {
            let written = made.mapped.write(place.room());
            written.then_some(place).ok_or(Refused::TooSmall)
        });
        let place = match written {
            Ok(place) => place,
            Err(refused) => {
                made.undo(transfer);
                return Err(refused);
            }
        };
        let list = place.room().list();
        let at = list.as_ptr() as usize;
        let key = mapped_list::key(at);
        let owner = Owner::List(made.into_list(id, at, place.into_memory()));
        let key = NonNull::new(key as *mut u8).ok_or(Refused::Misuse)?;
        record.insert(key, bytes, pages.saturating_mul(PAGE_SIZE), caller, owner);
        Ok(list)
    })();
    if list.is_err() {
        adapter::unreserve(id, pages, Holder::List);
    }
    list
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
    let taken = REGIONS.take_or_report(
        MemoryType::List,
        key,
        |region| matches!(&region.owner, Owner::List(list) if list.adapter == id),
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
        let device = list.mapped.device();
        let freeing = Release::new(device, list.mapped.origin(), caller);
        sleep &= device.may_free();
        if let Some(fate) = list.mapped.unmap(sleep) {
            buffer_release::note_unmapped(device, used, Some(fate));
            freeing.report_list(device, list.adapter, at, list.part.is_some(), fate);
            unmapped = true;
        }
        list.freeing = Some(freeing);
    }
    if !unmapped {
        buffer_release::defer(region);
    }
}

/// `GetScatterGatherList`; `BuildScatterGatherList` if there is a buffer.
///
/// # Safety
///
/// The transfer keeps to the invariants of [`AskedToMap`], and `list` to what [`Output`] says.
#[no_mangle]
unsafe extern "C" fn rust_pool_list_get(
    asked: AskedToMap<'_>,
    list: Output<'_, *mut raw::SCATTER_GATHER_LIST>,
) -> i32 {
    if list.is_null() {
        return asked.for_nobody(&rule::LIST_FOR_NOBODY).status();
    }
    let Some(transfer) = asked.transfer() else {
        return Refused::Misuse.status();
    };
    match get(asked, &transfer) {
        Ok(made) => {
            list.write(made.as_ptr());
            Status::Success.as_raw()
        }
        Err(refused) => refused.status(),
    }
}
matches_header!(rust_pool_list_get(_, _));

/// `PutScatterGatherList`.
#[no_mangle]
extern "C" fn rust_pool_list_put(
    adapter: *mut raw::DMA_ADAPTER,
    list: *mut raw::SCATTER_GATHER_LIST,
    to_device: bool,
    caller: usize,
) {
    put(AdapterId::new(adapter), list as usize, to_device, caller);
}
matches_header!(safe rust_pool_list_put(_, _, _, _));

/// `CalculateScatterGatherList`: room for a list with an element for each page.
///
/// # Safety
///
/// The transfer keeps to the invariants of [`Asked`], `size` and `registers` to what [`Output`]
/// says.
#[no_mangle]
unsafe extern "C" fn rust_pool_list_size(
    asked: Asked<'_>,
    size: Output<'_, u32>,
    registers: Output<'_, u32>,
) -> i32 {
    if size.is_null() {
        return asked.for_nobody(&rule::LIST_SIZE_FOR_NOBODY).status();
    }
    let sized = asked.pages().and_then(|pages| {
        let most = known(asked.adapter(), asked.0.caller)?.registers;
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
            size.write(bytes);
            registers.write(pages);
            Status::Success.as_raw()
        }
        Err(refused) => refused.status(),
    }
}
matches_header!(rust_pool_list_size(_, _, _));

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
/// `info` keeps to what [`Output`] says.
#[no_mangle]
unsafe extern "C" fn rust_pool_adapter_info(
    adapter: *mut raw::DMA_ADAPTER,
    info: Output<'_, raw::DMA_ADAPTER_INFO_V1>,
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
    info.write(raw::DMA_ADAPTER_INFO_V1 {
        ReadDmaCounterAvailable: 0,
        ScatterGatherLimit: elements,
        DmaAddressWidth: u64::BITS - facts.mask.leading_zeros(),
        Flags: raw::ADAPTER_INFO_SYNCHRONOUS_CALLBACK,
        MinimumTransferUnit: 1,
    });
    Status::Success.as_raw()
}
matches_header!(rust_pool_adapter_info(_, _, _));
