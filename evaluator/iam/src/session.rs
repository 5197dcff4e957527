//! What requests of people carry who come through IAM Identity Center. Owns the facts about their sessions; what
//! follows from them is not its affair.
//!
//! Facts: [the ARN of the role](https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html),
//! [global condition keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html),
//! both read in 2026-11.

use smol_str::{SmolStr, format_smolstr};

use crate::access::{ANYTHING, Fact, Facts};

/// Keys that a session never carries, in lower case, and why.
pub(crate) const NEVER: [(&str, &str); 14] = [
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

/// Keys that every request of a session carries, in lower case, with the shape of their value. AWS says of each that it
/// is always there, or is in all requests, or in all of principals that belong to an organization: who has permission
/// sets does. A key of which AWS says less may be absent.
const ALWAYS: [(&str, &str); 8] = [
    ("aws:currenttime", ANYTHING),
    ("aws:epochtime", ANYTHING),
    ("aws:principalorgid", ANYTHING),
    ("aws:principalorgpaths", ANYTHING),
    ("aws:requestedregion", ANYTHING),
    ("aws:securetransport", TRUTH),
    ("aws:userid", ANYTHING),
    ("aws:viaawsservice", TRUTH),
];

/// The shape of a boolean value.
const TRUTH: &str = "true|false";

/// The only region that the ARNs of roles leave out.
const UNNAMED_REGION: &str = "us-east-1";

/// A session, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Session<'a> {
    /// The account it works in.
    pub account: Option<&'a str>,
    /// The region of Identity Center.
    pub home_region: Option<&'a str>,
    /// The name of the permission set.
    pub set: Option<&'a str>,
    /// The partition, if it is another than `aws`.
    pub partition: Option<&'a str>,
}

/// What every session carries, and what none does.
pub fn facts() -> Facts {
    let mut facts =
        Facts::default().with("aws:PrincipalType", "AssumedRole").with("aws:PrincipalIsAWSService", "false");
    for (key, _) in NEVER {
        facts.set(key, Fact::Absent);
    }
    for (key, shape) in ALWAYS {
        facts.set(key, Fact::Like(shape.into()));
    }
    facts
}

impl Session<'_> {
    /// What is known of the ARN of its role, all but what AWS makes up: in other regions than `us-east-1` the path of
    /// the role names the region of Identity Center.
    pub fn role(&self) -> Fact {
        let account = self.account.unwrap_or("${Account}");
        let partition = self.partition.unwrap_or("aws");
        let path = format_smolstr!("arn:{partition}:iam::{account}:role/aws-reserved/sso.amazonaws.com");
        let name = format_smolstr!("AWSReservedSSO_{}_${{Suffix}}", self.set.unwrap_or("${Name}"));
        let shape = match self.home_region {
            Some(UNNAMED_REGION) => format_smolstr!("{path}/{name}"),
            Some(region) => format_smolstr!("{path}/{region}/{name}"),
            None => format_smolstr!("{path}/${{Region}}/{name}|{path}/{name}"),
        };
        Fact::Like(shape)
    }

    /// What is known of its account.
    pub fn account(&self) -> Fact {
        match self.account {
            Some(account) => Fact::Is(vec![account.into()]),
            None => Fact::Like("${Account}".into()),
        }
    }

    /// All that is known of it.
    pub fn facts(&self) -> Facts {
        let mut facts = facts();
        facts.set("aws:PrincipalArn", self.role());
        facts.set("aws:PrincipalAccount", self.account());
        facts
    }
}

/// Why a session never carries a key (in lower case); none when it may.
pub(crate) fn never(key: &str) -> Option<SmolStr> {
    NEVER.iter().find(|(never, _)| *never == key).map(|(_, why)| SmolStr::new_static(why))
}
