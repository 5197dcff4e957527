//! What a fingerprint is of: all of a change, and nothing else.

use super::{change, grant};
use crate::access::model::Review;
use crate::access::pins::Pins;
use crate::access::{sarif, text};
use crate::terminal::Look;

fn print(review: &Review) -> String {
    let [row] = review.principals.as_slice() else { panic!("{review:#?}") };
    row.fingerprint.clone()
}

/// The fingerprint of a change of one set, which everybody in dev has.
fn of(before: &str, after: &str) -> String {
    print(&change(&grant("S", before), &grant("S", after), &Pins::default()))
}

const BASE: &str = r#"allow l { actions = ["sqs:ListQueues"], resources = ["*"] }"#;

fn under(condition: &str) -> String {
    format!(
        "{BASE}\n allow d {{ actions = [\"s3:DeleteObject\"], resources = [\"arn:aws:s3:::data/*\"], when {{ {condition} }} }}"
    )
}

#[test]
fn another_policy_that_is_not_pinned_is_another_change() {
    let managed = |name: &str| of(BASE, &format!("{BASE}\n managed = [\"arn:aws:iam::aws:policy/{name}\"]"));
    assert_ne!(managed("ReadOnlyAccess"), managed("AdministratorAccess"));
    let customer = |name: &str| of(BASE, &format!("{BASE}\n customer_managed = [\"{name}\"]"));
    assert_ne!(customer("one"), customer("two"));
}

#[test]
fn the_tenth_value_of_a_condition_counts_and_is_told() {
    let accounts = |last: &str| {
        let all: Vec<String> = (1..10).map(|n| format!("\"{}\"", n.to_string().repeat(12))).collect();
        under(&format!("\"aws:ResourceAccount\" in [{}, \"{last}\"]", all.join(", ")))
    };
    let (one, other) = (of(BASE, &accounts("999999999990")), of(BASE, &accounts("666666666660")));
    assert_ne!(one, other);
    let review = change(&grant("S", BASE), &grant("S", &accounts("999999999990")), &Pins::default());
    assert!(review.principals[0].gained[0].conditions[0].contains("999999999990"), "{review:#?}");
}

#[test]
fn the_sixth_alternative_counts_and_is_told() {
    let alternatives = |last: &str| {
        let tag = |n: usize, value: &str| {
            format!(
                "allow a{n} {{ actions = [\"s3:DeleteObject\"], resources = [\"*\"], when {{ \"aws:PrincipalTag/t{n}\" == \"{value}\" }} }}"
            )
        };
        let all: Vec<String> = (1..6).map(|n| tag(n, "x")).chain([tag(6, last)]).collect();
        format!("{BASE}\n{}", all.join("\n"))
    };
    assert_ne!(of(BASE, &alternatives("x")), of(BASE, &alternatives("y")));
    let review = change(&grant("S", BASE), &grant("S", &alternatives("y")), &Pins::default());
    let conditions = &review.principals[0].gained[0].conditions;
    assert_eq!(conditions.len(), 6, "{conditions:#?}");
}

#[test]
fn what_is_compared_with_a_variable_counts() {
    let tag = |value: &str| of(BASE, &under(&format!("\"aws:ResourceTag/o\" == \"{value}\"")));
    assert_ne!(tag("${aws:PrincipalTag/team}"), tag("${aws:PrincipalTag/team}/evil"));
}

#[test]
fn what_is_pinned_counts_by_its_content() {
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let of = |action: &str| {
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
        );
        let pins = Pins { managed: [(arn.to_owned(), document)].into(), ..Pins::default() };
        print(&change(&grant("S", BASE), &grant("S", &format!("{BASE}\n managed = [\"{arn}\"]")), &pins))
    };
    assert_ne!(of("s3:GetObject"), of("s3:*"));
    assert_eq!(of("s3:GetObject"), of("s3:getobject"), "actions have no case");
}

#[test]
fn lines_labels_order_and_other_rows_do_not_count() {
    let one = r#"allow d { actions = ["s3:DeleteObject", "s3:PutObject"], resources = ["*"] }"#;
    let split = r#"allow y { actions = ["s3:PutObject"], resources = ["*"] }

        allow x { actions = ["s3:DeleteObject"], resources = ["*"] }"#;
    assert_eq!(of(BASE, one), of(BASE, split));
    let other = "group others {}\ngrant h { to = group.others\n can = permission_set.S\n on = cells }\n";
    let before = grant("S", BASE);
    let after = format!("{}{other}", grant("S", one));
    let review = change(&before, &after, &Pins::default());
    let row = review.principals.iter().find(|row| row.principal == "group.dev").unwrap();
    assert_eq!(row.fingerprint, of(BASE, one));
    let elsewhere = change(
        &before,
        &grant("S", one).replace("on = cells", "on = cells where .kind == \"alpha\""),
        &Pins::default(),
    );
    assert!(elsewhere.principals.iter().all(|row| row.fingerprint != of(BASE, one)));
}

#[test]
fn another_policy_around_it_counts_where_the_change_is_not_told_exactly() {
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let of = |around: &str| {
        let held = format!("{around}\n managed = [\"{arn}\"]");
        let before = grant("S", &held);
        let after =
            grant("S", &format!("{held}\n allow d {{ actions = [\"s3:DeleteObject\"], resources = [\"*\"] }}"));
        let review = change(&before, &after, &Pins::default());
        assert!(review.evidence.may > 0);
        print(&review)
    };
    assert_eq!(of(BASE), of(BASE));
    assert_ne!(of(BASE), of(r#"allow l { actions = ["sqs:ListQueues"], resources = ["arn:aws:sqs:*:*:x"] }"#));
}

#[test]
fn verbose_and_code_scanning_cut_nothing() {
    let accounts: Vec<String> = (0..60).map(|n| format!("\"{:012}\"", 900_000_000_000u64 + n)).collect();
    let after = under(&format!("\"aws:ResourceAccount\" in [{}]", accounts.join(", ")));
    let review = change(&grant("S", BASE), &grant("S", &after), &Pins::default());
    let text = |verbose| {
        let mut out = String::new();
        text::write(&review, &Look { verbose, width: 100, color: false }, &mut out).unwrap();
        out
    };
    assert!(text(true).contains("900000000059") && !text(false).contains("900000000059"));
    assert!(sarif::log(&review).contains("900000000059"));
}
