//! `cellc man`: the manual. Owns where its pages go; they are made from the arguments.

use std::path::Path;

use clap::CommandFactory as _;

use crate::args::{Arguments, Format, ManArgs};
use crate::exit::Status;
use crate::output;

/// Runs the command.
pub(crate) fn run(args: &ManArgs) -> Status {
    match &args.out {
        None => output::stream(Format::Text, |out| clap_mangen::Man::new(command()).render(out)),
        Some(folder) => match write(folder) {
            Ok(pages) => output::result(Format::Text, &format!("{}: {pages} pages\n", folder.display())),
            Err(error) => output::fail(&format!("{} cannot be written to: {error}", folder.display())),
        },
    }
}

/// Writes a page for each command, and counts them.
fn write(folder: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command(), folder)?;
    Ok(pages(&command()))
}

/// The command, without `help`: that one has no page to refer to.
fn command() -> clap::Command {
    Arguments::command().disable_help_subcommand(true)
}

fn pages(command: &clap::Command) -> usize {
    1 + command.get_subcommands().filter(|command| !command.is_hide_set()).map(pages).sum::<usize>()
}
