//! From the SDK's errors to the core's. Owns what is read from a failed answer, and what may be told of it.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use cell_eval::provider::{CloudError, Failure};

use crate::classify::{Body, Refusal, classify};
use crate::told;

/// What a failed call means.
pub(crate) fn of_sdk<E>(call: &str, error: &SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error.raw_response() {
        Some(answer) => of_answer(call, error, answer),
        None => of_silence(call, error, by_kind(error)),
    }
}

fn by_kind<E>(error: &SdkError<E, HttpResponse>) -> Failure {
    match error {
        SdkError::ConstructionFailure(_) => Failure::Invalid,
        SdkError::DispatchFailure(failure) if failure.is_user() => Failure::Invalid,
        _ => Failure::Lost,
    }
}

fn of_answer<E>(call: &str, error: &SdkError<E, HttpResponse>, answer: &HttpResponse) -> CloudError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = answer.status().as_u16();
    let bytes = answer.body().bytes().unwrap_or_default();
    let reason = reason(bytes).unwrap_or_default();
    let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
    let refusal = Refusal { call, status, code, reason: &reason, message, body: body(call, bytes) };
    let failure = classify(&refusal);
    CloudError {
        call: call.to_owned(),
        failure,
        code: told::harmless(code),
        message: said(&refusal, failure),
        request_id: request_id(answer).as_deref().map(told::harmless),
    }
}

fn said(refusal: &Refusal<'_>, failure: Failure) -> String {
    match (refusal.message, refusal.body) {
        ("", _) if failure == Failure::Unsupported => {
            format!("the server does not know the operation (status {})", refusal.status)
        }
        ("", Body::Foreign) if refusal.status < 300 => "the answer cannot be read".to_owned(),
        ("", _) if refusal.code.is_empty() => format!("the server answered with status {}", refusal.status),
        (message, _) if refusal.reason.is_empty() => harmless(message, failure),
        (message, _) => format!("{} ({})", harmless(message, failure), told::harmless(refusal.reason)),
    }
}

/// A message without what it may give away: a refused signature is followed by the request that was signed, with its
/// session token.
fn harmless(message: &str, failure: Failure) -> String {
    let message = match failure {
        Failure::Credentials => message.lines().next().unwrap_or_default(),
        _ => message,
    };
    told::harmless(message)
}

fn body(call: &str, bytes: &[u8]) -> Body {
    let start = bytes.trim_ascii_start();
    let head = start.get(..14).unwrap_or(start).to_ascii_lowercase();
    let xml = ["cloudformation:", "iam:", "sts:", "s3:"].iter().any(|service| call.starts_with(service));
    match start.first() {
        None => Body::Empty,
        Some(_) if head.starts_with(b"<!doctype html") || head.starts_with(b"<html") => Body::Foreign,
        Some(b'<') if xml => Body::Formed,
        // A map of CBOR.
        Some(0xa0..=0xbf) if call.starts_with("cloudwatch:") => Body::Formed,
        Some(b'{') if !xml && serde_json::from_slice::<serde_json::Value>(start).is_ok() => Body::Formed,
        Some(_) => Body::Foreign,
    }
}

fn reason(bytes: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    Some(body.get("Reason").or_else(|| body.get("reason"))?.as_str()?.to_owned())
}

fn request_id(answer: &HttpResponse) -> Option<String> {
    let headers = answer.headers();
    ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"]
        .iter()
        .find_map(|name| headers.get(*name))
        .map(str::to_owned)
}

/// What it means that no service answered; `otherwise` when the causes do not tell.
pub(crate) fn of_silence(call: &str, error: &(dyn Error + 'static), otherwise: Failure) -> CloudError {
    let causes: Vec<&(dyn Error + 'static)> = std::iter::successors(Some(error), |e| (*e).source()).collect();
    let text = causes_text(&causes);
    if causes.iter().any(|e| e.is::<CredentialsError>()) {
        return CloudError::own(call, Failure::Credentials, harmless(&text, Failure::Credentials));
    }
    let refused = causes
        .iter()
        .filter_map(|e| e.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::ConnectionRefused);
    if text.contains("failed to apply endpoint") {
        // The SDK says it back, with the password that may stand in it.
        return CloudError::own(call, Failure::Invalid, NO_URL);
    }
    match unreached(refused, &text) {
        Some(why) => CloudError::own(call, Failure::Unavailable, why),
        None => CloudError::own(call, otherwise, harmless(&text, otherwise)),
    }
}

const NO_URL: &str =
    "the endpoint that AWS_ENDPOINT_URL or the profile says is no URL; one is `http://localhost:4566`";
const REFUSED: &str = "nothing listens at the endpoint (connection refused)";
const NO_NAME: &str = "the name of the endpoint cannot be resolved";
const NO_WAY: &str = "the endpoint cannot be reached (no connection in time)";

/// Why the request never left, where that is certain.
fn unreached(refused: bool, text: &str) -> Option<&'static str> {
    if refused {
        Some(REFUSED)
    } else if text.contains("dns error") || text.contains("lookup address") {
        Some(NO_NAME)
    } else if text.contains("HTTP connect timeout") {
        Some(NO_WAY)
    } else {
        None
    }
}

/// Is it certain that the request never left?
pub(crate) fn never_left(error: &CloudError) -> bool {
    [REFUSED, NO_NAME, NO_WAY].contains(&error.message.as_str())
}

/// The causes in words; each says much of the one below.
fn causes_text(causes: &[&(dyn Error + 'static)]) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in causes {
        let word = cause.to_string();
        if !words.iter().any(|earlier| earlier.contains(&word)) {
            words.push(word);
        }
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_request_is_not_told() {
        let message = "The signature does not match.\n\nThe Canonical String was\n'x-amz-security-token:SECRET'";
        assert_eq!(harmless(message, Failure::Credentials), "The signature does not match.");
        assert_eq!(harmless("two\nlines", Failure::Invalid), "two lines");
        assert_eq!(harmless(&"x".repeat(5000), Failure::Invalid).len(), told::LONGEST);
    }

    #[test]
    fn bodies_are_told_apart_by_protocol() {
        assert_eq!(body("sso-admin:ListInstances", b" "), Body::Empty);
        assert_eq!(body("sso-admin:ListInstances", b"{\"Message\":\"no\"}"), Body::Formed);
        assert_eq!(body("sso-admin:ListInstances", b"{\"Message\":"), Body::Foreign);
        assert_eq!(body("sso-admin:ListInstances", b"<Error/>"), Body::Foreign);
        assert_eq!(body("s3:PutObject", b"<Error/>"), Body::Formed);
        assert_eq!(body("cloudformation:CreateStack", b"<ErrorResponse/>"), Body::Formed);
        assert_eq!(body("cloudwatch:DescribeAlarms", b"\xa1\x61a\x01"), Body::Formed);
        assert_eq!(body("cloudwatch:DescribeAlarms", b"<html>"), Body::Foreign);
        assert_eq!(body("ecr:DescribeImages", b"\xa1\x61a\x01"), Body::Foreign);
        assert_eq!(body("s3:PutObject", b"<!DOCTYPE html><p>"), Body::Foreign);
        assert_eq!(body("iam:ListRoles", b"<HTML></HTML>"), Body::Foreign);
    }

    #[test]
    fn a_request_that_never_left_is_told_apart() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = of_silence("sts:GetCallerIdentity", &refused, Failure::Lost);
        assert_eq!(error.failure, Failure::Unavailable);
        assert!(never_left(&error));
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(of_silence("sts:GetCallerIdentity", &reset, Failure::Lost).failure, Failure::Lost);
    }
}
