//! The arguments of `cellc rollout`.

use clap::builder::BoolishValueParser;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::cloud::instant;
use super::{CloudArgs, Program};

/// What to do with rollouts.
#[derive(Debug, Subcommand)]
pub(crate) enum RolloutCommand {
    /// Print when a release would come to each wave, if all goes well. Needs no cloud.
    Plan(RolloutPlanArgs),
    /// Bring a new version of a component to its cells, wave by wave.
    Start(RolloutStartArgs),
    /// Carry out what is queued or was left off, until it is over.
    Run(RolloutRunArgs),
    /// Bring a version to one cell, as an action of a pipeline that goes through the waves.
    Deploy(RolloutDeployArgs),
    /// Look on: waves and cells on a terminal, lines of the log elsewhere.
    Watch(RolloutWatchArgs),
    /// Agree to the wave that waits for it.
    Approve(RolloutOneArgs),
    /// Begin nothing more for now.
    Pause(RolloutOneArgs),
    /// Go on with what is paused or has stopped.
    Resume(RolloutOneArgs),
    /// End a rollout: what it has reached goes back, or stays. One that is only queued leaves the queue.
    Abort(RolloutAbortArgs),
}

/// How rollouts are carried out.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Carry {
    /// Leave when only people can help, with status 1, instead of waiting for them.
    #[arg(long, env = "CELLC_NO_WAIT", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) no_wait: bool,
    /// Take fields of workloads that somebody else owns, such as an image that `kubectl apply` has set; each is told.
    #[arg(long, env = "CELLC_TAKE_OVER", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) take_over: bool,
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
    /// Where its record is.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
}

/// The arguments of `rollout start`.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub(crate) struct RolloutStartArgs {
    /// The component: its address, or its label alone.
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: String,
    /// The version: a tag, a branch or a commit of its repository, and the tag of its image.
    #[arg(value_name = "VERSION")]
    pub(crate) version: String,
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// What was built: the digest of the image, else the commit; of an archive its file (a path or `file://…`), its digest, or the
    /// version that its bucket gave. Nothing else is released.
    #[arg(long, env = "CELLC_DIGEST", hide_env = true, value_name = "DIGEST")]
    pub(crate) digest: Option<String>,
    /// Print what it brings to each cell beside what that has, and when it would come, and do nothing.
    #[arg(long, env = "CELLC_DRY_RUN", hide_env = true, value_parser = BoolishValueParser::new(), conflicts_with = "queue")]
    pub(crate) dry_run: bool,
    /// Print every field, and every place of the program.
    #[arg(short, long, env = "CELLC_VERBOSE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) verbose: bool,
    /// Only put it in the queue: `rollout run` carries it out.
    #[arg(long, env = "CELLC_QUEUE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) queue: bool,
    /// How it is carried out.
    #[command(flatten)]
    pub(crate) carry: Carry,
}

/// The arguments of `rollout run`.
#[derive(Debug, Args)]
pub(crate) struct RolloutRunArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// Only that of this component or permission set; may be said several times.
    #[arg(long, env = "CELLC_OF", hide_env = true, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) of: Vec<String>,
    /// How it is carried out.
    #[command(flatten)]
    pub(crate) carry: Carry,
}

/// The arguments of `rollout deploy`.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub(crate) struct RolloutDeployArgs {
    /// The component: its address, or its label alone.
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: String,
    /// The version: a tag, a branch or a commit of its repository, and the tag of its image.
    #[arg(value_name = "VERSION")]
    pub(crate) version: String,
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// The cell.
    #[arg(long, env = "CELLC_CELL", hide_env = true, value_name = "CELL")]
    pub(crate) cell: String,
    /// What was built: the digest of the image, or the commit where there is none. Nothing else is deployed.
    #[arg(long, env = "CELLC_DIGEST", hide_env = true, value_name = "DIGEST")]
    pub(crate) digest: Option<String>,
    /// The run of the pipeline, by any name of its own; the version, if not said.
    #[arg(long, env = "CELLC_RUN", hide_env = true, value_name = "NAME")]
    pub(crate) run: Option<String>,
    /// Take fields of workloads that somebody else owns, such as an image that `kubectl apply` has set; each is told.
    #[arg(long, env = "CELLC_TAKE_OVER", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) take_over: bool,
}

/// The arguments of `rollout watch`.
#[derive(Debug, Args)]
pub(crate) struct RolloutWatchArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where its record is.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// Only that of this component or permission set; may be said several times.
    #[arg(long, env = "CELLC_OF", hide_env = true, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) of: Vec<String>,
    /// Print where everything is, and leave.
    #[arg(long, env = "CELLC_ONCE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) once: bool,
}

/// The arguments of what is said of one rollout.
#[derive(Debug, Args)]
pub(crate) struct RolloutOneArgs {
    /// The component or the permission set: its address, or its label alone.
    #[arg(value_name = "OF")]
    pub(crate) of: String,
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where its record is.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
}

/// The arguments of `rollout abort`.
#[derive(Debug, Args)]
pub(crate) struct RolloutAbortArgs {
    /// Which one.
    #[command(flatten)]
    pub(crate) one: RolloutOneArgs,
    /// What it has reached stays as it is, instead of going back.
    #[arg(long, env = "CELLC_STAY", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) stay: bool,
    /// Take out of the queue what waits behind a rollout that is under way, which goes on.
    #[arg(long, env = "CELLC_QUEUED", hide_env = true, value_parser = BoolishValueParser::new(), conflicts_with_all = ["stay", "run"])]
    pub(crate) queued: bool,
    /// That of a pipeline, by the name of its run: its cells go back at once, by this process.
    #[arg(long, env = "CELLC_RUN", hide_env = true, value_name = "NAME")]
    pub(crate) run: Option<String>,
}

/// Reads `5m`, of no time at least and a day at most.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let day = SignedDuration::from_hours(24);
    let read = text.parse::<SignedDuration>().ok().filter(|read| !read.is_negative() && *read <= day);
    read.ok_or_else(|| "expected a duration up to a day, such as 5m or 1h30m".to_owned())
}
