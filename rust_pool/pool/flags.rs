// SPDX-License-Identifier: GPL-2.0

//! Requests by `POOL_FLAGS`, by extended parameters and by priority.
//!
//! WDK: "ExAllocatePool2", "ExAllocatePool3", "ExFreePool2", "ExAllocatePoolWithTagPriority",
//! "POOL_FLAGS", "POOL_EXTENDED_PARAMETER".
//!
//! Valid flags that are compile-time constants do not come here: `wdm.h` turns them into a
//! POOL_TYPE.

use crate::{
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    memory::zeroing::ZERO,
    options::Side,
    pool::{
        self,
        raise::{
            self,
            RAISE, //
        },
        wish::Wish, //
    },
    report::{
        rule,
        violation::{
            Parameter,
            Rule, //
        }, //
    },
    sys::{
        self,
        Client,
        Node, //
    },
    types::tag::Tag, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*, //
};

const USE_QUOTA: u64 = 0x1;
const UNINITIALIZED: u64 = 0x2;
const CACHE_ALIGNED: u64 = 0x8;
const RAISE_ON_FAILURE: u64 = 0x20;
const NON_PAGED: u64 = 0x40;
const NON_PAGED_EXECUTE: u64 = 0x80;
const PAGED: u64 = 0x100;
const SPECIAL_POOL: u64 = 1 << 32;

/// Exactly one of these must be given.
const POOLS: u64 = NON_PAGED | NON_PAGED_EXECUTE | PAGED;
/// The required flags, and those of them that are supported.
const REQUIRED: u64 = 0xffff_ffff;
const KNOWN: u64 = USE_QUOTA | UNINITIALIZED | CACHE_ALIGNED | RAISE_ON_FAILURE | POOLS;
/// The bits of a POOL_TYPE that select no pool in POOL_FLAGS: paged, cache-aligned, and the
/// modifiers quota, raise, NX and zero.
const POOL_TYPE: u64 = 1 | 4 | 8 | 16 | 512 | 1024;

/// The pool type and the wish that the flags stand for, or the rule that they break.
fn read(flags: u64) -> Result<(u32, Wish), &'static Rule<3>> {
    let required = flags & REQUIRED;
    let kind = match required & POOLS {
        PAGED => 1,
        NON_PAGED | NON_PAGED_EXECUTE => 0,
        0 if flags & !POOL_TYPE == 0 => {
            return Err(&rule::FLAGS_OF_TYPE);
        }
        0 => return Err(&rule::FLAGS_WITHOUT_POOL),
        _ => return Err(&rule::FLAGS_OF_SEVERAL_POOLS),
    };
    if required & !KNOWN != 0 {
        return Err(&rule::FLAGS_UNKNOWN);
    }
    let mut pool_type = kind;
    if flags & UNINITIALIZED == 0 {
        pool_type |= ZERO;
    }
    if flags & RAISE_ON_FAILURE != 0 {
        pool_type |= RAISE;
    }
    let wish = Wish {
        cache_aligned: flags & CACHE_ALIGNED != 0,
        special: flags & SPECIAL_POOL != 0,
        charged: flags & USE_QUOTA != 0,
        ..Wish::NONE
    };
    Ok((pool_type, wish))
}

/// `wish` with what an `EX_POOL_PRIORITY` adds, or `None` if the priority is unknown.
fn with_priority(wish: Wish, priority: u32) -> Option<Wish> {
    let side = match priority & 15 {
        0 => None,
        8 => Some(Side::End),
        9 => Some(Side::Start),
        _ => return None,
    };
    match priority & !15 {
        0 => Some(Wish {
            spare: true,
            side,
            ..wish
        }),
        16 | 32 => Some(Wish { side, ..wish }),
        _ => None,
    }
}

/// `wish` with what an extended parameter adds, or `None` if that is not supported.
fn with_parameter(wish: Wish, [what, value]: [u64; 2]) -> Option<Wish> {
    const PRIORITY: u64 = 1;
    const NUMA_NODE: u64 = 3;
    const OPTIONAL: u64 = 1 << 8;

    // CAST: Both parameters have 32 bits.
    let value = value as u32;
    let new = match what & !OPTIONAL {
        PRIORITY => with_priority(wish, value),
        // Pool cannot be had of a node in particular.
        NUMA_NODE if Node::named(value) == Some(Node::ANY) => Some(wish),
        _ => None,
    };
    new.or_else(|| (what & OPTIONAL != 0).then_some(wish))
}

/// Reports that a request by flags broke a rule.
fn refuse(rule: &Rule<3>, flags: u64, bytes: usize, tag: Tag, caller: usize) {
    let given = [flags.into(), bytes.into(), tag.into()];
    rule.by(caller, given).about(tag).report();
    if flags & RAISE_ON_FAILURE != 0 {
        raise::tell(bytes, tag, caller);
    }
}

/// Allocates a block by flags and extended parameters, or reports why not.
fn allocate(
    flags: u64,
    bytes: usize,
    tag: Tag,
    parameters: &[[u64; 2]],
    caller: usize,
    owner: Client,
) -> Option<NonNull<u8>> {
    let refuse = |rule| refuse(rule, flags, bytes, tag, caller);
    let (pool_type, wish) = read(flags).map_err(refuse).ok()?;
    let wish = parameters
        .iter()
        .try_fold(wish, |wish, &parameter| with_parameter(wish, parameter))
        .ok_or(&rule::EXTENDED_PARAMETER_UNKNOWN)
        .map_err(refuse)
        .ok()?;
    pool::allocate_with(pool_type, bytes, tag, caller, owner, wish)
}

fn to_c(block: Option<NonNull<u8>>) -> *mut c_void {
    block.map_or(sys::NULL, |block| block.as_ptr().cast())
}

/// Exported: `ExAllocatePool2` and `ExAllocatePool3`.
///
/// # Safety
///
/// `parameters` is null, or points to `count` parameters of two words each, or `count` is 0.
#[no_mangle]
unsafe extern "C" fn rust_pool_allocate_flags(
    flags: u64,
    bytes: usize,
    tag: u32,
    parameters: *const u64,
    count: u32,
    caller: usize,
    module: *mut bindings::module,
) -> *mut c_void {
    let tag = Tag::from_raw(tag);
    let parameters: &[[u64; 2]] = if count == 0 {
        &[]
    } else if parameters.is_null() {
        refuse(&rule::EXTENDED_PARAMETERS_NULL, flags, bytes, tag, caller);
        return sys::NULL;
    } else {
        // SAFETY: By the safety requirements there are `count` parameters, as the pointer is not
        // null. The client does not write to them during the call.
        // CAST: Lossless on the architectures supported.
        unsafe { core::slice::from_raw_parts(parameters.cast(), count as usize) }
    };
    let owner = Client::new(module);
    to_c(allocate(flags, bytes, tag, parameters, caller, owner))
}
matches_header!(rust_pool_allocate_flags);
export_symbol_gpl!(rust_pool_allocate_flags);

/// Exported: `ExAllocatePoolWithTagPriority`.
#[no_mangle]
extern "C" fn rust_pool_allocate_priority(
    pool_type: u32,
    bytes: usize,
    tag: u32,
    priority: u32,
    caller: usize,
    module: *mut bindings::module,
) -> *mut c_void {
    let tag = Tag::from_raw(tag);
    let Some(wish) = with_priority(Wish::NONE, priority) else {
        let given = [priority.into(), bytes.into(), tag.into()];
        rule::PRIORITY_UNKNOWN.by(caller, given).about(tag).report();
        if pool_type & raise::RAISE != 0 {
            raise::tell(bytes, tag, caller);
        }
        return sys::NULL;
    };
    let owner = Client::new(module);
    to_c(pool::allocate_with(
        pool_type, bytes, tag, caller, owner, wish,
    ))
}
matches_header!(safe rust_pool_allocate_priority(_, _, _, _, _, _));
export_symbol_gpl!(rust_pool_allocate_priority);

/// Exported: reports that `ExFreePool2` was given extended parameters. Only secure pool uses them,
/// which this module does not have.
#[no_mangle]
extern "C" fn rust_pool_refuse_free(block: *mut c_void, tag: u32, count: u32, caller: usize) {
    let given = [Parameter::Address(block as usize), tag.into(), count.into()];
    rule::FREED_WITH_PARAMETERS.by(caller, given).report();
}
matches_header!(safe rust_pool_refuse_free(_, _, _, _));
export_symbol_gpl!(rust_pool_refuse_free);

#[kernel::macros::kunit_tests(rust_pool_flags)]
mod tests {
    use super::*;

    #[test]
    fn one_pool_and_nothing_unknown() {
        assert!(matches!(read(NON_PAGED), Ok((ZERO, _))));
        assert!(matches!(
            read(NON_PAGED_EXECUTE | UNINITIALIZED),
            Ok((0, _))
        ));
        assert!(matches!(
            read(PAGED | USE_QUOTA | UNINITIALIZED),
            Ok((1, Wish { charged: true, .. }))
        ));
        for flags in [0, NON_PAGED | PAGED, NON_PAGED | NON_PAGED_EXECUTE, POOLS] {
            assert!(read(flags).is_err());
        }
        for bit in (0..32).map(|bit| 1 << bit).filter(|bit| bit & KNOWN == 0) {
            assert!(read(NON_PAGED | bit).is_err());
        }
    }

    #[test]
    fn optional_flags_may_be_unknown() {
        for bit in 32..64 {
            assert!(read(PAGED | 1 << bit).is_ok_and(|(_, wish)| wish.special == (bit == 32)));
        }
    }

    #[test]
    fn priorities() {
        let good = [0, 8, 9, 16, 24, 25, 32, 40, 41];
        for priority in 0..=64 {
            let wish = with_priority(Wish::NONE, priority);
            assert!(wish.is_some() == good.contains(&priority));
            assert!(wish.is_none_or(|wish| wish.spare == (priority < 16)));
        }
        assert!(with_priority(Wish::NONE, 25).is_some_and(|it| it.side == Some(Side::Start)));
        assert!(with_priority(Wish::NONE, 40).is_some_and(|it| it.side == Some(Side::End)));
    }

    #[test]
    fn parameters_that_may_be_left_out() {
        let low = with_parameter(Wish::NONE, [1, 0xffff_ffff_0000_0000]);
        assert!(low.is_some_and(|wish| wish.spare));
        assert!(with_parameter(Wish::NONE, [3, 1 << 31]).is_some());
        assert!(with_parameter(Wish::NONE, [3 | 1 << 8, 0]).is_some());
        for what in [0, 2, 4, 255, 1 | 1 << 9, 1 | 1 << 63] {
            assert!(with_parameter(Wish::NONE, [what, 0]).is_none());
            assert!(with_parameter(Wish::NONE, [what | 1 << 8, 0]).is_some_and(|it| !it.spare));
        }
    }
}
