//! The values of a condition key that policies tell apart. Owns how they are found: finitely many that stand for all;
//! what follows from them is not its affair.

use foldhash::fast::FixedState;
use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::access::ANYTHING;
use crate::automaton::{TooMany, minterms};
use crate::condition::{Family, Test, Truth, Wanted};
use crate::pattern::{Class, Hit, Pattern, Tok, read_shape};
use crate::region::{Glob, Label, describe};
use crate::value::{instants_around, numbers_around};

/// More values of one key than this are not told apart.
const MAX_VALUES: usize = 2_000;

/// The values of one condition key.
pub(crate) struct Domain {
    /// The key in lower case.
    pub(crate) key: SmolStr,
    /// The shape that the key's value is known to have: it is then never absent.
    pub(crate) like: Option<SmolStr>,
    /// Whether a request may carry several values.
    pub(crate) several: bool,
    /// One value for each way to fare with the conditions.
    pub(crate) values: Vec<SmolStr>,
    /// By condition (in the order asked), by value.
    pub(crate) hits: Vec<Vec<Hit>>,
    /// For each of more values, which of `values` it fares like: these are told apart by single values of conditions.
    like_value: Vec<usize>,
    /// What describes those.
    labels: Vec<Label>,
}

impl Domain {
    /// The values of a key that these conditions tell apart.
    pub(crate) fn new(key: &SmolStr, tests: &[&Test], several: bool) -> Result<Self, TooMany> {
        let like = tests.first().and_then(|test| test.like.clone());
        let candidates = candidates(tests, like.as_deref())?;
        if candidates.len() > MAX_VALUES {
            return Err(TooMany);
        }
        let mut fares: IndexMap<Vec<Hit>, SmolStr, FixedState> = IndexMap::default();
        let mut like_value = Vec::with_capacity(candidates.len());
        for value in &candidates {
            let entry = fares.entry(tests.iter().map(|test| test.hit(value)).collect());
            like_value.push(entry.index());
            entry.or_insert_with(|| value.clone());
        }
        let column = |test: usize| fares.keys().map(|fare| fare.get(test).copied().unwrap_or(Hit::No)).collect();
        let hits = (0..tests.len()).map(column).collect();
        let labels = labels(tests, &candidates, like.as_deref());
        Ok(Self { key: key.clone(), like, several, values: fares.into_values().collect(), hits, like_value, labels })
    }

    /// Describes the values that are like some of [`Domain::values`].
    pub(crate) fn describe(&self, is: impl Fn(usize) -> bool) -> Vec<Glob> {
        let target: Vec<bool> = self.like_value.iter().map(|value| is(*value)).collect();
        describe(&self.labels, &target)
    }
}

/// Whether a condition holds of every value of a shape, or of none.
pub(crate) fn holds_of_all(test: &Test, shape: &str) -> Truth {
    let Ok(values) = candidates(&[test], Some(shape)) else { return Truth::Maybe };
    let mut each = values.iter().map(|value| test.holds(std::slice::from_ref(value)));
    let first = each.next().unwrap_or(Truth::Maybe);
    if each.all(|other| other == first) { first } else { Truth::Maybe }
}

/// Values such that each way to fare with the conditions is some value's.
fn candidates(tests: &[&Test], like: Option<&str>) -> Result<Vec<SmolStr>, TooMany> {
    let like = like.filter(|shape| *shape != ANYTHING);
    let wanted = || tests.iter().flat_map(|test| test.wanted.iter().map(|(_, wanted)| wanted));
    let mut out = Vec::new();
    let texts: Vec<&Pattern> =
        wanted().filter_map(|one| if let Wanted::Text(pattern) = one { Some(pattern) } else { None }).collect();
    let typed = tests.iter().any(|test| matches!(test.family, Family::Number(_) | Family::Instant(_) | Family::Ip));
    if typed && (!texts.is_empty() || kinds(tests) > 1) {
        // Which texts are numbers within an interval and match a glob as well is not worked out.
        return Err(TooMany);
    }
    if !typed {
        texts_of(&texts, like, &mut out)?;
    }
    let numbers: Vec<_> =
        wanted().filter_map(|one| if let Wanted::Number(number) = one { Some(*number) } else { None }).collect();
    out.extend(numbers_around(numbers));
    let instants: Vec<_> =
        wanted().filter_map(|one| if let Wanted::Instant(instant) = one { Some(*instant) } else { None }).collect();
    out.extend(instants_around(instants));
    let mut nets = wanted().filter_map(|one| if let Wanted::Net(net) = one { Some(net) } else { None }).peekable();
    if tests.iter().any(|test| test.family == Family::Ip) {
        // An address that no policy is likely to name.
        out.push("198.51.100.7".into());
    }
    if nets.peek().is_some() {
        out.extend(nets.flat_map(|net| net.edges().collect::<Vec<_>>()));
        out.extend(["0.0.0.0".into(), "::".into()]);
    }
    if out.is_empty() {
        out.push("x".into());
    }
    Ok(out)
}

/// How many kinds of typed values the conditions compare.
fn kinds(tests: &[&Test]) -> usize {
    let has = |is: fn(Family) -> bool| usize::from(tests.iter().any(|test| is(test.family)));
    has(|family| matches!(family, Family::Number(_)))
        + has(|family| matches!(family, Family::Instant(_)))
        + has(|family| family == Family::Ip)
}

fn texts_of(patterns: &[&Pattern], like: Option<&str>, out: &mut Vec<SmolStr>) -> Result<(), TooMany> {
    let truths = ["true", "false"];
    let literal = |pattern: &&Pattern| literal(&pattern.within).filter(|_| pattern.across.is_none());
    if like.is_none() {
        let words: Option<Vec<String>> = patterns.iter().map(literal).collect();
        if let Some(words) = words {
            let folds = patterns.iter().any(|pattern| pattern.within.iter().any(|tok| matches!(tok, Tok::Fold(_))));
            if !words.is_empty() && folds && words.iter().all(|word| truths.contains(&word.as_str())) {
                out.extend(truths.map(SmolStr::from));
                return Ok(());
            }
            let other = ["other", "another", "yet-another", "x"]
                .into_iter()
                .find(|other| !words.iter().any(|word| word.eq_ignore_ascii_case(other)));
            out.extend(other.map(SmolStr::from));
            if !folds {
                out.extend(words.into_iter().map(SmolStr::from));
                return Ok(());
            }
        }
    }
    let templates = like.map_or_else(|| vec![vec![Tok::Many(Class::Any)]], read_shape);
    let mut steps: Vec<&[Tok]> = Vec::new();
    for pattern in patterns.iter().filter(|pattern| !pattern.never) {
        steps.push(&pattern.within);
        steps.extend(pattern.across.as_deref());
    }
    steps.sort_unstable();
    steps.dedup();
    if like.is_none() {
        out.push("other".into());
    }
    let mut found = Vec::new();
    for template in &templates {
        found.extend(minterms(template, &steps)?);
    }
    // An empty value is the last choice.
    let (empty, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|minterm| minterm.text.is_empty());
    out.extend(others.into_iter().chain(empty).map(|minterm| SmolStr::from(minterm.text)));
    Ok(())
}

/// The one text (in lower case where case counts not) that steps match.
fn literal(toks: &[Tok]) -> Option<String> {
    let letter = |tok: &Tok| match tok {
        Tok::Is(c) | Tok::Fold(c) => Some(*c),
        _ => None,
    };
    toks.iter().map(letter).collect()
}

fn labels(tests: &[&Test], values: &[SmolStr], like: Option<&str>) -> Vec<Label> {
    let mut out: Vec<Label> = Vec::new();
    // Where all values are known by name, a report names them.
    for name in like.filter(|shape| !shape.contains(['*', '?', '$'])).into_iter().flat_map(|all| all.split('|')) {
        out.push(Label { texts: vec![name.into()], has: values.iter().map(|value| value == name).collect() });
    }
    for test in tests {
        // What depends on a variable describes nothing by itself.
        for (text, wanted) in test.wanted.iter().filter(|(_, wanted)| wanted.unknown().is_empty()) {
            let texts = vec![test.label(text)];
            let has = values.iter().map(|value| test.one_hit(wanted, value) > Hit::No).collect();
            if !out.iter().any(|label| label.texts == texts && label.has == has) {
                out.push(Label { texts, has });
            }
        }
    }
    out
}
