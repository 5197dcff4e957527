//! Taking over what exists. Owns by what a thing is known for the one that an address means (its name, or the mark of an
//! earlier apply), and that a plan of taking over changes nothing but the record and that mark.

use std::collections::{BTreeMap, BTreeSet};

use crate::live::Live;
use crate::plan::build::change;
use crate::plan::cost;
use crate::plan::desired::{ADDRESS_TAG, Desired, PARKED_TAG, PARKING, ROOT, Wanted};
use crate::plan::identity;
use crate::plan::model::{Action, Change, Fields, Notice, Operation, OperationId, Plan, Verb};
use crate::plan::parking::{parking_change, parking_fields};
use crate::provider::{Account, Tags};
use crate::registry::record::{Entry, IN_FORCE, Record, former_address};
use crate::resources::ResourceKind;
use crate::stacks::wish;
use crate::terminal::visible;
use crate::words::counted;

/// Things of one sort that are named one by one.
const NAMED: usize = 5;

/// What is about to be taken over.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// The record, with what is taken over as good as in it.
    pub record: Record,
    /// Addresses of units, accounts, policies and sets that are taken.
    pub taken: BTreeSet<String>,
    /// Accounts that wait for a cell, by the address that each had.
    pub parked: BTreeMap<String, Account>,
    /// The unit that they are in, where the record does not have it: its id and name.
    pub parking: Option<(String, String)>,
    /// What is not taken, or has to be looked at, and why.
    pub remarks: Vec<String>,
}

impl Claims {
    fn claim(&mut self, address: &str, kind: ResourceKind, id: &str, at: jiff::Timestamp) {
        self.record.resources.insert(address.to_owned(), Entry::claim(kind.name(), id, at));
        self.taken.insert(address.to_owned());
    }

    fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }
}

/// Who has an id by the record.
fn owners(record: &Record) -> BTreeMap<String, String> {
    let known = record.resources.iter().filter(|(_, entry)| !entry.id.is_empty());
    known.map(|(address, entry)| (entry.id.clone(), address.clone())).collect()
}

/// What the program names, exists, and is in no record: units by their place, accounts by id and e-mail, policies and
/// sets by name. `live` is a [`crate::live::Survey`].
pub fn by_name(desired: &Desired, record: &Record, live: &Live, at: jiff::Timestamp) -> Claims {
    let mut claims = Claims { record: record.clone(), ..Claims::default() };
    let owners = owners(record);
    let mut known = identity::units(desired, record, live);
    known.extend(identity::accounts(desired, record, live));
    let policies: BTreeMap<&str, &str> = live
        .policies
        .values()
        .filter(|policy| !policy.aws_managed)
        .map(|policy| (policy.name.as_str(), policy.id.as_str()))
        .collect();
    let sets: BTreeMap<&str, &str> =
        live.sets.iter().map(|(arn, set)| (set.fields.name.as_str(), arn.as_str())).collect();
    for (address, wanted) in &desired.resources {
        if let Some(entry) = record.entry(address) {
            // A taking over that ended between the record and the mark is taken up again.
            if is_half_taken(address, entry) && tags_of(live, wanted.kind, &entry.id).is_some() {
                claims.claim(address, wanted.kind, &entry.id, at);
            }
            continue;
        }
        let name = wanted.fields.get("name").and_then(|name| name.as_str()).unwrap_or_default();
        let id = match wanted.kind {
            ResourceKind::Ou | ResourceKind::Account => known.get(address).map(String::as_str),
            ResourceKind::Scp => policies.get(name).copied(),
            ResourceKind::PermissionSet => sets.get(name).copied(),
            _ => None,
        };
        let Some(id) = id else { continue };
        match owners.get(id) {
            Some(owner) => claims.remark(format!(
                "{address} is in the record already, as {owner}: `moved {{ from = \"{owner}\", to = \"{address}\" }}` gives it this address"
            )),
            // An account that is no more, or never was here, is the plan's to tell.
            None => {
                foreign_mark(&mut claims, address, tags_of(live, wanted.kind, id));
                claims.claim(address, wanted.kind, id, at);
            }
        }
    }
    claims
}

/// Is it in the record without the mark that taking over gives it?
fn is_half_taken(address: &str, entry: &Entry) -> bool {
    let tags = entry.fields.get("tags").and_then(|tags| tags.as_object());
    tags.is_some_and(|tags| tags.get(ADDRESS_TAG).and_then(|mark| mark.as_str()) != Some(address))
}

/// Says that a thing carries the mark of another address.
fn foreign_mark(claims: &mut Claims, address: &str, tags: Option<&Tags>) {
    let mark = tags.and_then(|tags| tags.get(ADDRESS_TAG)).filter(|mark| *mark != address);
    if let Some(mark) = mark {
        claims.remark(format!(
            "{address} is marked as {mark}, by another program or one whose record is lost: be sure that nobody else manages it"
        ));
    }
}

fn tags_of<'l>(live: &'l Live, kind: ResourceKind, id: &str) -> Option<&'l Tags> {
    match kind {
        ResourceKind::PermissionSet => live.sets.get(id)?.detail.as_ref()?.tags.as_ref(),
        _ => live.tags.get(id),
    }
}

/// What an earlier apply marked: a record that was lost. The mark alone proves nothing, since anybody who may tag could
/// have set it: what it is on must be what the program says, too, or be the only one that is marked so.
pub fn by_mark(desired: &Desired, record: &Record, live: &Live, at: jiff::Timestamp) -> Claims {
    let mut claims = Claims { record: record.clone(), ..Claims::default() };
    let mut marked: BTreeMap<String, Vec<Marked<'_>>> = BTreeMap::new();
    for one in marks(live) {
        marked.entry(address_of(desired, one.mark)).or_default().push(one);
    }
    let mut parents = BTreeMap::new();
    for (mark, all) in &marked {
        if let [one] = all.as_slice() {
            parents.insert(mark.clone(), one.id.to_owned());
        }
    }
    parents.extend(live.organization.iter().map(|found| (ROOT.to_owned(), found.root.clone())));
    for (mark, all) in marked {
        let mark = mark.as_str();
        let Some(wanted) = desired.resources.get(mark) else {
            let named: Vec<String> = all.iter().map(Marked::named).collect();
            claims.remark(format!(
                "{} marked as {mark}, which the program does not have: left as it is (`cellc adopt` takes it under an address of the program)",
                named.join(" and ")
            ));
            continue;
        };
        match chosen(&all, wanted, live, &parents) {
            Ok(one) => {
                if let Some(why) = differs(one, wanted, live, &parents) {
                    claims
                        .remark(format!("{mark} is taken by its mark alone, and {why}: be sure that it is the one"));
                }
                claims.claim(mark, wanted.kind, one.id, at);
            }
            Err(why) => claims.remark(format!("{mark} is left: {why}")),
        }
    }
    waiting(&mut claims, desired, record, live);
    claims
}

/// The address that a mark means: where the program has it under another by now, as a `moved` line says, that one.
fn address_of(desired: &Desired, mark: &str) -> String {
    let moved = || desired.moved_to(mark).filter(|to| desired.resources.contains_key(to));
    let known = desired.resources.contains_key(mark);
    if known { None } else { moved() }.unwrap_or_else(|| mark.to_owned())
}

/// Accounts that are marked as parked, and are where parked ones are.
fn waiting(claims: &mut Claims, desired: &Desired, record: &Record, live: &Live) {
    let known = identity::units(desired, record, live);
    for account in live.accounts.values().filter(|account| identity::is_open(account)) {
        let tags = live.tags.get(&account.id);
        let Some(from) = tags.and_then(|tags| tags.get(PARKED_TAG)) else { continue };
        if record.parked.contains_key(&account.id) {
            continue;
        }
        let elsewhere = account.parent.is_none() || account.parent.as_ref() != known.get(PARKING);
        let elsewhere = elsewhere.then_some("it is not in the unit of parked accounts");
        if let Some(why) = identity::unproven(account, live).or(elsewhere) {
            claims.remark(format!(
                "account {} ({}) is marked as parked, and left: {why}",
                account.id,
                visible::name(&account.name)
            ));
            continue;
        }
        // The cell may be there again, in another account, or have had several.
        let mut from = from.clone();
        while claims.parked.contains_key(&from) || claims.record.entry(&from).is_some() {
            from = former_address(&from);
        }
        claims.parked.insert(from, account.clone());
    }
    let unit = known.get(PARKING).and_then(|id| live.units.get(id));
    let waits = !claims.parked.is_empty() || !record.parked.is_empty();
    let lacks = waits && record.entry(PARKING).is_none();
    claims.parking = unit.filter(|_| lacks).map(|unit| (unit.id.clone(), unit.name.clone()));
}

/// A thing with the mark of an address.
#[derive(Debug, Clone, Copy)]
struct Marked<'l> {
    mark: &'l str,
    kind: ResourceKind,
    id: &'l str,
    name: &'l str,
}

impl Marked<'_> {
    fn named(&self) -> String {
        format!("{} {}", self.kind.name(), self.name)
    }
}

fn marks(live: &Live) -> Vec<Marked<'_>> {
    let mut all = Vec::new();
    for (id, tags) in &live.tags {
        let Some(mark) = tags.get(ADDRESS_TAG) else { continue };
        let unit = live.units.get(id).map(|unit| (ResourceKind::Ou, unit.name.as_str()));
        let account = live.accounts.get(id).map(|account| (ResourceKind::Account, account.name.as_str()));
        let policy = live.policies.get(id).map(|policy| (ResourceKind::Scp, policy.name.as_str()));
        if let Some((kind, name)) = unit.or(account).or(policy) {
            all.push(Marked { mark, kind, id, name });
        }
    }
    for (arn, set) in &live.sets {
        let tags = set.detail.as_ref().and_then(|detail| detail.tags.as_ref());
        if let Some(mark) = tags.and_then(|tags| tags.get(ADDRESS_TAG)) {
            all.push(Marked { mark, kind: ResourceKind::PermissionSet, id: arn, name: &set.fields.name });
        }
    }
    all
}

/// The one thing that an address means, of those that are marked so.
fn chosen<'m, 'l>(
    all: &'m [Marked<'l>],
    wanted: &Wanted,
    live: &Live,
    parents: &BTreeMap<String, String>,
) -> Result<&'m Marked<'l>, String> {
    let of_kind: Vec<&Marked<'_>> = all.iter().filter(|one| one.kind == wanted.kind).collect();
    let fitting: Vec<&&Marked<'_>> =
        of_kind.iter().filter(|one| differs(one, wanted, live, parents).is_none()).collect();
    match (fitting.as_slice(), of_kind.as_slice()) {
        ([one], _) => Ok(one),
        ([], [one]) => Ok(one),
        (_, []) => Err(format!("what is marked so is no {}", wanted.kind.name())),
        _ => {
            let named: Vec<String> = of_kind.iter().map(|one| format!("{} ({})", one.named(), one.id)).collect();
            Err(format!("{} are marked so; `cellc adopt` says which one it is", named.join(" and ")))
        }
    }
}

/// How a marked thing differs from what the program says of it, if it does.
fn differs(one: &Marked<'_>, wanted: &Wanted, live: &Live, parents: &BTreeMap<String, String>) -> Option<String> {
    let text = |field: &str| wanted.fields.get(field).and_then(|value| value.as_str()).unwrap_or_default();
    if let (Some(account), Some(wish)) = (live.accounts.get(one.id), &wanted.account) {
        let said = wish.id.as_deref();
        return match said {
            Some(said) => (said != one.id).then(|| format!("the program says account {said}")),
            None => (!account.email.eq_ignore_ascii_case(text("email")))
                .then(|| format!("its e-mail is {}", account.email)),
        };
    }
    if one.name != text("name") {
        return Some(format!("it is called {}", one.name));
    }
    let unit = live.units.get(one.id)?;
    let parent = parents.get(text("parent"));
    (parent.is_some_and(|parent| *parent != unit.parent)).then(|| "it is below another unit".to_owned())
}

/// Of a plan only what takes over: the record, and the mark. What the plan would do besides is left, and said.
pub fn only(mut plan: Plan, desired: &Desired, claims: &Claims, takes: &dyn Fn(&str) -> bool) -> Plan {
    // What is called otherwise, or is at another place, than the program says would be made anew: it is taken all the same.
    let is_claimed = |change: &Change| change.before.is_some() && claims.taken.contains(&change.address);
    let (adopted, others): (Vec<Change>, Vec<Change>) = plan
        .changes
        .into_iter()
        .partition(|change| takes(&change.address) && (change.action == Action::Adopt || is_claimed(change)));
    let mut operations = Vec::new();
    let mut waiting = Vec::new();
    if let Some((id, name)) = &claims.parking {
        let remembered = next(&mut operations, PARKING, Verb::Remember { id: id.clone() }, Vec::new());
        let fields = parking_fields(name);
        if let Some(last) = operations.last_mut() {
            last.sets.clone_from(&fields);
        }
        waiting.push(parking_change((Action::Adopt, Some(id.clone())), name, fields, remembered));
    }
    for (from, account) in &claims.parked {
        let parked = next(&mut operations, from, Verb::Park, Vec::new());
        plan.ids.insert(from.clone(), account.id.clone());
        waiting.push(kept_waiting(from, account, parked));
    }
    let mut differing = 0;
    plan.changes = adopted
        .into_iter()
        .map(|change| {
            let protect = desired.resources.get(&change.address).is_some_and(|wanted| wanted.protect);
            let (taken, differs) = taken_over(change, protect, &mut operations);
            differing += usize::from(differs);
            taken
        })
        .chain(waiting)
        .collect();
    let notes = left(&others, differing).into_iter().chain(claims.remarks.iter().cloned());
    plan.notices.retain(Notice::is_of_unread);
    plan.notices.extend(notes.map(|message| Notice::note(message, Vec::new())));
    plan.access.clear();
    plan.review = None;
    plan.authority.clear();
    plan.cost = cost::of(&operations, plan.limits, Vec::new());
    plan.operations = operations;
    plan
}

/// That a parked account comes into the record as one.
fn kept_waiting(from: &str, account: &Account, parked: OperationId) -> Change {
    let fields = Fields::from_iter([
        ("email".to_owned(), account.email.as_str().into()),
        ("name".to_owned(), account.name.as_str().into()),
        ("ou".to_owned(), PARKING.into()),
    ]);
    Change {
        name: account.name.clone(),
        id: Some(account.id.clone()),
        before: Some(fields.clone()),
        after: Some(fields),
        operations: vec![parked],
        reason: Some("parked, and waits for a dev cell".to_owned()),
        ..change(from, ResourceKind::Account.name(), Action::Adopt)
    }
}

fn next(operations: &mut Vec<Operation>, address: &str, verb: Verb, needs: Vec<OperationId>) -> OperationId {
    let id = OperationId(u32::try_from(operations.len()).unwrap_or(u32::MAX));
    let sets = Fields::new();
    operations.push(Operation { id, address: address.to_owned(), verb, needs, sets });
    id
}

/// A change that only takes over, and whether the program says something else of the thing.
fn taken_over(mut change: Change, protect: bool, operations: &mut Vec<Operation>) -> (Change, bool) {
    let before = change.before.clone().unwrap_or_default();
    let id = change.id.clone().unwrap_or_default();
    let remembered = next(operations, &change.address, Verb::Remember { id }, Vec::new());
    change.operations = vec![remembered];
    let mut after = before.clone();
    // An assignment, or an attachment, is what its address says.
    let derived = change.id.is_none();
    if !derived {
        let mut sets = if change.kind == "stack" { wish::recorded(&before) } else { before.clone() };
        if protect {
            sets.insert("protect".to_owned(), true.into());
        }
        // Some accounts have an older form of the set, and nobody wrote down which.
        if !change.in_force.is_empty() {
            sets.insert(IN_FORCE.to_owned(), serde_json::json!({}));
        }
        if let Some(last) = operations.last_mut() {
            last.sets = sets;
        }
        let mut tags = before.get("tags").map(crate::plan::build::tags_of).unwrap_or_default();
        if tags.get(ADDRESS_TAG) != Some(&change.address) {
            let set = Tags::from([(ADDRESS_TAG.to_owned(), change.address.clone())]);
            tags.extend(set.clone());
            let tagged = next(operations, &change.address, Verb::Tag { set, remove: Vec::new() }, vec![remembered]);
            let tags = crate::plan::build::json_tags(&tags);
            if let Some(last) = operations.last_mut() {
                last.sets.insert("tags".to_owned(), tags.clone());
            }
            after.insert("tags".to_owned(), tags);
            change.operations.push(tagged);
        }
    }
    let wanted = change.after.take().unwrap_or_default();
    let differs = !derived && wanted.iter().any(|(name, value)| after.get(name) != Some(value));
    change.action = Action::Adopt;
    change.reason = None;
    change.drift.clear();
    change.later.clear();
    change.before = Some(before);
    change.after = Some(after);
    (change, differs)
}

/// What the plan says besides, for people.
fn left(others: &[Change], differing: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if differing > 0 {
        let differ = if differing == 1 { "differs" } else { "differ" };
        notes.push(format!(
            "{} of what is taken over {differ} from the program: the next plan shows how",
            counted(differing, "resource")
        ));
    }
    for action in
        [Action::Create, Action::Update, Action::Replace, Action::Delete, Action::Move, Action::Adopt, Action::Forget]
    {
        let of: Vec<&str> =
            others.iter().filter(|change| change.action == action).map(|change| change.address.as_str()).collect();
        if of.is_empty() {
            continue;
        }
        let more = of.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let shown = of.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        notes.push(format!("left for the next plan, to {}: {shown}{more}", action.word()));
    }
    notes
}
