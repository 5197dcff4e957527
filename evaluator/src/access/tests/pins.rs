//! What is pinned changes: AWS's own edits and those of who manages the organization.

use super::{change, grant, line, pinned};
use crate::access::model::{Review, Time, Verdict};
use crate::access::pins::Pins;
use crate::access::text;
use crate::terminal::Look;

const ARN: &str = "arn:aws:iam::aws:policy/PowerUserAccess";
const FILE: &str = "policies/aws/PowerUserAccess.json";

/// Pins of one managed policy, written as `cell.lock` writes it.
fn managed(actions: &[&str]) -> Pins {
    let actions: Vec<String> = actions.iter().map(|action| format!("        \"{action}\"")).collect();
    let document = format!(
        "{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {{\n      \"Effect\": \"Allow\",\n      \"Action\": [\n{}\n      ],\n      \"Resource\": \"*\"\n    }}\n  ]\n}}\n",
        actions.join(",\n")
    );
    Pins {
        managed: [(ARN.to_owned(), document)].into(),
        organization: Some([].into()),
        files: [(ARN.to_owned(), FILE.to_owned())].into(),
        ..Pins::default()
    }
}

/// Pins of one service control policy at the root.
fn foreign(document: Option<&str>) -> Pins {
    let at = |document: &str| ("root".to_owned(), vec![("Guardrail".to_owned(), document.to_owned())]);
    Pins {
        organization: Some(document.map(at).into_iter().collect()),
        files: [("Guardrail".to_owned(), "policies/organization/guardrail.p-1.json".to_owned())].into(),
        ..Pins::default()
    }
}

const DENY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}]}"#;

fn gained(review: &Review) -> Vec<String> {
    review.principals.iter().flat_map(|row| row.gained.iter().map(line)).collect()
}

fn page(review: &Review) -> String {
    let mut out = String::new();
    text::write(review, &Look { verbose: true, width: 120, color: false }, &mut out).unwrap();
    out
}

#[test]
fn a_pin_that_is_bumped_is_a_change_of_access_and_is_named() {
    let program = grant("S", &format!("managed = [\"{ARN}\"]"));
    let review =
        pinned(&program, &managed(&["s3:GetObject"]), &program, &managed(&["s3:GetObject", "iam:CreateUser"]));
    assert_eq!(review.verdict, Verdict::Review);
    assert_eq!(gained(&review), ["MEDIUM writes: iam:CreateUser on *"], "{review:#?}");
    let place = review.principals[0].gained[0].sources[0].place.as_ref().unwrap();
    assert_eq!((place.entity.as_str(), place.file.as_str(), place.line), (ARN, FILE, 4));
    assert!(page(&review).contains(&format!("by {FILE}:4")), "{}", page(&review));
    let back = pinned(&program, &managed(&["s3:GetObject", "iam:CreateUser"]), &program, &managed(&["s3:GetObject"]));
    let source = &back.principals[0].lost[0].sources[0];
    assert_eq!((source.side, source.former), (Time::Before, true));
}

#[test]
fn a_pin_that_says_the_same_otherwise_is_told_as_no_change() {
    let program = grant("S", &format!("managed = [\"{ARN}\"]"));
    let review = pinned(&program, &managed(&["s3:Get*"]), &program, &managed(&["s3:Get*", "s3:GetObject"]));
    assert_eq!(review.verdict, Verdict::None);
    assert_eq!(review.equivalent[0].address, ARN);
}

#[test]
fn a_foreign_policy_that_goes_is_a_limit_weakened() {
    let program = grant("S", r#"allow l { actions = ["s3:*"], resources = ["*"] }"#);
    let review = pinned(&program, &foreign(Some(DENY)), &program, &foreign(None));
    assert_eq!(gained(&review), ["HIGH limit weakened: s3:DeleteBucket on *"]);
    assert!(page(&review).contains("before: policies/organization/guardrail.p-1.json:1"), "{}", page(&review));
}

#[test]
fn to_pin_for_the_first_time_changes_nobodys_access() {
    let program = grant("S", &format!("managed = [\"{ARN}\"]"));
    let review = pinned(&program, &Pins::default(), &program, &managed(&["s3:GetObject"]));
    assert_eq!((review.verdict, review.principals.len()), (Verdict::None, 0));
    assert!(!review.not_modelled.iter().any(|line| line.contains(ARN)), "it is pinned now");
    let foreign = pinned(&program, &Pins::default(), &program, &foreign(Some(DENY)));
    assert!(foreign.principals.is_empty());
}

#[test]
fn what_stands_in_the_former_revision_only_is_marked_as_such() {
    let deny = "deny d { actions = [\"s3:DeleteBucket\"], resources = [\"*\"] }";
    let set = r#"allow l { actions = ["s3:*"], resources = ["*"] }"#;
    let scp = |denies: &str| {
        format!(
            "{}\nscp limits {{ deny k {{ actions = [\"sqs:*\"], resources = [\"*\"] }}\n {denies} }}\n",
            grant("S", set).replace("org o {", "org o { scps = [scp.limits], ")
        )
    };
    let before = format!("# a line\n# another line\n{}", scp(deny));
    let review = change(&before, &scp(""), &Pins::default());
    let page = page(&review);
    let line = before.lines().position(|line| line.contains("deny d")).unwrap() + 1;
    assert!(page.contains(&format!("before: deny D of scp limits (before: main.cell:{line})")), "{page}");
    assert!(!page.contains("deny K"), "it has no part in it: {page}");
    let log: serde_json::Value = serde_json::from_str(&crate::access::sarif::log(&review)).unwrap();
    let result = &log["runs"][0]["results"][0];
    assert_ne!(
        result["locations"][0]["physicalLocation"]["region"]["startLine"], line,
        "no line of another revision"
    );
    assert!(result["message"]["text"].as_str().unwrap().contains(&format!("before: main.cell:{line}")), "{result:#}");
}
