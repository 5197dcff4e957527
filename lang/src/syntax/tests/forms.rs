//! Each form of the language, with its tree.

use super::{expr, tree};

#[test]
fn declarations() {
    let cases = [
        ("edition \"2026\"", "edition \"2026\""),
        ("import \"std/x\" as x", "import \"std/x\" as x"),
        ("let x: Int = 1", "let x: Int = 1"),
        ("export let x = 1", "export let x = 1"),
        ("fn f(a: Int, b: [String],): Int = a", "fn f(a: Int, b: [String]): Int = a"),
        ("fn f(): Int = 1", "fn f(): Int = 1"),
        (
            "type T = String matching /a\\/[b\"]+/ check it != \"\"",
            "type T = String matching /a/[b\"]+/ check (!= it \"\")",
        ),
        ("param p: Int? = none check it >= 1", "param p: Int? = none check (>= it 1)"),
        ("param p: Ref<ou>", "param p: Ref<ou>"),
        ("defaults d for cell { kind = \"dev\" }", "defaults d for cell { kind = \"dev\", }"),
        ("export defaults d for cell {}", "export defaults d for cell { }"),
        ("module m = \"./x.cell\" { a = 1 }", "module m = \"./x.cell\" { a = 1, }"),
        ("module \"m\" = \"x\" {}", "module \"m\" = \"x\" { }"),
        ("assert \"m\" { true }", "assert \"m\" true"),
        ("test \"t\" { let a: Int = 1 expect a == 1 }", "test \"t\" { let a: Int = 1; expect (== a 1) }"),
        ("moved { from = \"a\", to = \"b\" }", "moved { from = \"a\", to = \"b\", }"),
        ("removed { from = \"a\" }", "removed { from = \"a\", }"),
        ("accept \"x\" { reason = \"r\" }", "accept \"x\" { reason = \"r\", }"),
        ("cell a using std_x.service {}", "cell a using std_x.service { }"),
        ("cell \"a-\\(x)\" {}", "cell \"a-\\(x)\" { }"),
        (
            "for k, v in m if v > 1 { cell \"\\(k)\" {} for x in y {} }",
            "for k, v in m if (> v 1) { cell \"\\(k)\" { }; for x in y { }; }",
        ),
        (
            "if a { cell x {} } else if b { assert \"m\" { c } } else { module m = \"p\" {} }",
            "if a { cell x { }; } else if b { assert \"m\" c; } else if  { module m = \"p\" { }; }",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(tree(text).trim_end(), expected);
    }
}

#[test]
fn items_of_bodies() {
    let cases = [
        ("a = 1, b = 2,", "a = 1, b = 2, "),
        ("a = 1 b = 2", "a = 1, b = 2, "),
        ("override a = 1", "override a = 1, "),
        ("override = 1", "override = 1, "),
        ("\"k.x/y\" = 1", "\"k.x/y\" = 1, "),
        ("wave one { on = cells }", "wave one { on = cells, }, "),
        ("override labels { }", "override labels { }, "),
        ("wave \"p-\\(s)\" {}", "wave \"p-\\(s)\" { }, "),
        ("for a, b in m if c { wave \"\\(a)\" {} }", "for a, b in m if c { wave \"\\(a)\" { }, }, "),
        ("\"aws:x\" in [1]", "\"aws:x\" In [1], "),
        ("\"aws:x\" not in [1] \"k\" not like \"v\"", "\"aws:x\" NotIn [1], \"k\" NotLike \"v\", "),
        ("if present every \"aws:x\" == \"v\"", "if present every \"aws:x\" Eq \"v\", "),
        (
            "some \"k\" ArnLike \"v\" \"k\" present \"l\" absent",
            "some \"k\" ArnLike \"v\", \"k\" present, \"l\" absent, ",
        ),
        ("\"k\" <= 2026-12-31", "\"k\" Le 2026-12-31, "),
    ];
    for (text, expected) in cases {
        assert_eq!(tree(&format!("cell a {{ {text} }}")), format!("cell a {{ {expected}}}\n"));
    }
}

#[test]
fn keywords_are_contextual() {
    for word in ["test", "type", "check", "for", "if", "let", "in", "where", "every", "then", "matching", "not", "or"]
    {
        assert_eq!(tree(&format!("cell {word} {{ {word} = 1 }}")), format!("cell {word} {{ {word} = 1, }}\n"));
        assert_eq!(tree(&format!("param {word}: Int")), format!("param {word}: Int\n"));
        assert_eq!(expr(&format!("a.{word}")), format!("a.{word}"));
        assert_eq!(expr(&format!("{{ {word} = 1 }}")), format!("record {{{word} = 1}}"));
    }
    assert_eq!(expr("test"), "test");
    assert_eq!(expr("lets"), "lets");
    assert_eq!(expr("if-x"), "if-x");
}

#[test]
fn precedence() {
    let cases = [
        ("a || b && c", "(|| a (&& b c))"),
        ("!a == b && c", "(&& (! (== a b)) c)"),
        ("a + b * c - d", "(- (+ a (* b c)) d)"),
        ("a - b - c", "(- (- a b) c)"),
        ("a ?? b ?? c", "(?? a (?? b c))"),
        ("a ?? 1 + 2", "(?? a (+ 1 2))"),
        ("1..=n + 1", "(..= 1 (+ n 1))"),
        ("x in 1..=2", "(in x (..= 1 2))"),
        ("(a + b) * c", "(* (+ a b) c)"),
        ("-a.b * c", "(* (- a.b) c)"),
        ("-12h", "(- 12h)"),
        ("cells where .kind == \"dev\" && .x > 1", "(where cells (&& (== .kind \"dev\") (> .x 1)))"),
        ("if a then b else if c then d else e", "(if a b (if c d e))"),
        ("every c in cells where .a : c.b != none", "(Every c (where cells .a) (!= c.b none))"),
        ("some k, v in m : v", "(Some k, v m v)"),
        ("cells where every x in .xs : x > 1", "(where cells (Every x .xs (> x 1)))"),
        ("a.b[c](d, e,).f", "a.b[c](d, e).f"),
        ("a . b", "a.b"),
        ("a < b", "(< a b)"),
        ("a\n  + b # c\n  + d", "(+ (+ a b) d)"),
    ];
    for (text, expected) in cases {
        assert_eq!(expr(text), expected, "for {text}");
    }
}

#[test]
fn literals() {
    let cases = [
        ("400_000", "400000"),
        ("-9_223_372_036_854_775_808", "-9223372036854775808"),
        ("12h", "12h"),
        ("90m", "90m"),
        ("1.5h", "90m"),
        ("250ms", "250ms"),
        ("0.5%", "0.5%"),
        ("40_000usd", "40000usd"),
        ("0.000001usd", "0.000001usd"),
        ("64MiB", "64MiB"),
        ("0.5KiB", "512B"),
        ("2026-12-31", "2026-12-31"),
        ("09:00", "09:00"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("fd00::/8", "fd00::/8"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("true", "true"),
        ("false", "false"),
        ("none", "none"),
        ("n-1", "n-1"),
        ("n - 1", "(- n 1)"),
        ("5-3", "(- 5 3)"),
        ("prod-usw2-1", "prod-usw2-1"),
        ("1..=9", "(..= 1 9)"),
        ("6 / 2", "(/ 6 2)"),
    ];
    for (text, expected) in cases {
        assert_eq!(expr(text), expected, "for {text}");
    }
}

#[test]
fn collections() {
    let cases = [
        ("[]", "[]"),
        ("[1, 2,]", "[1, 2]"),
        ("{}", "map {}"),
        ("{ \"a\" = 1, \"b\" = 2, }", "map {\"a\" = 1, \"b\" = 2}"),
        ("{ a = 1, for = 2 }", "record {a = 1, for = 2}"),
        ("[for c in cells : c.name if c.x]", "[for c in cells: c.name if c.x]"),
        ("{for k, v in m : k => v}", "{for k, v in m: k => v}"),
        ("{for k in m : k => if a then b else c if d}", "{for k in m: k => (if a b c) if d}"),
    ];
    for (text, expected) in cases {
        assert_eq!(expr(text), expected, "for {text}");
    }
}

#[test]
fn strings() {
    let cases = [
        (r#""""#, r#""""#),
        (r#""a\n\t\"\\\u{e9}""#, r#""a\n\t\"\\é""#),
        (r#""${aws:x}""#, r#""${aws:x}""#),
        (r#""a\(b)c\("d\(e)")""#, r#""a\(b)c\("d\(e)")""#),
        (r#""\(f(a, "x"))""#, r#""\(f(a, "x"))""#),
        ("\"\"\"\n    a\n      b\n\n    c\n    \"\"\"", r#""a\n  b\n\nc\n""#),
        ("\"\"\"\r\n  a\r\n  b\"\"\"", r#""a\nb""#),
        ("\"\"\"one\"\"\"", r#""one""#),
        ("\"\"\"\n  \\(a)\n  \"b\" \\\"c\n  \"\"\"", r#""\(a)\n\"b\" \"c\n""#),
        ("\"\"\"\n\ta\n  b\"\"\"", r#""\ta\n  b""#),
    ];
    for (text, expected) in cases {
        assert_eq!(expr(text), expected, "for {text}");
    }
}

#[test]
fn types() {
    for ty in [
        "Int",
        "Int?",
        "[String?]",
        "{String => [Int]}",
        "Ref<cell>",
        "Set<component>",
        "enum {\"a\", \"b\"}",
        "{a: Int, b: String? = none}",
        "Ref",
        "enum",
        "Int??",
    ] {
        assert_eq!(tree(&format!("param p: {ty}")), format!("param p: {ty}\n"));
    }
}

#[test]
fn documentation_belongs_to_what_follows() {
    let text = "## One.\n##  Two.\ncell a {\n  x = 1 ## no\n  ## Wave.\n  wave b {}\n  ## Last.\n}\n\n## Apart.\n\ncell c {}\n\
                ## It.\nexport let x = 1\n#### rule ####\ncell d {}\nfor x in y {\n  ## In.\n  cell e {}\n}";
    assert_eq!(
        tree(text),
        "## \"One.\\n Two.\" cell a { x = 1, ## \"Wave.\" wave b { }, }\ncell c { }\n## \"It.\" export let x = 1\n\
         cell d { }\nfor x in y { ## \"In.\" cell e { }; }\n"
    );
}

#[test]
fn spans_are_exact() {
    let text = "let x = (a) + f( b ) # c\n\nlet y = 1";
    let file = super::parsed(text).file;
    let spans: Vec<&str> =
        file.decls.iter().map(|decl| &text[decl.span.start as usize..decl.span.end as usize]).collect();
    assert_eq!(spans, ["let x = (a) + f( b )", "let y = 1"]);
}

#[test]
fn line_ends_and_marks_are_as_good_as_others() {
    assert_eq!(tree("let x = 1\r\n# c\r\nlet y\t=\t2\r\n"), "let x = 1\nlet y = 2\n");
    assert_eq!(tree("let x = 1\rlet y = 2"), "let x = 1\nlet y = 2\n");
    assert_eq!(crate::syntax::decode(b"\xef\xbb\xbflet x = 1", 100), Ok("let x = 1".to_owned()));
}
