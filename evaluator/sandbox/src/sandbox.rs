//! The sandbox as its users hold it: open, seed, advance, reset. It owns the lock around everything.

use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{Bucket, Call, Entry, Reply, apply_call};
use crate::error::Error;
use crate::fault::Fault;
use crate::gate::Gate;
use crate::history::History;
use crate::input::Millis;
use crate::jobs::ripen;
use crate::journal::{Change, Found, Journal, Record, Saved};
use crate::seed::Seed;
use crate::service::Service;
use crate::state::State;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The account that calls when no seed names one.
const MANAGEMENT: &str = "111111111111";

/// An emulated cloud: its state, its clock and where they are kept.
pub struct Sandbox {
    inner: Mutex<Inner>,
    gate: Gate,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").finish_non_exhaustive()
    }
}

/// Everything behind the lock.
pub(crate) struct Inner {
    pub(crate) state: State,
    pub(crate) config: Config,
    pub(crate) history: History,
    pub(crate) faults: Vec<Fault>,
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) log: VecDeque<Entry>,
    pub(crate) buckets: HashMap<Service, Bucket>,
    pub(crate) requests: u64,
    clock: Clock,
    /// Time never goes back, whatever the wall clock does.
    last: Millis,
    journal: Option<Journal>,
}

impl Sandbox {
    /// Opens a sandbox; with a folder, it goes on from what was saved there, and saves every change. The settings
    /// are those given here, whatever they were before.
    pub fn open(folder: Option<&Path>, config: Config) -> Result<Arc<Self>, Error> {
        let mut inner = Inner::new(config.clone());
        if let Some(folder) = folder {
            let (journal, found) = Journal::open(folder)?;
            inner.restore(found);
            inner.journal = Some(journal);
            inner.change_config(config);
            inner.snapshot()?;
        }
        Ok(Arc::new(Self { inner: Mutex::new(inner), gate: Gate::default() }))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A handler that panicked has not been answered; what it did to the state is at worst one call.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn call(&self, call: Call) -> Reply {
        self.lock().call(call)
    }

    /// Whether nothing was ever seeded or made.
    pub fn is_empty(&self) -> bool {
        self.lock().state.is_empty()
    }

    /// Adds what the seed names and is not there yet.
    pub fn seed(&self, seed: &Seed) -> Result<(), Error> {
        let mut inner = self.lock();
        let now = inner.now();
        let mut state = inner.state.clone();
        seed.apply(&mut state, &inner.config, now)?;
        let before = std::mem::replace(&mut inner.state, state);
        inner.snapshot().inspect_err(|_| inner.state = before)
    }

    /// What time it is there, in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.lock().now()
    }

    /// Moves sandbox time on.
    pub fn advance(&self, by: Duration) -> Result<(), Error> {
        let mut inner = self.lock();
        inner.clock.advance(by);
        inner.record_clock()
    }

    /// Forgets everything but the settings.
    pub fn reset(&self) -> Result<(), Error> {
        let mut inner = self.lock();
        let journal = inner.journal.take();
        *inner = Inner { journal, ..Inner::new(inner.config.clone()) };
        inner.snapshot()
    }

    /// The settings.
    pub fn config(&self) -> Config {
        self.lock().config.clone()
    }

    /// Changes the settings; work in progress keeps the time at which it is due.
    pub fn set_config(&self, config: Config) -> Result<(), Error> {
        let mut inner = self.lock();
        let at = inner.now();
        ripen_now(&mut inner, at);
        inner.change_config(config.clone());
        inner.record_clock()?;
        inner.save(&Record { at, change: Change::Config(Box::new(config)) })
    }

    /// Adds faults to those that wait already.
    pub fn inject(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().faults.extend(faults);
    }

    /// Removes all faults that wait.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// How many calls hang now, with their client still there.
    pub fn hanging(&self) -> usize {
        self.gate.waiting()
    }

    /// Closes the connections of all calls that hang.
    pub fn let_go(&self) {
        self.gate.open();
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// How often each `service:Operation` was called since the start or [`Self::reset_calls`].
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.lock().calls.clone()
    }

    /// Begins to count and to log anew.
    pub fn reset_calls(&self) {
        let mut inner = self.lock();
        inner.calls.clear();
        inner.log.clear();
    }

    /// Does what is due by now, as any call would.
    pub(crate) fn ripen(&self) {
        let mut inner = self.lock();
        let now = inner.now();
        ripen_now(&mut inner, now);
    }

    /// The whole state as JSON, with all that is due by now done.
    pub fn state(&self) -> Value {
        let mut inner = self.lock();
        let now = inner.now();
        ripen_now(&mut inner, now);
        serde_json::to_value(&inner.state).unwrap_or_default()
    }
}

fn ripen_now(inner: &mut Inner, now: Millis) {
    let Inner { state, config, .. } = inner;
    ripen(state, config, now);
}

impl Inner {
    fn new(config: Config) -> Self {
        Self {
            state: State { management: MANAGEMENT.to_owned(), ..State::default() },
            history: History::default(),
            faults: Vec::new(),
            calls: BTreeMap::new(),
            log: VecDeque::new(),
            buckets: HashMap::new(),
            requests: 0,
            clock: Clock::start(config.speed),
            last: 0,
            journal: None,
            config,
        }
    }

    pub(crate) fn now(&mut self) -> Millis {
        self.last = self.last.max(self.clock.now());
        self.last
    }

    /// Replays the log over the snapshot, each change at its own time and under the settings of its time.
    fn restore(&mut self, found: Found) {
        if let Some(saved) = found.saved {
            self.state = saved.state;
            self.clock = saved.clock;
            self.last = saved.last;
            self.config = saved.config;
        }
        for record in found.records {
            self.last = self.last.max(record.at);
            match &record.change {
                Change::Clock(clock) => self.clock = *clock,
                Change::Config(config) => {
                    ripen(&mut self.state, &self.config, record.at);
                    self.config = Config::clone(config);
                }
                Change::Call { .. } => {
                    ripen(&mut self.state, &self.config, record.at);
                    // Only calls that succeeded are in the log.
                    let _ = apply_call(&mut self.state, &self.config, &record);
                }
            }
        }
        let now = self.now();
        ripen(&mut self.state, &self.config, now);
    }

    fn change_config(&mut self, config: Config) {
        self.clock.set_speed(config.speed);
        self.config = config;
    }

    /// Writes a change to the journal, if there is one.
    pub(crate) fn keep(&mut self, record: &Record) -> std::io::Result<()> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        journal.append(record)?;
        // The change is safe in the log: a snapshot that fails is tried again later.
        if journal.is_long() {
            let _ = self.write_snapshot();
        }
        Ok(())
    }

    fn save(&mut self, record: &Record) -> Result<(), Error> {
        self.keep(record).map_err(|e| Error::io("cannot write the log of the sandbox", e))
    }

    fn record_clock(&mut self) -> Result<(), Error> {
        let at = self.now();
        let clock = self.clock;
        self.save(&Record { at, change: Change::Clock(clock) })
    }

    fn write_snapshot(&mut self) -> std::io::Result<()> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let saved = Saved::new(self.clock, self.config.clone(), self.last, &self.state);
        journal.snapshot(saved)
    }

    fn snapshot(&mut self) -> Result<(), Error> {
        self.write_snapshot().map_err(|e| Error::io("cannot write the state of the sandbox", e))
    }
}
