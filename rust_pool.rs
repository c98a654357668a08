// SPDX-License-Identifier: GPL-2.0

//! The memory that Windows drivers live on, for Linux: tagged pool, contiguous and noncached memory,
//! DMA adapters and common buffers, as on the WDK's page "Allocating System-Space Memory".
//!
//! One core has two faces. C code includes `rust_pool/wdm.h`; Rust code of another module uses what
//! this file re-exports:
//!
//! - [`Box`] and [`Vec`] of the kernel crate with the allocators [`NonPaged`]
//!   and [`Paged`], each for a tag that [`pool_tag!`] declares;
//! - [`Contiguous`], [`NonCached`], [`Adapter`], [`CommonBuffer`] and [`DescriptorRing`], which own
//!   their memory;
//! - [`Block`], which tells what is known of a block.
//!
//! Statistics by tag and the list of violations are in debugfs. `Documentation/` says what each
//! routine does, where that differs from Windows, and why.

/// The parts, each in a file of its own in `rust_pool/`.
mod rust_pool {
    pub(crate) mod adapter;
    pub(crate) mod adapter_id;
    pub(crate) mod at_load;
    pub(crate) mod backing;
    pub(crate) mod backlog;
    pub(crate) mod bad_free;
    pub(crate) mod batch;
    pub(crate) mod bins;
    pub(crate) mod bounds;
    pub(crate) mod buffer_release;
    pub(crate) mod cache;
    pub(crate) mod cache_type;
    pub(crate) mod chain;
    pub(crate) mod class;
    pub(crate) mod common_buffer;
    pub(crate) mod contiguous;
    pub(crate) mod control;
    pub(crate) mod damage;
    pub(crate) mod debugfs;
    pub(crate) mod deferred;
    pub(crate) mod departure;
    pub(crate) mod depot;
    pub(crate) mod description;
    pub(crate) mod device_event;
    pub(crate) mod export;
    pub(crate) mod face;
    pub(crate) mod family;
    pub(crate) mod fast;
    pub(crate) mod gfp;
    pub(crate) mod hash_table;
    pub(crate) mod header;
    pub(crate) mod heap;
    pub(crate) mod holdings;
    pub(crate) mod init;
    pub(crate) mod lookup;
    pub(crate) mod magazine;
    pub(crate) mod mangled;
    pub(crate) mod map_registers;
    pub(crate) mod memory_type;
    pub(crate) mod noncached;
    pub(crate) mod once;
    pub(crate) mod padding;
    pub(crate) mod pages;
    pub(crate) mod percpu;
    pub(crate) mod pool;
    pub(crate) mod pressure;
    pub(crate) mod recent;
    pub(crate) mod region;
    pub(crate) mod region_table;
    pub(crate) mod report;
    pub(crate) mod reporting;
    pub(crate) mod row;
    pub(crate) mod seq;
    pub(crate) mod shelf;
    pub(crate) mod site;
    pub(crate) mod small;
    pub(crate) mod span;
    pub(crate) mod statistics;
    pub(crate) mod summary;
    pub(crate) mod sys;
    pub(crate) mod tag;
    pub(crate) mod text;
    pub(crate) mod unit_map;
    pub(crate) mod unload;
    pub(crate) mod verified;
    pub(crate) mod verifier;
    pub(crate) mod violation;
    pub(crate) mod violation_log;
    pub(crate) mod write_back;
}

use rust_pool::*;

use at_load::Loaded;

#[doc(hidden)]
pub use face::tag::RowCache;
pub use face::{
    adapter::{
        Adapter,
        CommonBuffer, //
    },
    address::physical_address,
    allocator::{
        NonPaged,
        Paged,
        PoolBox,
        PoolVec, //
    },
    block::Block,
    contiguous::{
        Bounds,
        Contiguous, //
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
    report::Report,
    ring::DescriptorRing,
    tag::PoolTag, //
};
#[doc(hidden)]
pub use row::Row;
pub use tag::{
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

/// The fields are dropped in this order: first nobody looks any more, then nothing is left.
struct PoolModule {
    _parameters: sys::ParametersLive,
    _files: seq::Directory,
    _watch: sys::ModuleWatch,
    _pressure: sys::PressureWatch,
    _faults: sys::FaultWatch,
    _core: Core,
    _state: State,
}

impl kernel::Module for PoolModule {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // Our Kbuild refuses such a kernel; this is for who builds without it.
        if cfg!(CONFIG_PREEMPT_RT) {
            pr_err!("not for PREEMPT_RT, where locks sleep that must not in the pool's contexts\n");
            return Err(ENODEV);
        }
        let state = State::new()?;
        verifier::policy::set_panic(sys::panic_on_violation());
        let core = Core::new()?;
        control::set(sys::verifier_parameter())?;
        Ok(Self {
            _parameters: sys::ParametersLive::new(),
            _watch: sys::ModuleWatch::new()?,
            _files: debugfs::create(),
            _pressure: sys::PressureWatch::new()?,
            _faults: sys::FaultWatch::new()?,
            _core: core,
            _state: state,
        })
    }
}

/// What is made before anything else, and dropped last, in this order.
///
/// No spinlock is taken while another is held, but for that of the names, which is taken within
/// those whose data has calling sites, when a module comes or goes: that of the log, the adapters,
/// special pool, what is held, kept, freed, or injected, and a bucket's of regions or records. They
/// disable interrupts, as their data is used from any context.
static STATE: [&dyn Loaded; 21] = [
    &region_table::REGIONS,
    &violation_log::LOG,
    &adapter::ADAPTERS,
    &adapter::MASKS,
    &pool::BACKLOG,
    &contiguous::BACKLOG,
    &noncached::BACKLOG,
    &buffer_release::BACKLOG,
    &departure::DEPARTING,
    &heap::HEAP,
    &control::SWITCHING,
    &verifier::options::OPTIONS,
    &verifier::tracking::RECORDS,
    &verifier::special::ARENA,
    &verifier::held::HELD_BACK,
    &verifier::kept_set::KEPT,
    &verifier::kept::MEMORY,
    &verifier::freed::FREED,
    &verifier::faults::INJECTIONS,
    &holdings::DEPARTED,
    &site::NAMES,
];

/// Owns [`STATE`].
struct State;

impl State {
    fn new() -> Result<Self> {
        // From here on a failure undoes what is there.
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

/// What is made at load and needs no place of its own.
struct Core {
    /// Dropped when all else is undone.
    _workers: sys::Workers,
}

impl Core {
    fn new() -> Result<Self> {
        // From here on a failure undoes what is there.
        let core = Self {
            _workers: sys::Workers::new()?,
        };
        sys::learn_direct_map();
        header::init();
        init::init();
        magazine::init()?;
        statistics::refill()?;
        if !cache::init(sys::magazines())? {
            if !init::wipes() {
                // SAFETY: Nobody uses them before the module is live.
                unsafe { magazine::open(true) };
            }
            heap::open();
        }
        Ok(core)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        verifier::check::close();
        verifier::kept::exit();
        let leaked = unload::report_all();
        // SAFETY: The module is going, or never came: nobody calls it any more.
        unsafe {
            pressure::exit();
            verifier::special::exit();
            cache::exit(leaked || verifier::kept_set::lost());
            statistics::free_all();
        }
    }
}
