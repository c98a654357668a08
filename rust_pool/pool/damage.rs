// SPDX-License-Identifier: GPL-2.0

//! Blocks whose header was overwritten, which is found when they are freed.
//!
//! WDK: "Bug Check 0x19: BAD_POOL_HEADER".
//!
//! A damaged header does not describe its block, but there are two other sources. The heap and the
//! slab caches know where their objects begin. And if one of the header's two words is intact, the
//! other one can be recovered: the check word, or the row of the tag, proves what it was.
//!
//! The memory of such a block is never used again, as it is not known what else was overwritten. If
//! its size and tag could be recovered, the block is counted as freed, and a second free of it is
//! recognized. If not, it stays counted as allocated.

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
            span::LostBlock, //
        },
        size_class::{
            Class,
            SIZES, //
        },
        slab_caches, //
    },
    pool::{
        pages,
        small,
        traced, //
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
    sys::{
        self,
        PAGE_SIZE, //
    },
    trace,
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
    /// The header as it was, if it could be recovered.
    header: Option<AnyHeader>,
    /// What the heap or a slab cache knows of a small block.
    object: Option<LostBlock>,
}

/// A header of either kind.
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

    /// What tracers are told of the block.
    fn traced(&self, addr: usize) -> trace::Block {
        match self {
            Self::Small(header) => traced::small(addr, header),
            Self::Pages(header) => traced::pages(addr, header),
        }
    }
}

/// The block in front of a damaged one. Probably somebody wrote beyond its end.
struct Front {
    addr: usize,
    header: AnyHeader,
    freed: bool,
}

/// What the heap or a slab cache knows of an object that begins at an address.
fn object_at(at: usize) -> Option<LostBlock> {
    heap::object_at(at).or_else(|| {
        let (class, front) = slab_caches::object_at(at)?;
        let bytes = SIZES.get(class)? * UNIT;
        Some(LostBlock {
            bytes: Some(bytes),
            front,
            begins: true,
        })
    })
}

/// Looks for a block with a damaged header at an address that has no valid one. Returns only what
/// is certain to be a block. Slow; any context but NMI.
pub(crate) fn look(addr: usize) -> Option<Damage> {
    // A sampled block is an object of kmalloc's, and its header is gone once it is freed. So what
    // is left of one there is that of a live block.
    if sys::is_kfence(addr) {
        return look_at_small(addr, Header::is_sampled);
    }
    // The memory is somebody else's now, so the rest of an old header there was not damaged.
    if slab_caches::is_of_another(addr) {
        return None;
    }
    look_at_pages(addr).or_else(|| look_at_small(addr, |_| true))
}

/// Looks for a block of pages.
fn look_at_pages(addr: usize) -> Option<Damage> {
    if addr % PAGE_SIZE != 0 {
        return None;
    }
    let remains = Remains::of_pages(addr)?;
    let header = pages::recover(&remains)?;
    // If the words have changed, the header is not damaged, but is just being written: the block
    // was freed before, and is being allocated again.
    Remains::of_pages(addr).filter(|now| now.is(&remains))?;
    Some(Damage {
        addr,
        remains,
        header: Some(AnyHeader::Pages(header)),
        object: None,
    })
}

/// Looks for a small block, whose header `may_be` one there.
fn look_at_small(addr: usize, may_be: impl Fn(&Header) -> bool) -> Option<Damage> {
    let at = addr.checked_sub(UNIT).filter(|at| at % UNIT == 0)?;
    let remains = Remains::of_small(at)?;
    if Header::find_spare(at).is_some() {
        return None;
    }
    let object = object_at(at);
    // If the header's size does not match the object's, it was overwritten as well.
    let begins = object.is_some_and(|object| object.begins);
    let takes = object.and_then(|object| object.bytes);
    let agrees =
        |header: &Header| takes.is_none_or(|bytes| Class::of_header(header).bytes() == bytes);
    let header = small::recover(&remains, begins)
        .filter(agrees)
        .filter(may_be);
    if header.is_none() && object.is_none() {
        return None;
    }
    // If the words have changed, the header is just being written.
    Remains::of_small(at).filter(|now| now.is(&remains))?;
    Some(Damage {
        addr,
        remains,
        header: header.map(AnyHeader::Small),
        object,
    })
}

impl Damage {
    /// The nearest block in front that has a valid header. A write beyond its end went through all
    /// blocks between.
    fn front(&self) -> Option<Front> {
        let mut front = self.object?.front;
        for _ in 0..PAGE_SIZE / UNIT {
            let at = front?;
            if at % PAGE_SIZE == 0 {
                if let Some(found) = PageHeader::find(at) {
                    let (header, freed) = match found {
                        Found::Live(header) => (*header, false),
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
                    Found::Live(header) => (*header, false),
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

    /// Counts the block as freed, and repairs its header, so that a second free is recognized.
    /// Returns `false` if the header could not be recovered, or has changed again.
    fn bury(&self, caller: usize) -> bool {
        // SAFETY: `look()` recovered this header from the remains. So a block of ours had it there.
        let buried = unsafe {
            match self.header {
                Some(AnyHeader::Small(header)) => self.remains.bury(header),
                Some(AnyHeader::Pages(header)) => self.remains.bury(header),
                None => false,
            }
        };
        if buried {
            if let Some(header) = &self.header {
                if let Known {
                    row: Some(row),
                    bytes,
                    used,
                    ..
                } = header.known()
                {
                    row.discharge(bytes, used);
                }
                header.traced(self.addr).freed(caller);
            }
            quarantine_set::lose();
        }
        buried
    }

    /// Reports the damage, and counts the block as freed if it can.
    pub(crate) fn report(self, caller: usize) {
        let front = self.front();
        let bytes = self.header.as_ref().map(|header| header.known().bytes);
        let bytes = bytes.or_else(|| tracking::block(self.addr)).unwrap_or(0);
        let buried = self.bury(caller);
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
                Some(LostBlock {
                    bytes: Some(bytes), ..
                }),
            ) => {
                pr_err!("  its header is unreadable; header and block take {bytes} bytes\n");
            }
            (None, _) => pr_err!("  its header is unreadable\n"),
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
            live::tell_first_user(self.addr, tag, kind);
        }
    }
}
