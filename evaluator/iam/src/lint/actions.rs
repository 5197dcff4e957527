//! Actions that AWS does not list. Owns that lint.

use super::known::{Meant, is_glob, meant, named};
use super::{Edit, Found, Kind, Setting};
use crate::policy::{Statement, Text};

/// Each action or pattern of a statement that no known action fits; of a service that is unknown, the first. A
/// warning at most: the list has a day, and AWS adds actions before it documents them.
pub(super) fn unknown(statement: &Statement, setting: &Setting<'_>, found: &mut Found<'_>) {
    let mut services: Vec<&str> = Vec::new();
    for item in &statement.actions.items {
        let known = setting.catalogue.action(&item.value).is_some()
            || (is_glob(&item.value) && !named(setting.catalogue, &item.value).is_empty());
        if known {
            continue;
        }
        let prefix = item.value.split(':').next().unwrap_or_default();
        if is_glob(prefix) || setting.catalogue.service(prefix).is_some() {
            action(item, setting, found);
        } else if !services.contains(&prefix) {
            services.push(prefix);
            service(prefix, item, setting, found);
        }
    }
}

fn action(item: &Text, setting: &Setting<'_>, found: &mut Found<'_>) {
    let (written, day) = (&item.value, &setting.catalogue.date);
    let fact = if is_glob(written) {
        format!("no action that AWS lists matches `{written}` (as of {day})")
    } else {
        format!("`{written}` is no action that AWS lists (as of {day})")
    };
    report(item, fact, setting, found);
}

fn service(prefix: &str, item: &Text, setting: &Setting<'_>, found: &mut Found<'_>) {
    let fact = format!("`{prefix}` is no service that AWS lists (as of {})", setting.catalogue.date);
    report(item, fact, setting, found);
}

fn report(item: &Text, fact: String, setting: &Setting<'_>, found: &mut Found<'_>) {
    let near = if is_glob(&item.value) { None } else { meant(setting.catalogue, &item.value) };
    let finding = found.add(Kind::UnknownAction, &item.source, fact);
    match near {
        Some(Meant::Likely(by)) => {
            finding.help = Some(format!("did you mean `{by}`?"));
            finding.edit = Some(Edit { at: item.source.clone(), by });
        }
        Some(Meant::Perhaps(other)) => finding.help = Some(format!("there is `{other}`")),
        None => {}
    }
}
