//! Programs that are small and would cost without bound: types, modules and names that multiply.

use std::time::{Duration, Instant};

use cell_tests::binary::cellc;
use cell_tests::{failures, report};

/// Files of a program and the code it is refused with.
type Case = (&'static str, Vec<(String, String)>, &'static str);

fn cases() -> Vec<Case> {
    let file = |name: &str, text: String| (name.to_owned(), text);
    let doubling = |end: &str| {
        let mut text = "type T0 = { a: Int }\n".to_owned();
        for n in 1..=60 {
            text.push_str(&format!("type T{n} = {{ a: T{0}, b: T{0} }}\n", n - 1));
        }
        vec![file("main.cell", text + end)]
    };
    let lets = {
        let mut text = "let x0 = { a = 1 }\nlet y0 = { a = 1 }\n".to_owned();
        for n in 1..=60 {
            text.push_str(&format!(
                "let x{n} = {{ a = x{0}, b = x{0} }}\nlet y{n} = {{ a = y{0}, b = y{0} }}\n",
                n - 1
            ));
        }
        vec![file("main.cell", text + "let same = x60 == y60\n")]
    };
    let modules = {
        let module = |n: usize| format!("module a = \"./m{n}.cell\" {{}}\nmodule b = \"./m{n}.cell\" {{}}\n");
        let mut files: Vec<_> = (0..40).map(|n| file(&format!("m{n}.cell"), module(n + 1))).collect();
        files.push(file("m40.cell", "group g {}\n".to_owned()));
        files.push(file("main.cell", module(0)));
        files
    };
    let name = "x".repeat(200_000);
    let long = vec![file("main.cell", format!("let {name} = 1\nlet z = {name}y\n"))];
    vec![
        ("types that double", doubling("fn f(x: T60): T60 = x\n"), "E0111"),
        ("types that double, compared", doubling("let x: T60 = 5\n"), "E0111"),
        ("values that double, compared", lets, "E0111"),
        ("modules that double", modules, "E0406"),
        ("names of 200,000 letters", long, "E0201"),
    ]
}

/// Each is refused, soon, with its code. The time is generous: without a bound none of them would end at all.
#[test]
fn what_multiplies_is_refused() {
    let cases = cases();
    let failed = failures(&cases, |(name, files, code)| {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        for (path, text) in files {
            std::fs::write(folder.path().join(path), text).map_err(|error| error.to_string())?;
        }
        let begun = Instant::now();
        let output = cellc(folder.path(), &["check", "main.cell", "--max-entities", "100000"], &[])?;
        let said = String::from_utf8_lossy(&output.stderr);
        let soon = begun.elapsed() < Duration::from_mins(1);
        if output.status.code() == Some(1) && said.contains(*code) && soon {
            return Ok(());
        }
        let head: String = said.chars().take(800).collect();
        Err(format!("{name}: {:?} after {:?}\n{head}", output.status, begun.elapsed()))
    });
    report(cases.len(), &failed);
}
