//! CloudFormation in an account and a region. Owns the clients there, and how each method is sent; which call follows
//! which is the core's.

use std::fmt;
use std::time::SystemTime;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Capability, ChangeSetType, Parameter, Tag};
use cell_eval::provider::{Answer, CloudError, Failure};
use cell_eval::stacks::{ChangeKind, ChangeSet, Made, NewChangeSet, Stack, StackEvent, Stacks};

use crate::call::{Call, hold, read, write};
use crate::cloud::AwsCloud;
use crate::convert::{done, found, need};
use crate::paging::{ALL, pages};
use crate::roles::not_let_in;
use crate::stacks_convert as convert;

/// CloudFormation in one account and region. In another account than its own the cloud acts as that account's member
/// role, whose session is renewed for as long as a deployment takes.
///
/// There is no bucket: CloudFormation limits each account and region by itself, and in one of them few stacks are
/// deployed at a time. What it refuses for its rate is tried again like everything else.
pub struct AwsStacks<'a> {
    cloud: &'a AwsCloud,
    account: String,
    region: String,
}

impl fmt::Debug for AwsStacks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsStacks").field("account", &self.account).field("region", &self.region).finish()
    }
}

impl AwsCloud {
    /// CloudFormation in an account and a region. Sends nothing yet.
    pub fn stacks(&self, account: &str, region: &str) -> AwsStacks<'_> {
        AwsStacks { cloud: self, account: account.to_owned(), region: region.to_owned() }
    }

    /// The client of an account and a region, as long as its session lasts.
    async fn cloudformation(&self, account: &str, region: &str) -> Answer<Client> {
        let place = (account.to_owned(), region.to_owned());
        let now = SystemTime::now();
        let open = hold(&self.members.stacks).get(&place).cloned();
        if let Some((client, ends)) = open
            && ends.is_none_or(|ends| ends > now)
        {
            return Ok(client);
        }
        let config = aws_sdk_cloudformation::config::Builder::from(&self.link.config)
            .region(aws_sdk_cloudformation::config::Region::new(region.to_owned()));
        let (config, ends) = match self.keys_of(account).await? {
            None => (config, None),
            Some((keys, ends)) => {
                let uncached = aws_sdk_cloudformation::config::IdentityCache::no_cache();
                (config.credentials_provider(keys).identity_cache(uncached), Some(ends))
            }
        };
        let client = Client::from_conf(config.build());
        hold(&self.members.stacks).insert(place, (client.clone(), ends));
        Ok(client)
    }
}

/// Sends a request of a client of the place: `send!(self, call, |client| client.describe_stacks()…)`.
macro_rules! send {
    ($self:ident, $call:expr, |$client:ident| $request:expr) => {{
        let $client = $self.client().await?;
        let answer = $self.cloud.road().send($call, || $request.send()).await;
        $self.said(answer).await
    }};
}

impl AwsStacks<'_> {
    async fn client(&self) -> Answer<Client> {
        self.cloud.cloudformation(&self.account, &self.region).await
    }

    /// A young account refuses the keys of its own session for a while.
    async fn said<T>(&self, answer: Answer<T>) -> Answer<T> {
        match answer {
            Err(error) if error.failure == Failure::Credentials && self.cloud.me().await?.account != self.account => {
                Err(not_let_in(error))
            }
            answer => answer,
        }
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
            .template_body(wanted.template)
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
        self.cloud.block(self.describe(stack))
    }

    fn template(&self, stack: &str) -> Answer<Option<String>> {
        self.cloud.block(self.template_of(stack))
    }

    fn newest_event(&self, stack: &str) -> Answer<Option<String>> {
        Ok(self.cloud.block(self.events_of(stack, None, 1))?.pop().map(|event| event.id))
    }

    fn events(&self, stack: &str, since: Option<&str>) -> Answer<Vec<StackEvent>> {
        self.cloud.block(self.events_of(stack, since, ALL))
    }

    fn change_set(&self, stack: &str, name: &str) -> Answer<Option<ChangeSet>> {
        self.cloud.block(self.change_set_of(stack, name))
    }

    fn create_change_set(&self, wanted: &NewChangeSet<'_>) -> Answer<Made> {
        self.cloud.block(self.make(wanted))
    }

    fn execute_change_set(&self, change_set: &Made, token: &str) -> Answer<()> {
        self.cloud.block(self.execute(change_set, token))
    }

    fn delete_change_set(&self, change_set: &Made) -> Answer<()> {
        self.cloud.block(self.drop_change_set(change_set))
    }

    fn delete_stack(&self, id: &str, token: &str) -> Answer<()> {
        self.cloud.block(self.delete(id, token))
    }

    fn continue_rollback(&self, id: &str, token: &str) -> Answer<()> {
        self.cloud.block(self.continue_back(id, token))
    }
}
