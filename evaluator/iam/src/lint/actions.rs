//! Actions that AWS does not list. Owns that lint.

use super::known::{Meant, is_glob, meant, named};
use super::{Edit, Found, Kind, Setting};
use crate::catalogue::Catalogue;
use crate::policy::Statement;

/// Each action or pattern of a statement that no known action fits; of a service that is unknown, the first. A
/// warning at most: the list has a day, and AWS adds actions before it documents them.
pub(super) fn unknown(statement: &Statement, setting: &Setting<'_>, found: &mut Found<'_>) {
    let mut services: Vec<&str> = Vec::new();
    for item in &statement.actions.items {
        let Some(doubt) = doubt(setting.catalogue, &item.value) else { continue };
        let prefix = prefix(&item.value);
        if doubt.of_service && services.contains(&prefix) {
            continue;
        }
        if doubt.of_service {
            services.push(prefix);
        }
        let finding = found.add(Kind::UnknownAction, &item.source, doubt.fact);
        finding.help = doubt.meant.as_ref().map(Meant::help);
        if let Some(Meant::Likely(by)) = doubt.meant {
            finding.edit = Some(Edit { at: item.source.clone(), by });
        }
    }
}

/// What there is to say of an action or pattern that no known action fits.
pub(super) struct Doubt {
    pub(super) fact: String,
    pub(super) meant: Option<Meant>,
    of_service: bool,
}

pub(super) fn doubt(catalogue: &Catalogue, written: &str) -> Option<Doubt> {
    if catalogue.action(written).is_some() || (is_glob(written) && !named(catalogue, written).is_empty()) {
        return None;
    }
    let (prefix, day) = (prefix(written), &catalogue.date);
    let of_service = !is_glob(prefix) && catalogue.service(prefix).is_none();
    let fact = if of_service {
        format!("`{prefix}` is no service that AWS lists (as of {day})")
    } else if is_glob(written) {
        format!("no action that AWS lists matches `{written}` (as of {day})")
    } else {
        format!("`{written}` is no action that AWS lists (as of {day})")
    };
    let meant = if is_glob(written) { None } else { meant(catalogue, written) };
    Some(Doubt { fact, meant, of_service })
}

fn prefix(written: &str) -> &str {
    written.split(':').next().unwrap_or_default()
}
