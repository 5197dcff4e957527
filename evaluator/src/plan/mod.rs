//! From desired, recorded and live to a plan.
//!
//! [`desired`] is what the program asks for, [`crate::registry::record`] what was left behind, [`crate::live`] what
//! the cloud says. [`plan`] is pure: the same three give the same plan, byte for byte.

mod begun;
pub(crate) mod build;
pub mod canonical;
pub mod cost;
pub mod desired;
pub(crate) mod diff;
pub mod fault;
pub mod file;
mod generated;
mod given;
mod guardrails;
pub mod identity;
pub mod judge;
pub mod later;
pub mod least;
pub mod marks;
pub mod model;
pub mod moves;
mod ours;
pub(crate) mod parking;
pub mod part;
mod relied;
pub mod scope;
pub mod stale;
mod stays;
mod target;
#[cfg(test)]
mod tests;
pub mod text;
mod waits;
mod watched;

use std::collections::{BTreeMap, BTreeSet};

use cell_lang::diagnostics::{Code, nearest};
use jiff::Timestamp;

use build::Builder;
pub use build::Command;
use desired::Desired;
use fault::Fault;
use model::{Change, Limits, Notice, Plan, Target};
pub use ours::other_organization;
use scope::Scope;

use crate::live::{Live, Reading};
use crate::registry::record::{FORMER, Record};
use crate::releases::dossier;
use crate::releases::wishes::is_of_component;
use crate::releases::{Dossier, Kept};
use crate::resources::ResourceKind;
use crate::stacks::AccountOf;
use crate::terminal::visible;

/// What is planned, and under what circumstances.
#[derive(Debug)]
pub struct Question<'a> {
    /// What the program asks for.
    pub desired: &'a Desired,
    /// What was left behind, every `moved` followed, and from where each address came ([`moves::follow`]).
    pub record: (&'a Record, &'a BTreeMap<String, String>),
    /// What the cloud says.
    pub live: &'a Live,
    /// What the books of releases say.
    pub kept: &'a BTreeMap<String, Kept>,
    /// Which part.
    pub scope: &'a Scope,
    /// To what end.
    pub command: Command,
    /// The instant.
    pub at: Timestamp,
    /// `aws` or `sandbox`.
    pub cloud: &'a str,
    /// Where the record lies.
    pub registry: String,
    /// The limits that the apply holds itself to.
    pub limits: Limits,
}

/// The plan, or what keeps it from being made: all of it.
pub fn plan(question: &Question<'_>) -> Result<Plan, Vec<Fault>> {
    made(question, Components::Released)
}

/// What was changed outside since the last apply, or since a release came: the program of the question is what the record
/// holds.
pub fn drift(question: &Question<'_>) -> Result<Plan, Vec<Fault>> {
    Ok(Plan { command: "drift".to_owned(), ..made(question, Components::LookedAt)? })
}

/// What is said of components in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Components {
    /// What an apply does about them.
    Released,
    /// What was changed outside.
    LookedAt,
}

fn made(question: &Question<'_>, components: Components) -> Result<Plan, Vec<Fault>> {
    let Question { desired, record, live, scope, .. } = question;
    let mut faults = other_organization(desired, (record.0, &question.registry), live);
    // What takes the program's place where only what was changed outside is looked for says no ids.
    if components == Components::Released {
        faults.extend(ours::impossible(desired, (record.0, &question.registry), live));
    }
    faults.extend(unknown_addresses(desired, record.0, question.kept, scope));
    faults.extend(one_account_twice(desired, record.0, live));
    let mut alleged = Vec::new();
    if faults.is_empty() {
        alleged = marks::alleged(desired, *record, scope, &question.registry, (live, question.command));
    }
    // Whoever looks for what was changed outside is told that an apply would be refused.
    if components == Components::Released {
        faults.append(&mut alleged);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let begun = match components {
        Components::Released => begun::begun(question),
        // What waits for an answer is no doing of others.
        Components::LookedAt => begun::Begun::default(),
    };
    let with = begun.with(record.0);
    let mut builder = builder(question, with.as_ref().unwrap_or(record.0));
    builder.looks = components == Components::LookedAt;
    alleged.iter().for_each(|fault| builder.refused_by_an_apply(fault));
    let remembered = builder.remember_begun(&begun);
    let replaced = builder.units();
    builder.policies();
    builder.attachments(false);
    builder.repository_policies_before_moves();
    if components == Components::Released && question.command == Command::Apply {
        builder.repository_policies_of_cells_before_moves();
    }
    builder.accounts();
    builder.attachments(true);
    builder.repository_policies();
    if components == Components::Released {
        builder.repository_policies_of_cells();
    }
    builder.stacks();
    match components {
        Components::Released => {
            builder.releases();
            builder.surplus_releases();
        }
        Components::LookedAt => builder.deployed(),
    }
    builder.sets();
    builder.assignments();
    builder.surplus_sets();
    builder.surplus_attachments();
    builder.surplus_policies();
    builder.surplus_repository_policies();
    builder.surplus_stacks();
    builder.surplus_accounts();
    builder.keep_what_is_unread(&begun);
    builder.parking_begun();
    builder.parking_named();
    builder.surplus_units(&replaced);
    builder.lead(&begun, &remembered);
    if components == Components::Released {
        builder.wait_for_access();
    }
    builder.relied();
    builder.judge();
    let access = builder.access();
    if !builder.faults.is_empty() {
        return Err(builder.faults);
    }
    Ok(finished(question, builder, access))
}

/// What a release brings to its cells, beside what the books say that they have: a plan without operations, for people.
pub fn release(question: &Question<'_>, release: &Dossier) -> Plan {
    let mut builder = builder(question, question.record.0);
    builder.release(release);
    Plan { command: "release".to_owned(), unapplied: Vec::new(), ..finished(question, builder, Vec::new()) }
}

fn builder<'a>(question: &Question<'a>, record: &'a Record) -> Builder<'a> {
    let Question { desired, record: (_, origins), live, scope, kept, command, .. } = *question;
    Builder::new(desired, (record, origins), live, (scope, kept), command)
}

/// That a difference may be of a run that came to no end, and no doing of others.
fn of_a_broken_run(question: &Question<'_>, changes: &[Change]) -> Option<Notice> {
    let begun = question.record.0.under_way.as_ref()?;
    let outside = changes.iter().filter(|change| !change.drift.is_empty());
    let addresses: Vec<String> = outside.map(|change| change.address.clone()).collect();
    let message = format!(
        "the last run, of {}, came to no end: what reads as changed outside may be its own half-done step",
        visible::text(&begun.plan)
    );
    (!addresses.is_empty()).then(|| Notice::note(message, addresses))
}

fn finished(question: &Question<'_>, builder: Builder<'_>, access: Vec<model::Access>) -> Plan {
    let (quotas, authority) = (builder.quotas(question.at), builder.authority());
    let Builder { mut changes, operations, mut notices, ids, names, .. } = builder;
    notices.extend(of_a_broken_run(question, &changes));
    changes.sort_by(|a, b| a.address.cmp(&b.address));
    let named = mentioned(&changes, &operations);
    let live = question.live;
    let center = live.center.as_ref();
    Plan {
        command: match question.command {
            Command::Apply => "apply".to_owned(),
            Command::Destroy => "destroy".to_owned(),
        },
        source: question.desired.source.clone(),
        at: question.at,
        only: question.scope.only.clone(),
        except: question.scope.except.clone(),
        target: Target {
            cloud: question.cloud.to_owned(),
            organization: live.organization.as_ref().map(|found| found.id.clone()).unwrap_or_default(),
            management_account: live
                .organization
                .as_ref()
                .map(|found| found.management_account.clone())
                .unwrap_or_default(),
            // Nobody looked for it, and nothing says which it is: it has none.
            instance: center.map(|center| center.arn.clone()).filter(|arn| !arn.is_empty()),
            identity_store: center.map(|center| center.store.clone()),
            roles: question.desired.org.roles(),
            registry: question.registry.clone(),
            serial: question.record.0.serial,
        },
        limits: question.limits,
        cost: cost::of(&operations, question.limits, quotas),
        ids: ids.into_iter().filter(|(address, _)| named.contains(address)).collect(),
        names: names.into_iter().filter(|(address, _)| named.contains(address)).collect(),
        changes,
        operations,
        access,
        review: None,
        notices,
        authority,
        // Of a part of the program it would say too much.
        unapplied: if question.scope.is_whole() { question.desired.unapplied.clone() } else { Vec::new() },
        memberships: live.memberships.clone(),
        entered: entered(live),
        reading: reading(&live.reading),
        rest_of: None,
        saved_as: None,
    }
}

/// Ids of the accounts that were entered to read what is in them.
fn entered(live: &Live) -> BTreeSet<String> {
    let stacks = live.stacks.keys().map(|place| place.account.clone());
    stacks.chain(live.repositories.keys().map(|(account, _)| account.clone())).collect()
}

/// The addresses that changes and operations speak of: only their ids have a place in the plan.
fn mentioned(changes: &[Change], operations: &[model::Operation]) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = BTreeSet::new();
    for change in changes {
        all.insert(change.address.clone());
        all.extend(change.address.split('/').skip(1).map(str::to_owned));
        all.extend(identity::set_of_assignment(&change.address));
        all.extend(identity::policy_of_attachment(&change.address));
    }
    for operation in operations {
        use model::Verb as V;
        match &operation.verb {
            V::Assign { set, principal, target } | V::Unassign { set, principal, target } => {
                all.extend([set.clone(), principal.clone(), target.clone()]);
            }
            V::AttachPolicy { policy, target } | V::DetachPolicy { policy, target } => {
                all.extend([policy.clone(), target.clone()]);
            }
            V::CreateUnit { parent: to, .. } | V::MoveAccount { to } => _ = all.insert(to.clone()),
            V::EnablePolicies => _ = all.insert(desired::ROOT.to_owned()),
            V::CreatePolicy { content, .. } | V::UpdatePolicy { content, .. } => {
                all.extend(later::accounts_in(content));
            }
            V::SetRepositoryPolicy { content, .. } => all.extend(later::accounts_in(content)),
            V::PutInlinePolicy { document } => all.extend(later::accounts_in(document)),
            V::Deploy(order) => _ = all.insert(order.cell.clone()),
            V::Undeploy { cell, .. } | V::PassBy { cell, .. } => _ = all.insert(cell.clone()),
            V::ProvisionIn { target } => _ = all.insert(target.clone()),
            V::DeployStack(order) => {
                all.extend(AccountOf::of_word(&order.account).address().map(str::to_owned));
                all.extend(later::accounts_in(&order.template));
                all.extend(order.parameters.values().flat_map(later::accounts_in));
            }
            _ => {}
        }
    }
    all
}

/// How a plan says that the record took the cloud's place.
pub const UNREAD: &str = "nothing was read: the program was compared with the record alone";

/// How a plan says that it did not see everybody.
const UNSEEN: &str = "those of others were not looked for";

fn reading(reading: &Reading) -> String {
    match reading {
        Reading::Nothing => "no assignments were read: no permission set that exists is in question".to_owned(),
        Reading::ByPair { pairs } => {
            format!(
                "assignments were read by pair ({pairs} of account and permission set): those of everybody were seen"
            )
        }
        Reading::ByPrincipal { principals } => format!(
            "assignments were read by principal ({principals} of the program and the record): {UNSEEN}; `cellc drift` does"
        ),
        Reading::Scoped { pairs } => format!("only the assignments of what is selected were read ({pairs} pairs)"),
    }
}

/// An account stands for one cell or account of the program, and for one entry of the record: what one of them loses the
/// other would lose, too.
fn one_account_twice(desired: &Desired, record: &Record, live: &Live) -> Vec<Fault> {
    let wanted =
        |address: &String| desired.resources.get(address).filter(|wanted| wanted.kind == ResourceKind::Account);
    let known = identity::accounts(desired, record, live);
    let recorded = record
        .resources
        .iter()
        .filter(|(address, entry)| entry.kind == "account" && !entry.id.is_empty() && !address.ends_with(FORMER));
    let by_program = known.iter().filter(|(address, _)| wanted(address).is_some());
    let by_record = recorded.map(|(address, entry)| (address, &entry.id));
    let mut pairs: BTreeSet<(&String, &String, &String)> = BTreeSet::new();
    for all in [by_program.collect::<Vec<_>>(), by_record.collect()] {
        let mut first: BTreeMap<&String, &String> = BTreeMap::new();
        for (address, id) in all {
            if let Some(other) = first.insert(id, address) {
                pairs.insert((other, address, id));
            }
        }
    }
    let fault = |(one, other, id): (&String, &String, &String)| {
        let place = |address: &String| wanted(address).and_then(|wanted| wanted.sources.first());
        Fault::new(Code::SameAccountId, format!("`{one}` and `{other}` stand for one account, {id}"))
            .at(place(other), format!("{other} is this account"))
            .at(place(one), format!("{one} is, too"))
            .help("give one of them another `account_id`; where one took the other's place, write `moved { from = …, to = … }`")
    };
    pairs.into_iter().map(fault).collect()
}

/// `--only` and `--except` name what is there.
fn unknown_addresses(desired: &Desired, record: &Record, kept: &BTreeMap<String, Kept>, scope: &Scope) -> Vec<Fault> {
    let wanted = desired.releases.values().filter(|wish| wish.is_component());
    let wanted = wanted.flat_map(|wish| wish.cells.keys().map(|cell| wish.address(cell)));
    let there = kept.iter().filter(|(of, _)| is_of_component(of));
    let there = there.flat_map(|(of, kept)| kept.book.occupied().into_keys().map(|cell| dossier::address(of, cell)));
    let deployments: Vec<String> = if scope.is_whole() { Vec::new() } else { wanted.chain(there).collect() };
    let mut known: BTreeSet<&str> = desired.resources.keys().map(String::as_str).collect();
    known.extend(desired.stacks.keys().map(String::as_str));
    known.extend(desired.releases.keys().map(String::as_str));
    known.extend(deployments.iter().map(String::as_str));
    known.extend(record.resources.keys().map(String::as_str));
    known.extend(desired.cells.keys().map(String::as_str));
    known.extend(desired.expired_cells.keys().map(String::as_str));
    known.extend(desired.principals.keys().map(String::as_str));
    known.extend(desired.resources.values().flat_map(|wanted| &wanted.sources).map(|place| place.entity.as_str()));
    let fault = |address: &str| {
        let near = nearest(address, known.iter().copied(), 3);
        let mut fault =
            Fault::new(Code::UnknownAddress, format!("`{address}` is no address of the program or the record"));
        if address.split('.').rev().nth(1) == Some("grant") {
            fault = fault.help("the record does not say by which grant something was given: of one that the program has no more, name the permission set, the principal or the cell");
        }
        if near.is_empty() {
            return fault.help("`cellc expand` prints all addresses");
        }
        fault.help(format!(
            "did you mean {}?",
            near.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
        ))
    };
    scope.unknown(&known).into_iter().map(fault).collect()
}
