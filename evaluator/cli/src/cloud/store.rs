//! The record in a file: the snapshot, beside it the journal's segments and the lock.
//!
//! Owns durability: a snapshot is written aside, synced and renamed; a segment is synced before it counts. The lock is
//! the operating system's and goes with its process, so a killed run leaves none behind.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cell_eval::lock::digest;
use cell_eval::registry::store::{Lease, Owner, Published, Shelf, Store, StoreError, Stored};
use serde::{Deserialize, Serialize};

/// Links after one another that are followed, as many as Linux follows. (path_resolution(7))
const LINKS: usize = 40;

/// A record in a file.
#[derive(Debug)]
pub(crate) struct FileStore {
    path: PathBuf,
    shown: String,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    lock: Option<File>,
    segment: Option<File>,
    /// Does the segment end in half a line that could not be taken back? Nothing may come after it.
    torn: bool,
}

/// What the lock's file says of who holds it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    fence: u64,
    owner: Option<Owner>,
}

/// Where a link leads, also to what is not there yet: lock and journal lie beside the record itself, whichever way one comes to it,
/// and the link stays.
fn followed(path: PathBuf) -> PathBuf {
    let mut at = path.clone();
    for _ in 0..LINKS {
        let Ok(to) = fs::read_link(&at) else { return at };
        at = at.parent().map_or_else(|| to.clone(), |folder| folder.join(&to));
    }
    path
}

impl FileStore {
    /// The record at `path`; `shown` is how it is called.
    pub(crate) fn new(path: PathBuf, shown: String) -> Self {
        Self { path: followed(path), shown, held: Mutex::default() }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(ending);
        name.into()
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn open_lock(&self) -> io::Result<File> {
        fs::create_dir_all(self.folder())?;
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(self.beside(".lock"))
    }

    /// The segments by name, which is their order.
    fn segment_paths(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(self.beside(".journal")) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut all: Vec<PathBuf> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        all.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
        all.sort_unstable();
        Ok(all)
    }

    fn current(&self) -> io::Result<Option<Stored>> {
        Self::stored(&self.path)
    }

    fn shelf(&self, which: Published) -> PathBuf {
        let name = self.path.file_name().map(|name| which.name(&name.to_string_lossy()));
        self.path.with_file_name(name.unwrap_or_default())
    }

    fn stored(path: &Path) -> io::Result<Option<Stored>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(Stored { version: digest(&bytes), bytes })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write_snapshot(&self, bytes: &[u8]) -> io::Result<()> {
        let aside = self.beside(&format!(".{}", std::process::id()));
        let written = File::create(&aside)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&aside, &self.path));
        if written.is_err() {
            // The first failure is what is told; what stays behind is a file of a name of its own.
            let _ = fs::remove_file(&aside);
        }
        written?;
        sync_folder(self.folder())
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn object_failed(&self, name: &str, what: &str, error: &io::Error) -> StoreError {
        StoreError::Failed(format!("{} cannot be {what}: {error}", self.object_place(name)))
    }

    fn failed(&self, what: &str, error: &io::Error) -> StoreError {
        StoreError::Failed(format!("{} cannot be {what}: {error}", self.shown))
    }
}

impl Store for FileStore {
    fn place(&self) -> String {
        self.shown.clone()
    }

    fn lock(&self, owner: &Owner) -> Result<Lease, StoreError> {
        let mut file = self.open_lock().map_err(|error| self.failed("locked", &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let note = read_note(&mut file).map_err(|error| self.failed("locked", &error))?;
                let unknown = Owner { run: "unknown".to_owned(), who: "another process".to_owned(), ..owner.clone() };
                return Err(StoreError::Locked(Box::new(note.owner.unwrap_or(unknown))));
            }
            Err(TryLockError::Error(error)) => return Err(self.failed("locked", &error)),
        }
        let note = read_note(&mut file).map_err(|error| self.failed("locked", &error))?;
        let lease = Lease { owner: owner.clone(), fence: note.fence + 1 };
        let note = Note { fence: lease.fence, owner: Some(owner.clone()) };
        write_note(&mut file, &note).map_err(|error| self.failed("locked", &error))?;
        self.held().lock = Some(file);
        Ok(lease)
    }

    fn renew(&self, _: &Lease) -> Result<(), StoreError> {
        Ok(())
    }

    /// It goes with the process, and with nothing else.
    fn assure(&self, _: &Lease) -> Result<(), StoreError> {
        Ok(())
    }

    fn unlock(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut held = self.held();
        held.segment = None;
        if let Some(mut file) = held.lock.take() {
            let note = Note { fence: lease.fence, owner: None };
            write_note(&mut file, &note).map_err(|error| self.failed("unlocked", &error))?;
        }
        Ok(())
    }

    fn holder(&self) -> Result<Option<Owner>, StoreError> {
        let mut file = match File::open(self.beside(".lock")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("read", &error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                Ok(read_note(&mut file).map_err(|error| self.failed("read", &error))?.owner)
            }
            Err(TryLockError::Error(error)) => Err(self.failed("read", &error)),
        }
    }

    fn break_lock(&self) -> Result<Option<Owner>, StoreError> {
        match self.holder()? {
            None => Ok(None),
            Some(owner) => Err(StoreError::Locked(Box::new(owner))),
        }
    }

    fn load(&self) -> Result<Option<Stored>, StoreError> {
        self.current().map_err(|error| self.failed("read", &error))
    }

    fn save(&self, _: &Lease, bytes: &[u8], version: Option<&str>) -> Result<String, StoreError> {
        let current = self.load()?;
        if current.as_ref().map(|stored| stored.version.as_str()) != version {
            return Err(StoreError::Moved);
        }
        self.write_snapshot(bytes).map_err(|error| self.failed("written", &error))?;
        Ok(digest(bytes))
    }

    fn append(&self, lease: &Lease, segment: &[u8]) -> Result<(), StoreError> {
        let mut held = self.held();
        let append = |held: &mut Held| -> io::Result<()> {
            if held.segment.is_none() {
                let folder = self.beside(".journal");
                fs::create_dir_all(&folder)?;
                let path = folder.join(format!("{:012}.jsonl", lease.fence));
                held.segment = Some(OpenOptions::new().append(true).create(true).open(path)?);
                sync_folder(&folder)?;
                sync_folder(self.folder())?;
            }
            let Held { segment: Some(file), torn, .. } = held else { return Ok(()) };
            if *torn {
                return Err(io::Error::other("an earlier line of the journal was cut short"));
            }
            let before = file.metadata()?.len();
            let written = file.write_all(segment).and_then(|()| file.sync_data());
            // Half a segment must not stand before the next one. What is told is why it was not written.
            *torn = written.is_err() && file.set_len(before).is_err();
            written
        };
        append(&mut held).map_err(|error| self.failed("written", &error))
    }

    fn segments(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let paths = self.segment_paths().map_err(|error| self.failed("read", &error))?;
        paths.iter().map(fs::read).collect::<io::Result<_>>().map_err(|error| self.failed("read", &error))
    }

    fn clear(&self, _: &Lease) -> Result<(), StoreError> {
        self.held().segment = None;
        let paths = self.segment_paths().map_err(|error| self.failed("read", &error))?;
        paths.iter().try_for_each(fs::remove_file).map_err(|error| self.failed("written", &error))
    }
}

impl Shelf for FileStore {
    fn published_place(&self, which: Published) -> String {
        which.name(&self.shown)
    }

    fn published(&self, which: Published) -> Result<Option<Stored>, StoreError> {
        Self::stored(&self.shelf(which)).map_err(|error| self.failed("published", &error))
    }

    fn publish(&self, which: Published, bytes: &[u8], version: Option<&str>) -> Result<(), StoreError> {
        let now = self.published(which)?;
        if now.as_ref().map(|stored| stored.version.as_str()) != version {
            return Err(StoreError::Moved);
        }
        crate::files::replace(&self.shelf(which), bytes).map_err(|error| self.failed("published", &error))
    }

    fn object_place(&self, name: &str) -> String {
        format!("{}.releases/{name}", self.shown)
    }

    fn objects(&self) -> Result<Vec<String>, StoreError> {
        let entries = match fs::read_dir(self.beside(".releases")) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.object_failed("", "read", &error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| self.object_failed("", "read", &error))?;
            // What a writer has aside begins with a dot.
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_file() && !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn object(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        let failed = |error: io::Error| self.object_failed(name, "read", &error);
        Self::stored(&self.beside(".releases").join(name)).map_err(failed)
    }

    fn put_object(&self, name: &str, bytes: &[u8], version: Option<&str>) -> Result<String, StoreError> {
        let path = self.beside(".releases").join(name);
        let replace = || -> io::Result<bool> {
            let folder = path.parent().unwrap_or(&path);
            fs::create_dir_all(folder)?;
            // Between the look and the rename nobody else may write: they wait here.
            let gate = File::create(self.beside(".releases").join(".gate"))?;
            gate.lock()?;
            if Self::stored(&path)?.map(|stored| stored.version).as_deref() != version {
                return Ok(false);
            }
            crate::files::replace(&path, bytes)?;
            sync_folder(folder)?;
            Ok(true)
        };
        match replace() {
            Ok(true) => Ok(digest(bytes)),
            Ok(false) => Err(StoreError::Moved),
            Err(error) => Err(self.object_failed(name, "written", &error)),
        }
    }
}

fn read_note(file: &mut File) -> io::Result<Note> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    // A note that was cut short says nothing; the lock itself is the operating system's.
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

fn write_note(file: &mut File, note: &Note) -> io::Result<()> {
    let text = serde_json::to_string(note)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// What was renamed or made in a folder is durable only when the folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn owner(run: &str) -> Owner {
        Owner {
            run: run.into(),
            who: "ana@host".into(),
            process: 7,
            command: "apply".into(),
            since: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn one_holds_it_and_the_other_is_told_who() {
        let folder = tempfile::tempdir().unwrap();
        let store = |name: &str| FileStore::new(folder.path().join(name), name.to_owned());
        let (one, two) = (store("r.json"), store("r.json"));
        let lease = one.lock(&owner("first")).unwrap();
        let Err(StoreError::Locked(by)) = two.lock(&owner("second")) else { unreachable!("it is held") };
        assert_eq!(*by, owner("first"));
        assert_eq!(two.holder().unwrap(), Some(owner("first")));
        one.unlock(&lease).unwrap();
        assert_eq!(two.holder().unwrap(), None);
        assert_eq!(two.lock(&owner("second")).unwrap().fence, lease.fence + 1);
    }

    #[test]
    fn a_snapshot_is_replaced_only_by_who_read_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::new(folder.path().join("deep/r.json"), "r.json".to_owned());
        let lease = store.lock(&owner("first")).unwrap();
        let first = store.save(&lease, b"one", None).unwrap();
        assert_eq!(store.save(&lease, b"two", None), Err(StoreError::Moved));
        store.save(&lease, b"two", Some(&first)).unwrap();
        assert_eq!(store.load().unwrap().unwrap().bytes, b"two");
    }

    /// The record lies elsewhere, and a link leads to it: what is written goes there, and who comes by the link or not has one lock.
    #[test]
    #[cfg(unix)]
    fn a_link_to_a_record_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("real")).unwrap();
        let link = folder.path().join("r.json");
        std::os::unix::fs::symlink("real/r.json", &link).unwrap();
        let store = || FileStore::new(link.clone(), "r.json".to_owned());
        let by_link = store();
        let lease = by_link.lock(&owner("first")).unwrap();
        let first = by_link.save(&lease, b"one", None).unwrap();
        let direct = FileStore::new(folder.path().join("real/r.json"), "r.json".to_owned());
        assert!(direct.lock(&owner("second")).is_err());
        by_link.save(&lease, b"two", Some(&first)).unwrap();
        assert!(link.is_symlink());
        assert_eq!(direct.load().unwrap().unwrap().bytes, b"two");
        assert_eq!(store().load().unwrap().unwrap().bytes, b"two");
    }

    /// `/dev/full` is a disk without room, and takes nothing back either.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_told_as_one_and_nothing_is_written_after_half_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::new(folder.path().join("r.json"), "r.json".to_owned());
        let lease = store.lock(&owner("first")).unwrap();
        let segment = folder.path().join(format!("r.json.journal/{:012}.jsonl", lease.fence));
        fs::create_dir(segment.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/dev/full", &segment).unwrap();
        let first = store.append(&lease, b"a\n").unwrap_err().to_string();
        assert!(first.contains("r.json cannot be written: No space left on device"), "{first}");
        let second = store.append(&lease, b"b\n").unwrap_err().to_string();
        assert!(second.contains("cut short"), "{second}");
    }

    #[test]
    fn segments_stay_until_they_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let store = || FileStore::new(folder.path().join("r.json"), "r.json".to_owned());
        let first = store();
        let lease = first.lock(&owner("first")).unwrap();
        first.append(&lease, b"a\n").unwrap();
        first.append(&lease, b"b\n").unwrap();
        drop(first);
        let second = store();
        let lease = second.lock(&owner("second")).unwrap();
        second.append(&lease, b"c\n").unwrap();
        assert_eq!(second.segments().unwrap(), [b"a\nb\n".to_vec(), b"c\n".to_vec()]);
        second.clear(&lease).unwrap();
        assert_eq!(second.segments().unwrap(), Vec::<Vec<u8>>::new());
    }
}
