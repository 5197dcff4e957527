//! Known ways by which a principal makes itself more powerful than its policies say. Owns the list and its form; it
//! is read from `data/paths.json`, after DataDog's pathfinding.cloud.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// The list, dated.
#[derive(Debug, Deserialize)]
pub struct Paths {
    /// Where it is from.
    pub source: SmolStr,
    /// Under which licence.
    pub licence: SmolStr,
    /// The day it was read.
    pub date: SmolStr,
    /// The newest revision of the source that was read.
    pub revision: SmolStr,
    /// By action, for those that act on several types of resource: the types of which one has to be reached for the
    /// action to be a piece of a way. A bucket sends no command, though `ssm:SendCommand` writes to it.
    pub on: BTreeMap<SmolStr, Vec<SmolStr>>,
    /// The paths, by id.
    pub paths: Vec<Path>,
}

/// One way.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// As pathfinding.cloud names it: `lambda-001`.
    pub id: SmolStr,
    /// In which manner.
    pub kind: Kind,
    /// The actions that it needs, all of them.
    pub needs: Vec<SmolStr>,
    /// For a path that passes a role: the services, one of which the role is passed to (`iam:PassedToService`).
    #[serde(default)]
    pub to: Vec<SmolStr>,
    /// Whether it is a way up only where its action reaches resources that are not named one by one: many may assume
    /// one role, and that is how they are meant to work.
    #[serde(default)]
    pub wide: bool,
}

/// The manner of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It changes its own permissions.
    SelfEscalation,
    /// It becomes another principal.
    PrincipalAccess,
    /// It makes or takes credentials of another.
    CredentialAccess,
    /// It passes a role to something it creates.
    NewPassrole,
    /// It takes over something that already has a role.
    ExistingPassrole,
}

impl Kind {
    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::SelfEscalation => "changes its own permissions",
            Self::PrincipalAccess => "becomes another principal",
            Self::CredentialAccess => "takes credentials of another",
            Self::NewPassrole => "passes a role to something it creates",
            Self::ExistingPassrole => "takes over something that has a role",
        }
    }
}

/// The list, read on the first call and kept.
///
/// # Errors
/// When the shipped file cannot be read, which a test rules out.
pub fn known() -> Result<&'static Paths, &'static serde_json::Error> {
    static KNOWN: OnceLock<Result<Paths, serde_json::Error>> = OnceLock::new();
    KNOWN.get_or_init(|| serde_json::from_str(include_str!("../../data/paths.json"))).as_ref()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]
mod tests {
    use super::*;

    #[test]
    fn every_path_needs_actions_that_exist() {
        let (paths, actions) = (known().unwrap(), crate::data::all().unwrap());
        assert_eq!(paths.paths.len(), 90);
        assert!(paths.paths.is_sorted_by(|a, b| a.id < b.id));
        for (action, types) in &paths.on {
            let (service, known) = actions.action(action).unwrap();
            let listed: Vec<_> = known.resources.iter().map(|at| &service.resources[usize::from(*at)].name).collect();
            assert!(types.iter().all(|name| listed.contains(&name)), "{action}: {types:?} of {listed:?}");
            assert!(paths.paths.iter().any(|path| path.needs.contains(action)), "{action}");
        }
        for path in &paths.paths {
            assert!(!path.needs.is_empty(), "{}", path.id);
            for need in &path.needs {
                assert!(actions.action(need).is_some(), "{}: {need}", path.id);
            }
            assert_eq!(path.needs.iter().any(|need| need == "iam:PassRole"), !path.to.is_empty(), "{}", path.id);
        }
    }
}
