// SPDX-License-Identifier: GPL-2.0

//! The static branch that all of the verifier is behind.

use crate::sys::raw;
use kernel::jump_label::static_branch_unlikely;

/// Whether the verifier is on: a `nop` while it is not.
#[inline(always)]
pub(crate) fn on() -> bool {
    // SAFETY: The key is a static key, defined in `sys/helpers.c`.
    unsafe { static_branch_unlikely!(raw::rust_pool_verifier_switch, raw::rust_pool_switch, key) }
}
