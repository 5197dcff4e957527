//! What a release brings to each cell, word for word. A dossier never changes once it is written, and is named by the digest
//! of its bytes: what was reviewed is what is deployed, today and when a cell goes back to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::digest::sha256;
use crate::plan::model::Fields;
use crate::provider::Tags;
use crate::rollout::Course;

use super::wishes::Release;

/// The format this version writes. A reader takes any minor version of the same major one.
pub const FORMAT_VERSION: &str = "1.0";

/// A release of something, as it comes to its cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dossier {
    /// The format.
    pub format_version: String,
    /// What is released: `component.api`, or a permission set.
    pub of: String,
    /// Its version, as people say it: `v1.4.2`.
    pub version: String,
    /// What the version is, by digest: `commit` of its repository, `artifact` of its image or archive.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digests: BTreeMap<String, String>,
    /// The image by digest, for what takes one; empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// Templates of the repository at that version: the digest of the text of each path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: BTreeMap<String, String>,
    /// The waves, and the rules between them.
    pub course: Course,
    /// What each cell gets, by address.
    pub cells: BTreeMap<String, Cell>,
    /// Long texts that cells have in common, by digest: templates, forms of permission sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
}

/// A cell of a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// What it gets.
    pub spec: Spec,
    /// The alarms that are watched there, by the address of the alarm: the name in the cloud.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alarms: BTreeMap<String, String>,
}

/// What a cell gets, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The account's id; empty on another cloud than AWS.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// The region.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// What takes it.
    pub target: Target,
}

/// What takes a release in a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Target {
    /// A stack of CloudFormation.
    Cloudformation {
        /// Its name.
        stack: String,
        /// The template, by digest.
        template: String,
        /// Every parameter by name.
        parameters: BTreeMap<String, String>,
        /// Every tag.
        tags: Tags,
        /// What the template may do beside the ordinary.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        capabilities: Vec<String>,
    },
    /// A workload of Kubernetes.
    Kubernetes {
        /// The cluster: a context of the kubeconfig; empty for the current one.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        cluster: String,
        /// The namespace.
        namespace: String,
        /// `deployment/api`.
        workload: String,
        /// The container that gets the image; empty where there is one only.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        container: String,
        /// The image by digest or tag; empty when it stays.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        image: String,
        /// Parameters by name.
        parameters: BTreeMap<String, String>,
    },
    /// A make target of the component's repository.
    Make {
        /// The repository.
        repo: String,
        /// The target.
        target: String,
        /// Variables of the environment, by name.
        variables: BTreeMap<String, String>,
        /// The cell's record.
        document: Json,
    },
    /// The role of a permission set in an account.
    Set {
        /// The set's ARN.
        set: String,
        /// Its form, by digest: what its text says.
        form: String,
    },
}

impl Spec {
    /// Where it is, in words: two releases in the same place are one thing in the cloud.
    pub fn place(&self) -> String {
        let what = match &self.target {
            Target::Cloudformation { stack, .. } => format!("the stack {stack}"),
            Target::Kubernetes { cluster, namespace, workload, .. } => {
                let cluster = if cluster.is_empty() { String::new() } else { format!(" of {cluster}") };
                let namespace = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
                format!("{workload}{namespace}{cluster}")
            }
            // What a target makes, and where, it knows alone.
            Target::Make { .. } => return "what make made".to_owned(),
            Target::Set { .. } => "the role".to_owned(),
        };
        let of = |word: &str, value: &str| if value.is_empty() { String::new() } else { format!("{word}{value}") };
        format!("{what}{}{}", of(" in account ", &self.account), of(", ", &self.region))
    }
}

impl Target {
    /// Is it a stack, which can be deleted?
    pub fn is_a_stack(&self) -> bool {
        matches!(self, Self::Cloudformation { .. })
    }

    /// Its sort, as programs write it.
    pub fn sort(&self) -> &'static str {
        match self {
            Self::Cloudformation { .. } => "cloudformation",
            Self::Kubernetes { .. } => "kubernetes",
            Self::Make { .. } => "make",
            Self::Set { .. } => "permission_set",
        }
    }
}

/// Why a dossier cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not what its name says.
    #[error("its bytes are not those that its name is the digest of")]
    Changed,
    /// It has not the form of one.
    #[error("{0}")]
    Malformed(String),
}

impl Dossier {
    /// The bytes that are kept, and their digest, which is its name.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn sealed(&self) -> Result<(String, Vec<u8>), Unreadable> {
        let bytes = serde_json::to_vec(self).map_err(|error| Unreadable::Malformed(error.to_string()))?;
        Ok((sha256(&bytes), bytes))
    }

    /// Reads the one of this name.
    ///
    /// # Errors
    /// When it is another one, or none.
    pub fn open(name: &str, bytes: &[u8]) -> Result<Self, Unreadable> {
        if sha256(bytes) != name {
            return Err(Unreadable::Changed);
        }
        serde_json::from_slice(bytes).map_err(|error| Unreadable::Malformed(error.to_string()))
    }

    /// Is it of a permission set?
    pub fn is_of_a_set(&self) -> bool {
        self.cells.values().any(|what| matches!(what.spec.target, Target::Set { .. }))
    }

    /// The permission set that it is of, and the form that it brings.
    pub fn set(&self) -> Option<(&str, Fields)> {
        let (set, named) = self.cells.values().find_map(|what| match &what.spec.target {
            Target::Set { set, form } => Some((set, form)),
            _ => None,
        })?;
        Some((set, serde_json::from_str(self.text(named)?).ok()?))
    }

    /// What an account gets that goes back to this form of a set, which was kept without it; `now` is what it has.
    pub fn form_for(&self, now: &Cell) -> Option<Cell> {
        let form = self.cells.values().find_map(|what| match &what.spec.target {
            Target::Set { form, .. } => Some(form.clone()),
            _ => None,
        })?;
        let Target::Set { set, .. } = &now.spec.target else { return None };
        let spec = Spec { target: Target::Set { set: set.clone(), form }, ..now.spec.clone() };
        Some(Cell { spec, alarms: now.alarms.clone() })
    }

    /// The accounts of a permission set that are in no wave.
    pub fn in_no_wave(&self) -> impl Iterator<Item = &String> {
        let waves = self.course.wave_of();
        let sets = self.cells.iter().filter(|(_, what)| matches!(what.spec.target, Target::Set { .. }));
        let sets: Vec<&String> = sets.map(|(cell, _)| cell).filter(|cell| !waves.contains_key(*cell)).collect();
        sets.into_iter()
    }

    /// A text by its digest.
    pub fn text(&self, digest: &str) -> Option<&str> {
        self.texts.get(digest).map(String::as_str)
    }

    /// The release as it was asked for.
    pub fn release(&self) -> Release {
        let text = |(path, digest): (&String, &String)| Some((path.clone(), self.text(digest)?.to_owned()));
        Release {
            version: self.version.clone(),
            digests: self.digests.clone(),
            templates: self.templates.iter().filter_map(text).collect(),
            image: self.image.clone(),
        }
    }

    /// Takes a text in; its digest.
    pub fn keep(&mut self, text: &str) -> String {
        let name = sha256(text);
        self.texts.entry(name.clone()).or_insert_with(|| text.to_owned());
        name
    }
}

/// The address of what is released in a cell: `deployment.api/cell.alpha`.
pub fn address(of: &str, cell: &str) -> String {
    format!("deployment.{}/{cell}", of.strip_prefix("component.").unwrap_or(of))
}
