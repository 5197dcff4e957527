//! Putting a seed into a state. What is there stays as it is; what is missing is added.

use crate::config::Config;
use crate::error::Error;
use crate::input::Millis;
use crate::seed::{Seed, SeedAccount, SeedAssignment, SeedCost, SeedCustomerPolicy, SeedPolicy, SeedSet};
use crate::services::{cost_explorer, iam, identitystore, organizations, ssoadmin};
use crate::state::{
    Account, AccountState, Body, Bucket, CustomerPolicy, Org, PermissionSet, Policy, PolicyKind, Principal,
    PrincipalKind, State,
};
use std::collections::BTreeMap;
use std::sync::Arc;

const EMPTY_POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"none:none","Resource":"*"}]}"#;

impl Seed {
    /// Adds the seed to a state.
    pub(crate) fn apply(&self, state: &mut State, config: &Config, now: Millis) -> Result<(), Error> {
        self.organization(state, now)?;
        self.instance(state, config, now);
        for path in &self.ous {
            unit(state, path);
        }
        for account in &self.accounts {
            account.apply(state, now)?;
        }
        self.principals(state);
        for bucket in &self.buckets {
            self.bucket(state, config, bucket, now);
        }
        for policy in &self.customer_policies {
            policy.apply(state, now)?;
        }
        for policy in &self.service_control_policies {
            policy.apply(state, PolicyKind::Service);
        }
        for policy in &self.resource_control_policies {
            policy.apply(state, PolicyKind::Resource);
        }
        for set in &self.permission_sets {
            set.apply(state, now);
        }
        for assignment in &self.assignments {
            assignment.apply(state, config, now)?;
        }
        for cost in &self.costs {
            cost.apply(state)?;
        }
        self.delegate(state, now)
    }

    fn organization(&self, state: &mut State, now: Millis) -> Result<(), Error> {
        if state.org.is_some() {
            let other = self.management_account.as_ref().is_some_and(|id| *id != state.management);
            let message = "the organization has another management account";
            return if other { Err(Error::Seed(message.to_owned())) } else { Ok(()) };
        }
        if let Some(id) = &self.management_account {
            account_number(id)?;
            state.management.clone_from(id);
        }
        let root = self.root.clone().unwrap_or_else(|| format!("r-{}", state.ids.lower(4)));
        let id = self.organization.clone().unwrap_or_else(|| format!("o-{}", state.ids.lower(10)));
        let mut org = Org { id, root: root.clone(), scp: true, ..Org::default() };
        org.policies.insert(organizations::FULL_ACCESS.to_owned(), organizations::full_access());
        organizations::attach_default(&mut org, &root);
        let defaults = ["sso.amazonaws.com", "account.amazonaws.com"].map(str::to_owned).to_vec();
        for service in self.service_access.as_ref().unwrap_or(&defaults) {
            org.service_access.insert(service.clone(), now);
        }
        let email = self.management_email.clone().unwrap_or_else(|| "management@example.com".to_owned());
        org.join(&state.management, member("management", &email, "", now));
        state.org = Some(org);
        Ok(())
    }

    fn instance(&self, state: &mut State, config: &Config, now: Millis) {
        if !state.sso.instance.is_empty() {
            return;
        }
        let arn = self.instance_arn.clone();
        state.sso.instance = arn.unwrap_or_else(|| format!("arn:aws:sso:::instance/ssoins-{}", state.ids.hex(16)));
        state.sso.store = self.identity_store.clone().unwrap_or_else(|| format!("d-{}", state.ids.hex(10)));
        state.sso.region = self.home_region.clone().unwrap_or_else(|| config.region.clone());
        state.sso.created = now;
    }

    fn principals(&self, state: &mut State) {
        for name in self.groups.iter().chain(self.memberships.keys()) {
            group(state, name);
        }
        for name in self.users.iter().chain(self.memberships.values().flatten()) {
            user(state, name);
        }
        for (name, users) in &self.memberships {
            let group = group(state, name);
            for name in users {
                let user = user(state, name);
                if !state.store.members.contains(&(group.clone(), user.clone())) {
                    let id = state.ids.guid();
                    state.store.members.insert((group.clone(), user.clone()), id.clone());
                    state.store.member_of.insert((user.clone(), group.clone()), id.clone());
                    state.store.memberships.insert(id, (group.clone(), user));
                }
            }
        }
    }

    fn bucket(&self, state: &mut State, config: &Config, name: &String, now: Millis) {
        if !state.s3.buckets.contains(name) {
            let region = self.home_region.clone().unwrap_or_else(|| config.region.clone());
            let bucket = Bucket {
                owner: state.management.clone(),
                region,
                created: now,
                versioning: Some("Enabled".to_owned()),
            };
            state.s3.buckets.insert(name.clone(), bucket);
        }
    }

    fn delegate(&self, state: &mut State, now: Millis) -> Result<(), Error> {
        let Some(named) = &self.delegated_admin else { return Ok(()) };
        let account = find_account(state, named)?;
        if let Some(org) = &mut state.org {
            org.delegated.insert(("sso.amazonaws.com".to_owned(), account), now);
        }
        Ok(())
    }
}

/// An account that joined long ago.
fn member(name: &str, email: &str, parent: &str, now: Millis) -> Account {
    Account {
        name: name.to_owned(),
        email: email.to_owned(),
        parent: parent.to_owned(),
        state: AccountState::Active,
        created_here: false,
        joined: now - 365 * 86_400_000,
        ready: now,
    }
}

fn account_number(id: &str) -> Result<(), Error> {
    let fits = id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(()) } else { Err(Error::Seed(format!("`{id}` is not an account number"))) }
}

/// The unit at a path, made with all above it when it is missing.
fn unit(state: &mut State, path: &str) -> String {
    let mut at = state.org.as_ref().map(|org| org.root.clone()).unwrap_or_default();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let known = state.org.as_ref().and_then(|org| {
            let mut below = org.children.under(&at);
            let found = below.find(|(id, ())| org.units.get(&(*id).to_owned()).is_some_and(|unit| unit.name == name));
            found.map(|(id, ())| id.to_owned())
        });
        at = known.unwrap_or_else(|| organizations::add_unit(state, &at, name));
    }
    at
}

fn group(state: &mut State, name: &str) -> String {
    let known = state.store.group_names.get(&name.to_lowercase()).cloned();
    known.unwrap_or_else(|| identitystore::add_group(state, name, None))
}

fn user(state: &mut State, name: &str) -> String {
    let known = state.store.user_names.get(&name.to_lowercase()).cloned();
    known.unwrap_or_else(|| {
        let more = serde_json::json!({
            "DisplayName": name,
            "Name": {"GivenName": name, "FamilyName": name},
        });
        identitystore::add_user(state, name, more.as_object().cloned().unwrap_or_default())
    })
}

/// An account by number or name.
fn find_account(state: &State, named: &str) -> Result<String, Error> {
    let missing = || Error::Seed(format!("no account is `{named}`"));
    let org = state.org.as_ref().ok_or_else(missing)?;
    if org.accounts.contains(&named.to_owned()) {
        return Ok(named.to_owned());
    }
    let found = org.accounts.iter().find(|(_, account)| account.name == named);
    found.map(|(id, _)| id.clone()).ok_or_else(missing)
}

/// The accounts that a part of a seed names; `all` when it names none.
fn find_accounts(state: &State, named: &[String], all: impl Fn(&String) -> bool) -> Result<Vec<String>, Error> {
    if named.is_empty() {
        let accounts = state.org.iter().flat_map(|org| org.accounts.iter()).map(|(id, _)| id);
        return Ok(accounts.filter(|id| all(id)).cloned().collect());
    }
    let by_name: BTreeMap<&str, &str> = state
        .org
        .iter()
        .flat_map(|org| org.accounts.iter())
        .flat_map(|(id, account)| [(id.as_str(), id.as_str()), (account.name.as_str(), id.as_str())])
        .collect();
    let find = |name: &String| {
        by_name
            .get(name.as_str())
            .map(|id| (*id).to_owned())
            .ok_or_else(|| Error::Seed(format!("no account is `{name}`")))
    };
    named.iter().map(find).collect()
}

impl SeedAccount {
    fn apply(&self, state: &mut State, now: Millis) -> Result<(), Error> {
        let known = |org: &Org, id: &String| org.accounts.contains(id);
        let there = state.org.as_ref().is_some_and(|org| {
            self.id.as_ref().map_or_else(|| org.emails.contains(&self.email.to_lowercase()), |id| known(org, id))
        });
        if there {
            return Ok(());
        }
        if state.org.as_ref().is_some_and(|org| org.emails.contains(&self.email.to_lowercase())) {
            return Err(Error::Seed(format!("the e-mail `{}` is used twice", self.email)));
        }
        let id = match &self.id {
            Some(id) => id.clone(),
            None => state.ids.account(),
        };
        account_number(&id)?;
        let parent = unit(state, self.ou.as_deref().unwrap_or_default());
        if let Some(org) = &mut state.org {
            org.join(&id, member(&self.name, &self.email, &parent, now));
            if !self.tags.is_empty() {
                org.tags.insert(id.clone(), self.tags.clone());
            }
        }
        iam::access_role(state, now, &id, "OrganizationAccountAccessRole");
        Ok(())
    }
}

impl SeedCost {
    fn apply(&self, state: &mut State) -> Result<(), Error> {
        let account = find_account(state, &self.account)?;
        let amount = cost_explorer::Amount::read(&self.amount);
        let sound = amount.is_some() && self.day.parse::<jiff::civil::Date>().is_ok();
        if !sound {
            return Err(Error::Seed(format!("`{}` on `{}` is no cost", self.amount, self.day)));
        }
        let key = (account, self.day.clone());
        if !state.costs.contains(&key) {
            state.costs.insert(key, self.amount.clone());
        }
        Ok(())
    }
}

impl SeedPolicy {
    fn apply(&self, state: &mut State, kind: PolicyKind) {
        let same = |policy: &Policy| policy.kind == kind && policy.name == self.name;
        let known =
            state.org.iter().flat_map(|org| org.policies.iter()).find(|(_, p)| same(p)).map(|(id, _)| id.clone());
        let id = known.unwrap_or_else(|| format!("p-{}", state.ids.lower(10)));
        let mut targets = Vec::new();
        for target in &self.targets {
            targets.push(find_account(state, target).unwrap_or_else(|_| unit(state, target)));
        }
        let Some(org) = &mut state.org else { return };
        organizations::enable_policies(org, kind);
        if !org.policies.contains(&id) {
            let policy = Policy {
                kind,
                name: self.name.clone(),
                description: self.description.clone(),
                content: self.content.clone(),
                aws: false,
            };
            org.policies.insert(id.clone(), policy);
        }
        for target in targets {
            org.attached.insert((target.clone(), id.clone()), ());
            org.targets.insert((id.clone(), target), ());
        }
    }
}

impl SeedSet {
    fn apply(&self, state: &mut State, now: Millis) {
        if state.sso.set_names.contains(&self.name) {
            return;
        }
        let mut managed = self.managed_policies.clone();
        managed.sort();
        let body = Body { inline: self.inline_policy.clone(), managed, ..Body::default() };
        let set = PermissionSet {
            name: self.name.clone(),
            description: self.description.clone(),
            session: self.session_duration.clone(),
            relay: self.relay_state.clone(),
            created: now,
            tags: self.tags.clone(),
            body: Arc::new(body),
            revision: 0,
        };
        ssoadmin::add_set(state, set);
    }
}

impl SeedAssignment {
    fn apply(&self, state: &mut State, config: &Config, now: Millis) -> Result<(), Error> {
        let missing = || Error::Seed(format!("no permission set is `{}`", self.permission_set));
        let set = state.sso.set_names.get(&self.permission_set).cloned().ok_or_else(missing)?;
        let management = state.management.clone();
        let accounts = find_accounts(state, &self.accounts, |id| *id != management)?;
        let mut principals = Vec::new();
        for name in &self.groups {
            principals.push(Principal { kind: PrincipalKind::Group, id: group(state, name) });
        }
        for name in &self.users {
            principals.push(Principal { kind: PrincipalKind::User, id: user(state, name) });
        }
        for account in &accounts {
            if principals.is_empty() {
                break;
            }
            if !state.sso.provisioned.contains(&(set.clone(), account.clone())) {
                ssoadmin::set_role(state, &config.quotas, now, &set, account).map_err(Error::Seed)?;
            }
            for principal in &principals {
                ssoadmin::link(&mut state.sso, account, &set, principal);
            }
        }
        Ok(())
    }
}

impl SeedCustomerPolicy {
    fn apply(&self, state: &mut State, now: Millis) -> Result<(), Error> {
        for account in find_accounts(state, &self.accounts, |_| true)? {
            let key = (account, self.name.clone());
            if state.iam.policies.contains(&key) {
                continue;
            }
            let policy = CustomerPolicy {
                path: self.path.clone().unwrap_or_else(|| "/".to_owned()),
                id: format!("ANPA{}", state.ids.upper(17)),
                created: now,
                document: EMPTY_POLICY.to_owned(),
                description: None,
                tags: BTreeMap::new(),
            };
            state.iam.policies.insert(key, policy);
        }
        Ok(())
    }
}
