//! Permission sets by waves: the set has one form, and its role in each account gets it when the account's turn comes. Owns
//! putting a former form back, and bringing one account to the form that the set has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;

use crate::apply::follow::Follower;
use crate::live::{LiveSet, SetDetail};
use crate::plan::canonical;
use crate::plan::diff::sets::{boundary, customer_policy, fields_as_read, set_fields, texts};
use crate::plan::model::{Fields, Limits};
use crate::provider::{Clock, CloudError, Failure, Provider, ProvisionTarget, Provisioned};

/// What a form is made of. Tags are the set's own, whatever form it has.
pub(crate) const PARTS: [&str; 7] =
    ["description", "session", "relay_state", "managed", "customer_managed", "inline", "boundary"];
/// Waits between two reads of what was written, in milliseconds: it may take a while to spread.
const READS: [u64; 8] = [0, 200, 400, 800, 1_600, 3_000, 5_000, 8_000];

/// The roles of permission sets.
#[derive(Debug)]
pub struct Roles<'a> {
    provider: &'a dyn Provider,
    clock: &'a dyn Clock,
    follower: Follower<'a>,
    /// The instance of Identity Center; the only one where none is named.
    instance: Option<String>,
    found: Mutex<bool>,
    /// One at a time writes a set's form.
    writing: Mutex<BTreeMap<String, Arc<Mutex<()>>>>,
}

impl<'a> Roles<'a> {
    /// Those of a cloud, within its limits, in an instance of Identity Center.
    pub fn new(provider: &'a dyn Provider, clock: &'a dyn Clock, limits: Limits, instance: Option<String>) -> Self {
        let follower = Follower::new(provider, clock, limits.tps, limits.lanes);
        Self { provider, clock, follower, instance, found: Mutex::new(false), writing: Mutex::default() }
    }

    /// Looks the instance up, once.
    fn find(&self) -> Result<(), CloudError> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if !*found {
            let gone = || CloudError::own("sso:ListInstances", Failure::NotFound, "there is no such instance");
            self.provider.center(self.instance.as_deref())?.ok_or_else(gone)?;
            *found = true;
        }
        Ok(())
    }

    /// What of a set is otherwise than a form.
    ///
    /// # Errors
    /// When a call failed.
    pub fn altered(&self, set: &str, form: &Fields) -> Result<Option<String>, CloudError> {
        self.find()?;
        let differing = self.form(set, form, false)?;
        Ok((!differing.is_empty()).then(|| changed(&differing)))
    }

    /// The accounts that have the newest form of a set; none where forms are not told apart.
    ///
    /// # Errors
    /// When a call failed.
    pub fn newest(&self, set: &str) -> Result<BTreeSet<String>, CloudError> {
        self.find()?;
        match self.provider.accounts_of_set(set, Some(Provisioned::Latest)) {
            Ok(accounts) => Ok(accounts.into_iter().collect()),
            Err(error) if error.failure == Failure::Unsupported => Ok(BTreeSet::new()),
            Err(error) => Err(error),
        }
    }

    /// Brings the role in an account to a form; what was seen. With `back`, the set gets the form first; without, it must
    /// have it.
    ///
    /// # Errors
    /// When the set has another form, or a call failed, or what was written was not seen.
    pub fn bring(&self, set: &str, account: &str, form: &Fields, back: bool) -> Result<String, CloudError> {
        self.find()?;
        let differing = self.form(set, form, back)?;
        if !differing.is_empty() {
            return Err(CloudError::own("sso:DescribePermissionSet", Failure::Conflict, changed(&differing)));
        }
        self.provision(set, account)
    }

    /// Looks whether a set has a form, and writes it with `write`; where it differs afterwards.
    fn form(&self, set: &str, form: &Fields, write: bool) -> Result<Vec<String>, CloudError> {
        let own = Arc::clone(
            self.writing.lock().unwrap_or_else(PoisonError::into_inner).entry(set.to_owned()).or_default(),
        );
        let _one = own.lock().unwrap_or_else(PoisonError::into_inner);
        let is = self.read(set)?;
        let differing = differing(&is, form);
        if differing.is_empty() || !write {
            return Ok(differing);
        }
        self.write(set, &is, form)?;
        let mut left = differing;
        for wait in READS {
            self.clock.sleep(Duration::from_millis(wait));
            left = self::differing(&self.read(set)?, form);
            if left.is_empty() {
                break;
            }
        }
        Ok(left)
    }

    fn read(&self, set: &str) -> Result<Fields, CloudError> {
        let gone = || CloudError::own("sso:DescribePermissionSet", Failure::NotFound, "the permission set is gone");
        let detail = SetDetail {
            inline: self.provider.inline_policy(set)?,
            managed: self.provider.managed_policies(set)?,
            customer: self.provider.customer_policies(set)?,
            boundary: self.provider.boundary(set)?,
            tags: None,
        };
        let fields = self.provider.set(set)?.ok_or_else(gone)?;
        Ok(fields_as_read(&LiveSet { fields, ..LiveSet::default() }, &detail))
    }

    /// What is added goes before what is taken away.
    fn write(&self, set: &str, is: &Fields, form: &Fields) -> Result<(), CloudError> {
        let differs = |name: &str| is.get(name) != form.get(name);
        if ["description", "session", "relay_state"].iter().any(|name| differs(name)) {
            let name = is.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
            self.provider.update_set(set, &crate::provider::SetFields { name, ..set_fields(form) })?;
        }
        let sides = |name: &str| -> (BTreeSet<String>, BTreeSet<String>) {
            (texts(is.get(name)).into_iter().collect(), texts(form.get(name)).into_iter().collect())
        };
        let (has, wants) = sides("managed");
        let (has_customer, wants_customer) = sides("customer_managed");
        // Where a set has as many as AWS takes, one that goes makes room.
        let gone = has.difference(&wants).map(|policy| (true, policy));
        let mut old = gone.chain(has_customer.difference(&wants_customer).map(|policy| (false, policy)));
        let new = wants.difference(&has).map(|policy| (true, policy));
        for (managed, policy) in new.chain(wants_customer.difference(&has_customer).map(|policy| (false, policy))) {
            while let Err(error) = self.attach(set, managed, policy) {
                let room = if error.failure == Failure::Quota { old.next() } else { None };
                let Some((managed, policy)) = room else { return Err(error) };
                self.detach(set, managed, policy)?;
            }
        }
        old.try_for_each(|(managed, policy)| self.detach(set, managed, policy))?;
        if differs("boundary") {
            match form.get("boundary").and_then(Json::as_str) {
                Some(text) => self.provider.put_boundary(set, &boundary(text))?,
                None => self.provider.delete_boundary(set)?,
            }
        }
        if differs("inline") {
            match form.get("inline") {
                Some(document) => self.provider.put_inline_policy(set, &document.to_string())?,
                None => self.provider.delete_inline_policy(set)?,
            }
        }
        Ok(())
    }

    fn attach(&self, set: &str, managed: bool, policy: &str) -> Result<(), CloudError> {
        if managed {
            self.provider.attach_managed(set, policy)
        } else {
            self.provider.attach_customer(set, &customer_policy(policy))
        }
    }

    fn detach(&self, set: &str, managed: bool, policy: &str) -> Result<(), CloudError> {
        if managed {
            self.provider.detach_managed(set, policy)
        } else {
            self.provider.detach_customer(set, &customer_policy(policy))
        }
    }

    fn provision(&self, set: &str, account: &str) -> Result<String, CloudError> {
        let target = ProvisionTarget::Account(account.to_owned());
        let Some(followed) = self.follower.provision(set, &target)? else {
            return Ok("sso:ProvisionPermissionSet: nobody has it there any more".to_owned());
        };
        let call = "sso:ListAccountsForProvisionedPermissionSet";
        for wait in READS {
            self.clock.sleep(Duration::from_millis(wait));
            match self.provider.accounts_of_set(set, Some(Provisioned::NotLatest)) {
                Ok(stale) if stale.iter().any(|other| other == account) => {}
                Ok(_) => return Ok(format!("{call}: the account has the newest form; ended by {}", followed.by)),
                Err(error) if error.failure == Failure::Unsupported => {
                    return Ok(format!("{call}: forms are not told apart here; ended by {}", followed.by));
                }
                Err(error) => return Err(error),
            }
        }
        Err(CloudError::own(call, Failure::Failed, "it was provisioned, and the account still has an older form"))
    }
}

fn changed(parts: &[String]) -> String {
    format!("the permission set was changed meanwhile: {}", parts.join(", "))
}

/// The parts in which two forms differ. A description can be changed and not taken away.
fn differing(is: &Fields, form: &Fields) -> Vec<String> {
    let differs = |name: &&&str| match (is.get(**name), form.get(**name)) {
        (Some(_), None) if **name == "description" => false,
        (Some(document), Some(wanted)) if **name == "inline" => !canonical::same(document, wanted),
        (one, other) => one != other,
    };
    PARTS.iter().filter(differs).map(ToString::to_string).collect()
}
