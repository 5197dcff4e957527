//! What the roles in member accounts need: the reading role of a program does for everything that looks, and nothing that
//! changes; and the policies that `--policy` prints by account do for an apply. A sandbox holds roles to their policies.

use std::collections::BTreeMap;

use cell_tests::momento::{AT, Project, Registry};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws};
use serde_json::Value;

/// An identity that the sandbox holds to a policy.
const HELD: &str = "AKIAHELDTOAPOLICY";
const ACCESS: &str = "OrganizationAccountAccessRole";
const READER: &str = "cellc-reader";

/// The example, applied, on a server of its own.
fn served() -> Result<(Project, Server), String> {
    let mut project = Project::applied(Registry::S3)?;
    let server = Server::start(Some(&project.sandbox()), quick())?;
    project.endpoint = Some(server.url());
    Ok((project, server))
}

fn hold(project: &mut Project, server: &Server, policy: &Value) -> Result<(), String> {
    HELD.clone_into(&mut project.key);
    server.configure(|config| _ = config.identities.insert(HELD.to_owned(), policy.clone()))
}

fn printed(project: &Project) -> Result<Value, String> {
    project.run(&["plan", "--policy", "--at", AT])?.ended(0)?.json()
}

/// Ids of accounts, by name.
fn accounts(server: &Server) -> Result<BTreeMap<String, String>, String> {
    let all = aws::aws(&server.url(), "organizations list-accounts")?;
    let all = all["Accounts"].as_array().ok_or("no accounts")?;
    let text = |account: &Value, name: &str| account[name].as_str().unwrap_or_default().to_owned();
    Ok(all.iter().map(|account| (text(account, "Name"), text(account, "Id"))).collect())
}

/// Leaves the role by which an account is changed this policy and no other.
fn limit(server: &Server, account: &str, policy: &Value) -> Result<(), String> {
    server.configure(|config| config.enforce_roles = false)?;
    let env = aws::as_role(&aws::environment(&server.url()), account, ACCESS)?;
    let attached = aws::all_as(&env, &[format!("iam list-attached-role-policies --role-name {ACCESS}")])?;
    let attached = attached[0]["AttachedPolicies"].as_array().cloned().unwrap_or_default();
    let mut commands =
        vec![format!("iam put-role-policy --role-name {ACCESS} --policy-name limit --policy-document '{policy}'")];
    commands.extend(
        attached
            .iter()
            .filter_map(|policy| policy["PolicyArn"].as_str())
            .map(|arn| format!("iam detach-role-policy --role-name {ACCESS} --policy-arn {arn}")),
    );
    aws::all_as(&env, &commands)?;
    server.configure(|config| config.enforce_roles = true)
}

/// Once the role is in the accounts, who plans enters them by it: it sees all, and cannot be used to change anything.
fn a_reading_role() {
    let (mut project, server) = served().unwrap();
    project
        .edit(&[(
            "  home_region = \"us-west-2\"\n",
            &format!("  home_region = \"us-west-2\"\n  reader_role = \"{READER}\"\n"),
        )])
        .unwrap();
    project.apply(&[]).unwrap();
    server.configure(|config| config.enforce_roles = true).unwrap();
    let policy = printed(&project).unwrap();
    let of = |side: &str| policy[side].to_string();
    assert!(of("plan").contains(READER) && !of("plan").contains(ACCESS), "{policy:#}");
    assert!(of("apply").contains(ACCESS) && !of("apply").contains(READER), "{policy:#}");

    // Under just that all is read: what is there is as wanted, and what somebody changes is seen.
    hold(&mut project, &server, &policy["plan"]).unwrap();
    project.settled(&[]).unwrap();
    let shown = project.run(&["plan", "--at", AT]).unwrap().ended(0).unwrap().stdout;
    assert!(!shown.contains("could not be read"), "{shown}");
    project.run(&["status"]).unwrap().ended(0).unwrap();
    let alpha = accounts(&server).unwrap()["alpha"].clone();
    let admin = aws::as_role(&aws::environment(&server.url()), &alpha, ACCESS).unwrap();
    let delete = "cloudformation delete-stack --stack-name cellc-alpha".to_owned();
    let mut held = aws::environment(&server.url());
    held.iter_mut().filter(|(name, _)| name == "AWS_ACCESS_KEY_ID").for_each(|(_, key)| HELD.clone_into(key));
    let reader = aws::as_role(&held, &alpha, READER).unwrap();
    let refused = aws::all_as(&reader, std::slice::from_ref(&delete)).unwrap_err();
    assert!(refused.contains("not authorized"), "{refused}");
    let refused = aws::as_role(&held, &alpha, ACCESS).unwrap_err();
    assert!(refused.contains("not authorized"), "{refused}");
    let found = aws::all_as(&admin, &["cloudformation get-template --stack-name cellc-alpha".to_owned()]).unwrap();
    let other = found[0]["TemplateBody"].to_string().replace("\"Threshold\":20", "\"Threshold\":21");
    assert!(other.contains("\"Threshold\":21"), "{other}");
    let update = "cloudformation update-stack --capabilities CAPABILITY_NAMED_IAM --stack-name cellc-alpha";
    let settled = "cloudformation wait stack-update-complete --stack-name cellc-alpha".to_owned();
    let tags = "--tags Key=cellc:address,Value=stack.cell/alpha";
    let kept = ["Deployment", "Monitoring"]
        .map(|account| format!("ParameterKey=AccountAccount00{account},UsePreviousValue=true"))
        .join(" ");
    project.put("other.json", &other).unwrap();
    let body = project.path().join("other.json");
    aws::all_as(
        &admin,
        &[format!("{update} {tags} --parameters {kept} --template-body file://{}", body.display()), settled],
    )
    .unwrap();
    let drift = project.run(&["drift"]).unwrap();
    assert_eq!(drift.status, 2, "{}", drift.stdout);
    assert!(drift.stdout.contains("AlarmSlow"), "{}", drift.stdout);
}

/// A reviewed plan brings the reading role to accounts that lack it, and brings it back where its stack was deleted: they
/// cannot be looked at before, and the plan says so.
fn a_reading_role_by_saved_plans() {
    let (mut project, server) = served().unwrap();
    let named = format!("  home_region = \"us-west-2\"\n  reader_role = \"{READER}\"\n");
    project.edit(&[("  home_region = \"us-west-2\"\n", &named)]).unwrap();
    server.configure(|config| config.enforce_roles = true).unwrap();
    let policy = printed(&project).unwrap();
    let held = |project: &mut Project, side: &str| hold(project, &server, &policy[side]);
    let unread = |plan: &Value| -> Vec<String> {
        let changes = plan["changes"].as_array().cloned().unwrap_or_default();
        let unread = changes.iter().filter(|change| change["unread"] == true);
        unread.filter_map(|change| change["address"].as_str()).map(str::to_owned).collect()
    };
    let by_plan = |project: &mut Project| {
        held(project, "plan")?;
        let plan = project.plan(&["--out", "p.json"])?;
        let shown = project.run(&["show", "p.json"])?.ended(0)?.stdout;
        aws::KEY.clone_into(&mut project.key);
        project.run(&["apply", "--plan", "p.json", "--yes"])?.ended(0)?;
        Ok::<_, String>((plan, shown))
    };

    // Nobody can look yet.
    let (plan, shown) = by_plan(&mut project).unwrap();
    assert!(unread(&plan).contains(&"stack.cell/alpha".to_owned()), "{shown}");
    assert!(shown.contains("it could not be looked at: the role for that comes with it"), "{shown}");
    let again = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(0).unwrap();
    again.says(&["the plan was carried out already"]).unwrap();
    held(&mut project, "plan").unwrap();
    project.settled(&[]).unwrap();
    project.run(&["drift"]).unwrap().ended(0).unwrap();

    // What was planned unseen does not undo what was applied since.
    std::fs::copy(project.path().join("p.json"), project.path().join("old.json")).unwrap();
    aws::KEY.clone_into(&mut project.key);
    project.edit(&[("  above = 20\n", "  above = 25\n")]).unwrap();
    project.apply(&[]).unwrap();
    let stale = project.run(&["apply", "--plan", "old.json", "--yes"]).unwrap().ended(1).unwrap();
    stale.says(&["E0601", "stack.cell/alpha was applied meanwhile"]).unwrap();
    project.settled(&[]).unwrap();

    // Somebody deletes one of the stacks.
    let alpha = accounts(&server).unwrap()["alpha"].clone();
    let admin = aws::as_role(&aws::environment(&server.url()), &alpha, ACCESS).unwrap();
    let gone = ["delete-stack", "wait stack-delete-complete"]
        .map(|command| format!("cloudformation {command} --stack-name cellc-alpha"));
    aws::all_as(&admin, &gone).unwrap();
    let drift = project.run(&["drift"]).unwrap();
    assert_eq!(drift.status, 2, "{}", drift.stdout);
    let plan = project.run(&["plan", "--detailed-exitcode", "--at", AT]).unwrap();
    assert_eq!(plan.status, 2, "{}", plan.stdout);
    let (plan, shown) = by_plan(&mut project).unwrap();
    assert_eq!(unread(&plan), ["stack.cell/alpha"], "{shown}");
    held(&mut project, "plan").unwrap();
    project.settled(&[]).unwrap();
    let found = aws::all_as(&admin, &["cloudformation describe-stacks --stack-name cellc-alpha".to_owned()]).unwrap();
    assert_eq!(found[0]["Stacks"][0]["StackStatus"], "CREATE_COMPLETE");

    // Somebody deletes the role and leaves its stack, which CloudFormation has as it was.
    let policies = aws::all_as(&admin, &[format!("iam list-role-policies --role-name {READER}")]).unwrap();
    let inline = policies[0]["PolicyNames"].as_array().cloned().unwrap_or_default();
    let mut delete: Vec<String> = inline
        .iter()
        .filter_map(|name| name.as_str())
        .map(|name| format!("iam delete-role-policy --role-name {READER} --policy-name {name}"))
        .collect();
    delete.push(format!("iam delete-role --role-name {READER}"));
    aws::all_as(&admin, &delete).unwrap();
    let (plan, shown) = by_plan(&mut project).unwrap();
    assert_eq!(unread(&plan), ["stack.cell/alpha"], "{shown}");
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains("somebody deleted the role: take `reader_role` out of `org`, apply, put it back, and apply"),
        "{shown}"
    );
    project.edit(&[(named.as_str(), "  home_region = \"us-west-2\"\n")]).unwrap();
    project.apply(&[]).unwrap();
    project.edit(&[("  home_region = \"us-west-2\"\n", named.as_str())]).unwrap();
    project.apply(&[]).unwrap();
    held(&mut project, "plan").unwrap();
    project.settled(&[]).unwrap();

    // Where nobody lets the caller in, it is the caller.
    HELD.clone_into(&mut project.key);
    let mut narrow = policy["plan"].clone();
    let statements = narrow["Statement"].as_array_mut().unwrap();
    statements.retain(|statement| statement["Sid"] != "EnterAccounts");
    hold(&mut project, &server, &narrow).unwrap();
    let plan = project.plan(&[]).unwrap();
    assert_eq!(unread(&plan), Vec::<String>::new());
    let shown = project.run(&["plan", "--detailed-exitcode", "--at", AT]).unwrap();
    assert_eq!(shown.status, 4, "{}", shown.stdout);
    assert!(shown.stdout.contains("no account lets the caller in by `reader_role`"), "{}", shown.stdout);
    assert_eq!(project.run(&["drift"]).unwrap().status, 4);
}

/// Who may not enter the accounts is not told that all is done: there is more to do in them.
fn an_apply_that_cannot_look() {
    let (mut project, server) = served().unwrap();
    project.edit(&[("  above = 20\n", "  above = 25\n")]).unwrap();
    project.plan(&["--out", "p.json"]).unwrap();
    let mut narrow = printed(&project).unwrap()["apply"].clone();
    narrow["Statement"].as_array_mut().unwrap().retain(|statement| statement["Sid"] != "EnterAccounts");
    hold(&mut project, &server, &narrow).unwrap();
    let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(4).unwrap();
    let ran = ran.says(&["not all could be read, so that there may be more to do"]).unwrap();
    assert!(ran.stdout.contains("could not be read, and are left alone"), "{}", ran.stdout);
    let stale = project.run(&["apply", "--plan", "p.json", "--yes"]).unwrap().ended(1).unwrap();
    stale.says(&["E0601", "stack.cell/alpha is to update, and nothing can be said of it now"]).unwrap();
    // What can be read is done, and that is not all.
    project.append("\nou later {}\n").unwrap();
    hold(
        &mut project,
        &server,
        &serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"},
        ]}),
    )
    .unwrap();
    let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(4).unwrap();
    assert!(ran.stdout.contains("1 of 1 operations done"), "{}", ran.stdout);
    // A new account is not waited for where it is the caller that may not enter.
    project.append("\ncell late { kind = \"alpha\", region = \"us-west-2\" }\n").unwrap();
    let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(1).unwrap();
    let ran = ran.says(&["stack.cell/late", "with an explicit deny in an identity-based policy"]).unwrap();
    assert!(!ran.stderr.contains("lets nobody in yet"), "{}", ran.stderr);
    aws::KEY.clone_into(&mut project.key);
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
}

/// The roles in the accounts have what is printed for them and no more: an apply goes through, one action less is missed.
fn the_policies_by_account() {
    let (project, server) = served().unwrap();
    project.edit(&[("  above = 20\n", "  above = 25\n")]).unwrap();
    let policy = printed(&project).unwrap();
    let ids = accounts(&server).unwrap();
    let by_account = policy["accounts"].as_object().unwrap();
    assert!(by_account.len() > 5, "{policy:#}");
    let id = |account: &str| ids.get(account.rsplit('.').next().unwrap()).map_or(account, String::as_str).to_owned();
    for (address, both) in by_account {
        limit(&server, &id(address), &both["plan"]).unwrap();
    }
    let planned = project.plan(&[]).unwrap();
    assert_eq!(printed(&project).unwrap(), policy);
    let ran = project.run(&["apply", "--yes", "--at", AT]).unwrap();
    assert_eq!(ran.status, 1, "{}", ran.stdout);
    ran.says(&["not authorized to perform", "cloudformation:DescribeChangeSet"]).unwrap();
    for (address, both) in by_account {
        limit(&server, &id(address), &both["apply"]).unwrap();
    }
    assert_eq!(project.plan(&[]).unwrap()["changes"], planned["changes"], "what was refused changed nothing");
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
}

at_once! {
    roles_in_accounts_may_do_what_is_printed:
    a_reading_role,
    a_reading_role_by_saved_plans,
    an_apply_that_cannot_look,
    the_policies_by_account,
}
