//! The regions this version knows. Data: the list has a date and a source, and a region that it lacks is worth a
//! warning, no error.

use crate::provider::partition;

/// When the lists were read.
pub const READ_ON: &str = "2026-09-26";

/// Where AWS's stand: `endpoints.json` as botocore 1.44 ships it.
pub const AWS_SOURCE: &str = "botocore 1.44, endpoints.json";

/// Where Google's stand.
pub const GCP_SOURCE: &str = "cloud.google.com, Geography and regions";

/// The regions of AWS, sorted.
pub const AWS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

/// The regions of Google Cloud, sorted.
pub const GCP: &[&str] = &[
    "africa-south1",
    "asia-east1",
    "asia-east2",
    "asia-northeast1",
    "asia-northeast2",
    "asia-northeast3",
    "asia-south1",
    "asia-south2",
    "asia-southeast1",
    "asia-southeast2",
    "asia-southeast3",
    "australia-southeast1",
    "australia-southeast2",
    "europe-central2",
    "europe-north1",
    "europe-north2",
    "europe-southwest1",
    "europe-west1",
    "europe-west10",
    "europe-west12",
    "europe-west2",
    "europe-west3",
    "europe-west4",
    "europe-west6",
    "europe-west8",
    "europe-west9",
    "me-central1",
    "me-central2",
    "me-west1",
    "northamerica-northeast1",
    "northamerica-northeast2",
    "northamerica-south1",
    "southamerica-east1",
    "southamerica-west1",
    "us-central1",
    "us-east1",
    "us-east4",
    "us-east5",
    "us-south1",
    "us-west1",
    "us-west2",
    "us-west3",
    "us-west4",
];

/// Where [`BUDGETS`] stands.
pub const BUDGETS_SOURCE: &str = "cfn-lint 1.58.0, the schemas of each region";

/// The regions whose CloudFormation has `AWS::Budgets::Budget`, sorted. AWS adds no newer one by itself, so a region that is in
/// neither list is taken for one that lacks it.
pub const BUDGETS: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-isoe-west-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

/// The region whose CloudFormation makes the budget of an account that works in `region`: that region if it has budgets, else the
/// one that the partition's Budgets are reached in. None where the partition has no Budgets at all: AWS GovCloud, whose costs are
/// told in the commercial account that belongs to it (botocore 1.44, endpoints.json;
/// <https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/usage-and-payment.html>).
pub(crate) fn of_budget(region: &str) -> Option<&str> {
    if BUDGETS.binary_search(&region).is_ok() {
        return Some(region);
    }
    match partition::of(region) {
        partition::AWS => Some("us-east-1"),
        partition::CHINA => Some("cn-northwest-1"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_lists_are_sorted() {
        assert!(super::AWS.is_sorted());
        assert!(super::GCP.is_sorted());
        assert!(super::BUDGETS.is_sorted());
        assert!(super::BUDGETS.iter().all(|region| super::AWS.binary_search(region).is_ok()));
    }

    #[test]
    fn a_budget_is_made_where_cloudformation_has_it() {
        for (region, of) in [
            ("eu-west-1", Some("eu-west-1")),
            ("eu-north-1", Some("us-east-1")),
            ("xx-newest-1", Some("us-east-1")),
            ("cn-north-1", Some("cn-north-1")),
            ("us-gov-west-1", None),
        ] {
            assert_eq!(super::of_budget(region), of, "{region}");
        }
    }
}
