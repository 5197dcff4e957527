//! The arguments of `cellc pipelines`.

use std::path::PathBuf;

use clap::Args;

use super::Program;

/// `pipelines`
#[derive(Debug, Args)]
pub(crate) struct PipelinesArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Write each template to a file of this folder, in place of printing them; `.json` files that are there already are
    /// replaced, others stay.
    #[arg(long, env = "CELLC_OUT", hide_env = true, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
}
