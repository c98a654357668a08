// SPDX-License-Identifier: GPL-2.0

//! How the bytes of a tag went.

use std::collections::VecDeque;

/// How many samples are kept.
pub const KEPT: usize = 120;

/// The last samples of a tag.
#[derive(Debug, Default)]
pub struct History {
    /// Seconds and bytes, the oldest first.
    samples: VecDeque<(f64, i64)>,
    /// Since when the bytes have not fallen, and how many there were then.
    from: Option<(f64, i64)>,
}

impl History {
    /// Adds a sample.
    pub fn push(&mut self, seconds: f64, bytes: i64) {
        let fell = self.samples.back().is_some_and(|&(_, last)| bytes < last);
        if fell || self.from.is_none() {
            self.from = Some((seconds, bytes));
        }
        if self.samples.len() == KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back((seconds, bytes));
    }

    /// Bytes a second, over all that is kept.
    pub fn rate(&self) -> f64 {
        match (self.samples.front(), self.samples.back()) {
            (Some(&(start, first)), Some(&(end, last))) if end > start => {
                (last as f64 - first as f64) / (end - start)
            }
            _ => 0.0,
        }
    }

    /// For how many seconds the tag has grown and never shrunk; `None` if it has not grown.
    pub fn grows(&self) -> Option<f64> {
        let (&(end, last), (start, first)) = (self.samples.back()?, self.from?);
        (last > first).then_some(end - start)
    }

    /// The last samples as bars of one character each, from the least to the most.
    pub fn bars(&self, width: usize, ascii: bool) -> String {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        const ASCII: [char; 8] = ['_', '.', ',', '-', '~', '=', '*', '#'];
        let marks = if ascii { ASCII } else { BARS };
        let skip = self.samples.len().saturating_sub(width);
        let shown = || self.samples.iter().skip(skip).map(|&(_, bytes)| bytes);
        let (least, most) = (shown().min().unwrap_or(0), shown().max().unwrap_or(0));
        let range = i128::from(most) - i128::from(least);
        shown()
            .map(|bytes| {
                let above = i128::from(bytes) - i128::from(least);
                let height = if range == 0 { 0 } else { above * 7 / range };
                let bar = usize::try_from(height).ok().and_then(|at| marks.get(at));
                bar.copied().unwrap_or(' ')
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[i64]) -> History {
        let mut history = History::default();
        for (seconds, &bytes) in (0u32..).zip(bytes) {
            history.push(seconds.into(), bytes);
        }
        history
    }

    #[test]
    fn growth() {
        assert_eq!(of(&[]).grows(), None);
        assert_eq!(of(&[5]).grows(), None);
        assert_eq!(of(&[5, 5]).grows(), None);
        assert_eq!(of(&[5, 6, 6]).grows(), Some(2.0));
        assert_eq!(of(&[9, 5, 6, 7]).grows(), Some(2.0));
        assert_eq!(of(&[5, 6, 5]).grows(), None);
    }

    #[test]
    fn rates() {
        assert_eq!(of(&[5]).rate(), 0.0);
        assert_eq!(of(&[0, 10, 30]).rate(), 15.0);
        assert_eq!(of(&[30, 0]).rate(), -30.0);
    }

    #[test]
    fn bars() {
        assert_eq!(of(&[]).bars(4, false), "");
        assert_eq!(of(&[3, 3]).bars(4, false), "▁▁");
        assert_eq!(of(&[9, 0, 1, 7, i64::MAX]).bars(4, false), "▁▁▁█");
        assert_eq!(of(&[0, 4, 7]).bars(4, false), "▁▅█");
        assert_eq!(of(&[0, 4, 7]).bars(4, true), "_~#");
    }

    #[test]
    fn bounded() {
        let history = of(&(0..1000).collect::<Vec<_>>());
        assert_eq!(history.samples.len(), KEPT);
        assert_eq!(history.grows(), Some(999.0));
    }
}
