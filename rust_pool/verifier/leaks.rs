// SPDX-License-Identifier: GPL-2.0

//! The part of the report at unload that is about tracked blocks: how many each call site leaked.

use crate::{
    lib::text::kwrite,
    report::{
        files::AllIn,
        violation::Blocks, //
    },
    sys::Module,
    types::memory_type::MemoryType,
    verifier::{
        places::{
            Place,
            Places,
            Sum, //
        },
        record::Record,
        tracking, //
    }, //
};
use kernel::{
    fmt,
    prelude::*, //
};

/// The most call sites that are reported.
const LINES: u64 = 32;

/// How much memory of which kind a call site left, in words.
struct What<'a>(&'a Place);

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place {
            tag, memory, sum, ..
        } = self.0;
        let Sum { blocks, bytes } = *sum;
        if let Some(tag) = tag {
            kwrite!(f, "tag {tag} ")?;
        }
        if *memory == MemoryType::Adapter {
            return kwrite!(f, "{memory}: {blocks}");
        }
        kwrite!(f, "{memory}: {}, {bytes} bytes", Blocks(blocks))
    }
}

/// Whether a block was allocated by `module`. `None` stands for all modules.
fn concerned(record: &Record, module: Option<Module>) -> bool {
    module.is_none_or(|module| record.stack.caller().lies_in(module))
}

/// How many tracked pool blocks a module leaves, or all modules leave. Blocks of other families are
/// counted by their own records.
pub(crate) fn count(module: Option<Module>) -> u64 {
    let mut count = 0u64;
    tracking::for_each(|record| {
        if concerned(record, module) && matches!(record.memory, MemoryType::Pool { .. }) {
            count = count.wrapping_add(1);
        }
    });
    count
}

/// Prints the call sites that allocated the blocks, those with the most bytes first. Sleeps.
pub(crate) fn print(module: Option<Module>) {
    let places = Places::tracked(|record| concerned(record, module));
    let mut told = 0;
    let mut more = Sum::default();
    let printed = places.and_then(|places| {
        places.for_each(|place| {
            if told < LINES {
                place.stack.print(fmt!("tracked {}, by", What(place)));
            } else {
                more.add(place.sum);
            }
            told += 1;
        })?;
        more.add(places.rest);
        Ok(())
    });
    if printed.is_err() {
        pr_err!("  tracked blocks: no memory to say where they are from\n");
    }
    if more.blocks != 0 {
        let Sum { blocks, bytes } = more;
        let (count, blocks) = (told.saturating_sub(LINES), Blocks(blocks));
        let (words, files) = ("all are in", "sites");
        let all = AllIn { words, files };
        pr_err!("  and {count} more tracked places: {blocks}, {bytes} bytes{all}\n");
    }
}
