//! ECR's part of the state, as data.

use crate::input::Millis;
use crate::state::Tags;
use crate::table::Table;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Repositories of all accounts and regions.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Images {
    /// (`account/region`, name).
    pub(crate) repositories: Table<(String, String), Repository>,
}

/// A repository of images.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Repository {
    pub(crate) created: Millis,
    pub(crate) policy: Option<String>,
    /// May a tag be given to another image?
    pub(crate) immutable: bool,
    pub(crate) tags: Tags,
    /// By digest.
    pub(crate) images: BTreeMap<String, Image>,
}

/// An image.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) manifest: String,
    pub(crate) media: Option<String>,
    pub(crate) pushed: Millis,
    pub(crate) tags: Vec<String>,
}
