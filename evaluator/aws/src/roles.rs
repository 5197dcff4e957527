//! What is asked inside member accounts. Owns the sessions there, and how the role of a permission set is known.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use cell_eval::provider::{Answer, CloudError, Failure};

use crate::call::{hold, read};
use crate::cloud::AwsCloud;
use crate::convert::need;
use crate::paging::{ALL, pages};
use crate::places::Clients;
use crate::told;

/// Where Identity Center keeps its roles.
const RESERVED: &str = "/aws-reserved/sso.amazonaws.com/";
/// A session is not used in the last of its time.
const MARGIN: Duration = Duration::from_mins(2);

/// The sessions in member accounts, and the clients in each account and region, the caller's own among them.
#[derive(Debug)]
pub(crate) struct Members {
    role: String,
    sessions: Mutex<HashMap<String, Session>>,
    /// One at a time enters an account.
    doors: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    pub(crate) stacks: Clients<aws_sdk_cloudformation::Client>,
    pub(crate) signals: Clients<aws_sdk_cloudwatch::Client>,
    pub(crate) repositories: Clients<aws_sdk_ecr::Client>,
}

#[derive(Debug, Clone)]
struct Session {
    iam: aws_sdk_iam::Client,
    keys: SharedCredentialsProvider,
    ends: SystemTime,
}

impl Members {
    pub(crate) fn new(role: &str) -> Self {
        Self {
            role: role.to_owned(),
            sessions: Mutex::default(),
            doors: Mutex::default(),
            stacks: Clients::default(),
            signals: Clients::default(),
            repositories: Clients::default(),
        }
    }

    /// The role that a new account is created with.
    pub(crate) fn role(&self) -> &str {
        &self.role
    }

    /// Leaves the session in an account, and the clients that have its keys.
    pub(crate) fn forget(&self, account: &str) {
        fn of<C>(clients: &Clients<C>, account: &str) {
            hold(clients).retain(|(of, _), _| of != account);
        }
        hold(&self.sessions).remove(account);
        of(&self.stacks, account);
        of(&self.signals, account);
        of(&self.repositories, account);
    }

    fn open(&self, account: &str) -> Option<Session> {
        let sessions = hold(&self.sessions);
        let session = sessions.get(account)?;
        (session.ends > SystemTime::now() + MARGIN).then(|| session.clone())
    }
}

impl AwsCloud {
    /// The ARN of the role that a permission set has in an account.
    pub(crate) async fn role_of_set(&self, account: &str, set: &str) -> Answer<Option<String>> {
        let call = read("iam:ListRoles");
        let iam = &self.iam_of(account).await?;
        let own = self.me().await?.account == account;
        let roles = pages(call.name, ALL, |marker| async move {
            let answer = self
                .road()
                .send(call, || iam.list_roles().path_prefix(RESERVED).set_marker(marker.clone()).send())
                .await
                .map_err(|error| if own { error } else { not_let_in(error) })?;
            Ok((answer.roles, answer.marker))
        })
        .await?;
        Ok(roles.into_iter().find(|role| is_role_of(&role.role_name, set)).map(|role| role.arn))
    }

    async fn iam_of(&self, account: &str) -> Answer<aws_sdk_iam::Client> {
        let me = self.me().await?;
        if me.account == account {
            return Ok(self.iam.clone());
        }
        Ok(self.session(account, &me.arn).await?.iam)
    }

    /// The keys of a session in a member account, and until when they serve; none in the cloud's own account.
    pub(crate) async fn keys_of(&self, account: &str) -> Answer<Option<(SharedCredentialsProvider, SystemTime)>> {
        let me = self.me().await?;
        if me.account == account {
            return Ok(None);
        }
        let session = self.session(account, &me.arn).await?;
        Ok(Some((session.keys, session.ends - MARGIN)))
    }

    async fn session(&self, account: &str, me: &str) -> Answer<Session> {
        if let Some(session) = self.members.open(account) {
            return Ok(session);
        }
        // Who comes second to an account waits for the session of the first.
        let door = Arc::clone(hold(&self.members.doors).entry(account.to_owned()).or_default());
        let _one = door.lock().await;
        if let Some(session) = self.members.open(account) {
            return Ok(session);
        }
        let session = self.enter(account, me).await?;
        hold(&self.members.sessions).insert(account.to_owned(), session.clone());
        Ok(session)
    }

    async fn enter(&self, account: &str, me: &str) -> Answer<Session> {
        let call = read("sts:AssumeRole");
        let partition = me.split(':').nth(1).unwrap_or("aws");
        let role = format!("arn:{partition}:iam::{account}:role/{}", self.members.role);
        let answer = self
            .road()
            .send(call, || self.sts.assume_role().role_arn(&role).role_session_name("cellc").send())
            .await?;
        let given = need(call.name, "Credentials", answer.credentials)?;
        let ends = SystemTime::try_from(given.expiration).unwrap_or_else(|_| SystemTime::now());
        let keys = Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            Some(ends),
            "cellc-member",
        );
        told::learn(&keys);
        let keys = SharedCredentialsProvider::new(keys);
        let config = aws_sdk_iam::config::Builder::from(&self.link.config)
            .credentials_provider(keys.clone())
            .identity_cache(aws_sdk_iam::config::IdentityCache::no_cache())
            .build();
        Ok(Session { iam: aws_sdk_iam::Client::from_conf(config), keys, ends })
    }
}

/// A young account refuses the keys of its own session for a while: not ours are bad, it lets nobody in yet.
pub(crate) fn not_let_in(error: CloudError) -> CloudError {
    match error.failure {
        Failure::Credentials => CloudError { failure: Failure::Denied, ..error },
        _ => error,
    }
}

/// Is it the set's role? What follows the set's name is hexadecimal, so that `A` is not taken for `A_B`.
fn is_role_of(role: &str, set: &str) -> bool {
    let Some(suffix) = role.strip_prefix("AWSReservedSSO_").and_then(|rest| rest.strip_prefix(set)) else {
        return false;
    };
    suffix.strip_prefix('_').is_some_and(|random| !random.is_empty() && !random.contains('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_role_tells_its_set() {
        assert!(is_role_of("AWSReservedSSO_Admin_0123456789abcdef", "Admin"));
        assert!(is_role_of("AWSReservedSSO_Admin_EU_0123456789abcdef", "Admin_EU"));
        assert!(!is_role_of("AWSReservedSSO_Admin_EU_0123456789abcdef", "Admin"));
        assert!(!is_role_of("AWSReservedSSO_Administrator_0123456789abcdef", "Admin"));
        assert!(!is_role_of("AWSReservedSSO_Admin_", "Admin"));
    }

    #[test]
    fn refused_keys_of_a_session_mean_that_the_account_is_not_ready() {
        let refused = CloudError::own("iam:ListRoles", Failure::Credentials, "");
        assert_eq!(not_let_in(refused).failure, Failure::Denied);
    }
}
