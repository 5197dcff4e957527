//! What cells cost, as a part of the page. Owns the table; the words of a budget are the text's.

use super::super::bill::{Bill, Line};
use super::super::bill_text::{budget, label, sum};
use super::super::money::Money;
use super::{safe, scroll, tagged};

/// The section of the page.
pub(super) fn section(bill: &Bill) -> String {
    let months = bill.months.iter().map(|month| {
        let running = if month.running { " (so far)" } else { "" };
        format!("<th scope=\"col\" class=\"amount\">{}{running}</th>", safe(&month.month))
    });
    let months: String = months.collect();
    let parts = [("Cells", &bill.cells), ("Shared accounts", &bill.shared), ("Other accounts", &bill.others)];
    let bodies: String = parts
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(title, lines)| body(title, lines, bill.months.len()))
        .collect();
    let totals: String = bill.total.iter().map(|total| amount(Some(total))).collect();
    let table = format!(
        "<table aria-labelledby=\"cost-title\">\n<thead>\n<tr><th scope=\"col\">Of</th><th scope=\"col\">Account</th>{months}\
         <th scope=\"col\">Budget for a month</th></tr>\n</thead>\n{bodies}<tfoot>\n<tr class=\"sum\"><th scope=\"row\">All accounts</th>\
         <td></td>{totals}<td></td></tr>\n</tfoot>\n</table>\n"
    );
    format!(
        "<section id=\"cost\" aria-labelledby=\"cost-title\">\n<h2 id=\"cost-title\">Cost in {}</h2>\n<p>{}</p>\n{}</section>\n",
        safe(&bill.currency),
        safe(&sum(bill)),
        scroll("What cells cost, which scrolls", &table)
    )
}

fn body(title: &str, lines: &[Line], months: usize) -> String {
    let rows: String = lines.iter().map(|line| row(line, months)).collect();
    let sums: String = (0..months)
        .map(|at| amount(Some(&lines.iter().filter_map(|line| line.amounts.get(at)).copied().sum::<Money>())))
        .collect();
    format!(
        "<tbody>\n{rows}<tr class=\"sum\"><th scope=\"row\">{title} together</th><td></td>{sums}<td></td></tr>\n</tbody>\n"
    )
}

fn row(line: &Line, months: usize) -> String {
    let amounts: String = (0..months).map(|at| amount(line.amounts.get(at))).collect();
    let said = match (&line.budget, &line.note) {
        (Some(against), _) => {
            let (text, tone) = budget(against);
            tagged(&text, tone)
        }
        (None, note) => note.as_deref().map(safe).unwrap_or_default(),
    };
    format!(
        "<tr><th scope=\"row\">{}</th><td>{}</td>{amounts}<td>{said}</td></tr>\n",
        safe(&label(&line.of)),
        line.account.as_deref().map(safe).unwrap_or_default()
    )
}

fn amount(amount: Option<&Money>) -> String {
    format!("<td class=\"amount\">{}</td>", amount.map(|amount| amount.short()).unwrap_or_default())
}
