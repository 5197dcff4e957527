//! What holds of every text.

use proptest::prelude::*;

use super::{FILE, parsed, print};
use crate::syntax::grammar::{self, Rule};
use crate::syntax::recover::recover;
use crate::syntax::tokens::{TokenKind, tokens};
use crate::syntax::tree::Tree;
use crate::syntax::{quick, skip_blank, strict};

/// Texts that hold most forms of the language.
pub(crate) const PROGRAMS: [&str; 3] = [
    include_str!("programs/fleet.cell"),
    include_str!("programs/forms.cell"),
    include_str!("programs/policies.cell"),
];

/// Programs as people write them.
const EVERYDAY: [&str; 4] = [
    include_str!("../../../../examples/hello/main.cell"),
    include_str!("../../../../examples/momento/main.cell"),
    include_str!("../../../../examples/permissions/main.cell"),
    include_str!("../../../../examples/rollouts/main.cell"),
];

fn kind(rule: Rule) -> TokenKind {
    match rule {
        Rule::token_space => TokenKind::Space,
        Rule::token_doc => TokenKind::Doc,
        Rule::token_comment => TokenKind::Comment,
        Rule::token_regex => TokenKind::Regex,
        Rule::token_foreign_comment => TokenKind::ForeignComment,
        Rule::token_string => TokenKind::String,
        Rule::token_open_block => TokenKind::OpenBlockString,
        Rule::token_open_string => TokenKind::OpenString,
        Rule::token_foreign_string => TokenKind::ForeignString,
        Rule::token_number => TokenKind::Number,
        Rule::token_word | Rule::token_matching => TokenKind::Word,
        Rule::token_symbol => TokenKind::Symbol,
        _ => TokenKind::Unknown,
    }
}

/// The lexer and the rule `tokens` of the grammar cut a text alike.
fn lexers_agree(text: &str) {
    let ours: Vec<_> = tokens(text).iter().map(|token| (token.kind, token.text(text).to_owned())).collect();
    let tree = grammar::parse(Rule::tokens, text).ok().unwrap();
    let theirs: Vec<_> = tree
        .pairs()
        .flat_map(grammar::Pair::into_inner)
        .filter(|pair| pair.as_rule() != Rule::EOI)
        .map(|pair| (kind(pair.as_rule()), pair.as_str().to_owned()))
        .collect();
    assert_eq!(ours, theirs, "in {text:?}");
}

/// What the quick parser takes it reads as the grammar does. How many declarations did it take, of how many?
fn parsers_agree(text: &str) -> (usize, usize) {
    let (mut taken, mut all, mut at) = (0, 0, skip_blank(text, 0));
    while at < text.len() {
        let slice = &text[at..];
        let mut tree = Tree::new(slice);
        let quick = quick::parse(slice, &mut tree);
        let Ok(right) = grammar::parse(Rule::decl, slice) else {
            assert!(!quick, "the quick parser takes what is no declaration: {slice:?}");
            break;
        };
        assert!(!quick || tree == right, "the quick parser reads {tree:#?}, not {right:#?}, in {slice:?}");
        (taken, all) = (taken + usize::from(quick), all + 1);
        at = skip_blank(text, at + right.pairs().next().unwrap().as_span().end());
    }
    (taken, all)
}

#[test]
fn the_quick_parser_takes_no_word_for_a_string() {
    assert_eq!(parsers_agree("edition\nimport \"./a.cell\" as a"), (0, 0));
}

/// What it leaves costs nothing but time, and would go unseen.
#[test]
fn the_quick_parser_takes_what_programs_mostly_consist_of() {
    let (mut taken, mut all) = (0, 0);
    for program in EVERYDAY {
        let (some, of) = parsers_agree(program);
        (taken, all) = (taken + some, all + of);
    }
    assert!(taken * 10 >= all * 8, "{taken} of {all}");
}

/// All that is to hold of any text.
fn is_read(text: &str) {
    let joined: String = tokens(text).iter().map(|token| token.text(text)).collect();
    assert_eq!(joined, text);
    parsers_agree(text);
    let parsed = parsed(text);
    let whole = grammar::parse(Rule::file, text).is_ok();
    assert_eq!(strict(FILE, text, true).is_ok(), whole, "the fast path and the rule `file` differ on {text:?}");
    if !whole {
        assert!(!parsed.diagnostics.is_empty(), "no error for {text:?}");
    }
    for found in &parsed.diagnostics {
        for label in &found.labels {
            assert!(text.get(label.span.start as usize..label.span.end as usize).is_some(), "{found:?} in {text:?}");
        }
    }
}

/// Pieces of programs, right and wrong.
pub(crate) fn soup() -> impl Strategy<Value = String> {
    let words = [
        "let",
        "x",
        "=",
        "1",
        "\"a\"",
        "\"",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "cell",
        "a",
        "for",
        "in",
        "if",
        "else",
        "then",
        ",",
        ".",
        ":",
        "+",
        "-",
        "!",
        "&&",
        "==",
        "<",
        "where",
        "every",
        "some",
        "\n",
        "\n  ",
        "## d\n",
        "# c\n",
        "export",
        "fn",
        "type",
        "param",
        "defaults",
        "using",
        "test",
        "expect",
        "override",
        "..=",
        "??",
        "?",
        "=>",
        "\"\\(",
        "\"\"\"",
        "12h",
        "2026-12-31",
        "10.0.0.0/8",
        "09:00",
        "enum",
        "Ref<cell>",
        "matching",
        "/a+/",
        "not",
        "present",
        "'a'",
        "//",
        "/*",
        "*/",
        ";",
        "${",
        "\u{0}",
        "é",
        "\r\n",
        "import",
        "as",
        "module",
        "wave",
        "fd00::/8",
        "n-1",
        "\\",
        "#",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..60).prop_map(|words| words.join(" "))
}

/// A program with a few bytes cut out, doubled or replaced.
pub(crate) fn bruised(programs: &'static [&'static str]) -> impl Strategy<Value = String> {
    (0..programs.len(), any::<prop::sample::Index>(), 0..12_usize, prop::option::of("[{}()\\[\\]\"'=,:a-z \\n]{1,3}"))
        .prop_map(|(program, at, len, new)| {
            let mut text: Vec<char> = programs[program].chars().collect();
            let at = at.index(text.len());
            let end = (at + len).min(text.len());
            text.splice(at..end, new.unwrap_or_default().chars());
            text.into_iter().collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in any::<String>()) {
        is_read(&text);
    }

    #[test]
    fn any_soup_is_read(text in soup()) {
        is_read(&text);
        lexers_agree(&text);
    }

    #[test]
    fn the_quick_parser_reads_any_bruised_program_as_the_grammar_does(text in bruised(&EVERYDAY)) {
        parsers_agree(&text);
    }

    #[test]
    fn any_bruised_program_is_read(text in bruised(&PROGRAMS)) {
        is_read(&text);
        lexers_agree(&text);
    }

    #[test]
    fn the_lexers_agree(text in "[a-f0-9\"\\\\(){}#/'.:%\\n \u{e9}-]{0,40}") {
        lexers_agree(&text);
    }
}

#[test]
fn programs_parse() {
    for program in PROGRAMS {
        assert_eq!(parsed(program).diagnostics, [], "in {}", program.lines().next().unwrap_or_default());
        lexers_agree(program);
        assert!(grammar::parse(Rule::file, program).is_ok());
    }
}

#[test]
fn recovery_reads_valid_programs_alike() {
    for program in PROGRAMS {
        for thorough in [false, true] {
            let recovered = recover(FILE, program, thorough);
            let strict = parsed(program).file;
            assert_eq!(print::file(&recovered.file), print::file(&strict), "thorough: {thorough}");
            assert_eq!(recovered.findings.count(), 0);
            assert_eq!(recovered.file, strict, "thorough: {thorough}");
        }
    }
}

#[test]
fn what_has_no_part_in_a_fault_is_read_as_ever() {
    // Declarations that do not begin their lines are read in one piece.
    let together =
        "## Of a.\nlet a = 1 let b = \"x\"\n  ## Of c.\n  cell c { kind = \"dev\" }\n  ## Of d.\n  let d = 2\n";
    for program in PROGRAMS.into_iter().chain([together]) {
        let (good, bad) = (format!("let first = 1\n\n{program}"), format!("let first = /\n\n{program}"));
        let (good, bad) = (parsed(&good), parsed(&bad));
        assert!(bad.diagnostics.len() > good.diagnostics.len(), "`/` is no value");
        assert_eq!(bad.file.decls.get(1..), good.file.decls.get(1..), "places and comments too");
    }
}

#[test]
fn one_fault_costs_little() {
    // Whatever single character is lost, most declarations are still read as they were.
    for program in PROGRAMS {
        let whole = print::file(&parsed(program).file);
        let lines: Vec<_> = whole.lines().collect();
        for (at, c) in program.char_indices().filter(|(_, c)| "{}[]()\"=,".contains(*c)) {
            let mut text = program.to_owned();
            text.replace_range(at..at + c.len_utf8(), "");
            let read = print::file(&parsed(&text).file);
            let kept = lines.iter().filter(|line| read.contains(**line)).count();
            assert!(kept + 4 >= lines.len(), "without {c:?} at {at}: kept {kept} of {}\n{read}", lines.len());
        }
    }
}
