//! A request: what somebody asks IAM for. Owns its form only.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use smol_str::SmolStr;

/// One concrete request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Request {
    /// `service:Action`.
    pub action: SmolStr,
    /// An ARN, or `*` for an action that is asked for on no resource.
    pub resource: SmolStr,
    /// The condition keys that it carries.
    pub context: Context,
}

/// The condition keys of a request with their values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Context(BTreeMap<SmolStr, (SmolStr, Vec<SmolStr>)>);

impl Context {
    /// Sets the values of a key. No value is the same as no key.
    pub fn set(&mut self, key: impl Into<SmolStr>, values: Vec<SmolStr>) {
        let key = key.into();
        self.0.insert(key.to_ascii_lowercase().into(), (key, values));
    }

    /// The values of a key, whatever its case; none when it is absent.
    pub fn get(&self, key: &str) -> &[SmolStr] {
        let found = self.0.get(key).or_else(|| self.0.get(key.to_ascii_lowercase().as_str()));
        found.map_or(&[], |(_, values)| values)
    }

    /// The keys as they were written, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&SmolStr, &[SmolStr])> {
        self.0.values().map(|(key, values)| (key, values.as_slice()))
    }
}

impl Serialize for Context {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
