//! The provider against a server that loses answers, refuses and stumbles on demand.

pub(crate) mod server;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cell_eval::provider::{
    Failure, Given, IdentityCenter, Organizations, Principal, PrincipalKind, Provider, Provisioned, State, Tags,
};

use crate::{AwsCloud, Keys, Settings};
use server::{Reply, Server, json, page, refusal};

const ONE_INSTANCE: &str = r#"{"Instances":[{"InstanceArn":"arn:aws:sso:::instance/i","IdentityStoreId":"d-1"}]}"#;
const UNIT: &str = r#"{"OrganizationalUnit":{"Id":"ou-1","Name":"n"}}"#;

/// A server of Identity Center: this answers all but the search for the instance, which is done.
fn center(handler: impl Fn(&server::Request, usize) -> Reply + Send + Sync + 'static) -> (Server, AwsCloud) {
    let server = Server::start(move |request, before| match request.operation.as_str() {
        "ListInstances" => json(200, ONE_INSTANCE),
        _ => handler(request, before),
    });
    let cloud = server.cloud();
    cloud.center(None).unwrap();
    (server, cloud)
}

fn times(server: &Server, operation: &str) -> usize {
    server.seen().iter().filter(|request| request.operation == operation).count()
}

fn group() -> Principal {
    Principal { kind: PrincipalKind::Group, id: "g-1".to_owned() }
}

#[test]
fn a_creation_of_an_account_whose_answer_is_lost_is_sent_once() {
    let server = Server::start(|_, _| Reply::Nothing);
    let cloud = server.cloud();
    let error = cloud.create_account("a@x.org", "a", &Tags::new()).unwrap_err();
    assert_eq!(error.failure, Failure::Lost, "{error}");
    assert_eq!(times(&server, "CreateAccount"), 1);
    assert_eq!(cloud.calls().get("organizations:CreateAccount"), Some(&1));
}

#[test]
fn a_creation_of_an_account_is_not_sent_again_even_when_it_was_refused() {
    for (code, failure) in [
        ("TooManyRequestsException", Failure::Throttled),
        ("FinalizingOrganizationException", Failure::Conflict),
        ("ServiceException", Failure::Unavailable),
    ] {
        let server = Server::start(move |_, _| refusal(400, code, "wait"));
        let error = server.cloud().create_account("a@x.org", "a", &Tags::new()).unwrap_err();
        assert_eq!((error.failure, error.code.as_str()), (failure, code));
        assert_eq!(error.request_id.as_deref(), Some("req-1"));
        assert_eq!(times(&server, "CreateAccount"), 1);
    }
}

#[test]
fn a_creation_without_a_token_is_sent_again_only_when_nothing_was_done() {
    let server = Server::start(|_, before| match before {
        0 => refusal(400, "TooManyRequestsException", "slower"),
        1 => refusal(400, "ConcurrentModificationException", "wait"),
        _ => json(200, UNIT),
    });
    assert_eq!(server.cloud().create_unit("r-1", "n", &Tags::new()).unwrap(), "ou-1");
    assert_eq!(times(&server, "CreateOrganizationalUnit"), 3);

    for reply in [Reply::Nothing, Reply::Half(UNIT.as_bytes().to_vec()), json(500, "{}"), json(503, "")] {
        let server = Server::start(move |_, _| reply.clone());
        let error = server.cloud().create_unit("r-1", "n", &Tags::new()).unwrap_err();
        assert!(!error.failure.did_nothing(), "{error}");
        assert_eq!(times(&server, "CreateOrganizationalUnit"), 1);
    }
}

#[test]
fn a_read_is_sent_again_after_a_reset_a_half_answer_and_an_error_of_the_server() {
    let body = r#"{"PermissionSets":["ps-1"]}"#;
    let (server, cloud) = center(move |_, before| match before {
        0 => Reply::Nothing,
        1 => Reply::Half(body.as_bytes().to_vec()),
        2 => refusal(500, "InternalServerException", "oops"),
        _ => json(200, body),
    });
    assert_eq!(cloud.sets().unwrap(), ["ps-1"]);
    assert_eq!(times(&server, "ListPermissionSets"), 4);
    assert_eq!(cloud.calls().get("sso-admin:ListPermissionSets"), Some(&4));
}

#[test]
fn attempts_end() {
    let (server, cloud) = center(|_, _| refusal(400, "ConflictException", "an earlier write has not spread"));
    assert_eq!(cloud.pushes(), 0);
    let given = Given { set: "ps-1".to_owned(), principal: group(), account: "111122223333".to_owned() };
    assert_eq!(cloud.assign(&given).unwrap_err().failure, Failure::Conflict);
    assert_eq!((times(&server, "CreateAccountAssignment"), cloud.pushes()), (5, 5));
}

#[test]
fn throttled_answers_slow_the_rate_of_both_services_down() {
    let (server, cloud) = center(|_, before| match before {
        0 => refusal(400, "ThrottlingException", "Rate exceeded"),
        _ => json(200, r#"{"Groups":[],"PermissionSets":[]}"#),
    });
    assert!(cloud.road().center_rate() > 999.0);
    cloud.sets().unwrap();
    assert!(cloud.road().center_rate() < 600.0, "{}", cloud.road().center_rate());
    thread::sleep(Duration::from_millis(600));
    cloud.principals(PrincipalKind::Group).unwrap();
    assert!(cloud.road().center_rate() < 400.0, "{}", cloud.road().center_rate());
    assert_eq!((times(&server, "ListPermissionSets"), times(&server, "ListGroups")), (2, 2));
}

#[test]
fn the_rate_is_kept_by_all_threads_together() {
    let server = Server::start(|request, _| match request.operation.as_str() {
        "ListInstances" => json(200, ONE_INSTANCE),
        _ => json(200, "{}"),
    });
    let cloud = AwsCloud::connect(&Settings { tps: 40.0, burst: 4, ..server.settings() }).unwrap();
    cloud.center(None).unwrap();
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| (0..4).for_each(|_| drop(cloud.sets().unwrap())));
        }
    });
    // 41 requests, 4 of them at once, the rest at 40 a second.
    assert!(started.elapsed() > Duration::from_millis(850), "{:?}", started.elapsed());
}

#[test]
fn empty_pages_are_followed_and_a_token_that_comes_back_is_not() {
    let server = Server::start(|request, _| {
        let text = request.text();
        assert!(text.contains("\"MaxResults\":20"), "{text}");
        match () {
            () if text.contains("\"two\"") => json(200, r#"{"Accounts":[{"Id":"2","State":"ACTIVE"}]}"#),
            () if text.contains("\"one\"") => json(200, r#"{"Accounts":[],"NextToken":"two"}"#),
            () => json(200, r#"{"NextToken":"one"}"#),
        }
    });
    let ids: Vec<_> = server.cloud().accounts().unwrap().into_iter().map(|account| account.id).collect();
    assert_eq!((ids, times(&server, "ListAccounts")), (vec!["2".to_owned()], 3));

    let (server, cloud) = center(|request, _| {
        assert!(request.text().contains("\"MaxResults\":100"));
        json(200, r#"{"PermissionSets":["ps-1"],"NextToken":"same"}"#)
    });
    let error = cloud.sets().unwrap_err();
    assert!(error.message.contains("token"), "{error}");
    assert_eq!(times(&server, "ListPermissionSets"), 2);
}

/// The service remembers hundreds of requests that ended: they are not asked for, and not taken from who sends them.
#[test]
fn of_what_the_service_remembers_only_what_goes_on_is_listed() {
    let (server, cloud) = center(|request, _| {
        assert!(request.text().contains(r#""Filter":{"Status":"IN_PROGRESS"}"#), "{}", request.text());
        json(
            200,
            r#"{"AccountAssignmentsCreationStatus":[{"RequestId":"a","Status":"IN_PROGRESS"},{"RequestId":"b","Status":"SUCCEEDED"}],
                "AccountAssignmentsDeletionStatus":[{"RequestId":"a","Status":"IN_PROGRESS"}],
                "PermissionSetsProvisioningStatus":[{"RequestId":"a","Status":"IN_PROGRESS"}]}"#,
        )
    });
    for what in [State::Assigning, State::Unassigning, State::Provisioning] {
        assert_eq!(cloud.going_on(what, 4).unwrap().into_iter().collect::<Vec<_>>(), ["a"]);
    }
    assert_eq!(server.seen().len(), 4, "the instance, and one page each");
}

#[test]
fn an_operation_that_the_server_does_not_know_is_unsupported_and_asked_for_once() {
    for reply in [
        page(500),
        json(501, "{}"),
        refusal(400, "UnknownOperationException", ""),
        refusal(400, "ValidationException", "this action has not been implemented"),
    ] {
        let (server, cloud) = center(move |_, _| reply.clone());
        let error = cloud.set_tags("ps-1").unwrap_err();
        assert_eq!(error.failure, Failure::Unsupported, "{error}");
        assert_eq!(times(&server, "ListTagsForResource"), 1);
        assert_eq!(cloud.boundary("ps-1"), Ok(None));
    }
}

#[test]
fn what_is_done_already_is_done() {
    let (_server, cloud) = center(|request, _| match request.operation.as_str() {
        "AttachPolicy" => refusal(400, "DuplicatePolicyAttachmentException", ""),
        "DetachPolicy" => refusal(400, "PolicyNotAttachedException", ""),
        "DeletePolicy" => refusal(400, "PolicyNotFoundException", ""),
        "DeleteOrganizationalUnit" => refusal(400, "OrganizationalUnitNotFoundException", ""),
        "EnablePolicyType" => refusal(400, "PolicyTypeAlreadyEnabledException", ""),
        "MoveAccount" => refusal(400, "DuplicateAccountException", ""),
        "CloseAccount" => refusal(400, "AccountAlreadyClosedException", ""),
        "UpdateOrganizationalUnit" => refusal(400, "DuplicateOrganizationalUnitException", ""),
        "DescribeOrganizationalUnit" => json(200, UNIT),
        "AttachManagedPolicyToPermissionSet" => refusal(400, "ConflictException", "it is already attached"),
        _ => refusal(400, "ResourceNotFoundException", "none"),
    });
    assert_eq!(cloud.attach_policy("p-1", "r-1"), Ok(()));
    assert_eq!(cloud.detach_policy("p-1", "r-1"), Ok(()));
    assert_eq!(cloud.delete_policy("p-1"), Ok(()));
    assert_eq!(cloud.delete_unit("ou-1"), Ok(()));
    assert_eq!(cloud.enable_policies("r-1"), Ok(()));
    assert_eq!(cloud.move_account("1", "r-1", "ou-1"), Ok(()));
    assert_eq!(cloud.close_account("1"), Ok(()));
    assert_eq!(cloud.rename_unit("ou-1", "n"), Ok(()));
    assert_eq!(cloud.rename_unit("ou-1", "other").unwrap_err().failure, Failure::Exists);
    assert_eq!(cloud.attach_managed("ps-1", "arn"), Ok(()));
    assert_eq!(cloud.detach_managed("ps-1", "arn"), Ok(()));
    assert_eq!(cloud.delete_set("ps-1"), Ok(()));
    assert_eq!(cloud.delete_boundary("ps-1"), Ok(()));
    assert_eq!(cloud.set("ps-1"), Ok(None));
    assert_eq!(cloud.principal_id(PrincipalKind::Group, "devs"), Ok(None));
}

#[test]
fn an_account_that_an_earlier_attempt_moved_is_moved() {
    let server = Server::start(|request, before| match (request.operation.as_str(), before) {
        ("MoveAccount", 0) => Reply::Nothing,
        ("MoveAccount", _) => refusal(400, "SourceParentNotFoundException", "it is not there"),
        _ => json(200, r#"{"Parents":[{"Id":"ou-1","Type":"ORGANIZATIONAL_UNIT"}]}"#),
    });
    let cloud = server.cloud();
    assert_eq!(cloud.move_account("1", "r-1", "ou-1"), Ok(()));
    assert_eq!(cloud.move_account("1", "r-1", "ou-2").unwrap_err().failure, Failure::NotFound);
}

#[test]
fn what_a_user_has_through_groups_is_left_out() {
    let (_server, cloud) = center(|_, _| {
        json(
            200,
            r#"{"AccountAssignments":[
                {"AccountId":"1","PermissionSetArn":"ps-1","PrincipalId":"u-1","PrincipalType":"USER"},
                {"AccountId":"2","PermissionSetArn":"ps-1","PrincipalId":"g-1","PrincipalType":"GROUP"},
                {"AccountId":"3","PermissionSetArn":"ps-1","PrincipalId":"u-1","PrincipalType":"GROUP"}]}"#,
        )
    });
    let user = Principal { kind: PrincipalKind::User, id: "u-1".to_owned() };
    let accounts: Vec<_> = cloud.assignments_of_principal(&user).unwrap().into_iter().map(|g| g.account).collect();
    assert_eq!(accounts, ["1"]);
}

#[test]
fn organizations_has_one_writer_at_a_time() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(0)));
    let (now, high) = (Arc::clone(&inside), Arc::clone(&most));
    let server = Server::start(move |_, _| {
        let here = now.fetch_add(1, Ordering::SeqCst) + 1;
        thread::sleep(Duration::from_millis(5));
        let mut most = high.lock().unwrap();
        *most = here.max(*most);
        now.fetch_sub(1, Ordering::SeqCst);
        json(200, "{}")
    });
    let cloud = server.cloud();
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| cloud.attach_policy("p-1", "r-1").unwrap());
        }
    });
    assert_eq!(*most.lock().unwrap(), 1);
}

#[test]
fn a_server_that_is_not_there_is_told_soon() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = Some(format!("http://{closed}"));
    let settings = Settings { endpoint, credentials: Some(Keys::test()), ..Settings::default() };
    let started = Instant::now();
    let error = AwsCloud::connect(&settings).unwrap().caller().unwrap_err();
    assert_eq!(error.failure, Failure::Unavailable);
    assert!(error.message.contains("refused"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn an_endpoint_that_is_no_url_is_not_said_back() {
    for endpoint in ["http://user:hunter2@[::1", "http//user:hunter2@x", "user:hunter2@x:99", "http://u:hunter2 @x"] {
        let endpoint = Some(endpoint.to_owned());
        let settings = Settings { endpoint, credentials: Some(Keys::test()), ..Settings::default() };
        let error = AwsCloud::connect(&settings).unwrap().caller().unwrap_err();
        assert_eq!(error.failure, Failure::Invalid);
        assert!(error.message.contains("is no URL") && !error.message.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_server_that_does_not_tell_forms_apart_is_found_out() {
    let (_server, cloud) = center(|_, _| json(200, r#"{"AccountIds":["111111111111"]}"#));
    let error = cloud.accounts_of_set("arn:x", Some(Provisioned::NotLatest)).unwrap_err();
    assert_eq!(error.failure, Failure::Unsupported);
    let (_server, cloud) = center(|request, _| {
        let behind = String::from_utf8_lossy(&request.body).contains("NOT_PROVISIONED");
        json(200, if behind { r#"{"AccountIds":["111111111111"]}"# } else { r#"{"AccountIds":[]}"# })
    });
    assert_eq!(cloud.accounts_of_set("arn:x", Some(Provisioned::NotLatest)).unwrap(), ["111111111111"]);
}

#[test]
fn credentials_that_have_expired_are_said_so_once() {
    let server = Server::start(|_, _| refusal(400, "ExpiredTokenException", "The security token is expired"));
    let error = server.cloud().organization().unwrap_err();
    assert_eq!(error.failure, Failure::Credentials);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn the_reason_of_a_constraint_is_read() {
    let server = Server::start(|_, _| {
        json(
            400,
            r#"{"__type":"ConstraintViolationException","Message":"no more","Reason":"ACCOUNT_NUMBER_LIMIT_EXCEEDED"}"#,
        )
    });
    let error = server.cloud().create_account("a@x.org", "a", &Tags::new()).unwrap_err();
    assert_eq!(error.failure, Failure::Quota);
    assert_eq!(error.message, "no more (ACCOUNT_NUMBER_LIMIT_EXCEEDED)");
}
