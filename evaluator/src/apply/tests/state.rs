//! What the cloud in memory holds, and what goes on in it after a call was answered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::cloud::ROOT_ID;
use super::formation::Formation;
use crate::live::SetDetail;
use crate::provider::{
    Account, AccountState, Creation, Given, Known, Policy, Principal, PrincipalKind, SetFields, State as Goes, Tags,
    Unit,
};

/// How long an assignment or a provisioning takes.
const ASSIGNING: SignedDuration = SignedDuration::from_millis(900);
/// How long an account takes.
const CREATING: SignedDuration = SignedDuration::from_secs(3);

/// How long a closing takes.
const CLOSING: SignedDuration = SignedDuration::from_secs(20);

/// A permission set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Set {
    pub(crate) fields: SetFields,
    pub(crate) detail: SetDetail,
    pub(crate) revision: u64,
}

/// The role of a set in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) name: u64,
    pub(crate) revision: u64,
    /// What it allows.
    pub(crate) inline: Option<String>,
}

/// An account in the making.
#[derive(Debug, Clone)]
pub(crate) struct Making {
    pub(crate) creation: Creation,
    pub(crate) email: String,
    pub(crate) tags: Tags,
    pub(crate) due: Timestamp,
    pub(crate) fails: bool,
}

/// What goes on in Identity Center.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) what: Goes,
    pub(crate) given: Option<Given>,
    pub(crate) set: String,
    /// The account that is provisioned; none for all.
    pub(crate) account: Option<String>,
    pub(crate) begun: Timestamp,
    pub(crate) due: Timestamp,
    pub(crate) known: Known,
    pub(crate) reason: Option<String>,
    fails: bool,
}

/// What the cloud holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) enabled: bool,
    pub(crate) units: BTreeMap<String, Unit>,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) makings: BTreeMap<String, Making>,
    /// Accounts that are being closed: until when, and whether it fails.
    pub(crate) closings: BTreeMap<String, (Timestamp, bool)>,
    pub(crate) policies: BTreeMap<String, Policy>,
    pub(crate) attached: BTreeSet<(String, String)>,
    pub(crate) tags: BTreeMap<String, Tags>,
    /// From which AWS's own policy is detached.
    pub(crate) lists: BTreeSet<String>,
    pub(crate) sets: BTreeMap<String, Set>,
    pub(crate) given: BTreeMap<(String, String), BTreeSet<Principal>>,
    pub(crate) held: BTreeMap<Principal, BTreeSet<(String, String)>>,
    pub(crate) roles: BTreeMap<(String, String), Role>,
    pub(crate) people: BTreeMap<(PrincipalKind, String), String>,
    pub(crate) jobs: BTreeMap<String, Job>,
    /// Policies of repositories, by account and name. Every repository is there.
    pub(crate) repositories: BTreeMap<(String, String), String>,
    pub(crate) formation: Formation,
    /// How long an account takes, if not as long as ever.
    pub(crate) slow: Option<SignedDuration>,
    /// How long lists of assignments do not show what a request did that has ended well.
    pub(crate) spread: Option<SignedDuration>,
    pub(crate) now: Timestamp,
    pub(crate) next: u64,
}

impl State {
    /// A number that nothing else has.
    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Gives a set, with its role where it is the first to have it there.
    pub(crate) fn give(&mut self, given: &Given) {
        let pair = (given.account.clone(), given.set.clone());
        if !self.roles.contains_key(&pair) {
            let name = self.number();
            let (revision, inline) = self.form(&given.set);
            self.roles.insert(pair.clone(), Role { name, revision, inline });
        }
        self.held.entry(given.principal.clone()).or_default().insert(pair.clone());
        self.given.entry(pair).or_default().insert(given.principal.clone());
    }

    /// What a list shows of those that are there: it is behind by [`Self::spread`].
    pub(crate) fn shown(&self, there: BTreeSet<Given>, of: &dyn Fn(&Given) -> bool) -> BTreeSet<Given> {
        let mut shown = there;
        let Some(spread) = self.spread else { return shown };
        let is_new = |job: &&Job| job.known == Known::Succeeded && job.due + spread > self.now;
        let mut new: Vec<&Job> = self.jobs.values().filter(is_new).collect();
        new.sort_by_key(|job| std::cmp::Reverse(job.due));
        for job in new {
            match (job.what, job.given.as_ref().filter(|given| of(given))) {
                (Goes::Assigning, Some(given)) => _ = shown.remove(given),
                (Goes::Unassigning, Some(given)) => _ = shown.insert(given.clone()),
                _ => {}
            }
        }
        shown
    }

    /// What a role of a set that is provisioned now gets.
    fn form(&self, set: &str) -> (u64, Option<String>) {
        self.sets.get(set).map_or((0, None), |set| (set.revision, set.detail.inline.clone()))
    }

    /// Takes a set away, with its role where nobody has it there any more.
    pub(crate) fn take(&mut self, given: &Given) {
        let pair = (given.account.clone(), given.set.clone());
        if let Some(held) = self.held.get_mut(&given.principal) {
            held.remove(&pair);
        }
        let left = self.given.get_mut(&pair).map_or(0, |all| {
            all.remove(&given.principal);
            all.len()
        });
        if left == 0 {
            self.given.remove(&pair);
            self.roles.remove(&pair);
        }
    }

    /// Everything that is given.
    pub(crate) fn all_given(&self) -> BTreeSet<Given> {
        let of = |((account, set), all): (&(String, String), &BTreeSet<Principal>)| {
            let one = |principal: &Principal| Given {
                set: set.clone(),
                principal: principal.clone(),
                account: account.clone(),
            };
            all.iter().map(one).collect::<Vec<_>>()
        };
        self.given.iter().flat_map(of).collect()
    }

    /// Accounts whose role of a set is of an older form.
    pub(crate) fn stale(&self, set: &str) -> Vec<String> {
        let newest = self.sets.get(set).map_or(0, |set| set.revision);
        let old = self.roles.iter().filter(|((_, of), role)| of == set && role.revision != newest);
        old.map(|((account, _), _)| account.clone()).collect()
    }

    /// The ARN of the set of this name.
    pub(crate) fn arn(&self, name: &str) -> Option<String> {
        self.sets.iter().find(|(_, set)| set.fields.name == name).map(|(arn, _)| arn.clone())
    }

    /// The account of this e-mail.
    pub(crate) fn account(&self, email: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.email == email)
    }

    /// The unit of this name.
    pub(crate) fn unit(&self, name: &str) -> Option<&Unit> {
        self.units.values().find(|unit| unit.name == name)
    }

    /// The policy of this name.
    pub(crate) fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies.values().find(|policy| policy.name == name)
    }

    /// A group by its name.
    pub(crate) fn group(&self, name: &str) -> Principal {
        let id = self.people.get(&(PrincipalKind::Group, name.to_owned())).cloned().unwrap_or_default();
        Principal { kind: PrincipalKind::Group, id }
    }

    /// Does an account, or a making that did not fail, have the e-mail?
    fn taken(&self, email: &str) -> bool {
        self.accounts.values().any(|account| account.email.eq_ignore_ascii_case(email))
    }

    /// Lets what is due come to its end.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        self.now = now;
        let due: Vec<String> =
            self.jobs.iter().filter(|(_, job)| job.known == Known::InProgress && job.due <= now).map(first).collect();
        for id in due {
            let Some(mut job) = self.jobs.remove(&id) else { continue };
            self.end(&mut job);
            self.jobs.insert(id, job);
        }
        self.formation.settle(now);
        self.settle_closings(now);
        let is_due = |making: &Making| making.creation.known == Known::InProgress && making.due <= now;
        let due: Vec<String> = self.makings.iter().filter(|(_, making)| is_due(making)).map(first).collect();
        for id in due {
            let Some(mut making) = self.makings.remove(&id) else { continue };
            self.made(&mut making);
            self.makings.insert(id, making);
        }
    }

    fn end(&mut self, job: &mut Job) {
        let there = self.sets.contains_key(&job.set);
        if job.fails || !there {
            job.known = Known::Failed;
            job.reason = Some("Received a 400 status error: the role has as many policies as it may".to_owned());
            return;
        }
        job.known = Known::Succeeded;
        match (job.what, &job.given) {
            (Goes::Assigning, Some(given)) => self.give(given),
            (Goes::Unassigning, Some(given)) => self.take(given),
            _ => {
                let (revision, inline) = self.form(&job.set);
                let asked = |account: &String| job.account.as_ref().is_none_or(|only| only == account);
                let roles = self.roles.iter_mut().filter(|((account, set), _)| *set == job.set && asked(account));
                roles.for_each(|(_, role)| (role.revision, role.inline) = (revision, inline.clone()));
            }
        }
    }

    fn settle_closings(&mut self, now: Timestamp) {
        let (over, on) = std::mem::take(&mut self.closings).into_iter().partition(|(_, (due, _))| *due <= now);
        self.closings = on;
        let over: BTreeMap<String, (Timestamp, bool)> = over;
        for (id, (_, fails)) in over {
            if let Some(account) = self.accounts.get_mut(&id) {
                account.state = if fails { AccountState::Active } else { AccountState::Closed };
            }
        }
    }

    /// Begins to close an account that is open.
    pub(crate) fn begin_closing(&mut self, id: &str, at: Moment) {
        if let Some(account) = self.accounts.get_mut(id) {
            account.state = AccountState::PendingClosure;
        }
        self.closings.insert(id.to_owned(), (at.now + CLOSING, at.fails));
    }

    fn made(&mut self, making: &mut Making) {
        if making.fails || self.taken(&making.email) {
            making.creation.known = Known::Failed;
            let reason = if making.fails { "INTERNAL_FAILURE" } else { "EMAIL_ALREADY_EXISTS" };
            making.creation.reason = Some(reason.to_owned());
            return;
        }
        let id = format!("{:012}", 100_000_000_000 + self.number());
        making.creation.known = Known::Succeeded;
        making.creation.account = Some(id.clone());
        self.tags.insert(id.clone(), making.tags.clone());
        let (name, email) = (making.creation.name.clone(), making.email.clone());
        let state = AccountState::Active;
        self.accounts.insert(id.clone(), Account { id, name, email, state, parent: Some(ROOT_ID.to_owned()) });
    }

    /// Puts something on the list of what goes on.
    pub(crate) fn begin(&mut self, what: Goes, set: &str, given: Option<&Given>, at: Moment) -> String {
        let id = format!("request-{}", self.number());
        let (known, reason) = (Known::InProgress, None);
        let job = Job {
            what,
            given: given.cloned(),
            set: set.to_owned(),
            account: None,
            begun: at.now,
            due: at.now + ASSIGNING,
            known,
            reason,
            fails: at.fails,
        };
        self.jobs.insert(id.clone(), job);
        id
    }

    /// Begins to make an account.
    pub(crate) fn begin_account(&mut self, email: &str, name: &str, tags: &Tags, at: Moment) -> Creation {
        let creation = Creation {
            request: format!("car-{}", self.number()),
            name: name.to_owned(),
            requested: Some(at.now),
            known: Known::InProgress,
            account: None,
            reason: None,
        };
        let making = Making {
            creation: creation.clone(),
            email: email.to_owned(),
            tags: tags.clone(),
            due: at.now + self.slow.unwrap_or(CREATING),
            fails: at.fails,
        };
        self.makings.insert(creation.request.clone(), making);
        creation
    }
}

fn first<T>((id, _): (&String, &T)) -> String {
    id.clone()
}

/// When a write comes, and whether what it begins will fail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    pub(crate) fails: bool,
}
