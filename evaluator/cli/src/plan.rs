//! `cellc plan` and `cellc show`: the changes that would make the cloud what the program says.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use cell_eval::access::findings;
use cell_eval::access::model::{Review, Verdict};
use cell_eval::plan::model::Plan;
use cell_eval::plan::text::{self, Look};
use cell_eval::plan::{Command, file, least};
use cell_eval::terminal::visible::line;
use cell_lang::diagnostics::Code;

use crate::args::{Format, PlanArgs, ShowArgs};
use crate::cloud::Purpose;
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::session::{self, Session, finding, say};

/// What a saved plan is to do.
const SAVED: &str = "apply";

/// Runs `plan`.
pub(crate) fn run(args: &PlanArgs, output: &Output) -> Status {
    output.run(&args.program, |run| planned(args, run, output).unwrap_or_else(|status| status))
}

fn planned(args: &PlanArgs, run: &Run<'_>, output: &Output) -> Result<Status, Status> {
    let session = Session::open(run, output, &args.cloud, args.scope.at, Purpose::Look)?.without_expired(run)?;
    let loaded = session.load()?;
    let plan = session.plan(&loaded.record, &session::scope(&args.scope), Command::Apply, !args.no_refresh)?;
    if let Some(path) = &args.out {
        save(&plan, path)?;
    }
    let shown = if args.policy { policies(&plan) } else { print(&plan, args.verbose, output) };
    if let (Some(path), Status::Done) = (&args.out, shown) {
        let program = &args.program.path;
        let program = if *program == *"." { String::new() } else { format!("{} ", program.display()) };
        let path = path.display();
        let broken = plan.review.as_ref().is_some_and(|review| review.verdict == Verdict::Broken);
        output.remark(&if broken {
            format!("the plan is in {path}; it breaks a guard, and no apply runs it")
        } else {
            format!("the plan is in {path}; `cellc apply {program}--plan {path}` runs it")
        });
    }
    let status = if shown == Status::Done && !args.policy { ended(args, &plan) } else { shown };
    // The process ends here: a fleet's some hundred thousand records need not be freed one by one before.
    std::mem::forget((session.subject, loaded, plan));
    Ok(status)
}

/// Prints the least IAM policies for planning and for carrying out a plan.
pub(crate) fn policies(plan: &Plan) -> Status {
    output::result(Format::Json, &format!("{:#}\n", least::policies(plan)))
}

/// How a plan that was shown ends: the first that applies.
fn ended(args: &PlanArgs, plan: &Plan) -> Status {
    let review = plan.review.as_ref();
    let may = |review: &Review| review.evidence.may > 0 || findings::has_undecided_guards(review);
    match () {
        () if review.is_some_and(|review| review.verdict == Verdict::Broken) => Status::Broken,
        () if args.strict && (review.is_some_and(may) || !plan.is_of_all() || has_unseen(plan)) => Status::May,
        () if args.detailed_exitcode => differs(plan),
        () => Status::Done,
    }
}

/// Is something of it changed without a look at what is there?
fn has_unseen(plan: &Plan) -> bool {
    plan.changes.iter().any(|change| change.unread)
}

/// Are there changes? Where something could not be read nobody can say that there are none.
pub(crate) fn differs(plan: &Plan) -> Status {
    match () {
        () if !plan.summary().is_empty() => Status::Changes,
        () if !plan.is_of_all() => Status::May,
        () => Status::Done,
    }
}

/// Prints a plan in the format that was asked for.
pub(crate) fn print(plan: &Plan, verbose: bool, output: &Output) -> Status {
    match output.format {
        Format::Json => output::stream(Format::Json, |mut out| file::write(plan, &mut out)),
        Format::Text => output::result(Format::Text, &shown(plan, verbose, output)),
    }
}

/// A plan as text.
pub(crate) fn shown(plan: &Plan, verbose: bool, output: &Output) -> String {
    let (width, color) = output.look();
    let mut shown = String::new();
    // A string takes everything.
    let _ = text::write(plan, &Look { verbose, width, color }, &mut shown);
    shown
}

fn save(plan: &Plan, path: &Path) -> Result<(), Status> {
    let mut bytes = Vec::new();
    let written = file::write(plan, &mut bytes).and_then(|()| crate::files::put(path, &bytes));
    written.map_err(|error| output::fail(&format!("{} cannot be written: {error}", path.display())))
}

/// Reads the file of a plan that is to be run. Only `plan` writes one, which is to apply: whoever makes another of it would have
/// torn down what the program says.
pub(crate) fn to_run(path: &Path, output: &Output) -> Result<Plan, Status> {
    let plan = read(path, output)?;
    if plan.command == SAVED {
        return Ok(plan);
    }
    let command = line(plan.command.as_bytes());
    Err(bad(path, &format!("it is a plan to {command}, and `cellc plan` writes those to {SAVED}"), output))
}

fn bad(path: &Path, why: &str, output: &Output) -> Status {
    let finding = finding(Code::BadPlanFile, format!("{} cannot be used: {why}", path.display()));
    say(output, &finding.help("`cellc plan --out FILE` writes a plan"))
}

/// Reads a plan's file.
pub(crate) fn read(path: &Path, output: &Output) -> Result<Plan, Status> {
    let bad = |why: String| bad(path, &why, output);
    // What has no end is not read to it.
    let some = |file: File| {
        let mut bytes = Vec::new();
        file.take(file::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    let bytes = File::open(path).and_then(some).map_err(|error| bad(error.to_string()))?;
    file::parse(&bytes).map_err(|error| bad(error.to_string()))
}

/// Runs `show`.
pub(crate) fn show(args: &ShowArgs, output: &Output) -> Status {
    match read(&args.file, output) {
        Ok(plan) => print(&plan, args.verbose, output),
        Err(status) => status,
    }
}
