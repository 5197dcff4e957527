//! The arguments of the commands that look at a cloud or change it.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::Program;

/// Which cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cloud {
    /// AWS, by the standard environment: profiles, SSO, roles, `AWS_ENDPOINT_URL`.
    Aws,
    /// An emulated AWS in this process; its state lies in `.cellc/sandbox/`.
    Sandbox,
}

impl Cloud {
    /// As plans write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Sandbox => "sandbox",
        }
    }
}

/// Where to work.
#[derive(Debug, Args)]
pub(crate) struct CloudArgs {
    /// Where to work.
    #[arg(long, env = "CELLC_CLOUD", hide_env = true, value_enum, default_value = "aws")]
    pub(crate) cloud: Cloud,
}

/// Which part of the program, and when.
#[derive(Debug, Args)]
pub(crate) struct ScopeArgs {
    /// Only this address and what it occurs in; may be said several times.
    #[arg(long, env = "CELLC_ONLY", hide_env = true, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Not this address, nor what it occurs in; may be said several times.
    #[arg(long, env = "CELLC_EXCEPT", hide_env = true, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) except: Vec<String>,
    /// The instant at which expiry is judged, such as `2026-12-31T09:00:00Z`; now, if not said.
    #[arg(long, env = "CELLC_AT", hide_env = true, value_name = "TIME", value_parser = instant)]
    pub(crate) at: Option<Timestamp>,
}

/// `plan`
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// Which part.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Write the plan to a file, for `apply --plan`.
    #[arg(long, env = "CELLC_OUT", hide_env = true, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Read nothing: compare the program with the record alone.
    #[arg(long, env = "CELLC_NO_REFRESH", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) no_refresh: bool,
    /// Print the least IAM policies for planning and for this very apply, in place of the plan.
    #[arg(long, env = "CELLC_POLICY", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) policy: bool,
    /// End with 2 when there are changes.
    #[arg(long, env = "CELLC_DETAILED_EXITCODE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) detailed_exitcode: bool,
    /// End with 4 when a change of access or a guard depends on what is not known.
    #[arg(long, env = "CELLC_STRICT", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) strict: bool,
    /// Show every item that is else folded.
    #[arg(long, env = "CELLC_VERBOSE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) verbose: bool,
}

/// `show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A saved plan.
    pub(crate) file: PathBuf,
    /// Show every item that is else folded.
    #[arg(long, env = "CELLC_VERBOSE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) verbose: bool,
}

/// What lets an apply go on.
#[derive(Debug, Args)]
pub(crate) struct ConsentArgs {
    /// Do not ask.
    #[arg(long, env = "CELLC_YES", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) yes: bool,
    /// The change of access that was approved: a review's fingerprint, or those of its rows. Any other is refused.
    #[arg(long, env = "CELLC_APPROVE", hide_env = true, value_name = "FINGERPRINT", value_delimiter = ',')]
    pub(crate) approve: Vec<String>,
    /// Let this brake go: `mass-revoke`, `close-account`, `delete-prod`, `role-arn`, `foreign-policy`; may be said several times.
    #[arg(long, env = "CELLC_ALLOW", hide_env = true, value_name = "KIND", value_enum, value_delimiter = ',')]
    pub(crate) allow: Vec<Brake>,
    /// Show every item that is else folded.
    #[arg(long, env = "CELLC_VERBOSE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) verbose: bool,
}

/// What holds a plan back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Brake {
    /// Many assignments are taken away at once.
    MassRevoke,
    /// An account is closed.
    CloseAccount,
    /// A deployment in production is deleted.
    DeleteProd,
    /// The ARN of a role in production changes.
    RoleArn,
    /// A unit that holds policies of others is made anew without them.
    ForeignPolicy,
}

impl Brake {
    /// As plans write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MassRevoke => "mass-revoke",
            Self::CloseAccount => "close-account",
            Self::DeleteProd => "delete-prod",
            Self::RoleArn => "role-arn",
            Self::ForeignPolicy => "foreign-policy",
        }
    }
}

/// `apply`
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// Which part.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Run this saved plan, exactly.
    #[arg(long, env = "CELLC_PLAN", hide_env = true, value_name = "FILE", conflicts_with_all = ["only", "except", "at"])]
    pub(crate) plan: Option<PathBuf>,
    /// What lets it go on.
    #[command(flatten)]
    pub(crate) consent: ConsentArgs,
}

/// `destroy`
#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// Which part.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Print the least IAM policies for planning and for this very tear-down, and do nothing.
    #[arg(long, env = "CELLC_POLICY", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) policy: bool,
    /// What lets it go on.
    #[command(flatten)]
    pub(crate) consent: ConsentArgs,
}

/// `drift`
#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// Show every item that is else folded.
    #[arg(long, env = "CELLC_VERBOSE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) verbose: bool,
}

/// `adopt`
#[derive(Debug, Args)]
#[command(override_usage = "cellc adopt [OPTIONS] <ADDRESS> <ID> [PATH]\n       cellc adopt [OPTIONS] --all [PATH]")]
pub(crate) struct AdoptArgs {
    /// The address in the program, such as `permission_set.CellOperator`; with `--all` the program itself.
    #[arg(value_name = "ADDRESS", required_unless_present = "all")]
    pub(crate) address: Option<String>,
    /// The id of what exists: an account id, `ou-…`, `p-…`, or the ARN of a permission set.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) id: Option<String>,
    /// Everything that the program names, that exists, and that the record does not have.
    #[arg(long, env = "CELLC_ALL", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) all: bool,
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// What lets it go on.
    #[command(flatten)]
    pub(crate) consent: ConsentArgs,
}

/// `registry`
#[derive(Debug, Subcommand)]
pub(crate) enum RegistryCommand {
    /// Print what the last applies left behind.
    Show(RegistryArgs),
    /// Write the cells where other tools read them, beside the record.
    Publish(RegistryArgs),
    /// Make the record anew when it is lost: from the marks that applies leave, and from what is there.
    Rebuild(RebuildArgs),
    /// Take the lock away from a run that is lost.
    Unlock(UnlockArgs),
    /// Print types of the published cells for clients in a language.
    Types(TypesArgs),
}

/// `registry show`
#[derive(Debug, Args)]
pub(crate) struct RegistryArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
}

/// `registry rebuild`
#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    /// Whose record.
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// What lets it go on.
    #[command(flatten)]
    pub(crate) consent: ConsentArgs,
}

/// `registry types`
#[derive(Debug, Args)]
pub(crate) struct TypesArgs {
    /// The language.
    #[arg(long, env = "CELLC_LANG", hide_env = true, value_enum)]
    pub(crate) lang: Language,
}

/// A language of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// TypeScript.
    Typescript,
    /// Rust, with `serde`.
    Rust,
    /// Python 3.10 and later, with dataclasses.
    Python,
    /// JSON Schema 2020-12.
    JsonSchema,
}

/// `registry unlock`
#[derive(Debug, Args)]
pub(crate) struct UnlockArgs {
    /// Whose record.
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// Do not ask.
    #[arg(long, env = "CELLC_YES", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) yes: bool,
}

/// `sandbox`
#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Answer other clients (the AWS CLI, SDKs) until stopped.
    Serve(ServeArgs),
    /// Forget everything that was made in it.
    Reset(SandboxArgs),
    /// Move its clock on.
    Advance(AdvanceArgs),
}

/// A sandbox of a program.
#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
}

/// `sandbox serve`
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// The address to listen on; loopback unless said.
    #[arg(long, env = "CELLC_HOST", hide_env = true, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// The port; a free one, unless said.
    #[arg(long, env = "CELLC_PORT", hide_env = true, default_value_t = 0)]
    pub(crate) port: u16,
}

/// `sandbox advance`
#[derive(Debug, Args)]
pub(crate) struct AdvanceArgs {
    /// How far: `90s`, `15m`, `12h`, `30d`.
    #[arg(value_parser = span)]
    pub(crate) by: std::time::Duration,
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
}

/// Reads an instant.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected an instant such as 2026-12-31T09:00:00Z".to_owned())
}

/// Reads `90s`, `15m`, `12h`, `30d`.
fn span(text: &str) -> Result<std::time::Duration, String> {
    const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
    let unit = UNITS.iter().find_map(|(name, seconds)| Some((text.strip_suffix(*name)?, seconds)));
    let found = unit.and_then(|(digits, seconds)| digits.parse::<u64>().ok()?.checked_mul(*seconds));
    found.map(std::time::Duration::from_secs).ok_or_else(|| "expected a time such as 90s, 15m, 12h or 30d".to_owned())
}
