//! `cellc expand`: a program's normal form. Owns the command; the work is [`pipeline`](crate::pipeline)'s.

use crate::args::ExpandArgs;
use crate::exit::Status;
use crate::output::Output;

/// Runs the command.
pub(crate) fn run(args: &ExpandArgs, output: &Output) -> Status {
    output.run(&args.program, |run| run.expand(args.origins))
}
