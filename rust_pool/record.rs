// SPDX-License-Identifier: GPL-2.0

//! The record of a block without a header, of a mapping, or of pages that are locked or listed:
//! here called a region.
//!
//! The record is reserved before the memory is allocated, so that a later failure leaves nothing to
//! undo.

pub(crate) mod adapter_id;
pub(crate) mod backlog;
pub(crate) mod block;
pub(crate) mod device_event;
pub(crate) mod held_device;
pub(crate) mod kept_buffer;
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
        device_event::Release,
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
    mem::{
        offset_of,
        ManuallyDrop, //
    },
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::{
        atomic::Atomic,
        Arc, //
    }, //
};

/// The family of a region, and what only that family records.
///
/// The reader of a dump knows the numbers, which are those of [`MemoryType`]; what is no memory
/// type of its own has a number behind those. The representation is such that the number comes
/// first, and [`PoolInDump`] and its like tell where the rest is.
#[repr(u8)]
pub(crate) enum Owner {
    Pool {
        /// Whether its pages are charged to a process.
        charged: bool,
        kind: PoolKind,
        tag: Tag,
        row: &'static TagStats,
    } = 0,
    Contiguous {
        cache: CacheType,
        /// Of `MmAllocateContiguousMemoryEx`.
        tag: Option<Tag>,
        physical: u64,
        /// To be taken when it is freed; they are not freed with the record.
        pages: ManuallyDrop<Option<OwnPages>>,
    } = 1,
    NonCached {
        cache: CacheType,
        pages: BlockPages,
    } = 2,
    CommonBuffer {
        adapter: AdapterId,
        /// The memory of the buffer and of all padding.
        memory: Coherent<Arc<HeldDevice>>,
        /// The bus address of the buffer itself, not of the padding in front.
        bus: u64,
        cached: bool,
        padding: Padding,
        /// How many mappings into processes need it: see [`kept_buffer`]. Changed only in the
        /// table, with the bucket locked.
        views: Atomic<i64>,
        /// The free of the buffer, once a client has asked for it.
        freeing: Option<Release>,
    } = 3,
    /// Pages that others own, mapped for a device. The region's base is three bytes behind the
    /// address of the list.
    List(MappedList) = 4,
    /// Map registers for packet DMA. The region's base is four bytes behind the map register base
    /// that the driver got.
    Packet(Packet<Region>) = 5,
    /// Pages that others own, mapped for an MDL.
    Mapping(Vmap) = 6,
    /// An MDL whose pages are mapped into processes. The region's base is five bytes behind the
    /// MDL's address.
    Viewed {
        /// How many mappings there are.
        views: usize,
        /// Tells it from the record of another MDL that is at this address before or after.
        number: u64,
    } = 12,
    /// Registers or memory, mapped by their physical address.
    IoSpace {
        cache: CacheType,
        /// The address of the first byte that was asked for.
        physical: u64,
        access: Access,
        mapping: IoMapping,
    } = 7,
    /// Pages locked for an MDL. The region's base is one byte behind the MDL's address.
    Locked {
        pinned: Pinned,
        /// The tag of the block of pool that contains the MDL, if one does.
        block: Option<Tag>,
    } = 8,
    /// Pages allocated for an MDL; the base is two bytes behind its address, or behind that of the
    /// first page if the MDL was freed without them.
    MdlPages {
        cache: CacheType,
        pages: BlockPages,
    } = 9,
    /// Address space that is reserved for the pages of MDLs.
    Reserved {
        tag: Tag,
        area: Arc<Reserved>,
        /// What is mapped there. While there is something, the record keeps the area.
        shown: Option<Shown>,
    } = 10,
}

/// What [`Owner::Pool`] looks like in memory: by the rules for an enumeration with a
/// representation, a structure like this.
#[repr(C)]
struct PoolInDump {
    number: u8,
    charged: bool,
    kind: PoolKind,
    tag: Tag,
    row: &'static TagStats,
}

/// As [`PoolInDump`], for [`Owner::Contiguous`].
#[repr(C)]
struct ContiguousInDump {
    number: u8,
    cache: CacheType,
    tag: Option<Tag>,
    physical: u64,
}

/// As [`PoolInDump`], for [`Owner::Reserved`].
#[repr(C)]
struct ReservedInDump {
    number: u8,
    tag: Tag,
    area: Arc<Reserved>,
    shown: Option<Shown>,
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
    pub(crate) fn freeing(&self) -> Option<&Release> {
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
    /// For the reader of a dump: where a region has the address of the next and its fields, where
    /// `owner` has its number and, for pool, whether it is charged, kind and tag; the optional tag
    /// of contiguous memory; and the tag of a reserved area.
    pub(crate) const LAYOUT: [usize; 11] = [
        offset_of!(Self, place) + Place::<Self>::NEXT,
        offset_of!(Self, base),
        offset_of!(Self, asked),
        offset_of!(Self, used),
        offset_of!(Self, site),
        offset_of!(Self, owner) + offset_of!(PoolInDump, number),
        offset_of!(Self, owner) + offset_of!(PoolInDump, charged),
        offset_of!(Self, owner) + offset_of!(PoolInDump, kind),
        offset_of!(Self, owner) + offset_of!(PoolInDump, tag),
        offset_of!(Self, owner) + offset_of!(ContiguousInDump, tag),
        offset_of!(Self, owner) + offset_of!(ReservedInDump, tag),
    ];

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
