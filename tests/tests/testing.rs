//! `cellc test`: tests that come with programs hold, its results are of their published form, and the same with any
//! number of threads. What is printed of tests that fail is in `tests/cases/cli/test-*.txt`.

use std::path::PathBuf;

use cell_tests::binary::cellc;
use cell_tests::txtar::Archive;
use cell_tests::{failures, report, repository};
use serde_json::Value;

/// The programs that have tests.
fn programs() -> Vec<PathBuf> {
    let mut all = repository::examples();
    all.extend(repository::files("tests/cases/good", "cell"));
    all.extend(repository::files("std", "cell"));
    all.retain(|path| {
        let main = if path.is_dir() { path.join("main.cell") } else { path.clone() };
        repository::read(&main).unwrap().lines().any(|line| line.starts_with("test \""))
    });
    all
}

#[test]
fn the_tests_of_the_repositorys_own_programs_hold() {
    let programs = programs();
    assert!(programs.len() >= 5, "{programs:?}");
    let failed = failures(&programs, |program| {
        let output = cellc(repository::root(), &["test", &repository::short(program)], &[])?;
        let said = String::from_utf8_lossy(&output.stdout);
        if output.status.success() && said.contains(" passed") && output.stderr.is_empty() {
            return Ok(());
        }
        Err(format!("{}:\n{said}{}", repository::short(program), String::from_utf8_lossy(&output.stderr)))
    });
    report(programs.len(), &failed);
}

/// The cases of the command line, as programs on disk.
fn cases() -> Vec<(PathBuf, Archive)> {
    let all = repository::files("tests/cases/cli", "txt").into_iter();
    let tests = all.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("test-"));
    tests.map(|path| (path.clone(), Archive::parse(&repository::read(&path).unwrap()))).collect()
}

#[test]
fn results_are_of_the_published_form_and_the_same_with_any_number_of_threads() {
    let schema = repository::read(&repository::root().join("spec/schemas/test.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut cases = cases();
    cases.retain(|(_, case)| case.settings("args").all(|args| !args.contains("counts")));
    assert!(cases.len() >= 5, "{}", cases.len());
    let failed = failures(&cases, |(path, case)| {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        for (name, text) in case.files() {
            let full = folder.path().join(name);
            std::fs::create_dir_all(full.parent().ok_or("no folder")?).map_err(|error| error.to_string())?;
            std::fs::write(full, text).map_err(|error| error.to_string())?;
        }
        let run = |threads| {
            let output = cellc(folder.path(), &["test", "--format", "json"], &[("CELLC_THREADS", threads)])?;
            Ok::<_, String>((output.stdout, output.stderr, output.status.code()))
        };
        let (one, many) = (run("1")?, run("7")?);
        let name = repository::short(path);
        if one != many {
            return Err(format!("{name}: one thread and several print different things"));
        }
        if one.0.is_empty() {
            return if one.2 == Some(1) { Ok(()) } else { Err(format!("{name}: no result, and no error")) };
        }
        let value: Value = serde_json::from_slice(&one.0).map_err(|error| format!("{name}: {error}"))?;
        let faults: Vec<String> =
            validator.iter_errors(&value).take(5).map(|e| format!("{e} at {}", e.instance_path())).collect();
        if faults.is_empty() { Ok(()) } else { Err(format!("{name}:\n{}", faults.join("\n"))) }
    });
    report(cases.len(), &failed);
}

/// The schema says something: what is no result is refused.
#[test]
fn the_schema_refuses_what_is_no_result() {
    let schema = repository::read(&repository::root().join("spec/schemas/test.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    let good = serde_json::json!({
        "format_version": "1.0", "source": "main.cell", "tests": [], "not_run": [],
        "summary": { "passed": 0, "failed": 0, "errors": 0, "filtered": 0 },
    });
    assert!(validator.is_valid(&good));
    for (key, wrong) in [("format_version", "2.0".into()), ("tests", Value::Null), ("more", 1.into())] {
        let mut bad = good.clone();
        bad[key] = wrong;
        assert!(!validator.is_valid(&bad), "{key}");
    }
}
