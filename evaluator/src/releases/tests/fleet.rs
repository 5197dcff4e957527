//! Cells that are drained, come back or leave while releases come to them.

use super::*;
use crate::registry::record::Record;

/// Each rollout finds the next of these.
#[derive(Debug)]
struct InTurn(Mutex<Vec<Standing>>);

impl Fleet for InTurn {
    fn standing(&self, _: &str) -> Result<Standing, String> {
        self.0.lock().unwrap().pop().ok_or_else(|| "the bucket is gone".to_owned())
    }
}

/// It would bring it once more: the apply says who is at work, and takes it away the next time.
#[test]
fn what_a_living_process_brings_is_not_taken_away_under_it() {
    let (memory, cells, clock) = (Memory::default(), Cells::default(), Slept(Mutex::new(start())));
    queue(&memory, "v1", start());
    assert_eq!(run(&memory, &cells, &clock, "one"), Ok(Ending::Over(Phase::Done)));
    let (desk, now) = (Desk::new(&memory), clock.now());
    let at_work = |until: Timestamp| {
        let change = |book: &mut Book| {
            let rollout = book.rollout.as_mut().unwrap();
            rollout.state.phase = Phase::Running;
            rollout.state.cells.set("cell.a", CellState::Deploying);
            rollout.runner = Some(Runner { run: "r".into(), who: "raj@host".into(), process: 7, until });
            Ok::<_, ()>(())
        };
        desk.change(OF, change).unwrap().unwrap();
        let clerk = clerk::Clerk { desk, targets: &cells, clock: &clock, who: "ana@host".into() };
        clerk.undeploy(OF, clerk::Errand { cell: "cell.a", token: "t" }, &mut |_| {})
    };
    let refused = at_work(now + SignedDuration::from_secs(30)).unwrap_err().to_string();
    assert!(refused.contains("raj@host (process 7) is at work there for v1: run again"), "{refused}");
    assert!(cells.have.lock().unwrap().contains_key("cell.a"));
    at_work(now - SignedDuration::from_secs(1)).unwrap();
    assert!(!cells.have.lock().unwrap().contains_key("cell.a"));
}

/// What is queued is begun by the same process, and goes by how the cells are then.
#[test]
fn each_rollout_of_a_process_asks_how_the_cells_are() {
    let (memory, cells, stop) = (Memory::default(), Cells::default(), AtomicBool::new(false));
    let clock = Slept(Mutex::new(start()));
    let drained = |cell: &str| Standing { draining: [cell.to_owned()].into(), here: None };
    let left = ["cell.a", "cell.b", "cell.c"].map(str::to_owned).into();
    let gone = Standing { draining: BTreeSet::new(), here: Some(left) };
    queue(&memory, "v1", start());
    let fleet = InTurn(Mutex::new(vec![gone, drained("cell.d"), drained("cell.d")]));
    let engine = || Engine { fleet: &fleet, ..engine(&memory, &cells, &clock, &stop) };
    // It waits for what is drained, and gives way to what is queued.
    assert_eq!(engine().run(), Ok(Ending::Waits(Phase::Draining)));
    queue(&memory, "v2", clock.now());
    assert_eq!(engine().run(), Ok(Ending::Over(Phase::Done)));
    assert_eq!(cells.have.lock().unwrap().get("cell.d").map(String::as_str), None, "it has left");
    assert_eq!(cells.have.lock().unwrap().get("cell.a").map(String::as_str), Some("v2"));
    queue(&memory, "v3", clock.now());
    assert_eq!(engine().run(), Err(EngineError::Unknown("the bucket is gone".to_owned())));
}

/// Time in which somebody changes the book as soon as it is slept through.
#[derive(Debug)]
struct Meanwhile<'a>(Slept, &'a Memory, Mutex<Option<fn(&mut Book)>>);

impl Clock for Meanwhile<'_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, time: Duration) {
        self.0.sleep(time);
        if let Some(change) = self.2.lock().unwrap().take() {
            let change = |book: &mut Book| {
                change(book);
                Ok::<_, ()>(())
            };
            Desk::new(self.1).change(OF, change).unwrap().unwrap();
        }
    }
}

#[test]
fn a_cell_that_is_drained_while_a_release_comes_is_passed_by() {
    let (memory, cells, stop) = (Memory::default(), Cells::default(), AtomicBool::new(false));
    let drained: fn(&mut Book) = |book| assert!(book.drain(&["cell.d".to_owned()].into()));
    let clock = Meanwhile(Slept(Mutex::new(start())), &memory, Mutex::new(Some(drained)));
    queue(&memory, "v1", start());
    assert_eq!(engine(&memory, &cells, &clock, &stop).run(), Ok(Ending::Waits(Phase::Draining)));
    let mut expected = all_have("v1");
    expected.remove("cell.d");
    assert_eq!(*cells.have.lock().unwrap(), expected);
    // It is asked for again once it is drained no more.
    Desk::new(&memory).change(OF, |book| Ok::<_, ()>(book.drain(&BTreeSet::new()))).unwrap().unwrap();
    assert_eq!(engine(&memory, &cells, &clock, &stop).run(), Ok(Ending::Over(Phase::Done)));
    assert_eq!(*cells.have.lock().unwrap(), all_have("v1"));
}

/// Where no apply can come meanwhile, nobody waits for what only an apply can say.
#[test]
fn who_has_the_cloud_to_itself_does_not_wait_for_a_drained_cell() {
    let (memory, cells, stop) = (Memory::default(), Cells::default(), AtomicBool::new(false));
    let clock = Slept(Mutex::new(start()));
    let fleet = Standing { draining: ["cell.d".to_owned()].into(), here: None };
    queue(&memory, "v1", start());
    let alone = Engine { fleet: &fleet, people: true, ..engine(&memory, &cells, &clock, &stop) };
    assert_eq!(alone.run(), Ok(Ending::Waits(Phase::Draining)));
}

#[test]
fn a_release_whose_cells_have_all_left_is_over_and_not_released() {
    let (memory, cells, stop) = (Memory::default(), Cells::default(), AtomicBool::new(false));
    let left: fn(&mut Book) = |book| {
        let all: Vec<String> = book.rollout.as_ref().unwrap().state.cells.keys().cloned().collect();
        all.iter().for_each(|cell| book.leave(cell));
    };
    let clock = Meanwhile(Slept(Mutex::new(start())), &memory, Mutex::new(Some(left)));
    queue(&memory, "v1", start());
    let ended = engine(&memory, &cells, &clock, &stop).run();
    assert_eq!(ended, Ok(Ending::Over(Phase::RolledBack { why: Why::Deserted })));
    assert_eq!(Desk::new(&memory).read(OF).unwrap().book.released, None);
}

#[test]
fn a_process_knows_what_applies_have_changed_since_it_read_its_program() {
    let record = |cells: &[(&str, &str)]| {
        let published = |(cell, state): &(&str, &str)| ((*cell).to_owned(), serde_json::json!({ "state": state }));
        Record { cells: cells.iter().map(published).collect(), ..Record::default() }
    };
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    let program = || Standing { draining: names(&["a", "b"]), here: Some(names(&["a", "b", "c", "d"])) };
    let read = record(&[("a", "draining"), ("b", "active"), ("c", "active"), ("d", "active")]);
    // What the program says and nobody has applied yet holds all the same.
    assert_eq!(program().since(&read, &read), program());
    let now = record(&[("a", "active"), ("b", "active"), ("c", "draining"), ("e", "active")]);
    let expected = Standing { draining: names(&["b", "c"]), here: Some(names(&["a", "b", "c", "e"])) };
    assert_eq!(program().since(&read, &now), expected);
    assert_eq!(Standing { here: None, ..program() }.since(&read, &now).here, None);
}

/// A cell leaves, and another is begun by that: both are told, what comes of it first.
#[test]
fn who_has_left_is_told_with_what_follows() {
    let memory = Memory::default();
    queue(&memory, "v1", start());
    let mut book = Desk::new(&memory).read(OF).unwrap().book;
    let (dossier, queued) = (dossier("v1"), book.next.take().unwrap());
    book.begin(queued, &dossier, start());
    for event in [Event::Tick, Event::Left { cells: ["cell.a".to_owned()].into() }] {
        let state = book.rollout.clone().unwrap().state;
        book.took(step(&dossier.course, state, start(), &event), &event, "");
    }
    let told: Vec<&str> = book.log.iter().map(|note| note.what.as_str()).collect();
    let followed = "cell.b deploying";
    assert_eq!(told[told.len() - 3..], ["cell.a deploying", followed, "cell.a has left: nothing of it comes there"]);
    assert_eq!(book.cells["cell.a"].observed, "it may be there in part");
}
