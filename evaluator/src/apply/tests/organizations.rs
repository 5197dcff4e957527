//! What the calls of AWS Organizations do to the cloud in memory.

use super::cloud::{FULL, FakeCloud, MANAGEMENT, ROOT_ID, State, no};
use crate::provider::{
    Account, AccountState, Answer, Creation, Failure, Organization, Organizations, Policy, Tags, Unit,
};

/// Organizations lists so many at once.
const PAGE: usize = 20;
/// Accounts that are closed at once.
const CLOSINGS: usize = 3;
/// Service control policies on one target.
const POLICIES: usize = 5;

fn exists(state: &State, id: &str) -> bool {
    id == ROOT_ID || state.units.contains_key(id) || state.accounts.contains_key(id)
}

fn is_used(state: &State, unit: &str) -> bool {
    state.units.values().any(|below| below.parent == unit)
        || state.accounts.values().any(|account| account.parent.as_deref() == Some(unit))
}

impl Organizations for FakeCloud {
    fn organization(&self) -> Answer<Organization> {
        self.also("organizations:ListRoots");
        self.read("organizations:DescribeOrganization", |state| {
            Ok(Organization {
                id: "o-1".to_owned(),
                management_account: MANAGEMENT.to_owned(),
                root: ROOT_ID.to_owned(),
                policies_enabled: state.enabled,
                resource_policies_enabled: false,
            })
        })
    }

    fn units_of(&self, parent: &str) -> Answer<Vec<Unit>> {
        self.tree("organizations:ListOrganizationalUnitsForParent", PAGE, |state| {
            Ok(state.units.values().filter(|unit| unit.parent == parent).cloned().collect())
        })
    }

    fn unit(&self, id: &str) -> Answer<Option<Unit>> {
        self.also("organizations:ListParents");
        self.read("organizations:DescribeOrganizationalUnit", |state| Ok(state.units.get(id).cloned()))
    }

    fn accounts(&self) -> Answer<Vec<Account>> {
        let paths = self.says_paths();
        self.tree("organizations:ListAccounts", PAGE, |state| {
            let shown =
                |account: &Account| Account { parent: account.parent.clone().filter(|_| paths), ..account.clone() };
            Ok(state.accounts.values().map(shown).collect())
        })
    }

    fn accounts_of(&self, parent: &str) -> Answer<Vec<Account>> {
        self.tree("organizations:ListAccountsForParent", PAGE, |state| {
            let inside = |account: &&Account| account.parent.as_deref() == Some(parent);
            Ok(state.accounts.values().filter(inside).cloned().collect())
        })
    }

    fn account(&self, id: &str) -> Answer<Option<Account>> {
        self.read("organizations:DescribeAccount", |state| Ok(state.accounts.get(id).cloned()))
    }

    fn parent_of(&self, child: &str) -> Answer<String> {
        let call = "organizations:ListParents";
        self.read(call, |state| {
            let account = state.accounts.get(child).and_then(|account| account.parent.clone());
            match account.or_else(|| state.units.get(child).map(|unit| unit.parent.clone())) {
                Some(parent) => Ok(parent),
                None => no(call, Failure::NotFound, "ChildNotFoundException"),
            }
        })
    }

    fn policies(&self) -> Answer<Vec<Policy>> {
        self.list("organizations:ListPolicies", PAGE, |state| {
            Ok(state.policies.values().map(|policy| Policy { content: None, ..policy.clone() }).collect())
        })
    }

    fn resource_policies(&self) -> Answer<Vec<Policy>> {
        self.list("organizations:ListPolicies", PAGE, |_| Ok(Vec::new()))
    }

    fn policy(&self, id: &str) -> Answer<Option<Policy>> {
        self.read("organizations:DescribePolicy", |state| Ok(state.policies.get(id).cloned()))
    }

    fn targets_of(&self, policy: &str) -> Answer<Vec<String>> {
        self.list("organizations:ListTargetsForPolicy", PAGE, |state| {
            Ok(state.attached.iter().filter(|(of, _)| of == policy).map(|(_, target)| target.clone()).collect())
        })
    }

    fn policies_of(&self, target: &str) -> Answer<Vec<String>> {
        self.list("organizations:ListPoliciesForTarget", PAGE, |state| {
            let own = state.attached.iter().filter(|(_, to)| to == target).map(|(policy, _)| policy.clone());
            let mut all: Vec<String> = own.collect();
            if !all.contains(&FULL.to_owned()) && !state.lists.contains(target) {
                all.push(FULL.to_owned());
            }
            Ok(all)
        })
    }

    fn tags_of(&self, resource: &str) -> Answer<Tags> {
        self.read("organizations:ListTagsForResource", |state| {
            Ok(state.tags.get(resource).cloned().unwrap_or_default())
        })
    }

    fn creations(&self) -> Answer<Vec<Creation>> {
        self.list("organizations:ListCreateAccountStatus", PAGE, |state| {
            Ok(state.makings.values().map(|making| making.creation.clone()).collect())
        })
    }

    fn creation(&self, request: &str) -> Answer<Creation> {
        let call = "organizations:DescribeCreateAccountStatus";
        self.read(call, |state| match state.makings.get(request) {
            Some(making) => Ok(making.creation.clone()),
            None => no(call, Failure::NotFound, "CreateAccountStatusNotFoundException"),
        })
    }

    fn delegated_administrators(&self) -> Answer<Vec<String>> {
        self.list("organizations:ListDelegatedAdministrators", PAGE, |_| Ok(Vec::new()))
    }

    fn create_unit(&self, parent: &str, name: &str, tags: &Tags) -> Answer<String> {
        let call = "organizations:CreateOrganizationalUnit";
        self.write(call, |state, _| {
            if !exists(state, parent) {
                return no(call, Failure::NotFound, "ParentNotFoundException");
            }
            if state.units.values().any(|unit| unit.parent == parent && unit.name == name) {
                return no(call, Failure::Exists, "DuplicateOrganizationalUnitException");
            }
            let id = format!("ou-{}", state.number());
            let unit = Unit { id: id.clone(), parent: parent.to_owned(), name: name.to_owned() };
            state.units.insert(id.clone(), unit);
            state.tags.insert(id.clone(), tags.clone());
            Ok(id)
        })
    }

    fn rename_unit(&self, id: &str, name: &str) -> Answer<()> {
        let call = "organizations:UpdateOrganizationalUnit";
        self.write(call, |state, _| {
            let Some(unit) = state.units.get_mut(id) else { return no(call, Failure::NotFound, "no unit") };
            name.clone_into(&mut unit.name);
            Ok(())
        })
    }

    fn delete_unit(&self, id: &str) -> Answer<()> {
        let call = "organizations:DeleteOrganizationalUnit";
        self.write(call, |state, _| {
            if is_used(state, id) {
                return no(call, Failure::Invalid, "OrganizationalUnitNotEmptyException");
            }
            state.units.remove(id);
            state.tags.remove(id);
            state.attached.retain(|(_, target)| target != id);
            Ok(())
        })
    }

    fn create_account(&self, email: &str, name: &str, tags: &Tags) -> Answer<Creation> {
        let call = "organizations:CreateAccount";
        self.write(call, |state, at| Ok(state.begin_account(email, name, tags, at)))
    }

    fn move_account(&self, id: &str, from: &str, to: &str) -> Answer<()> {
        let call = "organizations:MoveAccount";
        self.write(call, |state, _| {
            if !exists(state, to) {
                return no(call, Failure::NotFound, "DestinationParentNotFoundException");
            }
            let Some(account) = state.accounts.get_mut(id) else { return no(call, Failure::NotFound, "no account") };
            if account.parent.as_deref() != Some(from) {
                return no(call, Failure::NotFound, "SourceParentNotFoundException");
            }
            account.parent = Some(to.to_owned());
            Ok(())
        })
    }

    fn rename_account(&self, id: &str, name: &str) -> Answer<()> {
        let call = "account:PutAccountName";
        self.write(call, |state, _| {
            let Some(account) = state.accounts.get_mut(id) else { return no(call, Failure::NotFound, "no account") };
            name.clone_into(&mut account.name);
            Ok(())
        })
    }

    fn close_account(&self, id: &str) -> Answer<()> {
        let call = "organizations:CloseAccount";
        self.write(call, |state, at| match state.accounts.get(id).map(|account| account.state) {
            None => no(call, Failure::NotFound, "no account"),
            Some(AccountState::Closed) => no(call, Failure::Exists, "AccountAlreadyClosedException"),
            Some(AccountState::PendingClosure) => no(call, Failure::Conflict, "it is being closed already"),
            _ if state.closings.len() >= CLOSINGS => {
                no(call, Failure::Conflict, "CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED")
            }
            _ => {
                state.begin_closing(id, at);
                Ok(())
            }
        })
    }

    fn create_policy(&self, name: &str, description: &str, content: &str, tags: &Tags) -> Answer<String> {
        let call = "organizations:CreatePolicy";
        self.write(call, |state, _| {
            if state.policy(name).is_some() {
                return no(call, Failure::Exists, "DuplicatePolicyException");
            }
            let id = format!("p-{}", state.number());
            let (name, description) = (name.to_owned(), description.to_owned());
            let policy =
                Policy { id: id.clone(), name, description, content: Some(content.to_owned()), aws_managed: false };
            state.policies.insert(id.clone(), policy);
            state.tags.insert(id.clone(), tags.clone());
            Ok(id)
        })
    }

    fn update_policy(&self, id: &str, name: &str, description: &str, content: &str) -> Answer<()> {
        let call = "organizations:UpdatePolicy";
        self.write(call, |state, _| {
            if state.policies.values().any(|policy| policy.name == name && policy.id != id) {
                return no(call, Failure::Exists, "DuplicatePolicyException");
            }
            let Some(policy) = state.policies.get_mut(id) else { return no(call, Failure::NotFound, "no policy") };
            name.clone_into(&mut policy.name);
            description.clone_into(&mut policy.description);
            policy.content = Some(content.to_owned());
            Ok(())
        })
    }

    fn delete_policy(&self, id: &str) -> Answer<()> {
        let call = "organizations:DeletePolicy";
        self.write(call, |state, _| {
            if state.attached.iter().any(|(policy, _)| policy == id) {
                return no(call, Failure::Invalid, "PolicyInUseException");
            }
            state.policies.remove(id);
            state.tags.remove(id);
            Ok(())
        })
    }

    fn attach_policy(&self, policy: &str, target: &str) -> Answer<()> {
        let call = "organizations:AttachPolicy";
        self.write(call, |state, _| {
            if !state.enabled {
                return no(call, Failure::Invalid, "PolicyTypeNotEnabledException");
            }
            if !state.policies.contains_key(policy) || !exists(state, target) {
                return no(call, Failure::NotFound, "no policy or target");
            }
            let pair = (policy.to_owned(), target.to_owned());
            let others = state.attached.iter().filter(|(of, to)| to == target && of != FULL).count();
            if !state.attached.contains(&pair) && others + 1 >= POLICIES {
                return no(call, Failure::Quota, "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED");
            }
            state.attached.insert(pair);
            Ok(())
        })
    }

    fn detach_policy(&self, policy: &str, target: &str) -> Answer<()> {
        self.write("organizations:DetachPolicy", |state, _| {
            state.attached.remove(&(policy.to_owned(), target.to_owned()));
            Ok(())
        })
    }

    fn enable_policies(&self, _root: &str) -> Answer<()> {
        self.write("organizations:EnablePolicyType", |state, _| {
            state.enabled = true;
            Ok(())
        })
    }

    fn tag(&self, resource: &str, tags: &Tags) -> Answer<()> {
        self.write("organizations:TagResource", |state, _| {
            state.tags.entry(resource.to_owned()).or_default().extend(tags.clone());
            Ok(())
        })
    }

    fn untag(&self, resource: &str, keys: &[String]) -> Answer<()> {
        self.write("organizations:UntagResource", |state, _| {
            state.tags.entry(resource.to_owned()).or_default().retain(|key, _| !keys.contains(key));
            Ok(())
        })
    }
}
