//! How much a change of access matters. Owns the classes, their order and the words for them; whom a change is about
//! and how many cells it reaches is the caller's affair.
//!
//! [`assess`] looks at one gained region, [`escalations`] at the whole power of a principal in one account: a piece
//! that is harmless alone may complete a known way to more power.

mod breadth;
mod class;
mod paths;
mod people;
mod power;

use foldhash::HashSet;
use serde::Serialize;
use smol_str::SmolStr;

use crate::catalogue::Catalogue;
use crate::data;
use crate::data::paths::Paths;
use crate::data::sensitive::Sensitive;
use crate::region::{Need, Proof, Region};

pub use breadth::Breadth;
pub use class::class_of;
pub use paths::{Completed, escalations};
pub use power::becomes_administrator;

/// What a gain comes to, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// With it the principal may do everything.
    Administrator,
    /// It can give itself more power.
    Escalation,
    /// A guard, a boundary or a service control policy holds less.
    Weakened,
    /// It decides who may do what, or lets others in.
    Permissions,
    /// It gets credentials and secrets.
    Credentials,
    /// It reads content by the heap.
    BulkReads,
    /// It destroys.
    Destruction,
    /// It creates and changes.
    Writes,
    /// It sets tags.
    Tagging,
    /// It looks.
    Reads,
}

impl Class {
    /// Every class, the gravest first.
    pub const ALL: [Self; 10] = [
        Self::Administrator,
        Self::Escalation,
        Self::Weakened,
        Self::Permissions,
        Self::Credentials,
        Self::BulkReads,
        Self::Destruction,
        Self::Writes,
        Self::Tagging,
        Self::Reads,
    ];

    /// In a few words, for a report.
    pub fn words(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Escalation => "privilege escalation",
            Self::Weakened => "limit weakened",
            Self::Permissions => "permissions and exposure",
            Self::Credentials => "credentials",
            Self::BulkReads => "bulk data reads",
            Self::Destruction => "destructive writes",
            Self::Writes => "writes",
            Self::Tagging => "tagging",
            Self::Reads => "reads",
        }
    }
}

/// How urgent it is to look, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
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

    fn lower(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium | Self::Low => Self::Low,
        }
    }
}

/// How grave each action is, the gravest first, for witnesses ([`crate::Engine::showing`]): what gives itself power by
/// itself, other pieces of ways to more power, and the rest by class.
pub fn gravity<'a>(
    catalogue: &'a Catalogue,
    lists: &'a Sensitive,
    paths: &'a Paths,
) -> impl Fn(&str) -> u32 + Send + Sync + 'a {
    let own = |path: &&data::paths::Path| path.kind == data::paths::Kind::SelfEscalation;
    let alone: HashSet<&str> =
        paths.paths.iter().filter(own).flat_map(|path| &path.needs).map(SmolStr::as_str).collect();
    let pieces: HashSet<&str> = paths.paths.iter().flat_map(|path| &path.needs).map(SmolStr::as_str).collect();
    move |action| {
        if alone.contains(action) {
            return 0;
        }
        let class = class_of(action, Breadth::All, catalogue, lists);
        let at = Class::ALL.iter().position(|one| *one == class).unwrap_or(Class::ALL.len());
        // Of one class pieces come first, then what is on a list.
        let listed = lists.exposure.has(action) || lists.credentials.has(action) || lists.data.has(action);
        let within = if pieces.contains(action) { 0 } else { 1 + u32::from(!listed) };
        3 * at as u32 + within
    }
}

/// What holds less than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// A guard of the program, which is broken now.
    Guard,
    /// A permissions boundary.
    Boundary,
    /// A service control policy, or a resource control policy.
    Organization,
}

/// What one region comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// The gravest class of its actions.
    pub class: Class,
    /// How urgent it is.
    pub severity: Severity,
    /// The actions that put it into the class, as `service:Action`, ordered; patterns where only future ones do.
    pub because: Vec<SmolStr>,
    /// How far it reaches.
    pub reach: Reach,
    /// The ids of the escalation paths that it completes, ordered.
    pub paths: Vec<SmolStr>,
}

/// How far a region reaches in one account. How many accounts and people there are is the caller's to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// How many actions are named.
    pub actions: usize,
    /// Of how many services.
    pub services: usize,
    /// Whether actions that AWS may add belong to it.
    pub future: bool,
    /// How many resources.
    pub breadth: Breadth,
    /// Whether a condition narrows it that is not met by the principal anyway.
    pub conditioned: bool,
    /// Whether it is proven; else it may be less.
    pub proven: bool,
}

/// Keys that narrow little: what a principal is, it is in every request, and the region and the transport are chosen
/// by whoever asks. In lower case.
const NARROWS_LITTLE: [&str; 5] =
    ["aws:requestedregion", "aws:securetransport", "aws:userid", "aws:tokenissuetime", "aws:principal"];

/// What a gained region comes to by itself.
pub fn assess(region: &Region, catalogue: &Catalogue, lists: &Sensitive) -> Assessment {
    let breadth = breadth::of_region(region, catalogue);
    let conditioned = is_conditioned(region);
    let (class, because) = class::of_region(region, breadth, catalogue, lists);
    Assessment {
        class,
        severity: severity(class, breadth, conditioned),
        because,
        reach: reach(region, breadth),
        paths: Vec::new(),
    }
}

fn reach(region: &Region, breadth: Breadth) -> Reach {
    let named = region.actions.known.iter().chain(&region.actions.unlisted);
    let mut services: Vec<&str> = named.filter_map(|action| Some(action.split_once(':')?.0)).collect();
    services.sort_unstable();
    services.dedup();
    Reach {
        actions: region.actions.count(),
        services: services.len(),
        future: !region.actions.future.is_empty(),
        breadth,
        conditioned: is_conditioned(region),
        proven: region.proof == Proof::Proven,
    }
}

/// Whether every alternative of a region needs something that narrows it.
fn is_conditioned(region: &Region) -> bool {
    !region.when.is_empty() && region.when.iter().all(|needs| needs.iter().any(narrows))
}

fn narrows(need: &Need) -> bool {
    let (Need::Value { key, .. } | Need::Contains { key, .. }) = need else { return false };
    let key = key.to_ascii_lowercase();
    let little = NARROWS_LITTLE.iter().any(|little| key.starts_with(little));
    let excluded = matches!(need, Need::Value { values, .. } if values.absent);
    !little && !excluded
}

/// The table of severities: a class, and how far it reaches. A condition lowers it by one step, except where
/// everything may be done.
fn severity(class: Class, breadth: Breadth, conditioned: bool) -> Severity {
    let wide = breadth <= Breadth::Many;
    let severity = match class {
        Class::Administrator => return Severity::Critical,
        Class::Escalation => Severity::Critical,
        Class::Weakened => Severity::High,
        Class::Permissions | Class::Credentials | Class::BulkReads | Class::Destruction if wide => Severity::High,
        Class::Permissions | Class::Credentials | Class::BulkReads | Class::Destruction => Severity::Medium,
        Class::Writes | Class::Tagging if wide => Severity::Medium,
        Class::Reads if breadth == Breadth::All => Severity::Medium,
        Class::Writes | Class::Tagging | Class::Reads => Severity::Low,
    };
    if conditioned { severity.lower() } else { severity }
}

impl Assessment {
    /// The same when a limit let it through that held before: at least that grave. A broken guard is critical.
    #[must_use]
    pub fn weakened(mut self, limit: Limit) -> Self {
        let severity = if limit == Limit::Guard { Severity::Critical } else { Severity::High };
        self.class = self.class.min(Class::Weakened);
        self.severity = self.severity.min(severity);
        self
    }

    /// The same when with it the principal may do everything.
    #[must_use]
    pub fn administrator(mut self) -> Self {
        self.class = Class::Administrator;
        self.severity = Severity::Critical;
        self.because = vec!["*".into()];
        self
    }

    /// The same when it brings a piece of ways to more power.
    #[must_use]
    pub fn escalates(mut self, completed: &[Completed]) -> Self {
        let Some(gravest) = completed.iter().map(Completed::severity).min() else { return self };
        if self.class > Class::Escalation {
            self.class = Class::Escalation;
            self.because = completed.iter().flat_map(|path| path.arrived.iter().cloned()).collect();
            self.because.sort();
            self.because.dedup();
        }
        self.severity = self.severity.min(gravest);
        self.paths = completed.iter().map(|path| path.id.clone()).collect();
        self.paths.sort();
        self
    }
}

/// What a lost region comes to: nothing that a security review has to stop, and its class for the report.
pub fn assess_loss(region: &Region, catalogue: &Catalogue, lists: &Sensitive) -> Assessment {
    Assessment { severity: Severity::Low, ..assess(region, catalogue, lists) }
}

#[cfg(test)]
mod tests;
