//! `cellc lsp`: the language server on standard input and output. Owns the command, and the disk that the server
//! looks at; the rest is [`cell_lsp`]'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cell_lang::diagnostics::Code;
use cell_lang::files::{FileError, Files};
use cell_lsp::host::{Host, Project as Seen};

use crate::exit::Status;
use crate::files::{Project, below, replace};
use crate::{output, pages};

/// Bytes of a file that are read, as `check` does unless told otherwise.
const MAX_FILE: u64 = 16 << 20;

/// Runs the command.
pub(crate) fn run() -> Status {
    let disk: Arc<dyn Host> = Arc::new(Disk);
    match cell_lsp::stdio(&disk) {
        Ok(()) => Status::Done,
        Err(failure) => output::fail(&failure.to_string()),
    }
}

/// The machine's disk.
struct Disk;

impl Host for Disk {
    fn open(&self, path: &Path) -> Result<Arc<dyn Seen>, FileError> {
        Ok(Arc::new(OnDisk(Project::open(path, MAX_FILE)?)))
    }

    fn folder_of(&self, file: &Path) -> Option<PathBuf> {
        file.ancestors().skip(1).find(|folder| folder.join("main.cell").is_file()).map(Path::to_owned)
    }

    fn programs(&self, folder: &Path) -> Vec<PathBuf> {
        below(folder)
    }

    fn real(&self, path: &Path) -> PathBuf {
        // A file that is not saved yet lies in a folder that may well be there.
        let in_folder = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
        path.canonicalize().ok().or_else(in_folder).unwrap_or_else(|| path.to_owned())
    }

    fn library(&self, path: &str) -> Option<PathBuf> {
        written_out(path, cell_std::read(path)?)
    }

    fn library_text(&self, path: &str) -> Option<String> {
        cell_std::read(path).map(str::to_owned)
    }

    fn library_paths(&self) -> Vec<String> {
        cell_std::FILES.iter().map(|file| file.path.to_owned()).collect()
    }

    fn page_text(&self, code: Code) -> Option<String> {
        pages::page(code).map(str::to_owned)
    }

    fn page(&self, code: Code) -> Option<PathBuf> {
        written_out(&format!("errors/{}.md", code.as_str()), pages::page(code)?)
    }
}

/// Writes a text of this version out for an editor to show, in the user's cache, unless it lies there.
fn written_out(path: &str, text: &str) -> Option<PathBuf> {
    let own = format!("cellc-{}", env!("CARGO_PKG_VERSION"));
    let place = dirs::cache_dir()?.join(own).join(path);
    if std::fs::read_to_string(&place).is_ok_and(|found| found == text) {
        return Some(place);
    }
    std::fs::create_dir_all(place.parent()?).ok()?;
    replace(&place, text.as_bytes()).ok()?;
    Some(place)
}

/// A project on disk.
struct OnDisk(Project);

impl Files for OnDisk {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.0.read(path)
    }
}

impl Seen for OnDisk {
    fn root(&self) -> &Path {
        &self.0.root
    }

    fn main(&self) -> &str {
        &self.0.main
    }

    fn beside(&self) -> Vec<String> {
        self.0.beside()
    }
}
