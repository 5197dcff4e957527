//! What a review costs as an organization grows: CPU of the whole diff after an edit of one line, beside how many
//! distinct changes there are. `cargo bench -p cell-tests --bench review` prints a table and one line of JSON;
//! absolute numbers are the machine's, ratios are of one run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::cast_precision_loss)]

use std::fmt::Write as _;
use std::time::Instant;

use cell_eval::access::pins::Pins;
use cell_eval::access::subject::Subject;
use cell_eval::budget::Options;
use cell_eval::{expand, resources, rules};
use cell_tests::memory::Memory;
use serde_json::json;

const SETS: usize = 20;
const GROUPS: usize = 60;

/// An organization of `cells`; every group has one set in every cell. The first set says `first`.
fn program(cells: usize, first: &str) -> String {
    let mut text = String::from(
        "org acme { management_account = \"111111111111\"\n  scps = [scp.no-leave]\n  accounts { email = \"aws+\\(.name)@acme.example\" } }\n\
         scp no-leave { deny leave { actions = [\"organizations:LeaveOrganization\"], resources = [\"*\"] } }\n",
    );
    let _ = writeln!(
        text,
        "for n in 1..={cells} {{ cell \"c\\(pad(n, 5))\" {{ kind = \"alpha\", region = \"us-east-1\" }} }}"
    );
    for set in 0..SETS {
        let actions = if set == 0 { first } else { r#""s3:Get*", "ec2:Describe*", "logs:*""# };
        let _ = writeln!(
            text,
            "permission_set Set{set} {{\n  allow work {{ actions = [{actions}], resources = [\"arn:aws:*:*:*:app{set}-*\"] }}\n}}"
        );
    }
    for group in 0..GROUPS {
        let _ = writeln!(text, "group g{group} {{}}");
        let _ = writeln!(
            text,
            "grant grant{group} {{\n  to = group.g{group}\n  can = permission_set.Set{}\n  on = cells\n}}",
            group % SETS
        );
    }
    text
}

fn subject(text: &str) -> Subject {
    let files = Memory::one(text);
    let checked = files.check("main.cell");
    let Some(program) = checked.program else { panic!("{:#?}", checked.diagnostics) };
    let world = expand::expand(&program, &files, &Options::default());
    rules::check(&world);
    assert!(!world.has_errors(), "{:#?}", world.take_findings());
    let at = "2026-11-27T00:00:00Z".parse().unwrap();
    Subject::new(&world, &resources::derive(&world), at, Pins::default())
}

/// CPU seconds of this process so far.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn main() {
    println!(
        "{:>7} {:>12} {:>8} {:>8} {:>9} {:>9} {:>12}",
        "cells", "assignments", "cases", "rows", "wall s", "CPU s", "µs an assignment"
    );
    let mut rows = Vec::new();
    for cells in [100, 1_000, 10_000] {
        let (before, after) = (subject(&program(cells, r#""s3:Get*""#)), subject(&program(cells, r#""s3:*""#)));
        // The shipped data is read once a process.
        before.since(&before, "itself", None).unwrap();
        let (start, from) = (Instant::now(), cpu());
        let review = after.since(&before, "before", None).unwrap();
        let (wall, spent) = (start.elapsed().as_secs_f64(), cpu() - from);
        assert_eq!(review.principals.len(), GROUPS / SETS, "those who have the set");
        let assignments = cells * GROUPS;
        let each = spent * 1e6 / assignments as f64;
        println!(
            "{cells:>7} {assignments:>12} {:>8} {:>8} {wall:>9.3} {spent:>9.3} {each:>12.2}",
            review.evidence.cases,
            review.principals.len()
        );
        rows.push(json!({ "cells": cells, "assignments": assignments, "cases": review.evidence.cases, "wall_s": wall, "cpu_s": spent }));
    }
    println!("{}", json!({ "benchmark": "review", "sets": SETS, "groups": GROUPS, "rows": rows }));
}
