//! A pipeline that goes through the waves: actions that die at any write, its way back, and runs that cross.

use std::sync::atomic::AtomicUsize;

use super::super::clerk::Clerk;
use super::super::wishes::{Placed, Release, Wish};
use super::*;
use crate::registry::record::Record;

const CELLS: [&str; 4] = ["cell.a", "cell.b", "cell.c", "cell.d"];

fn wish(tolerate: usize) -> Wish {
    let mut course = dossier("v1").course;
    course.waves.iter_mut().for_each(|wave| wave.tolerate = tolerate);
    let fields = serde_json::json!({ "sort": "kubernetes", "namespace": "api", "workload": "deployment/api" });
    let fields: crate::plan::model::Fields = fields.as_object().unwrap().clone().into_iter().collect();
    let placed = || Placed { fields: fields.clone(), ..Placed::default() };
    Wish {
        template_bucket: None,
        of: OF.into(),
        course,
        repo: "https://git.acme.example/api".into(),
        artifact: None,
        after: Vec::new(),
        cells: CELLS.iter().map(|cell| ((*cell).to_owned(), placed())).collect(),
        place: None,
    }
}

fn release(version: &str) -> Release {
    Release { version: version.into(), ..Release::default() }
}

/// One action.
fn drive(
    memory: &Memory,
    targets: &dyn Targets,
    (run, version, cell): (&str, &str, &str),
    tolerate: usize,
) -> Result<Brought, Undriven> {
    let clock = Slept(Mutex::new(start()));
    let clerk = Clerk { desk: Desk::new(memory), targets, clock: &clock, who: "ana@host".into() };
    let draining = BTreeSet::from(["cell.d".to_owned()]);
    let draining = if version == "drained" { draining } else { BTreeSet::new() };
    let action = Action { run, cell, draining: &draining };
    clerk.drive(&wish(tolerate), &release(version), &Record::default(), action, &mut |_| {})
}

fn take_back(memory: &Memory, targets: &dyn Targets, run: &str) -> Result<usize, Undriven> {
    let clock = Slept(Mutex::new(start()));
    let clerk = Clerk { desk: Desk::new(memory), targets, clock: &clock, who: "ana@host".into() };
    let ended = clerk.take_back(OF, run, &|_, _| {})?;
    match ended.iter().find_map(|(_, how)| how.as_ref().err()) {
        Some(why) => Err(Undriven::Failed { cell: String::new(), why: why.clone() }),
        None => Ok(ended.len()),
    }
}

fn all(memory: &Memory, cells: &Cells, run: &str, version: &str) {
    for cell in CELLS {
        assert!(matches!(drive(memory, cells, (run, version, cell), 0).unwrap(), Brought::There(_)));
    }
}

fn versions(memory: &Memory) -> Vec<String> {
    let book = Desk::new(memory).read(OF).unwrap().book;
    CELLS.iter().filter_map(|cell| Some(book.cells.get(*cell)?.version.clone())).collect()
}

fn released(memory: &Memory) -> Option<String> {
    Desk::new(memory).read(OF).unwrap().book.released.map(|has| has.version)
}

#[test]
fn a_run_brings_one_version() {
    let (memory, cells) = (Memory::default(), Cells::default());
    drive(&memory, &cells, ("e-1", "v1", "cell.a"), 0).unwrap();
    let refused = drive(&memory, &cells, ("e-1", "v2", "cell.b"), 0).unwrap_err().to_string();
    assert_eq!(refused, "run e-1 brings v1, and not v2");
    assert_eq!(versions(&memory), ["v1"]);
    drive(&memory, &cells, ("e-1", "v1", "cell.b"), 0).unwrap();
}

#[test]
fn a_pipeline_brings_a_release_to_every_cell_and_then_new_cells_get_it() {
    let (memory, cells) = (Memory::default(), Cells::default());
    for cell in &CELLS[..3] {
        drive(&memory, &cells, ("r1", "v1", cell), 0).unwrap();
        assert_eq!(released(&memory), None);
    }
    drive(&memory, &cells, ("r1", "v1", "cell.d"), 0).unwrap();
    assert_eq!(released(&memory).as_deref(), Some("v1"));
    // A cell that is drained is skipped, and not waited for.
    for cell in CELLS {
        let brought = drive(&memory, &cells, ("r2", "drained", cell), 0).unwrap();
        assert_eq!(brought == Brought::Drained, cell == "cell.d");
    }
    assert_eq!(released(&memory).as_deref(), Some("drained"));
    assert!(Desk::new(&memory).read(OF).unwrap().book.under_way().is_none());
    assert_eq!(versions(&memory), ["drained", "drained", "drained", "v1"]);
}

#[test]
fn what_a_wave_tolerates_is_no_failure_and_one_more_is() {
    let memory = Memory::default();
    let cells = Cells { refuse: ["cell.c", "cell.d"].map(str::to_owned).into(), ..Cells::default() };
    drive(&memory, &cells, ("r", "v1", "cell.a"), 1).unwrap();
    drive(&memory, &cells, ("r", "v1", "cell.b"), 1).unwrap();
    assert_eq!(drive(&memory, &cells, ("r", "v1", "cell.c"), 1).unwrap(), Brought::Tolerated("no room".into()));
    // The same cell again is no second failure.
    assert_eq!(drive(&memory, &cells, ("r", "v1", "cell.c"), 1).unwrap(), Brought::Tolerated("no room".into()));
    assert!(matches!(drive(&memory, &cells, ("r", "v1", "cell.d"), 1), Err(Undriven::Failed { .. })));
    // What failed goes back as well.
    assert_eq!(take_back(&memory, &cells, "r").unwrap(), 4);
    assert_eq!(versions(&memory), [""; 0]);
    // The one box speaks for the wave.
    let cells = Cells { refuse: ["cell.b".to_owned()].into(), ..Cells::default() };
    drive(&memory, &cells, ("r2", "v1", "cell.a"), 1).unwrap();
    assert!(matches!(drive(&memory, &cells, ("r2", "v1", "cell.b"), 1), Err(Undriven::Failed { .. })));
}

/// Two cells at once: the release is through when the second is there, and not when it is begun.
#[test]
fn a_cell_that_is_still_under_way_is_waited_for() {
    struct Watching<'a>(&'a Memory, &'a Cells);
    impl Targets for Watching<'_> {
        fn bring(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
            if order.cell == "cell.c" {
                drive(self.0, self.1, ("r1", "v1", "cell.d"), 0).unwrap();
                assert_eq!(released(self.0), None);
            }
            self.1.bring(order, see)
        }

        fn take_away(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
            self.1.take_away(order, see)
        }
    }
    let (memory, cells) = (Memory::default(), Cells::default());
    for cell in &CELLS[..3] {
        drive(&memory, &Watching(&memory, &cells), ("r1", "v1", cell), 0).unwrap();
    }
    assert_eq!(released(&memory).as_deref(), Some("v1"));
}

/// Killed before or after any write, an action that is begun again ends it; and so does the way back.
#[test]
fn an_action_that_dies_at_any_write_is_begun_again() {
    for back in [false, true] {
        let mut deaths = 0;
        for (at, after) in (0..).flat_map(|at| [(at, false), (at, true)]) {
            let (mut memory, cells) = (Memory::default(), Cells::default());
            all(&memory, &cells, "r1", "v1");
            if back {
                drive(&memory, &cells, ("r2", "v2", "cell.a"), 0).unwrap();
                drive(&memory, &cells, ("r2", "v2", "cell.b"), 0).unwrap();
            }
            memory.writes.store(1_000, Ordering::SeqCst);
            memory.dies_at = Some((1_000 + at, after));
            let once = |memory: &Memory| -> Result<(), Undriven> {
                if back {
                    return take_back(memory, &cells, "r2").map(|_| ());
                }
                CELLS.iter().try_for_each(|cell| drive(memory, &cells, ("r2", "v2", cell), 0).map(|_| ()))
            };
            let died = once(&memory).is_err();
            memory.dies_at = None;
            once(&memory).unwrap();
            let version = if back { "v1" } else { "v2" };
            assert_eq!(versions(&memory), [version; 4], "dead at write {at} ({after})");
            assert_eq!(*cells.have.lock().unwrap(), all_have(version), "dead at write {at} ({after})");
            assert_eq!(released(&memory).as_deref(), Some(version));
            if !died {
                break;
            }
            deaths += 1;
        }
        assert!(deaths >= 6, "{deaths}");
    }
}

/// A run that was taken back brings nothing more; an action that was under way takes its own cell back.
#[test]
fn a_run_that_is_taken_back_while_a_cell_is_under_way_leaves_nothing_there() {
    struct Crossing<'a>(&'a Memory, &'a Cells, AtomicUsize);
    impl Targets for Crossing<'_> {
        fn bring(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
            if order.cell == "cell.b" && self.2.fetch_add(1, Ordering::SeqCst) == 0 {
                take_back(self.0, self.1, "r2").unwrap();
            }
            self.1.bring(order, see)
        }

        fn take_away(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
            self.1.take_away(order, see)
        }
    }
    let (memory, cells) = (Memory::default(), Cells::default());
    all(&memory, &cells, "r1", "v1");
    let crossing = Crossing(&memory, &cells, AtomicUsize::new(0));
    drive(&memory, &crossing, ("r2", "v2", "cell.a"), 0).unwrap();
    assert!(matches!(drive(&memory, &crossing, ("r2", "v2", "cell.b"), 0), Err(Undriven::Crossed { .. })));
    assert!(matches!(drive(&memory, &cells, ("r2", "v2", "cell.c"), 0), Err(Undriven::Over { .. })));
    assert_eq!(*cells.have.lock().unwrap(), all_have("v1"));
    assert_eq!(versions(&memory), ["v1"; 4]);
}

/// CodePipeline has several executions under way, one behind the other.
#[test]
fn a_run_that_goes_back_leaves_what_a_later_one_has_brought() {
    let (memory, cells) = (Memory::default(), Cells::default());
    all(&memory, &cells, "r1", "v1");
    drive(&memory, &cells, ("r2", "v2", "cell.a"), 0).unwrap();
    drive(&memory, &cells, ("r2", "v2", "cell.b"), 0).unwrap();
    drive(&memory, &cells, ("r3", "v3", "cell.a"), 0).unwrap();
    take_back(&memory, &cells, "r2").unwrap();
    assert_eq!(versions(&memory), ["v3", "v1", "v1", "v1"]);
    assert!(matches!(take_back(&memory, &cells, "r9"), Err(Undriven::Unknown(_))));
}

/// The first run goes back while a later one has its cell; when that goes back as well, the cell has what was there before both.
#[test]
fn a_cell_does_not_go_back_to_what_was_taken_back() {
    let (memory, cells) = (Memory::default(), Cells::default());
    all(&memory, &cells, "r1", "v1");
    drive(&memory, &cells, ("r2", "v2", "cell.a"), 0).unwrap();
    drive(&memory, &cells, ("r3", "v3", "cell.a"), 0).unwrap();
    take_back(&memory, &cells, "r2").unwrap();
    take_back(&memory, &cells, "r3").unwrap();
    assert_eq!(versions(&memory), ["v1"; 4]);
    assert_eq!(*cells.have.lock().unwrap(), all_have("v1"));
}

/// The last wave bakes when its last cell has the release: what stops then is released no more.
#[test]
fn a_release_that_is_taken_back_in_its_last_bake_is_not_what_new_cells_get() {
    let (memory, cells) = (Memory::default(), Cells::default());
    all(&memory, &cells, "r1", "v1");
    all(&memory, &cells, "r2", "v2");
    assert_eq!(released(&memory).as_deref(), Some("v2"));
    take_back(&memory, &cells, "r2").unwrap();
    assert_eq!(released(&memory).as_deref(), Some("v1"));
    assert_eq!(versions(&memory), ["v1"; 4]);
    // A run that another one has followed takes only back what is its own.
    all(&memory, &cells, "r3", "v3");
    all(&memory, &cells, "r4", "v4");
    take_back(&memory, &cells, "r3").unwrap();
    assert_eq!(released(&memory).as_deref(), Some("v4"));
}

#[test]
fn a_pipeline_and_cellc_do_not_go_through_the_waves_at_once() {
    let (memory, cells) = (Memory::default(), Cells { alarm: None, ..Cells::default() });
    queue(&memory, "v1", start());
    let desk = Desk::new(&memory);
    let begin = |book: &mut Book| {
        let queued = book.next.take().unwrap();
        book.begin(queued, &dossier("v1"), start());
        Ok::<_, ()>(())
    };
    desk.change(OF, begin).unwrap().unwrap();
    assert!(matches!(drive(&memory, &cells, ("r1", "v2", "cell.a"), 0), Err(Undriven::Rollout { .. })));
    assert!(cells.have.lock().unwrap().is_empty());
    // Nor the other way round.
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    drive(&memory, &cells, ("r1", "v1", "cell.a"), 0).unwrap();
    queue(&memory, "v2", start());
    let refused = run(&memory, &cells, &clock, "first").unwrap_err();
    assert!(matches!(&refused, EngineError::Driven { run, .. } if run == "r1"), "{refused}");
    let clerk = Clerk { desk: Desk::new(&memory), targets: &cells, clock: &clock, who: "ana@host".into() };
    clerk.end(OF, "r1", Going::Ended).unwrap();
    assert_eq!(run(&memory, &cells, &clock, "first").unwrap(), Ending::Over(Phase::Done));
}
