// SPDX-License-Identifier: GPL-2.0

//! Tags as types.

use crate::{
    stats::tag_stats::TagStats,
    sys::{
        here,
        raw,
        this_module, //
    },
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::ptr::null_mut;
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// A tag as a type. Declare one with [`pool_tag!`](crate::pool_tag).
pub trait PoolTag {
    /// The tag.
    const TAG: Tag;

    /// Where the tag's rows of statistics are remembered: one static for each type.
    fn rows() -> &'static RowCache;
}

/// Remembers a tag's rows of statistics after the first use.
pub struct RowCache([Atomic<*mut TagStats>; 2]);

impl RowCache {
    /// Remembers nothing yet.
    #[allow(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        Self([const { Atomic::new(null_mut()) }; 2])
    }
}

/// Declares a type that stands for a pool tag of one to four characters.
///
/// # Examples
///
/// ```ignore
/// pool_tag!(pub(crate) Ring = "Ring");
///
/// let ring = PoolBox::<_, Ring>::new([0u64; 64], GFP_KERNEL)?;
/// let mut names: Vec<u8, Paged<Ring>> = Vec::new();
/// ```
#[macro_export]
macro_rules! pool_tag {
    ($(#[$meta:meta])* $vis:vis $name:ident = $tag:literal) => {
        $(#[$meta])*
        #[doc = concat!("The pool tag `", $tag, "`.")]
        $vis struct $name;

        impl $crate::PoolTag for $name {
            // Here, so that the error points to the line that declares it.
            const TAG: $crate::Tag = match $crate::Tag::parse($tag) {
                Ok(tag) => tag,
                Err(why) => panic!("{}", why),
            };

            #[inline]
            fn rows() -> &'static $crate::RowCache {
                static ROWS: $crate::RowCache = $crate::RowCache::new();
                &ROWS
            }
        }

        // Evaluated whether or not the tag is used.
        const _: $crate::Tag = <$name as $crate::PoolTag>::TAG;
    };
}

/// The row of a tag, asked for at the first uses, until its peak has begun.
#[inline]
pub(crate) fn row<T: PoolTag>(kind: PoolKind) -> &'static TagStats {
    // CAST: The discriminants are 0 and 1.
    let [nonpaged, paged] = &T::rows().0;
    let cached = match kind {
        PoolKind::NonPaged => nonpaged,
        PoolKind::Paged => paged,
    };
    let mut row = cached.load(Relaxed);
    if row.is_null() {
        // SAFETY: May be called with any arguments in any context but NMI.
        row = unsafe { raw::rust_pool_row(kind as u32, T::TAG.as_raw(), here(), this_module()) }
            .cast_mut()
            .cast();
        // SAFETY: As below.
        if unsafe { (*row).has_peak() } {
            cached.store(row, Relaxed);
        }
    }
    // SAFETY: Rows live as long as rust_pool.ko, and that as long as its users.
    unsafe { &*row }
}
