//! The example on a cloud that fails, in full: killed before and after every call of an apply and of a destroy, and at
//! its file writes; every answer lost once; every failure at every operation. `cargo bench -p cell-tests --bench trust`
//! prints a table and one line of JSON, and ends with 1 when anything was made twice, lost, or too much.
//!
//! `-- kills` (`disks`, `storms`, `waits`) takes a part, `-- kills destroy S3` of some lives, `-- kills 20` a sample of so
//! many points of each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use cell_tests::momento::Registry;
use cell_tests::trust::disk::{self, Beyond};
use cell_tests::trust::storm::{self, Storm};
use cell_tests::trust::{Found, LIVES, Life, kill};
use cell_tests::waiting_on;
use serde_json::{Value, json};

type Part = fn(&Asked) -> Vec<Row>;

/// What is done in full, by name.
const PARTS: [(&str, Part); 4] = [("kills", kills), ("disks", disks), ("storms", storms), ("waits", waits)];

/// What of it is done.
struct Asked {
    /// So many points of each life; all, if not said.
    sample: Option<usize>,
    /// Only lives whose names have all of these.
    words: Vec<String>,
}

impl Asked {
    fn lives(&self) -> impl Iterator<Item = Life> {
        LIVES.into_iter().filter(|life| self.words.iter().all(|word| life.name().contains(word.as_str())))
    }
}

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
    let parts: Vec<_> = PARTS.iter().filter(|(name, _)| args.iter().any(|arg| arg == name)).collect();
    let parts = if parts.is_empty() { PARTS.iter().collect() } else { parts };
    let asked = Asked {
        sample: args.iter().find_map(|arg| arg.parse().ok()),
        words: args
            .iter()
            .filter(|arg| arg.parse::<usize>().is_err() && PARTS.iter().all(|(name, _)| arg != name))
            .cloned()
            .collect(),
    };
    let rows: Vec<Row> = parts.iter().flat_map(|(_, part)| part(&asked)).collect();
    println!("\n| what | points | struck | made twice | lost | extra | more than one run | failed | s |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for row in &rows {
        let Row { what, points, struck, duplicates, lost, extra, twice, failed, seconds } = row;
        let failed = failed.len();
        println!(
            "| {what} | {points} | {struck} | {duplicates} | {lost} | {extra} | {twice} | {failed} | {seconds:.0} |"
        );
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

/// What one case came to.
struct Seen {
    /// Did the trouble strike?
    struck: bool,
    /// Runs that it took after it, or with it.
    runs: usize,
    found: Found,
}

/// Cases at once: most of one is waiting.
const AT_ONCE: usize = 8;

/// Takes every case.
fn row<P: Sync>(what: String, cases: &[P], work: impl Fn(&P) -> Result<Seen, String> + Sync) -> Row {
    let begun = Instant::now();
    let sum = Mutex::new((0, 0, 0, 0, 0));
    let failed = waiting_on(AT_ONCE, cases, |case| {
        let Seen { struck, runs, found } = work(case)?;
        let mut sum = sum.lock().unwrap();
        sum.0 += usize::from(struck);
        sum.1 += found.duplicates;
        sum.2 += found.lost.len();
        sum.3 += found.extra.len();
        sum.4 += usize::from(runs > 1);
        Ok(())
    });
    let (struck, duplicates, lost, extra, twice) = sum.into_inner().unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let row = Row { what, points: cases.len(), struck, duplicates, lost, extra, twice, failed, seconds };
    eprintln!("{}", row.json());
    row
}

/// So many of them, spread over all.
fn some<P>(all: Vec<P>, sample: Option<usize>) -> Vec<P> {
    let stride = sample.map_or(1, |count| (all.len() / count.max(1)).max(1));
    all.into_iter().step_by(stride).collect()
}

fn kills(asked: &Asked) -> Vec<Row> {
    let killed = |life: Life| {
        let calls = life.reference().unwrap().total();
        let points = asked.sample.map_or_else(|| kill::all(calls), |count| kill::spread(calls, count));
        row(format!("killed at a call: {}", life.name()), &points, |point| {
            let outcome = kill::at(life, *point)?;
            if outcome.found.is_nothing() {
                return Ok(Seen { struck: outcome.killed.is_some(), runs: outcome.runs, found: outcome.found });
            }
            let at = outcome.killed.unwrap_or_default();
            Err(format!("── {}, killed {point}, at {at}: {}", life.name(), outcome.found))
        })
    };
    asked.lives().map(killed).collect()
}

/// Killed in the middle of a write of a file, and writes that fail, at each block.
fn disks(asked: &Asked) -> Vec<Row> {
    let mut rows = Vec::new();
    for life in asked.lives().filter(|life| life.registry == Registry::File) {
        let most = disk::largest(life).unwrap() / disk::BLOCK + 1;
        for beyond in [Beyond::Kills, Beyond::Fails] {
            let blocks = some((0..=most).collect(), asked.sample);
            let what = if beyond == Beyond::Kills { "killed at a write" } else { "a write fails" };
            rows.push(row(format!("{what}: {}", life.name()), &blocks, |blocks| {
                let outcome = disk::limited(life, *blocks, beyond)?;
                let struck = outcome.status != 0;
                if outcome.found.is_nothing() {
                    return Ok(Seen { struck, runs: 1, found: outcome.found });
                }
                Err(format!("── {}, {blocks} blocks, {beyond:?}: {}", life.name(), outcome.found))
            }));
        }
    }
    rows
}

/// Answers that never come, and a lease that ends by itself.
fn waits(_: &Asked) -> Vec<Row> {
    vec![row("what takes minutes".to_owned(), &storm::PATIENT, |(name, work)| {
        work().map_err(|failure| format!("── {name}\n{failure}"))?;
        Ok(Seen { struck: true, runs: 1, found: Found::default() })
    })]
}

fn storms(asked: &Asked) -> Vec<Row> {
    let mut rows = Vec::new();
    let weathered = |life: Life, storm: &Storm| {
        let runs = storm::through(life, storm)?;
        Ok(Seen { struck: true, runs, found: Found::default() })
    };
    for life in asked.lives() {
        let reference = life.reference().unwrap();
        let lost = some(storm::each_answer_lost(reference), asked.sample);
        rows.push(row(format!("an answer is lost: {}", life.name()), &lost, |storm| weathered(life, storm)));
        let all = some(storm::everything(reference), asked.sample);
        rows.push(row(format!("a call fails: {}", life.name()), &all, |storm| weathered(life, storm)));
    }
    rows
}
