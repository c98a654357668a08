// SPDX-License-Identifier: GPL-2.0

//! Blocks of all pages of an order: where they come from, and what becomes of them.

use crate::{
    header::{
        freeing::Freed,
        Form,
        PageHeader, //
    },
    memory::{
        batch::Block,
        magazine::kind::{
            Content,
            MagazineKind, //
        },
        request::Request, //
    },
    sys::{
        self,
        PageWords, //
    }, //
};
use core::ptr::NonNull;

/// Allocates pages: those of a kind, if it is not one of objects. Any context but NMI.
pub(crate) fn allocate(kind: MagazineKind, request: Request) -> Option<Block> {
    let Content::Pages(order) = kind.content() else {
        return None;
    };
    let block = request.attempt(|gfp| sys::page_block(order, gfp))?;
    // SAFETY: These are all pages of this order, and were just allocated.
    Some(unsafe { Block::new(kind, block) })
}

/// The pages of a block that was freed. Others may still have references to them: a mapping in a
/// process is one.
///
/// # Invariants
///
/// At `at` are all pages of this order, which the magazines keep, from [`allocate`]. Whoever had
/// the block does not use it any more, and its reference is this value's.
#[must_use = "pages that are not given back are lost"]
pub(crate) struct FreedPages {
    at: NonNull<u8>,
    order: u32,
}

impl FreedPages {
    /// The pages of a block, if it is all pages of an order.
    #[inline]
    pub(crate) fn of(block: Freed<PageHeader>) -> Option<Self> {
        let Form::Order(order) = block.form() else {
            return None;
        };
        // INVARIANT: The header says how its pages were allocated.
        Some(Self {
            at: NonNull::new(block.addr() as *mut u8)?,
            order,
        })
    }

    /// The pages of a free block, or the block if it is an object.
    pub(crate) fn of_free(block: Block) -> Result<Self, Block> {
        match block.kind().content() {
            // INVARIANT: It is a free block of this order.
            Content::Pages(order) => Ok(Self {
                at: block.into_raw(),
                order,
            }),
            Content::Objects(_) => Err(block),
        }
    }

    /// The block, if it may be handed out again: nobody else has a reference.
    pub(crate) fn into_block(self) -> Result<Block, Self> {
        let reusable = PageWords::around(self.at.as_ptr() as usize).is_some_and(|page| {
            // SAFETY: By the type invariant the pages are there, and the reference is ours.
            unsafe { page.is_reusable() }
        });
        if !reusable {
            return Err(self);
        }
        // SAFETY: By the type invariant these are such pages. Nobody else refers to them.
        Ok(unsafe { Block::new(MagazineKind::pages(self.order), self.at) })
    }

    /// Gives them to the kernel. They are free when the last reference is dropped.
    pub(crate) fn give_back(self) {
        // SAFETY: By the type invariant the pages are ours to give back.
        unsafe {
            PageHeader::erase(self.at);
            sys::free_page_block(self.at, self.order);
        }
    }
}
