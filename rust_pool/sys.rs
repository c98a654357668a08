// SPDX-License-Identifier: GPL-2.0

//! The C functions that this module calls, each behind a small wrapper that is safe where possible.
//!
//! No declaration is written by hand. Those of the kernel are the `kernel` crate's bindings, and
//! bindgen makes those of our own C half from [`sys/core.h`].
//!
//! [`sys/core.h`]: core.h

pub(crate) mod arch;
pub(crate) mod code;
pub(crate) mod context;
pub(crate) mod debugfs;
pub(crate) mod device;
pub(crate) mod frames;
pub(crate) mod guard_pages;
pub(crate) mod io;
pub(crate) mod layout;
pub(crate) mod listed;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod module;
pub(crate) mod notifiers;
pub(crate) mod owned_pages;
pub(crate) mod pages;
pub(crate) mod parameters;
pub(crate) mod percpu_memory;
pub mod raw;
pub(crate) mod reclaim;
pub(crate) mod reserved;
pub(crate) mod seq;
pub(crate) mod slab;
pub(crate) mod streaming;
pub(crate) mod tracing;
pub(crate) mod view;
pub(crate) mod vmap;
pub(crate) mod watch;
pub(crate) mod work;

pub(crate) use arch::{
    here::here,
    nofault::{
        init as learn_direct_map,
        peek,
        replace,
        PageWords, //
    }, //
};
pub(crate) use code::Function;
pub(crate) use context::{
    context,
    current_task,
    has_process,
    in_hardirq,
    irql,
    may_vmalloc,
    save_stack,
    this_module,
    Irql, //
};
pub(crate) use device::{
    Coherent,
    DmaDevice,
    Fate,
    GivenDevice,
    Origin,
    CODES, //
};
pub(crate) use frames::{
    frame_address,
    frame_of,
    kernel_frames,
    look_at_frames,
    process,
    Frame,
    LockedFrames,
    Node,
    NotPinned,
    Pinned, //
};
pub(crate) use guard_pages::{
    GuardedPages,
    HiddenPage,
    ShownPage, //
};
pub(crate) use io::{
    io_exists,
    io_is_memory,
    IoMapping, //
};
pub(crate) use listed::{
    any_listed,
    listed_at,
    listed_frame,
    listed_page,
    Listing,
    Locker,
    Unlisted, //
};
pub(crate) use log::{
    format_address,
    has_debugfs,
    jiffies,
    left_out,
    log_time,
    may_log,
    may_log_loss,
    panic,
    random,
    uptime,
    AddressFormat, //
};
pub(crate) use memory::{
    available,
    inits_on_alloc,
    inits_on_free,
    is_memory,
    max_pfn,
    memory_ranges,
    page_align,
    physical,
    total,
    Gfp,
    NULL,
    PAGE_SIZE, //
};
pub(crate) use module::{
    is_ours,
    Client,
    ClientInfo,
    Literal,
    Module, //
};
pub(crate) use notifiers::{
    Event,
    Notifier, //
};
pub(crate) use owned_pages::{
    BlockPages,
    Contig,
    Finished,
    OwnPages,
    Page,
    PageList,
    PlainPages, //
};
pub(crate) use pages::*;
pub(crate) use parameters::{
    magazines,
    panic_on_violation,
    verifier_parameter,
    ParametersLive, //
};
pub(crate) use percpu_memory::{
    possible_cpus,
    Cpu,
    PerCpu,
    PERCPU_ALIGN, //
};
pub(crate) use reclaim::{
    in_reclaim,
    may_wait_for_memory, //
};
pub(crate) use reserved::{
    protect,
    Access,
    Reserved, //
};
pub(crate) use slab::{
    caches_are_checked,
    is_kfence,
    is_slab,
    kfence_samples,
    kmalloc,
    room,
    slab_around,
    Cache,
    SlabObject, //
};
pub(crate) use streaming::{
    list_bytes,
    ListMemory,
    ListRoom,
    Mapped,
    Unmapped, //
};
pub(crate) use view::{
    view_unmap,
    KeptPages,
    View, //
};
pub(crate) use vmap::Vmap;
pub(crate) use watch::{
    frees_watched,
    verified,
    verify,
    watch_frees,
    watched, //
};
pub(crate) use work::*;
