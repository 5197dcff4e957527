//! Condition keys that depend on each other. Owns which these are; what is not proven for it is decided elsewhere.

use smol_str::SmolStr;

use crate::region::{Need, Reason, Region};

/// Keys of which the values of some say something about those of the others, and what that is nobody has written down.
const DEPENDENT: [&[&str]; 4] = [
    &[
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:userid",
        "aws:username",
    ],
    &["aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", "aws:vpcsourceip"],
    &["aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths", "s3:resourceaccount"],
    &["aws:currenttime", "aws:epochtime"],
];

/// Keys that a request carries all or none of: those of a request through an endpoint of a network, or of the clock.
const TOGETHER: [&[&str]; 2] =
    [&["aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"], &["aws:currenttime", "aws:epochtime"]];

/// The keys of a region's witness that depend on each other: several that it carries, or one that it carries beside
/// one that it must not carry.
pub(crate) fn dependent(region: &Region) -> Option<Reason> {
    let context = &region.witness.as_ref()?.request.context;
    let of = |keys: &mut dyn Iterator<Item = &SmolStr>, group: &[&str]| -> Vec<SmolStr> {
        keys.filter(|key| group.iter().any(|own| key.eq_ignore_ascii_case(own))).cloned().collect()
    };
    let carried = |group: &[&str]| of(&mut context.iter().map(|(key, _)| key), group);
    let together = |group: &&[&str]| {
        let absent = region.when.iter().flatten().filter_map(|need| match need {
            Need::Value { key, values } if values.absent && values.of.is_empty() => Some(key),
            _ => None,
        });
        let (carried, missing) = (carried(group), of(&mut { absent }, group));
        if carried.is_empty() || missing.is_empty() { Vec::new() } else { [carried, missing].concat() }
    };
    let alike = DEPENDENT.iter().map(|group| carried(group));
    let mut keys = alike.chain(TOGETHER.iter().map(together)).find(|keys| keys.len() > 1)?;
    keys.sort_unstable();
    keys.dedup();
    Some(Reason::Dependent(keys))
}
