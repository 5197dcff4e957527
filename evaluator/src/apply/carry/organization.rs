//! Units, accounts and policies that exist: moved, renamed, attached, tagged, deleted, closed.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Context, READS, Seen, gone, has_tags, seen};
use crate::plan::model::Verb;
use crate::provider::{AccountState, CloudError, Failure};

/// Minutes that the closing of an account may take, others that have to end before it counted.
const CLOSING: i64 = 30;
/// Between two looks at an account that is being closed, after the first ones.
const POLL: Duration = Duration::from_secs(5);
/// How long it may take until an account whose closing was taken is seen to be closing.
const SPREADS: SignedDuration = SignedDuration::from_secs(30);

impl Context<'_> {
    /// Writes to the organization, and looks.
    pub(super) fn organization(&self, address: &str, verb: &Verb) -> Result<Seen, CloudError> {
        match verb {
            Verb::EnablePolicies => self.enable_policies(),
            Verb::RenameUnit { name } => self.rename_unit(&self.id(address)?, name),
            Verb::DeleteUnit { id } => self.delete_unit(id),
            Verb::MoveAccount { to } => self.move_account(&self.id(address)?, to),
            Verb::RenameAccount { name } => self.rename_account(&self.id(address)?, name),
            Verb::CloseAccount => self.close_account(address),
            Verb::Tag { set, remove } => {
                let id = self.id(address)?;
                if !set.is_empty() {
                    self.provider.tag(&id, set)?;
                }
                if !remove.is_empty() {
                    self.provider.untag(&id, remove)?;
                }
                let call = "organizations:ListTagsForResource";
                self.observe(call, "the tags are not as written", || {
                    let tags = self.provider.tags_of(&id)?;
                    Ok(has_tags(&tags, set, remove).then(|| format!("{} tags", tags.len())))
                })
                .map(seen)
            }
            Verb::UpdatePolicy { name, description, content } => {
                let (id, content) = (self.id(address)?, self.document(content)?);
                self.provider.update_policy(&id, name, description, &content)?;
                self.policy_is(&id, name, description, &content)
            }
            Verb::DeletePolicy => {
                let id = self.id(address)?;
                self.provider.delete_policy(&id)?;
                self.observe("organizations:DescribePolicy", "the policy is still there", || {
                    Ok(self.provider.policy(&id)?.is_none().then(|| "gone".to_owned()))
                })
                .map(seen)
            }
            Verb::AttachPolicy { policy, target } => self.attach(policy, target, true),
            Verb::DetachPolicy { policy, target } => self.attach(policy, target, false),
            other => Err(CloudError::own(
                other.word(),
                Failure::Invalid,
                format!("{} is not done to {address}", other.word()),
            )),
        }
    }

    fn enable_policies(&self) -> Result<Seen, CloudError> {
        self.provider.enable_policies(&self.id(crate::plan::desired::ROOT)?)?;
        self.observe("organizations:ListRoots", "service control policies are not enabled", || {
            let enabled = self.provider.organization()?.policies_enabled;
            Ok(enabled.then(|| "service control policies are enabled".to_owned()))
        })
        .map(seen)
    }

    fn rename_unit(&self, id: &str, name: &str) -> Result<Seen, CloudError> {
        self.provider.rename_unit(id, name)?;
        self.observe("organizations:DescribeOrganizationalUnit", "it has its former name", || {
            let unit = self.provider.unit(id)?;
            Ok(unit.filter(|unit| unit.name == name).map(|unit| format!("named {}", unit.name)))
        })
        .map(seen)
    }

    fn delete_unit(&self, id: &str) -> Result<Seen, CloudError> {
        self.provider.delete_unit(id)?;
        self.observe("organizations:DescribeOrganizationalUnit", "the unit is still there", || {
            Ok(self.provider.unit(id)?.is_none().then(|| "gone".to_owned()))
        })
        .map(seen)
    }

    /// A move needs to know from where: an earlier try may have moved it already.
    fn move_account(&self, id: &str, to: &str) -> Result<Seen, CloudError> {
        let (target, from) = (self.id(to)?, self.provider.parent_of(id)?);
        if from != target {
            self.provider.move_account(id, &from, &target)?;
        }
        self.observe("organizations:ListParents", "the account is where it was", || {
            Ok((self.provider.parent_of(id)? == target).then(|| format!("in {to}")))
        })
        .map(seen)
    }

    fn rename_account(&self, id: &str, name: &str) -> Result<Seen, CloudError> {
        self.provider.rename_account(id, name)?;
        self.observe("organizations:DescribeAccount", "the account has its former name", || {
            let account = self.provider.account(id)?;
            Ok(account.filter(|account| account.name == name).map(|account| format!("named {}", account.name)))
        })
        .map(seen)
    }

    /// Closing goes on after its answer, and AWS closes only so many at a time: it is asked for until it is taken, and
    /// followed until the account is closed or gone. One that is open again was not closed.
    fn close_account(&self, address: &str) -> Result<Seen, CloudError> {
        const CALL: &str = "organizations:DescribeAccount";
        let (id, since) = (self.id(address)?, self.clock.now());
        let (mut asked, mut closing, mut waits) = (None, false, READS.into_iter().skip(1));
        loop {
            let is_over = self.clock.now().duration_since(since) > SignedDuration::from_mins(CLOSING);
            match self.provider.account(&id)?.map(|account| account.state) {
                Some(state @ (AccountState::Closed | AccountState::Suspended)) => {
                    return Ok(seen(format!("{CALL}: {}", state.word())));
                }
                None if closing || asked.is_some() => return Ok(seen(format!("{CALL}: gone"))),
                None => return Err(gone(CALL, address)),
                Some(AccountState::PendingClosure) if is_over => {
                    let message = format!(
                        "closing the account has not ended in {CLOSING} minutes; the next run goes on with it"
                    );
                    return Err(CloudError::own(CALL, Failure::Lost, message));
                }
                Some(AccountState::PendingClosure) => closing = true,
                Some(state) if closing => {
                    let message = format!("closing the account failed: it is {} again", state.word());
                    return Err(CloudError::own("organizations:CloseAccount", Failure::Failed, message));
                }
                Some(state) => match asked {
                    None => match self.provider.close_account(&id) {
                        Ok(()) => asked = Some(self.clock.now()),
                        // It is not seen yet.
                        Err(error) if error.failure == Failure::Exists => asked = Some(self.clock.now()),
                        // Others are being closed: it is their turn first.
                        Err(error) if error.failure == Failure::Conflict && !is_over => {}
                        Err(error) => return Err(error),
                    },
                    Some(at) if self.clock.now().duration_since(at) > SPREADS => {
                        let message = format!("closing the account was taken, and it is still {}", state.word());
                        return Err(CloudError::own("organizations:CloseAccount", Failure::Failed, message));
                    }
                    Some(_) => {}
                },
            }
            self.clock.sleep(waits.next().map_or(POLL, Duration::from_millis));
        }
    }

    /// A policy is read back whole, its document by what it says.
    pub(super) fn policy_is(
        &self,
        id: &str,
        name: &str,
        description: &str,
        content: &str,
    ) -> Result<Seen, CloudError> {
        let wanted = crate::plan::canonical::parsed(content);
        self.observe("organizations:DescribePolicy", "the policy has its former form", || {
            let policy = self.provider.policy(id)?;
            let is = policy.is_some_and(|policy| {
                let content = policy.content.as_deref().map(crate::plan::canonical::parsed);
                policy.name == name && policy.description == description && content.as_ref() == Some(&wanted)
            });
            Ok(is.then(|| "as written".to_owned()))
        })
        .map(seen)
    }

    fn attach(&self, policy: &str, target: &str, on: bool) -> Result<Seen, CloudError> {
        let (policy, id) = (self.id(policy)?, self.id(target)?);
        if on {
            self.provider.attach_policy(&policy, &id)?;
        } else {
            self.provider.detach_policy(&policy, &id)?;
        }
        let missing = if on { "the policy is not attached" } else { "the policy is still attached" };
        self.observe("organizations:ListTargetsForPolicy", missing, || {
            let attached = self.provider.targets_of(&policy)?.contains(&id);
            Ok((attached == on).then(|| format!("{} {target}", if on { "attached to" } else { "not attached to" })))
        })
        .map(seen)
    }
}
