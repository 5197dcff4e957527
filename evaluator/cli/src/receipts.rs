//! Receipts: kept beside the program, printed, and what failed told. Owns the file's name and the text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use cell_eval::apply::complete::{Complete, complete};
use cell_eval::apply::journal::NOT_DROPPED;
use cell_eval::apply::receipt::{Ending, Outcome, Receipt};
use cell_eval::plan::model::Plan;
use cell_eval::words::counted;
use cell_lang::diagnostics::{Code, Diagnostic};
use jiff::SignedDuration;

use crate::progress::visible;
use crate::session::finding;

/// Failures that are told one by one.
const TOLD: usize = 20;
/// New cells that are told one by one.
const CELLS: usize = 3;

/// Keeps a receipt; where.
pub(crate) fn save(receipt: &Receipt, own: &Path) -> io::Result<PathBuf> {
    let folder = own.join("receipts");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.json", receipt.run));
    crate::files::replace(&path, json(receipt).as_bytes())?;
    Ok(path)
}

/// As JSON.
pub(crate) fn json(receipt: &Receipt) -> String {
    // A receipt has no way to fail as JSON.
    serde_json::to_string_pretty(receipt).unwrap_or_default() + "\n"
}

/// As text.
pub(crate) fn text(receipt: &Receipt, plan: &Plan, path: Option<&PathBuf>) -> String {
    let count = |of: fn(&Outcome) -> bool| receipt.count(of);
    let done = count(|outcome| matches!(outcome, Outcome::Done { .. }));
    let failed = count(|outcome| matches!(outcome, Outcome::Failed { .. }));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped { .. }));
    let left = count(|outcome| matches!(outcome, Outcome::NotBegun));
    let time = receipt.ended.duration_since(receipt.began);
    let mut out = String::new();
    let ending = match receipt.ending {
        Ending::Done => "done",
        Ending::Failed => "not all was done",
        Ending::Interrupted => "interrupted",
        Ending::NotRecorded if receipt.reason.as_ref().is_some_and(|why| why.starts_with(NOT_DROPPED)) => {
            "recorded, with a journal left"
        }
        Ending::NotRecorded => "not recorded",
    };
    // A string takes everything.
    let _ = write!(out, "\n{ending}: {done} of {} operations done and seen", receipt.operations.len());
    for (number, what) in
        [(failed, "failed"), (skipped, "not begun since they need what failed"), (left, "not begun")]
    {
        if number > 0 {
            let _ = write!(out, ", {number} {what}");
        }
    }
    let calls: u64 = receipt.calls.values().sum();
    let _ = writeln!(out, "; {:.1} s, {calls} requests", time.as_secs_f64());
    let mut by_verb: BTreeMap<&str, usize> = BTreeMap::new();
    for done in receipt.operations.iter().filter(|done| matches!(done.outcome, Outcome::Done { .. })) {
        *by_verb.entry(&done.verb).or_default() += 1;
    }
    let kinds: Vec<String> = by_verb.into_iter().map(|(verb, count)| format!("{count} {verb}")).collect();
    if !kinds.is_empty() {
        let _ = writeln!(out, "  {}", kinds.join(", "));
    }
    out.push_str(&new_cells(&complete(plan, receipt)));
    for failure in receipt.failed().take(TOLD) {
        if let Outcome::Failed { error, advice, .. } = &failure.outcome {
            let _ = writeln!(out, "  failed  {} of {}: {}", failure.verb, visible(&failure.address), visible(error));
            let _ = advice.as_ref().map(|advice| writeln!(out, "          {advice}"));
        }
    }
    for waiting in receipt.operations.iter().filter(|done| matches!(done.outcome, Outcome::Skipped { .. })).take(TOLD)
    {
        if let Outcome::Skipped { because } = &waiting.outcome {
            let cause = plan
                .operation(*because)
                .map_or_else(String::new, |cause| format!("{} of {}", cause.verb.word(), cause.address));
            let _ = writeln!(out, "  waits   {} of {}: needs {cause}", waiting.verb, visible(&waiting.address));
        }
    }
    if let Some(path) = path {
        let here = std::env::current_dir().unwrap_or_default();
        let _ = writeln!(out, "receipt: {}", path.strip_prefix(here).unwrap_or(path).display());
    }
    out
}

/// What new cells took from the beginning of the run: `cell.dev-ana is complete after 41.0 s (account 12.0 s, access 20.5 s)`.
fn new_cells(cells: &[Complete]) -> String {
    let seconds = |time: &SignedDuration| format!("{:.1} s", time.as_secs_f64());
    let parts = |cell: &Complete| {
        let parts: Vec<String> =
            cell.parts.iter().map(|(part, after)| format!("{part} {}", seconds(after))).collect();
        format!("after {} ({})", seconds(&cell.after), parts.join(", "))
    };
    if let Some(last) = cells.iter().max_by_key(|cell| cell.after).filter(|_| cells.len() > CELLS) {
        let all = counted(cells.len(), "new cell");
        return format!("  {all} are complete, the last of them {} {}\n", visible(&last.cell), parts(last));
    }
    let one = |cell: &Complete| format!("  new {} is complete {}\n", visible(&cell.cell), parts(cell));
    cells.iter().map(one).collect::<Vec<_>>().concat()
}

/// What is told of a run in which something failed.
pub(crate) fn failed(receipt: &Receipt) -> Diagnostic {
    let count = receipt.failed().count();
    let operations = counted(count, "operation");
    let first = receipt.failed().next().map(|done| format!("{} of {}", done.verb, visible(&done.address)));
    let message = format!("{operations} failed: {}{}", first.unwrap_or_default(), if count > 1 { ", …" } else { "" });
    finding(Code::OperationFailed, message)
        .help("the receipt says what was seen of each; run again when the cause is mended, a saved plan as well: what was done stays done")
}
