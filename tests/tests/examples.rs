//! Every example: quiet, of the published form, and its expansion as it is pinned beside it.
//!
//! `UPDATE=1` writes the pins anew; read their difference before you commit it.

use cell_tests::binary::cellc;
use cell_tests::{diff, failures, report, repository, updating};
use serde_json::Value;

/// The commands print the same as is pinned, and warn of nothing.
#[test]
fn each_example_expands_as_it_is_pinned() {
    let examples = repository::examples();
    assert!(examples.len() >= 5, "{examples:?}");
    let failed = failures(&examples, |example| {
        let name = repository::short(example);
        let output = cellc(repository::root(), &["expand", &name, "--format", "json"], &[])?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || said.lines().any(|line| !line.contains("\"severity\":\"note\"")) {
            return Err(format!("{name} is not quiet:\n{said}"));
        }
        let found = String::from_utf8_lossy(&output.stdout).into_owned();
        let pin = example.join("expand.json");
        if updating() {
            return repository::write(&pin, &found);
        }
        let pinned = repository::read(&pin)?;
        diff::difference(&pinned, &found).map_or(Ok(()), |difference| Err(format!("{name}:\n{difference}")))
    });
    report(examples.len(), &failed);
}

/// The normal form is what its schema says, with and without origins.
#[test]
fn each_expansion_is_of_the_published_form() {
    let schema = repository::read(&repository::root().join("spec/schemas/expand.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut programs: Vec<String> = repository::examples().iter().map(|path| repository::short(path)).collect();
    programs.extend(["hello", "momento", "fleet300"].map(|name| format!("tests/cases/good/{name}.cell")));
    let failed = failures(&programs, |program| {
        for origins in ["false", "true"] {
            let environment = [("CELLC_ORIGINS", origins)];
            let output = cellc(repository::root(), &["expand", program, "--format", "json"], &environment)?;
            let value: Value =
                serde_json::from_slice(&output.stdout).map_err(|error| format!("{program}: {error}"))?;
            let faults: Vec<String> =
                validator.iter_errors(&value).take(5).map(|e| format!("{} at {}", e, e.instance_path())).collect();
            if !faults.is_empty() {
                return Err(format!("{program}, origins {origins}:\n{}", faults.join("\n")));
            }
        }
        Ok(())
    });
    report(programs.len(), &failed);
}

/// A form that is not the normal form is refused by the schema: it says something.
#[test]
fn the_schema_refuses_what_is_not_the_normal_form() {
    let schema = repository::read(&repository::root().join("spec/schemas/expand.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    let output = cellc(repository::root(), &["expand", "examples/hello", "--format", "json"], &[]).unwrap();
    let good: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(validator.is_valid(&good));
    for pointer in ["/format_version", "/source", "/entities/0/address", "/entities/0/span", "/resources/0/kind"] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = Value::from(7);
        assert!(!validator.is_valid(&bad), "{pointer} may be a number");
        let mut bad = good.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        assert!(!validator.is_valid(&bad), "{pointer} may be missing");
    }
}

/// Of every entity of the examples, and of a field of each, `explain` tells where it came from, in its form.
#[test]
fn explanations_are_of_the_published_form() {
    let schema = repository::read(&repository::root().join("spec/schemas/explain.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    let valid = |arguments: &[&str]| -> Result<(), String> {
        let output = cellc(repository::root(), arguments, &[])?;
        let value: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{arguments:?}: {error}\n{}", String::from_utf8_lossy(&output.stderr)))?;
        validator.validate(&value).map_err(|error| format!("{arguments:?}: {error} at {}", error.instance_path()))
    };
    let momento = repository::read(&repository::root().join("examples/momento/expand.json")).unwrap();
    let momento: Value = serde_json::from_str(&momento).unwrap();
    let entities = momento["entities"].as_array().unwrap();
    let mut subjects: Vec<String> = vec!["E0312".to_owned(), "deployment.cache/cell.alpha.stack".to_owned()];
    for entity in entities {
        let address = entity["address"].as_str().unwrap();
        let field = entity["fields"].as_object().unwrap().keys().next();
        subjects.extend(field.map(|field| format!("{address}.{field}")));
        subjects.push(address.to_owned());
    }
    let failed = failures(&subjects, |subject| valid(&["explain", subject, "examples/momento", "--format", "json"]));
    report(subjects.len(), &failed);
}
