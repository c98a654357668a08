// SPDX-License-Identifier: GPL-2.0

//! The memory routines of the Windows Driver Kit (WDK), for Linux: tagged pool, contiguous and
//! noncached memory, DMA adapters and common buffers, as on the WDK's page "Allocating System-Space
//! Memory".
//!
//! C code includes `rust_pool/wdm.h`. Rust code of other modules uses what this file re-exports:
//!
//! - [`Box`] and [`Vec`] of the kernel crate with the allocators [`NonPaged`]
//!   and [`Paged`], each for a tag that [`pool_tag!`] declares;
//! - [`LookasideList`], whose entries go back to it when they are dropped;
//! - [`Contiguous`], [`NonCached`], [`Adapter`], [`CommonBuffer`] and [`DescriptorRing`], which own
//!   their memory;
//! - [`Mdl`], an owned memory descriptor list, and [`ScatterGatherList`], which maps one for a
//!   device;
//! - [`Block`], which describes a live block.
//!
//! Statistics by tag and the list of violations are in debugfs. `Documentation/` says what each
//! routine does, where that differs from Windows, and why.

/// The folders, from the lowest to the highest: `rust_pool/README.rst` says what is in each, and
/// which others it may use.
mod rust_pool {
    pub(crate) mod sys;

    pub(crate) mod lib;

    pub(crate) mod types;

    pub(crate) mod callers;

    pub(crate) mod trace;

    pub(crate) mod options;

    pub(crate) mod header;

    pub(crate) mod report;

    pub(crate) mod memory;

    pub(crate) mod stats;

    pub(crate) mod verifier;

    pub(crate) mod record;

    pub(crate) mod pool;

    pub(crate) mod families;

    pub(crate) mod lookaside;

    pub(crate) mod mdl;

    pub(crate) mod dma;

    pub(crate) mod events;

    pub(crate) mod crash;

    pub(crate) mod debugfs;

    pub(crate) mod api;
}

use rust_pool::*;

use lib::at_load::Loaded;
use sys::{
    Event,
    Notifier, //
};

#[doc(hidden)]
pub use api::tag::RowCache;
pub use api::{
    access::{
        Access,
        ReadOnly,
        ReadOnlyMemory,
        ReadWrite, //
    },
    adapter::{
        Adapter,
        CommonBuffer, //
    },
    address::physical_address,
    allocator::{
        NonPaged,
        Paged,
        Pool,
        PoolBox,
        PoolVec, //
    },
    block::Block,
    contiguous::{
        Bounds,
        Contiguous, //
    },
    lookaside::{
        Counters,
        ListRef,
        LookasideEntry,
        LookasideList, //
    },
    mdl::{
        Buffer,
        Built,
        Locked,
        Mdl,
        MdlPage,
        NonPagedBuffer,
        NotMapped,
        Pages, //
    },
    memory::{
        CacheType,
        Cached,
        Memory,
        NotCached,
        Uncached,
        WriteCombined, //
    },
    noncached::NonCached,
    packet::{
        Idle,
        NotTransferred,
        Packet,
        Transfer, //
    },
    part::Part,
    raw_mdl::{
        Addressed,
        Mappable,
        Mapped,
        MdlState, //
    },
    report::Report,
    reserved::{
        MappingAddress,
        Placed, //
    },
    ring::DescriptorRing,
    scatter_gather::{
        Direction,
        Element,
        ScatterGatherList, //
    },
    tag::PoolTag,
    transfer_mdl::MdlRef,
    user_pages::User, //
};
#[doc(hidden)]
pub use stats::tag_stats::TagStats;
pub use types::tag::{
    PoolKind,
    Tag, //
};

use kernel::prelude::*;

module! {
    type: PoolModule,
    name: "rust_pool",
    authors: ["The rust_pool authors"],
    description: "Tagged pool and DMA memory with the semantics of the WDK",
    license: "GPL",
}

/// The fields are dropped in this order: first those through which others reach the module.
struct PoolModule {
    _parameters: sys::ParametersLive,
    _files: sys::debugfs::Directory,
    _modules: Notifier,
    _pressure: Notifier,
    _faults: Notifier,
    _core: Core,
    _state: State,
}

impl kernel::Module for PoolModule {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // Our Kbuild refuses such a kernel; this is for builds without it.
        if cfg!(CONFIG_PREEMPT_RT) {
            pr_err!(
                "PREEMPT_RT is not supported: its spinlocks sleep, and the pool takes them where \
                 sleeping is not allowed\n"
            );
            return Err(ENODEV);
        }
        let state = State::new()?;
        options::policy::set_panic(sys::panic_on_violation());
        let core = Core::new()?;
        events::control::set(sys::verifier_parameter())?;
        Ok(Self {
            _parameters: sys::ParametersLive::new(),
            _modules: Notifier::new(Event::Modules)?,
            _files: debugfs::create(),
            _pressure: Notifier::new(Event::Pressure)?,
            _faults: Notifier::new(Event::Faults)?,
            _core: core,
            _state: state,
        })
    }
}

/// The statics that are made before everything else, in this order, and dropped last.
///
/// Lock order: no spinlock of ours is taken while another is held, with three exceptions. The lock
/// of a lookaside list's store is taken within that of the list's bucket, and none within it. A
/// lock of `sys/listed.c` is taken within that of a bucket of regions, when the pages of a record
/// are looked up, and none within it. The lock of the names of call sites is taken within the locks
/// whose data has call sites, when a module is loaded or unloaded: those of the log, the adapters,
/// special pool, the blocks that are held back, in quarantine, freed or injected, and the buckets
/// of regions, lookaside lists and records. All of these disable interrupts, as their data is used
/// in any context. Whoever ends the use of a device may wake waiters with any lock held: the lock
/// of the wait queue in `sys/work.c` is taken then, and none of ours within it.
/// The lock of what is known of code, in `sys/arch/unwind.c`, may be taken within any, and none is
/// taken within it.
static STATE: [&dyn Loaded; 28] = [
    &record::table::REGIONS,
    &report::log::LOG,
    &dma::adapter::ADAPTERS,
    &dma::adapter::MASKS,
    &dma::adapter::TAKING,
    &pool::BACKLOG,
    &families::contiguous::BACKLOG,
    &families::noncached::BACKLOG,
    &families::pins::BACKLOG,
    &families::io_space::CLAIMS,
    &dma::buffer_release::BACKLOG,
    &record::held_device::REFERENCES,
    &memory::heap::HEAP,
    &memory::magazine::MEMORY,
    &lookaside::LISTS,
    &lookaside::SPARE,
    &lookaside::GIVING,
    &events::control::SWITCHING,
    &options::OPTIONS,
    &verifier::tracking::RECORDS,
    &pool::special::ARENA,
    &verifier::held_back::HELD_BACK,
    &verifier::quarantine_set::KEPT,
    &pool::quarantine::MEMORY,
    &verifier::freed::FREED,
    &verifier::fault_injection::INJECTIONS,
    &events::holdings::DEPARTED,
    &callers::call_site::NAMES,
];

/// Owns [`STATE`].
struct State;

impl State {
    fn new() -> Result<Self> {
        // From here on, a failure drops this and undoes what was done.
        let state = Self;
        for part in STATE {
            part.load()?;
        }
        Ok(state)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        for part in STATE {
            // SAFETY: It is dropped after all else, so nobody uses any of it.
            unsafe { part.unload() };
        }
    }
}

/// What init sets up that has no field of its own.
struct Core {
    /// Dropped after everything else.
    _workers: sys::Workers,
}

impl Core {
    fn new() -> Result<Self> {
        // From here on, a failure drops this and undoes what was done.
        let core = Self {
            _workers: sys::Workers::new()?,
        };
        sys::learn_direct_map();
        header::init();
        memory::zeroing::init();
        memory::magazine::init();
        stats::tag_table::refill()?;
        if !memory::slab_caches::init(sys::magazines())? {
            if !memory::zeroing::wipes() {
                // SAFETY: Nobody calls the module before it is live.
                let idle = unsafe { lib::idle::Idle::new() };
                if let Some(mut all) = memory::magazine::AllUnused::new(&idle) {
                    memory::magazine::open(&mut all, true);
                }
            }
            memory::heap::open();
        }
        Ok(core)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        pool::red_zone::close();
        sys::code::close();
        pool::quarantine::exit(pool::give_back);
        let leaked = events::unload::report_all();
        // SAFETY: The module is going, or never came: nobody calls it any more.
        unsafe {
            // Magazines are not trimmed, nor is the depot aged, from here on: nobody asks for that
            // any more.
            sys::finish_work();
            events::drain::exit(lib::idle::Idle::for_good());
            pool::special::exit();
            memory::slab_caches::exit(leaked || verifier::quarantine_set::lost());
            stats::tag_table::free_all();
        }
    }
}
