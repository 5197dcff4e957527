//! The engine on cells and books in memory: waves, alarms, people, and processes that die at any write.

#![allow(clippy::unwrap_used, clippy::panic)]

mod altered;
mod apart;
mod busy;
mod driven;
mod endings;
mod fleet;
mod passed;
mod places;
mod sets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::provider::{Clock, Tags};
use crate::registry::store::{Published, Shelf, StoreError, Stored};
use crate::rollout::{CellState, Course, Event, OnAlarm, Phase, Signal, Wave, Why, step};

/// Objects in memory; from a write on every write fails, before it is done or after it.
#[derive(Debug, Default)]
struct Memory {
    objects: Mutex<BTreeMap<String, (Vec<u8>, u64)>>,
    writes: AtomicUsize,
    dies_at: Option<(usize, bool)>,
    /// From this write on so many calls of any sort fail, and then none.
    away: Option<(usize, AtomicUsize)>,
}

impl Memory {
    fn is_away(&self) -> Result<(), StoreError> {
        let Some((at, calls)) = &self.away else { return Ok(()) };
        let one_less = |left: usize| left.checked_sub(1);
        let reached = self.writes.load(Ordering::SeqCst) > *at;
        if reached && calls.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return Err(StoreError::Failed("the network is away".into()));
        }
        Ok(())
    }
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
        self.is_away()?;
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(objects.get(name).map(|(bytes, version)| Stored { bytes: bytes.clone(), version: version.to_string() }))
    }

    fn put_object(&self, name: &str, bytes: &[u8], version: Option<&str>) -> Result<String, StoreError> {
        let number = self.writes.fetch_add(1, Ordering::SeqCst);
        self.is_away()?;
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
    dossier_of(version, vec![wave("alpha", &["cell.a"], 1), wave("prod", &["cell.b", "cell.c", "cell.d"], 2)])
}

fn dossier_of(version: &str, waves: Vec<Wave>) -> Dossier {
    let course = Course {
        of: OF.into(),
        rollout: Some("rollout.waves".into()),
        waves,
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
    queue_of(memory, &dossier(version), at);
}

fn queue_of(memory: &Memory, dossier: &Dossier, at: Timestamp) {
    let desk = Desk::new(memory);
    let name = desk.file(dossier).unwrap();
    let queued = Queued { version: dossier.version.clone(), dossier: name, by: "ana".into(), at, of_apply: false };
    let change = |book: &mut Book| {
        book.next = Some(queued.clone());
        Ok::<_, ()>(())
    };
    desk.change(OF, change).unwrap().unwrap();
}

/// Carries out what is queued.
fn run(memory: &Memory, cells: &Cells, clock: &Slept, name: &str) -> Result<Ending, EngineError> {
    let stop = AtomicBool::new(false);
    Engine { me: (name.into(), "ana@host".into(), 7), ..engine(memory, cells, clock, &stop) }.run()
}

/// All cells are there, and none is drained.
static EVERYWHERE: Standing = Standing { draining: BTreeSet::new(), here: None };

/// What carries out what is queued.
fn engine<'a, T: Targets + Signals>(
    memory: &'a Memory,
    cells: &'a T,
    clock: &'a dyn Clock,
    stop: &'a AtomicBool,
) -> Engine<'a> {
    Engine {
        desk: Desk::new(memory),
        of: OF,
        targets: cells,
        signals: cells,
        clock,
        watcher: &Quiet,
        me: ("one".into(), "ana@host".into(), 7),
        fleet: &EVERYWHERE,
        stop,
        people: false,
        drained: false,
        sleeps: Duration::from_hours(1),
    }
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
    let queued = Queued { version: "v1".into(), dossier: name, by: "ana".into(), at: start(), of_apply: false };
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
        book.took(next, &event, "");
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
        book.next = Some(Queued {
            version: "v1".into(),
            dossier: name.clone(),
            by: "ana".into(),
            at: start(),
            of_apply: false,
        });
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

/// A release has stopped, an apply queues what was released before it to cells that differ, and the release is gone on with: what
/// the apply wanted has no reason any more.
#[test]
fn what_an_apply_has_queued_takes_nothing_back_from_a_release_that_goes_on() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let desk = Desk::new(&memory);
    queue(&memory, "v1", start());
    assert_eq!(run(&memory, &Cells::default(), &clock, "one"), Ok(Ending::Over(Phase::Done)));
    let mut second = dossier("v2");
    second.course.on_alarm = OnAlarm::Stop;
    queue_of(&memory, &second, clock.now());
    let broken = Cells { refuse: ["cell.b".to_owned()].into(), ..Cells::default() };
    assert!(matches!(run(&memory, &broken, &clock, "two"), Ok(Ending::Over(Phase::Stopped { .. }))));
    desk.queue(&dossier("v1"), By { who: "ana@host", how: "an apply of ", at: clock.now() }).unwrap();
    let resume = |book: &mut Book| {
        let event = Event::Resumed { who: "bob".into() };
        let next = step(&second.course, book.rollout.clone().unwrap().state, clock.now(), &event);
        book.took(next, &event, "");
        Ok::<_, ()>(())
    };
    desk.change(OF, resume).unwrap().unwrap();
    let cells = Cells::default();
    assert_eq!(run(&memory, &cells, &clock, "three"), Ok(Ending::Over(Phase::Done)));
    let book = desk.read(OF).unwrap().book;
    assert_eq!((book.released.unwrap().version.as_str(), book.next), ("v2", None));
    assert!(book.log.iter().any(|note| note.what == "v1 left the queue: v2 goes on"), "{:?}", book.log);
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

/// Cells that need until somebody has looked at alarms, all of one wave at a time.
#[derive(Debug)]
struct Slow<'a> {
    clock: &'a Slept,
    looked: AtomicUsize,
    under_way: AtomicUsize,
    most: usize,
}

impl Targets for Slow<'_> {
    fn bring(&self, order: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        if order.cell == "cell.a" {
            return Ok(String::new());
        }
        let looked = self.looked.load(Ordering::SeqCst);
        if self.under_way.fetch_add(1, Ordering::SeqCst) + 1 == self.most {
            self.clock.sleep(Duration::from_mins(2));
        }
        for _ in 0..100 {
            if self.looked.load(Ordering::SeqCst) > looked {
                return Ok(String::new());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(Failed::Why("nobody looked at alarms meanwhile".into()))
    }

    fn take_away(&self, _: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        Ok("gone".into())
    }
}

impl Signals for Slow<'_> {
    fn look(&self, look: &Look<'_>) -> Result<Looked, String> {
        self.looked.fetch_add(1, Ordering::SeqCst);
        Ok((look.cells.iter().map(|cell| ("alarm.errors".to_owned(), cell.clone(), Signal::Ok)).collect(), 1_000))
    }
}

#[test]
fn alarms_are_looked_at_while_as_many_cells_as_may_are_under_way() {
    let (memory, clock, stop) = (Memory::default(), Slept(Mutex::new(start())), AtomicBool::new(false));
    let names: Vec<String> = (0..64).map(|number| format!("cell.b{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let wide = Wave { one_box: false, ..wave("prod", &names, 64) };
    queue_of(&memory, &dossier_of("v1", vec![wave("alpha", &["cell.a"], 1), wide]), start());
    let cells = Slow { clock: &clock, looked: AtomicUsize::new(0), under_way: AtomicUsize::new(0), most: 64 };
    assert_eq!(engine(&memory, &cells, &clock, &stop).run(), Ok(Ending::Over(Phase::Done)));
}

/// Time that goes by seven seconds at a time, whatever is slept.
#[derive(Debug)]
struct Walks(Slept);

impl Clock for Walks {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, _: Duration) {
        self.0.sleep(Duration::from_secs(7));
    }
}

/// Takes every release, and counts how often alarms are looked at.
#[derive(Debug, Default)]
struct Counted {
    looks: AtomicUsize,
    /// So many come to a panic first.
    panics: usize,
    /// Set when there were too many.
    stop: AtomicBool,
}

impl Targets for Counted {
    fn bring(&self, _: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        Ok(String::new())
    }

    fn take_away(&self, _: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        Ok(String::new())
    }
}

impl Signals for Counted {
    fn look(&self, look: &Look<'_>) -> Result<Looked, String> {
        let looks = self.looks.fetch_add(1, Ordering::SeqCst);
        self.stop.fetch_or(looks > 100, Ordering::SeqCst);
        assert!(looks >= self.panics, "no alarms");
        Ok((look.cells.iter().map(|cell| ("alarm.errors".to_owned(), cell.clone(), Signal::Ok)).collect(), 1_000))
    }
}

#[test]
fn alarms_are_asked_once_a_minute_however_often_the_book_is_read() {
    let (memory, clock) = (Memory::default(), Walks(Slept(Mutex::new(start()))));
    queue_of(&memory, &dossier_of("v1", vec![wave("alpha", &["cell.a"], 1)]), start());
    let cells = Counted::default();
    // The book is read each time round.
    let engine = Engine { sleeps: Duration::ZERO, ..engine(&memory, &cells, &clock, &cells.stop) };
    assert_eq!(engine.run(), Ok(Ending::Over(Phase::Done)));
    let looks = cells.looks.load(Ordering::SeqCst);
    assert!((9..=12).contains(&looks), "{looks} looks in a bake of ten minutes");
}

#[test]
fn a_store_that_is_away_for_a_while_ends_nothing() {
    for at in 0..12 {
        for calls in [1, 2, 3, 5] {
            let (mut memory, cells, clock) = (Memory::default(), Cells::default(), Slept(Mutex::new(start())));
            queue(&memory, "v1", start());
            // The first write takes the rollout: who cannot even do that has begun nothing.
            let first = memory.writes.load(Ordering::SeqCst) + 1;
            memory.away = Some((first + at, AtomicUsize::new(calls)));
            let ended = run(&memory, &cells, &clock, "one");
            assert_eq!(ended, Ok(Ending::Over(Phase::Done)), "away for {calls} calls from write {at}");
            assert_eq!(*cells.have.lock().unwrap(), all_have("v1"));
        }
    }
}

/// Tells the engine to stop once a cell has the release.
#[derive(Debug, Default)]
struct Stopping<'a> {
    cells: Cells,
    at: &'a str,
    stop: AtomicBool,
}

impl Targets for Stopping<'_> {
    fn bring(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        self.stop.fetch_or(order.cell == self.at, Ordering::SeqCst);
        self.cells.bring(order, see)
    }

    fn take_away(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        self.cells.take_away(order, see)
    }
}

impl Signals for Stopping<'_> {
    fn look(&self, look: &Look<'_>) -> Result<Looked, String> {
        self.cells.look(look)
    }
}

#[test]
fn who_is_told_to_stop_as_it_ends_says_how_it_ended_and_begins_nothing_that_is_queued() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    // What follows is done as soon as its last cell is.
    let last = Wave { follows: true, min_requests: None, alarms: Vec::new(), ..wave("all", &["cell.a"], 1) };
    queue_of(&memory, &dossier_of("v1", vec![last.clone()]), start());
    let desk = Desk::new(&memory);
    let begin = |book: &mut Book| {
        let queued = book.next.take().unwrap();
        book.begin(queued, &dossier_of("v1", vec![last.clone()]), start());
        book.rollout.as_mut().unwrap().state.cells.set("cell.a", CellState::Deploying).unwrap();
        Ok::<_, ()>(())
    };
    desk.change(OF, begin).unwrap().unwrap();
    queue_of(&memory, &dossier_of("v2", vec![last]), start());
    let cells = Stopping { at: "cell.a", ..Stopping::default() };
    assert_eq!(engine(&memory, &cells, &clock, &cells.stop).run(), Ok(Ending::Over(Phase::Done)));
    let book = desk.read(OF).unwrap().book;
    assert_eq!(book.next.map(|next| next.version), Some("v2".to_owned()), "what is queued stays there");
}

/// Time that is told to stop while it is slept through, as by a signal.
#[derive(Debug)]
struct Signalled<'a> {
    now: Slept,
    at: Timestamp,
    stop: &'a AtomicBool,
}

impl Clock for Signalled<'_> {
    fn now(&self) -> Timestamp {
        self.now.now()
    }

    fn sleep(&self, time: Duration) {
        self.now.sleep(time);
        self.stop.fetch_or(self.now.now() >= self.at, Ordering::SeqCst);
    }
}

#[test]
fn a_signal_to_stop_is_heard_within_a_second_of_a_sleep() {
    let (memory, cells, stop) = (Memory::default(), Cells::default(), AtomicBool::new(false));
    let at = start() + SignedDuration::from_secs(61);
    let clock = Signalled { now: Slept(Mutex::new(start())), at, stop: &stop };
    let bakes = Wave { alarms: Vec::new(), min_requests: None, ..wave("alpha", &["cell.a"], 1) };
    queue_of(&memory, &dossier_of("v1", vec![bakes]), start());
    let engine = Engine { sleeps: Duration::from_secs(5), ..engine(&memory, &cells, &clock, &stop) };
    assert_eq!(engine.run(), Ok(Ending::Interrupted));
    assert!(clock.now() < at + SignedDuration::from_secs(1), "{}", clock.now());
}

/// Work that comes to a panic, there and back.
#[derive(Debug)]
struct Broken;

impl Targets for Broken {
    fn bring(&self, _: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        panic!("at once")
    }

    fn take_away(&self, _: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        panic!("on the way back")
    }
}

impl Signals for Broken {
    fn look(&self, _: &Look<'_>) -> Result<Looked, String> {
        panic!("no alarms")
    }
}

#[test]
fn work_that_panics_has_failed_and_is_waited_for_no_longer() {
    let (memory, clock, stop) = (Memory::default(), Slept(Mutex::new(start())), AtomicBool::new(false));
    queue(&memory, "v1", start());
    let ended = engine(&memory, &Broken, &clock, &stop).run();
    assert!(matches!(ended, Ok(Ending::Over(Phase::RolledBack { .. }))), "{ended:?}");
    let book = Desk::new(&memory).read(OF).unwrap().book;
    let cell = &book.rollout.as_ref().unwrap().state.cells["cell.a"];
    assert_eq!(cell.state, CellState::Stuck);
    assert!(cell.why.as_ref().unwrap().contains("on the way back"), "{cell:?}");
    assert!(book.log.iter().any(|note| note.what.contains("at once")), "{:?}", book.log);
}

/// What may be somewhere in part is known until something has come there well, whatever comes elsewhere meanwhile.
#[test]
fn what_is_in_part_is_not_forgotten_with_its_rollout() {
    let (memory, clock, stop) = (Memory::default(), Slept(Mutex::new(start())), AtomicBool::new(false));
    queue(&memory, "v1", start());
    engine(&memory, &Broken, &clock, &stop).run().unwrap();
    let cells = Cells::default();
    queue_of(&memory, &dossier_of("v2", vec![wave("one", &["cell.b"], 1)]), clock.now());
    assert_eq!(run(&memory, &cells, &clock, "two"), Ok(Ending::Over(Phase::Done)));
    let book = Desk::new(&memory).read(OF).unwrap().book;
    assert!(book.is_left_in_part("cell.a") && !book.is_left_in_part("cell.b"), "{:?}", book.in_part);
    assert_eq!(book.in_part["cell.a"].version, "v1");
    assert_eq!(book.in_cell("cell.a"), Some(&book.in_part["cell.a"].dossier), "taken away with the cell");
    queue(&memory, "v3", clock.now());
    assert_eq!(run(&memory, &cells, &clock, "three"), Ok(Ending::Over(Phase::Done)));
    let book = Desk::new(&memory).read(OF).unwrap().book;
    assert!(book.in_part.is_empty() && !book.is_left_in_part("cell.a"), "{:?}", book.in_part);
}

#[test]
fn a_look_at_alarms_that_panics_is_one_that_read_nothing() {
    let (memory, clock, stop) = (Memory::default(), Slept(Mutex::new(start())), AtomicBool::new(false));
    queue_of(&memory, &dossier_of("v1", vec![wave("alpha", &["cell.a"], 1)]), start());
    let cells = Counted { panics: 2, ..Counted::default() };
    assert_eq!(engine(&memory, &cells, &clock, &stop).run(), Ok(Ending::Over(Phase::Done)));
    assert!(cells.looks.load(Ordering::SeqCst) > 2);
}

#[test]
fn other_bytes_where_a_dossier_belongs_are_told_before_it_is_queued() {
    let memory = Memory::default();
    let desk = Desk::new(&memory);
    desk.file(&dossier("v1")).unwrap();
    assert_eq!(desk.file(&dossier("v1")), desk.file(&dossier("v1")), "the same again changes nothing");
    for (bytes, _) in memory.objects.lock().unwrap().values_mut() {
        bytes.push(b' ');
    }
    let error = desk.file(&dossier("v1")).unwrap_err().to_string();
    assert!(error.contains("its bytes are not those that its name is the digest of"), "{error}");
}

#[test]
fn what_is_queued_or_under_way_is_not_queued_again() {
    let (memory, cells, clock) = (Memory::default(), Cells::default(), Slept(Mutex::new(start())));
    let desk = Desk::new(&memory);
    let mut asked = dossier("v1");
    asked.course.waves[1].approval = true;
    let queue = || desk.queue(&asked, By { who: "ana@host", how: "", at: start() }).unwrap();
    let first = queue();
    assert!(first.new);
    assert_eq!(queue(), Entered { new: false, ..first.clone() }, "it is in the queue");
    assert_eq!(run(&memory, &cells, &clock, "one"), Ok(Ending::Waits(Phase::Approval)));
    assert_eq!(queue(), Entered { new: false, ..first.clone() }, "it is under way");
    let book = desk.read(OF).unwrap().book;
    assert_eq!(book.next, None);
    let said = book.log.iter().filter(|note| note.what == "v1 queued by ana@host").count();
    assert_eq!(said, 1, "{:?}", book.log);
    let abort = |book: &mut Book| {
        let event = Event::Aborted { who: "bob".into(), back: false };
        let next = step(&asked.course, book.rollout.clone().unwrap().state, clock.now(), &event);
        book.took(next, &event, "");
        Ok::<_, ()>(())
    };
    desk.change(OF, abort).unwrap().unwrap();
    assert_eq!(queue(), Entered { new: true, ..first }, "what has stopped may be begun anew");
    let entered = desk.queue(&dossier("v2"), By { who: "ana@host", how: "", at: start() }).unwrap();
    assert_eq!(entered.instead_of.as_deref(), Some("v1"), "one waits at a time");
}
