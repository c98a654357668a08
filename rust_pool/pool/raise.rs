// SPDX-License-Identifier: GPL-2.0

//! Requests that raise an exception on Windows when they fail.
//!
//! WDK: `POOL_RAISE_IF_ALLOCATION_FAILURE`, `POOL_FLAG_RAISE_ON_FAILURE`,
//! "ExAllocatePoolWithQuotaTag".
//!
//! Linux has no exceptions, so such a request returns NULL. A driver that relies on the exception
//! does not check for NULL, and crashes later. A line in the log then tells which request it was.

use crate::{
    callers::call_site,
    lib::text::Symbol,
    sys,
    types::tag::Tag, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// `POOL_RAISE_IF_ALLOCATION_FAILURE`.
pub(crate) const RAISE: u32 = 16;

/// Nanoseconds between two lines.
const PAUSE: u64 = 1_000_000_000;

/// When the next line may be written, by the clock of the log.
static NEXT: Atomic<u64> = Atomic::new(0);
/// How many lines were left out since the last.
static LEFT_OUT: Atomic<u64> = Atomic::new(0);

/// Logs that a request that raises has failed, at most once a second. Any context.
#[cold]
#[inline(never)]
pub(crate) fn tell(bytes: usize, tag: Tag, caller: usize) {
    let now = sys::log_time();
    if now < NEXT.load(Relaxed) {
        LEFT_OUT.add(1, Relaxed);
        return;
    }
    NEXT.store(now.saturating_add(PAUSE), Relaxed);
    let left_out = LEFT_OUT.xchg(0, Relaxed);
    let caller = Symbol(call_site::driver(caller));
    pr_warn!("raise: NULL where Windows raises STATUS_INSUFFICIENT_RESOURCES (0xc000009a): {bytes} bytes, tag {tag}, called from {caller}\n");
    if left_out != 0 {
        pr_warn!("raise: {left_out} earlier requests of this kind were not logged\n");
    }
}
