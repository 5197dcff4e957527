//! The way into a cluster of EKS. Owns the signed request that is its token, and the one call of EKS that says where a
//! cluster answers; both are made by hand, since the SDK has no client as small as one call.
//!
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster>
//! <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html>

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningInstructions, SigningParams, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cell_eval::provider::{Answer, CloudError, Failure, partition};
use cell_eval::workloads::{Door, Endpoint};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::call::{hold, read};
use crate::classify::{Body, Refusal, classify};
use crate::cloud::AwsCloud;
use crate::fault;
use crate::told;

/// What tokens of EKS begin with.
const PREFIX: &str = "k8s-aws-v1.";
/// The header that says for which cluster a token is.
const CLUSTER: &str = "x-k8s-aws-id";
/// How long STS takes the signed request; the cluster takes the token for a quarter of an hour from its signing.
const LIFE: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_secs(30);
/// What a signature leaves as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const DESCRIBE: &str = "eks:DescribeCluster";
const SIGN: &str = "sts:GetCallerIdentity";

/// A cluster of EKS, in an account and a region.
pub struct EksDoor {
    cloud: Arc<AwsCloud>,
    account: String,
    region: String,
    cluster: String,
    /// Where it answers does not change.
    found: Mutex<Option<Endpoint>>,
}

impl fmt::Debug for EksDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("EksDoor");
        shown
            .field("account", &self.account)
            .field("region", &self.region)
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

impl EksDoor {
    /// The way into a cluster. In another account than its own the cloud acts as that account's member role. Sends
    /// nothing yet.
    pub fn new(cloud: Arc<AwsCloud>, account: &str, region: &str, cluster: &str) -> Self {
        let (account, region, cluster) = (account.to_owned(), region.to_owned(), cluster.to_owned());
        Self { cloud, account, region, cluster, found: Mutex::new(None) }
    }

    async fn keys(&self, call: &str) -> Answer<Credentials> {
        let member = self.cloud.keys_of(&self.account).await?.map(|(keys, _)| keys);
        let none = || CloudError::own(call, Failure::Credentials, "there are no credentials");
        let keys = member.or_else(|| self.cloud.link.config.credentials_provider()).ok_or_else(none)?;
        let had = keys.provide_credentials().await;
        had.map_err(|error| fault::of_silence(call, &error, Failure::Credentials))
    }

    async fn signed_token(&self) -> Answer<String> {
        let keys = self.keys(SIGN).await?;
        let host = format!("sts.{}.{}", self.region, partition::domain(&self.region));
        let url = format!("https://{host}/?Action=GetCallerIdentity&Version=2011-06-15");
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(LIFE);
        let headers = [("host", host.as_str()), (CLUSTER, self.cluster.as_str())];
        let signed = self.sign(SIGN, "sts", &url, &headers, settings, keys)?;
        let more =
            signed.params().iter().map(|(name, value)| format!("&{name}={}", utf8_percent_encode(value, ESCAPED)));
        let url = more.fold(url, |url, more| url + &more);
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url)))
    }

    async fn describe(&self) -> Answer<Endpoint> {
        self.cloud.road().repeat(read(DESCRIBE), || self.describe_once()).await
    }

    async fn describe_once(&self) -> Answer<Endpoint> {
        let keys = self.keys(DESCRIBE).await?;
        let own = self.cloud.link.config.endpoint_url().map(|url| url.trim_end_matches('/').to_owned());
        let base = own.unwrap_or_else(|| format!("https://eks.{}.{}", self.region, partition::domain(&self.region)));
        let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host).to_owned();
        let url = format!("{base}/clusters/{}", utf8_percent_encode(&self.cluster, ESCAPED));
        let headers = [("host", host.as_str())];
        let signed = self.sign(DESCRIBE, "eks", &url, &headers, SigningSettings::default(), keys)?;
        let invalid = |error: &dyn fmt::Display| CloudError::own(DESCRIBE, Failure::Invalid, error.to_string());
        let mut request = HttpRequest::get(&url).map_err(|error| invalid(&error))?;
        for (name, value) in signed.headers() {
            let (name, value) = (name.to_owned(), value.to_owned());
            request.headers_mut().try_append(name, value).map_err(|error| invalid(&error))?;
        }
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        let lost = |why: &str| CloudError::own(DESCRIBE, Failure::Lost, why);
        let asked = async {
            let answer =
                connector.call(request).await.map_err(|error| fault::of_silence(DESCRIBE, &error, Failure::Lost))?;
            let status = answer.status().as_u16();
            let code = answer.headers().get("x-amzn-errortype").unwrap_or_default().to_owned();
            let body = aws_smithy_types::byte_stream::ByteStream::new(answer.into_body());
            let body = body.collect().await.map_err(|error| lost(&error.to_string()))?.to_vec();
            Ok::<_, CloudError>((status, code, body))
        };
        let late = tokio::time::timeout(PATIENCE, asked).await;
        let (status, code, body) = late.map_err(|_| lost("no answer came in time"))??;
        said(status, &code, &body)
    }

    fn sign(
        &self,
        call: &str,
        service: &str,
        url: &str,
        headers: &[(&str, &str)],
        settings: SigningSettings,
        keys: Credentials,
    ) -> Answer<SigningInstructions> {
        let invalid =
            |error: &dyn fmt::Display| CloudError::own(call, Failure::Invalid, told::harmless(&error.to_string()));
        let identity = keys.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|error| invalid(&error))?;
        let request = SignableRequest::new("GET", url, headers.iter().copied(), SignableBody::Bytes(&[]));
        let request = request.map_err(|error| invalid(&error))?;
        let signed = sign(request, &SigningParams::V4(params)).map_err(|error| invalid(&error))?;
        Ok(signed.into_parts().0)
    }
}

/// Where the cluster answers, by what EKS answered; the code of an error is in a header.
fn said(status: u16, code: &str, body: &[u8]) -> Answer<Endpoint> {
    let answer: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if status != 200 {
        let code = code.split(':').next().unwrap_or_default();
        let message = if text("/message").is_empty() {
            format!("the server answered with status {status}")
        } else {
            told::harmless(text("/message"))
        };
        let form = if answer.is_object() { Body::Formed } else { Body::Foreign };
        let refusal = Refusal { call: DESCRIBE, status, code, reason: "", message: &message, body: form };
        let failure = classify(&refusal);
        return Err(CloudError { code: told::harmless(code), ..CloudError::own(DESCRIBE, failure, message) });
    }
    let server = text("/cluster/endpoint");
    if server.is_empty() {
        let state = told::harmless(text("/cluster/status"));
        let message = format!("the cluster has no endpoint; it is {state}");
        return Err(CloudError::own(DESCRIBE, Failure::Failed, message));
    }
    let authority = Some(text("/cluster/certificateAuthority/data")).filter(|data| !data.is_empty());
    Ok(Endpoint { server: server.to_owned(), authority: authority.map(str::to_owned) })
}

impl Door for EksDoor {
    fn endpoint(&self) -> Answer<Endpoint> {
        if let Some(found) = hold(&self.found).clone() {
            return Ok(found);
        }
        let found = self.cloud.block(self.describe())?;
        *hold(&self.found) = Some(found.clone());
        Ok(found)
    }

    fn token(&self) -> Answer<String> {
        self.cloud.block(self.signed_token())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_eks_answers_is_read() {
        let found =
            said(200, "", br#"{"cluster":{"endpoint":"https://x.eks","certificateAuthority":{"data":"Q0E="}}}"#);
        assert_eq!(found, Ok(Endpoint { server: "https://x.eks".to_owned(), authority: Some("Q0E=".to_owned()) }));
        let rows: [(u16, &str, &str, Failure); 5] = [
            (404, "ResourceNotFoundException", r#"{"message":"No cluster found for name: x."}"#, Failure::NotFound),
            (403, "AccessDeniedException:http://internal", r#"{"message":"no"}"#, Failure::Denied),
            (403, "ExpiredTokenException", r#"{"message":"no"}"#, Failure::Credentials),
            (503, "", "{}", Failure::Unavailable),
            (200, "", r#"{"cluster":{"status":"CREATING"}}"#, Failure::Failed),
        ];
        for (status, code, body, failure) in rows {
            assert_eq!(said(status, code, body.as_bytes()).unwrap_err().failure, failure, "{status} {body}");
        }
    }
}
