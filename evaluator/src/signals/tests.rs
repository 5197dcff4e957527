//! From alarms that were read to what a rollout is told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::provider::{Answer, CloudError, Failure};
use crate::rollout::{Event, Signal};

fn metric(name: &str, cell: &str) -> Metric {
    let (namespace, dimension) = ("api".to_owned(), "cell".to_owned());
    Metric { namespace, name: name.to_owned(), dimension, value: cell.to_owned() }
}

fn place(cell: &str) -> Place {
    let cell = format!("cell.{cell}");
    Place { owner: cell.clone(), cell, region: "eu-west-1".to_owned() }
}

/// An alarm on a ratio, or on a metric that measures.
fn alarm(name: &str, cell: &str, ratio: bool) -> Watched {
    let (metrics, statistic) = if ratio {
        (vec![metric("Errors", cell), metric("Requests", cell)], Statistic::Sum)
    } else {
        (vec![metric("Latency", cell)], Statistic::Samples)
    };
    let requests = Count { metric: metrics.last().unwrap().clone(), statistic };
    Watched {
        alarm: format!("alarm.{name}"),
        place: place(cell),
        name: format!("{name}-{cell}"),
        metrics,
        ratio,
        requests,
    }
}

fn reading(state: AlarmState) -> Reading {
    Reading { state, reason: format!("{state:?}") }
}

fn event(signals: &[(&str, &str, Signal)], requests: u64) -> Event {
    let one =
        |(alarm, cell, signal): &(&str, &str, Signal)| (format!("alarm.{alarm}"), format!("cell.{cell}"), *signal);
    Event::Observed { signals: signals.iter().map(one).collect(), requests }
}

#[test]
fn an_alarm_that_is_not_there_has_no_data_and_it_is_said_why() {
    let alarms = [alarm("errors", "a", true), alarm("errors", "b", true), alarm("slow", "a", false)];
    let watched: Vec<&Watched> = alarms.iter().collect();
    let states = BTreeMap::from([
        ("errors-a".to_owned(), reading(AlarmState::Ok)),
        ("slow-a".to_owned(), reading(AlarmState::Missing)),
    ]);
    let sums = BTreeMap::from([(alarms[0].requests.clone(), 70.9), (alarms[2].requests.clone(), 5_000.0)]);
    // The place of b was not read at all.
    let found = observed(&watched, &BTreeMap::from([(place("a"), Ok(Seen { states, sums }))]));
    let expected = [("errors", "a", Signal::Ok), ("errors", "b", Signal::NoData), ("slow", "a", Signal::NoData)];
    assert_eq!(found.event, event(&expected, 70), "the requests of the ratio, whole ones");
    let reasons: Vec<(&str, &str, &str)> =
        found.reasons.iter().map(|((alarm, cell), why)| (alarm.as_str(), cell.as_str(), why.as_str())).collect();
    let expected = [
        ("alarm.errors", "cell.b", "there is no alarm `errors-b` in eu-west-1"),
        ("alarm.slow", "cell.a", "there is no alarm `slow-a` in eu-west-1"),
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn without_a_ratio_the_samples_of_the_first_alarm_count() {
    let alarms = [alarm("slow", "a", false), alarm("late", "a", false)];
    let watched: Vec<&Watched> = alarms.iter().collect();
    assert_eq!(counting(&watched), Some("alarm.late"));
    assert_eq!(alarms[1].requests.statistic, Statistic::Samples);
    assert_eq!(counting(&[]), None);
    assert_eq!(observed(&[], &BTreeMap::new()).event, event(&[], 0));
}

/// CloudWatch of a place that has alarms in these states.
#[derive(Debug)]
struct Fixed {
    cell: String,
    asked: &'static Mutex<Vec<String>>,
}

impl Signals for Fixed {
    fn states(&self, names: &BTreeSet<String>) -> Answer<BTreeMap<String, Reading>> {
        self.asked.lock().unwrap().push(format!("{} {names:?}", self.cell));
        Ok(names.iter().map(|name| (name.clone(), reading(AlarmState::Ok))).collect())
    }

    fn sums(&self, counts: &BTreeSet<Count>, _: Timestamp, _: Timestamp) -> Answer<BTreeMap<Count, f64>> {
        Ok(counts.iter().map(|count| (count.clone(), 40.0)).collect())
    }

    fn emitted(&self, _: &str, _: &str) -> Answer<BTreeSet<Emitted>> {
        Ok(BTreeSet::new())
    }
}

#[test]
fn each_place_is_asked_once_for_all_its_alarms_and_what_one_that_cannot_be_read_says_is_not_known() {
    static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let alarms = [alarm("errors", "a", true), alarm("errors", "b", true), alarm("slow", "a", false)];
    let watched: Vec<&Watched> = alarms.iter().collect();
    let open = |place: &Place| -> Answer<Box<dyn Signals>> {
        Ok(Box::new(Fixed { cell: place.cell.clone(), asked: &ASKED }))
    };
    let span = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let both = BTreeSet::from(["cell.a", "cell.b"]);
    let found = look(&watched, &both, span, 8, &open);
    let expected = [("errors", "a", Signal::Ok), ("errors", "b", Signal::Ok), ("slow", "a", Signal::Ok)];
    assert_eq!(found.event, event(&expected, 80));
    let mut asked = ASKED.lock().unwrap().clone();
    asked.sort();
    assert_eq!(asked, ["cell.a {\"errors-a\", \"slow-a\"}", "cell.b {\"errors-b\"}"]);
    // Of a cell of an earlier wave the alarms count, and what it serves does not.
    assert_eq!(look(&watched, &BTreeSet::from(["cell.b"]), span, 8, &open).event, event(&expected, 40));
    let closed = |place: &Place| -> Answer<Box<dyn Signals>> {
        if place.cell == "cell.b" {
            return Err(CloudError::own("cloudwatch:DescribeAlarms", Failure::Denied, "no"));
        }
        open(place)
    };
    let found = look(&watched, &both, span, 8, &closed);
    let expected = [("errors", "a", Signal::Ok), ("errors", "b", Signal::Unread), ("slow", "a", Signal::Ok)];
    assert_eq!(found.event, event(&expected, 40), "what the others say counts");
    let why = found.reasons.get(&("alarm.errors".to_owned(), "cell.b".to_owned())).unwrap();
    assert!(why.starts_with("cannot be read, and nothing passes until it is: cloudwatch:DescribeAlarms"), "{why}");
}

#[test]
fn what_no_component_emits_is_told_with_what_there_is_instead() {
    let alarms = [alarm("errors", "a", true)];
    let watched: Vec<&Watched> = alarms.iter().collect();
    let told = |found: &[(&str, &str, bool)]| {
        let one = |(metric, value, alone): &(&str, &str, bool)| {
            let (metric, value) = ((*metric).to_owned(), (*value).to_owned());
            Emitted { metric, value, alone: *alone }
        };
        let key = (place("a"), "api".to_owned(), "cell".to_owned());
        let emitted = BTreeMap::from([(key, found.iter().map(one).collect())]);
        unheard(&watched, &emitted).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(told(&[("Errors", "a", true), ("Requests", "a", true)]), Vec::<String>::new());
    let found = [("Errors", "a", true), ("Requests", "b", true), ("Requests", "c", true)];
    let expected = "alarm.errors in cell.a waits for `Requests` of `api` with `cell` = `a`, which nothing emits: the metric has it \
                    as `b`, `c`";
    assert_eq!(told(&found), [expected]);
    let tails = |found: &[(&str, &str, bool)]| {
        told(found).iter().filter_map(|text| Some(text.split_once("emits: ")?.1.to_owned())).collect::<Vec<_>>()
    };
    let nothing = "no metric of `api` has that dimension";
    assert_eq!(tails(&[]), [nothing, nothing]);
    assert_eq!(tails(&[("Errors", "a", true)]), ["the cell emits `Errors`"]);
    let more = [("Errors", "a", true), ("Requests", "a", false)];
    assert_eq!(tails(&more), ["the metric has more dimensions, and an alarm names them all"]);
    assert_eq!(unheard(&watched, &BTreeMap::new()), [], "nothing is said of what was not read");
}

#[test]
fn a_place_that_cannot_be_asked_what_is_emitted_keeps_no_other_from_being_told() {
    static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let alarms = [alarm("errors", "a", true), alarm("errors", "b", true)];
    let watched: Vec<&Watched> = alarms.iter().collect();
    let open = |place: &Place| -> Answer<Box<dyn Signals>> {
        if place.cell == "cell.b" {
            return Err(CloudError::own("cloudwatch:ListMetrics", Failure::Denied, "no"));
        }
        Ok(Box::new(Fixed { cell: place.cell.clone(), asked: &ASKED }))
    };
    let heard = hear(&watched, 8, &open);
    let cells: Vec<&str> = heard.unheard.iter().map(|one| one.cell.as_str()).collect();
    assert_eq!(cells, ["cell.a", "cell.a"], "both metrics of its ratio");
    let unread: Vec<&str> = heard.unread.iter().map(|(place, _)| place.cell.as_str()).collect();
    assert_eq!(unread, ["cell.b"]);
}

#[test]
fn what_is_off_or_not_there_is_told_before_anything_waits_for_it() {
    let alarms = ["ok", "off", "silent", "gone"].map(|name| alarm(name, "a", false));
    let watched: Vec<&Watched> = alarms.iter().collect();
    let all = [AlarmState::Ok, AlarmState::Alarm, AlarmState::NoData, AlarmState::Missing];
    let states = alarms.iter().zip(all).map(|(one, state)| (one.name.clone(), reading(state)));
    let told = unwell(&watched, &BTreeMap::from([(place("a"), states.collect())]));
    let told: Vec<_> = told.iter().map(|one| (one.alarm.as_str(), one.what.as_str(), one.is_off)).collect();
    let missing = "there is no alarm `gone-a` in eu-west-1";
    assert_eq!(told, [("alarm.off", "is off already: Alarm", true), ("alarm.gone", missing, false)]);
    assert_eq!(unwell(&watched, &BTreeMap::new()), [], "nothing is said of what was not read");
}

#[test]
fn what_is_watched_follows_from_the_program() {
    let text = r#"
        org o { management_account = "111111111111", home_region = "us-east-2", accounts { email = "aws+\(.name)@x.example" } }
        group ops {}
        metrics m { sink cloudwatch {} dimension = "shard" }
        cell a { kind = "prod", region = "eu-west-1", account_id = "222222222222", owner = group.ops }
        cell b { kind = "prod", region = "us-east-1", account_id = "333333333333", owner = group.ops, state = "retired" }
        cell g { kind = "alpha", cloud = "gcp", region = "europe-west1", project = "acme-g", owner = group.ops }
        account monitoring { account_id = "444444444444" }
        alarm ratio { namespace = "api", ratio { errors = "Errors", requests = "Requests" }, above = 1%, over = 5m }
        alarm slow { namespace = "edge", metric = "Latency", above = 250ms, over = 5m }
    "#;
    let found = crate::rules::tests::expanded(text, |world| watched(world, &crate::resources::derive(world)));
    let shown: Vec<_> = found
        .iter()
        .map(|one| {
            let names: Vec<&str> = one.metrics.iter().map(|metric| metric.name.as_str()).collect();
            (one.alarm.as_str(), one.place.cell.as_str(), one.name.as_str(), names, one.requests.statistic)
        })
        .collect();
    let expected = [
        ("alarm.ratio", "cell.a", "ratio-a", vec!["Errors", "Requests"], Statistic::Sum),
        ("alarm.ratio", "cell.g", "ratio-g", vec!["Errors", "Requests"], Statistic::Sum),
        ("alarm.slow", "cell.a", "slow-a", vec!["Latency"], Statistic::Samples),
        ("alarm.slow", "cell.g", "slow-g", vec!["Latency"], Statistic::Samples),
    ];
    assert_eq!(shown, expected);
    // Those of a cell on another cloud are in the account of monitoring.
    let home = |at: usize| (found[at].place.owner.as_str(), found[at].place.region.as_str());
    assert_eq!((home(0), home(1)), (("cell.a", "eu-west-1"), ("account.monitoring", "us-east-2")));
    let wanted = Metric {
        namespace: "api".to_owned(),
        name: "Requests".to_owned(),
        dimension: "shard".to_owned(),
        value: "a".to_owned(),
    };
    assert_eq!((&found[0].requests.metric, found[0].place.region.as_str()), (&wanted, "eu-west-1"));
}

proptest! {
    /// Nothing but a state that was read as such is a pass, and every alarm has its word.
    #[test]
    fn only_what_was_read_is_a_pass(states in prop::collection::vec(prop::option::of(0..4_usize), 1..20)) {
        let all = [AlarmState::Ok, AlarmState::Alarm, AlarmState::NoData, AlarmState::Missing];
        let alarms: Vec<Watched> =
            (0..states.len()).map(|at| alarm(&format!("x{at}"), &format!("c{}", at % 3), at % 2 == 0)).collect();
        let watched: Vec<&Watched> = alarms.iter().collect();
        let mut seen: BTreeMap<Place, Seen> = BTreeMap::new();
        for (one, state) in alarms.iter().zip(&states) {
            if let Some(state) = state {
                seen.entry(one.place.clone()).or_default().states.insert(one.name.clone(), reading(all[*state]));
            }
        }
        let Event::Observed { signals, .. } = observed(&watched, &seen.into_iter().map(|(place, seen)| (place, Ok(seen))).collect()).event else { panic!() };
        prop_assert_eq!(signals.len(), states.len());
        for (state, (.., signal)) in states.iter().zip(signals) {
            let expected = match state.map(|state| all[state]) {
                Some(AlarmState::Ok) => Signal::Ok,
                Some(AlarmState::Alarm) => Signal::Alarm,
                _ => Signal::NoData,
            };
            prop_assert_eq!(signal, expected);
        }
    }
}
