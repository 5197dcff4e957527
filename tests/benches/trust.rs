//! The example on a cloud that fails, in full: killed before and after every call of an apply and of a destroy, and at
//! its file writes; every answer lost once; every failure at every operation. `cargo bench -p cell-tests --bench trust`
//! prints a table and one line of JSON, and ends with 1 when anything was made twice, lost, or too much.
//!
//! `-- kills` and such take a part; `-- kills 20` a sample of so many points of each life.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use cell_tests::trust::{LIVES, Life, kill};
use cell_tests::waiting_on;
use serde_json::{Value, json};

/// What is done in full, by name.
const PARTS: [(&str, fn(Option<usize>) -> Vec<Row>); 1] = [("kills", kills)];

/// A line of the table.
struct Row {
    what: String,
    points: usize,
    struck: usize,
    duplicates: usize,
    lost: usize,
    extra: usize,
    /// Cases in which one more run did not do.
    twice: usize,
    failed: Vec<String>,
    seconds: f64,
}

fn main() -> ExitCode {
    // Cargo adds `--bench` to what was said.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let sample = args.iter().find_map(|arg| arg.parse().ok());
    let named: Vec<&String> = args.iter().filter(|arg| arg.parse::<usize>().is_err()).collect();
    let rows: Vec<Row> = PARTS
        .iter()
        .filter(|(name, _)| named.is_empty() || named.iter().any(|wanted| wanted == name))
        .flat_map(|(_, part)| part(sample))
        .collect();
    println!("\n| what | points | struck | made twice | lost | extra | more than one run | failed | s |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for row in &rows {
        let Row { what, points, struck, duplicates, lost, extra, twice, failed, seconds } = row;
        let failed = failed.len();
        println!("| {what} | {points} | {struck} | {duplicates} | {lost} | {extra} | {twice} | {failed} | {seconds:.0} |");
    }
    let told: Vec<Value> = rows.iter().map(Row::json).collect();
    println!("{}", json!({ "trust": told }));
    let failed: Vec<&String> = rows.iter().flat_map(|row| &row.failed).collect();
    failed.iter().for_each(|failure| eprintln!("{failure}\n"));
    if failed.is_empty() && !rows.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Row {
    fn json(&self) -> Value {
        let Self { what, points, struck, duplicates, lost, extra, twice, failed, seconds } = self;
        json!({
            "what": what, "points": points, "struck": struck, "duplicates": duplicates, "lost": lost, "extra": extra,
            "more_runs": twice, "failed": failed.len(), "seconds": seconds,
        })
    }
}

fn kills(sample: Option<usize>) -> Vec<Row> {
    LIVES.into_iter().map(|life| killed_everywhere(life, sample)).collect()
}

fn killed_everywhere(life: Life, sample: Option<usize>) -> Row {
    let calls = life.reference().unwrap().total();
    let points = sample.map_or_else(|| kill::all(calls), |count| kill::spread(calls, count));
    let begun = Instant::now();
    let sum = Mutex::new((0, 0, 0, 0, 0));
    let failed = waiting_on(4, &points, |point| {
        let outcome = kill::at(life, *point)?;
        let found = &outcome.found;
        let mut sum = sum.lock().unwrap();
        sum.0 += usize::from(outcome.killed.is_some());
        sum.1 += found.duplicates;
        sum.2 += found.lost.len();
        sum.3 += found.extra.len();
        sum.4 += usize::from(outcome.runs > 1);
        if found.is_nothing() {
            return Ok(());
        }
        Err(format!("── {}, killed {point}, at {}: {found}", life.name(), outcome.killed.unwrap_or_default()))
    });
    let (struck, duplicates, lost, extra, twice) = sum.into_inner().unwrap();
    let row = Row {
        what: format!("killed: {}", life.name()),
        points: points.len(),
        struck,
        duplicates,
        lost,
        extra,
        twice,
        failed,
        seconds: begun.elapsed().as_secs_f64(),
    };
    eprintln!("{}", row.json());
    row
}
