//! Outlines, folds and colours.

use serde_json::{Value, json};

use crate::client::{Client, uri};

const PROGRAM: &str = "edition \"2026\"
# one
# two
let list = [\"a\"]
for name in list {
  cell \"\\(name)\" {
    kind = \"dev\"
    labels { a = \"b\" }
  }
}
rollout slow {
  wave first { on = cells, bake = 1h }
}
";

/// The outline as indented lines.
fn show(symbols: &Value, depth: usize, out: &mut Vec<String>) {
    for symbol in symbols.as_array().into_iter().flatten() {
        let detail = symbol["detail"].as_str().unwrap_or_default();
        out.push(format!("{}{} {detail}", "  ".repeat(depth), symbol["name"].as_str().unwrap()));
        show(&symbol["children"], depth + 1, out);
    }
}

#[test]
fn a_file_has_an_outline() {
    let mut client = Client::of(PROGRAM);
    let params = json!({ "textDocument": { "uri": uri("main.cell") } });
    let answer = client.ask("textDocument/documentSymbol", &params).unwrap();
    let mut shown = Vec::new();
    show(&answer, 0, &mut shown);
    assert_eq!(
        shown,
        [
            "list let",
            "for name in list",
            "  \"\\(name)\" cell",
            "    kind \"dev\"",
            "    labels ",
            "      a \"b\"",
            "slow rollout",
            "  wave first",
            "    on cells",
            "    bake 1h",
        ]
    );
    let folds = client.ask("textDocument/foldingRange", &params).unwrap();
    let folds: Vec<_> = folds
        .as_array()
        .unwrap()
        .iter()
        .map(|fold| (fold["startLine"].as_i64().unwrap(), fold["endLine"].as_i64().unwrap()))
        .collect();
    assert_eq!(folds, [(1, 2), (4, 8), (5, 7), (10, 11)]);
    client.end();
}

#[test]
fn a_workspace_is_searched() {
    let other = "edition \"2026\"\nou elsewhere {}\n";
    let mut client = Client::new(&[("a/main.cell", PROGRAM), ("b/main.cell", other)]);
    client.open("a/main.cell", PROGRAM);
    let mut names = |query: &str| {
        let answer = client.ask("workspace/symbol", &json!({ "query": query })).unwrap();
        answer.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("slow"), ["rollout.slow"]);
    assert_eq!(names("elsew"), ["ou.elsewhere"]);
    assert_eq!(names("list"), ["list"]);
    assert_eq!(names("nothing-like-it"), [""; 0]);
    client.end();
}

#[test]
fn colours_do_not_overlap_and_name_words() {
    let mut client = Client::of(PROGRAM);
    let params = json!({ "textDocument": { "uri": uri("main.cell") } });
    let answer = client.ask("textDocument/semanticTokens/full", &params).unwrap();
    let types = client.capabilities["semanticTokensProvider"]["legend"]["tokenTypes"].clone();
    let data: Vec<u32> = serde_json::from_value(answer["data"].clone()).unwrap();
    let lines: Vec<&str> = PROGRAM.lines().collect();
    let (mut line, mut column, mut end) = (0, 0, 0);
    let mut words = Vec::new();
    for token in data.chunks(5) {
        if token[0] > 0 {
            (line, column, end) = (line + token[0], 0, 0);
        }
        column += token[1];
        assert!(column >= end, "tokens overlap in line {line}");
        end = column + token[2];
        let word = &lines[line as usize][column as usize..end as usize];
        words.push(format!("{word}: {}", types[token[3] as usize].as_str().unwrap()));
    }
    for wanted in [
        "list: variable",
        "cell: class",
        "name: variable",
        "kind: property",
        "slow: enumMember",
        "cells: class",
        "bake: property",
    ] {
        assert!(words.iter().any(|word| word == wanted), "{wanted} in {words:?}");
    }
    client.end();
}
