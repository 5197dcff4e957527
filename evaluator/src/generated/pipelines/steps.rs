//! The steps of a course, in the order in which a pipeline takes them. Owns which cells are begun together, where a gate stands
//! and how steps become stages; knows no service.
//!
//! INVARIANT: each cell of the course is begun once, in its wave, and never more than `parallel` of a wave at a time.

use crate::limits;
use crate::rollout::{Course, Wave};

/// What a pipeline does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::generated) enum Step {
    /// Somebody agrees to the wave.
    Approve,
    /// The window is waited for, and the alarms of the cells that have the release are looked at: of the first so many of the
    /// course.
    Gate {
        /// How many have it.
        count: usize,
    },
    /// The release comes to these cells, beside each other: places in the course.
    Deploy {
        /// The place of the first.
        first: usize,
        /// How many.
        count: usize,
    },
    /// What has the release is watched: the first so many of the course.
    Bake {
        /// Whether it is the wave's one box.
        one_box: bool,
        /// How many have it.
        count: usize,
    },
}

impl Step {
    /// How many actions it is.
    pub(in crate::generated) fn actions(&self) -> usize {
        match self {
            Self::Deploy { count, .. } => *count,
            _ => 1,
        }
    }
}

/// Steps that are one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::generated) struct Stage {
    /// The wave, by its place.
    pub(in crate::generated) wave: usize,
    /// Which of the wave's stages it is, from 1.
    pub(in crate::generated) part: usize,
    /// Its steps, one after another.
    pub(in crate::generated) steps: Vec<Step>,
}

/// The stages of a course: one for each wave, or several where one does not take all of its actions.
pub(in crate::generated) fn stages(course: &Course) -> Vec<Stage> {
    let mut before = 0;
    let mut all = Vec::new();
    for (at, wave) in course.waves.iter().enumerate() {
        let steps = of_wave(course, wave, before);
        before += wave.cells.len();
        all.extend(packed(at, steps));
    }
    all
}

fn packed(wave: usize, steps: Vec<Step>) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut actions = 0;
    for step in steps {
        if stages.is_empty() || actions + step.actions() > limits::STAGE_ACTIONS.most {
            stages.push(Stage { wave, part: stages.len() + 1, steps: Vec::new() });
            actions = 0;
        }
        actions += step.actions();
        if let Some(stage) = stages.last_mut() {
            stage.steps.push(step);
        }
    }
    stages
}

/// The steps of a wave before which so many cells of the course have their turn.
fn of_wave(course: &Course, wave: &Wave, before: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    if wave.approval {
        steps.push(Step::Approve);
    }
    let gated = |has: usize| !wave.follows && (course.window.is_some() || (wave.is_watched() && has > before));
    let mut has = before;
    let end = before + wave.cells.len();
    if wave.one_box && wave.cells.len() > 1 {
        steps.extend(gated(has).then_some(Step::Gate { count: has }));
        steps.push(Step::Deploy { first: has, count: 1 });
        has += 1;
        steps.push(Step::Bake { one_box: true, count: has });
    }
    // A stage takes no more beside each other.
    let most = wave.parallel.clamp(1, limits::STAGE_ACTIONS.most);
    while has < end {
        steps.extend(gated(has).then_some(Step::Gate { count: has }));
        let count = most.min(end - has);
        steps.push(Step::Deploy { first: has, count });
        has += count;
    }
    if !wave.follows {
        steps.push(Step::Bake { one_box: false, count: has });
    }
    steps
}
