//! What the cloud says: the third of the three ways, read by the fewest calls.
//!
//! Owns what is read, in which order, and how many calls that takes (spec/reading.md); the cloud itself is behind
//! [`Provider`]. Changes nothing.

pub(crate) mod assignments;
mod center;
mod confirmed;
pub(crate) mod foreign;
pub(crate) mod organization;
pub(crate) mod parallel;
pub mod recorded;
pub(crate) mod relied;
mod repositories;
mod settle;
mod stacks;
mod survey;
#[cfg(test)]
mod tests;

pub use survey::Survey;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::plan::desired::Desired;
use crate::plan::scope::Scope;
use crate::provider::{
    Account, Boundary, Center, Clock, CloudError, Creation, CustomerPolicy, Given, Organization, Policy, Principal,
    Provider, SetFields, Tags, Unit,
};
use crate::registry::record::Record;
use crate::repositories::Found;
use crate::stacks::{Stack, StackPlace};

/// What was read.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// The organization; none when nothing of it was asked for.
    pub organization: Option<Organization>,
    /// The instance of Identity Center; none when nothing of it was asked for, or there is none.
    pub center: Option<Center>,
    /// Units, by id.
    pub units: BTreeMap<String, Unit>,
    /// Accounts, by id; those that are closed too.
    pub accounts: BTreeMap<String, Account>,
    /// Service control policies, by id; their content where they are in question.
    pub policies: BTreeMap<String, Policy>,
    /// Where the policies in question are attached: policy and target, by id.
    pub attached: BTreeSet<(String, String)>,
    /// The policies of each target in question, AWS's own and foreign ones too.
    pub policies_of: BTreeMap<String, Vec<String>>,
    /// Permission sets, by ARN.
    pub sets: BTreeMap<String, LiveSet>,
    /// Assignments of the sets in question.
    pub given: BTreeSet<Given>,
    /// Assignments of sets that cellc does not own, as far as they were seen.
    pub unmanaged: BTreeSet<Given>,
    /// Tags of the units, accounts and policies in question, by id.
    pub tags: BTreeMap<String, Tags>,
    /// The groups and users of the program, by address; none where there is none of the name.
    pub principals: BTreeMap<String, Option<String>>,
    /// The groups of the program that its users are in, by address; none where that could not be read.
    pub memberships: Option<crate::plan::model::Memberships>,
    /// Names of principals that are not in the program.
    pub names: BTreeMap<Principal, String>,
    /// Names of groups and users of the identity store: read only when one of the program is missing.
    pub candidates: Vec<String>,
    /// Creations of accounts that the record has as pending, by address.
    pub creations: BTreeMap<String, Creation>,
    /// Policies of the repositories in question, by account and name; none where that could not be read.
    pub repositories: BTreeMap<(String, String), Found>,
    /// How assignments were read.
    pub reading: Reading,
    /// Stacks of the program and the record, by place; those of accounts that do not exist yet were not looked for.
    pub stacks: BTreeMap<StackPlace, LiveStack>,
    /// When it was read; none where the record took its place.
    pub read_at: Option<Timestamp>,
    /// Were accounts entered by the role that only looks?
    pub by_reader: bool,
    /// What the server could not answer, for people.
    pub unanswered: BTreeSet<String>,
    /// What was not looked for since it would take many requests, for a note.
    pub unlooked: BTreeSet<String>,
}

impl Live {
    /// Is there a unit, an account or a policy of this id?
    fn has(&self, id: &str) -> bool {
        self.units.contains_key(id) || self.accounts.contains_key(id) || self.policies.contains_key(id)
    }
}

/// How assignments were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reading {
    /// Not at all: there is no set in question.
    #[default]
    Nothing,
    /// For each pair of an account and a set that it has: every assignment of the sets was seen.
    ByPair {
        /// How many pairs.
        pairs: usize,
    },
    /// For each group and user that the program or the record knows: assignments to others were not seen.
    ByPrincipal {
        /// How many.
        principals: usize,
    },
    /// For the pairs of what `--only` selects.
    Scoped {
        /// How many pairs.
        pairs: usize,
    },
}

/// A permission set as it is.
#[derive(Debug, Clone, Default)]
pub struct LiveSet {
    /// What DescribePermissionSet says.
    pub fields: SetFields,
    /// The rest of it; none of a set that cellc does not own.
    pub detail: Option<SetDetail>,
    /// Accounts whose role does not have its newest form.
    pub stale: Vec<String>,
    /// Accounts that have it; none where that was not asked.
    pub accounts: Option<Vec<String>>,
}

/// What takes five more calls to know of a set.
#[derive(Debug, Clone, Default)]
pub struct SetDetail {
    /// The inline policy.
    pub inline: Option<String>,
    /// AWS's policies, by ARN.
    pub managed: Vec<String>,
    /// Policies that lie in each account.
    pub customer: Vec<CustomerPolicy>,
    /// The boundary.
    pub boundary: Option<Boundary>,
    /// Tags; none where the server does not say.
    pub tags: Option<Tags>,
}

/// What there is of a stack.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveStack {
    /// There is none.
    Absent,
    /// It is there.
    There {
        /// As it is.
        stack: Box<Stack>,
        /// Its template, or the digest of one that was not read.
        template: Json,
    },
    /// It could not be read, and why.
    Closed(String),
}

/// How reading is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Depth {
    /// Assignments by principal where the caller may and it is cheaper; tags only where they are in question.
    #[default]
    Plan,
    /// Everything that is owned, assignments by pair: what was changed by anyone, for anyone.
    Drift,
}

/// What is read, and how.
#[derive(Debug)]
pub struct Reader<'a> {
    /// The cloud.
    pub provider: &'a dyn Provider,
    /// What is waited by for requests that are under way.
    pub clock: &'a dyn Clock,
    /// What the program asks for.
    pub desired: &'a Desired,
    /// What was left behind.
    pub record: &'a Record,
    /// The part that is planned.
    pub scope: &'a Scope,
    /// How much is read.
    pub depth: Depth,
    /// Calls at once.
    pub lanes: usize,
}

impl Reader<'_> {
    /// Reads.
    ///
    /// # Errors
    /// The first call that failed, in the order of the questions.
    pub fn read(&self) -> Result<Live, CloudError> {
        let mut live = Live::default();
        self.settle(&mut live)?;
        self.organization(&mut live)?;
        self.repositories(&mut live)?;
        self.stacks(&mut live)?;
        self.center(&mut live)?;
        self.assignments(&mut live)?;
        self.relied_sets(&mut live)?;
        Ok(live)
    }

    /// Is the resource of this address part of what is planned?
    fn takes(&self, address: &str) -> bool {
        let sources = self.desired.resources.get(address).map(|wanted| wanted.sources.as_slice());
        self.scope.takes(address, sources.unwrap_or_default())
    }

    /// Addresses of a kind that the program or the record has and the scope takes.
    fn addresses(&self, kind: &str) -> BTreeSet<&str> {
        let wanted = self.desired.resources.iter().filter(|(_, wanted)| wanted.kind.name() == kind);
        let recorded = self.record.resources.iter().filter(|(_, entry)| entry.kind == kind);
        // What a run that was killed has begun to make may be there.
        let begun =
            self.record.pending.iter().filter(|(_, pending)| pending.kind == kind).map(|(address, _)| address);
        let all = wanted.map(|(address, _)| address).chain(recorded.map(|(address, _)| address)).chain(begun);
        all.map(String::as_str).filter(|address| self.takes(address)).collect()
    }
}
