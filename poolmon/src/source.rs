// SPDX-License-Identifier: GPL-2.0

//! Where the files are read from, and why they cannot be.

use crate::error::{Error, Result};
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// A directory with the files.
#[derive(Debug)]
pub struct Source {
    dir: PathBuf,
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
                (words.next()? == "debugfs").then(|| PathBuf::from(place))
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
            system: Some(system),
        })
    }

    /// Files, or copies of them, in a directory that was named.
    pub fn named(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            system: None,
        }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The name of a file, for messages.
    pub fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.dir.join(name);
        let bytes = fs::read(&path).map_err(|error| match &self.system {
            Some(system) => system.explain(&path, error),
            None => Error::Io(path.display().to_string(), error),
        })?;
        text(&path.display().to_string(), bytes)
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

/// What was read, which is plain ASCII.
pub fn text(name: &str, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
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
    fn not_text() {
        let error = text("tags", b"one\ntwo\xff\n".to_vec()).unwrap_err();
        assert_eq!(error.to_string(), "tags, line 2: it is not text");
    }
}
