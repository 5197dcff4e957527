//! Persons that policies tell apart: what of the context is one and the same in all sessions of somebody. Owns which
//! persons have to be looked at; what one of them may do is the engine's affair.
//!
//! Two pieces of a way to more power, one for people of one team and one for those of another, are nobody's together.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::access::{Access, Fact, Facts, Level, Part};
use crate::condition::{Family, Test};
use crate::domain::Domain;
use crate::pattern::Lookup;
use crate::region::{Need, Region};

/// More persons than this are not told apart.
const MAX_PEOPLE: usize = 32;

/// Keys, or how they begin, that a person has one value of in every session. In lower case.
const OF_PEOPLE: [&str; 3] = ["aws:principaltag/", "aws:sourceidentity", "identitystore:userid"];

/// The key that ends in the name of the person in every session, in lower case. What stands before it is the role's.
const OF_SESSION: &str = "aws:userid";

/// What a value begins with that asks for the person alone.
const ANY_ROLE: &str = "*:";

/// The id of some role, and the name of somebody whom no policy names.
const SOME_ROLE: &str = "AROAEXAMPLE";
const NOBODY: &str = "somebody";

/// What is known of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Person(Vec<(SmolStr, Fact)>);

impl Person {
    /// An access as this person has it.
    pub(super) fn as_in(&self, access: &Access) -> Access {
        let mut access = access.clone();
        for (key, fact) in &self.0 {
            access.facts.set(key, fact.clone());
        }
        access
    }
}

/// One person for each way to fare with the conditions that these regions come under. Somebody of whom nothing is known
/// where there are none such, or too many persons: pieces that nobody has together may then be taken for somebody's.
pub(super) fn people(old: &Access, new: &Access, regions: &[Region]) -> Vec<Person> {
    let mut all = vec![Person::default()];
    for key in keys(regions).into_iter().filter(|key| !is_known(old, key) && !is_known(new, key)) {
        let Some(facts) = values(&key, &[old, new]) else { return vec![Person::default()] };
        let with = |person: &Person, fact: &Fact| {
            let mut person = person.clone();
            person.0.push((key.clone(), fact.clone()));
            person
        };
        all = all.iter().flat_map(|person| facts.iter().map(|fact| with(person, fact)).collect::<Vec<_>>()).collect();
        if all.len() > MAX_PEOPLE {
            return vec![Person::default()];
        }
    }
    all
}

/// The keys of people in the conditions of regions.
fn keys(regions: &[Region]) -> BTreeSet<SmolStr> {
    let needs = regions.iter().flat_map(|region| region.when.iter().flatten());
    let keys = needs.map(|need| match need {
        Need::Value { key, .. } | Need::Contains { key, .. } | Need::Lacks { key, .. } => {
            SmolStr::from(key.to_ascii_lowercase())
        }
    });
    keys.filter(|key| key == OF_SESSION || OF_PEOPLE.iter().any(|own| key.starts_with(own))).collect()
}

fn is_known(access: &Access, key: &str) -> bool {
    let of = |facts: &Facts| !matches!(facts.get(key), None | Some(Fact::Like(_)));
    of(&access.facts) || access.ways.iter().any(|way| of(&way.facts))
}

/// The values of a key that the conditions of these accesses tell apart, and its absence; none where they are too many or
/// not known.
fn values(key: &SmolStr, accesses: &[&Access]) -> Option<Vec<Fact>> {
    let unknown: &dyn Fn(&str) -> Lookup = &|_| Lookup::Unknown;
    let mut tests: Vec<Test> = Vec::new();
    for named in accesses.iter().flat_map(|access| parts(access)) {
        let Part::Known(named) = named else { continue };
        let document = named.document();
        let conditions = document.statements.iter().flat_map(|statement| &statement.conditions);
        for condition in conditions.filter(|condition| condition.key.eq_ignore_ascii_case(key)) {
            // What asks for a role says nothing of the person.
            if key == OF_SESSION && !condition.values.iter().all(|value| value.value.starts_with(ANY_ROLE)) {
                continue;
            }
            let test = Test::read(condition, Some(unknown).filter(|_| document.has_variables()));
            if test.family == Family::Unknown || test.wanted.iter().any(|(_, wanted)| !wanted.unknown().is_empty()) {
                return None;
            }
            if !tests.contains(&test) {
                tests.push(test);
            }
        }
    }
    let domain = Domain::new(key, &tests.iter().collect::<Vec<_>>(), false).ok()?;
    if key == OF_SESSION {
        return domain.values.iter().filter(|value| is_session(value)).map(|value| named(value, &tests)).collect();
    }
    let each = domain.values.into_iter().map(|value| Fact::Is(vec![value]));
    Some(std::iter::once(Fact::Absent).chain(each).collect())
}

/// Whether a session may be called so: names of persons have neither a `:` nor a `*`.
fn is_session(value: &str) -> bool {
    !value.contains('*') && value.matches(':').count() <= 1
}

/// A person by the name that sessions end in, in whichever role; none where that fares in another way than the example.
fn named(example: &str, tests: &[Test]) -> Option<Fact> {
    let name = example.rsplit(':').next().unwrap_or_default();
    let session = format!("{SOME_ROLE}:{name}");
    let same = tests.iter().all(|test| test.hit(&session) == test.hit(example));
    let other = || format!("{SOME_ROLE}:{NOBODY}");
    match same {
        true => Some(Fact::Like(format!("{ANY_ROLE}{name}").into())),
        false if tests.iter().all(|test| test.hit(&other()) == test.hit(example)) => {
            Some(Fact::Like(format!("{ANY_ROLE}{NOBODY}").into()))
        }
        false => None,
    }
}

/// All policies of an access.
fn parts(access: &Access) -> impl Iterator<Item = &Part> {
    let of_ways = access.ways.iter().flat_map(|way| {
        let bounds = way.boundary.iter().chain(&way.session).flatten();
        way.identity.iter().chain(bounds)
    });
    let of_levels = access.scps.iter().chain(&access.rcps).flat_map(|level: &Level| &level.parts);
    of_ways.chain(of_levels)
}
