//! Types, by mutation: in every example, each literal replaced by one of another type is refused by `check`.

use cell_lang::diagnostics::has_errors;
use cell_lang::syntax::{TokenKind, tokens};
use cell_tests::memory::Memory;
use cell_tests::{failures, report, repository};

/// What a literal is replaced by, and the type of each.
const REPLACEMENTS: [(&str, &str); 6] = [
    ("4242", "Int"),
    ("\"zz\"", "String"),
    ("7%", "Percent"),
    ("3h", "Duration"),
    ("true", "Bool"),
    ("[[1]]", "list"),
];

/// Where a value of any plain type may stand, so that only the list is refused: the text before the literal on its
/// line, or the field around it. Deploy parameters and thresholds of alarms take more than one type by design; a
/// condition on a key that is not global is typed by its value.
const ANY_PLAIN_TYPE: [&str; 3] = ["parameters {", "above = ", "below = "];

/// A literal of a program: its file, its bytes, its type.
#[derive(Debug, Clone)]
struct Literal {
    path: String,
    start: usize,
    end: usize,
    of: &'static str,
}

#[test]
fn each_literal_of_each_example_has_a_type_that_is_held() {
    for (name, project, main) in programs() {
        let checked = project.check(&main);
        assert!(!has_errors(&checked.diagnostics), "{name} has errors before any mutation");
        let read: Vec<String> = checked.sources.iter().map(|(_, file)| file.path.to_string()).collect();
        let literals: Vec<Literal> =
            literals(&project).into_iter().filter(|literal| read.contains(&literal.path)).collect();
        assert!(literals.len() > 5, "{name} has hardly a literal");
        let failed = failures(&literals, |literal| survives(&project, &main, literal));
        report(literals.len(), &failed);
    }
}

/// Replaces a literal by each of another type; an error if one is taken.
fn survives(project: &Memory, main: &str, literal: &Literal) -> Result<(), String> {
    let (_, text) = project.iter().find(|(path, _)| *path == literal.path).unwrap();
    for (replacement, of) in REPLACEMENTS {
        if of == literal.of || (of != "list" && takes_any(text, literal)) {
            continue;
        }
        let mutated = format!("{}{replacement}{}", &text[..literal.start], &text[literal.end..]);
        if !has_errors(&project.with(&literal.path, &mutated).check(main).diagnostics) {
            let line = text[..literal.start].matches('\n').count() + 1;
            let was = &text[literal.start..literal.end];
            return Err(format!("{}:{line}: `{was}` may become `{replacement}`", literal.path));
        }
    }
    Ok(())
}

fn takes_any(text: &str, literal: &Literal) -> bool {
    let line = text[..literal.start].rsplit('\n').next().unwrap_or_default();
    ANY_PLAIN_TYPE.iter().any(|word| line.contains(word))
}

/// The examples and the good cases: name, files, first file.
fn programs() -> Vec<(String, Memory, String)> {
    let cases = repository::root().join("tests/cases/good");
    let good = Memory::new(repository::cell_files(&cases));
    let mut all: Vec<_> =
        ["hello", "momento", "fleet300"].map(|name| (name.to_owned(), good.clone(), format!("{name}.cell"))).into();
    for example in repository::examples() {
        let files = Memory::new(repository::cell_files(&example));
        all.push((example.display().to_string(), files, "main.cell".to_owned()));
    }
    all
}

fn literals(project: &Memory) -> Vec<Literal> {
    let mut found = Vec::new();
    for (path, text) in project.iter() {
        literals_in(path, text, 0, &mut found);
    }
    found
}

/// The literals of a text that begins at byte `base` of its file, those inside interpolations too.
fn literals_in(path: &str, text: &str, base: usize, found: &mut Vec<Literal>) {
    for token in tokens(text) {
        let word = token.text(text);
        let of = match token.kind {
            TokenKind::String => "String",
            TokenKind::Number => number(word),
            TokenKind::Word if word == "true" || word == "false" => "Bool",
            _ => continue,
        };
        let (start, end) = (base + token.start as usize, base + token.end as usize);
        found.push(Literal { path: path.to_owned(), start, end, of });
        for (at, _) in word.match_indices("\\(") {
            let inside = interpolated(&word[at + 2..]);
            literals_in(path, inside, start + at + 2, found);
        }
    }
}

/// What stands before the `)` that closes an interpolation.
fn interpolated(text: &str) -> &str {
    let mut depth = 0;
    for token in tokens(text) {
        match token.text(text) {
            "(" => depth += 1,
            ")" if depth == 0 => return &text[..token.start as usize],
            ")" => depth -= 1,
            _ => {}
        }
    }
    ""
}

fn number(word: &str) -> &'static str {
    let units = [("%", "Percent"), ("usd", "Usd"), ("iB", "Size"), ("B", "Size")];
    let unit = units.iter().find(|(unit, _)| word.ends_with(unit)).map(|(_, of)| *of);
    let duration = || word.ends_with(['s', 'm', 'h', 'd']).then_some("Duration");
    let plain = || if word.contains(['-', ':', '/']) { "Date" } else { "Int" };
    unit.or_else(duration).unwrap_or_else(plain)
}
