//! What a plan costs as an organization grows: calls against the formulas of spec/reading.md, time and memory of a
//! plan without a change, and how the diff grows with N. `cargo bench -p cell-tests --bench plan` prints a table and
//! one line of JSON; absolute numbers are the machine's, ratios are of one run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::cast_precision_loss)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cell_aws::{AwsCloud, Keys, Settings};
use cell_eval::budget::Options;
use cell_eval::live::{Depth, Reader, Reading, recorded};
use cell_eval::plan::desired::Desired;
use cell_eval::plan::scope::Scope;
use cell_eval::plan::{Command as Aim, Question, plan};
use cell_eval::provider::Provider as _;
use cell_eval::registry::record::{Entry, FORMAT_VERSION, Identity, Principal, Record};
use cell_eval::{expand, resources, rules};
use cell_sandbox::{Config, Delays, Running, Sandbox, Seed, SeedAccount, SeedAssignment, SeedSet};
use cell_tests::memory::Memory;
use serde_json::{Value as Json, json};

const MANAGEMENT: &str = "111111111111";
/// What a plan that reads nothing may take, of CPU and of memory.
const CPU_SECONDS: f64 = 1.0;
const PEAK_MIB: f64 = 300.0;
const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-0123456789abcdef";

/// An organization: accounts, sets, groups, and how many sets the first groups get beyond one each.
#[derive(Clone, Copy)]
struct Size {
    accounts: usize,
    sets: usize,
    groups: usize,
    more: usize,
}

impl Size {
    fn assignments(self) -> usize {
        self.accounts * (self.groups + self.more)
    }

    /// Group and set of each grant; every grant is on all cells.
    fn grants(self) -> Vec<(usize, usize)> {
        let one = (0..self.groups).map(|group| (group, group % self.sets));
        let more = (0..self.more).map(|group| (group, (group + 1) % self.sets));
        one.chain(more).collect()
    }

    fn program(self) -> String {
        let mut text = format!(
            "org acme {{ management_account = \"{MANAGEMENT}\", identity_center = \"{INSTANCE}\", home_region = \"us-east-1\"\n  \
             limits {{ tps = 1000000, lanes = 8 }}\n  accounts {{ email = \"aws+\\(.name)@acme.example\", ou = ou.cells }} }}\nou cells {{}}\n"
        );
        let _ = writeln!(
            text,
            "for n in 1..={} {{ cell \"c\\(pad(n, 5))\" {{ kind = \"alpha\", region = \"us-east-1\" }} }}",
            self.accounts
        );
        for set in 0..self.sets {
            let _ = writeln!(
                text,
                "permission_set Set{set} {{\n  managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]\n}}"
            );
        }
        for group in 0..self.groups {
            let _ = writeln!(text, "group g{group} {{}}");
        }
        for (at, (group, set)) in self.grants().into_iter().enumerate() {
            let _ = writeln!(
                text,
                "grant grant{at} {{\n  to = group.g{group}\n  can = permission_set.Set{set}\n  on = cells\n}}"
            );
        }
        text
    }

    fn seed(self, desired: &Desired) -> Seed {
        let text = |fields: &cell_eval::plan::model::Fields, name: &str| {
            fields.get(name).unwrap().as_str().unwrap().to_owned()
        };
        let accounts = desired.resources.values().filter(|wanted| wanted.account.is_some());
        let accounts = accounts.map(|wanted| SeedAccount {
            name: text(&wanted.fields, "name"),
            email: text(&wanted.fields, "email"),
            ou: Some("cells".to_owned()),
            ..SeedAccount::default()
        });
        let accounts: Vec<SeedAccount> = accounts.collect();
        let set = |set: usize| SeedSet {
            name: format!("Set{set}"),
            description: Some(format!("permission_set.Set{set}")),
            session_duration: Some("PT1H".to_owned()),
            managed_policies: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()],
            tags: BTreeMap::from([("cellc:address".to_owned(), format!("permission_set.Set{set}"))]),
            ..SeedSet::default()
        };
        let given = |(group, set): (usize, usize)| SeedAssignment {
            permission_set: format!("Set{set}"),
            groups: vec![format!("g{group}")],
            accounts: accounts.iter().map(|account| account.name.clone()).collect(),
            ..SeedAssignment::default()
        };
        Seed {
            management_account: Some(MANAGEMENT.to_owned()),
            instance_arn: Some(INSTANCE.to_owned()),
            home_region: Some("us-east-1".to_owned()),
            groups: (0..self.groups).map(|group| format!("g{group}")).collect(),
            ous: vec!["cells".to_owned()],
            permission_sets: (0..self.sets).map(set).collect(),
            assignments: self.grants().into_iter().map(given).collect(),
            accounts,
            ..Seed::default()
        }
    }

    /// The most calls a plan may take, each term named as in spec/reading.md.
    fn formula(self) -> (u64, String) {
        let pages = |n: usize, page: usize| n.div_ceil(page).max(1) as u64;
        // The management account is listed too.
        let terms = [
            ("who and where: GetCallerIdentity, DescribeOrganization, ListRoots, ListInstances", 4),
            ("accounts: ⌈A/20⌉", pages(self.accounts + 1, 20)),
            ("units: O + 1", 2),
            ("names: G", self.groups as u64),
            ("sets: ⌈P/100⌉ + 6 P", pages(self.sets, 100) + 6 * self.sets as u64),
            ("read-back: Σ_p ⌈stale_p/100⌉, at least 1 a set", self.sets as u64),
            ("assignments by principal: Σ_g ⌈n_g/100⌉", self.by_principal()),
        ];
        let said: Vec<String> = terms.iter().map(|(name, count)| format!("{name} = {count}")).collect();
        (terms.iter().map(|(_, count)| count).sum(), said.join("; "))
    }

    fn by_principal(self) -> u64 {
        let mut held = vec![0; self.groups];
        self.grants().into_iter().for_each(|(group, _)| held[group] += self.accounts);
        held.into_iter().map(|n| n.div_ceil(100) as u64).sum()
    }
}

fn desired(text: &str) -> Desired {
    let memory = Memory::one(text);
    let checked = memory.check("main.cell");
    let program = checked.program.expect("the program checks");
    let world = expand::expand(&program, &memory, &Options::default());
    rules::check(&world);
    assert!(!world.has_errors(), "the program has errors");
    let resources = resources::derive(&world);
    Desired::new(&world, &resources, jiff::Timestamp::UNIX_EPOCH)
}

/// The record that an apply would have left: every resource of the program with the id that `id` says.
fn record(desired: &Desired, organization: &str, id: &dyn Fn(&str) -> String) -> Record {
    let entry = |(address, wanted): (&String, &cell_eval::plan::desired::Wanted)| {
        let entry = Entry {
            kind: wanted.kind.name().to_owned(),
            id: if wanted.fields.is_empty() { String::new() } else { id(address) },
            fields: wanted.fields.clone(),
            in_force: None,
            protect: wanted.protect,
            applied_at: jiff::Timestamp::UNIX_EPOCH,
            run: "bench".to_owned(),
        };
        (address.clone(), entry)
    };
    let principal = |(address, wanted): (&String, &cell_eval::plan::desired::WantedPrincipal)| {
        (address.clone(), Principal { id: id(address), name: wanted.name.clone() })
    };
    Record {
        format_version: FORMAT_VERSION.to_owned(),
        organization: Some(Identity {
            organization: organization.to_owned(),
            management_account: MANAGEMENT.to_owned(),
            instance: Some(INSTANCE.to_owned()),
        }),
        resources: desired.resources.iter().map(entry).collect(),
        principals: desired.principals.iter().map(principal).collect(),
        ..Record::default()
    }
}

/// A plan of a program against a sandbox that is as the program says.
fn against_the_sandbox(size: Size) -> Json {
    let text = size.program();
    let desired = desired(&text);
    let config = Config { tps: 0.0, delays: Delays::none(), log: 1, ..Config::default() };
    let sandbox = Sandbox::open(None, config).expect("the sandbox opens");
    sandbox.seed(&size.seed(&desired)).expect("the sandbox is seeded");
    let running =
        Running::start(std::sync::Arc::clone(&sandbox), "127.0.0.1:0".parse().unwrap()).expect("it listens");
    let cloud = connect(&running.url());
    let record = record_of(&cloud, &desired);
    sandbox.reset_calls();
    let scope = Scope::default();
    let begun = Instant::now();
    let lanes = 8;
    let live = Reader {
        provider: &cloud,
        clock: &cell_tests::driver::Wall,
        desired: &desired,
        record: &record,
        scope: &scope,
        depth: Depth::Plan,
        lanes,
    }
    .read()
    .expect("the sandbox is read");
    let reading = begun.elapsed();
    let sent: u64 = sandbox.calls().values().sum();
    let (formula, terms) = size.formula();
    // What connecting asks is in the formula, and this connection had asked it before.
    assert!(sent <= formula, "{sent} calls, and the formula says {formula}: {terms}\n{:?}", sandbox.calls());
    assert!(matches!(live.reading, Reading::ByPrincipal { .. }) || size.assignments() < 1_000);
    let begun = Instant::now();
    let made = plan(&question(&desired, &record, &live, &scope)).expect("the plan is made");
    let diffing = begun.elapsed();
    assert!(made.changes.is_empty(), "a change where there is none: {:?}", made.changes.first());
    let process = whole_process(&text, &record, &running.url(), &[]);
    let unread = whole_process(&text, &record, &running.url(), &["--no-refresh"]);
    assert!(unread.0 <= CPU_SECONDS, "without a reading it took {} s of CPU", unread.0);
    assert!(unread.1 <= PEAK_MIB, "without a reading it took {} MiB", unread.1);
    json!({
        "accounts": size.accounts, "sets": size.sets, "groups": size.groups, "assignments": size.assignments(),
        "calls": sent, "formula": formula, "reading_s": seconds(reading), "plan_s": seconds(diffing),
        "process_cpu_s": process.0, "process_peak_mib": process.1, "process_s": process.2,
        "unread_cpu_s": unread.0, "unread_peak_mib": unread.1,
    })
}

fn connect(url: &str) -> AwsCloud {
    let settings = Settings {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(url.to_owned()),
        credentials: Some(Keys::test()),
        tps: 1e6,
        burst: 1_000,
        organizations_tps: 1e6,
        ..Settings::default()
    };
    AwsCloud::connect(&settings).expect("it connects")
}

fn question<'a>(
    desired: &'a Desired,
    record: &'a Record,
    live: &'a cell_eval::live::Live,
    scope: &'a Scope,
) -> Question<'a> {
    static NONE: BTreeMap<String, String> = BTreeMap::new();
    static NOTHING: BTreeMap<String, cell_eval::releases::Kept> = BTreeMap::new();
    Question {
        desired,
        record: (record, &NONE),
        live,
        kept: &NOTHING,
        scope,
        command: Aim::Apply,
        at: jiff::Timestamp::UNIX_EPOCH,
        cloud: "sandbox",
        registry: "bench".to_owned(),
        limits: desired.org.limits,
    }
}

/// The ids that the sandbox gave, by what the seed called things.
fn record_of(cloud: &AwsCloud, desired: &Desired) -> Record {
    use cell_eval::provider::{IdentityCenter as _, Organizations as _};
    let organization = cloud.organization().unwrap();
    cloud.caller().unwrap();
    cloud.center(Some(INSTANCE)).unwrap().expect("there is an instance");
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    ids.insert("ou.cells".to_owned(), cloud.units_of(&organization.root).unwrap()[0].id.clone());
    ids.extend(cloud.accounts().unwrap().into_iter().map(|account| (format!("cell.{}", account.name), account.id)));
    for arn in cloud.sets().unwrap() {
        let name = cloud.set(&arn).unwrap().unwrap().name;
        ids.insert(format!("permission_set.{name}"), arn);
    }
    for (address, wanted) in &desired.principals {
        ids.insert(address.clone(), cloud.principal_id(wanted.kind, &wanted.name).unwrap().unwrap());
    }
    record(desired, &organization.id, &|address| ids[address].clone())
}

/// CPU seconds, peak MiB and seconds of `cellc plan` with these flags on the same; the server is in this process.
fn whole_process(text: &str, record: &Record, url: &str, flags: &[&str]) -> (f64, f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.cell"), text).unwrap();
    std::fs::create_dir(folder.path().join(".cellc")).unwrap();
    std::fs::write(folder.path().join(".cellc/registry.json"), record.to_bytes().unwrap()).unwrap();
    let begun = Instant::now();
    let mut child = Command::new(cell_tests::binary::built().expect("cellc is built"))
        .args(["plan", "--detailed-exitcode"])
        .args(flags)
        .current_dir(folder.path())
        .envs([("AWS_ENDPOINT_URL", url), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("cellc runs");
    let (mut cpu, mut peak) = (0.0, 0.0);
    let status = loop {
        // What the kernel said last before the end counts.
        (cpu, peak) = usage(child.id()).unwrap_or((cpu, peak));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "`cellc plan` says that there are changes, or fails: {status}");
    (cpu, peak, seconds(begun.elapsed()))
}

/// CPU seconds and peak MiB of a process.
fn usage(process: u32) -> Option<(f64, f64)> {
    let folder = format!("/proc/{process}");
    let stat = std::fs::read_to_string(Path::new(&folder).join("stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let status = std::fs::read_to_string(Path::new(&folder).join("status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let peak: f64 = peak.trim().trim_end_matches(" kB").parse().ok()?;
    Some((ticks / 100.0, peak / 1024.0))
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000.0).round() / 1_000.0
}

/// The diff alone, of a record against itself, for N accounts with 60 assignments each.
fn diff_alone(accounts: usize) -> (usize, f64) {
    let desired = desired(&Size { accounts, sets: 20, groups: 60, more: 0 }.program());
    let record = record(&desired, "o-bench", &|address| {
        if address.starts_with("cell.") { format!("{:0>12}", &address["cell.c".len()..]) } else { address.to_owned() }
    });
    let live = recorded::recorded(&desired, &record);
    let scope = Scope::default();
    let best = (0..3).map(|_| {
        let begun = Instant::now();
        let made = plan(&question(&desired, &record, &live, &scope)).expect("the plan is made");
        assert!(made.changes.is_empty(), "a change where there is none: {:?}", made.changes.first());
        begun.elapsed()
    });
    (desired.resources.len(), best.min().unwrap().as_secs_f64())
}

fn main() {
    let sizes = [
        Size { accounts: 20, sets: 6, groups: 8, more: 4 },
        Size { accounts: 200, sets: 15, groups: 30, more: 0 },
        Size { accounts: 1_000, sets: 20, groups: 60, more: 0 },
    ];
    println!("plan without a change, against the sandbox (reads by principal above 60 pairs)");
    println!(
        "accounts  sets  groups  assignments  calls  formula  reading s  plan s  process: CPU s  peak MiB  s  --no-refresh: CPU s  peak MiB"
    );
    let mut rows = Vec::new();
    for size in sizes {
        let row = against_the_sandbox(size);
        println!(
            "{:>8}  {:>4}  {:>6}  {:>11}  {:>5}  {:>7}  {:>9}  {:>6}  {:>14}  {:>8.0}  {}  {}  {:.0}",
            row["accounts"],
            row["sets"],
            row["groups"],
            row["assignments"],
            row["calls"],
            row["formula"],
            row["reading_s"],
            row["plan_s"],
            row["process_cpu_s"],
            row["process_peak_mib"].as_f64().unwrap(),
            row["process_s"],
            row["unread_cpu_s"],
            row["unread_peak_mib"].as_f64().unwrap(),
        );
        rows.push(row);
    }
    println!("\nthe diff alone, of a record against itself");
    println!("accounts  resources  s      µs a resource");
    let mut diffs = Vec::new();
    for accounts in [100, 1_000, 5_000] {
        let (count, time) = diff_alone(accounts);
        println!("{accounts:>8}  {count:>9}  {time:.3}  {:.2}", time * 1e6 / count as f64);
        diffs.push(json!({ "accounts": accounts, "resources": count, "seconds": time }));
    }
    println!("\n{}", json!({ "plans": rows, "diffs": diffs }));
}
