//! Several faults in one file: each is found, and what can be read is in the tree.

use super::{faults, mended, parsed, print};

const FIVE_AT_ONCE: &str = "# expect E01 E02 E01 E03 E01
cell a {
  labels { \"a\" = \"b\"

cel b { kind = \"dev\" }
let x = 1 +
let y: Int = \"two\"
let s = \"never closed
";

#[test]
fn five_errors_at_once() {
    assert_eq!(
        faults(FIVE_AT_ONCE),
        [
            "3:10 E0102 `{` is never closed [{]",
            "6:12 E0101 expected a value, found the end of the line []",
            "8:9 E0103 this string is never closed [\"]",
        ]
    );
    assert_eq!(
        print::file(&parsed(FIVE_AT_ONCE).file),
        "cell a {? labels {? \"a\" = \"b\", }, }\ncel b { kind = \"dev\", }\nlet x = <error>\nlet y: Int = \"two\"\n\
         let s = <error>\n"
    );
}

#[test]
fn several_faults_in_one_entity() {
    let text = "cell a {\n  kind = \n  size \"x\"\n  owner = group.\n  wave one {\n    on = cells where\n    bake = 1h\n  }\n  \
                ok = 1\n}";
    assert_eq!(
        faults(text),
        [
            "2:9 E0101 expected a value, found the end of the line []",
            "3:8 E0101 expected `=`, found `\"x\"` [\"x\"]",
            "4:17 E0101 expected a name, found the end of the line []",
            "6:21 E0101 expected a value, found the end of the line []",
        ]
    );
    assert_eq!(
        print::file(&parsed(text).file),
        "cell a {? kind = <error>, owner = <error>, wave one {? on = <error>, bake = 1h, }, ok = 1, }\n"
    );
}

#[test]
fn a_broken_head_keeps_its_body_and_its_name() {
    let text = "cell a usin d { x = 1, y = }\ndefaults d for { }\nfn f(x: Int: Int = 1\nlet z = 1";
    assert_eq!(
        faults(text),
        [
            "1:8 E0101 expected a string, `{` or `using`, found `usin` [usin]",
            "1:28 E0101 expected a value, found `}` [}]",
            "2:16 E0101 expected a name, found `{` [{]",
            "3:5 E0102 `(` is never closed [(]",
        ]
    );
    let tree = print::file(&parsed(text).file);
    assert!(tree.starts_with("cell a {? x = 1, y = <error>, }\n"), "{tree}");
    assert!(tree.contains("fn f(") && tree.ends_with("let z = 1\n"), "{tree}");
}

#[test]
fn faults_inside_loops_and_branches() {
    let text = "for x in xs {\n  cell \"\\(x)\" { a = }\n  cell \"b-\\(x)\" { a = 1 }\n}\nif a {\n  cell c { b = }\n} else {\n  \
                cell d { e = 1 }\n}\n";
    assert_eq!(
        faults(text),
        ["2:21 E0101 expected a value, found `}` [}]", "6:16 E0101 expected a value, found `}` [}]"]
    );
    assert_eq!(
        print::file(&parsed(text).file),
        "for x in xs { cell \"\\(x)\" {? a = <error>, }; cell \"b-\\(x)\" { a = 1, }; }\n\
         if a { cell c {? b = <error>, }; } else if  { cell d { e = 1, }; }\n"
    );
}

#[test]
fn bodies_in_column_0_stay_whole() {
    let text = "for r in xs {\ncell \"x-\\(r)\" {\n  kind = \"dev\"\n}\n}\nlet x =\nlet y = 1\n";
    assert_eq!(faults(text), ["6:8 E0101 expected a value, found the end of the line []"]);
    assert_eq!(
        print::file(&parsed(text).file),
        "for r in xs { cell \"x-\\(r)\" { kind = \"dev\", }; }\nlet x = <error>\nlet y = 1\n"
    );
}

#[test]
fn tests_are_read_step_by_step() {
    let text = "test \"t\" {\n  let a =\n  expect 1 ==\n  expect true\n}";
    assert_eq!(
        faults(text),
        [
            "2:10 E0101 expected a value, found the end of the line []",
            "3:14 E0101 expected a value, found the end of the line []",
        ]
    );
    assert_eq!(print::file(&parsed(text).file), "test \"t\" { let a = <error>; expect true }\n");
}

#[test]
fn documentation_and_export_stay_with_their_declaration() {
    let text = "## Broken.\nlet x =\n\n## Doc.\nexport let y = 1\n## More.\ncell a {\n  b =\n  ## Wave.\n  wave c { d = }\n}";
    assert_eq!(
        print::file(&parsed(text).file),
        "## \"Broken.\" let x = <error>\n## \"Doc.\" export let y = 1\n\
         ## \"More.\" cell a {? b = <error>, ## \"Wave.\" wave c {? d = <error>, }, }\n"
    );
}

#[test]
fn a_string_left_open_silences_the_brackets_it_swallowed() {
    let text = "cell \"a {\n  kind = \"dev\"\n}\nlet x = [\"a, \"b\"]\nlet y = 1";
    assert_eq!(
        faults(text),
        ["1:6 E0103 this string is never closed [\"]", "4:16 E0103 this string is never closed [\"]"]
    );
    assert!(print::file(&parsed(text).file).ends_with("let y = 1\n"));
}

#[test]
fn a_broken_import_keeps_its_name() {
    let cases = [
        ("import 7 as r", "1:8 E0101 expected a string, found `7` [7]", "import \"\" as r\n"),
        ("import \"a/b.cell\" r", "1:19 E0101 expected `as`, found `r` [r]", "import \"a/b.cell\" as r\n"),
        (
            "import \"a/b.cell\"",
            "1:18 E0101 expected `as`, found the end of the file []",
            "import \"a/b.cell\" as b\n",
        ),
        (
            "import \"a/b.cell\" as\nlet x = 1",
            "1:21 E0101 expected a name, found the end of the line []",
            "import \"a/b.cell\" as b\nlet x = 1\n",
        ),
        ("import \"a.cell as r", "1:8 E0103 this string is never closed [\"]", "import \"\" as r\n"),
        ("import r", "1:8 E0101 expected a string, found `r` [r]", "import \"\" as r\n"),
    ];
    for (text, fault, tree) in cases {
        assert_eq!(faults(text), [fault], "{text}");
        assert_eq!(print::file(&parsed(text).file), tree, "{text}");
    }
    assert_eq!(mended("import \"a/b.cell\" r"), "import \"a/b.cell\" as r");
    assert_eq!(mended("import \"a/b.cell\"\nlet x = 1"), "import \"a/b.cell\" as b\nlet x = 1");
    let found = parsed("import \"a/b.cell\"").diagnostics;
    assert_eq!(found[0].helps, ["write `import \"a/b.cell\" as b`"]);
}

#[test]
fn broken_defaults_keep_their_name_and_their_kind() {
    let cases = [
        ("defaults d cell { x = 1 }", "defaults d for cell {? x = 1, }\n"),
        ("export defaults d of cell { x = 1 }", "export defaults d for cell {? x = 1, }\n"),
        ("defaults d { x = 1 }", "defaults d for  {? x = 1, }\n"),
        ("defaults d for cell { x \"a\", y = 1 }", "defaults d for cell {? y = 1, }\n"),
    ];
    for (text, tree) in cases {
        assert_eq!(faults(text).len(), 1, "{text}: {:?}", faults(text));
        assert_eq!(print::file(&parsed(text).file), tree, "{text}");
    }
}

#[test]
fn declarations_of_other_languages_keep_their_names() {
    let cases = [
        ("const x = 1", "let x = 1"),
        ("var y: Int = 2", "let y: Int = 2"),
        ("export const z = { a = 1 }", "export let z = { a = 1 }"),
        ("function f(x: Int): Int = x", "fn f(x: Int): Int = x"),
        ("def g(x: Int): Int = x", "fn g(x: Int): Int = x"),
    ];
    for (text, meant) in cases {
        let text = format!("let a = 1\n{text}\nlet b = 2");
        let found = parsed(&text).diagnostics;
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].code.as_str(), "E0106");
        assert_eq!(found[0].helps, [format!("write `{}`", meant.trim_start_matches("export "))]);
        assert_eq!(mended(&text), format!("let a = 1\n{meant}\nlet b = 2"));
        assert_eq!(print::file(&parsed(&text).file), print::file(&parsed(&mended(&text)).file));
    }
    // The name outlives a second fault.
    assert_eq!(print::file(&parsed("const x =\nlet b = 2").file), "let x = <error>\nlet b = 2\n");
    // A kind may be called so.
    assert_eq!(faults("const x { a = 1 }"), [""; 0]);
}
