// SPDX-License-Identifier: GPL-2.0

//! Which pages were allocated with an MDL.
//!
//! They have a record in the table of regions, as the MDL itself cannot be trusted.

use crate::{
    families::mdl_pages,
    mdl::Mdl,
    record::{
        table::{
            Taken,
            REGIONS, //
        },
        Owner,
        Region, //
    },
    report::rule, //
};
use kernel::prelude::*;

/// Whether pages were allocated for an MDL, and not freed. Any context but NMI.
pub(crate) fn has(mdl: Mdl<'_>) -> bool {
    let key = mdl_pages::key_of(mdl.addr());
    REGIONS.bucket(key).lock().find(key).is_some()
}

/// Takes the record of the pages of an MDL. Any context but NMI.
pub(crate) fn take(mdl: Mdl<'_>) -> Option<KBox<Region>> {
    let taken = REGIONS.take(mdl_pages::key_of(mdl.addr()), |region| match region.owner {
        Owner::MdlPages { .. } => Ok(()),
        _ => Err(()),
    });
    match taken {
        Taken::Region(region) => Some(region),
        _ => None,
    }
}

/// If an older MDL at this one's address was freed, or its memory was used for this one, before its
/// pages were freed, reports that. The pages stay allocated, as it is not known who uses them. Any
/// context but NMI.
pub(crate) fn end_stale(mdl: Mdl<'_>, caller: usize) {
    if let Some(region) = take(mdl) {
        let given = [mdl.into(), mdl.flags().into(), region.asked.into()];
        rule::MDL_GONE_WITH_PAGES
            .by(caller, given)
            .report_of_site(&region.site, || region.facts().print());
        mdl_pages::disown(region);
    }
}
