//! The resources that an action may be asked for on, divided by patterns. Owns templates of ARNs and how a witness is
//! made to look like a real ARN; it must not know of statements.

use std::rc::Rc;

use foldhash::HashMap;
use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::automaton::{Bits, TooMany, minterms};
use crate::catalogue::Catalogue;
use crate::classes::Member;
use crate::pattern::{Class, Pattern, Tok, matches};
use crate::tables::{Numbered, Tables};

/// The template of a request for no resource.
const NO_RESOURCE: &str = "*";

/// The template of any ARN.
const ANY_ARN: &str = "arn:${Partition}:${Service}:${AnyRegion}:${AnyAccount}:${Resource}";

/// One region of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The patterns that match it, each segment by itself.
    pub(crate) within: Bits,
    /// The patterns that match it if a `*` reaches across colons.
    pub(crate) across: Bits,
    /// A resource in it.
    pub(crate) text: String,
}

impl Place {
    /// Whether it does not matter how a `*` is read.
    pub(crate) fn is_plain(&self) -> bool {
        self.within == self.across
    }
}

/// What outlives a question: templates, and how patterns divide them.
#[derive(Default)]
pub(crate) struct Places {
    templates: Numbered<SmolStr>,
    toks: Vec<Box<[Tok]>>,
    of_action: HashMap<(usize, usize), Rc<[u32]>>,
    divided: HashMap<(u32, Box<[u32]>), Rc<Result<Vec<Place>, TooMany>>>,
}

impl Places {
    /// The templates of the resources of an action, ordered.
    pub(crate) fn templates(&mut self, catalogue: &Catalogue, member: &Member) -> Rc<[u32]> {
        let Member::Known(service, action) = member else {
            return [self.template(NO_RESOURCE), self.template(ANY_ARN)].into();
        };
        if let Some(found) = self.of_action.get(&(*service, *action)) {
            return Rc::clone(found);
        }
        let mut out = Vec::new();
        let known = catalogue.services.get_index(*service).map(|(_, service)| service);
        if let Some((known, action)) = known.and_then(|known| Some((known, known.actions.get(*action)?))) {
            if action.whole || action.resources.is_empty() {
                out.push(self.template(NO_RESOURCE));
            }
            let types = action.resources.iter().filter_map(|at| known.resources.get(usize::from(*at)));
            out.extend(types.map(|resource| self.template(&resource.arn)));
        }
        out.sort_by_key(|number| self.templates.get_index(*number as usize).cloned());
        out.dedup();
        let out: Rc<[u32]> = out.into();
        self.of_action.insert((*service, *action), Rc::clone(&out));
        out
    }

    fn template(&mut self, text: &str) -> u32 {
        let (number, new) = self.templates.insert_full(text.into());
        if new {
            self.toks.push(read_template(text).into());
        }
        number as u32
    }

    /// How patterns divide the resources of these templates.
    pub(crate) fn divide(
        &mut self,
        tables: &Tables,
        templates: &[u32],
        patterns: &[u32],
    ) -> Result<Vec<Place>, TooMany> {
        let mut all: IndexMap<(Bits, Bits), String> = IndexMap::new();
        for template in templates {
            let divided = self.divide_one(tables, *template, patterns);
            let divided = divided.as_ref().as_ref().map_err(|too_many| *too_many)?;
            for place in divided {
                all.entry((place.within.clone(), place.across.clone())).or_insert_with(|| place.text.clone());
            }
        }
        Ok(all.into_iter().map(|((within, across), text)| Place { within, across, text }).collect())
    }

    fn divide_one(&mut self, tables: &Tables, template: u32, patterns: &[u32]) -> Rc<Result<Vec<Place>, TooMany>> {
        let key = (template, patterns.into());
        if let Some(found) = self.divided.get(&key) {
            return Rc::clone(found);
        }
        let toks: &[Tok] = self.toks.get(template as usize).map_or(&[], |toks| toks);
        let read: Vec<&Pattern> = patterns.iter().filter_map(|at| tables.pattern(*at)).map(|(_, p)| p).collect();
        let found = Rc::new(divide(toks, &read));
        self.divided.insert(key, Rc::clone(&found));
        found
    }
}

fn divide(template: &[Tok], patterns: &[&Pattern]) -> Result<Vec<Place>, TooMany> {
    let mut steps: Vec<&[Tok]> = patterns.iter().map(|pattern| &*pattern.within).collect();
    let size = steps.len();
    // Which column says how the pattern fares when stars reach across.
    let columns: Vec<usize> = patterns
        .iter()
        .enumerate()
        .map(|(at, pattern)| {
            pattern.across.as_ref().map_or(at, |across| {
                steps.push(across);
                steps.len() - 1
            })
        })
        .collect();
    let place = |minterm: crate::automaton::Minterm| {
        let (mut within, mut across) = (Bits::none(size), Bits::none(size));
        for (at, column) in columns.iter().enumerate() {
            if minterm.matched.has(at) {
                within.set(at);
            }
            if minterm.matched.has(*column) {
                across.set(at);
            }
        }
        Place { within, across, text: minterm.text }
    };
    Ok(minterms(template, &steps)?.into_iter().map(place).collect())
}

/// The steps of a template: `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.
fn read_template(text: &str) -> Vec<Tok> {
    if text == NO_RESOURCE {
        return vec![Tok::Is('*')];
    }
    let mut out = Vec::new();
    let mut rest = text;
    let mut colons = 0;
    while let Some(c) = rest.chars().next() {
        if let Some((name, after)) = rest.strip_prefix("${").and_then(|rest| rest.split_once('}')) {
            match (colons, name) {
                (1, _) => out.extend([Tok::Is('a'), Tok::Is('w'), Tok::Is('s'), Tok::Many(Class::Name)]),
                (3, "AnyRegion") | (4, "AnyAccount") => out.push(Tok::Many(Class::Name)),
                (0..5, _) => out.extend([Tok::One(Class::Name), Tok::Many(Class::Name)]),
                _ => out.extend([Tok::One(Class::Any), Tok::Many(Class::Any)]),
            }
            rest = after;
            continue;
        }
        colons += usize::from(c == ':');
        out.push(if c == '*' { Tok::Many(Class::Any) } else { Tok::Is(c) });
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    out
}

/// A resource as real as one that fares the same with all patterns can be.
pub(crate) fn realistic(text: &str, patterns: &[&Pattern], account: &str) -> SmolStr {
    let fares = |text: &str| -> Vec<(bool, bool)> {
        let across = |p: &Pattern| p.across.as_ref().is_some_and(|toks| matches(toks, text));
        patterns.iter().map(|p| (matches(&p.within, text), across(p))).collect()
    };
    let wanted = fares(text);
    let mut text = text.to_owned();
    for (segment, better) in [(3, "us-east-1"), (4, account)] {
        let mut parts: Vec<&str> = text.splitn(6, ':').collect();
        let real = parts.len() == 6 && !parts.get(segment).copied().unwrap_or_default().is_empty();
        if let Some(part) = parts.get_mut(segment).filter(|part| real && part.len() < 3) {
            *part = better;
            let tried = parts.join(":");
            if fares(&tried) == wanted {
                text = tried;
            }
        }
    }
    text.into()
}
