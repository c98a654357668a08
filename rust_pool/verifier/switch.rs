// SPDX-License-Identifier: GPL-2.0

//! The static branch that all of the verifier is behind.

use crate::{
    state,
    sys::raw, //
};
use kernel::jump_label::static_branch_unlikely;

/// Whether the verifier is on: a `nop` while it is not.
#[inline(always)]
pub(crate) fn on() -> bool {
    // SAFETY: The key is a static key, defined in `helpers.c`.
    unsafe { static_branch_unlikely!(raw::rust_pool_verifier_switch, raw::rust_pool_switch, key) }
}

/// Sets the branch as the options have it. Sleeps.
///
/// It stays on as long as there is a record of a block without a header, for only the verifier knows
/// when such a block goes.
pub(crate) fn update() {
    let state = state::get();
    let _one_at_a_time = state.verifier_switch.lock();
    let wanted = {
        let options = state.verifier.lock();
        options.any() || super::tracking::has_unmarked()
    };
    // SAFETY: The context may sleep.
    unsafe { raw::rust_pool_verifier_enable(wanted) };
}
