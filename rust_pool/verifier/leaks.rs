// SPDX-License-Identifier: GPL-2.0

//! The tracked blocks in the report at unload: how many each place leaked.

use super::{
    stack::Stack,
    tracking::{
        self,
        Record, //
    },
    MemoryType, //
};
use crate::{
    sys::Module,
    tag::Tag,
    text::kwrite, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    fmt,
    prelude::*, //
};

/// Blocks, or adapters, from one place.
struct Group {
    tag: Option<Tag>,
    memory: MemoryType,
    stack: Stack,
    count: u64,
    bytes: u64,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tag,
            memory,
            stack,
            count,
            bytes,
        } = self;
        if let Some(tag) = tag {
            kwrite!(f, "tag {tag} ")?;
        }
        if *memory == MemoryType::Adapter {
            return kwrite!(f, "{memory}: {count}, by {stack}");
        }
        let blocks = if *count == 1 { "block" } else { "blocks" };
        kwrite!(f, "{memory}: {count} {blocks}, {bytes} bytes, by {stack}")
    }
}

/// Whether it was allocated in the module, or anywhere if that is `None`.
fn concerned(record: &Record, module: Option<Module>) -> bool {
    module.is_none_or(|module| record.stack.caller().lies_in(module))
}

/// How many tracked pool blocks a module leaves, or all. The other families have records of their
/// own to count.
pub(crate) fn count(module: Option<Module>) -> u64 {
    let mut count = 0u64;
    tracking::for_each(|record| {
        if concerned(record, module) && matches!(record.memory, MemoryType::Pool { .. }) {
            count = count.wrapping_add(1);
        }
    });
    count
}

/// Prints where they were allocated, as far as there is memory to tell them apart.
pub(crate) fn print(module: Option<Module>) {
    let mut groups = KVec::<Group>::new();
    let mut rest = 0u64;
    tracking::for_each(|record| {
        if !concerned(record, module) {
            return;
        }
        // CAST: Lossless on the architectures supported.
        let bytes = record.bytes as u64;
        let known = groups.iter_mut().find(|group| {
            group.tag == record.tag
                && group.memory == record.memory
                && group.stack.is(&record.stack)
        });
        if let Some(group) = known {
            group.count = group.count.wrapping_add(1);
            group.bytes = group.bytes.wrapping_add(bytes);
            return;
        }
        let group = Group {
            tag: record.tag,
            memory: record.memory,
            stack: record.stack.copy(),
            count: 1,
            bytes,
        };
        if groups.push(group, GFP_ATOMIC | __GFP_NOWARN).is_err() {
            rest = rest.wrapping_add(1);
        }
    });
    for group in &groups {
        pr_err!("  tracked {group}\n");
    }
    if rest != 0 {
        pr_err!("  tracked, without memory to say where: {rest}\n");
    }
}
