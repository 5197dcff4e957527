//! Renames: every place in all programs that know the name, and a `moved` block where what is renamed has an address.
//!
//! Owns which edits a rename takes. Whether the program is as sound after it as before is asked of the compiler: the
//! edits are tried on the texts, and a rename that would bring an error is refused with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cell_eval::budget::Options;
use cell_eval::findings;
use cell_lang::diagnostics::{Diagnostic, Severity};
use cell_lang::index::{Role, Symbol, What};
use cell_lang::schema::Kind;
use cell_lang::source::{LineIndex, Span};
use cell_lang::syntax::ast::{Body, Decl, DeclKind, ExprKind, Item};
use lsp_types::{
    DocumentChanges, OneOf, OptionalVersionedTextDocumentIdentifier, Position, PrepareRenameResponse, RenameParams,
    TextDocumentEdit, TextDocumentPositionParams, TextEdit, Url, WorkspaceEdit,
};
use smol_str::SmolStr;

use crate::analysis::Analysis;
use crate::server::Refusal;
use crate::text::{Buffer, Buffers};
use crate::view::View;
use crate::worker::Worker;

/// Edits by file: bytes and what to put there.
type Edits = BTreeMap<PathBuf, BTreeSet<(u32, u32, String)>>;

/// Answers `textDocument/prepareRename`.
pub(crate) fn prepare(
    worker: &mut Worker,
    params: &TextDocumentPositionParams,
) -> Result<Option<PrepareRenameResponse>, Refusal> {
    let place = worker.place(&params.text_document.uri)?;
    let target = target(worker, &place, params.position)?;
    Ok(Some(PrepareRenameResponse::RangeWithPlaceholder {
        range: target.view.range(target.word),
        placeholder: target.name.to_string(),
    }))
}

/// Answers `textDocument/rename`.
pub(crate) fn rename(worker: &mut Worker, params: &RenameParams) -> Result<Option<WorkspaceEdit>, Refusal> {
    let at = &params.text_document_position;
    let place = worker.place(&at.text_document.uri)?;
    let target = target(worker, &place, at.position)?;
    let new = params.new_name.trim();
    if new == target.name {
        return Ok(None);
    }
    if !is_word(new) {
        return Err(Refusal(format!(
            "`{new}` is no name: a name is a letter, then letters, digits, `_`, and `-` between such"
        )));
    }
    target.may_be_called(new)?;
    let programs = worker.views(&target.home);
    let mut edits = Edits::new();
    for (_, view) in &programs {
        collect(view, &target, new, &mut edits)?;
    }
    tried(worker, &programs, &edits)?;
    Ok(Some(workspace_edit(worker, &programs, &edits)))
}

/// What is to be renamed.
struct Target {
    view: View,
    symbol: Symbol,
    name: SmolStr,
    /// The word that was pointed at.
    word: Span,
    /// The file that declares it, on disk.
    home: PathBuf,
    /// Where in it.
    start: Position,
    /// Where it is declared.
    declared: Span,
}

/// What the word at a position stands for, if that can be renamed.
fn target(worker: &mut Worker, place: &Path, position: Position) -> Result<Target, Refusal> {
    let refuse = |why: &str| Err(Refusal(why.to_owned()));
    for (_, view) in worker.views(place) {
        let Some(word) = view.word(place, position).cloned() else { continue };
        let declared = match &word.symbol {
            Symbol::Named(_, span) => *span,
            Symbol::Entity(..) => match view.declaration(&word.symbol) {
                Some(declaration) => declaration.span,
                None => return refuse("it is declared nowhere"),
            },
            Symbol::Computed(..) => {
                return refuse("the label is computed: rename what it is computed from");
            }
            Symbol::Kind(_) | Symbol::Every(_) | Symbol::Builtin(_) | Symbol::BaseType(_) => {
                return refuse("it is a word of the language");
            }
            Symbol::Field(..) | Symbol::Meta(_) => return refuse("it is a field of the language"),
            Symbol::Member(_) => {
                return refuse("fields of records are not renamed: records are the same by their fields");
            }
            Symbol::File(_) => return refuse("files are renamed where files are kept"),
        };
        let Some(file) = view.analysis.file(declared.file) else { continue };
        let Some(home) = view.analysis.place(file) else {
            let shown = view.analysis.sources.path(declared.file);
            return Err(Refusal(format!("it is declared in {shown}, which is not of this project")));
        };
        let name = SmolStr::from(view.analysis.words(declared));
        let start = view.range(declared).start;
        return Ok(Target { symbol: word.symbol, name, word: word.span, home, start, declared, view });
    }
    refuse("nothing here has a name")
}

/// Is it a name of the language?
fn is_word(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.split('-').all(plain)
}

impl Target {
    /// Refuses a name that is taken where this one is declared.
    fn may_be_called(&self, new: &str) -> Result<(), Refusal> {
        let index = self.view.analysis.index();
        let taken = index.declarations().iter().find(|other| {
            other.span.file == self.declared.file
                && other.name == new
                && other.symbol != self.symbol
                && shares_names(&self.symbol, &other.symbol)
        });
        match taken {
            Some(other) => {
                Err(Refusal(format!("`{new}` is already declared, in {}", self.view.place_text(other.span))))
            }
            None => Ok(()),
        }
    }
}

/// Do two symbols share a space of names?
fn shares_names(one: &Symbol, other: &Symbol) -> bool {
    let space = |symbol: &Symbol| match symbol {
        Symbol::Named(What::Type, _) => 1,
        Symbol::Named(What::Defaults, _) => 2,
        Symbol::Named(..) => 0,
        _ => 3,
    };
    match (one, other) {
        (Symbol::Entity(_, kind, _), Symbol::Entity(_, other, _)) => kind == other,
        _ => space(one) == space(other) && space(one) != 3,
    }
}

/// The edits of one program.
fn collect(view: &View, target: &Target, new: &str, edits: &mut Edits) -> Result<(), Refusal> {
    let Some(symbol) = view.word(&target.home, target.start).map(|word| word.symbol.clone()) else { return Ok(()) };
    let undone = undone(view, &symbol, &target.name, new);
    for one in view.analysis.index().of(&symbol) {
        // A `moved` block that goes takes its addresses with it.
        if undone.iter().any(|gone| holds(*gone, one.span)) {
            continue;
        }
        let Some(file) = view.analysis.file(one.span.file) else { continue };
        let Some(path) = view.analysis.place(file) else {
            let shown = view.analysis.sources.path(one.span.file);
            return Err(Refusal(format!("it is used in {shown}, which is not of this project")));
        };
        let interpolated = one.role == Role::Uses && view.analysis.words(one.span) != target.name;
        if !interpolated {
            edits.entry(path).or_default().insert((one.span.start, one.span.end, new.to_owned()));
        }
    }
    for gone in undone {
        remove(view, gone, edits);
    }
    moved(view, &symbol, &target.name, new, edits);
    Ok(())
}

fn holds(whole: Span, part: Span) -> bool {
    whole.file == part.file && whole.start <= part.start && part.end <= whole.end
}

/// Removes a declaration with its line.
fn remove(view: &View, gone: Span, edits: &mut Edits) {
    let Some(path) = view.analysis.file(gone.file).and_then(|file| view.analysis.place(file)) else { return };
    let text = view.analysis.text(gone.file);
    let rest = text.get(gone.end as usize..).unwrap_or("");
    let end = if rest.starts_with('\n') { gone.end + 1 } else { gone.end };
    edits.entry(path).or_default().insert((gone.start, end, String::new()));
}

/// The addresses that a rename changes, as the declaring file writes them: from and to.
fn addresses(view: &View, symbol: &Symbol, old: &str, new: &str) -> Vec<(String, String)> {
    match symbol {
        Symbol::Entity(_, kind, _) => vec![(format!("{}.{old}", kind.name()), format!("{}.{new}", kind.name()))],
        Symbol::Named(What::Module, span) => {
            let target = module_file(view, *span);
            let inner = target.map(|target| contents(&view.analysis, target, 0)).unwrap_or_default();
            inner.into_iter().map(|inner| (format!("{old}.{inner}.*"), format!("{new}.{inner}.*"))).collect()
        }
        _ => Vec::new(),
    }
}

/// The file of the module whose label stands at a place.
fn module_file(view: &View, label: Span) -> Option<usize> {
    let file = view.analysis.file(label.file)?;
    file.ast.decls.iter().find_map(|decl| match &decl.kind {
        DeclKind::Module { label: found, path, .. } if holds(found.span(), label) => {
            file.links.get(&path.span).copied()
        }
        _ => None,
    })
}

/// Modules in modules that are looked into.
const DEEPEST: usize = 16;

/// What a file declares: kinds, with the modules they are in before them.
fn contents(analysis: &Analysis, unit: usize, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Some(file) = analysis.files.get(unit).filter(|_| depth < DEEPEST) else { return found };
    let mut waiting: Vec<&Decl> = file.ast.decls.iter().collect();
    while let Some(decl) = waiting.pop() {
        match &decl.kind {
            DeclKind::Entity { kind, .. } => found.extend(Kind::parse(&kind.text).map(|kind| kind.name().to_owned())),
            DeclKind::Module { label, path, .. } => {
                let inner = file.links.get(&path.span).map(|unit| contents(analysis, *unit, depth + 1));
                let label = label.plain();
                let inner = inner.into_iter().flatten();
                found.extend(inner.filter_map(|inner| Some(format!("{}.{inner}", label.as_ref()?))));
            }
            DeclKind::For { body, .. } => waiting.extend(body),
            DeclKind::If { arms } => waiting.extend(arms.iter().flat_map(|(_, body)| body)),
            _ => {}
        }
    }
    found
}

/// Adds a `moved` block for each address that changes: right after what is renamed, or at the end of the file where
/// that stands in a loop or a choice.
fn moved(view: &View, symbol: &Symbol, old: &str, new: &str, edits: &mut Edits) {
    let Some(declaration) = view.declaration(symbol) else { return };
    let Some(path) = view.analysis.file(declaration.span.file).and_then(|file| view.analysis.place(file)) else {
        return;
    };
    let text = view.analysis.text(declaration.span.file);
    let lines: Vec<String> = addresses(view, symbol, old, new)
        .into_iter()
        .map(|(from, to)| format!("moved {{ from = \"{from}\", to = \"{to}\" }}"))
        .collect();
    if lines.is_empty() {
        return;
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines = lines.join(newline);
    let edit = if declaration.depth == 0 {
        behind(text, declaration.whole.end, &lines, newline)
    } else {
        let (before, end) = (if text.ends_with('\n') { "" } else { newline }, text.len() as u32);
        (end, end, format!("{before}{lines}{newline}"))
    };
    edits.entry(path).or_default().insert(edit);
}

/// The edit that puts lines behind a declaration: after the comment on its last line, which is its own, and before
/// another declaration there.
fn behind(text: &str, end: u32, lines: &str, newline: &str) -> (u32, u32, String) {
    let rest = text.get(end as usize..).unwrap_or_default();
    let rest = rest.split('\n').next().unwrap_or_default().trim_end();
    let next = rest.trim_start();
    if next.is_empty() || next.starts_with('#') {
        let end = end + if next.is_empty() { 0 } else { rest.len() as u32 };
        (end, end, format!("{newline}{lines}"))
    } else {
        (end, end + (rest.len() - next.len()) as u32, format!("{newline}{lines}{newline}"))
    }
}

/// The `moved` blocks that this rename takes back: those that move away from the new address.
fn undone(view: &View, symbol: &Symbol, old: &str, new: &str) -> Vec<Span> {
    let Some(declaration) = view.declaration(symbol) else { return Vec::new() };
    let Some(file) = view.analysis.file(declaration.span.file) else { return Vec::new() };
    let back: Vec<String> = addresses(view, symbol, old, new).into_iter().map(|(_, to)| to).collect();
    let from = |body: &Body| {
        body.items.iter().find_map(|item| match item {
            Item::Field(field) if field.key.plain().as_deref() == Some("from") => match &field.value.kind {
                ExprKind::Str(string) => string.plain(),
                _ => None,
            },
            _ => None,
        })
    };
    let gone = file.ast.decls.iter().filter(|decl| match &decl.kind {
        DeclKind::Moved(body) => from(body).is_some_and(|from| back.iter().any(|to| *to == from)),
        _ => false,
    });
    gone.map(|decl| decl.span).collect()
}

/// Tries the edits on the texts, and refuses them if a program has an error then that it has not now.
fn tried(worker: &mut Worker, programs: &[(PathBuf, View)], edits: &Edits) -> Result<(), Refusal> {
    let mut buffers: Buffers = (*worker.buffers).clone();
    for (path, changes) in edits {
        let Some(text) = text_of(programs, path) else { continue };
        let text: Arc<str> = applied(&text, changes).into();
        let uri = Url::from_file_path(path).map_err(|()| Refusal(format!("{} has no address", path.display())))?;
        buffers.insert(path.clone(), Arc::new(Buffer { uri, version: 0, text }));
    }
    let buffers = Arc::new(buffers);
    for (program, view) in programs {
        let mut before: Vec<String> =
            errors(&view.analysis).iter().map(|error| error.code.as_str().to_owned()).collect();
        let after = worker.workspace.imagine(program, &buffers);
        for error in errors(&after) {
            match before.iter().position(|code| code == error.code.as_str()) {
                Some(at) => {
                    before.swap_remove(at);
                }
                None => return Err(Refusal(format!("the program would not hold: {}", error.message))),
            }
        }
    }
    Ok(())
}

fn errors(analysis: &Analysis) -> Vec<Diagnostic> {
    let mut found = analysis.checked.diagnostics.clone();
    let program = analysis.checked.program.as_ref();
    findings::follow(program, &mut found, &analysis.pinned(), &Options::default(), Box::new(|_, _| ()));
    found.retain(|finding| finding.severity() == Severity::Error);
    found
}

/// The text of a file of these programs.
fn text_of(programs: &[(PathBuf, View)], path: &Path) -> Option<String> {
    programs.iter().find_map(|(_, view)| {
        let file = view.file(path)?;
        Some(view.analysis.text(file.id).to_owned())
    })
}

/// The text with all edits made. INVARIANT: they do not overlap.
fn applied(text: &str, edits: &BTreeSet<(u32, u32, String)>) -> String {
    let mut out = text.to_owned();
    for (start, end, new) in edits.iter().rev() {
        let (start, end) = (*start as usize, *end as usize);
        if out.get(start..end).is_some() {
            out.replace_range(start..end, new);
        }
    }
    out
}

fn workspace_edit(worker: &Worker, programs: &[(PathBuf, View)], edits: &Edits) -> WorkspaceEdit {
    let encoding = worker.abilities.encoding;
    let mut documents = Vec::new();
    for (path, changes) in edits {
        let Some(text) = text_of(programs, path) else { continue };
        let lines = LineIndex::new(&text);
        let buffer = worker.buffers.get(path);
        let Some(uri) = buffer.map(|buffer| buffer.uri.clone()).or_else(|| Url::from_file_path(path).ok()) else {
            continue;
        };
        let edit = |(start, end, new): &(u32, u32, String)| {
            OneOf::Left(TextEdit { range: encoding.range(&text, &lines, *start, *end), new_text: new.clone() })
        };
        let version = buffer.map(|buffer| buffer.version);
        documents.push(TextDocumentEdit {
            text_document: OptionalVersionedTextDocumentIdentifier { uri, version },
            edits: changes.iter().map(edit).collect(),
        });
    }
    WorkspaceEdit { document_changes: Some(DocumentChanges::Edits(documents)), ..WorkspaceEdit::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_the_language_says() {
        for good in ["a", "prod-usw2-1", "a_b", "n-1"] {
            assert!(is_word(good), "{good}");
        }
        for bad in ["", "1a", "-a", "a-", "a--b", "a b", "é", "a.b"] {
            assert!(!is_word(bad), "{bad}");
        }
    }
}
