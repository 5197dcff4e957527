//! What may stand at one place: for the completion of what is being written.
//!
//! The editor's side writes a mark at the place, and parses and checks the file with it; here the mark is found in
//! the tree and told what it stands for. Owns the answers' shape; what is offered for one is the editor's side's.

use smol_str::SmolStr;

use super::walk::Walker;
use super::{Index, Spec, What, names};
use crate::check::Notes;
use crate::load::LoadedFile;
use crate::schema::{Kind, SortSpec};
use crate::source::Span;
use crate::types::Ty;

/// What stands where the mark stands.
#[derive(Debug, Clone)]
pub enum Asked {
    /// A value; of this type, if one is expected.
    Value {
        /// The type.
        wanted: Option<Ty>,
    },
    /// The text of a string; of this type, if one is expected.
    Text {
        /// The type.
        wanted: Option<Ty>,
    },
    /// A field of a value of this type.
    Member {
        /// The type.
        owner: Option<Ty>,
    },
    /// The label in `kind.label`.
    Label(Kind),
    /// The label in `kind["label"]`.
    Lookup(Kind),
    /// What a file exports, after the name of an import or a module.
    Exported {
        /// The file's place among the files.
        unit: usize,
        /// Is it a module? Then its lets alone can be read.
        module: bool,
    },
    /// The name of a field, at the start of an item.
    Item(Items),
    /// The name of a parameter, in a module's block.
    Param {
        /// The module's file.
        unit: usize,
        /// What is given already.
        given: Vec<SmolStr>,
    },
    /// The sort of a block.
    Sort(&'static SortSpec),
    /// A type.
    Type,
    /// A kind.
    KindName,
    /// Defaults, after `using`.
    Using {
        /// The imported file, after `using import.`; of the file itself if none.
        unit: Option<usize>,
        /// The kind they are to be for.
        kind: Option<Kind>,
    },
    /// The path of an import or a module.
    Path,
}

/// What may be set in a body.
#[derive(Debug, Clone)]
pub struct Items {
    /// The record.
    pub spec: Spec,
    /// What is set in it, the mark too.
    pub given: Vec<SmolStr>,
    /// What the defaults in use set.
    pub defaults: Vec<SmolStr>,
    /// Does `override` stand before it?
    pub over: bool,
}

/// What was found at the mark.
#[derive(Debug, Clone)]
pub struct Place {
    /// What stands there.
    pub asked: Asked,
    /// The local names that are seen there: name, place, what they are.
    pub locals: Vec<(SmolStr, Span, What)>,
    /// The file, by its place among the files.
    pub unit: usize,
    /// Is it in a test, which may ask about the whole program?
    pub in_test: bool,
}

/// A mark that is looked for.
#[derive(Debug)]
pub(super) struct Probe {
    mark: SmolStr,
    found: Option<Place>,
}

impl Probe {
    /// Is the word the mark?
    pub(super) fn is(&self, word: &str) -> bool {
        word == self.mark
    }

    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    /// Takes in what stands at the mark; what was found first counts.
    pub(super) fn found(&mut self, place: Place) {
        self.found.get_or_insert(place);
    }
}

/// What stands where `mark` stands in the file `unit`; none if the mark is not in the tree.
pub fn probe(files: &[LoadedFile], notes: &Notes, unit: usize, mark: &str) -> Option<Place> {
    if unit >= files.len() {
        return None;
    }
    let names = names::collect(files);
    let mut walker = Walker::new(files, &names, notes, unit);
    walker.probe = Some(Probe { mark: mark.into(), found: None });
    walker.file(&mut Index::default());
    walker.probe.and_then(|probe| probe.found)
}
