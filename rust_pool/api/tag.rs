// SPDX-License-Identifier: GPL-2.0

//! Tags as types.

use crate::{
    api::exported,
    lib::atomic_ref::AtomicRef,
    stats::tag_stats::TagStats,
    sys::{
        here,
        this_module, //
    },
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};

/// A tag as a type. Declare one with [`pool_tag!`](crate::pool_tag).
pub trait PoolTag {
    /// The tag.
    const TAG: Tag;

    /// The cache of the tag's rows of statistics: a static for each type.
    fn rows() -> &'static RowCache;
}

/// Caches a tag's rows of statistics after the first use.
pub struct RowCache([AtomicRef<TagStats>; 2]);

impl RowCache {
    /// An empty cache.
    #[allow(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        Self([const { AtomicRef::none() }; 2])
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
            // Parse it here, so that an error names the line that declares the tag.
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

        // Checks the tag even if it is not used.
        const _: $crate::Tag = <$name as $crate::PoolTag>::TAG;
    };
}

/// The row of a tag. It is looked up at the first use, and cached when its peak has begun.
#[inline]
pub(crate) fn row<T: PoolTag>(kind: PoolKind) -> &'static TagStats {
    // CAST: The discriminants are 0 and 1.
    let [nonpaged, paged] = &T::rows().0;
    let cached = match kind {
        PoolKind::NonPaged => nonpaged,
        PoolKind::Paged => paged,
    };
    if let Some(row) = cached.get() {
        return row;
    }
    let row = exported::rust_pool_row(kind as u32, T::TAG.as_raw(), here(), this_module());
    // SAFETY: `rust_pool_row()` returns a row. Rows live until rust_pool is unloaded, which is
    // after all modules that use it.
    let row = unsafe { &*row.cast::<TagStats>() };
    if row.has_peak() {
        cached.set(Some(row));
    }
    row
}
