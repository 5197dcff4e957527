//! Brings a program's files together: reads the root, then whatever it imports, each once.
//!
//! Owns the graph of files and its errors (missing, outside, in a circle). Knows nothing of what files declare.

use std::collections::HashMap;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::diagnostics::{Code, Diagnostic};
use crate::files::{FileError, Files, Target, resolve, shown};
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::ast::{self, DeclKind, StrLit};

/// A program's files, parsed.
#[derive(Debug)]
pub struct Loaded {
    /// The texts.
    pub sources: SourceMap,
    /// The files. INVARIANT: those that a file imports stand before it; there is no circle.
    pub files: Vec<LoadedFile>,
    /// The file the run began with, if it could be read.
    pub root: Option<usize>,
    /// What was found on the way.
    pub diagnostics: Vec<Diagnostic>,
}

/// A file of a program.
#[derive(Debug)]
pub struct LoadedFile {
    /// Its text.
    pub id: FileId,
    /// Its path, as [`Files`] takes it.
    pub path: SmolStr,
    /// Its tree; shared with whoever keeps it for the next run.
    pub ast: Arc<ast::File>,
    /// Where its imports and modules lead, by the place of the path; missing where that failed.
    pub links: HashMap<Span, usize>,
}

/// Reads `root` and all it needs, and then `more` (files that are to be checked though nothing imports them).
/// `limit`: the largest file, in bytes.
pub fn load(files: &dyn Files, root: &str, more: &[String], limit: usize) -> Loaded {
    load_with(files, root, more, limit, &mut |file, _, text| {
        let parsed = crate::syntax::parse(file, text);
        (Arc::new(parsed.file), parsed.diagnostics)
    })
}

/// Parses the text of a file (its id, its path), or answers from what was kept of an earlier run. What it gives is
/// what [`crate::syntax::parse`] gives for this id and this text.
pub type Parse<'p> = &'p mut dyn FnMut(FileId, &str, &Arc<str>) -> (Arc<ast::File>, Vec<Diagnostic>);

/// As [`load`], with `parse` in the place of the parser.
pub fn load_with(files: &dyn Files, root: &str, more: &[String], limit: usize, parse: Parse<'_>) -> Loaded {
    let loaded = Loaded { sources: SourceMap::default(), files: Vec::new(), root: None, diagnostics: Vec::new() };
    let mut loader = Loader { door: files, parse, limit, loaded, states: HashMap::new(), chain: Vec::new() };
    let outcome = loader.file(root);
    loader.loaded.root = loader.top(root, outcome);
    for path in more {
        let outcome = loader.file(path);
        loader.top(path, outcome);
    }
    loader.loaded
}

struct Loader<'f> {
    door: &'f dyn Files,
    parse: Parse<'f>,
    limit: usize,
    loaded: Loaded,
    states: HashMap<SmolStr, State>,
    /// The files being read, each with the import that led on from it.
    chain: Vec<(SmolStr, Span)>,
}

#[derive(Clone)]
enum State {
    Reading,
    Done(usize),
    Failed(FileError),
}

enum Failure {
    Circle,
    TooDeep,
    File(FileError),
}

/// Files that import each other in a row; more is an error and no overflow.
const MAX_CHAIN: usize = 256;

impl Loader<'_> {
    /// A file nobody imports: an error about it has no place but itself.
    fn top(&mut self, path: &str, outcome: Result<usize, Failure>) -> Option<usize> {
        match outcome {
            Ok(index) => Some(index),
            Err(Failure::File(error)) => {
                let id = self.loaded.sources.add(shown(path), "");
                self.loaded.diagnostics.push(unreadable(Span::new(id, 0, 0), &shown(path), &error));
                None
            }
            Err(Failure::Circle | Failure::TooDeep) => None,
        }
    }

    fn file(&mut self, path: &str) -> Result<usize, Failure> {
        match self.states.get(path) {
            Some(State::Done(index)) => return Ok(*index),
            Some(State::Reading) => return Err(Failure::Circle),
            Some(State::Failed(error)) => return Err(Failure::File(error.clone())),
            None => {}
        }
        if self.chain.len() > MAX_CHAIN {
            return Err(Failure::TooDeep);
        }
        let bytes = match self.door.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.states.insert(path.into(), State::Failed(error.clone()));
                return Err(Failure::File(error));
            }
        };
        self.states.insert(path.into(), State::Reading);
        let (id, ast) = self.parse(path, &bytes);
        let mut links = HashMap::new();
        let imports = ast.decls.iter().flat_map(paths).map(|path| (path.span, path.plain())).collect::<Vec<_>>();
        for (span, text) in imports {
            if let Some(index) = self.follow(path, span, text) {
                links.insert(span, index);
            }
        }
        let index = self.loaded.files.len();
        self.loaded.files.push(LoadedFile { id, path: path.into(), ast, links });
        self.states.insert(path.into(), State::Done(index));
        Ok(index)
    }

    fn parse(&mut self, path: &str, bytes: &[u8]) -> (FileId, Arc<ast::File>) {
        let decoded = crate::syntax::decode(bytes, self.limit);
        let (text, fault) = match decoded {
            Ok(text) => (text, None),
            Err(error) => (error.text.clone(), Some(error)),
        };
        let id = self.loaded.sources.add(shown(path), text);
        let text = self.loaded.sources.get(id).map(|source| source.text.clone()).unwrap_or_default();
        let (ast, diagnostics) = (self.parse)(id, path, &text);
        match fault {
            None => self.loaded.diagnostics.extend(diagnostics),
            Some(error) => {
                self.loaded.diagnostics.push(error.into_diagnostic(id));
                // What stands for bytes that are no text was reported; whatever else is wrong is told as well.
                let sources = &self.loaded.sources;
                let stands = |span| sources.text(span).contains(char::REPLACEMENT_CHARACTER);
                let rest: Vec<Diagnostic> =
                    diagnostics.into_iter().filter(|finding| !finding.span().is_some_and(stands)).collect();
                self.loaded.diagnostics.extend(rest);
            }
        }
        (id, ast)
    }

    /// The file that a path leads to; none, and an error, if that fails.
    fn follow(&mut self, from: &str, span: Span, text: Option<SmolStr>) -> Option<usize> {
        let Some(text) = text else {
            self.report(
                Diagnostic::new(Code::BadImportPath, span, "a path cannot be computed")
                    .help("write the path out, so that a reader and a review see what is imported"),
            );
            return None;
        };
        let path = match resolve(from, &text) {
            Target::Project(path) | Target::Std(path) | Target::Package(path) => path,
            Target::Outside => {
                self.report(
                    Diagnostic::new(Code::LeavesProject, span, format!("`{text}` leaves the project"))
                        .help("a program reads nothing outside its project; copy the file in, or make it a package"),
                );
                return None;
            }
            Target::Malformed(why) => {
                self.report(Diagnostic::new(Code::BadImportPath, span, format!("`{text}` is no path")).help(why));
                return None;
            }
        };
        self.chain.push((from.into(), span));
        let outcome = self.file(&path);
        let failure = match outcome {
            Ok(index) => {
                self.chain.pop();
                return Some(index);
            }
            Err(failure) => failure,
        };
        let diagnostic = match failure {
            Failure::Circle => self.circle(span, &path),
            Failure::TooDeep => Diagnostic::new(
                Code::TooDeep,
                span,
                format!("more than {MAX_CHAIN} files import each other in a row"),
            ),
            Failure::File(FileError::Outside) => {
                Diagnostic::new(Code::LeavesProject, span, format!("`{text}` leaves the project by a link"))
            }
            Failure::File(error) => unreadable(span, &shown(&path), &error),
        };
        self.chain.pop();
        self.report(diagnostic);
        None
    }

    fn circle(&self, span: Span, path: &str) -> Diagnostic {
        let start = self.chain.iter().position(|(file, _)| file == path).unwrap_or(0);
        let around = self.chain.get(start..).unwrap_or(&[]);
        let mut names: Vec<SmolStr> = around.iter().map(|(file, _)| shown(file)).collect();
        names.push(shown(path));
        let mut diagnostic = Diagnostic::new(Code::ImportCycle, span, format!("import cycle: {}", names.join(" → ")))
            .here("this import closes the circle");
        for (_, import) in around.iter().take(around.len().saturating_sub(1)) {
            diagnostic = diagnostic.also(*import, "which is imported here");
        }
        diagnostic.help("move what both need into a third file")
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.loaded.diagnostics.push(diagnostic);
    }
}

/// The paths a declaration names, its inner ones too.
fn paths(decl: &ast::Decl) -> Vec<&StrLit> {
    match &decl.kind {
        // A path that could not be read is empty, and no string is: that was reported.
        DeclKind::Module { path, .. } | DeclKind::Import { path, .. } if is_unreadable(path) => Vec::new(),
        DeclKind::Import { path, .. } | DeclKind::Module { path, .. } => vec![path],
        DeclKind::For { body, .. } => body.iter().flat_map(paths).collect(),
        DeclKind::If { arms } => arms.iter().flat_map(|(_, body)| body).flat_map(paths).collect(),
        _ => Vec::new(),
    }
}

/// Does it stand for a path that could not be read? A path that is written has at least its quotes.
fn is_unreadable(path: &StrLit) -> bool {
    path.parts.is_empty() && path.span.end - path.span.start != 2
}

fn unreadable(span: Span, path: &str, error: &FileError) -> Diagnostic {
    let not_read = |why: String| Diagnostic::new(Code::FileNotFound, span, format!("`{path}` {why}"));
    match error {
        FileError::NotFound => not_read("does not exist".into()),
        FileError::NotAFile => not_read("is not a file".into()),
        FileError::Outside => Diagnostic::new(Code::LeavesProject, span, format!("`{path}` leaves the project")),
        FileError::TooLarge(limit) => {
            Diagnostic::new(Code::FileTooLarge, span, format!("`{path}` is larger than {limit} bytes"))
                .help("raise the limit with `--max-file`, or split the file")
        }
        FileError::NotPinned => {
            Diagnostic::new(Code::NotPinned, span, format!("`{path}` is not pinned in cell.lock"))
                .help("run `cellc lock` and commit `cell.lock`")
        }
        FileError::Changed { pinned, found } => {
            Diagnostic::new(Code::NotPinned, span, format!("`{path}` is not the file that cell.lock pins"))
                .help(format!("pinned {pinned}, found {found}"))
                .help("if the change is meant, review it and run `cellc lock --update`")
        }
        FileError::Unreadable(why) => not_read(format!("cannot be read: {why}")),
    }
}
