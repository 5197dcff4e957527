//! What is made, and must never be made twice.
//!
//! None of these calls has an idempotency token. The intent is durable before the call; when no answer comes, what
//! the call may have made is looked for, and only if nothing is found anywhere is it sent again.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value as Json;

use super::{Context, Seen, Stop, has_tags, marked};
use crate::provider::{CloudError, Creation, Failure, Known, SetFields, Tags};
use crate::registry::record::{Event, Pending, Record};

/// How often a creation is begun at most: one that nobody answered and that left no trace is begun again.
const TRIES: u32 = 3;
/// Looks for what an unanswered call made, and the seconds between them: it may take a while to be seen.
const LOOKS: [u64; 4] = [0, 2, 5, 8];
/// Seconds between two looks at a creation that goes on.
const POLL: u64 = 1;
/// Minutes that the creation of an account may take.
const LONGEST: i64 = 30;

impl Context<'_> {
    /// Makes an account, or finds the one that an earlier try made.
    pub(super) fn create_account(&self, address: &str, email: &str, name: &str, tags: &Tags) -> Result<Seen, Stop> {
        let pending = self.journal.with(|record| record.pending.get(address).cloned());
        let mut creation = match &pending {
            Some(pending) => self.find_creation(pending, email)?,
            None => None,
        };
        let found = creation.is_some();
        let mut tries = 0;
        while creation.is_none() {
            tries += 1;
            if tries > TRIES {
                return Err(lost("organizations:CreateAccount", address).into());
            }
            creation = self.begin_account(address, email, name, tags)?;
        }
        let Some(creation) = creation else { return Err(lost("organizations:CreateAccount", address).into()) };
        let account = self.await_account(address, email, tags, creation)?;
        if found {
            self.give_tags(&account, tags)?;
        }
        let observed = self.observe("organizations:DescribeAccount", "the account is not there", || {
            let found = self.provider.account(&account)?;
            let ours = found.filter(|found| found.email.eq_ignore_ascii_case(email));
            Ok(ours.map(|found| format!("{} with its e-mail", found.state.word())))
        })?;
        Ok(Seen { observed, id: Some(account) })
    }

    /// The intent, the call, the request's id, each durable before the next. None when nobody can find what the
    /// call may have made.
    fn begin_account(&self, address: &str, email: &str, name: &str, tags: &Tags) -> Result<Option<Creation>, Stop> {
        let intent = Event::Intent {
            address: address.to_owned(),
            kind: "account".to_owned(),
            name: name.to_owned(),
            email: Some(email.to_owned()),
            content: None,
        };
        self.journal.commit(intent)?;
        let answer = self.patiently(|| self.provider.create_account(email, name, tags));
        match answer {
            Ok(creation) => {
                self.requested(address, &creation)?;
                Ok(Some(creation))
            }
            Err(error) if error.failure.did_nothing() => {
                self.journal.commit(Event::Abandoned { address: address.to_owned() })?;
                Err(error.into())
            }
            Err(_) => {
                let pending = self.journal.with(|record| record.pending.get(address).cloned());
                match pending {
                    Some(pending) => self.find_creation(&pending, email),
                    None => Ok(None),
                }
            }
        }
    }

    fn requested(&self, address: &str, creation: &Creation) -> Result<(), Stop> {
        let event = Event::Requested { address: address.to_owned(), request: creation.request.clone() };
        Ok(self.journal.commit(event)?)
    }

    /// A call that was certainly refused for its rate, or for something else under way, is sent again.
    fn patiently<T>(&self, call: impl Fn() -> Result<T, CloudError>) -> Result<T, CloudError> {
        let mut wait = 1;
        loop {
            match call() {
                Err(error) if matches!(error.failure, Failure::Throttled | Failure::Conflict) && wait <= 64 => {
                    self.clock.sleep(Duration::from_secs(wait));
                    wait *= 2;
                }
                other => return other,
            }
        }
    }

    /// What an earlier call began: by the request's id, by the account of the e-mail, by name and time.
    fn find_creation(&self, pending: &Pending, email: &str) -> Result<Option<Creation>, Stop> {
        if let Some(request) = &pending.request {
            match self.provider.creation(request) {
                Ok(creation) => return Ok(Some(creation)),
                // The service forgets requests after a while.
                Err(error) if error.failure == Failure::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        for wait in LOOKS {
            self.clock.sleep(Duration::from_secs(wait));
            let accounts = self.provider.accounts()?;
            if let Some(account) = accounts.iter().find(|account| account.email.eq_ignore_ascii_case(email)) {
                return Ok(Some(Creation {
                    request: String::new(),
                    name: account.name.clone(),
                    requested: None,
                    known: Known::Succeeded,
                    account: Some(account.id.clone()),
                    reason: None,
                }));
            }
            // A clock that is a little off must not hide our own request.
            let since = pending.at - SignedDuration::from_mins(5);
            let ours = self.provider.creations()?.into_iter().filter(|creation| {
                creation.name == pending.name && creation.requested.is_none_or(|requested| requested >= since)
            });
            let ours = ours.filter(|creation| match (creation.known, &creation.account) {
                (Known::Failed, _) => false,
                // Somebody else may have asked for an account of this name: the e-mail tells.
                (_, Some(made)) => accounts.iter().all(|account| account.id != *made),
                (_, None) => true,
            });
            if let Some(creation) = ours.max_by_key(|creation| creation.requested) {
                return Ok(Some(creation));
            }
        }
        Ok(None)
    }

    /// An account that another run asked for, or this one under another address, has the tags that it was asked for with.
    fn give_tags(&self, account: &str, tags: &Tags) -> Result<(), CloudError> {
        if !has_tags(&self.provider.tags_of(account)?, tags, &[]) {
            self.provider.tag(account, tags)?;
        }
        Ok(())
    }

    fn await_account(&self, address: &str, email: &str, tags: &Tags, mut creation: Creation) -> Result<String, Stop> {
        let until = self.clock.now() + SignedDuration::from_mins(LONGEST);
        loop {
            match (creation.known, &creation.account) {
                (Known::Succeeded, Some(account)) => return Ok(account.clone()),
                (Known::Failed, _) => return self.creation_failed(address, email, tags, &creation),
                _ => {}
            }
            if self.clock.now() > until {
                let message = format!(
                    "request {} has not ended in {LONGEST} minutes; the next run goes on with it",
                    creation.request
                );
                return Err(CloudError::own("organizations:CreateAccount", Failure::Lost, message).into());
            }
            self.clock.sleep(Duration::from_secs(POLL));
            creation = self.provider.creation(&creation.request)?;
        }
    }

    /// `EMAIL_ALREADY_EXISTS` may be of our own earlier try: it is looked for first.
    fn creation_failed(&self, address: &str, email: &str, tags: &Tags, creation: &Creation) -> Result<String, Stop> {
        let reason = creation.reason.as_deref().unwrap_or("no reason given");
        if reason == "EMAIL_ALREADY_EXISTS" {
            let accounts = self.provider.accounts()?;
            if let Some(account) = accounts.iter().find(|account| account.email.eq_ignore_ascii_case(email)) {
                self.give_tags(&account.id, tags)?;
                return Ok(account.id.clone());
            }
        }
        self.journal.commit(Event::Abandoned { address: address.to_owned() })?;
        let message = format!("{reason}: {}", creation_advice(reason));
        let failed = CloudError::own("organizations:CreateAccount", Failure::Failed, message);
        Err(CloudError { code: reason.to_owned(), request_id: Some(creation.request.clone()), ..failed }.into())
    }

    /// Makes a unit.
    pub(super) fn create_unit(&self, address: &str, parent: &str, name: &str, tags: &Tags) -> Result<Seen, Stop> {
        let parent_id = self.id(parent)?;
        let find = || {
            let units = self.provider.units_of(&parent_id)?;
            Ok(units.into_iter().find(|unit| unit.name == name).map(|unit| unit.id))
        };
        let id = self.create(address, "ou", name, find, || self.provider.create_unit(&parent_id, name, tags))?;
        let observed = self.observe("organizations:DescribeOrganizationalUnit", "the unit is not there", || {
            let unit = self.provider.unit(&id)?;
            Ok(unit
                .filter(|unit| unit.name == name && unit.parent == parent_id)
                .map(|_| format!("{name} in {parent}")))
        })?;
        Ok(Seen { observed, id: Some(id) })
    }

    /// Makes a service control policy.
    pub(super) fn create_policy(
        &self,
        address: &str,
        name: &str,
        description: &str,
        content: &Json,
        tags: &Tags,
    ) -> Result<Seen, Stop> {
        let content = self.document(content)?;
        let find = || {
            let all = self.provider.policies()?;
            Ok(all.into_iter().find(|policy| policy.name == name && !policy.aws_managed).map(|policy| policy.id))
        };
        let make = || self.provider.create_policy(name, description, &content, tags);
        let id = self.create(address, "scp", name, find, make)?;
        let seen = self.policy_is(&id, name, description, &content)?;
        Ok(Seen { id: Some(id), ..seen })
    }

    /// Makes a permission set.
    pub(super) fn create_set(&self, address: &str, fields: &SetFields, tags: &Tags) -> Result<Seen, Stop> {
        let find = || {
            for arn in self.provider.sets()? {
                if self.provider.set(&arn)?.is_some_and(|set| set.name == fields.name) {
                    return Ok(Some(arn));
                }
            }
            Ok(None)
        };
        let id =
            self.create(address, "permission_set", &fields.name, find, || self.provider.create_set(fields, tags))?;
        let seen = self.set_is(&id, fields)?;
        Ok(Seen { id: Some(id), ..seen })
    }

    /// Makes something whose name is its own: the intent is durable first, and when no answer comes, what has the
    /// name is ours, since nothing had it when the plan was made.
    fn create(
        &self,
        address: &str,
        kind: &str,
        name: &str,
        find: impl Fn() -> Result<Option<String>, CloudError>,
        make: impl Fn() -> Result<String, CloudError>,
    ) -> Result<String, Stop> {
        let asked = |record: &Record| record.pending.get(address).is_some_and(|pending| pending.name == name);
        let earlier = self.journal.with(asked);
        if earlier && let Some(id) = find()? {
            return Ok(id);
        }
        let intent = Event::Intent {
            address: address.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            email: None,
            content: None,
        };
        self.journal.commit(intent)?;
        let mut unsure = earlier;
        for _ in 0..TRIES {
            match make() {
                Ok(id) => return Ok(id),
                // What has the name is ours when an earlier call had no answer; a unit at its place is taken over, as
                // it would have been had it been read.
                Err(error) if error.failure == Failure::Exists && (unsure || kind == "ou") => {
                    return self.looked(&find)?.ok_or_else(|| error.into());
                }
                Err(error) if error.failure.did_nothing() && !unsure => {
                    self.journal.commit(Event::Abandoned { address: address.to_owned() })?;
                    return Err(error.into());
                }
                Err(error) if error.failure.did_nothing() => return Err(error.into()),
                Err(_) => {
                    unsure = true;
                    if let Some(id) = self.looked(&find)? {
                        return Ok(id);
                    }
                }
            }
        }
        Err(lost(kind, address).into())
    }

    /// Looks for what an unanswered call made, a few times: it may take a while to be seen.
    fn looked(&self, find: &impl Fn() -> Result<Option<String>, CloudError>) -> Result<Option<String>, CloudError> {
        for wait in LOOKS {
            self.clock.sleep(Duration::from_secs(wait));
            if let Some(id) = find()? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}

fn lost(call: &str, address: &str) -> CloudError {
    let message = format!(
        "no answer came, and nothing was found by e-mail, name or tag ({}); the next run looks again",
        marked(address)
    );
    CloudError::own(call, Failure::Lost, message)
}

/// What to do about a failed creation. (Organizations API reference, CreateAccountStatus)
fn creation_advice(reason: &str) -> &'static str {
    match reason {
        "ACCOUNT_LIMIT_EXCEEDED" => {
            "the organization has as many accounts as its quota allows; ask AWS to raise it, or park and reuse accounts"
        }
        "EMAIL_ALREADY_EXISTS" => "another AWS account, perhaps a closed one, has the e-mail; write another `email`",
        "INVALID_EMAIL" => "AWS does not take the e-mail; write another `email`",
        "INVALID_ADDRESS" => "the address of the management account is incomplete; mend it in its billing settings",
        "CONCURRENT_ACCOUNT_MODIFICATION" => "the account was being changed by somebody else; run again",
        "INTERNAL_FAILURE" => "AWS failed by itself; run again, and ask AWS support when it comes back",
        "FAILED_BUSINESS_VALIDATION" | "PENDING_BUSINESS_VALIDATION" => {
            "AWS checks the organization's business data; see the management account's mail"
        }
        "MISSING_PAYMENT_INSTRUMENT" | "INVALID_PAYMENT_INSTRUMENT" => {
            "the management account has no valid way to pay"
        }
        "GOVCLOUD_ACCOUNT_ALREADY_EXISTS" | "MISSING_BUSINESS_VALIDATION" => "see the management account's console",
        "UPDATE_EXISTING_RESOURCE_POLICY_WITH_TAGS_NOT_SUPPORTED" => {
            "a resource policy of the organization forbids tags on creation"
        }
        _ => "see the Organizations console of the management account",
    }
}
