//! `cellc lock`: pins what a program takes from elsewhere. Owns the order of the steps and what is told; the lock's form
//! and the comparison are [`cell_eval::lock`]'s.
//!
//! Nothing is written before all of it is known, and then documents first, the lock after them, and what nothing needs
//! any more is removed last: the lock never names a document that is not there.

use std::collections::BTreeMap;

use cell_eval::access::pins::Pins;
use cell_eval::access::sides::Side;
use cell_eval::emit;
use cell_eval::live::{Depth, Reader};
use cell_eval::lock::policies::PolicyFile;
use cell_eval::lock::update::{Change, Seen, Update};
use cell_eval::lock::{LOCK_FILE, Lock};
use cell_eval::plan::desired::Desired;
use cell_eval::plan::moves;
use cell_eval::plan::scope::Scope;
use cell_eval::provider::{ManagedPolicy, Provider as _};
use cell_eval::words::counted;
use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::source::{FileId, Span};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use crate::args::{Cloud, Format, LockArgs};
use crate::cloud::Purpose;
use crate::exit::Status;
use crate::output::{Output, fail, result};
use crate::pipeline::Run;
use crate::session::{Session, no_policy};

/// Runs the command.
pub(crate) fn run(args: &LockArgs, output: &Output) -> Status {
    output.run(&args.program, |run| lock(run, args, output).unwrap_or_else(|status| status))
}

fn lock(run: &Run<'_>, args: &LockArgs, output: &Output) -> Result<Status, Status> {
    let former = run.read_lock()?;
    let mut lock = former.clone();
    let seen = run.packages()?;
    let changed = lock.pin(&seen, args.update);
    if !changed.is_empty() {
        return Err(run.lock_findings(&changed_files(&changed)));
    }
    let update = if args.update && !args.no_refresh {
        fetch(run, args, output, &mut lock)?
    } else {
        run.pins(&lock)?;
        Update::default()
    };
    let same = lock == former && update == Update::default();
    if !same {
        write(run, &lock, &update).map_err(|why| fail(&why))?;
    }
    Ok(result(
        output.format,
        &match (output.format, args.update && same) {
            (Format::Json, _) => document(&lock, seen.len(), &update.changes),
            (Format::Text, true) => String::new(),
            (Format::Text, false) => told(&lock, seen.len(), &update.changes),
        },
    ))
}

/// Reads the cloud for the policies, and takes them into the lock.
fn fetch(run: &Run<'_>, args: &LockArgs, output: &Output, lock: &mut Lock) -> Result<Update, Status> {
    let at = Timestamp::now();
    // A module says nothing of what it will be part of.
    let Some(wish) = run.subject_under(lock, at)? else { return Ok(Update::default()) };
    let (managed, organization) = if wish.0.desired.resources.is_empty() {
        (BTreeMap::new(), None)
    } else {
        let session = Session::connect(run, output, &args.cloud, at, wish, Purpose::Look)?;
        if args.cloud.cloud == Cloud::Sandbox {
            output.remark(
                "sandbox: its documents are not all that AWS's are; fetch those before a review relies on them",
            );
        }
        (managed(&session)?, Some(organization(&session)?))
    };
    let today = TimeZone::UTC.to_datetime(at).date();
    lock.update(&managed, organization.as_ref(), today, run.files()).map_err(|unfit| fail(&unfit.to_string()))
}

/// The managed policies that permission sets name, as AWS has them.
fn managed(session: &Session<'_>) -> Result<BTreeMap<String, ManagedPolicy>, Status> {
    let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
    for arn in named(&session.subject.desired) {
        match session.connection.provider.managed_policy(&arn).map_err(|error| session.cloud(&error))? {
            Some(policy) if says_something(&policy.document) => _ = found.insert(arn, policy),
            Some(_) => session.output.remark(&format!(
                "{arn} is not pinned: this {} has no document of it, and what it allows stays open",
                session.connection.name
            )),
            None => {
                let mut sets = session.subject.desired.resources.iter();
                let set = sets.find(|(_, wanted)| wanted.fields.values().any(|value| names(value, &arn)));
                let (address, place) =
                    set.map_or(("the program", None), |(address, wanted)| (address, wanted.sources.first()));
                missing.push(no_policy(&arn, place, address));
            }
        }
    }
    if missing.is_empty() { Ok(found) } else { Err(session.faults(&missing)) }
}

/// AWS's own policies that permission sets name, in order. Those of an account have no document that is the same in
/// every account, and are not pinned.
fn named(desired: &Desired) -> Vec<String> {
    let side = Side::of_program(desired, &|_| None);
    let all = Pins::default().missing(&side).into_iter();
    all.filter(|arn| PolicyFile::of_managed(arn).is_some()).collect()
}

fn names(value: &Json, arn: &str) -> bool {
    value == arn || value.as_array().is_some_and(|all| all.iter().any(|value| value == arn))
}

/// Has a document any statement? Each of AWS's has; a sandbox holds the place of those it does not know by one without.
fn says_something(document: &str) -> bool {
    let document: Json = serde_json::from_str(document).unwrap_or_default();
    document.get("Statement").is_some_and(|all| all.as_array().is_none_or(|all| !all.is_empty()))
}

/// The policies that others manage in the organization.
fn organization(session: &Session<'_>) -> Result<Seen, Status> {
    let loaded = session.load()?;
    let (record, _) = moves::follow(&session.subject.desired, &loaded.record);
    let reader = Reader {
        provider: session.connection.provider.as_ref(),
        clock: session.connection.time.as_ref(),
        desired: &session.subject.desired,
        record: &record,
        scope: &Scope::default(),
        depth: Depth::Plan,
        lanes: usize::try_from(session.subject.desired.org.limits.lanes).unwrap_or(1),
    };
    reader.foreign_policies().map_err(|error| session.cloud(&error))
}

fn write(run: &Run<'_>, lock: &Lock, update: &Update) -> Result<(), String> {
    let files = run.files();
    let failed = |name: &str, why: String| format!("{name} cannot be written: {why}");
    for (file, text) in &update.write {
        files.write_below(file.as_str(), text).map_err(|why| failed(file.as_str(), why))?;
    }
    if !lock.is_empty() || files.has(LOCK_FILE) {
        let text = lock.to_text().map_err(|error| error.to_string())?;
        files.write(LOCK_FILE, &text).map_err(|why| failed(LOCK_FILE, why))?;
    }
    for file in &update.remove {
        files.remove(file.as_str()).map_err(|why| format!("{file} cannot be removed: {why}"))?;
    }
    Ok(())
}

/// What changed, and how much is pinned.
fn told(lock: &Lock, files: usize, changes: &[Change]) -> String {
    let lines: Vec<String> = changes.iter().map(|change| format!("{change}\n")).collect();
    let mut text = lines.concat();
    let mut parts = Vec::new();
    parts.extend((files > 0).then(|| counted(files, "file")));
    parts.extend(match lock.documents() {
        0 => None,
        1 => Some("1 policy".to_owned()),
        policies => Some(format!("{policies} policies")),
    });
    let organization = lock.organization.as_ref();
    parts.extend(organization.map(|seen| format!("organization {} as of {}", seen.id, seen.date)));
    text += &if parts.is_empty() {
        "nothing to pin: the program imports no package\n".to_owned()
    } else {
        format!("{LOCK_FILE}: {} pinned\n", parts.join(", "))
    };
    text
}

fn document(lock: &Lock, files: usize, changes: &[Change]) -> String {
    let change = |change: &Change| json!({ "id": change.id, "name": change.name, "action": change.what.word(), "message": change.what.text() });
    let document = json!({
        "format_version": emit::FORMAT_VERSION,
        "pinned": files,
        "policies": lock.documents(),
        "changes": changes.iter().map(change).collect::<Vec<_>>(),
    });
    format!("{document}\n")
}

fn changed_files(changed: &[(String, String, String)]) -> Vec<Diagnostic> {
    let finding = |(path, pinned, found): &(String, String, String)| {
        let message = format!("`{path}` is not the file that {LOCK_FILE} pins");
        Diagnostic::new(Code::NotPinned, Span::new(FileId(0), 0, 0), message)
            .help(format!("pinned {pinned}, found {found}"))
            .help("if the change is meant, review it and run `cellc lock --update`")
    };
    changed.iter().map(finding).collect()
}
