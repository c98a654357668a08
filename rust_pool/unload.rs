// SPDX-License-Identifier: GPL-2.0

//! The report of what is still allocated when a client, or the pool itself, is unloaded.
//!
//! WDK: "Pool Tracking" of Driver Verifier, bug check 0xC4 with parameter 1 = 0x62.
//!
//! What a client leaks is told when it goes, as its symbols still resolve then: blocks with a
//! record of their own by their calling site, small blocks by the site that used their tag first.

use crate::{
    adapter::{
        self,
        Adapter, //
    },
    export::matches_header,
    region::{
        Owner,
        Region, //
    },
    row::Row,
    site::Site,
    state,
    statistics,
    sys::{
        self,
        Module, //
    },
    text::{
        kwrite,
        Line, //
    },
    verifier::{
        check,
        leaks,
        special,
        tracking, //
    },
    violation::{
        Check,
        Violation, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    fmt,
    prelude::*, //
};

/// One line of a report.
struct Leak<'a, S: fmt::Display> {
    kind: S,
    count: u64,
    bytes: u64,
    how: &'a str,
    site: &'a Site,
}

impl<S: fmt::Display> Leak<'_, S> {
    fn print(&self) {
        let Self {
            kind,
            count,
            bytes,
            how,
            site,
        } = self;
        let blocks = if *count == 1 { "block" } else { "blocks" };
        pr_err!("  leaked {kind}: {count} {blocks}, {bytes} bytes, {how} at {site}\n");
    }
}

/// Rows with live blocks, as `of_row` counts them.
fn rows(of_row: impl Fn(&Row) -> (u64, i64), mut visit: impl FnMut(&Row, u64, u64)) {
    for row in (0..statistics::claimed()).filter_map(statistics::at_place) {
        if row.identity().is_none() {
            continue;
        }
        let (blocks, bytes) = of_row(row);
        if blocks != 0 {
            visit(row, blocks, u64::try_from(bytes).unwrap_or(0));
        }
    }
}

fn region_kind(region: &Region) -> Option<&'static str> {
    match region.owner {
        // Counted with the tag.
        Owner::Pool { .. } => None,
        Owner::Contiguous { .. } => Some("contiguous"),
        Owner::NonCached { .. } => Some("noncached"),
        Owner::CommonBuffer { .. } => Some("common buffer"),
    }
}

/// Regions of one kind from one place.
struct Group {
    kind: &'static str,
    site: Site,
    count: u64,
    bytes: u64,
}

/// Groups the regions that `which` is true of, as far as there is memory for that; the number of the
/// rest.
fn group(which: impl Fn(&Region) -> bool) -> (KVec<Group>, u64) {
    let mut groups = KVec::<Group>::new();
    let mut rest = 0u64;
    state::get().regions.for_each(|region| {
        let Some(kind) = region_kind(region).filter(|_| which(region)) else {
            return;
        };
        // CAST: Lossless on the architectures supported.
        let bytes = region.asked as u64;
        let known = groups
            .iter_mut()
            .find(|group| group.kind == kind && group.site.is(&region.site));
        if let Some(group) = known {
            group.count += 1;
            group.bytes += bytes;
            return;
        }
        let site = region.site.copy();
        let group = Group {
            kind,
            site,
            count: 1,
            bytes,
        };
        if groups.push(group, GFP_ATOMIC | __GFP_NOWARN).is_err() {
            rest = rest.wrapping_add(1);
        }
    });
    (groups, rest)
}

/// Prints the regions that `which` is true of.
fn print_regions(which: impl Fn(&Region) -> bool) {
    let (groups, rest) = group(which);
    for group in groups {
        Leak {
            kind: group.kind,
            count: group.count,
            bytes: group.bytes,
            how: "allocated",
            site: &group.site,
        }
        .print();
    }
    if rest != 0 {
        pr_err!("  leaked, without memory to say what and where: {rest}\n");
    }
}

/// Prints the adapters that `which` is true of, each when the lock is released: a slow console must
/// not keep interrupts off.
fn print_adapters(which: impl Fn(&Adapter) -> bool) {
    let mut line = Line::empty();
    let mut last = 0;
    loop {
        line.clear();
        let number = adapter::after(last, |adapter| {
            if which(adapter) {
                // What does not fit is cut, so nothing fails.
                let _ = kwrite!(&mut line, "{adapter}, got at {}", adapter.site());
            }
        });
        if !line.as_bytes().is_empty() {
            pr_err!("  leaked {line}\n");
        }
        match number {
            Some(number) => last = number,
            None => break,
        }
    }
}

/// Reports what is live and satisfies the conditions, and returns whether anything does.
fn report(
    name: &str,
    of_row: impl Fn(&Row) -> (u64, i64),
    of_region: impl Fn(&Region) -> bool,
    of_adapter: impl Fn(&Adapter) -> bool,
    module: Option<Module>,
) -> bool {
    let state = state::get();
    let mut count = 0u64;
    rows(&of_row, |_, blocks, _| count = count.wrapping_add(blocks));
    state.regions.for_each(|region| {
        if region_kind(region).is_some() && of_region(region) {
            count = count.wrapping_add(1);
        }
    });
    // A tag that another used first counts as that one's, but for tracked blocks.
    count = count.max(leaks::count(module));
    let adapters = state
        .adapters
        .lock()
        .iter()
        .filter(|adapter| of_adapter(adapter))
        .count();
    if count == 0 && adapters == 0 {
        return false;
    }
    Violation::new(
        Check::DriverVerifier,
        0x62,
        [0u32.into(), 0u32.into(), count.into()],
        0,
        "unloading with allocations outstanding",
    )
    .report_always();
    pr_err!("  left by {name}: blocks {count}, adapters {adapters}\n");
    rows(&of_row, |row, count, bytes| {
        let Some((tag, kind)) = row.identity() else {
            return;
        };
        let line = |kind: fmt::Arguments<'_>| {
            Leak {
                kind,
                count,
                bytes,
                how: "first allocated",
                site: row.site(),
            }
            .print();
        };
        match tag {
            Some(tag) => line(fmt!("tag {tag} {kind}")),
            None => line(fmt!("tag (other) {kind}")),
        }
    });
    leaks::print(module);
    print_regions(of_region);
    print_adapters(of_adapter);
    true
}

/// Reports what a client leaves behind.
///
/// # Safety
///
/// `module` is null or a module whose symbols still resolve.
#[no_mangle]
unsafe extern "C" fn rust_pool_module_going(module: *mut bindings::module) {
    let Some(module) = NonNull::new(module) else {
        return;
    };
    // SAFETY: By the safety requirements.
    let module = unsafe { Module::from_raw(module) };
    // What was freed in atomic context is no leak.
    sys::defer_finish();
    report(
        module.name(),
        |row| {
            if row.site().lies_in(module) {
                row.outstanding()
            } else {
                (0, 0)
            }
        },
        |region| region.site.lies_in(module),
        |adapter| adapter.site().lies_in(module),
        Some(module),
    );
    // From now on names are all that is left of the sites.
    for row in (0..statistics::claimed()).filter_map(statistics::at_place) {
        row.depart(module);
    }
    for_each_other_site(|site| site.depart(module));
}
matches_header!(rust_pool_module_going);

/// Sites but those of rows.
fn for_each_other_site(mut visit: impl FnMut(&Site)) {
    let state = state::get();
    state.regions.for_each(|region| visit(&region.site));
    for adapter in state.adapters.lock().iter() {
        visit(adapter.site());
    }
    for site in state.violations.lock().sites() {
        visit(site);
    }
    for site in state.injected.lock().sites() {
        visit(site);
    }
    special::for_each_site(&mut visit);
    check::for_each_site(&mut visit);
    tracking::for_each_site(visit);
}

/// Keeps the names of sites in a client's init code, which is about to be freed.
///
/// # Safety
///
/// As for [`rust_pool_module_going`].
#[no_mangle]
unsafe extern "C" fn rust_pool_module_live(module: *mut bindings::module) {
    if let Some(module) = NonNull::new(module) {
        // SAFETY: By the safety requirements.
        let module = unsafe { Module::from_raw(module) };
        for row in (0..statistics::claimed()).filter_map(statistics::at_place) {
            row.site().settle(module);
        }
        for_each_other_site(|site| site.settle(module));
    }
}
matches_header!(rust_pool_module_live);

/// Reports all that is left, forgets it, and returns whether there was any; the memory itself stays
/// where it is. Sleeps.
pub(crate) fn report_all() -> bool {
    sys::defer_finish();
    let live = |row: &Row| {
        let now = row.snapshot();
        (now.diff(), now.bytes)
    };
    let leaked = report("rust_pool", live, |_| true, |_| true, None);
    // The records go, the memory that they are about stays.
    let state = state::get();
    while state.regions.pop().is_some() {}
    adapter::forget_all();
    leaked
}
