//! Rules that look at more than one field or more than one entity.
//!
//! Owns which rules there are and in which order they run; each subject has its file and each rule its
//! function and its name. An entity that has an error takes part in no rule. No rule knows the time.

mod accounts;
mod alarms;
mod clouds;
mod deploys;
pub(crate) mod fleet;
mod grants;
mod guards;
mod names;
pub(crate) mod outbounds;
mod policies;
pub(crate) mod read;
pub mod regions;
mod removals;
mod statements;
mod tags;
#[cfg(test)]
pub(crate) mod tests;
mod units;
mod warnings;
mod waves;
mod why;

use cell_lang::diagnostics::Diagnostic;
use cell_lang::source::Span;
use rayon::prelude::*;

use crate::value::{BlockValue, EntityId};
use crate::world::World;
use fleet::Fleet;

/// What a rule sees.
pub(crate) struct Context<'w, 'p> {
    /// The expansion.
    pub(crate) world: &'w World<'p>,
    /// Cells, components and rollouts, read once.
    pub(crate) fleet: Fleet,
}

impl Context<'_, '_> {
    /// The address of an entity.
    fn address(&self, id: EntityId) -> &str {
        self.world.address(id)
    }

    /// Where the label or the sort of a block stands: what is underlined of one that may be long.
    fn head(&self, block: &BlockValue) -> Span {
        self.world.head(block)
    }

    /// A finding about an entity; those with one code and one primary place are told as one.
    fn report(&self, about: EntityId, finding: Diagnostic) {
        self.world.report_for(about, finding);
    }
}

/// A rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name in the specification: `rule.…`.
    pub id: &'static str,
    check: fn(&Context<'_, '_>),
}

macro_rules! rules {
    ($($id:literal $check:path;)*) => {
        /// Every rule, in the order they run.
        pub static RULES: &[Rule] = &[$(Rule { id: $id, check: $check },)*];
    };
}

rules! {
    "rule.org.one" units::one_org;
    "rule.ou.tree" units::tree;
    "rule.ou.sibling-names" units::sibling_names;
    "rule.account.known-or-made" accounts::known_or_made;
    "rule.account.email-unique" accounts::emails;
    "rule.account.name-unique" accounts::names;
    "rule.account.id-unique" accounts::ids;
    "rule.cell.region" clouds::regions;
    "rule.cell.partition" clouds::partitions;
    "rule.cell.cloud-fields" clouds::fields;
    "rule.cell.dev-expires" clouds::dev_expires;
    "rule.cell.budget" clouds::budgets;
    "rule.tenant.moves" clouds::tenants;
    "rule.component.deploy-fits" deploys::fit;
    "rule.component.parameters" deploys::parameters;
    "rule.component.rollout" deploys::rollout;
    "rule.component.after" deploys::after;
    "rule.component.one-stack" deploys::stacks;
    "rule.alarm.threshold" alarms::threshold;
    "rule.alarm.periods" alarms::periods;
    "rule.rollout.window" waves::windows;
    "rule.wave.requests" waves::requests;
    "rule.wave.exactly-one" waves::exactly_one;
    "rule.wave.no-mix" waves::no_mix;
    "rule.grant.aws-only" grants::aws_only;
    "rule.grant.owner" grants::owners;
    "rule.permission-set.name-unique" names::permission_sets;
    "rule.statement.not-empty" statements::not_empty;
    "rule.statement.star" statements::star;
    "rule.statement.sid" statements::sids;
    "rule.statement.one-condition" statements::conditions;
    "rule.scp.has-policy" policies::scp_form;
    "rule.policy.scp-size" policies::scp_size;
    "rule.policy.scp-count" policies::scp_count;
    "rule.policy.inline-size" policies::inline_size;
    "rule.policy.count" policies::count;
    "rule.policy.repository-size" policies::repository_size;
    "rule.guard.not-empty" guards::not_empty;
    "rule.outbound.never-a-cell" outbounds::never_a_cell;
    "rule.outbound.aws-only" outbounds::aws_only;
    "rule.outbound.region" outbounds::region;
    "rule.name.fits" names::fit;
    "rule.tags.fit" tags::fit;
    "rule.moved.sound" removals::moved;
    "rule.removed.sound" removals::removed;
    "rule.warn.reaches-nothing" warnings::reaches_nothing;
    "rule.warn.no-owner" warnings::no_owner;
    "rule.warn.short-first-bake" warnings::short_first_bake;
    "rule.warn.shrinking-waves" warnings::shrinking;
    "rule.warn.no-alarms" warnings::no_alarms;
    "rule.warn.one-cell" warnings::one_cell;
    "rule.warn.unknown-region" warnings::unknown_region;
    "rule.warn.many-policies" warnings::many_policies;
    "rule.warn.never-in-session" warnings::never_in_session;
}

/// Holds the expansion to every rule; findings go to the world's report.
pub fn check(world: &World<'_>) {
    world.run(|| {
        let context = Context { world, fleet: Fleet::new(world) };
        RULES.par_iter().for_each(|rule| (rule.check)(&context));
    });
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// A word in backticks.
fn ticked(word: &str) -> String {
    format!("`{word}`")
}
