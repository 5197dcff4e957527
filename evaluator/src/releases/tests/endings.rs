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
        book.rollout.as_mut().unwrap().state.cells.get_mut("cell.b").unwrap().state = CellState::Deploying;
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
