// SPDX-License-Identifier: GPL-2.0

//! The tracked blocks in the report at unload: how many each place leaked.

use super::{
    stack::Stack,
    tracking::Record,
    MemoryType, //
};
use crate::{
    state,
    sys::Module,
    tag::Tag, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    prelude::*, //
};

/// Blocks from one place.
struct Group {
    tag: Tag,
    memory: MemoryType,
    stack: Stack,
    count: u64,
    bytes: u64,
}

/// The tag of a pool block that was allocated in the module, or anywhere if that is `None`. What
/// other families leaked is told of their own records.
fn concerned(record: &Record, module: Option<Module>) -> Option<Tag> {
    let pool = matches!(record.memory, MemoryType::Pool { .. });
    let here = module.is_none_or(|module| record.stack.caller().lies_in(module));
    record.tag.filter(|_| pool && here)
}

/// How many tracked pool blocks a module leaves, or all.
pub(crate) fn count(module: Option<Module>) -> u64 {
    let mut count = 0u64;
    state::get().records.for_each(|record| {
        if concerned(record, module).is_some() {
            count = count.wrapping_add(1);
        }
    });
    count
}

/// Prints where they were allocated, as far as there is memory to tell them apart.
pub(crate) fn print(module: Option<Module>) {
    let mut groups = KVec::<Group>::new();
    let mut rest = 0u64;
    state::get().records.for_each(|record| {
        let Some(tag) = concerned(record, module) else {
            return;
        };
        // CAST: Lossless on the architectures supported.
        let bytes = record.bytes as u64;
        let known = groups.iter_mut().find(|group| {
            group.tag == tag && group.memory == record.memory && group.stack.is(&record.stack)
        });
        if let Some(group) = known {
            group.count = group.count.wrapping_add(1);
            group.bytes = group.bytes.wrapping_add(bytes);
            return;
        }
        let group = Group {
            tag,
            memory: record.memory,
            stack: record.stack.copy(),
            count: 1,
            bytes,
        };
        if groups.push(group, GFP_ATOMIC | __GFP_NOWARN).is_err() {
            rest = rest.wrapping_add(1);
        }
    });
    for Group {
        tag,
        memory,
        stack,
        count,
        bytes,
    } in &groups
    {
        let blocks = if *count == 1 { "block" } else { "blocks" };
        pr_err!("  tracked tag {tag} {memory}: {count} {blocks}, {bytes} bytes, by {stack}\n");
    }
    if rest != 0 {
        pr_err!("  tracked, without memory to say where: {rest}\n");
    }
}
