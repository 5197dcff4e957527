//! Components in cells beside what is done about them: what a release would bring before it is begun, and what was changed
//! outside in the stacks that releases have made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::releases::{fields, places};
use super::stacks::HIDDEN;
use crate::live::LiveStack;
use crate::plan::build::{Builder, change};
use crate::plan::desired::ADDRESS_TAG;
use crate::plan::model::{Action, Change};
use crate::releases::wishes::is_of_component;
use crate::releases::{Book, Dossier, Kept, Target, dossier};
use crate::rollout::CellState;
use crate::stacks::stopped::owner;
use crate::stacks::wish::same_template;
use crate::stacks::{Stack, StackPlace, StackState};
use crate::terminal::visible;
use crate::words::{counted, have};

impl Builder<'_> {
    /// What a release brings to each of its cells, beside what it has: nothing is to be done here, a rollout does it.
    pub(in crate::plan) fn release(&mut self, release: &Dossier) {
        let nothing = Kept::default();
        let kept = self.kept.get(&release.of).unwrap_or(&nothing);
        let sources = self.desired.releases.get(&release.of).map(places).unwrap_or_default();
        let mut same = 0;
        for (cell, what) in &release.cells {
            let has = kept.cell(cell);
            if has.is_some_and(|(has, is)| is.spec == what.spec && has.version == release.version) {
                same += 1;
                continue;
            }
            let action = if has.is_some() { Action::Update } else { Action::Create };
            self.change(Change {
                before: has.map(|(has, is)| fields(has, is)),
                after: Some(fields(release, what)),
                sources: sources.clone(),
                ..change(&dossier::address(&release.of, cell), "deployment", action)
            });
        }
        if same > 0 {
            let message = format!("{} {} it word for word already", counted(same, "cell"), have(same));
            self.note(message, vec![release.of.clone()]);
        }
        let waits = match (kept.book.open(), &kept.book.next) {
            (Some(open), _) => {
                format!("it waits for the rollout of {}, which is {}", open.state.version, open.state.phase.word())
            }
            (None, Some(next)) => format!("it takes the place of {}, which is queued", next.version),
            (None, None) => return,
        };
        self.note(waits, vec![release.of.clone()]);
    }

    /// What was changed outside in the stacks of components.
    pub(in crate::plan) fn deployed(&mut self) {
        let (mut unread, mut others, mut elsewhere) = (Vec::new(), BTreeSet::new(), 0);
        let mut moving: BTreeMap<&String, Vec<String>> = BTreeMap::new();
        let all = self.kept;
        for (of, kept) in all.iter().filter(|(of, _)| is_of_component(of)) {
            let mut set_back = false;
            for cell in kept.book.cells.keys() {
                if let Some(places) = kept.book.behind.get(cell) {
                    let (address, places) = (dossier::address(of, cell), places.keys().cloned().collect::<Vec<_>>());
                    let message = format!("{address}: {} stays, where the cell had it before", places.join("; "));
                    self.note(message, vec![address]);
                }
                if is_moving(&kept.book, cell) {
                    moving.entry(of).or_default().push(dossier::address(of, cell));
                    continue;
                }
                let Some((has, what)) = kept.cell(cell) else { continue };
                let Some(place) = place(what) else {
                    others.insert(what.spec.target.sort());
                    elsewhere += 1;
                    continue;
                };
                let address = dossier::address(of, cell);
                match self.live.stacks.get(&place) {
                    Some(LiveStack::Closed(why)) => unread.push((address, why.clone())),
                    Some(LiveStack::There { stack, .. }) if is_of_others(stack, &address, what) => {
                        self.in_its_place(of, &address, stack);
                    }
                    Some(live) => set_back |= self.outside(of, &address, (has, what), live),
                    None => {}
                }
            }
            if let (Some(released), true) = (&kept.book.released, set_back) {
                let label = of.rsplit('.').next().unwrap_or(of);
                let message =
                    format!("`cellc rollout start {label} {}` sets back what was changed of {of}", released.version);
                self.note(message, vec![of.clone()]);
            }
        }
        if let Some((_, why)) = unread.first() {
            let message = format!("{} could not be read: {why}", counted(unread.len(), "stack of components"));
            self.unread(message, unread.into_iter().map(|(address, _)| address).collect());
        }
        for (of, cells) in moving {
            let message =
                format!("{of}: {} not looked at, while a release comes there", counted(cells.len(), "cell"));
            self.waits(message, cells);
        }
        if elsewhere > 0 {
            let sorts: Vec<&str> = others.into_iter().collect();
            let components = counted(elsewhere, "deployment");
            self.note(format!("not looked at: {components} of components, by {}", sorts.join(", ")), Vec::new());
        }
    }

    /// Somebody has made a stack of the same name, or taken the mark from it: a release touches nothing of others.
    fn in_its_place(&mut self, of: &str, address: &str, stack: &Stack) {
        let whose = owner(stack.tags.get(ADDRESS_TAG).map(String::as_str));
        let message = format!(
            "the stack {} is not of {address}: {whose}. A release is refused there; if it is this one, give it the tag `{ADDRESS_TAG}` = `{address}`, else delete it",
            visible::text(&stack.name)
        );
        self.warn(message, vec![address.to_owned()]);
        self.change(Change {
            drift: vec!["*".to_owned()],
            sources: self.desired.releases.get(of).map(places).unwrap_or_default(),
            ..change(address, "deployment", Action::Update)
        });
    }

    /// What was changed of a stack that is ours; whether something was.
    fn outside(
        &mut self,
        of: &str,
        address: &str,
        (has, what): (&Dossier, &dossier::Cell),
        live: &LiveStack,
    ) -> bool {
        let wanted = fields(has, what);
        let plan = Change {
            after: Some(wanted.clone()),
            sources: self.desired.releases.get(of).map(places).unwrap_or_default(),
            ..change(address, "deployment", Action::Update)
        };
        let LiveStack::There { stack, template } = live else {
            self.change(Change { action: Action::Create, drift: vec!["*".to_owned()], ..plan });
            return true;
        };
        let mut is = wanted.clone();
        let held = |name: &str, live: &dyn Fn(&str) -> Option<String>| {
            let all = wanted.get(name).and_then(Json::as_object).into_iter().flatten();
            // A secret one is shown as stars: what it is nobody can tell.
            let one = |(key, value): (&String, &Json)| {
                let live = live(key)?;
                Some((key.clone(), if live == HIDDEN { value.clone() } else { Json::from(live) }))
            };
            Json::Object(all.filter_map(one).collect())
        };
        is.insert("parameters".to_owned(), held("parameters", &|name| stack.parameters.get(name).cloned()));
        is.insert("tags".to_owned(), held("tags", &|name| stack.tags.get(name).cloned()));
        if wanted.get("template").is_some_and(|wanted| !same_template(wanted, template)) {
            is.insert("template".to_owned(), template.clone());
        }
        let drift: Vec<String> = wanted
            .iter()
            .filter(|(name, value)| is.get(*name) != Some(*value))
            .map(|(name, _)| name.clone())
            .collect();
        let reason = self.condition(address, stack);
        let is_other = !drift.is_empty() || reason.is_some();
        if is_other {
            self.change(Change { before: Some(is), drift, reason, ..plan });
        }
        is_other
    }
}

/// Does it lack the mark that each release gives its stacks? One in review or gone holds nothing.
fn is_of_others(stack: &Stack, address: &str, what: &dossier::Cell) -> bool {
    let Target::Cloudformation { tags, .. } = &what.spec.target else { return false };
    let holds = !matches!(stack.state(), Some(StackState::ReviewInProgress | StackState::DeleteComplete));
    let marked = tags.get(ADDRESS_TAG).map_or(address, String::as_str);
    holds && stack.tags.get(ADDRESS_TAG).map(String::as_str) != Some(marked)
}

/// Does something come to a cell now, or has it come in part?
fn is_moving(book: &Book, cell: &str) -> bool {
    use CellState as S;
    let by_rollout = book
        .open()
        .and_then(|rollout| rollout.state.cells.get(cell))
        .is_some_and(|cell| matches!(cell.state, S::Deploying | S::Failed | S::RollingBack | S::Stuck));
    let by_run = book.under_way().is_some_and(|driven| {
        driven
            .reached
            .get(cell)
            .is_some_and(|reached| book.cells.get(cell).is_none_or(|has| has.dossier != reached.dossier))
    });
    by_rollout || by_run
}

/// Where the stacks are that releases have made, as the books say.
pub(crate) fn stacks(kept: &BTreeMap<String, Kept>) -> BTreeSet<StackPlace> {
    let components = kept.iter().filter(|(of, _)| is_of_component(of));
    let cells = components.flat_map(|(_, kept)| kept.book.cells.keys().filter_map(|cell| kept.cell(cell)));
    cells.filter_map(|(_, what)| place(what)).collect()
}

/// Where the stack of a cell is; none of what another target takes.
fn place(what: &dossier::Cell) -> Option<StackPlace> {
    let Target::Cloudformation { stack, .. } = &what.spec.target else { return None };
    Some(StackPlace { account: what.spec.account.clone(), region: what.spec.region.clone(), name: stack.clone() })
}
