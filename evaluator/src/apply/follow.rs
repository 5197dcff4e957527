//! Following what goes on after its call was answered. Owns who asks: one poll of the list serves everyone who
//! waits, so that polls cost the time over the interval and not one an operation.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;

use crate::provider::{Clock, CloudError, Failure, Known, Progress, Provider, State};

/// How long is waited between two polls.
const INTERVAL: Duration = Duration::from_millis(500);
/// Pages of the list of what goes on that are looked through. More than these go on at once only when others work too.
const PAGES: usize = 4;
/// Requests that were not on the list and went on all the same, after which the list does not serve: it is behind, or
/// too long. Requests are asked for by their ids from there on.
const MISSED: u32 = 20;

/// Follows requests.
#[derive(Debug)]
pub(super) struct Follower<'a> {
    provider: &'a dyn Provider,
    clock: &'a dyn Clock,
    /// How long one request may take.
    patience: SignedDuration,
    shared: Mutex<Shared>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Shared {
    /// Requests that are waited for, and whether one was on the list no more.
    waiting: HashMap<(State, String), bool>,
    polling: bool,
    missed: u32,
    no_lists: bool,
}

/// How a request ended, and how that was seen.
#[derive(Debug)]
pub(super) struct Followed {
    /// `Describe…` or `List…`, for the receipt.
    pub(super) by: &'static str,
    /// What it was to bring about was seen.
    pub(super) seen: bool,
}

impl<'a> Follower<'a> {
    pub(super) fn new(provider: &'a dyn Provider, clock: &'a dyn Clock) -> Self {
        let patience = SignedDuration::from_mins(15);
        Self { provider, clock, patience, shared: Mutex::default(), news: Condvar::new() }
    }

    /// Waits for the end of a request. One that goes on no more has ended if `is_seen` sees what it was to bring
    /// about; if not, it is asked for by its id.
    ///
    /// # Errors
    /// [`Failure::Failed`] with the service's reason; [`Failure::Lost`] when it does not end in time; what `is_seen`
    /// says.
    pub(super) fn follow(
        &self,
        what: State,
        begun: Progress,
        is_seen: &dyn Fn() -> Result<bool, CloudError>,
    ) -> Result<Followed, CloudError> {
        match begun.known {
            Known::InProgress => {}
            Known::Succeeded => return Ok(Followed { by: "its answer", seen: false }),
            Known::Failed => return Err(self.failed(what, begun)),
        }
        let key = (what, begun.request);
        self.lock().waiting.insert(key.clone(), false);
        let outcome = self.wait(&key, is_seen);
        self.lock().waiting.remove(&key);
        outcome
    }

    fn wait(
        &self,
        key: &(State, String),
        is_seen: &dyn Fn() -> Result<bool, CloudError>,
    ) -> Result<Followed, CloudError> {
        let until = self.clock.now() + self.patience;
        let mut looks = 0_u32;
        loop {
            looks += 1;
            let mut shared = self.lock();
            let is_gone = shared.waiting.get(key) == Some(&true);
            if is_gone || shared.no_lists {
                let no_lists = shared.no_lists;
                drop(shared);
                if no_lists {
                    self.clock.sleep(if looks == 1 { INTERVAL } else { INTERVAL * 2 });
                } else if is_seen()? {
                    return Ok(Followed { by: list_name(key.0), seen: true });
                }
                let progress = self.provider.progress(key.0, &key.1)?;
                match progress.known {
                    Known::InProgress => self.went_on(key),
                    Known::Succeeded => return Ok(Followed { by: describe_name(key.0), seen: false }),
                    Known::Failed => return Err(self.failed(key.0, progress)),
                }
            } else if shared.polling {
                // Somebody asks for all of us; if nothing comes, it is our turn.
                let waited = self.news.wait_timeout(shared, INTERVAL * 4);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            } else {
                shared.polling = true;
                drop(shared);
                self.clock.sleep(INTERVAL);
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

    /// A request that the list did not have goes on: the list is behind, or has more than is read of it.
    fn went_on(&self, key: &(State, String)) {
        let mut shared = self.lock();
        if let Some(gone) = shared.waiting.get_mut(key).filter(|gone| **gone) {
            *gone = false;
            shared.missed += 1;
            shared.no_lists |= shared.missed >= MISSED;
        }
    }

    /// One look at the list, for all that wait for its kind.
    fn poll(&self, what: State) -> Result<(), CloudError> {
        // What begins while the list is read may not be on it.
        let begun: Vec<(State, String)> = self.lock().waiting.keys().filter(|key| key.0 == what).cloned().collect();
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
            if let Some(gone) = shared.waiting.get_mut(&key) {
                *gone = true;
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

fn describe_name(what: State) -> &'static str {
    match what {
        State::Assigning => "DescribeAccountAssignmentCreationStatus",
        State::Unassigning => "DescribeAccountAssignmentDeletionStatus",
        State::Provisioning => "DescribePermissionSetProvisioningStatus",
    }
}
