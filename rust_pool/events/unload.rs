// SPDX-License-Identifier: GPL-2.0

//! The report of what is still allocated when a client, or rust_pool itself, is unloaded.
//!
//! WDK: "Pool Tracking" of Driver Verifier, bug check 0xC4 with parameter 1 = 0x62.
//!
//! A client's leaks are reported when it is unloaded, while its symbols can still be looked up.
//! Blocks with a record are reported with their call site, others with the call site where the
//! client used their tag first. Only the client's own blocks count, even if others use the tag.

use crate::{
    callers::{
        call_site::{
            self,
            CallSite, //
        },
        stack::Stack, //
    },
    dma::{
        adapter::{
            self,
            Adapter,
            ADAPTERS, //
        },
        buffer_release,
        channel::Request, //
    },
    events::holdings,
    families::pins,
    lib::{
        argument::Passed,
        export::matches_header,
        list::List,
        text::{
            kwrite,
            Text, //
        }, //
    },
    lookaside,
    pool::special,
    record::{
        held_device,
        table::REGIONS,
        Owner,
        Region, //
    },
    report::{
        self,
        files::AllIn,
        log::LOG,
        rule,
        violation::{
            Blocks,
            Detail,
            Rule,
            Violation, //
        }, //
    },
    stats::{
        tag_stats::TagStats,
        tag_table, //
    },
    sys::{
        self,
        Module, //
    },
    types::{
        memory_type::MemoryType,
        tag::{
            PoolKind,
            Tag, //
        }, //
    },
    verifier::{
        fault_injection::INJECTIONS,
        freed,
        held_back,
        leaks,
        places::{
            One,
            Places,
            Sum, //
        },
        quarantine_set,
        tracking, //
    }, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    fmt,
    prelude::*,
    sync::rcu, //
};

/// The most lines of one kind in a report, so that it does not push older lines out of the log.
const LINES: usize = 32;

/// Which leaked memory a line is about: pool by tag, as its headers have no room for a call site;
/// all other memory by the call site that allocated it.
#[derive(Clone, Copy)]
enum Kind {
    /// A tag; `None` for the row `(other)`.
    Tag(Option<Tag>, PoolKind),
    Place(MemoryType),
}

impl Kind {
    fn tag(self) -> Option<Tag> {
        match self {
            Self::Tag(tag, _) => tag,
            Self::Place(_) => None,
        }
    }

    /// The words for it in the file of violations.
    fn words(self) -> &'static str {
        match self {
            Self::Tag(_, PoolKind::NonPaged) => "Nonp",
            Self::Tag(_, PoolKind::Paged) => "Paged",
            Self::Place(MemoryType::Contiguous) => "contiguous",
            Self::Place(MemoryType::NonCached) => "noncached",
            Self::Place(MemoryType::List) => "scatter/gather list",
            Self::Place(MemoryType::Registers) => "map registers",
            Self::Place(MemoryType::Mapping) => "mapping",
            Self::Place(MemoryType::IoSpace) => "io_space",
            Self::Place(MemoryType::Locked) => "locked",
            Self::Place(MemoryType::MdlPages) => "mdl_pages",
            Self::Place(MemoryType::Reserved) => "reserved",
            Self::Place(_) => "common buffer",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(Some(tag), kind) => kwrite!(f, "tag {tag} {kind}"),
            Self::Tag(None, kind) => kwrite!(f, "tag (other) {kind}"),
            Self::Place(MemoryType::CommonBuffer | MemoryType::List | MemoryType::Registers) => {
                f.write_str(self.words())
            }
            Self::Place(memory) => kwrite!(f, "{memory}"),
        }
    }
}

/// The leaked blocks of one tag, or from one call site.
struct Leak {
    kind: Kind,
    sum: Sum,
    site: CallSite,
}

impl Leak {
    /// Logs it, and puts it into the file of violations as one by `module`.
    fn tell(&self, module: Option<&str>) {
        let Self { kind, sum, site } = self;
        let Sum { blocks, bytes } = *sum;
        let how = match kind {
            Kind::Tag(..) => "first allocated",
            Kind::Place(_) => "allocated",
        };
        let shown = Blocks(blocks);
        pr_err!("  leaked {kind}: {shown}, {bytes} bytes, {how} at {site}\n");
        let row = outstanding(&rule::LEAKED, kind.words(), *sum);
        let row = kind.tag().map_or(row, |tag| row.about(tag));
        row.list(module, site.copy());
    }
}

/// A violation that says how much is left. `what` says of what, if the rule's words have a
/// placeholder for it.
fn outstanding(rule: &Rule<1>, what: &'static str, sum: Sum) -> Violation {
    let Sum { blocks, bytes } = sum;
    let detail = Detail::Left {
        what,
        blocks,
        bytes,
    };
    rule.by(0, [blocks.into()]).with(detail)
}

/// The largest leaks, and the sum of the rest.
struct Largest {
    leaks: KVec<Leak>,
    /// How many tags and call sites are not among them.
    more: u64,
    rest: Sum,
}

impl Largest {
    /// Without any leaks. Without memory, all leaks go into `rest`. Sleeps.
    fn new() -> Self {
        Self {
            leaks: KVec::with_capacity(LINES, GFP_KERNEL | __GFP_NOWARN).unwrap_or(KVec::new()),
            more: 0,
            rest: Sum::default(),
        }
    }

    fn add(&mut self, leak: Leak) {
        if self.leaks.len() < self.leaks.capacity().min(LINES) {
            // It does not fail, as there is capacity.
            let _ = self.leaks.push(leak, GFP_KERNEL);
            return;
        }
        let smallest = self.leaks.iter_mut().min_by_key(|leak| leak.sum.bytes);
        let smaller = match smallest {
            Some(smallest) if smallest.sum.bytes < leak.sum.bytes => {
                core::mem::replace(smallest, leak)
            }
            _ => leak,
        };
        self.more = self.more.saturating_add(1);
        self.rest.add(smaller.sum);
    }

    /// Calls `visit` on each leak, the largest first.
    fn for_each(&mut self, mut visit: impl FnMut(&Leak)) {
        for at in 0..self.leaks.len() {
            let rest = self.leaks.iter().enumerate().skip(at);
            let largest = rest.max_by_key(|(_, leak)| leak.sum.bytes);
            let Some(largest) = largest.map(|(largest, _)| largest) else {
                return;
            };
            self.leaks.swap(at, largest);
            self.leaks.get(at).into_iter().for_each(&mut visit);
        }
    }
}

/// Calls `visit` on each row for which `of_row` counts blocks.
fn rows(of_row: impl Fn(&TagStats) -> (u64, i64), mut visit: impl FnMut(&TagStats, u64, u64)) {
    for row in (0..tag_table::claimed()).filter_map(tag_table::at_place) {
        if row.identity().is_none() {
            continue;
        }
        let (blocks, bytes) = of_row(row);
        if blocks != 0 {
            visit(row, blocks, u64::try_from(bytes).unwrap_or(0));
        }
    }
}

/// Whether a region is counted by its record. Pool is counted by its tag.
fn is_of_family(region: &Region) -> bool {
    !matches!(region.owner, Owner::Pool { .. })
}

/// The leaks, of which the largest are listed.
fn largest(
    of_row: impl Fn(&TagStats) -> (u64, i64),
    of_region: impl Fn(&Region) -> bool,
) -> Largest {
    let mut largest = Largest::new();
    rows(of_row, |row, blocks, bytes| {
        if let Some((tag, kind)) = row.identity() {
            largest.add(Leak {
                kind: Kind::Tag(tag, kind),
                sum: Sum { blocks, bytes },
                site: row.site().copy(),
            });
        }
    });
    let places = Places::collect(|places| {
        REGIONS.for_each(|region| {
            if is_of_family(region) && of_region(region) {
                places.add(&One {
                    tag: None,
                    memory: region.owner.memory(),
                    stack: &Stack::of_site(&region.site),
                    bytes: region.asked,
                    time: 0,
                });
            }
        });
    });
    let Ok(places) = places else {
        pr_err!("  too little memory to list what is left besides pool; the sums above count it\n");
        return largest;
    };
    for place in places.iter() {
        largest.add(Leak {
            kind: Kind::Place(place.memory),
            sum: place.sum,
            site: place.stack.caller().copy(),
        });
    }
    if places.rest.blocks != 0 {
        largest.more = largest.more.saturating_add(1);
        largest.rest.add(places.rest);
    }
    largest
}

/// Prints the adapters for which `which` returns `true`. Releases the lock to print each, as a slow
/// console must not keep interrupts disabled.
fn print_adapters(which: impl Fn(&Adapter) -> bool) {
    let mut line = Text::<1024>::empty();
    let mut last = 0;
    let mut count = 0usize;
    loop {
        line.clear();
        let number = adapter::after(last, |adapter| {
            if which(adapter) {
                // It does not fail: text that does not fit is cut off.
                let _ = kwrite!(&mut line, "{adapter}, got at {}", adapter.site());
            }
        });
        if !line.as_bytes().is_empty() {
            count = count.saturating_add(1);
            if count <= LINES {
                pr_err!("  leaked {line}\n");
            }
        }
        match number {
            Some(number) => last = number,
            None => break,
        }
    }
    if count > LINES {
        let more = count - LINES;
        let (words, files) = ("all are in", "adapters");
        let all = AllIn { words, files };
        pr_err!("  and {more} more adapters{all}\n");
    }
}

/// Prints the requests that waited for the channel of an adapter. They are in no table any more.
fn print_requests(requests: &List<Request>) {
    for request in requests.iter().take(LINES) {
        let site = &request.packet.site;
        pr_err!("  leaked {request}, asked for at {site}\n");
    }
    let more = requests.iter().skip(LINES).count();
    if more != 0 {
        pr_err!("  and {more} more requests for the channels of adapters\n");
    }
}

/// Reports what a module, or all modules, still hold: what the three functions count or return
/// `true` for, and requests that waited. Returns whether there is anything.
fn report(
    module: Option<Module>,
    requests: &List<Request>,
    of_row: impl Fn(&TagStats) -> (u64, i64),
    of_region: impl Fn(&Region) -> bool,
    of_adapter: impl Fn(&Adapter) -> bool,
) -> bool {
    let mut sum = Sum::default();
    rows(&of_row, |_, blocks, bytes| sum.add(Sum { blocks, bytes }));
    REGIONS.for_each(|region| {
        if is_of_family(region) && of_region(region) {
            // CAST: Lossless on the architectures supported.
            let bytes = region.asked as u64;
            sum.add(Sum { blocks: 1, bytes });
        }
    });
    // CAST: Lossless on the architectures supported.
    let waited = requests.iter().count() as u64;
    sum.add(Sum {
        blocks: waited,
        bytes: 0,
    });
    // The rows `(other)` do not tell modules apart, so `sum` misses their blocks. If these are
    // tracked, their records do.
    sum.blocks = sum.blocks.max(leaks::count(module));
    let adapters = ADAPTERS
        .lock()
        .iter()
        .filter(|adapter| of_adapter(adapter))
        .count();
    if sum.blocks == 0 && adapters == 0 {
        return false;
    }
    let name = module.as_ref().map(Module::name);
    outstanding(&rule::LEFT_AT_UNLOAD, "", sum).report_of(name, || {
        print_head(name, sum, adapters);
        let mut largest = largest(&of_row, &of_region);
        largest.for_each(|leak| leak.tell(name));
        print_rest(&largest, module.is_some());
        leaks::print(module);
        print_adapters(&of_adapter);
        print_requests(requests);
    });
    true
}

fn print_head(name: Option<&str>, sum: Sum, adapters: usize) {
    let Sum { blocks, bytes } = sum;
    let head = |who: fmt::Arguments<'_>| {
        let blocks = Blocks(blocks);
        pr_err!("  {who}: {blocks}, {bytes} bytes, adapters {adapters}\n");
    };
    match name {
        Some(name) => head(fmt!("left by {name}")),
        None => head(fmt!(
            "rust_pool is unloaded; left by those who are named below"
        )),
    }
}

/// Prints how much the lines above left out, and which file shows it.
fn print_rest(largest: &Largest, files_stay: bool) {
    let Largest { more, rest, .. } = largest;
    if *more == 0 {
        return;
    }
    let Sum { blocks, bytes } = *rest;
    let blocks = Blocks(blocks);
    let words = if files_stay {
        "all are in"
    } else {
        "all were, until now, in"
    };
    let files = "tags and the files beside it";
    let all = AllIn { words, files };
    pr_err!("  and {more} more tags and places: {blocks}, {bytes} bytes{all}\n");
}

// SAFETY: `Module` is a transparent pointer that is not null, so `None` is null.
unsafe impl Passed<*mut bindings::module> for Option<Module> {}

/// Reports what a client leaves behind, and keeps the names of its call sites.
///
/// # Safety
///
/// `module` is null, or a valid module whose symbols can be looked up during the call.
#[no_mangle]
unsafe extern "C" fn rust_pool_module_going(module: Option<Module>) {
    let Some(module) = module else {
        return;
    };
    // Nobody calls it any more, as it is to be freed.
    let requests = adapter::take_requests(Some(module));
    // What it unlocked is unpinned before it goes, as far as folios are not locked.
    pins::attempt();
    // Memory whose free was deferred is no leak, as no table has it any more, and may be given back
    // later. But references to devices that need the module's code must be dropped now.
    buffer_release::finish(|device| device.is_of(module));
    held_device::finish(module);
    // Entries that its lookaside lists kept are no leaks, either.
    lookaside::departed(module);
    let left = report(
        Some(module),
        &requests,
        |row| {
            if row.is_of(module.client()) {
                row.outstanding()
            } else {
                (0, 0)
            }
        },
        |region| region.site.lies_in(module),
        |adapter| adapter.site().lies_in(module),
    );
    adapter::discard(requests);
    // Others may have devices that need this module.
    held_device::abandon(module);
    // From now on, only the names of the call sites are left.
    call_site::begin();
    for row in (0..tag_table::claimed()).filter_map(tag_table::at_place) {
        row.depart(module);
    }
    for_each_other_site(|site| site.depart(module));
    if left {
        holdings::departed(module.name());
    }
}
matches_header!(rust_pool_module_going(_));

/// Calls `visit` on all call sites, except those of rows. Sleeps.
///
/// Those from which call sites are copied or moved come first: what leaves them before they are
/// visited is found where it went.
fn for_each_other_site(mut visit: impl FnMut(&CallSite)) {
    for adapter in ADAPTERS.lock().iter() {
        visit(adapter.site());
        adapter
            .requests()
            .for_each(|request| visit(&request.packet.site));
    }
    REGIONS.for_each(|region| visit(&region.site));
    buffer_release::for_each_site(&mut visit);
    lookaside::for_each_site(&mut visit);
    tracking::for_each_site(&mut visit);
    if held_back::is_open() || freed::is_open() {
        // Whoever took a record before its bucket was visited has put it down by then.
        rcu::synchronize_rcu();
    }
    held_back::for_each_site(&mut visit);
    freed::for_each_site(&mut visit);
    if quarantine_set::is_open() {
        // Also wait for stacks that are being moved there.
        rcu::synchronize_rcu();
    }
    quarantine_set::for_each_site(&mut visit);
    special::for_each_site(&mut visit);
    for site in INJECTIONS.lock().sites() {
        visit(site);
    }
    // Last: a report copies the site of what it is about.
    for site in LOG.lock().sites() {
        visit(site);
    }
}

/// Keeps the names of call sites in a client's init code, which is about to be freed.
///
/// # Safety
///
/// `module` is null, or a valid module whose symbols can be looked up during the call.
#[no_mangle]
unsafe extern "C" fn rust_pool_module_live(module: Option<Module>) {
    if let Some(module) = module {
        call_site::begin();
        for row in (0..tag_table::claimed()).filter_map(tag_table::at_place) {
            row.site().settle(module);
        }
        for_each_other_site(|site| site.settle(module));
    }
}
matches_header!(rust_pool_module_live(_));

/// Reports all that is left, forgets it, and returns whether there was anything. The memory itself
/// is not freed. Sleeps.
pub(crate) fn report_all() -> bool {
    sys::finish_work();
    lookaside::forget_all();
    let live = |row: &TagStats| {
        let now = row.snapshot();
        (now.diff(), now.bytes)
    };
    let requests = adapter::take_requests(None);
    let leaked = report(None, &requests, live, |_| true, |_| true);
    adapter::discard(requests);
    report::say_left_out();
    // Free the records, but not the memory that they describe. Only pages are unpinned.
    while let Some(region) = REGIONS.pop() {
        pins::leave(region);
    }
    pins::finish();
    adapter::forget_all();
    leaked
}

#[kernel::macros::kunit_tests(rust_pool_unload)]
mod tests {
    use super::*;
    use crate::{
        events::control::SWITCHING,
        verifier::record::Record, //
    };

    /// Adds the record of a block that is not there, allocated at this place.
    fn track(addr: usize, place: usize) -> Result {
        let stack = Stack::of_site(&CallSite::new(place));
        let record = Record::new(addr, 1, None, MemoryType::Contiguous, stack);
        tracking::keep(KBox::new(record, GFP_KERNEL)?);
        Ok(())
    }

    #[test]
    fn records_are_visited_before_they_move() -> Result {
        // No block and no function is there.
        let places = [0x10, 0x20];
        let [live, gone] = places;
        let _one_at_a_time = SWITCHING.lock();
        let was_open = freed::is_open();
        freed::open()?;
        track(gone, gone)?;
        tracking::remove(gone);
        track(live, live)?;
        let mut visited = [None; 2];
        let mut number = 0usize;
        for_each_other_site(|site| {
            number = number.wrapping_add(1);
            for (place, visited) in Iterator::zip(places.iter(), visited.iter_mut()) {
                if site.address() == *place {
                    *visited = Some(number);
                }
            }
        });
        tracking::remove(live);
        if !was_open {
            freed::close();
        }
        let [live, gone] = visited;
        assert!(live.is_some() && live < gone);
        Ok(())
    }
}
