//! Ways into a cluster. Owns how a client is made of a context of a kubeconfig, or of an endpoint and a token, and how
//! long it is good for.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cell_eval::provider::{Answer, CloudError, Failure};
use cell_eval::workloads::Door;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::json;

/// A token lasts a quarter of an hour; a client with one is made anew before that.
const TOKEN: Duration = Duration::from_mins(10);
/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_mins(1);
const CALL: &str = "kubernetes:Connect";

/// A way into a cluster.
#[derive(Clone)]
pub enum Access {
    /// A context of a kubeconfig. What it says of certificates, tokens and programs that get one (`exec`, as
    /// `aws eks get-token` and `gke-gcloud-auth-plugin` are) is done.
    Context {
        /// The file; none: those that `KUBECONFIG` names, or `~/.kube/config`.
        file: Option<PathBuf>,
        /// The context; none: the current one.
        context: Option<String>,
    },
    /// An endpoint with tokens that last a quarter of an hour: EKS.
    Door(Arc<dyn Door>),
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context { file, context } => {
                f.debug_struct("Context").field("file", file).field("context", context).finish()
            }
            Self::Door(door) => door.fmt(f),
        }
    }
}

impl Access {
    /// Reads what the way in consists of; this may ask others, and blocks.
    fn kubeconfig(&self) -> Answer<(Kubeconfig, KubeConfigOptions)> {
        let unreadable = |error: kube::config::KubeconfigError| wrong(Failure::Invalid, &error);
        match self {
            Self::Context { file, context } => {
                let read = file.as_ref().map_or_else(Kubeconfig::read, Kubeconfig::read_from);
                let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
                Ok((read.map_err(unreadable)?, options))
            }
            Self::Door(door) => {
                let endpoint = door.endpoint()?;
                let made = json!({
                    "clusters": [{"name": "door", "cluster": {
                        "server": endpoint.server, "certificate-authority-data": endpoint.authority,
                    }}],
                    "users": [{"name": "door", "user": {"token": door.token()?}}],
                    "contexts": [{"name": "door", "context": {"cluster": "door", "user": "door"}}],
                    "current-context": "door",
                });
                let made = serde_json::from_value(made).map_err(|error| wrong(Failure::Invalid, &error))?;
                Ok((made, KubeConfigOptions::default()))
            }
        }
    }

    /// What a client is made of, and how long the client is good for; none: as long as it is wanted. It blocks, and must
    /// not be called within a runtime.
    pub(crate) fn prepare(&self) -> Answer<(Kubeconfig, KubeConfigOptions, Option<Duration>)> {
        let (config, options) = self.kubeconfig()?;
        let lasts = match self {
            Self::Context { .. } => None,
            Self::Door(_) => Some(TOKEN),
        };
        Ok((config, options, lasts))
    }
}

/// A client; nothing is sent yet.
pub(crate) async fn client(config: Kubeconfig, options: KubeConfigOptions) -> Answer<Client> {
    let made = Config::from_custom_kubeconfig(config, &options).await;
    let mut config = made.map_err(|error| wrong(Failure::Invalid, &error))?;
    config.read_timeout = Some(PATIENCE);
    // A connection that was idle must not count its idle time.
    config.reset_reader_on_write = true;
    // Each call is tried again by the core, which looks whether the first one came about.
    config.default_retry = false;
    Client::try_from(config).map_err(|error| wrong(Failure::Credentials, &error))
}

/// An error with all that is behind it.
fn wrong(failure: Failure, error: &dyn std::error::Error) -> CloudError {
    CloudError::own(CALL, failure, crate::fault::chain(error))
}
