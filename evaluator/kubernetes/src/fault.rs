//! What errors of the client mean. Owns the reading of the API's `Status`.

use cell_eval::provider::{CloudError, Failure};
use cell_eval::workloads::Conflict;
use kube::core::Status;

/// An error of a call.
pub(crate) fn of(call: &str, error: &kube::Error) -> CloudError {
    match error {
        kube::Error::Api(status) => CloudError {
            call: call.to_owned(),
            failure: failure(status),
            code: status.reason.clone(),
            message: status.message.clone(),
            request_id: None,
        },
        kube::Error::Auth(_) => CloudError::own(call, Failure::Credentials, chain(error)),
        kube::Error::BuildRequest(_) | kube::Error::HttpError(_) => {
            CloudError::own(call, Failure::Invalid, chain(error))
        }
        // No answer, or half of one.
        _ => CloudError::own(call, Failure::Lost, chain(error)),
    }
}

fn failure(status: &Status) -> Failure {
    match (status.code, status.reason.as_str()) {
        (401, _) => Failure::Credentials,
        // The API has no reason of its own for it, only these words.
        (403, _) if status.message.contains("exceeded quota") => Failure::Quota,
        (403, _) => Failure::Denied,
        (404 | 410, _) => Failure::NotFound,
        (409, "AlreadyExists") => Failure::Exists,
        (409, _) => Failure::Conflict,
        (405 | 406 | 415, _) => Failure::Unsupported,
        (429, _) => Failure::Throttled,
        (500.., _) => Failure::Unavailable,
        _ => Failure::Invalid,
    }
}

/// Is there no such object, rather than no such resource or nothing at all at that address?
pub(crate) fn is_missing(error: &kube::Error) -> bool {
    let named = |status: &Status| status.details.as_ref().is_some_and(|details| !details.name.is_empty());
    matches!(error, kube::Error::Api(status) if status.code == 404 && named(status))
}

/// The fields of others that an apply was refused for; none for any other refusal.
pub(crate) fn conflicts(error: &kube::Error) -> Option<Vec<Conflict>> {
    let kube::Error::Api(status) = error else { return None };
    let causes = &status.details.as_ref().filter(|_| status.code == 409)?.causes;
    let of_owners = causes.iter().filter(|cause| cause.reason == "FieldManagerConflict");
    let found: Vec<Conflict> = of_owners
        .map(|cause| Conflict { owner: owner(&cause.message).to_owned(), field: cause.field.clone() })
        .collect();
    (!found.is_empty()).then_some(found)
}

/// The manager in `conflict with "kubectl" using apps/v1 at …`.
fn owner(message: &str) -> &str {
    message.split('"').nth(1).unwrap_or(message)
}

/// An error in words, with what caused it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = inner.source();
    }
    words
}
