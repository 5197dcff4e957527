//! Changes of what holds everybody: told apart from changes of sets, though both come in one change.

use super::{change, fleet, grant, line, pinned};
use crate::access::model::{Review, Verdict};
use crate::access::pins::Pins;
use crate::access::text;
use crate::terminal::Look;

fn gained(review: &Review) -> Vec<String> {
    let mut all: Vec<String> = review.principals.iter().flat_map(|row| row.gained.iter().map(line)).collect();
    all.sort();
    all
}

/// A set under policies of the root.
fn under(scps: &[&str], set: &str) -> String {
    let attached: Vec<String> = (0..scps.len()).map(|at| format!("scp.l{at}")).collect();
    let written: Vec<String> = scps.iter().enumerate().map(|(at, scp)| format!("scp l{at} {{ {scp} }}\n")).collect();
    let head = format!("org o {{ scps = [{}], ", attached.join(", "));
    format!("{}{}", grant("S", set).replace("org o {", &head), written.concat())
}

const NO_DELETE: &str = r#"deny d { actions = ["s3:DeleteBucket"], resources = ["*"] }"#;

#[test]
fn a_limit_that_goes_is_told_though_the_set_widens_at_once() {
    let set = |actions: &str| format!("allow l {{ actions = [{actions}], resources = [\"*\"] }}");
    let before = under(&[NO_DELETE], &set("\"s3:CreateBucket\""));
    let after = under(&[], &set("\"s3:CreateBucket\", \"s3:DeleteBucket\", \"sqs:PurgeQueue\""));
    let review = change(&before, &after, &Pins::default());
    let all = gained(&review);
    assert!(all.contains(&"HIGH limit weakened: s3:DeleteBucket on *".to_owned()), "{all:?}");
    let sets: Vec<&String> = all.iter().filter(|line| line.contains("sqs:PurgeQueue")).collect();
    assert!(sets.len() == 1 && !sets[0].contains("limit weakened"), "{all:?}");
    let weakened = review.principals[0].gained.iter().find(|delta| delta.risk.class == "limit weakened").unwrap();
    assert!(weakened.sources.iter().any(|source| source.policy == "scp.l0"), "{weakened:#?}");
    assert!(review.limits.is_empty(), "the row names it");
    assert_eq!(review.principals[0].gained[0].risk.class, "limit weakened", "it gives the row its name");
    let mut page = String::new();
    text::write(&review, &Look { verbose: false, width: 120, color: false }, &mut page).unwrap();
    assert!(page.contains("limit weakened [proven]") && page.contains("    as destructive writes"), "{page}");
}

#[test]
fn a_grant_that_lasts_longer_is_told() {
    let set = r#"allow l { actions = ["s3:GetObject"], resources = ["*"] }"#;
    let program = |ends: &str| grant("S", set).replace("on = cells", &format!("on = cells\n {ends}"));
    let told = |was: &str, now: &str| {
        let review = change(&program(was), &program(now), &Pins::default());
        let lines: Vec<String> = review.limits.iter().map(|one| format!("{} {}", one.address, one.text)).collect();
        assert_eq!(review.verdict == Verdict::Review, !lines.is_empty(), "{was} {now}");
        lines
    };
    let day = |day: &str| format!("expires = {day}");
    let (soon, late) = (day("2027-01-31"), day("2027-06-30"));
    assert_eq!(
        told(&soon, &late),
        ["group.dev has permission_set.S in cell.a and 1 more until 2027-06-30, before until 2027-01-31"]
    );
    assert_eq!(
        told(&soon, ""),
        ["group.dev has permission_set.S in cell.a and 1 more without end, before until 2027-01-31"]
    );
    assert_eq!(told(&late, &soon), Vec::<String>::new());
    assert_eq!(told("", &soon), Vec::<String>::new());
    assert_eq!(told(&soon, &soon), Vec::<String>::new());
}

#[test]
fn what_the_set_had_and_the_limit_took_is_told_apart_from_what_the_set_gains() {
    let set = |actions: &str| format!("allow l {{ actions = [{actions}], resources = [\"*\"] }}");
    let before = under(&[NO_DELETE], &set("\"s3:DeleteBucket\""));
    let after = under(&[], &set("\"s3:DeleteBucket\", \"s3:CreateBucket\""));
    let all = gained(&change(&before, &after, &Pins::default()));
    assert_eq!(all.iter().filter(|line| line.contains("limit weakened")).count(), 1, "{all:?}");
    assert!(all.iter().any(|line| line.contains("s3:CreateBucket") && !line.contains("limit")), "{all:?}");
}

#[test]
fn a_boundary_that_goes_is_a_limit_weakened() {
    let arn = "arn:aws:iam::aws:policy/Bound";
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
    let pins = Pins { managed: [(arn.to_owned(), document.to_owned())].into(), ..Pins::default() };
    let set = r#"allow l { actions = ["s3:GetObject", "s3:DeleteObject"], resources = ["*"] }"#;
    let wider = r#"allow l { actions = ["s3:GetObject", "s3:DeleteObject", "sqs:PurgeQueue"], resources = ["*"] }"#;
    let before = grant("S", &format!("boundary = \"{arn}\"\n {set}"));
    let all = gained(&pinned(&before, &pins, &grant("S", wider), &pins));
    // Neither was allowed within the boundary.
    assert_eq!(all, ["HIGH limit weakened: s3:DeleteObject, sqs:PurgeQueue on *"]);
}

#[test]
fn what_another_set_allowed_before_is_no_gain_though_a_boundary_goes() {
    let arn = "arn:aws:iam::aws:policy/Bound";
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}"#;
    let pins = Pins { managed: [(arn.to_owned(), document.to_owned())].into(), ..Pins::default() };
    let program = |boundary: &str, other: &str| {
        let set =
            format!("{boundary} allow l {{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::a/*\"] }}");
        let other = format!(
            "permission_set T {{ allow l {{ actions = [\"{other}\"], resources = [\"arn:aws:s3:::a/x\"] }} }}\n"
        );
        let given = "grant h { to = group.dev\n can = permission_set.T\n on = cells }\n";
        format!("{}{other}{given}", grant("S", &set))
    };
    let before = program(&format!("boundary = \"{arn}\"\n"), "s3:GetObject");
    let review = pinned(&before, &pins, &program("", "s3:PutObject"), &pins);
    assert_eq!(
        gained(&review),
        [
            "HIGH limit weakened: s3:GetObject on arn:aws:s3:::a/* except arn:aws:s3:::a/x",
            "LOW writes: s3:PutObject on arn:aws:s3:::a/x",
        ]
    );
    let weakened = &review.principals[0].gained[0];
    let witness = weakened.witness.as_ref().unwrap();
    assert_ne!(witness.resource, "arn:aws:s3:::a/x");
    assert_eq!((witness.before.as_str(), witness.after.as_str()), ("deny", "allow"));
}

#[test]
fn a_resource_control_policy_that_goes_is_a_limit_weakened() {
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*"}]}"#;
    let pins = |all: &[&str]| Pins {
        organization: Some(std::collections::BTreeMap::new()),
        resources: Some(
            [("root".to_owned(), all.iter().map(|text| ("limit".to_owned(), (*text).to_owned())).collect())].into(),
        ),
        ..Pins::default()
    };
    let set = |actions: &str| grant("S", &format!("allow l {{ actions = [{actions}], resources = [\"*\"] }}"));
    let (before, after) = (set("\"s3:PutObject\""), set("\"s3:PutObject\", \"sqs:PurgeQueue\""));
    let all = gained(&pinned(&before, &pins(&[deny]), &after, &pins(&[])));
    assert!(all.iter().any(|line| line.contains("limit weakened: s3:PutObject")), "{all:?}");
    assert!(all.iter().any(|line| line.contains("sqs:PurgeQueue") && !line.contains("limit")), "{all:?}");
    assert!(all.iter().all(|line| line.contains("limit weakened") || !line.contains("s3:PutObject")), "{all:?}");
    // It is told, too, where it takes nothing from anybody.
    let says = |now: &[&str]| {
        let other = set("\"sqs:PurgeQueue\"");
        let limits = pinned(&other, &pins(&[deny]), &other, &pins(now)).limits;
        limits.iter().map(|one| format!("{} {}", one.address, one.text)).collect::<Vec<_>>()
    };
    assert_eq!(says(&[]), ["limit is no longer attached to root; nobody gains by it now"]);
    let narrower = deny.replace("\"Resource\":\"*\"", "\"Resource\":\"arn:aws:s3:::a/*\"");
    assert_eq!(says(&[&narrower]), ["limit denies less; nobody gains by it now"]);
    assert!(says(&[deny]).is_empty());
}

#[test]
fn a_limit_that_takes_nothing_now_is_mentioned() {
    let set = r#"allow l { actions = ["sqs:ListQueues"], resources = ["*"] }"#;
    let review = change(&under(&[NO_DELETE], set), &under(&[], set), &Pins::default());
    assert_eq!((review.verdict, review.principals.len()), (Verdict::None, 0));
    let limits: Vec<String> = review.limits.iter().map(|one| format!("{} {}", one.address, one.text)).collect();
    assert_eq!(limits, ["scp.l0 is no longer attached to root; nobody gains by it now"]);
    let less = r#"deny d { actions = ["s3:DeleteBucket"], resources = ["arn:aws:s3:::a"] }"#;
    let review = change(&under(&[NO_DELETE], set), &under(&[less], set), &Pins::default());
    assert_eq!(review.limits[0].text, "denies less; nobody gains by it now");
    let more = change(&under(&[less], set), &under(&[NO_DELETE], set), &Pins::default());
    assert!(more.limits.is_empty());
}

#[test]
fn a_guard_that_goes_or_forbids_less_is_mentioned() {
    let guard = |on: &str, actions: &str, more: &str| {
        format!(
            "{}guard g {{ on = {on}\n forbid f {{ actions = [{actions}], resources = [\"*\"] }}\n {more} }}\n",
            fleet("")
        )
    };
    let before = guard("cells", "\"iam:*\"", "");
    let says = |after: &str| {
        let limits = change(&before, after, &Pins::default()).limits;
        limits.iter().map(|one| format!("{} {}", one.address, one.text)).collect::<Vec<_>>()
    };
    assert_eq!(says(&fleet("")), ["guard.g is gone"]);
    assert_eq!(says(&guard("cells", "\"iam:Get*\"", "")), ["guard.g forbids less"]);
    assert_eq!(
        says(&guard("cells where .kind == \"prod\"", "\"iam:*\"", "except = [group.ops]")),
        ["guard.g holds over fewer cells, and is about fewer principals"]
    );
    assert!(says(&guard("cells", "\"iam:*\", \"sqs:*\"", "")).is_empty());
}

#[test]
fn only_a_lost_assignment_outlives_in_sessions() {
    let until = |review: &Review| {
        let lost = review.principals.iter().flat_map(|row| &row.lost);
        let mut all: Vec<_> = lost.map(|delta| (delta.actions.join(","), delta.until.clone())).collect();
        all.sort();
        all
    };
    let set = |actions: &str| format!("session = 4h\n allow l {{ actions = [{actions}], resources = [\"*\"] }}");
    let both = set("\"s3:DeleteBucket\", \"sqs:PurgeQueue\"");
    // A policy and a limit are asked at each request.
    let narrowed = change(&grant("S", &both), &grant("S", &set("\"sqs:PurgeQueue\"")), &Pins::default());
    assert_eq!(until(&narrowed), [("s3:DeleteBucket".to_owned(), None)]);
    let limited = change(&under(&[], &both), &under(&[NO_DELETE], &both), &Pins::default());
    assert_eq!(until(&limited), [("s3:DeleteBucket".to_owned(), None)]);
    // An assignment that goes leaves what its policies allow now.
    let nobody = |text: String| text.replace("on = cells", "on = cells where .kind == \"dev\"");
    let taken = change(&grant("S", &both), &nobody(grant("S", &both)), &Pins::default());
    assert!(until(&taken).iter().all(|(_, until)| until.as_deref() == Some("PT4H")) && !until(&taken).is_empty());
    let mixed = change(&under(&[], &both), &nobody(under(&[NO_DELETE], &both)), &Pins::default());
    let at = |action: &str| until(&mixed).into_iter().filter(|(all, _)| all.contains(action)).collect::<Vec<_>>();
    assert!(at("sqs:PurgeQueue").iter().all(|(_, until)| until.is_some()), "{mixed:#?}");
}

#[test]
fn a_limit_that_goes_is_told_of_who_is_given_something_at_once() {
    let set = "allow l { actions = [\"s3:DeleteBucket\", \"sqs:PurgeQueue\"], resources = [\"*\"] }";
    let nobody = |text: String| text.replace("on = cells", "on = cells where .kind == \"dev\"");
    let review = change(&nobody(under(&[NO_DELETE], set)), &under(&[], set), &Pins::default());
    let all = gained(&review);
    assert!(all.iter().any(|line| line.contains("limit weakened") && line.contains("s3:DeleteBucket")), "{all:?}");
    assert!(all.iter().any(|line| line.contains("sqs:PurgeQueue") && !line.contains("limit weakened")), "{all:?}");
    // What holds somebody who is new, and changes nothing, is no part of the change.
    let print = |scp: &str| {
        let review = change(&nobody(under(&[scp], set)), &under(&[scp], set), &Pins::default());
        review.principals[0].fingerprint.clone()
    };
    let other = r#"deny d { actions = ["s3:DeleteBucket", "ec2:RunInstances"], resources = ["*"] }"#;
    assert_eq!(print(NO_DELETE), print(other));
}
