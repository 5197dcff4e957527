//! Lists of the organization that are behind: what an apply has just done is no doing of others, and taking it back at once takes it
//! back.

use jiff::SignedDuration;

use super::bench::Bench;
use super::kills::{edits, other_edits};
use crate::apply::receipt::Ending;
use crate::plan::Command;
use crate::plan::desired::Desired;
use crate::plan::scope::Scope;

/// By so much they are behind.
const LAG: SignedDuration = SignedDuration::from_secs(25);

fn applied(bench: &Bench, desired: &Desired) -> Result<(), String> {
    let plan = bench.try_plan(desired, &Scope::default(), Command::Apply);
    let receipt = bench.run(desired, &plan.map_err(|no| format!("there is no plan: {no:?}"))?);
    let failed: Vec<_> = receipt.failed().collect();
    if receipt.ending == Ending::Done { Ok(()) } else { Err(format!("it fails: {failed:#?}")) }
}

/// Nothing is drift, before the lists know of it and after.
fn is_quiet(bench: &Bench, desired: &Desired) -> Result<(), String> {
    for passed in [0, LAG.as_secs().unsigned_abs()] {
        bench.cloud.pass(passed);
        let plan = bench.try_plan(desired, &Scope::default(), Command::Apply).map_err(|no| format!("{no:?}"))?;
        if !plan.changes.is_empty() {
            return Err(format!("{passed} s later there is {}", super::world::told(&plan)));
        }
    }
    Ok(())
}

#[test]
fn what_was_done_a_moment_ago_is_done_though_lists_do_not_show_it() {
    let other = other_edits().into_iter().map(|(name, _, from, to)| (name, from, to));
    let mut wrong = Vec::new();
    for (name, from, to) in edits().into_iter().chain(other) {
        let bench = Bench::after(&[&from, &from]);
        let shape = bench.shape();
        bench.cloud.lag(LAG);
        let looked = || {
            applied(&bench, &to).map_err(|why| format!("there: {why}"))?;
            applied(&bench, &from).map_err(|why| format!("back: {why}"))?;
            is_quiet(&bench, &from)?;
            applied(&bench, &to).map_err(|why| format!("again: {why}"))?;
            is_quiet(&bench, &to)?;
            applied(&bench, &from).map_err(|why| format!("at last: {why}"))?;
            let left: Vec<String> = bench.shape().into_iter().filter(|line| !shape.contains(line)).collect();
            if left.is_empty() { Ok(()) } else { Err(format!("left: {}", left.join("\n"))) }
        };
        wrong.extend(looked().err().map(|why| format!("{name}: {why}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
