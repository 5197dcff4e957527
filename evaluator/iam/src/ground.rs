//! One class of actions as formulas: its conditions over variables, its statements over conditions. Owns how a
//! statement becomes a formula; what is asked of the formulas is not its affair.

use std::rc::Rc;

use foldhash::HashMap;
use foldhash::fast::FixedState;
use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::automaton::TooMany;
use crate::classes::{Applies, Treatment};
use crate::condition::{Family, Test, Truth};
use crate::domain::Domain;
use crate::mdd::{FALSE, Mdd, Node, TRUE};
use crate::pattern::{Hit, Pattern};
use crate::places::Place;
use crate::policy::{Effect, Qualifier};
use crate::tables::{Body, Numbered, Opaque, Question, Resources, Side, Tables};

/// A key with what is known of its value.
type Key = (SmolStr, Option<SmolStr>);

/// A key with the conditions on it, and whether a request may carry several values.
type Asked = (Key, Box<[u32]>, bool);

/// What outlives a question: the values of keys that sets of conditions tell apart.
#[derive(Default)]
pub(crate) struct Domains {
    found: HashMap<Asked, Rc<Result<Domain, TooMany>>>,
}

impl Domains {
    fn get(&mut self, tables: &Tables, key: &Key, tests: &[u32], several: bool) -> Rc<Result<Domain, TooMany>> {
        let whole = (key.clone(), tests.into(), several);
        if let Some(found) = self.found.get(&whole) {
            return Rc::clone(found);
        }
        let read: Vec<&Test> = tests.iter().filter_map(|at| tables.test(*at)).collect();
        let found = Rc::new(Domain::new(&key.0, &read, several));
        self.found.insert(whole, Rc::clone(&found));
        found
    }
}

/// One key of a class.
pub(crate) struct Axis {
    pub(crate) domain: Rc<Result<Domain, TooMany>>,
    /// The conditions on it, in the order of its domain.
    tests: Box<[u32]>,
    /// Its variable; for a key of several values the first of one for each value.
    pub(crate) var: usize,
}

impl Axis {
    pub(crate) fn domain(&self) -> Option<&Domain> {
        (*self.domain).as_ref().ok()
    }
}

/// The formulas of one class.
pub(crate) struct Ground<'q> {
    tables: &'q Tables,
    question: &'q Question,
    pub(crate) mdd: Mdd,
    pub(crate) axes: Vec<Axis>,
    /// From here on, variables stand for what nobody knows.
    pub(crate) unknown_from: usize,
    pub(crate) unknown: Numbered<Opaque>,
    /// The groups of patterns of resources, in the order of places' bits.
    pub(crate) patterns: Vec<Vec<u32>>,
    pattern_at: HashMap<u32, usize>,
    /// By body: the formula of its conditions.
    conditions: HashMap<u32, Node>,
    /// What holds of every request.
    pub(crate) always: Node,
    /// That the keys are there that every request carries: a part of it.
    pub(crate) there: Node,
}

/// The patterns of resources of a class, in the order of its statements. Those that stand in the same statements are
/// one group; one with a variable that nobody knows is alone.
pub(crate) fn patterns(tables: &Tables, question: &Question, class: &Treatment) -> Vec<Vec<u32>> {
    let mut users: IndexMap<u32, Vec<u32>, FixedState> = IndexMap::default();
    for (number, body) in bodies(question, class) {
        for pattern in body.resources.iter().flat_map(|resources| resources.patterns.iter()) {
            users.entry(*pattern).or_default().push(number);
        }
    }
    let mut groups: IndexMap<(Vec<u32>, Option<u32>), Vec<u32>, FixedState> = IndexMap::default();
    for (pattern, users) in users {
        let open = tables.pattern(pattern).is_some_and(|(text, _)| text.contains("${"));
        groups.entry((users, open.then_some(pattern))).or_default().push(pattern);
    }
    groups.into_values().collect()
}

/// The bodies of a class's statements, by number.
pub(crate) fn bodies<'q>(question: &'q Question, class: &Treatment) -> Vec<(u32, &'q Body)> {
    let mut numbers: Vec<u32> = class.old.iter().chain(&class.new).map(|(_, body)| *body).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().filter_map(|at| Some((at, question.bodies.get_index(at as usize)?))).collect()
}

impl<'q> Ground<'q> {
    /// The formulas of a class. `several` says whether a request may carry several values of a key, if it is known.
    pub(crate) fn new(
        tables: &'q Tables,
        domains: &mut Domains,
        question: &'q Question,
        class: &Treatment,
        mut several: impl FnMut(&str) -> Option<bool>,
    ) -> Result<Self, TooMany> {
        let bodies = bodies(question, class);
        let mut keys: IndexMap<Key, Vec<u32>, FixedState> = IndexMap::default();
        for (_, body) in &bodies {
            for number in &body.tests {
                let Some(test) = tables.test(*number) else { continue };
                let tests = keys.entry((test.key.clone(), test.like.clone())).or_default();
                if !tests.contains(number) {
                    tests.push(*number);
                }
            }
        }
        let (mut axes, mut arity) = (Vec::new(), Vec::new());
        for (key, tests) in keys {
            let qualified = |number: &u32| tables.test(*number).is_some_and(|test| test.qualifier.is_some());
            let many = several(&key.0).unwrap_or_else(|| tests.iter().any(qualified));
            let domain = domains.get(tables, &key, &tests, many);
            let var = arity.len();
            let found = (*domain).as_ref().map_err(|too_many| *too_many)?;
            if many {
                arity.extend(found.values.iter().map(|_| 2));
            } else {
                arity.push(found.values.len() + 1);
            }
            axes.push(Axis { domain, tests: tests.into(), var });
        }
        let unknown = unknown(tables, &bodies, &axes);
        let unknown_from = arity.len();
        arity.extend(unknown.iter().map(|_| 2));
        let patterns = patterns(tables, question, class);
        let numbered =
            |(at, group): (usize, &Vec<u32>)| group.iter().map(move |pattern| (*pattern, at)).collect::<Vec<_>>();
        let pattern_at = patterns.iter().enumerate().flat_map(numbered).collect();
        let conditions = HashMap::default();
        let mdd = Mdd::new(arity);
        let mut ground = Self {
            tables,
            question,
            mdd,
            axes,
            unknown_from,
            unknown,
            patterns,
            pattern_at,
            conditions,
            always: TRUE,
            there: TRUE,
        };
        ground.there = ground.there();
        let tags = ground.tags();
        ground.always = ground.mdd.and(ground.there, tags);
        for (number, body) in &bodies {
            let node = ground.body(body);
            ground.conditions.insert(*number, node);
        }
        ground.mdd.checked()?;
        Ok(ground)
    }

    /// A key of which something is known is never absent.
    fn there(&mut self) -> Node {
        let mut out = TRUE;
        for at in 0..self.axes.len() {
            let Some(domain) = self.axes.get(at).and_then(Axis::domain) else { continue };
            if domain.like.is_none() {
                continue;
            }
            let (several, values) = (domain.several, domain.values.len());
            let Some(var) = self.axes.get(at).map(|axis| axis.var) else { continue };
            let there = if several {
                (0..values).fold(FALSE, |some, value| {
                    let is = self.mdd.is(var + value);
                    self.mdd.or(some, is)
                })
            } else {
                let kids: Vec<Node> = std::iter::once(FALSE).chain((0..values).map(|_| TRUE)).collect();
                self.mdd.node(var, &kids)
            };
            out = self.mdd.and(out, there);
        }
        out
    }

    /// A request that carries the tag `aws:RequestTag/team` carries `team` among its `aws:TagKeys`.
    fn tags(&mut self) -> Node {
        let key = |axis: &Axis| axis.domain().map(|domain| domain.key.clone()).unwrap_or_default();
        let Some(keys) = self.axes.iter().position(|axis| key(axis) == "aws:tagkeys") else { return TRUE };
        let mut out = TRUE;
        for at in 0..self.axes.len() {
            let name = self.axes.get(at).map(key).unwrap_or_default();
            let Some(tag) = name.strip_prefix("aws:requesttag/") else { continue };
            // The name as it is written, since `aws:TagKeys` has it so.
            let written = self.question.names.get(&name).and_then(|name| name.rsplit_once('/')).map(|(_, tag)| tag);
            let Some(element) = self.element(keys, written.unwrap_or(tag)) else { continue };
            let absent = self.absent(at);
            let has = self.mdd.is(element);
            let either = self.mdd.or(absent, has);
            out = self.mdd.and(out, either);
        }
        out
    }

    /// The variable that a key of several values has one that is like this one.
    fn element(&self, axis: usize, value: &str) -> Option<usize> {
        let axis = self.axes.get(axis)?;
        axis.domain().filter(|domain| domain.several)?;
        self.like(axis, value).map(|at| axis.var + at)
    }

    /// The variable of a key of one value, and its value that fares like this one; none where no condition asks for it.
    pub(crate) fn value(&self, key: &str, value: &str) -> Option<(usize, usize)> {
        let of = |axis: &&Axis| axis.domain().is_some_and(|domain| domain.key == key && !domain.several);
        let axis = self.axes.iter().find(of)?;
        let at = self.like(axis, value)?;
        Some((axis.var, at + 1))
    }

    /// Which value of a key fares like this one.
    fn like(&self, axis: &Axis, value: &str) -> Option<usize> {
        let domain = axis.domain()?;
        let hits: Vec<Hit> =
            axis.tests.iter().map(|at| self.tables.test(*at).map_or(Hit::No, |test| test.hit(value))).collect();
        let same = |at: &usize| domain.hits.iter().zip(&hits).all(|(column, hit)| column.get(*at) == Some(hit));
        (0..domain.values.len()).find(same)
    }

    /// A pattern of resources as it is written.
    pub(crate) fn pattern(&self, number: u32) -> Option<&(SmolStr, Pattern)> {
        self.tables.pattern(number)
    }

    /// The variable of something unknown.
    fn open(&mut self, opaque: &Opaque) -> Node {
        match self.unknown.get_index_of(opaque) {
            Some(at) => self.mdd.is(self.unknown_from + at),
            // All are collected beforehand.
            None => FALSE,
        }
    }

    fn body(&mut self, body: &Body) -> Node {
        let mut out = TRUE;
        for number in &body.tests {
            let holds = self.test(*number);
            out = self.mdd.and(out, holds);
        }
        for opaque in &body.unknown {
            let holds = self.open(opaque);
            out = self.mdd.and(out, holds);
        }
        out
    }

    fn test(&mut self, number: u32) -> Node {
        let Some(test) = self.tables.test(number) else { return FALSE };
        let at = self.axes.iter().position(|axis| axis.tests.contains(&number));
        let Some(axis) = at.and_then(|at| self.axes.get(at)) else { return FALSE };
        let Some(domain) = axis.domain() else { return FALSE };
        let column = axis.tests.iter().position(|own| *own == number).unwrap_or_default();
        let hits = domain.hits.get(column).cloned().unwrap_or_default();
        let (var, several) = (axis.var, domain.several);
        if several { self.several(test, number, var, &hits) } else { self.single(test, number, var, &hits) }
    }

    fn single(&mut self, test: &Test, number: u32, var: usize, hits: &[Hit]) -> Node {
        let mut kids = vec![if test.when_absent() == Truth::Yes { TRUE } else { FALSE }];
        for hit in hits {
            let node = if test.family == Family::Null {
                if test.wants_null("false") == Truth::Yes { TRUE } else { FALSE }
            } else {
                let node = self.hit(*hit, &self.tables.value(number, 0));
                if test.negated { self.mdd.not(node) } else { node }
            };
            kids.push(node);
        }
        self.mdd.node(var, &kids)
    }

    fn hit(&mut self, hit: Hit, open: &Opaque) -> Node {
        match hit {
            Hit::No => FALSE,
            Hit::Yes => TRUE,
            Hit::Across => self.open(&Opaque::Across),
            Hit::Open => self.open(open),
        }
    }

    fn several(&mut self, test: &Test, number: u32, var: usize, hits: &[Hit]) -> Node {
        let absent = (0..hits.len()).fold(TRUE, |none, at| {
            let is = self.mdd.is(var + at);
            self.mdd.minus(none, is)
        });
        if test.family == Family::Null {
            let there = self.mdd.not(absent);
            let when = |word: &str, node: Node| if test.wants_null(word) == Truth::Yes { node } else { FALSE };
            return self.mdd.or(when("true", absent), when("false", there));
        }
        let negate = test.negated && test.qualifier.is_some();
        let (mut some, mut all) = (FALSE, TRUE);
        for (at, hit) in hits.iter().enumerate() {
            let is = self.mdd.is(var + at);
            let hit = self.hit(*hit, &self.tables.value(number, at));
            let each = if negate { self.mdd.not(hit) } else { hit };
            let both = self.mdd.and(is, each);
            some = self.mdd.or(some, both);
            let not = self.mdd.minus(is, each);
            all = self.mdd.minus(all, not);
        }
        let there = match test.qualifier {
            Some(Qualifier::All) => all,
            Some(Qualifier::Any) => some,
            None => {
                let open = self.open(&self.tables.several(number));
                let holds = self.mdd.and(some, open);
                if test.negated { self.mdd.not(holds) } else { holds }
            }
        };
        if test.if_exists { self.mdd.or(there, absent) } else { there }
    }

    /// The formula of the requests on a place that a side allows.
    pub(crate) fn allowed(&mut self, side: &Side<'_>, applies: &[Applies], place: &Place) -> Node {
        let mut some = FALSE;
        let mut from = 0;
        for to in &side.ways {
            let mut all = TRUE;
            for gate in from..*to {
                let (mut allow, mut deny) = (FALSE, FALSE);
                for (_, body) in applies.iter().filter(|(own, _)| *own == gate) {
                    let Some(read) = self.question.bodies.get_index(*body as usize) else { continue };
                    let holds = self.applies(*body, read, place);
                    let sum = if read.effect == Effect::Allow { &mut allow } else { &mut deny };
                    *sum = self.mdd.or(*sum, holds);
                }
                let through = self.mdd.minus(allow, deny);
                all = self.mdd.and(all, through);
                if all == FALSE {
                    break;
                }
            }
            some = self.mdd.or(some, all);
            from = *to;
        }
        self.mdd.and(some, self.always)
    }

    /// The formula of the requests on a place that a statement applies to.
    pub(crate) fn applies(&mut self, number: u32, body: &Body, place: &Place) -> Node {
        let conditions = self.conditions.get(&number).copied().unwrap_or(FALSE);
        match &body.resources {
            None => conditions,
            Some(resources) => {
                let on = self.on(resources, place);
                self.mdd.and(conditions, on)
            }
        }
    }

    fn on(&mut self, resources: &Resources, place: &Place) -> Node {
        let mut some = FALSE;
        for number in &resources.patterns {
            let Some(at) = self.pattern_at.get(number).copied() else { continue };
            let Some((_, pattern)) = self.tables.pattern(*number) else { continue };
            let hit = pattern.hit_of(place.within.has(at), place.across.has(at));
            let node = self.hit(hit, &Opaque::Resource(*number));
            some = self.mdd.or(some, node);
        }
        if resources.not { self.mdd.not(some) } else { some }
    }
}

impl Ground<'_> {
    /// The unknowns whether a value of a key is like one with a variable: the variable of each, the values as they are
    /// written, and whether each value that a request carries must be so. For a key of several values, of one of them.
    pub(crate) fn variables(&self, axis: &Axis, element: usize) -> Vec<(usize, Vec<SmolStr>, bool)> {
        let of = |number: &u32| {
            let at = self.unknown.get_index_of(&self.tables.value(*number, element))?;
            let test = self.tables.test(*number)?;
            let wanted = &test.wanted;
            let texts =
                wanted.iter().filter(|(_, wanted)| !wanted.unknown().is_empty()).map(|(text, _)| text.clone());
            Some((self.unknown_from + at, texts.collect(), test.qualifier == Some(Qualifier::All)))
        };
        let mut out: Vec<(usize, Vec<SmolStr>, bool)> = axis.tests.iter().filter_map(of).collect();
        out.sort();
        out.dedup();
        out
    }

    /// The formula that a key is absent.
    pub(crate) fn absent(&mut self, axis: usize) -> Node {
        let Some((var, domain)) = self.axes.get(axis).map(|axis| (axis.var, Rc::clone(&axis.domain))) else {
            return TRUE;
        };
        let values = domain.as_ref().as_ref().map_or(0, |domain| domain.values.len());
        if domain.as_ref().as_ref().is_ok_and(|domain| domain.several) {
            return (0..values).fold(TRUE, |none, at| {
                let is = self.mdd.is(var + at);
                self.mdd.minus(none, is)
            });
        }
        let kids: Vec<Node> = std::iter::once(TRUE).chain((0..values).map(|_| FALSE)).collect();
        self.mdd.node(var, &kids)
    }
}

/// All that is unknown in a class; how a `*` is read comes first.
fn unknown(tables: &Tables, bodies: &[(u32, &Body)], axes: &[Axis]) -> Numbered<Opaque> {
    let mut out: Numbered<Opaque> = Numbered::default();
    out.insert(Opaque::Across);
    for (_, body) in bodies {
        out.extend(body.unknown.iter().cloned());
        for number in body.resources.iter().flat_map(|resources| &resources.patterns) {
            if tables.pattern(*number).is_some_and(|(_, pattern)| !pattern.unknown.is_empty()) {
                out.insert(Opaque::Resource(*number));
            }
        }
    }
    for axis in axes {
        let Some(domain) = axis.domain() else { continue };
        for (number, hits) in axis.tests.iter().zip(&domain.hits) {
            if domain.several && tables.test(*number).is_some_and(|test| test.qualifier.is_none()) {
                out.insert(tables.several(*number));
            }
            for (at, _) in hits.iter().enumerate().filter(|(_, hit)| **hit == Hit::Open) {
                out.insert(tables.value(*number, if domain.several { at } else { 0 }));
            }
        }
    }
    out
}
