//! A cloud in memory, and what goes wrong in it by a script.
//!
//! Owns how every call passes through; what it holds is in `state`, what each call does in `organizations` and
//! `center`. As
//! strict as AWS where the core depends on it: e-mails and names are taken once, what is in use is not deleted, the
//! last assignment of a set in an account takes its role along. It tries nothing again: a failure is told at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use super::state::{Moment, Set, State};
use jiff::{SignedDuration, Timestamp};

use super::time::{Life, StillClock};
use crate::provider::{Account, AccountState, Answer, Center, CloudError, Failure, Known, Policy, PrincipalKind};

/// The root.
pub(crate) const ROOT_ID: &str = "r-root";
/// The management account.
pub(crate) const MANAGEMENT: &str = "900000000000";
/// AWS's own policy, on everything.
pub(crate) const FULL: &str = "p-FullAWSAccess";

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No answer comes, and nothing was done.
    Lost,
    /// No answer comes, and it was done.
    LostAfter,
    /// The service answers that it failed, and it was done all the same.
    UnavailableAfter,
    /// The service refuses for its rate.
    Throttled,
    /// Something else is under way.
    Conflict,
    /// The caller may not.
    Denied,
    /// What it begins ends in failure.
    FailsLater,
    /// It answers as things were before the last write.
    Stale,
    /// The process dies before the call is sent.
    DiesBefore,
    /// The process dies before the answer comes.
    DiesAfter,
}

/// Looked at after every write: what must never be.
type Law = Box<dyn Fn(&State) -> Option<String> + Send>;

#[derive(Default)]
pub(super) struct Inner {
    state: State,
    /// As it was before the last write.
    before: State,
    /// Questions by call, for the script.
    asked: BTreeMap<String, u64>,
    /// Requests by call: a list is asked for page by page.
    calls: BTreeMap<String, u64>,
    pub(super) pushes: u64,
    script: Vec<(String, u64, Trouble)>,
    refused: BTreeMap<&'static str, Failure>,
    laws: Vec<Law>,
    broken: Vec<String>,
    no_paths: bool,
    /// By so much the lists of units and accounts are behind, and what there was before each change since they are.
    lag: Option<(SignedDuration, Vec<(Timestamp, State)>)>,
}

/// The cloud.
pub(crate) struct FakeCloud {
    pub(crate) clock: Arc<StillClock>,
    life: Arc<Life>,
    inner: Mutex<Inner>,
}

impl std::fmt::Debug for FakeCloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeCloud").finish_non_exhaustive()
    }
}

impl FakeCloud {
    /// With an organization, Identity Center and these groups, and nothing else.
    pub(crate) fn new(clock: Arc<StillClock>, life: Arc<Life>, groups: &[&str]) -> Self {
        let mut state = State { enabled: true, ..State::default() };
        for name in groups {
            state.people.insert((PrincipalKind::Group, (*name).to_owned()), format!("g-{name}"));
        }
        let full = Policy {
            id: FULL.to_owned(),
            name: "FullAWSAccess".to_owned(),
            description: String::new(),
            content: Some("{}".to_owned()),
            aws_managed: true,
        };
        state.policies.insert(FULL.to_owned(), full);
        state.attached.insert((FULL.to_owned(), ROOT_ID.to_owned()));
        let manager = Account {
            id: MANAGEMENT.to_owned(),
            name: "management".to_owned(),
            email: "aws@x.example".to_owned(),
            state: AccountState::Active,
            parent: Some(ROOT_ID.to_owned()),
        };
        state.accounts.insert(MANAGEMENT.to_owned(), manager);
        let inner = Inner { before: state.clone(), state, ..Inner::default() };
        Self { clock, life, inner: Mutex::new(inner) }
    }

    /// One that holds the same, for another process.
    pub(crate) fn copy(&self, clock: Arc<StillClock>, life: Arc<Life>) -> Self {
        let state = self.state();
        Self { clock, life, inner: Mutex::new(Inner { before: state.clone(), state, ..Inner::default() }) }
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it holds now.
    pub(crate) fn state(&self) -> State {
        let mut inner = self.inner();
        let now = self.clock.at();
        inner.state.settle(now);
        inner.state.clone()
    }

    /// Changes it behind everybody's back.
    pub(crate) fn edit(&self, change: impl FnOnce(&mut State)) {
        let mut inner = self.inner();
        change(&mut inner.state);
        inner.before = inner.state.clone();
    }

    /// The n-th question (from 1, counted from now on) of a call goes wrong.
    pub(crate) fn script(&self, call: &str, nth: u64, trouble: Trouble) {
        let mut inner = self.inner();
        let nth = inner.asked.get(call).copied().unwrap_or(0) + nth;
        inner.script.push((call.to_owned(), nth, trouble));
    }

    /// Every question of a call is refused so.
    pub(crate) fn refuse(&self, call: &'static str, failure: Failure) {
        self.inner().refused.insert(call, failure);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn mend(&self) {
        let mut inner = self.inner();
        inner.script.clear();
        inner.refused.clear();
    }

    /// Lists of accounts do not say where each is.
    pub(crate) fn without_paths(&self) {
        self.inner().no_paths = true;
    }

    pub(crate) fn says_paths(&self) -> bool {
        !self.inner().no_paths
    }

    /// Looks after every write whether a law was broken.
    pub(crate) fn law(&self, law: impl Fn(&State) -> Option<String> + Send + 'static) {
        self.inner().laws.push(Box::new(law));
    }

    /// The laws that were broken.
    pub(crate) fn broken(&self) -> Vec<String> {
        self.inner().broken.clone()
    }

    /// Questions asked so far, by call.
    pub(crate) fn asked(&self) -> BTreeMap<String, u64> {
        self.inner().asked.clone()
    }

    /// Requests sent so far, by call.
    pub(crate) fn requests(&self) -> BTreeMap<String, u64> {
        self.inner().calls.clone()
    }

    /// Forgets what was asked and sent.
    pub(crate) fn count_anew(&self) {
        let mut inner = self.inner();
        inner.asked.clear();
        inner.calls.clear();
    }

    /// A question comes in: what goes wrong with it.
    fn enter(&self, inner: &mut Inner, call: &'static str) -> Answer<Option<Trouble>> {
        if self.life.is_over() {
            return Err(CloudError::own(call, Failure::Lost, "the process is dead"));
        }
        let asked = inner.asked.entry(call.to_owned()).or_default();
        *asked += 1;
        let nth = *asked;
        *inner.calls.entry(call.to_owned()).or_default() += 1;
        // A job that ends is a write like any other: a stale answer is as of before it.
        let now = self.clock.at();
        let ends = inner.state.jobs.values().any(|job| job.known == Known::InProgress && job.due <= now);
        if ends && !inner.script.is_empty() {
            inner.before = inner.state.clone();
        }
        inner.state.settle(now);
        if let Some(failure) = inner.refused.get(call) {
            return Err(CloudError::own(call, *failure, "refused"));
        }
        let found = inner.script.iter().find(|(of, at, _)| of == call && *at == nth);
        let trouble = found.map(|(_, _, trouble)| *trouble);
        let failed = |failure: Failure| Err(CloudError::own(call, failure, "by the script"));
        match trouble {
            Some(Trouble::Lost) => failed(Failure::Lost),
            Some(Trouble::Throttled | Trouble::Conflict) if call.starts_with("sso:") => {
                inner.pushes += 1;
                failed(if trouble == Some(Trouble::Conflict) { Failure::Conflict } else { Failure::Throttled })
            }
            Some(Trouble::Throttled) => failed(Failure::Throttled),
            Some(Trouble::Conflict) => failed(Failure::Conflict),
            Some(Trouble::Denied) => failed(Failure::Denied),
            Some(Trouble::DiesBefore) => {
                self.life.end();
                failed(Failure::Lost)
            }
            other => Ok(other),
        }
    }

    fn leave<T>(&self, call: &'static str, trouble: Option<Trouble>, answer: Answer<T>) -> Answer<T> {
        match trouble {
            Some(Trouble::LostAfter) => Err(CloudError::own(call, Failure::Lost, "by the script, after it was done")),
            Some(Trouble::UnavailableAfter) => {
                Err(CloudError::own(call, Failure::Unavailable, "by the script, after it was done"))
            }
            Some(Trouble::DiesAfter) => {
                self.life.end();
                Err(CloudError::own(call, Failure::Lost, "the process is dead"))
            }
            _ => answer,
        }
    }

    /// A question that changes nothing.
    pub(crate) fn read<T>(&self, call: &'static str, look: impl FnOnce(&State) -> Answer<T>) -> Answer<T> {
        let mut inner = self.inner();
        let trouble = self.enter(&mut inner, call)?;
        let answer = look(if trouble == Some(Trouble::Stale) { &inner.before } else { &inner.state });
        self.leave(call, trouble, answer)
    }

    /// A list, asked for by pages of this size.
    pub(crate) fn list<T>(
        &self,
        call: &'static str,
        size: usize,
        look: impl FnOnce(&State) -> Answer<Vec<T>>,
    ) -> Answer<Vec<T>> {
        let answer = self.read(call, look)?;
        let more = answer.len().div_ceil(size).saturating_sub(1) as u64;
        *self.inner().calls.entry(call.to_owned()).or_default() += more;
        Ok(answer)
    }

    /// A list of the organization's tree, which may be behind.
    pub(crate) fn tree<T>(
        &self,
        call: &'static str,
        size: usize,
        look: impl FnOnce(&State) -> Answer<Vec<T>>,
    ) -> Answer<Vec<T>> {
        let now = self.clock.at();
        let behind = self.inner().lag.as_ref().and_then(|(by, changes)| {
            changes.iter().find(|(at, _)| *at + *by > now).map(|(_, before)| before.clone())
        });
        self.list(call, size, |state| look(behind.as_ref().unwrap_or(state)))
    }

    /// Lets the lists of units and accounts be behind from now on.
    pub(crate) fn lag(&self, by: SignedDuration) {
        self.inner().lag = Some((by, Vec::new()));
    }

    /// A question that changes something.
    pub(crate) fn write<T>(
        &self,
        call: &'static str,
        act: impl FnOnce(&mut State, Moment) -> Answer<T>,
    ) -> Answer<T> {
        let mut inner = self.inner();
        let trouble = self.enter(&mut inner, call)?;
        if !inner.script.is_empty() {
            inner.before = inner.state.clone();
        }
        let at = Moment { now: self.clock.at(), fails: trouble == Some(Trouble::FailsLater) };
        let before = inner.lag.is_some().then(|| (at.now, inner.state.clone()));
        if let Some((_, changes)) = &mut inner.lag {
            changes.extend(before);
        }
        let answer = act(&mut inner.state, at);
        let Inner { laws, state, broken, .. } = &mut *inner;
        broken.extend(laws.iter().filter_map(|law| law(state)).map(|what| format!("after {call}: {what}")));
        self.leave(call, trouble, answer)
    }

    /// Another request of the same question.
    pub(crate) fn also(&self, call: &str) {
        *self.inner().calls.entry(call.to_owned()).or_default() += 1;
    }

    /// Identity Center.
    pub(crate) fn instance() -> Center {
        Center { arn: "arn:aws:sso:::instance/ssoins-1".to_owned(), store: "d-1".to_owned() }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, seconds: u64) {
        crate::provider::Clock::sleep(self.clock.as_ref(), Duration::from_secs(seconds));
    }
}

/// A refusal.
pub(crate) fn no<T>(call: &str, failure: Failure, why: impl Into<String>) -> Answer<T> {
    Err(CloudError::own(call, failure, why))
}
