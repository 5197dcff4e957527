//! The command line: which commands and flags there are, and how their values are read.
//!
//! Owns names, defaults and help texts. Every flag has a variable `CELLC_…` of its name. Does nothing itself.

mod access;
mod bootstrap;
mod cloud;
mod pane;
mod pipelines;
mod rollout;
mod tools;

use std::path::PathBuf;

use cell_eval::budget::Options;
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use access::{AskArgs, CanArgs, Form, ReviewArgs, WhoCanArgs};
pub(crate) use bootstrap::{BootstrapArgs, LintRepoArgs};
pub(crate) use cloud::{
    AdoptArgs, ApplyArgs, Cloud, CloudArgs, ConsentArgs, DestroyArgs, DriftArgs, Language, PlanArgs, RebuildArgs,
    RegistryArgs, RegistryCommand, SandboxCommand, ScopeArgs, ShowArgs,
};
pub(crate) use pane::{CostArgs, RouteArgs, StatusArgs};
pub(crate) use pipelines::PipelinesArgs;
pub(crate) use rollout::{
    Carry, RolloutAbortArgs, RolloutCommand, RolloutDeployArgs, RolloutOneArgs, RolloutPlanArgs, RolloutRunArgs,
    RolloutStartArgs, RolloutWatchArgs,
};
pub(crate) use tools::{Ci, CompletionsArgs, GraphArgs, InitArgs, ManArgs, Part, Picture, TestArgs};

/// Plan and apply cellular infrastructure.
#[derive(Debug, Parser)]
#[command(name = "cellc", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How results and diagnostics are written.
    #[arg(long, global = true, env = "CELLC_FORMAT", hide_env = true, value_enum, default_value = "text")]
    pub(crate) format: Form,
    /// When to use colours; `auto` heeds the terminal and `NO_COLOR`.
    #[arg(long, global = true, env = "CELLC_COLOR", hide_env = true, value_enum, default_value = "auto")]
    pub(crate) color: Color,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a program to begin with, and CI for it.
    Init(InitArgs),
    /// Check a program: names, types, rules. Needs no cloud.
    Check(CheckArgs),
    /// Print a program's normal form: every entity and resource, all loops and defaults worked out.
    Expand(ExpandArgs),
    /// Print an error's page, or where a value came from.
    Explain(ExplainArgs),
    /// Give files the one canonical form.
    Fmt(FmtArgs),
    /// Print the changes that would make the cloud what the program says.
    Plan(PlanArgs),
    /// Print who gains and loses what: against the cloud, a saved plan, or another revision of the program.
    Review(ReviewArgs),
    /// Say whether a group or user can do something, and which statements decide it. Needs no cloud.
    Can(CanArgs),
    /// Say who can do something, where, and by which statements. Needs no cloud.
    WhoCan(WhoCanArgs),
    /// Print a saved plan again.
    Show(ShowArgs),
    /// Make the cloud what the program says: plan, show, ask, run; or run a saved plan.
    Apply(ApplyArgs),
    /// Print what was changed outside since the last apply; ends with 2 if anything was.
    Drift(DriftArgs),
    /// Take something that exists into the record, under an address of the program.
    Adopt(AdoptArgs),
    /// Tear down what the program made; accounts of dev cells are parked, none is closed.
    Destroy(DestroyArgs),
    /// The record of what applies left behind.
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// The emulated AWS on its own, for other clients.
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// Run the `test` blocks of a program.
    Test(TestArgs),
    /// How releases come to cells, wave by wave.
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Print the CloudFormation templates that a program comes to: what each cell has, and the pipelines that bring releases to
    /// them. Needs no cloud.
    Pipelines(PipelinesArgs),
    /// Print all cells: account, version of each component, wave, alarms, last apply.
    Status(StatusArgs),
    /// Print what each cell costs, beside its budget. AWS bills a cent for each request to Cost Explorer.
    Cost(CostArgs),
    /// Print where routers send their keys: the tables, and the claims of tokens. Needs no cloud.
    Route(RouteArgs),
    /// Bring components into a new cell: clone each at its version and run its make target, in their order.
    Bootstrap(BootstrapArgs),
    /// Say which repositories of components lack a make target.
    LintRepo(LintRepoArgs),
    /// Draw a program: its cells, the waves that reach them, who may do what in them.
    Graph(GraphArgs),
    /// Pin what a program takes from elsewhere in `cell.lock`: packages, and with `--update` policies of AWS.
    Lock(LockArgs),
    /// Speak the language server protocol with an editor, over standard input and output.
    Lsp(LspArgs),
    /// Print what makes a shell complete commands and flags.
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command.
    Man(ManArgs),
}

/// How things are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: results as one JSON document, diagnostics as JSON lines.
    Json,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `check`
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// End with 4 when a guard depends on what is not known.
    #[arg(long, env = "CELLC_STRICT", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) strict: bool,
}

/// `expand`
#[derive(Debug, Args)]
pub(crate) struct ExpandArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Add where each value came from.
    #[arg(long, env = "CELLC_ORIGINS", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) origins: bool,
}

/// `explain`
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A code such as `E0312`, or an address such as `cell.alpha` or `cell.alpha.size`.
    #[arg(value_name = "CODE|ADDRESS[.FIELD]")]
    pub(crate) subject: String,
    /// The program, for an address.
    #[command(flatten)]
    pub(crate) program: Program,
}

/// `fmt`
#[derive(Debug, Args)]
pub(crate) struct FmtArgs {
    /// `.cell` files, folders of them, or `-` for standard input.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write nothing: print what would change, and end with 1 if anything would.
    #[arg(long, env = "CELLC_CHECK", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) check: bool,
    /// Rewrite programs of an older edition, too. There is none yet.
    #[arg(long, env = "CELLC_UPGRADE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) upgrade: bool,
    /// Size of one file.
    #[arg(long, env = "CELLC_MAX_FILE", hide_env = true, value_name = "BYTES", default_value = "16MiB",
          value_parser = amount, help_heading = "Budgets")]
    pub(crate) max_file: u64,
}

/// `lock`
#[derive(Debug, Args)]
pub(crate) struct LockArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to fetch policies from, with `--update`.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// Pin changed files of packages anew, and fetch the policies that the program names and those that others attached
    /// in its organization.
    #[arg(long, env = "CELLC_UPDATE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) update: bool,
    /// Fetch nothing: with `--update`, pin packages only.
    #[arg(long, env = "CELLC_NO_REFRESH", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) no_refresh: bool,
}

/// `lsp`
#[derive(Debug, Args)]
pub(crate) struct LspArgs {
    /// Over standard input and output: editors say so, and there is no other way.
    #[arg(long, env = "CELLC_STDIO", hide_env = true, hide = true, value_parser = BoolishValueParser::new())]
    pub(crate) stdio: bool,
}

/// A program and how much of the machine it may use.
#[derive(Debug, Clone, Args)]
pub(crate) struct Program {
    /// A `.cell` file, or a folder with a `main.cell`.
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
    /// Steps that one field or `let` may take.
    #[arg(long, env = "CELLC_MAX_STEPS", hide_env = true, value_name = "N", default_value = "100_000_000",
          value_parser = amount, help_heading = "Budgets")]
    pub(crate) max_steps: u64,
    /// Entities that a program may have.
    #[arg(long, env = "CELLC_MAX_ENTITIES", hide_env = true, value_name = "N", default_value = "5_000_000",
          value_parser = amount, help_heading = "Budgets")]
    pub(crate) max_entities: u64,
    /// Size of one string.
    #[arg(long, env = "CELLC_MAX_STRING", hide_env = true, value_name = "BYTES", default_value = "1MiB",
          value_parser = amount, help_heading = "Budgets")]
    pub(crate) max_string: u64,
    /// Levels through which fields and lets may depend on each other; at most 4096.
    #[arg(long, env = "CELLC_MAX_DEPTH", hide_env = true, value_name = "N", default_value = "256",
          value_parser = clap::value_parser!(u64).range(1..=4096), help_heading = "Budgets")]
    pub(crate) max_depth: u64,
    /// Size of one file.
    #[arg(long, env = "CELLC_MAX_FILE", hide_env = true, value_name = "BYTES", default_value = "16MiB",
          value_parser = amount, help_heading = "Budgets")]
    pub(crate) max_file: u64,
    /// Threads to work with; as many as the machine has cores, if not said. The result is the same with any.
    #[arg(long, env = "CELLC_THREADS", hide_env = true, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Budgets")]
    pub(crate) threads: Option<u16>,
}

impl Program {
    /// A program with the budgets of a command line that says none.
    pub(crate) fn of(path: PathBuf) -> Self {
        let Options { max_steps, max_entities, max_string, max_depth, .. } = Options::default();
        let wide = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        Self {
            path,
            max_steps,
            max_entities: wide(max_entities),
            max_string: wide(max_string),
            max_depth: wide(max_depth),
            max_file: 16 << 20,
            threads: None,
        }
    }
}

/// Reads `100_000`, `64KiB`, `16MiB`, `1GiB`.
fn amount(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
    let unit = UNITS.iter().find_map(|(name, factor)| Some((text.strip_suffix(name)?, *factor)));
    let (digits, factor) = unit.unwrap_or((text, 1));
    let digits = digits.trim_end_matches(' ').replace('_', "");
    let number = digits.parse::<u64>().map_err(|_| "expected a number such as 500_000 or 16MiB".to_owned())?;
    let product = number.checked_mul(factor).filter(|product| *product > 0);
    product.ok_or_else(|| "expected a number above 0 and below 2^64".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn amounts_take_units_and_underscores() {
        assert_eq!(amount("100_000_000"), Ok(100_000_000));
        assert_eq!(amount("16MiB"), Ok(16 << 20));
        assert_eq!(amount("7B"), Ok(7));
        for wrong in ["", "0", "-1", "1.5", "MiB", "1 mib", "99999999999GiB", "18446744073709551616"] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_flag_has_a_variable_of_its_name() {
        let command = Arguments::command();
        let below = |command: &clap::Command| command.get_subcommands().cloned().collect::<Vec<_>>();
        let commands: Vec<clap::Command> =
            below(&command).into_iter().flat_map(|command| below(&command).into_iter().chain([command])).collect();
        let all = commands.iter().flat_map(clap::Command::get_arguments).chain(command.get_arguments());
        for arg in all.filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version")) {
            let Some(long) = arg.get_long() else { continue };
            let expected = format!("CELLC_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(arg.get_env().unwrap().to_str(), Some(expected.as_str()), "--{long}");
        }
    }

    #[test]
    fn the_path_is_the_current_folder_unless_said() {
        let Command::Check(args) = Arguments::try_parse_from(["cellc", "check"]).unwrap().command else {
            unreachable!("`check` was asked for")
        };
        assert_eq!(args.program.path, PathBuf::from("."));
        assert_eq!(args.program.max_steps, 100_000_000);
    }
}
