// SPDX-License-Identifier: GPL-2.0

//! Reports violations.
//!
//! Every violation is counted, kept in a ring for debugfs and, within a rate limit, written to the
//! log. With the module parameter `panic_on_violation`, or the verifier's policy, the first one
//! stops the machine.

pub(crate) mod files;
pub(crate) mod log;
pub(crate) mod rule;
pub(crate) mod violation;

use crate::{
    callers::call_site::{
        self,
        CallSite, //
    },
    lib::text::{
        module_of,
        Symbol,
        Text, //
    },
    options::{
        policy::{
            self,
            panics_by_parameter, //
        },
        selection::Who,
        OPTIONS, //
    },
    report::{
        log::{
            Entry,
            ModuleName,
            LOG, //
        },
        violation::{
            Parameter,
            Violation, //
        }, //
    },
    sys,
    trace, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

static REPORTED: Atomic<u64> = Atomic::new(0);
/// Where the reader of a dump finds it.
pub(crate) const REPORTED_PLACE: *const Atomic<u64> = &raw const REPORTED;

/// Violations since the module was loaded.
pub(crate) fn reported() -> u64 {
    REPORTED.load(Relaxed)
}

impl Violation {
    /// Reports it. Any context.
    pub(crate) fn report(self) {
        self.report_with(|| ());
    }

    /// Like [`Self::report`]. If the violation is logged, `tell` prints more lines.
    pub(crate) fn report_with(self, tell: impl FnOnce()) {
        self.report_to(sys::may_log, tell);
    }

    /// Like [`Self::report_with`], but ignores the rate limit of the log.
    pub(crate) fn report_always_with(self, tell: impl FnOnce()) {
        self.report_to(|| true, tell);
    }

    /// Puts it into the file of violations only, not into the log. `module` is the module that did
    /// it; `None` for the one that `site` lies in. Any context but NMI.
    pub(crate) fn list(self, module: Option<&str>, site: CallSite) {
        push(self, &site, module.and_then(Text::exact));
    }

    fn report_to(mut self, may_log: impl FnOnce() -> bool, tell: impl FnOnce()) {
        self.caller = call_site::driver(self.caller);
        push(self, &CallSite::new(self.caller), None);
        self.log(may_log, || Who::of(self.caller), tell);
    }

    /// Reports it as the violation of `module`, which may be unknown, and ignores the rate limit of
    /// the log. Any context but NMI.
    pub(crate) fn report_of(self, module: Option<&str>, tell: impl FnOnce()) {
        push(
            self,
            &CallSite::new(self.caller),
            module.and_then(Text::exact),
        );
        let who = || module.map_or(Who::UNKNOWN, Who::named);
        self.log(|| true, who, tell);
    }

    /// Reports it as the violation of whoever made a call at `site` earlier: the present caller has
    /// only found it. Any context but NMI.
    pub(crate) fn report_of_site(self, site: &CallSite, tell: impl FnOnce()) {
        let finder = self.caller;
        let blamed = Self { caller: 0, ..self };
        push(blamed, site, None);
        let tell = || {
            tell();
            pr_err!("  found at {}, which is not to blame\n", Symbol(finder));
        };
        blamed.log(sys::may_log, || Who::of_site(site), tell);
    }

    /// Reports it as the violation of whoever made a call at `site` earlier, which is carried out
    /// only now: the caller's module may have been unloaded. Any context but NMI.
    pub(crate) fn report_late(self, site: &CallSite) {
        let site = site.copy();
        let caller = site.address();
        if caller != 0 {
            return Self { caller, ..self }.report();
        }
        push(self, &site, None);
        let tell = || pr_err!("  called from {site}\n");
        self.log(sys::may_log, || Who::of_site(&site), tell);
    }

    fn log(self, may_log: impl FnOnce() -> bool, who: impl FnOnce() -> Who, tell: impl FnOnce()) {
        let stop = if panics_by_parameter() {
            Some(c"panic_on_violation is set")
        } else if policy_stops(who) {
            Some(c"policy panic is set")
        } else {
            None
        };
        if stop.is_some() || may_log() {
            say_left_out();
            pr_err!("{self}\n");
            tell();
        }
        if let Some(why) = stop {
            sys::panic(why);
        }
    }
}

/// Counts a violation and puts it into the file of violations. In NMI, where no lock may be taken,
/// it only counts it.
fn push(violation: Violation, site: &CallSite, module: Option<ModuleName>) {
    let number = REPORTED.fetch_add(1, Relaxed).wrapping_add(1);
    if trace::violations() {
        tell_tracers(&violation, site, module.as_ref());
    }
    if !sys::irql().is_nmi() {
        LOG.lock().push(Entry {
            number,
            time: sys::log_time(),
            // Under the lock: if the name of the original is kept, that of the copy is, too.
            site: site.copy(),
            module: module.unwrap_or(ModuleName::empty()),
            violation,
        });
    }
}

/// Tells tracers of a violation. Any context.
#[cold]
fn tell_tracers(violation: &Violation, site: &CallSite, module: Option<&ModuleName>) {
    site.with_name(|name| {
        let of_site = name.map(|name| module_of(name).unwrap_or("vmlinux"));
        let module = module.map(Text::as_str).or(of_site).unwrap_or("-");
        let event = trace::Violation {
            // CAST: The discriminant is the code.
            code: violation.check as u32,
            parameters: violation.parameters.map(Parameter::shown),
            tag: violation.tag,
            module,
            addr: violation
                .parameters
                .iter()
                .find_map(Parameter::address)
                .unwrap_or(0),
            caller: violation.caller,
        };
        event.tell();
    });
}

/// Logs how many violations the rate limit kept out of the log since the last call.
pub(crate) fn say_left_out() {
    match sys::left_out() {
        0 => (),
        1 => pr_err!(
            "1 violation before this line was not logged: the log takes ten in five seconds\n"
        ),
        count => pr_err!(
            "{count} violations before this line were not logged: the log takes ten in five seconds\n"
        ),
    }
}

/// Whether the verifier's policy stops the machine for a violation of this module.
fn policy_stops(who: impl FnOnce() -> Who) -> bool {
    // In NMI no lock may be taken, so no module is looked up.
    policy::stops(|| {
        !sys::irql().is_nmi() && {
            let who = who();
            OPTIONS.lock().stops(&who)
        }
    })
}
