//! From settings to a configuration of the SDK: region, credentials, endpoints, HTTP. Owns the order in which these are
//! looked for, and that a missing credential is told at once.

use std::sync::Mutex;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::identity::IdentityCache;
use aws_config::imds;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use cell_eval::provider::{Answer, CloudError, Failure};

use crate::call::hold;
use crate::fault;
use crate::settings::{Keys, Settings};
use crate::told;

/// What an error of connecting is called: no operation of any service.
const CALL: &str = "connect";
/// Signing needs some region where the server cares for none.
const ANY_REGION: &str = "us-east-1";
/// A machine of EC2 answers for its credentials within milliseconds; elsewhere nobody ever does.
const METADATA_TIME: Duration = Duration::from_millis(500);
/// A process or a browser that fetches credentials may take its time.
const CREDENTIALS_TIME: Duration = Duration::from_mins(1);

/// The configuration that all clients are made from.
pub(crate) async fn configure(settings: &Settings) -> Answer<SdkConfig> {
    let http = http_client(settings.endpoint.is_none());
    let region = region(settings).await;
    // Whoever has neither credentials nor a region is told of the credentials.
    let chain = match settings.credentials {
        Some(_) => None,
        None => Some(Primed::load(settings, region.clone(), http.clone()).await?),
    };
    let region = region.ok_or_else(|| {
        let why = "no region is known; say the home region of Identity Center, or set AWS_REGION";
        CloudError::own(CALL, Failure::Invalid, why)
    })?;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts(settings))
        .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_TIME).build());
    if let Ok(name) = AppName::new("cellc") {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &settings.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(Keys { id, secret }) = &settings.credentials {
        loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "cellc"));
    } else if let Some(chain) = chain {
        loader = loader.credentials_provider(chain);
    }
    Ok(loader.load().await)
}

async fn region(settings: &Settings) -> Option<Region> {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    let chain = RegionProviderChain::first_try(settings.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build())
        .or_else(settings.endpoint.as_ref().map(|_| Region::new(ANY_REGION)));
    chain.region().await
}

fn timeouts(settings: &Settings) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(settings.connect_timeout)
        .operation_attempt_timeout(settings.attempt_timeout)
        .build()
}

/// One pool of connections for all clients. The proxies of the environment are used for AWS only: what stands at an
/// endpoint of its own is reached straight.
fn http_client(proxies: bool) -> SharedHttpClient {
    let tls = Provider::Rustls(CryptoMode::Ring);
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        let connector = if proxies { connector.proxy_config(ProxyConfig::from_env()) } else { connector };
        connector.tls_provider(tls.clone()).build()
    })
}

/// The chain of credentials, with those that it gave first kept: to ask twice may run a process or ask for a code
/// twice.
#[derive(Debug)]
struct Primed {
    first: Mutex<Option<Credentials>>,
    chain: DefaultCredentialsChain,
}

impl Primed {
    async fn load(settings: &Settings, region: Option<Region>, http: SharedHttpClient) -> Answer<Self> {
        let region = region.unwrap_or(Region::from_static(ANY_REGION));
        let provider = ProviderConfig::without_region().with_region(Some(region)).with_http_client(http);
        let provider = provider.with_behavior_version(Some(BehaviorVersion::latest()));
        let bare = ProviderConfig::without_region().with_http_client(http_client(false));
        let metadata = imds::Client::builder()
            .configure(&bare)
            .max_attempts(1)
            .connect_timeout(METADATA_TIME)
            .read_timeout(METADATA_TIME)
            .build();
        let mut chain = DefaultCredentialsChain::builder().imds_client(metadata).configure(provider);
        if let Some(profile) = &settings.profile {
            chain = chain.profile_name(profile);
        }
        let chain = chain.build().await;
        let asked = tokio::time::timeout(CREDENTIALS_TIME, chain.provide_credentials()).await;
        match asked {
            Ok(Ok(first)) => {
                told::learn(&first);
                well_formed(&first)?;
                Ok(Self { first: Mutex::new(Some(first)), chain })
            }
            Ok(Err(error)) => Err(none_had(settings, &error)),
            Err(_) => Err(CloudError::own(CALL, Failure::Credentials, "no credentials came in time")),
        }
    }
}

/// What was read from a file with the line feed at its end can be sent in no header.
fn well_formed(keys: &Credentials) -> Answer<()> {
    let parts = [
        ("access key id", Some(keys.access_key_id())),
        ("secret access key", Some(keys.secret_access_key())),
        ("session token", keys.session_token()),
    ];
    let is_odd = |text: &str| text.chars().any(|c| c.is_whitespace() || c.is_control());
    match parts.into_iter().find(|(_, text)| text.is_some_and(is_odd)) {
        None => Ok(()),
        Some((what, _)) => {
            let why = format!("the {what} has a blank or a line feed in it, as no key has; it may stand at its end");
            Err(CloudError::own(CALL, Failure::Credentials, why))
        }
    }
}

/// Why there are no credentials. The last link of the chain is the machine's own service: that it fails means that
/// nothing else had any.
fn none_had(settings: &Settings, error: &CredentialsError) -> CloudError {
    let error = fault::of_silence(CALL, error, Failure::Credentials);
    let found = !error.message.contains("no credentials found in chain") && !error.message.contains("IMDS");
    let message = match (found, &settings.profile) {
        (true, _) => format!("no credentials could be had: {}", without_stderr(&error.message)),
        (false, Some(profile)) => {
            format!("no credentials were found, neither in the profile `{profile}` nor elsewhere")
        }
        (false, None) => "no credentials were found in the environment or the shared configuration".to_owned(),
    };
    CloudError { message, ..error }
}

/// What may be told of a source of credentials that failed: not what a process of the user's wrote.
fn without_stderr(message: &str) -> String {
    let message = message.split(" Stderr:").next().unwrap_or_default();
    let advice = if message.contains("SSO token") { "; sign in with `aws sso login`" } else { "" };
    format!("{message}{advice}")
}

impl ProvideCredentials for Primed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        match hold(&self.first).take() {
            Some(first) => future::ProvideCredentials::ready(Ok(first)),
            None => future::ProvideCredentials::new(async {
                let next = self.chain.provide_credentials().await?;
                told::learn(&next);
                Ok(next)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_wrote_is_not_told() {
        assert_eq!(
            without_stderr("the process exited with code 1. Stderr: key AKIA"),
            "the process exited with code 1."
        );
        assert_eq!(without_stderr("no SSO token"), "no SSO token; sign in with `aws sso login`");
    }

    #[test]
    fn a_line_feed_at_the_end_of_a_key_is_told_and_not_sent() {
        let keys = |id: &str, token: Option<&str>| Credentials::new(id, "x", token.map(str::to_owned), None, "test");
        assert!(well_formed(&keys("AKIAEXAMPLE", Some("a/b+c=="))).is_ok());
        for odd in [keys("AKIAEXAMPLE\n", None), keys("AKIAEXAMPLE", Some("abc\r\n"))] {
            let told = well_formed(&odd).err().map(|error| (error.failure, error.message));
            let is_told = |(failure, message): (Failure, String)| {
                failure == Failure::Credentials && message.contains("line feed") && !message.contains("AKIA")
            };
            assert!(told.is_some_and(is_told));
        }
    }
}
