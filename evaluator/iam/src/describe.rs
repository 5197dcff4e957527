//! From formulas to regions that people read. Owns which regions are told apart, how they are described, and their
//! witnesses; how formulas are made is not its affair.

use std::collections::BTreeSet;

use foldhash::fast::FixedState;
use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::access::Home;
use crate::automaton::Bits;
use crate::catalogue::Catalogue;
use crate::classes::{Applies, Member, Treatment};
use crate::collect::{Found, carries, member_name};
use crate::decide::{Verdict, read_action, read_resource};
use crate::dependent::dependent;
use crate::ground::{Axis, Ground};
use crate::layers::Deciding;
use crate::mdd::{Cube, FALSE, Node, TRUE};
use crate::open::{Opens, by_patterns, generalised, with_variables};
use crate::pattern::{Hit, Lookup};
use crate::places::{Place, realistic};
use crate::policy::{Effect, Elements, Source, Text};
use crate::region::{Actions, Glob, KeyChange, Label, Need, Proof, Reason, Region, Values, Witness, describe};
use crate::request::{Context, Request};
use crate::tables::{Opaque, Question, Side, Tables};
use crate::ties::{ACCOUNT, Tie, is_account, settled};

/// So many alternatives of conditions are spelt out.
const MAX_ALTERNATIVES: usize = 64;

/// So many places are told apart.
const MAX_PLACES: usize = 64;

/// How a place fares: the formulas before and after, of the gain and of the loss.
pub(crate) type Change = (Node, Node, Node, Node);

/// One class with what was decided of it.
pub(crate) struct Direction<'d, 'a> {
    pub(crate) catalogue: &'d Catalogue,
    pub(crate) tables: &'d Tables,
    pub(crate) question: &'d Question,
    pub(crate) old: &'d Side<'a>,
    pub(crate) new: &'d Side<'a>,
    pub(crate) class: &'d Treatment,
    pub(crate) home: &'d Home,
    /// Whether places are told apart, so that each has its witness.
    pub(crate) apart: bool,
    pub(crate) places: Vec<Place>,
    /// What each place settles.
    pub(crate) ties: Vec<Vec<Tie>>,
    /// The same places as requests for one member may name them.
    pub(crate) named: &'d mut dyn FnMut(&Member) -> Vec<Place>,
    pub(crate) members: Vec<Member>,
    pub(crate) found: &'d mut Vec<Found>,
}

/// Places that change under the same formula; where they are told apart, and are the same.
type Groups = IndexMap<(Node, Vec<usize>), Vec<usize>, FixedState>;

impl Direction<'_, '_> {
    /// Adds the regions of both directions.
    pub(crate) fn describe(&mut self, ground: &mut Ground<'_>, changes: &[Change]) {
        let by_documented = self.by_documented(ground);
        for gained in [true, false] {
            let of = |change: &Change| if gained { change.2 } else { change.3 };
            if changes.iter().all(|change| of(change) == FALSE) {
                continue;
            }
            let nodes: Vec<Node> = changes.iter().map(of).collect();
            for (undocumented, members) in &by_documented {
                self.members.clone_from(members);
                self.rename();
                let (documented, others, reasons) = documented(ground, &nodes, undocumented);
                self.direction(ground, changes, gained, &documented, &[]);
                if !reasons.is_empty() {
                    self.direction(ground, changes, gained, &others, &reasons);
                }
            }
        }
    }

    /// Gives each place a resource that the first member may be asked for on.
    fn rename(&mut self) {
        let Some(first) = self.members.first() else { return };
        for named in (self.named)(first) {
            let same = |place: &&mut Place| place.within == named.within && place.across == named.across;
            if let Some(place) = self.places.iter_mut().find(same) {
                place.text = named.text;
            }
        }
    }

    fn direction(
        &mut self,
        ground: &mut Ground<'_>,
        changes: &[Change],
        gained: bool,
        nodes: &[Node],
        reasons: &[Reason],
    ) {
        let (proven, open) = self.groups(ground, nodes, gained);
        for (groups, is_proven) in [(proven, true), (open, false)] {
            for ((node, _), places) in groups {
                let parts = if is_proven { vec![(node, Opens::default())] } else { by_patterns(ground, node) };
                for (node, opens) in parts {
                    let mut region = self.region(ground, changes, gained, (node, &opens), &places, is_proven);
                    let mut doubts = reasons.to_vec();
                    if !places.iter().any(|at| self.places.get(*at).is_some_and(|place| place.real)) {
                        doubts.push(Reason::NoResource);
                    }
                    doubts.extend(dependent(&region));
                    doubt(&mut region, doubts, gained);
                    self.found.push(Found { gained, region, members: self.members.clone() });
                }
            }
        }
    }

    /// The members by the keys of the class that AWS documents for them not at all.
    fn by_documented(&self, ground: &Ground<'_>) -> IndexMap<Vec<usize>, Vec<Member>, FixedState> {
        let mut out: IndexMap<Vec<usize>, Vec<Member>, FixedState> = IndexMap::default();
        for member in &self.members {
            let mut undocumented = Vec::new();
            for (at, axis) in ground.axes.iter().enumerate() {
                if axis.domain().is_some_and(|domain| !carries(self.catalogue, member, &domain.key)) {
                    undocumented.push(at);
                }
            }
            out.entry(undocumented).or_default().push(member.clone());
        }
        out
    }

    /// What is proven whatever is unknown, and what is left.
    fn groups(&self, ground: &mut Ground<'_>, nodes: &[Node], gained: bool) -> (Groups, Groups) {
        let (mut proven, mut open) = (Groups::default(), Groups::default());
        let certain: Vec<Node> =
            nodes.iter().map(|node| ground.mdd.for_all_from(*node, ground.unknown_from)).collect();
        let plain = |at: usize| self.places.get(at).is_some_and(Place::is_plain);
        let some_plain = certain.iter().enumerate().any(|(at, node)| *node != FALSE && plain(at));
        for (at, node) in certain.iter().enumerate() {
            if *node != FALSE && (plain(at) || !some_plain) {
                proven.entry((*node, self.mark(ground, at))).or_default().push(at);
            }
        }
        for (at, node) in nodes.iter().enumerate() {
            let sure = certain.get(at).copied().unwrap_or(FALSE);
            let rest = ground.mdd.minus(*node, sure);
            if rest == FALSE {
                continue;
            }
            let support = ground.mdd.support(rest);
            let only_across = support.range(ground.unknown_from..).all(|var| *var == ground.unknown_from);
            let shown = only_across && (sure != FALSE || self.shown_plainly(ground, &certain, at, gained));
            if !shown {
                open.entry((rest, self.mark(ground, at))).or_default().push(at);
            }
        }
        (proven, open)
    }

    /// What tells a place from others, where they are to be told apart: itself; of many, the patterns with variables
    /// that match it.
    fn mark(&self, ground: &Ground<'_>, at: usize) -> Vec<usize> {
        let Some(place) = self.places.get(at).filter(|_| self.apart) else { return Vec::new() };
        if self.places.len() <= MAX_PLACES {
            return vec![at];
        }
        let written = |number: &u32| self.tables.pattern(*number).is_some_and(|(text, _)| text.contains("${"));
        let matching = ground.patterns.iter().enumerate().filter(|(column, _)| place.within.has(*column));
        matching.filter(|(_, group)| group.iter().any(written)).map(|(column, _)| column).collect()
    }

    /// Whether the patterns that match a place only if a `*` reaches across colons are in a region already: it is
    /// then no more than a wider reading of what is shown.
    fn shown_plainly(&self, ground: &Ground<'_>, certain: &[Node], at: usize, gained: bool) -> bool {
        let Some(place) = self.places.get(at) else { return false };
        let side = if gained { &self.class.new } else { &self.class.old };
        let own: BTreeSet<u32> = side
            .iter()
            .filter_map(|(_, body)| self.question.bodies.get_index(*body as usize))
            .filter(|body| body.effect == Effect::Allow)
            .flat_map(|body| body.resources.iter().flat_map(|resources| resources.patterns.iter().copied()))
            .collect();
        let across = |column: &usize| place.across.has(*column) && !place.within.has(*column);
        let columns: Vec<usize> = (0..ground.patterns.len())
            .filter(across)
            .filter(|column| ground.patterns.get(*column).is_some_and(|all| all.iter().any(|one| own.contains(one))))
            .collect();
        let shown = |column: &usize| {
            let mut sure = certain.iter().zip(&self.places).filter(|(node, _)| **node != FALSE);
            sure.any(|(_, other)| other.within.has(*column))
        };
        !columns.is_empty() && columns.iter().all(shown)
    }

    fn region(
        &self,
        ground: &mut Ground<'_>,
        changes: &[Change],
        gained: bool,
        (node, opens): (Node, &Opens),
        places: &[usize],
        proven: bool,
    ) -> Region {
        let real = places.iter().find(|at| self.places.get(**at).is_some_and(|place| place.real));
        let first = real.or(places.first()).copied().unwrap_or_default();
        let ties = self.ties.get(first).map_or(&[][..], Vec::as_slice);
        let mut values = ground.mdd.witness(node).unwrap_or_default();
        for (var, value) in settled(ties) {
            if let Some(slot) = values.get_mut(var).filter(|slot| slot.is_some_and(|own| own > 0)) {
                *slot = Some(value);
            }
        }
        let (when, more) = alternatives(ground, self.question, node);
        let proof = if proven { Proof::Proven } else { Proof::May(self.reasons(ground, node, places)) };
        let (before, after) = changes.get(first).map_or((FALSE, FALSE), |change| (change.0, change.1));
        let verdict = |node: Node| if ground.mdd.holds(node, &values) { Verdict::Allowed } else { Verdict::Denied };
        let verdicts = if proven {
            (verdict(before), verdict(after))
        } else {
            opened((verdict(before), verdict(after)), gained)
        };
        let witness = self.places.get(first).map(|place| Witness {
            request: self.request(ground, (place, ties), &values),
            before: verdicts.0,
            after: verdicts.1,
        });
        let changes = self.changes(ground, before, after, node, &values);
        let place = self.places.get(first);
        let mut deciding = |side: &Side<'_>, applies: &[Applies], verdict: Verdict| {
            place.map(|place| self.deciding(ground, (side, applies), place, &values, verdict)).unwrap_or_default()
        };
        let before = deciding(self.old, &self.class.old, verdicts.0);
        let after = deciding(self.new, &self.class.new, verdicts.1);
        let resources = self.resources(ground, places, opens);
        Region { actions: Actions::default(), resources, when, more, changes, proof, witness, before, after }
    }

    /// The places as patterns. Those where readings differ are told apart only when there is nothing else.
    fn resources(&self, ground: &Ground<'_>, places: &[usize], opens: &Opens) -> Vec<Glob> {
        let plain = places.iter().all(|at| self.places.get(*at).is_some_and(Place::is_plain));
        let items: Vec<usize> =
            (0..self.places.len()).filter(|at| !plain || self.places.get(*at).is_some_and(Place::is_plain)).collect();
        let has = |column: usize, at: usize| {
            let place = self.places.get(at);
            place.is_some_and(|place| if plain { place.within.has(column) } else { place.across.has(column) })
        };
        // What must match is a description; of what need not only the form is.
        let text = |number: &u32| {
            let (text, pattern) = self.tables.pattern(*number)?;
            let known = pattern.unknown.is_empty() || opens.needed.contains(number);
            Some(if known { text.clone() } else { generalised(text) })
        };
        let rank = |group: &[u32]| match group {
            [one] if opens.needed.contains(one) => 0,
            [one] if self.tables.pattern(*one).is_some_and(|(_, pattern)| !pattern.unknown.is_empty()) => 2,
            _ => 1,
        };
        let mut columns: Vec<(usize, &Vec<u32>)> = ground.patterns.iter().enumerate().collect();
        columns.sort_by_key(|(_, group)| rank(group));
        let label = |(column, group): &(usize, &Vec<u32>)| {
            let texts = group.iter().filter_map(text).collect();
            Label { texts, has: items.iter().map(|at| has(*column, *at)).collect() }
        };
        let labels: Vec<Label> = columns.iter().map(label).collect();
        let target: Vec<bool> = items.iter().map(|at| places.contains(at)).collect();
        let touches = |number: u32| {
            let column = ground.patterns.iter().position(|group| group.contains(&number));
            column.is_some_and(|column| places.iter().any(|at| has(column, *at)))
        };
        opens.narrow(describe(&labels, &target), self.tables, touches)
    }

    fn reasons(&self, ground: &Ground<'_>, node: Node, places: &[usize]) -> Vec<Reason> {
        let mut out: BTreeSet<Reason> = BTreeSet::new();
        for var in ground.mdd.support(node).range(ground.unknown_from..) {
            if let Some(opaque) = ground.unknown.get_index(var - ground.unknown_from) {
                out.extend(self.tables.reasons(opaque));
            }
        }
        if out.is_empty() && !places.is_empty() {
            out.extend(self.tables.reasons(&Opaque::Across));
        }
        out.into_iter().collect()
    }

    fn request(&self, ground: &Ground<'_>, (place, ties): (&Place, &[Tie]), values: &[Option<usize>]) -> Request {
        let patterns: Vec<_> = ground
            .patterns
            .iter()
            .flatten()
            .filter_map(|at| self.tables.pattern(*at))
            .map(|(_, pattern)| pattern)
            .collect();
        let mut context = Context::default();
        for axis in &ground.axes {
            let Some(domain) = axis.domain() else { continue };
            let value = |var: usize| values.get(var).copied().flatten();
            let carried: Vec<SmolStr> = if domain.several {
                let there = |at: &usize| value(axis.var + at) == Some(1);
                (0..domain.values.len()).filter(there).filter_map(|at| domain.values.get(at).cloned()).collect()
            } else {
                let chosen = value(axis.var).unwrap_or(usize::from(domain.like.is_some()));
                chosen.checked_sub(1).and_then(|at| domain.values.get(at).cloned()).into_iter().collect()
            };
            if !carried.is_empty() {
                context.set(self.name(&domain.key), carried);
            }
        }
        for tie in ties {
            let name = self.name(&tie.key.into());
            if !context.get(&name).is_empty() {
                context.set(name, vec![tie.text.clone()]);
            }
        }
        let action = self.members.first().map(|member| member_name(self.catalogue, member)).unwrap_or_default();
        // Where the request says whose the resource is, it is so in its ARN.
        let owner = context.get(ACCOUNT).first().filter(|owner| is_account(owner));
        let home = owner.map(|owner| Home { account: Some(owner.clone()), ..self.home.clone() });
        let resource = realistic(&place.text, &patterns, home.as_ref().unwrap_or(self.home));
        Request { action, resource, context }
    }

    fn name(&self, key: &SmolStr) -> SmolStr {
        self.question.names.get(key).unwrap_or(key).clone()
    }

    /// How the values of single keys that are allowed change around the witness.
    fn changes(
        &self,
        ground: &Ground<'_>,
        before: Node,
        after: Node,
        node: Node,
        values: &[Option<usize>],
    ) -> Vec<KeyChange> {
        let support = ground.mdd.support(node);
        let mut out = Vec::new();
        for axis in &ground.axes {
            let Some(domain) = axis.domain().filter(|domain| !domain.several && support.contains(&axis.var)) else {
                continue;
            };
            // The values with a variable are no values of the domain.
            if !ground.variables(axis, 0).is_empty() {
                continue;
            }
            let allowed = |node: Node| {
                let mut bits = Bits::none(domain.values.len() + 1);
                let mut values = values.to_vec();
                let mut some = false;
                for value in 0..=domain.values.len() {
                    if let Some(slot) = values.get_mut(axis.var) {
                        *slot = Some(value);
                    }
                    if ground.mdd.holds(node, &values) {
                        bits.set(value);
                        some = true;
                    }
                }
                some.then(|| values_of(axis, Some(&bits)))
            };
            if let (Some(before), Some(after)) = (allowed(before), allowed(after))
                && before != after
            {
                out.push(KeyChange { key: self.name(&domain.key), before, after });
            }
        }
        out
    }

    /// The statements that allow the witness where it is allowed, by a set that does not deny it; else those that deny
    /// it, and without one those that would allow it.
    fn deciding(
        &self,
        ground: &mut Ground<'_>,
        (side, applies): (&Side<'_>, &[Applies]),
        place: &Place,
        values: &[Option<usize>],
        verdict: Verdict,
    ) -> Vec<Deciding> {
        let mut holding = BTreeSet::new();
        for (gate, number) in applies {
            let Some(body) = self.question.bodies.get_index(*number as usize) else { continue };
            let node = ground.applies(*number, body, place);
            if ground.mdd.holds(node, values) {
                holding.insert((*gate, *number));
            }
        }
        let action = self.members.first().map(|member| member_name(self.catalogue, member)).unwrap_or_default();
        let mut out: Vec<(u32, Deciding)> = Vec::new();
        for entry in side.entries.iter().filter(|entry| holding.contains(&(entry.gate, entry.body))) {
            let (Some(layer), Some((named, statement))) = (side.gates.get(entry.gate as usize), entry.written) else {
                continue;
            };
            // Statements that differ in their actions only have one body.
            if !is_about(&statement.actions, &action) {
                continue;
            }
            let deciding = Deciding {
                layer: layer.clone(),
                policy: named.name().clone(),
                sid: statement.sid.clone(),
                effect: statement.effect,
                statement: statement.source.clone(),
                action: first_source(&statement.actions, |text| read_action(text).hit(&action)),
                resource: statement.resources.as_ref().and_then(|resources| {
                    first_source(resources, |text| read_resource(text, Some(&|_| Lookup::Unknown)).hit(&place.text))
                }),
            };
            out.push((entry.gate, deciding));
        }
        let denying: BTreeSet<u32> =
            out.iter().filter(|(_, one)| one.effect == Effect::Deny).map(|(gate, _)| *gate).collect();
        if verdict == Verdict::Allowed {
            out.retain(|(gate, one)| one.effect == Effect::Allow && !denying.contains(gate));
        } else if !denying.is_empty() {
            out.retain(|(_, one)| one.effect == Effect::Deny);
        }
        out.into_iter().map(|(_, one)| one).collect()
    }
}

/// Whether a statement's actions have one; of a pattern of future actions that is not asked.
fn is_about(actions: &Elements, action: &str) -> bool {
    let named = || actions.items.iter().any(|text| read_action(&text.value).hit(action) > Hit::No);
    action.contains(['*', '?']) || named() != actions.not
}

/// Where the first pattern stands that matches; none in a `Not…`.
fn first_source(elements: &Elements, hit: impl Fn(&str) -> Hit) -> Option<Source> {
    let matching = |text: &&Text| hit(&text.value) > Hit::No;
    elements.items.iter().find(matching).filter(|_| !elements.not).map(|text| text.source.clone())
}

/// The formulas where no key is carried that AWS does not document; where nothing is left of one so, the formula as it
/// is, and for these the reasons.
fn documented(
    ground: &mut Ground<'_>,
    nodes: &[Node],
    undocumented: &[usize],
) -> (Vec<Node>, Vec<Node>, Vec<Reason>) {
    if undocumented.is_empty() {
        return (nodes.to_vec(), Vec::new(), Vec::new());
    }
    let mut without = TRUE;
    for axis in undocumented {
        let absent = ground.absent(*axis);
        without = ground.mdd.and(without, absent);
    }
    let (mut documented, mut others, mut needed) = (Vec::new(), Vec::new(), BTreeSet::new());
    for node in nodes {
        let restricted = ground.mdd.and(*node, without);
        let other = if restricted == FALSE { *node } else { FALSE };
        needed.extend(ground.mdd.support(other));
        documented.push(restricted);
        others.push(other);
    }
    let reason = |axis: &usize| {
        let axis = ground.axes.get(*axis)?;
        let domain = axis.domain()?;
        let vars = if domain.several { domain.values.len() } else { 1 };
        needed.range(axis.var..axis.var + vars).next().map(|_| Reason::Undocumented(domain.key.clone()))
    };
    (documented, others, undocumented.iter().filter_map(reason).collect())
}

/// Adds reasons why a region is not proven.
fn doubt(region: &mut Region, reasons: Vec<Reason>, gained: bool) {
    if reasons.is_empty() {
        return;
    }
    let mut all: BTreeSet<Reason> = reasons.into_iter().collect();
    if let Proof::May(own) = &region.proof {
        all.extend(own.iter().cloned());
    }
    region.proof = Proof::May(all.into_iter().collect());
    if let Some(witness) = &mut region.witness {
        (witness.before, witness.after) = opened((witness.before, witness.after), gained);
    }
}

/// What is not proven may be so before and may be so after.
fn opened(verdicts: (Verdict, Verdict), gained: bool) -> (Verdict, Verdict) {
    if gained { (verdicts.0, Verdict::May) } else { (Verdict::May, verdicts.1) }
}

/// The conditions of a formula as alternatives, and whether there are more than are spelt out.
fn alternatives(ground: &mut Ground<'_>, question: &Question, node: Node) -> (Vec<Vec<Need>>, bool) {
    let mut out: Vec<Vec<Need>> = Vec::new();
    let mut rest = node;
    // That a key is there which every request carries is not said.
    let nowhere = ground.mdd.not(ground.there);
    let wide = ground.mdd.or(node, nowhere);
    while rest != FALSE && out.len() < MAX_ALTERNATIVES {
        let Some(values) = ground.mdd.witness(rest) else { break };
        let cube = ground.mdd.widest(wide, &values);
        let needs = needs(ground, question, &cube);
        if !out.contains(&needs) {
            out.push(needs);
        }
        let covered = ground.mdd.cube(&cube);
        rest = ground.mdd.minus(rest, covered);
    }
    (out, rest != FALSE)
}

fn needs(ground: &Ground<'_>, question: &Question, cube: &Cube) -> Vec<Need> {
    let mut out = Vec::new();
    for axis in &ground.axes {
        let Some(domain) = axis.domain() else { continue };
        let key = question.names.get(&domain.key).unwrap_or(&domain.key).clone();
        let bits = |var: usize| cube.get(var).and_then(Option::as_ref);
        if !domain.several {
            // A key that is known to be there needs nothing when every value will do.
            let all = |bits: &Bits| domain.like.is_some() && (1..=domain.values.len()).all(|at| bits.has(at));
            if bits(axis.var).is_some_and(|bits| !all(bits)) {
                out.push(Need::Value { key: key.clone(), values: values_of(axis, bits(axis.var)) });
            }
            with_variables(ground, axis, &key, cube, &mut out);
            continue;
        }
        let lacks = |at: usize| bits(axis.var + at).is_some_and(|bits| bits.has(0) && !bits.has(1));
        if (0..domain.values.len()).all(lacks) {
            out.push(Need::Value { key, values: Values { absent: true, of: Vec::new() } });
            continue;
        }
        for at in 0..domain.values.len() {
            let Some(bits) = bits(axis.var + at) else { continue };
            let values = domain.describe(|other| other == at);
            match (bits.has(0), bits.has(1)) {
                (false, true) => out.push(Need::Contains { key: key.clone(), values }),
                (true, false) => out.push(Need::Lacks { key: key.clone(), values }),
                _ => {}
            }
        }
        with_variables(ground, axis, &key, cube, &mut out);
    }
    out
}

fn values_of(axis: &Axis, bits: Option<&Bits>) -> Values {
    let has = |at: usize| bits.is_none_or(|bits| bits.has(at));
    let Some(domain) = axis.domain() else { return Values { absent: true, of: Vec::new() } };
    Values { absent: domain.like.is_none() && has(0), of: domain.describe(|at| has(at + 1)) }
}
