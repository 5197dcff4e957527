//! Assignments: what is given is added before what is taken away.
//!
//! Every assignment of a set that is owned is owned: one that the program does not have goes, whoever made it.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use cell_lang::diagnostics::{Code, nearest};
use serde_json::Value as Json;

use crate::live::assignments::kind_of;
use crate::plan::build::{Builder, Step, change, text};
use crate::plan::desired::{ROOT, Wanted};
use crate::plan::fault::Fault;
use crate::plan::identity;
use crate::plan::model::{Action, Change, Fields, OperationId, Verb};
use crate::provider::{Given, Principal};

/// What an assignment is by its address, or by its ids where it has no address of the program.
#[derive(Debug, Clone)]
struct Named {
    set: String,
    principal: String,
    target: String,
}

impl Named {
    /// `assignment.lib.Look/group.ops/cell.a`
    fn parse(address: &str) -> Option<Self> {
        let mut parts = address.split('/').skip(1);
        let set = identity::set_of_assignment(address)?;
        Some(Self { set, principal: parts.next()?.to_owned(), target: parts.next()?.to_owned() })
    }
}

/// How it is told that what leaves the record is the same as what another address says: two labels of one group.
pub(in crate::plan) const HELD_TWICE: &str = "the program gives the same by another address";

/// What became of an assignment that the program does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is there.
    There,
    /// It is not.
    Gone,
    /// It is there, and the program has it by another address.
    Twice,
}

/// Operations on assignments that others wait for.
#[derive(Debug, Default)]
struct Added {
    by_pair: HashMap<(String, String), Vec<OperationId>>,
    by_person: HashMap<(String, String), Vec<OperationId>>,
}

impl<'a> Builder<'a> {
    /// Assignments that are to be there, then those that are to go.
    pub(in crate::plan) fn assignments(&mut self) {
        self.missing_principals();
        let recorded = self.recorded_assignments();
        let mut seen: HashSet<&Given> = HashSet::default();
        let mut added = Added::default();
        // Both stand in the order of their addresses.
        let mut rest = recorded.as_slice();
        for (address, wanted) in self.wanted("assignment") {
            let before = rest.iter().take_while(|(at, _)| *at < address.as_str()).count();
            rest = rest.get(before..).unwrap_or_default();
            let given = rest.first().filter(|(at, _)| at == address).map(|(_, given)| given);
            match given.and_then(|given| self.as_recorded((address, wanted), given)) {
                Some(given) => _ = seen.insert(given),
                None => self.assignment(address, wanted, &mut seen, &mut added),
            }
        }
        self.surplus_assignments(&recorded, &seen, &added);
    }

    /// A group or user that does not exist is an error with near names, and no create.
    fn missing_principals(&mut self) {
        if self.live.center.is_none() {
            return;
        }
        for (address, id) in self.live.principals.iter().filter(|(_, id)| id.is_none()) {
            debug_assert!(id.is_none(), "filtered");
            let Some(wanted) = self.desired.principals.get(address) else { continue };
            let what = wanted.kind.word();
            let near = nearest(&wanted.name, self.live.candidates.iter().map(String::as_str), 3);
            let mut fault = Fault::new(
                Code::PrincipalMissing,
                format!("no {what} named `{}` is in the identity store", wanted.name),
            )
            .at(Some(&wanted.place), "declared here");
            fault = if near.is_empty() {
                fault.help(format!("{what}s come from the identity provider: make it there, or correct `name`"))
            } else {
                fault.help(format!(
                    "did you mean {}?",
                    near.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
                ))
            };
            self.faults.push(fault);
        }
    }

    /// What the record says was given, in the order of the addresses.
    fn recorded_assignments(&self) -> Vec<(&'a str, Given)> {
        let record = self.record;
        let entries = record.resources.iter().filter(|(_, entry)| entry.kind == "assignment");
        let given = entries.filter_map(|(address, _)| Some((address.as_str(), self.given(&Named::parse(address)?)?)));
        given.collect()
    }

    /// An assignment of the record that is asked for and there as it was given: nothing is to be done.
    fn as_recorded(&self, (address, wanted): (&str, &Wanted), given: &Given) -> Option<&'a Given> {
        let set = wanted.shown.get("permission_set").and_then(Json::as_str).unwrap_or_default();
        let there = self.live.given.get(given)?;
        (!self.origins.contains_key(address) && !self.is_anew(set)).then_some(there)
    }

    fn given(&self, named: &Named) -> Option<Given> {
        let principal = Principal { kind: kind_of(&named.principal), id: self.ids.get(&named.principal)?.clone() };
        Some(Given {
            set: self.ids.get(&named.set)?.clone(),
            principal,
            account: self.ids.get(&named.target)?.clone(),
        })
    }

    fn assignment(&mut self, address: &str, wanted: &Wanted, seen: &mut HashSet<&'a Given>, added: &mut Added) {
        let named = Named {
            set: text(&wanted.shown, "permission_set"),
            principal: text(&wanted.shown, "principal"),
            target: text(&wanted.shown, "target"),
        };
        let anew = self.is_anew(&named.set);
        let given = if anew { None } else { self.given(&named) };
        let recorded = self.record.entry(address).is_some();
        let found = given.as_ref().and_then(|given| self.live.given.get(given));
        seen.extend(found);
        let there = found.is_some();
        if there && recorded && !self.origins.contains_key(address) {
            return;
        }
        let mut plan = Change {
            sources: wanted.sources.clone(),
            after: Some(wanted.shown.clone()),
            ..change(address, "assignment", Action::NoOp)
        };
        if there {
            plan.before = Some(wanted.shown.clone());
            if !recorded {
                plan.action = Action::Adopt;
                let verb = Verb::Remember { id: String::new() };
                plan.operations.push(self.operation(address, verb, &[], Fields::new()));
            }
            return self.change(plan);
        }
        // What the former set does not give, or a set that is gone took along, is given again.
        let lived = anew && self.given(&named).is_some_and(|former| self.live.given.contains(&former));
        plan.action = if recorded && lived { Action::Replace } else { Action::Create };
        plan.drift = if recorded && !lived { vec!["*".to_owned()] } else { Vec::new() };
        let operation = self.assign(address, &named);
        plan.operations.push(operation);
        added.by_pair.entry((named.set.clone(), named.target.clone())).or_default().push(operation);
        added.by_person.entry((named.principal, named.target)).or_default().push(operation);
        self.change(plan);
    }

    fn assign(&mut self, address: &str, named: &Named) -> OperationId {
        self.needs_set(address, &named.set);
        self.needs_account(address, &named.target);
        let mut needs = self.after(&named.set, Step::Made);
        needs.extend(self.after(&named.set, Step::Formed));
        needs.extend(self.after(&named.target, Step::Made));
        needs.extend(self.after(&named.target, Step::Placed));
        needs.extend(self.after(&named.target, Step::Held));
        needs.extend(self.after(ROOT, Step::Held));
        let Named { set, principal, target } = named.clone();
        self.operation(address, Verb::Assign { set, principal, target }, &needs, Fields::new())
    }

    /// What is given and not asked for: recorded or not, of sets that are owned.
    fn surplus_assignments(&mut self, recorded: &[(&str, Given)], seen: &HashSet<&Given>, added: &Added) {
        let mut surplus: BTreeMap<String, Fate> = BTreeMap::new();
        let (held, unasked): (Vec<_>, Vec<_>) = recorded.iter().partition(|(_, given)| seen.contains(given));
        let by_given: HashMap<&Given, &str> = unasked.into_iter().map(|(address, given)| (given, *address)).collect();
        for (address, _) in self.surplus("assignment") {
            // The addresses of the record are in their order.
            let is_held = held.binary_search_by(|(at, _)| (*at).cmp(address)).is_ok();
            surplus.insert(address.clone(), if is_held { Fate::Twice } else { Fate::Gone });
        }
        for given in self.live.given.iter().filter(|given| !seen.contains(*given)) {
            if !by_given.contains_key(given) && self.is_ended(&given.account) {
                continue;
            }
            // AWS does not take it away either: it refuses an account that is not in the organization.
            if self.scope.only.is_empty() && !self.live.accounts.contains_key(&given.account) {
                continue;
            }
            let address = by_given.get(given).map_or_else(|| self.name_of(given), |address| (*address).to_owned());
            // What the program asks for and the scope leaves out is no surplus.
            if self.takes(&address)
                && (self.command == crate::plan::build::Command::Destroy
                    || !self.desired.resources.contains_key(&address))
            {
                surplus.insert(address, Fate::There);
            } else if self.is_replaced(&address) {
                self.unassign_former(&address, given, added);
            }
        }
        for (address, fate) in surplus {
            self.surplus_assignment(&address, fate, added);
        }
    }

    /// Is it an account that nobody can use: suspended, or on its way out? What others gave there goes with it.
    fn is_ended(&self, account: &str) -> bool {
        self.live.accounts.get(account).is_some_and(|account| !identity::is_open(account))
    }

    /// Is it an assignment of a set that is made anew?
    fn is_replaced(&self, address: &str) -> bool {
        identity::set_of_assignment(address).is_some_and(|set| self.is_anew(&set)) && self.keeps(address)
    }

    /// The former assignment, of the former set, after the new one.
    fn unassign_former(&mut self, address: &str, given: &Given, added: &Added) {
        let Some(named) = Named::parse(address) else { return };
        let former = self.former_set(&named.set, &given.set);
        let needs =
            added.by_person.get(&(named.principal.clone(), named.target.clone())).cloned().unwrap_or_default();
        let verb = Verb::Unassign { set: former, principal: named.principal, target: named.target };
        let operation = self.operation(address, verb, &needs, Fields::new());
        self.step(&named.set, Step::Gone, operation);
        if let Some(change) = self.changes.iter_mut().find(|change| change.address == address) {
            change.operations.push(operation);
        }
    }

    /// An address for the former set of one that is made anew.
    fn former_set(&mut self, address: &str, arn: &str) -> String {
        let former = self.record.free_former(address);
        let name = self.live.sets.get(arn).map(|set| set.fields.name.clone()).unwrap_or_default();
        self.stranger(&former, arn, &name);
        former
    }

    fn surplus_assignment(&mut self, address: &str, fate: Fate, added: &Added) {
        let Some(named) = Named::parse(address) else { return };
        let of_former = |address: &str| {
            let named = Named::parse(address)?;
            let (former, _) = self.former_principal(self.ids.get(&named.principal)?)?;
            let label = address.split('/').next()?;
            self.record.entry(&format!("{label}/{former}/{}", named.target))
        };
        let recorded = self.record.entry(address).is_some() || of_former(address).is_some();
        let fields = Fields::from_iter([
            ("permission_set".to_owned(), Json::from(named.set.as_str())),
            ("principal".to_owned(), Json::from(named.principal.as_str())),
            ("target".to_owned(), Json::from(named.target.as_str())),
        ]);
        let mut plan = Change { before: Some(fields), ..change(address, "assignment", Action::Delete) };
        plan.reason = self.desired.expired.get(address).map(|day| format!("expired on {day}"));
        if fate != Fate::There {
            self.forget(&mut plan, "it is not there any more");
            if fate == Fate::Twice {
                plan.drift.clear();
                plan.reason = Some(HELD_TWICE.to_owned());
            }
            return self.change(plan);
        }
        plan.drift = if recorded { Vec::new() } else { vec!["*".to_owned()] };
        let mut needs = added.by_pair.get(&(named.set.clone(), named.target.clone())).cloned().unwrap_or_default();
        needs.extend(added.by_person.get(&(named.principal.clone(), named.target.clone())).into_iter().flatten());
        // Who may see to a cell may do so until nothing works in it.
        if !self.keeps(&named.target) {
            needs.extend(self.after(&named.target, Step::Emptied));
        }
        let Named { mut set, principal, target } = named.clone();
        if let Some(arn) = self.ids.get(&set).cloned().filter(|_| self.is_anew(&set)) {
            set = self.former_set(&set, &arn);
        }
        let operation = self.operation(address, Verb::Unassign { set, principal, target }, &needs, Fields::new());
        self.step(&named.set, Step::Gone, operation);
        self.step(&named.target, Step::Gone, operation);
        plan.operations.push(operation);
        self.change(plan);
    }

    /// The address and the name of a group or user that the record has by another id than it has now: it was made anew.
    fn former_principal(&self, id: &str) -> Option<(&'a String, &'a String)> {
        let known = self.record.principals.iter().find(|(_, found)| found.id == id);
        known.map(|(address, found)| (address, &found.name))
    }

    /// An address for an assignment that nobody recorded, with the ids it needs.
    fn name_of(&mut self, given: &Given) -> String {
        let set = self.address_of("permission_set", &given.set);
        let label = set.replacen("permission_set.", "", 1);
        let principal = self.address_of(given.principal.kind.word(), &given.principal.id);
        let target = self.address_of("account", &given.account);
        if !self.ids.contains_key(&principal) {
            let name = self.live.names.get(&given.principal).cloned();
            let former =
                self.former_principal(&given.principal.id).map(|(_, name)| format!("{name}, as it was before"));
            let name = name.or(former).unwrap_or_else(|| given.principal.id.clone());
            self.stranger(&principal, &given.principal.id, &name);
        }
        if !self.ids.contains_key(&target) {
            let name = self.live.accounts.get(&given.account).map(|account| account.name.clone());
            self.stranger(&target, &given.account, &name.unwrap_or_else(|| given.account.clone()));
        }
        format!("assignment.{label}/{principal}/{target}")
    }
}
