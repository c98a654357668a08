// SPDX-License-Identifier: GPL-2.0

//! The memory types that the verifier tells apart.

use crate::{
    lib::text::kwrite,
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};
use kernel::fmt;

/// What kind of memory it is, by the routine that allocated it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemoryType {
    /// Pool. With `rust_block` it is a block of the Rust API, which has neither header nor record.
    Pool {
        kind: PoolKind,
        rust_block: bool,
    },
    Contiguous,
    NonCached,
    CommonBuffer,
    /// A scatter/gather list.
    List,
    /// Map registers for packet DMA.
    Registers,
    /// The pages of an MDL.
    Mapping,
    /// Registers of a device, mapped.
    IoSpace,
    /// The locked pages of an MDL.
    Locked,
    /// Pages that were allocated for an MDL.
    MdlPages,
    /// Address space that is reserved for the pages of MDLs.
    Reserved,
    Adapter,
}

impl MemoryType {
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
