// SPDX-License-Identifier: GPL-2.0

//! The language of the options: one a line, or between semicolons.
//!
//! ```text
//! tracking tag=Ring*
//! check tag=Ring*
//! special end tag=Ring* size=1..4096 slots=1024
//! policy quarantine
//! fail probability=600 tag=* delay=0 comm=insmod
//! fail nth=3
//! dma
//! irql
//! off
//! ```

use super::{
    options::{
        Chance,
        Comm,
        Policy, //
    },
    rules::Rules,
    special::{
        self,
        Choice, //
    },
    tag_pattern::TagPattern, //
};
use crate::{
    sys::PAGE_SIZE,
    text::kwrite, //
};
use kernel::fmt;

/// What a text asks for; later lines win.
#[derive(Default)]
pub(crate) struct Change {
    /// Whether all that was set before is void.
    pub(crate) off: bool,
    pub(crate) tracking: Option<TagPattern>,
    pub(crate) policy: Option<Policy>,
    pub(crate) check: Option<TagPattern>,
    pub(crate) special: Option<Choice>,
    pub(crate) chance: Option<Chance>,
    pub(crate) nth: Option<u64>,
    pub(crate) rules: Rules,
}

/// A line that is wrong.
pub(crate) struct Bad<'a> {
    line: &'a str,
    what: &'static str,
    right: &'static str,
}

impl fmt::Display for Bad<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, what, right } = self;
        kwrite!(f, "\"{line}\": {what}; right would be: {right}")
    }
}

const TRACKING: &str = "tracking tag=PATTERN";
const CHECK: &str = "check tag=PATTERN";
const POLICY: &str = "policy log|quarantine|panic";
const SPECIAL: &str =
    "special [end|start] [tag=PATTERN] [size=MIN..MAX, 1..4096 at most] [slots=16..65536]";
const CHANCE: &str = "fail probability=1..10000 [tag=PATTERN] [delay=SECONDS] [comm=NAME]";
const NTH: &str = "fail nth=N, from 1 on";
const ALL: &str = "one of tracking, check, special, policy, fail, dma, irql, off";

/// What is wrong, and what would be right.
type Wrong = (&'static str, &'static str);

/// Words of the form `key=value`.
struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        let mut pairs = self
            .0
            .split_ascii_whitespace()
            .filter_map(|word| word.split_once('='));
        pairs.find(|&(name, _)| name == key).map(|(_, value)| value)
    }

    fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Whether there is nothing but these keys, each once.
    fn only(&self, keys: &[&str], right: &'static str) -> Result<(), Wrong> {
        for (at, word) in self.0.split_ascii_whitespace().enumerate() {
            let Some((name, _)) = word.split_once('=') else {
                return Err(("a word without \"=\"", right));
            };
            if !keys.contains(&name) {
                return Err(("a name that this option does not have", right));
            }
            let mut before = self.0.split_ascii_whitespace().take(at);
            if before.any(|word| word.split_once('=').is_some_and(|(other, _)| other == name)) {
                return Err(("a name twice", right));
            }
        }
        Ok(())
    }

    fn pattern(&self, right: &'static str) -> Result<Option<TagPattern>, Wrong> {
        let Some(word) = self.get("tag") else {
            return Ok(None);
        };
        let bad = (
            "a pattern has 1 to 8 characters, \"*\" and \"?\" among them",
            right,
        );
        TagPattern::new(word).map(Some).ok_or(bad)
    }

    fn number(&self, key: &str, right: &'static str) -> Result<Option<u32>, Wrong> {
        let Some(word) = self.get(key) else {
            return Ok(None);
        };
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        let number = word.parse().ok().filter(|_| digits);
        number
            .map(Some)
            .ok_or(("not a number, or too large", right))
    }
}

/// A range of sizes; one number is a range of itself.
fn range(word: &str) -> Option<(u32, u32)> {
    let number = |word: &str| {
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        word.parse().ok().filter(|_| digits)
    };
    let (min, max) = word.split_once("..").unwrap_or((word, word));
    Some((number(min)?, number(max)?))
}

fn special(rest: &str) -> Result<Choice, Wrong> {
    let rest = rest.trim_ascii_start();
    let (side, others) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    let (start, rest) = match side {
        "start" => (true, others),
        "end" => (false, others),
        _ => (false, rest),
    };
    let fields = Fields(rest);
    fields.only(&["tag", "size", "slots"], SPECIAL)?;
    let page = u32::try_from(PAGE_SIZE).unwrap_or(u32::MAX);
    let (min, max) = match fields.get("size") {
        None => (1, page),
        Some(word) => range(word)
            .filter(|&(min, max)| 0 < min && min <= max && max <= page)
            .ok_or(("not a range of sizes up to a page", SPECIAL))?,
    };
    let slots = fields.number("slots", SPECIAL)?.unwrap_or(special::SLOTS);
    if !(special::FEWEST..=special::MOST).contains(&slots) {
        return Err(("too few slots, or too many", SPECIAL));
    }
    Ok(Choice {
        start,
        tag: fields.pattern(SPECIAL)?.unwrap_or(TagPattern::ALL),
        min,
        max,
        slots,
    })
}

fn chance(fields: &Fields<'_>, now: u64) -> Result<Chance, Wrong> {
    fields.only(&["probability", "tag", "delay", "comm"], CHANCE)?;
    let probability = fields.number("probability", CHANCE)?;
    let Some(probability @ 1..=10_000) = probability else {
        return Err(("no probability from 1 to 10000", CHANCE));
    };
    let comm = match fields.get("comm") {
        None => None,
        Some(name) => Some(
            Comm::exact(name)
                .filter(|_| (1..16).contains(&name.len()))
                .ok_or(("a task's name has 1 to 15 characters", CHANCE))?,
        ),
    };
    let tag = match fields.pattern(CHANCE)? {
        Some(tag) => tag,
        None => TagPattern::ALL,
    };
    let delay = fields.number("delay", CHANCE)?.unwrap_or(0);
    Ok(Chance {
        probability,
        tag,
        comm,
        delay,
        from: now.saturating_add(u64::from(delay) * 1_000_000_000),
    })
}

fn line(line: &str, change: &mut Change, now: u64) -> Result<(), Wrong> {
    let (option, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let fields = Fields(rest);
    match option {
        "off" => {
            fields.only(&[], "off")?;
            *change = Change {
                off: true,
                ..Change::default()
            };
        }
        "tracking" => {
            fields.only(&["tag"], TRACKING)?;
            let pattern = fields.pattern(TRACKING)?;
            change.tracking = Some(pattern.ok_or(("no tag", TRACKING))?);
        }
        "check" => {
            fields.only(&["tag"], CHECK)?;
            change.check = Some(fields.pattern(CHECK)?.ok_or(("no tag", CHECK))?);
        }
        "policy" => {
            change.policy = Some(match rest.trim() {
                "log" => Policy::Log,
                "quarantine" => Policy::Quarantine,
                "panic" => Policy::Panic,
                _ => return Err(("no policy", POLICY)),
            });
        }
        "special" => change.special = Some(special(rest)?),
        "fail" if fields.has("nth") => {
            fields.only(&["nth"], NTH)?;
            let number = fields.number("nth", NTH)?.filter(|&number| number != 0);
            change.nth = Some(
                number
                    .ok_or(("there is none before the first", NTH))?
                    .into(),
            );
        }
        "fail" => change.chance = Some(chance(&fields, now)?),
        word => match Rules::named(word) {
            Some(rule) => {
                fields.only(&[], "the word alone")?;
                change.rules = change.rules.and(rule);
            }
            None => return Err(("no option", ALL)),
        },
    }
    Ok(())
}

/// Reads a text. What the file of the options shows is one: its head and its remarks are skipped.
pub(crate) fn text(text: &str, now: u64) -> Result<Change, Bad<'_>> {
    let mut change = Change::default();
    for whole in text.split(['\n', ';']) {
        let told = whole
            .split_once(" # ")
            .map_or(whole, |(told, _)| told)
            .trim();
        if told.is_empty() || told.starts_with('#') || told.starts_with(super::files::HEAD) {
            continue;
        }
        line(told, &mut change, now).map_err(|(what, right)| Bad {
            line: told,
            what,
            right,
        })?;
    }
    Ok(change)
}

#[kernel::macros::kunit_tests(rust_pool_verifier_parse)]
mod tests {
    use super::*;

    type Line = crate::text::Text<128>;

    fn is_bad(it: &str) -> bool {
        text(it, 0).is_err()
    }

    #[test]
    fn options_are_read() {
        let change = text(
            "tracking tag=Ring*\nfail probability=600 tag=A? delay=2 comm=sh",
            5,
        );
        let Ok(change) = change else {
            assert!(false);
            return;
        };
        assert!(!change.off && change.nth.is_none() && change.tracking.is_some());
        let shown = change.chance.map(|chance| Line::of(&chance));
        let want = "fail probability=600 tag=A? delay=2 comm=sh";
        assert!(shown.is_some_and(|shown| shown.as_str() == want));
        assert!(change
            .chance
            .is_some_and(|chance| chance.from == 2_000_000_005));
    }

    #[test]
    fn special_pool_is_read() {
        for (told, want) in [
            ("special", "special end tag=* size=1..4096 slots=1024"),
            (
                "special start",
                "special start tag=* size=1..4096 slots=1024",
            ),
            (
                "special tag=A size=3 slots=16",
                "special end tag=A size=3..3 slots=16",
            ),
            (
                "special end size=7..70",
                "special end tag=* size=7..70 slots=1024",
            ),
        ] {
            let shown = text(told, 0).ok().and_then(|change| change.special);
            assert!(shown.is_some_and(|it| Line::of(&it).as_str() == want));
        }
    }

    #[test]
    fn later_lines_win() {
        let change = text("tracking tag=A;off;fail nth=7 # pid 3, struck\n\n# no\n", 0);
        assert!(change.is_ok_and(|change| {
            change.off && change.tracking.is_none() && change.nth == Some(7)
        }));
    }

    #[test]
    fn bad_lines_are_refused() {
        for bad in [
            "on",
            "tracking",
            "tracking tag=",
            "tracking tag=123456789",
            "tracking A",
            "tracking tag=A tag=B",
            "tracking tag=A size=1",
            "check",
            "check A",
            "check tag=A size=1",
            "policy",
            "policy none",
            "special middle",
            "special tag=",
            "special size=0..4",
            "special size=5..4",
            "special size=1..4097",
            "special size=..4",
            "special slots=15",
            "special slots=65537",
            "special end start",
            "fail",
            "fail probability=0",
            "fail probability=10001",
            "fail probability=x",
            "fail probability=+1",
            "fail probability=1 delay=-1",
            "fail probability=1 comm=",
            "fail nth=0",
            "fail nth=1 tag=*",
            "fail probability=1 comm=0123456789abcdef",
            "off now",
            "fail nth=4294967296",
            "offf",
            "dma tag=*",
            "irql 1",
            "dma,irql",
        ] {
            assert!(is_bad(bad));
        }
    }
}
