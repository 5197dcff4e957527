//! The steps of a pipeline, held to what `step` begins and to the limits of CodePipeline.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::generated::pipelines::steps::{Step, stages};
use crate::limits;
use crate::rollout::calendar::{World, drive};
use crate::rollout::{Course, Effect, Event, OnAlarm, Phase, State, Wave};

/// A wave: cells, parallel, one box, approval, watched, follows.
type Shape = (usize, usize, bool, bool, bool, bool);

fn course(shapes: &[Shape]) -> Course {
    let wave = |(at, (cells, parallel, one_box, approval, watched, follows)): (usize, &Shape)| Wave {
        label: format!("w{at}"),
        cells: (0..*cells).map(|cell| format!("cell.w{at}-{cell:03}")).collect(),
        parallel: if *follows { *cells } else { *parallel },
        tolerate: 0,
        bake: SignedDuration::from_hours(2),
        min_requests: None,
        one_box: *one_box && !*follows,
        alarms: if *watched && !*follows { vec!["alarm.errors".to_owned()] } else { Vec::new() },
        approval: *approval && !*follows,
        follows: *follows,
    };
    Course {
        of: "component.c".to_owned(),
        rollout: Some("rollout.r".to_owned()),
        waves: shapes.iter().enumerate().map(wave).collect(),
        window: None,
        on_alarm: OnAlarm::Rollback,
    }
}

/// A fleet in which all goes well: what was begun, in order.
#[derive(Default)]
struct Well(Vec<String>);

impl World for Well {
    fn answer(&mut self, effect: &Effect, at: Timestamp) -> Vec<(Timestamp, Event)> {
        match effect {
            Effect::Deploy { cell, .. } => {
                self.0.push(cell.clone());
                vec![(at + SignedDuration::from_mins(5), Event::Deployed { cell: cell.clone() })]
            }
            Effect::Observe { .. } => vec![(at, Event::Observed { signals: Vec::new(), requests: 0 })],
            Effect::Ask { .. } => vec![(at, Event::Approved { who: "ana".to_owned() })],
            Effect::GoBack { .. } | Effect::Wake { .. } => Vec::new(),
        }
    }

    fn reached(&mut self, _: &State) {}
}

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    let one = (1_usize..130, 1_usize..70, any::<bool>(), any::<bool>(), any::<bool>(), Just(false));
    let follow = (0_usize..3).prop_map(|cells| (cells, 1, false, false, false, true));
    (proptest::collection::vec(one, 1..4), follow).prop_map(|(mut waves, follow)| {
        if follow.0 > 0 {
            waves.push(follow);
        }
        waves
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A pipeline begins the cells that `step` begins, in its order, never more of a wave at a time than that lets, and
    /// bakes when it does.
    #[test]
    fn a_pipeline_begins_what_step_begins(shapes in shapes()) {
        let course = course(&shapes);
        let all: Vec<&String> = course.waves.iter().flat_map(|wave| &wave.cells).collect();
        let mut begun: Vec<String> = Vec::new();
        let mut baked = 0;
        for stage in stages(&course) {
            let wave = &course.waves[stage.wave];
            let actions: usize = stage.steps.iter().map(Step::actions).sum();
            prop_assert!((1..=limits::STAGE_ACTIONS.most).contains(&actions), "{actions}");
            for step in &stage.steps {
                match step {
                    Step::Deploy { first, count } => {
                        prop_assert_eq!(*first, begun.len());
                        prop_assert!(*count <= wave.parallel);
                        begun.extend(all[*first..first + count].iter().map(|cell| (*cell).clone()));
                    }
                    Step::Bake { count, one_box } => {
                        prop_assert_eq!(*count, begun.len());
                        prop_assert!(wave.one_box || !one_box);
                        baked += 1;
                    }
                    Step::Gate { count } => prop_assert_eq!(*count, begun.len()),
                    Step::Approve => prop_assert!(wave.approval),
                }
            }
        }
        let start: Timestamp = "2026-06-02T09:00:00Z".parse().unwrap();
        let mut fleet = Well::default();
        let state = State::new(&course, "2", start, |_| None);
        let end = drive(&course, state, Vec::new(), &mut fleet);
        prop_assert_eq!(end.phase, Phase::Done);
        prop_assert_eq!(&begun, &fleet.0);
        let own: BTreeSet<&String> = begun.iter().collect();
        prop_assert_eq!(own.len(), begun.len());
        let bakes = course.waves.iter().map(|wave| usize::from(!wave.follows) + usize::from(wave.one_box && wave.cells.len() > 1));
        prop_assert_eq!(baked, bakes.sum::<usize>());
    }
}

#[test]
fn a_wave_is_a_stage_in_groups() {
    let course = course(&[(5, 2, true, true, true, false)]);
    let all = stages(&course);
    let steps: Vec<&Step> = all.iter().flat_map(|stage| &stage.steps).collect();
    assert_eq!(
        steps,
        [
            &Step::Approve,
            &Step::Deploy { first: 0, count: 1 },
            &Step::Bake { one_box: true, count: 1 },
            &Step::Gate { count: 1 },
            &Step::Deploy { first: 1, count: 2 },
            &Step::Gate { count: 3 },
            &Step::Deploy { first: 3, count: 2 },
            &Step::Bake { one_box: false, count: 5 },
        ]
    );
}
