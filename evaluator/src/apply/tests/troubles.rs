//! Every call of a plan goes wrong, in every way it may.

use super::bench::Bench;
use super::cloud::Trouble;
use super::programs::{Reference, Scenario};
use super::world;
use crate::apply::receipt::{Ending, Outcome, Receipt};
use crate::live::parallel;
use crate::plan::model::{OperationId, Plan};

/// Runs at once: most of a run's time is spent waiting for the thread that keeps the lock alive.
const LANES: usize = 24;

/// Ways in which a read fails.
const READS: [Trouble; 3] = [Trouble::Lost, Trouble::Denied, Trouble::Stale];
/// Ways in which a write fails.
const WRITES: [Trouble; 4] = [Trouble::Lost, Trouble::LostAfter, Trouble::Throttled, Trouble::Denied];
/// More ways in which what makes something fails: it tells them apart.
const MAKES: [Trouble; 2] = [Trouble::UnavailableAfter, Trouble::Conflict];
/// Writes that go on after their answer.
const GO_ON: [&str; 4] = [
    "organizations:CreateAccount",
    "sso:CreateAccountAssignment",
    "sso:DeleteAccountAssignment",
    "sso:ProvisionPermissionSet",
];
/// So many polls of one kind are looked at: how many there are depends on who asks for whom.
const POLLS: u64 = 2;

pub(super) fn is_read(call: &str) -> bool {
    let name = call.split(':').nth(1).unwrap_or_default();
    ["List", "Describe", "Get"].iter().any(|head| name.starts_with(head))
}

fn is_poll(call: &str) -> bool {
    call.ends_with("Status")
}

fn ways(call: &str) -> Vec<Trouble> {
    if is_read(call) {
        return READS.to_vec();
    }
    let later = GO_ON.contains(&call).then_some(Trouble::FailsLater);
    let more = MAKES.into_iter().filter(|_| call.contains(":Create"));
    WRITES.into_iter().chain(more).chain(later).collect()
}

/// Each call of a run, each way.
fn cases(reference: &Reference) -> Vec<(&str, u64, Trouble)> {
    let mut all = Vec::new();
    for (call, count) in &reference.asked {
        let most = if is_poll(call) { POLLS.min(*count) } else { *count };
        for nth in 1..=most {
            all.extend(ways(call).into_iter().map(|way| (call.as_str(), nth, way)));
        }
    }
    all
}

/// What was not done failed, or waits for something that failed.
pub(super) fn is_independent(receipt: &Receipt, plan: &Plan) -> Result<(), String> {
    let failed = |id: &OperationId| {
        receipt.operations.get(id.0 as usize).is_some_and(|done| !matches!(done.outcome, Outcome::Done { .. }))
    };
    for (done, operation) in receipt.operations.iter().zip(&plan.operations) {
        let needs_failed = operation.needs.iter().any(failed);
        let ok = match done.outcome {
            Outcome::Done { .. } | Outcome::Failed { .. } => !needs_failed,
            Outcome::Skipped { because } => needs_failed && failed(&because),
            Outcome::NotBegun => false,
        };
        if !ok {
            return Err(format!("{} of {} ended as {:?}", done.verb, done.address, done.outcome));
        }
    }
    let any = receipt.failed().next().is_some();
    let told = if any { Ending::Failed } else { Ending::Done };
    if receipt.ending == told { Ok(()) } else { Err(format!("it ended as {:?}", receipt.ending)) }
}

fn tried(
    scenario: &Scenario,
    bench: &Bench,
    reference: &Reference,
    case: (&str, u64, Trouble),
) -> Result<(), String> {
    let (call, nth, way) = case;
    bench.cloud.count_anew();
    bench.cloud.script(call, nth, way);
    let receipt = bench.run(&scenario.to, &reference.plan);
    let failed = receipt.failed().count();
    if failed > 1 {
        return Err(format!("one trouble made {failed} operations fail: {:?}", receipt.failed().collect::<Vec<_>>()));
    }
    is_independent(&receipt, &reference.plan)?;
    world::is_true(&receipt, &reference.plan, &bench.record(), &bench.cloud.state())?;
    bench.converges(&scenario.to, scenario.command, &reference.shape)
}

#[test]
fn whatever_goes_wrong_the_receipt_is_true_and_the_next_run_mends_it() {
    for scenario in Scenario::all() {
        let reference = Reference::of(&scenario);
        let cases = cases(&reference);
        let found = parallel::each(LANES, &cases, |case| {
            let wrong = tried(&scenario, &scenario.start.copy(), &reference, *case).err();
            Ok::<_, ()>(wrong.map(|wrong| format!("{}: {} #{} {:?}: {wrong}", scenario.name, case.0, case.1, case.2)))
        });
        let found: Vec<String> = found.unwrap().into_iter().flatten().collect();
        assert!(found.is_empty(), "{} of {}\n{}", found.len(), cases.len(), found.join("\n"));
    }
}
