//! `accept`: a change of access that somebody answers for. Owns reading it; which change it waives is told by the
//! fingerprint.

use cell_lang::hir::{self, Field, FieldValue, Node};
use cell_lang::value::Lit;
use jiff::civil::Date;

use super::model::{Equivalent, Place, Row, Waived};
use super::places::place;
use crate::world::World;

/// An `accept` of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// Its label.
    pub label: String,
    /// The fingerprint of the row it waives.
    pub change: String,
    /// Why.
    pub reason: String,
    /// Who answers for it, as it is written.
    pub owner: String,
    /// The last day on which it holds.
    pub expires: Date,
    /// Where it stands.
    pub place: Place,
}

impl Accept {
    /// Those of a program, in its order. Their fields are written out: what is computed waives nothing.
    pub fn all(world: &World<'_>) -> Vec<Self> {
        let mut all = Vec::new();
        for (_, instance) in world.instances() {
            let unit = world.program().units.get(instance.unit.index());
            all.extend(unit.into_iter().flat_map(|unit| &unit.accepts).filter_map(|accept| read(world, accept)));
        }
        all
    }

    /// As a review tells it.
    pub fn waived(&self) -> Waived {
        Waived {
            label: self.label.clone(),
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            expires: self.expires.to_string(),
            place: self.place.clone(),
        }
    }
}

/// Those that waive nothing, with why: their day is over, or no row is the change that they name.
pub(super) fn idle(accepts: &[Accept], rows: &[Row], today: Option<Date>) -> Vec<Equivalent> {
    let told = |accept: &Accept| {
        let row = rows.iter().any(|row| row.fingerprint == accept.change);
        let over = today.is_some_and(|today| accept.expires < today);
        let text = match (over, row) {
            (true, true) => format!("expired on {}: the row that it waived counts again", accept.expires),
            (true, false) => format!("expired on {}, and names no row of this review", accept.expires),
            (false, false) => format!("names no row of this review: {} is another change, or done", accept.change),
            (false, true) => return None,
        };
        let at = format!("{}:{}", accept.place.file, accept.place.line);
        Some(Equivalent { address: format!("accept {}", accept.label), text: format!("{text} ({at})") })
    };
    accepts.iter().filter_map(told).collect()
}

fn read(world: &World<'_>, accept: &hir::Accept) -> Option<Accept> {
    let text = |name: &str| match literal(accept, name) {
        Some(Lit::Str(text)) => Some(text.to_string()),
        _ => None,
    };
    let Some(Lit::Date(expires)) = literal(accept, "expires") else { return None };
    let owner = value(accept, "owner").map(|expr| world.program().sources.text(expr.span).to_owned());
    Some(Accept {
        label: accept.label.to_string(),
        change: text("change")?,
        reason: text("reason")?,
        owner: owner?,
        expires: *expires,
        place: place(world, &format!("accept {}", accept.label), accept.span),
    })
}

fn value<'a>(accept: &'a hir::Accept, name: &str) -> Option<&'a hir::Expr> {
    let at = accept.body.spec.position(name)?;
    let Field::Set(setting) = accept.body.fields.get(at)? else { return None };
    match &*setting.value {
        FieldValue::Value(expr) => Some(expr),
        _ => None,
    }
}

fn literal<'a>(accept: &'a hir::Accept, name: &str) -> Option<&'a Lit> {
    match &value(accept, name)?.node {
        Node::Lit(lit) => Some(lit),
        _ => None,
    }
}
