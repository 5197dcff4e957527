//! A fleet in which everything is the case: cells in every standing, a rollout in the middle, alarms of each kind.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use crate::apply::tests::bench::desired_at;
use crate::pane::alarms::Heard;
use crate::pane::{Given, Pane, Shelved, pane};
use crate::plan::desired::Desired;
use crate::plan::model::Fields;
use crate::registry::record::{Entry, Gone, Identity, Parked, Pending, Record};
use crate::releases::{Book, Has, Queued, Rollout};
use crate::rollout::{CellState, Phase, Signal, State};

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOW: &str = "2026-06-03T09:00:00Z";

const PROGRAM: &str = r#"
org acme {
  management_account = "111111111111"
  accounts { email = "aws+\(.name)@acme.example" }
}
group ops {}
account images { account_id = "100000000099" }
cell one { kind = "alpha", region = "us-west-2", budget { monthly = 100usd, alert_at = [50%, 80%] } }
cell two { kind = "prod", region = "eu-west-1", owner = group.ops, state = "draining", budget { monthly = 2_000usd } }
cell three { kind = "prod", region = "us-east-1", owner = group.ops, budget { monthly = 1_000usd, alert_at = [80%, 100%] } }
cell four { kind = "prod", region = "us-east-1", owner = group.ops }
cell dev { kind = "dev", region = "us-west-2", expires = 2026-05-31 }
cell made { kind = "dev", region = "us-west-2", expires = 2027-01-31, track = "latest" }
cell down { kind = "dev", region = "us-west-2", expires = 2027-01-31 }
cell far { kind = "alpha", cloud = "gcp", region = "us-east1", project = "acme-far" }
alarm errors { namespace = "api", metric = "Errors", above = 5, over = 5m }
rollout steady {
  alarms = [alarm.errors]
  wave first { on = cells where .kind == "alpha", bake = 1h }
  wave rest { on = cells where .kind == "prod", bake = 4h, parallel = 2 }
}
component api {
  repo = "https://git.acme.example/api"
  deploy make { target = "deploy" }
  rollout = rollout.steady
}
component web {
  repo = "https://git.acme.example/web"
  deploy make { target = "deploy" }
  only = [cell.one, cell.three]
  rollout = rollout.steady
}
"#;

/// What a pane is made of.
pub(super) struct Fleet {
    pub(super) desired: Desired,
    pub(super) record: Record,
    pub(super) books: BTreeMap<String, Shelved>,
    pub(super) heard: BTreeMap<String, Heard>,
    pub(super) unread: Option<String>,
}

impl Fleet {
    pub(super) fn pane(&self, only: &[String]) -> Pane {
        pane(&Given {
            desired: &self.desired,
            record: &self.record,
            registry: ".cellc/registry.json".to_owned(),
            books: &self.books,
            heard: &self.heard,
            unread: self.unread.clone(),
            at: at(NOW),
            only,
        })
    }

    fn of(program: &str) -> Self {
        let desired = desired_at(program, at(NOW));
        let shelved = |of: &String| (of.clone(), Shelved { book: Book::new(of), waves: vec![] });
        let books = desired.releases.keys().map(shelved).collect();
        let (record, heard) = (Record::default(), BTreeMap::new());
        Self { desired, record, books, heard, unread: None }
    }

    /// A program that nobody has applied.
    pub(super) fn untouched() -> Self {
        let unread = Some("--no-refresh was said".to_owned());
        Self { unread, ..Self::of(PROGRAM) }
    }

    pub(super) fn troubled() -> Self {
        let mut fleet = Self::of(PROGRAM);
        fleet.record = record();
        let api = Book {
            released: Some(has("v1", "2026-05-01T10:00:00Z")),
            cells: [
                ("cell.one", "v2"),
                ("cell.two", "v1"),
                ("cell.three", "v1"),
                ("cell.four", "v1"),
                ("cell.far", "v1"),
            ]
            .map(|(cell, version)| (cell.to_owned(), has(version, "2026-06-02T10:00:00Z")))
            .into(),
            rollout: Some(rollout()),
            rollouts: 7,
            ..Book::new("component.api")
        };
        let web = Book {
            released: Some(has("w2", "2026-04-01T10:00:00Z")),
            cells: [("cell.one".to_owned(), has("w1", "2026-03-01T10:00:00Z"))].into(),
            next: Some(Queued {
                version: "w3".into(),
                dossier: "d".into(),
                by: "ana@host".into(),
                at: at("2026-06-03T08:00:00Z"),
                of_apply: false,
            }),
            ..Book::new("component.web")
        };
        let waves = vec!["first".to_owned(), "rest".to_owned()];
        fleet.books.insert("component.api".into(), Shelved { book: api, waves });
        fleet.books.insert("component.web".into(), Shelved { book: web, waves: vec![] });
        let says = |signal: Signal| -> Heard { Ok([("alarm.errors".to_owned(), signal)].into()) };
        fleet.heard = [
            ("cell.one".to_owned(), says(Signal::Alarm)),
            ("cell.two".to_owned(), Ok(BTreeMap::new())),
            ("cell.three".to_owned(), says(Signal::Ok)),
            ("cell.four".to_owned(), Err("it lets nobody in".to_owned())),
        ]
        .into();
        fleet
    }

    /// As many production cells with the released version, but for one.
    pub(super) fn many(count: usize) -> Self {
        let program = format!(
            "org acme {{ accounts {{ email = \"aws+\\(.name)@acme.example\" }} }}\ngroup ops {{}}\n\
             for n in 1..={count} {{ cell \"use1-\\(n)\" {{ kind = \"prod\", region = \"us-east-1\", owner = group.ops }} }}\n\
             rollout steady {{ wave all {{ on = cells, bake = 1h }} }}\n\
             component api {{ repo = \"https://git.acme.example/api\", rollout = rollout.steady, deploy make {{ target = \"deploy\" }} }}\n"
        );
        let mut fleet = Self::of(&program);
        fleet.unread = Some("--no-refresh was said".to_owned());
        for n in 1..=count {
            let id = format!("{:012}", 200_000_000_000_usize + n);
            account(&mut fleet.record, &format!("cell.use1-{n}"), &id, "2026-06-01T07:00:00Z");
        }
        let version = |n: usize| if n == 17 { "v1" } else { "v2" };
        let cells = (1..=count).map(|n| (format!("cell.use1-{n}"), has(version(n), "2026-05-01T10:00:00Z")));
        let released = Some(has("v2", "2026-05-01T10:00:00Z"));
        let book = Book { released, cells: cells.collect(), ..Book::new("component.api") };
        fleet.books.insert("component.api".into(), Shelved { book, waves: vec![] });
        fleet
    }
}

fn has(version: &str, since: &str) -> Has {
    Has { version: version.into(), dossier: "d".into(), at: at(since), observed: String::new() }
}

fn entry(kind: &str, id: &str, applied_at: &str, run: &str) -> Entry {
    Entry {
        kind: kind.into(),
        id: id.into(),
        fields: Fields::new(),
        in_force: None,
        protect: false,
        applied_at: at(applied_at),
        run: run.into(),
    }
}

fn account(record: &mut Record, address: &str, id: &str, applied_at: &str) {
    record.resources.insert(address.into(), entry("account", id, applied_at, "r1"));
}

fn record() -> Record {
    let mut record = Record {
        organization: Some(Identity {
            organization: "o-acme000000".into(),
            management_account: "111111111111".into(),
            instance: None,
        }),
        ..Record::default()
    };
    let cells = ["one", "two", "three", "four", "dev"];
    for (n, cell) in cells.iter().enumerate() {
        account(
            &mut record,
            &format!("cell.{cell}"),
            &format!("{:012}", 100_000_000_001_usize + n),
            "2026-05-01T07:00:00Z",
        );
    }
    account(&mut record, "cell.left", "100000000009", "2026-04-01T07:00:00Z");
    account(&mut record, "account.images", "100000000099", "2026-04-01T07:00:00Z");
    record
        .resources
        .insert("assignment.Look/group.ops/cell.one".into(), entry("assignment", "", "2026-06-01T07:30:00Z", "r2"));
    record.pending.insert(
        "cell.made".into(),
        Pending {
            kind: "account".into(),
            name: "made".into(),
            email: None,
            at: at("2026-06-02T22:15:00Z"),
            run: "r2".into(),
            request: None,
            content: None,
        },
    );
    record.gone.insert("cell.down".into(), Gone { fate: "parked".into(), at: at("2026-05-20T09:00:00Z") });
    record.parked.insert(
        "100000000008".into(),
        Parked {
            from: "cell.down".into(),
            email: "aws+down@acme.example".into(),
            name: "down".into(),
            since: at("2026-05-20T09:00:00Z"),
        },
    );
    record.cells = [
        (
            "cell.far".to_owned(),
            json!({"kind": "alpha", "cloud": "gcp", "project": "acme-far", "region": "us-east1"}),
        ),
        ("cell.left".to_owned(), json!({"kind": "alpha", "region": "us-west-2", "account_id": "100000000009"})),
    ]
    .into();
    record
}

/// It bakes in its first wave, one cell of the next was tried and failed, and one is drained.
pub(super) fn rollout() -> Rollout {
    let cell = |wave: usize, state: CellState, why: Option<&str>| crate::rollout::state::Cell {
        state,
        wave,
        former: Some("v1".into()),
        why: why.map(str::to_owned),
    };
    let cells = [
        ("cell.one", cell(0, CellState::Baking, None)),
        ("cell.two", cell(1, CellState::Skipped, None)),
        ("cell.three", cell(1, CellState::Failed, Some("no room"))),
        ("cell.four", cell(1, CellState::Waiting, None)),
    ];
    Rollout {
        number: 7,
        dossier: "d".into(),
        former: BTreeMap::new(),
        looked: BTreeMap::new(),
        state: State {
            version: "v2".into(),
            phase: Phase::Baking {
                since: at("2026-06-03T08:30:00Z"),
                until: at("2026-06-03T09:30:00Z"),
                requests: 0,
            },
            wave: 0,
            one_box: false,
            cells: cells.map(|(name, cell)| (name.to_owned(), cell)).into_iter().collect(),
            draining: BTreeSet::from(["cell.two".to_owned()]),
            approved: BTreeSet::new(),
            paused: false,
            now: at(NOW),
            wake: None,
        },
        by: "ana@host".into(),
        begun: at("2026-06-03T08:00:00Z"),
        runner: None,
    }
}
