//! `cellc registry rebuild`: a record that was lost is made anew from the marks that applies leave and from what is there.
//! Owns that a record that is there is never written over, and what is said of it instead; one that lacks something and
//! is right else is made whole.

use std::collections::BTreeSet;

use cell_eval::existing::taking::{self, Claims};
use cell_eval::live::Survey;
use cell_eval::plan::model::{Notice, Plan};
use cell_eval::plan::{identity, other_organization};
use cell_eval::registry::record::{Entry, Record};
use cell_eval::releases::Desk;
use cell_eval::releases::wishes::VERSION_TAG;
use cell_eval::terminal::visible::name as visible;
use cell_eval::words::counted;
use cell_lang::diagnostics::Code;

use crate::adopt;
use crate::apply::changed;
use crate::args::RebuildArgs;
use crate::exit::Status;
use crate::output::Output;
use crate::session::{Session, finding, say};

/// Addresses that are named one by one.
const NAMED: usize = 8;

/// Runs the command.
pub(super) fn run(args: &RebuildArgs, output: &Output) -> Status {
    output.run(&args.registry.program, |run| {
        let ask = |session: &Session<'_>, record: &Record| rebuilt(session, record, output).map(Into::into);
        changed(run, output, &args.registry.cloud, None, "rebuild", &args.consent, &ask)
    })
}

fn rebuilt(session: &Session<'_>, record: &Record, output: &Output) -> Result<Plan, Status> {
    let desired = &session.subject.desired;
    let live = session.survey(Survey::Marks)?;
    let marks = |base: &Record| taking::by_mark(desired, base, &live, session.at);
    let mut claims = marks(&Record::default());
    if !record.resources.is_empty() || !record.parked.is_empty() {
        // Without a snapshot all that is there is the journal of a run that ended before its time. One that ended after
        // it was folded left a part of what is marked. This run goes on from either.
        let differs = Differs::of(record, &claims);
        if record.serial != 0 && !differs.is_part() {
            let place = session.connection.store.place();
            let foreign = other_organization(desired, (record, &place), &live);
            if !foreign.is_empty() {
                return Err(session.faults(&foreign));
            }
            return Err(refused(session, record, &differs, output));
        }
        claims = marks(record);
    }
    // Stacks have no list by mark: those of the program are looked for by their names, and are ours by their marks.
    let takes = |address: &str| is_of(&claims, address) || desired.stacks.contains_key(address);
    let mut plan = adopt::taken(session, &claims, &takes)?;
    "rebuild".clone_into(&mut plan.command);
    plan.notices.extend(without_books(session, output)?);
    Ok(plan)
}

/// The components of which no book says what their cells have: no mark does, either.
fn without_books(session: &Session<'_>, output: &Output) -> Result<Option<Notice>, Status> {
    let books = Desk::new(session.connection.store.as_ref()).names();
    let books = books.map_err(|error| say(output, &finding(Code::RecordUnreadable, error.to_string())))?;
    let components = session.subject.desired.releases.iter().filter(|(_, wish)| wish.is_component());
    let missing: Vec<String> = components.map(|(of, _)| of).filter(|of| !books.contains(of)).cloned().collect();
    let Some(first) = missing.first() else { return Ok(None) };
    let label = first.strip_prefix("component.").unwrap_or(first);
    let message = format!(
        "no book says what cells have of {}: where it runs, `cellc rollout start {label} VERSION` with the version that its stacks have as the tag `{VERSION_TAG}` writes the book; until then a release of it has nothing to go back to, and what goes with its cell stays in the account",
        missing.join(", ")
    );
    Ok(Some(Notice::note(message, missing)))
}

/// Is it something that is taken, or what a taken set or policy is given or attached as?
fn is_of(claims: &Claims, address: &str) -> bool {
    let owner = identity::set_of_assignment(address).or_else(|| identity::policy_of_attachment(address));
    claims.taken.contains(owner.as_deref().unwrap_or(address))
}

/// How a record differs from what is marked: the addresses.
struct Differs<'r> {
    /// They are marked, and not in it.
    lacking: Vec<&'r String>,
    /// They are in it, and not marked.
    unmarked: Vec<&'r String>,
    /// They are in it as another thing than the one that is marked.
    other: Vec<&'r String>,
    /// Accounts that are marked as parked, and are not so in it.
    parked: Vec<&'r String>,
}

impl<'r> Differs<'r> {
    fn of(record: &'r Record, claims: &'r Claims) -> Self {
        let same = |address: &&&String| {
            let id = |record: &Record| record.entry(address).map(|entry| entry.id.clone());
            id(record) == id(&claims.record)
        };
        let marked: BTreeSet<&String> = claims.taken.iter().collect();
        let told = |entry: &(&String, &Entry)| {
            matches!(entry.1.kind.as_str(), "ou" | "account" | "scp" | "permission_set") && *entry.0 != "parking"
        };
        let recorded: BTreeSet<&String> = record.resources.iter().filter(told).map(|(address, _)| address).collect();
        Self {
            lacking: marked.difference(&recorded).copied().collect(),
            unmarked: recorded.difference(&marked).copied().collect(),
            other: marked.intersection(&recorded).filter(|it| !same(it)).copied().collect(),
            parked: claims
                .parked
                .values()
                .map(|account| &account.id)
                .filter(|id| !record.parked.contains_key(*id))
                .collect(),
        }
    }

    /// Is the record right as far as it goes, and does it lack something?
    fn is_part(&self) -> bool {
        let lacks = !self.lacking.is_empty() || !self.parked.is_empty();
        lacks && self.unmarked.is_empty() && self.other.is_empty()
    }
}

/// Says how a record that is there differs from what would be made.
fn refused(session: &Session<'_>, record: &Record, differs: &Differs<'_>, output: &Output) -> Status {
    let place = session.connection.store.place();
    let lines = [
        ("not in it, and marked", &differs.lacking),
        ("in it, and not marked", &differs.unmarked),
        ("in it as another thing than the one that is marked", &differs.other),
        ("marked as parked, and not so in it", &differs.parked),
    ];
    for (what, all) in lines.iter().filter(|(_, all)| !all.is_empty()) {
        let more = all.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let shown: Vec<String> = all.iter().take(NAMED).map(|address| visible(address)).collect();
        output.remark(&format!("{what}: {}{more}", shown.join(", ")));
    }
    let differs =
        if lines.iter().all(|(_, all)| all.is_empty()) { "it agrees with the marks" } else { "it was left as it is" };
    let message = format!("{place} is there and holds {}; {differs}", counted(record.resources.len(), "resource"));
    let finding = finding(Code::RecordThere, message)
        .help("`cellc adopt` takes over what it lacks; `cellc drift` shows what was changed outside")
        .help("to make it anew all the same, move it away first");
    say(output, &finding)
}
