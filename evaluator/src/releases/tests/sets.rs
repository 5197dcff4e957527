//! The roles of permission sets on a cloud in memory: each call that brings one to a form fails, forward and on the way back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::sets::Roles;
use super::super::{Book, Cell, Dossier, Has, Queued, Spec, Target};
use crate::apply::tests::cloud::{FakeCloud, Trouble};
use crate::apply::tests::time::{Life, StillClock};
use crate::plan::canonical;
use crate::plan::model::{Fields, Limits};
use crate::provider::{CloudError, Given, IdentityCenter as _, SetFields};
use crate::rollout::{CellState, Event, step};

const LIMITS: Limits = Limits { tps: 10, organizations_tps: 8, lanes: 8, creations: 1 };
const REACHED: &str = "222222222201";
const BEYOND: &str = "222222222202";
const OLD: &str =
    r#"{"Statement":[{"Action":["s3:GetObject"],"Effect":"Allow","Resource":["*"]}],"Version":"2012-10-17"}"#;
const NEW: &str =
    r#"{"Statement":[{"Action":["s3:PutObject"],"Effect":"Allow","Resource":["*"]}],"Version":"2012-10-17"}"#;

/// Two accounts with the old form, and the set with the new one.
fn cloud() -> (FakeCloud, Arc<StillClock>, String) {
    let clock = Arc::new(StillClock::new(super::start()));
    let cloud = FakeCloud::new(clock.clone(), Arc::new(Life::default()), &["ops"]);
    let fields = SetFields { name: "Operate".into(), session: Some("PT1H".into()), ..SetFields::default() };
    let set = cloud.create_set(&fields, &crate::provider::Tags::new()).unwrap();
    cloud.put_inline_policy(&set, OLD).unwrap();
    cloud.edit(|state| {
        let principal = state.group("ops");
        for account in [REACHED, BEYOND] {
            state.give(&Given { set: set.clone(), principal: principal.clone(), account: account.into() });
        }
    });
    cloud.put_inline_policy(&set, NEW).unwrap();
    cloud.count_anew();
    (cloud, clock, set)
}

fn form(inline: &str) -> Fields {
    let form = serde_json::json!({ "session": "PT1H", "inline": canonical::parsed(inline) });
    form.as_object().unwrap().clone().into_iter().collect()
}

/// Brings the reached account to a form.
fn bring(cloud: &FakeCloud, clock: &StillClock, set: &str, inline: &str, back: bool) -> Result<String, CloudError> {
    Roles::new(cloud, clock, LIMITS, None).bring(set, REACHED, &form(inline), back)
}

fn has(cloud: &FakeCloud, set: &str, account: &str) -> Option<String> {
    cloud.state().roles[&(account.to_owned(), set.to_owned())].inline.clone()
}

/// A call that fails is told or survived; tried again it comes to the same end, and the other account is never touched.
#[test]
fn each_call_that_fails_once_comes_to_the_same_end_when_tried_again() {
    let troubles = [
        Trouble::Lost,
        Trouble::LostAfter,
        Trouble::UnavailableAfter,
        Trouble::Throttled,
        Trouble::Conflict,
        Trouble::Denied,
        Trouble::FailsLater,
    ];
    for (back, wanted) in [(false, NEW), (true, OLD)] {
        let reached = || {
            let (cloud, clock, set) = cloud();
            if back {
                bring(&cloud, &clock, &set, NEW, false).unwrap();
                cloud.count_anew();
            }
            (cloud, clock, set)
        };
        let (plain, clock, set) = reached();
        bring(&plain, &clock, &set, wanted, back).unwrap();
        assert_eq!(has(&plain, &set, REACHED).as_deref(), Some(wanted));
        let calls = plain.asked();
        let put = calls.contains_key("sso:PutInlinePolicyToPermissionSet");
        assert!(put == back && calls.contains_key("sso:ProvisionPermissionSet"), "{calls:?}");
        for (call, count) in &calls {
            for (nth, trouble) in (1..=*count).flat_map(|nth| troubles.map(|trouble| (nth, trouble))) {
                let (cloud, clock, set) = reached();
                cloud.script(call, nth, trouble);
                let first = bring(&cloud, &clock, &set, wanted, back);
                let at = format!("{call} {nth} {trouble:?}, back: {back}: {first:?}");
                // What it says is so: it is there, or it is told that it may not be.
                if first.is_ok() {
                    assert_eq!(has(&cloud, &set, REACHED).as_deref(), Some(wanted), "{at}");
                }
                if call == "sso:ProvisionPermissionSet" {
                    assert!(first.is_err(), "{at}");
                }
                cloud.mend();
                bring(&cloud, &clock, &set, wanted, back).unwrap();
                assert_eq!(has(&cloud, &set, REACHED).as_deref(), Some(wanted), "{at}");
                assert_eq!(has(&cloud, &set, BEYOND).as_deref(), Some(OLD), "{at}");
            }
        }
    }
}

/// Forward nothing is written into the set: another form in it is told.
#[test]
fn a_set_that_was_changed_meanwhile_is_told_and_left() {
    let (cloud, clock, set) = cloud();
    let error = bring(&cloud, &clock, &set, OLD, false).unwrap_err().to_string();
    assert!(error.contains("the permission set was changed meanwhile: inline"), "{error}");
    assert_eq!(cloud.asked().get("sso:ProvisionPermissionSet"), None);
    assert_eq!(cloud.state().sets[&set].detail.inline.as_deref(), Some(NEW));
}

/// An account in no wave has the form that is queued by its apply: it goes back with the others, unless it had that form before.
#[test]
fn what_is_in_no_wave_is_a_part_of_the_rollout_while_it_is_new_there() {
    let spec = |account: &str| Spec {
        account: account.to_owned(),
        region: String::new(),
        target: Target::Set { set: "arn:set".to_owned(), form: "f".to_owned() },
    };
    let cell = |account: &str| Cell { spec: spec(account), alarms: BTreeMap::new() };
    let of = "permission_set.Operate";
    let dossier = |version: &str| Dossier {
        of: of.to_owned(),
        cells: BTreeMap::from([("cell.a".to_owned(), cell(REACHED)), ("account.t".to_owned(), cell(BEYOND))]),
        ..super::dossier_of(version, vec![super::wave("one", &["cell.a"], 1)])
    };
    let queued = |version: &str| Queued {
        version: version.to_owned(),
        dossier: format!("the dossier of {version}"),
        by: "ana".to_owned(),
        at: super::start(),
        of_apply: true,
    };
    let mut book = Book::new(of);
    for cell in ["cell.a", "account.t"] {
        let (version, dossier, observed) = ("old".to_owned(), "kept".to_owned(), String::new());
        book.cells.insert(cell.to_owned(), Has { version, dossier, at: super::start(), observed });
    }
    book.begin(queued("new"), &dossier("new"), super::start());
    let state = |book: &Book, cell: &str| book.rollout.as_ref().unwrap().state.cells.get(cell).map(|cell| cell.state);
    assert_eq!(state(&book, "account.t"), Some(CellState::AtOnce));
    assert_eq!(book.cells["account.t"].version, "new");
    assert_eq!(book.rollout.as_ref().unwrap().former["account.t"].version, "old");
    // Whoever takes the rollback up asks for the cells of the waves alone.
    let course = dossier("new").course;
    let aborted = Event::Aborted { who: "ana".to_owned(), back: true };
    let mut state_now = book.rollout.as_ref().unwrap().state.clone();
    state_now.cells.set("cell.a", CellState::Done).unwrap();
    let back = step(&course, state_now, super::start(), &aborted).state;
    let going: Vec<&String> = back.that_are(|state| state == CellState::RollingBack).map(|(name, _)| name).collect();
    assert_eq!(going, ["account.t", "cell.a"]);
    assert_eq!(back.gone_from(&course, &BTreeSet::new(), false), BTreeSet::from(["cell.a".to_owned()]));
    book.begin(queued("new"), &dossier("new"), super::start());
    assert_eq!((state(&book, "account.t"), state(&book, "cell.a")), (None, Some(CellState::Waiting)));
}

/// A rollout takes the place of one that had come to the first wave: the set has one form, so all go back to the one that the
/// last wave still has, the first wave too.
#[test]
fn a_set_goes_back_to_one_form() {
    let of = "permission_set.Operate";
    let cell = |account: &str| {
        let target = Target::Set { set: "arn:set".to_owned(), form: "f".to_owned() };
        Cell { spec: Spec { account: account.to_owned(), region: String::new(), target }, alarms: BTreeMap::new() }
    };
    let waves = vec![super::wave("one", &["cell.z"], 1), super::wave("two", &["cell.a"], 1)];
    let dossier = Dossier {
        of: of.to_owned(),
        cells: BTreeMap::from([("cell.z".to_owned(), cell(REACHED)), ("cell.a".to_owned(), cell(BEYOND))]),
        ..super::dossier_of("third", waves)
    };
    let mut book = Book::new(of);
    for (cell, version) in [("cell.z", "second"), ("cell.a", "first")] {
        let has =
            Has { version: version.into(), dossier: version.into(), at: super::start(), observed: String::new() };
        book.cells.insert(cell.to_owned(), has);
    }
    let queued =
        Queued { version: "third".into(), dossier: "d".into(), by: "ana".into(), at: super::start(), of_apply: true };
    book.begin(queued, &dossier, super::start());
    let rollout = book.rollout.unwrap();
    for cell in ["cell.z", "cell.a"] {
        assert_eq!(rollout.former[cell].version, "first");
        assert_eq!(rollout.state.cells[cell].former.as_deref(), Some("first"));
    }
}

/// Somebody writes the document in another order and names its statements: it says the same, and nothing was changed.
#[test]
fn a_document_that_says_the_same_is_no_change() {
    let (cloud, clock, set) = cloud();
    let same = r#"{"Version":"2012-10-17","Statement":{"Sid":"Put","Effect":"Allow","Action":"s3:PutObject","Resource":"*"}}"#;
    cloud.put_inline_policy(&set, same).unwrap();
    let roles = Roles::new(&cloud, &*clock, LIMITS, None);
    assert_eq!(roles.altered(&set, &form(NEW)).unwrap(), None);
    bring(&cloud, &clock, &set, NEW, false).unwrap();
    assert_eq!(has(&cloud, &set, REACHED).as_deref(), Some(same));
    assert!(roles.altered(&set, &form(OLD)).unwrap().is_some());
}
