// SPDX-License-Identifier: GPL-2.0

//! Which rows are shown, and in which order.

use crate::{
    pattern::Pattern,
    snapshot::{Kind, Row},
};
use clap::{Args, ValueEnum};
use std::cmp::{Ordering, Reverse};

/// What the rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// the tag, then the type
    Tag,
    /// the type, then the tag
    Type,
    /// allocations
    Allocs,
    /// frees
    Frees,
    /// live blocks
    Diff,
    /// live bytes, as asked for
    Bytes,
    /// live bytes, as taken
    Used,
    /// bytes taken beyond those asked for
    Waste,
    /// bytes of a block on average
    PerAlloc,
    /// the most bytes that ever were live
    Peak,
    /// requests that failed
    Failures,
    /// the module that used the tag first
    Module,
}

impl Sort {
    /// Compares two rows: numbers from the largest down, names from A to Z.
    pub fn compare(self, a: &Row, b: &Row) -> Ordering {
        let name = |row: &Row| (row.tag.clone(), row.kind);
        let number = |row: &Row| -> i128 {
            match self {
                Self::Tag | Self::Type | Self::Module => 0,
                Self::Allocs => row.allocs.into(),
                Self::Frees => row.frees.into(),
                Self::Diff => row.diff.into(),
                Self::Bytes => row.bytes.into(),
                Self::Used => row.used.into(),
                Self::Waste => row.waste().into(),
                Self::PerAlloc => row.per_alloc.into(),
                Self::Peak => row.peak.unwrap_or(0).into(),
                Self::Failures => row.failures.into(),
            }
        };
        match self {
            Self::Type => a.kind.cmp(&b.kind),
            Self::Module => a.whose().cmp(b.whose()),
            _ => Reverse(number(a)).cmp(&Reverse(number(b))),
        }
        .then_with(|| name(a).cmp(&name(b)))
    }
}

/// Which rows are shown.
#[derive(Args, Clone, Debug, Default)]
pub struct Filter {
    /// Only tags that match one of these patterns (* any characters, ? one)
    #[arg(
        short = 'i',
        long = "tag",
        value_name = "PATTERN",
        value_delimiter = ',',
        global = true
    )]
    pub tags: Vec<Pattern>,

    /// No tags that match one of these patterns
    #[arg(
        short = 'x',
        long,
        value_name = "PATTERN",
        value_delimiter = ',',
        global = true
    )]
    pub exclude: Vec<Pattern>,

    /// Only these types of memory
    #[arg(
        short = 'p',
        long = "type",
        value_name = "TYPE",
        value_delimiter = ',',
        global = true
    )]
    pub kinds: Vec<Kind>,

    /// Only rows of these modules, or of these owners by pooltag.txt
    #[arg(
        short,
        long = "module",
        value_name = "NAME",
        value_delimiter = ',',
        global = true
    )]
    pub modules: Vec<String>,
}

impl Filter {
    /// Whether all rows are shown.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
            && self.exclude.is_empty()
            && self.kinds.is_empty()
            && self.modules.is_empty()
    }

    /// Whether the row is shown.
    pub fn has(&self, row: &Row) -> bool {
        let tagged = |pattern: &Pattern| pattern.matches(&row.tag);
        let of_module = |name: &String| {
            [&row.module, &row.owner]
                .into_iter()
                .any(|whose| whose.as_deref() == Some(name))
        };
        (self.tags.is_empty() || self.tags.iter().any(tagged))
            && !self.exclude.iter().any(tagged)
            && (self.kinds.is_empty() || self.kinds.contains(&row.kind))
            && (self.modules.is_empty() || self.modules.iter().any(of_module))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Snapshot;

    fn rows() -> Vec<Row> {
        let text = "tags - version: 1.1\n# rows 3 allocs 0\n#\n\
            Ring Nonp 9 1 8 80 160 10 90 0 a+0x1/0x2 [one]\n\
            RngB Paged 5 5 0 0 0 0 500 2 b+0x1/0x2 [two]\n\
            Abcd Nonp 7 1 6 600 600 100 600 1 -\n";
        Snapshot::of_tags("tags", text).unwrap().rows
    }

    #[test]
    fn orders() {
        for (sort, tags) in [
            (Sort::Tag, "Abcd Ring RngB"),
            (Sort::Type, "Abcd Ring RngB"),
            (Sort::Allocs, "Ring Abcd RngB"),
            (Sort::Frees, "RngB Abcd Ring"),
            (Sort::Diff, "Ring Abcd RngB"),
            (Sort::Bytes, "Abcd Ring RngB"),
            (Sort::Used, "Abcd Ring RngB"),
            (Sort::Waste, "Ring Abcd RngB"),
            (Sort::PerAlloc, "Abcd Ring RngB"),
            (Sort::Peak, "Abcd RngB Ring"),
            (Sort::Failures, "RngB Abcd Ring"),
            (Sort::Module, "Abcd Ring RngB"),
        ] {
            let mut rows = rows();
            rows.sort_by(|a, b| sort.compare(a, b));
            let found: Vec<_> = rows.iter().map(|row| row.tag.as_str()).collect();
            assert_eq!(found.join(" "), tags, "{sort:?}");
        }
    }

    #[test]
    fn filters() {
        let shown = |filter: Filter| {
            let rows = rows().into_iter().filter(|row| filter.has(row));
            rows.map(|row| row.tag).collect::<Vec<_>>().join(" ")
        };
        let patterns = |text: &str| vec![text.parse().unwrap()];
        let tags = |text: &str| Filter {
            tags: patterns(text),
            ..Filter::default()
        };
        assert_eq!(shown(Filter::default()), "Ring RngB Abcd");
        assert_eq!(shown(tags("R*")), "Ring RngB");
        assert_eq!(shown(tags("R?ng")), "Ring");
        let exclude = patterns("R*");
        assert_eq!(
            shown(Filter {
                exclude,
                ..Filter::default()
            }),
            "Abcd"
        );
        let kinds = vec![Kind::Paged];
        assert_eq!(
            shown(Filter {
                kinds,
                ..Filter::default()
            }),
            "RngB"
        );
        let modules = vec!["one".to_owned()];
        assert_eq!(
            shown(Filter {
                modules,
                ..Filter::default()
            }),
            "Ring"
        );
    }
}
