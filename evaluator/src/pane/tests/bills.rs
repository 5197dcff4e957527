//! Whose an account is, and how budgets stand.

use jiff::civil::date;

use super::samples::{Fleet, at};
use crate::pane::bill::{Line, Standing, months};
use crate::pane::{Bill, Money, Period, Spent, bill, bill_text};
use crate::terminal::Look;

const NOW: &str = "2026-06-16T09:00:00Z";

fn spent(of: &[(&str, &str, &str)]) -> Spent {
    let money = |text: &str| text.parse::<Money>().unwrap();
    let may = of.iter().map(|(account, may, _)| ((*account).to_owned(), money(may)));
    let june = of.iter().map(|(account, _, june)| ((*account).to_owned(), money(june)));
    let period = |from, to, estimated, by_account| Period { from, to, estimated, by_account };
    Spent {
        currency: "USD".into(),
        periods: vec![
            period(date(2026, 5, 1), date(2026, 6, 1), false, may.collect()),
            period(date(2026, 6, 1), date(2026, 7, 1), true, june.collect()),
        ],
        names: [("100000000077".to_owned(), "legacy <b>".to_owned())].into(),
        requests: 1,
    }
}

pub(super) fn some() -> Spent {
    spent(&[
        ("100000000001", "40.10", "51"),
        ("100000000002", "1999.999", "2000.01"),
        ("100000000003", "900", "510.5"),
        ("100000000008", "0.02", "0"),
        ("100000000099", "12.5", "6.25"),
        ("100000000077", "3000", "1500"),
        ("111111111111", "7", "-1.5"),
    ])
}

fn made(spent: &Spent) -> Bill {
    let fleet = Fleet::troubled();
    bill(&fleet.desired, &fleet.record, spent, at(NOW))
}

fn line<'b>(lines: &'b [Line], of: &str) -> &'b Line {
    lines.iter().find(|line| line.of == of).unwrap()
}

#[test]
fn every_amount_is_told_once() {
    let bill = made(&some());
    let all = || bill.cells.iter().chain(&bill.shared).chain(&bill.others);
    for (at, total) in bill.total.iter().enumerate() {
        let sum: Money = all().filter_map(|line| line.amounts.get(at).copied()).sum();
        assert_eq!(sum, *total, "month {at}");
    }
    let accounts: Vec<&String> = all().filter_map(|line| line.account.as_ref()).collect();
    let once: std::collections::BTreeSet<&String> = accounts.iter().copied().collect();
    assert_eq!(accounts.len(), once.len());
    assert_eq!(bill.total[1].to_string(), "4066.26");
}

#[test]
fn accounts_are_those_of_cells_shared_ones_and_others() {
    let bill = made(&some());
    let of = |lines: &[Line]| lines.iter().map(|line| line.of.clone()).collect::<Vec<_>>();
    assert_eq!(of(&bill.shared), ["account.images", "management account"]);
    assert_eq!(of(&bill.others), ["down", "legacy <b>"]);
    assert_eq!(line(&bill.others, "down").note.as_deref(), Some("parked; it was cell.down"));
    assert_eq!(line(&bill.cells, "cell.four").amounts, [Money::default(); 2], "what costs nothing is in no answer");
    assert!(line(&bill.cells, "cell.far").amounts.is_empty() && line(&bill.cells, "cell.far").note.is_some());
    assert_eq!(line(&bill.cells, "cell.made").note.as_deref(), Some("it has no account yet"));
}

#[test]
fn budgets_stand_as_the_last_month_says() {
    let bill = made(&some());
    let budget = |cell: &str| line(&bill.cells, cell).budget.clone().unwrap();
    let one = budget("cell.one");
    assert_eq!((one.state, one.passed.as_deref(), one.percent), (Standing::Alert, Some("50%"), Some(51)));
    assert_eq!(one.at_this_rate, Some("102".parse().unwrap()), "51 in 15 days of 30");
    assert!(one.will_be_over);
    let two = budget("cell.two");
    assert_eq!((two.state, two.percent, two.will_be_over), (Standing::Over, Some(100), false));
    let three = budget("cell.three");
    assert_eq!((three.state, three.passed, three.will_be_over), (Standing::Under, None, true));
    assert_eq!(line(&bill.cells, "cell.four").budget, None);
}

#[test]
fn nothing_is_foretold_of_a_month_that_has_hardly_begun_or_is_over() {
    let fleet = Fleet::troubled();
    for now in ["2026-06-04T09:00:00Z", "2026-07-02T09:00:00Z"] {
        let bill = bill(&fleet.desired, &fleet.record, &some(), at(now));
        assert_eq!(line(&bill.cells, "cell.one").budget.as_ref().unwrap().at_this_rate, None, "{now}");
    }
}

#[test]
fn a_bill_in_another_currency_is_compared_with_no_budget() {
    let bill = made(&Spent { currency: "CNY".into(), ..some() });
    let budget = line(&bill.cells, "cell.two").budget.as_ref().unwrap();
    assert_eq!((budget.state, budget.percent), (Standing::Incomparable, None));
}

#[test]
fn months_are_whole_and_the_running_one_is_the_last() {
    let asked = |count, last| months(count, last, at("2026-01-31T23:00:00Z")).unwrap();
    assert_eq!(asked(1, None), (date(2026, 1, 1), date(2026, 2, 1)));
    assert_eq!(asked(3, None), (date(2025, 11, 1), date(2026, 2, 1)));
    assert_eq!(asked(2, Some(date(2025, 12, 1))), (date(2025, 11, 1), date(2026, 1, 1)));
}

#[test]
fn as_people_read_it() {
    let mut out = String::new();
    bill_text::write(&made(&some()), &Look { verbose: false, width: 120, color: false }, &mut out).unwrap();
    insta::assert_snapshot!(out);
}
