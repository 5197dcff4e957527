//! `cellc lock`: pins what a program takes from outside. Owns the command; the work is
//! [`pipeline`](crate::pipeline)'s.

use crate::args::LockArgs;
use crate::exit::Status;
use crate::output::Output;

/// Runs the command.
pub(crate) fn run(args: &LockArgs, output: &Output) -> Status {
    output.run(&args.program, |run| run.lock(args.update))
}
