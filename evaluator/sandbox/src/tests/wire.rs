//! The protocols on a real socket, with bytes written by hand.

use super::{seed, settings};
use crate::{Config, Running, Sandbox};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

fn start() -> Running {
    let sandbox = Sandbox::open(None, settings()).unwrap();
    sandbox.seed(&seed()).unwrap();
    Running::start(sandbox, "127.0.0.1:0".parse().unwrap()).unwrap()
}

/// Sends one request on a connection of its own; what comes back, to its end.
fn send(running: &Running, head: &str, service: &str, body: &[u8]) -> String {
    let url = running.url();
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let scope = format!("AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, Signature=x");
    let length = body.len();
    let head = format!(
        "{head}Host: {url}\r\nConnection: close\r\nAuthorization: {scope}\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn json_call(running: &Running, target: &str, body: &Value) -> String {
    let head = format!("POST / HTTP/1.1\r\nX-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.1\r\n");
    send(running, &head, "organizations", body.to_string().as_bytes())
}

fn control(running: &Running, request: &str, body: &Value) -> Value {
    let answer = send(running, &format!("{request} HTTP/1.1\r\n"), "none", body.to_string().as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn json_answers_and_errors() {
    let running = start();
    let answer = json_call(&running, "AWSOrganizationsV20161128.ListRoots", &json!({}));
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("x-amzn-requestid: ") && answer.contains("\"Roots\"")
    );
    let answer = json_call(&running, "AWSOrganizationsV20161128.DescribeAccount", &json!({"AccountId": "1"}));
    assert!(answer.contains("x-amzn-errortype: InvalidInputException"), "{answer}");
    assert!(answer.contains("\"__type\":\"InvalidInputException\"") && answer.contains("INVALID_PATTERN"));
    let answer = json_call(&running, "AWSOrganizationsV20161128.Nope", &json!({}));
    assert!(answer.contains("UnknownOperationException"), "{answer}");
}

#[test]
fn query_and_rest_answers() {
    let running = start();
    let form = "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let answer = send(&running, form, "sts", b"Action=GetCallerIdentity&Version=2011-06-15");
    assert!(answer.contains("<GetCallerIdentityResult>") && answer.contains("<Account>111111111111</Account>"));
    let answer = send(&running, form, "iam", b"Action=GetRole&RoleName=no%2Bne&Version=2010-05-08");
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("<Code>NoSuchEntity</Code>"), "{answer}");
    let body = br#"{"AccountId":"222222222222"}"#;
    let answer = send(&running, "POST /getAccountInformation HTTP/1.1\r\n", "account", body);
    assert!(answer.contains("\"AccountName\":\"member\""), "{answer}");
}

#[test]
fn chunked_objects_are_unwrapped() {
    let running = start();
    let head = "PUT /registry/a%20b HTTP/1.1\r\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n\
                Content-Encoding: aws-chunked\r\nx-amz-decoded-content-length: 9\r\n";
    let body = b"5\r\nhello\r\n4\r\n all\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";
    let answer = send(&running, head, "s3", body);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("etag: "), "{answer}");
    let answer = send(&running, "GET /registry/a%20b HTTP/1.1\r\n", "s3", b"");
    assert!(answer.ends_with("\r\n\r\nhello all"), "{answer}");
    assert!(!answer.contains("aws-chunked"));
    let answer = send(&running, "GET /registry?list-type=2&prefix=a HTTP/1.1\r\n", "s3", b"");
    assert!(answer.contains("<Key>a b</Key>") && answer.contains("<KeyCount>1</KeyCount>"), "{answer}");
    let answer = send(&running, "HEAD /registry/none HTTP/1.1\r\n", "s3", b"");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[test]
fn answers_are_lost_and_cut() {
    let running = start();
    let target = "AWSOrganizationsV20161128.ListAccounts";
    let whole = json_call(&running, target, &json!({}));
    let faults = json!([
        {"operation": "organizations:ListAccounts", "kind": "drop"},
        {"operation": "organizations:ListAccounts", "kind": "truncate"},
    ]);
    control(&running, "POST /_sandbox/faults", &faults);
    assert_eq!(json_call(&running, target, &json!({})), "");
    let half = json_call(&running, target, &json!({}));
    let body = half.split_once("\r\n\r\n").unwrap().1;
    assert!(!body.is_empty() && half.len() < whole.len() && whole.contains(body), "{half}");
    let fault = json!([{"operation": "organizations:EnableAWSServiceAccess", "kind": "truncate"}]);
    control(&running, "POST /_sandbox/faults", &fault);
    let service = json!({"ServicePrincipal": "config.amazonaws.com"});
    let none = json_call(&running, "AWSOrganizationsV20161128.EnableAWSServiceAccess", &service);
    assert!(!none.contains("\r\n\r\n"), "{none}");
    let calls = control(&running, "GET /_sandbox/calls", &json!({}));
    assert_eq!(calls.get("organizations:ListAccounts"), Some(&json!(3)));
    let log = control(&running, "GET /_sandbox/log?operation=ListAccounts&limit=2", &json!({}));
    assert_eq!(log.pointer("/0/fault/kind"), Some(&json!("drop")));
}

#[test]
fn control_changes_settings_time_and_state() {
    let running = start();
    control(&running, "POST /_sandbox/config", &json!({"page": 1, "delays": {"assignment": 9}}));
    let config = control(&running, "GET /_sandbox/config", &json!({}));
    assert_eq!(
        (config.pointer("/delays/assignment"), config.pointer("/tps")),
        (Some(&json!(9.0)), Some(&json!(0.0)))
    );
    control(&running, "POST /_sandbox/advance", &json!({"seconds": 60}));
    control(&running, "POST /_sandbox/reset", &json!({}));
    control(
        &running,
        "POST /_sandbox/seed",
        &json!({"groups": ["G"], "accounts": [{"name": "a", "email": "a@b.cd"}]}),
    );
    let state = control(&running, "GET /_sandbox/state", &json!({}));
    assert_eq!(state.pointer("/org/accounts").and_then(Value::as_array).map(Vec::len), Some(2));
}

#[test]
fn only_loopback_and_no_browsers() {
    let sandbox = Sandbox::open(None, Config::default()).unwrap();
    assert!(Running::start(sandbox, "0.0.0.0:0".parse().unwrap()).is_err());
    let running = start();
    let answer = send(&running, "GET /_sandbox/state HTTP/1.1\r\nOrigin: http://example.com\r\n", "none", b"");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[test]
fn a_call_hangs_until_it_is_let_go() {
    let running = start();
    let hang = |kind: &str, after: u64| json!({"operation": "*", "kind": kind, "after": after});
    control(&running, "POST /_sandbox/faults", &json!([hang("hang", 0), hang("hang_after", 1)]));
    let create = |email: &str| json!({"Email": email, "AccountName": "new"});
    std::thread::scope(|scope| {
        for (at, email) in ["never@example.com", "made@example.com"].into_iter().enumerate() {
            let running = &running;
            let call = move || json_call(running, "AWSOrganizationsV20161128.CreateAccount", &create(email));
            let hung = scope.spawn(call);
            while control(running, "GET /_sandbox/hanging", &json!({})) != json!({ "hanging": 1 }) {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            assert!(!hung.is_finished());
            let made = control(running, "GET /_sandbox/state", &json!({}))["org"]["creations"].to_string();
            assert_eq!(made.contains("made@example.com"), at == 1, "{made}");
            assert!(!made.contains("never@example.com"), "{made}");
            control(running, "POST /_sandbox/hanging/release", &json!({}));
            assert_eq!(hung.join().unwrap(), "");
        }
    });
    assert_eq!(control(&running, "GET /_sandbox/hanging", &json!({})), json!({ "hanging": 0 }));
}

/// A client that is killed leaves nothing behind that hangs, and what it asked for is not done later.
#[test]
fn a_call_whose_client_goes_hangs_no_more() {
    let running = start();
    control(&running, "POST /_sandbox/faults", &json!([{"operation": "*", "kind": "hang"}]));
    let body = json!({"Email": "gone@example.com", "AccountName": "new"}).to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nX-Amz-Target: AWSOrganizationsV20161128.CreateAccount\r\nContent-Type: application/x-amz-json-1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/organizations/aws4_request, Signature=x\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(running.url().trim_start_matches("http://")).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let hanging = || control(&running, "GET /_sandbox/hanging", &json!({}))["hanging"].as_u64();
    while hanging() != Some(1) {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    drop(stream);
    while hanging() != Some(0) {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let state = control(&running, "GET /_sandbox/state", &json!({}));
    assert!(!state.to_string().contains("gone@example.com"));
}

#[test]
fn cloudwatch_speaks_json_and_cbor() {
    let running = start();
    let json_head = |name: &str| {
        format!(
            "POST / HTTP/1.1\r\nX-Amz-Target: GraniteServiceVersion20100801.{name}\r\nContent-Type: application/x-amz-json-1.0\r\n"
        )
    };
    let body = json!({"DashboardName": "d", "DashboardBody": "{\"widgets\":[]}"}).to_string();
    let answer = send(&running, &json_head("PutDashboard"), "monitoring", body.as_bytes());
    assert!(
        answer.contains("application/x-amz-json-1.0") && answer.contains("DashboardValidationMessages"),
        "{answer}"
    );
    let answer = send(&running, &json_head("ListDashboards"), "monitoring", b"{}");
    assert!(!answer.contains("$at") && answer.contains("\"LastModified\":1"), "{answer}");
    let path = "/service/GraniteServiceVersion20100801/operation/GetDashboard";
    let head = format!("POST {path} HTTP/1.1\r\nSmithy-Protocol: rpc-v2-cbor\r\nContent-Type: application/cbor\r\n");
    let answer = send(&running, &head, "monitoring", b"\xa1\x6dDashboardName\x61d");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("smithy-protocol: rpc-v2-cbor"), "{answer}");
    assert!(answer.contains("\u{d}DashboardBody") || answer.contains("mDashboardBody"), "{answer}");
    let answer = send(&running, &head, "monitoring", b"\xa1\x6dDashboardName\x61e");
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("x-amzn-query-error: ResourceNotFound;Sender"));
    let zipped = format!("{head}Content-Encoding: gzip\r\n");
    let answer = send(&running, &zipped, "monitoring", b"\x1f\x8b");
    assert!(answer.starts_with("HTTP/1.1 415") && answer.contains("AWS_DISABLE_REQUEST_COMPRESSION"), "{answer}");
}
