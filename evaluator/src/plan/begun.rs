//! What a run that was killed has begun and nobody wants now. Owns how it is known: the record says that it was begun, and it has
//! the mark that it was made with. So it goes with the rest; what it was made in place of stands for its address again; and
//! what came to nothing is waited for no more.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::build::{Builder, Command, Step, change};
use super::desired::{PARKING, ROOT};
use super::model::{Action, Change, Fields, OperationId, Verb};
use super::{Question, identity, marks};
use crate::registry::record::{Entry, FORMER, Pending, Record, former_address};
use crate::resources::ResourceKind;

/// What was begun and is to go, by address. What nobody can tell stays waited for.
#[derive(Debug, Default)]
pub(super) struct Begun {
    /// It was made.
    made: BTreeMap<String, Entry>,
    /// Policies of the program hold there, which no entry says.
    attached: BTreeMap<String, Entry>,
    /// Nothing came of it.
    nothing: BTreeMap<String, Pending>,
    /// Accounts that were asked for: of one that is not there yet nobody knows whether it comes.
    asked: Vec<String>,
    /// Units and sets in whose place another was made, and that are wanted again: what the record has as the former one.
    back: BTreeMap<String, Entry>,
}

/// What of it there is.
pub(super) fn begun(question: &Question<'_>) -> Begun {
    let Question { desired, record: (record, _), live, scope, command, .. } = question;
    let mut begun = Begun::default();
    if record.pending.is_empty() && record.under_way.is_none() {
        return begun;
    }
    let mut ids = identity::organization(desired, record, live);
    ids.extend(identity::sets(record, live));
    let is_to_go = |address: &str| {
        let wanted = desired.resources.get(address);
        let sources = wanted.map(|wanted| wanted.sources.as_slice()).unwrap_or_default();
        (*command == Command::Destroy || wanted.is_none()) && scope.takes(address, sources)
    };
    // The unit of parked accounts is taken into the record by itself.
    let unrecorded = |address: &String| address != PARKING && record.entry(address).is_none() && is_to_go(address);
    let candidate = |address: &String, pending: &Pending| {
        let all = identity::begun(live, address, pending, &ids);
        all.into_iter().find(|id| marks::mark(live, id) == Some(address)).cloned()
    };
    for (address, pending) in record.pending.iter().filter(|(address, _)| unrecorded(address)) {
        // Where a unit or an account would be only the program says, or its mark.
        let by_place = !["scp", "permission_set"].contains(&pending.kind.as_str());
        let known = ids.get(address).cloned().or_else(|| candidate(address, pending));
        match known.as_ref() {
            // Of a part of the organization nobody can tell that it is nowhere.
            None if by_place && !scope.only.is_empty() => {}
            Some(id) if marks::mark(live, id) == Some(address) => {
                begun.made.insert(address.clone(), entry(pending, id));
            }
            Some(id) if marks::mark(live, id).is_none() && !marks::is_unmarked(live, id) => {}
            _ if pending.kind == "account" => begun.asked.push(address.clone()),
            _ => _ = begun.nothing.insert(address.clone(), pending.clone()),
        }
    }
    in_place(question, &ids, &mut begun);
    // A parked account that was given on, as its mark says and the record does not.
    for (id, parked) in &record.parked {
        let mark = marks::mark(live, id).filter(|mark| desired.resources.contains_key(*mark) && unrecorded(mark));
        if let (Some(address), Some(under_way)) = (mark, &record.under_way) {
            let fields = [("name", &parked.name), ("email", &parked.email)];
            let fields = fields.map(|(name, value)| (name.to_owned(), Json::from(value.as_str())));
            let claim = Entry::claim(ResourceKind::Account.name(), id, parked.since);
            let entry = Entry { fields: Fields::from_iter(fields), run: under_way.plan.clone(), ..claim };
            begun.made.insert(address.clone(), entry);
        }
    }
    // What holds a unit or an account is the program's, whoever has written it down.
    let wanted = desired.resources.iter().filter(|(_, wanted)| wanted.kind == ResourceKind::ScpAttachment);
    for (address, _) in wanted.filter(|(address, _)| *command == Command::Destroy && unrecorded(address)) {
        let policy = identity::policy_of_attachment(address).unwrap_or_default();
        let target = address.split_once('/').map_or("", |(_, target)| target);
        let target = if desired.org.address.as_deref() == Some(target) { ROOT } else { target };
        let pair = ids.get(&policy).cloned().zip(ids.get(target).cloned());
        let holds = pair.is_some_and(|pair| live.attached.contains(&pair));
        if let Some(under_way) = record.under_way.as_ref().filter(|_| holds) {
            let claim = Entry::claim(ResourceKind::ScpAttachment.name(), "", question.at);
            begun.attached.insert(address.clone(), Entry { run: under_way.plan.clone(), ..claim });
        }
    }
    begun
}

/// What was made in place of a unit or a set that the program has as it was.
fn in_place(question: &Question<'_>, ids: &identity::Ids, begun: &mut Begun) {
    let Question { desired, record: (record, _), live, scope, command, .. } = question;
    let fits = |address: &String, id: &String| {
        if *command != Command::Apply {
            return false;
        }
        let text = |name: &str| desired.resources.get(address)?.fields.get(name)?.as_str();
        let name = text("name");
        let as_set = || live.sets.get(id).is_some_and(|set| Some(set.fields.name.as_str()) == name);
        let parent = text("parent").and_then(|parent| ids.get(parent));
        live.units
            .get(id)
            .map_or_else(as_set, |unit| Some(&unit.parent) == parent && Some(unit.name.as_str()) == name)
    };
    let replaced = |(address, pending): &(&String, &Pending)| {
        let recorded = record.entry(address).is_some_and(|entry| entry.kind == pending.kind);
        ["ou", "permission_set"].contains(&pending.kind.as_str()) && recorded && scope.takes(address, &[])
    };
    for (address, pending) in record.pending.iter().filter(replaced) {
        let recorded = record.entry(address).map(|entry| &entry.id);
        let is_back = recorded.is_some_and(|id| fits(address, id));
        if pending.kind == "permission_set" && !is_back {
            continue;
        }
        let known: identity::Ids = recorded.map(|id| (address.clone(), id.clone())).into_iter().collect();
        let known = if pending.kind == "ou" { ids } else { &known };
        let all = identity::begun(live, address, pending, known);
        match all.iter().find(|id| marks::mark(live, id) == Some(address)) {
            Some(id) if fits(address, id) => {}
            Some(id) => _ = begun.made.insert(former_address(address), entry(pending, id)),
            // Nothing came of it, as far as all that could be it was read.
            None => {
                let doubted = all.iter().any(|id| marks::mark(live, id).is_none() && !marks::is_unmarked(live, id));
                if scope.only.is_empty() && !doubted && is_back {
                    begun.nothing.insert(former_address(address), pending.clone());
                }
            }
        }
    }
    // The same where the run could write down what it had made.
    for (former, entry) in record.resources.iter().filter(|(address, _)| address.ends_with(FORMER)) {
        let address = former.trim_end_matches(FORMER).to_owned();
        let now = record.entry(&address).filter(|now| now.kind == entry.kind && scope.takes(&address, &[]));
        if now.is_some_and(|now| fits(&address, &entry.id) && !fits(&address, &now.id)) {
            begun.back.insert(address, entry.clone());
        }
    }
}

fn entry(pending: &Pending, id: &str) -> Entry {
    let mut fields = Fields::from_iter([("name".to_owned(), Json::from(pending.name.as_str()))]);
    fields.extend(pending.email.as_ref().map(|email| ("email".to_owned(), Json::from(email.as_str()))));
    let (kind, run) = (pending.kind.clone(), pending.run.clone());
    Entry { kind, id: id.to_owned(), fields, protect: false, applied_at: pending.at, run }
}

impl Begun {
    /// The record with what was made; none where there is nothing.
    pub(super) fn with(&self, record: &Record) -> Option<Record> {
        let any = !self.made.is_empty() || !self.attached.is_empty() || !self.back.is_empty();
        (any || !self.nothing.is_empty()).then(|| {
            let mut with = record.clone();
            // What is told of here stands for nothing any more.
            for address in self.made.keys().chain(self.nothing.keys()).filter(|address| address.ends_with(FORMER)) {
                with.pending.remove(address.trim_end_matches(FORMER));
            }
            for (address, entry) in &self.back {
                if let Some(now) = with.resources.insert(address.clone(), entry.clone()) {
                    with.resources.insert(former_address(address), now);
                }
            }
            let all = self.made.iter().chain(&self.attached);
            with.resources.extend(all.map(|(address, entry)| (address.clone(), entry.clone())));
            with
        })
    }
}

impl Builder<'_> {
    /// What was made is written down before it goes; what came to nothing is forgotten.
    pub(super) fn remember_begun(&mut self, begun: &Begun) -> BTreeMap<String, OperationId> {
        for (address, pending) in &begun.nothing {
            let forgotten = self.operation(address, Verb::Forget, &[], Fields::new());
            self.change(Change {
                name: pending.name.clone(),
                operations: vec![forgotten],
                reason: Some("a run that was killed had begun to make it, and it is not there".to_owned()),
                ..change(address, &pending.kind, Action::Forget)
            });
        }
        if !begun.asked.is_empty() {
            let message =
                "asked for by a run that was killed, and not there: if it comes, the next run takes it up".to_owned();
            self.note(message, begun.asked.clone());
        }
        let remember = |(address, entry): (&String, &Entry)| {
            let operation =
                self.operation(address, Verb::Remember { id: entry.id.clone() }, &[], entry.fields.clone());
            self.step(address, Step::Gone, operation);
            (address.clone(), operation)
        };
        // What was made in their place is the former one by that.
        begun.made.iter().chain(&begun.back).map(remember).collect()
    }

    /// The changes begin with that.
    pub(super) fn lead(&mut self, remembered: &BTreeMap<String, OperationId>) {
        for change in &mut self.changes {
            if let Some(operation) = remembered.get(&change.address) {
                change.operations.insert(0, *operation);
                change.reason = Some("a run that was killed had made it".to_owned());
            }
        }
    }
}
