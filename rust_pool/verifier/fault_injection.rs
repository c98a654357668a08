// SPDX-License-Identifier: GPL-2.0

//! Requests that fail on purpose.
//!
//! WDK: "Low Resources Simulation", `!verifier 4`.

use crate::{
    callers::{
        call_site::CallSite,
        stack::Stack, //
    },
    lib::{
        at_load::AtLoad,
        text::{
            kwrite,
            Line, //
        }, //
    },
    options::{
        selection::Who,
        Comm,
        Word,
        OPTIONS, //
    },
    sys,
    types::{
        memory_type::MemoryType,
        tag::{
            self,
            Tag, //
        }, //
    }, //
};
use kernel::{
    fmt,
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        SpinLockIrq, //
    }, //
};

/// How many failed requests are kept.
const KEPT: usize = 32;

static ATTEMPTS: Atomic<u64> = Atomic::new(0);
static INJECTED: Atomic<u64> = Atomic::new(0);

/// A request that failed on purpose.
struct Injection {
    number: u64,
    /// The time by the clock of the kernel log, in nanoseconds.
    time: u64,
    bytes: usize,
    tag: Option<Tag>,
    memory: MemoryType,
    pid: u32,
    comm: Comm,
    stack: Stack,
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time / 1_000_000_000;
        let micros = self.time / 1000 % 1_000_000;
        kwrite!(f, "{} {seconds}.{micros:06} {} ", self.number, self.bytes)?;
        tag::write_or_dash(f, self.tag)?;
        let Self {
            memory,
            pid,
            comm,
            stack,
            ..
        } = self;
        kwrite!(f, " {memory} {pid} {comm} {stack}")
    }
}

/// The newest requests that failed on purpose.
pub(crate) struct Injections([Option<KBox<Injection>>; KEPT]);

impl Injections {
    /// No requests.
    pub(crate) const fn new() -> Self {
        Self([const { None }; KEPT])
    }

    /// Renders the first one whose number is above `number`, and returns its number.
    pub(crate) fn after(&self, number: u64, line: &mut Line) -> Option<u64> {
        let all = self.0.iter().flatten();
        let next = all
            .filter(|injection| injection.number > number)
            .min_by_key(|injection| injection.number)?;
        kwrite!(line, "{}", **next).ok()?;
        Some(next.number)
    }

    /// Their call sites.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &CallSite> {
        self.0.iter().flatten().flat_map(|it| it.stack.sites())
    }
}

/// The newest requests that failed on purpose.
pub(crate) static INJECTIONS: AtLoad<SpinLockIrq<Injections>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(Injections::new(), "rust_pool::injected"),
        GFP_KERNEL,
    )
});

/// Whether to make a valid request fail. Any context but NMI.
pub(crate) fn refuse(memory: MemoryType, tag: Option<Tag>, bytes: usize, caller: usize) -> bool {
    if !Word::Fail.is_on() {
        return false;
    }
    let task = sys::current_task();
    let task = task.and_then(|(pid, name)| Some((pid, Comm::until_nul(&name)?)));
    let (pid, comm) = task.unwrap_or((0, Comm::empty()));
    let who = Who::of(caller);
    {
        let mut options = OPTIONS.lock();
        if !options.fails() {
            return false;
        }
        ATTEMPTS.add(1, Relaxed);
        let mut own = options
            .tasks
            .iter_mut()
            .flatten()
            .filter(|nth| pid != 0 && nth.pid == pid);
        let nth = own.next().is_some_and(|nth| nth.strikes());
        let chance = options.chances().any(|chance| {
            chance.selection.has(tag, &who)
                && chance.comm.as_ref().is_none_or(|name| *name == comm)
                && sys::uptime() >= chance.from
                && sys::random() % 10_000 < chance.probability.into()
        });
        if !nth && !chance {
            return false;
        }
    }
    let number = INJECTED.fetch_add(1, Relaxed).wrapping_add(1);
    let injection = Injection {
        number,
        time: sys::log_time(),
        bytes,
        tag,
        memory,
        pid,
        comm,
        stack: Stack::capture(caller),
    };
    // Without memory, the request is only counted.
    if let Ok(injection) = KBox::new(injection, GFP_ATOMIC | kernel::alloc::flags::__GFP_NOWARN) {
        let place = number as usize % KEPT;
        let mut injections = INJECTIONS.lock();
        let old = injections
            .0
            .get_mut(place)
            .and_then(|place| place.replace(injection));
        drop(injections);
        drop(old);
    }
    true
}

/// Requests seen while a line of `fail` was in force, and those that failed.
pub(crate) fn counts() -> (u64, u64) {
    (ATTEMPTS.load(Relaxed), INJECTED.load(Relaxed))
}
