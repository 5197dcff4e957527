//! Which programs there are, and which a file belongs to. Owns the programs that are known and what is kept of each.
//!
//! A file belongs to the program of the nearest folder upward with a `main.cell`, to every known program that imports
//! it, and, if there is neither, it is a program by itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cell_lang::files::{FileError, Files, STD, shown};

use crate::analysis::{Analysis, Trees};
use crate::host::{Host, Project};
use crate::text::Buffers;

/// A program that is known.
struct Known {
    project: Arc<dyn Project>,
    trees: Trees,
    /// The last analysis; none if something it looked at changed since.
    last: Option<Arc<Analysis>>,
}

/// The programs of the folders that are open.
pub(crate) struct Workspace {
    host: Arc<dyn Host>,
    folders: Vec<PathBuf>,
    /// By the folder, or the file, that names the program.
    programs: BTreeMap<PathBuf, Known>,
    /// Were the folders looked through?
    searched: bool,
}

impl Workspace {
    pub(crate) fn new(host: Arc<dyn Host>, folders: Vec<PathBuf>) -> Self {
        Self { host, folders, programs: BTreeMap::new(), searched: false }
    }

    /// The machine.
    pub(crate) fn host(&self) -> &Arc<dyn Host> {
        &self.host
    }

    /// A file changed: in the editor, or on disk.
    pub(crate) fn changed(&mut self, file: &Path) {
        let own = self.host.folder_of(file);
        for (path, known) in &mut self.programs {
            let sees = known.last.as_ref().is_some_and(|last| last.overlay.has_seen(file));
            if sees || own.as_ref() == Some(path) || path == file {
                known.last = None;
            }
        }
    }

    /// Other folders are open now.
    pub(crate) fn set_folders(&mut self, folders: Vec<PathBuf>) {
        self.folders = folders;
        self.search_again();
    }

    /// Programs came or went: they are looked for again.
    pub(crate) fn search_again(&mut self) {
        self.searched = false;
        self.programs.clear();
    }

    fn known(&mut self, path: &Path) -> &mut Known {
        let host = &self.host;
        self.programs.entry(path.to_owned()).or_insert_with(|| {
            let project = host.open(path).unwrap_or_else(|_| Unsaved::project(host, path));
            Known { project, trees: Trees::default(), last: None }
        })
    }

    fn search(&mut self) {
        if self.searched {
            return;
        }
        self.searched = true;
        for folder in self.folders.clone() {
            for program in self.host.programs(&folder) {
                self.known(&program);
            }
        }
    }

    /// The program as it is now.
    pub(crate) fn analysis(&mut self, program: &Path, buffers: &Arc<Buffers>) -> Arc<Analysis> {
        let known = self.known(program);
        if let Some(analysis) = &known.last {
            return Arc::clone(analysis);
        }
        let analysis = Arc::new(Analysis::new(&known.project, buffers, &mut known.trees));
        known.last = Some(Arc::clone(&analysis));
        analysis
    }

    /// A program with other texts, which are not kept.
    pub(crate) fn imagine(&mut self, program: &Path, buffers: &Arc<Buffers>) -> Analysis {
        let known = self.known(program);
        let mut trees = known.trees.clone();
        Analysis::new(&known.project, buffers, &mut trees)
    }

    /// The programs that are known, with those of the texts that are open.
    pub(crate) fn all(&mut self, buffers: &Arc<Buffers>) -> Vec<PathBuf> {
        self.search();
        for file in buffers.keys() {
            self.of_file(file, buffers).iter().for_each(|program| {
                self.known(program);
            });
        }
        self.programs.keys().cloned().collect()
    }

    /// The programs that a file belongs to, its own first.
    pub(crate) fn of_file(&mut self, file: &Path, buffers: &Arc<Buffers>) -> Vec<PathBuf> {
        self.search();
        let own = self.host.folder_of(file);
        if let Some(own) = &own {
            self.known(own);
        }
        let known: Vec<PathBuf> = self.programs.keys().cloned().collect();
        let mut found: Vec<PathBuf> = own.iter().cloned().collect();
        for program in known {
            let standalone = program == file;
            if !standalone
                && own.as_ref() != Some(&program)
                && self.analysis(&program, buffers).file_at(file).is_some()
            {
                found.push(program);
            }
        }
        if found.is_empty() {
            found.push(file.to_owned());
        }
        found
    }
}

/// A program that is on no disk yet: one text that is open.
struct Unsaved {
    host: Arc<dyn Host>,
    root: PathBuf,
    main: String,
}

impl Unsaved {
    fn project(host: &Arc<dyn Host>, path: &Path) -> Arc<dyn Project> {
        let root = path.parent().unwrap_or(path).to_owned();
        let main = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Arc::new(Self { host: Arc::clone(host), root, main })
    }
}

impl Files for Unsaved {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let library = path.starts_with(STD).then(|| self.host.library_text(&shown(path))).flatten();
        library.map(String::into_bytes).ok_or(FileError::NotFound)
    }
}

impl Project for Unsaved {
    fn root(&self) -> &Path {
        &self.root
    }

    fn main(&self) -> &str {
        &self.main
    }

    fn beside(&self) -> Vec<String> {
        Vec::new()
    }
}
