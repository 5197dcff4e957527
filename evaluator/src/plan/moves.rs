//! `moved`: the record as it would be if things had always had the addresses they have now. Owns which addresses
//! follow when an entity moves, which are taken back with a `moved` line whose run came to no end, and which groups and users follow their
//! names.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::desired::{ADDRESS_TAG, Desired, WantedPrincipal};
use super::given;
use crate::live::assignments::kind_of;
use crate::registry::record::{Entry, Principal, Record, base_of};

/// The record with every `moved` line followed, and from where each address came; the record itself without such lines.
pub fn follow<'r>(desired: &Desired, record: &'r Record) -> (Cow<'r, Record>, BTreeMap<String, String>) {
    let mut origins = BTreeMap::new();
    let mut back = back(desired, record);
    back.extend(given::back(desired, record));
    back.extend(relabelled(desired, record));
    let moves = Moves { desired, back };
    if desired.moved.is_empty() && moves.back.is_empty() {
        return (Cow::Borrowed(record), origins);
    }
    let mut moved = record.clone();
    for address in record.resources.keys() {
        let Some(to) = moves.readdressed(address) else { continue };
        // What stands at the new address already stays; the former one is then as any other that is gone.
        if record.resources.contains_key(&to) || moved.resources.contains_key(&to) {
            continue;
        }
        if let Some(entry) = moved.resources.remove(address) {
            moved.resources.insert(to.clone(), entry);
            origins.insert(to, address.clone());
        }
    }
    for (to, from) in &origins {
        moved.rename_in_fields(from, to);
    }
    for (address, found) in &record.principals {
        if let Some(to) = moves.to(address).filter(|to| !record.principals.contains_key(to)) {
            moved.principals.remove(address);
            moved.principals.insert(to, found.clone());
        }
    }
    for (address, pending) in &record.pending {
        if let Some(to) = moves.readdressed(address) {
            moved.pending.remove(address);
            moved.pending.insert(to.clone(), pending.clone());
            origins.insert(to, address.clone());
        }
    }
    if let Some(begun) = &mut moved.under_way {
        origins.iter().for_each(|(to, from)| begun.readdress(from, to));
    }
    (Cow::Owned(moved), origins)
}

/// The address that `address` has now, when a part of it moved.
pub fn readdressed(desired: &Desired, address: &str) -> Option<String> {
    Moves { desired, back: BTreeMap::new() }.readdressed(address)
}

/// Addresses that a run which came to no end has given, and that the program has taken back: the record says which they were before, or
/// that what has them is still marked so. What it is marked with by now is looked at.
fn back(desired: &Desired, record: &Record) -> BTreeMap<String, String> {
    let Some(begun) = &record.under_way else { return BTreeMap::new() };
    let is_back = |address: &str, former: &str| {
        former != base_of(address)
            && !desired.resources.contains_key(address)
            && !desired.removed.contains_key(address)
            && desired.resources.contains_key(former)
            && !record.resources.contains_key(former)
            && desired.moved_to(base_of(address)).is_none()
    };
    let marked = |(address, entry): (&String, &Entry)| {
        let mark = entry.fields.get("tags")?.get(ADDRESS_TAG)?.as_str()?;
        is_back(address, mark).then(|| (address.clone(), mark.to_owned()))
    };
    let mut back: BTreeMap<String, String> = record.resources.iter().filter_map(marked).collect();
    // What was made in place of another is not that one.
    let stands: BTreeSet<String> = back.values().cloned().collect();
    let given = begun.readdressed.iter().filter_map(|(address, had)| Some((address, had.first()?)));
    let given = given.filter(|(address, former)| {
        record.resources.contains_key(*address) && !stands.contains(*former) && is_back(address, former)
    });
    back.extend(given.map(|(address, former)| (address.clone(), former.clone())));
    back
}

/// Groups and users that the program calls by another label now: they are looked up by their names, and are not the program's, so that
/// no `moved` line is asked for.
fn relabelled(desired: &Desired, record: &Record) -> BTreeMap<String, String> {
    let now = |(address, found): (&String, &Principal)| {
        if desired.principals.contains_key(address) || desired.moved_to(address).is_some() {
            return None;
        }
        let same = |(to, wanted): &(&String, &WantedPrincipal)| {
            wanted.kind == kind_of(address)
                && wanted.name == found.name
                && record.principals.get(*to).is_none_or(|known| known.id == found.id)
        };
        let (to, _) = desired.principals.iter().find(same)?;
        Some((address.clone(), to.clone()))
    };
    record.principals.iter().filter_map(now).collect()
}

/// What has another address now.
struct Moves<'d> {
    desired: &'d Desired,
    /// What has its former address again.
    back: BTreeMap<String, String>,
}

impl Moves<'_> {
    fn to(&self, from: &str) -> Option<String> {
        self.desired.moved_to(from).or_else(|| self.back.get(from).cloned())
    }

    fn readdressed(&self, address: &str) -> Option<String> {
        if let Some(to) = self.back.get(address) {
            return Some(to.clone());
        }
        // What another was made in place of goes with it.
        let (address, former) = address.split_at(base_of(address).len());
        let mut any = false;
        let mut part = |at: usize, part: &str| {
            let to = if at == 0 { self.head(part) } else { self.to(part) };
            any |= to.is_some();
            to.unwrap_or_else(|| part.to_owned())
        };
        let parts: Vec<String> = address.split('/').enumerate().map(|(at, text)| part(at, text)).collect();
        any.then(|| format!("{}{former}", parts.join("/")))
    }

    /// The first part: an entity, or what is named after one (`assignment.Look`).
    fn head(&self, part: &str) -> Option<String> {
        for (head, kind) in [("assignment.", "permission_set"), ("scp_attachment.", "scp")] {
            let Some(label) = part.strip_prefix(head) else { continue };
            let (modules, label) =
                label.rsplit_once('.').map_or((String::new(), label), |(m, l)| (format!("{m}."), l));
            let to = self.to(&format!("{modules}{kind}.{label}"))?;
            return Some(format!("{head}{}", to.replacen(&format!("{kind}."), "", 1)));
        }
        self.to(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_follows() {
        let moved =
            [("cell.a*", "cell.b*"), ("permission_set.Old", "lib.permission_set.New"), ("group.x", "group.y")];
        let moved = moved.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec();
        let desired = Desired { moved, ..Desired::default() };
        let to = |address: &str| readdressed(&desired, address);
        assert_eq!(to("cell.a1").as_deref(), Some("cell.b1"));
        assert_eq!(to("assignment.Old/group.x/cell.a1").as_deref(), Some("assignment.lib.New/group.y/cell.b1"));
        assert_eq!(to("scp_attachment.deny/cell.a1").as_deref(), Some("scp_attachment.deny/cell.b1"));
        assert_eq!(to("cell.c"), None);
    }

    /// The lines of several edits may stay: what an earlier one moved, a later one moves on.
    #[test]
    fn a_chain_of_lines_is_followed_to_its_end() {
        let moved = [("ou.c", "ou.d"), ("ou.a", "ou.b"), ("ou.b", "ou.c"), ("group.x-*", "group.x-x-*")];
        let moved = moved.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec();
        let desired = Desired { moved, ..Desired::default() };
        let to = |address: &str| readdressed(&desired, address);
        for former in ["ou.a", "ou.b", "ou.c"] {
            assert_eq!(to(former).as_deref(), Some("ou.d"), "{former}");
        }
        assert_eq!(to("ou.d"), None);
        assert!(to("group.x-y").is_some(), "it ends");
    }
}
