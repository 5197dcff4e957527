//! Whether somebody may do everything. Owns that question about a principal's whole access; what one region comes to
//! is [`super::class`]'s.

use std::sync::Arc;

use super::paths::gains_power;
use crate::access::{Access, Facts, Part};
use crate::condition::Truth;
use crate::data::paths::Paths;
use crate::engine::Engine;
use crate::policy::{Document, Effect, Elements, Source, Statement, Text};
use crate::region::Proof;

/// Whether a change makes an administrator of a principal: afterwards its own policies allow every action, known and
/// yet to come, on every resource without a condition, and before they did not.
///
/// What service and resource control policies take from everybody makes nobody less of an administrator, as long as
/// they leave a way to give oneself power. A policy of which only the name is known may allow everything.
pub fn becomes_administrator(engine: &mut Engine<'_>, old: &Access, new: &Access, paths: &Paths) -> bool {
    let after = is_administrator(engine, new, paths);
    after > Truth::No && is_administrator(engine, old, paths) < after
}

/// Whether a principal is an administrator; it may be one where a policy is not known.
pub(super) fn is_administrator(engine: &mut Engine<'_>, access: &Access, paths: &Paths) -> Truth {
    if !access.ways.iter().any(|way| way.identity.iter().any(spans_services)) {
        return Truth::No;
    }
    let own = Access { scps: Vec::new(), rcps: Vec::new(), ..access.clone() };
    let missing = engine.diff(&own, &everything()).gained;
    let everything = if missing.is_empty() {
        Truth::Yes
    } else if missing.iter().all(|region| region.proof != Proof::Proven) {
        Truth::Maybe
    } else {
        return Truth::No;
    };
    let unbound = access.management_account || access.scps.is_empty() && access.rcps.is_empty();
    if !unbound && !gains_power(access, engine.catalogue(), paths) { Truth::No } else { everything }
}

/// Whether a policy may allow actions of every service: without such a one nobody may do everything.
fn spans_services(part: &Part) -> bool {
    let Part::Known(named) = part else { return true };
    let wide = |statement: &Statement| {
        let all = |text: &Text| text.value.split(':').next().is_some_and(|service| service.contains('*'));
        statement.effect == Effect::Allow && (statement.actions.not || statement.actions.items.iter().any(all))
    };
    named.document().statements.iter().any(wide)
}

/// The access that allows everything.
fn everything() -> Access {
    let nowhere = || Source::new(&Arc::from("everything"), 0, 0);
    let all = || Elements::any_of(vec![Text::new("*", nowhere())]);
    let statement = Statement {
        sid: None,
        effect: Effect::Allow,
        principal: None,
        actions: all(),
        resources: Some(all()),
        conditions: Vec::new(),
        source: nowhere(),
    };
    Access::of(vec![Part::known("everything", Document::new(vec![statement]))], Facts::default())
}
