// SPDX-License-Identifier: GPL-2.0

//! The files in `/sys/kernel/debug/rust_pool/`. `Documentation/debugfs.rst` describes their
//! formats. A change that could break a program that parses them raises the version in the first
//! line.

pub(crate) mod contents;
pub(crate) mod reports;
pub(crate) mod summary;
pub(crate) mod verifier_files;

use crate::{
    callers::call_site::LastName,
    debugfs::{
        contents::{
            Files,
            Table, //
        },
        summary::Summary, //
    },
    dma::{
        adapter,
        buffer_release,
        common_buffer, //
    },
    events::{
        holdings,
        work, //
    },
    families::{
        contiguous,
        io_space,
        mdl_pages,
        noncached,
        pins, //
    },
    lib::text::{
        kwrite,
        Line,
        Text, //
    },
    memory::{
        heap,
        magazine::{
            self,
            depot,
            kind::{
                Content,
                MagazineKind,
                KINDS, //
            }, //
        }, //
    },
    record::{
        mapped_list,
        table::REGIONS,
        Owner, //
    },
    report::{
        self,
        log::LOG, //
    },
    stats::{
        family_totals::Family,
        tag_stats,
        tag_table, //
    },
    sys::{
        self,
        debugfs::Directory, //
    }, //
};
use kernel::{
    fmt,
    prelude::*,
    seq_file::SeqFile,
    seq_print, //
};

/// Makes the directory and its files, if there is debugfs. Sleeps.
pub(crate) fn create() -> Directory {
    if !sys::has_debugfs() {
        pr_notice!(
            "debugfs is off (debugfs=off): there are no statistics, and options of the verifier \
             can only be set at load, by the parameter verifier\n"
        );
    }
    let dir = Directory::new(c"rust_pool");
    dir.file::<Tags>(c"tags");
    dir.file::<Modules>(c"modules");
    dir.file::<Contiguous>(c"contiguous");
    dir.file::<NonCached>(c"noncached");
    dir.file::<MdlPages>(c"mdl_pages");
    dir.file::<IoSpace>(c"io_space");
    dir.file::<Adapters>(c"adapters");
    dir.file::<Memory>(c"memory");
    dir.file::<Violations>(c"violations");
    dir.page::<Summary>(c"summary");
    verifier_files::create(&dir);
    reports::set_directory(dir.directory(c"reports"));
    dir
}

/// Prints the first lines of a family's file. `name` has its version, too.
fn head(file: &SeqFile, name: &str, family: &Family, columns: &str) {
    let lost = family.lost();
    seq_print!(file, "{name}\n# {family} {lost}\n#{columns}\n");
}

/// An address, hashed as by `%p`.
fn address(addr: usize) -> Text<24> {
    Text::pointer(addr)
}

/// The sums of all rows of the tag table.
#[derive(Default)]
struct Totals {
    tags: u64,
    allocs: u64,
    frees: u64,
    bytes: i64,
    used: i64,
    failures: u64,
}

impl Totals {
    fn new() -> Self {
        let mut all = Self::default();
        for row in (0..tag_table::claimed()).filter_map(tag_table::at_place) {
            let Some((tag, _)) = row.identity() else {
                continue;
            };
            let now = row.snapshot();
            all.tags = all
                .tags
                .wrapping_add((tag.is_some() && row.is_first()).into());
            all.allocs = all.allocs.wrapping_add(now.allocs);
            all.frees = all.frees.wrapping_add(now.frees);
            all.bytes = all.bytes.wrapping_add(now.bytes);
            all.used = all.used.wrapping_add(now.used);
            all.failures = all.failures.wrapping_add(now.failures);
        }
        all
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tags,
            allocs,
            frees,
            bytes,
            used,
            failures,
        } = self;
        kwrite!(f, "rows {tags} allocs {allocs} frees {frees} ")?;
        kwrite!(f, "diff {} ", allocs.wrapping_sub(*frees))?;
        kwrite!(f, "bytes {bytes} used {used} failures {failures}")
    }
}

struct Tags;

impl Table for Tags {
    fn head(file: &SeqFile) {
        seq_print!(
            file,
            "tags - version: 1.1\n# {}\
             ; exact when idle, but for the peak: sampled, up to {} CPUs x {} bytes too low for each module\n\
             #tag {:<5} {:>12} {:>12} {:>12} {:>14} {:>14} {:>10} {:>14} {:>10} {}\n",
            Totals::new(),
            sys::possible_cpus(),
            tag_stats::BATCH,
            "type",
            "allocs",
            "frees",
            "diff",
            "bytes",
            "used",
            "per_alloc",
            "peak",
            "failures",
            "first_user"
        );
    }

    fn row(position: u64, line: &mut Line, last: &mut LastName) -> Option<u64> {
        let mut at = usize::try_from(position).ok()?;
        loop {
            let (row, place) = tag_table::in_order(at)?;
            at = place + 1;
            let Some((tag, kind)) = row.identity().filter(|_| row.is_first()) else {
                continue;
            };
            let (now, peak) = tag_table::of_tag(row);
            let diff = now.diff();
            match tag {
                Some(tag) => line.push(&tag.shown()),
                None if now.allocs == 0 && now.failures == 0 => continue,
                None => line.push(b"(other)"),
            }
            let per_alloc = u64::try_from(now.bytes).unwrap_or(0).checked_div(diff);
            line.push_padded(kind.name(), 5);
            line.push_number(now.allocs, 12);
            line.push_number(now.frees, 12);
            line.push_number(diff, 12);
            line.push_number(now.bytes, 14);
            line.push_number(now.used, 14);
            line.push_number(per_alloc.unwrap_or(0), 10);
            line.push_number(peak, 14);
            line.push_number(now.failures, 10);
            row.site().with_name_or(last, |name| {
                line.push(b" ");
                line.push(name.unwrap_or("-").as_bytes());
            });
            return u64::try_from(at).ok();
        }
    }
}

struct Modules;

impl Table for Modules {
    fn head(file: &SeqFile) {
        seq_print!(
            file,
            "modules - version: 1.1\n\
             # what each module holds; exact when idle\n\
             #{:<23} {:<5} {:>10} {:>14} {:>10} {:>14} {:>10} {:>14} {:>10} {:>14} {:>8} {:>10} \
             {:>14}\n",
            "module",
            "state",
            "pool",
            "bytes",
            "contiguous",
            "bytes",
            "noncached",
            "bytes",
            "buffers",
            "bytes",
            "adapters",
            "mdl_pages",
            "bytes"
        );
    }

    fn row(position: u64, line: &mut Line, _: &mut LastName) -> Option<u64> {
        holdings::render(position, line)
    }
}

/// What the magazines and the depot hold, and how full the heap is.
struct Memory;

impl Table for Memory {
    fn head(file: &SeqFile) {
        let heap = heap::usage();
        seq_print!(
            file,
            "memory - version: 1.5\n\
             # heap: {} spans, {} of them waiting, {} bytes free, {} times contended\n",
            heap.spans,
            heap.waiting,
            heap.free,
            heap.contentions
        );
        for (family, backlog) in work::backlogs() {
            seq_print!(file, "# deferred {family}: {}\n", backlog.usage());
        }
        seq_print!(file, "# deferred pinned: {}\n", pins::BACKLOG.usage());
        seq_print!(
            file,
            "# for bursts: {} bytes reserved of {}\n",
            depot::reserved(),
            depot::CAP
        );
        seq_print!(
            file,
            "#magazines of {:>8} {:>8} {:>8} {:>12}\n",
            "size",
            "limit",
            "held",
            "bytes"
        );
    }

    fn row(position: u64, line: &mut Line, _: &mut LastName) -> Option<u64> {
        let number = usize::try_from(position).ok()?;
        // First all magazines, then what the depot has of the same kinds.
        let (kind, of_depot) = match MagazineKind::from_number(number) {
            Some(kind) => (kind, None),
            None => {
                let kind = MagazineKind::from_number(number.checked_sub(KINDS)?)?;
                let (held, quota) = depot::usage(kind)?;
                let open = magazine::capacity(kind) != 0;
                (kind, Some((held, if open { quota } else { 0 })))
            }
        };
        let name = match (of_depot, kind.content()) {
            (Some(_), _) => "depot",
            (None, Content::Objects(_)) => "objects",
            (None, Content::Pages(_)) => "pages",
        };
        let (held, limit) = of_depot.unwrap_or((magazine::held(kind), magazine::limit(kind)));
        kwrite!(
            line,
            "{name:<12} {:>10} {limit:>8} {held:>8} {:>12}",
            kind.bytes(),
            held.saturating_mul(kind.bytes())
        )
        .ok()?;
        Some(position + 1)
    }
}

struct Contiguous;

impl Table for Contiguous {
    fn head(file: &SeqFile) {
        let columns = "address physical bytes used cache caller tag";
        head(
            file,
            "contiguous - version: 1.2",
            &contiguous::FAMILY,
            columns,
        );
    }

    fn row(position: u64, line: &mut Line, _: &mut LastName) -> Option<u64> {
        REGIONS.next(position, |region| {
            let Owner::Contiguous {
                cache,
                physical,
                tag,
                ..
            } = &region.owner
            else {
                return None;
            };
            kwrite!(
                line,
                "{} {physical:#x} {} {} {cache} {} ",
                address(region.addr()),
                region.asked,
                region.used,
                region.site
            )
            .ok()?;
            match tag {
                Some(tag) => kwrite!(line, "{}", tag.word()).ok(),
                None => kwrite!(line, "-").ok(),
            }
        })
    }
}

struct NonCached;

impl Table for NonCached {
    fn head(file: &SeqFile) {
        let columns = "address bytes used cache caller";
        head(
            file,
            "noncached - version: 1.1",
            &noncached::FAMILY,
            columns,
        );
    }

    fn row(position: u64, line: &mut Line, _: &mut LastName) -> Option<u64> {
        REGIONS.next(position, |region| {
            let Owner::NonCached { cache, .. } = &region.owner else {
                return None;
            };
            kwrite!(
                line,
                "{} {} {} {cache} {}",
                address(region.addr()),
                region.asked,
                region.used,
                region.site
            )
            .ok()
        })
    }
}

struct MdlPages;

impl Table for MdlPages {
    fn head(file: &SeqFile) {
        head(
            file,
            "mdl_pages - version: 1.1",
            &mdl_pages::totals::FAMILY,
            "mdl bytes used cache caller",
        );
    }

    fn row(position: u64, line: &mut Line, _: &mut LastName) -> Option<u64> {
        REGIONS.next(position, |region| {
            let Owner::MdlPages { cache, .. } = &region.owner else {
                return None;
            };
            kwrite!(
                line,
                "{} {} {} {cache} {}",
                address(mdl_pages::owner_of(region.addr())),
                region.asked,
                region.used,
                region.site
            )
            .ok()
        })
    }
}

struct IoSpace;

impl Table for IoSpace {
    fn head(file: &SeqFile) {
        let columns = "address physical bytes used cache access caller";
        head(file, "io_space - version: 1.0", &io_space::FAMILY, columns);
    }

    fn row(position: u64, line: &mut Line, _: &mut LastName) -> Option<u64> {
        REGIONS.next(position, |region| {
            let Owner::IoSpace {
                cache,
                physical,
                access,
                ..
            } = &region.owner
            else {
                return None;
            };
            let access = if *access == sys::Access::Write {
                "rw"
            } else {
                "ro"
            };
            kwrite!(
                line,
                "{} {physical:#x} {} {} {cache} {access} {}",
                address(region.addr()),
                region.asked,
                region.used,
                region.site
            )
            .ok()
        })
    }
}

struct Adapters;

impl Adapters {
    /// Positions from here on belong to buffers and lists, those below to adapters.
    const BUFFERS: u64 = 1 << 56;
    /// Positions from here on belong to requests for a channel.
    const REQUESTS: u64 = 1 << 58;

    /// Shows a buffer or a list.
    fn buffer(position: u64, line: &mut Line) -> Option<u64> {
        REGIONS.next(position, |region| match &region.owner {
            Owner::CommonBuffer { adapter, bus, .. } => kwrite!(
                line,
                "buffer {} {bus:#x} {} {} {adapter} {}",
                address(region.addr()),
                region.asked,
                region.used,
                region.site
            )
            .ok(),
            Owner::List(list) => kwrite!(
                line,
                "list {} {} {} {} {} {}",
                address(mapped_list::of_key(region.addr())),
                list.mapped.elements(),
                region.asked,
                region.used,
                list.adapter,
                region.site
            )
            .ok(),
            _ => None,
        })
    }
}

impl Table for Adapters {
    fn head(file: &SeqFile) {
        seq_print!(
            file,
            "adapters - version: 1.3\n\
             # {} {}\n\
             #adapter ... | buffer address logical bytes used adapter caller | \
             list address elements bytes used adapter caller | \
             request adapter registers caller\n",
            common_buffer::FAMILY,
            buffer_release::LOST
        );
    }

    fn row(position: u64, line: &mut Line, _: &mut LastName) -> Option<u64> {
        if position < Self::BUFFERS {
            let shown = adapter::after(position, |adapter| {
                // It does not fail: text that does not fit is cut off.
                let _ = kwrite!(line, "{adapter}");
            });
            if shown.is_some() {
                return shown;
            }
        }
        if position < Self::REQUESTS {
            let shown = Self::buffer(position.saturating_sub(Self::BUFFERS), line);
            if let Some(next) = shown {
                return Some(next + Self::BUFFERS);
            }
        }
        let number = position.saturating_sub(Self::REQUESTS);
        let shown = adapter::request_after(number, |request| {
            let (adapter, registers) = (request.adapter(), request.registers());
            // As above.
            let _ = kwrite!(
                line,
                "request {adapter} {registers} {}",
                request.packet.site
            );
        })?;
        Some(shown + Self::REQUESTS)
    }
}

struct Violations;

impl Table for Violations {
    fn head(file: &SeqFile) {
        seq_print!(
            file,
            "violations - version: 2.0\n# reported {}\n\
             #number seconds code p1 p2 p3 p4 module tag caller what\n",
            report::reported()
        );
    }

    fn row(position: u64, line: &mut Line, _: &mut LastName) -> Option<u64> {
        LOG.lock().after(position, line)
    }
}
