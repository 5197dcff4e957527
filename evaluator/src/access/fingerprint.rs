//! What names a change of access, so that one who said yes to it said yes to nothing else. Owns the canonical form that
//! is digested; what a change is, the engine says.
//!
//! INVARIANT: two changes have one fingerprint only if the same statements come and go, the same requests are answered
//! otherwise, and, where a region is not told exactly, all policies are the same. Nothing that is written for people,
//! and so may be shortened, goes into it; nor do places in files, labels of statements, and witnesses.

use std::collections::BTreeSet;

use cell_iam::access::{Access, Part};
use cell_iam::policy::{Condition, Elements, Statement, Version};
use cell_iam::region::{self, Need, Proof, Region};
use serde_json::{Value as Json, json};

use crate::digest::short;

/// One distinct change, whoever it is about: all of its digest.
pub(super) fn of_change(old: &Access, new: &Access, delta: &region::Delta) -> String {
    let (old, new) = (entries(old), entries(new));
    let regions = |all: &[Region]| all.iter().map(canonical).collect::<BTreeSet<_>>();
    let (gone, come): (Vec<_>, Vec<_>) = (old.difference(&new).collect(), new.difference(&old).collect());
    // What is told exactly is the same over whatever else the policies say; what is not depends on all of it.
    let inexact = delta.gained.iter().chain(&delta.lost).any(|region| !is_exact(region));
    let around = inexact.then(|| old.intersection(&new).collect::<Vec<_>>());
    short(&json!([gone, come, regions(&delta.gained), regions(&delta.lost), around]).to_string(), 32)
}

/// What happens to a principal, by address and name in the directory: in each of its cells the change, by [`of_change`].
pub(super) fn of_row(principal: (&str, &str), changes: &BTreeSet<(String, &str)>) -> String {
    named(&json!([principal, changes]).to_string())
}

/// The change of access as a whole, by the fingerprints of its rows.
pub(super) fn whole<'a>(rows: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = rows.collect();
    all.sort_unstable();
    named(&all.join("\n"))
}

/// 96 bits of SHA-256: enough that nobody finds another change of the same fingerprint.
fn named(text: &str) -> String {
    format!("access-{}", short(text, 12))
}

/// Does what is told of a region say all of it? A variable is told by its name, whatever it was compared with.
fn is_exact(region: &Region) -> bool {
    !region.more && region.proof == Proof::Proven && !canonical(region).contains("${")
}

/// A region whatever its witness, and whatever order its parts are told in.
fn canonical(region: &Region) -> String {
    let resources: BTreeSet<String> = region.resources.iter().map(|glob| json!(glob).to_string()).collect();
    let needs = |all: &Vec<Need>| all.iter().map(|need| json!(need).to_string()).collect::<BTreeSet<_>>();
    let when: BTreeSet<BTreeSet<String>> = region.when.iter().map(needs).collect();
    json!([region.actions, resources, when, region.more, region.proof]).to_string()
}

/// All that the policies of an access say, a line for each action of a statement.
fn entries(access: &Access) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for way in &access.ways {
        let bounds = [("boundary", &way.boundary), ("session", &way.session)];
        let bounds = bounds.into_iter().filter_map(|(layer, parts)| Some((layer, parts.as_ref()?)));
        for (layer, parts) in [("identity", &way.identity)].into_iter().chain(bounds) {
            all.insert(json!([layer, way.name]).to_string());
            parts.iter().for_each(|part| said(&mut all, layer, &way.name, part));
        }
    }
    if access.management_account {
        all.insert(json!(["management"]).to_string());
        return all;
    }
    for (layer, levels) in [("scp", &access.scps), ("rcp", &access.rcps)] {
        for level in levels {
            all.insert(json!([layer, level.name]).to_string());
            level.parts.iter().for_each(|part| said(&mut all, layer, &level.name, part));
        }
    }
    all
}

fn said(all: &mut BTreeSet<String>, layer: &str, of: &str, part: &Part) {
    match part {
        // Of what is not known the name is all that there is to say yes to.
        Part::Unknown { name } => _ = all.insert(json!([layer, of, "unknown", name]).to_string()),
        Part::Known(named) => {
            let variables = named.document().version == Version::V2012;
            for statement in &named.document().statements {
                all.extend(statements(statement, variables).map(|one| json!([layer, of, one]).to_string()));
            }
        }
    }
}

/// A statement for each of its actions; as a whole where it is about all others.
fn statements(statement: &Statement, variables: bool) -> impl Iterator<Item = Json> + '_ {
    let lower: BTreeSet<String> =
        statement.actions.items.iter().map(|text| text.value.to_ascii_lowercase()).collect();
    let actions: Vec<Json> = if statement.actions.not {
        vec![json!(["not", lower])]
    } else {
        lower.iter().map(|one| json!(one)).collect()
    };
    let resources = statement.resources.as_ref().map(texts);
    let conditions: BTreeSet<String> = statement.conditions.iter().map(condition).collect();
    let principal = statement.principal.as_ref().map(|principals| {
        let kinds = principals.by_kind.iter().map(|(kind, names)| json!([kind, texts(names)])).collect::<Vec<_>>();
        json!([principals.not, kinds])
    });
    let rest = json!([statement.effect, principal, resources, conditions]);
    // Only where there is one does it matter whether variables are read.
    let variables = variables && rest.to_string().contains("${");
    actions.into_iter().map(move |action| json!([action, rest, variables]))
}

fn texts(elements: &Elements) -> Json {
    json!([elements.not, elements.items.iter().map(|text| text.value.as_str()).collect::<BTreeSet<_>>()])
}

fn condition(condition: &Condition) -> String {
    let values: BTreeSet<&str> = condition.values.iter().map(|text| text.value.as_str()).collect();
    let (operator, key) = (condition.operator_name().to_ascii_lowercase(), condition.key.to_ascii_lowercase());
    json!([operator, key, values]).to_string()
}
