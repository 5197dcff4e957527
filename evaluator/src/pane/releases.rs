//! What books of releases say: of a component as a whole, and of a cell. Owns the comparison of what a cell has with what is
//! released and with what a rollout brings.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::releases::{Book, Driven, Going, apart};
use crate::rollout::{CellState, Phase};

use super::model::{Compared, Next, Note, PipelineRun, Place, Release, Released, Rollout, Version};
use super::rows::Shelved;

/// Whether versions of it stand in cells: a permission set has none that people say.
pub(super) fn is_component(of: &str) -> bool {
    of.rsplit_once('.').is_some_and(|(kinds, _)| kinds.rsplit('.').next() == Some("component"))
}

/// A component or a permission set as a whole.
pub(super) fn release(of: &str, shelved: &Shelved, at: Timestamp) -> Release {
    let book = &shelved.book;
    Release {
        of: of.to_owned(),
        component: is_component(of),
        released: book.released.as_ref().map(|has| Released { version: has.version.clone(), since: has.at }),
        rollout: book.rollout.as_ref().map(|_| rollout(shelved, at)).unwrap_or_default(),
        next: book.next.as_ref().map(|next| Next {
            version: next.version.clone(),
            by: next.by.clone(),
            since: next.at,
        }),
        runs: book.driven.iter().filter(|driven| driven.state == Going::Forth).map(run).collect(),
        apart: apart(book),
    }
}

fn run(driven: &Driven) -> PipelineRun {
    let Driven { run, version, by, begun, reached, failed, .. } = driven;
    PipelineRun {
        run: run.clone(),
        version: version.clone(),
        by: by.clone(),
        since: *begun,
        reached: reached.len(),
        failed: failed.len(),
    }
}

fn rollout(shelved: &Shelved, at: Timestamp) -> Option<Rollout> {
    let rollout = shelved.book.rollout.as_ref()?;
    let state = &rollout.state;
    let mut cells: BTreeMap<String, usize> = BTreeMap::new();
    for cell in state.cells.values() {
        *cells.entry(word(cell.state, &state.phase).to_owned()).or_default() += 1;
    }
    let until = match state.phase {
        Phase::Shut { until } | Phase::Baking { until, .. } => Some(until),
        _ => None,
    };
    let open = !state.is_over();
    let runner = rollout.runner.as_ref().filter(|runner| open && runner.until > at);
    Some(Rollout {
        number: rollout.number,
        version: state.version.clone(),
        phase: state.phase.word().to_owned(),
        why: match &state.phase {
            Phase::Superseded { by } => Some(format!("{by} took its place")),
            phase => phase.why().map(ToString::to_string),
        },
        open,
        paused: open && state.paused,
        wave: match shelved.waves.get(state.wave) {
            Some(wave) => wave.clone(),
            // Its dossier is gone.
            None if shelved.waves.is_empty() => format!("number {}", state.wave + 1),
            None => "after the last".to_owned(),
        },
        until: until.filter(|_| open),
        by: rollout.by.clone(),
        begun: rollout.begun,
        runner: runner.map(|runner| runner.who.clone()),
        cells,
    })
}

/// One word of a state.
fn word(state: CellState, phase: &Phase) -> &'static str {
    match state {
        CellState::Skipped => "skipped",
        state => state.word_in(phase),
    }
}

/// What a cell has of a component.
pub(super) fn version(book: &Book, cell: &str) -> Version {
    let has = book.cells.get(cell);
    let rollout = book.rollout.as_ref();
    let brings = book.open().map(|rollout| rollout.state.version.as_str());
    let released = book.released.as_ref().map(|released| released.version.as_str());
    let another = match (has, &book.released) {
        (Some(has), Some(released)) => book.differs(has, &released.dossier).is_some(),
        _ => false,
    };
    let compared = match (has.map(|has| has.version.as_str()), released) {
        (None, _) => Compared::Missing,
        (Some(version), Some(released)) if version == released && !another => Compared::Released,
        (Some(version), _) if brings == Some(version) => Compared::Coming,
        (Some(_), Some(_)) => Compared::Differs,
        (Some(_), None) => Compared::Unreleased,
    };
    let place = rollout.and_then(|rollout| {
        let at = rollout.state.cells.get(cell)?;
        // Where all went well, or nothing more comes of it, the version says it all.
        let over = rollout.state.phase.is_over();
        let told = match at.state {
            CellState::Done => !over,
            CellState::AtOnce => false,
            CellState::Waiting | CellState::Skipped | CellState::Baking => !over,
            CellState::Deploying | CellState::Failed | CellState::RollingBack => true,
            CellState::RolledBack | CellState::Stuck => true,
        };
        let place = Place {
            state: word(at.state, &rollout.state.phase).to_owned(),
            to: rollout.state.version.clone(),
            why: at.why.clone(),
        };
        told.then_some(place)
    });
    let (version, since) = (has.map(|has| has.version.clone()), has.map(|has| has.at));
    Version { version, since, compared, rollout: place }
}

/// What somebody has to know of a cell's part in a rollout.
pub(super) fn note(of: &str, book: &Book, cell: &str) -> Option<Note> {
    let part = book.in_part.get(cell).map(|part| Note {
        grave: true,
        text: format!(
            "{of} {} may be there in part: it failed or could not go back, and nothing has come there well since{}",
            part.version,
            because(part.why.as_ref())
        ),
    });
    let behind = book.behind.get(cell).map(|places| {
        let places: Vec<&str> = places.keys().map(String::as_str).collect();
        let places = places.join("; ");
        Note {
            grave: true,
            text: format!("{of}: {places} stays, where the cell had it before; `cellc apply` takes it away"),
        }
    });
    of_the_last(of, book, cell).or(part).or(behind)
}

fn because(why: Option<&String>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}

/// What a cell waits for that has nothing of a component: an apply brings what is released to a new one.
pub(super) fn awaited(of: &str, shelved: &Shelved, version: &Version) -> Option<Note> {
    let released =
        shelved.book.released.as_ref().filter(|_| version.version.is_none() && version.rollout.is_none())?;
    let text = format!("{of} is not deployed there yet: `cellc apply` brings {}", released.version);
    Some(Note { grave: false, text })
}

fn of_the_last(of: &str, book: &Book, cell: &str) -> Option<Note> {
    let rollout = book.rollout.as_ref()?;
    let at = rollout.state.cells.get(cell)?;
    let version = &rollout.state.version;
    let why = because(at.why.as_ref());
    let text = match at.state {
        // It has what it had, and is well: why nothing came is asked all the same.
        CellState::RolledBack if at.why.is_some() => {
            return Some(Note { grave: false, text: format!("{of} {version} failed there and went back{why}") });
        }
        CellState::RolledBack => {
            let why = because(rollout.state.phase.why().map(ToString::to_string).as_ref());
            return Some(Note { grave: false, text: format!("{of} went back there from {version}{why}") });
        }
        CellState::Failed => format!("{of} {version} failed{why}"),
        CellState::Stuck => format!("{of} could not go back from {version}{why}"),
        CellState::Deploying if rollout.state.phase.is_over() => {
            format!("{of} {version} is under way there though its rollout has stopped: `cellc rollout run` ends that")
        }
        _ => return None,
    };
    Some(Note { grave: true, text })
}
