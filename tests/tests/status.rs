//! `cellc status` and `cellc cost`: what they say is what was applied, released and spent. On the sandbox, with books written by
//! the library; the page in a real browser; Cost Explorer through the SDK, on the sandbox and on moto.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use cell_aws::{AwsCloud, Keys, Settings};
use cell_eval::pane::{Pane, Spending as _, Spent, html};
use cell_eval::provider::Failure;
use cell_eval::provider::pace::Patience;
use cell_eval::releases::book::Queued;
use cell_eval::releases::{Book, Dossier};
use cell_eval::rollout::{Course, Event, OnAlarm, Wave, step};
use cell_sandbox::{Config, Seed, SeedAccount, SeedCost};
use cell_tests::browser::{look, spoil};
use cell_tests::momento::Project;
use cell_tests::moto::Moto;
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws, http, repository};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Value, json};

const PROGRAM: &str = r#"
org acme {
  management_account = "111111111111"
  accounts { email = "aws+\(.name)@acme.example" }
}
group ops {}
account images {}
cell one { kind = "alpha", region = "us-west-2", budget { monthly = 100usd, alert_at = [80%] } }
cell two { kind = "prod", region = "eu-west-1", owner = group.ops, budget { monthly = 1_000usd } }
cell three { kind = "prod", region = "us-east-1", owner = group.ops, state = "draining" }
cell dev { kind = "dev", region = "us-west-2", expires = 2026-05-31 }
cell far { kind = "alpha", cloud = "gcp", region = "us-east1", project = "acme-far" }
alarm errors { namespace = "api", metric = "Errors", above = 5, over = 5m }
rollout steady {
  alarms = [alarm.errors]
  wave first { on = cells where .kind == "alpha", bake = 1h }
  wave rest { on = cells where .kind == "prod", bake = 4h }
}
component api {
  repo = "https://git.acme.example/api"
  deploy make { target = "deploy" }
  rollout = rollout.steady
}
permission_set Look {
  managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
}
grant ops-look {
  to = group.ops
  can = permission_set.Look
  on = [cell.one, cell.two]
}
"#;

at_once!(the_status_of_cells:
    cells_are_told_before_and_after_an_apply,
    rollouts_are_told_from_their_books,
    what_is_asked_for_is_shown_or_refused,
    what_is_torn_down_is_told,
    alarms_are_read_in_the_account_of_each_cell,
);

at_once!(what_cells_cost:
    amounts_are_those_of_the_accounts,
    the_status_tells_costs_when_asked,
    a_request_is_made_once_where_it_would_be_billed_twice,
    pages_add_up,
    the_stock_client_reads_the_same,
    moto_gives_the_answers_it_is_told,
);

fn read(project: &Project, args: &[&str]) -> Value {
    let all = [&["status", "--format", "json", "--no-refresh"], args].concat();
    let document = project.run(&all).unwrap().ended(0).unwrap().json().unwrap();
    held_to("status.schema.json", &document);
    document
}

fn held_to(schema: &str, document: &Value) {
    let schema = repository::read(&repository::root().join("spec/schemas").join(schema)).unwrap();
    let validator = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(document).map(|fault| format!("{fault} at {}", fault.instance_path())).collect();
    assert_eq!(faults, Vec::<String>::new());
}

fn cell<'d>(document: &'d Value, address: &str) -> &'d Value {
    let cells = document["cells"].as_array().unwrap();
    cells.iter().find(|cell| cell["cell"] == address).unwrap_or_else(|| panic!("no {address} in {document}"))
}

fn cells_are_told_before_and_after_an_apply() {
    let project = Project::of(PROGRAM).unwrap();
    let before = read(&project, &[]);
    let standing = |document: &Value, address: &str| cell(document, address)["standing"].clone();
    assert_eq!(before["cells"].as_array().unwrap().len(), 5);
    assert_eq!(standing(&before, "cell.one"), "not_applied");
    assert_eq!((&before["organization"], &cell(&before, "cell.one")["account"]), (&Value::Null, &Value::Null));
    assert_eq!(cell(&before, "cell.dev")["expired"], true);
    let left: Vec<_> = fs::read_dir(project.sandbox()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["config.json"], "nothing is written");
    // A record in a file needs no credentials.
    let ran = project.run_without_credentials(&["status", "--no-refresh"]).unwrap().ended(0).unwrap();
    assert!(ran.stdout.contains("5 cells, 5 not applied yet, 1 draining, 1 expired"), "{}", ran.stdout);

    project.run(&["apply", "--yes", "--at", "2026-05-30T09:00:00Z"]).unwrap().ended(0).unwrap();
    let after = read(&project, &["--at", "2026-05-30T12:00:00Z"]);
    let shown = project.run(&["registry", "show", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    for name in ["cell.one", "cell.two", "cell.three", "cell.dev"] {
        let told = cell(&after, name);
        assert_eq!(told["standing"], "applied", "{name}");
        assert_eq!(told["account"], shown["record"]["resources"][name]["id"], "{name}");
        assert!(told["applied"]["at"].is_string(), "{name}");
    }
    assert_eq!(cell(&after, "cell.far")["project"], "acme-far");
    assert_eq!(cell(&after, "cell.dev")["expired"], Value::Null, "not yet at that instant");
    assert_eq!(cell(&after, "cell.three")["state"], "draining");
    assert_eq!(cell(&after, "cell.two")["waves"], json!([{"wave": "rest", "of": ["component.api"]}]));
    assert_eq!(
        cell(&after, "cell.dev")["waves"],
        json!([{"wave": "released", "follows": true, "of": ["component.api"]}])
    );
    assert_eq!(
        cell(&after, "cell.one")["alarms"],
        json!({"state": "unknown", "count": 1, "why": "--no-refresh was said"})
    );
    assert_eq!(after["organization"], shown["record"]["organization"]["organization"]);
    // An assignment in a cell is newer than its account.
    let assigned = &shown["record"]["resources"]["assignment.Look/group.ops/cell.one"];
    assert_eq!(cell(&after, "cell.one")["applied"]["at"], assigned["applied_at"]);
}

fn put(project: &Project, name: &str, bytes: &[u8]) {
    let path = project.sandbox().join("registry.json.releases").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn wave(label: &str, cells: &[&str]) -> Wave {
    Wave {
        label: label.to_owned(),
        cells: cells.iter().map(|cell| format!("cell.{cell}")).collect(),
        parallel: 1,
        tolerate: 0,
        bake: SignedDuration::from_hours(1),
        min_requests: None,
        one_box: false,
        alarms: Vec::new(),
        approval: false,
        follows: false,
    }
}

fn dossier(version: &str) -> Dossier {
    let waves = vec![wave("canaries", &["far", "one"]), wave("the others", &["three", "two"])];
    let course = Course {
        of: "component.api".into(),
        rollout: Some("rollout.steady".into()),
        waves,
        window: None,
        on_alarm: OnAlarm::Stop,
    };
    Dossier {
        format_version: "1.0".into(),
        of: "component.api".into(),
        version: version.into(),
        digests: BTreeMap::new(),
        image: String::new(),
        templates: BTreeMap::new(),
        course,
        cells: BTreeMap::new(),
        texts: BTreeMap::new(),
    }
}

/// Takes events into a book as an engine does.
fn go(book: &mut Book, course: &Course, at: Timestamp, events: &[Event]) {
    for event in events {
        let state = book.rollout.as_ref().unwrap().state.clone();
        let after = step(course, state, at, event);
        book.took(after, event, "seen");
    }
}

fn rollouts_are_told_from_their_books() {
    let project = Project::of(PROGRAM).unwrap();
    project.run(&["apply", "--yes", "--at", "2026-05-30T09:00:00Z"]).unwrap().ended(0).unwrap();
    let at: Timestamp = "2026-05-30T10:00:00Z".parse().unwrap();
    let deployed = |cell: &str| Event::Deployed { cell: cell.to_owned() };
    let mut book = Book::new("component.api");
    let queued = |version: &str, dossier: &str| Queued {
        version: version.into(),
        dossier: dossier.into(),
        by: "ana@host".into(),
        at,
        of_apply: false,
    };
    let (first, bytes) = dossier("v1").sealed().unwrap();
    put(&project, &format!("component.api/{first}.json"), &bytes);
    let course = dossier("v1").course;
    book.begin(queued("v1", &first), &dossier("v1"), at);
    go(&mut book, &course, at, &[Event::Tick, deployed("cell.far"), deployed("cell.one")]);
    put(&project, "component.api.json", &serde_json::to_vec(&book).unwrap());

    let told = read(&project, &["--at", "2026-05-30T10:30:00Z"]);
    let release = &told["releases"][0];
    assert_eq!((&release["of"], &release["released"]), (&json!("component.api"), &Value::Null));
    let rollout = &release["rollout"];
    assert_eq!((&rollout["phase"], &rollout["wave"]), (&json!("baking"), &json!("canaries")));
    assert_eq!(rollout["until"], "2026-05-30T11:00:00Z");
    assert_eq!(rollout["cells"], json!({"baking": 2, "waiting": 2}));
    let version = |document: &Value, name: &str| cell(document, name)["versions"]["component.api"].clone();
    assert_eq!(version(&told, "cell.one")["compared"], "coming");
    assert_eq!(version(&told, "cell.one")["rollout"]["state"], "baking");
    assert_eq!(
        version(&told, "cell.two"),
        json!({"compared": "missing", "rollout": {"state": "waiting", "to": "v1"}})
    );

    // The next wave: a cell that fails stops it, and stays told until it is mended.
    let later: Timestamp = "2026-05-30T11:00:00Z".parse().unwrap();
    let failed = Event::Failed { cell: "cell.three".into(), why: "no room".into() };
    go(&mut book, &course, later, &[Event::Tick, failed]);
    book.next = Some(queued("v2", &first));
    put(&project, "component.api.json", &serde_json::to_vec(&book).unwrap());
    let told = read(&project, &["--at", "2026-05-30T12:00:00Z"]);
    let rollout = &told["releases"][0]["rollout"];
    assert_eq!((&rollout["phase"], &rollout["open"]), (&json!("stopped"), &json!(false)), "{rollout}");
    assert_eq!(told["releases"][0]["next"]["version"], "v2");
    let three = cell(&told, "cell.three");
    assert_eq!(three["versions"]["component.api"]["rollout"]["why"], "no room");
    assert_eq!(three["notes"], json!([{"grave": true, "text": "component.api v1 failed: no room"}]));
    let text =
        project.run(&["status", "--no-refresh", "--at", "2026-05-30T12:00:00Z"]).unwrap().ended(0).unwrap().stdout;
    for said in [
        "rollout 1 to v1: stopped in wave \"the others\"",
        "queued: v2, by ana@host",
        "! three: component.api v1 failed: no room",
    ] {
        assert!(text.contains(said), "no `{said}` in\n{text}");
    }

    // The waves of a book whose dossier is gone have numbers, and it is said.
    fs::remove_dir_all(project.sandbox().join("registry.json.releases/component.api")).unwrap();
    let ran = project.run(&["status", "--no-refresh", "--format", "json"]).unwrap().ended(0).unwrap();
    assert_eq!(ran.json().unwrap()["releases"][0]["rollout"]["wave"], "number 2");
    ran.says(&["the waves of the rollout of component.api are not known by name"]).unwrap();
    // A book that cannot be read is no book without releases.
    put(&project, "component.api.json", b"{");
    project
        .run(&["status", "--no-refresh"])
        .unwrap()
        .ended(1)
        .unwrap()
        .says(&["E0512", "component.api.json"])
        .unwrap();
}

fn what_is_asked_for_is_shown_or_refused() {
    let project = Project::of(PROGRAM).unwrap();
    let told = read(&project, &["--only", "cell.one"]);
    assert_eq!((told["cells"].as_array().unwrap().len(), &told["left_out"]), (1, &json!(4)));
    let ran = project.run(&["status", "--only", "cell.thre", "--no-refresh"]).unwrap().ended(1).unwrap();
    ran.says(&["there is no cell and no component `cell.thre` here", "did you mean `cell.three`"]).unwrap();
    let page = project.run(&["status", "--no-refresh", "--format", "html"]).unwrap().ended(0).unwrap().stdout;
    assert!(page.starts_with("<!doctype html>") && page.contains("Content-Security-Policy"));
    for form in ["markdown", "sarif"] {
        project.run(&["status", "--format", form]).unwrap().ended(64).unwrap();
    }
    project.run(&["cost", "--format", "html"]).unwrap().ended(64).unwrap();
    project.run(&["status", "--cost", "--no-refresh"]).unwrap().ended(64).unwrap();
}

fn what_is_torn_down_is_told() {
    let project = Project::of(PROGRAM).unwrap();
    project.run(&["apply", "--yes", "--at", "2026-05-30T09:00:00Z"]).unwrap().ended(0).unwrap();
    project
        .run(&["destroy", "--yes", "--at", "2026-05-30T09:00:00Z", "--only", "cell.dev"])
        .unwrap()
        .ended(0)
        .unwrap();
    let told = read(&project, &[]);
    let dev = cell(&told, "cell.dev");
    assert_eq!((&dev["standing"], &dev["account"]), (&json!("torn_down"), &Value::Null));
    assert_eq!(told["parked"][0]["from"], "cell.dev");
    // Its block may go now, and then nothing is said of it but the account.
    project.edit(&[("cell dev { kind = \"dev\", region = \"us-west-2\", expires = 2026-05-31 }\n", "")]).unwrap();
    let told = read(&project, &[]);
    assert_eq!(told["cells"].as_array().unwrap().len(), 4);
    // One that the record has and the program has not is told, too.
    project
        .edit(&[(
            "cell three { kind = \"prod\", region = \"us-east-1\", owner = group.ops, state = \"draining\" }\n",
            "",
        )])
        .unwrap();
    let told = read(&project, &[]);
    let three = cell(&told, "cell.three");
    assert_eq!((&three["standing"], &three["kind"]), (&json!("not_in_program"), &json!("prod")));
}

/// Puts an alarm into a state with the stock AWS CLI, in an account and region.
fn set_alarm(url: &str, (account, region): (&str, &str), name: &str, state: &str) {
    let mut env = aws::environment(url);
    env.push(("AWS_ACCESS_KEY_ID".to_owned(), format!("AKIA{account}")));
    env.push(("AWS_REGION".to_owned(), region.to_owned()));
    env.push(("AWS_DEFAULT_REGION".to_owned(), region.to_owned()));
    let put = format!(
        "cloudwatch put-metric-alarm --alarm-name {name} --namespace api --metric-name Errors --statistic Sum --period 3600 \
         --evaluation-periods 1 --threshold 5 --comparison-operator GreaterThanThreshold"
    );
    let set = format!("cloudwatch set-alarm-state --alarm-name {name} --state-value {state} --state-reason told");
    aws::all_as(&env, &[put, set]).unwrap();
}

fn alarms_are_read_in_the_account_of_each_cell() {
    let project = Project::of(PROGRAM).unwrap();
    project.run(&["apply", "--yes", "--at", "2026-05-30T09:00:00Z"]).unwrap().ended(0).unwrap();
    let status = || {
        let asked = ["status", "--format", "json", "--at", "2026-05-30T12:00:00Z"];
        let document = project.run(&asked).unwrap().ended(0).unwrap().json().unwrap();
        held_to("status.schema.json", &document);
        document
    };
    let before = status();
    let account = |cell_name: &str| cell(&before, cell_name)["account"].as_str().unwrap().to_owned();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    set_alarm(&server.url(), (&account("cell.one"), "us-west-2"), "errors-one", "ALARM");
    set_alarm(&server.url(), (&account("cell.two"), "eu-west-1"), "errors-two", "INSUFFICIENT_DATA");
    set_alarm(&server.url(), (&account("cell.three"), "us-east-1"), "errors-three", "OK");
    // Who cannot look says so, and tells all the rest.
    let held = status();
    let why = held["alarms_unread"].as_str().unwrap().to_owned();
    assert!(why.contains("cannot be opened"), "{why}");
    assert_eq!(cell(&held, "cell.one")["alarms"], json!({"state": "unknown", "count": 1, "why": why}));
    drop(server);

    let after = status();
    assert_eq!(after["alarms_unread"], Value::Null);
    let state = |name: &str| cell(&after, name)["alarms"]["state"].clone();
    assert_eq!([state("cell.one"), state("cell.two"), state("cell.three")], ["alarm", "no_data", "ok"]);
    assert_eq!(cell(&after, "cell.one")["alarms"]["off"], json!(["alarm.errors"]));
    let text = project.run(&["status", "--at", "2026-05-30T12:00:00Z"]).unwrap().ended(0).unwrap().stdout;
    let row =
        |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default().to_owned();
    assert!(row("one ").contains("1 of 1 off") && row("three ").contains("1 ok"), "{text}");
    assert!(row("two ").contains("1 of 1 without data"), "{text}");
}

fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}

/// The first day of this month, and that of the one before.
fn months() -> (Date, Date) {
    let this = today().first_of_month();
    (this, this.saturating_sub(1.month()))
}

fn costs(of: &[(&str, Date, &str)]) -> Seed {
    let cost = |(account, day, amount): &(&str, Date, &str)| SeedCost {
        account: (*account).to_owned(),
        day: day.to_string(),
        amount: (*amount).to_owned(),
    };
    Seed { costs: of.iter().map(cost).collect(), ..Seed::default() }
}

/// The program, applied, with costs of this month and the last.
fn with_costs() -> Project {
    let project = Project::of(PROGRAM).unwrap();
    project.run(&["apply", "--yes", "--at", "2026-05-30T09:00:00Z"]).unwrap().ended(0).unwrap();
    let (this, last) = months();
    let second = last.saturating_add(1.day());
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let stranger =
        SeedAccount { name: "legacy".into(), email: "legacy@acme.example".into(), ..SeedAccount::default() };
    server.seed(&Seed { accounts: vec![stranger], ..Seed::default() }).unwrap();
    let all = [
        ("one", last, "30.25"),
        ("one", second, "10.0000000001"),
        ("one", this, "85"),
        ("two", this, "1000.01"),
        ("images", last, "3.5"),
        ("legacy", this, "12"),
        ("111111111111", this, "-0.5"),
    ];
    server.seed(&costs(&all)).unwrap();
    drop(server);
    project
}

fn amounts_are_those_of_the_accounts() {
    let project = with_costs();
    let bill = project.run(&["cost", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    held_to("cost.schema.json", &bill);
    let (this, last) = months();
    let month = |date: Date| date.strftime("%Y-%m").to_string();
    assert_eq!(
        (&bill["months"][0]["month"], &bill["months"][1]["month"]),
        (&json!(month(last)), &json!(month(this)))
    );
    assert_eq!((&bill["months"][0]["running"], &bill["months"][1]["running"]), (&json!(false), &json!(true)));
    let line = |part: &str, of: &str| {
        let found = bill[part].as_array().unwrap().iter().find(|line| line["of"] == of);
        found.unwrap_or_else(|| panic!("no {of} in {}", bill[part])).clone()
    };
    assert_eq!(line("cells", "cell.one")["amounts"], json!(["40.2500000001", "85"]));
    assert_eq!(line("cells", "cell.one")["budget"]["state"], "alert");
    assert_eq!(line("cells", "cell.one")["budget"]["passed"], "80%");
    assert_eq!(line("cells", "cell.two")["budget"]["state"], "over");
    assert_eq!(line("cells", "cell.three")["amounts"], json!(["0", "0"]));
    assert_eq!(line("cells", "cell.far")["amounts"], json!([]));
    assert_eq!(line("shared", "account.images")["amounts"], json!(["3.5", "0"]));
    assert_eq!(line("shared", "management account")["amounts"], json!(["0", "-0.5"]));
    assert_eq!(line("others", "legacy")["amounts"], json!(["0", "12"]));
    assert_eq!(bill["total"], json!(["43.7500000001", "1096.51"]));
    assert_eq!(bill["requests"], 1);

    let text = project.run(&["cost", "--months", "1"]).unwrap().ended(0).unwrap().stdout;
    for said in
        ["1,000.01", "100% of 1,000.00 USD, over", "85% of 100.00 USD, past 80%", "asked by 1 request", "legacy"]
    {
        assert!(text.contains(said), "no `{said}` in\n{text}");
    }
    let (from, to) = (month(last), month(last));
    let bill = project.run(&["cost", "--from", &from, "--to", &to, "--format", "json"]).unwrap().ended(0).unwrap();
    assert_eq!(bill.json().unwrap()["total"], json!(["43.7500000001"]));
    for (args, why) in [
        (&["--from", "2026-03", "--to", "2026-02"][..], "is after"),
        (&["--to", "2999-01"], "no bill of a month to come"),
    ] {
        let ran = project.run(&[&["cost"], args].concat()).unwrap().ended(64).unwrap();
        ran.says(&[why]).unwrap();
    }
    let ran = project.run(&["cost", "--months", "38"]).unwrap().ended(1).unwrap();
    ran.says(&["E05", "historical data beyond 14 months"]).unwrap();
}

fn the_status_tells_costs_when_asked() {
    let project = with_costs();
    let told = project.run(&["status", "--cost", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    held_to("status.schema.json", &told);
    assert_eq!(told["cost"]["total"][1], "1096.51");
    let page = project.run(&["status", "--cost", "--format", "html"]).unwrap().ended(0).unwrap().stdout;
    assert!(page.contains("id=\"cost\"") && page.contains("1,096.51"), "the page has the total");
    let bare = project.run(&["status", "--format", "html"]).unwrap().ended(0).unwrap().stdout;
    assert!(!bare.contains("id=\"cost\""));
}

fn settings(url: &str, key: &str) -> Settings {
    let base = Duration::from_millis(5);
    Settings {
        region: Some("eu-west-1".to_owned()),
        endpoint: Some(url.to_owned()),
        credentials: Some(Keys { id: key.to_owned(), secret: "test".to_owned() }),
        patience: Patience { attempts: 3, base, cap: base, total: Duration::from_secs(2) },
        ..Settings::default()
    }
}

fn spent(url: &str, key: &str) -> Result<Spent, cell_eval::provider::CloudError> {
    let (this, last) = months();
    AwsCloud::connect(&settings(url, key)).unwrap().spent(last, this.saturating_add(1.month()))
}

/// A server with an account that cost something each day of the last month.
fn served(config: Config, accounts: usize) -> Server {
    let server = Server::start(None, config).unwrap();
    let account = |n: usize| SeedAccount {
        id: Some(format!("{:012}", 222_222_222_000 + n)),
        name: format!("shop-{n}"),
        email: format!("shop-{n}@acme.example"),
        ..SeedAccount::default()
    };
    server.seed(&Seed { accounts: (0..accounts).map(account).collect(), ..Seed::default() }).unwrap();
    let (this, last) = months();
    let names: Vec<String> = (0..accounts).map(|n| format!("shop-{n}")).collect();
    let all: Vec<(&str, Date, &str)> =
        names.iter().flat_map(|name| [(name.as_str(), last, "1.5"), (name.as_str(), this, "0.25")]).collect();
    server.seed(&costs(&all)).unwrap();
    server
}

fn a_request_is_made_once_where_it_would_be_billed_twice() {
    let server = served(quick(), 1);
    // It was answered, and the answer was lost: asked again, it would be billed again.
    server.inject(&json!([{"operation": "GetCostAndUsage", "kind": "drop", "count": 1}])).unwrap();
    assert_eq!(spent(&server.url(), "test").unwrap_err().failure, Failure::Lost);
    assert_eq!(server.called("ce:GetCostAndUsage"), 1);
    // Nothing was done: it is asked again.
    server.inject(&json!([{"operation": "GetCostAndUsage", "kind": "throttle", "count": 1}])).unwrap();
    assert_eq!(spent(&server.url(), "test").unwrap().requests, 1);
    assert_eq!(server.called("ce:GetCostAndUsage"), 3);
    // Who may not is told so, and by which permission.
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "organizations:*", "Resource": "*"}]});
    server.configure(|config| _ = config.identities.insert("AKIALIMITED".to_owned(), policy)).unwrap();
    let refused = spent(&server.url(), "AKIALIMITED").unwrap_err();
    assert_eq!(refused.failure, Failure::Denied);
    assert!(refused.message.contains("ce:GetCostAndUsage"), "{}", refused.message);
    // A member account sees what it cost itself.
    let own = spent(&server.url(), "AKIA222222222000").unwrap();
    assert_eq!(own.periods[0].by_account.len(), 1);
}

fn pages_add_up() {
    let whole = served(quick(), 30);
    let paged = served(Config { page: Some(7), empty_pages: true, ..quick() }, 30);
    let (one, many) = (spent(&whole.url(), "test").unwrap(), spent(&paged.url(), "test").unwrap());
    assert_eq!((one.requests, many.requests), (1, 10), "an empty page, and 62 items by 7");
    assert_eq!(one.periods, many.periods);
    assert_eq!(one.names, many.names);
    assert_eq!(one.names["222222222007"], "shop-7");
    assert_eq!(one.periods[0].by_account["222222222007"].to_string(), "1.5");
    assert_eq!((one.periods[0].estimated, one.periods[1].estimated), (false, true));
    let script = repository::root().join("tests/conformance/validate.py");
    let log = serde_json::to_string(&paged.log().unwrap()).unwrap();
    let said: Value = serde_json::from_str(&aws::python(&script, &[], &[], &log).unwrap()).unwrap();
    assert_eq!(said["faults"], json!([]), "AWS's model allows every request");
}

fn the_stock_client_reads_the_same() {
    let server = served(quick(), 2);
    let (this, last) = months();
    let end = this.saturating_add(1.month());
    let base =
        format!("ce get-cost-and-usage --metrics UnblendedCost --time-period Start={last},End={end} --output json");
    let monthly = aws::aws(
        &server.url(),
        &format!("{base} --granularity MONTHLY --group-by Type=DIMENSION,Key=LINKED_ACCOUNT"),
    )
    .unwrap();
    assert_eq!(monthly["ResultsByTime"][0]["Groups"][1]["Keys"], json!(["222222222001"]));
    assert_eq!(
        monthly["ResultsByTime"][0]["Groups"][1]["Metrics"]["UnblendedCost"],
        json!({"Amount": "1.5", "Unit": "USD"})
    );
    assert_eq!(
        monthly["DimensionValueAttributes"][0],
        json!({"Value": "222222222000", "Attributes": {"description": "shop-0"}})
    );
    let daily = aws::aws(&server.url(), &format!("{base} --granularity DAILY")).unwrap();
    assert_eq!(daily["ResultsByTime"][0]["Total"]["UnblendedCost"]["Amount"], "3");
    assert_eq!(daily["ResultsByTime"].as_array().unwrap().len(), usize::try_from((end - last).get_days()).unwrap());
    for (command, why) in [
        (format!("ce get-cost-and-usage --metrics UnblendedCost --granularity MONTHLY --time-period Start={end},End={last}"), "should be before"),
        (format!("ce get-cost-and-usage --metrics UnblendedCost --granularity MONTHLY --time-period Start={last},End={}", end.tomorrow().unwrap()), "end date past the beginning of next month"),
        (format!("{base} --granularity MONTHLY --group-by Type=TAG,Key=team"), "LINKED_ACCOUNT only"),
        (format!("{base} --granularity MONTHLY --next-page-token nonsense"), "InvalidNextTokenException"),
        ("ce get-cost-forecast --metric UNBLENDED_COST --granularity MONTHLY --time-period Start=2026-01-01,End=2026-02-01".to_owned(), "UnknownOperationException"),
    ] {
        let error = aws::aws(&server.url(), &command).unwrap_err();
        assert!(error.contains(why), "{command}: {error}");
    }
}

fn moto_gives_the_answers_it_is_told() {
    let moto = Moto::start().unwrap();
    let period = |start: &str, end: &str, groups: Value| json!({"TimePeriod": {"Start": start, "End": end}, "Total": {}, "Groups": groups, "Estimated": false});
    let group = |account: &str, amount: &str| json!({"Keys": [account], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}});
    let result = json!({
        "ResultsByTime": [
            period("2026-01-01", "2026-02-01", json!([group("222222222222", "12.3456789012"), group("333333333333", "0")])),
            period("2026-03-01", "2026-04-01", json!([group("222222222222", "1E-7")])),
        ],
        "DimensionValueAttributes": [{"Value": "222222222222", "Attributes": {"description": "shop"}}],
    });
    let body = json!({"results": [result]}).to_string();
    let (status, said) =
        http::request(moto.url(), "POST", "/moto-api/static/ce/cost-and-usage-results", &body).unwrap();
    assert_eq!(status, 201, "{said}");
    let cloud = AwsCloud::connect(&settings(moto.url(), "test")).unwrap();
    let spent = cloud.spent(date(2026, 1, 1), date(2026, 4, 1)).unwrap();
    assert_eq!(spent.periods.len(), 3, "a month that the answer lacks cost nothing");
    assert_eq!(spent.periods[0].by_account["222222222222"].to_string(), "12.3456789012");
    assert_eq!(spent.periods[2].by_account["222222222222"].to_string(), "0.0000001");
    assert!(spent.periods[1].by_account.is_empty());
    assert_eq!(spent.names["222222222222"], "shop");
    // What it was not told is an answer without amounts.
    let nothing = cloud.spent(date(2025, 1, 1), date(2025, 2, 1)).unwrap();
    assert_eq!((nothing.periods.len(), nothing.currency.as_str()), (1, "USD"));
}

/// Words that the form of a status allows; all else is a name.
const WORDS: &[&str] = &["state", "standing", "compared", "format_version"];

/// Instants and amounts are read as such, and never shown as they were written.
fn kept(key: &str, text: &str) -> bool {
    WORDS.contains(&key) || text.parse::<Timestamp>().is_ok() || text.parse::<f64>().is_ok()
}

#[test]
fn the_page_of_all_cells_is_sound_in_a_browser() {
    let text = repository::read(&repository::root().join("tests/browser/status.json")).unwrap();
    let plain: Value = serde_json::from_str(&text).unwrap();
    held_to("status.schema.json", &plain);
    let mut hostile = plain.clone();
    spoil(&mut hostile, "", &kept);
    let [page, hostile] = [plain, hostile].map(|json| html::page(&serde_json::from_value::<Pane>(json).unwrap()));
    look("status.mjs", &page, &hostile).unwrap_or_else(|why| panic!("{why}"));
}
