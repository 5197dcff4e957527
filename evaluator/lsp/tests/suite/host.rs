//! A machine in memory: its files, the programs among them, the standard library.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cell_lang::diagnostics::Code;
use cell_lang::files::{FileError, Files, STD, shown};
use cell_lsp::host::{Host, Project};

/// Files by their whole path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Machine {
    files: Arc<Mutex<BTreeMap<PathBuf, String>>>,
}

/// Where the project of a test lies.
pub(crate) const ROOT: &str = "/project";

impl Machine {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let machine = Self::default();
        files.iter().for_each(|(path, text)| machine.write(path, text));
        machine
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        self.files.lock().unwrap().insert(Path::new(ROOT).join(path), text.to_owned());
    }

    pub(crate) fn remove(&self, path: &str) {
        self.files.lock().unwrap().remove(&Path::new(ROOT).join(path));
    }

    fn text(&self, path: &Path) -> Option<String> {
        self.files.lock().unwrap().get(path).cloned()
    }

    /// The paths at and below a folder.
    fn below(&self, folder: &Path) -> Vec<PathBuf> {
        self.files.lock().unwrap().keys().filter(|path| path.starts_with(folder)).cloned().collect()
    }

    fn is_program(&self, folder: &Path) -> bool {
        self.text(&folder.join("main.cell")).is_some()
    }
}

impl Host for Machine {
    fn open(&self, path: &Path) -> Result<Arc<dyn Project>, FileError> {
        let folder = self.is_program(path);
        let main = if folder { path.join("main.cell") } else { path.to_owned() };
        self.text(&main).ok_or(FileError::NotFound)?;
        let main = main.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned();
        Ok(Arc::new(InMemory { machine: self.clone(), folder: folder.then(|| path.to_owned()), main }))
    }

    fn folder_of(&self, file: &Path) -> Option<PathBuf> {
        file.ancestors().skip(1).find(|folder| self.is_program(folder)).map(Path::to_owned)
    }

    fn programs(&self, folder: &Path) -> Vec<PathBuf> {
        let mains = self.below(folder).into_iter().filter(|path| path.ends_with("main.cell"));
        mains.filter_map(|path| path.parent().map(Path::to_owned)).collect()
    }

    fn real(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    fn library(&self, path: &str) -> Option<PathBuf> {
        cell_std::read(path).map(|_| Path::new("/library").join(path))
    }

    fn library_text(&self, path: &str) -> Option<String> {
        cell_std::read(path).map(str::to_owned)
    }

    fn library_paths(&self) -> Vec<String> {
        cell_std::FILES.iter().map(|file| file.path.to_owned()).collect()
    }

    fn page_text(&self, code: Code) -> Option<String> {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/errors");
        std::fs::read_to_string(pages.join(format!("{}.md", code.as_str()))).ok()
    }

    fn page(&self, code: Code) -> Option<PathBuf> {
        Some(Path::new("/library/errors").join(format!("{}.md", code.as_str())))
    }
}

struct InMemory {
    machine: Machine,
    folder: Option<PathBuf>,
    main: String,
}

impl Files for InMemory {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let library = path.starts_with(STD).then(|| cell_std::read(&shown(path)).map(str::to_owned)).flatten();
        let text = library.or_else(|| self.machine.text(&Path::new(ROOT).join(path)));
        text.map(String::into_bytes).ok_or(FileError::NotFound)
    }
}

impl Project for InMemory {
    fn root(&self) -> &Path {
        Path::new(ROOT)
    }

    fn main(&self) -> &str {
        &self.main
    }

    fn beside(&self) -> Vec<String> {
        let Some(folder) = &self.folder else { return Vec::new() };
        let own = |path: &PathBuf| {
            let between = path.ancestors().skip(1).take_while(|above| above != folder);
            path.extension().is_some_and(|ending| ending == "cell")
                && between.into_iter().all(|f| !self.machine.is_program(f))
        };
        let files = self.machine.below(folder).into_iter().filter(own);
        files.map(|path| path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned()).collect()
    }
}
