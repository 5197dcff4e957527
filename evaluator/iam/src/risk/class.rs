//! What an action comes to. Owns how AWS's access level, the lists of sensitive actions and the name of an action are
//! put into a class.

use smol_str::SmolStr;

use super::{Breadth, Class};
use crate::catalogue::{Catalogue, Level};
use crate::data::sensitive::Sensitive;
use crate::region::Region;

/// Names of writes that destroy begin so. In what AWS lists these are some 2,600 actions.
const DESTROYS: [&str; 12] = [
    "Delete",
    "BatchDelete",
    "Terminate",
    "Purge",
    "Destroy",
    "Drop",
    "Truncate",
    "Erase",
    "Wipe",
    "ForceDelete",
    "AdminDelete",
    "Obliterate",
];

/// Names of actions that only look begin so, where no access level is known.
const LOOKS: [&str; 10] =
    ["Get", "List", "Describe", "BatchGet", "BatchDescribe", "View", "Search", "Lookup", "Query", "Head"];

/// Names of actions that set tags begin so, where no access level is known.
const TAGS: [&str; 5] = ["Tag", "Untag", "AddTags", "RemoveTags", "CreateTags"];

/// What an action (`service:Name`) comes to on so many resources. One that AWS does not list is judged by its name,
/// and counts as a write where the name says nothing.
pub fn class_of(action: &str, breadth: Breadth, catalogue: &Catalogue, lists: &Sensitive) -> Class {
    let level = catalogue.action(action).map(|(_, action)| action.level);
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    if level == Some(Level::PermissionsManagement) || lists.exposure.has(action) {
        return Class::Permissions;
    }
    if lists.credentials.has(action) {
        return Class::Credentials;
    }
    if lists.data.has(action) && breadth < Breadth::Named {
        return Class::BulkReads;
    }
    match level {
        _ if lists.destructive.has(action) => Class::Destruction,
        Some(Level::List | Level::Read) => Class::Reads,
        Some(Level::Tagging) => Class::Tagging,
        _ => by_name(name, level.is_none()),
    }
}

/// A write, by its name; an action of no known level may be anything.
fn by_name(name: &str, unknown: bool) -> Class {
    let begins = |with: &[&str]| with.iter().any(|with| name.starts_with(with));
    if begins(&DESTROYS) {
        Class::Destruction
    } else if unknown && begins(&LOOKS) {
        Class::Reads
    } else if unknown && begins(&TAGS) {
        Class::Tagging
    } else {
        Class::Writes
    }
}

/// The gravest class of a region's actions, and the actions of that class.
pub(super) fn of_region(
    region: &Region,
    breadth: Breadth,
    catalogue: &Catalogue,
    lists: &Sensitive,
) -> (Class, Vec<SmolStr>) {
    let actions = &region.actions;
    if actions.is_everything() && breadth == Breadth::All && region.when.iter().any(Vec::is_empty) {
        return (Class::Administrator, vec!["*".into()]);
    }
    let named = actions.known.iter().chain(&actions.unlisted);
    let mut all: Vec<(Class, &SmolStr)> =
        named.map(|action| (class_of(action, breadth, catalogue, lists), action)).collect();
    if all.is_empty() {
        all.extend(actions.future.iter().map(|pattern| (of_pattern(pattern), pattern)));
    }
    let gravest = all.iter().map(|(class, _)| *class).min().unwrap_or(Class::Reads);
    let mut because: Vec<SmolStr> =
        all.into_iter().filter(|(class, _)| *class == gravest).map(|(_, action)| action.clone()).collect();
    because.sort();
    (gravest, because)
}

/// What actions that AWS may add come to, by what is written before the first wildcard.
fn of_pattern(pattern: &str) -> Class {
    let name = pattern.split_once(':').map_or("", |(_, name)| name);
    let literal = name.find(['*', '?']).map_or(name, |at| &name[..at]);
    by_name(literal, true)
}
