//! Where something is declared, and where it is used: over all programs that a file belongs to.

use std::path::{Path, PathBuf};

use cell_lang::index::{Occurrence, Role, Symbol};
use lsp_types::{
    DocumentHighlight, DocumentHighlightKind, DocumentHighlightParams, GotoDefinitionParams, GotoDefinitionResponse,
    Location, Position, ReferenceParams, Url,
};

use crate::server::Refusal;
use crate::view::View;
use crate::worker::Worker;

impl Worker {
    /// The place of a document on disk.
    pub(crate) fn place(&self, uri: &Url) -> Result<PathBuf, Refusal> {
        let path = uri.to_file_path().map_err(|()| Refusal(format!("{uri} is no file")))?;
        Ok(self.workspace.host().real(&path))
    }
}

/// Answers `textDocument/definition`.
pub(crate) fn definition(
    worker: &mut Worker,
    params: &GotoDefinitionParams,
) -> Result<Option<GotoDefinitionResponse>, Refusal> {
    let at = &params.text_document_position_params;
    let place = worker.place(&at.text_document.uri)?;
    let mut found: Vec<Location> = Vec::new();
    for (_, view) in worker.views(&place) {
        let Some(word) = view.word(&place, at.position) else { continue };
        if let Some(location) = declared(&view, &word.symbol)
            && !found.contains(&location)
        {
            found.push(location);
        }
    }
    Ok((!found.is_empty()).then_some(GotoDefinitionResponse::Array(found)))
}

/// Where a symbol is declared.
pub(crate) fn declared(view: &View, symbol: &Symbol) -> Option<Location> {
    match symbol {
        Symbol::File(file) => {
            let start = cell_lang::source::Span { file: *file, start: 0, end: 0 };
            view.location(start)
        }
        Symbol::Named(_, span) => view.location(*span),
        symbol => view.location(view.declaration(symbol)?.span),
    }
}

/// Answers `textDocument/references`.
pub(crate) fn references(worker: &mut Worker, params: &ReferenceParams) -> Result<Option<Vec<Location>>, Refusal> {
    let at = &params.text_document_position;
    let place = worker.place(&at.text_document.uri)?;
    let with_declaration = params.context.include_declaration;
    let mut found: Vec<Location> = Vec::new();
    for use_of in uses(worker, &place, at.position) {
        if (with_declaration || use_of.role != Role::Declares) && !found.contains(&use_of.location) {
            found.push(use_of.location);
        }
    }
    found.sort_by(|a, b| (a.uri.as_str(), a.range.start).cmp(&(b.uri.as_str(), b.range.start)));
    Ok(Some(found))
}

/// A place that uses or declares something.
#[derive(Debug, Clone)]
pub(crate) struct UseOf {
    pub(crate) location: Location,
    pub(crate) role: Role,
}

/// All places that stand for what the word at a position stands for, in all programs that know it.
pub(crate) fn uses(worker: &mut Worker, place: &Path, position: Position) -> Vec<UseOf> {
    let mut found = Vec::new();
    // Where it is declared decides which programs know it.
    let home = home(worker, place, position);
    let (home, start) = home.unwrap_or_else(|| (place.to_owned(), position));
    for (_, view) in worker.views(&home) {
        let Some(symbol) = view.word(&home, start).map(|word| word.symbol.clone()) else { continue };
        for one in view.analysis.index().of(&symbol) {
            found.extend(view.location(one.span).map(|location| UseOf { location, role: one.role }));
        }
    }
    if found.is_empty() && home != place {
        for (_, view) in worker.views(place) {
            let Some(symbol) = view.word(place, position).map(|word| word.symbol.clone()) else { continue };
            let all = view.analysis.index().of(&symbol).iter();
            found.extend(all.filter_map(|one| Some(UseOf { location: view.location(one.span)?, role: one.role })));
        }
    }
    found
}

/// The place on disk, and in it, where what a word stands for is declared; none for what the language brings and for
/// what the library and packages declare.
pub(crate) fn home(worker: &mut Worker, place: &Path, position: Position) -> Option<(PathBuf, Position)> {
    for (_, view) in worker.views(place) {
        let Some(word) = view.word(place, position) else { continue };
        let span = match &word.symbol {
            Symbol::Named(_, span) => *span,
            symbol => view.declaration(symbol)?.span,
        };
        let file = view.analysis.file(span.file)?;
        return Some((view.analysis.place(file)?, view.range(span).start));
    }
    None
}

/// Answers `textDocument/documentHighlight`.
pub(crate) fn highlights(
    worker: &mut Worker,
    params: &DocumentHighlightParams,
) -> Result<Option<Vec<DocumentHighlight>>, Refusal> {
    let at = &params.text_document_position_params;
    let place = worker.place(&at.text_document.uri)?;
    let Some((_, view)) = worker.views(&place).into_iter().next() else { return Ok(None) };
    let Some(word) = view.word(&place, at.position) else { return Ok(None) };
    let here = word.span.file;
    let all = view.analysis.index().of(&word.symbol);
    let show = |one: &Occurrence| DocumentHighlight {
        range: view.range(one.span),
        kind: Some(match one.role {
            Role::Declares | Role::Sets => DocumentHighlightKind::WRITE,
            Role::Uses | Role::Address => DocumentHighlightKind::READ,
        }),
    };
    Ok(Some(all.iter().filter(|one| one.span.file == here).map(show).collect()))
}
