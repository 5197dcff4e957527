//! What depends on policy variables, as a report writes it. Owns how the unknowns that a region needs become patterns
//! with their variables; how the rest of a region is described is not its affair.

use smol_str::SmolStr;

use crate::ground::{Axis, Ground};
use crate::mdd::{Cube, FALSE, Node};
use crate::region::{Glob, Need, Values};
use crate::tables::{Opaque, Tables};

/// So many alternatives of patterns with variables are told apart.
const MAX_ALTERNATIVES: usize = 8;

/// Patterns of resources with variables: those that must match, and those that must not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Opens {
    pub(crate) needed: Vec<u32>,
    pub(crate) excluded: Vec<u32>,
}

/// The parts of a formula by the patterns of resources that must match, and must not, in each.
pub(crate) fn by_patterns(ground: &mut Ground<'_>, node: Node) -> Vec<(Node, Opens)> {
    let mut out = Vec::new();
    let mut rest = node;
    while rest != FALSE && out.len() < MAX_ALTERNATIVES {
        let Some(values) = ground.mdd.witness(rest) else { break };
        let cube = ground.mdd.widest(node, &values);
        let (opens, literals) = opens(ground, &cube);
        let part = literals.iter().fold(node, |part, literal| ground.mdd.and(part, *literal));
        let covered = literals.iter().fold(rest, |part, literal| ground.mdd.and(part, *literal));
        rest = ground.mdd.minus(rest, covered);
        out.push((part, opens));
    }
    if rest != FALSE {
        out.push((rest, Opens::default()));
    }
    out
}

fn opens(ground: &mut Ground<'_>, cube: &Cube) -> (Opens, Vec<Node>) {
    let (mut opens, mut literals) = (Opens::default(), Vec::new());
    for at in 0..ground.unknown.len() {
        let Some(Opaque::Resource(number)) = ground.unknown.get_index(at).cloned() else { continue };
        let var = ground.unknown_from + at;
        let is = ground.mdd.is(var);
        match needs(cube, var) {
            Some(true) => {
                opens.needed.push(number);
                literals.push(is);
            }
            Some(false) => {
                opens.excluded.push(number);
                literals.push(ground.mdd.not(is));
            }
            None => {}
        }
    }
    (opens, literals)
}

/// Whether a cube needs an unknown to be so, or not to be so.
fn needs(cube: &Cube, var: usize) -> Option<bool> {
    let bits = cube.get(var).and_then(Option::as_ref)?;
    match (bits.has(0), bits.has(1)) {
        (false, true) => Some(true),
        (true, false) => Some(false),
        _ => None,
    }
}

impl Opens {
    /// Patterns around resources, with those that must match and without those that must not; `touches` says whether
    /// a pattern has any of the resources.
    pub(crate) fn narrow(&self, globs: Vec<Glob>, tables: &Tables, touches: impl Fn(u32) -> bool) -> Vec<Glob> {
        let text = |number: &u32| tables.pattern(*number).map(|(text, _)| text.clone());
        let needed: Vec<SmolStr> = self.needed.iter().filter_map(text).collect();
        let excluded: Vec<SmolStr> = self.excluded.iter().filter(|at| touches(**at)).filter_map(text).collect();
        globs.into_iter().map(|glob| narrowed(glob, &needed, &excluded)).collect()
    }
}

/// A pattern together with others that must match, and without those that must not.
fn narrowed(mut glob: Glob, needed: &[SmolStr], excluded: &[SmolStr]) -> Glob {
    for text in needed {
        if glob.glob == "*" {
            glob.glob.clone_from(text);
        } else if glob.glob != *text && !glob.and.contains(text) {
            glob.and.push(text.clone());
        }
    }
    for text in excluded.iter().filter(|text| !glob.except.contains(text)).cloned().collect::<Vec<_>>() {
        glob.except.push(text);
    }
    glob
}

/// A pattern with a star for each of its variables: what it may match.
pub(crate) fn generalised(text: &str) -> SmolStr {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, inner)) = rest.split_once("${") {
        let Some((name, after)) = inner.split_once('}') else { break };
        out.push_str(head);
        match name {
            "*" | "?" | "$" => out.extend(["${", name, "}"]),
            _ if out.ends_with('*') => {}
            _ => out.push('*'),
        }
        rest = after;
    }
    out.push_str(rest);
    out.into()
}

/// The needs of a key with what its unknown values must be like, and must not.
pub(crate) fn with_variables(ground: &Ground<'_>, axis: &Axis, key: &SmolStr, cube: &Cube, out: &mut Vec<Need>) {
    let Some(domain) = axis.domain() else { return };
    let elements = if domain.several { domain.values.len() } else { 1 };
    for element in 0..elements {
        let (mut needed, mut excluded, mut each) = (Vec::new(), Vec::new(), false);
        for (var, texts, every) in ground.variables(axis, element) {
            match needs(cube, var) {
                Some(true) => {
                    each |= every;
                    needed.push(texts);
                }
                Some(false) => excluded.extend(texts),
                None => {}
            }
        }
        if needed.is_empty() && excluded.is_empty() {
            continue;
        }
        let narrow = |globs: Vec<Glob>| -> Vec<Glob> {
            let also = |globs: Vec<Glob>, texts: &Vec<SmolStr>| -> Vec<Glob> {
                let with = |text: &SmolStr| {
                    globs
                        .iter()
                        .map(|glob| narrowed(glob.clone(), std::slice::from_ref(text), &[]))
                        .collect::<Vec<_>>()
                };
                texts.iter().flat_map(with).collect()
            };
            let globs = needed.iter().fold(globs, also);
            globs.into_iter().map(|glob| narrowed(glob, &[], &excluded)).collect()
        };
        let any = || vec![Glob { glob: "*".into(), and: Vec::new(), except: Vec::new() }];
        if domain.several {
            let here = domain.describe(|at| at == element);
            let own = out.iter_mut().find_map(|need| match need {
                Need::Contains { key: own, values } if own == key && *values == here => Some(values),
                _ => None,
            });
            let missing = own.is_none();
            if let Some(values) = own {
                *values = narrow(here);
            }
            // It may lack the value, but has no other than such a one.
            if !needed.is_empty() && (each || missing) {
                let except = narrow(any()).into_iter().map(|glob| glob.glob).collect();
                let others = Glob { glob: "*".into(), and: Vec::new(), except };
                out.push(Need::Lacks { key: key.clone(), values: vec![others] });
            }
            continue;
        }
        let own = out.iter_mut().find_map(|need| match need {
            Need::Value { key: own, values } if own == key => Some(values),
            _ => None,
        });
        match own {
            Some(values) => values.of = narrow(std::mem::take(&mut values.of)),
            None => {
                let values = Values { absent: domain.like.is_none(), of: narrow(any()) };
                out.push(Need::Value { key: key.clone(), values });
            }
        }
    }
}
