//! `cellc review`: who gains and loses what, against the cloud, a saved plan, or another revision of the program.
//! Owns the command; what is found is [`cell_eval::access`]'s.

use std::collections::BTreeMap;

use cell_eval::access::model::{Review, Unmanaged, Verdict};
use cell_eval::access::{findings, html, markdown, sarif, text, unmanaged};
use cell_eval::live::Depth;
use cell_eval::plan::Command;
use cell_eval::plan::text::Look;
use cell_eval::provider::Principal;
use cell_eval::registry::record::Record;
use cell_lang::diagnostics::Code;
use cell_lang::files::{FileError, Files as _};

use crate::args::{Form, Format, ReviewArgs};
use crate::cloud::Purpose;
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::revision::Revision;
use crate::session::{self, Session, finding, say};

/// Runs the command.
pub(crate) fn run(args: &ReviewArgs, form: Form, output: &Output) -> Status {
    if let Some(path) = &args.from {
        return match crate::plan::read(path, output) {
            Ok(plan) => match &plan.review {
                Some(review) => told(review, args, form, output),
                None => say(output, &without_review(&path.display().to_string())),
            },
            Err(status) => status,
        };
    }
    output.run(&args.program, |run| {
        let review = match &args.base {
            Some(revision) => since(run, revision, args),
            None => against_cloud(run, args, output),
        };
        review.map_or_else(|status| status, |review| told(&review, args, form, output))
    })
}

fn without_review(path: &str) -> cell_lang::diagnostics::Diagnostic {
    finding(Code::BadPlanFile, format!("{path} holds no review: another version of cellc wrote it"))
        .help("`cellc plan --out FILE` writes one")
}

fn since(run: &Run<'_>, revision: &str, args: &ReviewArgs) -> Result<Review, Status> {
    let at = args.scope.at.unwrap_or_else(jiff::Timestamp::now);
    let (subject, _) = run.subject(at)?;
    let former = Revision::open(run.files(), revision)
        .map_err(|why| output::fail(&format!("the program of revision `{revision}` cannot be read: {why}")))?;
    if former.read(&former.main) == Err(FileError::NotFound) {
        let why = format!(
            "revision {revision} has no {}: the program is new since, or had another place; `cellc review` without --base compares with the cloud",
            former.named()
        );
        return Err(output::fail(&why));
    }
    let former = run.former(&former, at)?;
    let today = jiff::tz::TimeZone::UTC.to_datetime(at).date();
    subject.since(&former, &format!("revision {revision}"), Some(today)).map_err(|why| output::fail(&why.to_string()))
}

fn against_cloud(run: &Run<'_>, args: &ReviewArgs, output: &Output) -> Result<Review, Status> {
    let session = Session::open(run, output, &args.cloud, args.scope.at, Purpose::Look)?.without_expired(run)?;
    let loaded = session.load()?;
    // Access that nobody of the program has is seen only where everybody is asked about.
    let depth = if args.unmanaged { Depth::Drift } else { Depth::Plan };
    let scope = session::scope(&args.scope);
    let plan = session.plan_at(&loaded.record, &scope, Command::Apply, Some(depth))?;
    let mut review = plan.review.clone().ok_or_else(|| output::fail("the plan has no review"))?;
    if args.unmanaged {
        let found = unmanaged(&session, &loaded.record)?;
        review.unmanaged = found.iter().map(unmanaged::words).collect();
        review.unmanaged_access = Some(found);
    }
    Ok(review)
}

/// Every assignment of a set that cellc does not own, each with a verdict.
fn unmanaged(session: &Session<'_>, record: &Record) -> Result<Vec<Unmanaged>, Status> {
    let desired = &session.subject.desired;
    let live = session.foreign_access(record)?;
    let pins = session.documents_of(&live)?;
    let people: BTreeMap<_, &String> =
        desired.principals.iter().map(|(address, wanted)| ((wanted.kind, &wanted.name), address)).collect();
    let person = |principal: &Principal| match live.names.get(principal) {
        Some(name) => match people.get(&(principal.kind, name)) {
            Some(address) => (*address).clone(),
            None => format!("{} {name}", principal.kind.word()),
        },
        None => format!("{} {}, which is gone,", principal.kind.word(), principal.id),
    };
    let said = desired.resources.iter().filter_map(|(address, wanted)| {
        let id = wanted.account.as_ref()?.id.clone();
        Some((id.or_else(|| record.entry(address).map(|entry| entry.id.clone()))?, address))
    });
    let places: BTreeMap<String, &String> = said.collect();
    let place = |id: &str| match places.get(id) {
        Some(address) => (*address).clone(),
        None => {
            format!("account {}", live.accounts.get(id).map_or(id, |account| account.name.as_str()))
        }
    };
    unmanaged::rows(&live, &pins, &person, &place).map_err(|why| output::fail(&why.to_string()))
}

/// Prints a review, and says how the command ends.
fn told(review: &Review, args: &ReviewArgs, form: Form, output: &Output) -> Status {
    let (width, color) = output.look();
    let look = Look { verbose: args.verbose, width, color };
    let shown = output::result(
        if matches!(form, Form::Json | Form::Sarif) { Format::Json } else { Format::Text },
        &match form {
            Form::Text => {
                let mut page = String::new();
                // A string takes everything.
                let _ = text::write(review, &look, &mut page);
                page
            }
            Form::Json => format!("{}\n", serde_json::to_string(review).unwrap_or_default()),
            Form::Markdown => markdown::page(review),
            Form::Html => html::page(review),
            Form::Sarif => sarif::log(review),
        },
    );
    let may = review.evidence.may > 0 || findings::has_undecided_guards(review);
    match shown {
        Status::Done if review.verdict == Verdict::Broken => Status::Broken,
        Status::Done if args.strict && may => Status::May,
        other => other,
    }
}
