//! The partitions of AWS: which one a region is in, and the domain of its services.
//!
//! <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>

/// The partition of all regions that are in none of the others.
pub const AWS: &str = "aws";
/// China's.
pub const CHINA: &str = "aws-cn";
/// That of AWS GovCloud (US).
pub const GOVERNMENT: &str = "aws-us-gov";

/// The partition of a region.
pub fn of(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => CHINA,
        _ if region.starts_with("us-gov-") => GOVERNMENT,
        _ => AWS,
    }
}

/// The domain of the services in a region.
pub fn domain(region: &str) -> &'static str {
    if of(region) == CHINA { "amazonaws.com.cn" } else { "amazonaws.com" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_says_its_partition_and_its_domain() {
        let rows = [
            ("eu-central-1", "aws", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ];
        for (region, partition, name) in rows {
            assert_eq!((of(region), domain(region)), (partition, name), "{region}");
        }
    }
}
