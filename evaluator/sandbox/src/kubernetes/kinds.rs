//! The resources that a cluster has, as rows.

/// A resource of the API.
#[derive(Debug, PartialEq)]
#[allow(clippy::struct_field_names, reason = "as the API calls it")]
pub(super) struct Kind {
    /// Empty for the core.
    pub(super) group: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    pub(super) kind: &'static str,
    pub(super) namespaced: bool,
    pub(super) short: &'static [&'static str],
    /// Has it pods whose number can be set by itself?
    pub(super) scales: bool,
}

const fn row(
    group: &'static str,
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
) -> Kind {
    Kind { group, plural, singular, kind, namespaced: true, short, scales: false }
}

/// All of them; each in the version `v1`.
pub(super) const KINDS: &[Kind] = &[
    Kind { namespaced: false, ..row("", "namespaces", "namespace", "Namespace", &["ns"]) },
    Kind { namespaced: false, ..row("", "nodes", "node", "Node", &["no"]) },
    row("", "pods", "pod", "Pod", &["po"]),
    row("", "events", "event", "Event", &["ev"]),
    row("", "resourcequotas", "resourcequota", "ResourceQuota", &["quota"]),
    row("", "configmaps", "configmap", "ConfigMap", &["cm"]),
    row("", "secrets", "secret", "Secret", &[]),
    row("", "services", "service", "Service", &["svc"]),
    row("", "serviceaccounts", "serviceaccount", "ServiceAccount", &["sa"]),
    Kind { scales: true, ..row("apps", "deployments", "deployment", "Deployment", &["deploy"]) },
    Kind { scales: true, ..row("apps", "statefulsets", "statefulset", "StatefulSet", &["sts"]) },
    row("apps", "daemonsets", "daemonset", "DaemonSet", &["ds"]),
    row("apps", "controllerrevisions", "controllerrevision", "ControllerRevision", &[]),
    Kind { scales: true, ..row("apps", "replicasets", "replicaset", "ReplicaSet", &["rs"]) },
];

impl Kind {
    /// `apps/v1`, `v1`.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", self.group) }
    }

    /// `deployments.apps`, `pods`: as messages name it.
    pub(super) fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Where its objects are kept: all, those of a namespace, or one.
    pub(super) fn key(&self, namespace: &str, name: &str) -> String {
        format!("{}/{}/{namespace}/{name}", self.group, self.plural)
    }
}

/// By group and plural.
pub(super) fn of(group: &str, plural: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.group == group && kind.plural == plural)
}

/// By its plural, where there is no doubt of it.
pub(super) fn named(plural: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.plural == plural).unwrap_or(&KINDS[0])
}
