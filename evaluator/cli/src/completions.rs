//! `cellc completions`: what a shell reads to complete commands and flags. Owns nothing of it: it is made from the
//! arguments.

use clap::CommandFactory as _;

use crate::args::{Arguments, CompletionsArgs, Format};
use crate::exit::Status;
use crate::output;

/// Runs the command.
pub(crate) fn run(args: &CompletionsArgs) -> Status {
    output::stream(Format::Text, |out| {
        let mut script = Vec::new();
        clap_complete::generate(args.shell, &mut Arguments::command(), "cellc", &mut script);
        out.write_all(&script)
    })
}
