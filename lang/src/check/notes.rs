//! What a check notes for an editor: types of expressions, and of what their fields are read from.
//!
//! Owns the tables; that they are filled is the checker's affair, and only when they are asked for. What they hold
//! decides nothing.

use crate::source::Span;
use crate::types::Ty;

/// Types by place. A place that was checked more than once (a default, both branches of a choice) has one of them.
#[derive(Debug, Default)]
pub struct Notes {
    found: Vec<(Span, Ty)>,
    wanted: Vec<(Span, Ty)>,
    owners: Vec<(Span, Ty)>,
}

impl Notes {
    pub(super) fn found(&mut self, span: Span, ty: &Ty) {
        self.found.push((span, ty.clone()));
    }

    pub(super) fn wanted(&mut self, span: Span, ty: &Ty) {
        self.wanted.push((span, ty.clone()));
    }

    pub(super) fn read(&mut self, name: Span, owner: &Ty) {
        self.owners.push((name, owner.clone()));
    }

    /// In the order in which they are looked up.
    pub(super) fn sorted(mut self) -> Self {
        for table in [&mut self.found, &mut self.wanted, &mut self.owners] {
            table.sort_by_key(|(span, _)| *span);
        }
        self
    }

    /// The type of an expression, as its form says.
    pub fn type_of(&self, expr: Span) -> Option<&Ty> {
        at(&self.found, expr)
    }

    /// The type that is expected of an expression where it stands.
    pub fn expected_of(&self, expr: Span) -> Option<&Ty> {
        at(&self.wanted, expr)
    }

    /// The type of what a field is read from, by the place of the field's name.
    pub fn owner_of(&self, name: Span) -> Option<&Ty> {
        at(&self.owners, name)
    }
}

fn at(table: &[(Span, Ty)], span: Span) -> Option<&Ty> {
    let at = table.binary_search_by_key(&span, |(span, _)| *span).ok()?;
    table.get(at).map(|(_, ty)| ty)
}
