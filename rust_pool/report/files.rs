// SPDX-License-Identifier: GPL-2.0

//! Tells readers of the kernel log which file of debugfs has more.

use crate::{
    lib::text::kwrite,
    sys, //
};
use kernel::fmt;

/// The end of a line that leaves something out. Nothing if there is no debugfs.
pub(crate) struct AllIn {
    /// What is in the files, and when.
    pub(crate) words: &'static str,
    pub(crate) files: &'static str,
}

impl fmt::Display for AllIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { words, files } = self;
        if sys::has_debugfs() {
            kwrite!(f, "; {words} /sys/kernel/debug/rust_pool/{files}")?;
        }
        Ok(())
    }
}
