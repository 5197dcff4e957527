//! Accounts of cells and on their own: made, taken over, moved, renamed, parked, closed.
//!
//! An account is never made twice: one of the same e-mail, or a creation that an earlier run began, is taken over.
//! It is never closed but by a `removed` line that says so.

use cell_lang::diagnostics::Code;
use serde_json::Value as Json;

use super::taken::same;
use crate::plan::build::{Builder, Command, Step, change, drifted, json_tags, tags_of, text};
use crate::plan::desired::{AccountWish, PARKED_TAG, PARKING, ROOT, Wanted};
use crate::plan::fault::Fault;
use crate::plan::identity;
use crate::plan::model::{Action, Change, Fields, Notice, NoticeKind, OperationId, Verb};
use crate::provider::{Account, AccountState, Tags};
use crate::registry::given::{GIVEN, Given};
use crate::registry::record::Entry;

/// A field of the record alone: the account was parked before, and its e-mail is not the program's.
const KEPT_EMAIL: &str = "kept_email";

impl Builder<'_> {
    /// Accounts that are to be there.
    pub(in crate::plan) fn accounts(&mut self) {
        for (address, wanted) in self.wanted("account") {
            // A policy that names its id may have needed it before.
            if self.after(address, Step::Made).is_empty() {
                self.account(address, wanted);
            }
        }
        let made = |change: &Change| change.kind == "account" && change.action == Action::Create;
        if self.changes.iter().any(made) {
            self.left_parked();
        }
    }

    /// Says which accounts the record has as parked, and are not taken for what the cloud says.
    fn left_parked(&mut self) {
        for (id, why) in std::mem::take(&mut self.parked.unproven) {
            let was = self.record.parked.get(&id).map(|parked| parked.from.clone()).unwrap_or_default();
            let message = format!(
                "account {id}, by the record the parked one that was {was}, is taken by no cell: {why}; `cellc adopt ADDRESS {id}` takes it all the same"
            );
            self.note(message, Vec::new());
        }
    }

    /// An account that something selected needs and that does not exist is taken along, since it is a create.
    pub(in crate::plan) fn needs_account(&mut self, by: &str, address: &str) {
        if self.ids.contains_key(address) || !self.after(address, Step::Made).is_empty() {
            return;
        }
        if let Some(wanted) = self.desired.resources.get(address) {
            // Who looks for what was changed outside asks for nothing to be made; what is left out since it has expired nobody named.
            let named = !self.looks && !self.desired.expired_cells.contains_key(address);
            if named && self.scope.leaves_out(address) {
                return self.is_left_out(by, address, wanted);
            }
            self.account(address, wanted);
            if self.takes(address) {
                return;
            }
            if let Some(taken) = self.changes.iter_mut().find(|change| change.address == address) {
                taken.reason = Some(format!("needed by {by}"));
            }
        }
    }

    fn account(&mut self, address: &str, wanted: &Wanted) {
        let (after, later) = self.resolved(&wanted.fields);
        let wish = wanted.account.clone().unwrap_or_default();
        let name = text(&after, "name");
        let plan =
            Change { name, sources: wanted.sources.clone(), later, ..change(address, "account", Action::NoOp) };
        let Some(id) = self.ids.get(address).cloned() else {
            return match self.parked.taken.get(address).cloned() {
                Some(id) => self.take_parked(plan, after, &id),
                None => self.create_account(plan, after, wanted.protect),
            };
        };
        match self.live.accounts.get(&id).filter(|account| identity::is_open(account)) {
            Some(account) => self.change_account(plan, &wish, wanted, after, account),
            None => self.account_is_not_there(&plan, &wish, &id),
        }
    }

    fn account_is_not_there(&mut self, plan: &Change, wish: &AccountWish, id: &str) {
        // Who looks for what was changed outside is told this, and the rest.
        if self.looks {
            let why = self
                .live
                .accounts
                .get(id)
                .map_or("it has left the organization", |_| "it was closed, or is being closed");
            let before = self.record.entry(&plan.address).map(|entry| entry.fields.clone());
            let mut gone = Change { id: Some(id.to_owned()), before, ..plan.clone() };
            self.forget(&mut gone, why);
            return self.change(gone);
        }
        let (place, address) = (plan.sources.first(), &plan.address);
        let fault = match self.live.accounts.get(id) {
            Some(account) => {
                let other = match self.record.entry(address) {
                    _ if wish.id.is_some() => "name another one by `account_id`",
                    Some(_) => "write `removed` for it, and another label and e-mail for its successor",
                    None => "write another `email`, by which another account is made",
                };
                Fault::new(Code::AccountEnded, format!("the account of {address} is {}", account.state.word()))
                    .at(place, format!("account {id}"))
                    .help(format!("{other}; or reopen it through AWS support"))
            }
            None if wish.id.is_some() || self.record.entry(address).is_some_and(Entry::is_claim) => {
                Fault::new(Code::AccountNotThere, format!("account {id} of {address} is not in the organization"))
                    .at(place, "named here")
                    .help("invite it into the organization, or correct `account_id`")
            }
            None => Fault::new(Code::AccountEnded, format!("the account of {address} has left the organization"))
                .at(place, format!("account {id}, made by an earlier apply"))
                .help(format!("`cellc adopt {address} ID` takes another account for it; or write `removed` for it")),
        };
        self.faults.push(fault);
    }

    fn create_account(&mut self, mut plan: Change, mut after: Fields, protect: bool) {
        let address = plan.address.clone();
        if let Some(email) = self.record.pending.get(&address).and_then(|pending| pending.email.as_deref()) {
            // What an earlier run asked for is gone on with as it was asked for.
            after.insert("email".to_owned(), Json::from(email));
        }
        let (name, email) = (text(&after, "name"), text(&after, "email"));
        let taken = self.live.accounts.values().find(|account| account.email.eq_ignore_ascii_case(&email));
        if let Some(account) = taken {
            let owner = self.address_of("account", &account.id);
            let given = self.desired.resources.contains_key(&owner);
            let ends = !given && self.record.entry(&owner).is_some();
            let fault = Fault::new(
                Code::EmailTaken,
                format!("the e-mail of {address} belongs to {owner}, which is {}", account.state.word()),
            )
            .at(plan.sources.first(), format!("`{email}`"))
            .help("AWS takes an e-mail once, for closed accounts too: write another `email`");
            self.faults.push(if given {
                fault.help(format!(
                    "{owner} has that account, and an account keeps its e-mail for good, whoever had it when it was made"
                ))
            } else if ends {
                fault
                    .help(same(&owner, &address))
                    .help(format!("if {owner} goes and its account is to be used again: apply without {address} first"))
            } else {
                fault
            });
            return;
        }
        let tags = after.get("tags").map(tags_of).unwrap_or_default();
        // What an earlier run asked for has the name that it was asked for with.
        let asked = self.record.pending.get(&address).map(|pending| pending.name.clone());
        let mut sets: Fields = after.iter().filter(|(field, _)| *field != "ou").map(own).collect();
        // An account starts in the root.
        sets.extend(after.contains_key("ou").then(|| ("ou".to_owned(), Json::from(ROOT))));
        sets.insert("protect".to_owned(), Json::from(protect));
        let made = self.operation(&address, Verb::CreateAccount { email, name: name.clone(), tags }, &[], sets);
        self.step(&address, Step::Made, made);
        plan.operations.push(made);
        if asked.as_ref().is_some_and(|asked| *asked != name) {
            let sets = Fields::from_iter([("name".to_owned(), Json::from(name.as_str()))]);
            plan.operations.push(self.operation(&address, Verb::RenameAccount { name }, &[made], sets));
        }
        match after.get("ou").and_then(Json::as_str).map(str::to_owned) {
            Some(unit) => plan.operations.push(self.move_account(&address, &unit, &[made])),
            None => self.step(&address, Step::Placed, made),
        }
        if asked.is_some() {
            plan.reason =
                Some("an earlier run asked for it: it is looked for before it is asked for again".to_owned());
        }
        plan.reason = plan.reason.or_else(|| self.kept_for_others(&address));
        plan.action = Action::Create;
        plan.after = Some(after);
        self.change(plan);
    }

    /// Why a dev cell, which would take a parked account, has a new one: those that there are are others'.
    fn kept_for_others(&self, address: &str) -> Option<String> {
        let cell = self.desired.resources.get(address)?.account.as_ref()?.cell.as_deref();
        let taken = self.parked.taken.iter().filter(|_| cell == Some("dev"));
        let one = |(other, id): (&String, &String)| {
            let how = if self.takes(other) { "is taken by" } else { "is kept for" };
            let was = self.record.parked.get(id).map_or(id, |parked| &parked.from);
            format!("the parked account that was {was} {how} {other}")
        };
        let all: Vec<String> = taken.map(one).collect();
        (!all.is_empty()).then(|| format!("a new account: {}", all.join(", ")))
    }

    fn move_account(&mut self, address: &str, unit: &str, needs: &[OperationId]) -> OperationId {
        self.needs_unit(address, unit);
        let mut needs = needs.to_vec();
        needs.extend(self.after(unit, Step::Made));
        // An account goes nowhere before what is to hold it there does.
        needs.extend(self.held(unit));
        // Nor before it may pull from there, where that is asked of its place.
        needs.extend(self.after(address, Step::LetIn));
        let sets = Fields::from_iter([("ou".to_owned(), Json::from(unit))]);
        let moved = self.operation(address, Verb::MoveAccount { to: unit.to_owned() }, &needs, sets);
        self.step(address, Step::Placed, moved);
        moved
    }

    fn change_account(
        &mut self,
        mut plan: Change,
        wish: &AccountWish,
        wanted: &Wanted,
        mut after: Fields,
        account: &Account,
    ) {
        let address = plan.address.clone();
        let entry = self.entry(&address, &account.id);
        let unmarked = self.recorded(&address, &account.id).filter(|recorded| parked_from(recorded).is_some());
        let given = self.recorded(&address, &account.id).and_then(Given::of);
        // What a run that was killed has not done yet is no doing of others.
        if self.looks && given.is_some() {
            return;
        }
        let adopted = wish.id.is_some();
        self.settle(&address, &mut after, account, adopted, wish, entry.or(unmarked));
        let mut before = self.account_fields(account, &after, entry.or(unmarked));
        if !after.contains_key("ou") {
            before.remove("ou");
        }
        plan.drift = drifted_of(entry, &before);
        plan.id = Some(account.id.clone());
        plan.name = text(&after, "name");
        let mut needs = Vec::new();
        if entry.is_none() {
            plan.action = Action::Adopt;
            let was = unmarked.and_then(parked_from);
            plan.reason = was.map_or_else(
                || self.why_adopted(&address, &account.id),
                |was| Some(format!("the parked account that was {was}: an earlier run ended before it was marked")),
            );
            let mut sets = before.clone();
            sets.insert("protect".to_owned(), Json::from(wanted.protect));
            sets.extend(was.map(|_| (KEPT_EMAIL.to_owned(), Json::from(true))));
            let verb = Verb::Remember { id: account.id.clone() };
            let remembered = self.operation(&address, verb, &[], sets);
            self.step(&address, Step::Made, remembered);
            needs.push(remembered);
            plan.operations.push(remembered);
        }
        self.account_operations(&mut plan, &before, &after, &needs);
        self.record_as_it_is(&mut plan, entry, &before, &after);
        if let Some(given) = given {
            self.wholly_given(&mut plan, &account.id);
            plan.drift.clear();
            let reason =
                || format!("the parked account that was {}: an earlier run ended before all was done", given.from);
            plan.reason = Some(plan.reason.take().unwrap_or_else(reason));
        }
        if entry.is_some() && !plan.operations.is_empty() {
            plan.action = Action::Update;
        }
        // Protection is the record's alone: a change of it is written, and is no change of the cloud.
        if let Some(entry) = entry.filter(|entry| entry.protect != wanted.protect) {
            let sets = Fields::from_iter([("protect".to_owned(), Json::from(wanted.protect))]);
            let verb = Verb::Remember { id: entry.id.clone() };
            plan.operations.push(self.operation(&address, verb, &[], sets));
            before.insert("protect".to_owned(), Json::from(entry.protect));
            after.insert("protect".to_owned(), Json::from(wanted.protect));
            plan.action = if plan.action == Action::NoOp { Action::Update } else { plan.action };
        }
        plan.before = Some(before);
        plan.after = Some(after);
        self.change(plan);
    }

    /// What stays as it is: the e-mail, which no call changes; unit and name of an account that was only taken over.
    fn settle(
        &mut self,
        address: &str,
        after: &mut Fields,
        account: &Account,
        adopted: bool,
        wish: &AccountWish,
        entry: Option<&Entry>,
    ) {
        let wanted = text(after, "email");
        let was_parked = entry.is_some_and(|entry| entry.fields.contains_key(KEPT_EMAIL));
        if !wanted.is_empty() && !wanted.eq_ignore_ascii_case(&account.email) && !adopted && !was_parked {
            self.note(
                format!(
                    "the e-mail of {address} stays {}, since no call changes it: the program says {wanted}",
                    account.email
                ),
                vec![address.to_owned()],
            );
        }
        after.insert("email".to_owned(), Json::from(account.email.as_str()));
        if adopted && !wish.own_name {
            after.insert("name".to_owned(), Json::from(account.name.as_str()));
        }
        if adopted && !wish.own_unit {
            after.remove("ou");
        }
    }

    fn account_operations(&mut self, plan: &mut Change, before: &Fields, after: &Fields, needs: &[OperationId]) {
        let address = plan.address.clone();
        let tags = |fields: &Fields| fields.get("tags").cloned().unwrap_or_default();
        let retagged = self.retag(&address, &tags(before), &tags(after), needs);
        plan.operations.extend(retagged);
        // While it lies among parked accounts its marks are looked at: it leaves them with its own.
        let needs = &[needs, retagged.as_slice()].concat();
        if let Some(unit) = after.get("ou").and_then(Json::as_str).map(str::to_owned) {
            // A unit that is made anew has another id: what is in it moves, though its address is the same.
            let anew = self.is_anew(&unit);
            if before.get("ou") != after.get("ou") || anew {
                plan.operations.push(self.move_account(&address, &unit, needs));
                if anew && before.get("ou") == after.get("ou") {
                    plan.reason = Some(format!("moves along with {unit}, which is made anew"));
                }
            }
        }
        if before.get("name") != after.get("name") {
            let name = text(after, "name");
            let sets = Fields::from_iter([("name".to_owned(), Json::from(name.as_str()))]);
            plan.operations.push(self.operation(&address, Verb::RenameAccount { name }, needs, sets));
        }
    }

    fn take_parked(&mut self, mut plan: Change, mut after: Fields, id: &str) {
        let Some(account) = self.live.accounts.get(id) else { return };
        let address = plan.address.clone();
        let parked = self.record.parked.get(id);
        let was = parked.map(|parked| parked.from.clone()).unwrap_or_default();
        after.insert("email".to_owned(), Json::from(account.email.as_str()));
        after.entry("ou".to_owned()).or_insert_with(|| Json::from(ROOT));
        let before = Fields::from_iter([
            ("email".to_owned(), Json::from(account.email.as_str())),
            ("name".to_owned(), Json::from(account.name.as_str())),
            ("ou".to_owned(), Json::from(PARKING)),
            ("tags".to_owned(), json_tags(&Tags::from([(PARKED_TAG.to_owned(), was.clone())]))),
        ]);
        let mut sets = before.clone();
        sets.insert(KEPT_EMAIL.to_owned(), Json::from(true));
        sets.extend(parked.map(|parked| (GIVEN.to_owned(), Given::field(parked, &address))));
        let remembered = self.operation(&address, Verb::Remember { id: id.to_owned() }, &[], sets);
        self.step(&address, Step::Made, remembered);
        plan.operations.push(remembered);
        self.account_operations(&mut plan, &before, &after, &[remembered]);
        self.wholly_given(&mut plan, id);
        self.stands(address, id);
        plan.action = Action::Adopt;
        plan.id = Some(id.to_owned());
        plan.reason = Some(format!("the parked account that was {was}; it keeps its e-mail"));
        plan.before = Some(before);
        plan.after = Some(after);
        self.change(plan);
    }

    /// A parked account that is given to a cell is the cell's when all of that is done: the last of it says so.
    fn wholly_given(&mut self, plan: &mut Change, id: &str) {
        if plan.operations.iter().all(|one| self.is_local(*one)) {
            let verb = Verb::Remember { id: id.to_owned() };
            let remembered = self.operation(&plan.address, verb, &plan.operations, Fields::new());
            plan.operations.push(remembered);
        }
        let last = plan.operations.iter().max().copied();
        let Some(last) = last.and_then(|last| self.operations.get_mut(last.0 as usize)) else { return };
        last.sets.insert(GIVEN.to_owned(), Json::Null);
        last.needs.extend(plan.operations.iter().filter(|one| **one != last.id));
        last.needs.sort_unstable();
        last.needs.dedup();
    }

    fn is_local(&self, operation: OperationId) -> bool {
        self.operations.get(operation.0 as usize).is_some_and(|operation| operation.verb.is_local())
    }

    fn account_fields(&self, account: &Account, after: &Fields, entry: Option<&Entry>) -> Fields {
        let tags = Self::own_tags(after.get("tags"), entry, self.live.tags.get(&account.id));
        let mut fields = Fields::from_iter([
            ("email".to_owned(), Json::from(account.email.as_str())),
            ("name".to_owned(), Json::from(account.name.as_str())),
            ("tags".to_owned(), tags),
        ]);
        if let Some(parent) = &account.parent {
            fields.insert("ou".to_owned(), Json::from(self.address_of("ou", parent)));
        }
        fields
    }

    /// Accounts whose blocks are gone, or that are torn down.
    pub(in crate::plan) fn surplus_accounts(&mut self) {
        for (address, entry) in self.surplus("account") {
            let removal = self.desired.removed.get(address);
            // What the program protects is so before an apply has recorded it.
            let protect = entry.protect || self.desired.resources.get(address).is_some_and(|wanted| wanted.protect);
            let given = Given::of(entry);
            let fate = match (self.command, removal.and_then(|removal| removal.fate.as_deref())) {
                // What a line says of the cell that it was of was done when it was parked.
                _ if given.is_some_and(|given| given.from == address && given.to != address) => "park".to_owned(),
                (_, Some(fate)) => fate.to_owned(),
                _ if given.is_some() => "park".to_owned(),
                // What was taken over by its id was not made for this program, and is given to no other cell.
                (Command::Destroy, None) if !protect && self.is_named(address) => "keep".to_owned(),
                (Command::Destroy, None) if !protect => "park".to_owned(),
                (Command::Destroy, None) => {
                    self.protected(address);
                    continue;
                }
                (Command::Apply, None) => {
                    self.unsaid(address, entry);
                    continue;
                }
            };
            let place = removal.map(|removal| removal.place.clone());
            if fate != "keep"
                && self.command == Command::Apply
                && self.account_is_taken(address, &entry.id, place.as_ref())
            {
                continue;
            }
            self.end_account(address, entry, &fate, place);
        }
    }

    /// Does the program name the account by its id?
    fn is_named(&self, address: &str) -> bool {
        let wanted = self.desired.resources.get(address).and_then(|wanted| wanted.account.as_ref());
        wanted.is_some_and(|account| account.id.is_some())
    }

    fn protected(&mut self, address: &str) {
        let place = self.desired.resources.get(address).and_then(|wanted| wanted.sources.first());
        self.faults.push(
            Fault::new(Code::Protected, format!("{address} is protected and is not torn down"))
                .at(place, "declared here")
                .help(format!("leave it out: `--except {address}`"))
                .help("or write `protect = false`, apply, and destroy after that"),
        );
    }

    fn unsaid(&mut self, address: &str, entry: &Entry) {
        let protected = if entry.protect { "protected " } else { "" };
        self.faults.push(
            Fault::new(Code::RemovalNotSaid, format!("the block of the {protected}account {address} is gone, and nothing says what becomes of it"))
                .help(format!("`removed {{ from = \"{address}\", account = \"keep\" }}` leaves the account alone; \"park\" empties it for the next dev cell; \"close\" closes it"))
                .help(format!("if it only has another name now: `moved {{ from = \"{address}\", to = … }}`")),
        );
    }

    fn end_account(&mut self, address: &str, entry: &Entry, fate: &str, place: Option<crate::plan::model::Place>) {
        // One that is being closed may come back: its closing is followed to the end.
        let is_there = |account: &&Account| {
            identity::is_open(account) || (fate == "close" && account.state == AccountState::PendingClosure)
        };
        let account = self.live.accounts.get(&entry.id).filter(is_there);
        let mut plan = Change {
            id: Some(entry.id.clone()),
            sources: place.into_iter().collect(),
            reason: Some(format!("removed {{ account = \"{fate}\" }}")),
            ..change(address, "account", Action::Delete)
        };
        let Some(account) = account else {
            plan.action = Action::Forget;
            plan.reason = Some("it is closed or has left the organization".to_owned());
            plan.before = Some(entry.fields.clone());
            plan.operations.push(self.operation(address, Verb::Forget, &[], Fields::new()));
            return self.change(plan);
        };
        plan.name.clone_from(&account.name);
        let before = self.account_fields(account, &Fields::new(), Some(entry));
        plan.before = Some(before.clone());
        // Emptied first: nobody may have anything in an account that is given on.
        let needs = self.after(address, Step::Gone);
        match fate {
            "keep" => {
                plan.action = Action::Forget;
                self.unpark(&mut plan, entry, before, &needs);
                let needs = [needs, plan.operations.clone()].concat();
                plan.operations.push(self.operation(address, Verb::Forget, &needs, Fields::new()));
            }
            "close" => {
                plan.operations.push(self.operation(address, Verb::CloseAccount, &needs, Fields::new()));
                self.notices.push(Notice {
                    kind: NoticeKind::Brake,
                    code: Some(Code::Braked.as_str().to_owned()),
                    message: format!("the account of {address} ({}) would be closed", account.name),
                    addresses: vec![address.to_owned()],
                    allow: Some("close-account".to_owned()),
                });
            }
            _ => self.park(&mut plan, entry, &before, needs),
        }
        self.change(plan);
    }

    /// An account that is kept goes from among the parked ones, where a run that was killed has put it, to where it was, if that
    /// is still there, and is marked as it was.
    fn unpark(&mut self, plan: &mut Change, entry: &Entry, mut before: Fields, needs: &[OperationId]) {
        let is_there = |unit: &&str| *unit == ROOT || self.desired.resources.contains_key(*unit);
        let home = entry.fields.get("ou").and_then(Json::as_str).filter(is_there);
        let (Some(home), Some(PARKING)) = (home, before.get("ou").and_then(Json::as_str)) else { return };
        let mut after = before.clone();
        after.insert("ou".to_owned(), Json::from(home));
        after.extend(entry.fields.get("tags").map(|tags| ("tags".to_owned(), tags.clone())));
        if let (Some(mark), Some(Json::Object(tags))) =
            (self.live.tags.get(&entry.id).and_then(|tags| tags.get(PARKED_TAG)), before.get_mut("tags"))
        {
            tags.insert(PARKED_TAG.to_owned(), Json::from(mark.as_str()));
        }
        self.account_operations(plan, &before, &after, needs);
    }

    fn park(&mut self, plan: &mut Change, entry: &Entry, before: &Fields, mut needs: Vec<OperationId>) {
        let address = plan.address.clone();
        needs.extend(self.parking());
        let moved = self.operation(&address, Verb::MoveAccount { to: PARKING.to_owned() }, &needs, Fields::new());
        self.step(&address, Step::Placed, moved);
        let tags = before.get("tags").cloned().unwrap_or_default();
        let parked = json_tags(&Tags::from([(PARKED_TAG.to_owned(), address.clone())]));
        let retagged = self.retag(&address, &tags, &parked, &[moved]);
        plan.operations.push(moved);
        plan.operations.extend(retagged);
        let mut needs: Vec<OperationId> = std::iter::once(moved).chain(retagged).collect();
        let given = Given::of(entry).filter(|given| given.from == address);
        if let Some(Given { name, .. }) = given.filter(|given| given.name != plan.name) {
            let verb = Verb::RenameAccount { name: name.to_owned() };
            let sets = Fields::from_iter([("name".to_owned(), Json::from(name))]);
            needs.push(self.operation(&address, verb, &[moved], sets));
            plan.operations.extend(needs.last());
        }
        plan.operations.push(self.operation(&address, Verb::Park, &needs, Fields::new()));
        // What is done says it: the text of a plan does not repeat it.
        let foreign = self.live.unmanaged.iter().any(|given| plan.id.as_ref() == Some(&given.account));
        let back =
            given.map(|given| format!("as it was before a run that was killed began to give it to {}", given.to));
        plan.reason = foreign.then(|| "access that cellc does not own stays in it".to_owned()).or(back);
    }
}

/// Drift of an account: protection is no field of the cloud's.
fn drifted_of(entry: Option<&Entry>, before: &Fields) -> Vec<String> {
    let mut all = drifted(entry, before);
    all.retain(|name| {
        ![GIVEN, KEPT_EMAIL, "protect"].contains(&name.as_str()) && (name != "ou" || before.contains_key("ou"))
    });
    all
}

/// What a parked account was that a cell was given, as long as the record does not know it to be marked as the cell's.
fn parked_from(entry: &Entry) -> Option<&str> {
    entry.fields.get("tags")?.get(PARKED_TAG)?.as_str()
}

fn own((name, value): (&String, &Json)) -> (String, Json) {
    (name.clone(), value.clone())
}
