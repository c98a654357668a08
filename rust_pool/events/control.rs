// SPDX-License-Identifier: GPL-2.0

//! Sets the verifier's options, makes and drops what they need, and switches the verifier on and
//! off.

use crate::{
    lib::at_load::AtLoad,
    lookaside,
    options::{
        parse::{
            self,
            Draft, //
        },
        policy::{
            self,
            Stop,
            Tolerance, //
        },
        selection::{
            self,
            Patterns, //
        },
        Line,
        Shown,
        Word,
        OPTIONS,
        TASKS, //
    },
    pool::{
        quarantine,
        red_zone,
        special, //
    },
    sys,
    verifier::{
        freed,
        quarantine_set,
        tracking, //
    }, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};

/// Held while the verifier is switched on or off. May sleep.
pub(crate) static SWITCHING: AtLoad<Mutex<()>> =
    AtLoad::new(|| KBox::pin_init(new_mutex!((), "rust_pool::verifier_switch"), GFP_KERNEL));

/// Applies a text of options, all of it or nothing. Sleeps.
pub(crate) fn set(text: &[u8]) -> Result {
    let text = core::str::from_utf8(text).map_err(|_| {
        pr_err!("verifier: the options are not text: write a line for each\n");
        EINVAL
    })?;
    let pid = sys::current_task().map_or(0, |(pid, _)| pid);
    let _one_at_a_time = SWITCHING.lock();
    let before = OPTIONS.lock().lines();
    let before = before.as_deref().map_or(&[][..], KVec::as_slice);
    let draft = Draft::of(before)?;
    let change = parse::text(text, sys::uptime(), draft).map_err(|bad| {
        pr_err!("verifier: {bad}\n");
        bad.error()
    })?;
    // `put()` will find room as well: until then, other tasks can only free places.
    let tasks = OPTIONS.lock().tasks_after(change.tasks, pid);
    tasks.inspect_err(|_| {
        pr_err!(
            "verifier: {TASKS} tasks wait for their n-th request already: write \"off fail\" first\n"
        );
    })?;
    let set = make_room(&change).and_then(|()| put(change, pid));
    // If that failed, drop what `make_room()` made.
    update();
    set
}

/// Allocates what the changed options need. Sleeps; the caller holds `SWITCHING`.
fn make_room(change: &Draft) -> Result {
    let has = |word| change.lines().any(|line| line.word() == word);
    if has(Word::Tracking) || has(Word::Check) {
        freed::open().inspect_err(|_| pr_err!("verifier: no memory for tracking: try later\n"))?;
    }
    if has(Word::Tracking) || has(Word::Check) || has(Word::Special) {
        // Without room stacks are the same, but take longer.
        let _ = sys::code::open();
    }
    if has(Word::Check) {
        red_zone::open().inspect_err(|_| pr_err!("verifier: no memory for check: try later\n"))?;
    }
    if change.lines().any(|line| *line == Line::Quarantine) {
        quarantine::open()
            .inspect_err(|_| pr_err!("verifier: no memory for policy: try later\n"))?;
    }
    // This comes last: it may free the present area of special pool, and then fail.
    if has(Word::Special) {
        special::open(change.slots())?;
    }
    Ok(())
}

/// Puts changed options in force. Sleeps; the caller holds `SWITCHING`.
fn put(change: Draft, pid: u32) -> Result {
    let stop = change
        .lines()
        .filter_map(|line| match line {
            Line::Panic(Patterns::All) => Some(Stop::All),
            Line::Panic(_) => Some(Stop::SomeModules),
            _ => None,
        })
        .max()
        .unwrap_or(Stop::Never);
    let quarantines = change.lines().any(|line| *line == Line::Quarantine);
    let tolerance = Tolerance::of(change.lines().filter_map(|line| match line {
        Line::Tolerate(what) => Some(*what),
        _ => None,
    }));
    let by_module = change.lines().any(Line::by_module);
    let tasks = change.tasks;
    let shown = Shown::of(change.lines())?;
    let lines = Arc::new(change.into_lines(), GFP_KERNEL)?;
    let mut options = OPTIONS.lock();
    options.tasks = options.tasks_after(tasks, pid)?;
    let old = options.replace(lines, shown);
    selection::set_by_module(by_module);
    quarantine_set::set(quarantines);
    policy::set(stop);
    policy::tolerate(tolerance);
    drop(options);
    drop(old);
    Ok(())
}

/// Turns the static key on or off, as the options need it, and frees what they do not need. Sleeps;
/// the caller holds `SWITCHING`.
///
/// The key stays on as long as there is a record of a block of the Rust API: without it, the free
/// of such a block does not remove the record.
pub(crate) fn update() {
    let (wanted, special, check, records) = {
        let options = OPTIONS.lock();
        let wanted = options.any() || tracking::has_unmarked();
        (
            wanted,
            options.has_word(Word::Special),
            options.has_word(Word::Check),
            options.records_any(),
        )
    };
    sys::verify(wanted);
    lookaside::verify(wanted);
    if !special {
        special::close();
    }
    if !check {
        red_zone::close();
    }
    if !records {
        freed::close();
    }
    if !records && !special {
        sys::code::close();
    }
}

/// The verifier's deferred work.
pub(crate) fn deferred() {
    let _one_at_a_time = SWITCHING.lock();
    special::flush();
    update();
}
