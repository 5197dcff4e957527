//! What kinds there are, which fields each has, of what type and shape.
//!
//! The tables are [`kinds`]; limits of the cloud are in [`crate::types::builtin`]. Owns no rule that looks at
//! more than one field: those are the evaluator's.

pub mod kinds;

use std::sync::Arc;

use crate::types::Ty;
use crate::value::Lit;

pub use kinds::{Kind, KindSet, Layer};

/// A record with a fixed list of fields: a kind, or a block inside one.
#[derive(Debug)]
pub struct RecordSpec {
    /// The kind's or the block's name, as a program writes it.
    pub name: &'static str,
    /// Its fields, in the order of the normal form.
    pub fields: Vec<FieldSpec>,
    /// Groups of fields of which exactly one is to be written.
    pub one_of: Vec<&'static [&'static str]>,
}

impl RecordSpec {
    /// A record of these fields.
    pub fn new(name: &'static str, fields: Vec<FieldSpec>) -> Self {
        Self { name, fields, one_of: Vec::new() }
    }

    /// Adds a group of fields of which exactly one is to be written.
    #[must_use]
    pub fn one_of(mut self, group: &'static [&'static str]) -> Self {
        self.one_of.push(group);
        self
    }

    /// The place of a field in [`Self::fields`].
    pub fn position(&self, name: &str) -> Option<usize> {
        // Records are short: going through their names takes less than hashing one.
        self.fields.iter().position(|field| field.name == name)
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&FieldSpec> {
        self.position(name).map(|at| &self.fields[at])
    }
}

/// A field of a record.
#[derive(Debug)]
pub struct FieldSpec {
    /// Its name.
    pub name: &'static str,
    /// How it is written and what it holds.
    pub shape: Shape,
    /// Whether it may be left out, and what it then is.
    pub need: Need,
    /// May it hold what is known only after apply?
    pub later: bool,
    /// Is it read as known only after apply, whether the program sets it or not?
    pub read_later: bool,
    /// What `.field` means in its value.
    pub subject: Subject,
}

impl FieldSpec {
    /// The type of the field when it is read from outside.
    pub fn read_type(&self) -> Ty {
        let ty = match &self.shape {
            Shape::Value(ty) => ty.clone(),
            Shape::Block(record) => Ty::Block(record),
            Shape::Map(value) => Ty::map(Ty::String, value.clone()),
            Shape::Named(record) => Ty::Block(record).list(),
            Shape::Sort(sort) if sort.many => Ty::Sort(sort).list(),
            Shape::Sort(sort) => Ty::Sort(sort),
            Shape::Conditions => Ty::Conditions,
        };
        let absent_when_unset = matches!(self.need, Need::Optional | Need::Computed(Computed::Stack));
        match (self.read_later, absent_when_unset) {
            (true, _) => Ty::Later(Arc::new(ty)),
            (_, true) => ty.optional(),
            _ => ty,
        }
    }
}

/// How a field is written.
#[derive(Debug)]
pub enum Shape {
    /// `name = value`
    Value(Ty),
    /// `name { … }`, once.
    Block(&'static RecordSpec),
    /// `name { key = value … }`: keys are free, values of one type.
    Map(Ty),
    /// `name label { … }`, as often as wanted, told apart by label.
    Named(&'static RecordSpec),
    /// `name sort { … }`: one of several records, chosen by the sort; repeated when `many`.
    Sort(&'static SortSpec),
    /// `name { conditions }`
    Conditions,
}

/// A field whose block is of one of several sorts.
#[derive(Debug)]
pub struct SortSpec {
    /// The field's name.
    pub name: &'static str,
    /// The sorts; the name of each record is the sort's tag.
    pub sorts: Vec<RecordSpec>,
    /// May it be written more than once?
    pub many: bool,
}

impl SortSpec {
    /// The record of a tag, with its place.
    pub fn sort(&self, tag: &str) -> Option<(usize, &RecordSpec)> {
        self.sorts.iter().enumerate().find(|(_, sort)| sort.name == tag)
    }
}

/// Whether a field may be left out.
#[derive(Debug)]
pub enum Need {
    /// It may not.
    Required,
    /// It may; it is then absent, and its type when read is `T?`.
    Optional,
    /// A list, map or block that repeats: left out it is empty.
    Empty,
    /// It has a default.
    Default(Lit),
    /// It has a default that is computed from the rest of the record.
    Computed(Computed),
}

/// Defaults that are computed. The evaluator computes them; the text is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Computed {
    /// The entity's label.
    Label,
    /// True for a production cell.
    ProductionIsProtected,
    /// `Sum` with a ratio, else `Average`.
    Statistic,
    /// `cell-bootstrap` on AWS, `gcp-cell-bootstrap` on GCP.
    Bootstrap,
    /// The clouds the sort of deploy works on.
    Clouds,
    /// Component and cell, joined by `-`; per cell, so absent in the component.
    Stack,
}

impl Computed {
    /// What it comes to, for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Label => "the label",
            Self::ProductionIsProtected => "true for kind prod",
            Self::Statistic => "\"Sum\" with a ratio, else \"Average\"",
            Self::Bootstrap => "{ \"aws\" = \"cell-bootstrap\", \"gcp\" = \"gcp-cell-bootstrap\" }",
            Self::Clouds => "the clouds this sort of deploy works on",
            Self::Stack => "<component>-<cell>",
        }
    }
}

/// What `.field` means in a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The entity itself.
    Itself,
    /// The cell for which the value is computed; it is computed once for each.
    EachCell,
    /// The cell or account that takes the value; it is computed once for each.
    EachAccount,
}
