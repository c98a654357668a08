// SPDX-License-Identifier: GPL-2.0

//! What is known of a block.

use crate::{
    api::exported,
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};
use kernel::fmt;

/// Describes a live block, like `!pool` of the Windows debugger.
///
/// # Examples
///
/// ```ignore
/// if let Some(block) = Block::at(pointer) {
///     pr_info!("{pointer:p} is {block:?}\n");
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Block {
    kind: Option<PoolKind>,
    tag: Option<Tag>,
    bytes: usize,
}

impl Block {
    /// The live block that begins at an address, if it is one of rust_pool's. Any address, and any
    /// context but NMI, where none is found.
    ///
    /// It finds blocks of the C API, contiguous and noncached memory, and common buffers. Those in
    /// a `Box` or `Vec` have no header, so they are found only while the verifier tracks them. If
    /// somebody else can free the block, it may be gone by the time that this returns.
    #[inline]
    pub fn at<T: ?Sized>(at: *const T) -> Option<Self> {
        let (mut kind, mut tag, mut bytes) = (0, 0, 0);
        let found = exported::rust_pool_block(at.cast(), &mut kind, &mut tag, &mut bytes);
        found.then_some(Self {
            kind: match kind {
                0 => Some(PoolKind::NonPaged),
                1 => Some(PoolKind::Paged),
                _ => None,
            },
            tag: (tag != 0).then_some(Tag::from_raw(tag)),
            bytes,
        })
    }

    /// The pool that it is from; `None` for other memory.
    #[inline]
    pub fn kind(&self) -> Option<PoolKind> {
        self.kind
    }

    /// Its tag; `None` for memory that has none.
    #[inline]
    pub fn tag(&self) -> Option<Tag> {
        self.tag
    }

    /// Bytes asked for.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl fmt::Debug for Block {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block")
            .field("kind", &self.kind)
            .field("tag", &self.tag)
            .field("bytes", &self.bytes)
            .finish()
    }
}
