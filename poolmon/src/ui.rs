// SPDX-License-Identifier: GPL-2.0

//! The screen: a list of tags that is read again and again, details of a tag, the verifier.

pub mod draw;
pub mod history;
pub mod state;

use crate::{
    error::{Error, Result},
    parse::{sites, verifier, violations},
    pooltag::PoolTags,
    snapshot::Snapshot,
    source::{Source, System},
};
use ratatui::{
    backend::CrosstermBackend,
    crossterm::{
        cursor::Show,
        event::{self, Event, KeyEventKind},
        execute,
        terminal::{self, EnterAlternateScreen, LeaveAlternateScreen},
    },
    layout::Rect,
    Terminal, TerminalOptions, Viewport,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};
use state::{Order, Screen, State};
use std::{
    io::{self, Stdout},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Where the screen's numbers come from.
pub struct Feed<'a> {
    /// The directory that was named, or `None` for debugfs.
    pub dir: Option<&'a Path>,
    /// What is known of the tags.
    pub tags: &'a PoolTags,
}

impl Feed<'_> {
    fn source(&self) -> Result<Source> {
        match self.dir {
            Some(dir) => Ok(Source::named(dir)),
            None => Source::live(System::here()),
        }
    }

    /// Reads what the screen shows.
    fn read(&self, state: &mut State, seconds: f64) -> Result {
        let source = self.source()?;
        let mut snapshot = Snapshot::take(&source)?;
        snapshot.describe(self.tags);
        state.sample(snapshot, seconds);
        match state.screen() {
            Screen::Details => {
                let text = source.read_if_copied("sites")?;
                let sites = text.map(|text| sites::parse(&source.path("sites"), &text));
                let text = source.read_if_copied("violations")?;
                let broken = text.map(|text| violations::parse(&source.path("violations"), &text));
                state.details(
                    sites.transpose()?.unwrap_or_default(),
                    broken.transpose()?.unwrap_or_default(),
                );
                // Under lockdown it cannot be read, and is not shown here.
                if let Ok(text) = source.read("verifier") {
                    state.verifier(verifier::parse(&source.path("verifier"), &text)?);
                }
            }
            Screen::Verifier => {
                let text = source.read("verifier")?;
                state.verifier(verifier::parse(&source.path("verifier"), &text)?);
            }
            Screen::List | Screen::Help => {}
        }
        Ok(())
    }

    /// Writes a line to the verifier.
    fn write(&self, line: &str) -> Result {
        self.source()?.write("verifier", line)
    }
}

/// How long the terminal may take what restores it.
const PATIENCE: Duration = Duration::from_secs(1);

/// A terminal that is as it was when this is dropped.
struct Raw;

/// Has the terminal restored if a signal ends the program, as it would by itself.
fn restore_if_ended() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    thread::Builder::new().spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let _ = terminal::disable_raw_mode();
            // Who draws may be kept by a terminal that takes nothing more.
            thread::spawn(move || {
                thread::sleep(PATIENCE);
                emulate_default_handler(signal)
            });
            // Nothing is drawn any more.
            let mut out = io::stdout().lock();
            let _ = execute!(out, LeaveAlternateScreen, Show);
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

impl Raw {
    fn enter() -> Result<(Self, Terminal<CrosstermBackend<Stdout>>)> {
        let wrong = |error| Error::Io("the terminal".to_owned(), error);
        restore_if_ended().map_err(wrong)?;
        terminal::enable_raw_mode().map_err(wrong)?;
        let raw = Self;
        let mut out = io::stdout();
        execute!(out, EnterAlternateScreen).map_err(wrong)?;
        // A serial line does not know its size.
        let viewport = match terminal::size() {
            Ok((columns, rows)) if columns != 0 && rows != 0 => Viewport::Fullscreen,
            _ => Viewport::Fixed(Rect::new(0, 0, 80, 24)),
        };
        let options = TerminalOptions { viewport };
        let terminal = Terminal::with_options(CrosstermBackend::new(out), options);
        Ok((raw, terminal.map_err(wrong)?))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
        let _ = terminal::disable_raw_mode();
    }
}

/// Whether the terminal shows more than ASCII, by the first of these variables that is set.
fn speaks_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let mut set = names.iter().filter_map(|name| variable(name));
    let locale = set.find(|text| !text.is_empty()).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.ends_with("utf-8") || locale.ends_with("utf8")
}

/// Shows the screen until it is left.
pub fn run(feed: &Feed<'_>, mut state: State, interval: Duration) -> Result {
    state.ascii = !speaks_utf8(|name| std::env::var(name).ok());
    // What prevents the first look is better said without a screen.
    let start = Instant::now();
    feed.read(&mut state, 0.0)?;
    let wrong = |error| Error::Io("the terminal".to_owned(), error);
    let (_raw, mut terminal) = Raw::enter()?;
    let mut next = start + interval;
    loop {
        terminal
            .draw(|frame| draw::draw(frame, &mut state))
            .map_err(wrong)?;
        let left = next.saturating_duration_since(Instant::now());
        let mut due = left.is_zero();
        if event::poll(left).map_err(wrong)? {
            if let Event::Key(key) = event::read().map_err(wrong)? {
                if key.kind != KeyEventKind::Release {
                    match state.key(key) {
                        Order::None => {}
                        Order::Quit => return Ok(()),
                        Order::Read => due = true,
                        Order::Write(line) => {
                            state.said(match feed.write(&line) {
                                Ok(()) => format!("verifier: {line}"),
                                Err(error) => error.to_string(),
                            });
                            due = true;
                        }
                    }
                }
            }
        } else {
            due = true;
        }
        if due {
            if !state.is_paused() {
                let seconds = start.elapsed().as_secs_f64();
                if let Err(error) = feed.read(&mut state, seconds) {
                    state.unread(&error);
                }
            }
            next = Instant::now() + interval;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales() {
        let speaks = |set: &'static [(&str, &str)]| {
            speaks_utf8(|name| {
                let mut of_name = set.iter().filter(|(of, _)| *of == name);
                of_name.next().map(|(_, text)| (*text).to_owned())
            })
        };
        assert!(!speaks(&[]));
        assert!(speaks(&[("LANG", "en_US.UTF-8")]));
        assert!(speaks(&[
            ("LC_ALL", ""),
            ("LC_CTYPE", "C.utf8"),
            ("LANG", "C")
        ]));
        assert!(!speaks(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
    }
}
