//! What a review needs of a program, in one piece. Owns gathering it, and which review each question asks for.

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
use crate::plan::desired::Desired;
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
        let desired = Desired::new(world, resources, at);
        let guards = Rule::all(world, &|address| said_id(&desired, address));
        Self { places: Places::new(world), guards, accepts: Accept::all(world), pins, desired }
    }

    /// Who has what by the program alone.
    pub fn side(&self) -> Side {
        Side::of_program(&self.desired, &|address| said_id(&self.desired, address))
    }

    /// What a plan changes. `record` is the one that the plan was made from, every `moved` followed.
    ///
    /// # Errors
    /// When the shipped data cannot be read.
    pub fn of_plan(&self, plan: &Plan, record: &Record) -> Result<Review, Unreadable> {
        let (before, after) = Side::around(plan, &self.desired, record);
        let today = TimeZone::UTC.to_datetime(plan.at).date();
        let after = after.as_ref().unwrap_or(&before);
        review(&Question { today: Some(today), ..self.question(&before, after, "live") })
    }

    /// What changes from another revision of the program to this one.
    ///
    /// # Errors
    /// When the shipped data cannot be read.
    pub fn since(&self, former: &Self, base: &str, today: Option<jiff::civil::Date>) -> Result<Review, Unreadable> {
        self.compared(former, (former.side(), self.side()), base, today)
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

    /// What the guards say of the program; nobody's access changes.
    ///
    /// # Errors
    /// When the shipped data cannot be read.
    pub fn guarded(&self) -> Result<Review, Unreadable> {
        let side = self.side();
        review(&self.question(&side, &side, "itself"))
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
