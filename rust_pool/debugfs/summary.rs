// SPDX-License-Identifier: GPL-2.0

//! The file `summary`: how much memory the module holds, and for which purposes.

use crate::{
    debugfs::contents::{
        Page,
        Paper, //
    },
    dma::{
        buffer_release,
        common_buffer, //
    },
    events::work,
    families::{
        contiguous,
        mdl_pages,
        noncached, //
    },
    lib::text::kwrite,
    memory::{
        heap,
        magazine::{
            self,
            depot,
            kind::MagazineKind, //
        }, //
    },
    pool::special,
    stats::tag_table,
    sys::{
        self,
        PAGE_SIZE, //
    },
    types::tag::PoolKind,
    verifier::{
        freed,
        held_back,
        quarantine_set,
        tracking, //
    }, //
};
use kernel::prelude::*;

/// How much is held for one purpose.
#[derive(Clone, Copy, Default)]
struct Held {
    /// The number of blocks, if the memory consists of blocks.
    blocks: Option<u64>,
    /// The bytes that drivers asked for, if it is theirs.
    asked: Option<i64>,
    /// The bytes of memory.
    used: i64,
}

impl Held {
    fn live((blocks, asked, used): (u64, i64, i64)) -> Self {
        Self {
            blocks: Some(blocks),
            asked: Some(asked),
            used,
        }
    }

    fn of_blocks(blocks: usize, bytes: usize) -> Self {
        Self {
            // CAST: Lossless on the architectures supported.
            blocks: Some(blocks as u64),
            ..Self::of_bytes(bytes)
        }
    }

    fn of_bytes(bytes: usize) -> Self {
        Self {
            used: i64::try_from(bytes).unwrap_or(i64::MAX),
            ..Self::default()
        }
    }
}

/// What the live blocks of a kind of pool hold.
fn pool(kind: PoolKind) -> Held {
    let (mut blocks, mut asked, mut used) = (0u64, 0i64, 0i64);
    for row in (0..tag_table::claimed()).filter_map(tag_table::at_place) {
        if row.identity().is_none_or(|(_, of_row)| of_row != kind) {
            continue;
        }
        let now = row.snapshot();
        blocks = blocks.wrapping_add(now.diff());
        asked = asked.wrapping_add(now.bytes);
        used = used.wrapping_add(now.used);
    }
    Held::live((blocks, asked, used))
}

fn magazines() -> Held {
    let (mut blocks, mut bytes) = (0usize, 0usize);
    for magazine in MagazineKind::all() {
        let held = magazine::held(magazine);
        blocks = blocks.saturating_add(held);
        bytes = bytes.saturating_add(held.saturating_mul(magazine.bytes()));
    }
    Held::of_blocks(blocks, bytes)
}

fn depot() -> Held {
    let (mut blocks, mut bytes) = (0usize, 0usize);
    for kind in MagazineKind::all() {
        let (held, _) = depot::usage(kind).unwrap_or((0, 0));
        blocks = blocks.saturating_add(held);
        bytes = bytes.saturating_add(held.saturating_mul(kind.bytes()));
    }
    Held::of_blocks(blocks, bytes)
}

/// What was freed but could not be given back, of all families.
fn lost() -> Held {
    let families = [
        contiguous::FAMILY.lost(),
        noncached::FAMILY.lost(),
        mdl_pages::totals::FAMILY.lost(),
        &buffer_release::LOST,
    ];
    let (mut blocks, mut bytes) = (0u64, 0u64);
    for (of_family, bytes_of_family) in families.map(|lost| lost.totals()) {
        blocks = blocks.wrapping_add(of_family);
        bytes = bytes.wrapping_add(bytes_of_family);
    }
    Held {
        blocks: Some(blocks),
        asked: None,
        used: i64::try_from(bytes).unwrap_or(i64::MAX),
    }
}

/// The file.
pub(crate) struct Summary;

impl Page for Summary {
    fn write(to: &mut Paper) -> Result {
        let heap = heap::usage();
        let spare = special::spare();
        let records = tracking::bytes()
            .saturating_add(freed::bytes())
            .saturating_add(sys::code::bytes());
        let in_use = [
            ("nonpaged", pool(PoolKind::NonPaged)),
            ("paged", pool(PoolKind::Paged)),
            ("contiguous", Held::live(contiguous::FAMILY.live())),
            ("noncached", Held::live(noncached::FAMILY.live())),
            ("common", Held::live(common_buffer::FAMILY.live())),
            ("mdl_pages", Held::live(mdl_pages::totals::FAMILY.live())),
        ];
        let ready = [
            ("magazines", magazines()),
            ("depot", depot()),
            ("heap", Held::of_bytes(heap.free.saturating_add(heap.idle))),
        ];
        let verifier = [
            (
                "special",
                Held::of_blocks(spare, spare.saturating_mul(PAGE_SIZE)),
            ),
            (
                "held",
                Held::of_blocks(held_back::count(), held_back::bytes()),
            ),
            ("kept", Held::of_bytes(quarantine_set::bytes())),
            ("records", Held::of_bytes(records)),
        ];
        let (blocks, bytes) = work::waiting();
        let overhead = [
            ("tags", Held::of_bytes(tag_table::bytes())),
            ("deferred", Held::of_blocks(blocks, bytes)),
            ("lost", lost()),
        ];
        let parts: [(&str, &[(&str, Held)]); 4] = [
            ("in use", &in_use),
            ("ready", &ready),
            ("verifier", &verifier),
            ("overhead", &overhead),
        ];

        let sum = |rows: &[(&str, Held)]| rows.iter().map(|(_, held)| held.used).sum::<i64>();
        let all: i64 = parts.iter().map(|(_, rows)| sum(rows)).sum();
        kwrite!(to, "summary - version: 1.4\n# holds {all} bytes")?;
        for (part, rows) in parts {
            kwrite!(to, ", {part} {}", sum(rows))?;
        }
        kwrite!(
            to,
            "\n#{:<11} {:>12} {:>16} {:>16}\n",
            "what",
            "blocks",
            "bytes",
            "used"
        )?;
        for (name, held) in parts.iter().flat_map(|(_, rows)| rows.iter()) {
            kwrite!(to, "{name:<12} ")?;
            match held.blocks {
                Some(blocks) => kwrite!(to, "{blocks:>12} ")?,
                None => kwrite!(to, "{:>12} ", "-")?,
            }
            match held.asked {
                Some(asked) => kwrite!(to, "{asked:>16} ")?,
                None => kwrite!(to, "{:>16} ", "-")?,
            }
            kwrite!(to, "{:>16}\n", held.used)?;
        }
        Ok(())
    }
}
