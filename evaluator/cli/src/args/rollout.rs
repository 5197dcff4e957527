//! The arguments of `cellc rollout`.

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::Program;
use super::cloud::instant;

/// What to do with rollouts.
#[derive(Debug, Subcommand)]
pub(crate) enum RolloutCommand {
    /// Print when a release would come to each wave, if all goes well. Needs no cloud.
    Plan(RolloutPlanArgs),
}

/// The arguments of `rollout plan`.
#[derive(Debug, Args)]
pub(crate) struct RolloutPlanArgs {
    /// A component or a permission set; all that are released, if not said.
    #[arg(long, env = "CELLC_OF", hide_env = true, value_name = "ADDRESS")]
    pub(crate) of: Option<String>,
    /// When it is begun, such as `2026-12-31T09:00:00Z`; now, if not said.
    #[arg(long, env = "CELLC_AT", hide_env = true, value_name = "TIME", value_parser = instant)]
    pub(crate) at: Option<Timestamp>,
    /// How long a cell is taken to need.
    #[arg(long, env = "CELLC_TAKES", hide_env = true, value_name = "DURATION", value_parser = duration, default_value = "5m")]
    pub(crate) takes: SignedDuration,
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
}

/// Reads `5m`, of no time at least and a day at most.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let day = SignedDuration::from_hours(24);
    let read = text.parse::<SignedDuration>().ok().filter(|read| !read.is_negative() && *read <= day);
    read.ok_or_else(|| "expected a duration up to a day, such as 5m or 1h30m".to_owned())
}
