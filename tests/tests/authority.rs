//! Who may do what: planning and applying as the delegated administrator of IAM Identity Center, from whom the
//! management account's own things are kept.

use cell_tests::at_once;
use cell_tests::momento::{AT, Project, exactly};
use cell_tests::sandbox::{Server, quick};

const PROGRAM: &str = r#"edition "2026"

org acme {
  management_account = "111111111111"
  identity_center = "arn:aws:sso:::instance/ssoins-0123456789abcdef"
  home_region = "us-west-2"
  delegated_admin = "333333333333"
}
account payer { account_id = "111111111111" }
account security { account_id = "333333333333", email = "aws+security@acme.example" }
account logs { account_id = "444444444444", email = "aws+logs@acme.example" }
group auditors {}
permission_set Audit {
  description = "Reads everything."
  managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
}
permission_set Billing {
  description = "Reads the bills."
  managed = ["arn:aws:iam::aws:policy/job-function/Billing"]
}
grant audit {
  to = group.auditors
  can = permission_set.Audit
  on = [account.security, account.logs]
}
grant billing {
  to = group.auditors
  can = permission_set.Billing
  on = [account.payer]
}
"#;
const LONGER: (&str, &str) =
    ("description = \"Reads everything.\"", "description = \"Reads everything.\"\n  session = 2h");
const LONGER_BILLING: (&str, &str) =
    ("description = \"Reads the bills.\"", "description = \"Reads the bills.\"\n  session = 2h");

/// The program applied by the management account, on a server of its own.
fn applied() -> Result<(Project, Server), String> {
    let mut project = Project::of(PROGRAM)?;
    // A first look fills the sandbox from the program.
    project.plan(&[])?;
    let server = Server::start(Some(&project.sandbox()), quick())?;
    project.endpoint = Some(server.url());
    project.apply(&[])?;
    project.settled(&[])?;
    "AKIADELEGATED000".clone_into(&mut project.key);
    Ok((project, server))
}

fn who(plan: &serde_json::Value) -> Vec<String> {
    let rows = plan["authority"].as_array().into_iter().flatten();
    let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    rows.map(|row| format!("{} {}: {}", row["operations"], text(row, "who"), text(row, "what"))).collect()
}

/// What concerns members alone is planned, done, read back and settled without the management account: assignments
/// are read by pair, since the list by principal is refused.
fn the_delegate_changes_what_members_have() {
    let (project, server) = applied().unwrap();
    project.settled(&[]).unwrap();
    assert!(server.called("sso-admin:ListAccountAssignments") > 0, "assignments were not read by pair");
    project.edit(&[LONGER, ("[account.security, account.logs]", "[account.logs]")]).unwrap();
    let plan = project.plan(&[]).unwrap();
    let assignment = "delete assignment.Audit/group.auditors/account.security";
    exactly(&plan, &["update permission_set.Audit", assignment]).unwrap();
    assert_eq!(who(&plan), ["3 management account or delegated administrator: IAM Identity Center"]);
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
}

/// What the management account has is refused to the delegate: the plan says so before, the receipt after, and the
/// rest is done all the same.
fn what_the_management_account_has_is_told_and_refused() {
    let (project, _server) = applied().unwrap();
    project.edit(&[LONGER, LONGER_BILLING]).unwrap();
    let plan = project.plan(&[]).unwrap();
    assert_eq!(
        who(&plan),
        [
            "2 management account: permission sets that the management account has",
            "2 management account or delegated administrator: IAM Identity Center",
        ]
    );
    let told = "for the management account to do: 2 operations; the caller is of account 333333333333";
    assert!(plan["findings"].to_string().contains(told), "{}", plan["findings"]);
    let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(1).unwrap();
    ran.says(&["permission_set.Billing", "AccessDeniedException"]).unwrap();
    exactly(&project.plan(&[]).unwrap(), &["update permission_set.Billing"]).unwrap();
}

at_once! {
    planning_and_applying_as_the_delegated_administrator:
    the_delegate_changes_what_members_have,
    what_the_management_account_has_is_told_and_refused,
}
