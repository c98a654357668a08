// SPDX-License-Identifier: GPL-2.0

//! DMA adapters.
//!
//! WDK: "IoGetDmaAdapter", "PutDmaAdapter".

use crate::{
    callers::call_site::{
        self,
        CallSite, //
    },
    dma::{
        buffer_release,
        channel::{
            Channel,
            Outcome,
            Request, //
        },
        description::{
            self,
            Version,
            Wanted, //
        },
        map_registers::Excess, //
    },
    lib::{
        argument::{
            Output,
            Passed, //
        },
        at_load::AtLoad,
        export::{
            export_symbol_gpl,
            matches_header, //
        },
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
        held_device::HeldDevice,
        table::REGIONS, //
    },
    report::{
        rule,
        violation::Detail, //
    },
    sys::{
        self,
        raw,
        Awaited,
        DmaDevice,
        GivenDevice,
        Literal,
        Module,
        PAGE_SIZE, //
    },
    types::memory_type::MemoryType,
    verifier::{
        freed,
        hooks,
        tracking, //
    }, //
};
use core::{
    mem::size_of,
    ptr::{
        addr_of_mut,
        null_mut, //
    }, //
};
use kernel::{
    ffi::c_char,
    fmt,
    new_mutex,
    new_spinlock_irq,
    prelude::*,
    sync::{
        Arc,
        Mutex,
        SpinLockIrq, //
    }, //
};

/// An adapter. It exists until it was put back, its last buffer freed and its last list put.
#[repr(C)]
pub(crate) struct Adapter {
    /// What C code sees.
    public: raw::DMA_ADAPTER,
    next: Next<Adapter>,
    /// Adapters are numbered in the order in which they are made.
    number: u64,
    device: Option<Arc<HeldDevice>>,
    mask: u64,
    registers: u32,
    /// Whether the device can transfer memory in several pieces.
    scatter_gather: bool,
    /// Map registers that live buffers, lists and packets hold, and how many of these are held by
    /// lists and packets.
    in_use: usize,
    mapped: usize,
    buffers: usize,
    lists: usize,
    packets: usize,
    channel: Channel,
    /// How many references there are; the Rust API takes one for each buffer.
    holds: usize,
    site: CallSite,
}

// SAFETY: The pointer inside is to static data that nobody writes.
unsafe impl Send for Adapter {}

linked_by_next!(Adapter);

impl Adapter {
    pub(crate) fn id(&self) -> AdapterId {
        AdapterId::of(&self.public)
    }

    /// Who waits for its channel.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.channel.waiting()
    }

    /// Counts a buffer, list or packet with so many map registers.
    fn count(&mut self, registers: usize, holder: Holder) {
        self.in_use = self.in_use.saturating_add(registers);
        match holder {
            Holder::Buffer => self.buffers += 1,
            Holder::List => {
                self.mapped = self.mapped.saturating_add(registers);
                self.lists += 1;
            }
            Holder::Packet => {
                self.mapped = self.mapped.saturating_add(registers);
                self.packets += 1;
            }
        }
    }

    /// Does not count it any more.
    fn uncount(&mut self, registers: usize, holder: Holder) {
        self.in_use = self.in_use.saturating_sub(registers);
        match holder {
            Holder::Buffer => self.buffers = self.buffers.saturating_sub(1),
            Holder::List => {
                self.mapped = self.mapped.saturating_sub(registers);
                self.lists = self.lists.saturating_sub(1);
            }
            Holder::Packet => {
                self.mapped = self.mapped.saturating_sub(registers);
                self.packets = self.packets.saturating_sub(1);
            }
        }
    }

    /// What it has out, which keeps it alive after it was put back.
    fn out(&self) -> Out {
        Out {
            buffers: self.buffers,
            lists: self.lists,
            packets: self.packets,
            channels: self.channel.keepers(),
            callees: self.channel.callees(),
        }
    }

    /// Where it was asked for.
    pub(crate) fn site(&self) -> &CallSite {
        &self.site
    }
}

/// How many of each an adapter has out.
#[derive(Default, PartialEq, Eq)]
struct Out {
    buffers: usize,
    lists: usize,
    packets: usize,
    channels: usize,
    callees: usize,
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.holds > 0 { "open" } else { "put" };
        kwrite!(f, "adapter {} ", self.id())?;
        match &self.device {
            Some(device) => kwrite!(f, "{}", device.name())?,
            None => f.write_str("?")?,
        }
        kwrite!(
            f,
            " registers {} in_use {} mask {:#x} lists {} buffers {} {state}",
            self.registers,
            self.in_use,
            self.mask,
            self.lists,
            self.buffers
        )
    }
}

/// How many dead adapters are kept.
const DEAD: usize = 16;

/// The adapters.
pub(crate) struct Adapters {
    live: List<Adapter>,
    /// The adapters that were freed last, without their devices, so that a later use through the
    /// operations is reported.
    dead: [Option<KBox<Adapter>>; DEAD],
    made: u64,
    died: usize,
    /// How many requests for a channel there were.
    asked: u64,
    leaving: Option<Leaving>,
}

/// The requests of a module that goes, which are never granted: those that waited, and those that
/// its routines have made since.
struct Leaving {
    /// The module; all, if there is none.
    module: Option<Module>,
    requests: List<Request>,
}

impl Leaving {
    /// Takes those that wait for this channel.
    fn take_from(&mut self, channel: &mut Channel) {
        while let Some(request) = channel.remove(self.module) {
            self.requests.push(request);
        }
    }
}

impl Adapters {
    /// No adapters.
    pub(crate) const fn new() -> Self {
        Self {
            live: List::new(),
            dead: [const { None }; DEAD],
            made: 0,
            died: 0,
            asked: 0,
            leaving: None,
        }
    }

    /// The adapters that are not freed yet.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Adapter> {
        self.live.iter()
    }

    fn find(&mut self, id: AdapterId) -> Option<&mut Adapter> {
        self.live.find_mut(|adapter| adapter.id() == id)
    }

    /// Whether a routine is called with a channel that needs code of this module.
    fn calls(&self, module: Module) -> bool {
        self.live.iter().any(|it| it.channel.calls(module))
    }

    /// Whether it was put back, as far as that is remembered.
    fn was_put(&self, id: AdapterId) -> bool {
        let dead = self.dead.iter().flatten().map(|dead| &**dead);
        Iterator::chain(self.live.iter(), dead).any(|it| it.id() == id && it.holds == 0)
    }

    /// Keeps a dead adapter, and returns the one that made room for it.
    fn bury(&mut self, adapter: KBox<Adapter>) -> Option<KBox<Adapter>> {
        let grave = self.dead.get_mut(self.died % DEAD)?;
        self.died = self.died.wrapping_add(1);
        grave.replace(adapter)
    }
}

/// The adapters of the module.
pub(crate) static ADAPTERS: AtLoad<SpinLockIrq<Adapters>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(Adapters::new(), "rust_pool::adapters"),
        GFP_KERNEL,
    )
});

/// Held while the requests of a module that goes are taken. May sleep; taken before any other lock.
pub(crate) static TAKING: AtLoad<Mutex<()>> =
    AtLoad::new(|| KBox::pin_init(new_mutex!((), "rust_pool::taking"), GFP_KERNEL));

/// Held while a device's DMA masks are set. May sleep; taken before any other lock. Nothing is
/// allocated and no reference to a device is dropped meanwhile, as both may call the code of
/// others, which may need this lock.
pub(crate) static MASKS: AtLoad<Mutex<()>> =
    AtLoad::new(|| KBox::pin_init(new_mutex!((), "rust_pool::masks"), GFP_KERNEL));

/// The routines of an adapter of this version, for C code.
fn operations(version: Version) -> *mut raw::DMA_OPERATIONS {
    let at = match version {
        Version::One => 0,
        Version::Two => 1,
        Version::Three => 2,
    };
    const { assert!(raw::RUST_POOL_DMA_VERSIONS == 3) };
    let all: *mut raw::DMA_OPERATIONS = addr_of_mut!(raw::rust_pool_dma_operations).cast();
    all.wrapping_add(at)
}

/// Makes an adapter for `device`, or reports why not and returns `None`. Sleeps where it may.
fn get(device: DmaDevice, wanted: Wanted, set_mask: bool, caller: usize) -> Option<AdapterId> {
    let refused = hooks::refuse(MemoryType::Adapter, None, 0, caller);
    if refused || !request::affordable(PAGE_SIZE) {
        return None;
    }
    let device = HeldDevice::new(device, caller).ok()?;
    let device = Arc::new(device, GFP_KERNEL).ok()?;
    let mut adapter = KBox::new(
        Adapter {
            public: raw::DMA_ADAPTER {
                Version: 1,
                // CAST: The structure is a few bytes long.
                Size: size_of::<raw::DMA_ADAPTER>() as u16,
                DmaOperations: operations(wanted.version),
            },
            next: Next::none(),
            number: 0,
            device: Some(device.clone()),
            mask: wanted.mask,
            registers: wanted.registers,
            scatter_gather: wanted.scatter_gather,
            in_use: 0,
            mapped: 0,
            buffers: 0,
            lists: 0,
            packets: 0,
            channel: Channel::new(),
            holds: 1,
            site: CallSite::new(call_site::driver(caller)),
        },
        GFP_KERNEL,
    )
    .ok()?;
    // One at a time, or the wider of two masks could win.
    let masks = MASKS.lock();
    let mask = ADAPTERS
        .lock()
        .iter()
        .filter(|adapter| {
            let other = adapter.device.as_ref();
            other.is_some_and(|other| other.same(&device))
        })
        .fold(wanted.mask, |mask, adapter| mask.min(adapter.mask));
    if set_mask && device.set_mask(mask).is_err() {
        drop(masks);
        return None;
    }
    let id = adapter.id();
    let mut adapters = ADAPTERS.lock();
    adapters.made += 1;
    adapter.number = adapters.made;
    adapters.live.push(adapter);
    drop(adapters);
    drop(masks);
    hooks::got_adapter(id.addr(), caller);
    Some(id)
}

/// What holds map registers of an adapter, and keeps it alive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Buffer,
    List,
    Packet,
}

/// What was wrong with a request for map registers, which was reported.
pub(crate) enum Refusal {
    Unknown,
    TooManyRegisters,
}

/// Map registers for a buffer, a list or a packet.
pub(crate) struct Reserved {
    pub(crate) device: Arc<HeldDevice>,
    /// Whether a list may have only one element.
    pub(crate) one_element: bool,
}

/// Takes map registers for a buffer, a list or a packet, which keeps the adapter alive, or reports
/// why not: by `unknown` if the address was never that of an adapter. Any context but NMI.
pub(crate) fn reserve(
    id: AdapterId,
    registers: usize,
    holder: Holder,
    caller: usize,
    unknown: impl FnOnce(),
) -> Result<Reserved, Refusal> {
    match try_reserve(id, registers, holder) {
        Ok((reserved, excess)) => {
            if let Some(excess) = excess {
                excess.report(&rule::MANY_REGISTERS_IN_ALL, caller);
            }
            Ok(reserved)
        }
        Err(Some(excess)) => {
            excess.report(&rule::MANY_REGISTERS_IN_ONE, caller);
            Err(Refusal::TooManyRegisters)
        }
        Err(None) => {
            not_an_adapter(id, caller, unknown);
            Err(Refusal::Unknown)
        }
    }
}

/// Takes map registers. Returns the excess beside them, if any. For a buffer it counts all live
/// buffers, lists and packets; for a list or a packet only live buffers, which hold theirs for
/// long.
///
/// The error is the excess of a refused request, which wants more than the adapter has; `None` if
/// there is no such adapter.
fn try_reserve(
    id: AdapterId,
    registers: usize,
    holder: Holder,
) -> Result<(Reserved, Option<Excess>), Option<Excess>> {
    let mut adapters = ADAPTERS.lock();
    let adapter = adapters
        .find(id)
        .filter(|adapter| adapter.holds > 0)
        .ok_or(None)?;
    let device = adapter.device.clone().ok_or(None)?;
    // CAST: Lossless on the architectures supported.
    let most = adapter.registers as usize;
    let excess = |wanted| Excess {
        id,
        wanted,
        registers: adapter.registers,
    };
    if registers > most {
        return Err(Some(excess(registers)));
    }
    let lasting = match holder {
        Holder::Buffer => adapter.in_use,
        Holder::List | Holder::Packet => adapter.in_use.saturating_sub(adapter.mapped),
    };
    let sum = lasting.saturating_add(registers);
    let excess = (sum > most).then(|| excess(sum));
    adapter.count(registers, holder);
    let reserved = Reserved {
        device,
        one_element: !adapter.scatter_gather,
    };
    Ok((reserved, excess))
}

/// The device of an adapter, and whether a transfer must be one element. Any context but NMI.
pub(crate) fn device_of(id: AdapterId) -> Option<(Arc<HeldDevice>, bool)> {
    let mut adapters = ADAPTERS.lock();
    let adapter = adapters.find(id)?;
    Some((adapter.device.clone()?, !adapter.scatter_gather))
}

/// Asks for the channel, for a packet whose map registers were taken just now. If the request has
/// to wait, they are given back. `None` if the adapter was put back meanwhile. Any context but NMI.
pub(crate) fn ask_for_channel(id: AdapterId, mut request: KBox<Request>) -> Option<Outcome> {
    let mut adapters = ADAPTERS.lock();
    adapters.asked = adapters.asked.wrapping_add(1);
    request.number = adapters.asked;
    let Adapters { live, leaving, .. } = &mut *adapters;
    let adapter = live.find_mut(|adapter| adapter.id() == id && adapter.holds > 0)?;
    let registers = request.registers();
    let outcome = adapter.channel.ask(request);
    if let Outcome::Waits { .. } = outcome {
        adapter.uncount(registers, Holder::Packet);
        // A routine that asks again would keep its module from ever being unloaded.
        if let Some(leaving) = leaving {
            leaving.take_from(&mut adapter.channel);
        }
    }
    Some(outcome)
}

/// Grants the channel of an adapter, or of any, to the next request, if nobody has it; takes its
/// map registers. Returns what to call. Any context but NMI.
pub(crate) fn grant_channel(id: Option<AdapterId>) -> Option<raw::rust_pool_channel> {
    let mut adapters = ADAPTERS.lock();
    let adapter = adapters.live.find_mut(|adapter| match id {
        Some(id) => adapter.id() == id,
        None => adapter.channel.is_due(),
    })?;
    let request = adapter.channel.grant()?;
    adapter.count(request.registers(), Holder::Packet);
    let (packet, asked) = Request::into_parts(request);
    // Under the lock: whoever visits all call sites finds that of the packet here or there.
    REGIONS.insert(packet);
    Some(asked)
}

/// Takes out a request that waits with this transfer context. `None` if it is no adapter, or was
/// put back. Any context but NMI.
pub(crate) fn cancel_channel(
    id: AdapterId,
    transfer: *mut c_void,
) -> Option<Option<KBox<Request>>> {
    let mut adapters = ADAPTERS.lock();
    let adapter = adapters.find(id).filter(|adapter| adapter.holds > 0)?;
    Some(adapter.channel.cancel(transfer))
}

/// Notes that the driver keeps the channel for the packet with this map register base, whose
/// routine was called; or frees it, if that was asked for meanwhile. Then frees the adapter if that
/// was the last that it had out. Returns whether somebody waits for a channel that is free. Any
/// context but NMI.
pub(crate) fn keep_channel(id: AdapterId, base: usize) -> bool {
    let mut adapters = ADAPTERS.lock();
    let due = adapters.find(id).is_some_and(|it| it.channel.keep(base));
    drop(adapters);
    reap(id);
    due
}

/// Frees the channel if this packet had it while its routine was called. Frees the adapter if that
/// was the last that it had out. Returns whether somebody waits for the channel. Any context but
/// NMI.
pub(crate) fn end_channel(id: AdapterId, base: usize) -> bool {
    let mut adapters = ADAPTERS.lock();
    let due = adapters.find(id).is_some_and(|it| it.channel.end(base));
    drop(adapters);
    reap(id);
    due
}

/// Frees the channel if it is kept for this packet. Returns whether somebody waits for it. Any
/// context but NMI.
pub(crate) fn leave_channel(id: AdapterId, base: usize) -> bool {
    let mut adapters = ADAPTERS.lock();
    adapters.find(id).is_some_and(|it| it.channel.leave(base))
}

/// Frees the channel of an adapter, and returns the map register base of the packet that had it, if
/// one did. `None` if it is no adapter. Any context but NMI.
pub(crate) fn take_channel(id: AdapterId) -> Option<Option<usize>> {
    let mut adapters = ADAPTERS.lock();
    let adapter = adapters.find(id)?;
    (adapter.holds > 0 || adapter.packets > 0).then(|| adapter.channel.take())
}

/// Takes out all requests that wait for a channel and whose calls need code of this module; all, if
/// there is none. Waits for the calls of routines that do. When this returns, no such routine is
/// called any more, as none of the module's code runs that could ask. Sleeps.
pub(crate) fn take_requests(module: Option<Module>) -> List<Request> {
    let _one_at_a_time = TAKING.lock();
    let mut adapters = ADAPTERS.lock();
    let Adapters { live, leaving, .. } = &mut *adapters;
    let leaving = leaving.insert(Leaving {
        module,
        requests: List::new(),
    });
    for adapter in live.iter_mut() {
        leaving.take_from(&mut adapter.channel);
    }
    drop(adapters);
    if let Some(module) = module {
        // What these routines ask for meanwhile is taken as well.
        sys::wait_until(Awaited::Granted, || !ADAPTERS.lock().calls(module));
    }
    let leaving = ADAPTERS.lock().leaving.take();
    leaving.map_or(List::new(), |leaving| leaving.requests)
}

/// Drops requests that waited. Any context but NMI.
pub(crate) fn discard(mut requests: List<Request>) -> usize {
    let mut count = 0usize;
    while let Some(request) = requests.pop() {
        tracking::remove(request.packet.addr());
        count = count.saturating_add(1);
    }
    count
}

/// The properties of an adapter.
pub(crate) struct Facts {
    pub(crate) registers: u32,
    pub(crate) mask: u64,
    /// Whether a list may have only one element.
    pub(crate) one_element: bool,
}

/// The properties of an open adapter. Any context but NMI.
pub(crate) fn facts(id: AdapterId) -> Option<Facts> {
    let mut adapters = ADAPTERS.lock();
    let adapter = adapters.find(id).filter(|adapter| adapter.holds > 0)?;
    Some(Facts {
        registers: adapter.registers,
        mask: adapter.mask,
        one_element: !adapter.scatter_gather,
    })
}

/// Reports the use of an address that is no adapter, or no longer one. If it is not known to have
/// been one, it is reported as `otherwise`.
pub(crate) fn not_an_adapter(id: AdapterId, caller: usize, otherwise: impl FnOnce()) {
    let put = ADAPTERS.lock().was_put(id);
    let violation = match id.addr() {
        0 => rule::ADAPTER_NULL.by(caller, []),
        _ if put => rule::ADAPTER_PUT_BEFORE.by(caller, [id.into()]),
        _ => return otherwise(),
    };
    violation.report_with(|| freed::tell_of(MemoryType::Adapter, id.addr()));
}

/// Gives the map registers of a buffer, a list or a packet back. Frees the adapter if it was put
/// back and this was the last that it had out. Any context but NMI.
pub(crate) fn unreserve(id: AdapterId, registers: usize, holder: Holder) {
    let mut adapters = ADAPTERS.lock();
    if let Some(adapter) = adapters.find(id) {
        adapter.uncount(registers, holder);
    }
    drop(adapters);
    reap(id);
}

/// Frees an adapter if nobody needs it any more. Any context but NMI.
fn reap(id: AdapterId) {
    let mut adapters = ADAPTERS.lock();
    let dead = adapters.live.unlink(|adapter| {
        adapter.id() == id && adapter.holds == 0 && adapter.out() == Out::default()
    });
    let Some(mut dead) = dead else {
        return;
    };
    let device = dead.device.take();
    let oldest = adapters.bury(dead);
    drop(adapters);
    drop((device, oldest));
}

/// Frees all adapters at unload. Sleeps.
pub(crate) fn forget_all() {
    loop {
        let adapter = ADAPTERS.lock().live.pop();
        if adapter.is_none() {
            break;
        }
    }
}

/// Puts an adapter back. Any context but NMI, any address.
fn put(id: AdapterId, caller: usize) {
    if sys::irql().is_nmi() {
        rule::ADAPTER_PUT_IN_NMI.by(caller, [id.into()]).report();
        return;
    }
    let mut requests = List::new();
    let (left, device) = {
        let mut adapters = ADAPTERS.lock();
        let adapter = adapters.find(id).filter(|adapter| adapter.holds > 0);
        let device = adapter.as_ref().and_then(|adapter| adapter.device.clone());
        let left = adapter.map(|adapter| {
            adapter.holds = adapter.holds.saturating_sub(1);
            if adapter.holds == 0 {
                requests = adapter.channel.give_up();
            }
            (adapter.holds == 0).then(|| adapter.out())
        });
        (left, device)
    };
    let dropped = discard(requests);
    if dropped != 0 {
        let given = [id.into(), dropped.into()];
        rule::PUT_WITH_REQUESTS.by(caller, given).report();
    }
    if let Some(Some(_)) = left {
        tracking::remove(id.addr());
    }
    match left {
        Some(Some(out)) if out == Out::default() => {
            // After this the driver may be unbound, and DMA memory of the device can no longer be
            // freed: so buffers that were freed in atomic context must be given back first. In
            // reclaim this could wait for a lock that the task holds.
            if let Some(device) = device.filter(|_| sys::may_change_pages()) {
                buffer_release::finish(|other| other.same(&device));
            }
            reap(id);
        }
        Some(Some(Out {
            buffers,
            lists,
            packets,
            channels,
            ..
        })) => {
            if channels != 0 {
                let given = [id.into(), channels.into()];
                rule::PUT_WITH_CHANNEL.by(caller, given).report();
            } else if packets != 0 {
                let given = [id.into(), packets.into()];
                rule::PUT_WITH_REGISTERS.by(caller, given).report();
            }
            if buffers != 0 {
                let given = [id.into(), buffers.into()];
                rule::PUT_WITH_BUFFERS.by(caller, given).report();
            }
            if lists != 0 {
                let given = [id.into(), lists.into()];
                rule::PUT_WITH_LISTS.by(caller, given).report();
            }
        }
        Some(None) => (),
        None => not_an_adapter(id, caller, || {
            rule::PUT_OF_NO_ADAPTER.by(caller, [id.into()]).report();
        }),
    }
}

/// Shows the first request that waits and whose number is above `number`, and returns its number.
pub(crate) fn request_after(number: u64, show: impl FnOnce(&Request)) -> Option<u64> {
    let adapters = ADAPTERS.lock();
    let request = adapters
        .iter()
        .flat_map(Adapter::requests)
        .filter(|request| request.number > number)
        .min_by_key(|request| request.number)?;
    show(request);
    Some(request.number)
}

/// Shows the first adapter whose number is above `number`, and returns its number.
pub(crate) fn after(number: u64, show: impl FnOnce(&Adapter)) -> Option<u64> {
    let adapters = ADAPTERS.lock();
    let adapter = adapters
        .iter()
        .filter(|adapter| adapter.number > number)
        .min_by_key(|adapter| adapter.number)?;
    show(adapter);
    Some(adapter.number)
}

/// `IoGetDmaAdapter`.
///
/// # Safety
///
/// `device` is null, or keeps to the invariants of [`GivenDevice`]; `description` is null, or may
/// be read during the call; `registers` keeps to what [`Output`] says.
#[no_mangle]
unsafe extern "C" fn rust_pool_adapter_get(
    device: Option<GivenDevice<'_>>,
    description: Option<&raw::DEVICE_DESCRIPTION>,
    registers: Output<'_, u32>,
    caller: usize,
) -> *mut raw::DMA_ADAPTER {
    match description {
        Some(description) => get_raw(device, Wanted::new(description), true, registers, caller),
        None => {
            rule::ADAPTER_WITHOUT_DESCRIPTION.by(caller, []).report();
            null_mut()
        }
    }
}
matches_header!(rust_pool_adapter_get(_, _, _, _));
export_symbol_gpl!(rust_pool_adapter_get);

/// An adapter for the Rust API: with the device's own mask.
///
/// # Safety
///
/// As for [`rust_pool_adapter_get`].
#[no_mangle]
unsafe extern "C" fn rust_pool_adapter_bound(
    device: Option<GivenDevice<'_>>,
    mask: u64,
    length: u32,
    registers: Output<'_, u32>,
    caller: usize,
) -> *mut raw::DMA_ADAPTER {
    let wanted = Wanted {
        mask,
        registers: description::registers(length),
        version: Version::Three,
        scatter_gather: true,
    };
    get_raw(device, Some(wanted), false, registers, caller)
}
matches_header!(rust_pool_adapter_bound(_, _, _, _, _));

/// What both of these do.
fn get_raw(
    device: Option<GivenDevice<'_>>,
    wanted: Option<Wanted>,
    set_mask: bool,
    registers: Output<'_, u32>,
    caller: usize,
) -> *mut raw::DMA_ADAPTER {
    if !sys::irql().may_sleep() {
        rule::ADAPTER_REQUESTED.by(caller, []).report();
        return null_mut();
    }
    let Some(device) = device else {
        rule::ADAPTER_WITHOUT_DEVICE.by(caller, []).report();
        return null_mut();
    };
    let Some(wanted) = wanted else {
        return null_mut();
    };
    let device = DmaDevice::new(device);
    if device.is_gone() {
        rule::ADAPTER_OF_NO_DEVICE.by(caller, []).report();
        return null_mut();
    }
    let count = wanted.registers;
    let Some(id) = get(device, wanted, set_mask, caller) else {
        return null_mut();
    };
    registers.write(count);
    id.as_raw()
}

/// `PutDmaAdapter`.
#[no_mangle]
extern "C" fn rust_pool_adapter_put(adapter: *mut raw::DMA_ADAPTER, caller: usize) {
    put(AdapterId::new(adapter), caller);
}
matches_header!(safe rust_pool_adapter_put(_, _));
export_symbol_gpl!(rust_pool_adapter_put);

// SAFETY: `Literal` is a transparent pointer. It is for functions whose callers pass one.
unsafe impl Passed<*const c_char> for Literal {}

/// A member of `DMA_OPERATIONS` without a routine was called.
#[no_mangle]
extern "C" fn rust_pool_adapter_absent(
    adapter: *mut raw::DMA_ADAPTER,
    member: Literal,
    caller: usize,
) {
    rule::ROUTINE_ABSENT
        .by(caller, [AdapterId::new(adapter).into()])
        .with(Detail::Routine(member.text()))
        .report();
}
matches_header!(rust_pool_adapter_absent(_, _, _));

/// Exported: takes one more reference for the Rust API, to be dropped by `PutDmaAdapter`.
#[no_mangle]
extern "C" fn rust_pool_adapter_hold(adapter: *mut raw::DMA_ADAPTER) {
    let id = AdapterId::new(adapter);
    if let Some(adapter) = ADAPTERS.lock().find(id) {
        adapter.holds += 1;
    }
}
matches_header!(safe rust_pool_adapter_hold(_));
export_symbol_gpl!(rust_pool_adapter_hold);
