//! Whole programs as they are given: the cases, the examples and the library are in canonical form.

use std::fs;
use std::path::{Path, PathBuf};

use super::form;

fn programs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            programs(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "cell") {
            found.push(path);
        }
    }
}

#[test]
fn the_programs_of_the_repository_are_in_canonical_form() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for folder in ["tests/cases/good", "examples", "std"] {
        programs(&repository.join(folder), &mut found);
    }
    assert!(found.len() >= 18, "only {} programs were found", found.len());
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(form(&text), text, "in {}", path.display());
    }
}
