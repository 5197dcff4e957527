//! What deciding a rollout costs as a wave grows: its simulated time over the floor that its parallelism allows, the CPU time of a
//! step, and memory. `cargo bench -p cell-tests --bench rollouts` prints a table and one line of JSON; absolute numbers are the
//! machine's, ratios are of one run. The last line is the engine itself: real time, a book in a file that is synced at each write,
//! and cells that take half a second.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use cell_eval::digest::sha256;
use cell_eval::registry::store::{Published, Shelf, StoreError, Stored};
use cell_eval::releases::{
    Book, Cell, Desk, Dossier, Ending, Engine, Failed, Look, Looked, Note, Order, Queued, Signals, Spec, Standing,
    Target, Targets, Watcher,
};

use cell_eval::rollout::calendar::{World, drive};
use cell_eval::rollout::{Course, Effect, Event, OnAlarm, Phase, Signal, State, Wave};
use cell_tests::driver::Wall;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How long a cell takes.
const TAKES: SignedDuration = SignedDuration::from_mins(5);
const BAKE: SignedDuration = SignedDuration::from_hours(2);
const PARALLEL: usize = 20;

fn course(cells: usize) -> Course {
    let wave = Wave {
        label: "all".to_owned(),
        cells: (0..cells).map(|at| format!("cell.c{at:05}")).collect(),
        parallel: PARALLEL,
        tolerate: 0,
        bake: BAKE,
        min_requests: None,
        one_box: false,
        alarms: vec!["alarm.errors".to_owned()],
        approval: false,
        follows: false,
    };
    let of = "component.api".to_owned();
    Course {
        of,
        rollout: Some("rollout.all".to_owned()),
        waves: vec![wave],
        window: None,
        on_alarm: OnAlarm::Rollback,
    }
}

/// A fleet in which all goes well.
struct Well {
    steps: usize,
}

impl World for Well {
    fn answer(&mut self, effect: &Effect, at: Timestamp) -> Vec<(Timestamp, Event)> {
        match effect {
            Effect::Deploy { cell, .. } => vec![(at + TAKES, Event::Deployed { cell: cell.clone() })],
            Effect::Observe { cells, .. } => {
                let signals =
                    cells.iter().map(|cell| ("alarm.errors".to_owned(), cell.clone(), Signal::Ok)).collect();
                vec![(at, Event::Observed { signals, requests: 0 })]
            }
            _ => Vec::new(),
        }
    }

    fn reached(&mut self, _state: &State) {
        self.steps += 1;
    }
}

/// The most memory that this process has had, in bytes: sizes are run from the smallest on.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or_default() * 1_024
}

fn main() {
    let mut rows = Vec::new();
    println!(
        "{:>6} {:>8} {:>12} {:>10} {:>12} {:>14}",
        "cells", "steps", "over floor", "CPU s", "µs a step", "peak MiB"
    );
    for cells in [100, 1_000, 10_000] {
        let course = course(cells);
        let start: Timestamp = "2026-06-01T09:00:00Z".parse().unwrap();
        let mut world = Well { steps: 0 };
        let begun = Instant::now();
        let state = drive(&course, State::new(&course, "2", start, |_| None), Vec::new(), &mut world);
        let seconds = begun.elapsed().as_secs_f64();
        let peak = peak();
        assert_eq!(state.phase, Phase::Done);
        // The floor: each lane takes cell after cell, and then the bake.
        let floor = TAKES.as_secs_f64() * cells.div_ceil(PARALLEL) as f64 + BAKE.as_secs_f64();
        let over = state.now.duration_since(start).as_secs_f64() / floor;
        let (each, mebibytes) = (seconds / world.steps as f64 * 1e6, peak as f64 / f64::from(1 << 20));
        println!("{cells:>6} {:>8} {over:>12.4} {seconds:>10.3} {each:>12.1} {mebibytes:>14.1}", world.steps);
        rows.push(json!({ "cells": cells, "steps": world.steps, "over_floor": over, "seconds": seconds, "peak_bytes": peak }));
    }
    rows.push(engine());
    println!("{}", json!(rows));
}

/// Cells of the engine's wave, and how long each takes.
const CELLS: usize = 1_000;
const SLEEP: Duration = Duration::from_millis(500);
const AT_ONCE: usize = 50;

/// Cells that take their time.
struct Sleepers;

impl Targets for Sleepers {
    fn bring(&self, order: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        std::thread::sleep(SLEEP);
        Ok(format!("{} is there", order.cell))
    }

    fn take_away(&self, _: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        Ok(String::new())
    }
}

impl Signals for Sleepers {
    fn look(&self, look: &Look<'_>) -> Result<Looked, String> {
        let all = look.cells.iter().map(|cell| ("alarm.errors".to_owned(), cell.clone(), Signal::Ok));
        Ok((all.collect(), 0))
    }
}

impl Watcher for Sleepers {
    fn told(&self, _: &Book, _: &[Note]) {}
    fn sees(&self, _: &str, _: &str, _: &str) {}
    fn remark(&self, text: &str) {
        println!("{text}");
    }
}

/// Objects in a folder, synced as the real ones are.
#[derive(Debug)]
struct Folder(tempfile::TempDir);

impl Shelf for Folder {
    fn published_place(&self, _: Published) -> String {
        String::new()
    }

    fn published(&self, _: Published) -> Result<Option<Stored>, StoreError> {
        Ok(None)
    }

    fn publish(&self, _: Published, _: &[u8], _: Option<&str>) -> Result<(), StoreError> {
        Ok(())
    }

    fn object_place(&self, name: &str) -> String {
        name.to_owned()
    }

    fn objects(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    fn object(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        let bytes = std::fs::read(self.0.path().join(name)).ok();
        Ok(bytes.map(|bytes| Stored { version: sha256(&bytes), bytes }))
    }

    fn put_object(&self, name: &str, bytes: &[u8], version: Option<&str>) -> Result<String, StoreError> {
        if self.object(name)?.map(|stored| stored.version).as_deref() != version {
            return Err(StoreError::Moved);
        }
        let path = self.0.path().join(name);
        let aside = path.with_extension("aside");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = std::fs::File::create(&aside).unwrap();
        file.write_all(bytes).unwrap();
        file.sync_all().unwrap();
        std::fs::rename(&aside, &path).unwrap();
        Ok(sha256(bytes))
    }
}

fn engine() -> Value {
    let mut course = course(CELLS);
    course.waves[0].parallel = AT_ONCE;
    course.waves[0].bake = SignedDuration::ZERO;
    let target = Target::Cloudformation {
        stack: "api".to_owned(),
        template: sha256(b""),
        parameters: [("Size".to_owned(), "1".to_owned())].into(),
        tags: [("cellc:address".to_owned(), "deployment.api".to_owned())].into(),
        capabilities: Vec::new(),
    };
    let spec = Spec { account: "222222222222".to_owned(), region: "eu-west-1".to_owned(), target };
    let cell = |name: &String| (name.clone(), Cell { spec: spec.clone(), alarms: BTreeMap::new() });
    let dossier = Dossier {
        format_version: "1.0".to_owned(),
        of: course.of.clone(),
        version: "v1".to_owned(),
        digests: BTreeMap::new(),
        image: String::new(),
        templates: BTreeMap::new(),
        cells: course.waves[0].cells.iter().map(cell).collect(),
        texts: BTreeMap::new(),
        course,
    };
    let shelf = Folder(tempfile::tempdir().unwrap());
    let desk = Desk::new(&shelf);
    let name = desk.file(&dossier).unwrap();
    let queued = Queued {
        version: "v1".to_owned(),
        dossier: name,
        by: "bench".to_owned(),
        at: Timestamp::now(),
        of_apply: false,
    };
    let put = |book: &mut Book| {
        book.next = Some(queued.clone());
        Ok::<_, ()>(())
    };
    desk.change(&dossier.of, put).unwrap().unwrap();
    let (before, begun, stop) = (peak(), Instant::now(), AtomicBool::new(false));
    let cells = Standing::default();
    let engine = Engine {
        desk,
        of: &dossier.of,
        targets: &Sleepers,
        signals: &Sleepers,
        clock: &Wall,
        watcher: &Sleepers,
        me: ("bench".to_owned(), "bench".to_owned(), 1),
        fleet: &cells,
        stop: &stop,
        people: false,
        drained: false,
        sleeps: Duration::from_secs(5),
    };
    assert_eq!(engine.run().unwrap(), Ending::Over(Phase::Done));
    let seconds = begun.elapsed().as_secs_f64();
    let over = seconds / (SLEEP.as_secs_f64() * CELLS.div_ceil(AT_ONCE) as f64);
    let grown = peak().saturating_sub(before) as f64 / f64::from(1 << 20);
    println!("engine, {CELLS} cells, {AT_ONCE} at once: {seconds:.2} s, {over:.3} of the floor, {grown:.1} MiB more");
    json!({ "engine": CELLS, "parallel": AT_ONCE, "seconds": seconds, "over_floor": over })
}
