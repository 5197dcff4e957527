//! Tests of semantics, without sockets. It owns the harness: a sandbox whose clock stands still until it is told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cloudformation;
mod cloudwatch;
mod durability;
mod ecr;
mod faults;
mod iam;
mod identity_center;
mod kubernetes;
mod organizations;
mod principals;
mod s3;
mod scale;
mod wire;

use crate::engine::{Call, Manner, Reply};
use crate::service::Service;
use crate::{Config, Delays, Quotas, Sandbox, Seed, SeedAccount};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const MANAGEMENT: &str = "111111111111";
const MEMBER: &str = "222222222222";
const DELEGATE: &str = "333333333333";

/// A sandbox with an organization in it, and who calls.
struct Cloud {
    sandbox: Arc<Sandbox>,
    key: String,
}

fn settings() -> Config {
    Config {
        speed: 0.0,
        tps: 0.0,
        delays: Delays { propagation: Duration::ZERO, ..Delays::default() },
        quotas: Quotas { accounts: 100, ..Quotas::default() },
        ..Config::default()
    }
}

fn seed() -> Seed {
    let account = |id: &str, name: &str, ou: Option<&str>| SeedAccount {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        email: format!("{name}@example.com"),
        ou: ou.map(str::to_owned),
        ..SeedAccount::default()
    };
    Seed {
        management_account: Some(MANAGEMENT.to_owned()),
        home_region: Some("eu-west-1".to_owned()),
        groups: vec!["Admins".to_owned(), "Developers".to_owned()],
        users: vec!["alice".to_owned()],
        accounts: vec![account(MEMBER, "member", None), account(DELEGATE, "delegate", Some("Security"))],
        buckets: vec!["registry".to_owned()],
        delegated_admin: Some("delegate".to_owned()),
        ..Seed::default()
    }
}

impl Cloud {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(config: Config) -> Self {
        let sandbox = Sandbox::open(None, config).unwrap();
        sandbox.seed(&seed()).unwrap();
        Self::of(sandbox)
    }

    fn of(sandbox: Arc<Sandbox>) -> Self {
        Self { sandbox, key: "test".to_owned() }
    }

    /// The same sandbox, called with another key.
    fn by(&self, key: &str) -> Self {
        Self { sandbox: Arc::clone(&self.sandbox), key: key.to_owned() }
    }

    fn reply(&self, operation: &str, input: Value) -> Reply {
        let (service, operation) = operation.split_once(':').unwrap();
        let service = [
            Service::Organizations,
            Service::SsoAdmin,
            Service::IdentityStore,
            Service::Sts,
            Service::Iam,
            Service::Account,
            Service::S3,
            Service::CloudFormation,
            Service::CloudWatch,
            Service::Ecr,
            Service::Kubernetes,
        ]
        .into_iter()
        .find(|known| known.name() == service)
        .unwrap();
        let call = Call { service, operation: operation.to_owned(), key: Some(self.key.clone()), input };
        self.sandbox.call(call)
    }

    fn ok(&self, operation: &str, input: Value) -> Value {
        self.reply(operation, input).answer.unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    /// The code of the error, with its reason if it has one.
    fn err(&self, operation: &str, input: Value) -> String {
        let error = self.reply(operation, input).answer.expect_err(operation);
        match error.fields.get("Reason").and_then(Value::as_str) {
            Some(reason) => format!("{}/{reason}", error.code),
            None => error.code,
        }
    }

    fn wait(&self, seconds: u64) {
        self.sandbox.advance(Duration::from_secs(seconds)).unwrap();
    }

    fn root(&self) -> String {
        text(&self.ok("organizations:ListRoots", json!({})), "/Roots/0/Id")
    }

    fn unit(&self, parent: &str, name: &str) -> String {
        let made = self.ok("organizations:CreateOrganizationalUnit", json!({"ParentId": parent, "Name": name}));
        text(&made, "/OrganizationalUnit/Id")
    }

    /// The members every request to Identity Center has.
    fn sso(&self, more: Value) -> Value {
        let mut input = json!({"InstanceArn": self.sandbox.lock().state.sso.instance});
        join(&mut input, more);
        input
    }

    fn set(&self, name: &str) -> String {
        let made = self.ok("sso-admin:CreatePermissionSet", self.sso(json!({"Name": name})));
        text(&made, "/PermissionSet/PermissionSetArn")
    }

    fn group(&self, name: &str) -> String {
        let store = self.sandbox.lock().state.sso.store.clone();
        let by = json!({"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": name}});
        let input = json!({"IdentityStoreId": store, "AlternateIdentifier": by});
        text(&self.ok("identitystore:GetGroupId", input), "/GroupId")
    }

    fn assignment(&self, set: &str, account: &str, group: &str) -> Value {
        self.sso(json!({
            "PermissionSetArn": set, "TargetId": account, "TargetType": "AWS_ACCOUNT",
            "PrincipalType": "GROUP", "PrincipalId": group,
        }))
    }

    /// Assigns and waits for the result, which is given back.
    fn assign(&self, set: &str, account: &str, group: &str) -> Value {
        let begun = self.ok("sso-admin:CreateAccountAssignment", self.assignment(set, account, group));
        self.wait(1);
        let id = text(&begun, "/AccountAssignmentCreationStatus/RequestId");
        let input = self.sso(json!({"AccountAssignmentCreationRequestId": id}));
        let status = self.ok("sso-admin:DescribeAccountAssignmentCreationStatus", input);
        status.get("AccountAssignmentCreationStatus").cloned().unwrap()
    }

    fn unassign(&self, set: &str, account: &str, group: &str) {
        self.ok("sso-admin:DeleteAccountAssignment", self.assignment(set, account, group));
        self.wait(1);
    }

    /// The reserved roles in an account.
    fn roles(&self, account: &str) -> Vec<Value> {
        let found = self.by(&format!("AKIA{account}")).ok("iam:ListRoles", json!({"PathPrefix": "/aws-reserved/"}));
        list(&found, "/Roles")
    }
}

/// Adds the members of one object to another.
fn join(input: &mut Value, more: Value) {
    if let (Value::Object(input), Value::Object(more)) = (input, more) {
        input.extend(more);
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {value}")).to_owned()
}

fn list(value: &Value, pointer: &str) -> Vec<Value> {
    value.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("{pointer} in {value}")).clone()
}
