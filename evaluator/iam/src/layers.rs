//! The layers of an access as a list of gates. Owns which policies must allow and which bind whom; how a policy is
//! evaluated is not its affair.

use serde::Serialize;
use smol_str::SmolStr;

use crate::access::{Access, Facts, Level, Part};
use crate::policy::{Effect, Source};

/// A layer of policies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The policies of an identity: the way's name.
    Identity(SmolStr),
    /// The boundary of a way.
    Boundary(SmolStr),
    /// The session policies of a way.
    Session(SmolStr),
    /// Service control policies: the level's name.
    Scp(SmolStr),
    /// Resource control policies: the level's name.
    Rcp(SmolStr),
    /// What a guard forbids.
    Guard,
}

/// A statement that decides something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Deciding {
    /// The layer it stands in.
    pub layer: Layer,
    /// The policy's name.
    pub policy: SmolStr,
    /// Its `Sid`.
    pub sid: Option<SmolStr>,
    /// Allow or deny.
    pub effect: Effect,
    /// The whole statement.
    pub statement: Source,
    /// The action in it that matched; none for a `NotAction`.
    pub action: Option<Source>,
    /// The resource in it that matched; none for a `NotResource`.
    pub resource: Option<Source>,
}

/// One layer: some policy of it must allow, and none deny.
pub(crate) struct Gate<'a> {
    pub(crate) layer: Layer,
    pub(crate) parts: &'a [Part],
}

/// One way to act, with all the gates that a request passes.
pub(crate) struct Path<'a> {
    pub(crate) facts: Facts,
    pub(crate) gates: Vec<Gate<'a>>,
}

/// The ways of an access. The levels of `guard` bind everybody.
pub(crate) fn paths<'a>(access: &'a Access, guard: &'a [Level]) -> Vec<Path<'a>> {
    let path = |way: &'a crate::access::Way| {
        let mut gates = vec![Gate { layer: Layer::Identity(way.name.clone()), parts: &way.identity }];
        let own = |parts: &'a Option<Vec<Part>>, layer: Layer| parts.as_ref().map(|parts| Gate { layer, parts });
        gates.extend(own(&way.boundary, Layer::Boundary(way.name.clone())));
        gates.extend(own(&way.session, Layer::Session(way.name.clone())));
        if !access.management_account {
            gates.extend(access.scps.iter().map(|level| gate(level, Layer::Scp)));
            gates.extend(access.rcps.iter().map(|level| gate(level, Layer::Rcp)));
        }
        gates.extend(guard.iter().map(|level| gate(level, |_| Layer::Guard)));
        Path { facts: way.facts.over(&access.facts), gates }
    };
    access.ways.iter().map(path).collect()
}

fn gate(level: &Level, layer: impl Fn(SmolStr) -> Layer) -> Gate<'_> {
    Gate { layer: layer(level.name.clone()), parts: &level.parts }
}
