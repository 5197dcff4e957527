//! `cellc cost`: money by cell. Owns the command, and that who asks is told what asking costs; whose an account is, is
//! [`cell_eval::pane`]'s.

use cell_eval::pane::bill::months;
use cell_eval::pane::{Bill, Spending as _, bill, bill_text};
use cell_eval::plan::desired::Desired;
use cell_eval::provider::{CloudError, Failure};
use cell_eval::registry::record::Record;
use cell_eval::terminal::Look;
use cell_lang::diagnostics::Code;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::args::{CostArgs, Format};
use crate::cloud::{Connection, Purpose};
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::session::{finding, loaded, say, unconnected, unread};
use crate::status::desired;

/// Which months.
#[derive(Debug)]
pub(crate) struct Months {
    count: u16,
    from: Option<Date>,
    to: Option<Date>,
}

impl Default for Months {
    /// The last whole one and the running one.
    fn default() -> Self {
        Self { count: 2, from: None, to: None }
    }
}

/// Runs the command.
pub(crate) fn run(args: &CostArgs, output: &Output) -> Status {
    output.run(&args.program, |run| match cost(run, args, output) {
        Ok(bill) => told(&bill, output),
        Err(status) => status,
    })
}

fn cost(run: &Run<'_>, args: &CostArgs, output: &Output) -> Result<Bill, Status> {
    let at = Timestamp::now();
    let asked = asked(&Months { count: args.months, from: args.from, to: args.to }, at)?;
    let desired = desired(run, at)?;
    let connection = Connection::open(&args.cloud, &desired, &run.folder(), Purpose::Look);
    let connection = connection.map_err(|error| unconnected(output, &error))?;
    connection.remarks.iter().for_each(|remark| output.remark(remark));
    let loaded = loaded(connection.store.as_ref(), output)?;
    of(&connection, &desired, &loaded.record, asked, at, output)
}

/// The days from which and up to which is asked.
pub(crate) fn asked(wanted: &Months, at: Timestamp) -> Result<(Date, Date), Status> {
    let last = months(wanted.count, wanted.to, at);
    let (counted, to) = last.ok_or_else(|| output::refuse("no such months", "`--months 3`, or `--from 2026-01`"))?;
    let from = wanted.from.unwrap_or(counted);
    let running = months(1, None, at).map(|(first, _)| first);
    if from >= to {
        return Err(output::refuse("`--from` is after `--to`", "both are months, and both count"));
    }
    if running.is_some_and(|running| from > running || to > running.saturating_add(jiff::Span::new().months(1))) {
        return Err(output::refuse("there is no bill of a month to come", "leave `--to` out for the running month"));
    }
    Ok((from, to))
}

/// Asks for the bill, once.
pub(crate) fn of(
    connection: &Connection,
    desired: &Desired,
    record: &Record,
    (from, to): (Date, Date),
    at: Timestamp,
    output: &Output,
) -> Result<Bill, Status> {
    if connection.name == "aws" {
        output
            .remark("Cost Explorer is asked; AWS bills 0.01 USD for each request, and one is enough for most bills");
    }
    let spent = connection.provider.spent(from, to).map_err(|error| refused(&error, output))?;
    Ok(bill(desired, record, &spent, at))
}

fn refused(error: &CloudError, output: &Output) -> Status {
    if error.failure != Failure::Denied {
        return unread(output, error);
    }
    say(
        output,
        &finding(Code::ReadFailed, format!("the caller may not read what was spent: {error}"))
            .help("the management account sees the bill of all; the caller needs `ce:GetCostAndUsage`")
            .help("Cost Explorer has to be enabled once, in the console of the management account; it takes a day until it knows anything"),
    )
}

fn told(bill: &Bill, output: &Output) -> Status {
    let text = match output.format {
        Format::Json => format!("{}\n", serde_json::to_string(bill).unwrap_or_default()),
        Format::Text => {
            let (width, color) = output.look();
            let mut page = String::new();
            // A string takes everything.
            let _ = bill_text::write(bill, &Look { verbose: false, width, color }, &mut page);
            page
        }
    };
    output::result(output.format, &text)
}
