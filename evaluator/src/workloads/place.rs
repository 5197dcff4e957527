//! Where a workload is in its cluster, as a program writes it. Owns the words for the sorts of workload.

use std::fmt;

/// The sorts of workload that roll out by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Pods that are all alike.
    Deployment,
    /// Pods with a number and a disk of their own each.
    StatefulSet,
    /// One pod on each node.
    DaemonSet,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet];

    /// As a program and `kubectl` write it: `deployment`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
        }
    }

    /// As the API calls it: `Deployment`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }

    /// Its resource in the API: `deployments`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
        }
    }
}

/// A workload in its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The namespace.
    pub namespace: String,
    /// Its sort.
    pub sort: Sort,
    /// Its name.
    pub name: String,
}

impl Place {
    /// Reads what a program says: `deployment/cache`, or a name alone, which is a Deployment's; without a namespace it
    /// is in `default`. None for a sort that does not roll out.
    pub fn read(namespace: Option<&str>, workload: &str) -> Option<Self> {
        let (sort, name) = match workload.split_once('/') {
            None => (Sort::Deployment, workload),
            Some((word, name)) => (*Sort::ALL.iter().find(|sort| sort.word() == word)?, name),
        };
        let namespace = namespace.unwrap_or("default").to_owned();
        (!name.is_empty() && !name.contains('/')).then(|| Self { namespace, sort, name: name.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} in {}", self.sort.word(), self.name, self.namespace)
    }
}
