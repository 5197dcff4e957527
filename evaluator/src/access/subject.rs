//! What a review needs of a program, in one piece. Owns gathering it, and which review each question asks for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::accepts::Accept;
use super::guards::Rule;
use super::model::Review;
use super::pins::Pins;
use super::places::Places;
use super::review::{Question, Unreadable, review};
use super::sides::Side;
use super::sources::{Sources, Written};
use crate::plan::UNREAD;
use crate::plan::desired::{Desired, WantedPrincipal};
use crate::plan::model::Plan;
use crate::registry::record::Record;
use crate::resources::Resource;
use crate::world::World;

/// A program as reviews see it.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// What it asks for.
    pub desired: Desired,
    /// Where its statements stand.
    pub places: Places,
    /// Its guards.
    pub guards: Vec<Rule>,
    /// Its waivers.
    pub accepts: Vec<Accept>,
    /// Documents that it does not write.
    pub pins: Pins,
}

impl Subject {
    /// Reads an expansion at an instant.
    pub fn new(world: &World<'_>, resources: &[Resource], at: Timestamp, pins: Pins) -> Self {
        Self::with(world, Desired::new(world, resources, at), pins)
    }

    /// Reads of an expansion what its permissions depend on, and no more: what a plan or a page of a review needs
    /// besides is not there.
    pub(super) fn of_access(world: &World<'_>, at: Timestamp, pins: Pins) -> Self {
        Self::with(world, Desired::of_access(world, at), pins)
    }

    fn with(world: &World<'_>, desired: Desired, pins: Pins) -> Self {
        let guards = Rule::all(world, &|address| said_id(&desired, address));
        Self { places: Places::new(world), guards, accepts: Accept::all(world), pins, desired }
    }

    /// Who has what by the program alone.
    pub fn side(&self) -> Side {
        let side = Side::of_program(&self.desired, &|address| said_id(&self.desired, address));
        Side { organization: self.pins.organization_id.clone(), ..side }
    }

    /// What a plan changes. `record` is the one that the plan was made from, every `moved` followed.
    ///
    /// # Errors
    /// When the shipped data cannot be read.
    pub fn of_plan(&self, plan: &Plan, record: &Record) -> Result<Review, Unreadable> {
        let (before, after) = Side::around(plan, &self.desired, record);
        let today = TimeZone::UTC.to_datetime(plan.at).date();
        let after = after.as_ref().unwrap_or(&before);
        let base = if plan.reading == UNREAD { "the record" } else { "live" };
        let mut review = review(&Question { today: Some(today), ..self.question(&before, after, base) })?;
        // Whom the program does not name the plan may know, from the directory.
        for row in review.principals.iter_mut().filter(|row| row.name == row.principal) {
            if let Some(name) = plan.names.get(&row.principal).filter(|name| !name.is_empty()) {
                row.name.clone_from(name);
            }
        }
        Ok(review)
    }

    /// What changes from another revision of the program to this one.
    ///
    /// # Errors
    /// When the shipped data cannot be read.
    pub fn since(&self, former: &Self, base: &str, today: Option<jiff::civil::Date>) -> Result<Review, Unreadable> {
        let after = self.side();
        let mut before = former.side();
        before.organization = before.organization.or_else(|| after.organization.clone());
        let (people, targets) = (self.same_people(former), self.same_targets(former, &before, &after));
        self.compared(former, (before.renamed(&people, &targets), after), base, today)
    }

    /// The addresses now of people that a former revision names: whom the directory knows by the same name is the same.
    /// One whose address is another's now has an address of its own.
    fn same_people(&self, former: &Self) -> BTreeMap<String, String> {
        let now: BTreeMap<_, &String> =
            self.desired.principals.iter().map(|(address, one)| ((one.kind, &one.name), address)).collect();
        let new = |(address, one): (&String, &WantedPrincipal)| {
            let to = match now.get(&(one.kind, &one.name)) {
                Some(now) => (*now).clone(),
                None if self.desired.principals.contains_key(address) => format!("{address} ({})", one.name),
                None => return None,
            };
            (to != *address).then(|| (address.clone(), to))
        };
        former.desired.principals.iter().filter_map(new).collect()
    }

    /// The addresses now of cells and accounts of a former revision: the same account is the same, and what a `moved`
    /// line says. One whose address is another account's now has an address of its own.
    fn same_targets(&self, former: &Self, before: &Side, after: &Side) -> BTreeMap<String, String> {
        let now: BTreeMap<&String, &String> = after.accounts.iter().map(|(address, id)| (id, address)).collect();
        let known = before.accounts.iter().filter_map(|(address, id)| {
            let to = match (now.get(id), after.accounts.get(address)) {
                (Some(now), _) => (*now).clone(),
                (None, Some(_)) => format!("{address} ({id})"),
                (None, None) => return None,
            };
            (to != *address).then(|| (address.clone(), to))
        });
        let cells = former.desired.cells.keys().filter(|cell| !before.accounts.contains_key(*cell));
        let moved = cells.filter_map(|cell| Some((cell.clone(), self.desired.moved_to(cell)?)));
        known.chain(moved).collect()
    }

    /// The same, of sides that are already known.
    pub(super) fn compared(
        &self,
        former: &Self,
        (before, after): (Side, Side),
        base: &str,
        today: Option<jiff::civil::Date>,
    ) -> Result<Review, Unreadable> {
        let pins = former.pins.clone().before(&self.pins);
        let written = Some(Written { places: &former.places, pins: &pins });
        let question = self.question(&before, &after, base);
        let sources = Sources { former: written, ..question.sources };
        review(&Question { today, sources, guards_before: &former.guards, ..question })
    }

    /// What the guards say of the program; nobody's access changes. `side` is the program's own.
    ///
    /// # Errors
    /// When the shipped data cannot be read.
    pub fn guarded(&self, side: &Side) -> Result<Review, Unreadable> {
        review(&self.question(side, side, "itself"))
    }

    fn question<'a>(&'a self, before: &'a Side, after: &'a Side, base: &'a str) -> Question<'a> {
        let Self { desired, guards, accepts, .. } = self;
        Question {
            before,
            after,
            desired,
            sources: self.sources(),
            guards,
            guards_before: &[],
            accepts,
            today: None,
            base,
        }
    }

    pub(super) fn sources(&self) -> Sources<'_> {
        Sources { now: Written { places: &self.places, pins: &self.pins }, former: None }
    }
}

/// The account's id that the program says.
fn said_id(desired: &Desired, address: &str) -> Option<String> {
    desired.resources.get(address)?.account.as_ref()?.id.clone()
}
