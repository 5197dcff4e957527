//! Components in cells. A cell that has none gets the released version by this apply; one whose template, parameters or version
//! differ gets it by a rollout, which is queued; a cell that goes is emptied before its account is.
//!
//! What a cell has is what its book says, as it was read back when it came; the apply reads again before it writes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::plan::build::{Builder, Command, Step, change};
use crate::plan::model::{Action, Change, DeployOrder, Fields, OperationId, Place, QueueOrder, Verb};
use crate::releases::wishes::{Unready, Wish, is_of_component};
use crate::releases::{Book, Dossier, Kept, Target, dossier};
use crate::rollout::Phase;
use crate::stacks::wish::template;
use crate::words::counted;

impl Builder<'_> {
    /// Components that are to be in cells.
    pub(in crate::plan) fn releases(&mut self) {
        if self.command == Command::Destroy {
            return;
        }
        let desired = self.desired;
        let nothing = Kept::default();
        let mut waiting = Vec::new();
        for (of, wish) in desired.releases.iter().filter(|(_, wish)| wish.is_component()) {
            let kept = self.kept.get(of).unwrap_or(&nothing);
            let takes = |cell: &str| self.takes_deployment(&wish.of, cell);
            if !wish.cells.keys().any(|cell| takes(cell)) {
                continue;
            }
            match kept.released() {
                Some(released) => self.component(wish, kept, released),
                None => match first_release(&kept.book) {
                    Some(message) => self.waits(format!("{of}: its first release, {message}"), vec![of.clone()]),
                    None => waiting.push(of.clone()),
                },
            }
        }
        if let Some(first) = waiting.first().cloned() {
            let label = first.strip_prefix("component.").unwrap_or(&first);
            let message = format!(
                "waiting for a first release: {}; `cellc rollout start {label} VERSION` brings one",
                waiting.join(", ")
            );
            self.waits(message, waiting);
        }
    }

    /// Does the scope take what is released in a cell?
    fn takes_deployment(&self, of: &str, cell: &str) -> bool {
        let place = |entity: &str| Place { entity: entity.to_owned(), file: String::new(), line: 1, column: 1 };
        self.scope.takes(&dossier::address(of, cell), &[place(cell), place(of)])
    }

    /// A component with a released version.
    fn component(&mut self, wish: &Wish, kept: &Kept, released: &Dossier) {
        let release = released.release();
        if kept.book.open().is_some() {
            let message = format!(
                "{}: a rollout is under way; what the program says of its cells waits until it is over; where nobody carries it out, `cellc rollout run` does",
                wish.of
            );
            self.waits(message, vec![wish.of.clone()]);
        }
        if let Some(driven) = kept.book.under_way() {
            let message = format!(
                "{}: the pipeline's run {} of {} is under way; what the program says of the cells that it has reached waits until it is over",
                wish.of, driven.run, driven.version
            );
            self.waits(message, vec![wish.of.clone()]);
        }
        let takes = |cell: &str| self.takes_deployment(&wish.of, cell) && !is_under_way(&kept.book, cell);
        let (wanted, unready) = wish.dossier_and_rest(&release, self.record, &takes);
        let waves = wish.course.wave_of();
        let mut behind: BTreeSet<String> = BTreeSet::new();
        let mut left: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (cell, what) in &wanted.cells {
            match kept.cell(cell) {
                None => self.new_deployment(wish, kept, (cell, &waves), Some((&wanted, what))),
                Some(_) if kept.book.is_left_in_part(cell) => {
                    let message = match kept.book.in_part.get(cell) {
                        Some(part) => format!(
                            "{}: {} failed there or could not go back, and nothing has come there well since: it may be there in part{}",
                            wish.address(cell),
                            part.version,
                            part.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default()
                        ),
                        None => format!(
                            "{}: it could not go back, and may have what was taken back in part",
                            wish.address(cell)
                        ),
                    };
                    self.note(message, vec![wish.address(cell)]);
                    behind.insert(cell.clone());
                }
                Some((has, is)) if is.spec == what.spec && has.version == release.version => {}
                Some((has, _)) if kept.book.left(cell).is_some() => {
                    left.entry(has.version.clone()).or_default().push(cell.clone());
                }
                Some(_) => _ = behind.insert(cell.clone()),
            }
        }
        for (cell, why) in &unready {
            match why {
                Unready::Account { .. } | Unready::Parameter { .. } if kept.cell(cell).is_none() => {
                    self.new_deployment(wish, kept, (cell, &waves), None);
                }
                why => self.note(format!("{}: {why}", wish.address(cell)), vec![wish.address(cell)]),
            }
        }
        self.left(wish, &release.version, left);
        self.behind(wish, kept, &wanted, &behind);
    }

    /// Cells where somebody has ended a release, to stay: nothing is undone of that by itself.
    fn left(&mut self, wish: &Wish, released: &str, left: BTreeMap<String, Vec<String>>) {
        let label = wish.of.rsplit('.').next().unwrap_or(&wish.of).to_owned();
        for (version, cells) in left {
            let of = &wish.of;
            let in_cells = counted(cells.len(), "cell");
            let message = if version == released {
                format!(
                    "{of}: {in_cells} kept what a rollout of {version} had brought when it was ended; `cellc rollout start {label} {version}` brings what the program says"
                )
            } else {
                format!(
                    "{of}: {version} stays in {in_cells}, where its release was ended; {released} is released: `cellc rollout start {label} {released}` brings that to them, `cellc rollout start {label} {version}` goes on"
                )
            };
            self.waits(message, cells);
        }
    }

    /// A cell that has nothing of it yet.
    fn new_deployment(
        &mut self,
        wish: &Wish,
        kept: &Kept,
        (cell, waves): (&str, &BTreeMap<String, usize>),
        what: Option<(&Dossier, &dossier::Cell)>,
    ) {
        let Some(released) = &kept.book.released else { return };
        let address = wish.address(cell);
        let mut needs = self.after(cell, Step::Made);
        needs.extend(self.after(cell, Step::Placed));
        for before in &wish.after {
            needs.extend(self.after(&dossier::address(before, cell), Step::Made));
        }
        let order =
            DeployOrder { wish: wish.only(cell, waves), cell: cell.to_owned(), released: released.dossier.clone() };
        let operation = self.operation(&address, Verb::Deploy(Box::new(order)), &needs, Fields::new());
        self.step(&address, Step::Made, operation);
        let after = match what {
            Some((dossier, what)) => fields(dossier, what),
            None => Fields::from_iter([("version".to_owned(), Json::from(released.version.as_str()))]),
        };
        self.change(Change {
            after: Some(after),
            operations: vec![operation],
            sources: places(wish),
            ..change(&address, "deployment", Action::Create)
        });
    }

    /// Cells whose template, parameters or version are others than they have: a rollout brings them.
    fn behind(&mut self, wish: &Wish, kept: &Kept, wanted: &Dossier, cells: &BTreeSet<String>) {
        let queued = |dossier: &Dossier| {
            let next = kept.book.next.as_ref();
            dossier.sealed().is_ok_and(|(name, _)| next.is_some_and(|next| next.dossier == name))
        };
        if cells.is_empty() {
            return;
        }
        if let Some(next) = kept.book.next.as_ref().filter(|next| next.version != wanted.version) {
            // What somebody asked for is not put aside for what the program says of another version.
            let message = format!(
                "{} {} is queued; what the program says else of {} waits until it is over",
                wish.of,
                next.version,
                counted(cells.len(), "cell")
            );
            self.waits(message, vec![wish.of.clone()]);
            return;
        }
        let dossier = narrowed(wanted, cells);
        if queued(&dossier) {
            let message = format!("{} is queued already; `cellc rollout run` carries it out", wish.of);
            return self.waits(message, vec![wish.of.clone()]);
        }
        let order = QueueOrder { dossier };
        let operation = self.operation(&wish.of, Verb::Queue(Box::new(order)), &[], Fields::new());
        for cell in cells {
            let (Some((has, is)), Some(what)) = (kept.cell(cell), wanted.cells.get(cell)) else { continue };
            let (mut before, mut after) = (fields(has, is), fields(wanted, what));
            for (name, was, now) in retold(is, what) {
                before.extend(was.map(|was| (name.clone(), was)));
                after.extend(now.map(|now| (name, now)));
            }
            self.change(Change {
                before: Some(before),
                after: Some(after),
                reason: Some("by waves: an apply queues it, and `cellc rollout run` carries it out".to_owned()),
                operations: vec![operation],
                sources: places(wish),
                ..change(&wish.address(cell), "deployment", Action::Update)
            });
        }
    }

    /// What is in cells and is to go: before their accounts.
    pub(in crate::plan) fn surplus_releases(&mut self) {
        let (desired, all) = (self.desired, self.kept);
        for (of, kept) in all {
            self.passed_by(of, kept);
            let wish = desired.releases.get(of);
            if !is_of_component(of) {
                continue;
            }
            for cell in kept.book.occupied().into_keys() {
                let stays = self.command == Command::Apply && wish.is_some_and(|wish| wish.cells.contains_key(cell));
                let address = dossier::address(of, cell);
                if !self.takes_deployment(of, cell) {
                    continue;
                }
                if stays {
                    self.left_behind(of, kept, cell, &address);
                } else {
                    self.end_deployment(of, kept, cell, &address);
                }
            }
        }
    }

    /// Cells that go and hold nothing that is to be taken away, and that a rollout would come to, or go back in: it passes them by before
    /// their accounts go. Of a set that is all there is to do.
    fn passed_by(&mut self, of: &str, kept: &Kept) {
        let is_component = is_of_component(of);
        if !is_component && !self.keeps(of) && kept.book.open().is_none() {
            return;
        }
        let occupied = kept.book.occupied();
        let bound = kept.book.open().into_iter().flat_map(|open| open.state.cells.keys());
        let formed = kept.book.cells.keys().filter(|_| !is_component);
        let cells: BTreeSet<&String> =
            bound.chain(formed).filter(|cell| !is_component || !occupied.contains_key(*cell)).collect();
        for cell in cells {
            let wanted = self.desired.releases.get(of).is_some_and(|wish| wish.cells.contains_key(cell));
            let stays = if is_component && self.command == Command::Apply {
                wanted
            } else {
                self.record.entry(cell).is_none() || self.keeps(cell)
            };
            let address = dossier::address(of, cell);
            if stays || !self.takes_deployment(of, cell) {
                continue;
            }
            let order = Verb::PassBy { of: of.to_owned(), cell: cell.clone() };
            let operation = self.operation(&address, order, &[], Fields::new());
            self.step(cell, Step::Emptied, operation);
            self.step(cell, Step::Gone, operation);
            let reason = match kept.book.open() {
                Some(open) => format!("the rollout of {} that is under way passes the cell by", open.state.version),
                None => "its form is kept for nobody there".to_owned(),
            };
            self.change(Change {
                operations: vec![operation],
                reason: Some(reason),
                ..change(&address, "deployment", Action::Forget)
            });
        }
    }

    /// What stays where a cell had it before its release came to another place is told, and taken away once nothing goes back there.
    fn left_behind(&mut self, of: &str, kept: &Kept, cell: &str, address: &str) {
        let Some(places) = kept.book.behind.get(cell) else { return };
        let places: Vec<String> = places.keys().cloned().collect();
        let named = places.join("; ");
        let changes = self.changes.iter().any(|change| change.address == address);
        if changes || kept.book.to_take_away(cell).is_empty() {
            let message = format!(
                "{address}: {named} stays, where the cell had it before, until what is under way or comes there is through"
            );
            return self.waits(message, vec![address.to_owned()]);
        }
        let order = Verb::Undeploy { of: of.to_owned(), cell: cell.to_owned(), behind: true };
        let operation = self.operation(address, order, &[], Fields::new());
        self.before_accounts(kept.accounts_behind(cell).into_iter().cloned().collect(), operation);
        let message = format!("{address}: {named} stays, where the cell had it before: this takes it away");
        self.warn(message, vec![address.to_owned()]);
        let field = |places: Vec<String>| Fields::from_iter([("left_behind".to_owned(), Json::from(places))]);
        self.change(Change {
            before: Some(field(places)),
            after: Some(field(Vec::new())),
            reason: Some("the cell has it in another place now".to_owned()),
            operations: vec![operation],
            sources: self.desired.releases.get(of).map(self::places).unwrap_or_default(),
            ..change(address, "deployment", Action::Update)
        });
    }

    /// An operation in accounts comes before they are emptied and go.
    fn before_accounts(&mut self, accounts: BTreeSet<String>, operation: OperationId) {
        for account in accounts {
            let account = self.address_of("account", &account);
            self.step(&account, Step::Emptied, operation);
            self.step(&account, Step::Gone, operation);
        }
    }

    fn end_deployment(&mut self, of: &str, kept: &Kept, cell: &str, address: &str) {
        let known = kept.in_part(cell);
        let order = Verb::Undeploy { of: of.to_owned(), cell: cell.to_owned(), behind: false };
        let operation = self.operation(address, order, &[], Fields::new());
        let left = known.filter(|(_, what)| !matches!(what.spec.target, Target::Cloudformation { .. }));
        let accounts = known.map(|(_, what)| &what.spec.account).into_iter().chain(kept.accounts_behind(cell));
        self.before_accounts(accounts.cloned().collect(), operation);
        let reason = left.map(|(_, what)| format!("what {} made stays as it is", what.spec.target.sort()));
        let behind = kept.book.behind.get(cell).map(|places| {
            let places: Vec<&str> = places.keys().map(String::as_str).collect();
            format!("with what stays where it was before: {}", places.join("; "))
        });
        let reason: Vec<String> = reason.into_iter().chain(behind).collect();
        self.change(Change {
            before: known.map(|(dossier, what)| fields(dossier, what)),
            operations: vec![operation],
            reason: (!reason.is_empty()).then(|| reason.join("; ")),
            ..change(address, "deployment", if left.is_some() { Action::Forget } else { Action::Delete })
        });
    }
}

pub(super) fn places(wish: &Wish) -> Vec<Place> {
    wish.place.iter().cloned().collect()
}

/// How it stands with a release before which there was none.
fn first_release(book: &Book) -> Option<String> {
    if let Some(next) = &book.next {
        return Some(format!("{}, is queued; `cellc rollout run` carries it out", next.version));
    }
    let state = &book.rollout.as_ref()?.state;
    let label = book.of.rsplit('.').next().unwrap_or(&book.of);
    Some(match &state.phase {
        Phase::Stopped { why } => format!(
            "{}, has stopped: {why}; `cellc rollout resume {label}` tries again what failed, `cellc rollout start {label} VERSION` brings another",
            state.version
        ),
        phase if phase.is_over() => return None,
        _ => format!("{}, is under way; where nobody carries it out, `cellc rollout run` does", state.version),
    })
}

/// Is a rollout, or the run of a pipeline, about to bring something to the cell, or bringing it back?
fn is_under_way(book: &Book, cell: &str) -> bool {
    book.is_bound_for(cell) || book.under_way().is_some_and(|driven| driven.reached.contains_key(cell))
}

/// Of a dossier these cells, in the waves that have some of them.
fn narrowed(dossier: &Dossier, cells: &BTreeSet<String>) -> Dossier {
    let mut dossier = dossier.clone();
    dossier.cells.retain(|cell, _| cells.contains(cell));
    for wave in &mut dossier.course.waves {
        wave.cells.retain(|cell| cells.contains(cell));
    }
    dossier.course.waves.retain(|wave| !wave.cells.is_empty());
    dossier
}

/// What else a target of make is told of its cell than it was: the field, as `cell.size`, with what it was and what it is.
fn retold(was: &dossier::Cell, is: &dossier::Cell) -> Vec<(String, Option<Json>, Option<Json>)> {
    let (Target::Make { document: was, .. }, Target::Make { document: is, .. }) = (&was.spec.target, &is.spec.target)
    else {
        return Vec::new();
    };
    let fields = |document: &'_ Json| document.get("cell").and_then(Json::as_object).cloned().unwrap_or_default();
    let (was, is) = (fields(was), fields(is));
    let names: BTreeSet<&String> =
        was.keys().chain(is.keys()).filter(|name| was.get(*name) != is.get(*name)).collect();
    names.into_iter().map(|name| (format!("cell.{name}"), was.get(name).cloned(), is.get(name).cloned())).collect()
}

/// A deployment as a plan shows it.
pub(super) fn fields(dossier: &Dossier, cell: &dossier::Cell) -> Fields {
    let target = serde_json::to_value(&cell.spec.target).unwrap_or_default();
    let mut fields: BTreeMap<String, Json> =
        target.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
    // What a target is told is its parameters in other words.
    for told in ["document", "variables"] {
        fields.remove(told);
    }
    if let Target::Make { document, .. } = &cell.spec.target {
        fields.extend(document.get("parameters").map(|value| ("parameters".to_owned(), value.clone())));
    }
    if let Target::Cloudformation { template: digest, .. } = &cell.spec.target {
        let text = dossier.text(digest).map_or_else(|| Json::from(digest.as_str()), template);
        fields.insert("template".to_owned(), text);
    }
    fields.insert("version".to_owned(), Json::from(dossier.version.as_str()));
    for (name, value) in [("account", &cell.spec.account), ("region", &cell.spec.region)] {
        if !value.is_empty() {
            fields.insert(name.to_owned(), Json::from(value.as_str()));
        }
    }
    fields.into_iter().collect()
}
