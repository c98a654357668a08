// SPDX-License-Identifier: GPL-2.0

//! The static branch that all of the verifier is behind.

use super::options::Word;
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

/// Sets the branch as the options have it. Sleeps; `verifier_switch` is held.
///
/// It stays on as long as there is a record of a block without a header, for only the verifier knows
/// when such a block goes.
pub(crate) fn update() {
    let (wanted, special, check, records) = {
        let options = state::get().verifier.lock();
        let wanted = options.any() || super::tracking::has_unmarked();
        (
            wanted,
            options.has_word(Word::Special),
            options.has_word(Word::Check),
            options.records_any(),
        )
    };
    // SAFETY: The context may sleep.
    unsafe { raw::rust_pool_verifier_enable(wanted) };
    if !special {
        super::special::close();
    }
    if !check {
        super::check::close();
    }
    if !records {
        super::freed::close();
    }
}

/// What the verifier has left to a context that may sleep.
pub(crate) fn deferred() {
    let _one_at_a_time = state::get().verifier_switch.lock();
    super::special::flush();
    update();
}
