//! What stands around the changes: the sum, the guards, and what is besides.

use super::super::entries::waived;
use super::super::model::{Guard, Holds, Review};
use super::super::phrases;
use super::changes::{list, region};
use super::safe;
use crate::terminal::address;
use crate::words::counted;

/// What the review comes to, in numbers.
pub(super) fn sum(review: &Review) -> String {
    let mut sum = phrases::sum(review);
    let waived = waived(review).count();
    if waived > 0 {
        sum.push_str(&format!("; {} waived", counted(waived, "row")));
    }
    sum
}

/// Every guard: broken ones first and in full.
pub(super) fn guards(review: &Review) -> String {
    if review.guards.is_empty() {
        return "<p>The program has none.</p>".to_owned();
    }
    let mut out = format!("<p>{}</p>\n", safe(&phrases::guards(&review.guards)));
    for holds in [Holds::Broken, Holds::May] {
        review.guards.iter().filter(|guard| guard.holds == holds).for_each(|guard| out.push_str(&one(guard)));
    }
    let proven: Vec<&Guard> = review.guards.iter().filter(|guard| guard.holds == Holds::Proven).collect();
    if !proven.is_empty() {
        let item = |guard: &&Guard| {
            let name = safe(&address::label(&guard.guard));
            let (over, at) = (safe(&phrases::over(guard)), safe(&phrases::place(&guard.place)));
            format!(
                "<li><span class=\"tag proven\">✓ proven</span> {name} <span class=\"where\">{over} ({at})</span></li>"
            )
        };
        let items = proven.iter().map(item).collect::<Vec<_>>().concat();
        out.push_str(&format!("<ul class=\"prints\">{items}</ul>\n"));
    }
    out
}

fn one(guard: &Guard) -> String {
    let (class, sign, edge) = match guard.holds {
        Holds::Broken => ("broken", "✗", "critical"),
        Holds::May => ("may", "?", "may"),
        Holds::Proven => ("proven", "✓", "low"),
    };
    let mut out = format!(
        "<section class=\"guard edge-{edge}\">\n<p><span class=\"tag {class}\">{sign} {}</span> <strong>{}</strong> \
         <span class=\"where\">{} ({})</span></p>\n",
        phrases::holds(guard.holds),
        safe(&address::label(&guard.guard)),
        safe(&phrases::over(guard)),
        safe(&phrases::place(&guard.place))
    );
    if !guard.because.is_empty() {
        let because: Vec<String> = guard.because.iter().map(|reason| safe(reason)).collect();
        out.push_str(&format!("<p>Because {}</p>\n", list(&because)));
    }
    for breach in &guard.broken {
        let cells: Vec<String> = breach.cells.iter().map(|cell| safe(&address::label(cell))).collect();
        out.push_str(&format!(
            "<p>{} in {}, forbidden by {}</p>\n{}",
            safe(&address::with_kind(&breach.principal)),
            list(&cells),
            super::code(&breach.forbid),
            region("is allowed", &breach.allowed)
        ));
    }
    let told: usize = guard.broken.iter().map(|breach| breach.cells.len()).sum();
    if guard.breaches > told {
        out.push_str(&format!("<p>and in {} more places</p>\n", guard.breaches - told));
    }
    out.push_str("</section>\n");
    out
}

/// What changes nothing, what is not managed, and what is not seen.
pub(super) fn besides(review: &Review) -> String {
    let mut out = String::new();
    let equivalent = review.equivalent.iter();
    let equivalent: Vec<String> = equivalent.map(phrases::said_of).collect();
    let idle: Vec<String> = review.idle.iter().map(phrases::said_of).collect();
    let limits: Vec<String> = review.limits.iter().map(phrases::said_of).collect();
    let none = phrases::has_none_unmanaged(review).then(|| "none".to_owned());
    let unmanaged: Vec<String> = review.unmanaged.iter().cloned().chain(none).collect();
    let titles = [
        ("Limits that hold less", &limits),
        ("Accepts that waive nothing", &idle),
        ("No effect: text changes proven equivalent", &equivalent),
        ("Access that cellc does not manage", &unmanaged),
        ("Not modelled", &review.not_modelled),
    ];
    for (title, items) in titles.into_iter().filter(|(_, items)| !items.is_empty()) {
        let items = items.iter().map(|item| format!("<li>{}</li>", safe(item))).collect::<Vec<_>>().concat();
        out.push_str(&format!("<h3>{title}</h3>\n<ul>{items}</ul>\n"));
    }
    if out.is_empty() { "<p>Nothing.</p>".to_owned() } else { out }
}
