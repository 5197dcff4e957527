//! Services that are in each account and region of their own. Owns how a client there is opened and kept as long as its
//! session lasts; what it is asked is each service's.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::time::SystemTime;

use aws_config::{Region, SdkConfig};
use cell_eval::provider::{Answer, CloudError, Failure};

use crate::call::hold;
use crate::cloud::AwsCloud;
use crate::roles::not_let_in;

/// Clients by account and region, and until when they serve; none: as long as the cloud does.
pub(crate) type Clients<C> = Mutex<HashMap<(String, String), (C, Option<SystemTime>)>>;

/// An account and a region. In another account than its own the cloud acts as that account's member role, whose session
/// is renewed for as long as it takes.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    pub(crate) cloud: &'a AwsCloud,
    account: String,
    region: String,
}

impl fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.account, self.region)
    }
}

/// Sends a request of a client of the place: `send!(self, call, |client| client.describe_stacks()…)`.
macro_rules! send {
    ($self:ident, $call:expr, |$client:ident| $request:expr) => {{
        let $client = $self.client().await?;
        let mut answer = $self.at.cloud.road().send($call, || $request.send()).await;
        if $self.at.has_ended(&answer).await? {
            let $client = $self.client().await?;
            answer = $self.at.cloud.road().send($call, || $request.send()).await;
        }
        $self.at.said(answer).await
    }};
}
pub(crate) use send;

impl<'a> Place<'a> {
    pub(crate) fn new(cloud: &'a AwsCloud, account: &str, region: &str) -> Self {
        Self { cloud, account: account.to_owned(), region: region.to_owned() }
    }

    /// The client of the place, as long as its session lasts.
    pub(crate) async fn client<C: Clone>(&self, clients: &Clients<C>, make: impl Fn(&SdkConfig) -> C) -> Answer<C> {
        let place = (self.account.clone(), self.region.clone());
        let now = SystemTime::now();
        let open = hold(clients).get(&place).cloned();
        if let Some((client, ends)) = open
            && ends.is_none_or(|ends| ends > now)
        {
            return Ok(client);
        }
        let config = self.cloud.link.config.to_builder().region(Region::new(self.region.clone()));
        let (config, ends) = match self.cloud.keys_of(&self.account).await? {
            None => (config, None),
            Some((keys, ends)) => {
                let uncached = aws_config::identity::IdentityCache::no_cache();
                (config.credentials_provider(keys).identity_cache(uncached), Some(ends))
            }
        };
        let client = make(&config.build());
        hold(clients).insert(place, (client.clone(), ends));
        Ok(client)
    }

    /// Has the session ended before its time, by the service's clock? It is forgotten then, and nothing was done.
    pub(crate) async fn has_ended<T>(&self, answer: &Answer<T>) -> Answer<bool> {
        let expired =
            |error: &CloudError| error.failure == Failure::Credentials && error.code.starts_with("ExpiredToken");
        if !answer.as_ref().is_err_and(expired) || self.cloud.me().await?.account == self.account {
            return Ok(false);
        }
        self.cloud.members.forget(&self.account);
        Ok(true)
    }

    /// A young account refuses the keys of its own session for a while.
    pub(crate) async fn said<T>(&self, answer: Answer<T>) -> Answer<T> {
        match answer {
            Err(error) if error.failure == Failure::Credentials && self.cloud.me().await?.account != self.account => {
                Err(not_let_in(error))
            }
            answer => answer,
        }
    }
}
