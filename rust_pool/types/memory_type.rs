// SPDX-License-Identifier: GPL-2.0

//! The memory types that the verifier tells apart.

use crate::{
    lib::text::kwrite,
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::mem::{
    offset_of,
    size_of, //
};
use kernel::fmt;

/// What kind of memory it is, by the routine that allocated it.
///
/// The reader of a dump knows the numbers, which are also those of `Owner` in `record.rs`. The
/// representation is such that the number comes first, and [`InDump`] tells where the rest is.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum MemoryType {
    /// Pool. With `rust_block` it is a block of the Rust API, which has neither header nor record.
    Pool {
        rust_block: bool,
        kind: PoolKind,
    } = 0,
    Contiguous = 1,
    NonCached = 2,
    CommonBuffer = 3,
    /// A scatter/gather list.
    List = 4,
    /// Map registers for packet DMA.
    Registers = 5,
    /// The pages of an MDL.
    Mapping = 6,
    /// Registers of a device, mapped.
    IoSpace = 7,
    /// The locked pages of an MDL.
    Locked = 8,
    /// Pages that were allocated for an MDL.
    MdlPages = 9,
    /// Address space that is reserved for the pages of MDLs.
    Reserved = 10,
    Adapter = 11,
}

/// What [`MemoryType::Pool`] looks like in memory: by the rules for an enumeration with a
/// representation, a structure like this.
#[repr(C)]
struct InDump {
    number: u8,
    rust_block: bool,
    kind: PoolKind,
}

const _: () = assert!(size_of::<InDump>() == size_of::<MemoryType>());

impl MemoryType {
    /// Where it has its number and, for pool, `rust_block` and `kind`.
    pub(crate) const LAYOUT: [usize; 3] = [
        offset_of!(InDump, number),
        offset_of!(InDump, rust_block),
        offset_of!(InDump, kind),
    ];

    /// Pool of the C API.
    pub(crate) const fn pool(kind: PoolKind) -> Self {
        Self::Pool {
            kind,
            rust_block: false,
        }
    }
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pool { kind, .. } => return kind.fmt(f),
            Self::Contiguous => "contiguous",
            Self::NonCached => "noncached",
            Self::CommonBuffer => "common",
            Self::List => "list",
            Self::Registers => "registers",
            Self::Mapping => "mapping",
            Self::IoSpace => "io_space",
            Self::Locked => "locked",
            Self::MdlPages => "mdl_pages",
            Self::Reserved => "reserved",
            Self::Adapter => "adapter",
        })
    }
}

/// What is known of a live block.
pub(crate) struct Known {
    pub(crate) tag: Option<Tag>,
    pub(crate) memory: MemoryType,
    pub(crate) bytes: usize,
}

impl Known {
    /// A pool block of the C API.
    pub(crate) fn pool(tag: Tag, kind: PoolKind, bytes: usize) -> Self {
        Self {
            tag: Some(tag),
            memory: MemoryType::pool(kind),
            bytes,
        }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tag, memory, bytes } = self;
        if let Some(tag) = tag {
            kwrite!(f, "tag {tag} ")?;
        }
        kwrite!(f, "{memory}, {bytes} bytes")
    }
}
