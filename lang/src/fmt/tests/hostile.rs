//! Texts made to hurt: deep, long, and full of halves.

use super::{form, proven};
use crate::fmt::one_line;

/// All that nests, as deep as the language allows, on a small stack.
#[test]
fn what_nests_deep_is_formatted() {
    let deep = |open: &str, inner: &str, close: &str, levels: usize| {
        format!("let x = {}{inner}{}\n", open.repeat(levels), close.repeat(levels))
    };
    let programs = [
        deep("[", "1", "]", 250),
        deep("[\n", "1", "]", 250),
        deep("(", "1", ")", 250),
        deep("f(", "1", ")", 120),
        deep("{ a = ", "1", " }", 250),
        deep("!", "a", "", 250),
        deep("if a then b else ", "c", "", 250),
        deep("every x in a : ", "c", "", 120),
        deep("1 + ", "1", "", 250),
        format!("{}{}", "if a {\n".repeat(250), "}".repeat(250)),
        format!("cell a {{ {}{} }}", "b { ".repeat(250), "}".repeat(250)),
    ];
    for program in programs {
        form(&program);
    }
    // One level too many is a fault, and is kept.
    let deep = deep("[ ", "1", "]", 300);
    assert_eq!(proven(&deep).text, deep);
    assert_eq!(one_line(".a  [ 1 ]"), ".a[1]");
}

#[test]
fn what_repeats_is_formatted() {
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
        "#",
        "##\n",
        "//",
        "\r",
        ";",
        "a ",
        "a\n",
        "a{",
        "x = \n",
        "let x = \n",
        "let   x=1 ",
        "cell a {\n",
        "cell a { x = \n",
        "cell a {b=1}",
        ",",
        "- ",
        "é",
        "?",
        "=>",
        "cell \"a {\n",
        "\u{a0}",
    ] {
        let text = piece.repeat(3_000 / piece.len());
        proven(&text);
        proven(&format!("cell  a {{\n{text}\n}}\nlet   x=1\n"));
    }
}

/// So long a line takes no longer than many short ones: a measure that is not linear would not end here.
#[test]
fn long_texts_are_formatted() {
    let list = format!("let x = [{}]\n", "\"an element\",".repeat(20_000));
    assert_eq!(form(&list).lines().count(), 20_002);
    let sum = format!("let x = [{}]\n", "(a + b)[c].d,".repeat(10_000));
    assert_eq!(form(&sum).lines().count(), 10_002);
    let comments = "#   c\n\n\n".repeat(20_000);
    assert_eq!(form(&comments).lines().count(), 39_999);
}
