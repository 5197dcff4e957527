//! Which error code of which service means what. Owns the table of codes, from the services' own models, and what a
//! status says where no code is known; it knows nothing of the SDK.

use cell_eval::provider::Failure;

/// Error codes by what they mean, for all services: no code means two things in two of them, but for those that
/// [`classify`] looks into.
const CODES: &[(Failure, &[&str])] = &[
    (
        Failure::Throttled,
        &[
            "BandwidthLimitExceeded",
            "PriorRequestNotComplete",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequests",
            "TooManyRequestsException",
            "TransactionInProgressException",
        ],
    ),
    (
        Failure::Conflict,
        &[
            "ConcurrentModification",
            "ConcurrentModificationException",
            "ConditionalRequestConflict",
            "ConflictException",
            "FinalizingOrganizationException",
            "OperationAborted",
            "PolicyChangesInProgressException",
        ],
    ),
    (
        Failure::Unavailable,
        &[
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "InternalServerException",
            "InternalServiceError",
            "RequestTimeout",
            "ServerException",
            "ServiceException",
            "ServiceFailure",
            "ServiceUnavailable",
            "ServiceUnavailableException",
        ],
    ),
    (
        Failure::NotFound,
        &[
            "AWSOrganizationsNotInUseException",
            "AccountNotFoundException",
            "ChangeSetNotFound",
            "ChildNotFoundException",
            "CreateAccountStatusNotFoundException",
            "DestinationParentNotFoundException",
            "NoSuchBucket",
            "NoSuchEntity",
            "NoSuchKey",
            "OrganizationalUnitNotFoundException",
            "ImageNotFoundException",
            "ParentNotFoundException",
            "PolicyNotAttachedException",
            "PolicyNotFoundException",
            "RepositoryNotFoundException",
            "RepositoryPolicyNotFoundException",
            "ResourceNotFound",
            "ResourceNotFoundException",
            "RootNotFoundException",
            "SourceParentNotFoundException",
            "TargetNotFoundException",
        ],
    ),
    (
        Failure::Exists,
        &[
            "AccountAlreadyClosedException",
            "AlreadyExistsException",
            "DuplicateAccountException",
            "DuplicateOrganizationalUnitException",
            "DuplicatePolicyAttachmentException",
            "DuplicatePolicyException",
            "EntityAlreadyExists",
            "PolicyTypeAlreadyEnabledException",
            "PreconditionFailed",
        ],
    ),
    (
        Failure::Denied,
        &[
            "AccessDenied",
            "AccessDeniedException",
            "AccessDeniedForDependencyException",
            "OptInRequired",
            "SubscriptionRequiredException",
            "UnauthorizedOperation",
        ],
    ),
    (
        Failure::Invalid,
        &[
            "AuthorizationHeaderMalformed",
            "InsufficientCapabilitiesException",
            "InvalidChangeSetStatus",
            "InvalidInput",
            "InvalidInputException",
            "InvalidNextToken",
            "InvalidParameterCombination",
            "InvalidParameterException",
            "InvalidParameterValue",
            "MalformedPolicyDocument",
            "MalformedPolicyDocumentException",
            "MissingParameter",
            "OrganizationalUnitNotEmptyException",
            "PermanentRedirect",
            "PolicyInUseException",
            "PolicyTypeNotAvailableForOrganizationException",
            "PolicyTypeNotEnabledException",
            "SerializationException",
            "TokenAlreadyExistsException",
            "ValidationError",
            "ValidationException",
        ],
    ),
    (Failure::Quota, &["LimitExceeded", "LimitExceededException", "ServiceQuotaExceededException"]),
    (
        Failure::Credentials,
        &[
            "AuthFailure",
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "InvalidToken",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "TokenRefreshRequired",
            "UnrecognizedClientException",
        ],
    ),
    (
        Failure::Unsupported,
        &[
            "InvalidAction",
            "NotImplemented",
            "NotImplementedException",
            "UnknownOperation",
            "UnknownOperationException",
            "UnsupportedAPIEndpointException",
            "UnsupportedOperation",
            "UnsupportedOperationException",
        ],
    ),
];

/// The shape of an answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// It has none.
    Empty,
    /// The service's own format.
    Formed,
    /// A page for people, or what cannot be read.
    Foreign,
}

/// An answer that says no.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal<'a> {
    /// The call: `organizations:CreateAccount`.
    pub(crate) call: &'a str,
    /// The status.
    pub(crate) status: u16,
    /// The error's code, or nothing.
    pub(crate) code: &'a str,
    /// Why, within the code, or nothing: `ACCOUNT_NUMBER_LIMIT_EXCEEDED`.
    pub(crate) reason: &'a str,
    /// What it says.
    pub(crate) message: &'a str,
    /// What the body is.
    pub(crate) body: Body,
}

/// What an answer means.
pub(crate) fn classify(refusal: &Refusal<'_>) -> Failure {
    if unimplemented(refusal.message) {
        return Failure::Unsupported;
    }
    match refusal.code {
        "ConstraintViolationException" => by_constraint(refusal.reason),
        // Of Cost Explorer alone this is a rate.
        "LimitExceededException" if refusal.call.starts_with("ce:") => Failure::Throttled,
        "ConflictException" if gives_what_may_exist(refusal) => Failure::Exists,
        // Each refusal with this status has a code: this one was cut off, and may have been one to wait for.
        "" if refusal.status == 400 && refusal.body != Body::Empty => Failure::Lost,
        code => by_code(code).unwrap_or_else(|| by_status(refusal.status, refusal.body)),
    }
}

fn by_code(code: &str) -> Option<Failure> {
    CODES.iter().find(|(_, codes)| codes.contains(&code)).map(|(failure, _)| *failure)
}

/// ConstraintViolationException of Organizations stands for half a hundred reasons.
fn by_constraint(reason: &str) -> Failure {
    match reason {
        "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED" | "HANDSHAKE_RATE_LIMIT_EXCEEDED" => Failure::Throttled,
        // So many are closed at a time: it is taken when one of them has ended.
        "ACCOUNT_CREATION_NOT_COMPLETE" | "CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED" => Failure::Conflict,
        "" => Failure::Quota,
        reason if reason.ends_with("LIMIT_EXCEEDED") || reason.contains("QUOTA") => Failure::Quota,
        _ => Failure::Invalid,
    }
}

/// Identity Center has one code for "wait" and for "it is there already"; only its words tell them apart.
fn gives_what_may_exist(refusal: &Refusal<'_>) -> bool {
    let operation = refusal.call.rsplit(':').next().unwrap_or_default();
    (operation.starts_with("Attach") || operation == "CreatePermissionSet") && refusal.message.contains("already")
}

fn unimplemented(message: &str) -> bool {
    ["not been implemented", "not yet implemented", "not yet been implemented"].iter().any(|w| message.contains(w))
}

fn by_status(status: u16, body: Body) -> Failure {
    match (status, body) {
        (429, _) => Failure::Throttled,
        (501, _) | (404 | 405 | 500, Body::Foreign) => Failure::Unsupported,
        (500.., _) => Failure::Unavailable,
        (401 | 403, _) => Failure::Denied,
        (404, _) => Failure::NotFound,
        (408, _) => Failure::Unavailable,
        (409, _) => Failure::Conflict,
        (412, _) => Failure::Exists,
        (300.., _) => Failure::Invalid,
        // It says it was done, and what was done cannot be read.
        _ => Failure::Lost,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn refusal(call: &'static str, status: u16, code: &'static str) -> Refusal<'static> {
        Refusal { call, status, code, reason: "", message: "", body: Body::Formed }
    }

    #[test]
    fn no_code_stands_in_the_table_twice() {
        let mut seen = BTreeSet::new();
        for code in CODES.iter().flat_map(|(_, codes)| codes.iter()) {
            assert!(seen.insert(code), "{code}");
        }
        assert!(seen.len() > 80);
    }

    #[test]
    fn a_code_goes_before_the_status() {
        let call = "sso-admin:ListPermissionSets";
        assert_eq!(classify(&refusal(call, 400, "ThrottlingException")), Failure::Throttled);
        assert_eq!(classify(&refusal(call, 503, "SlowDown")), Failure::Throttled);
        assert_eq!(classify(&refusal(call, 400, "ExpiredTokenException")), Failure::Credentials);
        assert_eq!(classify(&refusal(call, 400, "SomethingNew")), Failure::Invalid);
        assert_eq!(classify(&refusal(call, 500, "SomethingNew")), Failure::Unavailable);
    }

    #[test]
    fn a_constraint_means_what_its_reason_says() {
        let of = |reason| {
            let refusal =
                Refusal { reason, ..refusal("organizations:CreateAccount", 400, "ConstraintViolationException") };
            classify(&refusal)
        };
        assert_eq!(of("ACCOUNT_NUMBER_LIMIT_EXCEEDED"), Failure::Quota);
        assert_eq!(of("CLOSE_ACCOUNT_QUOTA_EXCEEDED"), Failure::Quota);
        assert_eq!(of("CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED"), Failure::Conflict);
        assert_eq!(of("ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED"), Failure::Throttled);
        assert_eq!(of("CANNOT_CLOSE_MANAGEMENT_ACCOUNT"), Failure::Invalid);
    }

    #[test]
    fn a_conflict_of_an_attachment_that_is_there_is_no_reason_to_wait() {
        let message = "the policy is already attached";
        let attach = refusal("sso-admin:AttachManagedPolicyToPermissionSet", 400, "ConflictException");
        assert_eq!(classify(&Refusal { message, ..attach }), Failure::Exists);
        assert_eq!(classify(&attach), Failure::Conflict);
        let assign = refusal("sso-admin:CreateAccountAssignment", 400, "ConflictException");
        assert_eq!(classify(&Refusal { message, ..assign }), Failure::Conflict);
    }

    #[test]
    fn a_refusal_that_was_cut_off_is_lost() {
        let cut = |body| classify(&Refusal { body, ..refusal("organizations:ListRoots", 400, "") });
        assert_eq!([cut(Body::Foreign), cut(Body::Formed)], [Failure::Lost; 2]);
        assert_eq!(cut(Body::Empty), Failure::Invalid, "an answer to HEAD has none");
    }

    #[test]
    fn a_page_for_people_is_no_operation_of_the_service() {
        let call = "sso-admin:ListAccountAssignmentCreationStatus";
        let foreign = |status| classify(&Refusal { body: Body::Foreign, ..refusal(call, status, "") });
        assert_eq!(foreign(500), Failure::Unsupported);
        assert_eq!(foreign(404), Failure::Unsupported);
        assert_eq!(foreign(502), Failure::Unavailable);
        assert_eq!(foreign(200), Failure::Lost);
        assert_eq!(classify(&Refusal { body: Body::Empty, ..refusal(call, 500, "") }), Failure::Unavailable);
        let said = Refusal { message: "X has not been implemented", ..refusal(call, 400, "ValidationException") };
        assert_eq!(classify(&said), Failure::Unsupported);
    }
}
