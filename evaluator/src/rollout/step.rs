//! What follows from an event: the one function that decides. Owns the order of waves, what stops a rollout and what takes it
//! back; it knows no target, no alarm service and no clock. The local engine, the calendar and what is generated for AWS
//! are held to it.
//!
//! INVARIANT: a cell is given the release only while the rollout runs, in its wave's turn, within the window, and while
//! fewer than `parallel` of its wave are under way. Only a cell that was reached goes back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::course::{Course, OnAlarm, Wave};
use super::state::{Cell, CellState, Event, Phase, Signal, State, Why};

/// How often alarms are asked while something is under way or bakes.
pub const LOOK: SignedDuration = SignedDuration::from_mins(1);

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Bring the release to a cell. To do it again changes nothing.
    Deploy {
        /// The cell's address.
        cell: String,
        /// The version.
        version: String,
    },
    /// Bring a cell back to what it had; to nothing, if it had nothing.
    GoBack {
        /// The cell's address.
        cell: String,
        /// The version that it had.
        to: Option<String>,
    },
    /// Say what the alarms of the wave say, and count the requests, since an instant.
    Observe {
        /// The wave.
        wave: usize,
        /// The cells that have the release.
        cells: Vec<String>,
        /// Those of them whose requests count: the wave's.
        serving: Vec<String>,
        /// Since when requests count.
        since: Timestamp,
    },
    /// Say that time went by, at this instant.
    Wake {
        /// The instant.
        at: Timestamp,
    },
    /// Ask somebody to agree to a wave.
    Ask {
        /// The wave.
        wave: usize,
    },
}

/// Why an event does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody is asked.
    #[error("no wave waits for an approval")]
    NobodyAsked,
    /// It is over.
    #[error("the rollout is over")]
    Over,
    /// Cells are under way.
    #[error("cells are under way")]
    UnderWay,
    /// It is not paused, and has not stopped.
    #[error("the rollout is neither paused nor stopped")]
    NotHeld,
    /// It has no such cell, or nothing is under way in it.
    #[error("nothing is under way in {0}")]
    Idle(String),
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where the rollout is now.
    pub state: State,
    /// What it did before.
    pub before: Phase,
    /// The cells that are otherwise now or have left, as they were.
    pub were: BTreeMap<String, Cell>,
    /// What is to be done, in order, once `state` is kept.
    pub effects: Vec<Effect>,
    /// Whether a cell or the phase is another than before: what has to be kept before anything is done.
    pub moved: bool,
    /// Why the event was not taken; then nothing follows, and the state is as it was.
    pub refused: Option<Refused>,
}

/// What follows from an event at an instant. Takes time by the cells that it changes, that are drained or that have failed, not by
/// those that there are; more where alarms are looked at, a wave has baked, or the rollout ends.
pub fn step(course: &Course, state: State, at: Timestamp, event: &Event) -> Step {
    let (before, now, wake) = (state.phase.clone(), state.now, state.wake);
    let mut run = Run { course, state, were: BTreeMap::new(), effects: Vec::new(), moved: false };
    // What is over stays as it ended, whatever the time is by then.
    if !(run.state.phase.is_over() && *event == Event::Tick) {
        run.unwatched(at.duration_since(run.state.now));
        run.state.now = run.state.now.max(at);
    }
    let due = run.state.wake.is_none_or(|wake| wake <= run.state.now);
    if due {
        run.state.wake = None;
    }
    if let Err(refused) = run.take(event) {
        let state = State { phase: before.clone(), now, wake, ..run.state };
        return Step { state, before, were: run.were, effects: Vec::new(), moved: false, refused: Some(refused) };
    }
    run.advance();
    run.look(due && *event == Event::Tick);
    let Run { state, were, effects, moved, .. } = run;
    Step { state, before, were, effects, moved, refused: None }
}

/// What is under way, to be done again after a restart: all of it may have been done, or not.
pub fn under_way(state: &State) -> Vec<Effect> {
    let mut effects = Vec::new();
    for name in state.cells.that(|_, cell| cell.is_under_way()) {
        effects.push(match state.cells.get(&name) {
            Some(Cell { state: CellState::RollingBack, former, .. }) => {
                Effect::GoBack { cell: name, to: former.clone() }
            }
            _ => Effect::Deploy { cell: name, version: state.version.clone() },
        });
    }
    if state.phase == Phase::Approval {
        effects.push(Effect::Ask { wave: state.wave });
    }
    effects.extend(state.wake.map(|at| Effect::Wake { at }));
    effects
}

struct Run<'c> {
    course: &'c Course,
    state: State,
    were: BTreeMap<String, Cell>,
    effects: Vec<Effect>,
    moved: bool,
}

impl<'c> Run<'c> {
    fn take(&mut self, event: &Event) -> Result<(), Refused> {
        match event {
            Event::Tick => Ok(()),
            Event::Deployed { cell } => self.ended(cell, CellState::Deploying, CellState::Baking, None),
            Event::Failed { cell, why } => self.ended(cell, CellState::Deploying, CellState::Failed, Some(why)),
            Event::WentBack { cell } => self.ended(cell, CellState::RollingBack, CellState::RolledBack, None),
            Event::StuckBack { cell, why } => self.ended(cell, CellState::RollingBack, CellState::Stuck, Some(why)),
            Event::Observed { signals, requests } => {
                self.observed(signals, *requests);
                Ok(())
            }
            Event::Approved { .. } => {
                if self.state.phase != Phase::Approval {
                    return Err(Refused::NobodyAsked);
                }
                self.state.approved.insert(self.state.wave);
                self.enter(Phase::Running);
                Ok(())
            }
            Event::Paused { .. } => {
                self.still_going()?;
                self.moved |= !self.state.paused;
                self.state.paused = true;
                Ok(())
            }
            Event::Resumed { .. } => self.resumed(),
            Event::Aborted { who, back } => self.aborted(who, *back),
            Event::Draining { cells } => {
                self.moved |= self.state.drain(cells);
                Ok(())
            }
            Event::Left { cells } => {
                let left = self.state.leave(cells);
                self.moved |= !left.is_empty();
                self.were.extend(left);
                Ok(())
            }
            Event::Altered { what } => self.altered(what),
            Event::Found { cells } => self.found(cells),
            Event::Superseded { by } => self.superseded(by),
        }
    }

    /// A bake is time in which alarms are looked at. Where nobody carried the rollout out for longer than from one look to the next, what
    /// went off meanwhile may be over: the bake lasts as much longer.
    fn unwatched(&mut self, time: SignedDuration) {
        let watched = self.wave().is_some_and(Wave::is_watched);
        if let Phase::Baking { until, .. } = &mut self.state.phase
            && watched
            && time > LOOK * 2
        {
            *until = until.checked_add(time).unwrap_or(Timestamp::MAX);
            self.moved = true;
        }
    }

    fn still_going(&self) -> Result<(), Refused> {
        if self.state.phase.is_over() { Err(Refused::Over) } else { Ok(()) }
    }

    /// What was under way in a cell came to an end.
    fn ended(&mut self, name: &str, from: CellState, to: CellState, why: Option<&String>) -> Result<(), Refused> {
        if self.state.cells.get(name).is_none_or(|cell| cell.state != from) {
            return Err(Refused::Idle(name.to_owned()));
        }
        self.change(name, |cell| {
            cell.state = to;
            // Why it failed is still asked when it has gone back.
            if to != CellState::RolledBack {
                cell.why = why.cloned();
            }
        });
        Ok(())
    }

    fn observed(&mut self, signals: &[(String, String, Signal)], served: u64) {
        if !matches!(self.state.phase, Phase::Running | Phase::Shut { .. } | Phase::Approval | Phase::Baking { .. }) {
            return;
        }
        let first = |of: Signal| signals.iter().find(|(.., signal)| *signal == of);
        if let Some((alarm, cell, _)) = first(Signal::Alarm) {
            self.trip(Why::Alarm { alarm: alarm.clone(), cell: cell.clone() });
            return;
        }
        let now = self.state.now;
        let wave = self.wave();
        let Phase::Baking { until, requests, .. } = &mut self.state.phase else { return };
        *requests = served;
        let over = now >= *until && wave.and_then(|wave| wave.min_requests).is_none_or(|least| served >= least);
        if !over {
            return;
        }
        // What could not be asked is asked again.
        if first(Signal::Unread).is_some() {
            return;
        }
        // No data is no pass.
        match first(Signal::NoData) {
            Some((alarm, cell, _)) => self.trip(Why::NoData { alarm: alarm.clone(), cell: cell.clone() }),
            None => self.baked(),
        }
    }

    fn resumed(&mut self) -> Result<(), Refused> {
        if matches!(self.state.phase, Phase::Stopped { .. }) {
            // What failed is tried again, in the turn of its wave.
            for name in self.state.cells.that(|_, state| state == CellState::Failed) {
                self.change(&name, |cell| (cell.state, cell.why) = (CellState::Waiting, None));
                let wave = self.state.cells.get(&name).map_or(self.state.wave, |cell| cell.wave);
                if wave < self.state.wave {
                    self.state.wave = wave;
                    self.state.one_box = false;
                }
            }
            self.enter(Phase::Running);
        } else if !self.state.paused {
            return Err(Refused::NotHeld);
        }
        self.moved = true;
        self.state.paused = false;
        Ok(())
    }

    fn aborted(&mut self, who: &str, back: bool) -> Result<(), Refused> {
        let why = Why::Person { who: who.to_owned() };
        match (&self.state.phase, back) {
            (Phase::Done | Phase::RolledBack { .. } | Phase::Superseded { .. } | Phase::RollingBack { .. }, _)
            | (Phase::Stopped { .. }, false) => Err(Refused::Over),
            (_, true) => {
                self.enter(Phase::RollingBack { why });
                Ok(())
            }
            (_, false) => {
                self.enter(Phase::Stopped { why });
                Ok(())
            }
        }
    }

    /// What was changed meanwhile passes no more than what an alarm speaks against.
    fn altered(&mut self, what: &str) -> Result<(), Refused> {
        if self.state.phase.is_over() || matches!(self.state.phase, Phase::RollingBack { .. }) {
            return Err(Refused::Over);
        }
        self.trip(Why::Altered { what: what.to_owned() });
        Ok(())
    }

    /// While it is taken back, what somebody else has brought to cells whose turn had not come goes back, too.
    fn found(&mut self, cells: &BTreeSet<String>) -> Result<(), Refused> {
        let why = match &self.state.phase {
            Phase::RollingBack { why } | Phase::RolledBack { why } => why.clone(),
            _ => return Err(Refused::Over),
        };
        for name in cells {
            let waits = |cell: &&Cell| matches!(cell.state, CellState::Waiting | CellState::Skipped);
            if self.state.cells.get(name).as_ref().is_some_and(waits) {
                self.set(name, CellState::AtOnce);
                self.enter(Phase::RollingBack { why: why.clone() });
            }
        }
        Ok(())
    }

    /// A newer release takes the place of one that waits.
    fn superseded(&mut self, by: &str) -> Result<(), Refused> {
        let idle = !self.state.cells.any(|_, state| state.is_under_way());
        let waits = match self.state.phase {
            Phase::Shut { .. } | Phase::Approval | Phase::Draining | Phase::Stopped { .. } => true,
            Phase::Running => self.state.paused || !self.state.cells.any(|_, state| state.is_reached()),
            Phase::Baking { .. } => self.state.paused,
            Phase::RollingBack { .. } => false,
            Phase::Done | Phase::RolledBack { .. } | Phase::Superseded { .. } => return Err(Refused::Over),
        };
        if !(idle && waits) {
            return Err(Refused::UnderWay);
        }
        self.enter(Phase::Superseded { by: by.to_owned() });
        Ok(())
    }

    fn wave(&self) -> Option<&'c Wave> {
        self.course.waves.get(self.state.wave)
    }

    fn enter(&mut self, phase: Phase) {
        self.moved |= self.state.phase != phase;
        self.state.phase = phase;
    }

    fn trip(&mut self, why: Why) {
        self.enter(match self.course.on_alarm {
            OnAlarm::Rollback => Phase::RollingBack { why },
            OnAlarm::Stop => Phase::Stopped { why },
        });
    }

    /// Goes on as far as nothing has to be waited for.
    fn advance(&mut self) {
        while match self.state.phase {
            Phase::Running | Phase::Shut { .. } | Phase::Approval => self.run(),
            Phase::Baking { until, .. } => self.bake(until),
            Phase::RollingBack { .. } => self.go_back(),
            _ => false,
        } {}
    }

    /// Begins what may be begun; whether there is more to decide.
    fn run(&mut self) -> bool {
        let Some(wave) = self.wave() else { return self.finish() };
        self.readmit();
        let failed: Vec<String> = self.of_wave(CellState::Failed).cloned().collect();
        if self.state.one_box && !failed.is_empty() {
            // It speaks for the wave: nobody else is to find out.
            self.trip(Why::OneBox { wave: wave.label.clone(), cells: failed });
            return true;
        }
        if failed.len() > wave.tolerate {
            self.trip(Why::Failures { wave: wave.label.clone(), cells: failed });
            return true;
        }
        let under_way = self.of_wave(CellState::Deploying).len();
        let free = if self.state.one_box { 1 } else { wave.at_a_time() }.saturating_sub(under_way);
        // One is asked for at least: none means that all are begun.
        let mut next = self.next(free.max(1));
        if next.is_empty() {
            return under_way == 0 && self.watch(wave);
        }
        if self.state.paused {
            return false;
        }
        if !self.is_let(wave) {
            return false;
        }
        self.enter(Phase::Running);
        next.truncate(free);
        for name in next {
            self.set(&name, CellState::Deploying);
            self.effects.push(Effect::Deploy { cell: name, version: self.state.version.clone() });
        }
        false
    }

    /// Whether a cell of a wave may be begun now.
    fn is_let(&mut self, wave: &Wave) -> bool {
        let asks = wave.approval && !self.state.approved.contains(&self.state.wave);
        if asks && !self.is_begun() {
            if self.state.phase != Phase::Approval {
                self.effects.push(Effect::Ask { wave: self.state.wave });
            }
            self.enter(Phase::Approval);
            return false;
        }
        let Some(window) = self.course.window.as_ref().filter(|_| !wave.follows) else { return true };
        let until = window.next(self.state.now).unwrap_or(Timestamp::MAX);
        if until > self.state.now {
            let shut = Phase::Shut { until };
            self.enter(shut);
            self.wake(until);
            return false;
        }
        true
    }

    /// The first cells of the wave whose turn it is, in order, up to `most`; those that are drained are skipped.
    fn next(&mut self, most: usize) -> Vec<String> {
        let wave = self.state.wave;
        let waits = |name: &&String| {
            let cell = self.state.cells.get(*name);
            cell.is_some_and(|cell| cell.wave == wave && cell.state == CellState::Waiting)
        };
        let drained: Vec<String> = self.state.draining.iter().filter(waits).cloned().collect();
        drained.iter().for_each(|name| self.set(name, CellState::Skipped));
        let most = match self.state.one_box {
            true if self.is_begun() => 0,
            true => 1,
            false => most,
        };
        self.of_wave(CellState::Waiting).take(most).cloned().collect()
    }

    /// Whether the release has come to a cell of the wave, or may have in part.
    fn is_begun(&self) -> bool {
        self.state.cells.any(|wave, state| wave == self.state.wave && state.is_reached())
    }

    fn of_wave(&self, state: CellState) -> impl ExactSizeIterator<Item = &String> {
        self.state.cells.at(self.state.wave, state)
    }

    fn set(&mut self, name: &str, to: CellState) {
        let was = self.state.cells.set(name, to);
        self.was(name, was);
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut Cell)) {
        let was = self.state.cells.change(name, change);
        self.was(name, was);
    }

    /// Keeps what a cell was, if it is otherwise now.
    fn was(&mut self, name: &str, was: Option<Cell>) {
        if let Some(was) = was {
            self.moved = true;
            self.were.entry(name.to_owned()).or_insert(was);
        }
    }

    /// Cells that were drained and are not any more go with the wave that is under way; but none of a wave with those that
    /// nothing watches: it waits until its own can be gone through again.
    fn readmit(&mut self) {
        let wave = self.state.wave;
        let skipped = self
            .state
            .cells
            .that(|of, state| state == CellState::Skipped && of <= wave && self.follows(of) == self.follows(wave));
        for name in skipped {
            if !self.state.draining.contains(&name) {
                self.change(&name, |cell| (cell.state, cell.wave) = (CellState::Waiting, wave));
            }
        }
    }

    fn follows(&self, wave: usize) -> bool {
        self.course.waves.get(wave).is_some_and(|wave| wave.follows)
    }

    /// All cells of the wave, or its one box, are through: they bake, if there is one that has the release.
    fn watch(&mut self, wave: &Wave) -> bool {
        if wave.follows || self.of_wave(CellState::Baking).len() == 0 {
            self.baked();
            return true;
        }
        let since = self.state.now;
        let until = since.checked_add(wave.bakes(self.state.one_box)).unwrap_or(Timestamp::MAX);
        self.enter(Phase::Baking { since, until, requests: 0 });
        self.wake(if wave.is_watched() { until.min(since + LOOK) } else { until });
        false
    }

    /// Whether the bake is over without anybody looking.
    fn bake(&mut self, until: Timestamp) -> bool {
        // Of those that leave meanwhile there is nothing to watch.
        let left = self.of_wave(CellState::Baking).len() == 0;
        if !left && (self.wave().is_some_and(Wave::is_watched) || self.state.now < until) {
            return false;
        }
        self.baked();
        true
    }

    /// What baked has passed.
    fn baked(&mut self) {
        self.enter(Phase::Running);
        if std::mem::take(&mut self.state.one_box) {
            return;
        }
        let baked: Vec<String> = self.of_wave(CellState::Baking).cloned().collect();
        baked.iter().for_each(|name| self.set(name, CellState::Done));
        self.state.wave += 1;
        // A wave that is gone through again, for cells that were drained, has had its one box.
        self.state.one_box = self.wave().is_some_and(|wave| wave.one_box && wave.cells.len() > 1) && !self.is_begun();
    }

    /// All waves are over.
    fn finish(&mut self) -> bool {
        let skipped = self.state.cells.that(|_, state| state == CellState::Skipped);
        let readmitted = skipped.iter().filter(|name| !self.state.draining.contains(*name));
        let back = readmitted.filter_map(|name| self.state.cells.get(name)).map(|cell| cell.wave).min();
        match (back, !skipped.is_empty()) {
            (Some(wave), _) => {
                self.state.wave = wave;
                self.state.one_box = false;
                self.moved = true;
                return true;
            }
            (None, true) => self.enter(Phase::Draining),
            (None, false) if self.state.cells.is_empty() => {
                self.enter(Phase::RolledBack { why: Why::Deserted });
            }
            (None, false) => {
                let done = self.state.that_are(|state| state == CellState::Done).count();
                let cells = self.state.cells.that(|_, state| state == CellState::Failed);
                let passed = self.course.is_passed(done, cells.len());
                self.enter(if passed { Phase::Done } else { Phase::Stopped { why: Why::Untaken { cells } } });
            }
        }
        false
    }

    /// Takes back every cell that was reached, all at once, as soon as nothing is under way in it.
    fn go_back(&mut self) -> bool {
        let Phase::RollingBack { why } = &self.state.phase else { return false };
        let why = why.clone();
        let reached = self.state.cells.that(|_, state| {
            matches!(state, CellState::Baking | CellState::Done | CellState::Failed | CellState::AtOnce)
        });
        for name in reached {
            let to = self.state.cells.get(&name).and_then(|cell| cell.former.clone());
            self.set(&name, CellState::RollingBack);
            self.effects.push(Effect::GoBack { cell: name, to });
        }
        if !self.state.cells.any(|_, state| state.is_under_way()) {
            self.enter(Phase::RolledBack { why });
        }
        false
    }

    /// Asks to be told the time at an instant, or before it.
    fn wake(&mut self, at: Timestamp) {
        if self.state.wake.is_none_or(|wake| wake > at) {
            self.state.wake = Some(at);
            self.effects.push(Effect::Wake { at });
        }
    }

    /// While something is under way, bakes, or waits for the window, what has the release is looked at.
    fn look(&mut self, due: bool) {
        let Some(wave) = self.wave().filter(|wave| wave.is_watched()) else { return };
        let now = self.state.now;
        let next = now.checked_add(LOOK).unwrap_or(Timestamp::MAX);
        let (since, next) = match self.state.phase {
            Phase::Baking { since, until, .. } if now < until => (since, next.min(until)),
            Phase::Baking { since, .. } => (since, next),
            Phase::Shut { until } => (now, next.min(until)),
            Phase::Running if self.state.cells.any(|_, state| state.is_under_way()) => (now, next),
            _ => return,
        };
        let has = |wave, state| matches!(state, CellState::Baking | CellState::Done) && !self.follows(wave);
        if wave.follows || !self.state.cells.any(has) {
            return;
        }
        if due {
            let cells = self.state.cells.that(has);
            let serving = self.of_wave(CellState::Baking).cloned().collect();
            self.effects.push(Effect::Observe { wave: self.state.wave, cells, serving, since });
        }
        self.wake(next);
    }
}
