//! What is done of a bootstrap: which component at which commit ended well. Owns the form of the notes and what follows
//! from them; where they lie, and that they are kept before the next component begins, is said by whoever runs it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

/// The format this version writes. A reader takes any minor version of the same major one.
const FORMAT_VERSION: &str = "1.0";

/// The notes of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// The format.
    pub format_version: String,
    /// The cell's address.
    pub cell: String,
    /// Did the last bootstrap end well? Until it does, what is done stays at its commit, and what was asked for is asked
    /// for again.
    pub finished: bool,
    /// By the component's address.
    pub components: BTreeMap<String, Stand>,
}

/// Where a component stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    /// The version that was asked for; none when it is the repository's own branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// What it is called: a branch, a tag, a commit.
    pub version: String,
    /// What it was resolved to.
    pub commit: String,
    /// How its target last ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
}

/// A target that ended well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Of what the target was and what it was told: with another it is to be run again.
    pub digest: String,
    /// When.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// Why notes cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// They are no notes.
    #[error("they cannot be read: {0}")]
    Broken(String),
    /// Another version wrote them.
    #[error("they are of format {0}, which this version does not know")]
    Later(String),
}

impl Notes {
    /// Of a cell where nothing was done yet.
    pub fn new(cell: &str) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            cell: cell.to_owned(),
            finished: true,
            components: BTreeMap::new(),
        }
    }

    /// Reads them.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unusable> {
        let value: Json = serde_json::from_slice(bytes).map_err(|error| Unusable::Broken(error.to_string()))?;
        let version = value.get("format_version").and_then(Json::as_str).unwrap_or_default();
        if version.split('.').next() != FORMAT_VERSION.split('.').next() {
            return Err(Unusable::Later(version.to_owned()));
        }
        serde_json::from_value(value).map_err(|error| Unusable::Broken(error.to_string()))
    }

    /// Writes them.
    pub fn text(&self) -> String {
        // Notes have no way to fail as JSON.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Where a component stands in an unfinished bootstrap, which the next run goes on with.
    pub fn begun(&self, component: &str) -> Option<&Stand> {
        self.components.get(component).filter(|_| !self.finished)
    }

    /// Begins with this version of a component; what was done of it stays known.
    pub fn begin(&mut self, component: &str, asked: Option<&str>, version: &str, commit: &str) {
        let done = self.components.remove(component).and_then(|stand| stand.done);
        let (asked, version, commit) = (asked.map(str::to_owned), version.to_owned(), commit.to_owned());
        let stand = Stand { asked, version, commit, done };
        self.components.insert(component.to_owned(), stand);
    }

    /// Did the component end well with all that this digest is of?
    pub fn is_done(&self, component: &str, digest: &str) -> bool {
        let done = self.components.get(component).and_then(|stand| stand.done.as_ref());
        done.is_some_and(|done| done.digest == digest)
    }

    /// The component is begun anew: what it was before counts no more, whatever comes of this.
    pub fn started(&mut self, component: &str) {
        if let Some(stand) = self.components.get_mut(component) {
            stand.done = None;
        }
    }

    /// The component ended well.
    pub fn ended(&mut self, component: &str, done: Done) {
        if let Some(stand) = self.components.get_mut(component) {
            stand.done = Some(done);
        }
    }
}

/// The digest of a target and what it is told.
pub fn digest(repo: &str, target: &str, document: &Json) -> String {
    let of = serde_json::json!([repo, target, document]).to_string();
    format!("sha256:{}", STANDARD_NO_PAD.encode(Sha256::digest(of.as_bytes())))
}
