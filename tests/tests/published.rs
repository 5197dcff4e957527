//! What other tools read of a registry: the published cells, and the clients that `registry types` writes, compiled and
//! run on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cell_tests::momento::{AT, Project, Registry};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws, binary, npm, repository};
use serde_json::{Value, json};

/// The example, applied and published with its record in a file; the document.
fn published() -> Result<(Project, String), String> {
    let project = Project::applied(Registry::File)?;
    project.run(&["registry", "publish"])?.ended(0)?;
    let path = project.path().join(".cellc/sandbox/registry.cells.json");
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    Ok((project, text))
}

fn types(lang: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let output = binary::cellc(folder.path(), &["registry", "types", "--lang", lang], &[])?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn cells_are_published_once_for_each_change() {
    let (project, text) = published().unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let shown = project.run(&["registry", "show", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    assert_eq!(document["cells"], shown["record"]["cells"]);
    assert_eq!(document["organization"], shown["record"]["organization"]["organization"]);
    let alpha = &document["cells"]["cell.alpha"];
    assert_eq!((&alpha["account_id"], &alpha["kind"]), (&json!("222222222222"), &json!("alpha")));

    let again = project.run(&["registry", "publish", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    assert!(again["files"].as_array().unwrap().iter().all(|file| file["changed"] == false), "{again}");
    // Another apply that leaves the cells as they are is no reason to write.
    let edit = (
        "permission_set ReadOnly using sets.read_only {}",
        "permission_set ReadOnly using sets.read_only { override session = 2h }",
    );
    project.edit(&[edit]).unwrap();
    project.apply(&[]).unwrap();
    let again = project.run(&["registry", "publish"]).unwrap().ended(0).unwrap();
    assert!(again.stdout.contains("registry.cells.json: unchanged"), "{}", again.stdout);
    project.run(&["destroy", "--yes", "--at", AT, "--only", "cell.dev-raj"]).unwrap().ended(0).unwrap();
    let again = project.run(&["registry", "publish"]).unwrap().ended(0).unwrap();
    assert!(again.stdout.contains("registry.cells.schema.json: unchanged"), "{}", again.stdout);
}

fn cells_are_published_in_the_bucket_of_the_record() {
    let project = Project::applied(Registry::S3).unwrap();
    let ran = project.run(&["registry", "publish"]).unwrap().ended(0).unwrap();
    assert!(ran.stdout.contains("s3://momento-cell-registry/cells.cells.json: written"), "{}", ran.stdout);
    let ran = project.run(&["registry", "publish"]).unwrap().ended(0).unwrap();
    assert_eq!(ran.stdout.matches(": unchanged").count(), 2, "{}", ran.stdout);
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let target = project.path().join("read.json");
    let read = format!("s3api get-object --bucket momento-cell-registry --key cells.cells.json {}", target.display());
    aws::aws(&server.url(), &read).unwrap();
    let document: Value = serde_json::from_str(&fs::read_to_string(target).unwrap()).unwrap();
    assert_eq!(document["cells"]["cell.alpha"]["account_id"], "222222222222");
}

fn nothing_is_published_before_an_apply() {
    let project = Project::new(Registry::File).unwrap();
    let ran = project.run(&["registry", "publish"]).unwrap().ended(1).unwrap();
    ran.says(&["E0512", "nothing was applied or taken over yet"]).unwrap();
    assert!(!project.path().join(".cellc/sandbox/registry.cells.json").exists());
    // A record that was edited is nobody's.
    project.run(&["apply", "--yes", "--at", AT]).unwrap().ended(0).unwrap();
    let path = project.path().join(".cellc/sandbox/registry.json");
    let mut record: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    record.as_object_mut().unwrap().remove("organization");
    fs::write(&path, record.to_string()).unwrap();
    let ran = project.run(&["registry", "publish"]).unwrap().ended(1).unwrap();
    ran.says(&["E0505", "does not say of which organization it is"]).unwrap();
}

/// The schema is the one of the specification, and what is published is of it.
fn what_is_published_is_of_its_schema() {
    let (project, text) = published().unwrap();
    let schema = types("json-schema").unwrap();
    let beside = fs::read_to_string(project.path().join(".cellc/sandbox/registry.cells.schema.json")).unwrap();
    assert_eq!(schema, beside);
    let page = repository::root().join("spec/schemas/cells.schema.json");
    if cell_tests::updating() {
        repository::write(&page, &schema).unwrap();
    }
    assert_eq!(repository::read(&page).unwrap(), schema, "`UPDATE=1` writes it anew");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(&document).map(|fault| format!("{fault} at {}", fault.instance_path())).collect();
    assert_eq!(faults, Vec::<String>::new());
    let mut other = document;
    other["format_version"] = json!("2.0");
    assert!(!validator.is_valid(&other));
    other["format_version"] = json!("1.7");
    other["cells"]["cell.alpha"]["kind"] = json!("none such");
    assert!(!validator.is_valid(&other));
}

/// What a client must print of the example, and of a document of another major version.
const EXPECTED: &str = "222222222222 alpha us-west-2 refused";

fn put(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
    fs::write(folder.join(name), text).unwrap();
}

/// The document, and one of another major version.
fn documents(folder: &Path) {
    let (_, text) = published().unwrap();
    put(folder, "later.json", &text.replace("\"format_version\": \"1.0\"", "\"format_version\": \"2.0\""));
    // A later minor version adds fields, which a client of this one leaves alone.
    let later = text.replace("\"format_version\": \"1.0\"", "\"format_version\": \"1.9\",\n\"more\": {\"a\": 1}");
    put(
        folder,
        "cells.json",
        &later.replace("\"account_id\":\"222222222222\"", "\"account_id\":\"222222222222\",\"added\":[1]"),
    );
}

fn the_client_of_typescript_compiles_and_reads() {
    let own = npm::clients().unwrap();
    let folder = tempfile::tempdir().unwrap();
    documents(folder.path());
    put(folder.path(), "registry.ts", &types("typescript").unwrap());
    put(
        folder.path(),
        "main.ts",
        r#"import { parseRegistry, type Cell } from "./registry";
declare function require(name: string): { readFileSync(path: string, encoding: string): string };
const read = (path: string) => parseRegistry(require("fs").readFileSync(path, "utf8"));
const cell: Cell = read("cells.json").cells["cell.alpha"];
const kind: "dev" | "alpha" | "staging" | "preprod" | "prod" = cell.kind;
let refused = "read";
try {
  read("later.json");
} catch {
  refused = "refused";
}
declare const console: { log(text: string): void };
console.log(`${cell.account_id} ${kind} ${cell.region} ${refused}`);
"#,
    );
    let compiler = own.join("node_modules/typescript/bin/tsc");
    let flags = ["--strict", "--lib", "es2022", "--target", "es2022", "--module", "commonjs"];
    let args = [&[compiler.to_str().unwrap(), "main.ts", "registry.ts"][..], &flags].concat();
    npm::run("node", &args, folder.path(), "").unwrap();
    assert_eq!(npm::run("node", &["main.js"], folder.path(), "").unwrap().trim(), EXPECTED);
}

fn the_client_of_python_reads() {
    let folder = tempfile::tempdir().unwrap();
    documents(folder.path());
    put(folder.path(), "registry.py", &types("python").unwrap());
    put(
        folder.path(),
        "main.py",
        r#"import os, sys
sys.path.insert(0, os.path.dirname(__file__))
os.chdir(os.path.dirname(__file__))
import registry
cell = registry.parse(open("cells.json").read()).cells["cell.alpha"]
assert isinstance(cell, registry.Cell) and cell.labels == {} and isinstance(cell.scps, list)
try:
    registry.parse(open("later.json").read())
    refused = "read"
except ValueError:
    refused = "refused"
for malformed in ["[]", "{}", '{"format_version": "1.0", "cells": 1}', '{"format_version": "1.0", "cells": {"a": {}}}', "{"]:
    try:
        registry.parse(malformed)
        refused = "read " + malformed
    except ValueError as error:
        if malformed in ["[]", "{}"] and "no JSON object with" not in str(error):
            refused = str(error)
print(cell.account_id, cell.kind, cell.region, refused)
"#,
    );
    let printed = aws::python(&folder.path().join("main.py"), &[], &[], "").unwrap();
    assert_eq!(printed.trim(), EXPECTED);
}

fn the_client_of_rust_compiles_and_reads() {
    let folder = tempfile::tempdir().unwrap();
    documents(folder.path());
    put(folder.path(), "src/registry.rs", &types("rust").unwrap());
    put(
        folder.path(),
        "Cargo.toml",
        "[package]\nname = \"client\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n\n[dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\n",
    );
    put(
        folder.path(),
        "src/main.rs",
        r#"#![deny(warnings, missing_docs)]
//! A client.
/// What was generated.
pub mod registry;
fn main() {
    let read = |path: &str| registry::parse(&std::fs::read_to_string(path).unwrap());
    let found = read("cells.json").unwrap();
    let cell = &found.cells["cell.alpha"];
    assert_eq!(cell.kind, registry::Kind::Alpha);
    let kind = serde_json::to_value(cell.kind).unwrap();
    let refused = if read("later.json").is_err() { "refused" } else { "read" };
    println!("{} {} {} {refused}", cell.account_id.as_deref().unwrap(), kind.as_str().unwrap(), cell.region);
}
"#,
    );
    // The versions that this repository is built with, which are there already.
    fs::copy(repository::root().join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    let target: PathBuf = binary::target().unwrap().join("client");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--target-dir"])
        .arg(&target)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), EXPECTED);
}

at_once! {
    published_and_read:
    cells_are_published_once_for_each_change,
    cells_are_published_in_the_bucket_of_the_record,
    nothing_is_published_before_an_apply,
    what_is_published_is_of_its_schema,
    the_client_of_typescript_compiles_and_reads,
    the_client_of_python_reads,
    the_client_of_rust_compiles_and_reads,
}
