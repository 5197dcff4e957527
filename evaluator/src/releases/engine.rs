//! The engine: carries out what [`crate::rollout::step`] decides, in this process. Owns the loop, the lease that keeps others
//! out, and the order of writing and doing.
//!
//! INVARIANT: a state is written before anything that follows from it is begun. INVARIANT: only the process whose lease
//! stands in the book begins anything. So a process that dies leaves a book from which another goes on, and what was under
//! way is done again, which changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::provider::Clock;
use crate::rollout::course::AT_A_TIME;
use crate::rollout::step::under_way;
use crate::rollout::{CellState, Effect, Event, Phase, State, step};
use crate::words::second;

use super::book::{Arrival, Book, LEASE, Note, Place, Rollout, Runner};
use super::desk::{Desk, DeskError, Read};
use super::dossier::{Dossier, Spec};
use super::fleet::{Fleet, Standing};
use super::flight::{Back, Flight, Message};
use super::targets::{Signals, Targets};

/// How long a message is waited for before time, the book and the signal to stop are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often what failed at the place of the books is tried, and how long is waited in between.
const TRIES: u32 = 6;
const BETWEEN_TRIES: Duration = Duration::from_secs(2);
/// In how many parts it sleeps, so that a signal to stop is heard.
const PARTS: u32 = 10;

/// Who looks on.
pub trait Watcher: Sync {
    /// Lines were added to the log.
    fn told(&self, book: &Book, lines: &[Note]);
    /// Something happens in a cell that is under way.
    fn sees(&self, of: &str, cell: &str, text: &str);
    /// Something to know.
    fn remark(&self, text: &str);
}

/// A rollout that is carried out here.
pub struct Engine<'a> {
    /// The books.
    pub desk: Desk<'a>,
    /// Of what.
    pub of: &'a str,
    /// What takes releases.
    pub targets: &'a dyn Targets,
    /// What tells how cells are.
    pub signals: &'a dyn Signals,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Who looks on.
    pub watcher: &'a dyn Watcher,
    /// The run, who started it, and its process.
    pub me: (String, String, u32),
    /// What knows the cells.
    pub fleet: &'a dyn Fleet,
    /// Set when it is to begin nothing more and leave.
    pub stop: &'a AtomicBool,
    /// Whether people are waited for; else it leaves when only they can help.
    pub people: bool,
    /// Whether cells that are drained are waited for like them: not where no apply can say, as long as this process has the cloud
    /// to itself, that they are drained no more.
    pub drained: bool,
    /// How long it sleeps at most before it looks whether somebody has changed the book.
    pub sleeps: Duration,
}

impl std::fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("of", &self.of).finish_non_exhaustive()
    }
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// There was nothing to carry out.
    Nothing,
    /// The rollout is over.
    Over(Phase),
    /// Only people can help: it waits for them.
    Waits(Phase),
    /// It was told to stop.
    Interrupted,
}

/// Why it ended before that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The book cannot be read or written.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Another process carries the rollout out.
    #[error("{} (process {}) carries this rollout out, until {} at least", .0.who, .0.process, second(.0.until))]
    Held(Box<Runner>),
    /// Another process has taken it over.
    #[error("the rollout was taken over by {} (process {}) meanwhile", .0.who, .0.process)]
    Lost(Box<Runner>),
    /// Nobody knows which cells are there, and which are drained.
    #[error("which cells are there is not known: {0}")]
    Unknown(String),
    /// A pipeline goes through the waves.
    #[error(
        "the pipeline's run {run} of {version} is under way: `cellc rollout abort --run {run}` ends it, and with `--stay` leaves what it has reached"
    )]
    Driven {
        /// The run.
        run: String,
        /// What it brings.
        version: String,
    },
}

/// The book as this process has it.
struct Held {
    read: Read,
    dossier: Arc<Dossier>,
    /// The dossiers that cells go back to.
    former: BTreeMap<String, Arc<Dossier>>,
    /// Whether somebody else has written it since the last decision.
    anew: bool,
    /// The accounts that have the form of a permission set that is taken back, whoever has brought it there, once they were asked for.
    newest: Option<BTreeSet<String>>,
}

impl Held {
    fn rollout(&self) -> Option<&Rollout> {
        self.read.book.rollout.as_ref()
    }
}

impl Engine<'_> {
    /// Carries out what is to be carried out, until it is over, waits for people, or is told to stop.
    ///
    /// # Errors
    /// When the book cannot be kept, or another process has the rollout. Everything may be begun again then.
    pub fn run(&self) -> Result<Ending, EngineError> {
        let mut last = Ending::Nothing;
        loop {
            let Some(mut held) = self.take()? else { return Ok(last) };
            let (send, receive) = channel();
            let ended = std::thread::scope(|scope| {
                let mut flight = Flight::new(send.clone());
                self.drive(&mut held, scope, &mut flight, &receive)
            });
            if let Err(error @ (EngineError::Lost(_) | EngineError::Held(_))) = ended {
                return Err(error);
            }
            let left = self.leave(&mut held);
            last = ended?;
            left?;
            // Who was told to stop does not go on to what is queued.
            if !matches!(last, Ending::Over(_)) || self.stops() {
                return Ok(last);
            }
        }
    }

    /// Takes the rollout that is open, or the one that is queued; none when there is neither.
    fn take(&self) -> Result<Option<Held>, EngineError> {
        let mut awaited: Option<Runner> = None;
        loop {
            let mut read = self.insist(|| self.desk.read(self.of))?;
            let now = self.clock.now();
            if read.book.open().is_none() && !self.begin_next(&mut read.book, now)? {
                return Ok(None);
            }
            let Some(rollout) = &mut read.book.rollout else { return Ok(None) };
            let shared = self.desk.time(now);
            let other = rollout.runner.clone().filter(|runner| runner.run != self.me.0 && runner.until > shared);
            if let Some(other) = other {
                // Whoever lives moves the end of the lease.
                if awaited.as_ref().is_some_and(|before| *before != other) || self.stops() {
                    return Err(EngineError::Held(Box::new(other)));
                }
                if awaited.is_none() {
                    self.watcher.remark(&format!(
                        "{} (process {}) carried {} out and may still: waiting until {}",
                        other.who,
                        other.process,
                        self.of,
                        second(other.until)
                    ));
                }
                let left = other.until.duration_since(shared).unsigned_abs();
                awaited = Some(other);
                self.clock.sleep(left.min(Duration::from_secs(1)));
                continue;
            }
            rollout.runner = Some(self.lease(now));
            let name = rollout.dossier.clone();
            let before = read.book.log.len();
            if self.desk.write(&mut read)? {
                let dossier = Arc::new(self.desk.dossier(self.of, &name)?);
                self.tell(&read.book, before.saturating_sub(1));
                return Ok(Some(Held { read, dossier, former: BTreeMap::new(), anew: false, newest: None }));
            }
        }
    }

    /// Begins what is queued, in a book whose rollout is over. Whether there was something.
    fn begin_next(&self, book: &mut Book, now: Timestamp) -> Result<bool, EngineError> {
        if let (Some(driven), true) = (book.under_way(), book.next.is_some()) {
            return Err(EngineError::Driven { run: driven.run.clone(), version: driven.version.clone() });
        }
        let Some(queued) = book.next.take() else { return Ok(false) };
        let dossier = self.desk.dossier(self.of, &queued.dossier)?;
        book.begin(queued, &dossier, now);
        Ok(true)
    }

    fn lease(&self, now: Timestamp) -> Runner {
        let (run, who, process) = self.me.clone();
        let now = self.desk.time(now);
        Runner { run, who, process, until: now.checked_add(LEASE).unwrap_or(Timestamp::MAX) }
    }

    fn drive<'scope>(
        &'scope self,
        held: &mut Held,
        scope: &'scope Scope<'scope, '_>,
        flight: &mut Flight,
        receive: &Receiver<Message>,
    ) -> Result<Ending, EngineError> {
        let mut first = Some(self.fleet.standing(self.of).map_err(EngineError::Unknown)?);
        let mut read_at = Instant::now();
        loop {
            let new = (first.take(), std::mem::take(&mut held.anew));
            let events = self.due(held, flight, new);
            let effects = self.decide(held, &events, &flight.arrivals())?;
            let Some(rollout) = held.rollout() else { return Ok(Ending::Nothing) };
            let (phase, over) = (rollout.state.phase.clone(), rollout.state.is_over());
            let stops = self.stops();
            if flight.is_empty() {
                if over {
                    return Ok(Ending::Over(phase));
                }
                if stops {
                    return Ok(Ending::Interrupted);
                }
            }
            if !stops {
                self.start(held, scope, flight, &effects);
            }
            let waits = flight.is_empty() && waits_for_people(held);
            if waits && !(self.people && (self.drained || phase != Phase::Draining)) {
                return Ok(Ending::Waits(phase));
            }
            self.wait(held, flight, receive, waits);
            if read_at.elapsed() >= self.sleeps.min(Duration::from_secs(5)) {
                read_at = Instant::now();
                self.look_again(held)?;
            }
        }
    }

    /// What has happened since the last decision; at the first one, how the cells are.
    fn due(&self, held: &Held, flight: &mut Flight, (first, anew): (Option<Standing>, bool)) -> Vec<(Event, String)> {
        let mut events = flight.landed(self.watcher);
        let Some(rollout) = held.rollout() else { return events };
        let state = &rollout.state;
        let begins = first.is_some();
        if let Some(Standing { draining, here }) = first.filter(|_| !state.is_over()) {
            // This process has begun nothing yet: what another one left under way where no cell is any more has no end.
            let gone = here.map(|here| state.gone_from(&held.dossier.course, &here, false)).unwrap_or_default();
            if state.draining != draining {
                events.push((Event::Draining { cells: draining }, String::new()));
            }
            if !gone.is_empty() {
                events.push((Event::Left { cells: gone }, String::new()));
            }
        }
        let woken = state.wake.is_some_and(|wake| wake <= self.clock.now());
        if begins || anew || woken {
            events.push((Event::Tick, String::new()));
        }
        if let Some(next) = &held.read.book.next {
            events.push((Event::Superseded { by: next.version.clone() }, String::new()));
        }
        events
    }

    /// Decides, and writes what was decided before it is acted on. Gives what is to be done besides what is under way.
    fn decide(
        &self,
        held: &mut Held,
        events: &[(Event, String)],
        arrivals: &[Arrival],
    ) -> Result<Vec<Effect>, EngineError> {
        let mut failed = 0;
        loop {
            let now = self.clock.now();
            let Followed { book, effects, moved } = self.follows(held, events, now);
            let half = SignedDuration::from_secs(LEASE.as_secs() / 2);
            let lease = held.rollout().and_then(|rollout| rollout.runner.as_ref());
            let fresh = lease.is_some_and(|lease| lease.until.duration_since(self.desk.time(now)) > half);
            if !moved && fresh && arrivals.is_empty() {
                if let Some(book) = book {
                    held.read.book = book;
                }
                return Ok(effects);
            }
            let mut book = book.unwrap_or_else(|| held.read.book.clone());
            book.arrive(arrivals);
            if let Some(rollout) = &mut book.rollout {
                rollout.runner = Some(self.lease(now));
            }
            let mut read = Read { book, version: held.read.version.clone() };
            let written = self.desk.write(&mut read);
            match written {
                Ok(true) => {
                    self.took(held, read);
                    return Ok(effects);
                }
                Ok(false) => match self.read_again(held) {
                    Err(EngineError::Desk(error @ DeskError::Store(_))) => self.once_more(error, &mut failed)?,
                    other => other?,
                },
                Err(error) => {
                    self.once_more(error, &mut failed)?;
                    self.look_again(held)?;
                }
            }
        }
    }

    /// What follows from events. A permission set is one for all accounts: before it is done it is looked whether it still has the
    /// form that was brought, and before it is put back, who has that form though the waves have not come there.
    fn follows(&self, held: &mut Held, events: &[(Event, String)], now: Timestamp) -> Followed {
        let all = follow(held, events, now);
        let state = all.book.as_ref().unwrap_or(&held.read.book).rollout.as_ref().map(|rollout| &rollout.state);
        let (Some(state), true) = (state, held.dossier.is_of_a_set()) else { return all };
        let (event, first) = match state.phase {
            Phase::Done if held.rollout().is_some_and(|rollout| rollout.state.phase != Phase::Done) => {
                match self.targets.altered(&held.dossier) {
                    Ok(None) => return all,
                    Ok(Some(what)) => (Event::Altered { what }, true),
                    Err(why) => {
                        self.watcher.remark(&format!("it is not done until the permission set can be read: {why}"));
                        self.clock.sleep(BETWEEN_TRIES);
                        // What has happened is asked for again.
                        return follow(held, &[], now);
                    }
                }
            }
            Phase::RollingBack { .. } | Phase::RolledBack { .. } => {
                let state = state.clone();
                let cells = self.strays(held, &state);
                if cells.is_empty() {
                    return all;
                }
                (Event::Found { cells }, false)
            }
            _ => return all,
        };
        let mut events = events.to_vec();
        let at = if first { 0 } else { events.len() };
        events.insert(at, (event, String::new()));
        if first { self.follows(held, &events, now) } else { follow(held, &events, now) }
    }

    /// The cells whose turn has not come and that have the form of the permission set all the same.
    fn strays(&self, held: &mut Held, state: &State) -> BTreeSet<String> {
        let waits = |cell: CellState| matches!(cell, CellState::Waiting | CellState::Skipped);
        let knows = |name: &String| held.rollout().is_some_and(|rollout| rollout.former.contains_key(name));
        let waiting: Vec<&String> = state.that_are(waits).map(|(name, _)| name).filter(|name| knows(name)).collect();
        if waiting.is_empty() {
            return BTreeSet::new();
        }
        let dossier = Arc::clone(&held.dossier);
        // Once it is put back, another form is the newest.
        let accounts = held.newest.get_or_insert_with(|| {
            self.targets.newest(&dossier).unwrap_or_else(|why| {
                let what = "whether somebody else has brought it to more accounts is not known";
                self.watcher.remark(&format!("{what}: {why}"));
                BTreeSet::new()
            })
        });
        let account = |name: &String| dossier.cells.get(name).map(|cell| &cell.spec.account);
        let has = |name: &&String| account(name).is_some_and(|account| accounts.contains(account));
        waiting.into_iter().filter(has).cloned().collect()
    }

    /// Waits before something is tried again that has failed; once it has failed too often, that is the end.
    fn once_more(&self, error: DeskError, failed: &mut u32) -> Result<(), DeskError> {
        *failed += 1;
        if *failed >= TRIES {
            return Err(error);
        }
        self.watcher.remark(&format!("{error}; trying again"));
        self.clock.sleep(BETWEEN_TRIES);
        Ok(())
    }

    /// Does something with the books, again while their place cannot be reached.
    fn insist<T>(&self, mut work: impl FnMut() -> Result<T, DeskError>) -> Result<T, DeskError> {
        let mut failed = 0;
        loop {
            match work() {
                Err(error @ DeskError::Store(_)) => self.once_more(error, &mut failed)?,
                other => return other,
            }
        }
    }

    /// Has another version of the book from now on, and tells what it says beyond the former one.
    fn took(&self, held: &mut Held, read: Read) {
        let before = std::mem::replace(&mut held.read, read);
        let last = before.book.log.back();
        let from = held.read.book.log.iter().rposition(|note| Some(note) == last);
        self.tell(&held.read.book, from.map_or(0, |at| at + 1));
    }

    /// Takes in what somebody else has written: an approval, a pause, an end.
    fn read_again(&self, held: &mut Held) -> Result<(), EngineError> {
        let read = self.desk.read(self.of)?;
        if read.version == held.read.version {
            // What is held is newer than what lies there by what was taken in and not worth a write.
            return Ok(());
        }
        let own = held.rollout().map(|rollout| rollout.number);
        let now = read.book.rollout.as_ref();
        match now.and_then(|rollout| rollout.runner.clone()) {
            Some(runner) if runner.run != self.me.0 => return Err(EngineError::Lost(Box::new(runner))),
            _ => {}
        }
        if own != now.map(|rollout| rollout.number) {
            let gone = Runner { who: "somebody".to_owned(), ..self.lease(self.clock.now()) };
            return Err(EngineError::Lost(Box::new(gone)));
        }
        self.took(held, read);
        held.anew = true;
        Ok(())
    }

    fn look_again(&self, held: &mut Held) -> Result<(), EngineError> {
        match self.read_again(held) {
            // What cannot be read now is read again soon; what is to be written tells when it cannot be.
            Err(EngineError::Desk(DeskError::Store(error))) => {
                self.watcher.remark(&error.to_string());
                Ok(())
            }
            other => other,
        }
    }

    /// Begins what is under way and not begun in this process.
    fn start<'scope>(
        &'scope self,
        held: &mut Held,
        scope: &'scope Scope<'scope, '_>,
        flight: &mut Flight,
        effects: &[Effect],
    ) {
        let Some(rollout) = held.rollout() else { return };
        let number = rollout.number;
        let under_way = under_way(&rollout.state);
        for effect in under_way.into_iter().chain(effects.iter().cloned()) {
            let full = flight.len() >= AT_A_TIME;
            match effect {
                Effect::Deploy { .. } | Effect::GoBack { .. } if full => {}
                Effect::Deploy { cell, .. } if !flight.has(&cell) => match self.unseen(held, &cell) {
                    Some(at) => flight.arrival(scope, self.targets, (&cell, at), &held.dossier),
                    None => flight.forward(scope, self.targets, self.watcher, (number, &cell), &held.dossier),
                },
                Effect::GoBack { cell, .. } if !flight.has(&cell) => match self.former(held, &cell) {
                    Ok(former) => {
                        let what = held.dossier.cells.get(&cell);
                        let created = what.is_some_and(|what| held.read.book.has_made(&cell, &what.spec.place()));
                        let back = (&held.dossier, Back { former, created });
                        flight.back(scope, self.targets, self.watcher, (number, &cell), back);
                    }
                    Err(error) => flight.stuck(&cell, &error.to_string()),
                },
                Effect::Observe { wave, cells, serving, since } if !flight.looks() => {
                    let Some(wave) = held.dossier.course.waves.get(wave) else { continue };
                    let (alarms, requests) = (wave.alarms.clone(), wave.min_requests.is_some());
                    let until = self.clock.now();
                    let dossier = Arc::clone(&held.dossier);
                    flight.look(scope, self.signals, dossier, (alarms, cells, serving), (since, until, requests));
                }
                _ => {}
            }
        }
    }

    /// The place to which the release is to come, where the cell has none in it and it was not looked yet what is there.
    fn unseen(&self, held: &mut Held, cell: &str) -> Option<Place> {
        if held.rollout()?.looked.contains_key(cell) {
            return None;
        }
        // A former one that cannot be read now tells why when it is to be gone back to.
        let former = self.former(held, cell).ok().flatten();
        let had = former.as_ref().and_then(|former| former.cells.get(cell));
        arrives(&held.dossier.cells.get(cell)?.spec, had.map(|had| &had.spec))
    }

    /// The release that a cell goes back to; none when it had nothing.
    fn former(&self, held: &mut Held, cell: &str) -> Result<Option<Arc<Dossier>>, DeskError> {
        let has = held.rollout().and_then(|rollout| rollout.former.get(cell)).cloned();
        let Some(has) = has else { return Ok(None) };
        if let Some(known) = held.former.get(&has.dossier) {
            return Ok(Some(Arc::clone(known)));
        }
        let dossier = Arc::new(self.desk.dossier(self.of, &has.dossier)?);
        held.former.insert(has.dossier, Arc::clone(&dossier));
        Ok(Some(dossier))
    }

    fn wait(&self, held: &Held, flight: &mut Flight, receive: &Receiver<Message>, people: bool) {
        let wake = held.rollout().and_then(|rollout| rollout.state.wake);
        let now = self.clock.now();
        let until = wake.map(|wake| wake.duration_since(now).unsigned_abs()).filter(|_| wake > Some(now));
        match until {
            Some(time) if flight.is_empty() && !people => {
                if is_overdue(held, now) {
                    std::thread::sleep(TICK);
                }
                self.sleep(time.min(self.sleeps));
            }
            _ if wake.is_some_and(|wake| wake <= now) => {}
            _ => match receive.recv_timeout(TICK) {
                Ok(message) => flight.take(message),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            },
        }
        while let Ok(message) = receive.try_recv() {
            flight.take(message);
        }
    }

    /// Sleeps, a part at a time, so that a signal to stop is heard.
    fn sleep(&self, mut left: Duration) {
        let part = self.sleeps / PARTS;
        while !self.stops() {
            let now = if part.is_zero() { left } else { left.min(part) };
            self.clock.sleep(now);
            left = left.saturating_sub(now);
            if left.is_zero() {
                break;
            }
        }
    }

    fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Says that this process carries it out no more.
    fn leave(&self, held: &mut Held) -> Result<(), EngineError> {
        let mine = |book: &mut Book| {
            let rollout = book.rollout.as_mut();
            match rollout.filter(|rollout| rollout.runner.as_ref().is_some_and(|runner| runner.run == self.me.0)) {
                Some(rollout) => {
                    rollout.runner = None;
                    Ok(())
                }
                None => Err(()),
            }
        };
        if let Ok(((), book)) = self.insist(|| self.desk.change(self.of, mine))? {
            held.read.book = book;
        }
        Ok(())
    }

    fn tell(&self, book: &Book, from: usize) {
        let lines: Vec<Note> = book.log.iter().skip(from).cloned().collect();
        if !lines.is_empty() {
            self.watcher.told(book, &lines);
        }
    }
}

/// The place to which a release comes, if the cell had none in it. Where what takes it cannot be deleted, it need not be known whether
/// something was there.
pub(super) fn arrives(to: &Spec, had: Option<&Spec>) -> Option<Place> {
    let (place, had) = (to.place(), had.map(Spec::place));
    let comes = had.as_ref().map_or(to.target.is_a_stack(), |had| *had != place);
    comes.then_some(Place { place, had })
}

/// What follows from events.
struct Followed {
    /// The book with them; none when none was taken, so that a book is not copied for nothing.
    book: Option<Book>,
    effects: Vec<Effect>,
    /// Whether it has to be written before anything is done.
    moved: bool,
}

fn follow(held: &Held, events: &[(Event, String)], now: Timestamp) -> Followed {
    let mut all = Followed { book: None, effects: Vec::new(), moved: false };
    let Some(mut state) = held.rollout().filter(|_| !events.is_empty()).map(|rollout| rollout.state.clone()) else {
        return all;
    };
    for (event, observed) in events {
        let mut next = step(&held.dossier.course, state, now, event);
        if next.refused.is_some() {
            state = next.state;
            continue;
        }
        all.moved |= next.moved;
        all.effects.append(&mut next.effects);
        let book = all.book.get_or_insert_with(|| held.read.book.clone());
        book.took(next, event, observed);
        // The book is given its state when all are taken in.
        state = book.rollout.as_mut().map(|rollout| std::mem::take(&mut rollout.state)).unwrap_or_default();
    }
    if let Some(rollout) = all.book.as_mut().and_then(|book| book.rollout.as_mut()) {
        rollout.state = state;
    }
    all
}

/// Is there a bake whose time has gone by? Traffic, or an answer of the alarms, does not come sooner where time goes by at once.
fn is_overdue(held: &Held, now: Timestamp) -> bool {
    let phase = held.rollout().map(|rollout| &rollout.state.phase);
    matches!(phase, Some(Phase::Baking { until, .. }) if *until <= now)
}

/// Is there nothing but people to wait for?
fn waits_for_people(held: &Held) -> bool {
    held.rollout().is_some_and(|rollout| match rollout.state.phase {
        Phase::Approval | Phase::Draining => true,
        Phase::Running => rollout.state.paused,
        _ => false,
    })
}
