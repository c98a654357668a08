// SPDX-License-Identifier: GPL-2.0

//! What files in debugfs show: a table, or a text for people to read.
//!
//! Tables are rendered row by row. Files have mode 0400 and neither ioctl nor mmap, so lockdown
//! leaves them readable. Those that can be written have mode 0600, and lockdown closes them.

use crate::{
    callers::call_site::LastName,
    lib::text::Line,
    sys::{
        debugfs::{
            self,
            Directory,
            Rendered, //
        },
        seq::{
            self,
            Lines,
            Writable, //
        }, //
    }, //
};
use core::marker::PhantomData;
use kernel::{
    fmt,
    prelude::*,
    seq_file::SeqFile,
    str::CStr, //
};

/// A table that a file shows.
pub(crate) trait Table: 'static {
    /// Prints the first lines, of which the first has the version.
    fn head(file: &SeqFile);

    /// Renders the row at or behind a position, and returns the position behind it. Positions begin
    /// at 0. In a table with a name in each row, `last` has the name of the row before.
    fn row(position: u64, line: &mut Line, last: &mut LastName) -> Option<u64>;
}

/// A table that can be written to.
pub(crate) trait Control: Table {
    /// Applies the text, all of it or nothing. Sleeps.
    fn write(text: &[u8]) -> Result;
}

/// A text for people to read, which is rendered when the file is opened.
pub(crate) trait Page: 'static {
    /// Writes the whole text, whose first line has the version. Fails only without memory. Sleeps.
    fn write(to: &mut Paper) -> Result;
}

/// The state of an open table: the row to show, and, within one read, the name that was looked up
/// last.
#[derive(Zeroable)]
struct Cursor {
    line: Line,
    last: LastName,
}

/// The lines of a table.
struct Rows<T: Table>(PhantomData<T>);

impl<T: Table> Lines for Rows<T> {
    type State = Cursor;

    fn head(file: &SeqFile) {
        T::head(file);
    }

    fn resume(cursor: &mut Cursor) {
        // Modules may have been loaded and unloaded since the last read.
        cursor.last.forget();
    }

    fn render(cursor: &mut Cursor, position: u64) -> Option<u64> {
        cursor.line.clear();
        T::row(position, &mut cursor.line, &mut cursor.last)
    }

    fn line(cursor: &Cursor) -> &[u8] {
        cursor.line.as_bytes()
    }
}

impl<T: Control> Writable for Rows<T> {
    fn write(text: &[u8]) -> Result {
        T::write(text)
    }
}

/// A text of any length.
pub(crate) struct Paper(KVVec<u8>);

impl fmt::Write for Paper {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0
            .extend_from_slice(text.as_bytes(), GFP_KERNEL)
            .map_err(|_| fmt::Error)
    }
}

/// The text of a page.
struct Written<T: Page>(PhantomData<T>);

impl<T: Page> Rendered for Written<T> {
    fn render() -> Result<KVVec<u8>> {
        let mut paper = Paper(KVVec::new());
        T::write(&mut paper)?;
        Ok(paper.0)
    }
}

/// A directory that gets files with contents.
pub(crate) trait Files {
    /// Adds a file that shows a table. Sleeps.
    fn file<T: Table>(&self, name: &CStr);

    /// Adds a file that shows a text for people to read. Sleeps.
    fn page<T: Page>(&self, name: &CStr);

    /// Adds a file that can be written as well. Sleeps.
    fn control<T: Control>(&self, name: &CStr);
}

impl Files for Directory {
    fn file<T: Table>(&self, name: &CStr) {
        self.add::<seq::Shown<Rows<T>>>(name, 0o400);
    }

    fn page<T: Page>(&self, name: &CStr) {
        self.add::<debugfs::Page<Written<T>>>(name, 0o400);
    }

    fn control<T: Control>(&self, name: &CStr) {
        self.add::<seq::Written<Rows<T>>>(name, 0o600);
    }
}
