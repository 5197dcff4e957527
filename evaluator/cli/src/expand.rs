//! `cellc expand`: a program's normal form. Owns the command; the work is [`pipeline`](crate::pipeline)'s.

use crate::args::{ExpandArgs, Format};
use crate::exit::Status;
use crate::output::{self, Output};

/// Runs the command.
pub(crate) fn run(args: &ExpandArgs, output: &Output) -> Status {
    if args.origins && output.format == Format::Text {
        let help = "`cellc explain ADDRESS.FIELD` tells it of one field, as text";
        return output::refuse("`--origins` is for `--format json`", help);
    }
    output.run(&args.program, |run| run.expand(args.origins))
}
