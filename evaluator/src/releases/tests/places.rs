//! Where a release comes and what is there already: what was there before any release is never deleted by one that goes back, and
//! a cell whose release moves is left with one.

use super::*;
use crate::releases::clerk::{Clerk, Errand};

/// Things by where they are, with the version that each has.
#[derive(Debug, Default)]
struct Places {
    have: Mutex<BTreeMap<String, String>>,
    alarm: Option<String>,
    refuse: Option<String>,
}

impl Places {
    fn with(have: &[(&str, &str)]) -> Self {
        let have = have.iter().map(|(place, version)| ((*place).to_owned(), (*version).to_owned())).collect();
        Self { have: Mutex::new(have), ..Self::default() }
    }

    fn has(&self) -> Vec<(String, String)> {
        self.have.lock().unwrap().clone().into_iter().collect()
    }
}

fn pairs(have: &[(&str, &str)]) -> Vec<(String, String)> {
    have.iter().map(|(place, version)| ((*place).to_owned(), (*version).to_owned())).collect()
}

impl Targets for Places {
    fn bring(&self, order: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        let version = order.of.version.clone();
        self.have.lock().unwrap().insert(order.what.spec.place(), version.clone());
        // It fails in the middle: what was made is there.
        match &self.refuse {
            Some(refused) if *refused == version => Err(Failed::Why("no room".into())),
            _ => Ok(format!("saw {version}")),
        }
    }

    fn stands(&self, order: Order<'_>) -> Result<bool, Failed> {
        Ok(self.have.lock().unwrap().contains_key(&order.what.spec.place()))
    }

    fn take_away(&self, order: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        if !order.created {
            return Err(Failed::Why("it was there before".into()));
        }
        self.have.lock().unwrap().remove(&order.what.spec.place());
        Ok("gone".into())
    }
}

impl Signals for Places {
    fn look(&self, look: &Look<'_>) -> Result<Looked, String> {
        let says = if self.alarm.as_ref() == Some(&look.of.version) { Signal::Alarm } else { Signal::Ok };
        Ok((look.cells.iter().map(|cell| ("alarm.errors".to_owned(), cell.clone(), says)).collect(), 1_000))
    }
}

/// A release to one cell, by a stack of this name.
fn dossier_at(version: &str, name: &str) -> Dossier {
    let mut dossier = dossier_of(version, vec![wave("alpha", &["cell.a"], 1)]);
    for cell in dossier.cells.values_mut() {
        if let Target::Cloudformation { stack, .. } = &mut cell.spec.target {
            name.clone_into(stack);
        }
    }
    dossier
}

/// Carries a release out; the book afterwards.
fn release(memory: &Memory, places: &Places, clock: &Slept, dossier: &Dossier) -> Book {
    queue_of(memory, dossier, clock.now());
    let stop = AtomicBool::new(false);
    engine(memory, places, clock, &stop).run().unwrap();
    Desk::new(memory).read(OF).unwrap().book
}

fn state(book: &Book) -> CellState {
    book.rollout.as_ref().unwrap().state.cells["cell.a"].state
}

#[test]
fn what_was_there_before_any_release_is_not_deleted() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let places = Places { alarm: Some("v1".into()), ..Places::with(&[("the stack api", "old")]) };
    let book = release(&memory, &places, &clock, &dossier_at("v1", "api"));
    assert_eq!(places.has(), pairs(&[("the stack api", "v1")]));
    assert_eq!(state(&book), CellState::Stuck);
    let why = book.rollout.unwrap().state.cells["cell.a"].why.clone();
    assert_eq!(why.as_deref(), Some("it was there before"));
}

#[test]
fn what_a_release_has_made_is_deleted_also_when_it_failed_in_the_middle() {
    for refuse in [None, Some("v1".to_owned())] {
        let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
        let places = Places { alarm: Some("v1".into()), refuse, ..Places::default() };
        let book = release(&memory, &places, &clock, &dossier_at("v1", "api"));
        assert_eq!((places.has(), state(&book)), (vec![], CellState::RolledBack));
        assert!(book.made.is_empty() && book.cells.is_empty(), "{book:?}");
    }
}

/// Dead before and after each write in turn: what was there is there in the end, and what was not is not.
#[test]
fn a_kill_at_any_write_deletes_nothing_that_was_there() {
    let old = [("the stack api", "old")];
    for (stood, at, after) in
        (0..25).flat_map(|at| [(true, at, false), (true, at, true), (false, at, false), (false, at, true)])
    {
        let clock = Slept(Mutex::new(start()));
        let places = Places { alarm: Some("v1".into()), ..Places::with(if stood { &old } else { &[] }) };
        let mut memory = Memory::default();
        queue_of(&memory, &dossier_at("v1", "api"), start());
        let before = memory.writes.load(Ordering::SeqCst);
        memory.dies_at = Some((before + at, after));
        let stop = AtomicBool::new(false);
        let _ = engine(&memory, &places, &clock, &stop).run();
        memory.dies_at = None;
        let other = Engine { me: ("two".into(), "ana@host".into(), 8), ..engine(&memory, &places, &clock, &stop) };
        other.run().unwrap();
        let expected = if stood { pairs(&[("the stack api", "v1")]) } else { Vec::new() };
        assert_eq!(places.has(), expected, "{stood} {at} {after}");
    }
}

/// A release that failed in the middle of making something is followed by another: what that takes back is of releases alone.
#[test]
fn what_an_earlier_release_left_in_part_is_of_releases() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let places = Places { alarm: Some("v2".into()), refuse: Some("v1".into()), ..Places::default() };
    let mut first = dossier_at("v1", "api");
    first.course.on_alarm = OnAlarm::Stop;
    let book = release(&memory, &places, &clock, &first);
    assert_eq!((places.has(), state(&book)), (pairs(&[("the stack api", "v1")]), CellState::Failed));
    let book = release(&memory, &places, &clock, &dossier_at("v2", "api"));
    assert_eq!((places.has(), state(&book)), (vec![], CellState::RolledBack));
}

#[test]
fn a_release_that_moved_takes_what_it_made_away_when_it_goes_back() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let places = Places { alarm: Some("v2".into()), ..Places::default() };
    release(&memory, &places, &clock, &dossier_at("v1", "api"));
    let book = release(&memory, &places, &clock, &dossier_at("v2", "svc"));
    assert_eq!((places.has(), state(&book)), (pairs(&[("the stack api", "v1")]), CellState::RolledBack));
    // What was there before it came is left, and told.
    places.have.lock().unwrap().insert("the stack svc".into(), "old".into());
    let book = release(&memory, &places, &clock, &dossier_at("v2", "svc"));
    assert_eq!(places.has(), pairs(&[("the stack api", "v1"), ("the stack svc", "v2")]));
    assert_eq!(state(&book), CellState::Stuck);
    let why = book.rollout.unwrap().state.cells["cell.a"].why.clone().unwrap();
    assert_eq!(why, "the stack api has v1 again, and the stack svc is left: it was there before");
}

/// What stays where a cell had it is written down, taken away by an apply, and by the one that ends the cell.
#[test]
fn what_stays_behind_is_written_down_and_taken_away() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let places = Places::default();
    let clerk = Clerk { desk: Desk::new(&memory), targets: &places, clock: &clock, who: "ana".into() };
    let errand = Errand { cell: "cell.a", token: "t" };
    let behind = |book: &Book| -> Vec<String> {
        book.behind.get("cell.a").map(|places| places.keys().cloned().collect()).unwrap_or_default()
    };
    release(&memory, &places, &clock, &dossier_at("v1", "api"));
    let book = release(&memory, &places, &clock, &dossier_at("v2", "svc"));
    assert_eq!(places.has(), pairs(&[("the stack api", "v1"), ("the stack svc", "v2")]));
    assert_eq!(behind(&book), ["the stack api"]);
    // Back to the first place: that is no longer behind, and the second is.
    let book = release(&memory, &places, &clock, &dossier_at("v3", "api"));
    assert_eq!(behind(&book), ["the stack svc"]);
    clerk.clear(OF, errand, &mut |_| {}).unwrap();
    assert_eq!(places.has(), pairs(&[("the stack api", "v3")]));
    let book = Desk::new(&memory).read(OF).unwrap().book;
    assert_eq!((behind(&book).len(), book.cells["cell.a"].version.as_str()), (0, "v3"));
    assert_eq!(clerk.clear(OF, errand, &mut |_| {}).unwrap(), "nothing stays where it was");
    // Whoever ends the cell takes all of it.
    release(&memory, &places, &clock, &dossier_at("v4", "svc"));
    clerk.undeploy(OF, errand, &mut |_| {}).unwrap();
    let book = Desk::new(&memory).read(OF).unwrap().book;
    assert_eq!((places.has(), book.behind.is_empty(), book.cells.is_empty()), (vec![], true, true));
}

/// A release that came in part to another place and was stopped there, and one that comes to the former place again.
#[test]
fn what_came_in_part_to_another_place_is_not_forgotten() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let places = Places { refuse: Some("v2".into()), ..Places::default() };
    release(&memory, &places, &clock, &dossier_at("v1", "api"));
    let mut moves = dossier_at("v2", "svc");
    moves.course.on_alarm = OnAlarm::Stop;
    let book = release(&memory, &places, &clock, &moves);
    assert_eq!(state(&book), CellState::Failed);
    let book = release(&memory, &places, &clock, &dossier_at("v3", "api"));
    assert_eq!(book.behind["cell.a"].keys().collect::<Vec<_>>(), ["the stack svc"]);
    assert_eq!(book.to_take_away("cell.a").len(), 1);
}
