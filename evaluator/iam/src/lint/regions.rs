//! Lists of regions that miss one which is used. Owns that lint.

use super::session::negated;
use super::{Also, Found, Holder, Kind, Setting};
use crate::data::packed::glob;
use crate::policy::{Condition, Effect, Statement};

/// The condition keys whose values are regions, in lower case.
const KEYS: [&str; 2] = ["aws:requestedregion", "ec2:region"];

/// Each condition whose list of regions says where the policy lets people work, and leaves out a region in use: an
/// allow in the listed ones, or a deny outside of them. A list that names no region in use is about something else,
/// unless an organization denies all there.
pub(super) fn missing(statement: &Statement, setting: &Setting<'_>, found: &mut Found<'_>) {
    for condition in &statement.conditions {
        let operator = condition.operator.to_ascii_lowercase();
        let text = operator.starts_with("string") && KEYS.contains(&condition.key.to_ascii_lowercase().as_str());
        if !text || negated(&operator) != (statement.effect == Effect::Deny) {
            continue;
        }
        let out: Vec<_> = setting.regions.iter().filter(|region| !listed(condition, &operator, region)).collect();
        let none_listed = out.len() == setting.regions.len();
        if out.is_empty() || (none_listed && !(setting.of == Holder::Organization && is_about_all(statement))) {
            continue;
        }
        let names: Vec<_> = out.iter().map(|region| format!("`{region}`")).collect();
        let (word, has) = if out.len() == 1 { ("region", "is") } else { ("regions", "are") };
        let fact = format!("the {word} {} {has} in use and not in this list", names.join(", "));
        let finding = found.add(Kind::MissingRegion, &condition.source, fact);
        finding.also.push(Also { at: statement.source.clone(), says: effect(statement.effect).to_owned() });
    }
}

/// Whether a statement is about all actions, or all but some.
fn is_about_all(statement: &Statement) -> bool {
    statement.actions.not || statement.actions.items.iter().any(|item| item.value == "*")
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "this allows nothing there",
        Effect::Deny => "this denies there",
    }
}

fn listed(condition: &Condition, operator: &str, region: &str) -> bool {
    let globs = operator.ends_with("like");
    condition.values.iter().any(|value| {
        let value = value.value.as_str();
        // A policy variable may stand for any region.
        value.contains("${") || if globs { glob(value, region) } else { value.eq_ignore_ascii_case(region) }
    })
}
