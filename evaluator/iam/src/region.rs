//! What a question to the engine is answered with: regions of requests, with their proof and a witness. Owns these
//! types and how sets of texts are described by patterns.

use std::collections::HashSet;

use serde::Serialize;
use smol_str::SmolStr;

use crate::decide::Verdict;
use crate::layers::Deciding;
use crate::request::Request;

/// What a change gives and takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Delta {
    /// What the new access allows and the old one does not.
    pub gained: Vec<Region>,
    /// What the old access allows and the new one does not.
    pub lost: Vec<Region>,
    /// How many questions were decided for it: classes of actions times regions of resources.
    pub queries: u32,
}

/// A set of requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Region {
    /// The actions.
    pub actions: Actions,
    /// The resources: the union of these.
    pub resources: Vec<Glob>,
    /// The conditions: one of these alternatives, each of which needs all of its parts. One without parts is no
    /// condition.
    pub when: Vec<Vec<Need>>,
    /// Whether there are further alternatives.
    pub more: bool,
    /// How the values of single keys that are allowed change, all else being as in the witness.
    pub changes: Vec<KeyChange>,
    /// How far it is proven.
    pub proof: Proof,
    /// A request of the region; none only where the region itself is not decided.
    pub witness: Option<Witness>,
    /// The statements that allow the witness, or deny it, before the change.
    pub before: Vec<Deciding>,
    /// The statements that allow the witness, or deny it, after the change.
    pub after: Vec<Deciding>,
}

/// A class of actions that the policies treat alike.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Actions {
    /// Actions of the catalogue, as `service:Action`, ordered.
    pub known: Vec<SmolStr>,
    /// Actions that a policy names and the catalogue does not have.
    pub unlisted: Vec<SmolStr>,
    /// Patterns by which actions belong to it that AWS may add.
    pub future: Vec<SmolStr>,
    /// Patterns all of whose actions belong to it, known and yet to come: `*`, or `iam:*` for each service.
    pub whole: Vec<SmolStr>,
}

/// A set of texts: those that a pattern matches, and some others do and do not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Glob {
    /// The pattern.
    pub glob: SmolStr,
    /// Patterns that match as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub and: Vec<SmolStr>,
    /// Patterns that do not match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<SmolStr>,
}

/// What a request must carry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// A key has one of these values.
    Value {
        /// The condition key.
        key: SmolStr,
        /// The values.
        values: Values,
    },
    /// A key of several values has one of these.
    Contains {
        /// The condition key.
        key: SmolStr,
        /// The values: the union of these.
        values: Vec<Glob>,
    },
    /// A key of several values has none of these.
    Lacks {
        /// The condition key.
        key: SmolStr,
        /// The values: the union of these.
        values: Vec<Glob>,
    },
}

/// A set of values of a condition key, which may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Values {
    /// Whether the key may be absent.
    pub absent: bool,
    /// The values that it may have: the union of these.
    pub of: Vec<Glob>,
}

/// How the values of a key that are allowed change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct KeyChange {
    /// The condition key.
    pub key: SmolStr,
    /// The values allowed before.
    pub before: Values,
    /// The values allowed after.
    pub after: Values,
}

/// How far a region is proven.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Every request of it changes as said.
    Proven,
    /// It depends on what is not known.
    May(Vec<Reason>),
}

/// Why something is not decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Whether a `*` within a segment of an ARN reaches across colons.
    Across,
    /// A policy variable of this key.
    Variable(SmolStr),
    /// A policy of which only the name is known.
    Policy(SmolStr),
    /// An operator that the engine does not know.
    Operator(SmolStr),
    /// Whether a statement is about the principal.
    Principal,
    /// These keys depend on each other.
    Dependent(Vec<SmolStr>),
    /// AWS documents no such key for the action.
    Undocumented(SmolStr),
    /// An operator for one value on this key of several: AWS does not say what it does.
    Several(SmolStr),
    /// Whether the action can be asked for on no resource.
    NoResource,
    /// The patterns divide the texts into more regions than are visited.
    Size,
}

/// A request whose answer changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// The request.
    pub request: Request,
    /// The answer before.
    pub before: Verdict,
    /// The answer after.
    pub after: Verdict,
}

impl Actions {
    /// How many actions are named.
    pub fn count(&self) -> usize {
        self.known.len() + self.unlisted.len()
    }

    /// Whether it is every action there is and will be.
    pub fn is_everything(&self) -> bool {
        self.whole.iter().any(|pattern| pattern == "*")
    }

    /// The known and future actions in as few words as say it exactly: those of [`Self::whole`] by their patterns.
    pub fn told(&self) -> (Vec<SmolStr>, Vec<SmolStr>) {
        let whole: HashSet<&str> = self.whole.iter().filter_map(|pattern| pattern.strip_suffix(":*")).collect();
        let everything = self.whole.iter().any(|pattern| pattern == "*");
        let covered =
            |action: &&SmolStr| everything || action.split(':').next().is_some_and(|service| whole.contains(service));
        let rest = self.known.iter().chain(&self.unlisted).filter(|action| !covered(action));
        let named = self.whole.iter().chain(rest).cloned().collect();
        (named, self.future.iter().filter(|pattern| !covered(pattern)).cloned().collect())
    }
}

impl Glob {
    fn only(glob: SmolStr) -> Self {
        Self { glob, and: Vec::new(), except: Vec::new() }
    }

    /// Whether it is every text.
    pub fn is_all(&self) -> bool {
        self.glob == "*" && self.and.is_empty() && self.except.is_empty()
    }
}

impl Values {
    /// Whether any value will do, and none.
    pub fn is_any(&self) -> bool {
        self.absent && self.of.iter().any(Glob::is_all)
    }
}

/// Patterns, and which of the items one of them matches.
pub(crate) struct Label {
    pub(crate) texts: Vec<SmolStr>,
    pub(crate) has: Vec<bool>,
}

impl Label {
    fn has(&self, item: usize) -> bool {
        self.has.get(item).copied().unwrap_or(false)
    }

    fn size(&self) -> usize {
        self.has.iter().filter(|has| **has).count()
    }
}

/// Describes a set of items by patterns, the widest first: exactly, where the patterns tell the items apart.
pub(crate) fn describe(labels: &[Label], target: &[bool]) -> Vec<Glob> {
    let all = Label { texts: vec!["*".into()], has: vec![true; target.len()] };
    let mut labels: Vec<&Label> = std::iter::once(&all).chain(labels).collect();
    // Wider first; a stable sort keeps the order of the policies.
    labels.sort_by_key(|label| std::cmp::Reverse(label.size()));
    let mut left: Vec<bool> = target.to_vec();
    let mut out = Vec::new();
    for label in &labels {
        let inside = (0..target.len()).all(|item| !label.has(item) || wanted(target, item));
        if inside && (0..target.len()).any(|item| label.has(item) && wanted(&left, item)) {
            out.extend(label.texts.iter().cloned().map(Glob::only));
            clear(&mut left, |item| label.has(item));
        }
    }
    while let Some(item) = (0..target.len()).find(|item| wanted(&left, *item)) {
        let (globs, held) = around(&labels, target, item);
        clear(&mut left, |other| other == item || held.get(other).copied().unwrap_or(false));
        out.extend(globs);
    }
    out
}

fn wanted(target: &[bool], item: usize) -> bool {
    target.get(item).copied().unwrap_or(false)
}

fn clear(left: &mut [bool], covered: impl Fn(usize) -> bool) {
    left.iter_mut().enumerate().filter(|(item, _)| covered(*item)).for_each(|(_, left)| *left = false);
}

/// A set around one item and within the target, with the items in it.
fn around(labels: &[&Label], target: &[bool], item: usize) -> (Vec<Glob>, Vec<bool>) {
    let set = |and: &[&&Label], except: &[&&Label]| -> Vec<bool> {
        let has = |at: usize| and.iter().all(|l| l.has(at)) && !except.iter().any(|l| l.has(at));
        (0..target.len()).map(has).collect()
    };
    let inside = |set: &[bool]| set.iter().enumerate().all(|(at, has)| !has || wanted(target, at));
    let mut and: Vec<&&Label> = labels.iter().filter(|label| label.has(item)).collect();
    let mut except: Vec<&&Label> = labels.iter().filter(|label| !label.has(item) && label.size() > 0).collect();
    // The narrowest pattern that holds the item stays; the others go where they are not needed.
    for drop in [false, true] {
        let mut at = 0;
        while at < if drop { except.len() } else { and.len() } {
            let (mut fewer_and, mut fewer_except) = (and.clone(), except.clone());
            if drop {
                fewer_except.remove(at)
            } else {
                fewer_and.remove(at)
            };
            let empty = !drop && fewer_and.is_empty();
            if !empty && inside(&set(&fewer_and, &fewer_except)) {
                (and, except) = (fewer_and, fewer_except);
            } else {
                at += 1;
            }
        }
    }
    let held = set(&and, &except);
    let except: Vec<SmolStr> = except.iter().flat_map(|label| label.texts.iter().cloned()).collect();
    // One of each group of patterns must match.
    let mut choices: Vec<Vec<SmolStr>> = vec![Vec::new()];
    for label in and.iter().rev() {
        let with = |chosen: &Vec<SmolStr>, text: &SmolStr| chosen.iter().cloned().chain([text.clone()]).collect();
        choices = choices.iter().flat_map(|chosen| label.texts.iter().map(move |text| with(chosen, text))).collect();
    }
    let glob = |chosen: Vec<SmolStr>| {
        let mut chosen = chosen.into_iter();
        let glob = chosen.next().unwrap_or_else(|| "*".into());
        Glob { glob, and: chosen.collect(), except: except.clone() }
    };
    (choices.into_iter().map(glob).collect(), held)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str, has: &[u8]) -> Label {
        Label { texts: vec![text.into()], has: has.iter().map(|bit| *bit == 1).collect() }
    }

    fn described(labels: &[Label], target: &[u8]) -> Vec<String> {
        let target: Vec<bool> = target.iter().map(|bit| *bit == 1).collect();
        let write = |glob: &Glob| {
            let mut out = glob.glob.to_string();
            glob.and.iter().for_each(|and| out.extend([" & ", and]));
            glob.except.iter().for_each(|except| out.extend([" - ", except]));
            out
        };
        describe(labels, &target).iter().map(write).collect()
    }

    #[test]
    fn sets_by_their_widest_patterns() {
        // Items: other, a, ab, b.
        let labels = [label("a*", &[0, 1, 1, 0]), label("ab", &[0, 0, 1, 0]), label("b", &[0, 0, 0, 1])];
        assert_eq!(described(&labels, &[1, 1, 1, 1]), ["*"]);
        assert_eq!(described(&labels, &[0, 1, 1, 0]), ["a*"]);
        assert_eq!(described(&labels, &[0, 1, 1, 1]), ["a*", "b"]);
        assert_eq!(described(&labels, &[0, 1, 0, 0]), ["a* - ab"]);
        assert_eq!(described(&labels, &[1, 0, 0, 1]), ["b", "* - a*"]);
        assert_eq!(described(&labels, &[1, 1, 0, 1]), ["b", "* - ab"]);
    }
}
