//! CloudFormation in an account and a region. Owns how each method is sent; the clients are those of [`crate::places`], and
//! which call follows which is the core's.

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Capability, ChangeSetType, Parameter, Tag};
use cell_eval::provider::{Answer, CloudError, Failure};
use cell_eval::stacks::{ChangeKind, ChangeSet, Made, NewChangeSet, Stack, StackEvent, Stacks, TemplateBucket};

use crate::call::{Call, read, write};
use crate::cloud::AwsCloud;
use crate::convert::{done, found, need};
use crate::paging::{ALL, pages};
use crate::places::{Place, send};
use crate::stacks_convert as convert;

/// CloudFormation in one account and region.
///
/// There is no bucket: CloudFormation limits each account and region by itself, and in one of them few stacks are
/// deployed at a time. What it refuses for its rate is tried again like everything else.
#[derive(Debug)]
pub struct AwsStacks<'a> {
    at: Place<'a>,
}

impl AwsCloud {
    /// CloudFormation in an account and a region. Sends nothing yet.
    pub fn stacks(&self, account: &str, region: &str) -> AwsStacks<'_> {
        AwsStacks { at: Place::new(self, account, region) }
    }
}

impl AwsStacks<'_> {
    async fn client(&self) -> Answer<Client> {
        self.at.client(&self.at.cloud.members.stacks, Client::new).await
    }

    async fn describe(&self, stack: &str) -> Answer<Option<Stack>> {
        let call = read("cloudformation:DescribeStacks");
        let answer = send!(self, call, |client| client.describe_stacks().stack_name(stack));
        let Some(answer) = known(answer)? else { return Ok(None) };
        answer.stacks.unwrap_or_default().into_iter().next().map(|stack| convert::stack(call.name, stack)).transpose()
    }

    async fn template_of(&self, stack: &str) -> Answer<Option<String>> {
        let call = read("cloudformation:GetTemplate");
        let answer = known(send!(self, call, |client| client.get_template().stack_name(stack)))?;
        Ok(answer.and_then(|answer| answer.template_body))
    }

    /// Pages of events, the newest first, until one has what is looked for.
    async fn events_of(&self, stack: &str, since: Option<&str>, most: usize) -> Answer<Vec<StackEvent>> {
        let call = read("cloudformation:DescribeStackEvents");
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..most {
            let answer = send!(self, call, |client| client
                .describe_stack_events()
                .stack_name(stack)
                .set_next_token(token.clone()));
            let Some(answer) = known(answer)? else { break };
            let events = answer.stack_events.unwrap_or_default();
            let events = events.into_iter().map(|event| convert::event(call.name, event));
            let events = events.collect::<Answer<Vec<_>>>()?;
            let new = events.iter().position(|event| Some(event.id.as_str()) == since);
            all.extend(events.into_iter().take(new.unwrap_or(usize::MAX)));
            match answer.next_token.filter(|next| !next.is_empty() && new.is_none()) {
                None => break,
                Some(next) if token.as_ref() == Some(&next) => {
                    let why = "the service answers with the token of the page that was asked for";
                    return Err(CloudError::own(call.name, Failure::Unavailable, why));
                }
                next => token = next,
            }
        }
        all.reverse();
        Ok(all)
    }

    async fn change_set_of(&self, stack: &str, name: &str) -> Answer<Option<ChangeSet>> {
        let call = read("cloudformation:DescribeChangeSet");
        let first = std::cell::RefCell::new(None);
        let changes = pages(call.name, ALL, |token| {
            let first = &first;
            async move {
                let mut answer = send!(self, call, |client| client
                    .describe_change_set()
                    .stack_name(stack)
                    .change_set_name(name)
                    .set_next_token(token.clone()))?;
                let page = (answer.changes.take().unwrap_or_default(), answer.next_token.take());
                first.borrow_mut().get_or_insert(answer);
                Ok(page)
            }
        });
        let Some(changes) = known(changes.await)? else { return Ok(None) };
        let head = need(call.name, "ChangeSetId", first.into_inner())?;
        convert::change_set(call.name, head, changes).map(Some)
    }

    async fn make(&self, wanted: &NewChangeSet<'_>) -> Answer<Made> {
        // A token makes a repeated request the same one.
        let call = write("cloudformation:CreateChangeSet");
        let parameter =
            |(key, value): (&String, &String)| Parameter::builder().parameter_key(key).parameter_value(value).build();
        let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
        let kind = match wanted.kind {
            ChangeKind::Create => ChangeSetType::Create,
            ChangeKind::Update => ChangeSetType::Update,
        };
        let parameters: Vec<_> = wanted.parameters.iter().map(parameter).collect();
        let tags: Vec<_> = wanted.tags.iter().map(tag).collect();
        let capabilities: Vec<_> = wanted.capabilities.iter().map(|name| Capability::from(name.as_str())).collect();
        let answer = send!(self, call, |client| client
            .create_change_set()
            .stack_name(wanted.stack)
            .change_set_name(wanted.name)
            .client_token(wanted.name)
            .change_set_type(kind.clone())
            .set_template_body(wanted.url.is_none().then(|| wanted.template.to_owned()))
            .set_template_url(wanted.url.map(str::to_owned))
            .set_parameters(some(&parameters))
            .set_tags(some(&tags))
            .set_capabilities(some(&capabilities)))?;
        Ok(Made {
            change_set: need(call.name, "Id", answer.id)?,
            stack: need(call.name, "StackId", answer.stack_id)?,
        })
    }

    async fn execute(&self, made: &Made, token: &str) -> Answer<()> {
        let call = write("cloudformation:ExecuteChangeSet");
        send!(self, call, |client| client
            .execute_change_set()
            .stack_name(&made.stack)
            .change_set_name(&made.change_set)
            .client_request_token(token))
        .map(drop)
    }

    async fn drop_change_set(&self, made: &Made) -> Answer<()> {
        let call = write("cloudformation:DeleteChangeSet");
        let answer = send!(self, call, |client| client
            .delete_change_set()
            .stack_name(&made.stack)
            .change_set_name(&made.change_set));
        done(known(answer), Failure::NotFound)
    }

    async fn delete(&self, id: &str, token: &str) -> Answer<()> {
        let call = write("cloudformation:DeleteStack");
        let answer = send!(self, call, |client| client.delete_stack().stack_name(id).client_request_token(token));
        known(answer).map(drop)
    }

    async fn continue_back(&self, id: &str, token: &str) -> Answer<()> {
        let call: Call = write("cloudformation:ContinueUpdateRollback");
        send!(self, call, |client| client.continue_update_rollback().stack_name(id).client_request_token(token))
            .map(drop)
    }
}

/// A list that is empty is left out: the protocol has no way to say it that all servers read.
fn some<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

/// What is asked for may not exist. For a stack CloudFormation has no code for that, only words.
fn known<T>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Err(error) if error.code == "ValidationError" && error.message.contains("does not exist") => Ok(None),
        answer => found(answer),
    }
}

impl Stacks for AwsStacks<'_> {
    fn stack(&self, stack: &str) -> Answer<Option<Stack>> {
        self.at.cloud.block(self.describe(stack))
    }

    fn template(&self, stack: &str) -> Answer<Option<String>> {
        self.at.cloud.block(self.template_of(stack))
    }

    fn newest_event(&self, stack: &str) -> Answer<Option<String>> {
        Ok(self.at.cloud.block(self.events_of(stack, None, 1))?.pop().map(|event| event.id))
    }

    fn events(&self, stack: &str, since: Option<&str>) -> Answer<Vec<StackEvent>> {
        self.at.cloud.block(self.events_of(stack, since, ALL))
    }

    fn change_set(&self, stack: &str, name: &str) -> Answer<Option<ChangeSet>> {
        self.at.cloud.block(self.change_set_of(stack, name))
    }

    fn shelve(&self, bucket: &TemplateBucket, template: &str) -> Answer<String> {
        self.at.cloud.block(self.at.cloud.shelve_template(bucket, template))
    }

    fn create_change_set(&self, wanted: &NewChangeSet<'_>) -> Answer<Made> {
        self.at.cloud.block(self.make(wanted))
    }

    fn execute_change_set(&self, change_set: &Made, token: &str) -> Answer<()> {
        self.at.cloud.block(self.execute(change_set, token))
    }

    fn delete_change_set(&self, change_set: &Made) -> Answer<()> {
        self.at.cloud.block(self.drop_change_set(change_set))
    }

    fn delete_stack(&self, id: &str, token: &str) -> Answer<()> {
        self.at.cloud.block(self.delete(id, token))
    }

    fn continue_rollback(&self, id: &str, token: &str) -> Answer<()> {
        self.at.cloud.block(self.continue_back(id, token))
    }
}
