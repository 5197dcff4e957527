//! Deployments without trouble on the way: what ends well, what is refused, and what is told.

#![allow(clippy::unwrap_used, clippy::panic, clippy::type_complexity, reason = "a test fails so")]

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::cluster::{BROKEN, Cluster, image, wanted};
use crate::apply::tests::time::StillClock;
use crate::workloads::{ADDRESS, Deployed, How, RELEASE, Sight, Sort, Stopped, Strategy, WAITS, Wanted, deploy};

pub(super) fn bench(sort: Sort, owner: &str) -> (Arc<StillClock>, Cluster) {
    let clock = Arc::new(StillClock::new(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000)));
    let cluster = Cluster::new(&clock, sort, owner);
    (clock, cluster)
}

pub(super) fn run(
    clock: &StillClock,
    cluster: &Cluster,
    wanted: &Wanted,
) -> (Result<Deployed, Stopped>, Vec<String>) {
    let mut seen = Vec::new();
    let mut see = |sight: Sight<'_>| {
        seen.push(match sight {
            Sight::Takes(conflicts) => format!("takes {conflicts:?}"),
            Sight::Progress(words) => words.to_owned(),
            Sight::Event(event) => event.to_string(),
            Sight::EventsFailed(error) => format!("no events: {error}"),
        });
    };
    let answer = deploy(cluster, clock, wanted, WAITS, &mut see);
    (answer, seen)
}

#[test]
fn each_sort_gets_its_image_its_parameters_and_who_brought_them() {
    for sort in Sort::ALL {
        let (clock, cluster) = bench(sort, "cellc");
        let (answer, seen) = run(&clock, &cluster, &wanted(sort, "2"));
        let deployed = answer.unwrap();
        assert_eq!(deployed.how, How::Updated);
        assert_eq!(deployed.workload.containers[0].image, image("2"));
        assert_eq!(deployed.workload.containers[0].env["RELEASE"].as_deref(), Some("2"));
        assert_eq!(deployed.workload.annotations[ADDRESS], "deployment.cache/cell.alpha");
        assert_eq!(deployed.workload.annotations[RELEASE], "2");
        assert!(seen.iter().any(|line| line == "Pod cache-0: Started: Started container"), "{seen:?}");
        assert!(!seen.iter().any(|line| line.contains("yesterday")), "{seen:?}");
        assert_eq!(seen.last(), Some(&deployed.words));
    }
}

#[test]
fn what_is_there_is_told_as_unchanged_and_a_former_release_comes_back_in_the_same_way() {
    let (clock, cluster) = bench(Sort::Deployment, "cellc");
    let mut two = wanted(Sort::Deployment, "2");
    two.parameters.insert("ONLY_IN_2".to_owned(), "yes".to_owned());
    run(&clock, &cluster, &two).0.unwrap();
    assert_eq!(run(&clock, &cluster, &two).0.unwrap().how, How::Unchanged);
    let back = run(&clock, &cluster, &wanted(Sort::Deployment, "1")).0.unwrap();
    assert_eq!(back.how, How::Updated);
    assert_eq!(back.workload.containers[0].env.keys().collect::<Vec<_>>(), ["RELEASE"]);
}

#[test]
fn a_field_of_another_owner_is_left_alone_unless_it_is_to_be_taken() {
    let (clock, cluster) = bench(Sort::Deployment, "kubectl-client-side-apply");
    let mut two = wanted(Sort::Deployment, "2");
    let (answer, _) = run(&clock, &cluster, &two);
    let told = answer.unwrap_err().to_string();
    let field = ".spec.template.spec.containers[name=\"cache\"].image";
    assert!(told.contains(&format!("`kubectl-client-side-apply` owns {field}")), "{told}");
    // An apply brings releases, too, and has no such word: the command that has it is named whole.
    let taken = format!("(`cellc rollout start cache {} --take-over` takes them)", two.release);
    assert!(told.contains(&taken), "{told}");
    assert_eq!(cluster.now().unwrap().generation, 1);
    two.take_over = true;
    let (answer, seen) = run(&clock, &cluster, &two);
    assert_eq!(answer.unwrap().how, How::Updated);
    assert!(seen[0].starts_with("takes") && seen[0].contains(field.split('[').next().unwrap()), "{seen:?}");
}

#[test]
fn a_deadline_is_told_with_what_is_wrong_with_the_pods() {
    let (clock, cluster) = bench(Sort::Deployment, "cellc");
    let broken = Wanted { image: BROKEN.to_owned(), ..wanted(Sort::Deployment, "2") };
    let (answer, _) = run(&clock, &cluster, &broken);
    let Err(Stopped::Deadline { causes, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(
        causes,
        ["pod cache-0: ImagePullBackOff: Back-off pulling image", "Pod cache-0: Failed: Error: ImagePullBackOff"]
    );
    run(&clock, &cluster, &wanted(Sort::Deployment, "1")).0.unwrap();
}

#[test]
fn a_sort_without_a_deadline_ends_with_the_time_that_is_given() {
    for sort in [Sort::StatefulSet, Sort::DaemonSet] {
        let (clock, cluster) = bench(sort, "cellc");
        let broken = Wanted { image: BROKEN.to_owned(), ..wanted(sort, "2") };
        let (answer, _) = run(&clock, &cluster, &broken);
        let told = answer.unwrap_err().to_string();
        assert!(told.contains("is not rolled out after 60 minutes: waiting for"), "{told}");
        assert!(told.contains("; pod cache-0: ImagePullBackOff: Back-off pulling image"), "{told}");
    }
}

#[test]
fn that_pods_and_events_cannot_be_read_is_told_once() {
    let (clock, mut cluster) = bench(Sort::Deployment, "cellc");
    cluster.deaf = true;
    let (answer, seen) = run(&clock, &cluster, &wanted(Sort::Deployment, "2"));
    assert_eq!(answer.unwrap().how, How::Updated);
    assert_eq!(seen.iter().filter(|line| line.starts_with("no events")).count(), 1, "{seen:?}");
}

/// What is done beforehand to the cluster or to what is wanted.
type Prepare = Box<dyn Fn(&Cluster, &mut Wanted)>;

#[test]
fn what_is_not_for_this_deployment_is_left_as_it_is() {
    let sort = Sort::StatefulSet;
    let cases: [(&str, Prepare); 5] = [
        (
            "its annotation says `deployment.other/cell.alpha`",
            Box::new(|cluster, _| {
                let other = "deployment.other/cell.alpha".to_owned();
                cluster.change(|found| drop(found.annotations.insert(ADDRESS.to_owned(), other)));
            }),
        ),
        (
            "its update strategy is OnDelete",
            Box::new(|cluster, _| cluster.change(|found| found.strategy = Strategy::OnDelete)),
        ),
        ("it is paused", Box::new(|cluster, _| cluster.change(|found| found.paused = true))),
        (
            "has the containers `cache`, `proxy`: say `container`",
            Box::new(|cluster, _| {
                cluster.change(|found| {
                    let mut second = found.containers[0].clone();
                    "proxy".clone_into(&mut second.name);
                    found.containers.push(second);
                });
            }),
        ),
        (
            "has the container `cache`: there is none called `proxy`",
            Box::new(|_, wanted| wanted.container = Some("proxy".to_owned())),
        ),
    ];
    for (words, prepare) in cases {
        let (clock, cluster) = bench(sort, "cellc");
        let mut two = wanted(sort, "2");
        prepare(&cluster, &mut two);
        let before = cluster.now();
        let told = run(&clock, &cluster, &two).0.unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
        assert_eq!(cluster.now(), before, "{words}");
    }
}
