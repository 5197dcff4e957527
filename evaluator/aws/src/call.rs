//! How a request is sent: in its lane, counted, and again where it may be. Owns the lanes (the rate of each service,
//! the one writer of Organizations), the counters and the loop of attempts; which request, it does not know.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::error::Error;
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use cell_eval::provider::pace::{Pace, Patience};
use cell_eval::provider::{Answer, Failure};

use crate::fault;
use crate::settings::Settings;

/// Attempts to reach an endpoint at which nothing listens.
const KNOCKS: u32 = 3;
/// Requests to Organizations at once after a pause.
const ORGANIZATIONS_BURST: u32 = 8;

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing, so whenever it may help.
    Read,
    /// It is harmless to repeat, so whenever it may help.
    Write,
    /// It would create twice, so only where the service says that it did nothing.
    Creation,
    /// Never: the caller decides.
    Never,
}

impl Repeat {
    fn allows(self, failure: Failure) -> bool {
        match self {
            Self::Read | Self::Write => failure.may_repeat(),
            Self::Creation => failure.may_repeat() && failure.did_nothing(),
            Self::Never => false,
        }
    }
}

/// A request: `service:Operation`, and when it may be sent again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    repeat: Repeat,
}

/// A request that changes nothing.
pub(crate) fn read(name: &'static str) -> Call {
    Call { name, repeat: Repeat::Read }
}

/// A request that changes something, and no more when it is repeated.
pub(crate) fn write(name: &'static str) -> Call {
    Call { name, repeat: Repeat::Write }
}

/// A request that creates something, and another one when it is repeated.
pub(crate) fn creation(name: &'static str) -> Call {
    Call { name, repeat: Repeat::Creation }
}

/// A request that is sent once.
pub(crate) fn once(name: &'static str) -> Call {
    Call { name, repeat: Repeat::Never }
}

/// The way that requests take.
#[derive(Debug)]
pub(crate) struct Road {
    started: Instant,
    patience: Patience,
    center: Mutex<Pace>,
    organizations: Mutex<Pace>,
    /// Held during each single write to Organizations, which refuses two at a time.
    writer: tokio::sync::Mutex<()>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    pushes: AtomicU64,
}

impl Road {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            started: Instant::now(),
            patience: settings.patience,
            center: Mutex::new(Pace::new(settings.tps, settings.burst)),
            organizations: Mutex::new(Pace::new(settings.organizations_tps, ORGANIZATIONS_BURST)),
            writer: tokio::sync::Mutex::new(()),
            counts: Mutex::default(),
            pushes: AtomicU64::new(0),
        }
    }

    /// Every request sent so far.
    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        hold(&self.counts).iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    /// How often Identity Center refused for its rate or for what else was under way.
    pub(crate) fn pushes(&self) -> u64 {
        self.pushes.load(Ordering::Relaxed)
    }

    /// The rate of Identity Center now.
    #[cfg(test)]
    pub(crate) fn center_rate(&self) -> f64 {
        hold(&self.center).rate()
    }

    /// Waits before one more attempt of something that began then and was tried so often; false when it is time to
    /// give up.
    pub(crate) async fn wait(&self, tried: u32, started: Instant) -> bool {
        match self.patience.wait(tried, started.elapsed(), chance()) {
            Some(wait) => {
                tokio::time::sleep(wait).await;
                true
            }
            None => false,
        }
    }

    /// Sends a request of the SDK, again where it may be.
    pub(crate) async fn send<T, E, F, A>(&self, call: Call, request: F) -> Answer<T>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Fn() -> A,
        A: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.repeat(call, || async {
            // The SDK's futures are large: on the heap they spare the stacks of the callers' threads.
            Box::pin(request()).await.map_err(|error| fault::of_sdk(call.name, &error))
        })
        .await
    }

    /// Makes attempts until one is answered, or the failure or the patience forbids another.
    pub(crate) async fn repeat<T, F, A>(&self, call: Call, attempt: F) -> Answer<T>
    where
        F: Fn() -> A,
        A: Future<Output = Answer<T>>,
    {
        let started = Instant::now();
        let mut tried = 0;
        loop {
            let error = match self.attempt(call, attempt()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            tried += 1;
            if !call.repeat.allows(error.failure) || (tried >= KNOCKS && fault::never_left(&error)) {
                return Err(error);
            }
            if !self.wait(tried, started).await {
                return Err(error);
            }
        }
    }

    async fn attempt<T>(&self, call: Call, attempt: impl Future<Output = Answer<T>>) -> Answer<T> {
        let lane = self.lane(call);
        let _alone = if writes_organizations(call) { Some(self.writer.lock().await) } else { None };
        if let Some(lane) = lane {
            let wait = hold(lane).reserve(self.now());
            tokio::time::sleep(wait).await;
        }
        *hold(&self.counts).entry(call.name).or_default() += 1;
        let answer = attempt.await;
        if call.name.starts_with("sso-admin:") && answer.as_ref().is_err_and(|error| pushes_back(error.failure)) {
            self.pushes.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(lane) = lane {
            match &answer {
                Ok(_) => hold(lane).answered(self.now()),
                Err(error) if error.failure == Failure::Throttled => hold(lane).throttled(self.now()),
                Err(_) => {}
            }
        }
        answer
    }

    fn lane(&self, call: Call) -> Option<&Mutex<Pace>> {
        match call.name.split(':').next() {
            Some("sso-admin" | "identitystore") => Some(&self.center),
            Some("organizations") => Some(&self.organizations),
            _ => None,
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// What a mutex guards, also after a thread died with it: every change here is a single one.
pub(crate) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pushes_back(failure: Failure) -> bool {
    matches!(failure, Failure::Throttled | Failure::Conflict)
}

fn writes_organizations(call: Call) -> bool {
    call.repeat != Repeat::Read && call.name.starts_with("organizations:")
}

/// A number from 0 to 1: the keys of a new hasher are random, and waits need no more.
fn chance() -> f64 {
    let drawn = (RandomState::new().build_hasher().finish() >> 32) as u32;
    f64::from(drawn) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_creation_is_repeated_only_where_nothing_was_done() {
        let all = [Failure::Throttled, Failure::Conflict, Failure::Unavailable, Failure::Lost, Failure::Denied];
        let allowed = |repeat: Repeat| all.map(|failure| repeat.allows(failure));
        assert_eq!(allowed(Repeat::Read), [true, true, true, true, false]);
        assert_eq!(allowed(Repeat::Write), [true, true, true, true, false]);
        assert_eq!(allowed(Repeat::Creation), [true, true, false, false, false]);
        assert_eq!(allowed(Repeat::Never), [false; 5]);
    }

    #[test]
    fn chance_is_between_nothing_and_one_and_differs() {
        let drawn: Vec<f64> = (0..50).map(|_| chance()).collect();
        assert!(drawn.iter().all(|n| (0.0..1.0).contains(n)));
        assert!(drawn.iter().any(|n| (n - drawn[0]).abs() > 0.01));
    }
}
