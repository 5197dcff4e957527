//! Asynchronous work coming due. What was due first is done first, at the time it was due: the outcome does not
//! depend on when somebody looks.

use crate::config::Config;
use crate::input::{Caller, Cx, Millis};
use crate::kubernetes;
use crate::services::{cloudformation, organizations, ssoadmin};
use crate::state::{State, Work};

/// Does everything that is due by `now`.
pub(crate) fn ripen(state: &mut State, config: &Config, now: Millis) {
    let caller = Caller::default();
    while let Some((key, job)) = state.jobs.first().map(|(key, job)| (*key, job.clone())) {
        if key.0 > now {
            break;
        }
        state.jobs.remove(&key);
        let cx = Cx { now: key.0, caller: &caller, config, fail: job.fail.as_deref() };
        match &job.work {
            Work::CreateAccount(request) => organizations::create(state, &cx, request),
            Work::CloseAccount(account) => organizations::close(state, &cx, account),
            Work::ForgetAccount(account) => organizations::forget(state, account),
            Work::Sso(request) => ssoadmin::finish(state, &cx, request),
            Work::Stack(key) => cloudformation::proceed(state, &cx, key),
            Work::Workload(place) => kubernetes::proceed(state, &cx, place),
        }
    }
}
