//! What keeps a plan from being made: the finding, before it has a place in a text. Owns its form, and turning a line
//! and a column back into a place of a text.

use cell_lang::diagnostics::{Code, Diagnostic, Label, sort};
use cell_lang::source::{SourceMap, Span};

use super::model::Place;

/// Something that must be mended before there is a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its code.
    pub code: Code,
    /// The fact.
    pub message: String,
    /// Where the program says it, and what to write under it; the first is the main one.
    pub places: Vec<(Place, String)>,
    /// The edit to make.
    pub helps: Vec<String>,
}

impl Fault {
    /// A finding without a place.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), places: Vec::new(), helps: Vec::new() }
    }

    /// With a place.
    #[must_use]
    pub fn at(mut self, place: Option<&Place>, text: impl Into<String>) -> Self {
        self.places.extend(place.map(|place| (place.clone(), text.into())));
        self
    }

    /// With what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }
}

/// The findings, by place.
pub fn diagnostics(sources: &SourceMap, faults: &[Fault]) -> Vec<Diagnostic> {
    let mut all: Vec<Diagnostic> = faults.iter().map(|fault| diagnostic(sources, fault)).collect();
    sort(&mut all);
    all
}

fn diagnostic(sources: &SourceMap, fault: &Fault) -> Diagnostic {
    let label = |(at, (place, text)): (usize, &(Place, String))| {
        Some(Label { span: span(sources, place)?, text: text.clone(), primary: at == 0 })
    };
    Diagnostic {
        code: fault.code,
        message: fault.message.clone(),
        labels: fault.places.iter().enumerate().filter_map(label).collect(),
        helps: fault.helps.clone(),
        fix: None,
    }
}

/// The word that stands at a place.
fn span(sources: &SourceMap, place: &Place) -> Option<Span> {
    let (file, source) = sources.iter().find(|(file, _)| sources.path(*file) == place.file)?;
    let text: &str = &source.text;
    let line = source.lines().line_range(text, place.line.checked_sub(1)?);
    let inside = text.get(line.clone())?;
    let from = inside.char_indices().nth(place.column.checked_sub(1)?).map_or(inside.len(), |(at, _)| at);
    let word = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '"');
    let length: usize = inside.get(from..)?.chars().take_while(word).map(char::len_utf8).sum();
    let start = line.start + from;
    Some(Span::new(file, start, start + length.max(1).min(text.len().saturating_sub(start))))
}
