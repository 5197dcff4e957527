//! `cellc graph`: a program as a picture. Owns the command; what is drawn is `cell_eval`'s.

use cell_eval::graph;

use crate::args::{GraphArgs, Part};
use crate::exit::Status;
use crate::output::Output;

/// Runs the command.
pub(crate) fn run(args: &GraphArgs, output: &Output) -> Status {
    let parts: Vec<graph::Part> = args.what.iter().map(|part| drawn(*part)).collect();
    output.run(&args.program, |run| run.graph(&parts, &args.only, args.language))
}

fn drawn(part: Part) -> graph::Part {
    match part {
        Part::Cells => graph::Part::Cells,
        Part::Waves => graph::Part::Waves,
        Part::Grants => graph::Part::Grants,
    }
}
