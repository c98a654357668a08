// SPDX-License-Identifier: GPL-2.0

//! What the screen shows, and what the keys do to it.

use super::history::History;
use crate::{
    error::Error,
    parse::{sites::Sites, verifier::Verifier, violations::Violations},
    pattern::Pattern,
    select::{Filter, Sort},
    snapshot::{Key, Kind, Row, Snapshot},
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

/// What fills the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// All tags.
    List,
    /// One tag.
    Details,
    /// The verifier's options.
    Verifier,
    /// The keys.
    Help,
}

/// What a line that is typed is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Patterns of tags.
    Tags,
    /// An option for the verifier.
    Option,
}

/// What is to be done after a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing but to draw.
    None,
    /// Leave.
    Quit,
    /// Read the files now.
    Read,
    /// Write this to the verifier, and read.
    Write(String),
}

/// A row and how it has changed.
pub struct Shown<'a> {
    /// The row.
    pub row: &'a Row,
    /// Allocations since the sample before.
    pub allocs: i128,
    /// Frees since then.
    pub frees: i128,
    /// Blocks more or less.
    pub diff: i128,
    /// Bytes more or less.
    pub bytes: i128,
    /// How its bytes went.
    pub history: Option<&'a History>,
}

impl Shown<'_> {
    /// Whether anything happened since the sample before.
    pub fn has_changed(&self) -> bool {
        [self.allocs, self.frees, self.bytes]
            .iter()
            .any(|&change| change != 0)
    }

    /// Bytes a second.
    pub fn rate(&self) -> f64 {
        self.history.map_or(0.0, History::rate)
    }
}

/// All of it.
pub struct State {
    now: Option<Snapshot>,
    before: HashMap<Key, Row>,
    history: HashMap<Key, History>,
    filter: Filter,
    sort: Sort,
    reverse: bool,
    /// Sort by how much the column has changed.
    by_change: bool,
    /// Sort by growth, whatever the column.
    by_rate: bool,
    screen: Screen,
    /// What the help, or the verifier, was opened over.
    below: Screen,
    /// The row that was selected; `None` for the first one, whichever that is.
    selected: Option<Key>,
    option: usize,
    asked: Option<(Asked, String)>,
    paused: bool,
    /// Sizes in K, M and G.
    pub human: bool,
    /// Rows that have changed stand out.
    pub highlight: bool,
    /// A line with the totals of the rows.
    pub totals: bool,
    /// What a key has led to, until the next key.
    message: Option<String>,
    /// Why the files could not be read, until they can.
    trouble: Option<String>,
    sites: Sites,
    violations: Violations,
    verifier: Verifier,
    /// Which row is the first that is seen.
    pub first: usize,
    /// How wide the columns of the list have become, so that they do not move to and fro.
    pub widths: Vec<usize>,
    /// How far down the details are scrolled.
    pub scroll: usize,
    /// The terminal shows ASCII alone.
    pub ascii: bool,
}

impl State {
    /// Before the first sample.
    pub fn new(filter: Filter, sort: Sort, reverse: bool, human: bool) -> Self {
        Self {
            now: None,
            before: HashMap::new(),
            history: HashMap::new(),
            filter,
            sort,
            reverse,
            by_change: false,
            by_rate: false,
            screen: Screen::List,
            below: Screen::List,
            selected: None,
            option: 0,
            asked: None,
            paused: false,
            human,
            highlight: true,
            totals: false,
            message: None,
            trouble: None,
            sites: Sites::default(),
            violations: Violations::default(),
            verifier: Verifier::default(),
            first: 0,
            widths: Vec::new(),
            scroll: 0,
            ascii: false,
        }
    }

    /// Takes a snapshot, so many seconds after the start.
    pub fn sample(&mut self, snapshot: Snapshot, seconds: f64) {
        if let Some(old) = self.now.take() {
            let reloaded = snapshot.is_of_a_later_load(&old, true);
            self.before = old.rows.into_iter().map(|row| (row.key(), row)).collect();
            if reloaded {
                // What was before is no change of what is now.
                self.before.clear();
                self.history.clear();
                self.message
                    .get_or_insert_with(|| "rust_pool was loaded anew".to_owned());
            }
        }
        let keys: HashSet<_> = snapshot.rows.iter().map(Row::key).collect();
        self.history.retain(|key, _| keys.contains(key));
        for row in &snapshot.rows {
            let history = self.history.entry(row.key()).or_default();
            history.push(seconds, row.bytes);
        }
        self.now = Some(snapshot);
        self.trouble = None;
    }

    /// Takes what the details show beside the row.
    pub fn details(&mut self, sites: Sites, violations: Violations) {
        self.sites = sites;
        self.violations = violations;
    }

    /// Takes the verifier's options.
    pub fn verifier(&mut self, verifier: Verifier) {
        self.option = self.option.min(verifier.options.len().saturating_sub(1));
        self.verifier = verifier;
    }

    /// Shows what came of a key, until the next one.
    pub fn said(&mut self, what: String) {
        self.message = Some(what);
    }

    /// Shows why the files could not be read, until they can.
    pub fn unread(&mut self, error: &Error) {
        self.trouble = Some(error.to_string());
    }

    /// What fills the screen.
    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// Whether no samples are taken.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// What went wrong.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref().or(self.trouble.as_deref())
    }

    /// The line that is being typed.
    pub fn asked(&self) -> Option<(Asked, &str)> {
        self.asked
            .as_ref()
            .map(|(what, line)| (*what, line.as_str()))
    }

    /// The last snapshot.
    pub fn now(&self) -> Option<&Snapshot> {
        self.now.as_ref()
    }

    /// The recorded blocks.
    pub fn sites(&self) -> &Sites {
        &self.sites
    }

    /// The violations.
    pub fn violations(&self) -> &Violations {
        &self.violations
    }

    /// The verifier's options, and which is selected.
    pub fn options(&self) -> (&Verifier, usize) {
        (&self.verifier, self.option)
    }

    /// The order and the filter in words.
    pub fn choice(&self) -> String {
        let mut words = format!("sort {:?}", self.sort).to_lowercase();
        if self.by_rate {
            words = "sort growth".to_owned();
        } else if self.by_change {
            words.push_str(" (change)");
        }
        if self.reverse {
            words.push_str(" reversed");
        }
        if !self.filter.kinds.is_empty() {
            let kinds: Vec<_> = self.filter.kinds.iter().map(|kind| kind.name()).collect();
            words.push_str(&format!(", {}", kinds.join(" ")));
        }
        if !self.filter.tags.is_empty() {
            let tags: Vec<_> = self.filter.tags.iter().map(Pattern::to_string).collect();
            words.push_str(&format!(", tags {}", tags.join(",")));
        }
        if self.paused {
            words.push_str(", PAUSED");
        }
        words
    }

    fn shown<'a>(&'a self, row: &'a Row) -> Shown<'a> {
        let key = row.key();
        let before = self.before.get(&key);
        // Of the first sample nothing is known to have changed.
        let new = before.is_none() && !self.before.is_empty();
        let change = |number: fn(&Row) -> i128| match before {
            Some(before) => number(row) - number(before),
            None if new => number(row),
            None => 0,
        };
        Shown {
            row,
            allocs: change(|row| row.allocs.into()),
            frees: change(|row| row.frees.into()),
            diff: change(|row| row.diff.into()),
            bytes: change(|row| row.bytes.into()),
            history: self.history.get(&key),
        }
    }

    /// The rows that are shown, in order.
    pub fn rows(&self) -> Vec<Shown<'_>> {
        let rows = self.now.iter().flat_map(|snapshot| &snapshot.rows);
        let rows = rows.filter(|row| self.filter.has(row));
        let mut rows: Vec<_> = rows.map(|row| self.shown(row)).collect();
        let changed = |shown: &Shown<'_>| match self.sort {
            Sort::Allocs => shown.allocs,
            Sort::Frees => shown.frees,
            Sort::Diff => shown.diff,
            _ => shown.bytes,
        };
        rows.sort_by(|a, b| {
            let column = self.sort.compare(a.row, b.row);
            if self.by_rate {
                b.rate().total_cmp(&a.rate()).then(column)
            } else if self.by_change {
                Reverse(changed(a)).cmp(&Reverse(changed(b))).then(column)
            } else {
                column
            }
        });
        if self.reverse {
            rows.reverse();
        }
        rows
    }

    /// The row that is selected.
    pub fn selected(&self) -> Option<Shown<'_>> {
        let Some(key) = &self.selected else {
            return self.rows().into_iter().next();
        };
        let rows = &self.now.as_ref()?.rows;
        let row = rows.iter().find(|row| row.key() == *key)?;
        Some(self.shown(row))
    }

    /// Where the selected row is among those that are shown.
    pub fn place(&self, rows: &[Shown<'_>]) -> Option<usize> {
        let Some(key) = &self.selected else {
            return (!rows.is_empty()).then_some(0);
        };
        rows.iter().position(|shown| shown.row.key() == *key)
    }

    fn select(&mut self, choose: impl FnOnce(usize, usize) -> usize) {
        let rows = self.rows();
        let last = rows.len().saturating_sub(1);
        let at = choose(self.place(&rows).unwrap_or(0), last).min(last);
        // Who is at the top stays there, whatever tag comes to be the first.
        let key = rows.get(at).filter(|_| at != 0);
        self.selected = key.map(|shown| shown.row.key());
    }

    fn sort_by(&mut self, sort: Sort) -> Order {
        self.sort = sort;
        self.by_rate = false;
        self.select(|_, _| 0);
        Order::None
    }

    /// Does what the key asks for.
    pub fn key(&mut self, key: KeyEvent) -> Order {
        self.message = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Order::Quit,
                _ => Order::None,
            };
        }
        if self.asked.is_some() {
            return self.typed(key.code);
        }
        match key.code {
            KeyCode::Char('q' | 'x') => return Order::Quit,
            KeyCode::Char('?' | 'h') if self.screen != Screen::Help => {
                self.below = self.screen;
                self.screen = Screen::Help;
                return Order::None;
            }
            KeyCode::Char(' ') => {
                self.paused = !self.paused;
                return Order::None;
            }
            KeyCode::Char('k') => {
                self.human = !self.human;
                self.widths.clear();
                return Order::None;
            }
            _ => {}
        }
        match self.screen {
            Screen::List => self.list_key(key.code),
            Screen::Details => self.details_key(key.code),
            Screen::Verifier => self.verifier_key(key.code),
            Screen::Help => {
                self.screen = self.below;
                Order::None
            }
        }
    }

    fn list_key(&mut self, code: KeyCode) -> Order {
        match code {
            KeyCode::Char('t') => return self.sort_by(Sort::Tag),
            KeyCode::Char('a') => return self.sort_by(Sort::Allocs),
            KeyCode::Char('f') => return self.sort_by(Sort::Frees),
            KeyCode::Char('d') => return self.sort_by(Sort::Diff),
            KeyCode::Char('b') => return self.sort_by(Sort::Bytes),
            KeyCode::Char('m') => return self.sort_by(Sort::PerAlloc),
            KeyCode::Char('w') => return self.sort_by(Sort::Waste),
            KeyCode::Char('o') => return self.sort_by(Sort::Module),
            KeyCode::Char('g') => {
                self.by_rate = true;
                self.select(|_, _| 0);
            }
            KeyCode::Char('(' | ')') => self.by_change = !self.by_change,
            KeyCode::Char('r') => self.reverse = !self.reverse,
            KeyCode::Char('l') => self.highlight = !self.highlight,
            KeyCode::Char('e') => self.totals = !self.totals,
            KeyCode::Char('p') => {
                self.filter.kinds = match self.filter.kinds.as_slice() {
                    [] => vec![Kind::Nonpaged],
                    [Kind::Nonpaged] => vec![Kind::Paged],
                    [Kind::Paged] => {
                        vec![Kind::Contiguous, Kind::Noncached, Kind::Common, Kind::Mdl]
                    }
                    _ => Vec::new(),
                };
                self.select(|at, _| at);
            }
            KeyCode::Char('/' | 'i') => self.asked = Some((Asked::Tags, String::new())),
            KeyCode::Char('v') => return self.open(Screen::Verifier),
            KeyCode::Enter if self.selected().is_some() => return self.open(Screen::Details),
            KeyCode::Up => self.select(|at, _| at.saturating_sub(1)),
            KeyCode::Down => self.select(|at, _| at.saturating_add(1)),
            KeyCode::PageUp => self.select(|at, _| at.saturating_sub(15)),
            KeyCode::PageDown => self.select(|at, _| at.saturating_add(15)),
            KeyCode::Home => self.select(|_, _| 0),
            KeyCode::End => self.select(|_, last| last),
            _ => {}
        }
        Order::None
    }

    fn open(&mut self, screen: Screen) -> Order {
        // It is about this tag, whichever will be the first.
        self.selected = self.selected().map(|shown| shown.row.key());
        self.below = self.screen;
        self.screen = screen;
        self.scroll = 0;
        Order::Read
    }

    fn details_key(&mut self, code: KeyCode) -> Order {
        match code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace => self.screen = Screen::List,
            KeyCode::Char('v') => return self.open(Screen::Verifier),
            KeyCode::Char('t') => return self.toggle("tracking"),
            KeyCode::Up => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down => self.scroll = self.scroll.saturating_add(1),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(15),
            KeyCode::PageDown => self.scroll = self.scroll.saturating_add(15),
            KeyCode::Home => self.scroll = 0,
            _ => {}
        }
        Order::None
    }

    fn verifier_key(&mut self, code: KeyCode) -> Order {
        match code {
            KeyCode::Esc | KeyCode::Backspace => {
                // The help may have been opened over it.
                self.screen = match self.below {
                    Screen::Details => Screen::Details,
                    _ => Screen::List,
                };
                return Order::Read;
            }
            KeyCode::Char('t') => return self.toggle("tracking"),
            KeyCode::Char('c') => return self.toggle("check"),
            KeyCode::Char('s') => return self.toggle("special"),
            KeyCode::Char('d') => return self.toggle_word("dma"),
            KeyCode::Char('i') => return self.toggle_word("irql"),
            KeyCode::Char(':') => self.asked = Some((Asked::Option, String::new())),
            KeyCode::Char('o') => return Order::Write("off".to_owned()),
            KeyCode::Up => self.option = self.option.saturating_sub(1),
            KeyCode::Down => {
                let last = self.verifier.options.len().saturating_sub(1);
                self.option = self.option.saturating_add(1).min(last);
            }
            KeyCode::Delete | KeyCode::Enter => {
                if let Some(line) = self.verifier.options.get(self.option) {
                    return Order::Write(format!("off {line}"));
                }
            }
            _ => {}
        }
        Order::None
    }

    /// The pattern that the verifier takes for the tag that is selected.
    fn tag_pattern(&self) -> Option<String> {
        let row = self.selected()?.row;
        if !row.kind.is_pool() || row.tag == "(other)" {
            return None;
        }
        // What it does not take in a pattern is any character.
        Some(row.tag.replace([' ', ',', ';', '"', '\'', '.'], "?"))
    }

    /// Switches an option for the tag that is selected on, or off if it is on.
    fn toggle(&mut self, option: &str) -> Order {
        let Some(tag) = self.tag_pattern() else {
            self.message = Some("it is for a tag: select one in the list".to_owned());
            return Order::None;
        };
        Order::Write(match self.in_force(option, &tag) {
            Some(line) => format!("off {line}"),
            None => format!("{option} tag={tag}"),
        })
    }

    /// The line of the verifier by which this option is on for the pattern alone.
    fn in_force(&self, option: &str, tag: &str) -> Option<&String> {
        let selects = format!("tag={tag}");
        self.verifier.options.iter().find(|line| {
            let mut words = line.split(' ');
            words.next() == Some(option)
                && words.any(|word| word == selects)
                && !line.contains("module=")
        })
    }

    /// Whether the blocks of the selected tag are recorded, as far as this screen can tell.
    pub fn is_tracked(&self) -> bool {
        let tag = self.tag_pattern();
        tag.is_some_and(|tag| self.in_force("tracking", &tag).is_some())
    }

    fn toggle_word(&self, option: &str) -> Order {
        let on = self.verifier.options.iter().any(|line| line == option);
        let off = if on { "off " } else { "" };
        Order::Write(format!("{off}{option}"))
    }

    /// A key while a line is typed.
    fn typed(&mut self, code: KeyCode) -> Order {
        let Some((what, mut line)) = self.asked.take() else {
            return Order::None;
        };
        match code {
            KeyCode::Esc => return Order::None,
            KeyCode::Enter => return self.answered(what, &line),
            KeyCode::Backspace => {
                line.pop();
            }
            KeyCode::Char(char) => line.push(char),
            _ => {}
        }
        self.asked = Some((what, line));
        Order::None
    }

    fn answered(&mut self, what: Asked, line: &str) -> Order {
        match what {
            Asked::Option if line.trim().is_empty() => Order::None,
            Asked::Option => Order::Write(line.trim().to_owned()),
            Asked::Tags => {
                let parts = line.split(',').filter(|part| !part.is_empty());
                match parts.map(str::parse).collect() {
                    Ok(tags) => self.filter.tags = tags,
                    Err(error) => self.message = Some(error),
                }
                self.select(|_, _| 0);
                Order::None
            }
        }
    }
}
