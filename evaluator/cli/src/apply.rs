//! `cellc apply` and `cellc destroy`: plan, show, ask, run. Owns consent: brakes, the question, a saved plan that must
//! still be true; and the lock around it all.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cell_eval::access::model::{Holds, Row, Verdict};
use cell_eval::apply::journal::Journal;
use cell_eval::apply::journal::NOT_DROPPED;
use cell_eval::apply::published;
use cell_eval::apply::receipt::{Ending, Receipt};
use cell_eval::apply::{Run as Running, Watcher, publish};
use cell_eval::plan::model::Plan;
use cell_eval::plan::part::part;
use cell_eval::plan::scope::Scope;
use cell_eval::plan::{Command, file, stale};
use cell_eval::provider::Clock as _;
use cell_eval::registry::record::{Principal, Record};
use cell_eval::registry::store::{Lease, Owner, StoreError};
use cell_eval::releases::Desk;
use cell_eval::releases::clerk::Clerk;
use cell_eval::words::{counted, first_of};
use cell_lang::diagnostics::{Code, Diagnostic};

use crate::args::{ApplyArgs, CloudArgs, ConsentArgs, DestroyArgs, Format};
use crate::cloud::Purpose;
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::progress::{Progress, while_asking};
use crate::receipts;
use crate::rollout::{self, Hands};
use crate::session::{self, Session, finding, say, store_finding};
use crate::{plan as plans, signals};

/// What is done about a plan that is stale.
const ANEW: &str = "`cellc plan` makes a new one; review what is different";
/// Reasons for which a plan is stale that are told.
const TOLD: usize = 10;
/// Addresses that a brake names.
const NAMED: usize = 3;
/// How often a lock is renewed while somebody reads and answers.
const RENEWAL: Duration = Duration::from_secs(15);

/// Runs `apply`.
pub(crate) fn run(args: &ApplyArgs, output: &Output) -> Status {
    output.run(&args.program, |run| {
        let Some(path) = &args.plan else {
            let at = args.scope.at;
            let ask = |session: &Session<'_>, record: &Record| {
                Ok(session.plan(record, &session::scope(&args.scope), Command::Apply, true)?.into())
            };
            return changed(run, output, &args.cloud, at, "apply", &args.consent, &ask);
        };
        let saved = match plans::to_run(path, output) {
            Ok(plan) => plan,
            Err(status) => return status,
        };
        let at = Some(saved.at);
        let ask = |session: &Session<'_>, record: &Record| still_true(session, record, &saved, output);
        changed(run, output, &args.cloud, at, "apply", &args.consent, &ask)
    })
}

/// Runs `destroy`.
pub(crate) fn destroy(args: &DestroyArgs, output: &Output) -> Status {
    output.run(&args.program, |run| {
        let ask = |session: &Session<'_>, record: &Record| {
            session.plan(record, &session::scope(&args.scope), Command::Destroy, true)
        };
        if args.policy {
            let session = Session::open(run, output, &args.cloud, args.scope.at, Purpose::Look);
            let plan = session.and_then(|session| ask(&session, &session.load()?.record));
            return plan.map_or_else(|status| status, |plan| plans::policies(&plan));
        }
        let ask = |session: &Session<'_>, record: &Record| Ok(ask(session, record)?.into());
        changed(run, output, &args.cloud, args.scope.at, "destroy", &args.consent, &ask)
    })
}

/// What is to be run.
pub(crate) struct Asked {
    /// The plan.
    plan: Plan,
    /// Could all that it is about be read just now?
    whole: bool,
}

impl From<Plan> for Asked {
    fn from(plan: Plan) -> Self {
        Self { whole: plan.is_of_all(), plan }
    }
}

/// What makes the plan, under the lock.
pub(crate) type Ask<'s> = &'s dyn Fn(&Session<'_>, &Record) -> Result<Asked, Status>;

/// Connects, locks, plans, shows, asks, runs.
pub(crate) fn changed(
    run: &Run<'_>,
    output: &Output,
    cloud: &CloudArgs,
    at: Option<jiff::Timestamp>,
    command: &'static str,
    consent: &ConsentArgs,
    ask: Ask<'_>,
) -> Status {
    let session = Session::open(run, output, cloud, at, Purpose::Change);
    let session = match session
        .and_then(|session| if command == "apply" { session.without_expired(run) } else { Ok(session) })
    {
        Ok(session) => session,
        Err(status) => return status,
    };
    let owner = owner(command, session.connection.clock.now());
    let store = session.connection.store.as_ref();
    // From here on a signal does not end the process: a lease that is just being taken would outlive it.
    signals::stop();
    let lease = match while_asking(&store.place(), output, || store.lock(&owner)) {
        Ok(lease) => lease,
        Err(error) => return say(output, &store_finding(&error)),
    };
    let status = locked(&session, output, &lease, consent, ask).unwrap_or_else(|status| status);
    match session.connection.store.unlock(&lease) {
        // The lock was lost, which is told where it mattered.
        Ok(()) | Err(StoreError::LockLost(_)) => status,
        Err(error) => {
            say(output, &store_finding(&error));
            Status::Failed
        }
    }
}

fn locked(
    session: &Session<'_>,
    output: &Output,
    lease: &Lease,
    consent: &ConsentArgs,
    ask: Ask<'_>,
) -> Result<Status, Status> {
    let connection = &session.connection;
    let Asked { plan, whole } = kept(session, lease, || {
        let loaded = session.load()?;
        let asked = ask(session, &loaded.record)?;
        let plan = &asked.plan;
        if output.format == Format::Text {
            output::result(Format::Text, &plans::shown(plan, consent.verbose, output));
        }
        of_another_day(session, plan, output);
        brakes(plan, consent, output)?;
        approved(plan, consent, output)?;
        confirm(plan, consent, output)?;
        Ok(asked)
    })?;
    let journal = Journal::open(connection.store.as_ref(), connection.clock.as_ref(), lease.clone())
        .map_err(|error| session.unreadable(&error))?;
    if journal.with(|record| record.serial) != plan.target.serial {
        // Only the journal of a run that had not ended was folded in: the plan was made of the same record.
        output.remark("the record of an earlier run was completed first");
    }
    let cells = journal.with(|record| published::cells(&plan, &session.subject.desired.published, record));
    if plan.operations.is_empty() {
        publish(&journal, &plan, &cells).map_err(|error| say(output, &not_recorded(&error.to_string())))?;
        return Ok(draining(session, nothing(&plan, whole, output)));
    }
    let stop = signals::stop();
    let progress = Progress::new(&plan, output);
    let beside = session.own.parent().unwrap_or(&session.own).to_owned();
    let hands = Hands::new(session, &beside, stop, false);
    let clerk = Clerk {
        desk: Desk::new(connection.store.as_ref()),
        targets: &hands,
        clock: connection.time.as_ref(),
        who: lease.owner.who.clone(),
    };
    let running = Running {
        provider: connection.provider.as_ref(),
        clock: connection.clock.as_ref(),
        journal: &journal,
        plan: &plan,
        plan_id: file::plan_id(&plan),
        program: session.subject.desired.digest(),
        principals: principals(session, &plan),
        cells,
        clerk: Some(&clerk),
        stop,
        watcher: &progress as &dyn Watcher,
    };
    let receipt = running.run();
    progress.finish();
    Ok(draining(session, told((&plan, whole), &receipt, session, output)))
}

/// Tells rollouts under way which cells are drained.
fn draining(session: &Session<'_>, status: Status) -> Status {
    match rollout::tell_draining(session) {
        Ok(()) => status,
        Err(error) => {
            let message = format!("rollouts under way were not told which cells are drained: {error}");
            say(session.output, &finding(Code::RolloutFailed, message).help("run again"))
        }
    }
}

/// There is nothing to do.
fn nothing(plan: &Plan, whole: bool, output: &Output) -> Status {
    let shown = match output.format {
        Format::Json => output::stream(Format::Json, |mut out| file::write(plan, &mut out)),
        Format::Text => Status::Done,
    };
    of_all(shown, whole, output)
}

/// Done, unless nobody can say so: where not all could be read there may be more to do.
fn of_all(status: Status, whole: bool, output: &Output) -> Status {
    if whole || status != Status::Done {
        return status;
    }
    output.remark("not all could be read, so that there may be more to do: the plan says what was left alone");
    Status::May
}

fn told((plan, whole): (&Plan, bool), receipt: &Receipt, session: &Session<'_>, output: &Output) -> Status {
    let path = receipts::save(receipt, &session.own);
    let shown = match output.format {
        Format::Json => output::result(Format::Json, &receipts::json(receipt)),
        Format::Text => output::result(Format::Text, &receipts::text(receipt, plan, path.as_ref().ok())),
    };
    let status = match receipt.ending {
        Ending::Done => of_all(shown, whole, output),
        Ending::Failed => say(output, &receipts::failed(receipt)),
        Ending::Interrupted => {
            if receipt.failed().next().is_some() {
                say(output, &receipts::failed(receipt));
            }
            say(
                output,
                &finding(Code::Interrupted, "the run was told to stop, and began nothing more".to_owned())
                    .help("run again, a saved plan as well: what was done stays done"),
            )
        }
        Ending::NotRecorded => {
            let why = receipt.reason.as_deref().unwrap_or("it cannot be written");
            say(output, &not_recorded(why))
        }
    };
    match path {
        Ok(_) => status,
        Err(error) => say(output, &not_kept(receipt, &error)),
    }
}

fn not_kept(receipt: &Receipt, error: &io::Error) -> Diagnostic {
    let kept = if receipt.ending == Ending::NotRecorded { "" } else { "; the record has what was done" };
    finding(Code::ReceiptNotKept, format!("the receipt could not be kept: {error}"))
        .help(format!("it was printed, and that is all there is of it{kept}; make room before the next run"))
}

/// What to do about a journal that is left.
pub(crate) const UNDROPPED: &str =
    "mend that: what is left of the journal changes nothing, and the next run that changes something drops it first";

fn not_recorded(why: &str) -> Diagnostic {
    if why.starts_with(NOT_DROPPED) {
        return finding(Code::RecordNotWritten, why.to_owned()).help(UNDROPPED);
    }
    let message = format!("the record could not be written, and nothing more was begun: {why}");
    finding(Code::RecordNotWritten, message)
        .help("mend that and run again, a saved plan as well: the next run reads what is there and takes it over")
}

/// Keeps the lock while something takes its time.
fn kept<T>(session: &Session<'_>, lease: &Lease, work: impl FnOnce() -> Result<T, Status>) -> Result<T, Status> {
    let (over, stop) = (AtomicBool::new(false), signals::stop());
    let lost: std::sync::Mutex<Option<StoreError>> = std::sync::Mutex::new(None);
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut waited = Duration::ZERO;
            let tick = Duration::from_millis(50);
            while !over.load(Ordering::Relaxed) {
                if stop.load(Ordering::Relaxed) {
                    leave(session, lease);
                }
                std::thread::sleep(tick);
                waited += tick;
                if waited >= RENEWAL {
                    waited = Duration::ZERO;
                    if let Err(error) = session.connection.store.renew(lease) {
                        *lost.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
                    }
                }
            }
        });
        let result = work();
        over.store(true, Ordering::Relaxed);
        result
    });
    match lost.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(error) if result.is_ok() => Err(say(session.output, &store_finding(&error))),
        _ => result,
    }
}

/// Somebody wants the run to stop before anything was begun: the lock is given back, and the process leaves, whatever it waits for.
fn leave(session: &Session<'_>, lease: &Lease) -> ! {
    let stopped = finding(Code::Interrupted, "told to stop before anything was begun; nothing was done".to_owned());
    say(session.output, &stopped);
    if let Err(error) = session.connection.store.unlock(lease) {
        say(session.output, &store_finding(&error));
    }
    std::process::exit(1)
}

/// Says that expiry was judged for a day that is over, where something is given.
fn of_another_day(session: &Session<'_>, plan: &Plan, output: &Output) {
    let days = session.connection.clock.now().duration_since(plan.at).as_hours() / 24;
    if days > 0 && plan.access.iter().any(|row| !row.gained.is_empty()) {
        let ago = counted(usize::try_from(days).unwrap_or_default(), "day");
        output.remark(&format!(
            "the plan is of {}, {ago} ago: what has expired since then is given all the same",
            plan.at.strftime("%Y-%m-%d %H:%MZ")
        ));
    }
}

/// A plan that is braked is refused, unless each brake is let go by name.
fn brakes(plan: &Plan, consent: &ConsentArgs, output: &Output) -> Result<(), Status> {
    let allowed = |kind: &str| consent.allow.iter().any(|brake| brake.name() == kind);
    let held: Vec<_> = plan.brakes().filter(|notice| !notice.allow.as_deref().is_some_and(allowed)).collect();
    for notice in &held {
        let kind = notice.allow.as_deref().unwrap_or_default();
        let mut message = notice.message.clone();
        if !notice.addresses.iter().all(|address| message.contains(address)) {
            message.push_str(&format!(": {}", first_of(&notice.addresses, NAMED)));
        }
        say(output, &finding(Code::Braked, message).help(format!("if this is meant: `--allow {kind}`")));
    }
    if held.is_empty() { Ok(()) } else { Err(Status::Failed) }
}

/// A plan that breaks a guard is refused; so is a change of access other than the one that was approved.
fn approved(plan: &Plan, consent: &ConsentArgs, output: &Output) -> Result<(), Status> {
    let Some(review) = &plan.review else { return Ok(()) };
    if review.verdict == Verdict::Broken {
        let broken: Vec<&str> = review
            .guards
            .iter()
            .filter(|guard| guard.holds == Holds::Broken)
            .map(|guard| guard.guard.as_str())
            .collect();
        let message = format!("afterwards {} would be broken; nothing was done", broken.join(", "));
        let finding = finding(Code::BrokenGuard, message);
        return Err(say(output, &finding.help("`cellc review` shows who breaks it, and by which statements")));
    }
    if consent.approve.is_empty() || consent.approve.contains(&review.fingerprint) {
        return Ok(());
    }
    let yes = |row: &&Row| consent.approve.contains(&row.fingerprint) || row.waived.is_some();
    let others: Vec<&Row> = review.principals.iter().filter(|row| !yes(row)).collect();
    for row in &others {
        let message = format!("the change of access of {} in {} was not approved", row.principal, some(&row.cells));
        let help = format!("review it; `--approve {}` says yes to it", row.fingerprint);
        say(output, &finding(Code::NotApproved, message).help(help));
    }
    if others.is_empty() { Ok(()) } else { Err(Status::Failed) }
}

/// The first of some cells, and how many more.
fn some(cells: &[String]) -> String {
    match cells {
        [one] => one.clone(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        [] => "no cell".to_owned(),
    }
}

fn confirm(plan: &Plan, consent: &ConsentArgs, output: &Output) -> Result<(), Status> {
    if consent.yes || plan.operations.is_empty() {
        return Ok(());
    }
    let refuse = |message: &str| {
        let finding = finding(Code::NotConfirmed, message.to_owned());
        say(output, &finding.help("`--yes` says so beforehand; `cellc plan --out FILE` and `cellc apply --plan FILE --yes` run what was reviewed"))
    };
    if !io::stdin().is_terminal() {
        return Err(refuse("nobody is there to be asked: standard input is no terminal"));
    }
    // Who waits for the answer holds nothing: a signal has something to say meanwhile.
    let asked = {
        let mut error = io::stderr().lock();
        write!(error, "\nApply this plan? Only `yes` is taken: ").and_then(|()| error.flush())
    };
    let mut answer = String::new();
    let read = asked.and_then(|()| io::stdin().lock().read_line(&mut answer));
    match read {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        _ => Err(refuse("the plan was not confirmed; nothing was done")),
    }
}

/// What a saved plan means is planned anew, and run only if each of its changes still comes out the same; one that was begun is
/// finished.
fn still_true(session: &Session<'_>, record: &Record, saved: &Plan, output: &Output) -> Result<Asked, Status> {
    let scope = Scope { only: saved.only.clone(), except: saved.except.clone() };
    let now = session.plan(record, &scope, Command::Apply, true)?;
    let whole = now.is_of_all();
    if (&saved.target.cloud, &saved.target.organization) != (&now.target.cloud, &now.target.organization) {
        let message = format!(
            "the plan is for {} ({}), and this is {} ({})",
            saved.target.organization, saved.target.cloud, now.target.organization, now.target.cloud
        );
        return Err(say(output, &finding(Code::StalePlan, message).help(ANEW)));
    }
    let id = file::plan_id(saved);
    if record.finished.as_ref() == Some(&id) {
        let undone = stale::undone(saved, &now);
        if !undone.is_empty() {
            let told = format!("it was carried out already, and since then {}", some_of(&undone));
            return Err(say(output, &stale_plan(&told)));
        }
        output.remark("the plan was carried out already, and nothing has to be done again");
        left_for_the_next(saved, &now, output);
        return Err(nothing(&Plan { changes: Vec::new(), operations: Vec::new(), ..now }, whole, output));
    }
    let moved = stale::moved(saved, &now, record);
    if moved.is_empty() {
        left_for_the_next(saved, &now, output);
        // What the file has beside its changes was true when it was written, if it was not edited: what is run is made anew.
        let is_all = stale::new(saved, &now).next().is_none();
        let part = part(now, saved).map_err(|why| say(output, &stale_plan(&why)))?;
        let part = Plan { saved_as: Some(id), ..part };
        let plan = if is_all { part } else { session.reviewed(part, record)? };
        return Ok(Asked { plan, whole });
    }
    let Some(begun) = record.under_way.as_ref().filter(|begun| begun.plan == id) else {
        return Err(say(output, &stale_plan(&some_of(&moved))));
    };
    if begun.program != session.subject.desired.digest() {
        let asked = stale::asked_otherwise(saved, &now);
        let new =
            stale::new(saved, &now).map(|change| format!("to {} {} is new", change.action.word(), change.address));
        let all: Vec<String> = asked.into_iter().chain(new).collect();
        let of_what =
            if all.is_empty() { "what was done is not asked for any more".to_owned() } else { some_of(&all) };
        let told = format!("it was begun, and the program was changed since: {of_what}");
        return Err(say(output, &stale_plan(&told)));
    }
    let beyond = stale::beyond(saved, &now, record);
    if !beyond.is_empty() {
        let told = format!("it was begun, and what is left is not its rest: {}", some_of(&beyond));
        return Err(say(output, &stale_plan(&told)));
    }
    left_for_the_next(saved, &now, output);
    let rest = part(now, saved).map_err(|why| say(output, &stale_plan(&format!("it was begun, and {why}"))))?;
    let (left, all) = (rest.changes.len(), counted(saved.changes.len(), "change"));
    output.remark(&format!("the plan was run before and came to no end: {left} of {all} are left"));
    // What was approved is the whole.
    Ok(Asked { plan: Plan { rest_of: Some(id), review: saved.review.clone(), ..rest }, whole })
}

/// Says how many changes a saved plan leaves.
fn left_for_the_next(saved: &Plan, now: &Plan, output: &Output) {
    let more = stale::new(saved, now).count();
    if more > 0 {
        output.remark(&format!("not in the saved plan, and left for the next one: {}", counted(more, "change")));
    }
}

/// The first of some reasons, and how many more.
fn some_of(reasons: &[String]) -> String {
    let first = reasons.iter().take(TOLD).cloned().collect::<Vec<_>>().join("; ");
    let rest = if reasons.len() > TOLD { format!("; and {} more", reasons.len() - TOLD) } else { String::new() };
    first + &rest
}

fn stale_plan(why: &str) -> Diagnostic {
    finding(Code::StalePlan, format!("the plan is stale: {why}")).help(ANEW)
}

fn principals(session: &Session<'_>, plan: &Plan) -> std::collections::BTreeMap<String, Principal> {
    let known = |(address, wanted): (&String, &cell_eval::plan::desired::WantedPrincipal)| {
        let id = plan.ids.get(address)?.clone();
        Some((address.clone(), Principal { id, name: wanted.name.clone() }))
    };
    session.subject.desired.principals.iter().filter_map(known).collect()
}

/// Who holds the lock.
pub(crate) fn owner(command: &str, now: jiff::Timestamp) -> Owner {
    let variable =
        |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let user = variable(&["USER", "LOGNAME", "USERNAME"]).unwrap_or_else(|| "somebody".to_owned());
    let host = variable(&["HOSTNAME", "COMPUTERNAME"])
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned()))
        .unwrap_or_else(|| "somewhere".to_owned());
    let process = std::process::id();
    let run = format!("{}-{process:x}", now.strftime("%Y%m%dT%H%M%SZ"));
    Owner { run, who: format!("{user}@{host}"), process, command: command.to_owned(), since: now }
}
