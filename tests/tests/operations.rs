//! The page for operators, [`operations.md`](../../spec/operations.md), is what is seen: each trouble on it is brought
//! about, each of its console blocks is held against what `cellc` really says, and each ends as the page promises.

use std::collections::BTreeMap;

use cell_tests::momento::{AT, Project, Ran, Registry};
use cell_tests::sandbox::{Server, quick};
use cell_tests::trust::{Case, Deed, Life, disk};
use cell_tests::{aws, report, repository, waiting};
use serde_json::{Value, json};

const PAGE: &str = "spec/operations.md";
const SESSION: (&str, &str) = (
    "permission_set ReadOnly using sets.read_only {}",
    "permission_set ReadOnly using sets.read_only { override session = 2h }",
);
/// A cell more, and so an account.
const CELL: (&str, &str) = (
    "cell preprod-usw2 {",
    "cell preprod-usw2b {\n  kind = \"preprod\"\n  owner = group.cell-operators\n  region = \"us-west-2\"\n}\ncell preprod-usw2 {",
);
const APPLY: [&str; 4] = ["apply", "--yes", "--at", AT];

/// What was run, one for each console block of the section.
type Seen = Result<Vec<Ran>, String>;
type Trouble = fn() -> Seen;

/// The sections of the page that show a trouble, and how each is brought about.
const TROUBLES: [(&str, Trouble); 12] = [
    ("The record is held by another run", held),
    ("A saved plan is stale", stale),
    ("A run died while an account was being made", half_created),
    ("Something failed after AWS had taken it", failed_later),
    ("AWS takes no more accounts", quota),
    ("An account is closed", closed),
    ("The record is lost or damaged", lost),
    ("The disk is full", full),
    ("Credentials expire", expired),
    ("The clock is off", skewed),
    ("AWS asks for less", throttled),
    ("Somebody pressed Ctrl-C", interrupted),
];

/// The example applied, with an edit that is not.
fn applied(registry: Registry, edit: (&str, &str)) -> Result<Case, String> {
    let project = Project::applied(registry)?;
    project.edit(&[edit])?;
    let (mut project, life) = (project, Life { deed: Deed::Apply, registry });
    if registry == Registry::File {
        // The record of the embedded sandbox is not that of AWS.
        std::fs::copy(project.sandbox().join("registry.json"), project.path().join(".cellc/registry.json"))
            .map_err(|error| error.to_string())?;
    }
    let server = Server::start(Some(&project.sandbox()), quick())?;
    project.endpoint = Some(server.url());
    Ok(Case { life, project, server })
}

fn apply(case: &Case) -> Result<Ran, String> {
    case.project.run(&APPLY)
}

/// Ends well, and leaves nothing to do.
fn mended(case: &Case) -> Result<Ran, String> {
    let ran = apply(case)?.ended(0)?;
    case.project.settled(&[])?;
    Ok(ran)
}

fn refusal(operation: &str, code: &str, message: &str, after: u64) -> Value {
    json!([{ "operation": operation, "kind": "error", "code": code, "status": 400, "message": message, "after": after, "count": 1_000_000 }])
}

/// Starts an apply and kills it as soon as a call hangs.
fn killed_at(case: &Case, faults: &Value) -> Result<(), String> {
    case.server.inject(faults)?;
    let mut child = case.project.start(&APPLY)?;
    until_it_hangs(case)?;
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    case.server.let_go();
    case.server.mend();
    Ok(())
}

fn until_it_hangs(case: &Case) -> Result<(), String> {
    let begun = std::time::Instant::now();
    while case.server.hanging() == 0 {
        if begun.elapsed().as_secs() > 300 {
            return Err("no call hangs".to_owned());
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Ok(())
}

fn held() -> Seen {
    let case = applied(Registry::S3, SESSION)?;
    case.server.inject(&json!([{ "operation": "sso-admin:UpdatePermissionSet", "kind": "hang" }]))?;
    let mut child = case.project.start(&APPLY)?;
    until_it_hangs(&case)?;
    let second = apply(&case)?.ended(1)?;
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    let unlocked = case.project.run(&["registry", "unlock", "--yes"])?.ended(0)?;
    mended(&case)?;
    Ok(vec![second, unlocked])
}

fn stale() -> Seen {
    let case = applied(Registry::S3, SESSION)?;
    case.project.run(&["plan", "--at", AT, "--out", "plan.json"])?.ended(0)?;
    // Somebody else applies something of the same set meanwhile.
    case.project.edit(&[("override session = 2h", "override session = 1h")])?;
    apply(&case)?.ended(0)?;
    case.project.edit(&[("override session = 1h", "override session = 2h")])?;
    let refused = case.project.run(&["apply", "--plan", "plan.json", "--yes"])?.ended(1)?;
    mended(&case)?;
    Ok(vec![refused])
}

fn half_created() -> Seen {
    let case = applied(Registry::File, CELL)?;
    killed_at(&case, &json!([{ "operation": "organizations:CreateAccount", "kind": "hang_after" }]))?;
    let shown = case.project.run(&["registry", "show"])?.ended(0)?;
    let next = mended(&case)?;
    if case.server.called("organizations:CreateAccount") != 1 {
        return Err("the account was made again".to_owned());
    }
    Ok(vec![shown, next])
}

fn failed_later() -> Seen {
    let case = applied(Registry::S3, SESSION)?;
    let reason = "Received a 404 status error: the customer policy is not there";
    case.server.inject(
        &json!([{ "operation": "sso-admin:ProvisionPermissionSet", "kind": "fail_async", "reason": reason }]),
    )?;
    let failed = apply(&case)?.ended(1)?;
    let plan = case.project.run(&["plan", "--at", AT])?.ended(0)?;
    mended(&case)?;
    Ok(vec![failed, plan])
}

fn quota() -> Seen {
    let case = applied(Registry::S3, CELL)?;
    case.server.configure(|config| config.quotas.accounts = 11)?;
    let refused = apply(&case)?.ended(1)?;
    case.server.configure(|config| config.quotas.accounts = 20)?;
    mended(&case)?;
    Ok(vec![refused])
}

fn closed() -> Seen {
    let case = applied(Registry::S3, SESSION)?;
    let record = case.project.run(&["registry", "show", "--format", "json"])?.json()?;
    let id = record["record"]["resources"]["cell.preprod-usw2"]["id"].as_str().unwrap_or_default().to_owned();
    aws::aws(&case.server.url(), &format!("organizations close-account --account-id {id}"))?;
    let refused = case.project.run(&["plan", "--at", AT])?.ended(1)?;
    Ok(vec![refused])
}

fn lost() -> Seen {
    let case = applied(Registry::File, SESSION)?;
    let record = case.project.path().join(".cellc/registry.json");
    let whole = std::fs::read_to_string(&record).map_err(|error| error.to_string())?;
    case.project.put(".cellc/registry.json", &whole[..whole.len() / 2])?;
    let damaged = case.project.run(&["plan", "--at", AT])?.ended(1)?;
    std::fs::remove_file(&record).map_err(|error| error.to_string())?;
    let lost = case.project.run(&["plan", "--at", AT])?.ended(1)?;
    std::fs::write(&record, whole).map_err(|error| error.to_string())?;
    mended(&case)?;
    Ok(vec![damaged, lost])
}

fn full() -> Seen {
    let case = applied(Registry::File, SESSION)?;
    let full = disk::run(&case, 1, disk::Beyond::Fails)?.ended(1)?;
    mended(&case)?;
    Ok(vec![full])
}

fn expired() -> Seen {
    let case = applied(Registry::File, SESSION)?;
    let words = "The security token included in the request is expired";
    case.server.inject(&refusal("*", "ExpiredToken", words, 0))?;
    let before = apply(&case)?.ended(1)?;
    case.server.mend();
    case.server.inject(&refusal("sso-admin:UpdatePermissionSet", "ExpiredTokenException", words, 0))?;
    let within = apply(&case)?.ended(1)?;
    case.server.mend();
    mended(&case)?;
    Ok(vec![before, within])
}

fn skewed() -> Seen {
    let case = applied(Registry::S3, SESSION)?;
    let words =
        "Signature expired: 20261126T090000Z is now earlier than 20261126T091000Z (20261126T091500Z - 5 min.)";
    case.server.inject(&refusal("*", "SignatureDoesNotMatch", words, 0))?;
    let refused = apply(&case)?.ended(1)?;
    case.server.mend();
    mended(&case)?;
    Ok(vec![refused])
}

fn throttled() -> Seen {
    let case = Life { deed: Deed::Apply, registry: Registry::S3 }.begin()?;
    case.server.inject(
        &json!([{ "operation": "sso-admin:CreateAccountAssignment", "kind": "throttle", "after": 2, "count": 2 }]),
    )?;
    let slower = case.run()?.ended(0)?;
    case.settled()?;
    Ok(vec![slower])
}

fn interrupted() -> Seen {
    let case = applied(Registry::S3, CELL)?;
    case.server.inject(&json!([{ "operation": "organizations:CreateAccount", "kind": "delay", "ms": 1500 }]))?;
    let child = case.project.spawn(&APPLY)?;
    let begun = std::time::Instant::now();
    while case.server.called("organizations:CreateAccount") == 0 && begun.elapsed().as_secs() < 120 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let told = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    told.map_err(|error| format!("kill cannot be run: {error}"))?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let stopped = Ran::from((APPLY.join(" "), output)).ended(1)?;
    mended(&case)?;
    Ok(vec![stopped])
}

/// The console blocks of the page, by section.
fn blocks() -> Result<BTreeMap<String, Vec<Vec<String>>>, String> {
    let page = repository::read(&repository::root().join(PAGE))?;
    let (mut found, mut section, mut open) = (BTreeMap::<String, Vec<Vec<String>>>::new(), String::new(), false);
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ").filter(|_| !open) {
            title.split(" (").next().unwrap_or(title).clone_into(&mut section);
        } else if line.starts_with("```") {
            let begins = line == "```console";
            if begins {
                found.entry(section.clone()).or_default().push(Vec::new());
            }
            open = begins && !open;
        } else if open && let Some(block) = found.get_mut(&section).and_then(|blocks| blocks.last_mut()) {
            block.push(line.to_owned());
        }
    }
    Ok(found)
}

/// Is each line of the block said, in order? `…` stands for anything; how lines are broken does not count.
fn is_said(block: &[String], ran: &Ran) -> Result<(), String> {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((command, lines)) = block.split_first() else { return Err("an empty block".to_owned()) };
    let wanted = command.trim_start_matches("$ cellc ").split(' ').next().unwrap_or_default();
    if !ran.command.starts_with(wanted) {
        return Err(format!("the block is of `{command}`, and `cellc {}` was run", ran.command));
    }
    let expected = flat(&lines.join("\n"));
    // On a terminal the two streams are one.
    let orders = [[&ran.stdout, &ran.stderr], [&ran.stderr, &ran.stdout]];
    let missing = orders.map(|[one, two]| first_missing(&expected, &flat(&format!("{one}\n{two}"))));
    match missing {
        [Some(part), Some(_)] => {
            Err(format!("`{command}` does not say `{part}` there; it says:\n{}\n{}", ran.stdout, ran.stderr))
        }
        _ => Ok(()),
    }
}

/// The first part between two `…` that is not said after those before it.
fn first_missing(expected: &str, said: &str) -> Option<String> {
    let mut rest = said;
    for part in expected.split('…').map(str::trim).filter(|part| !part.is_empty()) {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return Some(part.to_owned()),
        }
    }
    None
}

#[test]
fn each_trouble_of_the_page_for_operators_looks_and_ends_as_it_says() {
    let blocks = blocks().unwrap();
    let named: Vec<&str> = TROUBLES.iter().map(|(title, _)| *title).collect();
    let strays: Vec<&String> = blocks.keys().filter(|title| !named.contains(&title.as_str())).collect();
    assert_eq!(strays, Vec::<&String>::new(), "sections of the page that nobody tries");
    let failed = waiting(&TROUBLES, |(title, bring_about)| {
        let ran = bring_about().map_err(|failure| format!("── {title}\n{failure}"))?;
        let shown = blocks.get(*title).map(Vec::as_slice).unwrap_or_default();
        if shown.len() != ran.len() {
            let all: Vec<String> =
                ran.iter().map(|ran| format!("$ cellc {}\n{}\n{}", ran.command, ran.stdout, ran.stderr)).collect();
            return Err(format!("── {title}: the page shows {} of {}:\n{}", shown.len(), ran.len(), all.join("\n")));
        }
        shown
            .iter()
            .zip(&ran)
            .try_for_each(|(block, ran)| is_said(block, ran))
            .map_err(|fault| format!("── {title}\n{fault}"))
    });
    report(TROUBLES.len(), &failed);
}
