//! Following what goes on after its call was answered. Owns who asks: one poll of the list serves everyone who
//! waits, so that polls cost the time over the interval and not one an operation.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;

use crate::provider::{Clock, CloudError, Failure, Known, Progress, Provider, State};

/// How long is waited between two polls.
const INTERVAL: Duration = Duration::from_millis(500);
/// Pages of a list that are looked through: the newest come first.
const PAGES: usize = 4;
/// Looks at the list in which a request was not found, after which the list does not serve: it is long, and its newest
/// do not come first. Requests are asked for by their ids from there on.
const UNSEEN: u32 = 3;
/// Looks at the list between which a request is asked for by its id: a list may be behind what it lists.
const LISTED: u32 = 20;

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
    waiting: HashMap<(State, String), Waiting>,
    polling: bool,
    no_lists: bool,
}

/// What is known of a request that is waited for.
#[derive(Debug, Default)]
struct Waiting {
    ended: Option<Progress>,
    /// Looks at the list in which it was not.
    unseen: u32,
}

/// How a request ended, and how that was seen.
#[derive(Debug)]
pub(super) struct Followed {
    /// `Describe…` or `List…`, for the receipt.
    pub(super) by: &'static str,
}

impl<'a> Follower<'a> {
    pub(super) fn new(provider: &'a dyn Provider, clock: &'a dyn Clock) -> Self {
        let patience = SignedDuration::from_mins(15);
        Self { provider, clock, patience, shared: Mutex::default(), news: Condvar::new() }
    }

    /// Waits for the end of a request.
    ///
    /// # Errors
    /// [`Failure::Failed`] with the service's reason; [`Failure::Lost`] when it does not end in time.
    pub(super) fn follow(&self, what: State, begun: Progress) -> Result<Followed, CloudError> {
        if begun.known != Known::InProgress {
            return self.ended(what, begun, "its answer");
        }
        let key = (what, begun.request.clone());
        self.lock().waiting.insert(key.clone(), Waiting::default());
        let outcome = self.wait(&key);
        self.lock().waiting.remove(&key);
        let (progress, by) = outcome?;
        self.ended(what, progress, by)
    }

    fn wait(&self, key: &(State, String)) -> Result<(Progress, &'static str), CloudError> {
        let until = self.clock.now() + self.patience;
        let mut looks = 0_u32;
        loop {
            looks += 1;
            let mut shared = self.lock();
            if let Some(Waiting { ended: Some(progress), .. }) = shared.waiting.get(key) {
                return Ok((progress.clone(), list_name(key.0)));
            }
            if shared.no_lists || looks.is_multiple_of(LISTED) {
                drop(shared);
                self.clock.sleep(if looks == 1 { INTERVAL } else { INTERVAL * 2 });
                let progress = self.provider.progress(key.0, &key.1)?;
                if progress.known != Known::InProgress {
                    return Ok((progress, describe_name(key.0)));
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

    /// One look at the list, for all that wait for its kind.
    fn poll(&self, what: State) -> Result<(), CloudError> {
        let all = match self.provider.all_progress(what, PAGES) {
            Ok(all) => all,
            Err(error) if error.failure == Failure::Unsupported => {
                self.lock().no_lists = true;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut listed: HashMap<String, Progress> =
            all.into_iter().map(|progress| (progress.request.clone(), progress)).collect();
        let mut shared = self.lock();
        let mut lost = false;
        for ((_, request), waiting) in shared.waiting.iter_mut().filter(|((kind, _), _)| *kind == what) {
            match listed.remove(request) {
                Some(progress) if progress.known != Known::InProgress => waiting.ended = Some(progress),
                Some(_) => {}
                None => {
                    waiting.unseen += u32::from(waiting.ended.is_none());
                    lost |= waiting.unseen >= UNSEEN;
                }
            }
        }
        shared.no_lists |= lost;
        Ok(())
    }

    /// A list says that something failed and not why: it is asked for by its id.
    fn ended(&self, what: State, progress: Progress, by: &'static str) -> Result<Followed, CloudError> {
        if progress.known == Known::Succeeded {
            return Ok(Followed { by });
        }
        let reason = match progress.reason {
            Some(reason) => Some(reason),
            None => self.provider.progress(what, &progress.request)?.reason,
        };
        let message = reason.unwrap_or_else(|| "it failed, and the service gives no reason".to_owned());
        Err(CloudError {
            request_id: Some(progress.request),
            ..CloudError::own(call_name(what), Failure::Failed, message)
        })
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
