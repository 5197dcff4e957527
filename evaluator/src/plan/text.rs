//! A plan for the person who says yes or no: someone who did not write the program and has one screen. Owns the order
//! of what is said; each part is a submodule's. Judges nothing and computes no change: all facts are the plan's.
//!
//! INVARIANT: no character of a name, a tag or a policy reaches the terminal unless `visible` lets it through.

mod access;
mod changes;
mod fields;
mod names;
mod places;
mod policy;
mod tail;
mod template;
#[cfg(test)]
mod tests;

use std::fmt;

use super::file::plan_id;
use super::model::{Action, Plan};
pub use crate::terminal::Look;
use crate::terminal::{page, visible};
use names::Names;
use page::{Page, Sign};

/// Digits of the plan's id that are shown unless all are asked for.
const ID_SHOWN: usize = "plan-".len() + 12;

/// Writes the plan as text.
pub fn write(plan: &Plan, look: &Look, out: &mut impl fmt::Write) -> fmt::Result {
    let names = Names::new(plan);
    let mut page = Page::new(*look);
    header(plan, &mut page);
    part(&names, &mut page);
    access::section(&names, &mut page);
    if let Some(review) =
        plan.review.as_ref().filter(|review| !(review.principals.is_empty() && review.guards.is_empty()))
    {
        page.blank();
        crate::access::text::screen(review, &mut page);
    }
    changes::sections(&names, &mut page);
    tail::sections(&names, &mut page);
    page.write(out)
}

/// Which part of the program the plan is of: what is left out is not said to be in order.
fn part(names: &Names<'_>, page: &mut Page) {
    let mut one = |word: &str, addresses: &[String]| {
        if !addresses.is_empty() {
            let called: Vec<String> = addresses.iter().map(|address| names.with_kind(address)).collect();
            let line = page.names(&format!("{word} "), &called, 2);
            page.plain(0, &line);
        }
    };
    one("only", &names.plan.only);
    one("except", &names.plan.except);
}

fn header(plan: &Plan, page: &mut Page) {
    let id = plan_id(plan);
    let shown = match id.get(..ID_SHOWN) {
        Some(start) if !page.look.verbose => format!("{start}…"),
        _ => id,
    };
    let what = match plan.command.as_str() {
        "destroy" => "plan to destroy, ",
        "release" => "what a release brings, ",
        _ => "plan ",
    };
    let target = &plan.target;
    let organization = match target.organization.as_str() {
        "" => "no organization".to_owned(),
        id => format!("organization {}", visible::name(id)),
    };
    let nothing_real = if target.cloud == "sandbox" { " (sandbox: nothing real is touched)" } else { "" };
    let source = visible::name(&plan.source);
    page.plain(0, &format!("{what}{shown} of {source} at {}, against {organization}{nothing_real}", plan.at));
    if page.look.verbose {
        page.plain(0, &format!("record {} at serial {}", visible::name(&target.registry), target.serial));
        page.plain(0, &format!("management account {}", visible::name(&target.management_account)));
        let instance = target.instance.iter().map(|id| format!("identity center {}", visible::name(id)));
        let store = target.identity_store.iter().map(|id| format!("identity store {}", visible::name(id)));
        instance.chain(store).for_each(|line| page.plain(0, &line));
    }
}

/// The sign of an action.
fn sign(action: Action) -> Option<Sign> {
    Some(match action {
        Action::Create => Sign::Add,
        Action::Update => Sign::Change,
        Action::Delete => Sign::Remove,
        Action::Replace => Sign::Replace,
        Action::Move => Sign::Move,
        Action::Adopt => Sign::Adopt,
        Action::Forget => Sign::Forget,
        Action::NoOp => return None,
    })
}
