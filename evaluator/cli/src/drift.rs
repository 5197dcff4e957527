//! `cellc drift`: what was changed outside since the last apply, of everything that is owned, by anyone.

use cell_eval::live::recorded;
use cell_eval::plan::judge::ASTRAY;

use crate::args::DriftArgs;
use crate::cloud::Purpose;
use crate::exit::Status;
use crate::output::Output;
use crate::pipeline::Run;
use crate::plan;
use crate::session::Session;

/// Runs the command.
pub(crate) fn run(args: &DriftArgs, output: &Output) -> Status {
    output.run(&args.program, |run| drifted(args, run, output).unwrap_or_else(|status| status))
}

/// The record takes the place of the program: what a plan would then change was changed outside.
fn drifted(args: &DriftArgs, run: &Run<'_>, output: &Output) -> Result<Status, Status> {
    let session = Session::open(run, output, &args.cloud, None, Purpose::Look)?;
    let record = session.load()?.record;
    let wished = recorded::wished(&session.subject.desired, &record);
    let found = session.drift(&wished, &record)?;
    let shown = plan::print(&found, args.verbose, output);
    let astray = found.notices.iter().any(|notice| notice.message.starts_with(ASTRAY));
    let differs = if astray { Status::Changes } else { plan::differs(&found) };
    Ok(if shown == Status::Done { differs } else { shown })
}
