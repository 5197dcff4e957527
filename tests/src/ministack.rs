//! ministack, an emulated AWS that is not ours and holds callers to IAM's policies (`AUTH=true`). Owns the server's life,
//! and how a user with a policy is made there. It serves STS, IAM and S3, and neither Organizations nor Identity Center.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::served::Served;
use crate::{aws, http, venv};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server that runs.
#[derive(Debug)]
pub struct Ministack {
    served: Served,
    account: String,
}

/// A pair of keys.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Which.
    pub id: String,
    /// Its secret half.
    pub secret: String,
}

impl Ministack {
    /// Starts one, whose requests are made in `account`, and waits until it answers.
    pub fn start(account: &str) -> Result<Self, String> {
        Self::with(account, "s3,iam,sts", &[])
    }

    /// Starts one with these services and variables, that holds nobody to policies.
    pub fn open(account: &str, services: &str, variables: &[(&str, &str)]) -> Result<Self, String> {
        let mut all = vec![("AUTH", "false")];
        all.extend(variables);
        Self::with(account, services, &all)
    }

    fn with(account: &str, services: &str, variables: &[(&str, &str)]) -> Result<Self, String> {
        let program = venv::ministack()?;
        let command = |port: u16| {
            let mut command = Command::new(&program);
            command
                .envs([("AUTH", "true"), ("BIND_HOST", "127.0.0.1"), ("GATEWAY_PORT", &port.to_string())])
                .envs([("SERVICES", services), ("SFTP_ENABLED", "0"), ("IOT_MTLS_ENABLED", "0")])
                .envs(variables.iter().copied());
            command
        };
        let auth = if variables.contains(&("AUTH", "false")) { "disabled" } else { "enabled" };
        let auth = format!("\"auth\": \"{auth}\"");
        let answers = |url: &str| {
            http::request(url, "GET", "/_ministack/health", "")
                .is_ok_and(|(status, said)| status == 200 && said.contains(&auth))
        };
        let served = Served::start("ministack", PATIENCE, command, answers)?;
        Ok(Self { served, account: account.to_owned() })
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        self.served.url()
    }

    /// Commands of the AWS CLI, as the account's root: no policy binds it.
    pub fn root(&self, commands: &[String]) -> Result<Vec<Value>, String> {
        self.commands(&Pair { id: self.account.clone(), secret: "test".to_owned() }, commands)
    }

    /// Commands of the AWS CLI, as who has this pair of keys.
    pub fn commands(&self, pair: &Pair, commands: &[String]) -> Result<Vec<Value>, String> {
        let mut env = aws::environment(self.url());
        env.extend([
            ("AWS_ACCESS_KEY_ID".to_owned(), pair.id.clone()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), pair.secret.clone()),
        ]);
        aws::all_as(&env, commands)
    }

    /// A command of the AWS CLI, as the root of an account.
    #[allow(clippy::type_complexity)]
    pub fn account(&self, id: &str) -> Box<dyn Fn(&str) -> Result<Value, String> + '_> {
        let pair = Pair { id: id.to_owned(), secret: "test".to_owned() };
        Box::new(move |command| {
            let mut answers = self.commands(&pair, &[command.to_owned()])?;
            answers.pop().ok_or_else(|| format!("no answer to {command}"))
        })
    }

    /// A user that may do nothing.
    pub fn user(&self, name: &str) -> Result<Pair, String> {
        let commands = ["create-user", "create-access-key"].map(|what| format!("iam {what} --user-name {name}"));
        let made = self.root(&commands)?;
        let part = |name: &str| made[1]["AccessKey"][name].as_str().map(str::to_owned).ok_or("no key was made");
        Ok(Pair { id: part("AccessKeyId")?, secret: part("SecretAccessKey")? })
    }

    /// Lets a user do this and nothing else.
    pub fn hold(&self, name: &str, policy: &Value) -> Result<(), String> {
        let command = format!("iam put-user-policy --user-name {name} --policy-name it --policy-document '{policy}'");
        self.root(&[command]).map(drop)
    }
}
