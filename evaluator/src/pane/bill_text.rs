//! Money by cell as text: a table of amounts by month, budgets beside them. Owns the words.

use std::fmt;

use crate::terminal::page::{Page, Tone};
use crate::terminal::{Look, address, visible};
use crate::words::counted;

use super::bill::{Against, Bill, Line, Standing};
use super::money::Money;
use super::times::moment;

/// Letters of a name that the table has room for.
const NAME: usize = 40;

/// Writes a bill.
pub fn write(bill: &Bill, look: &Look, out: &mut impl fmt::Write) -> fmt::Result {
    let mut page = Page::new(*look);
    onto(bill, &mut page);
    page.write(out)
}

/// Writes a bill onto a page.
pub(super) fn onto(bill: &Bill, page: &mut Page) {
    page.plain(0, &format!("Cost by cell in {}, read at {} UTC", visible::name(&bill.currency), moment(bill.at)));
    page.plain(0, &sum(bill));
    let widths = widths(bill);
    let heads = heads(bill);
    let parts = [
        ("Cells", &bill.cells),
        ("Shared accounts", &bill.shared),
        ("Other accounts of the organization", &bill.others),
    ];
    for (title, lines) in parts.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        page.title(title);
        row(page, &heads.iter().map(|head| (head.clone(), Some(Tone::Strong))).collect::<Vec<_>>(), &widths);
        for line in lines {
            row(page, &cells(line, bill.months.len()), &widths);
        }
        if lines.len() > 1 {
            let sum = |at: usize| lines.iter().filter_map(|line| line.amounts.get(at)).copied().sum::<Money>();
            let mut cells = vec![("together".to_owned(), Some(Tone::Quiet)), (String::new(), None)];
            cells.extend((0..bill.months.len()).map(|at| (sum(at).short(), None)));
            row(page, &cells, &widths);
        }
    }
    if bill.months.last().is_some_and(|month| month.running) {
        page.blank();
        page.plain(0, "* not over yet: AWS's figures are up to a day behind, and may still change");
    }
}

/// The total, over what budgets are, and what it took to know.
pub(super) fn sum(bill: &Bill) -> String {
    let totals = bill.months.iter().zip(&bill.total);
    let totals: Vec<String> = totals.map(|(month, total)| format!("{} in {}", total.short(), month.month)).collect();
    let budgets = |of: Standing| bill.cells.iter().filter(|line| state(line) == Some(of)).count();
    let will =
        bill.cells.iter().filter(|line| line.budget.as_ref().is_some_and(|budget| budget.will_be_over)).count();
    let mut parts = vec![format!("all accounts: {}", totals.join(", "))];
    let told = [
        (budgets(Standing::Over), "over its budget", "over their budgets"),
        (budgets(Standing::Alert), "near its budget", "near their budgets"),
        (
            will,
            "over its budget by the end of the month, at this rate",
            "over their budgets by the end of the month, at this rate",
        ),
    ];
    for (count, one, many) in told.into_iter().filter(|(count, ..)| *count > 0) {
        parts.push(format!("{} {}", counted(count, "cell"), if count == 1 { one } else { many }));
    }
    parts.push(format!("asked by {}", counted(bill.requests, "request")));
    parts.join("; ")
}

fn state(line: &Line) -> Option<Standing> {
    line.budget.as_ref().map(|budget| budget.state)
}

fn heads(bill: &Bill) -> Vec<String> {
    let months = bill.months.iter().map(|month| format!("{}{}", month.month, if month.running { "*" } else { "" }));
    let fixed = [String::new(), "ACCOUNT".to_owned()].into_iter();
    fixed.chain(months).chain(["BUDGET".to_owned()]).collect()
}

fn cells(line: &Line, months: usize) -> Vec<(String, Option<Tone>)> {
    let label = label(&line.of);
    let name = match label.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", label.get(..end).unwrap_or(&label)),
        None => label,
    };
    let mut cells =
        vec![(name, None), (line.account.as_deref().map_or_else(|| "-".to_owned(), visible::whole), None)];
    cells.extend(
        (0..months).map(|at| (line.amounts.get(at).map_or_else(|| "-".to_owned(), |amount| amount.short()), None)),
    );
    let note = line.note.as_ref().map(|note| (visible::text(note), Some(Tone::Quiet)));
    cells.extend(line.budget.as_ref().map(budget).or(note));
    cells
}

/// The label of a cell or an account of the program; another account has its name.
pub(super) fn label(of: &str) -> String {
    if address::kind(of).is_some() { address::label(of) } else { visible::text(of) }
}

/// `52% of 2,000.00, and 2,311.20 at this rate`
pub(super) fn budget(budget: &Against) -> (String, Option<Tone>) {
    let mut text = match budget.percent {
        Some(percent) => format!("{percent}% of {} USD", budget.monthly.short()),
        None => format!("of {} USD: the bill is in another currency", budget.monthly.short()),
    };
    match (budget.state, &budget.passed) {
        (Standing::Over, _) => text.push_str(", over"),
        (Standing::Alert, Some(passed)) => text.push_str(&format!(", past {passed}")),
        _ => {}
    }
    if let Some(rate) = budget.at_this_rate.filter(|_| budget.will_be_over) {
        text.push_str(&format!(", and {} at this rate", rate.short()));
    }
    let tone = match budget.state {
        Standing::Over => Some(Tone::Alarm),
        Standing::Alert => Some(Tone::Warning),
        _ if budget.will_be_over => Some(Tone::Warning),
        Standing::Under | Standing::Incomparable => None,
    };
    (text, tone)
}

/// The widths of the columns, the same in every part.
fn widths(bill: &Bill) -> Vec<usize> {
    let lines = bill.cells.iter().chain(&bill.shared).chain(&bill.others);
    let mut widths: Vec<usize> = heads(bill).iter().map(|head| head.chars().count()).collect();
    if let Some(first) = widths.first_mut() {
        *first = (*first).max("together".len());
    }
    for line in lines {
        for (width, (text, _)) in widths.iter_mut().zip(cells(line, bill.months.len())) {
            *width = (*width).max(text.chars().count());
        }
    }
    // Sums are wider than what they are of.
    for (width, total) in widths.iter_mut().skip(2).zip(&bill.total) {
        *width = (*width).max(total.short().chars().count());
    }
    widths
}

/// A line: amounts stand to the right of their columns.
fn row(page: &mut Page, cells: &[(String, Option<Tone>)], widths: &[usize]) {
    let months = 2..widths.len().saturating_sub(1);
    let cell = |(at, ((text, tone), width)): (usize, (&(String, Option<Tone>), &usize))| {
        let padding = if months.contains(&at) { width.saturating_sub(text.chars().count()) } else { 0 };
        (format!("{}{text}", " ".repeat(padding)), *tone, *width)
    };
    let cells: Vec<_> = cells.iter().zip(widths).enumerate().map(cell).collect();
    page.cells(1, &cells);
}
