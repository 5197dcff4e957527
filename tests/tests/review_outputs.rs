//! What a review is written as, held to what others say of these forms: the page in a real browser, SARIF by its
//! published schema, JSON by our own.

use std::path::PathBuf;
use std::process::Command;

use cell_eval::access::model::Review;
use cell_eval::access::{html, sarif};
use cell_tests::browser::{look, spoil};
use cell_tests::{binary, repository};
use serde_json::Value;

/// Words that the form of a review allows; all else is a name.
const WORDS: &[&str] = &["severity", "proof", "holds", "verdict", "side", "format_version", "until"];

/// A review with one of each kind of row, and the same one with every name hostile.
fn reviews() -> [Value; 2] {
    let text = repository::read(&repository::root().join("tests/browser/review.json")).unwrap();
    let plain: Value = serde_json::from_str(&text).unwrap();
    let mut hostile = plain.clone();
    spoil(&mut hostile, "", &|key, _| WORDS.contains(&key));
    [plain, hostile]
}

fn review(json: &Value) -> Review {
    serde_json::from_value(json.clone()).unwrap()
}

#[test]
fn the_page_of_a_review_is_sound_in_a_browser() {
    let [page, hostile] = reviews().map(|json| html::page(&review(&json)));
    look("review.mjs", &page, &hostile).unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn sarif_is_as_its_schema_says() {
    let schema = sarif_schema().unwrap_or_else(|why| panic!("{why}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    for json in reviews() {
        let log: Value = serde_json::from_str(&sarif::log(&review(&json))).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&log).map(|error| format!("{} at {}", error, error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        assert!(log["runs"][0]["results"].as_array().unwrap().len() > 5);
    }
}

/// OASIS's schema of SARIF 2.1.0, as the crate serde-sarif carries it: fetched, not built.
fn sarif_schema() -> Result<Value, String> {
    const MANIFEST: &str = "[package]\nname = \"sarif-schema\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n\n[dependencies]\nserde-sarif = \"=0.8.0\"\n\n[workspace]\n";
    let folder = binary::target()?.join("sarif-schema");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    repository::write(&folder.join("Cargo.toml"), MANIFEST)?;
    repository::write(&folder.join("lib.rs"), "")?;
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1"])
        .current_dir(&folder)
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the crate serde-sarif, which carries the schema, cannot be fetched:\n{said}"));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let package = packages.find(|package| package["name"] == "serde-sarif").ok_or("no package serde-sarif")?;
    let manifest = package["manifest_path"].as_str().ok_or("no path")?;
    let schema = repository::read(&PathBuf::from(manifest).with_file_name("src").join("schema.json"))?;
    // A pattern of it, of a member that we do not write, ends in a bracket that nothing opens.
    let mended = schema.replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}$");
    serde_json::from_str(&mended).map_err(|error| error.to_string())
}

#[test]
fn a_review_is_as_our_schema_says() {
    let schema = repository::read(&repository::root().join("spec/schemas/review.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let [plain, hostile] = reviews();
    let written = serde_json::to_value(review(&plain)).unwrap();
    assert_eq!(written, plain, "what is read is what was written");
    let errors: Vec<String> =
        validator.iter_errors(&written).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(!validator.is_valid(&hostile), "a fingerprint is no text of any kind");
}
