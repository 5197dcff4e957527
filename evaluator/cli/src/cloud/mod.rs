//! The cloud a command works on: AWS, or the embedded sandbox; and where its record lies.
//!
//! Owns the choice and the connection; what is done there is the other crates'.

pub(crate) mod clock;
pub(crate) mod sandbox;
pub(crate) mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cell_aws::{AwsCloud, Keys, Place, S3Store, Settings};
use cell_eval::plan::desired::{Desired, Org};
use cell_eval::provider::{Clock, CloudError, Provider as _};
use cell_eval::registry::store::{Registry, StoreError};

use crate::args::{Cloud, CloudArgs};
use crate::rollout::Doors;
use clock::{SandboxClock, SystemClock};
use store::FileStore;

/// The folder beside the program in which a run keeps what is its own.
pub(crate) const OWN: &str = ".cellc";
/// Of Identity Center, when neither the program nor the environment says one for the sandbox.
const SANDBOX_REGION: &str = "us-east-1";

/// What a command does in the accounts of an organization.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It looks at what is in them.
    Look,
    /// It changes it.
    Change,
}

/// A cloud that is connected.
pub(crate) struct Connection {
    /// The provider.
    pub(crate) provider: Arc<AwsCloud>,
    /// Where the record lies.
    pub(crate) store: Box<dyn Registry>,
    /// Time.
    pub(crate) clock: Arc<SystemClock>,
    /// Time as rollouts know it: that of an embedded sandbox is its own.
    pub(crate) time: Arc<dyn Clock>,
    /// `aws` or `sandbox`.
    pub(crate) name: &'static str,
    /// Whether metrics that nobody emits look well there, as an embedded sandbox may be told.
    pub(crate) healthy: bool,
    /// What has to be said first.
    pub(crate) remarks: Vec<String>,
    /// The embedded server lives as long as the connection.
    sandbox: Option<cell_sandbox::Running>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Unconnected {
    /// The cloud cannot be reached.
    Cloud(CloudError),
    /// The place of the record cannot be used.
    Store(StoreError),
    /// The sandbox cannot be opened.
    Sandbox(String),
}

impl std::fmt::Display for Unconnected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cloud(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            // Its help comes after an empty line.
            Self::Sandbox(message) => f.write_str(message.lines().next().unwrap_or_default()),
        }
    }
}

impl From<CloudError> for Unconnected {
    fn from(error: CloudError) -> Self {
        Self::Cloud(error)
    }
}

impl From<StoreError> for Unconnected {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Connection {
    /// How clusters of Kubernetes are entered.
    pub(crate) fn doors(&self) -> Doors {
        match &self.sandbox {
            Some(running) => Doors::Sandbox(running.url()),
            None => Doors::Real(Arc::clone(&self.provider)),
        }
    }

    /// Connects for a program. `beside` is the program's folder.
    pub(crate) fn open(
        args: &CloudArgs,
        desired: &Desired,
        beside: &Path,
        purpose: Purpose,
    ) -> Result<Self, Unconnected> {
        let clock = Arc::new(SystemClock);
        let own = beside.join(OWN);
        let Reached { provider, mut remarks, running, sandbox } = reach(args, desired, &own, purpose)?;
        if args.cloud == Cloud::Aws {
            // Without credentials every later message would speak of something else.
            provider.caller()?;
        }
        let store = match bucket(&desired.org) {
            Some(url) => in_bucket(url, &provider, &clock, &mut remarks)?,
            None => in_file(args.cloud, &desired.org, &own, beside),
        };
        let name = args.cloud.name();
        let healthy = sandbox.as_ref().is_some_and(|sandbox| sandbox.config().healthy);
        let time: Arc<dyn Clock> = match sandbox {
            Some(sandbox) => Arc::new(SandboxClock(sandbox)),
            None => Arc::clone(&clock) as _,
        };
        Ok(Self { provider, store, clock, time, name, healthy, remarks, sandbox: running })
    }
}

/// The record alone, where nothing else of a cloud is needed.
pub(crate) struct Recorded {
    /// Where it lies.
    pub(crate) store: Box<dyn Registry>,
    /// What has to be said first.
    pub(crate) remarks: Vec<String>,
    _sandbox: Option<cell_sandbox::Running>,
}

impl Recorded {
    /// The same where no cloud is needed for it: a record in a file.
    pub(crate) fn open_file(args: &CloudArgs, desired: &Desired, beside: &Path) -> Option<Self> {
        let file = || in_file(args.cloud, &desired.org, &beside.join(OWN), beside);
        bucket(&desired.org).is_none().then(|| Self { store: file(), remarks: Vec::new(), _sandbox: None })
    }

    /// Opens it: for a record in a file without any connection, for one in a bucket with that of its store.
    pub(crate) fn open(args: &CloudArgs, desired: &Desired, beside: &Path) -> Result<Self, Unconnected> {
        let own = beside.join(OWN);
        if let Some(opened) = Self::open_file(args, desired, beside) {
            return Ok(opened);
        }
        let url = bucket(&desired.org).unwrap_or_default();
        let Reached { provider, mut remarks, running, .. } = reach(args, desired, &own, Purpose::Look)?;
        let store = in_bucket(url, &provider, &Arc::new(SystemClock), &mut remarks)?;
        Ok(Self { store, remarks, _sandbox: running })
    }
}

/// A cloud that can be called.
struct Reached {
    provider: Arc<AwsCloud>,
    remarks: Vec<String>,
    running: Option<cell_sandbox::Running>,
    sandbox: Option<Arc<cell_sandbox::Sandbox>>,
}

fn reach(args: &CloudArgs, desired: &Desired, own: &Path, purpose: Purpose) -> Result<Reached, Unconnected> {
    let mut settings = Settings {
        region: desired.org.home_region.clone(),
        tps: rate(desired.org.limits.tps),
        organizations_tps: rate(desired.org.limits.organizations_tps),
        member_role: member_role(&desired.org, purpose),
        ..Settings::default()
    };
    let (mut remarks, mut running, mut sandbox) = (Vec::new(), None, None);
    if args.cloud == Cloud::Sandbox {
        let opened = sandbox::embedded(&own.join("sandbox"), desired).map_err(Unconnected::Sandbox)?;
        settings.endpoint = Some(opened.running.url());
        settings.credentials = Some(Keys::test());
        // Nobody else uses it: how fast it answers is its own affair.
        settings.organizations_tps = 1_000.0;
        settings.region.get_or_insert_with(|| SANDBOX_REGION.to_owned());
        remarks = opened.remarks;
        running = Some(opened.running);
        sandbox = Some(opened.sandbox);
    }
    Ok(Reached { provider: Arc::new(AwsCloud::connect(&settings)?), remarks, running, sandbox })
}

fn member_role(org: &Org, purpose: Purpose) -> String {
    let reader = org.reader_role.as_ref().filter(|_| purpose == Purpose::Look);
    reader.unwrap_or(&org.access_role).clone()
}

/// Requests a second, as a connection takes them.
fn rate(requests: u64) -> f64 {
    f64::from(u32::try_from(requests).unwrap_or(u32::MAX))
}

/// The bucket and key of the record, if the program says one.
fn bucket(org: &Org) -> Option<&str> {
    org.registry.as_deref().filter(|url| url.starts_with("s3://"))
}

fn in_bucket(
    url: &str,
    provider: &AwsCloud,
    clock: &Arc<SystemClock>,
    remarks: &mut Vec<String>,
) -> Result<Box<dyn Registry>, StoreError> {
    let store = S3Store::new(provider, &Place::new(url), Arc::clone(clock) as _)?;
    remarks.extend(store.doubt());
    Ok(Box::new(store))
}

/// The file of the record: as the program says, else beside it. A sandbox never writes to the place of the real one.
fn in_file(cloud: Cloud, org: &Org, own: &Path, beside: &Path) -> Box<dyn Registry> {
    let path: PathBuf = match (cloud, org.registry.as_deref()) {
        (Cloud::Sandbox, _) => own.join("sandbox").join("registry.json"),
        (Cloud::Aws, Some(file)) => beside.join(file),
        (Cloud::Aws, None) => own.join("registry.json"),
    };
    let shown = path.strip_prefix(beside).unwrap_or(&path).display().to_string();
    Box::new(FileStore::new(path, shown))
}
