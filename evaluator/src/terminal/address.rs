//! Addresses for people. Owns the way from an address to its kind and label; who has another name is told by others.

use super::visible;

/// Kinds that begin the last part of an address.
const KINDS: &[&str] = &[
    "account",
    "alarm",
    "cell",
    "component",
    "grant",
    "group",
    "guard",
    "org",
    "ou",
    "permission_set",
    "rollout",
    "scp",
    "user",
];

/// The kind that stands in an address.
pub(crate) fn kind(address: &str) -> Option<&str> {
    split(address).map(|(_, kind, _)| kind)
}

/// Modules with their dot, kind, and label.
pub(crate) fn split(address: &str) -> Option<(&str, &str, &str)> {
    let mut start = 0;
    while let Some(end) = address.get(start..)?.find('.').map(|at| start + at) {
        let word = address.get(start..end)?;
        if KINDS.contains(&word) {
            return Some((address.get(..start)?, word, address.get(end + 1..)?));
        }
        start = end + 1;
    }
    None
}

/// The kind and the label: `cell alpha` of `cell.alpha`, `cell west.alpha` of `west.cell.alpha`; safe to show.
pub(crate) fn with_kind(address: &str) -> String {
    match kind(address) {
        Some(kind) => format!("{} {}", kind.replace('_', " "), label(address)),
        None => visible::name(address),
    }
}

/// The label alone, with its modules; safe to show.
pub(crate) fn label(address: &str) -> String {
    match split(address) {
        Some((modules, _, label)) => visible::name(&format!("{modules}{label}")),
        None => visible::name(address),
    }
}
