//! Repository policies: the statement of ours among those of others. What is others' is never in a plan.

mod moving;
mod pulling;

use std::collections::BTreeMap;

use cell_lang::diagnostics::Code;
use serde_json::{Value as Json, json};

use crate::plan::build::{Builder, Command, GONE, Step, change, drifted, text};
use crate::plan::desired::{Desired, ROOT, Wanted};
use crate::plan::diff::sets::texts;
use crate::plan::fault::Fault;
use crate::plan::model::{Action, Change, Fields, OperationId, Verb};
use crate::plan::scope::{Scope, occurs_in};
use crate::registry::record::Entry;
use crate::repositories::{Found, PULL, Refused, edited, ours, path_of, policy, pull};

pub(in crate::plan) use moving::Moving;
use moving::has_no_room;

const KIND: &str = "repository_policy";

/// Where a repository is.
struct Spot {
    /// The id of the account.
    account: String,
    /// Its name.
    name: String,
}

impl Spot {
    /// What the record knows it by.
    fn id(&self) -> String {
        format!("{}/{}", self.account, self.name)
    }

    fn of(id: &str) -> Option<Self> {
        let (account, name) = id.split_once('/')?;
        Some(Self { account: account.to_owned(), name: name.to_owned() })
    }
}

/// Makes a statement, and says what must be made before it is written.
type Stating<'f, 'b> = &'f dyn Fn(&mut Builder<'b>) -> (Json, Vec<OperationId>);

/// The places of the organization that a statement of ours lets pull.
fn places_of(statement: &Json) -> Vec<Json> {
    let places = statement.pointer("/Condition/ForAnyValue:StringEquals/aws:PrincipalOrgPaths");
    match places {
        Some(Json::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

/// The cells that a policy lets pull.
fn named_cells(wanted: &Wanted) -> impl Iterator<Item = &str> {
    wanted.shown.get("cells").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
}

/// Policies by account that are not selected, and let selected cells pull.
pub(crate) fn of_cells<'d>(desired: &'d Desired, scope: &Scope) -> Vec<(&'d String, &'d Wanted)> {
    let selected = |(address, wanted): &(&String, &Wanted)| {
        wanted.kind.name() == KIND
            && !scope.only.is_empty()
            && !scope.takes(address, &wanted.sources)
            && !scope.except.iter().any(|named| occurs_in(named, address))
            && text(&wanted.shown, "by") == "accounts"
            && named_cells(wanted).any(|cell| scope.takes(cell, &[]))
    };
    desired.resources.iter().filter(selected).collect()
}

impl<'b> Builder<'b> {
    /// Policies that are to let cells pull.
    pub(in crate::plan) fn repository_policies(&mut self) {
        for (address, wanted) in self.wanted(KIND) {
            let applied = wanted.fields.contains_key("content");
            // AWS takes no statement that lets in nobody.
            if !applied && self.pulling(wanted).is_empty() {
                if let Some(entry) = self.record.entry(address) {
                    self.surplus_repository_policy(address, entry);
                }
                continue;
            }
            let Some(spot) = self.spot(wanted) else {
                let account = text(&wanted.shown, "account");
                let message = format!("{address} waits for its repository: {account} does not exist yet");
                self.note(message, vec![address.clone()]);
                continue;
            };
            let (name, sources) = (spot.name.clone(), wanted.sources.clone());
            let plan = Change { name, sources, ..change(address, KIND, Action::NoOp) };
            let by_place = |builder: &mut Builder<'b>| builder.pull_by_place(&builder.pulling(wanted));
            let narrow =
                (!applied && text(&wanted.shown, "by") == "accounts").then_some(&by_place as Stating<'_, 'b>);
            self.repository_policy(plan, &spot, &|builder| builder.pull_statement(address, wanted), narrow);
        }
    }

    /// Where its repository is; none while the account does not exist.
    fn spot(&self, wanted: &Wanted) -> Option<Spot> {
        let said = wanted.shown.get("account_id").and_then(Json::as_str).map(str::to_owned);
        let account = said.or_else(|| self.ids.get(&text(&wanted.shown, "account")).cloned())?;
        Some(Spot { account, name: text(&wanted.shown, "repository") })
    }

    /// In policies that are not selected themselves, selected cells alone come or go: what a cell has is complete, and what is not the
    /// cell's stays.
    pub(in crate::plan) fn repository_policies_of_cells(&mut self) {
        for (address, wanted) in of_cells(self.desired, self.scope) {
            let Some(spot) = self.spot(wanted) else { continue };
            let found = self.live.repositories.get(&(spot.account.clone(), spot.name.clone()));
            // One that others wrote unreadably is told by who plans it whole.
            let Some(Ok(is)) = found
                .filter(|found| **found != Found::NoRepository)
                .map(|found| found.text().map_or(Ok(BTreeMap::new()), ours))
            else {
                continue;
            };
            let cells: Vec<String> =
                named_cells(wanted).filter(|cell| self.scope.takes(cell, &[])).map(str::to_owned).collect();
            self.cells_of_policy((address, wanted), &spot, is.get(PULL), &cells);
        }
    }

    fn cells_of_policy(
        &mut self,
        (address, wanted): (&String, &Wanted),
        spot: &Spot,
        is: Option<&Json>,
        cells: &[String],
    ) {
        if let Some(is) = is.filter(|is| !places_of(is).is_empty()) {
            return self.cells_by_place((address, wanted), spot, is, cells);
        }
        let all = texts(is.map(policy::form).as_ref().and_then(|statement| statement.pointer("/Principal/AWS")));
        let mut principals: Vec<Json> = all.iter().cloned().map(Json::from).collect();
        let own: Vec<Json> = cells.iter().map(|cell| self.root_of(cell)).collect();
        match self.command {
            Command::Apply => principals.extend(
                own.into_iter().filter(|one| !one.as_str().is_some_and(|arn| all.iter().any(|known| known == arn))),
            ),
            Command::Destroy => principals.retain(|one| !own.contains(one)),
        }
        if principals.len() == all.len() {
            return;
        }
        let plan = Change {
            name: spot.name.clone(),
            sources: wanted.sources.clone(),
            reason: Some(format!("{} alone, as `--only` says", cells.join(", "))),
            ..change(address, KIND, Action::NoOp)
        };
        if principals.is_empty() {
            if let Some(entry) = self.record.entry(address) {
                self.surplus_repository_policy(address, entry);
            }
        } else {
            let known = |cell: &String| self.ids.contains_key(cell) || cells.contains(cell);
            let all: Vec<String> = self.pulling(wanted).into_iter().filter(known).collect();
            let by_place = |builder: &mut Builder<'b>| builder.pull_by_place(&all);
            let narrow = (self.command == Command::Apply).then_some(&by_place as Stating<'_, 'b>);
            let statement = |builder: &mut Builder<'b>| {
                let statement = pull(&principals, &[]);
                let fields = Fields::from_iter([("content".to_owned(), statement.clone())]);
                let needs = match builder.command {
                    Command::Apply => builder.accounts_named(address, &["content".to_owned()], &fields),
                    Command::Destroy => Vec::new(),
                };
                (statement, needs)
            };
            self.repository_policy(plan, spot, &statement, narrow);
        }
        if self.command == Command::Destroy {
            // An account is not given on before it may pull no more.
            let change = self.changes.iter().find(|change| change.address == *address);
            let last = change.and_then(|change| change.operations.last().copied());
            for (cell, operation) in cells.iter().zip(last.into_iter().cycle()) {
                self.step(cell, Step::Gone, operation);
            }
        }
    }

    /// The same where accounts are let in by their place: that of a cell that comes is added, and one that goes leaves its place.
    fn cells_by_place(&mut self, (address, wanted): (&String, &Wanted), spot: &Spot, is: &Json, cells: &[String]) {
        let (own, needs) = self.pull_by_place(cells);
        let mut places = places_of(is);
        let added: Vec<Json> = places_of(&own).into_iter().filter(|place| !places.contains(place)).collect();
        if self.command == Command::Destroy || added.is_empty() {
            return;
        }
        places.extend(added);
        let plan = Change {
            name: spot.name.clone(),
            sources: wanted.sources.clone(),
            reason: Some(format!("{} alone, as `--only` says", cells.join(", "))),
            ..change(address, KIND, Action::NoOp)
        };
        self.repository_policy(plan, spot, &|_| (pull(&[], &places), needs.clone()), None);
    }

    /// What lets the account of a cell pull.
    fn root_of(&self, cell: &str) -> Json {
        let root = |id: &str| format!("arn:{}:iam::{id}:root", self.desired.org.partition);
        match self.ids.get(cell) {
            Some(id) => Json::from(root(id)),
            None => json!({ "later": root(&format!("\\({cell}.account_id)")) }),
        }
    }

    /// `statement` is what is wanted, and what must be made before it is written; `narrow` the same in fewer characters, for
    /// where the statements of others leave no room.
    fn repository_policy(
        &mut self,
        mut plan: Change,
        spot: &Spot,
        statement: Stating<'_, 'b>,
        narrow: Option<Stating<'_, 'b>>,
    ) {
        let address = plan.address.clone();
        let entry = self.entry(&address, &spot.id());
        let found = self.live.repositories.get(&(spot.account.clone(), spot.name.clone()));
        let text = match found {
            // That it could not be read was said by who read.
            None => return,
            Some(Found::NoRepository) => return self.no_repository(plan, spot, entry.is_some()),
            Some(found) => found.text(),
        };
        let (mut statement, mut needs) = statement(self);
        if let Some(narrow) = narrow.filter(|_| has_no_room(text, &statement)) {
            (statement, needs) = narrow(self);
            let message = format!(
                "{address}: beside the statements of others there is no room to name each account: cells are let in by their place in the organization"
            );
            self.note(message, vec![address.clone()]);
        }
        let Some(is) = self.read_policy(&plan, spot, text, &statement) else { return };
        let after = Fields::from_iter([("content".to_owned(), policy::document([&statement]))]);
        if crate::plan::later::has_later(&statement) {
            plan.later = vec!["content".to_owned()];
        }
        plan.id = Some(spot.id());
        let before =
            (!is.is_empty()).then(|| Fields::from_iter([("content".to_owned(), policy::document(is.values()))]));
        plan.drift = match &before {
            Some(before) => drifted(entry, before),
            None if self.record.entry(&address).is_some() => vec!["*".to_owned()],
            None => Vec::new(),
        };
        if before.is_some() && entry.is_none() {
            plan.action = Action::Adopt;
            let verb = Verb::Remember { id: spot.id() };
            plan.operations.push(self.operation(&address, verb, &[], before.clone().unwrap_or_default()));
        }
        let moving = self.moving.remove(&address).unwrap_or_default();
        if let (Some(before), Some(_)) = (&before, entry) {
            self.begun_by_us(&mut plan, before, moving.before.is_some());
        }
        if let Some(first) = moving.before {
            plan.operations.push(first);
            let meanwhile = "the places that accounts come from are let in until they have moved";
            plan.reason.get_or_insert_with(|| meanwhile.to_owned());
        }
        if before.as_ref() != Some(&after) || moving.before.is_some() {
            if moving.before.is_none() || !moving.is_all {
                needs.extend(self.after_moves(&moving));
                plan.operations.push(self.set_policy(&address, spot, &statement, &needs));
            }
            plan.action = match (&before, entry) {
                (None, _) => Action::Create,
                (Some(_), None) => Action::Adopt,
                (Some(_), Some(_)) => Action::Update,
            };
        }
        if let Some(before) = &before {
            self.record_as_it_is(&mut plan, entry, before, &after);
            if entry.is_some() && !plan.operations.is_empty() {
                plan.action = Action::Update;
            }
        }
        plan.before = before;
        plan.after = Some(after);
        self.change(plan);
    }

    /// What a run that came to no end was writing, if that is there, is no doing of others: it is taken into the record, and waited
    /// for no more. So it is where the policy is what it was; what is written first anyhow does both.
    fn begun_by_us(&mut self, plan: &mut Change, before: &Fields, is_written: bool) {
        let Some(content) = self.record.pending.get(&plan.address).and_then(|begun| begun.content.as_ref()) else {
            return;
        };
        let is_there = before.get("content") == Some(content);
        if is_there {
            plan.drift.clear();
            plan.reason
                .get_or_insert_with(|| "an earlier run ended before it was recorded that it wrote this".to_owned());
        }
        if !is_written && (is_there || plan.drift.is_empty()) {
            let verb = Verb::Remember { id: plan.id.clone().unwrap_or_default() };
            plan.operations.push(self.operation(&plan.address.clone(), verb, &[], before.clone()));
        }
    }

    /// The statements of ours that are there; none when nothing can be planned, which is said.
    fn read_policy(
        &mut self,
        plan: &Change,
        spot: &Spot,
        text: Option<&str>,
        statement: &Json,
    ) -> Option<BTreeMap<String, Json>> {
        let wanted = BTreeMap::from([(PULL.to_owned(), statement.clone())]);
        let refused = match (text.map(ours).transpose(), edited(text, &wanted)) {
            (Ok(is), Ok(_)) => return Some(is.unwrap_or_default()),
            // Who only looks writes nothing.
            (Ok(is), Err(Refused::TooLong { .. })) if self.looks => return Some(is.unwrap_or_default()),
            (Err(refused), _) | (Ok(_), Err(refused)) => refused,
        };
        let code = match refused {
            Refused::TooLong { .. } => Code::PolicyTooLarge,
            Refused::Unreadable(_) => Code::NotOwned,
        };
        let message = format!("repository `{}` in account {}: {refused}", spot.name, spot.account);
        let fault = Fault::new(code, message).at(plan.sources.first(), format!("{} is asked for here", plan.address));
        self.faults.push(fault.help("take statements of others away there, or let fewer cells pull"));
        None
    }

    /// A policy belongs to a repository: without one nothing is written, and what was is forgotten.
    fn no_repository(&mut self, mut plan: Change, spot: &Spot, recorded: bool) {
        let address = plan.address.clone();
        let message = format!(
            "{address} waits for its repository: account {} has no `{}`; the next apply after it is made writes its policy",
            spot.account, spot.name
        );
        self.note(message, vec![address.clone()]);
        if recorded {
            plan.id = Some(spot.id());
            self.forget(&mut plan, "the repository is gone");
            self.change(plan);
        }
    }

    /// The statement that lets the cells pull, and what must be made before it is written.
    fn pull_statement(&mut self, address: &str, wanted: &Wanted) -> (Json, Vec<OperationId>) {
        // What was applied last is wanted where the record stands for the program.
        if let Some(applied) = wanted.fields.get("content").and_then(|content| content.pointer("/Statement/0")) {
            return (applied.clone(), Vec::new());
        }
        let cells = self.pulling(wanted);
        if text(&wanted.shown, "by") != "accounts" {
            return self.pull_by_place(&cells);
        }
        let statement = pull(&cells.iter().map(|cell| self.root_of(cell)).collect::<Vec<_>>(), &[]);
        let fields = Fields::from_iter([("content".to_owned(), statement.clone())]);
        let needs = self.accounts_named(address, &["content".to_owned()], &fields);
        (statement, needs)
    }

    /// The cells that pull. What is left out, for it has expired, is not made for the sake of this.
    fn pulling(&self, wanted: &Wanted) -> Vec<String> {
        let is_in = |cell: &String| self.ids.contains_key(cell) || !self.scope.except.contains(cell);
        named_cells(wanted).map(str::to_owned).filter(is_in).collect()
    }

    /// By the units that the cells lie in, each once.
    fn pull_by_place(&mut self, cells: &[String]) -> (Json, Vec<OperationId>) {
        let (mut places, mut needs) = (BTreeMap::new(), Vec::new());
        for cell in cells {
            let (place, made) = self.place_of(cell);
            needs.extend(made);
            let path = place.get("later").unwrap_or(&place).as_str().unwrap_or_default().to_owned();
            places.insert(path, place);
        }
        (pull(&[], &places.into_values().collect::<Vec<_>>()), needs)
    }

    /// The place of a cell, as a statement has it, and what makes the units on the way.
    fn place_of(&self, cell: &str) -> (Json, Vec<OperationId>) {
        let chain = self.units_above(cell);
        let made = chain.iter().flat_map(|unit| self.after(unit, Step::Made)).collect();
        let ids = chain.iter().map(|unit| match self.ids.get(unit).filter(|_| !self.is_anew(unit)) {
            Some(id) => id.clone(),
            None if unit.starts_with("ou-") => unit.clone(),
            None => format!("\\({unit}.id)"),
        });
        let ids: Vec<String> = ids.collect();
        let organization = self.live.organization.as_ref();
        let head = organization.map(|found| [found.id.clone(), found.root.clone()]);
        let path = path_of(head.iter().flatten().chain(&ids).map(String::as_str));
        (if path.contains('\\') { json!({ "later": path }) } else { Json::from(path) }, made)
    }

    /// The units above a cell, from the root down: addresses where the program has them, else ids. A cell whose own block
    /// says no unit stays where its account is.
    fn units_above(&self, cell: &str) -> Vec<String> {
        let wanted = self.desired.resources.get(cell);
        let stays = wanted.and_then(|wanted| wanted.account.as_ref()).is_some_and(|account| !account.own_unit);
        let live =
            self.ids.get(cell).and_then(|id| self.live.accounts.get(id)).and_then(|found| found.parent.clone());
        let mut at = match live.filter(|_| stays) {
            Some(parent) => parent,
            None => wanted.map(|wanted| text(&wanted.fields, "ou")).unwrap_or_default(),
        };
        let mut chain = Vec::new();
        for _ in 0..=crate::limits::OU_LEVELS.most {
            // What this plan does not make anew stays where it is, whatever the program says.
            let stays = self.ids.get(&at).filter(|_| !self.is_anew(&at)).and_then(|id| self.live.units.get(id));
            let above = match (stays.or_else(|| self.live.units.get(&at)), self.desired.resources.get(&at)) {
                (Some(unit), _) => self.unit_of(&unit.parent),
                (None, Some(unit)) => text(&unit.fields, "parent"),
                (None, None) => break,
            };
            chain.push(std::mem::replace(&mut at, above));
            if at == ROOT {
                break;
            }
        }
        chain.reverse();
        chain
    }

    /// The address of a unit, or its id where it has none.
    fn unit_of(&self, id: &str) -> String {
        let address = self.address_of("ou", id);
        if self.ids.contains_key(&address) { address } else { id.to_owned() }
    }

    /// Statements of ours that are to go; what others have stays.
    pub(in crate::plan) fn surplus_repository_policies(&mut self) {
        for (address, entry) in self.surplus(KIND) {
            self.surplus_repository_policy(address, entry);
        }
    }

    fn surplus_repository_policy(&mut self, address: &str, entry: &Entry) {
        let mut plan = Change { id: Some(entry.id.clone()), ..change(address, KIND, Action::Delete) };
        let spot = Spot::of(&entry.id);
        let key = spot.as_ref().map(|spot| (spot.account.clone(), spot.name.clone())).unwrap_or_default();
        // One that could not be read stays in the record: it may be there.
        let Some(found) = self.live.repositories.get(&key) else { return };
        plan.name.clone_from(&key.1);
        let is = found.text().and_then(|text| ours(text).ok()).unwrap_or_default();
        match spot.filter(|_| !is.is_empty()) {
            Some(spot) => {
                let before = Fields::from_iter([("content".to_owned(), policy::document(is.values()))]);
                let begun = self.record.pending.get(address).and_then(|begun| begun.content.as_ref());
                if before.get("content") != begun {
                    plan.drift = drifted(Some(entry), &before);
                }
                plan.before = Some(before);
                let account = self.address_of("account", &spot.account);
                let verb = Verb::RemoveRepositoryPolicy {
                    account: spot.account,
                    region: self.desired.org.home_region.clone(),
                    repository: spot.name,
                };
                let removed = self.operation(address, verb, &[], Fields::new());
                self.step(&account, Step::Gone, removed);
                plan.operations.push(removed);
            }
            None => {
                plan.before = Some(entry.fields.clone());
                self.forget(&mut plan, GONE);
            }
        }
        self.change(plan);
    }
}
