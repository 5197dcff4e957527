//! Where the statements stand that decide: in the program, in a pinned document, or in the former revision of either.
//! Owns which of them a place is taken from; where statements stand within a program is [`super::places`]'s.

use cell_iam::policy::Source;
use cell_iam::{Deciding, Layer};

use super::documents;
use super::model::{Place, Statement, Time};
use super::pins::Pins;
use super::places::Places;

/// A program as far as its statements have places.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// Where its statements stand.
    pub places: &'a Places,
    /// The documents that it does not write.
    pub pins: &'a Pins,
}

/// The two states of a program that a review is about.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// As it is now.
    pub now: Written<'a>,
    /// As it was, where another revision of it is compared with.
    pub former: Option<Written<'a>>,
}

impl Sources<'_> {
    /// A deciding statement with its place. What decided before and is not there any more stands in the former
    /// revision's files, and says so.
    pub(super) fn statement(&self, deciding: &Deciding, side: Time) -> Statement {
        let sid = deciding.sid.as_ref().map(ToString::to_string);
        // The guard's own statements are no policy of anybody's.
        let policy = if deciding.layer == Layer::Guard { "guard".to_owned() } else { deciding.policy.to_string() };
        let (place, former) = self.place(&policy, sid.as_deref(), &deciding.statement, side);
        Statement {
            effect: if deciding.effect == cell_iam::policy::Effect::Allow { "allow" } else { "deny" }.to_owned(),
            policy,
            sid,
            side,
            place,
            former,
        }
    }

    fn place(&self, policy: &str, sid: Option<&str>, at: &Source, side: Time) -> (Option<Place>, bool) {
        let former = self.former.filter(|_| side == Time::Before);
        let now = self.now;
        if let Some(place) = now.places.statement(policy, sid, at.start) {
            return (Some(place), false);
        }
        let same = former.is_none_or(|former| former.pins.document(policy) == now.pins.document(policy));
        if let Some(place) = now.pinned(policy, at).filter(|_| same) {
            return (Some(place), false);
        }
        if let Some(former) = former {
            let place = former.places.statement(policy, sid, at.start).or_else(|| former.pinned(policy, at));
            if place.is_some() {
                return (place, true);
            }
        }
        let entity = now.places.find(policy, None);
        match (entity, former) {
            (None, Some(former)) => {
                let place = former.places.find(policy, None);
                (place.clone(), place.is_some())
            }
            (entity, _) => (entity, false),
        }
    }
}

impl Written<'_> {
    /// Where a statement of a pinned document stands.
    fn pinned(&self, policy: &str, at: &Source) -> Option<Place> {
        let (text, file) = (self.pins.document(policy)?, self.pins.files.get(policy)?);
        Some(documents::at(file, text, at.start as usize, policy))
    }
}
