// SPDX-License-Identifier: GPL-2.0

//! What each module holds: blocks, bytes and adapters. For the file `modules`.
//!
//! A pool block belongs to the module of its row, any other block to the module of the call site in
//! its record.

use crate::{
    callers::call_site::CallSite,
    dma::adapter::ADAPTERS,
    lib::{
        at_load::AtLoad,
        list::{
            linked_by_next,
            List,
            Next, //
        },
        text::{
            kwrite,
            Line,
            Text, //
        }, //
    },
    record::{
        table::REGIONS,
        Owner, //
    },
    stats::tag_table,
    sys::{
        Client,
        ClientInfo, //
    }, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

type ModuleName = Text<64>;

/// A module that was unloaded and leaked something.
pub(crate) struct Departed {
    next: Next<Departed>,
    number: u64,
    name: ModuleName,
}

linked_by_next!(Departed);

/// Modules that leaked something, each name once.
pub(crate) type DepartedModules = List<Departed>;

/// The modules that leaked something since rust_pool was loaded.
pub(crate) static DEPARTED: AtLoad<SpinLockIrq<DepartedModules>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(DepartedModules::new(), "rust_pool::departed"),
        GFP_KERNEL,
    )
});

/// Remembers that a module leaked something. Sleeps.
pub(crate) fn departed(name: &str) {
    let Some(name) = ModuleName::exact(name) else {
        return;
    };
    let new = Departed {
        next: Next::none(),
        number: 0,
        name,
    };
    // Without memory the file `modules` does not show the module. The leak is reported anyway.
    let Ok(mut new) = KBox::new(new, GFP_KERNEL | __GFP_NOWARN) else {
        return;
    };
    let mut modules = DEPARTED.lock();
    let last = modules.iter().next().map_or(0, |module| module.number);
    if modules.iter().any(|module| module.name == name) {
        drop(modules);
        return;
    }
    new.number = last + 1;
    modules.push(new);
}

/// A line of the file `modules`: who holds memory.
enum Holder {
    /// A module that is loaded.
    Live(ClientInfo),
    /// A module that was unloaded.
    Gone(ModuleName),
    /// Callers whose module is not known.
    Unknown,
    /// All modules, for tags for which the tag table had no row.
    Other,
}

impl Holder {
    /// Positions from here on belong to modules that were unloaded, those below to loaded modules,
    /// by their numbers.
    const GONE: u64 = 1 << 60;
    const UNKNOWN: u64 = 1 << 61;
    const OTHER: u64 = Self::UNKNOWN + 1;

    /// The holder at or behind a position, and the position behind it.
    fn at(position: u64) -> Option<(Self, u64)> {
        if position < Self::GONE {
            if let Some(info) = ClientInfo::after(position) {
                let number = info.number;
                return Some((Self::Live(info), number));
            }
        }
        if position < Self::UNKNOWN {
            let last = position.saturating_sub(Self::GONE);
            let modules = DEPARTED.lock();
            let behind = modules.iter().filter(|module| module.number > last);
            if let Some(module) = behind.min_by_key(|module| module.number) {
                return Some((Self::Gone(module.name), Self::GONE + module.number));
            }
        }
        match position {
            ..=Self::UNKNOWN => Some((Self::Unknown, Self::OTHER)),
            Self::OTHER => Some((Self::Other, Self::OTHER + 1)),
            _ => None,
        }
    }

    /// Whether it holds what was allocated at a call site.
    fn has(&self, site: &CallSite) -> bool {
        match self {
            Self::Live(info) => site.client() == Some(info.client),
            Self::Gone(name) => site.is_gone() && site.is_in_module(name.as_str()),
            Self::Unknown => !site.is_gone() && site.client().is_none(),
            Self::Other => false,
        }
    }

    /// Whether it has a line even if it holds nothing.
    fn is_lasting(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// What it holds.
    fn holdings(&self) -> Holdings {
        let mut all = Holdings::default();
        for row in (0..tag_table::claimed()).filter_map(tag_table::at_place) {
            if row.identity().is_none() {
                continue;
            }
            let (blocks, bytes) = match self {
                Self::Live(info) if row.is_of(info.client) => row.outstanding(),
                Self::Gone(name) if row.site().is_in_module(name.as_str()) => row.left(),
                Self::Unknown if row.is_of(Client::UNKNOWN) && !row.is_other() => row.outstanding(),
                Self::Other if row.is_other() => row.outstanding(),
                _ => continue,
            };
            all.pool.add(blocks, bytes);
        }
        REGIONS.for_each(|region| {
            let held = match region.owner {
                // Pool is counted by its rows; lists, MDLs and mappings hold no memory of their
                // own.
                Owner::Pool { .. }
                | Owner::List(_)
                | Owner::Packet(_)
                | Owner::Mapping(_)
                | Owner::Viewed { .. }
                | Owner::Locked { .. }
                | Owner::IoSpace { .. }
                | Owner::Reserved { .. } => return,
                Owner::Contiguous { .. } => &mut all.contiguous,
                Owner::NonCached { .. } => &mut all.noncached,
                Owner::CommonBuffer { .. } => &mut all.common_buffers,
                Owner::MdlPages { .. } => &mut all.mdl_pages,
            };
            if self.has(&region.site) {
                // CAST: No region is larger than `isize::MAX`.
                held.add(1, region.asked as i64);
            }
        });
        for adapter in ADAPTERS.lock().iter() {
            if self.has(adapter.site()) {
                all.adapters += 1;
            }
        }
        all
    }
}

#[derive(Default)]
struct Held {
    blocks: u64,
    bytes: i64,
}

impl Held {
    fn add(&mut self, blocks: u64, bytes: i64) {
        self.blocks = self.blocks.wrapping_add(blocks);
        self.bytes = self.bytes.wrapping_add(bytes);
    }
}

#[derive(Default)]
struct Holdings {
    pool: Held,
    contiguous: Held,
    noncached: Held,
    common_buffers: Held,
    mdl_pages: Held,
    adapters: u64,
}

impl Holdings {
    /// Those with columns in front of the adapters'.
    fn families(&self) -> [&Held; 4] {
        [
            &self.pool,
            &self.contiguous,
            &self.noncached,
            &self.common_buffers,
        ]
    }

    fn is_empty(&self) -> bool {
        self.adapters == 0
            && self.mdl_pages.blocks == 0
            && self.families().iter().all(|held| held.blocks == 0)
    }
}

/// Renders the line at or behind a position, and returns the position behind it.
pub(crate) fn render(mut position: u64, line: &mut Line) -> Option<u64> {
    loop {
        let (holder, behind) = Holder::at(position)?;
        let holdings = holder.holdings();
        position = behind;
        // A loaded module has a line even if it holds nothing.
        if holdings.is_empty() && !holder.is_lasting() {
            continue;
        }
        let (name, state) = match &holder {
            Holder::Live(info) => (info.name(), "live"),
            Holder::Gone(name) => (name.as_str(), "gone"),
            Holder::Unknown => ("(unknown)", "-"),
            Holder::Other => ("(other)", "-"),
        };
        kwrite!(line, "{name:<24} {state:<5}").ok()?;
        for held in holdings.families() {
            line.push_number(held.blocks, 10);
            line.push_number(held.bytes, 14);
        }
        line.push_number(holdings.adapters, 8);
        line.push_number(holdings.mdl_pages.blocks, 10);
        line.push_number(holdings.mdl_pages.bytes, 14);
        return Some(position);
    }
}
