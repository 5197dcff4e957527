//! The folder of a sandbox: a snapshot, and a log of the calls that changed it since. A change is acknowledged only
//! after its line is written, and a write never costs more than its line.

use crate::clock::Clock;
use crate::config::Config;
use crate::error::Error;
use crate::input::{Caller, Millis};
use crate::service::Service;
use crate::state::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SNAPSHOT: &str = "state.json";
const PATIENCE: Duration = Duration::from_secs(5);
/// A log smaller than this is not worth a new snapshot.
const SMALL: u64 = 16 << 20;

/// A change.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) at: Millis,
    pub(crate) change: Change,
}

/// The kinds of change.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    Call {
        caller: Caller,
        service: Service,
        operation: String,
        input: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fail: Option<String>,
    },
    Clock(Clock),
    Config(Box<Config>),
}

/// A snapshot; `log` names the log that goes on from it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved<S> {
    format: u32,
    log: u64,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) last: Millis,
    pub(crate) state: S,
}

impl<S> Saved<S> {
    pub(crate) fn new(clock: Clock, config: Config, last: Millis, state: S) -> Self {
        Self { format: 1, log: 0, clock, config, last, state }
    }
}

/// What a folder held when it was opened.
pub(crate) struct Found {
    pub(crate) saved: Option<Saved<State>>,
    /// The changes since.
    pub(crate) records: Vec<Record>,
}

/// An open folder.
pub(crate) struct Journal {
    folder: PathBuf,
    generation: u64,
    log: File,
    written: u64,
    snapshot: u64,
    /// Held for as long as the folder is open.
    _lock: File,
}

impl Journal {
    /// Opens a folder, for this process alone.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Found), Error> {
        let shown = folder.display();
        fs::create_dir_all(folder).map_err(|e| Error::io(format!("cannot make the folder `{shown}`"), e))?;
        let lock = lock(folder)?;
        let path = folder.join(SNAPSHOT);
        let saved: Option<Saved<State>> = match fs::read(&path) {
            Ok(bytes) => Some(
                serde_json::from_slice(&bytes)
                    .map_err(|source| Error::Unreadable { file: path.display().to_string(), source })?,
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::io(format!("cannot read `{}`", path.display()), error)),
        };
        let generation = saved.as_ref().map_or(0, |saved| saved.log);
        let (log, written, records) = open_log(&log_path(folder, generation))?;
        let snapshot = fs::metadata(&path).map_or(0, |data| data.len());
        let journal = Self { folder: folder.to_owned(), generation, log, written, snapshot, _lock: lock };
        Ok((journal, Found { saved, records }))
    }

    /// Writes a change down. When this returns, the end of this process loses nothing.
    pub(crate) fn append(&mut self, record: &Record) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        if let Err(error) = self.log.write_all(&line) {
            // A half-written line would hide every later one.
            let cut = self.log.set_len(self.written).and_then(|()| self.log.seek(SeekFrom::Start(self.written)));
            return Err(cut.err().unwrap_or(error));
        }
        self.written += line.len() as u64;
        Ok(())
    }

    /// Whether the log has grown so long that a snapshot pays.
    pub(crate) fn is_long(&self) -> bool {
        self.written > SMALL.max(2 * self.snapshot)
    }

    /// Writes the whole state and begins an empty log.
    pub(crate) fn snapshot(&mut self, mut saved: Saved<&State>) -> std::io::Result<()> {
        let next = self.generation + 1;
        saved.log = next;
        let bytes = serde_json::to_vec(&saved)?;
        let log = File::create(log_path(&self.folder, next))?;
        let draft = self.folder.join("state.json.new");
        let mut file = File::create(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&draft, self.folder.join(SNAPSHOT))?;
        let _ = fs::remove_file(log_path(&self.folder, self.generation));
        self.generation = next;
        self.log = log;
        self.written = 0;
        self.snapshot = bytes.len() as u64;
        Ok(())
    }
}

fn log_path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("log-{generation}.jsonl"))
}

/// Another process may be about to end: wait for it a little.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let failed = |e| Error::io(format!("cannot lock `{}`", path.display()), e);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(25));
            }
            Err(TryLockError::WouldBlock) => return Err(Error::InUse(folder.display().to_string())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
}

/// Reads a log up to its first torn line, and cuts it there.
fn open_log(path: &Path) -> Result<(File, u64, Vec<Record>), Error> {
    let failed = |e| Error::io(format!("cannot open `{}`", path.display()), e);
    let options = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
    let mut file = options.map_err(failed)?;
    let mut records = Vec::new();
    let mut good = 0;
    let mut line = Vec::new();
    let mut reader = BufReader::new(&file);
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(failed)?;
        if read == 0 || line.last() != Some(&b'\n') {
            break;
        }
        let Ok(record) = serde_json::from_slice(&line) else { break };
        records.push(record);
        good += read as u64;
    }
    file.set_len(good).and_then(|()| file.seek(SeekFrom::Start(good))).map_err(failed)?;
    Ok((file, good, records))
}
