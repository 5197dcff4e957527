//! The course of a cell, what its targets are told, and what is left after any run.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Course, Done, FIXED, Notes, Refused, Unusable, Versioned, course, digest, targets, told};
use crate::registry::record::Record;
use crate::rules::tests::expanded;

const PROGRAM: &str = r#"
org acme { management_account = "100000000001" }
cell a { kind = "alpha", region = "us-west-2", email = "a@acme.example", ou = ou.cells }
cell g { kind = "alpha", cloud = "gcp", region = "us-east1", project = "acme-g" }
cell old { kind = "alpha", region = "us-west-2", email = "old@acme.example", ou = ou.cells, state = "retired" }
ou cells {}
component web {
  repo = "https://git.acme.example/web"
  after = [component.cache]
  bootstrap = { "aws" = "up" }
  deploy make { target = "deploy" }
  parameters { max-size = 3, Wide = true, ROLE = "arn:aws:iam::\(cell.a.account_id):role/x", NAME = .name }
}
component cache {
  repo = "https://git.acme.example/cache"
  after = [component.network]
  only = cells where .cloud == "gcp"
  deploy make { target = "deploy" }
}
component network { repo = "../network", deploy make { target = "deploy" } }
component atlas { repo = "../atlas", after = [component.web], deploy make { target = "deploy" } }
"#;

fn of(cell: &str) -> Result<Course, Refused> {
    expanded(PROGRAM, |world| course(world, cell))
}

#[test]
fn components_come_after_what_they_say_and_over_those_that_are_not_there() {
    let found = of("cell.a").unwrap();
    let names: Vec<&str> = found.steps.iter().map(|step| step.name.as_str()).collect();
    // `cache` is not of this cell, and what it stands between stays in order; `atlas` would come first by its name.
    assert_eq!(names, ["network", "web", "atlas"]);
    assert_eq!((found.cloud, found.steps[1].after.as_slice()), ("aws", [].as_slice()));
    assert_eq!(found.steps[2].after, ["component.web"]);
    assert_eq!(of("a"), Ok(found));
    let found = of("g").unwrap();
    let targets: Vec<_> = found.steps.iter().map(|step| (step.name.as_str(), step.target.as_deref())).collect();
    let usual = Some("gcp-cell-bootstrap");
    assert_eq!(targets, [("network", usual), ("cache", usual), ("web", None), ("atlas", usual)]);
}

#[test]
fn a_cell_that_is_not_there_or_is_out_of_use_has_no_course() {
    assert_eq!(of("cell.b"), Err(Refused::Unknown(vec!["cell.a".to_owned(), "cell.g".to_owned()])));
    assert_eq!(of("old"), Err(Refused::Retired));
}

fn record() -> Record {
    let cells = json!({ "cell.a": { "cloud": "aws", "kind": "alpha", "region": "us-west-2", "account_id": "222222222222", "name": "a", "size": "small" } });
    Record { cells: serde_json::from_value(cells).unwrap(), ..Record::default() }
}

#[test]
fn a_target_is_told_what_the_record_says() {
    let (record, found) = (record(), of("a").unwrap());
    let step = &found.steps[1];
    let cell = &record.cells["cell.a"];
    let told = told(&record, "cell.a", cell, Versioned { step, commit: "c0ffee" }).unwrap();
    let told_of = |name: &str| told.variables.get(name).map(String::as_str);
    assert_eq!(told_of("CELL"), Some("cell.a"));
    assert_eq!(told_of("CELL_ACCOUNT_ID"), Some("222222222222"));
    assert_eq!(told_of("CELL_PROJECT"), None);
    assert_eq!(told_of("CELL_VERSION"), Some("c0ffee"));
    assert_eq!(told_of("CELL_PARAMETER_MAX_SIZE"), Some("3"));
    assert_eq!(told_of("CELL_PARAMETER_WIDE"), Some("true"));
    assert_eq!(told_of("CELL_PARAMETER_ROLE"), Some("arn:aws:iam::222222222222:role/x"));
    let fixed = told.variables.keys().filter(|name| !name.starts_with(super::PARAMETER));
    assert!(fixed.clone().all(|name| FIXED.contains(&name.as_str())), "{:?}", fixed.collect::<Vec<_>>());
    assert_eq!(told.document["parameters"]["max-size"], 3);
    assert_eq!(told.document["cell"], *cell);
}

#[test]
fn parameters_of_one_name_are_left_out_and_told_and_unknown_ones_are_refused() {
    let (record, mut step) = (record(), of("a").unwrap().steps.remove(1));
    let parameters = json!({ "a-b": 1, "a_b": 2, "A.B": 3, "c": { "secret": "ssm:/x" } });
    step.parameters = parameters.as_object().unwrap().clone();
    let told_of =
        |step: &super::Step| told(&record, "cell.a", &record.cells["cell.a"], Versioned { step, commit: "c0ffee" });
    let found = told_of(&step).unwrap();
    assert_eq!(found.ambiguous, ["CELL_PARAMETER_A_B"]);
    assert!(!found.variables.contains_key("CELL_PARAMETER_A_B"));
    assert_eq!(found.variables["CELL_PARAMETER_C"], "ssm:/x");
    step.parameters.insert("d".to_owned(), json!({ "later": "cell.z.account_id" }));
    assert_eq!(told_of(&step), Err("d".to_owned()));
}

#[test]
fn repositories_need_the_targets_of_the_clouds_that_their_cells_are_on() {
    let all = expanded(PROGRAM, targets);
    let web = all.iter().find(|one| one.name == "web").unwrap();
    let names: Vec<&str> = web.targets.keys().map(String::as_str).collect();
    assert_eq!((names, web.none_for.as_slice()), (vec!["deploy", "pipeline-build", "up"], ["gcp"].as_slice()));
    let cache = all.iter().find(|one| one.name == "cache").unwrap();
    assert_eq!(cache.targets.keys().collect::<Vec<_>>(), ["deploy", "gcp-cell-bootstrap", "pipeline-build"]);
}

#[test]
fn notes_of_another_version_are_not_read_as_ours() {
    assert_eq!(Notes::parse(br#"{"format_version":"2.0"}"#), Err(Unusable::Later("2.0".to_owned())));
    assert!(matches!(Notes::parse(b"{"), Err(Unusable::Broken(_))));
    let notes = Notes::new("cell.a");
    assert_eq!(Notes::parse(notes.text().as_bytes()), Ok(notes));
}

proptest! {
    /// Whatever graph the `after` of a program are: each component stands once, behind all it comes after.
    #[test]
    fn any_order_holds(edges in prop::collection::btree_set((0..9_usize, 0..9_usize), 0..20)) {
        // An edge goes to a lower number under a shuffled name, so that there is no circle and names say nothing.
        let name = |at: usize| format!("n{}", (at * 5 + 3) % 9);
        let mut program = String::from("cell a { kind = \"alpha\", region = \"us-west-2\", account_id = \"222222222222\" }\n");
        for at in 0..9 {
            let after: Vec<String> = edges.iter().filter(|(a, b)| a.max(b) == &at && a != b)
                .map(|(a, b)| format!("component.{}", name(*a.min(b)))).collect::<BTreeSet<_>>().into_iter().collect();
            program += &format!("component {} {{ repo = \"x\", after = [{}], deploy make {{ target = \"d\" }} }}\n", name(at), after.join(", "));
        }
        let course = expanded(&program, |world| course(world, "a")).unwrap();
        let mut seen = BTreeSet::new();
        for step in &course.steps {
            prop_assert!(step.after.iter().all(|before| seen.contains(before)), "{course:?}");
            prop_assert!(seen.insert(step.component.clone()));
        }
        prop_assert_eq!(seen.len(), 9);
    }

    /// Runs that end anywhere: what ended well is done, and with other versions or told otherwise it is not.
    #[test]
    fn what_ended_well_is_done_and_nothing_else(ends in prop::collection::vec((0..4_usize, any::<bool>()), 0..12)) {
        let mut notes = Notes::new("cell.a");
        let mut well = BTreeSet::new();
        let of = |at: usize| digest("repo", "target", &json!({ "n": at }));
        for (at, ended) in ends {
            let name = at.to_string();
            notes.begin(&name, None, "main", "c0ffee");
            notes.started(&name);
            well.remove(&at);
            if ended {
                notes.ended(&name, Done { digest: of(at), at: Timestamp::UNIX_EPOCH, took_ms: 1 });
                well.insert(at);
            }
            let kept = Notes::parse(notes.text().as_bytes()).unwrap();
            prop_assert_eq!(&kept, &notes);
            for at in 0..4 {
                prop_assert_eq!(notes.is_done(&at.to_string(), &of(at)), well.contains(&at));
                prop_assert!(!notes.is_done(&at.to_string(), &digest("repo", "target", &Json::Null)));
            }
        }
    }
}
