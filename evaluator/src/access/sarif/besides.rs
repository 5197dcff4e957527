//! What a review tells beside its rows and guards, as results: limits that hold less, and access that cellc does not manage.
//! Owns their rules; neither has a line of the program, so they stand at its beginning.

use serde_json::{Value as Json, json};

use super::super::model::{Equivalent, Review, Severity, Unmanaged};
use super::super::unmanaged;
use super::{artifact, logical, name, phrases, visible};

const LIMIT: &str = "access/limit";
const UNMANAGED: &str = "access/unmanaged";

/// Each with the id of its rule, and the rule.
pub(super) fn all(review: &Review) -> Vec<(String, Json, Json)> {
    let limits = review.limits.iter().map(|one| {
        let rule =
            rule(LIMIT, "A limit holds less", "No row names it, since it takes nothing from anybody now.", "8.5");
        (LIMIT.to_owned(), rule, limit(one, review))
    });
    let others = review.unmanaged_access.iter().flatten().map(|row| {
        let help = "Take it over, take it away, or know that it is there.";
        (UNMANAGED.to_owned(), rule(UNMANAGED, "Access that cellc does not manage", help, "5.0"), other(row, review))
    });
    limits.chain(others).collect()
}

fn rule(id: &str, short: &str, help: &str, severity: &str) -> Json {
    json!({
        "id": id,
        "name": name(id),
        "shortDescription": { "text": short },
        "fullDescription": { "text": format!("{short}. {help}") },
        "help": { "text": help },
        "defaultConfiguration": { "level": "warning" },
        "properties": { "tags": ["security", "access"], "security-severity": severity },
    })
}

fn limit(one: &Equivalent, review: &Review) -> Json {
    json!({
        "ruleId": LIMIT,
        "level": "warning",
        "message": { "text": phrases::said_of(one) },
        "locations": [at(review, &one.address)],
        "partialFingerprints": { "cellcLimit/v1": format!("{}/{}", one.address, one.text) },
    })
}

fn other(row: &Unmanaged, review: &Review) -> Json {
    let grave = matches!(row.severity, Severity::Critical | Severity::High);
    json!({
        "ruleId": UNMANAGED,
        "level": if grave { "warning" } else { "note" },
        "message": { "text": visible::whole(&unmanaged::words(row)) },
        "locations": [at(review, &row.principal)],
        "partialFingerprints": { "cellcUnmanaged/v1": format!("{}/{}", row.principal, row.permission_set) },
        "properties": { "severity": row.severity, "cells": row.accounts, "principal": row.principal },
    })
}

fn at(review: &Review, address: &str) -> Json {
    json!({
        "physicalLocation": { "artifactLocation": artifact(&review.source), "region": { "startLine": 1 } },
        "logicalLocations": [logical(address)],
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails so")]

    use super::super::super::samples::one_of_each;
    use super::super::log;
    use super::*;

    #[test]
    fn a_review_of_a_limit_alone_has_a_result() {
        let mut review = one_of_each();
        review.principals.clear();
        review.guards.clear();
        let text = "has permission_set.S in cell.a without end, before until 2027-01-31".to_owned();
        review.limits = vec![Equivalent { address: "group.dev".to_owned(), text }];
        let log: Json = serde_json::from_str(&log(&review)).unwrap();
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], LIMIT);
        assert_eq!(
            result["message"]["text"],
            "group dev has permission_set.S in cell.a without end, before until 2027-01-31"
        );
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][0]["id"], LIMIT);
    }
}
