// SPDX-License-Identifier: GPL-2.0

//! Blocks with a red zone behind them. When they are freed, they are poisoned and held back.
//!
//! WDK: "Bug Check 0x19: BAD_POOL_HEADER".
//!
//! A write to the red zone is found when the block is freed. A write to the freed block is found
//! when the next [`HELD`](crate::verifier::held_back::HELD) blocks have been freed.

use crate::{
    callers::stack::Stack,
    header::{
        self,
        Found,
        Header,
        UNIT, //
    },
    memory::{
        object::Claimed,
        request::Request,
        zeroing, //
    },
    options::{
        selection::Who,
        Word,
        OPTIONS, //
    },
    pool::{
        quarantine::{
            self,
            Memory, //
        },
        small,
        traced,
        wish::Wish, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    stats::{
        tag_stats::TagStats,
        tag_table, //
    },
    types::tag::{
        PoolKind,
        Tag, //
    },
    verifier::{
        held_back::{
            Held,
            HeldBlock,
            HELD_BACK, //
        },
        poison,
        quarantine_set,
        tracking, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    sync::rcu, //
};

/// The least bytes of a red zone. It extends to the end of the object.
const TAIL: usize = 16;

/// Allocates a block with a red zone, if the options say so. Any context but NMI.
pub(crate) fn allocate(
    request: Request,
    wish: Wish,
    kind: PoolKind,
    tag: Tag,
    row: &TagStats,
    caller: usize,
) -> Option<NonNull<u8>> {
    let bytes = request.bytes;
    if !Word::Check.is_on() || !small::is_small_with_room(bytes, TAIL, wish.cache_aligned) {
        return None;
    }
    let who = Who::of(caller);
    if !OPTIONS.lock().checks(tag, &who) {
        return None;
    }
    let stamp = header::checked(header::stamp(kind, tag));
    small::allocate_with_room(request, TAIL, wish, stamp, row, |object, start| {
        let behind = object.bytes_from(start + bytes);
        if !zeroing::zeroes(request.zero) {
            poison::fill_all(object.bytes_from(start), poison::NEW);
        }
        poison::fill_all(behind, poison::AROUND);
    })
}

/// Frees a block with a red zone, which had this header. Any context but NMI.
pub(crate) fn free(object: Claimed, header: &Header, caller: usize) {
    let (bytes, front) = (header.bytes(), header.front());
    let start = front + UNIT;
    let addr = object.addr() + start;
    // `allocate()` has filled the bytes behind the block.
    let changed = poison::changed_in(object.bytes_from(start + bytes), poison::AROUND);
    if let Some((at, value)) = changed {
        let given = [
            Parameter::Address(addr),
            bytes.into(),
            u32::from(value).into(),
        ];
        let violation = rule::BYTES_BEHIND_CHANGED.by(caller, given);
        violation.about(header.tag()).report_with(|| {
            pr_err!("  {} bytes\n", poison::place(at, addr, bytes));
            tracking::tell(addr);
        });
    }
    // Until the block is held back: `for_each_other_site()` in events/unload.rs waits for its
    // stacks.
    let moving = rcu::read_lock();
    let allocated = tracking::stack(addr);
    tracking::remove(addr);
    small::discharge(header, tag_table::at(header.row()));
    traced::small(addr, header).freed(caller);
    let concerned = quarantine_set::take(addr);
    poison::fill_all(object.bytes_from(start), pattern());
    let oldest = hold(HeldBlock {
        object,
        front,
        tag: header.tag(),
        bytes,
        allocated,
        freed: Stack::capture(caller),
        keep: concerned || (changed.is_some() && quarantine_set::quarantines()),
    });
    drop(moving);
    if let Some(oldest) = oldest {
        release(oldest);
    }
}

/// The poison of freed blocks.
fn pattern() -> u8 {
    if zeroing::wipes() {
        0
    } else {
        poison::FREED
    }
}

/// Holds a block back. Returns the one that has been held back for the longest time, for the caller
/// to release.
fn hold(block: HeldBlock) -> Option<HeldBlock> {
    match &mut *HELD_BACK.lock() {
        Some(held) => held.exchange(block),
        None => Some(block),
    }
}

/// Frees the memory of a block that was held back. Reports if somebody wrote to it after the free.
fn release(block: HeldBlock) {
    let (at, addr) = (block.at(), block.addr());
    let HeldBlock {
        object,
        front,
        tag,
        bytes,
        allocated,
        freed,
        keep,
    } = block;
    // `free()` has filled the object from behind its header to its end.
    let changed = poison::changed_in(object.bytes_from(front + UNIT), pattern());
    let changed = changed.map(|(at, _)| at);
    let header = match Header::find(at) {
        Some(Found::Freed(_)) => None,
        _ => Some(at),
    };
    for (found, rule) in [
        (header, &rule::FREED_HEADER_CHANGED),
        (changed, &rule::FREED_BLOCK_CHANGED),
    ] {
        let Some(changed) = found else {
            continue;
        };
        let given = [
            Parameter::Address(addr),
            Parameter::Address(changed),
            bytes.into(),
        ];
        rule.by(0, given).about(tag).report_with(|| {
            pr_err!("  {} bytes\n", poison::place(changed, addr, bytes));
            if let Some(allocated) = &allocated {
                allocated.print(fmt!("allocated by"));
            }
            freed.print(fmt!("freed by"));
        });
    }
    if keep || ((header.is_some() || changed.is_some()) && quarantine_set::quarantines()) {
        return quarantine::keep(Memory::Object(object, addr));
    }
    object.free();
}

/// Makes room to hold blocks back. Sleeps; the caller holds `SWITCHING`.
pub(crate) fn open() -> Result {
    if HELD_BACK.lock().is_some() {
        return Ok(());
    }
    let held = Held::new()?;
    *HELD_BACK.lock() = Some(held);
    Ok(())
}

/// Releases all blocks that are held back. Sleeps; the caller holds `SWITCHING`, or nobody uses the
/// module any more.
pub(crate) fn close() {
    let held = HELD_BACK.lock().take();
    if let Some(held) = held {
        held.into_blocks().for_each(release);
    }
}
