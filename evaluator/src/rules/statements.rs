//! Single statements of permission sets and service control policies.

use std::collections::HashMap;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;
use smol_str::SmolStr;

use super::fleet::sound;
use super::read::Read;
use super::{Context, ticked};
use crate::resources::policy::{self, Effect};
use crate::value::{BlockValue, EntityId, Value};

/// Permission sets and service control policies with their statements.
fn policies(cx: &Context<'_, '_>) -> impl Iterator<Item = EntityId> {
    sound(cx.world, Kind::PermissionSet).chain(sound(cx.world, Kind::Scp))
}

/// Does a list hold a pattern that takes everything?
fn takes_all(list: &[Value], everything: fn(&str) -> bool) -> bool {
    list.iter().any(|item| matches!(item, Value::Str(text) if everything(text)))
}

fn only_stars(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'*')
}

fn every_action(text: &str) -> bool {
    only_stars(text)
        || text.split_once(':').is_some_and(|(service, action)| only_stars(service) && only_stars(action))
}

/// `rule.statement.not-empty`: what a statement or a guard lists is not empty. IAM takes no statement without
/// actions and resources, and a guard that forbids nothing proves nothing.
pub(super) fn not_empty(cx: &Context<'_, '_>) {
    let guards = sound(cx.world, Kind::Guard).map(|guard| (guard, cx.world.blocks(guard, "forbid")));
    let policies = policies(cx)
        .map(|set| (set, policy::statements(cx.world, set).into_iter().map(|(_, block)| block).collect::<Vec<_>>()));
    for (id, blocks) in guards.chain(policies) {
        for block in blocks {
            for field in ["actions", "not_actions", "resources", "not_resources"] {
                let empty = block.get(field).is_some_and(|list| list.items().next().is_none());
                if !empty {
                    continue;
                }
                let message = format!("`{field}` of {} lists nothing", cx.address(id));
                cx.report(
                    id,
                    Diagnostic::new(Code::RefusedValue, cx.head(block), message)
                        .help("name at least one, or remove the statement"),
                );
            }
        }
    }
}

/// `rule.statement.star`: a permission set that allows `"*"` on `"*"` says the `reason`.
pub(super) fn star(cx: &Context<'_, '_>) {
    for set in sound(cx.world, Kind::PermissionSet) {
        for (effect, block) in policy::statements(cx.world, set) {
            let all =
                takes_all(block.items("actions"), every_action) && takes_all(block.items("resources"), only_stars);
            if effect == Effect::Deny || !all || block.get("reason").is_some() {
                continue;
            }
            let finding =
                Diagnostic::new(Code::StarOnStar, cx.head(block), "an allow of \"*\" on \"*\" needs `reason`")
                    .here(format!("{} allows everything", cx.address(set)))
                    .help("write `reason = \"…\"`, or name the actions and resources");
            cx.report(set, finding);
        }
    }
}

/// `rule.statement.sid`: the labels of the statements of one policy stay apart as `Sid`s, which have letters and
/// digits only. What allows and what denies stand in one policy.
pub(super) fn sids(cx: &Context<'_, '_>) {
    for id in policies(cx) {
        let mut seen: HashMap<SmolStr, (Effect, &BlockValue)> = HashMap::new();
        for (effect, block) in policy::statements(cx.world, id) {
            let sid = policy::sid(block.title());
            if sid.is_empty() {
                let message =
                    format!("the label {} has no letter and no digit to make a `Sid` of", ticked(block.title()));
                cx.report(id, Diagnostic::new(Code::NameTooLong, cx.head(block), message));
            } else if let Some((was, first)) = seen.insert(sid.clone(), (effect, block)) {
                let (a, b) =
                    (format!("{} {}", was.word(), first.title()), format!("{} {}", effect.word(), block.title()));
                let message = format!(
                    "{} and {} of {} are both `Sid` {}",
                    ticked(&a),
                    ticked(&b),
                    cx.address(id),
                    ticked(&sid)
                );
                let finding = Diagnostic::new(Code::SameAddress, cx.head(block), message)
                    .also(cx.head(first), "the other")
                    .help("a `Sid` is the label in camel case, once in a policy: label one of them otherwise");
                cx.report(id, finding);
            }
        }
    }
}

/// `rule.statement.one-condition`: a condition key stands once under one operator, as IAM's JSON can say it.
pub(super) fn conditions(cx: &Context<'_, '_>) {
    for id in policies(cx) {
        for (_, block) in policy::statements(cx.world, id) {
            let Some(Value::Conditions(all)) = block.get("when") else { continue };
            let mut seen = HashMap::new();
            for condition in all.iter() {
                let place = (condition.operator.as_str(), condition.key.to_lowercase());
                let Some(first) = seen.insert(place, condition.span) else { continue };
                let (key, operator) = (ticked(&condition.key), ticked(&condition.operator));
                let message = format!("{key} stands twice under {operator}; IAM asks a key once by one operator");
                let finding = Diagnostic::new(Code::DuplicateKey, condition.span, message)
                    .also(first, "first here")
                    .help("write one condition with all its values, or two statements");
                cx.report(id, finding);
            }
        }
    }
}
