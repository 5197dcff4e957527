//! An access review as data: what every output is written from. Owns its form; how it is found is [`super::review`]'s.

use serde::{Deserialize, Serialize};

pub use crate::plan::model::Place;

/// The format this version writes. A new minor version adds; a reader refuses another major one.
pub const FORMAT_VERSION: &str = "1.0";

/// Who gains and loses what, for a person to say yes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The format.
    pub format_version: String,
    /// What the review comes to.
    pub verdict: Verdict,
    /// The change of access as a whole; what `apply --approve` is given.
    pub fingerprint: String,
    /// The program's first file.
    pub source: String,
    /// What it is compared with: `live`, `nothing`, `revision main`.
    pub base: String,
    /// Who gains or loses, the gravest first.
    pub principals: Vec<Row>,
    /// How many principals have what they had.
    pub unchanged: usize,
    /// Limits (policies of the organization, boundaries, guards, last days of grants) that hold less, and that no row
    /// names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Equivalent>,
    /// Accepts of the program that waive nothing: their day is over, or no row is the change that they name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub idle: Vec<Equivalent>,
    /// Changes of text that change nobody's access.
    pub equivalent: Vec<Equivalent>,
    /// What the program's guards say of the access afterwards.
    pub guards: Vec<Guard>,
    /// Access that cellc does not manage, as far as it was looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmanaged: Vec<String>,
    /// The same as data, with who has which set, the gravest first; only where it was asked for, and empty where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmanaged_access: Option<Vec<Unmanaged>>,
    /// What the review does not see, each said once.
    pub not_modelled: Vec<String>,
    /// How it was decided.
    pub evidence: Evidence,
}

/// Somebody has a permission set that cellc does not own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmanaged {
    /// Its address, or what it is called where the program does not have it.
    pub principal: String,
    /// The set's name.
    pub permission_set: String,
    /// Addresses of cells and accounts, or what they are called.
    pub accounts: Vec<String>,
    /// The gravest of what the set allows.
    pub severity: Severity,
    /// The class of that, such as `privilege escalation`; `nothing` where it allows nothing.
    pub class: String,
    /// Actions that put it into the class, where they are not all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// How far it is proven.
    pub proof: Proof,
    /// Policies of the set whose documents are not known: it may be graver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// What a review comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nobody gains or loses, or all of it is waived.
    None,
    /// Somebody has to look.
    Review,
    /// A guard of the program is broken.
    Broken,
}

/// What one principal gains and loses, the same in each of its cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its address: `group.developers`.
    pub principal: String,
    /// Its name.
    pub name: String,
    /// Addresses of the cells and accounts, production first.
    pub cells: Vec<String>,
    /// Those of `cells` that are of kind `prod`.
    pub production: usize,
    /// Is it all the cells and accounts in which the principal has anything, before or after?
    pub everywhere: bool,
    /// The gravest of its gains; of its losses where there is no gain.
    pub severity: Severity,
    /// What it gains, the gravest first.
    pub gained: Vec<Delta>,
    /// What it loses.
    pub lost: Vec<Delta>,
    /// Names of permission sets that are given anew, or taken away, there.
    pub sets: SetChange,
    /// Where the program grants what is new.
    pub grants: Vec<Place>,
    /// This row alone.
    pub fingerprint: String,
    /// The `accept` that waives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
}

/// Permission sets given and taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SetChange {
    /// Given.
    pub given: Vec<String>,
    /// Taken away.
    pub taken: Vec<String>,
}

/// An `accept` of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    /// Its label.
    pub label: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day it holds.
    pub expires: String,
    /// Where it stands.
    pub place: Place,
}

/// A region of requests whose answer changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// Actions, as `service:Action`; `service:*` for all of a service, known and yet to come, and `*` for all.
    pub actions: Vec<String>,
    /// Patterns by which actions belong to it that AWS may add.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub future: Vec<String>,
    /// Patterns of resources.
    pub resources: Vec<String>,
    /// Under which condition, each alternative as one sentence; none is no condition.
    pub conditions: Vec<String>,
    /// How the values allowed of single keys change: the key, before, after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<KeyChange>,
    /// A request whose answer changes.
    pub witness: Option<Witness>,
    /// What it comes to.
    pub risk: Risk,
    /// How far it is proven.
    pub proof: Proof,
    /// Why it is not decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// The statements that decide.
    pub sources: Vec<Statement>,
    /// Of a loss: for how long sessions that are open outlive it, as ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// How the values of a condition key change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// The key.
    pub key: String,
    /// What was allowed.
    pub before: String,
    /// What is allowed.
    pub after: String,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// `service:Action`.
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
    /// The condition keys it carries.
    pub context: std::collections::BTreeMap<String, Vec<String>>,
    /// The answer before: `allow`, `deny`, `may`.
    pub before: String,
    /// The answer after.
    pub after: String,
}

/// What a gain comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// The class, such as `privilege escalation`.
    pub class: String,
    /// How urgent it is.
    pub severity: Severity,
    /// The actions that put it into the class, where they are not all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// Ways to more power that are complete now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Path>,
}

/// A known way to more power.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Path {
    /// Its id: `lambda-001`.
    pub id: String,
    /// What it does.
    pub name: String,
    /// The actions that arrive now.
    pub arrived: Vec<String>,
    /// The actions that were there.
    pub there: Vec<String>,
    /// The condition keys that bound one of its actions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounded_by: Vec<String>,
}

/// How urgent it is to look, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It must not pass unseen.
    Critical,
    /// Somebody responsible looks at it.
    High,
    /// Worth a look.
    Medium,
    /// For completeness.
    Low,
}

impl Severity {
    /// `CRITICAL`, `HIGH`, `MEDIUM`, `LOW`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }
}

/// How far something is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// For every request of the region.
    Proven,
    /// It depends on what is not known.
    May,
}

/// A statement that decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Statement {
    /// `allow` or `deny`.
    pub effect: String,
    /// The policy: an address of the program, an ARN.
    pub policy: String,
    /// Its `Sid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Before the change or after it.
    pub side: Time,
    /// Where it is written: in the program, or in a pinned document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Is `place` in the files of the former revision, because it is not there any more?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub former: bool,
}

/// Before the change or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Time {
    /// Before.
    Before,
    /// After.
    After,
}

/// A set, policy or guard of which something is so that is no row's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Equivalent {
    /// The set or policy.
    pub address: String,
    /// What is said of it.
    pub text: String,
}

/// What a guard says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// Its address.
    pub guard: String,
    /// Whether it holds.
    pub holds: Holds,
    /// Over how much.
    pub over: Over,
    /// Who breaks it, and how; the first ones.
    pub broken: Vec<Breach>,
    /// How many break it in all: pairs of a principal and a cell.
    pub breaches: usize,
    /// Why it is not decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

/// Whether a guard holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// It is proven.
    Proven,
    /// It depends on what is not known.
    May,
    /// It is broken.
    Broken,
}

/// Over how much a guard was decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    /// Groups and users.
    pub principals: usize,
    /// Cells.
    pub cells: usize,
    /// Distinct accesses.
    pub cases: usize,
}

/// Who breaks a guard, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breach {
    /// The principal's address.
    pub principal: String,
    /// The cells where it does.
    pub cells: Vec<String>,
    /// The label of what is forbidden.
    pub forbid: String,
    /// What is allowed of it.
    pub allowed: Delta,
}

/// How a review was decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Questions that were decided.
    pub queries: u64,
    /// Regions whose answer is proven, and those that `may`.
    pub proven: usize,
    /// See [`Self::proven`].
    pub may: usize,
    /// Distinct accesses.
    pub cases: usize,
    /// The day that the list of actions describes.
    pub actions_of: String,
}
