//! Findings of a plan as diagnostics. Owns turning a line and a column back into a place of a text.

use cell_eval::plan::fault::Fault;
use cell_eval::plan::model::Place;
use cell_lang::diagnostics::{Diagnostic, Label, sort};
use cell_lang::source::{SourceMap, Span};

/// The findings, by place.
pub(crate) fn diagnostics(sources: &SourceMap, faults: &[Fault]) -> Vec<Diagnostic> {
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
