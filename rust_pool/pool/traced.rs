// SPDX-License-Identifier: GPL-2.0

//! What tracers are told of pool blocks of the C API.

use crate::{
    header::{
        Found,
        Header,
        PageHeader,
        UNIT, //
    },
    memory::{
        large,
        size_class::Class, //
    },
    pool::{
        pages,
        special::arena, //
    },
    sys::{
        self,
        PAGE_SIZE, //
    },
    trace::{
        Began,
        Block, //
    },
    types::{
        memory_type::MemoryType,
        tag::{
            PoolKind,
            Tag, //
        }, //
    }, //
};
use core::ptr::NonNull;

/// A small block with this header in front.
pub(crate) fn small(addr: usize, header: &Header) -> Block {
    Block {
        memory: MemoryType::pool(header.kind()),
        tag: Some(header.tag()),
        bytes: header.bytes(),
        used: Class::of_header(header).bytes(),
        addr,
    }
}

/// A block of pages that has this header.
pub(crate) fn pages(addr: usize, header: &PageHeader) -> Block {
    Block {
        memory: MemoryType::pool(header.kind()),
        tag: Some(header.tag()),
        bytes: header.bytes(),
        used: pages::used_by(header),
        addr,
    }
}

/// Tells tracers of a block that no client knows yet. `small` says whether it is a small block, and
/// `began` when the call did. Any context but NMI.
#[inline]
pub(crate) fn allocated(
    block: NonNull<u8>,
    bytes: usize,
    small: bool,
    tag: Tag,
    kind: PoolKind,
    caller: usize,
    began: Began,
) {
    if sys::watched() {
        let addr = block.as_ptr() as usize;
        let new = Block {
            memory: MemoryType::pool(kind),
            tag: Some(tag),
            bytes,
            used: used(addr, bytes, small).unwrap_or(0),
            addr,
        };
        new.allocated(caller, began);
    }
}

/// The bytes that a block takes that was just allocated.
#[cold]
fn used(addr: usize, bytes: usize, small: bool) -> Option<usize> {
    if arena::covers(addr) {
        return Some(PAGE_SIZE);
    }
    if small {
        return match Header::find(addr.checked_sub(UNIT)?)? {
            Found::Live(header) => Some(Class::of_header(&header).bytes()),
            Found::Freed(_) => None,
        };
    }
    match PageHeader::find(addr) {
        Some(Found::Live(header)) => Some(pages::used_by(&header)),
        _ => large::used(bytes),
    }
}
