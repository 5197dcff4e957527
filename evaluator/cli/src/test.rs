//! `cellc test`: runs the `test` blocks of a program. Owns the command; the work is `cell_eval`'s.

use crate::args::TestArgs;
use crate::exit::Status;
use crate::output::Output;

/// Runs the command.
pub(crate) fn run(args: &TestArgs, output: &Output) -> Status {
    let (program, filter) = args.read();
    output.run(&program, |run| run.test(filter.as_deref()))
}
