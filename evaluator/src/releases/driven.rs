//! A release that a pipeline takes from wave to wave. Each action of the pipeline is a process of its own that brings the
//! release to one cell; what they know of each other stands in the book. Owns what is kept between them, and the way back.
//! The order of the cells, the bakes and the alarms are the pipeline's.
//!
//! INVARIANT: what a cell had is written before anything is brought to it. INVARIANT: a run that was taken back brings nothing
//! more: an action that finds so when it is through takes its own cell back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::book::{Arrival, Book, Has, Place};
use super::clerk::Clerk;
use super::desk::DeskError;
use super::dossier::Dossier;
use super::engine::arrives;
use super::flight::return_to;
use super::targets::{Failed, Order};
use super::wishes::{Release, Unready, Wish};
use crate::live::parallel;
use crate::registry::record::Record;
use crate::rollout::Wave;
use crate::stacks::token;

/// Runs that are kept, those that are through with them: an action that comes late finds its own.
const KEPT: usize = 10;
/// Cells that go back at a time.
const AT_A_TIME: usize = 64;

/// A run of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Driven {
    /// Its name: the id of the pipeline's execution.
    pub run: String,
    /// The version that it brings.
    pub version: String,
    /// Who began it.
    pub by: String,
    /// When.
    pub begun: Timestamp,
    /// Where it is.
    pub state: Going,
    /// The cells it was brought to, or is being brought to.
    pub reached: BTreeMap<String, Reached>,
    /// What was released before, once this is; it is released again when this goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_before: Option<Has>,
    /// The cells that could not take it, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<String, String>,
}

/// A cell that a run has reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// What is brought to it, by the name of its dossier.
    pub dossier: String,
    /// What it had before; none when that was nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub had: Option<Has>,
    /// Where it comes, if the cell had none there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Going {
    /// It goes on.
    Forth,
    /// Every cell has it.
    Through,
    /// It was ended, and what it reached stays.
    Ended,
    /// It was taken back.
    Back,
}

impl Going {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Forth => "under way",
            Self::Through => "through",
            Self::Ended => "ended",
            Self::Back => "taken back",
        }
    }
}

/// One action of a pipeline.
#[derive(Debug, Clone, Copy)]
pub struct Action<'a> {
    /// The run.
    pub run: &'a str,
    /// The cell.
    pub cell: &'a str,
    /// The cells that are being drained.
    pub draining: &'a BTreeSet<String>,
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brought {
    /// The cell has it: what was seen.
    There(String),
    /// The cell is being drained.
    Drained,
    /// It could not take it, and the wave tolerates that: why.
    Tolerated(String),
}

/// Why an action did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Undriven {
    /// `cellc` goes through the waves itself.
    #[error("{of} is under way by `cellc rollout run`: {version}, begun by {by}")]
    Rollout {
        /// Of what.
        of: String,
        /// The version.
        version: String,
        /// Who began it.
        by: String,
    },
    /// The run is over.
    #[error("run {run} is {}: it brings nothing more", .state.word())]
    Over {
        /// The run.
        run: String,
        /// How.
        state: Going,
    },
    /// The run brings another version.
    #[error("run {run} brings {brings}, and not {asked}")]
    Another {
        /// The run.
        run: String,
        /// Its version.
        brings: String,
        /// The version that was asked for.
        asked: String,
    },
    /// No such run.
    #[error("no run {0} has brought anything")]
    Unknown(String),
    /// What it brings is not known.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unready(Vec<Unready>),
    /// The component does not go to the cell.
    #[error("{0} takes no release of it")]
    NoCell(String),
    /// The cell could not take it, and the wave tolerates no more.
    #[error("{cell}: {why}")]
    Failed {
        /// The cell.
        cell: String,
        /// Why.
        why: String,
    },
    /// The run was taken back meanwhile.
    #[error("run {run} was taken back meanwhile; {cell}: {how}")]
    Crossed {
        /// The run.
        run: String,
        /// The cell.
        cell: String,
        /// What became of the cell.
        how: String,
    },
    /// The process was told to stop.
    #[error("it was interrupted; the same again goes on")]
    Interrupted,
    /// The book cannot be kept.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// A cell, and what was seen when it went back, or why it could not.
pub type WentBack = (String, Result<String, String>);

impl Driven {
    fn is(&self, run: &str) -> bool {
        self.run == run
    }
}

impl Book {
    /// A run of a pipeline.
    pub fn driven(&self, run: &str) -> Option<&Driven> {
        self.driven.iter().find(|driven| driven.is(run))
    }

    fn run_mut(&mut self, run: &str) -> Option<&mut Driven> {
        self.driven.iter_mut().find(|driven| driven.is(run))
    }

    fn not_by_rollout(&self) -> Result<(), Undriven> {
        match self.open() {
            Some(rollout) => Err(Undriven::Rollout {
                of: self.of.clone(),
                version: rollout.state.version.clone(),
                by: rollout.by.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Begins a run, unless it is there.
    fn drives(&mut self, (run, version): (&str, &str), (by, at): (&str, Timestamp)) {
        if self.driven(run).is_some() {
            return;
        }
        if self.driven.len() >= KEPT {
            let oldest = self.driven.iter().position(|driven| driven.state != Going::Forth).unwrap_or(0);
            self.driven.remove(oldest);
        }
        let (run, version, by) = (run.to_owned(), version.to_owned(), by.to_owned());
        let (reached, failed) = (BTreeMap::new(), BTreeMap::new());
        self.note(at, format!("{version} begun by the pipeline's run {run}"));
        let state = Going::Forth;
        self.driven.push(Driven { run, version, by, begun: at, state, reached, released_before: None, failed });
    }

    /// When every cell has had its turn, what the run brought is released, and the runs before it are over.
    fn settle(&mut self, wish: &Wish, action: Action<'_>, at: Timestamp) {
        let Some(position) = self.driven.iter().position(|driven| driven.is(action.run)) else { return };
        let (before, rest) = self.driven.split_at_mut(position);
        let Some(driven) = rest.first_mut().filter(|driven| driven.state == Going::Forth) else { return };
        let has = |cell: &String| {
            let reached = driven.reached.get(cell)?;
            self.cells.get(cell).filter(|has| has.dossier == reached.dossier)
        };
        let had_its_turn =
            |cell: &String| action.draining.contains(cell) || driven.failed.contains_key(cell) || has(cell).is_some();
        let through = wish.cells.keys().filter(|cell| has(cell).is_some()).count();
        let failed =
            wish.cells.keys().filter(|cell| has(cell).is_none() && driven.failed.contains_key(*cell)).count();
        let is_over = wish.cells.keys().all(had_its_turn) && wish.course.is_passed(through, failed);
        let Some(released) = wish.cells.keys().find_map(has).filter(|_| is_over) else {
            return;
        };
        let released = Has { at, observed: String::new(), ..released.clone() };
        driven.state = Going::Through;
        driven.released_before = self.released.take();
        for driven in before.iter_mut().filter(|driven| driven.state == Going::Forth) {
            driven.state = Going::Ended;
        }
        self.note(at, format!("{} is released", released.version));
        self.released = Some(released);
    }

    /// Ends a run. One that was released last and goes back, from the bake of its last wave, is released no more.
    fn end_run(&mut self, run: &str, state: Going) {
        let last = self.driven.iter().rev().find(|driven| driven.state == Going::Through);
        let is_last = last.is_some_and(|driven| driven.is(run));
        let Some(driven) = self.driven.iter_mut().find(|driven| driven.is(run)) else { return };
        if is_last && state == Going::Back {
            self.released = driven.released_before.take();
        }
        driven.state = state;
    }

    /// What a run has brought to a cell, and what the cell had before: nothing that was taken back itself since.
    fn reached(&self, run: &str, cell: &str) -> Option<Reached> {
        let mut reached = self.driven(run)?.reached.get(cell)?.clone();
        let earlier = self.driven.iter().rev().skip_while(|driven| !driven.is(run)).skip(1);
        for gone in earlier.filter(|driven| driven.state == Going::Back) {
            let Some(own) = gone.reached.get(cell) else { continue };
            if reached.had.as_ref().is_some_and(|had| had.dossier == own.dossier) {
                reached.had.clone_from(&own.had);
            }
        }
        Some(reached)
    }

    /// The run of a pipeline that is under way, the last one.
    pub fn under_way(&self) -> Option<&Driven> {
        self.driven.iter().rev().find(|driven| driven.state == Going::Forth)
    }

    /// Does the cell have something that came by a later run?
    fn has_newer(&self, run: &str, cell: &str) -> bool {
        let later = self.driven.iter().skip_while(|driven| !driven.is(run)).skip(1);
        later.filter(|driven| driven.state != Going::Back).any(|driven| driven.reached.contains_key(cell))
    }
}

impl Clerk<'_> {
    /// Brings a release to one cell, as an action of a pipeline.
    ///
    /// # Errors
    /// When the cell could not take it and its wave tolerates no more, when the run was taken back, or when nothing was begun.
    pub fn drive(
        &self,
        wish: &Wish,
        release: &Release,
        record: &Record,
        action: Action<'_>,
        see: &mut dyn FnMut(&str),
    ) -> Result<Brought, Undriven> {
        let Action { run, cell, draining } = action;
        if !wish.cells.contains_key(cell) {
            return Err(Undriven::NoCell(cell.to_owned()));
        }
        let drained = draining.contains(cell);
        let dossier = wish.dossier(release, record, &|other| other == cell).map_err(Undriven::Unready)?;
        let name = self.desk.file(&dossier)?;
        let what = dossier.cells.get(cell).ok_or_else(|| Undriven::NoCell(cell.to_owned()))?;
        let word = token(run, &format!("{} {cell}", wish.of));
        let order = Order { cell, what, of: &dossier, back: false, created: false, token: &word };
        let arrival = if drained { None } else { self.arrival(order)? };
        let now = self.clock.now();
        self.changed(&wish.of, |book| {
            book.not_by_rollout()?;
            book.drives((run, &release.version), (&self.who, now));
            let had = book.cells.get(cell).cloned();
            let Some(driven) = book.run_mut(run) else { return Err(Undriven::Unknown(run.to_owned())) };
            if matches!(driven.state, Going::Back | Going::Ended) {
                return Err(Undriven::Over { run: run.to_owned(), state: driven.state });
            }
            if driven.version != release.version {
                let (brings, asked) = (driven.version.clone(), release.version.clone());
                return Err(Undriven::Another { run: run.to_owned(), brings, asked });
            }
            if drained {
                book.note(now, format!("{cell} is being drained, and skipped"));
                book.settle(wish, action, now);
            } else {
                let at = arrival.as_ref().map(|arrival| arrival.at.clone());
                let reached = Reached { dossier: String::new(), had, at };
                name.clone_into(&mut driven.reached.entry(cell.to_owned()).or_insert(reached).dossier);
                book.is_of(&name, &dossier);
                arrival.iter().for_each(|arrival| book.found(arrival));
            }
            Ok(())
        })?;
        if drained {
            return Ok(Brought::Drained);
        }
        match self.targets.bring(order, see) {
            Ok(observed) => {
                let has = Has { version: release.version.clone(), dossier: name, at: self.clock.now(), observed };
                self.arrived(wish, action, &has, see)
            }
            Err(Failed::Interrupted) => Err(Undriven::Interrupted),
            Err(Failed::Why(why)) => self.failed(wish, action, &why),
        }
    }

    /// What is there where a release is to come, if the cell has none in that place.
    fn arrival(&self, order: Order<'_>) -> Result<Option<Arrival>, Undriven> {
        let Order { cell, what, of, .. } = order;
        let book = self.desk.read(&of.of)?.book;
        let had = book.cells.get(cell).map(|has| self.desk.dossier(&of.of, &has.dossier)).transpose()?;
        let had = had.as_ref().and_then(|had| had.cells.get(cell));
        let Some(at) = arrives(&what.spec, had.map(|had| &had.spec)) else { return Ok(None) };
        match self.targets.stands(order) {
            Ok(stands) => Ok(Some(Arrival { cell: cell.to_owned(), at, stands })),
            Err(Failed::Interrupted) => Err(Undriven::Interrupted),
            Err(Failed::Why(why)) => Err(Undriven::Failed { cell: cell.to_owned(), why }),
        }
    }

    /// Writes down that a cell has it; whether the release is through with that.
    fn arrived(
        &self,
        wish: &Wish,
        action: Action<'_>,
        has: &Has,
        see: &mut dyn FnMut(&str),
    ) -> Result<Brought, Undriven> {
        let Action { run, cell, .. } = action;
        let back = self.changed(&wish.of, |book| {
            book.note(has.at, format!("{cell} got {} by run {run}", has.version));
            book.cells.insert(cell.to_owned(), has.clone());
            if let Some(Reached { had, at: Some(at), .. }) = book.reached(run, cell) {
                book.moves(cell, &at, had.as_ref());
            }
            let Some(driven) = book.run_mut(run) else { return Err(Undriven::Unknown(run.to_owned())) };
            driven.failed.remove(cell);
            if driven.state == Going::Back {
                return Ok(true);
            }
            book.settle(wish, action, has.at);
            Ok(false)
        })?;
        if !back {
            return Ok(Brought::There(has.observed.clone()));
        }
        let how = match self.back(&wish.of, run, cell, see) {
            Ok(how) => how,
            Err(why) => format!("it could not go back: {why}"),
        };
        Err(Undriven::Crossed { run: run.to_owned(), cell: cell.to_owned(), how })
    }

    /// Writes down that a cell could not take it; whether its wave tolerates that.
    fn failed(&self, wish: &Wish, action: Action<'_>, why: &str) -> Result<Brought, Undriven> {
        let Action { run, cell, .. } = action;
        let now = self.clock.now();
        let of_cell = |wave: &&Wave| wave.cells.iter().any(|own| own == cell);
        let wave = wish.course.waves.iter().find(of_cell);
        let tolerated = self.changed(&wish.of, |book| {
            book.note(now, format!("{cell} failed in run {run}: {why}"));
            let Some(driven) = book.run_mut(run) else { return Err(Undriven::Unknown(run.to_owned())) };
            driven.failed.insert(cell.to_owned(), why.to_owned());
            let failed = |wave: &Wave| wave.cells.iter().filter(|cell| driven.failed.contains_key(*cell)).count();
            let tolerates = |wave: &Wave| !wave.is_one_box(cell) && failed(wave) <= wave.tolerate;
            let tolerated = driven.state == Going::Forth && wave.is_some_and(tolerates);
            if tolerated {
                book.settle(wish, action, now);
            }
            Ok(tolerated)
        })?;
        if tolerated {
            return Ok(Brought::Tolerated(why.to_owned()));
        }
        Err(Undriven::Failed { cell: cell.to_owned(), why: why.to_owned() })
    }

    /// Ends a run, and takes every cell that it has reached back to what it had; what became of each. Where a later run has
    /// brought something since, that stays. The same again does what is left.
    ///
    /// # Errors
    /// When there is no such run, when `cellc` goes through the waves itself, or when the book cannot be kept.
    pub fn take_back(
        &self,
        of: &str,
        run: &str,
        see: &(dyn Fn(&str, &str) + Sync),
    ) -> Result<Vec<WentBack>, Undriven> {
        let cells = self.end(of, run, Going::Back)?;
        let work = |cell: &String| {
            let back = self.back(of, run, cell, &mut |text| see(cell, text));
            Ok::<_, Undriven>((cell.clone(), back))
        };
        parallel::each(AT_A_TIME, &cells, work)
    }

    /// Ends a run, in which way is said; the cells that it has reached.
    ///
    /// # Errors
    /// As [`Clerk::take_back`].
    pub fn end(&self, of: &str, run: &str, state: Going) -> Result<Vec<String>, Undriven> {
        let now = self.clock.now();
        self.changed(of, |book| {
            book.not_by_rollout()?;
            let Some(driven) = book.driven(run) else { return Err(Undriven::Unknown(run.to_owned())) };
            let cells = driven.reached.keys().cloned().collect();
            if driven.state != state {
                book.end_run(run, state);
                book.note(now, format!("run {run} {} by {}", state.word(), self.who));
            }
            Ok(cells)
        })
    }

    /// Takes one cell back; what was seen.
    fn back(&self, of: &str, run: &str, cell: &str, see: &mut dyn FnMut(&str)) -> Result<String, String> {
        let failed = |error: DeskError| error.to_string();
        let book = self.desk.read(of).map_err(failed)?.book;
        if book.has_newer(run, cell) {
            return Ok("left as it is: a later run has brought it something".to_owned());
        }
        let Some(Reached { dossier, had, at: came }) = book.reached(run, cell) else {
            return Ok("it was not reached".to_owned());
        };
        let brought = self.desk.dossier(of, &dossier).map_err(failed)?;
        let former = had.as_ref().map(|had| self.desk.dossier(of, &had.dossier)).transpose().map_err(failed)?;
        let made = |place: &str| book.has_made(cell, place);
        let observed = self.carry((&brought, former.as_ref()), (run, cell), made, see)?;
        let at = self.clock.now();
        self.changed(of, |book| {
            match &had {
                Some(had) => _ = book.cells.insert(cell.to_owned(), Has { at, ..had.clone() }),
                None => _ = book.cells.remove(cell),
            }
            book.made.remove(cell);
            came.iter().for_each(|came| book.returns(cell, came));
            book.note(at, format!("{cell} went back from run {run}"));
            Ok(())
        })
        .map_err(|error| error.to_string())?;
        Ok(observed)
    }

    /// Brings a cell back to what it had, and takes away what was brought to where it had nothing.
    fn carry(
        &self,
        (brought, former): (&Dossier, Option<&Dossier>),
        (run, cell): (&str, &str),
        made: impl Fn(&str) -> bool,
        see: &mut dyn FnMut(&str),
    ) -> Result<String, String> {
        let word = token(run, &format!("{} {cell} back", brought.of));
        let order = |of| way_back(of, cell, &made, &word);
        let away = order(brought);
        let done = match (former.and_then(order), away) {
            (Some(had), away) => return_to(self.targets, had, away, see),
            (None, Some(away)) if former.is_none() => self.targets.take_away(away, see),
            (None, _) => Ok("it had nothing".to_owned()),
        };
        done.map_err(|failed| failed.to_string())
    }

    fn changed<T>(&self, of: &str, change: impl FnMut(&mut Book) -> Result<T, Undriven>) -> Result<T, Undriven> {
        self.desk.change(of, change)?.map(|(said, _)| said)
    }
}

/// What is to be done with what a dossier says of a cell, on the way back.
fn way_back<'a>(of: &'a Dossier, cell: &'a str, made: &impl Fn(&str) -> bool, token: &'a str) -> Option<Order<'a>> {
    let what = of.cells.get(cell)?;
    Some(Order { cell, what, of, back: true, created: made(&what.spec.place()), token })
}
