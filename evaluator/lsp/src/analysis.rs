//! One program, loaded and checked: with the open texts before those on disk, and the trees of files that did not
//! change kept. Owns what is kept; what is said of a program is cell-lang's and cell-eval's.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cell_eval::access::pins::Pins;
use cell_eval::lock::{LOCK_FILE, Lock};
use cell_eval::packages::Pinned;
use cell_lang::check::{Checked, Notes, check_noting};
use cell_lang::diagnostics::Diagnostic;
use cell_lang::files::{FileError, Files, PACKAGE, STD};
use cell_lang::index::Index;
use cell_lang::load::{LoadedFile, load_with};
use cell_lang::source::{FileId, SourceMap, Span};
use cell_lang::syntax::{self, ast};
use smol_str::SmolStr;

use crate::host::Project;
use crate::text::Buffers;

/// Bytes of a file, as `cellc check` takes them unless told otherwise.
pub(crate) const MAX_FILE: usize = 16 << 20;

/// A project's files, with the open texts before those on disk.
pub(crate) struct Overlay {
    pub(crate) project: Arc<dyn Project>,
    pub(crate) buffers: Arc<Buffers>,
    /// The files that were asked for, there or not.
    seen: Mutex<HashSet<PathBuf>>,
}

impl Overlay {
    fn new(project: &Arc<dyn Project>, buffers: &Arc<Buffers>) -> Self {
        Self { project: Arc::clone(project), buffers: Arc::clone(buffers), seen: Mutex::default() }
    }

    /// Was this file asked for?
    pub(crate) fn has_seen(&self, file: &Path) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).contains(file)
    }

    /// The place of a file of the project.
    fn place(&self, path: &str) -> Option<PathBuf> {
        let outside = path.starts_with(STD) || path.starts_with(PACKAGE);
        (!outside).then(|| lexical(self.project.root(), path))
    }

    /// The other files of the program's folder, with those that are open and not on disk yet.
    pub(crate) fn beside(&self) -> Vec<String> {
        let mut paths = self.project.beside();
        let main = lexical(self.project.root(), self.project.main());
        // A program that is one file has none beside it.
        let whole = main.file_name().is_some_and(|name| name == "main.cell");
        for path in self.buffers.keys().filter(|_| whole) {
            if let Some(inside) = main.parent().and_then(|folder| path.strip_prefix(folder).ok())
                && inside.components().count() == 1
                && path.extension().is_some_and(|extension| extension == "cell")
                && let Some(path) = path.strip_prefix(self.project.root()).ok().and_then(Path::to_str)
            {
                paths.push(path.replace('\\', "/"));
            }
        }
        paths.sort_unstable();
        paths.dedup();
        paths.retain(|path| path != self.project.main());
        paths
    }
}

impl Files for Overlay {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let Some(place) = self.place(path) else { return self.project.read(path) };
        let open = self.buffers.get(&place).map(|buffer| buffer.text.as_bytes().to_vec());
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
        open.map_or_else(|| self.project.read(path), Ok)
    }
}

/// `path` below `root`, by its words.
pub(crate) fn lexical(root: &Path, path: &str) -> PathBuf {
    let mut place = root.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            place.pop();
        } else {
            place.push(part);
        }
    }
    place
}

/// What was parsed of a file.
#[derive(Clone)]
struct Kept {
    id: FileId,
    text: Arc<str>,
    ast: Arc<ast::File>,
    diagnostics: Vec<Diagnostic>,
}

/// Trees by path, of the last run.
#[derive(Clone, Default)]
pub(crate) struct Trees {
    kept: HashMap<SmolStr, Kept>,
}

/// A program as it was at one instant.
pub(crate) struct Analysis {
    /// The texts.
    pub(crate) sources: Arc<SourceMap>,
    /// What the check came to.
    pub(crate) checked: Checked,
    /// The files, those that are imported before those that import them.
    pub(crate) files: Vec<LoadedFile>,
    /// Types of expressions.
    pub(crate) notes: Notes,
    /// Where the files were read from.
    pub(crate) overlay: Overlay,
    /// What pins the packages.
    lock: Lock,
    index: OnceLock<Index>,
}

impl Analysis {
    /// Loads and checks a program. `trees` are those of an earlier run, and take in the new ones.
    pub(crate) fn new(project: &Arc<dyn Project>, buffers: &Arc<Buffers>, trees: &mut Trees) -> Self {
        let overlay = Overlay::new(project, buffers);
        let lock = match Lock::read(&overlay) {
            Ok(lock) => lock,
            Err(finding) => return Self::without_lock(overlay, finding),
        };
        let mut next = HashMap::new();
        let mut parse = |id: FileId, path: &str, text: &Arc<str>| {
            let kept = match trees.kept.get(path) {
                Some(kept) if kept.id == id && kept.text == *text => kept.clone(),
                _ => {
                    let parsed = syntax::parse(id, text);
                    Kept { id, text: Arc::clone(text), ast: Arc::new(parsed.file), diagnostics: parsed.diagnostics }
                }
            };
            let answer = (Arc::clone(&kept.ast), kept.diagnostics.clone());
            next.insert(SmolStr::from(path), kept);
            answer
        };
        let more = overlay.beside();
        let loaded = load_with(&Pinned::new(&overlay, &lock), project.main(), &more, MAX_FILE, &mut parse);
        trees.kept = next;
        let (checked, files, notes) = check_noting(loaded);
        let sources = Arc::clone(&checked.sources);
        Self { sources, checked, files, notes, overlay, lock, index: OnceLock::new() }
    }

    /// Of a program whose lock cannot be used: nothing else is said of it.
    fn without_lock(overlay: Overlay, finding: Diagnostic) -> Self {
        let mut sources = SourceMap::default();
        sources.add(LOCK_FILE, "");
        let sources = Arc::new(sources);
        let checked = Checked { sources: Arc::clone(&sources), program: None, diagnostics: vec![finding] };
        let (lock, index) = (Lock::default(), OnceLock::new());
        Self { sources, checked, files: Vec::new(), notes: Notes::default(), overlay, lock, index }
    }

    /// The files as the program may read them.
    pub(crate) fn pinned(&self) -> Pinned<'_, Overlay> {
        Pinned::new(&self.overlay, &self.lock)
    }

    /// The documents of policies that the lock pins; the findings if one is not as it is pinned.
    pub(crate) fn pins(&self) -> Result<Pins, Vec<Diagnostic>> {
        self.lock.pins(&self.overlay)
    }

    /// What the words of the program stand for.
    pub(crate) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(&self.files, &self.notes))
    }

    /// The file at a place on disk.
    pub(crate) fn file_at(&self, place: &Path) -> Option<&LoadedFile> {
        self.files.iter().find(|file| self.overlay.place(&file.path).is_some_and(|at| at == place))
    }

    /// The file of an id.
    pub(crate) fn file(&self, id: FileId) -> Option<&LoadedFile> {
        self.files.iter().find(|file| file.id == id)
    }

    /// The place on disk of a file of the project; none for one of a package or the library.
    pub(crate) fn place(&self, file: &LoadedFile) -> Option<PathBuf> {
        self.overlay.place(&file.path)
    }

    /// The text of a file.
    pub(crate) fn text(&self, id: FileId) -> &str {
        self.sources.get(id).map_or("", |source| &source.text)
    }

    /// The text at a place.
    pub(crate) fn words(&self, span: Span) -> &str {
        self.sources.text(span)
    }
}
