//! How an apply grows with the fleet: requests of a plan and of an apply against their formulas, its time over what the
//! limits allow, its memory, what a run costs that goes on where another was killed, and a plan of one cell or set.
//! `cargo bench -p cell-tests --bench apply` prints a table and one line of JSON, and ends with 1 when a formula does not
//! hold; `-- 20 200` takes the fleets of so many accounts.
//!
//! # The floor
//! Reckoned here from the limits alone: `N` assignments that each go on for `t`, at `tps` requests a second in all, of
//! which `lanes` may go on at once.
//! - Rate: each assignment is a request; that a lane is free again is seen by polls alone, of which one frees `lanes` at
//!   best; a list shows a hundred of what one group has. (N + N/lanes + Σ_g ⌈n_g/100⌉) / tps.
//! - Lanes: N · t / lanes.
//! - Queue: AWS changes one role of an account at a time, so (N / accounts) · t.
//!
//! The greatest of these, after the requests of the plan at `tps`. A fleet's limits are those of AWS, or all of them so
//! many times wider (`scale`): rates, and the time of each operation, alike.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
#![allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "counts and seconds of a benchmark are small")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use cell_sandbox::{Config, Delays, Quotas, Seed, SeedAccount};
use cell_tests::momento::Project;
use cell_tests::sandbox::Server;
use serde_json::{Value as Json, json};
use wait4::Wait4 as _;

const MANAGEMENT: &str = "111111111111";
const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-0123456789abcdef";
/// Requests a second that a run sends to Identity Center where the program says nothing.
const TPS: f64 = 15.0;
const LANES: usize = 8;

/// A fleet: each grant gives a set to a group on all accounts.
#[derive(Debug, Clone, Copy)]
struct Fleet {
    accounts: usize,
    sets: usize,
    groups: usize,
    grants: usize,
    /// Seconds that an assignment goes on for, at AWS's scale.
    takes: f64,
    scale: f64,
}

/// Three seconds is what a published load test came to (spec/apply.md); a third of one makes the rate the limit.
const FLEETS: [Fleet; 4] = [
    Fleet { accounts: 20, sets: 6, groups: 8, grants: 12, takes: 3.0, scale: 1.0 },
    Fleet { accounts: 20, sets: 6, groups: 8, grants: 12, takes: 0.3, scale: 1.0 },
    Fleet { accounts: 200, sets: 15, groups: 30, grants: 30, takes: 3.0, scale: 25.0 },
    Fleet { accounts: 1_000, sets: 20, groups: 60, grants: 60, takes: 3.0, scale: 25.0 },
];

impl Fleet {
    fn assignments(self) -> usize {
        self.accounts * self.grants
    }

    fn tps(self) -> f64 {
        TPS * self.scale
    }

    /// The program without its grants.
    fn base(self) -> String {
        let tps = self.tps();
        let mut text = format!(
            "edition \"2026\"\norg acme {{ management_account = \"{MANAGEMENT}\", home_region = \"us-east-1\"\n  identity_center = \"{INSTANCE}\"\n  limits {{ tps = {tps}, lanes = {LANES}, organizations_tps = 1000 }} }}\n"
        );
        for n in 0..self.accounts {
            let id = account_id(n);
            let _ = writeln!(text, "account a{n} {{ account_id = \"{id}\", email = \"a{n}@acme.example\" }}");
        }
        for set in 0..self.sets {
            let _ = writeln!(
                text,
                "permission_set Set{set} {{ managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"] }}"
            );
        }
        for group in 0..self.groups {
            let _ = writeln!(text, "group g{group} {{}}");
        }
        text
    }

    fn all_grants(self) -> String {
        let mut text = String::new();
        for grant in 0..self.grants {
            let (group, set) = self.grant(grant);
            let _ = writeln!(
                text,
                "grant t{grant} {{ to = group.g{group}, can = permission_set.Set{set}, on = accounts }}"
            );
        }
        text
    }

    /// Group and set of a grant: each pair once.
    fn grant(self, at: usize) -> (usize, usize) {
        (at % self.groups, (at + at / self.groups) % self.sets)
    }

    fn seed(self) -> Seed {
        let account = |n: usize| SeedAccount {
            id: Some(account_id(n)),
            name: format!("a{n}"),
            email: format!("a{n}@acme.example"),
            ..SeedAccount::default()
        };
        Seed {
            management_account: Some(MANAGEMENT.to_owned()),
            instance_arn: Some(INSTANCE.to_owned()),
            home_region: Some("us-east-1".to_owned()),
            groups: (0..self.groups).map(|group| format!("g{group}")).collect(),
            accounts: (0..self.accounts).map(account).collect(),
            ..Seed::default()
        }
    }

    /// A service that takes a third more than a run sends, as AWS does, and shows what was written late.
    fn config(self) -> Config {
        let time = |seconds: f64| Duration::from_secs_f64(seconds / self.scale);
        Config {
            tps: 20.0 * self.scale,
            burst: 20.0 * self.scale,
            delays: Delays {
                assignment: time(self.takes),
                provision: time(self.takes),
                propagation: time(0.2),
                ..Delays::none()
            },
            quotas: Quotas { accounts: 2_000, ..Quotas::default() },
            log: 1,
            ..Config::default()
        }
    }

    /// Σ_g ⌈n_g/100⌉.
    fn pages(self) -> u64 {
        let mut held = vec![0_usize; self.groups];
        (0..self.grants).for_each(|grant| held[self.grant(grant).0] += self.accounts);
        held.into_iter().map(|n| n.div_ceil(100) as u64).sum()
    }

    /// The most requests of a plan that reads by principal; the terms are those of spec/reading.md.
    fn plan_formula(self) -> u64 {
        let (accounts, sets) = (self.accounts as u64 + 1, self.sets as u64);
        // Who and where; the accounts; the units, of which there are none; names; sets; assignments.
        4 + accounts.div_ceil(20) + 1 + self.groups as u64 + sets.div_ceil(100) + 7 * sets + self.pages()
    }

    /// The most requests of a plan of one account: who and where, itself and its tags, its groups, its pairs.
    fn cell_formula(self) -> u64 {
        6 + (self.groups + self.sets) as u64
    }

    /// The most requests of a plan of one set: who and where, accounts and units, its groups, itself, where it is, and its
    /// pairs or, beyond sixty, what its groups have.
    fn set_formula(self, set: usize) -> u64 {
        let grants = (0..self.grants).map(|grant| self.grant(grant));
        let groups: BTreeSet<usize> = grants.clone().filter(|(_, of)| *of == set).map(|(group, _)| group).collect();
        let held = |group: &usize| grants.clone().filter(|(of, _)| of == group).count() * self.accounts;
        let pages: usize = groups.iter().map(|group| held(group).div_ceil(100)).sum();
        let pairs = if self.accounts > 60 { pages } else { self.accounts };
        (4 + (self.accounts + 1).div_ceil(20) + 1 + groups.len() + 7 + self.accounts.div_ceil(100) + pairs) as u64
    }

    /// The least time for so many assignments.
    fn floor(self, assignments: usize, planned: u64) -> f64 {
        let (n, takes) = (assignments as f64, self.takes / self.scale);
        let rate = (n + n / LANES as f64 + self.pages() as f64) / self.tps();
        let lanes = n * takes / LANES as f64;
        let queue = n / self.accounts as f64 * takes;
        planned as f64 / self.tps() + rate.max(lanes).max(queue)
    }
}

fn account_id(n: usize) -> String {
    format!("{:012}", 222_200_000_000_usize + n)
}

/// What a process came to.
struct Ran {
    seconds: f64,
    peak: u64,
    calls: BTreeMap<String, u64>,
}

impl Ran {
    fn all(&self) -> u64 {
        self.calls.values().sum()
    }

    fn of(&self, what: impl Fn(&str) -> bool) -> u64 {
        self.calls.iter().filter(|(call, _)| what(call)).map(|(_, count)| count).sum()
    }

    fn created(&self) -> u64 {
        self.of(|call| call.ends_with(":CreateAccountAssignment"))
    }

    fn polls(&self) -> u64 {
        self.of(|call| call.ends_with("Status"))
    }

    fn read_back(&self) -> u64 {
        self.of(|call| call.contains(":ListAccountAssignments"))
    }
}

/// A project and its cloud.
struct Site {
    project: Project,
    server: Server,
    before: BTreeMap<String, u64>,
}

impl Site {
    /// With accounts and sets, and nobody who has anything.
    fn of(fleet: Fleet) -> Self {
        let server = Server::start(None, Config { tps: 0.0, ..fleet.config() }).unwrap();
        server.seed(&fleet.seed()).unwrap();
        let mut project = Project::of(&fleet.base()).unwrap();
        project.endpoint = Some(server.url());
        let mut site = Self { project, server, before: BTreeMap::new() };
        site.run(&["apply", "--yes"]);
        site.server.configure(|config| *config = fleet.config()).unwrap();
        site.project.append(&fleet.all_grants()).unwrap();
        site
    }

    fn run(&mut self, args: &[&str]) -> Ran {
        self.before = self.server.calls();
        let began = Instant::now();
        let child = self.project.start(args).unwrap();
        let used = child.wait4().unwrap();
        let seconds = began.elapsed().as_secs_f64();
        assert!(used.status.success(), "`cellc {args:?}` ends with {:?}:\n{}", used.status, self.told(args));
        Ran { seconds, peak: used.rusage.maxrss, calls: self.since() }
    }

    /// Requests since the last run began.
    fn since(&self) -> BTreeMap<String, u64> {
        let mut calls = self.server.calls();
        for (call, count) in &self.before {
            *calls.entry(call.clone()).or_default() -= count;
        }
        calls.retain(|_, count| *count > 0);
        calls
    }

    /// What a command says that failed: it is run again.
    fn told(&self, args: &[&str]) -> String {
        self.project.run(args).map_or_else(|failure| failure, |ran| ran.stderr + &ran.stdout)
    }

    /// Kills an apply when the server was asked for so many assignments.
    fn killed(&mut self, at: u64) -> u64 {
        self.before = self.server.calls();
        let mut child = self.project.start(&["apply", "--yes"]).unwrap();
        let created = |site: &Self| {
            let calls = site.since();
            calls.get("sso-admin:CreateAccountAssignment").copied().unwrap_or_default()
        };
        while created(self) < at {
            assert!(child.try_wait().unwrap().is_none(), "the run ended before it was killed");
            thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What goes on in the service ends there.
        thread::sleep(Duration::from_millis(500));
        created(self)
    }
}

struct Judge {
    failed: bool,
}

impl Judge {
    fn at_most(&mut self, what: &str, is: u64, most: u64) {
        if is > most {
            println!("  {what}: {is} requests, and the formula says {most}");
            self.failed = true;
        }
    }
}

/// An apply, the plan after it and of parts of it, and a run that goes on where another was killed.
fn measured(fleet: Fleet, judge: &mut Judge) -> Json {
    let assignments = fleet.assignments();
    let mut site = Site::of(fleet);
    let first = site.run(&["plan"]);
    let apply = site.run(&["apply", "--yes"]);
    assert_eq!(apply.created() as usize, assignments, "each assignment is asked for once");
    let plan = site.run(&["plan", "--detailed-exitcode"]);
    let cell = site.run(&["plan", "--only", "account.a7"]);
    let set = site.run(&["plan", "--only", "permission_set.Set1"]);
    let floor = fleet.floor(assignments, first.all());
    judge.at_most("a plan", plan.all(), fleet.plan_formula());
    judge.at_most("a plan of one account", cell.all(), fleet.cell_formula());
    judge.at_most("a plan of one set", set.all(), fleet.set_formula(1));
    // Each once, a poll in five requests at most, each hundred that wait by the pages of a group, and what is behind.
    let reads = assignments as u64 / 8 + fleet.pages();
    let formula = first.all() + assignments as u64 + polls(fleet, apply.seconds) + reads;
    judge.at_most("an apply", apply.all(), formula);

    let mut site = Site::of(fleet);
    let done = site.killed(assignments as u64 / 2);
    let rest = site.run(&["apply", "--yes"]);
    let left = assignments as u64 - done;
    let again = rest.created().saturating_sub(left);
    // What the killed process had sent and the service had not begun may be asked for again.
    judge.at_most("assignments asked for again", again, LANES as u64);
    let rest_floor = fleet.floor(left as usize, fleet.plan_formula());
    site.run(&["plan", "--detailed-exitcode"]);
    json!({
        "accounts": fleet.accounts, "sets": fleet.sets, "groups": fleet.groups, "assignments": assignments,
        "takes_s": fleet.takes, "scale": fleet.scale,
        "plan_calls": plan.all(), "plan_formula": fleet.plan_formula(),
        "apply_calls": apply.all(), "apply_formula": formula, "polls": apply.polls(), "read_back": apply.read_back(),
        "apply_s": apply.seconds, "floor_s": floor, "over_floor": apply.seconds / floor,
        "plan_peak_bytes": plan.peak, "first_plan_peak_bytes": first.peak, "apply_peak_bytes": apply.peak,
        "bytes_an_assignment": (apply.peak as f64 - first.peak as f64) / assignments as f64,
        "killed_at": done, "rest_calls": rest.all(), "rest_created": rest.created(), "asked_again": again,
        "rest_s": rest.seconds, "rest_over_floor": rest.seconds / rest_floor,
        "only_cell_calls": cell.all(), "only_cell_s": cell.seconds,
        "only_set_calls": set.all(), "only_set_s": set.seconds, "plan_s": plan.seconds,
    })
}

/// The most polls of a run: one of two requests at the rate, as spec/apply.md says of one whose lanes are all taken.
fn polls(fleet: Fleet, seconds: f64) -> u64 {
    (seconds * fleet.tps() / 2.0).ceil() as u64
}

fn row(row: &Json) {
    let number = |name: &str| row[name].as_f64().unwrap();
    println!(
        "{:>8} {:>4} {:>6} {:>11} {:>5} {:>5} | {:>5} {:>7} | {:>6} {:>7} {:>6} {:>9} | {:>7.1} {:>7.1} {:>5.2} | {:>8.1} {:>9.1} {:>7.0} | {:>6} {:>6} {:>5} {:>5.2} | {:>4} {:>4}",
        number("accounts"),
        number("sets"),
        number("groups"),
        number("assignments"),
        number("takes_s"),
        number("scale"),
        number("plan_calls"),
        number("plan_formula"),
        number("apply_calls"),
        number("apply_formula"),
        number("polls"),
        number("read_back"),
        number("apply_s"),
        number("floor_s"),
        number("over_floor"),
        number("first_plan_peak_bytes") / 1_048_576.0,
        number("apply_peak_bytes") / 1_048_576.0,
        number("bytes_an_assignment"),
        number("killed_at"),
        number("rest_calls"),
        number("asked_again"),
        number("rest_over_floor"),
        number("only_cell_calls"),
        number("only_set_calls"),
    );
}

fn main() -> ExitCode {
    let asked: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    println!(
        "                                                | plan          | apply                           | time of the apply     | peak MiB           bytes  | killed and gone on with   | --only"
    );
    println!(
        "accounts sets groups assignments takes scale | calls formula |  calls formula  polls read back |       s   floor  over |     plan     apply    each |     at  calls again  over | cell  set"
    );
    let mut judge = Judge { failed: false };
    let mut rows = Vec::new();
    for fleet in FLEETS.into_iter().filter(|fleet| asked.is_empty() || asked.contains(&fleet.accounts)) {
        let told = measured(fleet, &mut judge);
        row(&told);
        rows.push(told);
    }
    println!("{}", json!({ "benchmark": "apply", "tps": TPS, "lanes": LANES, "rows": rows }));
    if judge.failed || rows.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
