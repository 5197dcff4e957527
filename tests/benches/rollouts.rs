//! What deciding a rollout costs as a wave grows: its simulated time over the floor that its parallelism allows, the CPU time of a
//! step, and memory. `cargo bench -p cell-tests --bench rollouts` prints a table and one line of JSON; absolute numbers are the
//! machine's, ratios are of one run.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::time::Instant;

use cell_eval::rollout::calendar::{World, drive};
use cell_eval::rollout::{Course, Effect, Event, OnAlarm, Phase, Signal, State, Wave};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

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
    println!("{}", json!(rows));
}
