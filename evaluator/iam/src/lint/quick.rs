//! What can be told of statements by their actions alone. Owns the necessary conditions that spare the engine most
//! questions: a statement repeats others only if each of its actions is in others too.

use super::known::{is_glob, named};
use crate::access::Part;
use crate::catalogue::Catalogue;
use crate::data::packed::glob;
use crate::policy::{Document, Effect, Statement};

/// One statement among others.
pub(super) struct Quick<'a> {
    catalogue: &'a Catalogue,
    statement: &'a Statement,
    others: Vec<&'a Statement>,
    /// Whether some other policy is not known.
    unknown: bool,
}

impl<'a> Quick<'a> {
    /// The statement at `at`, the others that count, and those of the policies beside it.
    pub(super) fn new(
        catalogue: &'a Catalogue,
        document: &'a Document,
        kept: &'a [usize],
        at: usize,
        beside: &'a [Part],
    ) -> Option<Self> {
        let statement = document.statements.get(at)?;
        let own = kept.iter().filter(|&&other| other != at).filter_map(|&other| document.statements.get(other));
        let more = beside.iter().flat_map(|part| match part {
            Part::Known(named) => named.document().statements.iter(),
            Part::Unknown { .. } => [].iter(),
        });
        let unknown = beside.iter().any(|part| matches!(part, Part::Unknown { .. }));
        Some(Self { catalogue, statement, others: own.chain(more).collect(), unknown })
    }

    /// Whether the statement can be without effect.
    pub(super) fn may_be_vain(&self) -> bool {
        match self.statement.effect {
            Effect::Allow => self.allow_may_be_vain(),
            Effect::Deny => self.deny_may_be_vain(),
        }
    }

    /// Whether an allow can be without effect: others allow each of its actions, or others deny each of them.
    fn allow_may_be_vain(&self) -> bool {
        !self.unknown && (self.each_named(Effect::Allow) || self.each_named(Effect::Deny))
    }

    /// Whether a deny can be without effect. It is not if one of its actions is allowed everywhere and no other deny
    /// names it.
    fn deny_may_be_vain(&self) -> bool {
        let everywhere = |action: &str| {
            let allows = |other: &&Statement| other.effect == Effect::Allow && is_open(other) && names(other, action);
            self.others.iter().any(|other| allows(other))
        };
        let denied =
            |action: &str| self.others.iter().any(|other| other.effect == Effect::Deny && names(other, action));
        !self.unknown && !self.actions().any(|action| everywhere(&action) && !denied(&action))
    }

    /// Whether each action of the statement is in some other of this effect. What no catalogue knows may be.
    fn each_named(&self, effect: Effect) -> bool {
        let others: Vec<&Statement> = self.others.iter().copied().filter(|other| other.effect == effect).collect();
        !others.is_empty() && self.actions().all(|action| others.iter().any(|other| names(other, &action)))
    }

    /// The actions of the statement that are known or named; none for a complement, of which anything may be.
    fn actions(&self) -> Box<dyn Iterator<Item = String> + '_> {
        if self.statement.actions.not {
            return Box::new(std::iter::empty());
        }
        Box::new(self.statement.actions.items.iter().flat_map(|item| {
            if is_glob(&item.value) {
                named(self.catalogue, &item.value).iter().map(|known| known.name().to_string()).collect()
            } else {
                vec![item.value.to_string()]
            }
        }))
    }
}

/// Whether a statement is about every resource, whatever the conditions.
fn is_open(statement: &Statement) -> bool {
    let all = |items: &crate::policy::Elements| !items.not && items.items.iter().any(|item| item.value == "*");
    statement.conditions.is_empty() && statement.resources.as_ref().is_none_or(all)
}

fn names(statement: &Statement, action: &str) -> bool {
    statement.actions.items.iter().any(|item| glob(&item.value, action)) != statement.actions.not
}

/// Whether some request surely fits a statement: it names a known action on every resource, whatever the conditions.
pub(super) fn surely_fits(catalogue: &Catalogue, statement: &Statement) -> bool {
    is_open(statement)
        && (statement.actions.not
            || statement
                .actions
                .items
                .iter()
                .any(|item| catalogue.action(&item.value).is_some() || !named(catalogue, &item.value).is_empty()))
}
