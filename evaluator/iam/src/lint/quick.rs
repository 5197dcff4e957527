//! What can be told of statements by their actions alone. Owns the necessary conditions that spare the engine most
//! questions: a statement repeats others only if each of its actions is in others too.

use smol_str::SmolStr;

use super::known::{is_glob, named};
use crate::access::Part;
use crate::catalogue::Catalogue;
use crate::data::packed::glob;
use crate::policy::{Condition, Document, Effect, Elements, Statement};
use crate::request::{Context, Request};

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
            self.others.iter().any(allows)
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

/// Whether a statement is about every resource without condition.
fn is_open(statement: &Statement) -> bool {
    statement.conditions.is_empty() && is_about_all(statement)
}

fn names(statement: &Statement, action: &str) -> bool {
    statement.actions.items.iter().any(|item| glob(&item.value, action)) != statement.actions.not
}

/// Whether some request surely fits a statement: one of its actions acts on one of its resources, and its conditions
/// ask for different keys, each for something that can be.
pub(super) fn surely_fits(catalogue: &Catalogue, partition: &str, statement: &Statement) -> bool {
    can_hold(&statement.conditions) && (is_about_all(statement) || acts(catalogue, partition, statement))
}

/// Whether conditions can hold together: none asks for a key that another asks for, and each takes any text.
fn can_hold(conditions: &[Condition]) -> bool {
    let mut keys: Vec<String> = conditions.iter().map(|condition| condition.key.to_ascii_lowercase()).collect();
    keys.sort_unstable();
    let alone = keys.windows(2).all(|two| two[0] != two[1]);
    let families = ["string", "arn", "bool", "null"];
    let sound = |condition: &Condition| {
        let operator = condition.operator.to_ascii_lowercase();
        families.iter().any(|family| operator.starts_with(family)) && !condition.values.is_empty()
    };
    alone && conditions.iter().all(sound)
}

fn is_about_all(statement: &Statement) -> bool {
    let all = |items: &Elements| !items.not && items.items.iter().any(|item| item.value == "*");
    statement.resources.as_ref().is_none_or(all)
}

/// Whether an action of the statement acts on what one of its resources names, taking any text for each variable of a
/// template, and none.
pub(super) fn acts(catalogue: &Catalogue, partition: &str, statement: &Statement) -> bool {
    statement.resources.is_none() || pairs(catalogue, partition, statement).next().is_some()
}

/// Some requests that fit a statement without conditions: at most this many, each an action on one of its resources.
pub(super) fn samples(catalogue: &Catalogue, partition: &str, statement: &Statement) -> Vec<Request> {
    const MOST: usize = 64;
    if !statement.conditions.is_empty() {
        return Vec::new();
    }
    let request = |(action, resource)| Request { action, resource, context: Context::default() };
    pairs(catalogue, partition, statement).map(request).take(MOST).collect()
}

/// The known actions of a statement, each with a resource of it that the action acts on.
fn pairs<'a>(
    catalogue: &'a Catalogue,
    partition: &'a str,
    statement: &'a Statement,
) -> impl Iterator<Item = (SmolStr, SmolStr)> + 'a {
    // A text that the pattern matches; where it is of the form of a type, the pattern names some of that type.
    let items = statement.resources.iter().filter(|resources| !resources.not).flat_map(|resources| &resources.items);
    let examples: Vec<String> = items.map(|item| item.value.replace(['*', '?'], "x")).collect();
    let actions = statement.actions.items.iter().filter(|_| !statement.actions.not);
    actions.flat_map(|item| named(catalogue, &item.value)).filter_map(move |known| {
        let types = known.action.resources.iter();
        let forms =
            types.filter_map(|&at| Some(as_glob(&known.service.resources.get(usize::from(at))?.arn, partition)));
        let forms: Vec<String> = forms.collect();
        let fits = |example: &&String| !example.contains("${") && forms.iter().any(|form| glob(form, example));
        Some((known.name(), examples.iter().find(fits)?.into()))
    })
}

/// A template of ARNs with the partition, and `*` for each other variable.
fn as_glob(arn: &str, partition: &str) -> String {
    let arn = arn.replace("${Partition}", partition);
    let mut out = String::with_capacity(arn.len());
    let mut rest = arn.as_str();
    while let Some((head, tail)) = rest.split_once("${") {
        out.push_str(head);
        out.push('*');
        rest = tail.split_once('}').map_or("", |(_, after)| after);
    }
    out + rest
}
