//! How many resources a region reaches. Owns the four steps, and how patterns of ARNs are put into them.

use serde::Serialize;

use crate::catalogue::{Catalogue, Service};
use crate::region::{Glob, Region};

/// How many resources, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breadth {
    /// All, or all of a type: `*`, `arn:aws:iam::111122223333:role/*`.
    All,
    /// Those of a pattern: `role/app-*`.
    Many,
    /// All in one that is named: the objects of a bucket.
    Within,
    /// One, or some that are named each.
    Named,
}

impl Breadth {
    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::All => "all resources",
            Self::Many => "resources of a pattern",
            Self::Within => "all within one resource",
            Self::Named => "named resources",
        }
    }
}

/// The widest of a region's resources. An action that can be asked for on no single resource reaches all.
pub(super) fn of_region(region: &Region, catalogue: &Catalogue) -> Breadth {
    let named = region.actions.known.iter().chain(&region.actions.unlisted);
    let mut services: Vec<&Service> = Vec::new();
    let mut last = "";
    for action in named {
        let prefix = action.split(':').next().unwrap_or_default();
        if prefix != last {
            services.extend(catalogue.service(prefix));
            last = prefix;
        }
    }
    region.resources.iter().map(|glob| of_glob(glob, &services)).min().unwrap_or(Breadth::All)
}

fn of_glob(glob: &Glob, services: &[&Service]) -> Breadth {
    let parts = std::iter::once(&glob.glob).chain(&glob.and);
    parts.map(|pattern| of_pattern(pattern, services)).max().unwrap_or(Breadth::All)
}

/// What follows the fifth colon decides: whether the name of the resource is written, begins so, or is open.
fn of_pattern(pattern: &str, services: &[&Service]) -> Breadth {
    let Some(resource) = pattern.splitn(6, ':').nth(5) else { return Breadth::All };
    let literal = resource.find(['*', '?']).map_or(resource, |at| &resource[..at]);
    let kind = services.iter().flat_map(|service| &service.resources).filter_map(|kind| type_prefix(&kind.arn));
    let kind = kind.filter(|prefix| literal.starts_with(prefix)).map(str::len).max().unwrap_or(0);
    if literal.len() == resource.len() {
        return Breadth::Named;
    }
    let name = &resource[kind..];
    let first = name.split(['/', ':']).next().unwrap_or(name);
    match first.find(['*', '?']) {
        Some(0) => Breadth::All,
        Some(_) => Breadth::Many,
        None => Breadth::Within,
    }
}

/// What stands between the fifth colon of a template and its first variable: `role/`.
fn type_prefix(arn: &str) -> Option<&str> {
    let resource = arn.splitn(6, ':').nth(5)?;
    Some(resource.find("${").map_or(resource, |at| &resource[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_a_breadth() {
        let all = crate::data::all().unwrap_or_else(|error| unreachable!("{error}"));
        let services: Vec<&Service> =
            ["iam", "s3", "lambda", "dynamodb"].iter().filter_map(|s| all.service(s)).collect();
        for (pattern, breadth) in [
            ("*", Breadth::All),
            ("arn:aws:iam::111122223333:role/*", Breadth::All),
            ("arn:aws:iam::*:role/app-*", Breadth::Many),
            ("arn:aws:iam::111122223333:role/team/*", Breadth::Within),
            ("arn:aws:iam::111122223333:role/app", Breadth::Named),
            ("arn:aws:s3:::*", Breadth::All),
            ("arn:aws:s3:::logs-*", Breadth::Many),
            ("arn:aws:s3:::logs/*", Breadth::Within),
            ("arn:aws:s3:::logs", Breadth::Named),
            ("arn:aws:lambda:*:*:function:*", Breadth::All),
            ("arn:aws:lambda:us-west-2:111122223333:function:a?c", Breadth::Many),
            ("arn:aws:dynamodb:*:*:table/orders/index/*", Breadth::Within),
        ] {
            assert_eq!(of_pattern(pattern, &services), breadth, "{pattern}");
        }
    }
}
