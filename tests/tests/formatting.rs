//! `cellc fmt`: the programs of the specification are in canonical form, another layout means the same, and files are
//! replaced with care.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use cell_lang::fmt::format;
use cell_lang::syntax::tokens;
use cell_tests::binary::{built, cellc};
use cell_tests::diff::difference;
use cell_tests::markdown::Page;
use cell_tests::{failures, report, repository, updating};
use serde_json::Value;

/// What a run of `cellc` said, and how it ended.
#[derive(Debug)]
struct Said {
    out: String,
    err: String,
    status: Option<i32>,
}

fn fmt(folder: &Path, arguments: &[&str]) -> Said {
    let output = cellc(folder, &[&["fmt"], arguments].concat(), &[]).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { out: text(&output.stdout), err: text(&output.stderr), status: output.status.code() }
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn is_program(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "cell")
}

#[test]
fn the_programs_of_the_specification_are_in_canonical_form() {
    let pages = repository::files("spec", "md");
    let failed = failures(&pages, |path| {
        let text = repository::read(path)?;
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let (mut faults, mut changed) = (Vec::new(), false);
        for source in Page::parse(&text).sources.iter().rev().filter(|source| is_program(&source.name)) {
            let form = format(&source.text).text;
            let Some(difference) = difference(&form, &source.text) else { continue };
            if updating() {
                lines.splice(source.lines.clone(), [form]);
                changed = true;
            } else {
                faults.push(format!("── {}:{}\n{difference}", repository::short(path), source.lines.start));
            }
        }
        if changed {
            repository::write(path, &lines.concat())?;
        }
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    });
    report(pages.len(), &failed);
}

/// Errors that the program announces in comments are not in the layout before it.
#[test]
fn layouts_of_the_specification_become_the_programs_after_them() {
    let mut layouts = 0;
    let mut faults = Vec::new();
    for path in repository::files("spec", "md") {
        let page = Page::parse(&repository::read(&path).unwrap());
        for (before, at) in &page.layouts {
            layouts += 1;
            let Some(after) = page.sources.get(*at) else { panic!("{}: no program after {before}", path.display()) };
            let announced = |line: &str| line.split(" # error: [").next().unwrap_or_default().to_owned() + "\n";
            let expected: String = after.text.lines().map(announced).collect();
            if let Some(difference) = difference(&expected, &format(before).text) {
                faults.push(format!("── {}:{}\n{difference}", repository::short(&path), after.lines.start));
            }
        }
    }
    assert!(layouts > 10, "only {layouts} layouts were found");
    report(layouts, &faults);
}

/// A program in the worst of layouts: its words with `between` between them, its comments gone.
fn without_layout(text: &str, between: &str) -> String {
    let words = tokens(text).into_iter().filter(|token| !token.kind.is_trivia());
    let mut out = String::new();
    let mut end = 0;
    for word in words {
        // What touches stays together: a name with dots is one word to the eye.
        out.push_str(if word.start == end { "" } else { between });
        out.push_str(word.text(text));
        end = word.end;
    }
    out + "\n"
}

/// The files of a program, each as `change` makes it, in a folder of their own.
fn laid_out(from: &Path, change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let files = repository::cell_files(from);
    let files: Vec<(String, String)> = files.into_iter().map(|(path, text)| (path, change(&text))).collect();
    folder(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
}

/// The normal form as text, and as JSON without places.
fn expanded(folder: &Path, main: &str) -> Result<(String, Value), String> {
    let run = |arguments: &[&str]| {
        let output = cellc(folder, arguments, &[])?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(output.stdout) } else { Err(said) }
    };
    let text = String::from_utf8_lossy(&run(&["expand", main])?).into_owned();
    let mut json: Value = serde_json::from_slice(&run(&["expand", main, "--format", "json"])?).unwrap();
    without_places(&mut json);
    Ok((text, json))
}

fn without_places(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !matches!(key.as_str(), "span" | "sources"));
            map.values_mut().for_each(without_places);
        }
        Value::Array(list) => list.iter_mut().for_each(without_places),
        _ => {}
    }
}

/// Whatever the layout was, the formatted program has the same normal form: the same bytes as text, and as JSON all but
/// the places.
#[test]
fn a_formatted_program_means_the_same() {
    let programs = [
        ("tests/cases/good", "hello.cell"),
        ("tests/cases/good", "momento.cell"),
        ("tests/cases/good", "fleet300.cell"),
        ("examples/momento", "main.cell"),
        ("examples/permissions", "main.cell"),
        ("examples/rollouts", "main.cell"),
    ];
    let failed = failures(&programs, |(from, main)| {
        let from = repository::root().join(from);
        let expected = expanded(laid_out(&from, str::to_owned).path(), main)?;
        for between in [" ", "\n", "\r\n\t"] {
            let folder = laid_out(&from, |text| without_layout(text, between));
            let said = fmt(folder.path(), &[]);
            if said.status != Some(0) || !said.out.contains(main) {
                return Err(format!("{main} with {between:?}: {said:?}"));
            }
            let found = expanded(folder.path(), main)?;
            if found != expected {
                let difference = difference(&expected.0, &found.0).unwrap_or_else(|| "in its JSON alone".to_owned());
                return Err(format!("{main} with {between:?} expands to something else:\n{difference}"));
            }
            let again = fmt(folder.path(), &["--check"]);
            if (again.status, again.out.as_str()) != (Some(0), "") {
                return Err(format!("{main} with {between:?}: a second run changes it: {}", again.out));
            }
        }
        Ok(())
    });
    report(programs.len(), &failed);
}

#[test]
fn the_files_of_a_folder_are_formatted_and_named() {
    let rough = "let   a=1\n";
    let files = [
        ("main.cell", rough),
        ("lib/b.cell", rough),
        ("lib/c.cell", "let a = 1\n"),
        ("other/main.cell", rough),
        (".cellc/d.cell", rough),
        (".hidden/e.cell", rough),
        ("packages/f@1/g.cell", rough),
        ("notes.txt", rough),
    ];
    let folder = folder(&files);
    let said = fmt(folder.path(), &[]);
    assert_eq!(
        (said.status, said.out.as_str(), said.err.as_str()),
        (Some(0), "lib/b.cell\nmain.cell\nother/main.cell\n", "")
    );
    for (path, text) in files {
        let now = fs::read_to_string(folder.path().join(path)).unwrap();
        let formatted = ["main.cell", "lib/b.cell", "lib/c.cell", "other/main.cell"].contains(&path);
        assert_eq!(now, if formatted { "let a = 1\n" } else { text }, "{path}");
    }
    let said = fmt(folder.path(), &[]);
    assert_eq!((said.status, said.out.as_str()), (Some(0), ""));
    // A file that is named is formatted wherever it is.
    let said = fmt(folder.path(), &[".cellc/d.cell", "notes.txt"]);
    assert_eq!((said.status, said.out.as_str()), (Some(0), ".cellc/d.cell\nnotes.txt\n"));
}

#[test]
fn check_prints_a_patch_and_writes_nothing() {
    let folder = folder(&[("a.cell", "# a\nlet   a=1\n"), ("b.cell", "let b = 1\n"), ("c.cell", "let c = 1")]);
    let said = fmt(folder.path(), &["--check"]);
    let patch = "--- a.cell\n+++ a.cell\n@@ -1,2 +1,2 @@\n # a\n-let   a=1\n+let a = 1\n\
                 --- c.cell\n+++ c.cell\n@@ -1 +1 @@\n-let c = 1\n\\ No newline at end of file\n+let c = 1\n";
    assert_eq!((said.status, said.out.as_str(), said.err.as_str()), (Some(1), patch, ""));
    assert_eq!(fs::read_to_string(folder.path().join("a.cell")).unwrap(), "# a\nlet   a=1\n");
    let said = fmt(folder.path(), &["--check", "b.cell"]);
    assert_eq!((said.status, said.out.as_str()), (Some(0), ""));
}

/// A mark of the byte order goes, and the patch takes it away.
#[test]
fn the_patch_of_a_file_with_a_mark_of_the_byte_order_is_of_its_bytes() {
    let folder = folder(&[("a.cell", "\u{feff}let a = 1\n")]);
    let said = fmt(folder.path(), &["--check"]);
    let patch = "--- a.cell\n+++ a.cell\n@@ -1 +1 @@\n-\u{feff}let a = 1\n+let a = 1\n";
    assert_eq!((said.status, said.out.as_str()), (Some(1), patch));
}

#[test]
fn a_file_with_errors_is_formatted_around_them() {
    let folder = folder(&[("main.cell", "let   a=1\nlet   b = = 2\nlet   c=3\n")]);
    let said = fmt(folder.path(), &[]);
    assert_eq!((said.status, said.out.as_str()), (Some(1), "main.cell\n"));
    assert!(said.err.contains("error[E0101]"), "{}", said.err);
    let now = fs::read_to_string(folder.path().join("main.cell")).unwrap();
    assert_eq!(now, "let a = 1\nlet   b = = 2\nlet c = 3\n");
}

fn piped(input: &str, arguments: &[&str]) -> Said {
    let mut child = Command::new(built().unwrap())
        .arg("fmt")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { out: text(&output.stdout), err: text(&output.stderr), status: output.status.code() }
}

#[test]
fn standard_input_is_formatted_to_standard_output() {
    let said = piped("let   a=1", &["-"]);
    assert_eq!((said.status, said.out.as_str(), said.err.as_str()), (Some(0), "let a = 1\n", ""));
    let said = piped("let a = 1\n", &["-"]);
    assert_eq!((said.status, said.out.as_str()), (Some(0), "let a = 1\n"));
    let said = piped("\u{feff}let a = 1\r\n", &["-"]);
    assert_eq!((said.status, said.out.as_str()), (Some(0), "let a = 1\n"));
    let said = piped("let   a=1\n", &["--check", "-"]);
    assert_eq!((said.status, said.out.as_str()), (Some(1), "--- -\n+++ -\n@@ -1 +1 @@\n-let   a=1\n+let a = 1\n"));
    let said = piped("let   a=1\n}\n", &["-"]);
    assert_eq!((said.status, said.out.as_str()), (Some(1), "let a = 1\n}\n"));
    // A character that takes no room stays as it is.
    let hidden = "let a = \"x\u{200b}y\" # \u{200b}\n";
    assert_eq!(piped(hidden, &["-"]).out, hidden);
    assert_eq!(piped("", &["-", "main.cell"]).status, Some(64));
}

#[test]
fn json_says_what_became_of_each_file() {
    let schema = repository::read(&repository::root().join("spec/schemas/fmt.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let folder = folder(&[("a.cell", "let   a=1\n"), ("b.cell", "let b = 1\n")]);
    let parsed = |said: &Said| {
        let value: Value = serde_json::from_str(&said.out).unwrap();
        let faults: Vec<String> = schema.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?}");
        value["files"].clone()
    };
    let changes = serde_json::json!([
        { "path": "a.cell", "changed": true, "diff": "--- a.cell\n+++ a.cell\n@@ -1 +1 @@\n-let   a=1\n+let a = 1\n" },
        { "path": "b.cell", "changed": false },
    ]);
    assert_eq!(parsed(&fmt(folder.path(), &["--check", "--format", "json"])), changes);
    let written = serde_json::json!([{ "path": "a.cell", "changed": true }, { "path": "b.cell", "changed": false }]);
    assert_eq!(parsed(&fmt(folder.path(), &["--format", "json"])), written);
    let text = serde_json::json!([{ "path": "-", "changed": true, "text": "let a = 1\n" }]);
    assert_eq!(parsed(&piped("let   a=1\n", &["-", "--format", "json"])), text);
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_formatted() {
    let folder = folder(&[("a.cell", "let   a=1\n")]);
    fs::write(folder.path().join("b.cell"), b"let   b=\"\xff\"\n").unwrap();
    let said = fmt(folder.path(), &["none.cell", "b.cell", "a.cell"]);
    assert_eq!((said.status, said.out.as_str()), (Some(1), "a.cell\n"));
    assert!(said.err.contains("none.cell") && said.err.contains("is not UTF-8"), "{}", said.err);
    assert_eq!(fs::read(folder.path().join("b.cell")).unwrap(), b"let   b=\"\xff\"\n");
}

#[test]
fn an_older_edition_is_asked_for_and_there_is_none() {
    let folder = folder(&[("a.cell", "edition   \"2026\"\n"), ("b.cell", "edition   \"2025\"\nlet   b=1\n")]);
    let said = fmt(folder.path(), &["--upgrade", "a.cell"]);
    assert_eq!((said.status, said.out.as_str()), (Some(0), "a.cell\n"));
    assert!(said.err.contains("there is none to upgrade from"), "{}", said.err);
    let said = fmt(folder.path(), &["--upgrade", "b.cell"]);
    assert_eq!(said.status, Some(1));
    assert!(said.err.contains("this edition is not known"), "{}", said.err);
    assert_eq!(fs::read_to_string(folder.path().join("b.cell")).unwrap(), "edition   \"2025\"\nlet b = 1\n");
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = folder(&[("real/a.cell", "let   a=1\n"), ("kept.cell", "let   a=1\n")]);
    let (real, link, kept) =
        (folder.path().join("real/a.cell"), folder.path().join("link.cell"), folder.path().join("kept.cell"));
    symlink("real/a.cell", &link).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let said = fmt(folder.path(), &["link.cell"]);
    assert_eq!((said.status, said.out.as_str()), (Some(0), "link.cell\n"), "{}", said.err);
    assert_eq!(fs::read_to_string(&real).unwrap(), "let a = 1\n");
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o440)).unwrap();
    let said = fmt(folder.path(), &["kept.cell"]);
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""));
    assert!(said.err.contains("it is read-only"), "{}", said.err);
    assert_eq!(fs::read_to_string(&kept).unwrap(), "let   a=1\n");
    // Nothing stays behind beside the files.
    let names = |folder: &Path| fs::read_dir(folder).unwrap().count();
    assert_eq!((names(folder.path()), names(&folder.path().join("real"))), (3, 1));
}
