// SPDX-License-Identifier: GPL-2.0

//! The channel of an adapter: who has it, and who waits for it.
//!
//! A request has the channel from when it is granted: while its routine is called, and after that
//! for as long as the driver keeps it. Others wait meanwhile, the first one first, each in a record
//! that was allocated when it asked. So a grant needs no memory and does not fail. Whoever frees
//! the channel grants it to the next. A request that comes when the channel is free but others wait
//! goes behind them.
//!
//! WDK: "AllocateAdapterChannel", "CancelAdapterChannel".

use crate::{
    lib::{
        list::{
            linked_by_next,
            List,
            Next, //
        },
        text::kwrite, //
    },
    memory::request,
    record::{
        adapter_id::AdapterId,
        Region, //
    },
    sys::{
        self,
        raw,
        Client,
        Module, //
    }, //
};
use kernel::{
    fmt,
    prelude::*, //
};

/// A request, and the packet that it gets.
pub(crate) struct Request {
    next: Next<Request>,
    /// Requests are numbered in the order in which they ask.
    pub(crate) number: u64,
    /// What the driver asked for, for C code. Its pointers are only compared, and passed on. It has
    /// no caller any more: the packet's call site keeps its name.
    asked: raw::rust_pool_channel,
    /// The module that asked, whose code its routine may need. The call site would not do, as it
    /// may be in init code, which is freed by then.
    client: Option<Client>,
    pub(crate) packet: KBox<Region>,
}

// SAFETY: Nothing is done here with the pointers inside but to compare them. A region may be sent.
unsafe impl Send for Request {}

linked_by_next!(Request);

impl Request {
    /// A request for a packet with this map register base; `None` without memory. Sleeps only if
    /// the context may.
    pub(crate) fn new(
        asked: &raw::rust_pool_channel,
        packet: KBox<Region>,
        base: usize,
    ) -> Option<KBox<Self>> {
        let room = request::Request {
            bytes: size_of::<Self>(),
            zero: false,
            sleep: true,
        };
        let room = room.attempt(sys::room)?;
        let mut asked = *asked;
        asked.base = base as *mut c_void;
        asked.caller = 0;
        Some(KBox::write(
            room,
            Self {
                next: Next::none(),
                number: 0,
                asked,
                client: packet.site.client(),
                packet,
            },
        ))
    }

    /// The packet, and what C code needs to call the routine.
    pub(crate) fn into_parts(this: KBox<Self>) -> (KBox<Region>, raw::rust_pool_channel) {
        let Self { packet, asked, .. } = KBox::into_inner(this);
        (packet, asked)
    }

    /// The adapter whose channel it is for.
    pub(crate) fn adapter(&self) -> AdapterId {
        AdapterId::new(self.asked.adapter)
    }

    /// How many map registers it is for.
    pub(crate) fn registers(&self) -> usize {
        // CAST: `usize` is 64 bits wide on the architectures supported.
        self.asked.registers as usize
    }

    /// Whether Windows could not queue both: they have the same device object or transfer context.
    fn is_like(&self, other: &Self) -> bool {
        let (one, other) = (&self.asked, &other.asked);
        let same = |one: *mut c_void, other| !one.is_null() && core::ptr::eq(one, other);
        match (one.by_ex, other.by_ex) {
            (true, true) => same(one.transfer, other.transfer),
            (false, false) => same(one.device.cast(), other.device.cast()),
            _ => false,
        }
    }

    /// Whether its call needs code of this module.
    fn is_of(&self, module: Module) -> bool {
        // CAST: An address, to compare.
        let routine = self.asked.routine.map_or(0, |routine| routine as usize);
        self.client == Some(module.client()) || module.contains(routine)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(
            f,
            "request for the channel of adapter {} with {} map registers",
            self.adapter(),
            self.asked.registers
        )
    }
}

/// Why somebody has the channel.
#[derive(PartialEq, Eq)]
enum State {
    /// The routine is being called.
    Called,
    /// The routine still runs, but the channel was freed already, as by an interrupt of the device.
    Freed,
    /// The driver keeps it.
    Kept,
}

/// Who has the channel.
struct Holder {
    /// The map register base of the packet.
    base: usize,
    state: State,
    /// Whose code the routine needs.
    client: Option<Client>,
    /// The routine's address.
    routine: usize,
}

/// What came of a request.
pub(crate) enum Outcome {
    /// It has the channel.
    Granted(KBox<Request>),
    /// It waits. Whether it is one for which Windows has no room.
    Waits { twice: bool },
    /// It would have to wait, but must not.
    Refused,
}

/// The channel of an adapter.
pub(crate) struct Channel {
    holder: Option<Holder>,
    /// Those who wait, the first one first.
    waiting: List<Request>,
}

impl Channel {
    /// A channel that nobody has.
    pub(crate) const fn new() -> Self {
        Self {
            holder: None,
            waiting: List::new(),
        }
    }

    /// How many drivers keep it.
    pub(crate) fn keepers(&self) -> usize {
        let holder = self.holder.iter();
        holder.filter(|it| it.state == State::Kept).count()
    }

    /// How many routines are called that may keep it.
    pub(crate) fn callees(&self) -> usize {
        let holder = self.holder.iter();
        holder.filter(|it| it.state != State::Kept).count()
    }

    /// Whether the next request may have it.
    pub(crate) fn is_due(&self) -> bool {
        self.holder.is_none() && self.waiting.iter().next().is_some()
    }

    /// Those who wait.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Request> {
        self.waiting.iter()
    }

    fn hold(&mut self, request: &Request) {
        let routine = request.asked.routine;
        self.holder = Some(Holder {
            base: request.asked.base as usize,
            state: match routine {
                Some(_) => State::Called,
                None => State::Kept,
            },
            client: request.client,
            // CAST: An address, to compare.
            routine: routine.map_or(0, |routine| routine as usize),
        });
    }

    /// Asks for the channel. A request without a routine keeps it at once.
    pub(crate) fn ask(&mut self, request: KBox<Request>) -> Outcome {
        if self.holder.is_none() && !self.is_due() {
            self.hold(&request);
            return Outcome::Granted(request);
        }
        if request.asked.at_once {
            return Outcome::Refused;
        }
        let twice = self.waiting.iter().any(|other| other.is_like(&request));
        self.waiting.append(request);
        Outcome::Waits { twice }
    }

    /// Grants the channel to the next, if nobody has it.
    pub(crate) fn grant(&mut self) -> Option<KBox<Request>> {
        if self.holder.is_some() {
            return None;
        }
        let next = self.waiting.pop()?;
        self.hold(&next);
        Some(next)
    }

    /// The driver keeps the channel, for the packet with this map register base whose routine was
    /// called. If it was freed before the routine returned, it is free now. Returns whether
    /// somebody waits for it then.
    pub(crate) fn keep(&mut self, base: usize) -> bool {
        if let Some(holder) = self.holder.as_mut().filter(|holder| holder.base == base) {
            if holder.state == State::Called {
                holder.state = State::Kept;
            }
        }
        self.end(base)
    }

    /// Frees the channel if the holder is such a one. Returns whether somebody waits for it then.
    fn free(&mut self, is_it: impl FnOnce(&Holder) -> bool) -> bool {
        if !self.holder.as_ref().is_some_and(is_it) {
            return false;
        }
        self.holder = None;
        self.is_due()
    }

    /// Frees the channel if the packet with this map register base has it, and its routine returned
    /// without keeping it. Returns whether somebody waits for it then.
    pub(crate) fn end(&mut self, base: usize) -> bool {
        self.free(|holder| holder.base == base && holder.state != State::Kept)
    }

    /// Frees the channel if this packet has it, whose map registers are being given back. As long
    /// as its routine is called, others go on waiting. Returns whether somebody waits for it then.
    pub(crate) fn leave(&mut self, base: usize) -> bool {
        if let Some(holder) = self.holder.as_mut().filter(|holder| holder.base == base) {
            if holder.state == State::Called {
                holder.state = State::Freed;
            }
        }
        self.free(|holder| holder.base == base && holder.state == State::Kept)
    }

    /// Frees the channel, but not twice. As long as the routine is called, others go on waiting.
    /// Returns the map register base of the packet.
    pub(crate) fn take(&mut self) -> Option<usize> {
        let holder = self.holder.as_mut()?;
        let base = holder.base;
        match holder.state {
            State::Called => holder.state = State::Freed,
            State::Freed => return None,
            State::Kept => self.holder = None,
        }
        Some(base)
    }

    /// Takes out the first request that waits with this transfer context.
    pub(crate) fn cancel(&mut self, transfer: *mut c_void) -> Option<KBox<Request>> {
        self.waiting.unlink(|request| {
            request.asked.by_ex && core::ptr::eq(request.asked.transfer, transfer)
        })
    }

    /// Takes out the next request that waits and whose call needs code of this module; any, if
    /// there is none.
    pub(crate) fn remove(&mut self, module: Option<Module>) -> Option<KBox<Request>> {
        self.waiting
            .unlink(|request| module.is_none_or(|module| request.is_of(module)))
    }

    /// Takes out all that wait.
    pub(crate) fn give_up(&mut self) -> List<Request> {
        core::mem::replace(&mut self.waiting, List::new())
    }

    /// Whether a routine is called that needs code of this module.
    pub(crate) fn calls(&self, module: Module) -> bool {
        self.holder.as_ref().is_some_and(|holder| {
            let client = holder.client == Some(module.client());
            holder.state != State::Kept && (client || module.contains(holder.routine))
        })
    }
}

#[kernel::macros::kunit_tests(rust_pool_channel)]
mod tests {
    use super::*;
    use crate::record::{
        packet::Packet,
        table::Reservation,
        Owner, //
    };
    use core::ptr::{
        null_mut,
        NonNull, //
    };

    unsafe extern "C" fn routine(
        _device: *mut raw::DEVICE_OBJECT,
        _irp: *mut raw::_IRP,
        _base: *mut c_void,
        _context: *mut c_void,
    ) -> raw::IO_ALLOCATION_ACTION {
        raw::_IO_ALLOCATION_ACTION_KeepObject
    }

    /// A request with this map register base; not by Ex if `transfer` is 0.
    fn request(base: usize, transfer: usize) -> Result<KBox<Request>> {
        let adapter = AdapterId::new(null_mut());
        let record = Reservation::new().ok_or(ENOMEM)?;
        let owner = Owner::Packet(Packet::new(adapter, 1));
        let packet = record.into_region(NonNull::dangling(), 0, 0, 0, owner);
        let asked = raw::rust_pool_channel {
            adapter: null_mut(),
            registers: 1,
            wanted: true,
            by_ex: transfer != 0,
            at_once: false,
            registers_only: false,
            routine: Some(routine),
            device: null_mut(),
            context: null_mut(),
            transfer: transfer as *mut c_void,
            caller: 0,
            base: null_mut(),
        };
        Request::new(&asked, packet, base).ok_or(ENOMEM)
    }

    fn base_of(request: Option<KBox<Request>>) -> usize {
        request.map_or(0, |request| request.asked.base as usize)
    }

    /// A channel that is kept for 1, for which 2, 3 and 4 wait.
    fn busy() -> Result<Channel> {
        let mut channel = Channel::new();
        assert!(matches!(channel.ask(request(1, 10)?), Outcome::Granted(_)));
        channel.keep(1);
        for base in [2, 3, 4] {
            let asked = channel.ask(request(base, base * 10)?);
            assert!(matches!(asked, Outcome::Waits { twice: false }));
        }
        Ok(channel)
    }

    #[test]
    fn first_come_first_served() -> Result {
        let mut channel = busy()?;
        assert!(channel.grant().is_none());
        assert!(channel.take() == Some(1));
        // Who comes now comes last.
        let asked = channel.ask(request(5, 50)?);
        assert!(matches!(asked, Outcome::Waits { twice: false }));
        for base in [2, 3, 4, 5] {
            assert!(channel.is_due());
            assert!(base_of(channel.grant()) == base);
            assert!(channel.grant().is_none());
            assert!(channel.callees() == 1 && channel.keepers() == 0);
            assert!(channel.end(base) == (base != 5));
        }
        assert!(channel.grant().is_none());
        assert!(matches!(channel.ask(request(6, 60)?), Outcome::Granted(_)));
        Ok(())
    }

    #[test]
    fn only_its_holder_frees_it() -> Result {
        let mut channel = busy()?;
        assert!(!channel.leave(2) && !channel.end(1) && channel.keepers() == 1);
        assert!(channel.leave(1) && channel.keepers() == 0);
        assert!(base_of(channel.grant()) == 2);
        assert!(!channel.leave(3) && !channel.keep(3) && channel.keepers() == 0);
        assert!(!channel.keep(2) && channel.keepers() == 1);
        assert!(!channel.end(2) && channel.take() == Some(2));
        Ok(())
    }

    #[test]
    fn left_before_its_routine_returns() -> Result {
        let mut channel = busy()?;
        assert!(channel.leave(1) && base_of(channel.grant()) == 2);
        // Its map registers are gone. Another packet may have their address from now on.
        assert!(!channel.leave(2) && channel.callees() == 1 && channel.grant().is_none());
        assert!(channel.keep(2) && channel.keepers() == 0 && base_of(channel.grant()) == 3);
        assert!(!channel.leave(3) && channel.end(3));
        Ok(())
    }

    #[test]
    fn freed_before_its_routine_returns() -> Result {
        let mut channel = busy()?;
        assert!(channel.take() == Some(1));
        assert!(base_of(channel.grant()) == 2);
        assert!(channel.take() == Some(2) && channel.take().is_none());
        assert!(channel.callees() == 1 && channel.grant().is_none());
        // It is free when that returns, whatever it returns.
        assert!(channel.keep(2) && base_of(channel.grant()) == 3);
        assert!(channel.take() == Some(3));
        assert!(channel.end(3) && base_of(channel.grant()) == 4);
        assert!(channel.take() == Some(4));
        assert!(!channel.keep(4) && channel.callees() == 0);
        Ok(())
    }

    #[test]
    fn cancelled_by_their_contexts() -> Result {
        let mut channel = busy()?;
        assert!(base_of(channel.cancel(30 as *mut c_void)) == 3);
        assert!(channel.cancel(30 as *mut c_void).is_none());
        assert!(channel.cancel(10 as *mut c_void).is_none());
        assert!(channel.waiting().count() == 2);
        channel.take();
        assert!(base_of(channel.grant()) == 2);
        assert!(channel.cancel(20 as *mut c_void).is_none());
        Ok(())
    }

    #[test]
    fn known_when_they_come_again() -> Result {
        let mut channel = busy()?;
        let again = channel.ask(request(5, 40)?);
        assert!(matches!(again, Outcome::Waits { twice: true }));
        // The one that has it does not count.
        let other = channel.ask(request(6, 10)?);
        assert!(matches!(other, Outcome::Waits { twice: false }));
        for (base, device, expected) in [(7, 1, false), (8, 2, false), (9, 1, true)] {
            let mut plain = request(base, 0)?;
            plain.asked.device = device as *mut raw::DEVICE_OBJECT;
            let asked = channel.ask(plain);
            assert!(matches!(asked, Outcome::Waits { twice } if twice == expected));
        }
        Ok(())
    }

    #[test]
    fn refused_where_they_must_not_wait() -> Result {
        let mut channel = Channel::new();
        let mut first = request(1, 10)?;
        first.asked.at_once = true;
        first.asked.routine = None;
        assert!(matches!(channel.ask(first), Outcome::Granted(_)));
        assert!(channel.keepers() == 1);
        let mut second = request(2, 20)?;
        second.asked.at_once = true;
        assert!(matches!(channel.ask(second), Outcome::Refused));
        assert!(channel.waiting().count() == 0);
        Ok(())
    }
}
