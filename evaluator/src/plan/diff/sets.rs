//! Permission sets. Their name never changes: a set of another name is made anew, given to everyone who had the
//! former one, and the former one deleted after that.
//!
//! An edit reaches the accounts only when the set is provisioned: one provisioning for all edits of a set.

use std::collections::VecDeque;

use cell_lang::diagnostics::Code;
use serde_json::Value as Json;

use crate::live::{LiveSet, SetDetail};
use crate::plan::build::{Builder, GONE, Step, change, drifted_with, tags_of, text};
use crate::plan::canonical;
use crate::plan::desired::Wanted;
use crate::plan::diff::sets_by_waves::Under;
use crate::plan::fault::Fault;
use crate::plan::model::{Action, Change, Fields, OperationId, Verb};
use crate::plan::stays::given_out_of_reach;
use crate::provider::{Boundary, CustomerPolicy, SetFields};
use crate::registry::record::{Entry, FORMER, IN_FORCE};
use crate::releases::sets::PARTS;
use crate::words::first_of;

/// How it is told of a set that accounts have an older form of it.
pub(in crate::plan) const HALF_APPLIED: &str = "half applied: ";
/// Accounts of a set that is half applied, told at most.
pub(super) const TOLD: usize = 10;

impl Builder<'_> {
    /// Permission sets that are to be there.
    pub(in crate::plan) fn sets(&mut self) {
        let wanted = self.wanted("permission_set");
        if self.live.center.is_none() && !wanted.is_empty() {
            let place = wanted.first().and_then(|(_, set)| set.sources.first());
            let said = self.desired.org.identity_center.as_deref();
            let message = match said {
                Some(arn) => format!("there is no Identity Center instance {arn} in this region"),
                None => "IAM Identity Center is not enabled in this region".to_owned(),
            };
            self.faults.push(
                Fault::new(Code::NoCenter, message)
                    .at(place, "this permission set needs one")
                    .help("say its region in `org { home_region = … }`, or enable it in the management account"),
            );
            return;
        }
        for (address, set) in wanted {
            self.set(address, set);
        }
    }

    /// A set that something selected needs and that does not exist is taken along, since it is a create.
    pub(in crate::plan) fn needs_set(&mut self, by: &str, address: &str) {
        // One that somebody deleted is not there, though the record has it.
        let there = self.ids.get(address).is_some_and(|arn| self.live.sets.contains_key(arn));
        if there || !self.after(address, Step::Formed).is_empty() {
            return;
        }
        if let Some(wanted) = self.desired.resources.get(address) {
            self.set(address, wanted);
            if let Some(taken) = self.changes.iter_mut().find(|change| change.address == address) {
                taken.reason = Some(format!("needed by {by}"));
            }
        }
    }

    fn set(&mut self, address: &str, wanted: &Wanted) {
        let (mut after, later) = self.resolved(&wanted.fields);
        normal(&mut after);
        let plan = Change {
            name: text(&after, "name"),
            sources: wanted.sources.clone(),
            later,
            ..change(address, "permission_set", Action::NoOp)
        };
        let found = self.ids.get(address).cloned();
        let live = found.as_ref().and_then(|arn| self.live.sets.get(arn));
        match (found, live) {
            (Some(arn), Some(set)) => self.change_set(plan, after, &arn, set),
            _ => self.create_set(plan, after, Action::Create),
        }
    }

    fn create_set(&mut self, mut plan: Change, after: Fields, action: Action) {
        if self.set_name_is_taken(&plan) {
            return;
        }
        let address = plan.address.clone();
        if action == Action::Create && self.record.entry(&address).is_some() {
            plan.drift = vec!["*".to_owned()];
            plan.operations.push(self.operation(&address, Verb::Forget, &[], Fields::new()));
        }
        let tags = after.get("tags").map(tags_of).unwrap_or_default();
        let plain = ["name", "description", "session", "relay_state", "tags"];
        let sets = only(&after, &plain);
        let made = self.operation(&address, Verb::CreateSet { fields: set_fields(&after), tags }, &[], sets);
        self.step(&address, Step::Made, made);
        plan.operations.push(made);
        let last = self.policies_of_set(&mut plan, &Fields::new(), &after, made);
        self.step(&address, Step::Formed, last);
        plan.action = action;
        plan.after = Some(after);
        self.change(plan);
    }

    fn change_set(&mut self, mut plan: Change, mut after: Fields, arn: &str, set: &LiveSet) {
        let address = plan.address.clone();
        let entry = self.entry(&address, arn);
        let Some(detail) = &set.detail else { return };
        let before = Self::set_fields_of(set, detail, &after, entry);
        settle(&address, &before, &mut after);
        let under = self.wait_for_rollout(&address, &before, &mut after);
        plan.drift = drifted_with(entry, &before, "inline");
        let taken_back = self.taken_back(&address, &before);
        if under == Under::Rollout {
            plan.drift.retain(|name| !PARTS.contains(&name.as_str()));
        }
        plan.id = Some(arn.to_owned());
        plan.before = Some(before.clone());
        if before.get("name") != after.get("name") {
            plan.reason =
                Some("a permission set cannot be renamed: it is made anew and the former one deleted".to_owned());
            return self.create_set(plan, after, Action::Replace);
        }
        let mut first = None;
        if entry.is_none() {
            plan.action = Action::Adopt;
            plan.reason = self.why_adopted(&address, arn);
            let verb = Verb::Remember { id: arn.to_owned() };
            let remembered = self.operation(&address, verb, &[], before.clone());
            first = Some(remembered);
            plan.operations.push(remembered);
            // What the record has in its place may be gone: then a run that was killed had deleted it.
            let gone = self.record.entry(&address).is_some_and(|entry| !self.live.sets.contains_key(&entry.id));
            plan.operations.extend(gone.then(|| self.forget_former(&address, remembered)));
        }
        // A book whose rollout is under way says what there was before.
        if under == Under::Nothing && PARTS.iter().any(|name| before.get(*name) != after.get(*name)) {
            first = self.record_put_back(&mut plan, arn).or(first);
            let needs: Vec<_> = first.into_iter().collect();
            first = self.keep_form(&mut plan, set, arn, &needs).or(first);
        }
        let from = plan.operations.len();
        let plain = ["description", "session", "relay_state"];
        let mut last = first;
        if plain.iter().any(|name| before.get(*name) != after.get(*name)) {
            let sets = fields_or_null(&after, &plain);
            let needs: Vec<_> = last.into_iter().collect();
            let updated = self.operation(&address, Verb::UpdateSet { fields: set_fields(&after) }, &needs, sets);
            plan.operations.push(updated);
            last = Some(updated);
        }
        let mut chain = last;
        self.policies_chain(&mut plan, &before, &after, &mut chain);
        let edited = plan.operations.len() > from;
        let tags = |fields: &Fields| fields.get("tags").cloned().unwrap_or_default();
        let needs: Vec<_> = chain.into_iter().collect();
        plan.operations.extend(self.retag(&address, &tags(&before), &tags(&after), &needs));
        plan.after = Some(after.clone());
        match (under, chain) {
            (Under::ChangedOutside, Some(last)) if edited => self.provision_again(&mut plan, set, arn, &[last]),
            _ => self.provision(&mut plan, (set, entry), arn, edited, chain),
        }
        self.record_as_it_is(&mut plan, entry, &before, &after);
        if entry.is_some() && !plan.operations.is_empty() {
            plan.action = Action::Update;
        }
        // Nobody has changed it outside: it differs from the record all the same, which was brought to it above.
        if taken_back.is_some() {
            plan.drift.retain(|name| !PARTS.contains(&name.as_str()));
            if edited {
                plan.reason = taken_back;
            }
        }
        self.change(plan);
    }

    /// What of a set is not as it was last applied, and gives something else by that; nothing where it was not read.
    pub(in crate::plan) fn drift_of_set(&self, address: &str) -> Vec<String> {
        let live = self.ids.get(address).and_then(|arn| Some((self.entry(address, arn)?, self.live.sets.get(arn)?)));
        let Some((entry, set)) = live else { return Vec::new() };
        let Some(detail) = &set.detail else { return Vec::new() };
        let before = Self::set_fields_of(set, detail, &entry.fields, Some(entry));
        let own = self.is_under_rollout(address, &before) || self.taken_back(address, &before).is_some();
        let mut drift = drifted_with(Some(entry), &before, "inline");
        drift.retain(|name| PARTS.contains(&name.as_str()) && !own);
        drift
    }

    /// One provisioning for all edits of a set, and for what an earlier run left half applied.
    fn provision(
        &mut self,
        plan: &mut Change,
        (set, entry): (&LiveSet, Option<&Entry>),
        arn: &str,
        edited: bool,
        last: Option<OperationId>,
    ) {
        let address = plan.address.clone();
        let recorded = |other: &String| crate::plan::scope::occurs_in(&address, other) && *other != address;
        let used = edited
            && (self.live.given.iter().any(|given| given.set == arn)
                || set.accounts.as_ref().is_some_and(|accounts| !accounts.is_empty())
                || self.record.resources.keys().any(recorded));
        let needs: Vec<OperationId> = last.into_iter().collect();
        let lacked = used || !set.stale.is_empty();
        let rolled = self.desired.rolled.contains(&address);
        if rolled && lacked {
            return self.by_waves(plan, set, arn, edited, &needs);
        }
        // What goes through no waves any more waits for the rollout that is under way.
        let waits = !rolled && self.kept.get(&address).is_some_and(|kept| kept.book.open().is_some());
        if lacked && !waits {
            self.half_applied(plan, set, entry);
            let all_have_it = Fields::from_iter([(IN_FORCE.to_owned(), Json::Null)]);
            let provisioned = self.operation(&address, Verb::Provision, &needs, all_have_it);
            plan.operations.push(provisioned);
            self.step(&address, Step::Formed, provisioned);
        } else if let Some(last) = last {
            self.step(&address, Step::Formed, last);
        }
    }

    /// Which form accounts have that lack the newest, as the book or the record says, or nobody: it is what this plan takes from them. What
    /// the plan writes before it provisions says the same, so that the record knows when it comes no further.
    fn half_applied(&mut self, plan: &mut Change, set: &LiveSet, entry: Option<&Entry>) {
        let before = plan.before.clone().unwrap_or_default();
        let older: Fields = match entry {
            _ if set.stale.is_empty() => only(&before, &PARTS),
            Some(entry) => entry.in_force.clone().unwrap_or_else(|| only(&entry.fields, &PARTS)),
            None => Fields::new(),
        };
        if !set.stale.is_empty() {
            let accounts: Vec<String> = set.stale.iter().map(|account| self.address_of("account", account)).collect();
            let reason = format!("{HALF_APPLIED}an older form is in force in {}", first_of(&accounts, TOLD));
            plan.reason = Some(plan.reason.take().map_or(reason.clone(), |why| format!("{why}; {reason}")));
            plan.in_force = self.older_forms(&plan.address, &accounts, &older, &before);
        }
        let form = Json::Object(older.into_iter().collect());
        for id in &plan.operations {
            if let Some(operation) = self.operations.get_mut(id.0 as usize)
                && writes_a_form(&operation.verb, !set.stale.is_empty())
            {
                operation.sets.insert(IN_FORCE.to_owned(), form.clone());
            }
        }
    }

    fn policies_of_set(
        &mut self,
        plan: &mut Change,
        before: &Fields,
        after: &Fields,
        made: OperationId,
    ) -> OperationId {
        let mut last = Some(made);
        self.policies_chain(plan, before, after, &mut last);
        last.unwrap_or(made)
    }

    /// Policies of a set, one write after another: what is added first, where AWS has room for it.
    fn policies_chain(&mut self, plan: &mut Change, before: &Fields, after: &Fields, last: &mut Option<OperationId>) {
        let mut verbs = attachments_of_set(before, after, self.desired.org.set_policies);
        if before.get("inline") != after.get("inline") {
            let verb = match after.get("inline") {
                Some(document) => Verb::PutInlinePolicy { document: document.clone() },
                None => Verb::DeleteInlinePolicy,
            };
            verbs.push((verb, fields_or_null(after, &["inline"])));
        }
        if before.get("boundary") != after.get("boundary") {
            let verb = match after.get("boundary").and_then(Json::as_str) {
                Some(text) => Verb::PutBoundary { boundary: boundary(text) },
                None => Verb::DeleteBoundary,
            };
            verbs.push((verb, fields_or_null(after, &["boundary"])));
        }
        let named = self.accounts_named(&plan.address.clone(), &plan.later, after);
        for (verb, sets) in verbs {
            let mut needs: Vec<OperationId> = last.iter().copied().collect();
            if matches!(verb, Verb::PutInlinePolicy { .. }) {
                needs.extend(&named);
            }
            let operation = self.operation(&plan.address.clone(), verb, &needs, sets);
            plan.operations.push(operation);
            *last = Some(operation);
        }
    }

    fn set_fields_of(set: &LiveSet, detail: &SetDetail, after: &Fields, entry: Option<&Entry>) -> Fields {
        let mut fields = Fields::from_iter([("name".to_owned(), Json::from(set.fields.name.as_str()))]);
        let mut put = |name: &str, value: Option<Json>| {
            fields.extend(value.map(|value| (name.to_owned(), value)));
        };
        put("description", set.fields.description.as_deref().filter(|text| !text.is_empty()).map(Json::from));
        put("session", set.fields.session.as_deref().map(|text| Json::from(session(text))));
        put("relay_state", set.fields.relay_state.as_deref().filter(|text| !text.is_empty()).map(Json::from));
        put("managed", (!detail.managed.is_empty()).then(|| sorted(&detail.managed)));
        let customer: Vec<String> = detail.customer.iter().map(written).collect();
        put("customer_managed", (!customer.is_empty()).then(|| sorted(&customer)));
        put("inline", detail.inline.as_deref().filter(|text| !text.is_empty()).map(canonical::parsed));
        put(
            "boundary",
            detail.boundary.as_ref().map(|found| {
                Json::from(match found {
                    Boundary::Managed(arn) => arn.clone(),
                    Boundary::Customer(policy) => written(policy),
                })
            }),
        );
        put("tags", Some(Self::own_tags(after.get("tags"), entry, detail.tags.as_ref())));
        fields
    }

    /// Permission sets that are to go, and the former ones of those made anew, once nobody has them.
    pub(in crate::plan) fn surplus_sets(&mut self) {
        for (address, entry) in self.surplus("permission_set") {
            let mut plan = Change { id: Some(entry.id.clone()), ..change(address, "permission_set", Action::Delete) };
            match self.live.sets.get(&entry.id) {
                Some(set) => {
                    plan.name.clone_from(&set.fields.name);
                    let detail = set.detail.clone().unwrap_or_default();
                    plan.before = Some(Self::set_fields_of(set, &detail, &Fields::new(), Some(entry)));
                    let needs = self.after(address, Step::Gone);
                    let verb = Verb::DeleteSet { id: entry.id.clone() };
                    plan.operations.push(self.operation(address, verb, &needs, Fields::new()));
                }
                None => {
                    plan.before = Some(entry.fields.clone());
                    self.forget(&mut plan, GONE);
                }
            }
            self.change(plan);
        }
        self.former_sets();
        let anew =
            self.changes.iter().filter(|change| change.kind == "permission_set" && change.action == Action::Replace);
        let anew: Vec<(String, String)> =
            anew.filter_map(|change| Some((change.address.clone(), change.id.clone()?))).collect();
        let given = given_out_of_reach(self);
        for (address, arn) in anew {
            if let Some(by) = given.get(&address) {
                self.former_stays_given(&address, by);
            }
            // Nobody may have had it: all the same it goes once the other is there, and the record has it as the former one.
            let mut needs = self.after(&address, Step::Gone);
            needs.extend(self.after(&address, Step::Formed));
            let deleted = self.operation(&address, Verb::DeleteSet { id: arn }, &needs, Fields::new());
            if let Some(change) = self.changes.iter_mut().find(|change| change.address == address) {
                change.operations.push(deleted);
            }
        }
    }
}

impl Builder<'_> {
    /// A set of another name takes the place of one that cannot go: what the scope leaves out is given with it.
    fn former_stays_given(&mut self, address: &str, by: &[String]) {
        let by = first_of(by, TOLD);
        let message = format!(
            "{address} is to be made anew, and the former one is still given by {by}, which this run leaves out"
        );
        let help = format!("take it in, or leave {address} out as well");
        self.faults.push(Fault::new(Code::StillInUse, message).help(help));
    }

    /// Sets in whose place an earlier run made others, and that it did not come to record so.
    fn former_sets(&mut self) {
        let unrecorded = |(address, arn): (&String, &String)| {
            let base = address.strip_suffix(FORMER)?.to_owned();
            let ours = self.record.entry(&base)?.id == *arn && self.record.entry(address).is_none();
            (ours && !self.is_anew(&base)).then(|| (base, address.clone(), arn.clone()))
        };
        let former: Vec<(String, String, String)> = self.ids.iter().filter_map(unrecorded).collect();
        for (base, address, arn) in former {
            let Some(set) = self.live.sets.get(&arn) else { continue };
            let mut needs = self.after(&address, Step::Gone);
            needs.extend(self.opening.get(&base));
            let detail = set.detail.clone().unwrap_or_default();
            let before = Self::set_fields_of(set, &detail, &Fields::new(), self.record.entry(&base));
            let deleted = self.operation(&address, Verb::DeleteSet { id: arn.clone() }, &needs, Fields::new());
            self.change(Change {
                id: Some(arn),
                name: set.fields.name.clone(),
                before: Some(before),
                reason: Some("another was made in its place".to_owned()),
                operations: vec![deleted],
                ..change(&address, "permission_set", Action::Delete)
            });
        }
    }
}

/// What attaches and detaches policies: of each kind what is added comes first, but where a set has as many as AWS takes, one
/// that goes makes room before. Nobody is without it for a moment: nothing is in force before the set is provisioned.
fn attachments_of_set(before: &Fields, after: &Fields, most: u64) -> Vec<(Verb, Fields)> {
    let both = |name: &str| (texts(before.get(name)), texts(after.get(name)));
    let (managed, customer) = (both("managed"), both("customer_managed"));
    let mut has = (managed.0.len() + customer.0.len()) as u64;
    let (mut new, mut old) = (VecDeque::new(), VecDeque::new());
    let sets = fields_or_null(after, &["managed"]);
    new.extend(missing(&managed.1, &managed.0).map(|policy| (Verb::AttachManaged { policy }, sets.clone())));
    old.extend(missing(&managed.0, &managed.1).map(|policy| (Verb::DetachManaged { policy }, sets.clone())));
    let sets = fields_or_null(after, &["customer_managed"]);
    let customer_of = |policy: String| customer_policy(&policy);
    let attach = |policy| (Verb::AttachCustomer { policy: customer_of(policy) }, sets.clone());
    let detach = |policy| (Verb::DetachCustomer { policy: customer_of(policy) }, sets.clone());
    new.extend(missing(&customer.1, &customer.0).map(attach));
    old.extend(missing(&customer.0, &customer.1).map(detach));
    let mut verbs = Vec::with_capacity(new.len() + old.len());
    for attached in new {
        if has >= most
            && let Some(detached) = old.pop_front()
        {
            verbs.push(detached);
            has -= 1;
        }
        verbs.push(attached);
        has += 1;
    }
    verbs.extend(old);
    verbs
}

/// What stays as it is: a document that says the same, and a description that is neither there nor said. The address
/// stands for one only in a set that is made.
fn settle(address: &str, before: &Fields, after: &mut Fields) {
    canonical::keep(before, after, "inline");
    if !before.contains_key("description") && text(after, "description") == address {
        after.remove("description");
    }
}

/// The fields of a set in the form in which they are compared.
fn normal(fields: &mut Fields) {
    canonical::document(fields, "inline");
    for name in ["managed", "customer_managed"] {
        if let Some(value) = fields.get_mut(name) {
            *value = sorted(&texts(Some(value)));
        }
    }
    if let Some(value) = fields.get_mut("customer_managed") {
        let all: Vec<String> = texts(Some(value)).iter().map(|text| written(&customer_policy(text))).collect();
        *value = sorted(&all);
    }
    if let Some(value) = fields.get_mut("boundary") {
        let text = value.as_str().unwrap_or_default();
        if !text.starts_with("arn:") {
            *value = Json::from(written(&customer_policy(text)));
        }
    }
}

/// The fields of a set that was read, whoever made it.
pub(crate) fn fields_as_read(set: &LiveSet, detail: &SetDetail) -> Fields {
    Builder::set_fields_of(set, detail, &Fields::new(), None)
}

/// How long a session lasts, written as programs' durations are: `PT90M` is `PT1H30M`. What is no such time stays.
fn session(text: &str) -> String {
    let span = text.parse::<jiff::SignedDuration>().ok();
    let whole = span.and_then(|span| i64::try_from(span.as_millis()).ok());
    whole.map_or_else(|| text.to_owned(), cell_lang::value::write_duration_iso)
}

pub(crate) fn set_fields(fields: &Fields) -> SetFields {
    let text = |name: &str| fields.get(name).and_then(Json::as_str).map(str::to_owned);
    SetFields {
        name: text("name").unwrap_or_default(),
        description: text("description"),
        session: text("session"),
        relay_state: text("relay_state"),
    }
}

/// `name` or `/path/name`.
pub(crate) fn customer_policy(text: &str) -> CustomerPolicy {
    match text.rsplit_once('/') {
        Some((path, name)) => {
            let slash = if path.starts_with('/') || path.is_empty() { "" } else { "/" };
            CustomerPolicy { name: name.to_owned(), path: format!("{slash}{path}/") }
        }
        None => CustomerPolicy { name: text.to_owned(), path: "/".to_owned() },
    }
}

/// `name` or `/path/name`.
pub(crate) fn written(policy: &CustomerPolicy) -> String {
    if policy.path == "/" { policy.name.clone() } else { format!("{}{}", policy.path, policy.name) }
}

pub(crate) fn boundary(text: &str) -> Boundary {
    if text.starts_with("arn:") {
        Boundary::Managed(text.to_owned())
    } else {
        Boundary::Customer(customer_policy(text))
    }
}

pub(crate) fn texts(value: Option<&Json>) -> Vec<String> {
    let items = value.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

fn sorted(texts: &[String]) -> Json {
    let all: std::collections::BTreeSet<&String> = texts.iter().collect();
    Json::from(all.into_iter().cloned().collect::<Vec<_>>())
}

/// Those of `all` that `other` lacks.
fn missing<'a>(all: &'a [String], other: &'a [String]) -> impl Iterator<Item = String> + 'a {
    all.iter().filter(|item| !other.contains(item)).cloned()
}

fn only(fields: &Fields, names: &[&str]) -> Fields {
    let some = fields.iter().filter(|(name, _)| names.contains(&name.as_str()));
    some.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Is it an edit of a set's form? What takes a set over says the form, too, which not all accounts may have.
fn writes_a_form(verb: &Verb, some_lack_it: bool) -> bool {
    match verb {
        Verb::UpdateSet { .. }
        | Verb::AttachManaged { .. }
        | Verb::DetachManaged { .. }
        | Verb::AttachCustomer { .. }
        | Verb::DetachCustomer { .. }
        | Verb::PutInlinePolicy { .. }
        | Verb::DeleteInlinePolicy
        | Verb::PutBoundary { .. }
        | Verb::DeleteBoundary => true,
        Verb::Remember { .. } => some_lack_it,
        _ => false,
    }
}

/// Fields as the record takes them: one that is absent is taken out.
fn fields_or_null(fields: &Fields, names: &[&str]) -> Fields {
    names.iter().map(|name| ((*name).to_owned(), fields.get(*name).cloned().unwrap_or(Json::Null))).collect()
}
