//! Actions that matter more than AWS's access level says. Owns the four lists and their form; they are read from
//! `data/sensitive.json`, where each names its source.

use std::sync::OnceLock;

use foldhash::HashSet;
use indexmap::IndexMap;
use serde::Deserialize;
use smol_str::{SmolStr, format_smolstr};

/// The lists, dated.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sensitive {
    /// The day they were last gone through.
    pub date: SmolStr,
    /// What answers with a credential or a secret, makes one, or unlocks what is encrypted.
    pub credentials: List,
    /// What lets others in or takes a limit away.
    pub exposure: List,
    /// What reads content, or copies it to where it can be read.
    pub data: List,
    /// What destroys under a name that does not say so.
    pub destructive: List,
}

/// One list.
#[derive(Debug, Deserialize)]
#[serde(from = "Written")]
pub struct List {
    /// What is on it, in a sentence.
    pub means: String,
    /// Where it is from.
    pub source: String,
    /// The actions as AWS writes them: `s3:GetObject`, in order.
    pub actions: Vec<SmolStr>,
    lower: HashSet<SmolStr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    means: String,
    source: String,
    actions: IndexMap<SmolStr, Vec<SmolStr>>,
}

impl From<Written> for List {
    fn from(written: Written) -> Self {
        let of = |(service, names): (SmolStr, Vec<SmolStr>)| {
            names.into_iter().map(move |name| format_smolstr!("{service}:{name}"))
        };
        let actions: Vec<SmolStr> = written.actions.into_iter().flat_map(of).collect();
        let lower = actions.iter().map(|action| action.to_ascii_lowercase().into()).collect();
        Self { means: written.means, source: written.source, actions, lower }
    }
}

impl List {
    /// Whether `service:Name` is on it, whatever its case.
    pub fn has(&self, action: &str) -> bool {
        self.lower.contains(action.to_ascii_lowercase().as_str())
    }
}

/// The lists, read on the first call and kept.
///
/// # Errors
/// When the shipped file cannot be read, which a test rules out.
pub fn known() -> Result<&'static Sensitive, &'static serde_json::Error> {
    static KNOWN: OnceLock<Result<Sensitive, serde_json::Error>> = OnceLock::new();
    KNOWN.get_or_init(|| serde_json::from_str(include_str!("../../data/sensitive.json"))).as_ref()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]
mod tests {
    use super::*;

    #[test]
    fn every_action_on_a_list_exists() {
        let (lists, actions) = (known().unwrap(), crate::data::all().unwrap());
        for list in [&lists.credentials, &lists.exposure, &lists.data, &lists.destructive] {
            assert!(list.actions.len() > 40, "{}", list.means);
            for action in &list.actions {
                assert!(actions.action(action).is_some(), "{action}");
            }
        }
        assert!(lists.credentials.has("STS:assumeRole") && !lists.credentials.has("s3:GetObject"));
    }
}
