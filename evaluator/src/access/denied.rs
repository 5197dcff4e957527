//! Why somebody cannot do something: which statements deny it, which would allow it and under which conditions, and
//! what in no layer is allowed. Owns the reasons of a no; that it is one, the engine has decided.

use cell_iam::access::{Access, Part, Way};
use cell_iam::policy::{Condition, Document, Effect, Statement as Written};
use cell_iam::{Deciding, Engine, Forbid, Layer};
use serde::Serialize;

use super::model::{Statement, Time};
use super::sources::Sources;
use super::tell;

/// A statement, and when it is about a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conditional {
    /// The statement.
    #[serde(flatten)]
    pub statement: Statement,
    /// Under which condition, each alternative as one sentence; none is no condition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<String>,
}

/// Why not.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    /// The statements that deny it.
    pub(super) denying: Vec<Conditional>,
    /// The statements of the principal's own policies that allow it all the same, as far as they do.
    pub(super) allowing: Vec<Conditional>,
    /// The statements that would allow it, were their conditions met, in a layer in which nothing does.
    pub(super) unmet: Vec<Conditional>,
    /// The layers in which nothing allows it.
    pub(super) missing: Vec<Layer>,
}

/// What is asked.
pub(super) struct Asked<'a> {
    /// The principal's access, with what the request carries among its facts.
    pub(super) access: &'a Access,
    /// The same without what the request carries.
    pub(super) open: &'a Access,
    /// The requests in question.
    pub(super) forbid: &'a Forbid,
}

/// The reasons of a no.
pub(super) fn reasons(asked: &Asked<'_>, engine: &mut Engine<'_>, sources: &Sources<'_>) -> Reasons {
    let mut reasons = Reasons::default();
    for way in &asked.access.ways {
        let own = [
            (Layer::Identity(way.name.clone()), Some(&way.identity)),
            (Layer::Boundary(way.name.clone()), way.boundary.as_ref()),
        ];
        let bound = !asked.access.management_account;
        let levels = asked.access.scps.iter().map(|level| (Layer::Scp(level.name.clone()), Some(&level.parts)));
        let limits = asked.access.rcps.iter().map(|level| (Layer::Rcp(level.name.clone()), Some(&level.parts)));
        let levels = levels.chain(limits).filter(|_| bound);
        let layers: Vec<_> =
            own.into_iter().chain(levels).filter_map(|(layer, parts)| Some((layer, parts?))).collect();
        for (layer, parts) in layers {
            gate(asked, way, (&layer, parts), (&mut *engine, sources), &mut reasons);
        }
    }
    reasons
}

fn gate(
    asked: &Asked<'_>,
    way: &Way,
    (layer, parts): (&Layer, &[Part]),
    (engine, sources): (&mut Engine<'_>, &Sources<'_>),
    reasons: &mut Reasons,
) {
    let (mut allows, mut unmet) = (false, Vec::new());
    for part in parts {
        let Part::Known(named) = part else {
            // It may allow it, and then something else is in the way.
            allows = true;
            continue;
        };
        for statement in &named.document().statements {
            let told = |when| Conditional {
                statement: sources.statement(&deciding(layer, named.name(), statement), Time::After),
                when,
            };
            let alone = |access: &Access| of_one(access, way, named.name(), named.document(), statement);
            match when(engine, &alone(asked.access), asked.forbid) {
                Some(when) if statement.effect == Effect::Deny => add(&mut reasons.denying, told(when)),
                Some(when) => {
                    allows = true;
                    if matches!(layer, Layer::Identity(_)) {
                        add(&mut reasons.allowing, told(when));
                    }
                }
                None if statement.effect == Effect::Allow => {
                    let open = when(engine, &alone(asked.open), asked.forbid);
                    let never = || {
                        let bare = Written { conditions: Vec::new(), ..statement.clone() };
                        let bare = of_one(asked.open, way, named.name(), named.document(), &bare);
                        when(engine, &bare, asked.forbid).map(|_| vec![written(statement)])
                    };
                    unmet.extend(open.or_else(never).map(told));
                }
                None => {}
            }
        }
    }
    if !allows {
        unmet.into_iter().for_each(|one| add(&mut reasons.unmet, one));
        if !reasons.missing.contains(layer) {
            reasons.missing.push(layer.clone());
        }
    }
}

fn add(all: &mut Vec<Conditional>, one: Conditional) {
    if !all.contains(&one) && one.statement.policy != "FullAWSAccess" {
        all.push(one);
    }
}

/// When an access allows some of what is asked; none when it allows nothing of it.
fn when(engine: &mut Engine<'_>, access: &Access, forbid: &Forbid) -> Option<Vec<String>> {
    let regions = engine.forbidden(access, forbid);
    let told: Vec<Vec<String>> = regions.iter().map(tell::conditions).collect();
    if told.is_empty() || told.iter().any(Vec::is_empty) {
        return (!told.is_empty()).then(Vec::new);
    }
    let mut all: Vec<String> = Vec::new();
    for one in told.into_iter().flatten() {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    Some(all)
}

/// The conditions of a statement as they are written: of such that no request for this can meet.
fn written(statement: &Written) -> String {
    let one = |condition: &Condition| {
        let values: Vec<&str> = condition.values.iter().map(|value| value.value.as_str()).collect();
        format!("{} {} {}", condition.key, condition.operator, values.join(" or "))
    };
    statement.conditions.iter().map(one).collect::<Vec<_>>().join(" and ")
}

/// What a statement is about, as an access that allows it.
fn of_one(access: &Access, way: &Way, name: &str, document: &Document, statement: &Written) -> Access {
    let statement = Written { effect: Effect::Allow, ..statement.clone() };
    let part = Part::known(name, Document { statements: vec![statement], ..document.clone() });
    let way = Way { identity: vec![part], boundary: None, session: None, ..way.clone() };
    Access { ways: vec![way], scps: Vec::new(), rcps: Vec::new(), ..access.clone() }
}

fn deciding(layer: &Layer, policy: &str, statement: &Written) -> Deciding {
    Deciding {
        layer: layer.clone(),
        policy: policy.into(),
        sid: statement.sid.clone(),
        effect: statement.effect,
        statement: statement.source.clone(),
        action: None,
        resource: None,
    }
}
