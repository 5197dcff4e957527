//! A run: threads that take what may begin, carry it out, and say what came of it.
//!
//! Owns the threads and the end of a run: those that work, and one that sees what many of them gave or took away. Told to stop, it begins nothing more and lets finish what is under way;
//! it stops likewise when the record cannot be written or the lock is lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::carry::{Carried, Context, Stop};
use super::journal::{Journal, JournalError};
use super::published::with_accounts;
use super::readback::{self, Look, Unseen};
use super::receipt::{Done, Ending, FORMAT_VERSION, Outcome, Receipt};
use super::schedule::{STACKS, Schedule, Stage};
use crate::plan::model::{Operation, Plan};
use crate::provider::{Clock, CloudError, Failure, Provider};
use crate::registry::record::{DONE, Event, Identity, Principal, SETTLED};
use crate::releases::clerk::Clerk;

/// How often the lock is renewed.
const RENEWAL: Duration = Duration::from_secs(15);
/// How often the run looks whether it was told to stop.
const TICK: Duration = Duration::from_millis(100);

/// Who looks on: a progress bar, lines in a log.
pub trait Watcher: Sync {
    /// An operation begins.
    fn began(&self, operation: &Operation);
    /// An operation has ended.
    fn ended(&self, operation: &Operation, outcome: &Outcome);
    /// Something to know while it goes on.
    fn remark(&self, text: &str);
    /// An operation that takes its time has come so far.
    fn told(&self, operation: &Operation, text: &str) {
        self.remark(&format!("{}: {text}", operation.address));
    }
}

/// A run of a plan.
pub struct Run<'a> {
    /// The cloud.
    pub provider: &'a dyn Provider,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The record, under a lock that is held.
    pub journal: &'a Journal<'a>,
    /// The plan.
    pub plan: &'a Plan,
    /// Its id.
    pub plan_id: String,
    /// The digest of the program.
    pub program: String,
    /// Groups and users as they were looked up, by address.
    pub principals: BTreeMap<String, Principal>,
    /// The cells as other tools read them.
    pub cells: BTreeMap<String, serde_json::Value>,
    /// Does what concerns releases; none where the plan has nothing of it.
    pub clerk: Option<&'a Clerk<'a>>,
    /// Set when the run is to stop.
    pub stop: &'a AtomicBool,
    /// Who looks on.
    pub watcher: &'a dyn Watcher,
}

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("plan", &self.plan_id).finish_non_exhaustive()
    }
}

struct Shared<'p> {
    schedule: Schedule<'p>,
    outcomes: Vec<Option<(Outcome, Timestamp)>>,
    /// What the service is through with, and nobody has seen.
    unseen: Vec<Unseen<'p>>,
    /// Nothing more begins.
    over: bool,
    broken: Option<String>,
    /// Was it said that the run stops?
    told: bool,
}

impl Run<'_> {
    /// Runs the plan to its end. Whatever happens, the receipt says what was seen.
    pub fn run(&self) -> Receipt {
        let began = self.clock.now();
        let broken = self.begin().err().map(|error| error.to_string());
        let shared = Mutex::new(Shared {
            schedule: Schedule::new(&self.plan.operations, self.plan.limits),
            outcomes: vec![None; self.plan.operations.len()],
            unseen: Vec::new(),
            over: false,
            broken,
            told: false,
        });
        let news = Condvar::new();
        let over = AtomicBool::new(false);
        let context = Context::new(self.provider, self.clock, self.journal, (self.plan, &self.plan_id), self.clerk);
        let limits = self.plan.limits;
        let workers = (limits.lanes + limits.creations + STACKS + 2).min(self.plan.operations.len() as u64).max(1);
        std::thread::scope(|scope| {
            let keeper = scope.spawn(|| self.keep_alive(&shared, &over));
            let reader = scope.spawn(|| self.see(&context, &shared, &news));
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(|| self.work(&context, &shared, &news))).collect();
            for thread in threads {
                if thread.join().is_err() {
                    locked(&shared).broken.get_or_insert_with(|| "a worker ended unexpectedly".to_owned());
                }
            }
            locked(&shared).over = true;
            news.notify_all();
            if reader.join().is_err() {
                locked(&shared).broken.get_or_insert_with(|| "the reader ended unexpectedly".to_owned());
            }
            over.store(true, Ordering::Relaxed);
            keeper.thread().unpark();
        });
        let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.finish(shared, began)
    }

    fn begin(&self) -> Result<(), JournalError> {
        let target = &self.plan.target;
        let organization = Identity {
            organization: target.organization.clone(),
            management_account: target.management_account.clone(),
            instance: target.instance.clone(),
        };
        let principals = self.principals.clone();
        // What is left of a plan, when this fails, too, is still of that one.
        let plan = self.plan.rest_of.as_ref().unwrap_or(&self.plan_id).clone();
        self.journal.commit(Event::Began { plan, program: self.program.clone(), organization, principals })
    }

    /// Renews the lock until the run is over.
    fn keep_alive(&self, shared: &Mutex<Shared<'_>>, over: &AtomicBool) {
        let (mut renewed, mut waited) = (self.clock.now(), Duration::ZERO);
        while !over.load(Ordering::Relaxed) {
            std::thread::park_timeout(TICK);
            waited += TICK;
            // The clock goes on while the machine sleeps, and ticks where it stands still.
            let age = self.clock.now().duration_since(renewed).unsigned_abs();
            if waited.max(age) >= RENEWAL {
                (renewed, waited) = (self.clock.now(), Duration::ZERO);
                if let Err(error) = self.journal.renew() {
                    locked(shared).broken.get_or_insert_with(|| error.to_string());
                }
            }
        }
    }

    fn work(&self, context: &Context<'_>, shared: &Mutex<Shared<'_>>, news: &Condvar) {
        while let Some(operation) = self.next(shared, news) {
            // A process that was asleep may have slept through the deadline of its lock.
            if let Err(error) = self.journal.assure() {
                locked(shared).broken.get_or_insert_with(|| error.to_string());
                news.notify_all();
                return;
            }
            self.watcher.began(operation);
            match context.carry(operation, &|text| self.watcher.told(operation, text)) {
                Ok(Carried::Ended(ended)) => {
                    let mut shared = locked(shared);
                    let fewer = shared.schedule.left(operation.id, self.provider.pushes());
                    shared.unseen.push(Unseen::new(operation, ended, self.clock.now()));
                    drop(shared);
                    self.tell(fewer);
                }
                Ok(Carried::Seen(observed)) => self.end(operation, Ok(observed), shared),
                Err(stop) => self.end(operation, Err(stop), shared),
            }
            news.notify_all();
        }
    }

    /// Sees what ended, many at once, until nothing more comes.
    fn see(&self, context: &Context<'_>, shared: &Mutex<Shared<'_>>, news: &Condvar) {
        while let Some(unseen) = self.due(shared, news) {
            for look in context.read_back.look(&context.follower, unseen) {
                match look {
                    Look::Over(operation, result) => {
                        let result = result.map_err(Stop::Cloud);
                        let result = result
                            .and_then(|(observed, request)| context.seen(operation, request).map(|()| observed));
                        self.end(operation, result, shared);
                    }
                    Look::Again(one) => locked(shared).unseen.push(one),
                }
            }
            // The next look may be seconds away: what a run that dies until then had seen would be asked for one by one.
            if let Err(error) = self.journal.flush() {
                locked(shared).broken.get_or_insert_with(|| error.to_string());
            }
            news.notify_all();
        }
    }

    /// What is to be looked for now. It waits for more to end as long as that costs nobody anything.
    fn due<'p>(&self, shared: &Mutex<Shared<'p>>, news: &Condvar) -> Option<Vec<Unseen<'p>>> {
        let mut held = locked(shared);
        loop {
            if held.unseen.is_empty() && held.over {
                return None;
            }
            let now = self.clock.now();
            let ends = held.over || held.broken.is_some() || self.stop.load(Ordering::Relaxed);
            let is_time = ends
                || held.unseen.len() >= readback::MOST
                || held.unseen.iter().any(|one| now.duration_since(one.since) >= readback::LONGEST)
                || held.schedule.is_idle()
                || held.schedule.holds_back(held.unseen.iter().map(|one| one.operation.id));
            if held.unseen.is_empty() || !is_time {
                held = news.wait_timeout(held, TICK).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let (due, later) = std::mem::take(&mut held.unseen).into_iter().partition(|one| one.due <= now);
            held.unseen = later;
            let due: Vec<Unseen<'p>> = due;
            if !due.is_empty() {
                return Some(due);
            }
            let next = held.unseen.iter().map(|one| one.due.duration_since(now).unsigned_abs()).min();
            drop(held);
            self.clock.sleep(next.unwrap_or(TICK).min(TICK));
            held = locked(shared);
        }
    }

    /// An operation came to this.
    fn end(&self, operation: &Operation, result: Result<String, Stop>, shared: &Mutex<Shared<'_>>) {
        let outcome = match result {
            Ok(observed) => Outcome::Done { observed },
            Err(Stop::Cloud(error)) => failed(&error),
            Err(Stop::Journal(error)) => {
                locked(shared).broken.get_or_insert_with(|| error.to_string());
                not_recorded(&error)
            }
        };
        self.watcher.ended(operation, &outcome);
        let pushes = self.provider.pushes();
        let mut shared = locked(shared);
        let fewer = shared.schedule.ended(operation.id, matches!(outcome, Outcome::Done { .. }), pushes);
        if let Some(slot) = shared.outcomes.get_mut(operation.id.0 as usize) {
            *slot = Some((outcome, self.clock.now()));
        }
        drop(shared);
        self.tell(fewer);
    }

    fn tell(&self, fewer: Option<u64>) {
        if let Some(lanes) = fewer {
            self.watcher.remark(&format!("IAM Identity Center asks for less: {lanes} at a time from here on"));
        }
    }

    fn next<'p>(&self, shared: &Mutex<Shared<'p>>, news: &Condvar) -> Option<&'p Operation> {
        let mut shared = locked(shared);
        loop {
            let told = self.stop.load(Ordering::Relaxed);
            if told && !std::mem::replace(&mut shared.told, true) {
                let flying = shared.schedule.in_flight();
                self.watcher.remark(&format!("stopping: {flying} under way are finished; once more leaves at once"));
            }
            let stopped = shared.broken.is_some() || told;
            if stopped || shared.schedule.is_over() {
                return None;
            }
            if let Some(operation) = shared.schedule.next() {
                return Some(operation);
            }
            if shared.schedule.in_flight() == 0 {
                return None;
            }
            // Woken by whoever ends; the time is for the signal to stop, which wakes nobody.
            shared = news.wait_timeout(shared, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn finish(&self, shared: Shared<'_>, began: Timestamp) -> Receipt {
        let Shared { schedule, outcomes, mut broken, .. } = shared;
        let mut operations = Vec::with_capacity(outcomes.len());
        for ((operation, stage), outcome) in self.plan.operations.iter().zip(schedule.stages()).zip(outcomes) {
            let (outcome, at) = match (outcome, stage) {
                (Some((outcome, at)), _) => (outcome, Some(at)),
                (None, Stage::Skipped(because)) => (Outcome::Skipped { because: *because }, None),
                (None, _) => (Outcome::NotBegun, None),
            };
            operations.push(Done {
                id: operation.id,
                address: operation.address.clone(),
                verb: operation.verb.word().to_owned(),
                outcome,
                at,
            });
        }
        let mut ending = ending(&operations);
        if broken.is_none() {
            broken = self.close(ending).err().map(|error| error.to_string());
        }
        if broken.is_some() {
            ending = Ending::NotRecorded;
        }
        Receipt {
            format_version: FORMAT_VERSION.to_owned(),
            run: self.journal.lease().owner.run.clone(),
            plan_id: self.plan_id.clone(),
            rest_of: self.plan.rest_of.clone(),
            ending,
            reason: broken,
            began,
            ended: self.clock.now(),
            operations,
            calls: self.provider.calls(),
        }
    }

    /// The end of the journal, and the snapshot that replaces it.
    fn close(&self, ending: Ending) -> Result<(), JournalError> {
        let outcome = match ending {
            Ending::Done => DONE,
            Ending::Interrupted => "interrupted",
            Ending::Failed | Ending::NotRecorded => "failed",
        };
        let cells = self.journal.with(|record| with_accounts(record, &self.cells));
        self.journal.commit(Event::Finished { outcome: outcome.to_owned(), cells })?;
        self.journal.snapshot()
    }
}

/// Brings the cells of a record to what the program says, where nothing else was to be done: a field that no
/// operation applies may have changed, or the last run died before it said them. No plan is under way after it; one whose rest
/// turned out to be nothing has been carried out.
///
/// # Errors
/// When they cannot be written.
pub fn publish(
    journal: &Journal<'_>,
    plan: &Plan,
    cells: &BTreeMap<String, serde_json::Value>,
) -> Result<(), JournalError> {
    let (now, same) = journal.with(|record| {
        let cells = with_accounts(record, cells);
        let same = cells == record.cells && record.under_way.is_none();
        (cells, same)
    });
    if same {
        return Ok(());
    }
    let outcome = if plan.rest_of.is_some() { DONE } else { SETTLED };
    journal.commit(Event::Finished { outcome: outcome.to_owned(), cells: now })?;
    journal.snapshot()
}

fn locked<'m, 'p>(shared: &'m Mutex<Shared<'p>>) -> MutexGuard<'m, Shared<'p>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ending(operations: &[Done]) -> Ending {
    // What was not begun was not kept back by a failure: that is skipped.
    if operations.iter().any(|done| matches!(done.outcome, Outcome::NotBegun)) {
        Ending::Interrupted
    } else if operations.iter().any(|done| matches!(done.outcome, Outcome::Failed { .. })) {
        Ending::Failed
    } else {
        Ending::Done
    }
}

fn failed(error: &CloudError) -> Outcome {
    Outcome::Failed {
        failure: error.failure.word().to_owned(),
        error: error.to_string(),
        advice: advice(error).map(str::to_owned),
    }
}

fn not_recorded(error: &JournalError) -> Outcome {
    Outcome::Failed {
        failure: "not-recorded".to_owned(),
        error: format!("it may have been done and is not recorded: {error}"),
        advice: Some("the next plan reads what is there and takes it over".to_owned()),
    }
}

/// What closes an account.
const CLOSING: &str = "organizations:CloseAccount";

/// What to do about a failure.
fn advice(error: &CloudError) -> Option<&'static str> {
    Some(match error.failure {
        Failure::Credentials if error.is_of_the_clock() => {
            "set this machine's clock and run again: what was done stays done"
        }
        Failure::Throttled => {
            "run again; lower `tps` or `lanes` in the organization's `limits` when others use the same API"
        }
        Failure::Conflict => "something else works on the same thing; run again when it is done",
        Failure::Unavailable | Failure::Lost => "run again: it is looked for before it is written again",
        Failure::Denied => {
            "`cellc plan --policy` prints what the caller must be allowed to do; some of it only the management account may, as the plan's `authority` says"
        }
        Failure::Credentials => "renew the credentials and run again: what was done stays done",
        Failure::Quota if error.call == CLOSING => "run again when closings of 30 days ago count no more",
        Failure::Quota => "ask AWS to raise the quota, or take less",
        Failure::Failed if error.call == "cloudformation:ExecuteChangeSet" => {
            "mend the cause and run again: a stack whose update was taken back is updated, one whose creation failed is deleted and made again"
        }
        Failure::Failed if error.call == CLOSING => "see the account's console for what keeps it open, and run again",
        Failure::NotFound => "it was deleted outside meanwhile; plan again",
        Failure::Exists | Failure::Invalid | Failure::Unsupported | Failure::Failed => return None,
    })
}
