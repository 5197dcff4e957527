//! Errors, warnings and notes as data. Owns their shape, their order and the sink that collects them;
//! how they look is `render`'s and `json`'s, which of them exist is [`codes`]'s.

pub mod codes;
pub mod json;
pub mod render;

use crate::source::{SourceMap, Span};
pub use codes::{Code, Severity};

/// One finding, complete: it reads the same on a terminal, in an editor and in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which one it is; its severity comes with it.
    pub code: Code,
    /// The fact, in one clause: lower case, no full stop, the user's words in backticks.
    pub message: String,
    /// The places, the primary one first.
    pub labels: Vec<Label>,
    /// What to do, or why; each one clause or sentence.
    pub helps: Vec<String>,
    /// An edit that mends it.
    pub fix: Option<Fix>,
}

/// A place of a finding and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there; may be empty.
    pub text: String,
    /// Is this the place of the fault itself?
    pub primary: bool,
}

/// An edit: `replacement` for the text under `span`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What to replace; empty to insert.
    pub span: Span,
    /// What to put there.
    pub replacement: String,
}

impl Diagnostic {
    /// A finding with its primary place.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let label = Label { span, text: String::new(), primary: true };
        Self { code, message: bounded(message.into()), labels: vec![label], helps: Vec::new(), fix: None }
    }

    /// What is to be said at the primary place.
    #[must_use]
    pub fn here(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = self.labels.first_mut() {
            label.text = bounded(text.into());
        }
        self
    }

    /// Another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: bounded(text.into()), primary: false });
        self
    }

    /// What to do, or why.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(bounded(text.into()));
        self
    }

    /// As [`Self::help`], when there is something to say.
    #[must_use]
    pub fn help_if(self, text: Option<impl Into<String>>) -> Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }

    /// The edit that mends it.
    #[must_use]
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix = Some(Fix { span, replacement: replacement.into() });
        self
    }

    /// Error, warning or note.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// The primary place.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// Characters of a message, a label's text or a help: a program's own words may be as long as a file.
const LONGEST_TEXT: usize = 600;

/// The text, cut where it is too long to be read.
fn bounded(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(at);
        text.push('…');
    }
    text
}

/// Sorts findings by file (as the files were loaded), place, code and message, and drops exact repeats.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| d.span().map(|s| (s.file, s.start, s.end));
        key(a).cmp(&key(b)).then_with(|| a.code.cmp(&b.code)).then_with(|| a.message.cmp(&b.message))
    });
    diagnostics.dedup();
}

/// Does any of them make the run fail?
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity() == Severity::Error)
}

/// Longer names are not compared: nobody reads a suggestion of that length, and comparing takes the square of it.
const LONGEST_COMPARED: usize = 64;

/// The names of `candidates` nearest to `name`, at most `count`, best first: within a third of its length by
/// Damerau–Levenshtein distance, and at least within one.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let length = name.chars().count();
    if length > LONGEST_COMPARED {
        return Vec::new();
    }
    let reach = (length / 3).max(1);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 4 * LONGEST_COMPARED && candidate.chars().count() <= length + reach)
        .map(|candidate| (strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(count).map(|(_, candidate)| candidate).collect()
}

/// "did you mean `a`?" for the names nearest to `name`; or, when none is near, "the {what} are `a`, `b`" for at
/// most five of few candidates.
pub fn suggest<'a>(name: &str, what: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut all: Vec<&str> = candidates.into_iter().collect();
    match nearest(name, all.iter().copied(), 2).as_slice() {
        [] => {
            all.sort_unstable();
            all.dedup();
            let shown = all.iter().take(5).map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
            match all.len() {
                0 => None,
                1 => Some(format!("the only {} is {shown}", what.trim_end_matches('s'))),
                2..=5 => Some(format!("the {what} are {shown}")),
                more => Some(format!("the {what} are {shown} and {} more", more - 5)),
            }
        }
        [one] => Some(format!("did you mean `{one}`?")),
        [one, two, ..] => Some(format!("did you mean `{one}` or `{two}`?")),
    }
}

/// `path:line:column: severity[code]: message`, for logs and tests.
pub fn one_line(sources: &SourceMap, diagnostic: &Diagnostic) -> String {
    let place = diagnostic.span().map(|span| sources.place(span)).unwrap_or_default();
    format!("{place}: {}[{}]: {}", diagnostic.severity().word(), diagnostic.code.as_str(), diagnostic.message)
}
