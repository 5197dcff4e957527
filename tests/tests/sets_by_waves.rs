//! Permission sets that go by waves against a cloud that is served: in each wave an alarm goes off while it bakes, and at each
//! call a run is killed, forward and on the way back. What is in force is read from the accounts' own roles.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cell_sandbox::{Config, Delays, Seed, SeedAccount};
use cell_tests::momento::Project;
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws, report, waiting};
use serde_json::{Value, json};

/// The cells with their accounts, by wave.
const WAVES: [&[(&str, &str)]; 3] = [
    &[("alpha", "222222222201")],
    &[("beta", "222222222202")],
    &[("delta", "222222222203"), ("gamma", "222222222204")],
];
/// An account that is in no wave.
const TOOLS: (&str, &str) = ("tools", "222222222205");
const OF: &str = "permission_set.Operate";
const SET: &str = "permission_set.Operate.json";
/// What the former form allows and carries, and the new one.
const OLD: Form = ("ec2:StartInstances", "arn:aws:iam::aws:policy/ReadOnlyAccess");
const NEW: Form = ("ec2:StopInstances", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess");
const MENDED: Form = ("ec2:RebootInstances", "arn:aws:iam::aws:policy/ReadOnlyAccess");

type Form = (&'static str, &'static str);

fn cells() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    WAVES.iter().copied().flatten()
}

/// Three waves, of which one bakes for as long as it takes to look at it, and a set of this form.
fn program(bakes: Option<usize>, bucket: bool, (action, policy): Form) -> String {
    let registry = if bucket { ", registry = \"s3://acme-cells/cells.json\"" } else { "" };
    let mut text =
        format!("org acme {{ management_account = \"111111111111\", home_region = \"us-east-1\"{registry} }}\n");
    text += "alarm errors { namespace = \"shop\", metric = \"Errors\", above = 1, over = 1m, missing = \"notBreaching\" }\n";
    for (cell, account) in cells() {
        text += &format!(
            "cell {cell} {{ kind = \"prod\", protect = false, region = \"us-east-1\", account_id = \"{account}\" }}\n"
        );
    }
    text += "rollout steady {\n  alarms = [alarm.errors]\n";
    for (at, wave) in WAVES.iter().enumerate() {
        let on: Vec<String> = wave.iter().map(|(cell, _)| format!("cell.{cell}")).collect();
        let bake = if bakes == Some(at) { 6 } else { 1 };
        text += &format!("  wave w{at} {{ on = [{}], bake = {bake}s, parallel = 2 }}\n", on.join(", "));
    }
    text += "}\ngroup ops {}\ngrant g { to = group.ops, can = permission_set.Operate, on = cells }\n";
    text + &format!(
        "permission_set Operate {{\n  managed = [\"{policy}\"]\n  allow run {{ actions = [\"{action}\"], resources = [\"*\"] }}\n  \
         rollout = rollout.steady\n}}\n"
    )
}

/// Its clock stands still until it is told: no alarm is evaluated in between.
fn still() -> Config {
    Config { delays: Delays::none(), speed: 0.0, healthy: true, ..quick() }
}

fn serve(project: &mut Project) -> Result<Server, String> {
    let server = Server::start(Some(&project.sandbox()), still())?;
    project.endpoint = Some(server.url());
    Ok(server)
}

/// The program with the former form, applied.
fn made(bucket: bool) -> Result<Project, String> {
    let mut project = Project::of(&program(None, bucket, OLD))?;
    let server = serve(&mut project)?;
    let account = |(name, id): &(&str, &str)| SeedAccount {
        id: Some((*id).to_owned()),
        name: (*name).to_owned(),
        email: format!("{name}@acme.example"),
        ..SeedAccount::default()
    };
    let management_account = Some("111111111111".to_owned());
    let (accounts, groups) = (cells().chain([&TOOLS]).map(account).collect(), vec!["ops".to_owned()]);
    server.seed(&Seed { accounts, groups, management_account, ..Seed::default() })?;
    if bucket {
        aws::aws(&server.url(), "s3api create-bucket --bucket acme-cells --region us-east-1")?;
        let versions = "s3api put-bucket-versioning --bucket acme-cells --versioning-configuration Status=Enabled";
        aws::aws(&server.url(), versions)?;
    }
    project.run(&["apply", "--yes"])?.ended(0)?;
    // Alarms are evaluated at the beginning of each minute.
    server.advance(Duration::from_mins(1))?;
    Ok(project)
}

/// A copy of a project that all cases share.
fn fork(shared: &'static OnceLock<Result<Project, String>>, bucket: bool) -> Result<Project, String> {
    shared.get_or_init(|| made(bucket)).as_ref().map_err(Clone::clone)?.fork()
}

static FILE: OnceLock<Result<Project, String>> = OnceLock::new();
static BUCKET: OnceLock<Result<Project, String>> = OnceLock::new();

/// The stock client in an account.
fn cli(server: &Server, account: &str, commands: &[String]) -> Vec<Value> {
    let env = aws::in_account(&server.url(), account);
    let commands: Vec<String> =
        commands.iter().map(|command| format!("{command} --region us-east-1 --output json")).collect();
    aws::all_as(&env, &commands).unwrap()
}

/// The role of the set in each account, from the server's own state.
fn roles(server: &Server) -> BTreeMap<String, (String, Value)> {
    let state = server.state();
    let rows = state["iam"]["roles"].as_array().unwrap();
    let of = |row: &Value| {
        let name = row[0][1].as_str()?;
        name.starts_with("AWSReservedSSO_Operate_")
            .then(|| Some((row[0][0].as_str()?.to_owned(), (name.to_owned(), row[1].clone()))))?
    };
    rows.iter().filter_map(of).collect()
}

/// Must be in a role: the one form, and nothing of the others.
fn is_form(of: &str, inline: &str, attached: &str, (action, policy): Form) -> Result<(), String> {
    let others = [OLD, NEW, MENDED];
    let wrong = !inline.contains(action)
        || !attached.contains(policy)
        || others.iter().any(|other| other.0 != action && inline.contains(other.0))
        || others.iter().any(|other| other.1 != policy && attached.contains(other.1));
    if wrong { Err(format!("{of} has not {action} with {policy}:\n{inline}\n{attached}")) } else { Ok(()) }
}

/// The roles of these cells have the form, by the server's state.
fn have(server: &Server, waves: &[&[(&str, &str)]], form: Form) -> Result<(), String> {
    let roles = roles(server);
    for (cell, account) in waves.iter().copied().flatten() {
        let (_, role) = roles.get(*account).ok_or_else(|| format!("cell.{cell} has no role"))?;
        is_form(&format!("cell.{cell}"), &role["inline"].to_string(), &role["attached"].to_string(), form)?;
    }
    Ok(())
}

/// The roles of all cells have the form, by the stock client in their accounts.
fn read_in_the_accounts(server: &Server, form: Form) {
    for (account, (name, _)) in roles(server) {
        let commands = [
            format!("iam get-role-policy --role-name {name} --policy-name AwsSSOInlinePolicy"),
            format!("iam list-attached-role-policies --role-name {name}"),
        ];
        let read = cli(server, &account, &commands);
        is_form(&account, &read[0]["PolicyDocument"].to_string(), &read[1].to_string(), form).unwrap();
    }
}

/// The set itself has the form, by the stock client.
fn set_has(server: &Server, form: Form) {
    let instance = &aws::aws(&server.url(), "sso-admin list-instances --region us-east-1").unwrap()["Instances"][0];
    let instance = instance["InstanceArn"].as_str().unwrap().to_owned();
    let all = format!("sso-admin list-permission-sets --instance-arn {instance} --region us-east-1");
    let all = aws::aws(&server.url(), &all).unwrap();
    let set = all["PermissionSets"][0].as_str().unwrap();
    let of = |command: &str| {
        format!("sso-admin {command} --instance-arn {instance} --permission-set-arn {set} --region us-east-1")
    };
    let commands = [of("get-inline-policy-for-permission-set"), of("list-managed-policies-in-permission-set")];
    let read = aws::all(&server.url(), &commands).unwrap();
    is_form("the set", &read[0].to_string(), &read[1].to_string(), form).unwrap();
}

/// How often each account was asked to be provisioned.
fn provisioned(server: &Server) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for entry in server.log().unwrap() {
        if entry["operation"] == "ProvisionPermissionSet" {
            let text = entry.to_string();
            let account = cells().chain([&TOOLS]).find(|(_, account)| text.contains(account));
            let account = account.unwrap_or_else(|| panic!("all accounts at once: {text}")).1;
            *all.entry(account.to_owned()).or_default() += 1;
        }
    }
    all
}

/// Errors in a cell's account that no alarm has seen yet.
fn errors(server: &Server, (cell, account): (&str, &str)) {
    let data = "cloudwatch put-metric-data --namespace shop --metric-name Errors --value 50";
    cli(server, account, &[format!("{data} --dimensions cell={cell}")]);
}

/// An alarm that goes off in the last cell of each wave in turn, while that wave bakes.
fn an_alarm_in_any_wave_puts_the_former_policy_back() {
    let failed = waiting(&[0, 1, 2], |at| {
        let mut project = fork(&FILE, false)?;
        let server = serve(&mut project)?;
        project.put("main.cell", &program(Some(*at), false, NEW))?;
        let (cell, account) = WAVES[*at].last().unwrap();
        project.run(&["apply", "--yes"])?.ended(0)?;
        have(&server, &WAVES, OLD)?;
        assert!(provisioned(&server).is_empty(), "the accounts wait for their turn: {:?}", provisioned(&server));
        errors(&server, (cell, account));
        let ran = project.run_until(&["rollout", "run"], &format!("cell.{cell} baking"), || {
            // What the waves reached has the new form now, and nothing else has.
            have(&server, &WAVES[..=*at], NEW).unwrap();
            have(&server, &WAVES[*at + 1..], OLD).unwrap();
            server.advance(Duration::from_mins(1)).unwrap();
        })?;
        let why = format!(": rolled back: alarm.errors went off in cell.{cell}");
        assert!(ran.status == 1 && ran.stdout.contains(&why), "{}\n{}", ran.stdout, ran.stderr);
        set_has(&server, OLD);
        read_in_the_accounts(&server, OLD);
        // There and back, or not at all.
        let asked = provisioned(&server);
        for (number, (cell, account)) in
            WAVES.iter().enumerate().flat_map(|(number, wave)| wave.iter().map(move |cell| (number, cell)))
        {
            let expected = (number <= *at).then_some(2);
            assert_eq!(asked.get(*account).copied(), expected, "{cell}\n{}", ran.stderr);
        }
        // Nobody has changed it outside.
        let plan = project.run(&["plan"])?.ended(0)?.stdout;
        let told = format!("the rollout of the new form was taken back: alarm.errors went off in cell.{cell}");
        if !plan.contains(&told) || plan.contains("changed outside") {
            return Err(format!("the plan does not say why:\n{plan}"));
        }
        // What the alarm looked at is past, and the policy is mended.
        server.advance(Duration::from_mins(30))?;
        project.put("main.cell", &program(None, false, MENDED))?;
        project.run(&["apply", "--yes"])?.ended(0)?;
        have(&server, &WAVES, OLD)?;
        let ran = project.run(&["rollout", "run"])?.ended(0)?;
        assert!(ran.stdout.starts_with(OF) && ran.stdout.ends_with(": done\n"), "{}", ran.stdout);
        read_in_the_accounts(&server, MENDED);
        set_has(&server, MENDED);
        project.run(&["plan", "--detailed-exitcode"])?.ended(0).map(drop)
    });
    report(3, &failed);
}

/// The example with an account in no wave, in which the set is given, too.
fn with_tools(bakes: Option<usize>, form: Form) -> String {
    let account = format!("account tools {{ account_id = \"{}\" }}\n", TOOLS.1);
    let grant = "grant t { to = group.ops, can = permission_set.Operate, on = [account.tools] }\n";
    program(bakes, false, form) + &account + grant
}

/// A form that somebody ended is no change from outside; the next apply queues it again, and says so: who ended it, and who
/// gains what in the accounts that do not have it.
fn what_somebody_ended_is_told() {
    let mut project = fork(&FILE, false).unwrap();
    let server = serve(&mut project).unwrap();
    let put = |form| project.put("main.cell", &with_tools(Some(0), form)).unwrap();
    let said = |args: &[&str]| {
        let text = project.run(args).unwrap().ended(0).unwrap().stdout;
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let apply = || _ = said(&["apply", "--yes"]);
    put(OLD);
    apply();
    put(NEW);
    let reviewed = said(&["plan"]);
    apply();
    let ended = said(&["rollout", "abort", OF]);
    assert!(ended.contains("taken out of the queue; no cell of its waves has it"), "{ended}");
    assert!(ended.contains("the set itself has that form, and so has 1 account in no wave"), "{ended}");
    let drift = said(&["drift"]);
    assert!(drift.contains("4 accounts have another form than the set, as its book says"), "{drift}");
    let again = said(&["plan"]);
    assert!(again.contains("took this form out of the queue, and this apply queues it again"), "{again}");
    // Those that do not have it gain what the first review said, and the account that has it gains nothing.
    let gain = |cells: &str| format!("MAY ? group ops × {cells}");
    assert!(reviewed.contains(&gain("all 5 cells and accounts")), "{reviewed}");
    assert!(again.contains(&gain("4 cells")), "{again}");
    apply();

    // It is ended again, when a cell has it.
    let (cell, _) = WAVES[0][0];
    let ran = project
        .run_until(&["rollout", "run"], &format!("cell.{cell} baking"), || {
            said(&["rollout", "abort", OF, "--stay"]);
            server.advance(Duration::from_mins(1)).unwrap();
        })
        .unwrap();
    assert!(ran.status == 1 && ran.stdout.contains("stopped: tester@test ended it"), "{}", ran.stdout);
    let drift = said(&["drift"]);
    // The wave may have come to its next cell before the process saw it.
    let left = ["3", "2"]
        .into_iter()
        .find(|left| drift.contains(&format!("{left} accounts have another form than the set, as its book says")));
    let left = left.unwrap_or_else(|| panic!("{drift}"));
    let again = said(&["plan"]);
    assert!(again.contains("ended the rollout of this form, and this apply queues it again"), "{again}");
    assert!(again.contains(&gain(&format!("{left} cells"))), "{again}");
    apply();
    said(&["rollout", "run"]);
    read_in_the_accounts(&server, NEW);
    said(&["plan", "--detailed-exitcode"]);
}

/// The same edit gives the set another form and takes it from everybody in a cell of a wave, and in one of none.
fn a_cell_in_which_nobody_has_it_any_more_holds_nothing_back() {
    let mut project = fork(&FILE, false).unwrap();
    let server = serve(&mut project).unwrap();
    let said = |args: &[&str]| project.run(args).unwrap().ended(0).unwrap().stdout;
    project.put("main.cell", &with_tools(None, OLD)).unwrap();
    said(&["apply", "--yes"]);
    let narrow = program(None, false, NEW).replace("on = cells }", "on = [cell.alpha, cell.delta, cell.gamma] }");
    let tools = format!("account tools {{ account_id = \"{}\" }}\n", TOOLS.1);
    project.put("main.cell", &(narrow + &tools)).unwrap();
    said(&["apply", "--yes"]);
    let ran = said(&["rollout", "run"]);
    assert!(ran.ends_with(": done\n"), "{ran}");
    let roles = roles(&server);
    let new = |account: &str| roles.get(account).is_some_and(|(_, role)| role.to_string().contains(NEW.0));
    for (cell, account) in cells() {
        assert_eq!(new(account), *cell != "beta", "{cell}: {roles:?}");
    }
    said(&["plan", "--detailed-exitcode"]);
}

/// What is applied while a form is watched waits: a set has one form, and it is not changed under the rollout.
fn another_form_waits_for_the_one_that_is_watched() {
    let mut project = fork(&FILE, false).unwrap();
    let server = serve(&mut project).unwrap();
    let put =
        |form| project.put("main.cell", &program(Some(0), false, form).replace("bake = 6s", "bake = 1h")).unwrap();
    let said = |args: &[&str]| {
        let text = project.run(args).unwrap().ended(0).unwrap().stdout;
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    put(NEW);
    said(&["apply", "--yes"]);
    let (cell, _) = WAVES[0][0];
    let ran = project.run_until(&["rollout", "run"], &format!("cell.{cell} baking"), || {
        put(MENDED);
        let told = said(&["apply", "--yes"]);
        assert!(told.contains("is baking; what the program says of the set now waits until that is over"), "{told}");
        set_has(&server, NEW);
        said(&["rollout", "abort", OF, "--stay"]);
    });
    assert_eq!(ran.unwrap().status, 1);
    project.put("main.cell", &program(None, false, MENDED)).unwrap();
    said(&["apply", "--yes"]);
    said(&["rollout", "run"]);
    set_has(&server, MENDED);
    read_in_the_accounts(&server, MENDED);
    said(&["plan", "--detailed-exitcode"]);
}

/// An account in no wave has the new form by the apply, and goes back with the others when an alarm goes off. What the record
/// says of the set then is no change from outside, and with the program put back there is nothing to do.
fn what_is_in_no_wave_goes_back_too() {
    let text = with_tools;
    let mut project = fork(&FILE, false).unwrap();
    let server = serve(&mut project).unwrap();
    let apply = |bakes, form| {
        project.put("main.cell", &text(bakes, form)).unwrap();
        project.run(&["apply", "--yes"]).unwrap().ended(0).unwrap();
    };
    apply(None, OLD);
    apply(Some(0), NEW);
    have(&server, &[&[TOOLS]], NEW).unwrap();
    have(&server, &WAVES, OLD).unwrap();
    errors(&server, WAVES[0][0]);
    let seen = format!("cell.{} baking", WAVES[0][0].0);
    let ran =
        project.run_until(&["rollout", "run"], &seen, || server.advance(Duration::from_mins(1)).unwrap()).unwrap();
    assert!(
        ran.status == 1 && ran.stdout.contains(": rolled back: alarm.errors went off"),
        "{}\n{}",
        ran.stdout,
        ran.stderr
    );
    have(&server, &[&[TOOLS]], OLD).unwrap();
    have(&server, &WAVES, OLD).unwrap();
    read_in_the_accounts(&server, OLD);
    set_has(&server, OLD);
    let asked = provisioned(&server);
    assert_eq!((asked[WAVES[0][0].1], asked[TOOLS.1], asked.len()), (2, 2, 2), "{asked:?}");

    let drift = project.run(&["drift"]).unwrap().ended(0).unwrap().stdout;
    assert!(drift.contains("no changes: live is as it was last applied"), "{drift}");
    let plan = project.run(&["plan", "--only", "cell.alpha"]).unwrap().ended(0).unwrap().stdout;
    assert!(!plan.contains(NEW.0), "{plan}");
    project.put("main.cell", &text(None, OLD)).unwrap();
    let plan = project.run(&["plan", "--detailed-exitcode"]).unwrap().ended(0).unwrap().stdout;
    assert!(plan.contains("no changes: live is as the program says\n"), "{plan}");

    // Mended, it goes through.
    server.advance(Duration::from_mins(30)).unwrap();
    apply(None, MENDED);
    let plan = project.run(&["plan", "--detailed-exitcode"]).unwrap().ended(0).unwrap().stdout;
    assert!(plan.contains("permission_set.Operate: its new form is queued for 4 cells"), "{plan}");
    project.run(&["rollout", "run"]).unwrap().ended(0).unwrap();
    read_in_the_accounts(&server, MENDED);
    project.run(&["plan", "--detailed-exitcode"]).unwrap().ended(0).unwrap();
    project.run(&["drift"]).unwrap().ended(0).unwrap();
}

/// Where a run is killed.
#[derive(Debug, Clone, Copy)]
struct Kill {
    /// Which run: that of `apply`, or of `rollout run`.
    run: &'static str,
    operation: &'static str,
    /// What the call is about, as its parameters say it.
    of: &'static str,
    /// How many such calls pass.
    after: u64,
}

const fn in_apply(operation: &'static str, of: &'static str, after: u64) -> Kill {
    Kill { run: "apply", operation, of, after }
}

const fn in_rollout(operation: &'static str, of: &'static str, after: u64) -> Kill {
    Kill { run: "rollout", operation, of, after }
}

/// The book beside the record in a file.
fn book(project: &Project) -> Option<PathBuf> {
    fn under(folder: &Path) -> Option<PathBuf> {
        let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        entries.into_iter().find_map(|path| {
            if path.is_dir() {
                under(&path)
            } else {
                path.file_name().is_some_and(|name| name == SET).then_some(path)
            }
        })
    }
    under(project.path())
}

/// The minute for which a process that has died keeps others out is over.
fn a_minute_later(project: &Project, server: &Server, bucket: bool) -> Result<(), String> {
    let ended = |text: &str| -> Option<String> {
        let mut book: Value = serde_json::from_str(text).ok()?;
        let until = book["rollout"].get_mut("runner")?.get_mut("until")?;
        *until = "2020-01-01T00:00:00Z".into();
        Some(book.to_string())
    };
    if !bucket {
        let Some(path) = book(project) else { return Ok(()) };
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        return ended(&text).map_or(Ok(()), |text| std::fs::write(path, text).map_err(|error| error.to_string()));
    }
    let aside = project.path().join("aside.json");
    let object = format!("--bucket acme-cells --key cells.json.releases/{SET}");
    if aws::aws(&server.url(), &format!("s3api get-object {object} {}", aside.display())).is_err() {
        return Ok(());
    }
    let text = std::fs::read_to_string(&aside).map_err(|error| error.to_string())?;
    if let Some(text) = ended(&text) {
        std::fs::write(&aside, text).map_err(|error| error.to_string())?;
        aws::aws(&server.url(), &format!("s3api put-object {object} --body {}", aside.display()))?;
    }
    Ok(())
}

/// Whichever form the set has while a rollout is under way is nobody else's doing.
fn nothing_came_from_outside(project: &Project) -> Result<(), String> {
    let planned = project.run(&["plan", "--format", "json"])?.ended(0)?;
    let plan: Value = serde_json::from_str(&planned.stdout).map_err(|error| error.to_string())?;
    let drifted = |change: &&Value| change["drift"].as_array().is_some_and(|fields| !fields.is_empty());
    let found = plan["changes"].as_array().ok_or("the plan has no changes")?.iter().find(drifted);
    found.map_or(Ok(()), |change| Err(format!("changed outside, by the plan: {change}")))
}

/// Kills a run at a call, and lets others go on to the end; `back` is the wave in which an alarm is off.
fn killed(kill: Kill, after: bool, bucket: bool, back: Option<usize>) -> Result<(), String> {
    let mut project = fork(if bucket { &BUCKET } else { &FILE }, bucket)?;
    let server = serve(&mut project)?;
    project.put("main.cell", &program(None, bucket, NEW))?;
    if let Some(at) = back {
        errors(&server, WAVES[at][0]);
        server.advance(Duration::from_mins(1))?;
    }
    let args: &[&str] = if kill.run == "apply" { &["apply", "--yes"] } else { &["rollout", "run"] };
    if kill.run == "rollout" {
        project.run(&["apply", "--yes"])?.ended(0)?;
    }
    let kind = if after { "hang_after" } else { "hang" };
    let operation = kill.operation;
    let mut fault = json!({"operation": operation, "containing": kill.of, "kind": kind, "after": kill.after});
    if kill.of.is_empty() {
        fault["containing"] = Value::Null;
    }
    server.inject(&json!([fault]))?;
    let mut child = project.start(args)?;
    let began = Instant::now();
    while server.hanging() == 0 {
        let ended = child.try_wait().map_err(|error| error.to_string())?;
        if ended.is_some() || began.elapsed() > Duration::from_mins(2) {
            _ = child.kill();
            return Err(format!("the call was never made: {ended:?}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    while server.hanging() > 0 {
        server.let_go();
        std::thread::sleep(Duration::from_millis(1));
    }
    server.mend();
    a_minute_later(&project, &server, bucket)?;
    if bucket {
        project.run(&["registry", "unlock", "--yes"])?.ended(0)?;
    }
    if [PROVISION, STATUS, DESCRIBE, SEEN].contains(&operation) {
        nothing_came_from_outside(&project)?;
    }
    if kill.run == "apply" {
        project.run(&["apply", "--yes"])?.ended(0)?;
        have(&server, &WAVES, OLD)?;
    }
    let ran = project.run(&["rollout", "run"])?;
    let reached = back.map_or(WAVES.len(), |at| at + 1);
    let asked = provisioned(&server);
    if let Some((cell, account)) =
        WAVES[reached..].iter().copied().flatten().find(|(_, account)| asked.contains_key(*account))
    {
        return Err(format!("cell.{cell} ({account}) was not reached, and provisioned\n{}", ran.stderr));
    }
    let Some(at) = back else {
        let ran = ran.ended(0)?;
        have(&server, &WAVES, NEW).map_err(|error| format!("{error}\n{}{}", ran.stdout, ran.stderr))?;
        return project.run(&["plan", "--detailed-exitcode"])?.ended(0).map(drop);
    };
    let why = format!(": rolled back: alarm.errors went off in cell.{}", WAVES[at][0].0);
    // It may have been killed when all was done.
    let over = ran.status == 0 && ran.stdout.contains("no rollout is under way");
    if !(over || ran.status == 1 && ran.stdout.contains(&why)) {
        return Err(format!("it was not taken back\n{}{}", ran.stdout, ran.stderr));
    }
    have(&server, &WAVES, OLD).map_err(|error| format!("{error}\n{}{}", ran.stdout, ran.stderr))?;
    // With the alarm over, the same goes through.
    server.advance(Duration::from_mins(30))?;
    project.run(&["apply", "--yes"])?.ended(0)?;
    have(&server, &WAVES, OLD)?;
    project.run(&["rollout", "run"])?.ended(0)?;
    have(&server, &WAVES, NEW)?;
    project.run(&["plan", "--detailed-exitcode"])?.ended(0).map(drop)
}

fn all_killed(kills: &[Kill], bucket: bool, back: Option<usize>) {
    let cases: Vec<(Kill, bool)> = kills.iter().flat_map(|kill| [(*kill, false), (*kill, true)]).collect();
    let failed = waiting(&cases, |(kill, after)| {
        killed(*kill, *after, bucket, back).map_err(|error| format!("── {kill:?}, after: {after}\n{error}"))
    });
    report(cases.len(), &failed);
}

const PUT: &str = "sso-admin:PutInlinePolicyToPermissionSet";
const ATTACH: &str = "sso-admin:AttachManagedPolicyToPermissionSet";
const DETACH: &str = "sso-admin:DetachManagedPolicyFromPermissionSet";
const PROVISION: &str = "sso-admin:ProvisionPermissionSet";
const STATUS: &str = "sso-admin:ListPermissionSetProvisioningStatus";
const DESCRIBE: &str = "sso-admin:DescribePermissionSetProvisioningStatus";
const SEEN: &str = "sso-admin:ListAccountsForProvisionedPermissionSet";

/// Forward: as the set is changed, and in the first, the second and the last wave.
fn a_run_that_is_killed_forward_is_gone_on_with() {
    let kills = [
        in_apply(ATTACH, "", 0),
        in_apply(DETACH, "", 0),
        in_apply(PUT, "", 0),
        in_rollout(PROVISION, "222222222201", 0),
        in_rollout(PROVISION, "222222222203", 0),
        in_rollout(STATUS, "", 0),
        in_rollout(DESCRIBE, "", 1),
        in_rollout(SEEN, "", 1),
    ];
    all_killed(&kills, false, None);
}

/// What an apply that was killed had changed already is known when an alarm wants it back.
fn an_apply_that_was_killed_knows_the_former_form() {
    all_killed(&[in_apply(ATTACH, "", 0), in_apply(PUT, "", 0)], false, Some(1));
}

/// On the way back from the second wave.
fn a_run_that_is_killed_on_the_way_back_is_gone_on_with() {
    let kills = [
        in_rollout(ATTACH, "", 0),
        in_rollout(DETACH, "", 0),
        in_rollout(PUT, "", 0),
        in_rollout(PROVISION, "222222222201", 1),
        in_rollout(PROVISION, "222222222202", 1),
        in_rollout(STATUS, "", 2),
        in_rollout(SEEN, "", 2),
    ];
    all_killed(&kills, false, Some(1));
}

/// At the writes of the book, which lies in a bucket: as it is queued, begun, brought to a cell, taken back.
fn a_run_that_is_killed_at_a_write_of_the_book_is_gone_on_with() {
    let write = "s3:PutObject";
    all_killed(&[in_apply(write, OF, 0), in_apply(write, SET, 0), in_rollout(write, SET, 3)], true, None);
    all_killed(&[in_apply(write, SET, 0), in_rollout(write, SET, 4), in_rollout(write, SET, 5)], true, Some(1));
}

at_once! {
    permission_sets_go_wrong_by_waves:
    an_alarm_in_any_wave_puts_the_former_policy_back,
    what_is_in_no_wave_goes_back_too,
    what_somebody_ended_is_told,
    another_form_waits_for_the_one_that_is_watched,
    a_cell_in_which_nobody_has_it_any_more_holds_nothing_back,
    a_run_that_is_killed_forward_is_gone_on_with,
    an_apply_that_was_killed_knows_the_former_form,
    a_run_that_is_killed_on_the_way_back_is_gone_on_with,
    a_run_that_is_killed_at_a_write_of_the_book_is_gone_on_with,
}
