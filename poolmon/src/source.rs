// SPDX-License-Identifier: GPL-2.0

//! Where the files are read from, and why they cannot be.

use crate::{
    error::{Error, Result},
    output,
};
use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    os::unix::{ffi::OsStringExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

/// A directory with the files.
#[derive(Debug)]
pub struct Source {
    dir: PathBuf,
    /// Whether these are no files of the kernel.
    is_copy: bool,
    /// What to ask for a reason; `None` if the directory was named.
    system: Option<System>,
}

/// What the system knows of itself, in files.
#[derive(Debug)]
pub struct System {
    /// The table of mounts.
    pub mounts: PathBuf,
    /// The directory that is there while the module is loaded.
    pub module: PathBuf,
    /// The kernel's lockdown.
    pub lockdown: PathBuf,
    /// Whether we are root.
    pub root: bool,
}

impl System {
    /// This system.
    pub fn here() -> Self {
        Self {
            mounts: "/proc/self/mounts".into(),
            module: "/sys/module/rust_pool".into(),
            lockdown: "/sys/kernel/security/lockdown".into(),
            // A process's own directory there belongs to its effective user.
            root: fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0),
        }
    }

    /// Where debugfs is mounted, the usual place first.
    fn debugfs(&self) -> Option<PathBuf> {
        let mounts = fs::read_to_string(&self.mounts).ok()?;
        let mut places: Vec<_> = mounts
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ').skip(1);
                let place = words.next()?;
                (words.next()? == "debugfs").then(|| unescaped(place))
            })
            .collect();
        places.sort_by_key(|place| place != Path::new("/sys/kernel/debug"));
        places.into_iter().next()
    }

    fn is_locked_down(&self) -> bool {
        fs::read_to_string(&self.lockdown)
            .is_ok_and(|text| text.contains('[') && !text.contains("[none]"))
    }

    /// Why a file could not be opened.
    fn explain(&self, path: &Path, error: io::Error) -> Error {
        let loaded = self.module.exists();
        match error.kind() {
            _ if !loaded => Error::NotLoaded,
            io::ErrorKind::NotFound => {
                let dir = path.parent().unwrap_or(path);
                if dir.exists() {
                    Error::Io(path.display().to_string(), error)
                } else {
                    Error::NoFiles(dir.to_owned())
                }
            }
            io::ErrorKind::PermissionDenied if self.is_locked_down() && self.root => {
                Error::Lockdown(path.to_owned())
            }
            io::ErrorKind::PermissionDenied if !self.root => Error::NotRoot(path.to_owned()),
            _ => Error::Io(path.display().to_string(), error),
        }
    }
}

/// A path as the table of mounts has it: a blank is `\040`.
fn unescaped(place: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = place.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| first == b'\\');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(byte.unwrap_or(first));
        rest = after.get(byte.map_or(0, |_| 3)..).unwrap_or_default();
    }
    OsString::from_vec(bytes).into()
}

impl Source {
    /// The files of the module that is loaded.
    pub fn live(system: System) -> Result<Self> {
        let debugfs = system.debugfs().ok_or(Error::NotMounted);
        // That the module is missing is the better advice.
        let debugfs = match debugfs {
            Err(_) if !system.module.exists() => return Err(Error::NotLoaded),
            other => other?,
        };
        Ok(Self {
            dir: debugfs.join("rust_pool"),
            is_copy: false,
            system: Some(system),
        })
    }

    /// Files, or copies of them, in a directory that was named.
    pub fn named(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            // The kernel's own have no length, wherever debugfs is mounted.
            is_copy: !fs::metadata(dir.join("tags")).is_ok_and(|meta| meta.len() == 0),
            system: None,
        }
    }

    /// Whether these are copies, which do not change.
    pub fn is_copy(&self) -> bool {
        self.is_copy
    }

    /// Writes a line to a file of the module. Copies stay as they are.
    pub fn write(&self, name: &str, line: &str) -> Result {
        let path = self.dir.join(name);
        if self.is_copy {
            let what = format!("{} is a copy: nothing is switched there", path.display());
            return Err(Error::Usage(what));
        }
        let file = fs::OpenOptions::new().write(true).open(&path);
        let mut file = file.map_err(|error| self.explain(&path, error))?;
        file.write_all(line.as_bytes())
            .map_err(|error| match error.kind() {
                io::ErrorKind::InvalidInput => {
                    Error::Usage(format!("the kernel refused \"{line}\"; dmesg says why"))
                }
                _ => Error::Io(path.display().to_string(), error),
            })
    }

    /// The name of a file, for messages.
    pub fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.dir.join(name);
        let bytes = fs::read(&path).map_err(|error| self.explain(&path, error))?;
        text(&path.display().to_string(), bytes)
    }

    fn explain(&self, path: &Path, error: io::Error) -> Error {
        match &self.system {
            Some(system) => system.explain(path, error),
            None => Error::Io(path.display().to_string(), error),
        }
    }

    /// Reads a file that need not be in a directory of copies.
    pub fn read_if_copied(&self, name: &str) -> Result<Option<String>> {
        match self.read(name) {
            Ok(text) => Ok(Some(text)),
            Err(Error::Io(_, error))
                if self.system.is_none() && error.kind() == io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// What was read, which is plain ASCII. If it is not what the kernel wrote, there may be anything
/// in it: what a terminal would take for a command becomes a `?`, before it comes to any screen.
pub fn text(name: &str, bytes: Vec<u8>) -> Result<String> {
    let shown = |text: String| {
        let part = |line: &str| output::printable(line.trim_end_matches('\r'));
        let lines: Vec<_> = text.split('\n').map(part).collect();
        lines.join("\n")
    };
    String::from_utf8(bytes).map(shown).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..good).unwrap_or_default();
        Error::Malformed {
            file: name.to_owned(),
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            what: "it is not text".to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system in a directory of its own, which is removed with it.
    struct Fake(PathBuf);

    impl Fake {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("poolmon-{}-{name}", std::process::id()));
            fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        fn mounted(self) -> Self {
            let debug = self.0.join("debug");
            fs::create_dir_all(&debug).unwrap();
            let line = format!(
                "proc /proc proc rw 0 0\ndebugfs {} debugfs rw 0 0\n",
                debug.display()
            );
            fs::write(self.0.join("mounts"), line).unwrap();
            self
        }

        fn loaded(self) -> Self {
            fs::create_dir_all(self.0.join("module")).unwrap();
            self
        }

        fn locked_down(self) -> Self {
            fs::write(
                self.0.join("lockdown"),
                "none [integrity] confidentiality\n",
            )
            .unwrap();
            self
        }

        fn system(&self, root: bool) -> System {
            System {
                mounts: self.0.join("mounts"),
                module: self.0.join("module"),
                lockdown: self.0.join("lockdown"),
                root,
            }
        }

        fn error(&self) -> Error {
            match Source::live(self.system(true)) {
                Ok(source) => source.read("tags").unwrap_err(),
                Err(error) => error,
            }
        }

        fn denied(&self, root: bool) -> Error {
            let denied = io::Error::from(io::ErrorKind::PermissionDenied);
            self.system(root)
                .explain(Path::new("/debug/rust_pool/tags"), denied)
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn not_loaded() {
        assert!(matches!(Fake::new("a").error(), Error::NotLoaded));
        assert!(matches!(Fake::new("b").mounted().error(), Error::NotLoaded));
        assert!(matches!(Fake::new("c").denied(false), Error::NotLoaded));
    }

    #[test]
    fn not_mounted() {
        assert!(matches!(Fake::new("d").loaded().error(), Error::NotMounted));
    }

    #[test]
    fn no_files() {
        let fake = Fake::new("e").loaded().mounted();
        assert!(matches!(fake.error(), Error::NoFiles(_)));
    }

    #[test]
    fn denied() {
        let fake = Fake::new("f").loaded();
        assert!(matches!(fake.denied(false), Error::NotRoot(_)));
        assert!(matches!(fake.denied(true), Error::Io(..)));
        let fake = fake.locked_down();
        assert!(matches!(fake.denied(true), Error::Lockdown(_)));
        assert!(matches!(fake.denied(false), Error::NotRoot(_)));
    }

    #[test]
    fn read_where_it_is_mounted() {
        let fake = Fake::new("g").loaded().mounted();
        fs::create_dir_all(fake.0.join("debug/rust_pool")).unwrap();
        fs::write(fake.0.join("debug/rust_pool/tags"), "text\n").unwrap();
        let source = Source::live(fake.system(true)).unwrap();
        assert_eq!(source.read("tags").unwrap(), "text\n");
        assert!(matches!(
            source.read_if_copied("summary"),
            Err(Error::Io(..))
        ));
        let copies = Source::named(&fake.0.join("debug/rust_pool"));
        assert_eq!(copies.read_if_copied("summary").unwrap(), None);
    }

    #[test]
    fn mounted_at_a_place_with_a_blank() {
        for (place, path) in [
            ("/sys/kernel/debug", "/sys/kernel/debug"),
            ("/a\\040b\\134", "/a b\\"),
            ("/a\\04", "/a\\04"),
            ("/a\\9é", "/a\\9é"),
        ] {
            assert_eq!(unescaped(place), Path::new(path));
        }
    }

    #[test]
    fn copies_stay_as_they_are() {
        let fake = Fake::new("h").loaded().mounted();
        let dir = fake.0.join("debug/rust_pool");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("verifier"), "verifier - version: 2.0\n").unwrap();
        let error = Source::named(&dir).write("verifier", "off").unwrap_err();
        assert!(error.to_string().contains("is a copy"), "{error}");
        let kept = fs::read_to_string(dir.join("verifier")).unwrap();
        assert_eq!(kept, "verifier - version: 2.0\n");
        let live = Source::live(fake.system(true)).unwrap();
        live.write("verifier", "off").unwrap();
        let written = fs::read_to_string(dir.join("verifier")).unwrap();
        assert!(written.starts_with("off"));
    }

    #[test]
    fn commands_to_the_terminal_are_not_read() {
        let evil = "a\x1b[2J\u{9b}b\u{202e}c\r\n\td\n";
        let read = text("tags", evil.into()).unwrap();
        assert_eq!(read, "a?[2J?b?c\n\td\n");
    }

    #[test]
    fn not_text() {
        let error = text("tags", b"one\ntwo\xff\n".to_vec()).unwrap_err();
        assert_eq!(error.to_string(), "tags, line 2: it is not text");
    }
}
