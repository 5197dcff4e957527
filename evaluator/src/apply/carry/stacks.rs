//! Stacks: deployed and deleted in their accounts, and read back. Owns that a young account is waited for, what is told
//! meanwhile, and how an end that is none is told; the way there is [`crate::stacks`]'s.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value as Json;

use super::{Context, Seen, seen};
use crate::plan::later;
use crate::plan::model::StackOrder;
use crate::provider::{CloudError, Failure};
use crate::stacks::{
    AccountOf, Deployed, How, Sight, StackPlace, Stacks, Stopped, Unwanted, WAITS, Wanted, delete, deploy, token,
    wish,
};

/// For so long an account that was just made may let nobody in, or have no CloudFormation yet.
const YOUTH: SignedDuration = SignedDuration::from_mins(10);
/// How often it is told that nobody gets in yet.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// The longest wait between two tries to get in.
const LONGEST: Duration = Duration::from_secs(15);

impl Context<'_> {
    /// Brings a stack to what is wanted, and reads it back.
    pub(super) fn deploy_stack(
        &self,
        address: &str,
        order: &StackOrder,
        tell: &dyn Fn(&str),
    ) -> Result<Seen, CloudError> {
        let account = match AccountOf::of_word(&order.account) {
            AccountOf::Id(id) => id,
            AccountOf::Of(address) => self.id(&address)?,
        };
        let there = self.provider.stacks(&account, &order.region);
        if self.young.contains(&order.account) {
            self.let_in(there.as_ref(), &order.name, tell)?;
        }
        let wanted = self.wanted(address, order)?;
        let mut see = |sight: Sight<'_>| told(&sight).iter().for_each(|text| tell(text));
        let deployed = deploy(there.as_ref(), self.clock, &wanted, WAITS, &mut see).map_err(stopped)?;
        let Deployed { how, stack } = deployed;
        self.observe("cloudformation:GetTemplate", "the stack has another template", || {
            let template = there.template(&stack.id)?.unwrap_or_default();
            let same = wish::template(&template) == wish::template(&wanted.template);
            Ok(same.then(|| "the template".to_owned()))
        })?;
        let how = match how {
            How::Created => "created",
            How::Updated => "updated",
            How::Unchanged => "as it was wanted",
        };
        let (name, status, region) = (&stack.name, &stack.status, &order.region);
        let observed = format!(
            "cloudformation:DescribeStacks, GetTemplate: {name} in {region}, {how}, is {status} with its template, parameters and tags"
        );
        Ok(Seen { observed, id: Some(stack.id) })
    }

    /// Deletes a stack, and sees it gone.
    pub(super) fn delete_stack(&self, address: &str, id: &str, tell: &dyn Fn(&str)) -> Result<Seen, CloudError> {
        let unknown = || {
            CloudError::own("cloudformation:DeleteStack", Failure::Invalid, format!("`{id}` is no ARN of a stack"))
        };
        let place = StackPlace::of_arn(id).ok_or_else(unknown)?;
        let there = self.provider.stacks(&place.account, &place.region);
        let token = token(&self.plan_id, &format!("delete {address} {id}"));
        let mut see = |sight: Sight<'_>| told(&sight).iter().for_each(|text| tell(text));
        let unwanted = Unwanted { stack: id, address, known: Some(id), token: &token };
        delete(there.as_ref(), self.clock, unwanted, WAITS, &mut see).map_err(stopped)?;
        Ok(seen(format!("cloudformation:DescribeStacks: {} in {} is gone", place.name, place.region)))
    }

    fn wanted(&self, address: &str, order: &StackOrder) -> Result<Wanted, CloudError> {
        let missing = |what: &str| {
            let message = format!("an account that the stack's {what} names is not known yet");
            CloudError::own("record", Failure::NotFound, message)
        };
        let template = self.filled(&order.template);
        if later::has_later(&template) {
            return Err(missing("template"));
        }
        let parameter = |(name, value): (&String, &Json)| {
            let filled = self.filled(value);
            if later::has_later(&filled) {
                return Err(missing("parameters"));
            }
            Ok((name.clone(), wish::template_text(&filled)))
        };
        let recorded = self.journal.with(|record| record.entry(address).map(|entry| entry.id.clone()));
        Ok(Wanted {
            stack: order.name.clone(),
            template: wish::template_text(&template),
            bucket: order.bucket.clone(),
            parameters: order.parameters.iter().map(parameter).collect::<Result<_, _>>()?,
            tags: order.tags.clone(),
            capabilities: order.capabilities.clone(),
            token: token(&self.plan_id, &format!("deploy {address}")),
            known: order.known.clone().or_else(|| recorded.filter(|id| !id.is_empty())),
        })
    }

    /// Waits until an account that was just made lets its maker in.
    pub(super) fn let_in(&self, there: &dyn Stacks, stack: &str, tell: &dyn Fn(&str)) -> Result<(), CloudError> {
        let (until, mut wait) = (self.clock.now() + YOUTH, Duration::from_millis(500));
        let mut told = None;
        loop {
            match there.stack(stack) {
                Ok(_) => return Ok(()),
                Err(error) if error.failure == Failure::Denied && !is_final(&error) && self.clock.now() < until => {
                    // It is the account that refuses, and not the caller whose credentials are over.
                    self.provider.caller()?;
                    let now = self.clock.now();
                    if told.is_none_or(|told| now >= told + AGAIN) {
                        told = Some(now);
                        tell(&format!("the account was just made, and lets nobody in yet: {error}"));
                    }
                    self.clock.sleep(wait);
                    wait = (wait * 2).min(LONGEST);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Is it the caller's own policy that does not let it enter? No waiting helps then.
/// (IAM User Guide, "Troubleshoot access denied error messages": the message names the type of the policy.)
fn is_final(error: &CloudError) -> bool {
    error.call == "sts:AssumeRole" && error.message.contains("identity-based policy")
}

/// What is told of what happens: each event, and what is going to be changed.
fn told(sight: &Sight<'_>) -> Option<String> {
    Some(match sight {
        // That a resource is begun with says nothing that its end does not.
        Sight::Event(event) if event.status.ends_with("_IN_PROGRESS") && event.reason.is_empty() => return None,
        Sight::Event(event) => {
            let reason = if event.reason.is_empty() { String::new() } else { format!(": {}", event.reason) };
            format!("{} ({}) {}{reason}", event.logical, event.kind, event.status)
        }
        Sight::EventsFailed(error) => format!("its events could not be read: {error}"),
        // The plan has said it, and the events say it again.
        Sight::Changes(_) | Sight::State(_) => return None,
    })
}

/// An end that is none, in the run's terms.
fn stopped(stopped: Stopped) -> CloudError {
    let message = stopped.to_string();
    let (call, failure, code) = match stopped {
        Stopped::Call(error) => return error,
        Stopped::TooLarge(_) => ("cloudformation:CreateChangeSet", Failure::Invalid, String::new()),
        Stopped::Foreign { .. } => ("cloudformation:CreateChangeSet", Failure::Exists, String::new()),
        Stopped::Refused { state, .. } => ("cloudformation:DescribeStacks", Failure::Failed, state.to_string()),
        Stopped::Unknown(state) => ("cloudformation:DescribeStacks", Failure::Failed, state),
        Stopped::ChangeSet(_) => ("cloudformation:CreateChangeSet", Failure::Failed, String::new()),
        Stopped::Failed { state, .. } => ("cloudformation:ExecuteChangeSet", Failure::Failed, state.to_string()),
        Stopped::NotAsWanted(_) => ("cloudformation:DescribeStacks", Failure::Failed, String::new()),
        // What goes on at AWS is waited for by the next run.
        Stopped::Unsettled { .. } => ("cloudformation:DescribeStacks", Failure::Lost, String::new()),
        // To look for it again helps nobody.
        Stopped::Gone => ("cloudformation:DescribeStacks", Failure::Failed, String::new()),
        Stopped::Restless => ("cloudformation:DescribeStacks", Failure::Conflict, String::new()),
    };
    CloudError { code, ..CloudError::own(call, failure, message) }
}
