//! `spec/grammar.md` is made from `cell.pest`: a stale page fails, `UPDATE=1` writes it anew.

use std::fmt::Write as _;

use cell_tests::{diff, repository, updating};

const INTRODUCTION: &str = "\
The grammar of the language, made from `lang/src/syntax/cell.pest` by a test: it is what the parser runs, in the \
notation of [pest](https://pest.rs). `~` is sequence, `|` ordered choice, `*` `+` `?` repeat, `!` and `&` look \
ahead; rules marked `@` and `$` take no white space between their parts, others do; `_` leaves a rule out of the tree.

Rules marked `superset` take what the language does not have, so that the message can name the edit: a program that \
uses one is refused. How operators bind is said in [words and literals](language/01-words.md), not here: an \
expression is one flat rule.
";

#[test]
fn the_grammar_page_is_made_from_the_grammar() {
    let grammar = repository::read(&repository::root().join("lang/src/syntax/cell.pest")).unwrap();
    let path = repository::root().join("spec/grammar.md");
    let made = page(&grammar);
    if updating() {
        repository::write(&path, &made).unwrap();
        return;
    }
    let written = repository::read(&path).unwrap_or_default();
    if let Some(difference) = diff::difference(&written, &made) {
        panic!("spec/grammar.md is stale (UPDATE=1 writes it anew):\n{difference}");
    }
}

/// The page: a section for each titled part of the grammar.
fn page(grammar: &str) -> String {
    let mut out = format!("# Grammar\n\n{INTRODUCTION}");
    for (title, rules) in sections(grammar) {
        write!(out, "\n## {title}\n\n```pest\n{}\n```\n", rules.trim()).unwrap();
    }
    out
}

/// The parts of the grammar, each begun by a line of dashes and a title.
fn sections(grammar: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in grammar.lines().filter(|line| !line.starts_with("//!")) {
        if let Some(title) = line.strip_prefix("// ---") {
            let title = title.trim_start_matches('-').trim();
            let mut letters = title.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
            all.push((first + letters.as_str(), String::new()));
        } else if let Some((_, rules)) = all.last_mut() {
            rules.push_str(line);
            rules.push('\n');
        }
    }
    all
}
