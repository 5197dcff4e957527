//! Workloads of Kubernetes, joined to the engine: which cluster a cell's workload is in, and how it is entered. Owns that choice;
//! what is applied and waited for is the core's.

use std::sync::Arc;

use cell_aws::{AwsCloud, EksDoor};
use cell_eval::provider::{Answer, Clock};
use cell_eval::releases::{Failed, Order, Spec, Target, dossier};
use cell_eval::workloads::{self, Door, Endpoint, How, Place, Sight, Wanted, Workloads as _};
use cell_kubernetes::{Access, Cluster};
use cell_sandbox::cluster_of;

/// How the name of a cluster of EKS begins.
const EKS: &str = "eks/";

/// How clusters are entered.
#[derive(Debug, Clone)]
pub(crate) enum Doors {
    /// By contexts of the user's kubeconfig, and those of EKS by the cloud.
    Real(Arc<AwsCloud>),
    /// At an embedded sandbox, in which every name is a cluster, and one of EKS is another one in each account and region.
    Sandbox(String),
}

/// The way into a cluster of the sandbox.
#[derive(Debug)]
struct InSandbox {
    server: String,
}

impl Door for InSandbox {
    fn endpoint(&self) -> Answer<Endpoint> {
        Ok(Endpoint { server: self.server.clone(), authority: None })
    }

    fn token(&self) -> Answer<String> {
        Ok("sandbox".to_owned())
    }
}

impl Doors {
    /// A cluster in an account and region: `eks/NAME` is one of EKS, any other name a context of the kubeconfig, and none
    /// its current one.
    fn open(&self, (account, region): (&str, &str), cluster: &str) -> Answer<Cluster> {
        let named = (!cluster.is_empty()).then(|| cluster.to_owned());
        Cluster::new(match self {
            Self::Real(cloud) => match cluster.strip_prefix(EKS) {
                Some(name) => Access::Door(Arc::new(EksDoor::new(Arc::clone(cloud), account, region, name))),
                None => Access::Context { file: None, context: named },
            },
            Self::Sandbox(url) => {
                let name = named.as_deref().unwrap_or("default");
                let of_eks = name.strip_prefix(EKS).map(|name| cluster_of(account, region, name));
                let server = format!("{url}/kubernetes/{}", of_eks.as_deref().unwrap_or(name));
                Access::Door(Arc::new(InSandbox { server }))
            }
        })
    }

    /// Sees that a workload which had no release of ours has none now: so it is when the first one was refused before it
    /// changed anything. What did change it has nothing to go back to, since what was there before is nobody's release.
    pub(crate) fn take_away(&self, order: Order<'_>) -> Result<String, Failed> {
        let Spec { account, region, target } = &order.what.spec;
        let Target::Kubernetes { cluster, namespace, workload, .. } = target else {
            return Err(Failed::Why(format!("{} is no workload", target.sort())));
        };
        let (place, ours) = (place(namespace, workload)?, dossier::address(&order.of.of, order.cell));
        let cluster = self.open((account, region), cluster).map_err(|error| Failed::Why(error.to_string()))?;
        let found = cluster.workload(&place).map_err(|error| Failed::Why(error.to_string()))?;
        if found.is_some_and(|found| found.annotations.get(workloads::ADDRESS) == Some(&ours)) {
            return Err(Failed::Why(format!(
                "it had no release before, so there is none to go back to: {place} is left with what came"
            )));
        }
        Ok(format!("kubernetes: {place} has nothing of it"))
    }

    /// Brings a release to a workload.
    pub(crate) fn bring(
        &self,
        clock: &dyn Clock,
        order: Order<'_>,
        take_over: bool,
        see: &mut dyn FnMut(&str),
    ) -> Result<String, Failed> {
        let Spec { account, region, target } = &order.what.spec;
        let Target::Kubernetes { cluster, namespace, workload, container, image, parameters } = target else {
            return Err(Failed::Why(format!("{} is no workload", target.sort())));
        };
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let place = place(namespace, workload)?;
        let image = some(image).ok_or_else(|| {
            Failed::Why("the component has no `artifact ecr { … }`: which image is the version?".to_owned())
        })?;
        let wanted = Wanted {
            place,
            container: some(container),
            image,
            parameters: parameters.clone(),
            address: dossier::address(&order.of.of, order.cell),
            release: order.of.version.clone(),
            plan: order.token.to_owned(),
            take_over,
        };
        let cluster = self.open((account, region), cluster).map_err(|error| Failed::Why(error.to_string()))?;
        let deployed = workloads::deploy(&cluster, clock, &wanted, workloads::WAITS, &mut |sight| tell(&sight, see))
            .map_err(|stopped| Failed::Why(stopped.to_string()))?;
        let how = match deployed.how {
            How::Updated => "changed",
            How::Unchanged => "nothing to change",
        };
        Ok(format!("kubernetes: {}, {} ({how})", wanted.place, deployed.words))
    }
}

fn place(namespace: &str, workload: &str) -> Result<Place, Failed> {
    Place::read((!namespace.is_empty()).then_some(namespace), workload)
        .ok_or_else(|| Failed::Why(format!("`{workload}` is no Deployment, StatefulSet or DaemonSet")))
}

/// What is told while a workload rolls out.
fn tell(sight: &Sight<'_>, see: &mut dyn FnMut(&str)) {
    match sight {
        Sight::Takes(fields) => fields.iter().for_each(|field| see(&format!("takes over: {field}"))),
        Sight::Progress(words) => see(words),
        Sight::Event(event) => see(&event.to_string()),
        Sight::EventsFailed(error) => see(&format!("its events cannot be read now: {error}")),
    }
}
