//! Cells that an apply ends while a living process carries a rollout out.

use super::super::clerk::Clerk;
use super::*;

/// Cells; while `cell.a` gets its release, an apply ends others, and tries to end it.
#[derive(Debug)]
struct Ended<'a> {
    cells: Cells,
    memory: &'a Memory,
    clock: &'a Slept,
    ends: &'a [&'a str],
    refused: Mutex<Vec<String>>,
}

impl Ended<'_> {
    fn end(&self) {
        let clerk =
            Clerk { desk: Desk::new(self.memory), targets: self, clock: self.clock, who: "raj@host".to_owned() };
        for cell in self.ends {
            let said = clerk.pass_by(OF, cell);
            self.refused.lock().unwrap().extend(said.err().map(|error| error.to_string()));
        }
    }
}

impl Targets for Ended<'_> {
    fn bring(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        if order.cell == "cell.a" && !order.back {
            self.end();
        }
        self.cells.bring(order, see)
    }

    fn take_away(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        self.cells.take_away(order, see)
    }
}

impl Signals for Ended<'_> {
    fn look(&self, look: &Look<'_>) -> Result<Looked, String> {
        self.cells.look(look)
    }
}

/// Nothing comes there, its alarm stops nobody, and the others get what they were to get.
#[test]
fn a_living_process_passes_a_cell_by_that_an_apply_ends() {
    let (memory, clock, stop) = (Memory::default(), Slept(Mutex::new(start())), AtomicBool::new(false));
    let alarm = Some(("cell.c".to_owned(), "v1".to_owned(), Signal::NoData));
    let cells = Cells { alarm, ..Cells::default() };
    let ended = Ended { cells, memory: &memory, clock: &clock, ends: &["cell.c"], refused: Mutex::default() };
    queue(&memory, "v1", start());
    assert_eq!(engine(&memory, &ended, &clock, &stop).run(), Ok(Ending::Over(Phase::Done)));
    assert_eq!(*ended.refused.lock().unwrap(), [] as [&str; 0]);
    let have: Vec<String> = ended.cells.have.lock().unwrap().keys().cloned().collect();
    assert_eq!(have, ["cell.a", "cell.b", "cell.d"]);
    let book = Desk::new(&memory).read(OF).unwrap().book;
    assert!(!book.cells.contains_key("cell.c") && !book.rollout.unwrap().state.cells.contains_key("cell.c"));
    let told = "cell.c is passed by, since an apply of raj@host ends it";
    assert!(book.log.iter().any(|note| note.what == told), "{:?}", book.log);
}

/// What is under way there comes to its end first: whoever ends the cell is told whom to wait for.
#[test]
fn a_cell_in_which_somebody_is_at_work_is_not_passed_by() {
    let (memory, clock, stop) = (Memory::default(), Slept(Mutex::new(start())), AtomicBool::new(false));
    let cells = Cells::default();
    let ended = Ended { cells, memory: &memory, clock: &clock, ends: &["cell.a"], refused: Mutex::default() };
    queue(&memory, "v1", start());
    assert_eq!(engine(&memory, &ended, &clock, &stop).run(), Ok(Ending::Over(Phase::Done)));
    let refused = ended.refused.lock().unwrap().join("\n");
    assert!(refused.contains("ana@host (process 7) is at work there for v1: run again"), "{refused}");
    assert_eq!(*ended.cells.have.lock().unwrap(), all_have("v1"));
}

/// What is under way in other cells stays the rollout's to say: it is nowhere told as left in part.
#[test]
fn only_the_cell_that_is_passed_by_is_written_down() {
    let mut book = Book::new(OF);
    let queued = Queued { version: "v1".into(), dossier: "d".into(), by: "ana".into(), at: start(), of_apply: false };
    book.begin(queued, &dossier("v1"), start());
    for cell in ["cell.a", "cell.b"] {
        book.rollout.as_mut().unwrap().state.cells.set(cell, CellState::Deploying).unwrap();
    }
    book.pass_by("cell.b");
    assert_eq!(book.in_part.keys().collect::<Vec<_>>(), ["cell.b"]);
    assert!(book.is_bound_for("cell.a") && !book.is_bound_for("cell.b"));
}
