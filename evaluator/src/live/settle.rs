//! What a run that was killed had asked of Identity Center and did not see the end of. Owns that nothing is read before it has ended: so
//! long it is neither there nor gone, and a plan of something else than that run's would take it for what it is not yet.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;

use super::{Live, Reader};
use crate::provider::{CloudError, Failure, State};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// How long such a request is waited for: AWS ends most within seconds, and a provisioning of many accounts within minutes.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
/// Pages of such requests, of 100 each: a run has fewer than a page of them under way.
const PAGES: usize = 10;

impl Reader<'_> {
    /// Waits for the requests that were under way when the last run came to no end. Three calls where there are none.
    ///
    /// # Errors
    /// A look that failed, or [`Failure::Unavailable`] when one of them does not end in time.
    pub(super) fn settle(&self, live: &mut Live) -> Result<(), CloudError> {
        if self.record.under_way.is_none() {
            return Ok(());
        }
        for what in [State::Unassigning, State::Assigning, State::Provisioning] {
            match self.ended(what) {
                Err(error) if error.failure == Failure::Unsupported => {
                    live.unanswered.insert("which requests of a run that came to no end are under way".to_owned());
                }
                other => other?,
            }
        }
        Ok(())
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
