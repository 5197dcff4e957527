//! What holds of the repository's shape: which crate may know which, where a library may be named, how files are
//! laid out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use cell_tests::{report, repository};
use serde_json::Value;

/// Each crate and which of the others it may depend on.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("cell-std", &[]),
    ("cell-lang", &[]),
    ("cell-iam", &[]),
    ("cell-eval", &["cell-lang", "cell-iam", "cell-std"]),
    ("cell-aws", &["cell-lang", "cell-eval"]),
    ("cell-deploy", &["cell-lang", "cell-eval"]),
    ("cell-kubernetes", &["cell-lang", "cell-eval"]),
    ("cell-lsp", &["cell-std", "cell-lang", "cell-eval"]),
    ("cell-sandbox", &["cell-iam"]),
    (
        "cellc",
        &[
            "cell-std",
            "cell-lang",
            "cell-iam",
            "cell-eval",
            "cell-aws",
            "cell-deploy",
            "cell-kubernetes",
            "cell-lsp",
            "cell-sandbox",
        ],
    ),
    (
        "cell-tests",
        &[
            "cell-std",
            "cell-lang",
            "cell-iam",
            "cell-eval",
            "cell-aws",
            "cell-deploy",
            "cell-kubernetes",
            "cell-sandbox",
        ],
    ),
];

/// Libraries that a crate must not depend on; a `*` stands for any ending.
const MUST_NOT_USE: &[(&str, &[&str])] = &[
    ("cell-lang", &["tokio", "rayon", "aws*", "kube", "axum", "clap"]),
    ("cell-eval", &["tokio", "aws*", "kube", "axum", "clap", "pest", "miette"]),
    ("cell-aws", &["kube", "k8s-openapi", "axum"]),
    ("cell-deploy", &["tokio", "aws*", "kube", "axum"]),
    ("cell-kubernetes", &["aws*", "axum", "clap", "kube-runtime"]),
    ("cell-sandbox", &["aws*", "kube", "k8s-openapi", "clap"]),
    ("cell-lsp", &["tokio", "aws*", "kube", "axum", "clap", "pest", "miette"]),
    ("cell-iam", &["tokio", "aws*", "kube", "axum", "pest", "miette"]),
    ("cell-std", &["*"]),
];

/// The folders with Rust in them.
const SOURCES: [&str; 4] = ["lang", "evaluator", "std", "tests"];

/// Lines of a file that call for splitting it.
const MAX_LINES: usize = 800;

struct Package {
    name: String,
    manifest: PathBuf,
    /// The names of all it depends on, for building and testing too.
    dependencies: Vec<String>,
}

fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(repository::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let package = |package: &Value| Package {
        name: text(&package["name"]),
        manifest: text(&package["manifest_path"]).into(),
        dependencies: package["dependencies"].as_array().into_iter().flatten().map(|d| text(&d["name"])).collect(),
    };
    metadata["packages"].as_array().expect("packages").iter().map(package).collect()
}

fn lookup<'a>(table: &'a [(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
}

#[test]
fn crates_know_only_what_lies_below_them() {
    let mut wrong = Vec::new();
    let packages = packages();
    for package in &packages {
        let Some(may_know) = lookup(MAY_KNOW, &package.name) else {
            wrong.push(format!("{}: say in MAY_KNOW which crates it may depend on", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let own = packages.iter().any(|other| other.name == *dependency);
            if own && !may_know.contains(&dependency.as_str()) {
                wrong.push(format!("{} must not depend on {dependency}", package.name));
            }
        }
    }
    report(packages.len(), &wrong);
}

#[test]
fn crates_keep_heavy_libraries_out() {
    let mut wrong = Vec::new();
    for package in packages() {
        for pattern in lookup(MUST_NOT_USE, &package.name).unwrap_or_default() {
            let matches = |name: &&String| match pattern.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == pattern,
            };
            let found = package.dependencies.iter().filter(matches);
            wrong.extend(found.map(|found| format!("{} must not depend on {found}", package.name)));
        }
    }
    report(MUST_NOT_USE.len(), &wrong);
}

#[test]
fn every_crate_takes_the_workspace_lints_and_they_forbid_unsafe_code() {
    let manifest = repository::read(&repository::root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""), "the workspace must forbid unsafe_code");
    let packages = packages();
    let takes = |package: &Package| {
        let manifest = repository::read(&package.manifest).unwrap();
        manifest.replace(' ', "").contains("[lints]\nworkspace=true")
    };
    let bare = packages.iter().filter(|package| !takes(package));
    let wrong: Vec<String> =
        bare.map(|package| format!("{} lacks `[lints] workspace = true`", package.name)).collect();
    report(packages.len(), &wrong);
}

/// Every Rust file below `folders` with its text.
fn sources(folders: &[&str]) -> BTreeMap<String, String> {
    let files = folders.iter().flat_map(|folder| repository::files(folder, "rs"));
    files.map(|path| (repository::short(&path), repository::read(&path).unwrap())).collect()
}

#[test]
fn miette_is_named_in_one_place() {
    named_only_in(&["miette::", "use miette"], "lang/src/diagnostics/render.rs");
}

#[test]
fn pest_is_named_in_the_syntax_alone() {
    named_only_in(&["pest::", "pest_derive", "use pest"], "lang/src/syntax/");
}

fn named_only_in(names: &[&str], place: &str) {
    let sources = sources(&["lang", "evaluator", "std"]);
    let names_it = |text: &str| names.iter().any(|name| text.contains(name));
    let wrong = sources.iter().filter(|(path, text)| !path.starts_with(place) && names_it(text));
    let wrong: Vec<String> = wrong.map(|(path, _)| format!("{path} names {}; only {place} may", names[0])).collect();
    report(sources.len(), &wrong);
}

#[test]
fn every_file_says_what_it_owns() {
    let sources = sources(&SOURCES);
    let bare = sources.iter().filter(|(_, text)| !text.starts_with("//! "));
    let wrong: Vec<String> = bare.map(|(path, _)| format!("{path} must begin with a module doc `//!`")).collect();
    report(sources.len(), &wrong);
}

#[test]
fn no_file_is_too_long() {
    let sources = sources(&SOURCES);
    let long = sources.iter().filter(|(_, text)| text.lines().count() > MAX_LINES);
    let wrong: Vec<String> =
        long.map(|(path, _)| format!("{path} has more than {MAX_LINES} lines: split it")).collect();
    report(sources.len(), &wrong);
}

#[test]
fn no_suite_is_forgotten() {
    let folder = repository::root().join("tests/tests");
    let main = repository::read(&folder.join("main.rs")).unwrap();
    let suites: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == "rs") && !path.ends_with("main.rs"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let forgotten = suites.iter().filter(|suite| !main.lines().any(|line| line == format!("mod {suite};")));
    let wrong: Vec<String> = forgotten.map(|suite| format!("tests/tests/main.rs lacks `mod {suite};`")).collect();
    report(suites.len(), &wrong);
}

/// The lines of a text that call cargo, without a shell's prompt.
fn cargo_lines(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.trim().trim_start_matches("$ "));
    lines.filter(|line| line.starts_with("cargo ")).collect()
}

/// The lines within the fenced blocks of a page.
fn fenced(page: &str) -> String {
    let blocks = page.split("\n```").skip(1).step_by(2);
    blocks.collect()
}

#[test]
fn the_readme_and_the_checks_run_the_same_commands() {
    let script = repository::read(Path::new(&repository::root().join(".ci/run"))).unwrap();
    let readme = repository::read(&repository::root().join("README.md")).unwrap();
    let readme = fenced(&readme);
    let (checks, told) = (cargo_lines(&script), cargo_lines(&readme));
    assert!(checks.contains(&"cargo test --workspace"), ".ci/run must run `cargo test --workspace`");
    let untold = checks.iter().filter(|line| !told.contains(line)).map(|line| format!("README.md lacks `{line}`"));
    let is_check =
        |line: &&&str| ["cargo test", "cargo fmt", "cargo clippy"].iter().any(|check| line.starts_with(check));
    let unchecked = told.iter().filter(is_check).filter(|line| !checks.contains(line));
    let wrong: Vec<String> = untold.chain(unchecked.map(|line| format!(".ci/run lacks `{line}`"))).collect();
    report(checks.len(), &wrong);
}
