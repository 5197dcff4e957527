//! Changes of text that change nobody's access. Owns finding them: what was written otherwise is decided by itself.

use std::collections::BTreeSet;

use cell_iam::Engine;

use super::cases::{alone, managed};
use super::model::Equivalent;
use super::review::Question;
use super::sides::Side;

/// Permission sets and policies that are on both sides, written otherwise, and that allow what they allowed; and those
/// that changed while nobody has them.
pub(super) fn find(question: &Question<'_>, engine: &mut Engine<'_>) -> Vec<Equivalent> {
    let (before, after) = (question.before, question.after);
    let held: BTreeSet<&String> = [before, after].iter().flat_map(|side| side.given.values().flatten()).collect();
    let mut all = Vec::new();
    for (address, fields) in &after.sets {
        let Some(was) = before.sets.get(address) else { continue };
        let differ = ["managed", "customer_managed", "inline", "boundary"]
            .iter()
            .any(|name| was.get(*name) != fields.get(*name));
        if !differ {
            continue;
        }
        let text = if same(question, engine, before, after, address) {
            "is written otherwise, and allows what it allowed"
        } else if !held.contains(address) {
            "changes, and nobody has it"
        } else {
            continue;
        };
        all.push(Equivalent { address: address.clone(), text: text.to_owned() });
    }
    for (address, content) in &after.policies {
        let Some(was) = before.policies.get(address) else { continue };
        if was != content && same(question, engine, before, after, address) {
            let text = "is written otherwise, and denies what it denied".to_owned();
            all.push(Equivalent { address: address.clone(), text });
        }
    }
    all.extend(pinned(question, engine));
    all
}

/// Policies of AWS's of which another version is pinned that allows the same.
fn pinned(question: &Question<'_>, engine: &mut Engine<'_>) -> Vec<Equivalent> {
    let (was, now) = (question.pins_before(), question.sources.now.pins);
    let changed = now.managed.iter().filter(|(arn, text)| was.managed(arn).is_some_and(|was| was != text.as_str()));
    changed
        .filter(|(arn, _)| {
            let delta = engine.diff(&managed(was, arn), &managed(now, arn));
            delta.gained.is_empty() && delta.lost.is_empty()
        })
        .map(|(arn, _)| Equivalent {
            address: arn.clone(),
            text: "is pinned otherwise, and allows what it allowed".to_owned(),
        })
        .collect()
}

fn same(question: &Question<'_>, engine: &mut Engine<'_>, before: &Side, after: &Side, address: &str) -> bool {
    let delta = engine
        .diff(&alone(question.pins_before(), before, address), &alone(question.sources.now.pins, after, address));
    delta.gained.is_empty() && delta.lost.is_empty()
}
