//! AWS Organizations on the SDK. Owns which call answers which question, and which refusals mean that it is done.

use aws_sdk_organizations::types::PolicyType;
use cell_eval::provider::{
    Account, Answer, CloudError, Creation, Failure, Organization, Organizations, Policy, Tags, Unit,
};

use crate::call::{creation, once, read, write};
use crate::cloud::AwsCloud;
use crate::convert::{done, found, need};
use crate::organizations_convert::{self as convert, RCP, SCP, tags_to};
use crate::paging::{ALL, listed};

/// The most that Organizations puts on a page.
const PAGE: i32 = 20;
/// Identity Center, to Organizations.
const CENTER: &str = "sso.amazonaws.com";

impl AwsCloud {
    fn policies_of_type(&self, kind: &PolicyType) -> Answer<Vec<Policy>> {
        const NAME: &str = "organizations:ListPolicies";
        let policies = self.block(async {
            let request = || self.organizations.list_policies().filter(kind.clone()).max_results(PAGE);
            listed!(self, NAME, ALL, request(), policies)
        })?;
        policies.into_iter().map(|policy| convert::policy(NAME, policy, None)).collect()
    }

    async fn parent(&self, child: &str) -> Answer<String> {
        const NAME: &str = "organizations:ListParents";
        let parents =
            listed!(self, NAME, ALL, self.organizations.list_parents().child_id(child).max_results(PAGE), parents)?;
        let parent = parents.into_iter().find_map(|parent| parent.id);
        parent.ok_or_else(|| CloudError::own(NAME, Failure::NotFound, format!("`{child}` lies nowhere")))
    }

    async fn describe_unit(&self, id: &str) -> Answer<Option<(String, String)>> {
        let call = read("organizations:DescribeOrganizationalUnit");
        let request = || self.organizations.describe_organizational_unit().organizational_unit_id(id).send();
        let Some(answer) = found(self.road().send(call, request).await)? else { return Ok(None) };
        let unit = need(call.name, "OrganizationalUnit", answer.organizational_unit)?;
        Ok(Some((need(call.name, "Id", unit.id)?, need(call.name, "Name", unit.name)?)))
    }

    async fn move_it(&self, id: &str, from: &str, to: &str) -> Answer<()> {
        let call = write("organizations:MoveAccount");
        let request = || {
            let request = self.organizations.move_account().account_id(id);
            request.source_parent_id(from).destination_parent_id(to).send()
        };
        let answer = done(self.road().send(call, request).await, Failure::Exists);
        match answer {
            // It is not where it was said to be: maybe an earlier attempt moved it, and its answer was lost.
            Err(error) if matches!(error.failure, Failure::NotFound | Failure::Invalid) => {
                match self.parent(id).await {
                    Ok(parent) if parent == to => Ok(()),
                    _ => Err(error),
                }
            }
            answer => answer,
        }
    }

    async fn rename(&self, id: &str, name: &str) -> Answer<()> {
        let call = write("organizations:UpdateOrganizationalUnit");
        let request = || self.organizations.update_organizational_unit().organizational_unit_id(id).name(name).send();
        match self.road().send(call, request).await {
            // It may be this very unit that has the name.
            Err(error) if error.failure == Failure::Exists => match self.describe_unit(id).await? {
                Some((_, now)) if now == name => Ok(()),
                _ => Err(error),
            },
            answer => answer.map(drop),
        }
    }
}

impl Organizations for AwsCloud {
    fn organization(&self) -> Answer<Organization> {
        const NAME: &str = "organizations:ListRoots";
        self.block(async {
            let call = read("organizations:DescribeOrganization");
            let answer = self.road().send(call, || self.organizations.describe_organization().send()).await?;
            let organization = need(call.name, "Organization", answer.organization)?;
            let roots = listed!(self, NAME, ALL, self.organizations.list_roots().max_results(PAGE), roots)?;
            let root = need(NAME, "Roots", roots.into_iter().next())?;
            Ok(Organization {
                id: need(call.name, "Id", organization.id)?,
                management_account: need(call.name, "MasterAccountId", organization.master_account_id)?,
                policies_enabled: convert::enabled(&root, &SCP),
                resource_policies_enabled: convert::enabled(&root, &RCP),
                root: need(NAME, "Id", root.id)?,
            })
        })
    }

    fn units_of(&self, parent: &str) -> Answer<Vec<Unit>> {
        const NAME: &str = "organizations:ListOrganizationalUnitsForParent";
        let units = self.block(async {
            listed!(
                self,
                NAME,
                ALL,
                self.organizations.list_organizational_units_for_parent().parent_id(parent).max_results(PAGE),
                organizational_units
            )
        })?;
        units.into_iter().map(|unit| convert::unit(NAME, unit, parent)).collect()
    }

    fn unit(&self, id: &str) -> Answer<Option<Unit>> {
        self.block(async {
            let Some((id, name)) = self.describe_unit(id).await? else { return Ok(None) };
            let parent = found(self.parent(&id).await)?;
            Ok(parent.map(|parent| Unit { id, parent, name }))
        })
    }

    fn accounts(&self) -> Answer<Vec<Account>> {
        const NAME: &str = "organizations:ListAccounts";
        let accounts = self.block(async {
            listed!(self, NAME, ALL, self.organizations.list_accounts().max_results(PAGE), accounts)
        })?;
        accounts.into_iter().map(|account| convert::account(NAME, account, None)).collect()
    }

    fn accounts_of(&self, parent: &str) -> Answer<Vec<Account>> {
        const NAME: &str = "organizations:ListAccountsForParent";
        let accounts = self.block(async {
            listed!(
                self,
                NAME,
                ALL,
                self.organizations.list_accounts_for_parent().parent_id(parent).max_results(PAGE),
                accounts
            )
        })?;
        accounts.into_iter().map(|account| convert::account(NAME, account, Some(parent))).collect()
    }

    fn account(&self, id: &str) -> Answer<Option<Account>> {
        self.block(async {
            let call = read("organizations:DescribeAccount");
            let request = || self.organizations.describe_account().account_id(id).send();
            let Some(answer) = found(self.road().send(call, request).await)? else { return Ok(None) };
            let mut account = convert::account(call.name, need(call.name, "Account", answer.account)?, None)?;
            if account.parent.is_none() {
                account.parent = found(self.parent(id).await)?;
            }
            Ok(Some(account))
        })
    }

    fn parent_of(&self, child: &str) -> Answer<String> {
        self.block(self.parent(child))
    }

    fn policies(&self) -> Answer<Vec<Policy>> {
        self.policies_of_type(&SCP)
    }

    fn resource_policies(&self) -> Answer<Vec<Policy>> {
        self.policies_of_type(&RCP)
    }

    fn policy(&self, id: &str) -> Answer<Option<Policy>> {
        let call = read("organizations:DescribePolicy");
        let request = || self.organizations.describe_policy().policy_id(id).send();
        let Some(answer) = found(self.block(self.road().send(call, request)))? else { return Ok(None) };
        let policy = need(call.name, "Policy", answer.policy)?;
        let summary = need(call.name, "PolicySummary", policy.policy_summary)?;
        convert::policy(call.name, summary, Some(policy.content.unwrap_or_default())).map(Some)
    }

    fn targets_of(&self, policy: &str) -> Answer<Vec<String>> {
        const NAME: &str = "organizations:ListTargetsForPolicy";
        let targets = self.block(async {
            listed!(
                self,
                NAME,
                ALL,
                self.organizations.list_targets_for_policy().policy_id(policy).max_results(PAGE),
                targets
            )
        })?;
        Ok(targets.into_iter().filter_map(|target| target.target_id).collect())
    }

    fn policies_of(&self, target: &str) -> Answer<Vec<String>> {
        const NAME: &str = "organizations:ListPoliciesForTarget";
        let policies = self.block(async {
            listed!(
                self,
                NAME,
                ALL,
                self.organizations.list_policies_for_target().target_id(target).filter(SCP).max_results(PAGE),
                policies
            )
        })?;
        Ok(policies.into_iter().filter_map(|policy| policy.id).collect())
    }

    fn tags_of(&self, resource: &str) -> Answer<Tags> {
        const NAME: &str = "organizations:ListTagsForResource";
        let tags = self.block(async {
            listed!(self, NAME, ALL, self.organizations.list_tags_for_resource().resource_id(resource), tags)
        })?;
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    fn creations(&self) -> Answer<Vec<Creation>> {
        const NAME: &str = "organizations:ListCreateAccountStatus";
        let statuses = self.block(async {
            listed!(
                self,
                NAME,
                ALL,
                self.organizations.list_create_account_status().max_results(PAGE),
                create_account_statuses
            )
        })?;
        statuses.into_iter().map(|status| convert::creation(NAME, Some(status))).collect()
    }

    fn creation(&self, request: &str) -> Answer<Creation> {
        let call = read("organizations:DescribeCreateAccountStatus");
        let send = || self.organizations.describe_create_account_status().create_account_request_id(request).send();
        let answer = self.block(self.road().send(call, send))?;
        convert::creation(call.name, answer.create_account_status)
    }

    fn delegated_administrators(&self) -> Answer<Vec<String>> {
        const NAME: &str = "organizations:ListDelegatedAdministrators";
        let administrators = self.block(async {
            listed!(
                self,
                NAME,
                ALL,
                self.organizations.list_delegated_administrators().service_principal(CENTER).max_results(PAGE),
                delegated_administrators
            )
        });
        match administrators {
            Ok(all) => Ok(all.into_iter().filter_map(|administrator| administrator.id).collect()),
            // A server that knows no Identity Center has nobody to whom it is handed over.
            Err(error) if error.message.contains("unrecognized service principal") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn create_unit(&self, parent: &str, name: &str, tags: &Tags) -> Answer<String> {
        let call = creation("organizations:CreateOrganizationalUnit");
        let tags = tags_to(call.name, tags)?;
        let request = || {
            let request = self.organizations.create_organizational_unit().parent_id(parent).name(name);
            request.set_tags(tags.clone()).send()
        };
        let answer = self.block(self.road().send(call, request))?;
        need(call.name, "Id", answer.organizational_unit.and_then(|unit| unit.id))
    }

    fn rename_unit(&self, id: &str, name: &str) -> Answer<()> {
        self.block(self.rename(id, name))
    }

    fn delete_unit(&self, id: &str) -> Answer<()> {
        let call = write("organizations:DeleteOrganizationalUnit");
        let request = || self.organizations.delete_organizational_unit().organizational_unit_id(id).send();
        done(self.block(self.road().send(call, request)), Failure::NotFound)
    }

    fn create_account(&self, email: &str, name: &str, tags: &Tags) -> Answer<Creation> {
        let call = once("organizations:CreateAccount");
        let tags = tags_to(call.name, tags)?;
        let request = || {
            let request = self.organizations.create_account().email(email).account_name(name);
            request.role_name(self.members.role()).set_tags(tags.clone()).send()
        };
        let answer = self.block(self.road().send(call, request))?;
        convert::creation(call.name, answer.create_account_status)
    }

    fn move_account(&self, id: &str, from: &str, to: &str) -> Answer<()> {
        self.block(self.move_it(id, from, to))
    }

    fn rename_account(&self, id: &str, name: &str) -> Answer<()> {
        let call = write("account:PutAccountName");
        self.block(async {
            let own = self.me().await?.account;
            // The service takes no id for the account that calls.
            let other = Some(id).filter(|id| *id != own.as_str()).map(str::to_owned);
            let request = || self.accounts.put_account_name().set_account_id(other.clone()).account_name(name).send();
            self.road().send(call, request).await.map(drop)
        })
    }

    fn close_account(&self, id: &str) -> Answer<()> {
        let call = write("organizations:CloseAccount");
        let request = || self.organizations.close_account().account_id(id).send();
        done(self.block(self.road().send(call, request)), Failure::Exists)
    }

    fn create_policy(&self, name: &str, description: &str, content: &str, tags: &Tags) -> Answer<String> {
        let call = creation("organizations:CreatePolicy");
        let tags = tags_to(call.name, tags)?;
        let request = || {
            let request = self.organizations.create_policy().r#type(SCP).name(name).description(description);
            request.content(content).set_tags(tags.clone()).send()
        };
        let answer = self.block(self.road().send(call, request))?;
        let summary = answer.policy.and_then(|policy| policy.policy_summary);
        need(call.name, "Id", summary.and_then(|summary| summary.id))
    }

    fn update_policy(&self, id: &str, name: &str, description: &str, content: &str) -> Answer<()> {
        let call = write("organizations:UpdatePolicy");
        let request = || {
            let request = self.organizations.update_policy().policy_id(id).name(name);
            request.description(description).content(content).send()
        };
        self.block(self.road().send(call, request)).map(drop)
    }

    fn delete_policy(&self, id: &str) -> Answer<()> {
        let call = write("organizations:DeletePolicy");
        let request = || self.organizations.delete_policy().policy_id(id).send();
        done(self.block(self.road().send(call, request)), Failure::NotFound)
    }

    fn attach_policy(&self, policy: &str, target: &str) -> Answer<()> {
        let call = write("organizations:AttachPolicy");
        let request = || self.organizations.attach_policy().policy_id(policy).target_id(target).send();
        done(self.block(self.road().send(call, request)), Failure::Exists)
    }

    fn detach_policy(&self, policy: &str, target: &str) -> Answer<()> {
        let call = write("organizations:DetachPolicy");
        let request = || self.organizations.detach_policy().policy_id(policy).target_id(target).send();
        match self.block(self.road().send(call, request)) {
            Err(error) if error.code == "PolicyNotAttachedException" => Ok(()),
            answer => answer.map(drop),
        }
    }

    fn enable_policies(&self, root: &str) -> Answer<()> {
        let call = write("organizations:EnablePolicyType");
        let request = || self.organizations.enable_policy_type().root_id(root).policy_type(SCP).send();
        done(self.block(self.road().send(call, request)), Failure::Exists)
    }

    fn tag(&self, resource: &str, tags: &Tags) -> Answer<()> {
        let call = write("organizations:TagResource");
        let Some(tags) = tags_to(call.name, tags)? else { return Ok(()) };
        let request = || {
            let request = self.organizations.tag_resource().resource_id(resource);
            request.set_tags(Some(tags.clone())).send()
        };
        self.block(self.road().send(call, request)).map(drop)
    }

    fn untag(&self, resource: &str, keys: &[String]) -> Answer<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let call = write("organizations:UntagResource");
        let request = || {
            let request = self.organizations.untag_resource().resource_id(resource);
            request.set_tag_keys(Some(keys.to_vec())).send()
        };
        self.block(self.road().send(call, request)).map(drop)
    }
}
