//! A review as SARIF 2.1.0, for code scanning. Owns the ids of rules, levels, and what makes a result the same one in
//! the next run; whether the form is kept is tested against the published schema.

mod besides;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::entries::Mark;
use super::model::{Delta, Guard, Holds, Place, Proof, Review, Row, Severity, Statement, Witness};
use super::phrases;
use crate::terminal::{address, visible};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The rule of what is lost.
const LOSS: &str = "access/loss";

/// Items of a list in a message.
const ITEMS: usize = 8;

/// The review as SARIF 2.1.0, its lines ended. One result for each row and class of risk, one for each guard that
/// is not proven, one for each limit that holds less, and one for each access that cellc does not manage; what an `accept` waives is suppressed.
pub fn log(review: &Review) -> String {
    let mut rules: BTreeMap<String, Json> = BTreeMap::new();
    let mut results = Vec::new();
    for guard in review.guards.iter().filter(|guard| guard.holds != Holds::Proven) {
        let id = format!("guard/{}", slug(&address::label(&guard.guard)));
        rules.entry(id.clone()).or_insert_with(|| guard_rule(&id, guard));
        results.push(of_guard(&id, guard));
    }
    for row in &review.principals {
        for (mark, id, deltas) in groups(row) {
            let class = deltas.first().map(|delta| delta.risk.class.as_str()).unwrap_or_default();
            rules.entry(id.clone()).or_insert_with(|| class_rule(&id, class));
            results.push(of_row(review, row, mark, &id, &deltas));
        }
    }
    for (id, rule, result) in besides::all(review) {
        rules.entry(id).or_insert(rule);
        results.push(result);
    }
    let places: BTreeMap<&String, usize> = rules.keys().enumerate().map(|(at, id)| (id, at)).collect();
    for result in &mut results {
        let at = result.get("ruleId").and_then(Json::as_str).and_then(|id| places.get(&id.to_owned()).copied());
        if let (Some(at), Some(fields)) = (at, result.as_object_mut()) {
            fields.insert("ruleIndex".to_owned(), json!(at));
        }
    }
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "cellc",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_values().collect::<Vec<_>>(),
            } },
            "automationDetails": { "id": "cellc/access-review/" },
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {
                "verdict": review.verdict,
                "fingerprint": review.fingerprint,
                "base": visible::whole(&review.base),
                "evidence": review.evidence,
                "idle": review.idle.iter().map(phrases::said_of).collect::<Vec<_>>(),
                "unmanaged": review.unmanaged.iter().map(|one| visible::whole(one)).collect::<Vec<_>>(),
                "limits": review.limits.iter().map(phrases::said_of).collect::<Vec<_>>(),
                "notModelled": review.not_modelled.iter().map(|one| visible::whole(one)).collect::<Vec<_>>(),
            },
        }],
    });
    // Data of our own can always be written.
    let mut text = serde_json::to_string_pretty(&log).unwrap_or_default();
    text.push('\n');
    text
}

/// A row's regions by class and proof, the gravest first, with the id of their rule.
fn groups(row: &Row) -> Vec<(Mark, String, Vec<&Delta>)> {
    let mut groups: Vec<(Mark, String, Vec<&Delta>)> = Vec::new();
    let gained = row.gained.iter().map(|delta| match delta.proof {
        Proof::Proven => (Mark::Gain(delta.risk.severity), rule_of(&delta.risk.class), delta),
        Proof::May => (Mark::May(delta.risk.severity), rule_of(&delta.risk.class), delta),
    });
    for (mark, id, delta) in gained.chain(row.lost.iter().map(|delta| (Mark::Loss, LOSS.to_owned(), delta))) {
        match groups.iter_mut().find(|(known, rule, _)| (*known, rule) == (mark, &id)) {
            Some((.., deltas)) => deltas.push(delta),
            None => groups.push((mark, id, vec![delta])),
        }
    }
    groups.sort_by_key(|(mark, ..)| *mark);
    groups
}

fn rule_of(class: &str) -> String {
    format!("access/{}", slug(class))
}

/// `privilege-escalation` of `privilege escalation`.
fn slug(text: &str) -> String {
    let kept: String = text.chars().map(|c| if c.is_alphanumeric() || "._".contains(c) { c } else { '-' }).collect();
    kept.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn class_rule(id: &str, class: &str) -> Json {
    let (short, level) = match id {
        LOSS => ("Somebody loses access".to_owned(), "note"),
        _ => (format!("Somebody gains access: {}", visible::text(class)), "warning"),
    };
    let mut rule = json!({
        "id": id,
        "name": name(id),
        "shortDescription": { "text": short },
        "fullDescription": { "text": format!("{short}. The change was decided over everybody's whole access in each cell.") },
        "help": { "text": "See the row in `cellc review`. An `accept` that names its fingerprint waives it, with a reason, an owner and an expiry." },
        "defaultConfiguration": { "level": level },
        "properties": { "tags": ["security", "access"] },
    });
    if let Some(number) = security_severity(class).filter(|_| id != LOSS)
        && let Some(properties) = rule.get_mut("properties").and_then(Json::as_object_mut)
    {
        properties.insert("security-severity".to_owned(), json!(number));
    }
    rule
}

fn guard_rule(id: &str, guard: &Guard) -> Json {
    let short = format!("The guard {} holds", address::label(&guard.guard));
    json!({
        "id": id,
        "name": name(id),
        "shortDescription": { "text": short },
        "fullDescription": { "text": format!("{short} over the effective access of everybody it is about.") },
        "help": { "text": "The result names a request that the guard forbids, and the statements that together allow it." },
        "defaultConfiguration": { "level": "error" },
        "properties": { "tags": ["security", "access", "guard"], "security-severity": "9.0" },
    })
}

/// How grave a class is, from 0 to 10, as GitHub sorts by it.
fn security_severity(class: &str) -> Option<&'static str> {
    Some(match class {
        "administrator" => "10.0",
        "privilege escalation" => "9.5",
        "limit weakened" => "8.5",
        "permissions and exposure" => "8.0",
        "credentials" => "7.5",
        "bulk data reads" => "6.5",
        "destructive writes" => "6.0",
        "writes" => "4.0",
        "tagging" => "3.0",
        "reads" => "2.0",
        _ => return None,
    })
}

/// `PrivilegeEscalation` of `access/privilege-escalation`.
fn name(id: &str) -> String {
    let words = id.split(['/', '-', '.', '_']).skip(1);
    words
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
        })
        .collect()
}

fn level(mark: Mark) -> &'static str {
    match mark {
        Mark::Gain(Severity::Critical | Severity::High) => "error",
        Mark::Gain(Severity::Medium) | Mark::May(Severity::Critical | Severity::High) => "warning",
        Mark::Gain(Severity::Low) | Mark::May(_) | Mark::Loss => "note",
    }
}

fn of_row(review: &Review, row: &Row, mark: Mark, id: &str, deltas: &[&Delta]) -> Json {
    let verb = match mark {
        Mark::Gain(_) => "gains",
        Mark::May(_) => "may gain",
        Mark::Loss => "loses",
    };
    let who = phrases::principal(row);
    let count = phrases::count_of_places(&row.cells);
    let said: Vec<String> = deltas.iter().take(ITEMS).map(|delta| region(delta)).collect();
    let more = deltas.len().saturating_sub(ITEMS);
    let more = if more > 0 { format!("; and {more} more regions") } else { String::new() };
    let mut text = format!("{who} {verb} in {count}: {}{more}", said.join("; "));
    let witness = deltas.iter().find_map(|delta| delta.witness.as_ref());
    text.push_str(&witness.map(witnessed).unwrap_or_default());
    for path in deltas.iter().flat_map(|delta| &delta.risk.paths).take(ITEMS) {
        text.push_str(&format!(". Path {}", phrases::path(path)));
    }
    let statements: Vec<&Statement> = deltas.iter().flat_map(|delta| phrases::deciding(delta)).collect();
    text.push_str(&gone(&statements));
    let mut places = here(&statements);
    places.extend(&row.grants);
    let proof = match mark {
        Mark::May(_) => "may",
        _ => "proven",
    };
    let mut result = json!({
        "ruleId": id,
        "level": level(mark),
        "message": { "text": text },
        "locations": [location(&places, review, row)],
        "relatedLocations": related(&places),
        "partialFingerprints": { "cellcAccessRow/v1": format!("{}/{proof}/{id}", row.fingerprint) },
        "properties": {
            "fingerprint": row.fingerprint, "proof": proof, "severity": row.severity, "cells": row.cells,
            "principal": row.principal, "regions": deltas,
        },
    });
    if let (Some(waived), Some(fields)) = (&row.waived, result.as_object_mut()) {
        let (label, reason) = (visible::text(&waived.label), visible::text(&waived.reason));
        let (owner, expires) = (visible::text(&waived.owner), visible::text(&waived.expires));
        let why = format!("accept {label}: {reason} (owner {owner}, until {expires})");
        let at = json!({ "physicalLocation": physical(&waived.place) });
        let suppression = json!({ "kind": "inSource", "status": "accepted", "justification": why, "location": at });
        fields.insert("suppressions".to_owned(), json!([suppression]));
    }
    result
}

fn of_guard(id: &str, guard: &Guard) -> Json {
    let name = address::label(&guard.guard);
    let is = if guard.holds == Holds::Broken { "is broken" } else { "may be broken" };
    let mut text = format!("The guard {name} {is}, {}", phrases::over(guard));
    for breach in guard.broken.iter().take(ITEMS) {
        let (who, count) = (address::with_kind(&breach.principal), phrases::count_of_places(&breach.cells));
        text.push_str(&format!(". {who} in {count} is allowed {}", region(&breach.allowed)));
        text.push_str(&breach.allowed.witness.as_ref().map(witnessed).unwrap_or_default());
    }
    for reason in &guard.because {
        text.push_str(&format!(". Because {}", visible::text(reason)));
    }
    let statements = guard.broken.iter().flat_map(|breach| phrases::deciding(&breach.allowed));
    let places = here(&statements.collect::<Vec<_>>());
    json!({
        "ruleId": id,
        "level": if guard.holds == Holds::Broken { "error" } else { "warning" },
        "message": { "text": text },
        "locations": [{ "physicalLocation": physical(&guard.place), "logicalLocations": [logical(&guard.guard)] }],
        "relatedLocations": related(&[&[&guard.place], places.as_slice()].concat()),
        "partialFingerprints": { "cellcGuard/v1": format!("{}/{}", guard.guard, phrases::holds(guard.holds)) },
        "properties": { "proof": if guard.holds == Holds::Broken { "proven" } else { "may" } },
    })
}

fn region(delta: &Delta) -> String {
    let mut text = phrases::folded(&phrases::actions(delta), ITEMS);
    if let Some(future) = phrases::future(delta, ITEMS) {
        text = if text.is_empty() { future } else { format!("{text}, and {future}") };
    }
    let shown =
        |all: &[String]| phrases::folded(&all.iter().map(|one| visible::text(one)).collect::<Vec<_>>(), ITEMS);
    if !delta.resources.is_empty() {
        text.push_str(&format!(" on {}", shown(&delta.resources)));
    }
    let changes = phrases::key_changes(delta);
    if !changes.is_empty() {
        let changes: Vec<String> = changes.iter().map(|change| visible::text(change)).collect();
        text.push_str(&format!(" ({})", changes.join("; ")));
    } else if !delta.conditions.is_empty() {
        text.push_str(&format!(" when {}", shown(&delta.conditions)));
    }
    text
}

fn witnessed(witness: &Witness) -> String {
    format!(". Witness: {}, {}", phrases::whole_request(witness), phrases::answers(witness))
}

/// The places of statements that are there: a line of another revision is none of the files that are looked at.
fn here<'s>(statements: &[&'s Statement]) -> Vec<&'s Place> {
    statements.iter().filter(|one| !one.former).filter_map(|one| one.place.as_ref()).collect()
}

/// Where those stood that are gone: `. Gone: deny d of scp limits (before: main.cell:11)`.
fn gone(statements: &[&Statement]) -> String {
    let mut told: Vec<String> = Vec::new();
    for one in statements.iter().filter(|one| one.former).map(|one| phrases::statement(one)) {
        if !told.contains(&one) {
            told.push(one);
        }
    }
    if told.is_empty() { String::new() } else { format!(". Gone: {}", phrases::folded(&told, ITEMS)) }
}

/// The first place; of what has none, the program's first line.
fn location(places: &[&Place], review: &Review, row: &Row) -> Json {
    let at = match places.first() {
        Some(place) => physical(place),
        None => json!({ "artifactLocation": artifact(&review.source), "region": { "startLine": 1 } }),
    };
    json!({ "physicalLocation": at, "logicalLocations": [logical(&row.principal)] })
}

/// The other places, each once.
fn related(places: &[&Place]) -> Vec<Json> {
    let mut seen: Vec<&Place> = places.first().into_iter().copied().collect();
    for place in places {
        if !seen.contains(place) {
            seen.push(place);
        }
    }
    let told = |(at, place): (usize, &&Place)| {
        let text = address::with_kind(&place.entity);
        json!({ "id": at, "physicalLocation": physical(place), "message": { "text": text } })
    };
    seen.iter().enumerate().skip(1).map(told).collect()
}

fn logical(address: &str) -> Json {
    json!({ "fullyQualifiedName": visible::whole(address), "kind": "resource" })
}

fn physical(place: &Place) -> Json {
    let region = json!({ "startLine": place.line.max(1), "startColumn": place.column.max(1) });
    json!({ "artifactLocation": artifact(&place.file), "region": region })
}

/// A file as a reference to a URI: below the root of the sources, unless its path is absolute.
fn artifact(path: &str) -> Json {
    let path = path.replace('\\', "/");
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    match uri.strip_prefix('/') {
        Some(_) => json!({ "uri": format!("file://{uri}") }),
        None => json!({ "uri": uri, "uriBaseId": "%SRCROOT%" }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails so")]

    use super::super::samples::{big, hostile, one_of_each};
    use super::*;

    fn results(review: &Review) -> Vec<Json> {
        let log: Json = serde_json::from_str(&log(review)).unwrap();
        log["runs"][0]["results"].as_array().unwrap().clone()
    }

    #[test]
    fn each_row_and_guard_is_a_result_with_its_place() {
        let told = |result: &Json| {
            let at = &result["locations"][0]["physicalLocation"];
            format!(
                "{} {} {}:{} {}{}",
                result["level"].as_str().unwrap(),
                result["ruleId"].as_str().unwrap(),
                at["artifactLocation"]["uri"].as_str().unwrap(),
                at["region"]["startLine"],
                result["message"]["text"].as_str().unwrap(),
                if result["suppressions"].is_null() { "" } else { " (suppressed)" },
            )
        };
        let told: Vec<String> = results(&one_of_each()).iter().map(told).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        error guard/no-iam-write-in-prod policies.cell:100 The guard no-iam-write-in-prod is broken, over 7 principals and 12 cells (3 distinct cases). group developers in 2 cells is allowed iam:PutRolePolicy on *. Witness: iam:PutRolePolicy on arn:aws:iam::111122223333:role/admin with aws:RequestedRegion = us-west-2, before: deny, after: allow
        warning guard/no-billing policies.cell:100 The guard no-billing may be broken, over 7 principals and 12 cells (3 distinct cases). Because the document of arn:aws:iam::aws:policy/ReadOnlyAccess is not known
        error access/privilege-escalation policies.cell:42 group developers gains in 2 cells: iam:PassRole on arn:aws:iam::111122223333:role/* except arn:aws:iam::111122223333:role/app-*. Witness: iam:PassRole on arn:aws:iam::111122223333:role/admin with aws:RequestedRegion = us-west-2, before: deny, after: allow. Path lambda-001 (a new role): iam:PassRole arrives, lambda:CreateFunction, lambda:InvokeFunction were there
        error access/bulk-data-reads policies.cell:61 group analysts gains in 12 cells: s3:GetObject, s3:GetObjectAcl, s3:GetObjectTagging, s3:GetObjectVersion, s3:ListBucket on arn:aws:s3:::logs-* (aws:SourceVpce is vpce-1 → is anything). Witness: s3:GetObject on arn:aws:s3:::logs-a/x with aws:RequestedRegion = us-west-2, before: deny, after: allow
        warning access/credentials main.cell:1 group partners may gain in 1 cell: secretsmanager:GetSecretValue on *
        warning access/reads policies.cell:42 group readers gains in 28 cells: ec2:DescribeThing1, ec2:DescribeThing2, ec2:DescribeThing3, ec2:DescribeThing4, ec2:DescribeThing5, ec2:DescribeThing6, ec2:DescribeThing7, ec2:DescribeThing8 (+4), and future actions matching ec2:Describe* on *
        warning access/reads policies.cell:42 group watchers gains in 28 cells: ec2:DescribeThing1, ec2:DescribeThing2, ec2:DescribeThing3, ec2:DescribeThing4, ec2:DescribeThing5, ec2:DescribeThing6, ec2:DescribeThing7, ec2:DescribeThing8 (+4), and future actions matching ec2:Describe* on *
        note access/tagging policies.cell:42 group partners gains in 2 cells: ec2:CreateTags on *
        note access/reads policies.cell:42 group auditors gains in 1 cell: iam:GetRole on * (suppressed)
        note access/loss policies.cell:88 group support loses in 1 cell: s3:DeleteObject on *
        warning access/limit main.cell:1 scp no-delete is no longer attached to root; nobody gains by it now
        ");
    }

    #[test]
    fn a_result_keeps_its_fingerprint_when_lines_move() {
        let prints = |review: &Review| {
            results(review).iter().map(|result| result["partialFingerprints"].clone()).collect::<Vec<_>>()
        };
        let one = one_of_each();
        let mut moved = one_of_each();
        for row in &mut moved.principals {
            for source in row.gained.iter_mut().chain(&mut row.lost).flat_map(|delta| &mut delta.sources) {
                source.place.as_mut().unwrap().line += 7;
            }
        }
        assert_eq!(prints(&one), prints(&moved));
        let all: std::collections::BTreeSet<String> = prints(&one).iter().map(ToString::to_string).collect();
        assert_eq!(all.len(), prints(&one).len(), "no two results are one");
    }

    #[test]
    fn rules_are_found_by_index_and_paths_are_uris() {
        for review in [one_of_each(), hostile(), big(50, 3)] {
            let log: Json = serde_json::from_str(&log(&review)).unwrap();
            let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
            for result in log["runs"][0]["results"].as_array().unwrap() {
                let at = result["ruleIndex"].as_u64().unwrap() as usize;
                assert_eq!(rules[at]["id"], result["ruleId"]);
                let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
                assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"`\\^{|}".contains(&byte)), "{uri}");
                let text = result["message"]["text"].as_str().unwrap();
                assert!(!text.chars().any(visible::is_hidden));
            }
        }
        assert_eq!(artifact("/a b/c.cell")["uri"], "file:///a%20b/c.cell");
    }
}
