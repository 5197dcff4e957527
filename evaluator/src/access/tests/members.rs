//! People who have something themselves and something by their groups.

use super::{fleet, line, subject};
use crate::access::model::Review;
use crate::access::pins::Pins;
use crate::access::sides::Side;

/// A developer who is in the group of developers.
fn reviewed(before: &str, after: &str) -> Review {
    reviewed_in(&["group.dev"], before, after)
}

fn reviewed_in(groups: &[&str], before: &str, after: &str) -> Review {
    let program = |rest: &str| {
        fleet(&format!(
            r#"user ana {{}}
permission_set Work {{ allow work {{ actions = ["lambda:CreateFunction", "lambda:InvokeFunction"], resources = ["*"] }} }}
grant work {{ to = group.dev, can = permission_set.Work, on = cells }}
permission_set Own {{ allow own {{ actions = ["sqs:ListQueues"], resources = ["*"] }} }}
{rest}"#
        ))
    };
    let (was, now) = (program(before), program(after));
    let (was, now) = (subject(&was, &Pins::default()), subject(&now, &Pins::default()));
    let (mut before, mut after) = (was.side(), now.side());
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    let memberships = [("user.ana".to_owned(), groups)].into();
    Side::join_groups(&mut before, Some(&mut after), Some(&memberships));
    now.compared(&was, (before, after), "revision before", None).unwrap()
}

const OWN: &str = "grant own { to = user.ana, can = permission_set.Own, on = [cell.p] }\n";
const PASS: &str = r#"permission_set Pass { allow pass { actions = ["iam:PassRole"], resources = ["*"] } }
"#;

fn rows(review: &Review) -> Vec<String> {
    let row = |row: &crate::access::model::Row| {
        let paths = row.gained.iter().flat_map(|delta| &delta.risk.paths).map(|path| path.id.as_str());
        format!(
            "{} {} {}",
            row.principal,
            row.gained.iter().map(line).collect::<Vec<_>>().join("; "),
            paths.collect::<Vec<_>>().join(",")
        )
    };
    review.principals.iter().map(row).collect()
}

#[test]
fn what_one_gains_completes_what_ones_group_has() {
    let grant = "grant pass { to = user.ana, can = permission_set.Pass, on = [cell.p] }\n";
    let review = reviewed(OWN, &format!("{OWN}{PASS}{grant}"));
    let [row] = rows(&review).try_into().unwrap();
    assert!(
        row.starts_with("user.ana CRITICAL privilege escalation: iam:PassRole on ") && row.contains("lambda-001"),
        "{row}"
    );
    assert!(!review.not_modelled.iter().any(|line| line.contains("are not read")), "{:?}", review.not_modelled);
}

#[test]
fn what_ones_group_gains_completes_what_one_has() {
    let own = "grant pass { to = user.ana, can = permission_set.Pass, on = [cell.p] }\n";
    let group = "permission_set More { allow more { actions = [\"lambda:UpdateFunctionCode\"], resources = [\"*\"] } }\ngrant more { to = group.dev, can = permission_set.More, on = cells }\n";
    let all = rows(&reviewed(&format!("{PASS}{own}{OWN}"), &format!("{PASS}{own}{OWN}{group}")));
    assert!(all.iter().any(|row| row.starts_with("group.dev ")), "{all:?}");
    let first = "grant pass { to = group.dev, can = permission_set.Pass, on = cells }\n";
    let all = rows(&reviewed(&format!("{PASS}{OWN}"), &format!("{PASS}{OWN}{first}")));
    assert_eq!(all.len(), 1, "the row of the group tells what its member gains: {all:?}");
    assert!(all[0].starts_with("group.dev CRITICAL privilege escalation"), "{all:?}");
}

/// Also where the program gives her nothing herself.
#[test]
fn what_one_group_gains_completes_what_another_has() {
    let elsewhere = "grant own { to = user.ana, can = permission_set.Own, on = [cell.a] }\n";
    let pass = format!("{PASS}grant pass {{ to = group.ops, can = permission_set.Pass, on = [cell.p] }}\n");
    let all = rows(&reviewed_in(&["group.dev", "group.ops"], elsewhere, &format!("{elsewhere}{pass}")));
    let hers = all.iter().find(|row| row.starts_with("user.ana "));
    let hers = hers.unwrap_or_else(|| panic!("{all:?}"));
    assert!(hers.contains("CRITICAL privilege escalation") && hers.contains("lambda-001"), "{hers}");
    // In one of the groups alone she has what the group has.
    let all = rows(&reviewed_in(&["group.ops"], elsewhere, &format!("{elsewhere}{pass}")));
    assert!(all.iter().all(|row| row.starts_with("group.ops ")), "{all:?}");
}

#[test]
fn what_one_has_by_a_group_already_is_no_gain() {
    let again = "grant again { to = user.ana, can = permission_set.Work, on = [cell.p] }\n";
    let review = reviewed(OWN, &format!("{OWN}{again}"));
    assert!(review.principals.is_empty(), "{:?}", rows(&review));
}

/// A guard that is not about a group is not about what the group's members have through it.
#[test]
fn a_guard_excepts_what_members_have_through_the_group() {
    let guard = |except: &str| {
        format!(
            "{OWN}guard g {{ on = cells{except}\n forbid k {{ actions = [\"lambda:*\"], resources = [\"*\"] }}\n }}\n"
        )
    };
    let holds = |except: &str| {
        reviewed(OWN, &guard(except)).guards[0].broken.iter().map(|one| one.principal.clone()).collect::<Vec<_>>()
    };
    assert_eq!(holds(", except = [group.dev]"), Vec::<String>::new());
    assert_eq!(holds(""), ["group.dev", "user.ana"]);
}
