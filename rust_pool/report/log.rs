// SPDX-License-Identifier: GPL-2.0

//! The newest violations, for debugfs.

use crate::{
    callers::call_site::CallSite,
    lib::{
        at_load::AtLoad,
        layout,
        text::{
            kwrite,
            module_of,
            Text, //
        }, //
    },
    report::violation::Violation,
    sys, //
};
use core::mem::{
    offset_of,
    size_of, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
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
    /// The module; empty for the one that `site` lies in.
    pub(crate) module: ModuleName,
    pub(crate) violation: Violation,
}

impl Entry {
    /// For the reader of a dump: the bytes of an entry, and where it has its fields; of its
    /// violation, that of [`Violation::LAYOUT`].
    pub(crate) const LAYOUT: [usize; 7] = [
        size_of::<Self>(),
        offset_of!(Self, number),
        offset_of!(Self, time),
        offset_of!(Self, site),
        offset_of!(Self, module) + ModuleName::LAYOUT[0],
        offset_of!(Self, module) + ModuleName::LAYOUT[1],
        offset_of!(Self, violation),
    ];
}

// So an entry that is there begins where its slot does, and one that is not has a value that no
// entry has.
const _: () = assert!(size_of::<Option<Entry>>() == size_of::<Entry>());

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
            let module = Some(self.module.as_str()).filter(|name| !name.is_empty());
            let module = module.or_else(of_site);
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
const KEPT: usize = 256;
/// Room is made for this many at a time: about a page.
const PART: usize = 16;
const PARTS: usize = KEPT / PART;

/// Room for entries, each in the slot of its number. It has no slots until they are needed.
struct Part(KVec<Option<Entry>>);

/// The index of the part for a number. Numbers that are [`KEPT`] apart share a slot.
fn part(number: u64) -> usize {
    // CAST: Below `PARTS`.
    (number / PART as u64 % PARTS as u64) as usize
}

impl Part {
    const fn none() -> Self {
        Self(KVec::new())
    }

    fn new(flags: kernel::alloc::Flags) -> Result<Self> {
        let mut slots = KVec::with_capacity(PART, flags)?;
        for _ in 0..PART {
            slots.push(None, flags)?;
        }
        Ok(Self(slots))
    }

    /// This part, with slots; `None` if there is no memory for them. Any context but NMI.
    fn made(&mut self) -> Option<&mut Self> {
        if self.0.is_empty() {
            *self = Self::new(GFP_ATOMIC | __GFP_NOWARN).ok()?;
        }
        Some(self)
    }

    fn slot(number: u64) -> usize {
        // CAST: Below `PART`.
        (number % PART as u64) as usize
    }

    fn get(&self, number: u64) -> Option<&Entry> {
        let entry = self.0.get(Self::slot(number))?.as_ref()?;
        (entry.number == number).then_some(entry)
    }

    fn put(&mut self, entry: Entry) {
        if let Some(slot) = self.0.get_mut(Self::slot(entry.number)) {
            // Numbers are given before the log is locked, so an older one may come later.
            if slot
                .as_ref()
                .is_none_or(|there| there.number < entry.number)
            {
                *slot = Some(entry);
            }
        }
    }
}

/// The newest violations. Most modules live without any, so room is made when one comes.
pub(crate) struct Log {
    parts: [Part; PARTS],
    /// For those that come when there is no memory to make room.
    spare: Part,
    newest: u64,
}

impl Log {
    /// For the reader of a dump: from the lock, where the log has its parts, the part for want of
    /// memory and its newest number; how many parts there are, and slots in each; and the bytes of
    /// a part, and where it has the address of its first slot.
    pub(crate) const LAYOUT: [usize; 7] = [
        layout::behind_lock::<Self>() + offset_of!(Self, parts),
        layout::behind_lock::<Self>() + offset_of!(Self, spare),
        layout::behind_lock::<Self>() + offset_of!(Self, newest),
        PARTS,
        PART,
        size_of::<Part>(),
        offset_of!(Part, 0) + layout::start_of_vec::<Option<Entry>>(),
    ];

    /// An empty log. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            parts: [const { Part::none() }; PARTS],
            spare: Part::new(GFP_KERNEL)?,
            newest: 0,
        })
    }

    /// Puts in a violation, in place of the oldest.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.newest = self.newest.max(entry.number);
        let part = self.parts.get_mut(part(entry.number));
        match part.and_then(Part::made) {
            Some(part) => part.put(entry),
            None => self.spare.put(entry),
        }
    }

    fn get(&self, number: u64) -> Option<&Entry> {
        let part = self.parts.get(part(number))?;
        part.get(number).or_else(|| self.spare.get(number))
    }

    /// Renders the first entry whose number is above `number`, and returns its number.
    pub(crate) fn after<const N: usize>(&self, number: u64, line: &mut Text<N>) -> Option<u64> {
        // CAST: Lossless.
        let oldest = self.newest.saturating_sub(KEPT as u64 - 1);
        let first = number.saturating_add(1).max(oldest);
        let entry = (first..=self.newest).find_map(|number| self.get(number))?;
        kwrite!(line, "{entry}").ok()?;
        Some(entry.number)
    }

    /// The call sites of the violations.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &CallSite> {
        let parts = Iterator::chain(self.parts.iter(), [&self.spare]);
        let entries = parts.flat_map(|part| part.0.iter().flatten());
        entries.map(|entry| &entry.site)
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

    fn entry(number: u64) -> Entry {
        Entry {
            number,
            time: 0,
            site: CallSite::new(0),
            module: ModuleName::empty(),
            violation: rule::WRONG_TAG.by(0, [number.into(); 3]),
        }
    }

    fn push(log: &mut Log, number: u64) {
        log.push(entry(number));
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
        let oldest = 600 - KEPT as u64 + 1;
        assert!(holds(&log, oldest..=600));
        // An entry that comes this late displaces none.
        push(&mut log, oldest - 1);
        assert!(holds(&log, oldest..=600));
        Ok(())
    }

    #[test]
    fn room_is_made_when_needed() -> Result {
        let mut log = Log::new()?;
        let made = |log: &Log| log.parts.iter().filter(|part| !part.0.is_empty()).count();
        assert!(made(&log) == 0);
        for number in 1..=16 {
            push(&mut log, number);
        }
        assert!(made(&log) == 2);
        Ok(())
    }

    #[test]
    fn without_memory_some_stay() -> Result {
        let mut log = Log::new()?;
        for number in 1..=40 {
            let entry = entry(number);
            log.newest = number;
            if number < 20 {
                log.push(entry);
            } else {
                log.spare.put(entry);
            }
        }
        assert!(holds(&log, Iterator::chain(1..=19, 25..=40)));
        Ok(())
    }
}
