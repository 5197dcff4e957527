//! The arguments of the commands about who may do what.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use super::{CloudArgs, Command, Format, Program, ScopeArgs};

/// How results are written: some forms are of few commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// For programs: results as one JSON document, diagnostics as JSON lines.
    Json,
    /// A review for a pull request.
    Markdown,
    /// A review, or the status of all cells, as a page for a browser.
    Html,
    /// A review for code scanning (SARIF 2.1.0).
    Sarif,
}

impl Form {
    /// How everything else is written beside a result of this form.
    pub(crate) fn beside(self) -> Format {
        if self == Self::Json { Format::Json } else { Format::Text }
    }

    /// Does a command write it? Every one writes text and JSON.
    pub(crate) fn is_of(self, command: &Command) -> bool {
        match self {
            Self::Text | Self::Json => true,
            Self::Markdown | Self::Sarif => matches!(command, Command::Review(_)),
            Self::Html => matches!(command, Command::Review(_) | Command::Status(_)),
        }
    }
}

/// `review`
#[derive(Debug, Args)]
pub(crate) struct ReviewArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// Which part.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Compare with this revision of the program in git, such as `origin/main`, and with no cloud.
    #[arg(long, env = "CELLC_BASE", hide_env = true, value_name = "REV", conflicts_with_all = ["from", "unmanaged", "only", "except"])]
    pub(crate) base: Option<String>,
    /// The review that this saved plan was made with.
    #[arg(long, env = "CELLC_FROM", hide_env = true, value_name = "FILE", conflicts_with_all = ["unmanaged", "only", "except", "at"])]
    pub(crate) from: Option<PathBuf>,
    /// Tell the access by permission sets that cellc does not manage, too.
    #[arg(long, env = "CELLC_UNMANAGED", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) unmanaged: bool,
    /// Show everything that is else folded.
    #[arg(long, env = "CELLC_VERBOSE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) verbose: bool,
    /// End with 4 when something depends on what is not known.
    #[arg(long, env = "CELLC_STRICT", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) strict: bool,
}

/// `can`
#[derive(Debug, Args)]
pub(crate) struct CanArgs {
    /// A group or user of the program, such as `group.developers`.
    pub(crate) principal: String,
    /// What is asked.
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// `who-can`
#[derive(Debug, Args)]
pub(crate) struct WhoCanArgs {
    /// What is asked.
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// What is asked about.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// An action such as `s3:GetObject`, or a pattern of actions.
    pub(crate) action: String,
    /// `*`, an ARN or a pattern of ARNs; any resource, if not said. A path alone is the program.
    #[arg(default_value = "*")]
    pub(crate) resource: String,
    /// Only in this cell or account; may be said several times.
    #[arg(long, env = "CELLC_ON", hide_env = true, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) on: Vec<String>,
    /// What the request carries: a condition key and its value; may be said several times.
    #[arg(long, env = "CELLC_CONTEXT", hide_env = true, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) context: Vec<(String, String)>,
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
}

/// Reads `aws:SourceIp=10.0.0.1`.
fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| key.contains(':'));
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    pair.map(owned).ok_or_else(|| "expected a key and a value such as aws:SourceIp=10.0.0.1".to_owned())
}
