// SPDX-License-Identifier: GPL-2.0

//! Draws the screen.

use super::{
    history::History,
    state::{Asked, Screen, Shown, State},
};
use crate::{
    number, output,
    snapshot::{Row as Tag, Snapshot},
};
use ratatui::{
    layout::{Alignment, Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Text},
    widgets::{Cell, Paragraph, Row, Table, TableState, Wrap},
    Frame,
};

const BARS: usize = 12;

/// A name of a module or an owner is cut after so many characters.
const NAME: usize = 20;

/// A column of the list.
struct Column {
    title: &'static str,
    is_number: bool,
    /// Where a screen is too narrow, the first to be left out has 1; 0 is never left out.
    spare: u8,
}

const fn column(title: &'static str, is_number: bool, spare: u8) -> Column {
    Column {
        title,
        is_number,
        spare,
    }
}

/// PoolMon's own come first, and stay.
const COLUMNS: [Column; 11] = [
    column("Tag", false, 0),
    column("Type", false, 0),
    column("Allocs", true, 0),
    column("Frees", true, 0),
    column("Diff", true, 0),
    column("Bytes", true, 0),
    column("Per Alloc", true, 2),
    column("Growth", true, 4),
    column("Grows", true, 3),
    column("Trend", false, 1),
    column("Module", false, 5),
];

const HELP: &str = "\
\x20 t  sort by tag               p  nonpaged, paged, without a tag, all
  a  by allocations            /  only tags that match: Ab*,?xyz
  f  by frees                  r  turn the order around
  d  by live blocks            l  highlight what has changed, or not
  b  by live bytes             e  totals of the rows
  m  by bytes of a block       k  sizes in K, M and G, or exact
  w  by waste                  space  pause
  o  by module                 arrows, page up and down, home, end
  g  by growth a second        enter  details of the tag
  (  by the last change of     v  the verifier
     the column                q  leave

In the details: t records the blocks of this tag, or no longer; esc goes back.

In the verifier, for the tag that was selected: t tracking, c check, s special
pool; for all: d dma, i irql. A colon asks for an option as the file takes it;
enter takes the selected one away, o all of them; esc goes back.

Any key goes back.";

/// Draws all of it.
pub fn draw(frame: &mut Frame<'_>, state: &mut State) {
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let mut left_out = Vec::new();
    match state.screen() {
        Screen::List => left_out = list(frame, state, body),
        Screen::Details => {
            let text = Text::from(details(state));
            // Not so far down that nothing is left to see.
            state.scroll = state.scroll.min(text.lines.len().saturating_sub(1));
            let scroll = u16::try_from(state.scroll).unwrap_or(u16::MAX);
            let scrolled = Paragraph::new(text).wrap(Wrap { trim: false });
            frame.render_widget(scrolled.scroll((scroll, 0)), body);
        }
        Screen::Verifier => verifier(frame, state, body),
        Screen::Help => frame.render_widget(Paragraph::new(HELP), body),
    }
    let heading = heading(state, &left_out, head.width);
    frame.render_widget(Paragraph::new(heading), head);
    frame.render_widget(Paragraph::new(footing(state)), foot);
}

fn size(bytes: i64, state: &State) -> String {
    output::bytes(bytes, state.human)
}

fn heading(state: &State, left_out: &[&str], width: u16) -> Vec<Line<'static>> {
    let summary = state.now().and_then(|now: &Snapshot| now.summary);
    let words = |human: bool| match summary {
        Some(all) => {
            let size = |bytes: u64| output::bytes(i64::try_from(bytes).unwrap_or(i64::MAX), human);
            format!(
                "rust_pool holds {}: in use {}, ready {}, verifier {}, overhead {}",
                size(all.holds),
                size(all.in_use),
                size(all.ready),
                size(all.verifier),
                size(all.overhead)
            )
        }
        None => "rust_pool".to_owned(),
    };
    let exact = words(state.human);
    let first = if exact.len() <= usize::from(width) {
        exact
    } else {
        words(true)
    };
    let mut second = state.choice();
    if !left_out.is_empty() {
        second.push_str(&format!("; too narrow for {}", left_out.join(", ")));
    }
    let bold = Style::new().add_modifier(Modifier::BOLD);
    vec![Line::styled(first, bold), Line::from(second)]
}

fn footing(state: &State) -> Line<'static> {
    if let Some((asked, line)) = state.asked() {
        let what = match asked {
            Asked::Tags => "only tags (Ab*,?xyz; nothing for all)",
            Asked::Option => "option",
        };
        return Line::from(format!("{what}: {line}_"));
    }
    if let Some(message) = state.message() {
        let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
        return Line::styled(message.to_owned(), red);
    }
    let keys = match state.screen() {
        Screen::List => "? help  enter details  v verifier  p type  / tags  g growth  q quit",
        Screen::Details => "t record its blocks  v verifier  esc back  ? help  q quit",
        Screen::Verifier => "t c s d i on/off  : option  enter remove  o off  esc back  ? help",
        Screen::Help => "any key goes back",
    };
    let dim = Style::new().add_modifier(Modifier::DIM);
    Line::styled(keys, dim)
}

/// A number with its change in parentheses.
fn with_change(number: String, change: i128, state: &State) -> String {
    let change = match i64::try_from(change) {
        Ok(change) if state.human => output::bytes(change, true),
        _ => change.to_string(),
    };
    format!("{number} ({change})")
}

fn rate(shown: &Shown<'_>, state: &State) -> String {
    let rate = shown.rate();
    if rate.abs() < 0.5 {
        return "0".to_owned();
    }
    // What a double has beyond an i64 does not fit in memory.
    let bytes = rate.round() as i64;
    let sign = if bytes > 0 { "+" } else { "" };
    format!("{sign}{}/s", size(bytes, state))
}

fn grows(shown: &Shown<'_>) -> Option<String> {
    let seconds = shown.history?.grows()?;
    // Never below zero, and far from an overflow.
    Some(number::duration(seconds as u64))
}

/// Draws the rows that there is room for, and returns the titles of columns that there is none for.
fn list(frame: &mut Frame<'_>, state: &mut State, area: Rect) -> Vec<&'static str> {
    let rows = state.rows();
    let place = state.place(&rows);
    let totals = state.totals.then(|| totals(&rows, state));
    // The titles and the totals have a line each.
    let height = usize::from(area.height).saturating_sub(1 + usize::from(state.totals));
    let height = height.max(1);
    let mut first = state.first.min(rows.len().saturating_sub(height));
    if let Some(place) = place {
        first = first.clamp((place + 1).saturating_sub(height), place);
    }
    let seen = rows.iter().skip(first).take(height);
    let mut cells: Vec<_> = seen
        .map(|shown| (list_row(shown, state), style(shown, state)))
        .collect();
    let last = totals.map(|cells| (cells, Style::new().add_modifier(Modifier::BOLD)));
    let nothing = rows.is_empty();
    drop(rows);
    let widths = widths(cells.iter().chain(&last).map(|(cells, _)| cells), state);
    state.first = first;
    state.widths.clone_from(&widths);
    let (shown, left_out) = fitting(&widths, area.width);

    let mut constraints: Vec<_> = shown
        .iter()
        .filter_map(|&at| widths.get(at))
        .map(|&width| Constraint::Length(u16::try_from(width).unwrap_or(u16::MAX)))
        .collect();
    if shown.last() == Some(&(COLUMNS.len() - 1)) {
        constraints.pop();
        constraints.push(Constraint::Fill(1));
    }
    let row = |cells: &[String]| {
        Row::new(shown.iter().filter_map(|&at| {
            let text = cells.get(at)?.clone();
            Some(match COLUMNS.get(at)?.is_number {
                true => Cell::from(Text::from(text).alignment(Alignment::Right)),
                false => Cell::from(text),
            })
        }))
    };
    let titles = COLUMNS.each_ref().map(|column| column.title.to_owned());
    let bold = Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    let mut lines: Vec<_> = cells
        .drain(..)
        .map(|(cells, style)| row(&cells).style(style))
        .collect();
    if nothing {
        lines.push(Row::new(["none"]));
    }
    let mut table = Table::new(lines, constraints)
        .header(row(&titles).style(bold))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    if let Some((cells, style)) = &last {
        table = table.footer(row(cells).style(*style));
    }
    let mut selected = TableState::new().with_selected(place.map(|place| place - first));
    frame.render_stateful_widget(table, area, &mut selected);
    left_out
}

/// How wide the columns are for these rows, and not less than they were.
fn widths<'a>(rows: impl Iterator<Item = &'a Cells>, state: &State) -> Vec<usize> {
    let mut widths: Vec<_> = COLUMNS
        .iter()
        .map(|column| column.title.len().max(4))
        .collect();
    for (width, &before) in widths.iter_mut().zip(&state.widths) {
        *width = before.max(*width);
    }
    for cells in rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = cell.chars().count().max(*width);
        }
    }
    widths
}

/// The columns that fit, with a blank between them, and the titles of those that do not.
fn fitting(widths: &[usize], room: u16) -> (Vec<usize>, Vec<&'static str>) {
    let mut shown: Vec<_> = (0..COLUMNS.len()).collect();
    let mut left_out = Vec::new();
    loop {
        let taken = shown.iter().filter_map(|&at| widths.get(at)).sum::<usize>() + shown.len() - 1;
        let spare = |&at: &usize| COLUMNS.get(at).map(|column| column.spare);
        let first = shown.iter().copied().filter(|at| spare(at) != Some(0));
        let Some(first) = first.min_by_key(spare).filter(|_| taken > room.into()) else {
            return (shown, left_out);
        };
        shown.retain(|&at| at != first);
        left_out.extend(COLUMNS.get(first).map(|column| column.title));
    }
}

/// Rows that have changed stand out.
fn style(shown: &Shown<'_>, state: &State) -> Style {
    match shown.bytes {
        _ if !state.highlight || !shown.has_changed() => Style::new(),
        1.. => Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD),
        0 => Style::new().add_modifier(Modifier::BOLD),
        _ => Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD),
    }
}

type Cells = [String; COLUMNS.len()];

fn list_row(shown: &Shown<'_>, state: &State) -> Cells {
    let row = shown.row;
    let per_alloc = i64::try_from(row.per_alloc).unwrap_or(i64::MAX);
    let bars = |history: &History| history.bars(BARS, state.ascii);
    [
        row.tag.clone(),
        row.kind.short().to_owned(),
        format!("{} ({})", row.allocs, shown.allocs),
        format!("{} ({})", row.frees, shown.frees),
        row.diff.to_string(),
        with_change(size(row.bytes, state), shown.bytes, state),
        size(per_alloc, state),
        rate(shown, state),
        grows(shown).unwrap_or_default(),
        shown.history.map_or_else(String::new, bars),
        row.whose().chars().take(NAME).collect(),
    ]
}

fn totals(rows: &[Shown<'_>], state: &State) -> Cells {
    let sum = |number: fn(&Shown<'_>) -> i128| rows.iter().map(number).sum::<i128>();
    let bytes = sum(|shown| shown.row.bytes.into());
    let bytes = size(i64::try_from(bytes).unwrap_or(i64::MAX), state);
    let allocs = sum(|shown| shown.row.allocs.into());
    let frees = sum(|shown| shown.row.frees.into());
    let mut cells = Cells::default();
    let filled = [
        "Total".to_owned(),
        rows.len().to_string(),
        format!("{allocs} ({})", sum(|shown| shown.allocs)),
        format!("{frees} ({})", sum(|shown| shown.frees)),
        sum(|shown| shown.row.diff.into()).to_string(),
        with_change(bytes, sum(|shown| shown.bytes), state),
    ];
    for (cell, text) in cells.iter_mut().zip(filled) {
        *cell = text;
    }
    cells
}

/// What would make the tag take less, if much is wasted.
fn remedy(row: &Tag) -> Option<&'static str> {
    let waste = row.waste();
    if waste <= row.bytes / 4 || waste < 4096 {
        return None;
    }
    Some(match row.per_alloc {
        0..=64 => {
            "many small blocks: each has a header; allocate them as an array, or a pool of them"
        }
        65..=4080 => "sizes lie above a size class: round the structure to one, or make it smaller",
        _ => "blocks take whole pages: a size just below a multiple of 4096 wastes least",
    })
}

fn details(state: &State) -> Vec<Line<'static>> {
    let Some(shown) = state.selected() else {
        return vec![Line::from("this tag is gone")];
    };
    let row = shown.row;
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = vec![Line::styled(
        format!("{} {}  {}", row.tag, row.kind.name(), row.whose()),
        bold,
    )];
    let mut say = |text: String| lines.push(Line::from(text));
    if let Some(description) = &row.description {
        let owner = row.owner.as_deref().unwrap_or("-");
        say(format!("  pooltag.txt: {owner}, {description}"));
    }
    let live = size(row.bytes, state);
    let used = size(row.used, state);
    let waste = size(row.waste(), state);
    let blocks = number::count(row.diff, "block");
    say(format!("  live      {blocks}, {live} bytes"));
    say(format!(
        "  taken     {used} bytes, {waste} more than asked for"
    ));
    if let Some(remedy) = remedy(row) {
        say(format!("            {remedy}"));
    }
    if let Some(peak) = row.peak {
        say(format!(
            "  peak      {}",
            size(i64::try_from(peak).unwrap_or(i64::MAX), state)
        ));
    }
    say(format!(
        "  requests  {}, {}, {}",
        number::count(row.allocs, "allocation"),
        number::count(row.frees, "free"),
        number::count(row.failures, "failure")
    ));
    let since = grows(&shown).map_or_else(String::new, |time| format!(", has grown for {time}"));
    say(format!("  growth    {}{since}", rate(&shown, state)));
    if let Some(history) = shown.history {
        say(format!(
            "            {}",
            history.bars(super::history::KEPT, state.ascii)
        ));
    }
    if let Some(site) = &row.first_user {
        say(format!("  first used at {site}"));
    }
    lines.extend(sites(state, row));
    if row.kind.is_pool() {
        lines.extend(violations(state, row));
    }
    lines
}

fn sites(state: &State, row: &Tag) -> Vec<Line<'static>> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = vec![
        Line::from(""),
        Line::styled("Live blocks by call site", bold),
    ];
    let places = state.sites().places.iter();
    let mut of_tag = places
        .filter(|place| place.tag == row.tag && place.memory == row.kind.in_sites())
        .peekable();
    if of_tag.peek().is_none() {
        lines.push(Line::from(if !row.kind.is_pool() {
            "  none is recorded: the verifier's tracking of all memory records them"
        } else if state.is_tracked() {
            "  none of those that were allocated since tracking is on"
        } else {
            "  none is recorded: t records those that are allocated from now on"
        }));
    }
    for place in of_tag {
        // Ages are seconds, never below zero.
        let age = |seconds: f64| number::duration(seconds as u64);
        let bytes = size(i64::try_from(place.bytes).unwrap_or(i64::MAX), state);
        let blocks = number::count(place.blocks, "block");
        let (oldest, newest) = (age(place.oldest), age(place.newest));
        lines.push(Line::from(format!(
            "  {blocks}, {bytes} bytes, {oldest} to {newest} old"
        )));
        for (at, site) in place.stack.iter().enumerate() {
            let arrow = if at == 0 { "  at" } else { "   <" };
            lines.push(Line::from(format!("  {arrow} {}", site.readable())));
        }
    }
    lines
}

fn violations(state: &State, row: &Tag) -> Vec<Line<'static>> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = vec![Line::from(""), Line::styled("Violations", bold)];
    lines.extend(state.violations().of(&row.tag).map(|broken| {
        let (code, module, what) = (&broken.code, &broken.module, &broken.what);
        let caller = broken.caller.readable();
        Line::from(format!("  {code} {module} {caller}: {what}"))
    }));
    if lines.len() == 2 {
        lines.push(Line::from("  none among the last ones"));
    }
    lines
}

fn verifier(frame: &mut Frame<'_>, state: &State, area: Rect) {
    let (verifier, selected) = state.options();
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let on = if verifier.on { "on" } else { "off" };
    let tag = match state.selected() {
        Some(shown) if shown.row.kind.is_pool() => format!("Selected tag: {}", shown.row.tag),
        _ => "No tag is selected".to_owned(),
    };
    let mut lines = vec![
        Line::styled(format!("The verifier is {on}. {tag}"), bold),
        Line::from(verifier.counts.clone()),
        Line::from(""),
    ];
    for (at, option) in verifier.options.iter().enumerate() {
        let style = match at == selected {
            true => Style::new().add_modifier(Modifier::REVERSED),
            false => Style::new(),
        };
        lines.push(Line::styled(format!("  {option}"), style));
    }
    if verifier.options.is_empty() {
        lines.push(Line::from("  no option is in force"));
    }
    let wrapped = Paragraph::new(lines).wrap(Wrap { trim: false });
    frame.render_widget(wrapped, area);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        parse::{sites, verifier, violations},
        select::{Filter, Sort},
        ui::state::Order,
    };
    use ratatui::{
        backend::TestBackend,
        crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
        Terminal,
    };

    /// A screen, and the state behind it.
    struct Test {
        state: State,
        terminal: Terminal<TestBackend>,
    }

    impl Test {
        /// Two samples: Ring has grown by 600 bytes in two seconds, EExt is new.
        fn new() -> Self {
            let mut state = State::new(Filter::default(), Sort::Bytes, false, false);
            let head = "tags - version: 1.1\n# rows 3 allocs 0\n#\n\
                ECfg Paged 1 0 1 500 576 500 500 0 g+0x1/0x2 [two]\n";
            let first = "Ring Nonp 1 0 1 300 320 300 300 0 f+0x1/0x2 [one]\n";
            let second = "Ring Nonp 4 1 3 900 9600 300 900 0 f+0x1/0x2 [one]\n\
                EExt Nonp 1 0 1 48 64 48 48 0 h+0x1/0x2 [two]\n";
            for (seconds, rows) in [(0.0, first), (2.0, second)] {
                let text = format!("{head}{rows}");
                state.sample(Snapshot::of_tags("tags", &text).unwrap(), seconds);
            }
            let terminal = Terminal::new(TestBackend::new(130, 24)).unwrap();
            Self { state, terminal }
        }

        fn lines(&mut self) -> Vec<String> {
            let state = &mut self.state;
            self.terminal.draw(|frame| draw(frame, state)).unwrap();
            let buffer = self.terminal.backend().buffer();
            let line = |y| {
                let cells = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol());
                cells.collect::<String>().trim_end().to_owned()
            };
            (0..buffer.area.height).map(line).collect()
        }

        /// The words of the line that begins so.
        fn row(&mut self, tag: &str) -> String {
            let lines = self.lines();
            let line = lines.iter().find(|line| line.starts_with(tag));
            let line = line.unwrap_or_else(|| panic!("{tag}: {lines:#?}"));
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        }

        fn tags(&mut self) -> String {
            let rows = self
                .lines()
                .into_iter()
                .skip(3)
                .take_while(|line| !line.is_empty());
            let tags = rows.map(|line| line.split(' ').next().unwrap().to_owned());
            tags.collect::<Vec<_>>().join(" ")
        }

        fn press(&mut self, code: KeyCode) -> Order {
            self.state.key(KeyEvent::new(code, KeyModifiers::NONE))
        }

        fn keys(&mut self, keys: &str) -> Order {
            let mut order = Order::None;
            for key in keys.chars() {
                order = self.press(match key {
                    '\n' => KeyCode::Enter,
                    '\x1b' => KeyCode::Esc,
                    other => KeyCode::Char(other),
                });
            }
            order
        }

        fn shows(&mut self, part: &str) {
            let lines = self.lines();
            assert!(
                lines.iter().any(|line| line.contains(part)),
                "{part}: {lines:#?}"
            );
        }
    }

    #[test]
    fn columns() {
        let mut test = Test::new();
        assert_eq!(
            test.lines()[2]
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            "Tag Type Allocs Frees Diff Bytes Per Alloc Growth Grows Trend Module"
        );
        assert_eq!(
            test.row("Ring"),
            "Ring Nonp 4 (3) 1 (1) 3 900 (600) 300 +300/s 2s ▁█ one"
        );
        assert_eq!(
            test.row("EExt"),
            "EExt Nonp 1 (1) 0 (0) 1 48 (48) 48 0 ▁ two"
        );
        assert_eq!(
            test.row("ECfg"),
            "ECfg Paged 1 (0) 0 (0) 1 500 (0) 500 0 ▁▁ two"
        );
    }

    #[test]
    fn orders() {
        for (keys, tags) in [
            ("", "Ring ECfg EExt"),
            ("t", "ECfg EExt Ring"),
            ("a", "Ring ECfg EExt"),
            ("f", "Ring ECfg EExt"),
            ("d", "Ring ECfg EExt"),
            ("m", "ECfg Ring EExt"),
            ("w", "Ring ECfg EExt"),
            ("o", "Ring ECfg EExt"),
            ("g", "Ring ECfg EExt"),
            ("b(", "Ring EExt ECfg"),
            ("tr", "Ring EExt ECfg"),
            ("p", "Ring EExt"),
            ("pp", "ECfg"),
            ("ppp", "none"),
            ("pppp", "Ring ECfg EExt"),
            ("/E?xt\n", "EExt"),
            ("iRing,ECfg\n", "Ring ECfg"),
            ("/E*\n/\n", "Ring ECfg EExt"),
            ("/E*\x1b", "Ring ECfg EExt"),
        ] {
            let mut test = Test::new();
            test.keys(keys);
            assert_eq!(test.tags(), tags, "{keys:?}");
        }
    }

    #[test]
    fn what_has_changed_stands_out() {
        let mut test = Test::new();
        test.press(KeyCode::End);
        let style = |test: &mut Test, y| {
            test.lines();
            test.terminal.backend().buffer()[(0, y)].style()
        };
        assert_eq!(style(&mut test, 3).fg, Some(Color::Yellow));
        assert_ne!(style(&mut test, 4).fg, Some(Color::Yellow));
        test.keys("l");
        assert_ne!(style(&mut test, 3).fg, Some(Color::Yellow));
    }

    #[test]
    fn totals_and_sizes() {
        let mut test = Test::new();
        test.keys("e");
        assert_eq!(test.row("Total"), "Total 3 6 (4) 1 (1) 5 1448 (648)");
        test.keys("k");
        assert_eq!(test.row("Total"), "Total 3 6 (4) 1 (1) 5 1.4K (648)");
    }

    #[test]
    fn details() {
        let mut test = Test::new();
        assert_eq!(test.keys("\n"), Order::Read);
        let sites = "sites - version: 1.0\n# tracked 1 untracked 0\n#\n\
            \x20 2 600 0.5 3.0  Ring Nonp       f+0x1/0x2 [one]\n\t< main+0x3/0x4\n\
            \x20 1 500 0.5 3.0  ECfg Paged      g+0x1/0x2 [two]\n";
        let broken = "violations - version: 2.0\n# reported 1\n#\n\
            1 0.5 0xc2 0x7 0x0 0x0 0x0 one Ring f+0x5/0x6 [one] block freed twice\n";
        test.state.details(
            sites::parse("sites", sites).unwrap(),
            violations::parse("violations", broken).unwrap(),
        );
        for part in [
            "Ring nonpaged  one",
            "3 blocks, 900 bytes",
            "9600 bytes, 8700 more than asked for",
            "sizes lie above a size class",
            "+300/s, has grown for 2s",
            "first used at f+0x1/0x2",
            "2 blocks, 600 bytes, 0s to 3s old",
            "  < main+0x3/0x4",
            "0xc2/0x7 one f+0x5/0x6: block freed twice",
        ] {
            test.shows(part);
        }
        assert!(!test.lines().iter().any(|line| line.contains("g+0x1")));
        assert_eq!(test.keys("t"), Order::Write("tracking tag=Ring".to_owned()));
        test.keys("\x1b");
        assert_eq!(test.tags(), "Ring ECfg EExt");
    }

    #[test]
    fn the_verifier() {
        let mut test = Test::new();
        test.press(KeyCode::Down);
        assert_eq!(test.keys("v"), Order::Read);
        let text = "verifier - version: 2.0\n\
            # on 1 tracked 0 special 0 unserved 0 held 0 kept 0 untracked 0 attempts 7\n#option\n\
            tracking tag=ECfg\ndma\n";
        test.state
            .verifier(verifier::parse("verifier", text).unwrap());
        test.terminal = Terminal::new(TestBackend::new(40, 24)).unwrap();
        test.shows("The verifier is on. Selected tag: ECfg");
        test.shows("untracked 0 attempts 7");
        test.shows("  tracking tag=ECfg");
        let writes = |line: &str| Order::Write(line.to_owned());
        assert_eq!(test.keys("t"), writes("off tracking tag=ECfg"));
        assert_eq!(test.keys("c"), writes("check tag=ECfg"));
        assert_eq!(test.keys("s"), writes("special tag=ECfg"));
        assert_eq!(test.keys("d"), writes("off dma"));
        assert_eq!(test.keys("i"), writes("irql"));
        assert_eq!(test.keys("\n"), writes("off tracking tag=ECfg"));
        assert_eq!(test.keys(":fail nth=2\n"), writes("fail nth=2"));
        assert_eq!(test.keys("o"), writes("off"));
        assert_eq!(test.keys("\x1b"), Order::Read);
        assert_eq!(test.tags(), "Ring ECfg EExt");
    }

    #[test]
    fn help_and_the_end() {
        let mut test = Test::new();
        test.keys("?");
        test.shows("turn the order around");
        test.keys("z");
        assert_eq!(test.tags(), "Ring ECfg EExt");
        assert_eq!(test.keys("q"), Order::Quit);
        assert_eq!(test.keys("x"), Order::Quit);
        let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(test.state.key(control), Order::Quit);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let mut test = Test::new();
        test.keys("/toolong\n");
        test.shows("a tag has at most 4 characters");
        test.keys("l");
        test.shows("? help");
        test.state.unread(&crate::error::Error::NotLoaded);
        test.shows("rust_pool is not loaded: modprobe rust_pool");
        test.keys("l");
        test.shows("rust_pool is not loaded: modprobe rust_pool");
        let empty = Snapshot::of_tags("tags", "tags - version: 1.1\n# rows 0\n#\n").unwrap();
        test.state.said("verifier: off".to_owned());
        test.state.sample(empty, 4.0);
        test.shows("verifier: off");
        test.shows("none");
    }

    #[test]
    fn the_first_row_stays_selected_until_another_is() {
        let grown = |bytes: u32| {
            let text = format!(
                "tags - version: 1.1\n# rows 2\n#\n\
                 ECfg Paged 9 0 9 {bytes} 0 0 0 0 -\nRing Nonp 9 0 9 900 960 300 900 0 -\n"
            );
            Snapshot::of_tags("tags", &text).unwrap()
        };
        let selected = |test: &Test| test.state.selected().unwrap().row.tag.clone();
        let mut test = Test::new();
        assert_eq!(selected(&test), "Ring");
        test.state.sample(grown(1000), 4.0);
        assert_eq!(selected(&test), "ECfg");
        test.keys("\n");
        test.state.sample(grown(10), 6.0);
        assert_eq!(selected(&test), "ECfg");
        test.keys("\x1b");
        test.press(KeyCode::Home);
        assert_eq!(selected(&test), "Ring");
        test.press(KeyCode::Down);
        test.state.sample(grown(1000), 8.0);
        assert_eq!(selected(&test), "ECfg");
    }

    #[test]
    fn columns_that_do_not_fit() {
        let mut test = Test::new();
        test.terminal = Terminal::new(TestBackend::new(58, 24)).unwrap();
        let lines = test.lines();
        assert_eq!(lines[1], "sort bytes; too narrow for Trend, Per Alloc");
        assert!(lines[2].starts_with("Tag  Type  Allocs Frees Diff"));
        assert!(lines[2].ends_with("Growth Grows Module"), "{lines:#?}");
        test.terminal = Terminal::new(TestBackend::new(44, 24)).unwrap();
        let lines = test.lines();
        assert!(lines[2].ends_with("Diff     Bytes"), "{lines:#?}");
        assert!(lines[3].ends_with("3 900 (600)"), "{lines:#?}");
    }

    #[test]
    fn more_rows_than_lines() {
        let mut test = Test::new();
        let rows = (0..100).map(|at| format!("T{at:03} Nonp 1 0 1 {} 0 0 0 0 -\n", 500 - at));
        let text = format!(
            "tags - version: 1.1\n# rows 100\n#\n{}",
            rows.collect::<String>()
        );
        test.state
            .sample(Snapshot::of_tags("tags", &text).unwrap(), 4.0);
        let seen = |test: &mut Test| {
            let lines = test.lines();
            (lines[3][..4].to_owned(), lines[22][..4].to_owned())
        };
        let both = |first: &str, last: &str| (first.to_owned(), last.to_owned());
        assert_eq!(seen(&mut test), both("T000", "T019"));
        for (key, first, last) in [
            (KeyCode::End, "T080", "T099"),
            (KeyCode::PageUp, "T080", "T099"),
            (KeyCode::PageUp, "T069", "T088"),
            (KeyCode::Home, "T000", "T019"),
            (KeyCode::PageDown, "T000", "T019"),
            (KeyCode::PageDown, "T011", "T030"),
        ] {
            test.press(key);
            assert_eq!(seen(&mut test), both(first, last), "{key}");
        }
    }

    #[test]
    fn small_screens() {
        for (columns, rows) in [(1, 1), (20, 3), (80, 24)] {
            let mut test = Test::new();
            test.terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
            for keys in ["", "e", "\n", "\x1b", "v", "?"] {
                test.keys(keys);
                test.lines();
            }
        }
    }
}
