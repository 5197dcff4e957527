//! The engine on cells and books in memory: waves, alarms, people, and processes that die at any write.

#![allow(clippy::unwrap_used, clippy::panic)]

mod driven;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::provider::{Clock, Tags};
use crate::registry::store::{Published, Shelf, StoreError, Stored};
use crate::rollout::{CellState, Course, Event, OnAlarm, Phase, Signal, Wave, step};

/// Objects in memory; from a write on every write fails, before it is done or after it.
#[derive(Debug, Default)]
struct Memory {
    objects: Mutex<BTreeMap<String, (Vec<u8>, u64)>>,
    writes: AtomicUsize,
    dies_at: Option<(usize, bool)>,
}

impl Shelf for Memory {
    fn published_place(&self, _: Published) -> String {
        unreachable!("releases are not published")
    }

    fn published(&self, _: Published) -> Result<Option<Stored>, StoreError> {
        unreachable!("releases are not published")
    }

    fn publish(&self, _: Published, _: &[u8], _: Option<&str>) -> Result<(), StoreError> {
        unreachable!("releases are not published")
    }

    fn object_place(&self, name: &str) -> String {
        name.to_owned()
    }

    fn objects(&self) -> Result<Vec<String>, StoreError> {
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(objects.keys().filter(|name| !name.contains('/')).cloned().collect())
    }

    fn object(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(objects.get(name).map(|(bytes, version)| Stored { bytes: bytes.clone(), version: version.to_string() }))
    }

    fn put_object(&self, name: &str, bytes: &[u8], version: Option<&str>) -> Result<String, StoreError> {
        let number = self.writes.fetch_add(1, Ordering::SeqCst);
        let dies = self.dies_at.filter(|(at, _)| number >= *at);
        if dies.is_some_and(|(at, after)| !(after && number == at)) {
            return Err(StoreError::Failed("the process is dead".into()));
        }
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let now = objects.get(name).map(|(_, version)| version.to_string());
        if now.as_deref() != version {
            return Err(StoreError::Moved);
        }
        objects.insert(name.to_owned(), (bytes.to_vec(), number as u64 + 1));
        match dies {
            Some(_) => Err(StoreError::Unknown("the process is dead".into())),
            None => Ok((number + 1).to_string()),
        }
    }
}

/// Time that goes by when somebody sleeps.
#[derive(Debug)]
struct Slept(Mutex<Timestamp>);

impl Clock for Slept {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, time: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::try_from(time).unwrap()).unwrap();
    }
}

/// Cells with the versions they have.
#[derive(Debug, Default)]
struct Cells {
    have: Mutex<BTreeMap<String, String>>,
    asked: Mutex<Vec<String>>,
    /// Cells that take no release.
    refuse: BTreeSet<String>,
    /// The cell in which the alarm goes off once it has this version, and what it says then.
    alarm: Option<(String, String, Signal)>,
}

impl Targets for Cells {
    fn bring(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        see("bringing it");
        let version = order.of.version.clone();
        self.asked.lock().unwrap().push(format!("{} {version} {}", order.cell, order.token));
        if self.refuse.contains(order.cell) {
            return Err(Failed::Why("no room".into()));
        }
        self.have.lock().unwrap().insert(order.cell.to_owned(), version.clone());
        Ok(format!("saw {version}"))
    }

    fn take_away(&self, order: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        self.have.lock().unwrap().remove(order.cell);
        Ok("gone".into())
    }
}

impl Signals for Cells {
    fn look(&self, look: &Look<'_>) -> Result<Looked, String> {
        let have = self.have.lock().unwrap();
        let says = |cell: &String| match &self.alarm {
            Some((at, version, says)) if at == cell && have.get(cell) == Some(version) => *says,
            _ => Signal::Ok,
        };
        let all = look.cells.iter().map(|cell| ("alarm.errors".to_owned(), cell.clone(), says(cell))).collect();
        Ok((all, 1_000))
    }
}

struct Quiet;

impl Watcher for Quiet {
    fn told(&self, _: &Book, _: &[Note]) {}
    fn sees(&self, _: &str, _: &str, _: &str) {}
    fn remark(&self, _: &str) {}
}

const OF: &str = "component.api";

fn wave(label: &str, cells: &[&str], parallel: usize) -> Wave {
    Wave {
        label: label.into(),
        cells: cells.iter().map(ToString::to_string).collect(),
        parallel,
        tolerate: 0,
        bake: SignedDuration::from_mins(10),
        min_requests: Some(100),
        one_box: parallel > 1,
        alarms: vec!["alarm.errors".into()],
        approval: false,
        follows: false,
    }
}

fn dossier(version: &str) -> Dossier {
    let course = Course {
        of: OF.into(),
        rollout: Some("rollout.waves".into()),
        waves: vec![wave("alpha", &["cell.a"], 1), wave("prod", &["cell.b", "cell.c", "cell.d"], 2)],
        window: None,
        on_alarm: OnAlarm::Rollback,
    };
    let target = Target::Cloudformation {
        stack: "api".into(),
        template: String::new(),
        parameters: BTreeMap::new(),
        tags: Tags::new(),
        capabilities: Vec::new(),
    };
    let cell = |name: &String| {
        let spec = Spec { account: String::new(), region: String::new(), target: target.clone() };
        (name.clone(), Cell { spec, alarms: BTreeMap::new() })
    };
    let cells = course.waves.iter().flat_map(|wave| wave.cells.iter().map(cell)).collect();
    Dossier {
        format_version: dossier::FORMAT_VERSION.into(),
        of: OF.into(),
        version: version.into(),
        digests: BTreeMap::new(),
        image: String::new(),
        templates: BTreeMap::new(),
        course,
        cells,
        texts: BTreeMap::new(),
    }
}

fn start() -> Timestamp {
    "2026-06-01T09:00:00Z".parse().unwrap()
}

fn queue(memory: &Memory, version: &str, at: Timestamp) {
    let desk = Desk::new(memory);
    let dossier = desk.file(&dossier(version)).unwrap();
    let queued = Queued { version: version.into(), dossier, by: "ana".into(), at };
    let change = |book: &mut Book| {
        book.next = Some(queued.clone());
        Ok::<_, ()>(())
    };
    desk.change(OF, change).unwrap().unwrap();
}

/// Carries out what is queued.
fn run(memory: &Memory, cells: &Cells, clock: &Slept, name: &str) -> Result<Ending, EngineError> {
    let stop = AtomicBool::new(false);
    let engine = Engine {
        desk: Desk::new(memory),
        of: OF,
        targets: cells,
        signals: cells,
        clock,
        watcher: &Quiet,
        me: (name.into(), "ana@host".into(), 7),
        draining: BTreeSet::new(),
        stop: &stop,
        people: false,
        sleeps: Duration::from_hours(1),
    };
    engine.run()
}

fn all_have(version: &str) -> BTreeMap<String, String> {
    ["cell.a", "cell.b", "cell.c", "cell.d"].map(|cell| (cell.to_owned(), version.to_owned())).into()
}

#[test]
fn a_release_comes_to_every_cell_and_is_what_new_cells_get() {
    let (memory, cells, clock) = (Memory::default(), Cells::default(), Slept(Mutex::new(start())));
    queue(&memory, "v1", start());
    assert_eq!(run(&memory, &cells, &clock, "one"), Ok(Ending::Over(Phase::Done)));
    assert_eq!(*cells.have.lock().unwrap(), all_have("v1"));
    let book = Desk::new(&memory).read(OF).unwrap().book;
    assert_eq!(book.released.as_ref().unwrap().version, "v1");
    assert_eq!(book.cells["cell.c"].observed, "saw v1");
    assert_eq!(book.rollout.as_ref().unwrap().runner, None);
    // Two bakes of ten minutes, and that of one box.
    assert!(clock.now() >= start() + SignedDuration::from_mins(30), "{}", clock.now());
    assert_eq!(run(&memory, &cells, &clock, "two"), Ok(Ending::Nothing));
}

#[test]
fn an_alarm_takes_back_what_was_reached_and_nothing_else() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let cells = Cells {
        alarm: Some(("cell.b".into(), "v2".into(), Signal::Alarm)),
        have: Mutex::new(BTreeMap::new()),
        ..Cells::default()
    };
    queue(&memory, "v1", start());
    assert_eq!(run(&memory, &cells, &clock, "one"), Ok(Ending::Over(Phase::Done)));
    cells.asked.lock().unwrap().clear();
    queue(&memory, "v2", clock.now());
    let ended = run(&memory, &cells, &clock, "two").unwrap();
    assert!(matches!(ended, Ending::Over(Phase::RolledBack { .. })), "{ended:?}");
    assert_eq!(*cells.have.lock().unwrap(), all_have("v1"));
    let asked = cells.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|asked| !asked.starts_with("cell.c") && !asked.starts_with("cell.d")), "{asked:?}");
    let book = Desk::new(&memory).read(OF).unwrap().book;
    assert_eq!(book.released.unwrap().version, "v1");
    assert!(book.cells.values().all(|has| has.version == "v1"));
}

#[test]
fn no_data_is_no_pass() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let cells = Cells { alarm: Some(("cell.a".into(), "v1".into(), Signal::NoData)), ..Cells::default() };
    queue(&memory, "v1", start());
    let ended = run(&memory, &cells, &clock, "one").unwrap();
    let Ending::Over(Phase::RolledBack { why }) = ended else { panic!("{ended:?}") };
    assert_eq!(why.to_string(), "alarm.errors has no data in cell.a, which is no pass");
    // What had nothing has nothing again.
    assert_eq!(*cells.have.lock().unwrap(), BTreeMap::new());
}

#[test]
fn what_fails_is_told_and_goes_back() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let cells = Cells { refuse: ["cell.a".to_owned()].into(), ..Cells::default() };
    queue(&memory, "v1", start());
    let ended = run(&memory, &cells, &clock, "one").unwrap();
    assert!(matches!(ended, Ending::Over(Phase::RolledBack { .. })), "{ended:?}");
    let book = Desk::new(&memory).read(OF).unwrap().book;
    assert!(book.log.iter().any(|note| note.what == "cell.a failed: no room"), "{:?}", book.log);
    assert!(book.released.is_none());
}

/// Dead before and after each write in turn, with and without an alarm: another run ends as one without any death would,
/// and asks for the same thing by the same word.
#[test]
fn a_process_that_dies_at_any_write_leaves_what_another_ends() {
    for alarm in [None, Some(("cell.c".to_owned(), "v2".to_owned(), Signal::Alarm))] {
        let mut deaths = 0;
        for (at, after) in (0..).flat_map(|at| [(at, false), (at, true)]) {
            let clock = Slept(Mutex::new(start()));
            let cells = Cells { alarm: alarm.clone(), have: Mutex::new(all_have("v1")), ..Cells::default() };
            let mut memory = Memory::default();
            queue(&memory, "v1", start());
            run(&memory, &cells, &clock, "first").unwrap();
            queue(&memory, "v2", clock.now());
            memory.writes.store(0, Ordering::SeqCst);
            memory.dies_at = Some((at, after));
            let died = run(&memory, &cells, &clock, "dies").is_err();
            memory.dies_at = None;
            let ended = if died { run(&memory, &cells, &clock, "next").unwrap() } else { Ending::Nothing };
            let book = Desk::new(&memory).read(OF).unwrap().book;
            let phase = &book.rollout.as_ref().unwrap().state.phase;
            let (wanted, version) = match alarm {
                None => (matches!(phase, Phase::Done), "v2"),
                Some(_) => (matches!(phase, Phase::RolledBack { .. }), "v1"),
            };
            assert!(wanted, "dead at write {at} ({after}): {ended:?}, {phase:?}");
            assert_eq!(*cells.have.lock().unwrap(), all_have(version), "dead at write {at} ({after})");
            assert!(book.cells.values().all(|has| has.version == version), "dead at write {at} ({after})");
            assert_eq!(book.released.as_ref().unwrap().version, version);
            // Each cell is asked for each version by one word only.
            let words: BTreeSet<String> = cells.asked.lock().unwrap().iter().cloned().collect();
            let pairs: BTreeSet<String> =
                words.iter().map(|word| word.rsplit_once(' ').unwrap().0.to_owned()).collect();
            let back = if version == "v1" { cells.have.lock().unwrap().len() } else { 0 };
            assert!(words.len() <= pairs.len() + back, "{words:?}");
            if !died {
                break;
            }
            deaths += 1;
        }
        assert!(deaths > 10, "{deaths}");
    }
}

#[test]
fn people_are_heard_while_it_waits() {
    let (memory, cells, clock) = (Memory::default(), Cells::default(), Slept(Mutex::new(start())));
    let desk = Desk::new(&memory);
    let mut asked = dossier("v1");
    asked.course.waves[1].approval = true;
    let name = desk.file(&asked).unwrap();
    let queued = Queued { version: "v1".into(), dossier: name, by: "ana".into(), at: start() };
    let put = |book: &mut Book| {
        book.next = Some(queued.clone());
        Ok::<_, ()>(())
    };
    desk.change(OF, put).unwrap().unwrap();
    assert_eq!(run(&memory, &cells, &clock, "one"), Ok(Ending::Waits(Phase::Approval)));
    assert_eq!(cells.have.lock().unwrap().len(), 1);
    let approve = |book: &mut Book| {
        let rollout = book.rollout.clone().unwrap();
        let event = Event::Approved { who: "bob".into() };
        let next = step(&asked.course, rollout.state, clock.now(), &event);
        assert_eq!(next.refused, None);
        book.took(next.state, &event, "");
        Ok::<_, ()>(())
    };
    desk.change(OF, approve).unwrap().unwrap();
    assert_eq!(run(&memory, &cells, &clock, "two"), Ok(Ending::Over(Phase::Done)));
    assert_eq!(*cells.have.lock().unwrap(), all_have("v1"));
}

#[test]
fn a_newer_release_takes_the_place_of_one_that_waits() {
    let (memory, cells, clock) = (Memory::default(), Cells::default(), Slept(Mutex::new(start())));
    let desk = Desk::new(&memory);
    let mut held = dossier("v1");
    held.course.waves[1].approval = true;
    let name = desk.file(&held).unwrap();
    let put = |book: &mut Book| {
        book.next = Some(Queued { version: "v1".into(), dossier: name.clone(), by: "ana".into(), at: start() });
        Ok::<_, ()>(())
    };
    desk.change(OF, put).unwrap().unwrap();
    run(&memory, &cells, &clock, "one").unwrap();
    queue(&memory, "v2", clock.now());
    assert_eq!(run(&memory, &cells, &clock, "two"), Ok(Ending::Over(Phase::Done)));
    assert_eq!(*cells.have.lock().unwrap(), all_have("v2"));
    let book = desk.read(OF).unwrap().book;
    assert!(book.log.iter().any(|note| note.what == "superseded"), "{:?}", book.log);
    assert_eq!(book.rollout.unwrap().former["cell.a"].version, "v1");
}

#[test]
fn another_process_that_lives_is_not_disturbed() {
    let (memory, cells, clock) = (Memory::default(), Cells::default(), Slept(Mutex::new(start())));
    queue(&memory, "v1", start());
    let desk = Desk::new(&memory);
    let begin = |book: &mut Book| {
        let queued = book.next.take().unwrap();
        book.begin(queued, &dossier("v1"), start());
        let until = start() + SignedDuration::from_secs(30);
        book.rollout.as_mut().unwrap().runner =
            Some(Runner { run: "other".into(), who: "bob@ci".into(), process: 9, until });
        Ok::<_, ()>(())
    };
    desk.change(OF, begin).unwrap().unwrap();
    // Nobody moves the end of its lease: it is waited for, and taken over.
    assert_eq!(run(&memory, &cells, &clock, "mine"), Ok(Ending::Over(Phase::Done)));
    assert!(clock.now() >= start() + SignedDuration::from_secs(30));
    let book = desk.read(OF).unwrap().book;
    assert!(book.rollout.unwrap().state.cells.values().all(|cell| cell.state == CellState::Done));
}

#[test]
fn a_dossier_that_was_changed_is_refused() {
    let memory = Memory::default();
    let desk = Desk::new(&memory);
    let name = desk.file(&dossier("v1")).unwrap();
    assert_eq!(desk.dossier(OF, &name).unwrap(), dossier("v1"));
    for (bytes, _) in memory.objects.lock().unwrap().values_mut() {
        bytes.push(b' ');
    }
    let error = desk.dossier(OF, &name).unwrap_err().to_string();
    assert!(error.contains("its bytes are not those that its name is the digest of"), "{error}");
}
