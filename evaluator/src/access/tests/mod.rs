//! Reviews of small programs, whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

mod asked;
mod fingerprints;
mod identities;
mod limits;
mod lints;
mod members;
mod pages;
mod pins;
mod places;
pub(crate) mod planted;

use super::ask::{Ask, Can};
use super::model::{Delta, Holds, Review, Verdict};
use super::pins::Pins;
use super::subject::Subject;
use super::{markdown, sarif};
use crate::rules::tests::expanded;

/// A program with its documents as a review sees it.
fn subject(text: &str, pins: &Pins) -> Subject {
    let at = "2026-11-27T00:00:00Z".parse().unwrap();
    expanded(text, |world| Subject::new(world, &crate::resources::derive(world), at, pins.clone()))
}

/// The review of a change from one program to another.
fn change(before: &str, after: &str, pins: &Pins) -> Review {
    pinned(before, pins, after, pins)
}

/// The same where what is pinned changes.
fn pinned(before: &str, was: &Pins, after: &str, pins: &Pins) -> Review {
    subject(after, pins).since(&subject(before, was), "revision before", None).unwrap()
}

/// A fleet of a developer's, an alpha and a production cell.
const FLEET: &str = r#"
org o { management_account = "111111111111", accounts { email = "aws+\(.name)@x.example" } }
group ops {}
group dev {}
cell p { kind = "prod", region = "us-west-2", owner = group.ops }
cell a { kind = "alpha", region = "us-west-2", owner = group.ops }
"#;

fn fleet(rest: &str) -> String {
    format!("{FLEET}{rest}")
}

fn grant(set: &str, statements: &str) -> String {
    fleet(&format!(
        "permission_set {set} {{ {statements} }}\ngrant g {{ to = group.dev\n can = permission_set.{set}\n on = cells }}\n"
    ))
}

/// What a row says, in a line.
fn line(delta: &Delta) -> String {
    let conditions =
        if delta.conditions.is_empty() { String::new() } else { format!(" when {}", delta.conditions.join(" or ")) };
    format!(
        "{} {}: {} on {}{conditions}",
        delta.risk.severity.word(),
        delta.risk.class,
        delta.actions.iter().chain(&delta.future).map(String::as_str).collect::<Vec<_>>().join(", "),
        delta.resources.join(", ")
    )
}

#[test]
fn a_policy_that_says_more_is_a_gain_of_everybody_who_has_it_told_once() {
    let before = grant("Look", r#"allow l { actions = ["s3:GetObject"], resources = ["arn:aws:s3:::logs/*"] }"#);
    let after = grant(
        "Look",
        r#"allow l { actions = ["s3:GetObject", "s3:PutObject"], resources = ["arn:aws:s3:::logs/*"] }"#,
    );
    let review = change(&before, &after, &Pins::default());
    assert_eq!(review.verdict, Verdict::Review);
    let [row] = review.principals.as_slice() else { panic!("{review:#?}") };
    assert_eq!(
        (row.principal.as_str(), row.cells.as_slice()),
        ("group.dev", &["cell.p".to_owned(), "cell.a".to_owned()][..])
    );
    assert!(row.everywhere && row.production == 1 && row.lost.is_empty());
    let gained: Vec<String> = row.gained.iter().map(line).collect();
    assert_eq!(gained, ["LOW writes: s3:PutObject on arn:aws:s3:::logs/*"]);
    let place = row.gained[0].sources[0].place.as_ref().unwrap();
    assert_eq!((place.line, place.entity.as_str()), (7, "permission_set.Look"));
    let witness = row.gained[0].witness.as_ref().unwrap();
    assert_eq!((witness.before.as_str(), witness.after.as_str()), ("deny", "allow"));
}

#[test]
fn what_is_written_otherwise_and_means_the_same_is_no_change() {
    let before = grant("Look", r#"allow l { actions = ["s3:GetObject", "s3:PutObject"], resources = ["*"] }"#);
    let after = grant(
        "Look",
        r#"allow a { actions = ["s3:PutObject"], resources = ["*"] }
           allow b { actions = ["s3:GetObject"], resources = ["*"] }"#,
    );
    let review = change(&before, &after, &Pins::default());
    assert_eq!((review.verdict, review.principals.len()), (Verdict::None, 0));
    assert_eq!(review.equivalent[0].address, "permission_set.Look");
    assert_eq!(review.unchanged, 1);
}

#[test]
fn a_new_grant_is_all_that_the_set_allows_and_its_loss_outlives_it_by_a_session() {
    let set = r#"allow l { actions = ["ec2:DescribeInstances"], resources = ["*"] }"#;
    let before = fleet(&format!("permission_set Look {{ session = 4h\n {set} }}\n"));
    let after = fleet(&format!(
        "permission_set Look {{ session = 4h\n {set} }}\ngrant g {{ to = group.dev\n can = permission_set.Look\n on = cells where .kind == \"alpha\" }}\n"
    ));
    let gained = change(&before, &after, &Pins::default());
    let row = &gained.principals[0];
    assert_eq!(row.sets.given, ["permission_set.Look"]);
    assert_eq!(row.grants[0].entity, "grant.g");
    let lost = change(&after, &before, &Pins::default());
    assert_eq!(lost.verdict, Verdict::None, "nobody gains");
    assert_eq!(lost.principals[0].lost[0].until.as_deref(), Some("PT4H"));
}

#[test]
fn a_guard_that_is_broken_says_who_and_by_which_statement() {
    let guard = "guard no-secrets { on = cells where .kind == \"prod\"\n forbid s { actions = [\"secretsmanager:GetSecretValue\"], resources = [\"*\"] }\n }\n";
    let held = grant("Look", r#"allow l { actions = ["s3:*"], resources = ["*"] }"#);
    let review = change(&held, &format!("{held}{guard}"), &Pins::default());
    assert_eq!(review.guards[0].holds, Holds::Proven);
    assert_eq!((review.guards[0].over.principals, review.guards[0].over.cells), (1, 1));
    let broken =
        grant("Look", r#"allow l { actions = ["*"], resources = ["arn:aws:secretsmanager:*:*:secret:x-*"] }"#);
    let review = change(&held, &format!("{broken}{guard}"), &Pins::default());
    assert_eq!((review.verdict, review.guards[0].holds), (Verdict::Broken, Holds::Broken));
    let breach = &review.guards[0].broken[0];
    assert_eq!((breach.principal.as_str(), breach.cells[0].as_str()), ("group.dev", "cell.p"));
    assert_eq!(breach.allowed.witness.as_ref().unwrap().action, "secretsmanager:GetSecretValue");
    assert_eq!(breach.allowed.sources[0].place.as_ref().unwrap().line, 7);
}

#[test]
fn a_service_control_policy_that_goes_is_a_limit_weakened() {
    let set = r#"allow l { actions = ["s3:*"], resources = ["*"] }"#;
    let scp = "scp no-delete { deny d { actions = [\"s3:DeleteBucket\"], resources = [\"*\"] } }\n";
    let with = grant("Look", set).replace("org o {", "org o { scps = [scp.no-delete], ") + scp;
    let review = change(&with, &grant("Look", set), &Pins::default());
    let gained: Vec<String> = review.principals[0].gained.iter().map(line).collect();
    assert_eq!(gained, ["HIGH limit weakened: s3:DeleteBucket on *"]);
}

#[test]
fn what_is_not_pinned_may_allow_anything() {
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let after = grant("Look", &format!("managed = [\"{arn}\"]"));
    let review = change(&fleet("permission_set Look {}\n"), &after, &Pins::default());
    assert!(review.evidence.may > 0 && review.evidence.proven == 0, "{review:#?}");
    assert!(review.not_modelled.iter().any(|line| line.contains(arn)));
    let document =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    let pins = Pins { managed: [(arn.to_owned(), document.to_owned())].into(), ..Pins::default() };
    let review = change(&fleet("permission_set Look {}\n"), &after, &pins);
    assert!(review.evidence.may == 0 && review.evidence.proven > 0);
}

#[test]
fn a_fingerprint_is_of_the_change_and_not_of_its_lines() {
    let before = grant("Look", r#"allow l { actions = ["s3:GetObject"], resources = ["*"] }"#);
    let after = grant("Look", r#"allow l { actions = ["s3:*Object"], resources = ["*"] }"#);
    let one = change(&before, &after, &Pins::default());
    let moved = change(&before, &format!("\n\n{after}"), &Pins::default());
    assert_eq!(one.fingerprint, moved.fingerprint);
    let other = change(&before, &after.replace("s3:*Object", "s3:*"), &Pins::default());
    assert_ne!(one.principals[0].fingerprint, other.principals[0].fingerprint);
    let print = &one.principals[0].fingerprint;
    let accept = format!(
        "accept \"objects\" {{ change = \"{print}\", reason = \"the logs move\", owner = group.ops, expires = 2027-01-31 }}\n"
    );
    let waived = change(&before, &format!("{after}{accept}"), &Pins::default());
    assert_eq!(waived.verdict, Verdict::None);
    assert_eq!(waived.principals[0].waived.as_ref().unwrap().owner, "group.ops");
    assert_eq!(waived.fingerprint, one.fingerprint, "what is approved is the change");
}

/// A change of whom a service control policy exempts, over cells of known accounts.
fn exempting(cells: usize, home: &str, old: &str, new: &str) -> Review {
    let program = |role: &str| {
        let cell = |n: usize| {
            let id = format!("2222333344{n:02}");
            format!(
                "cell c{n} {{ kind = \"prod\", region = \"eu-west-1\", account_id = \"{id}\", owner = group.dev }}\n"
            )
        };
        let cells = (1..=cells).map(cell).collect::<Vec<_>>().concat();
        format!(
            r#"org o {{ management_account = "111111111111", home_region = "{home}", scps = [scp.x], accounts {{ email = "aws+\(.name)@x.example" }} }}
scp x {{ deny d {{ actions = ["sqs:DeleteQueue"], resources = ["*"], when {{ "aws:PrincipalArn" ArnNotLike ["arn:aws:iam::*:role/{role}"] }} }} }}
group dev {{}}
{cells}permission_set S {{ allow a {{ actions = ["sqs:*"], resources = ["*"] }} }}
grant g {{ to = group.dev, can = permission_set.S, on = cells }}
"#
        )
    };
    change(&program(old), &program(new), &Pins::default())
}

#[test]
fn an_exemption_of_a_role_is_one_row_over_all_cells_and_shown_in_one_of_them() {
    let set = "aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_S_*";
    let review = exempting(40, "eu-central-1", "nothing", set);
    let [row] = review.principals.as_slice() else { panic!("{review:#?}") };
    assert_eq!((row.cells.len(), row.everywhere, review.evidence.cases), (40, true, 2));
    let witness = row.gained[0].witness.as_ref().unwrap();
    assert_eq!(witness.resource, "arn:aws:sqs:eu-west-1:222233334401:x");
    assert_eq!(
        witness.context["aws:PrincipalArn"],
        [
            "arn:aws:iam::222233334401:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_S_0000000000000000"
        ]
    );
    // In `us-east-1` the role has no region in its path, and another set's role is none of this set's.
    for (home, role) in
        [("us-east-1", set), ("eu-central-1", "*/AWSReservedSSO_ST_*"), ("eu-central-1", "break-glass")]
    {
        let review = exempting(2, home, "nothing", role);
        assert!(review.principals.is_empty(), "{home} {role}: {review:#?}");
    }
}

#[test]
fn an_account_that_a_policy_names_is_told_apart() {
    let role = "aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_S_*";
    let named = format!("x\" \"arn:aws:iam::222233334402:role/{role}").replace("\" \"", "\", \"");
    let text = |review: &Review| review.principals.iter().map(|row| row.cells.clone()).collect::<Vec<_>>();
    // A list of two ARNs, one of them in one account.
    let review = exempting(3, "eu-central-1", "nothing", &named);
    assert_eq!(text(&review), [["cell.c2"]], "{review:#?}");
    let witness = review.principals[0].gained[0].witness.as_ref().unwrap();
    assert_eq!(witness.resource, "arn:aws:sqs:eu-west-1:222233334402:x");
}

#[test]
fn a_list_of_regions_of_a_service_control_policy_that_misses_one_is_found() {
    let lints = |on: &str, region: &str| {
        let text = format!(
            r#"org o {{ management_account = "111111111111", accounts {{ email = "aws+\(.name)@x.example" }} }}
group dev {{}}
cell a {{ kind = "alpha", region = "us-west-2", owner = group.dev }}
cell b {{ kind = "alpha", region = "eu-west-1", owner = group.dev, scps = [scp.r] }}
scp r {{ deny x {{ not_actions = ["iam:*"], resources = ["*"], when {{ "aws:RequestedRegion" not in ["{region}"] }} }} }}
"#
        );
        let text = text.replace(", scps = [scp.r]", on);
        expanded(&text, |world| {
            let resources = crate::resources::derive(world);
            let subject = Subject::new(world, &resources, "2026-11-27T00:00:00Z".parse().unwrap(), Pins::default());
            subject.lints(&subject.side()).unwrap().len()
        })
    };
    assert_eq!(lints(", scps = [scp.r]", "us-west-2"), 1);
    assert_eq!(lints(", scps = [scp.r]", "eu-west-1"), 0);
    assert_eq!(lints("", "us-west-2"), 0);
}

#[test]
fn a_question_about_another_accounts_role_is_answered_for_each_account() {
    let text = r#"org o { management_account = "111111111111" }
group dev {}
cell a { kind = "alpha", region = "us-west-2", account_id = "222222222222", owner = group.dev }
cell b { kind = "alpha", region = "us-west-2", account_id = "333333333333", owner = group.dev }
permission_set S { allow pass { actions = ["iam:PassRole"], resources = ["*"] } }
grant g { to = group.dev, can = permission_set.S, on = cells }
"#;
    expanded(text, |world| {
        let resources = crate::resources::derive(world);
        let subject = Subject::new(world, &resources, "2026-11-27T00:00:00Z".parse().unwrap(), Pins::default());
        let can = |account: &str| {
            let ask = Ask {
                principal: Some("group.dev".to_owned()),
                action: "iam:PassRole".to_owned(),
                resource: format!("arn:aws:iam::{account}:role/x"),
                ..Ask::default()
            };
            let answers = subject.ask(&ask).unwrap().answers;
            answers.into_iter().map(|one| (one.can, one.cells)).collect::<Vec<_>>()
        };
        let [a, b] = ["cell.a", "cell.b"].map(str::to_owned);
        assert_eq!(can("222222222222"), [(Can::Yes, vec![a.clone()]), (Can::No, vec![b.clone()])]);
        assert_eq!(can("999999999999"), [(Can::No, vec![a, b])]);
    });
}

#[test]
fn a_broken_guards_request_can_be_replayed_and_says_what_it_was_answered_before() {
    let guard =
        "guard keys { on = cells\n forbid k { actions = [\"kms:ScheduleKeyDeletion\"], resources = [\"*\"] }\n }\n";
    let set = |actions: &str| {
        grant(
            "S",
            &format!(
                "allow a {{ actions = [{actions}], resources = [\"*\"], when {{ \"aws:SourceIp\" in 10.0.0.0/8 }} }}"
            ),
        )
    };
    let (held, none) = (set("\"kms:*\""), set("\"sqs:*\""));
    let with = format!("{held}{guard}");
    let was = |before: &str| {
        let review = change(before, &with, &Pins::default());
        review.guards[0].broken[0].allowed.witness.clone().unwrap().before
    };
    assert_eq!(was(&held), "allow", "nothing changed");
    assert_eq!(was(&none), "deny");
    let review = change(&none, &with, &Pins::default());
    let keys = "aws:SourceIp = 10.0.0.0";
    let log: serde_json::Value = serde_json::from_str(&sarif::log(&review)).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let of = |rule: &str| results.iter().find(|result| result["ruleId"].as_str().unwrap().starts_with(rule)).unwrap();
    let text = of("guard/")["message"]["text"].as_str().unwrap();
    assert!(text.contains(keys), "{text}");
    assert!(of("access/")["message"]["text"].as_str().unwrap().contains(keys));
    let related = &of("guard/")["relatedLocations"][0];
    assert_eq!(related["physicalLocation"]["region"]["startLine"], 7, "where it is allowed: {related}");
    let page = markdown::page(&review);
    let told = page.lines().find(|line| line.starts_with("    - witness")).unwrap();
    assert!(told.contains(keys) && told.contains("before: deny, after: allow"), "{told}");
}

#[test]
fn an_accept_that_waives_nothing_is_told() {
    let before = grant("Look", r#"allow l { actions = ["s3:GetObject"], resources = ["*"] }"#);
    let after = grant("Look", r#"allow l { actions = ["s3:*Object"], resources = ["*"] }"#);
    let print = change(&before, &after, &Pins::default()).principals[0].fingerprint.clone();
    let accept = |label: &str, print: &str, expires: &str| {
        format!(
            "accept {label} {{ change = \"{print}\", reason = \"the logs move\", owner = group.ops, expires = {expires} }}\n"
        )
    };
    let program = format!(
        "{after}{}{}{}",
        accept("old", &print, "2026-01-31"),
        accept("other", "access-000000000000000000000000", "2027-01-31"),
        accept("fits", &print, "2027-01-31")
    );
    let today = Some(jiff::civil::date(2026, 11, 27));
    let (now, then) = (subject(&program, &Pins::default()), subject(&before, &Pins::default()));
    let review = now.since(&then, "revision before", today).unwrap();
    let idle: Vec<String> = review.idle.iter().map(|one| format!("{} {}", one.address, one.text)).collect();
    assert_eq!(idle.len(), 2, "{idle:?}");
    assert!(
        idle[0].starts_with("accept old expired on 2026-01-31: the row")
            && idle[1].starts_with("accept other names no row")
    );
    let mut page = String::new();
    super::text::write(&review, &crate::terminal::Look { verbose: false, width: 200, color: false }, &mut page)
        .unwrap();
    assert!(page.contains("accept old expired") && page.contains("accept other names no row"), "{page}");
}

#[test]
fn a_broken_guard_gives_no_reason_of_somebody_else() {
    let guard = "guard keys { on = cells\n forbid k { actions = [\"kms:*\"], resources = [\"*\"] }\n }\n";
    let more = "permission_set C { customer_managed = [\"team\"] }\ngrant h { to = group.ops\n can = permission_set.C\n on = cells }\n";
    let program = format!("{}{more}{guard}", grant("S", r#"allow a { actions = ["kms:*"], resources = ["*"] }"#));
    let review = change(&program, &program, &Pins::default());
    assert_eq!(review.guards[0].holds, Holds::Broken);
    assert!(review.guards[0].because.is_empty(), "{:?}", review.guards[0].because);
}
