//! Conditions that no session of Identity Center meets. Owns the keys that such a session never carries.

use super::{Found, Kind};
use crate::policy::{Condition, Qualifier, Statement};

/// Keys that a session of Identity Center never carries, in lower case, and why. After the pages on global condition
/// keys and on sessions in the IAM User Guide (read 2026-11).
const NEVER: [(&str, &str); 14] = [
    ("aws:multifactorauthpresent", "Identity Center asks for MFA at sign-in, and its sessions do not say so"),
    ("aws:multifactorauthage", "Identity Center asks for MFA at sign-in, and its sessions do not say so"),
    ("aws:username", "only IAM users carry it; a session has `aws:userid`, which ends in the name of the person"),
    ("aws:assumedroot", "only sessions of a member account's root carry it"),
    ("aws:chatbotsourcearn", "only sessions of a chat client carry it"),
    ("aws:ec2instancesourcevpc", "only roles of EC2 instances carry it"),
    ("aws:ec2instancesourceprivateipv4", "only roles of EC2 instances carry it"),
    ("aws:principalservicename", "only AWS services carry it, when they act for themselves"),
    ("aws:principalservicenameslist", "only AWS services carry it, when they act for themselves"),
    ("ec2:roledelivery", "only roles of EC2 instances carry it"),
    ("ec2:sourceinstancearn", "only roles of EC2 instances carry it"),
    ("ssm:sourceinstancearn", "only roles of managed instances carry it"),
    ("lambda:sourcefunctionarn", "only roles of Lambda functions carry it"),
    ("glue:credentialissuingservice", "only roles of Glue jobs carry it"),
];

/// Each condition that is false in every session, since the key it asks for is never there.
pub(super) fn never(statement: &Statement, found: &mut Found<'_>) {
    for condition in &statement.conditions {
        let key = condition.key.to_ascii_lowercase();
        let Some((_, why)) = NEVER.iter().find(|(never, _)| *never == key) else { continue };
        if false_when_absent(condition) {
            let fact = format!("`{}` is in no session of IAM Identity Center, so this never holds", condition.key);
            found.add(Kind::NeverInSession, &condition.source, fact).help = Some((*why).to_owned());
        }
    }
}

/// Whether a condition is false when its key is absent.
pub(super) fn false_when_absent(condition: &Condition) -> bool {
    let operator = condition.operator.to_ascii_lowercase();
    if operator == "null" {
        return condition.values.iter().all(|value| !value.value.eq_ignore_ascii_case("true"));
    }
    !condition.if_exists
        && condition.qualifier != Some(Qualifier::All)
        && (condition.qualifier == Some(Qualifier::Any) || !negated(&operator))
}

/// Whether an operator (in lower case, without qualifier and `IfExists`) is a negated one.
pub(super) fn negated(operator: &str) -> bool {
    operator.contains("not")
}
