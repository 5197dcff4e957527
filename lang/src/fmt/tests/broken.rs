//! What does not parse is kept byte for byte; what stands around it is laid out.

use std::ops::Range;

use super::{Formatted, proven, shown};

#[test]
fn a_declaration_that_does_not_parse() {
    insta::assert_snapshot!(shown("let   a=1\nlet   b  =  = 2\nlet   c=3\n"));
}

#[test]
fn an_item_that_does_not_parse() {
    let text = "cell a {\n    kind=\"dev\"\n    size   ==  \"small\"   # why\n    b =   \n    wave  c   {d=1\n   e   f=2\n}\n    x=1\n}\n";
    insta::assert_snapshot!(shown(text));
}

#[test]
fn a_brace_that_is_never_closed() {
    insta::assert_snapshot!(shown("let   a=1\ncell b {\n    c=1\n\ncell   d {e=2}\nlet   f=3\n"));
}

#[test]
fn a_brace_that_closes_nothing_and_a_string_without_end() {
    insta::assert_snapshot!(shown(
        "let   a=1\n}   }\nlet   b=\"c\nlet   d=4\n'x'   // y\nlet   e=5 ;   let f=6\nlet  g=7\n"
    ));
}

#[test]
fn spellings_of_other_languages() {
    insta::assert_snapshot!(shown("cell a {\n   b:1\n   c=[1   2]\n   d=not   e\n   f=1\n}\nlet   g=h   and i\n"));
}

#[test]
fn what_stands_where_it_cannot() {
    insta::assert_snapshot!(shown(
        "let a=1\nedition   \"2026\"\nfor x in y {\n    let   z=1\n    cell b {c=1}\n}\nexport   cell d {}\n"
    ));
}

#[test]
fn line_ends_in_broken_pieces_stay() {
    let Formatted { text, broken } = proven("let  a=1\r\nlet b = =\r\n  2\r\nlet  c=3\r\n");
    assert_eq!(text, "let a = 1\nlet b = =\r\n  2\nlet c = 3\n");
    assert_eq!(broken, vec![Range { start: 10, end: 24 }]);
}

#[test]
fn a_file_that_is_no_program_is_left_alone() {
    let text = "} = ; \n".repeat(500);
    let Formatted { text: same, broken } = proven(&text);
    assert_eq!(same, text);
    assert_eq!(broken, vec![Range { start: 0, end: text.len() }]);
}
