//! What keeps a plan from being made: the finding, before it has a place in a text. Owns its form; turned into a
//! diagnostic by whoever has the program's files.

use cell_lang::diagnostics::Code;

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
