//! Following what goes on after its call was answered. Owns who asks: one poll of the list serves everyone who
//! waits, so that polls cost the time over the interval and not one an operation.
//!
//! A lane is taken until its end is seen, so a late poll costs time and an early one a request. The interval is a part
//! of the rate, a larger one while every lane is taken: then there is nothing else to ask. Nothing is asked before what goes
//! on can have ended by what others took.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::provider::{Clock, CloudError, Failure, Known, Progress, Provider, ProvisionTarget, State};

/// How long is waited between two polls of one request by its id, and between two of a list at most.
const INTERVAL: Duration = Duration::from_millis(500);
/// Polls of a list take one of so many requests at the most.
const SHARE: f64 = 5.0;
/// The same while every lane is taken, so that no request waits for a poll.
const SHARE_OF_FULL: f64 = 2.0;
/// The longest that is waited for what cannot have ended yet.
const LONGEST: Duration = Duration::from_secs(1);
/// Pages of the list of what goes on that are looked through. More than these go on at once only when others work too.
const PAGES: usize = 4;
/// Requests that were not on the list and went on all the same, after which the list does not serve: it is behind, or
/// too long. Requests are asked for by their ids from there on.
const MISSED: u32 = 20;

/// Follows requests.
#[derive(Debug)]
pub(crate) struct Follower<'a> {
    provider: &'a dyn Provider,
    clock: &'a dyn Clock,
    /// How long one request may take.
    pub(crate) patience: SignedDuration,
    /// Between two polls of a list.
    interval: Duration,
    /// The same while every lane is taken.
    quick: Duration,
    lanes: usize,
    shared: Mutex<Shared>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Shared {
    /// Requests that are waited for.
    waiting: HashMap<(State, String), Waiting>,
    /// In what time requests of each kind end, those that are quick.
    takes: HashMap<State, Duration>,
    polling: bool,
    missed: u32,
    no_lists: bool,
}

impl Shared {
    /// A request that was not on the list goes on.
    fn miss(&mut self) {
        self.missed += 1;
        self.no_lists |= self.missed >= MISSED;
    }
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    since: Timestamp,
    /// Was it on the list no more?
    gone: bool,
}

/// How a request ended, and how that was seen.
#[derive(Debug)]
pub(crate) struct Followed {
    /// `Describe…` or `List…`, for the receipt.
    pub(crate) by: &'static str,
    /// The request, if it is known only that it goes on no more: how it ended is for what it did to show.
    pub(crate) request: Option<String>,
}

/// Whom to ask of a request that is on the list no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Nobody: what it was to bring about is looked for.
    Suffices,
    /// The request itself, by its id.
    IsAsked,
}

impl<'a> Follower<'a> {
    /// At `tps` requests a second, of which `lanes` may go on at once.
    pub(crate) fn new(provider: &'a dyn Provider, clock: &'a dyn Clock, tps: u64, lanes: u64) -> Self {
        let patience = SignedDuration::from_mins(15);
        let tps = f64::from(u32::try_from(tps.max(1)).unwrap_or(u32::MAX));
        let every = |share: f64| Duration::from_secs_f64(share / tps).min(INTERVAL);
        let (interval, quick) = (every(SHARE), every(SHARE_OF_FULL));
        let lanes = usize::try_from(lanes).unwrap_or(usize::MAX);
        Self { provider, clock, patience, interval, quick, lanes, shared: Mutex::default(), news: Condvar::new() }
    }

    /// Has the roles of a set brought to its newest form, and waits for the end; none where nobody has the set there any
    /// more, which the service says at once or as the request's end.
    ///
    /// # Errors
    /// As [`Self::follow`], and when the request was not taken.
    pub(crate) fn provision(&self, set: &str, target: &ProvisionTarget) -> Result<Option<Followed>, CloudError> {
        let begun = match self.provider.provision(set, target) {
            Err(error) if error.failure == Failure::NotFound => return Ok(None),
            other => other?,
        };
        let ProvisionTarget::Account(account) = target else {
            return self.follow(State::Provisioning, begun, Gone::IsAsked).map(Some);
        };
        match self.follow(State::Provisioning, begun, Gone::IsAsked) {
            Err(error) if error.failure == Failure::Failed => {
                let left = !self.provider.accounts_of_set(set, None)?.contains(account);
                if left { Ok(None) } else { Err(error) }
            }
            other => other.map(Some),
        }
    }

    /// Waits for the end of a request.
    ///
    /// # Errors
    /// [`Failure::Failed`] with the service's reason; [`Failure::Lost`] when it does not end in time.
    pub(crate) fn follow(&self, what: State, begun: Progress, gone: Gone) -> Result<Followed, CloudError> {
        match begun.known {
            Known::InProgress => {}
            Known::Succeeded => return Ok(Followed { by: "its answer", request: None }),
            Known::Failed => return Err(self.failed(what, begun)),
        }
        let key = (what, begun.request);
        let since = self.clock.now();
        self.lock().waiting.insert(key.clone(), Waiting { since, gone: false });
        let outcome = self.wait(&key, gone);
        let took = self.clock.now().duration_since(since).unsigned_abs();
        let mut shared = self.lock();
        shared.waiting.remove(&key);
        if outcome.is_ok() {
            let quick = shared.takes.entry(what).or_insert(took);
            // At once down, and slowly up: one that was slow says nothing of the next.
            *quick = (*quick).min(took) + took.saturating_sub(*quick) / 16;
        }
        drop(shared);
        outcome
    }

    /// How a request stands that was on the list no more, and did not bring about what it was to: ended well, or not
    /// yet.
    ///
    /// # Errors
    /// [`Failure::Failed`] with the service's reason; the failure of the question.
    pub(crate) fn has_ended(&self, what: State, request: &str) -> Result<bool, CloudError> {
        let progress = self.provider.progress(what, request)?;
        match progress.known {
            Known::InProgress => {
                self.lock().miss();
                Ok(false)
            }
            Known::Succeeded => Ok(true),
            Known::Failed => Err(self.failed(what, progress)),
        }
    }

    fn wait(&self, key: &(State, String), gone: Gone) -> Result<Followed, CloudError> {
        let until = self.clock.now() + self.patience;
        let mut looks = 0_u32;
        loop {
            looks += 1;
            let mut shared = self.lock();
            let is_gone = shared.waiting.get(key).is_some_and(|waiting| waiting.gone);
            if is_gone || shared.no_lists {
                drop(shared);
                if is_gone && gone == Gone::Suffices {
                    return Ok(Followed { by: list_name(key.0), request: Some(key.1.clone()) });
                }
                if !is_gone {
                    self.clock.sleep(if looks == 1 { INTERVAL } else { INTERVAL * 2 });
                }
                let progress = self.provider.progress(key.0, &key.1)?;
                match progress.known {
                    Known::InProgress => self.went_on(key),
                    Known::Succeeded => return Ok(Followed { by: describe_name(key.0), request: None }),
                    Known::Failed => return Err(self.failed(key.0, progress)),
                }
            } else if shared.polling {
                // Somebody asks for all of us; if nothing comes, it is our turn.
                let waited = self.news.wait_timeout(shared, LONGEST * 2);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            } else {
                shared.polling = true;
                let pause = self.pause(&shared, key.0);
                drop(shared);
                self.clock.sleep(pause);
                let polled = self.poll(key.0);
                self.lock().polling = false;
                self.news.notify_all();
                polled?;
            }
            if self.clock.now() > until {
                let message = format!("request {} has not ended in {} minutes", key.1, self.patience.as_mins());
                return Err(CloudError::own(describe_name(key.0), Failure::Lost, message));
            }
        }
    }

    /// How long to wait before the next poll: the interval, or until the first can have ended.
    fn pause(&self, shared: &Shared, what: State) -> Duration {
        let takes = shared.takes.get(&what).copied().unwrap_or_default();
        let now = self.clock.now();
        let of_kind = shared.waiting.iter().filter(|((kind, _), _)| *kind == what);
        let age = of_kind.map(|(_, waiting)| now.duration_since(waiting.since).unsigned_abs()).max();
        // A little before that: else it would never be seen to take less.
        let early = (takes * 7 / 8).saturating_sub(age.unwrap_or_default());
        let interval = if shared.waiting.len() >= self.lanes { self.quick } else { self.interval };
        interval.max(early.min(LONGEST))
    }

    /// A request that the list did not have goes on: the list is behind, or has more than is read of it.
    fn went_on(&self, key: &(State, String)) {
        let mut shared = self.lock();
        if let Some(waiting) = shared.waiting.get_mut(key).filter(|waiting| waiting.gone) {
            waiting.gone = false;
            shared.miss();
        }
    }

    /// One look at the list, for all that wait for its kind.
    fn poll(&self, what: State) -> Result<(), CloudError> {
        // What begins while the list is read, or a moment before, may not be on it.
        let before = self.clock.now() - SignedDuration::try_from(self.interval).unwrap_or_default();
        let begun: Vec<(State, String)> = {
            let shared = self.lock();
            let old = shared.waiting.iter().filter(|(key, waiting)| key.0 == what && waiting.since <= before);
            old.map(|(key, _)| key.clone()).collect()
        };
        let going = match self.provider.going_on(what, PAGES) {
            Ok(going) => going,
            Err(error) if error.failure == Failure::Unsupported => {
                self.lock().no_lists = true;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut shared = self.lock();
        for key in begun.into_iter().filter(|key| !going.contains(&key.1)) {
            if let Some(waiting) = shared.waiting.get_mut(&key) {
                waiting.gone = true;
            }
        }
        Ok(())
    }

    /// Why it failed; a list does not say, so it is asked for by its id.
    fn failed(&self, what: State, progress: Progress) -> CloudError {
        let reason = match progress.reason {
            Some(reason) => Ok(Some(reason)),
            None => self.provider.progress(what, &progress.request).map(|asked| asked.reason),
        };
        match reason {
            Ok(reason) => {
                let message = reason.unwrap_or_else(|| "it failed, and the service gives no reason".to_owned());
                let error = CloudError::own(call_name(what), Failure::Failed, message);
                CloudError { request_id: Some(progress.request), ..error }
            }
            Err(error) => error,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn call_name(what: State) -> &'static str {
    match what {
        State::Assigning => "sso:CreateAccountAssignment",
        State::Unassigning => "sso:DeleteAccountAssignment",
        State::Provisioning => "sso:ProvisionPermissionSet",
    }
}

fn list_name(what: State) -> &'static str {
    match what {
        State::Assigning => "ListAccountAssignmentCreationStatus",
        State::Unassigning => "ListAccountAssignmentDeletionStatus",
        State::Provisioning => "ListPermissionSetProvisioningStatus",
    }
}

/// The call that tells how one request stands.
pub(crate) fn describe_name(what: State) -> &'static str {
    match what {
        State::Assigning => "DescribeAccountAssignmentCreationStatus",
        State::Unassigning => "DescribeAccountAssignmentDeletionStatus",
        State::Provisioning => "DescribePermissionSetProvisioningStatus",
    }
}
