//! The cloud: the clients, the runtime they run on, and what belongs to no single service. Owns how a blocking caller
//! waits for an asynchronous client.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use aws_config::SdkConfig;
use cell_eval::provider::{Answer, Caller, Center, CloudError, Failure, ManagedPolicy, Provider};
use cell_eval::repositories::Repositories;
use cell_eval::stacks::Stacks;
use tokio::runtime::Runtime;

use crate::call::{Road, read};
use crate::connect;
use crate::convert::{found, need};
use crate::roles::Members;
use crate::settings::Settings;

/// AWS, or what speaks like it. Calls block their thread; any number of threads may share it. It must not be called
/// from a thread that runs asynchronous tasks.
pub struct AwsCloud {
    pub(crate) link: Arc<Link>,
    pub(crate) organizations: aws_sdk_organizations::Client,
    pub(crate) accounts: aws_sdk_account::Client,
    pub(crate) center: aws_sdk_ssoadmin::Client,
    pub(crate) store: aws_sdk_identitystore::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) members: Members,
    found: RwLock<Option<Center>>,
    me: OnceLock<Caller>,
}

/// What the cloud and the registry's store share.
pub(crate) struct Link {
    runtime: Runtime,
    pub(crate) road: Road,
    pub(crate) config: SdkConfig,
}

impl Link {
    /// Waits for an answer.
    pub(crate) fn block<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.block_on(answer)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("region", &self.config.region())
            .field("endpoint", &self.config.endpoint_url())
            .finish_non_exhaustive()
    }
}

impl AwsCloud {
    /// Finds region and credentials and makes the clients. Sends nothing to AWS but what credentials need.
    ///
    /// # Errors
    /// [`Failure::Credentials`] when there are none or they cannot be had; [`Failure::Invalid`] without a region.
    pub fn connect(settings: &Settings) -> Result<Self, CloudError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("cell-aws")
            .enable_all()
            .build()
            .map_err(|error| CloudError::own("connect", Failure::Failed, format!("no threads: {error}")))?;
        let config = runtime.block_on(connect::configure(settings))?;
        Ok(Self {
            organizations: aws_sdk_organizations::Client::new(&config),
            accounts: aws_sdk_account::Client::new(&config),
            center: aws_sdk_ssoadmin::Client::new(&config),
            store: aws_sdk_identitystore::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            members: Members::new(&settings.member_role),
            found: RwLock::default(),
            me: OnceLock::new(),
            link: Arc::new(Link { runtime, road: Road::new(settings), config }),
        })
    }

    /// The region of Identity Center, as settings, environment or profile said.
    pub fn region(&self) -> Option<String> {
        self.link.config.region().map(ToString::to_string)
    }

    pub(crate) fn block<T>(&self, answer: impl Future<Output = T>) -> T {
        self.link.block(answer)
    }

    pub(crate) fn road(&self) -> &Road {
        &self.link.road
    }

    /// The instance that was found last.
    pub(crate) fn instance(&self, call: &str) -> Answer<Center> {
        self.found.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(|| {
            CloudError::own(call, Failure::NotFound, "no instance of IAM Identity Center has been found yet")
        })
    }

    pub(crate) fn remember(&self, center: Option<&Center>) {
        *self.found.write().unwrap_or_else(PoisonError::into_inner) = center.cloned();
    }

    /// Who calls, asked once.
    pub(crate) async fn me(&self) -> Answer<Caller> {
        if let Some(caller) = self.me.get() {
            return Ok(caller.clone());
        }
        let caller = self.ask_caller().await?;
        Ok(self.me.get_or_init(|| caller).clone())
    }

    async fn ask_caller(&self) -> Answer<Caller> {
        let call = read("sts:GetCallerIdentity");
        let answer = self.road().send(call, || self.sts.get_caller_identity().send()).await?;
        Ok(Caller { account: need(call.name, "Account", answer.account)?, arn: need(call.name, "Arn", answer.arn)? })
    }
}

impl fmt::Debug for AwsCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsCloud").field("link", &self.link).finish_non_exhaustive()
    }
}

impl Provider for AwsCloud {
    fn repositories<'a>(&'a self, account: &str, region: Option<&str>) -> Box<dyn Repositories + 'a> {
        let own = || self.region().unwrap_or_default();
        Box::new(AwsCloud::repositories(self, account, &region.map_or_else(own, str::to_owned)))
    }

    fn caller(&self) -> Answer<Caller> {
        self.block(self.ask_caller())
    }

    fn managed_policy_exists(&self, arn: &str) -> Answer<bool> {
        let call = read("iam:GetPolicy");
        let answer = self.block(self.road().send(call, || self.iam.get_policy().policy_arn(arn).send()));
        Ok(found(answer)?.is_some())
    }

    fn managed_policy(&self, arn: &str) -> Answer<Option<ManagedPolicy>> {
        self.block(self.policy_in_force(arn))
    }

    fn reserved_role(&self, account: &str, set_name: &str) -> Answer<Option<String>> {
        self.block(self.role_of_set(account, set_name))
    }

    fn stacks(&self, account: &str, region: &str) -> Box<dyn Stacks + '_> {
        Box::new(Self::stacks(self, account, region))
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.road().calls()
    }

    fn pushes(&self) -> u64 {
        self.road().pushes()
    }
}
