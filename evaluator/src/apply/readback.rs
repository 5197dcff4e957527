//! What was given or taken away is seen by a list, and one list serves all that wait for it. Owns which lists are
//! asked, and what one that does not show it means: it is behind, the request goes on, or it failed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::follow::Follower;
use crate::live::parallel;
use crate::plan::model::Operation;
use crate::provider::{Clock, CloudError, Failure, Given, Principal, Provider, State};

/// So many wait for one look at most: Identity Center lists as many on a page.
pub(super) const MOST: usize = 100;
/// How long one waits for others at most.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_secs(5);
/// Waits between two looks at what was not seen, in milliseconds: it may take a while to spread.
const LOOKS: [u64; 8] = [200, 400, 800, 1_600, 3_000, 5_000, 8_000, 12_000];

/// An assignment that was given or taken away, as far as its request says.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) given: Given,
    /// Given, or taken away.
    pub(super) on: bool,
    /// By which call that was seen, for the receipt.
    pub(super) by: &'static str,
    /// The request that did it; none where there was nothing to do.
    pub(super) asked: Option<String>,
    /// The request that is asked if what it did is not seen; none when it is known to have ended well.
    pub(super) request: Option<String>,
}

/// One that waits to be seen.
#[derive(Debug)]
pub(super) struct Unseen<'p> {
    pub(super) operation: &'p Operation,
    ended: Ended,
    /// Since when it waits.
    pub(super) since: Timestamp,
    /// It is not looked for earlier.
    pub(super) due: Timestamp,
    misses: usize,
    /// Did a list fail that would have shown it?
    failed: bool,
}

impl<'p> Unseen<'p> {
    pub(super) fn new(operation: &'p Operation, ended: Ended, now: Timestamp) -> Self {
        Self { operation, ended, since: now, due: now, misses: 0, failed: false }
    }
}

/// What a look came to for one.
#[derive(Debug)]
pub(super) enum Look<'p> {
    /// It was seen, with the request that did it, or it failed.
    Over(&'p Operation, Result<(String, Option<String>), CloudError>),
    /// It has to be looked for again.
    Again(Unseen<'p>),
}

/// A list that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum List {
    /// Of all that a principal is given.
    Of(Principal),
    /// Of who has a set in an account: account and set.
    In(String, String),
}

impl List {
    fn call(&self) -> &'static str {
        match self {
            Self::Of(_) => "sso:ListAccountAssignmentsForPrincipal",
            Self::In(..) => "sso:ListAccountAssignments",
        }
    }
}

/// Looks at lists.
#[derive(Debug)]
pub(super) struct ReadBack<'a> {
    provider: &'a dyn Provider,
    clock: &'a dyn Clock,
    lanes: usize,
    /// How many assignments each has, about: what its list costs.
    held: Mutex<HashMap<Principal, usize>>,
    /// The caller may not list by principal, or the server cannot.
    pairs_only: AtomicBool,
    /// Principals that the identity store does not know, or whose list does not answer: what they have is seen by pair.
    unknown: Mutex<HashSet<Principal>>,
}

impl<'a> ReadBack<'a> {
    /// `held` says how many assignments each principal has or is to have.
    pub(super) fn new(
        provider: &'a dyn Provider,
        clock: &'a dyn Clock,
        lanes: u64,
        held: HashMap<Principal, usize>,
    ) -> Self {
        let lanes = usize::try_from(lanes).unwrap_or(1);
        Self {
            provider,
            clock,
            lanes,
            held: Mutex::new(held),
            pairs_only: AtomicBool::new(false),
            unknown: Mutex::default(),
        }
    }

    /// Looks once for all of them.
    pub(super) fn look<'p>(&self, follower: &Follower<'_>, unseen: Vec<Unseen<'p>>) -> Vec<Look<'p>> {
        let lists = self.lists(&unseen.iter().map(|one| &one.ended.given).collect::<Vec<_>>());
        let asked =
            parallel::each(self.lanes, &lists, |list| Ok::<_, CloudError>(self.ask(list))).unwrap_or_default();
        let shown: HashMap<&List, Result<HashSet<Given>, CloudError>> = lists.iter().zip(asked).collect();
        let judge = |one: Unseen<'p>| {
            let given = &one.ended.given;
            let by_principal = List::Of(given.principal.clone());
            let list = if shown.contains_key(&by_principal) {
                by_principal
            } else {
                List::In(given.account.clone(), given.set.clone())
            };
            match shown.get(&list) {
                Some(Ok(all)) if all.contains(given) == one.ended.on => {
                    let so = if one.ended.on { "there" } else { "gone" };
                    let observed = format!("{}: {so}; ended by {}", list.call(), one.ended.by);
                    Look::Over(one.operation, Ok((observed, one.ended.asked)))
                }
                Some(Ok(_)) => self.missed(follower, one, list.call()),
                Some(Err(error)) => self.unanswered(one, &list, error),
                None => self.again(one, 0),
            }
        };
        unseen.into_iter().map(judge).collect()
    }

    /// The fewest requests that show all: by principal where those waiting are more than the pages of what it has.
    fn lists(&self, wanted: &[&Given]) -> Vec<List> {
        let pairs: BTreeSet<(&str, &str)> = wanted.iter().map(|given| (&*given.account, &*given.set)).collect();
        let list = |(account, set): &(&str, &str)| List::In((*account).to_owned(), (*set).to_owned());
        let by_pair = || pairs.iter().map(list).collect();
        if self.pairs_only.load(Ordering::Relaxed) {
            return by_pair();
        }
        let mut each: BTreeMap<&Principal, BTreeSet<(&str, &str)>> = BTreeMap::new();
        for given in wanted {
            each.entry(&given.principal).or_default().insert((&given.account, &given.set));
        }
        let held = self.held();
        let pages = |principal: &Principal| held.get(principal).copied().unwrap_or(0).div_ceil(MOST).max(1);
        let unknown = self.unknown();
        let is_cheaper =
            |principal: &Principal, pairs: usize| pages(principal) < pairs && !unknown.contains(principal);
        let (whole, single): (Vec<_>, Vec<_>) =
            each.into_iter().partition(|(principal, pairs)| is_cheaper(principal, pairs.len()));
        let requests: usize = whole.iter().map(|(principal, _)| pages(principal)).sum();
        let single: BTreeSet<(&str, &str)> = single.into_iter().flat_map(|(_, pairs)| pairs).collect();
        if pairs.len() <= requests + single.len() {
            return by_pair();
        }
        whole.into_iter().map(|(principal, _)| List::Of(principal.clone())).chain(single.iter().map(list)).collect()
    }

    fn ask(&self, list: &List) -> Result<HashSet<Given>, CloudError> {
        match list {
            List::Of(principal) => match self.provider.assignments_of_principal(principal) {
                Ok(all) => {
                    self.held().insert(principal.clone(), all.len());
                    Ok(all.into_iter().collect())
                }
                Err(error) => {
                    match error.failure {
                        Failure::Denied | Failure::Unsupported => self.pairs_only.store(true, Ordering::Relaxed),
                        // Assignments outlive a principal that is deleted, so this shows nothing.
                        Failure::NotFound => _ = self.unknown().insert(principal.clone()),
                        _ => {}
                    }
                    Err(error)
                }
            },
            List::In(account, set) => {
                let given = |principal| Given { set: set.clone(), principal, account: account.clone() };
                Ok(self.provider.assignments_of_pair(account, set)?.into_iter().map(given).collect())
            }
        }
    }

    /// A list answered, and does not show it.
    fn missed<'p>(&self, follower: &Follower<'_>, mut one: Unseen<'p>, call: &str) -> Look<'p> {
        if let Some(request) = &one.ended.request {
            let what = if one.ended.on { State::Assigning } else { State::Unassigning };
            match follower.has_ended(what, request) {
                Ok(true) => {
                    one.ended.by = super::follow::describe_name(what);
                    one.ended.request = None;
                }
                Ok(false) if self.clock.now().duration_since(one.since) > follower.patience => {
                    let message =
                        format!("request {request} has not ended in {} minutes", follower.patience.as_mins());
                    let error = CloudError::own(super::follow::describe_name(what), Failure::Lost, message);
                    return Look::Over(one.operation, Err(error));
                }
                // It was taken for ended too early: its time to spread has not begun.
                Ok(false) => return self.again(one, 1),
                Err(error) => return Look::Over(one.operation, Err(error)),
            }
        }
        let Some(wait) = LOOKS.get(one.misses) else {
            let missing = if one.ended.on { "the assignment is not there" } else { "the assignment is still there" };
            let message = format!("it was written and is not seen: {missing}");
            return Look::Over(one.operation, Err(CloudError::own(call, Failure::Failed, message)));
        };
        one.misses += 1;
        let wait = *wait;
        self.later(one, wait)
    }

    /// A list failed. One failure is not that of all who waited for it: it is asked once more, by pair where the
    /// caller may not ask otherwise, and by pair at last.
    fn unanswered<'p>(&self, mut one: Unseen<'p>, list: &List, error: &CloudError) -> Look<'p> {
        match list {
            List::Of(principal) if one.failed => {
                one.failed = false;
                self.unknown().insert(principal.clone());
            }
            List::In(..) if one.failed => return Look::Over(one.operation, Err(error.clone())),
            _ => one.failed = true,
        }
        self.again(one, 0)
    }

    fn again<'p>(&self, one: Unseen<'p>, wait: usize) -> Look<'p> {
        let wait = LOOKS.get(wait).copied().unwrap_or_default();
        self.later(one, wait)
    }

    fn later<'p>(&self, mut one: Unseen<'p>, milliseconds: u64) -> Look<'p> {
        one.due =
            self.clock.now() + SignedDuration::try_from(Duration::from_millis(milliseconds)).unwrap_or_default();
        Look::Again(one)
    }

    fn unknown(&self) -> std::sync::MutexGuard<'_, HashSet<Principal>> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<Principal, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
