//! The wire format of plans: how a plan is written to a file and read back. Owns the version, the digest and what a
//! file must satisfy to be believed; what a plan means is [`super::model`]'s.
//!
//! INVARIANT: the bytes depend on the plan alone. The digest covers all of them but the line that holds it, so that
//! a file reads as the plan that was written, or not at all. It finds accidents and edits; it is no signature.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::model::{
    Access, Authority, Change, Cost, Limits, Memberships, Notice, Operation, OperationId, Plan, Summary, Target,
    Unapplied, Verb,
};
use crate::access::model::Review;
use crate::terminal::visible;

/// Major and minor: a new minor adds, a new major changes.
pub const FORMAT_VERSION: &str = "1.5";

/// Bytes of a plan file, at most.
pub const MAX_BYTES: usize = 256 << 20;

/// Bytes of an address or of the name of a file, at most.
const MAX_NAME: usize = 4_096;

/// Bytes of the plan's digest that its id shows, as two digits each.
const ID_BYTES: usize = 16;

/// Why a file is not taken for a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFileError {
    /// It is too large.
    #[error("the plan file has {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// It is something else.
    #[error("this is no plan file: {0}")]
    NotAPlan(String),
    /// Another major.
    #[error("the plan file has format {0}, and this cellc reads {FORMAT_VERSION}; plan again")]
    Version(String),
    /// The digest is another.
    #[error("the plan file was changed after it was written; plan again")]
    Changed,
    /// The digest is right, and yet it contradicts itself.
    #[error("the plan file makes no sense: {0}")]
    Broken(String),
}

/// The plan's id: the digest of what [`write`] writes, without the line of the id; of one that was made anew to run a saved one,
/// that one's.
pub fn plan_id(plan: &Plan) -> String {
    if let Some(id) = &plan.saved_as {
        return id.clone();
    }
    let mut digest = Hash(Sha256::new());
    // INVARIANT: a hash takes every byte, and no part of a plan has a key that is not text.
    let _ = first_line(&mut digest).and_then(|()| body(plan, &mut digest));
    id_of(digest.0)
}

/// Takes what is written.
struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn id_of(digest: Sha256) -> String {
    let hash = digest.finalize();
    let digits: Vec<String> = hash.iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("plan-{}", digits.concat())
}

/// Writes the plan: a line for each change, each operation, and each of whatever else there are many.
pub fn write(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    first_line(out)?;
    writeln!(out, "\"plan_id\":\"{}\",", plan_id(plan))?;
    body(plan, out)
}

fn first_line(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{{\"format_version\":\"{FORMAT_VERSION}\",")
}

fn body(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    one("command", &plan.command, out)?;
    one("source", &plan.source, out)?;
    one("at", &plan.at, out)?;
    one("only", &plan.only, out)?;
    one("except", &plan.except, out)?;
    one("target", &plan.target, out)?;
    one("limits", &plan.limits, out)?;
    one("summary", &plan.summary(), out)?;
    list("changes", &plan.changes, out)?;
    list("operations", &plan.operations, out)?;
    list("access", &plan.access, out)?;
    if let Some(review) = &plan.review {
        one("review", review, out)?;
    }
    list("findings", &plan.notices, out)?;
    list("authority", &plan.authority, out)?;
    one("cost", &plan.cost, out)?;
    list("unapplied", &plan.unapplied, out)?;
    map("ids", &plan.ids, out)?;
    map("names", &plan.names, out)?;
    if let Some(memberships) = &plan.memberships {
        one("memberships", memberships, out)?;
    }
    if !plan.entered.is_empty() {
        one("entered", &plan.entered, out)?;
    }
    writeln!(out, "\"reading\":{}\n}}", json(&plan.reading)?)
}

fn json(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string(value)?)
}

fn one(name: &str, value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\"{name}\":{},", json(value)?)
}

fn list<T: Serialize>(name: &str, items: &[T], out: &mut impl Write) -> io::Result<()> {
    lines(name, ['[', ']'], items.iter().map(json), out)
}

fn map(name: &str, entries: &BTreeMap<String, String>, out: &mut impl Write) -> io::Result<()> {
    let entry = |(key, value): (&String, &String)| Ok(format!("{}:{}", json(key)?, json(value)?));
    lines(name, ['{', '}'], entries.iter().map(entry), out)
}

fn lines(
    name: &str,
    [open, close]: [char; 2],
    items: impl Iterator<Item = io::Result<String>>,
    out: &mut impl Write,
) -> io::Result<()> {
    write!(out, "\"{name}\":{open}")?;
    for (at, item) in items.enumerate() {
        write!(out, "{}\n{}", if at == 0 { "" } else { "," }, item?)?;
    }
    writeln!(out, "{close},")
}

/// What every format since the first has.
#[derive(Deserialize)]
struct Header {
    format_version: String,
}

/// What a file holds. Fields that a newer minor adds are passed over.
#[derive(Deserialize)]
struct Wire {
    command: String,
    source: String,
    at: jiff::Timestamp,
    only: Vec<String>,
    except: Vec<String>,
    target: Target,
    limits: Limits,
    summary: Summary,
    changes: Vec<Change>,
    operations: Vec<Operation>,
    access: Vec<Access>,
    #[serde(default)]
    review: Option<Review>,
    findings: Vec<Notice>,
    authority: Vec<Authority>,
    cost: Cost,
    unapplied: Vec<Unapplied>,
    ids: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
    #[serde(default)]
    memberships: Option<Memberships>,
    #[serde(default)]
    entered: BTreeSet<String>,
    reading: String,
}

/// Reads a plan back. Whatever the bytes are, the answer is the plan that was written, or why it is none.
pub fn parse(bytes: &[u8]) -> Result<Plan, PlanFileError> {
    if bytes.len() > MAX_BYTES {
        return Err(PlanFileError::TooLarge(bytes.len()));
    }
    let header: Header = serde_json::from_slice(bytes).map_err(|error| not_a_plan(&error))?;
    if !is_readable(&header.format_version) {
        return Err(PlanFileError::Version(visible::text(&header.format_version)));
    }
    if !is_as_written(bytes) {
        return Err(PlanFileError::Changed);
    }
    let wire: Wire = serde_json::from_slice(bytes).map_err(|error| not_a_plan(&error))?;
    let summary = wire.summary;
    let plan = plan_of(wire);
    if summary != plan.summary() {
        return Err(broken("its summary is not that of its changes"));
    }
    operations_are_sound(&plan)?;
    addresses_are_sound(&plan)?;
    Ok(plan)
}

fn not_a_plan(error: &serde_json::Error) -> PlanFileError {
    PlanFileError::NotAPlan(visible::text(&error.to_string()))
}

fn broken(why: impl Into<String>) -> PlanFileError {
    PlanFileError::Broken(why.into())
}

/// Is it of this major?
fn is_readable(version: &str) -> bool {
    let major = |version: &str| version.split_once('.').map(|(major, _)| major.to_owned());
    let minor_is_number = version.split_once('.').is_some_and(|(_, minor)| minor.parse::<u32>().is_ok());
    minor_is_number && major(version) == major(FORMAT_VERSION)
}

/// Does the second line hold the digest of the others?
fn is_as_written(bytes: &[u8]) -> bool {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let (Some(first), Some(second), Some(rest)) = (lines.next(), lines.next(), lines.next()) else { return false };
    let mut digest = Sha256::new();
    digest.update(first);
    digest.update(b"\n");
    digest.update(rest);
    second == format!("\"plan_id\":\"{}\",", id_of(digest)).as_bytes()
}

fn plan_of(wire: Wire) -> Plan {
    Plan {
        command: wire.command,
        source: wire.source,
        at: wire.at,
        only: wire.only,
        except: wire.except,
        target: wire.target,
        limits: wire.limits,
        ids: wire.ids,
        names: wire.names,
        changes: wire.changes,
        operations: wire.operations,
        access: wire.access,
        review: wire.review,
        notices: wire.findings,
        authority: wire.authority,
        cost: wire.cost,
        unapplied: wire.unapplied,
        memberships: wire.memberships,
        entered: wire.entered,
        reading: wire.reading,
        rest_of: None,
        saved_as: None,
    }
}

/// An operation's id is its place; it waits for earlier ones only; changes name operations that exist.
fn operations_are_sound(plan: &Plan) -> Result<(), PlanFileError> {
    for (place, operation) in plan.operations.iter().enumerate() {
        let OperationId(id) = operation.id;
        if id as usize != place {
            return Err(broken(format!("operation {id} is at place {place}")));
        }
        if let Some(OperationId(other)) = operation.needs.iter().find(|other| **other >= operation.id) {
            return Err(broken(format!("operation {id} waits for operation {other}, which is not before it")));
        }
    }
    for change in &plan.changes {
        if let Some(OperationId(id)) = change.operations.iter().find(|id| plan.operation(**id).is_none()) {
            let address = visible::text(&change.address);
            return Err(broken(format!("the change of {address} names operation {id}, which does not exist")));
        }
    }
    Ok(())
}

fn addresses_are_sound(plan: &Plan) -> Result<(), PlanFileError> {
    let sound = |address: &String| sound(address);
    plan.only.iter().chain(&plan.except).try_for_each(sound)?;
    for change in &plan.changes {
        sound(&change.address)?;
        change.from.iter().try_for_each(sound)?;
        for place in &change.sources {
            sound(&place.entity)?;
            shown(&place.file)?;
        }
    }
    for operation in &plan.operations {
        sound(&operation.address)?;
        named_by(&operation.verb).into_iter().try_for_each(sound)?;
    }
    for access in &plan.access {
        let targets = access.gained.iter().chain(&access.lost).chain(&access.new_targets);
        targets.chain([&access.principal, &access.permission_set]).try_for_each(sound)?;
    }
    plan.notices.iter().flat_map(|notice| &notice.addresses).try_for_each(sound)?;
    plan.ids.keys().chain(plan.names.keys()).try_for_each(sound)
}

/// The addresses that a write names.
fn named_by(verb: &Verb) -> Vec<&String> {
    match verb {
        Verb::CreateUnit { parent, .. } => vec![parent],
        Verb::MoveAccount { to } => vec![to],
        Verb::AttachPolicy { policy, target } | Verb::DetachPolicy { policy, target } => vec![policy, target],
        Verb::Assign { set, principal, target } | Verb::Unassign { set, principal, target } => {
            vec![set, principal, target]
        }
        Verb::DeployStack(order) => vec![&order.account],
        Verb::Deploy(order) => vec![&order.wish.of, &order.cell],
        Verb::Undeploy { of, cell, .. } | Verb::PassBy { of, cell } => vec![of, cell],
        Verb::ProvisionIn { target } => vec![target],
        Verb::Readdress { from } => vec![from],
        _ => Vec::new(),
    }
}

/// An address is one word or several with single slashes between them, and nothing in it that a reader cannot see.
fn sound(address: &str) -> Result<(), PlanFileError> {
    shown(address)?;
    if address.trim() != address || address.split('/').any(str::is_empty) {
        return Err(broken(format!("the address `{}` is not well formed", visible::text(address))));
    }
    Ok(())
}

/// The name of a thing or a place is there, not endless, and all of it is shown.
fn shown(name: &str) -> Result<(), PlanFileError> {
    let fault = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_NAME {
        "is too long"
    } else if name.chars().any(visible::is_hidden) {
        "has characters that are not shown"
    } else {
        return Ok(());
    };
    Err(broken(format!("the name `{}` {fault}", visible::text(name))))
}
