//! Where a template lies that is larger than a request takes: a bucket that the program names, under a key that is made
//! of the template's own bytes. Owns names and addresses; sends nothing.
//!
//! INVARIANT: an object is named by the digest of its bytes and never written over, so that what lies there is what the
//! change set was made of, whoever looks and whenever.

use serde::{Deserialize, Serialize};

use crate::digest::sha256;
use crate::provider::partition;

/// What the keys of templates begin with.
pub const PREFIX: &str = "cellc/templates/";
/// What stands for the region of the stack in a bucket's name.
pub const REGION: &str = "{region}";

/// What somebody is told whose template needs a bucket.
pub const HELP: &str = "`org { template_bucket = \"NAME\" }` names a bucket for larger ones: up to 1,000,000 bytes";

/// A bucket for templates, as one stack uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateBucket {
    /// Its name.
    pub name: String,
    /// Its region; none: the one that is called in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl TemplateBucket {
    /// The one of a program's setting for a stack of a region: with `{region}` in its name it is the region's own, else
    /// it is in the home region, where that is said.
    pub fn of(setting: &str, region: &str, home: Option<&str>) -> Self {
        let own = setting.contains(REGION);
        let region_of_it = if own { Some(region) } else { home };
        Self { name: setting.replace(REGION, region), region: region_of_it.map(str::to_owned) }
    }

    /// Where a template lies in it, as CloudFormation is told: always AWS's own address, which servers that speak like
    /// AWS read as well. `called_in` is the region of a bucket that says none.
    pub fn url(&self, called_in: &str, key: &str) -> String {
        let region = self.region.as_deref().unwrap_or(called_in);
        format!("https://{}.s3.{region}.{}/{key}", self.name, partition::domain(region))
    }
}

/// The key of a template: the same for the same bytes.
pub fn key(template: &str) -> String {
    format!("{PREFIX}{}.template", sha256(template))
}

/// The objects of a setting's bucket in a region, as policies name them: in no region in particular when that is `*`.
pub fn objects(setting: &str, partition: &str, region: &str) -> String {
    format!("arn:{partition}:s3:::{}/{PREFIX}*", setting.replace(REGION, region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_the_regions_own_or_at_home() {
        let own = TemplateBucket::of("acme-{region}", "eu-west-1", Some("us-east-1"));
        assert_eq!(own.url("us-west-2", "k"), "https://acme-eu-west-1.s3.eu-west-1.amazonaws.com/k");
        let one = TemplateBucket::of("acme", "eu-west-1", Some("us-east-1"));
        assert_eq!(one.url("us-west-2", "k"), "https://acme.s3.us-east-1.amazonaws.com/k");
        let unsaid = TemplateBucket::of("acme", "eu-west-1", None);
        assert_eq!(unsaid.url("us-west-2", "k"), "https://acme.s3.us-west-2.amazonaws.com/k");
        let china = TemplateBucket::of("acme-{region}", "cn-north-1", None);
        assert_eq!(china.url("cn-north-1", "k"), "https://acme-cn-north-1.s3.cn-north-1.amazonaws.com.cn/k");
    }

    #[test]
    fn a_key_is_made_of_the_bytes() {
        assert_eq!(key("a"), key("a"));
        assert_ne!(key("a"), key("a "));
        assert_eq!(objects("a-{region}", "aws", "*"), "arn:aws:s3:::a-*/cellc/templates/*");
    }
}
