//! What a fleet is left as by rollouts that were ended.

use crate::releases::{Apart, apart};

use super::*;

fn has(version: &str) -> Has {
    Has { version: version.into(), dossier: version.into(), at: start(), observed: String::new() }
}

fn told(book: &Book) -> Vec<String> {
    apart(book).iter().map(|apart: &Apart| format!("{}; {}", apart.told(), apart.mend)).collect()
}

#[test]
fn a_fleet_of_two_versions_is_told_with_what_makes_it_one_again() {
    let (memory, cells, clock) = (Memory::default(), Cells::default(), Slept(Mutex::new(start())));
    queue(&memory, "v1", start());
    run(&memory, &cells, &clock, "one").unwrap();
    let desk = Desk::new(&memory);
    assert_eq!(told(&desk.read(OF).unwrap().book), [""; 0], "all have what is released");
    let mut next = dossier("v2");
    next.course.waves[1].approval = true;
    queue_of(&memory, &next, clock.now());
    assert_eq!(run(&memory, &cells, &clock, "two"), Ok(Ending::Waits(Phase::Approval)));
    assert_eq!(told(&desk.read(OF).unwrap().book), [""; 0], "it is under way");
    let abort = |book: &mut Book| {
        let event = Event::Aborted { who: "bob".into(), back: false };
        let stopped = step(&next.course, book.rollout.clone().unwrap().state, clock.now(), &event);
        book.took(stopped, &event, "");
        Ok::<_, ()>(())
    };
    desk.change(OF, abort).unwrap().unwrap();
    let mut book = desk.read(OF).unwrap().book;
    let mends = "`cellc rollout start api v1` brings v1 there, `cellc rollout start api v2` brings v2 to all";
    assert_eq!(told(&book), [format!("v2 is in 1 cell: cell.a; {mends}")]);
    // What is queued comes to its cells.
    let (by, dossier) = ("ana".to_owned(), "d".to_owned());
    book.next = Some(Queued { version: "v1".into(), dossier, by, at: start(), of_apply: true });
    assert_eq!(told(&book), [""; 0]);
}

#[test]
fn what_is_told_of_two_versions_goes_by_what_it_is_of() {
    let six = || (1..=6).map(|n| (format!("cell.c{n}"), has("v1"))).collect();
    let first = Book { cells: six(), ..Book::new(OF) };
    let start = "nothing is released: `cellc rollout start api v1` brings v1 to all";
    let named = "cell.c1, cell.c2, cell.c3, cell.c4, cell.c5 and 1 more";
    assert_eq!(told(&first), [format!("v1 is in 6 cells: {named}; {start}")]);
    let made = |commit: &str| BTreeMap::from([("commit".to_owned(), commit.to_owned())]);
    let released = Has { dossier: "other".into(), ..has("v1") };
    let built = [("v1".to_owned(), made("a")), ("other".to_owned(), made("b"))].into();
    let moved = Book { released: Some(released), built, cells: six(), ..Book::new("lib.component.api") };
    let brings = "`cellc rollout start lib.component.api v1` brings what is released";
    assert_eq!(told(&moved), [format!("v1 of another commit is in 6 cells: {named}; {brings}")]);
    let set = Book { released: Some(has("f2")), cells: six(), ..Book::new("permission_set.Look") };
    // A book does not know what the program says: after a rollback that may be the form that all have again.
    let mend = "; where the program says another form, `cellc apply` queues it, and `cellc rollout run` brings it";
    assert!(told(&set)[0].ends_with(mend));
}
