//! What can be set about clusters.

use serde::{Deserialize, Serialize};

/// The settings of all clusters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clusters {
    /// How many nodes each has.
    pub nodes: usize,
    /// Images that cannot be pulled: those that have one of these in their names.
    pub missing_images: Vec<String>,
    /// Images whose programs end at once: those that have one of these in their names.
    pub crashing_images: Vec<String>,
}

impl Default for Clusters {
    fn default() -> Self {
        Self { nodes: 3, missing_images: Vec::new(), crashing_images: Vec::new() }
    }
}
