//! The example `momento` planned and applied on the sandbox, with its record in a file and in S3: what was promised is
//! there, as the stock AWS CLI sees it; what is changed outside is found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cell_tests::momento::{AT, Project, Registry, changes, exactly};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws, report, repository, waiting};
use serde_json::Value;

/// The kinds of resource that this version applies.
const APPLIED: [&str; 5] = ["ou", "account", "scp", "scp_attachment", "permission_set"];
const REGISTRIES: [Registry; 2] = [Registry::File, Registry::S3];

/// What a first plan of the example must be, by its pinned expansion alone.
fn first_plan() -> BTreeSet<String> {
    let pin = repository::read(&repository::root().join("examples/momento/expand.json")).unwrap();
    let pin: Value = serde_json::from_str(&pin).unwrap();
    let resources = pin["resources"].as_array().unwrap();
    let applied = |kind: &str| APPLIED.contains(&kind) || kind == "assignment";
    let line = |resource: &Value| {
        let address = resource["address"].as_str().unwrap();
        let known = resource["kind"] == "account" && resource["fields"].get("account_id").is_some();
        format!("{} {address}", if known { "adopt" } else { "create" })
    };
    let mut all: BTreeSet<String> =
        resources.iter().filter(|resource| applied(resource["kind"].as_str().unwrap())).map(line).collect();
    // Each cell with an account has a stack of its alarms.
    let alarms = resources.iter().filter(|resource| resource["kind"] == "alarm");
    for cell in alarms.map(|alarm| alarm["fields"]["cell"].as_str().unwrap()) {
        let of = resources.iter().any(|resource| resource["kind"] == "account" && resource["address"] == *cell);
        all.extend(of.then(|| format!("create {}", cell.replacen("cell.", "stack.cell/", 1))));
    }
    let view = resources.iter().any(|resource| resource["kind"] == "dashboard");
    all.extend(view.then(|| "create stack.monitoring".to_owned()));
    all
}

fn of_the_form(plan: &Value) -> Result<(), String> {
    let schema = repository::read(&repository::root().join("spec/schemas/plan.schema.json"))?;
    let schema: Value = serde_json::from_str(&schema).map_err(|error| error.to_string())?;
    let validator = jsonschema::draft202012::new(&schema).map_err(|error| error.to_string())?;
    let faults: Vec<String> =
        validator.iter_errors(plan).take(5).map(|e| format!("{e} at {}", e.instance_path())).collect();
    if faults.is_empty() { Ok(()) } else { Err(format!("the plan is not of its schema:\n{}", faults.join("\n"))) }
}

/// From nothing to a plan that is everything, and is of its published form; with the same bytes each time.
fn the_first_plan_is_everything_and_always_the_same() {
    let failed = waiting(&REGISTRIES, |registry| {
        let project = Project::new(*registry)?;
        let run = || project.run(&["plan", "--format", "json", "--at", AT, "--detailed-exitcode"])?.ended(2);
        let (one, two) = (run()?, run()?);
        if one.stdout != two.stdout {
            return Err("two plans at the same instant differ".to_owned());
        }
        let plan = one.json()?;
        of_the_form(&plan)?;
        let expected = first_plan();
        exactly(&plan, &expected.iter().map(String::as_str).collect::<Vec<_>>())
    });
    report(REGISTRIES.len(), &failed);
}

/// After an apply: the plan is empty, nothing has drifted, and a second apply sends no write.
fn after_an_apply_nothing_is_left_to_do() {
    let failed = waiting(&REGISTRIES, |registry| {
        let project = Project::applied(*registry)?;
        project.settled(&[])?;
        let receipt = project.receipt()?;
        let operations = receipt["operations"].as_array().ok_or("no operations")?;
        let unseen: Vec<&Value> = operations.iter().filter(|done| done["observed"].as_str().is_none()).collect();
        if receipt["ending"] != "done" || !unseen.is_empty() {
            return Err(format!("the receipt does not say of everything how it was seen: {unseen:?}"));
        }
        project.run(&["drift"])?.ended(0)?;
        project.apply(&[])?;
        let plan = project.plan(&["--no-refresh"])?;
        exactly(&plan, &[])
    });
    report(REGISTRIES.len(), &failed);
}

/// The record: each resource that was applied, by its address, with its id; and that nobody holds it.
fn the_record_is_shown() {
    let failed = waiting(&REGISTRIES, |registry| {
        let project = Project::applied(*registry)?;
        let shown = project.run(&["registry", "show", "--format", "json"])?.ended(0)?.json()?;
        let expected: BTreeSet<String> =
            first_plan().iter().filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect();
        let mut found: BTreeSet<String> =
            shown["record"]["resources"].as_object().ok_or("no resources")?.keys().cloned().collect();
        // That service control policies are switched on is recorded too, where it had to be done.
        found.remove("root");
        if found != expected {
            return Err(format!("the record holds {:?}", found.symmetric_difference(&expected).collect::<Vec<_>>()));
        }
        if !shown["lock"].is_null() {
            return Err(format!("nobody runs, and the lock is held: {}", shown["lock"]));
        }
        let text = project.run(&["registry", "show"])?.ended(0)?.stdout;
        let place = if *registry == Registry::S3 { "s3://momento-cell-registry/cells.json" } else { "registry.json" };
        if text.contains(place) && text.contains("not locked") && text.contains("protected") {
            return Ok(());
        }
        Err(format!("`registry show` does not say where the record lies, or what is protected:\n{text}"))
    });
    report(REGISTRIES.len(), &failed);
}

/// What a cell says and no operation applies is in the record after an apply all the same, for others to read.
fn a_cell_that_changed_is_in_the_record_though_nothing_was_to_be_done() {
    let project = Project::applied(Registry::File).unwrap();
    project.edit(&[("capacity = 400_000", "capacity = 450_000")]).unwrap();
    exactly(&project.plan(&[]).unwrap(), &[]).unwrap();
    project.apply(&[]).unwrap();
    let shown = project.run(&["registry", "show", "--format", "json"]).unwrap().json().unwrap();
    let cell = &shown["record"]["cells"]["cell.prod-usw2-1"];
    assert_eq!((&cell["capacity"], cell["account_id"].is_string()), (&serde_json::json!(450_000), true), "{cell}");
}

/// An organization as the AWS CLI sees it.
struct Seen {
    url: String,
}

impl Seen {
    fn ask(&self, commands: &[String]) -> Vec<Value> {
        aws::all(&self.url, commands).unwrap()
    }

    fn one(&self, command: &str) -> Value {
        aws::aws(&self.url, command).unwrap()
    }
}

fn texts(list: &Value, field: &str) -> BTreeSet<String> {
    let all = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    all.iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
}

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}

/// Units, who is in them, what holds there, and the tags that say whose they are.
fn the_aws_cli_sees_the_organization() {
    let project = Project::applied(Registry::File).unwrap();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let seen = Seen { url: server.url() };
    let root = seen.one("organizations list-roots")["Roots"][0]["Id"].as_str().unwrap().to_owned();
    let units = seen.one(&format!("organizations list-organizational-units-for-parent --parent-id {root}"));
    let units = units["OrganizationalUnits"].clone();
    assert_eq!(texts(&units, "Name"), set(&["alpha", "preprod", "prod", "dev", "infrastructure"]));
    let expected: &[(&str, &[&str])] = &[
        ("alpha", &[]),
        ("preprod", &["preprod-usw2"]),
        ("prod", &["prod-usw2-1", "prod-use1-1", "prod-apne1-1"]),
        ("dev", &["dev-ana", "dev-raj"]),
        ("infrastructure", &["artifacts", "monitoring", "deployment"]),
    ];
    for (name, accounts) in expected {
        let unit = units.as_array().unwrap().iter().find(|unit| unit["Name"] == *name).unwrap();
        let id = unit["Id"].as_str().unwrap();
        let answers = seen.ask(&[
            format!("organizations list-accounts-for-parent --parent-id {id}"),
            format!("organizations list-policies-for-target --filter SERVICE_CONTROL_POLICY --target-id {id}"),
            format!("organizations list-tags-for-resource --resource-id {id}"),
        ]);
        assert_eq!(texts(&answers[0]["Accounts"], "Name"), set(accounts), "accounts of the unit {name}");
        let emails: BTreeSet<String> = accounts.iter().map(|name| format!("aws+{name}@momento.example")).collect();
        assert_eq!(texts(&answers[0]["Accounts"], "Email"), emails, "e-mails of the unit {name}");
        let policies = if *name == "prod" {
            set(&["FullAWSAccess", "keep-public-access-block"])
        } else {
            set(&["FullAWSAccess"])
        };
        assert_eq!(texts(&answers[1]["Policies"], "Name"), policies, "policies of the unit {name}");
        let tags = &answers[2]["Tags"];
        assert_eq!(tags, &serde_json::json!([{ "Key": "cellc:address", "Value": format!("ou.{name}") }]));
    }
    let rails = ["deny-leave-organization", "deny-root", "protect-audit", "restrict-regions"]
        .map(|name| format!("rails.{name}"));
    let of_root = seen
        .one(&format!("organizations list-policies-for-target --filter SERVICE_CONTROL_POLICY --target-id {root}"));
    let mut policies: BTreeSet<String> = rails.into();
    policies.insert("FullAWSAccess".to_owned());
    assert_eq!(texts(&of_root["Policies"], "Name"), policies);
    same_documents(&seen, &of_root["Policies"]);
}

/// Each policy's text is that of the normal form.
fn same_documents(seen: &Seen, policies: &Value) {
    let pin: Value =
        serde_json::from_str(&repository::read(&repository::root().join("examples/momento/expand.json")).unwrap())
            .unwrap();
    let content: BTreeMap<&str, &Value> = pin["resources"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|resource| resource["kind"] == "scp")
        .map(|resource| (resource["fields"]["name"].as_str().unwrap(), &resource["fields"]["content"]))
        .collect();
    let own: Vec<&Value> =
        policies.as_array().unwrap().iter().filter(|policy| policy["AwsManaged"] == false).collect();
    let commands: Vec<String> = own
        .iter()
        .map(|policy| format!("organizations describe-policy --policy-id {}", policy["Id"].as_str().unwrap()))
        .collect();
    for (policy, answer) in own.iter().zip(seen.ask(&commands)) {
        let name = policy["Name"].as_str().unwrap();
        let found: Value = serde_json::from_str(answer["Policy"]["Content"].as_str().unwrap()).unwrap();
        assert_eq!(
            Some(&&sorted(&found)),
            content.get(name).map(|content| sorted(content)).as_ref().as_ref(),
            "text of {name}"
        );
    }
}

/// A document without the order of its lists, which says nothing.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(sorted).collect();
            items.sort_by_key(Value::to_string);
            if items.len() == 1 { items.remove(0) } else { Value::Array(items) }
        }
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), sorted(value))).collect(),
        other => other.clone(),
    }
}

/// Permission sets with all they have, who has them where, and the roles they made in the accounts.
fn the_aws_cli_sees_the_access() {
    let project = Project::applied(Registry::File).unwrap();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let seen = Seen { url: server.url() };
    let instance = seen.one("sso-admin list-instances")["Instances"][0].clone();
    let (arn, store) = (instance["InstanceArn"].as_str().unwrap(), instance["IdentityStoreId"].as_str().unwrap());
    assert_eq!(arn, "arn:aws:sso:::instance/ssoins-0123456789abcdef");
    let sets = seen.one(&format!("sso-admin list-permission-sets --instance-arn {arn}"));
    let mut names = BTreeMap::new();
    for set in sets["PermissionSets"].as_array().unwrap() {
        let set = set.as_str().unwrap();
        let of = format!("--instance-arn {arn} --permission-set-arn {set}");
        let answers = seen.ask(&[
            format!("sso-admin describe-permission-set {of}"),
            format!("sso-admin list-managed-policies-in-permission-set {of}"),
            format!("sso-admin get-inline-policy-for-permission-set {of}"),
            format!("sso-admin list-tags-for-resource --instance-arn {arn} --resource-arn {set}"),
        ]);
        let found = &answers[0]["PermissionSet"];
        let name = found["Name"].as_str().unwrap().to_owned();
        let session = if name == "ReadOnly" { "PT8H" } else { "PT4H" };
        assert_eq!(found["SessionDuration"], session, "session of {name}");
        assert_eq!(
            texts(&answers[1]["AttachedManagedPolicies"], "Arn"),
            set_of("arn:aws:iam::aws:policy/ReadOnlyAccess")
        );
        let inline: Value = serde_json::from_str(answers[2]["InlinePolicy"].as_str().unwrap()).unwrap();
        let statements = if name == "ReadOnly" { 1 } else { 6 };
        assert_eq!(inline["Statement"].as_array().map(Vec::len), Some(statements), "inline policy of {name}");
        assert_eq!(answers[3]["Tags"][0]["Value"], format!("permission_set.{name}"));
        names.insert(name, set.to_owned());
    }
    assert_eq!(names.keys().map(String::as_str).collect::<Vec<_>>(), ["CellOperator", "ReadOnly"]);
    assert_eq!(who_has_what(&seen, arn, store, &names), promised());
    roles_are_there(&seen, &names);
}

fn set_of(item: &str) -> BTreeSet<String> {
    BTreeSet::from([item.to_owned()])
}

/// `set account principal` for each assignment that there is.
fn who_has_what(seen: &Seen, arn: &str, store: &str, names: &BTreeMap<String, String>) -> BTreeSet<String> {
    let answers = seen.ask(&[
        "organizations list-accounts".to_owned(),
        format!("identitystore list-groups --identity-store-id {store}"),
        format!("identitystore list-users --identity-store-id {store}"),
    ]);
    let mut principals: BTreeMap<&str, &str> = BTreeMap::new();
    for (list, id, name) in
        [(&answers[1]["Groups"], "GroupId", "DisplayName"), (&answers[2]["Users"], "UserId", "UserName")]
    {
        principals.extend(
            list.as_array().unwrap().iter().map(|one| (one[id].as_str().unwrap(), one[name].as_str().unwrap())),
        );
    }
    let mut pairs = Vec::new();
    for account in answers[0]["Accounts"].as_array().unwrap() {
        pairs.extend(
            names
                .iter()
                .map(|(name, set)| (account["Id"].as_str().unwrap(), account["Name"].as_str().unwrap(), name, set)),
        );
    }
    let commands: Vec<String> = pairs
        .iter()
        .map(|(id, _, _, set)| {
            format!(
                "sso-admin list-account-assignments --instance-arn {arn} --account-id {id} --permission-set-arn {set}"
            )
        })
        .collect();
    let mut found = BTreeSet::new();
    for ((_, account, set, _), answer) in pairs.iter().zip(seen.ask(&commands)) {
        for given in answer["AccountAssignments"].as_array().unwrap() {
            let principal = principals[given["PrincipalId"].as_str().unwrap()];
            found.insert(format!("{set} {account} {principal}"));
        }
    }
    found
}

/// By the example's grants, written out.
fn promised() -> BTreeSet<String> {
    let cells = ["alpha", "preprod-usw2", "prod-usw2-1", "prod-use1-1", "prod-apne1-1", "dev-ana", "dev-raj"];
    let mut all: BTreeSet<String> = cells.iter().map(|cell| format!("ReadOnly {cell} developers")).collect();
    let operated = cells.iter().filter(|cell| !cell.starts_with("dev-"));
    all.extend(operated.map(|cell| format!("CellOperator {cell} cell-operators")));
    all.extend(["alpha developers", "dev-ana ana", "dev-raj raj"].map(|rest| format!("CellOperator {rest}")));
    all
}

/// The role of each set lies in an account that has it, as the account itself sees it.
fn roles_are_there(seen: &Seen, names: &BTreeMap<String, String>) {
    let accounts = seen.one("organizations list-accounts");
    let ana = accounts["Accounts"].as_array().unwrap().iter().find(|account| account["Name"] == "dev-ana").unwrap();
    let env =
        aws::as_role(&aws::environment(&seen.url), ana["Id"].as_str().unwrap(), "OrganizationAccountAccessRole");
    let env = env.unwrap();
    let roles =
        aws::all_as(&env, &["iam list-roles --path-prefix /aws-reserved/sso.amazonaws.com/".to_owned()]).unwrap();
    let roles = texts(&roles[0]["Roles"], "RoleName");
    assert_eq!(roles.len(), names.len(), "{roles:?}");
    for name in names.keys() {
        let start = format!("AWSReservedSSO_{name}_");
        assert!(roles.iter().any(|role| role.starts_with(&start)), "no role of {name} among {roles:?}");
    }
}

/// Somebody works by hand; what each deed must look like in the next plan: its line, and the fields that drifted.
const DEEDS: &[(&str, &str, &str)] = &[
    (
        "sso-admin update-permission-set --instance-arn INSTANCE --permission-set-arn READONLY --session-duration PT1H",
        "update permission_set.ReadOnly",
        "session",
    ),
    (
        "sso-admin attach-managed-policy-to-permission-set --instance-arn INSTANCE --permission-set-arn OPERATOR --managed-policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
        "update permission_set.CellOperator",
        "managed",
    ),
    (
        "sso-admin delete-account-assignment --instance-arn INSTANCE --permission-set-arn READONLY --target-type AWS_ACCOUNT --target-id RAJ --principal-type GROUP --principal-id DEVELOPERS",
        "create assignment.ReadOnly/group.developers/cell.dev-raj",
        "*",
    ),
    (
        "sso-admin create-account-assignment --instance-arn INSTANCE --permission-set-arn OPERATOR --target-type AWS_ACCOUNT --target-id PROD --principal-type GROUP --principal-id DEVELOPERS",
        "delete assignment.CellOperator/group.developers/cell.prod-usw2-1",
        "*",
    ),
    (
        "organizations update-organizational-unit --organizational-unit-id DEV --name playground",
        "update ou.dev",
        "name",
    ),
    (
        "organizations move-account --account-id RAJ --source-parent-id DEV --destination-parent-id ROOT",
        "update cell.dev-raj",
        "ou",
    ),
    (
        "organizations detach-policy --policy-id KEEP --target-id PRODUNIT",
        "create scp_attachment.keep-public-access-block/ou.prod",
        "*",
    ),
    (
        "organizations update-policy --policy-id KEEP --description mine",
        "update scp.keep-public-access-block",
        "description",
    ),
];

fn by_hand(project: &Project, url: &str) -> Result<Vec<String>, String> {
    let record = project.run(&["registry", "show", "--format", "json"])?.ended(0)?.json()?;
    let record = &record["record"];
    let id = |address: &str| record["resources"][address]["id"].as_str().unwrap_or_default().to_owned();
    let roots = aws::aws(url, "organizations list-roots")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names = [
        ("INSTANCE", text(&record["organization"]["instance"])),
        ("READONLY", id("permission_set.ReadOnly")),
        ("OPERATOR", id("permission_set.CellOperator")),
        ("RAJ", id("cell.dev-raj")),
        ("PRODUNIT", id("ou.prod")),
        ("PROD", id("cell.prod-usw2-1")),
        ("DEVELOPERS", text(&record["principals"]["group.developers"]["id"])),
        ("DEV", id("ou.dev")),
        ("ROOT", text(&roots["Roots"][0]["Id"])),
        ("KEEP", id("scp.keep-public-access-block")),
    ];
    let filled = |deed: &str| {
        deed.split(' ')
            .map(|word| names.iter().find(|(name, _)| *name == word).map_or(word, |(_, id)| id))
            .collect::<Vec<_>>()
            .join(" ")
    };
    Ok(DEEDS.iter().map(|(deed, ..)| filled(deed)).collect())
}

/// What is changed by hand is in the next plan as drift, `drift` finds it, and apply takes it back.
fn what_was_changed_outside_is_found_and_taken_back() {
    let mut project = Project::applied(Registry::S3).unwrap();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    project.endpoint = Some(server.url());
    project.settled(&[]).unwrap();
    let deeds = by_hand(&project, &server.url()).unwrap();
    aws::all(&server.url(), &deeds).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let plan = project.plan(&[]).unwrap();
    let lines: BTreeSet<&str> = DEEDS.iter().map(|(_, line, _)| *line).collect();
    exactly(&plan, &lines.iter().copied().collect::<Vec<_>>()).unwrap();
    let drift = project.run(&["drift", "--format", "json"]).unwrap().ended(2).unwrap().json().unwrap();
    assert_eq!(changes(&drift), changes(&plan), "`drift` and `plan` do not find the same");
    for (deed, line, field) in DEEDS {
        let address = line.split_once(' ').unwrap().1;
        for found in [&plan, &drift] {
            let change =
                found["changes"].as_array().unwrap().iter().find(|change| change["address"] == address).unwrap();
            let drifted = change["drift"].as_array().unwrap();
            assert!(
                drifted.iter().any(|name| name == field),
                "after `{deed}` the drift of {address} is {drifted:?}, expected {field}"
            );
        }
    }
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
    project.run(&["drift"]).unwrap().ended(0).unwrap();
}

/// Somebody gave a group that the program does not know a set that it does not know in an account of its own.
fn access_of_strangers_is_reported() {
    let mut project = Project::applied(Registry::S3).unwrap();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    project.endpoint = Some(server.url());
    let url = server.url();
    let accounts = aws::aws(&url, "organizations list-accounts").unwrap();
    let accounts = accounts["Accounts"].as_array().unwrap();
    let account = accounts.iter().find(|account| account["Name"] == "prod-usw2-1").unwrap();
    let account = account["Id"].as_str().unwrap().to_owned();
    let stores = aws::aws(&url, "sso-admin list-instances").unwrap();
    let text = |name: &str| stores["Instances"][0][name].as_str().unwrap().to_owned();
    let (store, instance) = (text("IdentityStoreId"), text("InstanceArn"));
    let made = aws::all(
        &url,
        &[
            format!("sso-admin create-permission-set --instance-arn {instance} --name Foreign"),
            format!("identitystore create-group --identity-store-id {store} --display-name strangers"),
        ],
    )
    .unwrap();
    let set = made[0]["PermissionSet"]["PermissionSetArn"].as_str().unwrap();
    let group = made[1]["GroupId"].as_str().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let give = format!(
        "sso-admin create-account-assignment --instance-arn {instance} --permission-set-arn {set} --target-id {account} --target-type AWS_ACCOUNT --principal-type GROUP --principal-id {group}"
    );
    aws::aws(&url, &give).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    for command in [&["plan", "--at", AT][..], &["drift"], &["review", "--unmanaged", "--at", AT]] {
        let ran = project.run(command).unwrap();
        for word in ["strangers has Foreign", "prod-usw2-1"] {
            assert!(ran.stdout.contains(word), "{command:?} does not say {word}:\n{}{}", ran.stdout, ran.stderr);
        }
    }
}

/// `cellc sandbox serve` gives other clients the very sandbox that the embedded runs made.
fn the_served_sandbox_is_the_embedded_one() {
    use std::io::{BufRead as _, BufReader};
    let project = Project::applied(Registry::File).unwrap();
    let mut child = project.spawn(&["sandbox", "serve", "--format", "json"]).unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = serde_json::from_str::<Value>(&line).ok().and_then(|said| said["url"].as_str().map(str::to_owned));
    let accounts = url
        .ok_or_else(|| format!("no URL in `{line}`"))
        .and_then(|url| aws::aws(&url, "organizations list-accounts"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(accounts.unwrap()["Accounts"].as_array().map(Vec::len), Some(11));
}

at_once! {
    planned_applied_and_seen:
    the_first_plan_is_everything_and_always_the_same,
    after_an_apply_nothing_is_left_to_do,
    the_record_is_shown,
    a_cell_that_changed_is_in_the_record_though_nothing_was_to_be_done,
    the_aws_cli_sees_the_organization,
    the_aws_cli_sees_the_access,
    what_was_changed_outside_is_found_and_taken_back,
    access_of_strangers_is_reported,
    the_served_sandbox_is_the_embedded_one,
}
