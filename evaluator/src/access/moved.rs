//! A request that shows a change, in another account. Owns how it is carried over: accounts that no policy tells apart
//! fare alike, and a reviewer who replays it needs one of the row's own cells.

use cell_iam::access::{Access, Home};
use cell_iam::{Context, Request, decide};

use super::model::Witness;
use super::tell;

/// The same request in `to` instead of `from`: in its account, and in its region where that shows the same.
pub(super) fn moved(witness: &Witness, from: &Home, to: &Home, old: &Access, new: &Access) -> Witness {
    let account = |text: &str| match (&from.account, &to.account) {
        (Some(from), Some(to)) => text.replace(from.as_str(), to),
        _ => text.to_owned(),
    };
    let region = |text: &str| match (&from.region, &to.region) {
        (Some(from), Some(to)) => text.replacen(&format!(":{from}:"), &format!(":{to}:"), 1),
        _ => text.to_owned(),
    };
    let with = |change: &dyn Fn(&str) -> String| Witness {
        resource: change(&witness.resource),
        context: witness
            .context
            .iter()
            .map(|(key, values)| (key.clone(), values.iter().map(|value| account(value)).collect()))
            .collect(),
        ..witness.clone()
    };
    let whole = with(&|text| region(&account(text)));
    if shows(&whole, old, new) { whole } else { with(&account) }
}

/// Whether a request is answered before and after as it says.
fn shows(witness: &Witness, old: &Access, new: &Access) -> bool {
    let mut context = Context::default();
    for (key, values) in &witness.context {
        context.set(key.as_str(), values.iter().map(Into::into).collect());
    }
    let request =
        Request { action: witness.action.as_str().into(), resource: witness.resource.as_str().into(), context };
    let is = |access: &Access, said: &str| {
        said == tell::verdict(decide::Verdict::May) || tell::verdict(decide::allows(access, &request).verdict) == said
    };
    is(old, &witness.before) && is(new, &witness.after)
}
