// SPDX-License-Identifier: GPL-2.0

//! What would make drivers take less memory, or find their mistakes sooner: the rules of the WDK's
//! page on economy, held against the counters. Each line says whose memory it is, how many bytes
//! are at stake, and what to do.

use crate::{
    error::{Result, Version},
    output::{self, Table},
    parse::{
        families::{self, Adapter, Block},
        sites::{self, Place},
        Format, Site,
    },
    pooltag::PoolTags,
    select::Filter,
    snapshot::{Kind, Row, Snapshot},
    source::Source,
};
use serde::Serialize;
use std::collections::BTreeMap;

const PAGE: u64 = 4096;

/// The largest request to pool that does not take whole pages.
const LARGEST_SMALL: u64 = 4080;

/// Waste below this is nobody's concern.
const LITTLE: i64 = 4096;

/// Memory that a driver takes so many seconds after its first is not taken when it starts.
const LATE: f64 = 60.0;

/// So many blocks are many.
const MANY: u64 = 1000;

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A request for less than a page from a routine that gives pages.
    SubPage,
    /// A request for pages that leaves a part of the last one.
    PartOfPage,
    /// Pool that takes much more than was asked for.
    Waste,
    /// Small blocks that come and go.
    Lookaside,
    /// Contiguous memory that is taken again and again.
    Repeated,
    /// Contiguous memory that is taken long after the driver has started.
    Late,
    /// An adapter whose map registers are nearly all in use.
    MapRegisters,
    /// A tag that tells nobody apart.
    Tag,
    /// Requests that failed.
    Failures,
}

impl Rule {
    /// As it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::SubPage => "sub-page",
            Self::PartOfPage => "part-of-page",
            Self::Waste => "waste",
            Self::Lookaside => "lookaside",
            Self::Repeated => "repeated",
            Self::Late => "late",
            Self::MapRegisters => "map-registers",
            Self::Tag => "tag",
            Self::Failures => "failures",
        }
    }
}

/// A line of advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The rule.
    pub rule: Rule,
    /// The tag, or `-` for memory without a tag.
    pub tag: String,
    /// The kind of memory.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The bytes at stake. What that is depends on the rule: what is lost, or what it is about.
    pub bytes: i64,
    /// The module, or `None` if it is not known.
    pub module: Option<String>,
    /// What was found.
    pub found: String,
    /// What to do.
    pub remedy: &'static str,
}

/// All advice, as JSON has it.
#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: String,
    advice: &'a [Advice],
}

/// All of it, what saves most first.
pub struct Advices(pub Vec<Advice>);

impl Advices {
    /// Holds all files against the rules.
    pub fn read(source: &Source, tags: &PoolTags, filter: &Filter) -> Result<Self> {
        let mut snapshot = Snapshot::take(source)?;
        snapshot.describe(tags);
        let rows: Vec<_> = snapshot.rows.iter().filter(|row| filter.has(row)).collect();
        let places = match source.read_if_copied("sites")? {
            Some(text) => sites::parse(&source.path("sites"), &text)?.places,
            None => Vec::new(),
        };
        let sizes = Sizes::of(&places);
        let mut all: Vec<_> = rows.iter().flat_map(|row| of_row(row, &sizes)).collect();
        for (kind, format) in [
            (Kind::Contiguous, families::CONTIGUOUS),
            (Kind::Noncached, families::NONCACHED),
            (Kind::Common, families::COMMON),
        ] {
            if rows.iter().any(|row| row.kind == kind) {
                all.extend(of_blocks(kind, &blocks(source, format)?));
            }
        }
        let shown = |kind: Kind| rows.iter().any(|row| row.kind == kind);
        all.extend(of_places(&places).into_iter().filter(|of| shown(of.kind)));
        if filter.is_empty() {
            if let Some(text) = source.read_if_copied(families::COMMON.name)? {
                let name = source.path(families::COMMON.name);
                let adapters = families::adapters(&name, &text)?;
                all.extend(adapters.iter().filter_map(of_adapter));
            }
        }
        all.sort_by(|a, b| {
            let names = |of: &Advice| (of.rule, of.tag.clone(), of.kind);
            b.bytes
                .cmp(&a.bytes)
                .then_with(|| names(a).cmp(&names(b)))
                .then_with(|| a.found.cmp(&b.found))
        });
        Ok(Self(all))
    }

    /// For people: a line each, and below it what to do.
    pub fn text(&self, human: bool) -> String {
        if self.0.is_empty() {
            return "no advice\n".to_owned();
        }
        let mut table = Table::new(&["<Rule", "<Tag", "<Type", "At stake", "<Module", "<Found"]);
        for advice in &self.0 {
            table.push(vec![
                advice.rule.name().to_owned(),
                advice.tag.clone(),
                advice.kind.short().to_owned(),
                output::bytes(advice.bytes, human),
                advice.module.clone().unwrap_or_else(|| "-".to_owned()),
                advice.found.clone(),
            ]);
        }
        let mut rules: Vec<_> = self.0.iter().map(|of| (of.rule, of.remedy)).collect();
        rules.sort_unstable();
        rules.dedup();
        let mut text = table.text();
        text.push('\n');
        for (rule, remedy) in rules {
            text.push_str(&format!("{}: {remedy}\n", rule.name()));
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Result<String> {
        let document = Document {
            format: "poolmon advice",
            version: Version { major: 1, minor: 0 }.to_string(),
            advice: &self.0,
        };
        output::to_json(&document)
    }
}

fn blocks(source: &Source, format: Format) -> Result<Vec<Block>> {
    let text = source.read_if_copied(format.name)?;
    let blocks = text.map(|text| families::blocks(&source.path(format.name), &text, format));
    Ok(blocks.transpose()?.unwrap_or_default())
}

/// The sizes of blocks by tag and kind, as far as tracking knows.
#[derive(Default)]
struct Sizes<'a>(BTreeMap<(&'a str, &'a str), Vec<u64>>);

impl<'a> Sizes<'a> {
    /// Those of the live blocks at these call sites. Where not all blocks of one have one size, it
    /// is the average of it that counts.
    fn of(places: &'a [Place]) -> Self {
        let mut sizes = Self::default();
        for place in places {
            let of = (place.tag.as_str(), place.memory.as_str());
            let size = place.bytes.checked_div(place.blocks).unwrap_or_default();
            let known = sizes.0.entry(of).or_default();
            if !known.contains(&size) {
                known.push(size);
            }
        }
        sizes
    }

    /// The sizes of a row's blocks; none if they are not known.
    fn of_row(&self, row: &Row) -> &[u64] {
        let of = (row.tag.as_str(), row.kind.in_sites());
        let known = self.0.iter().find(|(key, _)| **key == of);
        known.map_or(&[], |(_, sizes)| sizes.as_slice())
    }
}

fn of_row(row: &Row, sizes: &Sizes<'_>) -> Vec<Advice> {
    let advice = |rule, bytes, found, remedy| Advice {
        rule,
        tag: row.tag.clone(),
        kind: row.kind,
        bytes,
        module: row.module.clone(),
        found,
        remedy,
    };
    let mut all = Vec::new();
    if row.failures != 0 {
        all.push(advice(
            Rule::Failures,
            // What the driver holds, and has to do without more of it.
            row.bytes,
            format!("{} requests failed", row.failures),
            "check that the driver handles NULL and gives back what it had: fail= of the \
             verifier makes requests fail on purpose",
        ));
    }
    if row.kind == Kind::Contiguous && row.allocs >= MANY && row.frees >= row.allocs / 2 {
        all.push(advice(
            Rule::Repeated,
            row.bytes,
            format!("{} allocations, {} frees", row.allocs, row.frees),
            "memory gets fragmented: allocate contiguous memory once, when the driver starts, \
             and use it again",
        ));
    }
    if !row.kind.is_pool() {
        return all;
    }
    let waste = row.waste();
    if waste >= LITTLE && waste > row.bytes / 4 {
        let remedy = if row.per_alloc > LARGEST_SMALL {
            "blocks of more than 4080 bytes take whole pages: ask for multiples of 4096, or \
             split what is a little larger"
        } else {
            "each block has a header and is rounded up: take several as one, or make the \
             structure fit a size class"
        };
        let found = format!(
            "{} blocks of {} bytes take {}",
            row.diff, row.per_alloc, row.used
        );
        all.push(advice(Rule::Waste, waste, found, remedy));
    }
    let comes_and_goes = row.allocs >= 100 * MANY && row.frees >= row.allocs / 10 * 9;
    let peak = row.peak.filter(|&peak| peak != 0);
    if let Some(peak) = peak.filter(|_| comes_and_goes && row.per_alloc <= LARGEST_SMALL) {
        let times = format!("{} allocations, {} frees", row.allocs, row.frees);
        let found = match *sizes.of_row(row) {
            [] => Some(times),
            [size] => Some(format!(
                "{times}, of {size} bytes each where tracking knows"
            )),
            _ => None,
        };
        // The most that such a list could keep.
        all.extend(found.map(|found| {
            advice(
                Rule::Lookaside,
                i64::try_from(peak).unwrap_or(i64::MAX),
                found,
                "if these blocks have one size, a lookaside list keeps them at hand",
            )
        }));
    }
    if let Some(found) = tag_is_poor(&row.tag) {
        all.push(advice(
            Rule::Tag,
            row.bytes,
            found.to_owned(),
            "give each kind of block a tag of its own, of four letters and digits",
        ));
    }
    all
}

/// What is wrong with a tag.
fn tag_is_poor(tag: &str) -> Option<&'static str> {
    if tag == "(other)" {
        return Some("the table of tags is full: not told apart any more");
    }
    if tag.contains('.') {
        return Some("has bytes that cannot be printed, or dots");
    }
    // As on Windows, tags are written backwards in the source, so that they show as they are read.
    let backwards = tag.strip_suffix(|last: char| last.is_ascii_uppercase());
    if backwards.is_some_and(|rest| {
        rest.len() >= 2 && rest.chars().all(|letter| letter.is_ascii_lowercase())
    }) {
        return Some("seems to read backwards: in the source it is to be written so");
    }
    let letters = tag.chars().filter(char::is_ascii_alphanumeric).count();
    match letters {
        0 => Some("has no letter and no digit"),
        1 => Some("has one letter or digit alone"),
        _ => None,
    }
}

/// Blocks of one call site and size.
#[derive(Default)]
struct Alike {
    blocks: u64,
    waste: u64,
}

fn of_blocks(kind: Kind, blocks: &[Block]) -> Vec<Advice> {
    let mut alike: BTreeMap<(&str, u64, &str), Alike> = BTreeMap::new();
    for block in blocks.iter().filter(|block| block.bytes % PAGE != 0) {
        let sum = alike
            .entry((
                block.caller.0.as_str(),
                block.bytes,
                block.tag.as_deref().unwrap_or("-"),
            ))
            .or_default();
        sum.blocks = sum.blocks.saturating_add(1);
        let waste = block.used.saturating_sub(block.bytes);
        sum.waste = sum.waste.saturating_add(waste);
    }
    let advice = |((caller, bytes, tag), sum): ((&str, u64, &str), Alike)| {
        let site = Site(caller.to_owned());
        let times = match sum.blocks {
            1 => "a block".to_owned(),
            blocks => format!("{blocks} blocks"),
        };
        let (rule, remedy) = if bytes < PAGE {
            (
                Rule::SubPage,
                "the routine gives whole pages: share one among several requests, or take pool",
            )
        } else {
            (
                Rule::PartOfPage,
                "the routine gives whole pages: use the rest of the last one too",
            )
        };
        Advice {
            rule,
            tag: tag.to_owned(),
            kind,
            bytes: i64::try_from(sum.waste).unwrap_or(i64::MAX),
            module: site.module().map(str::to_owned),
            found: format!("{times} of {bytes} bytes at {}", site.readable()),
            remedy,
        }
    };
    alike.into_iter().map(advice).collect()
}

/// Contiguous memory that was taken late, as far as tracking knows: it has to have all memory of
/// the driver.
fn of_places(places: &[Place]) -> Vec<Advice> {
    let whose = |place: &Place| place.stack.iter().find_map(Site::module).map(str::to_owned);
    let mut first: BTreeMap<String, f64> = BTreeMap::new();
    for place in places {
        if let Some(module) = whose(place) {
            let oldest = first.entry(module).or_default();
            *oldest = oldest.max(place.oldest);
        }
    }
    let late = |place: &Place| {
        let kinds = [Kind::Contiguous, Kind::Common];
        let kind = kinds
            .into_iter()
            .find(|kind| kind.in_sites() == place.memory)?;
        let module = whose(place)?;
        let after = first.get(&module)? - place.newest;
        if after < LATE {
            return None;
        }
        let caller = place.stack.first().map_or_else(String::new, Site::readable);
        Some(Advice {
            rule: Rule::Late,
            tag: place.tag.clone(),
            kind,
            bytes: i64::try_from(place.bytes).unwrap_or(i64::MAX),
            // Never below zero, and far from an overflow.
            found: format!(
                "taken at {caller} up to {} after what the driver took first",
                crate::number::duration(after as u64)
            ),
            module: Some(module),
            remedy: "memory gets fragmented, and then the request fails: take it when the driver \
                     or the device starts",
        })
    };
    places.iter().filter_map(late).collect()
}

fn of_adapter(adapter: &Adapter) -> Option<Advice> {
    // Nine of ten.
    if adapter.registers == 0 || adapter.in_use < adapter.registers - adapter.registers / 10 {
        return None;
    }
    Some(Advice {
        rule: Rule::MapRegisters,
        tag: "-".to_owned(),
        kind: Kind::Common,
        // What is mapped through them.
        bytes: i64::try_from(adapter.in_use.saturating_mul(PAGE)).unwrap_or(i64::MAX),
        module: None,
        found: format!(
            "{}: {} of {} map registers in use",
            adapter.device, adapter.in_use, adapter.registers
        ),
        remedy: "common buffers and lists share them: free one, or ask for a larger \
                 MaximumLength",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(row: &str) -> Vec<(Rule, i64)> {
        let text = format!("tags - version: 1.1\n# rows 1\n#\n{row}\n");
        let rows = Snapshot::of_tags("tags", &text).unwrap().rows;
        of_row(&rows[0], &Sizes::default())
            .into_iter()
            .map(|advice| (advice.rule, advice.bytes))
            .collect()
    }

    #[test]
    fn tags() {
        for (row, wanted) in [
            ("Ring Nonp 9 0 9 900 960 100 900 0 -", vec![]),
            (
                "Ring Nonp 9 0 9 900 960 100 900 2 -",
                vec![(Rule::Failures, 900)],
            ),
            (
                "Ring Nonp 9 0 9 45000 73728 5000 45000 0 -",
                vec![(Rule::Waste, 28728)],
            ),
            ("Ring Nonp 9 0 9 72000 73728 8000 72000 0 -", vec![]),
            (
                "Ring Nonp 100000 99000 1000 64000 96000 64 70000 0 -",
                vec![(Rule::Waste, 32000), (Rule::Lookaside, 70000)],
            ),
            (
                "Ring Nonp 100000 80000 20000 64000 64000 3 64000 0 -",
                vec![],
            ),
            ("a... Nonp 1 0 1 8 8 8 8 0 -", vec![(Rule::Tag, 8)]),
            ("   1 Nonp 1 0 1 8 8 8 8 0 -", vec![(Rule::Tag, 8)]),
            ("(other) Nonp 1 0 1 8 8 8 8 0 -", vec![(Rule::Tag, 8)]),
            ("gniR Nonp 1 0 1 8 8 8 8 0 -", vec![(Rule::Tag, 8)]),
            ("ring Nonp 1 0 1 8 8 8 8 0 -", vec![]),
            ("rINg Nonp 1 0 1 8 8 8 8 0 -", vec![]),
            ("xA   Nonp 1 0 1 8 8 8 8 0 -", vec![]),
        ] {
            assert_eq!(rules(row), wanted, "{row}");
        }
    }

    #[test]
    fn sizes() {
        let text = "tags - version: 1.1\n# rows 1\n#\n\
            Ring Nonp 100000 99000 1000 64000 64000 64 70000 0 -\n";
        let rows = Snapshot::of_tags("tags", text).unwrap().rows;
        let found = |others: &str| {
            let text = format!(
                "sites - version: 1.0\n# tracked 4 untracked 0\n#\n\
                 2 128 100.0 100.0  Ring Nonp       f+0x1/0x2 [m]\n\
                 1 500 100.0 100.0  Ring Paged      f+0x1/0x2 [m]\n{others}"
            );
            let places = sites::parse("sites", &text).unwrap().places;
            let all = of_row(&rows[0], &Sizes::of(&places));
            all.into_iter().map(|of| of.found).collect::<Vec<_>>()
        };
        let one = "100000 allocations, 99000 frees, of 64 bytes each where tracking knows";
        assert_eq!(found(""), [one]);
        assert_eq!(
            found("3 192 9.0 9.0  Ring Nonp       g+0x1/0x2 [m]\n"),
            [one]
        );
        // Blocks of several sizes are for no list.
        assert!(found("1 65 9.0 9.0  Ring Nonp       g+0x1/0x2 [m]\n").is_empty());
    }

    #[test]
    fn pages() {
        let block = |bytes, used, caller: &str| Block {
            bytes,
            used,
            caller: Site(caller.to_owned()),
            tag: None,
        };
        let found = of_blocks(
            Kind::Noncached,
            &[
                block(64, 4096, "f+0x1/0x2 [m]"),
                block(64, 4096, "f+0x1/0x2 [m]"),
                block(5000, 8192, "g+0x1/0x2"),
                block(8192, 8192, "g+0x1/0x2"),
            ],
        );
        let of: Vec<_> = found
            .iter()
            .map(|of| (of.rule, of.bytes, of.found.as_str(), of.module.as_deref()))
            .collect();
        assert_eq!(
            of,
            [
                (
                    Rule::SubPage,
                    8064,
                    "2 blocks of 64 bytes at f+0x1/0x2",
                    Some("m")
                ),
                (
                    Rule::PartOfPage,
                    3192,
                    "a block of 5000 bytes at g+0x1/0x2",
                    None
                ),
            ]
        );
    }

    #[test]
    fn late() {
        let text = "sites - version: 1.0\n# tracked 4 untracked 0\n#\n\
            1 300 100.0 100.0  Ring Nonp       f+0x1/0x2 [m]\n\
            2 5000 90.0 20.5  Cont contiguous g+0x1/0x2 [m]\n\
            1 5000 90.0 41.0  -    common     h+0x1/0x2 [m]\n\
            1 5000 1.0 1.0  -    contiguous i+0x1/0x2 [n]\n\
            1 5000 1.0 1.0  -    contiguous i+0x1/0x2\n";
        let places = sites::parse("sites", text).unwrap().places;
        let found = of_places(&places);
        let of: Vec<_> = found
            .iter()
            .map(|of| (of.rule, of.tag.as_str(), of.kind, of.bytes))
            .collect();
        assert_eq!(of, [(Rule::Late, "Cont", Kind::Contiguous, 5000)]);
        assert_eq!(
            found[0].found,
            "taken at g+0x1/0x2 up to 1m19s after what the driver took first"
        );
    }

    #[test]
    fn map_registers() {
        let adapter = |registers, in_use| Adapter {
            device: "0000:00:01.0".to_owned(),
            registers,
            in_use,
        };
        assert!(of_adapter(&adapter(16, 14)).is_none());
        let found = of_adapter(&adapter(16, 15)).unwrap();
        assert_eq!(found.found, "0000:00:01.0: 15 of 16 map registers in use");
        assert_eq!(found.bytes, 15 * 4096);
        assert!(of_adapter(&adapter(0, 0)).is_none());
    }
}
