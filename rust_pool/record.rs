// SPDX-License-Identifier: GPL-2.0

//! The record of a block without a header, of a mapping, or of pages that are locked or listed:
//! here called a region.
//!
//! The record is reserved before the memory is allocated, so that a later failure leaves nothing to
//! undo.

pub(crate) mod adapter_id;
pub(crate) mod backlog;
pub(crate) mod device_event;
pub(crate) mod held_device;
pub(crate) mod listed;
pub(crate) mod live;
pub(crate) mod mapped_list;
pub(crate) mod packet;
pub(crate) mod padding;
pub(crate) mod table;

use crate::{
    callers::call_site::{
        self,
        CallSite, //
    },
    lib::hash_table::{
        Entry,
        Place, //
    },
    record::{
        adapter_id::AdapterId,
        device_event::Freeing,
        held_device::HeldDevice,
        mapped_list::MappedList,
        packet::Packet,
        padding::Padding, //
    },
    stats::tag_stats::TagStats,
    sys::{
        Access,
        BlockPages,
        Client,
        Coherent,
        IoMapping,
        OwnPages,
        Pinned,
        Reserved,
        Vmap,
        PAGE_SIZE, //
    },
    trace,
    types::{
        cache_type::CacheType,
        memory_type::{
            Known,
            MemoryType, //
        },
        tag::{
            PoolKind,
            Tag, //
        }, //
    }, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::Arc, //
};

/// The family of a region, and what only that family records.
pub(crate) enum Owner {
    Pool {
        kind: PoolKind,
        tag: Tag,
        row: &'static TagStats,
        /// Whether its pages are charged to a process.
        charged: bool,
    },
    Contiguous {
        cache: CacheType,
        physical: u64,
        /// Of `MmAllocateContiguousMemoryEx`.
        tag: Option<Tag>,
        /// To be taken when it is freed; they are not freed with the record.
        pages: ManuallyDrop<Option<OwnPages>>,
    },
    NonCached {
        cache: CacheType,
        pages: BlockPages,
    },
    CommonBuffer {
        adapter: AdapterId,
        /// The memory of the buffer and of all padding.
        memory: Coherent<Arc<HeldDevice>>,
        /// The bus address of the buffer itself, not of the padding in front.
        bus: u64,
        cached: bool,
        padding: Padding,
        /// The free of the buffer, once a client has asked for it.
        freeing: Option<Freeing>,
    },
    /// Pages that others own, mapped for a device. The region's base is three bytes behind the
    /// address of the list.
    List(MappedList),
    /// Map registers for packet DMA. The region's base is four bytes behind the map register base
    /// that the driver got.
    Packet(Packet<Region>),
    /// Pages that others own, mapped for an MDL.
    Mapping(Vmap),
    /// An MDL whose pages are mapped into processes. The region's base is five bytes behind the
    /// MDL's address.
    Viewed {
        /// How many mappings there are.
        views: usize,
        /// Tells it from the record of another MDL that is at this address before or after.
        number: u64,
    },
    /// Registers or memory, mapped by their physical address.
    IoSpace {
        cache: CacheType,
        /// The address of the first byte that was asked for.
        physical: u64,
        access: Access,
        mapping: IoMapping,
    },
    /// Pages locked for an MDL. The region's base is one byte behind the MDL's address.
    Locked {
        pinned: Pinned,
        /// The tag of the block of pool that contains the MDL, if one does.
        block: Option<Tag>,
    },
    /// Pages allocated for an MDL; the base is two bytes behind its address, or behind that of the
    /// first page if the MDL was freed without them.
    MdlPages {
        cache: CacheType,
        pages: BlockPages,
    },
    /// Address space that is reserved for the pages of MDLs.
    Reserved {
        tag: Tag,
        area: Arc<Reserved>,
        /// What is mapped there. While there is something, the record keeps the area.
        shown: Option<Shown>,
    },
}

/// What is mapped in a reserved area.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    /// The address of the MDL.
    pub(crate) mdl: usize,
    pub(crate) pages: usize,
    /// Whether somebody is mapping it, or is unmapping it: nobody else may. That takes long, so the
    /// record is not locked meanwhile.
    pub(crate) busy: bool,
}

impl Owner {
    /// The tag, which pool and reserved address space have, and some contiguous memory.
    pub(crate) fn tag(&self) -> Option<Tag> {
        match self {
            Self::Contiguous { tag, .. } => *tag,
            Self::Pool { tag, .. } | Self::Reserved { tag, .. } => Some(*tag),
            _ => None,
        }
    }

    /// Its pages, if they are not adjacent and the record lists them.
    pub(crate) fn pages(&self) -> Option<&[NonNull<bindings::page>]> {
        match self {
            Self::NonCached { pages, .. } | Self::MdlPages { pages, .. } => Some(pages.list()),
            _ => None,
        }
    }

    /// The device of a buffer or a list, which keeps a reference to it.
    pub(crate) fn device(&self) -> Option<&Arc<HeldDevice>> {
        match self {
            Self::CommonBuffer { memory, .. } => Some(memory.device()),
            Self::List(list) => Some(list.mapped.device()),
            _ => None,
        }
    }

    /// The free of a buffer or the put of a list, once a client has asked for it.
    pub(crate) fn freeing(&self) -> Option<&Freeing> {
        match self {
            Self::CommonBuffer { freeing, .. } => freeing.as_ref(),
            Self::List(list) => list.freeing.as_ref(),
            _ => None,
        }
    }

    /// The memory type that the verifier has for the family.
    pub(crate) fn memory(&self) -> MemoryType {
        match self {
            Self::Pool { kind, .. } => MemoryType::pool(*kind),
            Self::Contiguous { .. } => MemoryType::Contiguous,
            Self::NonCached { .. } => MemoryType::NonCached,
            Self::CommonBuffer { .. } => MemoryType::CommonBuffer,
            Self::List(_) => MemoryType::List,
            Self::Packet(_) => MemoryType::Registers,
            Self::Mapping(_) | Self::Viewed { .. } => MemoryType::Mapping,
            Self::Locked { .. } => MemoryType::Locked,
            Self::IoSpace { .. } => MemoryType::IoSpace,
            Self::MdlPages { .. } => MemoryType::MdlPages,
            Self::Reserved { .. } => MemoryType::Reserved,
        }
    }
}

/// What a report says about a live region.
pub(crate) struct Facts {
    addr: usize,
    pub(crate) known: Known,
    site: CallSite,
}

impl Facts {
    /// Prints them. Any context but NMI.
    pub(crate) fn print(&self) {
        let Self { addr, known, site } = self;
        if site.is_known() {
            pr_err!("  a live block is there: {known}, allocated at {site}\n");
        } else {
            pr_err!("  a live block is there: {known}\n");
            live::tell_who(*addr, known);
        }
    }
}

/// The module that called, if it is known.
pub(crate) fn client_of(caller: usize) -> Option<Client> {
    CallSite::new(call_site::driver(caller)).client()
}

/// A page-aligned block, or another thing of which a record is kept: see [`Owner`].
pub(crate) struct Region {
    pub(super) place: Place<Region>,
    pub(crate) base: NonNull<u8>,
    /// The bytes that the client asked for.
    pub(crate) asked: usize,
    /// The bytes of memory that it takes.
    pub(crate) used: usize,
    pub(crate) site: CallSite,
    pub(crate) owner: Owner,
    /// The task that is giving it back, if one is.
    pub(crate) giver: usize,
}

// SAFETY: Only a table or a list uses the link in `place`, and it owns the next region as it owns
// this one. The pointers in the other fields are to memory, pages and devices that any thread may
// free.
unsafe impl Send for Region {}

impl Entry for Region {
    const ALIGN: u32 = PAGE_SIZE.trailing_zeros();

    fn key(&self) -> usize {
        self.addr()
    }

    fn place(&self) -> &Place<Self> {
        &self.place
    }

    fn place_mut(&mut self) -> &mut Place<Self> {
        &mut self.place
    }
}

impl Region {
    /// The address of its base.
    pub(crate) fn addr(&self) -> usize {
        self.base.as_ptr() as usize
    }

    /// What tracers are told of it.
    pub(crate) fn traced(&self) -> trace::Block {
        trace::Block {
            memory: self.owner.memory(),
            tag: self.owner.tag(),
            bytes: self.asked,
            used: self.used,
            addr: self.addr(),
        }
    }

    /// What a report says about it if the arguments of a free do not match.
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            addr: self.addr(),
            known: Known {
                tag: self.owner.tag(),
                memory: self.owner.memory(),
                bytes: self.asked,
            },
            site: self.site.copy(),
        }
    }
}
