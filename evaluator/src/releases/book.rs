//! What is kept of one component or permission set: its released version, what each cell has, the rollout under way. Pure
//! data, and what an event changes in it; where it lies is [`super::desk`]'s.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::rollout::state::{Cell, Why};
use crate::rollout::step::Step;
use crate::rollout::{CellState, Event, Phase, State};

use super::dossier::Dossier;
use super::driven::{Driven, Going};
use super::wishes::is_of_component;

/// The format this version writes. A reader takes any minor version of the same major one.
pub const FORMAT_VERSION: &str = "1.0";
/// How long a process that has died keeps others from going on with its rollout.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// Lines of the log that are kept.
const LINES: usize = 1_000;

/// What is kept of one component or permission set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    /// The format.
    #[serde(default)]
    pub format_version: String,
    /// What it is of, by address.
    pub of: String,
    /// The release that went through last: what new cells get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Has>,
    /// What each cell has, as it was read back.
    #[serde(default)]
    pub cells: BTreeMap<String, Has>,
    /// The rollout under way, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// What is begun when the rollout gives way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Queued>,
    /// Of what the releases that are spoken of were made, by the names of their dossiers: a commit, an artifact. Of one version there
    /// may be two, when somebody moves a tag.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub built: BTreeMap<String, BTreeMap<String, String>>,
    /// Where an earlier rollout was ended to stay, by cell, and the name of the dossier that stays there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stays: BTreeMap<String, String>,
    /// Where an earlier rollout failed, or could not go back, by cell, and what it brought: it may be there in part, until something
    /// has come there well.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub in_part: BTreeMap<String, InPart>,
    /// Where there was nothing before a release came, by cell, as [`super::Spec::place`] says it: what is there was made by releases, and is
    /// deleted by one that goes back and before which there was none. Written down before anything is created there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub made: BTreeMap<String, BTreeSet<String>>,
    /// What stays where a cell had it before its release came to another place: by cell and place, the name of the dossier that says
    /// what. An apply takes it away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub behind: BTreeMap<String, BTreeMap<String, String>>,
    /// The runs of a pipeline that brought or bring releases, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub driven: Vec<Driven>,
    /// What was taken back last, by the name of its dossier, until something is queued or begun: of a permission set the record
    /// still says its form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// What somebody took out of the queue last, until something is queued or begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unqueued: Option<Unqueuing>,
    /// How many rollouts there were.
    #[serde(default)]
    pub rollouts: u64,
    /// What happened, the oldest first.
    #[serde(default)]
    pub log: VecDeque<Note>,
}

/// A release that is somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Has {
    /// Its version.
    pub version: String,
    /// The dossier that says what it is.
    pub dossier: String,
    /// Since when.
    pub at: Timestamp,
    /// What was seen when it came.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub observed: String,
}

/// A release that may be somewhere in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InPart {
    /// Its version.
    pub version: String,
    /// The dossier that says what it is.
    pub dossier: String,
    /// Why not all of it came, or went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Where, if the cell has what it has in another place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// A place to which a release comes and where its cell had none, as [`super::Spec::place`] says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Where.
    pub place: String,
    /// Where the cell had it until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub had: Option<String>,
}

/// What was seen where a release is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The cell.
    pub cell: String,
    /// Where.
    pub at: Place,
    /// Whether something is there.
    pub stands: bool,
}

/// A rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Its number, from 1.
    pub number: u64,
    /// What it brings, by the name of its dossier.
    pub dossier: String,
    /// What each cell had when it began.
    pub former: BTreeMap<String, Has>,
    /// The cells to which it comes in a place where they had nothing of it, once it was looked what is there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looked: BTreeMap<String, Place>,
    /// Where it is.
    pub state: State,
    /// Who began it.
    pub by: String,
    /// When.
    pub begun: Timestamp,
    /// The process that carries it out, until it says so no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<Runner>,
}

/// A release that waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// Its version.
    pub version: String,
    /// What it brings.
    pub dossier: String,
    /// Who wants it.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
    /// Is it of an apply, which queues what is released to the cells that differ? Then another release takes its reason away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_apply: bool,
}

/// What was taken out of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unqueuing {
    /// Its version.
    pub version: String,
    /// Who took it out.
    pub by: String,
}

/// A process that carries a rollout out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runner {
    /// Its run.
    pub run: String,
    /// `user@host`
    pub who: String,
    /// Its process.
    pub process: u32,
    /// Until when nobody else carries it out.
    pub until: Timestamp,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// Which rollout.
    pub rollout: u64,
    /// What happened.
    pub what: String,
}

impl Book {
    /// One in which nothing was released yet.
    pub fn new(of: &str) -> Self {
        Self { format_version: FORMAT_VERSION.to_owned(), of: of.to_owned(), ..Self::default() }
    }

    /// The rollout, while it is not over, or something is under way in a cell of it.
    pub fn open(&self) -> Option<&Rollout> {
        self.rollout.as_ref().filter(|rollout| !rollout.state.is_over())
    }

    /// Whether something of it is under way, or queued.
    pub fn goes_on(&self) -> bool {
        self.open().is_some() || self.next.is_some() || self.under_way().is_some()
    }

    /// The version that was left in a cell when the release that brought it was ended there, to stay: nothing since has been
    /// brought to the cell.
    pub fn left(&self, cell: &str) -> Option<&str> {
        let has = self.cells.get(cell)?;
        let stopped = self.rollout.as_ref().is_some_and(|rollout| {
            matches!(rollout.state.phase, Phase::Stopped { .. }) && rollout.dossier == has.dossier
        });
        let mut runs = self.driven.iter().rev().take_while(|driven| driven.state != Going::Through);
        let ended = runs.any(|driven| {
            let came = driven.reached.get(cell).is_some_and(|reached| reached.dossier == has.dossier);
            came && driven.state == Going::Ended
        });
        let stays = self.stays.get(cell) == Some(&has.dossier);
        (stopped || ended || stays).then_some(has.version.as_str())
    }

    /// Whether something may be in a cell in part though nobody is at work there: it could not go back when the last rollout did, or
    /// failed in an earlier one. What it has is not what is written down.
    pub fn is_left_in_part(&self, cell: &str) -> bool {
        let over = self.rollout.as_ref().filter(|rollout| rollout.state.is_over());
        let last = over.and_then(|rollout| rollout.state.cells.get(cell));
        last.is_some_and(|cell| cell.state == CellState::Stuck) || self.in_part.contains_key(cell)
    }

    /// The cells in which something is, or may be in part, with the name of the dossier that says what.
    pub fn occupied(&self) -> BTreeMap<&String, &String> {
        let reached = self.rollout.iter().flat_map(|rollout| {
            let in_part = rollout.state.that_are(CellState::is_in_part);
            in_part.map(|(name, _)| (name, &rollout.dossier))
        });
        let behind =
            self.behind.iter().flat_map(|(name, places)| places.values().map(move |dossier| (name, dossier)));
        let in_part = self.in_part.iter().map(|(name, part)| (name, &part.dossier));
        behind
            .chain(in_part)
            .chain(reached)
            .chain(self.cells.iter().map(|(name, has)| (name, &has.dossier)))
            .collect()
    }

    /// The name of the dossier that says what is in a cell, or may be in part.
    pub fn in_cell(&self, cell: &str) -> Option<&String> {
        let in_part = |rollout: &&Rollout| rollout.state.cells.get(cell).is_some_and(|cell| cell.state.is_in_part());
        let has = self.cells.get(cell).map(|has| &has.dossier);
        has.or_else(|| self.rollout.as_ref().filter(in_part).map(|rollout| &rollout.dossier))
            .or_else(|| self.in_part.get(cell).map(|part| &part.dossier))
    }

    /// The names of all dossiers that say what is in a cell, or may be in part, in whatever place.
    pub fn all_in_cell(&self, cell: &str) -> BTreeSet<&String> {
        let in_part = |rollout: &&Rollout| rollout.state.cells.get(cell).is_some_and(|cell| cell.state.is_in_part());
        let reached = self.rollout.as_ref().filter(in_part).map(|rollout| &rollout.dossier);
        let behind = self.behind.get(cell).into_iter().flat_map(BTreeMap::values);
        let in_part = self.in_part.get(cell).map(|part| &part.dossier);
        behind.chain(self.cells.get(cell).map(|has| &has.dossier)).chain(reached).chain(in_part).collect()
    }

    /// The places in which something stays of a cell that has it elsewhere now: none while a rollout, or the run of a pipeline, may
    /// still go back there, nor where one was ended to stay.
    pub fn to_take_away(&self, cell: &str) -> BTreeMap<String, String> {
        let run = self.under_way().is_some_and(|driven| driven.reached.contains_key(cell));
        let stays = run || self.is_bound_for(cell) || self.left(cell).is_some() || self.is_left_in_part(cell);
        self.behind.get(cell).filter(|_| !stays).cloned().unwrap_or_default()
    }

    /// Does what is under way come to a cell, or go back there?
    pub fn is_bound_for(&self, cell: &str) -> bool {
        self.open().is_some_and(|rollout| rollout.state.cells.contains_key(cell))
    }

    /// What is under way comes to a cell no more, nor goes back there; what the cell has, or may have in part, stays written down. Nobody
    /// is at work in it.
    pub fn pass_by(&mut self, cell: &str) {
        if !self.is_bound_for(cell) {
            return;
        }
        self.keep_what_is_in_part(|name| name == cell);
        if let Some(rollout) = &mut self.rollout {
            rollout.state.leave([&cell.to_owned()]);
        }
    }

    /// A cell was emptied, and gets nothing of what is under way. Nobody is at work in it.
    pub fn leave(&mut self, cell: &str) {
        self.cells.remove(cell);
        self.in_part.remove(cell);
        self.made.remove(cell);
        self.behind.remove(cell);
        let is_part = |rollout: &&mut Rollout| {
            let in_part = rollout.state.cells.get(cell).is_some_and(|cell| cell.state.is_in_part());
            in_part || !rollout.state.is_over()
        };
        if let Some(rollout) = self.rollout.as_mut().filter(is_part) {
            rollout.state.leave([&cell.to_owned()]);
        }
    }

    /// Has these cells as those that are drained in what is under way; whether others were.
    pub fn drain(&mut self, cells: &BTreeSet<String>) -> bool {
        let open = self.rollout.as_mut().filter(|rollout| !rollout.state.phase.is_over());
        open.is_some_and(|rollout| rollout.state.draining != *cells && rollout.state.drain(cells))
    }

    /// Who ended a version before all cells had it, and whether it was begun.
    pub fn ended_by(&self, version: &str) -> Option<(&str, bool)> {
        if let Some(taken) = self.unqueued.as_ref().filter(|taken| taken.version == version) {
            return Some((&taken.by, false));
        }
        let rollout = self.rollout.as_ref().filter(|rollout| rollout.state.version == version)?;
        match &rollout.state.phase {
            Phase::Stopped { why: Why::Person { who } } => Some((who, true)),
            _ => None,
        }
    }

    /// Cells that have another release than the one that went through last, and which: by its version, and where that is the same,
    /// by what it was made of.
    pub fn beside_the_released(&self) -> impl Iterator<Item = (&String, String)> {
        let released = self.released.as_ref();
        self.cells.iter().filter_map(move |(cell, has)| {
            let differs = self.differs(has, &released?.dossier);
            match (has.version == released?.version, differs) {
                (true, None) => None,
                (true, Some(what)) => Some((cell, format!("{} of {what}", has.version))),
                (false, _) => Some((cell, has.version.clone())),
            }
        })
    }

    /// In what a release differs from that of another dossier, where both are known: `another commit`.
    pub fn differs(&self, has: &Has, from: &str) -> Option<String> {
        other_than(self.built.get(&has.dossier)?, self.built.get(from)?)
    }

    /// Remembers of what a release was made; and forgets it of those that nobody speaks of any more.
    pub fn is_of(&mut self, dossier: &str, made: &Dossier) {
        let rollout = self.rollout.iter();
        let spoken = rollout.flat_map(|one| one.former.values().map(|has| &has.dossier).chain([&one.dossier]));
        let has = self.cells.values().chain(&self.released).map(|has| &has.dossier);
        let in_part = self.in_part.values().map(|part| &part.dossier);
        let behind = self.behind.values().flat_map(BTreeMap::values);
        let known: BTreeSet<&String> = spoken.chain(has).chain(in_part).chain(behind).collect();
        self.built.retain(|name, _| known.contains(name));
        if !made.digests.is_empty() {
            self.built.insert(dossier.to_owned(), made.digests.clone());
        }
    }

    /// Writes a line of the log.
    pub fn note(&mut self, at: Timestamp, what: String) {
        self.log.push_back(Note { at, rollout: self.rollouts, what });
        while self.log.len() > LINES {
            self.log.pop_front();
        }
    }

    /// Begins the rollout of what is queued.
    pub fn begin(&mut self, queued: Queued, dossier: &Dossier, at: Timestamp) {
        self.rollouts += 1;
        self.withdrawn = None;
        self.unqueued = None;
        let stays = self.cells.iter().filter(|(cell, _)| self.left(cell).is_some());
        self.stays = stays.map(|(cell, has)| (cell.clone(), has.dossier.clone())).collect();
        self.keep_what_is_in_part(|_| true);
        let former = |cell: &str| self.cells.get(cell).cloned();
        let mut state = State::new(&dossier.course, &queued.version, at, |cell| former(cell).map(|has| has.version));
        // What had the form before stays with it: an earlier rollout was ended there to stay.
        let had_another = |cell: &&String| former(cell).is_some_and(|has| has.version != queued.version);
        let came: Vec<String> = dossier.in_no_wave().filter(had_another).cloned().collect();
        for cell in &came {
            let (wave, former) = (dossier.course.waves.len(), former(cell).map(|has| has.version));
            state.cells.put(cell.clone(), Cell { state: CellState::AtOnce, wave, former, why: None });
        }
        let mut former: BTreeMap<String, Has> =
            state.cells.keys().filter_map(|cell| Some((cell.clone(), former(cell)?))).collect();
        if dossier.is_of_a_set() {
            one_form(&mut state, &mut former);
        }
        self.is_of(&queued.dossier, dossier);
        let Queued { version, dossier, by, .. } = queued;
        for cell in came {
            let observed = "provisioned by the apply that queued it".to_owned();
            self.cells.insert(cell, Has { version: version.clone(), dossier: dossier.clone(), at, observed });
        }
        let (number, looked) = (self.rollouts, BTreeMap::new());
        self.rollout =
            Some(Rollout { number, dossier, former, looked, state, by: by.clone(), begun: at, runner: None });
        self.note(at, format!("{version} begun by {by}"));
    }

    /// What is in places to which the rollout comes, before it does anything there.
    pub fn arrive(&mut self, arrivals: &[Arrival]) {
        for arrival in arrivals {
            self.found(arrival);
            if let Some(rollout) = &mut self.rollout {
                rollout.looked.insert(arrival.cell.clone(), arrival.at.clone());
            }
        }
    }

    /// What is in a place to which a release comes: what comes where nothing was is of releases.
    pub fn found(&mut self, arrival: &Arrival) {
        if !arrival.stands {
            self.made.entry(arrival.cell.clone()).or_default().insert(arrival.at.place.clone());
        }
    }

    /// A cell has it in a place now; what it `had` in another one stays there.
    pub fn moves(&mut self, cell: &str, at: &Place, had: Option<&Has>) {
        let behind = self.behind.entry(cell.to_owned()).or_default();
        behind.extend(at.had.clone().zip(had.map(|had| had.dossier.clone())));
        behind.remove(&at.place);
        self.behind.retain(|_, places| !places.is_empty());
    }

    /// A cell has again what it had in another place.
    pub fn returns(&mut self, cell: &str, at: &Place) {
        if let (Some(places), Some(had)) = (self.behind.get_mut(cell), &at.had) {
            places.remove(had);
        }
        self.behind.retain(|_, places| !places.is_empty());
    }

    /// Was nothing in a place before a release came there?
    pub fn has_made(&self, cell: &str, place: &str) -> bool {
        self.made.get(cell).is_some_and(|made| made.contains(place))
    }

    /// Takes in what an event has brought about, once `next` is what follows from it and the state that this book has, and was not
    /// refused. `observed` is what was seen.
    pub fn took(&mut self, next: Step, event: &Event, observed: &str) {
        let Step { state, before, were, refused, .. } = next;
        debug_assert_eq!(refused, None, "{event:?} was not taken");
        let at = state.now;
        let Some(rollout) = &mut self.rollout else { return };
        rollout.state = state;
        match event {
            Event::Deployed { cell } => {
                let (version, dossier) = (rollout.state.version.clone(), rollout.dossier.clone());
                let has = Has { version, dossier, at, observed: observed.to_owned() };
                let (at, had) = (rollout.looked.get(cell).cloned(), rollout.former.get(cell).cloned());
                self.cells.insert(cell.clone(), has);
                self.stays.remove(cell);
                let part = self.in_part.remove(cell);
                if let Some((place, part)) = part.and_then(|part| Some((part.place.clone()?, part))) {
                    self.behind.entry(cell.clone()).or_default().insert(place, part.dossier);
                }
                if let Some(at) = at {
                    self.moves(cell, &at, had.as_ref());
                }
            }
            Event::WentBack { cell } => {
                self.in_part.remove(cell);
                self.made.remove(cell);
                self.withdrawn = Some(rollout.dossier.clone());
                let came = rollout.looked.remove(cell);
                match rollout.former.get(cell) {
                    Some(former) => self.cells.insert(cell.clone(), Has { at, ..former.clone() }),
                    None => self.cells.remove(cell),
                };
                if let Some(came) = came.filter(|came| came.had.is_some()) {
                    self.returns(cell, &came);
                    self.note(at, format!("{cell}: {observed}"));
                }
            }
            _ => {}
        }
        let Some(rollout) = &self.rollout else { return };
        // What may be in part in a cell that has left is taken away by the apply that ends the cell.
        for (cell, was) in &were {
            if was.state.is_in_part() && !rollout.state.cells.contains_key(cell) {
                let (version, dossier) = (rollout.state.version.clone(), rollout.dossier.clone());
                let has = Has { version, dossier, at, observed: "it may be there in part".to_owned() };
                self.cells.entry(cell.clone()).or_insert(has);
            }
        }
        let (version, dossier) = (rollout.state.version.clone(), rollout.dossier.clone());
        let told = lines(&rollout.state, &before, &were, event);
        if rollout.state.phase == Phase::Done && before != Phase::Done {
            // Where it has come well there is something to go back to from now on.
            let reached: BTreeSet<&String> =
                rollout.state.that_are(CellState::is_in_part).map(|(cell, _)| cell).collect();
            self.made.retain(|cell, _| reached.contains(cell) || self.in_part.contains_key(cell));
            self.fall_away(&version, "is released", at);
            self.released = Some(Has { version: version.clone(), dossier, at, observed: String::new() });
        }
        if matches!((event, &before), (Event::Resumed { .. }, Phase::Stopped { .. })) {
            self.fall_away(&version, "goes on", at);
        }
        told.into_iter().for_each(|line| self.note(at, line));
    }
}

impl Book {
    /// Remembers of the rollout where it failed, could not go back or is at work, of the cells `that` are asked for: it will not say so any
    /// more.
    fn keep_what_is_in_part(&mut self, that: impl Fn(&str) -> bool) {
        let Some(rollout) = &self.rollout else { return };
        let part = |(name, cell): (&String, &Cell)| {
            let (version, dossier) = (rollout.state.version.clone(), rollout.dossier.clone());
            let moved = rollout.looked.get(name).filter(|at| at.had.is_some());
            let place = moved.map(|at| at.place.clone());
            (name.clone(), InPart { version, dossier, why: cell.why.clone(), place })
        };
        self.in_part.extend(rollout.state.that_are(CellState::is_in_part).filter(|(name, _)| that(name)).map(part));
    }

    /// What an apply has queued of the version that was released until now has no reason any more once another is: the next apply
    /// queues what differs from that. A permission set has one form, and what an apply queues of it is the newest.
    fn fall_away(&mut self, version: &str, why: &str, at: Timestamp) {
        let stale = |next: &mut Queued| next.of_apply && next.version != version;
        if is_of_component(&self.of)
            && let Some(next) = self.next.take_if(stale)
        {
            self.note(at, format!("{} left the queue: {version} {why}", next.version));
        }
    }
}

/// In what something else was made of two releases: `another commit`.
pub fn other_than(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Option<String> {
    let what = one.iter().find(|(what, digest)| other.get(*what).is_some_and(|other| other != *digest))?.0;
    Some(format!("another {what}"))
}

/// A permission set has one form, so all of its accounts go back to one: to that of the last wave, where a rollout that this one
/// takes the place of has come last.
fn one_form(state: &mut State, former: &mut BTreeMap<String, Has>) {
    let waits =
        state.cells.iter().filter(|(name, cell)| cell.state == CellState::Waiting && former.contains_key(*name));
    let Some(last) = waits.max_by_key(|(_, cell)| cell.wave).and_then(|(name, _)| former.get(name).cloned()) else {
        return;
    };
    for (name, has) in former.iter_mut() {
        has.clone_from(&last);
        state.cells.change(name, |cell| cell.former = Some(last.version.clone()));
    }
}

/// What a transition is told as, by what the rollout did and its changed cells were before.
fn lines(after: &State, before: &Phase, were: &BTreeMap<String, Cell>, event: &Event) -> Vec<String> {
    let mut all = Vec::new();
    all.extend(match event {
        Event::Failed { cell, why } => Some(format!("{cell} failed: {why}")),
        Event::StuckBack { cell, why } => Some(format!("{cell} could not go back: {why}")),
        Event::Approved { who } => Some(format!("approved by {who}")),
        Event::Paused { who } => Some(format!("paused by {who}")),
        Event::Resumed { who } => Some(format!("resumed by {who}")),
        Event::Aborted { who, back: true } => Some(format!("ended and taken back by {who}")),
        Event::Aborted { who, back: false } => Some(format!("ended by {who}")),
        Event::Found { cells } => {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            Some(format!("somebody else has brought it to {}: that goes back, too", cells.join(", ")))
        }
        _ => None,
    });
    let stayed = were.iter().filter_map(|(name, was)| Some((name, was, after.cells.get(name)?)));
    let changed = stayed.filter(|(_, was, cell)| cell.state != was.state);
    all.extend(changed.map(|(name, _, cell)| format!("{name} {}", cell.state.word())));
    let left = were.keys().filter(|name| !after.cells.contains_key(*name));
    all.extend(left.map(|name| format!("{name} has left: nothing of it comes there")));
    if before.word() != after.phase.word() {
        all.push(match after.phase.why() {
            Some(why) => format!("{}: {why}", after.phase.word()),
            None => after.phase.word().to_owned(),
        });
    }
    all
}
