//! An analysis as the protocol sees it: places as locations, and the word a request is about.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cell_lang::files::{PACKAGE, STD, shown};
use cell_lang::index::{Declaration, Occurrence, Symbol};
use cell_lang::load::LoadedFile;
use cell_lang::source::{FileId, Source, Span};
use lsp_types::{Location, Position, Range, Url};

use crate::analysis::{Analysis, lexical};
use crate::host::Host;
use crate::text::Encoding;

/// An analysis with what is needed to speak of it.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) analysis: Arc<Analysis>,
    pub(crate) encoding: Encoding,
    /// Does the client lead from a finding to the page of its code?
    pub(crate) code_pages: bool,
    pub(crate) host: Arc<dyn Host>,
}

impl View {
    /// Where a file lies, for an editor.
    pub(crate) fn uri(&self, file: FileId) -> Option<Url> {
        let source = self.analysis.sources.get(file)?;
        let loaded = self.analysis.file(file).map(|file| file.path.as_str());
        // A file that could not be read is known by its shown path alone.
        self.uri_of(loaded.unwrap_or(&source.path))
    }

    fn uri_of(&self, path: &str) -> Option<Url> {
        let place = self.place_of(path)?;
        if let Some(buffer) = self.analysis.overlay.buffers.get(&place) {
            return Some(buffer.uri.clone());
        }
        Url::from_file_path(place).ok()
    }

    fn place_of(&self, path: &str) -> Option<PathBuf> {
        if path.starts_with(STD) {
            return self.host.library(&shown(path));
        }
        let root = self.analysis.overlay.project.root();
        match path.strip_prefix(PACKAGE) {
            Some(inside) => Some(lexical(root, &format!("packages/{inside}"))),
            None => Some(lexical(root, path)),
        }
    }

    pub(crate) fn range(&self, span: Span) -> Range {
        let nowhere = Range::default();
        self.analysis.sources.get(span.file).map_or(nowhere, |source| range_in(self.encoding, source, span))
    }

    pub(crate) fn location(&self, span: Span) -> Option<Location> {
        Some(Location { uri: self.uri(span.file)?, range: self.range(span) })
    }

    /// The byte at a position of a file.
    pub(crate) fn offset(&self, file: FileId, position: Position) -> u32 {
        self.analysis
            .sources
            .get(file)
            .map_or(0, |source| self.encoding.offset(&source.text, source.lines(), position))
    }

    /// The file of the program at a place on disk.
    pub(crate) fn file(&self, place: &Path) -> Option<&LoadedFile> {
        self.analysis.file_at(place)
    }

    /// The word at a position, and what it stands for.
    pub(crate) fn word(&self, place: &Path, position: Position) -> Option<&Occurrence> {
        let file = self.file(place)?.id;
        self.analysis.index().at(file, self.offset(file, position))
    }

    /// Where a symbol is declared.
    pub(crate) fn declaration(&self, symbol: &Symbol) -> Option<&Declaration> {
        self.analysis.index().declaration(symbol)
    }

    /// `main.cell:4`, for a text.
    pub(crate) fn place_text(&self, span: Span) -> String {
        let (start, _) = self.analysis.sources.range(span);
        format!("{}:{}", self.analysis.sources.path(span.file), start.line)
    }
}

fn range_in(encoding: Encoding, source: &Source, span: Span) -> Range {
    encoding.range(&source.text, source.lines(), span.start, span.end)
}
