//! What a run that was killed had asked of Identity Center and did not see the end of. Owns that nothing is read before it has ended: so
//! long it is neither there nor gone, and a plan of something else than that run's would take it for what it is not yet; and before lists
//! show what has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::assignments::kind_of;
use super::{Live, Reader, parallel};
use crate::plan::identity;
use crate::provider::{CloudError, Failure, Given, Principal, State};
use crate::registry::record::UnderWay;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// How long such a request is waited for: AWS ends most within seconds, and a provisioning of many accounts within minutes.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
/// Pages of such requests, of 100 each: a run has fewer than a page of them under way.
const PAGES: usize = 10;
/// Pages of those that ended well. The service says nothing of their order, so all are looked through; these take five
/// seconds at its rate.
const PAGES_OF_ENDED: usize = 100;
/// How long lists are waited for: they are behind by seconds.
const SPREAD: SignedDuration = SignedDuration::from_mins(2);
/// What was begun longer ago is shown by the lists.
const SHOWN: SignedDuration = SignedDuration::from_hours(1);
/// By so much the service's clock may be behind.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

impl Reader<'_> {
    /// Waits for the requests that were under way when the last run came to no end, and for lists to show what those did of which
    /// nobody saw it. Five calls where there are none, and two for each that nobody saw.
    ///
    /// # Errors
    /// A call that failed, or [`Failure::Unavailable`] when a request does not end in time.
    pub(super) fn settle(&self, live: &mut Live) -> Result<(), CloudError> {
        let Some(begun) = &self.record.under_way else { return Ok(()) };
        self.instance(live)?;
        if live.center.is_none() {
            return Ok(());
        }
        for what in [State::Unassigning, State::Assigning, State::Provisioning] {
            told(live, self.ended(what))?;
        }
        match told(live, self.unseen(begun))? {
            Some(unseen) => self.shown(unseen),
            None => Ok(()),
        }
    }

    /// Waits until lists show it. What is not so after a while was undone by other means than a request.
    fn shown(&self, unseen: BTreeMap<Given, bool>) -> Result<(), CloudError> {
        let mut left: Vec<(Given, bool)> = unseen.into_iter().collect();
        let began = self.clock.now();
        loop {
            let shown = parallel::each(self.lanes, &left, |(given, on)| {
                match self.provider.assignments_of_pair(&given.account, &given.set) {
                    Err(error) if error.failure == Failure::NotFound => Ok(true),
                    found => Ok(found?.contains(&given.principal) == *on),
                }
            })?;
            left = left.into_iter().zip(shown).filter_map(|(one, shown)| (!shown).then_some(one)).collect();
            if left.is_empty() || self.clock.now().duration_since(began) > SPREAD {
                return Ok(());
            }
            self.clock.sleep(LOOK);
        }
    }

    /// What requests that ended well gave (true) and took away, as far as the record does not say that it was seen, or that one
    /// was that came later.
    fn unseen(&self, begun: &UnderWay) -> Result<BTreeMap<Given, bool>, CloudError> {
        let old = self.clock.now() - SHOWN;
        let since = begun.since.map_or(old, |since| (since - SKEW).max(old));
        let mut last: BTreeMap<Given, (Timestamp, Option<bool>)> = BTreeMap::new();
        let mut take = |given: Given, at: Timestamp, on: Option<bool>| {
            let known = last.entry(given).or_insert((at, on));
            *known = (*known).max((at, on));
        };
        for what in [State::Unassigning, State::Assigning] {
            let ended = self.provider.ended_well(what, since, PAGES_OF_ENDED)?;
            let (seen, unseen): (Vec<_>, Vec<_>) =
                ended.into_iter().partition(|(request, _)| begun.seen.contains_key(request));
            for (request, at) in seen {
                let given = begun.seen.get(&request).and_then(|address| self.recorded(address));
                given.into_iter().for_each(|given| take(given, at, None));
            }
            let asked = parallel::each(self.lanes, &unseen, |(request, _)| self.provider.progress(what, request))?;
            for (progress, (_, at)) in asked.into_iter().zip(unseen) {
                let given = progress.given;
                given.into_iter().for_each(|given| take(given, at, Some(what == State::Assigning)));
            }
        }
        Ok(last.into_iter().filter_map(|(given, (_, on))| Some((given, on?))).collect())
    }

    /// What an assignment's address stands for by the record; none where that does not have a part of it any more.
    fn recorded(&self, address: &str) -> Option<Given> {
        let mut parts = address.split('/').skip(1);
        let set = self.record.entry(&identity::set_of_assignment(address)?)?.id.clone();
        let (principal, account) = (parts.next()?, parts.next()?);
        let id = self.record.principals.get(principal)?.id.clone();
        let principal = Principal { kind: kind_of(principal), id };
        Some(Given { set, principal, account: self.record.entry(account)?.id.clone() })
    }

    /// Those of others that begin meanwhile are not waited for.
    fn ended(&self, what: State) -> Result<(), CloudError> {
        let began = self.clock.now();
        let mut left: BTreeSet<String> = self.provider.going_on(what, PAGES)?;
        while let Some(request) = left.first() {
            if self.clock.now().duration_since(began) > LONGEST {
                let message = format!(
                    "the request {request} was under way when the last run ended, and has not ended in {} minutes",
                    LONGEST.as_mins()
                );
                return Err(CloudError::own("sso-admin", Failure::Unavailable, message));
            }
            self.clock.sleep(LOOK);
            let going = self.provider.going_on(what, PAGES)?;
            left.retain(|request| going.contains(request));
        }
        Ok(())
    }
}

/// What a server has no such list of is told.
fn told<T>(live: &mut Live, asked: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match asked {
        Err(error) if error.failure == Failure::Unsupported => {
            live.unanswered.insert("which requests of a run that came to no end are under way".to_owned());
            Ok(None)
        }
        other => other.map(Some),
    }
}
