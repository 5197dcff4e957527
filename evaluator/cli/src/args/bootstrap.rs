//! The arguments of `cellc bootstrap` and `cellc lint-repo`.

use clap::Args;
use clap::builder::BoolishValueParser;

use super::{CloudArgs, Program};

/// `bootstrap`
// `--version` is that of a component here.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub(crate) struct BootstrapArgs {
    /// The cell: its address such as `cell.dev-ana`, or its label alone.
    #[arg(value_name = "CELL")]
    pub(crate) cell: String,
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where its record is.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// The version of a component: a branch, a tag or a commit in full; may be said several times. Without it, the branch
    /// that the repository calls its own.
    #[arg(long = "version", env = "CELLC_VERSION", hide_env = true, value_name = "COMPONENT=REF", value_delimiter = ',',
          value_parser = version)]
    pub(crate) versions: Vec<(String, String)>,
    /// Begin with this component, whatever is done of it already; those before it are left as they are.
    #[arg(long, env = "CELLC_FROM", hide_env = true, value_name = "COMPONENT", conflicts_with = "again")]
    pub(crate) from: Option<String>,
    /// Run everything again, done or not.
    #[arg(long, env = "CELLC_AGAIN", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) again: bool,
    /// Fetch submodules, too.
    #[arg(long, env = "CELLC_SUBMODULES", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) submodules: bool,
}

/// `lint-repo`
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub(crate) struct LintRepoArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Only this component; may be said several times.
    #[arg(long, env = "CELLC_ONLY", hide_env = true, value_name = "COMPONENT", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// The version of a component to look at: a branch, a tag or a commit in full; may be said several times.
    #[arg(long = "version", env = "CELLC_VERSION", hide_env = true, value_name = "COMPONENT=REF", value_delimiter = ',',
          value_parser = version)]
    pub(crate) versions: Vec<(String, String)>,
}

/// Reads `component.cache=v1.2.3`.
fn version(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(component, version)| !component.is_empty() && !version.is_empty());
    let pair = pair.ok_or_else(|| "expected a component and its version, such as cache=v1.2.3".to_owned())?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}
