//! The folder of one cell's bootstrap, or of one component in one cell: the document that targets read, the repositories as
//! they were fetched, and a bootstrap's notes. Owns that one run at a time works in it, and that only its user reads what
//! lies there.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A folder that is held.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Locked, and empty for ever.
    lock: File,
}

impl Folder {
    /// Makes the folder if it is not there, and holds it; none when another run does, or something that an earlier run's
    /// target started and that lives.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub fn hold(path: &Path) -> io::Result<Option<Self>> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
        let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { path: path.canonicalize()?, lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// An input without anything in it, which holds the folder for as long as it is open: a target of a run that was
    /// killed may go on, and no other run may begin beside it.
    ///
    /// # Errors
    /// When the system has no handle left.
    pub fn input(&self) -> io::Result<Stdio> {
        self.lock.try_clone().map(Stdio::from)
    }

    /// Where something of this name lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads a file; none when it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces a file: aside, synced, renamed, and for its user alone; where it lies.
    ///
    /// # Errors
    /// When it cannot be written; the one before is then still there.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let (path, aside) = (self.path(name), self.path(&format!(".{name}")));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // What a run that was killed left aside.
        absent(fs::remove_file(&aside))?;
        let mut file = options.open(&aside)?;
        file.write_all(bytes).and_then(|()| file.sync_all())?;
        fs::rename(&aside, &path)?;
        File::open(&self.path)?.sync_all()?;
        Ok(path)
    }

    /// Removes a file, or a folder with all that is in it; one that is not there is no error.
    ///
    /// # Errors
    /// When it stays.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path(name);
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(error) => absent(Err(error)),
        }
    }
}

fn absent(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::process::Command;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn one_run_holds_it_and_what_that_run_started() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/cell.a");
        let held = Folder::hold(&path).unwrap().unwrap();
        assert!(Folder::hold(&path).unwrap().is_none());
        let mut child = Command::new("cat").arg("-").stdin(held.input().unwrap()).spawn().unwrap();
        assert!(child.wait().unwrap().success(), "there is nothing in it to read");
        let mut child = Command::new("sleep").arg("20").stdin(held.input().unwrap()).spawn().unwrap();
        drop(held);
        assert!(Folder::hold(&path).unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        // What another thread starts at this moment has every open file until it is the program it is to be.
        let soon = Instant::now() + Duration::from_secs(10);
        while Folder::hold(&path).unwrap().is_none() {
            assert!(Instant::now() < soon, "nobody is left who holds it");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_lies_there_is_for_its_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let held = Folder::hold(&folder.path().join("cell.a")).unwrap().unwrap();
        for text in ["one", "two"] {
            let path = held.write("record.json", text.as_bytes()).unwrap();
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(held.read("record.json").unwrap().unwrap(), text.as_bytes());
        }
        assert_eq!(held.path("").metadata().unwrap().permissions().mode() & 0o777, 0o700);
        held.remove("record.json").unwrap();
        held.remove("record.json").unwrap();
        assert_eq!(held.read("record.json").unwrap(), None);
    }
}
