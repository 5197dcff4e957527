//! The arguments of the commands that tell how all cells are, what they cost, and what is sent to which.

use clap::Args;
use clap::builder::BoolishValueParser;
use jiff::Timestamp;
use jiff::civil::Date;

use super::cloud::instant;
use super::{CloudArgs, Program};

/// `status`
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// Only this cell, or only this component; may be said several times.
    #[arg(long, env = "CELLC_ONLY", hide_env = true, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Read nothing from the cloud: tell what the registry says.
    #[arg(long, env = "CELLC_NO_REFRESH", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) no_refresh: bool,
    /// Tell what cells cost, too. AWS bills a cent for each request to Cost Explorer.
    #[arg(long, env = "CELLC_COST", hide_env = true, value_parser = BoolishValueParser::new(), conflicts_with = "no_refresh")]
    pub(crate) cost: bool,
    /// The instant at which expiry is judged, such as `2026-12-31T09:00:00Z`; now, if not said.
    #[arg(long, env = "CELLC_AT", hide_env = true, value_name = "TIME", value_parser = instant)]
    pub(crate) at: Option<Timestamp>,
    /// A line for each cell, however many there are.
    #[arg(long, env = "CELLC_VERBOSE", hide_env = true, value_parser = BoolishValueParser::new())]
    pub(crate) verbose: bool,
}

/// `cost`
#[derive(Debug, Args)]
pub(crate) struct CostArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// Where to work.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// How many months, 1 to 38, the running one the last of them.
    #[arg(long, env = "CELLC_MONTHS", hide_env = true, value_name = "N", default_value = "2",
          value_parser = clap::value_parser!(u16).range(1..=38), conflicts_with = "from")]
    pub(crate) months: u16,
    /// The first month, such as `2026-01`.
    #[arg(long, env = "CELLC_FROM", hide_env = true, value_name = "MONTH", value_parser = month)]
    pub(crate) from: Option<Date>,
    /// The last month; the running one, if not said.
    #[arg(long, env = "CELLC_TO", hide_env = true, value_name = "MONTH", value_parser = month)]
    pub(crate) to: Option<Date>,
}

/// `route`
#[derive(Debug, Args)]
pub(crate) struct RouteArgs {
    /// The program.
    #[command(flatten)]
    pub(crate) program: Program,
    /// A router; all, if not said.
    #[arg(long, env = "CELLC_OF", hide_env = true, value_name = "ADDRESS")]
    pub(crate) of: Option<String>,
}

/// Reads `2026-01` as its first day.
fn month(text: &str) -> Result<Date, String> {
    let wrong = || "expected a month such as 2026-01".to_owned();
    let first = format!("{text}-01").parse::<Date>();
    first.ok().filter(|_| text.len() == 7).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser as _;

    use super::*;
    use crate::args::{Arguments, Command};

    #[test]
    fn months_are_read_as_such() {
        assert_eq!(month("2026-02").unwrap().to_string(), "2026-02-01");
        for wrong in ["2026", "2026-13", "2026-2", "2026-02-03", "x"] {
            assert!(month(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_span_is_said_in_one_way() {
        let read = |args: &[&str]| Arguments::try_parse_from(["cellc", "cost"].iter().chain(args));
        let Command::Cost(args) = read(&[]).unwrap().command else { unreachable!("`cost` was asked for") };
        assert_eq!((args.months, args.from, args.to), (2, None, None));
        assert!(read(&["--months", "3", "--to", "2026-02"]).is_ok());
        assert!(read(&["--from", "2026-01", "--to", "2026-02"]).is_ok());
        assert!(read(&["--from", "2026-01", "--months", "3"]).is_err());
        assert!(read(&["--months", "0"]).is_err());
    }
}
