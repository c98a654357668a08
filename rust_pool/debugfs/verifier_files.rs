// SPDX-License-Identifier: GPL-2.0

//! The verifier's files in debugfs.

use crate::{
    callers::call_site::LastName,
    debugfs::contents::{
        Control,
        Files,
        Page,
        Paper,
        Table, //
    },
    events::control,
    lib::{
        argument::Passed,
        export::matches_header,
        text::{
            kwrite,
            Line as Row,
            Text, //
        }, //
    },
    options::{
        parse::HEAD,
        selection::{
            Selection,
            Who, //
        },
        Line,
        Lines,
        OPTIONS, //
    },
    pool::special,
    sys::{
        self,
        debugfs::Directory,
        PAGE_SIZE, //
    },
    types::tag,
    verifier::{
        fault_injection::{
            self,
            INJECTIONS, //
        },
        held_back,
        places::{
            Place,
            Places,
            Sum, //
        },
        quarantine_set,
        record::Record,
        tracking::{
            self,
            RECORDS, //
        }, //
    }, //
};
use kernel::{
    fmt::{
        self,
        Write, //
    },
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::Arc, //
};

/// Makes the files. Sleeps.
pub(crate) fn create(dir: &Directory) {
    dir.control::<Options>(c"verifier");
    dir.file::<Live>(c"live");
    dir.page::<Sites>(c"sites");
    dir.file::<Injected>(c"injected");
}

struct Options;

impl Table for Options {
    fn head(file: &SeqFile) {
        let (attempts, injected) = fault_injection::counts();
        let (live, missed) = tracking::counts();
        let (served, unserved) = special::counts();
        seq_print!(
            file,
            "{HEAD} 2.0\n# on {} tracked {live} untracked {missed} attempts {attempts} injected {injected} \
             special {served} unserved {unserved} held {} kept {}\n\
             #option\n",
            u32::from(crate::verifier::on()),
            held_back::count(),
            quarantine_set::count()
        );
    }

    fn row(position: u64, line: &mut Row, _: &mut LastName) -> Option<u64> {
        let at = usize::try_from(position).ok()?;
        let next = OPTIONS.lock().show(at, line)?;
        u64::try_from(next).ok()
    }
}

/// A page that sysfs shows.
///
/// # Invariants
///
/// Nobody else uses it during the call. It was zeroed.
#[repr(transparent)]
struct Shown<'call>(&'call mut [u8; PAGE_SIZE]);

// SAFETY: It is a transparent reference. The callers of such functions pass a page.
unsafe impl Passed<*mut c_char> for Shown<'_> {}

/// Renders the options as one line, and returns its length, which is less than a page. What does
/// not fit is cut off.
///
/// # Safety
///
/// `to` keeps to the invariants of [`Shown`]. Only called between the calls of
/// `rust_pool_parameters_live()`, while the module's statics have their values.
#[no_mangle]
unsafe extern "C" fn rust_pool_verifier_show(to: Shown<'_>) -> usize {
    let Shown([to @ .., _]) = to;
    let mut line = Text::<1024>::empty();
    let (mut at, mut len) = (0, 0);
    loop {
        line.clear();
        let next = OPTIONS.lock().show(at, &mut line);
        let Some(next) = next else {
            return len;
        };
        for text in [if at == 0 { &[][..] } else { b";" }, line.as_bytes()] {
            let room = to.get_mut(len..).unwrap_or(&mut []);
            let fits = text.len().min(room.len());
            if let (Some(room), Some(text)) = (room.get_mut(..fits), text.get(..fits)) {
                room.copy_from_slice(text);
                len += fits;
            }
        }
        at = next;
    }
}
matches_header!(rust_pool_verifier_show(_));

impl Control for Options {
    fn write(text: &[u8]) -> Result {
        control::set(text)
    }
}

/// Which recorded blocks are listed: those that a line of `tracking` selects; all if there is no
/// such line.
struct Listed {
    /// A reference, as the lock of the options may not be taken within those of the records.
    lines: Option<Arc<Lines>>,
    by_module: bool,
}

impl Listed {
    fn now() -> Self {
        let mut listed = Self {
            lines: OPTIONS.lock().lines(),
            by_module: false,
        };
        let by_module = listed.tracking().any(Selection::by_module);
        listed.by_module = by_module;
        listed
    }

    fn tracking(&self) -> impl Iterator<Item = &Selection> {
        let lines = self.lines.as_deref().map_or(&[][..], KVec::as_slice);
        lines.iter().filter_map(|line| match &**line {
            Line::Tracking(selection) => Some(selection),
            _ => None,
        })
    }

    fn is_all(&self) -> bool {
        self.tracking().next().is_none()
    }

    fn has(&self, record: &Record) -> bool {
        let who = if self.by_module {
            Who::of_site(record.stack.caller())
        } else {
            Who::UNKNOWN
        };
        self.is_all()
            || self
                .tracking()
                .any(|selection| selection.has(record.tag, &who))
    }
}

struct Live;

impl Table for Live {
    fn head(file: &SeqFile) {
        let (live, missed) = tracking::counts();
        seq_print!(
            file,
            "live - version: 1.0\n# tracked {live} untracked {missed}\n\
             #tag type address bytes age caller < ...\n"
        );
    }

    fn row(position: u64, line: &mut Row, _: &mut LastName) -> Option<u64> {
        let now = sys::uptime();
        let listed = Listed::now();
        let next = RECORDS.next(position, |record| {
            if !listed.has(record) {
                return None;
            }
            let age = now.saturating_sub(record.time) / 1_000_000;
            tag::write_or_dash(line, record.tag).ok()?;
            kwrite!(
                line,
                " {} {} {} {}.{:03} {}",
                record.memory,
                Text::<24>::pointer(record.addr),
                record.bytes,
                age / 1000,
                age % 1000,
                record.stack
            )
            .ok()
        })?;
        Some(next)
    }
}

/// The recorded blocks, grouped by call site, for people to read.
struct Sites;

impl Page for Sites {
    fn write(to: &mut Paper) -> Result {
        let (live, missed) = tracking::counts();
        let listed = Listed::now();
        let places = Places::tracked(|record| listed.has(record))?;
        let now = sys::uptime();
        let total = places.total();
        kwrite!(
            to,
            "sites - version: 1.0\n# tracked {live} untracked {missed} "
        )?;
        kwrite!(
            to,
            "places {} blocks {} bytes {}",
            places.count(),
            total.blocks,
            total.bytes
        )?;
        if listed.is_all() {
            to.write_str(
                "; tracking is off: to see the blocks that are allocated from now on, \
                 echo 'tracking tag=*' >/sys/kernel/debug/rust_pool/verifier",
            )?;
        }
        kwrite!(
            to,
            "\n#{:>9} {:>14} {:>12} {:>12}  tag  type       caller, and who called that\n",
            "blocks",
            "bytes",
            "oldest",
            "newest"
        )?;
        let mut result = Ok(());
        places.for_each(|place| {
            if result.is_ok() {
                result = write_place(to, place, now);
            }
        })?;
        result?;
        if places.rest.blocks != 0 {
            let Sum { blocks, bytes } = places.rest;
            kwrite!(
                to,
                "{blocks:>10} {bytes:>14}  at more places than there is room for\n"
            )?;
        }
        Ok(())
    }
}

/// Writes the row of a place, and a line for each further frame of its stack.
fn write_place(to: &mut Paper, place: &Place, now: u64) -> Result {
    let Sum { blocks, bytes } = place.sum;
    let [oldest, newest] = [place.oldest, place.newest].map(|time| Age::new(now, time));
    kwrite!(to, "{blocks:>10} {bytes:>14} {oldest} {newest}  ")?;
    match place.tag {
        Some(tag) => kwrite!(to, "{tag}")?,
        None => to.write_str("-   ")?,
    }
    let memory = Text::<10>::of(&place.memory);
    kwrite!(to, " {memory:<10}")?;
    for (at, site) in place.stack.sites().enumerate() {
        if at == 0 {
            kwrite!(to, " {site}\n")?;
        } else if site.is_known() {
            kwrite!(to, "\t< {site}\n")?;
        }
    }
    Ok(())
}

/// How long ago something was: milliseconds, shown as seconds.
struct Age(u64);

impl Age {
    fn new(now: u64, then: u64) -> Self {
        Self(now.saturating_sub(then) / 1_000_000)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(f, "{:>8}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

struct Injected;

impl Table for Injected {
    fn head(file: &SeqFile) {
        let (attempts, injected) = fault_injection::counts();
        seq_print!(
            file,
            "injected - version: 1.0\n# attempts {attempts} injected {injected}\n\
             #number seconds bytes tag type pid task caller < ...\n"
        );
    }

    fn row(position: u64, line: &mut Row, _: &mut LastName) -> Option<u64> {
        INJECTIONS.lock().after(position, line)
    }
}
