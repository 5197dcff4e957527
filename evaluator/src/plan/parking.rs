//! The unit in which accounts wait for a cell. Owns when it is made, taken into the record, and renamed; which accounts wait in
//! it is not its affair.

use serde_json::Value as Json;

use super::Command;
use super::build::{Builder, Step, change, drifted};
use super::desired::{PARKING, ROOT};
use super::model::{Action, Change, Fields, OperationId, Verb};
use crate::provider::Tags;

/// What it is, for people.
const WHAT: &str = "the unit of accounts that wait for a cell";

impl Builder<'_> {
    /// The unit of parked accounts, made when first needed.
    pub(super) fn parking(&mut self) -> Vec<OperationId> {
        let made = self.after(PARKING, Step::Made);
        if self.ids.contains_key(PARKING) {
            self.take_parking();
            return made;
        }
        if !made.is_empty() {
            return made;
        }
        let name = self.desired.org.parking.clone();
        let verb = Verb::CreateUnit { parent: ROOT.to_owned(), name: name.clone(), tags: Tags::new() };
        let fields = parking_fields(&name);
        let operation = self.operation(PARKING, verb, &[], fields.clone());
        self.step(PARKING, Step::Made, operation);
        self.parking_change(Action::Create, None, fields, operation);
        vec![operation]
    }

    /// The unit of parked accounts has the name that the program says.
    pub(super) fn parking_named(&mut self) {
        let unit = self.ids.get(PARKING).and_then(|id| self.live.units.get(id));
        let (Some(entry), Some(unit)) = (self.record.entry(PARKING), unit) else { return };
        let name = self.desired.org.parking.clone();
        if self.looks || self.command == Command::Destroy || entry.id != unit.id || !self.takes(PARKING) {
            return;
        }
        let (before, after) = (parking_fields(&unit.name), parking_fields(&name));
        let mut plan = Change {
            name: name.clone(),
            id: Some(unit.id.clone()),
            drift: drifted(Some(entry), &before),
            before: Some(before.clone()),
            after: Some(after.clone()),
            reason: Some(WHAT.to_owned()),
            ..change(PARKING, "ou", Action::Update)
        };
        if before != after {
            if self.unit_name_is_taken(&plan, ROOT) {
                return;
            }
            let sets = Fields::from_iter([("name".to_owned(), Json::from(name.as_str()))]);
            plan.operations.push(self.operation(PARKING, Verb::RenameUnit { name }, &[], sets));
        }
        self.record_as_it_is(&mut plan, Some(entry), &before, &after);
        if !plan.operations.is_empty() {
            self.changes.push(plan);
        }
    }

    /// A unit of parked accounts that a run has begun to make and could not note any more.
    pub(super) fn parking_begun(&mut self) {
        if !self.record.pending.contains_key(PARKING) || !self.takes(PARKING) {
            return;
        }
        self.take_parking();
        // Nothing came of it, and this plan makes none.
        if !self.ids.contains_key(PARKING) && self.after(PARKING, Step::Made).is_empty() {
            let forgotten = self.operation(PARKING, Verb::Forget, &[], Fields::new());
            self.parking_change(Action::Forget, None, Fields::new(), forgotten);
        }
    }

    /// Takes into the record the unit of parked accounts that is there, unless it is in it.
    fn take_parking(&mut self) {
        let unit = self.ids.get(PARKING).and_then(|id| self.live.units.get(id));
        let known = self.record.entry(PARKING).is_some() || self.opening.contains_key(PARKING);
        let (Some(unit), false) = (unit, known) else { return };
        let (id, name) = (unit.id.clone(), unit.name.clone());
        let fields = parking_fields(&name);
        let operation = self.operation(PARKING, Verb::Remember { id: id.clone() }, &[], fields.clone());
        self.parking_change(Action::Adopt, Some(id), fields, operation);
    }

    fn parking_change(&mut self, action: Action, id: Option<String>, fields: Fields, operation: OperationId) {
        self.changes.push(parking_change((action, id), &self.desired.org.parking, fields, operation));
    }
}

/// What becomes of the unit of parked accounts.
pub(crate) fn parking_change(
    (action, id): (Action, Option<String>),
    name: &str,
    fields: Fields,
    operation: OperationId,
) -> Change {
    Change {
        name: name.to_owned(),
        before: id.is_some().then(|| fields.clone()),
        id,
        after: Some(fields),
        operations: vec![operation],
        reason: Some(WHAT.to_owned()),
        ..change(PARKING, "ou", action)
    }
}

/// The fields of the unit of parked accounts.
pub(crate) fn parking_fields(name: &str) -> Fields {
    Fields::from_iter([("name".to_owned(), Json::from(name)), ("parent".to_owned(), Json::from(ROOT))])
}
