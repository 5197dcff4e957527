//! Which service and operation a request is for, and its members as one JSON value.

use super::{Received, cbor, query, s3};
use crate::engine::Call;
use crate::error::ApiError;
use crate::service::Service;
use serde_json::{Value, json};

/// How an answer must be written.
#[derive(Clone)]
pub(crate) enum Protocol {
    /// awsJson1.1
    Json,
    /// awsJson1.0 of a service that has more protocols
    Json10,
    /// Smithy RPC v2 CBOR
    Cbor,
    /// restJson1
    RestJson,
    /// query; the operation and the namespace frame the answer.
    Query { operation: String, namespace: &'static str },
    /// REST XML
    S3 { operation: String, input: Value },
}

/// A refusal, and the protocol it must be written in.
pub(crate) type Refused = Box<(Protocol, ApiError)>;

pub(crate) fn refused(protocol: Protocol, error: ApiError) -> Refused {
    Box::new((protocol, error))
}

/// Reads a call.
pub(crate) fn read(received: &mut Received) -> Result<(Protocol, Call), Refused> {
    let Signature { key, region, service: scope } = signature(received);
    if let Some(target) = received.header("x-amz-target") {
        return json(received, target, key, region);
    }
    if received.header("smithy-protocol").is_some() {
        return rpc(received, key, region);
    }
    match scope.as_deref().and_then(Service::of_scope) {
        Some(service @ (Service::Sts | Service::Iam)) => query::read(received, service, key, None),
        Some(service @ Service::CloudFormation) => query::read(received, service, key, region),
        Some(Service::CloudWatch) => {
            Err(refused(Protocol::Json10, unknown("the sandbox speaks awsJson 1.0 and CBOR with CloudWatch")))
        }
        Some(Service::Account) => account(received, key),
        Some(Service::Eks) => eks(received, key, region.as_deref()),
        Some(Service::S3) => s3::read(received, key),
        Some(_) => Err(refused(Protocol::Json, unknown("the request names no operation"))),
        // A form with an action can only be a query; STS is asked unsigned by some clients.
        None if received.body.starts_with(b"Action=") => query::read(received, Service::Sts, key, None),
        None => {
            let message = "Request is missing Authentication Token";
            Err(refused(Protocol::RestJson, ApiError::new("MissingAuthenticationTokenException", 403, message)))
        }
    }
}

fn unknown(message: &str) -> ApiError {
    ApiError::client("UnknownOperationException", message)
}

/// What a credential scope says.
#[derive(Default)]
struct Signature {
    key: Option<String>,
    region: Option<String>,
    service: Option<String>,
}

/// The access key, the region and the service, out of the credential scope. Signatures are not verified.
fn signature(received: &Received) -> Signature {
    let header = received.header("authorization").unwrap_or_default();
    let in_query = || {
        let query = received.uri.query().unwrap_or_default();
        query::pairs(query.as_bytes())
            .into_iter()
            .find(|(name, _)| name == "X-Amz-Credential")
            .map(|(_, value)| value)
    };
    let credential = match header.split_once("Credential=") {
        Some((_, rest)) => rest.split([',', ' ']).next().map(str::to_owned),
        None => in_query(),
    };
    let Some(credential) = credential else { return Signature::default() };
    let mut parts = credential.split('/');
    let key = parts.next().map(str::to_owned);
    // date, region, service; the variant for several regions has no region in it.
    let rest: Vec<&str> = parts.collect();
    let service = rest.iter().rev().nth(1).map(|service| (*service).to_owned());
    let region = rest.get(1).filter(|_| rest.len() == 4).map(|region| (*region).to_owned());
    Signature { key, region, service }
}

fn json(
    received: &Received,
    target: &str,
    key: Option<String>,
    region: Option<String>,
) -> Result<(Protocol, Call), Refused> {
    let named = target.split_once('.').and_then(|(prefix, name)| Some((Service::of_target(prefix)?, name)));
    let Some((service, operation)) = named else {
        return Err(refused(Protocol::Json, unknown("Unknown target")));
    };
    let protocol = if service == Service::CloudWatch { Protocol::Json10 } else { Protocol::Json };
    let input = open(received).and_then(members).map_err(|error| refused(protocol.clone(), error))?;
    let input = placed(service, input, region);
    Ok((protocol, Call { service, operation: operation.to_owned(), key, input }))
}

/// `POST /service/NAME/operation/NAME`
fn rpc(received: &Received, key: Option<String>, region: Option<String>) -> Result<(Protocol, Call), Refused> {
    let path = received.uri.path().strip_prefix("/service/").and_then(|rest| rest.split_once("/operation/"));
    let named = path.and_then(|(service, operation)| Some((Service::of_target(service)?, operation)));
    let Some((service, operation)) = named else {
        return Err(refused(Protocol::Cbor, unknown("Unknown service")));
    };
    let input = open(received).and_then(cbor::read).map_err(|error| refused(Protocol::Cbor, error))?;
    let input = placed(service, input, region);
    Ok((Protocol::Cbor, Call { service, operation: operation.to_owned(), key, input }))
}

/// With the region that the request was signed for, where the service has one in each.
fn placed(service: Service, mut input: Value, region: Option<String>) -> Value {
    if let Some(region) = region.filter(|_| service.is_regional()) {
        input["Region"] = Value::from(region);
    }
    input
}

/// The body as it was sent.
fn open(received: &Received) -> Result<&[u8], ApiError> {
    match received.header("content-encoding") {
        None | Some("identity") => Ok(&received.body),
        Some(encoding) => {
            let message = format!(
                "The sandbox takes no request in the encoding {encoding}: set AWS_DISABLE_REQUEST_COMPRESSION=true"
            );
            Err(ApiError::new("UnsupportedMediaType", 415, message))
        }
    }
}

fn members(body: &[u8]) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(ApiError::client("SerializationException", "Start of structure expected")),
        Err(error) => Err(ApiError::client("SerializationException", error.to_string())),
    }
}

fn account(received: &Received, key: Option<String>) -> Result<(Protocol, Call), Refused> {
    let operation = match received.uri.path() {
        "/putAccountName" => "PutAccountName",
        "/getAccountInformation" => "GetAccountInformation",
        path => path.trim_start_matches('/'),
    };
    let input = members(&received.body).map_err(|error| refused(Protocol::RestJson, error))?;
    Ok((Protocol::RestJson, Call { service: Service::Account, operation: operation.to_owned(), key, input }))
}

/// EKS has one call here: which cluster, by its path.
fn eks(received: &Received, key: Option<String>, region: Option<&str>) -> Result<(Protocol, Call), Refused> {
    let name = received.uri.path().strip_prefix("/clusters/").filter(|name| !name.is_empty() && !name.contains('/'));
    let Some(name) = name.filter(|_| received.method == axum::http::Method::GET) else {
        return Err(refused(
            Protocol::RestJson,
            unknown("the sandbox knows DescribeCluster of EKS, and nothing else"),
        ));
    };
    let input = json!({"name": name, "Region": region, "Host": received.header("host")});
    let operation = "DescribeCluster".to_owned();
    Ok((Protocol::RestJson, Call { service: Service::Eks, operation, key, input }))
}
