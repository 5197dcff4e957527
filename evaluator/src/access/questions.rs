//! The question of a program's tests: can somebody do something somewhere. Owns asking it many times of one program:
//! accesses are folded once, and each distinct one is asked once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use cell_iam::{Engine, lint};
use jiff::Timestamp;

use super::ask::whole;
use super::cases::{CaseId, Cases};
use super::pins::Pins;
use super::review::{Known, Unreadable};
use super::sides::Holding;
use super::subject::Subject;
use crate::world::World;

/// A case, an action and a resource.
type Asked = (CaseId, String, String);

/// The accesses of a program, and what was asked of them.
#[derive(Debug)]
pub(crate) struct Questions<'p> {
    known: Known,
    cases: Cases<'p>,
    held: BTreeMap<Holding, CaseId>,
    answers: Mutex<BTreeMap<Asked, bool>>,
}

impl<'p> Questions<'p> {
    /// Of an expansion. No grant has expired for a test.
    pub(crate) fn new(world: &World<'_>, pins: &'p Pins) -> Result<Self, Unreadable> {
        let subject = Subject::of_access(world, Timestamp::UNIX_EPOCH, Pins::default());
        let mut cases = Cases::new(pins);
        cases.mind_all();
        let held = cases.of(&subject.side());
        Ok(Self { known: Known::read()?, cases, held, answers: Mutex::default() })
    }

    /// Can `who` do it in `place`, or may? The answer no is proven.
    pub(crate) fn can(&self, who: &str, place: &str, action: &str, resource: &str) -> bool {
        let Some(case) = self.held.get(&(who.to_owned(), place.to_owned())) else { return false };
        let asked = (*case, action.to_owned(), resource.to_owned());
        let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(&asked).copied();
        known.unwrap_or_else(|| {
            let access = self.cases.access(*case);
            let can = !Engine::new(self.known.catalogue).forbidden(&access, &whole(action, resource)).is_empty();
            self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(asked, can);
            can
        })
    }
}

/// Why a question is about nothing, if it is: the fact, and what to do. Its answer would always be no.
pub(crate) fn void(action: &str, resource: &str) -> Option<(String, Option<String>)> {
    if action != "*" && !action.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty())
    {
        let help = "an action reads `service:Action`, as in `s3:GetObject`".to_owned();
        return Some((format!("`{action}` is no action"), Some(help)));
    }
    if resource != "*" && !resource.starts_with("arn:") {
        let help = "a resource is an ARN, a pattern of ARNs, or `*` for any".to_owned();
        return Some((format!("`{resource}` is no resource"), Some(help)));
    }
    // What cannot be read is told by the question itself.
    let catalogue = Known::read().ok()?.catalogue;
    if action == "*" { None } else { lint::unlisted(catalogue, action) }
}
