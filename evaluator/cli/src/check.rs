//! `cellc check`: names, types and rules of a program. Owns the command; the work is [`pipeline`](crate::pipeline)'s.

use crate::args::CheckArgs;
use crate::exit::Status;
use crate::output::Output;

/// Runs the command.
pub(crate) fn run(args: &CheckArgs, output: &Output) -> Status {
    output.run(&args.program, |run| run.check(args.strict))
}
