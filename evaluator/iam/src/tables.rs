//! Patterns, conditions and unknowns under small numbers, and the statements of an access in terms of them. Owns what
//! a statement is reduced to; how regions follow from it is not its affair.

use foldhash::HashMap;
use foldhash::fast::FixedState;
use indexmap::IndexSet;
use smol_str::SmolStr;

use crate::access::{Access, Fact, Facts, Level, Named, Part};
use crate::condition::{Family, Test, Truth};
use crate::decide::{principals_match, read_resource};
use crate::layers::{Layer, paths};
use crate::pattern::{Lookup, Pattern};
use crate::policy::{Document, Effect, Elements, Statement};
use crate::region::Reason;

/// A numbered set.
pub(crate) type Numbered<T> = IndexSet<T, FixedState>;

/// Something that nobody knows, and that is the same for all who ask about one request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Opaque {
    /// Whether `*` reaches across colons.
    Across,
    /// What a policy of an unknown document does.
    Policy(SmolStr, Effect),
    /// Whether a statement is about the principal.
    Principal(SmolStr),
    /// Whether a pattern of resources matches.
    Resource(u32),
    /// Whether a condition holds.
    Condition(u32),
    /// Whether a condition for one value holds for several of which some are like it.
    Several(u32),
    /// Whether a value of a condition is like one wanted: of which element, for keys of several values.
    Value(u32, usize),
}

/// What outlives a question: patterns and conditions that were met, by number.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) resources: Numbered<(SmolStr, Pattern)>,
    plain: HashMap<SmolStr, u32>,
    pub(crate) tests: Numbered<Test>,
    /// By condition: the one that asks the same without any negation, qualifier or `IfExists`.
    bases: HashMap<u32, u32>,
    pub(crate) actions: Numbered<SmolStr>,
}

/// A statement without its actions: what it takes for it to apply to a request for one of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Body {
    pub(crate) effect: Effect,
    /// None is any resource.
    pub(crate) resources: Option<Resources>,
    /// The conditions, ordered by what they say.
    pub(crate) tests: Box<[u32]>,
    /// What must be so beside.
    pub(crate) unknown: Vec<Opaque>,
}

/// Patterns of resources: one of them, or none of them, matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Resources {
    pub(crate) not: bool,
    pub(crate) patterns: Box<[u32]>,
}

/// Patterns of actions: one of them, or none of them, matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Matcher {
    pub(crate) not: bool,
    pub(crate) patterns: Box<[u32]>,
}

/// One statement of one layer.
pub(crate) struct Entry<'a> {
    pub(crate) gate: u32,
    /// Into [`Question::bodies`].
    pub(crate) body: u32,
    pub(crate) actions: Matcher,
    /// None for a policy whose document is not known.
    pub(crate) written: Option<(&'a Named, &'a Statement)>,
}

/// One access, reduced.
#[derive(Default)]
pub(crate) struct Side<'a> {
    /// The layer of each gate.
    pub(crate) gates: Vec<Layer>,
    /// For each way, where its gates end.
    pub(crate) ways: Vec<u32>,
    pub(crate) entries: Vec<Entry<'a>>,
}

/// What belongs to one question only, so that its answer does not depend on what was asked before.
#[derive(Default)]
pub(crate) struct Question {
    pub(crate) bodies: Numbered<Body>,
    /// Condition keys and patterns of actions as they are written, by their lower case.
    pub(crate) names: HashMap<SmolStr, SmolStr>,
}

impl Tables {
    /// Reduces an access.
    pub(crate) fn side<'a>(&mut self, question: &mut Question, access: &'a Access, guard: &'a [Level]) -> Side<'a> {
        let mut side = Side::default();
        for path in paths(access, guard) {
            for gate in path.gates {
                let at = side.gates.len() as u32;
                side.gates.push(gate.layer);
                for part in gate.parts {
                    self.part(question, &mut side, at, part, &path.facts);
                }
            }
            side.ways.push(side.gates.len() as u32);
        }
        side
    }

    fn part<'a>(&mut self, question: &mut Question, side: &mut Side<'a>, gate: u32, part: &'a Part, facts: &Facts) {
        let named = match part {
            Part::Known(named) => named,
            Part::Unknown { name } => {
                let every = Matcher { not: false, patterns: [self.action("*")].into() };
                for effect in [Effect::Allow, Effect::Deny] {
                    let unknown = vec![Opaque::Policy(name.clone(), effect)];
                    let body = Body { effect, resources: None, tests: Box::default(), unknown };
                    let body = question.bodies.insert_full(body).0 as u32;
                    side.entries.push(Entry { gate, body, actions: every.clone(), written: None });
                }
                return;
            }
        };
        let document = named.document();
        for statement in &document.statements {
            let Some(body) = self.body(question, statement, document, facts) else { continue };
            let body = question.bodies.insert_full(body).0 as u32;
            let actions = self.matcher(question, &statement.actions);
            side.entries.push(Entry { gate, body, actions, written: Some((named, statement)) });
        }
    }

    fn action(&mut self, text: &str) -> u32 {
        self.actions.insert_full(text.to_ascii_lowercase().into()).0 as u32
    }

    fn matcher(&mut self, question: &mut Question, elements: &Elements) -> Matcher {
        let mut patterns = Vec::with_capacity(elements.items.len());
        for text in &elements.items {
            let number = self.action(&text.value);
            if let Some(lower) = self.actions.get_index(number as usize) {
                question.names.entry(lower.clone()).or_insert_with(|| text.value.clone());
            }
            patterns.push(number);
        }
        patterns.sort_unstable();
        patterns.dedup();
        Matcher { not: elements.not, patterns: patterns.into() }
    }

    /// What a statement comes to; none when it can never apply.
    fn body(
        &mut self,
        question: &mut Question,
        statement: &Statement,
        document: &Document,
        facts: &Facts,
    ) -> Option<Body> {
        let lookup = |key: &str| known(facts, key);
        let lookup: Option<&dyn Fn(&str) -> Lookup> = if document.has_variables() { Some(&lookup) } else { None };
        let mut unknown = Vec::new();
        if let Some(who) = &statement.principal {
            match principals_match(who) {
                Truth::No => return None,
                Truth::Yes => {}
                Truth::Maybe => unknown.push(Opaque::Principal(format!("{:?} {:?}", who.not, who.by_kind).into())),
            }
        }
        let mut tests = Vec::new();
        for condition in &statement.conditions {
            let mut test = Test::read(condition, lookup);
            question.names.entry(test.key.clone()).or_insert_with(|| condition.key.clone());
            let truth = match facts.get(&test.key) {
                Some(Fact::Is(values)) => test.holds(values),
                Some(Fact::Absent) => test.when_absent(),
                Some(Fact::Like(glob)) => {
                    test.like = Some(glob.clone());
                    tests.push(test);
                    continue;
                }
                None if test.family != Family::Unknown => {
                    tests.push(test);
                    continue;
                }
                None => Truth::Maybe,
            };
            match truth {
                Truth::No => return None,
                Truth::Yes => {}
                Truth::Maybe => unknown.push(Opaque::Condition(self.tests.insert_full(test).0 as u32)),
            }
        }
        let resources = match &statement.resources {
            Some(elements) => self.resources(elements, lookup)?,
            None => None,
        };
        tests.sort();
        tests.dedup();
        let tests = tests.into_iter().map(|test| self.number(test)).collect();
        Some(Body { effect: statement.effect, resources, tests, unknown })
    }

    fn number(&mut self, test: Test) -> u32 {
        let (number, new) = self.tests.insert_full(test);
        if let Some(test) = self.tests.get_index(number).filter(|_| new) {
            let base = Test { negated: false, qualifier: None, if_exists: false, ..test.clone() };
            let base = self.tests.insert_full(base).0 as u32;
            self.bases.insert(number as u32, base);
        }
        number as u32
    }

    /// What stands for a value of a condition that is not known: the same for all who ask the same.
    pub(crate) fn value(&self, test: u32, element: usize) -> Opaque {
        Opaque::Value(self.bases.get(&test).copied().unwrap_or(test), element)
    }

    /// What stands for a condition for one value on a key of several.
    pub(crate) fn several(&self, test: u32) -> Opaque {
        Opaque::Several(self.bases.get(&test).copied().unwrap_or(test))
    }

    /// Patterns of resources; none of anything, `Some(None)` of everything.
    #[allow(clippy::option_option, reason = "the outer is that no request matches")]
    fn resources(
        &mut self,
        elements: &Elements,
        lookup: Option<&dyn Fn(&str) -> Lookup>,
    ) -> Option<Option<Resources>> {
        let mut patterns: Vec<(SmolStr, u32)> = Vec::with_capacity(elements.items.len());
        for text in &elements.items {
            let number = self.resource(&text.value, lookup);
            let pattern = self.resources.get_index(number as usize).map(|(_, pattern)| pattern);
            if pattern.is_some_and(Pattern::is_all) {
                return if elements.not { None } else { Some(None) };
            }
            if pattern.is_some_and(|pattern| !pattern.never) {
                patterns.push((text.value.clone(), number));
            }
        }
        patterns.sort();
        patterns.dedup();
        let patterns: Box<[u32]> = patterns.into_iter().map(|(_, number)| number).collect();
        match (patterns.is_empty(), elements.not) {
            (true, true) => Some(None),
            (true, false) => None,
            _ => Some(Some(Resources { not: elements.not, patterns })),
        }
    }

    fn resource(&mut self, text: &SmolStr, lookup: Option<&dyn Fn(&str) -> Lookup>) -> u32 {
        let plain = !text.contains("${");
        if let Some(found) = self.plain.get(text).filter(|_| plain) {
            return *found;
        }
        let number = self.resources.insert_full((text.clone(), read_resource(text, lookup))).0 as u32;
        if plain {
            self.plain.insert(text.clone(), number);
        }
        number
    }

    /// The pattern of a number.
    pub(crate) fn pattern(&self, number: u32) -> Option<&(SmolStr, Pattern)> {
        self.resources.get_index(number as usize)
    }

    /// The condition of a number.
    pub(crate) fn test(&self, number: u32) -> Option<&Test> {
        self.tests.get_index(number as usize)
    }

    /// Why something is not known.
    pub(crate) fn reasons(&self, opaque: &Opaque) -> Vec<Reason> {
        let of_test = |number: u32| {
            let Some(test) = self.test(number) else { return Vec::new() };
            if test.family == Family::Unknown {
                return vec![Reason::Operator(test.key.clone())];
            }
            let keys = test.wanted.iter().flat_map(|(_, wanted)| wanted.unknown());
            let out: Vec<Reason> = keys.map(Reason::Variable).collect();
            if out.is_empty() { vec![Reason::Across] } else { out }
        };
        match opaque {
            Opaque::Across => vec![Reason::Across],
            Opaque::Policy(name, _) => vec![Reason::Policy(name.clone())],
            Opaque::Principal(_) => vec![Reason::Principal],
            Opaque::Resource(number) => {
                let keys = self.pattern(*number).map(|(_, pattern)| pattern.unknown.to_vec()).unwrap_or_default();
                keys.into_iter().map(Reason::Variable).collect()
            }
            Opaque::Several(number) => {
                self.test(*number).map(|test| Reason::Several(test.key.clone())).into_iter().collect()
            }
            Opaque::Condition(number) | Opaque::Value(number, _) => of_test(*number),
        }
    }
}

fn known(facts: &Facts, key: &str) -> Lookup {
    match facts.get(key) {
        Some(Fact::Is(values)) => match values.as_slice() {
            [] => Lookup::Absent,
            [one] => Lookup::Is(one.clone()),
            _ => Lookup::Unknown,
        },
        Some(Fact::Absent) => Lookup::Absent,
        Some(Fact::Like(_)) | None => Lookup::Unknown,
    }
}
