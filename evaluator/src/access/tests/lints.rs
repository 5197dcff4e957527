//! What is found in policies and guards without a cloud.

use super::{FLEET, change, fleet, grant, subject};
use crate::access::findings::{of_guards, over_nobody};
use crate::access::pins::Pins;

fn found(program: &str) -> Vec<String> {
    let subject = subject(program, &Pins::default());
    let faults = subject.lints(&subject.side()).unwrap();
    let line = |fault: &crate::plan::fault::Fault| {
        let at = fault.places.first().map(|(place, _)| place.line).unwrap_or_default();
        format!("{} {at} {}", fault.code.as_str(), fault.message)
    };
    faults.iter().map(line).collect()
}

fn guard(forbid: &str) -> String {
    fleet(&format!("guard g {{ on = cells\n forbid f {{ {forbid} }}\n }}\n"))
}

#[test]
fn a_guard_over_what_does_not_exist_is_told() {
    let line = FLEET.lines().count() + 2;
    let unknown = found(&guard(r#"actions = ["iam:DeleteEverything"], resources = ["*"]"#));
    assert_eq!(
        unknown,
        [format!("W0705 {line} `iam:DeleteEverything` is no action that AWS lists (as of 2026-09-26)")]
    );
    let never = found(&guard(r#"actions = ["s3:GetObject"], resources = ["arn:aws:s3:::bucket"]"#));
    assert!(never.len() == 1 && never[0].starts_with(&format!("W0704 {line}")), "{never:?}");
    assert!(found(&guard(r#"actions = ["iam:*", "s3:GetObject"], resources = ["*"]"#)).is_empty());
    let unless = fleet(
        "guard g { on = cells\n forbid f { actions = [\"s3:GetObject\"], resources = [\"*\"] }\n unless { \"aws:SourceIp\" in 10.0.0.0/8 } }\n",
    );
    assert!(found(&unless).is_empty(), "{:?}", found(&unless));
}

#[test]
fn a_service_control_policy_is_held_against_the_regions_of_the_cells_below_it() {
    let scp = |regions: &str| {
        format!(
            "scp r {{ deny x {{ not_actions = [\"iam:*\"], resources = [\"*\"], when {{ \"aws:RequestedRegion\" not in [{regions}] }} }} }}\n"
        )
    };
    let two = FLEET.replace(
        "cell a { kind = \"alpha\", region = \"us-west-2\"",
        "cell a { kind = \"alpha\", region = \"eu-west-1\"",
    );
    let at_root = two.replace("org o {", "org o { scps = [scp.r], ");
    let missing = found(&format!("{at_root}{}", scp("\"us-west-2\"")));
    assert!(
        missing.len() == 1 && missing[0].starts_with("W0710") && missing[0].contains("`eu-west-1`"),
        "{missing:?}"
    );
    assert!(found(&format!("{at_root}{}", scp("\"us-west-2\", \"eu-west-1\""))).is_empty());
    let at_one = two.replace("cell p {", "cell p { scps = [scp.r], ");
    assert!(found(&format!("{at_one}{}", scp("\"us-west-2\""))).is_empty(), "it holds the one cell only");
}

#[test]
fn a_guard_over_nobody_is_told_where_somebody_has_something() {
    let told = |whom: &str| {
        let guard = format!(
            "guard g {{ on = cells\n {whom}\n forbid f {{ actions = [\"iam:*\"], resources = [\"*\"] }}\n }}\n"
        );
        let set = r#"allow l { actions = ["s3:GetObject"], resources = ["*"] }"#;
        let program = format!("{}{guard}group idle {{}}\n", grant("S", set));
        over_nobody(&change(&program, &program, &Pins::default())).len()
    };
    assert_eq!((told(""), told("principals = [group.dev]")), (0, 0));
    assert_eq!((told("principals = [group.idle]"), told("except = [group.dev]")), (1, 1));
}

#[test]
fn an_undecided_guard_says_what_would_decide_it() {
    let guard = "guard g { on = cells\n forbid f { actions = [\"iam:*\"], resources = [\"*\"] }\n }\n";
    let helps = |set: &str| {
        let program = format!("{}{guard}", grant("S", set));
        let review = change(&program, &program, &Pins::default());
        of_guards(&review)[0].helps.join("; ")
    };
    let managed = helps("managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]");
    assert!(managed.contains("lock --update") && !managed.contains("customer"), "{managed}");
    let customer = helps("customer_managed = [\"team\"]");
    assert!(!customer.contains("lock --update") && customer.contains("customer"), "{customer}");
}

#[test]
fn permissions_are_judged_by_what_decides_access_alone() {
    let text = fleet(
        r#"ou shared {}
account tools { account_id = "444444444444", ou = ou.shared, scps = [scp.r] }
user eve {}
scp r { deny x { actions = ["iam:*"], resources = ["*"] } }
permission_set S { allow all { actions = ["kms:*"], resources = ["*"] } }
permission_set T { managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"], rollout = rollout.steady }
rollout steady { wave all { on = cells, bake = 1h } }
component c { repo = "r", rollout = rollout.steady, deploy cloudformation { template = "t" } }
grant one { to = [group.dev, user.eve], can = permission_set.S, on = [cell.p, cell.a, account.tools] }
grant two { to = group.ops, can = permission_set.T, on = cells, expires = 2027-01-31, reason = "r" }
guard keys { on = cells
  forbid k { actions = ["kms:ScheduleKeyDeletion"], resources = ["*"] }
}
"#,
    );
    let at = jiff::Timestamp::UNIX_EPOCH;
    crate::rules::tests::expanded(&text, |world| {
        let whole = super::Subject::new(world, &crate::resources::derive(world), at, Pins::default());
        let own = super::Subject::of_access(world, at, Pins::default());
        let side = own.side();
        assert_eq!(side, whole.side());
        assert!(!side.given.is_empty() && !side.ends.is_empty() && !side.regions.is_empty(), "{side:?}");
        assert_eq!(own.guarded(&side).unwrap(), whole.guarded(&whole.side()).unwrap());
        assert_eq!(own.lints(&side).unwrap(), whole.lints(&whole.side()).unwrap());
        assert!(own.desired.stacks.is_empty() && own.desired.releases.is_empty());
    });
}
