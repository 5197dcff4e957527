//! Findings from any thread, brought into one order. Owns folding: one finding for a code and a place, with the
//! first bindings and the count of the others. What a finding says is its author's affair.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cell_lang::diagnostics::{self, Code, Diagnostic, Severity};
use cell_lang::source::Span;

use crate::value::EntityId;

/// For what a finding was made: its rank among findings of the same place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rank {
    /// The instance, by number.
    pub instance: u32,
    /// The entity.
    pub entity: Option<EntityId>,
    /// The cell or account for which a value was computed.
    pub target: Option<EntityId>,
    /// The item of each loop around, from outside in.
    pub items: Vec<u32>,
}

/// A finding with what it was made for.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What it says.
    pub diagnostic: Diagnostic,
    /// Its rank among those of the same code and place: the least is shown.
    pub rank: Rank,
    /// What is said of it at the primary place: `with region = "us-east-1" (item 1)`; may be empty.
    pub circumstances: String,
}

impl Finding {
    /// A finding that stands for itself: exact repeats of it are dropped.
    pub fn new(diagnostic: Diagnostic) -> Self {
        Self { diagnostic, rank: Rank::default(), circumstances: String::new() }
    }
}

/// Collects findings. The result does not depend on the order in which they come.
#[derive(Debug, Default)]
pub struct Sink {
    groups: Mutex<HashMap<(Code, Option<Span>), Group>>,
}

#[derive(Debug)]
struct Group {
    first: Finding,
    /// Rank and message of each; two threads that evaluate the same field report the same.
    seen: HashSet<(Rank, u64)>,
}

impl Sink {
    /// Takes a finding in.
    pub fn report(&self, finding: Finding) {
        let place = (finding.diagnostic.code, finding.diagnostic.span());
        let identity = (finding.rank.clone(), digest(&finding.diagnostic.message));
        match self.lock().entry(place) {
            Entry::Vacant(vacant) => {
                vacant.insert(Group { first: finding, seen: HashSet::from([identity]) });
            }
            Entry::Occupied(mut occupied) => {
                let group = occupied.get_mut();
                if group.seen.insert(identity) && order(&finding, &group.first).is_lt() {
                    group.first = finding;
                }
            }
        }
    }

    /// Was an error reported?
    pub fn has_errors(&self) -> bool {
        self.lock().keys().any(|(code, _)| code.severity() == Severity::Error)
    }

    /// Everything reported so far, folded and sorted; the sink is empty afterwards.
    pub fn take(&self) -> Vec<Diagnostic> {
        let groups = std::mem::take(&mut *self.lock());
        let mut all: Vec<Diagnostic> = groups.into_values().map(Group::fold).collect();
        diagnostics::sort(&mut all);
        all
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Code, Option<Span>), Group>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn order(a: &Finding, b: &Finding) -> std::cmp::Ordering {
    (&a.rank, &a.diagnostic.message).cmp(&(&b.rank, &b.diagnostic.message))
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Group {
    fn fold(self) -> Diagnostic {
        let Finding { mut diagnostic, circumstances, .. } = self.first;
        let more = self.seen.len().saturating_sub(1);
        if let Some(label) = diagnostic.labels.first_mut() {
            let mut parts = Vec::new();
            if !label.text.is_empty() {
                parts.push(std::mem::take(&mut label.text));
            }
            if !circumstances.is_empty() {
                parts.push(circumstances);
            }
            if more > 0 {
                parts.push(format!("and {more} more"));
            }
            label.text = parts.join(", ");
        }
        diagnostic
    }
}

#[cfg(test)]
mod tests {
    use cell_lang::source::FileId;

    use super::*;

    fn finding(entity: u32) -> Finding {
        let span = Span::new(FileId(0), 1, 2);
        let diagnostic = Diagnostic::new(Code::Arithmetic, span, format!("fault {entity}")).here("here");
        let rank = Rank { entity: Some(EntityId(entity)), ..Rank::default() };
        Finding { diagnostic, rank, circumstances: format!("with n = {entity}") }
    }

    fn texts(order: &[u32]) -> Vec<String> {
        let sink = Sink::default();
        order.iter().for_each(|entity| sink.report(finding(*entity)));
        sink.take().into_iter().map(|d| format!("{}: {}", d.message, d.labels[0].text)).collect()
    }

    #[test]
    fn findings_of_one_place_are_one_in_any_order() {
        let expected = vec!["fault 1: here, with n = 1, and 2 more".to_owned()];
        assert_eq!(texts(&[1, 2, 3]), expected);
        assert_eq!(texts(&[3, 1, 2, 1, 3]), expected);
        assert_eq!(texts(&[1, 1]), vec!["fault 1: here, with n = 1".to_owned()]);
    }
}
