// SPDX-License-Identifier: GPL-2.0

//! Proof that the module is being loaded or unloaded.

/// Proof that the module is being loaded or unloaded.
///
/// # Invariants
///
/// As long as this value exists, no client calls the module, and no work item of the module runs.
pub(crate) struct Idle(());

impl Idle {
    /// # Safety
    ///
    /// Nobody but the caller calls the module as long as the result exists, and none of its work
    /// items runs.
    pub(crate) unsafe fn new() -> Self {
        // INVARIANT: By the safety requirements.
        Self(())
    }

    /// A value that exists from now on.
    ///
    /// # Safety
    ///
    /// As for [`Self::new`], from now on.
    pub(crate) unsafe fn for_good() -> &'static Self {
        // INVARIANT: By the safety requirements.
        &Self(())
    }
}
