//! Warnings: what a program may say, and is seldom meant.

use std::collections::HashSet;

use cell_lang::diagnostics::{Code, Diagnostic, suggest};
use cell_lang::schema::Kind;
use cell_lang::value::write_duration;

use super::fleet::{Cloud, Rollout, Wave, sound};
use super::read::Read;
use super::{Context, policies, regions, ticked};
use crate::limits;
use crate::resources::repositories;
use crate::value::{ConditionValue, EntityId, Value};

/// `rule.warn.reaches-nothing`: a grant on nothing, a wave without cells, a permission set that no grant gives,
/// an outbound from no cell or to a component that has no image. Not judged while a cell may be missing.
pub(super) fn reaches_nothing(cx: &Context<'_, '_>) {
    if cx.world.is_partial(Kind::Cell) || cx.world.is_partial(Kind::Account) {
        return;
    }
    let mut given: HashSet<EntityId> = HashSet::new();
    for grant in cx.world.of(Kind::Grant) {
        let reaches = !cx.world.members(*grant, "on").is_empty();
        // A grant with an error may reach anything.
        let to_nobody = matches!(cx.world.get(*grant, "to"), Some(Value::Set(to)) if to.is_empty());
        if to_nobody && cx.world.ok(*grant) {
            nothing(cx, *grant, "to", "is given to nobody");
        } else if reaches || !cx.world.ok(*grant) {
            given.extend(cx.world.entity_at(*grant, "can"));
        } else {
            nothing(cx, *grant, "on", "reaches no cell and no account");
        }
    }
    let judged =
        !cx.world.is_partial(Kind::Grant) && cx.world.of(Kind::Grant).iter().all(|grant| cx.world.ok(*grant));
    for set in sound(cx.world, Kind::PermissionSet).filter(|set| judged && !given.contains(set)) {
        let message = format!("{} is given to nobody", cx.address(set));
        let finding = Diagnostic::new(Code::ReachesNothing, cx.world.label_span(set), message);
        cx.report(set, finding.help("write a `grant` that `can` use it, or remove it"));
    }
    cx.fleet.rollouts.iter().for_each(|rollout| empty_waves(cx, rollout));
    for router in sound(cx.world, Kind::Router).filter(|router| cx.world.members(*router, "on").is_empty()) {
        nothing(cx, router, "on", "routes to no cell");
    }
    outbounds(cx);
}

fn nothing(cx: &Context<'_, '_>, id: EntityId, field: &str, what: &str) {
    let message = format!("{} {what}", cx.address(id));
    cx.report(id, Diagnostic::new(Code::ReachesNothing, cx.world.setting_span(id, field), message));
}

fn empty_waves(cx: &Context<'_, '_>, rollout: &Rollout) {
    for wave in rollout.waves.iter().filter(|wave| wave.block.members("on").is_empty()) {
        let message = format!("wave {} of {} holds no cell", ticked(wave.label()), cx.address(rollout.id));
        cx.report(rollout.id, Diagnostic::new(Code::ReachesNothing, cx.head(&wave.block), message));
    }
}

fn outbounds(cx: &Context<'_, '_>) {
    for outbound in sound(cx.world, Kind::Outbound) {
        if cx.world.members(outbound, "from").is_empty() {
            nothing(cx, outbound, "from", "leaves no cell");
        }
        for block in cx.world.blocks(outbound, "to").into_iter().filter(|block| block.spec.name == "ecr_pull") {
            let components = block.members("components");
            let without =
                components.iter().find(|id| cx.world.ok(**id) && repositories::ecr(cx.world, **id).is_none());
            let message = match (components, without) {
                ([], _) => format!("{} pulls the images of no component", cx.address(outbound)),
                (_, Some(id)) => {
                    format!("{} pulls no image of {}, which has none in ECR", cx.address(outbound), cx.address(*id))
                }
                _ => continue,
            };
            let finding = Diagnostic::new(Code::ReachesNothing, cx.head(block), message);
            cx.report(outbound, finding.help("write `components where .artifact == \"ecr\"`"));
        }
    }
}

/// `rule.warn.no-owner`: a production cell without owner.
pub(super) fn no_owner(cx: &Context<'_, '_>) {
    for cell in cx.fleet.cells.iter().filter(|cell| cell.prod && !cell.retired) {
        if cx.world.get(cell.id, "owner").is_some() {
            continue;
        }
        let message = format!("{} is prod and has no owner", cx.address(cell.id));
        let finding = Diagnostic::new(Code::NoCellOwner, cx.world.label_span(cell.id), message);
        cx.report(cell.id, finding.help("write `owner = group.…`: whom to call"));
    }
}

/// The waves that hold production cells, in order.
fn production(rollout: &Rollout) -> Vec<&Wave> {
    rollout.waves.iter().filter(|wave| wave.is_production()).collect()
}

/// `rule.warn.short-first-bake`: the first production wave bakes less than a later one: what goes wrong is to be
/// seen in the first.
pub(super) fn short_first_bake(cx: &Context<'_, '_>) {
    for rollout in &cx.fleet.rollouts {
        let bakes: Vec<(&Wave, i64)> =
            production(rollout).into_iter().filter_map(|wave| Some((wave, wave.block.amount("bake")?))).collect();
        let [(first, bake), later @ ..] = bakes.as_slice() else { continue };
        let Some((longest, longer)) = later.iter().filter(|(_, other)| other > bake).max_by_key(|(_, other)| *other)
        else {
            continue;
        };
        let (bake, longer) = (write_duration(*bake), write_duration(*longer));
        let (label, other) = (ticked(first.label()), ticked(longest.label()));
        let of = cx.address(rollout.id);
        let message = format!(
            "wave {label} of {of} is the first in production and bakes {bake}, less than the {longer} of {other}"
        );
        let finding = Diagnostic::new(Code::ShortFirstBake, cx.head(&first.block), message)
            .also(cx.head(&longest.block), format!("bakes {longer}"))
            .help("bake longest after the first: that is where most faults show");
        cx.report(rollout.id, finding);
    }
}

/// `rule.warn.shrinking-waves`: a production wave that puts less at stake at one time than the production wave
/// before it. At stake are as many of its cells as are deployed in parallel, the largest first: by capacity when
/// every cell of the rollout's production waves has one, else by count. Waves without a production cell do not
/// count: the first one in production may well be smaller than staging.
pub(super) fn shrinking(cx: &Context<'_, '_>) {
    for rollout in &cx.fleet.rollouts {
        let waves = production(rollout);
        let capacity = |id: EntityId| cx.world.get(id, "capacity").and_then(Value::as_int);
        let all_have = waves.iter().flat_map(|wave| &wave.cells).all(|cell| capacity(cell.id).is_some());
        let weigh = |id: EntityId| if all_have { capacity(id).unwrap_or(0) } else { 1 };
        for pair in waves.windows(2) {
            let [before, after] = pair else { continue };
            let (was, is) = (at_stake(before, weigh), at_stake(after, weigh));
            if is < was {
                shrinks(cx, rollout, (before, was), (after, is), all_have);
            }
        }
    }
}

fn at_stake(wave: &Wave, weigh: impl Fn(EntityId) -> i64) -> i128 {
    let mut weights: Vec<i64> = wave.cells.iter().map(|cell| weigh(cell.id)).collect();
    weights.sort_unstable_by_key(|weight| std::cmp::Reverse(*weight));
    let parallel = wave.block.amount("parallel").and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
    weights.iter().take(parallel).map(|weight| i128::from(*weight)).sum()
}

fn shrinks(
    cx: &Context<'_, '_>,
    rollout: &Rollout,
    (before, was): (&Wave, i128),
    (after, is): (&Wave, i128),
    capacity: bool,
) {
    let unit = |n: i128| match (capacity, n) {
        (true, _) => "of capacity",
        (false, 1) => "cell",
        (false, _) => "cells",
    };
    let (label, other) = (ticked(after.label()), ticked(before.label()));
    let of = cx.address(rollout.id);
    let message =
        format!("wave {label} of {of} is smaller than {other} before it: {is} {} at a time after {was}", unit(is));
    let finding = Diagnostic::new(Code::ShrinkingWaves, cx.head(&after.block), message)
        .also(cx.head(&before.block), format!("{was} {} at a time", unit(was)))
        .help("let waves grow: swap them, or change `parallel`");
    cx.report(rollout.id, finding);
}

/// `rule.warn.no-alarms`: a rollout that holds a production cell and watches no alarm: nothing stops it.
pub(super) fn no_alarms(cx: &Context<'_, '_>) {
    for rollout in &cx.fleet.rollouts {
        let watched = |wave: &&Wave| !wave.block.members("alarms").is_empty();
        let blind = rollout.waves.iter().filter(|wave| !watched(wave)).count();
        if blind == 0 || !cx.world.members(rollout.id, "alarms").is_empty() {
            continue;
        }
        let message = format!("{} watches no alarm; nothing stops a bad release", cx.address(rollout.id));
        let finding = Diagnostic::new(Code::NoAlarms, cx.world.label_span(rollout.id), message);
        cx.report(rollout.id, finding.help("write `alarms = [alarm.…]`"));
    }
}

/// `rule.warn.one-cell`: all of production is in one cell: what fails there fails for everybody.
pub(super) fn one_cell(cx: &Context<'_, '_>) {
    if cx.world.is_partial(Kind::Cell) || cx.world.of(Kind::Cell).iter().any(|id| !cx.world.ok(*id)) {
        return;
    }
    let mut prod = cx.fleet.cells.iter().filter(|cell| cell.prod && !cell.retired);
    let (Some(only), None) = (prod.next(), prod.next()) else { return };
    let message = format!("{} is all of production; a fault in it reaches everybody", cx.address(only.id));
    let finding = Diagnostic::new(Code::OneProductionCell, cx.world.label_span(only.id), message);
    cx.report(only.id, finding.help("declare a second prod cell"));
}

/// `rule.warn.unknown-region`: a region that reads well and is not in this version's list.
pub(super) fn unknown_region(cx: &Context<'_, '_>) {
    for cell in &cx.fleet.cells {
        let (known, read) = match cell.cloud {
            Cloud::Aws => (regions::AWS, cell_lang::types::builtin::is_aws_region as fn(&str) -> bool),
            Cloud::Gcp => (regions::GCP, cell_lang::types::builtin::is_gcp_region as fn(&str) -> bool),
        };
        let Some(region) = cx.world.text(cell.id, "region") else { continue };
        if !read(region) || known.binary_search(&region.as_str()).is_ok() {
            continue;
        }
        let span = cx.world.setting_span(cell.id, "region");
        let message =
            format!("no region {} of {} in the list of {}", ticked(region), cell.cloud.name(), regions::READ_ON);
        let near = suggest(region, "regions", known.iter().copied()).filter(|text| text.starts_with("did"));
        cx.report(cell.id, Diagnostic::new(Code::UnknownRegion, span, message).help_if(near));
    }
}

/// `rule.warn.many-policies`: more policies in a set than IAM attaches to a role unless its quota is raised.
pub(super) fn many_policies(cx: &Context<'_, '_>) {
    for set in sound(cx.world, Kind::PermissionSet) {
        let (count, usual) = (policies::attached(cx, set), policies::most(cx, limits::POLICIES_A_ROLE));
        if count <= usual || count > policies::most(cx, limits::POLICIES_A_SET) {
            continue;
        }
        let message = format!(
            "{} has {count} policies; IAM attaches {usual} to a role unless its quota is raised",
            cx.address(set)
        );
        let finding = Diagnostic::new(Code::ManyPolicies, policies::policies_span(cx, set), message);
        cx.report(
            set,
            finding.help("a quota that AWS has raised is said by `limits { role_policies = … }` in `org`"),
        );
    }
}

/// Keys that a session of Identity Center never carries.
const NEVER_THERE: [&str; 2] = ["aws:multifactorauthpresent", "aws:multifactorauthage"];

/// `rule.warn.never-in-session`: an exception of a guard that can never hold, since a session of IAM Identity Center
/// carries no such key: what is not `…IfExists`, no `absent` and no `ForAllValues`. Of statements the permission
/// engine says it.
pub(super) fn never_in_session(cx: &Context<'_, '_>) {
    for guard in sound(cx.world, Kind::Guard) {
        cx.world.get(guard, "unless").into_iter().for_each(|unless| never_holds(cx, guard, unless));
    }
}

fn never_holds(cx: &Context<'_, '_>, about: EntityId, conditions: &Value) {
    let Value::Conditions(all) = conditions else { return };
    for condition in all.iter().filter(|condition| cannot_hold(condition)) {
        let key = ticked(&condition.key);
        let message = format!("{key} is in no session of IAM Identity Center, so this never holds");
        let finding = Diagnostic::new(Code::NeverInSession, condition.span, message)
            .help("Identity Center asks for MFA at sign-in, and its sessions do not say so");
        cx.report(about, finding);
    }
}

/// Is the condition false when its key is absent? Negated operators are true then.
fn cannot_hold(condition: &ConditionValue) -> bool {
    let operator = condition.operator.as_str();
    let asks_absence = operator == "Null" && condition.values.iter().any(says_true);
    let negated = operator.contains("Not");
    NEVER_THERE.contains(&condition.key.to_lowercase().as_str())
        && !operator.ends_with("IfExists")
        && !operator.starts_with("ForAllValues:")
        && !asks_absence
        && !negated
}

fn says_true(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Str(text) => text.eq_ignore_ascii_case("true"),
        Value::List(all) => all.iter().any(says_true),
        _ => false,
    }
}
