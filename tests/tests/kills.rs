//! Runs that are killed anywhere: the next one goes on, and nothing is there twice, lost, or too much.

use cell_tests::trust::{LIVES, kill};
use cell_tests::{report, waiting};

/// Points of each life; all of them: `cargo bench -p cell-tests --bench trust`.
const POINTS: usize = 7;

#[test]
fn a_run_that_is_killed_at_a_call_is_taken_up_by_the_next() {
    let mut cases = Vec::new();
    for life in LIVES {
        let calls = life.reference().unwrap().total();
        cases.extend(kill::spread(calls, POINTS).into_iter().map(|point| (life, point)));
    }
    let failed = waiting(&cases, |(life, point)| {
        let outcome = kill::at(*life, *point)?;
        if outcome.killed.is_some() && outcome.found.is_nothing() {
            return Ok(());
        }
        Err(format!("── {}, killed {point}, at {:?}: {}", life.name(), outcome.killed, outcome.found))
    });
    report(cases.len(), &failed);
}
