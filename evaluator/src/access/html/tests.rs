//! What is in the page; what it looks like is seen in a browser.

#![allow(clippy::unwrap_used, reason = "a test fails so")]

use super::super::samples::{big, empty, hostile, one_of_each};
use super::*;
use crate::terminal::visible;

/// What stands between the first `before` and the next `after`.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

#[test]
fn the_policy_lets_in_only_what_is_in_the_page() {
    let page = page(&one_of_each());
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(page.rsplit_once("<script>").unwrap().1.split_once("</script>").unwrap().0);
    let wanted =
        format!("default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'");
    assert_eq!(policy, wanted);
    for foreign in ["http://", "https://", " style=", " onclick=", "url(", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn the_data_is_the_entries_and_cannot_end_its_element() {
    for review in [one_of_each(), hostile(), big(30, 5)] {
        let page = page(&review);
        let data = between(&page, "<script type=\"application/json\" id=\"review\">", "</script>");
        assert!(data.chars().all(|c| c != '<' && !visible::is_hidden(c)));
        let read: serde_json::Value = serde_json::from_str(data).unwrap();
        let shown = entries(&review).len() + waived(&review).flat_map(of_row).count();
        assert_eq!(read.as_array().unwrap().len(), shown);
        assert_eq!(page.matches("data-entry=").count(), shown);
        let back: Vec<Delta> = serde_json::from_value(read[0]["gained"].clone()).unwrap();
        let first = entries(&review)[0].gained.iter().map(|delta| (*delta).clone()).collect::<Vec<_>>();
        assert_eq!(back, first);
    }
}

#[test]
fn what_is_foreign_is_no_markup() {
    let page = page(&hostile());
    let body = between(&page, "<body>", "<script type");
    for markup in ["<img", "<script", "</script", "onerror=alert(1)>", "<!--"] {
        assert!(!body.contains(markup), "{markup}");
    }
    assert!(!page.chars().any(|c| c != '\n' && visible::is_hidden(c)));
    assert!(!page.contains("{{"), "every place of the template is filled");
}

#[test]
fn every_row_has_one_place_that_links_lead_to() {
    for review in [one_of_each(), big(30, 5)] {
        let page = page(&review);
        for row in &review.principals {
            assert_eq!(page.matches(&format!(" id=\"{}\"", row.fingerprint)).count(), 1);
        }
        let links = page.split("href=\"#").skip(1).map(|rest| rest.split_once('"').unwrap().0);
        for link in links {
            assert_eq!(page.matches(&format!(" id=\"{link}\"")).count(), 1, "{link}");
        }
    }
}

#[test]
fn cells_in_which_the_same_happens_are_one_column() {
    let page = page(&big(10, 3_000));
    let table = between(&page, "<table ", "</table>");
    assert_eq!(table.matches("<th scope=\"col\">").count(), 1, "all cells are alike");
    assert!(table.contains("<summary>3000 cells</summary>") && table.contains("<li>and 2500 more</li>"));
    let table = super::page(&one_of_each());
    let table = between(&table, "<table ", "</table>");
    let heads: Vec<&str> =
        table.split("<th scope=\"col\">").skip(1).map(|rest| rest.split_once("</th>").unwrap().0).collect();
    let said: Vec<&str> = heads.iter().map(|head| head.split("</summary>").next().unwrap()).collect();
    assert_eq!(
        said,
        [
            "ledger-prod",
            "pay-prod",
            "use1-01",
            "<details><summary>2 cells",
            "<details><summary>9 cells",
            "<details><summary>16 cells"
        ]
    );
}

#[test]
fn the_page_of_a_large_organization_stays_small_enough_to_send() {
    let page = page(&big(300, 1_000));
    assert!(page.len() < 12 << 20, "{} bytes", page.len());
}

#[test]
fn where_nothing_changes_the_page_says_so() {
    let page = page(&empty());
    assert_eq!(page.matches("<p>Nobody gains or loses.</p>").count(), 2);
    assert!(page.contains("<strong>no review needed</strong>"));
}
