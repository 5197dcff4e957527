//! What a run that was killed, or failed, has begun and the program does not have so now: not at all, under another name, or in another
//! place. Owns how it is known: the record says that it was begun, and it has the mark that it was made with. So it goes with the rest, or
//! stands for its address until another does; what it was made in place of stands for that again; and what came to nothing is waited for no
//! more.

use std::collections::{BTreeMap, BTreeSet};

use cell_lang::diagnostics::Code;
use jiff::SignedDuration;
use serde_json::Value as Json;

use super::build::{Builder, Command, Step, change, text};
use super::desired::{ADDRESS_TAG, PARKING, ROOT};
use super::fault::Fault;
use super::model::{Action, Change, Fields, Operation, OperationId, Verb};
use super::{Question, identity, marks};
use crate::live::{Live, LiveStack};
use crate::provider::{Account, Known};
use crate::registry::record::{Entry, FORMER, Pending, Record, base_of, former_address};
use crate::repositories::{ours, policy};
use crate::resources::ResourceKind;
use crate::stacks::{StackPlace, StackState, StackWish, wish};

/// What was begun and is to go, by address. What nobody can tell stays waited for.
#[derive(Debug, Default)]
pub(super) struct Begun {
    /// It was made.
    made: BTreeMap<String, Entry>,
    /// It is there, known by where it is: an attachment, a statement, a stack.
    placed: BTreeMap<String, Entry>,
    /// Nothing came of it.
    nothing: BTreeMap<String, Pending>,
    /// Accounts that were asked for by another e-mail than the program's, and of which nothing came.
    vain: BTreeMap<String, Pending>,
    /// Accounts that were asked for: of one that is not there yet nobody knows whether it comes.
    asked: Vec<String>,
    /// What could not be looked at, and so is neither taken back nor forgotten.
    unread: Vec<String>,
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
        match desired.stacks.get(address) {
            Some(wish) => *command == Command::Destroy && wish::takes(scope, Some(wish), record, address),
            None => (*command == Command::Destroy || wanted.is_none()) && scope.takes(address, sources),
        }
    };
    // The unit of parked accounts is taken into the record by itself.
    let unrecorded = |address: &String| address != PARKING && record.entry(address).is_none() && is_to_go(address);
    let candidate = |address: &String, pending: &Pending| {
        let all = identity::begun(live, address, pending, &ids);
        all.into_iter().find(|id| is_marked(question, address, id)).cloned()
    };
    for (address, pending) in record.pending.iter().filter(|(address, _)| unrecorded(address)) {
        if let Some(found) = unnamed(question, &ids, (address, pending)) {
            match found {
                Found::There(entry) => _ = begun.placed.insert(address.clone(), entry),
                Found::Nowhere => _ = begun.nothing.insert(address.clone(), pending.clone()),
                Found::Unread => begun.unread.push(address.clone()),
            }
            continue;
        }
        // Where a unit or an account would be only the program says, or its mark.
        let by_place = !["scp", "permission_set"].contains(&pending.kind.as_str());
        let known = ids.get(address).cloned().or_else(|| candidate(address, pending));
        match known.as_ref() {
            // Of a part of the organization nobody can tell that it is nowhere.
            None if by_place && !scope.only.is_empty() => {}
            Some(id) if is_marked(question, address, id) => {
                begun.made.insert(address.clone(), marked(question, address, entry(pending, id)));
            }
            Some(id) if marks::mark(live, id).is_none() && !marks::is_unmarked(live, id) => {}
            None if account_is_anothers(question, &ids, (address, pending)) => {
                // Where it is only about to be written down as the other's, that is the end of this one.
                if account_is_recorded(question, pending) {
                    begun.nothing.insert(address.clone(), pending.clone());
                }
            }
            None if is_over(question, address, pending) => {
                begun.nothing.insert(address.clone(), pending.clone());
            }
            _ if pending.kind == "account" => begun.asked.push(address.clone()),
            _ => _ = begun.nothing.insert(address.clone(), pending.clone()),
        }
    }
    for (address, pending) in record.pending.iter().filter(|(address, _)| is_to_go(address)) {
        if pending.kind == "stack" && record.entry(address).is_some() {
            stack_elsewhere(question, &ids, (address, pending, None), &mut begun);
        }
    }
    in_place(question, &ids, &mut begun);
    if *command == Command::Apply {
        elsewhere(question, &ids, &mut begun);
    }
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
    begun
}

/// How long an account may come that was asked for and is nowhere to be seen: its creation takes minutes.
const COMES: SignedDuration = SignedDuration::from_hours(24);

/// Is it known that no account comes of a request? The service says that it failed, or has not shown it for a day.
fn is_over(question: &Question<'_>, address: &str, pending: &Pending) -> bool {
    match question.live.creations.get(address).map(|creation| creation.known) {
        // One that was found by its name alone may be somebody else's.
        Some(Known::Failed) if pending.request.is_some() => true,
        Some(Known::InProgress) => false,
        // Who plans for another day than today knows no more of it.
        _ => {
            let looked = question.live.read_at.map(|read| read.min(question.at));
            looked.is_some_and(|looked| looked.duration_since(pending.at) > COMES)
        }
    }
}

/// The account that has the e-mail which a run asked for.
fn account_asked_for<'l>(live: &'l Live, pending: &Pending) -> Option<&'l Account> {
    let email = pending.email.as_deref().filter(|_| pending.kind == ResourceKind::Account.name())?;
    live.accounts.values().find(|account| account.email.eq_ignore_ascii_case(email))
}

/// Is what was asked for at an address that of another one by now, or is it about to be? An e-mail has one account.
fn account_is_anothers(
    question: &Question<'_>,
    ids: &identity::Ids,
    (address, pending): (&String, &Pending),
) -> bool {
    let account = account_asked_for(question.live, pending);
    account.is_some_and(|account| ids.iter().any(|(other, id)| other != address && *id == account.id))
}

fn account_is_recorded(question: &Question<'_>, pending: &Pending) -> bool {
    let account = account_asked_for(question.live, pending);
    let recorded = |account: &Account| question.record.0.resources.values().any(|entry| entry.id == account.id);
    account.is_some_and(recorded)
}

/// An account that was asked for by another e-mail than the program says now, and of which nothing came, or one that is closed: the
/// e-mail is somebody else's, or of no more use, so it is asked for by the program's.
fn asked_for_in_vain(question: &Question<'_>, ids: &identity::Ids, (address, pending): (&String, &Pending)) -> bool {
    let wanted = question.desired.resources.get(address).filter(|wanted| wanted.account.is_some());
    let said = wanted.map(|wanted| text(&wanted.fields, "email")).filter(|said| !said.is_empty());
    let is_other = said.zip(pending.email.as_ref()).is_some_and(|(said, asked)| !said.eq_ignore_ascii_case(asked));
    let is_there = account_asked_for(question.live, pending).is_some();
    is_other && !ids.contains_key(address) && (is_there || is_over(question, address, pending))
}

/// What is there of something that was begun.
enum Found {
    There(Entry),
    Nowhere,
    Unread,
}

/// What is there of an attachment, a statement or a stack, which is known by where it is; none for other kinds.
fn unnamed(question: &Question<'_>, ids: &identity::Ids, (address, pending): (&String, &Pending)) -> Option<Found> {
    let live = question.live;
    let there = |id: &str, fields: Fields| Found::There(Entry { fields, ..entry(pending, id) });
    Some(match pending.kind.as_str() {
        "scp_attachment" if is_attached(question, ids, address) => there("", Fields::new()),
        // Of a part of the organization nobody can tell that it is nowhere.
        "scp_attachment" if !question.scope.only.is_empty() => Found::Unread,
        "scp_attachment" => Found::Nowhere,
        "repository_policy" => {
            let (account, name) = pending.name.split_once('/')?;
            let found = live.repositories.get(&(account.to_owned(), name.to_owned()));
            let Some(Ok(ours)) = found.map(|found| found.text().map_or(Ok(BTreeMap::new()), ours)) else {
                return Some(Found::Unread);
            };
            let content = ("content".to_owned(), policy::document(ours.values()));
            if ours.is_empty() { Found::Nowhere } else { there(&pending.name, Fields::from_iter([content])) }
        }
        "stack" => match pending.place().and_then(|place| live.stacks.get(&place)) {
            None | Some(LiveStack::Closed(_)) => Found::Unread,
            // A name in review has no tags yet; any other stack without our mark is somebody else's.
            Some(LiveStack::There { stack, .. })
                if stack
                    .tags
                    .get(ADDRESS_TAG)
                    .is_some_and(|mark| mark == address || question.record.1.get(address) == Some(mark))
                    || stack.tags.is_empty() && stack.state() == Some(StackState::ReviewInProgress) =>
            {
                there(&stack.id, Fields::new())
            }
            Some(_) => Found::Nowhere,
        },
        _ => return None,
    })
}

/// Does the policy of an attachment hold its target?
fn is_attached(question: &Question<'_>, ids: &identity::Ids, address: &str) -> bool {
    let Question { desired, live, .. } = question;
    let policy = identity::policy_of_attachment(address).and_then(|policy| ids.get(&policy));
    let target = address.split_once('/').map_or("", |(_, target)| target);
    let target = if desired.org.address.as_deref() == Some(target) { ROOT } else { target };
    policy.cloned().zip(ids.get(target).cloned()).is_some_and(|pair| live.attached.contains(&pair))
}

/// What was made in place of a unit or a set that the program has as it was. What stands for a unit says where those below it
/// belong: those above come first.
fn in_place(question: &Question<'_>, ids: &identity::Ids, begun: &mut Begun) {
    let Question { record: (record, _), scope, .. } = question;
    let mut ids = ids.clone();
    let former = record.resources.keys().filter_map(|address| address.strip_suffix(FORMER));
    let doubled: BTreeSet<&str> = record.pending.keys().map(String::as_str).chain(former).collect();
    let mut doubled: Vec<String> = doubled.into_iter().map(str::to_owned).collect();
    doubled.sort_by_key(|address| depth(question, address));
    for address in doubled.iter().filter(|address| scope.takes(address, &[])) {
        let Some(now) = record.entry(address) else { continue };
        // The run could write down what it had made.
        let former = record.entry(&former_address(address)).filter(|former| former.kind == now.kind);
        if let Some(former) = former
            && fits(question, &ids, address, &former.id)
            && !fits(question, &ids, address, &now.id)
        {
            ids.insert(former_address(address), now.id.clone());
            ids.insert(address.clone(), former.id.clone());
            begun.back.insert(address.clone(), former.clone());
        }
        let pending = record.pending.get(address).filter(|pending| pending.kind == now.kind);
        if let Some(pending) = pending {
            unrecorded_in_place(question, &ids, (address, pending), begun);
        }
    }
}

/// How many units are above one of the program.
fn depth(question: &Question<'_>, address: &str) -> usize {
    let above = |at: &String| question.desired.resources.get(at).map(|unit| text(&unit.fields, "parent"));
    std::iter::successors(Some(address.to_owned()), above).take(crate::limits::OU_LEVELS.most + 1).count()
}

/// Is a unit or a set where, and named as, the program says of the address?
fn fits(question: &Question<'_>, ids: &identity::Ids, address: &str, id: &str) -> bool {
    let Some(wanted) = question.desired.resources.get(address).filter(|_| question.command == Command::Apply) else {
        return false;
    };
    let name = text(&wanted.fields, "name");
    match question.live.units.get(id) {
        Some(unit) => unit.name == name && is_placed(question, ids, address, id),
        None => question.live.sets.get(id).is_some_and(|set| set.fields.name == name),
    }
}

/// Is a unit where the program says of the address, and stay those above it where they are? It is made anew with them.
fn is_placed(question: &Question<'_>, ids: &identity::Ids, address: &str, id: &str) -> bool {
    let Some((wanted, unit)) = question.desired.resources.get(address).zip(question.live.units.get(id)) else {
        return true;
    };
    let parent = text(&wanted.fields, "parent");
    ids.get(&parent) == Some(&unit.parent) && is_placed(question, ids, &parent, &unit.parent)
}

/// The same where the run had no time to write down what it made.
fn unrecorded_in_place(
    question: &Question<'_>,
    ids: &identity::Ids,
    (address, pending): (&String, &Pending),
    begun: &mut Begun,
) {
    let Question { record: (record, _), live, scope, .. } = question;
    let stands = begun.back.get(address).or_else(|| record.entry(address)).map(|entry| entry.id.clone());
    let is_back = stands.as_ref().is_some_and(|id| fits(question, ids, address, id));
    let is_unit = pending.kind == "ou";
    if !is_unit && pending.kind != "permission_set" {
        return;
    }
    // Its own place may be that of what was made: the record tells which one it had.
    let mut known = if is_unit { ids.clone() } else { identity::Ids::new() };
    known.remove(address);
    known.extend(stands.map(|id| (address.clone(), id)));
    let all = identity::begun(live, address, pending, &known);
    let place = record.free_former(address);
    match all.iter().find(|id| is_marked(question, address, id)) {
        Some(id) if fits(question, ids, address, id) => {}
        Some(id) => _ = begun.made.insert(place, marked(question, address, entry(pending, id))),
        // Nothing came of it, as far as all that could be it was read.
        None => {
            let doubted = all.iter().any(|id| marks::mark(live, id).is_none() && !marks::is_unmarked(live, id));
            if scope.only.is_empty() && !doubted && is_back {
                begun.nothing.insert(place, pending.clone());
            }
        }
    }
}

/// What was begun that the program has in another place or under another name now. It stands for its address until that is made; beside
/// what does already, it is a former one.
fn elsewhere(question: &Question<'_>, ids: &identity::Ids, begun: &mut Begun) {
    let Question { desired, record: (record, _), live, scope, .. } = question;
    for (address, pending) in &record.pending {
        if let Some(wish) = desired.stacks.get(address) {
            if pending.kind == "stack" && wish::takes(scope, Some(wish), record, address) {
                stack_elsewhere(question, ids, (address, pending, Some(wish)), begun);
            }
            continue;
        }
        let Some(wanted) = desired.resources.get(address).filter(|wanted| scope.takes(address, &wanted.sources))
        else {
            continue;
        };
        if record.entry(address).is_some() {
            continue;
        }
        let is_ours = |id: &&String| is_marked(question, address, id);
        match (pending.kind.as_str(), ids.get(address)) {
            ("ou", stands) => {
                let all = identity::begun(live, address, pending, ids);
                if let Some(id) = all.into_iter().find(is_ours) {
                    let place = if stands.is_none() { address.clone() } else { record.free_former(address) };
                    begun.made.insert(place, marked(question, address, entry(pending, id)));
                }
            }
            ("account", None) if asked_for_in_vain(question, ids, (address, pending)) => {
                begun.vain.insert(address.clone(), pending.clone());
            }
            ("permission_set", Some(id)) if is_ours(&id) => {
                let name = live.sets.get(id).map(|set| set.fields.name.as_str());
                if name.is_some_and(|name| name != text(&wanted.fields, "name")) {
                    begun.made.insert(address.clone(), marked(question, address, entry(pending, id)));
                }
            }
            _ => {}
        }
    }
}

/// A stack that was begun in another place than the program has it in, or that is to go beside the one that the record has.
fn stack_elsewhere(
    question: &Question<'_>,
    ids: &identity::Ids,
    (address, pending, wish): (&String, &Pending, Option<&StackWish>),
    begun: &mut Begun,
) {
    let (record, wanted) = (question.record.0, wish.and_then(|wish| wish.place(ids)));
    if wanted.is_some() && pending.place() == wanted {
        return;
    }
    let recorded = record.entry(address);
    match unnamed(question, ids, (address, pending)) {
        Some(Found::There(entry)) if record.held_as(address, &entry.id).is_none() => {
            let place = if recorded.is_none() { address.clone() } else { record.free_former(address) };
            begun.made.insert(place, entry);
        }
        Some(Found::Unread) => begun.unread.push(address.clone()),
        // Nothing is begun in place of what is to go, or is back where it was.
        _ if wish.is_none() || recorded.is_some_and(|entry| StackPlace::of_arn(&entry.id) == wanted) => {
            begun.nothing.insert(record.free_former(address), pending.clone());
        }
        _ => {}
    }
}

/// Has it the mark of an address, or of the one that the address had when it was begun?
fn is_marked(question: &Question<'_>, address: &str, id: &str) -> bool {
    let Question { desired, record: (record, origins), live, .. } = question;
    let before = origins.get(address).map(String::as_str);
    marks::mark(live, id).is_some_and(|mark| {
        marks::is_of(desired, (address, before), mark) || marks::was_of(desired, record, (address, mark))
    })
}

/// The entry with the mark that was found, where it is the former address: the record vouches for it from here on.
fn marked(question: &Question<'_>, address: &str, mut entry: Entry) -> Entry {
    if let Some(mark) = marks::mark(question.live, &entry.id).filter(|mark| *mark != address) {
        let tags = serde_json::json!({ ADDRESS_TAG: mark });
        entry.fields.insert("tags".to_owned(), tags);
    }
    entry
}

fn entry(pending: &Pending, id: &str) -> Entry {
    let mut fields = Fields::from_iter([("name".to_owned(), Json::from(pending.name.as_str()))]);
    fields.extend(pending.email.as_ref().map(|email| ("email".to_owned(), Json::from(email.as_str()))));
    let (kind, run) = (pending.kind.clone(), pending.run.clone());
    Entry { kind, id: id.to_owned(), fields, in_force: None, protect: false, applied_at: pending.at, run }
}

impl Begun {
    /// The record with what was made; none where there is nothing.
    pub(super) fn with(&self, record: &Record) -> Option<Record> {
        let any = !self.made.is_empty() || !self.placed.is_empty() || !self.back.is_empty();
        (any || !self.vain.is_empty() || !self.nothing.is_empty()).then(|| {
            let mut with = record.clone();
            with.pending.retain(|address, _| !self.vain.contains_key(address));
            // What is told of here stands for nothing any more.
            for address in self.made.keys().chain(self.nothing.keys()).filter(|address| address.ends_with(FORMER)) {
                with.pending.remove(base_of(address));
            }
            for (address, entry) in &self.back {
                if let Some(now) = with.resources.insert(address.clone(), entry.clone()) {
                    with.resources.insert(former_address(address), now);
                }
            }
            let all = self.made.iter().chain(&self.placed);
            with.resources.extend(all.map(|(address, entry)| (address.clone(), entry.clone())));
            with
        })
    }
}

impl Builder<'_> {
    /// What was made is written down before it goes; what came to nothing is forgotten.
    pub(super) fn remember_begun(&mut self, begun: &Begun) -> BTreeMap<String, OperationId> {
        for (address, pending) in &begun.nothing {
            let needs: Vec<OperationId> = self.readdress(base_of(address)).into_iter().collect();
            let forgotten = self.operation(address, Verb::Forget, &needs, Fields::new());
            self.change(Change {
                name: pending.name.clone(),
                operations: vec![forgotten],
                reason: Some("a run that was killed had begun to make it, and it is not there".to_owned()),
                ..change(address, &pending.kind, Action::Forget)
            });
        }
        if !begun.asked.is_empty() {
            let message =
                "asked for by a run that was killed, and not there: if it comes within a day, the next run takes it up".to_owned();
            self.note(message, begun.asked.clone());
        }
        if !begun.unread.is_empty() {
            let message = "begun by a run that was killed, and not looked at by this plan: it is neither taken back nor forgotten until one does";
            self.note(message.to_owned(), begun.unread.clone());
        }
        let mut vain = BTreeMap::new();
        for (address, pending) in &begun.vain {
            let needs: Vec<OperationId> = self.readdress(address).into_iter().collect();
            vain.insert(address.clone(), self.operation(address, Verb::Forget, &needs, Fields::new()));
            let email = pending.email.as_deref().unwrap_or_default();
            let message = format!(
                "a run that was killed had asked for {address} by the e-mail {email}, and nothing came of it: it is asked for anew"
            );
            self.note(message, vec![address.clone()]);
        }
        let mut remember = |(address, entry): (&String, &Entry), goes: &str| {
            let base = base_of(address);
            // What the record has by another address is brought to this one first, with what stands beside it.
            let mut needs: Vec<OperationId> =
                [base, &former_address(base)].iter().filter_map(|at| self.readdress(at)).collect();
            needs.extend(self.opening.get(base));
            let verb = Verb::Remember { id: entry.id.clone() };
            let operation = self.operation(address, verb, &needs, entry.fields.clone());
            self.step(goes, Step::Gone, operation);
            // What is made in its place is begun when it is written down.
            self.opening.insert(base.to_owned(), operation);
            (address.clone(), operation)
        };
        let mut all: BTreeMap<String, OperationId> = begun.made.iter().map(|made| remember(made, made.0)).collect();
        // What was made in their place is the former one by that, and goes as such.
        all.extend(vain);
        all.extend(begun.back.iter().map(|back| remember(back, &former_address(back.0))));
        all
    }

    /// An account is not given on, closed or let go with something in it that was begun and that nobody could look at.
    pub(super) fn keep_what_is_unread(&mut self, begun: &Begun) {
        for address in &begun.unread {
            let Some(pending) = self.record.pending.get(address) else { continue };
            let id = pending.name.split('/').next().unwrap_or_default();
            let account = self.address_of("account", id);
            let ends = |operation: &Operation| match operation.verb {
                Verb::Park | Verb::CloseAccount | Verb::Forget => operation.address == account,
                _ => false,
            };
            if pending.kind == "scp_attachment" || !self.operations.iter().any(ends) {
                continue;
            }
            let message = format!(
                "{address} was begun in {id} by a run that was killed, and could not be looked at: {account} would be given up with it"
            );
            let fault = Fault::new(Code::ReadFailed, message);
            let fault = fault
                .help("run it as somebody whom the account lets in")
                .help(format!("`--except {account}` leaves it out"));
            self.faults.push(fault);
        }
    }

    /// The changes begin with that.
    pub(super) fn lead(&mut self, begun: &Begun, remembered: &BTreeMap<String, OperationId>) {
        for change in &mut self.changes {
            if let Some(operation) = remembered.get(&change.address) {
                change.operations.insert(0, *operation);
                if begun.vain.contains_key(&change.address) {
                    continue;
                }
                change.reason = Some("a run that was killed had made it".to_owned());
                // Of it the record has no more than what the run had written down before.
                if !begun.back.contains_key(&change.address) {
                    change.drift.clear();
                }
            }
        }
    }
}
