//! Forms of permission sets that were taken back. The apply that wrote a form into a set has recorded it; a rollout that puts the
//! former one back holds no lock of the record. Owns what the record says then, so that nobody takes it for a change from outside.

use std::collections::BTreeMap;

use super::desk::Kept;
use super::dossier::Dossier;
use super::sets::PARTS;
use crate::plan::model::Fields;
use crate::registry::record::Record;

/// Gives the sets of a record whose form was taken back the form that they have since. An apply that writes another form clears
/// that in the book first.
pub fn put_back(record: &mut Record, kept: &BTreeMap<String, Kept>) {
    for (of, kept) in kept {
        let Some((withdrawn, former)) = forms(kept) else { continue };
        let Some(entry) = record.resources.get_mut(of) else { continue };
        if PARTS.iter().any(|part| entry.fields.get(*part) != withdrawn.get(*part)) {
            continue;
        }
        for part in PARTS {
            match former.get(part) {
                Some(value) => _ = entry.fields.insert(part.to_owned(), value.clone()),
                None => _ = entry.fields.remove(part),
            }
        }
    }
}

/// The form that was taken back, and the one that a set has since.
fn forms(kept: &Kept) -> Option<(Fields, Fields)> {
    let withdrawn = kept.dossiers.get(kept.book.withdrawn.as_ref()?)?;
    let rollout = kept.book.rollout.as_ref()?;
    let former = rollout.former.values().find_map(|has| kept.dossiers.get(&has.dossier))?;
    Some((form(withdrawn)?, form(former)?))
}

/// The form that a dossier of a set brings.
pub fn form(dossier: &Dossier) -> Option<Fields> {
    Some(dossier.set()?.1)
}
