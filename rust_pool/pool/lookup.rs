// SPDX-License-Identifier: GPL-2.0

//! What is known of the block at an address.
//!
//! WDK: `!pool` of the debugger.

use crate::{
    header,
    lib::{
        argument::Output,
        export::{
            export_symbol_gpl,
            matches_header, //
        }, //
    },
    pool::special::{
        self,
        arena, //
    },
    record::{
        table::REGIONS,
        Owner, //
    },
    stats::tag_table,
    sys::{
        self,
        Client,
        PAGE_SIZE, //
    },
    types::{
        memory_type::{
            Known,
            MemoryType, //
        },
        tag::Tag, //
    },
    verifier::tracking, //
};
use kernel::prelude::*;

/// The live block that begins at `addr`, by its header, its record, or the verifier's record. Any
/// context but NMI, any address.
pub(crate) fn find(addr: usize) -> Option<Known> {
    if arena::covers(addr) {
        return special::live(addr);
    }
    if let Some(known) = header::live_at(addr) {
        return Some(known);
    }
    if addr % PAGE_SIZE == 0 {
        let bucket = REGIONS.bucket(addr).lock();
        if let Some(region) = bucket.find(addr) {
            return Some(Known {
                tag: region.owner.tag(),
                memory: region.owner.memory(),
                bytes: region.asked,
            });
        }
    }
    // A block of the Rust API has no header, and is only found while it is tracked.
    tracking::known(addr)
}

/// Whether the live block that begins at `addr` may be counted for `client`. Returns `false` only
/// if it is known to be another's. Any context but NMI, any address.
pub(crate) fn may_be_of(addr: usize, client: Client) -> bool {
    let row = header::row_at(addr).map(tag_table::at).or_else(|| {
        let bucket = REGIONS.bucket(addr).lock();
        match bucket.find(addr)?.owner {
            Owner::Pool { row, .. } => Some(Some(row)),
            _ => None,
        }
    });
    match row.flatten() {
        Some(row) => row.is_other() || row.is_of(client),
        None => true,
    }
}

/// Whether the live block that begins at `addr` is charged to a process. Any context but NMI, any
/// address.
fn is_charged(addr: usize) -> bool {
    if arena::covers(addr) {
        return false;
    }
    header::charged_at(addr).unwrap_or_else(|| {
        let bucket = REGIONS.bucket(addr).lock();
        matches!(
            bucket.find(addr).map(|region| &region.owner),
            Some(Owner::Pool { charged: true, .. })
        )
    })
}

/// For `ExQueryPoolBlockSize`: whether the live block that begins at `block` is charged to a
/// process.
#[no_mangle]
extern "C" fn rust_pool_is_charged(block: *const c_void) -> bool {
    // In NMI no lock may be taken.
    !sys::irql().is_nmi() && is_charged(block as usize)
}
matches_header!(safe rust_pool_is_charged(_));

/// Exported: describes the live block that begins at `block`; false if there is none. `kind` is 2
/// if it is not pool, `tag` is 0 if it has none.
///
/// # Safety
///
/// The three pointers are as [`Output`] requires.
#[no_mangle]
unsafe extern "C" fn rust_pool_block(
    block: *const c_void,
    kind: Output<'_, u32>,
    tag: Output<'_, u32>,
    bytes: Output<'_, usize>,
) -> bool {
    // In NMI no lock may be taken.
    if sys::irql().is_nmi() {
        return false;
    }
    let Some(known) = find(block as usize) else {
        return false;
    };
    kind.write(match known.memory {
        // CAST: The discriminants are those of POOL_TYPE.
        MemoryType::Pool { kind, .. } => kind as u32,
        _ => 2,
    });
    tag.write(known.tag.map_or(0, Tag::as_raw));
    bytes.write(known.bytes);
    true
}
matches_header!(rust_pool_block(_, _, _, _));
export_symbol_gpl!(rust_pool_block);
