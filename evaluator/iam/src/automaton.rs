//! The regions into which a set of patterns divides all texts, each with its shortest text. Owns the subset
//! construction; it must not know what the texts are.

use foldhash::fast::FixedState;
use indexmap::{IndexMap, IndexSet};

use crate::pattern::{Class, Tok};

/// More states than this are not visited: hostile patterns make exponentially many.
const MAX_STATES: usize = 30_000;

/// More steps than this are not taken in all, which bounds time and memory.
const MAX_WORK: usize = 6_000_000;

/// A set of small numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Bits(Box<[u64]>);

impl Bits {
    pub(crate) fn none(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)].into())
    }

    pub(crate) fn set(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    pub(crate) fn set_if(&mut self, at: usize, is: bool) {
        if is {
            self.set(at);
        }
    }

    pub(crate) fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// The numbers below `size`.
    pub(crate) fn all(size: usize) -> Self {
        let mut out = Self::none(size);
        (0..size).for_each(|at| out.set(at));
        out
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Its numbers, ascending.
    pub(crate) fn ones(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(at * 64 + bit)
            })
        })
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| own & other).collect())
    }

    pub(crate) fn without(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| own & !other).collect())
    }

    /// All that were not in it. Beyond the size nobody asks.
    pub(crate) fn flip(&mut self) {
        self.0.iter_mut().for_each(|word| *word = !*word);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (own, more) in self.0.iter_mut().zip(&other.0) {
            *own |= more;
        }
    }
}

/// One region: which groups of patterns match, and a shortest text of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Minterm {
    pub(crate) matched: Bits,
    pub(crate) text: String,
}

/// There are more regions than are worth the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

/// The regions into which patterns divide the texts that `template` matches, in the order of their shortest texts.
pub(crate) fn minterms(template: &[Tok], patterns: &[&[Tok]]) -> Result<Vec<Minterm>, TooMany> {
    let alone: Vec<(u32, &[Tok])> = patterns.iter().enumerate().map(|(at, toks)| (at as u32, *toks)).collect();
    grouped(template, &alone)
}

/// The same for groups of patterns: a group matches when one of its patterns does. Far fewer texts are told apart so.
pub(crate) fn grouped(template: &[Tok], patterns: &[(u32, &[Tok])]) -> Result<Vec<Minterm>, TooMany> {
    let mut search = Search::new(template, patterns);
    search.run()?;
    Ok(search
        .found
        .iter()
        .map(|(bits, state)| Minterm { matched: bits.clone(), text: search.text(*state) })
        .collect())
}

/// A step of the joined automaton.
#[derive(Clone, Copy)]
enum Step {
    Take(Tok),
    /// The end of a pattern.
    End(u32),
}

struct Search {
    /// The steps of the template first, then those of each pattern, each with its end.
    steps: Vec<Step>,
    /// How many of them are the template's.
    own: u32,
    /// Where each pattern begins.
    starts: Vec<u32>,
    /// The group of each step; none for the template.
    groups: Vec<Option<u32>>,
    /// By group: a step that matches all that follows.
    endless: Vec<Option<u32>>,
    size: usize,
    /// States in the order of their discovery.
    states: IndexSet<Box<[u32]>, FixedState>,
    /// From which state each was reached, by which character.
    parents: Vec<(u32, char)>,
    found: IndexMap<Bits, u32, FixedState>,
    work: usize,
}

/// Whether the template and a pattern begin, and end, so that some text may be both.
fn may_meet(template: &[Tok], pattern: &[Tok]) -> bool {
    let run = |a: &mut dyn Iterator<Item = &Tok>, b: &mut dyn Iterator<Item = &Tok>| {
        loop {
            match (a.next().copied(), b.next().copied()) {
                (Some(Tok::Is(a)), Some(b @ (Tok::Is(_) | Tok::Fold(_)))) if !b.takes(a) => return false,
                (Some(Tok::Is(_)), Some(Tok::Is(_) | Tok::Fold(_))) => {}
                _ => return true,
            }
        }
    };
    run(&mut template.iter(), &mut pattern.iter()) && run(&mut template.iter().rev(), &mut pattern.iter().rev())
}

impl Search {
    fn new(template: &[Tok], patterns: &[(u32, &[Tok])]) -> Self {
        let mut steps: Vec<Step> = template.iter().map(|tok| Step::Take(*tok)).collect();
        steps.push(Step::End(u32::MAX));
        let own = steps.len() as u32;
        let size = patterns.iter().map(|(group, _)| *group as usize + 1).max().unwrap_or_default();
        let mut groups = vec![None; steps.len()];
        let mut endless = vec![None; size];
        let mut starts = vec![0];
        for (group, pattern) in patterns.iter().filter(|(_, pattern)| may_meet(template, pattern)) {
            starts.push(steps.len() as u32);
            steps.extend(pattern.iter().map(|tok| Step::Take(*tok)));
            if let (Some(Tok::Many(Class::Any)), Some(slot)) = (pattern.last(), endless.get_mut(*group as usize)) {
                slot.get_or_insert(steps.len() as u32 - 1);
            }
            steps.push(Step::End(*group));
            groups.resize(steps.len(), Some(*group));
        }
        Self {
            steps,
            own,
            starts,
            groups,
            endless,
            size,
            states: IndexSet::default(),
            parents: Vec::new(),
            found: IndexMap::default(),
            work: 0,
        }
    }

    /// Leaves of a group that matches whatever follows no more than that.
    fn settle(&self, positions: &mut Vec<u32>) {
        let mut settled: Vec<u32> = Vec::new();
        for at in positions.iter() {
            let endless = matches!(self.step(*at), Some(Step::Take(Tok::Many(Class::Any))))
                && matches!(self.step(at + 1), Some(Step::End(group)) if group != u32::MAX);
            if let Some(group) = self.groups.get(*at as usize).copied().flatten().filter(|_| endless)
                && !settled.contains(&group)
            {
                settled.push(group);
            }
        }
        if settled.is_empty() {
            return;
        }
        positions.retain(|at| {
            let group = self.groups.get(*at as usize).copied().flatten();
            group.is_none_or(|group| !settled.contains(&group))
        });
        for group in settled {
            if let Some(at) = self.endless.get(group as usize).copied().flatten() {
                positions.extend([at, at + 1]);
            }
        }
    }

    fn step(&self, at: u32) -> Option<Step> {
        self.steps.get(at as usize).copied()
    }

    /// Adds a position, and those that it reaches without a character.
    fn enter(&self, mut at: u32, into: &mut Vec<u32>) {
        into.push(at);
        while let Some(Step::Take(Tok::Many(_))) = self.step(at) {
            at += 1;
            into.push(at);
        }
    }

    fn run(&mut self) -> Result<(), TooMany> {
        let mut next = Vec::new();
        self.starts.iter().for_each(|start| self.enter(*start, &mut next));
        self.visit(&mut next, 0, '\0')?;
        let mut positions = Vec::new();
        let mut at = 0;
        while let Some(state) = self.states.get_index(at) {
            positions.clear();
            positions.extend_from_slice(state);
            for c in self.characters(&positions) {
                next.clear();
                for position in &positions {
                    match self.step(*position) {
                        Some(Step::Take(tok @ Tok::Many(_))) if tok.takes(c) => self.enter(*position, &mut next),
                        Some(Step::Take(Tok::Many(_)) | Step::End(_)) | None => {}
                        Some(Step::Take(tok)) if tok.takes(c) => self.enter(*position + 1, &mut next),
                        Some(Step::Take(_)) => {}
                    }
                }
                self.visit(&mut next, at as u32, c)?;
            }
            at += 1;
        }
        Ok(())
    }

    fn visit(&mut self, positions: &mut Vec<u32>, from: u32, by: char) -> Result<(), TooMany> {
        self.work += positions.len() + 1;
        if self.work > MAX_WORK {
            return Err(TooMany);
        }
        self.settle(positions);
        positions.sort_unstable();
        positions.dedup();
        // What the template does not match leads nowhere.
        if positions.first().is_none_or(|first| *first >= self.own) || self.states.contains(positions.as_slice()) {
            return Ok(());
        }
        if self.states.len() >= MAX_STATES {
            return Err(TooMany);
        }
        let state = self.states.insert_full(positions.as_slice().into()).0 as u32;
        self.parents.push((from, by));
        self.accept(positions, state);
        Ok(())
    }

    fn accept(&mut self, positions: &[u32], state: u32) {
        if positions.binary_search(&(self.own - 1)).is_err() {
            return;
        }
        let mut bits = Bits::none(self.size);
        for position in positions {
            if let Some(Step::End(group)) = self.step(*position) {
                // The template's own end lies beyond the size and sets nothing.
                bits.set(group as usize);
            }
        }
        self.found.entry(bits).or_insert(state);
    }

    /// The characters that lead from here to different places: those that some step names, and one for all others.
    fn characters(&self, positions: &[u32]) -> Vec<char> {
        let takes = |at: &u32| match self.step(*at) {
            Some(Step::Take(tok)) => Some(tok),
            _ => None,
        };
        let of_template = positions.iter().take_while(|at| **at < self.own).filter_map(takes);
        let literals: Option<Vec<char>> = of_template.map(Tok::literal).collect();
        if let Some(mut literals) = literals {
            literals.sort_unstable();
            literals.dedup();
            return literals;
        }
        let mut named = Vec::new();
        let (mut colon, mut slash, mut digit, mut hex) = (false, false, false, false);
        for tok in positions.iter().filter_map(takes) {
            match tok {
                Tok::Is(c) => named.push(c),
                Tok::Fold(c) => named.extend([c, c.to_ascii_uppercase()]),
                Tok::One(Class::NotColon) | Tok::Many(Class::NotColon) => colon = true,
                Tok::One(Class::Part) | Tok::Many(Class::Part) => (colon, slash) = (true, true),
                Tok::One(Class::Digit) | Tok::Many(Class::Digit) => digit = true,
                Tok::One(Class::Hex) | Tok::Many(Class::Hex) => (digit, hex) = (true, true),
                Tok::One(_) | Tok::Many(_) => {}
            }
        }
        if colon {
            named.push(':');
        }
        if slash {
            named.push('/');
        }
        // Of each class of characters one that nothing names, where there is one.
        let unnamed = |from: &str| from.chars().find(|c| !named.contains(c));
        let more: Vec<char> = [(digit, "0123456789"), (hex, "abcdef")]
            .into_iter()
            .filter_map(|(is, from)| if is { unnamed(from) } else { None })
            .collect();
        named.extend(more);
        named.sort_unstable();
        named.dedup();
        let fresh = |from: &str| from.chars().find(|c| !named.contains(c));
        let mut out: Vec<char> = fresh("xyzabcdefghijklmnopqrstuvw").into_iter().collect();
        if out.is_empty() {
            out.extend(fresh("0123456789-_.+=@XYZABCDEFGHIJKLMNOPQRSTUVWéèñø漢字仮名"));
        }
        out.extend(named);
        out
    }

    fn text(&self, state: u32) -> String {
        let mut out = Vec::new();
        let mut at = state;
        while at != 0 {
            let Some((from, by)) = self.parents.get(at as usize) else { break };
            out.push(*by);
            at = *from;
        }
        out.iter().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails so")]

    use super::*;
    use crate::pattern::{Pattern, Reading, matches};

    fn glob(text: &str) -> Box<[Tok]> {
        let how = Reading { glob: true, fold: false, arn: false, late_variables: false };
        Pattern::read(text, how, None).within
    }

    fn regions(template: &str, patterns: &[&str]) -> Vec<(Vec<usize>, String)> {
        let patterns: Vec<_> = patterns.iter().map(|text| glob(text)).collect();
        let borrowed: Vec<&[Tok]> = patterns.iter().map(|toks| &**toks).collect();
        let found = minterms(&glob(template), &borrowed).unwrap();
        for minterm in &found {
            for (at, pattern) in patterns.iter().enumerate() {
                assert_eq!(matches(pattern, &minterm.text), minterm.matched.has(at));
            }
        }
        let of = |m: &Minterm| ((0..patterns.len()).filter(|at| m.matched.has(*at)).collect(), m.text.clone());
        found.iter().map(of).collect()
    }

    #[test]
    fn each_region_once_with_its_shortest_text() {
        let expected: [(Vec<usize>, &str); 4] =
            [(vec![0], ""), (vec![0, 1], "a"), (vec![0, 2], "xb"), (vec![0, 1, 2], "ab")];
        let found = regions("*", &["*", "a*", "?*b"]);
        assert_eq!(found.len(), 4);
        for (bits, text) in expected {
            assert!(found.iter().any(|(b, t)| *b == bits && t.len() == text.len()), "{bits:?} {text} {found:?}");
        }
    }

    #[test]
    fn only_what_the_template_matches() {
        let found = regions("arn:aws:s3:::?*", &["arn:aws:s3:::logs-*", "arn:aws:ec2:*", "*"]);
        assert_eq!(found, [(vec![2], "arn:aws:s3:::x".to_owned()), (vec![0, 2], "arn:aws:s3:::logs-".to_owned())]);
    }

    #[test]
    fn hostile_patterns_end() {
        let many: Vec<String> = (0..40).map(|at| format!("*{}*", "ab".repeat(at + 1))).collect();
        let many: Vec<String> = many.iter().chain(&["*c*d*e*f*g*h*i*j*k*".into()]).cloned().collect();
        let toks: Vec<_> =
            many.iter().map(|text| glob(text)).chain(('a'..='z').map(|c| glob(&format!("*{c}{c}*")))).collect();
        let borrowed: Vec<&[Tok]> = toks.iter().map(|toks| &**toks).collect();
        assert_eq!(minterms(&glob("*"), &borrowed), Err(TooMany));
    }
}
