// SPDX-License-Identifier: GPL-2.0

//! The file `verifier`: the options in force.

use super::{File, Format};
use crate::error::Result;

/// What this program can read.
pub const FORMAT: Format = Format::new("verifier", 2, 0);

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verifier {
    /// Whether allocations go through it.
    pub on: bool,
    /// The second line.
    pub counts: String,
    /// The options in force, as they can be written back.
    pub options: Vec<String>,
}

/// Reads the file. `name` is for messages.
pub fn parse(name: &str, text: &str) -> Result<Verifier> {
    let file = File::new(name, text, FORMAT)?;
    let mut note = file.note();
    let counts = note.rest().to_owned();
    let on: u32 = note.named("on")?;
    let lines = file.rows().map(|row| row.rest().to_owned());
    Ok(Verifier {
        on: on != 0,
        counts,
        // If there is none, the file says so in a word that can be written back, too.
        options: lines.filter(|line| line != "off").collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let text = "verifier - version: 2.0\n\
            # on 1 tracked 0 untracked 0 attempts 3 injected 1 special 3 unserved 0 held 0 kept 0\n\
            #option\nfail nth=2 # pid 112, struck\ndma\n";
        let verifier = parse("verifier", text).unwrap();
        assert!(verifier.on);
        assert!(verifier.counts.starts_with("on 1 tracked 0"));
        assert_eq!(verifier.options, ["fail nth=2 # pid 112, struck", "dma"]);
        let off = "verifier - version: 2.0\n# on 0 tracked 0\n#option\noff\n";
        let verifier = parse("verifier", off).unwrap();
        assert_eq!((verifier.on, verifier.options.len()), (false, 0));
    }
}
