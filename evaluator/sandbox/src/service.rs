//! The services, how they are named, and the tables of their operations.

use crate::error::Answer;
use crate::input::{Cx, Input};
use crate::kubernetes;
use crate::services::{
    account, cloudformation, cloudwatch, cost_explorer, ecr, eks, iam, identitystore, organizations, s3, ssoadmin,
    sts,
};
use crate::state::State;
use serde::{Deserialize, Serialize};

/// An AWS service the sandbox answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Service {
    Organizations,
    SsoAdmin,
    #[serde(rename = "identitystore")]
    IdentityStore,
    Sts,
    Iam,
    Account,
    S3,
    #[serde(rename = "cloudformation")]
    CloudFormation,
    #[serde(rename = "cloudwatch")]
    CloudWatch,
    Ecr,
    Eks,
    /// No service of AWS: clusters, in the same engine.
    Kubernetes,
    #[serde(rename = "ce")]
    CostExplorer,
}

/// What an operation does to the state.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// Answers from the newest state.
    Read(fn(&State, &Cx<'_>, Input<'_>) -> Answer),
    /// Answers from a state that may lag behind.
    Lag(fn(&State, &Cx<'_>, Input<'_>) -> Answer),
    /// Changes the state; its request goes to the journal.
    Write(fn(&mut State, &Cx<'_>, Input<'_>) -> Answer),
}

/// A row of a service's table.
pub(crate) type Op = (&'static str, Handler);

impl Service {
    /// The name as in botocore and in faults.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Organizations => "organizations",
            Self::SsoAdmin => "sso-admin",
            Self::IdentityStore => "identitystore",
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::Account => "account",
            Self::S3 => "s3",
            Self::CloudFormation => "cloudformation",
            Self::CloudWatch => "cloudwatch",
            Self::Ecr => "ecr",
            Self::Eks => "eks",
            Self::Kubernetes => "kubernetes",
            Self::CostExplorer => "ce",
        }
    }

    /// Has it a place of its own in each region, which the request's signature names?
    pub(crate) fn is_regional(self) -> bool {
        matches!(self, Self::CloudFormation | Self::CloudWatch | Self::Ecr)
    }

    /// By the prefix of `X-Amz-Target`.
    pub(crate) fn of_target(prefix: &str) -> Option<Self> {
        match prefix {
            "AWSOrganizationsV20161128" => Some(Self::Organizations),
            "SWBExternalService" => Some(Self::SsoAdmin),
            "AWSIdentityStore" => Some(Self::IdentityStore),
            "GraniteServiceVersion20100801" => Some(Self::CloudWatch),
            "AmazonEC2ContainerRegistry_V20150921" => Some(Self::Ecr),
            "AWSInsightsIndexService" => Some(Self::CostExplorer),
            _ => None,
        }
    }

    /// By the name in a signature's scope.
    pub(crate) fn of_scope(name: &str) -> Option<Self> {
        match name {
            "organizations" => Some(Self::Organizations),
            "sso" => Some(Self::SsoAdmin),
            "identitystore" => Some(Self::IdentityStore),
            "sts" => Some(Self::Sts),
            "iam" => Some(Self::Iam),
            "account" => Some(Self::Account),
            "s3" | "s3express" => Some(Self::S3),
            "cloudformation" => Some(Self::CloudFormation),
            "monitoring" | "cloudwatch" => Some(Self::CloudWatch),
            "ecr" => Some(Self::Ecr),
            "eks" => Some(Self::Eks),
            "ce" => Some(Self::CostExplorer),
            _ => None,
        }
    }

    fn table(self) -> &'static [&'static [Op]] {
        match self {
            Self::Organizations => organizations::OPERATIONS,
            Self::SsoAdmin => ssoadmin::OPERATIONS,
            Self::IdentityStore => identitystore::OPERATIONS,
            Self::Sts => sts::OPERATIONS,
            Self::Iam => iam::OPERATIONS,
            Self::Account => account::OPERATIONS,
            Self::S3 => s3::OPERATIONS,
            Self::CloudFormation => cloudformation::OPERATIONS,
            Self::CloudWatch => cloudwatch::OPERATIONS,
            Self::Ecr => ecr::OPERATIONS,
            Self::Eks => eks::OPERATIONS,
            Self::Kubernetes => kubernetes::OPERATIONS,
            Self::CostExplorer => cost_explorer::OPERATIONS,
        }
    }

    pub(crate) fn handler(self, operation: &str) -> Option<Handler> {
        self.table().iter().flat_map(|part| part.iter()).find(|(name, _)| *name == operation).map(|(_, h)| *h)
    }
}
