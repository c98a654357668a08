// SPDX-License-Identifier: GPL-2.0

//! What can go wrong, in words that say what to do, and the exit status of each.

use std::{fmt, io, path::PathBuf};

/// The version of a file's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Raised when an older program would read the file wrongly.
    pub major: u32,
    /// Raised when something is added at the end of a row or of a line of the head.
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Why the program cannot do what it was asked for.
#[derive(Debug)]
pub enum Error {
    /// `rust_pool.ko` is not loaded.
    NotLoaded,
    /// It is loaded, but has no files in debugfs.
    NoFiles(PathBuf),
    /// debugfs is not mounted.
    NotMounted,
    /// Only root can read the files.
    NotRoot(PathBuf),
    /// The kernel's lockdown forbids it.
    Lockdown(PathBuf),
    /// A file has a format that this program does not know yet.
    Newer {
        /// The file.
        file: String,
        /// Its version.
        found: Version,
        /// The newest that this program can read.
        known: Version,
    },
    /// A file has a format that this program does not know any more.
    Older {
        /// The file.
        file: String,
        /// Its version.
        found: Version,
        /// The oldest that this program can read.
        known: Version,
    },
    /// A file is not what its first line says.
    Malformed {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// Something cannot be read, written or started.
    Io(String, io::Error),
    /// The arguments make no sense together.
    Usage(String),
    /// The command that `watch` ran has failed.
    Command(String),
}

/// Short for this crate's results.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// The exit statuses, as the manual page lists them.
pub mod status {
    /// A tag grew by more than the limit.
    pub const GREW: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 2;
    /// `rust_pool.ko` is not loaded.
    pub const NOT_LOADED: u8 = 3;
    /// debugfs is not mounted, or has no files of `rust_pool`.
    pub const NO_DEBUGFS: u8 = 4;
    /// The reader is not root.
    pub const NOT_ROOT: u8 = 5;
    /// The kernel is locked down.
    pub const LOCKDOWN: u8 = 6;
    /// A file's format is newer or older than what this program can read.
    pub const VERSION: u8 = 7;
    /// A file is not what its first line says.
    pub const MALFORMED: u8 = 8;
    /// Something cannot be read, written or started.
    pub const IO: u8 = 9;
    /// The command that `watch` ran has failed.
    pub const COMMAND: u8 = 10;
}

impl Error {
    /// The program's exit status.
    pub fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => status::USAGE,
            Self::NotLoaded => status::NOT_LOADED,
            Self::NotMounted | Self::NoFiles(_) => status::NO_DEBUGFS,
            Self::NotRoot(_) => status::NOT_ROOT,
            Self::Lockdown(_) => status::LOCKDOWN,
            Self::Newer { .. } | Self::Older { .. } => status::VERSION,
            Self::Malformed { .. } => status::MALFORMED,
            Self::Io(..) => status::IO,
            Self::Command(_) => status::COMMAND,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoaded => f.write_str("rust_pool is not loaded: modprobe rust_pool"),
            Self::NoFiles(dir) => write!(
                f,
                "rust_pool is loaded, but there is no {}: it was loaded while debugfs was off",
                dir.display()
            ),
            Self::NotMounted => {
                f.write_str("debugfs is not mounted: mount -t debugfs debugfs /sys/kernel/debug")
            }
            Self::NotRoot(path) => {
                write!(f, "only root can read {}: try sudo poolmon", path.display())
            }
            Self::Lockdown(path) => write!(
                f,
                "the kernel is locked down and does not let {} be opened",
                path.display()
            ),
            Self::Newer { file, found, known } => write!(
                f,
                "{file} has format {found}, and this poolmon reads up to {known}: \
                 install the poolmon that came with this rust_pool"
            ),
            Self::Older { file, found, known } => write!(
                f,
                "{file} has format {found}, and this poolmon reads from {known} on: \
                 it is of an older rust_pool"
            ),
            Self::Malformed { file, line, what } => write!(f, "{file}, line {line}: {what}"),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
            Self::Usage(what) | Self::Command(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}
