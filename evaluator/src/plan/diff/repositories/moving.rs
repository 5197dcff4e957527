//! Cells that are let in by their place, and whose accounts this plan moves. Owns that they may pull all the while: both places
//! are let in before the moves, and the former ones no more after them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{KIND, Spot, named_cells, of_cells, places_of};
use crate::plan::build::{Builder, Step, text};
use crate::plan::desired::Wanted;
use crate::plan::diff::sets::texts;
use crate::plan::model::{Fields, OperationId, Verb};
use crate::repositories::{Found, PULL, Refused, edited, ours, path_of, policy, pull};

/// What a policy says while accounts move.
#[derive(Debug, Default)]
pub(in crate::plan) struct Moving {
    /// Lets in what is to be let in, and the former places; none where that is said already, or there is no room.
    pub(super) before: Option<OperationId>,
    /// Is that all that is to be said?
    pub(super) is_all: bool,
    /// The cells whose accounts move.
    cells: Vec<String>,
}

impl Builder<'_> {
    /// What policies say before accounts move. Who may not pull now waits for nothing.
    pub(in crate::plan) fn repository_policies_before_moves(&mut self) {
        for (address, wanted) in self.wanted(KIND) {
            let (Some(spot), false) = (self.spot(wanted), wanted.fields.contains_key("content")) else { continue };
            let found = self.live.repositories.get(&(spot.account.clone(), spot.name.clone()));
            let Some(there) = found.and_then(Found::text) else { continue };
            let Some(is) = ours(there).ok().and_then(|mut all| all.remove(PULL)) else { continue };
            let cells = self.pulling(wanted);
            if self.is_by_place(wanted, &cells, there) {
                self.policy_before_moves((address, &spot), (there, &is), &cells);
            }
        }
    }

    /// The same in policies that are not selected themselves, for the cells that are: what is let in stays so.
    pub(in crate::plan) fn repository_policies_of_cells_before_moves(&mut self) {
        for (address, wanted) in of_cells(self.desired, self.scope) {
            let Some(spot) = self.spot(wanted) else { continue };
            let found = self.live.repositories.get(&(spot.account.clone(), spot.name.clone()));
            let Some(is) = found.and_then(Found::text).and_then(|there| ours(there).ok()?.remove(PULL)) else {
                continue;
            };
            let known = places_of(&is);
            let cells: Vec<String> = named_cells(wanted).filter(|cell| self.takes(cell)).map(str::to_owned).collect();
            let moving: Vec<String> = cells.iter().filter(|cell| self.moves(cell)).cloned().collect();
            if known.is_empty() || moving.is_empty() {
                continue;
            }
            self.units_of(&moving);
            let (own, needs) = self.pull_by_place(&cells);
            let mut both = known.clone();
            both.extend(places_of(&own).into_iter().filter(|place| !known.contains(place)));
            if both.len() > known.len() {
                let operation = self.set_policy(address, &spot, &pull(&[], &both), &needs);
                moving.iter().for_each(|cell| self.step(cell, Step::LetIn, operation));
                let while_moving = Moving { before: Some(operation), is_all: true, cells: Vec::new() };
                self.moving.insert(address.clone(), while_moving);
            }
        }
    }

    /// Is the account of a cell elsewhere than it is to be? Where exactly is not known of a part of the organization.
    fn moves(&self, cell: &str) -> bool {
        let account = self.ids.get(cell).and_then(|id| self.live.accounts.get(id));
        let unit = self.desired.resources.get(cell).map(|wanted| text(&wanted.fields, "ou")).unwrap_or_default();
        account.is_some_and(|account| account.parent.as_ref() != self.ids.get(&unit))
    }

    /// The units that accounts move to are there before what names them.
    fn units_of(&mut self, moving: &[String]) {
        for cell in moving {
            let unit = self.desired.resources.get(cell).map(|wanted| text(&wanted.fields, "ou"));
            self.needs_unit(cell, &unit.unwrap_or_default());
        }
    }

    /// Are its cells let in by their place, be it for want of room?
    fn is_by_place(&self, wanted: &Wanted, cells: &[String], there: &str) -> bool {
        let each = || pull(&cells.iter().map(|cell| self.root_of(cell)).collect::<Vec<_>>(), &[]);
        text(&wanted.shown, "by") != "accounts" || has_no_room(Some(there), &each())
    }

    fn policy_before_moves(
        &mut self,
        (address, spot): (&String, &Spot),
        (there, is): (&str, &Json),
        cells: &[String],
    ) {
        let moving: Vec<(String, Json)> = cells.iter().filter_map(|cell| self.moves_from(cell, is)).collect();
        if moving.is_empty() {
            return;
        }
        self.units_of(&moving.iter().map(|(cell, _)| cell.clone()).collect::<Vec<_>>());
        let (statement, needs) = self.pull_by_place(cells);
        let wanted = places_of(&statement);
        let mut both = wanted.clone();
        for (_, place) in &moving {
            if !both.contains(place) {
                both.push(place.clone());
            }
        }
        let known = places_of(is);
        let mut while_moving = Moving { is_all: both.len() == wanted.len(), ..Moving::default() };
        let statement = pull(&[], &both);
        if both.iter().any(|place| !known.contains(place)) {
            if has_no_room(Some(there), &statement) {
                while_moving.is_all = false;
                let message = format!(
                    "{address}: there is no room for the places that the cells come from beside those that they go to: each cannot pull from its move until the policy is written, which is after the last of them"
                );
                let moved = moving.iter().map(|(cell, _)| cell.clone());
                self.note(message, std::iter::once(address.clone()).chain(moved).collect());
            } else {
                let operation = self.set_policy(address, spot, &statement, &needs);
                for (cell, _) in &moving {
                    self.step(cell, Step::LetIn, operation);
                }
                while_moving.before = Some(operation);
            }
        } else {
            while_moving.is_all = false;
        }
        while_moving.cells = moving.into_iter().map(|(cell, _)| cell).collect();
        self.moving.insert(address.clone(), while_moving);
    }

    /// The cell and its place, if it is to have another one, and may pull from there now.
    fn moves_from(&self, cell: &str, is: &Json) -> Option<(String, Json)> {
        let known = self.ids.get(cell).filter(|_| self.takes(cell));
        let account = known.and_then(|id| self.live.accounts.get(id))?;
        let organization = self.live.organization.as_ref()?;
        let above = |id: &&str| self.live.units.get(*id).map(|unit| unit.parent.as_str());
        let up = std::iter::successors(account.parent.as_deref(), above).take(crate::limits::OU_LEVELS.most + 1);
        let mut path: Vec<&str> = up.chain([organization.id.as_str()]).collect();
        path.reverse();
        let place = Json::from(path_of(path));
        let lets_in = match places_of(is) {
            places if places.is_empty() => {
                let named = texts(policy::form(is).pointer("/Principal/AWS"));
                self.root_of(cell).as_str().is_some_and(|root| named.iter().any(|named| named == root))
            }
            places => places.contains(&place),
        };
        (lets_in && self.place_of(cell).0 != place).then(|| (cell.to_owned(), place))
    }

    /// What the last writing of a policy waits for.
    pub(super) fn after_moves(&self, moving: &Moving) -> Vec<OperationId> {
        let moves = moving.cells.iter().flat_map(|cell| self.after(cell, Step::Placed));
        moves.chain(moving.before).collect()
    }

    /// Writes our statement.
    pub(super) fn set_policy(
        &mut self,
        address: &str,
        spot: &Spot,
        statement: &Json,
        needs: &[OperationId],
    ) -> OperationId {
        let verb = Verb::SetRepositoryPolicy {
            account: spot.account.clone(),
            region: self.desired.org.home_region.clone(),
            repository: spot.name.clone(),
            content: serde_json::json!({ "Statement": [statement] }),
        };
        let sets = Fields::from_iter([("content".to_owned(), policy::document([statement]))]);
        self.operation(address, verb, needs, sets)
    }
}

/// Would a text have more characters with it than AWS takes?
pub(super) fn has_no_room(there: Option<&str>, statement: &Json) -> bool {
    let wanted = BTreeMap::from([(PULL.to_owned(), statement.clone())]);
    matches!(edited(there, &wanted), Err(Refused::TooLong { .. }))
}
