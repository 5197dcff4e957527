//! One trouble at any call, and several in a row: the end is as wanted, or truly told, and the next deployment comes
//! through.

use proptest::prelude::*;

use super::cluster::{Cluster, PODS, Trouble, image, wanted};
use super::deployments::{bench, run};
use crate::apply::tests::time::StillClock;
use crate::workloads::{Deployed, Sort, Stopped};

/// Is the answer true?
fn is_true(answer: &Result<Deployed, Stopped>, cluster: &Cluster) -> Result<(), String> {
    let now = cluster.now();
    match answer {
        Ok(deployed) => {
            let there = now.ok_or("told as deployed, and there is nothing")?;
            let right = deployed.workload.containers[0].image == image("2") && there.counts.available == PODS;
            let settled = there.counts.observed == there.generation && there.counts.updated == PODS;
            if !right || !settled || deployed.workload.uid != there.uid {
                return Err(format!("told as deployed, and it is {there:?}"));
            }
        }
        Err(Stopped::Missing(_)) if now.is_none() => {}
        Err(Stopped::Gone) if now.as_ref().is_none_or(|now| now.uid != "uid-1") => {}
        Err(Stopped::Missing(_) | Stopped::Gone) => return Err(format!("told as {answer:?}, and it is {now:?}")),
        Err(Stopped::NotAsWanted(_)) if now.as_ref().is_some_and(|now| now.containers[0].image == image("2")) => {
            return Err(format!("told as {answer:?}, and it is as wanted"));
        }
        Err(other) if other.to_string().is_empty() => return Err(format!("{other:?} says nothing")),
        Err(_) => {}
    }
    Ok(())
}

/// The next deployment, without trouble: it comes through, unless somebody else has a hand in it.
fn comes_through(clock: &StillClock, cluster: &Cluster) -> Result<(), String> {
    cluster.script(None);
    let (answer, _) = run(clock, cluster, &wanted(cluster.sort, "2"));
    is_true(&answer, cluster)?;
    match answer {
        Ok(_) | Err(Stopped::Missing(_) | Stopped::Conflicts { .. }) => Ok(()),
        Err(other) => Err(format!("and then: {other}")),
    }
}

fn tried(sort: Sort, nth: u32, trouble: Trouble) -> Result<bool, String> {
    let (clock, cluster) = bench(sort, "cellc");
    cluster.script(Some((nth, trouble)));
    let (answer, _) = run(&clock, &cluster, &wanted(sort, "2"));
    let struck = cluster.struck();
    is_true(&answer, &cluster)?;
    comes_through(&clock, &cluster)?;
    let changes = cluster.changes();
    // Whoever makes it anew, makes it with the former release.
    let most = if trouble == Trouble::Remade { 2 } else { 1 };
    if changes > most {
        return Err(format!("changed {changes} times"));
    }
    Ok(struck)
}

#[test]
fn one_trouble_at_any_call_is_mended_or_told() {
    let mut wrong = Vec::new();
    let mut struck = 0;
    for sort in Sort::ALL {
        for trouble in Trouble::ALL {
            for nth in 1..=20 {
                match tried(sort, nth, trouble) {
                    Ok(hit) => struck += u32::from(hit),
                    Err(why) => wrong.push(format!("{sort:?} {trouble:?} at {nth}: {why}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(struck > 200, "{struck}");
}

#[test]
fn an_answer_that_is_lost_once_costs_nothing() {
    for sort in Sort::ALL {
        for trouble in [Trouble::Lost, Trouble::LostAfter, Trouble::Throttled, Trouble::UnavailableAfter] {
            for nth in 1..=12 {
                let (clock, cluster) = bench(sort, "cellc");
                cluster.script(Some((nth, trouble)));
                let (answer, seen) = run(&clock, &cluster, &wanted(sort, "2"));
                assert!(answer.is_ok(), "{sort:?} {trouble:?} at {nth}: {answer:?}");
                assert!(!seen.iter().any(|line| line.starts_with("no events")), "{seen:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn troubles_in_one_deployment_after_the_other_never_lie(
        sort in prop::sample::select(Sort::ALL.to_vec()),
        troubles in prop::collection::vec((1u32..15, 0..Trouble::ALL.len()), 1..6),
    ) {
        let (clock, cluster) = bench(sort, "cellc");
        for (nth, trouble) in troubles {
            cluster.script(Some((nth, Trouble::ALL[trouble])));
            let (answer, _) = run(&clock, &cluster, &wanted(sort, "2"));
            // Another one is made now and then, so that a uid does not tell which is meant.
            if !matches!(answer, Err(Stopped::Gone)) {
                prop_assert_eq!(is_true(&answer, &cluster), Ok(()));
            }
        }
        prop_assert_eq!(comes_through(&clock, &cluster), Ok(()));
    }
}
