//! What a check notes for an editor: types of expressions, and of what their fields are read from.
//!
//! Owns the tables; that they are filled is the checker's affair, and only when they are asked for. What they hold
//! decides nothing.

use std::sync::OnceLock;

use crate::source::Span;
use crate::types::Ty;

/// Types by place. A place that was checked more than once (a default, both branches of a choice) has one of them.
#[derive(Debug, Default)]
pub struct Notes {
    found: Table,
    wanted: Table,
    owners: Table,
}

impl Notes {
    pub(super) fn found(&mut self, span: Span, ty: &Ty) {
        self.found.note(span, ty);
    }

    pub(super) fn wanted(&mut self, span: Span, ty: &Ty) {
        self.wanted.note(span, ty);
    }

    pub(super) fn read(&mut self, name: Span, owner: &Ty) {
        self.owners.note(name, owner);
    }

    /// The type of an expression, as its form says.
    pub fn type_of(&self, expr: Span) -> Option<&Ty> {
        self.found.at(expr)
    }

    /// The type that is expected of an expression where it stands.
    pub fn expected_of(&self, expr: Span) -> Option<&Ty> {
        self.wanted.at(expr)
    }

    /// The type of what a field is read from, by the place of the field's name.
    pub fn owner_of(&self, name: Span) -> Option<&Ty> {
        self.owners.at(name)
    }
}

/// Types in the order they were noted. Put in the order of places when first asked: of most checks nobody asks.
#[derive(Debug, Default)]
struct Table {
    noted: Vec<(Span, Ty)>,
    by_place: OnceLock<Vec<u32>>,
}

impl Table {
    fn note(&mut self, span: Span, ty: &Ty) {
        self.noted.push((span, ty.clone()));
        self.by_place.take();
    }

    fn at(&self, span: Span) -> Option<&Ty> {
        let place = |at: &u32| self.noted.get(*at as usize).map(|(span, _)| *span);
        let by_place = self.by_place.get_or_init(|| {
            let mut all: Vec<u32> = (0..self.noted.len() as u32).collect();
            all.sort_by_key(place);
            all
        });
        let found = by_place.binary_search_by_key(&Some(span), place).ok()?;
        let (_, ty) = self.noted.get(*by_place.get(found)? as usize)?;
        Some(ty)
    }
}
