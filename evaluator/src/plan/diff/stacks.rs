//! Stacks: made, changed, deleted, in the account and region of each. What is compared is what CloudFormation says of a
//! stack: its template, the parameters and tags that the program or the record names.
//!
//! INVARIANT: nothing is read that needs a right to write: the difference of two templates is told by the templates.

use std::collections::BTreeMap;

use cell_lang::diagnostics::Code;
use serde_json::{Map, Value as Json};

use crate::generated::brings_reader;
use crate::live::LiveStack;
use crate::plan::build::{Builder, Command, GONE, Step, change, drifted, json_tags};
use crate::plan::desired::ADDRESS_TAG;
use crate::plan::fault::Fault;
use crate::plan::identity;
use crate::plan::model::{Action, Change, Fields, Operation, OperationId, StackOrder, Verb};
use crate::provider::Tags;
use crate::registry::record::{Entry, base_of, former_address};
use crate::stacks::shelf;
use crate::stacks::state::Step as Next;
use crate::stacks::wish::{self, SHELVED_BYTES, TEMPLATE_BYTES, TEMPLATE_RESOURCES, recorded, same_template};
use crate::stacks::{Stack, StackPlace, StackState, StackWish};
use crate::words::counted;

/// What CloudFormation shows in place of a secret parameter.
pub(super) const HIDDEN: &str = "****";
/// Fields that somebody else may have changed; where a stack is cannot be.
const CHANGEABLE: [&str; 3] = ["parameters", "tags", "template"];

impl Builder<'_> {
    /// Stacks that are to be there.
    pub(in crate::plan) fn stacks(&mut self) {
        if self.command == Command::Destroy {
            return;
        }
        let desired = self.desired;
        self.left_out();
        let mut closed = Vec::new();
        let reader = self.reader();
        for (address, wish) in &desired.stacks {
            if wish::takes(self.scope, Some(wish), self.record, address) && self.fits(wish) {
                closed.extend(self.stack(wish, reader).map(|why| (address.clone(), why)));
            }
        }
        if let Some((_, why)) = closed.first() {
            let left = if closed.len() == 1 { "is" } else { "are" };
            let hint = match reader {
                Reader::Nowhere => " (no account lets the caller in by `reader_role`: may it assume that?)",
                Reader::None | Reader::Somewhere => "",
            };
            let message =
                format!("{} could not be read, and {left} left alone{hint}: {why}", counted(closed.len(), "stack"));
            self.unread(message, closed.into_iter().map(|(address, _)| address).collect());
        }
    }

    /// What the reading role has seen.
    fn reader(&self) -> Reader {
        let own = self.live.organization.as_ref().map(|found| &found.management_account);
        let entered = |(place, found): (&StackPlace, &LiveStack)| {
            own != Some(&place.account) && !matches!(found, LiveStack::Closed(_))
        };
        match self.live.by_reader {
            false => Reader::None,
            true if self.live.stacks.iter().any(entered) => Reader::Somewhere,
            true => Reader::Nowhere,
        }
    }

    /// What no stack holds, told once for each reason.
    fn left_out(&mut self) {
        let mut by_reason: BTreeMap<&String, Vec<String>> = BTreeMap::new();
        for (address, why) in self.desired.left_out.iter().filter(|_| self.scope.is_whole()) {
            by_reason.entry(why).or_default().push(address.clone());
        }
        for (why, addresses) in by_reason {
            let first = addresses.first().cloned().unwrap_or_default();
            let more = if addresses.len() > 1 { format!(" and {} more", addresses.len() - 1) } else { String::new() };
            self.note(format!("{first}{more}: in no stack, since {why}"), addresses);
        }
    }

    /// Why nothing can be said of it, if so.
    fn stack(&mut self, wish: &StackWish, reader: Reader) -> Option<String> {
        if let Some(account) = wish.account.address() {
            self.needs_account(&wish.address, account);
        }
        let (after, later) = self.resolved(&fields(wish));
        let plan = Change {
            name: wish.name.clone(),
            sources: wish.sources.clone(),
            later,
            ..change(&wish.address, "stack", Action::NoOp)
        };
        let place = wish.place(&self.ids);
        match place.as_ref().and_then(|place| self.live.stacks.get(place)) {
            Some(LiveStack::Closed(why)) => {
                let place = place.as_ref().filter(|place| self.is_open_to_others(place, reader, &after));
                return match place {
                    Some(place) => self.unread_stack(plan, wish, after, (place, reader), why),
                    None => Some(why.clone()),
                };
            }
            Some(LiveStack::There { stack, template }) if !is_nothing(stack) => {
                self.change_stack(plan, wish, after, (stack, template));
            }
            _ => self.create_stack(plan, wish, after, place.as_ref()),
        }
        None
    }

    /// Is it closed for want of the role that comes with it? Who applies enters by another one.
    fn is_open_to_others(&self, place: &StackPlace, reader: Reader, after: &Fields) -> bool {
        let open = self.live.accounts.get(&place.account).is_some_and(identity::is_open);
        reader != Reader::None && open && after.get("template").is_some_and(brings_reader)
    }

    /// It is brought to what is wanted without a look at it, where the program says something new of it, or where something
    /// must have become of it: others that bring the role do let the caller in. Else why nothing can be said of it.
    fn unread_stack(
        &mut self,
        mut plan: Change,
        wish: &StackWish,
        after: Fields,
        (place, reader): (&StackPlace, Reader),
        why: &str,
    ) -> Option<String> {
        let entry = self.record.entry(&wish.address).filter(|entry| !entry.is_claim());
        if entry.is_some_and(|entry| StackPlace::of_arn(&entry.id).as_ref() != Some(place)) {
            return Some(why.to_owned());
        }
        let wanted = recorded(&after);
        let same =
            entry.is_some_and(|entry| CHANGEABLE.iter().all(|name| entry.fields.get(*name) == wanted.get(*name)));
        if same && reader != Reader::Somewhere {
            return Some(why.to_owned());
        }
        plan.action = if entry.is_some() { Action::Update } else { Action::Create };
        plan.id = entry.map(|entry| entry.id.clone());
        plan.before = entry.map(|entry| entry.fields.clone());
        if let (Some(before), Some(template)) = (&mut plan.before, after.get("template"))
            && before.get("template").is_some_and(|was| same_template(was, template))
        {
            before.insert("template".to_owned(), template.clone());
        }
        plan.unread = true;
        let by = &self.desired.org.access_role;
        let unseen = format!(
            "it could not be looked at: the role for that comes with it; the apply enters by `{by}`, and brings it to this"
        );
        // CloudFormation makes nothing anew of a template that it has.
        let taken = "nothing of it is new: where an apply does not help, somebody deleted the role: take `reader_role` out of `org`, apply, put it back, and apply";
        plan.reason = Some(if same { format!("{unseen}; {taken}") } else { unseen });
        let deployed = self.deploy_stack(&plan, wish, &after, &[]);
        plan.operations.push(deployed);
        plan.after = Some(after);
        self.change(plan);
        None
    }

    /// Does a request take its template?
    fn fits(&mut self, wish: &StackWish) -> bool {
        let bytes = wish.template.len();
        let resources = wish::template(&wish.template);
        let resources = resources.get("Resources").and_then(Json::as_object).map_or(0, Map::len);
        let named = self.desired.org.template_bucket.is_some();
        let (what, most) = if bytes > SHELVED_BYTES {
            (format!("{bytes} bytes"), format!("{SHELVED_BYTES} bytes, in a bucket too"))
        } else if bytes > TEMPLATE_BYTES && !named {
            (format!("{bytes} bytes"), format!("{TEMPLATE_BYTES} bytes in a request"))
        } else if resources > TEMPLATE_RESOURCES {
            (format!("{resources} resources"), format!("{TEMPLATE_RESOURCES}"))
        } else {
            return true;
        };
        let message = format!("the template of {} has {what}; CloudFormation takes {most}", wish.address);
        let mut fault = Fault::new(Code::OverQuota, message).at(wish.sources.first(), "it comes of this");
        if !named && bytes <= SHELVED_BYTES && resources <= TEMPLATE_RESOURCES {
            fault = fault.help(shelf::HELP);
        }
        let less = "say less in one stack: fewer alarms in a cell, or fewer cells in a pipeline";
        self.faults.push(fault.help(less).help(format!("`--except {}` leaves it out", wish.address)));
        false
    }

    fn create_stack(&mut self, mut plan: Change, wish: &StackWish, after: Fields, place: Option<&StackPlace>) {
        let entry = self.record.entry(&wish.address);
        let recorded_at = entry.and_then(|entry| StackPlace::of_arn(&entry.id));
        let deployed = self.deploy_stack(&plan, wish, &after, &[]);
        plan.operations.push(deployed);
        plan.action = Action::Create;
        match (entry, recorded_at) {
            // It was there, and nobody of us deleted it.
            (Some(_), Some(at)) if Some(&at) == place => plan.drift = vec!["*".to_owned()],
            (Some(entry), Some(at)) => self.replace_stack(&mut plan, entry, &at, deployed),
            _ => {}
        }
        plan.after = Some(after);
        self.change(plan);
    }

    /// It is to be somewhere else, or called otherwise: the former one goes when the new one is there.
    fn replace_stack(&mut self, plan: &mut Change, entry: &Entry, at: &StackPlace, deployed: OperationId) {
        plan.before = Some(entry.fields.clone());
        plan.action = Action::Replace;
        let open = self.live.accounts.get(&at.account).is_some_and(identity::is_open);
        if open {
            let verb = Verb::DeleteStack { id: entry.id.clone() };
            let deleted = self.operation(&plan.address, verb, &[deployed], Fields::new());
            self.gone_with(at, deleted);
            plan.operations.push(deleted);
        } else {
            let former = former_address(&plan.address);
            plan.operations.push(self.operation(&former, Verb::Forget, &[deployed], Fields::new()));
        }
    }

    /// An account is not emptied before what is in it is.
    fn gone_with(&mut self, at: &StackPlace, deleted: OperationId) {
        let account = self.address_of("account", &at.account);
        self.step(&account, Step::Gone, deleted);
    }

    fn change_stack(
        &mut self,
        mut plan: Change,
        wish: &StackWish,
        mut after: Fields,
        (stack, template): (&Stack, &Json),
    ) {
        let address = wish.address.as_str();
        let entry = self.entry(address, &stack.id);
        let mark = stack.tags.get(ADDRESS_TAG);
        if entry.is_none() && mark.map(String::as_str) != Some(address) {
            self.faults.push(not_ours(wish, mark));
            return;
        }
        let mut before = stack_fields(stack, template, &after, entry);
        // What only the digest is known of is the same, or is not: then there is no more to show.
        match (before.get("template"), after.get("template")) {
            (Some(is), Some(wanted)) if is != wanted && same_template(is, wanted) => {
                let shown = if wish::is_digest(is) { wanted.clone() } else { is.clone() };
                before.insert("template".to_owned(), shown.clone());
                after.insert("template".to_owned(), shown);
            }
            _ => {}
        }
        plan.id = Some(stack.id.clone());
        plan.drift = drifted(entry, &recorded(&before));
        plan.drift.retain(|name| CHANGEABLE.contains(&name.as_str()));
        let mut needs = Vec::new();
        if entry.is_none() {
            plan.action = Action::Adopt;
            let verb = Verb::Remember { id: stack.id.clone() };
            let remembered = self.operation(address, verb, &[], recorded(&before));
            plan.operations.push(remembered);
            needs.push(remembered);
        }
        plan.reason = self.condition(address, stack);
        let differs = CHANGEABLE.iter().any(|name| before.get(*name) != after.get(*name));
        if differs || plan.reason.is_some() {
            let deployed = self.deploy_stack(&plan, wish, &after, &needs);
            plan.operations.push(deployed);
        } else {
            self.record_as_it_is(&mut plan, entry, &recorded(&before), &recorded(&after));
        }
        if entry.is_some() && !plan.operations.is_empty() {
            plan.action = Action::Update;
        }
        plan.before = Some(before);
        // One that an earlier run made in place of another, which it could not delete any more.
        let former = self.record.entry(address).and_then(|entry| Some((entry, StackPlace::of_arn(&entry.id)?)));
        let former = former.filter(|(_, at)| StackPlace::of_arn(&stack.id).as_ref() != Some(at));
        if let (Some((entry, at)), Some(last)) = (former, plan.operations.last().copied()) {
            self.replace_stack(&mut plan, entry, &at, last);
        }
        plan.after = Some(after);
        self.change(plan);
    }

    /// What its state asks for though nothing else differs, told before it is done.
    pub(super) fn condition(&mut self, address: &str, stack: &Stack) -> Option<String> {
        let status = &stack.status;
        let refused = match stack.state().map(StackState::step) {
            Some(Next::Update | Next::Create) => return None,
            Some(Next::Wait) => return Some(format!("it is in {status}, which is waited for")),
            Some(Next::ContinueRollback) => {
                return Some(format!("it is in {status}: the rollback is gone on with first"));
            }
            Some(Next::Recreate) => return Some(format!("it is in {status}: it is deleted, and made again")),
            Some(Next::Refuse(why)) => format!("the stack {} is in {status}, and will be refused: {why}", stack.name),
            None => format!("the stack {} is in {status}, which this version does not know", stack.name),
        };
        self.warn(refused, vec![address.to_owned()]);
        Some(format!("it is in {status}"))
    }

    fn deploy_stack(
        &mut self,
        plan: &Change,
        wish: &StackWish,
        after: &Fields,
        needs: &[OperationId],
    ) -> OperationId {
        let mut needs = needs.to_vec();
        if let Some(account) = wish.account.address() {
            needs.extend(self.after(account, Step::Made));
            // What is to hold the account does so before anything is made in it.
            needs.extend(self.after(account, Step::Placed));
        }
        needs.extend(self.accounts_named(&wish.address, &plan.later, after));
        needs.extend(wish.after.iter().flat_map(|before| self.after(before, Step::Made)));
        let of = |name: &str| after.get(name).cloned().unwrap_or_default();
        let parameters = of("parameters");
        let parameters = parameters.as_object().into_iter().flatten();
        let known = self.record.entry(&wish.address).filter(|entry| !entry.is_claim() && !entry.id.is_empty());
        let large = wish.template.len() > TEMPLATE_BYTES;
        let bucket = self.desired.org.templates(&wish.region).filter(|_| large);
        let order = StackOrder {
            account: wish.account.word().to_owned(),
            region: wish.region.clone(),
            name: wish.name.clone(),
            template: of("template"),
            bucket,
            parameters: parameters.map(|(name, value)| (name.clone(), value.clone())).collect(),
            tags: tags(wish),
            capabilities: wish.capabilities.clone(),
            known: known.map(|entry| entry.id.clone()),
        };
        let deployed = self.operation(&wish.address, Verb::DeployStack(Box::new(order)), &needs, recorded(after));
        self.step(&wish.address, Step::Made, deployed);
        deployed
    }

    /// Stacks that are to go: before the accounts that they are in.
    pub(in crate::plan) fn surplus_stacks(&mut self) {
        let (desired, record) = (self.desired, self.record);
        let entries = record.resources.iter().filter(|(_, entry)| entry.kind == "stack");
        for (address, entry) in entries {
            let of = base_of(address);
            let wish = desired.stacks.get(of);
            let stays = self.command == Command::Apply && wish.is_some() && of == address;
            let forgets =
                |operation: &Operation| matches!(operation.verb, Verb::Forget) && operation.address == *address;
            let replaced = of != address && self.operations.iter().any(forgets);
            if !stays && !replaced && wish::takes(self.scope, wish, record, address) {
                self.end_stack(address, entry);
            }
        }
    }

    fn end_stack(&mut self, address: &str, entry: &Entry) {
        let place = StackPlace::of_arn(&entry.id);
        let name = place.as_ref().map(|place| place.name.clone()).unwrap_or_default();
        let mut plan = Change { id: Some(entry.id.clone()), name, ..change(address, "stack", Action::Delete) };
        let account = place.as_ref().and_then(|place| self.live.accounts.get(&place.account));
        let ended = account.is_some_and(|account| !identity::is_open(account));
        match place.as_ref().and_then(|place| self.live.stacks.get(place)) {
            Some(LiveStack::There { stack, template }) if stack.id == entry.id => {
                let before = stack_fields(stack, template, &Fields::new(), Some(entry));
                plan.drift = drifted(Some(entry), &recorded(&before));
                plan.drift.retain(|name| CHANGEABLE.contains(&name.as_str()));
                plan.before = Some(before);
            }
            // Who may not look finds out when it is to be deleted.
            Some(LiveStack::Closed(_)) if !ended => plan.before = Some(entry.fields.clone()),
            _ => {
                plan.before = Some(entry.fields.clone());
                self.forget(&mut plan, if ended { "its account has come to its end" } else { GONE });
                return self.change(plan);
            }
        }
        let account = place.as_ref().map(|place| self.address_of("account", &place.account));
        let needs = account.map(|account| self.after(&account, Step::Emptied)).unwrap_or_default();
        let deleted = self.operation(address, Verb::DeleteStack { id: entry.id.clone() }, &needs, Fields::new());
        plan.operations.push(deleted);
        if let Some(place) = &place {
            self.gone_with(place, deleted);
        }
        self.change(plan);
    }
}

/// How far the role that only looks has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Accounts were entered by the other one.
    None,
    /// No account let it in.
    Nowhere,
    /// At least one did.
    Somewhere,
}

/// Is it a name without anything, or gone? A name in review that is marked is somebody's.
fn is_nothing(stack: &Stack) -> bool {
    match stack.state() {
        Some(StackState::ReviewInProgress) => stack.tags.is_empty(),
        Some(StackState::DeleteComplete) => true,
        _ => false,
    }
}

fn tags(wish: &StackWish) -> Tags {
    let mut tags = wish.tags.clone();
    tags.insert(ADDRESS_TAG.to_owned(), wish.address.clone());
    tags
}

/// As the program wants it.
fn fields(wish: &StackWish) -> Fields {
    let parameters = wish.parameters.iter().map(|(name, value)| (name.clone(), value.clone()));
    let mut fields = Fields::from_iter([
        ("account".to_owned(), Json::from(wish.account.word())),
        ("name".to_owned(), Json::from(wish.name.as_str())),
        ("parameters".to_owned(), Json::Object(parameters.collect())),
        ("region".to_owned(), Json::from(wish.region.as_str())),
        ("tags".to_owned(), json_tags(&tags(wish))),
        ("template".to_owned(), wish::template(&wish.template)),
    ]);
    if !wish.capabilities.is_empty() {
        fields.insert("capabilities".to_owned(), Json::from(wish.capabilities.clone()));
    }
    fields
}

/// As it is, in the fields that are compared. Where it is it is by what it is called; what it may do beside the ordinary
/// is said with each deployment anew, and is no property of what is there.
fn stack_fields(stack: &Stack, template: &Json, after: &Fields, entry: Option<&Entry>) -> Fields {
    let kept = |name: &str| after.get(name).or_else(|| entry?.fields.get(name)).cloned();
    let mut fields = Fields::from_iter([
        ("parameters".to_owned(), parameters(&stack.parameters, after, entry)),
        ("tags".to_owned(), Builder::own_tags(after.get("tags"), entry, Some(&stack.tags))),
        ("template".to_owned(), template.clone()),
    ]);
    for name in ["account", "capabilities", "name", "region"] {
        fields.extend(kept(name).map(|value| (name.to_owned(), value)));
    }
    fields
}

/// The parameters that the program or the record names: others have the defaults of the template. A secret one is as it
/// was last applied.
fn parameters(live: &BTreeMap<String, String>, after: &Fields, entry: Option<&Entry>) -> Json {
    let wanted = after.get("parameters").and_then(Json::as_object);
    let known = entry.and_then(|entry| entry.fields.get("parameters")).and_then(Json::as_object);
    let of = |side: Option<&Map<String, Json>>, name: &str| side.and_then(|side| side.get(name)).cloned();
    let one = |(name, value): (&String, &String)| {
        let named = of(known, name).or_else(|| of(wanted, name))?;
        Some((name.clone(), if value == HIDDEN { named } else { Json::from(value.as_str()) }))
    };
    Json::Object(live.iter().filter_map(one).collect())
}

/// A stack of the name exists, and no record and no mark says that it is ours.
fn not_ours(wish: &StackWish, mark: Option<&String>) -> Fault {
    let (name, account, region) = (&wish.name, wish.account.word(), &wish.region);
    let whose =
        mark.map_or_else(|| "has no tag that says so".to_owned(), |mark| format!("says by its tag: `{mark}`"));
    let message =
        format!("a stack named `{name}` exists in {account} ({region}), and cellc does not own it: it {whose}");
    Fault::new(Code::NotOwned, message)
        .at(wish.sources.first(), format!("{} would be a second one", wish.address))
        .help(format!(
            "if it is this one, give it the tag `{ADDRESS_TAG}` = `{}`: the next plan takes it over",
            wish.address
        ))
        .help("else delete it, or give what it is named after another label")
        .help(format!("`--except {}` leaves it out", wish.address))
}
