// SPDX-License-Identifier: GPL-2.0

//! Blocks whose header was overwritten, found when they are freed.
//!
//! WDK: "Bug Check 0x19: BAD_POOL_HEADER".
//!
//! A damaged header does not describe its block, but two things may. The heap and the slab caches
//! know where their blocks begin. And if one of the header's two words is intact, the check word or
//! the row of the tag proves what the other one was.
//!
//! The memory of such a block is never used again, as nobody knows what else was overwritten. If
//! its size and tag are known, it is counted as freed, and a second free of it is recognized. If
//! not, it stays counted as allocated.

use crate::{
    header::{
        Found,
        Header,
        PageHeader,
        Remains,
        UNIT, //
    },
    lib::text::Text,
    memory::{
        heap::{
            self,
            span::Object, //
        },
        size_class::{
            Class,
            SIZES, //
        },
        slab_caches, //
    },
    pool::{
        pages,
        small, //
    },
    record::live,
    report::{
        rule,
        violation::Parameter, //
    },
    stats::{
        tag_stats::TagStats,
        tag_table, //
    },
    sys::PAGE_SIZE,
    types::tag::{
        PoolKind,
        Tag, //
    },
    verifier::{
        quarantine_set,
        tracking, //
    }, //
};
use kernel::prelude::*;

/// A block whose header was overwritten.
pub(crate) struct Damage {
    addr: usize,
    remains: Remains,
    /// What the header was.
    header: Option<AnyHeader>,
    /// What else is known of a small block.
    object: Option<Object>,
}

enum AnyHeader {
    Small(Header),
    Pages(PageHeader),
}

/// What is known of a block.
struct Known {
    tag: Tag,
    kind: PoolKind,
    bytes: usize,
    used: usize,
    row: Option<&'static TagStats>,
}

impl AnyHeader {
    fn known(&self) -> Known {
        match self {
            Self::Small(header) => Known {
                tag: header.tag(),
                kind: header.kind(),
                bytes: header.bytes(),
                used: Class::of_header(header).bytes(),
                row: tag_table::at(header.row()),
            },
            Self::Pages(header) => Known {
                tag: header.tag(),
                kind: header.kind(),
                bytes: header.bytes(),
                used: pages::used_by(header),
                row: tag_table::at(header.row()),
            },
        }
    }
}

/// The block in front of a damaged one; somebody probably wrote beyond its end.
struct Front {
    addr: usize,
    header: AnyHeader,
    freed: bool,
}

/// What the heap or a slab cache knows of an object that begins at an address.
fn object_at(at: usize) -> Option<Object> {
    heap::object_at(at).or_else(|| {
        let (class, front) = slab_caches::object_at(at)?;
        let bytes = SIZES.get(class)? * UNIT;
        Some(Object {
            bytes: Some(bytes),
            front,
            begins: true,
        })
    })
}

/// The block at an address without a header, if it is certain that there is one. Slow; any context
/// but NMI.
pub(crate) fn look(addr: usize) -> Option<Damage> {
    look_at_pages(addr).or_else(|| look_at_small(addr))
}

fn look_at_pages(addr: usize) -> Option<Damage> {
    if addr % PAGE_SIZE != 0 {
        return None;
    }
    let remains = Remains::of_pages(addr)?;
    let header = pages::recover(addr, &remains)?;
    // The header may just be being written: after a second free the next owner may be at work.
    Remains::of_pages(addr).filter(|now| now.is(&remains))?;
    Some(Damage {
        addr,
        remains,
        header: Some(AnyHeader::Pages(header)),
        object: None,
    })
}

fn look_at_small(addr: usize) -> Option<Damage> {
    let at = addr.checked_sub(UNIT).filter(|at| at % UNIT == 0)?;
    let remains = Remains::of_small(at)?;
    let object = object_at(at);
    // If the size does not match the object, it was overwritten as well.
    let begins = object.is_some_and(|object| object.begins);
    let takes = object.and_then(|object| object.bytes);
    let agrees =
        |header: &Header| takes.is_none_or(|bytes| Class::of_header(header).bytes() == bytes);
    let header = small::recover(at, &remains, begins).filter(agrees);
    if header.is_none() && object.is_none() {
        return None;
    }
    // As above.
    Remains::of_small(at).filter(|now| now.is(&remains))?;
    Some(Damage {
        addr,
        remains,
        header: header.map(AnyHeader::Small),
        object,
    })
}

impl Damage {
    /// The nearest block in front with an intact header; all blocks between were overrun as well.
    fn front(&self) -> Option<Front> {
        let mut front = self.object?.front;
        for _ in 0..PAGE_SIZE / UNIT {
            let at = front?;
            if at % PAGE_SIZE == 0 {
                if let Some(found) = PageHeader::find(at) {
                    let (header, freed) = match found {
                        Found::Live(header) => (header, false),
                        Found::Freed(header) => (header, true),
                    };
                    return Some(Front {
                        addr: at,
                        header: AnyHeader::Pages(header),
                        freed,
                    });
                }
            }
            if let Some(found) = Header::find(at) {
                let (header, freed) = match found {
                    Found::Live(header) => (header, false),
                    Found::Freed(header) => (header, true),
                };
                return Some(Front {
                    addr: at + UNIT,
                    header: AnyHeader::Small(header),
                    freed,
                });
            }
            front = object_at(at)?.front;
        }
        None
    }

    /// Counts the block as freed, so that a second free of it is recognized; `false` if too little
    /// is known of it, or if the header was overwritten again.
    fn bury(&self) -> bool {
        // SAFETY: These are the remains of this header.
        let buried = unsafe {
            match &self.header {
                Some(AnyHeader::Small(header)) => self.remains.bury_small(header, self.addr - UNIT),
                Some(AnyHeader::Pages(header)) => self.remains.bury_pages(header, self.addr),
                None => false,
            }
        };
        if buried {
            if let Some(Known {
                row: Some(row),
                bytes,
                used,
                ..
            }) = self.header.as_ref().map(AnyHeader::known)
            {
                row.discharge(bytes, used);
            }
            quarantine_set::lose();
        }
        buried
    }

    /// Reports the free of the block, and counts it.
    pub(crate) fn report(self, caller: usize) {
        let front = self.front();
        let bytes = self.header.as_ref().map(|header| header.known().bytes);
        let bytes = bytes.or_else(|| tracking::block(self.addr)).unwrap_or(0);
        let buried = self.bury();
        let given = [
            Parameter::Address(self.addr),
            bytes.into(),
            Parameter::Address(front.as_ref().map_or(0, |front| front.addr)),
        ];
        rule::HEADER_CHANGED
            .by(caller, given)
            .report_with(|| self.tell(front.as_ref(), buried));
        if buried {
            tracking::remove(self.addr);
        }
    }

    fn tell(&self, front: Option<&Front>, buried: bool) {
        let Self { header, object, .. } = self;
        match (header, object) {
            (Some(header), _) => {
                let Known {
                    tag, kind, bytes, ..
                } = header.known();
                pr_err!("  it was tag {tag} {kind}, {bytes} bytes\n");
            }
            (
                None,
                Some(Object {
                    bytes: Some(bytes), ..
                }),
            ) => {
                pr_err!("  too little of it is left; it and its block take {bytes} bytes\n");
            }
            (None, _) => pr_err!("  too little of it is left to say more\n"),
        }
        tracking::tell(self.addr);
        if let Some(front) = front {
            front.tell();
        }
        if buried {
            pr_err!("  it is counted as freed, and its memory is not used again\n");
        } else {
            pr_err!("  it is not freed, and stays counted as allocated\n");
        }
    }
}

impl Front {
    fn tell(&self) {
        let Known {
            tag, kind, bytes, ..
        } = self.header.known();
        let start = Text::<24>::pointer(self.addr);
        let freed = if self.freed { ", which was freed" } else { "" };
        pr_err!("  written past its end, probably: the block in front, {start}, tag {tag} {kind}, {bytes} bytes{freed}\n");
        if !tracking::tell(self.addr) {
            live::tell_first_user(tag, kind);
        }
    }
}
