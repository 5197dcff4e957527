//! A rollout that stops while something is under way in a cell.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use super::*;
use crate::rollout::CellState;

/// Of three cells that are begun together one takes nothing, which stops the rollout.
fn stops_in_the_middle(version: &str) -> Dossier {
    let prod = Wave { one_box: false, ..wave("prod", &["cell.b", "cell.c", "cell.d"], 3) };
    let mut dossier = dossier_of(version, vec![wave("alpha", &["cell.a"], 1), prod]);
    dossier.course.on_alarm = OnAlarm::Stop;
    dossier
}

/// Dead at each write: the next process ends what was under way, begins nothing more, and the book says what is there.
#[test]
fn what_is_under_way_when_a_rollout_stops_is_brought_to_its_end_by_the_next_process() {
    for (at, after) in (0..).flat_map(|at| [(at, false), (at, true)]) {
        let clock = Slept(Mutex::new(start()));
        let cells = Cells { refuse: ["cell.c".to_owned()].into(), ..Cells::default() };
        let mut memory = Memory::default();
        queue_of(&memory, &stops_in_the_middle("v1"), start());
        memory.writes.store(0, Ordering::SeqCst);
        memory.dies_at = Some((at, after));
        let died = run(&memory, &cells, &clock, "dies").is_err();
        memory.dies_at = None;
        if died {
            run(&memory, &cells, &clock, "next").unwrap();
        }
        let book = Desk::new(&memory).read(OF).unwrap().book;
        let state = &book.rollout.as_ref().unwrap().state;
        assert!(matches!(state.phase, Phase::Stopped { .. }), "dead at write {at} ({after}): {:?}", state.phase);
        let are: Vec<CellState> = state.cells.values().map(|cell| cell.state).collect();
        let wanted = [CellState::Done, CellState::Baking, CellState::Failed, CellState::Baking];
        assert_eq!(are, wanted, "dead at write {at} ({after})");
        let have: BTreeMap<String, String> =
            book.cells.iter().map(|(cell, has)| (cell.clone(), has.version.clone())).collect();
        assert_eq!(*cells.have.lock().unwrap(), have, "dead at write {at} ({after})");
        if !died {
            break;
        }
    }
}

/// As a process leaves it that died between the cell that stopped the rollout and the others; and `abort --stay` of one that
/// nobody carries out.
#[test]
fn a_rollout_that_has_stopped_is_carried_on_while_a_cell_is_under_way() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let cells = Cells { refuse: ["cell.c".to_owned()].into(), ..Cells::default() };
    queue_of(&memory, &stops_in_the_middle("v1"), start());
    run(&memory, &cells, &clock, "one").unwrap();
    cells.have.lock().unwrap().remove("cell.b");
    let under_way = |book: &mut Book| {
        book.cells.remove("cell.b");
        book.rollout.as_mut().unwrap().state.cells.set("cell.b", CellState::Deploying).unwrap();
        Ok::<_, ()>(())
    };
    let ((), book) = Desk::new(&memory).change(OF, under_way).unwrap().unwrap();
    assert!(book.open().is_some(), "it is not over");
    let ended = run(&memory, &cells, &clock, "two").unwrap();
    assert!(matches!(ended, Ending::Over(Phase::Stopped { .. })), "{ended:?}");
    let book = Desk::new(&memory).read(OF).unwrap().book;
    assert_eq!(book.rollout.as_ref().unwrap().state.cells["cell.b"].state, CellState::Baking);
    assert_eq!(book.cells["cell.b"].version, "v1");
    assert!(book.open().is_none());
}

/// A process died while it was at work in a cell, and the cell left: whether an apply has emptied it since or not, nothing comes
/// there any more, its alarm holds nobody back, and what may be there in part is known to the apply that ends it.
#[test]
fn what_a_dead_process_left_under_way_where_no_cell_is_any_more_is_not_done_again() {
    for emptied in [false, true] {
        let (memory, clock, stop) = (Memory::default(), Slept(Mutex::new(start())), AtomicBool::new(false));
        let cells = Cells { alarm: Some(("cell.b".into(), "v1".into(), Signal::NoData)), ..Cells::default() };
        queue(&memory, "v1", start());
        let desk = Desk::new(&memory);
        let at_work = |book: &mut Book| {
            let queued = book.next.take().unwrap();
            book.begin(queued, &dossier("v1"), start());
            let state = &mut book.rollout.as_mut().unwrap().state;
            state.cells.set("cell.b", CellState::Deploying).unwrap();
            assert_eq!(book.occupied().into_keys().collect::<Vec<_>>(), ["cell.b"]);
            if emptied {
                book.leave("cell.b");
            }
            Ok::<_, ()>(())
        };
        desk.change(OF, at_work).unwrap().unwrap();
        let here = ["cell.a", "cell.c", "cell.d"].map(str::to_owned).into();
        let fleet = Standing { draining: BTreeSet::new(), here: Some(here) };
        let ended = Engine { fleet: &fleet, ..engine(&memory, &cells, &clock, &stop) }.run();
        assert_eq!(ended, Ok(Ending::Over(Phase::Done)), "emptied: {emptied}");
        assert!(!cells.asked.lock().unwrap().iter().any(|asked| asked.starts_with("cell.b")), "emptied: {emptied}");
        let book = desk.read(OF).unwrap().book;
        assert_eq!(book.occupied().contains_key(&"cell.b".to_owned()), !emptied);
        assert_eq!(book.rollout.unwrap().state.cells.len(), 3);
    }
}

/// A release was ended to stay in a cell, and then another one comes to other cells: it stays all the same, until something is
/// brought to the cell.
#[test]
fn what_was_ended_to_stay_stays_whatever_comes_to_other_cells() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let cells = Cells { refuse: ["cell.c".to_owned()].into(), ..Cells::default() };
    queue_of(&memory, &stops_in_the_middle("v2"), start());
    run(&memory, &cells, &clock, "one").unwrap();
    let left = |memory: &Memory, cell: &str| Desk::new(memory).read(OF).unwrap().book.left(cell).map(str::to_owned);
    assert_eq!(left(&memory, "cell.a"), Some("v2".to_owned()));
    queue_of(&memory, &dossier_of("v1", vec![wave("prod", &["cell.d"], 1)]), clock.now());
    assert_eq!(run(&memory, &cells, &clock, "two"), Ok(Ending::Over(Phase::Done)));
    assert_eq!((left(&memory, "cell.a"), left(&memory, "cell.d")), (Some("v2".to_owned()), None));
    // It is what is released by now: nothing is left any more.
    let cells = Cells::default();
    queue_of(&memory, &stops_in_the_middle("v2"), clock.now());
    assert_eq!(run(&memory, &cells, &clock, "three"), Ok(Ending::Over(Phase::Done)));
    queue_of(&memory, &dossier_of("v2", vec![wave("prod", &["cell.d"], 1)]), clock.now());
    assert_eq!(run(&memory, &cells, &clock, "four"), Ok(Ending::Over(Phase::Done)));
    assert_eq!(left(&memory, "cell.a"), None);
}

/// Somebody moves a tag: what the version was made of tells the two apart.
#[test]
fn another_thing_of_the_same_version_is_not_what_is_released() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let of = |commit: &str, dossier: Dossier| Dossier {
        digests: [("commit".to_owned(), commit.to_owned())].into(),
        ..dossier
    };
    queue_of(&memory, &of("c0ffee", dossier("v1")), start());
    run(&memory, &Cells::default(), &clock, "one").unwrap();
    let beside = || {
        let book = Desk::new(&memory).read(OF).unwrap().book;
        book.beside_the_released().map(|(cell, what)| format!("{cell} {what}")).collect::<Vec<_>>()
    };
    assert!(beside().is_empty());
    queue_of(&memory, &of("badbad", stops_in_the_middle("v1")), clock.now());
    run(&memory, &Cells { refuse: ["cell.c".to_owned()].into(), ..Cells::default() }, &clock, "two").unwrap();
    assert_eq!(beside()[0], "cell.a v1 of another commit");
    assert!(!beside().iter().any(|cell| cell.starts_with("cell.c")), "{:?}", beside());
}

/// Who looks for the reason after a rollback finds it.
#[test]
fn a_cell_that_went_back_says_why_it_had_failed() {
    let (memory, clock) = (Memory::default(), Slept(Mutex::new(start())));
    let cells = Cells { refuse: ["cell.a".to_owned()].into(), ..Cells::default() };
    queue(&memory, "v1", start());
    run(&memory, &cells, &clock, "one").unwrap();
    let book = Desk::new(&memory).read(OF).unwrap().book;
    let cell = &book.rollout.as_ref().unwrap().state.cells["cell.a"];
    assert_eq!((cell.state, cell.why.as_deref()), (CellState::RolledBack, Some("no room")));
}
