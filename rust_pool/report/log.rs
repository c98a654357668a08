// SPDX-License-Identifier: GPL-2.0

//! The newest violations, for debugfs.

use crate::{
    callers::call_site::CallSite,
    lib::{
        at_load::AtLoad,
        text::{
            kwrite,
            module_of,
            Text, //
        }, //
    },
    report::violation::Violation,
    sys, //
};
use kernel::{
    fmt,
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

/// The name of a module.
// CAST: Lossless.
pub(crate) type ModuleName = Text<{ sys::raw::RUST_POOL_MODULE_NAME_LEN as usize }>;

/// A violation in the ring.
pub(crate) struct Entry {
    pub(crate) number: u64,
    /// The time by the clock of the kernel log, in nanoseconds.
    pub(crate) time: u64,
    pub(crate) site: CallSite,
    /// The module; `None` for the one that `site` lies in.
    pub(crate) module: Option<ModuleName>,
    pub(crate) violation: Violation,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time / 1_000_000_000;
        let micros = self.time / 1000 % 1_000_000;
        let [first, second, third, fourth] = &self.violation.parameters;
        // CAST: The discriminant is the code.
        let code = self.violation.check as u32;
        kwrite!(
            f,
            "{} {seconds}.{micros:06} {code:#x} {first} {second} {third} {fourth} ",
            self.number
        )?;
        self.site.with_name(|name| {
            let of_site = || name.map(|name| module_of(name).unwrap_or("vmlinux"));
            let module = self.module.as_ref().map(Text::as_str).or_else(of_site);
            f.write_str(module.unwrap_or("-"))?;
            match self.violation.tag {
                Some(tag) => kwrite!(f, " {}", tag.word())?,
                None => f.write_str(" -")?,
            }
            kwrite!(f, " {} {}", name.unwrap_or("unknown"), self.violation.what)
        })
    }
}

/// How many violations are kept.
const KEPT: u64 = 256;

/// The newest violations. The slot of each follows from its number.
pub(crate) struct Log {
    entries: KVVec<Option<Entry>>,
    newest: u64,
}

/// The slot of a violation.
fn slot(number: u64) -> usize {
    // CAST: It is below `KEPT`.
    (number % KEPT) as usize
}

impl Log {
    /// An empty log, with room for all its entries. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        // CAST: Lossless on the architectures supported.
        let mut entries = KVVec::with_capacity(KEPT as usize, GFP_KERNEL)?;
        for _ in 0..KEPT {
            entries.push(None, GFP_KERNEL)?;
        }
        Ok(Self { entries, newest: 0 })
    }

    /// Puts in a violation, in place of the oldest.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.newest = self.newest.max(entry.number);
        if let Some(slot) = self.entries.get_mut(slot(entry.number)) {
            // A violation gets its number before it locks the log, so an older one may come later.
            if slot
                .as_ref()
                .is_none_or(|there| there.number < entry.number)
            {
                *slot = Some(entry);
            }
        }
    }

    /// Renders the first entry whose number is above `number`, and returns its number.
    pub(crate) fn after<const N: usize>(&self, number: u64, line: &mut Text<N>) -> Option<u64> {
        let oldest = self.newest.saturating_sub(KEPT - 1);
        let first = number.saturating_add(1).max(oldest);
        let entry = (first..=self.newest).find_map(|number| {
            let entry = self.entries.get(slot(number))?.as_ref()?;
            (entry.number == number).then_some(entry)
        })?;
        kwrite!(line, "{entry}").ok()?;
        Some(entry.number)
    }

    /// The call sites of the violations.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &CallSite> {
        self.entries.iter().flatten().map(|entry| &entry.site)
    }
}

/// The newest violations of the module.
pub(crate) static LOG: AtLoad<SpinLockIrq<Log>> = AtLoad::new(|| {
    let log = Log::new()?;
    KBox::pin_init(new_spinlock_irq!(log, "rust_pool::violations"), GFP_KERNEL)
});

#[kernel::macros::kunit_tests(rust_pool_violation_log)]
mod tests {
    use super::*;
    use crate::report::rule;

    fn push(log: &mut Log, number: u64) {
        log.push(Entry {
            number,
            time: 0,
            site: CallSite::new(0),
            module: None,
            violation: rule::WRONG_TAG.by(0, [number.into(); 3]),
        });
    }

    /// Whether these are the numbers in it, in this order.
    fn holds(log: &Log, numbers: impl IntoIterator<Item = u64>) -> bool {
        let mut line = Text::<256>::empty();
        let mut last = 0;
        for number in numbers {
            line.clear();
            if log.after(last, &mut line) != Some(number) {
                return false;
            }
            last = number;
        }
        log.after(last, &mut line).is_none()
    }

    #[test]
    fn empty_at_first() -> Result {
        assert!(holds(&Log::new()?, []));
        Ok(())
    }

    #[test]
    fn by_number_however_they_come() -> Result {
        let mut log = Log::new()?;
        for number in [2, 1, 4] {
            push(&mut log, number);
        }
        assert!(holds(&log, [1, 2, 4]));
        Ok(())
    }

    #[test]
    fn the_newest_stay() -> Result {
        let mut log = Log::new()?;
        for number in 1..=600 {
            push(&mut log, number);
        }
        assert!(holds(&log, 600 - KEPT + 1..=600));
        // One that comes this late displaces none.
        push(&mut log, 600 - KEPT);
        assert!(holds(&log, 600 - KEPT + 1..=600));
        Ok(())
    }
}
