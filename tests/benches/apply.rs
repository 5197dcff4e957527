//! How long an apply takes over what the limits of Identity Center allow, how many requests it sends, its memory, and
//! what a run costs that goes on where another was killed. `cargo bench -p cell-tests --bench apply` prints a table and
//! one line of JSON. The limits are those of AWS, or all of them so many times wider (`scale`): rate and time of each
//! operation alike.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::cast_precision_loss)]

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use cell_sandbox::{Config, Delays, Quotas, Seed, SeedAccount};
use cell_tests::momento::Project;
use cell_tests::sandbox::Server;
use serde_json::{Value as Json, json};

const MANAGEMENT: &str = "111111111111";
/// Requests a second that a run sends to Identity Center, and how long an assignment goes on: of AWS.
const TPS: f64 = 15.0;
const ASSIGNING: f64 = 0.3;
const LANES: usize = 8;

#[derive(Clone, Copy)]
struct Size {
    accounts: usize,
    sets: usize,
    groups: usize,
    /// Grants, each of a set to a group on all accounts.
    grants: usize,
    scale: f64,
}

const SIZES: [Size; 2] = [
    Size { accounts: 20, sets: 6, groups: 8, grants: 12, scale: 1.0 },
    Size { accounts: 200, sets: 15, groups: 30, grants: 30, scale: 10.0 },
];

impl Size {
    fn assignments(self) -> usize {
        self.accounts * self.grants
    }

    fn id(n: usize) -> String {
        format!("{:012}", 222_200_000_000_usize + n)
    }

    fn program(self) -> String {
        let mut text = format!(
            "edition \"2026\"\norg acme {{ management_account = \"{MANAGEMENT}\", home_region = \"us-east-1\"\n  identity_center = \"arn:aws:sso:::instance/ssoins-0123456789abcdef\"\n  limits {{ tps = {}, lanes = {LANES}, organizations_tps = 1000, revoke_count = 100000 }} }}\n",
            TPS * self.scale
        );
        for n in 0..self.accounts {
            let _ =
                writeln!(text, "account a{n} {{ account_id = \"{}\", email = \"a{n}@acme.example\" }}", Self::id(n));
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
        for grant in 0..self.grants {
            let (group, set) = (grant % self.groups, grant % self.sets);
            let _ = writeln!(
                text,
                "grant t{grant} {{ to = group.g{group}, can = permission_set.Set{set}, on = accounts }}"
            );
        }
        text
    }

    fn seed(self) -> Seed {
        let account = |n: usize| SeedAccount {
            id: Some(Self::id(n)),
            name: format!("a{n}"),
            email: format!("a{n}@acme.example"),
            ..SeedAccount::default()
        };
        Seed {
            management_account: Some(MANAGEMENT.to_owned()),
            instance_arn: Some("arn:aws:sso:::instance/ssoins-0123456789abcdef".to_owned()),
            home_region: Some("us-east-1".to_owned()),
            groups: (0..self.groups).map(|group| format!("g{group}")).collect(),
            accounts: (0..self.accounts).map(account).collect(),
            ..Seed::default()
        }
    }

    fn config(self) -> Config {
        let time = |seconds: f64| Duration::from_secs_f64(seconds / self.scale);
        Config {
            tps: 20.0 * self.scale,
            burst: 20.0 * self.scale,
            delays: Delays {
                assignment: time(ASSIGNING),
                provision: time(0.5),
                propagation: time(0.2),
                ..Delays::none()
            },
            quotas: Quotas { accounts: 1_000, ..Quotas::default() },
            ..Config::default()
        }
    }

    /// What the limits allow for the writes alone, in seconds: their rate, the lanes, the longest queue of an account.
    fn floor(self, writes: u64) -> f64 {
        let rate = writes as f64 / (TPS * self.scale);
        let lanes = self.assignments() as f64 * ASSIGNING / self.scale / LANES as f64;
        let queue = self.grants as f64 * ASSIGNING / self.scale;
        rate.max(lanes).max(queue)
    }
}

fn is_write(call: &str) -> bool {
    let name = call.split(':').nth(1).unwrap_or_default();
    call.starts_with("sso") && !["List", "Describe", "Get"].iter().any(|head| name.starts_with(head))
}

/// Requests to Identity Center by the server's own count: writes, and all.
fn counted(server: &Server) -> (u64, u64) {
    let calls = server.calls();
    let own = calls.iter().filter(|(call, _)| call.starts_with("sso") || call.starts_with("identitystore"));
    let writes = calls.iter().filter(|(call, _)| is_write(call)).map(|(_, count)| count).sum();
    (writes, own.map(|(_, count)| count).sum())
}

fn prepared(size: Size) -> (Project, Server) {
    let mut project = Project::of(&size.program()).unwrap();
    let server = Server::start(None, size.config()).unwrap();
    server.seed(&size.seed()).unwrap();
    project.endpoint = Some(server.url());
    (project, server)
}

/// A whole apply, and the same cut off by a kill after half of its time and gone on with.
fn measured(size: Size) -> Json {
    let (project, server) = prepared(size);
    let began = Instant::now();
    let child = project.spawn(&["apply", "--yes"]).unwrap();
    let (status, peak) = waited(child);
    let wall = began.elapsed().as_secs_f64();
    assert_eq!(status, 0, "the apply ends with {status}");
    let (writes, requests) = counted(&server);
    let floor = size.floor(writes);

    let (project, server) = prepared(size);
    let mut child = project.spawn(&["apply", "--yes"]).unwrap();
    thread::sleep(Duration::from_secs_f64(wall / 2.0));
    child.kill().unwrap();
    child.wait().unwrap();
    let before = counted(&server).0;
    let again = Instant::now();
    let (status, _) = waited(project.spawn(&["apply", "--yes"]).unwrap());
    assert_eq!(status, 0, "the next run ends with {status}");
    let rest = again.elapsed().as_secs_f64();
    let twice = counted(&server).0 - writes.min(counted(&server).0);
    println!(
        "{:>8} {:>5} {:>6} {:>11} {:>5} {:>7.1} {:>7.1} {:>6.2} {:>8} {:>8} {:>8.1} {:>9.1} {:>6}",
        size.accounts,
        size.sets,
        size.groups,
        size.assignments(),
        size.scale,
        wall,
        floor,
        wall / floor,
        writes,
        requests,
        peak as f64 / 1024.0 / 1024.0,
        rest,
        twice
    );
    json!({
        "accounts": size.accounts, "sets": size.sets, "groups": size.groups, "assignments": size.assignments(),
        "scale": size.scale, "wall_s": wall, "floor_s": floor, "over_floor": wall / floor, "writes": writes,
        "requests": requests, "peak_bytes": peak, "killed_after_writes": before, "rest_s": rest, "writes_twice": twice,
    })
}

/// How a child ends, and its peak of memory in bytes.
fn waited(mut child: std::process::Child) -> (i32, u64) {
    use wait4::Wait4 as _;
    // What it prints is read to its end, so that it never waits for a reader.
    let readers = [
        child.stdout.take().map(|mut out| thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()))),
        child.stderr.take().map(|mut out| thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()))),
    ];
    let used = child.wait4().unwrap();
    readers.into_iter().flatten().for_each(|reader| _ = reader.join());
    (used.status.code().unwrap_or(-1), used.rusage.maxrss)
}

fn main() {
    println!(
        "accounts  sets groups assignments scale  wall s floor s  over   writes requests  MiB peak killed: s  twice"
    );
    let rows: Vec<Json> = SIZES.into_iter().map(measured).collect();
    println!("{}", json!({ "benchmark": "apply", "lanes": LANES, "tps": TPS, "rows": rows }));
}
