//! Organizations that exist: written as a program, taken over, their record made anew when it is lost.

use std::collections::BTreeSet;
use std::fs;

use cell_sandbox::{Seed, SeedAccount, SeedAssignment, SeedPolicy, SeedSet};
use cell_tests::momento::{Project, Registry, changes, exactly};
use cell_tests::moto::Moto;
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws, repository};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

const MANAGEMENT: &str = "111111111111";
const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-0123456789abcdef";

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn account(id: &str, name: &str, ou: Option<&str>) -> SeedAccount {
    SeedAccount {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        email: format!("aws+{id}@acme.example"),
        ou: ou.map(str::to_owned),
        ..SeedAccount::default()
    }
}

fn given(set: &str, groups: &[&str], users: &[&str], accounts: &[&str]) -> SeedAssignment {
    SeedAssignment {
        permission_set: set.to_owned(),
        groups: owned(groups),
        users: owned(users),
        accounts: owned(accounts),
    }
}

fn document(statements: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// What years of clicking leave behind.
fn odd() -> Seed {
    let prod = Some("Workloads/Prod");
    let dev = Some("Workloads/Dev");
    let mut tagged = account("222222222204", "Dev Ana", dev);
    tagged.tags = [("team", "pay ments"), ("Büro", "Köln")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let all = ["222222222201", "222222222202", "222222222203", "222222222208", MANAGEMENT, "222222222209"];
    Seed {
        management_account: Some(MANAGEMENT.to_owned()),
        instance_arn: Some(INSTANCE.to_owned()),
        home_region: Some("us-west-2".to_owned()),
        groups: owned(&["Developers", "developers-2", "for", "Ops \"night\" / shift", "支付", "idle"]),
        users: owned(&["ana@acme.example", "ana@other.example", "where", "O'Neil \\ co"]),
        ous: owned(&["Workloads/Prod", "Workloads/Dev", "Empty", "if", "prod", "Prod", "a b", "a/../b"]),
        accounts: vec![
            account("222222222201", "pay-a", prod),
            account("222222222202", "pay-b", prod),
            account("222222222203", "pay-c", prod),
            account("222222222208", "pay-d \"old\"", prod),
            tagged,
            account("222222222205", "Dev Raj's \"box\"", dev),
            account("222222222206", "LOGS", None),
            account("222222222207", "Logs", None),
            account("222222222209", "gone soon", None),
        ],
        service_control_policies: vec![
            SeedPolicy {
                name: "Deny Leave / \"root\"".to_owned(),
                description: "No leaving,\never.".to_owned(),
                content: document(
                    &json!({ "Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*" }),
                ),
                targets: owned(&["", "Workloads/Prod", "222222222209"]),
            },
            SeedPolicy {
                name: "if".to_owned(),
                content: document(&json!([{ "Sid": "x1", "Effect": "Deny", "NotAction": ["iam:*", "sts:*"],
                    "Resource": "*", "Condition": {
                        "StringNotEquals": { "aws:RequestedRegion": ["eu-west-1"] },
                        "ArnNotLikeIfExists": { "aws:PrincipalArn": "arn:aws:iam::*:role/x" } } }])),
                targets: owned(&["222222222201"]),
                ..SeedPolicy::default()
            },
            SeedPolicy {
                name: "of 2008".to_owned(),
                content: json!({ "Version": "2008-10-17", "Statement": [
                    { "Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*" }] })
                .to_string(),
                ..SeedPolicy::default()
            },
        ],
        permission_sets: vec![
            SeedSet {
                name: "Admin".to_owned(),
                managed_policies: owned(&["arn:aws:iam::aws:policy/AdministratorAccess"]),
                session_duration: Some("PT8H".to_owned()),
                ..SeedSet::default()
            },
            SeedSet {
                name: "admin".to_owned(),
                description: Some("All of it.".to_owned()),
                inline_policy: Some(document(&json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }))),
                ..SeedSet::default()
            },
            SeedSet {
                name: "Read.Only,x".to_owned(),
                inline_policy: Some(document(&json!([
                    { "Effect": "Deny", "Action": "s3:GetObject", "Resource": "*" },
                    { "Sid": "VisualEditor0", "Effect": "Allow", "Action": ["s3:List*", "s3:Get*"],
                      "Resource": ["arn:aws:s3:::x/${aws:username}/*", "arn:aws:s3:::x"] }]))),
                ..SeedSet::default()
            },
            // A bell, which the API takes no more and a program does not say.
            SeedSet {
                name: "Unsaid".to_owned(),
                description: Some("read\u{7}only".to_owned()),
                ..SeedSet::default()
            },
            SeedSet { name: "none".to_owned(), session_duration: Some("PT90M".to_owned()), ..SeedSet::default() },
            SeedSet {
                name: "2fa+@=".to_owned(),
                inline_policy: Some(
                    json!({ "Version": "2008-10-17", "Id": "old", "Statement": [
                        { "Effect": "Allow", "Action": "iam:ListMFADevices", "Resource": "*" }] })
                    .to_string(),
                ),
                ..SeedSet::default()
            },
        ],
        assignments: vec![
            given("Admin", &["Developers"], &["ana@acme.example"], &all),
            given("Unsaid", &["Developers"], &[], &["222222222205"]),
            given("Read.Only,x", &["Developers", "for", "支付"], &[], &["222222222204", "222222222205"]),
            given(
                "2fa+@=",
                &["Ops \"night\" / shift", "developers-2"],
                &["where", "ana@other.example", "O'Neil \\ co"],
                &["222222222204"],
            ),
        ],
        ..Seed::default()
    }
}

/// A server with this in it, and an empty project that looks at it.
fn around(seed: &Seed) -> Result<(Project, Server), String> {
    let server = Server::start(None, quick())?;
    server.seed(seed)?;
    Ok((looking_at(&server)?, server))
}

pub(super) fn looking_at(server: &Server) -> Result<Project, String> {
    let mut project = Project::of("")?;
    project.endpoint = Some(server.url());
    fs::remove_file(project.path().join("main.cell")).map_err(|error| error.to_string())?;
    Ok(project)
}

pub(super) fn program(project: &Project) -> Result<String, String> {
    repository::read(&project.path().join("main.cell"))
}

/// Written, sound, formatted, taken over; nothing is left to do, and nothing but tags was written to AWS.
fn taken_over(project: &Project, server: &Server) -> Result<Value, String> {
    let init = project.run(&["init", "--from-live", "--format", "json"])?.ended(0)?;
    let said = init.json()?;
    if said["differing"] != json!([]) {
        return Err(format!("the program is not as it is: {}", said["differing"]));
    }
    project.run(&["check"])?.ended(0)?;
    project.run(&["fmt", "--check"])?.ended(0)?;
    project.edit(&[(ORG, &hurried())])?;
    let before = server.log()?.len();
    project.run(&["adopt", "--all", "--yes"])?.ended(0)?;
    let deeds: BTreeSet<String> = server.log()?.into_iter().skip(before).filter_map(|entry| write(&entry)).collect();
    if !deeds.iter().all(|deed| deed == "TagResource") {
        return Err(format!("adopting wrote more than tags: {deeds:?}"));
    }
    project.settled(&[])?;
    project.run(&["drift"])?.ended(0)?;
    Ok(said)
}

/// How a program begins what it says of its organization.
const ORG: &str = "org organization {";

/// The same on a server that nobody else uses.
fn hurried() -> String {
    format!("{ORG}\n  limits {{ tps = 1_000, organizations_tps = 1_000 }}")
}

/// The operation of a request that changes something.
fn write(entry: &Value) -> Option<String> {
    let operation = entry["operation"].as_str().unwrap_or_default();
    let reads = ["List", "Describe", "Get", "Head", "AssumeRole"];
    (!reads.iter().any(|read| operation.starts_with(read))).then(|| operation.to_owned())
}

fn what_years_left_behind_is_written_and_taken_over() {
    let (project, server) = around(&odd()).unwrap();
    aws::aws(&server.url(), "organizations close-account --account-id 222222222209").unwrap();
    server.advance(std::time::Duration::from_mins(5)).unwrap();
    let said = taken_over(&project, &server).unwrap();
    let text = program(&project).unwrap();
    for line in [
        "scps = [scp.deny-leave-root]",
        "ou if {}",
        "ou prod {}",
        "defaults in-workloads-prod for account {",
        "name = \"Dev Raj's \\\"box\\\"\"",
        "\"Büro\" = \"Köln\"",
        "group for {}",
        "name = \"支付\"",
        "user ana-other-example { name = \"ana@other.example\" }",
        "name = \"Read.Only,x\"",
        "session = 90m",
        "file = file(\"permission-sets/2fa---.json\")",
        "\"aws:RequestedRegion\" != \"eu-west-1\"",
        "on = accounts where .ou == ou.dev",
        "on = union(accounts where .ou == ou.workloads-prod, [account.management])",
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    // The one that is on its way out is in no grant, and said.
    assert!(!text.contains("222222222209\""), "{text}");
    let left: Vec<&str> =
        said["left"].as_array().unwrap().iter().map(|left| left["what"].as_str().unwrap()).collect();
    assert!(left.iter().any(|what| what.contains("gone soon (222222222209)")), "{left:?}");
    assert!(left.iter().any(|what| what.contains("Admin in account gone soon")), "{left:?}");
    assert!(left.iter().any(|what| what.contains("Unsaid")), "{left:?}");
    assert!(!text.contains("idle"), "a group that is given nothing is not the program's affair:\n{text}");
}

/// More pairs of a set and an account than people: these are asked, and what all of a unit have is said of the unit.
fn a_fleet_is_read_by_its_people() {
    let ids: Vec<String> = (0..70).map(|at| format!("{:012}", 333_333_333_300_u64 + at)).collect();
    let accounts = ids.iter().enumerate().map(|(at, id)| account(id, &format!("cell-{at:02}"), Some("Fleet")));
    let places: Vec<&str> = ids.iter().map(String::as_str).collect();
    let seed = Seed {
        accounts: accounts.collect(),
        groups: owned(&["Operators", "Idle"]),
        users: owned(&["ana"]),
        permission_sets: vec![SeedSet { name: "Look".to_owned(), ..SeedSet::default() }],
        assignments: vec![given("Look", &["Operators"], &["ana"], &places)],
        ous: Vec::new(),
        service_control_policies: Vec::new(),
        ..odd()
    };
    let text = embedded(&seed).unwrap();
    for part in [
        "for name, id in {\n  \"cell-00\" = \"333333333300\",\n",
        "  account \"\\(name)\" using in-fleet { account_id = id }\n",
        "  to = [group.operators, user.ana]\n  can = permission_set.Look\n  on = accounts where .ou == ou.fleet\n",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    assert!(!text.contains("idle"), "{text}");
}

/// The same bytes for the same organization; never over what is there.
fn it_is_written_once_and_always_the_same() {
    let (project, server) = around(&odd()).unwrap();
    project.run(&["init", "--from-live", "--ci", "none", "--name", "acme"]).unwrap().ended(0).unwrap();
    let other = looking_at(&server).unwrap();
    other.run(&["init", "--from-live", "--name", "acme"]).unwrap().ended(0).unwrap();
    let text = program(&project).unwrap();
    assert_eq!(text, program(&other).unwrap());
    assert!(text.contains("org acme {"));
    assert!(other.path().join(".gitlab-ci.yml").exists() && !project.path().join(".gitlab-ci.yml").exists());
    let again = project.run(&["init", "--from-live", "--ci", "none"]).unwrap().ended(1).unwrap();
    again.says(&["main.cell", "there already; nothing was written"]).unwrap();
    assert_eq!(text, program(&project).unwrap());
}

/// A program was applied; its record is lost, and nobody has the program any more.
fn what_another_program_made_is_written_anew() {
    let other = Project::applied(Registry::File).unwrap();
    let server = Server::start(Some(&other.sandbox()), quick()).unwrap();
    let project = looking_at(&server).unwrap();
    let said = taken_over(&project, &server).unwrap();
    assert_eq!(said["left"], json!([]), "the example is nothing that cannot be said");
    let text = program(&project).unwrap();
    assert!(text.contains("permission_set CellOperator {") && text.contains("scp rails-deny-root {"), "{text}");
}

/// A program that says something else of what exists: taken over as it is, and the difference is a plan.
fn a_difference_is_planned_and_not_made_in_silence() {
    let (project, server) = around(&odd()).unwrap();
    project
        .put(
            "main.cell",
            r#"edition "2026"
org acme {
  management_account = "111111111111"
  limits { tps = 1_000, organizations_tps = 1_000 }
}
ou if { tags { owner = "me" } }
account ana { account_id = "222222222204", name = "Ana", tags { team = "other" } }
group developers { name = "Developers" }
permission_set Admin { session = 2h }
permission_set New {}
grant all {
  to = group.developers
  can = permission_set.Admin
  on = [account.ana]
}
"#,
        )
        .unwrap();
    let shown = project.run(&["adopt", "--all"]).unwrap().ended(1).unwrap();
    for word in
        ["3 to adopt", "← if  exists, and is taken over", "left for the next plan, to create: ", "permission_set.New"]
    {
        assert!(shown.stdout.contains(word), "no `{word}` in\n{}", shown.stdout);
    }
    assert!(shown.stderr.contains("E0603"), "nobody said yes:\n{}", shown.stderr);
    let before = server.log().unwrap().len();
    project.run(&["adopt", "--all", "--yes"]).unwrap().ended(0).unwrap();
    let deeds: Vec<String> = server.log().unwrap().iter().skip(before).filter_map(write).collect();
    assert_eq!(deeds, ["TagResource"; 3], "the marks, and nothing else");
    let plan = project.plan(&[]).unwrap();
    let all: Vec<(String, String)> = changes(&plan).into_iter().collect();
    let has = |address: &str, action: &str| all.contains(&(address.to_owned(), action.to_owned()));
    assert!(
        has("account.ana", "update") && has("ou.if", "update") && has("permission_set.Admin", "update"),
        "{all:?}"
    );
    assert!(
        has("permission_set.New", "create") && has("assignment.Admin/group.developers/account.ana", "create"),
        "{all:?}"
    );
    // Never twice: what is in the record is left alone.
    let again = project.run(&["adopt", "--all", "--yes", "--format", "json"]).unwrap().ended(0).unwrap();
    assert_eq!(again.json().unwrap()["changes"], json!([]));
}

/// What one address has is not given to another.
fn what_is_owned_already_is_left() {
    let project = Project::applied(Registry::File).unwrap();
    project.append("\naccount second { account_id = \"222222222222\", ou = ou.prod }\n").unwrap();
    project.edit(&[("account_id = \"222222222222\"", "email = \"aws+alpha@momento.example\"")]).unwrap();
    let ran = project.run(&["adopt", "--all", "--yes"]).unwrap().ended(1).unwrap();
    ran.says(&["E0434", "`account.second` and `cell.alpha` stand for one account, 222222222222"]).unwrap();
}

pub(super) fn record(project: &Project) -> Value {
    let path = project.path().join(".cellc/sandbox/registry.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What is owned, without when and by which run.
fn owned_by(record: &Value) -> Vec<(String, Value)> {
    let all = record["resources"].as_object().unwrap().iter().filter(|(address, _)| *address != "root");
    let of = |(address, entry): (&String, &Value)| {
        let mut entry = entry.clone();
        for field in ["applied_at", "run"] {
            entry.as_object_mut().unwrap().remove(field);
        }
        (address.clone(), entry)
    };
    all.map(of).collect()
}

/// The record is lost: it is made anew, as it was; a planted mark takes nothing.
fn a_lost_record_is_made_anew() {
    let project = Project::applied(Registry::File).unwrap();
    let before = record(&project);
    // One that is there stays.
    let refused = project.run(&["registry", "rebuild", "--yes"]).unwrap().ended(1).unwrap();
    refused.says(&["E0520", "it agrees with the marks"]).unwrap();
    assert_eq!(record(&project), before);
    fs::remove_file(project.path().join(".cellc/sandbox/registry.json")).unwrap();

    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let url = server.url();
    let planted = format!(
        "sso-admin create-permission-set --instance-arn {INSTANCE} --name Mine --tags Key=cellc:address,Value=permission_set.CellOperator"
    );
    let set = aws::aws(&url, &planted).unwrap();
    let arn = set["PermissionSet"]["PermissionSetArn"].as_str().unwrap().to_owned();
    let log = before["resources"]["account.artifacts"]["id"].as_str().unwrap().to_owned();
    aws::aws(
        &url,
        &format!("organizations tag-resource --resource-id {log} --tags Key=cellc:address,Value=cell.nobody"),
    )
    .unwrap();
    let unit = before["resources"]["ou.dev"]["id"].as_str().unwrap();
    aws::aws(
        &url,
        &format!("organizations update-organizational-unit --organizational-unit-id {unit} --name playground"),
    )
    .unwrap();
    drop(server);
    let shown = project.run(&["registry", "rebuild"]).unwrap().ended(1).unwrap();
    let said = shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("marked as cell.nobody, which the program does not have"), "{said}");
    assert!(said.contains("ou.dev is taken by its mark alone, and it is called playground"), "{said}");
    assert!(!project.path().join(".cellc/sandbox/registry.json").exists(), "nobody said yes");
    project.run(&["registry", "rebuild", "--yes"]).unwrap().ended(0).unwrap();
    let after = record(&project);
    assert_ne!(after["resources"]["permission_set.CellOperator"]["id"], arn, "the planted one was taken");
    let without = |all: Vec<(String, Value)>| -> Vec<(String, Value)> {
        all.into_iter().filter(|(address, _)| !address.contains("artifacts") && address != "ou.dev").collect()
    };
    assert_eq!(without(owned_by(&after)), without(owned_by(&before)));
    assert_eq!(after["principals"], before["principals"]);
    assert_eq!(after["cells"], before["cells"]);
    // What lost its mark is found by its e-mail, as with any plan.
    let plan = project.plan(&[]).unwrap();
    let left: Vec<(String, String)> = changes(&plan).into_iter().collect();
    let expected = [("account.artifacts", "adopt"), ("ou.dev", "update")];
    assert_eq!(left, expected.map(|(address, action)| (address.to_owned(), action.to_owned())));
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
}

/// A run that made the record anew was killed after it had written a part: the next one makes it whole. One that says
/// something else than the marks stays.
fn a_record_that_lacks_something_is_made_whole() {
    let project = Project::applied(Registry::File).unwrap();
    let path = project.path().join(".cellc/sandbox/registry.json");
    let before = record(&project);
    let edited = |edit: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut part = before.clone();
        edit(part["resources"].as_object_mut().unwrap());
        fs::write(&path, part.to_string()).unwrap();
    };
    let half = |all: &mut serde_json::Map<String, Value>| {
        let addresses: Vec<String> = all.keys().cloned().collect();
        addresses.iter().skip(addresses.len() / 3).for_each(|address| _ = all.remove(address));
    };
    edited(&half);
    project.run(&["registry", "rebuild", "--yes"]).unwrap().ended(0).unwrap();
    assert_eq!(owned_by(&record(&project)), owned_by(&before));
    project.settled(&[]).unwrap();
    edited(&|all| {
        half(all);
        all["account.artifacts"]["id"] = "999999999999".into();
    });
    let refused = project.run(&["registry", "rebuild", "--yes"]).unwrap().ended(1).unwrap();
    refused.says(&["E0520", "in it as another thing than the one that is marked: account.artifacts"]).unwrap();
}

/// What was renamed since it was marked is known by its `moved` line.
fn what_was_moved_is_known_again() {
    let program = |rest: &str| {
        format!(
            "edition \"2026\"\norg acme {{ management_account = \"111111111111\", accounts {{ email = \"aws+\\(.name)@acme.example\" }} }}\n{rest}"
        )
    };
    let project = Project::of(&program("account tools {}\nou old {}\n")).unwrap();
    project.apply(&[]).unwrap();
    let id = record(&project)["resources"]["account.tools"]["id"].clone();
    fs::remove_file(project.path().join(".cellc/sandbox/registry.json")).unwrap();
    let moved = "account utilities {}\nou new { name = \"old\" }\nmoved { from = \"account.tools\", to = \"account.utilities\" }\nmoved { from = \"ou.old\", to = \"ou.new\" }\n";
    project.put("main.cell", &program(moved)).unwrap();
    project.run(&["registry", "rebuild", "--yes"]).unwrap().ended(0).unwrap();
    assert_eq!(record(&project)["resources"]["account.utilities"]["id"], id);
    exactly(&project.plan(&[]).unwrap(), &["update account.utilities"]).unwrap();
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
}

/// Somebody switches service control policies off at the root, which detaches them all and deletes none.
fn policies_that_are_switched_off_are_there_all_the_same() {
    let mut project = Project::applied(Registry::File).unwrap();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let call = |command: &str| aws::aws(&server.url(), &format!("organizations {command}")).unwrap();
    let root = call("list-roots")["Roots"][0]["Id"].as_str().unwrap().to_owned();
    call(&format!("disable-policy-type --root-id {root} --policy-type SERVICE_CONTROL_POLICY"));
    drop(server);
    let plan = project.plan(&[]).unwrap();
    let attach = changes(&plan);
    let again = |(address, action): &(String, String)| address.starts_with("scp_attachment.") && action == "create";
    assert!(attach.len() > 1 && attach.iter().all(again), "{attach:?}");
    let off = "somebody has switched them off, which took them from all that they held";
    assert!(plan.to_string().contains(off), "{plan}");
    // What is written of such an organization does not switch them on.
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    project.endpoint = Some(server.url());
    let written = project.run(&["init", "--from-live", "live"]).unwrap().ended(0).unwrap();
    project.endpoint = None;
    drop(server);
    let main = fs::read_to_string(project.path().join("live/main.cell")).unwrap();
    assert!(main.contains("these policies are switched off at the root") && !main.contains("\nscp "), "{main}");
    assert!(!written.stderr.contains("not as it is"), "{}", written.stderr);
    // One that goes meanwhile goes in the cloud, too.
    let of_prod = "scp keep-public-access-block {";
    let program = fs::read_to_string(project.path().join("main.cell")).unwrap();
    let (head, tail) = program.split_once(of_prod).unwrap();
    let (_, tail) = tail.split_once("\n}\n").unwrap();
    project
        .put(
            "main.cell",
            &format!("{head}{tail}").replace("ou prod { scps = [scp.keep-public-access-block] }", "ou prod {}"),
        )
        .unwrap();
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let left = aws::aws(&server.url(), "organizations list-policies --filter SERVICE_CONTROL_POLICY").unwrap();
    assert!(!left.to_string().contains("keep-public-access-block"), "{left}");
}

/// Who has what by sets that are nobody's: each with a verdict.
fn unmanaged_access_has_a_verdict() {
    let (project, _server) = around(&odd()).unwrap();
    project
        .put("main.cell", "edition \"2026\"\norg acme { limits { tps = 1_000, organizations_tps = 1_000 } }\ngroup developers { name = \"Developers\" }\naccount pay-a { account_id = \"222222222201\" }\n")
        .unwrap();
    let review =
        project.run(&["review", "--unmanaged", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    let rows = review["unmanaged_access"].as_array().unwrap();
    let row = |principal: &str, set: &str| {
        let found = rows.iter().find(|row| row["principal"] == principal && row["permission_set"] == set);
        found.unwrap_or_else(|| panic!("{principal} has no {set}: {rows:#?}"))
    };
    let admin = row("group.developers", "Admin");
    assert_eq!((&admin["severity"], &admin["class"]), (&json!("critical"), &json!("administrator")));
    assert_eq!(admin["accounts"].as_array().unwrap().len(), 6, "every account, the management account too: {admin}");
    assert!(admin["accounts"].as_array().unwrap().contains(&json!("account.pay-a")));
    let looks = row("group for", "Read.Only,x");
    assert_eq!((&looks["severity"], &looks["class"]), (&json!("low"), &json!("reads")), "{looks}");
    // 2 of Admin, 3 of Read.Only,x, 5 of 2fa+@=.
    assert_eq!(rows.len(), 11, "{rows:#?}");
    let text = project.run(&["review", "--unmanaged", "--verbose"]).unwrap().ended(0).unwrap().stdout;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("group.developers has Admin in account Logs") || text.contains("group.developers has Admin in"),
        "{text}"
    );
    assert!(text.contains(": CRITICAL, administrator"), "{text}");
}

/// moto, which is not ours.
fn an_organization_on_moto_is_written_and_taken_over() {
    let moto = Moto::completed().unwrap();
    let script = repository::root().join("tests/conformance/seed.py");
    let ids = aws::python(&script, &[], &aws::environment(moto.url()), "").unwrap();
    let ids: Value = serde_json::from_str(&ids).unwrap();
    let id = |name: &str| ids[name].as_str().unwrap().to_owned();
    let (instance, store, alpha) = (id("instance"), id("store"), id("alpha"));
    let roots = aws::aws(moto.url(), "organizations list-roots").unwrap();
    let root = roots["Roots"][0]["Id"].as_str().unwrap();
    let made = aws::all(
        moto.url(),
        &[
            format!("organizations create-organizational-unit --parent-id {root} --name Workloads"),
            format!("sso-admin create-permission-set --instance-arn {instance} --name Look --session-duration PT4H"),
            format!("identitystore list-groups --identity-store-id {store}"),
        ],
    )
    .unwrap();
    let unit = made[0]["OrganizationalUnit"]["Id"].as_str().unwrap();
    let set = made[1]["PermissionSet"]["PermissionSetArn"].as_str().unwrap();
    let group = made[2]["Groups"][0]["GroupId"].as_str().unwrap();
    aws::all(
        moto.url(),
        &[
            format!("organizations move-account --account-id {alpha} --source-parent-id {root} --destination-parent-id {unit}"),
            format!("sso-admin attach-managed-policy-to-permission-set --instance-arn {instance} --permission-set-arn {set} --managed-policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess"),
            format!("sso-admin create-account-assignment --instance-arn {instance} --permission-set-arn {set} --target-id {alpha} --target-type AWS_ACCOUNT --principal-type GROUP --principal-id {group}"),
        ],
    )
    .unwrap();
    let mut project = Project::of("").unwrap();
    fs::remove_file(project.path().join("main.cell")).unwrap();
    project.endpoint = Some(moto.url().to_owned());
    project.run(&["init", "--from-live"]).unwrap().ended(0).unwrap();
    project.run(&["adopt", "--all", "--yes"]).unwrap().ended(0).unwrap();
    project.settled(&[]).unwrap();
    let text = program(&project).unwrap();
    assert!(text.contains("permission_set Look {\n  session = 4h") && text.contains("ou = ou.workloads"), "{text}");
}

/// Any organization: written, sound, taken over; the plan is empty.
fn any_organization_is_written_and_taken_over() {
    // More of them: PROPTEST_CASES=200.
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { 5 };
    let mut runner = TestRunner::new(Config { cases, max_shrink_iters: 20, ..Config::default() });
    runner
        .run(&organizations(), |seed| {
            let ended = embedded(&seed);
            ended.map(drop).map_err(TestCaseError::fail)
        })
        .unwrap();
}

/// As [`taken_over`], on the embedded sandbox, which is hurried by nobody's limits.
fn embedded(seed: &Seed) -> Result<String, String> {
    let project = Project::of("")?;
    fs::remove_file(project.path().join("main.cell")).map_err(|error| error.to_string())?;
    Server::start(Some(&project.sandbox()), quick())?.seed(seed)?;
    let done = || -> Result<(), String> {
        let init = project.run(&["init", "--from-live", "--cloud", "sandbox", "--format", "json", "--ci", "none"])?;
        let differing = init.ended(0)?.json()?["differing"].take();
        if differing != json!([]) {
            return Err(format!("the program is not as it is: {differing}"));
        }
        project.run(&["fmt", "--check"])?.ended(0)?;
        project.edit(&[(ORG, &hurried())])?;
        project.run(&["adopt", "--all", "--yes"])?.ended(0)?;
        project.settled(&[])
    };
    done().map_err(|why| format!("{why}\n{}", program(&project).unwrap_or_default()))?;
    program(&project)
}

/// Names as people give them, many of which come to one label.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z][A-Za-z0-9 _.-]{0,18}[A-Za-z0-9]",
        prop::sample::select(vec![
            "if", "for", "Prod", "prod", "PROD", "a b", "a-b", "a \"q\"", "é", "2x", "true", "none", "account",
            "x\\(y)"
        ])
        .prop_map(str::to_owned),
    ]
}

fn names(most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(name(), 0..most).prop_map(|all| all.into_iter().collect())
}

fn statement() -> impl Strategy<Value = Value> {
    let actions = prop::sample::subsequence(vec!["s3:Get*", "ec2:*", "iam:PassRole", "*"], 1..3);
    let sid = prop::option::of("[A-Za-z][A-Za-z0-9]{0,8}");
    let condition = prop::sample::select(vec![
        json!({}),
        json!({ "StringEquals": { "aws:RequestedRegion": ["eu-west-1", "us-east-1"] } }),
        json!({ "StringEquals": { "aws:SourceIp": "10.0.0.1" } }),
        json!({ "IpAddress": { "aws:SourceIp": ["10.0.0.0/8", "192.0.2.7"] }, "Bool": { "aws:SecureTransport": "false" } }),
        json!({ "ForAnyValue:StringLikeIfExists": { "aws:TagKeys": ["a*", "b"] }, "Null": { "aws:TokenIssueTime": true } }),
        json!({ "NumericLessThanEquals": { "aws:MultiFactorAuthAge": 3600 }, "DateGreaterThan": { "aws:CurrentTime": "2026-01-01T12:00:00Z" } }),
    ]);
    (actions, sid, condition, any::<bool>(), any::<bool>()).prop_map(|(actions, sid, condition, allow, many)| {
        let actions = if many { json!(actions) } else { json!(actions[0]) };
        let mut statement =
            json!({ "Effect": if allow { "Allow" } else { "Deny" }, "Action": actions, "Resource": "*" });
        if let Some(sid) = sid {
            statement["Sid"] = json!(sid);
        }
        if condition != json!({}) {
            statement["Condition"] = condition;
        }
        statement
    })
}

fn statements() -> impl Strategy<Value = String> {
    prop::collection::vec(statement(), 1..4)
        .prop_filter("AWS takes a Sid once", |all| {
            let sids: Vec<String> =
                all.iter().map(|one| one["Sid"].to_string()).filter(|sid| sid != "null").collect();
            sids.iter().collect::<BTreeSet<_>>().len() == sids.len()
        })
        .prop_map(|all| document(&Value::Array(all)))
}

fn organizations() -> impl Strategy<Value = Seed> {
    let units = names(5);
    let sets = prop::collection::btree_map("[A-Za-z0-9+=,.@_-]{1,32}", prop::option::of(statements()), 0..4);
    let policies = prop::collection::btree_map(name(), statements(), 0..3);
    (units, names(7), names(5), names(4), sets, policies, any::<u64>()).prop_map(
        |(units, accounts, groups, users, sets, policies, dice)| {
            let pick = |at: usize, of: usize| (dice.rotate_left((at as u32 * 7) % 64) as usize) % of.max(1);
            let ids: Vec<String> = (0..accounts.len()).map(|at| format!("{:012}", 222_222_222_200 + at)).collect();
            let accounts = accounts.iter().zip(&ids).enumerate().map(|(at, (name, id))| {
                let unit = pick(at, units.len() + 1);
                account(id, name, units.get(unit).map(String::as_str))
            });
            let accounts: Vec<SeedAccount> = accounts.collect();
            let some = |all: &[String], at: usize| -> Vec<String> {
                all.iter().enumerate().filter(|(n, _)| pick(n + at, 2) == 1).map(|(_, one)| one.clone()).collect()
            };
            let mut places = ids.clone();
            places.push(MANAGEMENT.to_owned());
            let assignments = sets.keys().enumerate().filter_map(|(at, set)| {
                let accounts = some(&places, at * 5);
                (!accounts.is_empty()).then(|| SeedAssignment {
                    permission_set: set.clone(),
                    groups: some(&groups, at * 3),
                    users: some(&users, at * 11),
                    accounts,
                })
            });
            let policies = policies.iter().enumerate().map(|(at, (name, content))| SeedPolicy {
                name: name.clone(),
                content: content.clone(),
                targets: [vec![String::new()], some(&ids, at)].concat(),
                ..SeedPolicy::default()
            });
            Seed {
                management_account: Some(MANAGEMENT.to_owned()),
                instance_arn: Some(INSTANCE.to_owned()),
                home_region: Some("us-west-2".to_owned()),
                assignments: assignments.collect(),
                service_control_policies: policies.collect(),
                permission_sets: sets
                    .iter()
                    .map(|(name, inline)| SeedSet {
                        name: name.clone(),
                        inline_policy: inline.clone(),
                        ..SeedSet::default()
                    })
                    .collect(),
                groups,
                users,
                ous: units,
                accounts,
                ..Seed::default()
            }
        },
    )
}

at_once! {
    written_and_taken_over:
    what_years_left_behind_is_written_and_taken_over,
    a_fleet_is_read_by_its_people,
    it_is_written_once_and_always_the_same,
    what_another_program_made_is_written_anew,
    a_difference_is_planned_and_not_made_in_silence,
    what_is_owned_already_is_left,
    a_lost_record_is_made_anew,
    a_record_that_lacks_something_is_made_whole,
    what_was_moved_is_known_again,
    policies_that_are_switched_off_are_there_all_the_same,
    unmanaged_access_has_a_verdict,
    an_organization_on_moto_is_written_and_taken_over,
    any_organization_is_written_and_taken_over,
}
