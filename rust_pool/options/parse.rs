// SPDX-License-Identifier: GPL-2.0

//! Parses options. Each is a line; a semicolon ends a line as well.
//!
//! ```text
//! tracking tag=Ring*,Name module=ring_driver
//! check tag=Ring*
//! special end tag=Ring* size=1..4096 slots=1024
//! policy quarantine
//! policy panic module=ring_driver
//! policy free-wrong-tag
//! fail probability=600 tag=* delay=0 comm=insmod
//! fail nth=3
//! dma
//! irql
//! off tracking tag=Ring*,Name module=ring_driver
//! off special
//! off
//! ```

use crate::{
    lib::text::{
        kwrite,
        width, //
    },
    options::{
        self,
        policy::Tolerated,
        rules::Rule,
        selection::{
            BadPattern,
            Patterns,
            Selection, //
        },
        Chance,
        Choice,
        Comm,
        Line,
        Lines,
        Side,
        TaskChange,
        Word,
        PID, //
    },
    sys::PAGE_SIZE, //
};
use kernel::{
    alloc::AllocError,
    fmt,
    prelude::*,
    sync::Arc, //
};

/// The beginning of the first line of the file `verifier`.
pub(crate) const HEAD: &str = "verifier - version:";

/// The most bytes of all lines together, as they are shown. With its head and the lines of `fail
/// nth=`, the file `verifier` then fits into one write, by which a user can restore the options.
const LONGEST: usize = 2560;

/// Options that are being changed.
pub(crate) struct Draft {
    /// The lines, in the order of their words. None is there twice, and all have one number of
    /// slots.
    lines: Lines,
    pub(crate) tasks: TaskChange,
    /// Whether this text has named a policy.
    policy: bool,
}

impl Draft {
    /// A copy of lines.
    pub(crate) fn of(lines: &[Arc<Line>]) -> Result<Self> {
        let mut copy = KVec::with_capacity(lines.len(), GFP_KERNEL)?;
        for line in lines {
            copy.push(line.clone(), GFP_KERNEL)?;
        }
        Ok(Self {
            lines: copy,
            tasks: TaskChange::default(),
            policy: false,
        })
    }

    /// The lines.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().map(|line| &**line)
    }

    /// The lines, to keep.
    pub(crate) fn into_lines(self) -> Lines {
        self.lines
    }

    /// The number of slots, if a line has it.
    fn said_slots(&self) -> Option<u32> {
        self.lines().find_map(|line| match line {
            Line::Special(choice) => choice.slots,
            _ => None,
        })
    }

    /// How many blocks special pool has room for.
    pub(crate) fn slots(&self) -> u32 {
        self.said_slots().unwrap_or(options::SLOTS)
    }

    /// Adds a line. If it exists already, the new one takes its place, so a delay begins anew.
    fn add(&mut self, mut line: Line) -> Result<(), Wrong<'static>> {
        if let Line::Special(choice) = &mut line {
            let slots = self.said_slots();
            if slots.is_some() && choice.slots.is_some() && slots != choice.slots {
                return Err(Wrong::new(
                    "slots",
                    "all of special pool has one number of slots, and another is set",
                    "the same without slots=, or \"off special\" before",
                ));
            }
            choice.slots = choice.slots.or(slots).or(Some(options::SLOTS));
        }
        self.lines.retain(|other| **other != line);
        let word = line.word();
        let at = self.lines().take_while(|line| line.word() <= word).count();
        let line = Arc::new(line, GFP_KERNEL)?;
        self.lines.reserve(1, GFP_KERNEL)?;
        self.lines
            .insert_within_capacity(at, line)
            .map_err(|_| Wrong::NO_MEMORY)
    }

    /// Removes the lines for which `which` returns `true`, and returns whether there were any.
    fn remove(&mut self, which: impl Fn(&Line) -> bool) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| !which(line));
        self.lines.len() != before
    }

    /// Removes all lines.
    fn clear(&mut self) {
        self.lines.clear();
        self.tasks = TaskChange {
            forget: true,
            nth: None,
        };
        self.policy = false;
    }
}

/// What is wrong with a line, and what would be right.
struct Wrong<'a> {
    /// The word that is wrong; empty if it is not a single word.
    word: &'a str,
    what: &'static str,
    right: &'static str,
    error: Error,
}

impl<'a> Wrong<'a> {
    const NO_MEMORY: Self = Self {
        word: "",
        what: "no memory for it",
        right: "the same later",
        error: ENOMEM,
    };

    fn new(word: &'a str, what: &'static str, right: &'static str) -> Self {
        Self {
            word,
            what,
            right,
            error: EINVAL,
        }
    }
}

impl From<AllocError> for Wrong<'_> {
    fn from(_: AllocError) -> Self {
        Self::NO_MEMORY
    }
}

/// A line that is wrong.
pub(crate) struct Bad<'a> {
    /// Counted from 1.
    number: usize,
    line: &'a str,
    wrong: Wrong<'a>,
}

impl Bad<'_> {
    /// The error that the write returns.
    pub(crate) fn error(&self) -> Error {
        self.wrong.error
    }
}

/// The beginning of a text, and `...` if that is not all of it: the log truncates long lines.
fn begin(text: &str) -> (&str, &str) {
    /// How many bytes are shown.
    const SHOWN: usize = 120;
    let cut = (0..=SHOWN).rev().find_map(|at| text.get(..at));
    let cut = cut.unwrap_or("");
    (cut, if cut.len() < text.len() { "..." } else { "" })
}

impl fmt::Display for Bad<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, more) = begin(self.line);
        kwrite!(f, "line {}, \"{line}{more}\": ", self.number)?;
        let Wrong {
            word, what, right, ..
        } = &self.wrong;
        let (word, more) = begin(word);
        if !word.is_empty() {
            kwrite!(f, "{word}{more}: ")?;
        }
        kwrite!(f, "{what}; expected: {right}")
    }
}

const TRACKING: &str = "tracking [tag=PATTERN,...] [module=PATTERN,...], one of them";
const CHECK: &str = "check [tag=PATTERN,...] [module=PATTERN,...], one of them";
const POLICY: &str = "policy log|quarantine|panic|free-wrong-tag|serve-zero-bytes, \
     panic with [module=PATTERN,...]";
const SPECIAL: &str = "special [end|start] [tag=PATTERN,...] [module=PATTERN,...] \
     [size=MIN..MAX, 1..4096 at most] [slots=16..65536]";
const CHANCE: &str = "fail probability=1..10000 [tag=PATTERN,...] [module=PATTERN,...] \
     [delay=SECONDS] [comm=NAME]";
const NTH: &str = "fail nth=N, N at least 1";
const ALL: &str = "one of tracking, check, special, policy, fail, dma, irql, off";
const OFF: &str = "off, off WORD, or off LINE, as the file shows it";
const ALONE: &str = "the word alone";

/// Words of the form `key=value`.
struct Fields<'a> {
    words: &'a str,
    right: &'static str,
}

impl<'a> Fields<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        let mut pairs = self
            .words
            .split_ascii_whitespace()
            .filter_map(|word| word.split_once('='));
        pairs.find(|&(name, _)| name == key).map(|(_, value)| value)
    }

    fn wrong(&self, word: &'a str, what: &'static str) -> Wrong<'a> {
        Wrong::new(word, what, self.right)
    }

    /// Checks that there is nothing but these keys, each at most once.
    fn only(&self, keys: &[&str]) -> Result<(), Wrong<'a>> {
        for (at, word) in self.words.split_ascii_whitespace().enumerate() {
            let Some((name, _)) = word.split_once('=') else {
                return Err(self.wrong(word, "a word without \"=\""));
            };
            if !keys.contains(&name) {
                return Err(self.wrong(word, "a name that this option does not have"));
            }
            let mut before = self.words.split_ascii_whitespace().take(at);
            if before.any(|word| word.split_once('=').is_some_and(|(other, _)| other == name)) {
                return Err(self.wrong(word, "a name twice"));
            }
        }
        Ok(())
    }

    fn patterns(
        &self,
        key: &str,
        read: impl Fn(&str) -> Result<Patterns, BadPattern>,
        what: &'static str,
    ) -> Result<Option<Patterns>, Wrong<'a>> {
        let Some(word) = self.get(key) else {
            return Ok(None);
        };
        read(word).map(Some).map_err(|bad| match bad {
            BadPattern::Word => self.wrong(word, what),
            BadPattern::Long => self.wrong(
                word,
                "patterns of more than 255 characters, which need a line more",
            ),
            BadPattern::NoMemory => Wrong::NO_MEMORY,
        })
    }

    fn modules(&self) -> Result<Option<Patterns>, Wrong<'a>> {
        self.patterns(
            "module",
            Patterns::of_modules,
            "a module's pattern has 1 to 55 letters, digits, \"_\", \"*\" and \"?\"",
        )
    }

    /// What the option selects, and whether the line says so.
    fn selection(&self) -> Result<(Selection, bool), Wrong<'a>> {
        let tags = self.patterns(
            "tag",
            Patterns::of_tags,
            "a tag's pattern has 1 to 8 characters, \"*\" and \"?\" among them, \
             and 4 at most that are not \"*\"",
        )?;
        let modules = self.modules()?;
        let said = tags.is_some() || modules.is_some();
        let selection = Selection {
            tags: tags.unwrap_or(Patterns::All),
            modules: modules.unwrap_or(Patterns::All),
        };
        Ok((selection, said))
    }

    fn number(&self, key: &str) -> Result<Option<u32>, Wrong<'a>> {
        let Some(word) = self.get(key) else {
            return Ok(None);
        };
        number(word)
            .map(Some)
            .ok_or(self.wrong(word, "not a number, or too large"))
    }
}

/// A number that is written in digits only, without a sign.
fn number(word: &str) -> Option<u32> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|_| digits)
}

/// A range of sizes: `MIN..MAX`, or one number.
fn range(word: &str) -> Option<(u32, u32)> {
    let (min, max) = word.split_once("..").unwrap_or((word, word));
    Some((number(min)?, number(max)?))
}

/// The first word, and the text behind it.
fn split(words: &str) -> (&str, &str) {
    let words = words.trim_ascii();
    let (first, rest) = words.split_once([' ', '\t']).unwrap_or((words, ""));
    (first, rest.trim_ascii_start())
}

fn selected<'a>(words: &'a str, right: &'static str) -> Result<Selection, Wrong<'a>> {
    let fields = Fields { words, right };
    fields.only(&["tag", "module"])?;
    match fields.selection()? {
        (selection, true) => Ok(selection),
        (_, false) => Err(fields.wrong("", "neither tag= nor module=")),
    }
}

fn special(words: &str) -> Result<Choice, Wrong<'_>> {
    let (first, others) = split(words);
    let (side, words) = match first {
        "start" => (Side::Start, others),
        "end" => (Side::End, others),
        _ => (Side::End, words),
    };
    let fields = Fields {
        words,
        right: SPECIAL,
    };
    fields.only(&["tag", "module", "size", "slots"])?;
    let page = u32::try_from(PAGE_SIZE).unwrap_or(u32::MAX);
    let (min, max) = match fields.get("size") {
        None => (1, page),
        Some(word) => range(word)
            .filter(|&(min, max)| 0 < min && min <= max && max <= page)
            .ok_or(fields.wrong(word, "not a range of sizes up to a page"))?,
    };
    let slots = fields.number("slots")?;
    if slots.is_some_and(|slots| !(options::FEWEST..=options::MOST).contains(&slots)) {
        return Err(fields.wrong("slots", "too few slots, or too many"));
    }
    let (selection, _) = fields.selection()?;
    Ok(Choice {
        side,
        selection,
        min,
        max,
        slots,
    })
}

fn chance<'a>(fields: &Fields<'a>, now: u64) -> Result<Chance, Wrong<'a>> {
    fields.only(&["probability", "tag", "module", "delay", "comm"])?;
    let probability = fields.number("probability")?;
    let Some(probability @ 1..=10_000) = probability else {
        return Err(fields.wrong("", "no probability from 1 to 10000"));
    };
    let comm = match fields.get("comm") {
        None => None,
        Some(name) => Some(
            Comm::exact(name)
                .filter(|_| (1..16).contains(&name.len()))
                .ok_or(fields.wrong(name, "a task's name has 1 to 15 characters"))?,
        ),
    };
    let (selection, _) = fields.selection()?;
    let delay = fields.number("delay")?.unwrap_or(0);
    Ok(Chance {
        probability,
        selection,
        comm,
        delay,
        from: now.saturating_add(u64::from(delay) * 1_000_000_000),
    })
}

/// What a line asks for.
enum Asked {
    Line(Line),
    /// `policy log`: no other policy.
    Log,
    /// `fail nth=`: which request of the writing task is to fail.
    Nth(u64),
}

fn policy(words: &str) -> Result<Asked, Wrong<'_>> {
    let (name, words) = split(words);
    let fields = Fields {
        words,
        right: POLICY,
    };
    let keys: &[&str] = if name == "panic" { &["module"] } else { &[] };
    let asked = match name {
        "log" => Asked::Log,
        "quarantine" => Asked::Line(Line::Quarantine),
        "panic" => Asked::Line(Line::Panic(fields.modules()?.unwrap_or(Patterns::All))),
        _ => match Tolerated::named(name) {
            Some(what) => Asked::Line(Line::Tolerate(what)),
            None => return Err(fields.wrong(name, "no policy")),
        },
    };
    fields.only(keys)?;
    Ok(asked)
}

fn nth<'a>(fields: &Fields<'a>) -> Result<Asked, Wrong<'a>> {
    fields.only(&["nth"])?;
    let number = fields.number("nth")?.filter(|&number| number != 0);
    let number = number.ok_or(fields.wrong("", "there is none before the first"))?;
    Ok(Asked::Nth(number.into()))
}

fn asked(line: &str, now: u64) -> Result<Asked, Wrong<'_>> {
    let (word, words) = split(line);
    Ok(Asked::Line(match word {
        "tracking" => Line::Tracking(selected(words, TRACKING)?),
        "check" => Line::Check(selected(words, CHECK)?),
        "special" => Line::Special(special(words)?),
        "policy" => return policy(words),
        "fail" => {
            let right = CHANCE;
            let fields = Fields { words, right };
            if fields.get("nth").is_some() {
                return nth(&Fields { words, right: NTH });
            }
            Line::Chance(chance(&fields, now)?)
        }
        _ => {
            let rule = Rule::named(word).ok_or(Wrong::new(word, "no option", ALL))?;
            let right = ALONE;
            Fields { words, right }.only(&[])?;
            Line::Rule(rule)
        }
    }))
}

/// Carries out `off` with words behind it: removes a line, or all lines that begin with a word.
fn take_back<'a>(words: &'a str, draft: &mut Draft, now: u64) -> Result<(), Wrong<'a>> {
    let word = match words {
        "tracking" => Word::Tracking,
        "check" => Word::Check,
        "special" => Word::Special,
        "policy" => Word::Policy,
        "fail" => {
            draft.tasks = TaskChange {
                forget: true,
                nth: None,
            };
            Word::Fail
        }
        _ => {
            let mut line = match asked(words, now)? {
                Asked::Line(line) => line,
                Asked::Log => return Err(Wrong::new("log", "nothing to take back", "off policy")),
                Asked::Nth(_) => return Err(Wrong::new("nth", "a task's own", "off fail")),
            };
            if let Line::Special(choice) = &mut line {
                choice.slots = choice.slots.or(draft.said_slots());
            }
            if draft.remove(|other| *other == line) {
                return Ok(());
            }
            return Err(Wrong::new("", "no such line is set", OFF));
        }
    };
    draft.remove(|line| line.word() == word);
    Ok(())
}

fn line<'a>(line: &'a str, draft: &mut Draft, now: u64) -> Result<(), Wrong<'a>> {
    let quoted = |word: &&str| word.contains(['"', '\'', '`']);
    if let Some(word) = line.split_ascii_whitespace().find(quoted) {
        return Err(Wrong::new(
            word,
            "a quote, which is for the shell alone",
            "the same without quotes; \"?\" stands for any character",
        ));
    }
    match split(line) {
        ("off", "") => {
            draft.clear();
            return Ok(());
        }
        ("off", words) => return take_back(words, draft, now),
        _ => (),
    }
    match asked(line, now)? {
        Asked::Line(line) => {
            draft.policy |= line.word() == Word::Policy;
            draft.add(line)
        }
        Asked::Log if draft.policy => Err(Wrong::new(
            "log",
            "another policy is in this text",
            "one of both",
        )),
        Asked::Log => {
            draft.policy = true;
            draft.remove(|line| line.word() == Word::Policy);
            Ok(())
        }
        Asked::Nth(_) if draft.tasks.nth.is_some() => Err(Wrong::new(
            "nth",
            "a task waits for one request at a time",
            NTH,
        )),
        Asked::Nth(number) => {
            draft.tasks.nth = Some(number);
            Ok(())
        }
    }
}

/// Parses a text and adds it to a draft. The contents of the file `verifier` can be parsed: the
/// head and remarks are skipped, and so are lines that say what was asked for by one task.
pub(crate) fn text(text: &str, now: u64, mut draft: Draft) -> Result<Draft, Bad<'_>> {
    let mut last = ("", 0);
    for (at, whole) in text.split(['\n', ';']).enumerate() {
        let (told, remark) = whole.split_once(" # ").unwrap_or((whole, ""));
        let told = told.trim();
        let of_a_task = remark.starts_with(PID);
        if told.is_empty() || told.starts_with('#') || told.starts_with(HEAD) || of_a_task {
            continue;
        }
        let number = at.saturating_add(1);
        last = (told, number);
        line(told, &mut draft, now).map_err(|wrong| Bad {
            number,
            line: told,
            wrong,
        })?;
    }
    // Each line has a newline.
    if draft.lines().map(|line| width(line) + 1).sum::<usize>() > LONGEST {
        let (line, number) = last;
        let wrong = Wrong {
            error: ENOSPC,
            ..Wrong::new(
                "",
                "all options together have more than 2560 characters",
                "wider patterns, or \"off\" and a line before",
            )
        };
        return Err(Bad {
            number,
            line,
            wrong,
        });
    }
    Ok(draft)
}

#[kernel::macros::kunit_tests(rust_pool_verifier_parse)]
mod tests {
    use super::*;
    use crate::lib::text::Text;

    fn read(it: &str, now: u64) -> Option<Draft> {
        text(it, now, Draft::of(&[]).ok()?).ok()
    }

    /// What a text is shown as, with semicolons between.
    fn shown(it: &str) -> Option<Text<1024>> {
        let mut shown = Text::empty();
        for line in read(it, 0)?.lines() {
            kwrite!(&mut shown, "{line};").ok()?;
        }
        Some(shown)
    }

    fn is(it: &str, want: &str) -> bool {
        shown(it).is_some_and(|shown| shown.as_str() == want)
    }

    /// What is wrong with a text.
    fn wrong(it: &str) -> Option<Text<1024>> {
        let bad = text(it, 0, Draft::of(&[]).ok()?).err()?;
        Some(Text::of(&bad))
    }

    fn is_wrong(it: &str, want: &str) -> bool {
        wrong(it).is_some_and(|wrong| wrong.as_str().contains(want))
    }

    #[test]
    fn options_are_read() {
        let change = read(
            "tracking tag=Ring*\nfail probability=600 tag=A? delay=2 comm=sh",
            5,
        );
        let Some(change) = change else {
            assert!(false);
            return;
        };
        assert!(!change.tasks.forget && change.tasks.nth.is_none());
        let mut chances = change.lines().filter_map(|line| match line {
            Line::Chance(chance) => Some(chance.from),
            _ => None,
        });
        assert!(chances.next() == Some(2_000_000_005));
        assert!(is(
            "fail probability=600 tag=A? delay=2 comm=sh;tracking tag=Ring*",
            "tracking tag=Ring*;fail probability=600 tag=A? delay=2 comm=sh;"
        ));
    }

    #[test]
    fn lines_add_up() {
        for (told, want) in [
            (
                "tracking tag=A;tracking tag=B",
                "tracking tag=A;tracking tag=B;",
            ),
            ("tracking tag=A;tracking tag=A", "tracking tag=A;"),
            ("check tag=A,B*;check tag=C", "check tag=A,B*;check tag=C;"),
            (
                "fail probability=1;fail probability=2 tag=A",
                "fail probability=1 tag=* delay=0;fail probability=2 tag=A delay=0;",
            ),
            (
                "fail probability=1;fail probability=1",
                "fail probability=1 tag=* delay=0;",
            ),
            (
                "policy panic module=a;policy quarantine;policy panic module=b",
                "policy panic module=a;policy quarantine;policy panic module=b;",
            ),
            (
                "policy serve-zero-bytes;policy free-wrong-tag;policy serve-zero-bytes",
                "policy free-wrong-tag;policy serve-zero-bytes;",
            ),
            ("irql;dma;irql", "dma;irql;"),
        ] {
            assert!(is(told, want));
            // What is shown means the same.
            assert!(is(want, want));
        }
    }

    #[test]
    fn modules_are_read() {
        for (told, want) in [
            ("tracking module=a", "tracking tag=* module=a;"),
            ("tracking module=*", "tracking tag=*;"),
            ("check module=a-b,c* tag=X", "check tag=X module=a_b,c*;"),
            (
                "special module=a",
                "special end tag=* module=a size=1..4096 slots=1024;",
            ),
            (
                "fail probability=3 module=a",
                "fail probability=3 tag=* module=a delay=0;",
            ),
            ("policy panic", "policy panic;"),
            ("policy panic module=*", "policy panic;"),
        ] {
            assert!(is(told, want));
        }
    }

    #[test]
    fn special_pool_is_read() {
        for (told, want) in [
            ("special", "special end tag=* size=1..4096 slots=1024;"),
            (
                "special start",
                "special start tag=* size=1..4096 slots=1024;",
            ),
            (
                "special tag=A size=3 slots=16",
                "special end tag=A size=3..3 slots=16;",
            ),
            (
                "special end size=7..70",
                "special end tag=* size=7..70 slots=1024;",
            ),
            (
                "special tag=StSb slots=64;special start tag=FlNm",
                "special end tag=StSb size=1..4096 slots=64;\
                 special start tag=FlNm size=1..4096 slots=64;",
            ),
        ] {
            assert!(is(told, want));
        }
        assert!(is_wrong(
            "special tag=A slots=16;special tag=B slots=17",
            "slots: "
        ));
        assert!(is_wrong("special tag=A;special tag=B slots=17", "slots: "));
        assert!(is(
            "special slots=16;off special;special slots=17",
            "special end tag=* size=1..4096 slots=17;"
        ));
    }

    #[test]
    fn lines_are_taken_back() {
        for (told, want) in [
            ("tracking tag=A;off tracking tag=A", ""),
            (
                "tracking tag=A;tracking tag=B;off tracking tag=A",
                "tracking tag=B;",
            ),
            ("tracking tag=A;check tag=A;off tracking", "check tag=A;"),
            ("special tag=A slots=16;dma;off special tag=A", "dma;"),
            ("dma;irql;off dma", "irql;"),
            ("off tracking", ""),
            (
                "policy panic;policy quarantine;off policy panic",
                "policy quarantine;",
            ),
            ("policy panic;dma;off policy", "dma;"),
            ("fail probability=1;off fail", ""),
            ("tracking tag=A;off;dma", "dma;"),
        ] {
            assert!(is(told, want));
        }
        for bad in [
            "off tracking tag=A",
            "tracking tag=A,B;off tracking tag=A",
            "off dma",
            "off policy log",
            "off fail nth=1",
            "off now",
            "off off",
            "off tracking tag=",
        ] {
            assert!(read(bad, 0).is_none());
        }
        let forgotten = read("fail nth=3;off fail", 0);
        assert!(forgotten.is_some_and(|it| it.tasks.forget && it.tasks.nth.is_none()));
    }

    #[test]
    fn lines_before_off_are_void() {
        let change = read("tracking tag=A;off;fail nth=7 # mine\n\n# no\n", 0);
        assert!(change.is_some_and(|change| {
            change.tasks.forget && change.lines().next().is_none() && change.tasks.nth == Some(7)
        }));
    }

    #[test]
    fn what_another_task_asked_for_is_skipped() {
        let text = "fail nth=7 # pid 3, struck\nfail nth=1 # pid 4, waits\ntracking tag=A";
        assert!(read(text, 0)
            .is_some_and(|change| change.tasks.nth.is_none() && change.lines().count() == 1));
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(is_wrong(
            "dma\n\nfail probabilty=600",
            "line 3, \"fail probabilty=600\": probabilty=600: a name that"
        ));
        assert!(is_wrong("tracking tag=\"*\"", "tag=\"*\": a quote"));
        assert!(is_wrong("'tracking tag=*'", "'tracking: a quote"));
        assert!(is_wrong("policy panic;policy log", "log: another policy"));
        assert!(is_wrong("fail nth=1;fail nth=2", "nth: a task waits"));
        // The reason is said however long the line is.
        let mut long: Text<900> = Text::empty();
        long.push(&[b'x'; 900]);
        assert!(is_wrong(long.as_str(), "...: no option; expected"));
    }

    #[test]
    fn too_much_is_refused() {
        let mut all: Text<4096> = Text::empty();
        for number in 0..130 {
            let _ = kwrite!(&mut all, "tracking tag=A{number:03}\n");
        }
        assert!(read(all.as_str(), 0).is_some());
        for number in 0..40 {
            let _ = kwrite!(&mut all, "check tag=A{number:03}\n");
        }
        let bad = Draft::of(&[])
            .ok()
            .and_then(|draft| text(all.as_str(), 0, draft).err());
        assert!(bad.is_some_and(|bad| bad.error() == ENOSPC));
        let mut list: Text<300> = Text::empty();
        let _ = kwrite!(&mut list, "tracking tag=A");
        for _ in 0..130 {
            list.push(b",A");
        }
        assert!(is_wrong(list.as_str(), "more than 255 characters"));
    }

    #[test]
    fn bad_lines_are_refused() {
        for bad in [
            "on",
            "tracking",
            "tracking tag=",
            "tracking tag=123456789",
            "tracking tag=Rings",
            "tracking tag=A,",
            "tracking module=",
            "tracking module=a.ko",
            "tracking A",
            "tracking tag=A tag=B",
            "tracking tag=A size=1",
            "check",
            "check A",
            "check tag=A size=1",
            "policy",
            "policy none",
            "policy log module=a",
            "policy quarantine module=a",
            "policy free-wrong-tag module=a",
            "policy serve-zero-bytes=1",
            "policy panic tag=A",
            "policy panic module=",
            "policy panic now",
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
            "fail nth=4294967296",
            "offf",
            "dma tag=*",
            "irql 1",
            "dma,irql",
        ] {
            assert!(read(bad, 0).is_none());
        }
    }
}
