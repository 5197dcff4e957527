//! Texts that are meant to hurt: nothing panics, overflows the stack or takes more than linear time.

use super::parsed;

const MANY: usize = 20_000;

fn codes(text: &str) -> Vec<&'static str> {
    let mut codes: Vec<_> = parsed(text).diagnostics.iter().map(|found| found.code.as_str()).collect();
    codes.dedup();
    codes
}

#[test]
fn long_chains_are_too_deep() {
    for text in [
        format!("let x = {}1", "1+".repeat(MANY)),
        format!("let x = a{}", ".b".repeat(MANY)),
        format!("let x = a{}", "[1]".repeat(MANY)),
        format!("let x = {}a", "!".repeat(MANY)),
        format!("let x = {}a", "x ?? ".repeat(MANY)),
        format!("let x = {}a", "x && ".repeat(MANY)),
        format!("let x = {}1", "if a then b else ".repeat(MANY)),
        format!("let x = {}1", "every a in b : ".repeat(MANY)),
        format!("type T = Int{}", "?".repeat(MANY)),
        format!("let x = {}{}", "[".repeat(MANY), "]".repeat(MANY)),
        format!("let x = {}1{}", "\"\\(".repeat(300), ")\"".repeat(300)),
        format!("type T = {}Int{}", "[".repeat(MANY), "]".repeat(MANY)),
        "cell a { ".repeat(MANY),
        format!("{}{}", "for x in y { ".repeat(300), "}".repeat(300)),
    ] {
        assert_eq!(codes(&text), ["E0111"], "{}", &text[..40]);
    }
}

#[test]
fn what_is_allowed_is_read() {
    for text in [
        format!("let x = {}{}", "[".repeat(200), "]".repeat(200)),
        format!("let x = {}a{}", "(".repeat(200), ")".repeat(200)),
        format!("let x = {}1", "1 + ".repeat(200)),
        format!("let x = {}1", "if a then b else ".repeat(200)),
        format!("cell a {{ {}{} }}", "b { ".repeat(200), "}".repeat(200)),
        format!("{}{}", "for x in y { ".repeat(200), "}".repeat(200)),
    ] {
        assert_eq!(codes(&text), [""; 0], "{}", &text[..40]);
    }
}

#[test]
fn chains_in_brackets_in_chains_stay_shallow() {
    // 200 brackets with 200 operators each would be a tree of depth 40,000.
    let text = format!("let x = {}1{}", "(1".repeat(200), format!("{})", "+1".repeat(200)).repeat(200));
    let _ = codes(&text);
    let text = format!("let x = {}1{}", "(".repeat(200), format!("{})", "+1".repeat(200)).repeat(200));
    assert_eq!(codes(&text), ["E0111"]);
}

#[test]
fn noise_ends() {
    for piece in [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "\"",
        "\"\"\"",
        "\\(",
        "\"\\(",
        "\"\"\"\\(\n",
        "'",
        "#",
        "/*",
        "//",
        "\0",
        "\r",
        ";",
        "a ",
        "a\n",
        "a{",
        "a = ",
        "x = \n",
        "let x = \n",
        "let x = [\n",
        "cell a {\n",
        "cell a { x = \n",
        "- ",
        "a-",
        "é",
        "0",
        ".",
        ":",
        "a:",
        "${",
        "${\n",
        "[(]",
        "[)",
        ") (",
        "else if a {} ",
        "if a {} ",
        "\"k\" ",
        "matching /",
        "?",
        "=>",
        "\t",
        "cell \"a {\n",
        "}\n",
        "cell a { \"",
        "1.",
        "1:",
        "export ",
        "## \n",
        "every ",
        "for x in ",
        "\u{a0}",
    ] {
        let text = piece.repeat(6_000 / piece.len());
        let parsed = parsed(&text);
        assert!(parsed.diagnostics.len() <= 201, "{piece:?}");
        let in_body = format!("cell a {{\n{text}\n}}\nlet x = 1\n");
        super::parsed(&in_body);
    }
}

#[test]
fn very_many_faults_are_counted() {
    let found = parsed(&"let x = \n".repeat(1_000)).diagnostics;
    assert_eq!(found.len(), 201);
    assert!(found.iter().any(|found| found.message == "800 more errors of syntax are not shown"));
}
