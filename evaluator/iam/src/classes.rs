//! Classes of actions that two accesses treat alike. Owns how actions, known and yet to come, are told apart by the
//! patterns of both; what is decided about a class is not its affair.

use std::collections::BTreeSet;
use std::rc::Rc;

use foldhash::HashMap;
use foldhash::fast::FixedState;
use indexmap::IndexMap;
use smol_str::{SmolStr, format_smolstr};

use crate::automaton::{Bits, TooMany, grouped};
use crate::catalogue::{Catalogue, Service};
use crate::pattern::{Class, Pattern, Reading, Tok};
use crate::policy::Effect;
use crate::tables::{Matcher, Numbered, Question, Side, Tables};

/// A gate and a statement's body: that it applies to an action.
pub(crate) type Applies = (u32, u32);

/// Which statements apply to an action, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Treatment {
    pub(crate) old: Vec<Applies>,
    pub(crate) new: Vec<Applies>,
}

/// One action, or pattern of actions, of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Member {
    /// An action of the catalogue: the service's and its own place there.
    Known(usize, usize),
    /// An action that a policy names.
    Unlisted(SmolStr),
    /// Actions yet to come: by which pattern, and one of them.
    Future(SmolStr, SmolStr),
}

impl Member {
    /// What is known comes first.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Known(..) => 0,
            Self::Unlisted(_) => 1,
            Self::Future(..) => 2,
        }
    }
}

/// The classes whose statements differ, each with its members.
pub(crate) type Classes = IndexMap<Treatment, Vec<Member>, FixedState>;

/// Actions of no service of the catalogue or of the policies.
const OTHERS: &str = "";

/// Names of actions, each with the groups of patterns that match it.
type Names = Rc<Result<Vec<(Bits, String)>, TooMany>>;

/// What outlives a question: what patterns of actions match.
#[derive(Default)]
pub(crate) struct Matches {
    suffixes: Numbered<SmolStr>,
    /// By pattern: the service it names, with the rest of it; none when it spans services.
    split: HashMap<u32, Option<(SmolStr, u32)>>,
    /// By pattern and service: what is left of the pattern after the service's prefix.
    rests: HashMap<(u32, SmolStr), Rc<[u32]>>,
    /// By rest of a pattern and service: the actions it matches.
    matched: HashMap<(u32, usize), Rc<Bits>>,
    /// By rests with wildcards: the classes of names.
    futures: HashMap<Box<[(u32, u32)]>, Names>,
}

/// A statement of one side within one service: its gate and body, which of the patterns belong together (0 for a
/// union of all such statements), and the rest of one pattern.
type Row = (Applies, u32, u32);

/// The rest of a pattern that is none: it stands for a statement that excludes nothing in the service.
const NOTHING: u32 = u32::MAX;

/// The rows of a side by service, and its statements that span services.
#[derive(Default)]
struct Rows {
    by_service: HashMap<SmolStr, Vec<Row>>,
    global: Vec<(Applies, Matcher, u32)>,
}

/// Finds the classes of actions to which the two sides do not apply the same statements.
pub(crate) struct Finder<'e> {
    pub(crate) catalogue: &'e Catalogue,
    pub(crate) tables: &'e Tables,
    pub(crate) question: &'e Question,
    pub(crate) matches: &'e mut Matches,
    /// Whether both sides have the same gates, so that equal statements come to the same.
    pub(crate) same_gates: bool,
}

impl Finder<'_> {
    /// The classes that may be treated differently, in the order of services and of their actions.
    pub(crate) fn find(&mut self, old: &Side<'_>, new: &Side<'_>) -> Result<Classes, TooMany> {
        let sides = (old, new);
        let (old, new) = (self.rows(old), self.rows(new));
        let mut services: BTreeSet<SmolStr> = old.by_service.keys().chain(new.by_service.keys()).cloned().collect();
        if !self.same_gates || !same_global(&old.global, &new.global) {
            services.extend(self.catalogue.services.keys().cloned());
            services.insert(OTHERS.into());
        }
        let mut classes = Classes::default();
        let applying = |rows: &[Row]| rows.iter().map(|row| row.0).collect::<Vec<_>>();
        for service in services {
            let before = self.rows_of(&old, &service);
            let after = self.rows_of(&new, &service);
            let same = self.same_gates && before == after;
            if !same && (self.may_allow(sides.0, &applying(&before)) || self.may_allow(sides.1, &applying(&after))) {
                self.service(&service, sides, (&before, &after), &mut classes)?;
            }
        }
        Ok(classes)
    }

    fn rows(&mut self, side: &Side<'_>) -> Rows {
        let mut rows = Rows::default();
        for (at, entry) in side.entries.iter().enumerate() {
            let applies = (entry.gate, entry.body);
            if entry.actions.not {
                rows.global.push((applies, entry.actions.clone(), at as u32 + 1));
                // Its services are looked at one by one.
                for pattern in &entry.actions.patterns {
                    if let Some((service, _)) = self.split(*pattern) {
                        rows.by_service.entry(service).or_default();
                    }
                }
                continue;
            }
            let mut spanning = Vec::new();
            for pattern in &entry.actions.patterns {
                match self.split(*pattern) {
                    Some((service, rest)) => rows.by_service.entry(service).or_default().push((applies, 0, rest)),
                    None => spanning.push(*pattern),
                }
            }
            if !spanning.is_empty() {
                rows.global.push((applies, Matcher { not: false, patterns: spanning.into() }, 0));
            }
        }
        rows
    }

    /// The service that a pattern names, and the rest of it.
    fn split(&mut self, pattern: u32) -> Option<(SmolStr, u32)> {
        if let Some(found) = self.matches.split.get(&pattern) {
            return found.clone();
        }
        let text = self.tables.actions.get_index(pattern as usize).cloned().unwrap_or_default();
        let named = text.split_once(':').filter(|(service, _)| !service.contains(['*', '?']) && !service.is_empty());
        let found = named
            .map(|(service, rest)| (SmolStr::from(service), self.matches.suffixes.insert_full(rest.into()).0 as u32));
        self.matches.split.insert(pattern, found.clone());
        found
    }

    /// What is left of a pattern after a service's prefix.
    fn rests(&mut self, pattern: u32, service: &SmolStr) -> Rc<[u32]> {
        let key = (pattern, service.clone());
        if let Some(found) = self.matches.rests.get(&key) {
            return Rc::clone(found);
        }
        let found: Rc<[u32]> = match self.split(pattern) {
            Some((own, rest)) => (own == *service).then_some(rest).into_iter().collect(),
            None => {
                let text = self.tables.actions.get_index(pattern as usize).cloned().unwrap_or_default();
                let found = if service == OTHERS { after_any(&text) } else { after_prefix(&text, service) };
                found.into_iter().map(|rest| self.matches.suffixes.insert_full(rest).0 as u32).collect()
            }
        };
        self.matches.rests.insert(key, Rc::clone(&found));
        found
    }

    fn rows_of(&mut self, rows: &Rows, service: &SmolStr) -> Vec<Row> {
        let mut out = rows.by_service.get(service).cloned().unwrap_or_default();
        for (applies, matcher, group) in &rows.global {
            if matcher.not {
                out.push((*applies, *group, NOTHING));
            }
            for pattern in &matcher.patterns {
                let rests = self.rests(*pattern, service);
                out.extend(rests.iter().map(|rest| (*applies, *group, *rest)));
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// May a side allow anything, where these statements apply? Each gate of a way has to.
    fn may_allow(&self, side: &Side<'_>, applying: &[Applies]) -> bool {
        let mut opened = vec![false; side.gates.len()];
        for (gate, body) in applying {
            let allows =
                self.question.bodies.get_index(*body as usize).is_some_and(|body| body.effect == Effect::Allow);
            if let Some(opened) = opened.get_mut(*gate as usize) {
                *opened |= allows;
            }
        }
        let mut from = 0;
        side.ways.iter().any(|to| {
            let gates = opened.get(from as usize..*to as usize);
            from = *to;
            gates.is_some_and(|gates| gates.iter().all(|opened| *opened))
        })
    }

    fn service(
        &mut self,
        service: &SmolStr,
        sides: (&Side<'_>, &Side<'_>),
        (before, after): (&[Row], &[Row]),
        classes: &mut Classes,
    ) -> Result<(), TooMany> {
        let index = self.catalogue.services.get_index_of(service);
        if let Some((at, known)) = index.and_then(|at| Some((at, self.catalogue.services.get_index(at)?.1))) {
            let (old, new) = (self.columns(before, at, known), self.columns(after, at, known));
            for actions in told_apart(old.iter().chain(&new).map(|(_, bits)| bits), known.actions.len()) {
                let Some(first) = actions.ones().next() else { continue };
                let class = Treatment { old: applying(&old, first), new: applying(&new, first) };
                if self.differs(sides, &class) {
                    classes.entry(class).or_default().extend(actions.ones().map(|action| Member::Known(at, action)));
                }
            }
        }
        let mut found: Vec<(Treatment, Member)> = Vec::new();
        let known = index.and_then(|at| self.catalogue.services.get_index(at)).map(|(_, known)| known);
        for rest in literals(before, after, &self.matches.suffixes) {
            if known.is_none_or(|known| known.action(&rest).is_none()) && service != OTHERS {
                let own = |rows: &[Row]| self.applying_to(rows, &|text| glob_matches(text, &rest));
                let name = format_smolstr!("{service}:{rest}");
                found.push((Treatment { old: own(before), new: own(after) }, Member::Unlisted(name)));
            }
        }
        self.future(service, before, after, &mut found)?;
        for (class, member) in found.into_iter().filter(|(class, _)| self.differs(sides, class)) {
            classes.entry(class).or_default().push(member);
        }
        Ok(())
    }

    /// May the two sides come to something else for what is treated so?
    fn differs(&self, (old, new): (&Side<'_>, &Side<'_>), class: &Treatment) -> bool {
        let same = self.same_gates && class.old == class.new;
        !same && (self.may_allow(old, &class.old) || self.may_allow(new, &class.new))
    }

    /// For each statement the actions of a service that it applies to.
    fn columns(&mut self, rows: &[Row], at: usize, service: &Service) -> Vec<(Applies, Bits)> {
        let mut out: Vec<(Applies, Bits)> = Vec::new();
        for group in statements(rows) {
            let mut bits = Bits::none(service.actions.len());
            for (.., rest) in group.iter().filter(|row| row.2 != NOTHING) {
                bits.add(&self.matched(*rest, at, service));
            }
            let Some((applies, group, _)) = group.first() else { continue };
            if *group != 0 {
                bits.flip();
            }
            match out.last_mut() {
                // The same body twice: it applies where one of them does.
                Some((last, all)) if last == applies => all.add(&bits),
                _ => out.push((*applies, bits)),
            }
        }
        out
    }

    fn matched(&mut self, rest: u32, at: usize, service: &Service) -> Rc<Bits> {
        if let Some(found) = self.matches.matched.get(&(rest, at)) {
            return Rc::clone(found);
        }
        let text = self.matches.suffixes.get_index(rest as usize).cloned().unwrap_or_default();
        let mut bits = Bits::none(service.actions.len());
        for (action, known) in service.actions.iter().enumerate() {
            if glob_matches(&text, &known.name) {
                bits.set(action);
            }
        }
        let bits = Rc::new(bits);
        self.matches.matched.insert((rest, at), Rc::clone(&bits));
        bits
    }

    /// The statements that apply to a name, by what the rest of each pattern says of it.
    fn applying_to(&self, rows: &[Row], matches: &dyn Fn(&str) -> bool) -> Vec<Applies> {
        let mut out = Vec::new();
        for group in statements(rows) {
            let text = |rest: &u32| self.matches.suffixes.get_index(*rest as usize);
            let some = group.iter().any(|(.., rest)| text(rest).is_some_and(|text| matches(text)));
            let Some((applies, number, _)) = group.first() else { continue };
            if some == (*number == 0) {
                out.push(*applies);
            }
        }
        out.dedup();
        out
    }

    /// Actions that no list knows: one class for each way to match the patterns with wildcards.
    fn future(
        &mut self,
        service: &SmolStr,
        before: &[Row],
        after: &[Row],
        found: &mut Vec<(Treatment, Member)>,
    ) -> Result<(), TooMany> {
        let is_wild = |row: &Row| {
            row.2 == NOTHING || self.matches.suffixes.get_index(row.2 as usize).is_some_and(|text| is_wild(text))
        };
        let named: Vec<Row> = before.iter().chain(after).filter(|row| !is_wild(row)).copied().collect();
        let before: Vec<Row> = before.iter().filter(|row| is_wild(row)).copied().collect();
        let after: Vec<Row> = after.iter().filter(|row| is_wild(row)).copied().collect();
        if self.same_gates && before == after {
            return Ok(());
        }
        // The groups: each statement's patterns of either side; and the names that policies write out, which are no
        // future ones and are left out.
        let mut groups: Vec<Vec<u32>> = vec![named.iter().map(|row| row.2).collect()];
        let group = |rows: &[Row]| rows.iter().map(|row| row.2).filter(|rest| *rest != NOTHING).collect();
        groups.extend(statements(&before).chain(statements(&after)).map(group));
        let mut steps: Vec<(u32, u32)> = Vec::new();
        for (at, rests) in groups.iter().enumerate() {
            steps.extend(rests.iter().map(|rest| (at as u32, *rest)));
        }
        let names = self.names(steps);
        let names = names.as_ref().as_ref().map_err(|too_many| *too_many)?;
        let old_groups = statements(&before).count();
        for (bits, name) in names.iter().filter(|(bits, _)| !bits.has(0)) {
            let own = |rows: &[Row], first: usize| {
                let mut out = Vec::new();
                for (at, rows) in statements(rows).enumerate() {
                    let Some((applies, group, _)) = rows.first() else { continue };
                    if bits.has(first + at) == (*group == 0) {
                        out.push(*applies);
                    }
                }
                out.dedup();
                out
            };
            let class = Treatment { old: own(&before, 1), new: own(&after, 1 + old_groups) };
            let sample = if service == OTHERS { "newservice" } else { service.as_str() };
            for rest in self.naming(&groups, bits) {
                let pattern = match (service.as_str(), rest.as_str()) {
                    (OTHERS, "*") => "*".into(),
                    (OTHERS, rest) => format_smolstr!("*:{rest}"),
                    (service, rest) => format_smolstr!("{service}:{rest}"),
                };
                let name = format_smolstr!("{sample}:{}", capitalized(name));
                found.push((class.clone(), Member::Future(pattern, name)));
            }
        }
        Ok(())
    }

    /// The patterns by which a class of names is called: of the narrowest of the groups that match, those that stand
    /// in no group that does not.
    fn naming(&self, groups: &[Vec<u32>], bits: &Bits) -> Vec<SmolStr> {
        let others = |rest: &u32| groups.iter().enumerate().any(|(at, all)| !bits.has(at) && all.contains(rest));
        let text = |rest: &u32| self.matches.suffixes.get_index(*rest as usize).cloned();
        let matching = groups.iter().enumerate().filter(|(at, _)| bits.has(*at));
        let named = matching.map(|(_, all)| {
            let own = all.iter().filter(|rest| !others(rest)).filter_map(text);
            own.collect::<Vec<_>>()
        });
        let shortest = |all: &Vec<SmolStr>| all.iter().map(SmolStr::len).min();
        named.filter(|all| !all.is_empty()).max_by_key(shortest).unwrap_or_else(|| vec!["*".into()])
    }

    /// The classes of names by the groups of patterns that match them.
    fn names(&mut self, steps: Vec<(u32, u32)>) -> Names {
        if let Some(found) = self.matches.futures.get(steps.as_slice()) {
            return Rc::clone(found);
        }
        let how = Reading { glob: true, fold: true, arn: false, late_variables: false };
        let text = |rest: u32| self.matches.suffixes.get_index(rest as usize).map_or("", SmolStr::as_str);
        let toks: Vec<(u32, Box<[Tok]>)> =
            steps.iter().map(|(group, rest)| (*group, Pattern::read(text(*rest), how, None).within)).collect();
        let patterns: Vec<(u32, &[Tok])> = toks.iter().map(|(group, toks)| (*group, &**toks)).collect();
        let word = [Tok::One(Class::Word), Tok::Many(Class::Word)];
        let found = grouped(&word, &patterns).map(|all| all.into_iter().map(|m| (m.matched, m.text)).collect());
        let found = Rc::new(found);
        self.matches.futures.insert(steps.into(), Rc::clone(&found));
        found
    }
}

/// A name as AWS writes names, whose case says nothing: `GET` as `Get`.
fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect())
        .unwrap_or_default()
}

/// The rows of each statement.
fn statements(rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    rows.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1))
}

/// Whether statements that span services are the same, whatever their order.
fn same_global(old: &[(Applies, Matcher, u32)], new: &[(Applies, Matcher, u32)]) -> bool {
    let sorted = |all: &[(Applies, Matcher, u32)]| {
        let mut rows: Vec<(Applies, bool, Box<[u32]>)> =
            all.iter().map(|(applies, matcher, _)| (*applies, matcher.not, matcher.patterns.clone())).collect();
        rows.sort();
        rows.dedup();
        rows
    };
    sorted(old) == sorted(new)
}

fn applying(columns: &[(Applies, Bits)], action: usize) -> Vec<Applies> {
    columns.iter().filter(|(_, bits)| bits.has(action)).map(|(applies, _)| *applies).collect()
}

/// So many actions in groups that each column has all or none of, in the order of their first ones. (Partition refinement:
/// Paige and Tarjan, "Three Partition Refinement Algorithms", 1987.)
fn told_apart<'a>(columns: impl Iterator<Item = &'a Bits>, size: usize) -> Vec<Bits> {
    let mut groups = vec![Bits::all(size)];
    for column in columns {
        let split = |group: &Bits| [group.and(column), group.without(column)];
        groups = groups.iter().flat_map(split).filter(|group| !group.is_none()).collect();
    }
    groups.sort_by_cached_key(|group| group.ones().next());
    groups
}

/// The names without wildcards among the rests of patterns, ordered.
fn literals(before: &[Row], after: &[Row], suffixes: &Numbered<SmolStr>) -> BTreeSet<SmolStr> {
    let text = |row: &Row| suffixes.get_index(row.2 as usize).filter(|text| !is_wild(text)).cloned();
    before.iter().chain(after).filter_map(text).filter(|text| !text.is_empty()).collect()
}

fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// What may be left of a pattern that spans services, after `service:`.
fn after_prefix(pattern: &str, service: &str) -> Vec<SmolStr> {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut at = BTreeSet::from([0]);
    close(&pattern, &mut at);
    for c in service.chars().chain([':']) {
        let mut next = BTreeSet::new();
        for position in at {
            match pattern.get(position) {
                Some('*') => _ = next.insert(position),
                Some(own) if *own == '?' || *own == c => _ = next.insert(position + 1),
                _ => {}
            }
        }
        close(&pattern, &mut next);
        at = next;
    }
    // After a star comes what follows it, and the star says that already.
    let stars = at.clone();
    let needed = |position: &usize| {
        !(*position > 0 && stars.contains(&(position - 1)) && pattern.get(position - 1) == Some(&'*'))
    };
    at.iter()
        .filter(|position| needed(position))
        .map(|position| pattern.iter().skip(*position).copied().collect())
        .collect()
}

fn close(pattern: &[char], at: &mut BTreeSet<usize>) {
    let mut open: Vec<usize> = at.iter().copied().collect();
    while let Some(position) = open.pop() {
        if pattern.get(position) == Some(&'*') && at.insert(position + 1) {
            open.push(position + 1);
        }
    }
}

/// What is left of a pattern after a service that nobody names: only a bare `*` stands for such.
fn after_any(pattern: &str) -> Vec<SmolStr> {
    match pattern.split_once(':') {
        Some(("*", rest)) => vec![rest.into()],
        None if pattern == "*" => vec!["*".into()],
        _ => Vec::new(),
    }
}

/// Whether a glob in lower case matches a name, whatever the name's case.
fn glob_matches(glob: &str, name: &str) -> bool {
    let (glob, name) = (glob.as_bytes(), name.as_bytes());
    let (mut at, mut on, mut back) = (0, 0, None);
    loop {
        match (glob.get(at), name.get(on)) {
            (Some(b'*'), _) => {
                back = Some((at, on));
                at += 1;
            }
            (None, None) => return true,
            (Some(own), Some(c)) if *own == b'?' || *own == c.to_ascii_lowercase() => {
                at += 1;
                on += 1;
            }
            _ => {
                let Some((star, from)) = back.as_mut() else { return false };
                if *from >= name.len() {
                    return false;
                }
                *from += 1;
                at = *star + 1;
                on = *from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_after_a_service() {
        assert_eq!(after_prefix("*", "s3"), ["*"]);
        assert_eq!(after_prefix("s*:get*", "s3"), ["*:get*", "get*"]);
        assert_eq!(after_prefix("s?:get*", "s3"), ["get*"]);
        assert!(after_prefix("e*:get", "s3").is_empty());
    }

    #[test]
    fn globs_of_names() {
        assert!(glob_matches("get*tagging", "GetObjectTagging"));
        assert!(!glob_matches("get*tagging", "GetObjectTaggings"));
        assert!(glob_matches("*", ""));
        assert!(glob_matches("g?t", "Get"));
    }
}
