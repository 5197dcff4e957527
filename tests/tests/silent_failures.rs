//! What other configuration languages let pass in silence, each a fault here. The first line of each test's doc
//! says whose.

use cell_tests::check_project;

/// Checks that a program is refused with exactly this code, its primary label on this text.
#[track_caller]
fn refused(program: &str, code: &str, underlined: &str) {
    let outcome = check_project(&[("main.cell".to_owned(), program.to_owned())], "main.cell").unwrap();
    let errors: Vec<_> = outcome.diagnostics.iter().filter(|found| found.is_error()).collect();
    let [error] = errors.as_slice() else { panic!("one error expected, found {errors:#?}") };
    assert_eq!((error.code.as_str(), error.underlined.as_str()), (code, underlined), "{error}");
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""));
}

/// Terraform drops a key that an object type does not have (hashicorp/terraform#29204).
#[test]
fn a_misspelt_optional_key_is_not_dropped() {
    refused(
        "group g {}\ncell a { kind = \"dev\", region = \"us-west-2\", account_id = \"111122223333\", expires = 2027-01-01, capasity = 5 }",
        "E0303",
        "capasity",
    );
    refused("type Box = { cpu: Int, memory: Int? }\nlet s: Box = { cpu = 1, memroy = 2 }", "E0303", "memroy");
}

/// KCL evaluates `x = y, y = x` to `{}`.
#[test]
fn values_that_need_each_other_are_not_nothing() {
    refused("let x = y\nlet y = x", "E0205", "x");
    refused("let x: Int = y\nlet y: Int = x", "E0205", "x");
}

/// jrsonnet repeats the string.
#[test]
fn text_times_a_number_is_no_text() {
    refused("let x = \"two\" * 4", "E0313", "\"two\"");
}

/// Nickel hangs, Jsonnet and Pkl overflow the stack.
#[test]
fn an_import_cycle_ends_with_its_chain() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = [
        file("main.cell", "import \"./a.cell\" as a\n"),
        file("a.cell", "import \"./b.cell\" as b\nexport let x = b.x\n"),
        file("b.cell", "import \"./a.cell\" as a\nexport let x = a.x\n"),
    ];
    let outcome = check_project(&files, "main.cell").unwrap();
    let [cycle] = outcome.diagnostics.as_slice() else { panic!("{:#?}", outcome.diagnostics) };
    assert_eq!(cycle.code, "E0206");
    assert!(cycle.message.contains("a.cell → b.cell → a.cell"), "{cycle}");
}

/// Pkl checks a function's body when it is called.
#[test]
fn a_wrong_field_in_a_function_nobody_calls_is_found() {
    refused("fn f(c: Ref<cell>): String = c.nmae", "E0303", "nmae");
}

/// Lazy languages check a value when it is forced.
#[test]
fn a_type_error_in_a_value_nobody_reads_is_found() {
    refused("let unused: Int = if true then 1 else \"one\"", "E0301", "\"one\"");
    refused("for x in [1] if false { group \"g-\\(x)\" { name = 3 } }", "E0301", "3");
    refused("if false { group g { name = 3 } }", "E0301", "3");
}

/// A fault of evaluation in a value nobody reads is found too: evaluation is strict.
#[test]
fn a_missing_key_in_a_value_nobody_reads_is_found() {
    refused("let unused = { \"a\" = 1 }[\"b\"]", "E0403", "\"b\"");
}

/// CUE, Jsonnet and YAML take the last of two equal keys.
#[test]
fn a_key_that_stands_twice_is_not_overwritten() {
    refused("let m = { \"a\" = 1, \"a\" = 2 }", "E0307", "\"a\"");
    refused("let m = {for x in [\"a\", \"b\"]: \"k\" => x}", "E0307", "\"k\"");
}
