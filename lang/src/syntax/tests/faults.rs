//! Each fault with its code, its place and what is underlined.

use super::{expr, faults, mended, parsed, print, tree};

/// The one fault of a text.
fn fault(text: &str) -> String {
    let all = faults(text);
    assert_eq!(all.len(), 1, "{text:?}: {all:#?}");
    all.into_iter().next().unwrap_or_default()
}

#[test]
fn what_was_expected() {
    let cases = [
        ("let x = ", "1:8 E0101 expected a value, found the end of the file []"),
        ("let x = 1 +\nlet y = 2", "1:12 E0101 expected a value, found the end of the line []"),
        ("let x 5", "1:7 E0101 expected `:` or `=`, found `5` [5]"),
        ("cell a { kind \"dev\" }", "1:15 E0101 expected `=`, found `\"dev\"` [\"dev\"]"),
        ("cell a { x = }", "1:14 E0101 expected a value, found `}` [}]"),
        ("cell { }", "1:6 E0101 expected a name or a string, found `{` [{]"),
        ("@", "1:1 E0101 expected a declaration, found `@` [@]"),
        ("param p: ", "1:9 E0101 expected a type, found the end of the file []"),
        ("for x of y {}", "1:7 E0101 expected `in`, found `of` [of]"),
        ("let x = if a then b", "1:20 E0101 expected `else`, found the end of the file []"),
        ("let x = a == !b", "1:14 E0101 `!` needs parentheses here [!]"),
        ("let x = a where b where c", "1:19 E0101 this operator does not chain [where]"),
        ("let x = { \"a\" = 1, b = 2 }", "1:20 E0101 expected a string, found `b` [b]"),
        ("let x = { a = 1, \"b\" = 2 }", "1:18 E0101 expected a name, found a string [\"b\"]"),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), expected);
    }
}

#[test]
fn brackets() {
    let cases = [
        ("cell a {\n  x = [1, 2\n  y = 3\n}", "2:7 E0102 `[` is never closed [[]"),
        ("cell a {\n  labels {\n    \"a\" = 1\n  kind = 2\n}", "2:10 E0102 `{` is never closed [{]"),
        ("cell a {\n  x = 1\n", "1:8 E0102 `{` is never closed [{]"),
        ("let x = (1]", "1:11 E0104 expected `)`, found `]` []]"),
        ("let x = 1)", "1:10 E0104 `)` closes nothing [)]"),
        ("let x = [(1]", "1:10 E0102 `(` is never closed [(]"),
        ("let x = ((((\nlet y = 1", "1:12 E0102 `(` is never closed [(]"),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), expected);
    }
}

#[test]
fn an_open_bracket_has_two_places() {
    let found = parsed("let x = [1, 2\nlet y = 1").diagnostics;
    let texts: Vec<_> = found.iter().flat_map(|found| &found.labels).map(|label| label.text.as_str()).collect();
    assert_eq!(texts, ["opened here", "expected `]` before this"]);
}

#[test]
fn strings() {
    let cases = [
        ("let x = \"abc\nlet y = 1", "1:9 E0103 this string is never closed [\"]"),
        ("let x = \"\"\"abc\n  def\nlet y = 1", "1:9 E0103 this string is never closed [\"\"\"]"),
        ("let x = \"a \\(f(1)\"\nlet y = 1", "1:9 E0103 this string is never closed [\"]"),
        ("cell \"a {\n  x = 1\n}\nlet y = 1", "1:6 E0103 this string is never closed [\"]"),
        ("let x = \"\\q\"", "1:10 E0108 strings know no escape `\\q` [\\q]"),
        ("let x = \"\\u{d800}\"", "1:10 E0108 `\\u{d800}` is no character [\\u{d800}]"),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), expected);
    }
    assert_eq!(print::file(&parsed("let x = \"abc\nlet y = 1").file), "let x = <error>\nlet y = 1\n");
    assert_eq!(print::file(&parsed("let x = \"\"\"abc\n  def\nlet y = 1").file), "let x = <error>\nlet y = 1\n");
}

#[test]
fn commas() {
    let cases = [
        ("let x = [1 2]", "1:11 E0105 missing comma between two list items []"),
        ("let x = [{ a = 1 } { a = 2 }]", "1:19 E0105 missing comma between two list items []"),
        ("let x = f(a b)", "1:12 E0105 missing comma between two arguments []"),
        ("let x = { a = 1 b = 2 }", "1:16 E0105 missing comma between two entries []"),
        ("fn f(a: Int b: Int): Int = a", "1:12 E0105 missing comma between two parameters []"),
        ("type T = enum { \"a\" \"b\" }", "1:20 E0105 missing comma between two values []"),
        ("type T = { a: Int b: Int }", "1:18 E0105 missing comma between two fields []"),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), expected);
        assert_eq!(faults(&mended(text)), [""; 0], "{text}");
    }
}

#[test]
fn spellings_of_other_languages() {
    let cases = [
        ("cell a { kind: \"dev\" }", "expected `=`, found `:`"),
        ("cell a { kind == \"dev\" }", "expected `=`, found `==`"),
        ("let x := 1", "expected `=`, found `:=`"),
        ("let x = { \"a\" => 1 }", "expected `=`, found `=>`"),
        ("let x = { \"a\": 1 }", "expected `=`, found `:`"),
        ("fn f() -> Int = 1", "expected `:`, found `->`"),
        ("foreach x in y {}", "expected `for`, found `foreach`"),
        ("if a {} elif b {}", "expected `else if`, found `elif`"),
        ("let x = a and b", "expected `&&`, found `and`"),
        ("let x = a or b", "expected `||`, found `or`"),
        ("let x = not a", "expected `!`, found `not`"),
        ("let x = 'a'", "expected a string in `\"`, found one in `'`"),
        ("// c\nlet x = 1", "expected `#`, found `//`"),
        ("let x = 1;", "`;` separates nothing"),
        ("resource \"a\" \"b\" {}", "expected `{`, found `\"b\"`"),
        ("x = 1", "a value of the file is declared with `let`"),
    ];
    for (text, expected) in cases {
        let found = parsed(text).diagnostics;
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].code.as_str(), found[0].message.as_str()), ("E0106", expected));
        assert_eq!(faults(&mended(text)), [""; 0], "{text}");
    }
    assert_eq!(fault("let x = ${a}"), "1:9 E0106 expected a value, found `${` [$]");
    assert_eq!(fault("let x = a not in b"), "1:11 E0106 `not in` stands only in conditions [not in]");
    assert_eq!(fault("/* c\n c */ let x = 1"), "1:1 E0106 expected `#`, found `/*` [/*]");
}

#[test]
fn literals() {
    let cases = [
        ("12hours", "there is no unit `hours`"),
        ("64MB", "there is no unit `MB`"),
        ("1.5", "`1.5` is no whole number"),
        ("0.0001ms", "`0.0001ms` is finer than its unit can hold"),
        ("9223372036854775808", "`9223372036854775808` is out of range"),
        ("1_", "`1_` has a `_` that separates no digits"),
        ("2026-02-30", "there is no day `2026-02-30`"),
        ("24:00", "there is no time `24:00`"),
        ("9:30", "expected `09:30`, found `9:30`"),
        ("10.0.0.1/8", "`10.0.0.1/8` has bits after its prefix"),
        ("10.0.0.0/33", "`10.0.0.0/33` is no block of addresses"),
        ("300.0.0.0/8", "`300.0.0.0/8` is no block of addresses"),
    ];
    for (text, expected) in cases {
        let expected = format!("1:9 E0107 {expected} [{text}]");
        assert_eq!(fault(&format!("let x = {text}")), expected);
    }
    assert_eq!(mended("let x = 64MB"), "let x = 64MiB");
    assert_eq!(mended("let x = 10.0.0.1/8"), "let x = 10.0.0.0/8");
}

#[test]
fn comparisons_do_not_chain() {
    assert_eq!(fault("let x = a < b < c"), "1:15 E0110 comparisons do not chain [<]");
    assert_eq!(expr("(a < b) == c"), "(== (< a b) c)");
}

#[test]
fn text() {
    assert_eq!(fault("let x\0 = 1"), "1:6 E0109 the control character U+0000 stands outside a string [\0]");
    assert_eq!(fault("let x\u{a0}= 1"), "1:6 E0109 U+00A0 is not white space here [\u{a0}]");
    assert_eq!(tree("let x = \"\u{7}é\""), "let x = \"\\u{7}é\"\n");
    let error = crate::syntax::decode(b"let x = \"\xff\"", 100).unwrap_err();
    let found = error.clone().into_diagnostic(super::FILE);
    assert_eq!((found.code.as_str(), error.offset, error.text.as_str()), ("E0109", 9, "let x = \"\u{fffd}\""));
    let found = crate::syntax::decode(b"12345", 4).unwrap_err().into_diagnostic(super::FILE);
    assert_eq!((found.code.as_str(), found.message.as_str()), ("E0112", "a file has at most 4 bytes"));
}

#[test]
fn places() {
    let cases = [
        ("edition \"2025\"", "1:9 E0113 this edition is not known [\"2025\"]"),
        ("let x = 1\nedition \"2026\"", "2:1 E0114 `edition` stands first in a file [edition]"),
        ("export cell a {}", "1:1 E0114 `export` stands only before `let`, `fn`, `type` and `defaults` [export]"),
        ("for x in y { let z = 1 }", "1:14 E0114 `let` cannot stand inside `for` [let]"),
        ("if x { test \"t\" {} }", "1:8 E0114 `test` cannot stand inside `if` [test]"),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), expected);
    }
    // What stood in the wrong place keeps its name.
    assert_eq!(print::file(&parsed("for x in y { let z = x }").file), "let z = <error>\nfor x in y { }\n");
    // An import may come late: the paths of the cases are judged elsewhere.
    assert_eq!(faults("cell a {}\nimport \"x\" as y"), [""; 0]);
}

#[test]
fn messages_have_at_most_five_candidates() {
    for text in ["cell a { b", "cell a { \"k\" ", "let", "for", "param a", "cell a { for x", "type T = {"] {
        for found in parsed(text).diagnostics {
            assert!(found.message.matches('`').count() <= 12, "{}", found.message);
            assert!(!found.message.ends_with('.') && !found.message.starts_with(char::is_uppercase));
        }
    }
}

#[test]
fn what_turns_the_text_stands_nowhere() {
    let turned = "U+202E turns the text around it: an editor shows another program than this one";
    assert_eq!(fault("let x = \"a\u{202e}b\""), format!("1:11 E0109 {turned} [\u{202e}]"));
    assert_eq!(fault("let x = 1 # a\u{202e}b"), format!("1:14 E0109 {turned} [\u{202e}]"));
    assert_eq!(faults("let x = \"\\u{202e}\""), Vec::<String>::new());
    assert_eq!(faults("let x = \"…\u{2069}\"").len(), 1);
    assert_eq!(faults("let x = \u{2066} 1").len(), 1);
    assert_eq!(faults("let x = \"\u{200f}עברית\""), Vec::<String>::new());
}
