//! What the permission engine costs: every consecutive pair of versions of AWS's managed policies, both directions, on
//! one thread. `cargo bench -p cell-tests --bench iam` prints CPU seconds and one line of JSON.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::time::Instant;

use cell_iam::access::Access;
use cell_iam::region::Proof;
use cell_iam::{Engine, data};
use cell_tests::iam::{access, managed};
use serde_json::json;

const REPEATS: usize = 5;

fn main() {
    let policies = managed().unwrap();
    let start = Instant::now();
    let versions: Vec<Vec<Access>> = policies
        .iter()
        .map(|policy| policy.versions.iter().map(|document| access(&policy.name, document).unwrap()).collect())
        .collect();
    let read = start.elapsed().as_secs_f64();
    let catalogue = data::all().unwrap();
    let mut best = f64::MAX;
    let mut times = Vec::new();
    let (mut pairs, mut regions, mut proven, mut queries) = (0_u32, 0, 0, 0);
    for _ in 0..REPEATS {
        (pairs, regions, proven, queries) = (0, 0, 0, 0);
        times.clear();
        let mut engine = Engine::new(catalogue);
        for pair in versions.iter().flat_map(|versions| versions.windows(2)) {
            let start = Instant::now();
            let delta = engine.diff(&pair[0], &pair[1]);
            times.push(start.elapsed().as_secs_f64());
            pairs += 1;
            queries += delta.queries;
            regions += delta.gained.len() + delta.lost.len();
            let of = |region: &&cell_iam::region::Region| region.proof == Proof::Proven;
            proven += delta.gained.iter().chain(&delta.lost).filter(of).count();
        }
        best = best.min(times.iter().sum());
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2] * 1_000.0;
    let worst = times[times.len() - 1] * 1_000.0;
    println!("{pairs} pairs, both directions: {best:.2} s; median {median:.3} ms, worst {worst:.0} ms a pair");
    println!("reading and hashing all versions: {read:.2} s");
    let line = json!({ "pairs": pairs, "seconds": best, "median_ms": median, "worst_ms": worst, "regions": regions,
        "proven": proven, "queries": queries });
    println!("{line}");
}
