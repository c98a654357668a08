// SPDX-License-Identifier: GPL-2.0

//! The verifier's files in debugfs.

use super::{
    check,
    faults,
    kept,
    options,
    special,
    tracking, //
};
use crate::{
    seq::{
        Control,
        Directory,
        Table, //
    },
    state,
    sys,
    tag::Tag,
    text::{
        kwrite,
        Line,
        Text, //
    }, //
};
use kernel::{
    fmt,
    prelude::*,
    seq_file::SeqFile,
    seq_print, //
};

/// What the first line of the file of the options begins with.
pub(crate) const HEAD: &str = "verifier - version:";

/// Makes the files. Sleeps.
pub(crate) fn create(dir: &Directory) {
    dir.control::<Options>(c"verifier");
    dir.file::<Live>(c"live");
    dir.file::<Injected>(c"injected");
}

/// Shows a tag, or a dash for memory without one.
pub(crate) fn tag(f: &mut impl fmt::Write, tag: Option<Tag>) -> fmt::Result {
    match tag {
        Some(tag) => kwrite!(f, "{tag}"),
        None => f.write_str("-"),
    }
}

struct Options;

impl Table for Options {
    fn head(file: &SeqFile) {
        let (attempts, injected) = faults::counts();
        let (live, missed) = tracking::counts();
        let (served, unserved) = special::counts();
        seq_print!(
            file,
            "{HEAD} 1.1\n# on {} tracked {live} untracked {missed} attempts {attempts} injected {injected} \
             special {served} unserved {unserved} held {} kept {}\n\
             #option\n",
            u32::from(super::on()),
            check::count(),
            kept::count()
        );
    }

    fn row(position: u64, line: &mut Line) -> Option<u64> {
        let at = usize::try_from(position).ok()?;
        let next = state::get().verifier.lock().show(at, line)?;
        u64::try_from(next).ok()
    }
}

impl Control for Options {
    fn write(text: &[u8]) -> Result {
        options::set(text)
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

    fn row(position: u64, line: &mut Line) -> Option<u64> {
        let state = state::get();
        let now = sys::uptime();
        // Copied, for the records' locks are leaves as well.
        let listed = state.verifier.lock().listed();
        let next = state.records.next(position, |record| {
            if listed.is_some_and(|tags| !tags.matches(record.tag)) {
                return None;
            }
            let age = now.saturating_sub(record.time) / 1_000_000;
            tag(line, record.tag).ok()?;
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

struct Injected;

impl Table for Injected {
    fn head(file: &SeqFile) {
        let (attempts, injected) = faults::counts();
        seq_print!(
            file,
            "injected - version: 1.0\n# attempts {attempts} injected {injected}\n\
             #number seconds bytes tag type pid task caller < ...\n"
        );
    }

    fn row(position: u64, line: &mut Line) -> Option<u64> {
        state::get().injected.lock().after(position, line)
    }
}
