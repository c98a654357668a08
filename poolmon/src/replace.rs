// SPDX-License-Identifier: GPL-2.0

//! Puts what is written where another file was, at once.

use crate::error::{Error, Result};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Puts the bytes where the other file was, at once: who reads it sees one or the other, also if
/// the disk gets full, or the machine dies. What is no file, such as a device or a pipe, stays what
/// it is, and gets the bytes.
pub fn replace(path: &Path, bytes: &[u8]) -> Result {
    put(path, bytes).map_err(|error| Error::Io(path.display().to_string(), error))
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let before = match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => {
            let mut file = OpenOptions::new().write(true).open(path)?;
            return file.write_all(bytes);
        }
        Ok(meta) => Some(meta),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // A link goes on to lead there.
    let path = match before {
        Some(_) => &fs::canonicalize(path)?,
        None => path,
    };
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut new = OsString::from(".");
    new.push(name);
    // The textfile collector does not look at other names than *.prom.
    new.push(format!(".{}", std::process::id()));
    let new = path.with_file_name(new);
    let made = create(&new)?;
    written(made, bytes, before.as_ref())
        .and_then(|()| fs::rename(&new, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&new);
        })
}

/// Makes a file. In a directory that others may write to, its name may be there already, and lead
/// to where they want to have it written.
fn create(new: &Path) -> io::Result<File> {
    let make = || {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o644).open(new)
    };
    match make() {
        // One that died has left it: its number has come around.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(new)?;
            make()
        }
        other => other,
    }
}

/// Writes it, with the mode and the owner of the file before.
fn written(mut file: File, bytes: &[u8], before: Option<&fs::Metadata>) -> io::Result<()> {
    if let Some(before) = before {
        // Who may not do that is the owner of the new one.
        let _ = std::os::unix::fs::fchown(&file, Some(before.uid()), Some(before.gid()));
        file.set_permissions(fs::Permissions::from_mode(before.mode() & 0o7777))?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Read, os::unix::fs::symlink, path::PathBuf, process::Command};

    /// A directory, which is removed with it.
    struct Dir(PathBuf);

    impl Dir {
        fn new(name: &str) -> Self {
            let name = format!("poolmon-replace-{}-{name}", std::process::id());
            let dir = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
            let mut names: Vec<_> = entries
                .map(|entry| name(entry).into_string().unwrap())
                .collect();
            names.sort();
            names
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_new_file_and_another() {
        let dir = Dir::new("a");
        let file = dir.0.join("f");
        replace(&file, b"one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        replace(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(dir.names(), ["f"]);
    }

    #[test]
    fn a_link_leads_on() {
        let dir = Dir::new("b");
        let (file, link) = (dir.0.join("f"), dir.0.join("link"));
        fs::write(&file, "one").unwrap();
        symlink("f", &link).unwrap();
        replace(&link, b"two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"two");
    }

    /// As /dev/stdout and /dev/null are.
    #[test]
    fn what_is_no_file_stays() {
        let dir = Dir::new("c");
        let pipe = dir.0.join("pipe");
        assert!(Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success());
        // Both ends, so that nothing waits for the other.
        let mut ends = OpenOptions::new();
        let mut ends = ends.read(true).write(true).open(&pipe).unwrap();
        replace(&pipe, b"bytes").unwrap();
        assert!(!fs::metadata(&pipe).unwrap().is_file());
        assert_eq!(dir.names(), ["pipe"]);
        let mut read = [0; 5];
        ends.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"bytes");
    }

    #[test]
    fn a_trap_is_not_written_to() {
        let dir = Dir::new("d");
        let (file, victim) = (dir.0.join("f"), dir.0.join("victim"));
        fs::write(&victim, "its own").unwrap();
        symlink(&victim, dir.0.join(format!(".f.{}", std::process::id()))).unwrap();
        replace(&file, b"bytes").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"its own");
        assert_eq!(dir.names(), ["f", "victim"]);
    }

    #[test]
    fn what_cannot_be_written_leaves_the_other() {
        let dir = Dir::new("e");
        assert!(replace(&dir.0.join("none/f"), b"").is_err());
        assert!(replace(&dir.0, b"").is_err());
        assert!(dir.names().is_empty());
    }
}
